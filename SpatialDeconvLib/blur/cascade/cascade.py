"""A field of Gaussians through the levels of a plan, in both models."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...arrays.boxes import Box
from ...arrays.watch import UNWATCHED, Watch
from ...errors import InputError, check_choice
from ...filters.padding import NUMPY_MODES
from ...kernels.field import BoundField
from ...methods.choices import FIXED_BOUNDARIES, MODELS
from .levels import ROOT, Level, cost_of, cost_of_fft, increment_steps, interpolation_steps, plan
from .steps import Beyond, Interval, LevelArray, Worker, transposed, widest
from .taps import profiles_of


class Cascade:
    """A bound kernel field whose Gaussians go through a cascade.

    Parameters
    ----------
    bound : BoundField
    boundary : {"edge", "zero", "periodic"}
        How the direct definition extends the image (detector) or w_k x (source).
    tolerance : float
        Largest error accepted, as a share of max|x|; see `error_bound`.
    model : {"detector", "source"}
        The model that the tolerance is for. Detector: no voxel mixes kernels but by weights that sum to 1,
        so every level may take the whole tolerance. Source: a voxel receives from all kernels, so their
        bounds add up, and each may take a share only.

    Attributes
    ----------
    levels : tuple of Level
    possible : bool
        Whether a kernel is separable and can go through it.
    error_bound, source_error_bound : float
        |detector(x) - direct| <= error_bound max|x|; |source(x) - direct| <= source_error_bound max|x|.
    worthwhile : bool
        Whether it is expected to be faster than FFTs of every kernel.

    Raises
    ------
    InputError
        If the boundary or the model is unknown, or the tolerance is not positive.
    """

    def __init__(self, bound: BoundField, boundary: str = "edge", tolerance: float = 1e-3, model: str = "detector"):
        check_choice(boundary, FIXED_BOUNDARIES, "boundary")
        check_choice(model, MODELS, "model")
        self.bound, self.boundary = bound, boundary
        self._worker = Worker()
        kernels = [bound.kernel(k) for k in range(len(bound))]
        share = tolerance
        self.levels = plan(kernels, tolerance=share, shape=bound.shape)
        while model == "source" and self.source_error_bound > tolerance:
            share *= 0.6
            self.levels = plan(kernels, tolerance=share, shape=bound.shape)
        self._children = {
            p: [n for n, level in enumerate(self.levels) if level.separable and level.parent == p]
            for p in range(ROOT, len(self.levels))
        }

    @property
    def possible(self) -> bool:
        return any(profiles_of(self.bound.kernel(k).values) is not None for k in range(len(self.bound)))

    @property
    def error_bound(self) -> float:
        return max(level.bound for level in self.levels)

    @property
    def source_error_bound(self) -> float:
        return sum(level.bound for level in self.levels)

    @property
    def worthwhile(self) -> bool:
        cost = sum(cost_of(level, self.bound.shape) for level in self.levels)
        return cost < (len(self.levels) + 1) * cost_of_fft(math.prod(self.bound.shape))

    def detector(self, x: np.ndarray, watch: Watch | None = None) -> np.ndarray:
        """Return sum_k w_k (h_k * x), float32 (float64 for float64 images).

        Raises
        ------
        Cancelled
            If `watch` says so; it is asked at every kernel.
        """
        x = self._checked(x)
        y = np.zeros_like(x)
        boxes = [self.bound.support(level.kernel, x.dtype) for level in self.levels]
        beyond = self._beyond_detector()
        held = self._held_detector(boxes, beyond)
        whole = [(0, n) for n in x.shape]
        states = {ROOT: LevelArray(x, whole, beyond[ROOT])}
        for n, level in enumerate(self.levels):
            self._step(watch, n)
            rows, box = held[n], boxes[n]
            if level.separable and rows is not None:
                values = self._worker.apply(increment_steps(level), rows, states[level.parent])
                states[n] = LevelArray(values, rows, beyond[n])
            if box is not None:
                if level.separable:
                    filtered = self._worker.apply(interpolation_steps(level), _ends(box), states[n])
                else:
                    filtered = self._by_fft(x, level.kernel)[box]
                y[box] += self.bound.weight(level.kernel, x.dtype)[box] * filtered
            for done in [p for p in states if p != ROOT and max(self._children[p], default=p) <= n]:
                del states[done]  # nothing else is filtered from it
        self._step(watch, len(self.levels))
        return y

    def source(self, x: np.ndarray, watch: Watch | None = None) -> np.ndarray:
        """Return sum_k h_k * (w_k x), float32 (float64 for float64 images).

        Raises
        ------
        Cancelled
            If `watch` says so; it is asked at every kernel.
        """
        x = self._checked(x)
        beyond = self._beyond_source()
        held = self._held_source(beyond)
        rule = [Beyond(self.boundary, 0, n) for n in x.shape]
        sums: dict[int, np.ndarray] = {ROOT: np.zeros_like(x)}
        for done, n in enumerate(reversed(range(len(self.levels)))):
            level = self.levels[n]
            self._step(watch, done)
            box = self.bound.support(level.kernel, x.dtype)
            if not level.separable:
                if box is not None:
                    whole = np.zeros_like(x)
                    whole[box] = self._weighted(x, level, box)
                    sums[ROOT] += self._by_fft(whole, level.kernel)
                continue
            increments = transposed(increment_steps(level))
            total = sums.pop(n, None)
            if box is not None:
                weighted = LevelArray(self._weighted(x, level, box), _ends(box), rule)
                if total is None and not level.interpolated:
                    _add(sums, level.parent, self._worker.apply(increments, held[level.parent], weighted))
                    continue
                own = self._worker.apply(transposed(interpolation_steps(level)), held[n], weighted)
                total = own if total is None else np.add(total, own, out=total)
            if total is not None:
                array = LevelArray(total, held[n], beyond[n])
                _add(sums, level.parent, self._worker.apply(increments, held[level.parent], array))
        self._step(watch, len(self.levels))
        return sums[ROOT]

    # -- what the two have in common

    def _weighted(self, x: np.ndarray, level: Level, box: Box) -> np.ndarray:
        return self.bound.weight(level.kernel, x.dtype)[box] * x[box]

    def _checked(self, x: np.ndarray) -> np.ndarray:
        if x.shape != self.bound.shape:
            raise InputError(f"the image has shape {x.shape}, the kernel field {self.bound.shape}; bind it anew")
        return np.asarray(x, np.float64 if x.dtype == np.float64 else np.float32)

    def _step(self, watch: Watch | None, done: int) -> None:
        count = len(self.levels)
        text = f"Cascade: kernel {done + 1} of {count}" if done < count else "Cascade"
        (watch or UNWATCHED).step(done / count, text)

    def _beyond_detector(self) -> dict[int, list[Beyond]]:
        """How the levels go on outside: a level is as its parent is, from one radius further out on."""
        beyond = {ROOT: [Beyond(self.boundary, 0, n) for n in self.bound.shape]}
        for n, level in enumerate(self.levels):
            if level.separable:
                reached = [d.reaches(b) for d, b in zip(increment_steps(level), beyond[level.parent], strict=True)]
                beyond[n] = self._periods(level, reached)
        return beyond

    def _beyond_source(self) -> dict[int, list[Beyond]]:
        """How the sums go on outside: from where all that is added to them has come to repeat itself."""
        image = [Beyond(self.boundary, 0, n) for n in self.bound.shape]
        beyond: dict[int, list[Beyond]] = {}
        for n in reversed(range(len(self.levels))):
            level = self.levels[n]
            if level.separable:
                added = [[u.reaches(b) for u, b in zip(transposed(interpolation_steps(level)), image, strict=True)]]
                for child in self._children[n]:
                    steps = transposed(increment_steps(self.levels[child]))
                    added.append([d.reaches(b) for d, b in zip(steps, beyond[child], strict=True)])
                beyond[n] = self._periods(level, [widest(part) for part in zip(*added, strict=True)])
        return beyond

    def _periods(self, level: Level, reached: Sequence[Beyond]) -> list[Beyond]:
        """A level of a periodic image repeats itself on its grid only when the period is a multiple of the step."""
        if self.boundary != "periodic":
            return list(reached)
        return [
            Beyond("none" if n % (step * r.pattern) else "periodic", 0, n // step, r.pattern)
            for n, step, r in zip(self.bound.shape, level.steps, reached, strict=True)
        ]

    def _held_detector(
        self, boxes: Sequence[Box | None], beyond: dict[int, list[Beyond]]
    ) -> dict[int, list[Interval] | None]:
        """Per level, the part of its grid to compute: what outputs and later levels look at."""
        held: dict[int, list[Interval] | None] = {}
        for n in reversed(range(len(self.levels))):
            level, box, looks = self.levels[n], boxes[n], []
            if level.separable and box is not None:
                steps = interpolation_steps(level)
                looks.append([u.needs(rows) for u, rows in zip(steps, _ends(box), strict=True)])
            for child in self._children[n]:
                kept = held[child]
                if kept is not None:
                    steps = increment_steps(self.levels[child])
                    looks.append([d.needs(rows) for d, rows in zip(steps, kept, strict=True)])
            held[n] = None
            if looks:
                hulls = [(min(a for a, _ in look), max(b for _, b in look)) for look in zip(*looks, strict=True)]
                held[n] = [b.held(hull) for b, hull in zip(beyond[n], hulls, strict=True)]
        return held

    def _held_source(self, beyond: dict[int, list[Beyond]]) -> dict[int, list[Interval]]:
        """Per level, the part of its grid to sum up: what reaches the image."""
        held: dict[int, list[Interval]] = {ROOT: [(0, n) for n in self.bound.shape]}
        for n, level in enumerate(self.levels):
            if level.separable:
                steps = transposed(increment_steps(level))
                looks = [d.needs(rows) for d, rows in zip(steps, held[level.parent], strict=True)]
                held[n] = [b.held(look) for b, look in zip(beyond[n], looks, strict=True)]
        return held

    def _by_fft(self, x: np.ndarray, k: int) -> np.ndarray:
        values = self.bound.kernel(k).values.astype(x.dtype)
        # y[i] = sum_d h[d] x[i - d] with -(n // 2) <= d.
        width = [(n - 1 - n // 2, n // 2) for n in values.shape]
        padded = np.pad(x, width, mode=NUMPY_MODES[self.boundary])
        from scipy import signal  # here, because it loads scipy.stats, a third of the time until anything starts

        return signal.fftconvolve(padded, values, mode="valid")


def _add(sums: dict[int, np.ndarray], n: int, x: np.ndarray) -> None:
    if n in sums:
        sums[n] += x
    else:
        sums[n] = x


def _ends(box: Sequence[slice]) -> list[Interval]:
    return [(part.start, part.stop) for part in box]
