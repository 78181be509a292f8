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


@pytest.fixture
def kernel_buttons(user):
    """The panel with its section of kernels open; its buttons below the table."""
    user.ui.kernelsCollapsibleButton.collapsed = False
    user.window.processEvents()
    return user


def rows_of(user):
    """The buttons below the table of kernels, row by row."""
    grid = user.ui.kernelButtonsLayout
    places = [(row, column) for row in range(grid.rowCount()) for column in range(grid.columnCount())]
    items = {place: grid.itemAtPosition(*place) for place in places}
    return {place: item.widget().text for place, item in items.items() if item is not None}


def test_the_buttons_of_the_table_lie_in_two_columns_where_three_have_no_room(kernel_buttons):
    user = kernel_buttons
    wide = user.panel.narrow
    assert {column for _row, column in rows_of(user)} == {0, 1, 2}
    texts = list(rows_of(user).values())
    room = user.ui.kernelButtonsRow.width
    for name in ("addFilesButton", "saveKernelsButton", "clearKernelsButton"):
        getattr(user.ui, name).setMinimumWidth(room // 2 - 8)
    wide.fit()
    assert {column for _row, column in rows_of(user)} == {0, 1}
    assert list(rows_of(user).values()) == texts
    assert user.ui.kernelButtonsRow.minimumSizeHint.width() < room
    wide.fontChanged()  # their texts need less
    wide.fit()
    assert {column for _row, column in rows_of(user)} == {0, 1, 2}
