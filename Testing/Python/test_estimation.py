"""One kernel from a pair of images: against dense matrices, scipy's convolution and the true kernels."""

import itertools

import numpy as np
import pytest
import scipy.ndimage
import scipy.optimize
import scipy.signal

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.constrained import project
from SpatialDeconvLib.estimation.krylov import Penalty


def dense_matrix(x, shape):
    """X of y = X h on the valid region, one equation for every window of x, by loops."""
    size = [n - m + 1 for n, m in zip(x.shape, shape, strict=True)]
    rows = []
    for start in itertools.product(*map(range, size)):
        window = x[tuple(slice(s, s + m) for s, m in zip(start, shape, strict=True))]
        rows.append(window[(slice(None, None, -1),) * x.ndim].ravel())
    return np.array(rows)


def valid_part(image, shape):
    """The voxels whose windows lie inside: n - 1 - c before the first one, c after the last, c = n // 2."""
    return image[tuple(slice(m - 1 - m // 2, n - m // 2) for n, m in zip(image.shape, shape, strict=True))]


def blurred_with(x, h):
    """h * x with the centre at n // 2; right where no border is met, zeros are beyond it."""
    full = scipy.signal.convolve(x, h, "full", method="direct")
    return full[tuple(slice(m // 2, m // 2 + n) for n, m in zip(x.shape, h.shape, strict=True))]


def boxes(shape, seed=0, largest=9):
    """Boxes of random place, size and intensity, over each other."""
    rng = np.random.default_rng(seed)
    image = np.zeros(shape)
    for _ in range(image.size // 20):
        size = rng.integers(2, largest, len(shape))
        start = [rng.integers(1 - s, n) for s, n in zip(size, shape, strict=True)]
        image[tuple(slice(max(a, 0), a + s) for a, s in zip(start, size, strict=True))] = rng.integers(0, 101)
    return image


def gaussian(shape, sigma):
    axes = [np.arange(n) - n // 2 for n in shape]
    h = np.exp(-0.5 * sum(a**2 for a in np.meshgrid(*axes, indexing="ij")) / sigma**2)
    return h / h.sum()


def error(kernel, h):
    return np.linalg.norm(kernel.values - h) / np.linalg.norm(h)


def noisy(y, sigma, seed=0):
    return y + sigma * np.random.default_rng(seed).standard_normal(y.shape)


# -- least squares


@pytest.mark.parametrize("shape", [(5, 7), (4, 6), (1, 5), (3, 4, 2), (1, 3, 3)])
def test_without_penalty_it_is_the_least_squares_solution(shape):
    x = boxes((18, 17) if len(shape) == 2 else (9, 10, 8))
    y = noisy(blurred_with(x, np.random.default_rng(1).random(shape)), 3.0)
    expected = np.linalg.lstsq(dense_matrix(x, shape), valid_part(y, shape).ravel(), rcond=None)[0]
    kernel = sd.estimate_kernel(x, y, shape, regularization=0, iterations=1000)
    np.testing.assert_allclose(kernel.values.ravel(), expected, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("penalty", ["gradient", "identity"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 1.0)])
def test_the_penalty_is_the_one_that_is_documented(penalty, spacing):
    x, shape = boxes((25, 22)), (5, 4)
    y = noisy(blurred_with(x, gaussian(shape, 1.0)), 2.0)
    matrix, data = dense_matrix(x, shape), valid_part(y, shape).ravel()
    if penalty == "identity":
        operator = np.eye(20)
    else:  # differences of the kernel with zeros around it, by loops over one voxel at a time
        rows = []
        for index in range(20):
            h = np.zeros(shape)
            h.flat[index] = 1
            padded = np.pad(h, 1)
            rows.append(np.concatenate([(np.diff(padded, axis=a) / spacing[a]).ravel() for a in range(2)]))
        operator = np.array(rows).T
    weight = 0.01 * len(data) * x.var()
    expected = np.linalg.solve(matrix.T @ matrix + weight * operator.T @ operator, matrix.T @ data)
    kernel = sd.estimate_kernel(x, y, shape, regularization=0.01, penalty=penalty, spacing=spacing)
    np.testing.assert_allclose(kernel.values.ravel(), expected, atol=1e-3 * expected.max())
    assert kernel.spacing == spacing


def test_a_mask_leaves_equations_out():
    x, shape = boxes((20, 20)), (3, 3)
    y = noisy(blurred_with(x, gaussian(shape, 1.0)), 1.0)
    mask = np.random.default_rng(4).random(y.shape) < 0.4
    keep = valid_part(mask, shape).ravel()
    data = valid_part(y, shape).ravel()[keep]
    expected = np.linalg.lstsq(dense_matrix(x, shape)[keep], data, rcond=None)[0]
    y[~mask] = np.nan  # nobody looks there
    kernel = sd.estimate_kernel(x, y, shape, regularization=0, mask=mask)
    np.testing.assert_allclose(kernel.values.ravel(), expected, atol=2e-4)


def test_an_offset_is_one_unknown_more():
    x, shape = boxes((20, 20)), (3, 3)
    y = noisy(blurred_with(x, gaussian(shape, 1.0)), 1.0) - 30
    matrix = dense_matrix(x, shape)
    matrix = np.column_stack([matrix, np.ones(len(matrix))])
    expected = np.linalg.lstsq(matrix, valid_part(y, shape).ravel(), rcond=None)[0]
    kernel = sd.estimate_kernel(x, y, shape, regularization=0, offset=True)
    np.testing.assert_allclose(kernel.values.ravel(), expected[:-1], atol=2e-4)
    assert kernel.estimate.offset == pytest.approx(expected[-1], abs=0.02)


def test_non_negative_is_that_of_nnls():
    x, shape = boxes((24, 24)), (5, 5)
    h = np.maximum(gaussian(shape, 0.8) - 0.02, 0)
    y = noisy(blurred_with(x, h), 5.0)
    expected = scipy.optimize.nnls(dense_matrix(x, shape), valid_part(y, shape).ravel())[0]
    kernel = sd.estimate_kernel(x, y, shape, regularization=0, constraint="non-negative")
    assert np.count_nonzero(expected == 0) > 3
    np.testing.assert_allclose(kernel.values.ravel(), expected, atol=1e-3 * expected.max())


@pytest.mark.parametrize("constraint", ["sum-one", "simplex"])
def test_constraints_on_the_sum_are_met_and_optimal(constraint):
    x, shape = boxes((24, 24)), (5, 5)
    y = 1.2 * noisy(blurred_with(x, gaussian(shape, 0.8)), 5.0)
    matrix, data = dense_matrix(x, shape), valid_part(y, shape).ravel()
    kernel = sd.estimate_kernel(x, y, shape, regularization=0, constraint=constraint)
    h = kernel.values.ravel()
    assert h.sum() == pytest.approx(1, abs=1e-12)
    gradient = matrix.T @ (matrix @ h - data)
    free = np.ones(h.size, bool) if constraint == "sum-one" else h > 0
    assert h.min() >= 0 or constraint == "sum-one"
    level = gradient[free].mean()  # the multiplier of the sum
    scale = np.abs(matrix.T @ data).max()
    assert np.abs(gradient[free] - level).max() < 1e-3 * scale
    assert np.all(gradient[~free] > level - 1e-3 * scale)


def test_projection_onto_the_simplex_is_the_nearest_point():
    rng = np.random.default_rng(0)
    point = rng.standard_normal((1, 2, 3))
    found = project(point, "simplex")[0].ravel()
    best = scipy.optimize.minimize(
        lambda h: np.sum((h - point.ravel()) ** 2),
        np.full(6, 1 / 6),
        bounds=[(0, None)] * 6,
        constraints={"type": "eq", "fun": lambda h: h.sum() - 1},
        options={"ftol": 1e-14},
    ).x
    np.testing.assert_allclose(found, best, atol=1e-6)


def test_the_penalty_and_its_roots_agree():
    coupling = np.array([[2.0, -1, 0], [-1, 3, -1], [0, -1, 2]])
    penalty = Penalty((4, 1, 5), (2.0, 1.0, 1.0), "gradient", coupling)
    h = np.random.default_rng(0).standard_normal((3, 4, 1, 5))
    np.testing.assert_allclose(penalty.root(penalty.root(h)), penalty.product(h), atol=1e-12)
    np.testing.assert_allclose(penalty.inverse_root(penalty.root(h)), h, atol=1e-12)
    gradients = np.zeros((3, 3))
    for a, b in itertools.product(range(3), repeat=2):
        for axis, factor in ((0, 0.25), (2, 1.0)):
            pads = [(1, 1) if n == axis else (0, 0) for n in range(3)]
            first, second = (np.diff(np.pad(h[k], pads), axis=axis) for k in (a, b))
            gradients[a, b] += factor * np.sum(first * second)
    assert np.vdot(h, penalty.product(h)) == pytest.approx(np.sum(coupling * gradients))


# -- numbers of the reference case


def reference_case(noise):
    x = np.zeros((200, 200))
    x[85:115, 85:115] = 1
    h = gaussian((51, 51), 4.0)
    y = scipy.signal.convolve(np.pad(x, 25), h, "valid")
    return x, noisy(y, noise * y.max()), h


def test_texture_is_no_noise():
    x = boxes((80, 80)) + 20 * np.random.default_rng(3).random((80, 80))
    y = noisy(blurred_with(x, gaussian((5, 5), 0.6)), 0.2)
    record = sd.estimate_kernel(x, y, 5).estimate
    assert sd.estimate_noise(y) > 0.6
    assert record.noise == pytest.approx(0.2, rel=0.05)
    assert record.residual == pytest.approx(1, abs=0.02)
    wrong = sd.estimate_kernel(x, y[::-1], 5).estimate  # what does not fit is no noise either
    assert wrong.residual > 5
    assert "the kernels do not explain the blurred image" in " ".join(wrong.warnings)
    assert not record.warnings


def test_whole_numbers_are_not_taken_for_clipped_ones():
    x = boxes((80, 80))
    y = np.round(noisy(blurred_with(x, gaussian((5, 5), 1.0)), 2.0)).astype(int)
    assert not sd.estimate_kernel(x, y, 5, mask=y <= 40).estimate.warnings
    clipped = sd.estimate_kernel(x, np.minimum(y, 70), 5).estimate.warnings
    assert "have exactly its maximum 70" in " ".join(clipped)


def test_division_says_how_uncertain_it_is():
    inner = np.zeros((80, 80))
    inner[20:60, 20:60] = boxes((40, 40))
    h = gaussian((7, 7), 1.2)
    for image in (inner, boxes((80, 80))):  # the second one does not vanish at the border
        found = sd.estimate_kernel(image, noisy(blurred_with(image, h), 1.0), 7, method="fourier")
        assert 0.2 < error(found, h) / found.estimate.uncertainty < 5


def test_the_reference_case_without_noise():
    x, y, h = reference_case(0)
    kernel = sd.estimate_kernel(x, y, 51)
    assert error(kernel, h) < 2e-4
    assert kernel.estimate.iterations < 200
    assert kernel.estimate.warnings == []


@pytest.mark.parametrize(("penalty", "seed"), [("gradient", 1), ("identity", 0)])
def test_the_automatic_weight_is_near_the_best_one(penalty, seed):
    x, y, h = reference_case(0)
    y = noisy(y, 0.01 * y.max(), seed)
    found = sd.estimate_kernel(x, y, 51, penalty=penalty)
    weights = found.estimate.regularization * 10.0 ** np.arange(-0.6, 1.21, 0.3)
    best = min(error(sd.estimate_kernel(x, y, 51, penalty=penalty, regularization=w), h) for w in weights)
    assert error(found, h) < 1.2 * best


def test_the_fourier_method_is_right_for_images_that_vanish_at_the_border():
    x, y, h = reference_case(0)
    kernel = sd.estimate_kernel(x, y, 51, method="fourier")
    assert error(kernel, h) < 0.02
    x, y, h = reference_case(0.01)
    weights = 10.0 ** np.arange(-2, 4)
    best = min(error(sd.estimate_kernel(x, y, 51, method="fourier", regularization=w), h) for w in weights)
    assert error(sd.estimate_kernel(x, y, 51, method="fourier"), h) < 1.6 * best


@pytest.mark.parametrize("constraint", ["non-negative", "simplex"])
def test_signs_help_where_the_kernel_has_them(constraint):
    x, y, h = reference_case(0.01)
    free, signed = (sd.estimate_kernel(x, y, 51, constraint=c) for c in (None, constraint))
    assert error(signed, h) < 0.7 * error(free, h)
    assert signed.values.min() >= 0


# -- what is said about the answer


@pytest.mark.parametrize("sigma", [0.2, 2.0])
def test_uncertainty_and_residual_are_about_right(sigma):
    x, h = boxes((90, 90)), gaussian((11, 11), 1.3)
    y = noisy(scipy.signal.convolve(np.pad(x, 5, mode="edge"), h, "valid"), sigma)
    kernel = sd.estimate_kernel(x, y, 11, noise=sigma)
    record = kernel.estimate
    assert 0.5 < record.uncertainty / error(kernel, h) < 2.5
    assert record.residual == pytest.approx(1, abs=0.05)
    assert record.noise == sigma
    predicted = scipy.signal.convolve(x, kernel.values, "valid")
    np.testing.assert_allclose(record.predicted, predicted, atol=1e-8 * predicted.max())
    left = (y[record.valid] - predicted).std() / sigma
    assert record.residual == pytest.approx(left, rel=0.02)
    assert record.history[-1] == pytest.approx(record.residual, rel=0.02)
    assert all(a >= b - 1e-3 for a, b in itertools.pairwise(record.history))
    assert record.condition > 10
    assert record.seconds > 0


def test_an_estimated_kernel_goes_wherever_a_kernel_goes(tmp_path):
    x, h = boxes((40, 40)), gaussian((5, 5), 1.0)
    kernel = sd.estimate_kernel(x, blurred_with(x, h), 5, spacing=0.5)
    assert isinstance(kernel, sd.Kernel)
    assert kernel.resampled(0.25).spacing == (0.25, 0.25)
    path = tmp_path / "set.json"
    sd.write_kernel_set(path, sd.KernelField.uniform(kernel))
    np.testing.assert_allclose(sd.read_kernel_set(path).kernels[0].values, kernel.values, rtol=1e-6, atol=1e-9)
    sd.deconvolve(x.astype(np.float32), kernel, spacing=0.5, method="wiener", noise=0.1)


@pytest.mark.parametrize(
    "original",
    [
        np.broadcast_to(np.arange(40.0) > 20, (40, 40)),
        np.add.outer(np.arange(40.0), np.arange(40.0)),
        np.broadcast_to(np.random.default_rng(0).random((40, 1)), (40, 40)),
    ],
    ids=["edge", "ramp", "stripes"],
)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_an_original_without_structure_in_every_direction_is_refused(original, noise):
    y = scipy.ndimage.gaussian_filter(original.astype(float), 1.0, mode="nearest")
    with pytest.raises(sd.InputError, match="does not determine a kernel of shape"):
        sd.estimate_kernel(original, noisy(y, noise * np.ptp(y)), 9)


# -- shift, gain and offset


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.3, -0.45), (4.0, -7.6)])
@pytest.mark.parametrize("constraint", [None, "simplex"])
def test_shift_gain_and_offset_are_found_along(shift, constraint):
    x = scipy.ndimage.gaussian_filter(boxes((90, 80), largest=12), 0.7)
    h = gaussian((11, 11), 1.5)
    y = scipy.ndimage.shift(blurred_with(x, h), shift, order=5, mode="nearest")
    y = noisy(1.7 * y + 12, 0.3)
    kernel = sd.estimate_kernel(
        x, y, 11, register=True, gain=True, offset=True, constraint=constraint, spacing=(2.0, 0.5)
    )
    record = kernel.estimate
    np.testing.assert_allclose(np.array(record.shift) / (2.0, 0.5), shift, atol=0.05)
    assert record.gain == pytest.approx(1.7, rel=0.005)
    assert record.offset == pytest.approx(12, abs=0.3)
    assert kernel.total == pytest.approx(1, abs=1e-9)
    assert error(kernel, h) < 0.06
    assert np.std(y[record.valid] - record.predicted) == pytest.approx(0.3, rel=0.05)


def test_a_few_slices_leave_room_for_a_shift():
    x, h = boxes((6, 44, 40)), gaussian((3, 5, 5), 1.0)
    y = np.roll(blurred_with(x, h), (2, -1), (1, 2))
    kernel = sd.estimate_kernel(x, noisy(y, 0.2), h.shape, register=True)
    np.testing.assert_allclose(kernel.estimate.shift, (0, 2, -1), atol=0.05)
    assert error(kernel, h) < 0.05


def test_without_gain_the_factor_is_in_the_kernel():
    x, h = boxes((50, 50)), gaussian((7, 7), 1.2)
    kernel = sd.estimate_kernel(x, 3 * blurred_with(x, h), 7)
    assert kernel.total == pytest.approx(3, rel=1e-3)
    assert kernel.estimate.gain == 1


# -- odd input


def test_clipped_voxels_are_reported_and_can_be_left_out():
    x, h = boxes((80, 80)), gaussian((9, 9), 1.3)
    y = np.minimum(noisy(blurred_with(x, h), 0.3), 60)
    clipped = sd.estimate_kernel(x, y, 9)
    assert any("have exactly its maximum 60" in text for text in clipped.estimate.warnings)
    kernel = sd.estimate_kernel(x, y, 9, mask="unsaturated")
    assert kernel.estimate.warnings == []
    assert error(kernel, h) < 0.05 < error(clipped, h)


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_a_swapped_pair_is_noticed(sigma):
    x = boxes((80, 80))
    y = noisy(scipy.ndimage.gaussian_filter(x, 1.5, mode="nearest"), sigma)
    assert not any("swap" in text for text in sd.estimate_kernel(x, y, 9).estimate.warnings)
    assert any("swap them back" in text for text in sd.estimate_kernel(y, x, 9).estimate.warnings)


IMAGE = boxes((20, 20))
HOLED = np.where(np.arange(20) == 3, np.nan, IMAGE)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((IMAGE, IMAGE[:-1], 3), {}, r"original has shape \(20, 20\), the blurred image \(19, 20\)"),
        ((np.full((20, 20), 7), IMAGE, 3), {}, "the original is constant .7.*cannot determine a kernel"),
        ((IMAGE, np.zeros((20, 20)), 3), {}, "blurred image is constant"),
        ((HOLED, IMAGE, 3), {}, "original holds 20 NaN or infinite of 400 voxels"),
        ((IMAGE, HOLED, 3), {}, "blurred image holds 20 NaN .* leave them out with mask"),
        ((IMAGE, IMAGE, 21), {}, "does not fit into the images"),
        ((IMAGE, IMAGE, (3, 3, 3)), {}, "has 3 values, the images 2 axes"),
        ((IMAGE, IMAGE, 2.5), {}, "whole numbers of voxels"),
        ((IMAGE, IMAGE, 0), {}, "whole numbers of voxels, at least 1"),
        ((IMAGE, IMAGE, "big"), {}, "shape 'big'"),
        ((IMAGE, IMAGE[0], 3), {}, "shape"),
        ((IMAGE * 1j, IMAGE, 3), {}, "real numbers"),
        ((IMAGE, IMAGE, 3), {"spacing": -1}, "spacing"),
        ((IMAGE, IMAGE, 3), {"method": "magic"}, "method 'magic' is unknown; choose one of"),
        ((IMAGE, IMAGE, 3), {"constraint": "positive"}, "constraint 'positive' is unknown"),
        ((IMAGE, IMAGE, 3), {"penalty": "tv"}, "penalty 'tv' is unknown"),
        ((IMAGE, IMAGE, 3), {"regularization": -1}, "regularization -1 must be"),
        ((IMAGE, IMAGE, 3), {"regularization": "some"}, "regularization 'some' must be"),
        ((IMAGE, IMAGE, 3), {"noise": float("nan")}, "noise nan must be"),
        ((IMAGE, IMAGE, 3), {"iterations": 0}, "iterations 0 must be"),
        ((IMAGE, IMAGE, 3), {"iterations": "many"}, "iterations 'many' must be"),
        ((IMAGE, IMAGE, 3), {"mask": np.zeros((20, 20))}, "mask is empty"),
        ((IMAGE, IMAGE, 3), {"mask": np.ones((3, 3))}, r"mask has shape \(3, 3\)"),
        ((IMAGE, IMAGE, 3), {"mask": "bright"}, "mask 'bright' is unknown"),
        ((IMAGE, IMAGE, 9), {"mask": np.arange(400).reshape(20, 20) < 60}, "none of the voxels that lie at least"),
        ((IMAGE, np.pad(np.ones((16, 16)), 2), 5), {}, r"is constant \(1\) wherever a kernel of \(5, 5\) stays"),
        ((IMAGE, IMAGE, True), {}, "shape True"),
        ((IMAGE, -IMAGE, 3), {"constraint": "non-negative"}, "no kernel that is non-negative turns the original"),
        ((IMAGE, IMAGE, 3), {"method": "fourier", "mask": IMAGE > 0}, "'fourier' takes no mask"),
    ],
)
def test_impossible_input_is_named(arguments, options, message):
    with pytest.raises(sd.InputError, match=message):
        sd.estimate_kernel(*arguments, **options)


def test_progress_rises_to_one_and_the_input_stays():
    x, shape, told = boxes((60, 60)), (9, 9), []
    y = noisy(blurred_with(x, gaussian(shape, 1.0)), 1.0)
    before = x.copy(), y.copy()
    sd.estimate_kernel(x, y, shape, constraint="simplex", register=True, progress=lambda f, text: told.append(f))
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1
    assert len(told) > 20
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("constraint", [None, "simplex"])
def test_a_cancelled_run_stops_soon(constraint):
    x, calls = boxes((60, 60)), []

    def cancelled():
        calls.append(1)
        return len(calls) > 15

    with pytest.raises(sd.Cancelled):
        sd.estimate_kernel(x, noisy(x, 1.0), 9, constraint=constraint, cancelled=cancelled)
    assert len(calls) == 16


def test_more_unknowns_than_equations_are_solved_by_the_penalty():
    x, h = boxes((28, 28)), gaussian((17, 17), 1.8)
    y = noisy(scipy.signal.convolve(np.pad(x, 8, mode="edge"), h, "valid"), 0.1)
    kernel = sd.estimate_kernel(x, y, 17)  # 289 unknowns, 144 equations
    best = min(error(sd.estimate_kernel(x, y, 17, regularization=10.0**p), h) for p in range(-5, 2))
    assert error(kernel, h) < 1.3 * best
    assert any("144 voxels count for 289 unknowns" in text for text in kernel.estimate.warnings)


@pytest.mark.parametrize("constraint", [None, "non-negative", "sum-one", "simplex"])
def test_a_kernel_of_one_voxel_is_a_factor(constraint):
    x = boxes((30, 30))
    kernel = sd.estimate_kernel(x, 3 * x, 1, constraint=constraint)
    assert kernel.total == pytest.approx(1 if constraint in ("sum-one", "simplex") else 3)


def test_memory_is_asked_for_before_the_work(monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.arrays.memory.available_memory", lambda: 10_000)
    with pytest.raises(sd.NotEnoughMemory, match="give a part of the images"):
        sd.estimate_kernel(IMAGE, IMAGE, 5)


def test_the_same_input_gives_the_same_kernel():
    x = boxes((50, 50))
    y = noisy(blurred_with(x, gaussian((7, 7), 1.0)), 1.0)
    first, second = (sd.estimate_kernel(x.astype("f4"), y, 7, constraint="simplex") for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)


def test_a_single_slice_and_kernels_of_one_slice():
    x, h = boxes((40, 44)), gaussian((7, 7), 1.2)
    y = blurred_with(x, h)
    single = sd.estimate_kernel(x[None], y[None], 7)
    assert single.shape == (1, 7, 7)
    np.testing.assert_allclose(single.values[0], sd.estimate_kernel(x, y, 7).values, atol=1e-6)
    stack = np.stack([x, x.T[:40].repeat(2, axis=1)[:, :44]])
    blurred = np.stack([blurred_with(s, h) for s in stack])
    assert error(sd.estimate_kernel(stack, blurred, (7, 7)), h[None]) < 1e-3
