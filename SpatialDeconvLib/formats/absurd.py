"""Headers that would end the program, or make it wait for ever: refused before ITK believes them."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ..arrays.reading import refuse_endless
from ..errors import InputError
from . import headers

_MOST_AXES = 10  # of MetaImage


def refuse_absurd(path: Path) -> None:
    """Refuse a header whose voxels lie in files that are missing or without end, or in fewer than it needs; and a
    MetaImage header that claims more axes or packed bytes than there can be.

    Raises
    ------
    InputError
    """
    data = headers.data_files(path)
    for file in data:
        if not file.exists():
            raise InputError(
                f"{path} cannot be read: its data file {file.name} is missing; keep both files in one folder"
            )
        refuse_endless(file, f"{path.name}: data file")
    if path.name.lower().endswith((".mha", ".mhd")):
        _refuse_metaimage(path, data)


def _refuse_metaimage(path: Path, data: tuple[Path, ...]) -> None:
    start = headers.start_of(path)

    def damaged(what: str) -> InputError:
        return InputError(f"{path} has a damaged header ({what}); write it again")

    axes = headers.field(start, b"NDims") or "none"
    if not (axes.isdecimal() and len(axes) < 3 and 1 <= int(axes) <= _MOST_AXES):
        raise damaged(f"NDims is {axes[:40]!r}")
    packed = headers.field(start, b"CompressedDataSize") or "0"
    held = sum(file.stat().st_size for file in data or (path,))
    if not packed.isdecimal() or int(packed[:20]) > held:
        raise damaged(f"CompressedDataSize is {packed[:40]!r}, of {held} bytes")
    listed = re.match(r"LIST\b\s*(\d*)", headers.field(start, b"ElementDataFile") or "", re.IGNORECASE)
    if listed:
        sizes = [int(word) for word in (headers.field(start, b"DimSize") or "").split() if word.isdecimal()]
        needed = math.prod(sizes[int(listed[1] or int(axes) - 1) :])
        if len(data) < needed:
            raise damaged(f"it lists {len(data)} data files and needs {needed}")
