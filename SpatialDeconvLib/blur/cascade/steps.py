"""Steps along one axis between grids, and what goes on outside of what was computed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays.threads import Crew, Scratch

Interval = tuple[int, int]  # grid indices lo ... hi - 1; index i of a grid of step f is at voxel f * i
# What to add up for one phase of an output: where it goes, how many there are, taps with the places they hold for.
Phase = tuple[slice, int, list[tuple[float, list[slice]]]]

_PART = 1 << 17  # voxels worked on at a time: small enough for the cache, large enough for a call


@dataclass(frozen=True, eq=False)
class Step:
    """y[r] = sum_c taps(out_step r - in_step c) x[c]: all that is ever done along an axis.

    One of the two grid steps is a multiple of the other: equal when filtering, `out_step` is the larger
    one when decimating, the smaller one when interpolating.
    """

    taps: np.ndarray
    out_step: int
    in_step: int

    @property
    def trivial(self) -> bool:
        return self.taps.size == 1 and self.out_step == self.in_step and self.taps[0] == 1.0

    @property
    def operations(self) -> float:
        """Passes through the output that `apply` makes."""
        if self.trivial:
            return 0.0
        used = np.count_nonzero(self.taps)
        return 1.5 * used if self.out_step >= self.in_step else 1 + 2 * used * self.out_step / self.in_step

    def transposed(self) -> Step:
        return Step(self.taps, self.in_step, self.out_step)  # the taps are symmetric

    def needs(self, rows: Interval) -> Interval:
        """The inputs that a range of outputs depends on."""
        radius = self.taps.size // 2
        low = -((radius - self.out_step * rows[0]) // self.in_step)
        high = (self.out_step * (rows[1] - 1) + radius) // self.in_step
        return low, high + 1

    def reaches(self, beyond: Beyond) -> Beyond:
        """How the output goes on outside, given how the input does."""
        radius = self.taps.size // 2
        low = (self.in_step * beyond.low - radius) // self.out_step
        high = -((-self.in_step * (beyond.high - 1) - radius) // self.out_step) + 1
        pattern = max(1, self.in_step * beyond.pattern // self.out_step)
        return Beyond(beyond.rule, low - (pattern - 1), high + (pattern - 1), pattern)

    def phases(self, rows: Interval, first: int) -> list[Phase]:
        """What to add up: per phase of the output, where it goes, how many there are, and the terms.

        A term is a tap and the one or two places of the input that it holds for; `first` is the grid index
        at which the input array begins.
        """
        stride = max(1, self.in_step // self.out_step)  # of the output
        jump = max(1, self.out_step // self.in_step)  # of the input from one output to the next
        radius, found = self.taps.size // 2, []
        for phase in range(min(stride, rows[1] - rows[0])):
            row = rows[0] + phase
            count = -((row - rows[1]) // stride)
            places: dict[float, list[slice]] = {}
            for c in range(*self.needs((row, row + 1))):
                tap = float(self.taps[radius + self.out_step * row - self.in_step * c])
                if tap:
                    start = c - first
                    places.setdefault(tap, []).append(slice(start, start + (count - 1) * jump + 1, jump))
            terms = [(tap, ends[n : n + 2]) for tap, ends in places.items() for n in range(0, len(ends), 2)]
            found.append((slice(phase, None, stride), count, terms))
        return found


@dataclass(frozen=True)
class Beyond:
    """How a level goes on outside of the grid indices low ... high - 1, along one axis.

    edge: the outermost `pattern` samples repeat themselves (more than one where a coarser grid was
    interpolated: equal neighbours then differ by their phase); zero: nothing; periodic: the whole range
    repeats itself; none: unknown, so the level must be computed as far as it is looked at.
    """

    rule: str
    low: int
    high: int
    pattern: int = 1

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """Indices inside that hold the same values; outside still where the values are zero."""
        if self.rule == "periodic":
            return self.low + (index - self.low) % (self.high - self.low)
        if self.rule == "edge":
            before = self.low + (index - self.low) % self.pattern
            after = self.high - self.pattern + (index - self.high) % self.pattern
            return np.where(index < self.low, before, np.where(index >= self.high, after, index))
        return index

    def held(self, needed: Interval) -> Interval:
        """What must be computed for a range to be known."""
        low, high = needed
        if self.rule == "none" or (self.low <= low and high <= self.high):
            return needed
        if self.rule == "periodic":
            return self.low, self.high
        start, stop = max(low, self.low), min(high, self.high)
        if low < self.low:
            stop = max(stop, self.low + self.pattern)
        if high > self.high:
            start = min(start, self.high - self.pattern)
        return start, stop


class LevelArray:
    """An array of a level, with the grid indices it holds and how it goes on outside, per axis.

    Outside of what it holds, an array of a part of an image is zero.
    """

    def __init__(self, values: np.ndarray, held: Sequence[Interval], beyond: Sequence[Beyond]):
        self.values, self.held, self.beyond = values, held, beyond


class Worker:
    """Applies steps to arrays, in parts that stay in the cache, with threads."""

    def __init__(self, workers: int | None = None):
        self._crew = Crew(workers)
        self._scratch = Scratch()

    def apply(self, steps: Sequence[Step], rows: Sequence[Interval], x: LevelArray) -> np.ndarray:
        """Apply one step per axis and return the grid indices in `rows`."""
        # Decimation starts with the first axis and interpolation ends with it: the last axis, of strided
        # access, gets the smallest arrays.
        order: Iterable[int] = range(len(steps))
        if any(step.out_step < step.in_step for step in steps):
            order = reversed(range(len(steps)))
        values = x.values
        for axis in order:
            values = self._along(values, axis, steps[axis], rows[axis], x.held[axis], x.beyond[axis])
        return values

    def _along(
        self, x: np.ndarray, axis: int, step: Step, rows: Interval, held: Interval, beyond: Beyond
    ) -> np.ndarray:
        x, first = _continued(x, axis, step.needs(rows), held, beyond)
        if step.trivial:
            kept = (*(slice(None),) * axis, slice(rows[0] - first, rows[1] - first))
            return x[kept]
        out = np.empty((*x.shape[:axis], rows[1] - rows[0], *x.shape[axis + 1 :]), x.dtype)
        size = max(1, _PART * len(out) // out.size)

        def work(start: int) -> None:
            part = slice(start, min(start + size, len(out)))
            if axis:
                self._part(x[part], out[part], axis, step.phases(rows, first))
            else:
                self._part(x, out[part], axis, step.phases((rows[0] + part.start, rows[0] + part.stop), first))

        self._crew(work, range(0, len(out), size))
        return out

    def _part(self, source: np.ndarray, target: np.ndarray, axis: int, phases: Sequence[Phase]) -> None:
        before = (slice(None),) * axis
        for place, count, terms in phases:
            shape = (*target.shape[:axis], count, *target.shape[axis + 1 :])
            direct = len(phases) == 1
            total = target if direct else self._scratch("total", shape, target.dtype)
            product = self._scratch("product", shape, target.dtype)
            for n, (tap, places) in enumerate(terms):
                goal = product if n else total
                first, *second = (source[part] for part in ((*before, place) for place in places))
                if second:
                    np.add(first, second[0], out=goal)
                    goal *= target.dtype.type(tap)
                else:
                    np.multiply(first, target.dtype.type(tap), out=goal)
                if n:
                    total += product
            if not terms:
                total[...] = 0
            if not direct:
                part = (*before, place)
                target[part] = total


def _continued(
    x: np.ndarray, axis: int, needed: Interval, held: Interval, beyond: Beyond
) -> tuple[np.ndarray, int]:
    """An array that holds all of a range along one axis, and the grid index at which it begins."""
    if held[0] <= needed[0] and needed[1] <= held[1]:
        return x, held[0]
    index = beyond(np.arange(*needed))
    zero = (index < held[0]) | (index >= held[1])
    x = x.take(index - held[0], axis=axis, mode="clip")
    if zero.any():
        np.moveaxis(x, axis, 0)[zero] = 0
    return x, needed[0]


def transposed(steps: Sequence[Step]) -> list[Step]:
    return [step.transposed() for step in steps]


def widest(parts: Sequence[Beyond]) -> Beyond:
    """How a sum goes on whose terms go on as `parts` do; patterns are powers of 2."""
    pattern = max(part.pattern for part in parts)
    low = min(part.low for part in parts) - (pattern - 1)
    high = max(part.high for part in parts) + (pattern - 1)
    return Beyond(parts[0].rule, low, high, pattern)
