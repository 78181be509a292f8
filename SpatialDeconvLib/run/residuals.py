"""What a result leaves unexplained: the image less the result blurred again, by voxel and by kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays.boxes import Box
from ..arrays.watch import UNWATCHED, IsCancelled, Progress, Watch
from ..blur.selfkeyed import SelfKeyedBlur
from ..kernels.field import BoundField
from ..noise import NoiseLaw
from ..solvers.iteration import Solution
from ..texts import mark as _
from .job import Job
from .settings import DeconvolveSettings

#: Side in voxels of the neighbourhoods among which the one that fits worst is looked for.
NEAR = 5
# A neighbourhood is a kernel's where it has at least the largest of these mean weights that is no more than half of
# what it has elsewhere at most: they are the same in every part of an image.
_SHARES = (*(0.5**n for n in range(1, 11)), 0.0)
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


@dataclass(frozen=True)
class KernelSums:
    """What a part of an image says of how one kernel fits; see `joined`.

    Attributes
    ----------
    number : int
        Of the kernel.
    weight, squares, total : float
        sum w, sum w r^2, sum w r.
    most : float
        The kernel's mean weight in the neighbourhood of a few voxels where that is largest.
    worst : tuple of (float, float, place)
        Of the neighbourhoods where its mean weight is at least the first number, the largest root mean square and
        the middle, (k, j, i) or (j, i).
    """

    number: int
    weight: float
    squares: float
    total: float
    most: float
    worst: tuple[tuple[float, float, tuple[int, ...]], ...]

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> KernelSums:
        """Return the sums that JSON held as a mapping."""
        worst = tuple((least, rms, tuple(place)) for least, rms, place in plain["worst"])
        return cls(**{**plain, "worst": worst})

    def moved(self, start: Sequence[int]) -> KernelSums:
        """Return the same with the place seen from elsewhere; axes that it does not have come first."""

        def moved(place: tuple[int, ...]) -> tuple[int, ...]:
            lead = len(start) - len(place)
            return (*start[:lead], *(a + b for a, b in zip(start[lead:], place, strict=True)))

        return replace(self, worst=tuple((least, rms, moved(place)) for least, rms, place in self.worst))


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

    @property
    def nbytes(self) -> int:
        """Bytes that its arrays take, those that it shares with others among them."""
        arrays = (self.difference, self.sigma, self.mask)
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    def describe(self) -> list[str]:
        """Return one line for each kernel: how well it fits, and where it does so least."""
        return describe_kernels(self.kernels, self.in_noise)


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

    @classmethod
    def of_joint(cls, job: Job[DeconvolveSettings], law: NoiseLaw, found: Solution) -> Fit:
        """Return the fit of what a joint method found."""
        self_keyed = job.settings.spec.self_keyed or bool(found.parameters.get("self_keyed"))
        return cls.of(job, law, found.image if found.domain is None else found.domain, self_keyed)

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
        watch.step(0.0, _("blurring the result again"))
        difference, sigma = self._unexplained(job.mask, watch.part(0.0, 0.7))
        weights, everywhere = self._weights(), tuple(slice(0, n) for n in difference.shape)
        sums = _sums_of_kernels(
            _in_noise(difference, sigma), weights, everywhere, job.mask, watch.part(0.7, 1.0), whole=True
        )
        shape = job.original.shape
        sums = [found.moved((0,) * len(shape)) for found in sums]
        if isinstance(sigma, np.ndarray):
            sigma = sigma.reshape(shape)
        voxels = difference.size if job.mask is None else int(np.count_nonzero(job.mask))
        return ResidualMap(
            job.outward(difference).reshape(shape), None if sigma is None else job.outward(sigma),
            None if job.mask is None else job.mask.reshape(shape), joined([sums], weights.field.at, voxels),
        )  # fmt: skip

    def part_of_map(self, box: Box, mask: np.ndarray | None, watch: Watch) -> tuple[np.ndarray, list[KernelSums]]:
        """Return a box of the residual map's values, and what it says of the kernels.

        `mask`: the voxels that are worked on, those around the box, too.
        """
        difference, sigma = self._unexplained(mask, watch)
        values = _in_noise(difference, sigma)
        sums = _sums_of_kernels(values, self._weights(), box, mask, watch.quiet())
        return (self.job.outward(values[box]) if sigma is None else values[box]), sums

    def _unexplained(self, mask: np.ndarray | None, watch: Watch) -> tuple[np.ndarray, float | np.ndarray | None]:
        """y - A x, 0 where the mask left the image as it is, and the noise by its law."""
        seen = self.blurred(watch)
        sigma = self._sigma(seen)
        difference = np.subtract(self.job.image, seen, out=seen)
        if mask is not None:
            difference[~mask] = 0
        return difference, sigma

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


def joined(parts: Iterable[Sequence[KernelSums]], at: Sequence[Any], voxels: int) -> tuple[KernelResidual, ...]:
    """Return how every kernel fits in an image, from what its parts say.

    Parameters
    ----------
    parts : iterable of sequences of KernelSums
        With places in the image.
    at : sequence
        What the kernels belong to; one more is that of the voxels without a kernel.
    voxels : int
        That were worked on.
    """
    of_kernel: dict[int, list[KernelSums]] = {}
    for part in parts:
        for found in part:
            of_kernel.setdefault(found.number, []).append(found)
    kernels = []
    for number in sorted(of_kernel):
        sums = of_kernel[number]
        weight = sum(found.weight for found in sums)
        least = _least_share(max(found.most for found in sums))
        worst = max((each for found in sums for each in found.worst if each[0] == least), key=lambda each: each[1])
        rms = math.sqrt(sum(found.squares for found in sums) / weight)
        mean = sum(found.total for found in sums) / weight
        name = at[number] if number < len(at) else "unchanged"
        kernels.append(KernelResidual(name, weight / voxels, rms, mean, worst[2], worst[1]))
    return tuple(kernels)


def describe_kernels(kernels: Sequence[KernelResidual], in_noise: bool) -> list[str]:
    """Return one line for each kernel: how well it fits, and where it does so least."""
    unit = "times the noise" if in_noise else "image units"
    lines = []
    for found in kernels:
        name = f"at {found.at}" if len(kernels) > 1 else "everywhere"
        place = ", ".join(map(str, found.worst))
        lines.append(
            f"{name}: residual {found.rms:.3g} {unit} (mean {found.mean:+.2g}) over {100 * found.share:.3g} % "
            f"of the voxels; most at voxel ({place}): {found.worst_rms:.3g}"
        )
    return lines


def _in_noise(difference: np.ndarray, sigma: float | np.ndarray | None) -> np.ndarray:
    return difference if sigma is None else difference / difference.dtype.type(sigma)


def _sums_of_kernels(
    values: np.ndarray, bound: BoundField, box: Box, mask: np.ndarray | None, watch: Watch, whole: bool = False
) -> list[KernelSums]:
    """What the values in a box say of the kernels that apply there; `whole`: no other boxes are joined with it."""
    around = tuple(slice(max(0, s.start - NEAR // 2), s.stop + NEAR // 2) for s in box)
    inner = tuple(slice(s.start - a.start, s.stop - a.start) for s, a in zip(box, around, strict=True))
    squares = np.square(values[around], dtype=np.float64)
    found = []
    for k, part in watch.parts(list(range(len(bound))), _("kernel")):
        part.step(0.0, _("looking where kernels do not fit"))
        weight = bound.weight(k, values.dtype)[around]
        weight = weight if mask is None else weight * mask[around]
        sum_ = float(weight[inner].sum(dtype=np.float64))
        if not sum_ > 0:
            continue
        weighted = weight * squares
        total = float(np.vdot(weight[inner].astype(np.float64), values[box]))
        found.append(
            KernelSums(k, sum_, float(weighted[inner].sum()), total, *_worst(weighted, weight, inner, whole))
        )
    return found


def _worst(
    weighted: np.ndarray, weight: np.ndarray, box: Box, whole: bool
) -> tuple[float, tuple[tuple[float, float, tuple[int, ...]], ...]]:
    """The entries `most` and `worst` of `KernelSums`, of neighbourhoods whose middle is in a box."""
    near = ndimage.uniform_filter(weight.astype(np.float64), NEAR, mode="constant")[box]
    squares = ndimage.uniform_filter(weighted, NEAR, mode="constant")[box]
    np.divide(squares, near, out=squares, where=near > 0)
    most = float(near.max())
    worst = []
    for least in (_least_share(most),) if whole else _SHARES:  # else another may have more
        if least > most:
            continue
        chosen = np.where(near >= max(least, 1e-3 * most), squares, -1.0)
        place = np.unravel_index(int(chosen.argmax()), chosen.shape)
        worst.append((least, math.sqrt(max(float(chosen[place]), 0.0)), tuple(int(n) for n in place)))
    return most, tuple(worst)


def _least_share(most: float) -> float:
    """Of `_SHARES`, that which makes neighbourhoods a kernel's own; rounding does not count."""
    return next(share for share in _SHARES if share <= 0.5 * most * (1 + 1e-6))
