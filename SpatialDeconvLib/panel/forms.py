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
    :param first: callable without arguments that fits what else needs other heights at other widths
    """

    def __init__(self, labels, form, first):
        self._labels, self._first = tuple(labels), first
        self._timer = qt.QTimer()  # the layouts know the widths after the event that changes a text
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.fit)
        self._sizes = EventWatch(form, (qt.QEvent.Resize,), self.fit)

    def update(self, _state=None):
        """A text may have changed."""
        self._timer.start(0)

    def fit(self):
        """Let each label be as high as its text."""
        self._first()
        for label in self._labels:
            label.setMinimumHeight(0)  # what a label asks for is never less
            if label.isVisible():
                label.setMinimumHeight(max(label.heightForWidth(label.width), 0))  # -1 without text

    def cleanup(self):
        """The panel goes away."""
        self._sizes.cleanup()
        self._timer.stop()
        self._timer.disconnect("timeout()", self.fit)


def show(label, text):
    """Show a text in a label; a label without text takes no room."""
    label.text = text
    label.visible = bool(text)


class FormRow:
    """A row of a form layout that can be taken out: one with hidden widgets keeps the gap below it.

    :param form: the form layout
    :param label, field: the widgets in the row
    """

    def __init__(self, form, label, field):
        self._form = form
        self._number = next(row for row in range(form.rowCount()) if _labelIn(form, row) == label)
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


class FormRows:
    """Rows of form layouts of which not all are always shown.

    :param ui: the panel's widgets
    :param layouts: the form layouts
    :param names: names of label and field of each row, by the name of what it is for
    """

    def __init__(self, ui, layouts, names):
        self._rows = {}
        for name, widgets in names.items():
            label, field = (getattr(ui, widget) for widget in widgets)
            form = next(form for form in layouts if label in columnOf([form]))
            self._rows[name] = FormRow(form, label, field)

    def show(self, names):
        """Show the rows with these names and no others."""
        for name, row in self._rows.items():
            row.show(name in names)


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


def columnOf(layouts):
    """Return the labels in the first columns of form layouts, those of hidden rows, too."""
    found = [_labelIn(form, row) for form in layouts for row in range(form.rowCount())]
    return [label for label in found if label is not None and not label.wordWrap]


def align(column):
    """Give the labels of a column one width."""
    width = max(label.sizeHint.width() for label in column)
    for label in column:
        label.setMinimumWidth(width)


def _labelIn(form, row):
    item = form.itemAt(row, qt.QFormLayout.LabelRole)
    return None if item is None else item.widget()


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
