"""The numbers of a report: where an image changed most, what the kernels leave unexplained, spectra, profiles.

Arrays are (k, j, i) with spacing in mm in the same order; a 2-D image is one slice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import fft, ndimage

from ..arrays.boxes import Box
from ..arrays.watch import Watch
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.shapes import identity_kernel
from ..run.inputs import Inputs
from ..run.job import Job
from ..run.residuals import ResidualMap
from ..run.settings import ConvolveSettings

#: The residual is looked at in a block of at most about this many voxels, so that large volumes take seconds.
BLOCK_VOXELS = 3_000_000
_SPECTRUM_SLICES = 64


# ------------------------------------------------------------------------------------- what has changed


def most_changed_slices(before: np.ndarray, after: np.ndarray, count: int = 3) -> list[int]:
    """Return the slices whose sum of squared change is largest, the first of all first.

    Slices nearer to each other than an eighth of the volume count as one; slices without change are left out.
    """
    change = np.array([_squares(b, a) for b, a in zip(before, after, strict=True)])
    apart = max(2, len(change) // 8)
    chosen: list[int] = []
    for k in np.argsort(-change, kind="stable"):
        if len(chosen) < count and change[k] > 0 and all(abs(k - other) >= apart for other in chosen):
            chosen.append(int(k))
    return chosen or [len(change) // 2]


def _squares(before: np.ndarray, after: np.ndarray) -> float:
    change = np.subtract(after, before, dtype=np.float64)
    return float(np.nansum(np.square(change, out=change)))


def most_changed_places(change: np.ndarray, size: tuple[int, int], count: int = 3) -> list[tuple[int, int]]:
    """Return where a plane of changes has most energy in windows of `size` voxels: the windows' first voxels.

    What lies in a window that was chosen counts for no other, and windows overlap by less than a quarter on one
    of the axes; places without change are left out.
    """
    energy = np.square(np.nan_to_num(change.astype(np.float64)))
    tall, wide = size
    free = np.ones([n - s + 1 for n, s in zip(energy.shape, size, strict=True)], bool)
    places: list[tuple[int, int]] = []
    while len(places) < count:
        inside = np.where(free, _window_sums(energy, tall, wide), 0.0)
        j, i = (int(n) for n in np.unravel_index(int(inside.argmax()), inside.shape))
        window = energy[j : j + tall, i : i + wide]
        if not (inside[j, i] > 0 and window.any()):  # sums of nothing may differ from 0 by rounding
            break
        places.append((j, i))
        window[...] = 0
        free[
            max(0, j - 3 * tall // 4 + 1) : j + 3 * tall // 4, max(0, i - 3 * wide // 4 + 1) : i + 3 * wide // 4
        ] = 0
    return places


def _window_sums(energy: np.ndarray, tall: int, wide: int) -> np.ndarray:
    """The sum over every window of this size."""
    sums = np.pad(energy.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    columns = sums[:, wide:] - sums[:, :-wide]
    return columns[tall:] - columns[:-tall]


@dataclass(frozen=True)
class Profile:
    """Values along a line through an edge.

    Attributes
    ----------
    voxel : (k, j, i)
        The middle of the line.
    axis : int
        1: the line runs along j, 2: along i.
    start : int
        Index of the first voxel of the line on that axis.
    position : ndarray
        mm from the middle.
    lines : dict of name to ndarray
        "before", "after" and, where there is one, "reference".
    """

    voxel: tuple[int, int, int]
    axis: int
    start: int
    position: np.ndarray
    lines: dict[str, np.ndarray]

    def steepest(self, name: str) -> float:
        """Largest magnitude of the slope between neighbouring voxels, in image units per mm."""
        return float(np.abs(np.diff(self.lines[name]) / np.diff(self.position)).max())


def edge_profiles(
    images: dict[str, np.ndarray], k: int, spacing: Sequence[float], reach: int, count: int = 3
) -> list[Profile]:
    """Return lines of voxels in slice `k` across the edges that changed most.

    An edge that changed is a large product of gradient (of the smoothed image "before") and smoothed change.
    A line runs along the axis on which the gradient is steeper, `reach` voxels to each side.
    """
    before, after = (np.nan_to_num(images[name][k].astype(np.float64)) for name in ("before", "after"))
    if min(before.shape) < 3:
        return []
    smooth = ndimage.gaussian_filter(before, 1.0)
    slopes = [np.abs(np.gradient(smooth, h, axis=axis)) for axis, h in enumerate(spacing[1:])]
    score = np.hypot(*slopes) * ndimage.gaussian_filter(np.abs(after - before), 1.5)
    rim = [min(max(2, reach // 2), n // 4) for n in score.shape]
    inner = np.zeros(score.shape, bool)
    inner[rim[0] : score.shape[0] - rim[0], rim[1] : score.shape[1] - rim[1]] = True
    score[~inner] = 0
    apart = max(4, min(2 * reach, min(score.shape) // 4))
    profiles: list[Profile] = []
    while len(profiles) < count:
        j, i = (int(n) for n in np.unravel_index(int(score.argmax()), score.shape))
        if not score[j, i] > 0:
            break
        axis = 1 + int(slopes[1][j, i] > slopes[0][j, i])
        profiles.append(_profile(images, (k, j, i), axis, spacing[axis], reach))
        score[max(0, j - apart) : j + apart + 1, max(0, i - apart) : i + apart + 1] = 0
    return profiles


def _profile(
    images: dict[str, np.ndarray], voxel: tuple[int, int, int], axis: int, h: float, reach: int
) -> Profile:
    length = images["before"].shape[axis]
    start, stop = max(0, voxel[axis] - reach), min(length, voxel[axis] + reach + 1)
    line = tuple(slice(start, stop) if a == axis else n for a, n in enumerate(voxel))
    position = (np.arange(start, stop) - voxel[axis]) * h
    return Profile(voxel, axis, start, position, {n: np.asarray(v[line], float) for n, v in images.items()})


# --------------------------------------------------------------------------------------------- kernels


def widths(kernel: Kernel) -> tuple[float, ...] | None:
    """Return the root mean square width of a kernel along each axis in mm; None when it has negative weights.

    sqrt(sum h(d) (d - m)^2 / sum h), m the mean position; of a Gaussian it is sigma.
    """
    if kernel.values.min() < 0 or kernel.total <= 0:
        return None
    found = []
    for axis, (n, h) in enumerate(zip(kernel.shape, kernel.spacing, strict=True)):
        weight = kernel.values.sum(axis=tuple(a for a in range(kernel.ndim) if a != axis)) / kernel.total
        position = (np.arange(n) - n // 2) * h
        mean = float(weight @ position)
        found.append(math.sqrt(max(0.0, float(weight @ (position - mean) ** 2))))
    return tuple(found)


def transfer(kernel: Kernel, points: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return in-plane frequencies (cycles/mm) and the mean magnitude of a kernel's transfer function there.

    The kernel is summed over its slices (structures that do not change from slice to slice) and zero-padded;
    |H| is averaged over rings of equal frequency, up to the largest that fits on both axes.
    """
    plane = kernel.values if kernel.ndim == 2 else kernel.values.sum(axis=0)
    shape = [max(points, n) for n in plane.shape]
    magnitude = np.abs(fft.rfft2(plane, shape))
    return _rings(magnitude, shape, kernel.spacing[-2:])


def _rings(values: np.ndarray, shape: Sequence[int], spacing: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Average a half spectrum (of ``rfft2``) over rings of equal frequency: their mean frequencies and values."""
    rows, columns = fft.fftfreq(shape[0], spacing[0]), fft.rfftfreq(shape[1], spacing[1])
    frequency = np.hypot(rows[:, None], columns[None, :])
    # Every column stands for two of the full spectrum, but the first and, of even sizes, the last.
    weight = np.full(columns.size, 2.0)
    weight[0] = 1.0
    if shape[1] % 2 == 0:
        weight[-1] = 1.0
    step = max(1.0 / (n * h) for n, h in zip(shape, spacing, strict=True))
    highest = min(0.5 / h for h in spacing)
    ring = np.rint(frequency / step).astype(int)
    inside = frequency <= highest + 0.5 * step
    weights = np.broadcast_to(weight, frequency.shape)[inside]
    ring, count = ring[inside], int(ring[inside].max()) + 1
    total = np.bincount(ring, weights, count)
    used = total > 0
    means = [np.bincount(ring, weights * v[inside], count)[used] / total[used] for v in (frequency, values)]
    return means[0], means[1]


# ------------------------------------------------------------------------------------------- spectra


def power_spectrum(
    planes: np.ndarray, spacing: Sequence[float], mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return in-plane frequencies (cycles/mm) and the mean power per voxel of slices at these frequencies.

    P(f) = <|F(w (x - m))|^2> / sum(w^2), w a Hann window (zero outside the mask) and m the mean of each slice,
    averaged over rings and slices: sigma^2 at every f for white noise of standard deviation sigma, but for the
    lowest ring, from which the mean is taken.

    Parameters
    ----------
    planes : ndarray, shape (k, j, i)
    spacing : (j, i) in mm
    mask : ndarray of bool, shape of `planes`, optional
    """
    shape = planes.shape[1:]
    window = np.outer(*(np.hanning(n + 2)[1:-1] if n > 1 else np.ones(1) for n in shape))
    power, total = np.zeros((shape[0], shape[1] // 2 + 1)), 0.0
    for number in _evenly(len(planes), _SPECTRUM_SLICES):
        weight = window if mask is None else window * mask[number]
        energy = float(np.square(weight).sum())
        if not energy:
            continue
        plane = np.asarray(planes[number], float)
        mean = float((plane * weight).sum() / weight.sum())
        power += np.abs(fft.rfft2((plane - mean) * weight)) ** 2
        total += energy
    frequency, mean_power = _rings(power / total if total else power, shape, spacing)
    return frequency, mean_power


def _evenly(length: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, length - 1, min(length, count)).round().astype(int))


# ------------------------------------------------------------------------------------------- residual


@dataclass(frozen=True)
class Residual:
    """What the blur of the result leaves of the image: r = y - A x, in a block.

    Attributes
    ----------
    values : ndarray
        r in the block, 3-D.
    mask : ndarray of bool or None
        Which of them count.
    box : three slices
        The block in the image.
    whole : bool
        Whether the block is the whole image.
    """

    values: np.ndarray
    mask: np.ndarray | None
    box: Box
    whole: bool

    def counted(self) -> np.ndarray:
        """The values that count, in one dimension."""
        return self.values.ravel() if self.mask is None else self.values[self.mask]

    def mean(self) -> float:
        return float(self.counted().mean(dtype=np.float64))

    def deviation(self) -> float:
        return float(self.counted().std(dtype=np.float64))

    def root_mean_square(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.counted(), dtype=np.float64))))

    def correlation(self, axis: int) -> float | None:
        """Correlation of neighbouring voxels along an axis, about 0 for white noise; None without neighbours."""
        a, b = (self._cut(axis, part) for part in (slice(None, -1), slice(1, None)))
        counted = np.ones(a[0].shape, bool) if self.mask is None else a[1] & b[1]
        x, y = a[0][counted].astype(np.float64), b[0][counted].astype(np.float64)
        if x.size < 2:
            return None
        x, y = x - x.mean(), y - y.mean()
        scale = math.sqrt(float(x @ x) * float(y @ y))
        return float(x @ y) / scale if scale else None

    def _cut(self, axis: int, part: slice) -> tuple[np.ndarray, np.ndarray | None]:
        index = tuple(part if a == axis else slice(None) for a in range(3))
        return self.values[index], None if self.mask is None else self.mask[index]


def job_of(inputs: Inputs, parameters: Mapping[str, Any], normalizes: bool, watch: Watch) -> Job:
    """Return the checked input of the run that had these parameters, as the engine had it."""
    boundary = parameters["boundary"]
    settings = ConvolveSettings(
        model=parameters["model"], boundary="edge" if boundary == "extended" else boundary,
        slicewise=parameters["slicewise"], nonfinite="fill", normalize=normalizes,
    )  # fmt: skip
    return Job.prepare(inputs, settings, watch.quiet())


def residual_near(found: ResidualMap, around: Sequence[int]) -> Residual:
    """Return the part of a residual map that a report looks at.

    Parameters
    ----------
    found : ResidualMap
    around : (k, j, i)
        What the part has in its middle: the whole image, when that is small enough.
    """
    values, mask = (a if a is None or a.ndim == 3 else a[None] for a in (found.difference, found.mask))
    box = _block(values.shape, around)
    whole = all(s.stop - s.start == n for s, n in zip(box, values.shape, strict=True))
    return Residual(values[box], None if mask is None else mask[box], box, whole)


def weights_of(field: KernelField, values: np.ndarray, outside: str | None = None) -> np.ndarray:
    """Return the weights that a field keyed by intensity gives to values: one row for each kernel.

    With the identity kernel of ``outside="unchanged"`` there is one row more, where values need it.
    """
    unit = identity_kernel(1.0, ndim=2)
    bare = replace(field, kernels=(unit,) * len(field.kernels), outside=outside or field.outside)
    bound = bare.bind(values.reshape(1, -1))
    return np.stack([bound.weight(k).reshape(values.shape) for k in range(len(bound))])


def _block(shape: Sequence[int], around: Sequence[int]) -> Box:
    """A block of about BLOCK_VOXELS around a voxel; slices stay whole as long as possible."""
    sizes = list(shape)
    for axis in range(len(shape)):
        wanted = BLOCK_VOXELS * sizes[axis] // math.prod(sizes)
        least = min(shape[axis], 8 if axis == 0 else 64)
        sizes[axis] = max(least, min(shape[axis], wanted))
    starts = [min(max(0, c - s // 2), n - s) for c, s, n in zip(around, sizes, shape, strict=True)]
    return tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))
