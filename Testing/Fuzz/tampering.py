"""Files that people write, and what may become of them: kernel sets, recipes and manifests, changed at random."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from SpatialDeconvLib.command import cli

SCHEMA = "spatialdeconv-kernels/1"
KERNEL_SET = {
    "schema": SCHEMA,
    "key": "intensity",
    "of": "auto",
    "interpolation": "linear",
    "outside": "nearest",
    "kernels": [
        {"at": 20, "type": "gaussian", "sigma_mm": [1.0, 1.0, 2.0], "centre": "middle"},
        {"at": 80, "type": "file", "path": "k.npy", "log": False, "spacing_mm": 1.0, "normalize": True},
        {
            "at": 90,
            "type": "values",
            "values": [[[0, 1, 0], [1, 2, 1]]],
            "spacing_mm": 0.5,
            "centre": [0, 1, "itk"],
        },
        {"at": 95, "type": "motion", "length_mm": 3, "direction": [0, 0.5, 0.866]},
    ],
}
MANIFEST = {
    "schema": "spatialdeconv-batch/1",
    "defaults": {"kernels": "set.json"},
    "cases": [
        {"case": "one", "input": "image.nrrd", "mask": "mask.nrrd", "mask-range": [0, 50], "method": "tikhonov"},
        {"input": "image.nrrd", "output": "x.nrrd", "operation": "convolve", "normalize": True, "method": ""},
        {"case": "three", "input": "image.nrrd", "noise": "0.5", "report": "r", "kernels": "k.npy", "log": True},
    ],
}
TABLE = """case,input,kernels,method,mask,mask-range,noise,operation,output
one,image.nrrd,set.json,tikhonov,mask.nrrd,0 50,,,
"two, quoted",image.nrrd,k.npy,,,,,convolve,x.nrrd
three,image.nrrd,set.json,wiener,,,0.5,deconvolve,
"""
#: What no number, name, list or path should be.
ODD = (
    None, True, False, -1, 0, 1.5, 10**400, 1e308, 1e-320, float("nan"), float("-inf"), "", "x", "auto",
    "~nobody/x", "\0", "\udce9", "\ud800", "a\x1b[31m", [], [1], [1, 2, 3], [[1, 2], [3]], {}, {"a": 1}, "x" * 3000,
    [None],
    "k.npy", "/dev/null", "..", "10", "1e400", "نص", [1e200, 1e200, 1e200], 2**31, -0.0, "\n", "intensity",
    "image.nrrd",
)  # fmt: skip
_BYTES = (b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"[" * 2000, b"{", b'"', b",", b"\n", b"1e999", b"NaN", b"\\ud800")


def make_inputs(folder: Path) -> None:
    """Write an image, a mask, a kernel, a kernel set, and the recipes of a deconvolution, a convolution and an
    estimation."""
    values = np.random.default_rng(0).random((4, 8, 9)).astype(np.float32) * 100
    sitk.WriteImage(sitk.GetImageFromArray(values), str(folder / "image.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray((values > 50).astype(np.uint8)), str(folder / "mask.nrrd"))
    np.save(folder / "k.npy", np.ones((3, 3, 3)))
    (folder / "set.json").write_text(json.dumps(KERNEL_SET))
    with inside(folder):
        deconvolve = ["deconvolve", "image.nrrd", "d.nrrd", "--kernels", "set.json", "--method", "tikhonov"]
        assert cli.main([*deconvolve, "--mask", "mask.nrrd", "--mask-range", "0", "90", "--quiet"]) == 0
        assert cli.main(["convolve", "image.nrrd", "c.nrrd", "--kernels", "set.json", "--quiet"]) == 0
        assert cli.main(["estimate", "image.nrrd", "c.nrrd", "--size", "3", "--output", "e.json", "--quiet"]) == 0


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Have a folder as the current one within the block."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)


def places(content: Any, place: tuple = ()) -> Iterator[tuple]:
    """The places of everything in nested objects and lists."""
    items: Any = ()
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield (*place, key)
        yield from places(value, (*place, key))


def tampered(content: Any, dice: random.Random) -> Any:
    """The content with a value or two replaced, taken away, or put under a name that nobody knows."""
    content = copy.deepcopy(content)
    for _ in range(dice.choice((1, 1, 2))):
        *above, last = dice.choice([*places(content)] or [("new",)])
        parent = content
        for key in above:
            parent = parent[key]
        how = dice.choice(("replace", "replace", "remove", "add"))
        if how == "remove":
            parent.pop(last, None) if isinstance(parent, dict) else parent.pop(last)
        else:
            parent[f"new {last}" if how == "add" and isinstance(parent, dict) else last] = copy.deepcopy(
                dice.choice(ODD)
            )
    return content


def garbled(text: bytes, dice: random.Random) -> bytes:
    """The text with a few bytes cut out, doubled, or replaced."""
    for _ in range(dice.choice((1, 1, 2, 4))):
        start = dice.randrange(len(text) + 1)
        end = min(len(text), start + dice.choice((0, 1, 1, 3, 20, 400)))
        text = text[:start] + dice.choice((*_BYTES, text[start:end] * 2)) + text[end:]
    return text
