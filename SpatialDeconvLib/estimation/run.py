"""One estimation: its options, its passes over displacements, balance and neighbours, and the record of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import memory
from ..arrays.inner import dot
from ..arrays.threads import usable_processors
from ..arrays.watch import Watch
from ..errors import InputError, check_choice, is_auto
from ..kernels.centres import GivenCentre, centre_of, one_per_axis
from ..kernels.field import BoundField, KernelField
from ..kernels.shapes import identity_kernel
from ..methods.choices import CONSTRAINTS, ESTIMATION_METHODS, MEASURED_CENTRES, PENALTIES
from ..texts import mark as _
from .constrained import project
from .equations import Box, Equations, valid_box
from .fourier import divide
from .krylov import Penalty
from .neighbours import balanced, coupling, neighbour_graph
from .pair import Pair
from .record import Estimate
from .shift import MARGIN, between_voxels, centre_of_mass, coarse_shift, shifted
from .solve import MISSING, Fit, LeastSquares

SIGNED = ("non-negative", "simplex")

#: Steps of the iteration unless given; it nearly always stops by itself before.
STEPS = 300
#: A kernel counts as determined when its expected relative error is below this.
DETERMINED = 0.2
# A first answer that is uncertain by less than this tells how smooth a kernel is.
_KNOWN = 0.6
# Steps of a rough answer, and the share of the uncertainty to which it is found.
_ROUGH_STEPS = 80
_ROUGH = 0.3
# A residual of so many times the noise, and of so much of the blurred image's range, is told.
_UNEXPLAINED = 3.0
_VISIBLE = 2e-3
# A rough answer needs no more voxels than these.
_ROUGH_VOXELS = 1 << 18
# Displacements are sought until the kernel's centre of mass is this near its centre (voxels), or so often.
_CENTRED = 0.01
_REGISTRATIONS = 5


# --------------------------------------------------------------------------------------------- options


@dataclass
class Options:
    method: str
    constraint: str | None
    regularization: float | None
    penalty: str
    register: bool
    gain: bool
    offset: bool
    steps: int
    begun: float
    centre: GivenCentre = "itk"

    @classmethod
    def checked(
        cls,
        method: str,
        constraint: str | None,
        regularization: float | str,
        penalty: str,
        register: bool,
        gain: bool,
        offset: bool,
        iterations: int | None,
        centre: GivenCentre = "itk",
    ) -> Options:
        check_choice(method, ESTIMATION_METHODS, "method")
        check_choice(penalty, PENALTIES, "penalty")
        for word in centre if one_per_axis(centre) else [centre]:  # others show only when the kernel is known
            check_choice(word, MEASURED_CENTRES, "centre")
        weight = None
        if not is_auto(regularization):
            weight = _number(regularization, "regularization", "'auto' or a weight of at least 0")
        steps = STEPS if iterations is None else _number(iterations, "iterations", "a whole number, at least 1")
        if steps != int(steps) or steps < 1:
            raise InputError(f"iterations {iterations!r} must be a whole number, at least 1, or None")
        return cls(
            method, constraint, weight, penalty, bool(register), bool(gain), bool(offset), int(steps),
            time.perf_counter(), centre,
        )  # fmt: skip


def _number(value: Any, name: str, wanted: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} {value!r} must be {wanted}") from error
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name} {value!r} must be {wanted}")
    return number


def strength_of(neighbours: Any) -> float | None:
    """nu, or None for "auto"."""
    if is_auto(neighbours):
        return None
    return _number(neighbours, "neighbours", "'auto' or a strength of at least 0")


def constraint_of(constraint: Any, keyed: Keyed | None = None) -> str | None:
    """The constraint that is meant by "auto", and none where it says nothing about a single kernel.

    Where the original's own intensity chooses, the pair does not tell how much of a kernel lies in its sum (see
    `estimate_kernels`).
    """
    if constraint is None:
        return None
    if constraint == "auto":
        own = keyed is not None and keyed.field.key == "intensity" and keyed.guide is None
        constraint = "equal-sums" if own else None
    else:
        check_choice(constraint, (*CONSTRAINTS, "auto"), "constraint")
    return None if keyed is None and constraint == "equal-sums" else constraint


def key_field(keys: Any, pair: Pair) -> KernelField:
    """The keys as a field of placeholders for the kernels."""
    placeholder = identity_kernel(pair.spacing, ndim=pair.original.ndim)
    if isinstance(keys, KernelField):
        return replace(keys, kernels=(placeholder,) * len(keys.kernels))
    try:
        levels = list(keys)
    except TypeError as error:
        raise InputError(f"keys {keys!r} must be a KernelField or a sequence of levels") from error
    return KernelField.by_intensity([(level, placeholder) for level in levels])


def key_name(at: Any) -> str:
    return f"{at:g}" if isinstance(at, float) else str(at)


# ----------------------------------------------------------------------------------------------- a run


@dataclass
class Keyed:
    """What chooses among the kernels of a field."""

    field: KernelField
    guide: np.ndarray | None
    model: str
    strength: float | None

    def bind(self, pair: Pair, original: np.ndarray) -> BoundField:
        """The keys on the images' grid; the original that chooses moves with its displacement."""
        if self.guide is None and self.field.key == "intensity":
            return self.field.bind(original, pair.spacing)
        guide = pair.original if self.guide is None else np.asarray(self.guide)
        if guide.shape != pair.original.shape:
            raise InputError(
                f"the guide has shape {guide.shape}, the images {pair.original.shape}; they must agree", "guide"
            )
        return self.field.bind(guide, pair.spacing)


@dataclass
class Answer:
    kernels: np.ndarray
    estimate: Estimate

    def record(self, pair: Pair) -> Estimate:
        self.estimate.warnings = [*pair.warnings, *self.estimate.warnings]
        return self.estimate


class Estimation:
    """One pair, one kernel shape, one kernel or a field of them."""

    def __init__(self, pair: Pair, shape: tuple[int, ...], options: Options, keyed: Keyed | None = None):
        self.pair, self.shape, self.options, self.keyed = pair, shape, options, keyed
        self.workers = usable_processors()
        self.warnings: list[str] = []
        self.count = 1 if keyed is None else len(keyed.field.kernels)
        self.share = np.ones(1)
        self.centre = centre_of(np.ones(shape), options.centre)
        #: By how much the image has to be displaced for n // 2 to be the centre.
        self.offset = tuple(n // 2 - place for n, place in zip(shape, self.centre, strict=True))
        if options.method == "fourier" and pair.mask is not None:
            raise InputError("method 'fourier' takes no mask; use method 'least-squares'")

    # -- the whole

    def run(self, watch: Watch) -> Answer:
        shift = (0.0,) * len(self.shape)
        if not self.options.register:
            return self._finished(*self._pass(shift, watch), shift)
        shift = tuple(
            float(s) for s in coarse_shift(self.pair.original, self.pair.blurred, self.pair.mask, self.workers)
        )
        for _number, part in watch.part(0.0, 0.5).parts(range(_REGISTRATIONS)):
            found = self._pass(shift, part, rough=True)
            centre = self._centre(found[1])
            if max(map(abs, centre)) < _CENTRED:
                break
            shift = tuple(s + c for s, c in zip(shift, centre, strict=True))
            self._check_shift(shift)
        return self._finished(*self._pass(shift, watch.part(0.5, 1.0)), shift)

    def _centre(self, fit: Fit) -> tuple[float, ...]:
        centres = np.array([centre_of_mass(h) for h in fit.kernels])
        weights = self.share * (fit.kernels.reshape(self.count, -1).sum(axis=1) > 0)
        centre = weights @ centres / max(weights.sum(), 1e-300)
        axes = zip(centre, self.offset, self.shape, strict=True)
        return tuple(float(c + offset) if n > 1 else 0.0 for c, offset, n in axes)

    def _check_shift(self, shift: Sequence[float]) -> None:
        for s, n in zip(shift, self.pair.original.shape, strict=True):
            if abs(s) > n / 2:
                raise InputError(
                    f"register found a displacement of {s:.1f} voxels in images of shape "
                    f"{self.pair.original.shape}; the images do not show the same object, or register them first"
                )

    def _pass(self, shift: Sequence[float], watch: Watch, rough: bool = False) -> tuple[Subproblem, Fit]:
        """Estimate with the original displaced by `shift` voxels."""
        problem = Subproblem.make(self, shift, watch)
        self.share = problem.shares
        if self.options.method == "fourier":
            return problem, problem.divide()
        return problem, problem.solve(rough)

    def _finished(self, problem: Subproblem, fit: Fit, shift: tuple[float, ...]) -> Answer:
        options, pair = self.options, self.pair
        uncertainty = fit.uncertainty()
        determined = (uncertainty < DETERMINED) & (self.share > 0)
        self._judge(fit, uncertainty, determined)
        unknowns = self.count * math.prod(self.shape)
        if problem.equations.voxels < unknowns:
            self.warnings.append(
                _(
                    "{voxels} voxels count for {unknowns} unknowns: the penalty decides the rest, and the "
                    "uncertainty is too low; give larger images or a smaller shape"
                ).format(voxels=problem.equations.voxels, unknowns=unknowns)
            )
        kernels = self._filled(fit.kernels, determined)
        predicted = problem.equations.forward(kernels) + problem.rest
        offset = problem.offset(predicted) if options.offset else 0.0
        predicted += offset
        difference = problem.equations.counted_values(problem.target - predicted)
        noise = pair.noise_of(fit.sigma)
        residual = float(np.sqrt(np.mean(np.square(difference)))) / noise
        self._judge_residual(residual, residual * noise, pair.span)
        gain = 1.0
        if options.gain:
            gain, kernels = self._gain(kernels)
        one = self.keyed is None
        history = [math.sqrt(s / problem.equations.voxels) / noise for s in fit.squares]
        estimate = Estimate(
            method=options.method,
            residual=residual,
            noise=noise,
            regularization=fit.weight / problem.scale,
            iterations=fit.steps,
            history=[*history, residual] if options.constraint in SIGNED else history,
            gain=gain,
            offset=offset,
            shift=tuple(s * h for s, h in zip(shift, pair.spacing, strict=True)),
            uncertainty=float(uncertainty[0]) if one else uncertainty,
            condition=fit.condition,
            predicted=predicted,
            valid=problem.valid,
            seconds=time.perf_counter() - options.begun,
            warnings=self.warnings,
            determined=None if one else determined,
            share=None if one else self.share,
        )
        return Answer(kernels, estimate)

    def _gain(self, kernels: np.ndarray) -> tuple[float, np.ndarray]:
        sums = kernels.reshape(self.count, -1).sum(axis=1)
        gain = float(self.share @ sums)
        if not abs(gain) > 1e-6 * float(np.abs(kernels).sum()):
            raise InputError(
                f"the gain cannot be told: the estimated kernels sum to {gain:g}; set gain=False to get them "
                "as they are"
            )
        return gain, kernels / gain

    def _judge(self, fit: Fit, uncertainty: np.ndarray, determined: np.ndarray) -> None:
        """Refuse or report what the data do not determine."""
        if self.keyed is None:
            if fit.missing[0] >= MISSING:
                raise InputError(
                    f"the original does not determine a kernel of shape {self.shape}: {fit.missing[0]:.0%} of what "
                    "it could be leaves the image unchanged; give an original with structure in every direction, "
                    "or a smaller shape"
                )
            if not determined[0]:
                self.warnings.append(
                    _(
                        "the kernel is uncertain by {share:.0%}: give a longer exposure (less noise), an original "
                        "with more edges, or a smaller shape"
                    ).format(share=uncertainty[0])
                )
            return
        if np.all((fit.missing >= MISSING) | (self.share == 0)):
            raise InputError(
                f"the data determine none of the {self.count} kernels; give images with more structure and less "
                "noise, fewer kernels, or a smaller shape"
            )
        for at, sure, error in zip(self.keyed.field.at, determined, uncertainty, strict=True):
            if not sure:
                text = _("the data do not determine the kernel at {at} (without any evidence)")
                if np.isfinite(error):
                    text = _("the data do not determine the kernel at {at} (uncertain by {error:.0%})")
                self.warnings.append(text.format(at=key_name(at), error=error))

    def _judge_residual(self, residual: float, left: float, span: float) -> None:
        if residual > _UNEXPLAINED and left > _VISIBLE * span:
            along = [name for name in ("register", "gain", "offset") if not getattr(self.options, name)]
            remedy = _(", or estimate {names} along").format(names=", ".join(along)) if along else ""
            text = _(
                "the residual is {residual:.3g} times the noise: the kernels do not explain the blurred image; "
                "check that the two are a pair, what chooses the kernels, and clipped values{remedy}"
            )
            self.warnings.append(text.format(residual=residual, remedy=remedy))

    def _filled(self, kernels: np.ndarray, determined: np.ndarray) -> np.ndarray:
        """Replace kernels that came out as nothing by the nearest one that is determined."""
        empty = ~kernels.reshape(self.count, -1).any(axis=1)
        if self.keyed is not None and self.keyed.strength == 0:  # nothing but the penalty and the sum made these
            empty |= self.share == 0
        if not empty.any():
            return kernels
        if empty.all() or self.keyed is None:
            raise InputError(
                f"no kernel that is {self.options.constraint or 'not zero'} turns the original into the blurred "
                "image; check that they show the same, or set constraint=None"
            )
        kernels = kernels.copy()
        graph = neighbour_graph(self.keyed.field)
        for k in np.flatnonzero(empty):
            known = np.flatnonzero(determined if determined.any() else ~empty)
            # The nearest: the strongest neighbour, else the closest in order.
            _strength, _distance, nearest = min((-graph[k, j], abs(int(j) - int(k)), j) for j in known)
            kernels[k] = kernels[nearest]
            here, there = (key_name(self.keyed.field.at[j]) for j in (k, nearest))
            self.warnings.append(_("the kernel at {here} is that at {there}").format(here=here, there=there))
        return kernels


@dataclass
class Subproblem:
    """The equations for one displacement of the original, or for a part of the images."""

    owner: Estimation
    original: np.ndarray
    blurred: np.ndarray
    mask: np.ndarray | None
    weights: Callable[[int], np.ndarray] | None
    unblurred: np.ndarray | float  # what the voxels without a kernel contribute
    place: tuple[int, ...]  # in the blurred image
    watch: Watch

    @classmethod
    def make(cls, owner: Estimation, shift: Sequence[float], watch: Watch) -> Subproblem:
        """The equations for the original displaced by `shift` voxels."""
        pair = owner.pair
        original, box = shifted(pair.original, shift, owner.shape)
        if any(n < m for n, m in zip(original.shape, owner.shape, strict=True)):
            raise InputError(
                f"displaced by {[round(s, 2) for s in shift]} voxels, the images overlap in {original.shape} "
                f"voxels only, less than the kernel's {owner.shape}; register them first or give a smaller shape"
            )
        weights, unblurred = None, 0.0
        if owner.keyed is not None:
            bound = owner.keyed.bind(pair, original)

            def weights(k: int) -> np.ndarray:
                return bound.weight(k)[box] if bound.shape != original.shape else bound.weight(k)

            if len(bound) > owner.count:
                unblurred = weights(owner.count) * original
        mask = None if pair.mask is None else pair.mask[box]
        place = tuple(b.start for b in box)
        return cls(owner, original, pair.blurred[box], mask, weights, unblurred, place, watch)

    def part(self) -> Subproblem:
        """The middle of the images, when they are large: enough for a rough answer."""
        size, ndim = self.original.shape, self.original.ndim
        share = (_ROUGH_VOXELS / self.original.size) ** (1 / ndim)
        if share > 0.8:
            return self
        least = [4 * m for m in self.owner.shape]
        box = tuple(
            slice((n - m) // 2, (n - m) // 2 + m)
            for n, m in ((n, min(n, max(round(share * n), k))) for n, k in zip(size, least, strict=True))
        )
        weights = self.weights
        cropped = Subproblem(
            self.owner,
            self.original[box],
            self.blurred[box],
            None if self.mask is None else self.mask[box],
            None if weights is None else lambda k: weights(k)[box],
            self.unblurred[box] if isinstance(self.unblurred, np.ndarray) else 0.0,
            tuple(p + b.start for p, b in zip(self.place, box, strict=True)),
            self.watch,
        )
        counted = cropped.mask is None or cropped.mask[cropped.region].any()
        return cropped if counted and np.ptp(cropped.original) > 0 else self

    # -- what follows from it

    @cached_property
    def region(self) -> Box:
        return valid_box(self.original.shape, self.owner.shape)

    @cached_property
    def equations(self) -> Equations:
        mask = None if self.mask is None else self.mask[self.region]
        if any(self.owner.offset):
            mask = self._known() if mask is None else mask & self._known()
        if mask is not None and not mask.any():
            raise InputError(
                f"the mask selects none of the voxels that lie at least half a kernel of {self.owner.shape} inside "
                "the image; give a larger mask or a smaller shape"
            )
        counted = self.target if mask is None else self.target[mask]
        if np.ptp(counted) <= 1e-12 * np.abs(counted).max():
            raise InputError(
                f"the blurred image is constant ({counted.flat[0]:g}) wherever a kernel of {self.owner.shape} "
                "stays inside the original; give larger images or a smaller shape"
            )
        self._require_memory()
        return Equations(
            self.original,
            self.owner.shape,
            weights=self.weights,
            displaced=self.displaced,
            count=self.owner.count,
            model="detector" if self.owner.keyed is None else self.owner.keyed.model,
            mask=mask,
            centred=self.options.offset,
            workers=self.owner.workers,
        )

    def displaced(self, image: np.ndarray) -> np.ndarray:
        """What a kernel meets, so that its index n // 2 is its centre."""
        return between_voxels(image, self.owner.offset)

    def _known(self) -> np.ndarray:
        """The voxels of the valid region that depend on what is known well of the displaced image."""
        size = [s.stop - s.start for s in self.region]
        known = np.zeros(size, bool)
        margins = [min(MARGIN, n // 4) if offset else 0 for n, offset in zip(size, self.owner.offset, strict=True)]
        known[tuple(slice(m, n - m) for m, n in zip(margins, size, strict=True))] = True
        return known

    def _require_memory(self) -> None:
        owner, voxels = self.owner, self.original.size
        spectra = 1 if owner.keyed is None or owner.keyed.model == "detector" else owner.count
        threads = min(owner.workers, owner.count)
        images = 8 * (spectra + 4 + 3 * threads) + (4 * owner.count if spectra == 1 and owner.count > 1 else 0)
        vectors = (owner.options.steps + 60) * owner.count * math.prod(owner.shape)
        memory.require(
            images * voxels + 8 * vectors,
            f"{owner.count} kernels of {owner.shape} from images of {self.original.shape} voxels; give a part of "
            "the images that holds structure, a smaller shape or fewer iterations",
        )

    @cached_property
    def target(self) -> np.ndarray:
        """y on the valid region."""
        return self.blurred[self.region]

    @property
    def rest(self) -> np.ndarray | float:
        return self.unblurred[self.region] if isinstance(self.unblurred, np.ndarray) else 0.0

    @property
    def valid(self) -> Box:
        """The valid region in the blurred image."""
        return tuple(slice(p + r.start, p + r.stop) for p, r in zip(self.place, self.region, strict=True))

    @cached_property
    def scale(self) -> float:
        """The unit of the penalty's weight."""
        return self.equations.voxels * float(self.original.var())

    @cached_property
    def shares(self) -> np.ndarray:
        """Each kernel's share of the evidence: the original's deviation from its mean (source model: from zero)
        where the kernel applies, squared, by squared weight."""
        if self.weights is None or self.owner.keyed is None:
            return np.ones(1)
        # What a kernel that sums to about 1 does to a constant is no news; but a kernel keyed to where the signal
        # comes from acts on nothing where there is no signal.
        detector = self.owner.keyed.model == "detector"
        deviation = np.square(self.original - (self.original.mean() if detector else 0.0))
        evidence = np.empty(self.owner.count)
        for k in range(self.owner.count):
            part = np.square(self.weights(k), dtype=np.float64) * deviation
            evidence[k] = float((part[self.region] if detector else part).sum())
        total = evidence.sum()
        if not total > 0:
            raise InputError(
                "no voxel with structure takes one of the kernels; check the keys against the original"
            )
        return evidence / total

    @property
    def options(self) -> Options:
        return self.owner.options

    @property
    def _signed(self) -> bool:
        return self.options.constraint in SIGNED

    @property
    def _sums(self) -> str | None:
        """What the kernels sum to, as `LeastSquares` has it. A gain is what they all sum to."""
        if self.options.constraint not in ("equal-sums", "sum-one", "simplex"):
            return None
        if self.options.constraint != "equal-sums" and not self.options.gain:
            return "one"
        return "equal" if self.owner.count > 1 else None

    def solve(self, rough: bool) -> Fit:
        """Estimate the kernels; `rough` ones are good enough to see where their centres lie."""
        if rough:
            return self.part()._solve(None, self.watch, rough=True)
        keyed = self.owner.keyed
        if keyed is None or self.owner.count == 1:
            return self._solve(None, self.watch)
        # A wide kernel is smoother than a narrow one by orders of magnitude, and so must be what is expected of
        # it. A first, rough answer tells.
        part = self.part()
        first = part._solve(None, self.watch.part(0.0, 0.3), rough=True, signs=False)
        known = (first.uncertainty() < _KNOWN) & (part.shares > 0)
        balance = balanced(self._penalty(None).roughness(first.kernels), known)
        graph = neighbour_graph(keyed.field)
        if keyed.strength is not None:
            return self._solve(coupling(balance, graph, keyed.strength), self.watch.part(0.3, 1.0))
        alone = np.diag(balance)
        second = self._solve(alone, self.watch.part(0.3, 0.7), signs=False)
        vague = (second.uncertainty() >= DETERMINED) | (self.shares == 0)
        rest = self.watch.part(0.7, 1.0)
        if vague.all() or not vague.any():
            return self._with_signs(second, alone, rest)
        return self._solve(coupling(balance, graph, 1.0, vague), rest, known=second)

    def _penalty(self, couple: np.ndarray | None) -> Penalty:
        return Penalty(self.owner.shape, self.owner.pair.spacing, self.options.penalty, couple)

    def _solve(
        self,
        couple: np.ndarray | None,
        watch: Watch,
        *,
        rough: bool = False,
        signs: bool = True,
        known: Fit | None = None,
    ) -> Fit:
        """One solution with the penalties coupled by `couple`."""
        options = self.options
        signs = signs and self._signed
        problem = self._least_squares(couple, watch.part(0.0, 0.5) if signs else watch)
        weight = None if options.regularization is None else options.regularization * self.scale
        if known is not None:
            weight = known.weight
        limit = min(options.steps, _ROUGH_STEPS) if rough else options.steps
        slack = {"slack": _ROUGH} if rough else {}
        fit = problem.fit(weight, limit, known=known, **slack)
        return self._with_signs(fit, couple, watch.part(0.5, 1.0)) if signs else fit

    def _with_signs(self, fit: Fit, couple: np.ndarray | None, watch: Watch) -> Fit:
        """A fit whose kernels are not negative, if that is wanted."""
        if not self._signed:
            return fit
        total = {None: None, "one": 1.0, "equal": float(fit.kernels.sum()) / self.owner.count}[self._sums]
        problem = self._least_squares(couple, watch)
        return problem.constrained(fit, 4 * self.options.steps, total)

    def _least_squares(self, couple: np.ndarray | None, watch: Watch) -> LeastSquares:
        data = self.equations.counted(self.target - self.rest)
        return LeastSquares(self.equations, data, self._penalty(couple), self._sums, watch)

    def divide(self) -> Fit:
        owner, options = self.owner, self.options
        weight = None if options.regularization is None else options.regularization * self.scale
        found = divide(
            self.displaced(self.original), self.blurred, owner.shape, owner.pair.spacing, options.penalty, weight,
            owner.workers,
        )  # fmt: skip
        self.watch.step(0.9, "divided")
        kernels = found.kernel[None]
        constraint = options.constraint
        if constraint is not None and options.gain:  # the sum is the gain
            constraint = "non-negative" if self._signed else None
        if constraint is not None:
            kernels = project(kernels, constraint)
        difference = self.equations.counted(self.target - self.equations.forward(kernels))
        square = dot(difference, difference)
        sigma = math.sqrt(square / self.equations.voxels)
        return Fit(
            kernels=kernels,
            weight=found.weight,
            steps=1,
            squares=[square],
            degrees=0.0,
            spread=np.array([sigma * found.amplification]),
            unknown=np.zeros(1),
            missing=np.zeros(1),
            condition=found.condition,
            sigma=sigma,
        )

    def offset(self, predicted: np.ndarray) -> float:
        return float(self.equations.counted_values(self.target - predicted).mean())
