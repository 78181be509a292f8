"""A rule that ends an iteration where A x is closest to what the data would be without noise, by Stein's estimate.

    |A x - E y|^2 = |y - A x|^2 - tr V + 2 tr(V d(A x)/dy)   in the mean over the noise, V its variances

(C. M. Stein, "Estimation of the mean of a multivariate normal distribution", Annals of Statistics 9, 1981; for the
noise of counts V is that of the data, to first order). The last term is how much of the noise is fitted. One probe
measures it: the iteration is made a second time, beside the first, with data to which some noise was added
(S. Ramani, T. Blu, M. Unser, "Monte-Carlo SURE", IEEE Transactions on Image Processing 17, 2008).

All voxels say how good an iterate is, where `stopping.HeldOutVoxels` asks a few. It does not hold where the data
choose the kernels: what they do to A is no part of the term.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays.inner import dot
from .agreement import Told
from .iteration import Best, Iterate, Iterates
from .problem import Problem

#: Noise added, of that of the data; and of their range of values at least, or rounding would be all that is seen.
_PROBE, _LEAST_PROBE = 0.1, 1e-4
#: The standard error of the noise's power, in units of that over the root of the number of voxels. The first
#: iterate whose estimate comes as close to the least is the result: it has less noise than those after it.
_CHANCE = math.sqrt(2)
_PATIENCE = 4  # steps without a lower estimate
#: A smaller relative fall of the error in four steps is none, where Nesterov's are taken. Its square counts so much
#: more, of the noise's power: far below the noise the estimate says nothing about how the error falls.
_FALL, _REST = 0.01, 0.1


class Probe:
    """A problem, and one beside it whose data have some noise more.

    Both take the same lengths of steps: these hang on single voxels, and what they do to an image is no noise.

    Attributes
    ----------
    problem, beside : Problem
    """

    def __init__(self, problem: Problem):
        variance = np.maximum(problem.variance(), (1e-6 * problem.span) ** 2)
        self._share = max(_PROBE, _LEAST_PROBE * problem.span / problem.noise)
        noise = self._share * np.sqrt(variance) * np.random.default_rng(0).standard_normal(problem.y.shape)
        self._noise = problem.masked(noise.astype(problem.dtype))
        told = Told(problem.agreed)
        self.problem = problem.with_data(problem.y, told)
        self.beside = problem.with_data(problem.y + self._noise, told.follower)

    def fitted(self, difference: np.ndarray, other: np.ndarray) -> float:
        """tr(V d(A x)/dy), from y - A x of both problems."""
        follows = self._noise - other
        follows += difference
        return dot(self._noise, follows) / self._share**2


class LeastRisk:
    """The first iterate whose estimate is the least, but for chance.

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
        self._slack = _CHANCE / math.sqrt(probe.problem.count)
        self._least = 0, math.inf  # the number of the iterate with the least estimate, and that
        self._errors: list[float] = []
        self._candidates: list[tuple[float, Best]] = []  # those that may turn out to be the first, with estimates
        self.best = Best()

    def reached(self, number: int, iterate: Iterate, residual: float) -> str | None:
        """Take an iterate with its difference; return why to stop, or None."""
        other = next(self._beside, None)
        if other is None:
            return "how much noise is fitted can be told no further"
        if iterate.difference is None or other.difference is None:
            raise ValueError("this rule needs y - A x of every iterate")
        fitted = self._probe.fitted(iterate.difference, other.difference)
        risk = (iterate.squared + 2 * fitted) / self._probe.problem.power - 1
        if risk < self._least[1]:
            self._least = number, risk
        self._candidates.append((risk, Best.of(number, iterate, residual)))
        self._candidates = [c for c in self._candidates if c[0] <= self._least[1] + self._slack]
        self.best = self._candidates[0][1]
        self._errors.append(math.sqrt(max(risk, 0.0) + _REST))
        if number - self._least[0] >= _PATIENCE:
            return "the least error is expected"
        if number >= 4 and self._errors[-5] - self._errors[-1] < self._fall * self._errors[-1]:
            return "no smaller error is expected any more"
        return None
