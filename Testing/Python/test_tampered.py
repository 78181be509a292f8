"""Files that people write and change: kernel sets, recipes and manifests are used or refused in one line."""

import json
import os
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.reading import given_path
from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.batch.manifest import read_manifest
from SpatialDeconvLib.command.parser import operation_parser
from SpatialDeconvLib.errors import InputError

pytest.importorskip("slicer", reason="slicer-core is not installed")

from SpatialDeconvLib.command import estimate
from SpatialDeconvLib.command.request import request_from_recipe
from SpatialDeconvLib.mrml import recipe as recipes

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Fuzz"))
import fuzz_files
from tampering import KERNEL_SET, MANIFEST, SCHEMA, make_inputs, tampered

FEW = range(60)  # inputs; Testing/Fuzz/fuzz_files.py tries more


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An image, a mask, a kernel set, and the recipes of a deconvolution, a convolution and an estimation."""
    path = tmp_path_factory.mktemp("tampered")
    make_inputs(path)
    return path


def refusal(function):
    """The one line that a function refuses its input with, None when it does not."""
    try:
        function()
    except (InputError, OSError) as error:
        message = str(error)
        assert message
        assert "\n" not in message
        assert len(message) < 900
        return message
    return None


def test_a_tampered_kernel_set_is_read_or_refused_in_one_line(folder):
    for number in FEW:
        (folder / "tampered.json").write_text(json.dumps(tampered(KERNEL_SET, random.Random(number))))
        refusal(lambda: sd.read_kernel_set(folder / "tampered.json"))


def request_of(path):
    recipe = recipes.read(path)
    make = estimate.request_from_recipe if recipe["operation"] == "estimate" else request_from_recipe
    return make(recipe)


@pytest.mark.parametrize("name", ["d.nrrd", "c.nrrd", "e.json"])
def test_a_tampered_recipe_is_taken_or_refused_in_one_line(folder, name):
    content = json.loads((folder / f"{name}.recipe.json").read_text())
    assert refusal(lambda: request_of(folder / f"{name}.recipe.json")) is None
    for number in FEW:
        (folder / "tampered.recipe.json").write_text(json.dumps(tampered(content, random.Random(number))))
        refusal(lambda: request_of(folder / "tampered.recipe.json"))


def test_a_tampered_manifest_is_read_with_its_problems_or_refused_in_one_line(folder):
    def read():
        for case in read_manifest(folder / "tampered.json", folder / "out", {}, operation_parser()):
            assert all("\n" not in problem and len(problem) < 900 for problem in case.problems)

    for number in FEW:
        (folder / "tampered.json").write_text(json.dumps(tampered(MANIFEST, random.Random(number))))
        refusal(read)


@pytest.mark.parametrize("kind", fuzz_files.KINDS)
def test_no_input_of_the_fuzzer_shows_a_user_a_fault(folder, kind):
    found = fuzz_files.fuzz(fuzz_files.KINDS[kind], 5, 0, folder)
    assert found.faults == {}
    assert sum(found.ends.values()) == 5


def test_the_fuzzer_sees_what_a_user_must_not(monkeypatch):
    def main(command):
        print("spatialdeconv: error: unexpected KeyError: 'a' (x.py, line 3); please report it", file=sys.stderr)
        return 1

    monkeypatch.setattr(fuzz_files.cli, "main", main)
    assert "unexpected KeyError" in fuzz_files.tried([])[1]
    monkeypatch.setattr(fuzz_files.cli, "main", lambda command: 1)
    assert fuzz_files.tried([]) == (1, "failed without a word")
    monkeypatch.setattr(fuzz_files.cli, "main", lambda command: {}["a"])
    assert fuzz_files.tried([])[0] == "raised"


# -- what was seen


def changed(folder, name, **parts):
    """A recipe with some parts replaced; None takes a part away."""
    content = json.loads((folder / f"{name}.recipe.json").read_text())
    for part, value in parts.items():
        content[part] = {**content[part], **value} if isinstance(value, dict) else value
        if value is None:
            del content[part]
    (folder / "changed.json").write_text(json.dumps(content))
    return folder / "changed.json"


@pytest.mark.parametrize(
    ("name", "parts", "words"),
    [
        ("d.nrrd", {"parameters": {"new_option": 1}}, "'new_option' is no parameter of deconvolve"),
        ("d.nrrd", {"parameters": {"method": []}}, r"method \[\] is unknown"),
        ("d.nrrd", {"operation": "sharpen"}, "operation 'sharpen' is unknown"),
        ("d.nrrd", {"operation": ["convolve"]}, "is unknown; choose one of"),
        ("d.nrrd", {"selection": None}, "has no 'selection'"),
        ("d.nrrd", {"parameters": None}, "has no 'parameters'"),
        ("d.nrrd", {"files": []}, "'files' is no object"),
        ("d.nrrd", {"inputs": []}, "'inputs' is no object"),
        ("d.nrrd", {"inputs": None}, "names no input files"),
        ("d.nrrd", {"inputs": {"image": 5}}, "does not say its path and sha256"),
        ("d.nrrd", {"inputs": {"picture": 5}}, "'picture' is no input of deconvolve"),
        ("d.nrrd", {"selection": {"mask_range": 5}}, "mask_range 5 is no value that deconvolve can take"),
        ("d.nrrd", {"selection": {"mask_range": [5]}}, r"mask_range \[5\] is no value"),
        ("d.nrrd", {"selection": {"resample": "yes"}}, "resample yes is no value"),
        ("d.nrrd", {"selection": {"octant": 3}}, "'octant' is no parameter"),
        ("d.nrrd", {"selection": {"noise": 3}}, "'noise' selects no voxels"),
        ("d.nrrd", {"kernel_set": {"kernels": None}}, "the kernel set is empty"),
        ("e.json", {"parameters": {"new_option": 1}}, "'new_option' is no parameter of estimate"),
        ("e.json", {"parameters": {"size": "large"}}, "size large is no value that estimate can take"),
        ("e.json", {"parameters": {"size": None}}, "does not say the size"),
        ("e.json", {"parameters": {"constraint": 3}}, "constraint 3 is unknown"),
        ("e.json", {"parameters": {"model": "camera"}}, "model camera is no value"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_refused_with_the_part_that_is_wrong(folder, name, parts, words):
    with pytest.raises(InputError, match=words):
        request_of(changed(folder, name, **parts))


def test_what_a_newer_version_wrote_is_refused_with_its_number(folder):
    newer = {"versions": {"spatialdeconv": "9.8.7"}}
    told = rf"written by version 9\.8\.7, this is {re.escape(sd.__version__)}"
    with pytest.raises(InputError, match=f"'new_option'.*{told}"):
        request_of(changed(folder, "d.nrrd", parameters={"new_option": 1}, **newer))
    with pytest.raises(InputError, match=f"of the form 'spatialdeconv-recipe/2'.*{told}"):
        request_of(changed(folder, "d.nrrd", schema="spatialdeconv-recipe/2", **newer))


def test_an_input_without_its_image_is_refused(folder):
    content = json.loads((folder / "d.nrrd.recipe.json").read_text())
    del content["inputs"]["image"]
    (folder / "changed.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="no input 'image'"):
        request_of(folder / "changed.json")


@pytest.mark.parametrize("read", [sd.read_kernel_set, request_of])
def test_json_that_is_nested_without_end_is_refused(tmp_path, read):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="nested too deeply"):
        read(tmp_path / "deep.json")


@pytest.mark.parametrize("read", [sd.read_kernel_set, recipes.read])
def test_a_name_that_stands_twice_in_an_object_is_refused(tmp_path, read):
    text = json.dumps({**KERNEL_SET, "x": {"sigma_mm": 1, "y": 2}}).replace('"y"', '"sigma_mm"')
    (tmp_path / "twice.json").write_text(text)
    with pytest.raises(InputError, match="says 'sigma_mm' twice in one object"):
        read(tmp_path / "twice.json")


@pytest.mark.parametrize("spacing", [[[1, 2], [3]], [1, [2]], {"a": 1}, "x", 1e300, 1e-300])
def test_a_voxel_size_that_is_none_is_refused(folder, spacing):
    entry = {"at": 1, "type": "file", "path": "flat.npy", "spacing_mm": spacing}
    np.save(folder / "flat.npy", np.ones((3, 3)))
    (folder / "spaced.json").write_text(json.dumps({"schema": SCHEMA, "key": "intensity", "kernels": [entry]}))
    assert "spacing" in refusal(lambda: sd.read_kernel_set(folder / "spaced.json"))


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize("word", ["at", "sigma_mm", "spacing_mm", "centre"])
def test_integers_that_no_float_can_hold_are_refused(tmp_path, digits, word):
    entry = {"at": 1, "type": "gaussian", "sigma_mm": 1}
    if word == "spacing_mm":
        entry = {"at": 1, "type": "values", "values": [[1, 2]], "spacing_mm": 1}
    text = json.dumps({"schema": SCHEMA, "key": "intensity", "kernels": [{**entry, word: 7}]})
    (tmp_path / "big.json").write_text(text.replace(f'"{word}": 7', f'"{word}": 1{"0" * digits}'))
    assert refusal(lambda: sd.read_kernel_set(tmp_path / "big.json"))


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_links_in_a_circle_and_pipes_are_refused_at_once(tmp_path):
    (tmp_path / "loop.npy").symlink_to("loop.npy")
    os.mkfifo(tmp_path / "pipe.json")
    os.mkfifo(tmp_path / "pipe.npy")
    entry = {"schema": SCHEMA, "key": "uniform", "kernels": [{"type": "file", "path": "loop.npy"}]}
    (tmp_path / "loop.json").write_text(json.dumps(entry))
    with pytest.raises(InputError, match=r"loop\.npy does not exist"):
        sd.read_kernel_set(tmp_path / "loop.json")
    for read, name in (
        (sd.read_kernel_set, "pipe.json"),
        (sd.read_kernel, "pipe.npy"),
        (recipes.read, "pipe.json"),
    ):
        with pytest.raises(InputError, match=f"{name} is a pipe or a device"):
            read(tmp_path / name)


# -- paths


def test_a_tilde_is_the_home_folder_and_nobody_elses(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert given_path("~/a.nrrd") == tmp_path / "a.nrrd"
    assert given_path("~backup.nrrd") == Path("~backup.nrrd")
    assert given_path("a/~/b") == Path("a/~/b")


@pytest.mark.parametrize("name", ["a\0b", "\ud800.nrrd"])
def test_what_can_be_no_name_is_refused(name):
    with pytest.raises(InputError, match="no file can be called"):
        given_path(name)


@pytest.mark.parametrize("length", [245, 400])  # the recipe's name is longer than the output's
def test_names_that_are_too_long_are_refused_before_the_work(folder, tmp_path, monkeypatch, capsys, length):
    monkeypatch.chdir(tmp_path)
    output = "é" * (length // 2) + ".nrrd"
    assert cli.main(["convolve", str(folder / "image.nrrd"), output, "--kernels", str(folder / "set.json")]) > 0
    assert "is longer than the 255 bytes" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_separator_behind_the_output_does_not_part_it_from_its_recipe(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        command = ["convolve", str(folder / "image.nrrd"), "o.nrrd/", "--kernels", str(folder / "set.json")]
        assert cli.main([*command, "--quiet"]) == 0
    assert sorted(os.listdir(tmp_path)) == ["o.nrrd", "o.nrrd.recipe.json"]


def test_a_tilde_means_the_same_for_every_path_of_the_command(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "image.nrrd").write_bytes((folder / "image.nrrd").read_bytes())
    (tmp_path / "~backup.nrrd").write_bytes((folder / "image.nrrd").read_bytes())
    np.save(tmp_path / "k.npy", np.ones((3, 3, 3)))
    (tmp_path / "set.json").write_text(
        json.dumps({"schema": SCHEMA, "key": "uniform", "kernels": [{"type": "file", "path": "~/k.npy"}]})
    )
    (tmp_path / "cases.csv").write_text("input,kernels,mask\n~/image.nrrd,~/set.json,~/image.nrrd\n")
    monkeypatch.chdir(folder)
    log = ["--log-file", "~/log.txt"]
    assert cli.main(["convolve", "~/image.nrrd", "~/out.nrrd", "--kernels", "~/set.json", "--quiet", *log]) == 0
    assert cli.main(["repeat", "~/out.nrrd.recipe.json", "~/again.nrrd", "--quiet"]) == 0
    assert cli.main(["kernel", "mean", "--shape", "3", "--output", "~/mean.nrrd"]) == 0
    assert cli.main(["batch", "~/cases.csv", "--output", "~/out", "--check"]) == 0
    assert {"out.nrrd", "out.nrrd.recipe.json", "again.nrrd", "mean.nrrd", "log.txt"} <= set(os.listdir(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["convolve", "~backup.nrrd", "~out.nrrd", "--kernels", "~/set.json", "--quiet"]) == 0
    assert (tmp_path / "~out.nrrd").is_file()
    assert not (folder / "~").exists()
