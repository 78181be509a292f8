"""The exceptions the engine raises on purpose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .texts import joined

if TYPE_CHECKING:
    from typing_extensions import Self


class Cancelled(Exception):
    """The caller asked a run to stop; nothing was written and no input was changed."""

    def __init__(self, message: str = "cancelled"):
        super().__init__(message)


# Of a message, in characters: longer ones quote what somebody wrote, and are as well understood without its middle.
_LONGEST = 700
_LARGEST = 1e150  # a number whose square is one, too


def shortened(text: str) -> str:
    """Return a message without the middle of what it quotes, where it is very long."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 3 :]}"


class _Curable(Exception):
    """An error that an argument may cure.

    Parameters
    ----------
    text : str
        What is wrong, with which value, and what to do, in words that hold for every way in.
    option : str, optional
        The argument that it is about, as the engine calls it; default the first of `cure`.
    **cure
        Arguments, each with the value that would help. Every way in has its own words for them: see `said`.
    """

    def __init__(self, text: str, option: str | None = None, **cure: Any):
        self.text, self.cure = shortened(text), cure
        self.option = option or next(iter(cure), None)
        super().__init__(self.said(lambda name, value: f"{name}={value!r}", "set "))

    def said(self, word: Callable[[str, Any], str], lead: str = "") -> str:
        """Return the message with the cure in the words of a way in: ``word(option, value)``."""
        cures = " or ".join(filter(None, (word(name, value) for name, value in self.cure.items())))
        return f"{self.text} ({lead}{cures})" if cures else self.text

    def within(self, what: str) -> Self:
        """Return the same error with what it is about in front: a frame, a channel."""
        return type(self)(joined(": ", (what, self.text)), self.option, **self.cure)

    def __reduce__(self) -> tuple:
        return _made_again, (type(self), self.text, self.option, self.cure)


def _made_again(kind: type[_Curable], text: str, option: str | None, cure: dict[str, Any]) -> _Curable:
    return kind(text, option, **cure)


class InputError(_Curable, ValueError):
    """Input that cannot be used. The message names the argument, its value and the remedy."""


class NotEnoughMemory(_Curable, MemoryError):
    """A run that would not fit, refused before it starts. The message carries the estimate."""


def check_choice(value: object, allowed: Iterable[str], name: str) -> None:
    """Raise InputError, with the choices there are, when `value` is none of `allowed`."""
    choices = tuple(allowed)
    if value not in choices:
        raise InputError(f"{name} {value!r} is unknown; choose one of {', '.join(choices)}", name)


def check_squarable(largest: float, what: str, option: str | None = None) -> None:
    """Raise InputError when no number holds the square of `largest`, the largest magnitude of values."""
    if largest > _LARGEST:
        raise InputError(
            f"{what} {largest:.3g}, beyond {_LARGEST:g}: scale it (no number holds its square)", option
        )


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
        raise InputError(f"{name} {value!r} must be {meaning}", name) from error
    if not math.isfinite(number) or (minimum is not None and number < minimum):
        bound = "" if minimum is None else " and not negative" if minimum == 0 else f" and at least {minimum:g}"
        raise InputError(f"{name} {value!r} must be finite{bound}", name)
    return number
