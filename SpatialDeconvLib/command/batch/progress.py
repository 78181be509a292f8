"""What a batch shows while it runs: a line for every case, and the total."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import Any

from ..arguments import printable

_REDRAW_EVERY = 0.1


class BatchProgress:
    """On a terminal a bar for each case that runs and one for the total, below the lines of those that ended;
    elsewhere one line when a case ends. On the standard error stream.

    Parameters
    ----------
    total : int
        Number of cases.
    quiet : bool
        Show nothing but what `note` is given.
    stream : file, optional
    """

    def __init__(self, total: int, quiet: bool = False, stream: Any = None):
        self._stream = stream or sys.stderr
        self._total, self._quiet = total, quiet
        isatty = getattr(self._stream, "isatty", None)
        self._terminal = bool(not quiet and isatty and isatty())
        if self._terminal and os.name == "nt":
            os.system("")  # makes the console understand the codes that move the cursor
        self._started = time.monotonic()
        self._ended = self._ran = 0
        self._running: dict[int, tuple[str, float, str]] = {}
        self._lines = 0
        self._drawn = 0.0

    def progress(self, number: int, name: str, fraction: float, text: str) -> None:
        """A case is at `fraction` of its way."""
        self._running[number] = (printable(name), fraction, printable(text))
        if self._terminal and time.monotonic() - self._drawn > _REDRAW_EVERY:
            self._draw()

    def ended(self, number: int, text: str, ran: bool = True) -> None:
        """A case has ended, or needed not to run."""
        self._running.pop(number, None)
        self._ended += 1
        self._ran += ran
        width = len(str(self._total))
        if not self._quiet:
            self._above(f"[{self._ended:{width}}/{self._total}] {text}{'' if self._terminal else self._left()}")

    def paused(self, number: int) -> None:
        """A case does not run any more, and will again."""
        self._running.pop(number, None)

    def note(self, text: str) -> None:
        """Show a line in any case."""
        self._above(text)

    def close(self) -> None:
        """Take the bars away."""
        self._clear()
        self._stream.flush()

    def _above(self, text: str) -> None:
        self._clear()
        self._stream.write(f"{printable(text)}\n")
        if self._terminal and self._ended < self._total:
            self._draw()
        self._stream.flush()

    def _clear(self) -> None:
        if self._lines:
            self._stream.write(f"\x1b[{self._lines}F\x1b[J")
            self._lines = 0

    def _draw(self) -> None:
        self._clear()
        width = shutil.get_terminal_size().columns - 1
        longest = max((len(name) for name, _, _ in self._running.values()), default=5)
        name_width = min(max(longest, 5), 24)
        lines = [
            _bar(name[:name_width].ljust(name_width), fraction, text)
            for _, (name, fraction, text) in sorted(self._running.items())
        ]
        share = (self._ended + sum(fraction for _, fraction, _ in self._running.values())) / max(self._total, 1)
        total = _bar("total".ljust(name_width), share, f"{self._ended} of {self._total}{self._left()}")
        self._stream.write("".join(f"{line[:width]}\n" for line in [*lines, total]))
        self._lines = len(lines) + 1
        self._drawn = time.monotonic()
        self._stream.flush()

    def _left(self) -> str:
        """How long it will still take, from those that really ran."""
        done = self._ran + sum(fraction for _, fraction, _ in self._running.values())
        rest = self._total - self._ended - sum(fraction for _, fraction, _ in self._running.values())
        if done < 0.5 or rest <= 0:
            return ""
        seconds = (time.monotonic() - self._started) / done * rest
        minutes = seconds / 60
        return f", about {seconds:.0f} s left" if seconds < 100 else f", about {minutes:.0f} min left"


def _bar(name: str, fraction: float, text: str) -> str:
    filled = int(min(max(fraction, 0), 1) * 20)
    return f"{name} [{'#' * filled}{'.' * (20 - filled)}] {fraction:4.0%} {text}"
