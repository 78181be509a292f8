"""Sizes are checked from the header, before a voxel is read: absurd ones, and those that memory does not hold."""

import json
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
from SpatialDeconvLib.mrml import files, sequencefiles  # noqa: E402

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
    path = write(tmp_path / "a.nrrd")
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


@pytest.mark.parametrize("sizes", ["0 5 6", "-3 5 6", "4 5"])
def test_absurd_sizes_are_refused(tmp_path, sizes):
    path = tmp_path / "a.nrrd"
    head = f"NRRD0004\ntype: float\ndimension: 3\nsizes: {sizes}\nencoding: raw\nendian: little\n\n"
    path.write_bytes(head.encode() + bytes(400))
    for reader in (files.readVolume, sd.read_kernel):
        with pytest.raises(InputError) as error:
            reader(path)
        assert "\n" not in str(error.value)
