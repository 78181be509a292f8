"""Texts of the engine that the panel says in another language: what they keep, and that they all are such."""

import ast
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

import SpatialDeconvLib as sd
from SpatialDeconvLib.panel import model as panelmodel
from SpatialDeconvLib.texts import Text, joined
from SpatialDeconvLib.texts import mark as _

LIBRARY = Path(sd.__file__).parent
#: What a run, a measurement or a look at kernels says, shown by the panel.
PLACES = (
    "run",
    "kernels/faults.py",
    "kernels/sources.py",
    "estimation/run.py",
    "estimation/pair.py",
    "mrml/channels.py",
)


def in_capitals(_context, text):
    """A translation into capitals, which leaves the places for values as they are."""
    parts = re.split(r"(\{[^}]*\})", text)
    return "".join(part if part.startswith("{") else part.upper() for part in parts)


def shouted(text, _home):
    return text.upper() if "{" not in text else f"<{text}>"


def test_a_text_is_the_english_one_and_can_be_said_otherwise():
    text = _("{count} kernels at {place}").format(count=2, place=_("the border"))
    assert text == "2 kernels at the border" == str(text)
    assert text.said(shouted) == "<2 kernels at THE BORDER>"
    assert text.home == __name__


def test_texts_one_after_another_are_said_each_by_itself():
    text = joined("; ", ("plain", _("one"), _("two {n:.1f}").format(n=0.25)))
    assert text == "plain; one; two 0.2"
    assert text.said(shouted) == "plain; ONE; <two 0.2>"
    assert joined("{", ("a", "b")).said(shouted) == "a{b"


def test_a_text_is_the_same_in_another_process():
    text = joined(": ", ("frame 2", _("no {what}").format(what="noise")))
    again = pickle.loads(pickle.dumps(text))
    assert again == text
    assert again.said(shouted) == "frame 2: <no noise>"


def test_an_error_within_a_frame_can_still_be_said_otherwise():
    error = sd.InputError(_("no {what}").format(what="voxels"), nonfinite="fill").within("frame 2")
    assert error.text.said(shouted) == "frame 2: <no voxels>"
    again = pickle.loads(pickle.dumps(error))
    assert again.text.said(shouted) == "frame 2: <no voxels>"


def calls(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def is_written_english(node):
    """Whether an argument is a literal or an f-string, which nothing can say in another language."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def told_in(path):
    """The arguments of what is put into lists of warnings, and the texts of errors that know their cure."""
    for call in calls(path):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        onto = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if name == "append" and onto.rpartition(".")[2] in ("warnings", "told", "notes"):
            yield call.args[0]
        if name in ("InputError", "NotEnoughMemory") and any(k.arg not in (None, "option") for k in call.keywords):
            yield call.args[0]


@pytest.mark.parametrize("place", PLACES)
def test_what_a_run_says_can_be_said_in_another_language(place):
    paths = sorted((LIBRARY / place).rglob("*.py")) if (LIBRARY / place).is_dir() else [LIBRARY / place]
    told = [(path.name, node) for path in paths for node in told_in(path)]
    assert [f"{name}: {ast.unparse(node)}" for name, node in told if is_written_english(node)] == []


def test_all_that_a_run_says_reaches_the_panel_in_its_language(monkeypatch):
    monkeypatch.setattr(panelmodel, "translate", in_capitals)
    image = np.random.default_rng(0).normal(50.0, 5.0, (24, 24)).astype(np.float32)
    image[12:, 5:] += 40
    image[3, 3] = np.nan
    wide = sd.Kernel(np.ones((9, 9)) / 40, (2.0, 2.0))  # of another voxel size, and its sum is not 1
    field = sd.KernelField.by_intensity({1000.0: wide, 2000.0: sd.ParametricKernel("gaussian", sigma_mm=0.01)})
    result = sd.deconvolve(
        image, field, spacing=1.0, nonfinite="fill", noise=0.1, guide=np.nan_to_num(image, nan=50)
    )
    assert len(result.warnings) > 3
    assert all(isinstance(warning, Text) for warning in result.warnings), result.warnings
    lines = panelmodel.resultText(result, "out").split("\n")[1:]
    small = {word for line in lines for word in re.findall(r"[a-z]{2,}", line.removeprefix("Warning: "))}
    assert small == {"aussian", "intensity", "mm"}  # the name of a kernel, a word for a key, a unit


def test_an_error_is_told_in_the_panels_language(monkeypatch):
    monkeypatch.setattr(panelmodel, "translate", in_capitals)
    image = np.full((8, 8), np.inf)
    with pytest.raises(sd.InputError) as caught:
        sd.deconvolve(image, sd.ParametricKernel("gaussian", sigma_mm=1.0), spacing=1.0)
    assert panelmodel.errorText(caught.value).startswith("THE IMAGE HOLDS 0 NAN AND 64 INFINITE OF 64 VOXELS;")


def test_how_far_a_run_is_can_be_said_in_another_language(monkeypatch):
    monkeypatch.setattr(panelmodel, "translate", in_capitals)
    told = []
    image = np.random.default_rng(0).normal(50.0, 5.0, (24, 24))
    kernels = {
        40.0: sd.ParametricKernel("gaussian", sigma_mm=1.0),
        60.0: sd.ParametricKernel("gaussian", sigma_mm=2.0),
    }
    for method in ({}, {"method": "wiener", "strategy": "blend", "noise": 1.0}):
        field = sd.KernelField.by_intensity(kernels)
        sd.deconvolve(image, field, spacing=1.0, progress=lambda _done, text: told.append(text), **method)
    lines = {panelmodel.progressText(0.5, text, 1.0) for text in told}
    assert any("WHOSE INTENSITY" in line for line in lines)
    assert any("RESIDUAL" in line for line in lines)
    assert not {line for line in lines if re.search("(kernel|residual|step|weight|whose|looking|trying) ", line)}
