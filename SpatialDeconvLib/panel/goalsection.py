"""What to do: the first control, and the text that says what that takes and about how long.

The engine says both (`mrml.foreseeing`), a moment after something has changed and while nothing else runs.
"""

import qt
from slicer.i18n import tr as _

from ..methods import choices
from ..mrml import foreseeing
from . import model as panelmodel
from .parameters import Effort, Operation, Strategy, fieldOf, tableOf

DELAY = 400  # ms from the last change to the question how long a run will take
WAIT = 500  # ms until it is asked again while something runs

OWN = "own"  # a method that the user names


def goals():
    """Return what there is to choose from, by its word: efforts, a method, the other operation."""
    efforts = {word: panelmodel.labelOf(choices.EFFORTS, word) for word in choices.EFFORTS}
    convolve = {"convolve": panelmodel.labelOf(choices.OPERATIONS, "convolve")}
    return {**efforts, OWN: _("A method of my choice"), **convolve}


def goalOf(state):
    """Return the word for what is chosen."""
    if state.operation == "convolve":
        return state.operation
    return state.effort if state.strategy == choices.AUTO else OWN


def choose(node, goal):
    """Put what a word stands for into the parameter node."""
    if goal == "convolve":
        node.operation = Operation.Convolve
        return
    node.operation = Operation.Deconvolve
    if goal != OWN:
        node.strategy, node.effort = Strategy(choices.AUTO), Effort(goal)
    elif node.strategy == Strategy(choices.AUTO):
        node.strategy = Strategy("joint")


class GoalSection:
    """The rows "Kernels" and "What to do", and the text below them.

    :param panel: the module's widget (ui, runner, parameterNode, panelState, wrapped)
    """

    def __init__(self, panel):
        self._panel = panel
        self._asked = self._forecast = None  # what the forecast is of, and the forecast
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", self.onTimeout)
        ui = panel.ui
        self._words = list(goals())
        ui.goalComboBox.addItems(list(goals().values()))
        ui.goalComboBox.connect("currentIndexChanged(int)", self.onChosen)
        ui.editKernelsButton.connect("toggled(bool)", self.onEdit)
        ui.kernelsCollapsibleButton.connect("contentsCollapsed(bool)", self.onCollapsed)

    # -- called by the panel

    def update(self, state):
        """Show what the parameter node holds."""
        ui = self._panel.ui
        self._showGoal(self._words.index(goalOf(state)))
        ui.kernelSetSummaryLabel.text = "\n".join(filter(None, [state.kernelSet.text, self._panel.table.note()]))
        if self._asked is not None and self._asked != self._question(state):
            self._asked = self._forecast = None
        ui.methodSentenceLabel.text = panelmodel.foreseenText(state, self._forecast)
        if self._asked is None:
            self._timer.start(DELAY)

    def stop(self):
        """The panel is left: nothing is asked until it is back."""
        self._timer.stop()
        self._panel.runner.cancel("forecast")
        self._asked = self._forecast = None

    sceneClosed = stop

    def cleanup(self):
        """The panel goes away."""
        self._timer.stop()
        self._timer.disconnect("timeout()", self.onTimeout)

    # -- the user

    def onChosen(self, index):
        node = self._panel.parameterNode()
        if node:
            choose(node, self._words[index])

    def onEdit(self, isOn):
        """Open the section with the table, or close it."""
        self._panel.ui.kernelsCollapsibleButton.collapsed = not isOn

    def onCollapsed(self, isCollapsed):
        self._panel.ui.editKernelsButton.checked = not isCollapsed

    def _showGoal(self, index):
        comboBox = self._panel.ui.goalComboBox
        wasBlocked = comboBox.blockSignals(True)
        comboBox.currentIndex = index
        comboBox.blockSignals(wasBlocked)

    # -- the forecast

    def onTimeout(self):
        """Ask how long the run would take, if it can be begun."""
        panel = self._panel
        node = panel.parameterNode()
        if not node:
            return
        if panel.runner.kind:
            self._timer.start(WAIT)
            return
        state = panel.panelState()
        if panelmodel.whatIsMissing(state):
            return
        self._asked = question = self._question(state)

        def work(progress, cancelled):
            request = panelmodel.runFrom(state, fieldOf(node))
            return foreseeing.foreseeRun(
                request.inputVolume, request.kernels, request.settings, progress=progress, cancelled=cancelled,
                **request.selections,
            )  # fmt: skip

        panel.runner.start(work, lambda found, error: self._finished(question, found, error), "forecast")

    def _question(self, state):
        """What the forecast depends on; the voxels may change without it."""
        node = self._panel.parameterNode()
        given = panelmodel.usedGuide(state), panelmodel.usedLabels(state), repr(state.mask), state.resample
        return state.inputVolume, tableOf(node), panelmodel.settingsFrom(state), state.slices, given

    def _finished(self, question, found, error):
        """Show what was found; an input that cannot be used is told by the run."""
        node = self._panel.parameterNode()
        if error is not None or not node or self._asked != question:
            if self._panel.runner.kind and self._asked == question:  # it had to make way
                self._asked = None
                self._timer.start(WAIT)
            return
        self._forecast = found
        self._panel.ui.methodSentenceLabel.text = panelmodel.foreseenText(self._panel.panelState(), found)
        self._panel.wrapped.update()
