"""The real panel (SpatialDeconv.py and its .ui files) on the stand-ins for Qt and Slicer, as its users work."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import slicer
from test_collect import fill

import SpatialDeconvLib as sd


@pytest.fixture
def kernel_set(tmp_path):
    """A kernel set file of two Gaussians, for intensities 10 and 100."""
    path = tmp_path / "two.json"
    entries = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in ((10, 0.6), (100, 1.2))]
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": entries}))
    return path


@pytest.fixture
def ready(user, kernel_set):
    """The panel with a volume and two kernels: Apply would run."""
    user.choose("inputVolumeSelector", user.add_volume())
    user.load_kernels(kernel_set)
    return user


def nodes_of_the_scene():
    return {node.GetID() for node in slicer.util.getNodes("*", useLists=True).values() for node in node}


# -- opening


def test_the_panel_opens_and_says_what_is_missing(user):
    assert user.ui.applyButton.text == "Apply"
    assert not user.ui.applyButton.enabled
    assert "input volume" in user.ui.applyButton.toolTip
    user.choose("inputVolumeSelector", user.add_volume())
    assert not user.ui.applyButton.enabled
    assert "kernel" in user.ui.applyButton.toolTip
    assert user.window.shown == []


def test_the_first_volume_of_the_scene_is_chosen(slicer_window):
    from user import User

    user = User(slicer_window)
    node = user.add_volume()
    user.open()
    assert user.ui.inputVolumeSelector.currentNode() is node
    assert user.parameters.inputVolume is node


def test_the_first_volume_that_is_loaded_is_chosen(user):
    node = user.add_volume()
    user.window.processEvents()
    assert user.parameters.inputVolume is node
    assert "volume is empty" not in user.ui.statusLabel.text  # the voxels came after the node
    assert "kernel" in user.ui.statusLabel.text
    other = user.add_volume()
    assert user.parameters.inputVolume is node
    slicer.mrmlScene.RemoveNode(node)
    assert user.parameters.inputVolume is None  # not the other one: nobody chose it
    assert other.GetScene() is slicer.mrmlScene
    assert "input volume" in user.ui.statusLabel.text


def test_labels_take_the_room_of_their_text(ready):
    ui = ready.ui
    assert not ui.previewStatusLabel.visible
    ready.panel.wrapped.fit()
    ui.methodSentenceLabel.text = "long words " * 40
    ready.panel.wrapped.fit()
    several = ui.methodSentenceLabel.minimumHeight
    ui.methodSentenceLabel.text = "short"
    ready.panel.wrapped.fit()
    assert 0 < ui.methodSentenceLabel.minimumHeight < several


def test_labels_follow_the_width_of_the_panel_while_the_table_is_out_of_sight(ready):
    label = ready.ui.methodSentenceLabel
    label.text = "long words " * 40
    heights = []
    for width in (330, 800):
        ready.window.resizePanel(width)
        heights.append(label.minimumHeight)
    assert 0 < heights[1] < heights[0]


def test_what_is_said_and_asked_of_kernels_has_the_width_of_the_other_rows(ready):
    ui = ready.ui
    ready.reveal(ui.kernelTable)
    ready.select_rows(0)
    ready.window.resizePanel(460)
    assert ui.kernelSetSummaryLabel.width == ui.kernelsRow.width
    assert ui.kernelKindComboBox.width >= 0.9 * ui.interpolationComboBox.width


def test_the_panel_stays_where_it_is_when_a_button_with_the_focus_is_disabled(ready):
    ready.window.resizePanel(460, 400)
    slicer.util.mainWindow().activateWindow()
    ready.ui.applyButton.setFocus()
    ready.window.processEvents()
    assert ready.ui.applyButton.hasFocus()
    before = ready.scrolled()
    slicer.mrmlScene.Clear(0)
    ready.window.processEvents()
    assert not ready.ui.applyButton.isEnabled()
    assert ready.scrolled() == before


def test_fields_of_other_kinds_leave_no_gap_in_the_form(ready):
    ready.select_rows(0)
    form = ready.ui.kernelNotesLabel.parentWidget().layout().itemAt(1).layout()
    from SpatialDeconvLib.panel import kernelfields

    for kind in ("Gaussian", "File", "Moffat"):
        ready.choose_text("kernelKindComboBox", kind)
        fields = {name for name in vars(ready.ui) if name.startswith("kernelField_")}
        inside = {name[12:] for name in fields if form.indexOf(getattr(ready.ui, name)) >= 0}
        assert inside == {parameter.name for parameter in kernelfields.fieldsOf(kind.lower())}


def test_the_labels_of_all_forms_make_one_column(user):
    names = ("inputVolumeLabel", "kernelKeyLabel", "interpolationLabel", "regularizationLabel", "previewSizeLabel")
    assert len({getattr(user.ui, name).minimumWidth for name in names}) == 1


def test_the_tab_key_goes_through_the_panel_from_top_to_bottom(user):
    from SpatialDeconvLib.panel import forms

    names = [widget.objectName for widget in forms._focusable(user.ui.inputsCollapsibleButton.parent().layout())]
    wanted = ("inputsCollapsibleButton", "editKernelsButton", "goalComboBox", "applyButton", "flickerButton")
    wanted += ("kernelKeyComboBox", "kernelTable", "weightsGroupBox", "regionKindComboBox", "estimateButton")
    wanted += ("previewCheckBox", "runsTable", "restoreRunButton")
    assert [name for name in names if name in wanted] == list(wanted)


def test_the_panel_opens_without_a_main_window(stand_ins):
    from user import User

    with stand_ins.Window(mainWindow=False) as window:
        user = User(window)
        user.add_volume()
        user.open()
        assert user.ui.applyButton.text == "Apply"
        window.check()


def test_the_module_describes_itself(user):
    module = slicer.modules.spatialdeconv
    assert module.title == "Spatially Variant Deconvolution"
    assert module.categories == ("Filtering",)
    assert module.helpText.strip()
    assert module.acknowledgementText.strip()
    assert not module.icon.isNull()


def test_the_sample_data_are_registered(user):
    sources = slicer.modules.sampleDataSources["SpatialDeconv"]
    assert [source.sampleName for source in sources] == ["SpatialDeconvBrain", "SpatialDeconvPortal"]
    for source in sources:
        assert callable(source.customDownloader)


# -- the kernel table


def test_a_kernel_set_file_fills_the_table(ready):
    assert [row[0] for row in ready.table()] == ["10", "100"]
    assert ready.ui.applyButton.enabled


def test_a_broken_kernel_set_is_told_in_one_line(ready, tmp_path):
    before = ready.table()
    path = tmp_path / "broken.json"
    path.write_text("{")
    ready.load_kernels(path)
    (_question, told) = ready.window.shown[-2:]
    assert "broken.json" in told
    assert len(told.splitlines()) == 1
    assert ready.table() == before


def test_cancelling_the_file_dialog_changes_nothing(ready):
    before = ready.table()
    ready.load_kernels("")
    assert ready.table() == before


def test_adding_sorting_and_removing_rows(ready):
    ready.click("addKernelButton")
    assert len(ready.table()) == 3
    ready.edit_cell(2, 0, "50")
    ready.click("sortKernelsButton")
    assert [row[0] for row in ready.table()] == ["10", "50", "100"]
    ready.select_rows(0)
    ready.click("removeKernelsButton")
    assert [row[0] for row in ready.table()] == ["50", "100"]
    ready.click("clearKernelsButton")
    assert ready.table() == []
    assert not ready.ui.applyButton.enabled


def test_a_wrong_level_is_marked_and_apply_says_why(ready):
    ready.edit_cell(0, 0, "ten")
    assert not ready.ui.applyButton.enabled
    assert ready.ui.kernelTable.item(0, 0).toolTip()
    assert not ready.ui.kernelTable.item(0, 3).icon().isNull()
    assert not ready.ui.kernelTable.isColumnHidden(3)
    ready.edit_cell(0, 0, "10")
    assert ready.ui.applyButton.enabled
    assert ready.ui.kernelTable.isColumnHidden(3)  # there is nothing to note
    assert ready.ui.kernelTable.item(0, 3).icon().isNull()


def test_pasting_rows_of_a_spreadsheet(ready):
    ready.copy("20\tgaussian\t0.8\n40\tgaussian\t1.0\n")
    ready.click("pasteKernelsButton")
    assert [row[0] for row in ready.table()] == ["10", "100", "20", "40"]
    assert ready.window.shown[1:] == []


def test_pasting_rubbish_is_told(ready):
    before = ready.table()
    ready.copy("once upon a time")
    ready.click("pasteKernelsButton")
    assert len(ready.window.shown) == 2
    assert ready.table() == before
    assert ready.ui.statusLabel.text
    ready.click("addKernelButton")
    assert not ready.ui.statusLabel.text  # told is told


def test_levels_from_the_histogram(ready):
    ready.click("clearKernelsButton")
    ready.ui.levelCountSpinBox.value = 4
    ready.click("levelsButton")
    levels = [float(row[0]) for row in ready.table()]
    assert len(levels) in range(1, 5)
    assert levels == sorted(levels)


def test_the_fields_below_the_table_change_the_selected_rows(ready):
    ready.select_rows(0, 1)
    ready.type_in("kernelSizeLineEdit", "0.9")
    assert [entry.size for entry in ready.parameters.kernels] == ["0.9", "0.9"]
    ready.select_rows(1)
    ready.choose_text("kernelKindComboBox", "Motion")
    assert [entry.kind.value for entry in ready.parameters.kernels] == ["gaussian", "motion"]
    assert ready.visible("kernelDirectionLineEdit")
    assert "slice" in ready.ui.applyButton.toolTip  # a motion lies in the slices
    ready.ui.slicewiseCheckBox.checked = True
    assert ready.ui.applyButton.enabled


def test_a_kind_shows_fields_of_its_own_and_no_others(ready):
    ready.select_rows(0)
    assert ready.visible("kernelField_fwhm_mm")
    assert not ready.visible("kernelField_wavelength_nm")
    ready.type_in("kernelField_fwhm_mm", "2.4")
    assert ready.ui.kernelSizeLineEdit.text == ""
    assert ready.table()[0][2] == "FWHM 2.4 mm"
    ready.type_in("kernelSizeLineEdit", "1.1")
    assert not ready.ui.kernelField_fwhm_mm.text
    ready.choose_text("kernelKindComboBox", "Gibson-Lanni")
    assert ready.visible("kernelField_wavelength_nm")
    assert not ready.visible("kernelField_fwhm_mm")
    assert ready.ui.kernelField_immersion_index.placeholderText == "1.515"
    ready.type_in("kernelField_wavelength_nm", "488")
    ready.type_in("kernelField_depth_mm", "0.01")
    assert ready.table()[0][2] == "NA 1.4, wavelength 488 nm, depth 0.01 mm"


def test_a_volume_of_the_scene_becomes_a_kernel(ready):
    values = np.zeros((3, 3, 3), np.float32)
    values[1, 1, 1] = 1
    kernel = ready.add_volume(values, "kernel_50")
    menu = ready.ui.volumeKernelsButton.menu()
    menu.aboutToShow.emit()
    (action,) = [action for action in menu.actions() if action.text == "kernel_50"]
    action.trigger()
    assert ready.parameters.kernels[2].volume is kernel
    assert ready.table()[2][0] == "50"
    slicer.mrmlScene.RemoveNode(kernel)
    assert ready.parameters.kernels[2].volume is None
    assert not ready.ui.applyButton.enabled


def test_the_table_is_saved_as_a_kernel_set_file(ready, tmp_path):
    path = tmp_path / "saved"
    ready.window.answers.append(str(path))
    ready.click("saveKernelsButton")
    assert json.loads(path.with_suffix(".json").read_text())["kernels"][1]["at"] == 100
    sd.read_kernel_set(path.with_suffix(".json"))


# -- stored kernels


def even_kernel():
    """A blur of two voxels along every axis, symmetric about the point between them."""
    return np.full((2, 2, 2), 0.125, np.float32)


@pytest.fixture
def stored(user, tmp_path):
    """The panel with a volume and one kernel from a file that does not say how large its voxels are."""
    user.choose("inputVolumeSelector", user.add_volume(spacing=(0.5, 0.5, 2.0)))
    np.save(tmp_path / "kernel_30.npy", even_kernel())
    user.choose_text("kernelKeyComboBox", "One kernel")
    user.click("addKernelButton")
    user.choose_text("kernelKindComboBox", "File")
    user.ui.kernelPathLineEdit.currentPath = str(tmp_path / "kernel_30.npy")
    user.window.processEvents()
    return user


def test_a_stored_kernel_says_its_voxels_and_its_centre(stored):
    facts = "2 x 2 x 2 of the image's voxels, centre in the middle, between voxels"
    assert stored.cell(0, 2) == "kernel_30.npy: centre middle, image's voxels"
    assert facts in stored.ui.kernelTable.item(0, 2).toolTip()
    assert facts in stored.ui.kernelNotesLabel.text
    assert stored.ui.kernelSpacingLineEdit.placeholderText == "2 x 0.5 x 0.5 (the image's)"
    stored.type_in("kernelSpacingLineEdit", "0.5")
    assert stored.cell(0, 2) == "kernel_30.npy: centre middle, 0.5 mm"
    stored.choose_text("kernelCentreComboBox", "ITK")
    assert stored.cell(0, 2) == "kernel_30.npy: centre ITK's, 0.5 mm"
    assert "voxels of 0.5 mm, centre at ITK's voxel 1, 1, 1" in stored.ui.kernelNotesLabel.text
    options = json.loads(stored.parameters.kernels[0].options)
    assert options == {"spacing_mm": 0.5, "centre": "itk"}
    stored.choose_text("kernelKindComboBox", "Gaussian")
    assert not stored.visible("kernelCentreComboBox")
    assert not stored.visible("kernelSpacingLineEdit")


@pytest.mark.parametrize(("word", "moved"), [("Middle", 0.0), ("ITK", 0.5)])
def test_the_centre_that_is_chosen_is_the_one_that_is_taken(stored, word, moved):
    point = np.zeros((9, 9, 9), np.float32)
    point[4, 4, 4] = 1
    stored.choose("inputVolumeSelector", stored.add_volume(point, "point"))
    stored.choose_text("goalComboBox", "Convolve")
    stored.choose_text("kernelCentreComboBox", word)
    stored.click("applyButton")
    (shown,) = stored.shown_in_views()
    blurred = slicer.util.arrayFromVolume(slicer.util.getNode(shown))
    middle = [(np.indices(blurred.shape)[axis] * blurred).sum() / blurred.sum() for axis in range(3)]
    np.testing.assert_allclose(middle, 4 - moved, atol=1e-3)


def test_a_file_that_is_no_kernel_is_told_before_apply(stored, tmp_path):
    assert stored.ui.applyButton.isEnabled()
    (tmp_path / "kernel_40.npy").write_bytes(b"no array")
    stored.ui.kernelPathLineEdit.currentPath = str(tmp_path / "kernel_40.npy")
    stored.window.processEvents()
    assert not stored.ui.applyButton.isEnabled()
    assert "kernel_40.npy" in stored.ui.applyButton.toolTip
    assert "kernel_40.npy" in stored.ui.kernelSetSummaryLabel.text


def test_a_flat_file_on_a_volume_is_told_before_apply(stored, tmp_path):
    np.save(tmp_path / "flat.npy", np.full((3, 3), 1 / 9))
    stored.ui.kernelPathLineEdit.currentPath = str(tmp_path / "flat.npy")
    stored.window.processEvents()
    assert not stored.ui.applyButton.isEnabled()
    assert "Slice by slice" in stored.ui.statusLabel.text
    stored.ui.slicewiseCheckBox.checked = True
    assert stored.ui.applyButton.isEnabled()


# -- files of kernels


@pytest.fixture
def ten_files(tmp_path):
    """Ten kernels of 20 x 20 voxels, for the intensities in their names."""
    folder = tmp_path / "ten kernels"
    folder.mkdir()
    for n in range(1, 11):
        values = np.exp(-0.5 * ((np.indices((20, 20)) - 9.5) ** 2).sum(axis=0) / (0.5 + 0.1 * n) ** 2)
        np.save(folder / f"kernel_{10 * n}.npy", values)
    return sorted(map(str, folder.iterdir()))


TEN_LEVELS = [str(10 * n) for n in range(1, 11)]


def test_ten_files_are_added_at_once(user, ten_files):
    user.choose("inputVolumeSelector", user.add_volume(np.full((1, 32, 32), 50, np.float32)))
    user.window.answers.append(tuple(ten_files))
    user.click("addFilesButton")
    assert [row[0] for row in user.table()] == TEN_LEVELS
    assert user.ui.kernelSetSummaryLabel.text == "10 stored kernels, intensity 10 to 100."
    assert user.ui.applyButton.isEnabled()
    user.click("undoKernelsButton")
    assert user.table() == []


# PySide6 would rather have the events of a drag made otherwise than PythonQt makes them.
drags = pytest.mark.filterwarnings("ignore:Function. 'QDragEnterEvent:DeprecationWarning")


@drags
def test_a_folder_that_is_dropped_on_the_table_is_added(user, ten_files, tmp_path):
    assert user.drop(tmp_path / "ten kernels")
    assert [row[0] for row in user.table()] == TEN_LEVELS


@drags
@pytest.mark.parametrize("ending", ["csv", "mat", "npz", "tif"])
def test_a_folder_of_any_format_is_added(user, tmp_path, ending):
    folder = tmp_path / "kernels"
    folder.mkdir()
    fill(folder, ending)
    (folder / "notes.md").write_text("none")
    assert user.drop(folder)
    assert [row[0] for row in user.table()] == TEN_LEVELS


@drags
def test_files_are_dropped_on_the_summary_while_the_table_is_out_of_sight(user, ten_files):
    assert user.ui.kernelsCollapsibleButton.collapsed
    assert user.drop(*ten_files, onto=user.ui.kernelsRow)
    assert [row[0] for row in user.table()] == TEN_LEVELS


@drags
def test_files_and_a_kernel_set_that_are_dropped_are_added(user, ten_files, kernel_set):
    assert user.drop(kernel_set, *ten_files[:2])
    assert [row[0] for row in user.table()] == ["10", "100", "10", "100"]
    assert not user.drop()


def test_paths_that_are_pasted_are_added(user, ten_files):
    user.copy("\n".join(ten_files))
    user.click("pasteKernelsButton")
    assert [row[0] for row in user.table()] == TEN_LEVELS


def test_several_files_are_no_kernel_for_everywhere(user, ten_files):
    user.choose_text("kernelKeyComboBox", "One kernel")
    user.panel.table.addFiles(ten_files[:1])
    assert user.parameters.kernelKey.value == "uniform"
    user.panel.table.addFiles(ten_files)
    assert user.parameters.kernelKey.value == "intensity"
    assert len([row for row in user.table() if row[0]]) == 10


def test_choosing_a_file_takes_the_level_from_its_name(user, ten_files):
    user.click("addKernelButton")
    user.choose_text("kernelKindComboBox", "File")
    user.ui.kernelPathLineEdit.currentPath = ten_files[-1]
    user.window.processEvents()
    assert user.table()[0][0] == "90"
    user.edit_cell(0, 0, "95")
    assert user.table()[0][0] == "95"  # what is typed afterwards stays


def test_kernels_are_first_looked_for_beside_the_image(user, ten_files, tmp_path):
    import qt

    node = user.add_volume()
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(tmp_path / "image.nrrd"))
    node.SetAndObserveStorageNodeID(storage.GetID())
    user.choose("inputVolumeSelector", node)
    qt.QSettings().setValue("SpatialDeconv/kernelSetFolder", "")

    for button in ("firstFilesButton", "addFilesButton"):
        user.window.answers.append(tuple(ten_files))
        user.click(button)
    folders = [shown[-1] for shown in user.window.shown]
    assert folders == [str(tmp_path), str(Path(ten_files[0]).parent)]


def test_a_folder_without_kernels_is_told(user, tmp_path):
    user.panel.table.addFiles([str(tmp_path)])
    assert "no file that could be a kernel" in user.window.shown[-1]


def test_the_levels_of_pages_are_asked_for_and_proposed(user, tmp_path):
    np.save(tmp_path / "stack.npy", np.random.default_rng(0).random((10, 20, 20)))
    image = np.linspace(10, 100, 32 * 32, dtype=np.float32).reshape(1, 32, 32)
    user.choose("inputVolumeSelector", user.add_volume(image))
    answer = (str(tmp_path / "stack.npy"),)
    user.window.answers += [answer, ""]
    user.click("firstFilesButton")
    assert user.table() == []  # the question was cancelled
    user.window.answers += [answer, "1 2 3", "10:100:10"]
    user.click("firstFilesButton")
    questions = [shown[-1] for shown in user.window.shown if "Levels of the 10" in shown[-1]]
    assert "not their levels" in questions[0]
    assert "1 2 3 are 3 levels, not 10" in questions[-1]
    assert [row[0] for row in user.table()] == TEN_LEVELS
    assert not user.visible("firstFilesButton")  # there are kernels: the table's own buttons add more
    assert user.ui.applyButton.isEnabled()


@pytest.mark.parametrize(("answer", "levels"), [("3 kernels of 5 x 6", 3), ("One kernel in 3-D", 1), ("Cancel", 0)])
def test_an_array_that_may_be_kernels_or_one_in_3d_is_asked_about(user, tmp_path, answer, levels):
    np.save(tmp_path / "stack.npy", np.random.default_rng(0).random((3, 5, 6)))
    user.choose("inputVolumeSelector", user.add_volume())

    def reply(box):
        (button,) = [b for b in box.buttons() if b.text.replace("&", "") == answer]
        button.click()
        return box.result()

    user.window.answers += [reply, *(["10 20 30"] if levels == 3 else [])]
    user.panel.table.addFiles([str(tmp_path / "stack.npy")])
    assert len(user.table()) == levels
    assert user.window.answers == []


def test_a_pattern_that_no_file_has_is_told(user, tmp_path):
    user.panel.table.addFiles([str(tmp_path / "none_*.npy")])
    assert "none_*.npy" in user.window.shown[-1]


# -- undoing


def test_changes_of_the_table_are_taken_back_and_made_again(ready):
    levels = lambda: [row[0] for row in ready.table()]  # noqa: E731
    assert levels() == ["10", "100"]
    ready.select_rows(0)
    ready.click("removeKernelsButton")
    ready.edit_cell(0, 0, "70")
    ready.click("clearKernelsButton")
    found = [levels()]
    for _step in range(3):
        ready.click("undoKernelsButton")
        found.append(levels())
    assert found == [[], ["70"], ["100"], ["10", "100"]]
    ready.click("redoKernelsButton")
    assert levels() == ["100"]
    assert ready.ui.redoKernelsButton.isEnabled()
    ready.click("addKernelButton")
    assert not ready.ui.redoKernelsButton.isEnabled()


def test_the_keyboard_stays_with_the_table_after_a_click_on_clear(ready):
    ready.ui.clearKernelsButton.setFocus()
    ready.click("clearKernelsButton")
    assert ready.ui.kernelTable.focus
    (key,) = [each for each in ready.panel.table._shortcuts if each.key.toString() == "Ctrl+Z"]
    assert key.parent().isAncestorOf(ready.ui.kernelTable)
    key.activated()
    assert [row[0] for row in ready.table()] == ["10", "100"]


def test_the_key_is_taken_back_with_the_rows(ready):
    ready.click("clearKernelsButton")
    ready.choose_text("kernelKeyComboBox", "One kernel")
    ready.click("addKernelButton")
    for _step in range(3):
        ready.click("undoKernelsButton")
    assert ready.parameters.kernelKey.value == "intensity"
    assert [row[0] for row in ready.table()] == ["10", "100"]


def test_a_volume_that_has_left_the_scene_does_not_come_back(ready):
    kernel = ready.add_volume(np.ones((3, 3, 3), np.float32), "kernel_50")
    ready.panel.table.addVolume(kernel)
    ready.click("clearKernelsButton")
    slicer.mrmlScene.RemoveNode(kernel)
    ready.click("undoKernelsButton")
    assert [entry.volume for entry in ready.parameters.kernels] == [None] * 3


def test_another_scene_begins_with_nothing_to_take_back_and_no_kernels_in_memory(ready):
    from SpatialDeconvLib.panel import kernelfacts

    assert ready.ui.undoKernelsButton.isEnabled()
    assert kernelfacts._found
    slicer.mrmlScene.Clear(0)
    ready.window.processEvents()
    assert not ready.ui.undoKernelsButton.isEnabled()
    assert not kernelfacts._found


# -- apply


def test_apply_gives_the_consoles_numbers_and_shows_them(ready, kernel_set):
    before = nodes_of_the_scene()
    source = ready.ui.inputVolumeSelector.currentNode()
    source.GetDisplayNode().SetAutoWindowLevel(0)
    source.GetDisplayNode().SetWindowLevel(77.0, 33.0)
    ready.click("applyButton")
    (output,) = [
        slicer.mrmlScene.GetNodeByID(i)
        for i in nodes_of_the_scene() - before
        if slicer.mrmlScene.GetNodeByID(i).IsA("vtkMRMLScalarVolumeNode")
    ]
    expected, _result = ready.panel.logic.deconvolve(source, kernel_set)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(output), slicer.util.arrayFromVolume(expected))
    assert output.GetName() in ready.ui.statusLabel.text
    assert ready.shown_in_views() == {output.GetName()}
    assert (output.GetDisplayNode().GetWindow(), output.GetDisplayNode().GetLevel()) == (77.0, 33.0)
    assert ready.ui.applyButton.text == "Apply"
    assert not ready.visible("progressBar")
    assert ready.ui.inputsCollapsibleButton.enabled


def test_apply_writes_into_the_chosen_output(ready):
    given = ready.add_volume(np.zeros((2, 2, 2), np.float32), "given")
    ready.choose("outputVolumeSelector", given)
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    ready.click("applyButton")
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == before
    assert slicer.util.arrayFromVolume(given).shape == (6, 24, 24)


def test_forward_mode_blurs(ready, kernel_set):
    ready.choose_text("goalComboBox", "Convolve")
    assert not ready.visible("methodComboBox")
    ready.click("applyButton")
    (shown,) = ready.shown_in_views()
    expected, _result = ready.panel.logic.convolve(ready.parameters.inputVolume, kernel_set)
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(slicer.util.getNode(shown)), slicer.util.arrayFromVolume(expected)
    )


def test_only_the_parameters_of_the_method_are_shown(ready):
    ready.choose_filter("Wiener")
    assert (ready.visible("noiseRow"), ready.visible("iterationsSpinBox")) == (True, False)
    ready.choose_filter("Richardson")
    assert (ready.visible("noiseRow"), ready.visible("iterationsSpinBox")) == (False, True)
    ready.ui.noiseAutoCheckBox.checked = True
    assert not ready.ui.noiseSpinBox.isEnabled()


METHOD_WIDGETS = (
    "methodComboBox", "jointMethodComboBox", "engineComboBox", "iterationsSpinBox", "regularizationRow",
)  # fmt: skip


def test_nothing_but_apply_is_needed_to_let_the_run_choose(ready):
    ui = ready.ui
    assert ui.strategyComboBox.currentText == "Automatic"
    assert not any(map(ready.visible, METHOD_WIDGETS))
    assert ui.methodSentenceLabel.text
    ready.click("applyButton")
    assert re.search(r"^Took (joint|blend) .+: .+\.$", ui.statusLabel.text, re.MULTILINE)


@pytest.mark.parametrize(
    ("strategy", "own"), [("Blend", ["methodComboBox", "engineComboBox"]), ("Joint", ["jointMethodComboBox"])]
)
def test_a_strategy_chooses_its_method_unless_one_is_chosen(ready, strategy, own):
    ready.choose_text("strategyComboBox", strategy)
    assert [name for name in METHOD_WIDGETS if ready.visible(name)] == own
    assert getattr(ready.ui, own[0]).currentText == "Automatic"
    assert ready.ui.methodSentenceLabel.text


def test_the_engine_stands_beside_its_filter(ready):
    ready.choose_filter("Wiener")
    assert ready.visible("engineComboBox")
    ready.choose_text("engineComboBox", "FFT")
    assert ready.ui.engineComboBox.parent() is ready.ui.methodComboBox.parent()
    assert ready.parameters.engine.value == "fft"


@pytest.mark.parametrize(("answer", "of"), [("As measured", "measured"), ("True", "true")])
def test_whose_intensity_it_is_decides_what_a_run_takes(ready, answer, of):
    assert ready.visible("ofComboBox")
    assert ready.ui.ofComboBox.currentText == "Let the image decide"
    assert ready.ui.ofComboBox.toolTip.count("<br/>") == 2  # three answers, one line each
    ready.choose_text("ofComboBox", answer)
    ready.click("applyButton")
    assert f"Took joint plug-and-play: kernels keyed to {of} values, as was given." in ready.ui.statusLabel.text
    ready.choose("guideSelector", ready.add_volume(name="guide"))
    assert not ready.visible("ofComboBox")


def test_a_kernel_set_says_whose_intensity_it_means(ready, tmp_path):
    ready.choose_text("ofComboBox", "True")
    saved = tmp_path / "true.json"
    ready.window.answers.append(str(saved))
    ready.click("saveKernelsButton")
    assert json.loads(saved.read_text())["of"] == "true"
    ready.choose_text("ofComboBox", "As measured")
    ready.load_kernels(saved)
    assert ready.ui.ofComboBox.currentText == "True, before the blur"
    content = json.loads(saved.read_text())
    del content["of"]
    saved.write_text(json.dumps(content))
    ready.load_kernels(saved)
    assert ready.ui.ofComboBox.currentText == "Let the image decide"


def test_bad_input_is_told_in_one_line_and_leaves_no_node(ready):
    array = np.full((6, 24, 24), np.nan, np.float32)
    ready.choose("inputVolumeSelector", ready.add_volume(array, "broken"))
    before = nodes_of_the_scene()
    ready.click("applyButton")
    told = ready.window.shown[-1]
    assert len(told.splitlines()) == 1
    assert ready.ui.statusLabel.text == told
    assert nodes_of_the_scene() == before
    assert ready.ui.applyButton.enabled


# -- one click cures


def cure(user):
    """The button that cures what the line says, "" when there is none."""
    return user.ui.cureButton.text if user.visible("cureButton") else ""


def test_one_click_fills_nan_and_applies(ready):
    array = np.full((6, 24, 24), 20, np.float32)
    array[2, 3, 4] = np.nan
    ready.choose("inputVolumeSelector", ready.add_volume(array, "broken"))
    assert cure(ready) == ""
    ready.click("applyButton")
    assert cure(ready) == "Fill NaN and infinity, and apply"
    assert "nonfinite" not in ready.ui.statusLabel.text
    ready.click("cureButton")
    assert ready.parameters.fillNonfinite
    assert "done" in ready.ui.statusLabel.text
    assert cure(ready) == ""


def test_what_went_wrong_stays_while_the_panel_asks_how_long_a_run_takes(ready):
    array = np.full((6, 24, 24), 20, np.float32)
    array[2, 3, 4] = np.nan
    ready.choose("inputVolumeSelector", ready.add_volume(array, "broken"))
    ready.click("applyButton")
    ready.panel.goal.onTimeout()
    assert cure(ready) == "Fill NaN and infinity, and apply"
    assert "1 NaN" in ready.ui.statusLabel.text


def test_one_click_resamples_and_applies(ready):
    ready.choose("guideSelector", ready.add_volume(name="guide", spacing=(2.0, 2.0, 2.0)))
    ready.click("applyButton")
    assert cure(ready) == "Resample onto the input, and apply"
    assert "resample=" not in ready.ui.statusLabel.text
    ready.click("cureButton")
    assert ready.parameters.resample
    assert "done" in ready.ui.statusLabel.text


def test_the_button_goes_with_what_it_cures(ready):
    ready.choose("guideSelector", ready.add_volume(name="guide", spacing=(2.0, 2.0, 2.0)))
    ready.click("applyButton")
    assert cure(ready)
    ready.choose("guideSelector", None)
    assert cure(ready) == ""


def test_one_click_works_slice_by_slice_and_applies_nothing_by_itself(stored, tmp_path):
    np.save(tmp_path / "flat.npy", np.full((3, 3), 1 / 9))
    stored.ui.kernelPathLineEdit.currentPath = str(tmp_path / "flat.npy")
    stored.window.processEvents()
    assert cure(stored) == "Work slice by slice"
    stored.click("cureButton")
    assert stored.parameters.slicewise
    assert stored.ui.applyButton.isEnabled()
    assert stored.ui.statusLabel.text == ""
    assert cure(stored) == ""


def test_a_wrong_number_is_told_without_a_scripts_words(ready):
    ready.edit_cell(0, 2, "-3")
    assert ready.ui.kernelSetSummaryLabel.text == (
        "Kernel 1: gaussian kernel of sigma_mm -3.0: sigma -3.0 must be finite and not below 0."
    )


# -- in mid-run


@pytest.fixture
def long_run(ready):
    """A run that takes seconds unless something ends it, and a list of what was seen meanwhile."""
    ready.choose("inputVolumeSelector", ready.add_volume(np.tile(np.float32([[[9, 80]]]), (30, 60, 30)), "large"))
    ready.choose_filter("Richardson")
    ready.ui.iterationsSpinBox.value = 3000
    return ready


def test_pressing_cancel_in_mid_run_leaves_the_scene_as_it_was(long_run):
    before, seen = nodes_of_the_scene(), []

    def meanwhile():
        seen.append((long_run.ui.applyButton.text, long_run.ui.inputsCollapsibleButton.enabled))
        long_run.click("applyButton")
        seen.append(long_run.ui.applyButton.enabled)

    long_run.soon(meanwhile, 600)
    long_run.click("applyButton")
    assert seen == [("Cancel", False), False]
    assert nodes_of_the_scene() == before
    assert "Cancelled" in long_run.ui.statusLabel.text
    assert (long_run.ui.applyButton.text, long_run.ui.applyButton.enabled) == ("Apply", True)
    assert long_run.window.shown[1:] == []


def test_closing_the_scene_in_mid_run_is_survived(long_run):
    long_run.soon(lambda: slicer.mrmlScene.Clear(0), 300)
    long_run.click("applyButton")
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert long_run.window.shown[1:] == []
    assert not long_run.ui.applyButton.enabled
    assert long_run.parameters.inputVolume is None
    assert "input volume" in long_run.ui.statusLabel.text


def test_leaving_the_module_in_mid_run_is_survived(long_run):
    def meanwhile():
        long_run.leave()
        long_run.soon(lambda: long_run.panel.runner.cancel(), 100)

    long_run.soon(meanwhile, 300)
    long_run.click("applyButton")
    assert long_run.window.shown[1:] == []
    long_run.come_back()
    assert long_run.ui.applyButton.text == "Apply"
    assert long_run.ui.inputsCollapsibleButton.enabled


def test_destroying_the_panel_in_mid_run_is_survived(long_run):
    long_run.soon(lambda: slicer.util.reloadScriptedModule("SpatialDeconv"), 300)
    old = long_run.panel
    long_run.click("applyButton")
    assert long_run.panel is not old
    assert long_run.ui.applyButton.text == "Apply"
    assert long_run.window.shown[1:] == []


def test_reload_is_refused_in_mid_run(long_run):
    panel = long_run.panel
    long_run.soon(lambda: panel.onReload(), 300)
    long_run.click("applyButton")
    assert long_run.panel is panel
    assert long_run.ui.applyButton.text == "Apply"


# -- scenes


def values_of(parameters):
    values = {name: parameters.getValue(name) for name in parameters.allParameters}
    plain = {k: v for k, v in values.items() if not hasattr(v, "__len__") or isinstance(v, str)}
    plain["kernels"] = [str(entry).removeprefix("Observed") for entry in parameters.kernels]
    return {k: v.GetName() if hasattr(v, "GetName") else v for k, v in plain.items() if k != "kernels"}, plain[
        "kernels"
    ]


def test_saving_and_reading_the_scene_restores_the_panel(ready, tmp_path):
    ready.choose_filter("Tikhonov")
    ready.choose_text("ofComboBox", "True")
    ready.ui.regularizationAutoCheckBox.checked = False
    ready.ui.regularizationSpinBox.value = 0.25
    ready.choose("outputVolumeSelector", ready.add_volume(name="result"))
    ready.choose("guideSelector", ready.add_volume(name="guide"))
    path = tmp_path / "scene.mrml"
    expected = values_of(ready.parameters)
    slicer.mrmlScene.SetURL(str(path))
    slicer.mrmlScene.Commit(str(path))
    slicer.mrmlScene.Clear(0)
    assert ready.table() == []
    slicer.mrmlScene.SetURL(str(path))
    slicer.mrmlScene.Connect()
    ready.window.processEvents()
    assert values_of(ready.parameters)[0] == expected[0]
    assert [row[0] for row in ready.table()] == ["10", "100"]
    assert ready.ui.inputVolumeSelector.currentNode().GetName() == "phantom"
    assert ready.ui.guideSelector.currentNode().GetName() == "guide"
    assert ready.ui.outputVolumeSelector.currentNode().GetName() == "result"
    assert ready.ui.regularizationSpinBox.value == 0.25


def test_closing_the_scene_empties_the_panel(ready):
    slicer.mrmlScene.Clear(0)
    ready.window.processEvents()
    assert ready.table() == []
    assert ready.ui.inputVolumeSelector.currentNode() is None
    assert not ready.ui.applyButton.enabled


def test_a_removed_output_volume_is_not_replaced_by_another(ready):
    keep, gone = ready.add_volume(name="keep"), ready.add_volume(name="gone")
    ready.choose("outputVolumeSelector", gone)
    slicer.mrmlScene.RemoveNode(gone)
    assert ready.ui.outputVolumeSelector.currentNode() is None
    assert ready.parameters.outputVolume is None
    assert keep.GetScene() is slicer.mrmlScene


def test_leaving_and_coming_back(ready):
    ready.leave()
    ready.parameters.iterations = 17
    ready.come_back()
    assert ready.ui.iterationsSpinBox.value == 17
    assert [row[0] for row in ready.table()] == ["10", "100"]


# -- reload


def test_reload_keeps_the_choices(ready):
    old = ready.panel
    slicer.util.reloadScriptedModule("SpatialDeconv")
    ready.window.processEvents()
    assert ready.panel is not old
    assert [row[0] for row in ready.table()] == ["10", "100"]
    ready.click("applyButton")
    assert "done" in ready.ui.statusLabel.text


# -- every control


def bound_widgets(ui):
    for widget in vars(ui).values():
        name = widget.property("SlicerParameterName")
        if name:
            yield name, widget


def test_every_bound_control_reaches_the_scene_and_comes_back(ready):
    other = ready.add_volume(name="other")
    tried = []
    for name, widget in bound_widgets(ready.ui):
        kind, before = widget.className(), ready.parameters.getValue(name)
        if kind == "QCheckBox":
            widget.checked = not widget.checked
        elif kind == "QComboBox":
            widget.currentIndex = (widget.currentIndex + 1) % widget.count
        elif kind in ("QSpinBox", "QDoubleSpinBox", "ctkSliderWidget"):
            widget.value = widget.minimum if widget.value != widget.minimum else widget.maximum
        elif kind == "qMRMLNodeComboBox":
            widget.setCurrentNode(other)
            if widget.currentNode() is None:
                continue
        else:
            raise AssertionError(f"{name}: this test does not know {kind}")
        after = ready.parameters.getValue(name)
        assert after != before, name
        ready.parameters.setValue(name, before)
        tried.append(name)
    assert len(tried) > 20


def test_all_fields_of_the_forms_exist_in_the_parameter_node(user):
    names = [name for name, _widget in bound_widgets(user.ui)]
    assert len(names) == len(set(names))
    assert set(names) <= set(user.parameters.allParameters)
