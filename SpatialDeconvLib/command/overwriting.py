"""What a run writes must be none of the files that it reads, by whatever name or link."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..arrays.reading import given_name, given_path, holds
from ..errors import InputError
from ..formats.headers import data_files
from ..formats.omezarr import is_store

PathLike = str | os.PathLike

#: The options of `deconvolve` and `convolve` whose values are volumes that are read.
VOLUME_OPTIONS = ("input", "mask", "labels", "guide", "noise_image", "reference")

_HEADERS = (".mhd", ".nhdr")
_PAIR = (".hdr", ".img")
# The data files that writers put beside a header.
_DATA = (".raw", ".zraw", ".raw.gz")


def refuse_overwriting(
    written: Iterable[PathLike], read: Mapping[str, PathLike | Sequence[PathLike] | None]
) -> None:
    """Refuse to write a file that is read, or into a Zarr store that is.

    Parameters
    ----------
    written : iterable of path
        See `files_written`.
    read : mapping
        What messages call it -> a path, or several; with each counts what `files_read` names. None: not given.

    Raises
    ------
    InputError
        With both names.
    """
    written = list(written)
    made = {identity: path for path in written for identity in identities(path)}
    sources = [
        (role, source)
        for role, given in read.items()
        for source in ([] if given is None else [given] if isinstance(given, str | os.PathLike) else given)
    ]
    for role, source in sources:
        for file in files_read(source):
            path = next((made[identity] for identity in identities(file) if identity in made), None)
            if path is not None:
                named = f"the {role.replace('_', '-')} {source}"
                lost = named if file == Path(source) else f"{file}, which belongs to {named}"
                raise InputError(f"output {path} would overwrite {lost}; choose another name")
            if is_store(given_path(file)):
                path = next((path for path in written if holds(given_path(file), given_path(path))), None)
                if path is not None:
                    raise InputError(
                        f"output {path} lies inside the {role.replace('_', '-')} {file}; choose another folder"
                    )


def refuse_log(log: PathLike, arguments: Sequence[str]) -> None:
    """Refuse a log file that is any file of the run: named by the other arguments, by those files, or written.

    Looks at the words alone, because wrong usage is logged, too.

    Raises
    ------
    InputError
    """
    from ..kernels.sources import files_of  # here, because the command must answer before numpy is there

    own = identities(log)
    words = [part for word in arguments for part in (word, word.partition("=")[2]) if part]
    for word in words:
        files = [*files_written(word, report=word), Path(word, "results.csv"), *files_read(word)]
        if not os.path.isdir(word):  # a pattern, or an array of a file; in a folder of results a log may lie
            files += files_of(word)
        if any(own & identities(path) for path in files):
            raise InputError(
                f"log file {log} is a file of this run, by its argument {word}, and would overwrite it; "
                "choose another name"
            )


def region_table(output: PathLike) -> Path:
    """Return where the region means of an output are written."""
    return Path(f"{Path(output)}.regions.csv")


def files_written(output: PathLike, report: PathLike | None = None) -> list[Path]:
    """Return what a run may write for an output: itself, the recipe, files that belong to it, and the report."""
    path = Path(output)
    found = [path, given_path(f"{path}.recipe.json"), region_table(path)]
    if path.suffix.lower() in _HEADERS:
        found += [path.with_suffix(suffix) for suffix in _DATA]
    elif path.suffix.lower() == ".json":
        found += [file for file in _listed(path.parent) if file.name.startswith(f"{path.stem}-kernel-")]
    if report is not None:
        from ..report import PAGE

        found.append(Path(report, PAGE))
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def files_read(path: PathLike) -> tuple[Path, ...]:
    """Return all files that reading a path means: the DICOM files of a folder, and those that a file names.

    Named are the data file of a header, the kernels of a set, the inputs of a recipe, the cells of a manifest.
    """
    found: dict[Path, None] = {}
    waiting = [Path(path)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found[file] = None
            waiting += _belonging(given_path(file))
    return tuple(found)


def _belonging(path: Path) -> Iterator[Path]:
    try:
        if is_store(path):  # a group or an array of a store is read with what its store says of it
            yield from (folder for folder in path.parents if is_store(folder))
        elif path.is_dir() or _is_dicom(path):
            folder = path if path.is_dir() else path.parent
            yield from (file for file in _listed(folder) if _is_dicom(file))
        elif path.is_file():
            yield from _named_by(path)
    except (OSError, ValueError, RecursionError):  # whoever reads it says what is wrong
        return


def _named_by(path: Path) -> Iterator[Path]:
    suffix = path.suffix.lower()
    if suffix in _PAIR:
        yield from (path.with_suffix(end) for end in _PAIR)
    elif suffix in _HEADERS:
        yield from data_files(path)
    elif suffix == ".json":
        from ..mrml import recipe

        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if (
            isinstance(content, Mapping) and content.get("schema") == recipe.SCHEMA
        ):  # its kernel set may be what was made
            content = [content.get("inputs"), content.get("files")]
        yield from _existing(path, _strings(content))
    elif suffix == ".csv":
        text = path.read_text(encoding="utf-8-sig")
        for delimiter in ",;\t":
            rows = csv.reader(io.StringIO(text), delimiter=delimiter)
            yield from _existing(path, (cell.strip() for row in rows for cell in row))


def _is_dicom(path: Path) -> bool:
    try:
        if not path.is_file():  # not a pipe, which would be waited for
            return False
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _strings(content: Any) -> Iterator[str]:
    """All texts in the content of a JSON file: values, and keys, because recipes name files by them."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        yield from content
        for value in content.values():
            yield from _strings(value)
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value)


def _existing(source: Path, names: Iterable[str]) -> Iterator[Path]:
    """The files and folders among texts that stand in a file; not the folders in which it lies itself."""
    for name in dict.fromkeys(names):
        path = source.parent / given_name(name)
        if os.path.isfile(path) or (os.path.isdir(path) and not holds(path, source)):
            yield path


def identities(path: PathLike) -> frozenset[Hashable]:
    """Return what tells a file from others: its name without links and, where it exists, the system's number."""
    real = os.path.realpath(given_name(path))
    try:
        status = os.stat(real)
    except (OSError, ValueError):
        return frozenset([real])
    return frozenset([real, (status.st_dev, status.st_ino)]) if status.st_ino else frozenset([real])
