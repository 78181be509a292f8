"""Weight images that are volumes of the scene, and tables of densities, in the panel's table as its users do."""

import numpy as np
import pytest
import slicer
from test_panel_frames import add_sequence

import SpatialDeconvLib as sd

SHAPE = (4, 12, 16)


def fractions():
    """Three weight images that sum to 1 and change from place to place, float32."""
    raw = np.random.default_rng(4).uniform(0.1, 1, (3, *SHAPE)).astype(np.float32)
    return raw / raw.sum(axis=0)


@pytest.fixture
def keyed(user):
    """The panel with a volume, keyed to weight images."""
    user.choose("inputVolumeSelector", user.add_volume(np.random.default_rng(0).uniform(0, 9, SHAPE), "image"))
    user.choose_text("kernelKeyComboBox", "Weight images")
    return user


def give_sigmas(user):
    for number in range(3):
        user.edit_cell(number, 2, str(0.6 + 0.5 * number))


def blurred_as_in_library(user):
    """Convolve in the panel; compare with the library's numbers on the arrays."""
    user.choose_text("goalComboBox", "Convolve")
    user.click("applyButton")
    assert [text for text in user.window.shown if isinstance(text, str)] == []
    kernels = [sd.ParametricKernel("gaussian", sigma_mm=0.6 + 0.5 * number) for number in range(3)]
    image = slicer.util.arrayFromVolume(user.parameters.inputVolume)
    expected = sd.convolve(image, sd.KernelField.by_weights(list(fractions()), kernels), spacing=1.0).image
    found = slicer.util.arrayFromVolume(slicer.util.getNode("image convolved*"))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_three_volumes_are_the_weights_of_three_rows(keyed):
    for number, weights in enumerate(fractions()):
        keyed.click("addKernelButton")
        keyed.select_rows(number)
        keyed.choose("kernelWeightsSelector", keyed.add_volume(weights, f"tissue{number}"))
    give_sigmas(keyed)
    assert [row[0] for row in keyed.table()] == ["tissue0", "tissue1", "tissue2"]
    blurred_as_in_library(keyed)


def test_a_volume_of_several_images_makes_a_row_for_each(keyed):
    keyed.click("addKernelButton")
    channels = np.moveaxis(fractions(), 0, -1)
    keyed.choose("kernelWeightsSelector", keyed.add_volume(channels, "tissues", kind="vtkMRMLVectorVolumeNode"))
    give_sigmas(keyed)
    assert [row[0] for row in keyed.table()] == ["tissues [0]", "tissues [1]", "tissues [2]"]
    blurred_as_in_library(keyed)


def test_a_sequence_of_images_makes_a_row_for_each(keyed):
    proxy, sequence = add_sequence(keyed)
    for number, weights in enumerate(fractions()):
        slicer.util.updateVolumeFromArray(sequence.GetNthDataNode(number), weights)
    keyed.click("addKernelButton")
    keyed.choose("kernelWeightsSelector", proxy)
    give_sigmas(keyed)
    blurred_as_in_library(keyed)


def test_a_kernel_set_with_weights_in_one_file_is_loaded_and_saved(keyed, tmp_path):
    np.save(tmp_path / "tissues.npy", fractions())
    entries = [{"at": ["tissues.npy", n], "type": "gaussian", "sigma_mm": 0.6 + 0.5 * n} for n in range(3)]
    text = f'{{"schema": "spatialdeconv-kernels/1", "key": "weights", "kernels": {entries}}}'.replace("'", '"')
    (tmp_path / "set.json").write_text(text)
    keyed.load_kernels(tmp_path / "set.json")
    assert [row[0] for row in keyed.table()] == [f"{tmp_path / 'tissues.npy'} [{n}]" for n in range(3)]
    keyed.panel.table.save(str(tmp_path / "again.json"))
    again = sd.read_kernel_set(tmp_path / "again.json")
    np.testing.assert_allclose(again.weight_arrays, fractions(), rtol=1e-6)
    blurred_as_in_library(keyed)


def test_weights_of_another_geometry_are_refused_until_they_may_be_resampled(keyed):
    for number in range(2):
        keyed.click("addKernelButton")
        keyed.select_rows(number)
        wide = keyed.add_volume(np.full((2, 6, 8), 0.5, np.float32), f"half{number}", spacing=(2.0, 2.0, 2.0))
        keyed.choose("kernelWeightsSelector", wide)
    keyed.choose_text("goalComboBox", "Convolve")
    keyed.click("applyButton")
    assert "another geometry" in keyed.window.shown[-1]
    assert "half0" in keyed.window.shown[-1]
    keyed.parameters.resample = True
    keyed.window.shown.clear()
    keyed.click("applyButton")
    assert keyed.window.shown == []


def test_typing_into_the_cell_changes_the_number_or_names_a_file(keyed):
    from SpatialDeconvLib.panel.parameters import rowsOf  # on the stand-ins

    keyed.click("addKernelButton")
    channels = np.moveaxis(fractions(), 0, -1)
    keyed.choose("kernelWeightsSelector", keyed.add_volume(channels, "tissues", kind="vtkMRMLVectorVolumeNode"))
    keyed.edit_cell(0, 0, "tissues [2]")
    assert keyed.cell(0, 0) == "tissues [2]"
    assert "both for tissues [2]" in keyed.ui.kernelSetSummaryLabel.text
    keyed.edit_cell(0, 0, "other.nrrd [1]")
    row = rowsOf(keyed.parameters)[0]
    assert (row.place("weights"), row.weights) == (("other.nrrd", 1), None)


def test_weights_go_with_their_volume_and_come_back_with_the_scene(keyed):
    from SpatialDeconvLib.panel.parameters import openParameterNode, rowsOf  # on the stand-ins

    keyed.click("addKernelButton")
    weights = keyed.add_volume(fractions()[0], "tissue")
    keyed.choose("kernelWeightsSelector", weights)
    (row,) = rowsOf(openParameterNode(keyed.parameters.parameterNode))
    assert row.weights is weights
    slicer.mrmlScene.RemoveNode(weights)
    (row,) = rowsOf(keyed.parameters)
    assert row.weights is None
    assert "no weight image" in keyed.ui.kernelSetSummaryLabel.text


def test_a_prepared_kernel_keeps_its_weights(keyed):
    from SpatialDeconvLib.panel.parameters import rowsOf  # on the stand-ins

    spot = 100 + 5000 * np.exp(-sum(np.square(g - 5) for g in np.indices((11, 11, 11))) / 3)
    weights = keyed.add_volume(np.ones(SHAPE, np.float32), "all")
    keyed.click("addKernelButton")
    keyed.select_rows(0)
    keyed.choose_text("kernelKindComboBox", "Volume")
    keyed.choose("kernelVolumeSelector", keyed.add_volume(spot, "spot"))
    keyed.choose("kernelWeightsSelector", weights)
    keyed.select_rows(0)
    (action,) = keyed.ui.kernelTable.actions()
    action.trigger()
    (row,) = rowsOf(keyed.parameters)
    assert (row.volume.GetName(), row.weights) == ("spot prepared", weights)


def test_the_field_of_weights_is_there_for_their_key_only(keyed):
    keyed.click("addKernelButton")
    assert keyed.visible("kernelWeightsSelector")
    keyed.choose_text("kernelKeyComboBox", "Intensity")
    assert not keyed.visible("kernelWeightsSelector")


# -- tables of densities


def test_a_radial_table_is_read_from_a_file_by_mouse(user, tmp_path):
    from SpatialDeconvLib.panel.parameters import rowsOf  # on the stand-ins

    (tmp_path / "psf.txt").write_text("r density\n0 1\n1 0.5\n2 0\n")
    user.choose("inputVolumeSelector", user.add_volume())
    user.click("addKernelButton")
    assert not user.visible("kernelTableButton")
    user.choose_text("kernelKindComboBox", "Radial table")
    user.window.answers.append(str(tmp_path / "psf.txt"))
    user.click("kernelTableButton")
    (row,) = rowsOf(user.parameters)
    expected = sd.ParametricKernel("radial", r_mm=[0, 1, 2], density=[1, 0.5, 0])
    assert row.kernel().parameters == expected.parameters
    assert user.ui.kernelSizeLineEdit.text == "0, 1, 2"


def test_a_file_that_is_no_table_is_refused_in_words(user, tmp_path):
    (tmp_path / "psf.txt").write_text("0 1 2\n")
    user.click("addKernelButton")
    user.choose_text("kernelKindComboBox", "Radial table")
    before = user.table()
    user.window.answers.append(str(tmp_path / "psf.txt"))
    user.click("kernelTableButton")
    assert "psf.txt" in user.window.shown[-1]
    assert user.table() == before
