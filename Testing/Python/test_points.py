"""Images of points on a ground are told from others."""

import numpy as np
import pytest
from scipy import ndimage

from SpatialDeconvLib.noise import NoiseLaw
from SpatialDeconvLib.run.points import looks_like_points


def field_of_stars(shape=(96, 96), number=30, width=1.6, seed=0):
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    image[tuple(rng.integers(5, n - 5, number) for n in shape)] = 50 * 20 ** rng.random(number)
    return ndimage.gaussian_filter(image, width) + 3


def noisy(image, sigma, seed=1):
    return image + np.random.default_rng(seed).normal(0, sigma, image.shape)


@pytest.mark.parametrize("width", [1.0, 1.6, 2.4])
@pytest.mark.parametrize("shape", [(96, 96), (40, 42, 44)])
def test_stars_are_points_however_blurred(shape, width):
    image = field_of_stars(shape, width=width)
    assert looks_like_points(noisy(image, 0.05 * image.std()), NoiseLaw.gaussian(0.05 * image.std()))


def test_counted_stars_are_points():
    image = 20 * field_of_stars()
    law = NoiseLaw.poisson()
    assert looks_like_points(np.random.default_rng(0).poisson(image).astype(np.float32), law.over(image))


def test_flat_pieces_and_textures_are_no_points():
    rng = np.random.default_rng(2)
    pieces = np.sign(ndimage.gaussian_filter(rng.standard_normal((96, 96)), 4))
    texture = ndimage.gaussian_filter(rng.standard_normal((96, 96)), 1.2)
    for image in (pieces, texture):
        image = 50 + 20 * image / image.std()
        assert not looks_like_points(noisy(image, 0.5), NoiseLaw.gaussian(0.5))


def test_one_bright_body_on_a_dark_ground_is_no_point():
    image = np.full((96, 96), 2.0)
    image[40:52, 30:46] = 100
    image[20:23, 60:63] = 40
    image = ndimage.gaussian_filter(image, 1.5)
    assert not looks_like_points(noisy(image, 0.5), NoiseLaw.gaussian(0.5))


def test_what_noise_hides_is_not_called_points():
    image = field_of_stars()
    assert not looks_like_points(noisy(image, 3 * image.std()), NoiseLaw.gaussian(3 * image.std()))


def test_only_voxels_in_the_mask_count():
    image = noisy(field_of_stars(), 0.2)
    mask = np.zeros(image.shape, bool)
    mask[:, :60] = True
    image[:, 60:] = 1000
    law = NoiseLaw.gaussian(0.2)
    assert looks_like_points(image, law, mask)
    assert not looks_like_points(image, law)


def test_a_constant_image_shows_no_points():
    assert not looks_like_points(np.full((16, 16), 7.0), NoiseLaw.gaussian(0.0))


@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_the_unit_does_not_matter(unit):
    image = noisy(field_of_stars(), 0.2)
    assert looks_like_points(unit * image, NoiseLaw.gaussian(unit * 0.2))
