"""Names of files that readers choke on, and values that VTK does: what could end the program is read or refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="slicer-core is not installed")

import slicer

from SpatialDeconvLib.errors import InputError
from SpatialDeconvLib.formats.names import library_name, node_name
from SpatialDeconvLib.mrml import files
from SpatialDeconvLib.mrml.scene import addToScene, imageDataFromArray, volumeArray

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes")
NOT_UTF8 = os.fsdecode(b"caf\xe9.nrrd")


def write(path):
    values = np.random.default_rng(0).random((3, 8, 9)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(path.parent / "plain.nrrd"))
    os.rename(path.parent / "plain.nrrd", path)
    return values


@POSIX
@pytest.mark.parametrize("name", [NOT_UTF8, "back\\slash.nrrd"])
def test_names_that_mrml_cannot_open_are_refused_for_input_and_output(tmp_path, name):
    write(tmp_path / name)
    with pytest.raises(InputError, match="rename it"):
        files.readVolume(tmp_path / name)
    with pytest.raises(InputError, match="rename it"):
        files.checkWritable(tmp_path / name)
    with pytest.raises(InputError, match="rename it"):
        files.checkReadable(tmp_path / name)


@POSIX
def test_kernels_of_such_names_are_refused_where_they_cannot_be_opened(tmp_path):
    from SpatialDeconvLib.kernels.sets import read_kernel, write_kernel

    write(tmp_path / NOT_UTF8)
    with pytest.raises(InputError, match="not UTF-8"):
        read_kernel(tmp_path / NOT_UTF8)
    np.save(tmp_path / "k.npy", np.ones((3, 3)))
    os.rename(tmp_path / "k.npy", tmp_path / os.fsdecode(b"\xe9.npy"))
    kernel = read_kernel(tmp_path / os.fsdecode(b"\xe9.npy"))  # numpy opens any name
    os.unlink(tmp_path / NOT_UTF8)
    with pytest.raises(InputError, match="not UTF-8"):
        write_kernel(kernel, tmp_path / NOT_UTF8)
    assert [os.fsencode(name) for name in os.listdir(tmp_path)] == [b"\xe9.npy"]  # nothing half written


def test_names_of_every_language_are_read(tmp_path):
    values = write(tmp_path / "Schädel 漢字 👍.nrrd")
    node = files.readVolume(tmp_path / "Schädel 漢字 👍.nrrd")
    assert np.array_equal(volumeArray(node), values)
    assert node.GetName() == "Schädel 漢字 👍"
    assert library_name(tmp_path / "é") == str(tmp_path / "é")


def test_a_header_in_another_encoding_names_a_node_all_the_same():
    assert node_name("Sch\udce4del") == "Sch\ufffddel"
    assert node_name("Schädel") == "Schädel"


@POSIX
def test_a_strict_posix_locale_reads_and_writes_the_same_names(tmp_path):
    write(tmp_path / "Schädel.nrrd")
    kernel_set = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [{"type": "mean", "shape": 3}]}
    (tmp_path / "größe.json").write_text(json.dumps(kernel_set))
    command = [sys.executable, "-m", "SpatialDeconvLib", "convolve", "Schädel.nrrd", "Größe.nrrd"]
    strict = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **strict}
    ended = subprocess.run(
        [*command, "--kernels", "größe.json", "--quiet"], cwd=tmp_path, env=environment, capture_output=True
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "Größe.nrrd").is_file()
    assert (tmp_path / "Größe.nrrd.recipe.json").is_file()


@pytest.mark.parametrize("values", [(1e-310, 1e-310), (0, 1e-310), (-1e-310, 1e-310), (0, 1e-304), (1e-305,) * 2])
def test_values_of_next_to_nothing_do_not_end_the_program(values):
    node = slicer.vtkMRMLScalarVolumeNode()
    array = np.linspace(*values, 64).reshape(4, 4, 4)
    node.SetAndObserveImageData(imageDataFromArray(array))
    assert np.array_equal(volumeArray(addToScene(node)), array)


@pytest.mark.parametrize("values", [(0, 0), (0, 1e-299), (-1, 1), (7, 7)])
def test_all_other_values_are_shown(values):
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetAndObserveImageData(imageDataFromArray(np.linspace(*values, 64).reshape(4, 4, 4)))
    assert addToScene(node).GetDisplayNode() is not None
