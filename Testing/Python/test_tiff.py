"""Kinds of TIFF: read with the values that they hold, or refused with the reason; never something else."""

import sys

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from tiffs import tiff_bytes  # noqa: E402

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib.errors import InputError  # noqa: E402
from SpatialDeconvLib.mrml import files, scene  # noqa: E402

COMPRESSION, PHOTOMETRIC, DESCRIPTION, ORIENTATION, PALETTE, EXTRA, SUBFILE = 259, 262, 270, 274, 320, 338, 254
WHOLE = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"]
FLOATS = ["f2", "f4", "f8"]


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def page(dtype="u2", shape=(12, 20), seed=0):
    """Values of a type, from its least to its largest; of 64 bits those that double holds."""
    dtype = np.dtype(dtype)
    generator = np.random.default_rng(seed)
    if dtype.kind == "f":
        return generator.normal(0, 100, shape).astype(dtype)
    limits = np.iinfo(dtype if dtype.itemsize < 8 else ("i4" if dtype.kind == "i" else "u4"))
    return generator.integers(limits.min, limits.max, shape, endpoint=True).astype(dtype)


def write(tmp_path, pages, name="a.tif", **kind):
    (tmp_path / name).write_bytes(tiff_bytes(pages, **kind))
    return tmp_path / name


def read(path):
    return scene.volumeArray(files.readVolume(path))


@pytest.fixture
def tifffile():
    return pytest.importorskip("tifffile", reason="what ITK does not read right is read by tifffile")


@pytest.fixture
def no_tifffile(monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)  # its import fails


@pytest.mark.parametrize("dtype", [*WHOLE, *FLOATS, bool])
@pytest.mark.parametrize("kind", [{}, {"order": ">"}, {"big": True}, {"tile": 16}], ids=str)
def test_every_type_of_number_is_read_as_it_stands(tmp_path, tifffile, dtype, kind):
    values = page("u1") > 100 if dtype is bool else page(dtype)
    if dtype is bool:
        kind = {k: v for k, v in kind.items() if k != "tile"}
    np.testing.assert_array_equal(read(write(tmp_path, [values], **kind)), values[np.newaxis])


@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4", "f8", "u8"])
@pytest.mark.parametrize("kind", [{}, {"tile": 16}, {"big": True, "order": ">"}], ids=str)
def test_pages_become_slices(tmp_path, tifffile, dtype, kind):
    values = [page(dtype, seed=n) for n in range(3)]
    np.testing.assert_array_equal(read(write(tmp_path, values, **kind)), values)


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("samples", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", [{}, {"planar": True}, {"tile": 16}], ids=str)
def test_pixels_of_several_values_are_read_as_they_stand(tmp_path, tifffile, dtype, samples, kind):
    values = page(dtype, (12, 20, samples))
    np.testing.assert_array_equal(read(write(tmp_path, [values], **kind)), values[np.newaxis])


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_a_page_may_be_white_at_zero(tmp_path, dtype):
    values = page(dtype)
    np.testing.assert_array_equal(read(write(tmp_path, [values], tags={PHOTOMETRIC: 0})), values[np.newaxis])


def test_grey_palettes_hold_intensities(tmp_path, tifffile):
    ramp = tuple(257 * n for n in range(256)) * 3
    values = page("u1")
    path = write(tmp_path, [values], tags={PHOTOMETRIC: 3, PALETTE: ramp})
    np.testing.assert_array_equal(read(path), values[np.newaxis])


def test_a_thumbnail_is_no_slice(tmp_path):
    content = page("u2")
    path = write(tmp_path, [content, page("u2")], first={SUBFILE: 0}, tags={SUBFILE: 1})
    np.testing.assert_array_equal(read(path), content[np.newaxis])


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ({"pages": [page("f2")]}, "float values of 16 bits"),
        ({"pages": [page("f8")]}, "float values of 64 bits"),
        ({"pages": [page("u8")]}, "unsigned values of 64 bits"),
        ({"pages": [page("u2")], "tile": 16}, "stored in tiles"),
        ({"pages": [page("f4")], "tile": 16}, "stored in tiles"),
        ({"pages": [page("u2", (12, 20, 3))], "planar": True}, "stored channel by channel"),
        ({"pages": [page("u1") > 100]}, "unsigned values of 1 bits"),
        ({"pages": [page("u2", (12, 20, 5))]}, "5 values a pixel"),
        ({"pages": [page("u2")], "tags": {COMPRESSION: 34925}}, "compressed in a way of its own"),
    ],
)
def test_without_tifffile_what_itk_misreads_is_refused_with_the_reason(tmp_path, no_tifffile, capfd, kind, reason):
    path = write(tmp_path, **kind)
    for reader in (files.readVolume, sd.read_kernel):
        with pytest.raises(InputError, match=reason) as error:
            reader(path)
        assert "a.tif" in str(error.value)
        assert "pip install tifffile" in str(error.value)
    assert files.ensureScene().GetNumberOfNodes() == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("pages", "kind", "reason"),
    [
        ([page(), page(shape=(10, 20))], {}, "pages of different kinds"),
        ([page(shape=(10, 20)), page()], {}, "pages of different kinds"),
        ([page("u2"), page("u1")], {}, "pages of different kinds"),
        ([page("u2"), page("i2")], {}, "pages of different kinds"),
        ([page("f4"), page("u4")], {}, "pages of different kinds"),
        ([page("u1", (12, 20, 3)), page("u1")], {}, "pages of different kinds"),
        *[([page()], {"tags": {ORIENTATION: n}}, "turned or mirrored") for n in range(2, 9)],
        ([page("u1")], {"tags": {PHOTOMETRIC: 3, PALETTE: tuple(range(768))}}, "colours in a palette"),
        ([page("u1", (12, 20, 4))], {"tags": {PHOTOMETRIC: 5}}, "colour space"),
        ([page("u1", (12, 20, 3))], {"tags": {PHOTOMETRIC: 8}}, "colour space"),
        ([page("u1", (12, 20, 2))], {"tags": {EXTRA: 2}}, "grey with an opacity"),
        ([page()] * 2, {"first": {DESCRIPTION: '<OME><Pixels SizeC="1" SizeT="1" SizeZ="4">'}}, "to have 4 slices"),
        ([page()] * 3, {"first": {DESCRIPTION: '<OME><Pixels SizeC="2" SizeT="1" SizeZ="2">'}}, "to have 4 slices"),
        (
            [page()] * 2,
            {"first": {DESCRIPTION: '<OME><Pixels SizeC="2" SizeT="1" SizeZ="1"><TiffData FirstC="1" IFD="0"/>'}},
            "order of their own",
        ),
        ([page("u1", (12, 20, 3))] * 2, {"first": {DESCRIPTION: "ImageJ=1\nchannels=2\n"}}, "2 channels of 3"),
        ([page()] * 2, {"first": {DESCRIPTION: '<OME><Image ID="0"><Image ID="1"><Pixels SizeZ="1">'}}, "2 images"),
        ([page()] * 4, {"first": {DESCRIPTION: '{"shape": [2, 2, 12, 20]}'}}, "2 volumes"),
    ],
)  # fmt: skip
def test_what_makes_no_one_image_is_refused_with_the_reason(tmp_path, capfd, pages, kind, reason):
    path = write(tmp_path, pages, **kind)
    for reader in (files.readVolume, files.checkReadable, sd.read_kernel):
        with pytest.raises(InputError, match=reason) as error:
            reader(path)
        assert len(str(error.value)) < 400
    assert capfd.readouterr().err == ""


def test_slices_behind_one_page_are_read(tmp_path, tifffile):
    values = np.stack([page(seed=n) for n in range(3)])
    tifffile.imwrite(tmp_path / "plain.tif", values, photometric="minisblack", truncate=True)
    tifffile.imwrite(tmp_path / "imagej.tif", values, imagej=True, metadata={"axes": "ZYX"})
    for name in ("plain.tif", "imagej.tif"):
        np.testing.assert_array_equal(read(tmp_path / name), values)
        assert files.checkReadable(tmp_path / name) == (20, 12, 3)
    description = "ImageJ=1.5\nimages=3\nslices=3\n"  # as ImageJ writes stacks of more than 4 GB
    content = tiff_bytes([values.reshape(36, 20)], order=">", first={DESCRIPTION: description, 257: 12, 278: 12})
    (tmp_path / "large.tif").write_bytes(content)
    np.testing.assert_array_equal(read(tmp_path / "large.tif"), values)


@pytest.mark.parametrize("dtype", ["f2", "f8", "u2"])
@pytest.mark.parametrize("kind", [{}, {"tile": 16}, {"order": ">"}], ids=str)
def test_kernels_are_read_from_every_kind(tmp_path, tifffile, dtype, kind):
    values = np.outer([1, 2, 4, 2, 1], [1, 3, 5, 3, 1]).astype(dtype)
    kernel = sd.read_kernel(write(tmp_path, [values], "k.tiff", **kind))
    np.testing.assert_allclose(kernel.values, values / values.astype(float).sum(), rtol=1e-6)


@pytest.mark.parametrize("kind", [{}, {"tile": 16}], ids=str)
def test_label_maps_are_read_from_every_kind(tmp_path, tifffile, kind):
    labels = page("u2") % 5
    node = files.readLabelMap(write(tmp_path, [labels], **kind))
    assert node.IsA("vtkMRMLLabelMapVolumeNode")
    np.testing.assert_array_equal(scene.volumeArray(node), labels[np.newaxis])


@pytest.mark.parametrize("name", ["a.lsm", "a.dat", "a.png"])
def test_a_tiff_file_is_known_by_its_content(tmp_path, no_tifffile, name):
    with pytest.raises(InputError, match="float values of 16 bits"):
        files.readVolume(write(tmp_path, [page("f2")], name))


@pytest.mark.parametrize("big", [False, True])
def test_damaged_files_are_refused_in_one_line(tmp_path, capfd, big):
    whole = tiff_bytes([page("f2"), page("f2")], big=big)
    generator = np.random.default_rng(0)
    said = []
    for number in range(150):
        content = bytearray(whole)
        if number % 2:
            content = content[: generator.integers(4, len(whole))]
        else:
            for at in generator.integers(4, len(whole), 6):
                content[at] = generator.integers(256)
        (tmp_path / "a.tif").write_bytes(content)
        for reader in (files.readVolume, sd.read_kernel):
            try:
                reader(tmp_path / "a.tif")
            except InputError as error:
                said.append(str(error))
    assert len(said) > 100
    assert not [text for text in said if "\n" in text]
    assert "Traceback" not in capfd.readouterr().err
