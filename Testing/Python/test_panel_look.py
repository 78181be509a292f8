"""Before one chooses and after a run: the contact sheet, the residual over the input, plots of kernels and fits."""

import json
import time

import numpy as np
import pytest
import slicer

import SpatialDeconvLib as sd
from SpatialDeconvLib.mrml.channelnames import setChannelNames


@pytest.fixture
def ready(user, tmp_path):
    """The panel with a small noisy volume, two kernels and a filter that is fast: Apply would run."""
    path = tmp_path / "two.json"
    entries = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in ((10, 0.6), (100, 1.2))]
    content = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "of": "measured", "kernels": entries}
    path.write_text(json.dumps(content))
    random = np.random.default_rng(0)
    array = 10 + 90 * (random.random((5, 6, 6)) > 0.5).repeat(4, 1).repeat(4, 2) + random.normal(0, 1, (5, 24, 24))
    user.choose("inputVolumeSelector", user.add_volume(array.astype(np.float32)))
    user.load_kernels(path)
    user.choose_filter("Wiener")
    user.ui.previewCollapsibleButton.collapsed = False
    user.ui.whyCollapsibleButton.collapsed = False
    slicer.util.setSliceViewerLayers(background=user.parameters.inputVolume, fit=True)
    return user


def layers():
    """Return the names of background and foreground of the first slice view, and the foreground's opacity."""
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    names = [
        getattr(slicer.mrmlScene.GetNodeByID(i or "none"), "GetName", lambda: None)()
        for i in (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID())
    ]
    return (*names, composite.GetForegroundOpacity())


def charts():
    return slicer.util.getNodesByClass("vtkMRMLPlotChartNode")


# -- the contact sheet


def tile(method, strategy="blend", automatic=False, **more):
    from SpatialDeconvLib.methods import registry as methods
    from SpatialDeconvLib.run.sheet import Tile

    image = np.zeros((2, 8, 8)) + np.arange(8)
    return Tile(image, method and methods.method(strategy, method), automatic, seconds=0.5, **more)


@pytest.fixture
def sheet(ready, monkeypatch):
    """The panel with a contact sheet of four tiles, of which one cannot be run."""
    from SpatialDeconvLib.mrml import sheets

    given = [
        tile(None, residual=6.0),
        tile("wiener", residual=2.0),
        tile("pnp", "joint", automatic=True, residual=1.1),
        tile("tv", "joint", residual=0.9),
        tile("wiener", residual=2.0, gain=3.25),
    ]
    given.insert(3, sd.Tile(None, tile("self-keyed", "joint").method, problem="levels are no true values"))
    ready.asked = []

    def tiles(*arguments):
        ready.asked.append(arguments)
        yield from given

    monkeypatch.setattr(sheets, "methodTiles", tiles)
    ready.click("sheetButton")
    return ready


def texts(user):
    return [user.ui.sheetList.item(n).text() for n in range(user.ui.sheetList.count)]


def test_the_sheet_shows_each_method_once_the_automatic_choice_after_the_input(sheet):
    names = [text.split("\n")[0] for text in texts(sheet)]
    assert names == [
        "Input", "Joint: Plug-and-play (automatic)", "Blend: Wiener", "Joint: Self-keyed total variation",
        "Joint: Total variation",
    ]  # fmt: skip
    assert texts(sheet)[2].split("\n")[1:] == ["+3.2 dB, 0.5 s", "residual 2.00"]
    assert texts(sheet)[3].split("\n")[1] == "not possible here"
    assert sheet.ui.sheetList.item(3).toolTip() == "levels are no true values"
    assert sheet.visible("sheetList")
    assert sheet.ui.sheetButton.text == "Compare all methods"


def test_the_sheet_is_of_the_block_of_the_preview(sheet):
    _settings, volume, _kernels, block, *_more = sheet.asked[0]
    assert volume is sheet.parameters.inputVolume
    assert block == (slice(0, 5), slice(0, 24), slice(0, 24))


def test_the_pictures_lie_as_the_slice_views_show_the_volume(sheet):
    # Of a volume whose i and j run to the right and to the front, both are shown the other way round.
    assert sheet.panel.sheet._turned == (True, True)
    sheet.parameters.inputVolume.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    sheet.click("sheetButton")
    assert sheet.panel.sheet._turned == (False, False)


def test_escape_stops_the_sheet_and_then_closes_it(ready, monkeypatch):
    from SpatialDeconvLib.mrml import sheets

    key, panel = ready.panel.sheet._closeKey, ready.panel
    shown, stops = [], []

    def tiles(*arguments):
        watch = arguments[-1]
        yield tile(None, residual=6.0)
        shown.append((ready.visible("sheetList"), panel._cancelKey.enabled, key.enabled))
        panel._cancelKey.activated()
        stops.append(watch.cancelled())
        yield tile("wiener")

    monkeypatch.setattr(sheets, "methodTiles", tiles)
    ready.click("sheetButton")
    assert shown == [(True, True, False)]  # one of the two at a time: Qt would take none of them
    assert stops == [True]
    assert ready.ui.sheetStatusLabel.text == "Stopped."
    assert not panel._cancelKey.enabled
    assert ready.visible("sheetList")
    key.activated()
    assert not ready.visible("sheetList")


def test_a_click_chooses_the_method(sheet):
    def click(row):
        sheet.ui.sheetList.itemClicked(sheet.ui.sheetList.item(row))

    sheet.parameters.iterations = 7
    click(4)
    assert (sheet.parameters.strategy.value, sheet.parameters.jointMethod.value) == ("joint", "tv")
    assert sheet.parameters.iterations == 0
    click(2)
    assert (sheet.parameters.strategy.value, sheet.parameters.method.value) == ("blend", "wiener")
    for row in (0, 3):  # the input, and what cannot be run
        click(row)
        assert (sheet.parameters.strategy.value, sheet.parameters.method.value) == ("blend", "wiener")
    click(1)
    assert sheet.parameters.strategy.value == "auto"


def test_another_scene_has_no_pictures(sheet):
    slicer.mrmlScene.Clear(0)
    sheet.window.processEvents()
    assert texts(sheet) == []
    assert not sheet.visible("sheetList")


def test_the_sheet_can_be_stopped_and_keeps_what_is_there(ready, monkeypatch):
    from SpatialDeconvLib.mrml import sheets

    def tiles(_settings, _volume, _kernels, _block, _selections, watch):
        yield tile(None)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            watch.step(0.5, "trying")
            time.sleep(0.005)

    monkeypatch.setattr(sheets, "methodTiles", tiles)

    def stop():
        assert ready.ui.sheetButton.text == "Cancel"
        assert ready.ui.applyButton.isEnabled()  # it waits for nobody
        ready.click("sheetButton")

    ready.soon(stop, 1500)
    ready.click("sheetButton")
    assert ready.ui.sheetStatusLabel.text == "Stopped."
    assert len(texts(ready)) == 1


def test_apply_takes_the_place_of_the_sheet(ready, monkeypatch):
    from SpatialDeconvLib.mrml import sheets

    def tiles(_settings, _volume, _kernels, _block, _selections, watch):
        yield tile(None)
        while True:
            watch.step(0.5, "trying")

    monkeypatch.setattr(sheets, "methodTiles", tiles)
    ready.soon(lambda: ready.click("applyButton"), 300)
    ready.click("sheetButton")
    assert "done" in ready.ui.statusLabel.text


def test_the_sheet_says_why_it_cannot_be_made(ready, monkeypatch):
    from SpatialDeconvLib.mrml import sheets

    def tiles(*_arguments):
        raise sd.InputError("the image holds NaN")
        yield

    monkeypatch.setattr(sheets, "methodTiles", tiles)
    ready.click("sheetButton")
    assert ready.ui.sheetStatusLabel.text == "the image holds NaN"
    ready.choose_text("goalComboBox", "Convolve")
    assert not ready.ui.sheetButton.isEnabled()


def test_a_picture_shows_the_middle_slice_in_the_windows_grey_levels():
    from SpatialDeconvLib.panel import sheettiles

    grey = sheettiles.greyOf(tile("wiener"), (0.0, 7.0))
    picture = sheettiles.tilePicture(tile("wiener"), grey, 16)
    assert picture.shape == (16, 16, 3)
    assert picture[3, ::2, 0].tolist() == [0, 36, 73, 109, 146, 182, 219, 255]
    turned = sheettiles.tilePicture(tile("wiener"), grey, 16, (True, True))
    assert np.array_equal(turned, picture[::-1, ::-1])
    wide = sd.Tile(np.zeros((1, 2, 8)))
    assert (sheettiles.tilePicture(wide, grey, 16)[:6] == 128).all()  # its shape is kept


# -- the residual


@pytest.fixture
def done(ready):
    assert not ready.ui.residualButton.isEnabled()
    assert not ready.ui.kernelResidualButton.isEnabled()
    ready.click("applyButton")
    return ready


def test_the_residual_lies_over_the_input_in_units_of_the_noise(done):
    before = layers()
    done.click("residualButton")
    background, foreground, opacity = layers()
    assert (background, foreground) == ("phantom", "phantom residual")
    assert 0 < opacity < 1
    node = slicer.util.getNode("phantom residual")
    values = slicer.util.arrayFromVolume(node)
    assert node.GetSaveWithScene()
    display = node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (8.0, 0.0)
    _output, result = done.panel.logic.run(_request(done))
    assert np.sqrt(np.mean(values.astype(float) ** 2)) == pytest.approx(result.residual, rel=1e-3)
    done.click("residualButton")
    assert layers() == before


def test_of_several_channels_the_residual_of_the_one_that_fits_least_is_shown(done):
    image = slicer.util.arrayFromVolume(done.parameters.inputVolume).astype(np.float32)
    spots = np.zeros_like(image)
    spots[:, ::4, ::4] = 20 * np.ptp(image)  # sharper than any blur
    volume = done.add_volume(np.stack([image, spots], axis=-1), "two", kind="vtkMRMLVectorVolumeNode")
    setChannelNames(volume, ["DAPI", "GFP"])
    done.choose("inputVolumeSelector", volume)
    done.choose("outputVolumeSelector", None)
    done.click("applyButton")
    done.click("residualButton")
    assert layers()[1] == "two residual, channel 2 (GFP)"


def _request(user):
    from SpatialDeconvLib.panel import model, parameters

    node = user.parameters
    return model.runFrom(parameters.stateOf(node), parameters.fieldOf(node))


def test_a_residual_that_is_given_up_leaves_no_button_pressed(done, monkeypatch):
    from SpatialDeconvLib.mrml import sheets

    def maps(_result, *_watched):
        raise sd.Cancelled

    monkeypatch.setattr(sheets, "residualMaps", maps)
    before, shown = layers(), list(done.window.shown)
    done.click("residualButton")
    assert not done.ui.residualButton.checked
    assert layers() == before
    assert done.window.shown == shown


def test_a_convolution_has_no_residual_to_show(ready):
    ready.choose_text("goalComboBox", "Convolve")
    ready.click("applyButton")
    assert ready.ui.differenceButton.isEnabled()
    assert not ready.ui.residualButton.isEnabled()
    assert not ready.ui.worstPlaceButton.isEnabled()


def test_how_well_each_kernel_fits_is_a_plot_and_a_sentence(done):
    done.click("kernelResidualButton")
    (chart,) = charts()
    names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == ["root mean square", "at the worst place", "what noise leaves"]
    table = chart.GetNthPlotSeriesNode(0).GetTableNode()
    assert [table.GetTable().GetValueByName(row, "x0").ToDouble() for row in range(2)] == [10.0, 100.0]
    assert "fits least" in done.ui.whyStatusLabel.text
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement() == 36
    done.click("kernelResidualButton")
    assert charts() == []
    assert slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode").GetViewArrangement() != 36


def test_the_views_go_to_the_worst_place(done):
    done.click("worstPlaceButton")
    text = done.ui.whyStatusLabel.text
    voxel = [int(n) for n in text.split("voxel ")[1].split(" (i")[0].split(",")]
    shown = [
        node.GetSliceToRAS().MultiplyPoint((0, 0, 0, 1))[:3]
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")
    ]
    # The spacing is 1 and the axes are those of the views: every view's plane goes through the voxel.
    world = [0.0, 0.0, 0.0]
    from SpatialDeconvLib.mrml.scene import ijkToRas

    place = ijkToRas(done.parameters.inputVolume) @ [*voxel, 1]
    done.parameters.inputVolume.TransformPointToWorld(list(place[:3]), world)
    for node, middle in zip(slicer.util.getNodesByClass("vtkMRMLSliceNode"), shown, strict=True):
        normal = [node.GetSliceToRAS().GetElement(row, 2) for row in range(3)]
        assert abs(np.dot(normal, np.subtract(world, middle))) < 1e-6


# -- plots of kernels


@pytest.mark.parametrize(("button", "axis"), [("mtfButton", "1/mm"), ("profileButton", "mm")])
def test_kernels_are_plotted_with_their_units(ready, button, axis):
    ready.click(button)
    (chart,) = charts()
    assert axis in chart.GetXAxisTitle()
    names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(chart.GetNumberOfPlotSeriesNodes())]
    assert names == ["10", "100"]
    other = "profileButton" if button == "mtfButton" else "mtfButton"
    ready.click(other)
    assert not getattr(ready.ui, button).checked
    assert len(charts()) == 1
    ready.leave()
    assert charts() == []


def test_a_kernel_that_differs_along_the_axes_has_two_curves():
    from SpatialDeconvLib.panel import curveplots

    field = sd.KernelField.uniform(sd.ParametricKernel("motion", length_mm=6, angle_deg=0))
    plot = curveplots.mtfPlot(field, (1.0, 1.0, 1.0))
    assert [(curve.name, curve.dashed) for curve in plot.curves] == [
        ("everywhere, along i", False),
        ("everywhere, along j", True),
    ]
    frequency, modulation = field.kernels[0].sampled((1.0, 1.0, 1.0)).mtf(-1)
    assert np.array_equal(plot.curves[0].x, frequency)
    assert np.array_equal(plot.curves[0].y, modulation)
