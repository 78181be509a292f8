"""Values at the ends of what numbers hold: used, or refused in words; never infinite or NaN without a word."""

import warnings

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.random((48, 48)) * 20, 2)
    return smooth + 0.05 * rng.standard_normal(smooth.shape)


@pytest.fixture(autouse=True)
def no_overflow():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


@pytest.mark.parametrize("exponent", [-300, -500, -990])
def test_the_noise_of_tiny_values_is_that_of_the_image_scaled(image, exponent):
    expected = sd.estimate_noise_law(image).sigma
    found = sd.estimate_noise_law(np.ldexp(image, exponent)).sigma
    assert np.ldexp(found, -exponent) == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1e152, 1e160, 1e300])
def test_the_noise_of_values_whose_squares_no_number_holds_is_refused(image, factor):
    with pytest.raises(sd.InputError, match=r"beyond 1e\+150: scale it"):
        sd.estimate_noise_law(image * factor)


def test_an_image_of_sigmas_beyond_what_can_be_squared_is_refused(image):
    with pytest.raises(sd.InputError, match=r"noise: a sigma of 1e\+200, beyond 1e\+150"):
        sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), noise=np.full(image.shape, 1e200), method="tikhonov")


def test_the_width_of_kernels_is_found_of_tiny_values(image):
    kernel = sd.gaussian_kernel(1.0, ndim=2)
    expected = sd.estimate_width(image, kernel).factor
    assert sd.estimate_width(np.ldexp(image, -100), kernel).factor == pytest.approx(expected, rel=1e-6)
    with pytest.raises(sd.InputError, match="next to no noise"):  # no number holds its variance any more
        sd.estimate_width(np.ldexp(image, -566), kernel)


def test_a_kernel_of_values_beyond_what_can_be_squared_is_refused():
    with pytest.raises(sd.InputError, match=r"^kernel has a value of 1e\+308, beyond 1e\+150"):
        sd.Kernel(np.full((3, 3), 1e308))


@pytest.mark.parametrize(("dtype", "value"), [(np.float32, 1e38), (np.float64, 1e149)])
def test_kernels_that_take_an_image_beyond_its_type_are_refused(image, dtype, value):
    field = sd.KernelField.by_intensity({1.0: sd.identity_kernel(ndim=2), 9.0: sd.Kernel(np.full((3, 3), value))})
    image = image.astype(dtype) * dtype(1 if dtype == np.float32 else 1e160)
    with pytest.raises(sd.InputError, match=rf"kernel at 9\.0 add up to .*beyond what {np.dtype(dtype)} holds"):
        sd.convolve(image, field)
    assert np.isfinite(sd.convolve(image, field, normalize=True).image).all()


def test_levels_that_are_nearly_the_same_follow_no_intensity(image):
    field = sd.KernelField.by_intensity(
        {0: sd.gaussian_kernel(1.0, ndim=2), 1e-300: sd.gaussian_kernel(2.0, ndim=2)}
    )
    with pytest.raises(sd.InputError, match="0 and 1e-300 are nearly the same"):
        sd.deconvolve(image, field, method="self-keyed")
    assert np.isfinite(sd.deconvolve(image, field, method="tikhonov").residual)


@pytest.mark.parametrize("method", ["tv", "tikhonov"])
def test_a_weight_that_leaves_nothing_of_an_image_is_refused(image, method):
    with pytest.raises(sd.InputError, match=r"regularization 1e\+300 .* beyond 1e\+30"):
        sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), strategy="joint", method=method, regularization=1e300)


def test_a_size_in_voxels_that_no_memory_holds_is_told_in_few_digits():
    with pytest.raises(sd.InputError, match=r"would need [\d.e+x]{1,40} voxels"):
        sd.gaussian_kernel(1e200)


@pytest.mark.parametrize("factor", [1e-200, 1e308])
def test_a_direction_is_one_however_long_its_vector_is(factor):
    expected = sd.motion_kernel(5, (0, 1, 0), spacing=1.0).values
    np.testing.assert_array_equal(sd.motion_kernel(5, (0, factor, 0), spacing=1.0).values, expected)


def test_a_kernel_without_a_name_is_called_the_kernel():
    with pytest.raises(sd.InputError, match=r"^kernel sums to 0, so"):
        sd.Kernel([[1, -1]]).normalized()
