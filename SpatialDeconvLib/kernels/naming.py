"""Levels in names: the number that tells the names of files, pages or volumes apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..formats.stored import ending_of

# A minus is one where nothing, or a separator, stands before it: k_-10, but 10 in k-10.
_NUMBER = re.compile(r"(?:(?<![^\s_=(\[,])-)?\d+(?:\.\d+)?", re.ASCII)
_REMEDY = "name them like kernel_10, kernel_20, or say which is which: 10=NAME"
# Numbers that may mean one thing or two: 0,5 and 1e2.
_DOUBTFUL = re.compile(r"\d+(?:\.\d+)?(?:,|[eE][+-]?)\d+", re.ASCII)
_MOST_SHOWN = 4


def levels_in_names(names: Sequence[str]) -> list[float]:
    """Return the levels that names hold: the only number in them that is not the same in all.

    Of "k10_20x20.npy" and "k20_20x20.npy" these are 10 and 20. Of a single name, its only number.

    Raises
    ------
    InputError
        If a name has no number, several numbers differ, or two names have the same one.
    """
    _refuse_doubtful(names)
    found = [_numbers(name) for name in names]
    bare = next((name for name, numbers in zip(names, found, strict=True) if not numbers), None)
    if bare is not None:
        raise InputError(f"the name {bare!r} has no number that could be its level; {_REMEDY}", "levels")
    if len({len(numbers) for numbers in found}) > 1:
        raise InputError(f"the names {shown(names)} have different counts of numbers; {_REMEDY}", "levels")
    columns = list(dict.fromkeys(zip(*found, strict=True)))  # a number that is repeated in each name is one
    if len(names) > 1:
        columns = [column for column in columns if len(set(column)) > 1]
    if len(columns) > 1:
        pair = " and ".join(f"{column[0]:g}" for column in columns[:2])
        raise InputError(
            f"the level is ambiguous in the names {shown(names)} ({pair} differ?); {_REMEDY}", "levels"
        )
    levels = list(columns[0]) if columns else [found[0][-1]] * len(names)
    refuse_same(levels, names)
    return levels


def refuse_same(places: Sequence[Any], names: Sequence[str]) -> None:
    """Refuse two kernels for one level or region.

    Raises
    ------
    InputError
        With the names of both.
    """
    first: dict[Any, str] = {}
    for place, name in zip(places, names, strict=True):
        if place in first:
            text = f"{place:g}" if isinstance(place, float | int) else repr(place)
            raise InputError(f"{first[place]!r} and {name!r} are both for {text}; leave out one", "levels")
        first[place] = name


def levels_of_words(words: str | Sequence[Any]) -> list[float]:
    """Return levels as they were written: numbers, and ``first:last:step`` with both ends ("10:100:10").

    Raises
    ------
    InputError
        If a word is neither.
    """
    levels: list[float] = []
    given = words.replace(",", " ").split() if isinstance(words, str) else np.ravel(np.asarray(words, dtype=object))
    for word in given:
        parts = str(word).split(":")
        try:
            numbers = [float(part) for part in parts]
            levels += numbers if len(numbers) == 1 else _range(*numbers)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"levels {word!r} is neither a number nor FIRST:LAST:STEP, such as 10:100:10", "levels"
            ) from error
    return levels


def _range(first: float, last: float, step: float) -> list[float]:
    steps = (last - first) / step if step else -1.0
    if not 0 <= steps < 1e6:
        raise ValueError
    return [round(first + step * number, 12) for number in range(int(steps + 1e-9) + 1)]


def natural_order(name: str) -> list[Any]:
    """Return what sorts names as people do: 9 before 10."""
    parts = re.split(r"(\d+)", name.lower())
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def shown(names: Sequence[str]) -> str:
    """Return names for a message: all, or the first ones and the last."""
    quoted = [repr(name) for name in names]
    if len(quoted) > _MOST_SHOWN:
        quoted = [*quoted[: _MOST_SHOWN - 2], "...", quoted[-1]]
    return ", ".join(quoted).replace("..., ", "... ")


def _refuse_doubtful(names: Sequence[str]) -> None:
    doubtful = [_DOUBTFUL.findall(_stem(name)) for name in names]
    if any(doubtful) and (len(names) == 1 or any(words != doubtful[0] for words in doubtful)):
        name, word = next((n, words[0]) for n, words in zip(names, doubtful, strict=True) if words)
        raise InputError(f"{word!r} in the name {name!r} may be one number or two; {_REMEDY}", "levels")


def _numbers(name: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(_stem(name))]


def _stem(name: str) -> str:
    ending = ending_of(name)
    return name[: len(name) - len(ending)] if ending else name
