"""Measured kernels, and what there is to say about them: in lines, for a recipe, and for a figure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from .fits import KernelFit, SmoothGaussians
from .record import Estimate


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Kernels that were measured, and what there is to say about them.

    Attributes
    ----------
    field : KernelField
        What is written.
    values : KernelField or None
        The free kernels; None where parameters were fitted to the images directly.
    estimate : Estimate or None
        Of the free kernels.
    fits : tuple of KernelFit or None
        One per kernel that was asked for, where parameters were fitted.
    at : tuple
        What these kernels belong to.
    smooth : SmoothGaussians or None
    original, blurred : ndarray
        The images, without a slice axis where there is one slice.
    spacing : tuple of float
        Their voxel size in mm per axis.
    predicted : ndarray
        The original, blurred with `field`, times gain plus offset.
    counted : ndarray of bool
        Where it was compared with the blurred image.
    noise, residual, gain, offset : float
        Residual: of `field`, in units of the noise.
    names : (str, str)
        What the two images are called.
    origin : {"upper", "lower"}
        Where row j = 0 is to be shown: below, where j runs towards anterior or superior.
    """

    field: KernelField
    values: KernelField | None
    estimate: Estimate | None
    fits: tuple[KernelFit | None, ...] | None
    at: tuple[Any, ...]
    smooth: SmoothGaussians | None
    original: np.ndarray
    blurred: np.ndarray
    spacing: tuple[float, ...]
    predicted: np.ndarray
    counted: np.ndarray
    noise: float
    residual: float
    gain: float
    offset: float
    shift: tuple[float, ...]
    seconds: float
    names: tuple[str, str]
    origin: str = "upper"
    warnings: list[str] = dataclasses.field(default_factory=list)

    def headline(self) -> str:
        """One line about the whole."""
        count = len(self.field.kernels)
        sizes = {k.shape for k in self.field.kernels if isinstance(k, Kernel)}
        what = f"{count} kernel{'s' * (count != 1)}"
        if sizes:
            what += f" of {'x'.join(map(str, sizes.pop()))} voxels"
        facts = [what, f"{self.seconds:.1f} s", f"noise {self.noise:.4g}"]
        facts.append(f"residual {self.residual:.3g} (about 1 when the kernels explain the blurred image)")
        if self.gain != 1:
            facts.append(f"gain {self.gain:.5g}")
        if self.offset != 0:
            facts.append(f"offset {self.offset:.4g}")
        if any(self.shift):
            facts.append(f"displacement {', '.join(f'{s:.3f}' for s in self.shift)} mm")
        return ", ".join(facts)

    def lines(self) -> list[str]:
        """One line per kernel."""
        lines = []
        for number, at in enumerate(self.at):
            facts = []
            if self.estimate is not None:
                uncertainty = float(np.ravel(self.estimate.uncertainty)[number])
                facts.append(
                    f"uncertain by {100 * uncertainty:.2g} %" if np.isfinite(uncertainty) else "no evidence"
                )
            if self.estimate is not None and self.estimate.share is not None:
                facts.append(f"{self.estimate.share[number]:.1%} of the evidence")
            if self.fits is not None:
                fit = self.fits[number]
                facts.append("not fitted" if fit is None else fit.describe())
            if self.smooth is not None:
                sigma = np.ravel(self.smooth.sigma(np.array([at], dtype=float)))
                facts.append(f"smooth sigma {' x '.join(f'{s:.4g}' for s in sigma)} mm")
            lines.append(f"{place_text(self.field.key, at):14} {', '.join(facts)}")
        return lines

    def summary(self) -> dict[str, Any]:
        """What a recipe keeps of the result."""
        content: dict[str, Any] = {
            "residual": self.residual, "noise": self.noise, "gain": self.gain, "offset": self.offset,
            "shift_mm": self.shift, "warnings": self.warnings, "seconds": self.seconds,
        }  # fmt: skip
        if self.estimate is not None:
            names = ("regularization", "iterations", "condition", "uncertainty", "determined", "share")
            content |= {name: getattr(self.estimate, name) for name in names}
            content["residual_of_values"] = self.estimate.residual
        if self.fits is not None:
            content["fits"] = [
                {"at": at, "type": fit.kernel.type, **fit.parameters, "errors": fit.errors, "misfit": fit.misfit}
                for at, fit in zip(self.at, self.fits, strict=True)
                if fit is not None
            ]
        if self.smooth is not None:
            content["smooth"] = self.smooth.how
        return content


def place_text(key: str, at: Any) -> str:
    """What a kernel belongs to, in a few words."""
    if key == "uniform":
        return "kernel"
    if key == "position":
        return "at " + ", ".join(f"{v:.4g}" for v in at) + " mm"
    return f"level {at:g}" if key == "intensity" else f"{key} {at}"
