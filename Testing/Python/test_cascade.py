"""The Gaussian cascade against the direct definition, computed by scipy.ndimage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.blur.cascade import ROOT, Cascade, plan
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import box_kernel, gaussian_kernel, motion_kernel

TOLERANCE = 1e-3
BOUNDARIES = {"edge": "nearest", "zero": "constant", "periodic": "wrap"}
MODELS = ("detector", "source")

# name: shape, spacing, sigmas in mm
FAMILIES = {
    "narrow": ((14, 15, 16), 1.0, np.linspace(0.6, 2.0, 5)),
    "wide": ((41, 38), 1.0, np.linspace(1.0, 9.0, 6)),
    "larger than the image": ((17, 20), 1.0, np.linspace(2.0, 16.0, 5)),
    "a multiple of every step": ((32, 48), 1.0, np.linspace(1.5, 12.0, 6)),
    "thick slices": ((5, 14, 17), (3.0, 1.0, 1.0), np.linspace(1.5, 4.0, 4)),
    "sigma per axis": ((37, 40), 1.0, [(1.0, 2.0), (2.0, 4.0), (3.0, 7.0), (9.0, 7.5)]),
    "only along one axis": ((8, 50), 1.0, [(0.0, 1.0), (0.0, 3.0), (0.0, 7.0)]),
    "crossed": ((30, 34), 1.0, [(1.0, 5.0), (5.0, 1.0), (5.0, 5.0), (6.0, 6.0)]),
}


def bound_field(shape, spacing, sigmas, seed=0):
    """Kernels keyed to a random guide: neighbours never share their weights."""
    rng = np.random.default_rng(seed)
    kernels = {
        10.0 * (n + 1): gaussian_kernel(s if np.ndim(s) else float(s), spacing, ndim=len(shape))
        for n, s in enumerate(sigmas)
    }
    guide = rng.uniform(0, 10 * (len(kernels) + 1), shape)
    return KernelField.by_intensity(kernels).bind(guide, spacing)


def direct(x, bound, boundary, model):
    """The definition: extend by the boundary rule, convolve, crop, for every kernel by itself."""
    y = np.zeros(x.shape)
    for k in range(len(bound)):
        w = bound.weight(k, np.float64)
        h = bound.kernel(k).values
        if model == "detector":
            y += w * ndimage.convolve(x, h, mode=BOUNDARIES[boundary])
        else:
            y += ndimage.convolve(w * x, h, mode=BOUNDARIES[boundary])
    return y


def signs(shape, seed=0):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_error_is_below_the_bound_and_the_bound_below_the_tolerance(family, boundary, model):
    bound = bound_field(*FAMILIES[family])
    cascade = Cascade(bound, boundary, TOLERANCE, model=model)
    x = signs(bound.shape)
    stated = cascade.error_bound if model == "detector" else cascade.source_error_bound
    error = np.abs(getattr(cascade, model)(x) - direct(x, bound, boundary, model)).max()
    assert stated <= TOLERANCE
    assert error <= stated + 1e-12


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
def test_the_bound_holds_for_the_worst_image(model, boundary):
    # Column by column, the whole matrix of the error: its largest absolute row sum is the worst case.
    bound = bound_field((1, 53), 1.0, [(0.0, s) for s in (1.0, 2.0, 3.5, 5.0, 7.0, 9.0)])
    cascade = Cascade(bound, boundary, TOLERANCE, model=model)
    apply = getattr(cascade, model)
    columns = []
    for i in range(53):
        x = np.zeros(bound.shape)
        x[0, i] = 1
        columns.append((apply(x) - direct(x, bound, boundary, model))[0])
    worst = np.abs(columns).sum(axis=0).max()
    stated = cascade.error_bound if model == "detector" else cascade.source_error_bound
    assert any(level.interpolated for level in cascade.levels)
    assert 0 < worst <= stated + 1e-12


@pytest.mark.parametrize(("boundary", "mode"), BOUNDARIES.items())
def test_a_level_of_its_own_equals_scipys_gaussian_filter(boundary, mode):
    shape = (48, 52)
    x = signs(shape)
    for sigma in (0.7, 3.0, 8.0):
        bound = KernelField.uniform(gaussian_kernel(sigma, ndim=2)).bind(np.zeros(shape), 1.0)
        expected = ndimage.gaussian_filter(x, sigma, mode=mode, truncate=4.0)
        cascade = Cascade(bound, boundary, TOLERANCE)
        assert np.abs(cascade.detector(x) - expected).max() <= cascade.error_bound + 1e-12
        assert np.abs(cascade.source(x) - expected).max() <= cascade.error_bound + 1e-12


@pytest.mark.parametrize("boundary", ["zero", "periodic"])
def test_source_is_the_transpose_of_detector(boundary):
    bound = bound_field(*FAMILIES["a multiple of every step"])
    cascade = Cascade(bound, boundary)
    x, y = signs(bound.shape, 1), signs(bound.shape, 2)
    assert np.vdot(cascade.detector(x), y) == pytest.approx(np.vdot(x, cascade.source(y)), rel=1e-11, abs=1e-10)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
def test_a_tolerance_no_fit_can_keep_gives_the_direct_result(model, boundary):
    bound = bound_field(*FAMILIES["thick slices"])
    cascade = Cascade(bound, boundary, 1e-9, model=model)
    x = signs(bound.shape)
    assert cascade.error_bound == 0
    assert np.allclose(getattr(cascade, model)(x), direct(x, bound, boundary, model), atol=1e-12)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
def test_kernels_of_other_kinds_are_filtered_directly_beside_the_gaussians(model, boundary):
    kernels = [
        gaussian_kernel(1.0, ndim=2),
        motion_kernel(7, 30),
        box_kernel(5.0, ndim=2),
        gaussian_kernel(4.0, ndim=2),
        Kernel([[0, 0.5, 0.5]]),  # not symmetric
    ]
    rng = np.random.default_rng(3)
    weights = rng.random((5, 30, 33))
    bound = KernelField.by_weights(weights / weights.sum(axis=0), kernels).bind(np.zeros((30, 33)), 1.0)
    cascade = Cascade(bound, boundary, TOLERANCE, model=model)
    x = signs(bound.shape)
    assert {level.kernel for level in cascade.levels if not level.separable} >= {1, 4}
    error = np.abs(getattr(cascade, model)(x) - direct(x, bound, boundary, model)).max()
    assert error <= cascade.source_error_bound + 1e-12


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
def test_regions_whose_weights_cover_a_part_only(model, boundary):
    labels = np.zeros((60, 64), int)
    labels[:9, 40:] = 1
    labels[30:50, 5:20] = 2
    labels[52:, 50:] = 3
    kernels = {n + 1: gaussian_kernel(s, ndim=2) for n, s in enumerate((1.0, 3.0, 7.0))}
    field = KernelField.by_region(labels, kernels, outside="unchanged")
    bound = field.bind(np.zeros(labels.shape), 1.0)
    cascade = Cascade(bound, boundary, TOLERANCE, model=model)
    x = signs(bound.shape)
    result = getattr(cascade, model)(x)
    assert np.abs(result - direct(x, bound, boundary, model)).max() <= TOLERANCE
    if model == "detector":
        assert np.array_equal(result[labels == 0], x[labels == 0])


def test_a_kernel_that_no_voxel_uses_costs_nothing_and_harms_nothing():
    bound = KernelField.by_intensity(
        {0: gaussian_kernel(1.0, ndim=2), 10: gaussian_kernel(2.0, ndim=2), 20: gaussian_kernel(6.0, ndim=2)}
    ).bind(np.full((20, 21), 10.0), 1.0)
    x = signs(bound.shape)
    for model in MODELS:
        result = getattr(Cascade(bound, model=model), model)(x)
        assert np.abs(result - ndimage.gaussian_filter(x, 2.0, mode="nearest")).max() <= TOLERANCE


def test_wide_kernels_go_to_coarse_grids_and_narrow_ones_stay():
    kernels = [gaussian_kernel(s, ndim=3) for s in (12.0, 0.5, 3.0, 6.0)]
    levels = plan(kernels, 1.0, TOLERANCE)
    steps = {level.kernel: max(level.steps) for level in levels}
    assert steps[1] == 1
    assert 1 < steps[3] <= steps[0]
    assert {level.kernel for level in levels} == {0, 1, 2, 3}
    assert all(level.parent == ROOT or level.parent < n for n, level in enumerate(levels))
    assert all(level.bound <= TOLERANCE for level in levels)
    assert [level.bound for level in levels if level.direct] == [0.0] * sum(level.direct for level in levels)


def test_the_grid_follows_the_spacing_of_each_axis():
    (level,) = plan([gaussian_kernel(6.0, (4.0, 1.0, 1.0))], (4.0, 1.0, 1.0))
    assert level.steps[0] == 1
    assert level.steps[1] == level.steps[2] == 4


def test_plan_samples_kernels_on_the_spacing():
    kernel = gaussian_kernel(3.0, 0.5, ndim=2)
    (fine,) = plan([kernel], 0.5)
    (coarse,) = plan([kernel], 1.0)
    assert max(fine.steps) == 2 * max(coarse.steps)


def test_float32_images_give_float32_within_rounding_of_the_bound():
    bound = bound_field(*FAMILIES["wide"])
    x = signs(bound.shape)
    cascade = Cascade(bound)
    for model in MODELS:
        single = getattr(cascade, model)(x.astype(np.float32))
        assert single.dtype == np.float32
        assert np.abs(single - getattr(cascade, model)(x)).max() < 1e-5


@pytest.mark.parametrize("model", MODELS)
def test_the_image_is_left_alone_and_runs_repeat_to_the_bit(model):
    bound = bound_field(*FAMILIES["wide"])
    x = signs(bound.shape)
    before = x.copy()
    cascade = Cascade(bound)
    first = getattr(cascade, model)(x)
    assert np.array_equal(first, getattr(cascade, model)(x))
    assert np.array_equal(x, before)


def test_the_source_model_spends_the_tolerance_once_for_all_kernels():
    bound = bound_field((20, 20), 1.0, np.linspace(1.0, 6.0, 10))
    assert Cascade(bound, tolerance=TOLERANCE).source_error_bound > TOLERANCE
    assert Cascade(bound, tolerance=TOLERANCE, model="source").source_error_bound <= TOLERANCE


def test_possible_and_worthwhile():
    shape = (64, 64, 64)
    guide = np.zeros(shape, np.float32)
    wide = KernelField.by_intensity({n: gaussian_kernel(1.0 + n) for n in range(8)}).bind(guide, 1.0)
    motion = KernelField.by_intensity({n: motion_kernel(5 + n, (0, 1, 1)) for n in range(3)}).bind(guide, 1.0)
    assert Cascade(wide).possible
    assert Cascade(wide).worthwhile
    assert not Cascade(motion).possible
    assert not Cascade(motion).worthwhile


@pytest.mark.parametrize("model", MODELS)
def test_progress_rises_to_one_and_cancel_stops_at_the_next_kernel(model):
    bound = bound_field(*FAMILIES["wide"])
    seen = []
    x = signs(bound.shape)
    getattr(Cascade(bound), model)(x, Watch(lambda f, text: seen.append((f, text))))
    fractions = [f for f, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert all("ascade" in text for _, text in seen)
    calls = []
    with pytest.raises(Cancelled):
        getattr(Cascade(bound), model)(x, Watch(None, lambda: calls.append(1) or len(calls) == 3))
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"boundary": "mirror"}, "boundary 'mirror' is unknown"),
        ({"model": "both"}, "model 'both' is unknown"),
        ({"tolerance": 0}, "tolerance 0 must be positive"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(InputError, match=message):
        Cascade(bound_field((8, 9), 1.0, [1.0]), **options)


def test_an_image_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"shape \(8, 8\), the kernel field \(8, 9\)"):
        Cascade(bound_field((8, 9), 1.0, [1.0])).detector(np.zeros((8, 8)))
