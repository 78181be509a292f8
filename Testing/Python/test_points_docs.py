"""The blocks of Resources/Docs/points.md: run one after the other, as they stand."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from pictures import STORED, assert_alike

pytest.importorskip("slicer", reason="slicer-core is not installed")
pytest.importorskip("matplotlib")

import SpatialDeconvLib as sd
from SpatialDeconvLib.command import cli

PAGE = Path(__file__).resolve().parents[2] / "Resources" / "Docs" / "points.md"


def blocks():
    """(language, text) of every block of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return [match.groups() for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The folder in which all blocks have run, what they left in Python, and what the commands said."""
    folder, said = tmp_path_factory.mktemp("page"), []
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for language, text in blocks():
            if language == "python":
                exec(text, names)
            elif language == "sh":
                program, *arguments = shlex.split(text.replace("\\\n", " "))
                assert program == "spatialdeconv"
                assert cli.main([*arguments, "--quiet"]) == 0, text
                said.append(text)
    return folder, names, said


def test_the_commands_of_the_page_write_what_they_name(page):
    folder, _, said = page
    assert len(said) == 4
    for name in ("one.nrrd", "beads.json", "points.png", "sharp.nrrd", "edge-kernel.nrrd", "mtf.png"):
        assert (folder / name).stat().st_size > 0
    assert_alike(folder / "points.png", STORED / "points.png")
    assert_alike(folder / "mtf.png", STORED / "edge.png")


def test_the_kernels_of_the_page_are_those_it_promises(page):
    folder, _, _ = page
    shown = next(text for language, text in blocks() if language == "")
    promised = np.array(re.findall(r"FWHM ([\d.]+) x ([\d.]+) mm", shown), dtype=float)
    values, spacing = sd.read_kernel_set(folder / "beads.json"), 0.1
    true = [2 * np.sqrt(2 * np.log(2)) * (0.13 + 0.07 * at[2] / 24) for at in values.at]
    assert promised == pytest.approx(np.stack([true, true], axis=1), rel=0.06)
    # A second moment is another way to a width: of a Gaussian, in voxels.
    moments = [np.mean(kernel.widths()) * spacing * 2.3548 for kernel in values.kernels]
    assert moments == pytest.approx(true, rel=0.08)


def test_the_edge_of_the_page_is_measured_as_it_was_made(page):
    _, names, _ = page
    found = names["found"]
    true = 0.8 * np.exp(-2 * (np.pi * 0.2 * found.frequency) ** 2) + 0.2 * np.exp(
        -2 * (np.pi * found.frequency) ** 2
    )
    assert np.abs(found.fitted_mtf - true)[found.frequency < found.nyquist].max() < 0.02
    assert names["restored"].shape == (128, 128)
