"""What is printed never decides whether a run succeeds: streams that take what they can."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any


def open_standard_descriptors() -> None:
    """Open those of standard input, output and error that are closed, on nothing.

    Else the next file that is opened, perhaps an output, takes their number, and what C and C++ print goes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


class Shown:
    """A stream that passes on to others; characters that one cannot hold are escaped, what it refuses is left out.

    Parameters
    ----------
    *streams : file-like or None
        The first one is what is shown; it is a terminal only when it is alone.
    """

    def __init__(self, *streams: Any):
        self._shown = streams[0]
        self._alone = len(streams) == 1
        self._streams = [stream for stream in streams if stream is not None]

    def write(self, text: str) -> int:
        for stream in list(self._streams):
            self._try(stream, lambda stream=stream: _write(stream, text))
        return len(text)

    def flush(self) -> None:
        for stream in list(self._streams):
            self._try(stream, stream.flush)

    def isatty(self) -> bool:
        return self._alone and bool(self._streams) and bool(getattr(self._shown, "isatty", bool)())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)

    def _try(self, stream: Any, function: Any) -> None:
        try:
            function()
        except (OSError, ValueError):  # full, or closed: on either side of it
            self._streams.remove(stream)
            _let_go(stream)


def _write(stream: Any, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = getattr(stream, "encoding", None) or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _let_go(stream: Any) -> None:
    """Lead what a standard stream still holds to nothing, or Python fails when it writes that at its end."""
    if stream is not sys.__stdout__ and stream is not sys.__stderr__:
        return
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)


@contextlib.contextmanager
def shown_with(log: Any = None) -> Iterator[None]:
    """Print within the block as far as that is possible, and into a log as well."""
    before = sys.stdout, sys.stderr
    own = [Shown(stream) if log is None else Shown(stream, log) for stream in before]
    sys.stdout, sys.stderr = own
    try:
        yield
    finally:
        for stream in own:
            stream.flush()
        sys.stdout, sys.stderr = before
