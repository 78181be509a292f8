"""English texts for people that know how they were made, so that the panel can say them in another language.

Slicer collects texts for translation by reading the sources: every ``_("...")`` of a file becomes a text in the
context that is named after the file. So a module of the engine whose texts the panel shows imports `mark` as ``_``.
What that returns is the English text itself, to the command and the library a `str` like any other; filled with
values by its own `format`, it still knows the literal and the values, and the panel says both in another language
(`panel.model.translated`). An f-string or a sum of texts is a plain `str` and stays English: texts are put together
with ``format`` and `joined`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Text(str):
    """An English text that can be said in another language.

    Parameters
    ----------
    english : str
    home : str
        The module that holds its literal, "" where there is nothing to translate but the values.
    template : str, optional
        The literal; default the text itself.
    values : mapping, optional
        What has been put into the literal, texts among it.
    """

    home: str
    template: str
    values: Mapping[str, Any] | None

    def __new__(
        cls, english: str, home: str = "", template: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Text:
        text = super().__new__(cls, english)
        text.home, text.template, text.values = home, str(english) if template is None else template, values
        return text

    def format(self, **values: Any) -> Text:  # type: ignore[override]  # places have names
        """Return the text with values in the places that it has for them."""
        return Text(str.format(self, **values), self.home, str(self), values)

    def said(self, translate: Callable[[str, str], str]) -> str:
        """Return the text in another language: ``translate(literal, module)`` says a literal."""
        found = translate(self.template, self.home) if self.home else self.template
        if self.values is None:
            return str(found)
        values = {name: v.said(translate) if isinstance(v, Text) else v for name, v in self.values.items()}
        return str.format(found, **values)

    def __reduce__(self) -> tuple:
        return Text, (str(self), self.home, self.template, self.values)


def mark(text: str) -> Text:
    """Return a literal of the module that calls; imported as ``_``, so that Slicer finds it."""
    return Text(text, sys._getframe(1).f_globals["__name__"])


def joined(separator: str, texts: Iterable[str]) -> Text:
    """Return texts one after another; the separator is the same in all languages."""
    values = {f"text{number}": text for number, text in enumerate(texts)}
    template = separator.replace("{", "{{").replace("}", "}}").join(f"{{{name}}}" for name in values)
    return Text(separator.join(values.values()), "", template, values)
