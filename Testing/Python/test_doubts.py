"""Files that say no voxel size, or two, or hold more than their voxels: told, or refused."""

import gzip
import json
import struct

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.command.cli import main
from SpatialDeconvLib.formats.trailing import bytes_behind

VALUES = (100 + np.add.outer(np.add.outer(np.arange(4.0), np.arange(7.0) ** 2), np.arange(6.0))).astype("<f4")
NAN = float("nan")
MATRIX = np.hstack([np.diag([2.0, 3.0, 4.0]), np.zeros((3, 1))])
SIZES = (2.0, 3.0, 4.0)


def nifti(path, pixdim=SIZES, matrix=None, quaternion=None, behind=b"", axes=3):
    """Write VALUES as NIfTI-1, the header by the standard's table of bytes; .hdr: as Analyze."""
    header = bytearray(348 if path.suffix == ".hdr" else 352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, axes, 6, 7, 4, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 16, 32)
    struct.pack_into("<8f", header, 76, 1, *pixdim, 1, 1, 1, 1)
    if path.suffix == ".hdr":
        path.write_bytes(header)
        path.with_suffix(".img").write_bytes(VALUES.tobytes() + behind)
        return path
    struct.pack_into("<f", header, 108, 352)
    header[123] = 2  # mm
    struct.pack_into("<2h", header, 252, quaternion is not None, matrix is not None)
    struct.pack_into("<6f", header, 256, *(quaternion or [0.0] * 6))
    struct.pack_into("<12f", header, 280, *np.ravel(np.zeros(12) if matrix is None else matrix))
    header[344:348] = b"n+1\0"
    content = bytes(header) + VALUES.tobytes() + behind
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def nrrd(path, *lines, behind=b"", encoding="raw", detached=False):
    fields = ["NRRD0004", "type: float", "dimension: 3", "sizes: 6 7 4", "endian: little", f"encoding: {encoding}"]
    data = VALUES.tobytes() + behind
    data = gzip.compress(data) if encoding == "gzip" else data
    if detached:
        path.with_suffix(".raw").write_bytes(data)
        fields.append(f"data file: {path.with_suffix('.raw').name}")
        data = b""
    path.write_bytes("\n".join([*fields, *lines, "", ""]).encode() + data)
    return path


def metaimage(path, *lines, behind=b""):
    fields = ["ObjectType = Image", "NDims = 3", "BinaryData = True", "DimSize = 6 7 4", *lines]
    data = "LOCAL" if path.suffix == ".mha" else path.with_suffix(".raw").name
    header = "\n".join([*fields, "ElementType = MET_FLOAT", f"ElementDataFile = {data}", ""]).encode()
    if path.suffix == ".mha":
        path.write_bytes(header + VALUES.tobytes() + behind)
    else:
        path.write_bytes(header)
        path.with_suffix(".raw").write_bytes(VALUES.tobytes() + behind)
    return path


def told(capsys, path, *more, kernel="gaussian"):
    """What the command warns of when it works on a file, and its exit status."""
    name = path.parent / ("k.json" if kernel == "gaussian" else "k.npy")
    if kernel == "gaussian":
        kernels = [{"type": "gaussian", "sigma_mm": 1.5}]
        name.write_text(json.dumps({"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": kernels}))
    else:
        np.save(name, np.ones((3, 3, 3)))
    done = main([
        "convolve", str(path), str(path.parent / "o.nrrd"), "--quiet", "--kernels", str(name), "--normalize", *more,
    ])  # fmt: skip
    return done, capsys.readouterr().err


# -- voxel sizes

NO_SIZE = {
    "zero.nii": lambda path: nifti(path, (0.0, 0.0, 0.0)),
    "nan.nii.gz": lambda path: nifti(path, (NAN, NAN, NAN)),
    "zero.hdr": lambda path: nifti(path, (0.0, 0.0, 0.0)),
    "none.nrrd": nrrd,
    "nan.nrrd": lambda path: nrrd(path, "spacings: nan nan nan"),
    "none.mha": metaimage,
}


@pytest.mark.parametrize("name", NO_SIZE)
def test_a_file_without_a_voxel_size_is_told_where_kernels_are_in_mm(tmp_path, capsys, name):
    path = NO_SIZE[name](tmp_path / name)
    done, text = told(capsys, path)
    assert done == 0
    assert f"{name} says no voxel size: 1 mm was taken" in text
    assert "(--spacing)" in text
    assert told(capsys, path, "--spacing", "4", "3", "2") == (0, "")
    assert told(capsys, path, kernel="npy") == (0, "")  # which is in the image's voxels, whatever their size


@pytest.mark.parametrize("name", NO_SIZE)
def test_a_kernel_file_without_a_voxel_size_is_in_the_images_voxels(tmp_path, name):
    assert sd.read_kernel(NO_SIZE[name](tmp_path / name)).in_voxels


@pytest.mark.parametrize(
    ("name", "write", "axis"),
    [
        ("a.nii", lambda path: nifti(path, (2.0, 3.0, 0.0)), "k"),
        ("a.nii.gz", lambda path: nifti(path, (NAN, 3.0, 4.0)), "i"),
        ("a.hdr", lambda path: nifti(path, (2.0, float("inf"), 4.0)), "j"),
        ("a.nrrd", lambda path: nrrd(path, "spacings: 2 3 nan"), "k"),
        ("b.nrrd", lambda path: nrrd(path, "space dimension: 3", "space directions: none (0,3,0) (0,0,4)"), "i"),
    ],
)
def test_axes_without_a_voxel_size_are_named(tmp_path, capsys, name, write, axis):
    path = write(tmp_path / name)
    done, text = told(capsys, path)
    assert done == 0
    assert f"{name} says no voxel size on {axis}: 1 mm was taken there" in text
    assert f"no voxel size on {axis}" in " ".join(sd.read_kernel(path).check())


def test_a_single_slice_needs_no_thickness(tmp_path, capsys):
    path = tmp_path / "flat.nii"
    content = bytearray(nifti(path, (2.0, 3.0, 0.0)).read_bytes()[: 352 + 6 * 7 * 4])
    struct.pack_into("<4h", content, 40, 3, 6, 7, 1)
    path.write_bytes(content)
    assert told(capsys, path) == (0, "")


def test_two_voxel_sizes_in_one_file_are_told(tmp_path, capsys):
    done, text = told(capsys, nifti(tmp_path / "two.nii", (1.0, 1.0, 1.0), MATRIX))
    assert done == 0
    assert "two.nii says two voxel sizes, 1 x 1 x 1 (pixdim) and 4 x 3 x 2 (sform)" in text
    assert told(capsys, nifti(tmp_path / "one.nii", SIZES, MATRIX)) == (0, "")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"matrix": MATRIX * NAN}, "its sform holds NaN"),
        ({"matrix": MATRIX * 0}, "its sform gives voxels no size"),
        ({"quaternion": [0.0, 0.0, NAN, 0.0, 0.0, 0.0]}, "its qform holds NaN"),
    ],
)
def test_voxels_that_lie_nowhere_are_refused(tmp_path, capsys, words, reason):
    done, text = told(capsys, nifti(tmp_path / "a.nii", **words))
    assert done == 1
    assert text.count("\n") == 1
    assert reason in text
    with pytest.raises(sd.InputError, match=reason):
        sd.read_kernel(tmp_path / "a.nii")


# -- bytes behind the voxels

EXTRA = b"\1" * 37
BEHIND = {
    "a.nii": lambda path, extra: nifti(path, behind=extra),
    "a.nii.gz": lambda path, extra: nifti(path, behind=extra),
    "a.hdr": lambda path, extra: nifti(path, behind=extra),
    "a.nrrd": lambda path, extra: nrrd(path, "spacings: 2 3 4", behind=extra),
    "gz.nrrd": lambda path, extra: nrrd(path, "spacings: 2 3 4", behind=extra, encoding="gzip"),
    "a.nhdr": lambda path, extra: nrrd(path, "spacings: 2 3 4", behind=extra, detached=True),
    "a.mha": lambda path, extra: metaimage(path, "ElementSpacing = 2 3 4", behind=extra),
    "a.mhd": lambda path, extra: metaimage(path, "ElementSpacing = 2 3 4", behind=extra),
}


@pytest.mark.parametrize("name", BEHIND)
def test_bytes_behind_the_voxels_are_told(tmp_path, capsys, name):
    assert told(capsys, BEHIND[name](tmp_path / name, b"")) == (0, "")
    path = BEHIND[name](tmp_path / name, EXTRA)
    done, text = told(capsys, path)
    assert done == 0
    assert f"{name} holds 37 bytes behind its voxels that were not read" in text
    assert "37 bytes behind" in " ".join(sd.read_kernel(path).check())


def test_bytes_that_a_header_leaves_out_in_front_are_no_bytes_behind(tmp_path):
    path = nrrd(tmp_path / "skip.nrrd", "spacings: 2 3 4", "byte skip: -1", behind=EXTRA)
    assert bytes_behind(path) == 0
    assert bytes_behind(nrrd(tmp_path / "b.nrrd", "byte skip: 30", behind=EXTRA)) == 7
    assert bytes_behind(metaimage(tmp_path / "c.mhd", "HeaderSize = 30", behind=EXTRA)) == 7
    assert bytes_behind(metaimage(tmp_path / "d.mhd", "HeaderSize = -1", behind=EXTRA)) == 0


@pytest.mark.parametrize("name", ["o.nrrd", "o.nhdr", "o.mha", "o.mhd", "o.nii", "o.nii.gz"])
def test_files_that_are_written_hold_nothing_behind_their_voxels(tmp_path, capsys, name):
    told(capsys, nifti(tmp_path / "a.nii"))
    source, target = str(tmp_path / "a.nii"), str(tmp_path / name)
    assert main(["convolve", source, target, "--kernels", str(tmp_path / "k.json"), "--quiet"]) == 0
    assert bytes_behind(tmp_path / name) == 0


def test_a_second_array_in_an_npy_file_is_refused(tmp_path):
    with (tmp_path / "two.npy").open("wb") as file:
        np.save(file, np.ones((3, 3)))
        np.save(file, np.ones((5, 5)))
    with pytest.raises(sd.InputError, match=r"bytes behind its array; save every array in a file of its own"):
        sd.read_kernel(tmp_path / "two.npy")


def test_masks_and_guides_are_looked_at_too(tmp_path, capsys):
    image = nifti(tmp_path / "a.nii")
    mask = nifti(tmp_path / "m.nii", behind=EXTRA)
    done, text = told(capsys, image, "--mask", str(mask))
    assert done == 0
    assert "m.nii holds 37 bytes behind" in text


def test_a_check_before_a_run_tells_it_too(tmp_path, capsys):
    image = nifti(tmp_path / "a.nii", (0.0, 0.0, 0.0), behind=EXTRA)
    told(capsys, nrrd(tmp_path / "b.nrrd"))  # which writes k.json
    main(["check", str(image), "--kernels", str(tmp_path / "k.json")])
    said = "".join(capsys.readouterr())
    assert "a.nii says no voxel size: 1 mm was taken" in said
    assert "37 bytes behind" in said


def test_the_kernel_of_a_pair_without_a_voxel_size_is_told_to_be_of_1_mm(tmp_path, capsys):
    rng = np.random.default_rng(0)
    original = rng.random((1, 40, 40)).astype(np.float32)
    blurred = sd.convolve(original[0], sd.gaussian_kernel(1.0, ndim=2), spacing=1.0).image[None]
    for name, values in (("o.nrrd", original), ("b.nrrd", blurred)):
        header = "NRRD0004\ntype: float\ndimension: 3\nsizes: 40 40 1\nendian: little\nencoding: raw\n\n"
        (tmp_path / name).write_bytes(header.encode() + values.astype("<f4").tobytes())
    pair, output = [str(tmp_path / "o.nrrd"), str(tmp_path / "b.nrrd")], str(tmp_path / "k.nrrd")
    assert main(["estimate", *pair, "--size", "1", "7", "7", "--output", output]) == 0
    assert "b.nrrd says no voxel size" in capsys.readouterr().err
    assert main(["estimate", *pair, "--size", "1", "7", "7", "--output", output, "--spacing", "1", "2", "2"]) == 0
    assert "voxel size" not in capsys.readouterr().err
