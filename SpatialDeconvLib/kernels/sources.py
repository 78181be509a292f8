"""Where stored kernels are: the files of a folder, a pattern or an expression, the arrays and pages of one file."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.reading import given_name, given_path
from ..errors import InputError
from ..formats.stored import StoredArray, ending_of, read_array, split_variable, variables_of
from ..formats.variables import chosen, kernels_among
from ..texts import mark as _
from .naming import levels_in_names, natural_order, shown
from .weights import real_values

#: What `read_kernel_set` takes: a path, paths, or a mapping of levels or regions to paths.
GivenKernels = str | os.PathLike | Sequence[str | os.PathLike] | Mapping[Any, str | os.PathLike]

_EXPRESSION = re.compile(r"\s*([^=/\\]+?)\s*=\s*(.+)")
# A vector of this name, beside a stack in one file, holds the stack's levels.
_LEVELS_NAME = re.compile(r"levels?|intensit(y|ies)", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """A stored kernel: a file, or an array or a page of one.

    Attributes
    ----------
    path : Path
    variable, page, pages
        See `read_kernel`.
    at : float, int or str, optional
        What it belongs to, where that is said with it.
    """

    path: Path
    variable: str | None = None
    page: int | None = None
    pages: str | None = None
    at: Any = None

    @property
    def name(self) -> str:
        """What messages call it."""
        name = self.path.name if self.variable is None else f"{self.path.name}:{self.variable}"
        return name if self.page is None else f"{name}, page {self.page}"

    def entry(self) -> dict[str, Any]:
        """Return its entry in a kernel set, without `at`."""
        words = {"variable": self.variable, "page": self.page, "pages": self.pages}
        given = {word: value for word, value in words.items() if value is not None}
        return {"type": "file", "path": str(self.path.resolve()), **given}


def is_set(word: str | os.PathLike) -> bool:
    """Return whether a path is a kernel set's."""
    return Path(word).suffix.lower() == ".json"


def files_of(kernels: GivenKernels) -> list[Path]:
    """Return the files that `read_kernel_set` would read; of what it would refuse, those that are named."""
    files = []
    for _place, word in words_of(kernels):
        try:
            files += [source.path for source in _files(word, [])]
        except (InputError, OSError):
            files.append(Path(split_variable(word)[0]))
    return files


def placed(word: str, folder: str | os.PathLike) -> str:
    """Return a word for kernels (``10=k10.nrrd``, a path) with its path, if relative, starting at a folder."""
    at, path = _split(word, Path(folder))
    return f"{'' if at is None else f'{at}='}{Path(folder) / given_path(path)}"


# -- which files


def find_sources(
    kernels: GivenKernels, count: int | None = None, split: bool = False
) -> tuple[list[Source], list[str]]:
    """Return the kernels that files hold, and what there is to say of how they were found.

    Parameters
    ----------
    kernels
        See `read_kernel_set`; no kernel set.
    count : int, optional
        How many levels are given: a file may hold a kernel for each.
    split : bool
        Take a 3-D array for a stack of 2-D kernels, too.

    Raises
    ------
    InputError
    """
    notes: list[str] = []
    words = words_of(kernels)
    if not words:
        raise InputError("no kernels are given; name a file")
    if len({at is None for at, _word in words}) > 1:
        raise InputError("some kernels are given with their level and some without; write LEVEL=FILE for all")
    sources = []
    for at, word in words:
        if is_set(word):
            raise InputError(f"{word} is a kernel set, not a kernel; give it alone, where kernels are asked for")
        found = _files(word, notes)
        if at is not None and len(found) > 1:
            raise InputError(f"{at}={word} names {len(found)} files; name one")
        sources += [replace(source, at=at) for source in found]
    sources = list(dict.fromkeys(sources))
    if len(sources) == 1 and sources[0].at is None:
        return _in_one_file(sources[0], count, split, notes), notes
    return sources, notes


def words_of(kernels: GivenKernels) -> list[tuple[Any, str]]:
    """Every word with what it belongs to, None where it does not say that."""
    if isinstance(kernels, Mapping):
        return [(at, given_name(path)) for at, path in kernels.items()]
    words = kernels if isinstance(kernels, Iterable) and not isinstance(kernels, str | bytes) else [kernels]
    for word in words:
        if not isinstance(word, str | os.PathLike):
            raise InputError(f"{word!r} of type {type(word).__name__} names no kernels; give paths, or LEVEL=FILE")
    split = [_split(os.fsdecode(word), Path()) for word in words]
    return [(at, given_name(path)) for at, path in split]


def _split(word: str, folder: Path) -> tuple[str | None, str]:
    """The two sides of LEVEL=FILE; None and the word where that is a path."""
    found = _EXPRESSION.fullmatch(word)
    if found is None or (folder / given_path(word)).exists():
        return None, word
    return found[1], found[2]


def _files(word: str, notes: list[str]) -> list[Source]:
    """The files that a path, a folder or a pattern names."""
    name, variable = split_variable(word)
    path = Path(name)
    if path.is_dir():
        return [Source(file) for file in _in_folder(path, notes)]
    if path.exists() or not glob.has_magic(name):
        return [Source(path, variable)]  # which reading will refuse where there is none
    files = [Path(file) for file in glob.glob(name) if os.path.isfile(file)]
    if not files:
        raise InputError(f"no file has a name like {name}; check the pattern")
    return [Source(file, variable) for file in _sorted(files)]


def _in_folder(folder: Path, notes: list[str]) -> list[Path]:
    """The kernels in a folder: those files of one format whose names hold levels."""
    groups: dict[str, list[Path]] = {}
    for file in _sorted(folder.iterdir()):
        ending = ending_of(file.name)
        if ending and file.is_file() and not file.name.startswith("."):
            groups.setdefault(ending, []).append(file)
    if not groups:
        raise InputError(f"folder {folder} holds no file that could be a kernel; check the path")
    leveled = [files for files in groups.values() if len(files) > 1 and _have_levels(files)]
    candidates = leveled or list(groups.values())
    if len(candidates) > 1:
        kinds = " and ".join(f"{len(files)} of {files[0].name}'s kind" for files in candidates)
        raise InputError(
            f"folder {folder} holds files of several formats that could be kernels ({kinds}); give a pattern, e.g. "
            f"{folder / f'*{ending_of(candidates[0][0].name)}'}"
        )
    others = [file.name for files in groups.values() if files is not candidates[0] for file in files]
    if others:
        notes.append(_("not used of the folder {folder}: {files}").format(folder=folder, files=shown(others)))
    return candidates[0]


def _have_levels(files: Sequence[Path]) -> bool:
    try:
        return bool(levels_in_names([file.name for file in files]))
    except InputError:
        return False


def _sorted(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: natural_order(file.as_posix()))


# -- what one file holds


def _in_one_file(source: Source, count: int | None, split: bool, notes: list[str]) -> list[Source]:
    """The kernels of one file: one, its arrays, or the pages of a stack."""
    held = variables_of(source.path) if source.path.is_file() else []
    if source.variable is None:
        arrays = [replace(source, variable=variable.name) for variable in kernels_among(held)]
        if len(arrays) > 1 and (len(arrays) == count or _differ_in_a_number(arrays)):
            return arrays
    if len(kernels_among(held)) > 1 and source.variable is None:
        chosen(source.path, held, None)  # says which there are
    stored = read_array(source.path, source.variable)
    levels = _levels_beside(held) if count is None else None
    if levels is not None:
        count = len(levels)
    if count is None and not (stored.is_stack or (split and stored.values.ndim == 3)):
        if stored.values.ndim == 3 and stored.spacing is None:
            size = " x ".join(map(str, stored.in_order().shape))
            text = _("{name} is one kernel of {size} voxels; to use it as several, give their levels")
            notes.append(text.format(name=source.name, size=size))
        return [source]
    if count == 1 and not stored.is_stack:
        return [source]
    pages = _pages(source.path, stored, count, notes)
    total = len(stored.in_order(pages))
    made = [replace(source, page=number, pages=pages) for number in range(1, total + 1)]
    if levels is None:
        return made
    text = _("levels are those of the array beside the kernels in {file}")
    notes.append(text.format(file=source.path.name))
    return [replace(page, at=level) for page, level in zip(made, levels, strict=True)]


def _differ_in_a_number(arrays: Sequence[Source]) -> bool:
    try:
        return bool(levels_in_names([str(source.variable) for source in arrays]))
    except InputError:
        return False


def _levels_beside(held: Sequence[Any]) -> list[float] | None:
    """The levels that a file holds as an array of its own."""
    found = [v for v in held if v.numeric and v.axes <= 1 and _LEVELS_NAME.fullmatch(v.name)]
    if len(found) != 1:
        return None
    values = real_values(np.ravel(found[0].read()), f"array {found[0].name!r} of levels")
    return [float(level) for level in values]


def _pages(path: Path, stored: StoredArray, count: int | None, notes: list[str]) -> str | None:
    """Which axis of a stack counts its kernels; None: the one that its format has for that."""
    held = len(stored.in_order()) if stored.values.ndim > 2 else 1
    if count is None or held == count:
        return None
    other = "first" if stored.pages == "last" else "last"
    if stored.values.ndim > 2 and len(stored.in_order(other)) == count:
        text = _("{file}: the {which} of its {axes} axes counts the kernels")
        notes.append(text.format(file=path.name, which=other, axes=stored.values.ndim))
        return other
    size = " x ".join(map(str, stored.values.shape))
    raise InputError(
        f"{path} holds {size} values, which are no kernels for {count} levels; give one for each", "levels"
    )
