"""What PythonQt, CTK and the qMRML widgets do, as checks that run on the stand-ins and in Slicer alike.

    Slicer --no-splash --python-script Testing/StandIns/traits.py        prints one line a check, exit code 0 or 1
    pytest Testing/Python/test_panel_traits.py                           the same checks on the stand-ins

A check that passes here and fails in Slicer is a fault of the stand-ins. Every check is a function without
arguments; what it cites is where the behaviour comes from in the sources (files of MeVisLab's PythonQt, of
CTK and of Slicer).
"""

import gc
import sys
import traceback

import ctk
import qt
import slicer
import vtk


def raises(exceptionType, call, *arguments, **keywords):
    try:
        call(*arguments, **keywords)
    except exceptionType:
        return True
    except Exception as error:
        raise AssertionError(f"{type(error).__name__} instead of {exceptionType.__name__}: {error}") from error
    raise AssertionError(f"no {exceptionType.__name__}")


def assign(instance, name, value):
    setattr(instance, name, value)


class quiet:
    """Send what PythonQt prints (warnings, swallowed exceptions) to nowhere."""

    def __enter__(self):
        import io

        self.saved = sys.stderr, sys.stdout
        sys.stderr = sys.stdout = io.StringIO()
        return sys.stderr

    def __exit__(self, *_):
        sys.stderr, sys.stdout = self.saved


def newScene():
    return slicer.vtkMRMLScene()


def addVolume(scene, name, className="vtkMRMLScalarVolumeNode"):
    return scene.AddNewNodeByClass(className, name)


# -- attributes (PythonQtInstanceWrapper.cpp: getattro, setattro)


def check_properties_are_values():
    button, combo, table = qt.QPushButton("a"), qt.QComboBox(), qt.QTableWidget(2, 3)
    assert button.text == "a"
    assert combo.count == 0
    assert (table.rowCount, table.columnCount) == (2, 3)
    raises(TypeError, lambda: button.text())
    raises(TypeError, lambda: table.rowCount())
    raises(TypeError, lambda: combo.currentIndex())


def check_what_is_no_property_is_a_method():
    button = qt.QPushButton()
    assert button.isEnabled() is True
    assert button.parent() is None
    assert button.isVisible() is False
    assert qt.QTableWidgetItem("x").text() == "x"
    assert qt.QSize(3, 4).width() == 3


def check_unknown_attributes_are_refused():
    button = qt.QPushButton()
    raises(AttributeError, lambda: button.noSuchThing)
    raises(AttributeError, assign, button, "noSuchThing", 1)
    raises(AttributeError, assign, button, "setText", 1)
    raises(AttributeError, assign, button, "clicked", 1)
    raises(AttributeError, lambda: qt.QNoSuchClass)
    raises(AttributeError, lambda: ctk.ctkNoSuchClass)
    assert not hasattr(qt, "QVariant")
    assert not hasattr(qt, "QTest")
    assert not hasattr(qt.QTableWidgetItem(), "rowCount")


def check_read_only_properties_are_refused():
    raises(AttributeError, assign, qt.QComboBox(), "count", 3)
    raises(AttributeError, assign, qt.QWidget(), "width", 3)


def check_only_python_subclasses_take_new_attributes():
    class Label(qt.QLabel):
        pass

    label = Label("a")
    label.something = 3
    assert (label.something, label.text) == (3, "a")


def check_name_is_the_object_name():
    widget = qt.QWidget()
    widget.name = "w"
    assert (widget.objectName, widget.name) == ("w", "w")
    widget.setObjectName("v")
    assert widget.name == "v"


def check_dynamic_properties():
    widget = qt.QWidget()
    assert widget.setProperty("dyn", 5) is False
    assert widget.dyn == 5
    widget.dyn = 6
    assert widget.property("dyn") == 6
    assert widget.property("other") is None
    assert widget.setProperty("toolTip", "a") is True


def check_children_are_found_by_their_names():
    parent = qt.QWidget()
    child = qt.QLabel("x", parent)
    child.objectName = "inner"
    assert parent.inner is child


def check_types_are_flat():
    assert not isinstance(qt.QPushButton(), qt.QWidget)
    assert isinstance(qt.QPushButton(), qt.QPushButton)
    assert type(qt.QCheckBox()) is qt.QCheckBox
    assert qt.QPushButton().inherits("QWidget")
    assert qt.QPushButton().className() == "QPushButton"
    assert not qt.QPushButton().inherits("QLabel")
    assert ctk.ctkCollapsibleButton().inherits("QAbstractButton")


def check_wrappers_are_the_same_while_they_live():
    parent = qt.QWidget()
    child = qt.QLabel(parent)
    assert child.parent() is parent
    assert parent.children()[0] is child


# -- conversion (PythonQtConversion.cpp)


def check_lists_come_back_as_tuples():
    combo = slicer.qMRMLNodeComboBox()
    combo.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    assert combo.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    assert isinstance(qt.QWidget().children(), tuple)
    dialog = qt.QTableWidget(1, 1)
    assert isinstance(dialog.selectedItems(), tuple)


def check_integers_on_integer_boxes():
    spin = qt.QSpinBox()
    spin.value = 3.7
    assert spin.value == 3
    spin.setValue(4)
    assert spin.value == 4
    raises(AttributeError, assign, spin, "value", "x")
    raises(ValueError, spin.setValue, "x")


def check_numbers_on_double_boxes():
    spin = qt.QDoubleSpinBox()
    spin.value = 3
    assert spin.value == 3.0
    assert isinstance(spin.value, float)
    spin.value = 1.239
    assert spin.value == 1.24
    raises(AttributeError, assign, spin, "value", "x")
    raises(AttributeError, assign, spin, "value", None)


def check_texts_take_anything():
    label = qt.QLabel()
    label.text = None
    assert label.text == "None"
    label.text = 5
    assert label.text == "5"
    label.setText(6)
    assert label.text == "6"
    raises(ValueError, label.setText, qt.QIcon())


def check_string_lists_take_lists_and_no_generators():
    combo = qt.QComboBox()
    combo.addItems(["a", "b"])
    combo.addItems(("c",))
    assert combo.count == 3
    raises(ValueError, combo.addItems, (x for x in "ab"))
    nodes = slicer.qMRMLNodeComboBox()
    nodes.nodeTypes = "abc"
    assert nodes.nodeTypes == ("a", "b", "c")


def check_keyword_arguments_are_refused():
    raises(ValueError, lambda: qt.QPushButton(text="a"))
    raises(ValueError, lambda: qt.QComboBox().addItem(text="a"))


def check_overloads_are_exact():
    combo = qt.QComboBox()
    raises(ValueError, combo.addItem)
    raises(ValueError, combo.addItem, "a", 1, 2, 3)
    raises(ValueError, combo.setCurrentIndex, "a")
    raises(ValueError, combo.setCurrentIndex)
    raises(ValueError, qt.QTableWidget(1, 1).setItem, 0, 0, "text")
    raises(ValueError, qt.QTableWidget(1, 1).setItem, 0, 0)
    raises(ValueError, lambda: qt.QSize("a", "b"))
    raises(ValueError, qt.QWidget().setLayout, qt.QLabel())
    combo.addItem("a", 7)
    assert combo.itemData(0) == 7
    combo.addItem(qt.QIcon(), "b", "data")
    assert combo.itemData(1) == "data"
    assert combo.itemData(1, qt.Qt.DisplayRole) == "b"


def check_data_of_items():
    item = qt.QTableWidgetItem("x")
    item.setData(qt.Qt.UserRole, 3.5)
    assert item.data(qt.Qt.UserRole) == 3.5
    item.setData(qt.Qt.UserRole, "s")
    assert item.data(qt.Qt.UserRole) == "s"
    assert item.data(qt.Qt.UserRole + 1) is None
    combo = qt.QComboBox()
    combo.addItem("a", "A")
    assert combo.currentData == "A"
    assert combo.findData("A") == 0
    assert combo.findText("b") == -1


def check_rows_of_forms_can_be_taken_out_and_put_back():
    widget = qt.QWidget()
    form = qt.QFormLayout(widget)
    rows = [(qt.QLabel("a"), qt.QLineEdit()) for _ in range(3)]
    for label, edit in rows:
        form.addRow(label, edit)
    full = widget.sizeHint.height()
    label, edit = rows[1]
    form.removeWidget(label)
    form.removeWidget(edit)
    label.visible = edit.visible = False
    assert form.rowCount() == 3
    assert form.indexOf(edit) == -1
    assert edit.parent() is not None
    assert 2 * full / 3 - 3 <= widget.sizeHint.height() < full
    form.setWidget(1, qt.QFormLayout.LabelRole, label)
    form.setWidget(1, qt.QFormLayout.FieldRole, edit)
    label.visible = edit.visible = True
    assert widget.sizeHint.height() == full
    assert form.itemAt(1, qt.QFormLayout.FieldRole).widget() == edit


def check_enums_are_integers():
    assert int(qt.Qt.AlignRight) == 2
    assert qt.QSizePolicy.Expanding == 7
    assert qt.QComboBox().sizeAdjustPolicy == 1
    assert qt.QMessageBox.Ok == 1024
    item = qt.QTableWidgetItem("x")
    item.setFlags(item.flags() & ~qt.Qt.ItemIsEditable)
    assert not item.flags() & qt.Qt.ItemIsEditable
    assert item.flags() & qt.Qt.ItemIsSelectable


def check_enum_arguments():
    label = qt.QLabel()
    label.setAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    assert int(label.alignment) == 0x82
    label.alignment = qt.Qt.AlignLeft
    assert int(label.alignment) == 1
    table = qt.QTableWidget(1, 2)
    table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
    assert int(table.selectionBehavior) == 1
    table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
    policy = qt.QSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    label.setSizePolicy(policy)
    label.setSizePolicy(qt.QSizePolicy.Preferred, qt.QSizePolicy.Fixed)


def check_values_of_qt_types():
    label = qt.QLabel()
    label.setMinimumSize(30, 20)
    assert (label.minimumSize.width(), label.minimumSize.height()) == (30, 20)
    color = qt.QColor(10, 20, 30)
    assert (color.red(), color.green(), color.blue()) == (10, 20, 30)
    assert color.name() == "#0a141e"
    assert qt.QSize(1, 2) == qt.QSize(1, 2)
    label.setContentsMargins(1, 2, 3, 4)


def check_implicit_conversions():
    item = qt.QTableWidgetItem("a")
    item.setForeground(qt.QColor(1, 2, 3))
    item.setForeground(qt.Qt.red)
    raises(ValueError, item.setForeground, "red")
    raises(ValueError, item.setIcon, qt.QPixmap(2, 2))
    raises(ValueError, qt.QLabel().setPixmap, qt.QImage(2, 2, qt.QImage.Format_RGB32))
    raises(ValueError, qt.QWidget().setMinimumSize, (3, 4))
    parent = qt.QWidget()
    raises(ValueError, qt.QShortcut, "Ctrl+V", parent)
    assert qt.QPixmap.fromImage(qt.QImage(2, 2, qt.QImage.Format_RGB32)).width() == 2
    qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
    qt.QApplication.restoreOverrideCursor()
    label = qt.QLabel()
    label.pixmap = qt.QPixmap(2, 2)
    assert label.pixmap.width() == 2


def check_menus():
    menu, seen = qt.QMenu(), []
    action = menu.addAction("a")
    assert action.text == "a"
    action.connect("triggered(bool)", seen.append)
    action.trigger()
    assert seen == [False]
    button = qt.QPushButton("b")
    button.setMenu(menu)
    assert button.menu() is menu
    assert [entry.text for entry in menu.actions()] == ["a"]
    menu.clear()
    assert menu.actions() == ()


def check_settings_and_clipboard():
    settings = qt.QSettings()
    assert settings.value("spatialdeconv-check/none") is None
    assert settings.value("spatialdeconv-check/none", "d") == "d"
    settings.setValue("spatialdeconv-check/text", "t")
    assert qt.QSettings().value("spatialdeconv-check/text") == "t"
    settings.remove("spatialdeconv-check")
    slicer.app.clipboard().setText("copied")
    assert slicer.app.clipboard().text() == "copied"


def check_images_from_bytes():
    image = qt.QImage()
    assert image.isNull()
    assert image.loadFromData(b"rubbish") is False
    bytes_ = qt.QByteArray(b"rubbish")
    assert qt.QPixmap().loadFromData(bytes_) is False


# -- signals (PythonQtStdDecorators.cpp: connect; PythonQtSignalReceiver.cpp: call)


def check_drops_are_seen_by_a_filter():
    class Filter(qt.QObject):
        def eventFilter(self, _target, event):
            if event.type() not in (qt.QEvent.DragEnter, qt.QEvent.Drop):
                return False
            seen.append((event.className(), [url.toLocalFile() for url in event.mimeData().urls()]))
            event.acceptProposedAction()
            return True

    seen, table = [], qt.QTableWidget()
    drops = Filter(table)
    table.viewport().setAcceptDrops(True)
    table.viewport().installEventFilter(drops)
    mime = qt.QMimeData()
    mime.setUrls([qt.QUrl.fromLocalFile("/a/k.npy")])
    given = qt.Qt.CopyAction, mime, qt.Qt.LeftButton, qt.Qt.NoModifier
    for event in (qt.QDragEnterEvent(qt.QPoint(1, 1), *given), qt.QDropEvent(qt.QPointF(1, 1), *given)):
        event.ignore()
        slicer.app.sendEvent(table.viewport(), event)
        assert event.isAccepted()
    assert seen == [("QDragEnterEvent", ["/a/k.npy"]), ("QDropEvent", ["/a/k.npy"])]


def check_shortcuts():
    seen, parent = [], qt.QWidget()
    shortcut = qt.QShortcut(qt.QKeySequence("Ctrl+Shift+Z"), parent)
    shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
    shortcut.connect("activated()", lambda: seen.append(1))
    shortcut.enabled = False
    assert not shortcut.enabled
    shortcut.activated()
    assert seen == [1]
    assert slicer.app.doubleClickInterval > 0


def check_connect_needs_the_full_signature():
    button, seen = qt.QPushButton(), []
    assert button.connect("clicked(bool)", lambda checked: seen.append(checked)) is True
    button.click()
    assert seen == [False]
    with quiet():
        assert button.connect("clicked", seen.append) is False
        assert button.connect("pressedHard(bool)", seen.append) is False
        assert button.connect("clicked(int)", seen.append) is False
    button.click()
    assert seen == [False, False]
    assert button.connect("clicked()", lambda: seen.append("plain")) is True
    button.click()
    assert seen[2:] == [False, "plain"]


def check_slots_get_as_many_arguments_as_they_take():
    spin, seen = qt.QSpinBox(), []
    spin.connect("valueChanged(int)", lambda: seen.append("none"))
    spin.connect("valueChanged(int)", lambda value: seen.append(value))
    spin.connect("valueChanged(int)", lambda value, more=None: seen.append((value, more)))
    spin.connect("valueChanged(int)", lambda *values: seen.append(values))
    spin.value = 5
    assert seen == ["none", 5, (5, None), (5,)]


def check_exceptions_in_slots_are_swallowed():
    spin, seen = qt.QSpinBox(), []

    def broken(value):
        raise RuntimeError("this traceback belongs to a check")

    spin.connect("valueChanged(int)", broken)
    spin.connect("valueChanged(int)", seen.append)
    with quiet():
        spin.value = 5
    assert (spin.value, seen) == (5, [5])


def check_connecting_twice_fires_twice():
    spin, seen = qt.QSpinBox(), []
    spin.connect("valueChanged(int)", seen.append)
    spin.connect("valueChanged(int)", seen.append)
    spin.value = 5
    assert seen == [5, 5]


def check_disconnecting():
    spin, seen = qt.QSpinBox(), []

    def slot(value):
        seen.append(value)

    spin.connect("valueChanged(int)", slot)
    assert spin.disconnect("valueChanged(int)", slot) is True
    assert spin.disconnect("valueChanged(int)", slot) is False
    spin.value = 5
    spin.valueChanged.connect(slot)
    spin.value = 6
    spin.valueChanged.disconnect(slot)
    spin.value = 7
    assert seen == [6]


def check_bound_methods_are_disconnected():
    class Receiver:
        def __init__(self):
            self.seen = []

        def slot(self, value):
            self.seen.append(value)

    spin, receiver = qt.QSpinBox(), Receiver()
    spin.connect("valueChanged(int)", receiver.slot)
    assert spin.disconnect("valueChanged(int)", receiver.slot) is True
    spin.value = 5
    assert receiver.seen == []


def check_blocked_signals():
    spin, seen = qt.QSpinBox(), []
    spin.connect("valueChanged(int)", seen.append)
    assert spin.blockSignals(True) is False
    spin.value = 5
    assert spin.blockSignals(False) is True
    assert seen == []


# -- ownership (PythonQtInstanceWrapper.cpp: deallocation)


def check_a_dropped_parentless_widget_is_destroyed():
    destroyed = []
    widget = qt.QWidget()
    widget.connect("destroyed()", lambda: destroyed.append(True))
    del widget
    gc.collect()
    assert destroyed == [True]


def check_children_die_with_their_parent():
    parent = qt.QWidget()
    child = qt.QLabel("x", parent)
    assert child.text == "x"
    del parent
    gc.collect()
    raises(ValueError, lambda: child.text)
    raises(ValueError, lambda: child.setText("y"))


def check_a_layout_takes_its_widgets():
    parent = qt.QWidget()
    layout = qt.QVBoxLayout(parent)
    child = qt.QLabel("x")
    layout.addWidget(child)
    del child
    gc.collect()
    assert [c.text for c in parent.children() if c.inherits("QLabel")] == ["x"]
    assert parent.layout() is layout or parent.layout() == layout


# -- Qt widgets the panel uses


def check_tables():
    table = qt.QTableWidget(0, 2)
    table.setHorizontalHeaderLabels(["a", "b"])
    table.insertRow(0)
    table.setItem(0, 0, qt.QTableWidgetItem("x"))
    assert table.item(0, 0).text() == "x"
    assert table.item(0, 1) is None
    box = qt.QDoubleSpinBox()
    table.setCellWidget(0, 1, box)
    assert table.cellWidget(0, 1) is box
    table.rowCount = 3
    assert table.rowCount == 3
    seen = []
    table.connect("cellChanged(int,int)", lambda row, column: seen.append((row, column)))
    table.item(0, 0).setText("y")
    assert seen == [(0, 0)]
    table.setCurrentCell(0, 0)
    assert (table.currentRow(), table.currentColumn()) == (0, 0)
    item = table.item(0, 0)
    assert table.item(0, 0) is item
    table.setItem(0, 0, qt.QTableWidgetItem("z"))
    raises(ValueError, item.text)
    table.removeRow(0)
    assert table.rowCount == 2


def check_timers():
    seen = []
    timer = qt.QTimer()
    timer.setSingleShot(True)
    timer.interval = 0
    timer.connect("timeout()", lambda: seen.append("timer"))
    timer.start()
    assert timer.active is True
    qt.QTimer.singleShot(0, lambda: seen.append("shot"))
    for _ in range(20):
        slicer.app.processEvents()
    assert sorted(seen) == ["shot", "timer"]
    assert timer.active is False


def check_combo_boxes():
    combo, seen = qt.QComboBox(), []
    combo.connect("currentIndexChanged(int)", seen.append)
    combo.addItem("a")
    combo.addItem("b")
    combo.currentIndex = 1
    assert combo.currentText == "b"
    combo.setCurrentText("a")
    assert combo.currentIndex == 0
    combo.clear()
    assert (combo.currentIndex, combo.currentText) == (-1, "")
    assert seen == [0, 1, 0, -1]


# -- CTK


def check_collapsible_button():
    button, seen = ctk.ctkCollapsibleButton(), []
    assert button.checked is True
    assert button.collapsed is False
    button.connect("contentsCollapsed(bool)", seen.append)
    button.collapsed = True
    assert (button.checked, seen) == (False, [True])
    button.checked = True
    assert (button.collapsed, seen) == (False, [True, False])
    button.text = "a"
    assert button.text == "a"
    layout = qt.QFormLayout(button)
    layout.addRow("b", qt.QLabel("c"))


def check_children_of_collapsed_sections():
    for make in (ctk.ctkCollapsibleButton, ctk.ctkCollapsibleGroupBox):
        parent = qt.QWidget()
        outer = qt.QVBoxLayout(parent)
        section = make()
        outer.addWidget(section)
        layout = qt.QVBoxLayout(section)
        label, hidden, later = qt.QLabel("a"), qt.QLabel("b"), qt.QLabel("c")
        for child in (label, hidden, later):
            layout.addWidget(child)
        parent.show()
        slicer.app.processEvents()
        hidden.visible = False
        assert [label.visible, hidden.visible, later.visible] == [True, False, True]
        section.collapsed = True
        assert [label.visible, hidden.visible, later.visible] == [False, False, False]
        later.visible = False
        hidden.visible = True  # not before the section opens
        assert [label.visible, hidden.visible, later.visible] == [False, False, False]
        section.collapsed = False
        assert [label.visible, hidden.visible, later.visible] == [True, True, False]


def check_collapsible_group_box():
    box, seen = ctk.ctkCollapsibleGroupBox(), []
    box.title = "a"
    assert (box.checkable, box.checked, box.collapsed) == (True, True, False)
    box.connect("toggled(bool)", seen.append)
    box.collapsed = True
    assert (box.checked, seen) == (False, [False])
    box.checked = True
    assert (box.collapsed, seen) == (False, [False, True])


def check_slider_widget():
    slider, seen = ctk.ctkSliderWidget(), []
    assert (slider.minimum, slider.maximum, slider.value, slider.decimals) == (0.0, 99.99, 0.0, 2)
    assert not hasattr(slider, "setRange")
    slider.connect("valueChanged(double)", seen.append)
    slider.maximum = 10
    slider.value = 4
    assert (slider.value, seen) == (4.0, [4.0])
    slider.maximum = 3
    assert (slider.value, seen) == (3.0, [4.0, 3.0])


def check_range_widget():
    widget, seen = ctk.ctkRangeWidget(), []
    assert (widget.minimum, widget.maximum) == (0.0, 99.0)
    widget.setRange(0, 100)
    widget.connect("valuesChanged(double,double)", lambda low, high: seen.append((low, high)))
    widget.setValues(30, 25)
    assert (widget.minimumValue, widget.maximumValue) == (25.0, 30.0)
    assert seen[-1] == (25.0, 30.0)


def check_path_line_edit():
    edit, seen = ctk.ctkPathLineEdit(), []
    edit.connect("currentPathChanged(QString)", seen.append)
    edit.connect("validInputChanged(bool)", seen.append)
    edit.currentPath = "/no/such/file.json"  # valid, whether it exists or not
    assert (edit.currentPath, seen) == ("/no/such/file.json", ["/no/such/file.json", True])
    edit.currentPath = "/other"
    assert seen[2:] == ["/other"]
    edit.currentPath = ""
    assert (edit.currentPath, seen[3:]) == ("", [False])


def check_path_line_edit_with_name_filters():
    edit, seen = ctk.ctkPathLineEdit(), []
    edit.nameFilters = ["Kernel sets (*.json)"]
    assert edit.nameFilters == ("Kernel sets (*.json)",)
    edit.connect("currentPathChanged(QString)", seen.append)
    edit.connect("validInputChanged(bool)", seen.append)
    edit.currentPath = "/no/such/file.json"
    edit.currentPath = "/no/such/file.txt"
    assert (edit.currentPath, seen) == ("/no/such/file.txt", ["/no/such/file.json", True, False])


# -- qMRML


def nodeSelector(scene, nodeTypes=("vtkMRMLScalarVolumeNode",), none=True):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = nodeTypes
    selector.noneEnabled = none
    selector.setMRMLScene(scene)
    return selector


def check_selector_defaults():
    selector = slicer.qMRMLNodeComboBox()
    assert selector.isEnabled() is False
    assert (selector.addEnabled, selector.removeEnabled) == (True, True)
    assert (selector.renameEnabled, selector.editEnabled, selector.noneEnabled) == (False, False, False)
    assert selector.noneDisplay == "None"
    assert selector.showChildNodeTypes is True
    assert selector.currentNode() is None
    assert selector.currentNodeID == ""
    selector.setMRMLScene(newScene())
    assert selector.isEnabled() is True


def check_selector_with_none():
    scene = newScene()
    node = addVolume(scene, "a")
    selector, seen = nodeSelector(scene), []
    assert selector.currentNode() is None
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    selector.setCurrentNode(node)
    assert (selector.currentNode(), selector.currentNodeID, seen) == (node, node.GetID(), [node])
    selector.setCurrentNode(None)
    assert (selector.currentNode(), seen) == (None, [node, None])
    selector.setCurrentNodeID(node.GetID())
    assert selector.currentNode() is node
    assert selector.nodeCount() == 1


def check_selector_without_none_selects_by_itself():
    scene = newScene()
    node = addVolume(scene, "a")
    selector = nodeSelector(scene, none=False)
    assert selector.currentNode() is node
    empty = newScene()
    selector, seen = nodeSelector(empty, none=False), []
    assert selector.currentNode() is None
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    first = addVolume(empty, "b")  # with the action rows below, the first node is not chosen
    assert (selector.currentNode(), seen) == (None, [])
    selector.setCurrentNode(first)
    second = addVolume(empty, "c")
    empty.RemoveNode(first)
    assert selector.currentNode() is second
    selector.setCurrentNode(None)
    assert selector.currentNode() is None


def check_selector_removing_the_current_node_selects_another():
    scene = newScene()
    first, second = addVolume(scene, "a"), addVolume(scene, "b")
    selector = nodeSelector(scene)
    selector.setCurrentNode(second)
    third = addVolume(scene, "c")
    seen = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    scene.RemoveNode(second)
    assert (selector.currentNode(), seen) == (third, [third])  # the next one
    scene.RemoveNode(third)
    assert (selector.currentNode(), seen) == (first, [third, first])  # or the last one
    scene.RemoveNode(first)
    assert (selector.currentNode(), seen[2:]) == (None, [None])


def check_selector_shows_its_types_only():
    scene = newScene()
    scalar = addVolume(scene, "a")
    labels = addVolume(scene, "l", "vtkMRMLLabelMapVolumeNode")
    hidden = addVolume(scene, "h")
    hidden.SetHideFromEditors(1)
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", "m")
    selector = nodeSelector(scene)
    assert selector.nodeCount() == 2  # a label map is a scalar volume
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 1
    selector.setCurrentNode(labels)
    assert selector.currentNode() is None
    selector.setCurrentNode(model)
    assert selector.currentNode() is None
    selector.setCurrentNode(scalar)
    assert selector.currentNode() is scalar
    raises(TypeError, selector.setCurrentNode, 3.5)
    raises(TypeError, selector.setMRMLScene, "a")


def check_selector_renaming_emits():
    scene = newScene()
    node = addVolume(scene, "a")
    selector, seen = nodeSelector(scene), []
    selector.setCurrentNode(node)
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    node.SetName("b")
    assert seen == [node]
    assert selector.currentNode() is node


def check_selector_adds_nodes():
    scene = newScene()
    selector = nodeSelector(scene)
    selector.baseName = "New"
    added = []
    selector.connect("nodeAddedByUser(vtkMRMLNode*)", added.append)
    node = selector.addNode()
    assert node.IsA("vtkMRMLScalarVolumeNode")
    assert node.GetName() == "New"
    assert selector.currentNode() is node
    assert added == [node]


def check_selector_scene_changes_emit():
    scene = newScene()
    selector, seen = slicer.qMRMLNodeComboBox(), []
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.noneEnabled = True
    selector.connect("currentNodeChanged(vtkMRMLNode*)", seen.append)
    selector.setMRMLScene(scene)
    assert len(seen) > 1
    assert set(seen) == {None}
    node = addVolume(scene, "a")
    selector.setCurrentNode(node)
    seen.clear()
    scene.Clear(0)
    assert (selector.currentNode(), seen) == (None, [None])
    selector.setCurrentNode(addVolume(scene, "b"))
    seen.clear()
    selector.nodeTypes = ["vtkMRMLLabelMapVolumeNode"]
    assert (selector.currentNode(), seen) == (None, [None])


def check_selector_after_a_scene_was_read():
    source = newScene()
    addVolume(source, "x")
    source.SetSaveToXMLString(1)
    source.Commit()
    for none, actions, expected in ((True, True, None), (False, True, None), (False, False, "d")):
        scene = newScene()
        selector, seen = slicer.qMRMLNodeComboBox(), []
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        selector.noneEnabled = none
        selector.addEnabled = selector.removeEnabled = actions
        selector.setMRMLScene(scene)
        node = addVolume(scene, "d")
        selector.setCurrentNode(node)
        selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda n, seen=seen: seen.append(n and n.GetName()))
        scene.SetLoadFromXMLString(1)
        scene.SetSceneXMLString(source.GetSceneXMLString())
        scene.Import()
        assert selector.nodeCount() == 2
        current = selector.currentNode()
        assert (current and current.GetName()) == expected  # the choice is lost, whatever was chosen
        assert seen[0] is None


def check_selector_base_name_belongs_to_the_types():
    selector = slicer.qMRMLNodeComboBox()
    with quiet():
        selector.baseName = "Lost"
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    with quiet():
        assert selector.baseName == ""
    selector.baseName = "Kept"
    assert selector.baseName == "Kept"


def check_selector_attributes():
    scene = newScene()
    node, other = addVolume(scene, "a"), addVolume(scene, "b")
    other.SetAttribute("kind", "kernel")
    selector = nodeSelector(scene)
    selector.addAttribute("vtkMRMLScalarVolumeNode", "kind", "kernel")
    assert selector.nodeCount() == 1
    selector.setCurrentNode(node)
    assert selector.currentNode() is None
    selector.setCurrentNode(other)
    assert selector.currentNode() is other


def check_checkable_combo_box():
    combo, seen = ctk.ctkCheckableComboBox(), []
    combo.connect("checkedIndexesChanged()", lambda: seen.append(len(combo.checkedIndexes())))
    combo.addItem("a", "A")
    combo.addItem("b", "B")
    assert combo.noneChecked()
    index = combo.model().index(1, 0)
    combo.setCheckState(index, qt.Qt.Checked)
    assert [i.row() for i in combo.checkedIndexes()] == [1]
    assert int(combo.checkState(index)) == 2
    assert seen == [1]
    combo.setCheckState(combo.model().index(0, 0), qt.Qt.Checked)
    assert combo.allChecked()
    combo.clear()
    assert len(combo.checkedIndexes()) == 0


def check_mrml_widget_passes_its_scene_on():
    widget, seen = slicer.qMRMLWidget(), []
    assert widget.mrmlScene() is None
    widget.connect("mrmlSceneChanged(vtkMRMLScene*)", seen.append)
    scene = newScene()
    widget.setMRMLScene(scene)
    assert widget.mrmlScene() is scene
    assert seen == [scene]


# -- Slicer's Python (slicer.util, slicer.parameterNodeWrapper)


def parameterNode(cls, scene=None):
    scene = scene or newScene()
    return cls(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "p"))


def check_parameter_node_types():
    import enum
    from typing import Annotated, Optional

    from slicer.parameterNodeWrapper import Choice, FloatRange, WithinRange, parameterNodeWrapper, parameterPack

    class Colour(enum.Enum):
        Red = 1
        Blue = 2

    @parameterPack
    class Entry:
        at: float = 1.0
        kind: Annotated[str, Choice(["a", "b"])] = "a"
        node: slicer.vtkMRMLScalarVolumeNode

    @parameterNodeWrapper
    class Parameters:
        count: Annotated[int, WithinRange(0, 10)] = 3
        factor: float = 1.5
        colour: Colour = Colour.Blue
        text: str = "t"
        on: bool = True
        entries: list[Entry]
        node: slicer.vtkMRMLScalarVolumeNode
        window: FloatRange
        maybe: Optional[float]  # noqa: UP045

    scene = newScene()
    parameters = parameterNode(Parameters, scene)
    node = parameters.parameterNode
    assert (parameters.count, parameters.factor, parameters.colour) == (3, 1.5, Colour.Blue)
    assert node.GetParameter("colour") == "Blue"
    assert node.GetParameter("count") == "3"
    assert node.GetParameter("on") == "True"
    assert node.GetParameter("entries.len") == "0"
    assert parameters.maybe is None
    raises(ValueError, assign, parameters, "count", 11)
    raises(TypeError, assign, parameters, "count", 1.5)
    raises(TypeError, assign, parameters, "text", 5)
    raises(ValueError, assign, parameters, "text", None)
    raises(TypeError, assign, parameters, "colour", "Blue")
    volume = addVolume(scene, "v")
    parameters.entries.append(Entry(2.5, "b", volume))
    assert node.GetParameter("entries.len") == "1"
    assert node.GetParameter("entries.0.at") == "2.5"
    assert node.GetNodeReference("entries.0.node") is volume
    assert (parameters.entries[0].at, parameters.entries[0].node) == (2.5, volume)
    raises(ValueError, lambda: Entry(1.0, "c"))
    parameters.entries[0].at = 7.0
    assert node.GetParameter("entries.0.at") == "7.0"
    parameters.entries = [Entry(1.0), Entry(2.0)]
    assert [e.at for e in parameters.entries] == [1.0, 2.0]
    assert parameters.entries[0].node is None
    del parameters.entries[1]
    assert not node.HasParameter("entries.1.at")
    assert Parameters(node).entries[0].at == 1.0
    parameters.window = FloatRange(1, 2)
    assert (parameters.window.minimum, parameters.window.maximum) == (1, 2)
    raises(ValueError, lambda: FloatRange(2, 1))
    parameters.node = volume
    scene.RemoveNode(volume)
    assert parameters.node is None


def check_parameter_node_events():
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Parameters:
        count: int = 3
        text: str = ""

    parameters, seen = parameterNode(Parameters), []
    parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: seen.append(parameters.count))
    parameters.count = 4
    assert seen == [4]
    parameters.count = 4
    assert seen == [4]
    with slicer.util.NodeModify(parameters):
        parameters.count = 5
        parameters.text = "x"
        assert seen == [4]
    assert seen == [4, 5]
    assert parameters.getValue("count") == 5
    parameters.setValue("count", 6)
    assert parameters.count == 6
    assert parameters.default("count").value == 3
    raises(ValueError, parameters.getValue, "other")


def check_parameter_node_gui():
    import enum
    from typing import Annotated

    from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

    class Colour(enum.Enum):
        Red = 1
        Blue = 2

        def label(self):
            return f"the {self.name}"

    @parameterNodeWrapper
    class Parameters:
        count: Annotated[int, WithinRange(1, 10)] = 3
        factor: Annotated[float, WithinRange(0.0, 5.0)] = 1.5
        colour: Colour = Colour.Blue
        kind: Annotated[str, Choice(["a", "b"])] = "b"
        text: str = "t"
        on: bool = True
        node: slicer.vtkMRMLScalarVolumeNode

    scene = newScene()
    volume = addVolume(scene, "v")
    parameters = parameterNode(Parameters, scene)
    widgets = {
        "count": qt.QSpinBox(),
        "factor": ctk.ctkSliderWidget(),
        "colour": qt.QComboBox(),
        "kind": qt.QComboBox(),
        "text": qt.QLineEdit(),
        "on": qt.QCheckBox(),
        "node": slicer.qMRMLNodeComboBox(),
    }
    widgets["node"].noneEnabled = True
    widgets["node"].setMRMLScene(scene)
    tag = parameters.connectParametersToGui(widgets)
    assert (widgets["count"].minimum, widgets["count"].maximum, widgets["count"].value) == (1, 10, 3)
    assert (widgets["factor"].maximum, widgets["factor"].value) == (5.0, 1.5)
    assert widgets["colour"].currentText == "the Blue"
    assert widgets["kind"].currentText == "b"
    assert widgets["text"].text == "t"
    assert widgets["on"].checked is True
    assert widgets["node"].nodeTypes == ("vtkMRMLScalarVolumeNode",)
    widgets["count"].value = 7
    widgets["factor"].value = 2.5
    widgets["colour"].currentIndex = 0
    widgets["kind"].currentIndex = 0
    widgets["text"].text = "s"
    widgets["on"].click()
    widgets["node"].setCurrentNode(volume)
    assert (parameters.count, parameters.factor, parameters.colour) == (7, 2.5, Colour.Red)
    assert (parameters.kind, parameters.text, parameters.on, parameters.node) == ("a", "s", False, volume)
    parameters.count = 9
    parameters.node = None
    assert (widgets["count"].value, widgets["node"].currentNode()) == (9, None)
    parameters.disconnectGui(tag)
    widgets["count"].value = 2
    assert parameters.count == 9


def check_parameter_node_widgets_without_connector():
    from typing import Annotated, Optional

    from slicer.parameterNodeWrapper import Choice, FloatRange, WithinRange, parameterNodeWrapper

    @parameterNodeWrapper
    class Parameters:
        count: int = 3
        text: str = "t"
        on: bool = True
        factor: float = 1.0
        window: FloatRange
        maybe: Optional[int]  # noqa: UP045
        nodes: list[slicer.vtkMRMLScalarVolumeNode]
        path: Annotated[str, Choice(["a"])] = "a"
        bounded: Annotated[float, WithinRange(0, 1)] = 0.5

    parameters = parameterNode(Parameters)
    for name, widget in (
        ("on", qt.QRadioButton()),
        ("on", qt.QGroupBox()),
        ("on", ctk.ctkCollapsibleButton()),
        ("text", qt.QPlainTextEdit()),
        ("text", qt.QComboBox()),
        ("text", ctk.ctkPathLineEdit()),
        ("count", qt.QLineEdit()),
        ("maybe", qt.QSpinBox()),
        ("nodes", slicer.qMRMLNodeComboBox()),
        ("factor", ctk.ctkSliderWidget()),
        ("window", ctk.ctkRangeWidget()),
        ("bounded", qt.QSlider()),
    ):
        raises((RuntimeError, TypeError), parameters.connectParametersToGui, {name: widget})


def check_load_ui_refuses_a_missing_file():
    raises(RuntimeError, slicer.util.loadUI, "/no/such/file.ui")


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]


if __name__ == "__main__":
    failures = 0
    try:
        for check in CHECKS:
            try:
                check()
                print(f"ok    {check.__name__}")
            except Exception:
                failures += 1
                print(f"FAIL  {check.__name__}")
                traceback.print_exc(file=sys.stdout)
        print(f"{len(CHECKS) - failures} of {len(CHECKS)} checks hold")
    finally:
        slicer.util.exit(1 if failures else 0)
