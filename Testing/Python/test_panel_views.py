"""What the panel shows outside itself and measures: preview, comparison, weights plot, kernels."""

import json
import time

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd


@pytest.fixture
def ready(user, tmp_path):
    """The panel with a volume, two kernels and a filter that is fast: Apply would run."""
    path = tmp_path / "two.json"
    entries = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in ((10, 0.6), (100, 1.2))]
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": entries}))
    user.choose("inputVolumeSelector", user.add_volume())
    user.load_kernels(path)
    user.choose_filter("Wiener")
    return user


RESULT = "phantom deconvolved, Wiener filter, 2 gaussian kernels"


def wait_until(user, condition, seconds=20):
    """Let Slicer handle its events until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        user.window.processEvents()
        time.sleep(0.01)


def layers():
    """Return the names of background and foreground of the first slice view, and the foreground's opacity."""
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    names = [
        getattr(slicer.mrmlScene.GetNodeByID(i or "none"), "GetName", lambda: None)()
        for i in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    ]
    return (*names, composite.GetForegroundOpacity())


def volumes():
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")


# -- preview


@pytest.fixture
def previewing(ready):
    slicer.util.setSliceViewerLayers(background=ready.parameters.inputVolume, fit=True)
    ready.before = volumes()
    ready.ui.previewCheckBox.checked = True
    wait_until(ready, lambda: volumes() > ready.before and not ready.panel.runner.kind)
    wait_until(ready, lambda: layers()[1] is not None)
    return ready


def test_the_preview_lies_over_the_input(previewing):
    background, foreground, opacity = layers()
    assert background == "phantom"
    assert foreground not in (None, "phantom")
    assert opacity == 1.0
    previewing.ui.previewOpacitySlider.value = 0.25
    wait_until(previewing, lambda: layers()[2] == 0.25)


def test_the_preview_is_the_result(previewing):
    shown = slicer.util.getNode(layers()[1])
    preview = slicer.util.arrayFromVolume(shown).copy()
    previewing.click("applyButton")
    (name,) = previewing.shown_in_views()
    whole = slicer.util.arrayFromVolume(slicer.util.getNode(name))
    if preview.shape == whole.shape:
        scale = np.abs(whole).max()
        assert np.abs(preview - whole).max() < 0.02 * scale


def test_a_changed_parameter_changes_the_preview(previewing):
    before = slicer.util.arrayFromVolume(slicer.util.getNode(layers()[1])).copy()
    previewing.choose_text("goalComboBox", "Convolve")

    def changed():
        now = layers()[1]
        return now is not None and not np.array_equal(slicer.util.arrayFromVolume(slicer.util.getNode(now)), before)

    wait_until(previewing, changed)


def test_switching_the_preview_off_leaves_no_trace(previewing):
    previewing.ui.previewCheckBox.checked = False
    previewing.window.processEvents()
    assert volumes() == previewing.before
    assert layers()[:2] == ("phantom", None)


def test_leaving_the_module_takes_the_preview_away(previewing):
    previewing.leave()
    assert volumes() == previewing.before
    assert layers()[1] is None
    previewing.come_back()
    wait_until(previewing, lambda: volumes() > previewing.before)


def test_apply_takes_the_place_of_the_preview(previewing):
    previewing.click("applyButton")
    assert "done" in previewing.ui.statusLabel.text
    assert previewing.shown_in_views() == {RESULT}
    assert not previewing.ui.previewCheckBox.checked


def test_the_preview_ends_a_comparison(previewing):
    previewing.click("applyButton")
    previewing.click("differenceButton")
    assert previewing.panel.comparison.mode == "difference"
    previewing.ui.previewCheckBox.checked = True
    previewing.window.processEvents()
    assert previewing.panel.comparison.mode == ""
    wait_until(previewing, lambda: layers()[1] not in (None, "phantom"))
    assert layers()[0] == "phantom"


def test_closing_the_scene_ends_the_preview(previewing):
    slicer.mrmlScene.Clear(0)
    previewing.window.processEvents(5)
    assert volumes() == 0


# -- compare


@pytest.fixture
def compared(ready):
    assert not ready.ui.flickerButton.enabled
    ready.click("applyButton")
    assert ready.ui.flickerButton.enabled
    return ready


def test_flicker_shows_both_in_turn_and_ends_as_it_began(compared):
    before = layers()
    compared.ui.flickerButton.click()
    assert layers()[:2] == ("phantom", RESULT)
    seen = set()

    def both():
        seen.add(layers()[2])
        return seen == {0.0, 1.0}

    wait_until(compared, both)
    compared.ui.flickerButton.click()
    assert layers() == before


def test_side_by_side_shows_two_linked_views(compared):
    layout = slicer.app.layoutManager().layout
    before = layers()
    compared.ui.sideBySideButton.click()
    assert slicer.app.layoutManager().layout != layout
    assert {"phantom", RESULT} <= compared.shown_in_views()
    compared.ui.sideBySideButton.click()
    assert slicer.app.layoutManager().layout == layout
    assert layers() == before


def test_the_difference_is_a_difference(compared):
    count = volumes()
    compared.ui.differenceButton.click()
    (name,) = compared.shown_in_views()
    arrays = [slicer.util.arrayFromVolume(slicer.util.getNode(n)) for n in (RESULT, "phantom")]
    np.testing.assert_allclose(
        np.abs(slicer.util.arrayFromVolume(slicer.util.getNode(name))), np.abs(arrays[0] - arrays[1]), atol=1e-4
    )
    compared.ui.differenceButton.click()
    assert volumes() == count


def test_comparisons_exclude_each_other(compared):
    compared.ui.flickerButton.click()
    compared.ui.differenceButton.click()
    assert not compared.ui.flickerButton.checked
    compared.leave()
    assert not compared.ui.differenceButton.checked


# -- the weights over the histogram


def test_the_weights_are_plotted_while_their_section_is_open(ready):
    def charts():
        return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode")

    assert charts() == 0
    ready.ui.weightsGroupBox.collapsed = False
    wait_until(ready, lambda: charts() == 1)
    chart = slicer.util.getNodesByClass("vtkMRMLPlotChartNode")[0]
    assert chart.GetNumberOfPlotSeriesNodes() >= 3  # the histogram and two kernels
    ready.ui.weightsGroupBox.collapsed = True
    ready.window.processEvents()
    assert charts() == 0


# -- measuring


@pytest.fixture
def pair(user):
    """A sharp volume and the same blurred with a Gaussian of 1 mm."""
    sharp = np.random.default_rng(3).uniform(0, 100, (16, 24, 24)).astype(np.float32)
    blurred = sd.convolve(sharp, sd.gaussian_kernel(1.0), spacing=1.0).image
    user.choose("originalVolumeSelector", user.add_volume(sharp, "sharp"))
    user.choose("blurredVolumeSelector", user.add_volume(blurred, "blurred"))
    user.ui.estimateSizeSpinBox.value = 7
    return user


def test_a_measured_kernel_comes_into_the_table(pair):
    pair.ui.estimateCollapsibleButton.collapsed = False
    pair.window.processEvents()
    assert pair.ui.estimateButton.enabled, pair.ui.estimateButton.toolTip
    pair.ui.estimateButton.click()
    (entry,) = pair.parameters.kernels
    assert entry.kind.value == "volume"
    measured = slicer.util.arrayFromVolume(entry.volume)
    expected = sd.gaussian_kernel(1.0).values
    k = [(m - 7) // 2 for m in measured.shape]
    middle = measured[tuple(slice(c, c + 7) for c in k)]
    e = [(m - 7) // 2 for m in expected.shape]
    truth = expected[tuple(slice(c, c + 7) for c in e)] if min(e) >= 0 else expected
    assert np.abs(middle / middle.sum() - truth / truth.sum()).max() < 0.01
    assert pair.ui.estimateStatusLabel.text
    assert pair.window.shown == []


def test_a_measured_kernel_is_the_one_everywhere(pair):
    for _row in range(3):
        pair.click("addKernelButton")
    pair.ui.estimateCollapsibleButton.collapsed = False
    pair.ui.estimateButton.click()
    assert pair.parameters.kernelKey.value == "uniform"
    assert [entry.kind.value for entry in pair.parameters.kernels] == ["volume"]
    pair.click("undoKernelsButton")
    assert [entry.at for entry in pair.parameters.kernels] == ["10", "20", "30"]
    assert pair.parameters.kernelKey.value == "intensity"


def test_measuring_can_be_cancelled(pair):
    pair.ui.estimateCollapsibleButton.collapsed = False
    large = np.random.default_rng(3).uniform(0, 100, (48, 96, 96)).astype(np.float32)
    pair.choose("originalVolumeSelector", pair.add_volume(large, "large"))
    pair.choose("blurredVolumeSelector", pair.add_volume(large[:, :, ::-1].copy(), "large blurred"))
    pair.ui.estimateSizeSpinBox.value = 15
    before = volumes()
    pair.soon(pair.panel.onCancelKey)
    pair.ui.estimateButton.click()
    assert "Cancelled" in pair.ui.estimateStatusLabel.text
    assert volumes() == before
    assert len(pair.parameters.kernels) == 0
