"""What lets the panel be narrow, in any font: widgets that ask for less, broken texts, buttons in fewer columns."""

import qt

# Letters that widgets have to have room for, beside what frames them; by themselves they ask for the width of the
# longest name, the largest number, or a style's idea of a button.
LEAST_LETTERS = {
    "qMRMLNodeComboBox": 8,
    "ctkPathLineEdit": 8,
    "QComboBox": 8,
    "QAbstractSpinBox": 4,
    "QLineEdit": 4,
}
FRAME = 24  # pixels around a text
GAP = 6  # pixels between two widgets


class NarrowPanel:
    """Fits the widgets of the panel into its width.

    :param widgets: the widgets
    :param grids: grid layouts of buttons that lie in as many columns as there is room for, at most as they do now
    """

    def __init__(self, widgets, grids):
        self._widgets = list(widgets)
        self._texts = [BrokenText(w) for w in self._widgets if w.inherits("QCheckBox") or w.inherits("QPushButton")]
        self._grids = [Columns(grid) for grid in grids]

    def fontChanged(self):
        """Let the widgets be as narrow as their contents allow."""
        for widget in self._widgets:
            letShrink(widget)
        for text in self._texts:
            text.letShrink()

    def fit(self):
        """The width has changed, or a text."""
        for part in (*self._grids, *self._texts):  # widgets in fewer columns have room for longer lines
            part.fit()


class Columns:
    """Widgets in a grid, row by row, in as many columns as there is room for.

    Columns that stretch in the form share the width; others leave what they do not need on the right.
    """

    def __init__(self, grid):
        self._grid = grid
        self._most = self._count = grid.columnCount()
        places = [(row, column) for row in range(grid.rowCount()) for column in range(self._most)]
        items = [grid.itemAtPosition(*place) for place in places]
        self._widgets = [item.widget() for item in items if item is not None]
        self._shares = grid.columnStretch(0) > 0
        if not self._shares:
            grid.setColumnStretch(self._most, 1)

    def fit(self):
        """Let the grid have the columns that there is room for."""
        parent = self._grid.parentWidget()
        widths = [_askedBy(widget) for widget in self._widgets]
        # What the grid asks for in the columns that it has now would keep it from having fewer.
        parent.setMinimumWidth(max(widths))
        count = columnsIn(parent.width, widths, self._most, GAP)
        if count != self._count:
            self._count = count
            for place, widget in enumerate(self._widgets):
                self._grid.addWidget(widget, place // count, place % count)
            for column in range(self._most if self._shares else 0):
                self._grid.setColumnStretch(column, int(column < count))


def _askedBy(widget):
    """The width that a widget of a grid asks for: of a button, whose text can be broken, the least one."""
    return widget.minimumWidth if widget.inherits("QPushButton") else widget.sizeHint.width()


def columnsIn(room, widths, most, gap):
    """Return in how many columns widgets of some widths, row by row, have room.

    :param room: the width that there is
    :param most: columns at most
    :param gap: pixels between two columns
    """
    for count in range(most, 1, -1):
        columns = [max(widths[column::count]) for column in range(count)]
        if sum(columns) + gap * (count - 1) <= room:
            return count
    return 1


class BrokenText:
    """The text of a check box or button, in lines where there is no room for it in one.

    Qt wraps the texts of labels only; of these it draws several lines where the text has them.
    """

    def __init__(self, widget):
        self._widget = widget
        self._text = self._shown = widget.text  # what it was given, and how it shows that

    def letShrink(self):
        """Let the widget be as narrow as the longest word."""
        _giveRoomTo(self._widget, self._widget.text.split())

    def fit(self):
        """Give the text the lines that there is room for."""
        widget = self._widget
        if widget.text != self._shown:  # somebody has given it another one
            self._text = widget.text
            self.letShrink()
        room = widget.width - _frameOf(widget)
        self._shown = "\n".join(linesOf(self._text, room, widthIn(widget))) if widget.isVisible() else self._text
        if widget.text != self._shown:
            widget.text = self._shown


def linesOf(text, room, widthOf):
    """Return the lines of a text that is broken between words, so that none is wider than can be helped.

    :param room: the width that there is
    :param widthOf: callable (text) -> its width
    """
    lines = []
    for word in text.split():
        if lines and widthOf(f"{lines[-1]} {word}") <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def widthIn(widget):
    """Return what says how wide a text is in the font of a widget."""
    metrics = widget.fontMetrics()
    return lambda text: metrics.boundingRect(text).width()


def letShrink(widget):
    """Let a widget be as narrow as its contents allow, so that a narrow panel can show all of it."""
    letters = next((n for name, n in LEAST_LETTERS.items() if widget.inherits(name)), None)
    if letters is not None:
        widget.setMinimumWidth(letters * widget.fontMetrics().averageCharWidth() + FRAME)
    elif widget.inherits("ctkCollapsibleButton"):
        contentWithLess(widget)
    elif widget.inherits("QGroupBox"):
        _giveRoomTo(widget, widget.title.split())
        if widget.inherits("ctkCollapsibleGroupBox") and widget.collapsed:  # it has the height of another font
            widget.setMaximumHeight(widget.fontMetrics().height() + widget.collapsedHeight)
    elif widget.inherits("QToolButton"):
        _giveRoomTo(widget, [widget.text])


def contentWithLess(widget):
    """Let a widget be as narrow as its contents can be, not only as narrow as they would like to be."""
    policy = widget.sizePolicy
    policy.setHorizontalPolicy(qt.QSizePolicy.Preferred)
    widget.sizePolicy = policy


def _giveRoomTo(widget, texts):
    widthOf = widthIn(widget)
    widget.setMinimumWidth(max(map(widthOf, texts), default=0) + _frameOf(widget))


def _frameOf(widget):
    """Pixels of a widget's width that are not its text's."""
    return FRAME // 3 if widget.inherits("QPushButton") else FRAME
