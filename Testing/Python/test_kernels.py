import itertools
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.spacing import spacing_tuple
from SpatialDeconvLib.kernels.resampling import overlap
from SpatialDeconvLib.kernels.shapes import box_profile

QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def rebinned(values, old, new, middle=False):
    """Area-preserving resampling by counting: voxels of `old` half units become voxels of `new` half units.

    `old` and `new` are whole numbers per axis. A voxel of index n covers [n - 1/2, n + 1/2) times its size, so
    cut into cells of half a unit every cell lies in exactly one voxel of either grid. Returns {index: weight}.
    Index 0 is at n // 2 of the old voxels, or in their middle.
    """
    result = {}
    centre = [(n - 1) / 2 if middle else n // 2 for n in values.shape]
    for index in np.ndindex(values.shape):
        shares = []
        for i, c, a, b in zip(index, centre, old, new, strict=True):
            cells = np.arange(2 * a) + 0.5 + (2 * (i - c) - 1) * a  # middles, in half units
            places, counts = np.unique(np.floor((cells + b) / (2 * b)).astype(int), return_counts=True)
            shares.append([(int(p), n / (2 * a)) for p, n in zip(places, counts, strict=True)])
        for parts in itertools.product(*shares):
            place = tuple(p for p, _ in parts)
            result[place] = result.get(place, 0.0) + values[index] * math.prod(w for _, w in parts)
    return result


def moments(kernel):
    """Mean displacement and variance per axis, in mm, of a kernel of sum 1."""
    result = []
    for axis, (n, h) in enumerate(zip(kernel.shape, kernel.spacing, strict=True)):
        profile = kernel.values.sum(axis=tuple(a for a in range(kernel.ndim) if a != axis))
        x = (np.arange(n) - n // 2) * h
        mean = (profile * x).sum()
        result.append((mean, (profile * (x - mean) ** 2).sum()))
    return result


def impulse(shape):
    image = np.zeros(shape)
    image[tuple(n // 2 for n in shape)] = 1.0
    return image


# ------------------------------------------------------------------------------------------ the class


def test_kernel_keeps_a_read_only_float64_copy():
    values = np.ones((3, 4), np.uint8)
    kernel = sd.Kernel(values, 0.5)
    values[:] = 7
    assert kernel.values.dtype == np.float64
    assert kernel.values.sum() == 12
    assert kernel.spacing == (0.5, 0.5)
    with pytest.raises(ValueError, match="read-only"):
        kernel.values[0, 0] = 1


@pytest.mark.parametrize("shape", [(3, 3), (1, 7), (9, 5, 3), (1, 1, 1)])
def test_the_centre_of_odd_sizes_is_the_middle_voxel(shape):
    kernel = sd.Kernel(np.arange(1.0, 1 + np.prod(shape)).reshape(shape))
    assert kernel.centre == kernel.centre_voxel == tuple(n // 2 for n in shape)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 3)), ["zero everywhere", "(3, 3)", "at least one weight"]),
        (np.full((3, 3), np.nan), ["9 NaN or infinite", "replace"]),
        (np.array([[1.0, np.inf]]), ["1 NaN or infinite of 2"]),
        (np.ones((3, 3), complex), ["complex", "abs(values)"]),
        (np.ones(5), ["(5,)", "2-D or 3-D"]),
        (np.ones((2, 2, 2, 2)), ["(2, 2, 2, 2)", "2-D or 3-D"]),
        (np.ones((0, 3)), ["(0, 3)", "non-empty"]),
        ([[1, 2], [3]], ["no regular array"]),
        ([["a", "b"]], ["does not hold numbers"]),
        (None, ["2-D or 3-D"]),
    ],
)
def test_values_that_make_no_kernel_are_refused_in_one_line(values, words):
    with pytest.raises(sd.InputError) as caught:
        sd.Kernel(values, name="mine")
    message = str(caught.value)
    assert "\n" not in message
    assert "'mine'" in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("spacing", [0, -1.0, np.nan, np.inf, (1, 2, 3), "wide", object(), ((1, 1),)])
def test_spacings_that_make_no_grid_are_refused(spacing):
    with pytest.raises(sd.InputError, match="spacing"):
        sd.Kernel(np.ones((3, 3)), spacing)


def test_scalar_and_missing_spacing_hold_for_every_axis():
    assert spacing_tuple(0.4, 3) == (0.4, 0.4, 0.4)
    assert spacing_tuple(None, 2) == (1.0, 1.0)
    assert spacing_tuple(np.float32([0.5, 2]), 2) == (0.5, 2.0)


def test_only_a_single_centred_one_is_the_identity():
    assert sd.Kernel([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).is_identity
    assert sd.Kernel([[0, 0], [0, 1]]).is_identity  # centre of an even kernel
    assert not sd.Kernel([[1, 0], [0, 0]]).is_identity
    assert not sd.Kernel([[0, 0, 0], [0, 2, 0], [0, 0, 0]]).is_identity
    assert not sd.gaussian_kernel(1.0).is_identity


def test_normalized_sums_to_one_and_keeps_proportions():
    kernel = sd.Kernel(np.arange(1.0, 7.0).reshape(2, 3), (2, 1)).normalized()
    assert kernel.total == pytest.approx(1, abs=1e-15)
    np.testing.assert_allclose(kernel.values * 21, np.arange(1.0, 7.0).reshape(2, 3), rtol=1e-14)
    assert kernel.spacing == (2, 1)


def test_kernels_of_no_positive_sum_cannot_be_normalized():
    with pytest.raises(sd.InputError, match=r"sums to 0.*use convolve"):
        sd.laplacian_kernel().normalized()
    with pytest.raises(sd.InputError, match="read it with log=True"):
        sd.Kernel(np.log(sd.gaussian_kernel(2.0).values), name="k").normalized()


def test_a_changed_kernel_no_longer_names_the_file_it_came_from():
    kernel = sd.Kernel(np.full((3, 3), 2.0), 1.0, "k", {"type": "file", "path": "k.nrrd", "normalize": False})
    assert kernel.normalized().source is None
    assert kernel.resampled(0.5).source is None
    assert sd.gaussian_kernel(1.0).resampled(0.5).source is None  # no Gaussian of that sigma any more
    assert kernel.sampled(1.0).source == kernel.source


# ----------------------------------------------------------------------------------------- resampling


@QUICK
@given(
    values=hnp.arrays(float, st.tuples(st.integers(1, 7), st.integers(1, 6)), elements=st.floats(-2, 5)),
    old=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    new=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    unit=st.floats(1e-3, 10),
    middle=st.booleans(),
)
def test_new_voxels_receive_the_area_they_share_with_old_ones(values, old, new, unit, middle):
    result = values
    for axis, (n, a, b) in enumerate(zip(values.shape, old, new, strict=True)):
        edges = (np.arange(n + 1) - ((n - 1) / 2 if middle else n // 2) - 0.5) * a * unit
        result = np.moveaxis(np.tensordot(overlap(edges, b * unit), result, axes=(1, axis)), 0, axis)
    expected = np.zeros(result.shape)
    for place, weight in rebinned(values, old, new, middle).items():
        index = tuple(p + n // 2 for p, n in zip(place, result.shape, strict=True))
        if weight:
            assert min(index) >= 0, "weight was cut off before the first voxel"
        expected[index] += weight
    np.testing.assert_allclose(result, expected, atol=1e-8)


@QUICK
@given(
    values=hnp.arrays(float, st.tuples(*[st.integers(1, 6)] * 3), elements=st.floats(0, 1)),
    old=st.tuples(*[st.floats(0.2, 4)] * 3),
    new=st.tuples(*[st.floats(0.2, 4)] * 3),
)
def test_resampling_keeps_sum_sign_and_centre_voxel_in_anisotropic_3d(values, old, new):
    centre = tuple(n // 2 for n in values.shape)
    values[centre] += 1.0
    result = sd.Kernel(values, old).resampled(new)
    assert result.total == pytest.approx(values.sum(), rel=1e-8)
    assert result.values.min() >= 0
    assert result.spacing == pytest.approx(new, rel=1e-6)
    # A kernel of its centre voxel alone stays centred and symmetric on a grid of odd size around it.
    alone = sd.Kernel(impulse(values.shape), old).resampled(new)
    part = alone.values[tuple(slice(1 - n % 2, None) for n in alone.shape)]
    for axis in range(3):
        np.testing.assert_allclose(part, np.flip(part, axis), atol=1e-9)
    assert alone.values[alone.centre] == pytest.approx(alone.values.max())


@pytest.mark.parametrize("shape", [(9, 9), (8, 8), (250, 250)])
def test_portal_kernel_goes_from_0_40_to_0_25_mm_with_its_integral(shape):
    y, x = np.indices(shape) - np.array([n // 2 for n in shape])[:, None, None]
    kernel = sd.Kernel(np.exp(-np.hypot(y, x) / 3), 0.40)
    result = kernel.resampled(0.25)
    assert result.total == pytest.approx(kernel.total, rel=1e-12)
    assert result.spacing == (0.25, 0.25)
    for (_, variance), (_, before) in zip(moments(result.normalized()), moments(kernel.normalized()), strict=True):
        assert variance == pytest.approx(before, rel=1e-6)
    assert np.unravel_index(result.values.argmax(), result.shape) == result.centre


@pytest.mark.parametrize(("old", "new"), [(3, 1), (1, 3), (2, 1), (1, 2), (5, 4), (4, 5), (10, 9), (8, 5), (2, 3)])
def test_shared_areas_alone_widen_by_what_the_documents_say(old, new):
    places = (np.arange(81) - 40) * old
    weights = np.exp(-0.5 * (places / (3 * old * new)) ** 2)
    weights /= weights.sum()
    shares = overlap((np.arange(82) - 40.5) * old, new) @ weights
    at = (np.arange(len(shares)) - len(shares) // 2) * new
    added = shares @ at**2 - weights @ places**2
    a, b = max(old, new), min(old, new)
    odd, even = (a**2 - b**2) / 12, (a**2 + 2 * b**2) / 12
    if a % b:
        assert odd < added < even
    else:
        assert added == pytest.approx(odd if a // b % 2 else even, rel=1e-3)


@pytest.mark.parametrize(
    ("old", "new"), [(1, 0.5), (0.5, 1), (1, 1 / 3), (0.8, 1), (1, 0.8), (0.4, 0.25), (1, 1.5), (0.1, 1)]
)
@pytest.mark.parametrize("sigma", [0.6, 0.8, 1.2, 3.0])
def test_resampling_keeps_the_width(old, new, sigma):
    """Of samples of a Gaussian; boxes alone would make the narrowest 20 % wider."""
    sigma = sigma * max(old, new)
    places = (np.arange(81) - 40) * old
    y, x = np.exp(-0.5 * (places / sigma) ** 2), np.exp(-0.5 * ((places - 0.3 * old) / (1.3 * sigma)) ** 2)
    kernel = sd.Kernel(np.outer(y, x), old, centre=40).normalized()
    result = kernel.resampled(new)
    for (mean, variance), (place, before) in zip(moments(result), moments(kernel), strict=True):
        assert variance == pytest.approx(before, rel=1e-6)
        assert mean == pytest.approx(place, abs=0.03 * max(old, new))


def test_resampled_samples_of_a_gaussian_are_those_of_the_same_gaussian():
    def samples(h):
        places = np.square((np.arange(33) - 16) * h)
        return np.exp(-0.5 * (places[:, None] + places) / 1.2**2)

    kernel = sd.Kernel(samples(0.8), 0.8).resampled(1.0).normalized().values
    expected = samples(1.0)[tuple(slice(16 - n // 2, 17 + n // 2) for n in kernel.shape)]
    np.testing.assert_allclose(kernel, expected / expected.sum(), rtol=0, atol=0.02 * kernel.max())


@pytest.mark.parametrize("new", [0.3, 0.5, 0.8, 1.5])
def test_what_does_nothing_does_nothing_on_another_grid(new):
    assert sd.Kernel(impulse((5, 5)), 1.0).resampled(new).is_identity


def test_the_place_of_a_single_weight_is_kept_on_finer_voxels():
    values = np.zeros((5, 5))
    values[2, 3] = 1.0
    (_, _), (mean, _) = moments(sd.Kernel(values, 1.0).resampled(0.7))
    assert mean == pytest.approx(1.0)


def test_a_kernel_without_a_width_is_resampled_by_area_alone():
    values = sd.laplacian_kernel(ndim=2).values
    result = sd.Kernel(values, 2.0).resampled(1.0)
    for place, weight in rebinned(values, (2, 2), (1, 1)).items():
        index = tuple(p + c for p, c in zip(place, result.centre, strict=True))
        assert result.values[index] == pytest.approx(weight)


@pytest.mark.parametrize("unit", [0.1, 0.2, 0.3, 0.7, 0.9, 1.1])
@pytest.mark.parametrize("ratio", [2, 3, 5, 7])
def test_edges_that_coincide_up_to_rounding_make_no_empty_border(ratio, unit):
    for n in range(1, 12, 2):
        for old, new in ((ratio * unit, unit), (unit, ratio * unit)):
            received = overlap((np.arange(n + 1) - n / 2) * old, new).sum(axis=1)
            assert min(received[0], received[-1]) > 1e-3 * received.max()


def test_no_edge_that_reaches_into_a_further_voxel_is_lost():
    for beyond in (1e-6, 1e-4, 1e-2):
        for n in range(1, 12, 2):
            old = (3 * n + 2 * beyond) / n  # both edges lie so far inside a new voxel
            received = overlap((np.arange(n + 1) - n / 2) * old, 1.0).sum(axis=1)
            assert received.sum() == pytest.approx(n, rel=1e-12)
            assert received[0] == pytest.approx(beyond / old, rel=1e-6)


def test_a_kernel_smaller_than_a_voxel_becomes_one_voxel():
    result = sd.gaussian_kernel(0.1, 0.05, ndim=2).resampled(5.0)
    assert result.shape == (1, 1)
    assert result.total == pytest.approx(1)


def test_sampled_is_the_kernel_itself_when_the_spacing_agrees():
    kernel = sd.gaussian_kernel(1.0, (3.0, 0.7, 0.7))
    assert kernel.sampled((3.0, 0.7, 0.7)) is kernel
    assert kernel.sampled((3.0, np.float32(0.7), 0.7)) is kernel  # spacing of a file that stores float32
    assert kernel.sampled((3.0, 0.7, 0.8)).spacing == (3.0, 0.7, 0.8)
    flat = sd.disk_kernel(2.0, 0.7)
    assert flat.sampled((3.0, 0.7, 0.7)) is flat  # a 2-D kernel looks at the plane only


def test_a_spacing_in_another_unit_is_reported_before_memory_runs_out():
    with pytest.raises(sd.InputError, match=r"voxels on a grid of spacing.*mm"):
        sd.gaussian_kernel(1.0).resampled(1e-3)
    for make in (
        lambda: sd.gaussian_kernel(4.0, 1e-3),
        lambda: sd.gaussian_kernel(1e30),
        lambda: sd.box_kernel(30.0, 1e-2),
        lambda: sd.ball_kernel(5.0, 1e-3),
        lambda: sd.disk_kernel(1e9),
        lambda: sd.motion_kernel(1e9, [1, 1, 1]),
        lambda: sd.mean_kernel(5000),
    ):
        with pytest.raises(sd.InputError, match="check that both are in mm"):
            make()


# ---------------------------------------------------------------------------------------------- check


@pytest.mark.parametrize(
    "kernel",
    [
        sd.gaussian_kernel(1.5),
        sd.gaussian_kernel((0, 1.0), 0.3),
        sd.motion_kernel(5, 0),
        sd.motion_kernel(7.3, 33.0),
        sd.motion_kernel(6.1, [1, 2, 3], (2, 1, 1)),
        sd.box_kernel(4.5, 0.7),
        sd.disk_kernel(3.3),
        sd.ball_kernel(2.6),
        sd.mean_kernel((4, 4)),
        sd.mean_kernel((2, 5, 4)),
        sd.identity_kernel(),
        sd.gaussian_kernel(2.0, ndim=2).resampled(0.3),
        sd.Kernel(np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64.0),
    ],
    ids=repr,
)
def test_check_finds_nothing_unusual_in_blur_kernels(kernel):
    assert kernel.check() == []


def test_check_names_negative_values_and_their_share():
    (warning,) = sd.Kernel([[0, -0.25, 0], [0, 1.5, 0], [0, -0.25, 0]]).check()
    assert "2 values are negative" in warning
    assert "-0.25" in warning
    assert "25.0%" in warning


@pytest.mark.parametrize("scale", [0.998, 0.9995, 1.0005, 1.002])
def test_a_sum_that_is_off_by_more_than_rounding_is_reported(scale):
    warnings = sd.Kernel(scale * sd.gaussian_kernel(1.5).values).check()
    assert any("the sum" in text for text in warnings) == (abs(scale - 1) > 1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_kernels_stored_with_few_digits_sum_to_1_all_the_same(dtype):
    for kernel in (sd.mean_kernel(9), sd.gaussian_kernel(2.0), sd.disk_kernel(5.0), sd.motion_kernel(9.0, 25.0)):
        assert sd.Kernel(kernel.values.astype(dtype)).check() == []


def test_a_sum_of_nothing_but_rounding_cannot_be_normalised():
    values = np.array([[0.1, 0.2, -0.3], [0.7, -0.5, -0.2], [0.3, -0.4, 0.1]])
    assert 0 < abs(values.sum()) < 1e-15
    with pytest.raises(sd.InputError, match="cannot be normalised"):
        sd.Kernel(values * np.sign(values.sum())).normalized()


def test_check_names_a_sum_that_is_not_one():
    (warning,) = sd.cross_kernel().check()
    assert "sum is 7, not 1" in warning


@pytest.mark.parametrize("shape", [(5, 5), (6, 6), (3, 5, 5)])
def test_check_names_an_off_centre_peak(shape):
    values = np.full(shape, 0.001)
    values[(0,) * len(shape)] = 1 - values.sum() + 0.001
    (warning,) = sd.Kernel(values).check()
    assert f"peak is at {(0,) * len(shape)}" in warning
    assert f"centre at {tuple(n // 2 for n in shape)}" in warning


def test_check_sees_the_peak_of_a_laplace_kernel_at_its_centre():
    for kernel in (sd.laplacian_kernel(ndim=2), sd.laplacian_kernel(spacing=(3, 1, 1))):
        assert not any("peak" in text for text in kernel.check())


@pytest.mark.parametrize("scale", [np.log, np.log10])
def test_check_recognises_a_logarithm_and_says_how_to_read_it(scale):
    (warning,) = sd.Kernel(scale(sd.gaussian_kernel(2.0, ndim=2).values)).check()
    assert "logarithm" in warning
    assert "log=True" in warning


def test_check_takes_sharpening_and_laplace_for_no_logarithm():
    for kernel in (sd.laplacian_kernel(0.2), sd.sharpen_kernel(3.0), sd.laplacian_kernel(ndim=2)):
        assert not any("logarithm" in warning for warning in kernel.check())


# --------------------------------------------------------------------------------------------- makers


@pytest.mark.parametrize("sigma", [0.3, 0.8, 1.0, 2.37])
@pytest.mark.parametrize("truncate", [3.0, 4.0])
def test_gaussian_is_the_impulse_response_of_scipys_filter(sigma, truncate):
    kernel = sd.gaussian_kernel((sigma, 2 * sigma), (0.5, 1.3), truncate=truncate)
    image = impulse((61, 61))
    expected = ndimage.gaussian_filter(image, (sigma / 0.5, 2 * sigma / 1.3), truncate=truncate)
    box = tuple(slice(30 - c, 30 + c + 1) for c in kernel.centre)
    np.testing.assert_allclose(kernel.values, expected[box], atol=1e-15)
    assert expected.sum() - expected[box].sum() == pytest.approx(0, abs=1e-12)


def test_gaussian_takes_its_dimension_from_its_arguments():
    assert sd.gaussian_kernel(1.0).ndim == 3
    assert sd.gaussian_kernel(1.0, ndim=2).ndim == 2
    assert sd.gaussian_kernel((1.0, 2.0)).ndim == 2
    assert sd.gaussian_kernel(1.0, (1.0, 1.0)).ndim == 2
    assert sd.gaussian_kernel((0.0, 1.0, 1.0)).shape[0] == 1
    with pytest.raises(sd.InputError, match="do not agree"):
        sd.gaussian_kernel((1.0, 2.0), (1, 1, 1))
    with pytest.raises(sd.InputError, match="not 4-D"):
        sd.gaussian_kernel(1.0, ndim=4)


def test_motion_equals_fspecial_for_whole_odd_lengths():
    np.testing.assert_allclose(sd.motion_kernel(5, 0).values, np.full((1, 5), 0.2), atol=1e-15)
    np.testing.assert_allclose(sd.motion_kernel(5, 90).values, np.full((5, 1), 0.2), atol=1e-15)


def test_motion_counts_fractions_of_a_voxel():
    np.testing.assert_allclose(sd.motion_kernel(2, 0).values, [[0.25, 0.5, 0.25]], atol=1e-15)
    np.testing.assert_allclose(sd.motion_kernel(1.5, 0, 0.5).values, [[1 / 3] * 3], atol=1e-15)
    np.testing.assert_allclose(sd.motion_kernel(1.2, 180).values, [[0.1 / 1.2, 1 / 1.2, 0.1 / 1.2]], atol=1e-14)
    np.testing.assert_allclose(sd.motion_kernel(3 * math.sqrt(2), 45).values, np.diag([1 / 3] * 3), atol=1e-12)
    assert sd.motion_kernel(0.9, 20).is_identity
    assert sd.motion_kernel(0, 20).is_identity


def test_motion_angle_turns_from_i_towards_j():
    kernel = sd.motion_kernel(5, 30).values
    assert kernel[-1, -1] > 0  # to larger j and larger i
    assert kernel[0, -1] == 0


@QUICK
@given(
    length=st.floats(0, 9),
    direction=st.one_of(
        st.floats(-180, 180),
        st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: max(map(abs, v)) > 0.1),
    ),
    spacing=st.tuples(*[st.floats(0.5, 2)] * 3),
)
def test_motion_is_the_share_of_a_finely_sampled_line(length, direction, spacing):
    kernel = sd.motion_kernel(length, direction, spacing)
    if np.ndim(direction) == 0:
        unit = np.array([math.sin(math.radians(direction)), math.cos(math.radians(direction))])
    else:
        unit = np.array(direction) / np.linalg.norm(direction)
    count = 20_000
    t = (np.arange(count) + 0.5) / count - 0.5
    points = t[:, None] * length * unit / np.array(spacing[-unit.size :])
    index = np.rint(points).astype(int) + kernel.centre
    expected = np.zeros(kernel.shape)
    index = index.clip(0, np.array(kernel.shape) - 1)  # a face reached to rounding
    np.add.at(expected, tuple(index.T), 1 / count)
    np.testing.assert_allclose(kernel.values, expected, atol=1e-3)
    np.testing.assert_array_equal(kernel.values, np.flip(kernel.values))
    assert kernel.total == pytest.approx(1, abs=1e-12)


@QUICK
@given(width=st.floats(0, 12))
def test_box_profile_is_the_overlap_of_an_interval_with_voxels(width):
    profile = box_profile(width)
    assert profile.size % 2 == 1
    index = np.arange(profile.size) - profile.size // 2
    half = max(width, 1.0) / 2
    expected = [max(0.0, min(i + 0.5, half) - max(i - 0.5, -half)) / (2 * half) for i in index]
    np.testing.assert_allclose(profile, expected, atol=1e-8)


@pytest.mark.parametrize("size", [3, 5])
def test_box_of_odd_voxels_is_scipys_uniform_filter(size):
    kernel = sd.box_kernel(size * 0.7, 0.7, ndim=2)
    image = np.random.default_rng(0).random((20, 20))
    np.testing.assert_allclose(
        ndimage.convolve(image, kernel.values), ndimage.uniform_filter(image, size), atol=1e-12
    )


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (2, 3, 5)])
def test_mean_and_sum_of_a_block_are_scipys_uniform_filter(shape):
    image = np.random.default_rng(0).random((11, 12, 13)[: len(shape)])
    mean, total = sd.mean_kernel(shape), sd.sum_kernel(shape)
    # Correlation and convolution centre even sizes on different sides.
    expected = ndimage.uniform_filter(image, shape, origin=[0 if n % 2 else -1 for n in shape])
    np.testing.assert_allclose(ndimage.convolve(image, mean.values), expected, atol=1e-12)
    np.testing.assert_array_equal(total.values, np.ones(shape))


def test_disk_of_one_pixel_equals_fspecial():
    expected = [[0.0251, 0.1453, 0.0251], [0.1453, 0.3183, 0.1453], [0.0251, 0.1453, 0.0251]]
    np.testing.assert_allclose(sd.disk_kernel(1.0).values, expected, atol=5.1e-5)


@pytest.mark.parametrize(
    ("radius", "spacing"), [(1.7, (1.0, 1.0)), (2.5, (0.5, 1.2)), (0.4, (1.0, 1.0)), (4.0, (1.3, 0.9))]
)
def test_disk_is_the_share_of_its_area_in_each_pixel(radius, spacing):
    kernel = sd.disk_kernel(radius, spacing)
    fine = 200
    expected = np.zeros(kernel.shape)
    for index in np.ndindex(kernel.shape):
        y, x = (
            (i - c + (np.arange(fine) + 0.5) / fine - 0.5) * h
            for i, c, h in zip(index, kernel.centre, spacing, strict=True)
        )
        expected[index] = np.mean(y[:, None] ** 2 + x**2 <= radius**2)
    expected *= spacing[0] * spacing[1] / (math.pi * radius**2)
    assert expected.sum() == pytest.approx(1, abs=2e-3)  # nothing of the disk lies outside the kernel
    np.testing.assert_allclose(kernel.values, expected, atol=1e-3 * expected.max())


def test_ball_is_the_share_of_its_volume_in_each_voxel():
    radius, spacing, fine = 2.3, (1.4, 0.9, 0.7), 40
    kernel = sd.ball_kernel(radius, spacing)
    axes = [
        ((np.arange(n * fine) + 0.5) / fine - 0.5 - n // 2) * h for n, h in zip(kernel.shape, spacing, strict=True)
    ]
    z, y, x = np.ix_(*axes)
    cells = (z**2 + y**2 + x**2 <= radius**2).reshape([m for n in kernel.shape for m in (n, fine)])
    expected = cells.mean(axis=(1, 3, 5)) * math.prod(spacing) / (4 / 3 * math.pi * radius**3)
    assert expected.sum() == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(kernel.values, expected, atol=2e-3 * expected.max())


def test_voxels_inside_a_disk_and_a_ball_weigh_their_share_of_the_whole():
    assert sd.disk_kernel(6.0, 0.8).values.max() == pytest.approx(0.8**2 / (math.pi * 36), rel=1e-12)
    assert sd.ball_kernel(4.0, (1, 0.9, 0.8)).values.max() == pytest.approx(0.72 / (4 / 3 * math.pi * 64), rel=1e-3)


def test_disk_and_ball_have_the_second_moments_of_their_shapes():
    for (_, variance), h in zip(moments(sd.disk_kernel(5.0, (1.0, 0.6))), (1.0, 0.6), strict=True):
        assert variance == pytest.approx(25 / 4 + h**2 / 12, rel=5e-3)
    for (_, variance), h in zip(moments(sd.ball_kernel(4.0, (0.75, 0.5, 0.5))), (0.75, 0.5, 0.5), strict=True):
        assert variance == pytest.approx(16 / 5 + h**2 / 12, rel=2e-3)


def test_radius_zero_is_the_identity():
    assert sd.disk_kernel(0.0).is_identity
    assert sd.ball_kernel(0.0).is_identity


@pytest.mark.parametrize("ndim", [2, 3])
def test_cross_sums_the_face_neighbours(ndim):
    expected = ndimage.generate_binary_structure(ndim, 1).astype(float)
    np.testing.assert_array_equal(sd.cross_kernel(ndim=ndim).values, expected)
    assert sd.cross_kernel(ndim=ndim).total == 2 * ndim + 1


@pytest.mark.parametrize("ndim", [2, 3])
def test_laplace_at_spacing_one_is_scipys(ndim):
    image = np.random.default_rng(0).random((9, 10, 11)[:ndim])
    np.testing.assert_allclose(
        ndimage.convolve(image, sd.laplacian_kernel(ndim=ndim).values), ndimage.laplace(image), atol=1e-12
    )


def test_laplace_is_exact_on_a_parabola_at_any_spacing():
    spacing = (2.0, 0.7, 0.3)
    z, y, x = np.meshgrid(*(np.arange(7) * h for h in spacing), indexing="ij")
    result = ndimage.convolve(1.5 * z**2 - 2 * y**2 + 0.25 * x**2 + z * y, sd.laplacian_kernel(spacing).values)
    np.testing.assert_allclose(result[2:-2, 2:-2, 2:-2], 2 * (1.5 - 2 + 0.25), atol=1e-9)


def test_sharpening_is_the_textbook_kernel_and_sums_to_one():
    np.testing.assert_allclose(
        sd.sharpen_kernel(ndim=2, spacing=0.4).values, [[0, -1, 0], [-1, 5, -1], [0, -1, 0]], atol=1e-12
    )
    assert sd.sharpen_kernel(2.5, (3, 1, 1)).total == pytest.approx(1)
    assert sd.sharpen_kernel(2.5, (3, 1, 1)).values.max() == pytest.approx(1 + 2.5 * 2 * (1 + 1 + 1 / 9))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sd.gaussian_kernel(-1.0), ["sigma", "-1.0"]),
        (lambda: sd.gaussian_kernel("wide"), ["sigma", "'wide'", "number"]),
        (lambda: sd.gaussian_kernel(1.0, truncate=-2), ["truncate", "-2"]),
        (lambda: sd.gaussian_kernel(1.0, truncate=np.inf), ["truncate", "inf"]),
        (lambda: sd.gaussian_kernel((1, 2, 3, 4)), ["not 4-D"]),
        (lambda: sd.motion_kernel(-3), ["length", "-3"]),
        (lambda: sd.motion_kernel(3, [0, 0]), ["direction", "[0, 0]"]),
        (lambda: sd.motion_kernel(3, [1, 2, 3, 4]), ["direction"]),
        (lambda: sd.motion_kernel(3, ["x", 1]), ["direction", "'x'"]),
        (lambda: sd.motion_kernel(3, 20.0, ndim=3), ["direction", "3-D"]),
        (lambda: sd.box_kernel(None), ["width", "None"]),
        (lambda: sd.disk_kernel(-1), ["radius", "-1"]),
        (lambda: sd.ball_kernel("r"), ["radius", "'r'"]),
        (lambda: sd.mean_kernel(2.5), ["shape", "2.5", "whole"]),
        (lambda: sd.mean_kernel(0), ["shape", "0"]),
        (lambda: sd.sharpen_kernel(np.nan), ["amount", "nan"]),
    ],
)
def test_makers_name_the_argument_and_the_bad_value(make, words):
    with pytest.raises(sd.InputError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)


# ---------------------------------------------------------------------------------- parametric kernels

SPACING = (2.0, 0.8, 0.6)


#: Kernels of every kind, and what they have to be.
PARAMETRIC = [
    (sd.ParametricKernel("gaussian", sigma_mm=1.2), sd.gaussian_kernel(1.2, SPACING)),
    (
        sd.ParametricKernel("gaussian", sigma_mm=[1, 2, 3], truncate=3),
        sd.gaussian_kernel((1, 2, 3), SPACING, truncate=3),
    ),
    (sd.ParametricKernel("motion", length_mm=4, direction=[1, 2, 0]), sd.motion_kernel(4, [1, 2, 0], SPACING)),
    (sd.ParametricKernel("motion", length_mm=4, angle_deg=30), sd.motion_kernel(4, 30, SPACING)),
    (sd.ParametricKernel("box", width_mm=[2, 3, 4]), sd.box_kernel((2, 3, 4), SPACING)),
    (sd.ParametricKernel("disk", radius_mm=2), sd.disk_kernel(2, SPACING)),
    (sd.ParametricKernel("ball", radius_mm=2), sd.ball_kernel(2, SPACING)),
    (sd.ParametricKernel("gaussian", fwhm_mm=[3, 2, 2]), sd.gaussian_kernel(None, SPACING, fwhm=(3, 2, 2))),
    (
        sd.ParametricKernel("gaussians", sigmas_mm=[1, 3, 4], amplitudes=[5, 2, 1]),
        sd.gaussians_kernel([1, 3, 4], [5, 2, 1], SPACING),
    ),
    (sd.ParametricKernel("lorentz", lambda_mm=0.3), sd.lorentz_kernel(0.3, SPACING)),
    (sd.ParametricKernel("exponential", lambda_mm=0.7, reach_mm=4), sd.exponential_kernel(0.7, SPACING, reach=4)),
    (sd.ParametricKernel("moffat", alpha_mm=0.7, beta=3), sd.moffat_kernel(0.7, 3, SPACING)),
    (sd.ParametricKernel("moffat", fwhm_mm=1, beta=3), sd.moffat_kernel(None, 3, SPACING, fwhm=1)),
    (
        sd.ParametricKernel("radial", r_mm=[0, 1, 4], density=[3, 2, 0]),
        sd.radial_kernel([0, 1, 4], [3, 2, 0], SPACING),
    ),
    (
        sd.ParametricKernel("born-wolf", na=0.01, wavelength_nm=600, reach_mm=2),
        sd.born_wolf_kernel(0.01, 600, SPACING, reach=2),
    ),
    (
        sd.ParametricKernel("gibson-lanni", na=0.01, wavelength_nm=600, reach_mm=2, depth_mm=0.01),
        sd.gibson_lanni_kernel(0.01, 600, SPACING, reach=2, depth_mm=0.01),
    ),
    (
        sd.ParametricKernel("confocal", na=0.01, wavelength_nm=600, excitation_nm=500, reach_mm=2),
        sd.confocal_kernel(0.01, 600, 500, SPACING, reach=2),
    ),
    (sd.ParametricKernel("mean", shape=[1, 2, 3]), sd.mean_kernel((1, 2, 3), SPACING)),
    (sd.ParametricKernel("sum", shape=3), sd.sum_kernel(3, SPACING)),
    (sd.ParametricKernel("cross"), sd.cross_kernel(SPACING)),
    (sd.ParametricKernel("laplacian"), sd.laplacian_kernel(SPACING)),
    (sd.ParametricKernel("sharpen", amount=2), sd.sharpen_kernel(2, SPACING)),
    (sd.ParametricKernel("identity"), sd.identity_kernel(SPACING)),
]


@pytest.mark.parametrize(
    ("kernel", "expected"),
    PARAMETRIC,
    ids=lambda k: k.name if isinstance(k, sd.ParametricKernel) else "",
)
def test_parametric_kernels_are_sampled_by_their_makers(kernel, expected):
    sampled = kernel.sampled(SPACING)
    np.testing.assert_array_equal(sampled.values, expected.values)
    assert sampled.spacing == expected.spacing
    assert sampled.source == kernel.source == {"type": kernel.type, **kernel.parameters}


def test_every_kernel_type_is_covered_above():
    assert {kernel.type for kernel, _ in PARAMETRIC} == set(sd.KINDS)


@pytest.mark.parametrize("kind", sd.KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_of_kernel_is_what_its_entry_says(kind):
    kernel = sd.ParametricKernel(kind.name, **kind.start)
    sampled = kernel.sampled(SPACING)
    assert (sampled.ndim == 2) == (kind.planar or kind.directed)
    assert (abs(sampled.values.sum() - 1) < 1e-12) == kind.normalised
    assert kind.sentence.endswith(".")
    assert kind.size is None or (kind.size.label.endswith(":") and kind.size.word and kind.size.start is not None)
    assert list(kind.known)[: len(kind.required)] == list(kind.required)
    for name in kind.required:
        with pytest.raises(sd.InputError, match=f"needs '{name}'"):
            sd.ParametricKernel(kind.name, **{n: v for n, v in kind.start.items() if n != name})


def test_a_parameter_of_several_kinds_has_one_form():
    forms = {(p.name, p.unit, p.count, p.default) for kind in sd.KINDS.values() for p in kind.parameters}
    assert len({form[0] for form in forms}) == len(forms)


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [(kind, p) for kind in sd.KINDS.values() for p in kind.parameters if np.isfinite(p.least)],
    ids=lambda v: v.name,
)
def test_a_parameter_below_its_least_value_is_refused(kind, parameter):
    start = {name: value for name, value in kind.start.items() if name != parameter.instead_of}
    sd.ParametricKernel(kind.name, **{**start, parameter.name: parameter.least})
    with pytest.raises(
        sd.InputError, match=f"not below {parameter.least:g}|not negative|at least {parameter.least:g}"
    ):
        sd.ParametricKernel(kind.name, **{**start, parameter.name: parameter.least - 0.5})


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [(kind, p) for kind in sd.KINDS.values() for p in kind.parameters if p.default is not None],
    ids=lambda v: v.name,
)
def test_a_parameter_that_is_left_out_has_its_default_value(kind, parameter):
    rest = {name: value for name, value in kind.start.items() if name != parameter.name}
    left_out, given = (
        sd.ParametricKernel(kind.name, **rest, **p) for p in ({}, {parameter.name: parameter.default})
    )
    np.testing.assert_array_equal(left_out.sampled(SPACING).values, given.sampled(SPACING).values)


def test_one_spacing_holds_for_every_axis_of_a_parametric_kernel():
    assert sd.ParametricKernel("gaussian", sigma_mm=1).sampled(0.5).spacing == (0.5,) * 3
    assert sd.ParametricKernel("gaussian", sigma_mm=[1, 2]).sampled(0.5).spacing == (0.5,) * 2


def test_making_a_wide_parametric_kernel_costs_next_to_nothing():
    tracemalloc.start()
    try:
        kernel = sd.ParametricKernel("gaussian", sigma_mm=300.0)  # 2401^3 voxels at 1 mm
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert kernel.sampled(100.0).shape == (25, 25, 25)


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [
        (sd.ParametricKernel("gaussian", sigma_mm=[3, 1, 1]), (9, 9)),
        (sd.ParametricKernel("box", width_mm=[9, 3, 5]), (3, 5)),
        (sd.ParametricKernel("mean", shape=[7, 3, 5]), (3, 5)),
        (sd.ParametricKernel("sum", shape=[1, 3, 5]), (3, 5)),
        (sd.ParametricKernel("motion", length_mm=3, direction=[0, 0, 1]), (1, 3)),
    ],
    ids=lambda v: v.name if isinstance(v, sd.ParametricKernel) else "",
)
def test_parameters_of_three_axes_fit_a_single_slice(kernel, shape):
    assert kernel.sampled((1.0, 1.0)).shape == shape


@pytest.mark.parametrize(
    ("type", "parameters", "words"),
    [
        ("motion", {"length_mm": 3, "direction": [1, 0, 1]}, ["direction [1, 0, 1]", "leaves the plane"]),
        ("sum", {"shape": [3, 3, 3]}, ["shape [3, 3, 3]", "leaves the plane"]),
        ("ball", {"radius_mm": 2}, ["3-D", "use a disk"]),
    ],
)
def test_parameters_that_leave_a_single_slice_are_refused(type, parameters, words):
    with pytest.raises(sd.InputError) as caught:
        sd.ParametricKernel(type, **parameters).sampled((1.0, 1.0))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("type", "parameters", "words"),
    [
        ("gausian", {}, ["'gausian'", "known: gaussian"]),
        (["gaussian"], {}, ["['gaussian']", "known"]),
        ("gaussian", {}, ["needs 'sigma_mm'"]),
        ("gaussian", {"sigma_mm": 1, "fwhm": 2}, ["no parameter 'fwhm'", "sigma_mm, fwhm_mm, truncate"]),
        ("gaussian", {"sigma_mm": 1, "self": 2}, ["no parameter 'self'"]),
        ("gaussian", {"sigma_mm": -1}, ["gaussian", "sigma -1"]),
        ("gaussian", {"sigma_mm": "1 mm"}, ["sigma_mm", "'1 mm'"]),
        ("gaussian", {"sigma_mm": None}, ["None"]),
        ("gaussian", {"sigma_mm": {}}, ["sigma_mm"]),
        ("gaussian", {"sigma_mm": 1, "truncate": 1e9}, ["mm"]),
        ("gaussian", {"sigma_mm": 1, "covariance_mm2": [[1, 0], [0, 1]]}, ["one of them"]),
        ("gaussian", {"covariance_mm2": [1, 2, 3]}, ["2 x 2", "3 x 3"]),
        ("gaussian", {"covariance_mm2": [[1, 2], [0, 1]]}, ["not symmetric"]),
        ("gaussian", {"covariance_mm2": [[1, 2], [2, 1]]}, ["not positive definite"]),
        ("gaussian", {"covariance_mm2": [[1, "a"], [2, 1]]}, ["covariance_mm2"]),
        ("cross", {"size": 3}, ["no parameter 'size'", "none"]),
        ("motion", {"length_mm": 3}, ["angle_deg", "direction"]),
        ("motion", {"length_mm": 3, "angle_deg": 1, "direction": [1, 0]}, ["one of them"]),
        ("gaussian", {"sigma_mm": 1, "fwhm_mm": 2}, ["'sigma_mm', 'fwhm_mm' or 'covariance_mm2'", "one of them"]),
    ],
)
def test_parametric_kernels_check_their_parameters_when_made(type, parameters, words):
    with pytest.raises(sd.InputError) as caught:
        sd.ParametricKernel(type, **parameters)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


# ------------------------------------------------------------------------------- Gaussians at an angle


def test_a_diagonal_covariance_is_the_gaussian_of_its_standard_deviations():
    kernel = sd.gaussian_kernel(covariance=np.diag([4.0, 1.0, 2.25]), spacing=SPACING)
    np.testing.assert_array_equal(kernel.values, sd.gaussian_kernel((2.0, 1.0, 1.5), SPACING).values)


@pytest.mark.parametrize("matrix", [[[4, 1.5], [1.5, 2]], [[4, 1, 0.5], [1, 3, -1], [0.5, -1, 2.5]]])
def test_a_gaussian_at_an_angle_has_the_covariance_it_was_given(matrix):
    kernel = sd.gaussian_kernel(covariance=matrix, spacing=0.5, truncate=6)
    points = (np.indices(kernel.shape).reshape(kernel.ndim, -1).T - kernel.centre) * 0.5
    moments = np.einsum("n,na,nb->ab", kernel.values.ravel(), points, points)
    np.testing.assert_allclose(moments, matrix, rtol=1e-5, atol=1e-6)
    assert kernel.total == pytest.approx(1, abs=1e-12)


def test_axes_without_blur_stay_unblurred_and_a_single_slice_sees_the_blur_in_its_plane():
    flat = [[0, 0, 0], [0, 4, 1], [0, 1, 2]]
    in_plane = sd.gaussian_kernel(covariance=[[4, 1], [1, 2]])
    np.testing.assert_array_equal(sd.gaussian_kernel(covariance=flat).values[0], in_plane.values)
    full = sd.ParametricKernel("gaussian", covariance_mm2=[[3, 0.5, 0.2], [0.5, 4, 1], [0.2, 1, 2]])
    np.testing.assert_array_equal(full.sampled((1.0, 1.0)).values, in_plane.values)
    assert sd.ParametricKernel("gaussian", covariance_mm2=[[4, 1], [1, 2]]).sampled((9.0, 1.0, 1.0)).ndim == 2
    assert "covariance 4 1; 1 2" in sd.ParametricKernel("gaussian", covariance_mm2=[[4, 1], [1, 2]]).name


def test_disks_and_balls_of_any_radius_have_finite_weights():
    # Among these are radii whose square differs by rounding from that of the faces they are clipped to.
    for radius in [*np.linspace(0.1, 12.0, 60).tolist(), 4.2]:
        for maker in (sd.disk_kernel, sd.ball_kernel):
            assert np.all(np.isfinite(maker(radius).values))
