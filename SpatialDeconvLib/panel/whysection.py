"""Why a result is as it is: plots of the kernels, how well each of them fits, and where it does so least."""

import slicer

from ..mrml.scene import ijkToRas, spacingOf
from . import curveplots, forms, sliceviews
from . import model as panelmodel
from .parameters import fieldOf


class WhySection:
    """Buttons of which one can be on; each shows a plot beside the slice views and takes it away again.

    :param panel: the module's widget (ui, parameterNode, panelState, comparison, plots, wrapped)
    """

    def __init__(self, panel):
        self._panel = panel
        ui = panel.ui
        self._plots = {
            "mtf": (ui.mtfButton, self._mtf),
            "profiles": (ui.profileButton, self._profiles),
            "residual": (ui.kernelResidualButton, self._residual),
        }
        for name, (button, _make) in self._plots.items():
            button.connect("toggled(bool)", lambda isOn, name=name: self.onToggled(name, isOn))
        ui.worstPlaceButton.connect("clicked(bool)", self.onWorstPlace)
        self._ofRuns = [(button, button.toolTip) for button in (ui.kernelResidualButton, ui.worstPlaceButton)]
        forms.show(ui.whyStatusLabel, "")

    # -- called by the panel

    def update(self, state):
        """Show what can be looked at; a plot of kernels that have changed is taken away."""
        ui, hasRun = self._panel.ui, self._panel.comparison.hasResidual
        for button in (ui.mtfButton, ui.profileButton):
            button.enabled = state.kernelSet.usable and state.inputVolume is not None and state.slices > 0
        for button, toolTip in self._ofRuns:
            button.enabled = hasRun
            button.toolTip = self._panel.comparison.whyNoResidual or toolTip
        if (ui.kernelResidualButton.checked and not hasRun) or (
            not ui.mtfButton.enabled and (ui.mtfButton.checked or ui.profileButton.checked)
        ):
            self.stop()

    def stop(self):
        """Take the plot away and put the layout back."""
        self._release()
        self._undo()

    def _release(self):
        """Another section's plot has taken the place, or there is none any more."""
        for button, _make in self._plots.values():
            forms.setChecked(button, False)
        self._say("")

    def sceneClosed(self):
        """The scene is being closed: the plot goes away by itself, the layout does not."""
        self.stop()

    def cleanup(self):
        """The panel goes away."""
        self.stop()

    # -- the buttons

    def onToggled(self, name, isOn):
        self._undo()
        if not isOn:
            return
        for other, (button, _make) in self._plots.items():
            if other != name:
                forms.setChecked(button, False)
        try:
            self._plots[name][1]()
        except (ValueError, OSError, MemoryError) as error:
            self.stop()
            self._say(panelmodel.errorText(error))

    def onWorstPlace(self, _checked=False):
        """Let the slice views show the place that the kernels explain least."""
        self._panel.comparison.withResidual(self._goToWorst)

    def _mtf(self):
        self._show(curveplots.mtfPlot(fieldOf(self._panel.parameterNode()), self._spacing()))

    def _profiles(self):
        self._show(curveplots.profilePlot(fieldOf(self._panel.parameterNode()), self._spacing()))

    def _residual(self):
        self._panel.comparison.withResidual(self._showResidual)

    def _showResidual(self, maps, _volume, where):
        if self._panel.ui.kernelResidualButton.checked:
            self._show(curveplots.residualPlot(maps))
            self._say(curveplots.residualText(maps, where))

    def _goToWorst(self, maps, volume, where):
        worst = curveplots.worstOf(maps)
        local = ijkToRas(volume) @ [*worst.worst[::-1], 1.0]
        world = [0.0, 0.0, 0.0]
        volume.TransformPointToWorld([float(x) for x in local[:3]], world)
        for node in sliceviews.visibleSliceNodes(slicer.mrmlScene):
            node.JumpSliceByCentering(*world)
        self._say(curveplots.residualText(maps, where))

    # -- what is shown

    def _spacing(self):
        volume = self._panel.panelState().inputVolume
        spacing = spacingOf(volume)
        return spacing[1:] if volume.GetImageData().GetDimensions()[2] == 1 else spacing

    def _show(self, plot):
        self._panel.plots.show(plot, self._release)

    def _undo(self):
        self._panel.plots.hide(self._release)
        self._say("")

    def _say(self, text):
        forms.show(self._panel.ui.whyStatusLabel, text)
        self._panel.wrapped.update()
