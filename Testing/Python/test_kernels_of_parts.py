"""One kernel for each channel and each frame; weight images in one 4-D file."""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.io import savemat

pytest.importorskip("slicer", reason="slicer-core is not installed")

from test_sequences import MATRIX, array_of, frame_array, make_sequence, volume

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.kernels.parts import field_of_part
from SpatialDeconvLib.kernels.sets import field_from_dict, field_to_dict
from SpatialDeconvLib.kernels.weightfiles import path_of
from SpatialDeconvLib.methods import choices
from SpatialDeconvLib.mrml import nodes, previewing, sequences
from SpatialDeconvLib.mrml.scene import ensureScene
from SpatialDeconvLib.panel.kernelrows import fieldFromRows, rowsFromContent

NARROW, WIDE = (sd.ParametricKernel("gaussian", sigma_mm=s) for s in (1.5, 3.0))
CHANNELS = sd.KernelField.by_channel({1: NARROW, 2: WIDE})
FRAMES = sd.KernelField.by_frame({0: NARROW, 1: WIDE, "1.5": NARROW})


@pytest.fixture(autouse=True)
def empty_scene():
    ensureScene().Clear(1)
    yield
    ensureScene().Clear(1)


def two_channels():
    node = volume(np.stack([frame_array(0), frame_array(1)], axis=-1))
    ensureScene().AddNode(node)
    return node


def of_one(number, kernel):
    node = volume(frame_array(number))
    ensureScene().AddNode(node)
    return nodes.volumeArray(nodes.convolveVolume(node, kernel)[0])


def test_each_channel_is_filtered_with_its_own_kernel():
    node, _result = nodes.convolveVolume(two_channels(), CHANNELS)
    found = nodes.volumeArray(node)
    assert np.array_equal(found[..., 0], of_one(0, NARROW))
    assert np.array_equal(found[..., 1], of_one(1, WIDE))
    recipe = json.loads(node.GetAttribute(nodes.RECIPE_ATTRIBUTE))
    assert [entry["at"] for entry in recipe["kernel_set"]["kernels"]] == [1, 2]


def test_the_preview_of_a_channel_uses_its_own_kernel():
    node = two_channels()
    whole = nodes.volumeArray(nodes.convolveVolume(node, CHANNELS)[0])
    middle = (MATRIX @ (10, 12, 3, 1))[:3]
    block = previewing.blockAround(node, middle, 8)
    _, result = previewing.previewVolume(node, CHANNELS, middle, 8, operation="convolve")
    assert np.allclose(result.image, whole[block], atol=1e-3)


def test_each_frame_is_filtered_with_its_own_kernel_by_number_or_index_value():
    node, _ = sequences.convolveSequence(make_sequence(), FRAMES)
    for item, kernel in enumerate((NARROW, WIDE, NARROW)):
        assert np.array_equal(array_of(node, item), of_one(item, kernel))


def test_a_kernel_set_has_the_keys_and_keeps_them(tmp_path):
    for field in (CHANNELS, FRAMES):
        sd.write_kernel_set(tmp_path / "set.json", field)
        again = sd.read_kernel_set(tmp_path / "set.json")
        assert (again.key, again.at) == (field.key, field.at)
        assert field_to_dict(again) == field_to_dict(field)


def test_the_command_takes_them(tmp_path):
    colours = np.stack([frame_array(0), frame_array(1)], axis=-1)
    sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(tmp_path / "in.nrrd"))
    sd.write_kernel_set(tmp_path / "set.json", CHANNELS)
    arguments = ["convolve", "in.nrrd", "out.nrrd", "--kernels", "set.json", "--report", "report"]
    arguments = [str(tmp_path / a) if "." in a or a == "report" else a for a in arguments]
    assert cli.main([*arguments, "--quiet"]) == 0
    found = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out.nrrd")))
    for channel, kernel in enumerate((NARROW, WIDE)):
        own = sd.convolve(colours[..., channel], kernel).image
        assert np.allclose(found[..., channel], own, atol=1e-4)
    assert (tmp_path / "report" / "report.html").exists()


# ------------------------------------------------------------------------------------------- refused elsewhere


def test_a_field_of_parts_is_refused_where_there_are_none():
    node = volume(frame_array(0))
    ensureScene().AddNode(node)
    with pytest.raises(sd.InputError, match="keyed by channel, which is for a volume of several values"):
        nodes.convolveVolume(node, CHANNELS)
    with pytest.raises(sd.InputError, match="keyed by frame, which is for a sequence"):
        nodes.convolveVolume(node, FRAMES)
    with pytest.raises(sd.InputError, match="keyed by frame, which is for a sequence"):
        nodes.convolveVolume(two_channels(), FRAMES)
    for field in (CHANNELS, FRAMES):
        with pytest.raises(sd.InputError, match=f"keyed by {field.key}.*give one of them"):
            sd.convolve(frame_array(0), field)


def test_missing_and_superfluous_parts_are_named():
    with pytest.raises(sd.InputError, match=r"channel 2 has no kernel \(those with one: 1\)"):
        nodes.convolveVolume(two_channels(), sd.KernelField.by_channel({1: NARROW}))
    with pytest.raises(sd.InputError, match="channel 3, but the data have 2"):
        nodes.convolveVolume(two_channels(), sd.KernelField.by_channel({1: NARROW, 2: WIDE, 3: WIDE}))
    done, field = [], sd.KernelField.by_frame({0: NARROW, 1: WIDE})
    with pytest.raises(sd.InputError, match=r"frame 2 .*frame 2 has no kernel"):
        sequences.convolveSequence(make_sequence(), field, finished=lambda *frame: done.append(frame))
    assert done == []  # it is said before any work


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: sd.KernelField.by_channel({0: NARROW}), "channel 0 must be a whole number from 1"),
        (lambda: sd.KernelField.by_channel({1.5: NARROW}), "channel 1.5"),
        (lambda: sd.KernelField.by_channel({" ": NARROW}), "channel ' '"),
        (lambda: sd.KernelField.by_frame({-1: NARROW}), "frame -1 must be a whole number from 0"),
        (lambda: sd.KernelField.by_frame([(0, NARROW), (0, WIDE)]), "frame 0 is given twice"),
        (lambda: sd.KernelField.by_frame({}), "empty"),
    ],
)
def test_impossible_parts_are_refused(make, says):
    with pytest.raises(sd.InputError, match=says):
        make()


def test_a_field_that_is_keyed_otherwise_holds_for_every_part():
    field = sd.KernelField.uniform(NARROW)
    assert field_of_part(field, "channel", 7) is field


def test_the_panels_table_has_these_keys():
    assert set(choices.PART_KEYS) < set(choices.KEYS)
    for field in (CHANNELS, FRAMES):
        key, rows, _options = rowsFromContent(field_to_dict(field), ".")
        assert (key, fieldFromRows(key, rows).at) == (field.key, field.at)


# --------------------------------------------------------------------------------------- weights in one 4-D file


def fractions():
    rng = np.random.default_rng(0)
    first = rng.random((4, 10, 12)).astype(np.float32)
    return np.stack([first, 1 - first])


def weighted(at):
    kernels = [{"at": a, "type": "gaussian", "sigma_mm": s} for a, s in zip(at, (1.0, 2.0), strict=True)]
    return {"schema": "spatialdeconv-kernels/1", "key": "weights", "kernels": kernels}


@pytest.mark.parametrize(
    "name", ["w.nrrd", "w.nii.gz", "w.npy", "w.npz", "w.mat", "w.mat:tissue", "vector.nrrd", "vector.mha"]
)
def test_weights_come_from_one_file_of_an_axis_more(name, tmp_path):
    values = fractions()
    if name == "w.npy":
        np.save(tmp_path / name, values)
    elif name == "w.npz":
        np.savez(tmp_path / name, tissue=values)
    elif name.startswith("w.mat"):  # (j, i, k, n)
        savemat(tmp_path / "w.mat", {"tissue": np.transpose(values, (2, 3, 1, 0))})
    elif name.startswith("vector"):
        image = sitk.GetImageFromArray(np.moveaxis(values, 0, -1).copy(), isVector=True)
        sitk.WriteImage(image, str(tmp_path / name))
    else:
        series = sitk.JoinSeries([sitk.GetImageFromArray(v) for v in values])
        sitk.WriteImage(series, str(tmp_path / name))
    field = field_from_dict(weighted([[name, 0], [name, 1]]), tmp_path)
    for found, true in zip(field.weight_arrays, values, strict=True):
        assert np.array_equal(found, true)
    assert field.at == ((str(tmp_path / name), 0), (str(tmp_path / name), 1))
    assert Path(path_of(field.at[0])).is_file()
    again = field_from_dict(json.loads(json.dumps(field_to_dict(field))))
    assert np.array_equal(again.weight_arrays[1], values[1])
    sd.write_kernel_set(tmp_path / "set.json", field)
    assert np.array_equal(sd.read_kernel_set(tmp_path / "set.json").weight_arrays[1], values[1])


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ([["w.npy", 0], ["w.npy", 2]], "holds 2 images, counted from 0; there is no 2"),
        (["w.npy", "w.npy"], "holds 2 images; say which one"),
        ([["w.npy", -1], ["w.npy", 1]], "number of the image in it"),
        ([["w.npy"], ["w.npy", 1]], "number of the image in it"),
        ([["no.npy", 0], ["no.npy", 1]], "does not exist"),
    ],
)
def test_wrong_places_in_a_weight_file_are_refused(at, says, tmp_path):
    np.save(tmp_path / "w.npy", fractions())
    with pytest.raises(sd.InputError, match=says):
        field_from_dict(weighted(at), tmp_path)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1.5, True])
@pytest.mark.parametrize("make", [sd.KernelField.by_channel, sd.KernelField.by_frame])
def test_a_part_is_a_whole_number(make, number):
    with pytest.raises(sd.InputError, match="must be a whole number"):
        make({number: sd.gaussian_kernel(1.0)})
    assert make({np.int64(1): sd.gaussian_kernel(1.0)}).at == (1,)


def test_a_damaged_header_of_weights_is_refused(tmp_path):
    np.save(tmp_path / "w.npy", np.ones((2, 4, 4)))
    content = (tmp_path / "w.npy").read_bytes()
    (tmp_path / "w.npy").write_bytes(content.replace(b"}", b"(", 1))  # which numpy's own parser trips over
    with pytest.raises(sd.InputError, match=r"weight image .*w\.npy is no readable \.npy array"):
        field_from_dict(weighted([["w.npy", 0], ["w.npy", 1]]), tmp_path)
