"""What no result may depend on, for every method of the registry: unit, added constant, orientation; and flux."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.methods.registry import METHODS

EVERY = [pytest.param(m.strategy, m.name, id=f"{m.strategy}-{m.name}") for m in METHODS]
SHAPE = (48, 44)


def scene(seed=0):
    """Flat patches of 10 to 90 with edges, blurred, with noise of 0.5."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 4)
    truth = 10.0 + 20.0 * np.digitize(smooth, np.quantile(smooth, [0.2, 0.5, 0.8, 0.95]))
    blurred = ndimage.gaussian_filter(truth, 1.2, mode="nearest", truncate=4)
    return truth, blurred + 0.5 * np.random.default_rng(seed).standard_normal(SHAPE)


def levels(scale=1.0):
    kernel = sd.gaussian_kernel(1.2, ndim=2)
    return sd.KernelField.by_intensity({scale * 10: kernel, scale * 90: kernel})


# ------------------------------------------------------------------------------------------------ the unit


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("exponent", "dtype"),  # of two: about 1e-30, 1e-22, 1e-15, 1e13, 1e30
    [(-100, np.float32), (-73, np.float64), (-50, np.float32), (45, np.float32), (100, np.float32)],
)
@pytest.mark.parametrize(("strategy", "method"), EVERY)
def test_results_scale_with_the_unit(strategy, method, exponent, dtype):
    image, factor = scene()[1].astype(dtype), 2.0**exponent
    run = {"strategy": strategy, "method": method}
    plain = sd.deconvolve(image, levels(), **run)
    scaled = sd.deconvolve(np.ldexp(image, exponent), levels(factor), **run)
    np.testing.assert_allclose(np.ldexp(scaled.image, -exponent), plain.image, rtol=1e-5, atol=1e-4)
    assert scaled.noise == pytest.approx(factor * plain.noise)
    assert scaled.residual == pytest.approx(plain.residual)


@pytest.mark.parametrize("exponent", [-100, 100])
@pytest.mark.parametrize(("strategy", "method"), EVERY)
def test_given_intensities_are_in_the_unit_of_the_image(strategy, method, exponent):
    image, factor = scene()[1], 2.0**exponent
    constant = next(m for m in METHODS if (m.strategy, m.name) == (strategy, method)).constant
    run = {"strategy": strategy, "method": method, "engine": "fft"}
    plain, scaled = {"noise": 0.5, "offset": -3.0}, {"noise": 0.5 * factor, "offset": -3.0 * factor}
    if constant is not None:
        plain["regularization"] = 0.2
        scaled["regularization"] = 0.2 * factor if constant.in_image_units else 0.2
    found = sd.deconvolve(np.ldexp(image, exponent), levels(factor), **run, **scaled)
    expected = sd.deconvolve(image, levels(), **run, **plain)
    np.testing.assert_allclose(np.ldexp(found.image, -exponent), expected.image, rtol=1e-6, atol=1e-5)
    assert found.automatic["noise_law"] == f"Gaussian, sigma {0.5 * factor:.3g}"
    assert found.parameters["noise"] == 0.5 * factor
    for name in {"noise", "offset", "lower", "smoothing"} & set(expected.automatic):
        assert found.automatic[name] == pytest.approx(factor * expected.automatic[name])
    if "regularization" in scaled and strategy == "joint":
        assert found.automatic["regularization"] == pytest.approx(scaled["regularization"])
    if method == "wiener":
        assert found.automatic["constant_of_each_kernel"] == pytest.approx([0.5 * factor] * 2)


def test_laws_and_images_of_sigma_are_in_the_unit_of_the_image():
    image, factor = scene()[1], 2.0**-100
    kernel = sd.gaussian_kernel(1.2, ndim=2)
    laws = [
        sd.NoiseLaw(constant=0.1, slope=0.01, origin=-5),
        np.linspace(0.2, 0.8, image.size).reshape(image.shape),
    ]
    for law in laws:
        expected = sd.deconvolve(image, kernel, noise=law)
        found = sd.deconvolve(image * factor, kernel, noise=law * factor if law is laws[1] else law.scaled(factor))
        np.testing.assert_allclose(found.image / factor, expected.image, rtol=1e-6, atol=1e-5)
        assert found.residual == pytest.approx(expected.residual)


def test_huge_values_outside_the_mask_do_not_choose_the_unit():
    image, mask = scene()[1].astype(np.float32), np.ones(SHAPE, bool)
    mask[20:24, 20:24] = False
    spoilt = np.where(mask, image, np.float32(1e35))
    kernel = sd.gaussian_kernel(1.2, ndim=2)
    expected, found = (
        sd.deconvolve(y, kernel, strategy="joint", method="tv", noise=0.5, mask=mask).image for y in (image, spoilt)
    )
    np.testing.assert_array_equal(found[mask], expected[mask])
    assert np.all(found[~mask] == np.float32(1e35))


# ------------------------------------------------------------------------------------------------ the type


CHOOSING = [pytest.param("auto", "auto", id="auto"), pytest.param("blend", "auto", id="blend-auto")]


@pytest.mark.parametrize(("strategy", "method"), EVERY + CHOOSING)
def test_an_image_is_restored_alike_in_float32_and_float64(strategy, method):
    """Also where a descent ends before its minimum, and where one choice is nearly as good as another."""
    image = scene()[1][:24, :24]
    kernels = {10.0 + 20 * n: sd.motion_kernel(1.6 + 1.2 * n, 36.0 * n) for n in range(5)}
    field = sd.KernelField.by_intensity(kernels, of="true")
    run = {"strategy": strategy, "method": method, "engine": "fft", "model": "source"}
    wide, narrow = (sd.deconvolve(image.astype(dtype), field, **run) for dtype in (np.float64, np.float32))
    assert (wide.image.dtype, narrow.image.dtype) == (np.float64, np.float32)
    assert np.abs(wide.image - narrow.image).max() < 1e-3 * np.ptp(image)
    assert wide.iterations == narrow.iterations


@pytest.mark.parametrize("method", ["landweber", "tikhonov"])
def test_digits_that_float32_does_not_hold_are_not_lost(method):
    """Beside a million it knows sixteenths."""
    image, kernel = scene()[1], sd.gaussian_kernel(1.2, ndim=2)
    run = {"strategy": "joint", "method": method, "noise": 0.5, "iterations": 5}
    plain, lifted = (sd.deconvolve(y, kernel, **run).image for y in (image, image + 1e6))
    assert np.abs(lifted - plain - 1e6).max() < 1e-2


# ---------------------------------------------------------------------------------------- an added constant


@pytest.mark.parametrize("engine", ["simpleitk", "fft"])
@pytest.mark.parametrize("method", ["inverse", "tikhonov", "wiener", "landweber"])
@pytest.mark.parametrize("offset", [1e3, 3e4, 1e6])
def test_a_constant_added_to_the_image_is_added_to_the_result_of_a_linear_filter(method, engine, offset):
    image, kernel = scene()[1], sd.gaussian_kernel(1.2, ndim=2)
    plain, lifted = (sd.deconvolve(y, kernel, method=method, engine=engine) for y in (image, image + offset))
    np.testing.assert_allclose(lifted.image - offset, plain.image, atol=1e-3)


@pytest.mark.parametrize("method", ["landweber", "tikhonov", "tv", "self-keyed"])
def test_a_constant_added_to_the_image_is_added_to_the_result_of_a_joint_method(method):
    image, kernel = scene()[1] + 100, sd.gaussian_kernel(1.2, ndim=2)
    results = []
    for offset in (0, 3e4):
        field = sd.KernelField.by_intensity({offset + level: kernel for level in (110, 190)})
        results.append(sd.deconvolve(image + offset, field, strategy="joint", method=method).image - offset)
    np.testing.assert_allclose(results[1], results[0], atol=0.02)


@pytest.mark.parametrize(("level", "sigma"), [(100, 1), (100, 10), (100, 30), (1000, 10)])
@pytest.mark.parametrize("method", ["inverse", "tikhonov", "wiener", "landweber"])
def test_the_mean_of_a_flat_image_with_noise_stays(method, level, sigma):
    image = level + sigma * np.random.default_rng(1).standard_normal((80, 81))
    found = sd.deconvolve(image, sd.gaussian_kernel(1.5, ndim=2), method=method, engine="fft").image
    assert found.mean() == pytest.approx(image.mean(), abs=0.01 * sigma)


@pytest.mark.parametrize("value", [0.0, 7.0, -3.0, 1e-25, 4e20])
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("strategy", "method"), EVERY)
def test_a_constant_image_stays(strategy, method, value):
    image = np.full((20, 22), value)
    found = sd.deconvolve(image, levels(max(abs(value), 1.0)), strategy=strategy, method=method)
    np.testing.assert_allclose(found.image, value, rtol=1e-4, atol=1e-12)
    assert [text for text in found.warnings if "lie outside the level" not in text] == []


# ---------------------------------------------------------------------------------------------- orientation


ORIENTATIONS = {
    "flipped": lambda a: np.flip(a, 1),
    "flipped everywhere": np.flip,
    "permuted": lambda a: np.transpose(a, (2, 0, 1)),
}


# Total variation is of forward differences, which look one way. Plug-and-play starts from it, and its denoiser
# shifts its blocks along every axis in another way.
TURNS = [
    pytest.param(spec, turn, id=f"{spec.strategy}-{spec.name}-{how}")
    for spec in METHODS
    for how, turn in ORIENTATIONS.items()
    if not spec.bounded or (how == "permuted" and not spec.either)
]


@pytest.mark.parametrize(("spec", "turn"), TURNS)
def test_results_turn_with_the_image(spec, turn):
    """To rounding where all is given, on a grid whose padding is the same on either side."""
    run = {"strategy": spec.strategy, "method": spec.name, "noise": 0.5, "boundary": "periodic"}
    if spec.iterates:
        run["iterations"] = 6
    if spec.constant is not None and not spec.constant.is_step and not spec.nonnegative:
        run["regularization"] = 0.1
    random = np.random.default_rng(1)
    image = 10 + 80 * ndimage.gaussian_filter(random.uniform(0, 4, (13, 16, 14)), 1.0)  # 15, 20, 18 with the radii
    values, spacing = random.uniform(0, 1, (3, 5, 5)), (2.0, 1.0, 1.5)
    results = []
    for y, h, s in ((image, values, spacing), (turn(image), turn(values), _of_axes(spacing, turn))):
        kernels = {10: sd.Kernel(h, s), 90: sd.Kernel(np.ones(h.shape), s)}
        results.append(sd.deconvolve(y, sd.KernelField.by_intensity(kernels), spacing=s, **run).image)
    np.testing.assert_allclose(results[1], turn(results[0]), atol=2e-3)


def _of_axes(spacing, turn):
    """The spacings of a turned image: its axes are told by their lengths."""
    lengths = turn(np.empty((1, 2, 3))).shape
    return tuple(float(spacing[n - 1]) for n in lengths)


@pytest.mark.parametrize(("strategy", "method"), EVERY)
def test_automatic_results_turn_with_the_image_but_for_chance(strategy, method):
    """What is found by drawing voxels or noise differs by far less than the result from the truth."""
    truth, image = scene()
    kernel = sd.gaussian_kernel(1.2, ndim=2)
    field = sd.KernelField.by_intensity({10: kernel, 90: kernel})
    run = {"strategy": strategy, "method": method, "engine": "fft"}
    plain, turned = sd.deconvolve(image, field, **run), sd.deconvolve(image.T[::-1], field, **run)
    gains = [sd.psnr(truth, image) for image in (plain.image, turned.image[::-1].T)]
    assert gains[1] == pytest.approx(gains[0], abs=0.3)
    assert turned.noise == pytest.approx(plain.noise, rel=1e-6)


# ------------------------------------------------------------------------------------------------ the flux


def stars(seed):
    """Counts of two stars on an empty background."""
    truth, kernel = np.zeros((64, 65)), sd.gaussian_kernel(1.5, ndim=2)
    truth[30, 20], truth[40, 45] = 1000, 300
    signal = ndimage.convolve(truth, kernel.values, mode="constant")
    return truth, signal, np.random.default_rng(seed).poisson(signal).astype(float), kernel


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("iterations", [None, 1, 20])
@pytest.mark.parametrize("seed", range(4))
def test_joint_richardson_lucy_keeps_the_flux(model, iterations, seed):
    _, _, counts, kernel = stars(seed)
    run = {"strategy": "joint", "method": "richardson-lucy", "model": model, "iterations": iterations}
    found = sd.deconvolve(counts, kernel, **run)
    assert found.image.sum() == pytest.approx(counts.sum(), rel=1e-6)
    assert found.image[22:39, 12:29].sum() == pytest.approx(counts[22:39, 12:29].sum(), rel=0.03)


@pytest.mark.parametrize("seed", [*range(6), 7, 27, 29])  # of the last three the strata scatter by a half
def test_an_empty_background_does_not_make_the_noise(seed):
    truth, signal, counts, kernel = stars(seed)
    sigma = np.sqrt(signal.mean())
    star = slice(22, 39), slice(12, 29)
    for method in ("wiener", "tikhonov"):
        found = sd.deconvolve(counts, kernel, method=method)
        given = sd.deconvolve(counts, kernel, method=method, noise=sigma)
        assert found.noise == pytest.approx(sigma, rel=0.1)
        assert found.image[star].sum() == pytest.approx(counts[star].sum(), rel=0.1)
        # As good as with the noise known, which nobody does.
        error, best = (np.sqrt(np.mean((r.image - truth) ** 2)) for r in (found, given))
        assert error < 1.1 * best


# ---------------------------------------------------------------------------------------- one absurd voxel


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1e12, -1e30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("strategy", "method"), EVERY)
def test_an_absurd_voxel_is_named(strategy, method, dtype, value):
    image = scene()[1].astype(dtype)
    image[20, 30] = value
    found = sd.deconvolve(image, levels(), strategy=strategy, method=method, engine="fft")
    assert f"1 of {image.size} voxels is absurd, the first at [20, 30] with {value:g}" in found.warnings[0]
    assert np.all(np.isfinite(found.image))
    mask = np.ones(SHAPE, bool)
    mask[20, 30] = False
    masked = sd.deconvolve(image, levels(), strategy=strategy, method=method, engine="fft", mask=mask)
    # A joint method leaves it out; to a filter it is there all the same.
    assert any("absurd" in text for text in masked.warnings) == (strategy == "blend")


def test_several_are_counted_and_a_constant_image_has_them_too():
    image = np.full((3, 20, 20), 7.0)
    image[2, 3, 4:8] = 1e9
    found = sd.deconvolve(image, sd.gaussian_kernel(1.0), engine="fft")
    assert "4 of 1200 voxels are absurd, the first at [2, 3, 4] with 1e+09" in found.warnings[0]


@pytest.mark.parametrize(("background", "sigma"), [(0.0, 0.4), (0.0, 1.5), (1e-9, 1.5), (3.0, 0.4), (3.0, 1.5)])
def test_bright_stars_are_not_absurd(background, sigma):
    """Neither on an empty background nor on one that rounding has made, nor with a noise far below them."""
    image = np.zeros((128, 128))
    image[30, 40], image[90, 100] = 1e9, 1e5
    kernel = sd.gaussian_kernel(sigma, ndim=2)
    image = ndimage.convolve(image, kernel.values) + background * np.random.default_rng(0).standard_normal(
        image.shape
    )
    found = sd.deconvolve(image, kernel, engine="fft")
    assert not any("absurd" in text for text in found.warnings)
