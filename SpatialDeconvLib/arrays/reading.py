"""Paths as people write them, and the JSON files that they write."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import InputError

# Of digits: longer numbers are infinity to whatever reads them.
_LONGEST_INTEGER = 308
# Of a file's or a folder's, in bytes, with every file system in use.
_LONGEST_NAME = 255


def given_name(path: str | os.PathLike) -> str:
    """Return the path that was written: ``~`` in front is the home folder, everything else stands for itself.

    A name such as ``~backup.nrrd`` is a file's, not the home folder of a user of that name.

    Raises
    ------
    InputError
        If no file can have that name.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"a path is expected, not {path!r} of type {type(path).__name__}; give a file's name")
    text = os.fsdecode(path)
    try:
        possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise InputError(f"no file can be called {text!r}; check the path")
    longest = max(text.split(os.sep), key=len)
    if len(os.fsencode(longest)) > _LONGEST_NAME:
        raise InputError(
            f"the name {longest[:40]}... is longer than the {_LONGEST_NAME} bytes that a file's name may have; "
            "shorten it"
        )
    if text == "~" or text.startswith(("~/", f"~{os.sep}")):
        return os.path.expanduser(text)
    return text


def given_path(path: str | os.PathLike) -> Path:
    """Return `given_name` as a path."""
    return Path(given_name(path))


def holds(folder: str | os.PathLike, path: str | os.PathLike) -> bool:
    """Return whether a path is a folder, or lies in it, by whatever links."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def refuse_endless(path: Path, what: str) -> None:
    """Refuse what is there but no file and no folder: a pipe waits for its writer, a device may have no end.

    Raises
    ------
    InputError
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{what} {path} is a pipe or a device; save what comes out of it as a file and give that")


def read_json(path: Path, what: str) -> Any:
    """Return the content of a JSON file; integers that no float can hold are infinite.

    Parameters
    ----------
    path : Path
    what : str
        What messages call the file: "kernel set".

    Raises
    ------
    InputError
        If it cannot be read or is no JSON, with the place.
    """
    refuse_endless(path, what)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path} cannot be read (it is not UTF-8 text); save it as UTF-8") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{what} {path} cannot be read ({reason}); check the path") from error
    return parsed_json(text, f"{what} {path}")


def parsed_json(text: str, what: str) -> Any:
    """Return the content of JSON text; see `read_json`.

    Raises
    ------
    InputError
    """
    try:
        return json.loads(text, parse_int=_integer, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{what} is no valid JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise InputError(f"{what} is nested too deeply to be one; write it again") from error
    except _Twice as error:
        raise InputError(f"{what} says {error.args[0]!r} twice in one object; leave one out") from error


class _Twice(Exception):
    """A name that stands twice in an object: JSON's readers take the last one, without a word."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INTEGER else float(text)
