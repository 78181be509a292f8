"""The panel's regions, keys and strategies, chosen as a user does; what is checked is the numbers."""

import json
import time

import numpy as np
import pytest
import slicer


@pytest.fixture
def ready(user, tmp_path):
    """The panel with a volume and two kernels: Apply would run."""
    path = tmp_path / "two.json"
    entries = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in ((10, 0.6), (100, 1.2))]
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": entries}))
    user.choose("inputVolumeSelector", user.add_volume())
    user.load_kernels(path)
    return user


def applied(user):
    """Press Apply; return input and output, and where they differ."""
    user.click("applyButton")
    assert "done" in user.ui.statusLabel.text, user.ui.statusLabel.text
    (name,) = user.shown_in_views()
    before = slicer.util.arrayFromVolume(user.parameters.inputVolume)
    after = slicer.util.arrayFromVolume(slicer.util.getNode(name))
    return before, after, before != after


def label_map(user, array, name="labels"):
    return user.add_volume(array.astype(np.uint8), name, kind="vtkMRMLLabelMapVolumeNode")


# -- regions


def test_a_threshold_range_is_the_region(ready):
    ready.choose_text("regionKindComboBox", "Threshold")
    widget = ready.ui.thresholdRangeWidget
    assert ready.visible("thresholdRangeWidget")
    assert not ready.visible("maskSelector")
    assert (widget.minimum, widget.maximum) == (10.0, 100.0)
    assert (widget.minimumValue, widget.maximumValue) == (10.0, 100.0)
    widget.setValues(50.0, 100.0)
    assert (ready.parameters.thresholdLower, ready.parameters.thresholdUpper) == (50.0, 100.0)
    before, _after, changed = applied(ready)
    assert changed.any()
    assert not changed[(before < 50) | (before > 100)].any()


def test_a_label_map_is_the_region(ready):
    mask = np.zeros((6, 24, 24))
    mask[:, :12] = 1
    labels = label_map(ready, mask)
    ready.choose_text("regionKindComboBox", "Segments")
    assert not ready.ui.applyButton.enabled
    ready.choose("maskSelector", labels)
    _before, _after, changed = applied(ready)
    assert changed[:, :12].any()
    assert not changed[:, 12:].any()


def add_segmentation(user):
    """Add a segmentation with a left and a right half as segments."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "halves")
    node.SetReferenceImageGeometryParameterFromVolumeNode(user.parameters.inputVolume)
    for name, half in (("left", slice(0, 12)), ("right", slice(12, 24))):
        array = np.zeros((6, 24, 24), np.uint8)
        array[:, :, half] = 1
        image = slicer.vtkOrientedImageData()
        labels = user.add_volume(array, "half", kind="vtkMRMLLabelMapVolumeNode")
        image.DeepCopy(labels.GetImageData())
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.AddRepresentation("Binary labelmap", image)
        node.GetSegmentation().AddSegment(segment, name)
        slicer.mrmlScene.RemoveNode(labels)
    return node


def test_chosen_segments_are_the_region(ready):
    node = add_segmentation(ready)
    ready.choose_text("regionKindComboBox", "Segments")
    ready.choose("maskSelector", node)
    combo = ready.ui.maskSegmentsComboBox
    assert [combo.itemText(row) for row in range(combo.count)] == ["left", "right"]
    combo.setCheckState(combo.model().index(0, 0), 0)
    assert list(ready.parameters.maskSegments) == ["right"]
    _before, _after, changed = applied(ready)
    assert changed[:, :, 12:].any()
    assert not changed[:, :, :12].any()


def test_all_segments_are_the_region_at_first_and_none_is_no_region(ready):
    ready.choose_text("regionKindComboBox", "Segments")
    ready.choose("maskSelector", add_segmentation(ready))
    combo = ready.ui.maskSegmentsComboBox
    assert combo.allChecked()  # the combo box says "All", not "None"
    assert list(ready.parameters.maskSegments) == []
    assert ready.ui.applyButton.enabled
    for row in (0, 1):
        combo.setCheckState(combo.model().index(row, 0), 0)
    assert combo.noneChecked()
    assert not ready.ui.applyButton.enabled
    assert "segment" in ready.ui.applyButton.toolTip
    for row in (0, 1):
        combo.setCheckState(combo.model().index(row, 0), 2)
    assert list(ready.parameters.maskSegments) == []  # one that is added later belongs to the region, too
    assert ready.ui.applyButton.enabled


def test_a_box_is_the_region(ready):
    ready.choose_text("regionKindComboBox", "Box")
    box = ready.ui.boxSelector.addNode("vtkMRMLMarkupsROINode")
    ready.window.processEvents()
    assert ready.parameters.box is box
    assert min(box.GetSize()) > 0  # placed in the volume
    box.SetSize(10.0, 10.0, 100.0)
    _before, _after, changed = applied(ready)
    assert 0 < changed.any(axis=0).sum() <= 11 * 11


def test_a_box_that_leaves_the_scene_is_not_replaced(ready):
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "other")
    ready.choose_text("regionKindComboBox", "Box")
    box = ready.ui.boxSelector.addNode("vtkMRMLMarkupsROINode")
    slicer.mrmlScene.RemoveNode(box)
    assert ready.parameters.box is None
    assert other.GetScene() is slicer.mrmlScene


# -- what chooses the kernel


def test_kernels_of_regions(ready):
    halves = np.ones((6, 24, 24))
    halves[:, 12:] = 2
    ready.click("clearKernelsButton")
    ready.choose_text("kernelKeyComboBox", "Region")
    ready.choose("labelsSelector", label_map(ready, halves))
    ready.click("levelsButton")
    assert [row[0] for row in ready.table()] == ["1", "2"]
    ready.edit_cell(0, 2, "0.5 mm")
    ready.edit_cell(1, 2, "1.5 mm")
    assert [entry.size for entry in ready.parameters.kernels] == ["0.5", "1.5"]
    ready.choose_text("goalComboBox", "Convolve")
    before, after, _changed = applied(ready)
    roughness = [np.abs(np.diff(a, axis=2)).mean() for a in (after[:, :12], after[:, 12:])]
    original = [np.abs(np.diff(a, axis=2)).mean() for a in (before[:, :12], before[:, 12:])]
    assert roughness[1] / original[1] < roughness[0] / original[0]


def test_kernels_of_segments(ready):
    ready.click("clearKernelsButton")
    ready.choose_text("kernelKeyComboBox", "Region")
    ready.choose("labelsSelector", add_segmentation(ready))
    ready.click("addKernelButton")
    assert [row[0] for row in ready.table()] == ["left"]
    ready.click("levelsButton")
    assert [row[0] for row in ready.table()] == ["left", "right"]
    ready.select_rows(0)
    ready.click("removeKernelsButton")
    _before, _after, changed = applied(ready)
    assert changed[:, :, 12:].any()


def test_one_kernel_for_everything(ready):
    ready.click("clearKernelsButton")
    ready.choose_text("kernelKeyComboBox", "One kernel")
    ready.click("addKernelButton")
    assert len(ready.table()) == 1
    assert not ready.ui.addKernelButton.enabled
    _before, _after, changed = applied(ready)
    assert changed.any()


def test_a_guide_chooses_the_kernels(ready):
    ready.choose_text("goalComboBox", "Convolve")
    _before, without, _changed = applied(ready)
    without = without.copy()
    guide = ready.add_volume(np.full((6, 24, 24), 100.0, np.float32), "guide")
    ready.choose("guideSelector", guide)
    _before, guided, _changed = applied(ready)
    assert np.abs(guided - without).max() > 1  # the wide kernel everywhere


# -- strategies


def test_the_joint_strategy_has_its_own_choices(ready):
    ready.choose_filter("Wiener")
    assert ready.visible("methodComboBox")
    ready.choose_text("strategyComboBox", "Joint")
    ready.choose_text("jointMethodComboBox", "Richardson")
    assert (ready.visible("methodComboBox"), ready.visible("jointMethodComboBox")) == (False, True)
    ready.ui.iterationsSpinBox.value = 3
    _before, _after, changed = applied(ready)
    assert changed.any()
    ready.choose_text("strategyComboBox", "Blend")
    assert ready.visible("methodComboBox")


def test_apply_in_the_middle_of_a_preview_wins(ready):
    slicer.util.setSliceViewerLayers(background=ready.parameters.inputVolume)
    ready.choose_filter("Richardson")
    ready.ui.iterationsSpinBox.value = 3000
    interrupted = []

    def wait_for_the_preview():
        if ready.panel.runner.kind != "preview":
            ready.soon(wait_for_the_preview, 5)
            return
        interrupted.append(ready.panel.runner.kind)
        ready.ui.iterationsSpinBox.value = 2
        ready.ui.applyButton.click()

    ready.soon(wait_for_the_preview)
    ready.ui.previewCheckBox.checked = True
    end = time.monotonic() + 30
    while "done" not in ready.ui.statusLabel.text and time.monotonic() < end:
        ready.window.processEvents()
    assert interrupted == ["preview"]
    assert "done" in ready.ui.statusLabel.text
    assert not ready.panel.runner.kind
