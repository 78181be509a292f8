"""Voxel sizes: what a file says of them, what a picture does not, and what becomes of a kernel then."""

import json
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from tiffs import tiff_bytes  # noqa: E402

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.command.cli import main  # noqa: E402
from SpatialDeconvLib.errors import InputError  # noqa: E402
from SpatialDeconvLib.mrml import files, scene, sequencefiles  # noqa: E402

X, Y, UNIT, DESCRIPTION = 282, 283, 296, 270
BLOB = np.outer([1, 3, 5, 3, 1], [1, 3, 5, 3, 1]).astype(np.float32)


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def write_tiff(path, pages, resolution=None, unit=2, description=None):
    tags = {} if resolution is None else {X: Fraction(resolution), Y: Fraction(resolution), UNIT: unit}
    path.write_bytes(tiff_bytes(pages, tags=tags, first={} if description is None else {DESCRIPTION: description}))
    return path


def write_dpi_picture(path, values, dpi=300):
    """A grey picture of 8 bits that is to be printed with so many dots an inch, as PNG or JPEG."""
    if path.suffix == ".png":

        def chunk(name, content):
            return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

        head = struct.pack(">IIBBBBB", *values.shape[::-1], 8, 0, 0, 0, 0)
        rows = b"".join(b"\0" + row.tobytes() for row in values.astype(np.uint8))
        density = struct.pack(">IIB", round(dpi / 0.0254), round(dpi / 0.0254), 1)
        parts = ((b"IHDR", head), (b"pHYs", density), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    else:
        sitk.WriteImage(sitk.GetImageFromArray(values.astype(np.uint8)), str(path))
        content = bytearray(path.read_bytes())
        assert content[6:11] == b"JFIF\0"
        struct.pack_into(">BHH", content, 13, 1, dpi, dpi)
        path.write_bytes(content)
    return path


def spacing_of(path):
    return scene.spacingOf(files.readVolume(path))


@pytest.mark.parametrize("resolution", [72, 300, Fraction(1, 2)])
@pytest.mark.parametrize("unit", [1, 2, 3])
def test_the_print_resolution_of_a_tiff_is_no_voxel_size(tmp_path, resolution, unit):
    path = write_tiff(tmp_path / "a.tif", [BLOB], resolution, unit)
    assert spacing_of(path) == (1, 1, 1)
    assert sd.read_kernel(path).in_voxels


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_the_print_resolution_of_a_picture_is_no_voxel_size(tmp_path, name):
    path = write_dpi_picture(tmp_path / name, BLOB)
    assert spacing_of(path) == (1, 1, 1)
    assert sd.read_kernel(path).in_voxels


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_the_voxel_size_that_itk_writes_into_a_picture_is_one(tmp_path, name):
    image = sitk.GetImageFromArray(BLOB.astype(np.uint8))
    image.SetSpacing((0.25, 0.5))
    sitk.WriteImage(image, str(tmp_path / name))
    assert spacing_of(tmp_path / name) == pytest.approx((1, 0.5, 0.25))
    assert sd.read_kernel(tmp_path / name).spacing == pytest.approx((0.5, 0.25))


@pytest.mark.parametrize(
    ("unit", "mm"), [("micron", 1e-3), ("um", 1e-3), ("\\u00B5m", 1e-3), ("µm", 1e-3), ("mm", 1), ("nm", 1e-6)]
)
def test_imagej_says_the_voxel_size(tmp_path, unit, mm):
    text = f"ImageJ=1.54f\nimages=3\nslices=3\nunit={unit}\nspacing=1.5\nloop=false\n"
    path = write_tiff(tmp_path / "a.tif", [BLOB] * 3, 4, 1, text)
    assert spacing_of(path) == pytest.approx((1.5 * mm, 0.25 * mm, 0.25 * mm), rel=1e-9)
    assert not sd.read_kernel(path).in_voxels


@pytest.mark.parametrize("text", ["ImageJ=1.54f\nimages=3\nslices=3\n", "ImageJ=1.54f\nslices=3\nunit=pixel\n"])
def test_imagej_without_a_unit_says_none(tmp_path, text):
    assert sd.read_kernel(write_tiff(tmp_path / "a.tif", [BLOB] * 3, 4, 1, text)).in_voxels


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ('PhysicalSizeX="0.25" PhysicalSizeY="0.5" PhysicalSizeZ="2"', (2e-3, 5e-4, 2.5e-4)),
        ('PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.5"', (1, 5e-4, 2.5e-4)),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel" PhysicalSizeY="1" PhysicalSizeYUnit="pixel"', None),
        ("", None),
    ],
)
def test_ome_says_the_voxel_size(tmp_path, words, expected):
    text = '<?xml version="1.0"?><OME xmlns="x"><Image ID="Image:0"><Pixels ID="Pixels:0" SizeC="1" SizeT="1" '
    text += f'SizeX="5" SizeY="5" SizeZ="3" Type="float" {words}><Channel/></Pixels></Image></OME>'
    path = write_tiff(tmp_path / "a.ome.tif", [BLOB] * 3, 72, 2, text)
    assert spacing_of(path) == (pytest.approx(expected, rel=1e-9) if expected else (1, 1, 1))
    assert sd.read_kernel(path).in_voxels is (expected is None)


NRRD = "NRRD0004\ntype: float\ndimension: 3\nspace dimension: 3\nsizes: 5 5 2\nencoding: raw\nendian: little\n"
META = "NDims = 3\nDimSize = 5 5 2\nElementType = MET_FLOAT\nElementSpacing = 0.5 0.5 2\nOffset = 0 0 8\n"


def write_units(path, *units):
    """Two slices of an image whose lengths are in units of their own."""
    if path.suffix == ".nrrd":
        words = " ".join(f'"{unit}"' for unit in units)
        head = (
            f"{NRRD}space directions: (0.5,0,0) (0,0.5,0) (0,0,2)\nspace origin: (0,0,8)\nspace units: {words}\n\n"
        )
    else:
        head = f"{META}DistanceUnits = {units[0]}\nElementDataFile = LOCAL\n"
    path.write_bytes(head.encode() + np.stack([BLOB, BLOB]).tobytes())
    return path


@pytest.mark.parametrize(("unit", "mm"), [("um", 1e-3), ("mm", 1), ("cm", 10), ("micron", 1e-3), ("", 1)])
@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_the_unit_of_a_header_is_taken(tmp_path, name, unit, mm):
    path = write_units(tmp_path / name, unit, unit, unit)
    node = files.readVolume(path)
    assert scene.spacingOf(node) == pytest.approx((2 * mm, 0.5 * mm, 0.5 * mm), rel=1e-9)
    assert node.GetOrigin() == pytest.approx((0, 0, 8 * mm))
    assert sd.read_kernel(path).spacing == pytest.approx((2 * mm, 0.5 * mm, 0.5 * mm), rel=1e-9)


@pytest.mark.parametrize("units", [("um", "um", "mm"), ("parsec",) * 3])
def test_units_that_make_no_one_length_are_refused(tmp_path, units):
    path = write_units(tmp_path / "a.nrrd", *units)
    for reader in (files.readVolume, sd.read_kernel):
        with pytest.raises(InputError, match="write them in mm"):
            reader(path)


def test_the_unit_of_a_sequence_is_taken(tmp_path):
    sequence = slicer.vtkMRMLSequenceNode()
    for number in range(3):
        frame = slicer.vtkMRMLScalarVolumeNode()
        frame.SetAndObserveImageData(scene.imageDataFromArray(np.ones((3, 4, 5), np.float32)))
        sequence.SetDataNodeAtValue(frame, str(number))
    path = tmp_path / "s.seq.nrrd"
    sequencefiles.writeSequence(sequence, path)
    content = path.read_bytes()
    assert content.count(b"\nspace directions") == 1
    path.write_bytes(content.replace(b"\nspace directions", b'\nspace units: "um" "um" "um"\nspace directions'))
    node = sequencefiles.readSequence(path)
    for number in range(3):
        assert scene.spacingOf(node.GetNthDataNode(number)) == pytest.approx((1e-3, 1e-3, 1e-3))


def test_a_voxel_size_that_is_no_number_is_none(tmp_path):
    head = "NRRD0004\ntype: float\ndimension: 2\nsizes: 5 5\nspacings: nan nan\nencoding: raw\nendian: little\n\n"
    (tmp_path / "k.nrrd").write_bytes(head.encode() + BLOB.tobytes())
    assert sd.read_kernel(tmp_path / "k.nrrd").in_voxels


@pytest.mark.parametrize("name", ["k.npy", "k.nrrd", "k.mha"])
def test_a_file_that_says_no_voxel_size_holds_a_kernel_in_the_images_voxels(tmp_path, name):
    path = tmp_path / name
    size = " ".join(map(str, BLOB.shape))
    if name.endswith("npy"):
        np.save(path, BLOB)
    elif name.endswith("nrrd"):
        head = f"NRRD0004\ntype: float\ndimension: 2\nsizes: {size}\nencoding: raw\nendian: little\n\n"
        path.write_bytes(head.encode() + BLOB.tobytes())
    else:
        head = f"NDims = 2\nDimSize = {size}\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
        path.write_bytes(head.encode() + BLOB.tobytes())
    image = np.random.default_rng(0).normal(100, 10, (12, 14)).astype(np.float32)
    kernel = sd.read_kernel(path)
    expected = sd.convolve(image, sd.Kernel(BLOB).normalized()).image
    for spacing in (1.0, 0.31, (3.0, 0.2)):
        result = sd.convolve(image, kernel, spacing=spacing)
        np.testing.assert_array_equal(result.image, expected)
        assert result.warnings == []
    assert "mm" not in repr(kernel)
    assert sd.read_kernel(path, spacing=2.0).spacing == (2.0, 2.0)


@pytest.mark.parametrize("log", [False, True])
def test_a_kernel_in_voxels_stays_one_through_a_kernel_set(tmp_path, log):
    np.save(tmp_path / "k.npy", np.log(BLOB) if log else BLOB)
    kernel = sd.read_kernel(tmp_path / "k.npy", log=log, normalize=False)
    for number, one in enumerate((kernel, kernel.normalized())):
        sd.write_kernel_set(tmp_path / f"{number}.json", sd.KernelField.uniform(one))
        again = sd.read_kernel_set(tmp_path / f"{number}.json").kernels[0]
        np.testing.assert_array_equal(again.values, one.values)
        assert again.in_voxels
    entry = sd.kernels.sets.kernel_to_dict(sd.Kernel(BLOB, in_voxels=True))
    assert sd.kernels.sets.kernel_from_dict(entry).in_voxels


def test_the_same_pixels_with_and_without_a_print_resolution_give_the_same_result(tmp_path):
    image = np.random.default_rng(1).normal(100, 10, (20, 24)).astype(np.float32)
    write_tiff(tmp_path / "k.tif", [BLOB])
    write_tiff(tmp_path / "plain.tif", [image])
    write_tiff(tmp_path / "print.tif", [image], 72)
    results = []
    for name in ("plain", "print"):
        output = tmp_path / f"{name}.nrrd"
        assert main(["convolve", str(tmp_path / f"{name}.tif"), str(output), "--kernels", str(tmp_path / "k.tif"),
                     "--normalize", "--quiet"]) == 0  # fmt: skip
        results.append(sitk.GetArrayFromImage(sitk.ReadImage(str(output))))
    np.testing.assert_array_equal(*results)


# -- what is told


def gaussian(sigma, n=31):
    x = np.arange(n) - n // 2
    profile = np.exp(-0.5 * (x / sigma) ** 2)
    return np.outer(profile, profile) / profile.sum() ** 2


def test_a_kernel_that_is_resampled_is_told_with_its_width_before_and_after():
    image = np.ones((50, 60), np.float32)
    result = sd.convolve(image, sd.Kernel(gaussian(2.5), 1.0), spacing=(0.5, 1.0))
    assert result.warnings == [
        "the kernel was resampled from voxels of 1 mm to 0.5x1 mm: sigma 2.5 mm is kept (2.5 voxels are now 5x2.5)"
        ". Is the kernel's voxel size another, give it (--kernel-spacing, the spacing of a Kernel)"
    ]


def test_a_width_that_the_voxels_cannot_show_is_told_in_mm():
    result = sd.convolve(np.ones((9, 9), np.float32), sd.Kernel(gaussian(0.6, 3), 0.2), spacing=1.0)
    assert ": sigma 0.115 mm became 0 mm (0.577 voxels are now 0)." in result.warnings[0]


def test_kernels_that_are_resampled_are_told_in_one_line():
    kernels = {level: sd.Kernel(gaussian(2.0), 1.0) for level in (0, 1, 2)}
    result = sd.convolve(np.ones((40, 40), np.float32), sd.KernelField.by_intensity(kernels), spacing=0.5)
    (told,) = result.warnings
    assert told.startswith("the kernel at 0.0 was resampled from voxels of 1 mm to 0.5 mm")
    assert "; so were 2 others. Is the kernel's voxel size another, " in told


def test_a_kernel_without_a_width_is_told_too():
    laplace = sd.laplacian_kernel(1.0, ndim=2)
    (told,) = sd.convolve(np.ones((20, 20), np.float32), laplace, spacing=0.5).warnings
    assert told.startswith("the kernel was resampled from voxels of 1 mm to 0.5 mm. Is ")


def test_kernels_by_parameters_and_of_the_images_voxel_size_are_not_told():
    image = np.ones((20, 20), np.float32)
    for kernel in (sd.ParametricKernel("gaussian", sigma_mm=1.0), sd.Kernel(gaussian(2.5), 0.5)):
        assert sd.convolve(image, kernel, spacing=0.5).warnings == []


def test_the_width_of_a_kernel_is_its_standard_deviation():
    kernel = sd.Kernel(np.array([[1.0, 0, 0, 0, 1], [1, 0, 0, 0, 1]]))
    assert kernel.widths() == pytest.approx((0.5, 2.0))
    assert sd.Kernel(np.array([[1.0, -2, 1]])).widths() is None


# -- sizes that are given


def run(tmp_path, *arguments):
    """Run the command on files of a folder; return the output as an image."""
    words = [str(tmp_path / a) if "." in a and not a[0].isdigit() else a for a in arguments]
    assert main([*words, "--quiet"]) == 0
    return sitk.ReadImage(str(tmp_path / arguments[2]))


@pytest.fixture
def case(tmp_path):
    """A picture, a mask as a picture, and kernels in mm."""
    pixels = np.random.default_rng(2).integers(0, 200, (20, 24)).astype(np.uint8)
    write_dpi_picture(tmp_path / "y.png", pixels)
    inside = np.zeros((20, 24), np.uint8)
    inside[3:15, 5:20] = 1
    write_dpi_picture(tmp_path / "mask.png", inside)
    kernel = {"type": "gaussian", "sigma_mm": 1.0}
    content = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [kernel]}
    (tmp_path / "g.json").write_text(json.dumps(content))
    return tmp_path, pixels, inside


@pytest.mark.parametrize(
    ("given", "expected"), [(["0.5"], (0.5, 0.5)), (["0.5", "2"], (0.5, 2.0)), (["3", "0.5", "2"], (0.5, 2.0))]
)
def test_the_voxel_size_of_a_picture_can_be_given(case, given, expected):
    folder, pixels, _ = case
    output = run(folder, "convolve", "y.png", "o.nrrd", "--kernels", "g.json", "--spacing", *given)
    direct = sd.convolve(pixels, sd.ParametricKernel("gaussian", sigma_mm=1.0), spacing=expected).image
    np.testing.assert_array_equal(sitk.GetArrayFromImage(output), direct)
    assert output.GetSpacing()[1::-1] == expected


def test_the_given_voxel_size_stands_in_the_recipe_and_is_repeated(case):
    folder, _, _ = case
    first = run(folder, "convolve", "y.png", "o.nrrd", "--kernels", "g.json", "--spacing", "0.5", "2")
    assert json.loads((folder / "o.nrrd.recipe.json").read_text())["selection"]["spacing"] == [0.5, 2.0]
    again = run(folder, "repeat", "o.nrrd.recipe.json", "again.nrrd")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(first))
    assert again.GetSpacing() == first.GetSpacing()


@pytest.mark.parametrize("role", ["mask", "labels", "guide"])
@pytest.mark.parametrize("size", [["--spacing", "0.5"], []])
def test_pictures_that_belong_to_the_input_lie_on_its_voxels(case, role, size):
    folder, pixels, inside = case
    if not size:  # the input says a voxel size, the picture does not
        image = sitk.GetImageFromArray(pixels)
        image.SetSpacing((0.5, 0.5))
        image.SetOrigin((7.0, -3.0))
        sitk.WriteImage(image, str(folder / "y.mha"))
    kernels = [{"type": "gaussian", "sigma_mm": s, "at": at} for at, s in ((0, 1.0), (1, 2.0))]
    key = {"mask": "uniform", "labels": "region", "guide": "intensity"}[role]
    content = {"schema": "spatialdeconv-kernels/1", "key": key, "kernels": kernels}
    if key == "uniform":
        content["kernels"] = [{"type": "gaussian", "sigma_mm": 1.0}]
    (folder / "s.json").write_text(json.dumps(content))
    name = "y.png" if size else "y.mha"
    output = run(folder, "convolve", name, "o.nrrd", "--kernels", "s.json", f"--{role}", "mask.png", *size)
    field = sd.read_kernel_set(folder / "s.json")
    direct = sd.convolve(pixels, field, spacing=0.5, **{role: inside}).image
    np.testing.assert_array_equal(sitk.GetArrayFromImage(output).squeeze(), direct)


def test_the_voxel_size_of_a_kernel_file_can_be_given(case):
    folder, pixels, _ = case
    np.save(folder / "k.npy", gaussian(2.0))
    output = run(folder, "convolve", "y.png", "o.nrrd", "--kernels", "k.npy", "--kernel-spacing", "0.5", "1")
    direct = sd.convolve(pixels, sd.Kernel(gaussian(2.0), (0.5, 1.0)), spacing=1.0).image
    np.testing.assert_allclose(sitk.GetArrayFromImage(output), direct, rtol=1e-6)
    again = run(folder, "repeat", "o.nrrd.recipe.json", "again.nrrd")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(output))


def test_every_frame_of_a_sequence_has_the_given_voxel_size(case):
    folder, pixels, _ = case
    frames = np.stack([pixels, pixels[::-1]])[:, np.newaxis].astype(np.float32)
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in frames]), str(folder / "s.nii"))
    run(folder, "convolve", "s.nii", "o.seq.nrrd", "--kernels", "g.json", "--spacing", "3", "0.5", "0.5")
    node = sequencefiles.readSequence(folder / "o.seq.nrrd")
    kernel = sd.ParametricKernel("gaussian", sigma_mm=1.0)
    for number, frame in enumerate(frames):
        result = node.GetNthDataNode(number)
        assert scene.spacingOf(result) == (3, 0.5, 0.5)
        np.testing.assert_array_equal(
            scene.volumeArray(result), sd.convolve(frame, kernel, spacing=(3, 0.5, 0.5)).image
        )


@pytest.mark.parametrize("given", [["0"], ["-1"], ["nan"], ["1", "2", "3", "4"]])
def test_impossible_voxel_sizes_are_refused(case, capsys, given):
    folder, _, _ = case
    arguments = ["convolve", str(folder / "y.png"), str(folder / "o.nrrd"), "--kernels", str(folder / "g.json")]
    assert main([*arguments, "--spacing", *given]) == 1
    assert "spacing" in capsys.readouterr().err


def test_the_voxel_size_of_a_kernel_set_stands_in_the_set(case, capsys):
    folder, _, _ = case
    arguments = ["convolve", str(folder / "y.png"), str(folder / "o.nrrd"), "--kernels", str(folder / "g.json")]
    assert main([*arguments, "--kernel-spacing", "1"]) == 1
    assert 'write "spacing_mm" beside its path' in capsys.readouterr().err


def test_an_estimated_kernel_has_the_given_voxel_size(case):
    folder, pixels, _ = case
    blurred = sd.convolve(pixels.astype(np.float32), sd.Kernel(BLOB / BLOB.sum())).image
    sitk.WriteImage(sitk.GetImageFromArray(blurred), str(folder / "b.tif"))
    arguments = [str(folder / name) for name in ("y.png", "b.tif")]
    options = ["--size", "5", "--spacing", "0.25", "--output", str(folder / "k.nrrd"), "--quiet"]
    assert main(["estimate", *arguments, *options]) == 0
    assert sd.read_kernel(folder / "k.nrrd").spacing == (0.25, 0.25)


def test_a_batch_takes_voxel_sizes(case):
    folder, _, _ = case
    np.save(folder / "k.npy", gaussian(2.0))
    (folder / "m.csv").write_text(
        "case,operation,input,kernels,spacing,kernel-spacing\n"
        "a,convolve,y.png,g.json,0.5 2,\n"
        "b,convolve,y.png,k.npy,,0.5\n"
    )
    assert main(["batch", str(folder / "m.csv"), "--output", str(folder / "out"), "--quiet", "--check"]) == 0
