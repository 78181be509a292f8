"""Tables of numbers in text files, as people and spreadsheets write them.

Cells stand between semicolons, tabs, commas or spaces; numbers have a decimal point or a decimal comma. Lines in
front of the table, comments (``#``, ``%``, ``//``), and the row numbers that pandas puts in front are left out.
Anything else that is no number is refused with its place: a table is never repaired by a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..arrays import memory
from ..arrays.reading import refuse_endless
from ..errors import InputError

#: How the names of text files end that may hold a table.
ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".asc")
_COMMENTS = ("#", "%", "//", "!")
_REMEDY = "write one row a line, with the same count of numbers in each"
# What separates cells, the surest first; None: spaces.
_DELIMITERS = (";", "\t", ",", None)
_NUMBER = re.compile(
    r"[-+]?(\d+(\.\d*|,\d+)?|[.,]\d+)([eEdD][-+]?\d+)?$|[-+]?(nan|inf(inity)?)$", re.ASCII | re.IGNORECASE
)
_COMPLEX = re.compile(r"\(?[-+]?[\d.][\d.eE]*[-+][\d.]+[eE\d+-]*[ij]\)?$|[-+]?[\d.]+[ij]$", re.ASCII)
_BYTES_PER_CHARACTER = 40  # of the lists that hold a table until it is an array
_LEAST_COUNT = 5  # of numbers 0, 1, 2, ... in the first row that are taken for those of the columns


@dataclass(frozen=True)
class _Row:
    """A line of the file: its number from 1, and its cells."""

    line: int
    cells: tuple[str, ...]

    @property
    def problem(self) -> str:
        """What is no number in it; "" when all are."""
        for cell in self.cells:
            if not cell:
                return f"line {self.line} has an empty cell"
            if _COMPLEX.match(cell):
                return f"line {self.line} has {cell[:40]!r}, a complex number; write real ones"
            if not _NUMBER.match(cell):
                return f"line {self.line} has {cell[:40]!r}, which is no number"
        return ""


def read_table(path: Path) -> np.ndarray:
    """Return the numbers of a text file as a 2-D array, float64, a line to a row.

    Parameters
    ----------
    path : Path
        UTF-8, UTF-16 with its mark, or the text of older programs, whose letters do not matter here.

    Raises
    ------
    InputError
        If it is no text or no table: with the line that shows it.
    """
    lines = [
        (number, line.strip(" \r\n"))
        for number, line in enumerate(_text(path).split("\n"), 1)
        if line.strip() and not line.lstrip().startswith(_COMMENTS)
    ]
    if not lines:
        raise InputError(f"{path} holds no numbers; {_REMEDY}")
    problems: dict[str | None, str] = {}
    for delimiter in _DELIMITERS:
        if delimiter is None or any(delimiter in line for _number, line in lines):
            try:
                table = _table(_without_surplus([_Row(n, _cells(line, delimiter)) for n, line in lines]))
                if table.shape[1] > 1 or not problems:  # one column is what a wrong delimiter leaves
                    return table
            except InputError as error:
                problems[delimiter] = error.text
    # The reading under which most of the file is numbers says best what is wrong with it.
    likely = max(problems, key=lambda d: sum(bool(_NUMBER.match(c)) for _n, line in lines for c in _cells(line, d)))
    raise InputError(f"{path} is no table of numbers: {problems[likely]}; {_REMEDY}")


def _text(path: Path) -> str:
    refuse_endless(path, "text file")
    memory.require(
        _BYTES_PER_CHARACTER * path.stat().st_size,
        f"that is what reading the text of {path} takes; save it as .npy",
    )
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        raise InputError(f"{path} is no text; save the table as CSV")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\N{MINUS SIGN}", "-")


def _cells(line: str, delimiter: str | None) -> tuple[str, ...]:
    return tuple(cell.strip().strip("\"'").strip() for cell in line.split(delimiter))


def _without_surplus(rows: list[_Row]) -> list[_Row]:
    """The rows without the empty cell that a separator at the end of every line makes."""
    while len(rows[0].cells) > 1 and all(len(row.cells) > 1 and not row.cells[-1] for row in rows):
        rows = [_Row(row.line, row.cells[:-1]) for row in rows]
    return rows


def _table(rows: list[_Row]) -> np.ndarray:
    body = list(rows)
    while body and body[0].problem and _is_header(body[0]):
        body.pop(0)
    if not body:
        raise InputError("no line holds numbers only")
    header = rows[len(rows) - len(body) - 1] if len(body) < len(rows) else None
    bad = next((row.problem for row in body if row.problem), "")
    if bad:
        raise InputError(bad)
    _refuse_ragged(body)
    if header is None:
        _refuse_column_numbers(body)
    table = np.array([[_number(cell) for cell in row.cells] for row in body])
    _refuse_two_marks(body)
    numbered = header is not None and len(header.cells) == table.shape[1] > 1 and not header.cells[0]
    return table[:, 1:] if numbered and _counts(table[:, 0]) else table


def _is_header(row: _Row) -> bool:
    """Whether a line that is not all numbers is one of words; else it is a row with something wrong."""
    numbers = [_number(cell) for cell in row.cells if _NUMBER.match(cell)]
    if any(_COMPLEX.match(cell) for cell in row.cells):
        return False
    words = any(letter.isalpha() for cell in row.cells for letter in cell)
    return (words and 2 * len(numbers) <= len(row.cells)) or (not row.cells[0] and _counts(numbers))


def _refuse_ragged(rows: Sequence[_Row]) -> None:
    sizes = [len(row.cells) for row in rows]
    usual = max(set(sizes), key=sizes.count)
    odd = next((row for row in rows if len(row.cells) != usual), None)
    if odd is not None:
        raise InputError(f"line {odd.line} has {len(odd.cells)} numbers, others {usual}")


def _refuse_column_numbers(rows: Sequence[_Row]) -> None:
    first = [_number(cell) for cell in rows[0].cells]
    if len(rows) > 1 and len(first) >= _LEAST_COUNT and _counts(first):
        raise InputError(f"line {rows[0].line} counts {first[0]:g} ... {first[-1]:g}, as columns are; remove it")


def _refuse_two_marks(rows: Sequence[_Row]) -> None:
    """Refuse 1,234 beside 0.5: nobody knows whether the comma groups thousands."""
    cells = [cell for row in rows for cell in row.cells]
    comma = next((cell for cell in cells if "," in cell), "")
    point = next((cell for cell in cells if "." in cell), "")
    if comma and point:
        raise InputError(f"it has {comma!r} and {point!r}, a comma and a point; write decimals with one of them")


def _counts(numbers: Sequence[float] | np.ndarray) -> bool:
    """Whether numbers are 0, 1, 2, ... or 1, 2, 3, ..."""
    values = np.asarray(numbers, dtype=float)
    return values.size > 0 and values[0] in (0, 1) and bool(np.all(np.diff(values) == 1))


def _number(cell: str) -> float:
    return float(cell.replace(",", ".").lower().replace("d", "e"))
