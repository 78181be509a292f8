"""From equations to kernels: the weight of the penalty, the constraints, and how well the data determine it all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .estimation_constrained import ConstrainedSolver, project
from .estimation_equations import Equations
from .estimation_krylov import Lanczos, Penalty

#: Steps between two looks at the solution.
_LOOK = 10
#: The iteration stops when ten steps change the kernels by less than this, relative to their norm.
_TOLERANCE = 1e-4
#: Smallest weight of the penalty, relative to the largest eigenvalue: below, float64 holds no digits.
_SMALLEST = 1e-14
_WEIGHTS = 145


@dataclass
class Fit:
    """Kernels and what was learnt on the way. Weights and traces are those of S^-1 X^T X S^-1."""

    kernels: np.ndarray  # (K, *shape)
    weight: float
    steps: int
    squares: list[float]  # |y - X h|^2 at every look
    degrees: float  # of freedom that the data use
    spread: np.ndarray  # (K,) expected |error| of every kernel
    unknown: np.ndarray  # (K,) share of a kernel's prior variance that no data touch
    condition: float
    sigma: float  # standard deviation of the residual


class LeastSquares:
    """min 1/2 |y - X h|^2 + l/2 h^T S^2 h for one pair of images.

    Parameters
    ----------
    equations : Equations
    data : ndarray
        y on the valid region, masked and centred by `Equations.counted`.
    penalty : Penalty
    constraint : {None, "non-negative", "sum-one", "simplex"}
    report : callable (fraction, text)
        Called after every step; may raise to stop.
    """

    def __init__(
        self,
        equations: Equations,
        data: np.ndarray,
        penalty: Penalty,
        constraint: str | None = None,
        report: Callable[[float, str], None] = lambda fraction, text: None,
    ):
        self.equations, self.penalty, self.constraint, self.report = equations, penalty, constraint, report
        self.kernel_shape = (equations.count, *equations.shape)
        self.right = equations.adjoint(data)
        self.energy = float(np.vdot(data, data))
        self.fixed = np.zeros(self.kernel_shape)  # kernels of sum 1 from which those of sum 0 are counted
        self.normals: np.ndarray | None = None  # what kernels of sum 0 are perpendicular to, in z
        right = penalty.inverse_root(self.right).ravel()
        if constraint in ("sum-one", "simplex"):
            right = self._eliminate_sums(right)
        self.start = right

    def _eliminate_sums(self, right: np.ndarray) -> np.ndarray:
        count = self.equations.count
        rows = np.zeros((count, *self.kernel_shape))
        for k in range(count):
            rows[k, k] = 1
        rows = np.stack([self.penalty.inverse_root(row).ravel() for row in rows])
        q, r = np.linalg.qr(rows.T)
        self.normals = q.T
        fixed = q @ np.linalg.solve(r.T, np.ones(count))  # the smallest z whose kernels sum to 1
        self.fixed = self.to_kernels(fixed)
        image = self.equations.product(self.fixed)
        self.energy += float(np.vdot(self.fixed, image) - 2 * np.vdot(self.fixed, self.right))
        return self._free(right - self.penalty.inverse_root(image).ravel())

    def _free(self, z: np.ndarray) -> np.ndarray:
        return z if self.normals is None else z - self.normals.T @ (self.normals @ z)

    def to_kernels(self, z: np.ndarray) -> np.ndarray:
        return self.penalty.inverse_root(z.reshape(self.kernel_shape))

    def operator(self, z: np.ndarray) -> np.ndarray:
        kernels = self.to_kernels(self._free(z))
        return self._free(self.penalty.inverse_root(self.equations.product(kernels)).ravel())

    # -- without signs

    def fit(self, weight: float | None, limit: int) -> Fit:
        """Solve for a given weight of the penalty, or choose it by generalised cross-validation.

        The weight belongs to S^2 as it stands.
        """
        size = self.start.size
        data_norm = np.linalg.norm(self.start)
        if data_norm == 0:
            raise ZeroDivisionError  # refused before: neither image is constant
        krylov = Lanczos(self.operator, self.start)
        probe_start = self._free(np.random.default_rng(0).standard_normal(size))
        probe = Lanczos(self.operator, probe_start)
        squares: list[float] = []
        z, chosen, degrees = np.zeros(size), weight or 0.0, 0.0
        kernels = self.to_kernels(z)
        quiet = 0
        while not krylov.exhausted and krylov.steps < limit:
            for _ in range(min(_LOOK, limit - krylov.steps)):
                krylov.step()
                if not probe.exhausted:
                    probe.step()
                self.report(krylov.steps / limit, f"{krylov.steps} steps")
                if krylov.exhausted:
                    break
            ritz, other = krylov.ritz(), probe.ritz()
            if weight is None:
                chosen = self._choose(krylov, ritz, probe, other)
            degrees = _trace(probe, other, lambda t, w=chosen: t / (t + w))
            z = krylov.solution(chosen, ritz)
            squares.append(self._square(krylov, ritz, chosen))
            before, kernels = kernels, self.to_kernels(z)
            change = np.linalg.norm(kernels - before)
            quiet = quiet + 1 if change <= _TOLERANCE * np.linalg.norm(kernels + self.fixed) else 0
            if quiet == 2:
                break
        return self._described(kernels + self.fixed, z, chosen, krylov, probe, squares, degrees)

    def _square(self, krylov: Lanczos, ritz, weight: float) -> float:
        """|y - X h|^2 = |y|^2 - 2 b^T z + z^T M z, from the tridiagonal matrix."""
        values, vectors = ritz
        parts = (krylov.norm * vectors[0]) ** 2
        inverse = _inverse(values, weight)
        return max(self.energy - float((parts * inverse * (2 - values * inverse)).sum()), 0.0)

    def _choose(self, krylov: Lanczos, ritz, probe: Lanczos, other) -> float:
        """The weight with the smallest |y - X h|^2 / (N - degrees of freedom)^2."""
        values, vectors = ritz
        weights = values[-1] * np.geomspace(_SMALLEST, 10, _WEIGHTS)
        parts = (krylov.norm * vectors[0]) ** 2
        inverse = 1 / (values[:, None] + weights)
        squares = self.energy - (parts[:, None] * inverse * (2 - values[:, None] * inverse)).sum(axis=0)
        squares = squares.clip(min=1e-28 * max(self.energy, 1e-300))
        nodes, shares = other
        degrees = probe.norm**2 * (shares[0][:, None] ** 2 * nodes[:, None] / (nodes[:, None] + weights)).sum(
            axis=0
        )
        left = np.maximum(self.equations.voxels - degrees, 1)
        return float(weights[np.argmin(squares / left**2)])

    def _described(self, kernels, z, weight, krylov, probe, squares, degrees) -> Fit:
        square = squares[-1]
        values = krylov.ritz()[0]
        nodes, vectors = probe.ritz()
        sigma = math.sqrt(square / max(self.equations.voxels - degrees, 1))

        def sample(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
            shares = vectors @ (function(nodes) * vectors[0]) * probe.norm
            errors = self.to_kernels(shares @ probe.basis[: probe.steps])
            return np.linalg.norm(errors.reshape(len(errors), -1), axis=1)

        floor = 1e-10 * nodes[-1]  # what float64 resolves, whatever the noise
        ratio = max(weight, 1e-13 * nodes[-1])
        # Draws from the posterior, of covariance sigma^2 S^-1 (M + l)^-1 S^-1.
        spread = sigma * sample(lambda t: 1 / np.sqrt(t + ratio))
        unknown = (sample(lambda t: np.sqrt(floor / (t + floor))) / sample(np.ones_like)) ** 2
        usable = values[values > 1e-15 * values[-1]]
        condition = math.sqrt(usable[-1] / usable[0])
        return Fit(kernels, weight, krylov.steps, squares, degrees, spread, unknown, condition, sigma)

    # -- with signs

    def constrained(self, fit: Fit, limit: int) -> Fit:
        """Refine a fit so that its kernels satisfy the constraint; the weight of the penalty stays."""
        if self.constraint in (None, "sum-one"):
            if self.constraint == "sum-one":  # exactly
                fit.kernels = project(fit.kernels, "sum-one")
            return fit

        def product(h: np.ndarray) -> np.ndarray:
            return self.equations.product(h) + fit.weight * self.penalty.product(h)

        def step(number: int) -> None:
            self.report(number / limit, f"constrained: {number} steps")

        solver = ConstrainedSolver(product, self.right, self.constraint, step)
        fit.kernels = solver.solve(fit.kernels, limit, _TOLERANCE)
        fit.steps += solver.products
        return fit


def _inverse(values: np.ndarray, weight: float) -> np.ndarray:
    usable = values > 1e-15 * values[-1]
    return np.where(usable, 1 / np.where(usable, values + weight, 1), 0)


def _trace(probe: Lanczos, ritz, function: Callable[[np.ndarray], np.ndarray]) -> float:
    """Estimate of the trace of function(M), by the quadrature of a random vector."""
    nodes, vectors = ritz
    return float(probe.norm**2 * (vectors[0] ** 2 * function(nodes)).sum())
