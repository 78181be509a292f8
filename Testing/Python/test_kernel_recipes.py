"""Recipes of ``spatialdeconv kernel points``, ``edge``, ``prepare`` and ``refine``, and ``repeat`` of them."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="slicer-core is not installed")

from test_edges import across, slit_image
from test_points import gaussian, places_in, scene
from test_refine import disks, halves  # noqa: F401 (a fixture)

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli, kernel
from SpatialDeconvLib.mrml import recipe as recipes


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    beads = scene((90, 110), places_in((90, 110), 0.5, 16, 6, seed=1), gaussian(0.8), spacing=0.5)
    write("beads.nrrd", beads, 0.5)
    write("slit.nrrd", slit_image((80, 90), across(4), width=2.0))
    write("mask.nrrd", np.ones((90, 110), np.uint8), 0.5)
    grid = np.indices((13, 15))
    for level, sigma in ((10, 1.0), (20, 1.5)):
        distance = (grid[0] - 6) ** 2 + (grid[1] - 9) ** 2
        np.save(f"spot_{level}.npy", np.round(100 + 5000 * np.exp(-distance / (2 * sigma**2))))
    return tmp_path


def write(name, values, spacing=1.0):
    image = sitk.GetImageFromArray(values if values.dtype == np.uint8 else values.astype(np.float32))
    image.SetSpacing((spacing, spacing))
    sitk.WriteImage(image, name)


def run(*arguments):
    return cli.main([*map(str, arguments), "--quiet"])


WORDS = {
    "points": "points beads.nrrd --zones 1 2 --bead-diameter 0.3 --mask mask.nrrd --mask-box 0 0 0 1 89 110",
    "edge": "edge slit.nrrd --slit --slit-width 2 --size 9",
    "prepare": "prepare spot_10.npy spot_20.npy --background border --symmetry radial --kernel-spacing 0.25",
}


def the_same(first, second):
    a, b = sd.read_kernel_set(first), sd.read_kernel_set(second)
    assert (a.key, a.at) == (b.key, b.at)
    for x, y in zip(a.kernels, b.kernels, strict=True):
        np.testing.assert_array_equal(x.values, y.values)
        assert (x.spacing, x.centre) == (y.spacing, y.centre)


@pytest.mark.parametrize("word", WORDS)
def test_repeat_makes_the_same_kernels_and_the_same_recipe(folder, word):
    assert run("kernel", *WORDS[word].split(), "--output", "first.json") == 0
    assert run("repeat", "first.json.recipe.json", "second.json") == 0
    the_same("first.json", "second.json")
    one, two = (json.loads((folder / f"{name}.json.recipe.json").read_text()) for name in ("first", "second"))
    assert one["operation"] == f"kernel {word}"
    for part in ("parameters", "inputs", "selection", "files", "result"):
        assert one[part] == two[part], part


def test_repeat_refines_with_the_kernels_of_the_recipe(folder, halves):  # noqa: F811
    image, labels = halves
    write("image.nrrd", image)
    write("labels.nrrd", labels.astype(np.uint8))
    sd.write_kernel_set("set.json", disks(1.2))
    arguments = "image.nrrd --kernels set.json --labels labels.nrrd --noise 0.5 --output first.json"
    assert run("kernel", "refine", *arguments.split()) == 0
    (folder / "set.json").unlink()  # the recipe has it
    assert run("repeat", "first.json.recipe.json", "second.json") == 0
    first, second = (sd.read_kernel_set(name) for name in ("first.json", "second.json"))
    assert [k.source for k in first.kernels] == [k.source for k in second.kernels]


def test_one_kernel_that_is_no_set_has_its_recipe_too(folder):
    assert run("kernel", *WORDS["edge"].split(), "--output", "k.nrrd") == 0
    assert run("repeat", "k.nrrd.recipe.json", "again.npy") == 0
    np.testing.assert_array_equal(sd.read_kernel("k.nrrd").values, sd.read_kernel("again.npy").values)


def test_a_recipe_says_what_was_found(folder):
    assert run("kernel", *WORDS["edge"].split(), "--output", "k.nrrd") == 0
    result = json.loads((folder / "k.nrrd.recipe.json").read_text())["result"]
    assert "slit" in result["headline"]
    assert any("MTF" in line for line in result["lines"])


def test_what_has_changed_since_is_not_repeated(folder, capsys):
    for word, changed in (("prepare", "spot_20.npy"), ("edge", "slit.nrrd")):
        assert run("kernel", *WORDS[word].split(), "--output", "first.json") == 0
        (folder / changed).write_bytes((folder / changed).read_bytes() + b" ")
        assert run("repeat", "first.json.recipe.json", "second.json") == 1
        assert f"{changed}, an input of the recipe, has changed" in capsys.readouterr().err
    assert not (folder / "second.json").exists()


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("parameters", {"magic": 1}, "'magic' is no word of the parameters of kernel edge"),
        ("parameters", {"output": "x.json"}, "'output' is no word of the parameters of kernel edge"),
        ("parameters", {"size": "large"}, "size large is no value that kernel edge can take"),
        ("selection", {"mask_box": [1]}, "mask_box [1] is no value that kernel edge can take"),
        ("inputs", {"guide": {"path": "x", "sha256": "y"}}, "'guide' is no input of kernel edge"),
    ],
)
def test_a_damaged_recipe_is_refused_in_one_line(folder, part, change, says, capsys):
    assert run("kernel", *WORDS["edge"].split(), "--output", "first.json") == 0
    recipe = json.loads((folder / "first.json.recipe.json").read_text())
    recipe[part] |= change
    (folder / "damaged.json").write_text(json.dumps(recipe))
    assert run("repeat", "damaged.json", "second.json") == 1
    error = capsys.readouterr().err.strip()
    assert says in error
    assert "\n" not in error


def test_the_recipe_of_an_output_is_not_written_over_an_input(folder, capsys):
    (folder / "k.nrrd.recipe.json").write_bytes((folder / "slit.nrrd").read_bytes())
    arguments = ["edge", "k.nrrd.recipe.json", "--slit", "--output", "k.nrrd"]
    assert run("kernel", *arguments) == 1
    assert "would overwrite" in capsys.readouterr().err


def test_every_operation_of_a_kernel_can_be_repeated():
    import argparse

    words = argparse.ArgumentParser().add_subparsers()
    for add in kernel.WORDS:
        add(words)
    records = [parser.get_default("record") for parser in words.choices.values()]
    found = {record.operation for record in records if record is not None}
    assert found == {operation for operation in recipes.OPERATIONS if operation.startswith("kernel ")}
