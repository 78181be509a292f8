"""One run's checked input and bookkeeping: what the operations of `pipeline` have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from ..arrays import memory
from ..arrays.watch import Watch
from ..blur.cascade import Cascade
from ..blur.operator import SpatiallyVariantBlur
from ..errors import InputError
from ..filters.padding import padded_shape
from ..kernels.field import BoundField
from .inputs import (
    Inputs,
    checked_spacing,
    field_of,
    finite,
    kernel_warnings,
    refuse_masked,
    same_shape,
    selected_voxels,
    working_copy,
)
from .settings import S
from .told import told_of_kernels


@dataclass
class Job(Generic[S]):
    """The checked input of a run, in the form the engine works on.

    A single slice is worked on as a 2-D image.

    Attributes
    ----------
    settings : Settings
    original : ndarray
        What the caller gave, kept for the voxels outside the mask.
    image : ndarray of float32 or float64
        The same without NaN and infinity.
    guide : ndarray, shape of the image
        The image whose values choose the kernels.
    mask : ndarray of bool or None
        The voxels to work on.
    bound : BoundField
    warnings : list of str
        What is unusual, in words.
    watch : Watch
    """

    settings: S
    original: np.ndarray
    image: np.ndarray
    guide: np.ndarray
    mask: np.ndarray | None
    bound: BoundField
    warnings: list[str]
    watch: Watch

    @classmethod
    def prepare(cls, inputs: Inputs, settings: S, watch: Watch) -> Job[S]:
        """Check the arrays of a run and bring them into the engine's form."""
        refuse_masked(inputs.image, "image")
        original = np.asarray(inputs.image)
        spacing = checked_spacing(original, inputs.spacing)
        field = field_of(inputs.kernels)
        warnings = kernel_warnings(field, settings.normalizes)
        if inputs.labels is not None:
            field = field.with_labels(inputs.labels, inputs.label_names)
        image = finite(working_copy(original), settings.nonfinite, warnings)
        guide = image if inputs.guide is None else same_shape(inputs.guide, original.shape, "guide")
        mask = None if inputs.mask is None else selected_voxels(inputs.mask, original.shape)
        if not settings.slicewise and original.ndim == 3 and original.shape[0] == 1:
            image, guide, spacing = image[0], guide[0], spacing[1:]
            mask = None if mask is None else mask[0]
        bound = field.bind(guide, spacing, normalize=settings.normalizes, slicewise=settings.slicewise)
        warnings += told_of_kernels(field, bound, guide, mask, inputs.guide is not None, image.dtype)
        return cls(settings, original, image, guide, mask, bound, warnings, watch)

    # -- the forward model

    def forward_model(self, cascade: str | bool, passes: int = 1) -> tuple[Callable, bool]:
        """Return the function x -> A x on the working image, and whether it goes through the cascade.

        It is called `passes` times, which share the progress.
        """
        chosen = None
        if cascade is not False:
            chosen = Cascade(self.bound, self.settings.boundary, model=self.settings.model)
            if cascade is True and not chosen.possible:
                raise InputError(
                    "a cascade needs Gaussian kernels; use it only where it can be used", cascade="auto"
                )
            if not chosen.possible or (cascade == "auto" and not chosen.worthwhile):
                chosen = None
        if chosen is None:
            apply = self.operator().forward
        else:
            apply = chosen.detector if self.settings.model == "detector" else chosen.source

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
            model=self.settings.model,
            boundary=self.settings.boundary,
            dtype=self.image.dtype,
            low_rank=0.0,
            cache_bytes=0,  # it is applied once: nothing is worth keeping
        )

    def residual(self, estimate: np.ndarray, sigma: float) -> float | None:
        """||y - A x|| / (sigma sqrt N) over the filtered voxels; None without noise to compare with."""
        if not sigma > 0:
            return None
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
        if self.settings.memory_limit is None:
            return available
        limit = self.settings.memory_limit * 2**30
        return limit if available is None else min(limit, available)

    def require_memory(self, needed: float, remedy: str, **cure: Any) -> None:
        """Refuse a run that needs more bytes than it may take; `cure`: arguments that would help."""
        size = "x".join(map(str, self.image.shape))
        memory.require(needed, f"the image has {size} voxels; {remedy}", self.available_memory(), **cure)

    def require_volumes(self, padded_volumes: float, volumes: float, remedy: str, **cure: Any) -> None:
        """Refuse a run on one kernel after the other that needs more volumes, padded or not, than it may take."""
        largest = self.padded_volumes()[0] / (self.image.shape[0] if self.settings.slicewise else 1)
        self.require_memory(padded_volumes * largest + volumes * self.image.nbytes, remedy, **cure)

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
