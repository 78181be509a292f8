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


def is_metaimage(start: bytes) -> bool:
    """Return whether a file that begins so is MetaImage."""
    return _META.match(start) is not None


def field(start: bytes, name: bytes) -> str | None:
    """Return what a header says behind a name, a regular expression; None where it says nothing."""
    text = _nrrd(start) if start.startswith(b"NRRD") else start
    found = re.search(rb"^[ \t]*(?:%s)[ \t]*[=:][ \t]*(.*?)[ \t\r]*$" % name, text, re.MULTILINE | re.IGNORECASE)
    return found[1].decode("utf-8", "replace") if found else None


def axes_without_size(start: bytes) -> list[int]:
    """Return which axes, the fastest first, of several voxels an NRRD header leaves without a voxel size.

    Only where it says one of other axes: `says_spacing` tells of all.
    """
    sizes = (field(start, b"sizes") or "").split()
    directions = field(start, b"space directions")
    if directions is not None:
        said = re.findall(r"\([^)]*\)|none", directions, re.IGNORECASE)
    else:
        said = (field(start, b"spacings") or "").split()
    listed = [(kind or "").lower() for kind in (field(start, b"kinds") or "").split()]
    others = {n for n, kind in enumerate(listed) if kind not in ("domain", "space", "???", "none")}
    if not start.startswith(b"NRRD") or not says_spacing(start) or not len(said) == len(sizes) <= 3:
        return []
    return [
        n
        for n, (size, word) in enumerate(zip(sizes, said, strict=True))
        if size != "1" and word.lower() in ("none", "nan") and n not in others
    ]


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
