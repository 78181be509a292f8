"""Files to nodes and back: geometry, values, bad files, and writing whole or not at all."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.errors import InputError  # noqa: E402
from SpatialDeconvLib.mrml import files, recipe, scene  # noqa: E402

VOLUME_FORMATS = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
SINGLE_PRECISION_GEOMETRY = (".nii", ".nii.gz")
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def obliqueMatrix(seed=3):
    """A right-handed index-to-RAS matrix with three spacings and no straight axis."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.sign(np.linalg.det(axes)) @ np.diag([0.5, 0.7, 2.0])
    matrix[:3, 3] = [-50, 33.3, 77.7]
    return matrix


def makeVolume(array, matrix=None, name="v"):
    vector = array.ndim == 4
    node = slicer.vtkMRMLVectorVolumeNode() if vector else slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    node.SetAndObserveImageData(scene.imageDataFromArray(array))
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(obliqueMatrix() if matrix is None else matrix))
    files.ensureScene().AddNode(node)
    return node


def sitkMatrix(image):
    """Index to RAS, from SimpleITK's own account of an image."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return LPS @ matrix


def nodeCount():
    return files.ensureScene().GetNumberOfNodes()


def randomArray(dtype=np.float32, shape=(5, 6, 7), seed=0):
    return (np.random.default_rng(seed).normal(size=shape) * 40 + 100).clip(0, 250).astype(dtype)


# -- round trips


@pytest.mark.parametrize("suffix", VOLUME_FORMATS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_a_volume_survives_writing_and_reading(tmp_path, suffix, dtype):
    array = randomArray(dtype)
    path = tmp_path / f"my.volume{suffix}"
    assert files.writeVolume(makeVolume(array), path) == []
    other = sitk.ReadImage(str(path))  # another reader agrees with what was written
    node = files.readVolume(path)
    tolerance = 1e-5 if suffix in SINGLE_PRECISION_GEOMETRY else 1e-9
    assert node.GetName() == "my.volume"
    assert node.GetClassName() == "vtkMRMLScalarVolumeNode"
    for values, matrix in (
        (sitk.GetArrayFromImage(other), sitkMatrix(other)),
        (scene.volumeArray(node), scene.ijkToRas(node)),
    ):
        np.testing.assert_array_equal(values, array)
        assert values.dtype == dtype
        np.testing.assert_allclose(matrix, obliqueMatrix(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha", ".mhd"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_vector_volume_survives_writing_and_reading(tmp_path, suffix, dtype):
    array = randomArray(dtype, (3, 4, 5, 3))
    path = tmp_path / f"v{suffix}"
    files.writeVolume(makeVolume(array), path)
    node = files.readVolume(path)
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    np.testing.assert_array_equal(scene.volumeArray(node), array)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_picture_survives_writing_and_reading(tmp_path, suffix, dtype, channels):
    array = randomArray(dtype, (1, 8, 9, *channels))
    path = tmp_path / f"p{suffix}"
    warnings = files.writeVolume(makeVolume(array), path)
    assert len(warnings) == 1
    assert "directions" in warnings[0]
    node = files.readVolume(path)
    values = scene.volumeArray(node)
    assert values.dtype == dtype
    np.testing.assert_array_equal(values, array)
    assert node.IsA("vtkMRMLVectorVolumeNode") == bool(channels)


def test_a_stack_of_float_slices_survives_tiff(tmp_path):
    array = randomArray(np.float32, (4, 8, 9))
    files.writeVolume(makeVolume(array), tmp_path / "stack.tif")
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(tmp_path / "stack.tif")), array)


def test_jpeg_is_read_as_one_slice_with_slicers_default_directions(tmp_path):
    j, i = np.mgrid[0:32, 0:40]
    sitk.WriteImage(sitk.GetImageFromArray((j * 3 + i * 2).astype(np.uint8)), str(tmp_path / "a.jpg"))
    node = files.readVolume(tmp_path / "a.jpg")
    values = scene.volumeArray(node)
    assert values.shape == (1, 32, 40)
    assert np.abs(values[0].astype(int) - (j * 3 + i * 2)).max() <= 6  # JPEG is lossy
    np.testing.assert_array_equal(scene.ijkToRas(node), LPS)


def test_jpeg_is_written(tmp_path):
    array = np.add.outer(np.arange(16) * 5, np.arange(24) * 4).astype(np.uint8)[np.newaxis]
    files.writeVolume(makeVolume(array, np.diag([-1.0, -1.0, 1, 1])), tmp_path / "a.jpg")
    assert np.abs(scene.volumeArray(files.readVolume(tmp_path / "a.jpg")).astype(int) - array).max() <= 6


def test_a_colour_png_with_opacity_has_four_channels(tmp_path):
    array = randomArray(np.uint8, (8, 9, 4))
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=True), str(tmp_path / "a.png"))
    node = files.readVolume(tmp_path / "a.png")
    assert scene.volumeArray(node).shape == (1, 8, 9, 4)
    assert node.GetVoxelVectorType() == node.VoxelVectorTypeColorRGBA


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_64_bit_integers_keep_all_their_digits(tmp_path, suffix):
    array = np.array([[[2**40 + 1, 16777217, -3]]], dtype=np.int64)
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / f"a{suffix}"))
    values = scene.volumeArray(files.readVolume(tmp_path / f"a{suffix}"))
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, array)


def test_a_2d_nrrd_becomes_one_slice(tmp_path):
    image = sitk.GetImageFromArray(randomArray(np.float32, (6, 7)))
    image.SetSpacing((0.25, 0.4))
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    node = files.readVolume(tmp_path / "a.nrrd")
    assert scene.volumeArray(node).shape == (1, 6, 7)
    np.testing.assert_allclose(scene.spacingOf(node)[1:], (0.4, 0.25), rtol=1e-12)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz", ".png"])
def test_a_slice_among_numbered_ones_is_read_alone(tmp_path, suffix):
    for number in range(3):
        plane = sitk.GetImageFromArray(randomArray(np.uint8, (6, 7), seed=number))
        sitk.WriteImage(plane, str(tmp_path / f"s{number:03}{suffix}"))
    values = scene.volumeArray(files.readVolume(tmp_path / f"s001{suffix}"))
    np.testing.assert_array_equal(values, randomArray(np.uint8, (1, 6, 7), seed=1))


def test_names_that_are_no_ascii(tmp_path):
    path = tmp_path / "größe 図.nrrd"
    files.writeVolume(makeVolume(randomArray()), path)
    node = files.readVolume(path)
    assert node.GetName() == "größe 図"
    np.testing.assert_array_equal(scene.volumeArray(node), randomArray())


def test_a_file_read_twice_gives_two_names(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(randomArray()), str(tmp_path / "a.nrrd"))
    assert files.readVolume(tmp_path / "a.nrrd").GetName() != files.readVolume(tmp_path / "a.nrrd").GetName()


def test_writing_leaves_the_scene_and_the_node_alone(tmp_path):
    node = makeVolume(randomArray())
    before, modified = nodeCount(), node.GetMTime()
    files.writeVolume(node, tmp_path / "a.nrrd")
    assert nodeCount() == before
    assert node.GetMTime() == modified
    assert node.GetStorageNode() is None


def test_the_parent_transform_that_a_file_cannot_hold_is_named(tmp_path):
    node = makeVolume(randomArray())
    transform = files.ensureScene().AddNewNodeByClass("vtkMRMLLinearTransformNode", "Bed")
    node.SetAndObserveTransformNodeID(transform.GetID())
    (warning,) = files.writeVolume(node, tmp_path / "a.nrrd")
    assert "'Bed'" in warning


# -- label maps and segmentations


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha", ".png"])
def test_a_label_map_is_read_as_a_label_map_node(tmp_path, suffix):
    shape = (6, 7) if suffix == ".png" else (5, 6, 7)
    labels = np.random.default_rng(0).integers(0, 4, shape).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / f"l{suffix}"))
    node = files.readLabelMap(tmp_path / f"l{suffix}")
    assert node.GetClassName() == "vtkMRMLLabelMapVolumeNode"
    np.testing.assert_array_equal(scene.volumeArray(node), labels.reshape((-1, *shape[-2:])))


def test_overlapping_segments_survive_a_segmentation_file(tmp_path):
    node = slicer.vtkMRMLSegmentationNode()
    files.ensureScene().AddNode(node)
    masks = np.zeros((2, 5, 6, 7), dtype=np.uint8)
    masks[0, 1:4, 1:4, 1:5] = 1
    masks[1, 2:5, 2:6, 3:7] = 1
    for name, mask in zip(("one", "two"), masks, strict=True):
        image = slicer.vtkOrientedImageData()
        image.ShallowCopy(scene.imageDataFromArray(mask))
        image.SetImageToWorldMatrix(scene.vtkFromMatrix(obliqueMatrix()))
        node.AddSegmentFromBinaryLabelmapRepresentation(image, name, (1, 0, 0))
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "s.seg.nrrd"))
    assert storage.WriteData(node)

    read = files.readSegmentation(tmp_path / "s.seg.nrrd")
    segmentation = read.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    assert [segmentation.GetSegment(s).GetName() for s in ids] == ["one", "two"]
    for segment, mask in zip(ids, masks, strict=True):
        image = slicer.vtkOrientedImageData()
        assert read.GetBinaryLabelmapRepresentation(segment, image)
        extent = image.GetExtent()
        k, j, i = (slice(extent[2 * axis], extent[2 * axis + 1] + 1) for axis in (2, 1, 0))
        values = scene.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        np.testing.assert_array_equal(values.reshape(image.GetDimensions()[::-1]), mask[k, j, i])
        assert mask.sum() == mask[k, j, i].sum()


def test_a_label_map_file_can_be_read_as_a_segmentation(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(4, dtype=np.uint8).reshape(1, 2, 2)), str(tmp_path / "l.nrrd"))
    assert files.readSegmentation(tmp_path / "l.nrrd").GetSegmentation().GetNumberOfSegments() == 3


def test_a_segmentation_file_is_known_by_its_name():
    assert files.isSegmentation("a/B.SEG.NRRD")
    assert not files.isSegmentation("a/b.nrrd")


# -- DICOM


def writeSeries(folder, uid="1.2.826.0.1.3680043.2.1125.1", count=6, leaveOut=(), slope=2, reverse=False):
    """Write slices with SimpleITK; return the rescaled values (k, j, i) and the index-to-RAS matrix."""
    folder.mkdir(exist_ok=True)
    stored = np.random.default_rng(1).integers(0, 1000, (count, 7, 8)).astype(np.int16)
    values = (stored * slope - 1000).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    matrix = LPS @ obliqueMatrix(5)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    axes = matrix[:3, :3] / spacing
    image.SetSpacing(spacing)
    image.SetOrigin(matrix[:3, 3])
    image.SetDirection(axes.ravel())
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in set(range(count)) - set(leaveOut):
        plane = image[:, :, k]
        for tag, text in {
            "0008|0060": "CT",
            "0008|103e": f"Series {uid[-1]}",
            "0008|0018": f"{uid}.{k + 1}",
            "0020|000d": "1.2.826.0.1.3680043.2.1125",
            "0020|000e": uid,
            "0020|0013": str(k + 1),
            "0020|0032": "\\".join(f"{x:.10f}" for x in image.TransformIndexToPhysicalPoint((0, 0, k))),
            "0020|0037": "\\".join(f"{x:.12f}" for x in (*axes[:, 0], *axes[:, 1])),
            "0028|1052": "-1000",
            "0028|1053": str(slope),
        }.items():
            plane.SetMetaData(tag, text)
        number = count - k if reverse else k
        writer.SetFileName(str(folder / f"{uid[-1]}-{number:03}.dcm"))
        writer.Execute(plane)
    return values, LPS @ matrix


@pytest.mark.parametrize("reverse", [False, True])
def test_a_dicom_series_folder_has_right_geometry_and_rescaled_values(tmp_path, reverse):
    values, matrix = writeSeries(tmp_path / "dicom", reverse=reverse)
    node = files.readVolume(tmp_path / "dicom")
    np.testing.assert_array_equal(scene.volumeArray(node), values)
    np.testing.assert_allclose(scene.ijkToRas(node), matrix, rtol=0, atol=1e-8)
    assert node.GetName() == "Series 1"


def test_a_fractional_rescale_slope_gives_fractional_values(tmp_path):
    values, _ = writeSeries(tmp_path / "dicom", slope=2)
    for file in (tmp_path / "dicom").iterdir():  # same stored numbers, slope .5: ITK cannot write that itself
        content = file.read_bytes()
        tag = b"\x28\x00\x53\x10\x02\x00\x00\x00"
        assert content.count(tag + b"2 ") == 1
        file.write_bytes(content.replace(tag + b"2 ", tag + b".5"))
    expected = (values.astype(float) + 1000) / 2 * 0.5 - 1000
    np.testing.assert_allclose(scene.volumeArray(files.readVolume(tmp_path / "dicom")), expected, rtol=1e-12)


def test_several_series_in_a_folder_are_listed_and_one_file_chooses(tmp_path):
    writeSeries(tmp_path / "dicom", uid="1.2.826.0.1.3680043.2.1125.1")
    values, _ = writeSeries(tmp_path / "dicom", uid="1.2.826.0.1.3680043.2.1125.2", count=4)
    with pytest.raises(InputError, match=r"2 DICOM series.*'Series 1' \(6 files.*'Series 2' \(4 files") as error:
        files.readVolume(tmp_path / "dicom")
    assert "\n" not in str(error.value)
    assert nodeCount() == 0
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(tmp_path / "dicom" / "2-001.dcm")), values)


def test_a_series_with_a_missing_slice_is_refused(tmp_path):
    writeSeries(tmp_path / "dicom", leaveOut=(2,))
    with pytest.raises(InputError, match="not evenly spaced"):
        files.readVolume(tmp_path / "dicom")
    assert nodeCount() == 0


def test_a_folder_without_dicom_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="holds no DICOM series"):
        files.readVolume(tmp_path)


# -- bad files


def badFiles(folder):
    good = {}
    for suffix in VOLUME_FORMATS:
        path = folder / f"good{suffix}"
        files.writeVolume(makeVolume(randomArray()), path)
        good[suffix] = path.read_bytes()
    (folder / "good.zraw").unlink()
    (folder / "good.raw.gz").unlink()
    contents = {
        "text.nrrd": b"hello",
        "zeros.nii": bytes(400),
        "header.mha": b"ObjectType = Image\nNDims = 3\n",
        "picture.png": b"not a picture",
        "empty.jpg": b"",
        "what.xyz": b"what",
        **{f"cut{suffix}": good[suffix][:-300] for suffix in (".nrrd", ".mha", ".nii", ".nii.gz")},
        "alone.nhdr": good[".nhdr"].replace(b"good", b"gone"),
        "alone.mhd": good[".mhd"].replace(b"good", b"gone"),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    files.ensureScene().Clear(1)
    return sorted(contents)


@pytest.mark.parametrize("read", [files.readVolume, files.readLabelMap])
def test_bad_files_give_one_line_with_the_path_and_nothing_on_the_terminal(tmp_path, capfd, read):
    names = badFiles(tmp_path)
    capfd.readouterr()
    for name in names:
        with pytest.raises(InputError, match=r"; |: ") as error:
            read(tmp_path / name)
        message = str(error.value)
        assert str(tmp_path / name) in message
        assert "\n" not in message
        assert len(message) < 500
    assert nodeCount() == 0
    assert capfd.readouterr() == ("", "")


def test_a_bad_segmentation_file_gives_one_line_and_nothing_on_the_terminal(tmp_path, capfd):
    (tmp_path / "s.seg.nrrd").write_text("hello")
    with pytest.raises(InputError, match=r"s\.seg\.nrrd cannot be read") as error:
        files.readSegmentation(tmp_path / "s.seg.nrrd")
    assert "\n" not in str(error.value)
    assert nodeCount() == 0
    assert capfd.readouterr() == ("", "")


def test_a_missing_data_file_is_named(tmp_path):
    badFiles(tmp_path)
    with pytest.raises(InputError, match=r"data file gone\.zraw is missing"):
        files.readVolume(tmp_path / "alone.mhd")


@pytest.mark.parametrize("read", [files.readVolume, files.readLabelMap, files.readSegmentation])
def test_a_missing_file_is_refused(tmp_path, read):
    with pytest.raises(InputError, match=r"none\.nrrd does not exist; check the path"):
        read(tmp_path / "none.nrrd")


def test_a_complex_file_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 4, 5), np.complex64)), str(tmp_path / "c.nrrd"))
    with pytest.raises(InputError, match=r"complex \(complex of 32-bit float\)"):
        files.readVolume(tmp_path / "c.nrrd")


def test_a_sequence_of_volumes_is_refused(tmp_path):
    image = sitk.JoinSeries([sitk.GetImageFromArray(randomArray(seed=n)) for n in range(3)])
    sitk.WriteImage(image, str(tmp_path / "t.nii.gz"))
    with pytest.raises(InputError, match="holds 3 volumes"):
        files.readVolume(tmp_path / "t.nii.gz")


# -- writing whole or not at all


@pytest.mark.parametrize(
    ("name", "array", "match"),
    [
        ("a.xyz", randomArray(), "extension '.xyz'"),
        ("noextension", randomArray(), "extension ''"),
        ("a.png", randomArray(), "PNG holds only uint8 or uint16, not float32"),
        ("a.jpg", randomArray(np.uint16, (1, 4, 5)), "JPEG holds only uint8, not uint16"),
        ("a.jpg", randomArray(np.uint8, (1, 4, 5, 4)), "no pixels of 4 values"),
        ("a.png", randomArray(np.uint8), "PNG holds one slice, not 5"),
        ("a.tif", randomArray(np.float64), "TIFF holds only"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_the_remedy(tmp_path, name, array, match):
    with pytest.raises(InputError, match=match) as error:
        files.writeVolume(makeVolume(array), tmp_path / name)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_type_that_slicer_cannot_write_is_refused(tmp_path):
    node = makeVolume(randomArray())
    node.GetImageData().AllocateScalars(16, 1)  # VTK_LONG_LONG
    with pytest.raises(InputError, match="long long cannot be written"):
        files.writeVolume(node, tmp_path / "a.nrrd")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_and_a_folder_as_file_are_refused(tmp_path):
    node = makeVolume(randomArray())
    with pytest.raises(FileNotFoundError, match="does not exist; create it first"):
        files.writeVolume(node, tmp_path / "none" / "a.nrrd")
    (tmp_path / "f.nrrd").mkdir()
    with pytest.raises(IsADirectoryError, match="give a file name"):
        files.writeVolume(node, tmp_path / "f.nrrd")


def test_an_unwritable_folder_is_refused(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("tempfile.mkdtemp", refuse)  # root may write anywhere, so chmod would not do
    with pytest.raises(PermissionError, match=r"cannot be written \(Permission denied\); choose another folder"):
        files.checkWritable(tmp_path / "a.nrrd")


@contextlib.contextmanager
def filesNoLargerThan(size):
    resource = pytest.importorskip("resource", reason="file size limits are a thing of Unix")
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("suffix", [*VOLUME_FORMATS, ".tif"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_writer_that_fails_half_way_leaves_the_old_file_or_none(tmp_path, capfd, suffix, existing):
    path = tmp_path / f"a{suffix}"
    if existing:
        files.writeVolume(makeVolume(randomArray()), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    big = makeVolume(np.random.default_rng(0).normal(size=(50, 60, 70)).astype(np.float32))
    with (
        filesNoLargerThan(400_000),
        pytest.raises(OSError, match="was not written") as error,
    ):
        files.writeVolume(big, path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_nifti_file_of_which_nothing_could_be_written_is_noticed(tmp_path, suffix):
    with filesNoLargerThan(0), pytest.raises(OSError, match="was not written"):
        files.writeVolume(makeVolume(randomArray()), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_with_the_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Usage(10, 9, 1024))
    monkeypatch.setattr(files.writing, "_writeWithStorageNode", lambda node, path: "no space left")
    with pytest.raises(OSError, match=r"the disk is full \(0\.0 MiB free, the volume has 0\.\d MiB\)"):
        files.writeVolume(makeVolume(randomArray(shape=(20, 60, 70))), tmp_path / "a.nrrd")


class _Usage:
    def __init__(self, total, used, free):
        self.total, self.used, self.free = total, used, free


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_when_the_second_of_two_files_cannot_be_moved_both_old_ones_return(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"a{suffix}"
    files.writeVolume(makeVolume(randomArray()), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert len(before) == 2
    replace = os.replace

    def failing(source, target):
        if Path(target) == path and "old-" not in str(source):
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="was not written"):
        files.writeVolume(makeVolume(randomArray(seed=9)), path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_an_output_that_is_a_link_is_followed(tmp_path):
    (tmp_path / "store").mkdir()
    for suffix in (".nrrd", ".mha", ".nii.gz", ".tif"):
        link, real = tmp_path / f"a{suffix}", tmp_path / "store" / f"real{suffix}"
        link.symlink_to(real)
        assert files.checkWritable(link) == link
        files.writeVolume(makeVolume(randomArray()), link)
        assert link.is_symlink()
        np.testing.assert_array_equal(scene.volumeArray(files.readVolume(real)), randomArray())
    for suffix in (".mhd", ".nhdr"):
        (tmp_path / f"a{suffix}").symlink_to(tmp_path / "store" / f"real{suffix}")
        with pytest.raises(InputError, match="is a link"):
            files.writeVolume(makeVolume(randomArray()), tmp_path / f"a{suffix}")
    (tmp_path / "b.nrrd").symlink_to("nowhere/b.nrrd")
    with pytest.raises(OSError, match=r"nowhere does not exist"):
        files.checkWritable(tmp_path / "b.nrrd")


def test_what_a_killed_run_left_goes_before_the_next_one_begins(tmp_path):
    left = tmp_path / ".spatialdeconv-abcdefgh"
    (left / "0").mkdir(parents=True)
    for name in ("lock", "0/half.nrrd"):
        (left / name).write_text("half")
    files.checkWritable(tmp_path / "a.nrrd")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_detached_data_files_are_overwritten_together(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    files.writeVolume(makeVolume(randomArray()), path)
    files.writeVolume(makeVolume(randomArray(seed=9)), path)
    assert len(list(tmp_path.iterdir())) == 2
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(path)), randomArray(seed=9))


# -- the guard and the scene


def test_messages_are_captured_and_the_terminal_is_restored(capfd):
    with scene.quietly() as captured:
        os.write(2, b"from ITK\n")
        slicer.vtkMRMLVolumeArchetypeStorageNode().ReadData(None)
    os.write(2, b"after\n")
    assert "from ITK" in captured.text
    assert "Cannot read data into a null node" in captured.text
    assert capfd.readouterr().err == "after\n"


def test_the_guard_lets_exceptions_through_and_restores(capfd):
    def failing():
        with scene.quietly():
            os.write(2, b"noise\n")
            raise KeyError("x")

    with pytest.raises(KeyError):
        failing()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_scene_is_made_only_when_there_is_none():
    code = (
        "import slicer; from SpatialDeconvLib.mrml import files\n"
        "assert getattr(slicer, 'mrmlScene', None) is None\n"
        "scene = files.ensureScene()\n"
        "assert scene is slicer.mrmlScene and files.ensureScene() is scene\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=120)


def test_a_dicom_folder_that_cannot_be_read_is_said_to_be_so(tmp_path, monkeypatch):
    writeSeries(tmp_path / "dicom")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "dicom" not in str(path) and real(path, mode))
    with pytest.raises(InputError, match=r"dicom cannot be opened for reading; check its permissions"):
        files.readVolume(tmp_path / "dicom")


def test_one_file_of_a_dicom_series_stands_for_the_series_in_a_recipe(tmp_path):
    writeSeries(tmp_path / "dicom")
    first, other = sorted((tmp_path / "dicom").iterdir())[:2]
    described = recipe.describeFile(first)
    assert recipe.checkFile(described) == str(first.resolve())
    content = bytearray(other.read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)
    with pytest.raises(InputError, match="has changed since"):
        recipe.checkFile(described)


def test_nodes_made_meanwhile_leave_the_scene_and_others_stay(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4), np.float32)), str(tmp_path / "a.nrrd"))
    kept = files.readVolume(tmp_path / "a.nrrd")
    count = slicer.mrmlScene.GetNumberOfNodes()

    def fail():
        with scene.temporaryNodes(slicer.mrmlScene):
            files.readVolume(tmp_path / "a.nrrd")
            files.readLabelMap(tmp_path / "a.nrrd")
            assert slicer.mrmlScene.GetNumberOfNodes() >= count + 6
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    assert slicer.mrmlScene.IsNodePresent(kept)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is open")
def test_a_header_whose_data_cannot_be_written_leaves_no_file_open(tmp_path):
    import resource

    node = makeVolume(np.random.default_rng(0).random((20, 40, 50)))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # as a full disk
    try:
        with pytest.raises(OSError, match="was not written"):
            files.writeVolume(node, tmp_path / "full.nhdr")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    opened = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            opened.append(os.readlink(f"/proc/self/fd/{number}"))
    assert not [name for name in opened if name.startswith(str(tmp_path))]
    assert not list(tmp_path.iterdir())
