"""The parameters of a row of the kernel table, as text and back: its size, and the further fields of its kind.

A row keeps its size as it was typed, and all further parameters among its options, in the words of kernel sets.
What fields a kind has, what they are called and in which unit they are follows from the engine's registry.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np

from ..kernels.kinds import Kind, Parameter
from ..kernels.shapes import registry
from .model import _, translated

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"

#: More numbers than these are counted, not shown.
_FEW = 8


def numbersIn(text: str) -> list[float]:
    """Return the numbers in a text, whatever stands between them."""
    return [float(found) for found in re.findall(NUMBER, text)]


def withoutDecimalComma(cell: str) -> str:
    """Return a text of one number with a point: "1,5" is one number, "1,5,5" and "1, 5" are several."""
    return cell.replace(",", ".") if re.fullmatch(r"[-+]?\d*,\d+\D*", cell) else cell


def numberText(number: float) -> str:
    """Return a number as short as it can be without losing anything: 10, 0.5, 1e-07."""
    number = float(number)
    return str(int(number)) if number == round(number) and abs(number) < 1e15 else repr(number)


def valuesText(values: Any) -> str:
    """Return a number, or several, as text; a text as it is."""
    if isinstance(values, str):
        return values
    return ", ".join(numberText(v) for v in np.atleast_1d(np.asarray(values, dtype=float)))


def optionsOf(row: Any) -> dict[str, Any]:
    """Return the further words of a row's kernel-set entry."""
    return json.loads(row.options) if row.options else {}


def optionsText(parameters: dict[str, Any]) -> str:
    """Return further words as a row keeps them."""
    return json.dumps(parameters, sort_keys=True) if parameters else ""


# ------------------------------------------------------------------------------------------------ fields


def fieldsOf(kind: str) -> tuple[Parameter, ...]:
    """Return the parameters of a kind that have a field of their own beside its size."""
    known = registry.KINDS.get(kind)
    return tuple(p for p in known.parameters[1:] if p.label) if known else ()


def allFields() -> dict[str, Parameter]:
    """Return the fields of all kinds by the names of their parameters, in an order that is right for every kind."""
    found: dict[str, tuple[int, Parameter]] = {}
    for kind in registry.KINDS:
        for place, parameter in enumerate(fieldsOf(kind)):  # as late as in the kind that has it last
            found[parameter.name] = max(place, found.get(parameter.name, (0,))[0]), parameter
    return {name: parameter for name, (_place, parameter) in sorted(found.items(), key=lambda item: item[1][0])}


def fieldLabel(parameter: Parameter) -> str:
    """Return what stands before a field."""
    return translated(parameter.label)


def fieldToolTip(parameter: Parameter) -> str:
    """Return what a field is, and how many numbers it takes."""
    text = translated(parameter.meaning)
    several = {"axes": _("one number, or one for each axis of the volume"), "list": _("several numbers")}
    words = [text[:1].upper() + text[1:], *filter(None, [several.get(parameter.count)])]
    return "; ".join(words) + "."


def fieldHint(parameter: Parameter) -> str:
    """Return what an empty field says: what is taken."""
    return "" if parameter.default is None else numberText(parameter.default)


def fieldText(row: Any, name: str) -> str:
    """Return what a row says of a field; "" when it says nothing."""
    given = optionsOf(row).get(name)
    return "" if given is None else valuesText(given)


def rowWithField(row: Any, name: str, text: str) -> Any:
    """Return a row with a field as typed; "" leaves its parameter out.

    What it is given instead of goes: of sigma and full width at half maximum there is one. A text without any
    number is kept, so that it can be corrected.
    """
    parameter = next((p for p in fieldsOf(row.kind) if p.name == name), None)
    if parameter is None:
        return row
    further = {word: value for word, value in optionsOf(row).items() if word != name}
    size = registry.KINDS[row.kind].parameters[0].name
    if text.strip():
        further = {word: value for word, value in further.items() if word not in _instead(row.kind, size)}
        further[name] = _typed(parameter, text)
        row = replace(row, size="") if parameter.instead_of == size else row
    return replace(row, options=optionsText(further))


def _typed(parameter: Parameter, text: str) -> Any:
    numbers = numbersIn(text if parameter.count == "list" else withoutDecimalComma(text.strip()))
    if not numbers:
        return text.strip()
    return numbers[0] if len(numbers) == 1 and parameter.count != "list" else numbers


def rowWithSize(row: Any, text: str) -> Any:
    """Return a row with its size as typed, and without what was given instead of a size."""
    kind = registry.KINDS.get(row.kind)
    others = _instead(row.kind, kind.parameters[0].name) if kind and kind.parameters and text.strip() else set()
    further = {word: value for word, value in optionsOf(row).items() if word not in others}
    return replace(row, size=text.strip(), options=optionsText(further))


def _instead(kind: str, name: str) -> set[str]:
    """The parameters of a kind that are given instead of one."""
    return {p.name for p in registry.KINDS[kind].parameters if p.instead_of == name}


def isSizedOtherwise(row: Any) -> bool:
    """Return whether a row without a size says it in another way."""
    kind = registry.KINDS.get(row.kind)
    return bool(kind and kind.parameters and _instead(row.kind, kind.parameters[0].name) & set(optionsOf(row)))


def startOptions(kind: str) -> str:
    """Return the further words that a kernel of a kind begins with."""
    start = registry.KINDS[kind].start if kind in registry.KINDS else {}
    return optionsText({p.name: start[p.name] for p in fieldsOf(kind) if p.name in start})


# ------------------------------------------------------------------------------------- the cell of a table


def parametersText(row: Any, kind: Kind) -> str:
    """Return the size of a row and its further fields in words: "NA 1.4, wavelength 550 nm"."""
    parts = [_words(kind.size, row.size)] if row.size.strip() else []
    parts += [_words(p, fieldText(row, p.name)) for p in fieldsOf(row.kind) if p.name in optionsOf(row)]
    return ", ".join(parts) or row.size


def _words(parameter: Parameter, text: str) -> str:
    numbers = numbersIn(text)
    if not numbers:
        return text
    if len(numbers) > _FEW:
        text = _("({count} numbers)").format(count=len(numbers))
    return f"{translated(parameter.word)} {text} {parameter.unit}".strip()


def rowWithWords(row: Any, text: str, kind: Kind) -> Any:
    """Return a row with what a text says of its size and fields, each after its own word; the size needs none."""
    found = {translated(p.word).lower(): p for p in (kind.size, *fieldsOf(row.kind))}
    words = "|".join(re.escape(word) for word in sorted(found, key=len, reverse=True))
    pieces = re.split(rf"(?<!\w)({words})(?!\w)", text, flags=re.IGNORECASE)
    said = {} if not numbersIn(pieces[0]) else {kind.size.name: pieces[0]}
    said |= {found[word.lower()].name: after for word, after in zip(pieces[1::2], pieces[2::2], strict=True)}
    for name, part in said.items():
        numbers = numbersIn(part)
        if "(" in part or not numbers:  # counted, not shown
            continue
        typed = valuesText(numbers)
        row = rowWithSize(row, typed) if name == kind.size.name else rowWithField(row, name, typed)
    return row
