"""The families of kernels that `estimation.fits` fits: how their parameters become weights on a grid, and back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import InputError, check_choice
from ...kernels.parametric import ParametricKernel
from ...kernels.shapes import FITTED_KINDS, FWHM, TRUNCATE, ball_shares, line_shares
from ...methods.choices import FORMS

# The least sigma, in voxels, that a sampled Gaussian shows: its neighbours then have 1e-5 of the peak.
_LEAST_SIGMA = 0.2


class Family:
    """A kind of kernel on a grid: its free parameters, kept in units that the optimiser likes."""

    type = ""
    count = 0
    radii: list[int] | None = None  # where the maker cuts off, if it does; None while the parameters are moving

    def __init__(self, shape: tuple[int, ...], spacing: Sequence[float]):
        self.shape, self.spacing = shape, np.array(spacing)
        self.flat = False  # whether it lies in the slices of a 3-D image
        self.support = [n // 2 for n in shape]  # farther than that from its centre the kernel is known to be 0
        self.reach = max(n * h for n, h in zip(shape, spacing, strict=True)) / 2
        self.step = float(min(spacing))

    def starts(self) -> Iterator[np.ndarray]:
        """Parameters on a coarse grid."""
        raise NotImplementedError

    def from_kernel(self, kernel: ParametricKernel) -> np.ndarray:
        """The free parameters of a given kernel."""
        raise NotImplementedError

    def model(self, q: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Weights on the grid, summing to 1 (over the grid, or over all of the kernel where it is larger)."""
        raise NotImplementedError

    def settle(self, q: np.ndarray) -> bool:
        """Adapt what is held fixed during a minimisation; whether that changed anything."""
        return False

    def parameters(self, q: np.ndarray) -> np.ndarray:
        """What is reported, as a flat array."""
        raise NotImplementedError

    def words(self, values: np.ndarray) -> dict[str, Any]:
        """The flat array of `parameters` (or their errors) in the words of a kernel set."""
        raise NotImplementedError

    def kernel(self, q: np.ndarray) -> ParametricKernel:
        return ParametricKernel(self.type, **self.words(self.parameters(q)))

    def warnings(self, q: np.ndarray) -> list[str]:
        return []

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError


class Gaussian(Family):
    """Free: log sigma (one, or one per axis); or the Cholesky factor of the covariance, logs on its diagonal."""

    type = "gaussian"

    def __init__(self, shape: tuple[int, ...], spacing: Sequence[float], form: str):
        super().__init__(shape, spacing)
        self.form, ndim = form, len(shape)
        self.lower = np.tril_indices(ndim)
        self.count = {"isotropic": 1, "axes": ndim, "full": self.lower[0].size}[form]
        self.axes = [(np.arange(n) - n // 2) * h for n, h in zip(shape, spacing, strict=True)]

    def starts(self) -> Iterator[np.ndarray]:
        for sigma in np.geomspace(0.4 * self.step, max(self.reach, 0.8 * self.step), 12):
            yield self._pack(np.full(len(self.shape), sigma))
        if self.form != "isotropic":
            for long in range(len(self.shape)):
                for ratio in (0.4, 2.5):
                    for sigma in np.geomspace(0.6 * self.step, max(self.reach / 2, self.step), 5):
                        sigmas = np.full(len(self.shape), sigma)
                        sigmas[long] *= ratio
                        yield self._pack(sigmas)

    def from_kernel(self, kernel: ParametricKernel) -> np.ndarray:
        if kernel.type != "gaussian":
            raise InputError(f"start {kernel!r} is no gaussian; give a kernel of the kind that is fitted")
        ndim = len(self.shape)
        parameters = kernel._parameters_for(ndim)
        if "covariance_mm2" not in parameters:
            given = parameters["sigma_mm"] if "sigma_mm" in parameters else np.divide(parameters["fwhm_mm"], FWHM)
            sigmas = np.broadcast_to(np.asarray(given, dtype=float), ndim)
            return self._pack(np.maximum(sigmas, _LEAST_SIGMA * self.spacing))
        return self._pack(np.sqrt(np.diag(parameters["covariance_mm2"])), np.array(parameters["covariance_mm2"]))

    def _pack(self, sigmas: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
        sigmas = np.maximum(sigmas, 1.01 * _LEAST_SIGMA * self.spacing)
        if self.form == "isotropic":
            return np.array([math.log(np.exp(np.mean(np.log(sigmas))))])
        if self.form == "axes":
            return np.log(sigmas)
        factor = np.linalg.cholesky(np.diag(sigmas**2) if covariance is None else covariance)
        q = factor[self.lower]
        diagonal = self.lower[0] == self.lower[1]
        q[diagonal] = np.log(q[diagonal])
        return q

    def _covariance(self, q: np.ndarray) -> np.ndarray:
        if self.form != "full":
            return np.diag(np.broadcast_to(np.exp(2 * q), len(self.shape)))
        factor = np.zeros((len(self.shape),) * 2)
        diagonal = self.lower[0] == self.lower[1]
        factor[self.lower] = np.where(diagonal, np.exp(np.where(diagonal, q, 0.0)), q)
        return factor @ factor.T

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        least, most = np.log(_LEAST_SIGMA * self.spacing), math.log(4 * self.reach)
        if self.form == "isotropic":
            return np.array([least.max()]), np.array([most])
        if self.form == "axes":
            return least, np.full(self.count, most)
        diagonal = self.lower[0] == self.lower[1]
        low = np.where(diagonal, math.log(_LEAST_SIGMA * self.step), -4 * self.reach)
        return low, np.where(diagonal, most, 4 * self.reach)

    def model(self, q: np.ndarray, shift: np.ndarray) -> np.ndarray:
        if self.form == "full":
            inverse = np.linalg.inv(self._covariance(q))
            points = np.stack(np.meshgrid(*self._shifted(shift), indexing="ij"), axis=-1)
            values = np.exp(-0.5 * np.einsum("...a,ab,...b->...", points, inverse, points))
            if self.radii is not None:
                for axis, (n, radius) in enumerate(zip(self.shape, self.radii, strict=True)):
                    far = np.abs(np.arange(n) - n // 2) > radius
                    values[(slice(None),) * axis + (far,)] = 0
        else:
            sigmas = np.broadcast_to(np.exp(q), len(self.shape))
            values = np.ones(())
            for axis, (x, sigma) in enumerate(zip(self._shifted(shift), sigmas, strict=True)):
                profile = np.exp(-0.5 * (x / sigma) ** 2)
                if self.radii is not None:
                    profile[np.abs(np.arange(x.size) - x.size // 2) > self.radii[axis]] = 0
                values = np.multiply.outer(values, profile)
        total = values.sum()
        return values / total if total > 0 else values

    def _shifted(self, shift: np.ndarray) -> list[np.ndarray]:
        return [axis - s for axis, s in zip(self.axes, shift, strict=True)]

    def settle(self, q: np.ndarray) -> bool:
        sigmas = np.sqrt(np.diag(self._covariance(q)))
        # The slack decides for the larger of two cut-offs where sigma lies between them to a thousandth of a voxel.
        radii = [int(TRUNCATE * s / h + 0.501) for s, h in zip(sigmas, self.spacing, strict=True)]
        radii = [min(r, most) for r, most in zip(radii, self.support, strict=True)]
        changed = radii != self.radii and any(r < n // 2 for r, n in zip(radii, self.shape, strict=True))
        self.radii = radii
        return changed

    def parameters(self, q: np.ndarray) -> np.ndarray:
        covariance = self._covariance(q)
        if self.form == "full":
            return covariance.ravel()
        return np.sqrt(np.diag(covariance))

    def words(self, values: np.ndarray) -> dict[str, Any]:
        ndim = len(self.shape)
        if self.form == "full":
            matrix = np.pad(values.reshape(ndim, ndim), (1, 0)) if self.flat else values.reshape(ndim, ndim)
            return {"covariance_mm2": matrix.tolist()}
        if self.form == "isotropic" and ndim == 3:
            return {"sigma_mm": float(values[0])}
        return {"sigma_mm": [0.0] * self.flat + [float(v) for v in values]}

    def warnings(self, q: np.ndarray) -> list[str]:
        sigmas = np.sqrt(np.diag(self._covariance(q)))
        names = ("k", "j", "i")[-len(self.shape) :]
        warnings = [
            f"sigma on axis {name} is {s:.3g} mm, a fraction of the voxel ({h:.3g} mm): hardly determined"
            for name, s, h in zip(names, sigmas, self.spacing, strict=True)
            if s < 0.35 * h
        ]
        warnings += [
            f"the kernel's {n} voxels on axis {name} end at {n * h / 2 / s:.1f} sigma: give a larger kernel"
            for name, n, s, h in zip(names, self.shape, sigmas, self.spacing, strict=True)
            if n * h / 2 < 1.5 * s
        ]
        return warnings


class _Motion(Family):
    """Free: the vector of the motion in mm, which has no singular length or angle."""

    type = "motion"

    def __init__(self, shape: tuple[int, ...], spacing: Sequence[float]):
        super().__init__(shape, spacing)
        self.count = len(shape)

    def starts(self) -> Iterator[np.ndarray]:
        lengths = np.linspace(self.step, 2 * self.reach, 10)
        most = np.array(self.shape) * self.spacing
        for length, direction in itertools.product(lengths, _half_sphere(len(self.shape))):
            if np.all(np.abs(length * direction) < most):
                yield length * direction

    def from_kernel(self, kernel: ParametricKernel) -> np.ndarray:
        if kernel.type != "motion":
            raise InputError(f"start {kernel!r} is no motion; give a kernel of the kind that is fitted")
        parameters = kernel._parameters_for(len(self.shape))
        if "direction" in parameters:
            unit = np.array(parameters["direction"], dtype=float)
        else:
            angle = math.radians(parameters["angle_deg"])
            unit = np.array([math.sin(angle), math.cos(angle)])
        if unit.size != len(self.shape):
            raise InputError(f"start {kernel!r} is {unit.size}-D, the image {len(self.shape)}-D")
        return parameters["length_mm"] * unit / np.linalg.norm(unit)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        most = np.array(self.shape) * self.spacing  # the line stays within the grid
        return -most, most

    def model(self, q: np.ndarray, shift: np.ndarray) -> np.ndarray:
        vector = np.where(np.abs(q / self.spacing) < 1e-12, 0.0, q / self.spacing)
        return line_shares(vector, shift / self.spacing, self.shape)

    def parameters(self, q: np.ndarray) -> np.ndarray:
        """Length; and the angle in degrees (0 ... 180), or the direction, whose largest component is positive."""
        length = float(np.linalg.norm(q))
        if q.size == 2 and not self.flat:
            angle = math.degrees(math.atan2(q[0], q[1]))
            return np.array([length, angle])
        unit = q / length if length > 0 else np.eye(q.size)[-1]
        unit = np.concatenate([np.zeros(3 - unit.size), unit])
        return np.concatenate([[length], unit * np.sign(unit[np.abs(unit).argmax()])])

    def words(self, values: np.ndarray) -> dict[str, Any]:
        if values.size == 2:
            return {"length_mm": float(values[0]), "angle_deg": float(values[1])}
        return {"length_mm": float(values[0]), "direction": [float(v) for v in values[1:]]}

    def kernel(self, q: np.ndarray) -> ParametricKernel:
        values = self.parameters(q)
        if values.size == 2:
            values[1] = values[1] % 180.0
            if values[1] >= 180.0 - 1e-9:
                values[1] = 0.0
        return ParametricKernel(self.type, **self.words(values))

    def warnings(self, q: np.ndarray) -> list[str]:
        if np.linalg.norm(q / self.spacing) < 1:
            return ["the motion is shorter than a voxel: its angle is hardly determined"]
        if np.any(np.abs(q) > 0.99 * np.array(self.shape) * self.spacing):
            return [f"the motion is as long as the kernel {self.shape}: give a larger kernel"]
        return []


class _Ball(Family):
    """Free: the logarithm of the radius of a disk (2-D) or ball (3-D)."""

    count = 1

    def __init__(self, shape: tuple[int, ...], spacing: Sequence[float], type: str):
        super().__init__(shape, spacing)
        self.type = type
        self.faces = [(np.arange(n + 1) - n // 2 - 0.5) * h for n, h in zip(shape, spacing, strict=True)]

    def starts(self) -> Iterator[np.ndarray]:
        for radius in np.linspace(0.5 * self.step, 1.2 * self.reach, 24):
            yield np.array([math.log(radius)])

    def from_kernel(self, kernel: ParametricKernel) -> np.ndarray:
        if kernel.type != self.type:
            raise InputError(f"start {kernel!r} is no {self.type}; give a kernel of the kind that is fitted")
        return np.array([math.log(max(kernel.parameters["radius_mm"], 0.5 * self.step))])

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array([math.log(0.3 * self.step)]), np.array([math.log(4 * self.reach)])

    def model(self, q: np.ndarray, shift: np.ndarray) -> np.ndarray:
        radius = float(np.exp(q[0]))
        values = ball_shares(radius, [faces - s for faces, s in zip(self.faces, shift, strict=True)])
        volume = math.pi * radius**2 * (1.0 if len(self.shape) == 2 else 4 / 3 * radius)
        return values / volume

    def parameters(self, q: np.ndarray) -> np.ndarray:
        return np.exp(q)

    def words(self, values: np.ndarray) -> dict[str, Any]:
        return {"radius_mm": float(values[0])}

    def warnings(self, q: np.ndarray) -> list[str]:
        warnings = []
        if np.exp(q[0]) < 0.6 * self.step:
            warnings.append(f"the {self.type} is smaller than a voxel: its radius is hardly determined")
        if self.flat:
            warnings.append("a disk lies in the slices of a volume: filter slice by slice")
        return warnings


def family_of(type: str, form: str, shape: tuple[int, ...], spacing: Sequence[float], flat: bool = False) -> Family:
    """The family of a kind of kernel on a grid; `flat` for a plane that is a slice of a 3-D image.

    Raises
    ------
    InputError
        If type or form are unknown, or it is a kind of another dimension.
    """
    family = _family(type, form, shape, spacing)
    family.flat = flat
    return family


class InSlices:
    """A family of the plane on a grid of one slice: what pairs of 3-D images with a blur within slices need."""

    def __init__(self, plane: Family, thickness: float):
        plane.flat = True
        self.plane = plane
        self.shape = (1, *plane.shape)
        self.spacing = np.concatenate([[thickness], plane.spacing])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plane, name)

    @property
    def radii(self) -> list[int] | None:
        return self.plane.radii

    @radii.setter
    def radii(self, radii: list[int] | None) -> None:
        self.plane.radii = radii

    def model(self, q: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return self.plane.model(q, shift[1:])[None]

    def from_kernel(self, kernel: ParametricKernel) -> np.ndarray:
        return self.plane.from_kernel(kernel)


def family_on(type: str, form: str, shape: tuple[int, ...], spacing: Sequence[float]) -> Family | InSlices:
    """The family on a grid; on one of a single slice, the family of the plane within it."""
    if len(shape) == 3 and shape[0] == 1:
        return InSlices(family_of(type, form, shape[1:], spacing[1:], flat=True), float(spacing[0]))
    return family_of(type, form, shape, spacing)


def _family(type: str, form: str, shape: tuple[int, ...], spacing: Sequence[float]) -> Family:
    check_choice(type, FITTED_KINDS, "type")
    check_choice(form, FORMS, "form")
    if type != "gaussian" and form != "isotropic":
        raise InputError(f"form {form!r} is for Gaussians; with type {type!r} leave it out")
    if type == "gaussian":
        return Gaussian(shape, spacing, form)
    if type == "motion":
        return _Motion(shape, spacing)
    if (type == "disk") != (len(shape) == 2):
        other = "ball" if type == "disk" else "disk"
        raise InputError(f"a {type} is {2 if type == 'disk' else 3}-D, the kernel {len(shape)}-D; fit a {other}")
    return _Ball(shape, spacing, type)


def _half_sphere(ndim: int) -> list[np.ndarray]:
    """Unit vectors about 15 degrees apart over half of all directions."""
    if ndim == 2:
        return [np.array([math.sin(a), math.cos(a)]) for a in np.arange(0, math.pi, math.pi / 16)]
    count = 90  # a spiral over the half sphere
    z = (np.arange(count) + 0.5) / count
    turn = np.arange(count) * math.pi * (3 - math.sqrt(5))
    ring = np.sqrt(1 - z**2)
    spiral = np.stack([z, ring * np.sin(turn), ring * np.cos(turn)], axis=1)
    return [*np.eye(3), *spiral]
