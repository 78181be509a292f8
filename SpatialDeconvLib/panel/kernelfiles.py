"""Files as rows of the kernel table: the kernels that they hold, and the levels that these belong to."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from ..errors import InputError
from ..formats.stored import read_array
from ..kernels.collect import own_places
from ..kernels.naming import levels_in_names, levels_of_words
from ..kernels.shapes.table import read_radial_table
from ..kernels.sources import Source, find_sources, is_set
from ..methods.choices import PART_KEYS
from . import kernelfields, kernelrows
from .kernelrows import KernelRow
from .model import _, inPanelWords

#: The kind of kernels that a table of distances and densities makes.
TABLE = "radial"


@dataclass(frozen=True)
class FileRows:
    """The rows to add for files, and what there is to say of how they were understood, a line each."""

    rows: list[KernelRow]
    notes: list[str]


def guessedLevel(name: str) -> str:
    """Return the only number in the name of a volume or file as text ("k20" -> "20"), or ""."""
    try:
        return kernelrows.numberText(levels_in_names([name])[0])
    except InputError:
        return ""


def pathsInText(text: str) -> list[str]:
    """Return the paths in a text that has nothing but paths of what there is, one a line; else none."""
    lines = [line.strip().strip('"') for line in text.splitlines() if line.strip()]
    paths = [url2pathname(urlparse(line).path) if line.startswith("file://") else line for line in lines]
    return paths if all(map(os.path.exists, paths)) else []


def kernelSetsIn(paths: Sequence[str]) -> list[str]:
    """Return the kernel sets among paths."""
    return [path for path in paths if is_set(path)]


def stackIn(paths: Sequence[str], single: bool) -> tuple[str, tuple[int, ...]] | None:
    """Return name and size of the one array in files that may be several 2-D kernels or a single one in 3-D.

    Parameters
    ----------
    paths : sequence of str
    single : bool
        Whether the image is a single slice, on which only 2-D kernels work: then nothing is in doubt.

    Raises
    ------
    InputError
        If the files hold no kernels.
    """
    sources, _notes = find_sources(list(paths))
    if single or len(sources) != 1 or sources[0].page is not None:
        return None
    stored = read_array(sources[0].path, sources[0].variable)
    if stored.values.ndim != 3 or stored.spacing is not None:  # that has a size in three dimensions
        return None
    return sources[0].name, stored.in_order().shape


def rowsFromFiles(
    paths: Sequence[str],
    key: str,
    rows: Sequence[KernelRow],
    ask: Callable[[int, str], Sequence[float]],
    regions: Sequence[str | int] = (),
    split: bool = False,
) -> FileRows:
    """Return the rows to add for files that hold kernels.

    Parameters
    ----------
    paths : sequence of str
        Files, or a folder; no kernel sets.
    key : str
        What chooses the kernels. Numbers in the names are levels, labels, channels or frames.
    rows : sequence of KernelRow
        Those that there are.
    ask : callable (count, reason) -> levels
        Says the levels of so many kernels, in order, where neither files nor names do, which the reason tells.
    regions : sequence of str or int
        Names of the segments, or labels, that there are.
    split : bool
        Take a 3-D array for a stack of 2-D kernels.

    Raises
    ------
    InputError
        If the files hold no kernels.
    """
    sources, notes = find_sources(list(paths), split=split)
    made: list[KernelRow] = []
    for source, place in zip(sources, _places(sources, key, regions, ask), strict=True):
        at = place or kernelrows.newRow(key, [*rows, *made], regions).at
        made.append(KernelRow(at, "file", path=str(source.path), options=_options(source)))
    told = notes if len(sources) > 1 else []  # a single one needs no level, whatever else it may be
    return FileRows(kernelrows.sortedRows(key, made), [*map(inPanelWords, told)])


def levelsFromText(text: str, count: int) -> list[float]:
    """Return the levels of so many kernels as a user writes them: numbers, or first:last:step.

    Raises
    ------
    InputError
        If they are no levels, or others than so many.
    """
    levels = levels_of_words(text)
    if len(levels) != count:
        raise InputError(
            _("{text} are {found} levels, not {count}").format(text=text, found=len(levels), count=count)
        )
    return levels


def roundLevels(count: int, values: tuple[float, float] | None) -> str:
    """Return first:last:step of so many likely levels: round numbers up to the largest value of an image.

    Parameters
    ----------
    count : int
        At least 2.
    values : (float, float), optional
        Least and largest value of the image; without it, or where they are the same, levels are 10, 20, ...
    """
    least, largest = values if values is not None and values[0] < values[1] else (10, 10 * count)
    width = (largest - least) / (count - 1)
    unit = 10.0 ** math.floor(math.log10(width))
    step = min((unit * digit for digit in (1, 2, 2.5, 5, 10)), key=lambda each: abs(math.log(each / width)))
    last = round(largest / step) * step
    return f"{last - (count - 1) * step:g}:{last:g}:{step:g}"


def _options(source: Source) -> str:
    words = {word: value for word, value in source.entry().items() if word not in ("type", "path")}
    return json.dumps(words, sort_keys=True) if words else ""


def _places(
    sources: Sequence[Source],
    key: str,
    regions: Sequence[str | int],
    ask: Callable[[int, str], Sequence[float]],
) -> list[str]:
    """What each kernel belongs to, "" where that is not known."""
    named = [""] * len(sources)
    if key not in ("intensity", "region", *PART_KEYS) or (
        key == "region" and any(isinstance(r, str) for r in regions)
    ):
        return named
    if len(sources) == 1 and sources[0].page is None:
        return [guessedLevel(sources[0].name)]
    try:
        return [_text(place) for place in own_places(sources)[0]]
    except InputError as error:
        if key != "intensity":
            return named
        return [_text(float(level)) for level in ask(len(sources), inPanelWords(error.text).split(";")[0])]


def _text(place: Any) -> str:
    return kernelrows.numberText(place) if isinstance(place, float | int) else str(place)


def rowOfTable(row: KernelRow, path: str) -> KernelRow:
    """Return a row of a radial table with the distances and densities of a text file.

    Raises
    ------
    InputError
        If the file holds no such table, or the table makes no kernel.
    """
    r, density = read_radial_table(path)
    row = kernelfields.rowWithSize(row, kernelfields.valuesText(r))
    made = kernelfields.rowWithField(row, "density", kernelfields.valuesText(density))
    made.kernel()
    return made


def rowOfFile(row: KernelRow, path: str, key: str) -> KernelRow:
    """Return a row with another file; the number in the file's name is its level."""
    if path == row.path:
        return row
    level = guessedLevel(os.path.basename(path)) if key == "intensity" and os.path.isfile(path) else ""
    return replace(kernelrows.rowWithWholeFile(row), path=path, at=level or row.at)
