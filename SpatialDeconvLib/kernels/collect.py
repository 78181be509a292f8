"""Kernels as people have them, made into one field: files, a folder, a pattern, a stack, ``10=k10.nrrd``.

`read_kernel_set` is what every way in uses. `sources` finds the files; here it is said which level belongs to each
(`Collection`). Nothing is guessed: where neither the names nor the caller say the levels, or say two things, that
is an error that names the files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, check_choice, is_auto
from ..texts import mark as _
from .centres import GivenCentre
from .field import KernelField
from .naming import levels_in_names, levels_of_words, refuse_same, shown
from .sets import kernel_from_dict, read_set_file
from .sources import GivenKernels, Source, find_sources, is_set, words_of


@dataclass(frozen=True)
class Collection:
    """Stored kernels and what each belongs to.

    Attributes
    ----------
    key : {"uniform", "intensity", "region"}
    at : tuple
        A level or a region for each; of one kernel everywhere, None.
    sources : tuple of Source
    notes : tuple of str
        What was assumed, and what was not used, a line each.
    """

    key: str
    at: tuple[Any, ...]
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = ()

    def field(self, **further: Any) -> KernelField:
        """Read the kernels; `further` are words of every entry (`entry_words`)."""
        kernels = [kernel_from_dict({**source.entry(), **further}) for source in self.sources]
        if self.key == "uniform":
            return KernelField.uniform(kernels[0])
        pairs = list(zip(self.at, kernels, strict=True))
        return KernelField.by_region(None, pairs) if self.key == "region" else KernelField.by_intensity(pairs)


def read_kernel_set(
    kernels: GivenKernels,
    levels: str | Sequence[Any] | None = None,
    key: str = "intensity",
    log: bool | float = False,
    spacing: Any = None,
    normalize: bool = True,
    centre: GivenCentre = "auto",
) -> KernelField:
    """Read kernels from a kernel set file, or from files as they are, into a field.

    Parameters
    ----------
    kernels : path, sequence of path, or mapping
        A kernel set (.json; see `kernels.sets`); words ``10=k10.nrrd``, or a mapping {10: "k10.nrrd"}; a folder, a
        pattern (``psf_*.tif``) or several files, whose names hold the levels: the only number that differs among
        them; one file with a kernel on each page; one file with one kernel, for everywhere. ``file.mat:name`` names
        an array of a file that holds several.
    levels : sequence of float or str, optional
        The levels of the pages of one file, or of several files, in order; "10:100:10" is 10, 20, ... 100.
        Arrays whose names differ in a number, or a vector ``levels`` beside a stack (.npz, .mat), say their own.
    key : {"intensity", "region"}
        What several kernels belong to.
    log, spacing, normalize, centre
        Of every kernel file; see `read_kernel`.

    Raises
    ------
    InputError
        If a file is missing or holds no kernel, or the level of one is not said, ambiguous, or another's.
    """
    words = words_of(kernels)
    if len(words) == 1 and is_set(words[0][1]):
        if levels is not None:
            raise InputError(f"the kernel set {words[0][1]} says its levels itself; leave out levels", "levels")
        return read_set_file(words[0][1])
    return collect_kernels(kernels, levels, key).field(**entry_words(log, spacing, normalize, centre))


def entry_words(
    log: bool | float = False, spacing: Any = None, normalize: bool = True, centre: GivenCentre = "auto"
) -> dict[str, Any]:
    """Return how files are to be read (see `read_kernel`) as words of a kernel set's entries."""
    words: dict[str, Any] = {} if log is False else {"log": log}
    words |= {} if spacing is None else {"spacing_mm": spacing}
    words |= {} if normalize else {"normalize": False}
    return words | ({} if is_auto(centre) else {"centre": centre})


def collect_kernels(
    kernels: GivenKernels, levels: str | Sequence[Any] | None = None, key: str = "intensity"
) -> Collection:
    """Return the kernels that files hold and what each belongs to; see `read_kernel_set`, which reads them.

    Raises
    ------
    InputError
    """
    check_choice(key, ("intensity", "region"), "key")
    given = None if levels is None else levels_of_words(levels)
    sources, notes = find_sources(kernels, None if given is None else len(given))
    if given is None and len(sources) == 1 and sources[0].at is None:
        return Collection("uniform", (None,), tuple(sources), tuple(notes))
    if given is None:
        at, more = own_places(sources)
        notes += more
    elif any(source.at is not None for source in sources):
        raise InputError("the level of each kernel is said with it; leave out levels", "levels")
    else:
        at = _given_places(given, sources)
    at = [_place(place, source, key) for place, source in zip(at, sources, strict=True)]
    refuse_same(at, [source.name for source in sources])
    pairs = sorted(zip(at, sources, strict=True), key=lambda pair: pair[0] if key == "intensity" else 0)
    return Collection(key, tuple(at for at, _ in pairs), tuple(source for _, source in pairs), tuple(notes))


def own_places(sources: Sequence[Source]) -> tuple[list[Any], list[str]]:
    """Return what each of several kernels belongs to by itself, and a note where names say it.

    Raises
    ------
    InputError
        If nothing says it.
    """
    if all(source.at is not None for source in sources):
        return [source.at for source in sources], []
    if len({source.path for source in sources}) == 1 and sources[0].page is not None:
        count, path = len(sources), sources[0].path
        raise InputError(
            f"{path} holds {count} kernels, but not their levels; give them in order, such as 10:{10 * count}:10",
            "levels",
        )
    names = _different_names(sources)
    found = levels_in_names(names)
    levels = ", ".join(f"{level:g}" for level in sorted(found))
    return found, [f"levels {levels} are from the names {shown(names)}"]


def _given_places(levels: list[float], sources: Sequence[Source]) -> list[float]:
    """The given levels, one for each kernel, after making sure that the names do not say another order."""
    names = [source.name for source in sources]
    if len(levels) != len(sources):
        raise InputError(f"{len(levels)} levels are given for {len(sources)} kernels; give one for each", "levels")
    if len({source.path for source in sources}) > 1:
        try:
            own = levels_in_names(_different_names(sources))
        except InputError:
            return levels
        if list(np.argsort(own)) != list(np.argsort(levels)):
            pairs = shown([f"{level:g} for {name}" for level, name in zip(levels, names, strict=True)])
            raise InputError(
                f"levels in another order than the numbers in the names ({pairs}); leave them out", "levels"
            )
    return levels


def _place(place: Any, source: Source, key: str) -> Any:
    """A level as a number, a region as a whole number or a name."""
    try:
        number = float(place)
    except (TypeError, ValueError) as error:
        if key == "region":
            return place
        raise InputError(
            _("{place!r} of {name} is no level; write a number, or take the kernels for regions").format(
                place=place, name=source.name
            ),
            key="region",
        ) from error
    if not math.isfinite(number):
        raise InputError(f"{place!r} of {source.name} is no level; write a finite number", "key")
    return int(number) if key == "region" and number == int(number) else number


def _different_names(sources: Sequence[Source]) -> list[str]:
    """Names of kernels that tell them apart: of arrays of one file, of files, or with the folders they lie in."""
    if len({source.path for source in sources}) == 1:
        return [source.variable or source.name for source in sources]
    names = [source.name for source in sources]
    if len(set(names)) == len(names):
        return names
    common = os.path.commonpath([source.path.absolute().parent for source in sources])
    return [Path(os.path.relpath(source.path.absolute(), common)).as_posix() for source in sources]
