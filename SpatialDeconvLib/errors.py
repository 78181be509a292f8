"""The exceptions the engine raises on purpose."""


class Cancelled(Exception):
    """The caller asked a run to stop; nothing was written and no input was changed."""

    def __init__(self, message: str = "cancelled"):
        super().__init__(message)


class InputError(ValueError):
    """Input that cannot be used. The message names the argument, its value and the remedy."""


class NotEnoughMemory(MemoryError):
    """A run that would not fit, refused before it starts. The message carries the estimate."""
