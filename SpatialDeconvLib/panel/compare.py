"""Compare the input with the output: in turn, side by side, or by their difference. Each can be undone."""

import qt
import slicer
from slicer.i18n import tr as _

from ..mrml import previewing
from . import comparing, sliceviews
from . import model as panelmodel

INTERVAL = 600  # ms that flickering shows each volume


class Comparison:
    """The row of buttons below Apply. One of them can be on; switching it off puts the views back.

    :param panel: the module's widget (ui, runner, parameterNode, showError)
    """

    def __init__(self, panel):
        self._panel = panel
        self._pair = None
        self._layers = self._layout = self._difference = None
        self._flip = False
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL)
        self._timer.connect("timeout()", self.onTimer)
        ui = panel.ui
        self._modes = {
            "flicker": (ui.flickerButton, self._flicker),
            "side by side": (ui.sideBySideButton, self._sideBySide),
            "difference": (ui.differenceButton, self._showDifference),
        }
        for mode, (button, _start) in self._modes.items():
            button.connect("toggled(bool)", lambda isOn, mode=mode: self.onToggled(mode, isOn))
        self._enable()

    @property
    def mode(self):
        """Which comparison is on: "flicker", "side by side", "difference", or ""."""
        return next((mode for mode, (button, _start) in self._modes.items() if button.checked), "")

    # -- called by the panel

    def setPair(self, before, after):
        """Compare these two volumes from now on."""
        self.stop()
        self._pair = (before, after)
        self._enable()

    def update(self, _state=None):
        """Offer the chosen output for comparison, if there has been no run yet in this scene."""
        node = self._panel.parameterNode()
        if self.mode and node is not None and node.previewOn:
            self.stop()  # the preview needs its layer
        if self._pair is None and node is not None and _hasVoxels(node.inputVolume, node.outputVolume):
            self._pair = (node.inputVolume, node.outputVolume)
        self._enable()

    def forget(self, node):
        """A node is about to leave the scene."""
        if self._pair is not None and any(node is each for each in self._pair):
            self.stop()
            self._pair = None
            self._enable()

    def stop(self):
        """Put the views back."""
        for button, _start in self._modes.values():
            _setChecked(button, False)
        self._undo()

    def sceneClosed(self):
        """The scene is being closed: nothing is left to be put back but the layout."""
        self._timer.stop()
        for button, _start in self._modes.values():
            _setChecked(button, False)
        if self._layout is not None:
            self._layout.restore()
        if self._layers is not None:
            self._layers.forget()
        self._layers = self._layout = self._difference = self._pair = None
        self._enable()

    def cleanup(self):
        """The panel goes away."""
        self.stop()
        self._timer.disconnect("timeout()", self.onTimer)

    # -- the buttons

    def onToggled(self, mode, isOn):
        self._undo()
        if not isOn:
            return
        for other, (button, _start) in self._modes.items():
            if other != mode:
                _setChecked(button, False)
        button, start = self._modes[mode]
        try:
            if not _hasVoxels(*self._pair):
                raise ValueError(_("One of the two volumes holds no voxels any more."))
            self._switchPreviewOff()
            self._layers = sliceviews.LayerKeeper(slicer.mrmlScene)
            start(*self._pair)
        except (ValueError, MemoryError) as error:
            _setChecked(button, False)
            self._undo()
            self._panel.showError(panelmodel.errorText(error))

    def _undo(self):
        self._timer.stop()
        if self._layers is not None:
            self._layers.restore()
        if self._layout is not None:
            self._layout.restore()
        previewing.removePreviewNode(self._difference)
        self._layers = self._layout = self._difference = None

    def _switchPreviewOff(self):
        """The preview lies in the layer that the comparison needs."""
        node = self._panel.parameterNode()
        if node is not None and node.previewOn:
            node.previewOn = False

    def _enable(self):
        for button, _start in self._modes.values():
            button.enabled = self._pair is not None
        names = "" if self._pair is None else " - ".join(each.GetName() or "" for each in self._pair)
        self._panel.ui.compareLabel.toolTip = names

    # -- the three ways

    def _flicker(self, before, after):
        self._flip = True
        self._layers.put(Background=before, Foreground=after, ForegroundOpacity=1.0)
        self._timer.start()

    def onTimer(self):
        if self._layers is None:
            self._timer.stop()
            return
        self._flip = not self._flip
        self._layers.put(ForegroundOpacity=1.0 if self._flip else 0.0)

    def _sideBySide(self, before, after):
        self._layout = sliceviews.LayoutKeeper(slicer.mrmlScene)
        names = {node.GetLayoutName() for node in sliceviews.compositeNodes(slicer.mrmlScene)}
        if not names.issuperset(sliceviews.SIDES) or not self._layout.show(sliceviews.SIDE_BY_SIDE):
            raise ValueError(_("There are no two slice views to show the volumes in."))
        slicer.app.processEvents()  # the views take their new size before their slices are compared
        for name, volume in zip(sliceviews.SIDES, (before, after), strict=True):
            views = [node for node in sliceviews.compositeNodes(slicer.mrmlScene) if node.GetLayoutName() == name]
            self._layers.put(views, Background=volume, Foreground=None, LinkedControl=1, HotLinkedControl=1)
        self._layout.alignSlices(sliceviews.SIDES)

    def _showDifference(self, before, after):
        self._difference = comparing.differenceVolume(before, after)
        self._layers.put(Background=self._difference, Foreground=None)
        if hasattr(slicer.modules, "colors"):  # the scale beside the picture
            legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(self._difference)
            if legend is not None:
                legend.SetSaveWithScene(False)
                legend.SetTitleText(_("Output - input"))


def _hasVoxels(*volumes):
    return all(
        volume is not None and volume.GetScene() is not None and volume.GetImageData() is not None
        for volume in volumes
    )


def _setChecked(button, isOn):
    """Check a button without telling its slots."""
    wasBlocked = button.blockSignals(True)
    button.checked = isOn
    button.blockSignals(wasBlocked)
