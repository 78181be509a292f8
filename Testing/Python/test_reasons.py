"""A file that cannot be used is refused with the reader's own reason; axes that are not straight are one, too."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from test_nifti import write_nifti  # noqa: E402

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.errors import InputError  # noqa: E402
from SpatialDeconvLib.formats.reasons import reason_of  # noqa: E402
from SpatialDeconvLib.mrml import files, nodes, scene, sequencefiles  # noqa: E402


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def write_nrrd(path, old=b"", new=b"", dimension=3):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((2, 3, 4, 5)[-dimension:], np.float32)), str(path))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


def write_sheared_nifti(path):
    """The x axis of the sform leans towards y."""
    content = bytearray(write_nifti(path, np.ones((3, 4, 5), "f4")).read_bytes())
    struct.pack_into("<12f", content, 280, -1, 0, 0, 0, 0.5, -1, 0, 0, 0, 0, 1, 0)
    path.write_bytes(content)
    return path


def write_second_nifti(path):
    header = bytearray(540)
    struct.pack_into("<i8s", header, 0, 540, b"n+2\0\r\n\x1a\n")
    path.write_bytes(bytes(header) + bytes(400))
    return path


def write_png_with_opacity(path):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", 4, 3, 8, 4, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(range(8)) for _ in range(3)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


CASES = {
    "a.nii": (write_sheared_nifti, "axes are sheared"),
    "2.nii": (write_second_nifti, "NIfTI-2"),
    "grey.png": (write_png_with_opacity, "grey with an opacity"),
    "shear.nrrd": (lambda path: write_nrrd(path, b"(0,1,0)", b"(0.5,1,0)"), "63.4 degrees, not at right angles"),
    "flat.nrrd": (lambda path: write_nrrd(path, b"(0,1,0)", b"(1,0,0)"), "two of its axes have one direction"),
    "zero.nrrd": (lambda path: write_nrrd(path, b"(0,1,0)", b"(0,0,0)"), "voxel size of 0"),
    "type.nrrd": (lambda path: write_nrrd(path, b"type: float", b"type: quad"), 'couldn\'t parse type "quad"'),
    "six.nii": (
        lambda path: write_nifti(path, np.ones((2, 2, 2, 2, 3, 4), "f4")),
        "holds 8 volumes|has 6 axes",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_reason_of_the_reader_is_shown(tmp_path, capfd, name):
    write, reason = CASES[name]
    path = write(tmp_path / name)
    for reader in (files.readVolume, sd.read_kernel):
        with pytest.raises(InputError, match=reason) as error:
            reader(path)
        assert "damaged" not in str(error.value)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    assert files.ensureScene().GetNumberOfNodes() == 0
    assert capfd.readouterr().err == ""


def test_a_kernel_of_one_time_point_is_read(tmp_path):
    values = np.outer([1, 2, 1], [1, 4, 1]).astype("f4")
    kernel = sd.read_kernel(write_nifti(tmp_path / "k.nii", values[np.newaxis, np.newaxis]))
    np.testing.assert_allclose(kernel.values, values / values.sum(), rtol=1e-7)


def test_a_sheared_sequence_is_refused(tmp_path):
    sequence = slicer.vtkMRMLSequenceNode()
    for number in range(3):
        frame = slicer.vtkMRMLScalarVolumeNode()
        frame.SetAndObserveImageData(scene.imageDataFromArray(np.ones((3, 4, 5), np.float32)))
        sequence.SetDataNodeAtValue(frame, str(number))
    path = tmp_path / "s.seq.nrrd"
    sequencefiles.writeSequence(sequence, path)
    content = path.read_bytes()
    (directions,) = [
        line for line in content.split(b"\n\n")[0].splitlines() if line.startswith(b"space directions")
    ]
    assert b"(0,-1,0)" in directions
    path.write_bytes(content.replace(directions, directions.replace(b"(0,-1,0)", b"(0.5,-1,0)")))
    with pytest.raises(InputError, match="not at right angles"):
        sequencefiles.readSequence(path)


def test_a_sheared_volume_node_is_refused():
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName("tilted")
    node.SetAndObserveImageData(scene.imageDataFromArray(np.ones((3, 4, 5), np.float32)))
    matrix = np.diag([1.0, 1.0, 3.0, 1.0])
    matrix[1, 2] = 1.5
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(matrix))
    files.ensureScene().AddNode(node)
    with pytest.raises(InputError, match=r"inputVolume 'tilted' has axes at 63\.4 degrees"):
        nodes.convolveVolume(node, sd.ParametricKernel("gaussian", sigma_mm=1.0))


def test_axes_that_are_straight_but_for_single_precision_are_taken(tmp_path):
    angle = np.radians(31)
    image = sitk.GetImageFromArray(np.ones((3, 4, 5), np.float32))
    turned = np.float32([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    image.SetDirection(turned.astype(float).ravel())
    for name in ("a.nrrd", "a.nii", "a.mha"):
        sitk.WriteImage(image, str(tmp_path / name))
        assert files.readVolume(tmp_path / name).GetSpacing() == pytest.approx((1, 1, 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ""),
        (
            "Exception thrown in x.cxx:3:\nITK ERROR: BMPImageIO(0x5f): Only depths of 8. Not 1",
            "Only depths of 8. Not 1",
        ),
        ("itk::ERROR: X(0x1): y\n[nrrd] _nrrdRead: trouble\n[nrrd] _nrrdParse: no such type", "no such type"),
        ("ERROR: In vtkExecutive.cxx, line 729\n", ""),
        ("a\nReason: No space left on device", "No space left on device"),
        ("a\nReason: No such file or directory", ""),
        ("ITK ERROR: " + "x" * 5000, "x" * 200),
    ],
)
def test_one_line_tells_why(text, reason):
    assert reason_of(text) == reason


def test_names_without_an_extension_are_no_known_format(tmp_path):
    (tmp_path / "what").write_bytes(b"what")
    with pytest.raises(InputError, match="no known format"):
        files.readVolume(Path(tmp_path / "what"))


@pytest.mark.parametrize(("dtype", "value"), [(np.int64, 2**53), (np.int64, -(2**53)), (np.uint64, 2**53)])
def test_whole_numbers_that_double_does_not_hold_are_refused(tmp_path, dtype, value):
    values = np.full((2, 3, 4), value, dtype)
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "a.nrrd"))
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(tmp_path / "a.nrrd")), values)
    values[1, 1, 1] += 1 if value > 0 else -1
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "b.nrrd"))
    with pytest.raises(InputError, match=r"beyond 2\^53"):
        files.readVolume(tmp_path / "b.nrrd")
