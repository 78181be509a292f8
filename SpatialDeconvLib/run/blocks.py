"""The result in one block of an image, without working on all of it: what a preview shows.

What a voxel of the result depends on decides how much of the image is needed:

- convolution: the kernels' radius around the block. The same numbers to rounding.
- local filters (Tikhonov, Landweber): a margin around the block, so many times as wide as the part of the kernel
  that holds 99.9 % of its weight (`methods.Method.reaches`); half of that for projected Landweber and
  Richardson-Lucy, which take longer. `Testing/Python/test_blocks.py` says how large the difference may be.
- Wiener and the inverse filter: every voxel of the image (`methods.Method.local`). They run on the whole image,
  but only with the kernels that have weight in the block. Where that would take too long or too much memory, the
  part with its margin stands in, and the result says so.
- joint methods: a margin, as for local filters; step sizes and the iteration that they stop at are the
  part's own, and so are automatic regularization weights. The result says so.

Noise level, offset and the constants that "auto" finds belong to the whole image. They take longer than the
block; a `BlockMemory` keeps them from one call to the next.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .. import methods
from ..arrays.boxes import Box, bounding_box
from ..arrays.spacing import Spacing
from ..errors import InputError, is_auto
from ..filters.fft import FFTFilters
from ..kernels.field import BoundField, KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import AnyKernel
from ..methods import Method
from ..solvers.iteration import Solution
from ..watch import IsCancelled, Progress, Watch
from . import pipeline
from .automatic import Simulation, trial_block
from .job import Job
from .pipeline import Result

# What a reach of a kernel leaves out of its weight; margins are so many of them (`methods.Method.reaches`).
_REACH_SHARE = 1e-3
# Voxels up to which the filters that depend on the whole image work on all of it.
_WHOLE_VOXELS = 2**25
# Peak memory of a direct FFT filter, in volumes of double precision.
_WHOLE_VOLUMES = 6.0
# A draft finds its constants on at most so many voxels.
_DRAFT_VOXELS = 2**16
# An axis that meets the border is taken whole as long as the part has no more voxels.
_PART_VOXELS = 2**22


@dataclass
class BlockMemory:
    """What one image with one mask needs only once: pass the same object as long as neither changes."""

    noise: float | None = None
    constants: dict[Hashable, dict[int, float]] = field(default_factory=dict)
    filters: dict[Hashable, FFTFilters] = field(default_factory=dict)


def block_around(shape: Sequence[int], centre: Sequence[float], size: Sequence[int]) -> Box:
    """Return the block of `size` voxels around a place, moved to lie inside the image and cut where it is larger.

    `centre` is in voxels, in the order of `shape`; it may lie anywhere.
    """
    box = []
    for n, middle, wanted in zip(shape, centre, size, strict=True):
        length = min(max(int(wanted), 1), n)
        start = min(max(math.floor(float(np.clip(middle, -n, 2 * n)) - (length - 1) / 2 + 0.5), 0), n - length)
        box.append(slice(start, start + length))
    return tuple(box)


def deconvolve_block(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    block: Box,
    *,
    draft: bool = False,
    known: BlockMemory | None = None,
    spacing: Spacing | None = None,
    strategy: str = "blend",
    method: str | None = None,
    model: str = "detector",
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    boundary: str = "edge",
    iterations: int | None = None,
    regularization: float | str = "auto",
    noise: float | str = "auto",
    offset: float | str = "auto",
    slicewise: bool = False,
    nonfinite: str = "error",
    memory_limit: float | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Result:
    """Return what `pipeline.deconvolve` gives in a block (engine "fft").

    Parameters
    ----------
    image : ndarray, 2-D (j, i) or 3-D (k, j, i)
        The whole image; so are `mask`, `labels` and `guide`.
    block : tuple of slice
        One per axis of `image`, not empty, without steps.
    draft : bool
        Give a first idea, where that is much quicker: with Tikhonov's automatic constants from near the block,
        unless `known` holds those of the whole image.
    known : BlockMemory, optional
    progress, cancelled, others
        See `pipeline.deconvolve`.

    Returns
    -------
    Result
        `image` has the shape of the block. `residual` is None. ``automatic["approximate"]`` lists in words what
        differs from the result of the whole image by more than rounding and the margin, ``automatic["draft"]``
        tells whether another call without `draft` gives a better result.

    Raises
    ------
    InputError, NotEnoughMemory, Cancelled
        As `pipeline.deconvolve` does for the whole image.
    """
    watch = Watch(progress, cancelled)
    started = time.perf_counter()
    method = pipeline.checked_method(strategy, method, boundary, guide)
    spec = methods.method(strategy, method)
    known = BlockMemory() if known is None else known
    job, guide = _whole_job(
        image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
        memory_limit, True, watch,
    )  # fmt: skip
    view = _View(job, guide, _checked_block(block, job))
    sigma = _whole_noise(job, noise, known)
    if not view.selected:
        return view.unchanged(sigma, started)
    notes: list[str] = []
    if strategy == "joint":
        notes.append("the joint method takes its steps by what it sees of the block")
        rough = False  # a few steps are no idea of it: most of the time goes into its automatic weight
        part = view.part(spec.reaches, range(len(job.bound)))
        least = pipeline.least_value(job, method, sigma, offset)
        found = pipeline.run_joint(part, method, iterations, regularization, sigma, least)
        image = found.image[view.inside(part)]
    else:
        choose, rough = _constants(view, spec, regularization, noise, sigma, draft, known)
        if rough:
            notes.append("the automatic constants are still those of a part of the image")
        offset = pipeline.offset_level(offset, job.image) if spec.nonnegative else offset
        if spec.tuned and not (spec.local or slicewise) and _whole_is_affordable(job):
            image, found = _whole_filter(view, spec, regularization, sigma, choose, known)
        else:
            reaches = math.inf if slicewise and not spec.local else spec.reaches
            if not (spec.local or slicewise):
                notes.append(f"{spec.label} depends on the whole image, which is too large for a preview")

            def run(part: Job, k: int) -> Solution:
                constant = None if choose is None else lambda _k: choose(k)
                return pipeline.run_blend(
                    part, method, iterations, regularization, noise, sigma, "fft", offset, choose=constant
                )

            image, found = _local_filters(view, run, reaches)
    job.check_result(image, method)
    automatic = {"noise": sigma, **found.parameters, "approximate": notes, "draft": rough}
    return Result(
        view.finished(image), found.iterations, found.history, None, sigma, {}, automatic, job.warnings,
        time.perf_counter() - started,
    )  # fmt: skip


def convolve_block(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    block: Box,
    *,
    spacing: Spacing | None = None,
    model: str = "detector",
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    boundary: str = "edge",
    exclude: bool = False,
    cascade: str | bool = False,
    normalize: bool = False,
    slicewise: bool = False,
    nonfinite: str = "error",
    memory_limit: float | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Result:
    """Return what `pipeline.convolve` gives in a block, to rounding.

    `block` and the result as for `deconvolve_block`; the rest as for `pipeline.convolve`. A cascade is not used:
    what it would change is below its own error of 1e-3 of the image's largest magnitude.
    """
    watch = Watch(progress, cancelled)
    started = time.perf_counter()
    pipeline.check_surroundings(exclude, mask, boundary)
    job, guide = _whole_job(
        image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
        memory_limit, normalize, watch,
    )  # fmt: skip
    view = _View(job, guide, _checked_block(block, job))
    if not view.selected:
        return view.unchanged(None, started)
    part = view.part(None, range(len(job.bound)))
    forward, _ = part.forward_model(False, passes=3 if exclude else 1)
    image = pipeline.normalized_convolution(forward, part.image, part.mask) if exclude else forward(part.image)
    return Result(
        view.finished(image[view.inside(part)]), automatic={"approximate": []}, warnings=job.warnings,
        seconds=time.perf_counter() - started,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------- the parts


def _whole_job(
    image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
    memory_limit, normalize, watch,
) -> tuple[Job, np.ndarray]:  # fmt: skip
    """The checked input of the whole image, and its guide with the job's number of dimensions."""
    job = Job.prepare(
        image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
        memory_limit, normalize=normalize, watch=watch,
    )  # fmt: skip
    return job, job.image if guide is None else np.asarray(guide).reshape(job.image.shape)


def _checked_block(block: Box, job: Job) -> Box:
    """The block, for the working image: without the slice axis when that was taken away."""
    shape = job.original.shape
    if len(block) != len(shape) or any(
        s.step not in (None, 1) or not 0 <= s.start < s.stop <= n for s, n in zip(block, shape, strict=False)
    ):
        raise InputError(f"block {block!r} does not lie in the image of shape {shape}; use block_around")
    return tuple(block)[len(shape) - job.image.ndim :]


class _View:
    """A block of a job: its kernels and weights, and parts of the image around it as jobs of their own."""

    def __init__(self, job: Job, guide: np.ndarray, block: Box):
        self.job, self.guide, self.block = job, guide, block
        self.bound = self.bound_in(block)
        #: The kernels that have weight in the block.
        self.used = [k for k in range(len(self.bound)) if self.bound.weight(k, job.image.dtype).any()]
        #: Whether the region to work in reaches the block.
        self.selected = job.mask is None or bool(job.mask[block].any())

    def bound_in(self, box: Box) -> BoundField:
        """The kernel field on a part of the image, with the kernels and weights that the whole has there."""
        bound, keyed = self.job.bound, self.job.bound.field
        kernels = tuple(bound.kernel(k) for k in range(len(bound)))
        if keyed.key in ("uniform", "intensity"):
            keyed = replace(keyed, kernels=kernels[: len(keyed.kernels)])
        else:  # the weights may depend on voxels outside (nearest region, feathering) or on the place
            weights = [bound.weight(k, self.job.image.dtype)[box].copy() for k in range(len(bound))]
            keyed = KernelField.by_weights(weights, kernels)
        return keyed.bind(self.guide[box], bound.spacing)

    def part(
        self, reaches: float | None, kernels: Iterable[int], masked: bool = False, alone: int | None = None
    ) -> Job:
        """The block with a margin of so many reaches of these kernels, as a job; see `_margins`.

        With `masked`, only the block itself is filtered. With `alone`, this kernel applies everywhere.
        """
        self._box = box = self._with_margin(reaches, kernels)
        image = np.ascontiguousarray(self.job.image[box])
        mask = None if self.job.mask is None else self.job.mask[box]
        if alone is None:
            bound = self.bound_in(box)
        else:
            bound = KernelField.uniform(self.job.bound.kernel(alone)).bind(image, self.job.bound.spacing)
        part = replace(self.job, original=image, image=image, mask=mask, bound=bound, _filters={})
        if reaches is not None and not self._reaches_border:
            part.boundary = "edge"  # what lies beyond the image's border does not matter
        if masked:
            part.mask = np.zeros(image.shape, bool)
            part.mask[self.inside(part)] = True if mask is None else mask[self.inside(part)]
        return part

    def inside(self, part: Job) -> Box:
        """Where the block lies in the part."""
        return tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(self.block, self._box, strict=True))

    def finished(self, image: np.ndarray) -> np.ndarray:
        """The block's result in the caller's dimensions; voxels that the mask leaves out are the caller's own."""
        job = self.job
        if job.mask is not None:
            before = job.original.reshape(job.image.shape)[self.block]
            image = np.where(job.mask[self.block], image, before.astype(image.dtype, copy=False))
        return np.array(image.reshape((1,) * (job.original.ndim - image.ndim) + image.shape))

    def unchanged(self, sigma: float | None, started: float) -> Result:
        note = "the region to work in does not reach here"
        return Result(
            self.finished(self.job.image[self.block]), noise=sigma,
            automatic={"approximate": [], "unchanged": note}, warnings=self.job.warnings,
            seconds=time.perf_counter() - started,
        )  # fmt: skip

    def _with_margin(self, reaches: float | None, kernels: Iterable[int]) -> Box:
        """The block with its margin, cut at the image's border.

        An axis that the margin takes beyond the border is taken whole, as long as that is affordable: filters
        work on an image that continues at its far side. (A convolution does so only where that is asked for.)
        Zeros or the far side beyond the border are steps whose ringing goes far: there every axis is taken whole.
        """
        shape, boundary = self.job.image.shape, self.job.boundary
        ranges = [
            (s.start - m, s.stop + m) for s, m in zip(self.block, self._margins(reaches, kernels), strict=True)
        ]
        cut = [slice(int(max(a, 0)), int(min(b, n))) for (a, b), n in zip(ranges, shape, strict=True)]
        whole = [slice(0, n) if (a < 0 or b > n) else c for (a, b), n, c in zip(ranges, shape, cut, strict=True)]
        self._reaches_border = whole != cut
        if reaches is None:  # a convolution
            return tuple(whole if boundary == "periodic" else cut)
        everything = [c if axis < self.job.slicewise else slice(0, shape[axis]) for axis, c in enumerate(cut)]
        if boundary != "edge" and _voxels(everything) <= _PART_VOXELS:
            self._reaches_border = True
            return tuple(everything)
        return tuple(whole if _voxels(whole) <= max(_PART_VOXELS, _voxels(cut)) else cut)

    def _margins(self, reaches: float | None, kernels: Iterable[int]) -> list[float]:
        """Margins in voxels: None is the whole radius of the kernels, infinity all there is.

        Slices that are filtered one by one need none on the first axis.
        """
        margins = [0.0] * self.job.image.ndim
        for axis in range(self.job.slicewise, self.job.image.ndim):
            if reaches == math.inf:
                margins[axis] = self.job.image.shape[axis]
                continue
            for k in kernels:
                kernel = self.job.bound.kernel(k)
                reach = kernel.shape[axis] // 2 if reaches is None else math.ceil(reaches * _reach(kernel, axis))
                margins[axis] = max(margins[axis], reach)
        return margins


def _voxels(box: Iterable[slice]) -> int:
    return math.prod(s.stop - s.start for s in box)


def _reach(kernel: Kernel, axis: int) -> int:
    """How far from its centre, along an axis, a kernel has all but a thousandth of its weight."""
    others = tuple(a for a in range(kernel.ndim) if a != axis)
    profile = np.abs(kernel.values).sum(axis=others)
    distance = np.abs(np.arange(profile.size) - profile.size // 2)
    weight = np.bincount(distance, profile)
    beyond = weight[::-1].cumsum()[::-1]  # of this distance and more
    return int(np.count_nonzero(beyond > _REACH_SHARE * beyond[0])) - 1


# -------------------------------------------------------------------------- what the whole image decides


def _whole_noise(job: Job, noise: float | str, known: BlockMemory) -> float:
    if not is_auto(noise):
        return pipeline.noise_level(noise, job.image, job.mask)
    if known.noise is None:
        job.watch.step(0.0, "estimating the noise")
        known.noise = pipeline.noise_level("auto", job.image, job.mask, job.watch)
    return known.noise


def _whole_is_affordable(job: Job) -> bool:
    available = job.available_memory()
    needed = 8 * _WHOLE_VOLUMES * job.image.size
    return job.image.size <= _WHOLE_VOXELS and (available is None or needed < available / 2)


def _constants(
    view: _View, method: Method, regularization: float | str, noise: float | str, sigma: float, draft: bool,
    known: BlockMemory,
) -> tuple[Callable[[int], float] | None, bool]:  # fmt: skip
    """The function that gives the automatic constants, which `known` keeps, and whether they are rough.

    None where nothing has to be found.
    """
    automatic = is_auto(regularization) and bool(method.tuned)
    if not automatic or (method.tuned == "noise" and not is_auto(noise)):
        return None, False
    job = view.job
    found = known.constants.setdefault((method.name, sigma, job.model, job.boundary, _fingerprint(view)), {})
    # A part of the image tells nothing about the constants of filters that depend on all of it.
    rough = draft and method.local and not set(view.used) - {len(job.bound.field.kernels)} <= set(found)
    if rough:
        found, box = {}, trial_block(job.image.shape, view.block, _DRAFT_VOXELS)
    else:
        box = trial_block(job.image.shape, None if job.mask is None else bounding_box(job.mask))
    simulation: list[Simulation] = []

    def constant(k: int) -> float:
        if k not in found:
            if not simulation:
                image = np.ascontiguousarray(job.image[box])
                simulation.append(
                    Simulation(image, view.bound_in(box), sigma, job.model, job.boundary, watch=job.watch)
                )
            found[k] = simulation[0].constant(method.name, k)
        return found[k]

    return constant, rough


def _local_filters(view: _View, run: Callable[[Job, int], Solution], reaches: float) -> tuple[np.ndarray, Solution]:
    """The blend, each kernel filtering a part of the image with the margin that it needs itself."""
    job, bound = view.job, view.bound
    image = np.zeros(bound.shape, job.image.dtype)
    solution = Solution(image, None, [], None, {})
    for k, watch in job.watch.parts(view.used, "kernel"):
        watch.step(0.0)
        weight = bound.weight(k, image.dtype)
        if bound.is_identity(k):
            image += weight * job.image[view.block]
            continue
        part = view.part(reaches, [k], masked=True, alone=k)
        part.watch = watch
        found = run(part, k)
        image += weight * found.image[view.inside(part)]
        for name, value in found.parameters.items():
            known = solution.parameters.setdefault(name, value)
            if known is not value and isinstance(value, list):  # the constants of the kernels
                known.extend(value)
        solution.iterations = found.iterations
    job.watch.step(1.0, "blended")
    return image, solution


def _whole_filter(
    view: _View, method: Method, regularization: float | str, sigma: float,
    choose: Callable[[int], float] | None, known: BlockMemory,
) -> tuple[np.ndarray, Solution]:  # fmt: skip
    """Wiener or the inverse filter on the whole image, with the kernels that have weight in the block.

    The image's spectrum stays in `known`, so that the next block needs only the transforms of its kernels.
    """
    job, bound = view.job, view.bound
    if choose is None:
        given = sigma if method.tuned == "noise" else pipeline.given_constant(regularization, method)
        choose = lambda k: given  # noqa: E731
    if job.boundary not in known.filters:
        known.filters = {job.boundary: FFTFilters(job.image, job.boundary)}
    filters, constants = known.filters[job.boundary], []
    image = np.zeros(bound.shape, job.image.dtype)
    for k, watch in job.watch.parts(view.used, "kernel"):
        watch.step(0.0)
        weight = bound.weight(k, image.dtype)
        if bound.is_identity(k):
            image += weight * job.image[view.block]
            continue
        constants.append(choose(k))
        filtered = filters.run(
            method.name, bound.kernel(k).values, planes=view.block[0], watch=watch.quiet(),
            **{method.tuned: constants[-1]},
        )  # fmt: skip
        image += weight * filtered[(slice(None), *view.block[1:])]
    job.watch.step(1.0, "blended")
    return image, Solution(image, None, [], None, {"constant_of_each_kernel": constants})


# ---------------------------------------------------------------------------------------- fingerprints


def _fingerprint(view: _View) -> Hashable:
    """What tells two kernel fields on one image apart."""
    bound, keyed = view.job.bound, view.job.bound.field
    parts: list[Hashable] = [keyed.key, keyed.at, keyed.interpolation, keyed.outside, keyed.feather]
    parts += [_digest(bound.kernel(k).values) for k in range(len(bound))]
    if keyed.key == "intensity" and view.guide is not view.job.image:
        parts.append(_digest(view.guide))
    if keyed.labels is not None:
        parts += [_digest(np.asarray(keyed.labels)), tuple(sorted((keyed.label_names or {}).items()))]
    parts += [_digest(np.asarray(weights)) for weights in keyed.weight_arrays or ()]
    return tuple(parts)


def _digest(array: np.ndarray) -> bytes:
    digest = hashlib.blake2b(repr((array.shape, array.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
