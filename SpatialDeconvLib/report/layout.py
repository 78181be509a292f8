"""What several sections put their contents into: figures with captions, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from .tags import Markup, tag


def captioned(content: Markup, *caption: str) -> Markup:
    """A picture or a chart, with a caption of text and markup below it."""
    return tag("figure", content, tag("figcaption", *caption))


def table(
    rows: Iterable[Sequence[str | None]],
    head: Sequence[str] = (),
    caption: str | None = None,
    classes: Sequence[str] = (),
) -> Markup:
    """A table.

    Parameters
    ----------
    rows : iterable of sequences of str
        The first entry names the row.
    head : sequence of str
        Names of the columns, that of the rows' names first.
    caption : str, optional
    classes : sequence of str
        CSS class of each column after the first.
    """
    body = []
    for name, *texts in rows:
        cells = (tag("td", text, class_=kind) for text, kind in zip_longest(texts, classes[: len(texts)]))
        body.append(tag("tr", tag("th", name, scope="row"), *cells))
    titles = tag("thead", tag("tr", *(tag("th", title, scope="col") for title in head))) if head else None
    above = None if caption is None else tag("caption", caption, class_="soft")
    return tag("div", tag("table", above, titles, tag("tbody", *body)), class_="wide")
