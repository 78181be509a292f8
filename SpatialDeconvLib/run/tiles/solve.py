"""One tile, worked on as the plan says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...arrays.boxes import Box
from ...arrays.watch import UNWATCHED, Watch
from ...noise import NoiseLaw
from ...solvers.agreement import Given
from ..blend import run_blend
from ..inputs import Inputs, finite
from ..job import Job
from ..joint import run_joint
from ..residuals import NEAR, Fit, KernelSums, composite
from ..settings import ConvolveSettings, DeconvolveSettings, Settings
from ..told import of_no_effect
from .cutting import Rule, padded_for_filters, part_of, read, repeated, voxels_in
from .layout import Tile
from .plan import Plan


@dataclass(frozen=True)
class Solved:
    """What became of a tile.

    Attributes
    ----------
    image : ndarray, shape of the tile's core
    count : int
        Voxels of the core that were worked on.
    squared, expected : float
        |y - A x|^2 over these voxels, and what the noise makes of it; 0 where there is no noise.
    warnings : list of str
    blurs : bool
        Whether a kernel that is used in the tile blurs anything.
    unexplained : ndarray or None
        The core's part of the residual map, where that was asked for.
    kernels : list of KernelSums
        What that says of the kernels.
    """

    image: np.ndarray
    count: int = 0
    squared: float = 0.0
    expected: float = 0.0
    warnings: list[str] = field(default_factory=list)
    blurs: bool = True
    unexplained: np.ndarray | None = None
    kernels: list[KernelSums] = field(default_factory=list)


def solve_tile(
    inputs: Inputs, plan: Plan, tile: Tile, watch: Watch = UNWATCHED, residual_map: bool = False
) -> Solved:
    """Work on a tile of an image.

    Parameters
    ----------
    inputs : Inputs
        Of the whole image; only the tile's box is read.
    plan : Plan
    tile : Tile
    watch : Watch
    residual_map : bool
        Whether to make the tile's part of that, too; see `pipeline.Result.residual_map`.

    Raises
    ------
    InputError, NotEnoughMemory, Cancelled
    """
    watch.step(0.0)
    shape = tuple(inputs.image.shape)
    part = part_of(inputs, tile.box, repeated(shape, plan.settings.boundary))
    part = replace(part, image=part.image.astype(plan.dtype, copy=False))
    own = part.image[tile.inside]
    selected = own.size if part.mask is None else int(np.count_nonzero(part.mask[tile.inside]))
    if not selected or not np.isfinite(part.image).any():
        return Solved(own.copy(), unexplained=np.zeros_like(own) if residual_map else None)
    job: Job[Any] = Job.prepare(part, _settings(plan.settings, tile, shape), watch, plan.exponent)
    if isinstance(job.settings, ConvolveSettings):
        forward, _ = job.forward_model(job.settings.cascade)
        return Solved(job.finished(forward(job.image))[tile.inside], selected, warnings=job.warnings)
    law = plan.law
    if law is None:
        law = replace(NoiseLaw.of_image(job.noise), sigma=plan.sigma)
    image, fit, box = (_joint if job.settings.strategy == "joint" else _blended)(inputs, job, law, plan, tile)
    squared, expected = fit.sums(job.watch.quiet()) if law.sigma > 0 else (0.0, 0.0)
    job.check_result(image, job.settings.spec.name)
    blurs = not of_no_effect(job.bound, job.mask, image.dtype)
    solved = Solved(job.finished(image)[tile.inside], selected, squared, expected, job.warnings, blurs)
    if not residual_map:
        return solved
    core = tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(_core(job, tile), box, strict=True))
    unexplained, sums = fit.part_of_map(core, None if job.mask is None else job.mask[box], job.watch.quiet())
    first = [s.start for s in tile.core]
    return replace(
        solved, unexplained=unexplained.reshape(solved.image.shape), kernels=[found.moved(first) for found in sums]
    )


def _settings(settings: Settings, tile: Tile, shape: tuple[int, ...]) -> Settings:
    """The settings of a tile: what it has beyond its box are other voxels, not the border of the image."""
    at_border = any(b.start <= 0 or b.stop >= n for b, n in zip(tile.box, shape, strict=True) if n > 1)
    if settings.boundary == "periodic" or (settings.boundary == "zero" and not at_border):
        return replace(settings, boundary="edge")
    return settings


def _joint(
    inputs: Inputs, job: Job[DeconvolveSettings], law: NoiseLaw, plan: Plan, tile: Tile
) -> tuple[np.ndarray, Fit, Box]:
    """The tile, solved; how that fits in a box around its core, and the box."""
    found = run_joint(job, law, least=plan.least, of=plan.of, agreed=Given(plan.numbers), **plan.options)
    if found.domain is None or found.domain.shape == job.image.shape:
        box = _grown(job, tile)
        found = replace(found, domain=np.ascontiguousarray(found.image[box]))
    else:  # the border was solved for, too
        box = tuple(slice(0, n) for n in job.image.shape)
    return found.image, Fit.of_joint(_own(job, tile, box), law.part(box), found), box


def _blended(
    inputs: Inputs, job: Job[DeconvolveSettings], law: NoiseLaw, plan: Plan, tile: Tile
) -> tuple[np.ndarray, Fit, Box]:
    """The tile, filtered; how that fits in a box around its core, and the box."""
    grown = _grown(job, tile)
    around = replace(job, mask=_selected(job, grown))
    image = np.zeros(job.image.shape, job.image.dtype)
    for kernels, seen in _as_filters_see(inputs, job, plan.settings.boundary, tile):
        found = run_blend(
            replace(around, image=seen), law, level=lambda spec: plan.levels.get(spec.name, 0.0),
            choose=plan.filtering, only=kernels,
        )  # fmt: skip
        image += found.image
    within = _image_within(tile, inputs, plan.settings.boundary)[job.original.ndim - job.image.ndim :]
    box = tuple(slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(within, grown, strict=True))
    return image, Fit.of(_own(job, tile, box), law.part(box), composite(around, image)[box]), box


def _own(job: Job[DeconvolveSettings], tile: Tile, box: Box) -> Job[DeconvolveSettings]:
    """The job of a box around the core, of which the core's voxels count."""
    seen = job.image[box]
    return replace(
        job, original=seen, image=seen, guide=job.guide[box], mask=_selected(job, _core(job, tile))[box],
        bound=job.bound.part(box, job.image.dtype, known=True),
    )  # fmt: skip


def _as_filters_see(
    inputs: Inputs, job: Job[DeconvolveSettings], boundary: str, tile: Tile
) -> Iterator[tuple[list[int], np.ndarray]]:
    """The tile as filters see it, and the kernels whose do: those take the image, padded, for periodic."""
    shape = tuple(inputs.image.shape)
    lead = len(shape) - job.image.ndim
    everyone = range(len(job.bound))
    if all(s.start >= 0 and s.stop <= n for s, n in zip(tile.box, shape, strict=True)):
        yield list(everyone), job.image
        return
    alike: dict[tuple[bytes, ...], tuple[Rule, list[int]]] = {}  # kernels of several sizes are padded alike
    for k in everyone:
        rule = padded_for_filters(shape, (1,) * lead + job.bound.kernel(k).shape, boundary)
        voxels = tuple(v.tobytes() for v in voxels_in(tile.box, rule))
        alike.setdefault(voxels, (rule, []))[1].append(k)
    for rule, kernels in alike.values():
        part = read(inputs.image, tile.box, rule).astype(job.image.dtype, copy=False)
        part = finite(part, "fill", [])
        yield kernels, np.ldexp(part, job.exponent).reshape(job.image.shape)


def _image_within(tile: Tile, inputs: Inputs, boundary: str) -> Box:
    """Where the image lies in what was read for a tile; of one that comes again, all of that is image."""
    if boundary == "periodic":
        return tuple(slice(0, b.stop - b.start) for b in tile.box)
    return tuple(
        slice(max(0, -b.start), min(b.stop, n) - b.start) for b, n in zip(tile.box, inputs.image.shape, strict=True)
    )


def _core(job: Job, tile: Tile) -> Box:
    """Where the core lies in the job's image."""
    return tile.inside[job.original.ndim - job.image.ndim :]


def _grown(job: Job, tile: Tile) -> Box:
    """The core and what is around it that tells how well it fits: neighbours, and the voxels that kernels reach."""
    inside = zip(_core(job, tile), job.bound.radii, strict=True)
    lengths = job.image.shape
    return tuple(
        slice(max(0, s.start - r - NEAR // 2), min(n, s.stop + r + NEAR // 2))
        for (s, r), n in zip(inside, lengths, strict=True)
    )


def _selected(job: Job, box: Box) -> np.ndarray:
    """The voxels of a box that are worked on."""
    selected = np.zeros(job.image.shape, bool)
    selected[box] = True if job.mask is None else job.mask[box]
    return selected
