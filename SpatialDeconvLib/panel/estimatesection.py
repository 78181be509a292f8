"""Measure kernels from a sharp and a blurred volume, and put them into the table."""

import logging

import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled
from ..mrml import nodes
from . import kernelrows
from . import model as panelmodel
from .applysection import removeNodes
from .parameters import EstimateTarget, KernelKey, fieldKeysOf, rowsOf, setRows
from .running import RunControls


class EstimateSection:
    """The section "Measure kernels".

    :param panel: the module's widget (ui, runner, parameterNode, panelState, showError)
    """

    def __init__(self, panel):
        self._panel = panel
        self._sceneClosed = False
        ui = panel.ui
        self._controls = RunControls(
            ui.estimateButton, ui.estimateProgressBar, ui.estimateStatusLabel, _("Measure"), panel.wrapped.update
        )
        self._controls.say("")
        ui.estimateButton.connect("clicked(bool)", self.onClicked)

    def update(self, state):
        """Show whether a measurement can start, and what is missing."""
        owner = self._panel.runner.owner
        if owner == "estimate":
            return
        ui, node = self._panel.ui, self._panel.parameterNode()
        one = node.estimateTarget == EstimateTarget.OneKernel
        ui.estimateMethodLabel.visible = ui.estimateMethodComboBox.visible = one
        missing = panelmodel.estimateIsMissing(
            node.originalVolume, node.blurredVolume, node.estimateTarget.value, state
        )
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
        self._controls.start(_("Stop and leave the table as it is."))
        one = node.estimateTarget == EstimateTarget.OneKernel
        work = self._oneKernel(node) if one else self._kernelOfEachRow(node)

        def done(outcome, error):
            self._finished(node, outcome, error)

        runner.start(work, done, "estimate", self._showProgress)

    def cancel(self):
        """Ask the measurement to stop."""
        self._panel.runner.cancel("estimate")
        self._controls.cancelling()

    def sceneClosed(self):
        """The scene is being closed: what was measured does not belong to the next one."""
        self._sceneClosed = True
        self._controls.say("")

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
        """Return the work that ends with the rows of the new table and lines about them."""
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
            return [kernelrows.KernelRow("", "volume", volume=volume)], kernel.estimate

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
            return self._measured(key, rows, found), found.estimate

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
                row = kernelrows.KernelRow(row.at, "volume", volume=volume)
            made.append(row)
        return made

    def _finished(self, node, outcome, error):
        """Show how a measurement ended; its kernels are the table's, also when the panel was left meanwhile."""
        self._controls.stop()
        panel, say = self._panel, self._controls.say
        if error is None:
            rows, estimate = outcome
            say(panelmodel.estimateText(estimate))
            with slicer.util.NodeModify(node):
                if not rows[0].at:  # one kernel everywhere
                    node.kernelKey = KernelKey.Uniform
                setRows(node, rows)
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
