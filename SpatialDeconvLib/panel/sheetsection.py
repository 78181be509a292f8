"""The contact sheet: the block of the preview by every method, to choose one with a click."""

import logging

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled
from ..mrml import previewing, sheets
from ..mrml.scene import ijkToRas
from ..mrml.selections import Selections
from ..report.findings import axis_letters
from ..report.pictures import turns
from ..report.pixels import png
from . import forms, sheettiles, sliceviews
from . import model as panelmodel
from .parameters import JointMethod, Method, Strategy, fieldOf
from .running import RunControls

SIZE, LINES = 112, 5  # pixels of a picture's side, lines below it


class ContactSheet:
    """A button that tries every method, and the pictures that come of it.

    :param panel: the module's widget (ui, runner, parameterNode, panelState, wrapped)
    """

    def __init__(self, panel):
        self._panel = panel
        self._tiles = []  # in the order of the list
        self._grey, self._turned = None, (False, False)
        ui = panel.ui
        ui.sheetList.visible = False
        text = _("Compare all methods")
        self._controls = RunControls(
            ui.sheetButton, ui.sheetProgressBar, ui.sheetStatusLabel, text, panel.wrapped.update
        )
        self._controls.say("")
        ui.sheetButton.connect("clicked(bool)", self.onClicked)
        self._closeKey = forms.shortcut("Esc", ui.sheetList, self._clear, qt.Qt.WidgetShortcut)
        ui.sheetList.connect("itemClicked(QListWidgetItem*)", self.onChosen)
        ui.sheetList.connect("itemActivated(QListWidgetItem*)", self.onChosen)

    # -- called by the panel

    def update(self, state):
        """Show whether there is anything to compare."""
        if self._panel.runner.kind == "sheet":
            return
        ui, missing = self._panel.ui, panelmodel.whatIsMissing(state)
        ui.sheetButton.enabled = not missing and state.operation == "deconvolve"
        ui.sheetButton.toolTip = missing or _(
            "Restore the block around the position of the slice views with every method."
        )

    def stop(self):
        """The panel is left."""
        self._panel.runner.cancel("sheet")

    def sceneClosed(self):
        """The scene is being closed: what the pictures show is gone."""
        self.stop()
        self._clear()

    def cleanup(self):
        """The panel goes away."""
        self.stop()

    # -- the run

    def onClicked(self, _checked=False):
        """Start, or stop what is on."""
        runner, node = self._panel.runner, self._panel.parameterNode()
        if runner.kind == "sheet":
            if self._controls.meansCancel():
                self.cancel()
            return
        if runner.owner or not node:
            return
        state = self._panel.panelState()
        if panelmodel.whatIsMissing(state):
            return
        volume = state.inputVolume
        views = sliceviews.visibleSliceNodes(slicer.mrmlScene)
        position = previewing.positionInSliceViews(views) or previewing.middleOf(volume)
        block = previewing.blockAround(volume, position, node.previewSize)

        def work(progress, cancelled):
            request = panelmodel.runFrom(state, fieldOf(node))
            watch = sheets.Watch(progress, cancelled)
            selections = Selections(**request.selections)
            found = sheets.methodTiles(request.settings, volume, request.kernels, block, selections, watch)
            for tile in found:
                if cancelled():
                    raise Cancelled
                self._show(tile, volume)

        self._clear()
        self._closeKey.enabled = False  # while there is a run, the key is the one that stops it
        self._controls.start(_("Stop; what is there stays."))
        if not runner.start(work, self._finished, "sheet", self._controls.show):
            self._controls.stop()

    def cancel(self):
        """Ask the run to stop; what there is stays."""
        self._panel.runner.cancel("sheet")
        self._controls.cancelling()

    def _finished(self, _result, error):
        self._closeKey.enabled = True
        self._controls.stop()
        self._controls.say("")
        if isinstance(error, Cancelled):
            self._controls.say(_("Stopped."))
        elif error is not None:
            if not isinstance(error, ValueError | OSError | MemoryError):
                logging.error("SpatialDeconv's comparison of methods failed", exc_info=error)
            self._controls.say(panelmodel.errorText(error))
        if self._panel.parameterNode():
            self.update(self._panel.panelState())

    # -- the pictures

    def _clear(self):
        self._tiles, self._grey = [], None
        self._panel.ui.sheetList.clear()
        self._panel.ui.sheetList.visible = False

    def _show(self, tile, volume):
        """Show a tile in its place: a new one at the end, the automatic choice after the input."""
        sheetList = self._panel.ui.sheetList
        if self._grey is None:
            self._grey = sheettiles.greyOf(tile, _windowOf(volume))
            self._turned = turns(axis_letters(ijkToRas(volume)), 0)
            sheetList.gridSize = qt.QSize(SIZE + 12, SIZE + 12 + LINES * sheetList.fontMetrics().height())
            sheetList.visible = True
        known = [number for number, other in enumerate(self._tiles) if other.method is tile.method]
        if known:
            (row,) = known
            self._tiles[row] = tile
            item = sheetList.item(row)
        else:
            row = 1 if tile.automatic else len(self._tiles)
            self._tiles.insert(row, tile)
            item = qt.QListWidgetItem()
            pixmap = qt.QPixmap()
            pixmap.loadFromData(qt.QByteArray(png(sheettiles.tilePicture(tile, self._grey, SIZE, self._turned))))
            item.setIcon(qt.QIcon(pixmap))
            sheetList.insertItem(row, item)
        item.setText(sheettiles.tileText(tile))
        item.setToolTip(sheettiles.tileToolTip(tile))

    def onChosen(self, item):
        """Choose the method of a picture."""
        node, row = self._panel.parameterNode(), self._panel.ui.sheetList.row(item)
        if not node or not 0 <= row < len(self._tiles):
            return
        tile = self._tiles[row]
        if tile.method is None or tile.problem:
            return
        with slicer.util.NodeModify(node):
            if tile.automatic:
                node.strategy = Strategy("auto")
            else:
                node.strategy = Strategy(tile.method.strategy)
                if tile.method.strategy == "blend":
                    node.method = Method(tile.method.name)
                else:
                    node.jointMethod = JointMethod(tile.method.name)
                node.iterations, node.regularizationAuto = 0, True  # as the picture was made
        self._controls.say(_("Chosen: {name}.").format(name=sheettiles.tileName(tile)))


def _windowOf(volume):
    """The lowest and the highest grey level of a volume's display; None where it has none."""
    display = volume.GetScalarVolumeDisplayNode() if hasattr(volume, "GetScalarVolumeDisplayNode") else None
    if display is None or volume.IsA("vtkMRMLVectorVolumeNode"):
        return None
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()
