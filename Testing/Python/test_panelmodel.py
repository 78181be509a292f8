"""What the panel decides, without Qt and without images."""

import dataclasses
import inspect
import json
from types import SimpleNamespace

import numpy as np
import pytest

from SpatialDeconvLib import operators, pipeline
from SpatialDeconvLib.doors import panelmodel
from SpatialDeconvLib.doors.panelmodel import KernelSetSummary, PanelState
from SpatialDeconvLib.errors import InputError, NotEnoughMemory
from SpatialDeconvLib.fields import KEYS
from SpatialDeconvLib.filters import BOUNDARIES, METHODS
from SpatialDeconvLib.kernels import Kernel
from SpatialDeconvLib.kernelsets import SCHEMA

INTENSITY = KernelSetSummary("", True, "intensity", 10)
REGION = KernelSetSummary("", True, "region", 3)
READY = PanelState(input_volume="volume", kernel_set=INTENSITY)


def with_(state=READY, **changes):
    return dataclasses.replace(state, **changes)


def write_set(tmp_path, content, name="set.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def kernel_set(*kernels, key="intensity", **more):
    return {"schema": SCHEMA, "key": key, "kernels": list(kernels), **more}


GAUSSIANS = [{"at": 10 * n, "type": "gaussian", "sigma_mm": 1.0} for n in range(1, 11)]


# -- agreement with the engine


def test_methods_and_what_they_have_are_those_of_the_engine():
    assert list(panelmodel.METHODS) == list(METHODS)
    for name, method in METHODS.items():
        assert panelmodel.METHODS[name].iterations == method.iterations
        assert panelmodel.METHODS[name].constant == (method.constant is not None)


def test_schema_and_keys_are_those_of_the_engine():
    assert panelmodel.SCHEMA == SCHEMA
    assert sorted(panelmodel.KEYS) == sorted(KEYS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("automatic", [True, False])
def test_the_engine_takes_every_option_of_deconvolve(method, automatic):
    state = with_(method=method, iterations=5, regularization_auto=automatic, noise_auto=automatic)
    accepted = set(inspect.signature(pipeline.deconvolve).parameters) | {"resample"}
    assert set(panelmodel.engine_options(state)) <= accepted


def test_the_engine_takes_every_option_of_convolve():
    state = with_(operation="convolve", mask="mask", exclude=True)
    options = panelmodel.engine_options(state)
    assert set(options) <= set(inspect.signature(pipeline.convolve).parameters) | {"resample"}
    assert options["exclude"] is True


def test_every_choice_of_the_engine_has_a_name():
    for name in METHODS:
        assert panelmodel.method_label(name)
        assert panelmodel.method_sentence(name).endswith(".")
        assert panelmodel.constant_label(name).endswith(":")
        assert panelmodel.constant_tool_tip(name).endswith(".")
    assert all(panelmodel.boundary_label(name) for name in BOUNDARIES)
    assert all(panelmodel.engine_label(name) for name in pipeline.ENGINES)
    assert all(panelmodel.model_label(name) for name in operators.MODELS)
    assert all(panelmodel.operation_label(name) for name in ("deconvolve", "convolve"))


# -- what is shown


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("inverse", {"regularization", "noise"}),
        ("tikhonov", {"regularization", "noise"}),
        ("wiener", {"noise"}),
        ("landweber", {"iterations", "regularization"}),
        ("projected-landweber", {"iterations", "regularization"}),
        ("richardson-lucy", {"iterations"}),
    ],
)
def test_only_what_the_method_has_is_shown(method, shown):
    parameters = {"iterations", "regularization", "noise", "exclude"}
    assert panelmodel.visible_controls(with_(method=method)) & parameters == shown


def test_noise_is_shown_only_while_it_changes_the_result():
    fixed = with_(method="tikhonov", regularization_auto=False)
    assert "noise" not in panelmodel.visible_controls(fixed)
    assert "noise" in panelmodel.visible_controls(with_(fixed, method="wiener"))


def test_convolution_shows_nothing_of_the_filters():
    shown = panelmodel.visible_controls(with_(operation="convolve"))
    assert not shown & {"method", "engine", "iterations", "regularization", "noise", "exclude"}
    assert "exclude" in panelmodel.visible_controls(with_(operation="convolve", mask="mask"))


def test_guide_and_labels_follow_the_key_of_the_kernel_set():
    assert "guide" in panelmodel.visible_controls(READY)
    assert "labels" not in panelmodel.visible_controls(READY)
    shown = panelmodel.visible_controls(with_(kernel_set=REGION))
    assert "labels" in shown
    assert "guide" not in shown
    assert not {"guide", "labels"} & panelmodel.visible_controls(with_(kernel_set=KernelSetSummary("broken")))


def test_resampling_is_offered_when_there_is_something_to_resample():
    assert "resample" not in panelmodel.visible_controls(READY)
    assert "resample" in panelmodel.visible_controls(with_(mask="mask"))
    # A guide that the kernel set has no use for is not resampled either.
    assert "resample" not in panelmodel.visible_controls(with_(guide="guide", kernel_set=REGION))


def test_a_value_waits_while_its_auto_is_checked():
    assert panelmodel.disabled_controls(READY) == {"regularizationValue", "noiseValue"}
    assert panelmodel.disabled_controls(with_(noise_auto=False)) == {"regularizationValue"}


# -- what goes to the engine


def test_automatic_values_are_left_to_the_engine():
    for method in METHODS:
        options = panelmodel.engine_options(with_(method=method))
        assert not {"iterations", "regularization", "noise"} & set(options)


def test_chosen_values_are_passed_on():
    state = with_(method="tikhonov", regularization_auto=False, regularization=0.25, boundary="zero")
    options = panelmodel.engine_options(state)
    assert (options["method"], options["regularization"], options["boundary"]) == ("tikhonov", 0.25, "zero")
    assert panelmodel.engine_options(with_(method="wiener", noise_auto=False, noise=3.0))["noise"] == 3.0
    assert panelmodel.engine_options(with_(method="richardson-lucy", iterations=7))["iterations"] == 7
    assert panelmodel.engine_options(with_(fill_nonfinite=True))["nonfinite"] == "fill"


def test_a_value_left_over_from_another_method_is_not_passed_on():
    state = with_(method="wiener", iterations=30, regularization_auto=False, regularization=0.5)
    assert not {"iterations", "regularization"} & set(panelmodel.engine_options(state))


def test_guide_and_labels_that_the_key_has_no_use_for_are_not_used():
    both = with_(guide="guide", labels="labels")
    assert (panelmodel.used_guide(both), panelmodel.used_labels(both)) == ("guide", None)
    region = with_(both, kernel_set=REGION)
    assert (panelmodel.used_guide(region), panelmodel.used_labels(region)) == (None, "labels")


# -- what is missing


def test_nothing_is_missing_when_input_and_kernel_set_are_chosen():
    assert panelmodel.what_is_missing(READY) == ""
    assert "Wiener" in panelmodel.apply_tool_tip(READY)
    assert "Wiener" not in panelmodel.apply_tool_tip(with_(operation="convolve"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"input_volume": None}, "input volume"),
        ({"kernel_set": KernelSetSummary("The file is odd.")}, "The file is odd."),
        ({"kernel_set": REGION}, "labels"),
        ({"output_volume": "volume"}, "output volume"),
        ({"mask": "mask", "output_volume": "mask"}, "output volume"),
    ],
)
def test_what_is_missing_is_named(changes, word):
    text = panelmodel.what_is_missing(with_(**changes))
    assert word in text
    assert panelmodel.apply_tool_tip(with_(**changes)) == text


# -- kernel set files


def test_a_kernel_set_is_summed_up_in_one_line(tmp_path):
    summary = panelmodel.kernel_set_summary(write_set(tmp_path, kernel_set(*GAUSSIANS)))
    assert summary == KernelSetSummary("10 Gaussian kernels, intensity 10 to 100.", True, "intensity", 10)


@pytest.mark.parametrize(
    ("kernels", "key", "words"),
    [
        ([{"type": "box", "width_mm": 3}], "uniform", "One box kernel"),
        ([{"type": "values", "values": [1]}], "uniform", "One stored kernel"),
        (
            [{"at": 1, "type": "box"}, {"at": "liver", "type": "disk"}],
            "region",
            "2 different kernels, keyed to regions",
        ),
        ([{"at": [0, 0, 0], "type": "box"}], "position", "keyed to position"),
        ([{"at": "w.nrrd", "type": "box"}], "weights", "weight image"),
        ([{"at": "high", "type": "box"}], "intensity", "keyed to intensity."),
    ],
)
def test_every_key_has_its_own_words(tmp_path, kernels, key, words):
    summary = panelmodel.kernel_set_summary(write_set(tmp_path, kernel_set(*kernels, key=key)))
    assert summary.usable
    assert summary.key == key
    assert words in summary.text


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "JSON (line 1)"),
        ("[]", "schema"),
        ({"schema": "other/1"}, "schema"),
        (kernel_set(key="weather"), "'weather'"),
        (kernel_set(), "empty"),
        (kernel_set(3), "empty"),
        (kernel_set({"at": 1, "type": "file", "path": "gone.nrrd"}), "gone.nrrd does not exist"),
    ],
)
def test_what_is_wrong_with_a_kernel_set_is_said(tmp_path, content, word):
    summary = panelmodel.kernel_set_summary(write_set(tmp_path, content))
    assert not summary.usable
    assert word in summary.text
    assert summary.key == ""


def test_a_path_that_is_no_kernel_set_is_said(tmp_path):
    assert "chosen" in panelmodel.kernel_set_summary("").text
    assert "no such" in panelmodel.kernel_set_summary(tmp_path / "gone.json").text
    assert "no such" in panelmodel.kernel_set_summary(tmp_path).text
    binary = tmp_path / "image.json"
    binary.write_bytes(bytes(range(128, 256)))
    assert "no text" in panelmodel.kernel_set_summary(binary).text


def test_kernel_files_are_looked_for_beside_the_set(tmp_path):
    (tmp_path / "k.nrrd").write_bytes(b"")
    path = write_set(tmp_path, kernel_set({"at": 1, "type": "file", "path": "k.nrrd"}))
    assert panelmodel.kernel_set_summary(path).usable


# -- texts


def result(**changes):
    values = {"seconds": 3.21, "noise": 1.234, "residual": 1.02, "iterations": None, "warnings": []} | changes
    return SimpleNamespace(**values)


def test_the_result_is_told_in_one_line_and_one_more_for_each_warning():
    text = panelmodel.result_text(result(iterations=10, warnings=["odd", "strange"]), "brain")
    first, *warnings = text.split("\n")
    assert first == "brain: done in 3.2 s, 10 iterations, noise 1.23, residual 1.02 (1 is ideal)."
    assert warnings == ["Warning: odd", "Warning: strange"]


def test_what_a_run_does_not_know_is_not_told():
    assert panelmodel.result_text(result(noise=None, residual=None), "a") == "a: done in 3.2 s."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.97, "10 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s")],
)
def test_durations_are_for_people(seconds, text):
    assert panelmodel.duration_text(seconds) == text


def test_remaining_time_is_told_once_it_can_be_known():
    assert panelmodel.progress_text(0.5, "filtering", 0.5) == "filtering"
    assert panelmodel.progress_text(0.25, "filtering", 10) == "filtering, about 30 s left"
    assert panelmodel.progress_text(1.0, "blended", 10) == "blended, about 0.0 s left"


def test_an_error_is_one_line():
    assert panelmodel.error_text(InputError("bad\n  value")) == "bad value"
    assert panelmodel.error_text(NotEnoughMemory("needs 3 GB")) == "needs 3 GB"
    assert "memory" in panelmodel.error_text(MemoryError())
    assert panelmodel.error_text(KeyError("k")) == "KeyError: 'k'"
    assert panelmodel.error_text(RuntimeError()) == "RuntimeError"


def engine_message(image, kernel, **options):
    with pytest.raises(InputError) as caught:
        pipeline.deconvolve(image, kernel, **options)
    return panelmodel.error_text(caught.value)


def test_an_error_says_where_the_panel_has_the_option_it_names():
    flat = Kernel(np.ones((3, 3)), 1.0)
    assert "Slice by slice" in engine_message(np.ones((5, 6, 7)), flat)
    assert "NaN and infinity" in engine_message(np.full((6, 7), np.nan), flat)
    assert "In the panel" not in engine_message(np.ones((6, 7)), flat, noise=-1.0)
