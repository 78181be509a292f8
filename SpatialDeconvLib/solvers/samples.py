"""Blocks of a problem that stand for all of it, where all of it would take long.

Every block is a problem of its own. Only voxels of the data that are made of voxels in the block are judged in it,
so that what lies outside matters little; the others count, too, as the descent is several times as long without
them. The blocks are spread over the values of the image's activity, the sum of its squared differences: where there
is more of it, more is to be gained, and flat regions tell nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import scipy.fft as sfft

from ..arrays.boxes import Box
from .problem import Problem

_COUNT = 4
_VOXELS = 96 * 96, 28 * 28 * 28  # that are judged in a block of two and of three dimensions
_REACH_SHARE = 1e-2  # of a kernel's weight that may come from outside the block
#: Of all voxels: where the blocks would have more, the whole problem is taken.
_MOST = 0.5
#: Of a block's voxels that are judged: as many have to count at least.
_LEAST_COUNTED = 0.5


def samples(problem: Problem) -> list[Problem]:
    """Return some blocks of a problem, or the problem itself where they would not be much smaller."""
    shape = problem.operator.data_shape
    inner, outer, margins = _sizes(problem)
    if _COUNT * math.prod(outer) > _MOST * math.prod(shape):
        return [problem]
    whole = any(o == n > 1 for o, n in zip(outer, shape, strict=True))
    boundary = problem.operator.boundary if whole else "edge"
    found: list[Problem] = []
    for start in _spread(_activities(problem, inner, outer, margins), _COUNT):
        box = tuple(slice(a, a + o) for a, o in zip(start, outer, strict=True))
        part = problem.part(box, _inner(box, shape, margins), boundary)
        if part is not None:
            found.append(part)
    return found or [problem]


def _sizes(problem: Problem) -> tuple[list[int], list[int], list[int]]:
    """Sizes of a block without and with what surrounds it, and how much that is on either side."""
    bound, shape = problem.operator.bound, problem.operator.data_shape
    long = min(sum(n > 1 for n in shape), 3)
    side = round(_VOXELS[long > 2] ** (1 / max(long, 1)))
    kernels = [bound.kernel(k) for k in range(len(bound))]
    margins = [max(kernel.reach(axis, _REACH_SHARE) for kernel in kernels) for axis in range(len(shape))]
    inner, outer = [], []
    for n, margin in zip(shape, margins, strict=True):
        size = sfft.next_fast_len(min(side, n) + 2 * margin, real=True)
        outer.append(min(size, n))
        inner.append(n if size >= n else size - 2 * margin)
    return inner, outer, margins


def _inner(box: Box, shape: Sequence[int], margins: Sequence[int]) -> Box:
    return tuple(
        s if s.stop - s.start == n else slice(s.start + m, s.stop - m)
        for s, n, m in zip(box, shape, margins, strict=True)
    )


def _activities(
    problem: Problem, inner: Sequence[int], outer: Sequence[int], margins: Sequence[int]
) -> list[tuple[float, tuple[int, ...]]]:
    """The activity of blocks side by side that cover the image, with their first voxels."""
    shape, mask = problem.operator.data_shape, problem.given_mask
    starts = []
    for n, i, o in zip(shape, inner, outer, strict=True):
        starts.append([round(a) for a in np.linspace(0, n - o, math.ceil((n - o) / i) + 1)])
    found = []
    for start in itertools.product(*starts):
        box = tuple(slice(a, a + o) for a, o in zip(start, outer, strict=True))
        box = _inner(box, shape, margins)
        counts = None if mask is None else mask[box]
        if counts is None or counts.mean() >= _LEAST_COUNTED:
            found.append((_activity(problem.y[box], counts, problem.noise), start))
    return found


def _activity(y: np.ndarray, counts: np.ndarray | None, noise: float) -> float:
    """The sum of squared differences between neighbours that count, less what noise alone gives."""
    total = 0.0
    for axis in range(y.ndim):
        ahead, behind = ((*(slice(None),) * axis, part) for part in (slice(1, None), slice(None, -1)))
        square = np.square(y[ahead] - y[behind], dtype=np.float64)
        square -= 2 * noise**2
        total += float(square.sum() if counts is None else square[counts[ahead] & counts[behind]].sum())
    return max(total, 0.0)


def _spread(found: list[tuple[float, tuple[int, ...]]], count: int) -> list[tuple[int, ...]]:
    """Pick some, so that each stands for an equal share of all activity."""
    found = sorted(found, reverse=True)
    count = min(count, len(found))
    shares = np.cumsum([activity for activity, _ in found])
    order = np.arange(count)
    if not count or shares[-1] <= 0:
        return [found[n][1] for n in order]
    picked = np.searchsorted(shares, shares[-1] * (order + 0.5) / count)
    picked = np.maximum.accumulate(picked - order) + order  # none of them twice
    return [found[n][1] for n in np.minimum(picked, len(found) - count + order)]
