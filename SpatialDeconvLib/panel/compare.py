"""Compare the input with the output: in turn, side by side, by their difference, or by what is left unexplained.

Each can be undone.
"""

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled
from ..mrml import previewing, sheets
from ..mrml.channelnames import channelNames
from ..mrml.channels import channelText
from . import comparing, curveplots, forms, sliceviews
from . import model as panelmodel

INTERVAL = 600  # ms that flickering shows each volume
OPACITY = 0.7  # of the residual over the input


class Comparison:
    """The row of buttons below Apply. One of them can be on; switching it off puts the views back.

    :param panel: the module's widget (ui, runner, parameterNode, showError)
    """

    def __init__(self, panel):
        self._panel = panel
        self._pair = self._result = self._frames = self._maps = self._residual = None
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
            "residual": (ui.residualButton, self._showResidual),
        }
        for mode, (button, _start) in self._modes.items():
            button.connect("toggled(bool)", lambda isOn, mode=mode: self.onToggled(mode, isOn))
        self._residualToolTip = ui.residualButton.toolTip
        self._enable()

    @property
    def mode(self):
        """Which comparison is on: "flicker", "side by side", "difference", "residual", or ""."""
        return next((mode for mode, (button, _start) in self._modes.items() if button.checked), "")

    # -- called by the panel

    def setPair(self, before, after, result=None, frames=None):
        """Compare these two volumes from now on.

        :param result: of the run that made the second one
        :param frames: sheets.ResidualSequence of that run, where both are frames of sequences
        """
        self.stop()
        self._pair, self._result, self._frames = (before, after), result, frames
        self._maps = self._residual = None
        self._enable()

    @property
    def hasResidual(self):
        """Whether what the last result leaves unexplained can be shown."""
        known = self._frames.maps if self._frames is not None else self._result is not None and self._result.fits
        return bool(known) and _hasVoxels(*self._pair)

    @property
    def whyNoResidual(self):
        """Why there is no residual to show although there is a result; "" otherwise."""
        if self._pair is None or self.hasResidual:
            return ""
        return _(
            "Deconvolving leaves a residual to look at; convolutions, runs in tiles and results that were not made "
            "just now have none."
        )

    def withResidual(self, use):
        """Call ``use(maps, input volume, where)`` with the residual maps of the last result.

        Those of a volume are made at the first time. Of a sequence they are those of the frame that is shown, and
        `where` says which (``time = 0.5 s``); else it is "".
        """
        if not self.hasResidual:
            return
        result, volume = self._result, self._pair[0]
        if self._frames is not None:
            try:
                maps, where = self._frames.shownOf(volume)
            except ValueError as error:
                self.stop()
                self._panel.showError(panelmodel.errorText(error))
            else:
                use(maps, volume, where)
            return

        def done(maps, error):
            if error is None and self._result is result:
                self._maps = maps
                use(maps, volume, "")
            elif error is not None:
                self.stop()
                if not isinstance(error, Cancelled):
                    self._panel.showError(panelmodel.errorText(error))

        if self._maps is not None:
            use(self._maps, volume, "")
        else:
            self._panel.runner.start(lambda *watched: sheets.residualMaps(result, *watched), done, "residual")

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
            self._pair = self._result = self._frames = self._maps = None
            self._enable()
        if self._frames is not None and node is self._frames.sequence:
            self.stop()
            self._frames = None
            self._enable()
        if node is self._residual:
            self.stop()
            self._residual = None

    def stop(self):
        """Put the views back."""
        for button, _start in self._modes.values():
            forms.setChecked(button, False)
        self._undo()

    def sceneClosed(self):
        """The scene is being closed: nothing is left to be put back but the layout."""
        self._timer.stop()
        for button, _start in self._modes.values():
            forms.setChecked(button, False)
        if self._layout is not None:
            self._layout.restore()
        if self._layers is not None:
            self._layers.forget()
        self._layers = self._layout = self._difference = self._pair = None
        self._result = self._frames = self._maps = self._residual = None
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
                forms.setChecked(button, False)
        button, start = self._modes[mode]
        try:
            if not _hasVoxels(*self._pair):
                raise ValueError(_("One of the two volumes holds no voxels any more."))
            self._switchPreviewOff()
            self._layers = sliceviews.LayerKeeper(slicer.mrmlScene)
            start(*self._pair)
        except (ValueError, MemoryError) as error:
            forms.setChecked(button, False)
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
        for mode, (button, _start) in self._modes.items():
            button.enabled = self.hasResidual if mode == "residual" else self._pair is not None
        self._panel.ui.residualButton.toolTip = self.whyNoResidual or self._residualToolTip
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
        _addLegend(self._difference, _("Output - input"))

    def _showResidual(self, _before, _after):
        self.withResidual(self._layResidual)

    def _layResidual(self, maps, before, _where):
        if self.mode != "residual" or self._layers is None:  # switched off meanwhile
            return
        if self._residual is None:
            self._residual = self._residualOf(maps, before)
        self._layers.put(Background=before, Foreground=self._residual, ForegroundOpacity=OPACITY)

    def _residualOf(self, maps, before):
        """A new volume with the map of the channel that fits least; of a sequence one that follows its frames."""
        frames = [maps] if self._frames is None else list(self._frames.maps.values())
        channel = max(
            range(len(maps)), key=lambda number: curveplots.leastFitOf([each[number] for each in frames]).rms
        )
        if self._frames is None:
            volume = sheets.residualVolume(before, maps, channel=channel)
        else:
            volume = self._frames.show(channel)
        comparing.showResidual(volume, [each[channel] for each in frames])
        title = _("Residual / noise") if maps[0].in_noise else _("Residual")
        if len(maps) > 1:
            title += f", {channelText(channel, channelNames(before))}"
        _addLegend(volume, title)
        return volume


def _addLegend(volume, title):
    """Show the scale of a volume's colours beside the picture, where there is one."""
    if hasattr(slicer.modules, "colors"):
        legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(volume)
        if legend is not None:
            legend.SetSaveWithScene(False)
            legend.SetTitleText(title)


def _hasVoxels(*volumes):
    return all(
        volume is not None and volume.GetScene() is not None and volume.GetImageData() is not None
        for volume in volumes
    )
