"""From equations to kernels: the weight of the penalty, the constraints, and how well the data determine it all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..arrays.watch import UNWATCHED, Watch
from .constrained import ConstrainedSolver, project
from .equations import Equations
from .krylov import Lanczos, Penalty, Ritz

#: Steps between two looks at the solution.
_LOOK = 10
#: The iteration stops when ten steps, twice, change no kernel by more than this, relative to its norm,
_TOLERANCE = 1e-4
#: ... or than this share of their uncertainty.
_UNCERTAIN = 0.05
#: Steps for the random vector, whose traces need less.
_PROBE = 60
#: Smallest weight of the penalty, relative to the largest eigenvalue: below, float64 holds no digits.
_SMALLEST = 1e-14
_WEIGHTS = 145
#: What a degree of freedom costs in the score. Cross-validation (1) looks for the best prediction; the best kernel
#: is a little smoother. Over 42 cases (Gaussians, disks, motion; squares, boxes, a photograph; noise 0.1 to 5 %)
#: the kernel's error is on average 1.04 times that of the best weight, and 1.2 times at worst; with 1 it is 1.06
#: and 1.3 (gradient; identity: 1.11 and 1.4 against 1.20 and 1.5).
_PRICE = 1.4
#: A kernel is not determined where the data leave more than this share of what it could be,
UNKNOWN = 0.7
#: ... nor worth an answer where much less noise would leave more than this.
MISSING = 0.5
#: A weight, relative to the largest eigenvalue, at which only what no data touch is left open.
_LITTLE = 1e-8


@dataclass
class Fit:
    """Kernels and what was learnt on the way. Weights and traces are those of S^-1 X^T X S^-1."""

    kernels: np.ndarray  # (K, *shape)
    weight: float
    steps: int
    squares: list[float]  # |y - X h|^2 at every look
    degrees: float  # of freedom that the data use
    spread: np.ndarray  # (K,) expected |error| of every kernel
    unknown: np.ndarray  # (K,) share of a kernel's prior variance that the data leave
    missing: np.ndarray  # (K,) the same if there were much less noise
    condition: float
    sigma: float  # standard deviation of the residual

    def uncertainty(self) -> np.ndarray:
        """Expected relative error of every kernel, shape (K,); infinite for one that came out as nothing.

        Where the data leave most of a kernel open, the penalty rather than the data keeps it from scattering:
        then that share counts.
        """
        norms = np.linalg.norm(self.kernels.reshape(len(self.kernels), -1), axis=1)
        relative = np.divide(self.spread, norms, out=np.full(len(norms), np.inf), where=norms > 0)
        return np.where(self.unknown < UNKNOWN, relative, np.maximum(relative, np.sqrt(self.unknown)))


class LeastSquares:
    """min 1/2 |y - X h|^2 + l/2 h^T S^2 h for one pair of images.

    Parameters
    ----------
    equations : Equations
    data : ndarray
        y on the valid region, masked and centred by `Equations.counted`.
    penalty : Penalty
    sums : {None, "one", "equal"}
        What the kernels sum to: anything, 1, or all of them to the same.
    watch : Watch, optional
        Asked, and told, after every step.
    """

    def __init__(
        self,
        equations: Equations,
        data: np.ndarray,
        penalty: Penalty,
        sums: str | None = None,
        watch: Watch | None = None,
    ):
        self.equations, self.penalty, self.sums, self.watch = equations, penalty, sums, watch or UNWATCHED
        self.kernel_shape = (equations.count, *equations.shape)
        gradient = Penalty(equations.shape, penalty.spacing, "gradient")
        self.smooth = gradient.inverse_root if penalty.kind == "identity" else None
        self.right = equations.adjoint(data)
        self.energy = float(np.vdot(data, data))
        self.fixed = np.zeros(self.kernel_shape)  # kernels of sum 1 from which those of sum 0 are counted
        self.normals: np.ndarray | None = None  # what z is perpendicular to
        right = penalty.inverse_root(self.right).ravel()
        if sums is not None:
            right = self._eliminate_sums(right)
        self.start = right

    def _eliminate_sums(self, right: np.ndarray) -> np.ndarray:
        count = self.equations.count
        rows = np.zeros((count, *self.kernel_shape))
        for k in range(count):
            rows[k, k] = 1
        rows = np.stack([self.penalty.inverse_root(row).ravel() for row in rows])
        if self.sums == "equal":
            self.normals = np.linalg.qr((rows[1:] - rows[0]).T)[0].T
            return self._free(right)
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

    def fit(self, weight: float | None, limit: int, slack: float = _UNCERTAIN, known: Fit | None = None) -> Fit:
        """Solve for a given weight of the penalty, or choose it by generalised cross-validation.

        Parameters
        ----------
        weight : float or None
            Of S^2 as it stands.
        limit : int
            Most steps.
        slack : float
            Stop when the kernels change by less than this share of their uncertainty.
        known : Fit, optional
            An earlier answer of about the same uncertainty, which is then not looked for again; takes a `weight`.
        """
        size = self.start.size
        if not np.linalg.norm(self.start) > 0:
            return self._nothing(weight or 0.0)
        krylov = Lanczos(self.operator, self.start)
        probe_start = self._free(np.random.default_rng(0).standard_normal(size))
        probe = Lanczos(self.operator, probe_start)
        squares: list[float] = []
        z, chosen, degrees = np.zeros(size), weight or 0.0, 0.0
        kernels = self.to_kernels(z)
        quiet = 0
        sigma, spread = (0.0, np.zeros(1)) if known is None else (known.sigma, known.spread)
        while not krylov.exhausted and krylov.steps < limit:
            for _ in range(min(_LOOK, limit - krylov.steps)):
                krylov.step()
                if known is None and not probe.exhausted and probe.steps < _PROBE:
                    probe.step()
                self.watch.step(krylov.steps / limit, f"{krylov.steps} steps")
                if krylov.exhausted:
                    break
            ritz, other = krylov.ritz(), probe.ritz() if known is None else None
            if weight is None and other is not None:
                chosen = self._choose(krylov, ritz, probe, other)
            z = krylov.solution(chosen, ritz)
            squares.append(self._square(krylov, ritz, chosen))
            before, kernels = kernels, self.to_kernels(z)
            if other is not None:
                degrees = _trace(probe, other, partial(_used, weight=chosen))
                sigma = math.sqrt(squares[-1] / max(self.equations.voxels - degrees, 1))
                spread = sigma * self._sample(probe, other, partial(_scatter, weight=chosen))
            # What changes less than it is uncertain by is good enough.
            change = np.linalg.norm((kernels - before).reshape(len(kernels), -1), axis=1)
            norms = np.linalg.norm((kernels + self.fixed).reshape(len(kernels), -1), axis=1)
            still = np.all(change <= np.maximum(_TOLERANCE * norms, slack * spread))
            quiet = quiet + 1 if still else 0
            if quiet == 2:
                break
        if known is None:
            while not probe.exhausted and probe.steps < _PROBE // 2:
                probe.step()
                self.watch.step(1.0, "looking for what the data leave unknown")
            little = 0.01 * chosen
            if weight is not None:  # a strong penalty says nothing about the data
                little = min(little, _LITTLE * probe.ritz()[0][-1])
            unknown, missing = self._unknown(probe, chosen), self._unknown(probe, little)
        else:
            unknown, missing, degrees = known.unknown, known.missing, known.degrees
        values = krylov.ritz()[0]
        usable = values[values > 1e-15 * values[-1]]
        condition = math.sqrt(usable[-1] / usable[0])
        kernels = kernels + self.fixed
        if self.sums == "one":
            kernels = project(kernels, "sum-one")  # rounding
        return Fit(kernels, chosen, krylov.steps, squares, degrees, spread, unknown, missing, condition, sigma)

    def _nothing(self, weight: float) -> Fit:
        """The answer where nothing is free: a single voxel whose sum is given."""
        none, sigma = np.zeros(self.equations.count), math.sqrt(self.energy / self.equations.voxels)
        return Fit(self.fixed, weight, 0, [self.energy], 0.0, none, none, none, 1.0, sigma)

    def _square(self, krylov: Lanczos, ritz: Ritz, weight: float) -> float:
        """|y - X h|^2 = |y|^2 - 2 b^T z + z^T M z, from the tridiagonal matrix."""
        values, vectors = ritz
        parts = (krylov.norm * vectors[0]) ** 2
        inverse = _inverse(values, weight)
        return max(self.energy - float((parts * inverse * (2 - values * inverse)).sum()), 0.0)

    def _choose(self, krylov: Lanczos, ritz: Ritz, probe: Lanczos, other: Ritz) -> float:
        """The weight with the smallest |y - X h|^2 / (N - 1.4 degrees of freedom)^2."""
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
        left = self.equations.voxels - _PRICE * degrees
        # As many unknowns as equations fit anything, and say nothing.
        score = np.where(left > 0.1 * self.equations.voxels, squares / np.maximum(left, 1) ** 2, np.inf)
        return float(weights[np.argmin(score)]) if np.isfinite(score).any() else float(weights[-1])

    def _sample(
        self,
        probe: Lanczos,
        ritz: Ritz,
        function: Callable[[np.ndarray], np.ndarray],
        filtered: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> np.ndarray:
        """Norms of the kernels S^-1 function(M) v, `filtered`, for the probe's random vector v, shape (K,)."""
        nodes, vectors = ritz
        shares = vectors @ (function(nodes) * vectors[0]) * probe.norm
        errors = self.to_kernels(shares @ probe.basis[: probe.steps])
        if filtered is not None:
            errors = filtered(errors)
        return np.linalg.norm(errors.reshape(len(errors), -1), axis=1)

    def _unknown(self, probe: Lanczos, weight: float) -> np.ndarray:
        """Share of every kernel's prior variance that the data leave at a weight of the penalty, shape (K,).

        Smooth parts of the kernel count more, as they do in kernels, whatever the penalty.
        """
        ritz = probe.ritz()
        weight = max(weight, 1e-13 * ritz[0][-1])
        left = self._sample(probe, ritz, lambda t: np.sqrt(weight / (t + weight)), self.smooth)
        return (left / self._sample(probe, ritz, np.ones_like, self.smooth)) ** 2

    # -- with signs

    def constrained(self, fit: Fit, limit: int, total: float | None) -> Fit:
        """Refine a fit so that its kernels are not negative, and sum to `total`; the penalty's weight stays."""

        def product(h: np.ndarray) -> np.ndarray:
            return self.equations.product(h) + fit.weight * self.penalty.product(h)

        def step(number: int) -> None:
            self.watch.step(number / limit, f"constrained: {number} steps")

        solver = ConstrainedSolver(product, self.right, total, step)
        fit.kernels = solver.solve(fit.kernels, limit, max(_TOLERANCE, _UNCERTAIN * float(fit.uncertainty().min())))
        fit.steps += solver.products
        return fit


def _inverse(values: np.ndarray, weight: float) -> np.ndarray:
    usable = values > 1e-15 * values[-1]
    return np.where(usable, 1 / np.where(usable, values + weight, 1), 0)


def _used(values: np.ndarray, weight: float) -> np.ndarray:
    """The degrees of freedom that the data use in each direction."""
    return values / np.maximum(values + weight, 1e-300)


def _scatter(values: np.ndarray, weight: float) -> np.ndarray:
    """How much noise scatters each direction."""
    return 1 / np.sqrt(values + max(weight, 1e-13 * values[-1]))


def _trace(probe: Lanczos, ritz: Ritz, function: Callable[[np.ndarray], np.ndarray]) -> float:
    """Estimate of the trace of function(M), by the quadrature of a random vector."""
    nodes, vectors = ritz
    return float(probe.norm**2 * (vectors[0] ** 2 * function(nodes)).sum())
