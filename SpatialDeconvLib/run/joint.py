"""Strategy "joint": the spatially variant model is inverted itself."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.threads import usable_processors
from ..arrays.watch import Watch
from ..blur.grids import reduced_kernel
from ..blur.operator import CACHE_LEAST, CACHE_VOLUMES, SpatiallyVariantBlur
from ..errors import is_auto
from ..filters.padding import padded_shape
from ..methods import registry as methods
from ..noise import NoiseLaw, looks_nonnegative
from ..solvers.agreement import Agreement
from ..solvers.iteration import Solution
from ..solvers.solve import solve
from ..texts import mark as _
from .job import CROP, Job
from .settings import DeconvolveSettings
from .whose import TRUE

#: Voxels of an image that takes long enough to say how long.
_LONG = 1 << 21
_WORKSPACE = 1 << 21  # voxels, for samples of the image and for the pieces that each thread works on


def run_joint(
    job: Job[DeconvolveSettings],
    law: NoiseLaw,
    *,
    least: float | None = None,
    of: str | None = None,
    agreed: Agreement | None = None,
    **options: Any,
) -> Solution:
    """Invert the model with the job's method.

    Parameters
    ----------
    job : Job
        Of a deconvolution.
    law : NoiseLaw
    least : float, optional
        The least value that the result may have; default by `least_value`.
    of : str, optional
        Whose intensity chooses the kernels, where one does.
    agreed : Agreement, optional
        Where the numbers come from that belong to all of an image of which the job's is a part.
    options
        Of the method's function, which it would find by itself.
    """
    settings, spec = job.settings, job.settings.spec
    least = least_value(job, law.sigma) if least is None else least
    roomy = _has_room(job, spec)
    agreed = Agreement() if agreed is None else agreed
    family = agreed.known("family")
    operator = SpatiallyVariantBlur(
        job.bound, job.image.shape, model=settings.model, boundary=settings.boundary, dtype=job.image.dtype,
        cache_bytes=None if roomy else 0, family=None if family is None else [int(k) for k in family],
        watch=job.watch,
    )  # fmt: skip
    agreed.note("family", operator.family)
    watch = _telling_time(job, operator)
    shift = least if spec.nonnegative else 0.0
    background: float | np.ndarray = 0.0
    if shift:
        # y = A x = A (x - shift) + shift A 1: what is solved for is x - shift, which is not negative.
        background = shift * operator.forward(np.ones(operator.domain_shape, job.image.dtype), job.watch.quiet())
    solution = solve(
        operator, job.image, spec.name, iterations=settings.steps, regularization=settings.regularization,
        noise=law, mask=job.mask, background=background, agreed=agreed, progress=watch.tell,
        cancelled=watch.cancelled, **({"lower": least} if spec.bounded else {}),
        **({spec.told: of == TRUE} if spec.told else {}), **options,
    )  # fmt: skip
    _tell_of_search(job, solution)
    if shift:
        solution.image += solution.image.dtype.type(shift)
        if solution.domain is not None and solution.domain is not solution.image:
            solution.domain += solution.domain.dtype.type(shift)
    found = {**solution.parameters, "offset": shift} if spec.nonnegative else solution.parameters
    return replace(solution, parameters=found)


def _tell_of_search(job: Job[DeconvolveSettings], solution: Solution) -> None:
    """Say of a run whose iterations were given that its constant was searched for in others."""
    settings, constant = job.settings, job.settings.spec.constant
    found = solution.parameters["regularization"]
    given = settings.iterations is not None and is_auto(settings.regularization)
    if found is None or constant is None or constant.is_step or not given:
        return
    found = job.outward(found) if constant.in_image_units else found
    job.warnings.append(
        _(
            "iterations {count} bound the restoration, not the search for its regularization, which took runs of "
            "its own; give {found:.3g} to leave them out"
        ).format(count=settings.iterations, found=found)
    )


def _telling_time(job: Job[DeconvolveSettings], operator: SpatiallyVariantBlur) -> Watch:
    """The watch of a run that takes long, which says from the start how long: by one product with A."""
    if job.image.size < _LONG:
        return job.watch
    job.watch.step(0.0, _("looking how long it will take"))
    image = operator.extend(job.image)
    operator.forward(image, job.watch.quiet())  # makes what is kept for the products after it
    started = time.perf_counter()
    operator.forward(image, job.watch.quiet())
    spec = job.settings.spec
    seconds = spec.seconds(time.perf_counter() - started)
    times = between(seconds / spec.spread, seconds * spec.spread)
    watch = job.watch.under(_("{method}, {times} in all").format(method=spec.in_prose, times=times))
    watch.step(0.0)
    return watch


def about(seconds: float) -> str:
    """Return in words a time that is known to a digit or so."""
    return f"about {_roughly(seconds)}"


def between(least: float, most: float) -> str:
    """Return in words a time that is known to lie between two."""
    if least < 1:
        return _("up to {most}").format(most=_roughly(most))
    return _("{least} to {most}").format(least=_roughly(least), most=_roughly(most))


def _roughly(seconds: float) -> str:
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        count = seconds / length
        if count >= 1.5:
            return f"{count:.0f} {unit}" if count >= 5 else f"{count:.1f} {unit}"
    return f"{max(seconds, 1):.0f} s"


def least_value(job: Job[DeconvolveSettings], sigma: float, lowest: float | None = None) -> float:
    """The least value that the method's result may have; -inf: any.

    `lowest`: of an image of which the job's is a part.
    """
    spec, offset = job.settings.spec, job.settings.offset
    if not spec.takes_offset:
        return -math.inf
    if not is_auto(offset):
        return float(offset)
    if looks_nonnegative(job.image, sigma, job.mask):
        return 0.0
    if spec.bounded:
        return -math.inf
    if lowest is not None:
        return lowest
    return float((job.image if job.mask is None else job.image[job.mask]).min())


def joint_memory(job: Job, method: methods.Method) -> tuple[float, float]:
    """Bytes that a method takes at most: with caches of spectra and weights, and without."""
    pieces = _WORKSPACE * job.image.itemsize * (1 + usable_processors())
    volume = domain_bytes(job)
    roomy, thrifty = (method.volumes[mode] * volume + pieces for mode in ("cached", "uncached"))
    return roomy + max(0, CACHE_LEAST - CACHE_VOLUMES * job.image.nbytes), thrifty


def domain_bytes(job: Job) -> float:
    """Bytes of the image padded for all kernels at once, as far as they hold anything."""
    kernels = [job.bound.kernel(k).values for k in range(len(job.bound))]
    shapes = [reduced_kernel(values, job.image.shape, job.settings.boundary).shape for values in kernels]
    longest = [max(sizes) for sizes in zip(*shapes, strict=True)]
    return float(job.image.itemsize * math.prod(padded_shape(job.image.shape, longest)))


def _has_room(job: Job, method: methods.Method) -> bool:
    """Whether the run may keep caches; refuse it when it does not fit without them either."""
    roomy, thrifty = joint_memory(job, method)
    available, limit = job.available_memory(), job.settings.memory_limit
    if available is None or roomy <= available:
        return True
    lean = {name: joint_memory(job, other)[1] for name, other in methods.methods_of("joint").items()}
    name = min(lean, key=lean.__getitem__)
    cure = {"method": name} if lean[name] <= available else {}
    if cure:
        advice = _("crop it, or take a method that needs less: {lean:.2g} GiB").format(lean=lean[name] / 2**30)
    else:
        advice = CROP
    job.require_memory(thrifty, advice, **cure)
    if limit is None or roomy <= limit * 2**30:
        between = (roomy + thrifty) / 2**31  # in GiB
        digits = _("the last digits") if method.stable else _("more than the last digits")
        text = _(
            "a run at full speed takes {full:.2g} GiB, but {free:.2g} GiB were free, so this one worked in less "
            "memory: {digits} may differ from those of a run at full speed; memory_limit={limit:.2g} makes every "
            "run work as this one did"
        )
        values = {"full": roomy / 2**30, "free": available / 2**30, "digits": digits, "limit": between}
        job.warnings.append(text.format(**values))
    return False
