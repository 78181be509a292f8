"""How the texts and buttons of the panel fit into a width."""

import pytest

pytest.importorskip("PySide6")
pytest.importorskip("slicer")


@pytest.fixture
def narrow(user):
    from SpatialDeconvLib.panel import narrow

    return narrow


@pytest.mark.parametrize(
    ("room", "lines"),
    [
        (99, ["2-D kernels on every slice"]),
        (14, ["2-D kernels on", "every slice"]),
        (3, ["2-D", "kernels", "on", "every", "slice"]),
    ],
)
def test_a_text_is_broken_between_words(narrow, room, lines):
    assert narrow.linesOf("2-D kernels on every slice", room, len) == lines


@pytest.mark.parametrize(("room", "columns"), [(100, 4), (53, 4), (52, 3), (42, 3), (41, 2), (31, 2), (30, 1)])
def test_there_are_as_many_columns_as_there_is_room_for(narrow, room, columns):
    # In four columns 10 + 20 + 5 + 15 and three gaps; in three 15 + 20 + 5 and two; in two 10 + 20 and one.
    assert narrow.columnsIn(room, [10, 20, 5, 15], 4, 1) == columns
