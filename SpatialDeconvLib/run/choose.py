"""What "auto" takes for a strategy or a method, and why.

The rule is known before anything is solved, from what was measured on many cases
(Testing/Benchmarks/bench_automatic.py): the joint methods come closest wherever they fit into memory.

- Plug-and-play, for images up to a size: it starts from what total variation gives, and ends closer.
- Beyond, and where the noise is as strong as in counts of ten, total variation.
- Kernels keyed to intensity without a guide: whose intensity it is decides everything. Keyed to the object's true
  values, methods that find these along with the image are right ("pnp" does when it is told, "self-keyed" always),
  and every other one can end below its input; keyed to the values of the image at hand, these are known, and
  "self-keyed" is the one that can.

With effort "quick" the quickest joint method that suits the image takes the place of both: Richardson-Lucy, and
Landweber's steps for an image with negative values. Kernels that do not say whose intensity they are keyed to are
keyed to measured ones then: to find that out takes longer than the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arrays.magnitude import ordinary_range
from ..blur.selfkeyed import check_self_keyed
from ..errors import InputError, is_auto
from ..methods import registry as methods
from ..methods.choices import AUTO, FIXED_BOUNDARIES
from ..noise import NoiseLaw, looks_nonnegative
from ..texts import joined
from ..texts import mark as _
from .job import Job
from .joint import joint_memory
from .settings import DeconvolveSettings
from .whose import MEASURED, METHODS, TRUE, Finding, whose_values


@dataclass(frozen=True)
class Choice:
    """What a run takes.

    Attributes
    ----------
    settings : DeconvolveSettings
        With a strategy that is not "auto"; the method of a blend may still be, as every kernel has its own.
    facts : dict
        What was chosen, for `Result.automatic`: empty where nothing was to be chosen; else "strategy", "method",
        "why" (in words) and, of kernels keyed to intensity, "of" (whose values). Of a blend only the last.
    """

    settings: DeconvolveSettings
    facts: dict[str, Any] = field(default_factory=dict)


_AS_GIVEN = _("kernels keyed to measured values, as was given")
QUICK = "quick"  # of `choices.EFFORTS`

#: Voxels of the largest image that plug-and-play is taken for: it takes about 1.6 times as long as a penalty alone.
_MOST_FOR_PNP = 1 << 22
#: Noise, of the range of values, from which a penalty alone comes closer, by 0.2 dB on average of 15 cases.
_TOO_NOISY_FOR_PNP = 0.12


@dataclass(frozen=True)
class Looks:
    """What an image looks like, as far as a choice depends on it.

    Attributes
    ----------
    nonnegative : bool
        Whether it may be nowhere negative but for its noise.
    noisy : bool
        Whether the noise is as strong as in counts of ten.
    """

    nonnegative: bool
    noisy: bool

    @classmethod
    def of(cls, image: np.ndarray, sigma: float, mask: np.ndarray | None) -> Looks:
        """Look at an image with noise of this standard deviation."""
        low, high = ordinary_range(image, mask)
        return cls(looks_nonnegative(image, sigma, mask), sigma > _TOO_NOISY_FOR_PNP * (high - low))


@dataclass(frozen=True)
class _Wish:
    """A method, and why it is taken."""

    strategy: str
    method: str
    why: str


def chosen(job: Job[DeconvolveSettings], law: NoiseLaw, *, tiled: bool = False) -> Choice:
    """Return what the job's run takes.

    Parameters
    ----------
    job : Job
        Of a deconvolution; its warnings take what is doubtful.
    law : NoiseLaw
        Of the noise.
    tiled : bool
        Whether the job's image stands for one that is worked on in tiles, so that memory is no reason.

    Raises
    ------
    InputError
        If a method that finds true values was named for kernels that are said to be keyed to measured ones.
    """
    settings = job.settings
    _refuse_contradiction(job)
    if settings.spec.either:
        of, _why = _whose(job, law)
        return Choice(settings, {} if of is None else {"of": of})
    if not settings.spec.automatic:
        of = _whose_for_penalty(job, law)
        return Choice(settings, {} if of is None else {"of": of})
    if settings.strategy == "blend":
        of = _whose_for_blend(job, law)
        return Choice(settings, {} if of is None else {"of": of})
    quick = settings.effort == QUICK
    of, found = _whose_as_given(job) if quick else _whose(job, law)
    wishes = _wishes(job, of, found, Looks.of(job.image, law.sigma, job.mask))
    wish, lacking = (_first_in_tiles(wishes), _("in tiles")) if tiled else _first_that_fits(job, wishes)
    facts: dict[str, Any] = {
        "strategy": wish.strategy,
        "method": wish.method,
        "why": joined("; ", filter(None, (wish.why, lacking))),
    }
    if of is not None:
        facts["of"] = of
    named = replace(settings, strategy=wish.strategy, method=wish.method, effort=DeconvolveSettings.effort)
    return Choice(named, facts)


def foreseen(job: Job[DeconvolveSettings], looks: Looks, tiled: bool = False) -> list[tuple[str, str]]:
    """Return strategy and method that `chosen` may take for an automatic job, without asking the image.

    The first is that of kernels keyed to measured values; a second one that of true values, where it differs and
    the run is to find out which.

    Parameters
    ----------
    job : Job
        Of which only the kernels, the shape of the image and the settings are looked at.
    looks : Looks
        Those of the image, or of a part of it.
    tiled : bool
        Whether the run is one in tiles.
    """
    keyed = job.bound.field.of
    readings: list[str | None] = [None]
    if asks_whose(job):
        readings = [MEASURED, TRUE] if keyed == AUTO and job.settings.effort != QUICK else [keyed]
    wishes = [_wishes(job, of, "", looks) for of in readings]
    found = [_first_in_tiles(known) if tiled else _first_that_fits(job, known)[0] for known in wishes]
    return list(dict.fromkeys((wish.strategy, wish.method) for wish in found))


def _whose(job: Job[DeconvolveSettings], law: NoiseLaw) -> tuple[str | None, str]:
    """Whose values choose the kernels, "measured" or "true", and how that is known; None where nothing asks."""
    keyed = job.bound.field
    if not asks_whose(job):
        return None, ""
    if keyed.of == MEASURED:
        return MEASURED, _AS_GIVEN
    if keyed.of == TRUE:
        return _true_if_possible(job)
    finding = _found(job, law)
    return finding.of, finding.why


def _whose_for_blend(job: Job[DeconvolveSettings], law: NoiseLaw) -> str | None:
    """The same for a blend, which can take both as they are."""
    keyed = job.bound.field
    if not asks_whose(job):
        return None
    return _found(job, law).of if keyed.of == AUTO else keyed.of


def _whose_for_penalty(job: Job[DeconvolveSettings], law: NoiseLaw) -> str | None:
    """The same for a method that takes measured values, whatever it is, but not the same penalty."""
    keyed, settings = job.bound.field, job.settings
    searches = bool(settings.spec.told) and is_auto(settings.regularization)
    if not searches or not asks_whose(job):
        return None
    if keyed.of != AUTO:
        return keyed.of
    of = _finding(job, law).of
    if of == TRUE:
        job.warnings.append(_not_looked_for(settings.spec))
    return of


def _whose_as_given(job: Job[DeconvolveSettings]) -> tuple[str | None, str]:
    """The same without asking the image."""
    if not asks_whose(job):
        return None, ""
    if job.bound.field.of == TRUE:
        return _true_if_possible(job)
    if job.bound.field.of == AUTO:
        return MEASURED, _("kernels taken as keyed to measured values, as the image was not asked")
    return MEASURED, _AS_GIVEN


def asks_whose(job: Job[DeconvolveSettings]) -> bool:
    """Whether it matters whose values choose the kernels."""
    keyed = job.bound.field
    return keyed.key == "intensity" and not job.guided and len(keyed.at) > 1


def _found(job: Job[DeconvolveSettings], law: NoiseLaw) -> Finding:
    """What the image says of whose values choose; the job's warnings take doubt."""
    finding = _finding(job, law)
    if not finding.clear and finding.residuals:  # of an image in which it makes a difference
        measured = _("{why}; if the levels are measured values, say so")
        true = _("{why}; if the levels are true values, say so")
        job.warnings.append((true if finding.of == MEASURED else measured).format(why=finding.why))
    return finding


def _finding(job: Job[DeconvolveSettings], law: NoiseLaw) -> Finding:
    job.watch.step(0.0, _("finding whose intensity chooses the kernels"))
    return whose_values(
        job.image, job.bound, law, model=job.settings.model, boundary=job.settings.boundary, mask=job.mask,
        watch=job.watch.quiet(),
    )  # fmt: skip


def _true_if_possible(job: Job[DeconvolveSettings]) -> tuple[str, str]:
    """True values where they can be found, else measured ones, with a warning."""
    try:
        check_self_keyed(job.bound.field)
    except InputError as error:
        text = _("the true values that the kernels are keyed to were not looked for: {reason}")
        job.warnings.append(text.format(reason=error.text))
        return MEASURED, _("kernels keyed to true values that could not be looked for, so to measured ones")
    return TRUE, _("kernels keyed to true values, as was given")


def _refuse_contradiction(job: Job[DeconvolveSettings]) -> None:
    spec, keyed = job.settings.spec, job.bound.field
    if spec.self_keyed and keyed.of == MEASURED:
        text = _(
            "method '{method}' looks for the true values of the object, but the kernels are keyed to measured "
            "values; take another method, or say that the levels are true values"
        )
        raise InputError(text.format(method=spec.name), method=METHODS[MEASURED], of=TRUE)
    knows = spec.self_keyed or spec.either or spec.automatic or job.guided
    if spec.strategy == "joint" and keyed.of == TRUE and not knows:
        job.warnings.append(_not_looked_for(spec))


def _not_looked_for(spec: methods.Method) -> str:
    text = _(
        "the kernels are keyed to true values, but method '{method}' takes those of the image at hand: give a "
        "sharp guide or use method '{other}'"
    )
    return text.format(method=spec.name, other=METHODS[TRUE])


def _reason(job: Job[DeconvolveSettings], found: str) -> str:
    """Why a method is taken, as far as the kernels are the reason."""
    key = job.bound.field.key
    reason = found or (
        _("one kernel everywhere") if key == "uniform" else _("kernels keyed by {key}").format(key=key)
    )
    return _("{reason}, chosen by the guide").format(reason=reason) if job.guided else reason


def _wishes(job: Job[DeconvolveSettings], of: str | None, found: str, looks: Looks) -> list[_Wish]:
    """What there is to take in a strategy that the settings allow, the most wished for first."""
    reason = _reason(job, found)
    if job.settings.effort == QUICK:
        known = _quick_wishes(of, reason, looks.nonnegative)
    else:
        known = _best_wishes(job, of, reason, looks.noisy)
    return [wish for wish in known if job.settings.strategy in (AUTO, wish.strategy)]


def _quick_wishes(of: str | None, reason: str, nonnegative: bool) -> Iterator[_Wish]:
    if of == TRUE:  # no quicker method is right
        yield _Wish("joint", METHODS[TRUE], reason)
    elif nonnegative:
        yield _Wish("joint", "richardson-lucy", reason)
    else:
        yield _Wish("joint", "landweber", _("{reason}, and negative values in the image").format(reason=reason))


def _best_wishes(job: Job[DeconvolveSettings], of: str | None, reason: str, noisy: bool) -> Iterator[_Wish]:
    if noisy:
        text = _("{reason}, and noise of more than {share:.0f} % of the range of values")
        reason = text.format(reason=reason, share=100 * _TOO_NOISY_FOR_PNP)
    elif job.image.size <= _MOST_FOR_PNP:
        yield _Wish("joint", "pnp", reason)
    else:
        reason = _("{reason}; the quicker of two methods, as the image is large").format(reason=reason)
    if of == TRUE:
        yield _Wish("joint", METHODS[TRUE], reason)
    else:
        yield _Wish("joint", "tv", reason)
        yield _Wish("joint", "richardson-lucy", reason)  # takes less memory
    if job.settings.boundary in FIXED_BOUNDARIES:
        yield _Wish("blend", AUTO, _("the least memory"))


def _first_that_fits(job: Job[DeconvolveSettings], wishes: list[_Wish]) -> tuple[_Wish, str]:
    """The first of them that memory allows (the last, where none is), and what to say of those before it."""
    available = job.available_memory()
    for number, wish in enumerate(wishes):
        last = number == len(wishes) - 1
        if last or available is None or _needed(job, wish) <= available:
            before = ", ".join(f"{w.method} ({_needed(job, w) / 2**30:.2g} GiB)" for w in wishes[:number])
            return wish, _("not enough memory for {methods}").format(methods=before) if before else ""
    raise ValueError("nothing to choose from")


def _first_in_tiles(wishes: list[_Wish]) -> _Wish:
    """The first of them that gives the same in tiles."""
    specs = [methods.method(wish.strategy, wish.method) for wish in wishes]
    return min(zip(wishes, specs, strict=True), key=lambda pair: pair[1].automatic or pair[1].tiled_to)[0]


def _needed(job: Job[DeconvolveSettings], wish: _Wish) -> float:
    """Bytes that a joint method takes at least."""
    return joint_memory(job, methods.method("joint", wish.method))[1] if wish.strategy == "joint" else 0.0
