"""Images of two axes: what is read as one is written as one, where it lay; volumes of one slice stay volumes."""

import numpy as np
import pytest
import SimpleITK as sitk

import SpatialDeconvLib as sd
from SpatialDeconvLib.command.cli import main
from SpatialDeconvLib.mrml import files

VALUES = (50 + 10 * np.add.outer(np.arange(12.0), np.arange(9.0) ** 0.5)).astype(np.uint8)
WITH_PLACES = ["a.nrrd", "a.nhdr", "a.nii", "a.nii.gz", "a.mha", "a.mhd"]
OUTPUTS = [*WITH_PLACES, "o.png", "o.tif", "o.jpg"]
TURNED = (0.0, 1.0, -1.0, 0.0)


def picture(path, axes=2, spacing=(0.25, 0.5, 1.0), turned=False):
    image = sitk.GetImageFromArray(VALUES if axes == 2 else VALUES[None])
    if path.suffix not in (".png", ".tif"):
        image.SetSpacing(spacing[:axes])
        image.SetOrigin((3.0, -2.0, 7.0)[:axes])
    if turned:
        image.SetDirection(TURNED)
    sitk.WriteImage(image, str(path))
    return path


def blurred(source, output, *more):
    kernel = source.parent / "k.npy"
    np.save(kernel, np.ones((3, 3)))
    kernels = ["--kernels", str(kernel), "--normalize", "--quiet"]
    assert main(["convolve", str(source), str(output), *kernels, *more]) == 0
    return sitk.ReadImage(str(output))


@pytest.mark.parametrize("name", [*WITH_PLACES, "a.png", "a.tif"])
def test_an_image_of_two_axes_comes_back_as_one(tmp_path, name):
    source = picture(tmp_path / name)
    (tmp_path / "out").mkdir()
    result = blurred(source, tmp_path / "out" / name.replace("a.png", "a.nrrd"))
    assert result.GetDimension() == 2
    assert result.GetSize() == (9, 12)
    if name in WITH_PLACES:
        assert result.GetSpacing() == (0.25, 0.5)
        assert result.GetOrigin() == (3.0, -2.0)


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_format_holds_an_image_of_two_axes(tmp_path, capsys, output):
    result = blurred(picture(tmp_path / "p.png"), tmp_path / output)
    assert result.GetDimension() == 2
    assert "position" not in capsys.readouterr().err


@pytest.mark.parametrize("name", WITH_PLACES)
def test_a_volume_of_one_slice_stays_a_volume(tmp_path, name):
    (tmp_path / "out").mkdir()
    result = blurred(picture(tmp_path / name, axes=3), tmp_path / "out" / name)
    assert result.GetSize() == (9, 12, 1)
    assert result.GetOrigin() == (3.0, -2.0, 7.0)


def test_an_array_of_two_axes_comes_back_as_one(tmp_path):
    np.save(tmp_path / "a.npy", VALUES.astype(np.float32))
    np.save(tmp_path / "k.npy", np.ones((3, 3)))
    arguments = ["--kernels", str(tmp_path / "k.npy"), "--normalize", "--quiet"]
    assert main(["convolve", str(tmp_path / "a.npy"), str(tmp_path / "o.npy"), *arguments]) == 0
    assert np.load(tmp_path / "o.npy").shape == VALUES.shape


def test_directions_in_the_plane_are_kept(tmp_path):
    source = picture(tmp_path / "a.nrrd", turned=True)
    assert np.allclose(blurred(source, tmp_path / "o.nrrd").GetDirection(), TURNED)


@pytest.mark.parametrize("size", [("0.25", "0.5"), ("0.5",), ("4", "0.25", "0.5")])
def test_a_voxel_size_that_was_given_is_written(tmp_path, capsys, size):
    result = blurred(picture(tmp_path / "a.png"), tmp_path / "o.nrrd", "--spacing", *size)
    assert result.GetSpacing() == tuple(map(float, reversed(size * 2 if len(size) == 1 else size[-2:])))
    assert capsys.readouterr().err == ""


def test_values_are_those_of_the_same_image_as_a_volume(tmp_path):
    flat = blurred(picture(tmp_path / "a.nrrd"), tmp_path / "o.nrrd")
    deep = blurred(picture(tmp_path / "b.nrrd", axes=3), tmp_path / "p.nrrd")
    assert np.array_equal(sitk.GetArrayFromImage(flat), sitk.GetArrayFromImage(deep)[0])


def test_colours_of_two_axes_come_back_as_such(tmp_path):
    values = np.stack([VALUES, VALUES[::-1], VALUES // 2], axis=-1)
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=True), str(tmp_path / "c.png"))
    result = blurred(tmp_path / "c.png", tmp_path / "o.nrrd")
    assert (result.GetDimension(), result.GetNumberOfComponentsPerPixel()) == (2, 3)


def test_the_residual_map_has_two_axes_too(tmp_path):
    source = picture(tmp_path / "a.nrrd")
    sd.write_kernel(sd.gaussian_kernel(0.5, spacing=(0.5, 0.25), ndim=2), tmp_path / "g.nrrd")
    main([
        "deconvolve", str(source), str(tmp_path / "o.nrrd"), "--kernels", str(tmp_path / "g.nrrd"), "--quiet",
        "--method", "wiener", "--residual-map", str(tmp_path / "r.nrrd"),
    ])  # fmt: skip
    assert sitk.ReadImage(str(tmp_path / "r.nrrd")).GetDimension() == 2


def test_a_slice_that_was_moved_out_of_its_plane_is_written_as_a_volume(tmp_path):
    node = files.readVolume(picture(tmp_path / "a.nrrd"))
    node.SetOrigin(0, 0, 12)
    assert files.writeVolume(node, tmp_path / "o.nrrd") == []
    assert sitk.ReadImage(str(tmp_path / "o.nrrd")).GetOrigin()[2] == 12
