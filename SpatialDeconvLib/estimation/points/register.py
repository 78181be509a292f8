"""Cut-outs around points; their places to a fraction of a voxel, fluxes and backgrounds, given the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Voxels that a cut-out has more than the kernel on every side: where the background shows, and room for a shift.
MARGIN = 2
_STEPS = 4  # of Gauss and Newton; the first is nearly always enough
_LONGEST_STEP = 0.5  # voxels


@dataclass
class Cutouts:
    """Parts of an image around points.

    Attributes
    ----------
    values : ndarray, shape (N, *shape)
        0 where there is no value.
    known : ndarray of bool, shape (N, *shape)
    places : ndarray of int, shape (N, axes)
        The voxels in their middle.
    """

    values: np.ndarray
    known: np.ndarray
    places: np.ndarray

    @classmethod
    def around(cls, image: np.ndarray, mask: np.ndarray | None, places: np.ndarray, size: Sequence[int]) -> Cutouts:
        """Cut out what a kernel of `size` needs; where the image or the mask ends, nothing is known."""
        shape = tuple(m + 2 * MARGIN if m > 1 else 1 for m in size)
        values, known = np.zeros((len(places), *shape)), np.zeros((len(places), *shape), bool)
        for number, place in enumerate(places):
            first = [int(p) - m // 2 for p, m in zip(place, shape, strict=True)]
            source = tuple(
                slice(max(0, f), min(n, f + m)) for f, m, n in zip(first, shape, image.shape, strict=True)
            )
            target = tuple(slice(s.start - f, s.stop - f) for s, f in zip(source, first, strict=True))
            known[number][target] = True if mask is None else mask[source]
            values[number][target] = image[source]
        values[~known] = 0.0
        return cls(values, known, places)

    def of(self, which: np.ndarray) -> Cutouts:
        """Those of some points."""
        return Cutouts(self.values[which], self.known[which], self.places[which])


@dataclass
class Fits:
    """What each point is: flux times the kernel, moved by `offset` voxels from the middle, on a background."""

    flux: np.ndarray
    background: np.ndarray
    offset: np.ndarray

    def of(self, which: np.ndarray) -> Fits:
        """Those of some points."""
        return Fits(self.flux[which], self.background[which], self.offset[which])


def fitted(cutouts: Cutouts, kernels: np.ndarray, start: np.ndarray) -> Fits:
    """Fit flux, background and place of every point by least squares, from the offsets `start`.

    kernels : ndarray, shape (N, *shape), centred at index n // 2 and of sum 1.
    """
    offset = start.copy()
    count, axes = offset.shape
    moving = [axis for axis in range(axes) if kernels.shape[axis + 1] > 1]
    known = cutouts.known.reshape(count, -1)
    values = cutouts.values.reshape(count, -1)
    for _ in range(_STEPS):
        columns = [moved(kernels, offset), np.ones_like(kernels)]
        columns += [moved(kernels, offset, slope=axis) for axis in moving]
        design = np.stack([c.reshape(count, -1) * known for c in columns], axis=1)
        normal = np.einsum("nav,nbv->nab", design, design)
        right = np.einsum("nav,nv->na", design, values)
        # A point of whose surroundings little is known may leave a combination open.
        scale = np.trace(normal, axis1=1, axis2=2)[:, None, None]
        found = np.linalg.solve(normal + 1e-12 * scale * np.eye(normal.shape[1]), right[..., None])[..., 0]
        flux = found[:, 0]
        safe = np.where(flux > 0, flux, np.inf)
        step = np.zeros_like(offset)
        step[:, moving] = np.clip(found[:, 2:] / safe[:, None], -_LONGEST_STEP, _LONGEST_STEP)
        offset += step
        if np.abs(step).max() < 1e-3:
            break
    return Fits(flux, found[:, 1], offset)


def registered(cutouts: Cutouts, fits: Fits, kernels: np.ndarray) -> np.ndarray:
    """The cut-outs without their background, of flux 1, moved so that all points lie at index n // 2.

    What is not known is what the kernel says.
    """
    each = (slice(None), *(None,) * (kernels.ndim - 1))
    model = fits.flux[each] * moved(kernels, fits.offset)
    rest = np.where(cutouts.known, cutouts.values - fits.background[each], model)
    # What the kernel explains is moved back exactly; the remainder, mostly noise, by the same phase.
    return kernels + moved(rest - model, -fits.offset) / fits.flux[each]


def moved(arrays: np.ndarray, offset: np.ndarray, slope: int | None = None) -> np.ndarray:
    """Move each array, of the values between which it has no higher frequencies, by its offset in voxels.

    By the phase of the offset in the spectrum: sums with sin(pi x) / (pi x) (Whittaker and Shannon), zero outside.
    With `slope`, the derivative by the offset on that axis instead.

    arrays : ndarray, shape (N, *shape); offset : ndarray, shape (N, axes)
    """
    found = arrays
    for axis in range(offset.shape[1]):
        n = arrays.shape[axis + 1]
        if n == 1 or not (offset[:, axis].any() or axis == slope):
            continue
        at = np.arange(n)[None, :, None] - np.arange(n)[None, None, :] - offset[:, axis, None, None]
        matrix = -_sinc_slope(at) if axis == slope else np.sinc(at)
        # Not through BLAS, whose last digits depend on the number of threads.
        found = np.moveaxis(np.einsum("nij,n...j->n...i", matrix, np.moveaxis(found, axis + 1, -1)), -1, axis + 1)
    return found


def _sinc_slope(x: np.ndarray) -> np.ndarray:
    """The derivative of sin(pi x) / (pi x)."""
    near = np.abs(x) < 1e-6
    safe = np.where(near, 1.0, x)
    return np.where(near, 0.0, (np.cos(np.pi * safe) - np.sinc(safe)) / safe)
