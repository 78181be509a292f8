"""STAND-INS for the qMRML widgets that the panel uses, on PySide6 and a real MRML scene. Test use only.

Written after the sources of the same names in Slicer's Libs/MRML/Widgets (5.12); measured in the running widgets
and checked by traits.py:

qMRMLWidget.cxx         passes its scene on through mrmlSceneChanged
qMRMLNodeComboBox.cxx, qMRMLSceneModel.cxx, qMRMLSortFilterProxyModel.cxx, qMRMLNodeFactory.cxx
    A combo box with the nodes of the wanted types in the order of the scene, "None" above if it is enabled, and
    a line and the actions below (add, remove, rename, edit), so that an empty selector has rows all the same.
    Disabled without a scene. Setting a scene emits currentNodeChanged several times. A node leaves the box when
    the scene announces its removal, and the combo box goes to the row above; a current row that is no node makes
    the box take its last node. A rename of the current node emits currentNodeChanged again. The base name
    belongs to the node types that are set at that moment.
qMRMLPlotWidget.cxx, qMRMLPlotView.cxx
    shows the lines of the chart that its plot view node refers to, drawn with Qt here
qMRMLSegmentSelectorWidget.cxx (Modules/Loadable/Segmentations/Widgets): a node selector and the segments below
"""

import vtk
from ctk_widgets import ctkCheckableComboBox, ctkRangeWidget, ctkSliderWidget, value
from PySide6.QtCore import Property, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPolygonF
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget
from pythonqt import implement


class Observations:
    """VTK observers that go with the widget."""

    def __init__(self):
        self._tags = []

    def add(self, caller, event, callback, priority=0.0):
        self._tags.append((caller, caller.AddObserver(event, callback, priority)))

    def clear(self, caller=None):
        for known, tag in list(self._tags):
            if caller is None or known is caller:
                known.RemoveObserver(tag)
                self._tags.remove((known, tag))


@implement
class qMRMLWidget(QWidget):
    _sceneChanged = Signal(object)
    SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "_sceneChanged"}  # noqa: RUF012

    def __init__(self, *given):
        super().__init__(*given)
        self._scene = None

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is not self._scene:
            self._scene = scene
            self._sceneChanged.emit(scene)


@implement
class qSlicerWidget(qMRMLWidget):
    pass


@implement
class qMRMLNodeComboBox(QWidget):
    _nodeChanged = Signal(object)
    _validChanged = Signal(bool)
    _idChanged = Signal(str)
    _added = Signal(object)
    _addedByUser = Signal(object)
    _aboutToBeRemoved = Signal(object)
    SIGNALS = {  # noqa: RUF012
        "currentNodeChanged(vtkMRMLNode*)": "_nodeChanged",
        "currentNodeChanged(bool)": "_validChanged",
        "currentNodeIDChanged(QString)": "_idChanged",
        "nodeAdded(vtkMRMLNode*)": "_added",
        "nodeAddedByUser(vtkMRMLNode*)": "_addedByUser",
        "nodeAboutToBeRemoved(vtkMRMLNode*)": "_aboutToBeRemoved",
    }

    def __init__(self, *given):
        super().__init__(*given)
        self._scene, self._requested = None, None
        self._types, self._hiddenTypes, self._baseNames, self._typeLabels = [], [], {}, {}
        self._attributes = []
        self._flags = {"none": False, "add": True, "remove": True, "rename": False, "edit": False}
        self._childTypes, self._hidden, self._noneText, self._switching = True, False, "None", False
        self._observations = Observations()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._combo = QComboBox(self)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setMinimumContentsLength(8)
        layout.addWidget(self._combo)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setFocusProxy(self._combo)
        self._combo.currentIndexChanged.connect(lambda _index: self._emit())
        observations = self._observations
        self.destroyed.connect(lambda *_: observations.clear())
        self.setEnabled(False)

    # -- which nodes

    def _fits(self, node):
        if node is None or (node.GetHideFromEditors() and not self._hidden):
            return False
        if any(node.IsA(hidden) for hidden in self._hiddenTypes):
            return False
        wanted = self._types
        if wanted and not (node.GetClassName() in wanted or (self._childTypes and any(map(node.IsA, wanted)))):
            return False
        for kind, name, required in self._attributes:
            if node.IsA(kind) and node.GetAttribute(name) != (required or node.GetAttribute(name) or ""):
                return False
        return True

    def _fitting(self):
        if self._scene is None:
            return []
        nodes = [self._scene.GetNthNode(i) for i in range(self._scene.GetNumberOfNodes())]
        return [node for node in nodes if self._fits(node)]

    # -- the rows: none, nodes, line, actions

    def _first(self):
        return int(self._flags["none"] and self._scene is not None)

    def _ids(self):
        last = self._first() + self._nodeRows
        return [self._combo.itemData(row) for row in range(self._first(), last)]

    _nodeRows = 0

    def _fill(self):
        """Write all rows anew, quietly, and keep the current node if it still fits."""
        current = self._combo.itemData(self._combo.currentIndex())
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        nodes = self._fitting()
        self._nodeRows = len(nodes)
        if self._first():
            self._combo.addItem(self._noneText, "")
        for node in nodes:
            self._combo.addItem(node.GetName(), node.GetID())
        if self._scene is not None and any(self._flags[name] for name in ("add", "remove", "rename", "edit")):
            self._combo.insertSeparator(self._combo.count())
            label = self._types[0].removeprefix("vtkMRML").removesuffix("Node") if len(self._types) == 1 else "node"
            for name, text in (("rename", "Rename current"), ("edit", "Edit current"), ("add", "Create new"),
                               ("remove", "Delete current")):  # fmt: skip
                if self._flags[name]:
                    self._combo.addItem(f"{text} {label}", f"#{name}")
        row = self._combo.findData(current) if current else -1
        self._combo.setCurrentIndex(row if row >= 0 else (0 if self._first() else -1))
        self._combo.blockSignals(blocked)
        return current, row

    def _refill(self):
        current, row = self._fill()
        if current and row < 0:
            self._emit()

    def _insert(self, node):
        if node.GetID() in self._ids():
            return
        fitting = [other.GetID() for other in self._fitting()]
        position = fitting.index(node.GetID()) if node.GetID() in fitting else len(fitting)
        self._nodeRows += 1
        self._combo.insertItem(self._first() + position, node.GetName(), node.GetID())
        self._added.emit(node)

    def _take(self, node):
        """Remove a node's row. If it was the current one, the next node follows, or the last, or none."""
        row = self._combo.findData(node.GetID())
        if row < 0:
            return
        self._aboutToBeRemoved.emit(node)
        self._nodeRows -= 1
        if row != self._combo.currentIndex():
            self._combo.removeItem(row)
            return
        blocked = self._combo.blockSignals(True)
        self._combo.removeItem(row)
        last = self._first() + self._nodeRows - 1
        self._combo.setCurrentIndex(min(row, last) if self._nodeRows else self._first() - 1)
        self._combo.blockSignals(blocked)
        self._emit()

    # -- what the scene tells

    def _observeScene(self):
        scene = self._scene
        self._observations.add(scene, scene.NodeAddedEvent, self._onNodeAdded, 10.0)
        self._observations.add(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeAboutToBeRemoved, -10.0)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self._observations.add(scene, event, self._onSceneReplaced)
        for node in self._fitting():
            self._observations.add(node, vtk.vtkCommand.ModifiedEvent, self._onNodeModified)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, _scene, _event, node):
        if node.IsA("vtkMRMLDisplayableNode") or self._fits(node):
            self._observations.add(node, vtk.vtkCommand.ModifiedEvent, self._onNodeModified)
        if self._fits(node):
            self._insert(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAboutToBeRemoved(self, _scene, _event, node):
        self._observations.clear(node)
        self._take(node)

    def _onSceneReplaced(self, _scene, _event):
        """Take all nodes out and put those of the scene in: qMRMLSceneModel::updateScene."""
        rows, self._nodeRows = self._nodeRows, 0
        hadNode = bool(self.currentNodeIdentifier())
        blocked = self._combo.blockSignals(True)
        if rows:
            self._combo.model().removeRows(self._first(), rows)
            self._combo.setCurrentIndex(self._first() - 1)
        self._combo.blockSignals(blocked)
        if hadNode:
            self._emit()
        for node in self._fitting():
            self._observations.clear(node)
            self._observations.add(node, vtk.vtkCommand.ModifiedEvent, self._onNodeModified)
            self._insert(node)

    def _onNodeModified(self, node, _event):
        row = self._combo.findData(node.GetID())
        if row < 0:
            if self._fits(node):
                self._insert(node)
        elif not self._fits(node):
            self._take(node)
        elif self._combo.itemText(row) != (node.GetName() or ""):
            self._combo.setItemText(row, node.GetName() or "")
            if row == self._combo.currentIndex():
                self._emit()

    # -- signals

    def _emit(self):
        if self._switching:
            return
        row = self._combo.currentIndex()
        node = self.currentNode()
        none = 0 if self._first() else -1
        if node is None and row != none:
            identifiers = self._ids()
            if identifiers:
                self.setCurrentNodeID(identifiers[-1])
            return
        self._nodeChanged.emit(node)
        self._validChanged.emit(node is not None)
        self._idChanged.emit(node.GetID() if node else "")

    # -- what Python calls

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        before = self.currentNodeIdentifier()
        hadNodes = self._nodeRows > 0
        self._observations.clear()
        self._switching = True
        self._scene = scene
        self._fill()
        self._switching = False
        if scene is not None:
            self._observeScene()
        self.setEnabled(scene is not None)
        wanted = before if hadNodes else self._requested or ""
        if scene is not None and not self._first() and not wanted and self._nodeRows and not hadNodes:
            wanted = self._ids()[0]
        self._requested = None
        if scene is not None and self._first() and not wanted:
            for _ in range(5):
                self._emit()
        else:
            self.setCurrentNodeID(wanted)

    def currentNode(self):
        identifier = self.currentNodeIdentifier()
        return self._scene.GetNodeByID(identifier) if identifier and self._scene else None

    def currentNodeIdentifier(self):
        data = self._combo.itemData(self._combo.currentIndex())
        return data if data and not data.startswith("#") else ""

    def setCurrentNode(self, node):
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeID(self, identifier):
        if self._scene is None:
            self._requested = identifier
        row = self._combo.findData(identifier) if identifier else -1
        self._combo.setCurrentIndex(row if row >= 0 else (0 if self._first() else -1))

    def setCurrentNodeIndex(self, index):
        self._combo.setCurrentIndex(self._first() + index if index < self._nodeRows else -1)

    def nodeCount(self):
        return self._nodeRows

    def nodeFromIndex(self, index):
        identifiers = self._ids()
        return self._scene.GetNodeByID(identifiers[index]) if 0 <= index < len(identifiers) else None

    def addNode(self, nodeType=None):
        nodeType = nodeType or (self._types[0] if self._types else None)
        if nodeType is None or nodeType not in self._types or self._scene is None:
            return None
        node = self._scene.CreateNodeByClass(nodeType)
        node.UnRegister(None)
        name = self._baseNames.get(nodeType) or node.GetDefaultNodeNamePrefix()
        node.SetName(self._scene.GetUniqueNameByString(name))
        for kind, attribute, required in self._attributes:
            if node.IsA(kind) and required:
                node.SetAttribute(attribute, required)
        self._scene.AddNode(node)
        if self._selectsNewNodes:
            self.setCurrentNode(node)
        self._addedByUser.emit(node)
        return node

    _selectsNewNodes = True

    def removeCurrentNode(self):
        self._scene.RemoveNode(self.currentNode())

    def addAttribute(self, nodeType, name, required=None):
        self._attributes.append((nodeType, name, None if required is None else str(required)))
        self._refill()

    def removeAttribute(self, nodeType, name):
        self._attributes = [known for known in self._attributes if known[:2] != (nodeType, name)]
        self._refill()

    def nodeTypeLabel(self, nodeType):
        return self._typeLabels.get(nodeType, nodeType.removeprefix("vtkMRML").removesuffix("Node"))

    def setNodeTypeLabel(self, label, nodeType):
        self._typeLabels[nodeType] = label

    # -- properties

    def _setTypes(self, types):
        self._types = [name for name in types if name]
        if self._scene is not None:
            for node in self._fitting():
                self._observations.clear(node)
                self._observations.add(node, vtk.vtkCommand.ModifiedEvent, self._onNodeModified)
        self._refill()

    def _setFlag(self, name, on):
        self._flags[name] = on
        self._refill()

    def _setBaseName(self, name):
        for nodeType in self._types:
            self._baseNames[nodeType] = name

    def _setChildTypes(self, on):
        self._childTypes = on
        self._refill()

    def _setHiddenTypes(self, types):
        self._hiddenTypes = list(types)
        self._refill()

    def _setShowHidden(self, on):
        self._hidden = on
        self._refill()

    def _setNoneText(self, text):
        self._noneText = text
        self._refill()

    nodeTypes = Property("QStringList", lambda self: self._types, _setTypes)
    hideChildNodeTypes = Property("QStringList", lambda self: self._hiddenTypes, _setHiddenTypes)
    showChildNodeTypes = Property(bool, lambda self: self._childTypes, _setChildTypes)
    showHidden = Property(bool, lambda self: self._hidden, _setShowHidden)
    noneEnabled = Property(bool, lambda self: self._flags["none"], lambda self, on: self._setFlag("none", on))
    addEnabled = Property(bool, lambda self: self._flags["add"], lambda self, on: self._setFlag("add", on))
    removeEnabled = Property(bool, lambda self: self._flags["remove"], lambda self, on: self._setFlag("remove", on))
    renameEnabled = Property(bool, lambda self: self._flags["rename"], lambda self, on: self._setFlag("rename", on))
    editEnabled = Property(bool, lambda self: self._flags["edit"], lambda self, on: self._setFlag("edit", on))
    noneDisplay = Property(str, lambda self: self._noneText, _setNoneText)
    baseName = Property(
        str, lambda self: self._baseNames.get(self._types[0], "") if self._types else "", _setBaseName
    )
    currentNodeID = Property(str, lambda self: self.currentNodeIdentifier(), setCurrentNodeID)
    selectNodeUponCreation = Property(
        bool, lambda self: self._selectsNewNodes, lambda self, on: setattr(self, "_selectsNewNodes", on)
    )
    interactionNodeSingletonTag = value(str, "interactionNodeSingletonTag", "Singleton")
    sizeAdjustPolicy = value(int, "sizeAdjustPolicy", 1)


@implement
class qMRMLSegmentSelectorWidget(qMRMLWidget):
    _nodeChanged = Signal(object)
    _validChanged = Signal(bool)
    currentSegmentChanged = Signal(str)
    segmentSelectionChanged = Signal("QStringList")
    SIGNALS = {  # noqa: RUF012
        **qMRMLWidget.SIGNALS,
        "currentNodeChanged(vtkMRMLNode*)": "_nodeChanged",
        "currentNodeChanged(bool)": "_validChanged",
    }

    def __init__(self, *given):
        super().__init__(*given)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._nodes = qMRMLNodeComboBox(self)
        self._nodes.setProperty("nodeTypes", ["vtkMRMLSegmentationNode"])
        self._segments = QComboBox(self)
        self._checked = ctkCheckableComboBox(self)
        for part in (self._nodes, self._segments, self._checked):
            layout.addWidget(part)
        self._checked.setVisible(False)
        self._nodes._nodeChanged.connect(self._fill)
        self._segments.currentIndexChanged.connect(
            lambda _row: self.currentSegmentChanged.emit(self.currentSegmentID())
        )
        self._checked.checkedIndexesChanged.connect(
            lambda: self.segmentSelectionChanged.emit(self.selectedSegmentIDs())
        )

    def setMRMLScene(self, scene):
        super().setMRMLScene(scene)
        self._nodes.setMRMLScene(scene)

    def _fill(self, node):
        segmentation = node.GetSegmentation() if node else None
        for combo in (self._segments, self._checked):
            combo.clear()
            for index in range(segmentation.GetNumberOfSegments() if segmentation else 0):
                combo.addItem(segmentation.GetNthSegment(index).GetName(), segmentation.GetNthSegmentID(index))
        self._nodeChanged.emit(node)
        self._validChanged.emit(node is not None)

    def currentNode(self):
        return self._nodes.currentNode()

    def setCurrentNode(self, node):
        self._nodes.setCurrentNode(node)

    def currentNodeID(self):
        return self._nodes.currentNodeIdentifier()

    def setCurrentNodeID(self, identifier):
        self._nodes.setCurrentNodeID(identifier)

    def currentSegmentID(self):
        return self._segments.currentData() or ""

    def setCurrentSegmentID(self, identifier):
        self._segments.setCurrentIndex(self._segments.findData(identifier))

    def segmentIDs(self):
        return [self._segments.itemData(row) for row in range(self._segments.count())]

    def selectedSegmentIDs(self):
        return [self._checked.itemData(index.row()) for index in self._checked.checkedIndexes()]

    def _setMultiSelection(self, on):
        self._multi = on
        self._segments.setVisible(not on)
        self._checked.setVisible(on)

    multiSelection = Property(bool, lambda self: getattr(self, "_multi", False), _setMultiSelection)
    noneEnabled = Property(
        bool,
        lambda self: self._nodes.property("noneEnabled"),
        lambda self, on: self._nodes.setProperty("noneEnabled", on),
    )


@implement
class qMRMLPlotViewControllerWidget(qMRMLWidget):
    pass


@implement
class qMRMLPlotView(QWidget):
    """Draws the lines of a plot chart; the real one is a vtkChartXY."""

    def __init__(self, *given):
        super().__init__(*given)
        self._viewNode, self._chart = None, None
        self._observations = Observations()
        observations = self._observations
        self.destroyed.connect(lambda *_: observations.clear())
        self.setMinimumHeight(120)

    def setMRMLScene(self, scene):
        pass

    def setMRMLPlotViewNode(self, node):
        self._observations.clear()
        self._viewNode = node
        if node is not None:
            self._observations.add(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self.update())

    def fitToContent(self):
        self.update()

    def lines(self):
        """Return name, colour and points of every line of the chart."""
        chart = self._viewNode.GetPlotChartNode() if self._viewNode is not None else None
        made = []
        for index in range(chart.GetNumberOfPlotSeriesNodes() if chart is not None else 0):
            series = chart.GetNthPlotSeriesNode(index)
            table = series.GetTableNode().GetTable()
            columns = [table.GetColumnByName(name) for name in (series.GetXColumnName(), series.GetYColumnName())]
            if None not in columns:
                values = [[c.GetTuple1(row) for row in range(c.GetNumberOfTuples())] for c in columns]
                made.append((series.GetName(), series.GetColor(), list(zip(*values, strict=True))))
        return made

    def paintEvent(self, _event):
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("white"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lines = self.lines()
        points = [point for _name, _colour, line in lines for point in line]
        if not points:
            return
        low, high = min(x for x, _y in points), max(x for x, _y in points)
        top = max(y for _x, y in points) or 1.0
        area = self.rect().adjusted(34, 8, -8, -20)
        painter.setPen(QColor("gray"))
        painter.drawRect(area)
        below = QRect(area.left(), area.bottom() + 2, area.width(), 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{low:.3g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{high:.3g}")
        for number, y in ((0, area.bottom()), (top, area.top() + 8)):
            painter.drawText(2, y, f"{number:.3g}")
        for _name, colour, line in lines:
            painter.setPen(QColor.fromRgbF(*colour[:3]))
            painter.drawPolyline(
                QPolygonF(
                    [
                        QPointF(
                            area.left() + (x - low) / ((high - low) or 1) * area.width(),
                            area.bottom() - y / top * area.height(),
                        )
                        for x, y in line
                    ]
                )
            )


@implement
class qMRMLPlotWidget(qMRMLWidget):
    def __init__(self, *given):
        super().__init__(*given)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._controller, self._view = qMRMLPlotViewControllerWidget(self), qMRMLPlotView(self)
        layout.addWidget(self._controller)
        layout.addWidget(self._view)

    def plotController(self):
        return self._controller

    def plotView(self):
        return self._view

    def mrmlPlotViewNode(self):
        return self._view._viewNode

    def setMRMLPlotViewNode(self, node):
        self._view.setMRMLPlotViewNode(node)


@implement
class qMRMLSliderWidget(ctkSliderWidget):
    def setMRMLScene(self, scene):
        self._scene = scene

    quantity = value(str, "quantity", "")
    unitAwareProperties = value(int, "unitAwareProperties", 0)


@implement
class qMRMLRangeWidget(ctkRangeWidget):
    def setMRMLScene(self, scene):
        self._scene = scene

    quantity = value(str, "quantity", "")


@implement
class qMRMLSpinBox(QDoubleSpinBox):
    def setMRMLScene(self, scene):
        self._scene = scene

    quantity = value(str, "quantity", "")
