"""Where a straight edge or slit lies in an image: a line in 2-D, a plane in 3-D, to a fraction of a voxel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ...errors import InputError

_SMOOTHING = 1.5  # voxels, to find it; the profile itself is not smoothed
_NEAR = 3.0  # voxels from the line that a row's own place may have
_FEWEST = 0.4  # of the rows must have theirs so near: of noise it is half as many
_WINDOW = 6  # voxels on either side of the line, in which a row's place is taken
_ROUNDS = 12


@dataclass(frozen=True)
class Line:
    """u = offset + sum of slopes times the other coordinates, all in mm from the centre of the first voxel.

    Attributes
    ----------
    axis : int
        That of u, which it crosses.
    offset : float
    slopes : tuple of float
        Of the other axes, in their order.
    falling : bool
        Whether the image becomes darker along u (of a slit: whether it is dark).
    """

    axis: int
    offset: float
    slopes: tuple[float, ...]
    falling: bool

    def distances(self, shape: Sequence[int], spacing: Sequence[float]) -> np.ndarray:
        """The distance in mm of every voxel, positive on the bright side of an edge."""
        found = np.full(shape, -self.offset)
        for axis, (values, slope) in enumerate(
            zip(coordinates(shape, spacing), self._along(len(shape)), strict=True)
        ):
            found += values if axis == self.axis else -slope * values
        return (-found if self.falling else found) / self.length

    @property
    def length(self) -> float:
        """Of the vector (1, -slopes), which stands upright on the line."""
        return math.hypot(1.0, *self.slopes)

    def normal(self, ndim: int) -> np.ndarray:
        """The direction across, of length 1, in the order of the axes."""
        vector = -np.array(self._along(ndim))
        vector[self.axis] = 1.0
        return vector / self.length

    @property
    def tilt_deg(self) -> float:
        """The largest angle between the line and one of the rows of voxels that it could run along."""
        return math.degrees(math.atan(max((abs(s) for s in self.slopes), default=0.0)))

    def moved(self, steps: np.ndarray) -> Line:
        """With these added to the offset and the slopes."""
        slopes = tuple(s + d for s, d in zip(self.slopes, steps[1:].tolist(), strict=True))
        return replace(self, offset=self.offset + float(steps[0]), slopes=slopes)

    def gradients(self, shape: Sequence[int], spacing: Sequence[float]) -> list[np.ndarray]:
        """Derivatives of the distances by the offset and by each slope."""
        sign = (1 if self.falling else -1) / self.length
        others = [c for axis, c in enumerate(coordinates(shape, spacing)) if axis != self.axis]
        return [np.broadcast_to(sign * c, shape) for c in (np.ones([1] * len(shape)), *others)]

    def _along(self, ndim: int) -> list[float]:
        """The slopes by axis, 0 on its own."""
        slopes = list(self.slopes)
        return [0.0 if axis == self.axis else slopes.pop(0) for axis in range(ndim)]


def coordinates(shape: Sequence[int], spacing: Sequence[float]) -> list[np.ndarray]:
    """The coordinates of the voxels in mm per axis, to be broadcast to the shape."""
    return [
        (np.arange(n) * h).reshape([-1 if a == axis else 1 for a in range(len(shape))])
        for axis, (n, h) in enumerate(zip(shape, spacing, strict=True))
    ]


def find_line(image: np.ndarray, spacing: Sequence[float], slit: bool) -> Line:
    """Find the line that the image's edge, or slit, lies on.

    In every row of voxels across it, its place is the centre of mass of the slope (or of a slit's height) near
    where that is largest; a plane goes through these, and what is far from it does not count.

    Raises
    ------
    InputError
        If the rows do not agree on a line.
    """
    sigmas = [_SMOOTHING if n > 1 else 0.0 for n in image.shape]
    smooth = ndimage.gaussian_filter(image, sigmas, mode="nearest")
    slopes = [np.gradient(smooth, axis=a) if n > 1 else np.zeros(image.shape) for a, n in enumerate(image.shape)]
    axis = int(np.argmax([np.square(s).mean() / h for s, h in zip(slopes, spacing, strict=True)]))
    if slit:
        rest = smooth - np.median(smooth, axis=axis, keepdims=True)
        falling = bool(abs(rest.min()) > rest.max())
    else:
        rest = slopes[axis]
        falling = bool(np.sum(rest**3) < 0)
    height = np.moveaxis(-rest if falling else rest, axis, -1)
    others = [c for a, c in enumerate(coordinates(image.shape, spacing)) if a != axis]
    lateral = [np.broadcast_to(c.squeeze(axis), height.shape[:-1]).ravel() for c in others]
    rows, step = height.reshape(-1, height.shape[-1]), spacing[axis]
    design = np.stack([np.ones(len(rows)), *lateral], axis=1)
    coarse, near = _plane(design, rows.argmax(axis=1) * step, step)
    if near < _FEWEST:
        what, place = ("slit", "brightest or darkest") if slit else ("edge", "steepest")
        raise InputError(
            f"the image shows no straight {what}: the {place} places of only {near:.0%} of its rows lie on one "
            f"line; give a part of an image that a single {what} crosses from end to end"
        )
    places = _centres(rows, design @ coarse / step) * step
    found, _ = _plane(design, places, step)
    return Line(axis, float(found[0]), tuple(found[1:].tolist()), falling)


def _plane(design: np.ndarray, places: np.ndarray, step: float) -> tuple[np.ndarray, float]:
    """The plane through most of the places (Cauchy's weights), and the share of them that is near it."""
    weights = np.ones(len(places))
    scale = float(np.median(np.abs(places - np.median(places)))) or step
    for number in range(_ROUNDS):
        root = np.sqrt(weights)
        found = np.linalg.lstsq(design * root[:, None], places * root, rcond=1e-9)[0]
        away = np.abs(places - design @ found)
        scale = max(step, scale if number == 0 else scale / 2)
        weights = 1 / (1 + np.square(away / scale))
    return found, float(np.mean(away <= _NEAR * step))


def _centres(rows: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The centre of mass of each row near a place, in voxels."""
    index = np.arange(rows.shape[1])
    inside = np.abs(index[None, :] - guess[:, None]) <= _WINDOW
    mass = np.where(inside, np.maximum(rows, 0.0), 0.0)
    total = mass.sum(axis=1)
    safe = np.where(total > 0, total, 1.0)
    return np.where(total > 0, mass @ index / safe, rows.argmax(axis=1))
