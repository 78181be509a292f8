"""Whose intensity chooses the kernels is found from the data: blurred here without the engine's operators."""

import math

import numpy as np
import pytest
from oracles import hat_weights
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.noise import NoiseLaw
from SpatialDeconvLib.run import whose
from SpatialDeconvLib.run.whose import busiest_block, whose_values

LEVELS, SIGMAS = (10, 40, 70, 100), (0.8, 1.4, 2.0, 2.6)
FIELD = sd.KernelField.by_intensity(
    {level: sd.gaussian_kernel(sigma, ndim=2) for level, sigma in zip(LEVELS, SIGMAS, strict=True)}
)


def scene(shape=(64, 64), seed=3):
    """Patches of many intensities with sharp edges."""
    rng = np.random.default_rng(seed)
    image = np.full(shape, 20.0)
    for _ in range(25):
        corner = [rng.integers(0, n - 8) for n in shape]
        box = tuple(slice(c, c + rng.integers(6, 20)) for c in corner)
        image[box] = rng.uniform(10, 100)
    return image


def seen(x, key, model, sigmas=SIGMAS):
    """The blur by the four Gaussians whose weights come from `key`."""
    weights = hat_weights(key, LEVELS)
    if model == "source":
        return sum(ndimage.gaussian_filter(w * x, s, mode="nearest") for w, s in zip(weights, sigmas, strict=True))
    return sum(w * ndimage.gaussian_filter(x, s, mode="nearest") for w, s in zip(weights, sigmas, strict=True))


def blurred(of, model, noise, shape=(64, 64)):
    """The scene, blurred by kernels that the scene or the blurred image chooses, with this noise; float32."""
    x = scene(shape)
    noise = noise * np.random.default_rng(8).standard_normal(shape)
    y = seen(x, x, model) + noise
    if of == "measured":
        for _ in range(60):
            y += 0.4 * (seen(x, y, model) + noise - y)
        assert np.abs(seen(x, y, model) + noise - y).max() < 1e-3
    return y.astype(np.float32)


def finding(y, noise, field=FIELD, **options):
    law = noise if isinstance(noise, NoiseLaw) else NoiseLaw.gaussian(noise)
    return whose_values(y, field.bind(y, 1.0, normalize=True), law, **options)


@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("of", ["measured", "true"])
def test_whose_values_chose_is_found_in_both_models(of, model, noise):
    found = finding(blurred(of, model, noise), noise, model=model)
    assert (found.of, found.clear) == (of, True)


def test_with_weak_noise_the_reading_whose_method_is_slower_gets_the_steps_that_it_needs():
    x, wide = scene((48, 48)), [1.3 * sigma for sigma in SIGMAS]
    y = seen(x, x, "source", wide) + 0.1 * np.random.default_rng(8).standard_normal(x.shape)
    field = sd.KernelField.by_intensity(
        {level: sd.gaussian_kernel(sigma, ndim=2) for level, sigma in zip(LEVELS, wide, strict=True)}
    )
    found = finding(y.astype(np.float32), 0.1, field, model="source")
    assert (found.of, found.clear) == ("true", True)


def test_under_noise_the_more_flexible_reading_is_not_taken_for_the_better_fit():
    found = finding(blurred("measured", "source", 4.0), 4.0, model="source")
    assert found.residuals["true"] < found.residuals["measured"]
    assert found.of == "measured"
    assert abs(found.ratio - found.expected["measured"]) < abs(found.ratio - found.expected["true"])


def test_kernels_keyed_to_intensity_in_three_dimensions():
    x = np.full((20, 22, 24), 15.0)
    x[4:12, 5:17, 6:14] = 90
    x[10:17, 3:13, 13:21] = 50
    x[7:18, 14:20, 4:11] = 70
    weights = hat_weights(x, (10, 100))
    y = sum(w * ndimage.gaussian_filter(x, s, mode="nearest") for w, s in zip(weights, (2.0, 0.8), strict=True))
    y = (y + np.random.default_rng(0).normal(0, 1, x.shape)).astype(np.float32)
    field = sd.KernelField.by_intensity({10: sd.gaussian_kernel(2.0, ndim=3), 100: sd.gaussian_kernel(0.8, ndim=3)})
    assert finding(y, 1.0, field).of == "true"


def test_the_residuals_are_those_of_both_readings_in_units_of_the_noise():
    found = finding(blurred("true", "detector", 0.5), 0.5)
    assert 0.5 < found.residuals["true"] < 1.1
    assert found.residuals["measured"] > 1.15
    assert found.ratio == pytest.approx(2 * math.log(found.residuals["measured"] / found.residuals["true"]))
    assert f"{found.residuals['true']:.3g}" in found.why


def test_where_the_kernels_are_all_alike_the_literal_reading_is_taken_and_said_to_be_unclear():
    field = sd.KernelField.by_intensity({at: sd.gaussian_kernel(1.5, ndim=2) for at in (10, 100)})
    y = (ndimage.gaussian_filter(scene(), 1.5) + np.random.default_rng(0).normal(0, 1, (64, 64))).astype(np.float32)
    found = finding(y, 1.0, field)
    assert (found.of, found.clear) == ("measured", False)
    assert "does not tell" in found.why


def test_a_constant_image_tells_nothing():
    found = finding(np.full((32, 32), 30, np.float32), 0.0)
    assert (found.of, found.clear, found.residuals) == ("measured", False, {})


@pytest.mark.parametrize(
    ("kernels", "options", "word"),
    [
        ({10: 0.8, 90: 2.0}, {"interpolation": "nearest"}, "nearest"),
        ({10: 0.8, 90: 2.0}, {"outside": "unchanged"}, "unchanged"),
        ({10: 0.8}, {}, "two levels"),
    ],
)
def test_kernels_that_cannot_follow_the_true_intensity_mean_the_measured_one(kernels, options, word):
    field = sd.KernelField.by_intensity({at: sd.gaussian_kernel(s, ndim=2) for at, s in kernels.items()}, **options)
    found = finding(blurred("true", "detector", 0.5), 0.5, field)
    assert (found.of, found.clear, found.residuals) == ("measured", True, {})
    assert word in found.why


def test_kernels_that_no_intensity_chooses_are_refused():
    with pytest.raises(InputError, match="uniform"):
        finding(scene(), 1.0, sd.KernelField.uniform(sd.gaussian_kernel(1.0, ndim=2)))


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_the_image_changes_nothing(unit):
    y = blurred("true", "detector", 2.0, (48, 48))
    field = sd.KernelField.by_intensity(
        {unit * level: sd.gaussian_kernel(s, ndim=2) for level, s in zip(LEVELS, SIGMAS, strict=True)}
    )
    one, other = finding(y, 2.0), finding(y * np.float32(unit), 2.0 * unit, field)
    assert (one.of, one.clear) == (other.of, other.clear) == ("true", True)
    assert other.ratio == pytest.approx(one.ratio, abs=0.02)


def test_voxels_outside_the_mask_do_not_count():
    y = blurred("true", "detector", 1.0)
    mask = np.zeros(y.shape, bool)
    mask[4:60, 4:60] = True
    y[~mask] = 55
    found = finding(y, 1.0, mask=mask)
    assert (found.of, found.clear) == ("true", True)


def test_counts_are_compared_by_their_own_variance():
    x = scene()
    y = np.random.default_rng(0).poisson(seen(x, x, "detector")).astype(np.float32)
    found = finding(y, NoiseLaw.poisson())
    assert found.of == "true"
    assert 0.7 < found.residuals["true"] < 1.1


def test_the_same_image_gives_the_same_numbers():
    y = blurred("true", "detector", 2.0, (48, 48))
    assert finding(y, 2.0) == finding(y, 2.0)


def test_a_block_with_much_to_see_stands_for_a_large_image():
    image = np.zeros((300, 400), np.float32)
    image[200:280, 300:390] = scene((80, 90))
    box = busiest_block(image, None)
    assert math.prod(s.stop - s.start for s in box) <= whose._BLOCK_VOXELS
    assert all(s.start <= a and s.stop >= b for s, (a, b) in zip(box, ((200, 280), (300, 390)), strict=True))
    mask = np.ones(image.shape, bool)
    mask[150:, 250:] = False
    image[:60, :60] = np.arange(60)
    box = busiest_block(image, mask)
    assert box[0].start == box[1].start == 0


def test_an_image_that_is_smaller_is_its_own_block():
    assert busiest_block(np.zeros((5, 6, 7)), None) == (slice(0, 5), slice(0, 6), slice(0, 7))


def test_the_borders_of_a_block_that_was_cut_out_do_not_count(monkeypatch):
    y = blurred("true", "detector", 1.0, (96, 96))
    monkeypatch.setattr(whose, "_BLOCK_VOXELS", 64 * 64)
    found = finding(y, 1.0)
    assert (found.of, found.clear) == ("true", True)
    assert found.residuals["true"] < 1.05


def test_it_tells_how_far_it_is_and_stops_when_asked_to():
    y = blurred("true", "detector", 2.0)
    told = []
    finding(y, 2.0, watch=Watch(lambda fraction, text: told.append(fraction)))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    with pytest.raises(Cancelled):
        finding(y, 2.0, watch=Watch(cancelled=lambda: True))
