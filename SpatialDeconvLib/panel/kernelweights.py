"""Weight images of the rows of the kernel table: volumes of the scene or files, of one image or of several.

A row without a volume names its file in its place, `tissues.nii` or, of several images, `tissues.nii [2]`; of a row
with a volume the place is the number of the image in it, "" for the only one. Numbers count from 0, as they do in
kernel sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..kernels.weightfiles import WeightFile, read_weights, weight_file
from .model import _

#: Returns the values of an image in a volume: (volume, number, or None for the only one).
ArrayOf = Callable[[Any, int | None], np.ndarray]

_NUMBERED = re.compile(r"(.*?)\s*\[(\d+)\]")


def placeOf(row: Any) -> str | tuple[str, int]:
    """Return what a row's weight image is: a file, or (file or id of a volume, number of the image).

    Raises
    ------
    InputError
        If there is none.
    """
    if row.weights is not None:
        number = _numberOf(row)
        return row.weights.GetID() if number is None else (row.weights.GetID(), number)
    text = row.at.strip()
    if not text:
        raise InputError(_("it has no weight image"))
    numbered = _NUMBERED.fullmatch(text)
    return (numbered[1], int(numbered[2])) if numbered else text


def _numberOf(row: Any) -> int | None:
    text = row.at.strip()
    if not text:
        return None
    if not text.isdecimal():
        raise InputError(_("'{text}' is no number of an image, from 0 on").format(text=text))
    return int(text)


def textOfFile(at: WeightFile) -> str:
    """Return a weight image in a file as the table shows it."""
    return at if isinstance(at, str) else f"{at[0]} [{at[1]}]"


def textOf(row: Any) -> str:
    """Return a row's weight image as the table shows it."""
    if row.weights is None:
        return row.at
    number = row.at.strip()
    return f"{row.weights.GetName()} [{number}]" if number else row.weights.GetName()


def rowWithText(row: Any, text: str) -> Any:
    """Return a row with its weight image as typed: a number of the volume's images, else a file."""
    if text == textOf(row):
        return row
    number = re.search(r"\[?(\d+)\]?$", text) if row.weights is not None else None
    if number and text.startswith((number[0], row.weights.GetName())):
        return replace(row, at=number[1])
    return replace(row, at=text, weights=None)


def rowsWithVolume(row: Any, volume: Any, count: int) -> list[Any]:
    """Return a row whose weights are a volume's, and another like it for each further image of the volume."""
    if volume is None:
        return [replace(row, weights=None, at="")]
    return [replace(row, weights=volume, at=str(n) if count > 1 else "") for n in range(count)]


def imagesOf(rows: Sequence[Any], arrayOf: ArrayOf) -> tuple[list[np.ndarray], list[Any]]:
    """Return the weight images of rows, and what a kernel field calls them: files, or numbers of rows.

    Raises
    ------
    InputError
        If one cannot be read.
    """
    files = {n: weight_file(placeOf(row), Path()) for n, row in enumerate(rows) if row.weights is None}
    found = dict(zip(files, read_weights(list(files.values())), strict=True))
    found |= {n: arrayOf(row.weights, _numberOf(row)) for n, row in enumerate(rows) if row.weights is not None}
    return [found[n] for n in range(len(rows))], [files.get(n, n) for n in range(len(rows))]
