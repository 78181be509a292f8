"""The kernel table: shows the rows of the parameter node and passes changes back to it.

Whatever the user does makes new rows (`kernelrows`) and stores them in the parameter node; the table is then
filled from there. Nothing is kept in the widgets.
"""

import os
from dataclasses import replace

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled, InputError
from ..estimation import levels
from ..formats.stored import ENDINGS
from ..kernels.sets import write_kernel_set
from ..methods.choices import CENTRES
from ..mrml import browsers, channelnames, nodes, places, weightimages
from . import dropping, forms, kernelfacts, kernelfields, kernelfiles, kernelrows, kernelweights
from . import pixmaps as pictures
from .history import History
from .kernelform import KernelForm
from .model import errorText, inPanelWords
from .parameters import Interpolation, KernelKey, fieldOf, loadRows, rowsOf, setRows

PLACE, KIND, PARAMETERS, NOTE = range(4)  # the columns

ROW_HEIGHT = 32  # pixels
FEWEST_SHOWN, MOST_SHOWN = 2, 6  # rows

# Where a combo box's own model keeps the flags of an item: the role before Qt.UserRole.
FLAGS_ROLE, NO_FLAGS, USUAL_FLAGS = 0x0100 - 1, 0, 33  # 33: selectable and enabled

LOGARITHMS = ("no", "natural", "decimal")


class KernelTable:
    """The table, its buttons, and the fields of the selected rows.

    :param ui: the panel's widgets
    :param getParameterNode: callable that returns the parameter node, None while there is none
    :param showError: callable that tells the user what went wrong
    :param fit: callable that fits the labels' heights to their texts
    """

    def __init__(self, ui, getParameterNode, showError, fit):
        self._ui, self._node, self._showError, self._fit = ui, getParameterNode, showError, fit
        self._shown = None
        self._updating = False
        self._looks = pictures.KernelLooks()
        self._history = History()
        self._told = ((), "")  # rows, and what there is to say of how they were found
        self._prepared = {}  # ID of a volume -> the kernel that was prepared into it
        self._setupTable()
        self._setupButtons()
        self._setupEditor()

    # -- setting up

    def _setupTable(self):
        table = self._ui.kernelTable
        table.setColumnCount(4)
        header = table.horizontalHeader()
        header.setSectionResizeMode(PLACE, qt.QHeaderView.Interactive)
        header.setSectionResizeMode(KIND, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(PARAMETERS, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(NOTE, qt.QHeaderView.ResizeToContents)
        header.setHighlightSections(False)
        table.setColumnWidth(PLACE, 90)
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        table.connect("cellChanged(int,int)", self.onCellChanged)
        table.connect("itemSelectionChanged()", self.updateEditor)
        keys = {"Ctrl+V": self.onPaste, "Del": self.onRemove}
        self._shortcuts = [forms.shortcut(key, table, slot, qt.Qt.WidgetShortcut) for key, slot in keys.items()]
        self._prepareAction = qt.QAction(_("Prepare: background, centre, edge, sum"), table)
        self._prepareAction.connect("triggered(bool)", self.onPrepare)
        table.contextMenuPolicy = qt.Qt.ActionsContextMenu
        table.addAction(self._prepareAction)

    def _setupButtons(self):
        ui = self._ui
        ui.addKernelButton.connect("clicked(bool)", self.onAdd)
        ui.removeKernelsButton.connect("clicked(bool)", self.onRemove)
        ui.sortKernelsButton.connect("clicked(bool)", self.onSort)
        ui.pasteKernelsButton.connect("clicked(bool)", self.onPaste)
        ui.loadKernelsButton.connect("clicked(bool)", self.onLoad)
        ui.saveKernelsButton.connect("clicked(bool)", self.onSave)
        ui.clearKernelsButton.connect("clicked(bool)", self.onClear)
        ui.levelsButton.connect("clicked(bool)", self.onLevels)
        for button in (ui.addFilesButton, ui.firstFilesButton):
            button.connect("clicked(bool)", self.onAddFiles)
        ui.undoKernelsButton.connect("clicked(bool)", self.onUndo)
        ui.redoKernelsButton.connect("clicked(bool)", self.onRedo)
        section, inside = ui.kernelsCollapsibleButton, qt.Qt.WidgetWithChildrenShortcut
        keys = {"Ctrl+Z": self.onUndo, "Ctrl+Shift+Z": self.onRedo}
        targets = ui.kernelTable.viewport(), ui.kernelsLabel, ui.kernelsRow
        self._drops = [dropping.FileDrops(target, self.onDropped) for target in targets]
        self._shortcuts += [forms.shortcut(key, section, slot, inside) for key, slot in keys.items()]
        self._volumeMenu = qt.QMenu(ui.volumeKernelsButton)
        self._volumeMenu.connect("aboutToShow()", self.fillVolumeMenu)
        ui.volumeKernelsButton.setMenu(self._volumeMenu)

    def _setupEditor(self):
        ui = self._ui
        ui.kernelKindComboBox.addItems([kernelrows.kindLabel(kind) for kind in kernelrows.KINDS])
        ui.kernelLogarithmComboBox.addItems(
            [_("the kernel"), _("its natural logarithm"), _("its decimal logarithm")]
        )
        ui.kernelCentreComboBox.addItems([kernelfacts.centreLabel(word) for word in CENTRES])
        ui.kernelCentreComboBox.toolTip = kernelfacts.centreSentences()
        ui.kernelCentreComboBox.connect("currentIndexChanged(int)", self.onCentreChosen)
        ui.kernelSpacingLineEdit.connect("editingFinished()", self.onSpacingEdited)
        ui.kernelKindComboBox.connect("currentIndexChanged(int)", self.onKindChosen)
        ui.kernelLogarithmComboBox.connect("currentIndexChanged(int)", self.onLogarithmChosen)
        ui.kernelSizeLineEdit.connect("editingFinished()", self.onSizeEdited)
        ui.kernelDirectionLineEdit.connect("editingFinished()", self.onDirectionEdited)
        ui.kernelVolumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onVolumeChosen)
        ui.kernelWeightsSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onWeightsChosen)
        ui.kernelTableButton.connect("clicked(bool)", self.onTable)
        ui.kernelPathLineEdit.connect("currentPathChanged(QString)", self.onPathEdited)
        form = ui.kernelNotesLabel.parentWidget().layout().itemAt(1).layout()
        self._form = KernelForm(ui, form, self.onFieldEdited)

    # -- from the parameter node to the widgets

    def key(self):
        return self._node().kernelKey.value

    def rows(self):
        return rowsOf(self._node())

    def update(self, _state=None):
        """Fill the table from the parameter node, where it has changed."""
        node = self._node()
        key, rows = self.key(), self.rows()
        state = (key, rows, self._spacing(node))
        self._ui.firstFilesButton.visible = not rows
        self._ui.levelsRow.visible = key in kernelrows.FILLS
        self._ui.levelCountSpinBox.visible = key == "intensity"
        self._ui.levelsButton.text, self._ui.levelsButton.toolTip = kernelrows.FILLS.get(key, ("", ""))
        self._offerInterpolations(node)
        self._history.note((key, rows))
        if state != self._shown:
            self._shown = state
            self._fill(key, rows)
        self._updateButtons(key, rows)
        self.updateEditor()

    def _offerInterpolations(self, node):
        """Inverse distances are for positions only."""
        possible = node.kernelKey != KernelKey.Intensity
        index = list(Interpolation).index(Interpolation.InverseDistance)
        flags = USUAL_FLAGS if possible else NO_FLAGS
        self._ui.interpolationComboBox.setItemData(index, flags, FLAGS_ROLE)
        if not possible and node.interpolation == Interpolation.InverseDistance:
            node.interpolation = Interpolation.Linear

    def _fill(self, key, rows):
        table, wasAsked = self._ui.kernelTable, self._updating
        wasBlocked = table.blockSignals(True)
        self._updating = True
        try:
            table.setColumnHidden(PLACE, key == "uniform")
            table.setHorizontalHeaderLabels(
                [kernelrows.placeLabel(key), _("Kernel"), _("Parameters"), _("Notes")],
            )
            table.setRowCount(len(rows))
            icons = self._looks.icons(rows, self._spacing(self._node()))
            for number, row in enumerate(rows):
                self._fillRow(key, number, row, icons[number])
            noted = [number for number in range(len(rows)) if not table.item(number, NOTE).icon().isNull()]
            table.setColumnHidden(NOTE, not noted)
            self._fitHeight(len(rows))
        finally:
            self._updating = wasAsked
            table.blockSignals(wasBlocked)

    def _fitHeight(self, count):
        """Show a few rows, and no empty space below them."""
        table = self._ui.kernelTable
        rows = min(max(count, FEWEST_SHOWN), MOST_SHOWN) * ROW_HEIGHT
        table.setFixedHeight(table.horizontalHeader().sizeHint.height() + rows + 2 * table.frameWidth)

    def _fillRow(self, key, number, row, icon):
        kind = kernelrows.KINDS[row.kind]
        problem, notes = self._problemAndNotes(key, row)
        self._setCell(number, PLACE, kernelrows.placeText(key, row), key != "uniform")
        self._setCell(number, KIND, kernelrows.kindLabel(row.kind), False).setIcon(icon)
        kernel, _problem = kernelfacts.kernelOf(row)
        text = ": ".join(filter(None, [kernelrows.parametersText(row), kernelfacts.shortText(kernel)]))
        self._setCell(number, PARAMETERS, text, bool(kind.size))
        note = self._setCell(number, NOTE, "", False)
        icon = qt.QStyle.SP_MessageBoxCritical if problem else qt.QStyle.SP_MessageBoxWarning
        note.setIcon(self._smallIcon(icon) if problem or notes else qt.QIcon())
        toolTip = "\n".join(filter(None, [problem, *notes, kernelfacts.factsText(kernel)]))
        for column in (PLACE, KIND, PARAMETERS, NOTE):
            self._ui.kernelTable.item(number, column).setToolTip(toolTip or kernelrows.kindSentence(row.kind))

    @staticmethod
    def _smallIcon(icon):
        return qt.QIcon(slicer.app.style().standardIcon(icon).pixmap(16, 16))

    def _setCell(self, number, column, text, editable):
        table = self._ui.kernelTable
        item = table.item(number, column)
        if item is None:  # an item is never replaced: it may be the one that is being edited
            item = qt.QTableWidgetItem()
            table.setItem(number, column, item)
        item.setText(text)
        flags = qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled
        item.setFlags(flags | qt.Qt.ItemIsEditable if editable else flags)
        return item

    def _problemAndNotes(self, key, row):
        problem = kernelrows.rowProblem(key, row)
        if problem:
            return problem, []
        return "", kernelrows.warningsOf(kernelfacts.kernelOf(row)[0], self._spacing(self._node()))

    @staticmethod
    def _spacing(node):
        return nodes.spacingOf(node.inputVolume) if node.inputVolume is not None else None

    def _updateButtons(self, key, rows):
        ui, selected = self._ui, self.selectedRows()
        buttons = (ui.clearKernelsButton, ui.undoKernelsButton, ui.redoKernelsButton)
        focused = [button for button in buttons if button.focus]
        ui.addKernelButton.enabled = key != "uniform" or not rows
        ui.removeKernelsButton.enabled = bool(selected)
        ui.sortKernelsButton.enabled = key != "uniform" and len(rows) > 1
        ui.saveKernelsButton.enabled = bool(rows)
        ui.clearKernelsButton.enabled = bool(rows)
        ui.undoKernelsButton.enabled, ui.redoKernelsButton.enabled = self._history.canUndo, self._history.canRedo
        if any(not button.isEnabled() for button in focused):
            ui.kernelTable.setFocus()  # else it would leave the section, whose keys undo
        node = self._node()
        ui.levelsButton.enabled = (node.labels if key == "region" else node.inputVolume) is not None

    @staticmethod
    def _parts(node, key):
        """Return what rows may belong to: segments or labels, channels, frames; none for other keys."""
        if key == "region":
            return places.regionNames(node.labels)
        if key == "channel":
            words = enumerate(channelnames.channelWords(node.inputVolume), 1)
            given = {row.at.strip() for row in rowsOf(node)}
            return [number if str(number) in given else name for number, name in words]
        return list(range(browsers.frameCount(node.inputVolume))) if key == "frame" else []

    # -- the fields of the selected rows

    def selectedRows(self):
        """Return the numbers of the selected rows, in order."""
        count = self._ui.kernelTable.rowCount
        indexes = self._ui.kernelTable.selectionModel().selectedRows()
        return sorted(number for number in (index.row() for index in indexes) if number < count)

    def updateEditor(self):
        """Show the parameters of the selected row, of the first one when several are."""
        node = self._node()
        if not node:
            return
        rows, selected = self.rows(), self.selectedRows()
        if not selected and len(rows) == 1:
            selected = [0]
        ui = self._ui
        ui.removeKernelsButton.enabled = bool(self.selectedRows())
        if not selected or selected[0] >= len(rows):
            ui.kernelEditor.visible = False
            return
        row = rows[selected[0]]
        self._updating = True
        try:
            self._showRow(row, len(selected))
        finally:
            self._updating = False
        ui.kernelEditor.visible = True  # all at once: the panel would stay as wide as it was for a moment

    def _showRow(self, row, count):
        ui, kind = self._ui, kernelrows.KINDS[row.kind]
        ui.kernelKindComboBox.currentIndex = list(kernelrows.KINDS).index(row.kind)
        value = {"volume": ui.kernelVolumeSelector, "file": ui.kernelPathLineEdit}.get(row.kind)
        value = value or (ui.kernelSizeLineEdit if kind.size else None)
        texts = {"volume": _("Volume:"), "file": _("File:")}
        self._showOneOf(ui.kernelValueLabel, ui.kernelValueRow, value)
        ui.kernelValueLabel.text = texts.get(row.kind) or kernelrows.sizeLabel(row.kind)
        more = ui.kernelLogarithmComboBox if kind.stored else ui.kernelDirectionLineEdit if kind.directed else None
        ui.kernelMoreLabel.text = _("Values are:") if kind.stored else _("Angle (°):")
        self._showOneOf(ui.kernelMoreLabel, ui.kernelMoreRow, more)
        for widget, text in ((ui.kernelSizeLineEdit, row.size), (ui.kernelDirectionLineEdit, row.direction)):
            if widget.text != text:
                widget.text = text
        ui.kernelVolumeSelector.setCurrentNode(row.volume)
        ui.kernelWeightsLabel.visible = ui.kernelWeightsSelector.visible = self.key() == "weights"
        ui.kernelWeightsSelector.setCurrentNode(row.weights)
        ui.kernelTableButton.visible = row.kind == kernelfiles.TABLE
        if ui.kernelPathLineEdit.currentPath != row.path:
            ui.kernelPathLineEdit.currentPath = row.path
        ui.kernelLogarithmComboBox.currentIndex = LOGARITHMS.index(row.logarithm)
        self._form.show(row)
        self._showStored(row, kind)
        prepared = self._prepared.get(row.volume.GetID()) if row.volume is not None else None
        if prepared is None:
            ui.kernelPictureLabel.setPixmap(self._looks.picture(row, self._spacing(self._node())))
        else:
            ui.kernelPictureLabel.setPixmap(self._looks.prepared(prepared.preparation, prepared))
        problem, notes = self._problemAndNotes(self.key(), row)
        if prepared is not None:
            notes = [_("left half of the picture: before"), *prepared.preparation.lines(), *notes]
        facts = kernelfacts.factsText(kernelfacts.kernelOf(row)[0])
        words = [problem] if problem else [*filter(None, [facts]), *notes] or [kernelrows.kindSentence(row.kind)]
        if count > 1:
            words.insert(0, _("Changes apply to the {count} selected rows.").format(count=count))
        ui.kernelNotesLabel.text = "\n".join(word[:1].upper() + word[1:] for word in words)
        self._fit()

    def _showStored(self, row, kind):
        """Show where the centre of a stored kernel is taken, and the voxel size of one from a file."""
        ui = self._ui
        for widget in (ui.kernelCentreLabel, ui.kernelCentreComboBox):
            widget.visible = kind.stored
        for widget in (ui.kernelSpacingLabel, ui.kernelSpacingLineEdit):
            widget.visible = row.kind == "file"
        centre = kernelrows.centreOf(row)
        ui.kernelCentreComboBox.currentIndex = CENTRES.index(centre) if centre in CENTRES else -1
        text = kernelrows.spacingOf(row)
        if ui.kernelSpacingLineEdit.text != text:
            ui.kernelSpacingLineEdit.text = text
        ui.kernelSpacingLineEdit.placeholderText = self._assumedSpacing(row)

    def _assumedSpacing(self, row):
        """Say what a file's voxel size is taken for where the row gives none."""
        kernel, _problem = kernelfacts.kernelOf(row)
        if kernel is None or row.kind != "file":
            return ""
        if not kernel.in_voxels:
            return _("{spacing} (of the file)").format(spacing=kernelfacts.spacingText(kernel.spacing))
        image = self._spacing(self._node())
        if image is None:
            return _("the image's")
        return _("{spacing} (the image's)").format(spacing=kernelfacts.spacingText(image[-kernel.ndim :]))

    def _showOneOf(self, label, row, field):
        """Show one of the fields that share a row of the form, or none of them and no row."""
        ui = self._ui
        fields = {
            "kernelValueRow": (ui.kernelSizeLineEdit, ui.kernelVolumeSelector, ui.kernelPathLineEdit),
            "kernelMoreRow": (ui.kernelDirectionLineEdit, ui.kernelLogarithmComboBox),
        }[row.objectName]
        for each in fields:
            each.visible = each is field
        label.visible = row.visible = field is not None
        if field is not None:
            label.setBuddy(field)
            label.toolTip = field.toolTip

    def _changeSelected(self, change):
        """Put ``change(row)`` in the place of every selected row."""
        node = self._node()
        if self._updating or not node:
            return
        rows = list(self.rows())
        for number in self.selectedRows() or ([0] if len(rows) == 1 else []):
            rows[number] = change(rows[number])
        setRows(node, rows)

    def onKindChosen(self, index):
        kind = list(kernelrows.KINDS)[index]
        self._changeSelected(lambda row: kernelrows.rowOfKind(row, kind))

    def onLogarithmChosen(self, index):
        self._changeSelected(lambda row: replace(row, logarithm=LOGARITHMS[index]))

    def onCentreChosen(self, index):
        self._changeSelected(lambda row: kernelrows.rowWithCentre(row, CENTRES[index]))

    def onSpacingEdited(self):
        text = self._ui.kernelSpacingLineEdit.text
        self._changeSelected(lambda row: kernelrows.rowWithSpacing(row, text) if row.kind == "file" else row)

    def onSizeEdited(self):
        text = self._ui.kernelSizeLineEdit.text.strip()
        self._changeSelected(lambda row: kernelfields.rowWithSize(row, text))

    def onFieldEdited(self, name, text):
        self._changeSelected(lambda row: kernelfields.rowWithField(row, name, text))

    def onDirectionEdited(self):
        text = self._ui.kernelDirectionLineEdit.text.strip()
        self._changeSelected(lambda row: replace(row, direction=text))

    def onVolumeChosen(self, volume):
        self._changeSelected(lambda row: replace(row, volume=volume) if row.kind == "volume" else row)

    def onWeightsChosen(self, volume):
        """Take a volume for the weights of the selected row; one of several images makes a row for each."""
        node, selected = self._node(), self.selectedRows() or [0]
        rows = list(self.rows()) if node else []
        if self._updating or not selected[0] < len(rows):
            return
        count = weightimages.imageCount(volume) if volume is not None else 1
        number = selected[0]
        rows[number : number + 1] = kernelweights.rowsWithVolume(rows[number], volume, count)
        setRows(node, rows)

    def onTable(self, _checked=False):
        """Read distances and densities of the selected rows from a file."""
        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(), _("Read a table of distances and densities"), self._folder(), "*"
        )
        if not path:
            return
        try:
            self._changeSelected(lambda row: kernelfiles.rowOfTable(row, path))
        except InputError as error:
            self._showError(errorText(error))
            return
        qt.QSettings().setValue("SpatialDeconv/kernelSetFolder", os.path.dirname(path))

    def onPathEdited(self, path):
        key = self.key() if self._node() and len(self.selectedRows()) < 2 else ""  # several have several levels
        self._changeSelected(lambda row: kernelfiles.rowOfFile(row, path, key) if row.kind == "file" else row)

    # -- the table's cells and buttons

    def onCellChanged(self, number, column):
        node = self._node()
        if self._updating or not node:
            return
        rows, text = list(self.rows()), self._ui.kernelTable.item(number, column).text()
        if column == PLACE:
            rows[number] = kernelrows.rowWithPlace(self.key(), rows[number], text.strip())
        elif column == PARAMETERS:
            rows[number] = kernelrows.rowWithParameters(rows[number], text)
        self._shown = None  # the text is written again as it was understood
        if tuple(rows) == self.rows():
            self.update()
        else:
            setRows(node, rows)

    def onAdd(self, _checked=False):
        node, key = self._node(), self.key()
        rows = list(self.rows())
        row = kernelrows.newRow(key, rows, self._parts(node, key))
        if key == "position" and node.inputVolume is not None:
            place = places.slicePosition()
            if place is not None:
                position = places.positionInVolume(node.inputVolume, place)
                row = replace(row, at=", ".join(kernelrows.numberText(v) for v in position))
        self._append([row])

    def onRemove(self, _checked=False):
        selected = self.selectedRows()
        rows = [row for number, row in enumerate(self.rows()) if number not in selected]
        self._ui.kernelTable.setFocus()  # the button waits for another selection
        self._ui.kernelTable.clearSelection()
        setRows(self._node(), rows)

    def onClear(self, _checked=False):
        self._ui.kernelTable.clearSelection()
        setRows(self._node(), [])

    def onPrepare(self, _checked=False):
        """Put prepared kernels, each in a volume of its own, in the place of the selected stored ones."""
        node = self._node()
        if not node:
            return
        rows, spacing, made = list(self.rows()), self._spacing(node), {}
        try:
            for number in self.selectedRows() or ([0] if len(rows) == 1 else []):
                found = kernelrows.preparedRow(rows[number], spacing, nodes.volumeFromKernel)
                if found is not None:
                    rows[number], kernel = found
                    made[rows[number].volume.GetID()] = kernel
        except InputError as error:
            for volume in made:
                slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID(volume))
            self._showError(errorText(error))
            return
        if not made:
            self._showError(_("There is nothing to prepare in the selected rows."))
            return
        self._prepared |= made
        setRows(node, rows)

    def onSort(self, _checked=False):
        setRows(self._node(), kernelrows.sortedRows(self.key(), self.rows()))

    def onPaste(self, _checked=False):
        text = slicer.app.clipboard().text()
        paths = kernelfiles.pathsInText(text)
        if paths:
            self.addFiles(paths)
            return
        try:
            rows = kernelrows.parsePasted(text, self.key())
        except InputError as error:
            self._showError(errorText(error))
            return
        self._append(rows)

    def onLevels(self, _checked=False):
        node = self._node()
        rows = self.rows()
        try:
            if self.key() != "intensity":
                used = {row.at.strip().strip('"') for row in rows}
                rows = list(rows)
                for name in self._parts(node, self.key()):
                    if str(name) not in used:
                        rows.append(kernelrows.newRow(self.key(), rows, [name]))
            else:
                guide = node.guideVolume or node.inputVolume
                with slicer.util.WaitCursor():
                    found = levels.levels_from_histogram(nodes.volumeArray(guide, "guide"), node.levelCount)
                rows = kernelrows.rowsFromLevels(found, rows)
        except InputError as error:
            self._showError(errorText(error))
            return
        setRows(node, rows)

    def forget(self, removed):
        """Let go of a volume that leaves the scene."""
        node = self._node()
        setRows(node, [_without(row, lambda volume: volume is removed) for row in self.rows()])

    def fillVolumeMenu(self):
        """List the scalar volumes that may be kernels."""
        self._volumeMenu.clear()
        node = self._node()
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if node else []
        others = (node.inputVolume, node.guideVolume, node.outputVolume) if node else ()
        volumes = [v for v in volumes if v.GetClassName() == "vtkMRMLScalarVolumeNode" and v not in others]
        for volume in volumes:
            action = self._volumeMenu.addAction(volume.GetName())
            action.connect("triggered(bool)", lambda _checked, volume=volume: self.addVolume(volume))
        if not volumes:
            self._volumeMenu.addAction(_("There is no other volume in the scene")).enabled = False

    def addVolume(self, volume):
        """Append a volume of the scene as a kernel; a number in its name is its level."""
        node, key = self._node(), self.key()
        rows = list(self.rows())
        row = kernelrows.newRow(key, rows, self._parts(node, key))
        at = kernelfiles.guessedLevel(volume.GetName()) if key == "intensity" else ""
        row = kernelrows.KernelRow(at or row.at, "volume", volume=volume)
        self._append([row])

    def _append(self, rows):
        """Put rows at the end of the table and select them; one kernel everywhere is replaced."""
        before = [] if self.key() == "uniform" else self.rows()
        setRows(self._node(), [*before, *rows])
        self._select(range(len(before), len(before) + len(rows)))

    def _select(self, numbers):
        table = self._ui.kernelTable
        numbers = [number for number in numbers if number < table.rowCount]
        wasBlocked = table.blockSignals(True)  # the fields are filled once, not for every item
        table.clearSelection()
        for number in numbers:
            for column in (PLACE, KIND, PARAMETERS, NOTE):
                table.item(number, column).setSelected(True)
        table.blockSignals(wasBlocked)
        self.updateEditor()
        if numbers:
            table.scrollToItem(table.item(numbers[-1], PLACE))

    # -- undoing

    def onUndo(self, _checked=False):
        self._show(self._history.undo)

    def onRedo(self, _checked=False):
        self._show(self._history.redo)

    def _show(self, step):
        """Put an earlier or later table in the place of this one, without volumes that have left the scene."""
        node = self._node()
        if not node:
            return
        found = step(lambda table: (table[0], tuple(map(_inScene, table[1]))))
        if found is not None:
            self._ui.kernelTable.clearSelection()
            with slicer.util.NodeModify(node):
                node.kernelKey = KernelKey(found[0])
                setRows(node, found[1])

    def otherScene(self):
        """Another scene comes: its table is no step from the one that is shown, and its kernels are others."""
        self._history.clear()
        self._prepared.clear()
        kernelfacts.forgetAll()

    # -- files of kernels

    def onAddFiles(self, _checked=False):
        endings = " ".join(f"*{ending}" for ending in ENDINGS)
        kernels, everything = _("Kernels"), _("All files")  # Slicer finds no text in single quotes
        filters = f"{kernels} ({endings});;{everything} (*)"
        paths = qt.QFileDialog.getOpenFileNames(
            slicer.util.mainWindow(), _("Add kernels from files"), self._folder(), filters
        )
        if paths:
            self.addFiles(paths)

    def onDropped(self, paths):
        if self._node():
            self.addFiles(paths)

    def addFiles(self, paths):
        """Append the kernels in files and folders; kernel sets (*.json) are loaded.

        Where there was one kernel everywhere, several are keyed to intensity.
        """
        for path in kernelfiles.kernelSetsIn(paths):
            self.load(path)
        files = [path for path in paths if path not in kernelfiles.kernelSetsIn(paths)]
        if not files:
            return
        try:
            split = self._isStack(files)
            if split is not None:
                self._addKernels(files, split)
        except Cancelled:
            return
        except (InputError, OSError) as error:
            self._showError(errorText(error))
            return
        qt.QSettings().setValue("SpatialDeconv/kernelSetFolder", os.path.dirname(files[0]))

    def _addKernels(self, files, split):
        node = self._node()
        key = self.key()
        regions = self._parts(node, key)
        before = [] if key == "uniform" else list(self.rows())
        given = (before, self._askLevels, regions, split)
        found = kernelfiles.rowsFromFiles(files, key, *given)
        if key == "uniform" and len(found.rows) > 1:
            key = "intensity"
            found = kernelfiles.rowsFromFiles(files, key, *given)
        self._told = ((*before, *found.rows), "\n".join(found.notes))
        with slicer.util.NodeModify(node):
            node.kernelKey = KernelKey(key)
            setRows(node, [*before, *found.rows])
        self._select(range(len(before), len(before) + len(found.rows)))

    def note(self):
        """Return what there is to say of how the kernels of this table were found in files; "" once it changes."""
        rows, text = self._told
        return text if self._node() and rows == self.rows() else ""

    def _askLevels(self, count, reason):
        """Return the levels of kernels that neither files nor names say."""
        proposed = kernelfiles.roundLevels(count, self._values())
        question = _("Levels of the {count} kernels, in order: numbers, or first:last:step.").format(count=count)
        while True:
            proposed = qt.QInputDialog.getText(
                slicer.util.mainWindow(),
                _("Add kernels from files"),
                f"{inPanelWords(reason)}.\n\n{question}",
                qt.QLineEdit.Normal,
                proposed,
            )
            if not proposed:
                raise Cancelled
            try:
                return kernelfiles.levelsFromText(proposed, count)
            except InputError as error:
                reason = error.text

    def _values(self):
        """Return the least and the largest value of the image whose values choose, None without one."""
        node = self._node()
        guide = node.guideVolume or node.inputVolume
        values = nodes.volumeArray(guide, "guide") if guide is not None and guide.GetImageData() else None
        return None if values is None else (float(values.min()), float(values.max()))

    def _isStack(self, files):
        """Return whether a 3-D array is several 2-D kernels, which is asked where it may be one; None: neither."""
        volume = self._node().inputVolume
        image = volume.GetImageData() if volume is not None else None
        single = image is not None and image.GetDimensions()[2] == 1
        found = kernelfiles.stackIn(files, single)
        if found is None:
            return single
        name, shape = found
        box = qt.QMessageBox(slicer.util.mainWindow())
        box.setIcon(qt.QMessageBox.Question)
        box.setWindowTitle(_("Add kernels from files"))
        size = " x ".join(map(str, shape))
        box.setText(_("{name} holds {size} values. What are they?").format(name=name, size=size))
        several = _("{count} kernels of {size}").format(count=shape[0], size=" x ".join(map(str, shape[1:])))
        each = box.addButton(several, qt.QMessageBox.AcceptRole)
        one = box.addButton(_("One kernel in 3-D"), qt.QMessageBox.AcceptRole)
        box.addButton(qt.QMessageBox.Cancel)
        box.exec_()
        chosen = box.clickedButton()
        return True if chosen == each else False if chosen == one else None

    # -- kernel set files

    def onLoad(self, _checked=False):
        path = qt.QFileDialog.getOpenFileName(
            slicer.util.mainWindow(), _("Load kernel set"), self._folder(), _("Kernel sets") + " (*.json)"
        )
        if path:
            self.load(path)

    def onSave(self, _checked=False):
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(),
            _("Save kernel set"),
            os.path.join(self._folder(), "kernels.json"),
            _("Kernel sets") + " (*.json)",
        )
        if path:
            self.save(path if os.path.splitext(path)[1] else f"{path}.json")

    def _folder(self):
        """Return where a dialog begins: where the last kernels were, else where the image is."""
        node = self._node()
        known = qt.QSettings().value("SpatialDeconv/kernelSetFolder")
        return known or places.folderOf(node.inputVolume if node else None)

    def load(self, path):
        """Put a kernel set file into the table; what goes wrong is shown, and the table stays as it was."""
        try:
            loadRows(self._node(), path)
        except (InputError, OSError) as error:
            self._showError(errorText(error))
            return
        qt.QSettings().setValue("SpatialDeconv/kernelSetFolder", os.path.dirname(path))

    def save(self, path):
        """Write the table as a kernel set file; what goes wrong is shown."""
        try:
            write_kernel_set(path, fieldOf(self._node()))
        except (InputError, OSError) as error:
            self._showError(errorText(error))
            return
        qt.QSettings().setValue("SpatialDeconv/kernelSetFolder", os.path.dirname(path))


def _inScene(row):
    """The row, without volumes that are no longer in the scene."""
    return _without(row, lambda volume: volume.GetScene() is None)


def _without(row, isGone):
    """The row, without its volumes of which that is true."""
    gone = {name: None for name in ("volume", "weights") if getattr(row, name) and isGone(getattr(row, name))}
    return replace(row, **gone) if gone else row
