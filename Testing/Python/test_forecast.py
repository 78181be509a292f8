"""What a run will do, said before it: the method that it takes, and how its time grows."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.run import choose, forecast
from SpatialDeconvLib.run.inputs import Inputs
from SpatialDeconvLib.run.settings import ConvolveSettings

LEVELS = {20: sd.gaussian_kernel(0.8, ndim=2), 90: sd.gaussian_kernel(1.6, ndim=2)}


def image(shape=(40, 40), least=20.0):
    spots = ndimage.gaussian_filter(np.random.default_rng(3).random(shape), 3) > 0.5
    return (least + 70 * spots + np.random.default_rng(0).normal(0, 0.5, shape)).astype(np.float32)


def by_intensity(of="measured"):
    return sd.KernelField.by_intensity(LEVELS, of=of)


@pytest.fixture
def product(monkeypatch):
    """A product with the blur takes one second, whatever this computer does."""
    monkeypatch.setattr(forecast, "_timed", lambda _work: 1.0)


@pytest.mark.parametrize("of", ["measured", "true"])
@pytest.mark.parametrize("options", [{}, {"effort": "quick"}, {"method": "landweber"}, {"strategy": "joint"}])
def test_what_is_foreseen_is_what_a_run_takes(of, options):
    seen = sd.foresee(image(), by_intensity(of), **options)
    result = sd.deconvolve(image(), by_intensity(of), **options)
    assert (seen.strategy, seen.method) == (result.method.strategy, result.method.name)
    assert seen.otherwise is None
    assert seen.seconds > 0


def test_a_run_that_is_to_find_out_whose_intensity_chooses_has_two_forecasts_where_methods_differ(
    monkeypatch, product
):
    field = by_intensity("auto")
    assert sd.foresee(image(), field).otherwise is None  # plug-and-play, either way
    monkeypatch.setattr(choose, "_MOST_FOR_PNP", 100)
    seen = sd.foresee(image(), field)
    assert (seen.method, seen.otherwise.method) == ("tv", "self-keyed")
    assert "if kernels are keyed to true values: joint, self-keyed" in seen.describe()
    assert seen.seconds > sd.foresee(image(), by_intensity("measured")).seconds  # finding out takes time


def test_time_grows_with_the_image_though_only_a_part_is_looked_at(monkeypatch):
    parts = []
    monkeypatch.setattr(forecast, "_product", lambda job, _watch: parts.append(job.image.size) or 1.0)
    kernel = sd.gaussian_kernel(1.0, ndim=2)
    small, large = (
        sd.foresee(np.broadcast_to(np.float32(1), shape), kernel, strategy="joint", method="tv", noise=1.0).seconds
        for shape in ((256, 256), (2048, 2048))
    )
    assert large > 8 * small
    assert max(parts) <= forecast._PART_VOXELS


def test_a_method_takes_what_the_registry_says_in_products(product):
    seen = sd.foresee(image(), sd.gaussian_kernel(1.0, ndim=2), strategy="joint", method="tv", noise=1.0)
    assert seen.seconds == pytest.approx(methods.method("joint", "tv").work / methods.PRODUCT, rel=0.01)
    ten = sd.foresee(image(), sd.gaussian_kernel(1.0, ndim=2), method="landweber", iterations=10, noise=1.0).seconds
    twenty = sd.foresee(
        image(), sd.gaussian_kernel(1.0, ndim=2), method="landweber", iterations=20, noise=1.0
    ).seconds
    assert twenty == pytest.approx(2 * ten, rel=0.01)


def test_a_blend_filters_with_one_kernel_after_the_other(product):
    def seconds(count):
        field = sd.KernelField.by_intensity({20.0 + k: sd.gaussian_kernel(1.0, ndim=2) for k in range(count)})
        run = {"strategy": "blend", "method": "richardson-lucy", "noise": 1.0}
        return sd.foresee(image(), field, **run).seconds

    assert seconds(8) == pytest.approx(4 * seconds(2), rel=0.05)


def test_what_is_timed_is_done_more_than_once(monkeypatch):
    """One interruption does not decide: of four times, one of 1 s among three of 0.1 s."""
    clock, took = [0.0], iter([5.0, 0.1, 1.0, 0.1, 0.1])  # the first makes what is kept
    monkeypatch.setattr(forecast.time, "perf_counter", lambda: clock[0])

    def work():
        clock[0] += next(took)

    assert forecast._timed(work) == pytest.approx(1.2 / 3)


def test_methods_that_stop_by_themselves_are_foreseen_as_a_range(product):
    seen = sd.foresee(image(), sd.gaussian_kernel(1.0, ndim=2), strategy="joint", method="tv", noise=1.0)
    assert seen.spread == methods.method("joint", "tv").spread > methods.method("blend", "wiener").spread
    assert " to " in seen.describe()


@pytest.mark.parametrize("key", ["region", "weights", "position"])
def test_kernels_of_every_key_are_those_of_the_part(key, monkeypatch):
    monkeypatch.setattr(forecast, "_PART_VOXELS", 300)
    shape, kernels = (40, 40), list(LEVELS.values())
    halves = np.zeros(shape, int)
    halves[:, 20:] = 1
    field = {
        "region": sd.KernelField.by_region(halves, dict(enumerate(kernels))),
        "weights": sd.KernelField.by_weights([1.0 - halves, 1.0 * halves], kernels),
        "position": sd.KernelField.by_position({(0, 0): kernels[0], (0, 39): kernels[1]}),
    }[key]
    seen = sd.foresee(image(shape), field, mask=halves, spacing=1.0)
    assert (seen.strategy, seen.method) == ("joint", "pnp")


def test_a_convolution_takes_about_a_product(product):
    seen = forecast.forecast_of(Inputs(image(), sd.gaussian_kernel(1.0, ndim=2)), ConvolveSettings())
    assert (seen.strategy, seen.spec, seen.seconds) == ("", None, 1.0)
    assert seen.describe() == "up to 2 s"


def test_bad_input_is_refused_as_a_run_refuses_it():
    with pytest.raises(InputError, match="no parameter of deconvolve"):
        sd.foresee(image(), by_intensity(), iteration=3)
    with pytest.raises(InputError, match="complex"):
        sd.foresee(image() + 1j, by_intensity())


# -- a quick run


def taken(**options):
    result = sd.deconvolve(options.pop("image", image()), options.pop("field", by_intensity("auto")), **options)
    return result, (result.automatic["strategy"], result.automatic["method"])


def test_a_quick_run_takes_the_quickest_method_and_says_what_it_did_not_ask():
    result, method = taken(effort="quick")
    assert method == ("joint", "richardson-lucy")
    assert result.automatic["of"] == "measured"
    assert "taken as keyed to measured values, as the image was not asked" in result.describe_choice()
    named = sd.deconvolve(image(), by_intensity("auto"), strategy="joint", method="richardson-lucy")
    np.testing.assert_array_equal(result.image, named.image)
    assert result.parameters["effort"] == "quick"


def test_a_quick_run_keeps_negative_values_and_true_keys():
    assert taken(image=image(least=-50.0), effort="quick", field=by_intensity())[1] == ("joint", "landweber")
    assert taken(effort="quick", field=by_intensity("true"))[1] == ("joint", "self-keyed")


@pytest.mark.parametrize("options", [{"method": "wiener"}, {"strategy": "blend"}, {"effort": "much"}])
def test_an_effort_that_would_change_nothing_is_refused(options):
    with pytest.raises(InputError) as caught:
        sd.deconvolve(image(), by_intensity(), **{"effort": "quick", **options})
    assert caught.value.option == "effort"
