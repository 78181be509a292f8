"""Apply: start a run, show how it goes and how it ended, or cancel it."""

import logging

import slicer
from slicer.i18n import tr as _

from ..doors import panelmodel
from ..errors import Cancelled
from .parameters import fieldOf
from .running import RunControls


class ApplySection:
    """The Apply button, the progress bar and the status line.

    :param panel: the module's widget (ui, runner, logic, parameterNode, panelState, showError)
    """

    def __init__(self, panel):
        self._panel = panel
        self._state = None
        self._sceneClosed = False
        ui = panel.ui
        self._controls = RunControls(ui.applyButton, ui.progressBar, ui.statusLabel, _("Apply"))
        ui.statusLabel.text = ""
        ui.applyButton.connect("clicked(bool)", self.onClicked)

    def update(self, state):
        """Show whether Apply can start, and what is missing."""
        if self._panel.runner.kind == "apply":
            return
        button = self._panel.ui.applyButton
        button.enabled = not panelmodel.what_is_missing(state) and not self._panel.runner.busy
        button.toolTip = panelmodel.apply_tool_tip(state)

    def sceneClosed(self):
        """The scene is being closed: what a run has made does not belong to the next one."""
        if self._panel.runner.kind == "apply":
            self._sceneClosed = True
        else:
            self._panel.ui.statusLabel.text = ""

    def onClicked(self, _checked=False):
        """Start a run, or cancel the one that is on."""
        runner = self._panel.runner
        if runner.kind == "apply":
            runner.cancel("apply")
            self._controls.cancelling()
            return
        if not self._panel.parameterNode():  # the scene is being read
            return
        state = self._panel.panelState()
        missing = panelmodel.what_is_missing(state)  # a file may have gone since the button was enabled
        if missing:
            self._panel.showError(missing)
            return
        self._start(state, state.input_volume)

    def _start(self, state, frames):
        self._state, self._sceneClosed = state, False
        self._setInputsEnabled(False)
        self._controls.start(_("Stop and leave the scene as it is."))
        parameterNode, logic = self._panel.parameterNode(), self._panel.logic

        def work(progress, cancelled):
            request = panelmodel.run_request(state, fieldOf(parameterNode))
            if frames is state.input_volume:
                output, result = logic.run(request, state.output_volume, progress, cancelled)
                made = [output] if state.output_volume is None else []
            else:
                output, result = logic.runSequence(frames, request, progress, cancelled)
                made = [output]
            if cancelled():  # the wish to stop came after the engine had looked for it the last time
                removeNodes(made)
                raise Cancelled
            return output, result

        self._panel.runner.start(work, self._finished, "apply", self._controls.show)

    def _finished(self, outcome, error):
        """Show how a run ended."""
        self._setInputsEnabled(True)
        self._controls.stop()
        panel, status = self._panel, self._panel.ui.statusLabel
        if panel.parameterNode():
            self.update(panel.panelState())
        if isinstance(error, Cancelled):
            status.text = "" if self._sceneClosed else _("Cancelled; nothing was changed.")
        elif error is not None:
            if not isinstance(error, ValueError | OSError | MemoryError):
                logging.error("SpatialDeconv failed", exc_info=error)
            panel.showError(panelmodel.error_text(error))
        else:
            output, result = outcome
            status.text = panelmodel.result_text(result, output.GetName())
            panel.showResult(self._state.input_volume, output)

    def _setInputsEnabled(self, enabled):
        for name in SECTIONS:
            getattr(self._panel.ui, name).enabled = enabled


SECTIONS = (
    "inputsCollapsibleButton",
    "kernelsCollapsibleButton",
    "estimateCollapsibleButton",
    "methodCollapsibleButton",
    "advancedCollapsibleButton",
    "previewCollapsibleButton",
    "outputCollapsibleButton",
    "compareFrame",
)


def removeNodes(nodes):
    """Remove nodes that a cancelled run has made, with their display nodes."""
    for node in nodes:
        display = node.GetDisplayNode() if node.IsA("vtkMRMLDisplayableNode") else None
        for each in (display, node):
            if each is not None:
                slicer.mrmlScene.RemoveNode(each)
