"""The panel's form: labels as high as their text, one column of labels, the order of the tab key."""

import itertools

import qt


class WrappedLabels:
    """Gives labels that wrap their text the height that it needs at their width.

    A form in Slicer's module panel lies in a scroll area, which asks for the smallest height of the form. A label
    that wraps says one line there, whatever its text: without this, the lines overlap what lies above or below.

    :param labels: the labels
    :param header: header of a table that is as wide as the panel, to follow the panel's width
    """

    def __init__(self, labels, header):
        self._labels = tuple(labels)
        self._header = header
        self._timer = qt.QTimer()  # the layouts know the widths after the event that changes a text
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.fit)
        header.connect("sectionResized(int,int,int)", self.onResized)

    def update(self, _state=None):
        """A text may have changed."""
        self._timer.start(0)

    def onResized(self, _section, _before, _after):
        self._timer.start(0)

    def fit(self):
        """Let each label be as high as its text."""
        for label in self._labels:
            label.setMinimumHeight(0)  # what a label asks for is never less
            if label.isVisible():
                label.setMinimumHeight(max(label.heightForWidth(label.width), 0))  # -1 without text

    def cleanup(self):
        """The panel goes away."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self.fit)
        self._header.disconnect("sectionResized(int,int,int)", self.onResized)


def show(label, text):
    """Show a text in a label; a label without text takes no room."""
    label.text = text
    label.visible = bool(text)


def setChecked(button, isOn):
    """Check a button without telling its slots."""
    wasBlocked = button.blockSignals(True)
    button.checked = isOn
    button.blockSignals(wasBlocked)


def alignColumns(layouts):
    """Give the labels in the first columns of form layouts one width, whichever rows are shown."""
    items = [form.itemAt(row, qt.QFormLayout.LabelRole) for form in layouts for row in range(form.rowCount())]
    column = [item.widget() for item in items if item is not None and item.widget() is not None]
    width = max(label.sizeHint.width() for label in column)
    for label in column:
        label.setMinimumWidth(width)


def orderTabs(layout):
    """Let the tab key go through the widgets of a layout, and of those in it, in the order in which they lie.

    The order in .ui files leaves out selectors of nodes: the combo box inside of them hands its focus to the
    selector, which takes none, so that the keyboard does not reach them at all.
    """
    widgets = list(_focusable(layout))
    for before, after in itertools.pairwise(widgets):
        qt.QWidget.setTabOrder(before, after)


def _focusable(layout):
    for number in range(layout.count()):
        item = layout.itemAt(number)
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            if _takesTab(widget):
                proxy = widget.focusProxy()
                if proxy is not None and not _takesTab(proxy):  # the combo box in a qMRMLNodeComboBox
                    widget.setFocusProxy(None)
                yield widget
            inner = widget.layout()
        if inner is not None:
            yield from _focusable(inner)


def _takesTab(widget):
    return bool(int(widget.focusPolicy) & int(qt.Qt.TabFocus))


def shortcut(keys, widget, slot, context=qt.Qt.WindowShortcut):
    """Return a shortcut of a widget; the caller keeps it."""
    made = qt.QShortcut(qt.QKeySequence(keys), widget)
    made.setContext(context)
    made.connect("activated()", slot)
    return made
