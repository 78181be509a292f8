"""The plot of the kernels' weights: its numbers, its nodes, and nothing left behind."""

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib import InputError, KernelField, ParametricKernel  # noqa: E402
from SpatialDeconvLib.mrml import files, scene  # noqa: E402
from SpatialDeconvLib.panel import plotnodes  # noqa: E402

SHAPE = (6, 20, 25)
KERNEL = ParametricKernel("gaussian", sigma_mm=1.0)


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def makeVolume(array):
    className = "vtkMRMLVectorVolumeNode" if array.ndim == 4 else "vtkMRMLScalarVolumeNode"
    node = files.ensureScene().AddNewNodeByClass(className, "Input")
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    return node


def ramp():
    """Values 0 ... 99, each as often."""
    return np.resize(np.arange(100), SHAPE).astype(np.float32)


def byIntensity(levels=(20, 60, 80), **options):
    return KernelField.by_intensity(dict.fromkeys(levels, KERNEL), **options)


def at(data, intensity):
    return int(np.argmin(np.abs(data.x - intensity)))


def nodeIds():
    every = files.ensureScene()
    return {every.GetNthNode(n).GetID() for n in range(every.GetNumberOfNodes())}


# -- the numbers


def test_weightsAreHatFunctionsThatSumToOne():
    data = plotnodes.weightsData(makeVolume(ramp()), byIntensity())
    assert data.names == ["20", "60", "80"]
    np.testing.assert_allclose(data.weights.sum(axis=0), 1, atol=1e-6)
    for level, curve in zip((20, 60, 80), data.weights, strict=True):
        assert curve[at(data, level)] == 1  # the levels themselves are among the points
        assert data.x[at(data, level)] == level
    assert data.weights[0][at(data, 30)] == pytest.approx(0.75, abs=0.02)
    assert data.weights[0][0] == data.weights[2][-1] == 1


def test_theRuleOutsideIsSeen():
    volume = makeVolume(ramp())
    unchanged = plotnodes.weightsData(volume, byIntensity(outside="unchanged"))
    assert unchanged.names[-1] == "unchanged"
    assert unchanged.weights[3][at(unchanged, 10)] == 1
    assert unchanged.weights[0][at(unchanged, 10)] == 0
    assert plotnodes.weightsData(volume, byIntensity(outside="error")).names[-1] == "refused"
    nearest = plotnodes.weightsData(volume, byIntensity(interpolation="nearest"))
    assert nearest.weights[0][at(nearest, 39)] == 1
    assert nearest.weights[1][at(nearest, 41)] == 1


def test_theHistogramCountsTheVoxelsThatChoose():
    array = np.full(SHAPE, 10, np.float32)
    array[:, :10] = 50  # half, and a tenth of 90
    array[:, :2] = 90
    volume = makeVolume(array)
    data = plotnodes.weightsData(volume, byIntensity())
    assert data.histogram.max() == 1
    found = [data.histogram[at(data, value)] for value in (10, 50, 90)]
    np.testing.assert_allclose(found, np.sqrt([1, 0.8, 0.2]), atol=1e-6)
    assert data.histogram[at(data, 30)] == 0
    guide = makeVolume(array + 100)
    assert plotnodes.weightsData(volume, byIntensity((110, 150)), guide=guide).x.min() > 90
    mask = np.zeros(SHAPE, bool)
    mask[:, 15:] = True
    masked = plotnodes.weightsData(volume, byIntensity(), mask=mask)
    assert masked.histogram[at(masked, 50)] == 0


def test_wholeNumbersLeaveNoGapsInTheHistogram():
    data = plotnodes.weightsData(makeVolume(ramp().astype(np.int16)), byIntensity())
    inside = (data.x > 0) & (data.x < 99)
    assert data.histogram[inside].min() > 0.9


def test_awkwardImages():
    constant = plotnodes.weightsData(makeVolume(np.full(SHAPE, 7, np.int16)), byIntensity((7,)))
    assert np.isfinite(constant.x).all()
    assert constant.x[0] < 7 < constant.x[-1]
    holes = ramp()
    holes[0] = np.nan
    assert plotnodes.weightsData(makeVolume(holes), byIntensity()).histogram.max() == 1
    with pytest.raises(InputError, match="no finite voxel"):
        plotnodes.weightsData(makeVolume(np.full(SHAPE, np.nan, np.float32)), byIntensity())
    vector = makeVolume(np.stack([ramp(), ramp() * 10, ramp()], axis=-1))
    assert plotnodes.weightsData(vector, byIntensity()).x.max() < 110


def test_otherKeysShowTheShareOfEachKernel():
    volume, labels = makeVolume(ramp()), np.zeros(SHAPE, np.uint8)
    labels[:, 5:] = 1
    byRegion = KernelField.by_region(None, {0: KERNEL, 1: KERNEL})
    data = plotnodes.weightsData(volume, byRegion, labels=labels)
    np.testing.assert_allclose(data.histogram, [0.25, 0.75])
    assert data.names == ["0", "1"]
    unlabelled = KernelField.by_region(labels, {1: KERNEL}, outside="error")
    assert plotnodes.weightsData(volume, unlabelled).names == ["1", "refused"]
    byPosition = KernelField.by_position({(0, 0, 0): KERNEL, (0, 0, 24): KERNEL})
    data = plotnodes.weightsData(volume, byPosition)
    np.testing.assert_allclose(data.histogram, [0.5, 0.5], atol=1e-6)
    assert data.names == ["(0, 0, 0)", "(0, 0, 24)"]
    assert plotnodes.weightsData(volume, KERNEL).histogram.tolist() == [1.0]


# -- the nodes


def columnOf(series, name):
    return vtk_to_numpy(series.GetTableNode().GetTable().GetColumnByName(name))


def test_theChartHoldsTheNumbers():
    data = plotnodes.weightsData(makeVolume(ramp()), byIntensity())
    chart = plotnodes.plotWeights(data)
    series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [node.GetName() for node in series] == ["Voxels", "20", "60", "80"]
    assert len({node.GetTableNodeID() for node in series}) == 1
    np.testing.assert_array_equal(columnOf(series[0], series[0].GetXColumnName()), data.x)
    np.testing.assert_array_equal(columnOf(series[0], series[0].GetYColumnName()), data.histogram)
    for node, curve in zip(series[1:], data.weights, strict=True):
        drawn = columnOf(node, node.GetYColumnName())
        np.testing.assert_allclose(np.nan_to_num(drawn), curve)
        assert np.isnan(drawn).any()  # not drawn along the axis
        assert np.count_nonzero(drawn == 0) <= 2
    assert chart.GetXAxisTitle() == "Intensity"
    assert chart.GetLegendVisibility()
    plotnodes.styleChart(chart, data, compact=True)
    assert not chart.GetLegendVisibility()
    assert not chart.GetTitleVisibility()


def test_sharesAreBarsOfTheirOwnNames():
    data = plotnodes.weightsData(
        makeVolume(ramp()), KernelField.by_position({(0, 0, 0): KERNEL, (0, 0, 24): KERNEL})
    )
    chart = plotnodes.plotWeights(data, compact=True)
    series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [node.GetName() for node in series] == data.names
    assert all(node.GetPlotType() == node.PlotTypeBar for node in series)
    assert [columnOf(node, node.GetYColumnName()).tolist() for node in series] == [[s] for s in data.histogram]
    assert chart.GetLegendVisibility()


def test_nodesAreUsedAgainAndSurplusOnesRemoved():
    volume = makeVolume(ramp())
    before = nodeIds()
    chart = plotnodes.plotWeights(plotnodes.weightsData(volume, byIntensity()))
    assert len(nodeIds() - before) == 6  # chart, table, four series
    assert plotnodes.plotWeights(plotnodes.weightsData(volume, byIntensity((20, 70))), chart) is chart
    assert len(nodeIds() - before) == 5
    assert [chart.GetNthPlotSeriesNode(n).GetName() for n in range(3)] == ["Voxels", "20", "70"]
    plotnodes.plotWeights(plotnodes.weightsData(volume, byIntensity(tuple(range(10, 100, 10)))), chart)
    assert chart.GetNumberOfPlotSeriesNodes() == 10
    plotnodes.plotWeights(plotnodes.weightsData(volume, KERNEL), chart)
    assert len(nodeIds() - before) == 3
    plotnodes.removePlot(chart)
    assert nodeIds() == before
    plotnodes.removePlot(chart)
    plotnodes.removePlot(None)


def test_aSeriesThatTheUserDeletedIsMadeAgain():
    volume = makeVolume(ramp())
    data = plotnodes.weightsData(volume, byIntensity())
    chart = plotnodes.plotWeights(data)
    files.ensureScene().RemoveNode(chart.GetNthPlotSeriesNode(1))
    files.ensureScene().RemoveNode(chart.GetNthPlotSeriesNode(0).GetTableNode())
    plotnodes.plotWeights(data, chart)
    names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == ["Voxels", "20", "60", "80"]
    files.ensureScene().Clear(0)
    assert plotnodes.plotWeights(data, chart) is not chart


def test_nothingIsSavedOrOfferedUnlessItIsKept():
    chart = plotnodes.plotWeights(plotnodes.weightsData(makeVolume(ramp()), byIntensity()))
    parts = plotnodes.chartParts(chart)
    assert len(parts) == 6
    assert not any(node.GetSaveWithScene() for node in parts)
    assert all(node.GetHideFromEditors() for node in parts)
    plotnodes.keepPlot(chart)
    assert all(node.GetSaveWithScene() for node in parts)
    assert not any(node.GetHideFromEditors() for node in parts)


# -- the picture


def test_thePictureShowsHistogramAndCurves():
    data = plotnodes.weightsData(makeVolume(ramp()), byIntensity())
    picture = plotnodes.weightsPicture(data, 300, 100)
    assert picture.shape == (100, 300, 3)
    assert (picture[-1, 150] != 255).any()
    colours = {tuple(c) for c in picture.reshape(-1, 3)}
    assert len(colours) == 5  # ground, histogram, three curves
    shares = plotnodes.weightsPicture(plotnodes.weightsData(makeVolume(ramp()), KERNEL), 30, 20)
    assert (shares[1:, 15] != 255).any(axis=-1).all()
