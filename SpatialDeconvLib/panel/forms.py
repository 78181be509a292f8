"""The panel's form: labels as high as their text, one column of labels, the order of the tab key."""

import itertools

import qt

# What comes when a widget has got another font or style.
FONT_EVENTS = (qt.QEvent.FontChange, qt.QEvent.StyleChange)


class EventWatch(qt.QObject):
    """Tells when a widget has got certain events, once the layouts know.

    :param widget: the widget
    :param kinds: the kinds of events, of qt.QEvent
    :param changed: called without arguments
    """

    def __init__(self, widget, kinds, changed):
        qt.QObject.__init__(self, widget)
        self._kinds, self._changed = kinds, changed
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.onTimeout)
        widget.installEventFilter(self)

    def eventFilter(self, _target, event):
        """See what the widget is told; it is told all the same."""
        if event.type() in self._kinds:
            self._timer.start(0)
        return False

    def onTimeout(self):
        self._changed()

    def cleanup(self):
        """The panel goes away."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self.onTimeout)


class WrappedLabels:
    """Gives labels that wrap their text the height that it needs at their width.

    A form in Slicer's module panel lies in a scroll area, which asks for the smallest height of the form. A label
    that wraps says one line there, whatever its text: without this, the lines overlap what lies above or below.

    :param labels: the labels
    :param form: the widget that they lie in, to follow its width
    """

    def __init__(self, labels, form):
        self._labels = tuple(labels)
        self._timer = qt.QTimer()  # the layouts know the widths after the event that changes a text
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.fit)
        self._sizes = EventWatch(form, (qt.QEvent.Resize,), self.fit)

    def update(self, _state=None):
        """A text may have changed."""
        self._timer.start(0)

    def fit(self):
        """Let each label be as high as its text."""
        for label in self._labels:
            label.setMinimumHeight(0)  # what a label asks for is never less
            if label.isVisible():
                label.setMinimumHeight(max(label.heightForWidth(label.width), 0))  # -1 without text

    def cleanup(self):
        """The panel goes away."""
        self._sizes.cleanup()
        self._timer.stop()
        self._timer.disconnect("timeout()", self.fit)


# Letters that widgets have to have room for, beside what frames them; by themselves they ask for the width of the
# longest name, the largest number, or a style's idea of a button.
LEAST_LETTERS = {
    "qMRMLNodeComboBox": 8,
    "ctkPathLineEdit": 8,
    "QComboBox": 8,
    "QAbstractSpinBox": 4,
    "QLineEdit": 4,
}
FRAME = 24  # pixels


def letShrink(widgets):
    """Let widgets be as narrow as their contents allow, so that a narrow panel can show all of them."""
    for widget in widgets:
        letters = next((n for name, n in LEAST_LETTERS.items() if widget.inherits(name)), None)
        if letters is not None:
            widget.setMinimumWidth(letters * widget.fontMetrics().averageCharWidth() + FRAME)
        elif widget.inherits("ctkCollapsibleButton"):
            contentWithLess(widget)
        elif widget.inherits("QPushButton") or widget.inherits("QToolButton"):
            widget.setMinimumWidth(widget.fontMetrics().boundingRect(widget.text).width() + FRAME // 2)


def contentWithLess(widget):
    """Let a widget be as narrow as its contents can be, not only as narrow as they would like to be."""
    policy = widget.sizePolicy
    policy.setHorizontalPolicy(qt.QSizePolicy.Preferred)
    widget.sizePolicy = policy


def show(label, text):
    """Show a text in a label; a label without text takes no room."""
    label.text = text
    label.visible = bool(text)


class FormRow:
    """A row of a form layout that can be taken out: one with hidden widgets keeps the gap below it.

    :param form: the form layout
    :param number: the row
    :param label, field: the widgets in it
    """

    def __init__(self, form, number, label, field):
        self._form, self._number = form, number
        self._widgets = {qt.QFormLayout.LabelRole: label, qt.QFormLayout.FieldRole: field}
        self._isIn = True

    def show(self, isShown):
        """Show the row, or leave it out."""
        for role, widget in self._widgets.items():
            if isShown and not self._isIn:
                self._form.setWidget(self._number, role, widget)
            elif not isShown and self._isIn:
                self._form.removeWidget(widget)
            widget.visible = isShown
        self._isIn = isShown


def setEnabled(button, isEnabled):
    """Enable or disable a button; one that has the focus would hand it on, and the panel would scroll after it."""
    if not isEnabled:
        button.clearFocus()
    button.enabled = isEnabled


def setChecked(button, isOn):
    """Check a button without telling its slots."""
    wasBlocked = button.blockSignals(True)
    button.checked = isOn
    button.blockSignals(wasBlocked)


def alignColumns(layouts):
    """Give the labels in the first columns of form layouts one width, whichever rows are shown."""
    layouts = tuple(layouts)
    items = [form.itemAt(row, qt.QFormLayout.LabelRole) for form in layouts for row in range(form.rowCount())]
    found = [item.widget() for item in items if item is not None and item.widget() is not None]
    column = [widget for widget in found if not widget.wordWrap]
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
