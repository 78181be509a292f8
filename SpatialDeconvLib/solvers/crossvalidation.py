"""Where all voxels together say that an image predicts them best: a rule that ends iterations, and a weight.

Generalised cross-validation: leaving out one voxel after another and predicting each from the others comes to

    |y - A x|^2 / (1 - t)^2,      t = tr(V d(A x)/dy) / tr V,   V the variances of the noise,

where t is the share of the noise that the iterate has fitted (G. H. Golub, M. Heath, G. Wahba, "Generalized
cross-validation as a method for choosing a good ridge parameter", Technometrics 21, 1979). It need not know how
strong the noise is, only where it is stronger. One probe measures t: the iteration is made a second time, beside
the first, with data to which some noise was added (D. A. Girard, "A fast Monte-Carlo cross-validation procedure for
large least squares problems with noisy data", Numerische Mathematik 56, 1989).

It asks all voxels, where `stopping.HeldOutVoxels` asks a few. It does not hold where the data choose the kernels:
what they do to A is no part of t.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..arrays.inner import dot
from ..arrays.watch import Watch
from ..errors import InputError
from .agreement import Told
from .iteration import Best, Iterate, Iterates
from .problem import Problem
from .weights import not_finite, strongest, unexplained_slack

#: Noise added, of that of the data.
_PROBE = 0.1
#: Of their range of values: at least, or rounding would be all that is seen; at most, whatever noise is claimed.
_LEAST_PROBE, _MOST_PROBE = 1e-4, 0.1
_MOST_FITTED = 0.97  # of what is left then, one probe tells too little
#: The standard error of a sum of squared noise, in units of that over the root of the number of voxels. The first
#: iterate whose error comes as close to the least is the result: it has less noise than those after it.
_CHANCE = math.sqrt(2)
_PATIENCE = 4  # steps without a smaller error
#: A smaller relative fall in four of Nesterov's steps is none: of the root of the error, less most of its noise.
_FALL, _NOISE = 0.005, 0.9
#: Over the root of the number of voxels: a stronger weight is as good whose error is no more than this share above
#: the least. Less than `_CHANCE`, as the weights that are tried share most of the chance.
_SLACK = 0.5


class Probe:
    """A problem, and one beside it whose data have some noise more.

    Both take the same lengths of steps: these hang on single voxels, and what they do to an image is no noise.

    Attributes
    ----------
    problem, beside : Problem
    alone : Problem
        Its data are the noise, for what is linear in them; in the place of `beside`.
    """

    def __init__(self, problem: Problem):
        variance = np.maximum(problem.variance(), (1e-6 * problem.span) ** 2)
        span = problem.span / problem.noise
        self._share = min(max(_PROBE, _LEAST_PROBE * span), _MOST_PROBE * span)
        noise = self._share * np.sqrt(variance) * np.random.default_rng(0).standard_normal(problem.y.shape)
        self._noise = problem.masked(noise.astype(problem.dtype))
        told = Told(problem.agreed)
        self.problem = problem.with_data(problem.y, told)
        self.beside = problem.with_data(problem.y + self._noise, told.follower)
        self.alone = problem.with_data(self._noise, told.follower)

    def fitted(self, difference: np.ndarray, other: np.ndarray) -> float:
        """t, from y - A x of both problems."""
        follows = self._noise - other
        follows += difference
        return dot(self._noise, follows) / (self._share**2 * self.problem.power)


class CrossValidation:
    """The first iterate whose error is the least, but for chance.

    Parameters
    ----------
    probe : Probe
    beside : generator of Iterate
        Of the problem beside, the same iteration as that whose iterates are judged.
    pace : float
        How many times as fast the iteration is as Nesterov's.

    Attributes
    ----------
    best : Best
        The result so far.
    """

    def __init__(self, probe: Probe, beside: Iterates, pace: float = 1.0):
        self._probe, self._beside = probe, beside
        self._fall = pace * _FALL
        self._allowed = 1 + _CHANCE / math.sqrt(probe.problem.count)
        self._least = 0, math.inf  # the number of the iterate with the least error, and that
        self._excesses: list[float] = []
        self._candidates: list[tuple[float, Best]] = []  # those that may turn out to be the first, with errors
        self.best = Best()

    def reached(self, number: int, iterate: Iterate, residual: float) -> str | None:
        """Take an iterate with its difference; return why to stop, or None."""
        other = next(self._beside, None)
        if other is None:
            return "how much noise is fitted can be told no further"
        if iterate.difference is None or other.difference is None:
            raise ValueError("this rule needs y - A x of every iterate")
        fitted = max(self._probe.fitted(iterate.difference, other.difference), 0.0)
        error = math.inf
        if fitted < _MOST_FITTED:
            error = iterate.squared / (self._probe.problem.power * (1 - fitted) ** 2)
        if error < self._least[1]:
            self._least = number, error
        self._candidates.append((error, Best.of(number, iterate, residual)))
        self._candidates = [c for c in self._candidates if c[0] <= self._allowed * self._least[1]]
        self.best = self._candidates[0][1]
        self._excesses.append(math.sqrt(error - _NOISE * min(error, 1.0)))
        if number - self._least[0] >= _PATIENCE:
            return "all voxels are predicted best"
        if number >= 4 and self._excesses[-5] - self._excesses[-1] < self._fall * self._excesses[-1]:
            return "voxels are not predicted better any more"
        return None


def best_weight(
    problem: Problem,
    weights: Sequence[float],
    start: np.ndarray,
    solve: Callable[[Problem, float, np.ndarray, Watch], np.ndarray],
    watch: Watch,
) -> tuple[np.ndarray, float]:
    """Find the weight of a quadratic penalty whose error is the least, or a stronger one that is as good.

    Differences are weighted as the problem balances them: |b (y - A x)|^2 with t = tr(b^2 V d(A x)/dy) / tr(b^2 V).

    Parameters
    ----------
    problem : Problem
    weights : sequence of float
        From strong to weak, tried until the error clearly rises.
    start : ndarray
        A first image.
    solve : callable (problem, weight, image, watch) -> image
        Linear in the data and the image that it starts from, but for numbers that it asks of `problem.agreed`: what
        becomes of noise is known so for images, too, that are not yet at the end of their iteration.
    watch : Watch

    Returns
    -------
    ndarray, float
        The image of the weight tried that is nearest to the best, and the best.
    """
    probe = Probe(problem)
    problem, alone = probe.problem, probe.alone
    noise = alone.masked(alone.y.copy())
    power = dot(noise, problem.weighted(noise))
    x, passed = start, np.zeros_like(start)
    images: list[np.ndarray] = []
    errors: list[float] = []
    for weight, part in watch.parts(weights):
        del images[:-3]
        x = solve(problem, weight, x, part)
        images.append(x)
        passed = solve(alone, weight, passed, part.quiet())
        left = problem.masked(problem.y - problem.forward(x))
        fitted = dot(noise, problem.weighted(alone.forward(passed))) / power
        free = 1 - min(fitted, _MOST_FITTED)
        errors.append(dot(left, problem.weighted(left)) / (problem.power * free**2))
        if not math.isfinite(errors[-1]):
            raise InputError(not_finite(problem, weight))
        # What kernels do not explain, the weakest weight leaves as well; near the best one, the penalty adds to it.
        slack = _SLACK / math.sqrt(problem.count) + unexplained_slack(problem.residual(dot(left, left)))
        if len(errors) > 2 and errors[-1] > errors[-2] and errors[-1] > (1 + slack) * min(errors):
            break
    chosen = strongest(tuple(weights), errors, slack)
    recent = np.log(weights[len(errors) - len(images) : len(errors)])
    return images[int(np.argmin(np.abs(recent - math.log(chosen))))], chosen
