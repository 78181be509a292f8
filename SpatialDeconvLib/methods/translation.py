"""Marks the English texts that the panel translates but does not hold.

Methods, kinds of kernels and the words of arguments are described once, where they are defined, and the panel is
one of several readers. Slicer collects texts for translation by reading the sources: every ``_("...")`` of a file
becomes a text in the context that is named after the file. So a module that describes things imports `mark` as
``_``, which does nothing, and the panel asks for the translation in the context of that module
(`panel.model.translated`).
"""


def mark(text: str) -> str:
    """Return a literal as it is; imported as ``_``, so that Slicer finds it."""
    return text
