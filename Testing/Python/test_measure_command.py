"""``spatialdeconv kernel points``, ``kernel edge`` and the console: files and nodes in, kernels out."""

import inspect
import os

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="slicer-core is not installed")

from test_edges import NARROW, across, edge_image, kernel_error, slit_image
from test_points import error, gaussian, places_in, scene

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.mrml import measuring
from SpatialDeconvLib.mrml.files import readVolume
from SpatialDeconvLib.mrml.scene import ensureScene, temporaryNodes

SPACING = (0.5, 0.25)


def write_image(path, values, spacing):
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing(tuple(spacing)[::-1])
    sitk.WriteImage(image, str(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measure")
    places = places_in((90, 160), SPACING, 12, 5, seed=1)
    write_image(folder / "beads.nrrd", scene((90, 160), places, gaussian(0.8), spacing=SPACING), SPACING)
    write_image(folder / "edge.nrrd", edge_image((80, 90), across(4)), (1.0, 1.0))
    write_image(folder / "slit.nrrd", slit_image((80, 90), across(4), width=2.0), (1.0, 1.0))
    write_image(folder / "flat.nrrd", np.random.default_rng(0).normal(size=(64, 64)), (1.0, 1.0))
    return folder


def run(folder, *arguments):
    here = os.getcwd()
    os.chdir(folder)
    try:
        return cli.main(["kernel", *(str(a) for a in arguments), "--quiet"])
    finally:
        os.chdir(here)


def test_one_kernel_from_beads_is_written_and_described(folder, capsys):
    assert run(folder, "points", "beads.nrrd", "--output", "k.nrrd") == 0
    kernel = sd.read_kernel(folder / "k.nrrd", normalize=False)
    assert kernel.spacing == SPACING
    assert error(kernel, gaussian(0.8)) < 0.06
    said = capsys.readouterr().out
    assert "12 of 12 points" in said
    assert "FWHM" in said


def test_zones_make_a_set_that_deconvolves_the_image_it_came_from(folder):
    assert run(folder, "points", "beads.nrrd", "--zones", 1, 1, 2, "--output", "set.json") == 0
    field = sd.read_kernel_set(folder / "set.json")
    assert field.key == "position"
    assert [at[0] for at in field.at] == [0.0, 0.0]
    arguments = ["deconvolve", "beads.nrrd", "out.nrrd", "--kernels", "set.json", "--method", "wiener", "--quiet"]
    here = os.getcwd()
    os.chdir(folder)
    try:
        assert cli.main(arguments) == 0
    finally:
        os.chdir(here)
    before, after = (sitk.GetArrayFromImage(sitk.ReadImage(str(folder / n))) for n in ("beads.nrrd", "out.nrrd"))
    assert after.max() - np.median(after) > 1.5 * (before.max() - np.median(before))


def test_an_edge_gives_a_kernel_and_its_mtf(folder, capsys):
    assert run(folder, "edge", "edge.nrrd", "--output", "k.npy") == 0
    assert kernel_error(sd.Kernel(np.load(folder / "k.npy")), NARROW) < 0.03
    assert "MTF: 50% at 0.2" in capsys.readouterr().out


def test_the_width_of_a_slit_is_an_option_of_slits(folder, capsys):
    assert run(folder, "edge", "slit.nrrd", "--slit", "--slit-width", 2, "--output", "s.nrrd") == 0
    assert kernel_error(sd.read_kernel(folder / "s.nrrd"), NARROW) < 0.06
    assert run(folder, "edge", "edge.nrrd", "--slit-width", 2, "--output", "t.nrrd") == 1
    assert "give --slit as well" in capsys.readouterr().err


@pytest.mark.parametrize(("word", "image"), [("points", "beads.nrrd"), ("edge", "edge.nrrd")])
def test_a_figure_is_drawn(folder, word, image):
    pytest.importorskip("matplotlib")
    assert run(folder, word, image, "--output", "f.nrrd", "--figure", f"{word}.png") == 0
    assert (folder / f"{word}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("points", "flat.nrrd", "--output", "x.nrrd"), "point"),
        (("edge", "flat.nrrd", "--output", "x.nrrd"), "no straight edge"),
        (("points", "beads.nrrd", "--zones", "2", "--output", "x.nrrd"), "name it .json"),
        (("points", "beads.nrrd", "--output", "beads.nrrd"), "would overwrite"),
        (("points", "beads.nrrd", "--output", "x.doc"), "use .json"),
        (("points", "beads.nrrd", "--output", "nowhere/x.nrrd"), "create it first"),
        (("edge", "edge.nrrd", "--output", "x.nrrd", "--figure", "x.doc"), "rename it"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(folder, arguments, says, capsys):
    assert run(folder, *arguments) == 1
    error = capsys.readouterr().err.strip()
    assert says in error
    assert "\n" not in error
    assert not list(folder.glob("x.*"))


def test_the_least_signal_to_noise_is_that_of_the_library():
    words = next(a for a in cli.command_parser()._actions if a.dest == "==SUPPRESS==").choices["kernel"]
    points = next(a for a in words._actions if a.dest == "==SUPPRESS==").choices["points"]
    own = inspect.signature(sd.psfs_from_points).parameters["least_signal_to_noise"].default
    assert points.get_default("least_snr") == own


def test_nodes_give_the_numbers_of_the_library(folder):
    with temporaryNodes(ensureScene()):
        node = readVolume(folder / "beads.nrrd")
        found = measuring.kernelsFromPoints(node, zones=(1, 1, 2))
        values = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "beads.nrrd")))
        own = sd.psfs_from_points(values, spacing=SPACING, zones=(1, 2))
        for a, b in zip(found.field.kernels, own.field.kernels, strict=True):
            assert np.array_equal(a.values, b.values)
        assert found.field.at == tuple((0.0, *at) for at in own.field.at)
        mask = np.zeros((1, *values.shape), np.uint8)
        mask[:, :45] = 1
        assert len(measuring.kernelsFromPoints(node, mask=mask).points) < len(found.points)
        with pytest.raises(sd.InputError, match="target 'knife'"):
            measuring.kernelFromEdge(node, "knife")
        with pytest.raises(sd.InputError, match="leave it out"):
            measuring.kernelFromEdge(node, spacing=1.0)
