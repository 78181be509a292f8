"""What of an image is noise: fourth differences, with the signal and its slope at the same places."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from ..arrays.boxes import Box, slabs
from ..arrays.watch import Watch
from ..errors import InputError

TAPS = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / math.sqrt(70.0)  # white noise keeps its variance
WINDOW = len(TAPS)
#: Windows that hold a voxel of the image's minimum or maximum (when many have it), or lie next to a constant one.
LOW, HIGH, NEXT_TO_CONSTANT = 1, 2, 4
_TILE_VOXELS = 1_000_000
_NOTHING, _ORDINARY = 1e-9, (1e-3, 1 - 1e-3)  # of the range of values, which is that of all but so many of them
_ENOUGH = 1_000_000  # coefficients; the estimate's own scatter is then far below 1 %
_KNOWN = 0.3  # of a coefficient's variance from voxels inside a scattered mask; the others are interpolated
_SHARED = 0.01  # of the voxels have one value: it is an end of the range, not a measured value
_SAMPLE = 1 << 16  # values that are looked at for their step
_UNEVEN = 0.1  # of a step, from rounding
_MANY_STEPS = 1e6
_ROUNDING = 1e-14


@dataclass(frozen=True)
class Coefficients:
    """Fourth differences of an image, and what is known of the places they are from.

    Parameters
    ----------
    detail : array, shape (n,)
        The differences: noise, where the image is smooth.
    signal : array, shape (n,)
        Means over the same voxels, weighted by the squared taps: for noise of variance a + b times the signal, the
        mean of detail squared is exactly a + b times the mean of these.
    intensity, gradient : array, shape (n,)
        The Gaussian-smoothed image and its squared gradient.
    touched : array of uint8, shape (n,)
        `LOW`, `HIGH` and `NEXT_TO_CONSTANT`, added up.
    axes : int
        Axes that were differenced.
    """

    detail: np.ndarray
    signal: np.ndarray
    intensity: np.ndarray
    gradient: np.ndarray
    touched: np.ndarray
    axes: int

    def __len__(self) -> int:
        return len(self.detail)

    def away_from(self, touched: int) -> Coefficients:
        """Return those whose windows touch nothing of this."""
        away = (self.touched & touched) == 0
        return Coefficients(
            self.detail[away],
            self.signal[away],
            self.intensity[away],
            self.gradient[away],
            self.touched[away],
            self.axes,
        )

    @staticmethod
    def joined(parts: list[Coefficients]) -> Coefficients:
        """Return all of several parts as one."""
        return Coefficients(
            np.concatenate([part.detail for part in parts]),
            np.concatenate([part.signal for part in parts]),
            np.concatenate([part.intensity for part in parts]),
            np.concatenate([part.gradient for part in parts]),
            np.concatenate([part.touched for part in parts]),
            parts[0].axes,
        )


@dataclass(frozen=True)
class Values:
    """What the values of an image tell without their places.

    Parameters
    ----------
    low, high : scalar of the image's type
        The range.
    low_shared, high_shared : bool
        Whether so many voxels have this value that it is clipped, zeroed or an empty count.
    step : float
        What all values are multiples of, above the minimum; 0 when there is no such step.
    sample : array
        Some of the values.
    nothing : float
        A difference between values that is none: an emptiness that arithmetic went over is not quite 0.
    """

    low: float
    high: float
    low_shared: bool
    high_shared: bool
    step: float
    sample: np.ndarray
    nothing: float = 0.0

    @classmethod
    def of(cls, image: np.ndarray, mask: np.ndarray | None) -> Values:
        """Look at an image, where a mask is set."""
        low, high = image.min(), image.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            count = int(image.size - np.count_nonzero(np.isfinite(image)))
            raise InputError(f"image: {count} values are not finite; replace them before estimating noise")
        if mask is not None:
            low, high = image.min(where=mask, initial=high), image.max(where=mask, initial=low)
        sample = _sample(image, mask)
        near = _NOTHING * float(np.ptp(np.quantile(sample.astype(np.float64), _ORDINARY)))
        lows = highs = count = 0
        for slab in slabs(image.shape):
            part = image[slab] if mask is None else image[slab][mask[slab]]
            lows += int(np.count_nonzero(part <= low + near))
            highs += int(np.count_nonzero(part >= high - near))
            count += part.size
        return cls(low, high, lows > _SHARED * count, highs > _SHARED * count, _step(sample), sample, near)

    @cached_property
    def middle(self) -> float:
        """The median."""
        return float(np.median(self.sample))

    @cached_property
    def rounding(self) -> float:
        """A standard deviation that the arithmetic alone may have; of all values but the most absurd."""
        return _ROUNDING * float(np.quantile(np.abs(self.sample.astype(np.float64)), 0.99))

    def has_single_counts(self, gain: float) -> bool:
        """Whether values of about one `gain` are there, and few between them and the lowest."""
        above = (self.sample[self.sample > self.low + self.nothing] - float(self.low)) / gain
        ones, between = np.count_nonzero(np.abs(above - 1) < 0.5), np.count_nonzero(above < 0.4)
        return bool(ones > 0.005 * above.size and between < 0.2 * ones)


def _sample(image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Some of the values, the same at every call: all of a small image."""
    if image.size <= _SAMPLE:
        return image.ravel() if mask is None else image[mask]
    places = np.random.default_rng(0).integers(0, image.size, _SAMPLE)
    found = image.flat[places]
    if mask is None:
        return found
    inside = mask.flat[places]
    return found[inside] if np.count_nonzero(inside) > _SAMPLE // 64 else image[mask]


def _step(sample: np.ndarray) -> float:
    """The step whose multiples all values are, or 0; also that of values stretched and rounded again."""
    levels = np.unique(sample).astype(np.float64)
    if levels.size < 2 or 2 * levels.size > sample.size:
        return 0.0
    levels -= levels[0]
    step, reach = float(np.diff(levels).min()), 4.0
    if levels[-1] > _MANY_STEPS * step:
        return 0.0
    while True:  # from few multiples to many, so that no error grows to half a step
        near = levels[levels <= reach * step]
        multiples = np.rint(near / step)
        if near.size > 1:
            step = float(multiples @ near / (multiples @ multiples))
        if reach * step >= levels[-1]:
            break
        reach *= 2
    uneven = levels / step
    return step if float(np.abs(uneven - np.rint(uneven)).max()) < _UNEVEN else 0.0


def coefficients(
    image: np.ndarray, mask: np.ndarray | None, values: Values, watch: Watch, scattered: bool = False
) -> Coefficients | None:
    """Return the coefficients of an image, of enough tiles of a large one; None when there are none.

    Parameters
    ----------
    image : array
    mask : array of bool, optional
        Windows that reach out of it do not count.
    values : Values
        Those inside the mask.
    watch : Watch
        Asked often.
    scattered : bool
        Interpolate what is outside the mask instead, and count every window that sees enough of what is inside.
    """
    found: list[Coefficients] = []
    total = 0
    for tile in _tiles(image.shape):
        part = _of_tile(image[tile], None if mask is None else mask[tile], values, watch, scattered)
        if part is not None:
            found.append(part)
            total += int(np.count_nonzero(part.touched == 0))
        if total >= _ENOUGH or sum(map(len, found)) >= 2 * _ENOUGH:
            break
    return Coefficients.joined(found) if found else None


def _tiles(shape: tuple[int, ...]) -> Iterator[Box]:
    """Cover the grid with tiles, in an order that is fixed but not biased to one end of the image."""
    long_axes = sum(n >= WINDOW for n in shape)
    edge = max(4 * WINDOW, int(_TILE_VOXELS ** (1.0 / long_axes)))
    if math.prod(shape) <= 2 * _TILE_VOXELS:
        edge = max(shape)
    counts = [max(1, round(n / edge)) for n in shape]
    bounds = [np.linspace(0, n, c + 1).astype(int) for n, c in zip(shape, counts, strict=True)]
    for flat in np.random.default_rng(0).permutation(math.prod(counts)):
        index = np.unravel_index(flat, counts)
        yield tuple(slice(b[n], b[n + 1]) for b, n in zip(bounds, index, strict=True))


def _of_tile(
    image: np.ndarray, mask: np.ndarray | None, values: Values, watch: Watch, scattered: bool
) -> Coefficients | None:
    shape = image.shape
    axes = [axis for axis, n in enumerate(shape) if n >= WINDOW]
    if not axes or (mask is not None and not mask.any()):
        return None
    half = WINDOW // 2
    inner = tuple(slice(half, n - half) if axis in axes else slice(None) for axis, n in enumerate(shape))
    known = mask if scattered else None  # the other voxels are interpolated
    if known is not None:
        image = _filled(image, known, axes)
    usable, touched = _windows(image, values, axes, watch)
    seen = None
    if known is not None:
        seen = _correlated(known.astype(float), TAPS**2, axes, watch)
        usable &= known & (seen > _KNOWN)
    elif mask is not None:
        usable &= ndimage.minimum_filter(mask, _extent(WINDOW, axes, image.ndim))
    usable = usable[inner]
    if not usable.any():
        return None

    centred = np.subtract(
        image, values.middle, dtype=np.float64
    )  # large offsets would cost digits in the differences
    watch.check()
    detail = _correlated(centred, TAPS, axes, watch)[inner][usable]
    if seen is not None:
        detail /= np.sqrt(seen[inner][usable])
    signal = _correlated(centred, TAPS**2, axes, watch)[inner][usable] + values.middle
    smooth = _smooth(centred, None if scattered else mask, axes)
    watch.check()
    gradient = sum(np.gradient(smooth, axis=axis) ** 2 for axis in axes)
    return Coefficients(
        detail,
        signal,
        smooth[inner][usable] + values.middle,
        gradient[inner][usable],
        touched[inner][usable],
        len(axes),
    )


def _extent(length: int, axes: list[int], ndim: int) -> list[int]:
    return [length if axis in axes else 1 for axis in range(ndim)]


def _width(axes: list[int], ndim: int) -> list[float]:
    return [1.5 if axis in axes else 0.0 for axis in range(ndim)]


def _windows(image: np.ndarray, values: Values, axes: list[int], watch: Watch) -> tuple[np.ndarray, np.ndarray]:
    """Which windows are not constant, and what the others touch."""
    window, reach = (_extent(n, axes, image.ndim) for n in (WINDOW, 2 * WINDOW - 1))
    highest, lowest = ndimage.maximum_filter(image, window), ndimage.minimum_filter(image, window)
    constant = highest <= lowest + values.nothing
    watch.check()
    touched = np.zeros(image.shape, np.uint8)
    if constant.any():
        touched += NEXT_TO_CONSTANT * ndimage.maximum_filter(constant, reach).view(np.uint8)
        watch.check()
    if values.low_shared:
        touched += LOW * (lowest <= values.low + values.nothing).view(np.uint8)
    if values.high_shared:
        touched += HIGH * (highest >= values.high - values.nothing).view(np.uint8)
    return ~constant, touched


def _correlated(image: np.ndarray, taps: np.ndarray, axes: list[int], watch: Watch) -> np.ndarray:
    for axis in axes:
        image = ndimage.correlate1d(image, taps, axis=axis)
        watch.check()
    return image


def _smooth(image: np.ndarray, mask: np.ndarray | None, axes: list[int]) -> np.ndarray:
    """The Gaussian-smoothed image, from the voxels inside the mask alone."""
    width = _width(axes, image.ndim)
    if mask is None:
        return ndimage.gaussian_filter(image, width)
    share = ndimage.gaussian_filter(mask.astype(np.float64), width)
    smooth = ndimage.gaussian_filter(np.where(mask, image, 0), width)
    return np.divide(smooth, share, out=smooth, where=share > 1e-6)


def _filled(image: np.ndarray, mask: np.ndarray, axes: list[int]) -> np.ndarray:
    """The values inside the mask, and outside it what they give nearby by normalised convolution."""
    width = _width(axes, image.ndim)
    share = ndimage.gaussian_filter(mask.astype(np.float64), width)
    known = share > 1e-6
    filled = np.full(image.shape, image[mask].mean(dtype=np.float64))
    for _ in range(4):  # of what the last left: once would flatten edges and tops, which then count as noise
        left = ndimage.gaussian_filter(np.where(mask, image - filled, 0), width)
        filled += np.divide(left, share, out=np.zeros_like(share), where=known)
    return np.where(mask, image, filled)
