"""Families of Gaussians through a cascade: each level filtered from an earlier one, on ever coarser grids.

The detector model needs h_k * x for every kernel, the source model the sum of h_k * (w_k x). Gaussians of
growing width can share the work: a level is a narrow increment of an earlier, narrower one; and once a
level is smooth against the spacing, every second sample of it holds all there is, so that wide levels
live on grids with 8, 64, ... times fewer voxels and are interpolated back.

Everything is separable. Along one axis, in voxels of the image,

    s_k[i] = sum_q c_k(f i - q) x[q]                the samples of level k, on a grid of step f
    c_k(q) = sum_m d_k(m) c_p(q - f_p m)            from its parent p, d_k fitted by least squares
    y_k[j] = sum_i u_k(j - f i) s_k[i]              back on the image's grid, u_k fitted by least squares

The fits aim at the sampled, truncated Gaussian that direct filtering uses. Their error is known before any
image is: with e_a the largest L1 distance on axis a between the composed and the direct impulse response,
over all phases of the coarse grid, and |.| the largest absolute voxel,

    |cascade - direct| <= (prod_a (1 + e_a) - 1) |x|     for every image and boundary rule,

because extending an image by its border, by zeros or periodically does not raise its largest voxel.
(Rounding adds some 1e-6 |x| in float32.) A kernel that cannot keep the tolerance is filtered directly: by
itself, exactly: one axis after the other, or by FFT where that is cheaper or it is not separable.

The boundary rule holds for what the direct definition extends: the image (detector) or w_k x (source), and
not for the levels. But far enough outside, levels repeat themselves as their input does, so they are kept
to where that begins (`_Beyond`), a few sigmas from the border.

The source model runs the same steps backwards (Horner's scheme): what belongs to the widest kernels is
added up on the coarsest grid, and every increment is applied once to the sum of all that need it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce

import numpy as np

from ..arrays.boxes import Box
from ..arrays.spacing import Spacing, spacing_tuple
from ..arrays.threads import Crew, Scratch
from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError, check_choice
from ..filters.padding import NUMPY_MODES
from ..kernels.field import BoundField
from ..kernels.kernel import Kernel
from ..methods.choices import FIXED_BOUNDARIES, MODELS

Interval = tuple[int, int]  # grid indices lo ... hi - 1; index i of a grid of step f is at voxel f * i
# What to add up for one phase of an output: where it goes, how many there are, taps with the places they hold for.
Phase = tuple[slice, int, list[tuple[float, list[slice]]]]

ROOT = -1  # the parent of levels that are filtered from the image itself

# A grid of step f takes levels of sigma >= this many steps: the spectrum of a sampled Gaussian overlaps
# with its copies by about exp(-4.9 (sigma / f)^2), 1e-4 here.
_LEAST_SIGMA_PER_STEP = 1.35
# Variance, in f^2, that the interpolation from a grid of step f adds by itself.
_INTERPOLATION_VARIANCE = 0.75
_LARGEST_STEP = 16
_INTERPOLATION_TAPS = (4, 6, 8)
# Taps of mixed signs that nearly cancel would amplify rounding.
_LARGEST_TAP_SUM = 1.3
_PARENTS_TRIED = 3
# Gaussians cut off at 4 sigma lack 6e-5 of their weight, each at another place: no increment turns one into
# another more closely than that.
_FINEST_FIT = 2e-5
_PART = 1 << 17  # voxels worked on at a time: small enough for the cache, large enough for a call

# Nanoseconds of processor time (Testing/Benchmarks/bench_cascade.py): an operation per voxel, how much
# slower it is between different grids on the last axis, and a level of `SpatiallyVariantBlur` (an FFT) per
# voxel and log2 of their number. A kernel filtered by FFT here takes three: it shares none with others.
_OPERATION, _STRIDED, _FFT_LEVEL = 0.2, 1.7, 0.8


@dataclass(frozen=True, eq=False)
class Level:
    """How one kernel is filtered.

    Attributes
    ----------
    kernel : int
        Its number in the field.
    parent : int
        Position in the plan of the level it is filtered from, or `ROOT`.
    steps : tuple of int
        Step of its grid per axis, in voxels; 1 is the image's own grid.
    errors : tuple of float
        Largest L1 distance of the impulse response from that of direct filtering, per axis.
    bound : float
        ``prod(1 + errors) - 1``, the bound on |cascade - direct| / max|x|.
    separable : bool
        Whether it is filtered one axis after the other; False for FFTs.
    """

    kernel: int
    parent: int = ROOT
    steps: tuple[int, ...] = ()
    parent_steps: tuple[int, ...] = field(default=(), repr=False)
    errors: tuple[float, ...] = ()
    separable: bool = True
    increments: tuple[np.ndarray, ...] = field(default=(), repr=False)
    interpolations: tuple[np.ndarray | None, ...] = field(default=(), repr=False)
    responses: tuple[np.ndarray, ...] = field(default=(), repr=False)

    @property
    def bound(self) -> float:
        return math.prod(1 + e for e in self.errors) - 1

    @property
    def interpolated(self) -> bool:
        """Whether the level lives on a coarser grid."""
        return any(taps is not None for taps in self.interpolations)

    @property
    def direct(self) -> bool:
        """Whether the kernel is filtered from the image by itself, without approximation."""
        return self.parent == ROOT and not self.interpolated


def plan(
    kernels: Sequence[Kernel],
    spacing: Spacing | None = None,
    tolerance: float = 1e-3,
    shape: Sequence[int] | None = None,
) -> tuple[Level, ...]:
    """Choose parent, grid and taps for every kernel.

    Parameters
    ----------
    kernels : sequence of Kernel
        Sampled on the grid of `spacing` when it is given.
    spacing : float or sequence of float, optional
        Voxel size of the image in mm.
    tolerance : float
        Largest `Level.bound` accepted.
    shape : sequence of int, optional
        Of the image. What a level costs depends on it: it does not pay to go to a coarser grid for a
        handful of voxels. 128 on every axis by default.

    Returns
    -------
    tuple of Level
        One per kernel, parents before their children.

    Raises
    ------
    InputError
        If the tolerance is not positive.
    """
    if not tolerance > 0:
        raise InputError(f"tolerance {tolerance!r} must be positive, e.g. 1e-3")
    if spacing is not None:
        kernels = [k.sampled(spacing_tuple(spacing, k.ndim)) for k in kernels]
    profiles = [_profiles(k.values) for k in kernels]
    levels = [Level(n, separable=False) for n, p in enumerate(profiles) if p is None]
    separable = [(n, p) for n, p in enumerate(profiles) if p is not None]
    for n, own in sorted(separable, key=lambda pair: sum(map(_variance, pair[1]))):
        levels.append(_best_level(n, own, levels, tolerance, shape or (128,) * kernels[n].ndim))
    return tuple(levels)


def _best_level(
    n: int, profiles: tuple[np.ndarray, ...], levels: list[Level], tolerance: float, shape: Sequence[int]
) -> Level:
    """The cheapest way to filter one kernel that keeps the tolerance."""
    ndim = len(profiles)
    ones = (1,) * ndim
    direct = Level(n, ROOT, ones, ones, (0.0,) * ndim, True, profiles, (None,) * ndim, profiles)
    candidates = [direct, Level(n, errors=(0.0,), separable=False)]
    limit = (1 + tolerance) ** (1 / max(1, sum(p.size > 1 for p in profiles))) - 1
    largest = [_largest_step(p) for p in profiles]
    parents = [p for p, level in enumerate(levels) if level.separable][-_PARENTS_TRIED:]
    for step in sorted({1, *largest}):
        steps = tuple(min(step, s) for s in largest)
        for parent in (*reversed(parents), ROOT):
            found = _fit_level(n, profiles, parent, levels, steps, limit)
            if found is not None:
                candidates.append(found)
                break
    return min(candidates, key=lambda level: _cost(level, shape))


def _fit_level(
    n: int,
    profiles: tuple[np.ndarray, ...],
    parent: int,
    levels: Sequence[Level],
    steps: tuple[int, ...],
    limit: float,
) -> Level | None:
    parts = []
    for axis, (profile, step) in enumerate(zip(profiles, steps, strict=True)):
        start = (_DELTA, 1) if parent == ROOT else (levels[parent].responses[axis], levels[parent].steps[axis])
        part = _fit_axis(_Taps(profile), step, _Taps(start[0]), start[1], limit)
        if part is None:
            return None
        parts.append(part)
    increments, responses, interpolations, errors = zip(*parts, strict=True)
    parent_steps = (1,) * len(steps) if parent == ROOT else levels[parent].steps
    return Level(n, parent, steps, parent_steps, errors, True, increments, interpolations, responses)


# ------------------------------------------------------------------------------------- fits on one axis
#
# Taps are symmetric arrays of odd length whose middle is offset 0, in voxels of the image.

_DELTA = np.ones(1)


class _Taps:
    """An array of taps that can be a key of a cache."""

    def __init__(self, values: np.ndarray):
        self.values = values
        self.key = values.tobytes()

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Taps) and self.key == other.key


def _profiles(values: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """One profile per axis when they multiply to the kernel and are symmetric with sum 1, else None."""
    if values.min() < 0 or abs(values.sum() - 1) > 1e-9 or any(n % 2 == 0 for n in values.shape):
        return None
    axes = range(values.ndim)
    profiles = tuple(values.sum(axis=tuple(b for b in axes if b != a)) for a in axes)
    if np.abs(reduce(np.multiply.outer, profiles) - values).sum() > 1e-9:
        return None
    if any(np.abs(p - p[::-1]).sum() > 1e-9 for p in profiles):
        return None
    return profiles


def _gaussian(variance: float) -> np.ndarray:
    radius = int(4 * math.sqrt(variance) + 0.5)
    taps = np.exp(-0.5 * np.arange(-radius, radius + 1) ** 2 / variance) if radius else np.ones(1)
    return taps / taps.sum()


def _variance(taps: np.ndarray) -> float:
    return float(taps @ np.arange(-(taps.size // 2), taps.size // 2 + 1) ** 2)


def _at(taps: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Values of taps at any offsets, 0 beyond their ends."""
    radius = taps.size // 2
    return np.where(np.abs(offsets) <= radius, taps[np.clip(offsets + radius, 0, taps.size - 1)], 0.0)


def _largest_step(profile: np.ndarray) -> int:
    """Step of the coarsest grid that such a profile can live on; 1 when it is no Gaussian."""
    variance = _variance(profile)
    steps = math.sqrt(variance) / _LEAST_SIGMA_PER_STEP
    if steps < 2:
        return 1
    gaussian = _gaussian(variance)
    offsets = np.arange(-profile.size, profile.size + 1)
    if np.abs(_at(gaussian, offsets) - _at(profile, offsets)).sum() > 1e-2:
        return 1
    return min(_LARGEST_STEP, 2 ** int(math.log2(steps)))


@lru_cache(maxsize=4096)
def _fit_axis(
    profile: _Taps, step: int, parent: _Taps, parent_step: int, limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, float] | None:
    """Fit increment and interpolation of one axis: (increment, response, interpolation, error), or None."""
    if step % parent_step or (limit < _FINEST_FIT and parent.values.size > 1):
        return None
    target = profile.values
    if step > 1:
        target = _gaussian(_variance(target) - _INTERPOLATION_VARIANCE * step**2)
    found = _fit_increment(parent.values, parent_step, target, limit if step == 1 else limit / 2)
    if found is None:
        return None
    increment, response, error = found
    if step == 1:
        return increment, response, None, error
    for taps in _INTERPOLATION_TAPS:
        interpolation = _fit_interpolation(response, step, profile.values, taps)
        error = _composed_error(response, step, interpolation, profile.values)
        if error <= limit:
            return increment, response, interpolation, error
    return None


def _fit_increment(
    parent: np.ndarray, step: int, target: np.ndarray, limit: float
) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The shortest symmetric taps, at multiples of `step`, that turn the parent's response into the target."""
    added = _variance(target) - _variance(parent)
    if parent.size == 1:
        return target, target, 0.0
    if added < 0:
        return None
    spread = math.sqrt(added) / step
    for radius in sorted({math.ceil(share * spread) for share in (1.5, 2, 2.5, 3, 3.5, 4, 5)}):
        size = max(parent.size // 2 + step * radius, target.size // 2)
        q = np.arange(-size, size + 1)
        shifted = _at(parent, q[:, None] - step * np.arange(-radius, radius + 1))
        columns = shifted[:, radius:].copy()
        columns[:, 1:] += shifted[:, :radius][:, ::-1]
        goal = _at(target, q)
        half, *_ = np.linalg.lstsq(columns, goal, rcond=1e-7)
        response = columns @ half
        error = float(np.abs(response - goal).sum())
        if error <= limit and 2 * np.abs(half).sum() - abs(half[0]) <= _LARGEST_TAP_SUM:
            increment = np.zeros(2 * step * radius + 1)
            increment[step * radius :: step] = half
            increment[step * radius :: -step] = half
            return increment, response, error
    return None


def _fit_interpolation(response: np.ndarray, step: int, target: np.ndarray, taps: int) -> np.ndarray:
    """Taps that turn samples of `response` on a grid of `step` into the target, one fit for every phase."""
    radius = step * (taps // 2)
    interpolation = np.zeros(2 * radius + 1)
    size = response.size // 2 + target.size // 2 + radius + step
    q = np.arange(-size, size + 1)
    for phase in range(step // 2 + 1):
        offsets = np.array([o for o in range(-radius, radius + 1) if (o - phase) % step == 0])
        # Output voxel `phase` is the sum of u(phase - step i) s[i], and offsets are phase - step i.
        columns = _at(response, (phase - offsets)[None, :] - q[:, None])
        values, *_ = np.linalg.lstsq(columns, _at(target, phase - q), rcond=1e-8)
        interpolation[radius + offsets] = values
        interpolation[radius - offsets] = values
    return interpolation


def _composed_error(response: np.ndarray, step: int, interpolation: np.ndarray, target: np.ndarray) -> float:
    """Largest L1 distance of the composed impulse response from the target: over the phases of the output
    (detector model), and over those of the input (source model, which runs backwards)."""
    reach = interpolation.size // 2 + response.size // 2 + target.size // 2 + step
    q = np.arange(-step * (reach // step + 1), step * (reach // step + 1))
    samples = np.arange(-(interpolation.size // 2) // step - 1, interpolation.size // 2 // step + 2)
    difference = np.empty((step, q.size))
    for phase in range(step):
        gains = _at(interpolation, phase - step * samples)
        composed = gains @ _at(response, step * samples[:, None] - q[None, :])
        difference[phase] = np.abs(composed - _at(target, phase - q))
    backwards = difference.sum(axis=0).reshape(-1, step).sum(axis=0)
    return float(max(difference.sum(axis=1).max(), backwards.max()))


# ------------------------------------------------------------------------------ steps along one axis


@dataclass(frozen=True, eq=False)
class _Step:
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

    def transposed(self) -> _Step:
        return _Step(self.taps, self.in_step, self.out_step)  # the taps are symmetric

    def needs(self, rows: Interval) -> Interval:
        """The inputs that a range of outputs depends on."""
        radius = self.taps.size // 2
        low = -((radius - self.out_step * rows[0]) // self.in_step)
        high = (self.out_step * (rows[1] - 1) + radius) // self.in_step
        return low, high + 1

    def reaches(self, beyond: _Beyond) -> _Beyond:
        """How the output goes on outside, given how the input does."""
        radius = self.taps.size // 2
        low = (self.in_step * beyond.low - radius) // self.out_step
        high = -((-self.in_step * (beyond.high - 1) - radius) // self.out_step) + 1
        pattern = max(1, self.in_step * beyond.pattern // self.out_step)
        return _Beyond(beyond.rule, low - (pattern - 1), high + (pattern - 1), pattern)

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
class _Beyond:
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


class _Array:
    """An array of a level, with the grid indices it holds and how it goes on outside, per axis.

    Outside of what it holds, an array of a part of an image is zero.
    """

    def __init__(self, values: np.ndarray, held: Sequence[Interval], beyond: Sequence[_Beyond]):
        self.values, self.held, self.beyond = values, held, beyond


class _Worker:
    """Applies steps to arrays, in parts that stay in the cache, with threads."""

    def __init__(self, workers: int | None = None):
        self._crew = Crew(workers)
        self._scratch = Scratch()

    def apply(self, steps: Sequence[_Step], rows: Sequence[Interval], x: _Array) -> np.ndarray:
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
        self, x: np.ndarray, axis: int, step: _Step, rows: Interval, held: Interval, beyond: _Beyond
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
    x: np.ndarray, axis: int, needed: Interval, held: Interval, beyond: _Beyond
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


# ------------------------------------------------------------------------------------------ the cascade


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
        self._worker = _Worker()
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
        return any(_profiles(self.bound.kernel(k).values) is not None for k in range(len(self.bound)))

    @property
    def error_bound(self) -> float:
        return max(level.bound for level in self.levels)

    @property
    def source_error_bound(self) -> float:
        return sum(level.bound for level in self.levels)

    @property
    def worthwhile(self) -> bool:
        cost = sum(_cost(level, self.bound.shape) for level in self.levels)
        return cost < (len(self.levels) + 1) * _fft_cost(math.prod(self.bound.shape))

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
        states = {ROOT: _Array(x, whole, beyond[ROOT])}
        for n, level in enumerate(self.levels):
            self._step(watch, n)
            rows, box = held[n], boxes[n]
            if level.separable and rows is not None:
                values = self._worker.apply(_increments(level), rows, states[level.parent])
                states[n] = _Array(values, rows, beyond[n])
            if box is not None:
                if level.separable:
                    filtered = self._worker.apply(_interpolations(level), _ends(box), states[n])
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
        rule = [_Beyond(self.boundary, 0, n) for n in x.shape]
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
            increments = _transposed(_increments(level))
            total = sums.pop(n, None)
            if box is not None:
                weighted = _Array(self._weighted(x, level, box), _ends(box), rule)
                if total is None and not level.interpolated:
                    _add(sums, level.parent, self._worker.apply(increments, held[level.parent], weighted))
                    continue
                own = self._worker.apply(_transposed(_interpolations(level)), held[n], weighted)
                total = own if total is None else np.add(total, own, out=total)
            if total is not None:
                array = _Array(total, held[n], beyond[n])
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

    def _beyond_detector(self) -> dict[int, list[_Beyond]]:
        """How the levels go on outside: a level is as its parent is, from one radius further out on."""
        beyond = {ROOT: [_Beyond(self.boundary, 0, n) for n in self.bound.shape]}
        for n, level in enumerate(self.levels):
            if level.separable:
                reached = [d.reaches(b) for d, b in zip(_increments(level), beyond[level.parent], strict=True)]
                beyond[n] = self._periods(level, reached)
        return beyond

    def _beyond_source(self) -> dict[int, list[_Beyond]]:
        """How the sums go on outside: from where all that is added to them has come to repeat itself."""
        image = [_Beyond(self.boundary, 0, n) for n in self.bound.shape]
        beyond: dict[int, list[_Beyond]] = {}
        for n in reversed(range(len(self.levels))):
            level = self.levels[n]
            if level.separable:
                added = [[u.reaches(b) for u, b in zip(_transposed(_interpolations(level)), image, strict=True)]]
                for child in self._children[n]:
                    steps = _transposed(_increments(self.levels[child]))
                    added.append([d.reaches(b) for d, b in zip(steps, beyond[child], strict=True)])
                beyond[n] = self._periods(level, [_widest(part) for part in zip(*added, strict=True)])
        return beyond

    def _periods(self, level: Level, reached: Sequence[_Beyond]) -> list[_Beyond]:
        """A level of a periodic image repeats itself on its grid only when the period is a multiple of the step."""
        if self.boundary != "periodic":
            return list(reached)
        return [
            _Beyond("none" if n % (step * r.pattern) else "periodic", 0, n // step, r.pattern)
            for n, step, r in zip(self.bound.shape, level.steps, reached, strict=True)
        ]

    def _held_detector(
        self, boxes: Sequence[Box | None], beyond: dict[int, list[_Beyond]]
    ) -> dict[int, list[Interval] | None]:
        """Per level, the part of its grid to compute: what outputs and later levels look at."""
        held: dict[int, list[Interval] | None] = {}
        for n in reversed(range(len(self.levels))):
            level, box, looks = self.levels[n], boxes[n], []
            if level.separable and box is not None:
                steps = _interpolations(level)
                looks.append([u.needs(rows) for u, rows in zip(steps, _ends(box), strict=True)])
            for child in self._children[n]:
                kept = held[child]
                if kept is not None:
                    steps = _increments(self.levels[child])
                    looks.append([d.needs(rows) for d, rows in zip(steps, kept, strict=True)])
            held[n] = None
            if looks:
                hulls = [(min(a for a, _ in look), max(b for _, b in look)) for look in zip(*looks, strict=True)]
                held[n] = [b.held(hull) for b, hull in zip(beyond[n], hulls, strict=True)]
        return held

    def _held_source(self, beyond: dict[int, list[_Beyond]]) -> dict[int, list[Interval]]:
        """Per level, the part of its grid to sum up: what reaches the image."""
        held: dict[int, list[Interval]] = {ROOT: [(0, n) for n in self.bound.shape]}
        for n, level in enumerate(self.levels):
            if level.separable:
                steps = _transposed(_increments(level))
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


def _increments(level: Level) -> list[_Step]:
    return [
        _Step(taps, step, step_in)
        for taps, step, step_in in zip(level.increments, level.steps, level.parent_steps, strict=True)
    ]


def _interpolations(level: Level) -> list[_Step]:
    return [
        _Step(_DELTA if taps is None else taps, 1, step)
        for taps, step in zip(level.interpolations, level.steps, strict=True)
    ]


def _transposed(steps: Sequence[_Step]) -> list[_Step]:
    return [step.transposed() for step in steps]


def _add(sums: dict[int, np.ndarray], n: int, x: np.ndarray) -> None:
    if n in sums:
        sums[n] += x
    else:
        sums[n] = x


def _ends(box: Sequence[slice]) -> list[Interval]:
    return [(part.start, part.stop) for part in box]


def _widest(parts: Sequence[_Beyond]) -> _Beyond:
    """How a sum goes on whose terms go on as `parts` do; patterns are powers of 2."""
    pattern = max(part.pattern for part in parts)
    low = min(part.low for part in parts) - (pattern - 1)
    high = max(part.high for part in parts) + (pattern - 1)
    return _Beyond(parts[0].rule, low, high, pattern)


# ------------------------------------------------------------------------------------------------ cost


def _cost(level: Level, shape: Sequence[int]) -> float:
    """Estimated nanoseconds for one level: increments and interpolation, or FFT."""
    if not level.separable:
        return 3 * _fft_cost(math.prod(shape))
    sizes = [n / step for n, step in zip(shape, level.parent_steps, strict=True)]
    total = 0.0
    for steps in (_increments(level), _interpolations(level)):
        order = range(len(steps)) if steps[0].out_step >= steps[0].in_step else reversed(range(len(steps)))
        for axis in order:
            step = steps[axis]
            sizes[axis] *= step.in_step / step.out_step
            strided = axis == len(steps) - 1 and step.in_step != step.out_step
            total += math.prod(sizes) * step.operations * (_STRIDED if strided else 1) * _OPERATION
    return total


def _fft_cost(voxels: int) -> float:
    return _FFT_LEVEL * voxels * math.log2(max(voxels, 2))
