"""NIfTI files are read with the values that they hold, NaN and infinity included; absurd headers are refused.

The files are written byte by byte here, so that no other program's idea of the format is asked.
"""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.command.cli import main  # noqa: E402
from SpatialDeconvLib.errors import InputError  # noqa: E402
from SpatialDeconvLib.mrml import files, scene, sequencefiles  # noqa: E402

CODES = {"f4": (16, 32), "f8": (64, 64), "i2": (4, 16), "u1": (2, 8)}


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def write_nifti(path, values, order="<", scale=(0.0, 0.0), offset=None, sizes=None):
    """Write an array (..., k, j, i) as NIfTI-1: one file, or the pair of which `path` names one."""
    code, bits = CODES[values.dtype.str[1:]]
    pair = path.suffix in (".hdr", ".img")
    sizes = values.shape[::-1] if sizes is None else sizes
    header = bytearray(348)
    struct.pack_into(f"{order}i", header, 0, 348)
    struct.pack_into(f"{order}8h", header, 40, len(sizes), *sizes, *[1] * (7 - len(sizes)))
    struct.pack_into(f"{order}2h", header, 70, code, bits)
    struct.pack_into(f"{order}8f", header, 76, 1, *[1.0] * 7)
    struct.pack_into(f"{order}3f", header, 108, (0 if pair else 352) if offset is None else offset, *scale)
    struct.pack_into(f"{order}2h", header, 252, 0, 1)  # the sform: index = position
    struct.pack_into(f"{order}12f", header, 280, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0)
    header[344:348] = b"ni1\0" if pair else b"n+1\0"
    voxels = values.astype(values.dtype.newbyteorder(order)).tobytes()
    if pair:
        path.with_suffix(".hdr").write_bytes(header)
        path.with_suffix(".img").write_bytes(voxels)
    else:
        whole = bytes(header) + bytes(4) + voxels
        path.write_bytes(gzip.compress(whole) if path.suffix == ".gz" else whole)
    return path


def holed(dtype="f4", shape=(3, 4, 5)):
    """An array with NaN and both infinities."""
    values = np.arange(1, 1 + np.prod(shape), dtype=dtype).reshape(shape)
    values.flat[[3, 17]], values.flat[[29]], values.flat[[58]] = np.nan, np.inf, -np.inf
    return values


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.hdr", "a.img", "A.NII"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_volumes_keep_nan_and_infinity(tmp_path, name, dtype, order):
    values = holed(dtype)
    node = files.readVolume(write_nifti(tmp_path / name, values, order))
    np.testing.assert_array_equal(scene.volumeArray(node), values)


def test_rescaled_volumes_keep_nan_and_infinity(tmp_path):
    values = holed("f8")
    node = files.readVolume(write_nifti(tmp_path / "a.nii.gz", values, scale=(-2.0, 3.0)))
    np.testing.assert_array_equal(scene.volumeArray(node), values * -2 + 3)


def test_vector_volumes_keep_nan_and_infinity(tmp_path):
    values = np.stack([holed(), holed()[::-1], 2 * holed()], axis=-1)
    sitk.WriteImage(sitk.GetImageFromArray(values, isVector=True), str(tmp_path / "v.nii"))
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(tmp_path / "v.nii")), values)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_sequences_keep_nan_and_infinity(tmp_path, dtype):
    values = holed(dtype, (4, 3, 4, 5))
    node = sequencefiles.readSequence(write_nifti(tmp_path / "s.nii.gz", values))
    frames = [scene.volumeArray(node.GetNthDataNode(n)) for n in range(node.GetNumberOfDataNodes())]
    np.testing.assert_array_equal(frames, values)


def test_more_voxels_than_are_looked_at_in_one_go_keep_their_nan(tmp_path, monkeypatch):
    monkeypatch.setattr("SpatialDeconvLib.formats.nifti._CHUNK", 7)
    values = holed()
    node = files.readVolume(write_nifti(tmp_path / "a.nii.gz", values))
    np.testing.assert_array_equal(scene.volumeArray(node), values)


def run(tmp_path, name, *options, operation="convolve"):
    kernel = tmp_path / "k.nrrd"
    sd.write_kernel(sd.gaussian_kernel((1.0, 1.0, 1.0), truncate=2), kernel)
    return main([operation, str(name), str(tmp_path / "o.nrrd"), "--kernels", str(kernel), "--quiet", *options])


def test_an_image_with_nan_is_refused_with_the_count_and_filled_on_request(tmp_path, capsys):
    path = write_nifti(tmp_path / "a.nii.gz", np.where(np.isfinite(holed()), np.float32(100), holed()))
    assert run(tmp_path, path) == 1
    assert "2 NaN and 2 infinite of 60 voxels" in capsys.readouterr().err
    assert run(tmp_path, path, "--nonfinite", "fill") == 0
    np.testing.assert_allclose(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "o.nrrd"))), 100, rtol=1e-6)


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("mask", "mask has 2 NaN"),
        ("guide", "2 NaN"),
        ("labels", "labels have 2 voxels that are no whole number"),
        ("reference", "reference: 2 values are not finite"),
    ],
)
def test_whatever_else_holds_nan_is_refused(tmp_path, capsys, role, words):
    image = write_nifti(tmp_path / "a.nii", np.ones((3, 4, 5), "f4"))
    other = write_nifti(tmp_path / "b.nii", np.where(np.isnan(holed()), np.float32(np.nan), np.float32(1)))
    sigma = '{"type": "gaussian", "sigma_mm": 1.0, "at": 1}'
    key = "region" if role == "labels" else "intensity"
    kernels = tmp_path / "set.json"
    kernels.write_text(f'{{"schema": "spatialdeconv-kernels/1", "key": "{key}", "kernels": [{sigma}]}}')
    options = ["--kernels", str(kernels), "--quiet", f"--{role}", str(other)]
    assert main(["deconvolve", str(image), str(tmp_path / "o.nrrd"), *options]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "o.nrrd").exists()


def test_a_segmentation_with_nan_is_refused(tmp_path):
    with pytest.raises(InputError, match="NaN or infinity, which are no segments"):
        files.readSegmentation(write_nifti(tmp_path / "a.nii", holed()))


@pytest.mark.parametrize("name", ["k.nii", "k.nii.gz", "k.hdr"])
def test_the_logarithm_of_zero_is_no_weight_in_a_nifti_kernel(tmp_path, name):
    weights = np.zeros((9, 9))
    weights[2:7, 3:6] = np.outer([1, 2, 4, 2, 1], [1, 2, 1])
    with np.errstate(divide="ignore"):
        path = write_nifti(tmp_path / name, np.log(weights)[np.newaxis].astype("f4"))
    np.testing.assert_allclose(sd.read_kernel(path, log=True).values, weights / weights.sum(), atol=1e-7)


def test_a_nifti_kernel_with_nan_is_refused(tmp_path):
    with pytest.raises(InputError, match="4 NaN or infinite of 60"):
        sd.read_kernel(write_nifti(tmp_path / "k.nii", holed()))


def test_a_nifti_weight_image_with_nan_is_refused(tmp_path):
    write_nifti(tmp_path / "w.nii", np.where(np.isnan(holed()), np.nan, 1.0))
    kernel = '{"type": "gaussian", "sigma_mm": 1.0, "at": "w.nii"}'
    (tmp_path / "s.json").write_text(
        f'{{"schema": "spatialdeconv-kernels/1", "key": "weights", "kernels": [{kernel}]}}'
    )
    with pytest.raises(InputError, match="negative, NaN or infinite"):
        sd.read_kernel_set(tmp_path / "s.json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"offset": np.inf},
        {"offset": np.nan},
        {"offset": -1e30},
        {"offset": 1e30},
        {"sizes": (5, 4, 3, 30000, 30000)},
    ],
)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_headers_that_cannot_be_are_refused_in_one_line(tmp_path, capsys, wrong, name):
    path = write_nifti(tmp_path / name, np.ones((3, 4, 5), "f4"), **wrong)
    assert run(tmp_path, path) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "damaged header" in error or "cut short" in error
    with pytest.raises(InputError, match=r"damaged header|cut short"):
        sd.read_kernel(path)


@pytest.mark.parametrize("offset", [0, 8, 347])
def test_voxels_within_the_header_are_refused(tmp_path, capsys, offset):
    path = write_nifti(tmp_path / "a.nii", np.ones((3, 4, 5), "f4"), offset=offset)  # ITK would begin at 348
    assert run(tmp_path, path) == 1
    assert f"its voxels begin at byte {offset}, within the header" in capsys.readouterr().err


@pytest.mark.parametrize("slope", [0.0, np.nan, np.inf])
def test_an_intercept_without_a_slope_is_refused(tmp_path, capsys, slope):
    path = write_nifti(tmp_path / "a.nii", np.ones((3, 4, 5), "f4"), scale=(slope, 5.0))  # which ITK adds
    assert run(tmp_path, path) == 1
    assert "adds 5 to all values (scl_inter) but says no scale" in capsys.readouterr().err
    path = write_nifti(tmp_path / "a.nii", np.ones((3, 4, 5), "f4"), scale=(slope, np.nan))
    assert run(tmp_path, path) == 0


@pytest.mark.parametrize("slope", [1e-17, -1e-20])
def test_a_slope_that_itk_takes_for_one_is_refused(tmp_path, capsys, slope):
    path = write_nifti(tmp_path / "a.nii", np.ones((3, 4, 5), "f4"), scale=(slope, 0.0))
    assert run(tmp_path, path) == 1
    assert f"multiplies its values by {slope:g} (scl_slope)" in capsys.readouterr().err
    values = files.readVolume(write_nifti(tmp_path / "b.nii", np.ones((3, 4, 5), "f4"), scale=(1e-15, 0.0)))
    np.testing.assert_allclose(scene.volumeArray(values), 1e-15, rtol=1e-6)


def test_more_axes_than_are_read_are_named(tmp_path, capsys):
    path = write_nifti(tmp_path / "a.nii", np.ones((2, 2, 3, 4, 5), "f4"))
    assert run(tmp_path, path) == 1
    assert "it has 5 axes, and at most four are read" in capsys.readouterr().err


def test_nan_as_text_in_a_vtk_file_is_refused(tmp_path):
    head = "# vtk DataFile Version 3.0\nx\nASCII\nDATASET STRUCTURED_POINTS\nDIMENSIONS 3 2 1\nSPACING 1 1 1\n"
    head += "ORIGIN 0 0 0\nPOINT_DATA 6\nSCALARS s float 1\nLOOKUP_TABLE default\n"
    (tmp_path / "a.vtk").write_text(head + "1 2 3 4 5 6\n")
    assert scene.volumeArray(files.readVolume(tmp_path / "a.vtk")).tolist() == [[[1, 2, 3], [4, 5, 6]]]
    (tmp_path / "b.vtk").write_text(head + "1 nan 3 4 5 6\n")
    with pytest.raises(InputError, match=r"b\.vtk holds NaN or infinity as text"):
        files.readVolume(tmp_path / "b.vtk")
