"""The spatially variant blur against explicit matrices, scipy.ndimage, loops and its own transpose."""

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import feathered, hat_weights
from scipy import ndimage
from scipy.fft import next_fast_len
from scipy.sparse.linalg import lsmr

from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.blur.compression import compress
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur, _Budget
from SpatialDeconvLib.errors import Cancelled, InputError
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import gaussian_kernel, identity_kernel, motion_kernel

MODELS = ("detector", "source")
BOUNDARIES = ("edge", "zero", "periodic", "extended")
SHAPES_2D = [((7, 9), (3, 5)), ((6, 5), (4, 2)), ((11, 13), (5, 4)), ((4, 5), (9, 12))]
SHAPES_3D = [((4, 5, 6), (3, 2, 3)), ((1, 6, 7), (1, 3, 4)), ((5, 1, 4), (3, 1, 3)), ((3, 4, 5), (5, 9, 4))]


def random_field(rng, shape, kernel_shape, count=3):
    """Kernels of different sizes, one of them the identity, and random weights that sum to 1."""
    kernels = []
    for k in range(count):
        size = [max(1, n - (k % 2) * (n > 2)) for n in kernel_shape]
        kernels.append(Kernel(rng.random(size)))
    kernels.append(identity_kernel(ndim=len(shape)))
    weights = rng.random((count + 1, *shape))
    return KernelField.by_weights(weights / weights.sum(0), kernels)


def matrix_by_loops(kernels, weights, model, boundary):
    """The definition, voxel by voxel: rows are data voxels, columns those of the domain."""
    shape = weights[0].shape
    kernels = [h.values for h in kernels]
    left = [max(h.shape[a] - 1 - h.shape[a] // 2 for h in kernels) for a in range(len(shape))]
    right = [max(h.shape[a] // 2 for h in kernels) for a in range(len(shape))]
    extended = boundary == "extended"
    lead = left if extended else [0] * len(shape)
    domain = tuple(n + l + r for n, l, r in zip(shape, left, right, strict=True)) if extended else shape
    pads = list(zip(left, right, strict=True)) if extended else [(0, 0)] * len(shape)
    matrix = np.zeros((np.prod(shape), np.prod(domain)))
    for h, weight in zip(kernels, weights, strict=True):
        if model == "source":
            weight = np.pad(weight, pads, mode="edge")
        for row, i in enumerate(np.ndindex(*shape)):
            for d in np.ndindex(*h.shape):
                j = [i[a] + lead[a] - (d[a] - h.shape[a] // 2) for a in range(len(shape))]
                if boundary == "edge":
                    j = [min(max(p, 0), n - 1) for p, n in zip(j, domain, strict=True)]
                elif boundary == "periodic":
                    j = [p % n for p, n in zip(j, domain, strict=True)]
                elif any(p < 0 or p >= n for p, n in zip(j, domain, strict=True)):
                    continue
                w = weight[tuple(j)] if model == "source" else weight[i]
                matrix[row, np.ravel_multi_index(j, domain)] += w * h[d]
    return matrix


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("shape", "kernel_shape"), SHAPES_2D + SHAPES_3D)
def test_forward_and_adjoint_equal_the_matrix(shape, kernel_shape, model, boundary):
    rng = np.random.default_rng(1)
    if boundary == "extended" and max(kernel_shape) > 8:
        kernel_shape = tuple(min(n, 5) for n in kernel_shape)
    field = random_field(rng, shape, kernel_shape)
    op = SpatiallyVariantBlur(field, shape, model=model, boundary=boundary, dtype="float64")
    matrix = matrix_by_loops(field.kernels, field.weight_arrays, model, boundary)
    assert op.shape == matrix.shape
    x, y = rng.standard_normal(op.domain_shape), rng.standard_normal(op.data_shape)
    np.testing.assert_allclose(op.forward(x).ravel(), matrix @ x.ravel(), atol=1e-10)
    np.testing.assert_allclose(op.adjoint(y).ravel(), matrix.T @ y.ravel(), atol=1e-10)
    np.testing.assert_allclose(op @ x.ravel(), matrix @ x.ravel(), atol=1e-10)
    np.testing.assert_allclose(op.T @ y.ravel(), matrix.T @ y.ravel(), atol=1e-10)
    left, right = np.vdot(y, op.forward(x)), np.vdot(op.adjoint(y), x)
    assert abs(left - right) <= 1e-12 * np.linalg.norm(y) * np.linalg.norm(x) * np.abs(matrix).sum(1).max()


LEVELS = [10.1, 20.7, 33.3]


def keyed(key, shape, kernels, rng):
    """A field, a guide, and all kernels with their weights by the definition, in float64."""
    guide, labels = rng.uniform(0, 40, shape), rng.integers(1, 4, shape)
    axes = [np.arange(n) for n in shape]
    if key.startswith("intensity"):
        guide = guide.astype(key.split()[1])
        field = KernelField.by_intensity(dict(zip(LEVELS, kernels, strict=True)))
        return field, guide, kernels, hat_weights(guide, LEVELS)
    if key == "nearest":
        field = KernelField.by_intensity(dict(zip(LEVELS, kernels, strict=True)), interpolation="nearest")
        cell = np.digitize(guide, (LEVELS[0] / 2 + LEVELS[1] / 2, LEVELS[1] / 2 + LEVELS[2] / 2))
        return field, guide, kernels, [(cell == k).astype(float) for k in range(3)]
    if key == "unchanged":
        field = KernelField.by_intensity(dict(zip(LEVELS, kernels, strict=True)), outside="unchanged")
        inside = (guide >= LEVELS[0]) & (guide <= LEVELS[-1])
        weights = [*(w * inside for w in hat_weights(guide, LEVELS)), (~inside).astype(float)]
        return field, guide, [*kernels, identity_kernel(ndim=len(shape))], weights
    if key.startswith("region"):
        width = 2.6 if key == "region feathered" else 0.0
        field = KernelField.by_region(labels, {1: kernels[0], 2: kernels[1], 3: kernels[2]}, feather=width)
        return field, None, kernels, [feathered(labels == value, width) for value in (1, 2, 3)]
    if key == "position":
        places = [0.3, 1.7, 3.1]  # on the last axis
        points = [(0.0,) * (len(shape) - 1) + (place,) for place in places]
        field = KernelField.by_position(dict(zip(points, kernels, strict=True)))
        return field, None, kernels, hat_weights(np.broadcast_to(axes[-1], shape), places)
    points = rng.uniform(0, 4, (3, len(shape)))
    points[0] = np.rint(points[0])  # a voxel: its weight is all of the first kernel
    field = KernelField.by_position(dict(zip(map(tuple, points), kernels, strict=True)), "inverse-distance")
    with np.errstate(divide="ignore"):
        nearness = [1 / sum((x - c) ** 2 for x, c in zip(np.ix_(*axes), p, strict=True)) for p in points]
    nearness[0][np.isinf(nearness[0])] = 1e300
    return field, None, kernels, [n / sum(nearness) for n in nearness]


KEYED = [f"intensity {kind}" for kind in ("float64", "float32", "int32", "uint8")] + [
    "nearest", "unchanged", "region", "region feathered", "position", "inverse-distance",
]  # fmt: skip


@pytest.mark.parametrize("boundary", ["edge", "extended"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("shape", "kernel_shape"), [((7, 9), (3, 5)), ((6, 5), (4, 2)), ((3, 4, 5), (3, 1, 3)), ((4, 4, 3), (2, 3, 2))]
)
@pytest.mark.parametrize("key", KEYED)
def test_in_float64_weights_are_float64_whatever_the_key(key, shape, kernel_shape, model, boundary):
    rng = np.random.default_rng(4)
    kernels = [Kernel(rng.random(kernel_shape)) for _ in range(3)]
    field, guide, everyone, weights = keyed(key, shape, kernels, rng)
    matrix = matrix_by_loops(everyone, weights, model, boundary)
    for limit in (None, 0):
        op = SpatiallyVariantBlur(
            field, shape, guide=guide, model=model, boundary=boundary, dtype="float64", cache_bytes=limit
        )
        for ours, by_loops in ((op @ np.eye(op.shape[1]), matrix), (op.T @ np.eye(op.shape[0]), matrix.T)):
            assert np.abs(ours - by_loops).max() <= 1e-14 * np.abs(matrix).sum(axis=1).max()
        x, y = rng.standard_normal(op.domain_shape), rng.standard_normal(op.data_shape)
        forward, adjoint = matrix @ x.ravel(), matrix.T @ y.ravel()
        assert np.linalg.norm(op.forward(x).ravel() - forward) <= 1e-12 * np.linalg.norm(forward)
        assert np.linalg.norm(op.adjoint(y).ravel() - adjoint) <= 1e-12 * np.linalg.norm(adjoint)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_kept_in_memory_are_counted_in_full(dtype):
    shape = (24, 20)
    image = phantom(shape)
    volume = image.size * np.dtype(dtype).itemsize
    field = KernelField.by_region((image > 20) + 1, {1: Kernel(np.ones((3, 3))), 2: Kernel(np.ones((5, 5)))})
    counts = []
    for volumes in (0.9, 1.0, 2.0):
        op = SpatiallyVariantBlur(field, shape, dtype=dtype, cache_bytes=0, workers=1)
        op._keep_weights(_Budget(int(volumes * volume)), Watch())
        assert all(kept.dtype == dtype for kept in op._weights.kept.values())
        counts.append(len(op._weights.kept))
    assert counts == [0, 1, 2]


@pytest.mark.parametrize("values", [np.ones((3, 3)) / 9, np.ones((1, 1))], ids=["mean", "identity"])
@pytest.mark.parametrize("model", ["detector", "source"])
def test_weights_that_are_1_everywhere_take_no_memory_and_change_nothing(values, model):
    image = phantom((24, 20)).astype(np.float32)
    op = SpatiallyVariantBlur(KernelField.uniform(Kernel(values)), image.shape, model=model, boundary="periodic")
    expected = ndimage.convolve(image.astype(float), values, mode="wrap")
    assert not op._weights.kept
    before = image.copy()
    np.testing.assert_allclose(op.forward(image), expected, atol=1e-5 * image.max())
    np.testing.assert_allclose(op.adjoint(image), expected, atol=1e-5 * image.max())
    np.testing.assert_array_equal(image, before)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_adjoint_passes_the_dot_test_for_any_layout(data):
    ndim = data.draw(st.sampled_from([2, 3]))
    shape = tuple(data.draw(st.integers(1, 18 if ndim == 2 else 9)) for _ in range(ndim))
    kernel_shape = tuple(data.draw(st.integers(1, 12)) if n > 1 else 1 for n in shape)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    op = SpatiallyVariantBlur(
        random_field(rng, shape, kernel_shape, data.draw(st.integers(1, 4))),
        shape,
        model=data.draw(st.sampled_from(MODELS)),
        boundary=data.draw(st.sampled_from(BOUNDARIES)),
        dtype="float64",
        workers=data.draw(st.sampled_from([1, 2])),
        cache_bytes=data.draw(st.sampled_from([None, 0])),
    )
    x, y = rng.standard_normal(op.domain_shape), rng.standard_normal(op.data_shape)
    forward, adjoint = op.forward(x), op.adjoint(y)
    scale = np.linalg.norm(y) * np.linalg.norm(forward) + np.linalg.norm(x) * np.linalg.norm(adjoint)
    assert abs(np.vdot(y, forward) - np.vdot(adjoint, x)) <= 1e-12 * scale


@pytest.mark.parametrize(("boundary", "mode"), [("edge", "nearest"), ("zero", "constant"), ("periodic", "wrap")])
@pytest.mark.parametrize("shape", [(40, 37), (20, 24, 22)])
def test_each_kernel_is_the_convolution_of_ndimage(shape, boundary, mode):
    rng = np.random.default_rng(2)
    image, guide = rng.random(shape), rng.uniform(0, 30, shape)
    kernels = {10.0: Kernel(rng.random((5,) * len(shape))), 20.0: Kernel(rng.random((3,) * len(shape)))}
    field = KernelField.by_intensity(kernels)
    op = SpatiallyVariantBlur(field, shape, guide=guide, boundary=boundary, dtype="float64")
    share = np.clip((guide - 10) / 10, 0, 1)
    low, high = (ndimage.convolve(image, kernels[at].values, mode=mode) for at in (10.0, 20.0))
    np.testing.assert_allclose(op.forward(image), (1 - share) * low + share * high, atol=1e-12)


def gaussian_field(ndim=2, low=0.6, high=2.0, outside="nearest"):
    sigmas = np.linspace(low, high, 10)
    kernels = {10.0 * (i + 1): gaussian_kernel(s, ndim=ndim) for i, s in enumerate(sigmas)}
    return KernelField.by_intensity(kernels, outside=outside)


def phantom(shape, seed=3):
    """Blobs with edges between 0 and 100."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 4)
    return 50.0 * (1 + np.sign(smooth)) * np.clip(np.abs(smooth) / smooth.std(), 0, 1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("shape", [(96, 80), (32, 40, 36)])
def test_ten_gaussians_are_compressed_to_five_within_the_stated_error(shape, model):
    image = phantom(shape)
    field = gaussian_field(len(shape))
    exact = SpatiallyVariantBlur(field, shape, guide=image, model=model, dtype="float64")
    small = SpatiallyVariantBlur(field, shape, guide=image, model=model)
    assert exact.compression is None
    assert small.compression.rank == 5
    assert small.compression.error < 2e-3
    assert small.transforms == 6
    expected = exact.forward(image)
    error = np.linalg.norm(small.forward(image) - expected) / np.linalg.norm(expected)
    assert error < 2e-3
    noise = np.random.default_rng(4).standard_normal(shape)
    difference = small.forward(noise) - exact.forward(noise)
    if model == "detector":
        assert np.abs(difference).max() <= small.compression.worst_case * np.abs(noise).max()
    else:
        assert np.abs(difference).sum() <= small.compression.worst_case * np.abs(noise).sum()
    if model == "detector":
        np.testing.assert_allclose(small.forward(np.ones(shape)), 1, atol=1e-5)


def test_motion_kernels_are_not_compressed():
    kernels = [motion_kernel(7, angle).values for angle in np.linspace(0, 160, 10)]
    assert compress(kernels, 2e-3) is None
    field = KernelField.by_intensity({float(k): motion_kernel(7, 16 * k) for k in range(10)})
    image = np.random.default_rng(0).uniform(0, 9, (48, 50))
    assert SpatiallyVariantBlur(field, image.shape, guide=image).compression is None


def test_compression_never_exceeds_the_bound_that_was_asked_for():
    sigmas = np.linspace(0.6, 2.0, 10)
    kernels = [gaussian_kernel(s, ndim=2).values for s in sigmas]
    for tolerance in (1e-2, 1e-3, 1e-4):
        compression = compress(kernels, tolerance)
        assert compression.error <= tolerance
        family = np.zeros((10, *compression.basis.shape[1:]))
        for row, h in zip(family, kernels, strict=True):
            corner = (family.shape[1] - h.shape[0]) // 2
            row[corner : corner + h.shape[0], corner : corner + h.shape[0]] = h
        rebuilt = np.tensordot(compression.coefficients, compression.basis, axes=1)
        assert np.abs(rebuilt - family).sum(axis=(1, 2)).max() <= compression.worst_case * (1 + 1e-9)
        np.testing.assert_allclose(rebuilt.sum(axis=(1, 2)), 1, atol=1e-12)
        # The error as it is defined, with as few frequencies as the kernels' size needs.
        n = next_fast_len(max(32, 2 * family.shape[1]))
        f = np.hypot(*np.meshgrid(np.fft.fftfreq(n), np.fft.fftfreq(n)))
        f[0, 0] = np.inf
        spectra = [np.fft.fft2(h, (n, n)) / f for h in (rebuilt - family, family)]
        missing, whole = np.linalg.norm(spectra, axis=(2, 3))
        assert compression.error == pytest.approx((missing / whole).max(), rel=1e-6)


@pytest.mark.filterwarnings("error")
def test_repeated_kernels_are_compressed_to_the_different_ones():
    rng = np.random.default_rng(11)
    for different, copies in itertools.product((1, 2, 4), (3, 16, 40)):
        kernels = [rng.random((5, 5)) for _ in range(different)] * copies
        compression = compress(kernels, 1e-6)
        assert compression.rank == different
        assert compression.error < 1e-6
        rebuilt = np.tensordot(compression.coefficients, compression.basis, axes=1)
        np.testing.assert_allclose(rebuilt, kernels, atol=1e-9)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
def test_kernels_with_compact_weights_take_smaller_transforms_and_change_nothing(model, boundary):
    rng = np.random.default_rng(5)
    labels = np.zeros((96, 90), int)
    labels[30:45, 50:70] = 1
    labels[0:12, 0:14] = 2
    kernels = {0: Kernel(rng.random((5, 5))), 1: Kernel(rng.random((3, 4))), 2: Kernel(rng.random((4, 3)))}
    field = KernelField.by_region(labels, kernels)
    op = SpatiallyVariantBlur(field, labels.shape, model=model, boundary=boundary, dtype="float64")
    weights = [labels == v for v in range(3)]
    # Random weights of the same values, laid over everything, defeat the bounding boxes.
    tiny = [np.full(labels.shape, 1e-30) + w for w in weights]
    plain = SpatiallyVariantBlur(
        KernelField.by_weights(tiny, list(kernels.values())),
        labels.shape,
        model=model,
        boundary=boundary,
        dtype="float64",
    )
    assert plain.transforms == 4
    if boundary == "periodic":
        assert op.transforms == 4
    else:
        assert op.transforms < 3.5
    x, y = rng.standard_normal(op.domain_shape), rng.standard_normal(op.data_shape)
    np.testing.assert_allclose(op.forward(x), plain.forward(x), atol=1e-10)
    np.testing.assert_allclose(op.adjoint(y), plain.adjoint(y), atol=1e-10)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("model", MODELS)
def test_boxes_of_weights_anywhere_also_at_the_border_equal_the_matrix(model, boundary):
    rng = np.random.default_rng(12)
    for shape, largest in [((1, 40), 5), ((19, 23), 6), ((9, 8, 7), 4), ((1, 16, 17), 5)]:
        largest = [1 if n == 1 else largest for n in shape]
        kernels = [Kernel(rng.random([rng.integers(1, m + 1) for m in largest])) for _ in range(4)]
        labels = np.zeros(shape, int)
        for label in (1, 2, 3):
            sizes = [int(rng.integers(1, max(2, n // 3))) for n in shape]
            places = [(0, n - m, rng.integers(n - m + 1)) for n, m in zip(shape, sizes, strict=True)]
            starts = [int(rng.choice(place)) for place in places]
            labels[tuple(slice(s, s + m) for s, m in zip(starts, sizes, strict=True))] = label
        weights = [(labels == label).astype(float) for label in range(4)]
        op = SpatiallyVariantBlur(
            KernelField.by_weights(weights, kernels), shape, model=model, boundary=boundary, dtype="float64"
        )
        matrix = matrix_by_loops(kernels, weights, model, boundary)
        x, y = rng.standard_normal(op.domain_shape), rng.standard_normal(op.data_shape)
        np.testing.assert_allclose(op.forward(x).ravel(), matrix @ x.ravel(), atol=1e-12)
        np.testing.assert_allclose(op.adjoint(y).ravel(), matrix.T @ y.ravel(), atol=1e-12)


@pytest.mark.parametrize("boundary", ["edge", "zero", "extended"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("place", [0, 40, 84])
def test_a_small_region_costs_little_wherever_it_is(place, model, boundary):
    labels = np.zeros((96, 96), int)
    labels[place : place + 12, place : place + 12] = 1
    kernels = {0: Kernel(np.ones((5, 5))), 1: Kernel(np.ones((3, 3)))}
    op = SpatiallyVariantBlur(KernelField.by_region(labels, kernels), labels.shape, model=model, boundary=boundary)
    assert op.transforms < 2.2  # two for what is everywhere


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("parts", "most"), [((2, 1), 3.0), ((2, 2), 3.6), ((4, 4), 5.0)])
def test_regions_take_boxes_of_their_own_where_that_is_cheaper(parts, most, model):
    rows, columns = (np.arange(128) * n // 128 for n in parts)
    labels = rows[:, None] * parts[1] + columns
    rng = np.random.default_rng(2)
    field = KernelField.by_region(labels, {k: Kernel(rng.random((5, 5))) for k in range(parts[0] * parts[1])})
    assert SpatiallyVariantBlur(field, labels.shape, model=model, boundary="zero").transforms <= most


def held_volumes(field, image, **options):
    """Memory that an operator holds, in images."""
    tracemalloc.start()
    try:
        op = SpatiallyVariantBlur(field, image.shape, guide=image, workers=1, **options)
        held = tracemalloc.get_traced_memory()[0]
        assert op.transforms > 1
        return held / image.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("rim", [((4, 4), (7, 7)), ((5, 4), (20, 19)), ((1, 0), (2, 1))])
def test_zeros_around_a_kernel_change_nothing_and_cost_nothing(model, boundary, rim):
    rng = np.random.default_rng(0)
    kernel = rng.random((5, 7))
    image = rng.random((16, 18))

    def blur(values):
        field = KernelField.by_intensity([(0.2, Kernel(values, centre="itk")), (0.8, identity_kernel(ndim=2))])
        return SpatiallyVariantBlur(field.bind(image, 1.0), image.shape, model=model, boundary=boundary)

    bare, framed = blur(kernel), blur(np.pad(kernel, rim))
    assert framed.domain_shape == bare.domain_shape
    x = rng.random(bare.domain_shape)
    np.testing.assert_array_equal(framed.forward(x), bare.forward(x))


def test_caches_take_as_much_memory_as_pays(monkeypatch):
    rng = np.random.default_rng(3)
    small = rng.uniform(0, 40, (40, 42, 44)).astype(np.float32)
    many = KernelField.by_intensity({float(n): Kernel(rng.random((3, 3, 3))) for n in range(40)})
    assert held_volumes(many, small, low_rank=0) > 85  # weights and spectra of them all
    large = rng.uniform(0, 50, (512, 512)).astype(np.float32)  # a megabyte
    more = KernelField.by_intensity({float(n): Kernel(rng.random((3, 3))) for n in range(50)})
    assert held_volumes(more, large, low_rank=0) < 70  # where 105 would be them all
    monkeypatch.setattr("SpatialDeconvLib.blur.operator.CACHE_LEAST", 0)  # as for images that are larger still
    kept = held_volumes(many, small, low_rank=0) - held_volumes(many, small, low_rank=0, cache_bytes=0)
    assert 8 < kept < 13


def test_identity_kernels_cost_no_transform():
    image = np.random.default_rng(6).integers(45, 55, (30, 32)).astype(float)
    field = KernelField.by_intensity({50: gaussian_kernel(1, ndim=2)}, outside="unchanged")
    op = SpatiallyVariantBlur(field, image.shape, guide=image)
    assert op.transforms == 2
    inside = image == 50
    np.testing.assert_array_equal(op.forward(image)[~inside], image.astype(np.float32)[~inside])


@pytest.mark.parametrize("model", MODELS)
def test_sums_follow_the_model(model):
    image = phantom((40, 44))
    field = gaussian_field()
    op = SpatiallyVariantBlur(field, image.shape, guide=image, model=model, boundary="periodic", dtype="float64")
    ones = np.ones(image.shape)
    if model == "detector":
        np.testing.assert_allclose(op.forward(ones), 1, atol=1e-6)
    else:
        np.testing.assert_allclose(op.forward(image).sum(), image.sum(), rtol=1e-6)
        np.testing.assert_allclose(op.adjoint(ones), 1, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("model", MODELS)
def test_threads_and_cache_bytes_do_not_change_the_result(model, dtype):
    image = phantom((24, 50, 46))
    rng = np.random.default_rng(7)
    kernels = {20.0 * k: Kernel(rng.random((5, 4, 5))).normalized() for k in range(6)}
    field = KernelField.by_intensity(kernels)
    make = {"guide": image, "model": model, "dtype": dtype}
    one = SpatiallyVariantBlur(field, image.shape, workers=1, **make)
    two = SpatiallyVariantBlur(field, image.shape, workers=2, **make)
    np.testing.assert_array_equal(one.forward(image), two.forward(image))
    np.testing.assert_array_equal(one.adjoint(image), two.adjoint(image))
    tolerances = {"auto": 1e-12, 0: 1e-12}
    if dtype == "float32":  # levels in 16 bits, 5 / 2^17 of these random kernels' differences, where not exact
        tolerances = {"auto": 2e-5, 0: 3e-6}
    for low_rank, tolerance in tolerances.items():
        lean = SpatiallyVariantBlur(field, image.shape, cache_bytes=0, low_rank=low_rank, **make)
        for lean_result, result in (
            (lean.forward(image), two.forward(image)),
            (lean.adjoint(image), two.adjoint(image)),
        ):
            np.testing.assert_allclose(lean_result, result, atol=tolerance * np.abs(result).max())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("outside", ["nearest", "unchanged"])
def test_a_compressed_family_without_caches_is_the_same(model, outside):
    image = phantom((24, 30, 26))
    field = gaussian_field(3, outside=outside)
    fast = SpatiallyVariantBlur(field, image.shape, guide=image, model=model)
    lean = SpatiallyVariantBlur(field, image.shape, guide=image, model=model, cache_bytes=0)
    assert fast.compression.rank == lean.compression.rank
    np.testing.assert_allclose(lean.forward(image), fast.forward(image), atol=2e-3)
    np.testing.assert_allclose(lean.adjoint(image), fast.adjoint(image), atol=2e-3)


def test_float32_agrees_with_float64():
    image = phantom((90, 70))
    rng = np.random.default_rng(8)
    field = KernelField.by_intensity({30.0 * k: Kernel(rng.random((7, 5))).normalized() for k in range(4)})
    single = SpatiallyVariantBlur(field, image.shape, guide=image)
    double = SpatiallyVariantBlur(field, image.shape, guide=image, dtype="float64")
    result = single.forward(image)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, double.forward(image), atol=1e-4)


def test_a_2d_image_and_a_single_slice_agree():
    image = phantom((40, 30))
    field = gaussian_field()
    flat = SpatiallyVariantBlur(field, (40, 30), guide=image, dtype="float64")
    slab = SpatiallyVariantBlur(field, (1, 40, 30), guide=image[None], dtype="float64")
    np.testing.assert_array_equal(flat.forward(image), slab.forward(image[None])[0])


def test_scipy_solves_with_it():
    rng = np.random.default_rng(9)
    truth = rng.random((12, 11))
    field = random_field(rng, truth.shape, (3, 3))
    op = SpatiallyVariantBlur(field, truth.shape, boundary="zero", dtype="float64")
    matrix = matrix_by_loops(field.kernels, field.weight_arrays, "detector", "zero")
    data = matrix @ truth.ravel()
    ours = lsmr(op, data, damp=0.1, atol=1e-12, btol=1e-12)[0]
    expected = np.linalg.solve(matrix.T @ matrix + 0.01 * np.eye(truth.size), matrix.T @ data)
    np.testing.assert_allclose(ours, expected, atol=1e-7)


def test_extend_and_crop_are_each_others_inverse():
    op = SpatiallyVariantBlur(gaussian_field(), (20, 22), guide=phantom((20, 22)), boundary="extended")
    image = np.random.default_rng(0).random((20, 22)).astype(np.float32)
    grown = op.extend(image)
    assert grown.shape == op.domain_shape == (36, 38)
    np.testing.assert_array_equal(op.crop(grown), image)
    assert grown[0, 0] == image[0, 0]


def test_progress_counts_kernels_and_cancel_stops_between_them():
    image = phantom((30, 30))
    op = SpatiallyVariantBlur(gaussian_field(), image.shape, guide=image, low_rank=0)
    seen = []
    op.forward(image, Watch(lambda fraction, text: seen.append(fraction)))
    np.testing.assert_allclose(seen, np.arange(1, 11) / 10)
    calls = itertools.count()
    with pytest.raises(Cancelled):
        op.adjoint(image, Watch(None, lambda: next(calls) >= 3))
    assert next(calls) == 4


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("model", MODELS)
def test_a_product_asks_after_every_part_of_its_transforms_and_can_be_stopped_there(model, workers):
    image, kernels = phantom((48, 64, 64)), [gaussian_kernel(sigma) for sigma in (1.0, 1.5)]
    field = KernelField.by_intensity(dict(zip((0.0, float(image.max())), kernels, strict=True)))
    op = SpatiallyVariantBlur(field, image.shape, guide=image, model=model, workers=workers, low_rank=0)
    asked = []
    expected = op.forward(image, Watch(None, lambda: bool(asked.append(1))))
    assert len(asked) > 5 * len(kernels)
    for most in (1, len(asked) // 2, len(asked) - 1):
        count = itertools.count(1)
        with pytest.raises(Cancelled):
            op.forward(image, Watch(None, lambda count=count, most=most: next(count) > most))
        np.testing.assert_array_equal(op.forward(image), expected)  # no part of the other still writes into it


@pytest.mark.parametrize("model", MODELS)
def test_progress_numbers_kernels_through_identities_and_boxes_of_their_own(model):
    """Kernels with an FFT of their own box, and those without one, count like the others."""
    labels = np.zeros((200, 200), np.uint8)
    labels[90:110, 90:110] = 1
    labels[20:30, 20:30] = 2
    wide, narrow = gaussian_kernel(2, ndim=2), gaussian_kernel(1, ndim=2)
    field = KernelField.by_region(labels, {0: identity_kernel(ndim=2), 1: wide, 2: narrow})
    op = SpatiallyVariantBlur(field, labels.shape, model=model, boundary="zero", low_rank=0)
    assert op.transforms < 1
    for product, what in ((op.forward, "blur"), (op.adjoint, "transposed blur")):
        seen = []
        product(np.ones(labels.shape), Watch(lambda *told, seen=seen: seen.append(told)))
        assert seen == [(pytest.approx(n / 3), f"{what}: kernel {n} of 3") for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "both"}, "model 'both'"),
        ({"boundary": "mirror"}, "boundary 'mirror'"),
        ({"dtype": "int16"}, "dtype int16"),
        ({"workers": 0}, "workers 0"),
        ({"low_rank": 2}, "low_rank 2"),
        ({"low_rank": "much"}, "low_rank 'much'"),
        ({"guide": None}, "guide is None"),
        ({"guide": np.zeros((3, 3))}, r"guide has shape \(3, 3\)"),
    ],
)
def test_bad_arguments_are_named(change, message):
    options = {"guide": np.zeros((8, 8)), **change}
    with pytest.raises(InputError, match=message):
        SpatiallyVariantBlur(gaussian_field(), (8, 8), **options)


def test_bad_images_are_named():
    op = SpatiallyVariantBlur(gaussian_field(), (8, 8), guide=np.zeros((8, 8)))
    with pytest.raises(InputError, match=r"x has shape \(8, 9\)"):
        op.forward(np.zeros((8, 9)))
    with pytest.raises(InputError, match="y is complex"):
        op.adjoint(np.zeros((8, 8), complex))


# -- making one


def test_whether_to_stop_is_asked_for_every_kernel_while_an_operator_is_made():
    image = np.random.default_rng(0).random((24, 24)).astype(np.float32)
    field = KernelField.by_intensity({n / 8: gaussian_kernel(0.5 + 0.1 * n, ndim=2) for n in range(8)})
    asked = []
    SpatiallyVariantBlur(field, image.shape, guide=image, watch=Watch(cancelled=lambda: bool(asked.append(1))))
    assert len(asked) >= 2 * len(field.kernels)  # where they apply, and their weights
    with pytest.raises(Cancelled):
        SpatiallyVariantBlur(field, image.shape, guide=image, watch=Watch(cancelled=lambda: True))
