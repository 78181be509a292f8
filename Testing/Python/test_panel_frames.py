"""Sequences in the panel: what is asked before a run, and the residual of every frame after it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd
from SpatialDeconvLib.mrml import nodes


@pytest.fixture
def ready(user, tmp_path):
    """The panel with two kernels and a filter that is fast."""
    path = tmp_path / "two.json"
    entries = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in ((10, 0.6), (100, 1.2))]
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": entries}))
    user.load_kernels(path)
    user.choose_filter("Wiener")
    user.ui.whyCollapsibleButton.collapsed = False
    return user


def volumes():
    return slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")


def add_sequence(user, count=3):
    """Add a sequence of volumes with its browser; return the proxy volume and the sequence."""
    scene = slicer.mrmlScene
    sequence = scene.AddNewNodeByClass("vtkMRMLSequenceNode", "frames")
    for index in range(count):
        frame = user.add_volume(name=f"frame{index}")
        sequence.SetDataNodeAtValue(frame, str(index))
        scene.RemoveNode(frame)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", "browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(scene)
    logic.UpdateProxyNodesFromSequences(browser)
    return browser.GetProxyNode(sequence), sequence


def show_frame(number):
    """Let the browser show another frame."""
    (browser,) = slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode")
    browser.SetSelectedItemNumber(number)
    logic = slicer.vtkSlicerSequencesLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    logic.UpdateProxyNodesFromSequences(browser)


def click_answer(user, answer):
    """Let the next question be answered with the button that begins so; return what is asked."""
    asked = []

    def reply(box):
        asked.append(box.text)
        (button,) = [b for b in box.buttons() if b.text.replace("&", "").startswith(answer)]
        button.click()
        return box.result()

    user.window.answers.append(reply)
    return asked


@pytest.mark.parametrize(("answer", "frames"), [("All", 3), ("This", 0), ("Cancel", 0)])
def test_a_sequence_is_asked_about_once(ready, answer, frames):
    proxy, sequence = add_sequence(ready)
    ready.choose("inputVolumeSelector", proxy)
    before = volumes()
    asked = click_answer(ready, answer)
    ready.click("applyButton")
    assert len(asked) == 1
    assert "frames" in asked[0]
    others = [s for s in slicer.util.getNodesByClass("vtkMRMLSequenceNode") if s is not sequence]
    assert [s.GetNumberOfDataNodes() for s in others] == ([frames] if frames else [])
    assert (volumes() > before) == (answer != "Cancel")


@pytest.fixture
def frames(ready):
    """The panel after a run on three frames that differ; the proxy volume and the sequence."""
    proxy, sequence = add_sequence(ready)
    random = np.random.default_rng(1)
    for number in range(3):
        array = slicer.util.arrayFromVolume(sequence.GetNthDataNode(number))
        array += random.normal(0, 1 + number, array.shape).astype(array.dtype)
    ready.choose("inputVolumeSelector", proxy)
    click_answer(ready, "All")
    ready.click("applyButton")
    return SimpleNamespace(user=ready, ui=ready.ui, proxy=proxy, sequence=sequence)


def foreground():
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    return slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "none")


def test_the_residual_of_a_sequence_follows_the_frame_that_is_shown(frames):
    from SpatialDeconvLib.panel import model, parameters

    frames.user.panel.apply.onShowResidual()  # as the advice does
    overlay = foreground()
    display = overlay.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (8.0, 0.0)
    state = parameters.stateOf(frames.user.parameters)
    request = model.runFrom(state, parameters.fieldOf(frames.user.parameters))
    for number in (2, 0, 1):
        show_frame(number)
        assert foreground() is overlay
        alone = nodes.deconvolveVolume(
            frames.sequence.GetNthDataNode(number), request.kernels, settings=request.settings
        )[1]
        assert np.array_equal(slicer.util.arrayFromVolume(overlay), alone.residual_map().values)
    frames.user.click("residualButton")
    assert foreground() is None
    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceNode")
    frames.user.click("residualButton")
    assert foreground() is overlay
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == count == 3


def test_what_is_said_of_kernels_is_of_the_frame_that_is_shown(frames):
    show_frame(2)
    frames.user.click("kernelResidualButton")
    text = frames.ui.whyStatusLabel.text
    assert text.startswith("time = 2 s: ")
    assert "The worst place is voxel" in text


@pytest.mark.parametrize("gone", ["sequence", "proxy"])
def test_a_sequence_that_has_left_the_scene_has_no_residual_to_show(frames, gone):
    slicer.mrmlScene.RemoveNode(getattr(frames, gone))
    assert not frames.ui.residualButton.isEnabled()


def test_a_convolved_sequence_says_why_it_has_no_residual(ready):
    proxy, _sequence = add_sequence(ready)
    ready.choose("inputVolumeSelector", proxy)
    ready.choose_text("goalComboBox", "Convolve")
    click_answer(ready, "All")
    ready.click("applyButton")
    for button in ("residualButton", "kernelResidualButton", "worstPlaceButton"):
        assert not getattr(ready.ui, button).isEnabled()
        assert "convolutions" in getattr(ready.ui, button).toolTip


def test_the_console_has_the_residuals_of_a_sequence(ready):
    proxy, sequence = add_sequence(ready)
    logic = ready.panel.logic
    maps = logic.residual_sequence(sequence)
    logic.deconvolve(sequence, sd.gaussian_kernel(1.0), method="wiener", strategy="blend", noise=1.0, finished=maps)
    for number in range(3):
        _output, alone = logic.deconvolve(
            sequence.GetNthDataNode(number), sd.gaussian_kernel(1.0), method="wiener", strategy="blend", noise=1.0
        )
        expected = alone.residual_map().values
        assert maps.node.GetNthIndexValue(number) == sequence.GetNthIndexValue(number)
        assert np.array_equal(slicer.util.arrayFromVolume(maps.node.GetNthDataNode(number)), expected)
    shown = maps.show()
    show_frame(1)
    assert np.array_equal(slicer.util.arrayFromVolume(shown), maps.maps[1][0].values)
    assert maps.shownOf(proxy)[0] is maps.maps[1]
    assert maps.shownOf(proxy)[1] == "time = 1 s"


def test_maps_of_frames_that_memory_has_no_room_for_are_not_kept(ready, monkeypatch):
    from SpatialDeconvLib.panel import applysection

    proxy, _sequence = add_sequence(ready)
    bytes_of_one = slicer.util.arrayFromVolume(proxy).size * 4
    monkeypatch.setattr(applysection, "available_memory", lambda: 2.5 * bytes_of_one / applysection.MAPS_SHARE)
    ready.choose("inputVolumeSelector", proxy)
    click_answer(ready, "All")
    ready.click("applyButton")
    show_frame(1)
    ready.click("kernelResidualButton")
    assert ready.ui.whyStatusLabel.text.startswith("time = 1 s: ")
    show_frame(2)
    ready.click("worstPlaceButton")
    assert "memory has room for some" in ready.window.shown[-1]
