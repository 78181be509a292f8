"""One run's checked input and bookkeeping: what the operations of `pipeline` have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from .. import memory
from ..arrays.boxes import Box, bounding_box, slabs
from ..arrays.spacing import Spacing, spacing_tuple
from ..blur.cascade import Cascade
from ..blur.operator import SpatiallyVariantBlur
from ..choices import MODELS, NONFINITE
from ..errors import InputError, check_choice, check_number
from ..filters.padding import padded_shape
from ..kernels.field import BoundField, KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import ParametricKernel
from ..watch import Watch

# A part of the image is filtered with a margin of this many kernel radii (see `_block`).
_HALO_RADII = 4
# Filtering a part is worth it only when it is clearly smaller than the whole image.
_BLOCK_SHARE = 0.7


@dataclass
class Job:
    """The checked input of a run, in the form the engine works on.

    A single slice is worked on as a 2-D image. `image` is finite and float32 or float64; `original` is what
    the caller gave, kept for the voxels outside the mask.
    """

    original: np.ndarray
    image: np.ndarray
    mask: np.ndarray | None
    bound: BoundField
    model: str
    boundary: str
    slicewise: bool
    warnings: list[str]
    memory_limit: float | None
    watch: Watch

    _filters: dict[Any, Any] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls, image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
        memory_limit, *, normalize, watch,
    ) -> Job:  # fmt: skip
        check_choice(model, MODELS, "model")
        check_choice(nonfinite, NONFINITE, "nonfinite")
        refuse_masked(image, "image")
        original = np.asarray(image)
        spacings = _check_image(original, spacing)
        field_ = _as_field(kernels)
        warnings = _kernel_warnings(field_, normalize)
        if labels is not None:
            field_ = field_.with_labels(labels, label_names)
        work = _finite(_working_copy(original), nonfinite, warnings)
        guide = work if guide is None else _same_shape(guide, original.shape, "guide")
        mask = None if mask is None else selected_voxels(mask, original.shape)
        if not slicewise and original.ndim == 3 and original.shape[0] == 1:
            work, guide, spacings = work[0], guide[0], spacings[1:]
            mask = None if mask is None else mask[0]
        bound = field_.bind(guide, spacings, normalize=normalize, slicewise=slicewise)
        return cls(
            original, work, mask, bound, model, boundary, slicewise, warnings, _limit(memory_limit),
            watch,
        )  # fmt: skip

    # -- blending

    def blend(self, image: np.ndarray, run: Callable, local: bool) -> np.ndarray:
        """Return sum_k w_k D_k(image), with `run(part, boundary, k, watch)` as D_k."""
        result = np.zeros(image.shape, image.dtype)
        limit = None if self.mask is None else bounding_box(self.mask)
        for k, watch in self.watch.parts(range(len(self.bound)), "kernel"):
            watch.step(0.0)
            weight = self.bound.weight(k, image.dtype)
            box = _intersection(self.bound.support(k, image.dtype, weight), limit)
            if box is None:  # no voxel of the image, or of the mask, takes this kernel
                continue
            weight = weight[box]
            if self.bound.is_identity(k):
                _add_product(result[box], weight, image[box])
                continue
            part, inner, boundary = self._block(image, box, k, local)
            filtered = run(part, boundary, k, watch)
            _add_product(result[box], weight, filtered[inner])
        self.watch.step(1.0, "blended")
        return result

    def _block(self, image: np.ndarray, box: Box, k: int, local: bool) -> tuple[np.ndarray, Box, str]:
        """The part of the image to filter for `box`, where `box` lies in it, and its boundary rule.

        An axis whose margin reaches the image's border is taken whole, so that the border looks to the
        filter as it does in the whole image.
        """
        if not local:
            return image, box, self.boundary
        part, at_border = [], False
        for s, n, size in zip(box, image.shape, self.bound.kernel(k).shape, strict=True):
            margin = size // 2 * _HALO_RADII
            inside = margin <= s.start and s.stop + margin <= n
            part.append(slice(s.start - margin, s.stop + margin) if inside else slice(0, n))
            at_border |= not inside
        if np.prod([s.stop - s.start for s in part]) > _BLOCK_SHARE * image.size:
            return image, box, self.boundary
        inner = tuple(slice(s.start - p.start, s.stop - p.start) for s, p in zip(box, part, strict=True))
        return image[tuple(part)], inner, self.boundary if at_border else "edge"

    def filters(self, engine: type, part: np.ndarray, boundary: str):
        """The filters of an image part; those of the whole image are kept for the next kernel."""
        key = (id(part) if part.shape == self.image.shape else None, boundary)
        if key[0] is None or key not in self._filters:
            made = _SliceBySlice(engine, part, boundary) if self.slicewise else engine(part, boundary)
            if key[0] is None:
                return made
            self._filters[key] = made
        return self._filters[key]

    # -- the forward model

    def forward_model(self, cascade: str | bool, passes: int = 1) -> tuple[Callable, bool]:
        """Return the function x -> A x on the working image, and whether it goes through the cascade.

        It is called `passes` times, which share the progress.
        """
        chosen = None
        if cascade is not False:
            chosen = Cascade(self.bound, self.boundary, model=self.model)
            if cascade is True and not chosen.possible:
                raise InputError("cascade=True needs Gaussian kernels; use cascade='auto'")
            if not chosen.possible or (cascade == "auto" and not chosen.worthwhile):
                chosen = None
        if chosen is None:
            apply = self.operator().forward
        else:
            apply = chosen.detector if self.model == "detector" else chosen.source

        watches = self.watch.parts(range(passes))

        def forward(x: np.ndarray) -> np.ndarray:
            _, watch = next(watches)
            return apply(x, watch)

        return forward, chosen is not None

    def operator(self) -> SpatiallyVariantBlur:
        """The blur A, uncompressed: convolution is exact to rounding."""
        return SpatiallyVariantBlur(
            self.bound,
            self.image.shape,
            model=self.model,
            boundary=self.boundary,
            dtype=self.image.dtype,
            low_rank=0.0,
            cache_bytes=0,  # it is applied once: nothing is worth keeping
        )

    def residual(self, estimate: np.ndarray, sigma: float) -> float | None:
        """||y - A x|| / (sigma sqrt N) over the filtered voxels; None without noise to compare with."""
        if not sigma > 0:
            return None
        self._filters.clear()
        composite = estimate if self.mask is None else np.where(self.mask, estimate, self.image)
        difference = self.operator().forward(composite, self.watch.quiet())
        difference -= self.image
        if self.mask is not None:
            difference = difference[self.mask]
        return float(np.sqrt(np.mean(np.square(difference), dtype=np.float64)) / sigma)

    # -- around it

    def padded_volumes(self) -> tuple[float, float]:
        """Bytes of the image padded for the kernel that takes most, and for all of them at once."""
        shapes = [self.bound.kernel(k).shape for k in range(len(self.bound))]
        each = max(math.prod(padded_shape(self.image.shape, shape)) for shape in shapes)
        longest = [max(sizes) for sizes in zip(*shapes, strict=True)]
        every = math.prod(padded_shape(self.image.shape, longest))
        return self.image.itemsize * each, self.image.itemsize * every

    def available_memory(self) -> float | None:
        """Bytes that the run may take: what is free, and no more than the caller's limit; None: not known."""
        available = memory.available_memory()
        if self.memory_limit is None:
            return available
        limit = self.memory_limit * 2**30
        return limit if available is None else min(limit, available)

    def require_memory(self, needed: float, remedy: str) -> None:
        """Refuse a run that needs more bytes than it may take."""
        size = "x".join(map(str, self.image.shape))
        memory.require(needed, f"the image has {size} voxels; {remedy}", self.available_memory())

    def require_volumes(self, padded_volumes: float, volumes: float, remedy: str) -> None:
        """Refuse a run on one kernel after the other that needs more volumes, padded or not, than it may take."""
        largest = self.padded_volumes()[0] / (self.image.shape[0] if self.slicewise else 1)
        self.require_memory(padded_volumes * largest + volumes * self.image.nbytes, remedy)

    def check_result(self, result: np.ndarray, method: str) -> None:
        bad = int(result.size - np.count_nonzero(np.isfinite(result)))
        if bad:
            raise InputError(
                f"{method} produced {bad} NaN or infinite voxels; use fewer iterations or more regularization"
            )

    def finished(self, result: np.ndarray) -> np.ndarray:
        """The result in the caller's shape; voxels outside the mask are the caller's own."""
        result = result.reshape(self.original.shape)
        if self.mask is not None:
            mask = self.mask.reshape(self.original.shape)
            result = np.where(mask, result, self.original.astype(result.dtype, copy=False))
        return result


class _SliceBySlice:
    """The filters of every slice of a 3-D image, with kernels of one slice."""

    def __init__(self, engine: type, image: np.ndarray, boundary: str):
        self._engine, self._image, self._boundary = engine, image, boundary

    def run(self, method: str, kernel: np.ndarray, *, watch: Watch, **options: Any) -> np.ndarray:
        result = np.empty_like(self._image)
        for number, part in watch.parts(range(len(result))):
            filters = self._engine(self._image[number], self._boundary)
            result[number] = filters.run(method, kernel[0], watch=part, **options)
        return result


def _add_product(total: np.ndarray, weight: np.ndarray, image: np.ndarray) -> None:
    """total <- total + weight image."""
    for slab in slabs(total.shape):
        total[slab] += weight[slab] * image[slab]


# -------------------------------------------------------------------------------------- checking input


def _check_image(image: np.ndarray, spacing: Spacing | None) -> tuple[float, ...]:
    if image.ndim not in (2, 3) or image.size == 0:
        raise InputError(f"the image has shape {image.shape}; give a non-empty 2-D or 3-D array")
    if np.iscomplexobj(image):
        raise InputError(f"the image is complex ({image.dtype}); deconvolve its real and imaginary parts apart")
    if image.dtype.kind not in "biuf":
        raise InputError(f"the image of type {image.dtype} does not hold numbers")
    return spacing_tuple(spacing, image.ndim)


def _as_field(kernels: Any) -> KernelField:
    if isinstance(kernels, Kernel | ParametricKernel):
        return KernelField.uniform(kernels)
    if not isinstance(kernels, KernelField):
        raise InputError(f"kernels is a {type(kernels).__name__}; give a KernelField or a Kernel")
    return kernels


def _kernel_warnings(field_: KernelField, normalize: bool) -> list[str]:
    """What is unusual about the kernels; the sum is not where it is normalised anyway."""
    warnings = []
    for at, kernel in zip(field_.at, field_.kernels, strict=True):
        if isinstance(kernel, Kernel) and normalize:
            where = "" if field_.key == "uniform" else f" at {at}"
            warnings.extend(f"kernel{where}: {text}" for text in kernel.check() if not text.startswith("the sum"))
    return warnings


def _working_copy(image: np.ndarray) -> np.ndarray:
    """The image as float32, or as float64 where float32 would lose digits."""
    if image.dtype.kind == "f" and image.dtype.itemsize >= 8:  # of either byte order
        return image.astype(np.float64, copy=False)
    if np.issubdtype(image.dtype, np.integer) and image.dtype.itemsize > 2:
        largest = max(abs(int(image.min())), abs(int(image.max())))
        if largest > 2**24:
            return image.astype(np.float64)
    return image.astype(np.float32, copy=False)


def _finite(image: np.ndarray, nonfinite: str, warnings: list[str]) -> np.ndarray:
    finite = np.isfinite(image)
    bad = image.size - int(np.count_nonzero(finite))
    if not bad:
        return image
    if nonfinite == "error":
        nans = int(np.count_nonzero(np.isnan(image)))
        raise InputError(
            f"the image holds {nans} NaN and {bad - nans} infinite of {image.size} voxels; repair it, or set "
            "nonfinite='fill' (--nonfinite fill) to fill them from their neighbours"
        )
    if bad == image.size:
        raise InputError("the image holds no finite voxel at all")
    nearest = ndimage.distance_transform_edt(~finite, return_distances=False, return_indices=True)
    warnings.append(f"{bad} NaN or infinite voxels were filled with the nearest finite value")
    return image[tuple(nearest)]


def selected_voxels(mask: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The voxels where the mask is not zero."""
    mask = _same_shape(mask, shape, "mask")
    if mask.dtype.kind not in "biuf":
        raise InputError(f"the mask of type {mask.dtype} does not hold numbers; give True or not 0 where to work")
    if mask.dtype.kind == "f" and np.isnan(mask).any():
        nans = int(np.count_nonzero(np.isnan(mask)))
        raise InputError(f"the mask holds {nans} NaN, neither inside nor outside; replace them by 0 or 1")
    selected = mask != 0
    if not selected.any():
        raise InputError("the mask is empty: it selects no voxel")
    return selected


def refuse_masked(array: Any, name: str) -> None:
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        hidden = int(np.ma.count_masked(array))
        raise InputError(
            f"the {name} is a masked array with {hidden} hidden voxels; give its .filled() values, and mask= apart"
        )


def _same_shape(array: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    refuse_masked(array, name)
    array = np.asarray(array)
    if array.shape != shape:
        raise InputError(f"the {name} has shape {array.shape}, the image {shape}; they must agree")
    return array


def _limit(memory_limit: float | None) -> float | None:
    if memory_limit is None:
        return None
    limit = check_number(memory_limit, "memory_limit", meaning="a number of GiB or None")
    if not limit > 0:
        raise InputError(f"memory_limit {memory_limit!r} must be a positive number of GiB")
    return limit


def _intersection(a: Box | None, b: Box | None) -> Box | None:
    """The common box of two; `b` None sets no limit, `a` None is empty."""
    if a is None or b is None:
        return a
    both = tuple(slice(max(s.start, t.start), min(s.stop, t.stop)) for s, t in zip(a, b, strict=True))
    return None if any(s.start >= s.stop for s in both) else both
