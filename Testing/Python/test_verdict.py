"""What results say of themselves: residuals that kernels do not explain, and noise that outweighs the detail."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.run.verdict import advice_on, worst_verdict

KERNEL = sd.gaussian_kernel(1.5, ndim=2)


def truth(seed=3):
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((64, 60)), 4)
    return 10.0 + 20.0 * np.digitize(smooth, np.quantile(smooth, [0.2, 0.5, 0.8, 0.95]))


def seen(noise, seed=0):
    blurred = ndimage.gaussian_filter(truth(), 1.5, mode="nearest", truncate=4)
    if noise == "poisson":
        return np.random.default_rng(seed).poisson(0.5 * blurred) / 0.5
    return blurred + noise * np.random.default_rng(seed).standard_normal(blurred.shape)


def warned(result, words):
    return any(words in text for text in result.warnings)


@pytest.mark.parametrize("noise", [0.5, 2.0, "poisson"])
@pytest.mark.parametrize("method", ["richardson-lucy", "landweber", "tikhonov", "tv"])
def test_joint_results_of_right_kernels_have_no_warning_and_those_of_wrong_ones_one(method, noise):
    run = {"strategy": "joint", "method": method}
    image = seen(noise)
    assert sd.deconvolve(image, KERNEL, **run).warnings == []
    wrong = sd.deconvolve(image, sd.gaussian_kernel(3.0, ndim=2), **run)
    if noise == 0.5:
        assert wrong.residual > 1.1
    assert warned(wrong, f"differs from the image by {wrong.residual:.3g} times the noise") == (
        wrong.residual > 1.1
    )


def test_blends_warn_of_their_residual_as_joint_results_do():
    image = seen(2.0)
    assert sd.deconvolve(image, KERNEL, method="wiener").warnings == []
    wrong = sd.deconvolve(image, sd.gaussian_kernel(4.0, ndim=2), method="wiener")
    assert wrong.residual > 1.1
    assert warned(wrong, f"differs from the image by {wrong.residual:.3g} times the noise")
    assert warned(wrong, "strategy 'joint' tells which")


def test_a_result_that_explains_the_image_no_better_than_the_image_itself_is_likely_no_closer_to_the_truth():
    """A blend in four regions, three of them moved, by directions that differ: the right kernels, and yet below."""
    labels = np.ones((64, 60), int)
    labels[:, 30:] += 1
    labels[32:] += 2
    kernels = [
        *(sd.motion_kernel(n, angle) for n, angle in ((3, 20.0), (5, 70.0), (9, 120.0))),
        sd.disk_kernel(3.5),
    ]
    field = sd.KernelField.by_region(labels, dict(enumerate(kernels, 1)))
    image = sd.convolve(truth(), field).image + 0.5 * np.random.default_rng(0).standard_normal(truth().shape)
    worse = sd.deconvolve(image, field, method="wiener")
    better = sd.deconvolve(image, field, strategy="joint")
    below = [sd.rmse(truth(), found.image) > sd.rmse(truth(), image) for found in (worse, better)]
    assert below == [True, False]
    assert warned(worse, "no closer to the truth")
    assert better.warnings == []


def test_an_image_whose_surroundings_are_estimated_is_held_against_itself_too():
    image = seen(0.5)
    found = sd.deconvolve(
        image,
        sd.gaussian_kernel(4.0, ndim=2),
        strategy="joint",
        method="richardson-lucy",
        iterations=2,
        boundary="extended",
    )
    assert warned(found, f"differs from the image by {found.residual:.3g} times the noise")


@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("engine", ["simpleitk", "fft"])
@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("landweber", {"iterations": 20}),
        ("projected-landweber", {"iterations": 20}),
        ("richardson-lucy", {"iterations": 20}),
        ("tikhonov", {"regularization": 1e-4}),
        ("inverse", {"regularization": 1e-3}),
    ],
)
def test_a_filter_that_raises_the_noise_by_more_than_it_brings_back_is_warned_about(method, given, engine, mask):
    image, run = seen(8.0), {"method": method, "engine": engine}
    where = np.ones(image.shape, bool)
    where[:20] = not mask
    found = sd.deconvolve(image, KERNEL, mask=where if mask else None, **run, **given)
    below = sd.rmse(truth()[where], found.image[where]) > 1.06 * sd.rmse(truth()[where], image[where])
    assert below
    assert warned(found, "raises the noise from about")
    # Few steps, or an automatic constant, are worth it.
    calm = {"iterations": 1} if "iterations" in given else {}
    assert not warned(sd.deconvolve(image, KERNEL, **run, **calm), "raises the noise")


def test_the_noise_that_is_named_is_the_image_s_and_the_result_s():
    rng = np.random.default_rng(1)
    image = 50 + 4 * rng.standard_normal((128, 128))
    found = sd.deconvolve(image, KERNEL, method="landweber", iterations=20, noise=4)
    text = next(text for text in found.warnings if "raises the noise" in text)
    numbers = [float(word) for word in text.replace(":", "").split() if word.replace(".", "").isdigit()]
    assert numbers[0] == pytest.approx(4, rel=0.05)
    assert numbers[1] == pytest.approx(found.image.std(), rel=0.05)
    scaled = sd.deconvolve(image * 2.0**-60, KERNEL, method="landweber", iterations=20, noise=4 * 2.0**-60)
    assert warned(scaled, f"raises the noise from about {numbers[0] * 2.0**-60:.2g}"[:-5])


@pytest.mark.parametrize("strategy", ["blend", "joint"])
def test_an_image_without_noise_is_not_warned_about(strategy):
    blurred = sd.convolve(truth(), KERNEL).image
    method = {"blend": "landweber", "joint": "richardson-lucy"}[strategy]
    for noise in (0, 1e-3) if strategy == "joint" else (0,):
        run = {"strategy": strategy, "method": method, "noise": noise, "iterations": 100}
        assert sd.deconvolve(blurred, KERNEL, **run).warnings == []


@pytest.mark.parametrize(("factor", "told"), [(1.0, False), (1.5, True), (0.7, False)])
def test_kernels_that_are_much_too_wide_are_remarked_on_when_the_run_chooses(factor, told):
    image = sd.convolve(truth(), sd.disk_kernel(3.0)).image
    image += 0.3 * np.random.default_rng(0).standard_normal(image.shape)
    found = sd.deconvolve(image, sd.disk_kernel(3.0 * factor))
    assert found.automatic["width"]["factor"] == pytest.approx(factor, rel=0.2)
    assert warned(found, "too wide") == told
    assert "width" not in sd.deconvolve(image, sd.disk_kernel(3.0 * factor), method="wiener").automatic


def test_no_width_is_told_where_the_image_chooses_its_kernels_itself():
    field = sd.KernelField.by_intensity({20: sd.disk_kernel(2.0), 80: sd.disk_kernel(3.0)}, of="true")
    found = sd.deconvolve(sd.convolve(truth(), field).image, field)
    assert "width" not in found.automatic


# -- the verdict in one word


def test_right_kernels_explain_the_image_wrong_ones_less_and_much_too_wide_ones_not():
    image, run = seen(0.5), {"strategy": "joint", "method": "landweber"}
    right = sd.deconvolve(image, KERNEL, **run)
    assert (right.automatic["verdict"], advice_on(right)) == ("explained", ())
    wrong = sd.deconvolve(image, sd.gaussian_kernel(3.0, ndim=2), **run)
    assert wrong.automatic["verdict"] in ("partly", "not")
    assert advice_on(wrong) == ("best", "width", "residual")
    assert advice_on(replace(wrong, fits=())) == ("best", "width")  # as those of sequences, which keep no maps


def test_an_image_without_noise_or_without_change_is_not_judged():
    still = np.full((16, 16), 3.0, np.float32)
    result = sd.deconvolve(still, KERNEL, method="wiener")
    assert (result.automatic["verdict"], advice_on(result)) == ("unknown", ())


def test_a_filter_that_makes_more_noise_than_detail_is_told_so_and_the_best_method_advised():
    result = sd.deconvolve(seen(5.0), KERNEL, method="landweber", iterations=200)
    assert result.automatic["verdict"] == "noisy"
    assert advice_on(result) == ("best",)


def test_several_results_have_the_worst_of_their_verdicts():
    def result(word):
        return sd.Result(np.zeros(1), automatic={"verdict": word} if word else {})

    assert worst_verdict(map(result, ["explained", "not", "partly", ""])) == {"verdict": "not"}
    assert worst_verdict([result("")]) == {}
