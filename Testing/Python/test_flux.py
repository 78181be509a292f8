"""The flux of an image is that of its data: for every joint method, and what brings it there."""

import numpy as np
import pytest
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.methods.registry import methods_of
from SpatialDeconvLib.solvers.flux import with_flux
from SpatialDeconvLib.solvers.iteration import Best
from SpatialDeconvLib.solvers.models import LinearModel
from SpatialDeconvLib.solvers.problem import Problem

KERNEL = sd.gaussian_kernel(1.5, ndim=2)
STAR = slice(7, 24), slice(7, 24)  # the brighter one


def counts(seed, shape=(44, 45)):
    """Photons of two stars on an empty background."""
    truth = np.zeros(shape)
    truth[15, 15], truth[28, 32] = 1000, 300
    signal = ndimage.convolve(truth, KERNEL.values, mode="constant")
    return np.random.default_rng(seed).poisson(signal).astype(float)


def field():
    """One kernel for all intensities, so that the flux is kept whoever chooses."""
    return KernelField.by_intensity({10.0: KERNEL, 300.0: KERNEL})


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("method", list(methods_of("joint")))
def test_every_joint_method_keeps_the_flux_of_stars_on_an_empty_background(method, model):
    image = counts(3)
    found = sd.deconvolve(image, field(), strategy="joint", method=method, model=model).image
    assert found.sum() == pytest.approx(image.sum(), rel=0.01)
    assert found[STAR].sum() == pytest.approx(image[STAR].sum(), rel=0.05)


def test_the_flux_over_an_offset_that_is_given_is_kept():
    """A camera's, below which nothing can be."""
    image = counts(1) + 100
    found = sd.deconvolve(image, KERNEL, strategy="joint", method="tv", offset=100.0).image
    assert found.min() >= 100
    assert (found - 100).sum() == pytest.approx((image - 100).sum(), rel=0.01)


@pytest.mark.parametrize("boundary", ["edge", "extended"])
def test_only_what_counts_has_a_flux_to_keep(boundary):
    image, mask = counts(1), np.ones((44, 45), bool)
    mask[:, 38:] = False
    spoilt = np.where(mask, image, 500.0)
    run = {"strategy": "joint", "method": "tv", "boundary": boundary, "mask": mask}
    found, expected = (sd.deconvolve(y, KERNEL, **run).image for y in (spoilt, image))
    np.testing.assert_array_equal(found[mask], expected[mask])
    assert found[:, :38].sum() == pytest.approx(image[:, :38].sum(), rel=0.01)


def test_the_flux_is_kept_in_tiles():
    image = counts(1, (64, 120))
    run = {"strategy": "joint", "method": "projected-landweber", "iterations": 10}
    whole, tiled = (sd.deconvolve(image, KERNEL, tiles=n, **run).image for n in (10**6, (64, 60)))
    assert np.abs(whole - tiled).max() < 2e-3 * np.ptp(image)
    assert tiled.sum() == pytest.approx(image.sum(), rel=0.01)


# ------------------------------------------------------------------------------------------------ the step


def problem_of(image, mask=None, model="detector"):
    operator = SpatiallyVariantBlur(KernelField.uniform(KERNEL), image.shape, model=model, dtype="float64")
    return Problem(operator, image, 0.5, mask)


def matrix(operator):
    shape = operator.domain_shape
    columns = [operator.forward(unit.reshape(shape)).ravel() for unit in np.eye(int(np.prod(shape)))]
    return np.stack(columns, 1)


@pytest.mark.parametrize("model", ["detector", "source"])
def test_the_step_is_the_one_that_is_written_down(model):
    rng = np.random.default_rng(0)
    image, x, mask = rng.uniform(1, 7, (12, 13)), rng.uniform(3, 12, (12, 13)), rng.random((12, 13)) > 0.2
    lower = 2.0
    problem = problem_of(image, mask, model)
    a = matrix(problem.operator)[mask.ravel()]
    y, above, ones = image[mask], x.ravel() - lower, np.ones(x.size)
    ratio = np.maximum(a.T @ (y - lower * (a @ ones)), 0) / (a.T @ (a @ above))
    expected = lower + above * (a.T @ (a @ ratio)) / (a.T @ (a @ ones))
    found, residual = with_flux(problem, LinearModel(problem.operator), x.copy(), lower)
    np.testing.assert_allclose(found.ravel(), expected, rtol=1e-9)
    assert residual == pytest.approx(np.sqrt(np.mean((y - a @ expected) ** 2)) / 0.5)


def test_what_is_too_little_is_so_everywhere():
    x = np.random.default_rng(0).uniform(3, 12, (20, 21))
    problem = problem_of(1.1 * (ndimage.convolve(x, KERNEL.values, mode="nearest") - 2) + 2)
    found, residual = with_flux(problem, LinearModel(problem.operator), x.copy(), 2.0)
    np.testing.assert_allclose(found, 2 + 1.1 * (x - 2))
    assert residual == pytest.approx(0, abs=1e-9)


def test_what_is_too_much_is_taken_where_it_is():
    """From haze around a star, and neither from that nor from a faint one."""
    truth = np.zeros((40, 80))
    truth[20, 20], truth[20, 60] = 1000, 30
    problem = problem_of(ndimage.convolve(truth, KERNEL.values))
    haze = np.zeros(truth.shape)
    haze[5:35, 30:48] = 0.3
    found, _ = with_flux(problem, LinearModel(problem.operator), truth + haze, 0.0)
    assert found.sum() == pytest.approx(truth.sum(), rel=0.005)
    assert found[20, 20] == pytest.approx(1000, rel=0.001)
    assert found[20, 60] == pytest.approx(30, rel=0.02)


@pytest.mark.parametrize("lower", [0.0, -np.inf])
def test_an_image_that_stays_is_not_blurred_again_to_see_that_it_may(lower):
    problem = problem_of(counts(1))
    known = Best(3, problem.y, residual=0.9, lacking=0.001 * problem.y.sum())
    found, residual = with_flux(problem, None, problem.y, lower, known)
    assert found is problem.y
    assert residual == 0.9


@pytest.mark.parametrize("method", ["projected-landweber", "tv", "pnp"])
def test_what_an_iteration_knows_of_its_last_image_is_so(method):
    image, operator = counts(2) + 40, SpatiallyVariantBlur(KernelField.uniform(KERNEL), (44, 45), dtype="float64")
    found = sd.solve(operator, image, method, noise=7.0)
    left = image - operator.forward(found.image)
    assert found.residual == pytest.approx(np.sqrt(np.mean(left**2)) / 7, rel=1e-6)


@pytest.mark.parametrize("lower", [0.0, -np.inf])
def test_an_image_whose_flux_is_right_or_that_has_no_bound_stays(lower):
    x = np.random.default_rng(0).uniform(3, 12, (20, 21))
    problem = problem_of(ndimage.convolve(x, KERNEL.values, mode="nearest") * (1.0 if lower == 0 else 1.2))
    found, _ = with_flux(problem, LinearModel(problem.operator), x.copy(), lower)
    np.testing.assert_array_equal(found, x)
