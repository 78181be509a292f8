"""Where the points of an image are, and which of them stand too near to something to be used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, spatial

from ...errors import InputError

# A point must rise so many standard deviations above its surroundings in the slightly smoothed image, so that noise
# alone makes less than one in a million voxels.
_DETECTION = 5.0
_SMOOTHING = 1.0  # voxels
# Without noise: what is fainter than this share of the brightest is rounding, or a wing.
_FAINTEST = 1e-3
# What has less than this share of the height of a point inside whose kernel it lies is a part of it, as the rings
# and spikes of telescopes are; what does not belong there makes the point unlike the others.
_WING = 0.3
# What has less than this share of the height of a point beside its kernel does not disturb it.
_DISTURBING = 0.1
# A neighbour's own core reaches into the kernel from so many times the kernel's reach.
_APART = 1.5
# So many voxels side by side at exactly the image's maximum are clipped; of two, real data have shown that they
# need not be.
_PLATEAU = 3
#: The image's slow background is the median of blocks of so many voxels.
BLOCK = 64
# Points whose width says how large kernels have to be.
_BRIGHTEST = 30
# A kernel reaches so many full widths at half maximum from its centre: 4.1 standard deviations of a Gaussian.
_REACH = 1.75
_LEAST_REACH = 2
_LARGEST_REACH = 40
# More of a cut-out may not lie outside the image.
_OUTSIDE = 0.25


@dataclass
class Candidates:
    """Local maxima of an image.

    Attributes
    ----------
    places : ndarray of int, shape (N, axes)
        The brightest first.
    heights : ndarray, shape (N,)
        Above the slow background, in the slightly smoothed image.
    reasons : list of str
        Why a point cannot be used; "" where it can.
    """

    places: np.ndarray
    heights: np.ndarray
    reasons: list[str]

    def reject(self, which: np.ndarray, reason: str) -> None:
        """Give a reason to those that have none yet."""
        for number in np.flatnonzero(which):
            self.reasons[number] = self.reasons[number] or reason

    @property
    def good(self) -> np.ndarray:
        """Which of them can be used."""
        return np.array([not reason for reason in self.reasons], dtype=bool)


def candidates(image: np.ndarray, mask: np.ndarray | None, noise: float) -> Candidates:
    """Find what stands out of the image's noise.

    Raises
    ------
    InputError
        If nothing does.
    """
    rest = image - slow_background(image, BLOCK)
    sigmas = [_SMOOTHING if n > 1 else 0.0 for n in image.shape]
    smooth = ndimage.gaussian_filter(rest, sigmas)
    # White noise that a Gaussian of one voxel has smoothed.
    left = noise * math.prod(1 / math.sqrt(2 * math.sqrt(math.pi) * s) for s in sigmas if s)
    threshold = max(_DETECTION * left, _FAINTEST * float(smooth.max()))
    peaks = (smooth == ndimage.maximum_filter(smooth, size=3)) & (smooth >= threshold) & (smooth > 0)
    if mask is not None:
        peaks &= mask
    labels, count = ndimage.label(peaks)  # of a plateau, one
    if not count:
        raise InputError(
            f"no point stands out of the image's noise (sigma {noise:.4g}, the brightest place is "
            f"{float(smooth.max()):.4g} above its surroundings); give an image of single beads or points, or the "
            "noise as a number"
        )
    middles = ndimage.center_of_mass(peaks, labels, range(1, count + 1))
    places = np.rint(np.array(middles)).astype(int).reshape(count, image.ndim)
    heights = smooth[tuple(places.T)]
    order = np.argsort(-heights, kind="stable")
    return Candidates(places[order], heights[order], [""] * count)


def slow_background(image: np.ndarray, block: int) -> np.ndarray:
    """The medians of blocks of about that many voxels, linear between their middles."""
    counts = [max(1, round(n / block)) for n in image.shape]
    edges = [np.linspace(0, n, count + 1).round().astype(int) for n, count in zip(image.shape, counts, strict=True)]
    found = np.empty(counts)
    for index in np.ndindex(*counts):
        found[index] = np.median(image[tuple(slice(e[i], e[i + 1]) for e, i in zip(edges, index, strict=True))])
    for axis, (n, edge) in enumerate(zip(image.shape, edges, strict=True)):
        middles = 0.5 * (edge[:-1] + edge[1:] - 1)
        hats = [np.interp(np.arange(n), middles, row) for row in np.eye(middles.size)]
        found = np.moveaxis(np.tensordot(np.array(hats), found, axes=(0, axis)), 0, axis)
    return found


def full_widths(image: np.ndarray, found: Candidates) -> tuple[float, ...]:
    """The full width at half maximum of typical points, in voxels on every axis; 0 where there is one voxel."""
    usable = np.flatnonzero(found.good)[:_BRIGHTEST]
    bright = usable[found.heights[usable] >= _DISTURBING * found.heights[usable].max(initial=0.0)]
    widths = []
    for axis, n in enumerate(image.shape):
        if n == 1:
            widths.append(0.0)
            continue
        own = [_full_width(image, found.places[number], axis) for number in bright]
        known = [w for w in own if math.isfinite(w)]
        widths.append(float(np.median(known)) if known else 3.0)
    return tuple(widths)


def _full_width(image: np.ndarray, place: np.ndarray, axis: int) -> float:
    """Of the line through a point; infinite where it does not fall to half its height on both sides."""
    at, reach = int(place[axis]), _LARGEST_REACH
    low, high = max(0, at - reach), min(image.shape[axis], at + reach + 1)
    index: list[int | slice] = [int(p) for p in place]
    index[axis] = slice(low, high)
    line = image[tuple(index)]
    return half_maximum_width(line - np.median(line) if line.size > 12 else line - line.min(), at - low)


def half_maximum_width(line: np.ndarray, peak: int) -> float:
    """Full width at half maximum of a line around its peak, in samples; infinite where it does not fall so far."""
    half = 0.5 * float(line[peak])
    sides = []
    for side in (line[peak:], line[peak::-1]):
        below = np.flatnonzero(side < half)
        if not below.size:
            return math.inf
        n = int(below[0])
        sides.append(n - 1 + (side[n - 1] - half) / (side[n - 1] - side[n]))
    return float(sum(sides))


def size_for(widths: Sequence[float], shape: Sequence[int]) -> tuple[int, ...]:
    """Odd sizes of kernels that hold points of these full widths."""
    sizes = []
    for width, n in zip(widths, shape, strict=True):
        reach = min(max(_LEAST_REACH, math.ceil(_REACH * width)), _LARGEST_REACH, (n - 1) // 2)
        sizes.append(2 * reach + 1)
    return tuple(sizes)


# ------------------------------------------------------------------------------------------- which can be used


def drop_wings(found: Candidates, size: Sequence[int]) -> Candidates:
    """The candidates without those in the wings of a brighter one, which are parts of it."""
    brighter, fainter = _near(found.places, size, 1.0)
    wing = found.heights[fainter] < _WING * found.heights[brighter]
    kept = np.ones(len(found.places), bool)
    kept[fainter[wing]] = False
    reasons = [reason for reason, keep in zip(found.reasons, kept, strict=True) if keep]
    return Candidates(found.places[kept], found.heights[kept], reasons)


def reject_neighbours(found: Candidates, size: Sequence[int], faint: np.ndarray) -> None:
    """Reject points with another one in or beside their kernel that is high enough to disturb them.

    faint : ndarray of bool, shape (N,)
        Those that may be noise, and disturb nothing.
    """
    brighter, fainter = _near(found.places, size, _APART)
    disturbed = np.zeros(len(found.places), bool)
    disturbed[fainter] = True
    high = found.heights[fainter] >= _DISTURBING * found.heights[brighter]
    disturbed[brighter[high & ~faint[fainter]]] = True
    found.reject(disturbed, "neighbour too near")


def _near(places: np.ndarray, size: Sequence[int], times: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points within so many times each other's kernel: the numbers of the brighter, and of the fainter."""
    reach = np.maximum(times * (np.array(size) // 2), 0.5)
    pairs = spatial.cKDTree(places / reach).query_pairs(1.0, p=np.inf, output_type="ndarray")
    return pairs.min(axis=1, initial=len(places)), pairs.max(axis=1, initial=0)


def reject_border(found: Candidates, size: Sequence[int], shape: Sequence[int]) -> None:
    """Reject points of whose kernel a part lies outside the image."""
    inside = np.ones(len(found.places))
    for axis, (n, m) in enumerate(zip(shape, size, strict=True)):
        first = found.places[:, axis] - m // 2
        inside *= (np.minimum(first + m, n) - np.maximum(first, 0)) / m
    found.reject(inside < 1 - _OUTSIDE, "at the border")


def reject_saturated(found: Candidates, image: np.ndarray, saturation: float | None) -> None:
    """Reject points that reach a value, or (None) that have a plateau at the image's maximum."""
    if saturation is not None:
        full = ndimage.maximum_filter(image, size=3) >= saturation
    else:
        top = image == image.max()
        labels, count = ndimage.label(top)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sizes[0] = 0
        full = ndimage.maximum_filter((sizes >= _PLATEAU)[labels], size=3)
    found.reject(full[tuple(found.places.T)], "saturated")
