"""Progress and cancellation of a run, as one object that travels through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from .errors import Cancelled

#: What callers give: told the share of the work that is done, 0 ... 1, and what is being done.
Progress = Callable[[float, str], object]
#: What callers give: asked whether to stop.
IsCancelled = Callable[[], bool]

Item = TypeVar("Item")


class Watch:
    """Tells how far a piece of work is, and stops it when that is asked for.

    A function takes a `Watch` for its own work, whatever that is a part of, and gives parts of it on:

    >>> told = []
    >>> watch = Watch(lambda fraction, text: told.append((fraction, text)))
    >>> first, second = watch.part(0.0, 0.5), watch.part(0.5, 1.0)
    >>> first.step(1.0, "filtered")
    >>> second.step(0.5, "blended")
    >>> told
    [(0.5, 'filtered'), (0.75, 'blended')]

    Fractions never fall, and never exceed 1: work that is done again, or takes longer than foreseen, stands still.

    Parameters
    ----------
    progress : callable (fraction, text), optional
    cancelled : callable () -> bool, optional
    """

    def __init__(self, progress: Progress | None = None, cancelled: IsCancelled | None = None):
        self._progress, self._cancelled = progress, cancelled
        self._told = 0.0

    def check(self) -> None:
        """Raise `Cancelled` when asked to stop. For threads and inner loops: cheap, and it tells nothing."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled

    def step(self, fraction: float, text: str = "") -> None:
        """Stop when asked to; tell that so much of this work is done."""
        self.check()
        self._tell(fraction, text)

    def quiet(self) -> Watch:
        """Return a watch that stops what this one stops, and tells nothing."""
        return Watch(None, self._cancelled)

    def part(self, start: float, stop: float, text: str = "") -> Watch:
        """Return the watch for what lies between two fractions of this work; `text` follows what it tells."""
        if self._progress is None:
            return self.quiet()
        after = f": {text}" if text else ""
        span = stop - start
        # Through this watch, so that what several parts tell never falls.
        return Watch(lambda fraction, what: self._tell(start + fraction * span, what + after), self._cancelled)

    def parts(self, items: Iterable[Item], text: str = "") -> Iterator[tuple[Item, Watch]]:
        """Yield every item with a watch of its own, of equal shares; ``text`` is what an item is called.

        What an item tells is followed by ": text n of count".
        """
        items = items if isinstance(items, Sized) else list(items)
        count = len(items)  # type: ignore[arg-type]
        for number, item in enumerate(items):
            name = f"{text} {number + 1} of {count}" if text else ""
            yield item, self.part(number / count, (number + 1) / count, name)

    def _tell(self, fraction: float, text: str) -> None:
        if self._progress is not None:
            self._told = max(self._told, min(fraction, 1.0))
            self._progress(self._told, text)


#: Neither told nor stopped.
UNWATCHED = Watch()
