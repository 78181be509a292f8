"""Progress and cancellation of a run, as one object that travels through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from ..errors import Cancelled
from ..texts import joined
from ..texts import mark as _

#: What callers give: told the share of the work that is done, 0 ... 1, and what is being done.
Progress = Callable[[float, str], object]
#: What callers give: asked whether to stop.
IsCancelled = Callable[[], bool]

Item = TypeVar("Item")


class Watch:
    """Tells how far a piece of work is, and stops it when that is asked for.

    A function takes a `Watch` for its own work, whatever that is a part of, and gives parts of it on. Public
    functions take two callables instead, ``progress=`` and ``cancelled=``, and make a watch of them; whoever has a
    watch calls such a function with ``progress=watch.tell, cancelled=watch.cancelled``.

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

    def cancelled(self) -> bool:
        """Whether to stop."""
        return self._cancelled is not None and bool(self._cancelled())

    def check(self) -> None:
        """Raise `Cancelled` when asked to stop. For inner loops: cheap, and it tells nothing."""
        if self.cancelled():
            raise Cancelled

    def step(self, fraction: float, text: str = "") -> None:
        """Stop when asked to; tell that so much of this work is done."""
        self.check()
        self.tell(fraction, text)

    def tell(self, fraction: float, text: str = "") -> None:
        """Tell that so much of this work is done, whether or not to stop."""
        if self._progress is not None:
            self._told = max(self._told, min(fraction, 1.0))
            self._progress(self._told, text)

    def quiet(self) -> Watch:
        """Return a watch that tells nothing and stops as this one does: for steps that are told as a whole."""
        return Watch(None, self._cancelled)

    def part(self, start: float, stop: float, text: str = "") -> Watch:
        """Return the watch for what lies between two fractions of this work; `text` follows what it tells."""
        if self._progress is None:
            return self.quiet()
        span = stop - start

        def tell(fraction: float, what: str) -> None:
            # Through this watch, so that what several parts tell never falls.
            self.tell(start + fraction * span, _joined(what, text))

        return Watch(tell, self._cancelled)

    def parts(
        self, items: Iterable[Item], text: str = "", work: Sequence[float] | None = None
    ) -> Iterator[tuple[Item, Watch]]:
        """Yield every item with a watch of its own; ``text`` is what an item is called.

        What an item tells is followed by ": text n of count", and stands alone as that when it says nothing. The
        items share the work equally, or as `work` says, one number for each.
        """
        items = list(items)
        work = [1.0] * len(items) if work is None else work
        total, done = sum(work), 0.0
        for number, (item, share) in enumerate(zip(items, work, strict=True)):
            named = _("{what} {number} of {count}").format(what=text, number=number + 1, count=len(items))
            name = named if text else ""
            yield item, self.part(done / total, (done + share) / total, name)
            done += share

    def under(self, heading: str) -> Watch:
        """Return a watch for this work whose texts come after a heading: "heading: text"."""
        if self._progress is None:
            return self.quiet()
        return Watch(lambda fraction, text: self.tell(fraction, _joined(heading, text)), self._cancelled)


def _joined(*texts: str) -> str:
    return joined(": ", filter(None, texts))


#: Neither told nor stopped.
UNWATCHED = Watch()
