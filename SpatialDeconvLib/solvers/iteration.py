"""The one loop that all iterations run in.

A method is a generator of iterates: it yields the first image and then one image after another, as long as
anybody asks, and returns in words why it ended by itself. `run` asks for them, tells how far it is, and ends when
a rule of `stopping` or the limit says so.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..arrays.watch import Watch
from ..texts import Text
from ..texts import mark as _
from .problem import Problem


@dataclass
class Iterate:
    """An image on the way.

    Attributes
    ----------
    image : ndarray on the operator's domain, or None
        None where it is not at hand and nobody needs it. The generator may go on working on it, unless it says
        that it leaves it alone.
    squared : float
        |y - A x|^2 over the voxels that count.
    difference : ndarray, optional
        y - A x at every voxel, for rules that look at it.
    lacking : float
        The sum of y - A x over the voxels that count; NaN where nobody asks for it.
    """

    image: np.ndarray | None
    squared: float
    difference: np.ndarray | None = None
    lacking: float = math.nan


#: What a method is.
Iterates = Generator[Iterate, None, str]


class Best(NamedTuple):
    """What is kept of the best iterate so far: its number, and what `Iterate` says of it."""

    number: int = 0
    image: np.ndarray | None = None
    residual: float = math.nan
    lacking: float = math.nan

    @classmethod
    def of(cls, number: int, iterate: Iterate, residual: float) -> Best:
        """Return what is kept of this one."""
        return cls(number, iterate.image, residual, iterate.lacking)


class StoppingRule(Protocol):
    """Says which iterate is the result.

    Attributes
    ----------
    best : Best
    """

    best: Best

    def reached(self, number: int, iterate: Iterate, residual: float) -> str | None:
        """Take an iterate; return in words why to stop, or None."""
        ...


@dataclass
class Ended:
    """Where an iteration ended: its best iterate, the residual after each step, and why."""

    best: Best
    history: list[float]
    reason: str

    @property
    def image(self) -> np.ndarray:
        """The best image, of a method that yields images."""
        if self.best.image is None:
            raise ValueError("the best iterate came without its image")
        return self.best.image

    @property
    def residual(self) -> float:
        """Of the best image."""
        return self.best.residual

    @property
    def number(self) -> int:
        """How many steps led to the image."""
        return len(self.history)


@dataclass
class Solution:
    """A restored image and how it was reached.

    Attributes
    ----------
    image : ndarray, shape of the data, the operator's dtype
    iterations : int or None
        None of a blend whose filter makes no steps.
    history : list of float
        The residual after each iteration; a blend has none.
    residual : float or None
        |y - A x - b| over what the noise makes of it, sigma sqrt(N) where it is equally strong at N voxels: about 1
        when the kernels explain the image, more when they do not, less when noise has been fitted. None of a blend,
        which does not know it.
    parameters : dict
        What was chosen: regularization, step, bounds, why the iteration stopped.
    domain : ndarray or None
        The image on all of the operator's domain: `image` itself, where that is no larger. None of a blend.
    """

    image: np.ndarray
    iterations: int | None
    history: list[float]
    residual: float | None
    parameters: dict[str, Any] = field(default_factory=dict)
    domain: np.ndarray | None = None


def run(problem: Problem, iterates: Iterates, limit: int, stop: StoppingRule, watch: Watch, name: str) -> Ended:
    """Drive an iteration until its rule, its limit or the method itself ends it.

    Parameters
    ----------
    problem : Problem
    iterates : generator of Iterate
        The first is the start and counts as number 0.
    limit : int
        Most steps after the start.
    stop : StoppingRule
    watch : Watch
        Of this iteration; told after each step.
    name : str
        What a step is called; its number follows.
    """
    history: list[float] = []
    number, reason = 0, "iterations"
    while True:
        try:
            iterate = next(iterates)
        except StopIteration as end:
            reason = end.value
            break
        residual = problem.residual(iterate.squared)
        if number:
            history.append(residual)
            watch.step(number / limit, _said(name, number, residual))
        why = stop.reached(number, iterate, residual)
        del iterate  # the rule keeps what is worth keeping
        if why is not None:
            reason = why
            break
        if number == limit:
            break
        number += 1
    return Ended(stop.best, history[: stop.best.number], reason)


def solution(
    problem: Problem, image: np.ndarray, residual: float, history: list[float], **parameters: Any
) -> Solution:
    """What a method returns: the image's own voxels, and what was chosen."""
    own = np.ascontiguousarray(problem.operator.crop(image))
    domain = own if own.shape == image.shape else image
    return Solution(own, len(history), history, residual, {"noise": problem.noise, **parameters}, domain)


def _said(name: str, number: int, residual: float) -> Text:
    """What is told of a step."""
    return _("{name} {number}, residual {residual:.3g}").format(name=name, number=number, residual=residual)
