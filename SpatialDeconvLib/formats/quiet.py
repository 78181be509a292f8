"""What readers and writers print on the standard error stream, kept from the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator


class CapturedText:
    """What was printed inside a block; `text` is filled when the block ends."""

    text = ""


@contextlib.contextmanager
def standard_error_captured() -> Iterator[CapturedText]:
    """Redirect the standard error stream of the whole process, of C and C++ too, and restore it whatever happens.

    Outside the main thread nothing is redirected, so that what others print is not lost.
    """
    captured = CapturedText()
    if threading.current_thread() is not threading.main_thread():
        yield captured
        return
    with tempfile.TemporaryFile() as sink:
        try:
            with _standard_error_into(sink.fileno()):
                yield captured
        finally:
            sink.seek(0)
            captured.text = sink.read().decode(errors="replace")


@contextlib.contextmanager
def _standard_error_into(descriptor: int) -> Iterator[None]:
    try:
        saved = os.dup(2)
    except OSError:  # a windowed program on Windows may have no standard error at all
        yield
        return
    try:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os.dup2(descriptor, 2)
        yield
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
