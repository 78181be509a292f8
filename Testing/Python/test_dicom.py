"""DICOM: images that make no volume are not stacked into one; what makes one has its geometry and its values.

The files are written tag by tag here.
"""

import json
import struct

import numpy as np
import pytest
from scipy import ndimage

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.command.cli import main  # noqa: E402
from SpatialDeconvLib.errors import InputError  # noqa: E402
from SpatialDeconvLib.mrml import files, recipe, scene  # noqa: E402

CLASSES = {"CT": "2", "CR": "1", "DX": "1.1", "MG": "1.2", "US": "6.1", "USM": "3.1", "RTIMAGE": "481.1",
           "NM": "20", "XA": "12.1"}  # fmt: skip
ROOT = "1.2.826.0.1.3680043.2.1125"


@pytest.fixture(autouse=True)
def emptyScene():
    files.ensureScene().Clear(1)


def element(group, number, kind, value):
    if isinstance(value, str):
        value = value.encode()
    value += (b"\0" if kind == "UI" else b" ") * (len(value) % 2) if kind != "OW" else b""
    length = struct.pack("<HI", 0, len(value)) if kind in ("OW", "OB") else struct.pack("<H", len(value))
    return struct.pack("<HH", group, number) + kind.encode() + length + value


def decimals(numbers):
    return "\\".join(f"{x:.8g}" for x in numbers)


def write_file(path, values, modality="CT", number=1, position=None, axes=(1, 0, 0, 0, 1, 0), **tags):
    """Write an image (j, i), or frames (k, j, i), of unsigned 16-bit numbers."""
    whole = lambda n: struct.pack("<H", n)  # noqa: E731
    uid = f"1.2.840.10008.5.1.4.1.1.{CLASSES[modality]}"
    elements = {
        (0x0008, 0x0008): ("CS", tags.get("image_type", "ORIGINAL\\PRIMARY")),
        (0x0008, 0x0016): ("UI", uid),
        (0x0008, 0x0018): ("UI", f"{ROOT}.9.{number}"),
        (0x0008, 0x0060): ("CS", modality[:2] if modality == "USM" else modality),
        (0x0020, 0x000D): ("UI", f"{ROOT}.7"),
        (0x0020, 0x000E): ("UI", f"{ROOT}.8"),
        (0x0020, 0x0013): ("IS", str(number)),
        (0x0028, 0x0002): ("US", whole(1)),
        (0x0028, 0x0004): ("CS", "MONOCHROME2"),
        (0x0028, 0x0010): ("US", whole(values.shape[-2])),
        (0x0028, 0x0011): ("US", whole(values.shape[-1])),
        (0x0028, 0x0030): ("DS", decimals(tags.get("spacing", (2.0, 1.0)))),
        (0x0028, 0x0100): ("US", whole(16)),
        (0x0028, 0x0101): ("US", whole(16)),
        (0x0028, 0x0102): ("US", whole(15)),
        (0x0028, 0x0103): ("US", whole(0)),
        (0x0028, 0x1052): ("DS", str(tags.get("intercept", 0))),
        (0x0028, 0x1053): ("DS", str(tags.get("slope", 1))),
        (0x7FE0, 0x0010): ("OW", values.astype("<u2").tobytes()),
    }
    if values.ndim == 3:
        elements[0x0028, 0x0008] = ("IS", str(len(values)))
    if position is not None:
        elements[0x0020, 0x0032] = ("DS", decimals(position))
        elements[0x0020, 0x0037] = ("DS", decimals(axes))
    meta = element(2, 2, "UI", uid) + element(2, 3, "UI", f"{ROOT}.9.{number}")
    meta += element(2, 0x10, "UI", "1.2.840.10008.1.2.1")
    meta = element(2, 0, "UL", struct.pack("<I", len(meta))) + meta
    path.write_bytes(bytes(128) + b"DICM" + meta + b"".join(element(*k, *v) for k, v in sorted(elements.items())))


def write_series(folder, positions, modality="CT", **tags):
    """Write an image at each position (None: it says none); return the stored values."""
    folder.mkdir()
    values = np.random.default_rng(0).integers(0, 1000, (len(positions), 6, 7))
    for number, (image, position) in enumerate(zip(values, positions, strict=True)):
        own = {name: value[number] if isinstance(value, list) else value for name, value in tags.items()}
        write_file(folder / f"{number}.dcm", image, modality, number + 1, position, **own)
    return values


def line(step, count=4, start=(10.0, -20.0, 5.0)):
    return [np.add(start, np.multiply(step, n)) for n in range(count)]


def refused(path):
    with pytest.raises(InputError) as error:
        files.readVolume(path)
    with pytest.raises(InputError) as early:  # and a batch says so before it runs
        files.checkReadable(path)
    assert str(early.value) == str(error.value)
    assert "\n" not in str(error.value)
    assert files.ensureScene().GetNumberOfNodes() == 0
    return str(error.value)


@pytest.mark.parametrize("modality", ["RTIMAGE", "CR", "DX", "MG", "US", "XA"])
@pytest.mark.parametrize("count", [2, 3])
def test_images_without_positions_are_no_volume_but_each_is_read_by_itself(tmp_path, modality, count):
    values = write_series(tmp_path / "d", [None] * count, modality)
    message = refused(tmp_path / "d")
    assert f"{count} images ({modality}) that say no positions" in message
    assert "give one file" in message
    for number in range(count):
        node = files.readVolume(tmp_path / "d" / f"{number}.dcm")
        np.testing.assert_array_equal(scene.volumeArray(node), values[number : number + 1])
        assert files.checkReadable(tmp_path / "d" / f"{number}.dcm") == (7, 6, 1)


def test_a_folder_with_one_image_without_a_position_is_read(tmp_path):
    values = write_series(tmp_path / "d", [None], "DX")
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(tmp_path / "d")), values)


def test_the_recipe_of_an_image_of_its_own_is_about_that_file(tmp_path):
    write_series(tmp_path / "d", [None] * 3, "RTIMAGE")
    entry = recipe.describeFile(tmp_path / "d" / "1.dcm")
    (tmp_path / "d" / "2.dcm").unlink()
    assert recipe.checkFile(entry) == str(tmp_path / "d" / "1.dcm")


@pytest.mark.parametrize("modality", ["RTIMAGE", "US", "XA", "USM", "NM"])
def test_frames_without_positions_are_no_slices(tmp_path, modality):
    (tmp_path / "d").mkdir()
    write_file(tmp_path / "d" / "0.dcm", np.arange(3 * 6 * 7).reshape(3, 6, 7), modality)
    assert "has 3 frames" in refused(tmp_path / "d")
    assert "has 3 frames" in refused(tmp_path / "d" / "0.dcm")


def test_frames_of_a_tomography_are_slices(tmp_path):
    (tmp_path / "d").mkdir()
    values = np.arange(3 * 6 * 7).reshape(3, 6, 7)
    write_file(tmp_path / "d" / "0.dcm", values, "NM", image_type="ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION")
    np.testing.assert_array_equal(scene.volumeArray(files.readVolume(tmp_path / "d")), values)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_slices_at_one_position_are_no_volume(tmp_path, count):
    write_series(tmp_path / "d", line((0, 0, 0), count))
    assert f"{count} slices at one position" in refused(tmp_path / "d")


def test_two_time_points_of_the_same_slices_are_no_volume(tmp_path):
    write_series(tmp_path / "d", [*line((0, 0, 3.0), 3), *line((0, 0, 3.0), 3)])
    assert "several slices at one position" in refused(tmp_path / "d")


@pytest.mark.parametrize("step", [(0, 1.5, 3.0), (0, -1.5, 3.0), (1.0, 0, 3.0), (0, 0.2, 3.0)])
@pytest.mark.parametrize("count", [2, 6])
def test_a_tilted_gantry_is_refused_with_what_to_do(tmp_path, step, count):
    write_series(tmp_path / "d", line(step, count))
    shift = np.hypot(*step[:2])
    if shift * (count - 1) < 0.5:  # less than half a voxel in all
        files.readVolume(tmp_path / "d")
        return
    message = refused(tmp_path / "d")
    assert f"slices 3 mm apart that are shifted by {shift:g} mm each" in message
    assert f"{np.degrees(np.arctan(shift / 3)):.3g} degrees" in message
    assert "regularise" in message
    assert "--resample" in message


@pytest.mark.parametrize("axes", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1)])
@pytest.mark.parametrize("shift", [(0, 1.5), (0, -0.7), (2.0, 1.0), (-0.3, 0.4)])
def test_a_tilted_series_is_brought_onto_straight_axes_when_asked(tmp_path, axes, shift):
    """Values that rise evenly in space do so in the volume, which linear interpolation does not change."""
    i, j = np.reshape(axes, (2, 3))
    step = 3.0 * np.cross(i, j) + shift[0] * i + shift[1] * j
    slope = np.array([3.0, 5.0, 7.0])
    (tmp_path / "d").mkdir()
    for number, position in enumerate(line(step, 5)):
        places = (
            position + np.multiply.outer(np.arange(20) * 2.0, j)[:, None] + np.multiply.outer(np.arange(18.0), i)
        )
        write_file(tmp_path / "d" / f"{number}.dcm", 6000 + 8 * (places @ slope), number=number + 1,
                   position=position, axes=axes)  # fmt: skip
    with pytest.raises(InputError, match="gantry tilted"):
        files.readVolume(tmp_path / "d")
    node = files.readVolume(tmp_path / "d" / "2.dcm", straighten=True)
    assert scene.spacingOf(node) == pytest.approx((3.0, 2.0, 1.0))
    values = scene.volumeArray(node)
    k, rows, columns = np.indices(values.shape)
    ijk = np.stack([columns, rows, k, np.ones_like(k)])
    places = np.tensordot(scene.LPS_TO_RAS @ scene.ijkToRas(node), ijk, 1)[:3]
    inner = ndimage.minimum_filter(values, (1, 3, 3), mode="constant") > values.min()  # the rims fade out
    assert inner.sum() > 5 * 15 * 13
    wrong = values - (6000 + 8 * np.tensordot(slope, places, 1))
    assert np.abs(wrong[inner]).max() <= 1.0  # stored as whole numbers
    (told,) = files.toldOf(node)
    assert f"tilted by {np.degrees(np.arctan(np.hypot(*shift) / 3)):.3g} degrees" in told


def test_the_command_tells_of_a_series_that_it_straightened_and_repeats_that(tmp_path, capsys):
    write_series(tmp_path / "d", line((0, 1.5, 3.0)))
    kernel = {"type": "gaussian", "sigma_mm": 1.0}
    content = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [kernel]}
    (tmp_path / "g.json").write_text(json.dumps(content))
    options = ["--kernels", str(tmp_path / "g.json"), "--quiet", "--resample"]
    assert main(["convolve", str(tmp_path / "d"), str(tmp_path / "o.nrrd"), *options]) == 0
    assert "gantry tilted by 26.6 degrees were moved by up to 4.5 mm" in capsys.readouterr().err
    recipe_file = str(tmp_path / "o.nrrd.recipe.json")
    assert main(["repeat", recipe_file, str(tmp_path / "again.nrrd"), "--quiet"]) == 0
    assert (tmp_path / "again.nrrd").read_bytes() == (tmp_path / "o.nrrd").read_bytes()
    manifest = tmp_path / "m.csv"
    manifest.write_text("input,kernels,resample\nd,g.json,yes\n")
    assert main(["batch", str(manifest), "--output", str(tmp_path / "out"), "--check"]) == 0


@pytest.mark.parametrize("axes", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (0.8, 0.6, 0, 0, 0, -1)])
def test_straight_slices_have_their_distance_whichever_way_they_lie(tmp_path, axes):
    normal = np.cross(axes[:3], axes[3:])
    values = write_series(tmp_path / "d", line(normal * 2.5), axes=axes)
    node = files.readVolume(tmp_path / "d")
    assert scene.spacingOf(node) == pytest.approx((2.5, 2.0, 1.0))
    np.testing.assert_array_equal(scene.volumeArray(node), values)
    assert files.checkReadable(tmp_path / "d") == (7, 6, 4)


def test_two_slices_have_their_distance(tmp_path):
    write_series(tmp_path / "d", line((0, 0, 4.0), 2))
    assert scene.spacingOf(files.readVolume(tmp_path / "d")) == pytest.approx((4.0, 2.0, 1.0))


def test_positions_rounded_to_hundredths_are_even(tmp_path):
    positions = [np.round(p, 2) for p in line((0, 0, 0.625), 9)]
    write_series(tmp_path / "d", positions)
    assert scene.spacingOf(files.readVolume(tmp_path / "d"))[0] == pytest.approx(0.625, rel=5e-3)


def test_slices_with_a_gap_are_refused(tmp_path):
    positions = line((0, 0, 2.0), 6)
    write_series(tmp_path / "d", positions[:2] + positions[3:])
    assert "not evenly spaced (2 to 4 mm apart)" in refused(tmp_path / "d")


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("orientations", {"axes": [(1, 0, 0, 0, 1, 0)] * 3 + [(1, 0, 0, 0, 0, -1)]}),
        ("voxel sizes", {"spacing": [(2, 1)] * 3 + [(1, 1)]}),
    ],
)
def test_slices_of_different_geometry_are_refused(tmp_path, name, tags):
    write_series(tmp_path / "d", line((0, 0, 2.0)), **tags)
    assert f"4 slices of different {name}" in refused(tmp_path / "d")


def test_slices_of_different_size_are_refused(tmp_path):
    write_series(tmp_path / "d", line((0, 0, 2.0), 3))
    write_file(tmp_path / "d" / "3.dcm", np.ones((5, 7)), number=4, position=(10, -20, 11))
    assert "slices of different sizes" in refused(tmp_path / "d")


def test_slices_that_are_scaled_each_in_its_own_way_keep_their_values(tmp_path):
    slopes, intercepts = [1, 0.25, 0.125, 2], [0, -3.5, 0, 1]
    values = write_series(tmp_path / "d", line((0, 0, 2.0)), slope=slopes, intercept=intercepts)
    expected = values * np.reshape(slopes, (4, 1, 1)) + np.reshape(intercepts, (4, 1, 1))
    np.testing.assert_allclose(scene.volumeArray(files.readVolume(tmp_path / "d")), expected, rtol=1e-12)


def test_the_command_refuses_a_series_of_portal_images(tmp_path, capsys):
    write_series(tmp_path / "d", [None] * 3, "RTIMAGE")
    kernel = {"type": "gaussian", "sigma_mm": 1.0}
    content = {"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [kernel]}
    (tmp_path / "g.json").write_text(json.dumps(content))
    options = [str(tmp_path / "o.nrrd"), "--kernels", str(tmp_path / "g.json"), "--quiet"]
    assert main(["convolve", str(tmp_path / "d"), *options]) == 1
    assert "say no positions" in capsys.readouterr().err
    assert main(["convolve", str(tmp_path / "d" / "1.dcm"), *options]) == 0


@pytest.mark.parametrize("name", ["d", "d/0.dcm"])
def test_a_series_that_says_no_pixel_size_is_told_unless_one_is_given(tmp_path, capsys, name):
    write_series(tmp_path / "d", line((0.0, 0.0, 3.0)), spacing=())
    kernels = [{"type": "gaussian", "sigma_mm": 1.5}]
    (tmp_path / "k.json").write_text(
        json.dumps({"schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": kernels})
    )
    words = ["convolve", str(tmp_path / name), str(tmp_path / "o.nrrd"), "--kernels", str(tmp_path / "k.json")]
    assert main([*words, "--quiet"]) == 0
    assert "d says no pixel size: 1 mm was taken" in capsys.readouterr().err
    assert main([*words, "--quiet", "--spacing", "3", "2", "2"]) == 0
    assert capsys.readouterr().err == ""
    np.save(tmp_path / "k.npy", np.ones((3, 3, 3)))  # in voxels, of whatever size
    assert main([*words[:-1], str(tmp_path / "k.npy"), "--quiet"]) == 0
    assert "no pixel size" not in capsys.readouterr().err
