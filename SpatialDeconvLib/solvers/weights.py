"""Weights of penalties: given ones, and the search for one that predicts left-out voxels well."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays.inner import dot
from ..arrays.watch import Watch
from ..errors import InputError
from .problem import Problem

#: More slack, in units of what the residual's square exceeds 1 by: the share that the kernels do not explain.
_SLACK_UNEXPLAINED, _MOST_UNEXPLAINED = 0.4, 0.1


def given_weight(value: Any, method: str) -> float:
    """Return a penalty's weight, or a step, that was given as a number."""
    try:
        weight = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"regularization {value!r} of {method} must be 'auto' or a number") from error
    if not math.isfinite(weight) or weight < 0:
        raise InputError(f"regularization {value!r} of {method} must be 0 or positive")
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
                errors.append(float(np.square(difference[problem.held]).mean(dtype=np.float64)))
                if not math.isfinite(errors[-1]):
                    raise InputError(_not_finite(problem, weight))
                slacks.append(self.slack + _unexplained(problem, difference))
                if len(errors) > 2 and errors[-1] > errors[-2] and errors[-1] > min(errors):
                    break
        chosen = strongest(self.weights, errors, slacks[int(np.argmin(errors))])
        recent = np.asarray(self.weights[len(errors) - len(images) : len(errors)])
        return images[int(np.argmin(np.abs(np.log(recent / chosen))))], chosen


def _unexplained(problem: Problem, difference: np.ndarray) -> float:
    """More slack, where the kernels do not explain the data. Spoils `difference` where voxels do not count."""
    problem.masked(difference)
    unexplained = max(0.0, problem.residual(dot(difference, difference)) ** 2 - 1)
    return min(_SLACK_UNEXPLAINED * unexplained, _MOST_UNEXPLAINED)


def _not_finite(problem: Problem, weight: float) -> str:
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
