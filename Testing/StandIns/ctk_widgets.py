"""STAND-INS for the CTK widgets that the panel uses, on PySide6. Test use only.

Each is written after the source of the same name in CTK's Libs/Widgets (the commit that Slicer 5.12 pins); only
what the panel touches is there. What is measured in the running widgets is checked by traits.py.

ctkCollapsibleButton.cpp   checkable, checked == not collapsed; children are hidden while collapsed, and what is
                           shown or hidden meanwhile counts when it opens (visibilityToParent)
ctkCollapsibleGroupBox.cpp the same; its title bar is the check box of a QGroupBox
ctkPathLineEdit.cpp        a path is valid when its name fits a name filter ("" never is), whether it exists or
                           not; currentPathChanged comes with every valid text, validInputChanged with a change
ctkSliderWidget.cpp        slider and spin box of one value, 0 to 99.99 in steps of 1, two decimals; no setRange
ctkRangeWidget.cpp         two spin boxes around a two-handled slider; setValues puts the smaller first
ctkCheckableComboBox.cpp   a combo box whose items have a check mark; shows the names of the checked ones
ctkMessageBox.cpp, ctkComboBox.cpp, ctkMenuButton.cpp, ctkPushButton.cpp, ctkCheckBox.cpp,
ctkFittedTextBrowser.cpp   like their Qt base classes here
"""

import fnmatch
import math
import os

from PySide6.QtCore import Property, QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPalette, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStyleOptionGroupBox,
    QStylePainter,
    QTextBrowser,
    QToolButton,
    QWidget,
)
from pythonqt import implement

EXPLICIT = Qt.WidgetAttribute.WA_WState_ExplicitShowHide


def value(kind, name, initial=None):
    """Return a plain Qt property that is kept in the attribute _NAME of the object."""

    def get(self):
        return getattr(self, f"_{name}", initial)

    def set_(self, new):
        setattr(self, f"_{name}", new)
        self.update()

    return Property(kind, get, set_)


def forwarded(kind, part, getter, setter):
    """Return a Qt property that belongs to a part of the widget."""
    return Property(
        kind,
        lambda self: getattr(getattr(self, part), getter)(),
        lambda self, new: getattr(getattr(self, part), setter)(new),
    )


class Collapsing:
    """Hides the children while collapsed, and remembers which of them were to be seen."""

    _forcing = False

    def _isCollapsed(self):
        return not self.isChecked()

    def _adopt(self, child):
        child.setProperty("visibilityToParent", not child.isHidden() or not child.testAttribute(EXPLICIT))
        child.installEventFilter(self)
        self._showChild(child)

    def _showChild(self, child):
        """A child that was hidden on purpose stays hidden; one that is shown while collapsed waits."""
        self._forcing = True
        wanted = child.property("visibilityToParent") is not False and not self._isCollapsed()
        if child.isHidden() == wanted:
            child.setVisible(wanted)
        if child.property("visibilityToParent") is not False:
            child.setAttribute(EXPLICIT, False)  # so that hiding it on purpose is noticed
        self._forcing = False

    def _showChildren(self):
        for child in self.children():
            if isinstance(child, QWidget):
                self._showChild(child)

    def childEvent(self, event):
        if event.added() and isinstance(event.child(), QWidget):
            self._adopt(event.child())
        super().childEvent(event)

    def eventFilter(self, child, event):
        if event.type() in (QEvent.Type.ShowToParent, QEvent.Type.HideToParent) and not self._forcing:
            child.setProperty("visibilityToParent", event.type() == QEvent.Type.ShowToParent)
            self._showChild(child)
        return False


@implement
class ctkCollapsibleButton(Collapsing, QAbstractButton):
    contentsCollapsed = Signal(bool)

    def __init__(self, *given):
        super().__init__(*[g for g in given if not isinstance(g, str)])
        if given and isinstance(given[0], str):
            self.setText(given[0])
        self._collapsed = False
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._buttonHeight(), 0, 0)
        self.setBackgroundRole(QPalette.ColorRole.Window)
        self.toggled.connect(lambda checked: self._collapse(not checked))

    def _collapse(self, collapsed):
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setMaximumHeight(self.sizeHint().height() if collapsed else 16777215)
        self._showChildren()
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _setCollapsed(self, collapsed):
        self.setChecked(not collapsed)

    collapsed = Property(bool, lambda self: self._collapsed, _setCollapsed)
    collapsedHeight = value(int, "collapsedHeight", 14)
    contentsLineWidth = value(int, "contentsLineWidth", 1)
    contentsMidLineWidth = value(int, "contentsMidLineWidth", 0)
    contentsFrameShape = value(int, "contentsFrameShape", 0)
    contentsFrameShadow = value(int, "contentsFrameShadow", 16)
    flat = value(bool, "flat", False)

    def _buttonHeight(self):
        return max(self.fontMetrics().height() + 8, 22)

    def sizeHint(self):
        width = self.fontMetrics().horizontalAdvance(self.text()) + 40
        button = QSize(width, self._buttonHeight() + self.collapsedHeight)
        if self._collapsed or self.layout() is None:
            return button
        return self.layout().totalSizeHint().expandedTo(button)

    def minimumSizeHint(self):
        if self._collapsed or self.layout() is None:
            return self.sizeHint()
        return self.layout().totalMinimumSize().expandedTo(QSize(60, self._buttonHeight()))

    def paintEvent(self, _event):
        painter = QStylePainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.width(), self._buttonHeight())
        option.state |= QStyle.StateFlag.State_Raised
        painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)
        down = QStyle.PrimitiveElement.PE_IndicatorArrowDown
        right = QStyle.PrimitiveElement.PE_IndicatorArrowRight
        option.rect = QRect(6, self._buttonHeight() // 2 - 5, 10, 10)
        painter.drawPrimitive(right if self._collapsed else down, option)
        area = QRect(22, 0, self.width() - 26, self._buttonHeight())
        role = QPalette.ColorRole.ButtonText
        alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        self.style().drawItemText(
            painter,
            area,
            alignment | Qt.TextFlag.TextShowMnemonic,
            self.palette(),
            self.isEnabled(),
            self.text(),
            role,
        )

    def hitButton(self, position):
        return position.y() < self._buttonHeight()


@implement
class ctkPathLineEdit(QWidget):
    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, *given):
        super().__init__(*[g for g in given if isinstance(g, QWidget)])
        self._valid = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._combo = QComboBox(self)
        self._combo.setEditable(True)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._browse = QToolButton(self)
        self._browse.setText("...")
        layout.addWidget(self._combo)
        layout.addWidget(self._browse)
        self._combo.lineEdit().textChanged.connect(self._updateValidity)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self._combo)

    def _accepts(self, path):
        patterns = []
        for nameFilter in self._nameFilters():
            inside = (
                nameFilter[nameFilter.find("(") + 1 : nameFilter.rfind(")")] if "(" in nameFilter else nameFilter
            )
            patterns += inside.replace(";", " ").split()
        return bool(path) and (not patterns or any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns))

    def _updateValidity(self, path):
        before, self._valid = self._valid, self._accepts(path)
        if self._valid:
            self.currentPathChanged.emit(path)
        if self._valid != before:
            self.validInputChanged.emit(self._valid)

    def _path(self):
        return self._combo.lineEdit().text()

    def setCurrentPath(self, path):
        self._combo.lineEdit().setText(path)

    def _nameFilters(self):
        return getattr(self, "_filters", [])

    def _setNameFilters(self, filters):
        self._filters = list(filters)

    def comboBox(self):
        return self._combo

    def addCurrentPathToHistory(self):
        if self._combo.findText(self._path()) < 0:
            self._combo.addItem(self._path())

    def retrieveHistory(self):
        pass

    currentPath = Property(str, _path, setCurrentPath)
    nameFilters = Property("QStringList", _nameFilters, _setNameFilters)
    settingKey = value(str, "settingKey", "")
    label = value(str, "label", "")
    filters = value(int, "filterFlags", 24663)
    options = value(int, "options", 0)
    sizeAdjustPolicy = value(int, "sizeAdjustPolicy", 2)
    minimumContentsLength = value(int, "minimumContentsLength", 0)
    showBrowseButton = Property(
        bool, lambda self: not self._browse.isHidden(), lambda self, shown: self._browse.setVisible(shown)
    )
    showHistoryButton = value(bool, "showHistoryButton", True)


@implement
class ctkSliderWidget(QWidget):
    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)
    STEPS = 1000

    def __init__(self, *given):
        super().__init__(*given)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, self.STEPS)
        self._spin = QDoubleSpinBox(self)
        self._spin.setRange(0.0, 99.99)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin)
        self._spin.valueChanged.connect(self._changed)
        self._slider.sliderMoved.connect(self._moved)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _changed(self, new):
        self._place()
        self.valueIsChanging.emit(new)
        self.valueChanged.emit(new)

    def _moved(self, position):
        self._spin.setValue(self._spin.minimum() + position / self.STEPS * self._width())

    def _width(self):
        return self._spin.maximum() - self._spin.minimum()

    def _place(self):
        share = (self._spin.value() - self._spin.minimum()) / self._width() if self._width() > 0 else 0.0
        self._slider.setValue(round(share * self.STEPS) if math.isfinite(share) else 0)

    def setValue(self, new):
        self._spin.setValue(new)

    def setDecimals(self, decimals):
        self._spin.setDecimals(decimals)
        self.valueChanged.emit(self._spin.value())
        self.decimalsChanged.emit(decimals)

    def reset(self):
        self._spin.setValue(0.0)

    value = Property(float, lambda self: self._spin.value(), setValue)
    minimum = forwarded(float, "_spin", "minimum", "setMinimum")
    maximum = forwarded(float, "_spin", "maximum", "setMaximum")
    singleStep = forwarded(float, "_spin", "singleStep", "setSingleStep")
    decimals = Property(int, lambda self: self._spin.decimals(), setDecimals)
    prefix = forwarded(str, "_spin", "prefix", "setPrefix")
    suffix = forwarded(str, "_spin", "suffix", "setSuffix")
    tracking = value(bool, "tracking", True)
    pageStep = value(float, "pageStep", 10.0)
    tickInterval = value(float, "tickInterval", 0.0)
    popupSlider = value(bool, "popupSlider", False)
    spinBoxVisible = Property(
        bool, lambda self: not self._spin.isHidden(), lambda self, shown: self._spin.setVisible(shown)
    )


class _RangeSlider(QWidget):
    """The two-handled slider in the middle of a range widget, drawn only."""

    def __init__(self, owner):
        super().__init__(owner)
        self._owner = owner
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(60, 18)

    def paintEvent(self, _event):
        painter = QStylePainter(self)
        low, high = self._owner.shares()
        middle, width = self.height() // 2, self.width() - 12
        painter.fillRect(QRect(6, middle - 2, width, 4), self.palette().color(QPalette.ColorRole.Mid))
        left, right = round(6 + low * width), round(6 + high * width)
        colour = self.palette().color(QPalette.ColorRole.Highlight) if self.isEnabled() else QColor("gray")
        painter.fillRect(QRect(left, middle - 2, right - left, 4), colour)
        for x in (left, right):
            option = QStyleOptionButton()
            option.initFrom(self)
            option.rect = QRect(x - 5, middle - 8, 10, 16)
            painter.drawControl(QStyle.ControlElement.CE_PushButtonBevel, option)


@implement
class ctkRangeWidget(QWidget):
    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    minimumValueIsChanging = Signal(float)
    maximumValueIsChanging = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, *given):
        super().__init__(*given)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._low, self._high = QDoubleSpinBox(self), QDoubleSpinBox(self)
        for spin in (self._low, self._high):
            spin.setRange(0.0, 99.0)
        self._high.setValue(99.0)
        self._slider = _RangeSlider(self)
        for part in (self._low, self._slider, self._high):
            layout.addWidget(part)
        self._low.valueChanged.connect(self._lowChanged)
        self._high.valueChanged.connect(self._highChanged)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def shares(self):
        width = self._high.maximum() - self._low.minimum()
        low, high = (spin.value() - self._low.minimum() for spin in (self._low, self._high))
        return (low / width, high / width) if 0 < width < float("inf") else (0.0, 1.0)

    def _lowChanged(self, new):
        if new > self._high.value():
            self._high.setValue(new)
        self._emit(self.minimumValueChanged, new)

    def _highChanged(self, new):
        if new < self._low.value():
            self._low.setValue(new)
        self._emit(self.maximumValueChanged, new)

    def _emit(self, signal, new):
        self._slider.update()
        signal.emit(new)
        self.valuesChanged.emit(self._low.value(), self._high.value())

    def setValues(self, low, high):
        low, high = min(low, high), max(low, high)
        if low > self._high.value():
            self._high.setValue(high)
            self._low.setValue(low)
        else:
            self._low.setValue(low)
            self._high.setValue(high)

    def setRange(self, low, high):
        low, high = min(low, high), max(low, high)
        before = self._low.minimum(), self._high.maximum()
        for spin in (self._low, self._high):
            blocked = spin.blockSignals(True)
            spin.setRange(low, high)
            spin.blockSignals(blocked)
        self._slider.update()
        if before != (self._low.minimum(), self._high.maximum()):
            self.rangeChanged.emit(self._low.minimum(), self._high.maximum())

    def setDecimals(self, decimals):
        for spin in (self._low, self._high):
            spin.setDecimals(decimals)

    def setMinimumValue(self, new):
        self._low.setValue(new)

    def setMaximumValue(self, new):
        self._high.setValue(new)

    def _setStep(self, step):
        for spin in (self._low, self._high):
            spin.setSingleStep(step)

    def _setSuffix(self, suffix):
        for spin in (self._low, self._high):
            spin.setSuffix(suffix)

    minimum = Property(
        float, lambda self: self._low.minimum(), lambda self, new: self.setRange(new, self._high.maximum())
    )
    maximum = Property(
        float, lambda self: self._high.maximum(), lambda self, new: self.setRange(self._low.minimum(), new)
    )
    minimumValue = Property(float, lambda self: self._low.value(), setMinimumValue)
    maximumValue = Property(float, lambda self: self._high.value(), setMaximumValue)
    decimals = Property(int, lambda self: self._low.decimals(), setDecimals)
    singleStep = Property(float, lambda self: self._low.singleStep(), _setStep)
    suffix = Property(str, lambda self: self._low.suffix(), _setSuffix)
    tracking = value(bool, "tracking", True)
    symmetricMoves = value(bool, "symmetricMoves", False)


@implement
class ctkComboBox(QComboBox):
    defaultText = value(str, "defaultText", "")
    forceDefault = value(bool, "forceDefault", False)


@implement
class ctkCheckableComboBox(QComboBox):
    checkedIndexesChanged = Signal()

    def __init__(self, *given):
        super().__init__(*given)
        self._checked = []
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self._items.rowsInserted.connect(self._makeCheckable)
        self._items.dataChanged.connect(self._update)
        self._items.rowsRemoved.connect(self._update)

    def _makeCheckable(self, _parent, first, last):
        for row in range(first, last + 1):
            item = self._items.item(row)
            if item.data(Qt.ItemDataRole.CheckStateRole) is None:
                item.setCheckable(True)
                item.setCheckState(Qt.CheckState.Unchecked)

    def _update(self, *_):
        checked = [index.row() for index in self.checkedIndexes()]
        if checked != self._checked:
            self._checked = checked
            self.update()
            self.checkedIndexesChanged.emit()

    def checkedIndexes(self):
        rows = range(self._items.rowCount())
        return [
            self._items.index(row, 0) for row in rows if self._items.item(row).checkState() == Qt.CheckState.Checked
        ]

    def checkState(self, index):
        return self._items.itemFromIndex(index).checkState()

    def setCheckState(self, index, state):
        self._items.itemFromIndex(index).setCheckState(state)

    def allChecked(self):
        return len(self.checkedIndexes()) == self.count()

    def noneChecked(self):
        return not self.checkedIndexes()

    def checkableModel(self):
        return self._items

    def paintEvent(self, _event):
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        names = [self._items.itemFromIndex(index).text() for index in self.checkedIndexes()]
        option.currentText = "None" if not names else "All" if len(names) == self.count() else ", ".join(names)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


@implement
class ctkMessageBox(QMessageBox):
    dontShowAgain = value(bool, "dontShowAgain", False)
    dontShowAgainVisible = value(bool, "dontShowAgainVisible", False)
    dontShowAgainSettingsKey = value(str, "dontShowAgainSettingsKey", "")


@implement
class ctkPushButton(QPushButton):
    pass


@implement
class ctkMenuButton(QPushButton):
    pass


@implement
class ctkCheckBox(QCheckBox):
    pass


@implement
class ctkCollapsibleGroupBox(Collapsing, QGroupBox):
    def __init__(self, *given):
        super().__init__(*given)
        self.setCheckable(True)
        self.toggled.connect(self._expand)

    def _expand(self, expanded):
        self._showChildren()
        self.setMaximumHeight(16777215 if expanded else self.fontMetrics().height() + 8 + self.collapsedHeight)

    collapsed = Property(
        bool, lambda self: not self.isChecked(), lambda self, collapsed: self.setChecked(not collapsed)
    )
    collapsedHeight = value(int, "collapsedHeight", 14)

    def paintEvent(self, _event):
        painter = QStylePainter(self)
        option = QStyleOptionGroupBox()
        self.initStyleOption(option)
        option.subControls &= ~QStyle.SubControl.SC_GroupBoxCheckBox
        mark = self.style().subControlRect(
            QStyle.ComplexControl.CC_GroupBox, option, QStyle.SubControl.SC_GroupBoxCheckBox, self
        )
        option.text = ""
        painter.drawComplexControl(QStyle.ComplexControl.CC_GroupBox, option)
        arrow = QStyleOptionButton()
        arrow.initFrom(self)
        arrow.rect = QRect(mark.left(), 3, 10, 10)
        down = QStyle.PrimitiveElement.PE_IndicatorArrowDown
        right = QStyle.PrimitiveElement.PE_IndicatorArrowRight
        painter.drawPrimitive(down if self.isChecked() else right, arrow)
        painter.drawText(mark.left() + 16, self.fontMetrics().ascent() + 2, self.title())


@implement
class ctkSearchBox(QLineEdit):
    showSearchIcon = value(bool, "showSearchIcon", True)


@implement
class ctkFittedTextBrowser(QTextBrowser):
    collapsed = value(bool, "collapsed", True)


@implement
class ctkDirectoryButton(QPushButton):
    directoryChanged = Signal(str)

    def _set(self, directory):
        if directory != self._directory():
            self._path = directory
            self.setText(os.path.basename(directory) or directory)
            self.directoryChanged.emit(directory)

    def _directory(self):
        return getattr(self, "_path", os.getcwd())

    directory = Property(str, _directory, _set)
