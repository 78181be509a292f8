"""Choices that kernel estimation makes by itself, by how close it comes to kernels that are known.

Bounds lie between the error with the choice as it is and the error without it, or with another constant in it.
"""

import numpy as np
import pytest
from scipy import ndimage, signal

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.neighbours import balanced
from SpatialDeconvLib.estimation.shift import shifted


def boxes(shape, seed=0, largest=9):
    """Boxes of random place, size and intensity, over each other."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    for _ in range(image.size // 20):
        size = rng.integers(2, largest, len(shape))
        start = [rng.integers(1 - s, n) for s, n in zip(size, shape, strict=True)]
        image[tuple(slice(max(a, 0), a + s) for a, s in zip(start, size, strict=True))] = rng.integers(0, 101)
    return image


def gaussian(size, sigma):
    line = np.exp(-0.5 * (np.arange(size) - size // 2) ** 2 / sigma**2)
    return np.outer(line, line) / line.sum() ** 2


def speckles():
    """A kernel that is not smooth."""
    values = np.random.default_rng(5).random((7, 7)) ** 4
    return values / values.sum()


def smooth():
    return 100 * ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((48, 48)), 2)


def blurred(image, kernel, noise, seed=0):
    return signal.convolve(image, kernel, "same") + noise * np.random.default_rng(seed).standard_normal(image.shape)


def error(found, kernel):
    return np.linalg.norm(getattr(found, "values", found) - kernel) / np.linalg.norm(kernel)


IMAGE, WIDE = boxes((48, 48)), gaussian(9, 1.3)


# -- one kernel


@pytest.mark.parametrize(
    ("original", "kernel", "noise", "options", "bound"),
    [
        (smooth(), WIDE, 0.001, {}, 0.05),  # hardly anything is left of fine structure
        (IMAGE, speckles(), 0.1, {}, 0.008),  # hardly a penalty is wanted
        (IMAGE, WIDE, 0.0, {}, 1e-6),
        (IMAGE, speckles(), 0.0, {}, 1e-6),
        (np.pad(boxes((36, 36)), 6), WIDE, 1.0, {"method": "fourier"}, 0.073),
        (np.pad(boxes((36, 36)), 6), WIDE, 0.05, {"method": "fourier"}, 0.007),
    ],
)
def test_a_kernel_comes_close_whatever_noise_and_structure(original, kernel, noise, options, bound):
    found = sd.estimate_kernel(original, blurred(original, kernel, noise), kernel.shape, **options)
    assert error(found, kernel) < bound


def test_the_penalty_is_a_little_stronger_than_the_best_prediction_asks_for():
    errors = [
        error(sd.estimate_kernel(IMAGE, blurred(IMAGE, WIDE, 8.0, seed), WIDE.shape), WIDE) for seed in (1, 8, 11)
    ]
    assert np.mean(errors) < 0.172


@pytest.mark.parametrize(("noise", "steps"), [(0.1, 65), (8.0, 35)])
def test_no_more_steps_are_taken_than_the_noise_is_worth(noise, steps):
    estimate = sd.estimate_kernel(IMAGE, blurred(IMAGE, WIDE, noise), WIDE.shape).estimate
    assert estimate.iterations < steps


def test_the_uncertainty_is_about_the_error():
    for noise in (0.1, 1.0, 8.0, 30.0):
        found = sd.estimate_kernel(IMAGE, blurred(IMAGE, WIDE, noise), WIDE.shape)
        assert 0.7 < found.estimate.uncertainty / error(found, WIDE) < 1.6


@pytest.mark.parametrize("options", [{}, {"regularization": 1e3}])
def test_little_structure_is_enough_whatever_the_penalty(options):
    sd.estimate_kernel(smooth(), blurred(smooth(), WIDE, 1.0), WIDE.shape, **options)


def test_the_noise_is_told_from_rounding():
    assert sd.estimate_kernel(smooth(), blurred(smooth(), WIDE, 0.001), WIDE.shape).estimate.residual > 0.8
    exact = sd.estimate_kernel(IMAGE, blurred(IMAGE, speckles(), 0.0), (7, 7)).estimate
    assert 0 <= exact.residual < 0.1


# -- displacements


@pytest.mark.parametrize(("shift", "bound"), [((0.05, 0.0), 0.005), ((0.4, -0.3), 0.013), ((3.3, -2.6), 0.016)])
def test_a_displacement_leaves_the_kernel_alone(shift, bound):
    original = boxes((64, 64))
    noise = 0.02 if max(shift) < 0.1 else 0.1
    moved = ndimage.shift(signal.convolve(original, WIDE, "same"), shift, order=5, mode="mirror")
    moved += noise * np.random.default_rng(0).standard_normal(moved.shape)
    found = sd.estimate_kernel(original, moved, (11, 11), register=True)
    assert error(found, np.pad(WIDE, 1)) < bound
    np.testing.assert_allclose(found.estimate.shift, shift, atol=0.02)


def test_an_image_displaced_by_parts_of_a_voxel_is_nearly_right_wherever_it_is_known():
    rows, columns = np.mgrid[-8:72, -8:72].astype(float)
    places = np.random.default_rng(2).uniform(-8, 72, (60, 2))

    def scene(down, right):
        squares = (np.square(rows - r - down) + np.square(columns - c - right) for r, c in places)
        return sum(np.exp(-0.5 * s / 1.5**2) for s in squares)[8:-8, 8:-8]

    moved, box = shifted(scene(0, 0), (0.4, -1.7), (5, 5))
    apart = np.abs(moved - scene(0.4, -1.7)[box])
    assert apart.max() < 0.02
    assert apart[8:-8, 8:-8].max() < 2e-3
    assert all(part.stop - part.start >= 54 for part in box)


# -- several kernels


def field_errors(levels, sigmas, noise, size):
    original = boxes((72, 72), largest=14)
    field = sd.KernelField.by_intensity(
        {at: sd.gaussian_kernel(s, ndim=2) for at, s in zip(levels, sigmas, strict=True)}
    )
    image = sd.convolve(original, field).image + noise * np.random.default_rng(0).standard_normal(original.shape)
    found = sd.estimate_kernels(original, image, levels, (size, size))
    return [error(kernel, gaussian(size, s)) for kernel, s in zip(found.kernels, sigmas, strict=True)]


def test_wide_kernels_are_penalised_more_than_narrow_ones():
    assert field_errors((20, 80), (0.4, 2.4), 0.2, 15)[1] < 0.04


def test_the_roughness_of_uncertain_kernels_counts_too():
    assert max(field_errors((20, 50, 80), (0.7, 1.2, 1.8), 6.0, 9)) < 0.3


def test_a_kernel_that_came_out_as_next_to_nothing_is_not_penalised_beyond_measure():
    weights = balanced(np.array([1e-12, 1.0, 1e12]), np.ones(3, bool))
    assert 1e2 < weights.max() / weights.min() < 1e5


# -- what is told


def warnings_of(original, image, shape=(9, 9)):
    return " ".join(sd.estimate_kernel(original, image, shape).estimate.warnings)


def ramp(height):
    return np.linspace(0, height, 48)[:, None]


@pytest.mark.parametrize(
    ("noise", "height", "told"),
    [
        (0.5, 0.0, False),
        (0.5, 8.0, True),  # a few times the noise
        (0.02, 3.0, True),  # a hundredth of the range
        (0.01, 0.3, False),  # many times the noise, but nothing that could be seen
    ],
)
def test_what_the_kernel_does_not_explain_is_told_where_it_matters(noise, height, told):
    image = blurred(IMAGE, WIDE, noise) + ramp(height)
    assert ("times the noise" in warnings_of(IMAGE, image)) == told


def test_a_pair_is_not_called_swapped_for_its_noise():
    assert "swap" not in warnings_of(IMAGE, blurred(IMAGE, gaussian(9, 0.5), 6.0))
    assert "swap" not in warnings_of(IMAGE, blurred(IMAGE, WIDE, 30.0))


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_swapped_pair_is_noticed_though_the_kernel_is_narrow(noise):
    assert "swap" in warnings_of(blurred(IMAGE, gaussian(9, 0.6), noise), IMAGE)


@pytest.mark.parametrize(
    ("side", "clipped", "told"), [(48, 5, False), (48, 14, True), (48, 70, True), (200, 45, True), (300, 15, False)]
)
def test_clipped_voxels_are_told_from_a_few_that_happen_to_be_alike(side, clipped, told):
    original = boxes((side, side))
    image = blurred(original, gaussian(3, 0.7), 1.0)
    image = np.minimum(image, np.sort(image.ravel())[-clipped])
    assert ("maximum" in warnings_of(original, image, (3, 3))) == told
