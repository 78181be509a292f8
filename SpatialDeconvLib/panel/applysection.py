"""Apply: start a run, show how it goes and how it ended, or cancel it."""

import logging
import math
from dataclasses import replace

import qt
import slicer
from slicer.i18n import tr as _

from ..arrays.memory import available_memory
from ..errors import Cancelled
from ..mrml import browsers, checking, sheets
from ..run.verdict import worst_verdict
from . import forms, goalsection
from . import model as panelmodel
from .parameters import fieldOf, snapshotOf
from .running import RunControls
from .runssection import Run
from .verdictsection import VerdictSection

# Of the memory that is free before a run on a sequence, what the residual maps of its frames may take.
MAPS_SHARE = 0.25


class ApplySection:
    """The Apply button, the progress bar, the verdict and the status line.

    :param panel: the module's widget (ui, runner, runs, logic, parameterNode, panelState, showError)
    """

    def __init__(self, panel):
        self._panel = panel
        self._state = self._snapshot = None
        self._given = None  # the output volume that a run has made and chosen, and the input that it was made from
        self._sceneClosed = False
        self._hint = ""
        self._cure, self._failed = None, False  # what one click cures, and whether a run has failed for want of it
        ui = panel.ui
        self._controls = RunControls(
            ui.applyButton, ui.progressBar, ui.statusLabel, _("Apply"), panel.wrapped.update
        )
        advice = {"best": self.onTryBest, "width": self.onMeasureWidth, "residual": self.onShowResidual}
        self.verdict = VerdictSection(ui, advice, panel.wrapped.update)
        self.say("")
        ui.applyButton.connect("clicked(bool)", self.onClicked)
        ui.cureButton.connect("clicked(bool)", self.onCure)

    def update(self, state):
        """Show whether Apply can start, and what is missing."""
        owner = self._panel.runner.owner
        if owner == "apply":
            return
        if self._letGoOfOutput(state):
            return  # the parameter node has been modified
        ui, missing = self._panel.ui, panelmodel.whatIsMissing(state)
        forms.setEnabled(ui.applyButton, not missing and not owner)
        ui.applyButton.toolTip = panelmodel.waitingText(owner) or panelmodel.applyToolTip(state)
        # What a run has said stays until the next one, or until there can be none.
        if missing or ui.statusLabel.text in ("", self._hint):
            self._hint, self._failed = missing, False
            self.say(missing, panelmodel.cureOfMissing(state))
            self.verdict.clear()

    def _letGoOfOutput(self, state):
        """Another input than that of the last run gets an output of its own; whether that had to be changed."""
        if self._given is None or self._given == (state.outputVolume, state.inputVolume):
            return False
        output, _input = self._given
        self._given = None
        if state.outputVolume is not output:  # the user has chosen another one
            return False
        self._panel.parameterNode().outputVolume = None
        return True

    def sceneClosed(self):
        """The scene is being closed: what a run has made does not belong to the next one."""
        if self._panel.runner.owner == "apply":
            self._sceneClosed = True
        self._given = None
        self.verdict.clear()
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

    def onTryBest(self):
        """Run again, with the method that is expected to come closest."""
        node = self._panel.parameterNode()
        if node:
            goalsection.choose(node, "best")
            self.onClicked()

    def onMeasureWidth(self):
        """Hold the width of the kernels to the blur that the image shows."""
        panel, node = self._panel, self._panel.parameterNode()
        if panel.runner.owner or not node:
            return
        state = panel.panelState()
        if panelmodel.whatIsMissing(state):
            return

        def work(progress, cancelled):
            request = panelmodel.runFrom(state, fieldOf(node))
            names = ("model", "boundary", "slicewise", "nonfinite")
            shared = {name: getattr(request.settings, name) for name in names}
            return checking.checkKernels(
                request.inputVolume, request.kernels, noise=request.settings.noise, progress=progress,
                cancelled=cancelled, **request.selections, **shared,
            )  # fmt: skip

        self._begin(_("Stop measuring."), work, self._measured)

    def onShowResidual(self):
        """Lay what the result leaves unexplained over the image."""
        button = self._panel.ui.residualButton
        button.checked = button.enabled

    def _measured(self, check, error):
        """Show what was found of the width of the kernels."""
        if self._ended(error):
            self.say(panelmodel.widthText(check))

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
        found = browsers.sequenceOf(volume)
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
        parameterNode, logic = self._panel.parameterNode(), self._panel.logic
        self._state, self._snapshot = state, snapshotOf(parameterNode)
        self.verdict.clear()

        def work(progress, cancelled):
            request = panelmodel.runFrom(state, fieldOf(parameterNode))
            if frames is state.inputVolume:
                output, result = logic.run(request, state.outputVolume, progress, cancelled)
                made, residuals = [output] if state.outputVolume is None else [], None
            else:
                request = replace(request, inputVolume=frames)
                most = MAPS_SHARE * (available_memory() or math.inf)
                residuals = sheets.ResidualSequence(frames, cancelled, most)
                output, result = logic.run(request, None, progress, cancelled, finished=_keptBy(residuals))
                made = [output, shownOf(output)]
            if cancelled():  # the wish to stop came after the engine had looked for it the last time
                removeNodes(made)
                raise Cancelled
            return output, result, residuals

        self._begin(_("Stop and leave the scene as it is."), work, self._finished)

    def _begin(self, toolTip, work, done):
        """Let the user wait for a piece of work."""
        self._sceneClosed = False
        self.say("")
        self._controls.start(toolTip)
        self._panel.runner.start(work, done, "apply", self._controls.show)

    def _ended(self, error):
        """The work has ended: show what went wrong; whether nothing did."""
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
        return error is None

    def _finished(self, outcome, error):
        """Show how a run ended."""
        if not self._ended(error):
            return
        output, result, residuals = outcome
        if isinstance(result, list):
            self._tell(panelmodel.sequenceText(result, output.GetName()), replace(result[0], **_judged(result)))
            shown, result = shownOf(output), None
        else:
            told, shown = panelmodel.resultText(result, output.GetName()), output
            self._tell(told, result)
            self._keep(output, result, told)
        if shown is not None:
            self._panel.showResult(self._state.inputVolume, shown, result, residuals)

    def _tell(self, text, result):
        self.say(text)
        self.verdict.show(result)

    def _keep(self, output, result, told):
        """Remember the run; its output stays chosen, so that the next one replaces it."""
        self._panel.runs.add(
            Run(
                output.GetName(), _titleOf(output), result.seconds, result.automatic.get("verdict", ""), told,
                self._snapshot, self._state.inputVolume, output, output.GetImageData(),
            )
        )  # fmt: skip
        node = self._panel.parameterNode()
        if node and node.inputVolume is self._state.inputVolume:
            self._given = output, node.inputVolume
            node.outputVolume = output


def _titleOf(output):
    """What a result is, by its name: without the input and what was done to it."""
    return output.GetName().partition(", ")[2] or output.GetName()


def _judged(results):
    """The verdict on a sequence: that on its worst frame."""
    return {"automatic": {**results[0].automatic, **worst_verdict(results)}}


def _keptBy(residuals):
    """What a run on a sequence calls for every frame: the maps of those that have one are kept."""

    def finished(number, prepared, result):
        if result.fits:  # not so of convolutions and runs in tiles
            residuals(number, prepared, result)

    return finished


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
