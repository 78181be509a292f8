"""The runs of this session: compare the results of any two, and bring back the settings of one."""

from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

from ..methods import choices
from ..mrml import previewing
from . import forms
from . import model as panelmodel
from .parameters import restore
from .verdictsection import COLORS

ICON_SIZE = 12  # pixels
MOST_KEPT = 10  # results whose voxels are kept when a later run has replaced them
MOST_BYTES = 1 << 30  # of them
NAME, TIME = range(2)  # the columns


@dataclass(eq=False)
class Run:
    """What is known of a run.

    :param name: of the volume with its result, at the time
    :param title: what it was, without the input
    :param seconds: that it took
    :param verdict: a word of `choices.VERDICTS`, or ""
    :param told: the status lines
    :param snapshot: the choices that it was made with (`parameters.snapshotOf`)
    :param inputVolume: what it worked on
    :param output: the volume with its result
    :param image: the voxels of its result; None when they are kept no longer
    :param shown: a hidden volume with these voxels, where the output has others by now
    """

    name: str
    title: str
    seconds: float
    verdict: str
    told: str
    snapshot: Any
    inputVolume: Any
    output: Any
    image: Any
    shown: Any = None

    def isReplaced(self):
        return self.output.GetScene() is None or self.output.GetImageData() is not self.image


class RunsSection:
    """The section "Runs".

    :param panel: the module's widget (ui, runner, parameterNode, comparison, wrapped)
    """

    def __init__(self, panel):
        self._panel = panel
        self._runs = []
        table = panel.ui.runsTable
        table.setColumnCount(2)
        table.setHorizontalHeaderLabels((_("Result"), _("Time")))
        header = table.horizontalHeader()
        header.setSectionResizeMode(NAME, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(TIME, qt.QHeaderView.ResizeToContents)
        table.verticalHeader().setVisible(False)
        table.connect("itemSelectionChanged()", self.onSelected)
        panel.ui.restoreRunButton.connect("clicked(bool)", self.onRestore)
        self.onSelected()

    def add(self, run):
        """A run has ended: it comes first in the table."""
        self._runs.insert(0, run)
        self._forgetSome()
        table = self._panel.ui.runsTable
        table.insertRow(0)
        verdict = panelmodel.labelOf(choices.VERDICTS, run.verdict) if run.verdict else ""
        for column, text in enumerate((run.title, panelmodel.durationText(run.seconds))):
            item = qt.QTableWidgetItem(text)
            item.setToolTip("\n".join(filter(None, [verdict, run.told])))
            table.setItem(0, column, item)
        if run.verdict:
            square = qt.QPixmap(ICON_SIZE, ICON_SIZE)
            square.fill(qt.QColor(*COLORS[run.verdict]))
            table.item(0, NAME).setIcon(qt.QIcon(square))

    def update(self, _state=None):
        """Nothing here depends on what is chosen."""

    def stop(self):
        """The panel is left: hidden volumes of earlier results go."""
        for run in self._runs:
            previewing.removePreviewNode(run.shown)
            run.shown = None

    cleanup = stop

    def sceneClosed(self):
        """The scene is being closed: its runs are those of another one."""
        self._runs = []
        self._panel.ui.runsTable.setRowCount(0)
        self.onSelected()

    # -- the user

    def onSelected(self):
        """Compare what is selected: a result with its input, or two results."""
        chosen = self._selected()
        self._panel.ui.restoreRunButton.enabled = len(chosen) == 1
        pair = self._pair(chosen)
        text = ""
        if pair is not None:
            self._panel.comparison.setPair(*pair)
            before, after = (volume.GetName() for volume in pair)
            text = _("The buttons beside 'Compare' show {before} and {after}.").format(before=before, after=after)
        elif len(chosen) in (1, 2):
            text = _("The voxels of this result are kept no longer; its settings are.")
        forms.show(self._panel.ui.runsStatusLabel, text)
        self._panel.wrapped.update()

    def onRestore(self, _checked=False):
        """Choose again what the selected run was made with."""
        node, chosen = self._panel.parameterNode(), self._selected()
        if node and len(chosen) == 1:
            restore(node, chosen[0].snapshot)

    def _selected(self):
        rows = sorted({item.row() for item in self._panel.ui.runsTable.selectedItems()})
        return [self._runs[row] for row in rows]

    def _pair(self, chosen):
        """The volumes to compare, the earlier one first; None where there are no two."""
        if len(chosen) == 1 and chosen[0].inputVolume.GetScene() is not None:
            volumes = [chosen[0].inputVolume, self._volumeOf(chosen[0])]
        elif len(chosen) == 2:
            volumes = [self._volumeOf(run) for run in reversed(chosen)]
        else:
            return None
        return None if None in volumes else volumes

    # -- the voxels of results

    def _volumeOf(self, run):
        """The volume that shows a run's result: its output, or a hidden one where that has other voxels by now."""
        if run.image is None:
            return None
        if not run.isReplaced():
            return run.output
        if run.shown is None:
            run.shown = previewing.hiddenVolume(run.inputVolume, run.image, run.name)
        return run.shown

    def _forgetSome(self):
        """Let go of the oldest results that have been replaced, when there are many."""
        replaced = [run for run in self._runs if run.image is not None and run.isReplaced()]
        kept = 0
        for number, run in enumerate(replaced):
            kept += 1024 * run.image.GetActualMemorySize()
            if number >= MOST_KEPT or kept > MOST_BYTES:
                previewing.removePreviewNode(run.shown)
                run.image = run.shown = None
