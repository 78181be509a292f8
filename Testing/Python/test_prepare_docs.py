"""Resources/Docs/prepare.md: every block runs, and prints what the text says."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from pictures import STORED, assert_alike

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.command import cli

TEXT = (Path(__file__).resolve().parents[2] / "Resources" / "Docs" / "prepare.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|sh|text)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def run(kind, block, names):
    """What a block prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        if kind == "python":
            exec(block, names)
        for line in block.splitlines() if kind == "sh" else ():
            command, *words = shlex.split(line)
            assert command == "spatialdeconv"
            assert cli.main([*words, "--quiet"]) == 0
    return out.getvalue()


def test_the_page_does_what_it_says(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    names, said = {}, ""
    for kind, block in BLOCKS:
        if kind == "text":
            assert numberless(said) == numberless(block)
            assert numbers(said) == pytest.approx(numbers(block), rel=0.05)
        else:
            said = run(kind, block, names)
    assert [kind for kind, _ in BLOCKS].count("text") == 4
    assert_alike(Path("prepare.png"), STORED / "prepare.png")


NUMBER = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"


def numberless(text):
    return re.sub(NUMBER, "#", text)


def numbers(text):
    """Those in a text: other versions of numpy and scipy round otherwise."""
    return [float(number) for number in re.findall(NUMBER, text)]
