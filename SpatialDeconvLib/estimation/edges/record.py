"""What a measurement from an edge or a slit returns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ...kernels.kernel import Kernel


@dataclass(frozen=True, kw_only=True, eq=False)
class EdgeSpread:
    """A kernel and the MTF measured from an edge or a slit.

    Attributes
    ----------
    kernel : Kernel
        Rotationally symmetric in mm, of sum 1: goes wherever a kernel goes.
    target : {"edge", "slit"}
    axis : {"k", "j", "i"}
        The axis of the image that the line crosses.
    tilt_deg : float
        Angle between the line and the rows of voxels.
    distance, profile, fitted_profile : ndarray
        Across the line, in mm and image units: the edge spread, or a slit's line spread, in bins of an eighth of a
        voxel; and the sum of Gaussians.
    spread_distance, spread, fitted_spread : ndarray
        The line spread in 1/mm at distances in mm, measured (the profile's derivative) and fitted.
    frequency, mtf, fitted_mtf : ndarray
        Frequencies in 1/mm from 0 to 1 / voxel size, twice what voxels can show; the modulation transfer function,
        measured and fitted. 1 at frequency 0.
    nyquist : float
        The highest frequency in 1/mm that voxels can show across the line.
    sigmas_mm, shares : tuple of float
        The Gaussians whose sum the kernel is.
    full_width : float
        Full width at half maximum of the line spread in mm.
    contrast : float
        Height of the edge in image units; of a slit, the integral across it.
    residual : float
        What the sum of Gaussians leaves of the profile, in units of the noise: about 1 when it explains it.
    misfit : float
        The same relative to the height of the profile.
    warnings : list of str
    """

    kernel: Kernel
    target: str
    axis: str
    tilt_deg: float
    distance: np.ndarray
    profile: np.ndarray
    fitted_profile: np.ndarray
    spread_distance: np.ndarray
    spread: np.ndarray
    fitted_spread: np.ndarray
    frequency: np.ndarray
    mtf: np.ndarray
    fitted_mtf: np.ndarray
    nyquist: float
    sigmas_mm: tuple[float, ...]
    shares: tuple[float, ...]
    full_width: float
    contrast: float
    residual: float
    misfit: float
    warnings: list[str] = dataclasses.field(default_factory=list)

    def frequency_at(self, level: float) -> float:
        """The frequency in 1/mm at which the fitted MTF falls below a level; NaN where it does not fall so far."""
        below = np.flatnonzero(self.fitted_mtf < level)
        if not below.size:
            return float("nan")
        n = int(below[0])
        if n == 0:
            return float(self.frequency[0])
        high, low = self.fitted_mtf[n - 1], self.fitted_mtf[n]
        return float(self.frequency[n - 1] + (high - level) / (high - low) * np.diff(self.frequency)[n - 1])

    def headline(self) -> str:
        """One line about the whole."""
        size = "x".join(map(str, self.kernel.shape))
        line = "an edge" if self.target == "edge" else "a slit"
        return (
            f"1 kernel of {size} voxels from {line} across axis {self.axis}, tilted {self.tilt_deg:.2f} degrees, "
            f"leaves {self.misfit:.2%} of its height"
        )

    def lines(self) -> list[str]:
        """What was measured, a line each."""
        at = ", ".join(f"{level:.0%} at {self._frequency_text(level)}" for level in (0.5, 0.2, 0.1))
        return [
            f"line spread: FWHM {self.full_width:.4g} mm",
            f"MTF: {at}; {self._mtf_at_nyquist():.1%} at Nyquist's {self.nyquist:.4g} / mm",
        ]

    def _frequency_text(self, level: float) -> str:
        found = self.frequency_at(level)
        return f"{found:.4g} / mm" if np.isfinite(found) else f"more than {self.frequency[-1]:.4g} / mm"

    def _mtf_at_nyquist(self) -> float:
        return float(np.interp(self.nyquist, self.frequency, self.fitted_mtf))
