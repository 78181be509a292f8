"""Kernels given by their kind and parameters, sampled when the image's grid is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.spacing import Spacing, numbers_in, spacing_tuple
from ..errors import InputError
from .kernel import Kernel, sizes_text
from .shapes import (
    ball_kernel,
    box_kernel,
    cross_kernel,
    disk_kernel,
    gaussian_kernel,
    identity_kernel,
    laplacian_kernel,
    mean_kernel,
    motion_kernel,
    sharpen_kernel,
    sum_kernel,
)


@dataclass(frozen=True)
class KernelType:
    """How a kind of kernel is made from the parameters of a kernel-set entry."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    make: Callable[[dict, tuple[float, ...]], Kernel]
    describe: str


def _make_motion(p: dict, spacing: tuple[float, ...]) -> Kernel:
    if ("angle_deg" in p) == ("direction" in p):
        raise InputError("a motion kernel needs either 'angle_deg' (in the plane) or 'direction' ([z, y, x])")
    return motion_kernel(p["length_mm"], p.get("direction", p.get("angle_deg")), spacing)


def _make_gaussian(p: dict, spacing: tuple[float, ...]) -> Kernel:
    truncate = p.get("truncate", 4.0)
    if "covariance_mm2" in p and "sigma_mm" not in p:
        return gaussian_kernel(covariance=p["covariance_mm2"], spacing=spacing, truncate=truncate)
    if ("sigma_mm" in p) == ("covariance_mm2" in p):
        raise InputError("a gaussian kernel needs 'sigma_mm' or 'covariance_mm2', one of them")
    return gaussian_kernel(p["sigma_mm"], spacing, truncate=truncate)


def _make_ball(p: dict, spacing: tuple[float, ...]) -> Kernel:
    if len(spacing) == 2:
        raise InputError("a ball is 3-D, the image or its slices 2-D; use a disk")
    return ball_kernel(p["radius_mm"], spacing)


#: Kinds of parametric kernels, by the word used in kernel-set files and on the command line.
KERNEL_TYPES: dict[str, KernelType] = {
    "gaussian": KernelType((), ("sigma_mm", "truncate", "covariance_mm2"), _make_gaussian, "Gaussian blur"),
    "motion": KernelType(("length_mm",), ("angle_deg", "direction"), _make_motion, "uniform straight motion"),
    "box": KernelType(("width_mm",), (), lambda p, s: box_kernel(p["width_mm"], s), "mean over a box"),
    "disk": KernelType(("radius_mm",), (), lambda p, s: disk_kernel(p["radius_mm"], s), "defocus in the plane"),
    "ball": KernelType(("radius_mm",), (), _make_ball, "defocus in 3-D"),
    "mean": KernelType(("shape",), (), lambda p, s: mean_kernel(p["shape"], s), "mean of a block of voxels"),
    "sum": KernelType(("shape",), (), lambda p, s: sum_kernel(p["shape"], s), "sum over a block of voxels"),
    "cross": KernelType((), (), lambda p, s: cross_kernel(s), "sum of a voxel and its face neighbours"),
    "laplacian": KernelType((), (), lambda p, s: laplacian_kernel(s), "second differences"),
    "sharpen": KernelType((), ("amount",), lambda p, s: sharpen_kernel(p.get("amount", 1.0), s), "sharpening"),
    "identity": KernelType((), (), lambda p, s: identity_kernel(s), "no blur"),
}


class ParametricKernel:
    """A kernel given by its parameters in mm, sampled on an image's grid when that is known.

    Parameters
    ----------
    type : str
        One of `KERNEL_TYPES`.
    **parameters
        The kind's own parameters, in the words of the kernel-set file: ``sigma_mm`` or ``covariance_mm2``,
        ``length_mm``, ``angle_deg`` or ``direction``, ``width_mm``, ``radius_mm``, ``shape``, ``amount``.

    Raises
    ------
    InputError
        If the kind is unknown, a parameter is missing or unknown, or a value is impossible.
    """

    def __init__(self, type: str, /, **parameters: Any):
        if not isinstance(type, str) or type not in KERNEL_TYPES:
            raise InputError(f"unknown kernel type {type!r}; known: {', '.join(KERNEL_TYPES)}, file, values")
        kind = KERNEL_TYPES[type]
        missing = [name for name in kind.required if name not in parameters]
        unknown = [name for name in parameters if name not in kind.required + kind.optional]
        if missing:
            raise InputError(f"a {type} kernel needs {', '.join(map(repr, missing))}")
        if unknown:
            allowed = ", ".join(kind.required + kind.optional) or "none"
            raise InputError(f"a {type} kernel has no parameter {unknown[0]!r}; its parameters: {allowed}")
        self.type = type
        # Plain lists and numbers, so that the entry can be written to a kernel set.
        self.parameters = {
            n: v.tolist() if isinstance(v, np.ndarray | np.generic) else v for n, v in parameters.items()
        }
        self.sampled(self._trial_spacing())  # bad values are reported here, not in mid-run

    def _trial_spacing(self) -> tuple[float, ...]:
        """A grid coarse enough for the kernel to be small on it."""
        lengths = [1.0]
        for name, value in self.parameters.items():
            if name.endswith(("_mm", "_mm2")):
                sizes = np.abs(numbers_in(value, name))
                sizes = np.sqrt(sizes) if name.endswith("_mm2") else sizes
                lengths.extend(sizes[np.isfinite(sizes)].ravel().tolist())
        return (max(lengths),) * self._own_ndim()

    def _own_ndim(self) -> int:
        return 2 if any(np.shape(v) in ((2,), (2, 2)) for v in self.parameters.values()) else 3

    @property
    def source(self) -> dict[str, Any]:
        return {"type": self.type, **self.parameters}

    @property
    def name(self) -> str:
        values = ", ".join(
            f"{k.removesuffix('2').removesuffix('_mm')} {sizes_text(np.atleast_1d(v))}"
            for k, v in self.parameters.items()
        )
        return f"{self.type} {values}".strip()

    def __repr__(self) -> str:
        return f"ParametricKernel({self.name})"

    def sampled(self, spacing: Spacing) -> Kernel:
        """Return the kernel on a grid of `spacing`: mm, one value per axis of the image, or one for all.

        Parameters of three axes lose the first one on a 2-D image; parameters of two axes make a 2-D kernel
        on a 3-D image too.
        """
        axes = spacing_tuple(spacing, np.size(spacing) if np.ndim(spacing) else self._own_ndim())
        try:
            kernel = KERNEL_TYPES[self.type].make(self._parameters_for(len(axes)), axes[-self._own_ndim() :])
        except (TypeError, ValueError, ArithmeticError) as error:
            raise InputError(f"{self.type} kernel {self.parameters}: {error}") from error
        return Kernel(kernel.values, kernel.spacing, kernel.name, self.source)

    def _parameters_for(self, ndim: int) -> dict[str, Any]:
        parameters = dict(self.parameters)
        if ndim == 2:
            for name, value in self.parameters.items():
                if np.ndim(value) == 1 and np.size(value) == 3:
                    # Blurring along an axis without neighbours changes nothing; summing and moving do.
                    if (name == "direction" and value[0] != 0) or (self.type == "sum" and value[0] != 1):
                        raise InputError(f"{name} {value} leaves the plane of a 2-D image; give two values")
                    parameters[name] = value[1:]
                elif np.shape(value) == (3, 3):  # seen along the slice axis: the blur within the plane
                    parameters[name] = [row[1:] for row in value[1:]]
        return parameters


AnyKernel = Kernel | ParametricKernel
