"""Families of Gaussians through a cascade: each level filtered from an earlier one, on ever coarser grids.

The detector model needs h_k * x for every kernel, the source model the sum of h_k * (w_k x). Gaussians of
growing width can share the work: a level is a narrow increment of an earlier, narrower one; and once a
level is smooth against the spacing, every second sample of it holds all there is, so that wide levels
live on grids with 8, 64, ... times fewer voxels and are interpolated back.

Everything is separable, and every step is a small matrix along one axis: increment, decimation,
interpolation, the boundary rule. Along an axis of the image with spacing 1,

    s_k[i] = sum_q c_k(f i - q) x[q]                the samples of level k, on a grid of step f
    c_k(q) = sum_m d_k(m) c_p(q - f_p m)            from its parent p, d_k fitted by least squares
    y_k[j] = sum_i u_k(j - f i) s_k[i]              back on the image's grid, u_k fitted by least squares

The fits aim at the sampled, truncated Gaussian that direct filtering uses. Their error is known before any
image is: with e_a the largest L1 distance on axis a between the composed and the direct impulse response,
over all phases of the coarse grid, and |.| the largest absolute voxel,

    |cascade - direct| <= (prod_a (1 + e_a) - 1) |x|     for every image and boundary rule,

because extending an image by its border, by zeros or periodically does not raise its largest voxel.
(Rounding adds some 1e-6 |x| in float32.) A kernel that cannot keep the tolerance is filtered directly: by
its own separable matrices, exactly, or by FFT when it is not separable.

The boundary rule is applied once, to what the direct definition extends too: the image (detector) or
w_k x (source). All later levels are computed as far beyond the border as the next ones look.

The source model runs the same steps backwards (Horner's scheme): what belongs to the widest kernels is
added up on the coarsest grid, and every increment is applied once to the sum of all that need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce

import numpy as np
from scipy import signal

from .errors import Cancelled, InputError
from .fields import BoundField
from .kernels import Kernel, Spacing, spacing_tuple
from .padding import NUMPY_MODES

Progress = Callable[[float, str], object]
IsCancelled = Callable[[], bool]
Interval = tuple[int, int]  # grid indices lo ... hi - 1; index i of a grid of step f is at voxel f * i

DETECTOR, SOURCE = MODELS = ("detector", "source")
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
# Output rows per matrix. Narrow blocks waste little on the zeros beside the band; the last axis, where the
# matrix stands on the right, needs wide ones to be fast.
_ROWS, _ROWS_LAST = 16, 64

# Nanoseconds per voxel, measured on two cores (Testing/Benchmarks/bench_cascade.py): a pass along an axis
# with matrices of w columns; a level of the FFT, per voxel and log2 of the number of voxels.
_PASS, _PASS_LAST, _COLUMN = 0.7, 2.0, 0.02
_FFT_LEVEL = 0.6


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
        Whether the kernel goes through matrices at all; False for FFTs.
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
        return self.parent == ROOT and all(s == 1 for s in self.steps)


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
    separable = [n for n, p in enumerate(profiles) if p is not None]
    for n in sorted(separable, key=lambda n: sum(map(_variance, profiles[n]))):
        levels.append(_best_level(n, profiles[n], levels, tolerance, shape or (128,) * kernels[n].ndim))
    return tuple(levels)


def _best_level(n: int, profiles, levels: list[Level], tolerance: float, shape: Sequence[int]) -> Level:
    """The cheapest way to filter one kernel that keeps the tolerance."""
    ndim = len(profiles)
    ones = (1,) * ndim
    direct = Level(n, ROOT, ones, ones, (0.0,) * ndim, True, profiles, (None,) * ndim, profiles)
    candidates = [direct]
    limit = (1 + tolerance) ** (1 / max(1, sum(p.size > 1 for p in profiles))) - 1
    largest = [_largest_step(p) for p in profiles]
    parents = [p for p in range(len(levels)) if levels[p].separable][-_PARENTS_TRIED:]
    for step in sorted({1, *largest}):
        steps = tuple(min(step, s) for s in largest)
        for parent in (*reversed(parents), ROOT):
            found = _fit_level(n, profiles, parent, levels, steps, limit)
            if found is not None:
                candidates.append(found)
                break
    return min(candidates, key=lambda level: _cost(level, shape))


def _fit_level(n, profiles, parent: int, levels, steps, limit: float) -> Level | None:
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
def _fit_axis(profile: _Taps, step: int, parent: _Taps, parent_step: int, limit: float):
    """Fit increment and interpolation of one axis: (increment, response, interpolation, error), or None."""
    if step % parent_step:
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


def _fit_increment(parent: np.ndarray, step: int, target: np.ndarray, limit: float):
    """The shortest symmetric taps, at multiples of `step`, that turn the parent's response into the target."""
    added = _variance(target) - _variance(parent)
    if parent.size == 1:
        return target, target, 0.0
    if added < 0:
        return None
    spread = math.sqrt(added) / step
    for radius in range(max(0, int(1.5 * spread)), int(5 * spread) + 3):
        size = max(parent.size // 2 + step * radius, target.size // 2)
        q = np.arange(-size, size + 1)
        columns = [_at(parent, q)]
        columns += [_at(parent, q - step * m) + _at(parent, q + step * m) for m in range(1, radius + 1)]
        goal = _at(target, q)
        half, *_ = np.linalg.lstsq(np.stack(columns, axis=1), goal, rcond=1e-7)
        response = np.stack(columns, axis=1) @ half
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


# ------------------------------------------------------------------------- matrices along one axis


@dataclass(frozen=True, eq=False)
class _Step:
    """y[r] = sum_c taps(out_step r - in_step c) x[c]: all that is ever done along an axis."""

    taps: np.ndarray
    out_step: int
    in_step: int

    @property
    def trivial(self) -> bool:
        return self.taps.size == 1 and self.out_step == self.in_step and self.taps[0] == 1.0

    def transposed(self) -> _Step:
        return _Step(self.taps, self.in_step, self.out_step)  # the taps are symmetric

    def needs(self, rows: Interval) -> Interval:
        """The inputs that a range of outputs depends on."""
        radius = self.taps.size // 2
        low = -((radius - self.out_step * rows[0]) // self.in_step)
        high = (self.out_step * (rows[1] - 1) + radius) // self.in_step
        return low, high + 1


@dataclass(frozen=True)
class _Fold:
    """The boundary rule along one axis: grid index -> index of an array that holds lo ... hi - 1 of n voxels."""

    rule: str
    n: int
    held: Interval

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """Array indices, -1 for what is zero."""
        if self.rule == "edge":
            index = np.clip(index, 0, self.n - 1)
        elif self.rule == "periodic":
            index = index % self.n
        low, high = self.held
        return np.where((index >= low) & (index < high), index - low, -1)


Columns = Interval | _Fold


def _apply(step: _Step, rows: Interval, columns: Columns, x: np.ndarray, axis: int) -> np.ndarray:
    """Compute rows lo ... hi - 1 of a step along one axis.

    `columns` says what `x` holds along the axis: a range of grid indices, or (a `_Fold`) the image itself,
    to be continued by the boundary rule. The band matrix is cut into dense blocks.
    """
    if step.trivial:
        return _taken(x, _positions(columns, np.arange(*rows)), axis)
    before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    out = np.empty((*x.shape[:axis], rows[1] - rows[0], *x.shape[axis + 1 :]), x.dtype)
    source, target = np.ascontiguousarray(x).reshape(before, -1, after), out.reshape(before, -1, after)
    if after == 1:  # the matrix stands on the right: one product instead of `before` small ones
        source, target = source[:, :, 0], target[:, :, 0]
    blocks: dict[tuple[int, ...], np.ndarray] = {}
    size = _ROWS_LAST if after == 1 else _ROWS
    for start in range(rows[0], rows[1], size):
        stop = min(start + size, rows[1])
        low, high = step.needs((start, stop))
        key = (stop - start, high - low, step.out_step * start - step.in_step * low)
        if key not in blocks:  # inside, blocks repeat
            offsets = step.out_step * np.arange(stop - start)[:, None] - step.in_step * np.arange(high - low)
            blocks[key] = _at(step.taps, offsets + key[2]).astype(x.dtype)
        matrix, take = _gathered(blocks[key], _positions(columns, np.arange(low, high)))
        place = slice(start - rows[0], stop - rows[0])
        if after == 1:
            np.matmul(source[:, take], matrix.T, out=target[:, place])
        else:
            np.matmul(matrix, source[:, take], out=target[:, place])
    return out


def _positions(columns: Columns, index: np.ndarray) -> np.ndarray:
    """Grid indices -> array indices, -1 for what is zero."""
    return columns(index) if isinstance(columns, _Fold) else index - columns[0]


def _is_range(index: np.ndarray) -> bool:
    return index[0] >= 0 and index[-1] - index[0] + 1 == index.size and bool(np.all(np.diff(index) == 1))


def _gathered(matrix: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, slice | np.ndarray]:
    """Add up the columns that read the same input; drop those that read zeros."""
    if _is_range(index):
        return matrix, slice(int(index[0]), int(index[-1]) + 1)
    keep = index >= 0
    columns, place = np.unique(index[keep], return_inverse=True)
    total = np.zeros((columns.size, matrix.shape[0]), matrix.dtype)
    np.add.at(total, place, matrix.T[keep])
    return total.T, slice(int(columns[0]), int(columns[-1]) + 1) if columns.size and _is_range(columns) else columns


def _taken(x: np.ndarray, index: np.ndarray, axis: int) -> np.ndarray:
    before = (slice(None),) * axis
    if _is_range(index):
        return x[(*before, slice(int(index[0]), int(index[-1]) + 1))]
    out = x.take(index, axis=axis, mode="clip")
    out[(*before, index < 0)] = 0
    return out


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
        so every level may take the whole tolerance. Source: a voxel receives from all kernels, and the
        tolerance is divided among them.

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

    def __init__(self, bound: BoundField, boundary: str = "edge", tolerance: float = 1e-3, model: str = DETECTOR):
        if boundary not in NUMPY_MODES:
            raise InputError(f"boundary {boundary!r} is unknown; choose one of {', '.join(NUMPY_MODES)}")
        if model not in MODELS:
            raise InputError(f"model {model!r} is unknown; choose detector or source")
        self.bound, self.boundary = bound, boundary
        kernels = [bound.kernel(k) for k in range(len(bound))]
        share = tolerance if model == DETECTOR else tolerance / len(kernels)
        self.levels = plan(kernels, tolerance=share, shape=bound.shape)
        self._children = {
            p: [n for n, level in enumerate(self.levels) if level.separable and level.parent == p]
            for p in range(ROOT, len(self.levels))
        }

    @property
    def possible(self) -> bool:
        return any(level.separable for level in self.levels)

    @property
    def error_bound(self) -> float:
        return max(level.bound for level in self.levels)

    @property
    def source_error_bound(self) -> float:
        return sum(level.bound for level in self.levels)

    @property
    def worthwhile(self) -> bool:
        voxels = math.prod(self.bound.shape)
        by_fft = _fft_cost(voxels)
        cost = sum(_cost(v, self.bound.shape) if v.separable else by_fft for v in self.levels)
        return cost < (len(self.levels) + 1) * by_fft

    def detector(
        self, x: np.ndarray, progress: Progress | None = None, cancelled: IsCancelled | None = None
    ) -> np.ndarray:
        """Return sum_k w_k (h_k * x), float32 (float64 for float64 images).

        Raises
        ------
        Cancelled
            If `cancelled` returned True; it is asked at every kernel.
        """
        x = self._checked(x)
        y = np.zeros_like(x)
        boxes = [self.bound.support(level.kernel) for level in self.levels]
        held = self._detector_ranges(boxes)
        states: dict[int, np.ndarray] = {ROOT: x}
        for n, level in enumerate(self.levels):
            self._report(n, progress, cancelled)
            if level.separable and held[n] is not None:
                states[n] = _applied(_increments(level), held[n], held[level.parent], states[level.parent])
            if boxes[n] is not None:
                filtered = self._filtered(level, boxes[n], held[n], states.get(n), x)
                y[boxes[n]] += self.bound.weight(level.kernel)[boxes[n]] * filtered
            for done in [p for p in states if p != ROOT and max(self._children[p], default=p) <= n]:
                del states[done]  # nothing else is filtered from it
        self._report(len(self.levels), progress, cancelled)
        return y

    def source(
        self, x: np.ndarray, progress: Progress | None = None, cancelled: IsCancelled | None = None
    ) -> np.ndarray:
        """Return sum_k h_k * (w_k x), float32 (float64 for float64 images).

        Raises
        ------
        Cancelled
            If `cancelled` returned True; it is asked at every kernel.
        """
        x = self._checked(x)
        held = self._source_ranges()
        sums: dict[int, np.ndarray | None] = {ROOT: np.zeros_like(x)}
        for done, n in enumerate(reversed(range(len(self.levels)))):
            level = self.levels[n]
            self._report(done, progress, cancelled)
            box = self.bound.support(level.kernel)
            weighted = None if box is None else self.bound.weight(level.kernel)[box] * x[box]
            if not level.separable:
                if weighted is not None:
                    whole = np.zeros_like(x)
                    whole[box] = weighted
                    sums[ROOT] += self._by_fft(whole, level.kernel)
                continue
            total, columns = sums.pop(n, None), held[n]
            if weighted is not None:
                folds = self._folds(box)
                if total is None and not level.interpolated:
                    total, columns = weighted, folds  # the increment itself follows the boundary rule
                else:
                    total = _added(total, _applied(_transposed(_interpolations(level)), held[n], folds, weighted))
            if total is not None:
                filtered = _applied(_transposed(_increments(level)), held[level.parent], columns, total)
                sums[level.parent] = _added(sums.get(level.parent), filtered)
        self._report(len(self.levels), progress, cancelled)
        return sums[ROOT]

    # -- what the two have in common

    def _checked(self, x: np.ndarray) -> np.ndarray:
        if x.shape != self.bound.shape:
            raise InputError(f"the image has shape {x.shape}, the kernel field {self.bound.shape}; bind it anew")
        return np.asarray(x, np.float64 if x.dtype == np.float64 else np.float32)

    def _report(self, done: int, progress: Progress | None, cancelled: IsCancelled | None) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled
        if progress is not None:
            count = len(self.levels)
            text = f"Cascade: kernel {done + 1} of {count}" if done < count else "Cascade"
            progress(done / count, text)

    def _folds(self, box: Sequence[slice]) -> list[_Fold]:
        """How an array that holds a box of the image continues along each axis."""
        return [_Fold(self.boundary, n, (s.start, s.stop)) for n, s in zip(self.bound.shape, box, strict=True)]

    def _detector_ranges(self, boxes) -> dict[int, list]:
        """Per level and axis, the part of its grid that outputs and later levels look at."""
        whole = [slice(0, n) for n in self.bound.shape]
        held: dict[int, list | None] = {ROOT: self._folds(whole)}
        for n in reversed(range(len(self.levels))):
            level, ranges = self.levels[n], []
            if level.separable and boxes[n] is not None:
                rows = [(s.start, s.stop) for s in boxes[n]]
                ranges.append([u.needs(r) for u, r in zip(_interpolations(level), rows, strict=True)])
            for child in self._children[n]:
                if held[child] is not None:
                    steps = _increments(self.levels[child])
                    ranges.append([d.needs(r) for d, r in zip(steps, held[child], strict=True)])
            held[n] = [(min(low), max(high)) for low, high in map(_ends, zip(*ranges, strict=True))] or None
        return held

    def _source_ranges(self) -> dict[int, list]:
        """Per level and axis, the part of its grid that reaches the image."""
        held: dict[int, list] = {ROOT: [(0, n) for n in self.bound.shape]}
        for n, level in enumerate(self.levels):
            if level.separable:
                steps = _transposed(_increments(level))
                held[n] = [d.needs(r) for d, r in zip(steps, held[level.parent], strict=True)]
        return held

    def _filtered(self, level: Level, box, held, state, x: np.ndarray) -> np.ndarray:
        """h_k * x in a box."""
        if not level.separable:
            return self._by_fft(x, level.kernel)[box]
        rows = [(s.start, s.stop) for s in box]
        return _applied(_interpolations(level), rows, held, state)

    def _by_fft(self, x: np.ndarray, k: int) -> np.ndarray:
        values = self.bound.kernel(k).values.astype(x.dtype)
        # y[i] = sum_d h[d] x[i - d] with -(n // 2) <= d.
        width = [(n - 1 - n // 2, n // 2) for n in values.shape]
        padded = np.pad(x, width, mode=NUMPY_MODES[self.boundary])
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


def _applied(
    steps: Sequence[_Step], rows: Sequence[Interval], columns: Sequence[Columns], x: np.ndarray
) -> np.ndarray:
    """Apply one step per axis. Matrices that shrink come first, matrices that widen go last."""
    order = sorted(range(x.ndim), key=lambda a: (rows[a][1] - rows[a][0]) / x.shape[a])
    for axis in order:
        x = _apply(steps[axis], rows[axis], columns[axis], x, axis)
    return x


def _added(total: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    if total is None:
        return x
    total += x
    return total


def _ends(ranges: Sequence[Interval]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(low for low, _ in ranges), tuple(high for _, high in ranges)


# ------------------------------------------------------------------------------------------------ cost


def _cost(level: Level, shape: Sequence[int]) -> float:
    """Estimated nanoseconds for one level, increments and interpolation."""
    sizes = [n / step for n, step in zip(shape, level.parent_steps, strict=True)]
    total = 0.0
    for steps in (_increments(level), _interpolations(level)):
        for axis, step in enumerate(steps):
            sizes[axis] *= step.in_step / step.out_step
            if not step.trivial:
                last = axis == len(steps) - 1
                rows = _ROWS_LAST if last else _ROWS
                width = (step.taps.size + rows * step.out_step) / step.in_step
                total += math.prod(sizes) * ((_PASS_LAST if last else _PASS) + _COLUMN * width)
    return total


def _fft_cost(voxels: int) -> float:
    return _FFT_LEVEL * voxels * math.log2(max(voxels, 2))
