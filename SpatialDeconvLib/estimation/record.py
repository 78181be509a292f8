"""What an estimation returns: a kernel or a kernel field that carries the record of how it was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..kernels.field import KernelField
from ..kernels.kernel import Kernel


@dataclass
class Estimate:
    """How kernels were estimated and how well the data determine them.

    Attributes
    ----------
    method : str
        "least-squares" or "fourier".
    residual : float
        |y - predicted| / (noise sqrt(N)) over the N voxels that counted: about 1 when the kernels explain the
        blurred image, more when they do not.
    noise : float
        Standard deviation of the blurred image's noise, in its unit: given, or the smaller one of two estimates,
        from that image alone (which takes texture for noise) and from what free kernels leave of it (which
        takes errors of the model for noise).
    regularization : float
        Weight of the penalty, relative to the original's variance; see `estimate_kernel`.
    iterations : int
    history : list of float
        The residual (in units of the noise) after each iteration or group of iterations.
    gain : float
        Factor between the images; 1 unless it was asked for. The kernel then sums to 1.
    offset : float
        Constant added to the blurred image; 0 unless it was asked for.
    shift : tuple of float
        Displacement of the blurred image's content in mm per axis; zeros unless it was asked for.
    uncertainty : float, or ndarray (K,) for a field
        Expected error |estimated - true| / |estimated| of each kernel, from the noise and from what the data
        cannot determine. It does not know about errors of the model.
    condition : float
        Ratio of the best to the worst determined combination of kernel values (singular values of the
        original's convolution matrix), as far as the iterations explored them: a lower bound.
    warnings : list of str
        In words: what the user should know.
    predicted : ndarray
        gain * (h * x) + offset, shifted, on the voxels `valid` of the blurred image.
    valid : tuple of slice
        The blurred image's voxels that depend on nothing outside the original.
    seconds : float
    determined : ndarray of bool (K,), or None
        For a field: the kernels that the data determine.
    share : ndarray (K,), or None
        For a field: each kernel's share of the evidence, the original's variance (source model: power) where the
        kernel applies. Sums to 1.
    """

    method: str
    residual: float
    noise: float
    regularization: float
    iterations: int
    history: list[float]
    gain: float
    offset: float
    shift: tuple[float, ...]
    uncertainty: Any
    condition: float
    predicted: np.ndarray = field(repr=False)
    valid: tuple[slice, ...]
    seconds: float
    warnings: list[str] = field(default_factory=list)
    determined: np.ndarray | None = None
    share: np.ndarray | None = None


@dataclass(frozen=True, eq=False, repr=False)
class EstimatedKernel(Kernel):
    """A `Kernel` that carries the record of its estimation as `estimate`."""

    estimate: Estimate = field(repr=False, kw_only=True)


@dataclass(frozen=True, eq=False)
class EstimatedField(KernelField):
    """A `KernelField` that carries the record of its estimation as `estimate`."""

    estimate: Estimate = field(repr=False, kw_only=True)
