"""The page of help: it needs no network, and names what the panel has."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from SpatialDeconvLib.methods import registry as methods

MODULE = Path(__file__).resolve().parents[2] / "SpatialDeconv"
PAGE = MODULE / "Resources" / "Help" / "SpatialDeconv.html"


class Page(HTMLParser):
    """Its attributes, what stands in bold, its text, and whether its tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.attributes, self.bold, self.text, self._open = [], [], "", []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, *each) for each in attributes]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self._open[-1:] == ["b"]:
            self.bold.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def page():
    return Page(PAGE.read_text(encoding="utf-8"))


def test_controls_that_it_names_are_in_the_forms(page):
    forms = (ElementTree.parse(form).getroot() for form in (MODULE / "Resources" / "UI").glob("*.ui"))
    texts = {
        element.findtext("string")
        for root in forms
        for element in root.iter("property")
        if element.get("name") == "text"
    }
    assert len(page.bold) > 15
    assert set(page.bold) <= texts


def test_every_method_is_named(page):
    text = " ".join(page.text.split())
    assert [m.label for m in methods.METHODS if m.label not in text] == []


def test_it_needs_nothing_from_elsewhere(page):
    assert not [each for each in page.attributes if each[1] in ("src", "href") and not each[2].startswith("#")]
    assert "@import" not in page.text
    assert "url(" not in page.text
    places = {value for _tag, name, value in page.attributes if name == "id"}
    assert {value[1:] for _tag, name, value in page.attributes if name == "href"} == places


def test_the_panels_help_section_opens_it(slicer_window):
    from user import User

    User(slicer_window).open()
    import SpatialDeconv

    text = slicer_window._descriptions[-1].parent.helpText
    (address,) = re.findall(r'href="(file://[^"]+)"', text)
    assert address == PAGE.as_uri() == (SpatialDeconv.resourceFolder() / "Help" / "SpatialDeconv.html").as_uri()
