"""What the panel decides, without Qt and without images."""

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from SpatialDeconvLib.errors import InputError, NotEnoughMemory
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, registry
from SpatialDeconvLib.methods import choices
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.panel import kernelfields, kernelrows
from SpatialDeconvLib.panel import model as panelmodel
from SpatialDeconvLib.panel.model import KernelSetSummary, PanelState
from SpatialDeconvLib.run import pipeline
from SpatialDeconvLib.run.forecast import Forecast
from SpatialDeconvLib.run.settings import DeconvolveSettings

INTENSITY = KernelSetSummary("", True, "intensity", 10)
REGION = KernelSetSummary("", True, "region", 3)
READY = PanelState(inputVolume="volume", kernelSet=INTENSITY)


def with_(state=READY, **changes):
    return dataclasses.replace(state, **changes)


# -- agreement with the engine


def choosing(strategy, method, state=READY, **changes):
    name = "jointMethod" if strategy == "joint" else "blendMethod"
    return with_(state, strategy=strategy, **{name: method}, **changes)


EVERY_METHOD = [(method.strategy, method.name) for method in methods.METHODS]
EVERYTHING_OFFERED = [(method.strategy, method.name) for method in (*methods.AUTOMATIC, *methods.METHODS)]


@pytest.mark.parametrize(("strategy", "method"), EVERY_METHOD)
@pytest.mark.parametrize("automatic", [True, False])
def test_the_engine_takes_every_option_of_deconvolve(strategy, method, automatic):
    state = choosing(strategy, method, iterations=2, offsetAuto=automatic, noiseAuto=automatic)
    state = with_(state, regularizationAuto=automatic, regularization=0.01, noise=0.5)
    options = panelmodel.settingsFrom(state).parameters()
    image = np.random.default_rng(3).uniform(5, 10, (12, 13))
    field = KernelField.by_intensity({5: gaussian_kernel(0.5, ndim=2), 10: gaussian_kernel(1.0, ndim=2)})
    result = pipeline.deconvolve(image, field, **options)  # refuses what a method does not have
    assert result.parameters["method"] == method
    assert result.parameters == options
    given = {name: options[name] for name in ("regularization", "noise", "offset")}
    shown = panelmodel.visibleControls(state)
    assert given == {name: "auto" if automatic or name not in shown else getattr(state, name) for name in given}


def test_the_engine_takes_every_option_of_convolve():
    state = with_(operation="convolve", region="box", mask="mask", exclude=True, cascade=True)
    options = panelmodel.settingsFrom(state).parameters()
    assert set(options) <= set(inspect.signature(pipeline.convolve).parameters)
    assert options["exclude"] is True


def test_every_choice_of_the_engine_has_a_name():
    for strategy, name in EVERYTHING_OFFERED:
        assert panelmodel.methodLabel(name, strategy)
        assert panelmodel.methodSentence(name, strategy).endswith(".")
        constant = methods.method(strategy, name).constant is not None
        assert panelmodel.constantLabel(name, strategy).endswith(":") == constant
        assert panelmodel.constantToolTip(name, strategy).endswith(".") == constant
        iterates = panelmodel.methodTraits(name, strategy).iterates
        assert bool(panelmodel.defaultIterationsText(name, strategy)) == iterates
    tables = [
        choices.BOUNDARIES,
        choices.ENGINES,
        choices.MODELS,
        choices.OPERATIONS,
        choices.KEYS,
        choices.OUTSIDES,
        choices.WHOSE,
    ]
    assert all(panelmodel.labelOf(table, name) for table in tables for name in table)
    assert all(panelmodel.strategySentence(name).endswith(".") for name in choices.STRATEGIES)


# -- texts that the engine's registries hold


def collected(module):
    """The texts of a module as Slicer's update_translations.py finds them: with their context, by their look."""
    path = Path(module.__file__)
    source = path.read_text(encoding="utf-8")
    literals = re.findall(r"[^_]_\(\s*?(\".+?\")\s*?\)", source, re.DOTALL)
    return {(f"{path.parent.name}.{path.stem}", ast.literal_eval(f"({literal})")) for literal in literals}


@pytest.fixture
def asked(monkeypatch):
    """The texts that the panel has asked a translation for, with their context."""
    found = set()
    monkeypatch.setattr(panelmodel, "translate", lambda context, text: found.add((context, text)) or f"<{text}>")
    return found


def test_the_panel_asks_for_the_texts_that_slicer_collects(asked):
    for strategy, name in EVERYTHING_OFFERED:
        panelmodel.methodLabel(name, strategy)
        panelmodel.methodSentence(name, strategy)
        panelmodel.translated(panelmodel.methodTraits(name, strategy).in_prose)
        panelmodel.constantLabel(name, strategy)
        panelmodel.constantToolTip(name, strategy)
    assert asked == collected(methods)
    asked.clear()
    for table in vars(choices).values():
        if isinstance(table, dict) and all(isinstance(entry, choices.Choice) for entry in table.values()):
            for word in table:
                panelmodel.labelOf(table, word)
                panelmodel.sentenceOf(table, word)
    assert asked == collected(choices)
    asked.clear()
    for kind in kernelrows.KINDS:
        kernelrows.kindLabel(kind)
        kernelrows.kindSentence(kind)
        kernelrows.sizeLabel(kind)
        fields = kernelfields.fieldsOf(kind)
        given = kernelfields.optionsText({field.name: 1 for field in fields})
        kernelrows.parametersText(kernelrows.KernelRow(kind=kind, path="k.npy", options=given))
        for field in fields:
            kernelfields.fieldLabel(field)
            assert kernelfields.fieldToolTip(field).endswith(".")
    assert asked == collected(registry)


def test_a_translation_that_lost_a_placeholder_is_not_used(monkeypatch):
    assert "1.33" in panelmodel.constantToolTip("landweber", "joint")
    for found in ("Schrittweite", "Schrittweite bis {mehr}", "Schrittweite bis {most"):
        monkeypatch.setattr(panelmodel, "translate", lambda context, text, found=found: found)
        assert panelmodel.constantToolTip("landweber", "joint").startswith("Length of one step, at most 1.33")
    monkeypatch.setattr(panelmodel, "translate", lambda context, text: "Schrittweite bis {most}")
    assert panelmodel.constantToolTip("landweber", "joint") == "Schrittweite bis 1.33"


# -- what is shown


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("inverse", {"regularization", "noise"}),
        ("tikhonov", {"regularization", "noise"}),
        ("wiener", {"noise"}),
        ("landweber", {"iterations", "regularization"}),
        ("projected-landweber", {"iterations", "regularization", "offset"}),
        ("richardson-lucy", {"iterations", "offset"}),
    ],
)
def test_only_what_the_method_has_is_shown(method, shown):
    parameters = {"iterations", "regularization", "noise", "exclude", "offset"}
    assert panelmodel.visibleControls(choosing("blend", method)) & parameters == shown


def test_automatic_needs_no_method_and_asks_for_nothing_that_a_method_has():
    assert READY.method == "auto"
    shown = panelmodel.visibleControls(READY)
    assert {"noise", "jointBoundary"} <= shown
    assert not shown & {"strategy", "method", "jointMethod", "engine", "iterations", "regularization", "boundary"}
    # Whatever was chosen for a method that is not asked for any more.
    left = with_(blendMethod="tikhonov", jointMethod="self-keyed", iterations=3, engine="fft", guide="guide")
    settings = panelmodel.settingsFrom(with_(left, regularizationAuto=False, jointBoundary="extended"))
    assert settings == DeconvolveSettings(boundary="extended")
    assert panelmodel.usedGuide(left) == "guide"
    assert panelmodel.whatIsMissing(with_(left, kernelSet=REGION, labels="labels")) == ""


@pytest.mark.parametrize("strategy", ["blend", "joint"])
def test_a_strategy_chooses_its_method_by_itself_unless_one_is_chosen(strategy):
    state = with_(strategy=strategy)
    assert state.method == "auto"
    assert not panelmodel.visibleControls(state) & {"iterations", "regularization"}
    settings = panelmodel.settingsFrom(with_(state, iterations=3, regularizationAuto=False))
    assert settings == DeconvolveSettings(strategy=strategy)


def test_whose_intensity_is_asked_where_the_answer_changes_the_run():
    def asked(state):
        return "of" in panelmodel.visibleControls(state)

    assert asked(READY)
    assert asked(choosing("joint", "auto"))
    assert not asked(with_(strategy="blend"))  # it takes the values that it sees
    assert not asked(choosing("joint", "tv"))
    assert not asked(choosing("joint", "self-keyed"))
    assert not asked(with_(guide="guide"))
    assert not asked(with_(kernelSet=REGION))
    assert not asked(with_(operation="convolve"))
    lines = panelmodel.whoseToolTip().splitlines()
    assert [line.split(": ")[0] for line in lines] == [choice.label for choice in choices.WHOSE.values()]
    assert all(line.endswith(".") for line in lines)


def test_the_offset_is_shown_for_the_solvers_whose_result_it_bounds():
    shown = {n for n in methods.methods_of("joint") if "offset" in panelmodel.visibleControls(choosing("joint", n))}
    assert shown == {"richardson-lucy", "projected-landweber", "tv", "self-keyed", "pnp"}
    image = np.random.default_rng(3).uniform(5, 10, (12, 13))
    field = KernelField.by_intensity({5: gaussian_kernel(0.5, ndim=2), 10: gaussian_kernel(1.0, ndim=2)})
    for name in methods.methods_of("joint"):
        chosen = choosing("joint", name, offsetAuto=False, offset=9.0, iterations=2)
        options = panelmodel.settingsFrom(chosen).parameters()
        assert (pipeline.deconvolve(image, field, **options).image.min() >= 9.0) == (name in shown)


def test_joint_has_solvers_and_boundaries_of_its_own():
    blend, joint = (panelmodel.visibleControls(with_(strategy=name)) for name in ("blend", "joint"))
    assert blend & {"method", "jointMethod"} == {"method"}
    assert joint & {"method", "jointMethod"} == {"jointMethod"}
    assert blend & {"boundary", "jointBoundary", "engine"} == {"boundary", "engine"}
    assert joint & {"boundary", "jointBoundary", "engine"} == {"jointBoundary"}
    chosen = choosing("joint", "tv", jointBoundary="extended", blendBoundary="zero")
    settings = panelmodel.settingsFrom(chosen)
    assert (settings.strategy, settings.method, settings.boundary) == ("joint", "tv", "extended")
    assert panelmodel.settingsFrom(with_(chosen, engine="fft")).engine == "simpleitk"  # it has none
    # Convolution has one boundary condition, whatever strategy was chosen before.
    assert panelmodel.settingsFrom(with_(chosen, operation="convolve")).boundary == "zero"


def test_self_keyed_finds_the_guide_by_itself():
    state = choosing("joint", "self-keyed", guide="guide")
    assert panelmodel.usedGuide(state) is None
    assert "guide" not in panelmodel.visibleControls(state)
    assert panelmodel.whatIsMissing(state) == ""
    assert "intensity" in panelmodel.whatIsMissing(with_(state, kernelSet=REGION, labels="labels"))


@pytest.mark.parametrize("region", ["segments", "threshold", "box"])
def test_a_region_shows_what_it_needs_and_asks_for_it(region):
    control = {"segments": "segmentation"}.get(region, region)
    controls = {"segmentation", "threshold", "box"}
    assert panelmodel.visibleControls(with_(region=region)) & controls == {control}
    assert "region" in panelmodel.whatIsMissing(with_(region=region))
    assert panelmodel.whatIsMissing(with_(region=region, mask="mask")) == ""
    assert panelmodel.regionLabel(region)


def test_segments_can_be_chosen_where_there_are_some():
    assert "segments" not in panelmodel.visibleControls(with_(region="segments", mask="labels"))
    assert "segments" in panelmodel.visibleControls(with_(region="segments", mask="s", hasSegments=True))


def test_kernels_in_the_slice_need_slice_by_slice():
    flat = with_(kernelSet=dataclasses.replace(INTENSITY, flat=True), slices=20)
    assert "Slice by slice" in panelmodel.whatIsMissing(flat)
    assert "slicewise" in panelmodel.visibleControls(flat)
    assert panelmodel.whatIsMissing(with_(flat, slicewise=True)) == ""
    assert panelmodel.whatIsMissing(with_(flat, slices=1)) == ""
    assert "slicewise" not in panelmodel.visibleControls(with_(flat, slices=1))


def test_noise_is_shown_only_while_it_changes_the_result():
    fixed = choosing("blend", "tikhonov", regularizationAuto=False)
    assert "noise" not in panelmodel.visibleControls(fixed)
    assert "noise" in panelmodel.visibleControls(with_(fixed, blendMethod="wiener"))


def test_convolution_shows_nothing_of_the_filters():
    shown = panelmodel.visibleControls(with_(operation="convolve"))
    assert not shown & {"method", "engine", "iterations", "regularization", "noise", "exclude"}
    assert "exclude" in panelmodel.visibleControls(with_(operation="convolve", region="box"))
    assert {"normalize", "cascade"} <= shown


def test_guide_and_labels_follow_the_key_of_the_kernel_set():
    assert "guide" in panelmodel.visibleControls(READY)
    assert "labels" not in panelmodel.visibleControls(READY)
    shown = panelmodel.visibleControls(with_(kernelSet=REGION))
    assert "labels" in shown
    assert "guide" not in shown
    uniform = with_(kernelSet=KernelSetSummary("", True, "uniform", 1))
    assert not {"guide", "labels", "interpolation", "outside"} & panelmodel.visibleControls(uniform)


def test_resampling_is_offered_when_there_is_something_to_resample():
    assert "resample" not in panelmodel.visibleControls(READY)
    assert "resample" in panelmodel.visibleControls(with_(mask="mask"))
    # A guide that the kernel set has no use for is not resampled either.
    assert "resample" not in panelmodel.visibleControls(with_(guide="guide", kernelSet=REGION))


def test_a_value_waits_while_its_auto_is_checked():
    assert panelmodel.disabledControls(READY) == {"regularizationValue", "noiseValue", "offsetValue"}
    assert panelmodel.disabledControls(with_(noiseAuto=False)) == {"regularizationValue", "offsetValue"}


# -- what goes to the engine


def test_automatic_values_are_left_to_the_engine():
    for method in methods.methods_of("blend"):
        settings = panelmodel.settingsFrom(choosing("blend", method))
        assert settings.method == method
        assert settings.iterations is None
        assert settings.regularization == settings.noise == settings.offset == "auto"


def test_chosen_values_are_passed_on():
    state = choosing("blend", "tikhonov", regularizationAuto=False, regularization=0.25, blendBoundary="zero")
    settings = panelmodel.settingsFrom(state)
    assert (settings.method, settings.regularization, settings.boundary) == ("tikhonov", 0.25, "zero")
    assert panelmodel.settingsFrom(choosing("blend", "wiener", noiseAuto=False, noise=3.0)).noise == 3.0
    assert panelmodel.settingsFrom(choosing("blend", "richardson-lucy", iterations=7)).iterations == 7
    assert panelmodel.settingsFrom(choosing("blend", "wiener", engine="fft")).engine == "fft"
    assert panelmodel.settingsFrom(with_(fillNonfinite=True)).nonfinite == "fill"


def test_a_value_left_over_from_another_method_is_not_passed_on():
    state = choosing("blend", "wiener", iterations=30, regularizationAuto=False, regularization=0.5)
    settings = panelmodel.settingsFrom(state)
    assert (settings.iterations, settings.regularization) == (None, "auto")


def test_guide_and_labels_that_the_key_has_no_use_for_are_not_used():
    both = with_(guide="guide", labels="labels")
    assert (panelmodel.usedGuide(both), panelmodel.usedLabels(both)) == ("guide", None)
    region = with_(both, kernelSet=REGION)
    assert (panelmodel.usedGuide(region), panelmodel.usedLabels(region)) == (None, "labels")


# -- what is missing


def test_nothing_is_missing_when_input_and_kernel_set_are_chosen():
    assert panelmodel.whatIsMissing(READY) == ""
    assert "Automatic" in panelmodel.applyToolTip(READY)
    assert "Wiener" in panelmodel.applyToolTip(choosing("blend", "wiener"))
    assert "Wiener" not in panelmodel.applyToolTip(choosing("blend", "wiener", operation="convolve"))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"inputVolume": None}, "input volume"),
        ({"slices": 0}, "empty"),
        ({"kernelSet": KernelSetSummary("The file is odd.")}, "The file is odd."),
        ({"kernelSet": REGION}, "label map"),
        ({"outputVolume": "volume"}, "output volume"),
        ({"region": "box", "mask": "mask", "outputVolume": "mask"}, "output volume"),
        ({"region": "segments", "mask": ("seg", ["a"]), "outputVolume": "seg"}, "output volume"),
    ],
)
def test_what_is_missing_is_named(changes, word):
    text = panelmodel.whatIsMissing(with_(**changes))
    assert word in text
    assert panelmodel.applyToolTip(with_(**changes)) == text


# -- texts


def result(**changes):
    values = {"seconds": 3.21, "noise": 1.234, "residual": 1.02, "iterations": None, "warnings": []} | changes
    return pipeline.Result(np.zeros((1, 1, 1)), **values)


def test_the_result_is_told_in_one_line_and_one_more_for_each_warning():
    text = panelmodel.resultText(result(iterations=10, warnings=["odd", "strange"]), "brain")
    first, *warnings = text.split("\n")
    assert first == "brain: done in 3.2 s, 10 iterations, noise 1.23, residual 1.02 (1 is ideal)."
    assert warnings == ["Warning: odd", "Warning: strange"]


def test_where_even_kernels_have_their_centre_is_told():
    text = panelmodel.resultText(result(automatic={"centre": "n // 2"}), "brain")
    assert text.endswith("residual 1.02 (1 is ideal), centre of the kernels: n // 2.")


def test_the_residual_of_an_image_without_noise_is_no_number():
    assert panelmodel.resultText(result(noise=1e-7, residual=4e5), "a").endswith("residual far above the noise.")


def test_a_sequence_is_told_in_one_line_with_each_warning_once():
    frames = [result(residual=1.5, warnings=["odd"]), result(residual=1.2, warnings=["odd", "new"])]
    first, *warnings = panelmodel.sequenceText(frames, "cine").split("\n")
    assert first == "cine: 2 frames done in 6.4 s of work, at most residual 1.5 (1 is ideal)."
    assert warnings == ["Warning: odd", "Warning: new"]


TOOK_TV = {"strategy": "joint", "method": "tv", "why": "kernels keyed by region"}
TOOK_BLEND = {"strategy": "blend", "method": "auto", "why": "the least memory"}


def test_what_a_run_took_by_itself_is_told_with_the_reason():
    chosen = result(automatic=TOOK_TV, warnings=["odd"])
    told = "Took joint total variation: kernels keyed by region."
    assert panelmodel.resultText(chosen, "a").splitlines()[1:] == [told, "Warning: odd"]
    blended = result(automatic=TOOK_BLEND)
    ending = "\nTook blend with a filter chosen for each kernel: the least memory."
    assert panelmodel.resultText(blended, "a").endswith(ending)
    frames = panelmodel.sequenceText([chosen, blended, chosen], "a").splitlines()
    assert len(frames) == 4
    assert frames.count(told) == 1
    given = result(parameters={"strategy": "blend", "method": "wiener"}, automatic={"noise": 1.0})
    assert len(panelmodel.resultText(given, "a").splitlines()) == 1


def test_what_a_run_does_not_know_is_not_told():
    assert panelmodel.resultText(result(noise=None, residual=None), "a") == "a: done in 3.2 s."


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.97, "10 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s")],
)
def test_durations_are_for_people(seconds, text):
    assert panelmodel.durationText(seconds) == text


def test_remaining_time_is_told_once_it_can_be_known():
    assert panelmodel.progressText(0.5, "filtering", 0.5) == "filtering"
    assert panelmodel.progressText(0.0, "Measuring...", 12) == "Measuring, 12 s so far"
    assert panelmodel.progressText(0.25, "filtering", 10) == "filtering, about 30 s left"
    assert panelmodel.progressText(1.0, "blended", 10) == "blended, about 0.0 s left"


def test_an_error_is_one_line():
    assert panelmodel.errorText(InputError("bad\n  value")) == "bad value"
    assert panelmodel.errorText(NotEnoughMemory("needs 3 GB")) == "needs 3 GB"
    assert "memory" in panelmodel.errorText(MemoryError())
    assert panelmodel.errorText(KeyError("k")) == "KeyError: 'k'"
    assert panelmodel.errorText(RuntimeError()) == "RuntimeError"


def engine_message(image, kernel, **options):
    with pytest.raises((InputError, NotEnoughMemory)) as caught:
        pipeline.deconvolve(image, kernel, **options)
    return panelmodel.errorText(caught.value)


def test_an_error_says_where_the_panel_has_the_option_it_names():
    flat = Kernel(np.ones((3, 3)), 1.0)
    assert "Slice by slice" in engine_message(np.ones((5, 6, 7)), flat)
    assert "NaN and infinity" in engine_message(np.full((6, 7), np.nan), flat)
    narrow = KernelField.by_intensity({0.0: flat, 1.0: flat}, outside="error")
    assert "Kernels, Outside" in engine_message(np.full((6, 7), 2.0), narrow)
    assert "Advanced, Offset" in engine_message(np.ones((6, 7)), flat, method="richardson-lucy", offset=2.0)
    assert "Inputs, Engine" in engine_message(np.ones((6, 7)), flat, method="wiener", memory_limit=3e-5)
    assert "In the panel" not in engine_message(np.ones((6, 7)), flat, noise=-1.0)


def test_what_the_engine_says_of_arguments_is_said_of_controls():
    """Also when the engine's words change: they are the engine's own here."""
    logarithm = Kernel(np.full((3, 3), -9.0))
    negative = [*logarithm.check()]
    with pytest.raises(InputError) as caught:
        logarithm.normalized()
    negative.append(str(caught.value))
    for text in negative:
        assert "log=True" in text
        assert "log=True" not in panelmodel.inPanelWords(text)
        assert "Values are" in panelmodel.inPanelWords(text)
    assert panelmodel.inPanelWords("nothing to say otherwise") == "nothing to say otherwise"


def test_an_error_that_one_click_cures_names_the_parameter():
    def cure(**how):
        found = panelmodel.cureOf(InputError("bad", **how))
        return found and found.parameter

    assert cure(nonfinite="fill") == "fillNonfinite"
    assert cure(resample=True) == "resample"
    assert cure(slicewise=True) == "slicewise"
    assert cure(engine="simpleitk") is None
    assert panelmodel.cureOf(OSError("disk full")) is None


# -- measuring


@pytest.mark.parametrize(
    ("original", "blurred", "target", "state", "word"),
    [
        (None, "b", "one", READY, "sharp"),
        ("a", None, "one", READY, "blurred"),
        ("a", "a", "one", READY, "blurred"),
        ("a", "b", "rows", with_(kernelSet=KernelSetSummary("", False)), "table"),
        ("a", "b", "rows", with_(kernelSet=KernelSetSummary("", True, "uniform", 1)), "keyed"),
        ("a", "b", "rows", with_(kernelSet=REGION), "label map"),
    ],
)
def test_what_a_measurement_needs_is_named(original, blurred, target, state, word):
    assert word in panelmodel.estimateIsMissing(original, blurred, target, state)


def test_a_measurement_needs_no_finished_kernels():
    unfinished = KernelSetSummary("Kernel 1: no volume is chosen.", False, "intensity", 3)
    assert panelmodel.estimateIsMissing("a", "b", "rows", with_(kernelSet=unfinished)) == ""
    assert panelmodel.estimateIsMissing("a", "b", "one", with_(kernelSet=KernelSetSummary(""))) == ""


def test_a_measurement_is_told_in_one_line():
    facts = {"gain": 1.0, "offset": 0.0, "shift": (0.0, 0.0), "warnings": ["odd"], "determined": None}
    estimate = SimpleNamespace(seconds=2.0, residual=1.01, uncertainty=0.034, **facts)
    text = panelmodel.estimateText(estimate)
    assert text == "Measured in 2.0 s, residual 1.01 (1 is ideal), uncertainty 3 %.\nWarning: odd"
    estimate.determined, estimate.gain, estimate.shift = [True, False], 1.25, (0.0, 0.5)
    text = panelmodel.estimateText(estimate)
    assert "1 of 2 kernels determined" in text
    assert "gain 1.25, shift 0.00, 0.50 mm" in text


# -- what is foreseen


def test_times_are_said_as_ranges_to_a_digit_or_so():
    times = {
        0.4: "less than a second",
        1.5: "up to 3 s",
        3.4: "2 s to 7 s",
        23: "10 s to 45 s",
        80: "40 s to 3 min",
    }
    times |= {3000: "25 min to 2 h", 9000: "75 min to 5 h"}
    assert {seconds: panelmodel.betweenText(seconds, 2.0) for seconds in times} == times


def test_what_a_run_may_turn_out_to_take_is_said_with_its_time():
    other = Forecast("joint", "self-keyed", 40.0)
    text = panelmodel.foreseenText(READY, Forecast("joint", "richardson-lucy", 3.0, other))
    assert text.startswith("Joint, Richardson-Lucy: 2 s to 4 s. ")
    assert text.endswith("If the kernels belong to true values: Self-keyed total variation, 25 s to 60 s.")


def test_a_hint_is_for_the_kernels_that_it_helps():
    flat = kernelrows.tableSummary("uniform", [kernelrows.KernelRow(kind="disk", size="3")])
    moved = kernelrows.tableSummary("uniform", [kernelrows.KernelRow(kind="motion", size="3")])
    hints = [panelmodel.whatIsMissing(with_(kernelSet=each, slices=5)) for each in (flat, moved)]
    assert ["direction" in hint for hint in hints] == [False, True]
    assert all("Slice by slice" in hint for hint in hints)
