"""The six SimpleITK filters behind one call, against SimpleITK called directly."""

import threading
import time
from itertools import pairwise

import numpy as np
import pytest
import SimpleITK as sitk
from oracles import sitk_deconvolve

from SpatialDeconvLib import Cancelled, InputError, gaussian_kernel
from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.filters.itk import SimpleITKFilters, landweber_step
from SpatialDeconvLib.methods.registry import methods_of

# method, SimpleITK's name, our arguments, SimpleITK's settings
CASES = [
    ("inverse", "Inverse", {"constant": 0.05}, {"KernelZeroMagnitudeThreshold": 0.05}),
    ("tikhonov", "Tikhonov", {"constant": 0.02}, {"RegularizationConstant": 0.02}),
    ("landweber", "Landweber", {"iterations": 7, "constant": 0.8}, {"NumberOfIterations": 7, "Alpha": 0.8}),
    (
        "projected-landweber",
        "ProjectedLandweber",
        {"iterations": 7, "constant": 0.8},
        {"NumberOfIterations": 7, "Alpha": 0.8},
    ),
    ("richardson-lucy", "RichardsonLucy", {"iterations": 7}, {"NumberOfIterations": 7}),
]


@pytest.fixture
def image():
    rng = np.random.default_rng(1)
    return rng.gamma(2.0, 10.0, (19, 24))


@pytest.fixture
def kernel():
    values = np.random.default_rng(2).random((4, 5)) + 0.1  # even and odd, not symmetric
    return values / values.sum()


@pytest.mark.parametrize(("method", "name", "ours", "theirs"), CASES, ids=[c[0] for c in CASES])
@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
def test_each_filter_equals_simpleitk(image, kernel, method, name, ours, theirs, boundary):
    result = SimpleITKFilters(image, boundary).run(method, kernel, **ours)
    np.testing.assert_array_equal(result, sitk_deconvolve(name, image, kernel, boundary, **theirs))


def test_wiener_noise_is_a_standard_deviation_in_image_units():
    """White noise of known sigma: the right scale is clearly better than one without the number of voxels."""
    rng = np.random.default_rng(3)
    truth = np.zeros((64, 64))
    truth[20:44, 20:44] = 100
    kernel = gaussian_kernel(1.5, ndim=2).values
    blurred = np.fft.irfft2(
        np.fft.rfft2(truth) * np.fft.rfft2(np.roll(np.pad(kernel, (0, 64 - 13)), (-6, -6), (0, 1))), (64, 64)
    )
    blurred += rng.normal(0, 2.0, blurred.shape)

    def error(noise):
        restored = SimpleITKFilters(blurred, "periodic").run("wiener", kernel, noise=noise)
        return np.sqrt(np.mean((restored - truth) ** 2))

    assert error(2.0) < np.sqrt(np.mean((blurred - truth) ** 2))
    assert error(2.0) < 0.3 * error(2.0 / 64)  # sigma^2 instead of sigma^2 N


def test_float32_images_give_float32(image, kernel):
    result = SimpleITKFilters(image.astype(np.float32)).run("tikhonov", kernel, constant=0.01)
    assert result.dtype == np.float32
    np.testing.assert_allclose(
        result, sitk_deconvolve("Tikhonov", image, kernel, RegularizationConstant=0.01), rtol=1e-4, atol=1e-3
    )


def test_landweber_step_is_bounded_by_the_spectrum():
    kernel = np.zeros((5, 5))
    kernel[2, 1], kernel[2, 2], kernel[2, 3] = -0.5, 2.0, -0.5  # max |H| = 3 at the highest frequency
    assert landweber_step(kernel) == pytest.approx(1 / 9, rel=0.03)
    with pytest.raises(InputError, match=r"step must lie between 0 and 0\.2"):
        landweber_step(kernel, 0.3)
    assert landweber_step(np.full((3, 3), 1 / 9)) == pytest.approx(1.0)


def test_landweber_beyond_the_bound_really_diverges(image, kernel):
    """The refusal is not arbitrary: SimpleITK itself grows without limit there."""
    wild = sitk_deconvolve("Landweber", image, kernel, NumberOfIterations=60, Alpha=2.5)
    assert np.abs(wild).max() > 1000 * image.max()


def test_progress_rises_to_one_and_names_the_filter(image, kernel):
    seen = []
    watch = Watch(lambda fraction, text: seen.append((fraction, text)))
    SimpleITKFilters(image).run("richardson-lucy", kernel, iterations=5, watch=watch)
    fractions = [f for f, _ in seen]
    assert all(b > a - 1e-6 for a, b in pairwise(fractions))  # ITK counts in steps of a millionth
    assert fractions[-1] == pytest.approx(1.0, abs=0.05)
    assert seen[0][1] == "Richardson-Lucy"


@pytest.mark.parametrize("method", methods_of("blend"))
def test_cancel_aborts_every_filter(image, kernel, method):
    with pytest.raises(Cancelled):
        SimpleITKFilters(image).run(method, kernel, iterations=50, watch=Watch(None, lambda: True))


def test_cancel_stops_within_an_iteration(image, kernel):
    asked = []

    def cancelled():
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Cancelled):
        SimpleITKFilters(image).run("landweber", kernel, iterations=10_000, watch=Watch(None, cancelled))
    assert len(asked) == 4


def test_a_cancelled_run_does_not_wait_for_a_filter_that_is_silent_but_the_next_one_does(
    image, kernel, monkeypatch
):
    may_end, ended = threading.Event(), []

    class Silent(sitk.WienerDeconvolutionImageFilter):
        def Execute(self, image, kernel):
            may_end.wait(10)
            ended.append(True)
            return image

    monkeypatch.setattr(sitk, "WienerDeconvolutionImageFilter", Silent)
    asked = []
    with pytest.raises(Cancelled):
        SimpleITKFilters(image).run("wiener", kernel, watch=Watch(None, lambda: asked.append(1) or len(asked) > 2))
    assert not ended  # the caller has been let go all the same

    def cancelled():
        may_end.set()
        return False

    SimpleITKFilters(image).run("inverse", kernel, watch=Watch(None, cancelled))
    assert ended == [True]


def test_an_exception_in_the_progress_callback_reaches_the_caller(image, kernel):
    def broken(fraction, text):
        raise ZeroDivisionError("from the callback")

    with pytest.raises(ZeroDivisionError, match="from the callback"):
        SimpleITKFilters(image).run("richardson-lucy", kernel, iterations=5, watch=Watch(broken))


def test_callbacks_are_asked_often_in_the_callers_thread_while_itk_is_silent(monkeypatch):
    class Silent(sitk.WienerDeconvolutionImageFilter):
        def Execute(self, image, kernel):
            time.sleep(0.5)
            return image

    monkeypatch.setattr(sitk, "WienerDeconvolutionImageFilter", Silent)
    threads, times = set(), []

    def progress(fraction, text):
        threads.add(threading.current_thread())
        times.append(time.monotonic())

    SimpleITKFilters(np.ones((6, 7), np.float32)).run("wiener", np.ones((3, 3)) / 9, watch=Watch(progress))
    assert threads == {threading.current_thread()}
    assert len(times) > 4


def test_running_out_of_memory_says_what_to_do(monkeypatch):
    class Full(sitk.WienerDeconvolutionImageFilter):
        def Execute(self, *arguments):
            raise RuntimeError("ITK ERROR: Image: Failed to allocate memory for image.")

    monkeypatch.setattr(sitk, "WienerDeconvolutionImageFilter", Full)
    filters = SimpleITKFilters(np.ones((6, 7), np.float32))
    with pytest.raises(MemoryError, match="in the Wiener filter; crop the image, or use engine 'fft'"):
        filters.run("wiener", np.ones((3, 3)) / 9)
