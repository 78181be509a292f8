"""The preview: the result in a block around the position of the slice views, shown over the input volume."""

import logging

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..errors import Cancelled
from ..mrml import previewing
from . import forms, sliceviews
from . import model as panelmodel
from .parameters import fieldOf, rowsOf, tableOf

DELAY = 250  # ms from the last change to the start of a preview
WAIT = 500  # ms until it is tried again while another run is on


class PreviewController(VTKObservationMixin):
    """Keeps the preview up to date while it is switched on, and leaves no trace when it is switched off.

    A change of a parameter, of the table, of a volume or of the slices starts the preview again after a short
    delay; one that is still being computed is given up.

    :param panel: the module's widget (ui, runner, parameterNode, panelState)
    """

    def __init__(self, panel):
        VTKObservationMixin.__init__(self)
        self._panel = panel
        self._node = None
        self._shown = None  # what the node shows, or is being computed
        self._layers = None
        self._memory = previewing.PreviewMemory()
        self._observed = ()
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.onTimeout)
        forms.show(panel.ui.previewStatusLabel, "")
        panel.ui.previewProgressBar.visible = False

    # -- called by the panel

    def update(self, _state=None):
        """Follow the parameter node: switched on, off, or something else has changed."""
        node = self._panel.parameterNode()
        if node is None or not node.previewOn:
            self.stop()
            return
        self._setOpacity(node.previewOpacity)
        self._schedule(DELAY)

    def stop(self):
        """Take the preview away, put the slice views back, and stop computing. It may be started again."""
        self._timer.stop()
        self._panel.runner.cancel("preview")
        self._hide()
        self._memory.clear()
        self._observe(())
        self._showText("")

    def sceneClosed(self):
        """The scene is being closed: its nodes go away by themselves."""
        self._timer.stop()
        self._panel.runner.cancel("preview")
        self.removeObservers()
        self._observed = ()
        self._node = self._shown = None
        if self._layers:
            self._layers.forget()
        self._layers = None
        self._memory.clear()
        self._showText("")

    def cleanup(self):
        """The panel goes away."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self.onTimeout)
        self._hide()
        self._memory.clear()
        self._observe(())

    # -- when

    def onSomethingChanged(self, _caller=None, _event=None):
        self._schedule(DELAY)

    def _schedule(self, delay):
        node = self._panel.parameterNode()
        if node is not None and node.previewOn:
            self._timer.start(delay)

    def onTimeout(self):
        """Compute the preview if it would show something else than what is shown."""
        node = self._panel.parameterNode()
        if node is None or not node.previewOn:
            return
        if self._panel.runner.owner or self._panel.runner.kind not in ("", "preview"):
            self._schedule(WAIT)
            return
        state = self._panel.panelState()
        missing = panelmodel.whatIsMissing(state)
        if missing:
            self._hide()
            self._showText(missing)
            return
        views = sliceviews.visibleSliceNodes(slicer.mrmlScene)
        self._observe((*self._choosingNodes(state), *views))
        try:
            position = previewing.positionInSliceViews(views) or previewing.middleOf(state.inputVolume)
            block = previewing.blockAround(state.inputVolume, position, node.previewSize)
        except ValueError as error:
            self._hide()
            self._showText(panelmodel.errorText(error))
            return
        wanted = self._signature(state, block)
        if wanted != self._shown:
            self._start(state, position, node.previewSize, wanted)

    def _signature(self, state, block):
        """What the preview depends on; two that are equal would show the same."""
        node = self._panel.parameterNode()
        # Where the result goes makes no difference to it.
        options = panelmodel.settingsFrom(state), state.resample
        nodes = self._choosingNodes(state)
        stamps = tuple(map(previewing.stampOf, nodes))
        return (state.operation, tableOf(node), options, repr(state.mask), nodes, stamps, block)

    def _choosingNodes(self, state):
        """The nodes whose contents decide what the preview shows."""
        nodes = [state.inputVolume, panelmodel.usedLabels(state), panelmodel.usedGuide(state)]
        nodes.append(state.mask[0] if isinstance(state.mask, tuple) else state.mask)
        nodes += [row.volume for row in rowsOf(self._panel.parameterNode()) if row.volume is not None]
        return tuple(node for node in nodes if hasattr(node, "GetMTime"))

    def _observe(self, nodes):
        if nodes == self._observed:
            return
        self.removeObservers()
        self._observed = nodes
        for node in dict.fromkeys(nodes):
            for event in previewing.changeEvents(node):
                self.addObserver(node, event, self.onSomethingChanged)

    # -- what

    def _start(self, state, position, size, wanted):
        parameterNode, self._shown = self._panel.parameterNode(), wanted

        def work(progress, cancelled):
            request = panelmodel.runFrom(state, fieldOf(parameterNode))
            return previewing.previewVolume(
                request.inputVolume, request.kernels, position, size, self._node, settings=request.settings,
                memory=self._memory, showDraft=self._show, progress=progress, cancelled=cancelled,
                **request.selections,
            )  # fmt: skip

        def done(outcome, error):
            self._finished(outcome, error, wanted)

        self._showText(_("Computing the preview..."))
        if not self._panel.runner.start(work, done, "preview", self._showProgress):
            self._shown = None
            self._schedule(WAIT)

    def _finished(self, outcome, error, wanted):
        self._panel.ui.previewProgressBar.visible = False
        node = self._panel.parameterNode()
        if error is None and node is not None and node.previewOn:
            self._show(*outcome)
            return
        if error is None:  # switched off in the last moment
            previewing.removePreviewNode(outcome[0])
            return
        if self._shown == wanted:
            self._shown = None
        if isinstance(error, Cancelled):
            if self._panel.runner.kind != "preview":  # else another preview says how far it is
                self._showText("")
            return
        if not isinstance(error, ValueError | OSError | MemoryError):
            logging.error("SpatialDeconv's preview failed", exc_info=error)
        self._shown = wanted  # it would fail again
        self._hide(forget=False)
        self._showText(panelmodel.errorText(error))

    def _show(self, previewNode, result):
        parameterNode = self._panel.parameterNode()
        if parameterNode is None or not parameterNode.previewOn:
            return
        if previewNode is not self._node:
            previewing.removePreviewNode(self._node)
            self._node = previewNode
        if self._layers is None:
            self._layers = sliceviews.LayerKeeper(slicer.mrmlScene)
        self._layers.put(
            Background=parameterNode.inputVolume,
            Foreground=previewNode,
            ForegroundOpacity=parameterNode.previewOpacity,
        )
        self._showText(previewing.previewText(result))

    def _setOpacity(self, opacity):
        if self._layers is not None and self._layers.active:
            self._layers.put(ForegroundOpacity=opacity)

    def _hide(self, forget=True):
        if self._layers is not None:
            self._layers.restore()
            self._layers = None
        previewing.removePreviewNode(self._node)
        self._node = None
        if forget:
            self._shown = None

    def _showText(self, text):
        forms.show(self._panel.ui.previewStatusLabel, text)
        self._panel.wrapped.update()

    def _showProgress(self, fraction, text, seconds):
        if seconds < 0.5:  # most previews are ready by then
            return
        bar = self._panel.ui.previewProgressBar
        bar.visible = True
        bar.value = int(100 * fraction)
        self._showText(panelmodel.progressText(fraction, text, seconds))
