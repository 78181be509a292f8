"""Files as rows of the kernel table: which of them, and the levels that their names tell."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from ..formats.reasons import SUFFIXES
from . import kernelrows
from .kernelrows import KernelRow

#: How the names of files end that may hold a kernel.
FILE_ENDINGS = (".npy", *SUFFIXES)


def guessedLevel(name: str) -> str:
    """Return the last number in the name of a volume or file as text ("k20" -> "20"), or ""."""
    return guessedLevels([name])[0]


def guessedLevels(names: Sequence[str]) -> list[str]:
    """Return the numbers in the names of volumes or files as text: the last one that is another in every name.

    Of "k10_20x20.npy" and "k20_20x20.npy" these are 10 and 20. Where there is none, the last one of each; "" of a
    name without a number.
    """
    found = [_numbersInName(name) for name in names]
    if len(found) > 1 and len({len(numbers) for numbers in found}) == 1:
        for column in reversed(list(zip(*found, strict=True))):
            if len(set(map(float, column))) == len(column):
                return list(column)
    return [numbers[-1] if numbers else "" for numbers in found]


def _numbersInName(name: str) -> list[str]:
    lower = name.lower()
    ending = next((ending for ending in FILE_ENDINGS if lower.endswith(ending)), "")
    stem = name[: len(name) - len(ending)] if ending else name
    return [kernelrows.numberText(float(number)) for number in re.findall(r"\d+(?:\.\d+)?", stem)]


def filesIn(paths: Sequence[str]) -> list[str]:
    """Return the files among paths, and those in folders that may hold a kernel; 9 comes before 10."""
    files = []
    for path in paths:
        if os.path.isdir(path):
            inside = [os.path.join(path, name) for name in os.listdir(path)]
            files += [p for p in inside if p.lower().endswith(FILE_ENDINGS) and os.path.isfile(p)]
        elif os.path.isfile(path):
            files.append(path)
    return sorted(dict.fromkeys(files), key=_natural)


def _natural(path: str) -> list[Any]:
    parts = re.split(r"(\d+)", path.lower())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def pathsInText(text: str) -> list[str]:
    """Return the paths in a text that has nothing but paths of what there is, one a line; else none."""
    lines = [line.strip().strip('"') for line in text.splitlines() if line.strip()]
    paths = [url2pathname(urlparse(line).path) if line.startswith("file://") else line for line in lines]
    return paths if all(map(os.path.exists, paths)) else []


def rowsFromFiles(
    paths: Sequence[str], key: str, rows: Sequence[KernelRow], regions: Sequence[str | int] = ()
) -> list[KernelRow]:
    """Return the rows to add for files that hold kernels; numbers in their names are levels, or labels."""
    levels = guessedLevels([os.path.basename(path) for path in paths])
    guess = key == "intensity" or (key == "region" and not any(isinstance(name, str) for name in regions))
    made: list[KernelRow] = []
    for path, level in zip(paths, levels, strict=True):
        at = level if guess and level else kernelrows.newRow(key, [*rows, *made], regions).at
        made.append(KernelRow(at, "file", path=path))
    return kernelrows.sortedRows(key, made)


def rowOfFile(row: KernelRow, path: str, key: str) -> KernelRow:
    """Return a row with another file; a number in the file's name is its level."""
    level = guessedLevel(os.path.basename(path)) if key == "intensity" and os.path.isfile(path) else ""
    return replace(row, path=path, at=level if level and path != row.path else row.at)
