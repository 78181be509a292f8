"""Every command that reads files tells what is doubtful about them."""

import argparse
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from test_doubts import EXTRA
from test_edges import across, edge_image
from test_points import gaussian, places_in, scene
from test_refine import noisy, picture

import SpatialDeconvLib as sd
from SpatialDeconvLib.command.batch.case import run_case
from SpatialDeconvLib.command.cli import command_parser, main
from SpatialDeconvLib.command.overwriting import VOLUME_OPTIONS
from SpatialDeconvLib.run import sheet

pytest.importorskip("slicer", reason="slicer-core is not installed")

NO_SIZE, BEHIND = "says no voxel size", "holds 37 bytes behind its voxels"
KERNEL = "kernel.nii"
ON = ("--kernels", KERNEL)
#: What a command line looks like: "image" stands for the doubtful file.
COMMANDS = {
    "deconvolve": ("image", "out.nrrd", "--method", "wiener", *ON),
    "convolve": ("image", "out.nrrd", *ON),
    "check": ("image", *ON),
    "compare": ("image", "--size", "4", *ON),
    "estimate": ("sharp.nii", "image", "--size", "1", "3", "3", "--output", "k.nrrd"),
    "kernel points": ("image", "--output", "k.nrrd"),
    "kernel edge": ("image", "--output", "k.nrrd"),
    "kernel refine": ("image", "--output", "k.json", "--noise", "0.5", *ON),
    "repeat": ("out.nrrd.recipe.json", "again.nrrd"),
}
#: Those that do what is written in a file.
LATER = ("repeat",)
#: Those that are given kernel files and no volume.
ONLY_KERNELS = {
    "kernel set": (KERNEL, "--output", "k.json"),
    "kernel prepare": (KERNEL, "--output", "k.nrrd"),
    "kernel file": ("--from", KERNEL, "--output", "k.nrrd"),
}


def nifti(name, values, size=1.0, behind=b""):
    """Write a slice, or a volume, as NIfTI with voxels of this size in mm."""
    header, values = bytearray(352), np.atleast_3d(values.T).T
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *values.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 16, 32)
    struct.pack_into("<8f", header, 76, 1, size, size, size, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    header[123] = 2  # mm
    header[344:348] = b"n+1\0"
    Path(name).write_bytes(bytes(header) + values.astype("<f4").tobytes() + behind)


@pytest.fixture
def image(tmp_path, monkeypatch):
    """A function that writes doubtful files that a command can work on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sheet, "_in_order", lambda: [("blend", "inverse"), ("blend", "wiener")])

    def write(command):
        sharp = picture()
        values = noisy(sd.convolve(sharp, sd.disk_kernel(2.5)).image)
        if command == "kernel points":
            places = places_in((64, 96), (1.0, 1.0), 14, 6, seed=1)
            values = scene((64, 96), places, gaussian(1.5), spacing=(1.0, 1.0))
        elif command == "kernel edge":
            values = edge_image((80, 90), across(4))
        nifti("image.nii", values, 0.0, EXTRA)
        nifti("sharp.nii", sharp, 0.0)
        wide = 3.0 if command == "kernel refine" else 2.5
        nifti(KERNEL, sd.disk_kernel(wide).values, 1.0, EXTRA)

    return write


def run(command, arguments):
    words = ["image.nii" if word == "image" else word for word in arguments]
    return main([*command.split(), *words, "--quiet"])


def parsers(parser, words=()):
    """Every command with its parser."""
    inner = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not inner:
        yield " ".join(words), parser
    for name, one in inner[0].choices.items() if inner else ():
        yield from parsers(one, (*words, name))


def test_every_command_that_reads_volumes_is_tested_here():
    roles = {*VOLUME_OPTIONS, "image", "blurred"}
    reading = {name for name, parser in parsers(command_parser()) if roles & {a.dest for a in parser._actions}}
    assert reading == set(COMMANDS) - set(LATER)


def shown(capfd, command, arguments):
    """What a command warns of, as one text."""
    capfd.readouterr()
    assert run(command, arguments) == 0
    return " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize("command", [*COMMANDS, *ONLY_KERNELS])
def test_doubtful_files_are_told_once_by_every_command(image, capfd, command):
    image(command)
    if command == "repeat":
        assert run("convolve", COMMANDS["convolve"]) == 0
    words = {**COMMANDS, **ONLY_KERNELS}[command]
    text = shown(capfd, command, words)
    if "image" in words or command in LATER:
        assert text.count(f"image.nii {NO_SIZE}") == 1
        assert text.count(f"image.nii {BEHIND}") == 1
    if KERNEL in words or command in LATER:
        assert text.count(f"kernel.nii {BEHIND}") == 1


def test_doubtful_files_are_in_the_record_of_a_batch(image, tmp_path):
    image("convolve")
    arguments = ["convolve", "image.nii", str(tmp_path / "o.nrrd"), "--kernels", KERNEL]
    reply = run_case({"arguments": arguments, "staging": str(tmp_path / "s")}, lambda fraction, text: None)
    warnings = " ".join(reply["record"]["warnings"])
    assert f"image.nii {NO_SIZE}" in warnings
    assert f"kernel.nii {BEHIND}" in warnings


@pytest.mark.parametrize("command", ["deconvolve", "check", "compare"])
def test_bytes_behind_a_weight_image_are_told(image, capfd, command):
    image(command)
    for name, behind in (("w1.nii", b""), ("w2.nii", EXTRA)):
        nifti(name, np.full((64, 64), 0.5), 1.0, behind)
    kernels = [{"at": f"w{n}.nii", "type": "gaussian", "sigma_mm": n} for n in (1, 2)]
    content = {"schema": "spatialdeconv-kernels/1", "key": "weights", "kernels": kernels}
    Path("set.json").write_text(json.dumps(content), encoding="utf-8")
    words = ["set.json" if word == KERNEL else word for word in COMMANDS[command]]
    assert shown(capfd, command, words).count(f"w2.nii {BEHIND}") == 1
