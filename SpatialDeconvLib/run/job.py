"""One run's checked input and bookkeeping: what the operations of `pipeline` have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np

from ..arrays import memory
from ..arrays.magnitude import largest_magnitude
from ..arrays.watch import Watch
from ..blur.cascade import Cascade
from ..blur.operator import SpatiallyVariantBlur
from ..errors import InputError, check_squarable
from ..filters.padding import padded_shape
from ..kernels.field import BoundField, field_of
from ..noise import NoiseLaw, as_noise_law
from ..texts import joined
from ..texts import mark as _
from .inputs import (
    Inputs,
    absurd_values,
    checked_spacing,
    finite,
    kernel_warnings,
    refuse_masked,
    refuse_overflow,
    same_shape,
    selected_voxels,
    without_spare_digits,
    working_copy,
)
from .settings import ConvolveSettings, DeconvolveSettings, S
from .told import told_of_kernels
from .units import in_image_units, own_levels, scaled_levels, working_exponent

#: What helps a run that memory has no room for.
CROP = _("crop it")


@dataclass
class Job(Generic[S]):
    """The checked input of a run, in the form the engine works on.

    A single slice is worked on as a 2-D image.

    Attributes
    ----------
    settings : Settings
        Lengths and intensities in the unit that the run works in.
    original : ndarray
        What the caller gave, kept for the voxels outside the mask.
    image : ndarray of float32 or float64
        The same without NaN and infinity, in that unit.
    result_type : dtype
        Of the result: what holds the image's digits, in which the image itself is not always worked on.
    exponent : int
        The unit: the image is what the caller gave times 2 to this power, 0 but for extreme values (`units`).
    guide : ndarray, shape of the image
        The image whose values choose the kernels.
    mask : ndarray of bool or None
        The voxels to work on.
    bound : BoundField
    noise : float, str, mapping or ndarray
        Of a deconvolution, what `noise.as_noise_law` takes.
    warnings : list of str
        What is unusual, in words.
    watch : Watch
    guided : bool
        Whether a guide was given.
    """

    settings: S
    original: np.ndarray
    image: np.ndarray
    result_type: np.dtype
    exponent: int
    guide: np.ndarray
    mask: np.ndarray | None
    bound: BoundField
    noise: Any
    warnings: list[str]
    watch: Watch
    guided: bool = False

    @classmethod
    def prepare(cls, inputs: Inputs, settings: S, watch: Watch, exponent: int | None = None) -> Job[S]:
        """Check the arrays of a run and bring them into the engine's form.

        `exponent`: of the unit, where it is that of an image of which this is a part.
        """
        refuse_masked(inputs.image, "image")
        original = np.asarray(inputs.image)
        spacing = checked_spacing(original, inputs.spacing)
        field = field_of(inputs.kernels)
        warnings = kernel_warnings(field, settings.normalizes)
        if inputs.labels is not None:
            field = field.with_labels(inputs.labels, inputs.label_names)
        mask = None if inputs.mask is None else selected_voxels(inputs.mask, original.shape)
        seen = mask if isinstance(settings, ConvolveSettings) and settings.exclude else None
        image = finite(working_copy(original), settings.nonfinite, warnings, seen, mask)
        result_type = image.dtype
        guide = image if inputs.guide is None else same_shape(inputs.guide, original.shape, "guide")
        noise = None if inputs.noise is None else same_shape(inputs.noise, original.shape, "noise")
        if isinstance(settings, DeconvolveSettings):
            check_squarable(largest_magnitude(image), "the image has values of")
            seen = None if settings.strategy == "blend" else mask  # filters see what the mask leaves out, too
            warnings += absurd_values(image, seen)
            own = own_levels(field, inputs.guide is not None)
            searching = settings.strategy != "blend" or settings.spec.automatic or settings.searches
            if exponent is None:
                exponent = working_exponent(image, seen, own)
            if exponent:
                settings = settings.in_unit(2.0**exponent)
                image = np.ldexp(image, exponent)
                noise = None if noise is None else np.ldexp(noise, exponent)
                field = scaled_levels(field, exponent) if own else field
            if searching:
                image = without_spare_digits(image, seen, field.at if own else ())
            guide = image if inputs.guide is None else guide
            noise = getattr(settings, "noise", None) if noise is None else noise
        if not settings.slicewise and original.ndim == 3 and original.shape[0] == 1:
            image, guide, spacing = image[0], guide[0], spacing[1:]
            mask = None if mask is None else mask[0]
            noise = noise[0] if isinstance(noise, np.ndarray) else noise
        bound = field.bind(guide, spacing, normalize=settings.normalizes, slicewise=settings.slicewise)
        refuse_overflow(bound, image, settings.operation)
        guided = inputs.guide is not None
        exponent = exponent or 0
        unit = 1.0 if guided else 2.0**-exponent
        warnings += told_of_kernels(field, bound, guide, mask, guided, image.dtype, unit)
        return cls(
            settings, original, image, result_type, exponent, guide, mask, bound, noise, warnings, watch, guided
        )

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
                    _("a cascade needs Gaussian kernels; use it only where it can be used"), cascade="auto"
                )
            if not chosen.possible or (cascade == "auto" and not chosen.worthwhile):
                chosen = None
        if chosen is None:
            apply = self.operator().forward
        else:
            apply = chosen.detector if self.settings.model == "detector" else chosen.source

        watches = self.watch.parts(range(passes))

        def forward(x: np.ndarray) -> np.ndarray:
            _number, watch = next(watches)
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
            watch=self.watch,
        )

    def noise_law(self) -> NoiseLaw:
        """The law of the image's noise: as it was given, or found."""
        return as_noise_law(self.noise, self.image, self.mask, self.watch)

    # -- around it

    def padded_bytes(self) -> float:
        """Bytes of the image padded for the kernel that takes most."""
        shapes = [self.bound.kernel(k).shape for k in range(len(self.bound))]
        return self.image.itemsize * max(math.prod(padded_shape(self.image.shape, shape)) for shape in shapes)

    def available_memory(self) -> float | None:
        """Bytes that the run may take: what is free, and no more than the caller's limit; None: not known."""
        known = [n for n in (memory.available_memory(), self._memory_limit()) if n is not None]
        return min(known, default=None)

    def _memory_limit(self) -> float | None:
        """Bytes that the caller allows."""
        limit = self.settings.memory_limit
        return None if limit is None else limit * 2**30

    def require_memory(self, needed: float, remedy: str, **cure: Any) -> None:
        """Refuse a run that needs more bytes than it may take; `cure`: arguments that would help."""
        has, size = _("the image has {size} voxels"), "x".join(map(str, self.image.shape))
        memory.require(needed, joined("; ", (has.format(size=size), remedy)), self._memory_limit(), **cure)

    def require_volumes(self, padded_volumes: float, volumes: float, remedy: str, **cure: Any) -> None:
        """Refuse a run on one kernel after the other that needs more volumes, padded or not, than it may take."""
        self.require_memory(self.needed_memory(padded_volumes, volumes), remedy, **cure)

    def needed_memory(self, padded_volumes: float, volumes: float, slicewise: bool | None = None) -> float:
        """Bytes that so many volumes take, padded or not; `slicewise`: other than the run is."""
        slicewise = self.settings.slicewise if slicewise is None else slicewise
        largest = self.padded_bytes() / (self.image.shape[0] if slicewise else 1)
        return padded_volumes * largest + volumes * self.image.nbytes

    def check_result(self, result: np.ndarray, method: str) -> None:
        bad = int(result.size - np.count_nonzero(np.isfinite(result)))
        if bad:
            raise InputError(
                f"{method} produced {bad} NaN or infinite voxels; use fewer iterations or more regularization"
            )

    def outward(self, value: Any) -> Any:
        """A number or an array of intensities as the caller has them."""
        if isinstance(value, np.ndarray) and value.dtype != np.float64:
            value = value.astype(self.result_type, copy=False)
        return np.ldexp(value, -self.exponent) if self.exponent else value

    def found(self, law: NoiseLaw, automatic: dict[str, Any]) -> dict[str, Any]:
        """The noise and what else was found, in the caller's unit: what a `Result` says of them."""
        factor = 2.0**-self.exponent
        automatic = {"noise": law.sigma, **automatic}
        if isinstance(self.settings, DeconvolveSettings) and self.exponent:
            automatic = in_image_units(automatic, self.settings.spec, self.exponent)
        automatic = {"noise_law": law.scaled(factor).describe(), **automatic}
        return {"noise": law.sigma * factor, "automatic": automatic}

    def finished(self, result: np.ndarray) -> np.ndarray:
        """The result in the caller's unit and shape; voxels outside the mask are the caller's own."""
        kept = None if result.dtype == self.result_type else (result == self.image).reshape(self.original.shape)
        result = self.outward(result).reshape(self.original.shape)
        if kept is not None:  # what was left as it is has all its digits
            result = np.where(kept & np.isfinite(self.original), self.original, result)
        if self.mask is not None:
            mask = self.mask.reshape(self.original.shape)
            result = np.where(mask, result, self.original.astype(result.dtype, copy=False))
        return result
