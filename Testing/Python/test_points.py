"""Kernels from images of points, against images made of functions that are known everywhere."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.points import find
from SpatialDeconvLib.estimation.points.denoise import ball_response, denoised, spectrum_grid
from SpatialDeconvLib.estimation.points.register import moved


def gaussian(sigma):
    """A Gaussian of one sigma in mm, or one per axis, as a function of displacements in mm; its height is 1."""

    def height(displacements, place):
        sigmas = np.broadcast_to(sigma(place) if callable(sigma) else sigma, len(displacements))
        return np.exp(-0.5 * sum((d / s) ** 2 for d, s in zip(displacements, sigmas, strict=True)))

    return height


def places_in(shape, spacing, count, apart, seed):
    """A grid of places in mm, each moved by less than a voxel, `apart` mm from each other and from the border."""
    rng = np.random.default_rng(seed)
    spacings = np.broadcast_to(spacing, len(shape))
    axes = [np.arange(apart, (n - 1) * h - apart + 1e-9, 1.8 * apart) for n, h in zip(shape, spacings, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    assert len(grid) >= count
    return rng.permutation(grid)[:count] + rng.uniform(-0.5, 0.5, (count, len(shape))) * spacings


def scene(shape, places, function, heights=20.0, noise=1.0, background=10.0, spacing=1.0, seed=0):
    spacings = np.broadcast_to(spacing, len(shape))
    grid = np.meshgrid(*(np.arange(n) * h for n, h in zip(shape, spacings, strict=True)), indexing="ij")
    image = np.full(shape, float(background))
    for place, height in zip(places, np.broadcast_to(heights, len(places)), strict=True):
        image += height * function([g - p for g, p in zip(grid, place, strict=True)], place)
    return image + noise * np.random.default_rng(seed).normal(size=shape)


def error(kernel, function, place=None):
    """|kernel - true| / |true|, the true one of sum 1 over a grid twice as wide."""
    axes = [(np.arange(n) - n // 2) * h for n, h in zip(kernel.shape, kernel.spacing, strict=True)]
    wide = [(np.arange(2 * n + 1) - n) * h for n, h in zip(kernel.shape, kernel.spacing, strict=True)]
    true = function(np.meshgrid(*axes, indexing="ij"), place)
    true = true / function(np.meshgrid(*wide, indexing="ij"), place).sum()
    return np.linalg.norm(kernel.values - true) / np.linalg.norm(true)


# ---------------------------------------------------------------------------------------------- how close


@pytest.mark.parametrize(
    ("shape", "sigma"),
    [((160, 160), 1.5), ((160, 160), (1.2, 2.0)), ((36, 62, 62), 1.5)],
    ids=["2-D", "oval", "3-D"],
)
def test_twenty_points_at_signal_to_noise_20_give_the_kernel_within_5_percent(shape, sigma):
    places = places_in(shape, 1.0, 20, 8 if len(shape) == 2 else 7.5, seed=1)
    found = sd.psfs_from_points(scene(shape, places, gaussian(sigma)))
    assert len(found.used) >= 18
    assert error(found.field.kernels[0], gaussian(sigma)) < 0.05
    assert found.uncertainty[0] == pytest.approx(error(found.field.kernels[0], gaussian(sigma)), abs=0.02)


def test_without_noise_points_between_voxels_give_the_kernel_and_their_places():
    places = places_in((128, 128), 1.0, 8, 9, seed=2)
    found = sd.psfs_from_points(scene((128, 128), places, gaussian(1.8), noise=0.0))
    assert error(found.field.kernels[0], gaussian(1.8)) < 0.005
    positions = np.array([point.position for point in found.used])
    nearest = np.linalg.norm(positions[:, None] - places[None], axis=-1).min(axis=1)
    assert nearest.max() < 0.01
    assert [p.flux for p in found.used] == pytest.approx([20 * 2 * np.pi * 1.8**2] * 8, rel=0.01)


def test_a_polynomial_of_the_place_follows_a_blur_that_grows_across_the_image():
    def sigma(place):
        return 1.2 + 0.8 * place[1] / 159

    places = places_in((160, 160), 1.0, 30, 8, seed=3)
    image = scene((160, 160), places, gaussian(sigma))
    sloping = sd.psfs_from_points(image, zones=(1, 5), degree=1)
    uniform = sd.psfs_from_points(image)
    assert sloping.field.key == "position"
    assert [at[1] for at in sloping.field.at] == pytest.approx(np.linspace(0, 159, 5))
    errors = [error(k, gaussian(sigma), at) for at, k in zip(sloping.field.at, sloping.field.kernels, strict=True)]
    assert max(errors[1:4]) < 0.07
    assert max(errors) < 0.5 * max(error(uniform.field.kernels[0], gaussian(sigma), at) for at in sloping.field.at)


def test_zones_have_kernels_of_their_own_points():
    def sigma(place):
        return 1.2 if place[0] < 80 else 2.2

    places = places_in((160, 100), 1.0, 16, 9, seed=4)
    found = sd.psfs_from_points(scene((160, 100), places, gaussian(sigma), heights=100.0), zones=(2, 1))
    assert [at[0] for at in found.field.at] == pytest.approx([159 / 4, 3 * 159 / 4])
    assert [error(k, gaussian(s)) < 0.05 for k, s in zip(found.field.kernels, (1.2, 2.2), strict=True)] == [
        True
    ] * 2
    assert sum(found.counts) == len(found.used)


def test_a_zone_without_points_takes_the_nearest_kernel_and_says_so():
    places = [(20.0, 20.0), (20.0, 60.0), (45.0, 40.0)]
    found = sd.psfs_from_points(scene((120, 80), places, gaussian(1.5)), zones=(2, 1))
    assert found.counts == (3, 0)
    assert found.field.kernels[1].values is found.field.kernels[0].values or np.array_equal(
        found.field.kernels[0].values, found.field.kernels[1].values
    )
    assert any("hold no point" in text for text in found.warnings)


def test_sizes_and_places_are_in_mm():
    spacing = (0.5, 0.25)
    places = places_in((120, 200), spacing, 10, 5, seed=5)
    found = sd.psfs_from_points(scene((120, 200), places, gaussian(0.8), spacing=spacing), spacing=spacing)
    kernel = found.field.kernels[0]
    assert kernel.spacing == spacing
    assert error(kernel, gaussian(0.8)) < 0.06
    assert found.full_widths[0] == pytest.approx((0.8 * 2.3548,) * 2, rel=0.05)


def test_the_diameter_of_beads_is_taken_out():
    """Beads of 5 voxels under a Gaussian, made by summing many points of the ball."""
    grid = np.linspace(-2.5, 2.5, 15)
    inside = [p for p in np.stack(np.meshgrid(grid, grid, grid), axis=-1).reshape(-1, 3) if p @ p <= 2.5**2]
    weights = np.zeros((15, 15))  # the ball's shadow
    for p in inside:
        weights[np.searchsorted(grid, p[0]), np.searchsorted(grid, p[1])] += 1 / len(inside)
    spots = [(grid[a], grid[b], w) for (a, b), w in np.ndenumerate(weights) if w]

    def bead(displacements, place):
        return sum(
            w * np.exp(-((displacements[0] - a) ** 2 + (displacements[1] - b) ** 2) / 2 / 1.5**2)
            for a, b, w in spots
        )

    places = places_in((110, 110), 1.0, 6, 11, seed=6)
    image = scene((110, 110), places, bead, heights=100.0, noise=0.5)
    plain, taken = sd.psfs_from_points(image), sd.psfs_from_points(image, bead_diameter_mm=5.0)
    assert error(plain.field.kernels[0], gaussian(1.5)) > 0.25
    assert error(taken.field.kernels[0], gaussian(1.5)) < 0.06
    with pytest.raises(sd.InputError, match="beads of 12 mm are larger than the image shows them"):
        sd.psfs_from_points(image, bead_diameter_mm=12.0)


# ------------------------------------------------------------------------------------- what is not used, and why


def test_neighbours_saturated_faint_and_border_points_are_left_out_each_with_its_reason():
    places = [(30, 30), (30, 90), (90, 30), (60, 60), (60, 66), (90, 2), (90, 90), (110, 60)]
    heights = [40, 40, 40, 40, 40, 40, 90, 4]
    image = np.minimum(scene((120, 120), places, gaussian(1.5), heights, seed=7), 80.0)
    found = sd.psfs_from_points(image, least_signal_to_noise=8)
    reasons = {tuple(np.rint(p.position).astype(int).tolist()): p.rejected for p in found.points}
    assert {at: reason for at, reason in reasons.items() if reason} == {
        (60, 60): "neighbour too near",
        (60, 66): "neighbour too near",
        (90, 2): "at the border",
        (90, 90): "saturated",
        (110, 60): "too faint",
    }
    assert "1 saturated" in found.points_text()


def test_two_beads_in_one_are_unlike_the_others():
    places = [*places_in((140, 100), 1.0, 7, 9, seed=8)]
    places = [p for p in places if abs(p[0] - 125) > 20 or abs(p[1] - 50) > 20]
    image = scene((140, 100), [*places, (125.0, 48.6), (125.0, 51.4)], gaussian(1.4), heights=50.0)
    found = sd.psfs_from_points(image)
    assert [p.rejected for p in found.points if p.rejected] == ["unlike the others"]
    assert error(found.field.kernels[0], gaussian(1.4)) < 0.05


def test_dust_beside_a_point_does_little_harm():
    places = places_in((140, 140), 1.0, 9, 9, seed=9)
    image = scene((140, 140), places, gaussian(1.5), heights=100.0)
    clean = error(sd.psfs_from_points(image, size=15).field.kernels[0], gaussian(1.5))
    j, i = np.rint(places[0]).astype(int)
    image[j + 4, i - 5] += 60
    dusty = error(sd.psfs_from_points(image, size=15).field.kernels[0], gaussian(1.5))
    assert dusty < clean + 0.01


def test_the_mask_says_where_points_are_looked_for():
    places = [(30, 30), (30, 90), (90, 30), (90, 90)]
    image = scene((120, 120), places, gaussian(1.5))
    mask = np.zeros((120, 120), bool)
    mask[:60] = True
    found = sd.psfs_from_points(image, mask=mask)
    assert all(p.position[0] < 60 for p in found.points)
    assert len(found.used) == 2


def test_a_gain_and_an_offset_of_the_image_change_nothing():
    image = scene((100, 100), places_in((100, 100), 1.0, 6, 8, seed=10), gaussian(1.5))
    one, other = sd.psfs_from_points(image), sd.psfs_from_points(1e-3 * image - 7)
    assert np.allclose(one.field.kernels[0].values, other.field.kernels[0].values, atol=1e-6)


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("image", "options", "says"),
    [
        (np.random.default_rng(0).normal(size=(64, 64)), {}, "no point|none of the"),
        (np.zeros((64, 64)), {}, "constant"),
        (np.minimum(scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), 15.0), {}, "saturated.*expose less"),
        (scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), {"size": 14}, "size 14 must be odd"),
        (scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), {"size": 99}, "does not fit"),
        (scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), {"zones": 0}, "zones 0"),
        (scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), {"zones": (2, 2, 2)}, "one per axis"),
        (scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), {"degree": 1}, "2 points do not determine"),
        (scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5)), {"degree": 1, "zones": 1}, "several zones"),
        (scene((80, 80), [(3, 3), (3, 70)], gaussian(1.5)), {}, "at the border.*smaller size"),
        (scene((80, 80), [(20, 20), (20, 26)], gaussian(1.5)), {}, "neighbour too near.*smaller size"),
        (scene((80, 80), [(20, 20)], gaussian(1.5)), {"least_signal_to_noise": 90}, "too faint.*lower"),
        (np.where(np.eye(40) > 0, np.nan, 1.0), {}, "NaN"),
        (np.zeros(5), {}, "2-D or 3-D"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line_that_says_what_to_do(image, options, says):
    with pytest.raises(sd.InputError, match=says) as caught:
        sd.psfs_from_points(image, **options)
    assert "\n" not in str(caught.value)


def test_blobs_of_all_forms_are_no_points():
    blobs = ndimage.gaussian_filter(np.random.default_rng(11).normal(size=(160, 160)), (2.0, 3.0))
    with pytest.raises(sd.InputError, match=r"not alike|none of the"):
        sd.psfs_from_points(blobs)


def test_a_run_can_be_cancelled():
    image = scene((80, 80), [(20, 20), (60, 60)], gaussian(1.5))
    with pytest.raises(sd.Cancelled):
        sd.psfs_from_points(image, cancelled=lambda: True)


# --------------------------------------------------------------------------------------------------- its parts


def test_moving_by_the_phase_is_the_function_between_the_voxels():
    x = np.arange(-12.0, 13.0)
    values = np.exp(-0.5 * (x[:, None] ** 2 + x**2) / 1.5**2)[None]
    found = moved(values, np.array([[0.3, -0.4]]))[0]
    assert np.allclose(found, np.exp(-0.5 * ((x[:, None] - 0.3) ** 2 + (x + 0.4) ** 2) / 1.5**2), atol=1e-4)
    slope = moved(values, np.array([[0.3, -0.4]]), slope=0)[0]
    step = 1e-4
    above, below = (moved(values, np.array([[0.3 + s, -0.4]]))[0] for s in (step, -step))
    assert np.allclose(slope, (above - below) / (2 * step), atol=1e-6)


def test_denoising_leaves_what_has_no_noise_and_takes_noise_away():
    x = np.arange(-8.0, 9.0)
    true = np.exp(-0.5 * (x[:, None] ** 2 + x**2) / 1.5**2)
    noise = 0.02 * np.random.default_rng(0).normal(size=true.shape)
    assert np.allclose(denoised(true, 0.0).values, true, atol=1e-12)
    found = denoised(true + noise, 0.02)
    assert np.linalg.norm(found.values - true) < 0.5 * np.linalg.norm(noise)
    assert not denoised(noise, 0.02).values.any() or np.linalg.norm(
        denoised(noise, 0.02).values
    ) < 0.3 * np.linalg.norm(noise)


def test_the_spectrum_of_a_ball_is_that_of_its_shadow():
    """Against the discrete spectrum of the shadow, 2 sqrt(r^2 - x^2), integrated over fine cells."""
    n, d = 41, 6.0
    edges = np.linspace(-20.5, 20.5, 41 * 40 + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    profile = np.clip(9.0 - middles**2, 0, None)  # of the ball's sections, pi times this
    line = np.array(
        [np.sum(profile * np.exp(-2j * np.pi * f * middles)) for f in np.fft.fftfreq(spectrum_grid((n,))[0])]
    )
    response = ball_response(d, (n, n), (1.0, 1.0))
    assert np.allclose(response[:, 0], (line / line[0]).real, atol=1e-3)


def test_the_width_at_half_maximum_lies_between_samples():
    x = np.arange(-10.0, 11.0)
    assert find.half_maximum_width(np.exp(-0.5 * (x / 2.0) ** 2), 10) == pytest.approx(2.3548 * 2, rel=0.01)
    assert find.half_maximum_width(np.ones(5), 2) == np.inf


def test_the_slow_background_is_that_of_a_ramp_with_points():
    ramp = np.linspace(0, 50, 200)[:, None] + np.zeros((200, 150))
    points = scene((200, 150), [(50, 50), (150, 100)], gaussian(1.5), noise=0.0, background=0.0)
    found = find.slow_background(ramp + points, 40)
    assert np.abs(found - ramp)[20:-20].max() < 1.0


def test_a_polynomial_of_degree_0_is_one_kernel():
    image = scene((100, 100), places_in((100, 100), 1.0, 6, 8, seed=12), gaussian(1.5))
    one, same = sd.psfs_from_points(image), sd.psfs_from_points(image, degree=0)
    assert np.array_equal(one.field.kernels[0].values, same.field.kernels[0].values)


def test_faint_maxima_beside_a_point_neither_count_nor_disturb():
    found = find.Candidates(
        np.array([[20, 20], [20, 24], [20, 30], [60, 60]]), np.array([100.0, 5, 8, 40]), [""] * 4
    )
    found = find.drop_wings(found, (15, 15))
    assert found.places.tolist() == [[20, 20], [20, 30], [60, 60]]
    find.reject_neighbours(found, (15, 15), np.zeros(3, bool))
    assert found.reasons == ["", "neighbour too near", ""]
