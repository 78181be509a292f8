"""The page Resources/Docs/kernels.md: its blocks run one after the other in one folder, and do what it says."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pictures import STORED, assert_alike

import SpatialDeconvLib as sd

pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from SpatialDeconvLib.command import cli

PAGE = Path(__file__).resolve().parents[2] / "Resources" / "Docs" / "kernels.md"
TEXT = PAGE.read_text(encoding="utf-8")
LEVELS = tuple(range(10, 101, 10))


def blocks():
    """(heading, language, block) of every block of the page that is run."""
    found, heading = [], ""
    for part in re.split(r"^(## [^\n]*|```(?:python|sh)\n.*?^```)$", TEXT, flags=re.M | re.S):
        if part.startswith("## "):
            heading = part[3:]
        elif part.startswith("```"):
            language, _newline, code = part[3:-3].partition("\n")
            found.append((heading, language, code))
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What the blocks left: their folder, the fields and names of Python, the restored images."""
    folder = tmp_path_factory.mktemp("page")
    names, fields, restored = {}, {}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for heading, language, code in blocks():
            if language == "python" and not (heading == "FITS" and not has_astropy()):
                names.pop("field", None)
                exec(code, names)
                fields[heading] = names.get("field")
            for line in code.splitlines() if language == "sh" else ():
                program, *arguments = shlex.split(line)
                assert program == "spatialdeconv"
                assert cli.main([*arguments, "--quiet"]) == 0, line
                if "deconvolve" in arguments:
                    restored.append(sitk.GetArrayFromImage(sitk.ReadImage("restored.nrrd")))
    return folder, names, fields, restored


def has_astropy():
    try:
        import astropy.io.fits  # noqa: F401
    except ImportError:
        return False
    return True


def test_every_way_brings_the_same_kernels(ran):
    folder, names, fields, _restored = ran
    sets = [sd.read_kernel_set(folder / f"{name}.json") for name in ("set", "tables", "stack", "matlab", "numpy")]
    whole = {heading: field for heading, field in fields.items() if field is not None and len(field.at) == 10}
    assert len(whole) == 3 + has_astropy()
    for field in (*sets, *whole.values()):
        assert field.at == LEVELS
        for kernel, values in zip(field.kernels, names["kernels"], strict=True):
            np.testing.assert_allclose(kernel.values, values / values.sum(), rtol=1e-7)  # text keeps nine digits
    assert fields["Names without levels"].at == (10, 100)
    assert sd.read_kernel_set(folder / "regions.json").at == ("bone", "lung")


def test_the_set_and_the_folder_restore_the_same_bits(ran):
    _folder, names, _fields, restored = ran
    one, other = map(np.squeeze, restored)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one, names["restored"], rtol=1e-4, atol=1e-2)
    assert sd.psnr(names["sharp"], one) > sd.psnr(names["sharp"], names["blurred"]) + 3


def test_the_list_that_is_shown_is_what_is_printed(ran, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    monkeypatch.chdir(ran[0])
    assert cli.main(["kernel", "set", "kernels", "--output", "set.json", "--figure", "set.png"]) == 0
    said = capsys.readouterr().out.splitlines()
    shown = TEXT.split("```\n\n```\n")[1].partition("```")[0].splitlines()
    assert [line for line in shown if line not in said] == ["..."]
    assert_alike(ran[0] / "set.png", STORED / "kernels.png")


def test_links_lead_to_headings_and_files():
    titles = re.findall(r"^## (.*)$", TEXT, flags=re.M)
    headings = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target[1:] in headings if target.startswith("#") else (PAGE.parent / target).exists(), target


def test_lines_of_the_page_are_no_longer_than_the_sources():
    assert max(map(len, TEXT.splitlines())) <= 124
