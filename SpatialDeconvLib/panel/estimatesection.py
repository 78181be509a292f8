"""Measure kernels from two volumes, or from one of beads, an edge or a slit, and put them into the table."""

import logging
from dataclasses import dataclass
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled
from ..mrml import geometry, measuring, nodes
from . import curveplots, forms, kernelrows, onevolume
from . import model as panelmodel
from .applysection import removeNodes
from .parameters import EstimateTarget, KernelKey, fieldKeysOf, oneVolumeOf, rowsOf, setRows
from .running import RunControls

# The widgets of each field of the section; the names are those of onevolume.shownFields.
FIELD_WIDGETS = {
    "volume": ("estimateVolumeLabel", "estimateVolumeSelector"),
    "originalVolume": ("originalVolumeLabel", "originalVolumeSelector"),
    "blurredVolume": ("blurredVolumeLabel", "blurredVolumeSelector"),
    "target": ("estimateTargetLabel", "estimateTargetComboBox"),
    "zones": ("estimateZonesLabel", "estimateZonesRow"),
    "degree": ("estimateDegreeLabel", "estimateDegreeSpinBox"),
    "bead": ("estimateBeadLabel", "estimateBeadSpinBox"),
    "slit": ("estimateSlitLabel", "estimateSlitSpinBox"),
    "ownSize": ("estimateOwnSizeLabel", "estimateOwnSizeSpinBox"),
    "size": ("estimateSizeLabel", "estimateSizeSpinBox"),
    "method": ("estimateMethodLabel", "estimateMethodComboBox"),
    "constraint": ("estimateConstraintLabel", "estimateConstraintComboBox"),
    "allow": ("estimateRegisterLabel", "estimateAllowRow"),
}


@dataclass(frozen=True)
class Outcome:
    """What a measurement leaves: key (None: as it was) and rows of the table, what is told, perhaps what is shown.

    plot is a `curveplots.CurvePlot`, points are the volume and its PointSpreads.
    """

    key: str | None
    rows: list[kernelrows.KernelRow]
    text: str
    plot: Any = None
    points: tuple[Any, Any] | None = None


class EstimateSection:
    """The section "Measure kernels".

    :param panel: the module's widget (ui, runner, parameterNode, panelState, plots, wrapped)
    """

    def __init__(self, panel):
        self._panel = panel
        self._sceneClosed = False
        self._plot = self._points = self._marks = None
        ui = panel.ui
        self._controls = RunControls(
            ui.estimateButton, ui.estimateProgressBar, ui.estimateStatusLabel, _("Measure"), panel.wrapped.update
        )
        self._controls.say("")
        self._fields = forms.FormRows(ui, [ui.estimateFields.layout()], FIELD_WIDGETS)
        ui.estimateButton.connect("clicked(bool)", self.onClicked)
        ui.estimatePlotButton.connect("toggled(bool)", self.onPlot)
        ui.estimatePointsButton.connect("toggled(bool)", self.onPoints)

    def update(self, state):
        """Show whether a measurement can start, and what is missing."""
        owner = self._panel.runner.owner
        if owner == "estimate":
            return
        ui, node = self._panel.ui, self._panel.parameterNode()
        source, one = node.estimateSource.value, node.estimateTarget == EstimateTarget.OneKernel
        wanted = oneVolumeOf(node)
        shown = onevolume.shownFields(source, max(wanted.zones) > 1, one)
        self._fields.show(shown)
        if source == onevolume.PAIR:
            target = node.estimateTarget.value
            missing = panelmodel.estimateIsMissing(node.originalVolume, node.blurredVolume, target, state)
        else:
            missing = onevolume.whatIsMissing(wanted)
        ui.estimateButton.enabled = not missing and not owner
        ready = _("Measure the kernels and put them into the table.")
        ui.estimateButton.toolTip = panelmodel.waitingText(owner) or missing or ready

    def onClicked(self, _checked=False):
        """Start a measurement, or cancel the one that is on."""
        runner, node = self._panel.runner, self._panel.parameterNode()
        if runner.owner == "estimate":
            if self._controls.meansCancel():
                self.cancel()
            return
        if runner.owner or not node:
            return
        self._sceneClosed = False
        self._setShown(None, None)  # of the measurement before
        self._controls.start(_("Stop and leave the table as it is."))
        if node.estimateSource.value != onevolume.PAIR:
            work = self._ofOneVolume(node)
        elif node.estimateTarget == EstimateTarget.OneKernel:
            work = self._oneKernel(node)
        else:
            work = self._kernelOfEachRow(node)

        def done(outcome, error):
            self._finished(node, outcome, error)

        runner.start(work, done, "estimate", self._showProgress)

    def cancel(self):
        """Ask the measurement to stop."""
        self._panel.runner.cancel("estimate")
        self._controls.cancelling()

    def stop(self):
        """The panel is left: take plot and marks away."""
        self._releasePlot()
        self._panel.plots.hide(self._releasePlot)
        forms.setChecked(self._panel.ui.estimatePointsButton, False)
        self.onPoints(False)

    def sceneClosed(self):
        """The scene is being closed: what was measured does not belong to the next one."""
        self._sceneClosed = True
        self._controls.say("")
        self._marks = None
        self._setShown(None, None)

    def cleanup(self):
        """The panel goes away."""
        self.stop()

    # -- what can be looked at

    def onPlot(self, isOn):
        """Show the plot of the last measurement beside the slice views, or take it away."""
        if isOn:
            self._panel.plots.show(self._plot, self._releasePlot)
        else:
            self._panel.plots.hide(self._releasePlot)

    def onPoints(self, isOn):
        """Mark the points of the last measurement in the slice views, or take the marks away."""
        marks, self._marks = self._marks, None
        if marks is not None and marks.GetScene() is not None:
            removeNodes([marks])
        if isOn and self._points[0].GetScene() is not None:
            volume, found = self._points
            self._marks = measuring.pointMarks(found, volume)

    def _setShown(self, plot, points):
        self.stop()
        self._plot, self._points = plot, points
        self._panel.ui.estimatePlotButton.visible = plot is not None
        self._panel.ui.estimatePointsButton.visible = points is not None

    def _releasePlot(self):
        """Another section's plot has taken the place, or there is none any more."""
        forms.setChecked(self._panel.ui.estimatePlotButton, False)

    # -- the work

    def _showProgress(self, fraction, text, seconds):
        self._controls.show(fraction, _("Measuring: {text}").format(text=text), seconds)

    def _options(self, node):
        constraint = node.estimateConstraint.value
        return {
            "constraint": None if constraint == "none" else constraint,
            "register": node.estimateRegister,
            "gain": node.estimateGain,
            "offset": node.estimateOffset,
            "resample": node.resample,
        }

    def _oneKernel(self, node):
        """Return the work that ends with an `Outcome`."""
        options = {**self._options(node), "method": node.estimateMethod.value}
        original, blurred, size = node.originalVolume, node.blurredVolume, node.estimateSize
        mask = self._panel.panelState().mask

        def work(progress, cancelled):
            from ..mrml import estimating

            volume, kernel = estimating.estimateKernel(
                original, blurred, size, mask=mask, progress=progress, cancelled=cancelled, **options
            )
            if cancelled():
                removeNodes([volume])
                raise Cancelled
            rows = [kernelrows.KernelRow("", "volume", volume=volume)]
            return Outcome("uniform", rows, panelmodel.estimateText(kernel.estimate))

        return work

    def _kernelOfEachRow(self, node):
        options, rows, key = self._options(node), rowsOf(node), node.kernelKey.value
        original, blurred, size = node.originalVolume, node.blurredVolume, node.estimateSize
        state = self._panel.panelState()
        selections = {
            "mask": state.mask,
            "labels": panelmodel.usedLabels(state),
            "guide": panelmodel.usedGuide(state),
            "model": state.model,
        }

        def work(progress, cancelled):
            from ..mrml import estimating

            keys = fieldKeysOf(node)
            found = estimating.estimateKernels(
                original, blurred, keys, size, progress=progress, cancelled=cancelled, **selections, **options
            )
            if cancelled():
                raise Cancelled
            return Outcome(None, self._measured(key, rows, found), panelmodel.estimateText(found.estimate))

        return work

    @staticmethod
    def _ofOneVolume(node):
        wanted, goal = oneVolumeOf(node), node.inputVolume

        def work(progress, cancelled):
            found = wanted.measure(progress, cancelled)
            if cancelled():
                raise Cancelled
            volume = wanted.volume
            isOther = goal is not None and goal.GetImageData() and not geometry.sameGeometry(volume, goal)
            text = onevolume.measuredText(found, volume.GetName() if isOther else "")
            key, rows = onevolume.rowsOf(found, volume.GetName(), nodes.volumeFromKernel)
            points = (volume, found) if wanted.source == onevolume.POINTS else None
            return Outcome(key, rows, text, curveplots.measuredPlot(found), points)

        return work

    @staticmethod
    def _measured(key, rows, found):
        """Return the rows with the measured kernels; those that the volumes do not determine stay."""
        kernels = dict(zip(found.at, zip(found.kernels, found.estimate.determined, strict=True), strict=True))
        made = []
        for row in rows:
            kernel, determined = kernels[row.place(key)]
            if determined:
                name = _("Measured kernel {place}").format(place=row.at).strip()
                volume = nodes.volumeFromKernel(kernel, name)
                row = kernelrows.rowOfKernel(row.at, kernel, volume, row.weights)
            made.append(row)
        return made

    def _finished(self, node, outcome, error):
        """Show how a measurement ended; its kernels are the table's, also when the panel was left meanwhile."""
        self._controls.stop()
        panel, say = self._panel, self._controls.say
        if error is None:
            say(outcome.text)
            self._setShown(outcome.plot, outcome.points)
            with slicer.util.NodeModify(node):
                if outcome.key is not None:
                    node.kernelKey = KernelKey(outcome.key)
                setRows(node, outcome.rows)
        elif isinstance(error, Cancelled):
            say("" if self._sceneClosed else _("Cancelled; nothing was changed."))
        else:
            if not isinstance(error, ValueError | OSError | MemoryError):
                logging.error("SpatialDeconv cannot measure the kernels", exc_info=error)
            text = panelmodel.errorText(error)
            say(text)
            slicer.util.errorDisplay(text, windowTitle=_("Spatially Variant Deconvolution"))
        if panel.parameterNode():
            panel.onParameterNodeModified()
