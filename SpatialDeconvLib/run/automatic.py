"""What a kernel filters with, by trying filters on a case whose answer is known.

A parametric bootstrap. A block of the image is restored with the spatially variant model itself (joint
Richardson-Lucy) and taken for the truth; blurred again and given noise by the same law, it is filtered with every
kernel, by every filter, with a range of constants and iterations. For each kernel the one that comes closest to that
truth, where the kernel has weight, wins; leaving the image as it is takes part.

Unlike a formula, this sees all that goes wrong: noise, damping of the mean, what the boundary rule makes of the
border, that a filter with one kernel runs over an image blurred by many, and, where the unknown truth chooses the
kernels, that the weights come from the blurred image. How much it gains is no forecast of the real gain: the
simulated truth is smoother than the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays.boxes import Box
from ..arrays.inner import dot
from ..arrays.watch import UNWATCHED, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..errors import is_auto
from ..filters.fft import FFTFilters
from ..kernels.field import BoundField, KernelField
from ..methods import registry as methods
from ..noise import NoiseLaw, looks_nonnegative
from ..solvers.solve import solve

_BLOCK_VOXELS = 2**18
COUNTS = (1, 2, 3, 5, 8, 13, 20)
MARGIN = 1.0
TRUTH = "richardson-lucy"


@dataclass(frozen=True)
class Filtering:
    """What one kernel filters with.

    Attributes
    ----------
    method : str
        A method of strategy "blend"; "" leaves the image as it is.
    iterations : int or None
        Of a method that iterates.
    constant : float or None
        What the method's `tuned` argument is: its own constant, or Wiener's noise. None: the method has none, or
        finds it itself.
    """

    method: str = ""
    iterations: int | None = None
    constant: float | None = None

    @property
    def spec(self) -> methods.Method | None:
        """The method's entry in the registry."""
        return methods.method("blend", self.method) if self.method else None

    def run(self, filters: Any, kernel: np.ndarray, watch: Watch, **options: Any) -> np.ndarray:
        """Filter with filters of an engine."""
        tuned = methods.method("blend", self.method).tuned or "constant"
        options |= {tuned: self.constant}
        return filters.run(self.method, kernel, iterations=self.iterations or 1, watch=watch, **options)


@dataclass(frozen=True)
class _Trial:
    filtering: Filtering
    error: float


class Simulation:
    def __init__(
        self,
        image: np.ndarray,
        bound: BoundField,
        law: NoiseLaw,
        model: str = "detector",
        boundary: str = "edge",
        *,
        own: bool = False,
        offset: float | str = "auto",
        region: Box | None = None,
        watch: Watch | None = None,
    ):
        self._kernels = [bound.kernel(k) for k in range(len(bound))]
        self._boundary, self._law, self._offset = boundary, law, offset
        self._watch = watch = watch or UNWATCHED
        box = trial_block(image.shape, region)
        block = np.ascontiguousarray(image[box])
        law = law.part(box)
        self._spread = float(block.std(dtype=np.float64))
        # Copies: a slice would keep the whole weight image alive, for every kernel at once.
        self._weights = [bound.weight(k, block.dtype)[box].copy() for k in range(len(bound))]
        operator = self._operator(
            KernelField.by_weights(self._weights, self._kernels).bind(block, bound.spacing), model
        )
        self._truth = self._restored(operator, block, law)
        keyed = bound.field
        if own:
            outside = "nearest" if keyed.outside == "error" else keyed.outside
            keyed = replace(keyed, outside=outside, kernels=tuple(self._kernels[: len(keyed.kernels)]))
            operator = self._operator(keyed.bind(self._truth, bound.spacing), model)
        blurred = operator.forward(self._truth, watch.quiet())
        seen = law.noisy(blurred, np.random.default_rng(0)).astype(block.dtype)
        if own:
            noisy = keyed.bind(seen, bound.spacing)
            for k, weight in enumerate(self._weights):
                if k < len(noisy):
                    weight += noisy.weight(k, block.dtype)
        self._filters = FFTFilters(seen, boundary)
        self._seen = seen
        shift = offset_level(offset, seen)
        self.shift = shift
        self._positive = FFTFilters(seen - seen.dtype.type(shift), boundary) if shift else self._filters

    def _operator(self, bound, model):
        return SpatiallyVariantBlur(
            bound, bound.shape, model=model, boundary=self._boundary, dtype=self._weights[0].dtype, low_rank=0.0
        )

    def _restored(self, operator, block, law):
        self._watch.step(0.0, "restoring a block to try filters on")
        if is_auto(self._offset):
            least = 0.0 if looks_nonnegative(block, law.sigma, None) else float(block.min())
        else:
            least = float(self._offset)
        background = least * operator.forward(np.ones_like(block)) if least else 0.0
        w = self._watch.quiet()
        found = solve(
            operator, block, TRUTH, noise=law.sigma, background=background, progress=w.tell, cancelled=w.cancelled
        )
        return found.image + block.dtype.type(least)

    def constant(self, method: str, k: int) -> float:
        return self._best(self._direct(methods.method("blend", method), k)).filtering.constant

    def filtering(self, k: int) -> Filtering:
        if self._spread == 0:
            return Filtering()
        trials = list(self.trials(k))
        best = min(trials, key=lambda t: t.error)
        if best.error > MARGIN * trials[0].error:
            best = trials[0]
        self.log = getattr(self, "log", {})
        self.log[k] = trials
        return best.filtering

    def trials(self, k: int):
        yield _Trial(Filtering(), self._error(k, self._seen, 0.0))
        for method in methods.methods_of("blend").values():
            yield from self._stepwise(method, k) if method.iterates else self._direct(method, k)

    def _stepwise(self, method, k):
        filters, shift = (self._positive, self.shift) if method.nonnegative else (self._filters, 0.0)
        before = np.inf
        for count, image in zip(COUNTS, filters.iterates(method.name, self._kernels[k].values, COUNTS), strict=True):
            e = self._error(k, image, shift)
            yield _Trial(Filtering(method.name, iterations=count), e)
            if e > before:
                break
            before = e

    def _direct(self, method, k):
        if method.tuned == "noise":
            low = max(self._law.sigma, 1e-4 * self._spread)
            search = low, max(self._spread, 2 * low)
        else:
            search = method.constant.search
        out = []
        def error(constant):
            f = Filtering(method.name, constant=constant)
            e = self._error(k, f.run(self._filters, self._kernels[k].values, self._watch.quiet()), 0.0)
            out.append(_Trial(f, e))
            return e
        _minimum(error, *search, 9, 2)
        return out

    def _best(self, trials):
        return min(trials, key=lambda t: t.error)

    def _error(self, k, image, shift):
        weight = self._weights[k]
        if not weight.any():
            weight = np.ones_like(weight)
        d = image - self._truth
        if shift:
            d += d.dtype.type(shift)
        np.square(d, out=d)
        return dot(weight, d)


def offset_level(offset: float | str, image: np.ndarray) -> float:
    """What is subtracted before a filter without negative values: the minimum, where it is negative."""
    return min(float(image.min()), 0.0) if is_auto(offset) else float(offset)


def _minimum(error: Callable[[float], float], low: float, high: float, coarse: int, halvings: int) -> float:
    """Where `error` is least: `coarse` points from `low` to `high` on a logarithmic scale, then finer ones."""
    found = {float(x): error(float(x)) for x in np.geomspace(low, high, coarse)}
    for _ in range(halvings):
        best = min(found, key=found.__getitem__)
        ordered = sorted(found)
        place = ordered.index(best)
        for neighbour in ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]:
            middle = float(np.sqrt(best * neighbour))
            found[middle] = error(middle)
    return min(found, key=found.__getitem__)


def trial_block(shape: tuple[int, ...], region: Box | None, voxels: int | None = None) -> Box:
    """The block to try on: the whole image, or what is left around the middle of the region when its longest
    axes are halved until it has at most so many voxels."""
    sizes = list(shape)
    while np.prod(sizes) > (voxels or _BLOCK_VOXELS):
        sizes[int(np.argmax(sizes))] //= 2
    middles = [n // 2 for n in shape] if region is None else [(s.start + s.stop) // 2 for s in region]
    box = []
    for n, size, middle in zip(shape, sizes, middles, strict=True):
        start = min(max(middle - size // 2, 0), n - size)
        box.append(slice(start, start + size))
    return tuple(box)
