"""Voxels with more noise count less, where that helps."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.blur.selfkeyed import SelfKeyedBlur
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.noise import NoiseLaw
from SpatialDeconvLib.solvers.balance import balance
from SpatialDeconvLib.solvers.dataterm import DataTerm
from SpatialDeconvLib.solvers.models import LinearModel
from SpatialDeconvLib.solvers.problem import Problem
from SpatialDeconvLib.solvers.solve import solve


def gaussians():
    return KernelField.by_intensity({20.0 * i: gaussian_kernel(0.8 + 0.3 * i, ndim=2) for i in range(6)})


def steps(shape=(60, 64), high=100.0):
    image = np.full(shape, 4.0)
    image[10:40, 12:30], image[20:55, 36:58] = high, high / 3
    return image


def psnr(image, truth):
    return 20 * np.log10(100 / np.sqrt(np.mean((image - truth) ** 2)))


def test_the_weight_follows_the_root_of_the_variance_and_keeps_the_noise_in_sum():
    sigma = np.random.default_rng(0).uniform(2.0, 3.0, (20, 24))
    found = balance(NoiseLaw.of_image(sigma), np.zeros(sigma.shape), None)
    weight = found**2
    np.testing.assert_allclose(weight * sigma, (weight * sigma)[0, 0])
    assert np.sum(weight * sigma**2) == pytest.approx(np.sum(sigma**2))


def test_voxels_without_noise_do_not_decide_everything():
    sigma = np.ones((20, 24))
    sigma[:, 12:] = 0
    found = balance(NoiseLaw.of_image(sigma), np.zeros(sigma.shape, np.float32), None)
    assert found.dtype == np.float32
    assert 1 < (found[0, 20] / found[0, 0]) ** 2 < 3


def test_what_does_not_count_does_not_matter():
    image = ndimage.gaussian_filter(steps(), 1.5)
    mask = np.zeros(image.shape, bool)
    mask[:, :40] = True
    found = [balance(NoiseLaw.poisson(), np.where(mask, image, odd), mask)[mask] for odd in (0.0, 1e9)]
    np.testing.assert_array_equal(*found)
    assert np.ptp(found[0]) > 0.1


def test_equal_noise_and_points_leave_the_data_as_they_are():
    image = ndimage.gaussian_filter(steps(), 1.5)
    assert balance(NoiseLaw.gaussian(1.0), image, None) is None
    assert balance(NoiseLaw.poisson(), image, None) is not None
    points = np.zeros((96, 96))
    points[tuple(np.random.default_rng(0).integers(5, 90, (2, 30)))] = 2000
    assert balance(NoiseLaw.poisson(), 1 + ndimage.gaussian_filter(points, 1.0), None) is None


def test_weak_noise_leaves_the_data_as_they_are():
    truth = steps()
    op = SpatiallyVariantBlur(gaussians(), truth.shape, guide=truth)
    found = [Problem(op, scale * truth, NoiseLaw.poisson()).balance is not None for scale in (1.0, 1e3)]
    assert found == [True, False]


@pytest.mark.parametrize("model", [LinearModel, SelfKeyedBlur])
def test_the_data_term_is_balanced_with_its_gradient_and_its_residual_is_not(model):
    truth = steps((14, 16))
    op = SpatiallyVariantBlur(gaussians(), truth.shape, guide=truth, dtype="float64", low_rank=0)
    y = op.forward(truth)
    rng = np.random.default_rng(1)
    y += rng.standard_normal(y.shape)
    mask = rng.random(y.shape) < 0.8
    problem = Problem(op, y, NoiseLaw.poisson(), mask)
    term = DataTerm(problem, model(op))
    x, direction = truth + rng.standard_normal(y.shape), rng.standard_normal(y.shape)
    value, gradient = term(x)
    left = np.where(mask, term.difference(x), 0)
    assert problem.balance is not None
    assert value == pytest.approx(0.5 * np.sum((problem.balance * left) ** 2))
    assert term.squared == pytest.approx(np.sum(left**2))
    h = 1e-5
    slope = (term(x + h * direction)[0] - term(x - h * direction)[0]) / (2 * h)
    assert np.vdot(gradient, direction) == pytest.approx(slope, rel=1e-5)


def test_tikhonov_solves_the_balanced_equations():
    truth = steps((10, 11))
    op = SpatiallyVariantBlur(gaussians(), truth.shape, guide=truth, dtype="float64", low_rank=0)
    matrix = np.array([op.forward(e.reshape(truth.shape)).ravel() for e in np.eye(truth.size)]).T
    y = op.forward(truth)
    weight = np.square(balance(NoiseLaw.poisson(), y, None)).ravel()
    expected = np.linalg.solve(
        matrix.T @ (weight[:, None] * matrix) + 0.3 * np.eye(y.size), matrix.T @ (weight * y.ravel())
    )
    found = solve(
        op, y, "tikhonov", noise=NoiseLaw.poisson(), regularization=0.3, penalty="identity", tolerance=1e-9,
        iterations=300,
    )  # fmt: skip
    assert found.parameters["balanced"]
    np.testing.assert_allclose(found.image.ravel(), expected, rtol=1e-5, atol=1e-4)


def test_counts_are_restored_better_than_with_one_noise_for_all_of_them_and_that_is_said():
    truth, kernel = steps(), gaussian_kernel(1.5, ndim=2)
    signal = sd.convolve(truth, kernel).image
    gains = []
    for seed in range(3):
        y = np.random.default_rng(seed).poisson(np.maximum(signal, 0)).astype(np.float32)
        counts = sd.deconvolve(y, kernel, noise="poisson")
        alike = sd.deconvolve(y, kernel, noise=float(np.sqrt(y.mean())))
        gains.append(psnr(counts.image, truth) - psnr(alike.image, truth))
        assert counts.describe_choice().endswith("voxels with more noise count less")
        assert "more noise" not in alike.describe_choice()
        assert 0.9 < counts.residual < 1.1
    assert np.mean(gains) > 0.1
