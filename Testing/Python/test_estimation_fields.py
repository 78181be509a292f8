"""All kernels of a field from one pair: against one dense matrix for all of them, and the true kernels."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from oracles import hat_weights
from test_estimation import blurred_with, boxes, dense_matrix, error, gaussian, noisy, valid_part

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.neighbours import balanced, coupling, neighbour_graph

IDENTITY = sd.identity_kernel(ndim=2)


def blocks(shape, levels, seed=0, largest=7):
    """An image of the levels alone, in boxes."""
    return np.asarray(levels, float)[(boxes(shape, seed, largest) * 7.3).astype(int) % len(levels)]


def blurred_by_field(x, weights, kernels, model):
    """The definition of the two models, with scipy's convolution."""
    if model == "detector":
        return sum(w * blurred_with(x, h) for w, h in zip(weights, kernels, strict=True))
    return sum(blurred_with(w * x, h) for w, h in zip(weights, kernels, strict=True))


def dense_system(x, weights, shape, model):
    if model == "detector":
        matrix = dense_matrix(x, shape)
        return np.hstack([valid_part(w, shape).reshape(-1, 1) * matrix for w in weights])
    return np.hstack([dense_matrix(w * x, shape) for w in weights])


def field_keys(key, shape, rng):
    """A field of placeholders, and its weights by their definition (as the documentation of the fields has it)."""
    if key == "intensity":
        return lambda x: (
            sd.KernelField.by_intensity(dict.fromkeys((10, 40, 90), IDENTITY)),
            hat_weights(x, (10, 40, 90)),
        )
    if key == "region":
        labels = rng.integers(1, 4, shape)
        return lambda x: (
            sd.KernelField.by_region(labels, dict.fromkeys((1, 2, 3), IDENTITY)),
            [labels == a for a in (1, 2, 3)],
        )
    if key == "position":
        row = np.arange(shape[0]) / (shape[0] - 1.0)
        ramp = np.broadcast_to(row[:, None], shape)
        points = {(0.0, 0.0): IDENTITY, (shape[0] - 1.0, 0.0): IDENTITY}
        return lambda x: (sd.KernelField.by_position(points), [1 - ramp, ramp])
    weights = rng.random((3, *shape))
    weights /= weights.sum(axis=0)
    return lambda x: (sd.KernelField.by_weights(weights, [IDENTITY] * 3), weights)


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("key", ["intensity", "region", "position", "weights"])
def test_without_penalty_it_is_the_joint_least_squares_solution(key, model):
    x, shape = boxes((28, 26)), (3, 4)
    x += np.random.default_rng(5).random(x.shape)
    keys, weights = field_keys(key, x.shape, np.random.default_rng(6))(x)
    kernels = np.random.default_rng(7).random((len(weights), *shape))
    y = noisy(blurred_by_field(x, weights, kernels, model), 5.0)
    system = dense_system(x, weights, shape, model)
    expected = np.linalg.lstsq(system, valid_part(y, shape).ravel(), rcond=None)[0].reshape(kernels.shape)
    options = {"constraint": None, "regularization": 0, "neighbours": 0, "iterations": 2000}
    found = sd.estimate_kernels(x, y, keys, shape, model=model, **options)
    assert isinstance(found, sd.KernelField)
    assert (found.key, found.at) == (keys.key, keys.at)
    for kernel, h in zip(found.kernels, expected, strict=True):
        np.testing.assert_allclose(kernel.values, h, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("model", ["detector", "source"])
def test_voxels_that_stay_unchanged_are_accounted_for(model):
    x, shape = boxes((40, 40)) + np.random.default_rng(5).random((40, 40)), (3, 3)
    keys = sd.KernelField.by_intensity({20: IDENTITY, 60: IDENTITY}, outside="unchanged")
    inside = (x >= 20) & (x <= 60)
    weights = [inside * w for w in hat_weights(x, (20, 60))]
    kernels = [gaussian(shape, 0.7), gaussian(shape, 1.5)]
    sharp = np.zeros(shape)
    sharp[1, 1] = 1
    y = blurred_by_field(x, [*weights, ~inside], [*kernels, sharp], model)
    found = sd.estimate_kernels(x, y, keys, shape, model=model)
    assert max(error(k, h) for k, h in zip(found.kernels, kernels, strict=True)) < 1e-3


LEVELS = (20, 50, 80)
SIGMAS = (0.8, 1.1, 1.5)


def keyed_pair(model, sigma, shape=(100, 100)):
    x = blocks(shape, (*LEVELS, 0), seed=3)
    kernels = [gaussian((7, 7), s) for s in SIGMAS]
    weights = [x == a for a in LEVELS] if model == "source" else hat_weights(x, LEVELS)
    return x, noisy(blurred_by_field(x, weights, kernels, model), sigma), kernels


@pytest.mark.parametrize("model", ["detector", "source"])
@pytest.mark.parametrize("constraint", [None, "simplex"])
def test_levels_are_found_with_the_uncertainty_that_is_told(model, constraint):
    x, y, kernels = keyed_pair(model, 0.5)
    keys = LEVELS if model == "detector" else (0, *LEVELS)
    found = sd.estimate_kernels(x, y, keys, 7, model=model, constraint=constraint, noise=0.5)
    record = found.estimate
    first = len(keys) - 3
    errors = np.array([error(k, h) for k, h in zip(found.kernels[first:], kernels, strict=True)])
    assert np.all(errors < (0.12 if constraint is None else 0.08))
    assert np.all(errors < 2.5 * record.uncertainty[first:])
    assert record.determined[first:].all()
    assert record.residual == pytest.approx(1, abs=0.05)
    assert record.share.sum() == pytest.approx(1)
    if constraint == "simplex":
        for kernel in found.kernels:
            assert kernel.values.min() >= 0
            assert kernel.total == pytest.approx(1, abs=1e-9)
    if model == "source":  # nothing comes from where there is nothing
        assert not record.determined[0]
        assert "the data do not determine the kernel at 0" in " ".join(record.warnings)


@pytest.mark.parametrize("model", ["detector", "source"])
def test_kernels_by_the_originals_intensity_have_one_sum_unless_told_otherwise(model):
    x, y, kernels = keyed_pair(model, 0.5, (60, 60))
    keys = LEVELS if model == "detector" else (0, *LEVELS)
    found = sd.estimate_kernels(x, 2.5 * y, keys, 7, model=model)  # a scale between the images is no matter
    sums = [kernel.total for kernel in found.kernels]
    np.testing.assert_allclose(sums, sums[0], rtol=1e-9)
    assert sums[0] == pytest.approx(2.5, rel=0.01)
    free = sd.estimate_kernels(x, 2.5 * y, keys, 7, model=model, constraint=None)
    assert np.ptp([kernel.total for kernel in free.kernels]) > 1e-4
    worst = [
        max(error(k, 2.5 * h) for k, h in zip(field.kernels[-3:], kernels, strict=True)) for field in (found, free)
    ]
    assert worst[0] < 1.05 * worst[1]
    with_gain = sd.estimate_kernels(x, 2.5 * y, keys, 7, model=model, gain=True)
    assert with_gain.estimate.gain == pytest.approx(sums[0], rel=1e-6)
    np.testing.assert_allclose([kernel.total for kernel in with_gain.kernels], 1, rtol=1e-9)


def test_kernels_by_region_or_by_a_guide_keep_their_own_sums():
    x = boxes((50, 50)) + np.random.default_rng(5).random((50, 50))
    labels = np.where(np.arange(50) < 25, 1, 2) * np.ones((50, 1), int)
    kernels = [gaussian((5, 5), 0.8), 0.7 * gaussian((5, 5), 1.2)]
    y = blurred_by_field(x, [labels == 1, labels == 2], kernels, "detector")
    regions = sd.KernelField.by_region(labels, dict.fromkeys((1, 2), IDENTITY))
    for keys, guide in ((regions, None), ((1, 2), labels.astype(float))):
        found = sd.estimate_kernels(x, y, keys, 5, guide=guide)
        assert [kernel.total for kernel in found.kernels] == pytest.approx([1, 0.7], abs=1e-3)


def test_balancing_the_penalties_helps_where_kernels_differ():
    x = blocks((64, 64), LEVELS, seed=3, largest=9)
    kernels = [gaussian((9, 9), s) for s in (0.5, 1.0, 2.0)]
    y = noisy(blurred_by_field(x, hat_weights(x, LEVELS), kernels, "detector"), 1.0)
    found = sd.estimate_kernels(x, y, LEVELS, 9)
    worst_of_equal = min(
        max(
            error(k, h)
            for k, h in zip(
                _equal_penalties(x, y, 10.0**power),
                kernels,
                strict=True,
            )
        )
        for power in range(-5, 0)
    )
    assert max(error(k, h) for k, h in zip(found.kernels, kernels, strict=True)) < worst_of_equal


def _equal_penalties(x, y, weight):
    """The dense solution with the same penalty on every kernel."""
    shape = (9, 9)
    system = dense_system(x, hat_weights(x, LEVELS), shape, "detector")
    line = 2 * np.eye(9) - np.eye(9, k=1) - np.eye(9, k=-1)
    penalty = np.kron(np.eye(3), np.kron(line, np.eye(9)) + np.kron(np.eye(9), line))
    scale = weight * len(system) * x.var()
    solution = np.linalg.solve(system.T @ system + scale * penalty, system.T @ valid_part(y, shape).ravel())
    return [sd.Kernel(h) for h in solution.reshape(3, *shape)]


# -- what the data do not determine


def test_a_level_that_does_not_occur_follows_its_neighbours():
    x, y, kernels = keyed_pair("detector", 0.3)
    x = np.where(x == 0, 20, x)  # only the three levels
    y = noisy(blurred_by_field(x, [x == a for a in LEVELS], kernels, "detector"), 0.3)
    keys = sd.KernelField.by_intensity(dict.fromkeys((20, 50, 65, 80), IDENTITY), interpolation="nearest")
    found = sd.estimate_kernels(x, y, keys, 7)
    record = found.estimate
    np.testing.assert_array_equal(record.determined, [True, True, False, True])
    assert record.share[2] == 0
    assert record.uncertainty[2] > 0.5
    assert any("do not determine the kernel at 65" in text for text in record.warnings)
    between = (found.kernels[1].values + found.kernels[3].values) / 2
    assert error(found.kernels[2], between) < 0.02
    alone = sd.estimate_kernels(x, y, keys, 7, neighbours=0)
    for k in (0, 1, 3):  # the others are left alone
        assert error(found.kernels[k], alone.kernels[k].values) < 0.02
    assert any("the kernel at 65 is that at" in text for text in alone.estimate.warnings)
    copies = [np.array_equal(alone.kernels[2].values, alone.kernels[k].values) for k in (1, 3)]
    assert sum(copies) == 1


def test_neighbours_pull_kernels_together():
    x, y, _ = keyed_pair("detector", 3.0)

    def spread(strength):
        kernels = sd.estimate_kernels(x, y, LEVELS, 7, neighbours=strength, regularization=1e-3).kernels
        return np.std([k.values for k in kernels], axis=0).sum()

    assert spread(1000.0) < 0.5 * spread(10.0) < spread(0.0)


def test_data_that_determine_nothing_are_refused():
    stripes = np.broadcast_to(np.random.default_rng(0).integers(1, 100, 60), (60, 60)).astype(float)
    with pytest.raises(sd.InputError, match="determine none of the 2 kernels"):
        sd.estimate_kernels(stripes, noisy(stripes, 0.1), (20, 80), 9)
    keys = sd.KernelField.by_intensity({200: IDENTITY, 300: IDENTITY}, outside="unchanged")
    with pytest.raises(sd.InputError, match="no voxel with structure takes one of the kernels"):
        sd.estimate_kernels(stripes, stripes + 1, keys, 3)


def test_the_graph_of_neighbours():
    def graph(field):
        return neighbour_graph(field)

    levels = graph(sd.KernelField.by_intensity(dict.fromkeys((0, 10, 30), IDENTITY)))
    np.testing.assert_allclose(levels, [[0, 1.5, 0], [1.5, 0, 0.75], [0, 0.75, 0]])
    regions = graph(sd.KernelField.by_region(None, dict.fromkeys((1, 2, 5), IDENTITY)))
    np.testing.assert_allclose(regions, (1 - np.eye(3)) / 2)
    line = graph(sd.KernelField.by_position({(0.0, float(x)): IDENTITY for x in range(6)}))
    assert line[0, 1] == 1
    assert line[0, 5] == 0
    np.testing.assert_array_equal(line, line.T)
    q = coupling(np.array([1.0, 2, 4]), levels, 3.0)
    h = np.array([1.0, -2, 0.5])
    own = h**2 @ [1, 2, 4]
    pairs = 1.5 * np.sqrt(2) * (h[0] - h[1]) ** 2 + 0.75 * np.sqrt(8) * (h[1] - h[2]) ** 2
    assert h @ q @ h == pytest.approx(own + 3 * pairs)
    weights = balanced(np.array([1.0, 4.0, 7.0]), np.array([True, True, False]))
    np.testing.assert_allclose(weights, [2, 0.5, 1])


# -- shift, gain, offset; use


@pytest.mark.parametrize("constraint", ["sum-one", "simplex"])
def test_shift_gain_and_offset_of_a_field(constraint):
    x = blocks((90, 90), LEVELS, largest=12)
    kernels = [gaussian((9, 9), s) for s in (0.9, 1.2, 1.5)]
    y = blurred_by_field(x, hat_weights(x, LEVELS), kernels, "detector")
    y = noisy(2.5 * scipy.ndimage.shift(y, (3, -2), mode="nearest", order=1) - 7, 0.5)
    found = sd.estimate_kernels(
        x, y, LEVELS, 9, register=True, gain=True, offset=True, constraint=constraint, spacing=(2.0, 1.0)
    )
    record = found.estimate
    np.testing.assert_allclose(record.shift, (6.0, -2.0), atol=0.1)
    assert record.gain == pytest.approx(2.5, rel=0.02)
    assert record.offset == pytest.approx(-7, abs=1.5)
    assert record.residual < 1.2
    assert [k.total for k in found.kernels] == pytest.approx([1, 1, 1], abs=1e-9)
    assert max(error(k, h) for k, h in zip(found.kernels, kernels, strict=True)) < 0.12


@pytest.mark.parametrize("model", ["detector", "source"])
def test_a_round_trip_comes_within_half_a_decibel_of_the_true_kernels(model):
    levels = (0, *LEVELS)
    kernels = [gaussian((9, 9), s) for s in (1.0, 0.9, 1.4, 1.9)]
    texture = np.random.default_rng(8).uniform(0, 12, (2, 64, 64))
    first, second = (blocks((64, 64), levels, seed, largest=11) + texture[seed - 1] for seed in (1, 2))

    def blur(x, seed):
        return noisy(blurred_by_field(x, hat_weights(x, levels), kernels, model), 0.5, seed).astype(np.float32)

    found = sd.estimate_kernels(first, blur(first, 0), levels, 9, model=model, constraint="simplex")
    true = sd.KernelField.by_intensity({a: sd.Kernel(h) for a, h in zip(levels, kernels, strict=True)})
    y = blur(second, 1)
    options = {"strategy": "joint", "method": "tv", "model": model, "guide": second, "noise": 0.5, "iterations": 30}
    quality = [sd.psnr(second, sd.deconvolve(y, f, **options).image) for f in (found, true)]
    assert quality[0] > quality[1] - 0.5
    assert quality[1] > sd.psnr(second, y) + 1


# -- odd input


IMAGE = blocks((30, 30), LEVELS)


@pytest.mark.parametrize(
    ("keys", "options", "message"),
    [
        ((), {}, "kernel set is empty"),
        (5, {}, "keys 5 must be a KernelField or a sequence of levels"),
        ((1, 1), {}, "level 1.0 is given twice"),
        (LEVELS, {"model": "both"}, "model 'both' is unknown"),
        (LEVELS, {"neighbours": -1}, "neighbours -1 must be 'auto' or"),
        (LEVELS, {"neighbours": "near"}, "neighbours 'near' must be"),
        (LEVELS, {"guide": np.zeros((3, 3))}, r"guide has shape \(3, 3\)"),
        (sd.KernelField.by_region(None, {1: IDENTITY}), {}, "there are no labels"),
        (sd.KernelField.by_region(np.ones((4, 4), int), {1: IDENTITY}), {}, r"labels have shape \(4, 4\)"),
        (LEVELS, {"constraint": "odd"}, "constraint 'odd' is unknown"),
    ],
)
def test_impossible_keys_are_named(keys, options, message):
    with pytest.raises(sd.InputError, match=message):
        sd.estimate_kernels(IMAGE, noisy(IMAGE, 1), keys, 3, **options)


def test_a_field_can_be_cancelled_and_tells_its_progress():
    x, y, _ = keyed_pair("detector", 1.0, (60, 60))
    told = []
    sd.estimate_kernels(x, y, LEVELS, 5, progress=lambda f, text: told.append(f))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    for limit in (1, 20, len(told) - 5):
        calls = []

        def cancelled(calls=calls, limit=limit):
            calls.append(1)
            return len(calls) > limit

        with pytest.raises(sd.Cancelled):
            sd.estimate_kernels(x, y, LEVELS, 5, cancelled=cancelled)
        assert len(calls) == limit + 1


def test_threads_do_not_change_the_result(monkeypatch):
    x, y, _ = keyed_pair("source", 1.0, (60, 60))
    results = []
    monkeypatch.setattr("SpatialDeconvLib.estimation.equations._LARGE", 0)
    for count in (1, 3):
        monkeypatch.setattr("SpatialDeconvLib.estimation.run.usable_processors", lambda count=count: count)
        results.append(sd.estimate_kernels(x, y, (0, *LEVELS), 5, model="source"))
    for one, three in zip(*(r.kernels for r in results), strict=True):
        np.testing.assert_array_equal(one.values, three.values)


def test_a_field_of_one_kernel_is_that_kernel():
    x, h = boxes((50, 50)), gaussian((7, 7), 1.2)
    y = noisy(blurred_with(x, h), 1.0)
    field = sd.estimate_kernels(x, y, sd.KernelField.uniform(IDENTITY), 7)
    np.testing.assert_allclose(field.kernels[0].values, sd.estimate_kernel(x, y, 7).values, atol=1e-9)


def test_three_dimensions():
    x = blocks((24, 30, 28), LEVELS)
    kernels = [gaussian((3, 5, 5), s) for s in (0.7, 1.0, 1.4)]
    y = blurred_by_field(x, hat_weights(x, LEVELS), kernels, "detector")
    found = sd.estimate_kernels(x, y, LEVELS, (3, 5, 5))
    assert max(error(k, h) for k, h in zip(found.kernels, kernels, strict=True)) < 2e-3
