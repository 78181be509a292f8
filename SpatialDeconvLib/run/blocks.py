"""The result in one block of an image, without working on all of it: what a preview shows.

What a voxel of the result depends on decides how much of the image is needed:

- convolution: the kernels' radius around the block. The same numbers to rounding.
- local filters (Tikhonov, Landweber): a margin around the block, so many times as wide as the part of the kernel
  that holds 99.9 % of its weight (`methods.registry.Method.reaches`); half of that for projected Landweber and
  Richardson-Lucy, which take longer. `Testing/Python/test_blocks.py` says how large the difference may be.
- Wiener and the inverse filter: every voxel of the image (`methods.registry.Method.local`). They run on the whole
  image, but only with the kernels that have weight in the block. Where that would take too long or too much
  memory, the part with its margin stands in, and the result says so.
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
from typing import Any, Generic

import numpy as np

from ..arrays.boxes import Box
from ..arrays.watch import UNWATCHED, Watch
from ..errors import InputError, is_auto
from ..filters.fft import FFTFilters
from ..kernels.field import KernelField
from ..methods import registry as methods
from ..noise import NoiseLaw
from ..solvers.iteration import Solution
from ..texts import mark as _
from . import pipeline
from .automatic import Simulation
from .blend import Chooser, run_blend
from .choose import Choice, chosen
from .filtering import Filtering, Form, facts_of, given_filtering, level_of
from .inputs import Inputs
from .job import Job
from .joint import least_value, run_joint
from .pipeline import ImageAndFacts, Result
from .settings import ConvolveSettings, DeconvolveSettings, S, Settings

# Voxels up to which the filters that depend on the whole image work on all of it.
_WHOLE_VOXELS = 2**25
# Peak memory of a direct FFT filter, in volumes of double precision.
_WHOLE_VOLUMES = 6.0
# A draft filters with Wiener's filter, which takes the noise for so many times as strong: less lets noise through.
_DRAFT_NOISE = 3.0
# An axis that meets the border is taken whole as long as the part has no more voxels.
_PART_VOXELS = 2**22


@dataclass
class BlockMemory:
    """What one image with one mask needs only once: pass the same object as long as neither changes."""

    noise: NoiseLaw | None = None
    choices: dict[Hashable, Choice] = field(default_factory=dict)
    filterings: dict[Hashable, dict[int, Filtering]] = field(default_factory=dict)
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


def block_of(
    inputs: Inputs,
    settings: Settings,
    block: Box,
    watch: Watch = UNWATCHED,
    *,
    draft: bool = False,
    known: BlockMemory | None = None,
) -> Result:
    """Return what `pipeline.run` gives in a block: a deconvolution with engine "fft", a convolution to rounding.

    A convolution uses no cascade: what it would change is below its own error of 1e-3 of the image's largest
    magnitude.

    Parameters
    ----------
    inputs : Inputs
        The whole image, and what belongs to it.
    settings : Settings
    block : tuple of slice
        One per axis of the image, not empty, without steps.
    draft : bool
        Give a first idea, where that is much quicker: by Wiener's filter, from the block and little around it.
    known : BlockMemory, optional

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
    pipeline.check_together(
        settings, masked=inputs.mask is not None, guided=inputs.guide is not None, sigmas=inputs.noise is not None
    )
    if isinstance(settings, ConvolveSettings):
        return _result(inputs, settings, block, watch, _convolved)
    if isinstance(settings, DeconvolveSettings):
        memory = BlockMemory() if known is None else known
        settings = replace(settings, engine="fft")
        return _result(inputs, settings, block, watch, lambda view: _deconvolved(view, draft, memory))
    raise TypeError(f"{settings!r} belong to no operation")


def _result(
    inputs: Inputs, settings: S, block: Box, watch: Watch, operation: Callable[[View[S]], ImageAndFacts]
) -> Result:
    started = time.perf_counter()
    job = Job.prepare(inputs, settings, watch)
    view = View(job, checked_block(block, job))
    image, facts = operation(view)
    return Result(view.finished(image), warnings=job.warnings, seconds=time.perf_counter() - started, **facts)


def _convolved(view: View[ConvolveSettings]) -> ImageAndFacts:
    if not view.selected:
        return view.unchanged()
    part, inside = view.part(None, range(len(view.job.bound)))
    mask = part.mask if view.job.settings.exclude else None  # there is one: see `pipeline.check_together`
    forward, _cascade = part.forward_model(False, passes=1 if mask is None else 3)
    image = forward(part.image) if mask is None else pipeline.normalized_convolution(forward, part.image, mask)
    return image[inside], {"automatic": {"approximate": []}}


def _deconvolved(view: View[DeconvolveSettings], draft: bool, known: BlockMemory) -> ImageAndFacts:
    job = view.job
    law = job.noise = whole_noise(job, known)
    if not view.selected:
        image, facts = view.unchanged()
        return image, {**facts, "noise": float(job.outward(law.sigma))}
    if draft and _takes_long(view, law, known):
        return _first_idea(view, law)
    choice = _whole_choice(view, law, known)
    job.settings = choice.settings
    notes: list[str] = []
    if job.settings.strategy == "joint":
        notes.append(_("the joint method takes its steps by what it sees of the block"))
        part, inside = view.part(job.settings.spec.reaches, range(len(job.bound)))
        found = run_joint(part, part.noise, least=least_value(job, law.sigma), of=choice.facts.get("of"))
        image = found.image[inside]
    else:
        choose = _chooser(view, law, choice.facts.get("of"), known)
        image, found = _blended(view, law, choose, known, notes)
    job.check_result(image, job.settings.spec.name)
    return image, {
        "iterations": found.iterations, "history": found.history,
        **job.found(law, {**choice.facts, **found.parameters, "approximate": notes, "draft": False}),
    }  # fmt: skip


def _takes_long(view: View[DeconvolveSettings], law: NoiseLaw, known: BlockMemory) -> bool:
    """Whether the block's result has to be searched for, or takes many steps."""
    settings = view.job.settings
    if settings.strategy != "blend":
        return True
    given = given_filtering(settings, law)
    if given is not None:
        return given.iterations is not None
    return not set(view.used) - {len(view.job.bound.field.kernels)} <= set(_filterings(view, law, known))


def _first_idea(view: View[DeconvolveSettings], law: NoiseLaw) -> ImageAndFacts:
    """What Wiener's filter makes of the block."""
    job = view.job
    job.settings = replace(
        job.settings, strategy="blend", method="wiener", effort=DeconvolveSettings.effort, iterations=None,
        regularization="auto", boundary=job.settings.boundary if job.settings.boundary != "extended" else "edge",
    )  # fmt: skip
    sigma = max(law.sigma, 1e-3 * float(job.image[view.block].std(dtype=np.float64)))
    filtering = Filtering("wiener", constant=_DRAFT_NOISE * sigma)
    image = np.zeros(view.bound.shape, job.image.dtype)
    for k, watch in job.watch.parts(view.used, _("kernel")):
        watch.step(0.0)
        weight = view.bound.weight(k, image.dtype)
        part = (
            job.image[view.block]
            if view.bound.is_identity(k)
            else _part_filter(view, law, filtering, k, watch, reaches=1.0).image
        )
        image += weight * part
    notes = ["a quick filter gives a first idea"]
    return image, job.found(law, {"approximate": notes, "draft": True})


def _blended(
    view: View[DeconvolveSettings], law: NoiseLaw, choose: Chooser, known: BlockMemory, notes: list[str]
) -> tuple[np.ndarray, Solution]:
    """The blend in the block; `notes` takes what is approximate about it."""
    job, bound, spec = view.job, view.bound, view.job.settings.spec
    image = np.zeros(bound.shape, job.image.dtype)
    taken: dict[int, Filtering] = {}
    facts: dict[str, Any] = {}
    for k, watch in job.watch.parts(view.used, _("kernel")):
        watch.step(0.0)
        weight = bound.weight(k, image.dtype)
        method = None
        if not bound.is_identity(k):
            taken[k] = choose(k)
            method = taken[k].spec
        if method is None:
            image += weight * job.image[view.block]
            continue
        in_parts = method.local or job.settings.slicewise  # slices are worked on whole
        if not in_parts and _whole_is_affordable(job):
            image += weight * _whole_filter(view, taken[k], k, known, watch)
            continue
        if not in_parts:
            text = _("{method} depends on the whole image, which is too large for a preview")
            notes.append(text.format(method=method.label))
        found = _part_filter(view, law, taken[k], k, watch)
        image += weight * found.image
        facts |= found.parameters
    job.watch.step(1.0, _("blended"))
    if spec.automatic:
        facts |= facts_of(taken, len(bound.field.kernels))
    elif spec.tuned:
        facts["constant_of_each_kernel"] = [filtering.constant for filtering in taken.values()]
    notes[:] = dict.fromkeys(notes)  # each once
    return image, Solution(image, job.settings.steps, [], None, facts)


# ------------------------------------------------------------------------------------------- the parts


def checked_block(block: Box, job: Job) -> Box:
    """The block, for the working image: without the slice axis when that was taken away."""
    shape = job.original.shape
    if len(block) != len(shape) or any(
        s.step not in (None, 1) or not 0 <= s.start < s.stop <= n for s, n in zip(block, shape, strict=False)
    ):
        raise InputError(f"block {block!r} does not lie in the image of shape {shape}; use block_around")
    return tuple(block)[len(shape) - job.image.ndim :]


class View(Generic[S]):
    """A block of a job: its kernels and weights, and parts of the image around it as jobs of their own."""

    def __init__(self, job: Job[S], block: Box):
        self.job, self.block = job, block
        self.bound = job.bound.part(block, job.image.dtype)
        #: The kernels that have weight in the block.
        self.used = [k for k in range(len(self.bound)) if self.bound.weight(k, job.image.dtype).any()]
        #: Whether the region to work in reaches the block.
        self.selected = job.mask is None or bool(job.mask[block].any())

    def part(
        self, reaches: float | None, kernels: Iterable[int], masked: bool = False, alone: int | None = None
    ) -> tuple[Job[S], Box]:
        """The block with a margin of so many reaches of these kernels, as a job, and where the block lies in it.

        See `_margins`. With `masked`, only the block itself is filtered. With `alone`, this kernel applies
        everywhere.
        """
        job = self.job
        box, at_border = self._with_margin(reaches, kernels)
        inside = tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(self.block, box, strict=True))
        image = np.ascontiguousarray(job.image[box])
        mask = None if job.mask is None else job.mask[box]
        if alone is None:
            bound = job.bound.part(box, image.dtype)
        else:
            bound = KernelField.uniform(job.bound.kernel(alone)).bind(image, job.bound.spacing)
        settings = job.settings
        if reaches is not None and not at_border:
            settings = replace(settings, boundary="edge")  # what lies beyond the image's border does not matter
        if masked:
            whole, mask = mask, np.zeros(image.shape, bool)
            mask[inside] = True if whole is None else whole[inside]
        part = replace(
            job, settings=settings, original=image, image=image, guide=job.guide[box], mask=mask, bound=bound,
            noise=job.noise.part(box) if isinstance(job.noise, NoiseLaw) else job.noise,
        )  # fmt: skip
        return part, inside

    def finished(self, image: np.ndarray) -> np.ndarray:
        """The block's result in the caller's dimensions; voxels that the mask leaves out are the caller's own."""
        job, image = self.job, self.job.outward(image)
        if job.mask is not None:
            before = job.original.reshape(job.image.shape)[self.block]
            image = np.where(job.mask[self.block], image, before.astype(image.dtype, copy=False))
        return np.array(image.reshape((1,) * (job.original.ndim - image.ndim) + image.shape))

    def unchanged(self) -> ImageAndFacts:
        note = "the region to work in does not reach here"
        return self.job.image[self.block], {"automatic": {"approximate": [], "unchanged": note}}

    def _with_margin(self, reaches: float | None, kernels: Iterable[int]) -> tuple[Box, bool]:
        """The block with its margin, cut at the image's border, and whether it meets that.

        An axis that the margin takes beyond the border is taken whole, as long as that is affordable: filters
        work on an image that continues at its far side. (A convolution does so only where that is asked for.)
        Zeros or the far side beyond the border are steps whose ringing goes far: there every axis is taken whole.
        """
        shape, boundary = self.job.image.shape, self.job.settings.boundary
        ranges = [
            (s.start - m, s.stop + m) for s, m in zip(self.block, self._margins(reaches, kernels), strict=True)
        ]
        cut = [slice(int(max(a, 0)), int(min(b, n))) for (a, b), n in zip(ranges, shape, strict=True)]
        whole = [slice(0, n) if (a < 0 or b > n) else c for (a, b), n, c in zip(ranges, shape, cut, strict=True)]
        at_border = whole != cut
        if reaches is None:  # a convolution
            return tuple(whole if boundary == "periodic" else cut), at_border
        everything = [
            c if axis < self.job.settings.slicewise else slice(0, shape[axis]) for axis, c in enumerate(cut)
        ]
        if boundary != "edge" and _voxels(everything) <= _PART_VOXELS:
            return tuple(everything), True
        return tuple(whole if _voxels(whole) <= max(_PART_VOXELS, _voxels(cut)) else cut), at_border

    def _margins(self, reaches: float | None, kernels: Iterable[int]) -> list[float]:
        """Margins in voxels: None is the whole radius of the kernels, infinity all there is.

        Slices that are filtered one by one need none on the first axis.
        """
        margins = [0.0] * self.job.image.ndim
        for axis in range(self.job.settings.slicewise, self.job.image.ndim):
            if reaches == math.inf:
                margins[axis] = self.job.image.shape[axis]
                continue
            for k in kernels:
                kernel = self.job.bound.kernel(k)
                reach = kernel.shape[axis] // 2 if reaches is None else math.ceil(reaches * kernel.reach(axis))
                margins[axis] = max(margins[axis], reach)
        return margins


def _voxels(box: Iterable[slice]) -> int:
    return math.prod(s.stop - s.start for s in box)


# -------------------------------------------------------------------------- what the whole image decides


def whole_noise(job: Job[DeconvolveSettings], known: BlockMemory) -> NoiseLaw:
    if not is_auto(job.noise):
        return job.noise_law()
    if known.noise is None:
        job.watch.step(0.0, _("estimating the noise"))
        known.noise = job.noise_law()
    return known.noise


def _whole_choice(view: View[DeconvolveSettings], law: NoiseLaw, known: BlockMemory) -> Choice:
    settings = view.job.settings
    if not settings.spec.automatic:
        return chosen(view.job, law)
    key = (replace(settings, engine="fft", iterations=None), _noise_key(law), _fingerprint(view))
    if key not in known.choices:
        known.choices[key] = chosen(view.job, law)
    return known.choices[key]


def _whole_is_affordable(job: Job) -> bool:
    available = job.available_memory()
    needed = 8 * _WHOLE_VOLUMES * job.image.size
    return job.image.size <= _WHOLE_VOXELS and (available is None or needed < available / 2)


def _filterings(view: View[DeconvolveSettings], law: NoiseLaw, known: BlockMemory) -> dict[int, Filtering]:
    """What was found for the kernels so far, by these settings; it may be added to."""
    settings = view.job.settings
    key = settings.method, _noise_key(law), settings.model, settings.boundary, settings.offset, _fingerprint(view)
    return known.filterings.setdefault(key, {})


def _chooser(view: View[DeconvolveSettings], law: NoiseLaw, of: str | None, known: BlockMemory) -> Chooser:
    """The function that gives what a kernel filters with, which `known` keeps if it was searched for."""
    job, method = view.job, view.job.settings.spec
    given = given_filtering(job.settings, law)
    if given is not None:
        return lambda k: given
    found, simulation = _filterings(view, law, known), Simulation.of_job(job, law, of)

    def choose(k: int) -> Filtering:
        if k not in found:
            found[k] = simulation.filtering(k, method.name)
        return found[k]

    return choose


def _part_filter(
    view: View[DeconvolveSettings],
    law: NoiseLaw,
    filtering: Filtering,
    k: int,
    watch: Watch,
    reaches: float | None = None,
) -> Solution:
    """One kernel's filter on a part of the image, with the margin that it needs itself, or a given one."""
    job, spec = view.job, methods.method("blend", filtering.method)
    if reaches is None:
        reaches = math.inf if job.settings.slicewise and not spec.local else spec.reaches
    part, inside = view.part(reaches, [k], masked=True, alone=k)
    part.watch = watch
    part.settings = replace(part.settings, method=filtering.method)
    found = run_blend(part, law, level=level_of(job, spec), choose=lambda _k: filtering)
    return replace(found, image=found.image[inside])


def _whole_filter(
    view: View[DeconvolveSettings], filtering: Filtering, k: int, known: BlockMemory, watch: Watch
) -> np.ndarray:
    """Wiener or the inverse filter on the whole image, with one kernel.

    The image's spectrum stays in `known`, so that the next block needs only the transforms of its kernels.
    """
    job, spec = view.job, methods.method("blend", filtering.method)
    form = Form(level_of(job, spec))
    boundary = job.settings.boundary
    if (boundary, form) not in known.filters:
        known.filters = {(boundary, form): FFTFilters(form.taken(job.image), boundary)}
    filters = known.filters[boundary, form]
    filtered = filtering.run(filters, job.bound.kernel(k).values, watch.quiet(), planes=view.block[0])
    within = (slice(None), *view.block[1:])
    return form.back(filtered[within])


# ---------------------------------------------------------------------------------------- fingerprints


def _fingerprint(view: View) -> Hashable:
    """What tells two kernel fields on one image apart."""
    bound, keyed = view.job.bound, view.job.bound.field
    parts: list[Hashable] = [keyed.key, keyed.at, keyed.interpolation, keyed.outside, keyed.feather, keyed.of]
    parts += [_digest(bound.kernel(k).values) for k in range(len(bound))]
    if keyed.key == "intensity" and view.job.guide is not view.job.image:
        parts.append(_digest(view.job.guide))
    if keyed.labels is not None:
        parts += [_digest(np.asarray(keyed.labels)), tuple(sorted((keyed.label_names or {}).items()))]
    parts += [_digest(np.asarray(weights)) for weights in keyed.weight_arrays or ()]
    return tuple(parts)


def _noise_key(law: NoiseLaw) -> Hashable:
    """What tells two laws of the noise apart."""
    return law.constant, law.slope, law.origin, None if law.image is None else _digest(law.image)


def _digest(array: np.ndarray) -> bytes:
    digest = hashlib.blake2b(repr((array.shape, array.dtype.str)).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
