"""Kernels from one volume of beads, an edge or a slit, without Qt: what is asked for, missing and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from . import kernelrows
from .model import _, inPanelWords

#: What kernels are measured from, by their words.
PAIR, POINTS, EDGE, SLIT = SOURCES = ("pair", "points", "edge", "slit")

_FEW = 4  # kernels of which each has a line


def sourceLabel(source: str) -> str:
    """Return what kernels are measured from, for the combo box."""
    return {
        PAIR: _("A sharp and a blurred volume"),
        POINTS: _("Beads, stars or other points"),
        EDGE: _("A straight edge, slanted"),
        SLIT: _("A slit or wire, slanted"),
    }[source]


def shownFields(source: str, several: bool, one: bool) -> set[str]:
    """Return the fields of the section that are shown.

    Parameters
    ----------
    source : str
        One of `SOURCES`.
    several : bool
        Whether there are several zones.
    one : bool
        Whether one kernel is measured from a pair of volumes.
    """
    if source == PAIR:
        pair = {"originalVolume", "blurredVolume", "target", "size", "constraint", "allow"}
        return pair | ({"method"} if one else set())
    own = {POINTS: {"zones", "bead"} | ({"degree"} if several else set()), EDGE: set(), SLIT: {"slit"}}
    return {"volume", "ownSize", *own[source]}


@dataclass(frozen=True)
class OneVolume:
    """What is measured from one volume; `measure` does it.

    Attributes
    ----------
    source : {"points", "edge", "slit"}
    volume : vtkMRMLScalarVolumeNode
    mask : see `selections.maskArray`
    size : int
        Voxels of a kernel along each axis; 1: as many as the blur needs.
    zones : tuple of int
        Parts along (k, j, i), for points.
    degree : int
        Of the polynomial of the place, 0 for none.
    beadDiameter : float
        In µm.
    slitWidth : float
        In mm.
    """

    source: str
    volume: Any
    mask: Any = None
    resample: bool = False
    size: int = 1
    zones: tuple[int, ...] = (1, 1, 1)
    degree: int = 0
    beadDiameter: float = 0.0
    slitWidth: float = 0.0

    def measure(self, progress, cancelled) -> Any:
        """Return the engine's PointSpreads or EdgeSpread."""
        from ..mrml import measuring  # here, because everything else works without a scene

        given = {"mask": self.mask, "resample": self.resample, "progress": progress, "cancelled": cancelled}
        given["size"] = "auto" if self.size == 1 else self.size
        if self.source == POINTS:
            smooth = self.degree if self.degree and max(self.zones) > 1 else None
            bead = self.beadDiameter / 1000
            return measuring.kernelsFromPoints(
                self.volume, zones=self.zones, degree=smooth, bead_diameter_mm=bead, **given
            )
        if self.source == SLIT:
            given["slit_width_mm"] = self.slitWidth
        return measuring.kernelFromEdge(self.volume, self.source, **given)


def whatIsMissing(wanted: OneVolume) -> str:
    """Return one sentence saying why a measurement from one volume cannot start, or "" when it can."""
    if wanted.volume is not None:
        return ""
    return {
        POINTS: _("Choose the volume that shows the points."),
        EDGE: _("Choose the volume that shows the edge."),
        SLIT: _("Choose the volume that shows the slit."),
    }[wanted.source]


def fieldOf(found: Any) -> KernelField:
    """Return the kernels of a measurement as a field."""
    return found.field if hasattr(found, "field") else KernelField.uniform(found.kernel)


def rowsOf(
    found: Any, name: str, makeVolume: Callable[[Kernel, str], Any]
) -> tuple[str, list[kernelrows.KernelRow]]:
    """Return the key of the table and its rows, whose kernels become volumes named after the measured one."""
    field = fieldOf(found)
    return field.key, kernelrows.rowsFromField(field, makeVolume, _("{name} kernel").format(name=name))


def measuredText(found: Any, elsewhere: str = "") -> str:
    """Return the status lines of a finished measurement: what it rests on, each kernel if they are few, warnings.

    Parameters
    ----------
    found : PointSpreads or EdgeSpread
    elsewhere : str
        Name of the measured volume, where its grid is not that of the volume that the kernels are for.
    """
    lines: Sequence[str] = found.lines()
    texts = [found.headline(), *(lines if len(lines) <= _FEW else []), *map(inPanelWords, found.warnings)]
    if elsewhere and fieldOf(found).key == "position":
        text = _("positions are mm from the first voxel of {name}, whose grid is another than the input's")
        texts.append(text.format(name=elsewhere))
    return "\n".join(text[:1].upper() + text[1:] + "." for text in texts)
