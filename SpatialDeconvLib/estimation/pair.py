"""The two images that kernels are estimated from, checked: what is impossible is refused, what is odd is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays.spacing import Spacing, spacing_tuple
from ..errors import InputError, check_number, is_auto
from ..noise import estimate_noise
from ..run.inputs import refuse_masked, selected_voxels
from ..texts import mark as _

#: The mask that leaves out what is clipped at the blurred image's maximum.
UNSATURATED = "unsaturated"

# The structure below is compared at this scale, where noise counts little.
_SWAP_SIGMA = 1.0
_SWAP_RATIO = 1.05
# As many voxels at exactly the maximum are no coincidence.
_PLATEAU = 10
_PLATEAU_SHARE = 2e-4
# Noise that cannot be told from rounding, relative to the range.
_LEAST_NOISE = 1e-6


def kernel_shape(shape: int | Sequence[int], image_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the kernel's size on every axis of the image.

    One number holds for every axis that has more than one voxel; two numbers on a 3-D image make a kernel of
    one slice.

    Raises
    ------
    InputError
        If a size is no whole positive number, or larger than the image.
    """
    if isinstance(shape, bool):
        raise InputError(f"shape {shape!r} must be one whole number of voxels, or one per axis")
    try:
        sizes = [float(n) for n in np.atleast_1d(np.asarray(shape, dtype=object))]
    except (TypeError, ValueError) as error:
        raise InputError(f"shape {shape!r} must be one whole number of voxels, or one per axis") from error
    if np.ndim(shape) == 0:
        sizes = [sizes[0] if n > 1 else 1.0 for n in image_shape]
    elif len(sizes) == 2 and len(image_shape) == 3:
        sizes = [1.0, *sizes]
    if len(sizes) != len(image_shape):
        raise InputError(f"shape {shape!r} has {len(sizes)} values, the images {len(image_shape)} axes")
    if not all(math.isfinite(n) and n == int(n) and n >= 1 for n in sizes):
        raise InputError(f"shape {shape!r} must be whole numbers of voxels, at least 1")
    result = tuple(int(n) for n in sizes)
    if any(n > size for n, size in zip(result, image_shape, strict=True)):
        raise InputError(
            f"a kernel of shape {result} does not fit into the images of shape {tuple(image_shape)}; "
            "give a smaller shape"
        )
    return result


@dataclass
class Pair:
    """Original and blurred image as float64, the voxels that count, and the blurred image's noise."""

    original: np.ndarray
    blurred: np.ndarray
    mask: np.ndarray | None
    spacing: tuple[float, ...]
    noise: float  # given, or at most this: texture counts as noise where it is estimated from the image
    given: bool  # the noise
    span: float  # of the blurred image's values that count
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def checked(cls, original: Any, blurred: Any, spacing: Spacing | None, mask: Any, noise: Any) -> Pair:
        """Check the input of an estimation.

        Raises
        ------
        InputError
            If the images are no real 2-D or 3-D arrays of one shape, hold NaN or infinite values where they
            count, or are constant; if mask, spacing or noise do not fit.
        """
        original, blurred = real_image(original, "original"), real_image(blurred, "blurred image")
        if original.shape != blurred.shape:
            raise InputError(
                f"the original has shape {original.shape}, the blurred image {blurred.shape}; bring both to one "
                "grid first (resample one of them)"
            )
        spacings = spacing_tuple(spacing, original.ndim)
        mask = _mask(mask, blurred)
        if mask is not None:
            blurred = np.where(mask, blurred, 0.0)
        refuse_nonfinite(original, "original", "")
        refuse_nonfinite(blurred, "blurred image", ", or leave them out with mask")
        if np.ptp(original) <= 1e-12 * np.abs(original).max():
            raise InputError(
                f"the original is constant ({original.flat[0]:g}): a flat image looks the same after any blur and "
                "cannot determine a kernel; give one with structure"
            )
        seen = blurred if mask is None else blurred[mask]
        if np.ptp(seen) <= 1e-12 * np.abs(seen).max():
            raise InputError(f"the blurred image is constant ({seen.flat[0]:g}); it says nothing about a kernel")
        given = not is_auto(noise)
        sigma = (
            check_number(noise, "noise", 0, "'auto' or a standard deviation") if given else _noise(blurred, mask)
        )
        pair = cls(original, blurred, mask, spacings, sigma, given, float(np.ptp(seen)))
        if _roughness(pair.blurred, mask) > _SWAP_RATIO * _roughness(pair.original, mask):
            pair.warnings.append(
                _("the original is smoother than the blurred image: if the two are swapped, swap them back")
            )
        else:  # flat parts of a sharp image are no clipped ones
            pair._warn_saturated()
        return pair

    def noise_of(self, residual: float) -> float:
        """The blurred image's noise, now that what a fit leaves has this standard deviation.

        The image's own estimate takes fine texture for noise, a fit's residual the errors of its model: the
        smaller of the two is nearer. Noise that cannot be told from rounding is taken for a little more.
        """
        return max(self.noise if self.given else min(self.noise, residual), _LEAST_NOISE * self.span)

    def _warn_saturated(self) -> None:
        seen = self.blurred if self.mask is None else self.blurred[self.mask]
        high = seen.max()
        count = int(np.count_nonzero(seen == high))
        # Whole numbers repeat; what is clipped has far more voxels than the value below.
        below = int(np.count_nonzero(seen == seen[seen < high].max()))
        # Without noise a plateau is nothing unusual.
        if count > max(_PLATEAU, _PLATEAU_SHARE * seen.size, 2 * below) and self.noise > 1e-4 * self.span:
            self.warnings.append(
                _(
                    "{count} voxels of the blurred image have exactly its maximum {high:g}: if they are clipped, "
                    "leave them out with mask={mask!r}"
                ).format(count=count, high=high, mask=UNSATURATED)
            )


def real_image(array: Any, name: str) -> np.ndarray:
    """Return an image as float64; refuse what is none."""
    refuse_masked(array, name)
    array = np.asarray(array)
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(f"the {name} has shape {array.shape}; give a non-empty 2-D or 3-D array")
    if np.iscomplexobj(array) or array.dtype.kind not in "biuf":
        raise InputError(f"the {name} of type {array.dtype} does not hold real numbers")
    return array.astype(np.float64)


def _mask(mask: Any, blurred: np.ndarray) -> np.ndarray | None:
    if mask is None:
        return None
    if isinstance(mask, str):
        if mask != UNSATURATED:
            raise InputError(f"mask {mask!r} is unknown; give an array, {UNSATURATED!r} or None")
        return blurred != np.nanmax(blurred)
    return selected_voxels(mask, blurred.shape)


def refuse_nonfinite(image: np.ndarray, name: str, remedy: str) -> None:
    """Refuse an image that holds NaN or infinite values."""
    bad = int(image.size - np.count_nonzero(np.isfinite(image)))
    if bad:
        raise InputError(f"the {name} holds {bad} NaN or infinite of {image.size} voxels; repair them{remedy}")


def _noise(blurred: np.ndarray, mask: np.ndarray | None) -> float:
    """The image's own estimate; infinite where it is too small for one."""
    try:
        return estimate_noise(blurred, mask)
    except InputError:
        return math.inf


def _roughness(image: np.ndarray, mask: np.ndarray | None) -> float:
    """Mean squared gradient of the slightly smoothed image over its variance."""
    smooth = ndimage.gaussian_filter(image, [_SWAP_SIGMA if n > 1 else 0 for n in image.shape])
    axes = [axis for axis, n in enumerate(image.shape) if n > 1]
    inside = None if mask is None else ndimage.binary_erosion(mask, iterations=4)
    if inside is None or not inside.any():
        inside = np.ones(image.shape, bool)
    gradient = sum(float(np.square(np.gradient(smooth, axis=a))[inside].mean()) for a in axes)
    return gradient / max(float(smooth[inside].var()), 1e-300)
