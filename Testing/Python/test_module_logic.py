"""The module file without Qt: its logic, its self test, and how it finds and reloads the library."""

import importlib.util
import inspect
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd
from SpatialDeconvLib import filters, operators, pipeline
from SpatialDeconvLib.doors import nodes, panelmodel, reloading

ROOT = Path(__file__).resolve().parents[2]
MODULE_FILE = ROOT / "SpatialDeconv" / "SpatialDeconv.py"


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def module():
    """The module file, imported with stand-ins for what slicer-core does not ship."""
    stand_ins = load(ROOT / "Testing" / "StandIns" / "slicer_scripted.py", "slicer_scripted")
    uninstall = stand_ins.install()
    yield load(MODULE_FILE, "SpatialDeconv")
    uninstall()
    sys.modules.pop("SpatialDeconv")
    sys.modules.pop("slicer_scripted")


@pytest.fixture
def scene(monkeypatch):
    scene = slicer.vtkMRMLScene()
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    return scene


@pytest.fixture
def volume(scene):
    array = np.random.default_rng(0).uniform(10, 100, (6, 14, 12)).astype(np.float32)
    node = slicer.util.addVolumeFromArray(array)
    node.SetName("noise")
    return node


@pytest.fixture
def kernels():
    return sd.KernelField.by_intensity({10: sd.gaussian_kernel(0.6), 100: sd.gaussian_kernel(1.2)})


# -- the self test, as Slicer runs it


@pytest.mark.parametrize(
    "name",
    [
        "test_OneKernelEqualsSimpleITK",
        "test_TenKernelsRestoreABlurredVolume",
        "test_ConvolvingKeepsAConstantVolume",
        "test_OutputHasTheGeometryOfTheInput",
        "test_CancellingLeavesTheSceneAsItWas",
        "test_BadInputIsOneLineAndLeavesTheSceneAsItWas",
    ],
)
def test_self_test_passes(module, scene, name):
    case = module.SpatialDeconvTest(name)
    case.setUp()
    getattr(case, name)()


def test_reload_and_test_runs_every_test_of_the_self_test(module, scene, monkeypatch):
    tests = [name for name in dir(module.SpatialDeconvTest) if name.startswith("test_")]
    ran = []
    for name in tests:
        monkeypatch.setattr(module.SpatialDeconvTest, name, lambda self, n=name: ran.append(n))
    module.SpatialDeconvTest().runTest()
    assert sorted(ran) == sorted(tests)


# -- the logic


def test_the_console_gives_the_engines_numbers(module, volume, kernels):
    output, result = module.SpatialDeconvLogic().deconvolve(volume, kernels, method="tikhonov", noise=0.5)
    direct = sd.deconvolve(slicer.util.arrayFromVolume(volume), kernels, spacing=1.0, method="tikhonov", noise=0.5)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(output), direct.image)
    assert result.parameters == direct.parameters


def test_the_console_convolves(module, volume, kernels):
    output, _result = module.SpatialDeconvLogic().convolve(volume, kernels, model="source")
    direct = sd.convolve(slicer.util.arrayFromVolume(volume), kernels, spacing=1.0, model="source")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(output), direct.image)


@pytest.mark.parametrize("operation", ["deconvolve", "convolve"])
def test_the_panel_gives_the_consoles_numbers(module, volume, kernels, tmp_path, operation):
    path = tmp_path / "set.json"
    sd.write_kernel_set(path, kernels)
    state = panelmodel.PanelState(
        operation=operation, input_volume=volume, kernel_set=panelmodel.kernel_set_summary(path)
    )
    assert panelmodel.what_is_missing(state) == ""
    run = SimpleNamespace(progress=lambda fraction, text: None, cancelled=lambda: False)
    logic = module.SpatialDeconvLogic()
    from_panel, _result = logic.runState(state, str(path), run)
    from_console, _result = getattr(logic, operation)(volume, path)
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(from_panel), slicer.util.arrayFromVolume(from_console)
    )


def test_the_panel_passes_mask_and_labels_on(module, volume, tmp_path):
    path = tmp_path / "set.json"
    entries = [{"at": n, "type": "gaussian", "sigma_mm": 0.5 * n} for n in (1, 2)]
    path.write_text(json.dumps({"schema": panelmodel.SCHEMA, "key": "region", "kernels": entries}))
    halves = np.ones((6, 14, 12), np.uint8)
    halves[:, 7:] = 2
    labels, mask = (
        slicer.util.addVolumeFromArray(a, nodeClassName="vtkMRMLLabelMapVolumeNode") for a in (halves, halves - 1)
    )
    state = panelmodel.PanelState(
        input_volume=volume, labels=labels, mask=mask, kernel_set=panelmodel.kernel_set_summary(path)
    )
    run = SimpleNamespace(progress=None, cancelled=None)
    output, _result = module.SpatialDeconvLogic().runState(state, str(path), run)
    changed = slicer.util.arrayFromVolume(output) != slicer.util.arrayFromVolume(volume)
    assert changed[:, 7:].all()
    assert not changed[:, :7].any()


def test_logic_has_the_arguments_of_the_glue(module):
    for ours, theirs in (
        (module.SpatialDeconvLogic.deconvolve, nodes.deconvolveVolume),
        (module.SpatialDeconvLogic.convolve, nodes.convolveVolume),
    ):
        named = [p for p in inspect.signature(theirs).parameters if p != "resample"]
        assert [p for p in inspect.signature(ours).parameters if p != "self"] == named


# -- a run of the panel


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(module, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def events(module, monkeypatch):
    """Count how often Slicer was let to handle its events."""
    handled = []
    monkeypatch.setattr(slicer, "app", SimpleNamespace(processEvents=lambda: handled.append(1)), raising=False)
    return handled


def test_a_run_lets_slicer_repaint_ten_times_a_second(module, clock, events):
    shown = []
    run = module.PanelRun(lambda *what: shown.append(what))
    for step in range(1, 101):  # one second in steps of 10 ms
        clock.now = step / 100 + 1e-6
        run.progress(step / 100, "filtering") if step % 2 else run.cancelled()
    assert 8 <= len(events) <= 10
    assert len(shown) == len(events)
    fraction, text, seconds = shown[-1]
    assert (text, seconds) == ("filtering", pytest.approx(fraction, abs=0.02))


def test_a_run_that_is_to_stop_says_so_and_shows_no_more_progress(module, clock, events):
    shown = []
    run = module.PanelRun(lambda *what: shown.append(what))
    run.cancelRequested = True
    clock.now = 1.0
    assert run.cancelled()
    assert (len(events), shown) == (1, [])


class Panel:
    """The widget class with plain objects for its widgets, as far as a run needs them."""

    def __init__(self, module, logic, state):
        self.widget = module.SpatialDeconvWidget.__new__(module.SpatialDeconvWidget)
        names = ("progressBar", "applyButton", "statusLabel", *module.SECTIONS)
        self.ui = SimpleNamespace(**{name: SimpleNamespace(enabled=True, text="") for name in names})
        self.widget.__dict__.update(
            ui=self.ui, logic=logic, _model=panelmodel, _run=None, _parameterNode=SimpleNamespace(kernelSetPath="k")
        )
        self.widget.panelState = lambda: state
        self.widget.onParameterNodeModified = lambda: None

    def press(self):
        self.widget.onApplyButton()


@pytest.fixture
def dialogs(monkeypatch):
    shown = []
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, **more: shown.append(text))
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **more: None)
    return shown


STATE = panelmodel.PanelState(
    input_volume="volume", kernel_set=panelmodel.KernelSetSummary("", True, "intensity", 2)
)
DONE = sd.Result(np.zeros(1), seconds=2.0)


def logic_that(run_state):
    return SimpleNamespace(runState=run_state)


def test_a_finished_run_is_told_and_gives_the_inputs_back(module, scene, events, dialogs):
    seen = []

    def run_state(state, path, run):
        seen.append((panel.ui.inputsCollapsibleButton.enabled, panel.ui.applyButton.text))
        return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "result"), DONE

    panel = Panel(module, logic_that(run_state), STATE)
    panel.press()
    assert seen == [(False, "Cancel")]
    assert panel.ui.inputsCollapsibleButton.enabled
    assert panel.ui.applyButton.text == "Apply"
    assert panel.ui.statusLabel.text == "result: done in 2.0 s."
    assert dialogs == []


def test_pressing_again_cancels_and_leaves_nothing(module, scene, events, dialogs):
    def run_state(state, path, run):
        panel.press()  # as processEvents would do
        assert run.cancelled()
        raise sd.Cancelled

    panel = Panel(module, logic_that(run_state), STATE)
    panel.press()
    assert "Cancelled" in panel.ui.statusLabel.text
    assert dialogs == []
    assert panel.widget._run is None


def test_a_wish_to_stop_after_the_last_look_removes_the_new_node(module, scene, events, dialogs):
    def run_state(state, path, run):
        panel.press()
        return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"), DONE

    panel = Panel(module, logic_that(run_state), STATE)
    before = scene.GetNumberOfNodes()
    panel.press()
    assert scene.GetNumberOfNodes() == before
    assert "Cancelled" in panel.ui.statusLabel.text


def test_closing_the_scene_in_mid_run_leaves_the_new_scene_alone(module, scene, events, dialogs):
    def run_state(state, path, run):
        panel.widget.setParameterNode = lambda node: None
        panel.widget.onSceneStartClose(None, None)
        return scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"), DONE

    panel = Panel(module, logic_that(run_state), STATE)
    before = scene.GetNumberOfNodes()
    panel.press()
    assert scene.GetNumberOfNodes() == before
    assert dialogs == []


def test_closing_the_panel_in_mid_run_touches_no_widget_any_more(module, scene, events, dialogs):
    def run_state(state, path, run):
        panel.widget.setParameterNode = lambda node: None
        panel.widget.removeObservers = lambda: None
        panel.widget.cleanup()
        panel.widget.ui = None  # any access raises
        raise sd.Cancelled

    panel = Panel(module, logic_that(run_state), STATE)
    panel.press()
    assert dialogs == []


@pytest.mark.parametrize(
    "error", [sd.InputError("levels 10 and 10 are equal;\n give each once"), OSError("no disk")]
)
def test_bad_input_is_one_line_in_a_dialog_and_not_logged(module, scene, events, dialogs, caplog, error):
    def run_state(state, path, run):
        raise error

    panel = Panel(module, logic_that(run_state), STATE)
    with caplog.at_level(logging.ERROR):
        panel.press()
    assert dialogs == [panel.ui.statusLabel.text] == [" ".join(str(error).split())]
    assert caplog.records == []


def test_a_mistake_of_ours_is_logged_with_its_traceback(module, scene, events, dialogs, caplog):
    def run_state(state, path, run):
        raise KeyError("oops")

    panel = Panel(module, logic_that(run_state), STATE)
    with caplog.at_level(logging.ERROR):
        panel.press()
    assert dialogs == ["KeyError: 'oops'"]
    assert caplog.records[0].exc_info[0] is KeyError


def test_a_kernel_set_that_has_gone_is_told_instead_of_run(module, scene, events, dialogs):
    state = panelmodel.PanelState(input_volume="volume", kernel_set=panelmodel.KernelSetSummary("It is gone."))
    panel = Panel(module, logic_that(None), state)
    panel.press()
    assert "It is gone." in dialogs[0]


# -- the parameter node's words are the engine's


def test_choices_of_the_panel_are_those_of_the_engine(module):
    assert [m.value for m in module.Method] == list(filters.METHODS)
    assert [b.value for b in module.Boundary] == list(filters.BOUNDARIES)
    assert [m.value for m in module.Model] == list(operators.MODELS)
    assert [e.value for e in module.Engine] == list(pipeline.ENGINES)
    for choices in (module.Operation, module.Method, module.Model, module.Boundary, module.Engine):
        assert all(choice.label() for choice in choices)


def test_the_scene_keeps_the_names_of_the_choices(module):
    # A scene saved by an earlier version names them: they may be added to, never renamed.
    stored = {
        module.Operation: ["Deconvolve", "Convolve"],
        module.Method: ["Inverse", "Tikhonov", "Wiener", "Landweber", "ProjectedLandweber", "RichardsonLucy"],
        module.Model: ["Detector", "Source"],
        module.Boundary: ["Edge", "Zero", "Periodic"],
        module.Engine: ["SimpleITK", "FFT"],
    }
    for choices, names in stored.items():
        assert set(names) <= set(choices.__members__)


# -- finding and reloading the library


@pytest.mark.parametrize("layout", ["checkout", "installed"])
def test_the_library_is_found_in_both_layouts(tmp_path, layout):
    folder = tmp_path / "SpatialDeconv" if layout == "checkout" else tmp_path
    folder.mkdir(exist_ok=True)
    shutil.copy(MODULE_FILE, folder)
    shutil.copytree(
        ROOT / "SpatialDeconvLib", tmp_path / "SpatialDeconvLib", ignore=shutil.ignore_patterns("__py*")
    )
    code = (
        f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT / 'Testing' / 'StandIns')!r}]\n"
        "import slicer_scripted; slicer_scripted.install()\n"
        "import SpatialDeconv; before = 'SpatialDeconvLib' in sys.modules, 'SimpleITK' in sys.modules\n"
        "SpatialDeconv.panelModel(); import SpatialDeconvLib; print(before, SpatialDeconvLib.__file__)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = tmp_path / "SpatialDeconvLib" / "__init__.py"
    assert done.stdout.strip() == f"(False, False) {expected}"


def test_a_missing_library_is_named(module, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "a" / "SpatialDeconv.py"))
    with pytest.raises(ImportError, match="install the extension again"):
        module.findLibrary()


def test_modules_are_reloaded_after_those_they_import():
    modules = {n: m for n, m in sys.modules.items() if n.split(".")[0] == "SpatialDeconvLib"}
    order = reloading.loadOrder(modules)
    assert sorted(order) == sorted(modules)
    place = {name.removeprefix("SpatialDeconvLib."): number for number, name in enumerate(order)}
    for earlier, later in (
        ("errors", "kernels"),
        ("kernels", "fields"),
        ("fields", "pipeline"),
        ("filters", "pipeline"),
        ("doors.scene", "doors.nodes"),
        ("pipeline", "doors.nodes"),
    ):
        assert place[earlier] < place[later], (earlier, later)


def test_reloading_brings_in_what_changed(tmp_path):
    shutil.copytree(
        ROOT / "SpatialDeconvLib", tmp_path / "SpatialDeconvLib", ignore=shutil.ignore_patterns("__py*")
    )
    code = (
        "import pathlib, SpatialDeconvLib as sd, SpatialDeconvLib.doors.panelmodel, SpatialDeconvLib.pipeline\n"
        "from SpatialDeconvLib.doors import reloading\n"
        "file = pathlib.Path(sd.errors.__file__)\n"
        "file.write_text(file.read_text() + '\\nInputError.marker = 1\\n')\n"
        "names = reloading.reloadLibrary()\n"
        "print(sd.InputError.marker, sd.pipeline.InputError is sd.errors.InputError, len(names) > 10)\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "True", "True"]


# -- sample data


class SampleDataLogic:
    """Keeps what Slicer's SampleData.SampleDataLogic.registerCustomSampleDataSource is given."""

    sources = ()

    @classmethod
    def registerCustomSampleDataSource(cls, **source):
        cls.sources = (*cls.sources, SimpleNamespace(**source))


def test_both_demo_cases_are_registered_without_a_download(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=SampleDataLogic))
    monkeypatch.setattr(SampleDataLogic, "sources", ())
    module.registerSampleData()
    names = [source.sampleName for source in SampleDataLogic.sources]
    assert names == ["SpatialDeconvBrain", "SpatialDeconvPortal"]
    for source in SampleDataLogic.sources:
        assert source.customDownloader is module.loadSample
        assert not source.uris.startswith(("http", "ftp"))
        assert Path(source.thumbnailFileName).is_file()


def test_a_sample_is_loaded_with_its_kernel_set_and_chosen_in_the_panel(module, scene, tmp_path, monkeypatch):
    from SpatialDeconvLib.doors import demo, samples

    def small_case():
        return demo.portal_case(size=48, kernel_size=24)

    monkeypatch.setitem(samples.CASES, "portal", small_case)
    logic = module.SpatialDeconvLogic()
    chosen = SimpleNamespace()
    monkeypatch.setattr(logic, "getParameterNode", lambda: chosen)
    blurred, truth = logic.loadSample("portal", tmp_path / "made" / "here")
    case = small_case()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(blurred), case.blurred)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(truth), case.truth)
    assert blurred.GetSpacing() == pytest.approx(case.spacing[::-1])
    assert chosen.inputVolume is blurred
    assert panelmodel.kernel_set_summary(chosen.kernelSetPath).usable
    output, _result = logic.deconvolve(blurred, chosen.kernelSetPath)
    before, after = (sd.rmse(case.truth, slicer.util.arrayFromVolume(node)) for node in (blurred, output))
    assert after < before


def test_a_sample_that_does_not_exist_is_named(module, scene, tmp_path):
    with pytest.raises(sd.InputError, match=r"'liver'.*brain, portal"):
        module.SpatialDeconvLogic().loadSample("liver", tmp_path)
