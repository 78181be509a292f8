"""Rules that say which iterate of an iteration is the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft as sfft

from ..arrays.watch import Watch
from .crossvalidation import CrossValidation, Probe
from .iteration import Best, Ended, Iterate, Iterates, run
from .problem import Problem

_WHITENESS_VOXELS = 1 << 18

_FALL = 0.004  # a smaller relative fall of the error per iteration is none
#: A left-out voxel still chooses its own weights then, and its error goes on falling for too long, at any pace.
_FALL_KEYED_TO_DATA = 0.01
#: What kernels with less in common with themselves a voxel on are: narrower than a Gaussian of 0.7 voxels.
_NARROW = 0.6
#: The same of kernels that let noise pass: a voxel and its scatter, or a Gaussian narrower than 0.45 voxels.
_PASSED = 0.2
#: Voxels that have so much of the error say no more than chance, as of stars.
_FEW = 20.0
#: Standard errors by which a fall of the squared error is one.
_CLEAR = 0.5
#: Of the squared error: what is left of it at least, when the noise of the left-out voxels is taken off it.
_LEAST_EXCESS = 0.05
_HELD_OUT_MATTER = 0.01  # share above which the image is found once more with them (they cost up to 4 dB)


class LastIterate:
    """The last one, whenever the iteration ends."""

    def __init__(self) -> None:
        self.best = Best()

    def reached(self, number: int, iterate: Iterate, residual: float) -> str | None:
        """Take an iterate; never a reason to stop."""
        self.best = Best.of(number, iterate, residual)
        return None


class HeldOutVoxels:
    """The first of the best by voxels that the solver does not see.

    A few voxels chosen at random are left out of the data term (`Problem.held_out`). The error with which the
    iterates predict them falls as long as the iteration recovers the image and rises when it fits noise. Near its
    least it says little, and going too far spoils more than ending too soon: an iterate is better than the best so
    far only if its squared errors are less by half the standard error of the differences. Where the kernels are
    narrow the neighbours say little about a voxel, and where few voxels have the error, they say little about the
    others: any fall is one then, of the errors weighed by the residual's `correlation`, of which there is less the
    more of the image has been recovered; unless the data choose the kernels. Where the kernels or weights do not
    explain the data the least error may never come, so the iteration also ends when the error all but ceases to
    fall.

    Parameters
    ----------
    problem : Problem
        Within its `held_out`.
    pace : float
        How many times as fast the iteration is as Nesterov's.
    patience : int
        Steps without a smaller error after which to stop.
    noise : float
        Of the left-out voxels themselves, taken off their error before its fall is looked at: it hides what is
        still to be won of an image with weak noise. A quick iteration goes too far then, where kernels are wrong.
    """

    def __init__(self, problem: Problem, pace: float = 1.0, patience: int = 4, noise: float = 0.0):
        self.problem, self.patience, self.noise = problem, patience, noise
        # The residual says nothing better where its own noise chooses the kernels.
        self._keyed = problem.keyed_to_data
        self.fall = _FALL_KEYED_TO_DATA if self._keyed else pace * _FALL
        # The errors say little then.
        self.unsure = not self._keyed and _in_common(problem) < _NARROW
        self.excesses: list[float] = []
        self.least = 0, math.inf  # the number of the iterate with the least error, and that
        self.best = Best()
        self._of_best: np.ndarray | None = None  # its squared errors

    def reached(self, number: int, iterate: Iterate, residual: float) -> str | None:
        """Take an iterate with its difference; return why to stop, or None."""
        difference, held = iterate.difference, self.problem.held
        if difference is None or held is None:
            raise ValueError("this rule needs y - A x of every iterate, within the problem's `held_out`")
        squares = np.square(difference[held], dtype=np.float64)
        square = float(squares.mean())
        self.excesses.append(math.sqrt(max(square - self.noise**2, _LEAST_EXCESS * square)))
        if self._of_best is None and not self._keyed:
            self.unsure |= square**2 * squares.size < _FEW * float(np.square(squares).mean())
        if self.unsure:
            squares *= math.sqrt(correlation(difference, self.problem.mask))
        if self._of_best is None or _less(squares, self._of_best, 0.0 if self.unsure else _CLEAR):
            self.best = Best.of(number, iterate, residual)
            self._of_best = squares
        if squares.mean() < self.least[1]:
            self.least = number, float(squares.mean())
        if number - self.least[0] >= self.patience:
            return "left-out voxels are predicted best"
        if number >= 4 and self.excesses[-5] - self.excesses[-1] < 4 * self.fall * self.excesses[-1]:
            return "left-out voxels are not predicted better any more"
        return None


def _less(squares: np.ndarray, others: np.ndarray, clear: float) -> bool:
    fall = others - squares
    return float(fall.mean()) > clear * float(fall.std()) / math.sqrt(fall.size)


def stopped_early(
    problem: Problem,
    begin: Callable[[Problem, bool], Iterates],
    limit: int,
    watch: Watch,
    name: str,
    pace: float = 1.0,
    noise: float = 0.0,
) -> tuple[Ended, str]:
    """Iterate until the least error is expected.

    Of a few voxels that are left out, and then as many times with them, where they matter; of all voxels, where
    these tell it (`all_voxels_tell`).

    Parameters
    ----------
    problem : Problem
    begin : callable (Problem, keep) -> Iterates
        Starts the iteration of a problem; `keep` asks for y - A x and leaves images alone afterwards.
    limit : int
        Most steps.
    watch : Watch
    name : str
        What a step is called.
    pace, noise : float
        See `HeldOutVoxels`.

    Returns
    -------
    Ended, str
        The end of the last iteration, and why the first one stopped.
    """
    if all_voxels_tell(problem):
        probe = Probe(problem)
        rule = CrossValidation(probe, begin(probe.beside, True), pace)
        ended = run(problem, begin(probe.problem, True), limit, rule, watch, name)
        return ended, ended.reason
    with problem.held_out():
        left_out = HeldOutVoxels(problem, pace, noise=noise)
        ended = run(problem, begin(problem, True), limit, left_out, watch.part(0.0, 0.5), name)
    number, reason = ended.number, ended.reason
    if not _held_out_matter(problem):
        return ended, reason
    del ended  # and its image
    return run(problem, begin(problem, False), number, LastIterate(), watch.part(0.5, 1.0), name), reason


def all_voxels_tell(problem: Problem) -> bool:
    """Whether all voxels say better than a few left-out ones how good an image is (`crossvalidation`).

    They do where left-out voxels would matter: the image is small, and has to be found once more with them, so that
    all cost no more. They do not where they choose the kernels, or where kernels let the noise of single voxels
    pass, so that it is fitted from the first step on.
    """
    return _held_out_matter(problem) and not problem.keyed_to_data and _in_common(problem) > _PASSED


def _held_out_matter(problem: Problem) -> bool:
    return problem.held_out_share() > _HELD_OUT_MATTER


def _in_common(problem: Problem) -> float:
    bound = problem.operator.bound
    return in_common([bound.kernel(k).values for k in range(len(bound))])


def in_common(kernels: Sequence[np.ndarray]) -> float:
    """Return how much neighbours say about each other: the kernels' mean autocorrelation at its largest lag but 0,
    over that at lag 0."""
    grid = [2 * max(h.shape[axis] for h in kernels) for axis in range(kernels[0].ndim)]
    lags = sfft.irfftn(sum(np.square(np.abs(sfft.rfftn(h, grid))) for h in kernels), grid)
    zero, lags.flat[0] = float(lags.flat[0]), -math.inf
    return float(lags.max()) / zero


def correlation(difference: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return how far a residual is from white: the sum of its squared autocorrelations at all other lags,
    over that at lag 0 squared, in a block in the middle (A. Lanza et al., "Residual whiteness principle for
    parameter-free image restoration", ETNA 53, 2020)."""
    side = round(_WHITENESS_VOXELS ** (1 / max(1, sum(n > 1 for n in difference.shape))))
    box = tuple(slice(max(0, (n - side) // 2), max(0, (n - side) // 2) + min(n, side)) for n in difference.shape)
    d = difference[box]
    if mask is None:
        d = d - d.mean()
    elif mask[box].any():
        d = np.where(mask[box], d - d[mask[box]].mean(), 0)
    else:
        return 0.0
    power = np.square(np.abs(sfft.rfftn(d)))
    lags = sfft.irfftn(power, s=d.shape)
    zero = float(lags.flat[0])
    if zero <= 0:
        return 0.0
    lags /= zero
    return max(0.0, float(np.square(lags).sum(dtype=np.float64)) - 1.0)
