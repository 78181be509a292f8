"""Kernel fields: which kernel applies where.

A `KernelField` holds kernels and a key. Bound to an image, it becomes a `BoundField` that produces the
weights w_k one kernel at a time, so that K kernels never need K weight volumes at once:

    w_k >= 0,   sum_k w_k = 1 at every voxel.

With ``outside="unchanged"`` an identity kernel is added that takes the voxels no kernel is meant for, so
that the sum is 1 there too.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from ..arrays.boxes import Box, bounding_box
from ..arrays.spacing import Spacing, spacing_tuple
from ..errors import InputError, check_choice, check_number
from ..formats.parts.volume import View
from ..methods.choices import AUTO, INTERPOLATIONS_OF, OUTSIDES, PART_KEYS, WHOSE
from ..texts import joined
from ..texts import mark as _
from .centres import centre_words
from .kernel import Kernel
from .parametric import AnyKernel, ParametricKernel
from .shapes import identity_kernel
from .weights import KEY_WEIGHTS, IntensityWeights, check_weights, real_values, refuse_duplicates

# Mappings are invariant in their keys: so {10: ...} is one of levels, too.
Level = TypeVar("Level", bound=float)
Label = TypeVar("Label", bound=int | str)
Position = TypeVar("Position", bound=Sequence[float])
Part = TypeVar("Part", bound=int | str)


@dataclass(frozen=True, eq=False)
class KernelField:
    """Kernels and the key that chooses among them. Make one with `by_intensity`, `by_region`,
    `by_position`, `by_weights`, `uniform`, `by_channel` or `by_frame`.

    Attributes
    ----------
    key : str
        "intensity", "region", "position", "weights" or "uniform"; "channel" or "frame" for a part of the data as a
        whole (`parts`).
    kernels : tuple of Kernel or ParametricKernel
        In the order of `at`.
    at : tuple
        What each kernel belongs to: a level, a label (or segment name), a position (mm), a number.
    interpolation, outside, feather, of
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
    of: str = AUTO

    # -- constructors

    @classmethod
    def uniform(cls, kernel: AnyKernel) -> KernelField:
        """One kernel everywhere."""
        return cls("uniform", _checked_kernels([kernel]), (0,))

    @classmethod
    def by_intensity(
        cls,
        kernels: Mapping[Level, AnyKernel] | Iterable[tuple[Level, AnyKernel]],
        interpolation: str = "linear",
        outside: str = "nearest",
        of: str = AUTO,
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
        of : {"auto", "measured", "true"}
            Whose intensity it is where no guide is given: that of the image at hand ("measured"), or the
            object's own, which the blur hides and a result finds ("true"). The wrong one costs up to 14 dB. "auto"
            lets the image decide, and takes it literally (as measured) where that cannot tell. A convolution
            takes the values that it is given.
        """
        pairs = sorted(((_level(at), k) for at, k in _pairs(kernels)), key=lambda pair: pair[0])
        levels = tuple(at for at, _ in pairs)
        refuse_duplicates(levels, "level")
        check_choice(interpolation, INTERPOLATIONS_OF["intensity"], "interpolation")
        check_choice(outside, OUTSIDES, "outside")
        check_choice(of, WHOSE, "of")
        return cls("intensity", _checked_kernels([k for _, k in pairs]), levels, interpolation, outside, of=of)

    @classmethod
    def by_region(
        cls,
        labels: np.ndarray | None,
        kernels: Mapping[Label, AnyKernel] | Iterable[tuple[Label, AnyKernel]],
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
        refuse_duplicates(at, "label")
        check_choice(outside, OUTSIDES, "outside")
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
        cls,
        kernels: Mapping[Position, AnyKernel] | Iterable[tuple[Position, AnyKernel]],
        interpolation: str = "linear",
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
        refuse_duplicates(at, "position")
        if len({len(p) for p in at}) > 1:
            raise InputError("positions mix 2 and 3 coordinates; give [z, y, x] for all of them")
        check_choice(interpolation, INTERPOLATIONS_OF["position"], "interpolation")
        return cls("position", _checked_kernels([k for _, k in pairs]), at, interpolation)

    @classmethod
    def by_weights(
        cls, weights: Sequence[np.ndarray | View] | np.ndarray, kernels: Sequence[AnyKernel]
    ) -> KernelField:
        """Kernels with explicit weights.

        Parameters
        ----------
        weights : sequence of K arrays of the image's shape (or one array with K in front)
            Non-negative and summing to 1 at every voxel, to 1e-3; rounding within that is divided out. A
            `formats.parts.View` stays in its file and is checked where it is read.
        kernels : sequence of K Kernel
        """
        for given, what in ((weights, "weight images"), (kernels, "kernels")):
            if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str | bytes):
                raise InputError(f"{what} are given as {type(given).__name__}; give a list, one for each kernel")
        arrays: list[Any] = [
            w if isinstance(w, View) else real_values(np.asarray(w), f"weight image {number}")
            for number, w in enumerate(weights)
        ]
        if len(arrays) != len(kernels):
            raise InputError(f"{len(arrays)} weight images for {len(kernels)} kernels; give one for each")
        field = cls("weights", _checked_kernels(kernels), tuple(range(len(kernels))), weight_arrays=tuple(arrays))
        shapes = {w.shape for w in arrays}
        if len(shapes) > 1:
            raise InputError(f"weight images differ in shape: {', '.join(map(str, sorted(shapes)))}")
        if not field.unread:
            check_weights(arrays)
        return field

    @classmethod
    def by_channel(cls, kernels: Mapping[Part, AnyKernel] | Iterable[tuple[Part, AnyKernel]]) -> KernelField:
        """One kernel for each channel of a volume of several values per voxel: by its number, counted from 1, or by
        its name, of volumes whose file says that."""
        return cls._by_part("channel", kernels)

    @classmethod
    def by_frame(cls, kernels: Mapping[Part, AnyKernel] | Iterable[tuple[Part, AnyKernel]]) -> KernelField:
        """One kernel for each frame of a sequence: by its number, counted from 0, or by its index value, a text."""
        return cls._by_part("frame", kernels)

    @classmethod
    def _by_part(cls, key: str, kernels: Any) -> KernelField:
        pairs = _pairs(kernels)
        at = tuple(_part(a, key) for a, _ in pairs)
        refuse_duplicates(at, key)
        return cls(key, _checked_kernels([k for _, k in pairs]), at)

    # -- use

    @property
    def unread(self) -> list[View]:
        """The weight images that stay in their files."""
        return [weight for weight in self.weight_arrays or () if isinstance(weight, View)]

    @property
    def unread_bytes(self) -> int:
        """Bytes of them."""
        return sum(weight.nbytes for weight in self.unread)

    def describe(self) -> str:
        """Return in a few words what kernels these are: "10 gaussian kernels"."""
        kinds = {k.type if isinstance(k, ParametricKernel) else "stored" for k in self.kernels}
        kind = f"{next(iter(kinds))} " if len(kinds) == 1 else ""
        count = len(self.kernels)
        return f"{count} {kind}kernel" + ("s" if count > 1 else "")

    def with_labels(self, labels: np.ndarray, names: Mapping[str, int] | None = None) -> KernelField:
        """Return a copy of a region-keyed field that uses this label map."""
        if self.key != "region":
            raise InputError(
                f"labels were given, but the kernels are keyed by {self.key}, not by region; leave them out",
                "labels",
            )
        return replace(self, labels=np.asarray(labels), label_names=names or self.label_names)

    def with_levels(self, levels: Sequence[float]) -> KernelField:
        """Return a copy whose kernels belong to these intensities, of an intensity-keyed field."""
        return replace(self, at=tuple(levels))

    def fitted(self, shape: tuple[int, ...], spacing: tuple[float, ...], slicewise: bool = False) -> list[Kernel]:
        """Return the kernels on the grid of an image, with its number of dimensions and centres of their own."""
        if slicewise and len(shape) != 3:
            raise InputError("slicewise needs a 3-D image; a 2-D image is a single slice already", "slicewise")
        fit = _on_slices if slicewise else _on_grid
        return [fit(kernel, shape, spacing) for kernel in self.kernels]

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
        if field.key in PART_KEYS:
            needed = PART_KEYS[field.key]
            raise InputError(
                f"the kernels are keyed by {field.key}, which is for {needed}; for a single image, give one of them"
            )
        self._guide = guide if field.key == "intensity" else None
        self.shape: tuple[int, ...] = guide.shape
        self.spacing = spacing_tuple(spacing, guide.ndim)
        self.field = field
        fitted = field.fitted(self.shape, self.spacing, slicewise)
        given = [k if isinstance(k, Kernel) else own for k, own in zip(field.kernels, fitted, strict=True)]
        self._centres = [centre_words(k.shape, k.centre) for k in given]
        # From here on, everybody takes index n // 2 for the centre.
        kernels = [k.centred() for k in fitted]
        self._kernels = [k.normalized() for k in kernels] if normalize else kernels
        self._key = KEY_WEIGHTS[field.key](field, guide, self.spacing)
        if self._key.has_rest:
            self._kernels.append(identity_kernel(self.spacing, ndim=guide.ndim))
        self._supports: dict[tuple[int, np.dtype], Box | None] = {}

    def __len__(self) -> int:
        return len(self._kernels)

    def kernel(self, k: int) -> Kernel:
        """Kernel `k` on the image's grid, with the image's number of dimensions and its centre at index n // 2."""
        return self._kernels[k]

    @property
    def radii(self) -> tuple[int, ...]:
        """Voxels of the largest kernel on either side of its centre, along every axis."""
        return tuple(max(length) // 2 for length in zip(*(k.shape for k in self._kernels), strict=True))

    @property
    def centres(self) -> str | None:
        """Where the kernels have their centres, in words; None for the middle voxel of all, where nobody asks."""
        found: dict[str, list[int]] = {}
        for number, words in enumerate(self._centres, 1):
            if words is not None:
                text = _centre_text(words)
                found.setdefault(text, []).append(number)
        if not found:
            return None
        if len(found) == 1 and len(next(iter(found.values()))) == len(self._centres):
            return next(iter(found))
        named = _("{centre} (kernel {numbers})")
        texts = [named.format(centre=text, numbers=", ".join(map(str, own))) for text, own in found.items()]
        return joined("; ", texts)

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

    def uses(self, k: int, mask: np.ndarray | None = None, dtype: DTypeLike = np.float32) -> bool:
        """Whether a voxel (where the mask is) takes part of kernel `k`, by its weights of that type."""
        box = self.support(k, dtype)
        if box is None or mask is None:
            return box is not None
        return bool(mask[box].any() and np.any(self.weight(k, dtype)[box][mask[box]]))

    def part(self, box: Box, dtype: DTypeLike = np.float32, known: bool = False) -> BoundField:
        """Return the field on a box of the grid, with the kernels and weights (of this type) that it has there.

        `known`: take for the support of a kernel what is known of that in the whole, which may be more than it has.
        """
        kernels, keyed = tuple(self._kernels), self.field
        if keyed.key in ("uniform", "intensity"):
            keyed = replace(keyed, kernels=kernels[: len(keyed.kernels)])
        else:  # the weights may depend on voxels outside (nearest region, feathering) or on the place
            weights = [self.weight(k, dtype)[box].copy() for k in range(len(self))]
            keyed = KernelField.by_weights(weights, kernels)
        empty = np.broadcast_to(np.float32(0), self.shape)  # of other keys only the shape counts
        part = keyed.bind((empty if self._guide is None else self._guide)[box], self.spacing)
        if known:
            part._supports = {key: _common(support, box) for key, support in self._supports.items()}
        return part

    def level(self) -> np.ndarray:
        """Return u = sum_k k w_k, for kernels keyed by intensity: all weights in one, w_k = max(0, 1 - |u - k|).

        float32, shape of the image.
        """
        if not isinstance(self._key, IntensityWeights):
            raise InputError(f"kernels keyed by {self.field.key} have no levels")
        return self._key.level()


def _common(support: Box | None, box: Box) -> Box | None:
    """What two boxes have in common, seen from the second; None for nothing."""
    if support is None:
        return None
    ends = [
        (max(s.start, b.start) - b.start, min(s.stop, b.stop) - b.start) for s, b in zip(support, box, strict=True)
    ]
    return None if any(start >= stop for start, stop in ends) else tuple(slice(*each) for each in ends)


# ------------------------------------------------------------------------------------- what callers give


def kernel_of(given: Any) -> AnyKernel:
    """Return a kernel as callers give it: itself, or an array, which is in the voxels of the image.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(given, AnyKernel):
        return given
    if isinstance(given, np.ndarray):
        return Kernel(given, in_voxels=True)
    raise InputError(f"kernels is a {type(given).__name__}; give a KernelField, a Kernel or an array", "kernels")


def field_of(given: Any) -> KernelField:
    """Return the field that kernels are as callers give them: a field, or one kernel for everywhere.

    Raises
    ------
    InputError
        If they are neither.
    """
    return given if isinstance(given, KernelField) else KernelField.uniform(kernel_of(given))


# -------------------------------------------------------------------------------------------- helpers


def _on_slices(kernel: AnyKernel, shape: tuple[int, ...], spacing: tuple[float, ...]) -> Kernel:
    """Sample a 2-D kernel in the plane of the slices, with shape (1, m, n)."""
    sampled = _on_grid(kernel, shape[1:], spacing[1:])
    centre = (0, *sampled.centre)
    return Kernel(sampled.values[None], spacing, sampled.name, sampled.source, centre, notes=sampled.notes)


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
        return Kernel(values[0], spacing, sampled.name, sampled.source, sampled.centre[1:])
    if ndim == 3:
        raise InputError(
            _(
                "kernel {name!r} is 2-D, the image has {slices} slices; work slice by slice, or give a 3-D kernel"
            ).format(name=sampled.name, slices=shape[0]),
            slicewise=True,
        )
    raise InputError(
        f"kernel {sampled.name!r} is 3-D {values.shape}, the image 2-D {shape}; give a 2-D kernel, or the level of "
        "each of its slices",
        "levels",
    )


def _centre_text(words: str | list[str | float]) -> str:
    """A centre in words; see `centres.centre_words`."""
    if words == "middle":
        return _("(n - 1) / 2, the middle")
    texts = {"middle": "(n - 1) / 2", "itk": "n // 2"}
    axes = words if isinstance(words, list) else [words]
    return ", ".join(texts[word] if isinstance(word, str) else f"{word:.4g}" for word in axes)


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


def _part(at: Any, key: str) -> int | str:
    least = 1 if key == "channel" else 0
    if isinstance(at, str) and at.strip():
        return at.strip()
    number = float(at) if isinstance(at, numbers.Real) and not isinstance(at, bool) else math.nan
    if not number.is_integer() or number < least:
        also = ", or a frame's index value as a text" if key == "frame" else ", or a channel's name as a text"
        raise InputError(f"{key} {at!r} must be a whole number from {least} on{also}")
    return int(number)


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
