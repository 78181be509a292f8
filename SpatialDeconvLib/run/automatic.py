"""What a kernel filters with, by trying filters on a case whose answer is known.

A parametric bootstrap. A block of the image is restored with the spatially variant model itself (total variation)
and taken for the truth; blurred again and given noise by the same law, it is filtered with every kernel, by every
filter, with a range of constants and iterations. For each kernel the one that comes closest to that truth, where
the kernel has weight, wins. Leaving the image as it is takes part. Where the unknown truth chooses the kernels, it
does so in the simulation too: the kernels come from the simulated truth, the weights from its blurred image.

Unlike a formula, this sees all that goes wrong: noise, damping of the mean, what the boundary rule makes of
the border, and that a filter with one kernel runs over an image blurred by many. By how much a filter wins here is
no forecast: what stands for the truth is simpler than the truth.

A large image is represented by a few blocks, chosen so that each kernel has a block with much of its weight where
something is to be seen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays.boxes import Box
from ..arrays.inner import dot
from ..arrays.watch import UNWATCHED, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..filters.fft import FFTFilters
from ..filters.padding import padded_shape
from ..kernels.field import BoundField, KernelField
from ..methods import registry as methods
from ..methods.choices import AUTO
from ..methods.registry import Method
from ..noise import NoiseLaw
from ..solvers.solve import solve
from ..texts import mark as _
from .filtering import Filtering, Form, base_level
from .job import Job
from .settings import DeconvolveSettings
from .whose import MEASURED

# An image of at most so many voxels is tried as a whole; of a larger one, blocks of at most so many.
_WHOLE_VOXELS, _BLOCK_VOXELS = 2**18, 2**17
# A block serves a kernel when it has this share of what the best block for that kernel has.
_SHARE = 0.3
# Voxels per axis that are looked at to choose the blocks.
_LOOKED_AT = 128
# Iterations that are tried. Seven counts in their place gained 0.01 dB on average of 26 cases.
_COUNTS = (1, 3, 8, 20)
# Points of the search for a constant, and how many times it is refined.
_COARSE, _HALVINGS = 9, 2
# The weight of total variation that gives the truth is this many times sigma sqrt(sigma / range), which comes close
# to the best weight for Gaussians and noise of 0.1 to 5 % of the range.
_TRUTH_WEIGHT = 0.8


class Simulation:
    """Finds what to filter with for one image, kernel by kernel.

    Parameters
    ----------
    image : ndarray, 2-D or 3-D
        The blurred image.
    bound : BoundField
        The kernels, normalised, on the image's grid.
    law : NoiseLaw
        Of the image.
    model : {"detector", "source"}
    boundary : {"edge", "zero", "periodic"}
    own : bool
        Whether the kernels belong to the true values of the image itself (`keyed_to_truth`).
    offset : float or "auto"
        Of the settings.
    mask : ndarray of bool, optional
        The voxels that matter.
    local : bool
        Whether only methods that work in tiles are tried.
    watch : Watch, optional
        Told before every trial what is being tried, at fraction 0: how many there will be is not known.
    """

    def __init__(
        self,
        image: np.ndarray,
        bound: BoundField,
        law: NoiseLaw,
        model: str = "detector",
        boundary: str = "edge",
        *,
        own: bool = False,
        offset: float | str = "auto",
        mask: np.ndarray | None = None,
        local: bool = False,
        watch: Watch | None = None,
    ):
        self._local = local
        self._image, self._bound, self._law, self._mask = image, bound, law, mask
        self._model, self._boundary, self._own, self._offset = model, boundary, own, offset
        self._watch = watch or UNWATCHED
        self._boxes: dict[int, Box] = {}
        self._found: dict[tuple[str, int], Filtering] = {}

    @classmethod
    def of_job(
        cls, job: Job[DeconvolveSettings], law: NoiseLaw, of: str | None = None, local: bool = False
    ) -> Simulation:
        """Return the simulation of a job's image; `of`: see `keyed_to_truth`."""
        settings = job.settings
        return cls(
            job.image, job.bound, law, settings.model, settings.boundary, own=keyed_to_truth(job, of),
            offset=settings.offset, mask=job.mask, local=local, watch=job.watch,
        )  # fmt: skip

    def filtering(self, k: int, method: str = AUTO) -> Filtering:
        """Return what kernel `k` filters with best: a method with its best constant, or the best of all methods.

        Parameters
        ----------
        k : int
        method : str
            Of strategy "blend"; "auto": any of them, or none.
        """
        if (method, k) not in self._found:
            self._boxes = self._boxes or _boxes_of_kernels(self._image, self._bound, self._mask, self._watch)
            # All that the block serves: it is not kept, and not made again.
            served = [other for other, box in self._boxes.items() if box == self._boxes[k]]
            trials = self._block(self._boxes[k], served)
            for other in served:
                self._found[method, other] = trials.best(other, method)
        return self._found[method, k]

    def _block(self, box: Box, kernels: Sequence[int]) -> _Trials:
        whole = all(s.stop - s.start == n for s, n in zip(box, self._image.shape, strict=True))
        return _Trials(
            np.ascontiguousarray(self._image[box]), _Part(self._bound, box), kernels, self._law.part(box),
            self._model, self._boundary if whole else "edge", self._own, self._offset,
            None if self._mask is None else self._mask[box], self._local, self._watch,
        )  # fmt: skip


def keyed_to_truth(job: Job, of: str | None = None) -> bool:
    """Whether the kernels belong to the true, unknown values of a job's own image, or may do so.

    `of`: "true" or "measured", where that was found.
    """
    keyed = job.bound.field
    own = keyed.key == "intensity" and not job.guided and len(keyed.at) > 1
    return own and (of or keyed.of) != MEASURED


def trial_memory(job: Job) -> float:
    """Bytes that a simulation takes at most."""
    voxels = _WHOLE_VOXELS if job.image.size <= _WHOLE_VOXELS else _BLOCK_VOXELS
    sizes = [s.stop - s.start for s in trial_block(job.image.shape, None, voxels)]
    kernels = [job.bound.kernel(k).shape for k in range(len(job.bound))]
    largest = [max(size) for size in zip(*kernels, strict=True)]
    volumes = methods.method("joint", "tv").volumes["cached"]
    return volumes * job.image.itemsize * math.prod(padded_shape(sizes, largest))


class _Part:
    """A kernel field in a part of its image."""

    def __init__(self, bound: BoundField, box: Box):
        self.bound, self.box = bound, box

    def weight(self, k: int, dtype: np.dtype) -> np.ndarray:
        # A copy: a slice would keep the whole weight image alive, for every kernel at once.
        return self.bound.weight(k, dtype)[self.box].copy()


@dataclass(frozen=True)
class _Trial:
    error: float
    filtering: Filtering


class _Trials:
    """Trials on one block: its simulated truth and blurred image, and the weights of the kernels that it serves."""

    def __init__(
        self,
        block: np.ndarray,
        part: _Part,
        kernels: Sequence[int],
        law: NoiseLaw,
        model: str,
        boundary: str,
        own: bool,
        offset: float | str,
        mask: np.ndarray | None,
        local: bool,
        watch: Watch,
    ):
        self._local = local
        self._bound, self._model, self._boundary = part.bound, model, boundary
        self._offset, self._sigma, self._watch = offset, law.sigma, watch
        self._spread = float(block.std(dtype=np.float64))
        weights = {k: part.weight(k, block.dtype) for k in range(len(part.bound))}
        weights = {k: weight for k, weight in weights.items() if weight.any() or k in kernels}
        here = KernelField.by_weights(list(weights.values()), [part.bound.kernel(k) for k in weights])
        operator = self._operator(here.bind(block, part.bound.spacing), block)
        watch.step(0.0, _("restoring a block to try filters on"))
        self._truth = stand_in(block, operator, law, offset, watch)
        keyed = keyed_to_any(part.bound) if own else None
        if keyed is not None:
            operator = self._operator(keyed.bind(self._truth, part.bound.spacing), block)
        blurred = operator.forward(self._truth, watch.quiet())
        del operator
        self._seen = law.noisy(blurred, np.random.default_rng(0)).astype(block.dtype, copy=False)
        self._weights = {k: weights[k] for k in kernels}
        if keyed is not None:
            seen = keyed.bind(self._seen, part.bound.spacing)
            for k in kernels:
                self._weights[k] += seen.weight(k, block.dtype)
        for weight in self._weights.values():
            if mask is not None and weight[mask].any():
                weight *= mask
            elif not weight.any():  # the block has no voxel of this kernel: judge by all of it
                weight += 1
        self._filters: dict[Form, FFTFilters] = {}

    def best(self, k: int, method: str) -> Filtering:
        """Return what does best with kernel `k`: of one method, or of all."""
        if method == AUTO:
            if self._spread == 0:  # a constant image holds nothing to restore
                return Filtering()
            return min(self._all(k), key=lambda trial: trial.error).filtering
        spec = methods.method("blend", method)
        if not spec.tuned:
            raise ValueError(f"{method!r} finds its constant itself")
        if self._spread == 0 and spec.tuned == "noise":
            return Filtering(method, constant=self._sigma)
        return min(self._constants(k, spec), key=lambda trial: trial.error).filtering

    def _all(self, k: int) -> Iterator[_Trial]:
        yield _Trial(self._error(k, self._seen), Filtering())
        for spec in methods.methods_of("blend").values():
            if self._local and math.isinf(spec.halo):
                continue
            yield from self._counts(k, spec) if spec.iterates else self._constants(k, spec)

    def _counts(self, k: int, spec: Method) -> Iterator[_Trial]:
        """Trials of an iterative method, up to where more iterations do worse."""
        form, filters = self._taken(spec)
        before = math.inf
        images = filters.iterates(spec.name, self._bound.kernel(k).values, _COUNTS, watch=self._told(k))
        for count, image in zip(_COUNTS, images, strict=True):
            error = self._error(k, form.back(image))
            yield _Trial(error, Filtering(spec.name, iterations=count))
            if error > before:
                return
            before = error

    def _constants(self, k: int, spec: Method) -> list[_Trial]:
        """Trials of a direct method."""
        form, filters = self._taken(spec)
        trials: list[_Trial] = []

        def error(constant: float) -> float:
            filtering = Filtering(spec.name, constant=constant)
            image = form.back(filtering.run(filters, self._bound.kernel(k).values, self._told(k)))
            trials.append(_Trial(self._error(k, image), filtering))
            return trials[-1].error

        _minimum(error, *self._range(spec), _COARSE, _HALVINGS)
        return trials

    def _range(self, spec: Method) -> tuple[float, float]:
        """The constants to try: of Wiener's filter, standard deviations from that of the noise on."""
        if spec.constant is not None and spec.constant.search is not None:
            return spec.constant.search
        low = max(self._sigma, 1e-4 * self._spread)
        return low, max(self._spread, 2 * low)

    def _taken(self, spec: Method) -> tuple[Form, FFTFilters]:
        """The form in which a method takes the blurred image, and the filters of that."""
        level = base_level(spec, self._seen, offset=self._offset, boundary=self._boundary, found=True)
        if spec.nonnegative:  # noise may have gone below a given offset
            level = min(level, float(self._seen.min()))
        form = Form.of_method(spec, self._seen, level)
        if form not in self._filters:
            self._filters[form] = FFTFilters(form.taken(self._seen), self._boundary)
        return form, self._filters[form]

    def _told(self, k: int) -> Watch:
        count = len(self._bound.field.kernels)
        self._watch.step(0.0, _("trying filters for kernel {number} of {count}").format(number=k + 1, count=count))
        return self._watch.quiet()

    def _error(self, k: int, image: np.ndarray) -> float:
        difference = image - self._truth
        np.square(difference, out=difference)
        return dot(self._weights[k], difference)

    def _operator(self, bound: BoundField, block: np.ndarray) -> SpatiallyVariantBlur:
        return SpatiallyVariantBlur(
            bound, block.shape, model=self._model, boundary=self._boundary, dtype=block.dtype, low_rank=0.0
        )


def stand_in(
    block: np.ndarray, operator: SpatiallyVariantBlur, law: NoiseLaw, offset: float | str, watch: Watch
) -> np.ndarray:
    """Return what stands for the truth in a simulation: the model inverted with total variation.

    It leads to better choices than other joint methods, which are smoother.

    Parameters
    ----------
    block : ndarray
        The blurred image.
    operator : SpatiallyVariantBlur
        Its blur.
    law : NoiseLaw
    offset : float or "auto"
        Of the settings.
    watch : Watch
    """
    spread = float(block.std(dtype=np.float64))
    if spread == 0:
        return block
    low, high = np.percentile(block, (0.1, 99.9))
    span = max(float(high - low), spread)
    sigma = max(law.sigma, 1e-4 * span)
    watch = watch.quiet()
    return solve(
        operator, block, "tv", regularization=_TRUTH_WEIGHT * sigma * math.sqrt(sigma / span), noise=law,
        lower=offset, progress=watch.tell, cancelled=watch.cancelled,
    ).image  # fmt: skip


def keyed_to_any(bound: BoundField) -> KernelField:
    """The kernels, as they are on the image's grid, keyed to intensities that may lie outside the levels."""
    keyed = bound.field
    kernels = tuple(bound.kernel(k) for k in range(len(keyed.kernels)))
    return replace(keyed, kernels=kernels, outside="nearest" if keyed.outside == "error" else keyed.outside)


def _minimum(error: Callable[[float], float], low: float, high: float, coarse: int, halvings: int) -> float:
    """Where `error` is least: `coarse` points from `low` to `high` on a logarithmic scale, then finer ones."""
    found = {float(x): error(float(x)) for x in np.geomspace(low, high, coarse)}
    for _halving in range(halvings):
        best = min(found, key=found.__getitem__)
        ordered = sorted(found)
        place = ordered.index(best)
        for neighbour in ordered[max(place - 1, 0) : place] + ordered[place + 1 : place + 2]:
            middle = float(np.sqrt(best * neighbour))
            found[middle] = error(middle)
    return min(found, key=found.__getitem__)


# ------------------------------------------------------------------------------------------- the blocks


def trial_block(shape: tuple[int, ...], region: Box | None, voxels: int) -> Box:
    """Return a block to try on: the whole image, or what is left around the middle of the region when its longest
    axes are halved until it has at most so many voxels."""
    sizes = list(shape)
    while np.prod(sizes) > voxels:
        sizes[int(np.argmax(sizes))] //= 2
    middles = [n // 2 for n in shape] if region is None else [(s.start + s.stop) // 2 for s in region]
    box = []
    for n, size, middle in zip(shape, sizes, middles, strict=True):
        start = min(max(middle - size // 2, 0), n - size)
        box.append(slice(start, start + size))
    return tuple(box)


def _boxes_of_kernels(
    image: np.ndarray, bound: BoundField, mask: np.ndarray | None, watch: Watch
) -> dict[int, Box]:
    """The block that serves each kernel: as few different ones as will do."""
    kernels = [k for k in range(len(bound)) if not bound.is_identity(k)]
    if image.size <= _WHOLE_VOXELS:
        return dict.fromkeys(kernels, tuple(slice(0, n) for n in image.shape))
    boxes = _tiles(image.shape)
    scores = _scores(image, bound, mask, kernels, boxes, watch)
    most = scores.max(axis=1)
    chosen: dict[int, Box] = {}
    left = [row for row in range(len(kernels)) if most[row] > 0]
    while left:
        shares = scores[left] / most[left, None]
        enough = shares >= _SHARE
        tile = max(range(len(boxes)), key=lambda n: (int(enough[:, n].sum()), float(shares[:, n].sum())))
        chosen |= {kernels[row]: boxes[tile] for row, serves in zip(left, enough[:, tile], strict=True) if serves}
        left = [row for row, serves in zip(left, enough[:, tile], strict=True) if not serves]
    # A kernel that no voxel takes is judged by all of a block.
    first = next(iter(chosen.values()), boxes[0])
    return {k: chosen.get(k, first) for k in kernels}


def _tiles(shape: tuple[int, ...]) -> list[Box]:
    """Blocks of one size that cover the image."""
    sizes = [s.stop - s.start for s in trial_block(shape, None, _BLOCK_VOXELS)]
    axes = []
    for n, size in zip(shape, sizes, strict=True):
        starts = np.linspace(0, n - size, -(-n // size)).round().astype(int)
        axes.append([slice(int(start), int(start) + size) for start in starts])
    return list(itertools.product(*axes))


def _scores(
    image: np.ndarray,
    bound: BoundField,
    mask: np.ndarray | None,
    kernels: Sequence[int],
    boxes: Sequence[Box],
    watch: Watch,
) -> np.ndarray:
    """How much there is to be seen of every kernel (a row) in every block: the image's slope times the kernel's
    weight, over some of the voxels."""
    steps = [max(1, n // _LOOKED_AT) for n in image.shape]
    some = tuple(slice(None, None, step) for step in steps)
    few = image[some].astype(np.float64)
    slopes = [np.diff(few, axis=axis, append=few.take([-1], axis)) for axis in range(few.ndim)]
    seen = np.sqrt(sum(np.square(slope) for slope in slopes))
    seen += 1e-6 * float(seen.max()) + np.finfo(float).tiny  # a kernel of a flat region has a place, too
    if mask is not None:
        seen *= mask[some]
    places = [
        tuple(
            slice(-(-s.start // n), max(-(-s.stop // n), -(-s.start // n) + 1))
            for s, n in zip(box, steps, strict=True)
        )
        for box in boxes
    ]
    scores = np.zeros((len(kernels), len(boxes)))
    for row, k in enumerate(kernels):
        watch.check()
        product = bound.weight(k, image.dtype)[some] * seen
        scores[row] = [product[place].sum() for place in places]
    return scores
