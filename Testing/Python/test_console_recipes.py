"""The recipes of Resources/Docs/console.md: each block is run as it stands, and its result is looked at."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="needs slicer-core or Slicer")

from test_module_logic import module  # noqa: E402, F401 (a fixture)

import SpatialDeconvLib as sd  # noqa: E402
from SpatialDeconvLib import cases  # noqa: E402

PAGE = Path(__file__).resolve().parents[2] / "Resources" / "Docs" / "console.md"
CROP = (slice(20, 36), slice(40, 80), slice(40, 80))


def blocks():
    """(heading, number under that heading, code) of every block of the page."""
    found, heading, count = [], "", 0
    for part in re.split(r"^(## [^\n]*|```python\n.*?^```)$", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S):
        if part.startswith("## "):
            heading, count = part[3:], 0
        elif part.startswith("```python"):
            count += 1
            found.append((heading, count, part.removeprefix("```python\n").removesuffix("```")))
    return found


BLOCKS = blocks()


@pytest.fixture
def console(module, tmp_path, monkeypatch):  # noqa: F811
    """A namespace as the console's, in which the first block has run."""
    from SpatialDeconvLib.panel import samples  # now: the stand-ins of other tests have taken the panel with them

    scene = slicer.vtkMRMLScene()
    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(str(tmp_path))
    scene.SetCacheManager(cache)
    events = []
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    monkeypatch.setattr(slicer, "app", SimpleNamespace(processEvents=lambda: events.append(1)), raising=False)
    monkeypatch.setattr(slicer.util, "setSliceViewerLayers", lambda **layers: None)
    monkeypatch.setitem(sys.modules, "SpatialDeconv", module)
    monkeypatch.setitem(samples.CASES, "brain", lambda: cases.brain_case(crop=CROP))
    namespace = {"slicer": slicer, "events": events}
    exec(BLOCKS[0][2], namespace)
    return namespace


def array(node):
    return slicer.util.arrayFromVolume(node)


def improved(c):
    truth = array(c["sharp"])
    return sd.psnr(truth, array(c["output"])) > sd.psnr(truth, array(c["blurred"])) + 0.3


def changed_only_inside(c):
    """The last output differs from the input in the middle of the volume only."""
    changed = array(c["output"]) != array(c["blurred"])
    return changed[4:-4, 8:-8, 8:-8].mean() > 0.5 and not changed[0].any() and not changed[:, 0].any()


def explained(c):
    """The map's root mean square is the run's residual, and it has one line for its one kernel."""
    size = np.sqrt(np.mean(array(c["residual"]).astype(float) ** 2))
    return abs(size / c["result"].residual - 1) < 1e-3 and len(c["maps"][0].describe()) == 1


def blurred_inside(c):
    sharp, inside = array(c["sharp"]), array(c["inside"])
    flat = array(c["mean"]).std() < sharp.std() < array(c["crisp"]).std()
    kept = (inside[~c["brain"]] == sharp[~c["brain"]]).all()
    return flat and kept and abs(array(c["edges"]).mean()) < 0.1 * sharp.std()


def filled(c):
    rows = c["parameters"].rowsOf(c["node"])
    return [row.kind for row in rows] == ["gaussian", "motion"] and c["node"].iterations == 20


CHECKS = {
    ("To begin with", 1): lambda c: array(c["blurred"]).shape == array(c["sharp"]).shape == (16, 40, 40),
    ("Ten kernels, one for each intensity", 1): improved,
    ("Kernels from arrays, also of an even size", 1): lambda c: c["kernel"].shape == (20, 20),
    ("A kernel stored as its logarithm", 1): lambda c: np.allclose(
        c["kernel"].values, sd.gaussian_kernel(1.5).values, atol=1e-9
    ),
    ("Kernel sets: save, use, put into the panel's table", 1): lambda c: (
        c["logic"].getParameterNode().kernelSetPath == c["path"] and sd.read_kernel_set(c["path"]).at == (10, 90)
    ),
    ("A kernel for each region", 1): improved,
    ("Only in a part of the volume", 1): changed_only_inside,
    ("A method of your own choice", 1): improved,
    ("Which kernel does not fit, and where", 1): explained,
    ("Blur, mean, Laplace, sharpen", 1): blurred_inside,
    ("Progress, and a way to stop", 1): lambda c: len(c["events"]) > 0,
    ("Every frame of a sequence", 1): lambda c: (
        c["output"].GetNumberOfDataNodes() == len(c["results"]) == 3
        and (array(c["output"].GetNthDataNode(1)) != array(c["blurred"])).any()
    ),
    ("Measure a kernel", 1): lambda c: c["kernel"].shape == (7, 7, 7) and abs(c["kernel"].total - 1) < 1e-6,
    ("Measure a kernel", 2): lambda c: c["kernels"].at == (20, 60, 90),
    ("Compare with the truth", 1): improved,
    ("Fill the panel from a script", 1): filled,
}


def test_every_recipe_is_looked_at():
    assert [(heading, number) for heading, number, _code in BLOCKS] == list(CHECKS)


@pytest.mark.parametrize(
    ("heading", "number", "code"), BLOCKS, ids=[f"{heading} {number}" for heading, number, _code in BLOCKS]
)
def test_a_recipe_does_what_it_says(console, heading, number, code, capsys):
    exec(code, console)
    assert CHECKS[heading, number](console)


def test_lines_of_the_page_are_no_longer_than_the_sources():
    assert max(map(len, PAGE.read_text(encoding="utf-8").splitlines())) <= 124
