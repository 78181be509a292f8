"""Regularised least squares for every weight of the penalty at once, and the choice among them.

The problem is min 1/2 |y - X h|^2 + l/2 h^T S^2 h with a penalty S^2 = Q x P: P acts on the voxels of a kernel
(identity, or the negative Laplacian with zero outside the kernel: the squared gradient), Q couples the kernels of
a field. In z = S h it is a problem with the identity as its penalty, and the Krylov space of M = S^-1 X^T X S^-1
is the same whatever l: after some steps of Lanczos' process the solutions, residuals and norms of all weights
follow from one small tridiagonal matrix. Generalised cross-validation [1]_ chooses the weight, with degrees of
freedom that cost a little more than one [3]_; their number comes from Gauss quadrature with a random vector [2]_.

References
----------
.. [1] G. H. Golub, M. Heath, G. Wahba, "Generalized cross-validation as a method for choosing a good ridge
   parameter", Technometrics 21(2), 215-223, 1979.
.. [2] G. H. Golub, U. von Matt, "Generalized cross-validation for large-scale problems", Journal of
   Computational and Graphical Statistics 6(1), 1-34, 1997.
.. [3] D. J. Cummins, T. G. Filloon, D. Nychka, "Confidence intervals for nonparametric curve estimates: toward
   more uniform pointwise coverage", Journal of the American Statistical Association 96, 233-246, 2001.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.fft as sfft
import scipy.linalg

#: Eigenvalues of a tridiagonal matrix, and its eigenvectors as columns.
Ritz = tuple[np.ndarray, np.ndarray]


class Penalty:
    """S and its inverse for kernels (K, *shape), by sine transforms and the eigenvectors of Q.

    Parameters
    ----------
    shape : tuple of int
        Of each kernel.
    spacing : tuple of float
        In mm: differences along an axis count by (smallest spacing / its spacing)^2.
    kind : {"gradient", "identity"}
    coupling : ndarray (K, K), optional
        Q, symmetric and positive definite; the identity when None.
    """

    def __init__(
        self, shape: tuple[int, ...], spacing: Sequence[float], kind: str, coupling: np.ndarray | None = None
    ):
        self.shape, self.spacing, self.kind = shape, tuple(spacing), kind
        self.axes = tuple(a + 1 for a, n in enumerate(shape) if n > 1) if kind == "gradient" else ()
        values = np.zeros(shape)
        for a in (axis - 1 for axis in self.axes):
            n = shape[a]
            line = 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
            line *= (min(spacing) / spacing[a]) ** 2
            values += line.reshape([-1 if b == a else 1 for b in range(len(shape))])
        self.values = np.sqrt(values) if self.axes else np.ones(shape)
        self.left = None
        if coupling is not None:
            strengths, vectors = scipy.linalg.eigh(coupling)
            self.left = vectors
            self.values = self.values * np.sqrt(strengths).reshape(-1, *[1] * len(shape))

    def _turn(self, kernels: np.ndarray) -> np.ndarray:
        return sfft.dstn(kernels, type=1, axes=self.axes, norm="ortho") if self.axes else kernels

    def _scaled(self, kernels: np.ndarray, factors: np.ndarray) -> np.ndarray:
        out = kernels if self.left is None else np.tensordot(self.left.T, kernels, 1)
        out = self._turn(self._turn(out) * factors)
        return out if self.left is None else np.tensordot(self.left, out, 1)

    def root(self, kernels: np.ndarray) -> np.ndarray:
        """S h."""
        return self._scaled(kernels, self.values)

    def inverse_root(self, kernels: np.ndarray) -> np.ndarray:
        """S^-1 z."""
        return self._scaled(kernels, 1 / self.values)

    def product(self, kernels: np.ndarray) -> np.ndarray:
        """S^2 h."""
        return self._scaled(kernels, self.values**2)

    def roughness(self, kernels: np.ndarray) -> np.ndarray:
        """|S h_k|^2 of every kernel, shape (K,)."""
        return np.square(self.root(kernels)).reshape(len(kernels), -1).sum(axis=1)


class Lanczos:
    """Lanczos' process for a symmetric non-negative operator, with full re-orthogonalisation."""

    def __init__(self, product: Callable[[np.ndarray], np.ndarray], start: np.ndarray):
        self.product = product
        self.norm = float(np.linalg.norm(start))
        self.basis = np.empty((16, start.size))
        self.basis[0] = start / self.norm
        self.alpha: list[float] = []
        self.beta: list[float] = []
        self.exhausted = False

    @property
    def steps(self) -> int:
        return len(self.alpha)

    def step(self) -> None:
        """One product more; sets `exhausted` when the space holds the solution exactly."""
        k = self.steps
        w = self.product(self.basis[k])
        self.alpha.append(float(self.basis[k] @ w))
        known = self.basis[: k + 1]
        for _ in range(2):
            w = w - known.T @ (known @ w)
        beta = float(np.linalg.norm(w))
        self.beta.append(beta)
        self.exhausted = k + 1 == w.size or beta <= 1e-14 * max(self.alpha[0], *self.alpha)
        if self.exhausted:
            return
        if k + 1 == len(self.basis):
            self.basis = np.concatenate([self.basis, np.empty_like(self.basis)])
        self.basis[k + 1] = w / beta

    def ritz(self) -> Ritz:
        """Eigenvalues of the tridiagonal matrix (clipped at 0) and its eigenvectors as columns."""
        values, vectors = scipy.linalg.eigh_tridiagonal(self.alpha, self.beta[: self.steps - 1])
        return values.clip(0), vectors

    def solution(self, weight: float, ritz: Ritz | None = None) -> np.ndarray:
        """(M + weight)^-1 start within the space."""
        values, vectors = ritz or self.ritz()
        # Directions whose eigenvalue is lost in rounding hold nothing but rounding.
        usable = values > 1e-15 * values[-1]
        inverse = np.where(usable, 1 / np.where(usable, values + weight, 1), 0)
        return (vectors @ (inverse * vectors[0]) * self.norm) @ self.basis[: self.steps]
