"""Kernels that are nearly right, made as wide as the blur that an image shows (semi-blind)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from ..arrays.spacing import Spacing
from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import InputError
from ..kernels.field import KernelField, field_of
from ..kernels.parametric import AnyKernel
from ..kernels.scaling import scale_kernels
from ..noise import NoiseLaw, as_noise_law
from ..run.inputs import Inputs
from ..run.job import Job
from ..run.settings import ConvolveSettings
from ..run.width import OwnPart, WidthEstimate, sharp_width_of, width_of
from ..texts import mark as _

#: How much the errors of kernels of one set differ from the one that they share (standard deviation of the
#: logarithm), before their own parts of the image say how much they do: what those say counts against the whole by
#: that.
APART = 0.15
# So many standard deviations between two ways of looking are no accident.
_DISAGREE = 3.0
# A kernel's part of the image is where it has at least this weight.
_OWN = 0.5
# Times that the kernels are gone through: what is found of one depends on those beside it.
_SWEEPS = 2
# No kernel that moves by less (of the logarithm of its width) changes what is found of the others.
_SETTLED = 0.02


@dataclass(frozen=True)
class Refinement:
    """What was found of the width of kernels, and what was done.

    Attributes
    ----------
    width : WidthEstimate
        Of all kernels together.
    factors : dict
        By what each kernel belongs to: the factor that its width was multiplied by; 1 where nothing was done.
    own : dict
        Where that was asked for: what is known of each kernel by itself, by its own part of the image and by what
        all have in common; of those that their own parts tell of.
    warnings : tuple of str
        What there is to say of image and kernels as they were given.
    """

    width: WidthEstimate
    factors: dict[Any, float]
    own: dict[Any, WidthEstimate] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return in words what was found and done."""
        changed = any(factor != 1 for factor in self.factors.values())
        if self.own:
            return [f"all together: {self.width.describe()}", *map(self._own_line, self.factors)]
        lines = [self._found(changed)]
        if not changed:
            return [*lines, "they were left as they are"]
        return [*lines, f"their widths were multiplied by {next(iter(self.factors.values())):.3g}"]

    def _found(self, changed: bool) -> str:
        if not (changed and self.width.fits and self.width.factor > 1):
            return self.width.describe()
        off, within = 100 * (self.width.factor - 1), 100 * self.width.sigma
        return f"the kernels look about {off:.0f} % too wide (± {within:.0f} %), which is likely, not sure"

    def _own_line(self, at: Any) -> str:
        """What was found of one kernel and done."""
        left = f"the kernel at {at} was left as it is"
        if at not in self.own:
            return f"{left}: its own part of the image does not tell how wide its blur is"
        own, factor = self.own[at], self.factors[at]
        within = f"± {100 * own.sigma:.0f} % in its own part of the image"
        if factor != 1:
            return f"the width at {at} was multiplied by {factor:.3g} ({within})"
        off = 100 * (own.factor - 1)
        found = f"{abs(off):.0f} % too {'wide' if off > 0 else 'narrow'} ({within})"
        if own.fits:
            return f"{left}: {found} is nothing clear"
        return f"{left}: {found}; kernels are made wider only where that is asked for (widen)"

    def record(self) -> dict[str, Any]:
        """Return it as a kernel set file keeps it."""
        return {
            "found": self.lines()[0],
            "factor": self.width.factor,
            "uncertainty": self.width.sigma,
            "noise": self.width.noise.describe(),
            "kernels": [
                {"at": at, "multiplied by": factor}
                | ({"factor": self.own[at].factor, "uncertainty": self.own[at].sigma} if at in self.own else {})
                for at, factor in self.factors.items()
            ],
        }


@dataclass(frozen=True, eq=False)
class RefinedField(KernelField):
    """A `KernelField` that carries the record of its refinement as `refinement`."""

    refinement: Refinement = field(repr=False, kw_only=True)


def refine_kernels(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    each: bool = False,
    widen: bool = False,
    spacing: Spacing | None = None,
    model: str = ConvolveSettings.model,
    mask: np.ndarray | None = None,
    guide: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: Mapping[str, int] | None = None,
    boundary: str = ConvolveSettings.boundary,
    noise: Any = "auto",
    slicewise: bool = ConvolveSettings.slicewise,
    nonfinite: str = ConvolveSettings.nonfinite,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> RefinedField:
    """Make kernels as wide as the blur that an image shows (semi-blind).

    The factor f that their widths have in common is found and divided out by `scale_kernels`: h(d) becomes h(f d),
    with the same sum. That is for kernels which are right but for their size. `estimate_width` says about where f
    is; near it, the f is taken whose sharp image (total variation) explains the data at the least of Stein's risk,
    which is known to a few per cent. It takes as long as some ten restorations of a block of 256 squares or 40
    cubes.

    Parameters
    ----------
    image, kernels
        The blurred image, and the kernels that are nearly right.
    each : bool
        Find a factor for every kernel, by the part of the image where its weight is at least a half (a region, the
        surroundings of a position), while the others are held at what was found of them. What all have in common is
        the expectation, to which a part that tells little adds little:
        ln f = (ln f_own / s_own^2 + ln f_all / s^2) / (1 / s_own^2 + 1 / s^2), where
        s^2 = s_all^2 + (0.15^2 + sum max((ln f_own - ln f_all)^2 - s_own^2, 0)) / (1 + m), over the m parts that
        tell. A kernel stays as it is where its factor is within 1.6 standard deviations of 1, or its part tells
        nothing. It takes as long as some ten restorations for each kernel, twice.
    widen : bool
        Also make kernels wider. An object that is soft in itself looks just as if they were too narrow, and kernels
        that are too wide do more harm than kernels that are too narrow; so do this where the object is known to be
        as sharp as most.
    spacing, model, mask, guide, labels, label_names, boundary, noise, slicewise, nonfinite, progress, cancelled
        See `estimate_width`.

    Returns
    -------
    RefinedField
        With what was found and done as `refinement`. Kernels whose width fits stay as they are: all together within
        one standard deviation where they look too wide, which does more harm, and 1.6 where they look too narrow.

    Raises
    ------
    InputError
        If the image cannot say: it chooses the kernels by its own values, is too small, constant or nothing but
        noise; the finding is uncertain; the kernels look too narrow and `widen` was not asked for. And as
        `estimate_width` does.
    Cancelled
    """
    watch = Watch(progress, cancelled)
    settings = ConvolveSettings(
        model=model, boundary=boundary, slicewise=slicewise, nonfinite=nonfinite, normalize=True
    )
    inputs = Inputs(image, kernels, spacing, mask, labels, label_names, guide)
    return refine(inputs, settings, noise, each, widen, watch)


def refine(
    inputs: Inputs, settings: ConvolveSettings, noise: Any, each: bool, widen: bool, watch: Watch
) -> RefinedField:
    """Do what `refine_kernels` does with inputs and settings."""
    keyed = field_of(inputs.kernels)
    job = Job.prepare(inputs, settings, watch)
    law = as_noise_law(noise, job.image, job.mask, watch)
    apart = each and len(keyed.kernels) > 1
    width, doubt = _shared(job, law, watch.part(0.0, 0.2 if apart else 1.0))
    found = _own_widths(job, law, width, watch.part(0.2, 1.0)) if apart else {}
    if doubt is not None and not found:
        raise doubt
    if not found:
        _refuse_soft(width, widen)
    own = _together(found, width)
    done = Refinement(width, _factors(keyed.at, width, own, widen), own, tuple(job.warnings))
    kernels = tuple(
        kernel if done.factors[at] == 1 else scale_kernels(kernel, done.factors[at])
        for at, kernel in zip(keyed.at, keyed.kernels, strict=True)
    )
    kept = {f.name: getattr(keyed, f.name) for f in fields(KernelField)}
    return RefinedField(**{**kept, "kernels": kernels}, refinement=done)


def _shared(job: Job[ConvolveSettings], law: NoiseLaw, watch: Watch) -> tuple[WidthEstimate, InputError | None]:
    """What the image says of all kernels together, looked at in two ways; and where they do not agree, that."""
    seen = width_of(job, law, watch.part(0.0, 0.2))
    if not seen.known:
        return seen, InputError(
            f"{seen.describe()}; an image with less noise or more detail, or one of a known object, does"
        )
    sharp = sharp_width_of(job, law, seen, watch.part(0.2, 1.0))
    if sharp is None or abs(math.log(sharp.factor / seen.factor)) > _DISAGREE * math.hypot(sharp.sigma, seen.sigma):
        found = "no width at all" if sharp is None else f"a factor of {sharp.factor:.2f}"
        return seen, InputError(
            f"the image does not tell how wide its blur is: its spectrum asks for kernels narrower by a factor of "
            f"{seen.factor:.2f}, what explains it best for {found}; look whether the kernels have the right form"
        )
    return sharp, None


def _refuse_soft(width: WidthEstimate, widen: bool) -> None:
    if width.factor < 1 and not width.fits and not widen:
        raise InputError(
            _(
                "{width}: the image cannot say whether it is the object or the kernels; have kernels made wider "
                "only where you know that the object is as sharp as most"
            ).format(width=width.describe()),
            widen=True,
        )


def _own_widths(
    job: Job[ConvolveSettings], law: NoiseLaw, width: WidthEstimate, watch: Watch
) -> dict[Any, WidthEstimate]:
    """What the parts of the image say in which a kernel has most of the weight, as far as they say anything.

    One kernel after another, the others held at what was found of them.
    """
    at = job.bound.field.at
    found: dict[Any, WidthEstimate] = {}
    held = [1 / width.factor if width.known else 1.0] * len(at)
    for _number, sweep in watch.parts(range(_SWEEPS)):
        before = list(held)
        for number, part in sweep.parts(range(len(at))):
            own = _own_width(job, law, width, OwnPart(number, _own_part(job, number), tuple(held)), part)
            if own is not None and own.known:
                found[at[number]] = own
                held[number] = 1 / own.factor
        if all(abs(math.log(now / then)) < _SETTLED for now, then in zip(held, before, strict=True)):
            break
    return found


def _own_part(job: Job[ConvolveSettings], number: int) -> np.ndarray:
    where = job.bound.weight(number, job.image.dtype) >= _OWN
    return where if job.mask is None else where & job.mask


def _own_width(
    job: Job[ConvolveSettings], law: NoiseLaw, width: WidthEstimate, part: OwnPart, watch: Watch
) -> WidthEstimate | None:
    """What one part says of its kernel as it was given; None where it says nothing."""
    if not part.where.any():
        return None
    held = part.held[part.kernel]
    for start in dict.fromkeys((1.0, held)):  # from where it is held, or from the kernel as it was given
        near = replace(width, factor=start)
        try:
            own = sharp_width_of(replace(job, warnings=[]), law, near, watch, part)
        except InputError:  # too small, nothing but noise
            return None
        if own is not None:
            return replace(own, factor=own.factor / held)
    return None


def _together(found: Mapping[Any, WidthEstimate], width: WidthEstimate) -> dict[Any, WidthEstimate]:
    """What is known of each kernel, from its own part of the image and from what all have in common."""
    common = math.log(width.factor)
    beyond = sum(max((math.log(own.factor) - common) ** 2 - own.sigma**2, 0.0) for own in found.values())
    weight = 1 / ((APART**2 + beyond) / (1 + len(found)) + width.sigma**2)
    known = {}
    for at, own in found.items():
        total = weight + 1 / own.sigma**2
        mean = (weight * common + math.log(own.factor) / own.sigma**2) / total
        known[at] = replace(own, factor=math.exp(mean), sigma=math.sqrt(1 / total))
    return known


def _factors(
    places: Sequence[Any], width: WidthEstimate, own: Mapping[Any, WidthEstimate], widen: bool
) -> dict[Any, float]:
    """By what to multiply the width of each kernel."""
    if own:  # one by one, what is clear
        factors = {at: 1.0 if at not in own or own[at].fits else 1 / own[at].factor for at in places}
    else:
        factors = dict.fromkeys(places, _scale(width))
    return {at: factor if widen else min(factor, 1.0) for at, factor in factors.items()}


def _scale(width: WidthEstimate) -> float:
    """By what to multiply all: narrower where that is likely, wider where it is clear."""
    likely = math.log(width.factor) > width.sigma
    return 1 / width.factor if likely or not width.fits else 1.0
