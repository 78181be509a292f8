"""Progress on a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any


class ProgressBar:
    """A bar with the remaining time on a terminal, a line for every tenth elsewhere; on stderr.

    As a context it leaves the bar's line at the end.
    """

    def __init__(self, quiet: bool = False, stream: Any = None):
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._terminal = getattr(self._stream, "isatty", bool)()  # an application may have put streams of its own
        self._started = time.monotonic()
        self._shown = -1

    def __call__(self, fraction: float, text: str) -> None:
        step = int(fraction * (100 if self._terminal else 10))
        if self._quiet or (step == self._shown and fraction < 1):
            return
        self._shown = step
        if self._terminal:
            filled = int(fraction * 30)
            elapsed = time.monotonic() - self._started
            left = f"{elapsed / fraction * (1 - fraction):4.0f} s left" if fraction > 0.01 else ""
            bar = "#" * filled + "." * (30 - filled)
            self._stream.write(f"\r[{bar}] {fraction:4.0%} {left} {text[:40]:<40}")
        else:
            self._stream.write(f"{fraction:4.0%} {text}\n")
        self._stream.flush()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar's line."""
        if self._terminal and self._shown >= 0 and not self._quiet:
            self._stream.write("\n")
