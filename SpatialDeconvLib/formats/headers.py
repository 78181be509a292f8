"""Text headers, of NRRD and MetaImage: whether they say a voxel size, and in which unit. ITK takes all for mm."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from .units import MM

_LONGEST = 1 << 16  # bytes of text in front of the voxels
_MOST_FILES = 100_000
_META = re.compile(rb"\s*(ObjectType|NDims|Comment)\s*=")


def start_of(path: Path) -> bytes:
    """Return the bytes in which a header is looked for."""
    with path.open("rb") as file:
        return file.read(_LONGEST)


def says_spacing(start: bytes) -> bool | None:
    """Return whether a header says how large voxels are; None when it is no text header."""
    if start.startswith(b"NRRD"):
        return (
            re.search(rb"^(spacings|space directions):.*\d", _nrrd(start), re.MULTILINE | re.IGNORECASE) is not None
        )
    if _META.match(start):
        return re.search(rb"^\s*Element(Spacing|Size)\s*=", start, re.MULTILINE) is not None
    return None


def unit_of(path: Path) -> float:
    """Return the unit of the lengths in a header, in mm; 1 where it says none.

    Raises
    ------
    InputError
        If axes have different units, or one that nobody knows.
    """
    start = start_of(path)
    if start.startswith(b"NRRD"):
        found = re.search(rb"^space units:\s*(.*?)\s*$", _nrrd(start), re.MULTILINE | re.IGNORECASE)
        words = re.findall(rb'"([^"]*)"', found[1]) if found else []
    elif _META.match(start):
        words = re.findall(rb"^[ \t]*DistanceUnits[ \t]*=[ \t]*(\w+)", start, re.MULTILINE)
    else:
        return 1.0
    units = {word.decode("utf-8", "replace").strip().lower() for word in words} - {"", "?", "unknown"}
    if not units:
        return 1.0
    if len(units) > 1 or not units <= set(MM):
        raise InputError(f"{path} has lengths in {' and '.join(sorted(units))}; write them in mm")
    return MM[units.pop()]


def data_files(path: Path) -> tuple[Path, ...]:
    """Return the files in which the voxels of a header lie, in the order of the voxels; none when it holds them."""
    start = start_of(path)
    if not (start.startswith(b"NRRD") or _META.match(start)):
        return ()
    text = (start if _META.match(start) else _nrrd(start)).decode("utf-8", "surrogateescape")
    match = re.search(
        r"^[ \t]*(?:ElementDataFile[ \t]*=|data ?file:)[ \t]*(.+?)\s*$", text, re.MULTILINE | re.IGNORECASE
    )
    if not match or match[1].upper() == "LOCAL":
        return ()
    if re.match(r"LIST\b", match[1], re.IGNORECASE):
        names = [line.strip() for line in text[match.end() :].splitlines()]
        return tuple(path.parent / name for name in names if name and "\0" not in name)
    return tuple(path.parent / name for name in _numbered(match[1]) or [match[1]])


def _numbered(text: str) -> list[str]:
    """The names that a pattern with its first, last and step stands for: ``slice%03d.raw 1 40 1``."""
    pattern = re.fullmatch(r"(.*%0?\d*d.*?)\s+(-?\d+)\s+(-?\d+)\s+([1-9]\d*)(?:\s+\d+)?", text)
    if not pattern:
        return []
    numbers = range(int(pattern[2]), int(pattern[3]) + 1, int(pattern[4]))
    try:
        return [pattern[1] % number for number in numbers[:_MOST_FILES]]
    except (TypeError, ValueError):  # no pattern after all
        return []


def _nrrd(start: bytes) -> bytes:
    return re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
