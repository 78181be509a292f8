"""`deconvolve` and `convolve` end to end on arrays."""

import itertools
import json
import re
import tracemalloc

import numpy as np
import pytest
import SimpleITK as sitk
from oracles import hat_weights, naive_convolve, sitk_deconvolve
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.blur import operator, slabfft
from SpatialDeconvLib.errors import NotEnoughMemory
from SpatialDeconvLib.methods.registry import methods_of
from SpatialDeconvLib.run import choose, joint
from SpatialDeconvLib.run.whose import Finding
from SpatialDeconvLib.solvers import plugandplay

LEVELS = [20.0, 50.0, 80.0]


def phantom(shape=(12, 22, 26), seed=0):
    """Smooth blobs between 0 and 100 with a few edges."""
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.random(shape), 2)
    image = 100 * (image - image.min()) / np.ptp(image)
    image[tuple(slice(n // 3, n // 2) for n in shape)] = 90
    return image


def gaussians(ndim=3, sigmas=(0.7, 1.1, 1.5)):
    return {level: sd.gaussian_kernel(s, ndim=ndim) for level, s in zip(LEVELS, sigmas, strict=True)}


# ------------------------------------------------------------------------------------- one kernel, K = 1

ONE_KERNEL = [
    ("inverse", {"regularization": 0.05}, "Inverse", {"KernelZeroMagnitudeThreshold": 0.05}),
    ("tikhonov", {"regularization": 0.02}, "Tikhonov", {"RegularizationConstant": 0.02}),
    ("landweber", {"regularization": 0.5, "iterations": 4}, "Landweber", {"Alpha": 0.5, "NumberOfIterations": 4}),
    (
        "projected-landweber",
        {"regularization": 0.5, "iterations": 4},
        "ProjectedLandweber",
        {"Alpha": 0.5, "NumberOfIterations": 4},
    ),
    ("richardson-lucy", {"iterations": 4}, "RichardsonLucy", {"NumberOfIterations": 4}),
]


@pytest.mark.parametrize(("method", "ours", "name", "theirs"), ONE_KERNEL, ids=[c[0] for c in ONE_KERNEL])
@pytest.mark.parametrize("engine", ["simpleitk", "fft"])
def test_one_kernel_equals_simpleitk(method, ours, name, theirs, engine):
    image = phantom()
    values = np.arange(1.0, 4 * 3 * 5 + 1).reshape(4, 3, 5)
    result = sd.deconvolve(image, sd.Kernel(values), method=method, engine=engine, **ours)
    expected = sitk_deconvolve(name, image, values / values.sum(), **theirs)
    np.testing.assert_allclose(result.image, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_one_kernel_wiener_equals_simpleitk():
    image = phantom()
    kernel = sd.gaussian_kernel(1.0)
    padded = [20, 30, 36]  # 12, 22, 26 plus twice the radius of 4, up to sizes with factors 2, 3 and 5
    expected = sitk_deconvolve("Wiener", image, kernel.values, NoiseVariance=0.5**2 * np.prod(padded))
    result = sd.deconvolve(image, kernel, method="wiener", noise=0.5)
    np.testing.assert_allclose(result.image, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_an_unnormalised_kernel_gives_the_same_as_a_normalised_one():
    image = phantom()
    kernel = sd.gaussian_kernel(1.0)
    big = sd.Kernel(3400 * kernel.values, kernel.spacing)
    for method in ("tikhonov", "landweber"):
        a, b = (sd.deconvolve(image, k, method=method, noise=0.1).image for k in (kernel, big))
        np.testing.assert_allclose(a, b, rtol=1e-10)


# ---------------------------------------------------------------------------------------------- blending


@pytest.mark.parametrize("engine", ["simpleitk", "fft"])
def test_blend_equals_a_separate_implementation_with_simpleitk(engine):
    image = phantom()
    kernels = gaussians()
    expected = np.zeros(image.shape)
    for weight, kernel in zip(hat_weights(image, LEVELS), kernels.values(), strict=True):
        expected += weight * sitk_deconvolve("RichardsonLucy", image, kernel.values, NumberOfIterations=3)
    field = sd.KernelField.by_intensity(kernels)
    result = sd.deconvolve(image, field, method="richardson-lucy", iterations=3, engine=engine)
    np.testing.assert_allclose(result.image, expected, rtol=0, atol=1e-12 * expected.max())


def test_ten_even_kernels_of_the_forum_question():
    """Kernel 1 at 10 ... kernel 10 at 100, 20x20 pixels, on a 2-D image."""
    image = phantom((60, 70))
    levels = np.arange(10.0, 101.0, 10.0)
    grid = np.hypot(*np.mgrid[-10:10, -10:10])
    kernels = [np.exp(-0.5 * (grid / s) ** 2) for s in np.linspace(0.8, 2.5, 10)]
    expected = np.zeros(image.shape)
    for weight, values in zip(hat_weights(image, levels), kernels, strict=True):
        expected += weight * sitk_deconvolve("Tikhonov", image, values / values.sum(), RegularizationConstant=0.01)
    field = sd.KernelField.by_intensity({at: sd.Kernel(k) for at, k in zip(levels, kernels, strict=True)})
    result = sd.deconvolve(image, field, method="tikhonov", regularization=0.01, noise=0.1)
    np.testing.assert_allclose(result.image, expected, rtol=0, atol=1e-12 * expected.max())


def test_a_guide_image_chooses_instead_of_the_input():
    image, guide = phantom(seed=1), phantom(seed=2)
    kernels = gaussians()
    expected = np.zeros(image.shape)
    for weight, kernel in zip(hat_weights(guide, LEVELS), kernels.values(), strict=True):
        expected += weight * sitk_deconvolve("Tikhonov", image, kernel.values, RegularizationConstant=0.01)
    field = sd.KernelField.by_intensity(kernels)
    result = sd.deconvolve(image, field, guide=guide, method="tikhonov", regularization=0.01, noise=0.1)
    np.testing.assert_allclose(result.image, expected, rtol=0, atol=1e-12 * expected.max())


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize("corner", ["inner", "border"])
@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("richardson-lucy", {"iterations": 5}),
        ("landweber", {"iterations": 10}),
        ("tikhonov", {"regularization": 0.01}),
    ],
)
def test_a_small_region_is_filtered_with_its_margin_only(monkeypatch, method, options, boundary, corner):
    image = phantom((120, 130)).astype(np.float32)
    labels = np.zeros(image.shape, int)
    labels[(slice(50, 70), slice(60, 75)) if corner == "inner" else (slice(0, 20), slice(60, 75))] = 1
    field = sd.KernelField.by_region(labels, {1: sd.gaussian_kernel(1.2, ndim=2)}, outside="unchanged")
    sizes = []
    original = sd.run.blend.SimpleITKFilters

    class Recorder(original):
        def __init__(self, part, *arguments):
            sizes.append(part.size)
            super().__init__(part, *arguments)

    monkeypatch.setitem(sd.run.blend.FILTERS, "simpleitk", Recorder)
    part = sd.deconvolve(image, field, method=method, boundary=boundary, noise=0.1, **options).image
    assert max(sizes) < image.size / 2
    whole = sd.deconvolve(image, sd.gaussian_kernel(1.2, ndim=2), method=method, boundary=boundary, noise=0.1,
                          **options).image  # fmt: skip
    inside = labels == 1
    assert np.abs(part - whole)[inside].max() < 1e-3 * np.ptp(image)
    np.testing.assert_array_equal(part[~inside], image[~inside])


def test_unchanged_outside_the_levels_is_bit_identical():
    image = phantom().astype(np.float32)
    field = sd.KernelField.by_intensity(gaussians(), outside="unchanged")
    result = sd.deconvolve(image, field, method="tikhonov").image
    outside = (image < LEVELS[0]) | (image > LEVELS[-1])
    assert 0 < outside.sum() < image.size
    np.testing.assert_array_equal(result[outside], image[outside])
    assert np.abs(result - image)[~outside].max() > 1


def test_mask_keeps_everything_else_exactly_even_large_integers():
    image = (phantom() * 1e6).astype(np.int32)
    mask = np.zeros(image.shape, bool)
    mask[3:8, 5:15, 6:20] = True
    result = sd.deconvolve(image, sd.gaussian_kernel(1.0), mask=mask, method="wiener").image
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result[~mask], image[~mask])
    assert np.any(result[mask] != image[mask])


def test_inputs_are_never_modified():
    image = phantom().astype(np.float32)
    mask = (image > 30).astype(np.uint8)
    before = image.copy(), mask.copy()
    for method in ("richardson-lucy", "wiener"):
        sd.deconvolve(image, sd.KernelField.by_intensity(gaussians()), mask=mask, method=method)
    sd.convolve(image, sd.KernelField.by_intensity(gaussians()), mask=mask, exclude=True)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(mask, before[1])


# ------------------------------------------------------------------------------------- slices, dimensions


def test_single_slice_volume_equals_the_2d_image():
    image = phantom((30, 40))
    field = sd.KernelField.by_intensity(gaussians(ndim=2))
    flat = sd.deconvolve(image, field, method="richardson-lucy").image
    volume = sd.deconvolve(image[None], field, spacing=(5.0, 1.0, 1.0), method="richardson-lucy").image
    assert volume.shape == (1, 30, 40)
    np.testing.assert_array_equal(volume[0], flat)


@pytest.mark.parametrize("method", ["wiener", "richardson-lucy"])
def test_slicewise_equals_every_slice_on_its_own(method):
    image = phantom((3, 30, 40))
    field = sd.KernelField.by_intensity(gaussians(ndim=2))
    stack = sd.deconvolve(image, field, slicewise=True, method=method, noise=0.2, spacing=(3, 1, 1)).image
    for number, plane in enumerate(image):
        alone = sd.deconvolve(plane, field, method=method, noise=0.2).image
        np.testing.assert_allclose(stack[number], alone, rtol=0, atol=1e-10 * image.max())


def test_2d_kernels_on_a_volume_need_an_explicit_choice():
    with pytest.raises(sd.InputError, match=r"12 slices; .*\(set slicewise=True\)"):
        sd.deconvolve(phantom(), sd.disk_kernel(2.0))


def test_a_kernel_larger_than_the_image_works():
    image = phantom((9, 8))
    kernel = sd.gaussian_kernel(3.0, ndim=2)
    assert min(kernel.shape) > max(image.shape)
    expected = sitk_deconvolve("Tikhonov", image, kernel.values, RegularizationConstant=0.01)
    result = sd.deconvolve(image, kernel, method="tikhonov", regularization=0.01, noise=0.1)
    np.testing.assert_allclose(result.image, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_kernels_are_resampled_to_the_image_spacing():
    image = phantom((40, 40))
    coarse = sd.gaussian_kernel(2.0, 0.5, ndim=2)
    assert sd.deconvolve(image, coarse, spacing=1.0, method="tikhonov", noise=0.1).image == pytest.approx(
        sd.deconvolve(image, coarse.resampled(1.0), spacing=1.0, method="tikhonov", noise=0.1).image
    )
    assert not np.allclose(
        sd.deconvolve(image, coarse, spacing=0.5, method="tikhonov", noise=0.1).image,
        sd.deconvolve(image, coarse, spacing=1.0, method="tikhonov", noise=0.1).image,
    )


# ------------------------------------------------------------------------------- noise, constants, result


def blurred_case(sigma=0.5, shape=(64, 64)):
    rng = np.random.default_rng(5)
    truth = phantom(shape)
    kernel = sd.gaussian_kernel(1.3, ndim=len(shape))
    blurred = sd.convolve(truth, kernel).image + rng.normal(0, sigma, shape)
    return truth, blurred, kernel


@pytest.mark.parametrize("method", ["inverse", "tikhonov"])
@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_automatic_constant_is_close_to_the_best_one(method, sigma):
    truth, blurred, kernel = blurred_case(sigma)

    def quality(regularization):
        restored = sd.deconvolve(blurred, kernel, method=method, regularization=regularization, noise=sigma)
        return sd.psnr(truth, restored.image, data_range=100)

    best = max(quality(c) for c in np.geomspace(1e-5, 0.9, 40))
    assert quality("auto") > best - 1.0  # dB


def test_residual_is_about_one_for_the_right_kernel_and_not_for_a_wrong_one():
    _, blurred, kernel = blurred_case()
    right = sd.deconvolve(blurred, kernel, method="richardson-lucy", iterations=40, noise=0.5).residual
    wrong = sd.deconvolve(
        blurred, sd.gaussian_kernel(3.0, ndim=2), method="richardson-lucy", iterations=40, noise=0.5
    ).residual
    assert right == pytest.approx(1.0, abs=0.15)
    assert wrong > 1.5 * right


def test_richardson_lucy_survives_noise_around_zero():
    truth = np.zeros((48, 48))
    truth[16:32, 16:32] = 100
    kernel = sd.gaussian_kernel(1.3, ndim=2)
    blurred = sd.convolve(truth, kernel).image + np.random.default_rng(0).normal(0, 2, truth.shape)
    assert blurred.min() < 0
    result = sd.deconvolve(blurred, kernel, method="richardson-lucy", iterations=8)
    assert result.automatic["offset"] == blurred.min()
    assert sd.psnr(truth, result.image) > sd.psnr(truth, blurred) + 1
    with pytest.raises(sd.InputError, match=r"needs non-negative values.*offset='auto'"):
        sd.deconvolve(blurred, kernel, method="richardson-lucy", offset=0.0)


def test_richardson_lucy_does_not_depend_on_the_unit_of_the_intensity():
    """ITK's own result for such an image is zero everywhere: it has an absolute threshold of 1e-5."""
    _, blurred, kernel = blurred_case()
    blurred -= blurred.min()
    result = sd.deconvolve(blurred, kernel, method="richardson-lucy").image
    dim = sd.deconvolve(blurred * 2.0**-30, kernel, method="richardson-lucy").image
    np.testing.assert_allclose(dim * 2.0**30, result, rtol=1e-6, atol=1e-3)


def test_result_carries_what_was_used():
    _, blurred, kernel = blurred_case()
    result = sd.deconvolve(blurred, kernel, method="tikhonov")
    assert result.noise == pytest.approx(0.5, rel=0.25)
    assert result.parameters["method"] == "tikhonov"
    assert len(result.automatic["constant_of_each_kernel"]) == 1
    assert result.iterations is None
    assert result.seconds > 0


def test_its_parameters_repeat_the_run():
    image = phantom()
    field = sd.KernelField.by_intensity(gaussians())
    for method in ("wiener", "tikhonov", "richardson-lucy"):
        first = sd.deconvolve(image, field, method=method)
        again = sd.deconvolve(image, field, **first.parameters)
        np.testing.assert_array_equal(first.image, again.image)
    blurred = sd.convolve(image, field, model="source")
    np.testing.assert_array_equal(blurred.image, sd.convolve(image, field, **blurred.parameters).image)


def test_the_noise_may_be_a_law_and_every_recipe_of_it_repeats_the_run():
    rng = np.random.default_rng(4)
    truth, kernel = phantom((64, 64)), sd.gaussian_kernel(1.3, ndim=2)
    signal = sd.convolve(truth, kernel).image
    counts = rng.poisson(signal).astype(float)
    for strategy, method in (("blend", "wiener"), ("joint", "richardson-lucy")):
        run = {"strategy": strategy, "method": method}
        law = sd.deconvolve(counts, kernel, noise="poisson", **run)
        assert law.automatic["noise_law"] == "Poisson, variance 1 x signal"
        assert law.noise == pytest.approx(np.sqrt(signal.mean()), rel=0.01)
        again = sd.deconvolve(counts, kernel, **json.loads(json.dumps(law.parameters)))
        np.testing.assert_array_equal(again.image, law.image)
        # Twice the counts per photon, on an offset: as an object, and as its numbers in a recipe.
        scaled = sd.deconvolve(2 * counts + 50, kernel, noise=sd.NoiseLaw.poisson(2, 50), **run)
        assert scaled.noise == pytest.approx(2 * law.noise)
        again = sd.deconvolve(2 * counts + 50, kernel, **json.loads(json.dumps(scaled.parameters)))
        np.testing.assert_array_equal(again.image, scaled.image)
        sigmas = sd.deconvolve(counts, kernel, noise=np.sqrt(signal), **run)
        assert sigmas.noise == pytest.approx(law.noise, rel=0.01)
        assert sigmas.parameters["noise"] == "image"
        with pytest.raises(sd.InputError, match="noise 'image' stands for an image of sigmas"):
            sd.deconvolve(counts, kernel, **sigmas.parameters)


@pytest.mark.parametrize("strategy", ["blend", "joint"])
def test_the_residual_is_in_units_of_the_noise_where_it_varies(strategy):
    """Of the right kernel about 1, by the very noise: that of every voxel against its own variance."""
    rng = np.random.default_rng(0)
    kernel = sd.gaussian_kernel(1.5, ndim=2)
    truth = np.zeros((64, 65))
    truth[30, 20], truth[40, 45] = 1000, 300
    signal = ndimage.convolve(truth, kernel.values, mode="constant")
    counts = rng.poisson(signal).astype(float)
    method = {"blend": "landweber", "joint": "richardson-lucy"}[strategy]
    found = sd.deconvolve(counts, kernel, strategy=strategy, method=method, iterations=12)
    seen = ndimage.convolve(found.image, kernel.values, mode="nearest")
    expected = np.sqrt(np.square(counts - seen).sum() / seen.clip(0).sum())
    assert found.automatic["noise_law"] == "Poisson, variance 1 x signal"
    assert found.noise == pytest.approx(np.sqrt(signal.mean()), rel=0.05)
    assert found.residual == pytest.approx(expected, rel=0.02)


def test_wiener_with_automatic_noise_does_not_blow_up_on_a_noiseless_image():
    """Its kernels never explain the image exactly; taking the tiny noise at its word would destroy it."""
    truth = phantom((48, 56))
    field = sd.KernelField.by_intensity(gaussians(ndim=2))
    blurred = sd.convolve(truth, field).image
    before = sd.psnr(truth, blurred)
    at_its_word = sd.deconvolve(blurred, field, method="wiener", noise=1e-3)
    automatic = sd.deconvolve(blurred, field, method="wiener")
    assert sd.psnr(truth, at_its_word.image) < before - 3
    assert sd.psnr(truth, automatic.image) > before


def test_same_input_gives_the_same_bits():
    image = phantom()
    field = sd.KernelField.by_intensity(gaussians())
    a, b = (sd.deconvolve(image, field, method="richardson-lucy", engine="fft").image for _ in range(2))
    np.testing.assert_array_equal(a, b)


# --------------------------------------------------------------------------------- blends, method auto


def keyed_case(noise=0.5, shape=(56, 60), model="detector"):
    """An image blurred by kernels keyed to its true values."""
    truth = phantom(shape)
    field = sd.KernelField.by_intensity(gaussians(ndim=len(shape)))
    blurred = sd.convolve(truth, field, model=model).image
    return truth, blurred + np.random.default_rng(0).normal(0, noise, shape), field


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("noise", [0.2, 5.0])
def test_a_blend_chooses_filters_that_bring_the_image_closer(noise, model):
    truth, blurred, field = keyed_case(noise, model=model)
    result = sd.deconvolve(blurred, field, strategy="blend", model=model, engine="fft")
    assert sd.psnr(truth, result.image) > sd.psnr(truth, blurred) + 0.5
    facts = result.automatic
    for method, iterations in zip(facts["method_of_each_kernel"], facts["iterations_of_each_kernel"], strict=True):
        assert (iterations is not None) == (method in ("landweber", "projected-landweber", "richardson-lucy"))


def test_a_blend_is_what_its_facts_say():
    """Each kernel filtered with what the facts say by SimpleITK, and the weighted sum of it."""
    _, blurred, field = keyed_case()
    result = sd.deconvolve(blurred, field, strategy="blend", noise=0.5)
    facts, bound = result.automatic, field.bind(blurred, normalize=True)
    expected = np.zeros_like(blurred)
    for k, (method, iterations, constant) in enumerate(
        zip(*(facts[f"{name}_of_each_kernel"] for name in ("method", "iterations", "constant")), strict=True)
    ):
        kernel = sd.KernelField.uniform(bound.kernel(k))
        given = {"iterations": iterations} if iterations else {}
        if method == "wiener":
            given["noise"] = constant
        elif constant is not None:
            given["regularization"] = constant
        level = blurred.mean() if method == "tikhonov" else 0.0  # it keeps the mean out of what it damps
        filtered = sd.deconvolve(blurred - level, kernel, strategy="blend", method=method, **given).image
        filtered += level
        expected += bound.weight(k, np.float64) * filtered
    np.testing.assert_allclose(result.image, expected, atol=1e-4)


@pytest.mark.parametrize("of", ["measured", "true"])
def test_a_blend_simulates_kernels_that_are_keyed_as_was_given_or_found(monkeypatch, of):
    _, blurred, field = keyed_case()
    kernels = dict(zip(field.at, field.kernels, strict=True))
    given = sd.KernelField.by_intensity(kernels, of=of)
    run = {"strategy": "blend", "engine": "fft"}
    expected = sd.deconvolve(blurred, given, **run)
    monkeypatch.setattr(choose, "whose_values", lambda *_, **__: Finding(of, True, "it says so"))
    found = sd.deconvolve(blurred, field, **run)
    assert found.automatic["of"] == expected.automatic["of"] == of
    np.testing.assert_array_equal(found.image, expected.image)
    guided = sd.deconvolve(blurred, given, guide=blurred, **run)  # a guide is no image at hand
    assert "of" not in guided.automatic
    assert (
        guided.automatic["constant_of_each_kernel"]
        == (sd.deconvolve(blurred, sd.KernelField.by_intensity(kernels, of="measured"), **run)).automatic[
            "constant_of_each_kernel"
        ]
    )


def test_kernels_that_no_voxel_takes_have_no_filter():
    _, blurred, field = keyed_case()
    kernels = dict(zip(field.at, field.kernels, strict=True)) | {1e4: field.kernels[0], 2e4: field.kernels[0]}
    result = sd.deconvolve(blurred, sd.KernelField.by_intensity(kernels), strategy="blend", engine="fft")
    for name in ("method", "iterations", "constant"):
        each = result.automatic[f"{name}_of_each_kernel"]
        assert len(each) == len(kernels)
        assert each[-1] is None
    assert result.automatic["method_of_each_kernel"][0] is not None


@pytest.mark.parametrize("engine", ["simpleitk", "fft"])
def test_automatic_blends_work_slice_by_slice_with_mask_and_rest(engine):
    truth, blurred, _ = keyed_case(shape=(3, 40, 44))
    field = sd.KernelField.by_intensity(
        {30: sd.gaussian_kernel(1.0, ndim=2), 60: sd.gaussian_kernel(1.4, ndim=2)}, outside="unchanged"
    )
    mask = np.ones(truth.shape, bool)
    mask[:, :10] = False
    result = sd.deconvolve(blurred, field, strategy="blend", mask=mask, slicewise=True, engine=engine)
    kept = ~mask | (blurred < 30) | (blurred > 60)
    np.testing.assert_array_equal(result.image[kept], blurred[kept])
    assert np.abs(result.image[~kept] - blurred[~kept]).max() > 1


def test_an_automatic_blend_does_not_depend_on_threads(monkeypatch):
    _, blurred, field = keyed_case()
    results = []
    for threads in ("1", "3"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        results.append(sd.deconvolve(blurred.astype(np.float32), field, strategy="blend", engine="fft"))
    np.testing.assert_array_equal(results[0].image, results[1].image)
    assert results[0].automatic == results[1].automatic


def test_an_automatic_blend_finds_the_same_in_another_unit():
    _, blurred, field = keyed_case(noise=3.0)
    tiny = sd.KernelField.by_intensity({at * 2.0**-80: k for at, k in zip(field.at, field.kernels, strict=True)})
    run = {"strategy": "blend", "engine": "fft"}
    one, other = sd.deconvolve(blurred, field, **run), sd.deconvolve(blurred * 2.0**-80, tiny, **run)
    np.testing.assert_allclose(other.image * 2.0**80, one.image, rtol=1e-9, atol=1e-6)
    methods = one.automatic["method_of_each_kernel"]
    assert other.automatic["method_of_each_kernel"] == methods
    units = [2.0**80 if method == "wiener" else 1 for method in methods]
    for a, b, unit in zip(*(r.automatic["constant_of_each_kernel"] for r in (one, other)), units, strict=True):
        assert b == a or b * unit == pytest.approx(a, rel=1e-6)


def test_values_below_a_given_offset_are_refused_with_the_cure():
    _, blurred, field = keyed_case()
    with pytest.raises(sd.InputError, match=r"needs non-negative values.*offset is 50"):
        sd.deconvolve(blurred, field, strategy="blend", offset=50.0)


# ---------------------------------------------------------------------------------- progress and cancel


def test_progress_rises_from_zero_to_one():
    seen = []
    sd.deconvolve(
        phantom(), sd.KernelField.by_intensity(gaussians()), method="richardson-lucy", iterations=3,
        progress=lambda fraction, text: seen.append(fraction),
    )  # fmt: skip
    assert seen[0] == 0
    assert seen[-1] == 1
    assert all(b >= a - 1e-6 for a, b in itertools.pairwise(seen))
    assert len(seen) > 6


@pytest.mark.parametrize("engine", ["simpleitk", "fft"])
@pytest.mark.parametrize("after", [0, 2, 7])
def test_cancel_raises_wherever_it_comes(engine, after):
    calls = itertools.count()
    with pytest.raises(sd.Cancelled):
        sd.deconvolve(
            phantom(), sd.KernelField.by_intensity(gaussians()), method="richardson-lucy", iterations=20,
            engine=engine, cancelled=lambda: next(calls) >= after,
        )  # fmt: skip


def test_convolve_can_be_cancelled():
    with pytest.raises(sd.Cancelled):
        sd.convolve(phantom(), sd.KernelField.by_intensity(gaussians()), cancelled=lambda: True)


# -------------------------------------------------------------------------------------------- convolve


@pytest.mark.parametrize("boundary", ["edge", "zero", "periodic"])
@pytest.mark.parametrize("model", ["detector", "source"])
def test_convolve_equals_the_naive_loops(boundary, model):
    rng = np.random.default_rng(7)
    image = 100 * rng.random((7, 9))
    kernels = {at: sd.Kernel(rng.random(size)) for at, size in zip(LEVELS, [(3, 4), (5, 2), (4, 4)], strict=True)}
    expected = np.zeros(image.shape)
    for weight, kernel in zip(hat_weights(image, LEVELS), kernels.values(), strict=True):
        if model == "detector":
            expected += weight * naive_convolve(image, kernel.values, boundary)
        else:
            expected += naive_convolve(weight * image, kernel.values, boundary)
    field = sd.KernelField.by_intensity(kernels)
    result = sd.convolve(image, field, model=model, boundary=boundary).image
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_convolve_equals_scipy_in_3d():
    image = phantom((10, 12, 14))
    for kernel in (sd.gaussian_kernel(1.2), sd.mean_kernel(3), sd.cross_kernel(), sd.laplacian_kernel()):
        result = sd.convolve(image, kernel).image
        expected = ndimage.convolve(image, kernel.values, mode="nearest")
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_allclose(
        sd.convolve(image, sd.gaussian_kernel(1.2)).image, ndimage.gaussian_filter(image, 1.2, mode="nearest")
    )


def test_interpolated_weights_are_interpolated_kernels():
    """Between two levels the result is the convolution with the interpolated kernel, exactly."""
    image = phantom((20, 20))
    a, b = np.random.default_rng(0).random((2, 5, 4))
    field = sd.KernelField.by_intensity({10: sd.Kernel(a), 20: sd.Kernel(b)})
    for value, share in ((12.5, 0.25), (18.0, 0.8)):
        result = sd.convolve(image, field, guide=np.full(image.shape, value)).image
        expected = ndimage.convolve(image, (1 - share) * a + share * b, mode="nearest", origin=(0, 0))
        assert result == pytest.approx(naive_convolve(image, (1 - share) * a + share * b), rel=1e-5)
        assert result[5:15, 5:15] == pytest.approx(expected[5:15, 5:15], rel=1e-5)


def test_source_model_conserves_the_sum_and_detector_model_constants():
    image = np.zeros((40, 40))
    image[15:25, 15:25] = phantom((10, 10)) + 10
    field = sd.KernelField.by_intensity(gaussians(ndim=2))
    assert sd.convolve(image, field, model="source").image.sum() == pytest.approx(image.sum(), rel=1e-6)
    flat = np.full((20, 20), 33.0)
    assert sd.convolve(flat, field, guide=phantom((20, 20))).image == pytest.approx(flat, rel=1e-6)


def test_convolve_outside_the_mask_is_exact():
    image = phantom((20, 20)).astype(np.int16)
    mask = image > 50
    result = sd.convolve(image, sd.mean_kernel(3, ndim=2), mask=mask).image
    np.testing.assert_array_equal(result[~mask], image[~mask])
    np.testing.assert_allclose(
        result[mask], ndimage.uniform_filter(image.astype(float), 3, mode="nearest")[mask], rtol=1e-5
    )


def test_excluded_voxels_do_not_leak_in():
    image = np.full((20, 20), 10.0)
    image[:, 10:] = 1e6
    mask = np.zeros(image.shape, bool)
    mask[:, :10] = True
    kernel = sd.gaussian_kernel(1.5, ndim=2)
    for model in ("detector", "source"):
        result = sd.convolve(image, kernel, mask=mask, exclude=True, model=model).image
        assert result[mask] == pytest.approx(10.0, rel=1e-6)
        np.testing.assert_array_equal(result[~mask], image[~mask])
    assert sd.convolve(image, kernel, mask=mask).image[mask].max() > 100


@pytest.mark.parametrize("model", ["detector", "source"])
def test_excluded_voxels_need_not_be_finite(model):
    image = phantom().astype(float)
    mask = np.ones(image.shape, bool)
    mask[2:4, 5:9] = False
    run = {"mask": mask, "exclude": True, "model": model}
    expected = sd.convolve(image, sd.gaussian_kernel(1.0), **run).image
    holes = image.copy()
    holes[~mask] = np.nan
    holes[2, 5, 0] = np.inf
    result = sd.convolve(holes, sd.gaussian_kernel(1.0), **run)
    np.testing.assert_allclose(result.image[mask], expected[mask], rtol=1e-12)
    assert not result.warnings
    holes[0, 0, 0] = np.nan  # which counts
    with pytest.raises(sd.InputError, match=f"holds 1 NaN and 0 infinite of {image.size} voxels"):
        sd.convolve(holes, sd.gaussian_kernel(1.0), **run)


def test_exclude_needs_a_mask_and_a_blur():
    with pytest.raises(sd.InputError, match="needs a mask"):
        sd.convolve(phantom(), sd.gaussian_kernel(1.0), exclude=True)
    with pytest.raises(sd.InputError, match="positive sum"):
        sd.convolve(phantom(), sd.laplacian_kernel(), exclude=True, mask=phantom() > 50)


def test_cascade_stays_within_its_bound_and_is_reported():
    image = phantom((40, 50))
    field = sd.KernelField.by_intensity(
        {at: sd.gaussian_kernel(s, ndim=2) for at, s in zip(LEVELS, (1.0, 3.0, 6.0), strict=True)}
    )
    for model in ("detector", "source"):
        direct = sd.convolve(image, field, cascade=False, model=model)
        cascade = sd.convolve(image, field, cascade=True, model=model)
        assert direct.automatic["cascade"] is False
        assert cascade.automatic["cascade"] is True
        assert np.abs(direct.image - cascade.image).max() < 1e-3 * np.abs(image).max()
    with pytest.raises(sd.InputError, match="needs Gaussian kernels"):
        sd.convolve(image, sd.disk_kernel(2.0), cascade=True)


@pytest.mark.parametrize("off", [0, np.False_])
def test_cascade_is_off_for_everything_that_is_false(off):
    result = sd.convolve(phantom((40, 50)), sd.gaussian_kernel(6.0, ndim=2), cascade=off)
    assert result.automatic["cascade"] is False


@pytest.mark.parametrize("kind", [">f8", np.longdouble])
def test_double_precision_of_any_kind_is_kept(kind):
    image = phantom((20, 24)) + 1e7  # next to which float32 loses the phantom's digits
    kernel = sd.gaussian_kernel(1.0, ndim=2)
    for operation in (sd.convolve, sd.deconvolve):
        expected = operation(image, kernel).image
        assert expected.dtype == np.float64
        np.testing.assert_array_equal(operation(image.astype(kind), kernel).image, expected)


# ------------------------------------------------------------------------------------------- bad input


def bad(message, image=None, kernels=None, **options):
    return pytest.param(message, image, kernels, options, id=message[:30])


@pytest.mark.parametrize(
    ("message", "image", "kernels", "options"),
    [
        bad("holds 2 NaN and 1 infinite of", np.array([[np.nan, np.nan], [np.inf, 1]])),
        bad(r"complex \(complex128\)", np.ones((3, 3), complex)),
        bad(r"shape \(4,\)", np.ones(4)),
        bad(r"shape \(0, 3\)", np.ones((0, 3))),
        bad("does not hold numbers", np.array([["a", "b"]])),
        bad("image is a masked array with 1 hidden", np.ma.masked_equal([[1.0, 2.0], [3.0, 4.0]], 2)),
        bad("type timedelta64", np.zeros((3, 3), "m8[s]")),
        bad("strategy 'magic' is unknown; choose one of", strategy="magic"),
        bad("method 'lucy' is unknown; choose one of auto, inverse", method="lucy"),
        bad("boundary 'mirror' is unknown", boundary="mirror"),
        bad("engine 'cuda' is unknown", engine="cuda"),
        bad("model 'both' is unknown", model="both"),
        bad("wiener does not iterate", method="wiener", iterations=3),
        bad("iterations 0 must be", method="landweber", iterations=0),
        bad("iterations 2.5 must be", method="landweber", iterations=2.5),
        bad("iterations 'many' must be", method="landweber", iterations="many"),
        bad("iterations inf must be", method="landweber", iterations=np.inf),
        bad(r"iterations \[5\] must be", method="landweber", strategy="joint", iterations=[5]),
        bad("wiener has no constant", method="wiener", regularization=0.1),
        bad("regularization -1 must be", method="tikhonov", regularization=-1),
        bad("regularization 'much' must be", method="tikhonov", regularization="much"),
        bad("regularization 3 as Landweber's step", method="landweber", regularization=3),
        bad("noise -1 must be", noise=-1),
        bad("noise 'loud' must be", noise="loud"),
        bad(r"the noise has shape \(2,\), the image \(8, 9\)", noise=np.array([1.0, 2.0])),
        bad("noise: 72 of 72 sigmas are negative", noise=np.full((8, 9), -1.0)),
        bad("noise 'image' stands for an image of sigmas, and needs one", noise="image"),
        bad("noise 'poisson' is for counts, but the image's lowest value is", -np.ones((8, 9)), noise="poisson"),
        bad(r"regularization array\(\[1., 2.\]\) must be", method="tikhonov", regularization=np.array([1.0, 2.0])),
        bad(r"offset array\(\[1., 2.\]\) must be", method="richardson-lucy", offset=np.array([1.0, 2.0])),
        bad("the mask is empty", mask=np.zeros((8, 9))),
        bad("the mask holds 72 NaN", mask=np.full((8, 9), np.nan)),
        bad("the mask of type <U1 does not hold numbers", mask=np.full((8, 9), "a")),
        bad(r"mask has shape \(2, 2\), the image \(8, 9\)", mask=np.ones((2, 2))),
        bad(r"guide has shape \(2, 2\), the image \(8, 9\)", guide=np.ones((2, 2))),
        bad("keyed by uniform, not by region", labels=np.ones((8, 9))),
        bad("spacing .* must be positive", spacing=-1.0),
        bad("kernels is a list; give", kernels=[[0, 1, 0], [1, 2, 1]]),
        bad("sums to 0, so it cannot be normalised", kernels=sd.laplacian_kernel(ndim=2)),
        bad("slicewise needs a 3-D image", slicewise=True),
    ],
)
def test_bad_input_is_one_line_that_names_the_value(message, image, kernels, options):
    image = phantom((8, 9)) if image is None else image
    kernels = sd.gaussian_kernel(1.0, ndim=2) if kernels is None else kernels
    with pytest.raises(sd.InputError, match=message) as caught:
        sd.deconvolve(image, kernels, **options)
    assert "\n" not in str(caught.value)


def test_nan_can_be_filled_from_its_neighbours():
    image = phantom((20, 24))
    image[5, 6] = np.nan
    image[10:12, 3] = -np.inf
    result = sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), nonfinite="fill")
    assert np.all(np.isfinite(result.image))
    assert any("3 NaN or infinite voxels were filled" in text for text in result.warnings)


def test_what_was_filled_outside_the_mask_stays_in_the_result_and_that_is_told():
    image = phantom((20, 24))
    image[5, 6] = image[15, 6] = np.nan
    mask = np.arange(20)[:, None] < np.full((1, 24), 10)
    result = sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), nonfinite="fill", mask=mask)
    assert np.argwhere(np.isnan(result.image)).tolist() == [[15, 6]]
    assert any("the 1 of them outside the mask stay" in text for text in result.warnings)


@pytest.mark.parametrize("method", ["tikhonov", "tv", "landweber"])
def test_the_search_that_given_iterations_do_not_bound_is_told(method):
    image = phantom((20, 24))

    def told(**options):
        kernel = sd.gaussian_kernel(1.0, ndim=2)
        result = sd.deconvolve(image, kernel, strategy="joint", method=method, iterations=1, **options)
        return [text for text in result.warnings if "search" in text]

    if method == "landweber":  # its step needs none
        assert told() == []
        return
    (text,) = told()
    number = re.search(r"iterations 1 bound .* give (\S+) to leave", text)
    assert told(regularization=float(number[1])) == []


def test_a_cure_that_would_not_fit_either_is_not_named(monkeypatch):
    image, kernel = phantom((64, 64)), sd.gaussian_kernel(1.0, ndim=2)

    def refused(engine, gib):
        with pytest.raises(NotEnoughMemory) as caught:
            sd.deconvolve(image, kernel, method="inverse", engine=engine, memory_limit=gib)
        return caught.value

    tiny = [refused(engine, 1e-6) for engine in ("simpleitk", "fft")]
    assert [error.cure for error in tiny] == [{}, {}]
    needed = [float(re.search(r"about ([\d.]+) GiB", str(error))[1]) for error in tiny]
    assert refused("simpleitk", sum(needed) / 2).cure == {"engine": "fft"}


def test_a_run_that_cannot_fit_is_refused_with_the_estimate(monkeypatch):
    monkeypatch.setattr(sd.arrays.memory, "available_memory", lambda: 10_000)
    with pytest.raises(
        NotEnoughMemory, match=r"0\.0\d+ GiB of memory are needed, 0\.0000\d+ GiB are free: the image has 12x22x26"
    ):
        sd.deconvolve(phantom(), sd.gaussian_kernel(1.0), strategy="blend")


def test_a_logarithmic_kernel_is_warned_about():
    values = -np.hypot(*np.mgrid[-10:11, -10:11])
    with pytest.raises(sd.InputError, match="looks logarithmic: read it with log=True"):
        sd.deconvolve(phantom((30, 30)), sd.Kernel(values))


def test_an_off_centre_kernel_is_warned_about():
    values = np.zeros((9, 9))
    values[1, 7] = 1
    result = sd.deconvolve(phantom((30, 30)), sd.Kernel(values), method="landweber", iterations=1)
    assert any("the result will be shifted" in text for text in result.warnings)


def test_simpleitk_sees_no_integer_images():
    """SimpleITK gives integer output for integer input; here integers are restored as real numbers."""
    image = phantom((20, 20)).astype(np.uint8)
    result = sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), method="richardson-lucy").image
    assert result.dtype == np.float32
    assert np.any(result != np.round(result))
    assert sitk.GetImageFromArray(result).GetPixelID() == sitk.sitkFloat32


# ------------------------------------------------------------------------------------------------ joint


def edges_case(model="detector", offset=0.0):
    """A brain-like image with edges, blurred by kernels keyed to its own values, with noise."""
    truth = phantom((56, 60)) + offset
    field = sd.KernelField.by_intensity(
        {level + offset: sd.gaussian_kernel(s, ndim=2) for level, s in zip(LEVELS, (0.8, 1.5, 2.2), strict=True)}
    )
    blurred = sd.convolve(truth, field, model=model).image
    blurred += np.random.default_rng(9).normal(0, 0.5, blurred.shape)
    return truth, blurred, field


@pytest.mark.parametrize("method", ["richardson-lucy", "landweber", "projected-landweber", "tikhonov", "tv"])
@pytest.mark.parametrize("model", ["detector", "source"])
def test_joint_methods_with_the_true_guide_beat_the_best_blend(method, model):
    truth, blurred, field = edges_case(model)
    data = {"guide": truth, "model": model, "noise": 0.5}
    best_blend = max(
        sd.psnr(truth, sd.deconvolve(blurred, field, method=m, engine="fft", **data).image)
        for m in ("wiener", "tikhonov", "richardson-lucy", "landweber")
    )
    joint = sd.deconvolve(blurred, field, strategy="joint", method=method, **data)
    assert sd.psnr(truth, joint.image) > best_blend
    assert joint.residual == pytest.approx(1.0, abs=0.25)
    assert joint.image.shape == truth.shape


def test_joint_works_on_negative_values_as_on_positive_ones():
    _, blurred, field = edges_case(offset=-1000.0)
    least = blurred.min()
    shifted = sd.KernelField.by_intensity({at - least: k for at, k in zip(field.at, field.kernels, strict=True)})
    run = {"strategy": "joint", "method": "richardson-lucy", "noise": 0.5}
    below = sd.deconvolve(blurred, field, **run)
    above = sd.deconvolve(blurred - least, shifted, **run)
    assert below.automatic["offset"] == pytest.approx(least)
    np.testing.assert_allclose(below.image, above.image + least, atol=0.05)


def test_self_keyed_needs_no_guide_and_refuses_one():
    truth, blurred, field = edges_case()
    result = sd.deconvolve(blurred, field, strategy="joint", method="self-keyed", noise=0.5)
    blend = sd.deconvolve(blurred, field, strategy="blend", noise=0.5)
    assert sd.psnr(truth, result.image) > sd.psnr(truth, blend.image) + 1
    with pytest.raises(sd.InputError, match="leave the guide out"):
        sd.deconvolve(blurred, field, strategy="joint", method="self-keyed", guide=truth)


def test_joint_honours_mask_and_slices():
    truth, blurred, field = edges_case()
    mask = np.zeros(truth.shape, bool)
    mask[10:40, 10:45] = True
    spoiled = blurred.copy()
    spoiled[:5] = 1e5  # excluded, so it must not matter
    options = {"strategy": "joint", "guide": truth, "mask": mask, "noise": 0.5, "boundary": "extended"}
    a = sd.deconvolve(blurred, field, **options).image
    b = sd.deconvolve(spoiled[None], field, **{**options, "guide": truth[None], "mask": mask[None]}).image[0]
    np.testing.assert_allclose(a[mask], b[mask], atol=1e-6)
    np.testing.assert_array_equal(b[~mask], spoiled[~mask])


def test_joint_progress_rises_and_cancel_is_honoured():
    _, blurred, field = edges_case()
    for method in ("richardson-lucy", "tv", "self-keyed"):
        seen = []
        sd.deconvolve(blurred, field, strategy="joint", method=method, iterations=5,
                      progress=lambda f, t, seen=seen: seen.append(f))  # fmt: skip
        assert all(b >= a for a, b in itertools.pairwise(seen))
        calls = itertools.count()
        with pytest.raises(sd.Cancelled):
            sd.deconvolve(blurred, field, strategy="joint", method=method,
                          cancelled=lambda calls=calls: next(calls) > 20)  # fmt: skip


def test_methods_belong_to_their_strategy():
    with pytest.raises(
        sd.InputError, match="'wiener' is unknown for strategy 'joint'; choose one of auto, richardson-lucy"
    ):
        sd.deconvolve(phantom(), sd.gaussian_kernel(1.0), strategy="joint", method="wiener")
    with pytest.raises(sd.InputError, match="'tv' is unknown for strategy 'blend'"):
        sd.deconvolve(phantom(), sd.gaussian_kernel(1.0), strategy="blend", method="tv")
    with pytest.raises(sd.InputError, match="boundary 'extended' is for joint methods"):
        sd.deconvolve(phantom(), sd.gaussian_kernel(1.0), strategy="blend", boundary="extended")


def about_memory(result):
    return [text for text in result.warnings if "memory" in text]


def test_a_memory_limit_makes_joint_methods_thrifty_with_the_same_result(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the estimate counts what threads hold
    limits = []
    original = sd.run.joint.SpatiallyVariantBlur

    def recorder(*arguments, **options):
        limits.append(options["cache_bytes"])
        return original(*arguments, **options)

    monkeypatch.setattr(sd.run.joint, "SpatiallyVariantBlur", recorder)
    image = phantom((24, 40, 40)).astype(np.float32)
    field = sd.KernelField.by_intensity(gaussians())
    run = {"strategy": "joint", "method": "richardson-lucy", "iterations": 3, "noise": 0.5}
    roomy = sd.deconvolve(image, field, **run, memory_limit=1)
    thrifty = sd.deconvolve(image, field, **run, memory_limit=0.04)
    assert limits == [None, 0]
    assert not about_memory(thrifty)  # the limit asked for it
    # A voxel near 0 in the model makes more of the rounding of weights: single ones differ by 1e-4 of the range.
    assert np.abs(thrifty.image - roomy.image).max() < 3e-4 * image.max()
    assert sd.rmse(thrifty.image, roomy.image) < 1e-5 * image.max()
    with pytest.raises(NotEnoughMemory, match="GiB are allowed"):
        sd.deconvolve(image, field, **run, memory_limit=0.001)
    with pytest.raises(sd.InputError, match="memory_limit -1 must be a positive number of GiB"):
        sd.deconvolve(image, field, memory_limit=-1)


def test_a_run_that_free_memory_made_thrifty_says_so_and_how_to_repeat_it(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the estimate counts what threads hold
    image = phantom((24, 40, 40)).astype(np.float32)
    field = sd.KernelField.by_intensity(gaussians())
    run = {"strategy": "joint", "method": "richardson-lucy", "iterations": 3, "noise": 0.5}
    monkeypatch.setattr(sd.arrays.memory, "available_memory", lambda: 0.04 * 2**30)
    forced = sd.deconvolve(image, field, **run)
    (warning,) = about_memory(forced)
    assert "0.04 GiB were free" in warning
    assert "the last digits may differ" in warning
    limit = float(re.search(r"memory_limit=([0-9.]+)", warning).group(1))
    assert about_memory(sd.deconvolve(image, field, **run, memory_limit=1))  # free memory decided
    monkeypatch.setattr(sd.arrays.memory, "available_memory", lambda: 2**40)
    again = sd.deconvolve(image, field, **run, memory_limit=limit)
    assert not about_memory(again)
    np.testing.assert_array_equal(again.image, forced.image)
    assert not about_memory(sd.deconvolve(image, field, **run))


def test_what_is_advised_to_save_memory_helps_the_run(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the estimate counts what threads hold
    image = phantom((24, 40, 40)).astype(np.float32)
    field = sd.KernelField.by_intensity(gaussians())

    def message(free, call=sd.deconvolve, **options):
        monkeypatch.setattr(sd.arrays.memory, "available_memory", lambda: free)
        with pytest.raises(NotEnoughMemory) as caught:
            call(image, field, **options)
        return str(caught.value)

    joint = message(2e7, strategy="joint", method="self-keyed")
    assert joint.endswith("crop it")
    joint = message(2.5e7, strategy="joint", method="self-keyed")
    assert re.search(r"crop it, or take a method that needs less: 0\.02\d* GiB \(set method='landweber'\)$", joint)
    assert "engine='fft'" in message(2.4e7, method="wiener")
    assert "slicewise" in message(2e7, method="wiener", engine="fft")
    assert "engine" not in message(2e7, method="wiener", engine="fft")
    assert message(1e4, method="wiener").endswith("crop it")  # nothing else would help
    assert message(1e4, call=sd.convolve).endswith("crop it")


@pytest.mark.parametrize("memory", ["roomy", "thrifty"])
@pytest.mark.parametrize("method", methods_of("joint"))
def test_joint_methods_take_no_more_memory_than_they_ask_for(monkeypatch, method, memory):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    # With the pieces that threads work on as small beside the image as they are beside large ones.
    monkeypatch.setattr(slabfft, "_SLAB", 1 << 11)
    monkeypatch.setattr(joint, "_WORKSPACE", 1 << 17)
    monkeypatch.setattr(operator, "CACHE_LEAST", 0)
    monkeypatch.setattr(joint, "CACHE_LEAST", 0)
    # A hundred steps of the descent before the denoiser take what four of them do.
    monkeypatch.setattr(plugandplay, "_FIRST_FLAT_STEPS", 4)
    asked = []
    original = joint.joint_memory

    def has_room(job, name):
        asked.append(original(job, name)[memory == "thrifty"])
        return memory == "roomy"

    monkeypatch.setattr(joint, "_has_room", has_room)
    kernels = {5.0 * k: sd.motion_kernel(1 + 0.2 * k, (np.sin(k), np.cos(k), 0.3)) for k in range(1, 11)}
    image = phantom((36, 60, 60)).astype(np.float32)
    weight = {"tikhonov": 1e-3, "tv": 0.1, "self-keyed": 0.1, "pnp": 0.1}.get(method, "auto")
    steps = {"pnp": 2}.get(method, 8)  # each of pnp is a descent
    run = {"iterations": steps, "regularization": weight, "noise": 0.5, "boundary": "extended"}
    # Once before, as modules that are imported and tables that are made are no part of the run.
    sd.deconvolve(image[:8, :8, :8], sd.gaussian_kernel(0.5), strategy="joint", method="tikhonov", iterations=1)
    methods_of("joint")[method].load()
    asked.clear()
    tracemalloc.start()
    try:
        sd.deconvolve(image, sd.KernelField.by_intensity(kernels), strategy="joint", method=method, **run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0.5 * asked[0] < peak <= asked[0]


@pytest.mark.parametrize("method", ["richardson-lucy", "projected-landweber", "tikhonov", "tv"])
def test_automatic_joint_settings_do_not_depend_on_the_unit_of_the_intensity(method):
    truth, blurred, _ = edges_case()
    kernel = sd.gaussian_kernel(1.5, ndim=2)
    run = {"strategy": "joint", "method": method, "boundary": "periodic"}
    plain = sd.deconvolve(blurred, kernel, noise=0.5, **run).image
    scaled = sd.deconvolve(blurred * 3000, kernel, noise=1500, **run).image
    assert np.abs(scaled / 3000 - plain).max() < 0.02 * np.ptp(truth)


def test_joint_without_noise_tells_no_residual():
    image = np.random.default_rng(0).uniform(0, 100, (24, 24)).astype(np.float32)
    kernel = sd.gaussian_kernel(1.0, ndim=2)
    run = {"strategy": "joint", "method": "richardson-lucy", "noise": 0, "iterations": 2}
    assert sd.deconvolve(image, kernel, **run).residual is None


def test_joint_offset_ignores_what_the_mask_excludes():
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 100, (24, 24)).astype(np.float32)
    mask = rng.random(image.shape) > 0.1
    spoilt = np.where(mask, image, np.float32(-1e6))
    given = {"strategy": "joint", "method": "richardson-lucy", "noise": 1.0, "mask": mask, "iterations": 5}
    clean = sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), **given).image[mask]
    np.testing.assert_array_equal(
        sd.deconvolve(spoilt, sd.gaussian_kernel(1.0, ndim=2), **given).image[mask], clean
    )


def test_a_joint_result_that_does_not_explain_the_image_is_remarked_on():
    truth = np.zeros((64, 70))
    truth[20:44, 20:50] = 100
    kernels = {0.0: sd.gaussian_kernel(0.8, ndim=2), 100.0: sd.gaussian_kernel(2.5, ndim=2)}
    field = sd.KernelField.by_intensity(kernels)
    noise = 0.5 * np.random.default_rng(0).standard_normal(truth.shape)
    blurred = sd.convolve(truth, field, guide=truth).image
    run = {"strategy": "joint", "method": "projected-landweber", "noise": 0.5}
    right = sd.deconvolve(blurred + noise, field, guide=truth, **run)
    assert right.residual < 1.3
    assert right.warnings == []
    wrong = sd.deconvolve(truth + noise, field, guide=truth, **run)  # sharper than these kernels let any image be
    assert wrong.residual > 1.5
    assert f"differs from the image by {wrong.residual:.3g} times the noise" in wrong.warnings[0]
    assert "self-keyed" in wrong.warnings[0]
    # A large residual of an image that has next to no noise, but is explained.
    clean = sd.deconvolve(blurred, field, guide=truth, **{**run, "noise": 1e-3, "iterations": 100})
    assert clean.residual > 1.5
    assert clean.warnings == []


@pytest.mark.parametrize("method", ["richardson-lucy", "projected-landweber", "tv", "self-keyed"])
def test_the_least_value_is_found_or_given(method):
    smooth = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((64, 64)), 4)
    truth, kernel = np.where(smooth > 0, 20.0, -20.0), sd.gaussian_kernel(1.5, ndim=2)
    field = sd.KernelField.by_intensity({-20: kernel, 20: kernel})
    image = sd.convolve(truth, field, guide=truth).image + np.random.default_rng(1).normal(0, 8, truth.shape)
    run = {"strategy": "joint", "method": method, "noise": 8.0}
    name = "lower" if method in ("tv", "self-keyed") else "offset"
    found = sd.deconvolve(image, field, **run)
    assert found.automatic[name] == (-np.inf if name == "lower" else pytest.approx(image.min()))
    assert np.sqrt(np.mean((found.image - truth) ** 2)) < 8.5
    assert sd.deconvolve(image + 20, field, **run).automatic[name] == 0
    given = sd.deconvolve(image, field, offset=-15, **run)
    assert given.automatic[name] == -15
    assert given.image.min() == pytest.approx(-15, abs=1e-4)


@pytest.mark.parametrize("method", ["tikhonov", "tv", "landweber"])
def test_huge_values_in_scattered_holes_of_the_mask_change_nothing(method):
    _, blurred, field = edges_case()
    mask = np.random.default_rng(2).random(blurred.shape) > 0.3
    clean, spoilt = (
        sd.deconvolve(image, field, strategy="joint", method=method, mask=mask, guide=blurred)
        for image in (blurred, np.where(mask, blurred, 1e6))
    )
    assert spoilt.noise == pytest.approx(0.5, rel=0.3)
    np.testing.assert_array_equal(spoilt.image[mask], clean.image[mask])


def test_a_run_that_takes_long_says_from_the_start_how_long(monkeypatch):
    image = phantom((12, 20, 22)).astype(np.float32)
    kernel = sd.gaussian_kernel(1.2)
    run = {"strategy": "joint", "method": "richardson-lucy", "iterations": 4}
    quick = sd.deconvolve(image, kernel, **run)
    monkeypatch.setattr(joint, "_LONG", image.size)
    told = []
    long = sd.deconvolve(image, kernel, progress=lambda _fraction, text: told.append(text), **run)
    np.testing.assert_array_equal(long.image, quick.image)
    assert told[0] == "looking how long it will take"
    assert all(
        re.match(r"Richardson-Lucy, (up to )?[\d.]+ (s|min|h)( to [\d.]+ (s|min|h))? in all", text)
        for text in told[1:]
    )
    assert len(told) > 4


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "about 1 s"), (45, "about 45 s"), (100, "about 1.7 min"), (1000, "about 17 min"), (9000, "about 2.5 h")],
)
def test_times_are_told_to_a_digit_or_so(seconds, words):
    assert joint.about(seconds) == words


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [(0.1, 0.4, "up to 1 s"), (0.6, 3, "up to 3 s"), (4, 9, "4 s to 9 s"), (45, 200, "45 s to 3.3 min")],
)
def test_a_time_between_two_is_told_by_both(least, most, words):
    assert joint.between(least, most) == words


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["auto", *methods_of("joint")])
def test_a_single_voxel_can_be_restored(method):
    image = np.random.default_rng(0).uniform(20, 70, (16, 18))
    mask = np.zeros(image.shape, bool)
    mask[5, 5] = True
    field = sd.KernelField.by_intensity({20: sd.gaussian_kernel(0.8, ndim=2), 70: sd.gaussian_kernel(1.2, ndim=2)})
    found = sd.deconvolve(image, field, strategy="joint", method=method, mask=mask, noise=1.0).image
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[~mask], image[~mask])
    alone = sd.deconvolve(np.full((1, 1), 30.0), sd.gaussian_kernel(1.0, ndim=2), method="tv", noise=1.0).image
    assert np.isfinite(alone).all()


def test_values_whose_squares_no_number_holds_are_refused():
    image = np.random.default_rng(0).uniform(20, 70, (16, 18))
    with pytest.raises(sd.InputError, match=r"values of 7e\+155|values of [\d.]+e\+155, beyond 1e\+150: scale it"):
        sd.deconvolve(image * 1e154, sd.gaussian_kernel(1.0, ndim=2))
    with pytest.raises(sd.InputError, match=r"noise is 1e\+200, beyond 1e\+150: scale it"):
        sd.deconvolve(image, sd.gaussian_kernel(1.0, ndim=2), noise=1e200)
