"""OME-Zarr and Zarr: what a store says of its volume, boxes of it, new stores, and what is refused."""

import json
import pickle
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import SimpleITK as sitk

from SpatialDeconvLib import InputError
from SpatialDeconvLib.formats.images import has_spacing, read_image
from SpatialDeconvLib.formats.parts import Geometry, create_parts, open_parts
from SpatialDeconvLib.formats.parts.zarrfiles import mean_of_blocks
from SpatialDeconvLib.formats.sizes import voxel_bytes

zarr = pytest.importorskip("zarr", minversion="3", reason="Zarr needs the package zarr")

SHAPE = (5, 6, 7)
BOX = (slice(1, 4), slice(2, 6), slice(0, 3))
ALL = tuple(slice(0, n) for n in SHAPE)
TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
GEOMETRY = Geometry((1.5, 0.6, 0.5), (10.0, -20.0, 30.0))


def voxels(dtype="float32", shape=SHAPE):
    return np.random.default_rng(0).normal(60, 30, shape).astype(dtype)


def axes_of(letters, unit="micrometer"):
    kinds = {"t": {"type": "time", "unit": "second"}, "c": {"type": "channel"}}
    space = {"type": "space", **({"unit": unit} if unit is not None else {})}
    return [{"name": letter, **kinds.get(letter, space)} for letter in letters]


def store(path, values, letters="zyx", scale=None, version="0.4", axes=None, translation=None, **image):
    """An OME-Zarr store as other programs write it."""
    new = version == "0.5"
    group = zarr.create_group(str(path), zarr_format=3 if new else 2)
    chunks = tuple(min(n, 3) for n in values.shape)
    array = group.create_array("s0", shape=values.shape, chunks=chunks, dtype=values.dtype)
    array[...] = values
    steps = [] if scale is None else [{"type": "scale", "scale": list(scale)}]
    if translation is not None:
        steps.append({"type": "translation", "translation": list(translation)})
    entry = {
        "axes": axes_of(letters) if axes is None else axes,
        "datasets": [{"path": "s0", "coordinateTransformations": steps}],
        **image,
    }
    if new:
        group.attrs["ome"] = {"version": version, "multiscales": [entry]}
    else:
        group.attrs["multiscales"] = [{"version": version, **entry}]
    return path


# -- reading


@pytest.mark.parametrize(
    ("version", "dtype"),
    [*((version, dtype) for version in ("0.4", "0.5") for dtype in (*TYPES, "bool", "float16")),
     ("0.4", ">f4"), ("0.4", ">u2")],
)  # fmt: skip
def test_both_versions_of_zarr_and_every_type(tmp_path, version, dtype):
    values = voxels(dtype)
    path = store(tmp_path / "v.zarr", values, scale=(1500, 600, 500), version=version, translation=(1, 2, 3))
    volume = pickle.loads(pickle.dumps(open_parts(path)))
    np.testing.assert_array_equal(volume.read(BOX), values[BOX])
    assert (volume.shape, volume.chunks, volume.is_parts) == (SHAPE, (3, 3, 3), True)
    assert volume.spacing == pytest.approx((1.5, 0.6, 0.5))
    assert volume.origin == pytest.approx((0.003, 0.002, 0.001))
    image = read_image(path)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.read())
    assert sitk.GetArrayFromImage(image).dtype == volume.dtype
    assert (image.GetSpacing(), image.GetOrigin()) == (volume.spacing[::-1], volume.origin)
    assert has_spacing(path)
    assert voxel_bytes(path) == values.size * volume.dtype.itemsize


def test_time_and_channels_are_frames_and_channels(tmp_path):
    values = voxels("uint16", (2, 3, *SHAPE))
    path = store(tmp_path / "v.zarr", values, "tczyx", scale=(1, 1, 1500, 600, 500))
    volume = open_parts(path)
    assert (volume.frames, volume.channels, volume.shape) == (2, 3, SHAPE)
    assert volume.axes == ("frame", "z", "y", "x", "channel")
    np.testing.assert_array_equal(volume.read(BOX, channel=2, frame=1), values[(1, 2, *BOX)])
    np.testing.assert_array_equal(volume.read(BOX, frame=1), np.moveaxis(values[(1, slice(None), *BOX)], 0, -1))
    image = read_image(path)
    assert (image.GetSize(), image.GetNumberOfComponentsPerPixel()) == ((7, 6, 5, 2), 3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), np.moveaxis(values, 1, -1))


def test_scales_of_one_image_and_of_all_are_multiplied(tmp_path):
    path = store(
        tmp_path / "v.zarr", voxels(), scale=(3, 1.2, 1), translation=(4, 0, 0),
        coordinateTransformations=[{"type": "scale", "scale": [500, 500, 500]}],
    )  # fmt: skip
    volume = open_parts(path)
    assert volume.spacing == pytest.approx((1.5, 0.6, 0.5))
    assert volume.origin == pytest.approx((0, 0, 2.0))


@pytest.mark.parametrize(
    ("unit", "mm"), [("nanometer", 1e-6), ("millimeter", 1), ("meter", 1e3), ("angstrom", 1e-7), ("µm", 1e-3)]
)
def test_units_become_mm(tmp_path, unit, mm):
    path = store(tmp_path / "v.zarr", voxels(), scale=(3, 2, 2), axes=axes_of("zyx", unit))
    assert open_parts(path).spacing == pytest.approx((3 * mm, 2 * mm, 2 * mm))


@pytest.mark.parametrize("unit", [None, "", "pixel"])
def test_axes_without_units_say_no_voxel_size(tmp_path, unit):
    path = store(tmp_path / "v.zarr", voxels(), scale=(3, 2, 2), axes=axes_of("zyx", unit))
    volume = open_parts(path)
    assert volume.told == ("v.zarr: its axes z, y, x have no unit, so its scale 3 x 2 x 2 says no voxel size",)
    assert (volume.has_spacing, volume.spacing) == (False, (1.0, 1.0, 1.0))
    assert not has_spacing(path)


@pytest.mark.parametrize("version", ["0.1", "0.3"])
def test_old_versions_have_names_or_no_axes_at_all(tmp_path, version):
    values = voxels(shape=(1, 1, *SHAPE))
    path = store(tmp_path / "v.zarr", values, version=version, axes=list("tczyx"))
    if version == "0.1":
        attributes = json.loads((path / ".zattrs").read_text())
        del (
            attributes["multiscales"][0]["axes"],
            attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"],
        )
        (path / ".zattrs").write_text(json.dumps(attributes))
    volume = open_parts(path)
    np.testing.assert_array_equal(volume.read(), values[0, 0])
    assert not volume.has_spacing


def test_axes_stand_in_any_order(tmp_path):
    values = voxels()
    path = store(tmp_path / "v.zarr", values.transpose(2, 0, 1), "xzy", scale=(500, 1500, 600))
    volume = open_parts(path)
    np.testing.assert_array_equal(volume.read(BOX), values[BOX])
    assert volume.spacing == pytest.approx((1.5, 0.6, 0.5))


def test_an_array_alone_has_its_axes_by_number_or_name(tmp_path):
    values = voxels("int16", (3, *SHAPE))
    for number, shape in ((2, SHAPE[1:]), (3, SHAPE), (4, (3, *SHAPE))):
        zarr.create_array(
            str(tmp_path / f"{number}.zarr"), data=values.reshape(-1)[: np.prod(shape)].reshape(shape)
        )
    named = zarr.create_array(
        str(tmp_path / "n.zarr"), shape=values.shape, dtype="int16", dimension_names=("c", "z", "y", "x")
    )
    named[...] = values
    assert open_parts(tmp_path / "2.zarr").shape == (1, *SHAPE[1:])
    assert open_parts(tmp_path / "3.zarr").told == ()
    four = open_parts(tmp_path / "4.zarr")
    assert (four.frames, four.told) == (3, ("4.zarr: its 4 axes have no names and count as t, z, y, x",))
    assert open_parts(tmp_path / "n.zarr").channels == 3
    np.testing.assert_array_equal(open_parts(tmp_path / "n.zarr").read(BOX, channel=1), values[(1, *BOX)])


def test_a_coarser_version_is_read_with_its_own_voxel_size(tmp_path):
    values = voxels(shape=(4, 600, 8))
    writer = create_parts(tmp_path / "w.zarr", values.shape, "float32", GEOMETRY)
    writer.write(tuple(slice(0, n) for n in values.shape), values)
    coarse = open_parts(writer.finish() / "1")
    assert coarse.shape == (4, 300, 4)
    assert coarse.spacing == (1.5, 1.2, 1.0)
    assert coarse.origin == (10.25, -19.7, 30.0)


def test_the_one_image_of_a_group_is_taken(tmp_path):
    zarr.create_group(str(tmp_path / "v.zarr"), zarr_format=2, attributes={"bioformats2raw.layout": 3})
    store(tmp_path / "v.zarr" / "0", voxels(), scale=(1500, 600, 500))
    np.testing.assert_array_equal(open_parts(tmp_path / "v.zarr").read(), voxels())


def test_chunks_that_are_not_there_are_told(tmp_path):
    values = voxels()
    path = store(tmp_path / "v.zarr", values, scale=(1500, 600, 500))
    next(file for file in (path / "s0").rglob("*") if file.is_file() and file.name == "0.0.0").unlink()
    volume = open_parts(path)
    assert volume.told == ("v.zarr: 1 of its 12 chunks are not there and read as 0",)
    assert not volume.read((slice(0, 3),) * 3).any()


# -- refused


def attributes_changed(path, change):
    content = json.loads((path / ".zattrs").read_text())
    change(content["multiscales"][0])
    (path / ".zattrs").write_text(json.dumps(content))


def scale_of(image):
    return image["datasets"][0]["coordinateTransformations"][0]["scale"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image: scale_of(image).__setitem__(1, 0), "scale of y 0; repair"),
        (lambda image: scale_of(image).__setitem__(2, -500), "scale of x -500; repair"),
        (lambda image: scale_of(image).append(1), "transformation that is not read"),
        (lambda image: image.update(version="0.9"), "OME-Zarr 0.9; known are 0.1"),
        (lambda image: image["axes"].pop(), "names 2 axes of 3"),
        (lambda image: image["axes"][0].update(unit="furlong"), "'furlong', a unit that is not known"),
        (lambda image: image["axes"][0].update(name="angle", type="other"), "axes that are none of t, c, z, y, x"),
        (lambda image: image["datasets"][0].update(path="9"), "'9' that is not there"),
        (lambda image: image["datasets"][0].update(path="../v.zarr/s0"), "outside of it"),
        (lambda image: image.update(datasets=[]), "names no array"),
    ],
)
def test_metadata_that_cannot_be_are_refused(tmp_path, change, said):
    path = store(tmp_path / "v.zarr", voxels(), scale=(1500, 600, 500))
    attributes_changed(path, change)
    with pytest.raises(InputError, match=said) as error:
        open_parts(path)
    assert "\n" not in str(error.value)


def test_stores_that_are_none_are_refused(tmp_path):
    (tmp_path / "empty.zarr").mkdir()
    path = store(tmp_path / "both.zarr", voxels(), scale=(1500, 600, 500))
    (path / "zarr.json").write_text("{}")
    (tmp_path / "damaged.zarr").mkdir()
    (tmp_path / "damaged.zarr" / ".zarray").write_text("{")
    group = zarr.create_group(str(tmp_path / "nested.zarr"))
    for name in ("a", "b"):
        group.create_array(name, shape=(3, 3), dtype="uint8")
    zarr.create_array(str(tmp_path / "complex.zarr"), shape=(3, 3), dtype="complex64")
    zarr.create_array(str(tmp_path / "line.zarr"), shape=(3,), dtype="uint8")
    for name, said in (
        ("empty", "is no Zarr store"), ("both", r"of Zarr 2 \(.zgroup\) and of Zarr 3"),
        ("damaged", "cannot be read"), ("nested", "says of none that it is the volume: a, b"),
        ("complex", "complex64"), ("line", "has 1 axes"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said) as error:
            open_parts(tmp_path / f"{name}.zarr")
        assert "\n" not in str(error.value)


def test_a_damaged_chunk_is_refused_where_it_is_read(tmp_path):
    path = store(tmp_path / "v.zarr", voxels(), scale=(1500, 600, 500))
    chunk = path / "s0" / "1.1.1"
    chunk.write_bytes(chunk.read_bytes()[:7])
    volume = open_parts(path)
    volume.read((slice(0, 3),) * 3)
    with pytest.raises(InputError, match="damaged chunk") as error:
        volume.read((slice(1, 4), slice(2, 6), slice(0, 5)))
    assert str(chunk) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kept", [0, 0.5, 2])
def test_a_chunk_without_a_checksum_tells_of_itself_by_its_length(tmp_path, version, kept):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "plain.zarr"
    array = zarr.create_array(
        str(path), shape=(4, 6, 8), chunks=(2, 3, 4), dtype="float32", compressors=None, zarr_format=version
    )
    array[:] = np.arange(4 * 6 * 8, dtype=np.float32).reshape(4, 6, 8)
    chunk = path / ("1.0.1" if version == 2 else "c/1/0/1")
    content = chunk.read_bytes()
    chunk.write_bytes((content * 2)[: int(kept * len(content))])
    with pytest.raises(InputError, match="damaged chunk") as error:
        open_parts(path).read()
    assert str(chunk) in str(error.value)


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    path = store(tmp_path / "v.zarr", voxels(), scale=(1500, 600, 500))
    monkeypatch.setitem(sys.modules, "zarr", None)
    for attempt in (lambda: open_parts(path), lambda: create_parts(tmp_path / "w.zarr", SHAPE, "float32")):
        with pytest.raises(InputError, match=r"spatialdeconv\[large\]"):
            attempt()
    assert not (tmp_path / "w.zarr.unfinished").exists()


# -- writing


@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_written_in_parts_is_read_whole(tmp_path, dtype):
    values = voxels(dtype)
    writer = create_parts(tmp_path / "w.zarr", SHAPE, dtype, GEOMETRY, chunks=(2, 3, 4))
    writer.write((slice(0, 2), *ALL[1:]), values[:2])
    pickle.loads(pickle.dumps(writer)).write((slice(2, 5), *ALL[1:]), values[2:])
    assert not (tmp_path / "w.zarr").exists()
    volume = open_parts(writer.finish())
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.zarr"]
    np.testing.assert_array_equal(volume.read(), values)
    assert (volume.geometry, volume.chunks, volume.told, volume.dtype) == (GEOMETRY, (2, 3, 4), (), dtype)


def test_what_is_written_is_zarr_2_as_ome_wants_it(tmp_path):
    writer = create_parts(tmp_path / "w.zarr", (3, 600, 300), "uint8", Geometry((2.0, 0.5, 0.5), (1.0, 2.0, 3.0)))
    path = writer.finish()
    image = json.loads((path / ".zattrs").read_text())["multiscales"][0]
    assert image["version"] == "0.4"
    assert image["axes"] == [{"name": axis, "type": "space", "unit": "millimeter"} for axis in "zyx"]
    said = [
        [step.get("scale", step.get("translation")) for step in d["coordinateTransformations"]]
        for d in image["datasets"]
    ]
    assert said == [
        [[2.0, 0.5, 0.5], [3.0, 2.0, 1.0]],
        [[2.0, 1.0, 1.0], [3.0, 2.25, 1.25]],
        [[2.0, 2.0, 2.0], [3.0, 2.75, 1.75]],
    ]
    shapes = [json.loads((path / d["path"] / ".zarray").read_text())["shape"] for d in image["datasets"]]
    assert shapes == [[3, 600, 300], [3, 300, 150], [3, 150, 75]]


def test_coarser_versions_are_means_of_blocks(tmp_path):
    values = voxels(shape=(3, 301, 6))
    writer = create_parts(tmp_path / "w.zarr", values.shape, "float32", chunks=(2, 64, 4))
    writer.write(tuple(slice(0, n) for n in values.shape), values)
    coarse = open_parts(writer.finish() / "1").read()
    assert coarse.shape == (2, 151, 3)
    for index in ((0, 0, 0), (0, 77, 2), (1, 150, 1)):
        block = values[tuple(slice(2 * i, 2 * i + 2) for i in index)]
        assert coarse[index] == pytest.approx(block.mean(dtype=float), rel=1e-6)


def test_means_of_integers_are_rounded():
    np.testing.assert_array_equal(mean_of_blocks(np.array([1, 2, 4, 4, 9], np.uint8), (2,)), [2, 4, 9])


def test_channels_and_frames_are_written(tmp_path):
    values = voxels(shape=(2, *SHAPE, 3))
    writer = create_parts(tmp_path / "w.zarr", SHAPE, "float32", GEOMETRY, channels=3, frames=2)
    writer.write(ALL, values[0])
    for channel in range(3):
        writer.write(ALL, values[1, ..., channel], channel=channel, frame=1)
    volume = open_parts(writer.finish())
    np.testing.assert_array_equal(np.stack([volume.read(frame=n) for n in range(2)]), values)


def write_rows(job):
    writer, rows, values = job
    writer.write((ALL[0], rows, ALL[2]), values[:, rows])


def test_boxes_that_share_chunks_are_written_by_several_processes(tmp_path):
    values = voxels()
    writer = create_parts(tmp_path / "w.zarr", SHAPE, "float32", chunks=(5, 6, 7))
    jobs = [(writer, slice(row, row + 1), values) for row in range(6)]
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(write_rows, jobs))
    np.testing.assert_array_equal(open_parts(writer.finish()).read(), values)


def test_an_unfinished_store_is_taken_up_and_replaces_the_old_one_in_the_end(tmp_path):
    values = voxels()
    store(tmp_path / "w.zarr", values * 0, scale=(1500, 600, 500))
    first = create_parts(tmp_path / "w.zarr", SHAPE, "float32", chunks=(2, 6, 7))
    first.write((slice(0, 2), *ALL[1:]), values[:2])
    stray = first.folder / "content" / "w.zarr" / "0" / "0" / "0" / "0.123.partial"
    stray.write_text("of a writer that was killed")
    first.let_go()
    assert not open_parts(tmp_path / "w.zarr").read().any()
    second = create_parts(tmp_path / "w.zarr", SHAPE, "float32", chunks=(2, 6, 7))
    assert second.resumed
    second.write((slice(2, 5), *ALL[1:]), values[2:])
    second.finish()
    np.testing.assert_array_equal(open_parts(tmp_path / "w.zarr").read(), values)
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.zarr"]
    assert not list(tmp_path.rglob("*.partial"))


def test_a_folder_that_is_no_store_is_not_replaced(tmp_path):
    (tmp_path / "w.zarr").mkdir()
    (tmp_path / "w.zarr" / "thesis.txt").write_text("years")
    with pytest.raises(IsADirectoryError, match="no Zarr store"):
        create_parts(tmp_path / "w.zarr", SHAPE, "float32")
    assert (tmp_path / "w.zarr" / "thesis.txt").exists()


def test_directions_that_ome_zarr_does_not_hold_are_told(tmp_path):
    turned = Geometry(direction=(0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    writer = create_parts(tmp_path / "w.zarr", SHAPE, "float32", turned)
    assert writer.told == ("w.zarr does not hold the directions of the volume; write .nrrd to keep all",)


# -- on the ordinary ways


def test_volume_nodes_come_from_stores_and_go_into_them(tmp_path):
    from SpatialDeconvLib.mrml import files, sequencefiles
    from SpatialDeconvLib.mrml.scene import volumeArray

    values = voxels("float32", (*SHAPE, 3))
    image = sitk.GetImageFromArray(values, isVector=True)
    image.SetSpacing((0.5, 0.6, 1.5))
    sitk.WriteImage(image, str(tmp_path / "v.nrrd"))
    node = files.readVolume(tmp_path / "v.nrrd")
    for _ in range(2):  # the second over the first
        assert files.writeVolume(node, tmp_path / "v.zarr") == []
    back = files.readVolume(tmp_path / "v.zarr")
    np.testing.assert_array_equal(volumeArray(back), values)
    assert back.GetSpacing() == pytest.approx((0.5, 0.6, 1.5))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["v.nrrd", "v.zarr"]
    assert files.checkReadable(tmp_path / "v.zarr") == (7, 6, 5)
    assert not sequencefiles.isSequence(tmp_path / "v.zarr")


def test_time_points_of_a_store_are_a_sequence(tmp_path):
    from SpatialDeconvLib.mrml import files, sequencefiles
    from SpatialDeconvLib.mrml.scene import volumeArray

    values = voxels("uint16", (2, *SHAPE))
    path = store(tmp_path / "v.zarr", values, "tzyx", scale=(1, 1500, 600, 500))
    assert sequencefiles.isSequence(path)
    sequence = sequencefiles.readSequence(path)
    np.testing.assert_array_equal(volumeArray(sequence.GetNthDataNode(1)), values[1])
    assert sequence.GetNthDataNode(1).GetSpacing() == pytest.approx((0.5, 0.6, 1.5))
    with pytest.raises(InputError, match="holds 2 volumes"):
        files.readVolume(path)
    told = sequencefiles.writeSequence(sequence, tmp_path / "w.zarr")
    assert told == [
        "w.zarr does not hold the index of the frames (frame = 0 ... 1 s) as it is; write .seq.nrrd to keep it"
    ]
    back = open_parts(tmp_path / "w.zarr")
    np.testing.assert_array_equal(np.stack([back.read(frame=n) for n in range(2)]), values)
    assert back.spacing == pytest.approx((1.5, 0.6, 0.5))


def test_a_store_without_units_lies_on_the_image_it_belongs_to(tmp_path):
    from SpatialDeconvLib.mrml import files
    from SpatialDeconvLib.mrml.voxelsizes import adoptGeometry

    image = files.readVolume(store(tmp_path / "v.zarr", voxels(), scale=(1500, 600, 500), translation=(1, 2, 3)))
    labels = store(tmp_path / "l.zarr", voxels("uint8"), scale=(3, 2, 2), axes=axes_of("zyx", None))
    node = files.readVolume(labels)
    adoptGeometry(node, labels, image)
    assert node.GetSpacing() == image.GetSpacing()
    assert node.GetOrigin() == image.GetOrigin()


def test_the_command_reads_and_writes_stores(tmp_path, capsys):
    from SpatialDeconvLib.command.cli import main

    image = np.zeros((1, 24, 24), np.float32)
    image[0, 8:16, 8:16] = 100
    path = store(tmp_path / "in.zarr", image, scale=(1000, 1000, 1000), axes=axes_of("zyx", None))
    set_file = tmp_path / "set.json"
    set_file.write_text(json.dumps({
        "schema": "spatialdeconv-kernels/1", "key": "intensity",
        "kernels": [{"at": 10, "type": "gaussian", "sigma_mm": 1.0}],
    }))  # fmt: skip
    arguments = ["--kernels", str(set_file), "--method", "wiener", "--strategy", "blend"]
    assert main(["deconvolve", str(path), str(tmp_path / "out.zarr"), *arguments]) == 0
    assert main(["deconvolve", str(path), str(tmp_path / "out.nrrd"), *arguments]) == 0
    assert "no unit" in capsys.readouterr().err
    np.testing.assert_array_equal(
        open_parts(tmp_path / "out.zarr").read(), open_parts(tmp_path / "out.nrrd").read()
    )
    assert (tmp_path / "out.zarr.recipe.json").is_file()
    assert main(["deconvolve", str(path), str(path), *arguments]) != 0
    assert main(["deconvolve", str(path / "s0"), str(path), *arguments]) != 0
    assert "would overwrite" in capsys.readouterr().err


def test_a_killed_run_leaves_the_old_store_or_the_new_one(tmp_path):
    """Between the mark and the moves, whoever writes there next does the rest."""
    from SpatialDeconvLib.arrays import staging

    (tmp_path / "v.zarr").mkdir()
    (tmp_path / "v.zarr" / ".zgroup").write_text("old")
    folder = staging.StagingFolder(tmp_path)
    made = folder.new_part(0) / "v.zarr"
    made.mkdir()
    (made / ".zgroup").write_text("new")
    folder.write_journal([folder], [("0/v.zarr", "v.zarr")], [("old-0", "v.zarr")])
    folder.mark(staging.FORWARD)
    folder.close(remove=False)
    staging.settle(tmp_path)
    assert (tmp_path / "v.zarr" / ".zgroup").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["v.zarr"]
    shutil.rmtree(tmp_path / "v.zarr")
