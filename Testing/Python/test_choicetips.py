"""Tool tips with pictures of what there is to choose from."""

import html
import re
import sys
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import numpy as np
import pytest

from SpatialDeconvLib.methods import choices
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.report.pixels import png

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "SpatialDeconv" / "Resources" / "Choices"
TIP_ROLE = 3

slicer = pytest.importorskip("slicer")


def picture_in(tip):
    """Return the file that a tool tip shows, None without one."""
    found = re.search('src="([^"]+)"', tip)
    return found and Path(url2pathname(urlparse(found[1]).path))


def tips(user, name):
    box = getattr(user.ui, name)
    return [box.itemData(index, TIP_ROLE) for index in range(box.count)]


@pytest.mark.parametrize(
    ("box", "without"),
    [
        ("methodComboBox", 1), ("jointMethodComboBox", 1), ("modelComboBox", 0), ("boundaryComboBox", 0),
        ("jointBoundaryComboBox", 0), ("ofComboBox", 1),
    ],
)  # fmt: skip
def test_every_choice_but_the_automatic_one_has_a_picture_of_its_own(user, box, without):
    shown = [picture_in(tip) for tip in tips(user, box)]
    assert shown.count(None) == without
    assert len(set(shown)) == len(shown)
    assert all(path.is_file() for path in shown if path)


def test_a_combo_box_says_what_it_is_for_and_what_is_chosen(user):
    user.choose("inputVolumeSelector", user.add_volume())
    user.choose_filter("Tikhonov")
    tip = user.ui.methodComboBox.toolTip
    assert "Filter that runs once for every kernel" in tip
    assert html.escape(methods.method("blend", "tikhonov").sentence) in tip
    assert picture_in(tip).name == "blend-tikhonov.png"


def test_another_scene_has_the_tool_tips_too(user):
    before = tips(user, "modelComboBox")
    slicer.mrmlScene.Clear(0)
    user.window.processEvents()
    assert tips(user, "modelComboBox") == before


def test_a_text_is_shown_as_it_is_and_rich_text_stays_what_it_is(user):
    from SpatialDeconvLib.panel import choicetips

    assert choicetips.paragraph("a < b\nc & d") == "<p>a &lt; b<br/>c &amp; d</p>"
    assert choicetips.paragraph("<p>a</p>") == "<p>a</p>"


@pytest.fixture(scope="module")
def drawn():
    sys.path.insert(0, str(ROOT / "Testing"))
    try:
        import draw_choices
    finally:
        sys.path.pop(0)
    return draw_choices


def test_there_is_a_picture_of_all_that_the_registries_have():
    named = {
        f"{s}-{name}"
        for s in choices.NAMED_STRATEGIES
        for name, m in methods.methods_of(s).items()
        if not m.automatic
    }
    named |= {f"model-{word}" for word in choices.MODELS} | {f"boundary-{word}" for word in choices.BOUNDARIES}
    named |= {f"of-{word}" for word in choices.WHOSE if word != choices.AUTO}
    assert {path.stem for path in PICTURES.iterdir()} == named


@pytest.mark.parametrize("part", ["modelled", "bordered", "keyed"])
def test_the_pictures_are_those_that_the_script_draws(drawn, part):
    for name, picture in getattr(drawn, part)().items():
        assert (PICTURES / f"{name}.png").read_bytes() == png(picture)


def test_the_models_differ_beside_the_border_and_nowhere_else(drawn):
    detector, source = (drawn.modelled()[f"model-{word}"].astype(int) for word in ("detector", "source"))
    columns = np.nonzero((np.abs(detector - source) > 8).any(0))[0]
    border = drawn.SIDE * drawn.ZOOM * 3 // 2 + drawn.GAP  # in the middle of the second picture
    assert columns.min() < border <= columns.max()
    assert np.abs(columns - border).max() < drawn.SIDE * drawn.ZOOM // 3
