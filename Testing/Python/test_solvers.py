"""The joint solvers against dense linear algebra, finite differences and cases whose answer is known."""

import gc
import itertools
import os
import subprocess
import sys
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import oracles
import pytest
import SimpleITK as sitk
from scipy import ndimage, optimize
from scipy.sparse.linalg import lsmr

from SpatialDeconvLib.arrays import sweep
from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.blur import slabfft
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.blur.selfkeyed import SelfKeyedBlur
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel
from SpatialDeconvLib.methods.registry import methods_of
from SpatialDeconvLib.solvers.landweber import power_norm
from SpatialDeconvLib.solvers.lbfgs import descend
from SpatialDeconvLib.solvers.penalised import LinearModel, Objective
from SpatialDeconvLib.solvers.problem import Problem
from SpatialDeconvLib.solvers.solve import solve
from SpatialDeconvLib.solvers.stopping import correlation
from SpatialDeconvLib.solvers.totalvariation import TotalVariation

METHODS = methods_of("joint")
MODELS = ("detector", "source")
BOUNDARIES = ("edge", "zero", "periodic", "extended")


def serially(work, items):
    for item in items:
        work(item)


def phantom(shape, seed=3):
    """Flat patches of six intensities from 0 to 100, with edges."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 4)
    return 20.0 * np.digitize(smooth, np.quantile(smooth, [0.2, 0.4, 0.6, 0.8, 0.95]))


def gaussians(ndim, low=0.8, high=2.2, count=6):
    sigmas = np.linspace(low, high, count)
    return KernelField.by_intensity({20.0 * i: gaussian_kernel(s, ndim=ndim) for i, s in enumerate(sigmas)})


def blurred(truth, model="detector", noise=0.5, boundary="edge", seed=0):
    field = gaussians(truth.ndim)
    op = SpatiallyVariantBlur(field, truth.shape, guide=truth, model=model, boundary=boundary, dtype="float64")
    return op.forward(truth) + noise * np.random.default_rng(seed).standard_normal(truth.shape)


def operator_for(guide, model="detector", boundary="edge", dtype="float32", **options):
    field = gaussians(guide.ndim)
    return SpatiallyVariantBlur(
        field, guide.shape, guide=guide, model=model, boundary=boundary, dtype=dtype, **options
    )


def psnr(image, truth):
    return 20 * np.log10(100 / np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2)))


# -- parts


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 0.5), (3.0, 1.0, 1.5)])
def test_total_variation_equals_its_definition_and_its_gradient_finite_differences(spacing, monkeypatch):
    rng = np.random.default_rng(0)
    shape = (7, 6, 5)[: len(spacing)]
    x = rng.random(shape)
    squares = np.full(shape, 0.1**2)
    for axis, h in enumerate(spacing):
        last = np.take(x, [-1], axis=axis)
        squares += (np.diff(x, axis=axis, append=last) * min(spacing) / h) ** 2
    monkeypatch.setattr(sweep, "_VOXELS", 2 * int(np.prod(shape[1:])))  # two planes at a time
    tv = TotalVariation(shape, spacing, serially)
    gradient = np.ones(shape)
    assert tv(x, 0.1, 2.0, gradient) == pytest.approx((np.sqrt(squares) - 0.1).sum(), rel=1e-12)
    direction = rng.standard_normal(shape)
    h = 1e-6
    slope = (tv(x + h * direction, 0.1, 1, None) - tv(x - h * direction, 0.1, 1, None)) / (2 * h)
    assert np.vdot(gradient - 1, direction) / 2 == pytest.approx(slope, rel=1e-7)


def test_the_curvature_of_total_variation_bounds_it_along_any_step():
    rng = np.random.default_rng(3)
    x, step = rng.standard_normal((2, 6, 7, 5))
    variation = TotalVariation(x.shape, (3.0, 1.0, 1.5), lambda work, items: list(map(work, items)))
    slope = np.zeros_like(x)
    value = variation(x, 0.3, 1.0, slope)
    curvature = variation.curvature(x, step, 0.3)
    lengths = np.array([-10, -1, -0.1, 0.1, 1, 10])
    values = np.array([variation(x + t * step, 0.3, 0.0, None) for t in lengths])
    assert np.all(values <= value + lengths * np.vdot(slope, step) + lengths**2 * curvature / 2)
    # ... and not much more than needed where the step is short.
    near = variation(x + 1e-4 * step, 0.3, 0.0, None) - value - 1e-4 * np.vdot(slope, step)
    assert near > 0.1 * 1e-8 * curvature / 2


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 7)])
def test_self_keyed_model_and_gradient(shape, model, boundary):
    rng = np.random.default_rng(1)
    kernels = {10.0 * i: Kernel(rng.random((3, 4, 3)[: len(shape)])).normalized() for i in (1, 2, 4)}
    field = KernelField.by_intensity(kernels)
    op = SpatiallyVariantBlur(
        field, shape, guide=rng.random(shape), model=model, boundary=boundary, dtype="float64"
    )
    model_of = SelfKeyedBlur(op)
    x = rng.uniform(0, 50, op.domain_shape)
    value, slope = model_of.forward(x)
    if boundary != "extended":  # the linear operator keyed to x is the same thing
        linear = SpatiallyVariantBlur(field, shape, guide=x, model=model, boundary=boundary, dtype="float64")
        np.testing.assert_allclose(value, linear.forward(x), atol=1e-5)
    residual, direction = rng.standard_normal(shape), rng.standard_normal(op.domain_shape)
    h = 1e-6
    ahead, behind = (model_of.forward(x + s * h * direction)[0] for s in (1, -1))
    expected = np.vdot(residual, (ahead - behind) / (2 * h))
    assert np.vdot(model_of.transposed(residual, slope), direction) == pytest.approx(expected, rel=1e-6)


def test_self_keyed_compression_changes_little():
    truth = phantom((40, 44))
    field = gaussians(2, count=10)
    exact = SelfKeyedBlur(SpatiallyVariantBlur(field, truth.shape, guide=truth, dtype="float64"))
    small = SelfKeyedBlur(SpatiallyVariantBlur(field, truth.shape, guide=truth))
    assert small.group.compression is not None
    expected, expected_slope = exact.forward(truth)
    value, slope = small.forward(truth.astype(np.float32))
    assert np.linalg.norm(value - expected) < 2e-3 * np.linalg.norm(expected)
    assert np.linalg.norm(slope.image - expected_slope.image) < 2e-2 * np.linalg.norm(expected_slope.image)


def test_bounded_minimiser_agrees_with_scipy():
    rng = np.random.default_rng(2)
    matrix = rng.standard_normal((60, 40))
    data = rng.standard_normal(60)

    def objective(x):
        r = matrix @ x.ravel() - data
        return 0.5 * r @ r, (matrix.T @ r).reshape(x.shape)

    *_, ours = itertools.islice(descend(objective, np.full((8, 5), 0.5), 0.0, 0.2, tolerance=1e-12), 500)
    expected = optimize.lsq_linear(matrix, data, (0.0, 0.2), tol=1e-12)
    assert objective(ours)[0] == pytest.approx(expected.cost, rel=1e-6)
    np.testing.assert_allclose(ours.ravel(), expected.x, atol=1e-4)
    assert ours.min() >= 0
    assert ours.max() <= 0.2


def test_power_norm_is_the_largest_singular_value_squared():
    rng = np.random.default_rng(3)
    shape = (9, 10)
    op = SpatiallyVariantBlur(KernelField.uniform(Kernel(rng.random((3, 3)))), shape, dtype="float64")
    matrix = np.array([op.forward(e.reshape(shape)).ravel() for e in np.eye(90)]).T
    largest = np.linalg.norm(matrix, 2) ** 2
    assert power_norm(op, iterations=300) == pytest.approx(largest, rel=2e-2)
    assert 0.9 * largest < power_norm(op) <= largest * (1 + 1e-9)
    calls = itertools.count()
    with pytest.raises(Cancelled):
        power_norm(op, watch=Watch(None, lambda: next(calls) > 3))


def test_correlation_is_small_for_white_noise_and_large_for_blurred_noise():
    noise = np.random.default_rng(4).standard_normal((64, 64))
    assert correlation(ndimage.gaussian_filter(noise, 1)) > 2 * correlation(noise)
    assert correlation(np.zeros((8, 8))) == 0


# -- against dense linear algebra


@pytest.mark.parametrize("penalty", ["identity", "gradient"])
def test_tikhonov_equals_lsmr_on_the_explicit_matrix(penalty):
    rng = np.random.default_rng(5)
    shape = (10, 9)
    op = operator_for(rng.uniform(0, 100, shape), dtype="float64", model="source")
    y = rng.uniform(0, 100, shape)
    matrix = np.array([op.forward(e.reshape(shape)).ravel() for e in np.eye(90)]).T
    if penalty == "identity":
        smooth = np.eye(90)
    else:
        index = np.arange(90).reshape(shape)
        first = np.concatenate([index[:-1].ravel(), index[:, :-1].ravel()])
        second = np.concatenate([index[1:].ravel(), index[:, 1:].ravel()])
        smooth = np.eye(90)[second] - np.eye(90)[first]
    weight = 0.05
    stacked = np.vstack([matrix, np.sqrt(weight) * smooth])
    expected = lsmr(stacked, np.concatenate([y.ravel(), np.zeros(len(smooth))]), atol=1e-13, btol=1e-13)[0]
    ours = solve(
        op, y, "tikhonov", regularization=weight, iterations=400, noise=1.0, penalty=penalty, tolerance=1e-10
    )
    np.testing.assert_allclose(ours.image.ravel(), expected, atol=1e-5)


def test_projected_landweber_converges_to_nnls():
    rng = np.random.default_rng(6)
    shape = (8, 8)
    op = operator_for(rng.uniform(0, 100, shape), dtype="float64", boundary="zero")
    y = rng.standard_normal(shape)
    matrix = np.array([op.forward(e.reshape(shape)).ravel() for e in np.eye(64)]).T
    norm = optimize.nnls(matrix, y.ravel())[1]
    ours = solve(op, y, "projected-landweber", iterations=3000, noise=1.0)
    assert np.linalg.norm(matrix @ ours.image.ravel() - y.ravel()) == pytest.approx(norm, rel=1e-3)
    assert ours.image.min() >= 0


def calm(op, y, noise):
    """The first guess: the data shrunk towards A^T y / A^T 1 by the share of the difference that is noise."""
    smooth = op.adjoint(y) / op.adjoint(np.ones(y.shape))
    return smooth + max(0, 1 - noise**2 / np.mean((y - smooth) ** 2)) * (y - smooth)


def test_landweber_without_acceleration_of_one_step_is_the_textbook_step():
    rng = np.random.default_rng(7)
    shape = (12, 11)
    op = operator_for(rng.uniform(0, 100, shape), dtype="float64")
    y = rng.uniform(0, 100, shape)
    ours = solve(op, y, "landweber", iterations=1, regularization=0.3, noise=1.0)
    x = calm(op, y, 1.0)
    np.testing.assert_allclose(ours.image, x + 0.3 * op.adjoint(y - op.forward(x)), atol=1e-9)


@pytest.mark.parametrize("weight", [0.1, 0.5])
@pytest.mark.parametrize("model", MODELS)
def test_total_variation_comes_near_the_minimum_without_smoothing(model, weight):
    """Against Chambolle and Pock's iteration for the exact TV, on flat patches, where smoothing costs most."""
    truth = phantom((40, 44))
    y = blurred(truth, model)
    op = operator_for(truth, model, dtype="float64")
    norm = 1.05 * power_norm(op, iterations=200)
    exact = oracles.chambolle_pock(op.forward, op.adjoint, y, weight, norm, 2000)
    ours = solve(op, y, "tv", noise=0.5, regularization=weight).image
    values = [oracles.total_variation_objective(op.forward, x, y, weight) for x in (exact, ours)]
    # TV is smoothed by 1 % of the span: so far may the objective and the image (of 0 to 100) be away.
    assert -1e-4 < values[1] / values[0] - 1 < 0.01
    assert np.sqrt(np.mean((ours - exact) ** 2)) < 1.5
    assert abs(psnr(ours, truth) - psnr(exact, truth)) < 0.5


@pytest.mark.parametrize("model", MODELS)
def test_plain_richardson_lucy_is_the_textbook_iteration(model):
    truth = phantom((20, 18)) + 5
    y = blurred(truth, model, noise=0.1)
    op = operator_for(truth, model, dtype="float64")
    x = calm(op, y, 0.1)
    for _ in range(5):
        x = x * op.adjoint(y / op.forward(x)) / op.adjoint(np.ones(y.shape))
    ours = solve(op, y, "richardson-lucy", iterations=5, noise=0.1, accelerate=False)
    np.testing.assert_allclose(ours.image, x, rtol=1e-9)


@pytest.mark.parametrize("weight", [0.0, 0.02])
def test_richardson_lucy_likelihood_never_falls_and_acceleration_is_faster(weight):
    truth = phantom((48, 50)) + 2
    y = blurred(truth, noise=0.3)
    op = operator_for(truth, dtype="float64")
    variation = TotalVariation(truth.shape, (1.0, 1.0), op.run)
    eps = 0.01 * np.ptp(np.percentile(y, (0.1, 99.9)))

    def value(image):
        model = op.forward(image)
        return float((y * np.log(model) - model).sum()) - weight * variation(image, eps, 0.0, None)

    values = {True: [], False: []}
    for accelerate, most in ((True, 20), (False, 100)):
        solve(
            op, y, "richardson-lucy", iterations=most, noise=0.3, regularization=weight, accelerate=accelerate,
            observe=lambda image, out=values[accelerate]: out.append(value(image)),
        )  # fmt: skip
    assert len(values[True]) == 21
    assert np.all(np.diff(values[True]) > 0)
    assert values[True][-1] > values[False][-1]


def motions(ndim):
    directions = [(np.sin(k), np.cos(k), 0.3) if ndim == 3 else 18.0 * k for k in range(10)]
    return KernelField.by_intensity(
        {10.0 * (k + 1): motion_kernel(2 + 0.6 * k, direction) for k, direction in enumerate(directions)}
    )


def test_a_dark_background_does_not_slow_richardson_lucy_down():
    # Its voxels cannot fall below 0. Counted as if they did, they spoil the directions: it then ends 0.16 dB short.
    path = Path(__file__).parents[2] / "Resources" / "SampleData" / "icbm152_t1_crop.nrrd"
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[32].astype(float)
    op = SpatiallyVariantBlur(motions(2), truth.shape, guide=truth)
    exact = SpatiallyVariantBlur(motions(2), truth.shape, guide=truth, dtype="float64")
    y = exact.forward(truth) + 0.2 * np.random.default_rng(0).standard_normal(truth.shape)
    best = []
    for accelerate, most in ((True, 12), (False, 100)):
        scores = []
        solve(
            op, y, "richardson-lucy", iterations=most, noise=0.2, accelerate=accelerate,
            observe=lambda image, out=scores: out.append(psnr(image, truth)),
        )  # fmt: skip
        best.append(max(scores))
    assert best[0] > best[1] - 0.08


def test_richardson_lucy_goes_on_where_the_model_comes_near_zero():
    # Nearly every voxel of this image wants to fall to 0, and a few drag the model there: the step is halved often.
    y = np.random.default_rng(0).uniform(1, 110, (48, 48, 40)).astype(np.float32)
    op = SpatiallyVariantBlur(motions(3), y.shape, guide=y)
    assert solve(op, y, "richardson-lucy", iterations=14, noise=0.5).iterations == 14


@pytest.mark.parametrize(("family", "most"), [(gaussians, 9.8), (motions, 8.9)])
def test_richardson_lucy_in_little_memory_needs_few_volumes(family, most, monkeypatch):
    # What a thread holds at a time would count in so small an image.
    monkeypatch.setattr(slabfft, "_SLAB", 1 << 12)
    monkeypatch.setattr(sweep, "_VOXELS", 1 << 12)
    image = np.random.default_rng(0).uniform(1, 110, (64, 80, 64)).astype(np.float32)
    tracemalloc.start()
    try:
        op = SpatiallyVariantBlur(family(3), image.shape, guide=image, cache_bytes=0, workers=1)
        tracemalloc.reset_peak()
        solve(op, image, "richardson-lucy", iterations=3, noise=0.5)
        volumes = tracemalloc.get_traced_memory()[1] / image.nbytes
        assert volumes < most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("weight", [0.0, 0.02])
def test_little_memory_changes_an_image_of_any_unit_by_far_less_than_its_noise(scale, weight):
    truth = phantom((48, 50)) + 2
    y = (scale * blurred(truth, noise=0.3)).astype(np.float32)
    images = [
        solve(
            operator_for(truth, cache_bytes=limit), y, "richardson-lucy",
            iterations=10, noise=0.3 * scale, regularization=weight,
        ).image
        for limit in (None, 0)
    ]  # fmt: skip
    assert np.sqrt(np.mean((images[1] - images[0]) ** 2)) < 0.02 * scale


@pytest.mark.parametrize("method", ["richardson-lucy", "landweber", "projected-landweber"])
def test_residual_and_history_belong_to_the_image_returned(method):
    truth = phantom((40, 38)) + 2
    y = blurred(truth, noise=0.3)
    op = operator_for(truth, dtype="float64")
    result = solve(op, y, method, iterations=7, noise=0.3)
    assert result.iterations == len(result.history) == 7
    assert result.residual == pytest.approx(np.linalg.norm(y - op.forward(result.image)) / 0.3 / np.sqrt(y.size))
    assert result.history[-1] == result.residual
    assert solve(op, y, method, iterations=6, noise=0.3).residual == pytest.approx(result.history[-2], rel=1e-9)


# -- automatic settings on known cases


@pytest.mark.parametrize("method", [m for m in METHODS if m != "self-keyed"])
@pytest.mark.parametrize("model", MODELS)
def test_automatic_settings_restore_a_known_case(method, model):
    truth = phantom((96, 100))
    y = blurred(truth, model, noise=1.0)
    op = operator_for(truth, model)
    result = solve(op, y, method, noise=1.0)
    assert result.image.shape == y.shape
    assert result.image.dtype == np.float32
    assert psnr(result.image, truth) > psnr(y, truth) + 1.4
    assert 0.75 < result.residual < 1.1
    assert len(result.history) == result.iterations > 1


@pytest.mark.parametrize("model", MODELS)
def test_self_keyed_beats_the_same_model_with_weights_from_the_data(model):
    truth = phantom((96, 100))
    y = blurred(truth, model, noise=0.5)
    op = operator_for(y, model)
    linear = solve(op, y, "richardson-lucy", noise=0.5)
    keyed = solve(op, y, "self-keyed", noise=0.5)
    assert psnr(keyed.image, truth) > psnr(linear.image, truth) + 1.2
    assert keyed.residual < 1.1


def test_wrong_kernels_show_in_the_residual():
    truth = phantom((80, 80))
    y = blurred(truth, noise=0.3)
    right = solve(operator_for(truth), y, "richardson-lucy", noise=0.3)
    wrong_field = KernelField.uniform(gaussian_kernel(3.0, ndim=2))
    wrong = solve(SpatiallyVariantBlur(wrong_field, y.shape), y, "richardson-lucy", noise=0.3)
    assert right.residual < 1.1
    assert wrong.residual > 1.5


def test_noise_is_estimated_when_not_given():
    truth = phantom((96, 96))
    y = blurred(truth, noise=1.0)
    result = solve(operator_for(truth), y, "richardson-lucy")
    assert result.parameters["noise"] == pytest.approx(1.0, rel=0.15)


def test_tikhonov_makes_the_steps_that_it_is_asked_for_whatever_the_search_took():
    truth = phantom((64, 60))
    op, y = operator_for(truth), blurred(truth)
    found = solve(op, y, "tikhonov", iterations=2)
    assert found.iterations == 2
    again = solve(op, y, "tikhonov", iterations=2, regularization=found.parameters["regularization"])
    np.testing.assert_array_equal(found.image, again.image)


@pytest.mark.parametrize("method", ["richardson-lucy", "landweber", "tikhonov"])
def test_the_residual_of_counts_is_in_units_of_their_own_noise(method):
    truth = np.zeros((64, 60))
    truth[30, 20], truth[40, 45] = 1000, 300
    op = SpatiallyVariantBlur(KernelField.uniform(gaussian_kernel(1.5, ndim=2)), truth.shape, dtype="float64")
    y = np.random.default_rng(0).poisson(op.forward(truth).clip(0)).astype(float)
    mask = np.random.default_rng(1).random(truth.shape) > 0.2
    given = {"noise": "poisson", "mask": mask, "iterations": 5, "background": 3.0}
    found = solve(op, y + 3, method, **given)
    seen = op.forward(found.image) + 3
    expected = np.sqrt(np.square(y + 3 - seen)[mask].sum() / (y + 3)[mask].sum())
    assert found.residual == pytest.approx(expected, rel=1e-6)
    assert found.parameters["noise"] == pytest.approx(np.sqrt((y + 3)[mask].mean()))


@pytest.mark.parametrize("method", METHODS)
def test_masked_out_voxels_do_not_count(method):
    truth = phantom((64, 60))
    y = blurred(truth, noise=0.5)
    mask = np.ones(y.shape, bool)
    mask[20:30, 25:33] = False
    spoilt = y.copy()
    spoilt[~mask] = 1e4
    op = operator_for(truth, boundary="extended")
    options = {"noise": 0.5, "mask": mask, "iterations": 8}
    clean = solve(op, y, method, **options)
    result = solve(op, spoilt, method, **options)
    np.testing.assert_array_equal(result.image, clean.image)


def test_extended_domain_removes_what_comes_from_outside():
    whole = phantom((120, 120)) + 5
    field = KernelField.uniform(gaussian_kernel(2.5, ndim=2))
    inside = (slice(30, 90), slice(30, 90))
    y = SpatiallyVariantBlur(field, whole.shape, dtype="float64").forward(whole)[inside]
    errors = {}
    for boundary in ("zero", "extended"):
        op = SpatiallyVariantBlur(field, y.shape, boundary=boundary)
        image = solve(op, y, "richardson-lucy", iterations=40, noise=0.1).image
        errors[boundary] = np.abs(image - whole[inside])[:4].mean()
    assert errors["extended"] < 0.6 * errors["zero"]


def test_background_is_part_of_the_model():
    truth = phantom((64, 60))
    y = blurred(truth, noise=0.3)
    op = operator_for(truth)
    plain = solve(op, y, "projected-landweber", iterations=10, noise=0.3)
    lifted = solve(op, y + 50, "projected-landweber", iterations=10, noise=0.3, background=50)
    np.testing.assert_allclose(lifted.image, plain.image, atol=1e-2)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("uniform", [False, True])
def test_richardson_lucy_takes_the_background_into_poissons_law(uniform, masked):
    rng = np.random.default_rng(5)
    truth = phantom((24, 22))
    background = 15.0 if uniform else rng.uniform(0, 20, truth.shape)
    op = operator_for(truth, dtype="float64")
    y = rng.poisson(op.forward(truth) + background).astype(float)
    mask = rng.random(truth.shape) > 0.2 if masked else np.ones(truth.shape, bool)
    given = {"noise": 1.0, "background": background, "mask": mask}

    textbook = []
    solve(op, y, "richardson-lucy", iterations=10, accelerate=False, observe=textbook.append, **given)
    x = textbook[0]
    for seen in textbook[1:]:
        x = x * op.adjoint(mask * y / (op.forward(x) + background)) / op.adjoint(mask.astype(float))
        np.testing.assert_allclose(seen, x, rtol=1e-6, atol=1e-9)

    def likelihood(image):
        model = op.forward(image) + background
        return float((y * np.log(model) - model)[mask].sum())

    values = []
    solve(op, y, "richardson-lucy", iterations=60, observe=lambda image: values.append(likelihood(image)), **given)
    assert np.all(np.diff(values) > -1e-9 * abs(values[0]))


def test_options_of_another_method_are_refused():
    truth = phantom((16, 16))
    with pytest.raises(InputError, match=r"'penalty' is unknown for method 'tv'; it has: tolerance"):
        solve(operator_for(truth), truth, "tv", noise=1.0, penalty="identity")


def test_inner_products_do_not_depend_on_the_threads_of_blas():
    code = (
        "import numpy as np\nfrom SpatialDeconvLib.arrays.inner import dot\n"
        "a, b = np.random.default_rng(0).standard_normal((2, 300, 300))\n"
        "print(dot(a, b).hex(), dot(a.astype('f'), b.astype('f')).hex())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": n, "OMP_NUM_THREADS": n},
        ).stdout
        for n in ("1", "2")
    }  # fmt: skip
    assert len(printed) == 1


def test_an_operator_goes_with_its_last_reference():
    truth = phantom((48, 50))
    op = operator_for(truth, workers=2)
    op.forward(truth)
    gone = weakref.ref(op)
    gc.disable()
    try:
        del op
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("method", METHODS)
def test_the_number_of_threads_does_not_change_a_bit(method):
    truth = phantom((30, 40, 36))
    y = blurred(truth)
    one, two = (solve(operator_for(y, workers=n), y, method, iterations=3, noise=0.5) for n in (1, 2))
    np.testing.assert_array_equal(one.image, two.image)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 20, 24), (20, 1, 24), (3, 3)])
def test_single_slices_tiny_and_constant_images_work(method, shape):
    kernels = {10.0 * i: gaussian_kernel([0 if n == 1 else 0.5 + 0.3 * i for n in shape]) for i in range(4)}
    for y in (np.random.default_rng(0).uniform(0, 30, shape), np.full(shape, 7)):
        op = SpatiallyVariantBlur(KernelField.by_intensity(kernels), shape, guide=y, boundary="extended")
        image = solve(op, y, method, noise=0.5).image
        assert image.shape == shape
        assert np.all(np.isfinite(image))
        if y.min() == y.max():
            np.testing.assert_allclose(image, 7, atol=0.1)


# -- control and errors


@pytest.mark.parametrize("method", METHODS)
def test_cancel_stops_half_way_and_leaves_the_data_alone(method):
    truth = phantom((48, 48))
    y = blurred(truth)
    before = y.copy()
    calls = itertools.count()
    with pytest.raises(Cancelled):
        solve(operator_for(truth), y, method, noise=0.5, cancelled=lambda: next(calls) > 12)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize("of", [LinearModel, SelfKeyedBlur])
@pytest.mark.parametrize("model", MODELS)
def test_penalised_methods_ask_at_every_kernel_whether_to_stop(model, of):
    truth = phantom((48, 48)).astype(np.float32)
    operator = operator_for(truth, model=model, low_rank=0)
    kernels = len(gaussians(2).kernels)
    asked, stop = [], []
    watch = Watch(None, lambda: bool(asked.append(1)) or len(asked) in stop)
    objective = Objective(Problem(operator, blurred(truth), 0.5, watch=watch), of(operator))
    objective(truth)
    assert len(asked) >= 2 * kernels  # a product and a transposed one, and after parts of their transforms
    for number in (2, kernels + 2):
        asked.clear()
        stop[:] = [number]
        with pytest.raises(Cancelled):
            objective(truth)


@pytest.mark.parametrize("method", METHODS)
def test_progress_stays_between_0_and_1(method):
    truth = phantom((48, 48))
    seen = []
    solve(
        operator_for(truth),
        blurred(truth),
        method,
        iterations=4,
        noise=0.5,
        progress=lambda fraction, text: seen.append((fraction, text)),
    )
    assert seen
    assert all(0 <= fraction <= 1 and "residual" in text for fraction, text in seen)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "magic"}, "method 'magic'"),
        ({"iterations": 0}, "iterations 0"),
        ({"regularization": -1, "method": "tv"}, "regularization -1"),
        ({"regularization": "strong", "method": "tikhonov"}, "regularization 'strong'"),
        ({"noise": -1}, "noise -1"),
        ({"mask": np.zeros((8, 8))}, "mask is empty"),
        ({"mask": np.ones((8, 7))}, r"mask has shape \(8, 7\)"),
        ({"background": np.inf}, "background must be finite"),
        ({"background": np.ones((3, 3))}, r"background has shape \(3, 3\)"),
        ({"y": np.ones((8, 7))}, r"y has shape \(8, 7\)"),
        ({"y": np.full((8, 8), np.nan)}, "y holds NaN"),
        ({"y": np.ones((8, 8), complex)}, "y is complex"),
        ({"method": "tikhonov", "penalty": "cubic"}, "penalty 'cubic'"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"y": np.ones((8, 8)), "method": "richardson-lucy", "noise": 1.0, **change}
    with pytest.raises(InputError, match=message):
        solve(operator_for(np.zeros((8, 8))), **arguments)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (KernelField.uniform(gaussian_kernel(1, ndim=2)), "not by uniform"),
        (KernelField.by_intensity({1: gaussian_kernel(1, ndim=2)}), "two levels"),
        (KernelField.by_intensity({k: gaussian_kernel(1, ndim=2) for k in (1, 2)}, "nearest"), "'nearest'"),
        (
            KernelField.by_intensity({k: gaussian_kernel(1, ndim=2) for k in (1, 2)}, outside="unchanged"),
            "'unchanged'",
        ),
    ],
)
def test_self_keyed_refuses_fields_without_a_derivative(field, message):
    op = SpatiallyVariantBlur(field, (8, 8), guide=np.ones((8, 8)))
    with pytest.raises(InputError, match=message):
        solve(op, np.ones((8, 8)), "self-keyed", noise=1.0)


@pytest.mark.parametrize("method", ["richardson-lucy", "projected-landweber", "landweber", "tikhonov"])
def test_strong_noise_is_not_kept_because_it_was_in_the_start(method):
    truth = phantom((96, 90))
    y = blurred(truth, noise=10.0)
    found = solve(operator_for(y), y, method)
    assert psnr(found.image, truth) > psnr(y, truth) + 2


# -- bounds, what the mask leaves out, extreme noise and steps


def signed_patches(shape):
    smooth = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal(shape), 4)
    return np.where(smooth > 0, 20.0, -20.0)


@pytest.mark.parametrize("method", ["tv", "self-keyed"])
def test_signed_images_under_strong_noise_are_not_cut_at_0(method):
    truth = signed_patches((64, 64))
    kernel = gaussian_kernel(1.5, ndim=2)
    images = []
    for offset in (0, 1000):
        field = KernelField.by_intensity({offset - 20: kernel, offset + 20: kernel})
        op = SpatiallyVariantBlur(field, truth.shape, guide=truth + offset)
        y = op.forward(truth.astype("f")) + 8 * np.random.default_rng(1).standard_normal(truth.shape)
        images.append(solve(op, y + offset, method).image - offset)
    assert np.abs(images[0] - images[1]).max() < 2  # of 40; float32 has fewer digits around 1000
    assert np.sqrt(np.mean((images[0] - truth) ** 2)) < 7


@pytest.mark.parametrize("method", ["tv", "self-keyed"])
def test_a_given_bound_is_kept(method):
    truth = phantom((40, 44)) + 30
    y = blurred(truth, noise=4.0)
    free = solve(operator_for(truth), y, method, noise=4.0)
    bound = solve(operator_for(truth), y, method, noise=4.0, lower=40)
    assert free.parameters["lower"] == 0
    assert free.image.min() < 40 <= bound.image.min()
    assert bound.parameters["lower"] == 40
    with pytest.raises(InputError, match="lower nan"):
        solve(operator_for(truth), y, method, lower=float("nan"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hole", ["corner", "middle", "scattered"])
def test_no_bit_depends_on_what_the_mask_leaves_out(method, hole):
    # Of the middle alone the whiteness is seen, in small images in all of it.
    truth = phantom((64, 60))
    y = blurred(truth, noise=0.5)
    mask = np.ones(y.shape, bool)
    if hole == "scattered":
        mask = np.random.default_rng(7).random(y.shape) > 0.3
    elif hole == "corner":
        mask[:20, :30] = False
    else:
        mask[15:50, 10:50] = False
    spoilt = np.where(mask, y, np.random.default_rng(8).uniform(-1e6, 1e6, y.shape))
    images = [
        solve(operator_for(y), data, method, noise=noise, mask=mask).image
        for noise in (0.5, None)
        for data in (y, spoilt)
    ]
    np.testing.assert_array_equal(images[0], images[1])
    if hole == "scattered":  # where windows without a hole are rare, the noise comes from interpolated ones
        np.testing.assert_array_equal(images[2], images[3])


def test_whiteness_is_unknown_where_the_mask_leaves_out_the_middle(monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.solvers.stopping._WHITENESS_VOXELS", 64)
    residual = np.random.default_rng(0).standard_normal((32, 32))
    mask = np.ones(residual.shape, bool)
    mask[8:24, 8:24] = False
    assert correlation(residual, mask) == correlation(1e6 * residual**2, mask) == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("noise", [0.0, 1e9])
def test_no_noise_and_far_too_much_work(method, noise):
    truth = phantom((64, 60))
    y = blurred(truth, noise=0.0)
    found = solve(operator_for(truth), y, method, noise=noise).image
    assert np.all(np.isfinite(found))
    if noise == 0:
        assert psnr(found, truth) > psnr(y, truth) + 1
        # Near 40 dB, self-keyed is still on its way when its steps are used up.
        apart = 2.0 if method == "self-keyed" else 0.2
        assert psnr(found, truth) > psnr(solve(operator_for(truth), y, method).image, truth) - apart


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", ["landweber", "projected-landweber"])
@pytest.mark.parametrize("iterations", [None, 40])
def test_a_step_that_diverges_is_refused_with_a_remedy(method, iterations):
    truth = phantom((64, 60))
    y = blurred(truth)
    op = operator_for(truth)
    for step in (1.4, 2.5, 1e30):
        with pytest.raises(InputError, match=r"too large a step for landweber: .*; take a smaller one or 'auto'"):
            solve(op, y, method, regularization=step, iterations=iterations, noise=0.5)
    image = solve(op, y, method, regularization=1.3, iterations=iterations, noise=0.5).image
    assert psnr(image, truth) > psnr(y, truth) + 1
    with pytest.raises(InputError, match=r"regularization 0 .* must be positive"):
        solve(op, y, method, regularization=0, noise=0.5)


def test_a_step_that_diverges_all_the_same_is_noticed_on_the_way(monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.solvers.landweber.power_norm", lambda operator, mask, watch: 0.5)
    truth = phantom((64, 60))
    with pytest.raises(InputError, match=r"the residual grew from .* to .*; take a smaller one or 'auto'"):
        solve(operator_for(truth), blurred(truth), "landweber", regularization=2.0, iterations=100, noise=0.5)
