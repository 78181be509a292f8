"""What a result leaves unexplained: the image less the result blurred again, by voxel and by kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays.watch import UNWATCHED, IsCancelled, Progress, Watch
from ..blur.selfkeyed import SelfKeyedBlur
from ..kernels.field import BoundField
from ..noise import NoiseLaw
from .job import Job

# Side in voxels of the neighbourhoods among which the one that fits worst is looked for.
_NEAR = 5
# A neighbourhood is a kernel's where it has this share of the weight that it has elsewhere at most.
_OWN = 0.5
# Where a law gives next to no noise, this share of its standard deviation over the image is taken.
_LEAST_SIGMA = 0.05


@dataclass(frozen=True)
class KernelResidual:
    """What is left unexplained where one kernel applies.

    Attributes
    ----------
    at : level, label, position or number
        What the kernel belongs to.
    share : float
        Of the voxels that were worked on, by the kernel's weight.
    rms : float
        sqrt(sum w r^2 / sum w) over these voxels: about 1 in units of the noise where the kernel fits.
    mean : float
        sum w r / sum w: about 0 where nothing is missing systematically.
    worst : (k, j, i) or (j, i)
        The middle of the neighbourhood of a few voxels in which r^2 is largest.
    worst_rms : float
        The root mean square of r in it.
    """

    at: Any
    share: float
    rms: float
    mean: float
    worst: tuple[int, ...]
    worst_rms: float


@dataclass(frozen=True, eq=False)
class ResidualMap:
    """r = y - A x at every voxel.

    Attributes
    ----------
    difference : ndarray
        r in image units, float32 or float64, in the shape of the image; 0 where the mask left the image as it is.
    sigma : float, ndarray or None
        The noise by its law: one standard deviation, or one for each voxel; None where there is no noise.
    mask : ndarray of bool or None
        The voxels that were worked on.
    kernels : tuple of KernelResidual
        For every kernel that some of these voxels take, in units of the noise (of the image where there is none).
    """

    difference: np.ndarray
    sigma: float | np.ndarray | None
    mask: np.ndarray | None
    kernels: tuple[KernelResidual, ...]

    @property
    def in_noise(self) -> bool:
        """Whether `values` are in units of the noise; else they are in units of the image, which has none."""
        return self.sigma is not None

    @property
    def values(self) -> np.ndarray:
        """r / sigma, of the type and shape of `difference`: noise of standard deviation 1 where the kernels fit."""
        return self.difference if self.sigma is None else self.difference / self.difference.dtype.type(self.sigma)

    def describe(self) -> list[str]:
        """Return one line for each kernel: how well it fits, and where it does so least."""
        unit = "times the noise" if self.in_noise else "image units"
        lines = []
        for found in self.kernels:
            name = f"at {found.at}" if len(self.kernels) > 1 else "everywhere"
            place = ", ".join(map(str, found.worst))
            lines.append(
                f"{name}: residual {found.rms:.3g} {unit} (mean {found.mean:+.2g}) over {100 * found.share:.3g} % "
                f"of the voxels; most at voxel ({place}): {found.worst_rms:.3g}"
            )
        return lines


@dataclass(frozen=True, eq=False)
class Fit:
    """A result as it explains its image.

    Attributes
    ----------
    job : Job
    law : NoiseLaw
    estimate : ndarray
        x on the domain of the job's blur: with what lies outside of the mask and, of an extended boundary, beyond
        the border, where that was solved for.
    self_keyed : bool
        Whether x itself chooses its kernels.
    """

    job: Job
    law: NoiseLaw
    estimate: np.ndarray
    self_keyed: bool = False

    @classmethod
    def of(cls, job: Job, law: NoiseLaw, estimate: np.ndarray, self_keyed: bool = False) -> Fit:
        """Return the fit of a job that has ended: it tells nobody how far it is any more."""
        return cls(replace(job, watch=UNWATCHED), law, estimate, self_keyed)

    def blurred(self, watch: Watch) -> np.ndarray:
        """A x."""
        operator = self.job.operator()
        if self.self_keyed:
            return SelfKeyedBlur(operator).forward(self.estimate, watch)[0]
        return operator.forward(self.estimate, watch)

    def residual(self, watch: Watch) -> float | None:
        """||y - A x|| over what the noise makes of it, at the voxels worked on; None where there is no noise."""
        if not self.law.sigma > 0:
            return None
        squared, expected = self.sums(watch)
        return float(np.sqrt(squared / expected)) if expected > 0 else None  # nowhere is a signal that had noise

    def sums(self, watch: Watch) -> tuple[float, float]:
        """||y - A x||^2 at the voxels worked on, and what the noise makes of it."""
        seen, mask = self.blurred(watch), self.job.mask
        expected = self.law.power(seen, mask)
        difference = np.subtract(seen, self.job.image, out=seen)
        if mask is not None:
            difference = difference[mask]
        return float(np.sum(np.square(difference), dtype=np.float64)), expected

    def residual_map(self, progress: Progress | None = None, cancelled: IsCancelled | None = None) -> ResidualMap:
        """Return y - A x with the noise by its law, and how well every kernel fits."""
        watch, job = Watch(progress, cancelled), self.job
        watch.step(0.0, "blurring the result again")
        seen = self.blurred(watch.part(0.0, 0.7))
        sigma = self._sigma(seen)
        difference = np.subtract(job.image, seen, out=seen)
        if job.mask is not None:
            difference[~job.mask] = 0
        values = difference if sigma is None else difference / difference.dtype.type(sigma)
        kernels = _of_kernels(values, self._weights(), job.mask, watch.part(0.7, 1.0))
        shape = job.original.shape
        lead = (0,) * (len(shape) - values.ndim)
        outward = [replace(found, worst=(*lead, *found.worst)) for found in kernels]
        if isinstance(sigma, np.ndarray):
            sigma = sigma.reshape(shape)
        return ResidualMap(
            job.outward(difference).reshape(shape), None if sigma is None else job.outward(sigma),
            None if job.mask is None else job.mask.reshape(shape), tuple(outward),
        )  # fmt: skip

    def _sigma(self, seen: np.ndarray) -> float | np.ndarray | None:
        if not self.law.sigma > 0:
            return None
        if self.law.uniform:
            return self.law.sigma
        sigma = np.sqrt(self.law.variance(seen)).astype(seen.dtype)
        return np.maximum(sigma, seen.dtype.type(_LEAST_SIGMA * self.law.sigma), out=sigma)

    def _weights(self) -> BoundField:
        """What tells where each kernel applies: the image at hand, or the one that was found."""
        bound = self.job.bound
        if not self.self_keyed:
            return bound
        keyed = replace(bound.field, kernels=tuple(bound.kernel(k) for k in range(len(bound.field.kernels))))
        return keyed.bind(self.job.operator().crop(self.estimate), bound.spacing)


def composite(job: Job, image: np.ndarray) -> np.ndarray:
    """Return an image on the domain of the job's blur: the job's own where its mask is not, repeated beyond the
    border where that has more."""
    composite = image if job.mask is None else np.where(job.mask, image, job.image)
    return job.operator().extend(composite) if job.settings.boundary == "extended" else composite


def _of_kernels(
    values: np.ndarray, bound: BoundField, mask: np.ndarray | None, watch: Watch
) -> list[KernelResidual]:
    squares = np.square(values, dtype=np.float64)
    names = _names(bound)
    total = values.size if mask is None else int(np.count_nonzero(mask))
    found = []
    for (k, at), part in watch.parts(list(enumerate(names)), "kernel"):
        part.step(0.0, "looking where kernels do not fit")
        weight = bound.weight(k, values.dtype) if mask is None else bound.weight(k, values.dtype) * mask
        sum_ = float(weight.sum(dtype=np.float64))
        if not sum_ > 0:
            continue
        weighted = weight * squares
        rms = math.sqrt(float(weighted.sum()) / sum_)
        mean = float(np.vdot(weight.astype(np.float64), values)) / sum_
        found.append(KernelResidual(at, sum_ / total, rms, mean, *_worst(weighted, weight)))
    return found


def _names(bound: BoundField) -> Sequence[Any]:
    at: Sequence[Any] = bound.field.at
    return [*at, "unchanged"] if len(bound) > len(at) else at


def _worst(weighted: np.ndarray, weight: np.ndarray) -> tuple[tuple[int, ...], float]:
    """The middle of the neighbourhood that fits worst, and its root mean square."""
    near = ndimage.uniform_filter(weight.astype(np.float64), _NEAR, mode="constant")
    squares = ndimage.uniform_filter(weighted, _NEAR, mode="constant")
    squares[near < _OWN * float(near.max())] = 0
    np.divide(squares, near, out=squares, where=squares > 0)
    worst = np.unravel_index(int(squares.argmax()), squares.shape)
    return tuple(int(n) for n in worst), math.sqrt(max(float(squares[worst]), 0.0))
