"""Apply: start a run, show how it goes and how it ended, or cancel it."""

import logging
from dataclasses import replace

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled
from ..mrml import sequences
from . import model as panelmodel
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
        self._hint = ""
        self._cure, self._failed = None, False  # what one click cures, and whether a run has failed for want of it
        ui = panel.ui
        self._controls = RunControls(
            ui.applyButton, ui.progressBar, ui.statusLabel, _("Apply"), panel.wrapped.update
        )
        self.say("")
        ui.applyButton.connect("clicked(bool)", self.onClicked)
        ui.cureButton.connect("clicked(bool)", self.onCure)

    def update(self, state):
        """Show whether Apply can start, and what is missing."""
        owner = self._panel.runner.owner
        if owner == "apply":
            return
        ui, missing = self._panel.ui, panelmodel.whatIsMissing(state)
        ui.applyButton.enabled = not missing and not owner
        ui.applyButton.toolTip = panelmodel.waitingText(owner) or panelmodel.applyToolTip(state)
        # What a run has said stays until the next one, or until there can be none.
        if missing or ui.statusLabel.text in ("", self._hint):
            self._hint, self._failed = missing, False
            self.say(missing, panelmodel.cureOfMissing(state))

    def sceneClosed(self):
        """The scene is being closed: what a run has made does not belong to the next one."""
        if self._panel.runner.owner == "apply":
            self._sceneClosed = True
        self.say("")

    def say(self, text, cure=None):
        """Show a line of text below the button, and a button for what cures it."""
        self._cure = cure
        button = self._panel.ui.cureButton
        button.visible = cure is not None
        if cure is not None:
            button.text = cure.text
        self._controls.say(text)

    def warn(self, text, cure=None):
        """Show what went wrong and a button for what cures it, until the user changes something."""
        self._hint = text
        self._failed = True
        self.say(text, cure)

    def onCure(self, _checked=False):
        """Switch on what cures what the line says, and try again what has failed."""
        node, cure, failed = self._panel.parameterNode(), self._cure, self._failed
        if not node or cure is None:
            return
        self.say("")
        setattr(node, cure.parameter, True)
        if failed:
            self.onClicked()

    def onClicked(self, _checked=False):
        """Start a run, or cancel the one that is on."""
        runner = self._panel.runner
        if runner.owner == "apply":
            if self._controls.meansCancel():
                self.cancel()
            return
        if runner.owner or not self._panel.parameterNode():  # the scene is being read
            return
        state = self._panel.panelState()
        missing = panelmodel.whatIsMissing(state)  # a file may have gone since the button was enabled
        if missing:
            self._panel.showError(missing)
            return
        frames = self._framesOf(state.inputVolume)
        if frames is not None:
            self._start(state, frames)

    def cancel(self):
        """Ask the run to stop."""
        self._panel.runner.cancel("apply")
        self._controls.cancelling()

    def _framesOf(self, volume):
        """Return what to work on: the volume, or the sequence it is a frame of; None if the user cancels.

        This is asked once, before the run.
        """
        found = sequences.sequenceOf(volume)
        count = found[0].GetNumberOfDataNodes() if found else 0
        if count < 2:
            return volume
        box = qt.QMessageBox(slicer.util.mainWindow())
        box.setIcon(qt.QMessageBox.Question)
        box.setWindowTitle(_("Spatially Variant Deconvolution"))
        text = _("{name} shows one of the {count} frames of the sequence {sequence}. Work on all of them?")
        box.setText(text.format(name=volume.GetName(), count=count, sequence=found[0].GetName()))
        everyFrame = box.addButton(_("All {count} frames").format(count=count), qt.QMessageBox.AcceptRole)
        thisFrame = box.addButton(_("This frame only"), qt.QMessageBox.AcceptRole)
        box.addButton(qt.QMessageBox.Cancel)
        box.setDefaultButton(everyFrame)
        box.exec_()
        chosen = box.clickedButton()
        return found[0] if chosen == everyFrame else volume if chosen == thisFrame else None

    def _start(self, state, frames):
        self._state, self._sceneClosed = state, False
        self.say("")
        self._controls.start(_("Stop and leave the scene as it is."))
        parameterNode, logic = self._panel.parameterNode(), self._panel.logic

        def work(progress, cancelled):
            request = panelmodel.runFrom(state, fieldOf(parameterNode))
            if frames is state.inputVolume:
                output, result = logic.run(request, state.outputVolume, progress, cancelled)
                made = [output] if state.outputVolume is None else []
            else:
                request = replace(request, inputVolume=frames)
                output, result = logic.run(request, None, progress, cancelled)
                made = [output, shownOf(output)]
            if cancelled():  # the wish to stop came after the engine had looked for it the last time
                removeNodes(made)
                raise Cancelled
            return output, result

        self._panel.runner.start(work, self._finished, "apply", self._controls.show)

    def _finished(self, outcome, error):
        """Show how a run ended."""
        self._controls.stop()
        self.say("")  # of the progress
        panel = self._panel
        if panel.parameterNode():
            self.update(panel.panelState())
        if isinstance(error, Cancelled):
            if not self._sceneClosed:  # else the line is about the next scene already
                self.say(_("Cancelled; nothing was changed."))
        elif error is not None:
            if not isinstance(error, ValueError | OSError | MemoryError):
                logging.error("SpatialDeconv failed", exc_info=error)
            panel.showError(panelmodel.errorText(error), panelmodel.cureOf(error))
        else:
            output, result = outcome
            isSequence = isinstance(result, list)
            text = panelmodel.sequenceText if isSequence else panelmodel.resultText
            self.say(text(result, output.GetName()))
            shown = shownOf(output) if isSequence else output
            if shown is not None:
                panel.showResult(self._state.inputVolume, shown, None if isSequence else result)


def shownOf(sequence):
    """Return the volume that a browser shows for a sequence, or None."""
    for browser in slicer.util.getNodesByClass("vtkMRMLSequenceBrowserNode"):
        if browser.IsSynchronizedSequenceNode(sequence, True):
            return browser.GetProxyNode(sequence)
    return None


def removeNodes(nodes):
    """Remove nodes that a cancelled run has made, with their display nodes."""
    for node in filter(None, nodes):
        display = node.GetDisplayNode() if node.IsA("vtkMRMLDisplayableNode") else None
        for each in (display, node):
            if each is not None:
                slicer.mrmlScene.RemoveNode(each)
