"""The first image of source-keyed kernels that change fast with the intensity."""

import numpy as np
import pytest
from scipy import ndimage, optimize

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.blur.selfkeyed import SelfKeyedBlur
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel
from SpatialDeconvLib.solvers.lifting import LiftedBlur, changes_grow, nearest_shares
from SpatialDeconvLib.solvers.solve import solve

LEVELS = np.arange(10.0, 110, 10)


def phantom(shape, seed=3):
    """Smooth patches with edges, 0 to 100."""
    rng = np.random.default_rng(seed)
    patches = np.digitize(ndimage.gaussian_filter(rng.standard_normal(shape), 5), [-0.05, 0, 0.05])
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 3)
    return np.clip(25.0 * patches + 12 + 8 * texture / texture.std(), 0, 100)


def motions(ndim=2):
    angles = [18.0 * k if ndim == 2 else (np.sin(k), np.cos(k), 0.3) for k in range(10)]
    return KernelField.by_intensity({v: motion_kernel(2 + 0.6 * k, angles[k]) for k, v in enumerate(LEVELS)})


def gaussians():
    widths = np.linspace(0.8, 2.5, 10)
    return KernelField.by_intensity({v: gaussian_kernel(s, ndim=2) for v, s in zip(LEVELS, widths, strict=True)})


def operator_for(y, field=None, **options):
    return SpatiallyVariantBlur(field or motions(y.ndim), y.shape, guide=y, model="source", **options)


def blurred(truth, noise=0.5):
    exact = operator_for(truth, dtype="float64", low_rank=0)
    return exact.forward(truth) + noise * np.random.default_rng(0).standard_normal(truth.shape)


def psnr(image, truth):
    return 20 * np.log10(100 / np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2)))


@pytest.mark.parametrize("boundary", ["edge", "extended"])
@pytest.mark.parametrize("field", [motions(), gaussians()], ids=["motions", "compressed"])
def test_lifted_model_is_the_self_keyed_one_at_its_intensities_and_its_transpose_fits(field, boundary):
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, (13, 17))
    # The compression of the Gaussians is not at issue here, so both models share it.
    model = SelfKeyedBlur(operator_for(y, field, dtype="float64", boundary=boundary))
    lifted = LiftedBlur(model, 0.0, 100.0)
    assert lifted.intensities.tolist() == [0, *LEVELS, 110]
    choice = rng.integers(0, 12, model.operator.domain_shape)
    v = lifted.shares(0)
    np.put_along_axis(v, choice[None], 1, axis=0)
    np.testing.assert_array_equal(lifted.image(v), lifted.intensities[choice])
    np.testing.assert_allclose(lifted.forward(v), model.forward(lifted.intensities[choice])[0], atol=1e-9)
    v, residual, out = rng.random(v.shape), rng.random(y.shape), np.zeros_like(v)
    lifted.add_transposed(out, residual, 2.0)
    assert np.vdot(out, v) == pytest.approx(2 * np.vdot(residual, lifted.forward(v)), rel=1e-10)


def test_lifted_norm_is_that_of_changes_that_keep_the_sum():
    y = np.random.default_rng(0).uniform(0, 100, (5, 6))
    lifted = LiftedBlur(SelfKeyedBlur(operator_for(y, dtype="float64")), 0.0, 100.0)
    units = np.eye(lifted.shares(0).size).reshape(-1, *lifted.shares(0).shape)
    matrix = np.array([lifted.forward(v - v.mean(axis=0)).ravel() for v in units])
    largest = np.linalg.norm(matrix, 2) ** 2
    assert 0.95 * largest < lifted.norm(lambda image: image) <= largest * (1 + 1e-9)


def test_many_levels_and_negative_intensities_get_few_intensities_in_their_range():
    y = np.random.default_rng(0).uniform(-900, 900, (9, 10))
    kernels = {v: gaussian_kernel(0.5 + 0.001 * (v + 1000), ndim=2) for v in np.arange(-1000.0, 1001, 50)}
    lifted = LiftedBlur(SelfKeyedBlur(operator_for(y, KernelField.by_intensity(kernels))), -900.0, 900.0)
    assert len(lifted.intensities) == 12
    np.testing.assert_allclose(lifted.intensities[[0, -1]], [-1050, 1050], rtol=1e-5)


def test_projection_on_the_shares_is_the_nearest_point():
    p = np.random.default_rng(1).normal(0, 2, (6, 7))
    found = nearest_shares(p)
    for column, expected in zip(p.T, found.T, strict=True):
        sums = {"type": "eq", "fun": lambda v: v.sum() - 1}
        best = optimize.minimize(
            lambda v, c=column: ((v - c) ** 2).sum(), np.full(6, 1 / 6), bounds=[(0, 1)] * 6, constraints=sums,
            options={"ftol": 1e-14, "maxiter": 500},
        )  # fmt: skip
        np.testing.assert_allclose(expected, best.x, atol=1e-5)


def test_only_kernels_that_make_small_changes_grow_need_it():
    truth = phantom((48, 48)).astype(np.float32)
    assert changes_grow(SelfKeyedBlur(operator_for(truth)), truth, 1.0)
    assert not changes_grow(SelfKeyedBlur(operator_for(truth, gaussians())), truth, 1.0)


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_source_keyed_motions_are_restored_also_where_the_noise_is_overestimated(noise):
    truth = phantom((96, 96))
    y = blurred(truth)
    op = operator_for(y)
    result = solve(op, y, "self-keyed", noise=noise)
    known = solve(operator_for(truth), y, "tv", noise=0.5)  # what knowing the kernel of every voxel would give
    assert psnr(y, truth) < 23
    assert psnr(result.image, truth) > psnr(y, truth) + 6
    assert psnr(result.image, truth) > psnr(known.image, truth) - 6


@pytest.mark.parametrize("shape", [(40, 44), (6, 24, 20)])
def test_masked_voxels_do_not_count_and_threads_change_nothing(shape):
    y = blurred(phantom(shape)).astype(np.float32)
    mask = np.ones(shape, bool)
    mask[2:4, 8:12] = False
    spoilt = np.where(mask, y, np.float32(1e4))
    options = {"noise": 0.5, "mask": mask, "iterations": 3, "regularization": 0.1}
    runs = [
        solve(operator_for(y, workers=n, boundary="extended"), image, "self-keyed", **options).image
        for n, image in ((1, y), (1, spoilt), (2, y))
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])
