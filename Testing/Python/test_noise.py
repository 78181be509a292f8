import itertools
import tracemalloc

import numpy as np
import pytest
from noisy import blurred_brain, normal_noise, sharp_blocks
from scipy.ndimage import gaussian_filter

from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.noise import estimate_noise, looks_nonnegative


@pytest.fixture(scope="module")
def brain():
    return blurred_brain()


@pytest.fixture(scope="module")
def blocks():
    return sharp_blocks()


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0, 5.0])
def test_a_blurred_brain_gives_its_noise_within_four_percent(brain, sigma):
    assert estimate_noise(brain + normal_noise(brain.shape, sigma)) == pytest.approx(sigma, rel=0.04)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0, 5.0])
def test_a_single_blurred_slice_gives_its_noise_within_ten_percent(brain, sigma):
    noisy = brain[28] + normal_noise(brain[28].shape, sigma)
    assert estimate_noise(noisy) == pytest.approx(sigma, rel=0.1)
    assert estimate_noise(noisy[None]) == estimate_noise(noisy)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_rounding_to_integers_adds_its_own_variance(brain, sigma):
    rounded = np.rint(brain + normal_noise(brain.shape, sigma)).astype(np.int16)
    assert estimate_noise(rounded) == pytest.approx(np.hypot(sigma, np.sqrt(1 / 12)), rel=0.04)


@pytest.mark.parametrize("sigma", [0.5, 5.0])
def test_sharp_edges_do_not_count_as_noise(blocks, sigma):
    assert estimate_noise(blocks + normal_noise(blocks.shape, sigma)) == pytest.approx(sigma, rel=0.04)


@pytest.mark.parametrize("background", [0.0, -7.5])
def test_a_background_set_to_one_value_has_no_noise(blocks, background):
    noisy = blocks + normal_noise(blocks.shape, 2.0)
    noisy[blocks == 0] = background
    share = np.mean(blocks != 0)
    assert estimate_noise(noisy) == pytest.approx(2.0 * np.sqrt(share), rel=0.05)  # the root of the mean variance


def test_a_background_clipped_at_zero_is_left_out(blocks):
    noisy = np.clip(blocks + normal_noise(blocks.shape, 2.0), 0, None)
    assert estimate_noise(noisy) == pytest.approx(2.0, rel=0.05)


def test_only_the_mask_counts(blocks):
    noisy = blocks + normal_noise(blocks.shape, 1.0)
    noisy[:, :36] += normal_noise((40, 36, 72), 20.0, seed=1)
    mask = np.zeros(blocks.shape, np.uint8)
    mask[:, 40:] = 1
    assert estimate_noise(noisy, mask) == pytest.approx(1.0, rel=0.05)


def test_noise_that_grows_with_the_signal_gives_its_root_mean_square():
    signal = np.full((256, 256), 10.0)
    signal[:, 96:] = 1000.0
    signal = gaussian_filter(signal, 3)
    sigma = np.where(signal > 500, 10.0, 1.0)
    noisy = signal + normal_noise(signal.shape, 1.0) * sigma
    assert estimate_noise(noisy) == pytest.approx(np.sqrt(np.mean(sigma**2)), rel=0.1)


def test_images_without_noise_give_zero(blocks):
    assert estimate_noise(np.full((20, 20), 7.0)) == 0.0
    assert estimate_noise(blocks) == 0.0
    assert estimate_noise(blocks.astype(np.uint8)) == 0.0


def test_a_two_valued_noise_image_still_gives_an_answer():
    coin = np.random.default_rng(0).integers(0, 2, (64, 64)).astype(np.uint8)
    assert estimate_noise(coin) == pytest.approx(0.5, rel=0.1)


def test_the_estimate_scales_with_the_image_and_ignores_an_offset(brain):
    noisy = brain[:16] + normal_noise(brain[:16].shape, 1.0)
    sigma = estimate_noise(noisy)
    assert estimate_noise(1000 * noisy + 1e6) == pytest.approx(1000 * sigma, rel=1e-6)
    assert estimate_noise(noisy.astype(np.float32)) == pytest.approx(sigma, rel=1e-3)


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_what_lies_behind_a_scattered_or_thin_mask_does_not_matter(brain, sigma):
    noisy = brain + normal_noise(brain.shape, sigma)
    holes = np.random.default_rng(5).random(noisy.shape) > 0.3
    slab = np.zeros(noisy.shape, bool)
    slab[:, :, 40:43] = True
    for image, mask in ((noisy, holes), (noisy, slab), (noisy[28], holes[28])):
        found = estimate_noise(np.where(mask, image, 1e6), mask)
        assert found == estimate_noise(np.where(mask, image, -50.0), mask)
        assert found == pytest.approx(sigma, rel=0.15)


def test_a_mask_of_a_few_voxels_leaves_the_noise_to_the_whole_image():
    noisy = np.linspace(0, 100, 40)[:, None, None] + normal_noise((40, 40, 40), 2.0)
    few = np.zeros(noisy.shape, bool)
    few[10, 10, 10:40:7] = True
    assert estimate_noise(noisy, few) == estimate_noise(noisy)


@pytest.mark.parametrize(("length", "share", "largest"), [(40, 0.0, 0.14), (60, 0.6, 0.1)])
def test_too_few_windows_inside_a_mask_are_not_relied_upon(length, share, largest):
    image = np.linspace(0, 100, 48)[:, None]
    image = image + 30 * gaussian_filter(np.random.default_rng(7).standard_normal((48, 160)), 3)
    mask = np.random.default_rng(9).random(image.shape) < share
    mask[20:26, 20 : 20 + length] = True
    blurred = [image + normal_noise(image.shape, 2.0, n) for n in range(16)]
    found = [estimate_noise(np.where(mask, noisy, 1e4), mask) for noisy in blurred]
    assert np.sqrt(np.mean((np.array(found) / 2.0 - 1) ** 2)) < largest


@pytest.mark.parametrize(
    ("share", "sigma", "low", "high"),
    [(0.7, 0.5, 0.95, 1.3), (0.7, 3.0, 0.85, 1.1), (0.15, 0.5, 0.8, 1.3), (0.15, 3.0, 0.45, 1.1)],
)
def test_voxels_between_holes_are_compared_with_interpolated_ones(share, sigma, low, high):
    image = gaussian_filter(100.0 * (np.random.default_rng(5).standard_normal((80, 80)) > 0), 2.0)
    mask = np.random.default_rng(6).random(image.shape) > 1 - share
    found = estimate_noise(np.where(mask, image + normal_noise(image.shape, sigma, 8), 1e5), mask)
    assert low < found / sigma < high


# -- what its choices are for


@pytest.mark.parametrize("sigma", [0.5, 2.0])
def test_edges_all_over_the_image_do_not_count_as_noise(sigma):
    place = np.indices((128, 128))
    board = 100.0 * (np.sum(place // 20, axis=0) % 2)
    assert estimate_noise(board + normal_noise(board.shape, sigma)) == pytest.approx(sigma, rel=0.08)
    discs = 100.0 * (np.hypot(*(place % 24 - 12)) < 7)
    assert estimate_noise(discs + normal_noise(discs.shape, 2.0)) < 1.5 * 2.0


def test_noise_that_grows_with_the_signal_of_a_small_image():
    signal = np.full((96, 96), 10.0)
    signal[:, 60:] = 1000.0
    signal = gaussian_filter(signal, 3)
    sigma = np.where(signal > 500, 10.0, 1.0)
    noisy = signal + normal_noise(signal.shape, 1.0) * sigma
    assert estimate_noise(noisy) == pytest.approx(np.sqrt(np.mean(sigma**2)), rel=0.1)


def test_the_noise_of_a_tiny_image_scatters_little():
    found = []
    for seed in range(20):
        patches = np.random.default_rng(seed + 100).standard_normal((24, 24)) > 0
        noise = normal_noise((24, 24), 1.0, seed)
        found.append(estimate_noise(60 * gaussian_filter(patches.astype(float), 1.5) + noise))
    assert np.mean(found) == pytest.approx(1, abs=0.06)
    assert np.std(found) < 0.11


def _patches(shape, amplitude):
    smooth = gaussian_filter(np.random.default_rng(3).standard_normal(shape), 6)
    return gaussian_filter(np.where(smooth > 0, amplitude, -amplitude), 1.5)


@pytest.mark.parametrize("shape", [(64, 64), (32, 40, 36)])
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_an_image_with_negative_parts_does_not_look_non_negative(shape, share):
    mask = np.random.default_rng(1).random(shape) >= share
    for seed, amplitude in itertools.product(range(5), (2.5, 5.0, 20.0, 1000.0)):
        image = _patches(shape, amplitude) + normal_noise(shape, 2.0, seed)
        assert not looks_nonnegative(image, 2.0, mask)
        assert looks_nonnegative(image + amplitude, 2.0, mask)
        assert looks_nonnegative(np.where(mask, image + amplitude, -1e6), 2.0, mask)


def test_a_few_voxels_far_below_the_noise_are_enough_to_make_an_image_negative():
    image = normal_noise((64, 64), 1.0)
    assert looks_nonnegative(image, 1.0)
    image[8::16, 8::16] -= 12
    assert not looks_nonnegative(image, 1.0)


@pytest.mark.parametrize("shape", [(64, 64), (32, 40, 36), (1, 48, 48), (200,)])
def test_noise_around_a_dark_background_does_not_make_it_negative(shape):
    rng = np.random.default_rng(2)
    bright = np.zeros(shape)
    bright[..., 20:28] = 50
    bright = gaussian_filter(bright, 1.5)
    masks = (None, rng.random(shape) > 0.9, rng.random(shape) > 0.3)
    for _, mask in itertools.product(range(5), masks):
        assert looks_nonnegative(rng.normal(0, 2, shape), 2.0, mask)
        # ... nor when sigma is 15 % too small, which is as far as its estimate goes.
        assert looks_nonnegative(bright + rng.normal(0, 2, shape), 1.7, mask)
        counts = rng.poisson(bright + 20) - 20.0
        assert looks_nonnegative(counts, np.sqrt(20 + bright.mean()), mask)
    assert looks_nonnegative(bright - 1e-6, 0.0)
    assert not looks_nonnegative(bright - 1, 0.0)


def test_large_images_are_read_in_tiles_and_give_the_same_answer_every_time():
    noisy = np.zeros((20, 700, 700), np.float32)
    noisy[:, 200:600, 100:500] = 50 + normal_noise((20, 400, 400), 3.0)
    first = estimate_noise(noisy)
    assert first == pytest.approx(3.0, rel=0.02)
    assert estimate_noise(noisy) == first


def test_neither_work_nor_scatter_grow_with_the_image():
    for rows in (1600, 3200):
        noisy = np.random.default_rng(0).standard_normal((rows, 2000), dtype=np.float32)
        tracemalloc.start()
        try:
            assert estimate_noise(noisy) == pytest.approx(1, rel=3e-3)
            assert tracemalloc.get_traced_memory()[1] < 1.1e8
        finally:
            tracemalloc.stop()


def test_unusable_input_is_refused_with_the_reason():
    image = np.arange(100.0).reshape(10, 10)
    with pytest.raises(InputError, match="complex"):
        estimate_noise(image * 1j)
    with pytest.raises(InputError, match="no axis of 5"):
        estimate_noise(image[:4, :4])
    with pytest.raises(InputError, match="mask: shape"):
        estimate_noise(image, np.ones((3, 3)))
    with pytest.raises(InputError, match="no voxel"):
        estimate_noise(image, np.zeros((10, 10)))
    image[2, 2], image[5, 5] = np.inf, np.nan
    with pytest.raises(InputError, match="2 values are not finite"):
        estimate_noise(image)


def test_it_stops_when_asked_and_asks_often():
    image = np.random.default_rng(2).normal(0, 1, (40, 60, 60))
    asked = []
    assert estimate_noise(image, watch=Watch(None, lambda: bool(asked.append(1)))) == estimate_noise(image)
    assert len(asked) > 15
    asked.clear()

    def stop():
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Cancelled):
        estimate_noise(image, watch=Watch(None, stop))
    assert len(asked) == 3
