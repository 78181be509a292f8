"""What is unusual about the values of a blur kernel, each with the arguments of `prepare_kernel` that mend it.

Measured kernels come as a camera took them: on an offset, off their middle, cut off where the picture ended. All is
judged by the values alone, and so that no kernel that somebody made from a formula is accused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..texts import joined
from ..texts import mark as _
from .centres import Centre

# A sum that differs from 1 by less is rounding (a kernel stored as float32), not a scale.
SUM_TOLERANCE = 1e-3
# The outermost voxels, as a share of an axis; one voxel of kernels that are smaller than its inverse.
_SHELL = 1 / 8
# Axes of fewer voxels have no border that could be told from the kernel, ...
_FEWEST = 7
# ... of fewer than these no tails.
_FEWEST_IN_TAILS = 5
# A constant is one where it is so large a share of the weight, ...
_PEDESTAL = 0.02
# ... alike wherever there is nothing else, as a share of itself (tails fall by more), ...
_FLAT = 0.05
# ... and where the kernel on it is so small a share of the voxels: no box whose outer voxels are half covered.
_CORE = 0.25
# What is surer than so many standard deviations of the noise is there.
_SURE = 3.0
# The weight whose mean place is a kernel's centre reaches this share of the peak: noise and tails hardly count.
_STRONG = 0.25
# Tails are cut off where the end of a line through the middle has this share of its largest weight, and where this
# share of its weight is missing if they go on as they fall. A binomial of 5 voxels misses 1 %, a Gaussian cut off
# at 1.5 sigma 13 %.
_STEP = 0.05
_MISSING = 0.05
# Of a Gaussian of 5 voxels, a step to the outermost one is 3 times the one before, in logarithms. An end that falls
# more suddenly, as that of a box or a disk, is its own.
_SUDDEN = 0.25


@dataclass(frozen=True)
class Fault:
    """Something unusual about a kernel.

    Attributes
    ----------
    text : str
    cure : mapping
        The arguments of `prepare_kernel` that mend it; empty where it is no matter of preparation.
    """

    text: str
    cure: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Border:
    """What the outermost voxels hold, of those the half that is farther from the peak.

    Attributes
    ----------
    level : float
        Their median.
    noise : float
        Their standard deviation, from the median of absolute deviations.
    error : float
        Standard deviation of the level.
    flat : bool
        Whether they are alike, but for noise: the level is a constant and no tail.
    """

    level: float
    noise: float
    error: float
    flat: bool


def border_of(values: np.ndarray) -> Border | None:
    """Return what the border of a kernel holds; None of a kernel that is too small to have one."""
    if max(values.shape) < _FEWEST:
        return None
    shell = np.zeros(values.shape, bool)
    for axis, n in enumerate(values.shape):
        if n >= _FEWEST:
            thick = max(1, int(n * _SHELL))
            for end in (slice(None, thick), slice(n - thick, None)):
                shell[(slice(None),) * axis + (end,)] = True
    peak = np.unravel_index(np.abs(values).argmax(), values.shape)
    distance = np.linalg.norm(np.argwhere(shell) - np.array(peak), axis=1)
    order = np.argsort(distance, kind="stable")[len(distance) // 2 :]
    if len(order) < 2:  # of one voxel nobody knows whether it is alike
        return None
    far, distance = values[shell][order], distance[order]
    level = float(np.median(far))
    near, farther = (np.median(half) for half in np.array_split(distance, 2))
    inner, outer = (np.median(half) for half in np.array_split(far, 2))
    slope = (outer - inner) / max(farther - near, 1e-9)
    rest = far - level - slope * (distance - np.median(distance))  # a tail is no noise
    noise = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    error = 1.2533 * noise / math.sqrt(len(far))  # a median's
    flat = bool(
        abs(outer - inner) <= _FLAT * abs(level) + _SURE * 2 * error
    )  # of halves: half as many, two of them
    return Border(level, noise, error, flat)


def pedestal_of(values: np.ndarray) -> float:
    """Return the constant that a kernel stands on; 0 where there is none."""
    border, total = border_of(values), float(values.sum())
    if border is None or not border.flat or not abs(border.level) > _SURE * border.error:
        return 0.0
    if abs(border.level) * values.size < _PEDESTAL * abs(total):
        return 0.0
    height = np.abs(values - border.level)
    if height.max() <= _SURE * border.noise or np.mean(height > 0.5 * height.max()) > _CORE:
        return 0.0
    return border.level


def strong_centroid(values: np.ndarray) -> tuple[float, ...]:
    """Return the mean place of the weight that reaches a quarter of the peak, in indices."""
    sizes = np.abs(values)  # the peak of a Laplace kernel is its negative centre
    strong = np.where(sizes >= _STRONG * sizes.max(), sizes / sizes.max(), 0.0)
    places = np.indices(values.shape).reshape(values.ndim, -1)
    return tuple(float(place) for place in places @ strong.ravel() / strong.sum())


def looks_logarithmic(values: np.ndarray) -> bool:
    """Return whether the values are likely a kernel's logarithm."""
    # Weights of a blur are mostly >= 0; a stored logarithm is <= 0 nearly everywhere and spans decades.
    low, high = float(values.min()), float(values.max())
    mostly = values.size > 1 and float(np.mean(values <= 0)) > 0.9
    return mostly and low < -2 and high <= abs(low) / 10


def faults_of(values: np.ndarray, centre: Centre) -> list[Fault]:
    """Return what is unusual about a kernel's values for a blur; an empty list when nothing is."""
    total, low = float(values.sum()), float(values.min())
    if looks_logarithmic(values):
        high = float(values.max())
        text = _("values from {low:.4g} to {high:.4g} look like a logarithm: read the kernel with log=True")
        return [Fault(text.format(low=low, high=high))]
    found = []
    pedestal = pedestal_of(values)
    if low < 0 and not pedestal < 0:
        share = float(-values[values < 0].sum() / np.abs(values).sum())
        text = _(
            "{count} values are negative (down to {low:.4g}, {share:.1%} of the weight): a blur kernel has none"
        )
        found.append(Fault(text.format(count=np.count_nonzero(values < 0), low=low, share=share)))
    if abs(total - 1) > SUM_TOLERANCE:
        text = _("the sum is {total:.6g}, not 1: deconvolution normalises it, convolution keeps it")
        found.append(Fault(text.format(total=total)))
    found.extend(_pedestal_fault(values, pedestal))
    found.extend(_centre_fault(values - pedestal, centre))
    found.extend(_tail_fault(values - pedestal))
    return found


def stack_faults(values: np.ndarray, faults: Iterable[Fault]) -> list[Fault]:
    """Return what there is to say first of faults that a stack of 2-D kernels has when it is taken for one in 3-D.

    All its slices have their share of the weight, as those of a kernel that fades have not, and yet it is off its
    middle, or seems cut off.
    """
    if values.ndim != 3 or len(values) == 1 or not {"recentre", "taper"} & set(cure_of(faults)):
        return []
    weights = [float(np.abs(page).sum()) for page in values]
    if min(weights) < _STEP * max(weights):
        return []
    pages = len(values)
    size = "x".join(map(str, values.shape[1:]))
    text = _(
        "its {pages} slices of {size} voxels may be {pages} kernels: if each is one of its own, say what they "
        "belong to, such as levels='10:{last}:10' or --levels 10:{last}:10, before anything else"
    )
    return [Fault(text.format(pages=pages, size=size, last=10 * pages))]


def cure_of(faults: Iterable[Fault]) -> dict[str, Any]:
    """Return the arguments of `prepare_kernel` that mend all that it mends."""
    return {name: value for fault in faults for name, value in fault.cure.items()}


def told_with_cure(faults: Sequence[Fault]) -> list[str]:
    """Return the texts; the last one of those that `prepare_kernel` mends says how, for library and command."""
    texts = [fault.text for fault in faults]
    curable = [number for number, fault in enumerate(faults) if fault.cure]
    if curable:
        cure = cure_of(faults)
        library = ", ".join(f"{name}={value!r}" for name, value in cure.items())
        command = " ".join(f"--{name} {value}" for name, value in cure.items())
        text = _(
            "Mended by sd.prepare_kernel(kernel, {library}) or spatialdeconv kernel prepare FILE {command} "
            "--output NEW"
        )
        mended = text.format(library=library, command=command)
        texts[curable[-1]] = joined(". ", (texts[curable[-1]], mended))
    return texts


def _pedestal_fault(values: np.ndarray, pedestal: float) -> Iterator[Fault]:
    if not pedestal:
        return
    share = abs(pedestal) * values.size / float(np.abs(values).sum())
    if pedestal > 0:
        text = _(
            "{share:.0%} of the weight is a constant of {pedestal:.4g} that the kernel stands on, as a camera's "
            "offset (a tail far wider than its picture looks the same): the result would be spoiled by it"
        )
    else:
        text = _("the border is negative, {pedestal:.4g}, as where too much background was subtracted")
    yield Fault(text.format(share=share, pedestal=pedestal), {"background": "border"})


def _centre_fault(values: np.ndarray, centre: Centre) -> Iterator[Fault]:
    sizes = np.abs(values)
    peaks = np.argwhere(sizes >= sizes.max() * (1 - 1e-6))  # a plateau is flat to rounding only
    distance = np.abs(peaks - np.array(centre)).max(axis=1)
    if distance.min() <= 0.5:  # the middle of an even kernel lies between two voxels, its peak is on either
        return
    # The peak of a noisy plateau is anywhere on it; and a kernel may well be centred at its peak for all its tail.
    off = np.abs(np.subtract(strong_centroid(values), centre)).max()
    if off > 0.5:
        peak = tuple(int(p) for p in peaks[distance.argmin()])
        text = _("the peak is at {peak}, the centre at {centre}: the result will be shifted")
        yield Fault(text.format(peak=peak, centre=centre), {"recentre": "centroid"})


def _tail_fault(values: np.ndarray) -> Iterator[Fault]:
    middle = [round(place) for place in strong_centroid(values)]
    missing = [
        _beyond(end)
        for axis, n in enumerate(values.shape)
        if n >= _FEWEST_IN_TAILS
        for profile in [values[tuple(slice(None) if a == axis else m for a, m in enumerate(middle))]]
        for end in (profile, profile[::-1])
    ]
    if any(share > _MISSING for share in missing):
        text = _(
            "its tails are cut off: as they fall towards the edge, about {share:.0%} of the weight is missing "
            "beyond it, and a constant under them cannot be told from them. Best is a kernel of more voxels; "
            "fading out avoids rings"
        )
        yield Fault(text.format(share=min(max(missing), 1)), {"taper": taper_for(values.shape)})


def taper_for(shape: Sequence[int]) -> int:
    """Return over how many voxels the edge of a kernel that was cut off fades."""
    return max(2, round(max(shape) / 8))


def _beyond(profile: np.ndarray) -> float:
    """The weight beyond the first end of a profile, in shares of it, if it goes on to fall as a Gaussian does."""
    outer, inner, further = (float(v) for v in profile[:3])
    if not (_STEP * profile.max() <= outer < inner < further):
        return 0.0
    ratio, before = outer / inner, inner / further
    if before > ratio**_SUDDEN:
        return 0.0
    ratio = min(ratio, ratio**2 / before)
    return outer * ratio / (1 - ratio) / float(profile.sum())
