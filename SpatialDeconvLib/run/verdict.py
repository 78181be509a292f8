"""What a result says of itself: whether the kernels explain the image, and whether a filter was worth its noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arrays.boxes import bounding_box
from ..errors import InputError
from ..kernels.field import KernelField
from ..methods.choices import VERDICTS
from ..noise import NoiseLaw
from ..texts import Text, joined
from ..texts import mark as _
from .automatic import trial_block
from .blend import run_blend
from .filtering import level_of
from .job import Job
from .residuals import Fit, composite
from .settings import DeconvolveSettings
from .whose import TRUE
from .width import width_of

# A result is remarked on when its residual exceeds this many times the noise ...
_UNEXPLAINED = 1.1
# ... and what is more than noise in it this share of the image's spread: an image without noise has next to none to
# be compared with, and no method goes on until all digits are right.
_UNEXPLAINED_SHARE = 0.005
# It is likely no closer to the truth than the image if what is more than noise is at least this share of what the
# image itself, blurred again, leaves (Testing/Benchmarks/bench_verdict.py: 0.87 and more of results below theirs).
_NO_BETTER = 0.85
# A filter is tried on so many voxels of the image with more noise, to see what it makes of that.
_TRIAL_VOXELS = 1 << 16
# It is remarked on when the result is estimated to be so many dB further from the truth than the image.
_WORSE = 0.5


def judged(
    job: Job[DeconvolveSettings], law: NoiseLaw, residual: float | None, of: str | None = None
) -> tuple[str, list[str]]:
    """Return the verdict on a result with this residual (of `choices.VERDICTS`), and what to say of it.

    `of`: whose intensity was taken to choose the kernels.
    """
    word, texts = _unexplained(job, law, residual, of)
    raised = _noise_raised(job, law)
    return "noisy" if raised else word, texts + raised


def unjudged(facts: Mapping[str, Any], why: str) -> dict[str, Any]:
    """Return what a `Result` says of itself where its residual would tell nothing, for this reason."""
    automatic = facts["automatic"]
    if "verdict" in automatic:  # of a deconvolution
        automatic = {**automatic, "verdict": "unknown", "no_residual": why}
    return {**facts, "residual": None, "automatic": automatic}


def worst_verdict(results: Sequence[Any]) -> dict[str, str]:
    """Return the worst verdict of several results as an entry of `Result.automatic`; {} where none has one.

    Where one of them alone has no residual, that is none of what holds for all.
    """
    known = [result.automatic["verdict"] for result in results if "verdict" in result.automatic]
    found = {"verdict": max(known, key=tuple(VERDICTS).index)} if known else {}
    reasons = [result.automatic.get("no_residual", "") for result in results]
    return found if all(reasons) or not any(reasons) else {**found, "no_residual": ""}


def advice_on(result: Any) -> tuple[str, ...]:
    """Return what may help after a run with this `Result`: words of `choices.ADVICE`, the likeliest first."""
    if result.automatic.get("verdict") not in ("partly", "not", "noisy"):
        return ()
    parameters = result.parameters
    is_best = parameters["effort"] == DeconvolveSettings.effort and "why" in result.automatic
    noisy = result.automatic["verdict"] == "noisy"
    known = noisy or "width" in result.automatic
    mapped = bool(result.fits) and not noisy
    helpful = {"best": not is_best, "width": not known, "residual": mapped}
    return tuple(word for word, helps in helpful.items() if helps)


def _unexplained(
    job: Job[DeconvolveSettings], law: NoiseLaw, residual: float | None, of: str | None
) -> tuple[str, list[str]]:
    """The verdict on what a result, blurred again, leaves of the image, and what to say of it."""
    if residual is None:
        return "unknown", []
    if residual < _UNEXPLAINED:
        return "explained", []
    seen = job.image if job.mask is None else job.image[job.mask]
    more = law.sigma * math.sqrt(residual**2 - 1)
    if more < _UNEXPLAINED_SHARE * float(seen.std(dtype=np.float64)):
        return "explained", []
    text = _(
        "the result, blurred again, differs from the image by {residual:.3g} times the noise, where exact results "
        "of right kernels leave 1: {cause}"
    ).format(residual=residual, cause=_cause(job, of))
    own = Fit(job, law, composite(job, job.image)).residual(job.watch.quiet()) or 0.0
    if own > _UNEXPLAINED and residual**2 - 1 > _NO_BETTER**2 * (own**2 - 1):
        itself = _(
            "The image itself, blurred again, differs by {own:.3g}: the result is likely no closer to the truth"
        )
        return "not", [joined(". ", (text, itself.format(own=own)))]
    return "partly", [text]


def _cause(job: Job[DeconvolveSettings], of: str | None) -> Text:
    """Why a result does not explain the image, and what to do."""
    settings, key = job.settings, job.bound.field.key
    if settings.strategy == "blend":
        return _(
            "either the filters, which damp and know nothing of each other, do not reach that, or kernels, weights "
            "or model are wrong; the residual of strategy 'joint' tells which"
        )
    if key == "intensity" and not settings.spec.self_keyed and not (settings.spec.either and of == TRUE):
        return _(
            "kernels, weights or model do not explain it; if the kernels belong to the true intensity, give a "
            "sharp guide or use method 'self-keyed'"
        )
    return _("kernels, weights or model do not explain it")


def _noise_raised(job: Job[DeconvolveSettings], law: NoiseLaw) -> list[str]:
    """What to say of a filter, with given constants or steps, that raises the noise by more than it brings back.

    The filter runs on a part of the image, and on that with its noise once more: the difference is what it makes
    of the noise, and what else it changed is what it brought back. Testing/Benchmarks/bench_verdict.py counts how
    often that is right: 64 of 66 times for Landweber's and Richardson and Lucy's filters.
    """
    settings = job.settings
    if settings.strategy != "blend" or settings.spec.automatic or settings.searches or not law.sigma > 0:
        return []
    region = None if job.mask is None else bounding_box(job.mask)
    box = trial_block(job.image.shape, region, _TRIAL_VOXELS)
    mask = None if job.mask is None else job.mask[box]
    if mask is not None and not mask.any():
        return []
    image = np.ascontiguousarray(job.image[box])
    noisy = law.part(box).noisy(image, np.random.default_rng(0)).astype(image.dtype, copy=False)
    kernels = [job.bound.kernel(k) for k in range(len(job.bound))]
    weights = [job.bound.weight(k, image.dtype)[box].copy() for k in range(len(job.bound))]
    part = replace(
        job, settings=replace(settings, engine="fft"), original=image, image=image, guide=image, mask=mask,
        bound=KernelField.by_weights(weights, kernels).bind(image, job.bound.spacing), watch=job.watch.quiet(),
    )  # fmt: skip
    least = min(level_of(job, settings.spec), float(image.min()), float(noisy.min()))
    level = least if settings.spec.nonnegative else None
    result, other = (run_blend(replace(part, image=y), law, level=level).image for y in (image, noisy))

    def power(difference: np.ndarray) -> float:
        return float(np.square(difference if mask is None else difference[mask]).mean(dtype=np.float64))

    before, after = power(noisy - image), power(other - result)
    brought = max(power(result - image) - power((other - result) - (noisy - image)), 0.0)
    if after < 10 ** (0.1 * _WORSE) * (before + brought):
        return []
    noise, raised, detail = (job.outward(math.sqrt(p)) for p in (before, after, brought))
    less = _("fewer iterations") if settings.spec.iterates else _("a larger regularization")
    text = _(
        "the filter raises the noise from about {noise:.3g} to {raised:.3g} and brings back detail of about "
        "{detail:.3g}: the result is likely further from the truth than the image; take {less}, or a method that "
        "finds its own"
    )
    return [text.format(noise=noise, raised=raised, detail=detail, less=less)]


def width_seen(job: Job[DeconvolveSettings], law: NoiseLaw, verdict: str) -> dict[str, Any]:
    """What the image shows of the width of its kernels, for `Result.automatic`; {} where it shows nothing.

    It may make another of the verdict so far.

    Too wide kernels are remarked on: they make a result worse than its image, where too narrow ones only do less.
    """
    job.watch.step(1.0, _("looking at the width of the kernels"))
    try:
        width = width_of(job, law, job.watch.quiet())
    except InputError:  # the image chooses its kernels itself, or is too small
        return {}
    too_wide = width.factor > 1 and not width.fits
    if too_wide:
        text = _("kernels that are too wide can make a result worse than the image: {width}")
        job.warnings.append(text.format(width=width.advise()))
    found: dict[str, Any] = {"width": {"factor": width.factor, "sigma": width.sigma}}
    return {**found, "verdict": "partly"} if too_wide and verdict == "explained" else found
