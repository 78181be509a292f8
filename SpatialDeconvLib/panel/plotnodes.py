"""Which kernel applies to how much of the image: the histogram with each kernel's weight drawn over it.

`weightsData` computes the numbers, `plotWeights` puts them into a Slicer plot (table, series and chart nodes, made
without Qt), `weightsPicture` draws them as pixels where there are no plots. The nodes are used again at every call,
are hidden from selectors and are not saved with the scene, unless `keepPlot` says that they are to stay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


from vtkmodules.vtkCommonCore import vtkDoubleArray

from ..errors import InputError
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.shapes import identity_kernel
from ..mrml import nodes, selections
from ..mrml.scene import ensureScene, spacingOf, volumeArray
from ..report.pixels import kernel_colours

PLOT_ATTRIBUTE = "SpatialDeconv.plot"  # on every node of the plot: "chart", "table" or "series"

_BINS = 200
_POINTS = 400  # of the weights' curves, besides the levels themselves
# Voxels that the histogram and the shares are computed from; larger images are thinned out evenly.
_SAMPLE = 2**21
_GREY = (0.55, 0.55, 0.55)
_LONGEST_LEGEND, _LONG_LEGEND = 12, 8  # names; beyond the second number in smaller letters


@dataclass(frozen=True)
class WeightsData:
    """What the plot shows.

    Attributes
    ----------
    key : str
        The key of the kernel field.
    x : ndarray, shape (n,)
        Intensities in rising order; for other keys than "intensity" the number of each kernel.
    histogram : ndarray, shape (n,)
        Square root of the share of voxels at that intensity, relative to the largest. The square root lets small
        structures be seen beside a large background. For other keys: each kernel's share of the voxels.
    weights : ndarray, shape (K, n)
        Each kernel's weight at these intensities; empty for other keys.
    names : list of str
        What each kernel belongs to.
    title, xTitle, yTitle : str
    """

    key: str
    x: np.ndarray
    histogram: np.ndarray
    weights: np.ndarray
    names: list[str]
    title: str
    xTitle: str
    yTitle: str


def weightsData(inputVolume, kernels, guide=None, labels=None, mask=None, resample: bool = False) -> WeightsData:
    """Compute the histogram of the image that chooses, and the weight of every kernel over its intensities.

    The weights are those that the engine computes: interpolation and the rule outside the levels included. For
    kernels keyed by region, position or weight images, the share of the voxels that each kernel has. Only voxels
    inside `mask` count. A vector volume is taken by its first channel.

    Parameters as in `nodes.deconvolveVolume`.

    Raises
    ------
    InputError
        If an argument cannot be used, or no voxel holds a number.
    """
    field = nodes.kernelFieldFrom(kernels)
    array = volumeArray(inputVolume, "inputVolume")
    array = array[..., 0] if array.ndim == 4 else array
    selected = None if mask is None else selections.maskArray(mask, inputVolume, resample)
    if field.key == "intensity":
        values = array if guide is None else selections.guideArray(guide, inputVolume, resample)
        return _byIntensity(field, values, selected)
    if labels is not None:
        field = field.with_labels(*selections.labelArray(labels, inputVolume, resample))
    return _byShare(field, array, spacingOf(inputVolume), selected)


def _byIntensity(field: KernelField, values: np.ndarray, selected: np.ndarray | None) -> WeightsData:
    sample = _thinned(values) if selected is None else values[selected][:: max(1, selected.sum() // _SAMPLE)]
    sample = np.asarray(sample, dtype=float).ravel()
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        raise InputError("the image that chooses the kernels holds no finite voxel to draw a histogram of")
    low, high = _range(sample, field.at)
    counts, edges = np.histogram(sample, _bins(sample, low, high))
    low, high = float(edges[0]), float(edges[-1])
    # Values at the edges of the bins, twice, draw the histogram as steps.
    x = np.unique(
        np.concatenate([np.linspace(low, high, _POINTS), edges, [a for a in field.at if low <= a <= high]])
    )
    heights = np.sqrt(counts / max(counts.max(), 1))
    histogram = heights[np.clip(np.searchsorted(edges, x, side="right") - 1, 0, heights.size - 1)]
    weights, names = _curves(field, x)
    return WeightsData(
        "intensity", x, histogram, weights, names, _("Which kernel applies where"), _("Intensity"),
        _("Weight (grey: voxels, square root)"),
    )  # fmt: skip


def _range(sample: np.ndarray, levels: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest of nearly all values and of the levels, with some space at both ends."""
    low, high = (float(v) for v in np.quantile(sample, (0.0005, 0.9995)))
    low, high = min(low, levels[0]), max(high, levels[-1])
    rim = 0.03 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - rim, high + rim


def _bins(sample: np.ndarray, low: float, high: float) -> np.ndarray:
    """The edges of the histogram's bins; whole numbers lie in their middles, as many in each, or there are gaps."""
    if high - low < 2 or not np.array_equal(sample, np.round(sample)):
        return np.linspace(low, high, _BINS + 1)
    width = max(1, math.ceil((high - low) / _BINS))
    return np.arange(math.floor(low) - 0.5, math.ceil(high) + width, width)


def _curves(field: KernelField, x: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The weight of every kernel at these intensities, as the engine computes it."""
    # Weights do not depend on the kernels, which may be too large, or of a dimension that does not fit.
    stand_in = identity_kernel(1.0, ndim=2)
    outside = "unchanged" if field.outside == "error" else field.outside
    bound = replace(field, kernels=(stand_in,) * len(field.at), outside=outside).bind(x[np.newaxis], 1.0)
    names = [f"{level:g}" for level in field.at]
    if len(bound) > len(names):
        names.append(_("refused") if field.outside == "error" else _("unchanged"))
    return np.stack([bound.weight(k)[0] for k in range(len(bound))]), names


def _byShare(field: KernelField, array: np.ndarray, spacing, selected: np.ndarray | None) -> WeightsData:
    names = [str(at) for at in field.at]
    if field.key == "position":
        names = ["(" + ", ".join(f"{p:g}" for p in at) + ")" for at in field.at]
    if field.key == "uniform":
        shares = [1.0]
        names = [_("everywhere")]
    else:
        kernels = tuple(Kernel(identity_kernel(1.0, ndim=3).values, spacing) for _at in field.at)
        outside = "unchanged" if field.outside == "error" else field.outside
        bound = replace(field, kernels=kernels, outside=outside).bind(array, spacing)
        weights = (bound.weight(k) for k in range(len(bound)))
        shares = [float(np.mean(w if selected is None else w[selected], dtype=np.float64)) for w in weights]
        if len(shares) > len(names):
            names.append(_("refused") if field.outside == "error" else _("unchanged"))
    return WeightsData(
        field.key, np.arange(len(shares), dtype=float), np.array(shares), np.zeros((0, len(shares))), names,
        _("How much of the image each kernel has"), _("Kernel"), _("Share of the voxels"),
    )  # fmt: skip


def _thinned(values: np.ndarray) -> np.ndarray:
    step = 1
    while values.size // step ** sum(n > 1 for n in values.shape) > _SAMPLE:
        step += 1
    return values[tuple(slice(None, None, step if n > 1 else 1) for n in values.shape)]


# -- a Slicer plot


def plotWeights(data: WeightsData, chartNode=None, compact: bool = False):
    """Show the numbers in a plot chart node, and return it.

    Parameters
    ----------
    data : WeightsData
    chartNode : vtkMRMLPlotChartNode, optional
        The chart of an earlier call, whose nodes are used again; a new one otherwise.
    compact : bool
        For little room: small letters, no title and no legend.

    Returns
    -------
    vtkMRMLPlotChartNode
    """
    scene = ensureScene()
    chart = chartNode if chartNode is not None and chartNode.GetScene() is scene else None
    if chart is None:
        chart = addNode(scene, "vtkMRMLPlotChartNode", "chart", _("Kernel weights"))
    names = _seriesNames(data)
    every = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    wasModifying = chart.StartModify()
    try:
        table = next((s.GetTableNode() for s in every if s is not None and s.GetTableNode() is not None), None)
        if table is None:
            table = addNode(scene, "vtkMRMLTableNode", "table", _("Kernel weights table"))
        _fillWeights(table, data, names)
        for number in range(max(len(names), len(every)) - 1, len(names) - 1, -1):
            if every[number] is not None:
                scene.RemoveNode(every[number])
        for number, name in enumerate(names):
            series = every[number] if number < len(every) else None
            if series is None:
                series = addNode(scene, "vtkMRMLPlotSeriesNode", "series", name)
                chart.AddAndObservePlotSeriesNodeID(series.GetID())
            _fillSeries(series, table, data, number, name)
        _fillChart(chart, data, compact)
    finally:
        chart.EndModify(wasModifying)
    return chart


def chartParts(chartNode) -> list:
    """Return the nodes of a plot: its tables, its series, and the chart itself."""
    series = [chartNode.GetNthPlotSeriesNode(n) for n in range(chartNode.GetNumberOfPlotSeriesNodes())]
    series = [node for node in series if node is not None]
    tables = {node.GetTableNodeID(): node.GetTableNode() for node in series if node.GetTableNode() is not None}
    return [*tables.values(), *series, chartNode]


def keepPlot(chartNode, keep: bool = True) -> None:
    """Let the plot be seen in selectors and saved with the scene, or not."""
    for node in chartParts(chartNode):
        node.SetHideFromEditors(not keep)
        node.SetSaveWithScene(keep)


def removePlot(chartNode) -> None:
    """Take a plot out of its scene, with all that belongs to it."""
    scene = chartNode.GetScene() if chartNode is not None else None
    if scene is None:
        return
    for node in chartParts(chartNode)[::-1]:
        if node.GetAttribute(PLOT_ATTRIBUTE) and node.GetScene() is scene:
            scene.RemoveNode(node)


def addNode(scene, className: str, role: str, name: str):
    """Return a new node of a plot, which is hidden and not saved; `role`: "chart", "table" or "series"."""
    node = scene.CreateNodeByClass(className)
    node.UnRegister(None)  # CreateNodeByClass leaves its reference to the caller
    node.SetName(scene.GetUniqueNameByString(name))
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetAttribute(PLOT_ATTRIBUTE, role)
    return scene.AddNode(node)


def _seriesNames(data: WeightsData) -> list[str]:
    return [_("Voxels"), *data.names] if data.key == "intensity" else list(data.names)


def _fillWeights(table, data: WeightsData, names: Sequence[str]) -> None:
    if data.key == "intensity":
        columns = [("x", data.x), ("0", data.histogram)]
        columns += [(str(n), _withoutZeros(w)) for n, w in enumerate(data.weights, 1)]
    else:  # one bar a series: Slicer's charts name series, not bars
        columns = [("x", [0.0]), *((str(n), [share]) for n, share in enumerate(data.histogram))]
    fillTable(table, columns)


def fillTable(table, columns: Sequence[tuple[str, Sequence[float]]]) -> None:
    """Put columns of numbers, each with its name, into a table node."""
    wasModifying = table.StartModify()
    try:
        table.RemoveAllColumns()
        for name, values in columns:
            column = vtkDoubleArray()
            column.SetName(name)
            column.SetNumberOfValues(len(values))
            for row, value in enumerate(values):
                column.SetValue(row, float(value))
            table.AddColumn(column)
    finally:
        table.EndModify(wasModifying)


def _withoutZeros(curve: np.ndarray) -> np.ndarray:
    """The curve as NaN, which is not drawn, where it lies on the axis: there it would hide the others."""
    positive = np.concatenate([[False], curve > 0, [False]])
    return np.where(positive[1:-1] | positive[:-2] | positive[2:], curve, np.nan)


def _fillSeries(series, table, data: WeightsData, number: int, name: str) -> None:
    wasModifying = series.StartModify()
    try:
        series.SetName(name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetYColumnName(str(number))
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetLineStyle(series.LineStyleSolid)
        series.SetLineWidth(2)
        if data.key == "intensity":
            series.SetPlotType(series.PlotTypeScatter)
            series.SetXColumnName("x")
            series.SetColor(*(_GREY if number == 0 else rgb(kernel_colours(len(data.weights))[number - 1])))
        else:
            series.SetPlotType(series.PlotTypeBar)
            series.SetXColumnName("")
            series.SetColor(*rgb(kernel_colours(len(data.names))[number]))
    finally:
        series.EndModify(wasModifying)


def styleChart(chart, data: WeightsData, compact: bool) -> None:
    """Choose between little room and much."""
    size = 10 if compact else 14
    wasModifying = chart.StartModify()
    try:
        chart.SetTitleVisibility(not compact)
        chart.SetTitleFontSize(size + 4)
        chart.SetAxisTitleFontSize(size)
        chart.SetAxisLabelFontSize(size)
        chart.SetLegendFontSize(size - 3 if len(data.names) > _LONG_LEGEND else size)
        chart.SetYAxisTitleVisibility(not compact)
        # Many curves need no names, they stand above their levels; a legend would hide some of them.
        named = not compact if data.key == "intensity" else True
        chart.SetLegendVisibility(named and len(data.names) <= _LONGEST_LEGEND)
    finally:
        chart.EndModify(wasModifying)


def _fillChart(chart, data: WeightsData, compact: bool) -> None:
    chart.SetTitle(data.title)
    chart.SetXAxisTitle(data.xTitle)
    chart.SetYAxisTitle(data.yTitle)
    styleChart(chart, data, compact)
    chart.SetXAxisRangeAuto(False)
    if data.key == "intensity":
        chart.SetXAxisRange(float(data.x[0]), float(data.x[-1]))
    else:  # the bars stand around 0, the legend on their right
        chart.SetXAxisRange(-0.5, 0.9 if chart.GetLegendVisibility() else 0.5)
    chart.SetYAxisRangeAuto(False)
    chart.SetYAxisRange(0.0, 1.05)


def rgb(css: str) -> tuple[float, float, float]:
    """Return a CSS colour as Slicer's nodes take it."""
    return tuple(int(css[n : n + 2], 16) / 255 for n in (1, 3, 5))


# -- a picture


def weightsPicture(data: WeightsData, width: int = 400, height: int = 200) -> np.ndarray:
    """Return the same as pixels, uint8 of shape (height, width, 3), for where there are no plots."""
    picture = np.full((height, width, 3), 255, np.uint8)
    colours = [tuple(round(255 * c) for c in rgb(css)) for css in kernel_colours(max(len(data.names), 1))]
    if data.key != "intensity":
        edges = np.linspace(0, width, len(data.names) + 1).astype(int)
        for n, share in enumerate(data.histogram):
            top = height - round(float(np.clip(share, 0, 1)) * (height - 1))
            picture[top:, edges[n] + 1 : max(edges[n + 1] - 1, edges[n] + 2)] = colours[n]
        return picture
    columns = np.linspace(data.x[0], data.x[-1], width)
    filled = np.interp(columns, data.x, data.histogram)
    picture[np.arange(height)[:, None] >= _row(filled, height)[None]] = [round(255 * c) + 60 for c in _GREY]
    for curve, colour in zip(data.weights, colours, strict=False):
        rows = _row(np.interp(columns, data.x, curve), height)
        previous = np.concatenate([rows[:1], rows[:-1]])
        for column, (a, b) in enumerate(zip(np.minimum(rows, previous), np.maximum(rows, previous), strict=True)):
            picture[max(a - 1, 0) : b + 1, column] = colour
    return picture


def _row(values: np.ndarray, height: int) -> np.ndarray:
    return np.round((1 - np.clip(values, 0, 1) / 1.05) * (height - 1)).astype(int)
