"""What a user does with the panel, for tests and for the pictures of the documentation. Test use only.

On the stand-ins with mouse and keyboard of QTest; inside Slicer (in_slicer.py) by the widgets' own slots.
"""

from pathlib import Path

import numpy as np
import slicer

try:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
except ImportError:  # inside Slicer
    QTest = None

ROOT = Path(__file__).resolve().parents[2]
MODULE_FILE = ROOT / "SpatialDeconv" / "SpatialDeconv.py"
NAME = "SpatialDeconv"


def phantom(shape=(6, 24, 24), seed=0):
    """Return bright blocks of four intensities on a dark ground, float32, (k, j, i)."""
    random = np.random.default_rng(seed)
    array = np.full(shape, 10.0, np.float32)
    for intensity in (30.0, 60.0, 100.0) * 3:
        corner = [random.integers(0, max(n - n // 3, 1)) for n in shape]
        block = tuple(slice(c, c + max(n // 3, 1)) for c, n in zip(corner, shape, strict=True))
        array[block] = intensity
    return array


class User:
    """The person in front of the window."""

    def __init__(self, window):
        self.window = window

    # -- opening, leaving

    def open(self):
        self.window.open(str(MODULE_FILE))
        return self

    @property
    def panel(self):
        return self.window.python(NAME)

    @property
    def ui(self):
        return self.panel.ui

    @property
    def parameters(self):
        return self.panel.logic.getParameterNode()

    def leave(self):
        self.window.leave(NAME)

    def come_back(self):
        self.window.enter(NAME)

    # -- data

    def add_volume(self, array=None, name="phantom", spacing=(1.0, 1.0, 1.0), kind=None):
        node = slicer.util.addVolumeFromArray(phantom() if array is None else array, nodeClassName=kind)
        node.SetName(name)
        node.SetSpacing(*spacing)
        node.CreateDefaultDisplayNodes()
        return node

    def choose(self, selector, node):
        getattr(self.ui, selector).setCurrentNode(node)
        self.window.processEvents()

    def choose_text(self, comboBox, text):
        """Choose the item of a combo box whose text begins so."""
        widget = getattr(self.ui, comboBox)
        texts = [widget.itemText(i) for i in range(widget.count)]
        (index,) = [i for i, known in enumerate(texts) if known.startswith(text)] or [-1]
        assert index >= 0, (text, texts)
        widget.currentIndex = index

    def choose_filter(self, text):
        """Choose a filter of the blend by what its name begins with."""
        self.choose_text("strategyComboBox", "Blend")
        self.choose_text("methodComboBox", text)

    def load_kernels(self, path):
        self.window.answers.append(str(path))
        self.click("loadKernelsButton")

    # -- mouse and keyboard

    def reveal(self, widget):
        """Open the sections that a widget lies in, as far as they are closed."""
        parent = widget.parent()
        while parent is not None:
            if parent.inherits("ctkCollapsibleButton") and parent.collapsed:
                parent.collapsed = False
                self.window.processEvents()
            parent = parent.parent()

    def scrolled(self):
        """Return how far down the panel has been scrolled, in pixels."""
        parent = self.ui.applyButton.parent()
        while not parent.inherits("QScrollArea"):
            parent = parent.parent()
        return -parent.widget().pos.y()

    def click(self, button):
        """Click a button as the mouse does: nothing happens on one that is disabled."""
        widget = getattr(self.ui, button)
        self.reveal(widget)
        if QTest:
            QTest.mouseClick(widget.__dict__["_target"], Qt.MouseButton.LeftButton)
        else:
            widget.click()
        self.window.processEvents()

    def type_in(self, lineEdit, text):
        """Replace the text of a line edit and press Enter."""
        widget = getattr(self.ui, lineEdit)
        self.reveal(widget)
        widget.setFocus()
        widget.selectAll()
        if QTest:
            QTest.keyClicks(widget.__dict__["_target"], text)
            QTest.keyClick(widget.__dict__["_target"], Qt.Key.Key_Return)
        else:
            widget.text = text
            widget.editingFinished()
        self.window.processEvents()

    def soon(self, action, milliseconds=0):
        """Do something as soon as Slicer handles its events again; an exception fails the test."""
        import qt

        def act():
            try:
                action()
            except Exception as error:
                self.window.swallowed.append(error)

        qt.QTimer.singleShot(milliseconds, act)

    def select_rows(self, *numbers):
        table = self.ui.kernelTable
        table.clearSelection()
        for number in numbers:
            for column in range(table.columnCount):
                table.item(number, column).setSelected(True)
        self.window.processEvents()

    def cell(self, row, column):
        return self.ui.kernelTable.item(row, column).text()

    def edit_cell(self, row, column, text):
        self.ui.kernelTable.item(row, column).setText(text)
        self.window.processEvents()

    def drop(self, *paths, onto=None):
        """Drag files or folders onto a widget, else the table, and let them go; return whether it takes them."""
        import qt

        mime = qt.QMimeData()
        mime.setUrls([qt.QUrl.fromLocalFile(str(path)) for path in paths])
        given = qt.Qt.CopyAction, mime, qt.Qt.LeftButton, qt.Qt.NoModifier
        target, enter = onto or self.ui.kernelTable.viewport(), qt.QDragEnterEvent(qt.QPoint(5, 5), *given)
        enter.ignore()  # as those that Qt sends
        slicer.app.sendEvent(target, enter)
        if target.acceptDrops and enter.isAccepted():
            slicer.app.sendEvent(target, qt.QDropEvent(qt.QPointF(5, 5), *given))
        self.window.processEvents()
        return enter.isAccepted()

    def copy(self, text):
        slicer.app.clipboard().setText(text)

    # -- what is to be seen

    def visible(self, name):
        """Whether a widget is shown, were its section open (a collapsed one hides it and remembers this)."""
        widget = getattr(self.ui, name)
        remembered = widget.property("visibilityToParent")
        return not widget.isHidden() if remembered is None else bool(remembered)

    def table(self):
        rows = range(self.ui.kernelTable.rowCount)
        return [tuple(self.cell(row, column) for column in range(3)) for row in rows]

    def shown_in_views(self):
        """Return the background volume of the slice views."""
        names = set()
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            node = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "none")
            names.add(node.GetName() if node else None)
        return names
