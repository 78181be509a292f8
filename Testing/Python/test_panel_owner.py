"""One run has the panel: whatever else could be begun waits, and the run's own button alone stops it."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd

BUTTONS = {"apply": ("applyButton", "Apply"), "measure": ("estimateButton", "Measure")}
LABELS = {"statusLabel": "apply", "estimateStatusLabel": "measure"}
SECTIONS = ("inputs", "kernels", "estimate", "method", "advanced", "preview", "region", "runs")


@pytest.fixture
def waits(user, monkeypatch):
    """The panel, able to apply, measure and preview; each of them goes on until it is cancelled."""
    from SpatialDeconvLib.mrml import estimating, previewing

    sharp, blurred = (user.add_volume(name=name) for name in ("sharp", "blurred"))
    user.choose("inputVolumeSelector", blurred)
    user.choose("originalVolumeSelector", sharp)
    user.choose("blurredVolumeSelector", blurred)
    user.click("addKernelButton")
    for name in ("estimateCollapsibleButton", "previewCollapsibleButton"):
        getattr(user.ui, name).collapsed = False
    slicer.util.setSliceViewerLayers(background=blurred)
    begun = []

    def until_cancelled(name):
        def work(*_arguments, progress=None, cancelled=None, **_options):
            begun.append(name)
            end = time.monotonic() + 10
            while not cancelled():
                assert time.monotonic() < end, f"{name} was not cancelled"
                progress(0.5, "working")
                time.sleep(0.005)
            raise sd.Cancelled

        return work

    monkeypatch.setattr(
        user.panel.logic, "run", lambda _r, _o, p, c: until_cancelled("apply")(progress=p, cancelled=c)
    )
    monkeypatch.setattr(estimating, "estimateKernel", until_cancelled("measure"))
    monkeypatch.setattr(previewing, "previewVolume", until_cancelled("preview"))
    return SimpleNamespace(user=user, ui=user.ui, begun=begun)


def press(waits, what):
    """Do what a user would do to begin something, or to end it all."""
    user, ui = waits.user, waits.ui
    if what in BUTTONS:
        user.click(BUTTONS[what][0])
    elif what == "preview":
        ui.previewCheckBox.checked = True
        user.panel.preview.onTimeout()
    elif what == "reload":
        user.panel.onReload()
    elif what == "close":
        slicer.mrmlScene.Clear(0)
    elif what == "leave":
        user.leave()


def enabled(ui, section):
    return getattr(ui, f"{section}CollapsibleButton").isEnabled()


def assert_free(user):
    """Nothing runs and nothing waits."""
    ui, runner = user.ui, user.panel.runner
    assert (runner.kind, runner.owner) == ("", "")
    for button, text in BUTTONS.values():
        assert getattr(ui, button).text == text
    assert all(enabled(ui, section) for section in SECTIONS)
    assert ui.estimateFields.isEnabled()
    assert not user.visible("progressBar")
    assert not user.visible("estimateProgressBar")


@pytest.mark.parametrize("first", ["apply", "measure"])
@pytest.mark.parametrize("second", ["apply", "measure", "preview", "reload", "close", "leave"])
def test_nothing_gets_in_the_way_of_a_run(waits, first, second):
    user, ui = waits.user, waits.ui
    own, other = (BUTTONS[name][0] for name in (first, "measure" if first == "apply" else "apply"))

    def meanwhile():
        assert getattr(ui, own).text == "Cancel"
        assert getattr(ui, own).isEnabled()
        assert not getattr(ui, other).isEnabled()
        assert "cancel" in getattr(ui, other).toolTip
        assert [name for name in SECTIONS if enabled(ui, name)] == (["estimate"] if first == "measure" else [])
        assert not ui.kernelTable.isEnabled()
        assert not ui.originalVolumeSelector.isEnabled()
        panel = user.panel
        if second != first:
            press(waits, second)
        assert user.panel is panel
        assert waits.begun == [first]
        if second == "leave":
            panel.runner.cancel()
        elif second not in ("reload", "close"):
            press(waits, first)
            assert not getattr(ui, own).isEnabled()

    user.soon(meanwhile, 600)
    press(waits, first)
    if second == "leave":
        user.come_back()
    assert [name for name in waits.begun if name != "preview"] == [first]
    ui.previewCheckBox.checked = False
    user.window.processEvents()
    assert_free(user)
    if second != "close":
        assert ui.applyButton.isEnabled()
        assert ui.estimateButton.isEnabled()
    assert user.window.shown == []


@pytest.mark.parametrize("what", ["apply", "measure"])
def test_a_double_click_begins_a_run_and_does_not_stop_it(waits, what):
    user = waits.user
    user.soon(lambda: press(waits, what), 100)
    user.soon(lambda: going.append(not user.panel.runner._job.cancelRequested), 300)
    user.soon(lambda: press(waits, what), 600)
    going = []
    press(waits, what)
    assert going == [True]
    assert waits.begun == [what]
    assert_free(user)


@pytest.mark.parametrize("what", ["apply", "measure"])
def test_escape_stops_a_run(waits, what):
    user, keys = waits.user, []
    (label,) = (getattr(user.ui, name) for name, run in LABELS.items() if run == what)

    def meanwhile():
        keys.append(user.panel._cancelKey.enabled)
        user.panel._cancelKey.activated()

    assert not user.panel._cancelKey.enabled
    user.soon(meanwhile, 50)
    press(waits, what)
    assert keys == [True]
    assert "Cancelled" in label.text
    assert not user.panel._cancelKey.enabled
    assert_free(user)


@pytest.mark.parametrize("second", ["apply", "measure"])
def test_a_run_begins_when_the_preview_has_unwound_and_can_be_cancelled_before(waits, second):
    user, ui = waits.user, waits.ui
    button = BUTTONS[second][0]
    asked = []

    def meanwhile():
        press(waits, second)
        assert user.panel.runner.owner == second.replace("measure", "estimate")
        assert getattr(ui, button).text == "Cancel"
        assert not ui.kernelTable.isEnabled()
        getattr(user.panel, user.panel.runner.owner).cancel()
        asked.append(True)

    user.soon(meanwhile, 50)
    press(waits, "preview")
    assert ui.previewStatusLabel.text == ""  # not what the preview that was given up has said
    ui.previewCheckBox.checked = False
    user.window.processEvents()
    assert asked
    assert waits.begun == ["preview"]
    assert_free(user)
    assert ui.applyButton.isEnabled()


@pytest.mark.parametrize("second", ["preview", "reload", "close", "leave"])
def test_a_preview_holds_nothing_up(waits, second):
    user = waits.user

    def meanwhile():
        assert waits.begun == ["preview"]
        assert waits.ui.applyButton.isEnabled()
        assert all(enabled(waits.ui, section) for section in SECTIONS)
        if second != "preview":
            press(waits, second)
        user.panel.runner.cancel("preview")

    user.soon(meanwhile, 50)
    press(waits, "preview")
    if second == "leave":
        user.come_back()
    waits.ui.previewCheckBox.checked = False
    user.window.processEvents()
    assert_free(user)


def test_a_measurement_that_ends_while_another_module_is_open_fills_the_table(waits, monkeypatch):
    from SpatialDeconvLib.mrml import estimating

    user = waits.user
    kernel = user.add_volume(np.ones((3, 3, 3), np.float32), "measured")
    facts = {"seconds": 1.0, "residual": None, "determined": None, "uncertainty": None, "warnings": ()}
    facts |= {"gain": 1, "offset": 0, "shift": (0, 0, 0)}

    def measure(*_arguments, **_options):
        user.leave()
        return kernel, SimpleNamespace(estimate=SimpleNamespace(**facts))

    monkeypatch.setattr(estimating, "estimateKernel", measure)
    user.click("estimateButton")
    user.come_back()
    assert user.parameters.kernels[-1].volume is kernel
    assert_free(user)


@pytest.mark.parametrize(("took", "share"), [(0.001, 0.03), (0.04, 0.18), (0.2, 0.41)])
def test_a_window_that_is_slow_to_paint_does_not_take_the_time_of_the_run(user, monkeypatch, took, share):
    from SpatialDeconvLib.panel import running

    now, painted = [0.0], []

    def paint():
        now[0] += took
        painted.append(now[0])

    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(running, "slicer", SimpleNamespace(app=SimpleNamespace(processEvents=paint)))

    def work(_progress, cancelled):
        for _ in range(10000):
            now[0] += 0.001
            cancelled()

    assert running.Task("apply", work, None, None).run() == (None, None)
    assert took * len(painted) / now[0] < share
    assert np.diff(painted).max() - took < 0.31
