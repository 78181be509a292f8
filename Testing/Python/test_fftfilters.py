"""The FFT engine against SimpleITK itself, run live."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.filters.fft import FFTFilters
from SpatialDeconvLib.filters.padding import image_box, pad_like_itk, padded_shape
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel
from SpatialDeconvLib.methods.registry import methods_of

METHODS = methods_of("blend")

ITERATIONS = 7
NOISE = 0.5
STEP = 0.7
DAMPING = 0.01
LIMIT = {np.float32: 1e-4, np.float64: 1e-10}

ITK_BOUNDARIES = {
    "edge": sitk.InverseDeconvolutionImageFilter.ZERO_FLUX_NEUMANN_PAD,
    "zero": sitk.InverseDeconvolutionImageFilter.ZERO_PAD,
    "periodic": sitk.InverseDeconvolutionImageFilter.PERIODIC_PAD,
}
CONSTANTS = {"tikhonov": DAMPING, "landweber": STEP, "projected-landweber": STEP}

SHAPES = [
    ((20, 23), (5, 5)),
    ((21, 19), (4, 7)),
    ((9, 12, 11), (3, 4, 5)),
    ((1, 24, 25), (1, 5, 6)),
    ((7, 6), (17, 20)),  # kernels larger than the image
    ((5, 6, 4), (14, 3, 13)),
    ((12, 13), (1, 1)),
]


def itk_result(method, image, kernel, boundary, iterations=ITERATIONS):
    """What SimpleITK returns, with nothing of this project in between."""
    f = getattr(sitk, METHODS[method].itk)()
    f.SetNormalize(False)
    f.SetBoundaryCondition(ITK_BOUNDARIES[boundary])
    if METHODS[method].iterations:
        f.SetNumberOfIterations(iterations)
    if "landweber" in method:
        f.SetAlpha(STEP)
    if method == "tikhonov":
        f.SetRegularizationConstant(DAMPING)
    if method == "wiener":
        f.SetNoiseVariance(NOISE**2 * float(np.prod(padded_shape(image.shape, kernel.shape))))
    k = sitk.GetImageFromArray(kernel.astype(image.dtype))
    return sitk.GetArrayFromImage(f.Execute(sitk.GetImageFromArray(image), k))


def fft_result(filters, method, kernel, **options):
    options = {"iterations": ITERATIONS, "constant": CONSTANTS.get(method), "noise": NOISE, **options}
    return filters.run(method, kernel, **options)


def relative_difference(a, b):
    return np.abs(a.astype(np.float64) - b).max() / np.abs(b.astype(np.float64)).max()


def random_case(shape, kernel_shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    kernel = rng.random(kernel_shape)
    return (100 * rng.random(shape)).astype(dtype), kernel / kernel.sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize(("shape", "kernel_shape"), SHAPES)
def test_every_filter_gives_simpleitks_numbers(shape, kernel_shape, boundary, dtype):
    image, kernel = random_case(shape, kernel_shape, dtype)
    filters = FFTFilters(image, boundary)
    for method in METHODS:
        result = fft_result(filters, method, kernel)
        assert result.dtype == dtype
        assert result.shape == image.shape
        assert relative_difference(result, itk_result(method, image, kernel, boundary)) < LIMIT[dtype], method


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", METHODS)
def test_smooth_kernels_whose_spectrum_falls_below_every_threshold(method, dtype):
    rng = np.random.default_rng(1)
    image = (100 + 20 * rng.standard_normal((30, 33, 28))).astype(dtype)
    kernel = gaussian_kernel(1.6).values
    reference = itk_result(method, image, kernel, "edge")
    assert relative_difference(fft_result(FFTFilters(image), method, kernel), reference) < LIMIT[dtype]


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize("shape", [(30, 33), (9, 12, 11), (1, 24, 25), (6, 5, 4)])
def test_kernels_that_are_their_own_mirror_image_have_a_real_spectrum(shape, boundary):
    image, kernel = random_case(shape, [1 if n == 1 else 7 for n in shape], np.float64)
    kernel += np.flip(kernel)
    kernel /= kernel.sum()
    for method in METHODS:
        reference = itk_result(method, image, kernel, boundary)
        assert relative_difference(fft_result(FFTFilters(image, boundary), method, kernel), reference) < 1e-10, (
            method
        )


def test_many_iterations_and_a_wide_range_of_values_stay_within_float32_limits():
    rng = np.random.default_rng(2)
    image = np.exp(rng.uniform(np.log(1e-3), np.log(3e5), (40, 50))).astype(np.float32)
    image[:10] = 0
    kernel = gaussian_kernel(1.2, ndim=2).values
    for method in ("landweber", "projected-landweber", "richardson-lucy"):
        result = fft_result(FFTFilters(image, "zero"), method, kernel, iterations=60)
        reference = itk_result(method, image, kernel, "zero", iterations=60)
        assert relative_difference(result, reference) < 1e-4, method


def test_one_object_serves_kernels_of_different_sizes_in_any_order():
    image, _ = random_case((24, 26), (1, 1), np.float64)
    kernels = [gaussian_kernel(s, ndim=2).values for s in (0.5, 2.0, 0.6, 2.1, 0.5)]
    kernels.append(motion_kernel(6, 30).values)
    for boundary in ITK_BOUNDARIES:
        filters = FFTFilters(image, boundary)
        for kernel in kernels:
            for method in ("wiener", "richardson-lucy"):
                expected = itk_result(method, image, kernel, boundary)
                assert relative_difference(fft_result(filters, method, kernel), expected) < 1e-10


def test_the_image_is_transformed_once_for_kernels_of_one_padded_size():
    image, kernel = random_case((24, 26), (5, 5), np.float32)
    filters = FFTFilters(image)
    first = filters.run("tikhonov", kernel, constant=0.1)
    spectrum = filters._spectrum()
    again = filters.run("tikhonov", kernel, constant=0.1)
    filters.run("wiener", gaussian_kernel(0.6, ndim=2).values, noise=1.0)  # another kernel, same padded size
    assert filters._spectrum() is spectrum
    assert np.array_equal(first, again)


@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_threads_changes_no_bit(method):
    image, kernel = random_case((40, 60, 50), (5, 4, 3), np.float32)
    one, three = (fft_result(FFTFilters(image, workers=w), method, kernel) for w in (1, 3))
    assert np.array_equal(one, three)


@pytest.mark.parametrize("method", METHODS)
def test_the_input_is_left_alone(method):
    image, kernel = random_case((16, 17), (3, 3), np.float32)
    before = image.copy()
    fft_result(FFTFilters(image), method, kernel)
    assert np.array_equal(image, before)


def test_richardson_lucy_of_nothing_is_nothing_as_in_itk():
    image = np.zeros((12, 12), np.float32)
    kernel = np.full((3, 3), 1 / 9)
    assert not FFTFilters(image).run("richardson-lucy", kernel, iterations=3).any()
    assert not itk_result("richardson-lucy", image, kernel, "edge").any()


def test_richardson_lucy_zeroes_values_below_itks_absolute_threshold():
    image = np.full((12, 12), 0.9e-5)
    kernel = np.full((3, 3), 1 / 9)
    for scale, survives in ((1.0, False), (2.0, True)):
        ours = FFTFilters(scale * image).run("richardson-lucy", kernel, iterations=1)
        assert bool(ours.any()) is survives
        assert np.allclose(ours, itk_result("richardson-lucy", scale * image, kernel, "edge", 1), atol=1e-12)


@pytest.mark.parametrize("method", ["landweber", "projected-landweber", "richardson-lucy"])
def test_no_iteration_returns_the_image(method):
    image, kernel = random_case((15, 16), (3, 4), np.float64)
    assert np.allclose(fft_result(FFTFilters(image), method, kernel, iterations=0), image, rtol=1e-12)


@pytest.mark.parametrize("method", ["landweber", "projected-landweber", "richardson-lucy"])
def test_one_run_gives_the_images_of_several_iteration_counts(method):
    image, kernel = random_case((15, 16), (3, 4), np.float64)
    filters, counts = FFTFilters(image), (1, 2, 5)
    images = list(filters.iterates(method, kernel, counts))
    for found, count in zip(images, counts, strict=True):
        np.testing.assert_array_equal(found, filters.run(method, kernel, iterations=count))


@pytest.mark.parametrize("method", ["projected-landweber", "richardson-lucy"])
def test_cancel_is_honoured_within_an_iteration_of_being_asked(method):
    image, kernel = random_case((15, 16), (3, 4), np.float32)
    asked = []

    def cancelled():
        asked.append(len(fractions))
        return len(fractions) == 4

    fractions = []
    with pytest.raises(Cancelled):
        FFTFilters(image).run(
            method, kernel, iterations=50, watch=Watch(lambda f, _: fractions.append(f), cancelled)
        )
    assert list(dict.fromkeys(asked)) == [0, 1, 2, 3, 4]
    assert asked.count(2) > 2  # after every part of an iteration, too
    assert asked.count(4) == 1


@pytest.mark.parametrize("method", METHODS)
def test_progress_rises_to_one_and_names_the_filter(method):
    image, kernel = random_case((15, 16), (3, 4), np.float32)
    seen = []
    fft_result(FFTFilters(image), method, kernel, watch=Watch(lambda f, text: seen.append((f, text))))
    fractions = [f for f, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {text for _, text in seen} == {METHODS[method].label}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boundary": "mirror"}, "boundary 'mirror' is unknown"),
        ({"method": "median"}, "method 'median' is unknown"),
        ({"kernel": np.ones((1, 1, 1))}, "the kernel has 3 dimensions, the image 2; make them equal"),
        ({"method": "landweber", "constant": 2.5}, "must lie between 0 and 2 "),
    ],
)
def test_wrong_arguments_are_named(options, message):
    settings = {"boundary": "edge", "method": "tikhonov", "kernel": np.ones((1, 1)), "constant": None, **options}
    with pytest.raises(InputError, match=message):
        FFTFilters(np.ones((4, 4)), settings["boundary"]).run(
            settings["method"], settings["kernel"], constant=settings["constant"]
        )


def test_padded_sizes_are_the_next_products_of_2_3_and_5():
    products = sorted(2**a * 3**b * 5**c for a in range(13) for b in range(9) for c in range(7))
    for size in range(1, 3000):
        assert padded_shape((size, 1), (1, 2 * size + 1)) == (
            products[np.searchsorted(products, size)],
            products[np.searchsorted(products, 1 + 2 * size)],
        )


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
def test_padding_keeps_the_image_where_image_box_says(boundary):
    for shape, kernel_shape in SHAPES:
        image, _ = random_case(shape, kernel_shape, np.float32)
        padded = pad_like_itk(image, kernel_shape, boundary)
        assert padded.shape == padded_shape(shape, kernel_shape)
        assert np.array_equal(padded[image_box(shape, kernel_shape)], image)


def test_padded_sizes_have_no_prime_factor_above_five():
    assert padded_shape((128, 128, 96), (9, 9, 9)) == (144, 144, 108)
    assert padded_shape((100, 97), (1, 2)) == (100, 100)
    assert padded_shape((11,), (4,)) == (15,)


@pytest.mark.filterwarnings("error")
def test_a_denominator_whose_inverse_no_number_holds_counts_as_zero():
    image = np.random.default_rng(0).random((16, 16))
    kernel = 1e-156 * np.outer([1, 2, 1], [1, 2, 1])
    assert not FFTFilters(image).run("tikhonov", kernel, constant=0.0).any()
