"""What a section of the report is."""

from __future__ import annotations

from typing import NamedTuple

from ..tags import Markup


class Section(NamedTuple):
    """A section of the page: its anchor, its title and what is below that."""

    name: str
    title: str
    content: Markup
