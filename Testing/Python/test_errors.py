"""The checks of arguments that all parts share."""

import numpy as np
import pytest

from SpatialDeconvLib.errors import InputError, check_choice, check_number


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int16(3), "3"])
def test_a_number_is_returned_as_a_float(value):
    number = check_number(value, "sigma")
    assert number == 3.0
    assert type(number) is float


@pytest.mark.parametrize("value", [None, "three", [1, 2], True, 10**400, 1j])
def test_what_is_no_number_is_refused_with_its_value_and_what_it_has_to_be(value):
    with pytest.raises(InputError) as caught:
        check_number(value, "noise", meaning="a number or 'auto'")
    assert str(caught.value) == f"noise {value!r} must be a number or 'auto'"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_has_to_be_finite(value):
    with pytest.raises(InputError, match=r"^offset .* must be finite$"):
        check_number(value, "offset")


def test_a_number_below_the_minimum_is_refused_and_the_minimum_is_not():
    assert check_number(0, "length", minimum=0) == 0
    assert check_number(2, "count", minimum=2) == 2
    with pytest.raises(InputError, match=r"^length -1 must be finite and not negative$"):
        check_number(-1, "length", minimum=0)
    with pytest.raises(InputError, match=r"^count 1 must be finite and at least 2$"):
        check_number(1, "count", minimum=2)


def test_an_unknown_choice_names_the_choices():
    check_choice("edge", ("edge", "zero"), "boundary")
    with pytest.raises(InputError, match=r"^boundary 'mirror' is unknown; choose one of edge, zero$"):
        check_choice("mirror", ("edge", "zero"), "boundary")
