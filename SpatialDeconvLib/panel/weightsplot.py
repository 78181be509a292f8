"""The histogram with each kernel's weight drawn over it, in the panel and, on demand, beside the slice views."""

import qt
import slicer

from ..methods.choices import PART_KEYS
from ..mrml import previewing
from ..report.pixels import png
from . import model as panelmodel
from . import plotnodes, sliceviews
from .parameters import fieldOf, tableOf

DELAY = 400  # ms from the last change to the new plot
VIEW_NAME = "SpatialDeconvWeights"
LARGE_LAYOUT = 36  # vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView


class WeightsPlot:
    """Shows the plot while its section is open; the plot's nodes are made then and removed with it.

    :param panel: the module's widget (ui, runner, parameterNode, panelState)
    """

    def __init__(self, panel):
        self._panel = panel
        self._chart = self._data = self._shown = None
        self._plotWidget = self._viewNode = self._picture = None
        self._layout = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.onTimeout)
        ui = panel.ui
        ui.weightsStatusLabel.text = ""
        ui.weightsLargeButton.enabled = False
        ui.weightsLargeButton.visible = slicer.app.layoutManager() is not None
        ui.weightsGroupBox.connect("toggled(bool)", self.onToggled)
        ui.weightsLargeButton.connect("toggled(bool)", self.onLarge)

    # -- called by the panel

    def update(self, _state=None):
        """Follow the parameter node."""
        if self._isOpen():
            self._timer.start(DELAY)

    def stop(self):
        """The panel is left: put the layout back and remove the plot's nodes."""
        self._timer.stop()
        self._setLarge(False)
        self._clear()

    def sceneClosed(self):
        """The scene is being closed: the nodes go away by themselves, all but those of views and layout."""
        self._timer.stop()
        self._chart = self._data = self._shown = None
        if self._layout is not None:
            self._layout.restore()
            self._layout = None
        self._showLargeButton(False)
        self._panel.ui.weightsLargeButton.enabled = False

    def cleanup(self):
        """The panel goes away."""
        self.stop()
        self._timer.disconnect("timeout()", self.onTimeout)
        if self._viewNode is not None and self._viewNode.GetScene() is not None:
            if self._plotWidget is not None:
                self._plotWidget.setMRMLPlotViewNode(None)
            slicer.mrmlScene.RemoveNode(self._viewNode)
        self._viewNode = None

    # -- when

    def onToggled(self, isOpen):
        if isOpen:
            self._timer.start(0)
        else:
            self.stop()

    def onTimeout(self):
        """Draw the plot again if it would look different."""
        node = self._panel.parameterNode()
        if node is None or not self._isOpen():
            return
        if self._panel.runner.kind:
            self._timer.start(DELAY)
            return
        state = self._panel.panelState()
        missing = panelmodel.whatIsMissing(state)
        if missing:
            self._clear()
            self._showText(missing)
            return
        if state.key == "uniform" or state.key in PART_KEYS:
            self._clear()
            self._showText(panelmodel.oneKernelText(state.key))
            return
        wanted = self._signature(state, node)
        if wanted == self._shown:
            return
        self._shown = wanted
        try:
            self._data = plotnodes.weightsData(
                state.inputVolume, fieldOf(node), panelmodel.usedGuide(state), panelmodel.usedLabels(state),
                state.mask, state.resample,
            )  # fmt: skip
        except (ValueError, OSError, MemoryError) as error:
            self._clear()
            self._shown = wanted  # it would fail again
            self._showText(panelmodel.errorText(error))
            return
        self._show()

    def _signature(self, state, node):
        nodes = [state.inputVolume, panelmodel.usedLabels(state), panelmodel.usedGuide(state)]
        nodes.append(state.mask[0] if isinstance(state.mask, tuple) else state.mask)
        stamps = [previewing.stampOf(each) for each in nodes if hasattr(each, "GetMTime")]
        return tableOf(node), tuple(nodes[:3]), tuple(stamps), repr(state.mask), state.resample

    def _isOpen(self):
        return not self._panel.ui.weightsGroupBox.collapsed

    # -- what

    def _show(self):
        self._showText("")
        self._panel.ui.weightsPlotFrame.visible = self._layout is None
        isLarge = self._layout is not None
        self._chart = plotnodes.plotWeights(self._data, self._chart, compact=not isLarge)
        if isLarge:
            plotnodes.keepPlot(self._chart)
        viewNode = self._ownViewNode()
        if viewNode is None:
            self._showPicture()
        elif viewNode.GetPlotChartNodeID() != self._chart.GetID():
            viewNode.SetPlotChartNodeID(self._chart.GetID())
        self._panel.ui.weightsLargeButton.enabled = viewNode is not None

    def _ownViewNode(self):
        """Return the node of the panel's own plot view, made when it is first needed; None without plot views."""
        if not hasattr(slicer, "qMRMLPlotWidget") or not hasattr(slicer, "vtkMRMLPlotViewNode"):
            return None
        scene = slicer.mrmlScene
        if self._viewNode is None or self._viewNode.GetScene() is not scene:
            node = scene.CreateNodeByClass("vtkMRMLPlotViewNode")
            node.UnRegister(None)  # CreateNodeByClass leaves its reference to the caller
            node.SetName(VIEW_NAME)
            node.SetLayoutName(VIEW_NAME)
            node.SetSingletonTag(VIEW_NAME)
            node.SetHideFromEditors(True)
            node.SetSaveWithScene(False)
            self._viewNode = scene.AddNode(node)
        if self._plotWidget is None:
            self._plotWidget = slicer.qMRMLPlotWidget()
            self._plotWidget.setMRMLScene(scene)
            self._plotWidget.plotController().setVisible(False)
            self._panel.ui.weightsPlotFrame.layout().addWidget(self._plotWidget)
            self._plotWidget.setMRMLPlotViewNode(self._viewNode)
        return self._viewNode

    def _showPicture(self):
        """Without plot views: the same, drawn."""
        if self._picture is None:
            self._picture = qt.QLabel()
            self._panel.ui.weightsPlotFrame.layout().addWidget(self._picture)
        size = self._panel.ui.weightsPlotFrame.size
        pixels = plotnodes.weightsPicture(self._data, max(size.width(), 200), max(size.height(), 100))
        pixmap = qt.QPixmap()
        pixmap.loadFromData(qt.QByteArray(png(pixels)))
        self._picture.setPixmap(pixmap)

    def _clear(self):
        plotnodes.removePlot(self._chart)
        self._chart = self._data = self._shown = None
        if self._picture is not None:
            self._picture.clear()
        self._panel.ui.weightsPlotFrame.visible = False
        self._panel.ui.weightsLargeButton.enabled = False

    def _showText(self, text):
        self._panel.ui.weightsStatusLabel.text = text
        self._panel.wrapped.update()

    # -- large

    def onLarge(self, isLarge):
        self._setLarge(isLarge)

    def _setLarge(self, isLarge):
        manager = slicer.app.layoutManager()
        if isLarge and self._chart is not None and manager is not None and self._layout is None:
            self._layout = sliceviews.LayoutKeeper(slicer.mrmlScene)
            self._layout.show(LARGE_LAYOUT)
            plotnodes.keepPlot(self._chart)
            plotnodes.styleChart(self._chart, self._data, compact=False)
            for node in sliceviews.plotViewNodes(slicer.mrmlScene, exceptFor=VIEW_NAME):
                node.SetPlotChartNodeID(self._chart.GetID())
        elif not isLarge and self._layout is not None:
            layout, self._layout = self._layout, None
            layout.restore()
            if self._chart is not None and self._chart.GetScene() is not None:
                plotnodes.keepPlot(self._chart, False)
                plotnodes.styleChart(self._chart, self._data, compact=True)
        self._showLargeButton(self._layout is not None)

    def _showLargeButton(self, isLarge):
        self._panel.ui.weightsPlotFrame.visible = not isLarge  # the same chart, in letters too large for it
        button = self._panel.ui.weightsLargeButton
        wasBlocked = button.blockSignals(True)
        button.checked = isLarge
        button.blockSignals(wasBlocked)
