"""The arrays of a run, and what is checked of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays.magnitude import largest_magnitude, ordinary_range
from ..arrays.spacing import Spacing, spacing_tuple
from ..errors import InputError
from ..kernels.faults import SUM_TOLERANCE
from ..kernels.field import BoundField, KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import AnyKernel
from ..kernels.shapes import STORED_KINDS
from ..kernels.weights import float32_separates
from ..noise import NoiseLaw
from ..texts import joined
from ..texts import mark as _

# A voxel this many times further from the median than 99 of 100 voxels, and this many times further than all that
# are not, is no measured value.
_ABSURD, _GAP = 1e6, 1e3
_SAMPLE = 1 << 18  # voxels, evenly spread, that tell where the rest lies
# Of the range of values: what rounding to float32 may change without being seen.
_UNSEEN = 1e-5
_HUGE = 1e30


@dataclass(frozen=True)
class Inputs:
    """The arrays of a run as they were given; see `pipeline.deconvolve`."""

    image: np.ndarray
    kernels: KernelField | AnyKernel
    spacing: Spacing | None = None
    mask: np.ndarray | None = None
    labels: np.ndarray | None = None
    label_names: Mapping[str, int] | None = None
    guide: np.ndarray | None = None
    #: Sigma at every voxel, for settings whose noise is "image".
    noise: np.ndarray | None = None


def checked_spacing(image: np.ndarray, spacing: Spacing | None) -> tuple[float, ...]:
    """Refuse what is no image; return its spacing, one number an axis."""
    if image.ndim not in (2, 3) or image.size == 0:
        raise InputError(f"the image has shape {image.shape}; give a non-empty 2-D or 3-D array")
    if np.iscomplexobj(image):
        raise InputError(f"the image is complex ({image.dtype}); deconvolve its real and imaginary parts apart")
    if image.dtype.kind not in "biuf":
        raise InputError(f"the image of type {image.dtype} does not hold numbers")
    return spacing_tuple(spacing, image.ndim)


def kernel_warnings(field: KernelField, normalizes: bool) -> list[str]:
    """What is unusual about the kernels: as a blur's where they are normalised, else the sum of stored ones."""
    warnings: list[str] = []
    for at, kernel in zip(field.at, field.kernels, strict=True):
        if isinstance(kernel, Kernel):
            where = _("kernel") if field.key == "uniform" else _("kernel at {at}").format(at=at)
            noted = kernel.notes  # which `told_of_kernels` tells, of kernels of any kind
            unusual = [text for text in kernel.check() if not text.startswith("the sum") and text not in noted]
            texts = unusual if normalizes else _sum_warnings(kernel)
            warnings.extend(joined(": ", (where, text)) for text in texts)
    return warnings


def _sum_warnings(kernel: Kernel) -> list[str]:
    """What the sum of a kernel that is used as it is does to the image; kernels by parameters mean theirs.

    So do kernels of differences, whose sum is 0 but for rounding.
    """
    made = kernel.source is not None and kernel.source.get("type") not in STORED_KINDS
    if made or abs(kernel.total) <= SUM_TOLERANCE * float(np.abs(kernel.values).sum()):
        return []
    if kernel.looks_logarithmic:
        return kernel.check()
    if abs(kernel.total - 1) <= SUM_TOLERANCE:
        return []
    return [
        f"the sum is {kernel.total:.6g}, by which the result is multiplied; set normalize to scale it to 1 and "
        "keep the image's level"
    ]


def sigmas_of(noise: Any) -> np.ndarray | None:
    """The sigma at every voxel, of a noise that is given so; None of any other."""
    if isinstance(noise, NoiseLaw):
        return noise.image
    if isinstance(noise, list | tuple) or (isinstance(noise, np.ndarray) and noise.ndim):
        return np.asarray(noise)
    return None


def working_copy(image: np.ndarray) -> np.ndarray:
    """The image as float32, or as float64 where float32 would lose digits."""
    if image.dtype.kind == "f" and image.dtype.itemsize >= 8:  # of either byte order
        return image.astype(np.float64, copy=False)
    if np.issubdtype(image.dtype, np.integer) and image.dtype.itemsize > 2:
        largest = max(abs(int(image.min())), abs(int(image.max())))
        if largest > 2**24:
            return image.astype(np.float64)
    return image.astype(np.float32, copy=False)


def without_spare_digits(image: np.ndarray, mask: np.ndarray | None, levels: Sequence[float]) -> np.ndarray:
    """The image in float32, unless that would lose digits that count.

    For runs that choose, or that end before they have come to a minimum: they come to another result after any
    change of a digit, so that an image stored in float64 would be restored otherwise, neither better nor worse.
    Beside a large offset, or voxels much brighter than all others, float64 stays what it is.

    Parameters
    ----------
    image : ndarray of float32 or float64
    mask : ndarray of bool, optional
        The voxels that count.
    levels : sequence of float
        Intensities that the image's own values choose kernels by, if they do.
    """
    if image.dtype == np.float32 or (levels and not float32_separates(levels)):
        return image
    low, high = ordinary_range(image, mask)
    rounding = 0.5 * float(np.finfo(np.float32).eps) * largest_magnitude(image, mask)
    if not 0 < rounding <= _UNSEEN * (high - low):
        return image
    # What does not count may be beyond all that float32 holds.
    return (image if mask is None else np.clip(image, -_HUGE, _HUGE)).astype(np.float32)


def refuse_overflow(bound: BoundField, image: np.ndarray, operation: str) -> None:
    """Refuse kernels whose weights take the image's values beyond what its type holds."""
    most = float(np.finfo(image.dtype).max) / max(1.0, largest_magnitude(image))
    for number, at in enumerate(bound.field.at):
        weight = float(np.abs(bound.kernel(number).values).sum())
        if weight > most:
            where = "" if bound.field.key == "uniform" else _(" at {at}").format(at=at)
            cure: dict[str, Any] = {"normalize": True} if operation == "convolve" else {}
            text = _(
                "the weights of the kernel{where} add up to {weight:.3g}, which takes the image's values beyond "
                "what {type} holds; scale it to sum 1"
            )
            raise InputError(text.format(where=where, weight=weight, type=image.dtype), **cure)


def finite(
    image: np.ndarray,
    nonfinite: str,
    warnings: list[str],
    seen: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """The image without NaN and infinity: refused, or filled with a warning.

    Those outside of `seen`, where there is one, do not matter: they are filled without a word. Outside of `mask`
    the result will have them again.
    """
    good = np.isfinite(image)
    if good.all():
        return image
    bad = int(np.count_nonzero(~good if seen is None else seen & ~good))
    if bad and nonfinite == "error":
        nans = int(np.count_nonzero(np.isnan(image) if seen is None else np.isnan(image) & seen))
        text = _(
            "the image holds {nans} NaN and {infinite} infinite of {voxels} voxels; repair it, or let them be "
            "filled from their neighbours"
        )
        raise InputError(text.format(nans=nans, infinite=bad - nans, voxels=image.size), nonfinite="fill")
    if not good.any():
        raise InputError("the image holds no finite voxel at all")
    nearest = ndimage.distance_transform_edt(~good, return_distances=False, return_indices=True)
    if bad:
        kept = 0 if mask is None else int(np.count_nonzero(~good & ~mask))
        text = _("{count} NaN or infinite voxels were filled with the nearest finite value")
        more = _("the {kept} of them outside the mask stay in the result as they are")
        filled = text.format(count=bad)
        warnings.append(joined("; ", (filled, more.format(kept=kept))) if kept else filled)
    return image[tuple(nearest)]


def absurd_values(image: np.ndarray, mask: np.ndarray | None) -> list[str]:
    """What to say of voxels that stand beyond all reason apart from the rest.

    So far that they are no noise and no light, and without anything between them and the rest, as even the sharpest
    kernel leaves around a star.
    """
    seen = image if mask is None else image[mask]
    sample = seen.reshape(-1)[:: max(1, seen.size // _SAMPLE)].astype(np.float64)
    middle = float(np.median(sample))
    spread = float(np.quantile(np.abs(sample - middle), 0.99)) or abs(middle)
    limit = _ABSURD * spread
    if spread == 0 or max(float(seen.max()) - middle, middle - float(seen.min())) <= limit:
        return []
    apart = np.abs(image - middle)
    absurd = apart > limit
    if mask is not None:
        absurd &= mask
        apart[~mask] = 0
    if float(apart[absurd].min()) < _GAP * float(apart[~absurd].max(initial=0)):
        return []
    count, first = int(np.count_nonzero(absurd)), np.unravel_index(int(np.argmax(absurd)), image.shape)
    which = _("1 of {voxels} voxels is absurd") if count == 1 else _("{count} of {voxels} voxels are absurd")
    text = _(
        "{which}, the first at {place} with {value:.6g}, while the rest lies around {middle:.4g}, within "
        "{spread:.2g} or so: that spoils the result around it, the noise and the residual; correct it, or make it "
        "NaN to be filled (nonfinite)"
    )
    values = {"place": [int(i) for i in first], "value": float(image[first]), "middle": middle, "spread": spread}
    return [text.format(which=which.format(count=count, voxels=seen.size), **values)]


def selected_voxels(mask: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The voxels where the mask is not zero."""
    mask = same_shape(mask, shape, "mask")
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
    """Refuse numpy's masked arrays, whose hidden values would be taken for seen ones."""
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        hidden = int(np.ma.count_masked(array))
        raise InputError(
            f"the {name} is a masked array with {hidden} hidden voxels; give its .filled() values, and mask= apart"
        )


def same_shape(array: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """The array, if it has the image's shape."""
    refuse_masked(array, name)
    array = np.asarray(array)
    if array.shape != shape:
        raise InputError(f"the {name} has shape {array.shape}, the image {shape}; they must agree", name)
    return array
