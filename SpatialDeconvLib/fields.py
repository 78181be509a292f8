"""Kernel fields: which kernel applies where.

A `KernelField` holds kernels and a key. Bound to an image, it becomes a `BoundField` that produces the
weights w_k one kernel at a time, so that K kernels never need K weight volumes at once:

    w_k >= 0,   sum_k w_k = 1 at every voxel.

With ``outside="unchanged"`` an identity kernel is added that takes the voxels no kernel is meant for, so
that the sum is 1 there too.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import ndimage

from .errors import InputError, check_choice, check_number
from .kernels import Kernel, ParametricKernel, Spacing, box_profile, identity_kernel, spacing_tuple

AnyKernel = Kernel | ParametricKernel
Box = tuple[slice, ...]

_SLAB_VOXELS = 2**17

KEYS = ("intensity", "region", "position", "weights", "uniform")
OUTSIDE = ("nearest", "unchanged", "error")
INTERPOLATIONS = {
    "intensity": ("linear", "nearest"),
    "position": ("linear", "nearest", "inverse-distance"),
}


def bounding_box(weight: np.ndarray) -> Box | None:
    """Return the smallest box of slices that holds every non-zero element, or None when there is none."""
    box = []
    inside = weight != 0
    for _ in range(weight.ndim):  # axis by axis, the axes before it flattened away
        used = np.flatnonzero(inside.any(axis=tuple(range(1, inside.ndim))))
        if used.size == 0:
            return None
        box.append(slice(int(used[0]), int(used[-1]) + 1))
        inside = inside.any(axis=0)
    return tuple(box)


@dataclass(frozen=True, eq=False)
class KernelField:
    """Kernels and the key that chooses among them. Make one with `by_intensity`, `by_region`,
    `by_position`, `by_weights` or `uniform`.

    Attributes
    ----------
    key : str
        "intensity", "region", "position", "weights" or "uniform".
    kernels : tuple of Kernel or ParametricKernel
        In the order of `at`.
    at : tuple
        What each kernel belongs to: a level, a label (or segment name), a position (mm), a number.
    interpolation, outside, feather
        See the constructors.
    """

    key: str
    kernels: tuple[AnyKernel, ...]
    at: tuple[Any, ...]
    interpolation: str = "linear"
    outside: str = "nearest"
    feather: float = 0.0
    labels: np.ndarray | None = None
    label_names: Mapping[str, int] | None = None
    weight_arrays: Any = None

    # -- constructors

    @classmethod
    def uniform(cls, kernel: AnyKernel) -> KernelField:
        """One kernel everywhere."""
        return cls("uniform", _checked_kernels([kernel]), (0,))

    @classmethod
    def by_intensity(
        cls, kernels: Mapping[float, AnyKernel], interpolation: str = "linear", outside: str = "nearest"
    ) -> KernelField:
        """Kernels keyed to the intensity of a guide image (the input itself unless another is given).

        Parameters
        ----------
        kernels : mapping of float to Kernel
            Level (intensity) -> kernel. A sequence of (level, kernel) pairs is taken too.
        interpolation : {"linear", "nearest"}
            Between two levels: hat functions, w_k = (l_{k+1} - g) / (l_{k+1} - l_k), which is exactly the
            linear interpolation of the two kernels; or the kernel of the nearest level (the upper one when
            both are as near).
        outside : {"nearest", "unchanged", "error"}
            Below the lowest and above the highest level: the nearest kernel, no filtering, or an error.
        """
        pairs = sorted(((_level(at), k) for at, k in _pairs(kernels)), key=lambda pair: pair[0])
        levels = tuple(at for at, _ in pairs)
        _refuse_duplicates(levels, "level")
        check_choice(interpolation, INTERPOLATIONS["intensity"], "interpolation")
        check_choice(outside, OUTSIDE, "outside")
        return cls("intensity", _checked_kernels([k for _, k in pairs]), levels, interpolation, outside)

    @classmethod
    def by_region(
        cls,
        labels: np.ndarray | None,
        kernels: Mapping[int | str, AnyKernel],
        feather: float = 0.0,
        outside: str = "error",
        names: Mapping[str, int] | None = None,
    ) -> KernelField:
        """Kernels keyed to the labels of a label map.

        Parameters
        ----------
        labels : ndarray of int, shape of the image, or None
            The label map; None when it comes later, through `with_labels`.
        kernels : mapping of int or str to Kernel
            Label value (or segment name, looked up in `names`) -> kernel.
        feather : float
            Width in mm of the transition between two regions: a straight boundary becomes a linear ramp of
            that width (each region's indicator averaged over a box of `feather` mm).
        outside : {"error", "unchanged", "nearest"}
            Voxels whose label has no kernel: an error that names the label, no filtering, or the kernel of
            the nearest voxel that has one.
        names : mapping of str to int, optional
            Segment name -> label value.
        """
        pairs = _pairs(kernels)
        at = tuple(a if isinstance(a, str) else _label(a) for a, _ in pairs)
        _refuse_duplicates(at, "label")
        check_choice(outside, OUTSIDE, "outside")
        try:
            width = float(feather)
        except (TypeError, ValueError):
            width = -1.0
        if not 0 <= width < np.inf:
            raise InputError(f"feather {feather!r} must be 0 or a positive width in mm")
        field = cls("region", _checked_kernels([k for _, k in pairs]), at, "nearest", outside, width)
        return field if labels is None else field.with_labels(labels, names)

    @classmethod
    def by_position(
        cls, kernels: Mapping[Sequence[float], AnyKernel], interpolation: str = "linear"
    ) -> KernelField:
        """Kernels keyed to the place in the image.

        Parameters
        ----------
        kernels : mapping of (z, y, x) to Kernel
            Position in mm along the image's own axes, from the centre of voxel (0, 0, 0) -> kernel. For
            2-D images positions are (y, x), or (z, y, x) with z ignored.
        interpolation : {"linear", "nearest", "inverse-distance"}
            Multilinear between positions that form a complete grid (one plane, line or point is a grid
            too), constant beyond its faces; the nearest position; or weights 1 / distance^2 for scattered
            positions (Shepard's method).
        """
        pairs = [(_position(at), k) for at, k in _pairs(kernels)]
        at = tuple(position for position, _ in pairs)
        _refuse_duplicates(at, "position")
        if len({len(p) for p in at}) > 1:
            raise InputError("positions mix 2 and 3 coordinates; give [z, y, x] for all of them")
        check_choice(interpolation, INTERPOLATIONS["position"], "interpolation")
        return cls("position", _checked_kernels([k for _, k in pairs]), at, interpolation)

    @classmethod
    def by_weights(cls, weights: Sequence[np.ndarray] | np.ndarray, kernels: Sequence[AnyKernel]) -> KernelField:
        """Kernels with explicit weights.

        Parameters
        ----------
        weights : sequence of K arrays of the image's shape (or one array with K in front)
            Non-negative and summing to 1 at every voxel, to 1e-3; rounding within that is divided out.
        kernels : sequence of K Kernel
        """
        weights = [_real(np.asarray(w), f"weight image {number}") for number, w in enumerate(weights)]
        if len(weights) != len(kernels):
            raise InputError(f"{len(weights)} weight images for {len(kernels)} kernels; give one for each")
        field = cls("weights", _checked_kernels(kernels), tuple(range(len(kernels))), weight_arrays=tuple(weights))
        shapes = {w.shape for w in weights}
        if len(shapes) > 1:
            raise InputError(f"weight images differ in shape: {', '.join(map(str, sorted(shapes)))}")
        total = np.zeros(weights[0].shape)
        for number, weight in enumerate(weights):
            if not np.all(np.isfinite(weight)) or np.any(weight < 0):
                raise InputError(f"weights of kernel {number} hold negative, NaN or infinite values")
            total += weight
        if np.any(np.abs(total - 1) > 1e-3):
            raise InputError(
                f"weights sum to {total.min():.4g} ... {total.max():.4g}; they must sum to 1 everywhere"
            )
        return field

    # -- use

    def with_labels(self, labels: np.ndarray, names: Mapping[str, int] | None = None) -> KernelField:
        """Return a copy of a region-keyed field that uses this label map."""
        if self.key != "region":
            raise InputError(f"labels were given, but the kernels are keyed by {self.key}, not by region")
        return replace(self, labels=np.asarray(labels), label_names=names or self.label_names)

    def bind(
        self,
        guide: np.ndarray,
        spacing: Spacing | None = None,
        normalize: bool = False,
        slicewise: bool = False,
    ) -> BoundField:
        """Return the field on the grid of an image.

        Parameters
        ----------
        guide : ndarray, 2-D or 3-D
            The image whose values choose (key "intensity"); for other keys only its shape counts. It is
            kept, not copied: do not change it while the result is in use.
        spacing : float or sequence of float
            Voxel size in mm.
        normalize : bool
            Scale every kernel to sum 1.
        slicewise : bool
            Take 2-D kernels on a 3-D image: kernels of one slice, shape (1, m, n).

        Raises
        ------
        InputError
            If a kernel's dimension, the labels' or weights' shape or the guide's values do not fit.
        """
        return BoundField(self, guide, spacing, normalize, slicewise)


class BoundField:
    """A kernel field on the grid of one image: kernels sampled there, weights on demand.

    ``len(bound)`` is the number of kernels, the added identity included.
    """

    def __init__(
        self,
        field: KernelField,
        guide: np.ndarray,
        spacing: Spacing | None,
        normalize: bool = False,
        slicewise: bool = False,
    ):
        guide = np.asarray(guide)
        if guide.ndim not in (2, 3):
            raise InputError(f"the image has {guide.ndim} dimensions; kernel fields need 2 or 3")
        self.shape: tuple[int, ...] = guide.shape
        self.spacing = spacing_tuple(spacing, guide.ndim)
        self.field = field
        if slicewise and guide.ndim != 3:
            raise InputError("slicewise=True needs a 3-D image; a 2-D image is a single slice already")
        fit = _on_slices if slicewise else _on_grid
        kernels = [fit(k, self.shape, self.spacing) for k in field.kernels]
        self._kernels = [k.normalized() for k in kernels] if normalize else kernels
        self._key = _KEY_WEIGHTS[field.key](field, guide, self.spacing)
        if self._key.has_rest:
            self._kernels.append(identity_kernel(self.spacing, ndim=guide.ndim))
        self._supports: dict[tuple[int, np.dtype], Box | None] = {}

    def __len__(self) -> int:
        return len(self._kernels)

    def kernel(self, k: int) -> Kernel:
        """Kernel `k` on the image's grid, with the image's number of dimensions."""
        return self._kernels[k]

    def is_identity(self, k: int) -> bool:
        """Whether kernel `k` leaves the image unchanged."""
        return self._kernels[k].is_identity

    def weight(self, k: int, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Return the weights of kernel `k`, >= 0, in the shape of the image.

        Parameters
        ----------
        k : int
        dtype : {float32, float64}
            Their type. Over all kernels they sum to 1 within its rounding; for float64, nothing on the way from the
            guide, labels, positions or weight images to them is rounded to less.
        """
        return self._key.weight(k, np.dtype(dtype))

    def support(self, k: int, dtype: DTypeLike = np.float32, weight: np.ndarray | None = None) -> Box | None:
        """Bounding box of the voxels where ``weight(k, dtype)``, if at hand, is not 0; None when there is none."""
        key = k, np.dtype(dtype)  # what rounds to 0 in float32 need not in float64
        if key not in self._supports:
            self._supports[key] = bounding_box(self.weight(k, dtype) if weight is None else weight)
        return self._supports[key]

    def level(self) -> np.ndarray:
        """Return u = sum_k k w_k, for kernels keyed by intensity: all weights in one, w_k = max(0, 1 - |u - k|).

        float32, shape of the image.
        """
        return self._key.level()


# ------------------------------------------------------------------------------- weights, key by key
#
# Each class has `weight(k, dtype) -> array of that dtype` and `has_rest`: whether some voxels belong to no kernel,
# so that weight number K, of the added identity kernel, is theirs.


class _UniformWeights:
    has_rest = False

    def __init__(self, field: KernelField, guide: np.ndarray, spacing: tuple[float, ...]):
        self.shape = guide.shape

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        return np.ones(self.shape, dtype)


class _IntensityWeights:
    def __init__(self, field: KernelField, guide: np.ndarray, spacing: tuple[float, ...]):
        _real(guide, "guide image")
        # float32 holds integers up to 2^24 exactly; wider types keep their precision in float64, and so do
        # levels so close that float32 would misplace them.
        small = guide.dtype == np.float32 or guide.itemsize <= 2
        self.dtype = np.float32 if small and _float32_separates(field.at) else np.float64
        self.guide, self.levels = guide, field.at
        if not np.isfinite(guide.sum(dtype=np.float64)):
            bad = int(np.count_nonzero(~np.isfinite(guide)))
            if bad:
                raise InputError(f"the guide image holds {bad} NaN or infinite values; they choose no kernel")
        self.upper_share = _nearest_share if field.interpolation == "nearest" else _linear_share
        self.outside = None  # where the identity kernel applies
        if field.outside != "nearest":
            low, high = self.levels[0], self.levels[-1]
            outside = np.empty(guide.shape, bool)
            for slab in slabs(guide.shape):
                # One answer for weights of either type; a level is met by the float32 nearest to it.
                g = self._values(slab, np.float32)
                outside[slab] = (g < low) | (g > high)
            if not outside.any():
                return
            if field.outside == "error":
                raise InputError(
                    f"{np.count_nonzero(outside)} voxels lie outside the levels {low:g} ... {high:g} (the guide "
                    f"goes from {guide.min():g} to {guide.max():g}); add levels, or set outside to "
                    "'nearest' or 'unchanged'"
                )
            self.outside = outside

    @property
    def has_rest(self) -> bool:
        return self.outside is not None

    def _values(self, slab: slice, dtype: DTypeLike) -> np.ndarray:
        """The guide in the precision that weights of type `dtype` need."""
        return self.guide[slab].astype(np.promote_types(self.dtype, dtype), copy=False)

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        if k == len(self.levels):
            return self.outside.astype(dtype)
        weight = np.ones(self.guide.shape, dtype)
        for slab in slabs(weight.shape):
            g, part = self._values(slab, dtype), weight[slab]
            if k > 0:
                np.minimum(part, self.upper_share(g, *self.levels[k - 1 : k + 1], dtype), out=part)
            if k + 1 < len(self.levels):  # 1 minus the share of the upper level, to the last bit
                share = self.upper_share(g, *self.levels[k : k + 2], dtype)
                np.minimum(part, np.subtract(1, share, out=share), out=part)
        if self.outside is not None:
            weight[self.outside] = 0
        return weight

    def level(self) -> np.ndarray:
        level = np.zeros(self.guide.shape, np.float32)
        for slab in slabs(level.shape):
            g, part = self._values(slab, level.dtype), level[slab]
            for low, high in itertools.pairwise(self.levels):
                part += self.upper_share(g, low, high, level.dtype)
        if self.outside is not None:
            level[self.outside] = len(self.levels)
        return level


def _nearest_share(g: np.ndarray, low: float, high: float, dtype: np.dtype) -> np.ndarray:
    """Share of the upper of two levels: 1 from the middle between them on."""
    return (g >= 0.5 * (low + high)).astype(dtype)


def _linear_share(g: np.ndarray, low: float, high: float, dtype: np.dtype) -> np.ndarray:
    """Share of the upper of two levels, (g - low) / (high - low) in [0, 1]."""
    share = g - low
    share /= high - low
    return np.clip(share, 0, 1, out=share).astype(dtype, copy=False)


def _float32_separates(levels: Sequence[float]) -> bool:
    largest = max(abs(levels[0]), abs(levels[-1]))
    gaps = np.diff(levels)
    return largest < 1e30 and (gaps.size == 0 or float(gaps.min()) > max(2.0**-10 * largest, 1e-30))


class _RegionWeights:
    def __init__(self, field: KernelField, guide: np.ndarray, spacing: tuple[float, ...]):
        if field.labels is None:
            raise InputError("the kernels are keyed by region, but there are no labels; give a label map")
        labels = _real(_matching(field.labels, guide.shape, "labels"), "label map")
        values = [_label_value(at, field.label_names) for at in field.at]
        _refuse_duplicates(values, "label")
        self.count = len(values)
        self.feather, self.spacing = field.feather, spacing
        self.owner = _owners(labels, values)  # index of the kernel, -1 where there is none
        self.has_rest = False
        ownerless = self.owner < 0
        if ownerless.any():
            if field.outside == "error":
                missing, counts = np.unique(labels[ownerless], return_counts=True)
                shown = ", ".join(f"{v:g} ({n} voxels)" for v, n in zip(missing[:5], counts[:5], strict=True))
                raise InputError(
                    f"labels without a kernel: {shown}; add kernels for them or set outside to 'unchanged'"
                )
            if field.outside == "nearest":
                if ownerless.all():
                    raise InputError(f"no voxel has one of the labels {values}; check the label map")
                self._adopt(ownerless)
            else:
                # The rest takes part in the feathering, so that the weights still sum to 1.
                self.owner[ownerless] = self.count
                self.has_rest = True

    def _adopt(self, ownerless: np.ndarray) -> None:
        """Give every voxel without a kernel that of the nearest voxel with one."""
        # One voxel around the box of those without, all have one; what lies beyond is further away.
        box = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in bounding_box(ownerless))
        nearest = ndimage.distance_transform_edt(
            ownerless[box], sampling=self.spacing, return_distances=False, return_indices=True
        )
        self.owner[box] = self.owner[box][tuple(nearest)]

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        weight = (self.owner == k).astype(dtype)
        if self.feather and weight.any():
            for axis, h in enumerate(self.spacing):
                profile = box_profile(self.feather / h)
                if profile.size > 1:
                    ndimage.correlate1d(weight, profile, axis=axis, mode="nearest", output=weight)
        return weight


def _owners(labels: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """Index of each voxel's kernel, -1 where its label has none."""
    order = np.argsort(values)
    ordered = np.asarray(values)[order]
    owner = np.empty(labels.shape, np.int16)
    for slab in slabs(labels.shape):  # the places take 8 bytes a voxel
        place = np.searchsorted(ordered, labels[slab]).clip(max=len(values) - 1)
        owner[slab] = np.where(ordered[place] == labels[slab], order[place], -1)
    return owner


class _PositionWeights:
    has_rest = False

    def __init__(self, field: KernelField, guide: np.ndarray, spacing: tuple[float, ...]):
        self.shape = guide.shape
        if len(field.at[0]) < guide.ndim:
            raise InputError(f"positions {field.at[0]} have 2 coordinates, the image 3; give [z, y, x]")
        self.points = np.array([p[-guide.ndim :] for p in field.at], dtype=float)
        _refuse_duplicates([tuple(p) for p in self.points], "position")
        self.axes = [np.arange(n) * h for n, h in zip(guide.shape, spacing, strict=True)]
        self.spacing = spacing
        self.interpolation = field.interpolation
        self._owner: np.ndarray | None = None
        self._totals: dict[np.dtype, np.ndarray] = {}
        if self.interpolation == "linear":
            self.grid = [np.unique(self.points[:, a]) for a in range(guide.ndim)]
            if np.prod([g.size for g in self.grid]) != len(self.points):
                raise InputError(
                    f"the {len(self.points)} positions do not form a complete grid; use interpolation "
                    "'nearest' or 'inverse-distance' for scattered positions"
                )

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        if self.interpolation == "linear":
            return self._hat(k, dtype)
        if self.interpolation == "nearest":
            return (self._nearest() == k).astype(dtype)
        return self._shepard(k, dtype)

    def _hat(self, k: int, dtype: np.dtype) -> np.ndarray:
        weight = np.ones(self.shape, dtype)
        for axis, grid in enumerate(self.grid):
            index = int(np.searchsorted(grid, self.points[k, axis]))
            hat = np.interp(self.axes[axis], grid, np.arange(grid.size) == index) if grid.size > 1 else np.ones(1)
            weight *= hat.astype(dtype).reshape([-1 if a == axis else 1 for a in range(len(self.shape))])
        return weight

    def _distance2(self, k: int, slab: int) -> np.ndarray:
        """Squared distance to position `k` in mm^2, in one slab of the first axis."""
        squares = [(axis - p) ** 2 for axis, p in zip(self.axes, self.points[k], strict=True)]
        return sum(np.ix_(*squares[1:])) + squares[0][slab]

    def _inverse(self, k: int, slab: int, dtype: np.dtype) -> np.ndarray:
        """1 / distance^2, finite at the position itself, where the weight of type `dtype` is then 1 to rounding."""
        least = (1e-9 if dtype == np.float32 else 1e-24) * max(self.spacing) ** 2
        return 1.0 / (self._distance2(k, slab) + least)

    def _nearest(self) -> np.ndarray:
        if self._owner is None:
            self._owner = np.zeros(self.shape, np.int16)
            for slab, owner in enumerate(self._owner):
                best = self._distance2(0, slab)
                for k in range(1, len(self.points)):
                    distance = self._distance2(k, slab)
                    owner[distance < best] = k
                    np.minimum(best, distance, out=best)
        return self._owner

    def _shepard(self, k: int, dtype: np.dtype) -> np.ndarray:
        if dtype not in self._totals:
            self._totals[dtype] = np.empty(self.shape, dtype)
            for slab, total in enumerate(self._totals[dtype]):
                total[...] = sum(self._inverse(n, slab, dtype) for n in range(len(self.points)))
        weight = np.empty(self.shape, dtype)
        for slab, (weight_of_slab, total) in enumerate(zip(weight, self._totals[dtype], strict=True)):
            weight_of_slab[...] = self._inverse(k, slab, dtype) / total
        return weight


class _ExplicitWeights:
    has_rest = False

    def __init__(self, field: KernelField, guide: np.ndarray, spacing: tuple[float, ...]):
        self.weights = [_matching(w, guide.shape, "weights") for w in field.weight_arrays]
        self._totals: dict[np.dtype, np.ndarray] = {}

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        if dtype not in self._totals:
            self._totals[dtype] = np.empty(self.weights[0].shape, dtype)
            for slab, total in enumerate(self._totals[dtype]):
                total[...] = sum(weight[slab].astype(np.float64) for weight in self.weights)
        return np.divide(self.weights[k], self._totals[dtype], dtype=dtype, casting="same_kind")


_KEY_WEIGHTS = {
    "uniform": _UniformWeights,
    "intensity": _IntensityWeights,
    "region": _RegionWeights,
    "position": _PositionWeights,
    "weights": _ExplicitWeights,
}


# -------------------------------------------------------------------------------------------- helpers


def slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Parts of the first axis, small enough for the processor's cache, so that temporaries stay small."""
    step = max(1, _SLAB_VOXELS * shape[0] // max(1, math.prod(shape)))
    for start in range(0, shape[0], step):
        yield slice(start, start + step)


def _on_slices(kernel: AnyKernel, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Kernel:
    """Sample a 2-D kernel in the plane of the slices, with shape (1, m, n)."""
    sampled = _on_grid(kernel, shape[1:], spacing[1:])
    return Kernel(sampled.values[None], spacing, sampled.name, sampled.source)


def _on_grid(kernel: AnyKernel, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Kernel:
    """Sample a kernel on an image's grid and give it the image's number of dimensions."""
    single = len(shape) == 3 and shape[0] == 1
    if single and (isinstance(kernel, ParametricKernel) or kernel.ndim == 2 or kernel.shape[0] == 1):
        return _on_slices(kernel, shape, spacing)  # no other slice to reach, whatever the slices' thickness
    sampled = kernel.sampled(spacing)
    values, ndim = sampled.values, len(shape)
    if single:
        raise InputError(f"kernel {sampled.name!r} has {sampled.shape[0]} slices, the image one; give a 2-D kernel")
    if sampled.ndim == ndim:
        return sampled
    if ndim == 2 and values.shape[0] == 1:
        return Kernel(values[0], spacing, sampled.name, sampled.source)
    if ndim == 3:
        raise InputError(
            f"kernel {sampled.name!r} is 2-D, the image has {shape[0]} slices; set slicewise=True (--slicewise) to "
            "filter slice by slice, or give a 3-D kernel"
        )
    raise InputError(f"kernel {sampled.name!r} is 3-D {values.shape}, the image 2-D {shape}; give a 2-D kernel")


def _pairs(kernels: Any) -> list[tuple[Any, AnyKernel]]:
    try:
        pairs = [(at, kernel) for at, kernel in (kernels.items() if isinstance(kernels, Mapping) else kernels)]
    except (TypeError, ValueError) as error:
        raise InputError(f"kernels {kernels!r} must be a mapping {{at: kernel}} or a list of such pairs") from error
    if not pairs:
        raise InputError("the kernel set is empty; give at least one kernel")
    return pairs


def _checked_kernels(kernels: Sequence[Any]) -> tuple[AnyKernel, ...]:
    if not len(kernels):
        raise InputError("the kernel set is empty; give at least one kernel")
    for kernel in kernels:
        if not isinstance(kernel, AnyKernel):
            raise InputError(f"{type(kernel).__name__} is no kernel; wrap arrays as Kernel(values, spacing)")
    return tuple(kernels)


def _level(value: Any) -> float:
    if isinstance(value, str):
        raise InputError(f"level {value!r} is not a number")
    return check_number(value, "level")


def _label(value: Any) -> int:
    try:
        whole = not isinstance(value, bool) and float(value) == int(value)
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(f"label {value!r} must be a whole number or a segment name")
    return int(value)


def _label_value(at: int | str, names: Mapping[str, int] | None) -> int:
    if not isinstance(at, str):
        return at
    if names is None or at not in names:
        known = ", ".join(map(repr, names)) if names else "none: the labels carry no names"
        raise InputError(f"no segment is named {at!r} (known: {known})")
    return int(names[at])


def _position(value: Any) -> tuple[float, ...]:
    try:
        if isinstance(value, str):
            raise TypeError
        position = tuple(float(v) for v in value)
    except (TypeError, ValueError) as error:
        raise InputError(f"position {value!r} must be [z, y, x] in mm") from error
    if len(position) not in (2, 3) or not np.all(np.isfinite(position)):
        raise InputError(f"position {value!r} must be [z, y, x] in mm")
    return position


def _refuse_duplicates(values: Sequence[Any], what: str) -> None:
    for a, b in itertools.combinations(values, 2):
        if a == b:
            raise InputError(f"{what} {a!r} is given twice; each {what} takes one kernel")


def _real(array: np.ndarray, name: str) -> np.ndarray:
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InputError(f"the {name} of type {array.dtype} does not hold numbers")
    if np.iscomplexobj(array):
        raise InputError(f"the {name} is complex ({array.dtype}); give real values, e.g. its magnitude")
    return array


def _matching(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    """The array in the image's shape; a single slice may come with or without its slice axis."""
    array = np.asarray(array)
    if array.shape != shape:
        if array.size == np.prod(shape) and [n for n in array.shape if n > 1] == [n for n in shape if n > 1]:
            return array.reshape(shape)
        raise InputError(f"{name} have shape {array.shape}, the image {shape}; they must agree")
    return array
