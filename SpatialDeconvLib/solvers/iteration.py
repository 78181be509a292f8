"""The one loop that all iterations run in.

A method is a generator of iterates: it yields the first image and then one image after another, as long as
anybody asks, and returns in words why it ended by itself. `run` asks for them, tells how far it is, and ends when
a rule of `stopping` or the limit says so.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

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
    """

    image: np.ndarray | None
    squared: float
    difference: np.ndarray | None = None


#: What a method is.
Iterates = Generator[Iterate, None, str]


class StoppingRule(Protocol):
    """Says which iterate is the result.

    Attributes
    ----------
    best : (int, ndarray or None, float)
        The number, image and residual of the best iterate so far.
    """

    best: tuple[int, np.ndarray | None, float]

    def reached(self, number: int, iterate: Iterate, residual: float) -> str | None:
        """Take an iterate; return in words why to stop, or None."""
        ...


@dataclass
class Ended:
    """Where an iteration ended: its best image if at hand, the residual there and after each step, and why."""

    best: np.ndarray | None
    residual: float
    history: list[float]
    reason: str

    @property
    def image(self) -> np.ndarray:
        """The best image, of a method that yields images."""
        if self.best is None:
            raise ValueError("the best iterate came without its image")
        return self.best

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
    number, image, residual = stop.best
    return Ended(image, residual, history[:number], reason)


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
