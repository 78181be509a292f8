"""HTML and SVG, element by element: every text is escaped unless it is marked as markup."""

from __future__ import annotations

import html

#: Elements that have no content and no end tag.
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
#: Shapes of SVG, which end themselves when nothing is in them.
_SHAPES = frozenset({"circle", "line", "path", "rect"})


class Markup(str):
    """Text that is markup already, which `tag` leaves as it is.

    What plain text operations make of it (``+``, ``join``, f-strings) is plain text again, and is escaped; `joined`
    keeps it markup.
    """

    __slots__ = ()


def tag(name: str, /, *children: str | float | None, **attributes: str | float | None) -> Markup:
    """Return an element of HTML or SVG.

    Parameters
    ----------
    name : str
    *children : str, Markup, number or None
        What is in it. Text is escaped, `Markup` taken as it is, None left out.
    **attributes : str, number, bool or None
        Their values, escaped. ``class_`` is written ``class``, ``aria_label`` ``aria-label``; with True one
        stands without a value, with False or None it is left out.

    >>> tag("a", "R&D ", tag("b", 7), href="#x", class_="soft", title=None)
    '<a href="#x" class="soft">R&amp;D <b>7</b></a>'
    """
    start = name + "".join(_attribute(key, value) for key, value in attributes.items())
    content = joined(*children)
    if name in _VOID:
        if content:
            raise ValueError(f"an element {name} has no content, not {content!r}")
        return Markup(f"<{start}>")
    if name in _SHAPES and not content:
        return Markup(f"<{start}/>")
    return Markup(f"<{start}>{content}</{name}>")


def joined(*children: str | float | None) -> Markup:
    """Return texts and markup one after the other, as markup; see `tag`."""
    return Markup("".join(_escaped(child) for child in children if child is not None))


def _escaped(child: str | float) -> str:
    return child if isinstance(child, Markup) else html.escape(str(child))


def _attribute(key: str, value: str | float | None) -> str:
    if value is None or value is False:
        return ""
    name = key.removesuffix("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
