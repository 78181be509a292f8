"""Automatic choices of the joint solvers, by what becomes of images whose truth is known.

Bounds lie between the error with the choice as it is and the error without it, or with another constant in it.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.watch import UNWATCHED
from SpatialDeconvLib.solvers.agreement import Agreement, Given, Noted, Told
from SpatialDeconvLib.solvers.crossvalidation import CrossValidation, Probe, best_weight
from SpatialDeconvLib.solvers.iteration import Iterate
from SpatialDeconvLib.solvers.problem import Problem
from SpatialDeconvLib.solvers.stopping import HeldOutVoxels, all_voxels_tell, in_common
from SpatialDeconvLib.solvers.tikhonov import _Normal, conjugate_gradients

SAMPLE = Path(__file__).parents[2] / "Resources" / "SampleData" / "icbm152_t1_crop.nrrd"


@cache
def truth_of(name):
    """Images from 0 to 100: flat patches, a brain, and points on a dim ground."""
    if name == "patches":
        smooth = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((64, 64)), 4)
        return 20.0 * np.digitize(smooth, np.quantile(smooth, [0.2, 0.4, 0.6, 0.8, 0.95]))
    if name == "brain":
        slice_ = sitk.GetArrayFromImage(sitk.ReadImage(str(SAMPLE)))[32].astype(float)
        return slice_[20:100, 20:100] * (100 / slice_[20:100, 20:100].max())
    points = np.full((64, 64), 2.0)
    points[4::8, 4::8] = 102
    return points


def kernels_of(name):
    if name == "keyed":
        sigmas = np.linspace(0.8, 2.2, 6)
        return sd.KernelField.by_intensity({20.0 * n: sd.gaussian_kernel(s, ndim=2) for n, s in enumerate(sigmas)})
    if name == "motion":
        return sd.KernelField.uniform(sd.motion_kernel(7, 30.0))
    sigma = {"narrow": 0.6, "middle": 1.3, "wrong": 1.8, "wide": 3.0}[name]
    return sd.KernelField.uniform(sd.gaussian_kernel(sigma, ndim=2))


def case(name, blur, noise, used=None, guide="truth", model="detector"):
    """An image, its truth, and the operator to restore it with: with other kernels, or keyed to the data."""
    truth = truth_of(name)
    exact = sd.SpatiallyVariantBlur(kernels_of(blur), truth.shape, guide=truth, model=model, dtype="float64")
    y = exact.forward(truth) + noise * np.random.default_rng(0).standard_normal(truth.shape)
    chooses = truth if guide == "truth" else y
    return truth, y, sd.SpatiallyVariantBlur(kernels_of(used or blur), y.shape, guide=chooses, model=model)


def largest_singular_value(operator, iterations=200):
    x = np.random.default_rng(0).standard_normal(operator.domain_shape)
    for _ in range(iterations):
        x = operator.adjoint(operator.forward(x / np.linalg.norm(x)))
    return np.sqrt(np.linalg.norm(x))


def error(image, truth):
    return np.sqrt(np.mean((np.asarray(image, float) - truth) ** 2))


# -- where the iteration stops, and which voxels it leaves out for that


@pytest.mark.parametrize(
    ("method", "image", "blur", "noise", "used", "bound"),
    [
        # Nor too late, where the kernels do not explain the data: the error of voxels goes on falling.
        ("richardson-lucy", "patches", "middle", 1.0, "wrong", 13.0),
        # Nor too soon: they are few, and their error may stand still for some iterations.
        ("richardson-lucy", "points", "middle", 1.0, "wrong", 6.9),
        ("richardson-lucy", "patches", "narrow", 0.1, None, 0.35),
        # A few hundred voxels that are left out miss half of what there is to win.
        ("richardson-lucy", "points", "middle", 1.0, None, 8.0),
        ("projected-landweber", "points", "narrow", 1.0, None, 3.0),
        ("landweber", "points", "middle", 0.1, "wrong", 18.0),
        ("landweber", "patches", "keyed", 0.1, None, 4.21),
        ("richardson-lucy", "brain", "middle", 0.0, None, 0.75),
        ("richardson-lucy", "patches", "middle", 0.0, None, 3.9),
        # Neighbours say little about a voxel where the kernels are narrow, so whiteness must have a say.
        ("landweber", "brain", "narrow", 1.0, None, 1.4),
    ],
)
def test_methods_that_stop_early_stop_in_time(method, image, blur, noise, used, bound):
    truth, y, operator = case(image, blur, noise, used)
    assert error(sd.solve(operator, y, method, noise=noise).image, truth) < bound


def test_data_that_choose_their_own_kernels_end_the_iteration_sooner():
    # A left-out voxel still chooses its own weights, and its error goes on falling.
    truth, y, operator = case("brain", "keyed", 0.1, guide="data")
    result = sd.solve(operator, y, "landweber", noise=0.1)
    assert result.iterations < 35
    assert error(result.image, truth) < 2.11


@pytest.mark.parametrize(
    ("method", "bound"), [("richardson-lucy", 0.7), ("tikhonov", 0.7), ("tv", 0.7), ("landweber", 2.35)]
)
def test_voxels_left_out_for_a_choice_are_given_back(method, bound):
    # Narrow kernels tell next to nothing about a voxel that is left out.
    truth, y, operator = case("patches", "narrow", 0.1)
    assert error(sd.solve(operator, y, method, noise=0.1).image, truth) < bound


def test_noise_does_not_hide_how_the_error_of_left_out_voxels_falls():
    """By a twentieth in every step; with the noise that these voxels have, by next to nothing."""
    _, y, operator = case("patches", "middle", 1.0)
    noise = np.random.default_rng(1).standard_normal(y.shape)
    problem = Problem(operator, y, 1.0)

    def steps(**options):
        with problem.held_out():
            rule, seen = HeldOutVoxels(problem, **options), noise[problem.held]
            alone = (noise - seen.mean()) / seen.std()
            for number in range(12):
                if rule.reached(number, Iterate(None, 0.0, alone + 0.35 * 0.95**number), 1.0):
                    break
        return number

    assert steps(noise=1.0) == 11
    assert steps() < 11


class Smoothing:
    """Of data by Gaussians of these widths, as if these were the iterates; x is A x."""

    SIGMAS = (4.0, 3.4, 2.8, 2.4, 2.0, 1.7, 1.4, 1.2, 1.0, 0.85, 0.7, 0.6, 0.5, 0.42)

    def __call__(self, problem):
        for sigma in self.SIGMAS:
            seen = ndimage.gaussian_filter(problem.y, sigma, mode="wrap")
            yield Iterate(seen, float(np.square(problem.y - seen).sum()), problem.y - seen)
        return "there is no other"


@pytest.mark.parametrize("sigma", [10.0, 20.0, 40.0])
@pytest.mark.parametrize("claimed", [0.5, 1.0, 2.0])
def test_all_voxels_tell_the_best_of_many_smoothed_images_however_strong_the_noise_is_said_to_be(sigma, claimed):
    truth, random = truth_of("patches"), np.random.default_rng(4)
    operator = sd.SpatiallyVariantBlur(kernels_of("middle"), truth.shape, dtype="float64")
    problem = Problem(operator, truth + sigma * random.standard_normal(truth.shape), claimed * sigma)
    probe, smoothing = Probe(problem), Smoothing()
    rule = CrossValidation(probe, smoothing(probe.beside), pace=0.0)
    for number, iterate in enumerate(smoothing(probe.problem)):
        if rule.reached(number, iterate, 1.0):
            break
    errors = [error(iterate.image, truth) for iterate in smoothing(problem)]
    assert errors[rule.best.number] <= 1.12 * min(errors)
    assert errors[0] > 1.1 * min(errors) < errors[-1]


def test_the_share_of_the_noise_that_is_fitted_is_the_trace_of_what_makes_the_image():
    truth = truth_of("patches")
    operator = sd.SpatiallyVariantBlur(kernels_of("middle"), truth.shape, dtype="float64")
    problem = Problem(operator, truth, 2.0)
    probe = Probe(problem)
    impulse = np.zeros(truth.shape)
    impulse[32, 32] = 1
    for k, (one, other) in enumerate(zip(Smoothing()(probe.problem), Smoothing()(probe.beside), strict=True)):
        share = ndimage.gaussian_filter(impulse, Smoothing.SIGMAS[k], mode="wrap")[32, 32]
        assert probe.fitted(one.difference, other.difference) == pytest.approx(share, abs=0.02)


def test_an_iteration_beside_another_takes_its_numbers_and_measures_what_that_did_not_ask_for():
    told = Told(Agreement())
    told("length", lambda: 1.0)
    told("length", lambda: 2.0)
    assert [told.follower("length", lambda: 9.0) for _ in range(3)] == [1.0, 2.0, 9.0]
    assert told.follower("other", lambda: 7.0) == 7.0


def test_narrow_kernels_have_little_in_common_with_themselves_a_voxel_on():
    """A Gaussian has exp(-1 / (4 sigma^2)), a motion most of it, whatever its direction."""
    for sigma in (0.8, 1.5, 3.0):
        values = sd.gaussian_kernel(sigma, ndim=2).values
        assert in_common([values]) == pytest.approx(np.exp(-1 / (4 * sigma**2)), abs=0.03)
    assert in_common([sd.gaussian_kernel(0.6, ndim=2).values]) < 0.6
    for angle in (0.0, 45.0, 90.0):
        assert in_common([sd.motion_kernel(7, angle).values]) > 0.8
    assert in_common([np.ones((1, 1))]) == 0


def test_an_iterate_is_better_only_if_it_is_clearly_so():
    """By half the standard error of the differences, at the voxels that were left out."""
    _, y, operator = case("patches", "middle", 1.0)
    problem, random = Problem(operator, y, 1.0), np.random.default_rng(0)

    def best(fall):
        with problem.held_out():
            rule, count = HeldOutVoxels(problem), np.count_nonzero(problem.held)
            noise = random.standard_normal(count)
            noise = (noise - noise.mean()) / noise.std()
            for number in range(2):
                difference = np.ones(y.shape)
                difference[problem.held] = np.sqrt(20 + number * (noise - fall * count**-0.5))
                rule.reached(number, Iterate(None, 0.0, difference), 1.0)
        return rule.best[0]

    assert best(0.4) == 0
    assert best(0.6) == 1


@pytest.mark.parametrize(
    ("side", "kernels", "again"),
    [
        (300, "keyed", True),
        (300, "narrow", False),
        (450, "keyed", True),
        (660, "keyed", False),
        (660, "narrow", False),
    ],
)
def test_the_image_is_found_again_with_the_left_out_voxels_where_they_are_many(side, kernels, again):
    """Only where the data choose the kernels; else none is left out of so small an image."""
    truth = np.kron(np.random.default_rng(0).integers(0, 6, (side // 10, side // 10)) * 20.0, np.ones((10, 10)))
    operator = sd.SpatiallyVariantBlur(kernels_of(kernels), truth.shape, guide=truth)
    y = operator.forward(truth) + 0.1 * np.random.default_rng(1).standard_normal(truth.shape)
    operator = sd.SpatiallyVariantBlur(kernels_of(kernels), truth.shape, guide=y)
    seen = []
    found = sd.solve(operator, y, "richardson-lucy", noise=0.1, observe=lambda image: seen.append(1))
    assert found.iterations > 6
    assert (len(seen) > 2 * found.iterations) == again


# -- weights


@pytest.mark.parametrize(
    ("method", "image", "blur", "noise", "options", "bound"),
    [
        # What kernels cannot explain must not be fitted: more slack then, but no more than needed.
        ("tikhonov", "brain", "keyed", 0.1, {"guide": "data"}, 3.2),
        ("tv", "brain", "keyed", 0.1, {"guide": "data"}, 3.2),
        ("tikhonov", "brain", "middle", 0.1, {"used": "wrong"}, 10.4),
        ("tv", "points", "middle", 1.0, {"used": "wrong"}, 11.5),
        ("tikhonov", "points", "narrow", 0.1, {}, 5.7),
        # An image without noise has an error all the same: of the model.
        ("tikhonov", "brain", "middle", 0.0, {}, 0.482),
        ("tv", "brain", "middle", 0.0, {}, 0.61),
        ("tv", "patches", "middle", 0.0, {}, 2.72),
        # Strong weights are tried, and weak ones, each for long enough.
        ("tv", "brain", "narrow", 6.0, {}, 2.85),
        ("tv", "points", "middle", 1.0, {}, 10.5),
        ("tv", "points", "motion", 1.0, {}, 2.0),
        ("tikhonov", "brain", "middle", 0.1, {}, 1.07),
        ("tikhonov", "patches", "narrow", 0.1, {}, 0.5),
        # What total variation has not come to when it starts from it, plug-and-play does not find.
        ("pnp", "patches", "middle", 0.1, {}, 3.23),
        # A weight that predicts nearly as well as the best one, but is stronger, comes closer.
        ("tikhonov", "brain", "narrow", 1.0, {}, 1.73),
        # Enough voxels are left out to judge by.
        ("tikhonov", "patches", "middle", 1.0, {"used": "wrong"}, 8.0),
        # Strong weights do not seem best because the first of them has not yet come to its image.
        ("tikhonov", "points", "middle", 5.0, {}, 12.2),
    ],
)
def test_automatic_weights_come_close_to_the_truth(method, image, blur, noise, options, bound):
    truth, y, operator = case(image, blur, noise, **options)
    assert error(sd.solve(operator, y, method, noise=noise).image, truth) < bound


def dense(problem, penalty):
    """A and D as matrices."""
    shape = problem.operator.domain_shape
    a, d = [], []
    for unit in np.eye(np.prod(shape), dtype=problem.dtype):
        image = unit.reshape(shape)
        a.append(problem.forward(image).ravel())
        out = np.zeros_like(image)
        penalty.add(image, 1.0, out)
        d.append(out.ravel())
    return np.array(a, float).T, np.array(d, float)


@pytest.mark.parametrize("noise", [1.0, 5.0])
def test_the_weight_that_all_voxels_tell_is_that_of_generalised_cross_validation(noise):
    """By the trace of the matrix that takes the data to the blurred image, which one probe estimates."""
    random = np.random.default_rng(2)
    truth = truth_of("patches")[20:38, 20:38]
    operator = sd.SpatiallyVariantBlur(kernels_of("middle"), truth.shape, dtype="float64")
    problem = Problem(operator, operator.forward(truth) + noise * random.standard_normal(truth.shape), noise)
    assert all_voxels_tell(problem)
    a, d = dense(problem, _Normal(problem, "gradient"))

    def exact(seen, weight, image, watch):
        return np.linalg.solve(a.T @ a + weight * d, a.T @ seen.y.ravel()).reshape(truth.shape)

    def error_of(weight):
        smoother = a @ np.linalg.solve(a.T @ a + weight * d, a.T)
        left = problem.y.ravel() - smoother @ problem.y.ravel()
        return np.sum(left**2) / (1 - np.trace(smoother) / left.size) ** 2

    weights = [10 * 0.4**n for n in range(11)]
    image, chosen = best_weight(problem, weights, problem.even_start(), exact, UNWATCHED)
    least = min(weights, key=error_of)
    assert least / 1.5 < chosen < 5 * least
    assert error_of(chosen) < 1.05 * error_of(least)
    nearest = min(weights, key=lambda weight: abs(np.log(weight / chosen)))
    np.testing.assert_allclose(image, exact(problem, nearest, image, None))


def test_conjugate_gradients_with_the_numbers_of_others_are_linear_in_the_data():
    """So that what they make of noise alone is what noise does to the image, long before they have converged."""
    random = np.random.default_rng(3)
    truth = truth_of("patches")
    operator = sd.SpatiallyVariantBlur(kernels_of("middle"), truth.shape, dtype="float64")
    problem = Problem(operator, operator.forward(truth) + random.standard_normal(truth.shape), 1.0)
    noise, noted = random.standard_normal(truth.shape), Noted()

    def fourth(data, agreed, start):
        part = problem.with_data(data, agreed)
        iterates = conjugate_gradients(part, _Normal(problem, "gradient"), 0.01, start, 0.0)
        return [next(iterates).image.copy() for _ in range(5)][-1]

    start = problem.even_start()
    plain = fourth(problem.y, noted, start)
    both = fourth(problem.y + noise, Given(noted.numbers), start)
    alone = fourth(noise, Given(noted.numbers), np.zeros_like(start))
    np.testing.assert_allclose(both - plain, alone, atol=1e-9)
    assert np.abs(alone).max() > 0.1


def test_weaker_weights_are_not_tried_when_they_predict_worse_and_worse():
    _, y, operator = case("brain", "narrow", 6.0)
    assert sd.solve(operator, y, "tv", noise=6.0).iterations < 85


# -- steps


@pytest.mark.parametrize("method", ["landweber", "projected-landweber"])
def test_landweber_converges_fast_where_little_is_blurred(method):
    # Momentum that is not taken back where it points uphill swings around the solution, a million times as far.
    truth = truth_of("patches") + 5
    operator = sd.SpatiallyVariantBlur(
        sd.KernelField.uniform(sd.gaussian_kernel(0.45, ndim=2)), truth.shape, dtype="float64"
    )
    result = sd.solve(operator, operator.forward(truth), method, iterations=40, noise=1.0)
    assert result.residual < 1e-9


@pytest.mark.parametrize("method", ["landweber", "projected-landweber"])
def test_landweber_is_accelerated_where_much_is_blurred(method):
    truth, y, operator = case("patches", "middle", 0.0)
    x = y
    for _ in range(400):
        x = x + operator.adjoint(y - operator.forward(x))
    assert error(sd.solve(operator, y, method, iterations=100, noise=1.0).image, truth) < error(x, truth)


@pytest.mark.parametrize("kernels", ["motion", "keyed", "sharp"])
def test_landwebers_automatic_step_fits_the_blur(kernels):
    if kernels == "sharp":  # leaves an even image as it is, and makes nine times as much of a checkerboard
        sharp = sd.Kernel([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]])
        operator = sd.SpatiallyVariantBlur(sd.KernelField.uniform(sharp), (64, 64), boundary="periodic")
        y = truth_of("patches")
    else:
        _, y, operator = case("patches", kernels, 1.0)
    step = sd.solve(operator, y, "landweber", noise=1.0, iterations=1).parameters["regularization"]
    assert 0.9 < step * largest_singular_value(operator) ** 2 < 1.15


def test_a_given_step_that_diverges_is_noticed_soon(monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.solvers.landweber.power_norm", lambda *_, **__: 0.5)
    _, y, operator = case("patches", "middle", 1.0)
    steps = []
    with pytest.raises(sd.InputError, match="too large a step"):
        sd.solve(
            operator, y, "landweber", regularization=2.0, iterations=100, noise=1.0,
            progress=lambda fraction, text: steps.append(text),
        )  # fmt: skip
    assert len(steps) < 20


@pytest.mark.parametrize(("method", "weight", "bound"), [("tv", 0.1, 4.85), ("richardson-lucy", "auto", 6.0)])
def test_hot_voxels_do_not_count_in_the_range_of_values(method, weight, bound):
    truth, y, operator = case("patches", "middle", 1.0)
    y[20, 20] = y[50, 41] = 1e4
    elsewhere = np.ones(y.shape, bool)
    elsewhere[10:31, 10:31] = elsewhere[40:61, 31:52] = False
    image = sd.solve(operator, y, method, noise=1.0, regularization=weight).image
    assert error(image[elsewhere], truth[elsewhere]) < bound
