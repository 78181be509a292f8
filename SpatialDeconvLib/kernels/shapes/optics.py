"""Light near the focus of a microscope: scalar wavefronts and the intensity that they make.

A wavefront says how much longer the path of light through a part of the aperture is than through its middle. The
part is named by s = n sin(angle), 0 on the axis and the numerical aperture at the rim. With J0 the Bessel function,

    U(r, z) = integral from 0 to a of J0(2 pi s r / lambda) exp(2 pi i OPD(s, z) / lambda) s ds
    I(r, z) = 4 pi / (lambda a)^2 |U(r, z)|^2

integrates to 1 over every plane z (Parseval); a is the aperture that light passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from ...errors import InputError, check_number
from .quadrature import legendre

_NM = 1e-6  # in mm
_LIGHT = (1.0, 1e6)  # nm: from soft X-rays to the far infrared
_MOST = 2048  # nodes in the aperture


class Wavefront(Protocol):
    """What the light of a point looks like in the aperture."""

    @property
    def wavelength(self) -> float:
        """In mm."""

    @property
    def aperture(self) -> float:
        """The largest s that light passes."""

    @property
    def index(self) -> float:
        """The refractive index where the focus is moved."""

    def path(self, s: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The optical path difference in mm, shape (z.size, s.size), with the focus z mm farther in the sample."""

    def blur(self) -> float:
        """How far along the axis, in mm, the parts of the aperture have their foci from z = 0."""


@dataclass(frozen=True)
class BornWolf:
    """A lens without aberrations, for small angles: OPD = -s^2 z / (2 n).

    M. Born, E. Wolf, "Principles of Optics", 7th edition, Cambridge University Press, 1999, section 8.8.
    """

    na: float
    wavelength_nm: float
    immersion_index: float = 1.515

    def __post_init__(self) -> None:
        _check(self)
        _check_aperture(self.na, self.immersion_index)

    @property
    def wavelength(self) -> float:
        return self.wavelength_nm * _NM

    @property
    def aperture(self) -> float:
        return self.na

    @property
    def index(self) -> float:
        return self.immersion_index

    def path(self, s: np.ndarray, z: np.ndarray) -> np.ndarray:
        return -0.5 / self.immersion_index * np.multiply.outer(z, s**2)

    def blur(self) -> float:
        return 0.0


@dataclass(frozen=True)
class GibsonLanni:
    """A lens that is used under other conditions than it was made for, at any angle.

    Light from a point `depth_mm` below the coverslip passes sample, coverslip and immersion medium. A layer of
    thickness t and index n adds t sqrt(n^2 - s^2) to the path; what the lens was made for (the design values) is
    subtracted. z = 0 is where the lens focuses the point for small angles; z grows into the sample, as the lens
    comes nearer. Design values that are None are as the actual ones.

    S. F. Gibson, F. Lanni, "Experimental test of an analytical model of aberration in an oil-immersion
    objective lens used in three-dimensional light microscopy", Journal of the Optical Society of America A 9(1),
    154-166, 1992.
    """

    na: float
    wavelength_nm: float
    immersion_index: float = 1.515
    immersion_index_design: float | None = None
    sample_index: float = 1.33
    coverslip_index: float = 1.515
    coverslip_index_design: float | None = None
    coverslip_mm: float = 0.17
    coverslip_design_mm: float | None = None
    working_distance_mm: float = 0.15
    depth_mm: float = 0.0

    def __post_init__(self) -> None:
        _check(self)
        _check_aperture(self.na, self.immersion_index)
        if self._immersion() < 0:
            raise InputError(
                f"at depth_mm {self.depth_mm:g} a lens of working_distance_mm {self.working_distance_mm:g} would "
                "have to go through the coverslip; check that all lengths are in mm"
            )

    @property
    def wavelength(self) -> float:
        return self.wavelength_nm * _NM

    @property
    def aperture(self) -> float:
        return min(self.na, *(n for n, _ in self._layers(0.0)))

    @property
    def index(self) -> float:
        return self.immersion_index

    def path(self, s: np.ndarray, z: np.ndarray) -> np.ndarray:
        still = sum(t * _root(n, s) for n, t in self._layers(self._immersion()))
        return still - np.multiply.outer(z, _root(self.immersion_index, s))

    def blur(self) -> float:
        s = np.linspace(0.0, 0.9 * self.aperture, 64)  # the very rim may have its focus anywhere
        still = sum(t / _root(n, s) for n, t in self._layers(self._immersion()))
        return float(np.abs(still * _root(self.immersion_index, s)).max())

    def _layers(self, immersion: float) -> list[tuple[float, float]]:
        """Index and thickness of every layer; those of the design count as negative."""
        return [
            (self.sample_index, self.depth_mm),
            (self.coverslip_index, self.coverslip_mm),
            (
                _first(self.coverslip_index_design, self.coverslip_index),
                -_first(self.coverslip_design_mm, self.coverslip_mm),
            ),
            (self.immersion_index, immersion),
            (_first(self.immersion_index_design, self.immersion_index), -self.working_distance_mm),
        ]

    def _immersion(self) -> float:
        """How thick the immersion medium is when the point is in focus for small angles."""
        return -self.immersion_index * sum(t / n for n, t in self._layers(0.0))


def intensity(wavefront: Wavefront, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return I(r, z) of the module's description, in 1 / mm^2, shape (r.size, z.size).

    Parameters
    ----------
    wavefront : BornWolf or GibsonLanni
    r, z : ndarray
        Distances from the axis, and of the focus, in mm.

    Raises
    ------
    InputError
        If the wavefront differs by thousands of wavelengths: a length is not in mm.
    """
    from scipy import special  # here, because the command must not wait for it

    aperture, wave = wavefront.aperture, 2 * math.pi / wavefront.wavelength
    coarse = wave * wavefront.path(np.linspace(0.0, aperture, 257), np.array([z.min(), z.max()]))
    phase = float(np.abs(np.diff(coarse, axis=1)).sum(axis=1).max()) + wave * aperture * float(r.max())
    count = math.ceil(32 + 0.75 * phase)
    if count > _MOST:
        raise InputError(
            f"light from the rim of the lens differs by {phase / (2 * math.pi):.0f} wavelengths from that of its "
            "middle; check that all lengths are in mm, the wavelength in nm"
        )
    x, weights = legendre(count)
    angle = (x + 1) * math.pi / 4
    s = aperture * np.sin(angle)  # smooth at the rim, too, where roots of n^2 - s^2 are not
    weights = weights * math.pi / 4 * aperture * np.cos(angle) * s
    waves = np.exp(1j * wave * wavefront.path(s, z)) * weights
    amplitude = special.j0(wave * np.multiply.outer(r, s)) @ waves.T
    scale = 4 * math.pi / (wavefront.wavelength * aperture) ** 2
    return scale * (amplitude.real**2 + amplitude.imag**2)


def _first(design: float | None, actual: float) -> float:
    return actual if design is None else design


def _root(index: float, s: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(index**2 - s**2, 0.0))


def _check(wavefront: BornWolf | GibsonLanni) -> None:
    """Refuse what no microscope has; keep numbers."""
    for field in fields(wavefront):
        if getattr(wavefront, field.name) is None and field.default is None:  # as the actual one
            continue
        number = check_number(getattr(wavefront, field.name), field.name, 0.0)
        if number == 0 and not field.name.endswith("_mm"):
            raise InputError(f"{field.name} 0 must be greater than 0")
        if "index" in field.name and number < 1:
            raise InputError(f"{field.name} {number:g} must be at least 1, the index of a vacuum")
        if field.name == "wavelength_nm":
            check_wavelength(number, field.name)
        object.__setattr__(wavefront, field.name, number)


def check_wavelength(value: float, name: str) -> None:
    """Refuse a wavelength that no microscope's light has: mostly one in another unit.

    Raises
    ------
    InputError
    """
    number = check_number(value, name, 0.0)
    shortest, longest = _LIGHT
    if shortest <= number <= longest:
        return
    in_nm = {"m": number * 1e9, "mm": number * 1e6, "um": number * 1e3}
    likely = [(unit, nm) for unit, nm in in_nm.items() if 100 <= nm <= 2e3]
    meant = f"; {number:g} {likely[0][0]} are {likely[0][1]:g} nm" if likely else ""
    raise InputError(f"{name} {number:g} nm is no light's; give it in nm, {shortest:g} to {longest:g}{meant}", name)


def _check_aperture(na: float, index: float) -> None:
    if na > index:
        raise InputError(
            f"na {na:g} is greater than the immersion medium's index {index:g}; give that medium's immersion_index "
            "(air 1, water 1.33, oil 1.515), or a smaller na"
        )
