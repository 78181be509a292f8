"""Kernels that change with the depth in the sample, one for each of several depths, as a field over the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays.spacing import numbers_in
from ..errors import InputError, check_choice, check_number
from .field import KernelField
from .parametric import ParametricKernel
from .shapes import KINDS

#: The kinds that know a depth.
DEPTH_KINDS = tuple(name for name, kind in KINDS.items() if "depth_mm" in kind.known)


def depth_field(
    kind: str, depths_mm: Sequence[float], *, first_depth_mm: float = 0.0, **parameters: Any
) -> KernelField:
    """Return kernels of several depths as a field, between which it is interpolated along the first axis.

    Parameters
    ----------
    kind : {"gibson-lanni", "confocal"}
        Of `DEPTH_KINDS`.
    depths_mm : sequence of float
        Depths below the coverslip, in mm, each once.
    first_depth_mm : float
        The depth of the image's first slice; slices follow each other into the sample.
    **parameters
        The kind's other parameters, in the words of `ParametricKernel`.

    Returns
    -------
    KernelField
        Keyed by position, with the kernel of depth d at z = d - `first_depth_mm`.

    Raises
    ------
    InputError
        If the kind knows no depth, the depths are none, or a parameter is wrong.
    """
    check_choice(kind, DEPTH_KINDS, "kind")
    if "depth_mm" in parameters:
        raise InputError(f"depth_mm {parameters['depth_mm']!r} is one depth; give all of them as depths_mm")
    depths = numbers_in(depths_mm, "depths_mm")
    if depths.ndim != 1 or not depths.size or not np.all(np.isfinite(depths)):
        raise InputError(f"depths_mm {depths_mm!r} must be one number or more, in mm")
    first = check_number(first_depth_mm, "first_depth_mm")
    return KernelField.by_position(
        [((d - first, 0.0, 0.0), ParametricKernel(kind, depth_mm=d, **parameters)) for d in depths.tolist()]
    )
