"""Strategy "blend": a filter runs once per kernel on the image, and the results are blended with the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from ..arrays.boxes import Box, bounding_box, slabs
from ..arrays.watch import Watch
from ..errors import InputError
from ..filters.fft import FFTFilters
from ..filters.itk import SimpleITKFilters
from ..methods.registry import Method
from ..noise import NoiseLaw
from ..solvers.iteration import Solution
from ..texts import mark as _
from .automatic import Simulation, trial_memory
from .filtering import Filtering, Form, facts_of, given_filtering, level_of
from .job import CROP, Job
from .settings import DeconvolveSettings

FILTERS = {"simpleitk": SimpleITKFilters, "fft": FFTFilters}  # of the engines

# Peak memory of a blend besides its filters' (`methods.registry.Method.volumes`), in volumes of the image itself.
_VOLUMES = 4.0
# A part of the image is filtered with a margin of this many kernel radii (see `_Blend.part`).
_HALO_RADII = 4
# Filtering a part is worth it only when it is clearly smaller than the whole image.
_BLOCK_SHARE = 0.7

#: Gives what a kernel filters with, by its number.
Chooser = Callable[[int], Filtering]
#: What is subtracted before a filter: for all methods, for each, or as the job's image says.
Level = float | Callable[[Method], float] | None


def run_blend(
    job: Job[DeconvolveSettings],
    law: NoiseLaw,
    *,
    of: str | None = None,
    level: Level = None,
    choose: Chooser | None = None,
    only: Collection[int] | None = None,
) -> Solution:
    """Filter with every kernel, then blend.

    Parameters
    ----------
    job : Job
        Of a deconvolution.
    law : NoiseLaw
    of : {"true", "measured"}, optional
        Whose values choose the kernels, where that was found.
    level : float or callable (method) -> float, optional
        What is subtracted before a filter and added afterwards; default by `filtering.level_of`.
    choose : callable (k) -> Filtering, optional
        What kernel k filters with, if it is known.
    only : collection of int, optional
        The kernels that take part: their share of the blend.
    """
    settings, spec = job.settings, job.settings.spec
    base = _level(job, spec, level)
    if spec.nonnegative and job.image.min() < base:
        raise InputError(
            _(
                "{method} needs non-negative values, but the image goes down to {least:g} and offset is "
                "{offset:g}; leave it to the run"
            ).format(method=spec.in_prose, least=job.outward(job.image.min()), offset=job.outward(base)),
            offset="auto",
        )
    _require_memory(job, searches=choose is None and given_filtering(settings, law) is None)
    # Every kernel of an automatic blend, or of a share of one, has a form of its own; others blend what they
    # filter, in their form.
    form = Form() if spec.automatic or only is not None else Form.of_method(spec, job.image, base)
    blend = _Blend(job, form, level)
    blended = form.back(blend(choose or chooser(job, law, of), only))
    if form.level:
        _keep_unchanged(job, blended)
    return Solution(blended, settings.steps, [], None, _facts(blend, spec))


def _level(job: Job[DeconvolveSettings], spec: Method, given: Level) -> float:
    if given is None:
        return level_of(job, spec)
    return given(spec) if callable(given) else given


def chooser(job: Job[DeconvolveSettings], law: NoiseLaw, of: str | None = None, local: bool = False) -> Chooser:
    """Return the function that gives what kernel k filters with: as the settings say, or as a simulation finds.

    `local`: whether it is to find only what works in tiles.
    """
    given = given_filtering(job.settings, law)
    if given is not None:
        return lambda k: given
    simulation, method = Simulation.of_job(job, law, of, local), job.settings.method
    return lambda k: simulation.filtering(k, method)


def _require_memory(job: Job[DeconvolveSettings], *, searches: bool) -> None:
    """Refuse a run that does not fit into memory."""
    settings, padded, available = job.settings, job.settings.spec.volumes, job.available_memory()
    volumes = _volumes(job, searches)

    def helps(engine: str, slicewise: bool) -> bool:
        return available is None or job.needed_memory(padded[engine], volumes, slicewise) <= available

    cure: dict[str, Any] = {}
    if settings.engine != "fft" and helps("fft", settings.slicewise):
        cure["engine"] = "fft"
    if job.image.ndim == 3 and not settings.slicewise and helps(settings.engine, True):
        cure["slicewise"] = True  # with 2-D kernels
    job.require_volumes(padded[settings.engine], volumes, CROP, **cure)


def blend_memory(job: Job[DeconvolveSettings], *, searches: bool = False) -> float:
    """Bytes that a blend takes."""
    settings = job.settings
    return job.needed_memory(settings.spec.volumes[settings.engine], _volumes(job, searches))


def _volumes(job: Job, searches: bool) -> float:
    """Volumes of the image's own size that a blend takes."""
    return _VOLUMES + (trial_memory(job) / job.image.nbytes if searches else 0.0)


def _facts(blend: _Blend, spec: Method) -> dict[str, Any]:
    """What was chosen: of an automatic method for all kernels in order, else for those that some voxel takes."""
    facts: dict[str, Any] = {}
    if spec.automatic:
        facts |= facts_of(blend.taken, len(blend.job.bound.field.kernels))
    elif spec.tuned:
        facts["constant_of_each_kernel"] = [filtering.constant for filtering in blend.taken.values()]
    levels = [blend.form(f.spec).level for f in blend.taken.values() if f.spec is not None and f.spec.nonnegative]
    if spec.nonnegative and not spec.automatic:
        levels = [blend.base.level]
    if levels:
        facts["offset"] = levels[0]
    return facts


def _keep_unchanged(job: Job, blended: np.ndarray) -> None:
    """Put back the image's own value where no kernel is meant for it: taking a level away and back may round."""
    for k in range(len(job.bound)):
        if job.bound.is_identity(k):
            np.copyto(blended, job.image, where=job.bound.weight(k, blended.dtype) == 1)


class _Blend:
    """sum_k w_k D_k(image), D_k the filter with kernel k.

    A kernel whose weights are zero in much of the image is filtered on a part of it. The filters of the whole
    image are kept for the next kernel.

    Parameters
    ----------
    job : Job
    base : Form
        The form of the image that is blended.
    level : float or callable, optional
        The level of every form; see `run_blend`.

    Attributes
    ----------
    taken : dict of int to Filtering
        What the kernels filtered with.
    """

    def __init__(self, job: Job[DeconvolveSettings], base: Form, level: Level):
        self.job, self.base, self._level = job, base, level
        self.image = base.taken(job.image)
        self.taken: dict[int, Filtering] = {}
        self._forms: dict[str, Form] = {} if base == Form() else {job.settings.method: base}
        self._whole: tuple[Form, Any] | None = None

    def __call__(self, choose: Chooser, only: Collection[int] | None = None) -> np.ndarray:
        """Return the blend, in the form of the image."""
        job, image, bound = self.job, self.image, self.job.bound
        result = np.zeros(image.shape, image.dtype)
        limit = None if job.mask is None else bounding_box(job.mask)
        for k, watch in job.watch.parts(range(len(bound)) if only is None else only, _("kernel")):
            watch.step(0.0)
            weight = bound.weight(k, image.dtype)
            box = _intersection(bound.support(k, image.dtype, weight), limit)
            if box is None:  # no voxel of the image, or of the mask, takes this kernel
                continue
            weight = weight[box]
            if bound.is_identity(k):
                _add_product(result[box], weight, image[box])
                continue
            self.taken[k] = filtering = choose(k)
            spec = filtering.spec
            filtered = image[box] if spec is None else self._filtered(filtering, spec, box, k, watch)
            _add_product(result[box], weight, filtered)
        job.watch.step(1.0, _("blended"))
        return result

    def form(self, spec: Method) -> Form:
        """The form in which a method takes the image."""
        if spec.name not in self._forms:
            self._forms[spec.name] = Form.of_method(spec, self.job.image, _level(self.job, spec, self._level))
        return self._forms[spec.name]

    def _filtered(self, filtering: Filtering, spec: Method, box: Box, k: int, watch: Watch) -> np.ndarray:
        """What kernel k makes of the image in a box, in the base's form."""
        form, (part, boundary) = self.form(spec), self.part(box, k, spec)
        if part is None:
            filters = self.whole(form)
        else:
            filters = self.filters(form.taken(self.job.image[part]), boundary)
            box = tuple(slice(s.start - p.start, s.stop - p.start) for s, p in zip(box, part, strict=True))
        filtered = filtering.run(filters, self.job.bound.kernel(k).values, watch)[box]
        return filtered if form == self.base else form.back(filtered)

    def part(self, box: Box, k: int, spec: Method) -> tuple[Box | None, str]:
        """The part of the image to filter for `box`, None for all of it, and its boundary rule.

        An axis whose margin reaches the image's border is taken whole, so that the border looks to the
        filter as it does in the whole image.
        """
        settings = self.job.settings
        if not spec.local:
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

    def whole(self, form: Form) -> Any:
        """The filters of the whole image in a form; those of the last one are kept."""
        if self._whole is None or self._whole[0] != form:
            self._whole = None  # before the next are made
            image = self.image if form == self.base else form.taken(self.job.image)
            self._whole = form, self.filters(image, self.job.settings.boundary)
        return self._whole[1]

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
