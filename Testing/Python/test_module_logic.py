"""The module file without Qt: its logic, its self test, and how it finds and reloads the library."""

import dataclasses
import importlib.util
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd
from SpatialDeconvLib import cases
from SpatialDeconvLib.kernels import sets as kernelsets
from SpatialDeconvLib.methods import choices
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.mrml import estimating, files, nodes, places
from SpatialDeconvLib.panel import kernelrows, reloading
from SpatialDeconvLib.panel import model as panelmodel

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


SELF_TESTS = re.findall(r"def (test_\w+)", MODULE_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SELF_TESTS)
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


def test_the_console_is_told_what_was_taken_and_why(module, volume, kernels, caplog):
    caplog.set_level("INFO")
    output, result = module.SpatialDeconvLogic().deconvolve(volume, kernels, noise=0.5)
    assert result.describe_choice().startswith("took joint ")
    assert f"{output.GetName()}: {result.describe_choice()}" in caplog.text
    caplog.clear()
    module.SpatialDeconvLogic().deconvolve(volume, kernels, method="tikhonov", noise=0.5)
    assert "took" not in caplog.text


def test_the_console_convolves(module, volume, kernels):
    output, _result = module.SpatialDeconvLogic().convolve(volume, kernels, model="source")
    direct = sd.convolve(slicer.util.arrayFromVolume(volume), kernels, spacing=1.0, model="source")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(output), direct.image)


@pytest.fixture
def parameter_node(module, scene):
    return module.SpatialDeconvLogic().getParameterNode()


def parts():
    """The parts of the panel that work without Qt; imported once the stand-ins are there."""
    from SpatialDeconvLib.panel import parameters, running

    return SimpleNamespace(parameters=parameters, running=running)


def request_of(parameter_node):
    parameters = parts().parameters
    state = parameters.stateOf(parameter_node)
    assert panelmodel.whatIsMissing(state) == ""
    return panelmodel.runFrom(state, parameters.fieldOf(parameter_node))


def rows_of(path):
    return kernelrows.rowsFromFile(path)[1]


@pytest.mark.parametrize("operation", ["Deconvolve", "Convolve"])
def test_the_panel_gives_the_consoles_numbers(module, volume, kernels, tmp_path, parameter_node, operation):
    path, parameters = tmp_path / "set.json", parts().parameters
    entries = [{"at": n, "type": "gaussian", "sigma_mm": 0.01 * n} for n in (10, 100)]
    path.write_text(json.dumps({"schema": kernelsets.SCHEMA, "key": "intensity", "kernels": entries}))
    parameter_node.inputVolume = volume
    parameter_node.operation = parameters.Operation[operation]
    parameters.setRows(parameter_node, rows_of(path))
    logic = module.SpatialDeconvLogic()
    from_panel, _result = logic.run(request_of(parameter_node))
    from_console, _result = getattr(logic, operation.lower())(volume, path)
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(from_panel), slicer.util.arrayFromVolume(from_console)
    )


def test_the_panel_passes_mask_and_labels_on(module, volume, parameter_node):
    parameters = parts().parameters
    halves = np.ones((6, 14, 12), np.uint8)
    halves[:, 7:] = 2
    labels, mask = (
        slicer.util.addVolumeFromArray(a, nodeClassName="vtkMRMLLabelMapVolumeNode") for a in (halves, halves - 1)
    )
    node = parameter_node
    node.inputVolume, node.labels, node.mask = volume, labels, mask
    node.kernelKey, node.regionKind = parameters.KernelKey.Region, parameters.RegionKind.Segments
    rows = [kernelrows.KernelRow(at=str(n), size=str(0.5 * n)) for n in (1, 2)]
    parameters.setRows(node, rows)
    output, _result = module.SpatialDeconvLogic().run(request_of(node))
    changed = slicer.util.arrayFromVolume(output) != slicer.util.arrayFromVolume(volume)
    assert changed[:, 7:].all()
    assert not changed[:, :7].any()


def test_a_threshold_range_and_a_box_are_regions(module, volume, parameter_node):
    parameters, node = parts().parameters, parameter_node
    node.inputVolume, node.regionKind = volume, parameters.RegionKind.Threshold
    node.thresholdLower, node.thresholdUpper = 20.0, 40.0
    parameters.setRows(node, [kernelrows.KernelRow(at="10")])
    before = slicer.util.arrayFromVolume(volume)
    after = slicer.util.arrayFromVolume(module.SpatialDeconvLogic().run(request_of(node))[0])
    assert ((before != after) == ((before >= 20) & (before <= 40))).all()
    node.regionKind = parameters.RegionKind.Box
    assert "box" in panelmodel.whatIsMissing(parameters.stateOf(node)).lower()
    node.box = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    places.fitBox(node.box, volume)
    changed = before != slicer.util.arrayFromVolume(module.SpatialDeconvLogic().run(request_of(node))[0])
    assert changed[2:4, 4:10, 3:9].all()
    assert not changed[0].any()


def test_some_segments_of_a_segmentation_are_a_region(module, volume, parameter_node):
    parameters, node = parts().parameters, parameter_node
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    files.registerConverterRules()
    ids = [segmentation.GetSegmentation().AddEmptySegment("", name) for name in ("liver", "lung")]
    node.inputVolume, node.regionKind, node.mask = volume, parameters.RegionKind.Segments, segmentation
    assert parameters.maskOf(node) is segmentation
    node.maskSegments = [ids[1], "one of another segmentation"]
    assert parameters.maskOf(node) == (segmentation, [ids[1]])
    assert parameters.stateOf(node).hasSegments


# -- what the scene stores


def test_every_row_of_the_table_is_stored_in_the_scene(module, volume, parameter_node, tmp_path):
    parameters = parts().parameters
    kernelrows = parameters.kernelrows  # of the modules that the stand-ins have loaded last
    rows = [
        kernelrows.KernelRow("10", "gaussian", "3, 1.5, 1.5", options='{"truncate": 3}'),
        kernelrows.KernelRow("20", "motion", "5", "0, 1, 1"),
        kernelrows.KernelRow("30", "volume", volume=volume, logarithm="decimal"),
        kernelrows.KernelRow("40", "file", path=str(tmp_path / "k.nrrd"), logarithm="natural"),
    ]
    parameters.setRows(parameter_node, rows)
    parameter_node.kernelKey = parameters.KernelKey.Position
    again = slicer.vtkMRMLScene()
    again.SetLoadFromXMLString(1)
    slicer.mrmlScene.SetSaveToXMLString(1)
    slicer.mrmlScene.Commit()
    again.SetSceneXMLString(slicer.mrmlScene.GetSceneXMLString())
    again.Import()
    node = parameters.openParameterNode(again.GetSingletonNode("SpatialDeconv", "vtkMRMLScriptedModuleNode"))
    restored = parameters.rowsOf(node)
    assert node.kernelKey == parameters.KernelKey.Position
    assert restored[2].volume.GetName() == volume.GetName()
    assert restored[2].volume.GetScene() is again
    assert [dataclasses.replace(row, volume=None) for row in restored] == [
        dataclasses.replace(row, volume=None) for row in rows
    ]


def test_the_mask_of_an_earlier_version_is_still_the_region(module, scene):
    parameters = parts().parameters
    raw = module.ScriptedLoadableModuleLogic.getParameterNode(module.SpatialDeconvLogic())
    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    raw.SetParameter("mask.0", "")  # the first class of the union, as the wrapper stores it
    raw.SetNodeReferenceID("mask.0", mask.GetID())
    node = parameters.openParameterNode(raw)
    assert node.mask is mask
    assert node.regionKind == parameters.RegionKind.Segments
    node.regionKind = parameters.RegionKind.Whole
    assert parameters.openParameterNode(raw).regionKind == parameters.RegionKind.Whole


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
    monkeypatch.setattr(parts().running, "time", clock)
    return clock


@pytest.fixture
def events(module, monkeypatch):
    """What happens while Slicer is let to handle its events: functions, called once each."""
    waiting, handled = [], []

    def process():
        handled.append(1)
        if waiting:
            waiting.pop(0)()

    monkeypatch.setattr(slicer, "app", SimpleNamespace(processEvents=process), raising=False)
    return SimpleNamespace(handled=handled, then=waiting.append)


@pytest.fixture
def runner(module, clock, events):
    return parts().running.JobRunner()


def working(clock, steps=40, result="done"):
    """A function that works for `steps` tenths of a second and stops when it is asked to."""

    def work(progress, cancelled):
        for step in range(steps):
            clock.now += 0.1
            progress(step / steps, "working")
            if cancelled():
                raise sd.Cancelled
        return result

    return work


class Ends:
    """Keeps how runs ended."""

    def __init__(self):
        self.all = []

    def __call__(self, name):
        return lambda result, error: self.all.append((name, result, type(error).__name__))


def test_a_run_lets_slicer_repaint_ten_times_a_second(runner, clock, events):
    shown, ends = [], Ends()

    def work(progress, cancelled):
        for step in range(1, 101):  # one second in steps of 10 ms
            clock.now = step / 100 + 1e-6
            progress(step / 100, "filtering") if step % 2 else cancelled()

    runner.start(work, ends("run"), "apply", lambda *what: shown.append(what))
    assert 10 <= len(events.handled) <= 20
    assert len(shown) == len(events.handled)
    fraction, text, seconds = shown[-1]
    assert (text, seconds) == ("filtering", pytest.approx(fraction, abs=0.06))
    assert ends.all == [("run", None, "NoneType")]
    assert runner.kind == ""


def test_a_run_that_is_to_stop_says_so_and_shows_no_more_progress(runner, clock, events):
    shown, ends = [], Ends()
    events.then(runner.cancel)
    runner.start(working(clock), ends("run"), "apply", lambda *what: shown.append(what))
    assert ends.all == [("run", None, "Cancelled")]
    assert len(shown) == 1


def test_an_apply_stops_a_preview_and_starts_when_that_has_unwound(runner, clock, events):
    ends, order = Ends(), []

    def apply(progress, cancelled):
        order.append((runner.kind, runner.owner))
        return "result"

    events.then(lambda: order.append(runner.start(apply, ends("apply"), "apply")))
    runner.start(working(clock), ends("preview"), "preview")
    assert order == [True, ("apply", "apply")]
    assert ends.all == [("preview", None, "Cancelled"), ("apply", "result", "NoneType")]


def test_the_latest_preview_wins_and_none_disturbs_an_apply(runner, clock, events):
    ends = Ends()
    events.then(lambda: runner.start(working(clock, 3), ends("second"), "preview"))
    events.then(lambda: runner.start(working(clock, 3, "latest"), ends("third"), "preview"))
    runner.start(working(clock), ends("first"), "preview")
    assert ends.all[0] == ("first", None, "Cancelled")
    assert ends.all[-1] == ("third", "latest", "NoneType")
    refused = []
    events.then(lambda: refused.append(runner.start(working(clock), None, "preview")))
    events.then(lambda: refused.append(runner.start(working(clock), None, "estimate")))
    runner.start(working(clock, 5), ends("apply"), "apply")
    assert refused == [False, False]
    assert ends.all[-1] == ("apply", "done", "NoneType")


def test_a_panel_that_has_gone_is_called_no_more(runner, clock, events):
    ends, shown = Ends(), []
    events.then(runner.abandon)
    runner.start(working(clock), ends("run"), "apply", lambda *what: shown.append(what))
    assert ends.all == []
    assert len(shown) == 1
    assert runner.kind == ""


def test_a_run_whose_end_cannot_be_shown_does_not_stop_the_next(runner, clock, events, caplog):
    ends = Ends()

    def fail(result, error):
        raise KeyError("no such widget")

    events.then(lambda: runner.start(working(clock, 2), ends("apply"), "apply"))
    runner.start(working(clock), fail, "preview")
    assert ends.all == [("apply", "done", "NoneType")]
    assert "no such widget" in caplog.text


# -- the parameter node's words are the engine's


def test_choices_of_the_panel_are_those_of_the_engine(module):
    p = parts().parameters
    tables = {
        p.Method: methods.offered("blend"), p.JointMethod: methods.offered("joint"), p.Whose: choices.WHOSE,
        p.Boundary: choices.FIXED_BOUNDARIES, p.JointBoundary: choices.BOUNDARIES, p.Model: choices.MODELS,
        p.Engine: choices.ENGINES, p.KernelKey: choices.KEYS, p.Outside: choices.OUTSIDES,
        p.Interpolation: choices.INTERPOLATIONS, p.KernelKind: kernelrows.KINDS, p.Strategy: choices.STRATEGIES,
        p.Operation: choices.OPERATIONS, p.EstimateMethod: choices.ESTIMATION_METHODS,
    }  # fmt: skip
    for enumeration, table in tables.items():
        assert [member.value for member in enumeration] == list(table)
        assert [member.label() for member in enumeration] == [entry.label for entry in table.values()]
    assert {c.value for c in p.Constraint} <= {*choices.CONSTRAINTS, "none"}
    for enumeration in (p.RegionKind, p.EstimateTarget, p.Constraint):
        assert all(member.label() for member in enumeration)


def test_the_scene_keeps_the_names_of_the_choices(module):
    # A scene saved by an earlier version names them: they may be added to, never renamed.
    p = parts().parameters
    stored = {
        p.Operation: ["Deconvolve", "Convolve"],
        p.RegionKind: ["Whole", "Segments", "Threshold", "Box"],
        p.KernelKey: ["Intensity", "Region", "Position", "Uniform", "Weights"],
        p.KernelKind: [
            "Gaussian", "Motion", "Box", "Disk", "Ball", "Mean", "Sum", "Cross", "Laplacian", "Sharpen", "Identity",
            "Volume", "File",
        ],
        p.Logarithm: ["No", "Natural", "Decimal"],
        p.Interpolation: ["Linear", "Nearest", "InverseDistance"],
        p.Outside: ["Nearest", "Unchanged", "Error"],
        p.Whose: ["Auto", "Measured", "TrueValues"],
        p.Strategy: ["Auto", "Blend", "Joint"],
        p.Method: ["Auto", "Inverse", "Tikhonov", "Wiener", "Landweber", "ProjectedLandweber", "RichardsonLucy"],
        p.JointMethod: [
            "Auto", "RichardsonLucy", "Landweber", "ProjectedLandweber", "Tikhonov", "TotalVariation", "SelfKeyed",
        ],
        p.Model: ["Detector", "Source"],
        p.Boundary: ["Edge", "Zero", "Periodic"],
        p.JointBoundary: ["Edge", "Zero", "Periodic", "Extended"],
        p.Engine: ["SimpleITK", "FFT"],
        p.EstimateTarget: ["OneKernel", "KernelOfEachRow"],
        p.EstimateMethod: ["LeastSquares", "Fourier"],
        p.Constraint: ["Simplex", "NonNegative", "SumOne", "Free"],
    }  # fmt: skip
    for enumeration, names in stored.items():
        assert set(names) <= set(enumeration.__members__)


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
        "SpatialDeconv.findLibrary(); import SpatialDeconvLib; print(before, SpatialDeconvLib.__file__)\n"
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
    assert estimating.__name__ in modules
    order = reloading.loadOrder(modules)
    assert sorted(order) == sorted(modules)
    place = {name.removeprefix("SpatialDeconvLib."): number for number, name in enumerate(order)}
    for earlier, later in (
        ("errors", "kernels.kernel"),
        ("kernels.kernel", "kernels.field"),
        ("kernels.field", "run.pipeline"),
        ("filters.itk", "run.pipeline"),
        ("kernels.kernel", "estimation.pair"),
        ("estimation.equations", "estimation.solve"),
        ("estimation.run", "estimation"),
        ("estimation", "mrml.estimating"),
        ("estimation.fits.single", "estimation.fits.fields"),
        ("estimation.fits", "mrml.estimating"),
        ("mrml.scene", "mrml.nodes"),
        ("run.pipeline", "mrml.nodes"),
    ):
        assert place[earlier] < place[later], (earlier, later)


def test_reloading_brings_in_what_changed(tmp_path):
    shutil.copytree(
        ROOT / "SpatialDeconvLib", tmp_path / "SpatialDeconvLib", ignore=shutil.ignore_patterns("__py*")
    )
    code = (
        "import pathlib, SpatialDeconvLib as sd, SpatialDeconvLib.panel.model, SpatialDeconvLib.run.pipeline\n"
        "from SpatialDeconvLib.panel import reloading\n"
        "file = pathlib.Path(sd.errors.__file__)\n"
        "file.write_text(file.read_text() + '\\nInputError.marker = 1\\n')\n"
        "names = reloading.reloadLibrary()\n"
        "print(sd.InputError.marker, sd.run.pipeline.InputError is sd.errors.InputError, len(names) > 10)\n"
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
    from SpatialDeconvLib.panel import samples

    def small_case():
        return cases.portal_case(size=48, kernel_size=24)

    monkeypatch.setitem(samples.CASES, "portal", small_case)
    logic = module.SpatialDeconvLogic()
    blurred, truth = logic.loadSample("portal", tmp_path / "made" / "here")
    case = small_case()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(blurred), case.blurred)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(truth), case.truth)
    assert blurred.GetSpacing() == pytest.approx(case.spacing[::-1])
    chosen = logic.getParameterNode()
    assert chosen.inputVolume is blurred
    assert panelmodel.whatIsMissing(parts().parameters.stateOf(chosen)) == ""
    output, _result = logic.run(request_of(chosen))
    before, after = (sd.rmse(case.truth, slicer.util.arrayFromVolume(node)) for node in (blurred, output))
    assert after < before


def test_a_sample_that_does_not_exist_is_named(module, scene, tmp_path):
    with pytest.raises(sd.InputError, match=r"'liver'.*brain, portal"):
        module.SpatialDeconvLogic().loadSample("liver", tmp_path)
