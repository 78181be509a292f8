"""Curves in Slicer plots: what kernels pass and how they look, in 1/mm and mm; an edge's MTF; how well they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..estimation.edges import EdgeSpread
from ..estimation.points import PointSpreads
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..mrml.scene import ensureScene
from ..report.pixels import kernel_colours
from ..run.residuals import KernelResidual, ResidualMap
from .plotnodes import addNode, fillTable, rgb

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


_LONGEST_LEGEND = 12
_ALIKE = 0.01  # curves along two axes that differ by less are drawn as one
_DARK = "#606060"


@dataclass(frozen=True)
class Curve:
    """A line of a plot: points (x, y) of a name and a CSS colour, perhaps dashed or with markers."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    dashed: bool = False
    marked: bool = False


@dataclass(frozen=True)
class CurvePlot:
    """What a plot shows."""

    title: str
    xTitle: str
    yTitle: str
    curves: list[Curve]


def mtfPlot(field: KernelField, spacing: Sequence[float]) -> CurvePlot:
    """Return what every kernel passes of each spatial frequency along i and, where that differs, along j (dashed).

    `spacing` is the image's voxel size in mm in the order of its axes (two of a single slice), on whose grid the
    kernels are taken.
    """
    title = _("What the kernels pass (MTF)")
    return CurvePlot(title, _("Spatial frequency (1/mm)"), _("Modulation"), _curves(field, spacing, Kernel.mtf))


def profilePlot(field: KernelField, spacing: Sequence[float]) -> CurvePlot:
    """Return the line spread function of every kernel along i and, where that differs, along j (dashed)."""
    title = _("Profiles of the kernels")
    return CurvePlot(title, _("Distance (mm)"), _("Weight per mm"), _curves(field, spacing, Kernel.profile))


def _curves(field: KernelField, spacing: Sequence[float], curveOf) -> list[Curve]:
    curves = []
    colours = kernel_colours(len(field.kernels))
    for at, kernel, colour in zip(field.at, field.kernels, colours, strict=True):
        sampled = kernel.sampled(spacing)
        name = _("everywhere") if field.key == "uniform" else _placeText(at)
        i, j = (curveOf(sampled, axis) for axis in (-1, -2))
        alike = i[1].shape == j[1].shape and np.abs(i[1] - j[1]).max() <= _ALIKE * np.abs(i[1]).max()
        curves.append(Curve(name if alike else _("{name}, along i").format(name=name), *i, colour))
        if not alike:
            curves.append(Curve(_("{name}, along j").format(name=name), *j, colour, dashed=True))
    return curves


def measuredPlot(found: PointSpreads | EdgeSpread) -> CurvePlot:
    """Return the MTF of kernels that were measured from one volume.

    From an edge or slit: the measured one, that of the kernel, and the frequency of Nyquist.
    """
    if not isinstance(found, EdgeSpread):
        return mtfPlot(found.field, found.field.kernels[0].spacing)
    colours = kernel_colours(2)
    ends = np.full(2, found.nyquist), np.array([0.0, 1.0])
    curves = [
        Curve(_("measured"), found.frequency, found.mtf, colours[0]),
        Curve(_("of the kernel"), found.frequency, found.fitted_mtf, colours[1], dashed=True),
        Curve(_("the highest that voxels show"), *ends, _DARK, dashed=True),
    ]
    return CurvePlot(_("Measured MTF"), _("Spatial frequency (1/mm)"), _("Modulation"), curves)


def residualPlot(maps: Sequence[ResidualMap]) -> CurvePlot:
    """Return how well every kernel fits, against its level or, of other keys, its number; see `KernelResidual`."""
    found = [kernel for each in maps for kernel in each.kernels]
    levels = [kernel.at for kernel in found]
    numeric = all(isinstance(at, int | float) for at in levels)
    x = np.array(levels if numeric else range(1, len(found) + 1), float)
    unit = _("in units of the noise") if maps[0].in_noise else _("in units of the image")
    colour = kernel_colours(1)[0]
    curves = [
        Curve(_("root mean square"), x, np.array([kernel.rms for kernel in found]), colour, marked=True),
        Curve(_("at the worst place"), x, np.array([k.worst_rms for k in found]), "#c83e58", marked=True),
    ]
    if maps[0].in_noise:
        ends = np.array([x.min(), x.max()]) if x.min() < x.max() else x[:1] + np.array([-0.5, 0.5])
        curves.append(Curve(_("what noise leaves"), ends, np.ones(2), _DARK, dashed=True))
    title = _("What each kernel leaves unexplained")
    return CurvePlot(title, _("Level") if numeric else _("Kernel"), _("Residual, {unit}").format(unit=unit), curves)


def worstOf(maps: Sequence[ResidualMap]) -> KernelResidual:
    """Return the kernel whose worst place is the worst of all."""
    return max((kernel for each in maps for kernel in each.kernels), key=lambda kernel: kernel.worst_rms)


def leastFitOf(maps: Sequence[ResidualMap]) -> KernelResidual:
    """Return the kernel that fits least of all."""
    return max((kernel for each in maps for kernel in each.kernels), key=lambda kernel: kernel.rms)


def residualText(maps: Sequence[ResidualMap], frame: str = "") -> str:
    """Return in words which kernel fits least, and where; `frame`: of which frame of a sequence, if of one."""
    found = [kernel for each in maps for kernel in each.kernels]
    least, worst = leastFitOf(maps), worstOf(maps)
    unit = _("times the noise") if maps[0].in_noise else _("image units")
    text = _(
        "The kernel at {at} fits least: {rms:.3g} {unit}. The worst place is voxel {voxel} (i, j, k): {worst:.3g}."
    )
    if len(found) == 1:
        text = _("The kernel leaves {rms:.3g} {unit}. The worst place is voxel {voxel} (i, j, k): {worst:.3g}.")
    voxel = ", ".join(str(n) for n in worst.worst[::-1])
    text = text.format(at=_placeText(least.at), rms=least.rms, unit=unit, voxel=voxel, worst=worst.worst_rms)
    return f"{frame}: {text}" if frame else text


def _placeText(at) -> str:
    if isinstance(at, tuple):
        return "(" + ", ".join(f"{p:g}" for p in at) + ")"
    return f"{at:g}" if isinstance(at, int | float) else str(at)


def plotCurves(plot: CurvePlot):
    """Return a new plot chart node that shows the curves; `plotnodes.removePlot` takes it away again."""
    scene = ensureScene()
    chart = addNode(scene, "vtkMRMLPlotChartNode", "chart", plot.title)
    table = addNode(scene, "vtkMRMLTableNode", "table", _("{title} table").format(title=plot.title))
    rows = max(curve.x.size for curve in plot.curves)
    columns = []
    for number, curve in enumerate(plot.curves):
        columns += [(f"x{number}", _padded(curve.x, rows)), (f"y{number}", _padded(curve.y, rows))]
    fillTable(table, columns)
    wasModifying = chart.StartModify()
    try:
        for number, curve in enumerate(plot.curves):
            series = addNode(scene, "vtkMRMLPlotSeriesNode", "series", curve.name)
            _fillSeries(series, table, number, curve)
            chart.AddAndObservePlotSeriesNodeID(series.GetID())
        chart.SetTitle(plot.title)
        chart.SetXAxisTitle(plot.xTitle)
        chart.SetYAxisTitle(plot.yTitle)
        chart.SetLegendVisibility(len(plot.curves) <= _LONGEST_LEGEND)
        _setRanges(chart, plot.curves)
    finally:
        chart.EndModify(wasModifying)
    return chart


def _padded(values: np.ndarray, count: int) -> np.ndarray:
    """As long as all columns of a table: what is not a number is not drawn."""
    return np.concatenate([values, np.full(count - values.size, np.nan)])


def _fillSeries(series, table, number: int, curve: Curve) -> None:
    wasModifying = series.StartModify()
    try:
        series.SetName(curve.name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetPlotType(series.PlotTypeScatter)
        series.SetXColumnName(f"x{number}")
        series.SetYColumnName(f"y{number}")
        series.SetMarkerStyle(series.MarkerStyleCircle if curve.marked else series.MarkerStyleNone)
        series.SetLineStyle(series.LineStyleDash if curve.dashed else series.LineStyleSolid)
        series.SetLineWidth(2)
        series.SetColor(*rgb(curve.colour))
    finally:
        series.EndModify(wasModifying)


def _setRanges(chart, curves: Sequence[Curve]) -> None:
    low, high = min(float(c.x.min()) for c in curves), max(float(c.x.max()) for c in curves)
    rim = 0.0 if high > low else 1.0
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(low - rim, high + rim)
    bottom, top = min(0.0, *(float(c.y.min()) for c in curves)), max(float(c.y.max()) for c in curves)
    chart.SetYAxisRangeAuto(False)
    room = 1.3 if any(c.marked for c in curves) else 1.05  # for the legend, which lies where points end
    chart.SetYAxisRange(1.05 * bottom, room * top or 1.0)
