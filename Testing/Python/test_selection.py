import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import SpatialDeconvLib as sd

QUICK = settings(max_examples=50, deadline=None, derandomize=True)
QUARTER = (0.25).__mul__  # exact in binary: centres on the faces of a box are met, not missed by rounding


def test_a_range_includes_both_ends_and_leaves_missing_ones_open():
    image = np.array([1, 2, 3, 4], np.uint8)
    np.testing.assert_array_equal(sd.mask_from_range(image, 2, 3), [False, True, True, False])
    np.testing.assert_array_equal(sd.mask_from_range(image, lower=3), [False, False, True, True])
    np.testing.assert_array_equal(sd.mask_from_range(image, upper=1), [True, False, False, False])
    np.testing.assert_array_equal(sd.mask_from_range(image, -5, 300), [True] * 4)  # beyond the pixel type


def test_nan_is_never_in_a_range_and_infinity_is_in_open_ones():
    image = np.array([np.nan, -np.inf, 0, np.inf])
    np.testing.assert_array_equal(sd.mask_from_range(image, lower=0), [False, False, True, True])
    np.testing.assert_array_equal(sd.mask_from_range(image, upper=0), [False, True, True, False])


def test_a_bound_equal_to_a_float32_value_includes_it():
    assert sd.mask_from_range(np.array([0.1], np.float32), 0.1, 0.1).all()


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((None, None), ["lower or an upper bound"]),
        ((5, 2), ["lower bound 5", "upper bound 2", "swap"]),
        ((np.nan, 2), ["lower bound is NaN"]),
        ((1, np.nan), ["upper bound is NaN"]),
    ],
)
def test_ranges_that_select_nothing_on_purpose_are_refused(bounds, words):
    with pytest.raises(sd.InputError) as caught:
        sd.mask_from_range(np.zeros(3), *bounds)
    for word in words:
        assert word in str(caught.value)


@QUICK
@given(
    shape=st.tuples(*[st.integers(1, 6)] * 3),
    start=st.tuples(*[st.integers(-3, 6)] * 3),
    size=st.tuples(*[st.integers(0, 9)] * 3),
)
def test_a_box_in_voxels_is_a_slice_cut_at_the_image(shape, start, size):
    stop = tuple(a + n for a, n in zip(start, size, strict=True))
    expected = np.zeros(shape, bool)
    for index in np.ndindex(shape):
        expected[index] = all(a <= i < b for i, a, b in zip(index, start, stop, strict=True))
    if expected.any():
        np.testing.assert_array_equal(sd.mask_from_box(shape, start, stop), expected)
    else:
        with pytest.raises(sd.InputError, match="holds no voxel of the image"):
            sd.mask_from_box(shape, start, stop)


@QUICK
@given(
    start=st.tuples(*[st.integers(-12, 24).map(QUARTER)] * 2),
    size=st.tuples(*[st.integers(0, 36).map(QUARTER)] * 2),
    spacing=st.tuples(*[st.integers(1, 12).map(QUARTER)] * 2),
)
def test_a_box_in_mm_takes_the_voxels_whose_centre_it_holds(start, size, spacing):
    stop = tuple(a + n for a, n in zip(start, size, strict=True))
    expected = np.zeros((5, 6), bool)
    for index in np.ndindex(5, 6):
        centre = np.array(index) * spacing
        expected[index] = np.all((centre >= start) & (centre <= stop))
    if expected.any():
        result = sd.mask_from_box((5, 6), start, stop, spacing=spacing, unit="mm")
        np.testing.assert_array_equal(result, expected)


def test_a_centre_on_the_face_up_to_rounding_is_inside():
    mask = sd.mask_from_box((1, 10), (0, 0.1 + 0.2), (0, 0.7), spacing=(1, 0.1), unit="mm")
    assert np.flatnonzero(mask).tolist() == [3, 4, 5, 6, 7]


@pytest.mark.parametrize("unit", ["voxels", "mm"])
def test_a_box_may_reach_as_far_as_numbers_go(unit):
    mask = sd.mask_from_box((4, 5), (-1e300, 2), (1e300, 3e200), unit=unit)
    np.testing.assert_array_equal(mask, np.tile([False, False, True, True, True], (4, 1)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((0, 0), (2, 2, 2)), ["[0.0, 0.0]", "3 numbers"]),
        (((0, 0, 2), (2, 2, 1)), ["[0.0, 0.0, 2.0]", "after its stop", "swap"]),
        (((0, 0, 0.5), (2, 2, 2)), ["whole voxels", "unit='mm'"]),
        (((0, 0, np.nan), (2, 2, 2)), ["nan", "finite"]),
        (((0, 0, 0), (2, 2, np.inf)), ["inf", "finite"]),
        (((9, 9, 9), (12, 12, 12)), ["no voxel", "(4, 5, 6)"]),
    ],
)
def test_boxes_that_make_no_sense_are_refused(arguments, words):
    with pytest.raises(sd.InputError) as caught:
        sd.mask_from_box((4, 5, 6), *arguments)
    for word in words:
        assert word in str(caught.value)


def test_a_box_needs_a_known_unit_and_a_valid_spacing():
    with pytest.raises(sd.InputError, match="unit 'cm' is unknown; choose voxels or mm"):
        sd.mask_from_box((4, 4), (0, 0), (1, 1), unit="cm")
    with pytest.raises(sd.InputError, match="spacing"):
        sd.mask_from_box((4, 4), (0, 0), (1, 1), unit="mm", spacing=0)


def test_labels_select_their_voxels():
    labels = np.array([[0, 1, 2], [5, 5, 0]], np.int16)
    np.testing.assert_array_equal(sd.mask_from_labels(labels), labels != 0)
    np.testing.assert_array_equal(sd.mask_from_labels(labels, [5, 1]), (labels == 5) | (labels == 1))
    np.testing.assert_array_equal(sd.mask_from_labels(labels, [0]), labels == 0)


def test_a_label_that_does_not_occur_is_named_with_those_that_do():
    with pytest.raises(sd.InputError, match=r"label 3 does not occur in the label map \(it holds 0, 1, 2\)"):
        sd.mask_from_labels(np.array([0, 1, 2]), [1, 3])
    with pytest.raises(sd.InputError, match=r"9, \.\.\.\)"):
        sd.mask_from_labels(np.arange(50), [99])


@QUICK
@given(masks=hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))))
def test_where_masks_overlap_the_first_one_wins(masks):
    labels = sd.labels_from_masks(list(masks))
    assert labels.dtype == np.int16
    for index in np.ndindex(masks.shape[1:]):
        set_there = np.flatnonzero(masks[(slice(None), *index)])
        assert labels[index] == (set_there[0] + 1 if set_there.size else 0)


def test_masks_to_merge_must_be_there_and_agree_in_shape():
    with pytest.raises(sd.InputError, match="no masks were given"):
        sd.labels_from_masks([])
    with pytest.raises(sd.InputError, match=r"differ in shape: \(2, 2\), \(2, 3\)"):
        sd.labels_from_masks([np.ones((2, 3)), np.ones((2, 2))])


@pytest.mark.filterwarnings("error")
def test_bounds_beyond_what_the_images_type_holds_leave_a_side_open():
    image = np.array([-1.0, 0.0, 3e38], np.float32)
    np.testing.assert_array_equal(sd.mask_from_range(image, 0, 1e308), [False, True, True])
    np.testing.assert_array_equal(sd.mask_from_range(image, -1e308, 0), [True, True, False])
