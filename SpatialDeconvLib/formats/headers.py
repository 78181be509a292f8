"""Text headers, of NRRD and MetaImage: whether they say a voxel size, and in which unit. ITK takes all for mm."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from .units import MM

_LONGEST = 1 << 16  # bytes of text in front of the voxels


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
    if re.match(rb"\s*(ObjectType|NDims)\s*=", start):
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
    elif re.match(rb"\s*(ObjectType|NDims)\s*=", start):
        words = re.findall(rb"^[ \t]*DistanceUnits[ \t]*=[ \t]*(\w+)", start, re.MULTILINE)
    else:
        return 1.0
    units = {word.decode("utf-8", "replace").strip().lower() for word in words} - {"", "?", "unknown"}
    if not units:
        return 1.0
    if len(units) > 1 or not units <= set(MM):
        raise InputError(f"{path} has lengths in {' and '.join(sorted(units))}; write them in mm")
    return MM[units.pop()]


def _nrrd(start: bytes) -> bytes:
    return re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
