"""The top of the panel: what to do, how long that takes, the verdict on it, and the runs so far."""

import json
import re
import time

import numpy as np
import pytest

import SpatialDeconvLib as sd

slicer = pytest.importorskip("slicer")

KERNELS = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in ((10, 0.6), (100, 1.2))]
WIENER = "phantom deconvolved, Wiener filter, 2 gaussian kernels"


@pytest.fixture
def ready(user, tmp_path):
    """The panel with a volume, two kernels and a filter that is fast: Apply would run."""
    path = tmp_path / "two.json"
    path.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": KERNELS}))
    user.choose("inputVolumeSelector", user.add_volume())
    user.load_kernels(path)
    user.choose_filter("Wiener")
    user.ui.noiseAutoCheckBox.checked = False
    return user


def wait_until(user, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        user.window.processEvents()
        time.sleep(0.01)


def output_of(user):
    return user.ui.outputVolumeSelector.currentNode()


# -- what to do


def test_the_first_choice_is_what_the_user_wants(ready):
    chosen = []
    for words in ("Best", "Quick", "A method", "Convolve", "Best"):
        ready.choose_text("goalComboBox", words)
        node = ready.parameters
        chosen.append((node.operation.value, node.strategy.value, node.effort.value))
        assert ready.visible("strategyComboBox") == (words == "A method")
    assert chosen[:3] == [
        ("deconvolve", "auto", "best"), ("deconvolve", "auto", "quick"), ("deconvolve", "joint", "quick"),
    ]  # fmt: skip
    assert chosen[3][0] == "convolve"
    assert chosen[4] == chosen[0]


def test_a_strategy_that_is_chosen_elsewhere_shows_in_the_first_choice(ready):
    assert ready.ui.goalComboBox.currentText == "A method of my choice"
    ready.choose_text("strategyComboBox", "Automatic")
    assert ready.ui.goalComboBox.currentText == "Best result"


def test_quick_is_what_the_engine_calls_so(ready):
    ready.choose_text("goalComboBox", "Quick")
    ready.click("applyButton")
    assert "Took joint Richardson-Lucy" in ready.ui.statusLabel.text


def test_the_text_says_what_will_be_taken_and_how_long(ready):
    ready.choose_text("goalComboBox", "Quick")
    assert ready.ui.methodSentenceLabel.text == "Takes the quickest method that suits the kernels."
    wait_until(ready, lambda: "Richardson-Lucy: " in ready.ui.methodSentenceLabel.text)
    assert re.search("less than a second|up to|[0-9] s to ", ready.ui.methodSentenceLabel.text)
    ready.choose_text("goalComboBox", "Convolve")
    assert ready.ui.methodSentenceLabel.text == "Blurs the input volume with the kernels."


def test_a_forecast_makes_way_for_a_run(ready):
    ready.soon(lambda: ready.click("applyButton"), 0)
    ready.panel.goal.onTimeout()
    wait_until(ready, lambda: output_of(ready) is not None)


def test_edit_opens_the_table_of_kernels_and_closes_it(ready):
    ready.ui.kernelsCollapsibleButton.collapsed = True
    ready.click("editKernelsButton")
    assert not ready.ui.kernelsCollapsibleButton.collapsed
    ready.ui.kernelsCollapsibleButton.collapsed = True
    assert not ready.ui.editKernelsButton.checked


def test_a_region_without_voxels_is_told_before_a_run(ready):
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    ready.choose_text("regionKindComboBox", "Segments")
    ready.choose("maskSelector", segmentation)
    assert not ready.ui.applyButton.isEnabled()
    assert "nothing in the segmentation" in ready.ui.statusLabel.text


# -- the verdict


def result(verdict, **parameters):
    automatic = {"verdict": verdict} if verdict else {}
    return sd.Result(np.zeros(1), automatic=automatic, parameters={"effort": "best", **parameters})


@pytest.mark.parametrize(
    ("word", "text", "buttons"),
    [
        ("explained", "Explained by the kernels", []),
        ("partly", "Partly explained by the kernels", ["Try the best method", "Measure the width"]),
        ("not", "Not explained by the kernels", ["Try the best method", "Measure the width"]),
        ("noisy", "More noise than detail", ["Try the best method"]),
        ("", "", []),
    ],
)
def test_a_result_is_judged_in_words_and_color_with_what_may_help(ready, word, text, buttons):
    from SpatialDeconvLib.panel import verdictsection

    section = ready.panel.apply.verdict
    section.show(result(word))
    assert ready.ui.verdictLabel.text == text
    assert ready.visible("verdictLabel") == bool(text)
    assert ready.visible("adviceRow") == bool(buttons)
    assert [b.text for b in section.buttons.values() if not b.isHidden()][: len(buttons)] == buttons
    if word:
        color = ", ".join(map(str, verdictsection.COLORS[word]))
        assert f"rgb({color})" in ready.ui.verdictLabel.styleSheet


def test_a_run_shows_its_verdict_until_the_next_one(ready):
    ready.click("applyButton")
    assert ready.ui.verdictLabel.text
    slicer.mrmlScene.Clear(0)
    ready.window.processEvents()
    assert not ready.ui.verdictLabel.text


def test_the_advice_to_take_the_best_method_takes_it(ready):
    ready.panel.apply.verdict.buttons["best"].click()
    ready.window.processEvents()
    assert ready.ui.goalComboBox.currentText == "Best result"
    assert "Took joint" in ready.ui.statusLabel.text


def test_the_advice_to_show_the_residual_lays_it_over_the_image(ready):
    ready.click("applyButton")
    ready.panel.apply.verdict.buttons["residual"].click()
    ready.window.processEvents()
    assert ready.panel.comparison.mode == "residual"
    assert slicer.util.getNode("phantom residual")


def test_the_advice_to_measure_the_width_says_what_was_found(ready):
    ready.choose_text("kernelKeyComboBox", "One kernel")
    ready.select_rows(1)
    ready.click("removeKernelsButton")
    before = slicer.mrmlScene.GetNumberOfNodes()
    ready.panel.apply.verdict.buttons["width"].click()
    ready.window.processEvents()
    assert ready.ui.statusLabel.text.startswith(("Width: ", "The width of the kernels cannot be told: "))
    assert slicer.mrmlScene.GetNumberOfNodes() == before


# -- the output, and the runs


def test_the_output_stays_chosen_and_its_name_says_what_it_holds(ready):
    ready.click("applyButton")
    output = output_of(ready)
    assert output.GetName() == WIENER
    ready.choose_text("methodComboBox", "Tikhonov")
    ready.ui.regularizationAutoCheckBox.checked = False
    ready.click("applyButton")
    assert output_of(ready) is output
    assert output.GetName() == "phantom deconvolved, Tikhonov, 2 gaussian kernels"


def test_another_input_gets_an_output_of_its_own(ready):
    ready.click("applyButton")
    ready.choose("inputVolumeSelector", ready.add_volume(name="other"))
    assert output_of(ready) is None
    ready.click("applyButton")
    assert output_of(ready).GetName().startswith("other deconvolved")


def test_an_output_that_the_user_chose_stays_whatever_the_input(ready):
    mine = ready.add_volume(name="mine")
    ready.choose("outputVolumeSelector", mine)
    ready.choose("inputVolumeSelector", ready.add_volume(name="other"))
    assert output_of(ready) is mine


@pytest.fixture
def two_runs(ready):
    """Wiener's filter, then Tikhonov's in the same output."""
    ready.click("applyButton")
    ready.first = slicer.util.arrayFromVolume(output_of(ready)).copy()
    ready.choose_text("methodComboBox", "Tikhonov")
    ready.ui.regularizationAutoCheckBox.checked = False
    ready.click("applyButton")
    return ready


def select_runs(user, *rows):
    table = user.ui.runsTable
    table.clearSelection()
    for row in rows:
        for column in range(table.columnCount):
            table.item(row, column).setSelected(True)
    user.window.processEvents()


def test_any_two_runs_are_compared_though_the_second_has_replaced_the_first(two_runs):
    volumes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    assert [two_runs.ui.runsTable.item(row, 0).text() for row in (0, 1)] == [
        "Tikhonov, 2 gaussian kernels", "Wiener filter, 2 gaussian kernels",
    ]  # fmt: skip
    select_runs(two_runs, 0, 1)
    assert WIENER in two_runs.ui.runsStatusLabel.text
    two_runs.ui.sideBySideButton.click()
    assert {WIENER, output_of(two_runs).GetName()} <= two_runs.shown_in_views()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(slicer.util.getNode(WIENER)), two_runs.first)
    two_runs.leave()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == volumes


def test_the_settings_of_a_run_are_brought_back(two_runs):
    two_runs.choose_text("goalComboBox", "Quick")
    two_runs.click("clearKernelsButton")
    select_runs(two_runs, 1)
    two_runs.click("restoreRunButton")
    assert two_runs.ui.methodComboBox.currentText == "Wiener"
    assert not two_runs.ui.noiseAutoCheckBox.checked
    assert [row[0] for row in two_runs.table()] == ["10", "100"]
    assert two_runs.ui.applyButton.isEnabled()
    two_runs.click("applyButton")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(output_of(two_runs)), two_runs.first)


def test_runs_belong_to_their_scene(two_runs):
    assert two_runs.ui.runsTable.rowCount == 2
    slicer.mrmlScene.Clear(0)
    two_runs.window.processEvents()
    assert two_runs.ui.runsTable.rowCount == 0
    assert not two_runs.ui.restoreRunButton.isEnabled()


def test_only_so_many_results_are_kept(two_runs, monkeypatch):
    from SpatialDeconvLib.panel import runssection

    monkeypatch.setattr(runssection, "MOST_KEPT", 0)
    two_runs.choose_text("methodComboBox", "Wiener")
    two_runs.click("applyButton")
    select_runs(two_runs, 1, 2)
    assert "kept no longer" in two_runs.ui.runsStatusLabel.text
    select_runs(two_runs, 2)
    two_runs.click("restoreRunButton")
    assert two_runs.ui.methodComboBox.currentText == "Wiener"


# -- room


def form_of(user):
    return user.ui.inputsCollapsibleButton.parent()


def set_font(user, points):
    font = form_of(user).font
    font.setPointSize(points)
    form_of(user).font = font


@pytest.mark.parametrize("points", [10, 14])
def test_the_panel_can_be_narrow(ready, points):
    for name in vars(ready.ui):
        if name.endswith("CollapsibleButton"):
            getattr(ready.ui, name).collapsed = False
    ready.select_rows(0)
    set_font(ready, points)  # of a panel that is open
    wait_until(ready, lambda: ready.ui.slicewiseCheckBox.fontMetrics().height() >= points)
    ready.window.resizePanel(320)
    wait_until(ready, lambda: form_of(ready).minimumSizeHint.width() <= ready.window.panelArea.viewport().width())


def test_a_font_that_changes_changes_the_column_of_labels_and_the_verdict(ready):
    ready.panel.apply.verdict.show(result("explained"))
    before, height = ready.ui.goalLabel.minimumWidth, ready.ui.verdictLabel.sizeHint.height()
    set_font(ready, 2 * form_of(ready).font.pointSize())
    wait_until(ready, lambda: ready.ui.goalLabel.minimumWidth > 1.5 * before)
    assert ready.ui.verdictLabel.sizeHint.height() > 1.3 * height
    assert ready.ui.verdictLabel.font.bold()


def test_long_texts_of_check_boxes_break_where_the_panel_is_narrow_and_are_whole_where_it_is_wide(ready):
    box = ready.ui.slicewiseCheckBox
    ready.reveal(box)
    ready.window.resizePanel(800)
    wait_until(ready, lambda: box.text == "2-D kernels on every slice")
    set_font(ready, 14)
    ready.window.resizePanel(320)
    wait_until(ready, lambda: "\n" in box.text)
    assert " ".join(box.text.split()) == "2-D kernels on every slice"
    ready.window.resizePanel(800)
    wait_until(ready, lambda: box.text == "2-D kernels on every slice")


def test_the_buttons_of_the_advice_show_all_of_their_text(ready):
    button = ready.ui.bestAdviceButton
    set_font(ready, 14)
    ready.window.resizePanel(320)
    ready.panel.apply.verdict.show(result("not"))
    wait_until(ready, lambda: "\n" in button.text)
    assert button.sizeHint.width() <= button.width + 8
    wait_until(ready, lambda: button.height >= 2 * button.fontMetrics().height())


def test_what_compares_lies_in_one_row_where_there_is_room(ready):
    def rows():
        names = ("compareLabel", "flickerButton", "sideBySideButton", "differenceButton", "residualButton")
        return len({getattr(ready.ui, name).y for name in names[1:]})

    ready.window.resizePanel(800)
    wait_until(ready, lambda: rows() == 1)
    ready.window.resizePanel(300)
    wait_until(ready, lambda: rows() > 1)


def test_rows_that_are_not_shown_leave_no_gap(ready):
    def gap():
        above, below = ready.ui.goalComboBox, ready.ui.methodSentenceLabel
        return below.y - above.y - above.height

    ready.choose_text("goalComboBox", "Best")
    ready.window.resizePanel(400)
    spacing = ready.ui.kernelsRow.y - ready.ui.inputVolumeSelector.y - ready.ui.inputVolumeSelector.height
    wait_until(ready, lambda: gap() <= spacing)
