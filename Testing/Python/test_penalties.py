"""Penalties with second differences, the preconditioner, blocks for a search, the search for a penalty."""

import itertools
from functools import partial

import numpy as np
import pytest
import scipy.fft as sfft
import SimpleITK as sitk
from scipy import ndimage

from SpatialDeconvLib.arrays.watch import UNWATCHED
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.blur.selfkeyed import SelfKeyedBlur
from SpatialDeconvLib.cases import BRAIN_VOLUME, sample_path
from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, motion_kernel
from SpatialDeconvLib.solvers import hessian
from SpatialDeconvLib.solvers.hessian import HessianVariation, tiles
from SpatialDeconvLib.solvers.lbfgs import descend
from SpatialDeconvLib.solvers.models import LinearModel
from SpatialDeconvLib.solvers.penalised import Objective, flat_tolerance
from SpatialDeconvLib.solvers.preconditioner import CosineFilter, DataCurvature, EdgeFilter, mean_autocorrelation
from SpatialDeconvLib.solvers.problem import Problem
from SpatialDeconvLib.solvers.samples import samples
from SpatialDeconvLib.solvers.solve import solve
from SpatialDeconvLib.solvers.totalvariation import TotalVariation, sparsity
from SpatialDeconvLib.solvers.weights import Guess, PenaltySearch


def serially(work, items):
    for item in items:
        work(item)


def psnr(image, truth):
    return 20 * np.log10(100 / np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2)))


def gaussians(ndim, count=6, low=0.8, high=2.2):
    sigmas = np.linspace(low, high, count)
    return KernelField.by_intensity({20.0 * i: gaussian_kernel(s, ndim=ndim) for i, s in enumerate(sigmas)})


def smooth_objects(shape, seed=3):
    """Hills, slopes and edges, 0 to 100."""
    rng = np.random.default_rng(seed)
    hills = ndimage.gaussian_filter(rng.standard_normal(shape), 5)
    patches = ndimage.gaussian_filter(rng.standard_normal(shape), 7) > 0
    image = hills / np.abs(hills).max() + 0.7 * patches
    return 100 * (image - image.min()) / np.ptp(image)


def brain_slice():
    volume = sitk.GetArrayFromImage(sitk.ReadImage(str(sample_path(BRAIN_VOLUME))))
    return volume[32, 10:110, 14:114].astype(float)


def flat_objects(shape, seed=0, count=12):
    """Boxes of even intensity, 0 to 100."""
    rng = np.random.default_rng(seed)
    image = np.full(shape, 20.0)
    for value in rng.uniform(0, 100, count):
        corner = [rng.integers(0, n) for n in shape]
        image[tuple(slice(a, a + rng.integers(n // 8, n // 2)) for a, n in zip(corner, shape, strict=True))] = value
    return image


def blurred(truth, field, model="detector", noise=0.5, seed=0):
    op = SpatiallyVariantBlur(field, truth.shape, guide=truth, model=model, dtype="float64", low_rank=0)
    return op.forward(truth) + noise * np.random.default_rng(seed).standard_normal(truth.shape)


# -- the Hessian's norm


def naive_hessian_variation(x, spacing, eps, share):
    """The definition, voxel by voxel."""
    scales = [min(spacing) / h for h in spacing]
    total = 0.0

    def first(i, a):
        ahead = list(i)
        ahead[a] += 1
        return scales[a] * (x[tuple(ahead)] - x[i]) if ahead[a] < x.shape[a] else 0.0

    for i in np.ndindex(x.shape):
        slopes = [first(i, a) for a in range(x.ndim)]
        bends = 0.0
        for a, b in itertools.product(range(x.ndim), repeat=2):
            step = list(i)
            if a == b:
                step[a] -= 1
                inside = 0 < i[a] < x.shape[a] - 1
                bends += (scales[a] * (first(i, a) - first(tuple(step), a))) ** 2 if inside else 0.0
            else:
                step[b] += 1
                inside = step[b] < x.shape[b]
                bends += (scales[b] * (first(tuple(step), a) - first(i, a))) ** 2 if inside else 0.0
        total += np.sqrt(sum(d * d for d in slopes) + eps**2) - eps
        total += share * (np.sqrt(bends + eps**2) - eps)
    return total


CASES = [
    ((7, 6), (1.0, 1.0)),
    ((5, 9), (2.0, 0.5)),
    ((6, 5, 7), (3.0, 1.0, 1.5)),
    ((1, 6, 5), (1.0, 1.0, 1.0)),
    ((2, 1), (1.0, 1.0)),
]


@pytest.mark.parametrize(("shape", "spacing"), CASES)
def test_hessian_variation_equals_its_definition_and_its_gradient_finite_differences(shape, spacing, monkeypatch):
    monkeypatch.setattr(hessian, "_TILE", 12)
    rng = np.random.default_rng(0)
    x, direction = rng.random(shape), rng.standard_normal(shape)
    penalty = HessianVariation(shape, spacing, serially, 0.25)
    gradient = np.ones(shape)
    value = penalty(x, 0.1, 2.0, gradient)
    assert value == pytest.approx(naive_hessian_variation(x, spacing, 0.1, 0.25), rel=1e-12)
    h = 1e-6
    slope = (penalty(x + h * direction, 0.1, 1, None) - penalty(x - h * direction, 0.1, 1, None)) / (2 * h)
    assert np.vdot(gradient - 1, direction) / 2 == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize(("shape", "spacing"), CASES[:3])
def test_tiles_change_the_hessian_variation_by_rounding_only(shape, spacing):
    x = np.random.default_rng(1).random(shape).astype(np.float32)
    whole, cut = (HessianVariation(shape, spacing, serially, 0.5) for _ in range(2))
    cut.tiles = tiles(shape, 10)
    assert len(cut.tiles) > 3
    gradients = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    values = [p(x, 0.1, 1.0, g) for p, g in zip((whole, cut), gradients, strict=True)]
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    np.testing.assert_array_equal(*gradients)


def test_tiles_cover_an_image_once():
    for shape in ((5, 7), (300, 40), (9, 30, 20), (1, 1, 1), (3, 500, 2)):
        covered = np.zeros(shape, int)
        for tile in tiles(shape, 256):
            covered[tile] += 1
        assert np.all(covered == 1)


def test_the_curvature_of_the_hessian_variation_bounds_it_along_any_step():
    rng = np.random.default_rng(3)
    x, step = rng.standard_normal((2, 6, 7, 5))
    penalty = HessianVariation(x.shape, (3.0, 1.0, 1.5), serially, 0.25)
    slope = np.zeros_like(x)
    value = penalty(x, 0.3, 1.0, slope)
    curvature = penalty.curvature(x, step, 0.3)
    lengths = np.array([-10, -1, -0.1, 0.1, 1, 10])
    values = np.array([penalty(x + t * step, 0.3, 0.0, None) for t in lengths])
    assert np.all(values <= value + lengths * np.vdot(slope, step) + lengths**2 * curvature / 2)
    near = penalty(x + 1e-4 * step, 0.3, 0.0, None) - value - 1e-4 * np.vdot(slope, step)
    assert near > 0.1 * 1e-8 * curvature / 2


def test_a_slope_costs_the_hessian_variation_no_more_than_total_variation():
    ramp = np.add.outer(2.0 * np.arange(9), 3.0 * np.arange(8))
    plain, bent = TotalVariation((9, 8), (1, 1), serially), HessianVariation((9, 8), (1, 1), serially, 1.0)
    # A difference of mixed axes is 0 where the plain one is cut off, so that nothing bends.
    assert bent(ramp, 1e-3, 1.0, None) == pytest.approx(plain(ramp, 1e-3, 1.0, None), rel=1e-9)
    ramp[4:] += 30
    assert bent(ramp, 1e-3, 1.0, None) > 1.5 * plain(ramp, 1e-3, 1.0, None)


# -- the preconditioner


@pytest.mark.parametrize("shape", [(9, 12), (1, 20), (7, 6, 10), (40, 3, 5)])
def test_cosine_filter_multiplies_the_cosine_transform(shape, monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.arrays.sweep._VOXELS", 16)
    rng = np.random.default_rng(0)
    image, response = rng.standard_normal((2, *shape))
    expected = sfft.idctn(response * sfft.dctn(image, norm="ortho"), norm="ortho")
    given = image.copy()
    assert CosineFilter(response, serially)(given) is given
    np.testing.assert_allclose(given, expected, atol=1e-12)


@pytest.mark.parametrize("shapes", [[(3, 4), (5, 2)], [(3, 2, 4)]])
def test_mean_autocorrelation_gives_the_power_at_the_frequencies_of_the_cosine_transform(shapes):
    rng = np.random.default_rng(1)
    kernels = [rng.random(shape) for shape in shapes]
    lags = mean_autocorrelation(kernels)
    frequencies = rng.uniform(0, np.pi, lags.ndim)
    signs = itertools.product((1, -1), repeat=lags.ndim)
    expected = np.mean([power(h, s * frequencies) for h, s in itertools.product(kernels, map(np.array, signs))])
    cosines = np.prod([np.cos(w * i) for w, i in zip(frequencies, np.indices(lags.shape), strict=True)], axis=0)
    assert (lags * cosines).sum() == pytest.approx(expected, rel=1e-12)


def power(kernel, frequency):
    phase = sum(w * i for w, i in zip(frequency, np.indices(kernel.shape), strict=True))
    return abs((kernel * np.exp(1j * phase)).sum()) ** 2


def test_preconditioner_of_a_mirrored_blur_is_its_inverse_but_for_the_constants():
    """A symmetric kernel, mirrored at the border, is diagonal in the cosine transform."""
    rng = np.random.default_rng(2)
    kernel = gaussian_kernel(0.8, ndim=2)
    op = SpatiallyVariantBlur(KernelField.uniform(kernel), (24, 30), dtype="float64")
    x = rng.standard_normal((24, 30))

    def mirrored(image, taps, axis=None):
        if axis is None:
            return ndimage.correlate(image, taps, mode="reflect")
        return ndimage.correlate1d(image, taps, axis=axis, mode="reflect")

    lap = sum(mirrored(x, [-1, 2, -1], a) for a in (0, 1))
    squared = sum(mirrored(lap, [-1, 2, -1], a) for a in (0, 1))
    twice = mirrored(mirrored(x, kernel.values), kernel.values)
    direct = twice + (0.5 + 0.03) * x + 0.01 * lap + 0.01 * squared
    np.testing.assert_allclose(DataCurvature(LinearModel(op)).inverse(0.5)(direct), x, atol=1e-6)


def test_preconditioner_counts_kernels_in_use_alike_and_takes_any_scale():
    wide, narrow = gaussian_kernel(2.0, ndim=2), gaussian_kernel(0.7, ndim=2)
    shape, labels = (30, 32), np.zeros((30, 32), int)
    labels[0, 0] = 1

    def response(kernels, scale=1.0):
        kernels = {k: Kernel(scale * h.values) for k, h in kernels.items()}
        field = KernelField.by_region(labels, kernels, outside="nearest")
        return DataCurvature(LinearModel(SpatiallyVariantBlur(field, shape, dtype="float64"))).inverse().response

    both = response({0: narrow, 1: wide})
    alone = [response({0: kernel, 1: kernel}) for kernel in (narrow, wide)]
    np.testing.assert_allclose(1 / both, (1 / alone[0] + 1 / alone[1]) / 2)
    np.testing.assert_allclose(both, response({0: narrow, 1: wide, 2: gaussian_kernel(5.0, ndim=2)}))
    np.testing.assert_allclose(both, 1e6 * response({0: narrow, 1: wide}, scale=1e3), rtol=1e-9)


@pytest.mark.parametrize(
    ("model", "keyed", "share"),
    [("detector", False, 0.7), ("detector", True, 0.7), ("source", False, 0.7), ("source", True, 0.9)],
)
def test_the_preconditioner_saves_products(model, keyed, share):
    truth = brain_slice()
    y = blurred(truth, gaussians(2), model).astype(np.float32)
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=y if keyed else truth, model=model)
    blur = SelfKeyedBlur(op) if keyed else LinearModel(op)
    problem = Problem(op, y, 0.5)
    values = {}
    for near in (DataCurvature(blur).inverse(), None):
        objective = Objective(problem, blur, 0.25, 0.012)
        images = descend(objective, problem.start(), 0, np.inf, tolerance=0, precondition=near)
        values[near is None] = [Objective(problem, blur, 0.25, 0.012)(x)[0] for x in itertools.islice(images, 40)]
    best = min(values[False][-1], values[True][-1])
    steps = {plain: next(n for n, v in enumerate(found) if v < 1.03 * best) for plain, found in values.items()}
    assert steps[False] <= share * steps[True]


def test_total_variation_comes_to_its_edges_sooner_by_a_preconditioner_that_knows_them():
    truth = np.round(smooth_objects((64, 60)) / 12.5).astype(np.float32) * 12.5
    op = SpatiallyVariantBlur(gaussians(2), truth.shape, guide=truth)
    problem = Problem(op, blurred(truth, gaussians(2), "detector").astype(np.float32), 0.2)
    blur = LinearModel(op)
    curvature, objective = DataCurvature(blur), Objective(problem, blur, 0.0, 0.01)
    ends = []
    for near in (
        curvature.inverse(),
        curvature.inverse_at_edges(objective.penalty, objective.weight, objective.eps),
    ):
        images, values = descend(objective, problem.start(), 0, np.inf, tolerance=0, precondition=near), []
        for x in itertools.islice(images, 60):
            near.at(x)
            values.append(objective(x)[0])
        ends.append(values)
    assert next(n for n, value in enumerate(ends[1]) if value <= ends[0][-1]) < 45


@pytest.mark.parametrize("shape", [(9, 12), (1, 20), (7, 6, 5)])
def test_a_filter_of_flat_parts_and_edges_is_the_sum_of_both(shape, monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.arrays.sweep._VOXELS", 30)
    rng = np.random.default_rng(3)
    image, x = rng.standard_normal((2, *shape))
    flat, edges = (CosineFilter(rng.uniform(0.5, 2, shape), serially) for _ in range(2))
    variation = TotalVariation(shape, (3.0, *(1.5,) * (len(shape) - 1)), serially)
    near = EdgeFilter(flat, edges, partial(variation.edges, eps=0.4))
    np.testing.assert_allclose(near(image.copy()), flat(image.copy()))
    near.at(x)
    square = np.zeros(shape)
    for axis, scale in enumerate((0.25, *(1.0,) * (len(shape) - 1))):
        step = np.diff(x, axis=axis) ** 2 * scale
        for pad in ((0, 1), (1, 0)):
            square += np.pad(step, [pad if a == axis else (0, 0) for a in range(len(shape))])
    share = np.sqrt(square / (square + 10 * 0.4**2))
    np.testing.assert_allclose(near(image.copy()), flat(image.copy()) + share * edges(share * image))


def test_a_preconditioner_that_is_far_too_strong_costs_a_few_products():
    truth = brain_slice()
    op = SpatiallyVariantBlur(gaussians(2), truth.shape, guide=truth)
    problem = Problem(op, blurred(truth, gaussians(2), "detector").astype(np.float32), 0.5)
    near = DataCurvature(LinearModel(op)).inverse()
    other = CosineFilter(np.float32(30) * near.response, serially)
    products, values = [], []
    for precondition in (near, other):
        objective, seen = Objective(problem, LinearModel(op), 0.25, 0.012), []

        def watched(x, objective=objective, seen=seen):
            value, gradient = objective(x)
            seen.append(value)
            return value, gradient

        images = descend(watched, problem.start(), 0, np.inf, tolerance=0, precondition=precondition)
        list(itertools.islice(images, 15))
        products.append(len(seen))
        values.append(min(seen))
    assert abs(products[1] - products[0]) <= 5
    assert values[1] < 1.01 * values[0]


def test_the_weaker_the_noise_the_later_total_variation_ends():
    truth = smooth_objects((48, 40))
    y = blurred(truth, gaussians(2), "detector").astype(np.float32)
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=truth)
    ends = [flat_tolerance(Problem(op, y, noise)) for noise in (0.0, 0.03, 0.1, 5.0, 50.0)]
    assert ends == sorted(ends)
    assert ends[0] < ends[1] < ends[2] < ends[3] == ends[4]
    steps = [solve(op, y, "tv", noise=noise, regularization=0.02, hessian=0.0).iterations for noise in (0.02, 0.2)]
    assert steps[0] > steps[1]


def test_bounds_hold_with_a_preconditioner():
    rng = np.random.default_rng(2)
    matrix, data = rng.standard_normal((60, 40)), rng.standard_normal(60)
    near = CosineFilter(rng.uniform(0.5, 2, (8, 5)) / 60, serially)

    def objective(x):
        r = matrix @ x.ravel() - data
        return 0.5 * r @ r, (matrix.T @ r).reshape(x.shape)

    start = np.full((8, 5), 0.5)
    plain, ours = (
        list(itertools.islice(descend(objective, start, 0.0, 0.2, tolerance=1e-14, precondition=p), 900))[-1]
        for p in (None, near)
    )
    assert ours.min() >= 0
    assert ours.max() <= 0.2
    np.testing.assert_allclose(ours, plain, atol=1e-4)


# -- blocks that stand for an image


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("key", ["intensity", "region"])
@pytest.mark.parametrize("boundary", ["edge", "extended"])
def test_the_data_that_are_judged_in_a_block_are_those_of_the_whole(model, key, boundary):
    truth = smooth_objects((380, 320))
    field = gaussians(2)
    if key == "region":
        kernels = {0: gaussian_kernel(1.0, ndim=2), 1: motion_kernel(6, 30.0)}
        field = KernelField.by_region((truth > 40).astype(int), kernels, feather=5.0)
    op = SpatiallyVariantBlur(field, truth.shape, guide=truth, model=model, boundary=boundary, dtype="float64")
    x = op.extend(truth)
    problem = Problem(op, op.forward(x), 0.5)
    parts = samples(problem)
    assert len({str(part.box) for part in parts}) == 4
    for part in parts:
        assert part.y.size < 0.15 * truth.size
        assert (part.noise, part.span) == (problem.noise, problem.span)
        difference = part.forward(part.cut(x, problem)) - part.y
        # A hundredth of a kernel's weight may come from outside.
        assert np.abs(difference[part.judged]).max() < 0.5
        assert np.count_nonzero(part.judged) > 0.5 * part.y.size == 0.5 * part.count
        with part.held_out(500, 0.2):
            assert 400 < np.count_nonzero(part.held) < 600
            assert part.judged[part.held].all()


def test_blocks_lie_where_something_is_and_where_voxels_count():
    truth = np.zeros((480, 480))
    truth[100:300, 60:200] = smooth_objects((200, 140))
    noise = np.random.default_rng(0).standard_normal(truth.shape)
    op = SpatiallyVariantBlur(KernelField.uniform(gaussian_kernel(1.0, ndim=2)), truth.shape)
    mask = np.ones(truth.shape, bool)
    mask[:, 150:] = False
    for given in (None, mask):
        for part in samples(Problem(op, truth + noise, 1.0, given)):
            assert truth[part.box].any()
            assert given is None or given[part.box][part.judged].all()
            assert given is None or part.count == np.count_nonzero(given[part.box])


def test_small_images_and_wide_kernels_are_taken_whole_and_thin_ones_in_depth():
    narrow, wide = gaussian_kernel(1.0, ndim=2), gaussian_kernel(20.0, ndim=2)
    image = smooth_objects((260, 250)).astype(np.float32)
    for field, y in ((narrow, image[:128, :128]), (wide, image)):
        problem = Problem(SpatiallyVariantBlur(KernelField.uniform(field), y.shape), y, 0.5)
        assert samples(problem) == [problem]
    deep = np.repeat(np.tile(image, (2, 2))[None], 12, axis=0)
    for boundary in ("edge", "zero", "periodic", "extended"):
        field = KernelField.uniform(gaussian_kernel(1.0))
        op = SpatiallyVariantBlur(field, deep.shape, boundary=boundary, dtype="float64")
        x = op.extend(deep)
        problem = Problem(op, op.forward(x), 0.5)
        parts = samples(problem)
        assert len(parts) == 4
        for part in parts:
            assert part.y.shape[0] == 12
            difference = part.forward(part.cut(x, problem)) - part.y
            assert np.abs(difference[part.judged]).max() < 0.7


# -- the search for a penalty and its weight


def searched(curves, residual=0.9, slack=0.001, **options):
    """What a search finds on curves log2(weight) -> error, from guesses of 1, and what it tried."""
    tried = []
    scatter = np.random.default_rng(0).uniform(-0.5, 0.5, 1000)
    scatter -= scatter.mean()

    def attempt(penalty, weight, watch):
        tried.append((penalty, float(np.log2(weight))))
        return curves[penalty](np.log2(weight)) + scatter, residual

    guesses = {penalty: Guess(1.0, slack) for penalty in curves}
    return *PenaltySearch(**options)(guesses, attempt, UNWATCHED), tried


def parabola(best, least=1.0):
    return lambda w: least + 0.05 * (w - best) ** 2


def test_a_search_tries_three_weights_and_more_where_the_least_is_at_an_end():
    penalty, found, tried = searched({"a": parabola(0.2)})
    assert (penalty, tried) == ("a", [("a", 0), ("a", 1), ("a", -1)])
    assert 0 < np.log2(found.weight) < 0.4
    for best in (3, -3):
        _, found, tried = searched({"a": parabola(best)})
        assert 0 <= np.log2(found.weight) - best < 0.4
        assert len(tried) <= 8
    assert len(searched({"a": lambda w: 100 - w}, most=5)[-1]) == 5


def test_a_search_takes_the_strongest_weight_within_the_slack():
    weights = [searched({"a": parabola(0)}, slack=slack)[1].weight for slack in (0, 0.01, 0.02)]
    assert weights[0] == 1
    np.testing.assert_allclose(np.log2(weights), [0, 0.2, 0.4])


def test_a_search_compares_penalties_near_the_best_weight():
    penalty, _, tried = searched({"a": parabola(1), "b": parabola(1, 1.1)})
    assert penalty == "a"
    assert [power for name, power in tried if name == "b"] == [1]
    penalty, found, _ = searched({"a": parabola(0), "b": parabola(1.5, 0.9)})
    assert penalty == "b"
    assert np.log2(found.weight) > 1


def test_a_search_does_not_follow_errors_far_where_the_kernels_do_not_explain_the_data():
    def falling(w):
        return 1 + 0.05 * w

    _, fitted, tried = searched({"a": falling}, residual=0.9)
    assert min(power for _, power in tried) < -3
    _, found, tried = searched({"a": falling}, residual=1.2)
    assert min(power for _, power in tried) == -1
    assert found.weight > fitted.weight


@pytest.mark.parametrize("method", ["tv", "self-keyed"])
@pytest.mark.parametrize("model", ["detector", "source"])
def test_the_penalty_follows_the_image(method, model):
    for truth, curved in ((brain_slice(), True), (flat_objects((96, 100)), False)):
        field = gaussians(2)
        y = blurred(truth, field, model).astype(np.float32)
        op = SpatiallyVariantBlur(field, y.shape, guide=truth if method == "tv" else y, model=model)
        results = {share: solve(op, y, method, noise=0.5, hessian=share) for share in ("auto", 0, 1 / 3)}
        scores = {share: psnr(result.image, truth) for share, result in results.items()}
        taken, other = (1 / 3, 0) if curved else (0, 1 / 3)
        assert results["auto"].parameters["hessian"] == taken
        assert scores["auto"] > scores[taken] - 0.5
        assert scores["auto"] > scores[other] + (0.3 if curved else 1.0)


def test_strong_noise_does_not_hide_that_pieces_are_flat():
    """Left-out voxels are predicted a little better by total variation, but not clearly."""
    truth = flat_objects((96, 96), seed=3)
    op = SpatiallyVariantBlur(KernelField.uniform(gaussian_kernel(1.5, ndim=2)), truth.shape)
    y = op.forward(truth.astype(np.float32)) + np.random.default_rng(0).normal(0, 8, truth.shape)
    assert solve(op, y, "tv", noise=8.0).parameters["hessian"] == 0


def test_the_sparsity_of_a_gradient_is_ginis_index():
    image = np.random.default_rng(0).standard_normal((6, 1, 7)).cumsum(axis=2)
    magnitude = np.hypot(np.gradient(image, 2.0, axis=0), np.gradient(image, 0.5, axis=2)).ravel()
    expected = np.abs(magnitude[:, None] - magnitude).mean() / (2 * magnitude.mean())
    assert sparsity([image[:3], image[3:]], (2.0, 1.0, 0.5)) != pytest.approx(expected)
    assert sparsity([image], (2.0, 1.0, 0.5)) == pytest.approx(expected)
    assert sparsity([image, image], (2.0, 1.0, 0.5)) == pytest.approx(expected)
    assert sparsity([np.ones((5, 6))], (1.0, 1.0)) == 0


def test_the_penalty_for_kernels_keyed_to_data_that_they_do_not_explain_is_that_of_the_true_values():
    """A left-out voxel chooses its own kernel, so that its error says nothing."""
    for truth, curved in ((brain_slice(), True), (flat_objects((96, 100)), False)):
        y = blurred(truth, gaussians(2)).astype(np.float32)
        result = solve(SpatiallyVariantBlur(gaussians(2), y.shape, guide=y), y, "tv", noise=0.5, true_values=True)
        assert result.parameters["hessian"] == (1 / 3 if curved else 0)


@pytest.mark.parametrize("method", ["tv", "self-keyed"])
def test_a_large_image_is_searched_in_blocks_with_no_loss(method, monkeypatch):
    truth = smooth_objects((256, 270))
    y = blurred(truth, gaussians(2)).astype(np.float32)
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=truth if method == "tv" else y)
    blocks = solve(op, y, method, noise=0.5)
    monkeypatch.setattr("SpatialDeconvLib.solvers.samples._MOST", 0)
    whole = solve(op, y, method, noise=0.5)
    assert blocks.parameters["hessian"] == whole.parameters["hessian"]
    assert 0.5 < blocks.parameters["regularization"] / whole.parameters["regularization"] < 2
    assert psnr(blocks.image, truth) > psnr(whole.image, truth) - 0.1


@pytest.mark.parametrize("method", ["tv", "self-keyed", "pnp"])
@pytest.mark.parametrize("unit", [1e-9, 1e15])
def test_the_unit_changes_nothing(method, unit):
    truth = smooth_objects((60, 64))
    kernels = {20.0 * i: gaussian_kernel(0.8 + 0.3 * i, ndim=2) for i in range(6)}
    y = blurred(truth, KernelField.by_intensity(kernels)).astype(np.float32)
    images = []
    for scale in (1.0, unit):
        field = KernelField.by_intensity({scale * level: kernel for level, kernel in kernels.items()})
        data = (scale * y.astype(float)).astype(np.float32)
        op = SpatiallyVariantBlur(field, y.shape, guide=data)
        images.append(solve(op, data, method, noise=0.5 * scale).image / scale)
    np.testing.assert_allclose(images[1], images[0], atol=0.1)


def test_a_given_weight_is_that_of_total_variation_alone():
    y = blurred(smooth_objects((40, 44)), gaussians(2))
    op = SpatiallyVariantBlur(gaussians(2), y.shape, guide=y)
    assert solve(op, y, "self-keyed", regularization=0.1, noise=0.5).parameters["hessian"] == 0
    assert solve(op, y, "tv", regularization=0.1, noise=0.5, hessian=0.5).parameters["hessian"] == 0.5
    with pytest.raises(InputError, match="hessian -1"):
        solve(op, y, "tv", hessian=-1)
