"""Kernels of channels and frames in the panel's table, as its users do."""

import numpy as np
import pytest
import slicer
from test_panel_frames import add_sequence

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.watch import Watch
from SpatialDeconvLib.mrml.channelnames import channelNames, setChannelNames

SIGMAS = ("0.8", "1.5")


@pytest.fixture
def colours(user):
    """The panel with a volume of two channels."""
    array = np.random.default_rng(1).uniform(0, 100, (4, 16, 16, 2)).astype(np.float32)
    volume = user.add_volume(array, "colours", kind="vtkMRMLVectorVolumeNode")
    user.choose("inputVolumeSelector", volume)
    user.choose_text("kernelKeyComboBox", "Channel")
    return user


def fill(user):
    """A row for every part, each with a Gaussian of its own."""
    user.click("levelsButton")
    for number, sigma in enumerate(SIGMAS):
        user.edit_cell(number, 2, sigma)


def test_channels_with_names_have_rows_by_name(colours):
    setChannelNames(colours.parameters.inputVolume, ["DAPI", "488"])
    fill(colours)
    assert [row[0] for row in colours.table()] == ["DAPI", '"488"']
    run(colours)
    node = slicer.util.getNode("colours convolved*")
    assert channelNames(node) == ("DAPI", "488")
    found = slicer.util.arrayFromVolume(node)
    image = slicer.util.arrayFromVolume(colours.parameters.inputVolume)
    expected = sd.convolve(np.ascontiguousarray(image[..., 1]), kernel(1), spacing=1.0).image
    np.testing.assert_allclose(found[..., 1], expected, rtol=1e-5)


def test_a_channel_that_has_a_row_by_its_number_gets_none_by_its_name(colours):
    colours.click("addKernelButton")
    setChannelNames(colours.parameters.inputVolume, ["DAPI", "GFP"])
    colours.click("levelsButton")
    assert [row[0] for row in colours.table()] == ["1", "GFP"]


def run(user, answer=None):
    def reply(box):
        (button,) = [b for b in box.buttons() if b.text.replace("&", "").startswith(answer)]
        button.click()
        return box.result()

    user.choose_text("goalComboBox", "Convolve")
    if answer:
        user.window.answers.append(reply)
    user.click("applyButton")
    assert [text for text in user.window.shown if isinstance(text, str)] == []


def kernel(number):
    return sd.ParametricKernel("gaussian", sigma_mm=float(SIGMAS[number]))


def test_every_channel_gets_a_row_and_is_filtered_with_its_own_kernel(colours):
    assert colours.ui.levelsButton.text == "A row for every channel"
    fill(colours)
    assert [row[0] for row in colours.table()] == ["1", "2"]
    assert colours.ui.kernelSetSummaryLabel.text == "2 Gaussian kernels, one for each channel."
    run(colours)
    found = slicer.util.arrayFromVolume(slicer.util.getNode("colours convolved*"))
    image = slicer.util.arrayFromVolume(colours.parameters.inputVolume)
    for number in range(2):
        expected = sd.convolve(np.ascontiguousarray(image[..., number]), kernel(number), spacing=1.0).image
        np.testing.assert_allclose(found[..., number], expected, rtol=1e-5)


def test_the_forecast_and_the_contact_sheet_take_the_first_channel_with_its_kernel(colours):
    from SpatialDeconvLib.mrml import foreseeing, sheets
    from SpatialDeconvLib.mrml.selections import Selections
    from SpatialDeconvLib.panel.parameters import fieldOf  # on the stand-ins

    fill(colours)
    volume, field = colours.parameters.inputVolume, fieldOf(colours.parameters)
    settings, block = sd.DeconvolveSettings(noise=1.0), (slice(0, 4), slice(4, 12), slice(4, 12))
    assert foreseeing.foreseeRun(volume, field, settings).seconds > 0
    first = colours.add_volume(np.ascontiguousarray(slicer.util.arrayFromVolume(volume)[..., 0]))
    given = block, Selections(None, None, None, False), Watch()
    found = next(sheets.methodTiles(settings, volume, field, *given))
    expected = next(sheets.methodTiles(settings, first, kernel(0), *given))
    assert found.method == expected.method
    np.testing.assert_array_equal(found.image, expected.image)


@pytest.mark.parametrize(("at", "says"), [("0", "channel '0'"), ("red", "channel 'red'"), ("", "no channel")])
def test_what_is_no_channel_is_told_in_the_row(colours, at, says):
    colours.click("addKernelButton")
    colours.edit_cell(0, 0, at)
    assert says in colours.ui.kernelSetSummaryLabel.text
    assert not colours.ui.applyButton.enabled


def test_a_single_channel_is_told_before_the_run(user):
    user.choose("inputVolumeSelector", user.add_volume())
    user.choose_text("kernelKeyComboBox", "Channel")
    user.click("addKernelButton")
    assert "single channel" in user.ui.applyButton.toolTip
    user.choose_text("kernelKeyComboBox", "Frame")
    assert "no frame of a sequence" in user.ui.applyButton.toolTip


@pytest.mark.parametrize("answer", ["All 3 frames", "This frame only"])
def test_each_frame_is_filtered_with_its_own_kernel(user, answer):
    proxy, sequence = add_sequence(user)
    user.choose("inputVolumeSelector", proxy)
    user.choose_text("kernelKeyComboBox", "Frame")
    fill(user)
    assert [row[0] for row in user.table()] == ["0", "1", "2"]
    slicer.util.getNode("browser").SetSelectedItemNumber(1)
    run(user, answer)
    expected = [
        sd.convolve(slicer.util.arrayFromVolume(sequence.GetNthDataNode(n)), kernel(n)).image for n in (0, 1)
    ]
    if answer == "This frame only":
        (output,) = (
            v for v in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if "convolved" in v.GetName()
        )
        np.testing.assert_allclose(slicer.util.arrayFromVolume(output), expected[1], rtol=1e-5)
        return
    (output,) = (s for s in slicer.util.getNodesByClass("vtkMRMLSequenceNode") if s is not sequence)
    for number in (0, 1):
        found = slicer.util.arrayFromVolume(output.GetNthDataNode(number))
        np.testing.assert_allclose(found, expected[number], rtol=1e-5)


def test_a_kernel_set_of_channels_or_frames_is_loaded_and_saved_as_it_is(user, tmp_path):
    fields = (
        sd.KernelField.by_channel({1: kernel(0), 2: kernel(1)}),
        sd.KernelField.by_frame({0: kernel(0), "7": kernel(1), "rest": kernel(1)}),
    )
    for field in fields:
        sd.write_kernel_set(tmp_path / "set.json", field)
        user.load_kernels(tmp_path / "set.json")
        user.panel.table.save(str(tmp_path / "again.json"))
        again = sd.read_kernel_set(tmp_path / "again.json")
        assert (again.key, again.at) == (field.key, field.at)
    assert [row[0] for row in user.table()] == ["0", '"7"', "rest"]


def test_numbers_in_the_names_of_files_are_channels(colours, tmp_path):
    for number in (2, 1):
        np.save(tmp_path / f"psf_{number}.npy", np.full((3, 3, 3), 1 / 27))
    colours.panel.table.addFiles([str(tmp_path / f"psf_{number}.npy") for number in (2, 1)])
    assert [(row[0], row[2].split(":")[0]) for row in colours.table()] == [("1", "psf_1.npy"), ("2", "psf_2.npy")]


def test_the_plot_of_weights_says_that_there_are_none(colours):
    fill(colours)
    colours.ui.kernelsCollapsibleButton.collapsed = False
    colours.ui.weightsGroupBox.collapsed = False
    colours.window.processEvents()
    colours.panel.weights.onTimeout()
    assert "everywhere in a channel" in colours.ui.weightsStatusLabel.text
