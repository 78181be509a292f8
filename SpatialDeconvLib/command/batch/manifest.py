"""The manifest of a batch: a CSV or JSON table with one row a case, read and checked before anything runs."""

from __future__ import annotations

import argparse
import csv
import functools
import io
import os
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...arrays.reading import given_name, given_path, parsed_json, refuse_endless
from ...errors import InputError, shortened
from ...kernels.sources import files_of, placed
from ...mrml import files as volumes
from ...mrml.sequencefiles import checkSequenceName, isSequence
from ...run.pipeline import check_together
from ..arguments import message_of
from ..overwriting import VOLUME_OPTIONS, files_read, files_written, identities
from ..request import given_meaning, read_kernels, settings_from_options
from .folder import WORK

SCHEMA = "spatialdeconv-batch/1"
OPERATIONS = ("deconvolve", "convolve")

# Columns that are no options of the operation; options whose values are paths, relative to the manifest.
_OWN_COLUMNS = ("case", "operation", "input", "output")
PATHS = ("kernels", "mask", "labels", "guide", "noise-image", "reference")
_NOT_HERE = ("residual-map", "help", "quiet", "log-file")
_YES, _NO = ("yes", "true", "on", "1", "x"), ("no", "false", "off", "0")


@dataclass
class Case:
    """One row: what it is called, the command it stands for, and what is wrong with it.

    Attributes
    ----------
    row : int
        As a spreadsheet numbers them: the header of a CSV is row 1. In JSON, the number of the case from 1.
    name : str
    arguments : list of str
        The command line of the run, without the program's name; all paths are absolute.
    options : argparse.Namespace or None
        The same, parsed; None when that fails.
    problems : list of str
    """

    row: int
    name: str
    arguments: list[str] = field(default_factory=list)
    options: argparse.Namespace | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"row {self.row} ({self.name})"

    @property
    def output(self) -> Path:
        return Path(self.options.output)

    @property
    def volumes(self) -> list[str]:
        """Paths of everything this case reads as a volume."""
        return [path for path in (getattr(self.options, role, None) for role in VOLUME_OPTIONS) if path]

    @property
    def written(self) -> list[tuple[str, Path]]:
        """What this case makes, by the names of the columns: its output, and the folder of its report."""
        report = self.options.report
        return [("output", self.output), *([("report", Path(report))] if report else [])]


def read_manifest(
    path: str | os.PathLike, folder: str | os.PathLike, defaults: Mapping[str, Any], parser: argparse.ArgumentParser
) -> list[Case]:
    """Read a manifest and check every row as far as that is possible without running it.

    Parameters
    ----------
    path : path
        ``.json``, else CSV (comma, semicolon or tab; UTF-8). Paths in it are relative to its own folder.
    folder : path
        Where outputs go; the rows' outputs are relative to it and may not leave it.
    defaults : mapping
        Column -> value for rows that leave the column empty, after the manifest's own defaults.
    parser : argparse.ArgumentParser
        The command's parser; the columns are the options of its `deconvolve` and `convolve`.

    Returns
    -------
    list of Case
        Rows with problems too; those are found at once, not one by one.

    Raises
    ------
    InputError
        If the file cannot be read, has no rows, or names a column that does not exist.
    """
    path = given_path(path)
    rows, own_defaults = _json_rows(path) if path.suffix.lower() == ".json" else _csv_rows(path)
    if not rows:
        raise InputError(f"manifest {path} has no cases; write one row for each")
    commands = _commands(parser)
    known = {name for _, actions in commands.values() for name in actions} | set(_OWN_COLUMNS)
    defaults = {**_named(own_defaults, f"the defaults of {path}", known), **_named(defaults, "--set", known)}
    columns = dict.fromkeys(column for _, row in rows for column in row)
    _named(dict.fromkeys(columns, ""), f"manifest {path}", known)
    base, target = path.absolute().parent, given_path(folder).absolute()
    cases = [_case(number, _column_names(row), defaults, base, target, commands) for number, row in rows]
    _check_files(cases)
    _check_outputs(cases, target)
    for case in cases:  # which quote what somebody wrote
        case.problems = [shortened(" ".join(problem.split())) for problem in case.problems]
    return cases


# -- reading


def _csv_rows(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], dict]:
    text = _text(path)
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
    try:
        records = [(number, [cell.strip() for cell in record]) for number, record in enumerate(reader, 1)]
    except csv.Error as error:
        raise InputError(f"manifest {path} is no readable CSV ({error}); save it again as CSV UTF-8") from error
    records = [(number, record) for number, record in records if any(record)]
    if not records:
        raise InputError(f"manifest {path} is empty; its first row names the columns: input, kernels, ...")
    header = records[0][1]
    while header and not header[-1]:  # spreadsheets add empty columns at the end
        header = header[:-1]
    if "" in header or len(set(map(column_name, header))) < len(header):
        twice = next((name for name in header if header.count(name) > 1), "")
        raise InputError(f"manifest {path} has {f'two columns {twice!r}' if twice else 'a column without name'}")
    rows = []
    for number, record in records[1:]:
        if any(record[len(header) :]):
            raise InputError(
                f"manifest {path}: row {number} has {len(record)} cells, the header {len(header)}; "
                "put values with a separator into quotes"
            )
        rows.append((number, dict(zip(header, record, strict=False))))
    return rows, {}


def _text(path: Path) -> str:
    refuse_endless(path, "manifest")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"manifest {path} cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"manifest {path} is not UTF-8 text; save it as CSV UTF-8")
    return text


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=header.count)


def _json_rows(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], dict]:
    content = parsed_json(_text(path), f"manifest {path}")
    content = {"cases": content} if isinstance(content, list) else content
    if not isinstance(content, dict) or not isinstance(content.get("cases"), list):
        raise InputError(
            f'manifest {path} has no list "cases"; give {{"defaults": {{...}}, "cases": [{{...}}, ...]}}'
        )
    unknown = set(content) - {"schema", "defaults", "cases", "comment"}
    if unknown or content.get("schema", SCHEMA) != SCHEMA:
        problem = f"unknown entry {sorted(unknown)[0]!r}" if unknown else f"schema {content['schema']!r}"
        raise InputError(f"manifest {path}: {problem}; known are schema ({SCHEMA}), defaults, cases and comment")
    for number, row in enumerate([content.get("defaults", {}), *content["cases"]]):
        if not isinstance(row, dict):
            raise InputError(f"manifest {path}: {f'case {number}' if number else 'defaults'} is no object {{...}}")
    return list(enumerate(content["cases"], 1)), content.get("defaults", {})


def column_name(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _column_names(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column_name(name): value for name, value in row.items() if not column_name(name).startswith("#")}


def _named(values: Mapping[str, Any], where: str, known: set[str]) -> dict[str, Any]:
    named = _column_names(values)
    unknown = [name for name in named if name not in known]
    if unknown:
        raise InputError(
            f"{where}: column {unknown[0]!r} is unknown; there are {', '.join(sorted(known))}; "
            "names that begin with # are notes"
        )
    return named


# -- from a row to a command


class _Refused(Exception):
    """What argparse would have printed before it ends the program."""


def _commands(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, dict]]:
    """Operation -> its parser, which now raises instead of ending the program, and its actions by option name."""
    subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    commands = {}
    for operation in OPERATIONS:
        subparser = subparsers.choices[operation]
        subparser.error = _refuse
        actions = {o.removeprefix("--"): a for a in subparser._actions for o in a.option_strings if o[:2] == "--"}
        columns = {name: action for name, action in actions.items() if name not in (*_NOT_HERE, *_OWN_COLUMNS)}
        commands[operation] = (subparser, columns)
    return commands


def _refuse(message: str) -> None:
    raise _Refused(message)


def _case(
    number: int, row: Mapping[str, Any], defaults: Mapping[str, Any], base: Path, target: Path, commands: Mapping
) -> Case:
    values = {**defaults, **{name: value for name, value in row.items() if not _empty(value)}}
    values = {name: value for name, value in values.items() if not _empty(value)}
    case = Case(number, _name(values, number), problems=_own_problems(values))
    if not case.problems:
        try:
            _complete(case, values, base, target, commands)
        except (InputError, OSError) as error:  # a path that cannot be one
            case.problems.append(message_of(error))
    return case


def _complete(case: Case, values: Mapping[str, Any], base: Path, target: Path, commands: Mapping) -> None:
    """Give a case its command line, and what is wrong with it."""
    source = base / given_path(str(values["input"]))
    output = str(values.get("output") or f"{case.name}{'.seq' if isSequence(source) else ''}.nrrd")
    case.problems += _place_problems({"output": given_name(output), "report": str(values.get("report", ""))})
    if case.problems:
        return
    operation = _operation(values)
    subparser, actions = commands[operation]
    words = [placed(word, base) for word in _kernel_words(values["kernels"], base)]
    kernels = [f"--kernels={words[0]}"] if len(words) == 1 else ["--kernels", *words]
    head = [str(source), str(target / output), *kernels]
    case.arguments = [operation, *head]
    for column, value in values.items():
        if column in _OWN_COLUMNS or column == "kernels":
            continue
        if column not in actions:
            case.problems.append(f"{column} is no option of {operation}; leave it out of this case")
            continue
        try:
            arguments = _arguments(column, value, actions[column], base, target)
            subparser.parse_args([*head, *arguments])
        except (_Refused, ValueError) as error:
            case.problems.append(str(error).removeprefix("argument "))
        else:
            case.arguments += arguments
    if not case.problems:
        case.options = subparser.parse_args(case.arguments[1:])


def _kernel_words(value: Any, base: Path) -> list[str]:
    """The words of a cell of kernels: several where it says levels with their files, 10=k10.nrrd 20=k20.nrrd."""
    if isinstance(value, list):
        return [str(word) for word in value]
    text = str(value)
    if "=" not in text or (base / given_path(text)).exists():
        return [text]
    try:
        return shlex.split(text)
    except ValueError as error:
        raise InputError(f'kernels {text}: {error}; put names with an apostrophe into "..."') from error


def _name(values: Mapping[str, Any], number: int) -> str:
    """What a row is called: its case; else its output or input, without the extension."""
    name = values.get("case")
    if name is None:
        name = volumes.stemOf(
            str(values.get("output") or Path(str(values.get("input", ""))).name or f"case {number}")
        )
    return " ".join(str(name).split())


def _operation(values: Mapping[str, Any]) -> str:
    return str(values.get("operation", "deconvolve"))


def _own_problems(values: Mapping[str, Any]) -> list[str]:
    """What is wrong with the columns that every row has."""
    several = [name for name in _OWN_COLUMNS if isinstance(values.get(name), list | dict | bool)]
    problems = [f"{column} {values[column]!r} must be one value" for column in several]
    if isinstance(values.get("kernels"), dict | bool):
        problems.append(f"kernels {values['kernels']!r} must be a path, or a list of words such as 10=k10.nrrd")
    if _operation(values) not in OPERATIONS:
        problems.append(f"operation {_operation(values)!r} is unknown; choose deconvolve or convolve")
    return problems + [f"{column} is missing" for column in ("input", "kernels") if column not in values]


def _place_problems(places: Mapping[str, str]) -> list[str]:
    """Refuse to write beside the output folder, or where the batch itself does."""
    problems = []
    for column, path in places.items():
        if os.path.isabs(path) or ".." in Path(path).parts:
            problems.append(f"{column} {path} leaves the output folder; give a path inside it")
        elif Path(path).parts[:1] == (WORK,):
            problems.append(f"{column} {path} lies in the batch's own folder {WORK}; choose another")
    return problems


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == []


def _arguments(column: str, value: Any, action: argparse.Action, base: Path, target: Path) -> list[str]:
    if action.nargs == 0:
        word = str(value).lower()
        if word not in _YES + _NO:
            raise ValueError(f"{column} {value!r} is neither yes nor no")
        return [f"--{column}"] if word in _YES else []
    if action.nargs is not None:
        try:
            items = value if isinstance(value, list) else shlex.split(str(value))
        except ValueError as error:
            raise ValueError(f'{column} {value}: {error}; put names with an apostrophe into "..."') from error
        return [f"--{column}", *map(str, items)]
    if isinstance(value, list | dict | bool):
        raise ValueError(f"{column} {value!r} must be one value")
    if column in PATHS:
        value = base / given_path(str(value))
    elif column == "report":
        value = target / str(value)
    return [f"--{column}={value}"]


# -- checks


def _check_files(cases: Sequence[Case]) -> None:
    """Look at what each case reads: headers of volumes, kernels, and whether these fit together."""

    @functools.cache
    def size(path: str, resample: bool) -> tuple[int, ...] | None:
        return volumes.checkReadable(path, straighten=resample)

    @functools.cache
    def key(*settings: Any) -> str:
        names = ("operation", "kernels", "levels", "log", "kernel_spacing", "centre", "normalize")
        return read_kernels(argparse.Namespace(**dict(zip(names, settings, strict=True)))).key

    for case in cases:
        if case.options is not None:
            case.problems += _file_problems(case.options, case.volumes, size, key)


def _file_problems(options: argparse.Namespace, paths: Sequence[str], size: Any, key: Any) -> list[str]:
    sizes, problems = {}, []
    for path in dict.fromkeys(paths):
        sizes[path] = _try(problems, size, path, options.resample)
    spacing = options.kernel_spacing and tuple(options.kernel_spacing)
    found = _try(
        problems, key, options.operation, tuple(options.kernels), options.levels and tuple(options.levels),
        options.log, spacing, tuple(options.centre), getattr(options, "normalize", False),
    )  # fmt: skip
    if found == "region" and not options.labels:
        problems.append(f"the kernels of {' '.join(options.kernels)} are keyed by region, but labels is missing")
    if found is not None:
        _try(problems, given_meaning, options, found)
    if options.segments and not options.mask:
        problems.append("segments needs mask with a segmentation")
    _try(problems, _check_settings, options)
    for role in ("mask", "labels", "guide", "noise_image", "reference"):
        path = getattr(options, role, None)
        own, others = sizes.get(options.input), sizes.get(path)
        if own and others and own != others and (role == "reference" or not options.resample):
            shown = " x ".join(map(str, others)), " x ".join(map(str, own))
            problems.append(f"{role} {path} has {shown[0]} voxels, the input {shown[1]}; they must agree")
    return problems


def _check_settings(options: argparse.Namespace) -> None:
    masked = any((options.mask, options.mask_range, options.mask_box, options.mask_box_mm))
    sigmas = bool(getattr(options, "noise_image", None))
    check_together(settings_from_options(options), masked=masked, guided=bool(options.guide), sigmas=sigmas)


def _try(problems: list[str], function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except (InputError, OSError, MemoryError) as error:
        problems.append(message_of(error))
        return None


def _check_outputs(cases: Sequence[Case], target: Path) -> None:
    """Two cases must not write one file, nor any case what another one reads."""
    parsed = [case for case in cases if case.options is not None]
    named = functools.cache(files_read)
    read = {
        identity: case
        for case in parsed
        for path in (*case.volumes, *files_of(case.options.kernels))
        for file in named(path)
        for identity in identities(file)
    }
    outputs = {_folded(case.output): case for case in reversed(parsed)}
    makers: dict[str, tuple[Case, str]] = {}
    for case in parsed:
        check = checkSequenceName if isSequence(case.options.input) else volumes.checkOutputName
        _try(case.problems, check, case.output)
        for what, path in case.written:
            shown = f"{what} {path.relative_to(target)}"
            first, of_first = makers.setdefault(_folded(path), (case, what))
            if (first, of_first) != (case, what):
                case.problems.append(
                    f"{shown} is also the {of_first} of {first.label}; give each case its own, different in more "
                    "than capitals"
                )
            around = next((outputs[_folded(p)] for p in path.parents if _folded(p) in outputs), None)
            if around is not None:
                case.problems.append(f"{shown} lies in what is a file, the output of {around.label}; rename one")
        for path in files_written(case.output, case.options.report):
            reader = next((read[identity] for identity in identities(path) if identity in read), None)
            if reader is not None:
                case.problems.append(f"output {path} is an input of {reader.label}; choose another folder")


def _folded(path: Path) -> str:
    """The path as systems see it that take capitals for small letters and write accents in their own way."""
    return unicodedata.normalize("NFC", str(path)).casefold()
