"""Channels by the names that files give them: OME-TIFF and OME-Zarr, kernels, messages, what is written."""

import json

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.command.cli import main
from SpatialDeconvLib.formats.channelnames import channel_names
from SpatialDeconvLib.formats.parts import create_parts
from SpatialDeconvLib.kernels.parts import channels_by_number

pytest.importorskip("slicer", reason="slicer-core is not installed")
tifffile = pytest.importorskip("tifffile")
zarr = pytest.importorskip("zarr")

NAMES = ("DAPI", "A & B", "488")
KERNELS = {"DAPI": 0.8, "A & B": 1.6, "488": 1.2}
IMAGE = np.random.default_rng(0).normal(100, 10, (3, 4, 24, 20)).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ome_tiff(name="a.ome.tif", names=NAMES):
    sizes = {f"PhysicalSize{axis}": 1000.0 for axis in "XYZ"}  # micrometers
    metadata = {"axes": "CZYX", **sizes, **({"Channel": {"Name": list(names)}} if names else {})}
    tifffile.imwrite(name, IMAGE, metadata=metadata)
    return name


def ome_zarr(name="a.zarr", omero=NAMES, version="0.4"):
    group = zarr.open_group(name, mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("0", data=IMAGE)
    axes = [{"name": "c", "type": "channel"}, *({"name": n, "type": "space", "unit": "millimeter"} for n in "zyx")]
    steps = [{"type": "scale", "scale": [1.0] * 4}]
    said = {"multiscales": [{"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}]}
    said["omero"] = {"channels": [{"label": label} for label in omero]} if isinstance(omero, tuple) else omero
    if version == "0.4":
        group.attrs.update(said)
    else:
        group.attrs["ome"] = {"version": version, **said}
    return name


def kernel_set(kernels=KERNELS):
    entries = [{"at": at, "type": "gaussian", "sigma_mm": sigma} for at, sigma in kernels.items()]
    content = {"schema": "spatialdeconv-kernels/1", "key": "channel", "kernels": entries}
    with open("set.json", "w", encoding="utf-8") as file:
        json.dump(content, file)
    return "set.json"


def run(capsys, name, output, *more, operation="convolve"):
    done = main([operation, name, output, "--kernels", "set.json", "--quiet", *more])
    return done, capsys.readouterr()


@pytest.mark.parametrize("make", [ome_tiff, ome_zarr, lambda: ome_zarr(version="0.5")])
def test_names_are_read(folder, make):
    assert channel_names(folder / make()) == NAMES


@pytest.mark.parametrize(
    "make",
    [
        lambda: ome_tiff(names=None),
        lambda: ome_zarr(omero=None),
        lambda: ome_zarr(omero={"channels": 3}),
        lambda: ome_zarr(omero={"channels": [{"label": 1}] * 3}),
        lambda: ome_zarr(omero=NAMES[:2]),
    ],
)
def test_files_that_name_no_channels_or_not_all_have_no_names(folder, make):
    assert channel_names(folder / make()) == ()


@pytest.mark.parametrize("tiles", [(), ("--tiles", "16")], ids=["whole", "tiles"])
@pytest.mark.parametrize("make", [ome_tiff, ome_zarr])
def test_kernels_belong_to_channels_by_name_and_the_names_are_written(folder, capsys, make, tiles):
    kernel_set({name: KERNELS[name] for name in reversed(NAMES)})
    assert run(capsys, make(), "o.zarr", *tiles)[0] == 0
    found = np.asarray(zarr.open_group("o.zarr", mode="r")["0"])
    for number, name in enumerate(NAMES):
        kernel = sd.ParametricKernel("gaussian", sigma_mm=KERNELS[name])
        np.testing.assert_allclose(found[number], sd.convolve(IMAGE[number], kernel).image, rtol=1e-4)
    assert channel_names(folder / "o.zarr") == NAMES
    channels = zarr.open_group("o.zarr", mode="r").attrs["omero"]["channels"]
    assert [channel["window"]["max"] for channel in channels] == pytest.approx([c.max() for c in found])
    assert len({channel["color"] for channel in channels}) == 3


def test_a_recipe_of_kernels_by_name_repeats_the_run(folder, capsys):
    kernel_set()
    assert run(capsys, ome_tiff(), "o.zarr")[0] == 0
    assert main(["repeat", "o.zarr.recipe.json", "again.zarr", "--quiet"]) == 0
    one, other = (np.asarray(zarr.open_group(name, mode="r")["0"]) for name in ("o.zarr", "again.zarr"))
    np.testing.assert_array_equal(one, other)


def test_messages_name_the_channel(capsys):
    kernel_set({"DAPI": 1e-4, 2: 1.6, 3: 1.2})
    more = ("--method", "wiener", "--residual-map", "r.zarr")
    done, said = run(capsys, ome_tiff(), "o.nrrd", *more, operation="deconvolve")
    assert done == 0
    assert "channel 1 (DAPI): the kernel (Gaussian 0.0001 mm) is far narrower" in said.err
    assert "kernel, channel 2 (A & B) everywhere: residual" in said.out


@pytest.mark.parametrize(
    ("names", "kernels", "says"),
    [
        (NAMES, {"DAPI": 1, "GFP": 1, 3: 1}, "channel 'GFP', but the channels are called DAPI, A & B, 488"),
        (None, {"DAPI": 1, 2: 1, 3: 1}, "channel 'DAPI', but its file does not say what channels are called"),
        (("x", "x", "y"), {"x": 1, 2: 1, 3: 1}, "2 channels are called 'x'; give their numbers"),
        (NAMES, {"DAPI": 1, 1: 1, 2: 1, 3: 1}, "channel 1 (DAPI) has a kernel by its name and one by its number"),
        (NAMES, {"DAPI": 1, 3: 1}, "channel 2 (A & B) has no kernel"),
    ],
)
@pytest.mark.parametrize("tiles", [(), ("--tiles", "16")], ids=["whole", "tiles"])
def test_names_that_lead_nowhere_are_refused_with_what_there_is(capsys, names, kernels, says, tiles):
    kernel_set(kernels)
    done, said = run(capsys, ome_tiff(names=names), "o.zarr", *tiles)
    assert done == 1
    assert says in said.err
    assert said.err.count("\n") == 1


def test_other_keys_know_nothing_of_channels():
    field = sd.KernelField.uniform(sd.ParametricKernel("gaussian", sigma_mm=1))
    assert channels_by_number(field, NAMES) is field


def test_names_of_a_writer_survive_a_run_that_is_taken_up_again(folder):
    words = {"channels": 2, "channel_names": ("a", "b")}
    create_parts(folder / "w.zarr", (2, 6, 7), "float32", **words).let_go()
    writer = create_parts(folder / "w.zarr", (2, 6, 7), "float32", **words)
    assert writer.resumed
    assert channel_names(writer.finish()) == ("a", "b")


def test_a_channel_of_nothing_but_nan_leaves_metadata_that_are_json(folder):
    writer = create_parts(folder / "w.zarr", (2, 6, 7), "float32", channels=2, channel_names=("a", "b"))
    values = np.stack([np.full((2, 6, 7), np.nan), np.linspace(1, 5, 84).reshape(2, 6, 7)], axis=-1)
    values[0, 0, 0, 1] = np.inf
    writer.write((slice(0, 2), slice(0, 6), slice(0, 7)), values)
    text = (writer.finish() / ".zattrs").read_text()
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    windows = [channel["window"] for channel in found["omero"]["channels"]]
    assert [(window["min"] < window["max"], window["max"]) for window in windows] == [(True, 1.0), (True, 5.0)]


@pytest.mark.parametrize("make", [lambda: ome_tiff(names=None), lambda: ome_zarr(omero=None)])
def test_four_channels_of_8_bits_are_no_colour_with_an_opacity(capsys, monkeypatch, make):
    """The fourth is worked on as the others are."""
    image = np.random.default_rng(1).integers(0, 256, (4, 3, 12, 10), np.uint8)
    monkeypatch.setitem(globals(), "IMAGE", image)
    kernel_set(dict.fromkeys((1, 2, 3, 4), 1.2))
    assert run(capsys, make(), "o.zarr")[0] == 0
    found = np.asarray(zarr.open_group("o.zarr", mode="r")["0"])
    kernel = sd.ParametricKernel("gaussian", sigma_mm=1.2)
    for channel in range(4):
        np.testing.assert_allclose(found[channel], sd.convolve(image[channel], kernel).image, rtol=1e-4)


def test_tiles_of_a_picture_with_an_opacity_are_refused(capsys):
    picture = np.zeros((4, 40, 48, 4), np.uint8)
    tifffile.imwrite("a.tif", picture, photometric="rgb", extrasamples=["unassalpha"])
    kernel_set(dict.fromkeys((1, 2, 3), 1.2))
    done, said = run(capsys, "a.tif", "o.zarr", "--tiles", "16")
    assert done == 1
    assert "has an opacity beside its colours" in said.err
