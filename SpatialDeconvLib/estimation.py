"""Kernels measured from an original and its blurred image.

`estimate_kernel` finds the one kernel h of y = h * x, `estimate_kernels` all kernels of a field at once. Both
solve the least-squares problem on the voxels of y that depend on nothing outside x, so that edges need no
assumption; see `estimation_equations` (the equations), `estimation_krylov` (the penalty and its weight),
`estimation_constrained` (signs and sums) and `estimation_fourier` (regularised division).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .errors import Cancelled, InputError, check_choice
from .estimation_equations import Box, Equations
from .estimation_fourier import divide
from .estimation_krylov import Penalty
from .estimation_neighbours import balanced, coupling, neighbour_graph
from .estimation_pair import Pair, kernel_shape
from .estimation_record import Estimate, EstimatedField, EstimatedKernel
from .estimation_shift import NEGLIGIBLE, centre_of_mass, coarse_shift, shifted
from .estimation_solve import UNKNOWN, Fit, LeastSquares
from .fftfilters import usable_processors
from .fields import BoundField, KernelField
from .kernels import Kernel, Spacing, identity_kernel
from .operators import MODELS

METHODS = ("least-squares", "fourier")
CONSTRAINTS = ("non-negative", "sum-one", "simplex")
PENALTIES = ("gradient", "identity")

Progress = Callable[[float, str], object]
IsCancelled = Callable[[], bool]

#: Steps of the iteration unless given; it nearly always stops by itself before.
STEPS = 300
#: A kernel counts as determined when its expected relative error is below this.
DETERMINED = 0.2
# A first answer that is uncertain by less than this tells how smooth a kernel is.
_KNOWN = 0.6
# Steps of a rough answer, and the share of the uncertainty to which it is found.
_ROUGH_STEPS = 80
_ROUGH = 0.3
_REGISTRATIONS = 5


def estimate_kernel(
    original: np.ndarray,
    blurred: np.ndarray,
    shape: int | Sequence[int],
    *,
    spacing: Spacing | None = None,
    method: str = "least-squares",
    constraint: str | None = None,
    regularization: float | str = "auto",
    penalty: str = "gradient",
    noise: float | str = "auto",
    mask: np.ndarray | str | None = None,
    register: bool = False,
    gain: bool = False,
    offset: bool = False,
    iterations: int | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> EstimatedKernel:
    r"""Estimate the kernel that turns one image into another, blurred = kernel * original + noise.

    Method "least-squares" minimises

    .. math:: \tfrac12 \sum_{i \in V} (y_i - (h*x)_i)^2 + \tfrac{\lambda}{2} \sigma_x^2 |V| \, |L h|^2

    over the voxels V of y that depend on nothing outside x and that the mask lets count; L is the identity or
    the gradient (with h zero beyond its support). Without constraints by Lanczos' process, which is conjugate
    gradients for all weights of the penalty at once; with them by accelerated projected gradients (FISTA,
    restarted) and conjugate gradients among the voxels that are not zero.

    Method "fourier" divides regularised spectra; fast, and right when both images vanish (or are flat) towards
    their border.

    Parameters
    ----------
    original, blurred : ndarray, 2-D (j, i) or 3-D (k, j, i)
        x and y, on one grid.
    shape : int or sequence of int
        Of the kernel in voxels, odd or even; one number for all axes longer than one voxel. Its centre is
        index n // 2.
    spacing : float or sequence of float
        Voxel size in mm.
    method : {"least-squares", "fourier"}
    constraint : {None, "non-negative", "sum-one", "simplex"}
        "simplex" is non-negative and of sum 1. Method "fourier" projects its result.
    regularization : float or "auto"
        The weight lambda, free of the images' units; "auto" takes the smallest score of generalised
        cross-validation, 0 takes none.
    penalty : {"gradient", "identity"}
    noise : float or "auto"
        Standard deviation of y's noise; `Estimate.residual` is relative to it. It does not change the kernel.
    mask : ndarray, "unsaturated" or None
        The voxels of y that count (not 0). "unsaturated" leaves out those at exactly y's maximum.
    register : bool
        Estimate the displacement of y's content as well, whole voxels and fractions; the kernel's centre of
        mass then lies at its centre.
    gain : bool
        Estimate a factor between the images: the kernel sums to 1 and `Estimate.gain` is the factor. Otherwise
        the kernel's sum contains it.
    offset : bool
        Estimate a constant added to y.
    iterations : int, optional
        Most steps; it stops by itself, nearly always before the 300 that it may take otherwise.
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional

    Returns
    -------
    EstimatedKernel
        A `Kernel` with the attribute `estimate`, an `Estimate`.

    Raises
    ------
    InputError
        If the images differ in shape, are constant or hold NaN; if the kernel does not fit into the images; if
        the original does not determine a kernel (structure along one axis only, say); if an option is unknown
        or impossible.
    Cancelled
        If `cancelled` returned true.
    """
    options = _Options.checked(
        method, constraint, regularization, penalty, register, gain, offset, iterations, progress, cancelled
    )
    pair = Pair.checked(original, blurred, spacing, mask, noise)
    size = kernel_shape(shape, pair.original.shape)
    options.report(0.0, "estimating a kernel")
    result = _Estimation(pair, size, options).run()
    options.report(1.0, "kernel estimated")
    return EstimatedKernel(result.kernels[0], pair.spacing, "estimated kernel", estimate=result.record(pair))


def estimate_kernels(
    original: np.ndarray,
    blurred: np.ndarray,
    keys: KernelField | Sequence[float],
    shape: int | Sequence[int],
    *,
    model: str = "detector",
    guide: np.ndarray | None = None,
    neighbours: float | str = "auto",
    spacing: Spacing | None = None,
    constraint: str | None = None,
    regularization: float | str = "auto",
    penalty: str = "gradient",
    noise: float | str = "auto",
    mask: np.ndarray | str | None = None,
    register: bool = False,
    gain: bool = False,
    offset: bool = False,
    iterations: int | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> EstimatedField:
    r"""Estimate all kernels of a field from one pair of images, jointly.

    With the weights w_k that the keys give, the equations are

        detector model:  y = sum_k w_k (h_k * x)        source model:  y = sum_k h_k * (w_k x)

    linear in the kernels in both; they are solved like those of `estimate_kernel`, without forming a matrix,
    under the penalty

    .. math:: \sum_k |L h_k|^2 + \nu \sum_{(k,l)} a_{kl} |L (h_k - h_l)|^2

    over pairs of neighbours: adjacent levels (a_kl falls with their distance), the nearest positions, or all
    pairs of regions or weight images.

    Parameters
    ----------
    original, blurred, shape, spacing, constraint, regularization, penalty, noise, mask, register, offset
        As for `estimate_kernel`.
    keys : KernelField or sequence of float
        What chooses the kernels; the field's own kernels are ignored, and where it leaves voxels unchanged they
        count as unblurred. Numbers are levels of intensity, linear in between.
    model : {"detector", "source"}
    guide : ndarray, optional
        The image whose values choose, for keys of intensity; the original unless given.
    neighbours : float or "auto"
        nu. 0 estimates every kernel by itself; "auto" lets the kernels that the data do not determine follow
        their neighbours and leaves the others alone.
    gain : bool
        As for `estimate_kernel`: the mean of the kernels' sums, by their share of the evidence, is divided out.
    iterations, progress, cancelled
        As for `estimate_kernel`.

    Returns
    -------
    EstimatedField
        A `KernelField` like `keys` with the kernels found, and with the attribute `estimate`, an `Estimate`
        that says which of them the data determine.

    Raises
    ------
    InputError
        As for `estimate_kernel`, or if the data determine none of the kernels.
    Cancelled
        If `cancelled` returned true.
    """
    options = _Options.checked(
        "least-squares",
        constraint,
        regularization,
        penalty,
        register,
        gain,
        offset,
        iterations,
        progress,
        cancelled,
    )
    check_choice(model, MODELS, "model")
    pair = Pair.checked(original, blurred, spacing, mask, noise)
    size = kernel_shape(shape, pair.original.shape)
    field_ = _keys(keys, pair)
    strength = _strength(neighbours)
    options.report(0.0, "estimating kernels")
    result = _Estimation(pair, size, options, _Keyed(field_, guide, model, strength)).run()
    options.report(1.0, "kernels estimated")
    kernels = tuple(
        Kernel(h, pair.spacing, f"estimated kernel at {_label(at)}")
        for h, at in zip(result.kernels, field_.at, strict=True)
    )
    values = {name: getattr(field_, name) for name in KernelField.__dataclass_fields__} | {"kernels": kernels}
    return EstimatedField(**values, estimate=result.record(pair))


# --------------------------------------------------------------------------------------------- options


@dataclass
class _Options:
    method: str
    constraint: str | None
    regularization: float | None
    penalty: str
    register: bool
    gain: bool
    offset: bool
    steps: int
    progress: Progress
    cancelled: IsCancelled
    begun: float
    highest: float = 0.0

    @classmethod
    def checked(
        cls, method, constraint, regularization, penalty, register, gain, offset, iterations, progress, cancelled
    ) -> _Options:
        check_choice(method, METHODS, "method")
        if constraint is not None:
            check_choice(constraint, CONSTRAINTS, "constraint")
        check_choice(penalty, PENALTIES, "penalty")
        weight = None
        if not (isinstance(regularization, str) and regularization == "auto"):
            weight = _number(regularization, "regularization", "'auto' or a weight of at least 0")
        if iterations is not None and (
            isinstance(iterations, bool) or iterations != int(iterations) or iterations < 1
        ):
            raise InputError(f"iterations {iterations!r} must be a whole number, at least 1, or None")
        return cls(
            method, constraint, weight, penalty, bool(register), bool(gain), bool(offset), iterations or STEPS,
            progress or (lambda fraction, text: None), cancelled or (lambda: False), time.perf_counter(),
        )  # fmt: skip

    def report(self, fraction: float, text: str) -> None:
        """Tell the progress, which never falls; stop when asked to."""
        if self.cancelled():
            raise Cancelled
        self.highest = max(self.highest, min(fraction, 1.0))
        self.progress(self.highest, text)


def _number(value: Any, name: str, wanted: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} {value!r} must be {wanted}") from error
    if not (math.isfinite(number) and number >= 0):
        raise InputError(f"{name} {value!r} must be {wanted}")
    return number


def _strength(neighbours: Any) -> float | None:
    """nu, or None for "auto"."""
    if isinstance(neighbours, str) and neighbours == "auto":
        return None
    return _number(neighbours, "neighbours", "'auto' or a strength of at least 0")


def _keys(keys: Any, pair: Pair) -> KernelField:
    """The keys as a field of placeholders for the kernels."""
    placeholder = identity_kernel(pair.spacing, ndim=pair.original.ndim)
    if isinstance(keys, KernelField):
        return replace(keys, kernels=(placeholder,) * len(keys.kernels))
    try:
        levels = list(keys)
    except TypeError as error:
        raise InputError(f"keys {keys!r} must be a KernelField or a sequence of levels") from error
    return KernelField.by_intensity([(level, placeholder) for level in levels])


def _label(at: Any) -> str:
    return f"{at:g}" if isinstance(at, float) else str(at)


# ----------------------------------------------------------------------------------------------- a run


@dataclass
class _Keyed:
    """What chooses among the kernels of a field."""

    field: KernelField
    guide: np.ndarray | None
    model: str
    strength: float | None


@dataclass
class _Result:
    kernels: np.ndarray
    estimate: Estimate

    def record(self, pair: Pair) -> Estimate:
        self.estimate.warnings = [*pair.warnings, *self.estimate.warnings]
        return self.estimate


class _Estimation:
    """One pair, one kernel shape, one kernel or a field of them."""

    def __init__(self, pair: Pair, shape: tuple[int, ...], options: _Options, keyed: _Keyed | None = None):
        self.pair, self.shape, self.options, self.keyed = pair, shape, options, keyed
        self.workers = usable_processors()
        self.warnings: list[str] = []
        self.count = 1 if keyed is None else len(keyed.field.kernels)
        self.share = np.ones(1)
        if options.method == "fourier" and pair.mask is not None:
            raise InputError("method 'fourier' takes no mask; use method 'least-squares'")
        pair.valid_mask(shape)

    # -- the whole

    def run(self) -> _Result:
        shift = (0.0,) * len(self.shape)
        if not self.options.register:
            return self._finished(*self._pass(shift, 0.0, 1.0), shift)
        shift = tuple(
            float(s) for s in coarse_shift(self.pair.original, self.pair.blurred, self.pair.mask, self.workers)
        )
        for number in range(_REGISTRATIONS):
            found = self._pass(shift, 0.5 * number / _REGISTRATIONS, 0.5 / _REGISTRATIONS, rough=True)
            centre = self._centre(found[1])
            if max(map(abs, centre)) < 2 * NEGLIGIBLE:
                break
            shift = tuple(s + c for s, c in zip(shift, centre, strict=True))
            self._check_shift(shift)
        return self._finished(*self._pass(shift, 0.5, 0.5), shift)

    def _centre(self, fit: Fit) -> tuple[float, ...]:
        centres = np.array([centre_of_mass(h) for h in fit.kernels])
        weights = self.share * (fit.kernels.reshape(self.count, -1).sum(axis=1) > 0)
        centre = weights @ centres / max(weights.sum(), 1e-300)
        return tuple(float(c) if n > 1 else 0.0 for c, n in zip(centre, self.shape, strict=True))

    def _check_shift(self, shift: Sequence[float]) -> None:
        for s, n in zip(shift, self.pair.original.shape, strict=True):
            if abs(s) > n / 2:
                raise InputError(
                    f"register found a displacement of {s:.1f} voxels in images of shape "
                    f"{self.pair.original.shape}; the images do not show the same object, or register them first"
                )

    def _pass(
        self, shift: Sequence[float], begun: float, share: float, rough: bool = False
    ) -> tuple[_Problem, Fit]:
        """Estimate with the original displaced by `shift` voxels."""

        def report(fraction: float, text: str) -> None:
            self.options.report(begun + share * fraction, text)

        problem = _Problem.make(self, shift, report)
        if self.options.method == "fourier":
            return problem, problem.divide()
        return problem, problem.solve(rough)

    def _finished(self, problem: _Problem, fit: Fit, shift: tuple[float, ...]) -> _Result:
        options, pair = self.options, self.pair
        uncertainty = fit.uncertainty()
        determined = (uncertainty < DETERMINED) & (self.share > 0)
        self._judge(fit, uncertainty, determined)
        kernels = self._filled(fit.kernels, determined)
        predicted = problem.equations.forward(kernels) + problem.rest
        offset = problem.offset(predicted) if options.offset else 0.0
        predicted += offset
        difference = problem.equations.counted_values(problem.target - predicted)
        residual = float(np.sqrt(np.mean(np.square(difference)))) / pair.noise
        gain = 1.0
        if options.gain:
            gain, kernels = self._gain(kernels)
        one = self.keyed is None
        estimate = Estimate(
            method=options.method,
            residual=residual,
            noise=pair.noise,
            regularization=fit.weight / problem.scale,
            iterations=fit.steps,
            history=[math.sqrt(s / problem.equations.voxels) / pair.noise for s in fit.squares],
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
        return _Result(kernels, estimate)

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
            if fit.missing[0] >= UNKNOWN:
                raise InputError(
                    f"the original does not determine a kernel of shape {self.shape}: {fit.missing[0]:.0%} of what "
                    "it could be leaves the image unchanged; give an original with structure in every direction, "
                    "or a smaller shape"
                )
            if not determined[0]:
                self.warnings.append(
                    f"the kernel is uncertain by {uncertainty[0]:.0%}: give a longer exposure (less noise), an "
                    "original with more edges, or a smaller shape"
                )
            return
        if np.all((fit.missing >= UNKNOWN) | (self.share == 0)):
            raise InputError(
                f"the data determine none of the {self.count} kernels; give images with more structure and less "
                "noise, fewer kernels, or a smaller shape"
            )
        for at, sure, error in zip(self.keyed.field.at, determined, uncertainty, strict=True):
            if not sure:
                how = f"uncertain by {error:.0%}" if np.isfinite(error) else "without any evidence"
                self.warnings.append(f"the data do not determine the kernel at {_label(at)} ({how})")

    def _filled(self, kernels: np.ndarray, determined: np.ndarray) -> np.ndarray:
        """Replace kernels that came out as nothing by the nearest one that is determined."""
        empty = ~kernels.reshape(self.count, -1).any(axis=1)
        if not empty.any():
            return kernels
        kernels = kernels.copy()
        graph = neighbour_graph(self.keyed.field)
        for k in np.flatnonzero(empty):
            known = np.flatnonzero(determined if determined.any() else ~empty)
            # The nearest: the strongest neighbour, else the closest in order.
            order = sorted(known, key=lambda j, k=k: (-graph[k, j], abs(int(j) - int(k))))
            kernels[k] = kernels[order[0]]
            self.warnings.append(
                f"the kernel at {_label(self.keyed.field.at[k])} is that at {_label(self.keyed.field.at[order[0]])}"
            )
        return kernels


@dataclass
class _Problem:
    """The equations for one displacement of the original."""

    estimation: _Estimation
    equations: Equations
    original: np.ndarray
    target: np.ndarray  # y on the valid region
    rest: np.ndarray | float  # what the voxels without a kernel contribute
    scale: float
    valid: Box
    report: Callable[[float, str], None]
    graph: np.ndarray | None = field(default=None)

    @classmethod
    def make(cls, owner: _Estimation, shift: Sequence[float], report: Callable[[float, str], None]) -> _Problem:
        pair, options = owner.pair, owner.options
        original, box = shifted(pair.original, shift)
        if any(n < m for n, m in zip(original.shape, owner.shape, strict=True)):
            raise InputError(
                f"displaced by {[round(s, 2) for s in shift]} voxels, the images overlap in {original.shape} "
                f"voxels only, less than the kernel's {owner.shape}; register them first or give a smaller shape"
            )
        mask = None if pair.mask is None else pair.mask[box]
        blurred = pair.blurred[box]
        inner = Pair(original, blurred, mask, pair.spacing, pair.noise)
        valid, mask = inner.valid_mask(owner.shape)
        rest: np.ndarray | float = 0.0
        weights = None
        if owner.keyed is not None:
            bound = cls._bind(owner.keyed, pair, original, box)

            def weights(k: int) -> np.ndarray:
                return bound.weight(k)[box] if bound.shape != original.shape else bound.weight(k)

            owner.share = _shares(original, weights, owner.count, owner.keyed.model, valid)
            if len(bound) > owner.count:
                rest = (weights(owner.count) * original)[valid]
        equations = Equations(
            original,
            owner.shape,
            weights=weights,
            count=owner.count,
            model="detector" if owner.keyed is None else owner.keyed.model,
            mask=mask,
            centred=options.offset,
            workers=owner.workers,
        )
        place = tuple(slice(b.start + v.start, b.start + v.stop) for b, v in zip(box, valid, strict=True))
        scale = equations.voxels * float(original.var())
        return cls(owner, equations, original, blurred[valid], rest, scale, place, report)

    @staticmethod
    def _bind(keyed: _Keyed, pair: Pair, original: np.ndarray, box: Box) -> BoundField:
        if keyed.guide is None and keyed.field.key == "intensity":
            return keyed.field.bind(original, pair.spacing)
        guide = pair.original if keyed.guide is None else np.asarray(keyed.guide)
        if guide.shape != pair.original.shape:
            raise InputError(
                f"the guide has shape {guide.shape}, the images {pair.original.shape}; they must agree"
            )
        return keyed.field.bind(guide, pair.spacing)

    @property
    def options(self) -> _Options:
        return self.estimation.options

    def _constraint(self) -> str | None:
        """A gain takes the place of a condition on the sum."""
        if not self.options.gain:
            return self.options.constraint
        return {"sum-one": None, "simplex": "non-negative"}.get(self.options.constraint, self.options.constraint)

    def solve(self, rough: bool) -> Fit:
        """Estimate the kernels; `rough` ones are good enough to see where their centres lie."""
        keyed = self.estimation.keyed
        if keyed is None or self.estimation.count == 1:
            return self._solve(None, 0.0, 1.0, rough=rough)
        # A wide kernel is smoother than a narrow one by orders of magnitude, and so must be what is expected of
        # it. The first, rough answer tells.
        first = self._solve(None, 0.0, 0.3, rough=True, signs=False)
        if rough:
            return first
        known = (first.uncertainty() < _KNOWN) & (self.estimation.share > 0)
        balance = balanced(self._penalty(None).roughness(first.kernels), known)
        graph = neighbour_graph(keyed.field)
        if keyed.strength is not None:
            return self._solve(coupling(balance, graph, keyed.strength), 0.3, 0.7)
        alone = np.diag(balance)
        second = self._solve(alone, 0.3, 0.4, signs=False)
        vague = (second.uncertainty() >= DETERMINED) | (self.estimation.share == 0)
        if vague.all() or not vague.any():
            return self._signed(second, alone, 0.7, 0.3)
        return self._solve(coupling(balance, graph, 1.0, vague), 0.7, 0.3, known=second)

    def _penalty(self, couple: np.ndarray | None) -> Penalty:
        return Penalty(self.estimation.shape, self.estimation.pair.spacing, self.options.penalty, couple)

    def _solve(
        self,
        couple: np.ndarray | None,
        begun: float,
        share: float,
        *,
        rough: bool = False,
        signs: bool = True,
        known: Fit | None = None,
    ) -> Fit:
        """One solution with the penalties coupled by `couple`; it takes `share` of the progress."""
        options = self.options
        signs = signs and self._constraint() in ("non-negative", "simplex")
        problem = self._least_squares(couple, begun, share / 2 if signs else share)
        weight = None if options.regularization is None else options.regularization * self.scale
        if known is not None:
            weight = known.weight
        limit = min(options.steps, _ROUGH_STEPS) if rough else options.steps
        slack = {"slack": _ROUGH} if rough else {}
        fit = problem.fit(weight, limit, known=known, **slack)
        return self._signed(fit, couple, begun + share / 2, share / 2) if signs else problem.exact(fit)

    def _signed(self, fit: Fit, couple: np.ndarray | None, begun: float, share: float) -> Fit:
        """A fit made to satisfy its constraint."""
        problem = self._least_squares(couple, begun, share)
        if self._constraint() in ("non-negative", "simplex"):
            return problem.constrained(fit, 4 * self.options.steps)
        return problem.exact(fit)

    def _least_squares(self, couple: np.ndarray | None, begun: float, share: float) -> LeastSquares:
        data = self.equations.counted(self.target - self.rest)
        return LeastSquares(
            self.equations, data, self._penalty(couple), self._constraint(),
            lambda fraction, text: self.report(begun + share * fraction, text),
        )  # fmt: skip

    def divide(self) -> Fit:
        from .estimation_constrained import project

        estimation, options = self.estimation, self.options
        weight = None if options.regularization is None else options.regularization * self.scale
        blurred = estimation.pair.blurred
        box = tuple(
            slice(v.start - (n - 1 - n // 2), v.stop + n // 2)
            for v, n in zip(self.valid, estimation.shape, strict=True)
        )
        found = divide(
            self.original, blurred[box], estimation.shape, estimation.pair.spacing, options.penalty, weight,
            estimation.workers,
        )  # fmt: skip
        self.report(0.9, "divided")
        kernels = found.kernel[None]
        constraint = self._constraint()
        if constraint is not None:
            kernels = project(kernels, constraint)
        difference = self.equations.counted(self.target - self.equations.forward(kernels))
        square = float(np.vdot(difference, difference))
        return Fit(
            kernels=kernels,
            weight=found.weight,
            steps=1,
            squares=[square],
            degrees=0.0,
            spread=np.array([found.spread]),
            unknown=np.zeros(1),
            missing=np.zeros(1),
            condition=found.condition,
            sigma=math.sqrt(square / self.equations.voxels),
        )

    def offset(self, predicted: np.ndarray) -> float:
        return float(self.equations.counted_values(self.target - predicted).mean())


def _shares(original, weights, count: int, model: str, valid: Box) -> np.ndarray:
    """Each kernel's share of the evidence: the original's deviation from its mean (source model: from zero) where
    the kernel applies, squared, by squared weight."""
    # What a kernel that sums to about 1 does to a constant is no news; but a kernel keyed to where the signal
    # comes from acts on nothing where there is no signal.
    deviation = np.square(original - (original.mean() if model == "detector" else 0.0))
    evidence = np.empty(count)
    for k in range(count):
        part = np.square(weights(k), dtype=np.float64) * deviation
        evidence[k] = float((part[valid] if model == "detector" else part).sum())
    total = evidence.sum()
    if not total > 0:
        raise InputError("no voxel with structure takes one of the kernels; check the keys against the original")
    return evidence / total
