"""The tutorial of Resources/Docs/batch.md: every command runs, and shows what the text says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.methods import registry as methods

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Resources" / "Docs" / "batch.md").read_text(encoding="utf-8")
SAMPLE = "Resources/SampleData/icbm152_t1_crop.nrrd"


@pytest.mark.skipif(not shutil.which("bash"), reason="the tutorial is for a Unix shell")
def test_the_tutorial_does_what_it_says(tmp_path):
    (tmp_path / SAMPLE).parent.mkdir(parents=True)
    sitk.WriteImage(sitk.ReadImage(str(ROOT / SAMPLE))[40:80, 40:80, 20:36], str(tmp_path / SAMPLE))  # for speed
    command = tmp_path / "bin" / "spatialdeconv"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m SpatialDeconvLib "$@" 2>&1\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}"}
    blocks = re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 7
    shown = []
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        shown.append(done.stdout)
    assert re.search(r"\[1/3\] \w+: \d+\.\d s, \d\.\d\d GiB, about \d+ s left", shown[1])
    assert "row 3 (bob) would run" in shown[3]
    table = [line.split(",") for line in shown[4].splitlines()]
    assert table[0] == ["case", "status", "method", "seconds", "peak_memory_gib", "residual", "psnr_after"]
    assert [row[:2] for row in table[1:]] == [["ann", "done"], ["bob", "done"], ["cid", "done"]]
    assert table[2][2] == "richardson-lucy"
    assert {table[1][2], table[3][2]} <= set(methods.methods_of("joint"))  # what "auto" took
    assert "[1/3] bob: finished before" in shown[5]
    assert shown[5].count("finished before") == 1
    assert "3 of 3 cases are finished" in shown[5]


def test_the_scripts_that_slicer_is_given_exist():
    scripts = re.findall(r"--python-script (\S+)", TEXT)
    assert len(scripts) == 3
    for script in scripts:
        assert (ROOT / script.replace("\\", "/")).is_file()
    assert TEXT.count("-m SpatialDeconvLib batch") == 3


def test_the_columns_that_are_explained_exist():
    from SpatialDeconvLib.command import cli
    from SpatialDeconvLib.command.batch import folder
    from SpatialDeconvLib.command.batch import manifest as manifests

    manifest, results = TEXT.split("## The output folder")
    known = {name for _, actions in manifests._commands(cli.command_parser()).values() for name in actions} | set(
        manifests._OWN_COLUMNS
    )
    columns = re.findall(r"^\| (`.*?) \|", manifest.split("## The manifest")[1], re.MULTILINE)
    assert {name for cell in columns for name in re.findall(r"`([\w-]+)`", cell)} <= known
    cells = re.findall(r"^\| (`.*?) \|", results.split("## Stopping")[0], re.MULTILINE)
    assert len(cells) == 7
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} <= set(folder.COLUMNS)
