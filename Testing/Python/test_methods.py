"""The registry of methods and the words that arguments take: what the entries say is what the engine does."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import SpatialDeconvLib as sd
from SpatialDeconvLib.filters import itk, padding
from SpatialDeconvLib.kernels.weights import KEY_WEIGHTS
from SpatialDeconvLib.methods import choices
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.panel import model as panelmodel
from SpatialDeconvLib.run import blend

ROOT = Path(__file__).resolve().parents[2]
KERNEL = sd.gaussian_kernel(1.2, ndim=2)

each_method = pytest.mark.parametrize("method", methods.METHODS, ids=lambda m: f"{m.strategy}-{m.name}")


@pytest.fixture(scope="module")
def case():
    """A sharp image and a blurred, noisy one of it."""
    rng = np.random.default_rng(4)
    truth = np.full((40, 44), 20.0, np.float32)
    truth[8:24, 10:30] = 60
    truth[20:34, 22:36] += 30
    blurred = sd.convolve(truth, KERNEL).image
    return truth, blurred + rng.normal(0, 0.5, truth.shape).astype(np.float32)


def deconvolved(case, method, **options):
    field = sd.KernelField.by_intensity({20.0: KERNEL, 90.0: KERNEL})
    return sd.deconvolve(case[1], field, strategy=method.strategy, method=method.name, engine="fft", **options)


# -- the entries


def test_the_registry_waits_for_nothing_heavy():
    code = "import sys, SpatialDeconvLib.methods.registry; heavy = {'numpy', 'scipy', 'SimpleITK'}"
    code += "; assert not heavy & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_every_strategy_has_methods_and_offers_to_choose_one_of_them_first():
    assert {method.strategy for method in methods.METHODS} == set(choices.STRATEGIES) - {"auto"}
    for strategy in choices.STRATEGIES:
        of_strategy = [method.name for method in methods.METHODS if method.strategy == strategy]
        assert list(methods.methods_of(strategy)) == of_strategy  # each name once
        assert list(methods.offered(strategy)) == ["auto", *of_strategy]
        assert methods.method(strategy) is methods.method(strategy, "auto")
        assert methods.method(strategy).automatic
    assert methods.names()[0] == "auto"
    assert set(methods.names()) == {"auto"} | {method.name for method in methods.METHODS}


def test_a_name_alone_stands_for_the_first_strategy_that_has_it():
    assert methods.strategy_of("auto") == "auto"
    assert methods.strategy_of("wiener") == methods.strategy_of("richardson-lucy") == "blend"
    assert methods.strategy_of("tv") == methods.strategy_of("self-keyed") == "joint"
    with pytest.raises(sd.InputError, match="method 'magic' is unknown; choose one of auto, inverse, "):
        methods.strategy_of("magic")


def test_unknown_names_are_refused_with_those_there_are():
    with pytest.raises(sd.InputError, match="strategy 'both' is unknown; choose one of auto, blend, joint"):
        methods.methods_of("both")
    with pytest.raises(sd.InputError, match="method 'tv' is unknown for strategy 'blend'; choose one of auto, "):
        methods.method("blend", "tv")


@each_method
def test_an_entry_is_complete(method):
    assert method.label[:1].isupper()
    assert method.sentence.endswith(".")
    assert method.in_prose
    assert callable(method.load())
    assert method.work > 0
    assert method.noise in ("always", "automatic", "never")
    assert method.iterates or method.iterations is None
    blend = method.strategy == "blend"
    assert set(method.volumes) == (set(choices.ENGINES) if blend else {"cached", "uncached"})
    assert bool(method.itk) == blend
    assert not (method.nonnegative and method.bounded)
    if method.constant is not None:
        assert method.constant.label.endswith(":")
        assert method.constant.filled(method.constant.sentence).endswith(".")
        assert (method.constant.search is not None) == (method.tuned == "constant" and blend)


@pytest.mark.parametrize("method", methods.methods_of("blend").values(), ids=lambda m: m.name)
def test_simpleitk_has_the_filters_and_their_setters(method):
    itk_filter = getattr(sitk, method.itk)()
    assert hasattr(itk_filter, "SetNumberOfIterations") == method.iterates
    assert method.constant is None or hasattr(itk_filter, f"Set{method.constant.itk}")
    assert hasattr(itk_filter, "SetNoiseVariance") == (method.tuned == "noise")


# -- what the engine does


@each_method
def test_every_method_brings_an_image_closer_to_the_truth(method, case):
    truth, blurred = case
    result = deconvolved(case, method)
    assert sd.rmse(truth, result.image) < 0.9 * sd.rmse(truth, blurred)
    assert result.image.dtype == np.float32
    assert result.parameters["method"] == method.name
    assert result.iterations == method.iterations or (method.iterations is None and method.strategy == "joint")


@each_method
def test_iterations_are_for_the_methods_that_iterate(method, case):
    if method.iterates:
        assert deconvolved(case, method, iterations=3, regularization="auto").iterations is not None
        with pytest.raises(sd.InputError, match="iterations 0 must be a whole number"):
            deconvolved(case, method, iterations=0)
    else:
        with pytest.raises(sd.InputError, match=f"{method.name} does not iterate"):
            deconvolved(case, method, iterations=3)


@each_method
def test_the_noise_level_matters_to_the_methods_that_say_so(method, case):
    quiet, loud = (deconvolved(case, method, noise=noise).image for noise in (0.3, 6.0))
    assert np.array_equal(quiet, loud) == (method.noise == "never")
    if method.noise == "automatic":
        quiet, loud = (deconvolved(case, method, noise=noise, regularization=0.05).image for noise in (0.3, 6.0))
        np.testing.assert_array_equal(quiet, loud)


@each_method
def test_a_constant_is_for_the_methods_that_have_one(method, case):
    iterations = {"iterations": 2} if method.iterates else {}
    if method.constant is None:
        with pytest.raises(sd.InputError, match="has no constant of its own"):
            deconvolved(case, method, regularization=0.1)
        return
    one, other = (deconvolved(case, method, regularization=v, **iterations).image for v in (0.2, 0.8))
    assert not np.array_equal(one, other)
    for refused in (-0.1, np.inf, *([0.0] if method.constant.positive else [])):
        with pytest.raises(sd.InputError, match="regularization"):
            deconvolved(case, method, regularization=refused, **iterations)


@pytest.mark.parametrize(
    "method",
    [m for m in methods.METHODS if m.constant is not None and m.constant.is_step],
    ids=lambda m: f"{m.strategy}-{m.name}",
)
def test_the_panel_promises_the_steps_that_the_engine_takes(method, case):
    # |A| is 1 here; that the solver knows it to a percent only.
    most = method.constant.most
    assert f"{most:.3g} for kernels that sum to one" in panelmodel.constantToolTip(method.name, method.strategy)
    deconvolved(case, method, regularization=0.98 * most, iterations=1)
    with pytest.raises(sd.InputError, match="diverges"):
        deconvolved(case, method, regularization=1.02 * most, iterations=1)


@each_method
def test_a_least_value_is_for_the_methods_whose_result_has_one(method, case):
    iterations = {"iterations": 4} if method.iterates else {}
    given, left_out = (deconvolved(case, method, **o, **iterations).image for o in ({"offset": 17.9}, {}))
    if method.takes_offset:
        assert given.min() >= 17.9 - 1e-3
    assert np.array_equal(given, left_out) != method.takes_offset


def test_a_self_keyed_method_takes_no_guide(case):
    for method in methods.METHODS:
        if method.self_keyed:
            with pytest.raises(sd.InputError, match="leave the guide out"):
                deconvolved(case, method, guide=case[0])


# -- the words of arguments


def test_every_word_is_one_that_the_engine_has():
    assert set(choices.FIXED_BOUNDARIES) == set(padding.NUMPY_MODES) == set(itk._CONDITIONS)
    assert set(choices.boundaries_of("joint")) - set(choices.boundaries_of("blend")) == {"extended"}
    assert set(choices.ENGINES) == set(blend.FILTERS)
    assert set(choices.KEYS) == {*KEY_WEIGHTS, *choices.PART_KEYS}
    assert {word for words in choices.INTERPOLATIONS_OF.values() for word in words} == set(choices.INTERPOLATIONS)
    assert set(choices.INTERPOLATIONS_OF) <= set(choices.KEYS)
