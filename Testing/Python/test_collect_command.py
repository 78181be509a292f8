"""Kernels as they are on the command line: in runs, in their recipes, in batches, and made into a set."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

import SpatialDeconvLib as sd

pytest.importorskip("slicer", reason="slicer-core is not installed")

from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.batch.manifest import read_manifest
from SpatialDeconvLib.command.parser import operation_parser
from SpatialDeconvLib.command.request import kernels_from_options

LEVELS = (10, 50, 90)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with an image, three kernels in a folder and in one file, and the same as a set."""
    monkeypatch.chdir(tmp_path)
    image = np.linspace(0, 100, 24 * 24, dtype=np.float32).reshape(24, 24)
    sitk.WriteImage(sitk.GetImageFromArray(image), "image.nrrd")
    j, i = np.indices((6, 6)) - 2.5
    kernels = [np.exp(-0.5 * (j**2 + i**2) / width**2) for width in (0.6, 0.9, 1.2)]
    (tmp_path / "k").mkdir()
    for level, kernel in zip(LEVELS, kernels, strict=True):
        np.savetxt(f"k/k{level}.csv", kernel, delimiter=",")
    np.save("stack.npy", kernels)
    entries = [{"at": level, "type": "file", "path": f"k/k{level}.csv"} for level in LEVELS]
    content = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": entries}
    (tmp_path / "set.json").write_text(json.dumps(content))
    return tmp_path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


def voxels(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


WAYS = {
    "folder": ["k"],
    "pattern": ["k/*.csv"],
    "files": ["k/k10.csv", "k/k50.csv", "k/k90.csv"],
    "expression": ["90=k/k90.csv", "10=k/k10.csv", "50=k/k50.csv"],
    "pages": ["stack.npy", "--levels", "10:90:40"],
}


@pytest.mark.parametrize(
    ("operation", "way"), [("deconvolve", "expression"), *(("convolve", way) for way in WAYS)], ids=str
)
def test_every_way_gives_the_bits_of_the_set(operation, way):
    options = ["--method", "tikhonov", "--quiet"] if operation == "deconvolve" else ["--quiet"]
    assert run(operation, "image.nrrd", "a.nrrd", "--kernels", "set.json", *options) == 0
    assert run(operation, "image.nrrd", "b.nrrd", "--kernels", *WAYS[way], *options) == 0
    np.testing.assert_array_equal(voxels("a.nrrd"), voxels("b.nrrd"))


@pytest.mark.parametrize("way", ["folder", "pages"])
def test_a_recipe_repeats_the_run_and_sees_a_kernel_that_has_changed(here, capsys, way):
    assert run("convolve", "image.nrrd", "a.nrrd", "--kernels", *WAYS[way], "--quiet") == 0
    assert run("repeat", "a.nrrd.recipe.json", "b.nrrd", "--quiet") == 0
    assert (here / "a.nrrd").read_bytes() == (here / "b.nrrd").read_bytes()
    changed = "k/k50.csv" if way == "folder" else "stack.npy"
    recipe = json.loads((here / "a.nrrd.recipe.json").read_text())
    assert str((here / changed).resolve()) in recipe["files"]
    (here / changed).write_bytes((here / changed).read_bytes()[:-1] + b"2")
    assert run("repeat", "a.nrrd.recipe.json", "c.nrrd", "--quiet") == 1
    assert f"{changed}, an input of the recipe, has changed since" in capsys.readouterr().err


def test_what_was_assumed_is_noted_unless_quiet(capsys):
    (notes := ["convolve", "image.nrrd", "a.nrrd", "--kernels", "k"])
    assert run(*notes) == 0
    error = capsys.readouterr().err
    assert "note: levels 10, 50, 90 are from the names 'k10.csv', 'k50.csv', 'k90.csv'" in error
    assert run(*notes, "--quiet") == 0
    assert "note" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kernels", "output", "named"),
    [
        (["k"], "k/k50.csv.nrrd", None),
        (["10=k/k10.nrrd", "50=k/k50.csv"], "k/k10.nrrd", "k/k10.nrrd"),
        (["k/*.nrrd"], "k/k20.nrrd", "k/k20.nrrd"),
    ],
)
def test_no_run_writes_over_a_kernel(here, capsys, kernels, output, named):
    if named:
        sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 3))), "k/k10.nrrd")
        sitk.WriteImage(sitk.GetImageFromArray(np.ones((3, 3))), "k/k20.nrrd")
    status = run("convolve", "image.nrrd", output, "--kernels", *kernels, "--quiet")
    assert status == (1 if named else 0)
    assert ("would overwrite" in capsys.readouterr().err) is bool(named)


@pytest.mark.parametrize("kernels", ["k/*.csv", "10=k/k10.csv", "k.npz:k10"])
def test_no_log_is_written_over_a_kernel(here, capsys, kernels):
    np.savez("k.npz", k10=np.ones((3, 3)), k20=np.ones((3, 3)))
    log = "k.npz" if "npz" in kernels else "k/k10.csv"
    before = (here / log).read_bytes()
    assert run("convolve", "image.nrrd", "a.nrrd", "--kernels", kernels, "--log-file", log, "--quiet") == 1
    assert "would overwrite" in capsys.readouterr().err
    assert (here / log).read_bytes() == before


def test_bad_kernels_are_told_in_one_line(capsys):
    for words, reason in (
        (["stack.npy", "--levels", "1:2"], "FIRST:LAST:STEP"),
        (["stack.npy", "--levels", "1", "2"], "no kernels for 2 levels"),
        (["set.json", "--levels", "1", "2"], "says its levels itself"),
        (["10=k/k10.csv", "10=k/k50.csv"], "are both for 10"),
        (["k/k10.csv", "image.nrrd"], "has no number"),
    ):
        assert run("deconvolve", "image.nrrd", "a.nrrd", "--kernels", *words, "--quiet") == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line


def test_levels_may_be_negative_and_inputs_stand_before_the_kernels(capsys):
    words = ["-1000=k/k10.csv", "-10.5=k/k50.csv", "40=k/k90.csv"]
    assert run("convolve", "image.nrrd", "a.nrrd", "--kernels", *words, "--quiet") == 0
    assert (
        run("convolve", "image.nrrd", "a.nrrd", "--kernels", "stack.npy", "--levels", "-10:10:10", "--quiet") == 0
    )
    assert run("convolve", "--kernels", "set.json", "image.nrrd", "a.nrrd") == 2
    assert "give them in front of options such as --kernels" in capsys.readouterr().err


def test_check_looks_at_collected_kernels(capsys):
    assert run("check", "image.nrrd", "--kernels", "stack.npy", "--levels", *LEVELS, "--quiet") == 0
    assert "intensity 50: stack.npy page 2," in capsys.readouterr().out


# -- kernel set


def test_a_set_is_made_and_told(here, capsys):
    assert run("kernel", "set", "k", "--output", "out/../made.json") == 0
    lines = capsys.readouterr().out.splitlines()
    stored = np.loadtxt("k/k50.csv", delimiter=",").sum()
    assert lines[1] == f"intensity 50: k50.csv, 6 x 6 voxels, sum {stored:.6g}, centre 2.5, 2.5"
    assert any("no voxel size" in line for line in lines)
    made, own = sd.read_kernel_set("made.json"), sd.read_kernel_set("set.json")
    assert made.at == own.at
    for a, b in zip(made.kernels, own.kernels, strict=True):
        np.testing.assert_array_equal(a.values, b.values)


def test_a_set_of_pages_is_drawn(here, capsys):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    words = ["stack.npy", "--levels", "10:90:40", "--spacing", "0.5", "--figure", "set.png"]
    assert run("kernel", "set", *words, "--output", "made.json") == 0
    assert "intensity 90: stack.npy, page 3, 6 x 6 of 0.5 mm, sum" in capsys.readouterr().out
    assert (here / "set.png").read_bytes().startswith(b"\x89PNG")
    assert sd.read_kernel_set("made.json").kernels[0].spacing == (0.5, 0.5)


def test_a_set_of_regions_is_made(here):
    assert run("kernel", "set", "liver=k/k10.csv", "2=k/k50.csv", "--key", "region", "--output", "r.json") == 0
    field = sd.read_kernel_set("r.json")
    assert (field.key, field.at) == ("region", ("liver", 2))


def test_a_set_that_cannot_be_made_leaves_nothing(here, capsys):
    before = sorted(path.name for path in here.iterdir())
    for words, reason in (
        (["k", "--output", "made.nrrd"], "name it .json"),
        (["set.json", "--output", "made.json"], "is a kernel set, not a kernel"),
        (["k", "--output", "made.json", "--figure", "k/k10.csv"], "would overwrite"),
        (["k", "--output", "no/such/made.json", "--figure", "made.png"], "made.json"),
    ):
        assert run("kernel", "set", *words) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line
    assert sorted(path.name for path in here.iterdir()) == before


# -- batches


def test_rows_of_a_batch_take_every_way(here):
    rows = [
        ["a", "set.json", ""],
        ["b", "k", ""],
        ["c", "10=k/k10.csv 50=k/k50.csv 90=k/k90.csv", ""],
        ["d", "stack.npy", "10:90:40"],
        ["e", "k/*.csv", ""],
    ]
    lines = ["case,input,operation,kernels,levels", *(f"{case},image.nrrd,convolve,{k},{v}" for case, k, v in rows)]
    (here / "cases.csv").write_text("\n".join(lines))
    cases = read_manifest(here / "cases.csv", here / "out", {}, cli.command_parser())
    assert [case.problems for case in cases] == [[]] * 5
    own = kernels_from_options(cases[0].options)
    for case in cases:
        options = operation_parser().parse_args(case.arguments)  # as the process of the case does
        field = kernels_from_options(options)
        assert field.at == own.at
        assert all(map(np.array_equal, (k.values for k in field.kernels), (k.values for k in own.kernels)))


def test_a_batch_runs_on_collected_kernels_and_leaves_out_what_is_finished(here, capsys):
    (here / "cases.csv").write_text("input,operation,kernels\nimage.nrrd,convolve,10=k/k10.csv 50=k/k50.csv")
    assert run("batch", "cases.csv", "--output", "out", "--workers", "1", "--quiet") == 0
    assert run("batch", "cases.csv", "--output", "out", "--workers", "1") == 0
    assert "finished before" in "".join(capsys.readouterr())


def test_a_manifest_says_what_is_wrong_with_kernels(here, capsys):
    cases = [
        {"input": "image.nrrd", "kernels": ["10=k/k10.csv", "50=k/k50.csv"], "output": "a.nrrd"},
        {"input": "image.nrrd", "kernels": "10=k/k10.csv 10=k/k50.csv", "output": "b.nrrd"},
        {"input": "image.nrrd", "kernels": "stack.npy", "levels": [1, 2], "output": "c.nrrd"},
        {"input": "image.nrrd", "kernels": "10='k/k10.csv", "output": "d.nrrd"},
    ]
    (here / "cases.json").write_text(json.dumps(cases))
    assert run("batch", "cases.json", "--output", "out", "--check") == 1
    said = "".join(capsys.readouterr())
    for reason in ("are both for 10", "no kernels for 2 levels", "No closing quotation"):
        assert said.count(reason) == 1
    assert "row 1" not in said
