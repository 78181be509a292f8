"""What a run reads is never written over, by whatever name: outputs, recipes, reports, log files."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SpatialDeconvLib.command import cli
from SpatialDeconvLib.command.overwriting import files_read

pytest.importorskip("slicer", reason="slicer-core is not installed")

KERNELS = {
    "schema": "spatialdeconv-kernels/1", "key": "uniform", "kernels": [{"type": "file", "path": "k.nrrd"}],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).random((1, 16, 16)).astype(np.float32)
    for name in ("a.nrrd", "b.nrrd", "g.nrrd", "t.nrrd", "h.mhd"):
        sitk.WriteImage(sitk.GetImageFromArray(values), name)
    for name in ("m.nrrd", "l.nrrd"):
        sitk.WriteImage(sitk.GetImageFromArray(np.ones((1, 16, 16), np.uint8)), name)
    words = ["kernel", "gaussian", "--sigma", "1", "--spacing", "1", "1", "--output", "k.nrrd"]
    assert cli.main(words) == 0
    Path("set.json").write_text(json.dumps(KERNELS))
    return tmp_path


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder, capsys, *arguments, name):
    """Run the command, which has to refuse with one line that has the name of the file, and to change nothing."""
    before = contents(folder)
    assert cli.main([str(a) for a in arguments]) == 1
    said = capsys.readouterr().err
    assert "would overwrite" in said
    assert name in said
    assert contents(folder) == before


ALL = ("--kernels", "set.json", "--mask", "m.nrrd", "--labels", "l.nrrd", "--guide", "g.nrrd")
RUN = ALL[:4]  # what goes together
OF_DECONVOLVE = ("--reference", "t.nrrd", "--noise-image", "b.nrrd")


@pytest.mark.parametrize("name", ["a.nrrd", "m.nrrd", "l.nrrd", "g.nrrd", "t.nrrd", "b.nrrd", "k.nrrd"])
def test_an_output_that_is_an_input_is_refused(folder, capsys, name):
    words = ("deconvolve", "a.nrrd", name, *ALL, *OF_DECONVOLVE)
    refused(folder, capsys, *words, name=name)
    if name not in ("t.nrrd", "b.nrrd"):
        refused(folder, capsys, "convolve", "a.nrrd", folder / name, *ALL, name=name)


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("name", ["a.nrrd", "m.nrrd", "k.nrrd", "set.json"])
def test_an_output_that_is_a_link_to_an_input_is_refused(folder, capsys, link, name):
    link(name, "out.nrrd")
    refused(folder, capsys, "deconvolve", "a.nrrd", "out.nrrd", *ALL, name=name)


def test_a_folder_that_is_a_link_hides_no_input(folder, capsys):
    os.symlink(folder, "elsewhere", target_is_directory=True)
    refused(folder, capsys, "convolve", "a.nrrd", "elsewhere/a.nrrd", *ALL, name="a.nrrd")


def test_files_that_go_with_an_output_are_counted(folder, capsys):
    header = Path("h.mhd").read_text()
    Path("other.mhd").write_text(header)  # its data file is h.raw
    refused(folder, capsys, "convolve", "other.mhd", "h.nhdr", *ALL, name="h.raw")
    os.symlink("set.json", "o.nrrd.recipe.json")
    refused(folder, capsys, "convolve", "a.nrrd", "o.nrrd", *ALL, name="set.json")
    Path("rep").mkdir()
    os.link("g.nrrd", "rep/report.html")
    refused(folder, capsys, "convolve", "a.nrrd", "p.nrrd", *ALL, "--report", "rep", name="g.nrrd")


def test_repeat_writes_over_its_own_output_but_over_no_input(folder, capsys):
    assert cli.main(["convolve", "a.nrrd", "o.nrrd", *RUN, "--quiet"]) == 0
    once = contents(folder)
    for name in ("a.nrrd", "m.nrrd", "k.nrrd"):
        refused(folder, capsys, "repeat", "o.nrrd.recipe.json", name, name=name)
    os.symlink("o.nrrd.recipe.json", "r.nrrd")
    refused(folder, capsys, "repeat", "o.nrrd.recipe.json", "r.nrrd", name="o.nrrd.recipe.json")
    Path("r.nrrd").unlink()
    assert cli.main(["repeat", str(folder / "o.nrrd.recipe.json"), "o.nrrd", "--quiet"]) == 0
    assert contents(folder)["o.nrrd"] == once["o.nrrd"]


def test_estimate_and_kernel_refuse_their_inputs_too(folder, capsys):
    pair = ("estimate", "a.nrrd", "b.nrrd", "--size", 1, 3, 3)
    for name in ("a.nrrd", "b.nrrd", "m.nrrd"):
        refused(folder, capsys, *pair, "--mask", "m.nrrd", "--output", name, name=name)
    os.symlink("a.nrrd", "figure.png")
    refused(folder, capsys, *pair, "--output", "new.nrrd", "--figure", "figure.png", name="a.nrrd")
    os.link("b.nrrd", "s-kernel-1.nrrd")
    refused(folder, capsys, *pair, "--output", "s.json", "--levels", 1, 2, name="s-kernel-1.nrrd")
    refused(folder, capsys, "kernel", "file", "--from", "k.nrrd", "--output", "k.nrrd", name="k.nrrd")


def test_an_estimation_repeats_into_its_own_output(folder):
    assert cli.main(["estimate", "a.nrrd", "b.nrrd", "--size", "1", "3", "3", "--output", "e.nrrd", "--quiet"]) == 0
    assert cli.main(["repeat", "e.nrrd.recipe.json", "e.nrrd", "--quiet"]) == 0


@pytest.mark.parametrize(
    "log", ["a.nrrd", "m.nrrd", "set.json", "k.nrrd", "o.nrrd", "o.nrrd.recipe.json", "rep/report.html", "link"]
)
def test_a_log_file_that_is_a_file_of_the_run_is_refused_before_anything(folder, capsys, log):
    words = ("convolve", "a.nrrd", "o.nrrd", *RUN, "--report=rep", "--quiet")
    assert cli.main([*words]) == 0
    os.link("a.nrrd", "link")
    refused(folder, capsys, *words, "--log-file", log, name=log)
    refused(folder, capsys, *words[1:], f"--log-file={log}", name=log)  # wrong usage


def test_a_log_file_is_kept_from_what_recipes_and_manifests_name(folder, capsys):
    assert cli.main(["convolve", "a.nrrd", "o.nrrd", *RUN, "--quiet"]) == 0
    refused(folder, capsys, "repeat", "o.nrrd.recipe.json", "p.nrrd", "--log-file", "a.nrrd", name="a.nrrd")
    Path("cases.csv").write_text("input,kernels\na.nrrd,set.json\n")
    words = ("batch", "cases.csv", "--output", "out", "--log-file")
    for log in ("cases.csv", "a.nrrd", "k.nrrd", "out/results.csv"):
        refused(folder, capsys, *words, log, name=log)
    assert cli.main(["check", "a.nrrd", "--kernels", "set.json", "--quiet", "--log-file", "new.txt"]) == 0
    assert cli.main(["check", "a.nrrd", "--kernels", "set.json", "--quiet", "--log-file", "new.txt"]) == 0


def test_a_batch_refuses_what_its_kernel_sets_name_and_its_own_manifest(folder, capsys):
    Path("cases.csv").write_text("input,kernels,output\na.nrrd,set.json,k.nrrd\n")
    before = contents(folder)
    assert cli.main(["batch", "cases.csv", "--output", "."]) == 1
    assert "k.nrrd is an input of row 2" in capsys.readouterr().err
    os.rename("cases.csv", "results.csv")
    assert cli.main(["batch", "results.csv", "--output", "."]) == 1
    assert "would overwrite the manifest" in capsys.readouterr().err
    os.rename("results.csv", "cases.csv")
    assert contents(folder) == before


def test_dicom_files_are_read_with_their_folder(folder):
    series = folder / "series"
    series.mkdir()
    for name in ("1.dcm", "2.dcm"):
        (series / name).write_bytes(bytes(128) + b"DICM")
    (series / "notes.txt").write_text("mine")
    expected = {series / "1.dcm", series / "2.dcm"}
    assert set(files_read(series)) == {series, *expected}
    assert set(files_read(series / "1.dcm")) == expected


@pytest.mark.parametrize("text", ["[" * 100_000, "{", '{"schema": 1}', '["\\u0000", "", ".", ".."]'])
def test_files_that_say_nothing_name_nothing(folder, text):
    path = folder / "strange.json"
    path.write_text(text)
    assert files_read(path) == (path,)
