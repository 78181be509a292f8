"""Kernels: small arrays with a spacing in mm, and the makers of the usual ones.

A kernel knows its centre, the place of its array that stands for zero displacement; see `centres`. Axes are
(k, j, i) or (j, i), like the images of this library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays.memory import available_memory
from ..arrays.spacing import Spacing, spacing_tuple
from ..errors import InputError, check_squarable
from .centres import Centre, GivenCentre, centre_of, centred
from .curves import line_spread, modulation
from .faults import Fault, faults_of, looks_logarithmic, stack_faults, told_with_cure
from .resampling import resampled_along

# More voxels (1 GiB) than any kernel needs: nearly always a spacing in another unit than mm.
_LARGEST = 2**27
# While one is made, there are so many arrays of its size.
_COPIES = 3
#: Of an MTF, behind a gap: what counts. Those of kernels that are cut off at their ends come to 2e-5.
_GAP = 1e-2


@dataclass(frozen=True, eq=False)
class Kernel:
    """A convolution kernel on a regular grid.

    Parameters
    ----------
    values : array_like, 2-D (j, i) or 3-D (k, j, i)
        Weights, kept as read-only float64. Each is the weight of a whole voxel, not a density.
    spacing : float or sequence of float
        Voxel size in mm, in the order of the axes.
    name : str
        Shown in messages and figures.
    source : mapping, optional
        The kernel-set entry that this kernel was made from; written to kernel sets and recipes.
    centre : str or float, or one per axis
        The place of the array that stands for zero displacement: "middle", (n - 1) / 2; "itk", n // 2, the rule of
        SimpleITK's filters; "peak"; "centroid"; or an index, which may lie between voxels. "auto" is the middle
        of a kernel that is symmetric about it, and n // 2 of others: they differ where n is even, by half a voxel.
        Kept as indices.
    in_voxels : bool
        Nobody knows its voxel size (a picture, an array): it is taken in the voxels of the image it is used on,
        whatever their size, and `spacing` only stands in.
    notes : sequence of str
        What there is to say of how it was made: what was left out, what was assumed. One line each.

    Raises
    ------
    InputError
        If the array is empty, complex, not 2-D or 3-D, not finite, or zero everywhere; if it has no such centre.
    """

    values: np.ndarray
    spacing: tuple[float, ...] = (1.0,)
    name: str = ""
    source: Mapping[str, Any] | None = field(default=None, repr=False)
    centre: Centre = "auto"  # type: ignore[assignment]  # a tuple from __post_init__ on
    in_voxels: bool = False
    notes: tuple[str, ...] = field(default=(), repr=False)

    if TYPE_CHECKING:  # more is taken than is kept

        def __init__(
            self,
            values: ArrayLike,
            spacing: Spacing = 1.0,
            name: str = "",
            source: Mapping[str, Any] | None = None,
            centre: GivenCentre = "auto",
            in_voxels: bool = False,
            notes: Sequence[str] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        label = self._label
        try:
            values = np.asarray(self.values)
        except ValueError as error:  # rows of different length
            raise InputError(f"{label} is no regular array; give a non-empty 2-D or 3-D array") from error
        if values.ndim not in (2, 3) or values.size == 0:
            raise InputError(f"{label} has shape {values.shape}; give a non-empty 2-D or 3-D array")
        if np.iscomplexobj(values):
            raise InputError(f"{label} is complex ({values.dtype}); give real values, e.g. abs(values)")
        try:
            # One order in memory: the last bit of a sum depends on it.
            values = np.array(values, dtype=np.float64, order="C")
        except (TypeError, ValueError) as error:
            raise InputError(f"{label} of type {values.dtype} does not hold numbers") from error
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            raise InputError(f"{label} has {bad} NaN or infinite of {values.size} values; replace them first")
        if not np.any(values):
            raise InputError(f"{label} of shape {values.shape} is zero everywhere; give at least one weight")
        check_squarable(float(np.abs(values).max()), f"{label} has a value of")
        values.setflags(write=False)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "spacing", spacing_tuple(self.spacing, values.ndim, f"{label} spacing"))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "centre", centre_of(values, self.centre, f"{label} centre"))

    @property
    def _label(self) -> str:
        """What messages call it."""
        return f"kernel {self.name!r}" if self.name else "kernel"

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def centre_voxel(self) -> tuple[int, ...]:
        """Index of the voxel nearest to the centre, the upper one of two."""
        return tuple(math.floor(place + 0.5) for place in self.centre)

    @property
    def total(self) -> float:
        """Sum of the values: the factor by which the kernel scales a constant image."""
        return float(self.values.sum())

    @property
    def is_identity(self) -> bool:
        """Whether convolution with this kernel returns the image itself."""
        if np.count_nonzero(self.values) != 1 or self.centre != self.centre_voxel:
            return False
        return bool(self.values[self.centre_voxel] == 1.0)

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        spacing = "" if self.in_voxels else f" of {'x'.join(f'{s:g}' for s in self.spacing)} mm"
        return f"Kernel({self.name or 'unnamed'}, {size} voxels{spacing}, sum {self.total:.6g})"

    def normalized(self) -> Kernel:
        """Return the kernel scaled to sum 1.

        Raises
        ------
        InputError
            If the sum is zero or negative (a Laplace kernel has nothing to normalise; a kernel stored as
            its logarithm sums to a negative number).
        """
        total = self.total
        if total <= 1e-12 * float(np.abs(self.values).sum()):
            hint = "it looks logarithmic: read it with log=True" if self.looks_logarithmic else "use convolve"
            raise InputError(f"{self._label} sums to {total:.6g}, so it cannot be normalised to sum 1 ({hint})")
        if total == 1.0:
            return self
        return replace(self, values=self.values / total, source=self._source_of_others())

    def centred(self) -> Kernel:
        """Return the kernel with its centre at index ``n // 2`` on every axis: itself where it is there already.

        See `centres.centred` for how, and for its error. Operators and filters work on these.
        """
        values = centred(self.values, self.centre)
        if values is self.values:
            return self
        source = self._source_of_others()
        return Kernel(values, self.spacing, self.name, source, "itk", in_voxels=self.in_voxels, notes=self.notes)

    def _source_of_others(self) -> Mapping[str, Any] | None:
        """The source of a kernel with other values: the entry of a stored one describes its values as stored."""
        stored = self.source is not None and self.source.get("type") in ("file", "values")
        return None if stored else self.source  # parameters still hold

    def widths(self) -> tuple[float, ...] | None:
        """Return the standard deviation on each axis in voxels; None when the sum is not positive."""
        total = self.total
        if total <= 0:
            return None
        found = []
        for axis, n in enumerate(self.shape):
            profile = self.values.sum(axis=tuple(a for a in range(self.ndim) if a != axis)) / total
            places = np.arange(n) - np.vdot(profile, np.arange(n))
            found.append(math.sqrt(max(float(np.vdot(profile, places**2)), 0.0)))
        return tuple(found)

    def resampled(self, spacing: Spacing) -> Kernel:
        """Return the kernel on a grid of another spacing, with the same integral and the same centre.

        Every voxel is a box of uniform weight; a new voxel receives, from each old one, the fraction of the old box
        that it overlaps, so the sum is kept and no value turns negative. The boxes are moved towards the mean place
        until the variance on every axis is kept, too, as far as the new voxels can show it
        (`resampling.resampled_along`).

        Parameters
        ----------
        spacing : float or sequence of float
            New voxel size in mm per axis.

        Returns
        -------
        Kernel
            Without `source`: what it was made from makes another kernel on this grid.
        """
        target = spacing_tuple(spacing, self.ndim)
        if np.allclose(target, self.spacing, rtol=1e-6, atol=0):
            return self
        extent = [n * old / new + 2 for n, old, new in zip(self.shape, self.spacing, target, strict=True)]
        refuse_huge(extent, f"{self._label} of spacing {self.spacing}", target)
        values, centre = self.values, list(self.centre)
        for axis, (old, new) in enumerate(zip(self.spacing, target, strict=True)):
            if not math.isclose(old, new, rel_tol=1e-6):
                values = resampled_along(values, axis, centre[axis], old, new)
                centre[axis] = values.shape[axis] // 2
        return Kernel(values, target, self.name, centre=centre, notes=self.notes)

    def sampled(self, spacing: Spacing) -> Kernel:
        """Return the kernel on an image grid of `spacing`: itself when the spacing agrees, else resampled.

        `spacing` has one value per axis of the *image*; a 2-D kernel takes the last two. A kernel that is in
        voxels is taken as it is.
        """
        axes = spacing_tuple(spacing, np.size(spacing) if np.ndim(spacing) else self.ndim)
        if len(axes) < self.ndim:
            axes = (self.spacing[0], *axes)
        if self.in_voxels:
            return replace(self, spacing=axes[-self.ndim :], in_voxels=False)
        return self.resampled(axes[-self.ndim :])

    def reach(self, axis: int, share: float = 1e-3) -> int:
        """Return how far from its centre, along an axis, it has all but this share of its weight, in voxels."""
        return int(np.count_nonzero(self._beyond(axis) > share)) - 1

    def fine_reach(self, axis: int, share: float = 1e-3) -> float:
        """Return the same between voxels: to where the share lies beyond, their weight spread over them.

        Of a Gaussian 3.1 sigma, whether that is one voxel or many; 0 where all weight is in the centre. Between two
        voxels' outer sides the weight beyond falls exponentially, as that of tails does.
        """
        beyond = self._beyond(axis)
        last = int(np.count_nonzero(beyond > share)) - 1
        if last == 0:
            return 0.0
        outside = beyond[last + 1] if last + 1 < beyond.size else 0.0
        if outside > 0:
            part = math.log(beyond[last] / share) / math.log(beyond[last] / outside)
        else:  # it ends there
            part = 1 - share / beyond[last]
        return float(last - 0.5 + part)

    def _beyond(self, axis: int) -> np.ndarray:
        """The share of the weight that lies at each distance and more along an axis."""
        others = tuple(a for a in range(self.ndim) if a != axis)
        profile = np.abs(self.values).sum(axis=others)
        distance = np.abs(np.arange(profile.size) - profile.size // 2)
        beyond = np.bincount(distance, profile)[::-1].cumsum()[::-1]
        return beyond / beyond[0]

    def profile(self, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel's line spread function along an axis.

        L(d) = sum of the weights at distance d on the axis / voxel size: what a thin line across the axis becomes.

        Parameters
        ----------
        axis : int
            Of the array; -1 is i.

        Returns
        -------
        position, density : ndarray, ndarray
            Distance from the centre in mm; weight per mm.
        """
        return line_spread(self.values, self.spacing, self.centre, axis)

    def mtf(self, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
        """Return the kernel's modulation transfer function along an axis.

        M(f) = |sum_d L(d) exp(-2 pi i f d)| / |sum_d L(d)|, L the `profile`, up to the frequency that the voxels
        still hold, 0.5 / spacing. Of a kernel that sums to nothing (a Laplace kernel) it is not divided.

        Parameters
        ----------
        axis : int
            Of the array; -1 is i.

        Returns
        -------
        frequency, modulation : ndarray, ndarray
            In cycles per mm; 1 at 0 where the kernel has a sum.
        """
        return modulation(self.values, self.spacing, axis)

    @property
    def has_gaps(self) -> bool:
        """Whether its MTF falls to little and rises again along an axis, as of sharp edges: disks, boxes, motion.

        What lies around such a frequency is restored from voxels far away, however small the kernel is.
        """
        for axis in range(self.ndim):
            _, passed = self.mtf(axis)
            if np.any(passed > np.maximum(_GAP, 3 * np.minimum.accumulate(passed))):
                return True
        return False

    def faults(self) -> list[Fault]:
        """Return what is unusual for a blur kernel, each with what mends it; an empty list when nothing is."""
        found = faults_of(self.values, self.centre)
        if self.looks_logarithmic:
            return found
        return [*stack_faults(self.values, found), *found, *map(Fault, self.notes)]

    def check(self) -> list[str]:
        """Return warnings, in words, about what is unusual for a blur kernel; an empty list when nothing is.

        What `prepare_kernel` mends is said with the call that does.
        """
        return told_with_cure(self.faults())

    @property
    def looks_logarithmic(self) -> bool:
        """Whether the values are likely a kernel's logarithm."""
        return looks_logarithmic(self.values)


def refuse_huge(shape: Iterable[float], what: str, spacing: Spacing, working: float = 0.0) -> None:
    """Refuse a kernel that is larger than any, or that there is no memory for, before it is made.

    Parameters
    ----------
    shape : iterable of float
        Voxels.
    what : str
        What it is, for the message.
    spacing : float or sequence of float
    working : float
        Bytes that making it takes, beside the values.

    Raises
    ------
    InputError
    """
    sizes = [float(n) for n in shape]
    voxels = math.prod(sizes)
    free = available_memory()
    fits = free is None or _COPIES * 8 * voxels + working <= free
    if voxels > _LARGEST or not fits:
        size = "x".join(f"{n:.0f}" if n < 1e9 else f"{n:.3g}" for n in sizes)
        memory = ""
        if free is not None and not fits:
            memory = f", which is more than the {free / 2**30:.1f} GiB of memory that are free"
        raise InputError(
            f"{what} would need {size} voxels on a grid of spacing {spacing}{memory}; check that both are in mm"
        )


def sizes_text(values: ArrayLike) -> str:
    sizes = np.asarray(values)
    if sizes.ndim == 2:
        return "; ".join(" ".join(f"{v:g}" for v in row) for row in sizes)
    return "x".join(f"{v:g}" for v in (sizes[:1] if len(set(sizes)) == 1 else sizes))
