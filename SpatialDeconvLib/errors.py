"""The exceptions the engine raises on purpose."""

from collections.abc import Iterable


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
