"""What "auto" takes, and what it says of that."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays import memory
from SpatialDeconvLib.arrays.watch import UNWATCHED
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.methods.choices import NAMED_STRATEGIES
from SpatialDeconvLib.run import choose
from SpatialDeconvLib.run.blocks import BlockMemory, block_of
from SpatialDeconvLib.run.inputs import Inputs
from SpatialDeconvLib.run.settings import DeconvolveSettings
from SpatialDeconvLib.run.whose import Finding

SIGMAS = (0.8, 2.0)


@pytest.fixture(scope="module")
def truth():
    rng = np.random.default_rng(3)
    image = ndimage.gaussian_filter(rng.random((48, 48)), 3) > 0.5
    return (20 + 70 * image + 5 * ndimage.gaussian_filter(rng.random((48, 48)), 2)).astype(np.float32)


def by_intensity(**options):
    return sd.KernelField.by_intensity(
        {20: sd.gaussian_kernel(0.8, ndim=2), 90: sd.gaussian_kernel(2.0, ndim=2)}, **options
    )


def blurred(truth, field, guide=None):
    y = sd.convolve(truth, field, guide=guide).image
    return y + np.random.default_rng(0).normal(0, 0.5, y.shape).astype(np.float32)


def taken(result):
    return result.automatic["strategy"], result.automatic["method"]


def test_kernels_of_true_values_are_looked_for_along_with_the_image(truth):
    field = by_intensity(of="true")
    result = sd.deconvolve(blurred(truth, field), field)
    assert taken(result) == ("joint", "pnp")
    assert result.automatic["of"] == "true"
    assert result.automatic["self_keyed"]
    assert result.describe_choice().endswith("kernels keyed to true values, as was given")


def test_kernels_of_measured_values_are_those_of_the_image_at_hand(truth):
    field = by_intensity(of="measured")
    result = sd.deconvolve(blurred(truth, field), field)
    assert taken(result) == ("joint", "pnp")
    assert result.automatic["of"] == "measured"
    assert not result.automatic["self_keyed"]


@pytest.mark.parametrize("of", ["measured", "true"])
def test_a_guide_leaves_nothing_to_decide(truth, of):
    field = by_intensity(of=of)
    result = sd.deconvolve(blurred(truth, field), field, guide=truth)
    assert taken(result) == ("joint", "pnp")
    assert "of" not in result.automatic
    assert "chosen by the guide" in result.automatic["why"]


@pytest.mark.parametrize("key", ["uniform", "region", "position", "weights"])
def test_other_keys_take_plug_and_play(truth, key):
    kernels = [sd.gaussian_kernel(sigma, ndim=2) for sigma in SIGMAS]
    halves = np.zeros(truth.shape, int)
    halves[:, 24:] = 1
    field = {
        "uniform": sd.KernelField.uniform(kernels[0]),
        "region": sd.KernelField.by_region(halves, dict(enumerate(kernels))),
        "position": sd.KernelField.by_position({(0, 0): kernels[0], (0, 47): kernels[1]}),
        "weights": sd.KernelField.by_weights([1.0 - halves, 1.0 * halves], kernels),
    }[key]
    result = sd.deconvolve(blurred(truth, field), field)
    assert taken(result) == ("joint", "pnp")
    assert {"uniform": "one kernel everywhere"}.get(key, key) in result.automatic["why"]


def test_the_automatic_choice_has_the_bits_of_the_method_it_names(truth):
    field = by_intensity(of="true")
    y = blurred(truth, field)
    automatic = sd.deconvolve(y, field)
    named = sd.deconvolve(y, field, strategy="joint", method="pnp")
    np.testing.assert_array_equal(automatic.image, named.image)


def test_a_recipe_keeps_what_was_asked_for(truth):
    field = by_intensity(of="true")
    result = sd.deconvolve(blurred(truth, field), field)
    assert (result.parameters["strategy"], result.parameters["method"]) == ("auto", "auto")
    assert result.method is methods.method("joint", "pnp")


@pytest.mark.parametrize(("clear", "of"), [(True, "true"), (True, "measured"), (False, "measured")])
def test_the_image_decides_whose_values_it_is_and_doubt_is_told(truth, monkeypatch, clear, of):
    monkeypatch.setattr(choose, "whose_values", lambda *_, **__: Finding(of, clear, "the reason", {of: 1.0}))
    field = by_intensity()
    result = sd.deconvolve(blurred(truth, field), field)
    assert result.automatic["of"] == of
    assert result.automatic["self_keyed"] == (of == "true")
    assert result.automatic["why"] == "the reason"
    told = [text for text in result.warnings if "the reason" in text]
    assert bool(told) != clear
    assert clear or told[0].endswith("if the levels are true values, say so")


@pytest.mark.parametrize("options", [{"interpolation": "nearest"}, {"outside": "unchanged"}])
def test_true_values_that_cannot_be_looked_for_are_said_to_be_measured_ones(truth, options):
    field = by_intensity(of="true", **options)
    result = sd.deconvolve(blurred(truth, field), field)
    assert taken(result) == ("joint", "pnp")
    assert any("were not looked for" in text for text in result.warnings)


def test_a_method_that_contradicts_the_key_is_refused(truth):
    with pytest.raises(
        sd.InputError, match=r"'self-keyed' looks for the true values .* keyed to measured"
    ) as caught:
        sd.deconvolve(truth, by_intensity(of="measured"), method="self-keyed")
    assert caught.value.cure == {"method": "tv", "of": "true"}


def test_a_linear_method_says_that_the_true_values_are_not_looked_for(truth):
    field = by_intensity(of="true")
    result = sd.deconvolve(blurred(truth, field), field, method="tv")
    assert any("keyed to true values, but method 'tv'" in text for text in result.warnings)
    guided = sd.deconvolve(blurred(truth, field), field, method="tv", guide=truth)
    assert not any("keyed to true values" in text for text in guided.warnings)


@pytest.mark.parametrize("of", ["true", "measured"])
def test_a_linear_method_says_so_too_where_the_image_tells(truth, monkeypatch, of):
    asked = []
    monkeypatch.setattr(
        choose, "whose_values", lambda *_, **__: asked.append(1) or Finding(of, True, "the reason", {of: 1.0})
    )
    y, field = blurred(truth, by_intensity(of="true")), by_intensity()
    result = sd.deconvolve(y, field, method="tv")
    assert asked
    assert result.automatic["of"] == of
    assert any("keyed to true values, but method 'tv'" in text for text in result.warnings) == (of == "true")
    # Nothing that this would decide is asked for.
    asked.clear()
    sd.deconvolve(y, field, method="tv", regularization=0.1)
    sd.deconvolve(y, field, method="tikhonov")
    assert not asked


def test_what_does_not_fit_into_memory_makes_way_and_that_is_said(truth, monkeypatch):
    field = sd.KernelField.uniform(sd.gaussian_kernel(1.0, ndim=2))
    y = blurred(truth, field)
    needed = {"pnp": 3e9, "tv": 2e9, "richardson-lucy": 1e9}
    monkeypatch.setattr(choose, "joint_memory", lambda job, method: (2 * needed[method.name], needed[method.name]))
    for free, expected in (
        (4e9, ("joint", "pnp")),
        (2.5e9, ("joint", "tv")),
        (1.5e9, ("joint", "richardson-lucy")),
        (5e8, ("blend", "auto")),
    ):
        monkeypatch.setattr(memory, "available_memory", lambda free=free: free)
        result = sd.deconvolve(y, field)
        assert taken(result) == expected
        assert ("not enough memory for pnp (2.8 GiB)" in result.automatic["why"]) == (free < 3e9)


def test_what_the_blend_cannot_do_is_not_left_to_it(truth, monkeypatch):
    field = sd.KernelField.uniform(sd.gaussian_kernel(1.0, ndim=2))
    monkeypatch.setattr(memory, "available_memory", lambda: 1e3)
    with pytest.raises(sd.NotEnoughMemory):
        sd.deconvolve(blurred(truth, field), field, boundary="extended")


def test_a_method_named_alone_is_of_the_first_strategy_that_has_it():
    for name in methods.names():
        settings = DeconvolveSettings(method=name)
        expected = [s for s in NAMED_STRATEGIES if name in methods.methods_of(s)]
        assert settings.strategy == (expected[0] if expected else "auto")


@pytest.mark.parametrize("strategy", ["auto", *NAMED_STRATEGIES])
@pytest.mark.parametrize("option", [{"iterations": 5}, {"regularization": 0.1}])
def test_an_automatic_method_takes_no_iterations_and_no_constant(strategy, option):
    with pytest.raises(sd.InputError, match="name a method") as caught:
        DeconvolveSettings(strategy=strategy, **option)
    assert caught.value.option == next(iter(option))


@pytest.mark.parametrize(("of", "method"), [("true", "self-keyed"), ("measured", "tv")])
def test_large_images_take_the_quicker_method_and_that_is_said(truth, monkeypatch, of, method):
    monkeypatch.setattr(choose, "_MOST_FOR_PNP", truth.size - 1)
    field = by_intensity(of=of)
    result = sd.deconvolve(blurred(truth, field), field)
    assert taken(result) == ("joint", method)
    assert result.automatic["why"].endswith("; the quicker of two methods, as the image is large")


@pytest.mark.parametrize(("of", "method"), [("true", "self-keyed"), ("measured", "tv")])
def test_strong_noise_takes_a_penalty_and_that_is_said(truth, of, method):
    field = by_intensity(of=of)
    noisy = blurred(truth, field) + np.random.default_rng(1).normal(0, 50, truth.shape).astype(np.float32)
    result = sd.deconvolve(noisy, field)
    assert taken(result) == ("joint", method)
    assert result.automatic["why"].endswith(", and noise of more than 12 % of the range of values")
    assert sd.foresee(noisy, field).method == method


def test_plug_and_play_is_told_whose_values_choose_by_whoever_knows(truth):
    for of in ("true", "measured"):
        field = by_intensity(of=of)
        result = sd.deconvolve(blurred(truth, field), field, method="pnp")
        assert (result.automatic["of"], result.automatic["self_keyed"]) == (of, of == "true")
        assert not any("keyed to true values" in text for text in result.warnings)
    guided = sd.deconvolve(blurred(truth, field), field, method="pnp", guide=truth)
    assert not guided.automatic["self_keyed"]


def test_joint_alone_never_takes_the_blend(truth, monkeypatch):
    field = sd.KernelField.uniform(sd.gaussian_kernel(1.0, ndim=2))
    result = sd.deconvolve(blurred(truth, field), field, strategy="joint")
    assert taken(result) == ("joint", "pnp")


def test_a_preview_takes_what_the_run_takes_and_looks_once(truth, monkeypatch):
    looked = []

    def whose_values(*_arguments, **_options):
        looked.append(1)
        return Finding("true", True, "the reason")

    monkeypatch.setattr(choose, "whose_values", whose_values)
    field = by_intensity()
    inputs, settings, known = Inputs(blurred(truth, field), field), DeconvolveSettings(), BlockMemory()
    for start in (0, 16):
        box = (slice(start, start + 16), slice(8, 24))
        result = block_of(inputs, settings, box, UNWATCHED, known=known)
        assert taken(result) == ("joint", "pnp")
        assert result.automatic["self_keyed"]
        assert result.describe_choice().endswith("the reason")
    assert len(looked) == 1
