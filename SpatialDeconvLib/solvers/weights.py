"""Weights of penalties: given ones, and searches for one that predicts left-out voxels well."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from ..arrays.inner import dot
from ..arrays.watch import Watch
from ..errors import InputError
from .problem import Problem

#: More slack, in units of what the residual's square exceeds 1 by: the share that the kernels do not explain.
_SLACK_UNEXPLAINED, _MOST_UNEXPLAINED = 0.4, 0.1

#: Standard deviations by which errors have to differ to tell penalties apart, unless something else does. They are
#: those of the blurred image, in which penalties differ little where objects are smooth.
_SIGNIFICANT = 2.0

_MOST = 1e30  # of a weight that is given; the values of an image it goes with are 1e12 at most (`run.units`)

Penalty = TypeVar("Penalty", bound=Hashable)


def given_weight(value: Any, method: str) -> float:
    """Return a penalty's weight, or a step, that was given as a number."""
    try:
        weight = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"regularization {value!r} of {method} must be 'auto' or a number") from error
    if not math.isfinite(weight) or weight < 0:
        raise InputError(f"regularization {value!r} of {method} must be 0 or positive")
    if weight > _MOST:
        raise InputError(
            f"regularization {value!r} of {method} is beyond {_MOST:g}, where nothing is left of an image"
        )
    return weight


@dataclass(frozen=True)
class WeightSearch:
    """Finds the weight of a penalty that predicts left-out voxels well, on the way from strong to weak.

    Attributes
    ----------
    weights : tuple of float
        Those that are tried.
    slack : float
        Mean squared errors of left-out voxels this share above the lowest count as equal to it.
    """

    weights: tuple[float, ...]
    slack: float

    def __call__(
        self,
        problem: Problem,
        start: Callable[[], np.ndarray],
        try_weight: Callable[[float, np.ndarray, Watch], tuple[np.ndarray, np.ndarray]],
        watch: Watch,
    ) -> tuple[np.ndarray, float]:
        """Return the image of the weight tried that is nearest to the best, and the best.

        ``try_weight(weight, x, watch) -> (image, y - A image)``; each solution starts the next, the first
        ``start()``.
        """
        with problem.held_out():
            x = start()
            errors: list[float] = []
            slacks: list[float] = []
            images: list[np.ndarray] = []
            for weight, part in watch.parts(self.weights):
                del images[:-3]
                x, difference = try_weight(weight, x, part)
                images.append(x)
                assert problem.held is not None
                errors.append(float(problem.squares(difference, problem.held).mean()))
                if not math.isfinite(errors[-1]):
                    raise InputError(not_finite(problem, weight))
                slacks.append(self.slack + _unexplained(problem, difference))
                if len(errors) > 2 and errors[-1] > errors[-2] and errors[-1] > min(errors):
                    break
        chosen = strongest(self.weights, errors, slacks[int(np.argmin(errors))])
        recent = np.asarray(self.weights[len(errors) - len(images) : len(errors)])
        return images[int(np.argmin(np.abs(np.log(recent / chosen))))], chosen


def _unexplained(problem: Problem, difference: np.ndarray) -> float:
    """More slack, where the kernels do not explain the data. Spoils `difference` where voxels do not count."""
    problem.masked(difference)
    return unexplained_slack(problem.residual(dot(difference, difference)))


def unexplained_slack(residual: float) -> float:
    """More slack for a residual that is larger than the noise."""
    return min(_SLACK_UNEXPLAINED * max(0.0, residual**2 - 1), _MOST_UNEXPLAINED)


def not_finite(problem: Problem, weight: float) -> str:
    return (
        f"the weight {weight:.3g} tried for noise {problem.noise:g} gives no finite image; check noise, the "
        f"values ({problem.low:g} to {problem.high:g}) and the kernels, or give regularization as a number"
    )


def strongest(weights: tuple[float, ...], errors: list[float], slack: float) -> float:
    """The largest weight whose error exceeds the lowest by no more than `slack` of it, on straight lines
    through the errors over log(weight): near its minimum the error says little, and noise is worse than
    blur. Where the kernels do not explain the data, it goes on falling as they are fitted all the same."""
    limit = (1 + slack) * min(errors)
    first = next(i for i, e in enumerate(errors) if e <= limit)
    if first == 0:
        return weights[0]
    share = (errors[first - 1] - limit) / (errors[first - 1] - errors[first])
    return weights[first - 1] * (weights[first] / weights[first - 1]) ** share


@dataclass(frozen=True)
class Choice:
    """A weight, and the squared errors of left-out voxels near it, with the residual of the others."""

    weight: float
    errors: np.ndarray
    residual: float

    @property
    def error(self) -> float:
        """The mean squared error of left-out voxels."""
        return float(self.errors.mean())

    def clearly_better(self, other: Choice, significance: float = _SIGNIFICANT) -> bool:
        """Whether the same voxels' errors are smaller by more than they scatter, so many times."""
        gain = other.errors - self.errors
        return float(gain.mean()) * math.sqrt(gain.size) > significance * float(gain.std())


_Tried = dict[int, Choice]  # by power of a factor


@dataclass(frozen=True)
class Guess:
    """What a search starts from: a weight, the slack (see `WeightSearch`) of the penalty, and what it has to show.

    `significance` is how clearly it has to be better than penalties before it (`Choice.clearly_better`).
    """

    weight: float
    slack: float
    significance: float = _SIGNIFICANT


@dataclass(frozen=True)
class PenaltySearch:
    """Finds which of some penalties predicts left-out voxels best, and its weight, near guesses of the weights.

    Another penalty than the first has to be clearly better. Of the first, weights are tried until the strongest is
    worse than another and a weaker one promises nothing; of the others only the one that was best so far, unless it
    turns out about as good. Where the kernels do not explain the data, the error goes on falling with the weight as
    they are fitted all the same: it is not followed far.

    Attributes
    ----------
    factor : float
        From one weight to the next.
    near : float
        A penalty whose first error is this share above the least of another may still be better.
    most : int
        Weights of one penalty that are tried at most.
    """

    factor: float = 2.0
    near: float = 0.015
    most: int = 8

    def __call__(
        self,
        guesses: Mapping[Penalty, Guess],
        attempt: Callable[[Penalty, float, Watch], tuple[np.ndarray, float]],
        watch: Watch,
    ) -> tuple[Penalty, Choice]:
        """Return the best penalty with its best weight.

        ``attempt(penalty, weight, watch)`` gives the squared errors of left-out voxels and the residual of the
        others.
        """
        watches = (part for _, part in watch.parts(range(self.most)))
        best: tuple[Penalty, _Tried] | None = None
        power, limit = 0, math.inf
        for penalty, guess in guesses.items():

            def try_power(power: int, penalty: Penalty = penalty, guess: float = guess.weight) -> Choice:
                weight = guess * self.factor**power
                return Choice(weight, *attempt(penalty, weight, next(watches, watch.part(1.0, 1.0))))

            tried = {power: try_power(power)}
            if tried[power].error > limit:
                continue
            tried = self._bracketed(try_power, tried, guess.slack)
            if best is None or _least(tried).clearly_better(_least(best[1]), guess.significance):
                best = penalty, tried
                power = max(tried, key=lambda power: -tried[power].error)
                limit = (1 + self.near) * tried[power].error
        assert best is not None, "no penalty to search for"
        return best[0], _chosen(best[1], guesses[best[0]].slack)

    def _bracketed(self, try_power: Callable[[int], Choice], tried: _Tried, slack: float) -> _Tried:
        """Try more weights until the least error is not at an end."""
        while len(tried) < self.most:
            beyond = _beyond(tried, slack)
            if beyond is None:
                break
            tried[beyond] = try_power(beyond)
        return tried


def _beyond(tried: _Tried, slack: float) -> int | None:
    """The next power to try, if there is one."""
    low, high = min(tried), max(tried)
    best = _least(tried)
    limit = (1 + slack + unexplained_slack(best.residual)) * best.error
    if tried[high].error <= limit:
        return high + 1
    if unexplained_slack(tried[low].residual):
        lower = best is tried[low] and low > -1
    else:
        lower = _falls_on(tried, low) if best is tried[low] else tried[low].error <= limit
    return low - 1 if lower else None


def _chosen(tried: _Tried, slack: float) -> Choice:
    powers = sorted(tried, reverse=True)
    best = _least(tried)
    slack += unexplained_slack(best.residual)
    weights = tuple(tried[power].weight for power in powers)
    return replace(best, weight=strongest(weights, [tried[power].error for power in powers], slack))


def _falls_on(tried: _Tried, low: int) -> bool:
    """Whether the parabola through the errors of the three weakest has its least more than half a step beyond."""
    if low + 2 not in tried:
        return True
    here, before, earlier = (tried[low + n].error for n in range(3))
    bend = earlier - 2 * before + here
    return bend <= 0 or 0.5 * (earlier - here) / bend > 1.5


def _least(tried: _Tried) -> Choice:
    return min(tried.values(), key=lambda choice: choice.error)
