"""Kernels from one volume of beads, an edge or a slit, measured in the panel as its users do."""

import math

import numpy as np
import pytest
import slicer
import vtk
from test_edges import across, edge_image, slit_image
from test_points import gaussian, places_in, scene

import SpatialDeconvLib as sd

SHAPE = (96, 96)
LINES = {
    "A straight edge": edge_image(SHAPE, across(5), ((1.0, 1.5),), noise=0.3),
    "A slit": slit_image(SHAPE, across(5), ((1.0, 1.5),)),
}


def beads(sigma=1.5):
    """A slice of points whose images are Gaussians of sigma voxels, a number or a function of the place."""
    return scene(SHAPE, places_in(SHAPE, 1.0, 16, 12, seed=1), gaussian(sigma), heights=200.0)[np.newaxis]


def measure(user, source, array, spacing=(1.0, 1.0, 1.0), name="beads"):
    user.ui.estimateCollapsibleButton.collapsed = False
    user.choose_text("estimateSourceComboBox", source)
    user.choose("estimateVolumeSelector", user.add_volume(array, name, spacing))
    user.click("estimateButton")


def width_of(row):
    """Standard deviation of a row's kernel along i, in mm."""
    kernel = row.kernel()
    line = kernel.values.sum(axis=0)
    x = (np.arange(line.size) - kernel.centre[-1]) * kernel.spacing[-1]
    return math.sqrt((line * x**2).sum() / line.sum())


def rows_of(user):
    from SpatialDeconvLib.panel.parameters import rowsOf  # on the stand-ins

    return rowsOf(user.parameters)


def test_beads_become_the_one_kernel_everywhere(user):
    measure(user, "Beads", beads(), spacing=(0.5, 0.5, 1.0))
    (row,) = rows_of(user)
    assert user.parameters.kernelKey.value == "uniform"
    assert width_of(row) == pytest.approx(0.75, rel=0.05)
    assert "beads kernel" in row.volume.GetName()
    assert "1 kernel of" in user.ui.estimateStatusLabel.text
    assert user.window.shown == []


def test_beads_in_zones_become_rows_by_position_that_a_run_takes(user):
    user.choose("inputVolumeSelector", user.add_volume(np.full((1, 96, 96), 5.0, np.float32)))
    user.ui.estimateZonesXSpinBox.value = 2
    measure(user, "Beads", beads(lambda place: 1.2 if place[1] < 48 else 2.0), spacing=(0.5, 0.5, 1.0))
    first, second = rows_of(user)
    assert user.parameters.kernelKey.value == "position"
    assert [float(text) for text in first.at.split(",")] == pytest.approx([0, 23.75, 11.875])
    assert float(second.at.split(",")[2]) > 30
    assert width_of(first) == pytest.approx(0.6, rel=0.1)
    assert width_of(second) == pytest.approx(1.0, rel=0.1)
    assert "whose grid is another than the input's" in user.ui.estimateStatusLabel.text
    assert user.ui.applyButton.enabled


@pytest.mark.parametrize("source", LINES)
def test_an_edge_or_slit_becomes_one_kernel_with_its_mtf(user, source):
    measure(user, source, LINES[source][np.newaxis], (0.5, 0.5, 1.0))
    (row,) = rows_of(user)
    assert width_of(row) == pytest.approx(0.75, rel=0.05)
    user.click("estimatePlotButton")
    (chart,) = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")
    series = [chart.GetNthPlotSeriesNode(n) for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [s.GetName() for s in series] == ["measured", "of the kernel", "the highest that voxels show"]
    table = series[1].GetTableNode().GetTable()
    x, y = (np.array([table.GetValue(n, c).ToDouble() for n in range(table.GetNumberOfRows())]) for c in (2, 3))
    expected = np.exp(-2 * (np.pi * x * 0.75) ** 2)
    finite = np.isfinite(x)
    assert np.abs(y[finite] - expected[finite]).max() < 0.02
    user.click("estimatePlotButton")
    assert slicer.util.getNodesByClass("vtkMRMLPlotChartNode") == []


def test_the_library_gives_the_same_kernel_bit_by_bit(user):
    image = beads()
    user.ui.estimateBeadSpinBox.value = 900
    measure(user, "Beads", image)
    expected = sd.psfs_from_points(image[0], spacing=1.0, bead_diameter_mm=0.9).field.kernels[0]
    np.testing.assert_array_equal(rows_of(user)[0].kernel().values, expected.values)


def test_the_points_are_marked_in_the_views_with_why_some_were_left_out(user):
    image = beads()
    image[0, 2:5, 40:43] += 300  # at the border
    measure(user, "Beads", image, spacing=(0.5, 0.5, 2.0))
    user.click("estimatePointsButton")
    (marks,) = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    count = marks.GetNumberOfControlPoints()
    used = [n for n in range(count) if marks.GetNthControlPointSelected(n)]
    assert {marks.GetNthControlPointLabel(n) for n in used} == {""}
    labels = {n: marks.GetNthControlPointLabel(n) for n in range(count) if n not in used}
    volume = user.parameters.estimateVolume
    ijk = vtk.vtkMatrix4x4()
    volume.GetRASToIJKMatrix(ijk)

    def voxel(number):
        place = marks.GetNthControlPointPositionVector(number)
        return np.array(ijk.MultiplyPoint([*place, 1.0])[1::-1])

    assert all(labels.values())
    assert any("border" in label and np.abs(voxel(n) - (3, 41)).max() <= 1 for n, label in labels.items()), labels
    true = places_in(SHAPE, 1.0, 16, 12, seed=1)
    assert all(np.abs(true - voxel(number)).max(axis=1).min() < 0.2 for number in used)
    user.leave()
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode") == []
    user.come_back()
    assert not user.ui.estimatePointsButton.checked


def test_each_source_shows_its_own_fields(user):
    shown = {
        "A sharp": {"originalVolumeSelector", "blurredVolumeSelector", "estimateSizeSpinBox", "estimateAllowRow"},
        "Beads": {"estimateVolumeSelector", "estimateZonesRow", "estimateBeadSpinBox", "estimateOwnSizeSpinBox"},
        "A straight": {"estimateVolumeSelector", "estimateOwnSizeSpinBox"},
        "A slit": {"estimateVolumeSelector", "estimateSlitSpinBox", "estimateOwnSizeSpinBox"},
    }
    user.ui.estimateCollapsibleButton.collapsed = False
    for source, names in shown.items():
        user.choose_text("estimateSourceComboBox", source)
        assert {name for name in set.union(*shown.values()) if user.visible(name)} == names
    user.choose_text("estimateSourceComboBox", "Beads")
    assert not user.visible("estimateDegreeSpinBox")
    user.ui.estimateZonesXSpinBox.value = 5
    assert user.visible("estimateDegreeSpinBox")


def test_without_another_volume_the_input_is_measured_inside_the_region(user):
    user.choose("inputVolumeSelector", user.add_volume(beads(lambda place: 1.2 if place[1] < 48 else 2.0), "beads"))
    left = np.zeros((1, *SHAPE), np.uint8)
    left[..., :48] = 1
    user.choose_text("regionKindComboBox", "Segments")
    user.choose("maskSelector", user.add_volume(left, "left", kind="vtkMRMLLabelMapVolumeNode"))
    user.ui.estimateCollapsibleButton.collapsed = False
    user.choose_text("estimateSourceComboBox", "Beads")
    user.click("estimateButton")
    (row,) = rows_of(user)
    assert width_of(row) == pytest.approx(1.2, rel=0.05)


def test_several_channels_are_refused_in_words(user):
    array = np.zeros((1, 64, 64, 3), np.uint8)
    user.choose("inputVolumeSelector", user.add_volume(array, "colours", kind="vtkMRMLVectorVolumeNode"))
    user.choose_text("estimateSourceComboBox", "A slit")
    user.click("estimateButton")
    assert "3 channels" in user.window.shown[-1]


def test_without_a_volume_the_button_says_what_it_waits_for(user):
    user.choose_text("estimateSourceComboBox", "A slit")
    assert not user.ui.estimateButton.enabled
    assert "shows the slit" in user.ui.estimateButton.toolTip


def test_a_volume_without_beads_is_refused_in_words_and_the_table_stays(user):
    user.click("addKernelButton")
    before = user.table()
    measure(user, "Beads", np.zeros((1, 64, 64), np.float32))
    assert "constant" in user.window.shown[-1]
    assert user.ui.estimateStatusLabel.text == user.window.shown[-1]
    assert user.table() == before


def test_a_cancelled_measurement_leaves_no_volume(user):
    user.choose_text("estimateSourceComboBox", "Beads")
    user.choose("estimateVolumeSelector", user.add_volume(beads()))
    count = len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"))
    user.ui.estimateCollapsibleButton.collapsed = False
    user.window.processEvents()
    user.soon(user.panel.estimate.cancel)
    user.click("estimateButton")
    assert "Cancelled" in user.ui.estimateStatusLabel.text
    assert len(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")) == count
    assert rows_of(user) == ()


def test_one_plot_at_a_time_stands_beside_the_views(user):
    user.choose("inputVolumeSelector", user.add_volume())
    layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    before = layout.GetViewArrangement() if layout else None
    measure(user, "Beads", beads())
    user.ui.slicewiseCheckBox.checked = True
    user.click("mtfButton")
    user.click("estimatePlotButton")
    assert not user.ui.mtfButton.checked
    assert len(slicer.util.getNodesByClass("vtkMRMLPlotChartNode")) == 1
    user.click("profileButton")
    assert not user.ui.estimatePlotButton.checked
    user.leave()
    assert slicer.util.getNodesByClass("vtkMRMLPlotChartNode") == []
    assert (layout.GetViewArrangement() if layout else None) == before
    user.come_back()
