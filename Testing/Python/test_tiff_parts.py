"""TIFF files read and written in parts: the values of the ordinary reader, whatever strips and tiles they have."""

import pickle
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from tiffs import tiff_bytes

from SpatialDeconvLib import InputError
from SpatialDeconvLib.formats.images import read_image
from SpatialDeconvLib.formats.parts import Geometry, create_parts, open_parts
from SpatialDeconvLib.formats.parts.flat import FlatFile

tifffile = pytest.importorskip("tifffile", reason="parts of TIFF need tifffile")

SHAPE = (5, 37, 50)
BOX = (slice(1, 4), slice(10, 35), slice(17, 50))


def voxels(dtype="u2", shape=SHAPE):
    values = np.random.default_rng(0).normal(60, 30, shape)
    return values > 60 if dtype is bool else values.astype(dtype)


def same_as_ordinary(path):
    volume = pickle.loads(pickle.dumps(open_parts(path)))
    expected = sitk.GetArrayFromImage(read_image(path))
    expected = expected.reshape((*volume.shape, volume.channels) if volume.channels > 1 else volume.shape)
    box = BOX if volume.shape[0] > 1 else (slice(0, 1), *BOX[1:])
    got = volume.read()
    assert got.dtype == expected.dtype == volume.dtype
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(volume.read(box), expected[box])
    assert volume.is_parts
    return volume


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "u8", bool])
@pytest.mark.parametrize(
    "kind", [{}, {"order": ">"}, {"big": True}, {"tile": 16}, {"tile": 16, "order": ">"}], ids=str
)
def test_every_type_in_strips_and_tiles(tmp_path, dtype, kind):
    values = voxels(dtype)
    (tmp_path / "v.tif").write_bytes(tiff_bytes(list(values), **kind))
    np.testing.assert_array_equal(same_as_ordinary(tmp_path / "v.tif").read(BOX), values[BOX])


@pytest.mark.parametrize("samples", [2, 3, 5])
@pytest.mark.parametrize("kind", [{}, {"planar": True}, {"tile": 16}, {"tile": 16, "planar": True}], ids=str)
def test_several_values_of_a_pixel_are_channels(tmp_path, samples, kind):
    values = voxels("u2", (*SHAPE, samples))
    (tmp_path / "v.tif").write_bytes(tiff_bytes(list(values), **kind))
    volume = same_as_ordinary(tmp_path / "v.tif")
    assert volume.channels == samples
    np.testing.assert_array_equal(volume.read(BOX, channel=1), values[(*BOX, 1)])


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"bigtiff": True},
        {"rowsperstrip": 7},
        {"compression": "zlib"},
        {"compression": "zlib", "rowsperstrip": 7, "predictor": True},
        {"tile": (16, 32), "compression": "zlib"},
        {"byteorder": ">", "imagej": True},
        {"ome": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [SHAPE, SHAPE[1:]], ids=str)
def test_files_of_tifffile(tmp_path, kind, shape):
    values = voxels(shape=shape)
    if {"imagej", "ome"} & set(kind) and len(shape) == 3:
        kind = {**kind, "metadata": {"axes": "ZYX"}}
    tifffile.imwrite(tmp_path / "v.tif", values, photometric="minisblack", **kind)
    np.testing.assert_array_equal(same_as_ordinary(tmp_path / "v.tif").read(), values.reshape((-1, *SHAPE[1:])))


def test_what_lies_together_is_read_plainly_and_only_what_is_asked(tmp_path):
    values = voxels()
    tifffile.imwrite(tmp_path / "v.tif", values, photometric="minisblack")
    assert isinstance(open_parts(tmp_path / "v.tif").source, FlatFile)
    tifffile.imwrite(tmp_path / "t.tif", values, tile=(16, 16), compression="zlib", photometric="minisblack")
    volume = open_parts(tmp_path / "t.tif")
    assert volume.chunks == (1, 16, 16)
    with tifffile.TiffFile(tmp_path / "t.tif") as file:
        page = file.pages[2]
        last, length = page.dataoffsets[-1], page.databytecounts[-1]
    content = bytearray((tmp_path / "t.tif").read_bytes())
    content[last : last + length] = bytes(length)
    (tmp_path / "t.tif").write_bytes(content)
    np.testing.assert_array_equal(volume.read((slice(2, 3), slice(0, 32), slice(0, 48))), values[2:3, :32, :48])
    with pytest.raises(InputError, match=r"t\.tif is damaged"):
        volume.read((slice(2, 3), slice(30, 37), slice(40, 50)))


def test_slices_behind_one_page_of_imagej(tmp_path):
    values = voxels()
    with tifffile.TiffWriter(tmp_path / "v.tif", imagej=True) as file:
        file.write(values, metadata={"axes": "ZYX", "unit": "um", "spacing": 1500.0}, resolution=(0.002, 0.002))
    volume = open_parts(tmp_path / "v.tif")
    assert volume.spacing == pytest.approx((1.5, 0.5, 0.5))
    np.testing.assert_array_equal(volume.read(BOX), values[BOX])


ORDERS = ("TZCYX", "TCZYX", "CZTYX", "ZTCYX", "ZYX", "CYX", "TYX")


def hyperstack(axes):
    """Values (t, z, c, y, x), and the same with other axes, those of length 1 left out."""
    counts = {"T": 2, "Z": 5, "C": 3}
    shape = [counts[letter] if letter in axes else 1 for letter in "TZC"]
    values = voxels("u2", (*shape, *SHAPE[1:]))
    turned = values.transpose(["TZCYX".index(letter) for letter in (*set("TZCYX") - set(axes), *axes)])
    return values, turned.reshape(turned.shape[5 - len(axes) :])


@pytest.mark.parametrize("axes", ORDERS)
@pytest.mark.parametrize("kind", [{}, {"compression": "zlib"}, {"tile": (16, 32), "bigtiff": True}], ids=str)
def test_time_points_and_channels_of_ome_tiff(tmp_path, axes, kind):
    values, stored = hyperstack(axes)
    said = {"axes": axes, "PhysicalSizeX": 500.0, "PhysicalSizeY": 600.0, "PhysicalSizeZ": 1500.0}
    tifffile.imwrite(tmp_path / "v.tif", stored, ome=True, metadata=said, photometric="minisblack", **kind)
    volume = same_frames(tmp_path / "v.tif", values)
    assert volume.spacing[1:] == pytest.approx((0.6, 0.5))
    assert isinstance(volume.source, FlatFile) == (not kind)


@pytest.mark.parametrize("axes", ["TZCYX", "ZYX", "CYX", "TYX", "ZCYX"])
def test_time_points_and_channels_of_imagej(tmp_path, axes):
    values, stored = hyperstack(axes)
    tifffile.imwrite(tmp_path / "v.tif", stored, imagej=True, metadata={"axes": axes})
    same_frames(tmp_path / "v.tif", values)


def same_frames(path, values):
    """Hold parts, and the ordinary reader, to values (t, z, c, y, x)."""
    volume = pickle.loads(pickle.dumps(open_parts(path)))
    frames, slices, channels = values.shape[:3]
    assert (volume.frames, volume.shape, volume.channels) == (frames, (slices, *SHAPE[1:]), channels)
    box = (slice(0, 1), *BOX[1:])
    rows = (slice(None), slice(None), *box[1:])
    for frame in range(frames):
        whole = np.moveaxis(values[frame], 1, -1)
        np.testing.assert_array_equal(volume.read(frame=frame), whole if channels > 1 else whole[..., 0])
        np.testing.assert_array_equal(volume.read(box, channels - 1, frame), values[frame][rows][0:1, channels - 1])
    image = read_image(path)
    expected = np.moveaxis(values, 2, -1)
    assert image.GetNumberOfComponentsPerPixel() == channels
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).reshape(expected.shape), expected)
    return volume


def test_channels_become_values_of_a_voxel_and_time_points_a_sequence(tmp_path):
    from SpatialDeconvLib.mrml import files, sequencefiles
    from SpatialDeconvLib.mrml.scene import volumeArray

    values, stored = hyperstack("TZCYX")
    tifffile.imwrite(tmp_path / "t.ome.tif", stored, ome=True, metadata={"axes": "TZCYX"}, photometric="minisblack")
    assert sequencefiles.isSequence(tmp_path / "t.ome.tif")
    sequence = sequencefiles.readSequence(tmp_path / "t.ome.tif")
    np.testing.assert_array_equal(volumeArray(sequence.GetNthDataNode(1)), np.moveaxis(values[1], 1, -1))
    with pytest.raises(InputError, match="holds 2 volumes"):
        files.readVolume(tmp_path / "t.ome.tif")
    values, stored = hyperstack("ZCYX")
    tifffile.imwrite(tmp_path / "c.tif", stored, imagej=True, metadata={"axes": "ZCYX"})
    assert files.checkReadable(tmp_path / "c.tif") == (50, 37, 5)
    np.testing.assert_array_equal(volumeArray(files.readVolume(tmp_path / "c.tif")), np.moveaxis(values[0], 1, -1))


def test_white_at_zero_is_read_the_ordinary_way(tmp_path):
    values = voxels("u1")
    (tmp_path / "v.tif").write_bytes(tiff_bytes(list(values), tags={262: 0}))
    volume = open_parts(tmp_path / "v.tif")
    assert "white is zero" in volume.told[0]
    np.testing.assert_array_equal(volume.read(), sitk.GetArrayFromImage(read_image(tmp_path / "v.tif")))


def test_thumbnails_are_no_slices(tmp_path):
    values = voxels()
    with tifffile.TiffWriter(tmp_path / "v.tif") as file:
        for plane in values:
            file.write(plane, photometric="minisblack", compression="zlib")
            file.write(plane[:8, :8], photometric="minisblack", subfiletype=1)
    np.testing.assert_array_equal(open_parts(tmp_path / "v.tif").read(BOX), values[BOX])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_what_is_written_in_parts_is_ome_tiff(tmp_path, dtype):
    values = voxels(dtype)
    writer = create_parts(tmp_path / "w.tif", SHAPE, dtype, Geometry((1.5, 0.6, 0.5)))
    writer.write((slice(0, 2), slice(0, 37), slice(0, 50)), values[:2])
    writer.let_go()
    writer = create_parts(tmp_path / "w.tif", SHAPE, dtype, Geometry((1.5, 0.6, 0.5)))
    writer.write((slice(2, 5), slice(0, 37), slice(0, 50)), values[2:])
    assert not (tmp_path / "w.tif").exists()
    volume = same_as_ordinary(writer.finish())
    assert volume.spacing == (1.5, 0.6, 0.5)
    np.testing.assert_array_equal(volume.read(), values)
    with tifffile.TiffFile(tmp_path / "w.tif") as file:
        assert file.is_bigtiff
        assert file.is_ome
        np.testing.assert_array_equal(file.asarray(), values)


def test_what_ome_tiff_cannot_hold_is_told_or_refused(tmp_path):
    writer = create_parts(tmp_path / "w.tif", SHAPE, "uint8", Geometry(origin=(5.0, 0.0, 0.0)))
    assert writer.told == ("w.tif does not hold the position of the volume; write .nrrd to keep all",)
    writer.discard()
    with pytest.raises(InputError, match="holds no int64"):
        create_parts(tmp_path / "w.tif", SHAPE, "int64")
    assert not list(tmp_path.iterdir())


def test_without_tifffile_a_file_is_read_whole_and_the_extra_named(tmp_path, monkeypatch):
    (tmp_path / "v.tif").write_bytes(tiff_bytes(list(voxels())))
    monkeypatch.setitem(sys.modules, "tifffile", None)
    volume = open_parts(tmp_path / "v.tif")
    assert not volume.is_parts
    assert "spatialdeconv[large]" in volume.told[0]
    with pytest.raises(InputError, match=r"spatialdeconv\[large\]"):
        create_parts(tmp_path / "w.tif", SHAPE, "uint8")
