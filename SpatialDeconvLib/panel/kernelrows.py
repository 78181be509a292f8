"""The kernel table without Qt: rows of text, what they mean, and what is wrong with them.

A `KernelRow` holds what the user typed, valid or not, so that nothing is lost while a table is being filled.
`fieldFromRows` turns a finished table into the engine's kernel field; `rowProblem` and `tableSummary` say in words
why it cannot yet.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.reading import read_json
from ..errors import InputError, check_choice
from ..estimation.levels import levels_from_histogram
from ..kernels.centres import centre_words
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.kinds import Kind
from ..kernels.parametric import AnyKernel, ParametricKernel
from ..kernels.prepare import PreparedKernel, prepare_kernel
from ..kernels.sets import field_from_dict, kernel_from_dict, written_out
from ..kernels.shapes import registry
from ..kernels.weightfiles import weight_file
from ..methods.choices import AUTO, INTERPOLATIONS_OF, KEYS, PART_KEYS
from . import kernelfacts, kernelfields, kernelweights
from .kernelfields import NUMBER as _NUMBER
from .kernelfields import numbersIn as _numbers
from .kernelfields import numberText
from .kernelfields import optionsOf as _optionsOf
from .kernelfields import optionsText as _options
from .kernelfields import valuesText as _valuesText
from .kernelfields import withoutDecimalComma as _withoutDecimalComma
from .model import KernelSetSummary, _, inPanelWords, translated

__all__ = [
    "KINDS",
    "KernelRow",
    "fieldFromRows",
    "firstSize",
    "isFlat",
    "keysFromRows",
    "levels_from_histogram",
    "newRow",
    "parametersText",
    "parsePasted",
    "preparedRow",
    "rowOfKind",
    "rowProblem",
    "rowWithParameters",
    "rowsFromContent",
    "rowsFromField",
    "rowsFromFile",
    "rowsFromLevels",
    "sortedRows",
    "tableSummary",
]

_LOGARITHMS: dict[str, bool | int] = {"no": False, "natural": True, "decimal": 10}

#: The kinds of kernels of the table: those of the engine, and kernels that a volume or a file holds.
KINDS: dict[str, Kind] = {
    **registry.KINDS,
    "volume": Kind("volume", _("Volume"), _("The voxels of a volume in the scene.")),
    "file": registry.STORED_KINDS["file"],
}


@dataclass(frozen=True)
class KernelRow:
    """A row of the kernel table, as it was typed.

    Attributes
    ----------
    at : str
        What the kernel belongs to: a level; a segment name or label (a name that looks like a number in quotes);
        a position "z, y, x" in mm; a weight image (see `kernelweights`); a channel, from 1 on, or its name; a
        frame, from 0 on, or its index value (names and values that are numbers in quotes). Without meaning for one
        kernel everywhere.
    kind : str
        One of `KINDS`.
    size : str
        In the kind's unit: one number, or one an axis (k, j, i).
    direction : str
        Of a motion: an angle in degrees, or "z, y, x".
    volume : vtkMRMLScalarVolumeNode or None
    path : str
    weights : vtkMRMLScalarVolumeNode or None
        The volume that holds the weight image; None where a file does, and for other keys.
    logarithm : {"no", "natural", "decimal"}
        Whether the volume or file holds the logarithm of the kernel.
    options : str
        Further words of a kernel-set entry (truncate, spacing_mm, normalize, centre), as JSON.
    """

    at: str = ""
    kind: str = "gaussian"
    size: str = "1"
    direction: str = "0"
    volume: Any = None
    path: str = ""
    logarithm: str = "no"
    options: str = ""
    weights: Any = None

    def place(self, key: str) -> float | int | str | tuple[float, ...] | tuple[str, int]:
        """Return what the kernel belongs to, in the words of the kernel field.

        Raises
        ------
        InputError
            If the text means nothing for this key.
        """
        text = self.at.strip()
        if key == "uniform":
            return 0
        if key == "intensity":
            return _oneNumber(text, _("level"))
        if key == "position":
            numbers = _numbers(text)
            if len(numbers) not in (2, 3):
                raise InputError(_("position '{text}' must be three numbers: z, y, x in mm").format(text=text))
            return tuple(numbers)
        if key == "weights":
            return kernelweights.placeOf(self)
        if not text:
            raise InputError(_MISSING_PLACES[key])
        place = _numberOrName(text)
        if key == "channel" and isinstance(place, int) and place < 1:
            raise InputError(_("channel '{text}' is no number from 1 on").format(text=text))
        return place

    def entry(self, folder: str | os.PathLike | None = None, key: str = "uniform") -> dict[str, Any]:
        """Return the entry of a kernel set file.

        Parameters
        ----------
        folder : path, optional
            Where the file will lie: paths are written relative to it where they can be.
        key : str
            What chooses the kernel; decides what "at" is.

        Raises
        ------
        InputError
            If the row is not complete.
        """
        place = self.place(key)
        at = {} if key == "uniform" else {"at": list(place) if isinstance(place, tuple) else place}
        return {**at, **self._kernelEntry(folder)}

    def _kernelEntry(self, folder: str | os.PathLike | None) -> dict[str, Any]:
        further = _optionsOf(self)
        if self.kind == "volume":
            kernel = self.kernel()
            spacing = list(kernel.spacing)
            return {"type": "values", "values": kernel.values.tolist(), "spacing_mm": spacing, **further}
        if self.kind == "file":
            if not self.path.strip():
                raise InputError(_("no file is chosen"))
            log = {} if self.logarithm == "no" else {"log": _LOGARITHMS[self.logarithm]}
            return {"type": "file", "path": _relative(self.path, folder), **log, **further}
        return {"type": self.kind, **self._parameters(), **further}

    def _parameters(self) -> dict[str, Any]:
        """The kind's size, unless that is said in other words, and its direction."""
        kind, parameters = KINDS[self.kind], {}
        if kind.size and not (not self.size.strip() and kernelfields.isSizedOtherwise(self)):
            size = kind.size
            numbers = _numbers(self.size if size.count == "axes" else _withoutDecimalComma(self.size))
            if not self.size.strip():
                raise InputError(_("its size is missing"))
            if not numbers:
                raise InputError(_("size '{text}' is no number").format(text=self.size))
            if size.count == "one" and len(numbers) > 1:
                raise InputError(_("size '{text}' must be one number").format(text=self.size))
            if size.unit == "voxels":
                if any(n % 1 for n in numbers):
                    raise InputError(_("size '{text}' must be whole voxels").format(text=self.size))
                numbers = [int(n) for n in numbers]
            parameters[size.name] = numbers[0] if len(numbers) == 1 and size.count != "list" else numbers
        if kind.directed:
            direction = _numbers(self.direction)
            if len(direction) not in (1, 2, 3):
                raise InputError(_("direction '{text}' must be an angle, or z, y, x").format(text=self.direction))
            angle = len(direction) == 1
            parameters["angle_deg" if angle else "direction"] = direction[0] if angle else direction
        return parameters

    def kernel(self) -> AnyKernel:
        """Return the kernel: by its parameters, or read from the volume node or file.

        Raises
        ------
        InputError
            If the row is not complete, or what it names holds no kernel.
        """
        if self.kind == "volume":
            if self.volume is None:
                raise InputError(_("no volume is chosen"))
            from ..mrml.nodes import kernelFromVolume  # here, because everything else works without a scene

            return kernelFromVolume(self.volume, _LOGARITHMS[self.logarithm], centreOf(self))
        return kernel_from_dict(self._kernelEntry(None))


def _relative(path: str, folder: str | os.PathLike | None) -> str:
    if folder is None:
        return path
    try:
        return Path(os.path.relpath(path, Path(folder).resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return path


_MISSING_PLACES = {
    "region": _("it has no segment"),
    "channel": _("it has no channel"),
    "frame": _("it has no frame"),
}


def _numberOrName(text: str) -> int | str:
    """A whole number, or a name: one that looks like a number stands in quotes."""
    quoted = re.fullmatch(r'"(.*)"', text)
    if quoted:
        return quoted.group(1)
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else text


def _oneNumber(text: str, what: str) -> float:
    text = _withoutDecimalComma(text)
    if not re.fullmatch(_NUMBER, text):
        raise InputError(_("{what} '{text}' is no number").format(what=what, text=text))
    number = float(text)
    if not math.isfinite(number):
        raise InputError(_("{what} '{text}' is no number").format(what=what, text=text))
    return number


# ------------------------------------------------------------------------------------- rows and fields


def _ownArray(volume: Any, number: int | None) -> np.ndarray:
    from ..mrml.weightimages import weightArray  # here, because everything else works without a scene

    return weightArray(volume, number)


def fieldFromRows(
    key: str,
    rows: Sequence[KernelRow],
    interpolation: str = "linear",
    outside: str = "nearest",
    feather: float = 0.0,
    of: str = AUTO,
    weightsOf: kernelweights.ArrayOf = _ownArray,
) -> KernelField:
    """Return the kernel field of a table.

    Parameters
    ----------
    key : str
        One of `choices.KEYS`.
    rows : sequence of KernelRow
    interpolation, outside, feather, of
        See `KernelField`; those that the key has no use for are ignored.
    weightsOf : callable (volume, number) -> ndarray
        The weight images of rows that have them in a volume.

    Raises
    ------
    InputError
        Naming the row, what is wrong with it and what to do.
    """
    return _field(key, rows, KernelRow.kernel, interpolation, outside, feather, of, weightsOf)


def keysFromRows(
    key: str,
    rows: Sequence[KernelRow],
    interpolation: str = "linear",
    outside: str = "nearest",
    feather: float = 0.0,
    of: str = AUTO,
    weightsOf: kernelweights.ArrayOf = _ownArray,
) -> KernelField:
    """Return the field of a table whose kernels are still to be measured: its keys, without any blur."""
    identity = ParametricKernel("identity")
    return _field(key, rows, lambda row: identity, interpolation, outside, feather, of, weightsOf)


def _field(
    key, rows, kernelOf: Callable[[KernelRow], AnyKernel], interpolation, outside, feather, of, weightsOf
) -> KernelField:
    if not rows:
        raise InputError(_("the kernel table is empty; add a kernel or load a kernel set"))
    if key == "weights":
        kernels = [_named(number, row, lambda row=row: kernelOf(row)) for number, row in enumerate(rows, 1)]
        images, at = kernelweights.imagesOf(rows, weightsOf)
        return replace(KernelField.by_weights(images, kernels), at=tuple(at))
    pairs = []
    for number, row in enumerate(rows, 1):
        place = _named(number, row, lambda row=row: row.place(key))
        pairs.append((place, _named(number, row, lambda row=row: kernelOf(row))))
    if key == "uniform":
        if len(pairs) > 1:
            raise InputError(
                _("one kernel everywhere, but the table has {count}; remove the others").format(count=len(pairs))
            )
        return KernelField.uniform(pairs[0][1])
    if key == "intensity":
        return KernelField.by_intensity(pairs, _possible(interpolation, key), outside, of)
    if key == "position":
        return KernelField.by_position(pairs, _possible(interpolation, key))
    if key in PART_KEYS:
        return {"channel": KernelField.by_channel, "frame": KernelField.by_frame}[key](pairs)
    return KernelField.by_region(None, pairs, feather, outside)


def _possible(interpolation: str, key: str) -> str:
    return interpolation if interpolation in INTERPOLATIONS_OF[key] else "linear"


def _named(number: int, row: KernelRow, function: Callable[[], Any]):
    try:
        return function()
    except InputError as error:
        place = f" ({row.at.strip()})" if row.at.strip() else ""
        raise error.within(_("kernel {row}").format(row=f"{number}{place}")) from error


def rowsFromFile(path: str | os.PathLike, makeVolume: Callable[[Kernel, str], Any] | None = None):
    """Read a kernel set file as rows; see `rowsFromContent`.

    Raises
    ------
    InputError
        If it cannot be read or used, with the reason.
    """
    path = Path(path)
    content = read_json(path, "kernel set")
    try:
        return rowsFromContent(content, path.parent, makeVolume)
    except InputError as error:
        raise error.within(f"kernel set {path}") from error


def rowsFromContent(
    content: Any, folder: str | os.PathLike, makeVolume: Callable[[Kernel, str], Any] | None = None
) -> tuple[str, list[KernelRow], dict[str, Any]]:
    """Return the rows of a kernel set file's content.

    Parameters
    ----------
    content : mapping
        What the file holds; it is checked as a whole first.
    folder : path
        Where the file lies: rows name their files by absolute paths.
    makeVolume : callable (Kernel, name) -> volume node, optional
        Where kernels that are written out in the file go; without it they are an error.

    Returns
    -------
    key, rows, options
        The options are those of the file among of, interpolation, outside and feather.
    """
    folder = Path(folder).resolve()
    field = field_from_dict(content, folder)
    check_choice(field.key, KEYS, "key")  # of the table
    names = {"of": "of", "interpolation": "interpolation", "outside": "outside", "feather_mm": "feather"}
    options = {name: content[word] for word, name in names.items() if word in content}
    content = written_out(content)
    if field.key == "region":
        options.setdefault("outside", "error")
    rows = []
    for number, entry in enumerate(content["kernels"], 1):
        at = _placeText(field.key, entry.get("at"), folder)
        rows.append(_rowFromEntry(at, entry, folder, number, makeVolume))
    return field.key, rows, options


def _placeText(key: str, at: Any, folder: Path) -> str:
    if key == "uniform":
        return ""
    if key == "weights":
        return kernelweights.textOfFile(weight_file(at, folder))
    if key == "position":
        return ", ".join(numberText(v) for v in at)
    if key in ("region", *PART_KEYS) and isinstance(at, str):
        return f'"{at}"' if re.fullmatch(r'[-+]?\d+|".*"', at.strip()) else at
    return numberText(at)


def _rowFromEntry(at: str, entry: dict, folder: Path, number: int, makeVolume) -> KernelRow:
    parameters = {word: value for word, value in entry.items() if word not in ("at", "type")}
    kind = entry["type"]
    if kind == "values":
        if makeVolume is None:
            raise InputError(f"kernel {number} is written out as values; save it as a file and name that")
        kernel = Kernel(np.array(parameters["values"], dtype=float), parameters["spacing_mm"])
        centre = {word: value for word, value in parameters.items() if word == "centre"}
        volume = makeVolume(kernel, f"Kernel {at}".strip())
        return KernelRow(at, "volume", volume=volume, options=_options(centre))
    if kind == "file":
        path = str((folder / str(parameters.pop("path"))).resolve())
        log = parameters.pop("log", False)
        logarithm = "no" if log is False else "decimal" if log is not True and log == 10 else "natural"
        return KernelRow(at, "file", path=path, logarithm=logarithm, options=_options(parameters))
    if "path" in parameters:  # a table, which is kept as its numbers
        parameters = dict(kernel_from_dict({"type": kind, **parameters}, folder).source)
        del parameters["type"]
    size = direction = None
    if KINDS[kind].size is not None:
        size = parameters.pop(KINDS[kind].size.name, None)
        if size is None:
            sized = kernelfields.isSizedOtherwise(KernelRow(at, kind, options=_options(parameters)))
            size = "" if sized else firstSize(kind)
    if KINDS[kind].directed:
        direction = parameters.pop("angle_deg", None)
        if direction is None:
            direction = parameters.pop("direction")
    row = KernelRow(at, kind, options=_options(parameters))
    row = row if size is None else replace(row, size=_valuesText(size))
    return row if direction is None else replace(row, direction=_valuesText(direction))


def rowsFromField(
    field: KernelField, makeVolume: Callable[[Kernel, str], Any], name: str = "Kernel"
) -> list[KernelRow]:
    """Return the rows of a field whose kernels have been measured, and become volume nodes of this name."""
    rows = []
    for at, kernel in zip(field.at, field.kernels, strict=True):
        text = _placeText(field.key, list(at) if isinstance(at, tuple) else at, Path())
        rows.append(rowOfKernel(text, kernel, makeVolume(kernel, f"{name} {text}".strip())))
    return rows


def rowOfKernel(at: str, kernel: Kernel, volume: Any, weights: Any = None) -> KernelRow:
    """Return the row of a kernel that lies in a volume, with its centre."""
    words = centre_words(kernel.shape, kernel.centre)
    options = _options({} if words is None else {"centre": words})
    return KernelRow(at, "volume", volume=volume, options=options, weights=weights)


# ------------------------------------------------------------------------------------- what is wrong


def rowProblem(key: str, row: KernelRow) -> str:
    """Return what is missing or wrong in a row, in one line, or "" when nothing is.

    Files and volumes are looked into, once: see `kernelfacts`.
    """
    return rowPlaceProblem(key, row) or kernelfacts.kernelOf(row)[1]


def tableSummary(key: str, rows: Sequence[KernelRow], channels: Sequence[str | int] = ()) -> KernelSetSummary:
    """Return what the panel says of a table: what it holds, or the first thing that is wrong with it.

    `channels`: what those of the input volume are called, or their numbers; empty where there is no volume.
    """
    problem = _tableProblem(key, rows, channels)
    flat = [row for row in rows if isFlat(row)]
    text = problem or _summaryText(key, rows)
    moved = any(KINDS[row.kind].directed for row in flat)
    return KernelSetSummary(text, not problem, key, len(rows), bool(flat), moved)


def _tableProblem(key: str, rows: Sequence[KernelRow], channels: Sequence[str | int]) -> str:
    """Return the first thing that is wrong with a table, as a sentence, or "" when it can be used."""
    if not rows:
        return _("There are no kernels yet: add files, drop them here, or enter kernels (Edit...).")
    if key == "uniform" and len(rows) > 1:
        return _("One kernel everywhere, but the table has {count}: remove the others.").format(count=len(rows))
    seen: dict[Any, int] = {}
    for number, row in enumerate(rows, 1):
        problem = rowProblem(key, row)
        if problem:
            return _("Kernel {number}: {problem}.").format(number=number, problem=problem)
        place = row.place(key)
        if key == "channel" and isinstance(place, str) and channels and place not in channels:
            text = _("Kernel {number}: there is no channel '{name}'; there are {channels}.")
            return text.format(number=number, name=place, channels=", ".join(map(str, channels)))
        if key != "uniform" and place in seen:
            text = _("Kernels {first} and {second} are both for {place}: remove or change one.")
            return text.format(first=seen[place], second=number, place=placeText(key, row))
        seen[place] = number
    return ""


def warningsOf(kernel: AnyKernel, spacing: Sequence[float] | None) -> list[str]:
    """Return what is unusual about a kernel, in words.

    Parameters
    ----------
    kernel : Kernel or ParametricKernel
    spacing : sequence of float or None
        Voxel size of the image it is for, in mm, axis order (k, j, i).
    """
    if isinstance(kernel, Kernel):
        faults = kernel.faults()
        texts = [inPanelWords(fault.text) for fault in faults]
        if any(fault.cure for fault in faults):
            texts.append(_("press the right mouse button on the row and choose Prepare: that mends it"))
        return texts
    if spacing is None:
        return []
    across = []
    for name, value in kernel.parameters.items():
        parameter = kernel.kind.known[name]
        across += [(2 if parameter.half else 1) * length for length in parameter.lengths(value)]
    finest = min(spacing[-2:])
    if across and max(across) > 0 and max(across) < 0.5 * finest:
        return [_("narrower than half a voxel ({size:g} mm): it changes next to nothing").format(size=finest)]
    return []


# ------------------------------------------------------------------------------------- words


def isFlat(row: KernelRow) -> bool:
    """Return whether a row's kernel lies in the slice, so that it works on 3-D images slice by slice only."""
    kind = KINDS[row.kind]
    if row.kind == "file":
        kernel, _problem = kernelfacts.kernelOf(row)
        return isinstance(kernel, Kernel) and kernel.ndim == 2
    if kind.directed:
        return len(_numbers(row.direction)) < 3
    if row.kind == "volume":
        image = row.volume.GetImageData() if row.volume is not None else None
        return image is not None and image.GetDimensions()[2] == 1
    texts = [row.size] if kind.size is not None and kind.size.count == "axes" else []
    texts += [kernelfields.fieldText(row, p.name) for p in kernelfields.fieldsOf(row.kind) if p.count == "axes"]
    return kind.planar or any(len(_numbers(text)) == 2 for text in texts)


def parametersText(row: KernelRow) -> str:
    """Return a row's parameters as the table shows them; `rowWithParameters` reads them back."""
    kind = KINDS[row.kind]
    if row.kind == "volume":
        name = row.volume.GetName() if row.volume is not None else ""
        return _withLogarithm(name, row.logarithm)
    if row.kind == "file":
        return _withLogarithm(_fileText(row), row.logarithm)
    if not kind.size:
        return ""
    if not row.size.strip() and "covariance_mm2" in row.options:
        return _("by its covariance")
    text = kernelfields.parametersText(row, kind)
    if kind.directed:
        angle = len(_numbers(row.direction)) == 1
        text += f" at {row.direction}°" if angle else f" along {row.direction}"
    return text


def _fileText(row: KernelRow) -> str:
    """The name of a row's file, with the array and the page of it that is the kernel."""
    further, name = _optionsOf(row), os.path.basename(row.path)
    if "variable" in further:
        name = f"{name}:{further['variable']}"
    return _("{name}, page {page}").format(name=name, page=further["page"]) if "page" in further else name


def _withLogarithm(name: str, logarithm: str) -> str:
    words = {"no": "{name}", "natural": _("{name} (logarithm)"), "decimal": _("{name} (decimal logarithm)")}
    return words[logarithm].format(name=name or "?")


def rowWithParameters(row: KernelRow, text: str) -> KernelRow:
    """Return a row with parameters as typed into the table: "1.2", "3, 1.2, 1.2", "5 mm at 30°", "FWHM 2.4".

    What is no number is left out; a text without any number is kept, so that it can be corrected.
    """
    kind = KINDS[row.kind]
    if not kind.size or text == parametersText(row):
        return row
    numbers = _numbers(_withoutDecimalComma(text.strip()))
    if not numbers:
        return replace(row, size=text.strip())
    if kind.directed:
        row = replace(row, size=numberText(numbers[0]))
        return replace(row, direction=_valuesText(numbers[1:])) if len(numbers) > 1 else row
    return kernelfields.rowWithWords(row, text, kind)


def centreOf(row: KernelRow) -> Any:
    """Return what a row says of its kernel's centre: a word, an index, or one per axis."""
    return _optionsOf(row).get("centre", AUTO)


def rowWithCentre(row: KernelRow, word: str) -> KernelRow:
    """Return a row of a stored kernel with one of the words for its centre; others stay as they are."""
    return _withOption(row, "centre", None if word == AUTO else word)


def spacingOf(row: KernelRow) -> str:
    """Return the voxel size in mm that a row gives its file, as text; "" when it gives none."""
    given = _optionsOf(row).get("spacing_mm")
    return "" if given is None else _valuesText(given)


def rowWithSpacing(row: KernelRow, text: str) -> KernelRow:
    """Return a row of a file with the voxel size as typed: one number in mm, or one per axis; "" is the file's own.

    A text without any number is kept, so that it can be corrected.
    """
    numbers = _numbers(text)
    given = (numbers[0] if len(numbers) == 1 else numbers) if numbers else text.strip() or None
    return _withOption(row, "spacing_mm", given)


def rowWithWholeFile(row: KernelRow) -> KernelRow:
    """Return a row of a file that no longer means one array or page of it."""
    for word in ("variable", "page", "pages"):
        row = _withOption(row, word, None)
    return row


def _withOption(row: KernelRow, word: str, value: Any) -> KernelRow:
    if not KINDS[row.kind].stored:
        return row
    further = {name: v for name, v in _optionsOf(row).items() if name != word}
    return replace(row, options=_options(further if value is None else {**further, word: value}))


def preparedRow(
    row: KernelRow, spacing: Sequence[float] | None, makeVolume: Callable[[Kernel, str], Any]
) -> tuple[KernelRow, PreparedKernel] | None:
    """Return the row of a stored kernel with that kernel prepared, in a new volume, and the kernel.

    None where nothing is to be done, as for kernels that are made from their parameters.

    Parameters
    ----------
    row : KernelRow
    spacing : sequence of float or None
        Voxel size in mm of the image that the kernel is for, of whose voxels it may be.
    makeVolume : callable (Kernel, name) -> volume node

    Raises
    ------
    InputError
        If the row has no kernel, there is nothing but background, or nobody knows how large its voxels are.
    """
    kernel, problem = kernelfacts.kernelOf(row)
    if problem:
        raise InputError(problem)
    if not isinstance(kernel, Kernel) or not KINDS[row.kind].stored:
        return None
    if kernel.in_voxels:
        if spacing is None:
            raise InputError(_("its voxels are those of the input volume; choose that first, or give their size"))
        kernel = kernel.sampled(spacing)
    prepared = prepare_kernel(kernel)
    if not prepared.preparation.steps:
        return None
    volume = makeVolume(prepared, _("{name} prepared").format(name=kernel.name))
    return rowOfKernel(row.at, prepared, volume, row.weights), prepared


def kindLabel(kind: str) -> str:
    """Return the kind's name for the table."""
    return translated(KINDS[kind].label)


def kindSentence(kind: str) -> str:
    """Return one sentence that says what the kind of kernel is."""
    return translated(KINDS[kind].sentence)


def sizeLabel(kind: str) -> str:
    """Return the label of the kind's size, with its unit; "" when it has none."""
    size = KINDS[kind].size
    return translated(size.label) if size is not None else ""


def firstSize(kind: str) -> str:
    """Return the size that a kernel of the kind begins with."""
    size = KINDS[kind].size
    return _valuesText(size.start if size is not None else 1.0)


#: What fills the table by one click, by key: the text of the button, and what it does.
FILLS = {
    "intensity": (
        _("Levels from histogram"),
        _("Fill the table with levels around which the intensities of the volume gather."),
    ),
    "region": (_("A row for every segment"), _("Add a row for every segment or label that has none yet.")),
    "channel": (_("A row for every channel"), _("Add a row for every channel that has none yet.")),
    "frame": (_("A row for every frame"), _("Add a row for every frame that has none yet.")),
}


def placeLabel(key: str) -> str:
    """Return the heading of the table's first column."""
    return {
        "intensity": _("Level"),
        "region": _("Segment"),
        "position": _("z, y, x (mm)"),
        "uniform": _("Everywhere"),
        "weights": _("Weight image"),
        "channel": _("Channel"),
        "frame": _("Frame"),
    }[key]


def placeText(key: str, row: KernelRow) -> str:
    """Return what a row's kernel belongs to, as the table shows it; `rowWithPlace` reads it back."""
    return {"uniform": "", "weights": kernelweights.textOf(row)}.get(key, row.at.strip())


def rowWithPlace(key: str, row: KernelRow, text: str) -> KernelRow:
    """Return a row with another level, region, position, weight image, ... as typed into the table."""
    return kernelweights.rowWithText(row, text) if key == "weights" else replace(row, at=text)


def _summaryText(key: str, rows: Sequence[KernelRow]) -> str:
    """Return one line about a table that can be used."""
    kinds = {row.kind for row in rows}
    stored = kinds <= {"volume", "file"}
    kind = kindLabel(next(iter(kinds))) if len(kinds) == 1 and not stored else ""
    kind = _("stored") if stored else kind or _("different")
    if key == "uniform":
        return _("One {kind} kernel for the whole volume.").format(kind=kind)
    if key == "intensity":
        levels = [row.place(key) for row in rows]
        if len(rows) == 1:
            return _("One {kind} kernel, at intensity {level:g}.").format(kind=kind, level=levels[0])
        text = _("{count} {kind} kernels, intensity {least:g} to {most:g}.")
        return text.format(count=len(rows), kind=kind, least=min(levels), most=max(levels))
    if len(rows) == 1:
        words = {
            "region": _("One {kind} kernel, keyed to a region."),
            "position": _("One {kind} kernel, keyed to position."),
            "weights": _("One {kind} kernel, with a weight image."),
            "channel": _("One {kind} kernel, for one channel."),
            "frame": _("One {kind} kernel, for one frame."),
        }
        return words[key].format(kind=kind)
    words = {
        "region": _("{count} {kind} kernels, keyed to regions."),
        "position": _("{count} {kind} kernels, keyed to position."),
        "weights": _("{count} {kind} kernels, each with its own weight image."),
        "channel": _("{count} {kind} kernels, one for each channel."),
        "frame": _("{count} {kind} kernels, one for each frame."),
    }
    return words[key].format(count=len(rows), kind=kind)


# ------------------------------------------------------------------------------------- changing a table


def newRow(key: str, rows: Sequence[KernelRow], regions: Sequence[str | int] = ()) -> KernelRow:
    """Return a row to add: the last one's kernel at the next level, region or position.

    Parameters
    ----------
    key : str
    rows : sequence of KernelRow
    regions : sequence of str or int
        Names of the segments, or labels, there are; or the names or numbers of channels or frames.
    """
    last = rows[-1] if rows else KernelRow()
    if key in PART_KEYS and not regions:
        numbers = [row.place(key) for row in rows if not rowPlaceProblem(key, row)]
        first = 1 if key == "channel" else 0
        return replace(last, at=str(max([n + 1 for n in numbers if isinstance(n, int)], default=first)))
    if key in ("region", *PART_KEYS):
        used = {row.at.strip().strip('"') for row in rows}
        unused = [name for name in regions if str(name) not in used]
        labels = [row.place(key) for row in rows if not rowPlaceProblem(key, row)]
        number = max([v for v in labels if isinstance(v, int)], default=0) + 1
        at = unused[0] if unused else "" if regions else number
        isName = isinstance(at, str) and re.fullmatch(r"[-+]?\d+", at)
        return replace(last, at=f'"{at}"' if isName else str(at))
    if key == "intensity":
        levels = [row.place(key) for row in rows if not rowPlaceProblem(key, row)]
        step = levels[-1] - levels[-2] if len(levels) > 1 else 10.0
        return replace(last, at=numberText(round(levels[-1] + step, 10)) if levels else "10")
    if key == "position":
        return replace(last, at=last.at if rows else "0, 0, 0")
    return replace(last, at="", weights=None)


def rowOfKind(row: KernelRow, kind: str) -> KernelRow:
    """Return a row with another kind of kernel, keeping its size where that means the same."""
    before, after = KINDS[row.kind], KINDS[kind]
    if row.kind == kind:
        return row
    lengths = all(
        size is not None and size.unit == "mm" and size.count != "list" for size in (before.size, after.size)
    )
    same = lengths and len(_numbers(row.size)) == 1
    size = row.size if same else firstSize(kind)
    return replace(row, kind=kind, size=size, options=kernelfields.startOptions(kind))


def rowPlaceProblem(key: str, row: KernelRow) -> str:
    """Return why a row's level, segment or position means nothing, or ""."""
    try:
        row.place(key)
    except InputError as error:
        return error.text
    return ""


def sortedRows(key: str, rows: Sequence[KernelRow]) -> list[KernelRow]:
    """Return the rows in the order of their levels, labels or positions; those that have none come last."""

    def order(row: KernelRow):
        if rowPlaceProblem(key, row):
            return (2, ())
        place = row.place(key)
        # Labels before names.
        return (1, place.lower()) if isinstance(place, str) else (0, place)

    return sorted(rows, key=order)


def rowsFromLevels(levels: Sequence[float], rows: Sequence[KernelRow]) -> list[KernelRow]:
    """Return a row for each level, with the kernel of the nearest row (a Gaussian if there is none)."""
    known = [(row.place("intensity"), row) for row in rows if not rowPlaceProblem("intensity", row)]
    made = []
    for level in levels:
        nearest = min(known, key=lambda pair: abs(pair[0] - level), default=(0.0, KernelRow()))[1]
        made.append(replace(nearest, at=numberText(level)))
    return made


# ------------------------------------------------------------------------------------- a spreadsheet's text


def parsePasted(text: str, key: str) -> list[KernelRow]:
    """Return the rows of a text from a spreadsheet.

    One line a row, cells separated by tabs, semicolons or commas: level (or segment, or position), kind, size,
    angle. The kind may be missing (Gaussian); for one kernel everywhere so is the level. In text with tabs or
    semicolons, a comma between digits is a decimal comma. A first line without any number is a heading.

    Parameters
    ----------
    text : str
    key : str
        One of `choices.KEYS`.

    Raises
    ------
    InputError
        If a line cannot be understood; the message names it.
    """
    lines = [line for line in text.replace("\r", "\n").split("\n") if line.strip()]
    if not lines:
        raise InputError(_("there is no text on the clipboard; copy cells of a spreadsheet first"))
    if len(lines) > 1 and not re.search(r"\d", lines[0]):
        lines = lines[1:]
    return [_pastedRow(number, _cells(line), key) for number, line in enumerate(lines, 1)]


def _cells(line: str) -> list[str]:
    for separator in ("\t", ";"):
        if separator in line:
            cells = line.split(separator)
            return [_withoutDecimalComma(cell.strip()).strip('"') for cell in cells]
    separator = "," if "," in line else None
    return [cell.strip().strip('"') for cell in line.split(separator)]


def _pastedRow(number: int, cells: list[str], key: str) -> KernelRow:
    count = {"uniform": 0, "position": 3}.get(key, 1)
    if key == "position" and cells and len(_numbers(cells[0])) > 1:
        count = 1  # "0 12.5 3" in one cell
    places, rest = cells[:count], [cell for cell in cells[count:] if cell]
    kind = "gaussian"
    if rest and not re.match(_NUMBER, rest[0]):
        kind = _kindFromWord(rest.pop(0), number)
    row = KernelRow(", ".join(places), kind, size=firstSize(kind), options=kernelfields.startOptions(kind))
    if kind == "file":
        if not rest:
            raise InputError(_("line {number}: a kernel from a file needs its path").format(number=number))
        row = replace(row, path=rest[0])
    elif rest:
        row = rowWithParameters(row, " ".join(rest))
    problem = rowPlaceProblem(key, row)
    if problem:
        raise InputError(_("line {number}: {problem}").format(number=number, problem=problem))
    return row


def _kindFromWord(word: str, number: int) -> str:
    wanted = word.strip().lower()
    for kind, known in KINDS.items():
        if wanted in (kind, kindLabel(kind).lower(), *known.aliases):
            return kind
    known = ", ".join(KINDS)
    raise InputError(
        _("line {number}: '{word}' is no kind of kernel; known: {known}").format(
            number=number, word=word, known=known
        )
    )
