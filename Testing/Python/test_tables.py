"""Tables of numbers in text: what people, spreadsheets and programs write is read as it was meant, or refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import SpatialDeconvLib as sd
from SpatialDeconvLib.formats.tables import read_table

TABLE = np.array([[0.0, 0.25, 1.5], [2.0, 1e-3, 4.0]])


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "k.csv"
    path.write_bytes(text.encode(encoding))
    return path


def lines(cell, row="\n", number=repr):
    return row.join(cell.join(number(float(v)) for v in values) for values in TABLE)


def comma(value):
    return repr(value).replace(".", ",")


@pytest.mark.parametrize(
    "text",
    [
        lines(","),
        lines(", "),
        lines(";"),
        lines("\t"),
        lines(" "),
        lines("   "),
        lines(";", number=comma),
        lines("\t", number=comma),
        lines("  ", number=comma),
        lines(",", "\r\n") + "\r\n\r\n",
        lines(",", "\r"),
        lines(",", ",\n") + ",",  # a separator at the end of every line
        lines(",", number=lambda v: f'"{v!r}"'),
        "# a kernel\n# 2 x 3\n" + lines(" "),
        "% a kernel\n" + lines(" ") + "\n% the end",
        "level 10, measured 2024\nx;y;z\n" + lines(";"),
        "sep=;\n" + lines(";", number=comma),
        lines(" ", number=lambda v: f"{v:.16e}".replace("e", "D")),
        "a,b,c\n" + lines(","),
        ",0,1,2\n" + "\n".join(f"{n},{line}" for n, line in enumerate(lines(",").splitlines())),  # pandas
        ";a;b;c\n" + "\n".join(f"{n};{line}" for n, line in enumerate(lines(";").splitlines(), 1)),
    ],
)
def test_a_table_is_read_however_it_is_written(tmp_path, text):
    np.testing.assert_array_equal(read_table(written(tmp_path, text)), TABLE)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "utf-16-le"])
def test_the_encodings_of_spreadsheets_are_read(tmp_path, encoding):
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    text = f"{mark}größe;µ\n" + lines(";", number=comma)
    np.testing.assert_array_equal(read_table(written(tmp_path, text, encoding)), TABLE)


def test_minus_infinity_and_typographic_minus_are_numbers(tmp_path):
    table = read_table(written(tmp_path, "-inf \N{MINUS SIGN}1.5\nnan 2"))
    np.testing.assert_array_equal(table, [[-np.inf, -1.5], [np.nan, 2.0]])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no numbers"),
        ("# only\n# words", "holds no numbers"),
        ("A letter to a friend.\nIt has two lines.", "no line holds numbers only"),
        ("1,2,3\n4,5\n6,7,8", "line 2 has 2 numbers, others 3"),
        ("1,2,3\n4,five,6", "line 2 has 'five', which is no number"),
        ("1,x,3\n4,5,6", "line 1 has 'x', which is no number"),  # no header: most of it is numbers
        ("1;2;3\n4;;6", "line 2 has an empty cell"),
        ("1+2j,3\n4,5", "line 1 has '1+2j', a complex number; write real ones"),
        ("(1.0+2.5e-3j) 0j\n1 2", "a complex number"),
        ("1,234;0.5\n2,5;3,5", "a comma and a point"),
        ("0,1,2,3,4\n5,5,9,5,5", "line 1 counts 0 ... 4, as columns are; remove it"),
        ("1 2\0 3", "is no text"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path, text, reason):
    with pytest.raises(sd.InputError) as caught:
        read_table(written(tmp_path, text))
    message = str(caught.value)
    assert reason in message
    assert "k.csv" in message
    assert "\n" not in message


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(
        st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=4), min_size=1, max_size=4
    ).filter(lambda rows: len({len(row) for row in rows}) == 1),
    form=st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", ","), (" ", "."), (" ", ",")]),
)
def test_any_numbers_come_back_bit_by_bit(tmp_path_factory, values, form):
    delimiter, mark = form
    text = "\n".join(delimiter.join(f"{v!r}".replace(".", mark) for v in row) for row in values)
    np.testing.assert_array_equal(read_table(written(tmp_path_factory.mktemp("t"), text)), values)
