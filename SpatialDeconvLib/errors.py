"""The exceptions the engine raises on purpose."""

import math
from collections.abc import Iterable
from typing import Any


class Cancelled(Exception):
    """The caller asked a run to stop; nothing was written and no input was changed."""

    def __init__(self, message: str = "cancelled"):
        super().__init__(message)


class InputError(ValueError):
    """Input that cannot be used. The message names the argument, its value and the remedy."""


class NotEnoughMemory(MemoryError):
    """A run that would not fit, refused before it starts. The message carries the estimate."""


def check_choice(value: object, allowed: Iterable[str], name: str) -> None:
    """Raise InputError, with the choices there are, when `value` is none of `allowed`."""
    choices = tuple(allowed)
    if value not in choices:
        raise InputError(f"{name} {value!r} is unknown; choose one of {', '.join(choices)}")


def is_auto(value: Any) -> bool:
    """Return whether an argument asks for its automatic value; arrays and numbers do not."""
    return isinstance(value, str) and value == "auto"


def check_number(value: Any, name: str, minimum: float | None = None, meaning: str = "a number") -> float:
    """Return `value` as a finite float, or raise InputError.

    Parameters
    ----------
    value : number, or anything `float` takes
    name : str
        What the message calls the argument.
    minimum : float, optional
        The least value that is allowed.
    meaning : str
        What the argument has to be, for the message: "a number or 'auto'", "a standard deviation ...".
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name} {value!r} must be {meaning}") from error
    if not math.isfinite(number) or (minimum is not None and number < minimum):
        bound = "" if minimum is None else " and not negative" if minimum == 0 else f" and at least {minimum:g}"
        raise InputError(f"{name} {value!r} must be finite{bound}")
    return number
