"""Residual maps: y - A x against blurs written out, in units of the noise, kernel by kernel, and where."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.mrml import channels

KERNELS = (sd.gaussian_kernel(0.8, (1, 1)), sd.gaussian_kernel(1.6, (1, 1)))
LEFT = np.linspace(1, 0, 40) * np.ones((48, 40))
FIELD = sd.KernelField.by_weights([LEFT, 1 - LEFT], KERNELS)


def scene(shape=(48, 40), seed=1):
    """Blobs of 20 ... 100."""
    image = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.2)
    return 20 + 80 * (image - image.min()) / np.ptp(image)


def blurred_by_hand(image, field=FIELD):
    """The detector's blur, written out."""
    blurs = [ndimage.convolve(image, k.values / k.values.sum(), mode="nearest") for k in KERNELS]
    return sum(w * b for w, b in zip(field.weight_arrays, blurs, strict=True))


@pytest.fixture(scope="module")
def seen():
    noise = np.random.default_rng(2).normal(0, 0.5, LEFT.shape)
    return blurred_by_hand(scene()) + noise


@pytest.mark.parametrize(
    ("strategy", "method"), [("blend", "tikhonov"), ("joint", "tikhonov"), ("joint", "tv")], ids=str
)
def test_the_map_is_the_image_less_the_blurred_result_over_the_noise(seen, strategy, method):
    result = sd.deconvolve(seen, FIELD, strategy=strategy, method=method, noise=0.5)
    found = result.residual_map()
    expected = seen - blurred_by_hand(result.image)
    assert np.abs(found.difference - expected).max() < 1e-4
    assert np.array_equal(found.values, found.difference / 0.5)
    assert np.sqrt(np.mean(found.values**2)) == pytest.approx(result.residual, rel=1e-3)


def test_with_a_mask_a_joint_map_has_what_was_found_outside_of_it(seen):
    mask = np.zeros(seen.shape, bool)
    mask[10:30, 8:30] = True
    result = sd.deconvolve(seen, FIELD, strategy="joint", method="tikhonov", noise=0.5, mask=mask)
    found = result.residual_map()
    assert np.sqrt(np.mean(found.values[mask] ** 2)) == pytest.approx(result.residual, rel=1e-3)
    assert not found.difference[~mask].any()
    assert np.array_equal(found.mask, mask)
    composite = seen - blurred_by_hand(result.image)  # with the input itself where the mask is not
    assert np.sqrt(np.mean(composite[mask] ** 2)) / 0.5 > 1.2 * result.residual


def test_with_a_mask_the_map_of_a_blend_has_the_input_outside_of_it(seen):
    mask = np.zeros(seen.shape, bool)
    mask[10:30, 8:30] = True
    result = sd.deconvolve(seen, FIELD, method="wiener", noise=0.5, mask=mask)
    expected = (seen - blurred_by_hand(result.image))[mask]
    assert np.abs(result.residual_map().difference[mask] - expected).max() < 1e-6


@pytest.mark.parametrize("method", ["tikhonov", "richardson-lucy"])
def test_an_extended_border_is_part_of_what_explains_the_image(seen, method):
    options = {"strategy": "joint", "method": method, "boundary": "extended", "iterations": 8}
    result = sd.deconvolve(seen, FIELD, noise=0.5, offset=5.0 if method == "richardson-lucy" else "auto", **options)
    values = result.residual_map().values
    assert np.sqrt(np.mean(values**2)) == pytest.approx(result.residual, rel=1e-3)


def test_kernels_that_the_result_chooses_are_those_of_the_map(seen):
    field = sd.KernelField.by_intensity({20: KERNELS[0], 100: KERNELS[1]}, of="true")
    result = sd.deconvolve(seen, field, method="self-keyed", noise=0.5, iterations=5)
    found = result.residual_map()
    share = np.clip((result.image - 20) / 80, 0, 1)
    weights = sd.KernelField.by_weights([1 - share, share], KERNELS)
    assert np.abs(found.difference - (seen - blurred_by_hand(result.image, weights))).max() < 1e-4
    assert found.kernels[1].share == pytest.approx(share.mean(), rel=1e-6)


def test_the_noise_is_that_of_its_law_at_every_voxel(seen):
    counts = np.random.default_rng(3).poisson(np.maximum(seen, 0)).astype(float)
    result = sd.deconvolve(counts, FIELD, strategy="joint", method="richardson-lucy", noise="poisson", iterations=6)
    found = result.residual_map()
    sigma = np.sqrt(blurred_by_hand(result.image))
    assert np.abs(found.sigma / sigma - 1).max() < 1e-4
    assert np.abs(found.values - found.difference / sigma).max() < 1e-3


def test_an_image_without_noise_has_its_residual_in_its_own_units():
    image = blurred_by_hand(scene())
    found = sd.deconvolve(
        image, FIELD, strategy="joint", method="landweber", iterations=3, noise=0.0
    ).residual_map()
    assert not found.in_noise
    assert found.values is found.difference
    assert "image units" in found.describe()[0]


def test_the_kernel_that_does_not_fit_stands_out_and_so_does_the_place():
    truth = scene()
    labels = np.where(np.arange(40) < 20, 1, 2) * np.ones(truth.shape, int)
    right = sd.KernelField.by_region(labels, {1: KERNELS[0], 2: KERNELS[1]})
    seen = sd.convolve(truth, right).image + np.random.default_rng(4).normal(0, 0.3, truth.shape)
    seen[10, 30] += 30.0  # a speck that no kernel explains
    wrong = sd.KernelField.by_region(labels, {1: KERNELS[0], 2: sd.gaussian_kernel(3.0, (1, 1))})
    found = sd.deconvolve(seen, wrong, strategy="joint", method="tikhonov", noise=0.3).residual_map()
    first, second = found.kernels
    assert (first.at, second.at) == (1, 2)
    assert first.share == second.share == 0.5
    assert second.rms > 2 * first.rms
    assert np.hypot(second.worst[0] - 10, second.worst[1] - 30) <= 4
    assert second.worst_rms > second.rms
    assert found.describe()[1].startswith(f"at 2: residual {second.rms:.3g} times the noise")


def test_numbers_of_a_kernel_are_weighted_means(seen):
    result = sd.deconvolve(seen, FIELD, strategy="joint", method="tikhonov", noise=0.5)
    found = result.residual_map()
    for kernel, weight in zip(found.kernels, FIELD.weight_arrays, strict=True):
        assert kernel.rms == pytest.approx(np.sqrt(np.average(found.values**2, weights=weight)), rel=1e-6)
        assert kernel.mean == pytest.approx(np.average(found.values, weights=weight), abs=1e-6)
        assert kernel.share == pytest.approx(weight.mean(), rel=1e-6)


def test_units_and_shapes_are_the_callers(seen):
    slab = (1e-30 * seen)[np.newaxis].astype(np.float64)  # worked on in another unit, and as a plane
    result = sd.deconvolve(slab, sd.gaussian_kernel(1.0, (1, 1)), strategy="joint", method="tikhonov", noise=5e-31)
    found = result.residual_map()
    assert found.difference.shape == slab.shape
    expected = slab[0] - ndimage.convolve(result.image[0], sd.gaussian_kernel(1.0, (1, 1)).values, mode="nearest")
    assert np.abs(found.difference[0] - expected).max() < 1e-34
    assert len(found.kernels[0].worst) == 3
    assert np.sqrt(np.mean(found.values**2)) == pytest.approx(result.residual, rel=1e-3)


def test_what_has_no_map_says_so(seen):
    with pytest.raises(sd.InputError, match="convolutions"):
        sd.convolve(seen, FIELD).residual_map()
    with pytest.raises(sd.InputError, match="channel 1 of 1"):
        sd.deconvolve(seen, FIELD, method="wiener", noise=0.5).residual_map(1)


def test_every_channel_has_a_map_of_its_own(seen):
    images = [seen[None], 2 * seen[None] + 7]
    results = [sd.deconvolve(image, KERNELS[0], method="tikhonov") for image in images]
    together = channels.combinedResult(results)
    for number, alone in enumerate(results):
        assert np.array_equal(together.residual_map(number).difference, alone.residual_map().difference)


def test_a_map_can_be_cancelled(seen):
    result = sd.deconvolve(seen, FIELD, method="wiener", noise=0.5)
    with pytest.raises(sd.Cancelled):
        result.residual_map(cancelled=lambda: True)
