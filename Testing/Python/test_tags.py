"""Markup of the report: whatever the text, a parser reads it back as text."""

import doctest
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from SpatialDeconvLib.report import tags
from SpatialDeconvLib.report.tags import Markup, joined, tag


class Reader(HTMLParser):
    """Start tags, end tags and text, in their order; neighbouring texts are one."""

    def __init__(self, text):
        super().__init__()
        self.read = []
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.read.append(("start", name, dict(attributes)))

    def handle_endtag(self, name):
        self.read.append(("end", name))

    def handle_data(self, data):
        if self.read and self.read[-1][0] == "text":
            data = self.read.pop()[1] + data
        self.read.append(("text", data))

    def handle_comment(self, data):
        self.read.append(("comment", data))

    handle_decl = handle_pi = unknown_decl = handle_comment


def test_examples_of_the_module():
    assert doctest.testmod(tags).failed == 0


# What ends texts, attributes, elements and comments, more often than chance would have it.
pieces = (
    "<",
    ">",
    "&",
    '"',
    "'",
    "/",
    "<b",
    "</",
    "<!--",
    "-->",
    "<?",
    "]]>",
    "&lt;",
    "&#60;",
    "=",
    " ",
    "\n",
    "x",
)
texts = st.lists(st.one_of(st.sampled_from(pieces), st.text(max_size=3))).map("".join)


@given(texts, texts, texts)
def test_any_text_is_read_back_as_text(title, before, inside):
    read = Reader(tag("p", before, tag("b", inside, title=title), class_=title)).read
    expected = [
        ("start", "p", {"class": title}), ("text", before), ("start", "b", {"title": title}), ("text", inside),
        ("end", "b"), ("end", "p"),
    ]  # fmt: skip
    assert read == [item for item in expected if item != ("text", "")]


@given(texts)
def test_plain_text_made_of_markup_is_text_again(text):
    bold = tag("b", "x")
    for mixed in (f"{bold}{text}", bold + text, text.join([bold, bold]), bold.replace("x", text)):
        assert Reader(tag("p", mixed)).read == [("start", "p", {}), ("text", str(mixed)), ("end", "p")]


def test_markup_stays_as_it_is():
    bold = tag("b", "<")
    assert tag("p", joined("&", bold, None, 3)) == "<p>&amp;<b>&lt;</b>3</p>"
    assert tag("p", Markup("<i>")) == "<p><i></p>"


def test_attributes():
    made = tag("input", type="radio", checked=True, disabled=False, name=None, data_of=0, for_="a")
    assert made == '<input type="radio" checked data-of="0" for="a">'
    assert tag("rect", x=1.5) == '<rect x="1.5"/>'
    assert tag("path", tag("title", "t"), d="M0,0") == '<path d="M0,0"><title>t</title></path>'
    assert tag("div") == "<div></div>"
    with pytest.raises(ValueError, match="br"):
        tag("br", "text")
