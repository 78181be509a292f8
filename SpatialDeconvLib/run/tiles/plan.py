"""What a run chooses, chosen once on a sample of the image and fixed for every tile."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...arrays.boxes import Box
from ...arrays.spacing import spacing_tuple
from ...arrays.watch import UNWATCHED, Watch
from ...errors import InputError, check_squarable, is_auto
from ...kernels.field import KernelField, field_of
from ...methods import registry as methods
from ...noise import NoiseLaw
from ...solvers.agreement import Noted
from ...solvers.iteration import Solution
from ...texts import mark as _
from ..blend import chooser
from ..choose import chosen
from ..filtering import Filtering, base_level, facts_of
from ..inputs import Inputs
from ..job import Job
from ..joint import least_value, run_joint
from ..settings import ConvolveSettings, DeconvolveSettings, S, Settings
from ..units import exponent_of, own_levels
from .layout import Tile, checked_size, lay_out
from .memory import reckoned, size_of_tiles
from .sample import blocks_of, sample_of
from .survey import Survey

#: What a method finds about its penalty, which its function takes as an option.
_OPTIONS = ("hessian",)
#: Of an early method: with so many a tile needs `Method.halo`.
_ITERATIONS = 10
#: How much wider it is for kernels whose spectra have gaps.
_GAPS = 2
#: Of the range of values: what a tile may differ by without a word, and does of a border that is estimated.
_WANTED, _LOOSE = 1e-3, 5e-3
#: The same of Richardson-Lucy's steps and the like beyond so many: 2.3e-3 was measured with 15.
_MANY_STEPS = 3e-3
#: The same where the image that is sought chooses the kernels of the source model: where it differs, it spreads.
_SELF_KEYED_SOURCE = 7e-2


@dataclass(frozen=True)
class Plan:
    """What every tile of one image does.

    Intensities are in the unit that the run works in.

    Attributes
    ----------
    settings : DeconvolveSettings or ConvolveSettings
        With strategy and method of a deconvolution.
    halo : tuple of int
        Voxels around a tile.
    size : tuple of int
        Of a tile's core, at most.
    dtype : str
    exponent : int
        Of the unit (`units`).
    law : NoiseLaw or None
        Of the noise; None of a convolution, and where an image of sigmas is given.
    sigma : float
        Over all of the image.
    of : str or None
        Whose intensity chooses the kernels.
    least : float
        The least value that a joint method's result may have.
    levels : dict of str to float
        What is subtracted before a filter, by method.
    filterings : tuple of Filtering
        What each kernel of a blend filters with.
    options : dict
        Of a joint method's function.
    numbers : dict of str to list of float
        That steer a joint method (`solvers.agreement`).
    facts : dict
        What was chosen, for `Result.automatic`.
    history : list of float
        Residuals of the iterations, on the sample.
    warnings : list of str
    sample : tuple of Box
        The blocks of the image that a deconvolution was chosen on.
    """

    settings: Any
    halo: tuple[int, ...]
    size: tuple[int, ...]
    dtype: str
    exponent: int = 0
    law: NoiseLaw | None = None
    sigma: float = math.nan
    of: str | None = None
    least: float = -math.inf
    levels: dict[str, float] = field(default_factory=dict)
    filterings: tuple[Filtering, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    history: list[float] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    sample: tuple[Box, ...] = ()

    def tiles(self, shape: tuple[int, ...]) -> list[Tile]:
        """Return the tiles of the image, which has this shape."""
        # ITK's filters take an image, padded, for one that comes again and again.
        filters = isinstance(self.settings, DeconvolveSettings) and self.settings.strategy == "blend"
        return lay_out(shape, self.size, self.halo, beyond=filters, wraps=self.settings.boundary == "periodic")

    def filtering(self, k: int) -> Filtering:
        """Return what kernel `k` of a blend filters with."""
        return self.filterings[k]

    def as_json(self) -> dict[str, Any]:
        """Return the plan as what JSON holds, without loss."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain["settings"] = {"operation": self.settings.operation, "parameters": self.settings.parameters()}
        plain["law"] = None if self.law is None else {**self.law.parameters(), "sigma": self.law.sigma}
        plain["filterings"] = [dataclasses.asdict(f) for f in self.filterings]
        plain["sample"] = [[[part.start, part.stop] for part in box] for box in self.sample]
        return plain

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> Plan:
        """Return the plan that `as_json` described."""
        from ..settings import settings_of

        law = plain["law"]
        return cls(
            **{
                **plain,
                "settings": settings_of(plain["settings"]["operation"], plain["settings"]["parameters"]),
                "halo": tuple(plain["halo"]),
                "size": tuple(plain["size"]),
                "law": None if law is None else NoiseLaw(**law),
                "filterings": tuple(Filtering(**f) for f in plain["filterings"]),
                "sample": tuple(tuple(slice(*ends) for ends in box) for box in plain["sample"]),
            }
        )


def plan_of(inputs: Inputs, settings: Settings, survey: Survey, watch: Watch = UNWATCHED) -> Plan:
    """Choose for all of an image what its settings leave open, on a sample of it.

    Parameters
    ----------
    inputs : Inputs
    settings : Settings
    survey : Survey
        Of the image.
    watch : Watch

    Raises
    ------
    InputError
        If the image has NaN that are not to be filled, or the method cannot work in tiles.
    Cancelled
    """
    _refuse_nonfinite(survey, settings, int(math.prod(inputs.image.shape)))
    if settings.boundary == "periodic" and field_of(inputs.kernels).feather:
        raise InputError(
            _("there can be no tiles: regions that fade into each other do not do so across a periodic border"),
            "boundary",
            boundary="edge",
        )
    if isinstance(settings, ConvolveSettings):
        job, _box = _sampled(inputs, settings, survey, watch)
        halo = halo_of(job, settings)
        return Plan(
            settings, halo, _size(job, tuple(inputs.image.shape), halo), survey.dtype, warnings=job.warnings
        )
    assert isinstance(settings, DeconvolveSettings)
    check_squarable(survey.largest, "the image has values of")
    return _Planning(inputs, settings, survey, watch).plan()


def halo_of(job: Job, settings: Settings) -> tuple[int, ...]:
    """Return how many voxels around a tile are needed, along every axis of the image."""
    kernels = [job.bound.kernel(k) for k in range(len(job.bound))]
    axes = range(job.image.ndim)
    if isinstance(settings, DeconvolveSettings):
        spec = reckoned(settings.spec)
        more = math.sqrt(max(1.0, (settings.steps or 1) / _ITERATIONS)) if spec.early else 1.0
        wide = [(more * spec.halo * (_GAPS if kernel.has_gaps else 1), kernel) for kernel in kernels]
        margins = [math.ceil(max(reaches * kernel.fine_reach(axis) for reaches, kernel in wide)) for axis in axes]
    else:
        margins = list(job.bound.radii)
    feather = job.bound.field.feather
    margins = [m + math.ceil(feather / h) for m, h in zip(margins, job.bound.spacing, strict=True)]
    if settings.slicewise:
        margins[0] = 0
    return (0,) * (job.original.ndim - job.image.ndim) + tuple(margins)


def _refuse_nonfinite(survey: Survey, settings: Settings, voxels: int) -> None:
    if survey.bad and settings.nonfinite == "error":
        text = _(
            "the image holds {bad} NaN or infinite of {voxels} voxels; repair it, or let them be filled from their "
            "neighbours"
        )
        raise InputError(text.format(bad=survey.bad, voxels=voxels), nonfinite="fill")


def _size(job: Job, shape: tuple[int, ...], halo: tuple[int, ...]) -> tuple[int, ...]:
    """The size of the tiles' cores: as it was given, or as memory allows."""
    given = job.settings.tiles
    if isinstance(given, str):
        return size_of_tiles(job, shape, halo, job.available_memory())
    return checked_size(given, shape, halo)


def _sampled(inputs: Inputs, settings: S, survey: Survey, watch: Watch) -> tuple[Job[S], tuple[Box, ...]]:
    """The job of a sample of an image, in the unit of the whole, and the blocks that the sample is of."""
    boxes = tuple(blocks_of(inputs, _reach(inputs, settings), watch.part(0.0, 0.1), _allowed(settings)))
    exponent = 0
    if isinstance(settings, DeconvolveSettings):
        levels = own_levels(field_of(inputs.kernels), inputs.guide is not None)
        exponent = exponent_of(survey.largest, levels)
    return _job_of(inputs, settings, boxes, survey.dtype, exponent, watch.part(0.1, 1.0)), boxes


def planned_job(inputs: Inputs, plan: Plan, watch: Watch) -> Job[DeconvolveSettings]:
    """Return the job of the sample that a deconvolution was planned on."""
    return _job_of(inputs, plan.settings, plan.sample, plan.dtype, plan.exponent, watch)


def _job_of(inputs: Inputs, settings: S, boxes: tuple[Box, ...], dtype: str, exponent: int, watch: Watch) -> Job[S]:
    sample = sample_of(inputs, boxes, _reach(inputs, settings), settings.slicewise)
    return Job.prepare(replace(sample, image=sample.image.astype(dtype, copy=False)), settings, watch, exponent)


def foreseen_tiles(job: Job, shape: tuple[int, ...]) -> list[Tile]:
    """Return the tiles of an image of this shape, of which the job has the kernels and the settings."""
    halo = halo_of(job, job.settings)
    return lay_out(shape, _size(job, shape, halo), halo)


def _allowed(settings: Settings) -> float | None:
    """Bytes that the settings allow; what is free says nothing, as it is another number each time."""
    return None if settings.memory_limit is None else settings.memory_limit * 2**30


def _reach(inputs: Inputs, settings: Settings) -> list[int]:
    shape = tuple(inputs.image.shape)
    kernels = field_of(inputs.kernels).fitted(shape, spacing_tuple(inputs.spacing, len(shape)), settings.slicewise)
    return [max(kernel.centred().reach(axis) for kernel in kernels) for axis in range(len(shape))]


class _Planning:
    """The choices of one deconvolution."""

    def __init__(self, inputs: Inputs, settings: DeconvolveSettings, survey: Survey, watch: Watch):
        self.shape, self.survey = tuple(inputs.image.shape), survey
        self.job, self.sample = _sampled(inputs, settings, survey, watch)
        self.unseen = _unseen(self.job, field_of(inputs.kernels), None if inputs.guide is not None else survey)
        self.exponent = self.job.exponent

    def plan(self) -> Plan:
        job, law = self.job, self.job.noise_law()
        choice = chosen(job, law, tiled=True)
        job.settings = choice.settings
        spec = choice.settings.spec
        gaps = any(job.bound.kernel(k).has_gaps for k in range(len(job.bound)))
        for text in _bound(choice.settings, gaps):  # before the work
            job.watch.step(0.0, text)
        image = choice.settings.noise == "image"
        plan = Plan(
            choice.settings, (), (), self.survey.dtype, self.exponent, None if image else law, law.sigma,
            choice.facts.get("of"), facts=choice.facts, warnings=job.warnings, sample=self.sample,
        )  # fmt: skip
        plan = self._joint(plan, law) if spec.strategy == "joint" else self._blend(plan, law)
        halo = halo_of(job, plan.settings)
        job.settings = plan.settings
        outward = plan.settings.in_unit(2.0**-self.exponent)
        return replace(
            plan, settings=outward, halo=halo, size=_size(job, self.shape, halo), levels=self._levels(plan),
            warnings=[*job.warnings, *_bound(plan.settings, gaps)],
        )  # fmt: skip

    # -- joint

    def _joint(self, plan: Plan, law: NoiseLaw) -> Plan:
        job, settings = self.job, plan.settings
        least = least_value(job, law.sigma, float(np.ldexp(self.survey.low, self.exponent)))
        if self._searches(settings):
            job.watch, watch = job.watch.part(0.0, 0.6), job.watch.part(0.6, 1.0)
            found = run_joint(job, law, least=least, of=plan.of)
            settings, options = _fixed(settings, found)
            job.watch, job.settings = watch, settings
        else:
            options = {}
        noted = Noted()
        found = run_joint(job, law, least=least, of=plan.of, agreed=noted, **options)
        facts = {**plan.facts, **found.parameters}
        numbers = dict(noted.numbers)
        if numbers.get("family"):  # tiles that use the others, too, are to blur as the whole image is blurred
            numbers["family"] = sorted({*numbers["family"], *map(float, self.unseen)})
        return replace(
            plan, settings=settings, least=least, options=options, numbers=numbers, facts=facts,
            history=found.history,
        )  # fmt: skip

    @staticmethod
    def _searches(settings: DeconvolveSettings) -> bool:
        """Whether the method would choose for each tile what it is to choose once."""
        spec = settings.spec
        return settings.iterations is None if spec.early else is_auto(settings.regularization)

    # -- blend

    def _blend(self, plan: Plan, law: NoiseLaw) -> Plan:
        job = self.job
        choose = chooser(job, law, plan.of, local=True)
        kernels = range(len(job.bound.field.kernels))
        found = {k: Filtering() if job.bound.is_identity(k) else choose(k) for k in kernels}
        facts = facts_of(found, len(found)) if plan.settings.spec.automatic else {}
        if plan.settings.spec.tuned:
            facts["constant_of_each_kernel"] = [filtering.constant for filtering in found.values()]
        return replace(plan, filterings=tuple(found.values()), facts={**plan.facts, **facts})

    def _levels(self, plan: Plan) -> dict[str, float]:
        settings = plan.settings
        assert isinstance(settings, DeconvolveSettings)
        if settings.strategy != "blend":
            return {}
        low, mean = (float(np.ldexp(v, self.exponent)) for v in (self.survey.low, self.survey.mean))
        known = np.array([low, 2 * mean - low])  # of which these are minimum and mean
        found = settings.spec.automatic or settings.searches
        return {
            spec.name: base_level(spec, known, offset=settings.offset, boundary=settings.boundary, found=found)
            for spec in methods.methods_of("blend").values()
        }


def _fixed(settings: DeconvolveSettings, found: Solution) -> tuple[DeconvolveSettings, dict[str, Any]]:
    """The settings with what was found, and what else the method's function is to be told."""
    spec, chosen_ = settings.spec, found.parameters
    if spec.early:
        return replace(settings, iterations=max(1, len(found.history))), {}
    options = {name: chosen_[name] for name in _OPTIONS if name in chosen_}
    return replace(settings, regularization=chosen_["regularization"]), options


def _unseen(job: Job, field: KernelField, survey: Survey | None) -> list[int]:
    """The kernels that blur and that no voxel of the sample uses, though some of the image may.

    `survey`: of what is keyed by intensity; None where that is not the image.
    """
    bound = job.bound
    found = [k for k in range(len(bound)) if bound.support(k, job.image.dtype) is None and not bound.is_identity(k)]
    if field.key != "intensity" or survey is None:
        return found
    levels = (-math.inf, *map(float, field.at), math.inf)
    return [k for k in found if survey.low < levels[k + 2] and survey.high > levels[k]]


def _bound(settings: DeconvolveSettings, gaps: bool) -> list[str]:
    """What to say of a method whose tiles may show; `gaps`: whether kernels have some in their spectra."""
    spec = settings.spec
    apart, why = spec.tiled_to, f"{spec.in_prose} follows small differences in tiles"
    if settings.boundary == "extended" and not spec.early and spec.strategy == "joint":
        apart, why = max(apart, _LOOSE), f"with an extended boundary {why}"
    if spec.early and spec.strategy == "joint" and (settings.iterations or 0) > _ITERATIONS:
        apart, why = max(apart, _MANY_STEPS), f"after {settings.iterations} iterations {why}"
    if spec.self_keyed and settings.model == "source":
        apart, why = _SELF_KEYED_SOURCE, f"with the source model {why}"
    if gaps and spec.tiled_to_gaps > apart:
        apart, why = spec.tiled_to_gaps, "frequencies that its kernels blur away come back from far voxels"
    if apart <= _WANTED:
        return []
    return [
        f"single voxels may differ by about {apart:.1g} of the range of values from those of a run all at once: "
        f"{why}"
    ]
