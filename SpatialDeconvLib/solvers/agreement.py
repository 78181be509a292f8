"""Numbers that belong to all of an image and steer an iteration: measured, noted, or those of another run.

But for the blur itself, what ties distant voxels of an image together in an iteration is a handful of numbers a
step: sums over all voxels, extremes, decisions. A tile of an image that takes the numbers of the whole goes the way
that the whole goes, and comes to the same result wherever its margin keeps off what it does not see. So a method
asks for every such number, by a name, through the `Problem.agreed` of its problem; what only tells how far it is
(residuals) is measured.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..arrays.inner import dot

#: In the order in which they were asked for, by name.
Numbers = Mapping[str, Sequence[float]]


class Agreement:
    """Measures every number on the image at hand: what a run does that is not one of many."""

    def __call__(self, name: str, measure: Callable[[], float]) -> float:
        """Return the next number of a name."""
        return measure()

    def known(self, name: str) -> list[float] | None:
        """Return what another run noted as a whole; None where there is none to follow."""
        return None

    def note(self, name: str, values: Sequence[float]) -> None:
        """Take numbers that a run to follow this one is to know as a whole."""

    def number(self, name: str, number: float) -> float:
        """Return the next number of a name, where the image at hand gives this one."""
        return self(name, lambda: number)

    def dot(self, name: str, a: np.ndarray, b: np.ndarray) -> float:
        """Return the next number of a name, which is an inner product."""
        return self(name, lambda: dot(a, b))


class Noted(Agreement):
    """Measures, and notes what it found.

    Attributes
    ----------
    numbers : dict of str to list of float
    """

    def __init__(self) -> None:
        self.numbers: dict[str, list[float]] = {}

    def __call__(self, name: str, measure: Callable[[], float]) -> float:
        number = float(measure())
        self.numbers.setdefault(name, []).append(number)
        return number

    def note(self, name: str, values: Sequence[float]) -> None:
        """Note them."""
        self.numbers[name] = [float(value) for value in values]


class Given(Agreement):
    """Gives the numbers that another run noted, which made the same steps.

    What the other did not ask for at all, as it had no voxel that asks, is measured.

    Raises
    ------
    RuntimeError
        If this run asks for a number more often than the other did: it went another way.
    """

    def __init__(self, numbers: Numbers):
        self._given = numbers
        self._numbers = {name: iter(values) for name, values in numbers.items()}

    def known(self, name: str) -> list[float] | None:
        """Return what the other run noted."""
        return list(self._given[name]) if name in self._given else None

    def __call__(self, name: str, measure: Callable[[], float]) -> float:
        if name not in self._numbers:
            return measure()
        for number in self._numbers[name]:
            return number
        raise RuntimeError(f"this run makes steps that the one it follows did not make: {name}")


class Told(Agreement):
    """Tells the numbers of one run to another that makes the same step after it.

    Parameters
    ----------
    own : Agreement
        Where they come from.

    Attributes
    ----------
    follower : Agreement
        Of the other run. What this one did not ask for is measured.
    """

    def __init__(self, own: Agreement):
        self._own = own
        self._numbers: defaultdict[str, deque[float]] = defaultdict(deque)
        self.follower = _Follower(self._numbers)

    def __call__(self, name: str, measure: Callable[[], float]) -> float:
        number = self._own(name, measure)
        self._numbers[name].append(number)
        return number


class _Follower(Agreement):
    def __init__(self, numbers: defaultdict[str, deque[float]]):
        self._numbers = numbers

    def __call__(self, name: str, measure: Callable[[], float]) -> float:
        return self._numbers[name].popleft() if self._numbers[name] else measure()
