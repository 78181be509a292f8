"""Weights of a kernel field on an image, one class a key."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike
from scipy import ndimage

from ..arrays.boxes import bounding_box, slabs
from ..errors import InputError
from ..texts import joined
from ..texts import mark as _
from .shapes import box_profile


class Keys(Protocol):
    """What a kernel field says of where its kernels belong; see `field.KernelField`."""

    @property
    def at(self) -> tuple[Any, ...]: ...
    @property
    def interpolation(self) -> str: ...
    @property
    def outside(self) -> str: ...
    @property
    def feather(self) -> float: ...
    @property
    def labels(self) -> np.ndarray | None: ...
    @property
    def label_names(self) -> Mapping[str, int] | None: ...
    @property
    def weight_arrays(self) -> Any: ...
    @property
    def unread(self) -> Sequence[Any]: ...


class Weights(Protocol):
    """Weights on one image."""

    @property
    def has_rest(self) -> bool:
        """Whether some voxels belong to no kernel, so that weight K, of the added identity kernel, is theirs."""

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        """Return the weights of kernel `k`, an array of that type."""


class _UniformWeights:
    has_rest = False

    def __init__(self, field: Keys, guide: np.ndarray, spacing: tuple[float, ...]):
        self.shape = guide.shape

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        return np.ones(self.shape, dtype)


class IntensityWeights:
    def __init__(self, field: Keys, guide: np.ndarray, spacing: tuple[float, ...]):
        real_values(guide, "guide image")
        # float32 holds integers up to 2^24 exactly; wider types keep their precision in float64, and so do
        # levels so close that float32 would misplace them.
        small = guide.dtype == np.float32 or guide.itemsize <= 2
        self.dtype = np.float32 if small and float32_separates(field.at) else np.float64
        self.guide, self.levels = guide, field.at
        if not np.isfinite(guide.sum(dtype=np.float64)):
            bad = int(np.count_nonzero(~np.isfinite(guide)))
            if bad:
                raise InputError(
                    f"the guide image holds {bad} NaN or infinite values; they choose no kernel", "guide"
                )
        self.upper_share = _nearest_share if field.interpolation == "nearest" else _linear_share
        self.outside: np.ndarray | None = None  # where the identity kernel applies
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
                text = _(
                    "{count} voxels lie outside the levels {low:g} ... {high:g} (the guide goes from {least:g} to "
                    "{most:g}); add levels, or let outside be 'nearest' or 'unchanged'"
                )
                values = {"low": low, "high": high, "least": guide.min(), "most": guide.max()}
                raise InputError(text.format(count=np.count_nonzero(outside), **values), outside="nearest")
            self.outside = outside

    @property
    def has_rest(self) -> bool:
        return self.outside is not None

    def _values(self, slab: slice, dtype: DTypeLike) -> np.ndarray:
        """The guide in the precision that weights of type `dtype` need."""
        return self.guide[slab].astype(np.promote_types(self.dtype, dtype), copy=False)

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        if self.outside is not None and k == len(self.levels):
            return self.outside.astype(dtype)
        weight = np.ones(self.guide.shape, dtype)
        for slab in slabs(weight.shape):
            g, part = self._values(slab, dtype), weight[slab]
            if k > 0:
                np.minimum(part, self.upper_share(g, self.levels[k - 1], self.levels[k], dtype), out=part)
            if k + 1 < len(self.levels):  # 1 minus the share of the upper level, to the last bit
                share = self.upper_share(g, self.levels[k], self.levels[k + 1], dtype)
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


def float32_separates(levels: Sequence[float]) -> bool:
    """Whether levels are so far apart that values in float32 lie rightly between them."""
    largest = max(abs(levels[0]), abs(levels[-1]))
    gaps = np.diff(levels)
    return largest < 1e30 and (gaps.size == 0 or float(gaps.min()) > max(2.0**-10 * largest, 1e-30))


class _RegionWeights:
    def __init__(self, field: Keys, guide: np.ndarray, spacing: tuple[float, ...]):
        if field.labels is None:
            raise InputError("the kernels are keyed by region, but there are no labels; give a label map", "labels")
        labels = real_values(_matching(field.labels, guide.shape, "labels"), "label map")
        values = label_values(field)
        refuse_duplicates(values, "label")
        self.count = len(values)
        self.feather, self.spacing = field.feather, spacing
        self.owner = _owners(labels, values)  # index of the kernel, -1 where there is none
        self.has_rest = False
        ownerless = self.owner < 0
        if ownerless.any():
            if field.outside == "error":
                missing, counts = np.unique(labels[ownerless], return_counts=True)
                named = _("{label:g} ({count} voxels)")
                pairs = zip(missing[:5], counts[:5], strict=True)
                shown = joined(", ", [named.format(label=label, count=count) for label, count in pairs])
                text = _("labels without a kernel: {labels}; add kernels for them, or let outside be 'unchanged'")
                raise InputError(text.format(labels=shown), outside="unchanged")
            if field.outside == "nearest":
                if ownerless.all():
                    raise InputError(f"no voxel has one of the labels {values}; check the label map", "labels")
                self._adopt(ownerless)
            else:
                # The rest takes part in the feathering, so that the weights still sum to 1.
                self.owner[ownerless] = self.count
                self.has_rest = True

    def _adopt(self, ownerless: np.ndarray) -> None:
        """Give every voxel without a kernel that of the nearest voxel with one."""
        # One voxel around the box of those without, all have one; what lies beyond is further away.
        box = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in bounding_box(ownerless) or ())
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

    def __init__(self, field: Keys, guide: np.ndarray, spacing: tuple[float, ...]):
        self.shape = guide.shape
        if len(field.at[0]) < guide.ndim:
            raise InputError(f"positions {field.at[0]} have 2 coordinates, the image 3; give [z, y, x]")
        self.points = np.array([p[-guide.ndim :] for p in field.at], dtype=float)
        refuse_duplicates([tuple(p) for p in self.points], "position")
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


def check_weights(weights: Sequence[np.ndarray]) -> None:
    """Refuse weights of the kernels, in some voxels or in all, that are negative or do not sum to 1.

    Raises
    ------
    InputError
    """
    total = np.zeros(weights[0].shape)
    for number, weight in enumerate(weights):
        if not np.all(np.isfinite(weight)) or np.any(weight < 0):
            raise InputError(f"weights of kernel {number} hold negative, NaN or infinite values")
        total += weight
    if np.any(np.abs(total - 1) > 1e-3):
        raise InputError(f"weights sum to {total.min():.4g} ... {total.max():.4g}; they must sum to 1 everywhere")


class _ExplicitWeights:
    has_rest = False

    def __init__(self, field: Keys, guide: np.ndarray, spacing: tuple[float, ...]):
        self.weights = [_matching(w, guide.shape, "weights") for w in field.weight_arrays]
        if field.unread:
            check_weights(self.weights)
        self._totals: dict[np.dtype, np.ndarray] = {}

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        if dtype not in self._totals:
            self._totals[dtype] = np.empty(self.weights[0].shape, dtype)
            for slab, total in enumerate(self._totals[dtype]):
                total[...] = sum(weight[slab].astype(np.float64) for weight in self.weights)
        return np.divide(self.weights[k], self._totals[dtype], dtype=dtype, casting="same_kind")


KEY_WEIGHTS: dict[str, Callable[[Keys, np.ndarray, tuple[float, ...]], Weights]] = {
    "uniform": _UniformWeights,
    "intensity": IntensityWeights,
    "region": _RegionWeights,
    "position": _PositionWeights,
    "weights": _ExplicitWeights,
}


def label_values(field: Keys) -> list[int]:
    """Return the values that the labels of a region-keyed field have in its label map."""
    return [_label_value(at, field.label_names) for at in field.at]


def _label_value(at: int | str, names: Mapping[str, int] | None) -> int:
    if not isinstance(at, str):
        return at
    if names is None or at not in names:
        known = ", ".join(map(repr, names)) if names else "none: the labels carry no names"
        raise InputError(f"no segment is named {at!r} (known: {known})")
    return int(names[at])


def refuse_duplicates(values: Sequence[Any], what: str) -> None:
    for a, b in itertools.combinations(values, 2):
        if a == b:
            raise InputError(f"{what} {a!r} is given twice; each {what} takes one kernel")


def real_values(array: np.ndarray, name: str) -> np.ndarray:
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
        raise InputError(f"{name} have shape {array.shape}, the image {shape}; they must agree", name)
    return array
