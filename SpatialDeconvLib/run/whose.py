"""Whose intensity chooses the kernels: that of the blurred image as it was measured, or that of the object itself.

"Kernel 1 where the pixel value is 10" can mean either. The data tell: an image is restored once with weights from
the blurred image ("tv") and once with kernels keyed to the unknown object ("self-keyed"), and the reading that is
wrong leaves the larger residual. Where noise hides most of that, the second fits a little better even when it is
wrong, for it is the more flexible. So the logarithm of the ratio of both squared residuals is held to what it would
be under each reading: the restored images are blurred again by their own readings, given new noise and restored in
both ways (D. R. Cox, "Tests of separate families of hypotheses", Proc. 4th Berkeley Symposium 1, 1961, by
simulation: a parametric bootstrap of the likelihood ratio). The reading whose simulation comes nearer is right.
All of this happens in the one block of the image that has most to see.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from ..arrays.boxes import Box
from ..arrays.watch import UNWATCHED, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..blur.selfkeyed import SelfKeyedBlur, check_self_keyed
from ..errors import InputError
from ..kernels.field import BoundField, KernelField
from ..noise import NoiseLaw
from ..solvers.solve import solve
from ..texts import mark as _

#: The two readings.
MEASURED, TRUE = "measured", "true"

#: The joint method that is right under each.
METHODS = {MEASURED: "tv", TRUE: "self-keyed"}

# The numbers below were settled on suite A of Testing/Benchmarks/bench_whose.py.
_BLOCK_VOXELS = 1 << 15
# Weight of the penalty: so many times sigma sqrt(sigma / span). Half of it, or twice, tells less.
_WEIGHT = 0.68
# Steps, so many where the noise has this share of the span or more. Weaker noise is come down to in more of them:
# with too few, the reading whose method is quicker seemed right (on suite A at noise 0.1 and 0.5 of 100: 95.6 %
# right with 25 steps, 97.2 % with more).
_STEPS, _MOST_STEPS, _STRONG_NOISE = 25, 100, 0.02
# Of the span: with less noise the readings differ no more, as no model is exact to so many digits.
_LEAST_NOISE = 1e-4
# Size of the log ratio beyond which nothing needs to be simulated. Nearer to 0 even its sign can mislead without
# noise: where self-keyed gets stuck (bars, motions), or the blurred image hardly settles on kernels of its own.
_PLAIN = 2.0
# Of the image that chooses its own kernels: rounds, and the change, in sigmas, that counts as none.
_ROUNDS, _SETTLED = 40, 0.01
# It is clear when one simulation is nearer by so many standard errors. Of 49 answers at noise of 2 and 5 (of 100)
# 37 were clear then, and 35 of these right (bench_whose.py --suite B --every 5).
_CLEAR = 3.0


@dataclass(frozen=True)
class Finding:
    """Whose values choose the kernels, as far as the data tell.

    Attributes
    ----------
    of : {"measured", "true"}
        The answer; "measured", which is the literal reading, where the data do not tell.
    clear : bool
        Whether the data told.
    why : str
        The reason, in words.
    residuals : dict of str to float
        What each reading leaves unexplained, as root mean square in units of the noise; empty where nothing had to
        be compared.
    ratio : float
        Logarithm of the ratio of their squares, positive where "true" explains more; NaN where there are none.
    expected : dict of str to float
        The same where the one or the other reading holds; empty where it did not have to be simulated.
    """

    of: str
    clear: bool
    why: str
    residuals: dict[str, float] = field(default_factory=dict)
    ratio: float = math.nan
    expected: dict[str, float] = field(default_factory=dict)


def whose_values(
    image: np.ndarray,
    bound: BoundField,
    noise: NoiseLaw,
    *,
    model: str = "detector",
    boundary: str = "edge",
    mask: np.ndarray | None = None,
    watch: Watch = UNWATCHED,
) -> Finding:
    """Find out whose intensity kernels are keyed to.

    Parameters
    ----------
    image : ndarray
        The blurred image, float32 or float64.
    bound : BoundField
        Keyed by intensity, on the grid of the image.
    noise : NoiseLaw
        Of the image.
    model, boundary : str
        As for the run; "extended" is taken for "edge".
    mask : ndarray of bool, optional
        The voxels that count.
    watch : Watch

    Returns
    -------
    Finding

    Raises
    ------
    InputError
        If the kernels are not keyed by intensity.
    Cancelled
        If `watch` says so.
    """
    if bound.field.key != "intensity":
        raise InputError(
            f"kernels keyed by {bound.field.key} have no values: only intensities are measured or true"
        )
    try:
        check_self_keyed(bound.field)
    except InputError as error:
        text = _("only measured values can choose these kernels: {reason}")
        return Finding(MEASURED, True, text.format(reason=error.text))
    box = busiest_block(image, mask)
    trial = _Trial(image, bound, noise, model, boundary, mask, box)
    if not trial.span > 0:
        return Finding(
            MEASURED, False, _("the image is constant and does not tell whose intensity chooses the kernels")
        )
    return _decided(trial, watch)


def busiest_block(image: np.ndarray, mask: np.ndarray | None) -> Box:
    """The block, out of half-overlapping ones that cover the image, whose values that count vary most in sum."""
    shape = image.shape
    sizes = list(shape)
    while math.prod(sizes) > _BLOCK_VOXELS:
        longest = int(np.argmax(sizes))
        enough = _BLOCK_VOXELS * sizes[longest] // math.prod(sizes)
        sizes[longest] = max(enough, sizes[longest] // 2, 1)
    starts = [
        sorted({min(a, n - m) for a in range(0, n, max(m // 2, 1))}) for n, m in zip(shape, sizes, strict=True)
    ]
    best, most = tuple(slice(0, n) for n in shape), -1.0
    for corner in itertools.product(*starts):
        box = tuple(slice(a, a + m) for a, m in zip(corner, sizes, strict=True))
        seen = image[box] if mask is None else image[box][mask[box]]
        variation = float(seen.var(dtype=np.float64)) * seen.size if seen.size else -1.0
        if variation > most:
            best, most = box, variation
    return best


class _Trial:
    """A block of an image, restored under both readings, and images like it."""

    def __init__(
        self, image: np.ndarray, bound: BoundField, noise: NoiseLaw, model: str, boundary: str,
        mask: np.ndarray | None, box: Box,
    ):  # fmt: skip
        whole = all(s.stop - s.start == n for s, n in zip(box, image.shape, strict=True))
        kernels = [bound.kernel(k) for k in range(len(bound.field.at))]
        # Beyond the levels the nearest kernel holds, whatever was asked for: what is simulated may go there.
        self.field = KernelField.by_intensity(zip(bound.field.at, kernels, strict=True))
        self.image = np.ascontiguousarray(image[box])
        self.mask = None if mask is None else np.ascontiguousarray(mask[box])
        self.spacing, self.model = bound.spacing, model
        self.boundary = boundary if whole and boundary != "extended" else "edge"
        self.compared_at = self._compared_at(
            None if whole else [max(k.shape[a] for k in kernels) for a in range(image.ndim)]
        )
        low, high = np.percentile(self.image[self.compared_at], (0.1, 99.9))
        self.span = float(high - low)
        self.noise = noise.part(box)
        self.sigma = max(self.noise.over(self.image, self.mask).sigma, _LEAST_NOISE * self.span)
        self.normals = np.random.default_rng(0).standard_normal(self.image.shape)

    def _compared_at(self, lengths: list[int] | None) -> np.ndarray:
        """The voxels that are compared: not those close to the faces of a block that was cut out of an image."""
        counting = np.ones(self.image.shape, bool) if self.mask is None else self.mask
        if lengths is None:
            return counting
        margins = [min(m // 4, n // 8) for m, n in zip(lengths, counting.shape, strict=True)]
        inner = np.zeros_like(counting)
        box = tuple(slice(m, n - m) for m, n in zip(margins, counting.shape, strict=True))
        inner[box] = counting[box]
        return inner if inner.any() else counting

    @property
    def steps(self) -> int:
        """Of a restoration."""
        return round(min(max(_STRONG_NOISE * self.span / self.sigma, 1.0) * _STEPS, _MOST_STEPS))

    def variance(self, signal: np.ndarray) -> np.ndarray:
        """Of the noise, where the image without it is this."""
        return np.maximum(self.noise.variance(signal), (_LEAST_NOISE * self.span) ** 2)

    def operator(self, guide: np.ndarray) -> SpatiallyVariantBlur:
        """The blur with weights from this image."""
        return SpatiallyVariantBlur(
            self.field, guide.shape, self.spacing, guide, self.model, self.boundary, guide.dtype
        )

    def restored(self, image: np.ndarray, of: str, watch: Watch) -> tuple[np.ndarray, np.ndarray]:
        """An image restored under a reading, and that blurred again."""
        operator = self.operator(image)
        x = solve(
            operator, image, METHODS[of], iterations=self.steps, noise=self.sigma, mask=self.mask,
            regularization=_WEIGHT * self.sigma * math.sqrt(self.sigma / self.span),
            progress=watch.tell, cancelled=watch.cancelled,
        ).image  # fmt: skip
        return x, operator.forward(x) if of == MEASURED else SelfKeyedBlur(operator).forward(x)[0]

    def drawn(self, of: str, x: np.ndarray, again: np.ndarray, watch: Watch) -> np.ndarray:
        """An image as x gives it under a reading, `again`, with noise of its own."""
        noise = np.sqrt(self.variance(again)) * self.normals
        if of == MEASURED:
            return self._choosing_itself(x, noise, start=again + noise, watch=watch)
        return (again + noise).astype(self.image.dtype)

    def _choosing_itself(self, x: np.ndarray, noise: np.ndarray, start: np.ndarray, watch: Watch) -> np.ndarray:
        """The image y = A x + noise where y chooses the kernels of A, as near as ever shorter steps come."""
        y, share, last = start.astype(self.image.dtype), 0.5, math.inf
        for _round in range(_ROUNDS):
            watch.check()
            step = self.operator(y).forward(x) + noise - y
            change = math.sqrt(float(np.square(step).mean())) / self.sigma
            if change < _SETTLED:
                break
            if change > 0.97 * last:
                share = max(0.7 * share, 0.1)
            y, last = (y + share * step).astype(y.dtype), change
        return y

    def compared(self, image: np.ndarray, watch: Watch) -> _Comparison:
        """What both readings leave of an image."""
        found = {of: self.restored(image, of, part) for of, part in watch.parts((MEASURED, TRUE))}
        power = float(self.variance((found[MEASURED][1] + found[TRUE][1]) / 2)[self.compared_at].mean())
        # All voxels weigh alike, as they do for the methods: with each one's own variance, the few that hold hardly
        # any counts would decide.
        squares = {
            of: np.square(image - again, dtype=np.float64)[self.compared_at] / power
            for of, (_, again) in found.items()
        }
        return _Comparison(found, squares)


class _Comparison:
    """Both restored images, and how what they leave compares.

    Attributes
    ----------
    found : dict of str to (image, image blurred again)
    residuals : dict of str to float
    ratio : float
    error : float
        The standard error of the ratio.
    """

    def __init__(self, found: dict[str, tuple[np.ndarray, np.ndarray]], squares: dict[str, np.ndarray]):
        self.found = found
        means = {of: max(float(square.mean()), 1e-30) for of, square in squares.items()}
        self.residuals = {of: math.sqrt(mean) for of, mean in means.items()}
        self.ratio = math.log(means[MEASURED] / means[TRUE])
        scatter = squares[MEASURED] / means[MEASURED] - squares[TRUE] / means[TRUE]
        self.error = float(scatter.std()) / math.sqrt(scatter.size)


def _decided(trial: _Trial, watch: Watch) -> Finding:
    real = trial.compared(trial.image, watch.part(0.0, 0.4))
    if abs(real.ratio) > _PLAIN:
        return _finding(MEASURED if real.ratio < 0 else TRUE, True, real, {})
    expected = {}
    for of, part in watch.part(0.4, 1.0).parts((MEASURED, TRUE)):
        expected[of] = trial.compared(trial.drawn(of, *real.found[of], part.quiet()), part).ratio
    nearer = abs(real.ratio - expected[MEASURED]) - abs(real.ratio - expected[TRUE])
    clear = abs(nearer) > _CLEAR * real.error
    return _finding(TRUE if clear and nearer > 0 else MEASURED, clear, real, expected)


def _finding(of: str, clear: bool, real: _Comparison, expected: dict[str, float]) -> Finding:
    left = _(
        "kernels keyed to the image as measured leave {measured:.3g} times the noise, kernels keyed to the "
        "object's true values {true:.3g} times"
    ).format(**real.residuals)
    if not clear:
        text = _("{left}, which does not tell them apart; taken literally: the intensity as measured")
        why = text.format(left=left)
    elif expected and of == TRUE:
        text = _("{left}: as simulated images do whose kernels follow true values, not measured ones")
        why = text.format(left=left)
    elif expected:
        text = _("{left}: as simulated images do whose kernels follow measured values, not true ones")
        why = text.format(left=left)
    else:
        why = left
    return Finding(of, clear, why, real.residuals, real.ratio, expected)
