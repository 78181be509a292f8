r"""Gaussians for all kernels of a field at once, fitted to a pair of images without kernels between.

With the weights w_k of the keys, an original x and its blurred image y, the sigmas minimise

    || a sum_k w_k (g(sigma_k) * x) + b - y ||^2      (detector model; source: a sum_k g(sigma_k) * (w_k x) + b)

over the voxels of y that depend on nothing outside x, by Levenberg and Marquardt's method with the derivatives

    d/d sigma_k:   a w_k (g'(sigma_k) * x),   or   a g'(sigma_k) * (w_k x).

A handful of numbers is determined by pairs that leave free kernels open: images of patients rather than of
phantoms. Sigma may be a polynomial of intensity or position, whose coefficients are then what is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import fft

from ...arrays.inner import dot
from ...arrays.spacing import Spacing
from ...arrays.threads import usable_processors
from ...arrays.watch import IsCancelled, Progress, Watch
from ...errors import InputError, check_choice
from ...kernels.field import BoundField, KernelField
from ...kernels.kernel import Kernel
from ...methods.choices import FORMS, MODELS
from .families import family_on
from .fields import FieldFit, field_fit, polynomial_basis
from .single import KernelFit, check_pair, support_of

_STEPS = 40
_ENOUGH = 1e-5  # change of log sigma
_DETERMINED = 0.2  # relative standard error of sigma


def fit_gaussians(
    original: np.ndarray,
    blurred: np.ndarray,
    keys: KernelField,
    shape: int | Sequence[int],
    *,
    spacing: Spacing | None = None,
    form: str = "isotropic",
    degree: int | None = None,
    model: str = "detector",
    guide: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    gain: bool = False,
    offset: bool = False,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> FieldFit:
    """Fit one Gaussian per level, region or position to a pair of images, all together.

    Parameters
    ----------
    original, blurred : ndarray, 2-D (j, i) or 3-D (k, j, i)
        Same shape. Voxels of `blurred` count that depend on nothing outside `original`.
    keys : KernelField
        What chooses the kernels; its own kernels are ignored.
    shape : int or sequence of int
        Voxels per axis that hold the widest kernel.
    spacing : float or sequence of float
        Voxel size in mm; default 1.
    form : {"isotropic", "axes"}
        One sigma, or one per axis.
    degree : int, optional
        Make sigma a polynomial of intensity or position (all coordinates together) instead of free numbers.
    model : {"detector", "source"}
    guide : ndarray, optional
        The image whose values choose, for keys of intensity; default `original`.
    mask : ndarray of bool, optional
        Voxels of the blurred image that count.
    gain, offset : bool
        Fit along a factor and a constant between the images.
    progress, cancelled : callables

    Returns
    -------
    FieldFit
        A kernel counts as determined when the standard error of its sigma is below a fifth of it.

    Raises
    ------
    InputError
        If the images differ in shape or hold NaN, the data determine none of the kernels, or an argument cannot be
        used.
    Cancelled
    """
    watch = Watch(progress, cancelled)
    check_choice(model, MODELS, "model")
    check_choice(form, FORMS[:2], "form")
    original, blurred, spacings = check_pair(original, blurred, spacing)
    shape = support_of(shape, None, original.shape, spacings)
    chooser = original if guide is None else np.asarray(guide).reshape(original.shape)
    bound = keys.bind(chooser, spacings)
    problem = _KeyedPair(
        original, blurred, bound, len(keys.kernels), shape, form, degree, model, mask, gain, offset, watch
    )
    return _fitted(problem, keys)


class _KeyedPair:
    """The equations: residual and derivatives by the logarithms of the sigmas, gain and offset."""

    def __init__(
        self,
        original: np.ndarray,
        blurred: np.ndarray,
        bound: BoundField,
        count: int,
        shape: tuple[int, ...],
        form: str,
        degree: int | None,
        model: str,
        mask: np.ndarray | None,
        gain: bool,
        offset: bool,
        watch: Watch,
    ):
        self.bound, self.count, self.watch = bound, count, watch
        self.gain, self.offset = gain, offset
        self.family = family_on("gaussian", form, shape, bound.spacing)
        self.sigmas = self.family.count  # per kernel
        self.size = [fft.next_fast_len(n, real=True) for n in original.shape]
        self.workers = usable_processors()
        # Of sum 1, a kernel leaves a constant: taken out, rounding in single precision stays small.
        self.middle = float(original.mean())
        self.original = (original - self.middle).astype(np.float32)
        self.valid = tuple(slice(n - 1 - n // 2, m - n // 2) for n, m in zip(shape, original.shape, strict=True))
        self.taken = tuple(slice(n - 1, m) for n, m in zip(shape, original.shape, strict=True))
        self.inside = None if mask is None else np.asarray(mask).reshape(original.shape)[self.valid] != 0
        self.target = self._counted(blurred[self.valid])
        if self.target.size <= count * self.sigmas + 2:
            raise InputError(f"{self.target.size} voxels count, too few; enlarge the mask or give a smaller shape")
        self.norm = float(np.std(self.target))
        if self.norm == 0 or np.ptp(original) == 0:
            raise InputError(
                "original or blurred image is constant, which determines no kernel; give images with edges"
            )
        # Of the source model, each kernel has a spectrum of its own.
        self.spectrum = self._forward(self.original) if model == "detector" else None
        self.rest: np.ndarray | float = 0.0
        if len(bound) > count:
            self.rest = self._counted((bound.weight(count) * original)[self.valid])
        self.shares = [self._counted(bound.weight(k)[self.valid]) for k in range(count)]
        self.basis = None if degree is None else polynomial_basis(_points(bound.field), degree)

    def _counted(self, image: np.ndarray) -> np.ndarray:
        return image.ravel() if self.inside is None else image[self.inside]

    def _forward(self, image: np.ndarray) -> np.ndarray:
        return fft.rfftn(image.astype(np.float32, copy=False), self.size, workers=self.workers)

    def _blurred(self, spectrum: np.ndarray, values: np.ndarray) -> np.ndarray:
        product = self._forward(values) * spectrum
        return self._counted(fft.irfftn(product, self.size, workers=self.workers)[self.taken])

    # Free are, per kernel, log sigma on each axis (or one for all); or the coefficients of the polynomial. Gain and
    # offset come after them.

    def logs(self, free: np.ndarray) -> np.ndarray:
        """log sigma, shape (K, S)."""
        if self.basis is None:
            return free.reshape(self.count, self.sigmas)
        sigma = self.basis @ free.reshape(-1, self.sigmas)
        return np.log(np.maximum(sigma, 0.2 * self.family.step))

    def free_from(self, sigma: float) -> np.ndarray:
        if self.basis is None:
            return np.full(self.count * self.sigmas, math.log(sigma))
        free = np.zeros((self.basis.shape[1], self.sigmas))
        free[0] = sigma  # the constant comes first
        return free.ravel()

    def chain(self, free: np.ndarray) -> np.ndarray:
        """d log sigma / d free, shape (K S, F)."""
        if self.basis is None:
            return np.eye(free.size)
        slopes = np.exp(-self.logs(free))  # d log sigma / d sigma
        return np.einsum("ks,kf,st->ksft", slopes, self.basis, np.eye(self.sigmas)).reshape(
            self.count * self.sigmas, -1
        )

    def evaluate(self, logs: np.ndarray, derivatives: bool) -> tuple[np.ndarray, list[np.ndarray]]:
        """Prediction without gain and offset, and its derivatives by the logs."""
        predicted = np.zeros(self.target.size, np.float32)
        columns: list[np.ndarray] = []
        for k in range(self.count):
            self.watch.check()
            share: np.ndarray | np.float32
            if self.spectrum is not None:
                spectrum, share, constant = self.spectrum, self.shares[k], self.middle
            else:
                weighted = self.bound.weight(k) * (self.original + self.middle)
                spectrum, share, constant = self._forward(weighted), np.float32(1), 0.0
            self.family.radii = None
            self.family.settle(logs[k])
            values = self.family.model(logs[k], np.zeros(len(self.size)))
            predicted += share * (self._blurred(spectrum, values) + np.float32(constant))
            for s in range(self.sigmas if derivatives else 0):
                step = np.zeros(self.sigmas)
                step[s] = 1e-4
                zero = np.zeros(len(self.size))
                change = (self.family.model(logs[k] + step, zero) - self.family.model(logs[k] - step, zero)) / 2e-4
                columns.append(share * self._blurred(spectrum, change))
        return predicted + self.rest, columns

    def linear(self, predicted: np.ndarray) -> tuple[float, float]:
        """The best gain and offset."""
        y = self.target
        if self.gain and self.offset:
            centred = predicted - predicted.mean(dtype=np.float64)
            a = dot(centred, y) / max(dot(centred, centred), 1e-300)
            return a, float(y.mean() - a * predicted.mean(dtype=np.float64))
        if self.gain:
            return dot(predicted, y) / max(dot(predicted, predicted), 1e-300), 0.0
        return 1.0, float(np.mean(y - predicted)) if self.offset else 0.0

    def cost(self, free: np.ndarray) -> tuple[float, np.ndarray, tuple[float, float]]:
        predicted, _ = self.evaluate(self.logs(free), False)
        a, b = self.linear(predicted)
        residual = a * predicted + b - self.target
        return dot(residual, residual), residual, (a, b)


def _points(field_: KernelField) -> np.ndarray:
    if field_.key not in ("intensity", "position"):
        raise InputError(
            f"kernels keyed by {field_.key!r} have no degree; take intensity or position, or leave it out"
        )
    return np.array(field_.at, dtype=float).reshape(len(field_.at), -1)


def _start(problem: _KeyedPair) -> np.ndarray:
    """One sigma for all kernels, the best of a coarse grid."""
    family = problem.family
    sigmas = np.geomspace(0.5 * family.step, max(0.6 * family.reach, family.step), 7)
    return min((problem.free_from(float(sigma)) for sigma in sigmas), key=lambda free: problem.cost(free)[0])


def _normal_equations(problem: _KeyedPair, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """J^T J and J^T r by the free numbers and, after them, gain and offset."""
    logs = problem.logs(free)
    predicted, columns = problem.evaluate(logs, True)
    a, b = problem.linear(predicted)
    residual = a * predicted + b - problem.target
    extra = [predicted] * problem.gain + [np.ones_like(predicted)] * problem.offset
    everything = [a * column for column in columns] + extra
    chain = problem.chain(free)
    change = np.zeros((len(everything), chain.shape[1] + len(extra)))
    change[: len(columns), : chain.shape[1]] = chain
    change[len(columns) :, chain.shape[1] :] = np.eye(len(extra))
    size = len(everything)
    matrix = np.empty((size, size))
    for row in range(size):
        for column in range(row, size):
            matrix[row, column] = matrix[column, row] = dot(everything[row], everything[column])
    right = np.array([dot(column, residual) for column in everything])
    return change.T @ matrix @ change, change.T @ right


def _minimise(problem: _KeyedPair) -> tuple[np.ndarray, int]:
    problem.watch.step(0.0, "first guess")
    free, damping = _start(problem), 1e-3
    cost = problem.cost(free)[0]
    for step in range(_STEPS):
        problem.watch.step(
            0.1 + 0.9 * step / _STEPS, f"step {step + 1}, misfit {math.sqrt(cost / problem.target.size):.4g}"
        )
        matrix, right = _normal_equations(problem, free)
        scale = _scale(matrix)
        for _ in range(8):
            damped = matrix / np.outer(scale, scale) + damping * np.eye(scale.size)
            move = -np.linalg.solve(damped, right / scale) / scale
            trial = free + _limited(problem, free, move[: free.size])
            lower = problem.cost(trial)[0]
            if lower <= cost:
                break
            damping *= 8
        else:
            return free, step + 1
        moved = np.abs(problem.logs(trial) - problem.logs(free)).max()
        done = moved < _ENOUGH or cost - lower <= 1e-9 * cost
        free, cost, damping = trial, lower, max(damping / 8, 1e-9)
        if done:
            break
    return free, step + 1


def _scale(matrix: np.ndarray) -> np.ndarray:
    """The length of each column; not 0 for kernels without a voxel."""
    diagonal = np.diag(matrix)
    return np.sqrt(np.maximum(diagonal, 1e-12 * max(float(diagonal.max()), 1e-300)))


def _limited(problem: _KeyedPair, free: np.ndarray, move: np.ndarray) -> np.ndarray:
    """The step, shortened where a sigma would change by more than a factor of e, or leave what the grid shows."""
    if problem.basis is not None:
        return move
    least = np.log(0.2 * problem.family.step)
    return np.clip(free + np.clip(move, -1, 1), least, math.log(4 * problem.family.reach)) - free


def _fitted(problem: _KeyedPair, keys: KernelField) -> FieldFit:
    free, steps = _minimise(problem)
    cost, _, (gain, offset) = problem.cost(free)
    matrix, _ = _normal_equations(problem, free)
    scale = _scale(matrix)
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    inverse = (vectors / np.maximum(values, 1e-12)) @ vectors.T / np.outer(scale, scale)
    variance = cost / max(1, problem.target.size - matrix.shape[0])
    chain = problem.chain(free)
    covariance = variance * chain @ inverse[: free.size, : free.size] @ chain.T
    logs = problem.logs(free)
    errors = np.sqrt(np.maximum(np.diag(covariance), 0)).reshape(logs.shape)
    misfit = math.sqrt(cost / problem.target.size) / problem.norm
    family, shape = problem.family, problem.family.shape
    fits: list[KernelFit | None] = []
    for log, error in zip(logs, errors, strict=True):
        if not np.all(error < _DETERMINED):
            fits.append(None)
            continue
        sigmas = np.broadcast_to(np.exp(log), len(problem.size) - (shape[0] == 1 and len(shape) == 3))
        family.settle(log)
        model = Kernel(family.model(log, np.zeros(len(problem.size))), problem.bound.spacing, "fitted gaussian")
        fits.append(
            KernelFit(
                family.kernel(log), family.words(sigmas * error), misfit, gain, offset, (0.0,) * len(problem.size),
                model, steps, family.warnings(log),
            )
        )  # fmt: skip
    problem.watch.step(1.0, "fitted")
    return field_fit(keys, fits)
