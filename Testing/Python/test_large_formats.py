"""Volumes read and written in parts: the values of the ordinary way, boxes, and what is unfinished."""

import math
import pickle
import shutil
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from SpatialDeconvLib import InputError
from SpatialDeconvLib.formats.images import read_image
from SpatialDeconvLib.formats.parts import Geometry, create_parts, open_parts

SHAPE = (5, 6, 7)
TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
PLAIN = ("v.nrrd", "v.nhdr", "v.mha", "v.mhd", "v.nii")
BOX = (slice(1, 4), slice(2, 6), slice(0, 3))
NAN = math.nan
OBLIQUE = Geometry(
    (1.5, 0.6, 0.5),
    (10.0, -20.0, 30.0),
    (math.cos(0.3), -math.sin(0.3), 0.0, math.sin(0.3), math.cos(0.3), 0.0, 0.0, 0.0, 1.0),
)


def voxels(dtype="float32", shape=SHAPE, seed=0):
    return (np.random.default_rng(seed).normal(60, 30, shape)).astype(dtype)


def image_of(values, several=False, geometry=OBLIQUE):
    image = sitk.GetImageFromArray(values, isVector=several)
    axes = image.GetDimension()
    if axes == 3:
        image.SetSpacing(geometry.spacing[::-1])
        image.SetOrigin(geometry.origin)
        image.SetDirection(geometry.direction)
    elif axes == 2:
        image.SetSpacing((0.5, 0.6))
    return image


def same_as_ordinary(path):
    """Open a file in another process's way, and hold all that there is to the ordinary reader's."""
    volume = pickle.loads(pickle.dumps(open_parts(path)))
    image = read_image(path)
    expected = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 2:
        expected = expected[np.newaxis]
    got = volume.read()
    assert got.dtype == expected.dtype == volume.dtype
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(volume.read(BOX if volume.shape[0] > 1 else (slice(0, 1), *BOX[1:])),
                                  expected[BOX if volume.shape[0] > 1 else (slice(0, 1), *BOX[1:])])  # fmt: skip
    lengths = (*image.GetSpacing(), 1.0)[:3]
    assert volume.spacing == lengths[::-1]
    assert volume.origin == (*image.GetOrigin(), 0.0)[:3]
    if image.GetDimension() == 3:
        assert volume.direction == image.GetDirection()
    return volume


# -- reading


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("dtype", TYPES)
def test_values_types_and_geometry_are_those_of_the_ordinary_way(tmp_path, name, dtype):
    sitk.WriteImage(image_of(voxels(dtype)), str(tmp_path / name))
    volume = same_as_ordinary(tmp_path / name)
    assert volume.is_parts
    assert volume.axes == ("z", "y", "x")
    assert volume.told == ()


@pytest.mark.parametrize("name", PLAIN)
def test_a_flat_image_is_one_slice(tmp_path, name):
    sitk.WriteImage(image_of(voxels(shape=SHAPE[1:])), str(tmp_path / name))
    assert same_as_ordinary(tmp_path / name).shape == (1, *SHAPE[1:])


@pytest.mark.parametrize("name", ["v.nrrd", "v.mha", "v.nii"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_several_values_of_a_voxel_are_its_channels(tmp_path, name, dtype):
    values = voxels(dtype, (*SHAPE, 3))
    sitk.WriteImage(image_of(values, several=True), str(tmp_path / name))
    volume = same_as_ordinary(tmp_path / name)
    assert volume.channels == 3
    assert volume.axes == ("z", "y", "x", "channel")
    np.testing.assert_array_equal(volume.read(BOX, channel=2), values[(*BOX, 2)])


def test_only_the_bytes_of_a_box_are_read(tmp_path, monkeypatch):
    values = voxels()
    sitk.WriteImage(image_of(values), str(tmp_path / "v.nrrd"))
    volume = open_parts(tmp_path / "v.nrrd")
    content = bytearray((tmp_path / "v.nrrd").read_bytes())
    length = len(content) - values.nbytes
    mask = np.ones(SHAPE, bool)
    mask[BOX] = False
    flat = np.frombuffer(content, np.float32, offset=length).copy().reshape(SHAPE)
    flat[mask] = np.nan
    (tmp_path / "v.nrrd").write_bytes(bytes(content[:length]) + flat.tobytes())
    np.testing.assert_array_equal(volume.read(BOX), values[BOX])


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    "skip", ["", "byte skip: 5\n", "line skip: 2\n", "line skip: 1\nbyte skip: 3\n", "byte skip: -1\n"]
)
def test_detached_nrrd_with_bytes_in_front_of_its_voxels(tmp_path, order, skip):
    values = voxels("int16")
    front = {"": b"", "byte skip: 5\n": b"12345", "line skip: 2\n": b"a\nb\n", "byte skip: -1\n": b"whatever"}
    content = values.astype(">i2" if order == "big" else "<i2").tobytes()
    (tmp_path / "v.raw").write_bytes(front.get(skip, b"one\nabc") + content)
    (tmp_path / "v.nhdr").write_text(
        f"NRRD0004\ntype: short\ndimension: 3\nsizes: 7 6 5\nspacings: 0.5 0.6 1.5\nendian: {order}\n"
        f"encoding: raw\n{skip}data file: v.raw\n"
    )
    volume = same_as_ordinary(tmp_path / "v.nhdr")
    assert volume.is_parts
    np.testing.assert_array_equal(volume.read(), values)


@pytest.mark.parametrize("order", ["True", "False"])
@pytest.mark.parametrize("size", [None, 6, -1])
def test_metaimage_with_bytes_in_front_of_its_voxels(tmp_path, order, size):
    values = voxels("int16")
    content = values.astype(">i2" if order == "True" else "<i2").tobytes()
    (tmp_path / "v.raw").write_bytes((b"" if size is None else b"123456") + content)
    (tmp_path / "v.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\n"
        f"BinaryDataByteOrderMSB = {order}\nElementSpacing = 0.5 0.6 1.5\nDimSize = 7 6 5\n"
        + ("" if size is None else f"HeaderSize = {size}\n")
        + "ElementType = MET_SHORT\nElementDataFile = v.raw\n"
    )
    volume = same_as_ordinary(tmp_path / "v.mhd")
    assert volume.is_parts
    np.testing.assert_array_equal(volume.read(), values)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("scale", [(2.5, -7.25), (1.0, 3.0), (0.1, 0.0), (2.5, NAN), (0.0, NAN), (NAN, 0.0)])
def test_nifti_values_are_scaled_as_the_ordinary_way_scales_them(tmp_path, dtype, scale):
    sitk.WriteImage(image_of(voxels(dtype)), str(tmp_path / "v.nii"))
    content = bytearray((tmp_path / "v.nii").read_bytes())
    struct.pack_into("<2f", content, 112, *scale)
    (tmp_path / "v.nii").write_bytes(content)
    assert same_as_ordinary(tmp_path / "v.nii").is_parts


def test_nifti_of_the_other_byte_order(tmp_path):
    nibabel_like = bytearray(348 + 4)
    struct.pack_into(">i", nibabel_like, 0, 348)
    struct.pack_into(">8h", nibabel_like, 40, 3, 7, 6, 5, 1, 1, 1, 1)
    struct.pack_into(">2h", nibabel_like, 70, 4, 16)
    struct.pack_into(">8f", nibabel_like, 76, 1, 0.5, 0.6, 1.5, 1, 0, 0, 0)
    struct.pack_into(">3f", nibabel_like, 108, 352, 1, 0)
    nibabel_like[123] = 2  # mm
    nibabel_like[344:348] = b"n+1\0"
    values = voxels("int16")
    (tmp_path / "v.nii").write_bytes(bytes(nibabel_like) + values.astype(">i2").tobytes())
    np.testing.assert_array_equal(same_as_ordinary(tmp_path / "v.nii").read(), values)


def test_nan_in_nifti_stays(tmp_path):
    values = voxels()
    values[2, 3, 4], values[0, 0, 0] = np.nan, np.inf
    sitk.WriteImage(image_of(values), str(tmp_path / "v.nii"))
    assert np.isnan(same_as_ordinary(tmp_path / "v.nii").read()[2, 3, 4])


@pytest.mark.parametrize("dtype", [*TYPES, "bool", "float16", ">f4", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_every_type_and_order(tmp_path, dtype, order):
    values = np.array(voxels(), dtype=dtype, order=order)
    np.save(tmp_path / "v.npy", values)
    volume = pickle.loads(pickle.dumps(open_parts(tmp_path / "v.npy")))
    np.testing.assert_array_equal(volume.read(BOX), values[BOX])
    assert volume.dtype.isnative
    assert not volume.has_spacing


def test_a_fourth_axis_counts_frames(tmp_path):
    values = voxels("int16", (3, *SHAPE))
    np.save(tmp_path / "v.npy", values)
    sitk.WriteImage(sitk.JoinSeries([image_of(frame) for frame in values]), str(tmp_path / "v.nii"))
    sitk.WriteImage(sitk.JoinSeries([image_of(frame) for frame in values]), str(tmp_path / "v.nrrd"))
    for name in ("v.npy", "v.nii", "v.nrrd"):
        volume = open_parts(tmp_path / name)
        assert (volume.frames, volume.shape, volume.is_parts) == (3, SHAPE, True)
        assert volume.axes == ("frame", "z", "y", "x")
        np.testing.assert_array_equal(volume.read(BOX, frame=1), values[(1, *BOX)])


def test_a_list_of_volumes_of_slicer_is_frames(tmp_path):
    values = voxels("int16", (*SHAPE, 3))
    header = (
        "NRRD0005\ntype: short\ndimension: 4\nspace: left-posterior-superior\nsizes: 3 7 6 5\n"
        "space directions: none (0.5,0,0) (0,0.6,0) (0,0,1.5)\nkinds: list domain domain domain\nendian: little\n"
        "encoding: raw\nspace origin: (1,2,3)\naxis 0 index type:=numeric\naxis 0 index values:=0 1 2\n\n"
    )
    (tmp_path / "v.seq.nrrd").write_bytes(header.encode() + values.tobytes())
    volume = open_parts(tmp_path / "v.seq.nrrd")
    assert (volume.frames, volume.channels, volume.spacing) == (3, 1, (1.5, 0.6, 0.5))
    np.testing.assert_array_equal(volume.read(BOX, frame=2), values[(*BOX, 2)])


def test_components_on_the_slowest_axis_of_a_nrrd_file(tmp_path):
    values = voxels("float32", (3, *SHAPE))
    header = (
        "NRRD0004\ntype: float\ndimension: 4\nspace: left-posterior-superior\nsizes: 7 6 5 3\n"
        "space directions: (0.5,0,0) (0,0.6,0) (0,0,1.5) none\nkinds: domain domain domain vector\n"
        "endian: little\nencoding: raw\nspace origin: (1,2,3)\n\n"
    )
    (tmp_path / "v.nrrd").write_bytes(header.encode() + values.tobytes())
    volume = same_as_ordinary(tmp_path / "v.nrrd")
    assert volume.is_parts
    np.testing.assert_array_equal(volume.read(BOX, channel=1), values[(1, *BOX)])


def test_units_of_headers_become_mm(tmp_path):
    header = (
        'NRRD0004\ntype: float\ndimension: 3\nspace dimension: 3\nsizes: 7 6 5\nspace units: "um" "um" "um"\n'
        "space directions: (500,0,0) (0,600,0) (0,0,1500)\nendian: little\nencoding: raw\n\n"
    )
    (tmp_path / "v.nrrd").write_bytes(header.encode() + voxels().tobytes())
    assert same_as_ordinary(tmp_path / "v.nrrd").spacing == pytest.approx((1.5, 0.6, 0.5))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("v.nrrd", "encoding gzip, not raw"),
        ("v.mha", "voxels are packed"),
        ("v.nii.gz", "format"),
        ("v.png", "format"),
    ],
)
def test_what_is_packed_is_read_whole_and_that_is_told(tmp_path, name, why):
    values = voxels("uint8", SHAPE if name != "v.png" else SHAPE[1:])
    sitk.WriteImage(image_of(values), str(tmp_path / name), useCompression=True)
    volume = same_as_ordinary(tmp_path / name)
    assert not volume.is_parts
    assert volume.told[0].startswith(f"{name} is read whole, not in parts: ")
    assert why in volume.told[0]


def test_voxels_in_several_files_are_read_whole(tmp_path):
    values = voxels("int16")
    for number, plane in enumerate(values):
        (tmp_path / f"p{number}.raw").write_bytes(plane.tobytes())
    (tmp_path / "v.nhdr").write_text(
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 7 6 5\nendian: little\nencoding: raw\n"
        "data file: p%d.raw 0 4 1\n"
    )
    (tmp_path / "v.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nDimSize = 7 6 5\nElementType = MET_SHORT\n"
        "ElementDataFile = p%d.raw 0 4 1\n"
    )
    for name in ("v.nhdr", "v.mhd"):
        volume = same_as_ordinary(tmp_path / name)
        assert volume.told == (f"{name} is read whole, not in parts: its voxels lie in several files",)
        np.testing.assert_array_equal(volume.read(BOX), values[BOX])


# -- refused


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_cut_short_is_refused(tmp_path, name):
    sitk.WriteImage(image_of(voxels()), str(tmp_path / name))
    data = tmp_path / {"v.nhdr": "v.raw", "v.mhd": "v.raw"}.get(name, name)
    opened = open_parts(tmp_path / name)
    data.write_bytes(data.read_bytes()[:-8])
    with pytest.raises(InputError, match="cut short"):
        opened.read()
    with pytest.raises(InputError, match="cut short"):
        open_parts(tmp_path / name)


@pytest.mark.parametrize(
    "box",
    [(slice(0, 6),) * 3, (slice(0, 5, 2), *BOX[1:]), (slice(2, 2), *BOX[1:]), (slice(-1, 3), *BOX[1:]), BOX[:2]],
)
def test_a_box_that_is_none_is_refused(tmp_path, box):
    np.save(tmp_path / "v.npy", voxels())
    with pytest.raises(InputError, match="box"):
        open_parts(tmp_path / "v.npy").read(box)


def test_what_is_no_volume_is_refused_in_words(tmp_path):
    np.save(tmp_path / "complex.npy", voxels().astype(complex))
    np.save(tmp_path / "line.npy", np.ones(5))
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY nothing")
    np.save(tmp_path / "behind.npy", voxels())
    with (tmp_path / "behind.npy").open("ab") as file:
        file.write(b"more")
    (tmp_path / "empty.nrrd").write_bytes(b"NRRD0004\ntype: float\n\n")
    (tmp_path / "folder").mkdir()
    sitk.WriteImage(image_of(voxels().astype(np.complex64)), str(tmp_path / "c.nrrd"))
    for name, said in (
        ("complex.npy", "complex128"), ("line.npy", "axes"), ("damaged.npy", "no readable .npy"),
        ("behind.npy", "4 bytes behind"),
        ("empty.nrrd", "read"), ("folder", "is a folder"), ("missing.nrrd", "does not exist"),
        ("c.nrrd", "complex"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            open_parts(tmp_path / name)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("spacings: 0.5 0 1.5", "spacing .0. invalid"),
        ("space: RAS\nspace directions: (1,0,0) (1,0,0) (0,0,1)", "axes at 0 degrees"),
    ],
)
def test_a_geometry_that_cannot_be_is_refused(tmp_path, line, said):
    header = f"NRRD0004\ntype: float\ndimension: 3\n{line}\nsizes: 7 6 5\nendian: little\nencoding: raw\n\n"
    (tmp_path / "v.nrrd").write_bytes(header.encode() + voxels().tobytes())
    with pytest.raises(InputError, match=said) as error:
        open_parts(tmp_path / "v.nrrd")
    assert "\n" not in str(error.value)


# -- writing

WRITTEN = ("w.npy", *(name.replace("v", "w", 1) for name in PLAIN))


def write_all(writer, values):
    """Write boxes that do not fit each other's rows."""
    for box in ((slice(0, 2), slice(0, 6), slice(0, 7)), (slice(2, 5), slice(0, 4), slice(0, 5)),
                (slice(2, 5), slice(0, 4), slice(5, 7)), (slice(2, 5), slice(4, 6), slice(0, 7))):  # fmt: skip
        pickle.loads(pickle.dumps(writer)).write(box, values[box])


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_written_in_parts_is_read_whole(tmp_path, name, dtype):
    values = voxels(dtype)
    writer = create_parts(tmp_path / name, SHAPE, dtype, OBLIQUE)
    write_all(writer, values)
    assert not (tmp_path / name).exists()
    assert writer.finish() == tmp_path / name
    assert sorted(file.suffix for file in tmp_path.iterdir()) == sorted(
        {(tmp_path / name).suffix} | ({".raw"} if name[2:] in ("nhdr", "mhd") else set())
    )
    if name == "w.npy":
        np.testing.assert_array_equal(np.load(tmp_path / name), values)
        return
    image = read_image(tmp_path / name)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), values)
    sitk.WriteImage(image_of(values), str(tmp_path / f"ordinary{name}"))
    ordinary = read_image(tmp_path / f"ordinary{name}")
    assert image.GetDirection() == ordinary.GetDirection()
    assert image.GetSpacing() == ordinary.GetSpacing()
    assert image.GetOrigin() == ordinary.GetOrigin()


def test_channels_and_frames_are_written(tmp_path):
    values = voxels(shape=(*SHAPE, 3))
    for name in ("w.nrrd", "w.mha"):
        writer = create_parts(tmp_path / name, SHAPE, "float32", OBLIQUE, channels=3)
        writer.write(BOX, values[BOX])
        for channel in range(3):
            writer.write((slice(0, 5), slice(0, 6), slice(0, 7)), values[..., channel], channel=channel)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(writer.finish())), values)
    for name in ("w.npy", "w.nii"):
        writer = create_parts(tmp_path / name, SHAPE, "float32", OBLIQUE, frames=3)
        for frame in range(3):
            writer.write((slice(0, 5), slice(0, 6), slice(0, 7)), values[..., frame], frame=frame)
        volume = open_parts(writer.finish())
        np.testing.assert_array_equal(volume.read(frame=2), values[..., 2])
    with pytest.raises(InputError, match="not written with 3 channels"):
        create_parts(tmp_path / "w.nii", SHAPE, "float32", channels=3)


def test_an_unfinished_output_is_taken_up(tmp_path):
    values = voxels()
    (tmp_path / "w.nrrd").write_text("old")
    first = create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    first.write((slice(0, 3), slice(0, 6), slice(0, 7)), values[:3])
    (first.folder / "tiles.json").write_text("[]")
    first.let_go()  # as the system does for a process that is killed
    second = create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    assert second.resumed
    assert not first.resumed
    assert (second.folder / "tiles.json").exists()
    assert (tmp_path / "w.nrrd").read_text() == "old"
    second.write((slice(3, 5), slice(0, 6), slice(0, 7)), values[3:])
    np.testing.assert_array_equal(open_parts(second.finish()).read(), values)
    assert [file.name for file in tmp_path.iterdir()] == ["w.nrrd"]


def test_a_run_that_was_killed_while_it_finished_is_finished(tmp_path):
    values = voxels()
    writer = create_parts(tmp_path / "w.nhdr", SHAPE, "float32")
    write_all(writer, values)
    (writer.folder / "complete").touch()
    shutil.move(writer.folder / "content" / "w.raw", tmp_path / "w.raw")  # the first of the two files
    writer.let_go()
    again = create_parts(tmp_path / "w.nhdr", SHAPE, "float32")
    assert again.resumed
    np.testing.assert_array_equal(open_parts(again.finish()).read(), values)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["w.nhdr", "w.raw"]


def test_what_a_run_left_that_was_killed_while_it_removed_its_folder_counts_for_nothing(tmp_path):
    writer = create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    for name in ("complete", "tiles.json"):
        (writer.folder / name).touch()
    (writer.folder / "plan.json").unlink()
    writer.let_go()
    again = create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    assert not again.resumed
    assert not (again.folder / "tiles.json").exists()
    write_all(again, voxels())
    np.testing.assert_array_equal(open_parts(again.finish()).read(), voxels())


def test_an_unfinished_output_of_something_else_is_refused(tmp_path):
    create_parts(tmp_path / "w.nrrd", SHAPE, "float32").let_go()
    with pytest.raises(
        InputError, match=r"begun with dtype float32, not dtype float64; remove the folder .*unfinished"
    ):
        create_parts(tmp_path / "w.nrrd", SHAPE, "float64")
    plan = tmp_path / "w.nrrd.unfinished" / "plan.json"
    plan.write_text(plan.read_text().replace("parts/1", "parts/7"))
    with pytest.raises(InputError, match=r"another version .*parts/7"):
        create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    plan.write_text(plan.read_text()[:20])
    with pytest.raises(InputError, match=r"no valid JSON.* remove the folder .*unfinished"):
        create_parts(tmp_path / "w.nrrd", SHAPE, "float32")


def test_two_runs_do_not_write_one_output(tmp_path):
    first = create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    with pytest.raises(InputError, match="another run"):
        create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    first.discard()
    assert not list(tmp_path.iterdir())


def test_outputs_that_cannot_be_are_refused_before_anything_is_made(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"cannot be written in parts; use .*\.nrrd"):
        create_parts(tmp_path / "w.nii.gz", SHAPE, "float32")
    with pytest.raises(InputError, match="complex64"):
        create_parts(tmp_path / "w.nrrd", SHAPE, "complex64")
    with pytest.raises(InputError, match="voxels"):
        create_parts(tmp_path / "w.nrrd", SHAPE[1:], "float32")
    with pytest.raises(InputError, match="NIfTI-1 counts to 32767"):
        create_parts(tmp_path / "w.nii", (1, 1, 40000), "uint8")
    with pytest.raises(OSError, match="does not exist"):
        create_parts(tmp_path / "missing" / "w.nrrd", SHAPE, "float32")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100))
    with pytest.raises(OSError, match="disk is full"):
        create_parts(tmp_path / "w.nrrd", SHAPE, "float32")
    assert not list(tmp_path.iterdir())


def test_values_of_another_shape_or_kind_are_refused(tmp_path):
    writer = create_parts(tmp_path / "w.nrrd", SHAPE, "int16")
    with pytest.raises(InputError, match="3 x 4 x 3 values of int16"):
        writer.write(BOX, voxels("int16"))
    with pytest.raises(InputError, match="of float32"):
        writer.write(BOX, voxels()[BOX])
