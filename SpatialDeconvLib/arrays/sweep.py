"""Passes over whole images, some planes at a time, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .boxes import slabs
from .inner import dot
from .threads import Crew

_VOXELS = 1 << 18  # of a slab: with fewer, threads wait for each other

#: Calls work on every item, possibly in threads (`threads.Crew`).
Run = Callable[[Callable[[Any], object], Sequence[Any]], object]


class Sweep:
    """Passes over images of one shape: what is done to a slab of planes in one pass stays in the processor's cache.

    Slabs do not depend on the number of threads and sums are taken in their order, so neither do results.

    Parameters
    ----------
    shape : tuple of int
    run : callable (work, items), optional
        Calls `work` on every item, possibly in threads; by default one after the other.
    """

    def __init__(self, shape: Sequence[int], run: Run | None = None):
        self._run = Crew(1) if run is None else run
        self._slabs = list(slabs(tuple(shape), _VOXELS))

    def __call__(self, work: Callable[[slice], object]) -> None:
        """Call `work` on every slab."""
        self._run(work, self._slabs)

    def sums(self, work: Callable[[slice], Sequence[float]]) -> list[float]:
        """Call `work` on every slab and return the sums, over the slabs, of the numbers that it returns."""
        found: dict[int, Sequence[float]] = {}

        def keep(slab: slice) -> None:
            found[slab.start] = work(slab)

        self._run(keep, self._slabs)
        return [float(sum(numbers)) for numbers in zip(*(found[slab.start] for slab in self._slabs), strict=True)]

    def dot(self, a: np.ndarray, b: np.ndarray, before: Callable[[slice], object] | None = None) -> float:
        """Return sum_i a_i b_i; `before` is called on a slab before its products are summed."""

        def work(slab: slice) -> tuple[float]:
            if before is not None:
                before(slab)
            return (dot(a[slab], b[slab]),)

        return self.sums(work)[0]
