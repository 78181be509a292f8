"""Least squares with a penalty on differences: min 1/2 |b (y - F(x))|^2 + l R(x), x >= a lower bound.

F is the blur A for "tv", and the blur whose kernels are keyed to x itself for "self-keyed". b is 1 where all voxels
have the same noise, and else makes those with more of it count less (`balance`). R is total variation,
or total variation and a share of the Hessian's norm (`hessian`), which restores what is not piecewise constant
better; the data say which. Both are smoothed by 1 % of the range of values for bounded L-BFGS, which comes near the
minimum with a fifth of the products with A that Chambolle and Pock's iteration takes for the exact one
(`Testing/Benchmarks/bench_joint.py --only tv`), has no step to tune and serves the nonlinear model as well.

Penalty and weight are those that predict left-out voxels best, in a few blocks of a large image (`samples`). The
image itself is then descended to once, from the data.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..arrays.inner import dot
from ..arrays.sweep import Sweep
from ..arrays.watch import Watch
from ..blur.selfkeyed import SelfKeyedBlur, follows_intensity
from ..errors import InputError, check_number, is_auto
from ..texts import mark as _
from .dataterm import DataTerm
from .flux import with_flux
from .hessian import HessianVariation
from .iteration import Ended, Iterate, Iterates, Solution, run, solution
from .lbfgs import descend
from .lifting import STEPS, LiftedDescent, changes_grow
from .models import LinearModel, Model
from .preconditioner import CosineFilter, DataCurvature, EdgeFilter
from .problem import Problem
from .samples import samples
from .stopping import LastIterate
from .totalvariation import SMOOTHING, TotalVariation, sparsity
from .weights import Choice, Guess, PenaltySearch, given_weight, not_finite

_LIMIT = 150
#: Of total variation, which comes to its flat pieces late, the later the weaker the noise: at least, at most, and
#: times noise over the range of values. With a share of the Hessian.
_TOLERANCE, _TOLERANCE_NOISY, _TOLERANCE_RISE, _TOLERANCE_CURVED = 1e-6, 1e-5, 0.006, 1e-4
#: Shares of the Hessian's norm in the penalty that are tried, the one that is best for most images first.
_SHARES = (1 / 3, 0.0)
#: A guess of the weight: c sigma sqrt(sigma / range of values); c / (1 + 3 q) where the Hessian has the share q.
_GUESS = 1.0
#: Near its least the error says little about the weight, and more is better for what has no plateaus. The share
#: by which the error may exceed the least, of total variation, and with a share of the Hessian.
_SLACK, _SLACK_CURVED = 0.001, 0.004
_SEARCH = PenaltySearch()
#: Sparsity of an image's gradients from which total variation need not be clearly better, only better, as strong
#: noise hides by how much it is. It falls with the noise, in shares of the range of values: for pieces of even
#: intensity from 0.75 to 0.58, for a brain from 0.61 to 0.55, for fur from 0.46 to 0.41.
_SPARSE, _SPARSE_FALL = 0.63, 1.0
#: Of the range of values: less noise makes automatic weights no weaker, as no model is exact to so many digits.
_LEAST_ERROR = 3e-4
#: Edges are looked for again after so many steps.
_LOOK = 3
_TRIAL_STEPS, _TRIAL_TOLERANCE, _TRIAL_TOLERANCE_CURVED = 60, 1e-4, 3e-4
#: Voxels that are left out in trials, and their share at most.
_HELD_OUT, _HELD_OUT_SHARE = 8000, 0.2


def tv(
    problem: Problem,
    iterations: int | None,
    regularization: Any,
    watch: Watch,
    *,
    tolerance: float | None = None,
    lower: float | str = "auto",
    hessian: float | str = "auto",
    true_values: bool = False,
) -> Solution:
    """Total variation with the weight `regularization`; see `self_keyed` for the other options.

    Parameters
    ----------
    true_values : bool
        Whether kernels that the data choose belong to the values of the image that is sought, so that the data
        chose wrong ones. The penalty is then the one that is right for kernels keyed to that image.
    """
    trials = Trials(problem, lower, hessian, true_values=true_values)
    start = PenalisedDescent(problem, LinearModel(problem.operator), trials, "TV")
    return start.solve(iterations, regularization, tolerance, watch)


def self_keyed(
    problem: Problem,
    iterations: int | None,
    regularization: Any,
    watch: Watch,
    *,
    tolerance: float | None = None,
    lower: float | str = "auto",
    hessian: float | str = "auto",
) -> Solution:
    """The same with the kernels keyed to the image that is sought.

    Parameters
    ----------
    iterations : int, optional
        Steps at most of the descent.
    tolerance : float, optional
        The relative fall of the objective in a step at which to stop.
    lower : float or "auto"
        The image's least value; "auto": 0 where the data look like those of a non-negative image, else none.
    hessian : float or "auto"
        The Hessian's share q in the penalty; "auto": 1/3, or 0 where that predicts left-out voxels clearly better,
        and 0 where `regularization` is a number.
    """
    start = PenalisedDescent(
        problem, SelfKeyedBlur(problem.operator), Trials(problem, lower, hessian), "self-keyed"
    )
    return start.solve(iterations, regularization, tolerance, watch)


class Objective:
    """1/2 |b (y - F(x))|^2 + `weight` R(x) and its gradient.

    Parameters
    ----------
    problem : Problem
    model : LinearModel or SelfKeyedBlur
    share : float
        The Hessian's in the penalty.
    weight : float

    Attributes
    ----------
    data : DataTerm
    share, weight : float
    """

    def __init__(self, problem: Problem, model: Model, share: float = 0.0, weight: float = 0.0):
        self.data, self.share, self.weight = DataTerm(problem, model), share, weight
        operator = problem.operator
        shape, spacing, run_ = operator.domain_shape, operator.bound.spacing, operator.run
        self.penalty = (
            HessianVariation(shape, spacing, run_, share) if share else TotalVariation(shape, spacing, run_)
        )
        self.eps = SMOOTHING * problem.span

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = self.data(x)
        penalty = self.penalty(x, self.eps, self.weight, gradient)
        return value + self.weight * self.data.problem.agreed.number("penalty", penalty), gradient


def descent(
    objective: Objective, x: np.ndarray, lower: float, tolerance: float, curvature: DataCurvature
) -> Iterates:
    """Yield the start and what L-BFGS makes of it."""
    near = _preconditioner(objective, curvature)
    problem = objective.data.problem
    images = descend(
        objective, x, lower, math.inf, tolerance=tolerance, precondition=near, agreed=problem.agreed,
        sweep=Sweep(x.shape, problem.operator.run),
    )  # fmt: skip
    del x
    number = 0
    while True:
        try:
            x = next(images)
        except StopIteration as end:
            return end.value
        if number % _LOOK == 0:
            near.at(x)
        number += 1
        yield Iterate(x, objective.data.squared, lacking=objective.data.lacking)
        del x


def _preconditioner(objective: Objective, curvature: DataCurvature) -> CosineFilter | EdgeFilter:
    """An inverse of the objective's second derivative.

    That of total variation knows edges, but not where steps that are long there lead to another least.
    """
    if objective.share or curvature.steep:
        return curvature.inverse()
    return curvature.inverse_at_edges(objective.penalty, objective.weight, objective.eps)


def flat_tolerance(problem: Problem) -> float:
    """The relative fall of the objective in a step at which to stop, of total variation alone."""
    return min(max(_TOLERANCE_RISE * problem.noise / problem.span, _TOLERANCE), _TOLERANCE_NOISY)


class PenalisedDescent:
    """One run of "tv" or "self-keyed": a first image, the choice of penalty and weight, the descent with them.

    Parameters
    ----------
    problem : Problem
    model : LinearModel or SelfKeyedBlur
    trials : Trials
        Where penalty and weight are tried.
    name : str
        Of the method, for messages.

    Attributes
    ----------
    history : list of float
        Residuals of the steps on the whole image.
    reason : str
        Why the last descent ended.
    """

    def __init__(self, problem: Problem, model: Model, trials: Trials, name: str):
        self.problem, self.model, self.trials, self.name = problem, model, trials, name
        self.history: list[float] = []
        self.reason = ""

    def solve(self, iterations: int | None, regularization: Any, tolerance: float | None, watch: Watch) -> Solution:
        problem = self.problem
        x = self.first_image(watch.part(0.0, 0.2))
        x, objective = self.begin(x, regularization, watch.part(0.2, 0.5))
        if tolerance is None:
            tolerance = _TOLERANCE_CURVED if objective.share else flat_tolerance(problem)
        ended = self.descend(objective, x, iterations or _LIMIT, tolerance, watch.part(0.5, 1.0))
        del x
        x, residual = with_flux(problem, self.model, ended.image, self.trials.lower, ended.best)
        return solution(
            problem, x, residual, self.history,
            regularization=objective.weight, hessian=objective.share, smoothing=objective.eps,
            lower=self.trials.lower, stopped=self.reason, balanced=problem.balance is not None,
        )  # fmt: skip

    def begin(self, x: np.ndarray, regularization: Any, watch: Watch) -> tuple[np.ndarray, Objective]:
        """Return an image to start from, `x` or a better one, and what to descend on."""
        if is_auto(regularization):
            share, chosen = self.trials.choose(self.model, x, watch)
            weight = chosen.weight
            x = self.trials.reached(self.model, share, x)
        else:
            share, weight = min(self.trials.shares), given_weight(regularization, self.name)
        return x, Objective(self.problem, self.model, share, weight)

    def descend(self, objective: Objective, x: np.ndarray, steps: int, tolerance: float, watch: Watch) -> Ended:
        """Descend on an objective from x."""
        curvature = DataCurvature(self.model, self.problem.agreed)
        iterates = descent(objective, x, self.trials.lower, tolerance, curvature)
        del x
        name = _("{method}, weight {weight:.3g}, step").format(method=self.name, weight=objective.weight)
        ended = run(self.problem, iterates, steps, LastIterate(), watch, name)
        self.history += ended.history
        self.reason = ended.reason
        return ended

    def first_image(self, watch: Watch) -> np.ndarray:
        """The data; for source-keyed kernels that differ too much to get from there to the image, a better one."""
        # Of all voxels, also those that the search for the weight leaves out: without them the start is worse.
        x, problem, model = self.problem.start(), self.problem, self.model
        if not (isinstance(model, SelfKeyedBlur) and model.source):
            return x
        if not problem.agreed("changes grow", partial(changes_grow, model, x, 0.01 * problem.span)):
            return x
        del x  # what follows takes the most memory
        operator = problem.operator
        variation = TotalVariation(operator.domain_shape, operator.bound.spacing, operator.run)
        lifted = LiftedDescent(problem, model, variation, self.trials.lower)
        ended = run(problem, lifted.iterates(), STEPS, LastIterate(), watch, _("first image, step"))
        self.history += ended.history
        return lifted.image()


class Trials:
    """Searches for penalty and weight on samples of a problem, each done once.

    Parameters
    ----------
    problem : Problem
    lower : float or "auto"
    hessian : float or "auto"
        The Hessian's share, if it is given.
    true_values : bool
        See `tv`.
    """

    def __init__(
        self, problem: Problem, lower: float | str, hessian: float | str = "auto", *, true_values: bool = False
    ):
        self.problem, self.lower, self.true_values = problem, problem.lower(lower), true_values
        self.shares: tuple[float, ...] = _SHARES
        if not is_auto(hessian):
            self.shares = (check_number(hessian, "hessian", 0, "a share or 'auto'"),)
        error = problem.error(_LEAST_ERROR)
        scale = _GUESS * error * math.sqrt(error / problem.span)
        self._guesses = {
            share: Guess(scale / (1 + 3 * share), _SLACK_CURVED if share else _SLACK) for share in self.shares
        }
        self._parts: list[Problem] = []
        self._series: dict[type, _Series] = {}

    def choose(self, model: Model, x: np.ndarray, watch: Watch) -> tuple[float, Choice]:
        """Return the Hessian's share, and the weight, that predict left-out voxels best; `x` is a first image."""
        series = self._series_of(type(model), x)
        shares = self._shares_to_try(series, x, watch.part(0.0, 0.4))
        guesses = self._guesses_for(series, shares, watch.part(0.4, 0.5))
        share, found = series.search(guesses, watch.part(0.5, 1.0))
        if isinstance(model, SelfKeyedBlur) and self.problem.noise < _LEAST_ERROR * self.problem.span:
            # Without noise, trials of a nonlinear model end long before its error shows which weight is too strong.
            found = replace(found, weight=self._guesses[share].weight)
        return share, found

    def _guesses_for(self, series: _Series, shares: tuple[float, ...], watch: Watch) -> dict[float, Guess]:
        """Of the weights; what total variation has to show depends on the image that is made without it."""
        guesses = {share: self._guesses[share] for share in shares}
        sparse = _SPARSE - _SPARSE_FALL * self.problem.noise / self.problem.span
        if shares == _SHARES and series.sparsity(shares[0], guesses[shares[0]].weight, watch) > sparse:
            guesses[0.0] = replace(guesses[0.0], significance=0.0)
        return guesses

    def _shares_to_try(self, series: _Series, x: np.ndarray, watch: Watch) -> tuple[float, ...]:
        """All of them; one where left-out voxels do not tell them apart because each chooses its own kernel.

        That is where kernels belong to the true values. With kernels keyed to the image that is sought, they do.
        """
        if len(self.shares) < 2 or not (isinstance(series.models[0], LinearModel) and self._data_choose):
            return self.shares
        if not self.true_values:
            return self.shares[::-1]  # total variation, unless another is clearly better
        keyed = self._series_of(SelfKeyedBlur, x)
        best, chosen = self.shares[0], None
        for share, part in watch.parts(self.shares):
            weight = 2 * self._guesses[share].weight  # strong enough for a few steps to come to its image
            found = Choice(weight, *keyed.attempt(share, weight, part))
            if chosen is None or found.clearly_better(chosen):
                best, chosen = share, found
        return (best,)

    @property
    def _data_choose(self) -> bool:
        """Whether the data choose kernels that may be keyed to the image that is sought."""
        return self.problem.keyed_to_data and follows_intensity(self.problem.operator.bound.field)

    def reached(self, model: Model, share: float, x: np.ndarray) -> np.ndarray:
        """Return an image to start from: that of the last trial, if it was of the whole image, or `x`."""
        return self._series[type(model)].images[0, share] if self._parts[0].box is None else x

    def _series_of(self, model: type[Model], x: np.ndarray) -> _Series:
        if not self._parts:
            self._parts = samples(self.problem)
        if model not in self._series:
            self._series[model] = _Series(self.problem, self._parts, model, self.lower, x)
        return self._series[model]


class _Series:
    """Descents on samples of a problem with some voxels left out; each starts from the last with its penalty."""

    def __init__(self, whole: Problem, parts: list[Problem], model: type[Model], lower: float, x: np.ndarray):
        self.parts, self.lower = parts, lower
        self.models = [model(part.operator) for part in parts]
        self.curvatures = [DataCurvature(m) for m in self.models]
        self.starts = [part.cut(x, whole) for part in parts]
        self.images: dict[tuple[int, float], np.ndarray] = {}
        self._tried: dict[tuple[float, float], tuple[np.ndarray, float]] = {}

    def search(self, guesses: dict[float, Guess], watch: Watch) -> tuple[float, Choice]:
        """Return the share and the weight that predict left-out voxels best."""
        return _SEARCH(guesses, self.attempt, watch)

    def sparsity(self, share: float, weight: float, watch: Watch) -> float:
        """How few voxels have most of the gradient, in the images of a trial."""
        self.attempt(share, weight, watch)
        images = [self.images[number, share] for number in range(len(self.parts))]
        return sparsity(images, self.parts[0].operator.bound.spacing)

    def attempt(self, share: float, weight: float, watch: Watch) -> tuple[np.ndarray, float]:
        """The squared errors of left-out voxels, and the residual of the others; each weight is tried once."""
        if (share, weight) not in self._tried:
            with ExitStack() as stack:
                for part in self.parts:
                    stack.enter_context(part.held_out(_HELD_OUT / len(self.parts), _HELD_OUT_SHARE))
                self._tried[share, weight] = self._attempt(share, weight, watch)
        return self._tried[share, weight]

    def _attempt(self, share: float, weight: float, watch: Watch) -> tuple[np.ndarray, float]:
        errors, squared, count = [], 0.0, 0
        for (number, problem), part in watch.parts(list(enumerate(self.parts))):
            objective = Objective(problem, self.models[number], share, weight)
            x = self._near(number, share)
            tolerance = _TRIAL_TOLERANCE_CURVED if share else _TRIAL_TOLERANCE
            iterates = descent(objective, x, self.lower, tolerance, self.curvatures[number])
            name = _("weight {weight:.3g}, step").format(weight=weight)
            x = run(problem, iterates, _TRIAL_STEPS, LastIterate(), part, name).image
            self.images[number, share] = x
            difference = objective.data.difference(x)
            held = problem.held
            assert held is not None
            errors.append(problem.squares(difference, held))
            if not np.all(np.isfinite(errors[-1])):
                raise InputError(not_finite(problem, weight))
            problem.masked(difference)
            fitted = difference if problem.judged is None else difference[problem.judged & ~held]
            squared += dot(fitted, fitted)
            count += problem.count if problem.judged is None else fitted.size
        return np.concatenate(errors), math.sqrt(squared / count) / self.parts[0].noise

    def _near(self, number: int, share: float) -> np.ndarray:
        """The last image with this penalty, or else with another."""
        found = [image for (part, _), image in self.images.items() if part == number]
        return self.images.get((number, share), found[-1] if found else self.starts[number])
