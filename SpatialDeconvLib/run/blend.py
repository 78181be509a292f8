"""Strategy "blend": a filter runs once per kernel on the image, and the results are blended with the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..arrays.boxes import Box, bounding_box, slabs
from ..arrays.watch import Watch
from ..errors import InputError, is_auto
from ..filters.fft import FFTFilters
from ..filters.itk import SimpleITKFilters
from ..noise import NoiseLaw
from ..solvers.iteration import Solution
from .automatic import Simulation
from .job import Job
from .settings import DeconvolveSettings
from .units import working_exponent

FILTERS = {"simpleitk": SimpleITKFilters, "fft": FFTFilters}  # of the engines

# Peak memory of a blend besides its filters' (`methods.registry.Method.volumes`), in volumes of the image itself.
_VOLUMES = 4.0
# A part of the image is filtered with a margin of this many kernel radii (see `_Blend.part`).
_HALO_RADII = 4
# Filtering a part is worth it only when it is clearly smaller than the whole image.
_BLOCK_SHARE = 0.7

#: Gives the filter's constant for a kernel, by its number.
Chooser = Callable[[int], float | None]


def run_blend(
    job: Job[DeconvolveSettings], law: NoiseLaw, *, shift: float | None = None, choose: Chooser | None = None
) -> Solution:
    """Filter with every kernel, then blend.

    Parameters
    ----------
    job : Job
        Of a deconvolution.
    law : NoiseLaw
    shift : float, optional
        What is subtracted before a filter and added afterwards; default by `base_level`.
    choose : callable (k) -> float or None, optional
        The filter's constant for kernel k, if it is known.
    """
    settings, spec = job.settings, job.settings.spec
    if shift is None:
        shift = base_level(job)
    if spec.nonnegative and job.image.min() < shift:
        raise InputError(
            f"{spec.name} needs non-negative values, but the image goes down to {job.outward(job.image.min()):g} "
            f"and offset is {job.outward(shift):g}; leave it to the run",
            offset="auto",
        )
    cure: dict[str, Any] = {} if settings.engine == "fft" else {"engine": "fft"}
    if job.image.ndim == 3 and not settings.slicewise:
        cure["slicewise"] = True  # with 2-D kernels
    job.require_volumes(spec.volumes[settings.engine], _VOLUMES, "crop it", **cure)
    shifted = job.image - job.image.dtype.type(shift) if shift else job.image
    choose = _constant_chooser(job, shifted, law.shifted(-shift)) if choose is None else choose
    # ITK's Richardson-Lucy takes estimates below an absolute 1e-5 for zero, which would empty a very dim rest.
    exponent = working_exponent(shifted) if spec.name == "richardson-lucy" else 0
    if exponent:
        shifted = np.ldexp(shifted, exponent)
    constants: list[float | None] = []
    blend = _Blend(job, shifted)

    def run(filters: Any, k: int, watch: Watch) -> np.ndarray:
        constants.append(choose(k))
        options = {spec.tuned or "constant": constants[-1]}
        return filters.run(
            spec.name, job.bound.kernel(k).values, iterations=settings.steps or 1, watch=watch, **options
        )

    blended = blend(run)
    if exponent:
        np.ldexp(blended, -exponent, out=blended)
    if shift:
        blended += blended.dtype.type(shift)
        _keep_unchanged(job, blended)
    found: dict[str, Any] = {"offset": shift} if spec.nonnegative else {}
    if spec.tuned:
        found["constant_of_each_kernel"] = constants
    return Solution(blended, settings.steps, [], None, found)


def _keep_unchanged(job: Job, blended: np.ndarray) -> None:
    """Put back the image's own value where no kernel is meant for it: taking a level away and back may round."""
    for k in range(len(job.bound)):
        if job.bound.is_identity(k):
            np.copyto(blended, job.image, where=job.bound.weight(k, blended.dtype) == 1)


def base_level(job: Job[DeconvolveSettings]) -> float:
    """What is subtracted before a filter and added afterwards.

    Of a filter without negative values the minimum, where that is negative, unless it is given. Of one that damps
    the mean, that: or its constant would be one that leaves a large mean alone, and lets the noise through. Zeros
    beyond the border are zeros of the image itself, and a given constant means ITK's own filter: nothing then.
    """
    settings, image = job.settings, job.image
    if settings.spec.nonnegative:
        return min(float(image.min()), 0.0) if is_auto(settings.offset) else float(settings.offset)
    if not (settings.spec.damps and settings.searches) or settings.boundary == "zero":
        return 0.0
    return float(image.mean(dtype=np.float64) if job.mask is None else image[job.mask].mean(dtype=np.float64))


def _constant_chooser(job: Job[DeconvolveSettings], image: np.ndarray, law: NoiseLaw) -> Chooser:
    """The function that gives the filter's constant for kernel k (Wiener's is its noise) on this image."""
    settings, spec = job.settings, job.settings.spec
    if spec.tuned == "noise" and settings.gives_sigma:
        return lambda k: law.sigma
    if not is_auto(settings.regularization):
        given = float(settings.regularization)
        return lambda k: given
    if not settings.searches:
        return lambda k: None  # the iterative filters find their own step
    region = None if job.mask is None else bounding_box(job.mask)
    simulation = Simulation(
        image, job.bound, law, settings.model, settings.boundary, region=region, watch=job.watch
    )
    return lambda k: simulation.constant(spec.name, k)


class _Blend:
    """sum_k w_k D_k(image), D_k the filter with kernel k.

    A kernel whose weights are zero in much of the image is filtered on a part of it. The filters of the whole
    image are kept for the next kernel.
    """

    def __init__(self, job: Job[DeconvolveSettings], image: np.ndarray):
        self.job, self.image = job, image
        self._whole: Any = None

    def __call__(self, run: Callable[[Any, int, Watch], np.ndarray]) -> np.ndarray:
        """Return the blend, with ``run(filters, k, watch)`` as D_k on what the filters are made for."""
        job, image, bound = self.job, self.image, self.job.bound
        result = np.zeros(image.shape, image.dtype)
        limit = None if job.mask is None else bounding_box(job.mask)
        for k, watch in job.watch.parts(range(len(bound)), "kernel"):
            watch.step(0.0)
            weight = bound.weight(k, image.dtype)
            box = _intersection(bound.support(k, image.dtype, weight), limit)
            if box is None:  # no voxel of the image, or of the mask, takes this kernel
                continue
            weight = weight[box]
            if bound.is_identity(k):
                _add_product(result[box], weight, image[box])
                continue
            part, boundary = self.part(box, k)
            filters = self.whole() if part is None else self.filters(image[part], boundary)
            filtered = run(filters, k, watch)
            if part is not None:
                box_in = tuple(slice(s.start - p.start, s.stop - p.start) for s, p in zip(box, part, strict=True))
            _add_product(result[box], weight, filtered[box if part is None else box_in])
        job.watch.step(1.0, "blended")
        return result

    def part(self, box: Box, k: int) -> tuple[Box | None, str]:
        """The part of the image to filter for `box`, None for all of it, and its boundary rule.

        An axis whose margin reaches the image's border is taken whole, so that the border looks to the
        filter as it does in the whole image.
        """
        settings = self.job.settings
        if not settings.spec.local:
            return None, settings.boundary
        part, at_border = [], False
        for s, n, size in zip(box, self.image.shape, self.job.bound.kernel(k).shape, strict=True):
            margin = size // 2 * _HALO_RADII
            inside = margin <= s.start and s.stop + margin <= n
            part.append(slice(s.start - margin, s.stop + margin) if inside else slice(0, n))
            at_border |= not inside
        if np.prod([s.stop - s.start for s in part]) > _BLOCK_SHARE * self.image.size:
            return None, settings.boundary
        return tuple(part), settings.boundary if at_border else "edge"

    def whole(self) -> Any:
        """The filters of the whole image."""
        if self._whole is None:
            self._whole = self.filters(self.image, self.job.settings.boundary)
        return self._whole

    def filters(self, part: np.ndarray, boundary: str) -> Any:
        """The filters of a part of the image."""
        engine = FILTERS[self.job.settings.engine]
        return _SliceBySlice(engine, part, boundary) if self.job.settings.slicewise else engine(part, boundary)


class _SliceBySlice:
    """The filters of every slice of a 3-D image, with kernels of one slice."""

    def __init__(self, engine: type, image: np.ndarray, boundary: str):
        self._engine, self._image, self._boundary = engine, image, boundary

    def run(self, method: str, kernel: np.ndarray, *, watch: Watch, **options: Any) -> np.ndarray:
        result = np.empty_like(self._image)
        for number, part in watch.parts(range(len(result))):
            filters = self._engine(self._image[number], self._boundary)
            result[number] = filters.run(method, kernel[0], watch=part, **options)
        return result


def _add_product(total: np.ndarray, weight: np.ndarray, image: np.ndarray) -> None:
    """total <- total + weight image."""
    for slab in slabs(total.shape):
        total[slab] += weight[slab] * image[slab]


def _intersection(a: Box | None, b: Box | None) -> Box | None:
    """The common box of two; `b` None sets no limit, `a` None is empty."""
    if a is None or b is None:
        return a
    both = tuple(slice(max(s.start, t.start), min(s.stop, t.stop)) for s, t in zip(a, b, strict=True))
    return None if any(s.start >= s.stop for s in both) else both
