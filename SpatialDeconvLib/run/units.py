"""The unit that a run works in: that of the image, or a power of two of it.

Squares of values below some 1e-19 vanish in float32, those of values above 1e19 are infinite, and ITK's
Richardson-Lucy takes estimates below 1e-5 for zero. So an image of such values is multiplied by a power of two,
which rounds nothing, and what is found is divided by it at the end: a result does not depend on the unit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays.magnitude import largest_magnitude
from ..kernels.field import KernelField
from ..methods.registry import Method

# Images whose largest magnitude lies between these are worked on as they are.
_LEAST, _MOST = 1e-2, 1e12
_LARGEST_EXPONENT = 1000  # of two; beyond, Python's numbers end
_LARGEST_LEVEL = 1e30

#: What of `Result.automatic` is in image units, whatever the method.
_IN_IMAGE_UNITS = {"noise", "offset", "lower", "smoothing"}


def working_exponent(image: np.ndarray, mask: np.ndarray | None = None, levels: Sequence[float] = ()) -> int:
    """Return n for work on the image times 2^n: 0, or what brings its largest magnitude between 1 and 2.

    Parameters
    ----------
    image : ndarray
    mask : ndarray of bool, optional
        The voxels that count.
    levels : sequence of float
        Intensities that are multiplied with it: they stay within reach.
    """
    return exponent_of(largest_magnitude(image, mask), levels)


def exponent_of(largest: float, levels: Sequence[float] = ()) -> int:
    """Return the same for an image of which the largest magnitude is known."""
    if largest == 0 or _LEAST <= largest <= _MOST:
        return 0
    exponent = max(min(1 - math.frexp(largest)[1], _LARGEST_EXPONENT), -_LARGEST_EXPONENT)
    highest = max((abs(level) for level in levels), default=0.0)
    return exponent if highest <= math.ldexp(_LARGEST_LEVEL, min(-exponent, 900)) else 0


def own_levels(field: KernelField, guided: bool) -> Sequence[float]:
    """Return the levels of kernels that are keyed to the image's own intensity; () of others, or with a guide."""
    return field.at if field.key == "intensity" and not guided else ()


def scaled_levels(field: KernelField, exponent: int) -> KernelField:
    """Return the field for an image times 2^n, of kernels that are keyed to its own intensity."""
    return field if field.key != "intensity" else field.with_levels([math.ldexp(at, exponent) for at in field.at])


def in_image_units(automatic: Mapping[str, Any], method: Method, exponent: int) -> dict[str, Any]:
    """Return what was found on an image times 2^n as it is for the image itself."""
    names = set(_IN_IMAGE_UNITS)
    if method.constant is not None and method.constant.in_image_units:
        names.add("regularization")
    if method.tuned == "noise":
        names.add("constant_of_each_kernel")

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(v) for v in value]
        return math.ldexp(value, -exponent) if isinstance(value, float) else value

    found = {name: plain(value) if name in names else value for name, value in automatic.items()}
    if "method_of_each_kernel" in found:  # an automatic choice: Wiener's constants are noise
        pairs = zip(found["method_of_each_kernel"], found["constant_of_each_kernel"], strict=True)
        found["constant_of_each_kernel"] = [plain(value) if name == "wiener" else value for name, value in pairs]
    return found
