"""Which level of a cascade is filtered from which, and on what grid: the cheapest that keeps a tolerance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...arrays.spacing import Spacing, spacing_tuple
from ...errors import InputError
from ...kernels.kernel import Kernel
from .steps import Step
from .taps import DELTA, Taps, fit_axis, largest_step, profiles_of, variance_of

ROOT = -1  # the parent of levels that are filtered from the image itself

_PARENTS_TRIED = 3

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
    profiles = [profiles_of(k.values) for k in kernels]
    levels = [Level(n, separable=False) for n, p in enumerate(profiles) if p is None]
    separable = [(n, p) for n, p in enumerate(profiles) if p is not None]
    for n, own in sorted(separable, key=lambda pair: sum(map(variance_of, pair[1]))):
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
    largest = [largest_step(p) for p in profiles]
    parents = [p for p, level in enumerate(levels) if level.separable][-_PARENTS_TRIED:]
    for step in sorted({1, *largest}):
        steps = tuple(min(step, s) for s in largest)
        for parent in (*reversed(parents), ROOT):
            found = _fit_level(n, profiles, parent, levels, steps, limit)
            if found is not None:
                candidates.append(found)
                break
    return min(candidates, key=lambda level: cost_of(level, shape))


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
        start = (DELTA, 1) if parent == ROOT else (levels[parent].responses[axis], levels[parent].steps[axis])
        part = fit_axis(Taps(profile), step, Taps(start[0]), start[1], limit)
        if part is None:
            return None
        parts.append(part)
    increments, responses, interpolations, errors = zip(*parts, strict=True)
    parent_steps = (1,) * len(steps) if parent == ROOT else levels[parent].steps
    return Level(n, parent, steps, parent_steps, errors, True, increments, interpolations, responses)


def increment_steps(level: Level) -> list[Step]:
    return [
        Step(taps, step, step_in)
        for taps, step, step_in in zip(level.increments, level.steps, level.parent_steps, strict=True)
    ]


def interpolation_steps(level: Level) -> list[Step]:
    return [
        Step(DELTA if taps is None else taps, 1, step)
        for taps, step in zip(level.interpolations, level.steps, strict=True)
    ]


def cost_of(level: Level, shape: Sequence[int]) -> float:
    """Estimated nanoseconds for one level: increments and interpolation, or FFT."""
    if not level.separable:
        return 3 * cost_of_fft(math.prod(shape))
    sizes = [n / step for n, step in zip(shape, level.parent_steps, strict=True)]
    total = 0.0
    for steps in (increment_steps(level), interpolation_steps(level)):
        order = range(len(steps)) if steps[0].out_step >= steps[0].in_step else reversed(range(len(steps)))
        for axis in order:
            step = steps[axis]
            sizes[axis] *= step.in_step / step.out_step
            strided = axis == len(steps) - 1 and step.in_step != step.out_step
            total += math.prod(sizes) * step.operations * (_STRIDED if strided else 1) * _OPERATION
    return total


def cost_of_fft(voxels: int) -> float:
    return _FFT_LEVEL * voxels * math.log2(max(voxels, 2))
