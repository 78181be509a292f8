"""Sizes are checked from the header, before a voxel is read: absurd ones, and those that memory does not hold."""

import json
import os
import types

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from test_dicom import line, write_series  # noqa: E402
from tiffs import tiff_bytes  # noqa: E402

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.command.cli import main  # noqa: E402
from SpatialDeconvLib.errors import InputError, NotEnoughMemory  # noqa: E402
from SpatialDeconvLib.mrml import files, recipe, sequencefiles  # noqa: E402

SHAPE = (40, 50, 60)


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def write(path, dtype=np.float32, shape=SHAPE):
    values = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    if path.suffix == ".tif":
        path.write_bytes(tiff_bytes(list(values)))
    else:
        sitk.WriteImage(sitk.GetImageFromArray(values), str(path), useCompression=path.name.endswith("z.nrrd"))
    return path


@pytest.fixture
def one(tmp_path):
    content = {"schema": "spatialdeconv-kernels/1", "key": "uniform",
               "kernels": [{"type": "gaussian", "sigma_mm": 1.0}]}  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps(content))
    return tmp_path / "one.json"


def nothing_is_read(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("voxels were read")

    for name in ("ReadImage", "GetImageFromArray"):
        monkeypatch.setattr(sitk, name, refuse)
    monkeypatch.setattr(sitk.ImageSeriesReader, "Execute", refuse)
    storage = types.SimpleNamespace(SetFileName=lambda path: None, SetSingleFile=lambda on: None, ReadData=refuse)
    monkeypatch.setattr(slicer, "vtkMRMLVolumeArchetypeStorageNode", lambda: storage)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["a.nrrd", "z.nrrd", "a.nii.gz", "a.mha", "a.tif"])
def test_the_bytes_of_a_file_are_those_of_its_voxels(tmp_path, name, dtype):
    assert files.voxelBytes(write(tmp_path / name, dtype)) == np.prod(SHAPE) * np.dtype(dtype).itemsize


def test_the_bytes_of_a_series_are_those_of_all_slices(tmp_path):
    values = write_series(tmp_path / "d", line((0, 0, 2.0)))
    for path in (tmp_path / "d", tmp_path / "d" / "0.dcm"):
        assert files.voxelBytes(path) >= 2 * values.size


@pytest.mark.parametrize("name", ["a.nrrd", "z.nrrd", "a.nii.gz", "a.mha", "a.tif"])
def test_what_memory_does_not_hold_is_refused_before_it_is_read(tmp_path, monkeypatch, name):
    path = write(tmp_path / name)
    monkeypatch.setattr("SpatialDeconvLib.arrays.memory.available_memory", lambda: 700_000)  # it takes 480,000
    nothing_is_read(monkeypatch)
    for reader in (files.readVolume, files.readLabelMap, sd.read_kernel):
        with pytest.raises(NotEnoughMemory, match=f"{name} takes"):
            reader(path)


def test_a_series_and_a_sequence_are_refused_before_they_are_read(tmp_path, monkeypatch):
    write_series(tmp_path / "d", line((0, 0, 2.0)))
    frames = [sitk.GetImageFromArray(np.ones((4, 5, 6), np.float32)) for _ in range(3)]
    sitk.WriteImage(sitk.JoinSeries(frames), str(tmp_path / "s.nii"))
    monkeypatch.setattr("SpatialDeconvLib.arrays.memory.available_memory", lambda: 500)
    nothing_is_read(monkeypatch)
    with pytest.raises(NotEnoughMemory):
        files.readVolume(tmp_path / "d")
    with pytest.raises(NotEnoughMemory):
        sequencefiles.readSequence(tmp_path / "s.nii")


def test_the_memory_that_is_allowed_counts_reading(tmp_path, monkeypatch, capsys, one):
    path = write(tmp_path / "z.nrrd")  # packed, so that it is read whole
    nothing_is_read(monkeypatch)
    arguments = ["convolve", str(path), str(tmp_path / "o.nrrd"), "--kernels", str(one), "--quiet"]
    assert main([*arguments, "--memory", "0.0004"]) == 1  # 430,000 bytes
    error = capsys.readouterr().err
    assert "GiB of memory are needed" in error
    assert "the inputs are that large" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("encoding", ["gzip", "raw"])
def test_a_header_that_claims_more_than_the_file_can_hold_is_refused(tmp_path, monkeypatch, capsys, one, encoding):
    path = tmp_path / "a.nrrd"
    header = f"NRRD0004\ntype: float\ndimension: 3\nsizes: 2000 2000 1000\nencoding: {encoding}\nendian: little\n\n"
    path.write_bytes(header.encode() + bytes(1000))
    nothing_is_read(monkeypatch)
    for reader in (files.readVolume, files.readLabelMap, files.checkReadable, sd.read_kernel):
        with pytest.raises(InputError, match=r"claims 2000 x 2000 x 1000 voxels, 14\.9 GiB"):
            reader(path)
    assert main(["convolve", str(path), str(tmp_path / "o.nrrd"), "--kernels", str(one)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_an_image_of_nothing_that_packs_well_is_read(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((90, 100, 100), np.float32)), str(tmp_path / "a.nrrd"), True)
    assert (tmp_path / "a.nrrd").stat().st_size < 5000
    assert files.voxelBytes(tmp_path / "a.nrrd") == 3_600_000
    files.readVolume(tmp_path / "a.nrrd")


@pytest.mark.parametrize("axes", ["0", "-1", "2147483648", "99999999999999999999", "1e30", "", "three"])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
def test_absurd_numbers_of_axes_are_refused(tmp_path, axes, suffix):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32)), str(tmp_path / f"a{suffix}"))
    path = tmp_path / f"a{suffix}"
    path.write_bytes(path.read_bytes().replace(b"NDims = 3", f"NDims = {axes}".encode()))
    assert not sequencefiles.isSequence(path)
    for reader in (files.readVolume, files.readLabelMap, files.checkReadable, sd.read_kernel):
        with pytest.raises(InputError, match="damaged header"):
            reader(path)


META = {"ObjectType": "Image", "NDims": 3, "BinaryData": "True", "DimSize": "4 5 6", "ElementType": "MET_FLOAT"}
NRRD = "NRRD0004\ntype: float\ndimension: 3\nsizes: 4 5 6\nencoding: raw\nendian: little\n"


def meta(data, **keys):
    return "".join(f"{key} = {value}\n" for key, value in {**META, **keys, "ElementDataFile": data}.items())


@pytest.mark.parametrize(
    ("name", "header", "words"),
    [
        ("a.mhd", meta("pipe.raw"), "pipe or a device"),
        ("a.mhd", meta("/dev/zero"), "pipe or a device"),
        ("a.nhdr", f"{NRRD}data file: pipe.raw\n\n", "pipe or a device"),
        ("a.nrrd", f"{NRRD}data file: LIST\npipe.raw\npipe.raw\n", "pipe or a device"),
        ("a.mhd", meta("LIST\n" + "ok.raw\n" * 5 + "pipe.raw"), "pipe or a device"),
        ("a.mhd", meta("LIST"), "lists 0 data files and needs 6"),
        ("a.mhd", meta("LIST\nok.raw\nok.raw"), "lists 2 data files and needs 6"),
        ("a.mhd", meta("LIST 1\nok.raw\nok.raw"), "lists 2 data files and needs 30"),
        ("a.mhd", meta("s%02d.raw 1 6 1"), r"data file s01\.raw is missing"),
        ("a.nhdr", f"{NRRD}data file: s%d.raw 3 8 1\n\n", r"data file s3\.raw is missing"),
        ("a.mha", meta("LOCAL", CompressedData="True", CompressedDataSize=999999999999), "CompressedDataSize"),
        ("a.mha", meta("LOCAL", CompressedData="True", CompressedDataSize=-5), "CompressedDataSize is '-5'"),
    ],
)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and devices of POSIX")
def test_data_files_that_are_missing_or_have_no_end_are_refused_at_once(tmp_path, name, header, words):
    os.mkfifo(tmp_path / "pipe.raw")
    (tmp_path / "ok.raw").write_bytes(bytes(80))
    (tmp_path / name).write_bytes(header.encode() + bytes(480))
    for reader in (files.readVolume, files.checkReadable, sd.read_kernel):
        with pytest.raises(InputError, match=words):
            reader(tmp_path / name)


def test_a_list_of_data_files_is_read_and_belongs_to_what_a_recipe_checks(tmp_path):
    values = np.arange(120, dtype=np.float32).reshape(6, 5, 4)
    for number, plane in enumerate(values):
        (tmp_path / f"s{number}.raw").write_bytes(plane.tobytes())
    path = tmp_path / "a.mhd"
    path.write_text(meta("LIST\n" + "".join(f"s{n}.raw\n" for n in range(6))))
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(files.readVolume(path)), values)
    entry = recipe.describeFile(path)
    (tmp_path / "s3.raw").write_bytes(bytes(80))
    with pytest.raises(InputError, match="changed"):
        recipe.checkFile(entry)


@pytest.mark.parametrize("sizes", ["0 5 6", "-3 5 6", "4 5"])
def test_absurd_sizes_are_refused(tmp_path, sizes):
    path = tmp_path / "a.nrrd"
    head = f"NRRD0004\ntype: float\ndimension: 3\nsizes: {sizes}\nencoding: raw\nendian: little\n\n"
    path.write_bytes(head.encode() + bytes(400))
    for reader in (files.readVolume, sd.read_kernel):
        with pytest.raises(InputError) as error:
            reader(path)
        assert "\n" not in str(error.value)
