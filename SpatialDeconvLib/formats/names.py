"""Names of files as ITK and VTK take them."""

from __future__ import annotations

import os

from ..errors import InputError


def library_name(path: str | os.PathLike) -> str:
    """Return the name of a file for ITK, VTK and MRML.

    They give the system UTF-8, whatever the locale is, and end the program where a name has no UTF-8. So they get
    the name's own bytes; where Python decodes these by another locale, that is another text.

    Raises
    ------
    InputError
        If the name's bytes are no UTF-8.
    """
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{os.fspath(path)!r} has a name that is not UTF-8, which ITK and VTK cannot open; rename it"
        ) from error


def python_name(name: str) -> str:
    """Return the name that ITK found as Python has it: the inverse of `library_name`."""
    return os.fsdecode(name.encode("utf-8", "surrogateescape"))


def node_name(name: str) -> str:
    """Return a text out of a file's name or header as the name of a node: what is not UTF-8 is replaced."""
    return name.encode("utf-8", "surrogateescape").decode(errors="replace")
