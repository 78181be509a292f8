"""A run in tiles, of an image that is in memory."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...arrays.watch import Watch
from ...errors import InputError, NotEnoughMemory, is_auto
from ...methods.choices import NEVER
from ...texts import mark as _
from ..inputs import Inputs
from ..job import Job
from ..settings import DeconvolveSettings, Settings
from ..told import unchanged, without_effect
from ..verdict import judged, unjudged
from .layout import Tile
from .memory import tile_memory
from .plan import Plan, foreseen_tiles, plan_of, planned_job
from .solve import Solved, solve_tile
from .survey import survey_of


def runs_in_tiles(job: Job) -> bool:
    """Whether a job's run has to be one in tiles: where that was asked for, or it would not fit into memory."""
    settings = job.settings
    if settings.tiles == NEVER:
        return False
    if not is_auto(settings.tiles):
        return True
    available = None if settings.whole_only() else job.available_memory()
    if available is None or tile_memory(job, job.image.shape, least=True) <= available:
        return False
    try:
        return len(foreseen_tiles(job, (1,) * (job.original.ndim - job.image.ndim) + job.image.shape)) > 1
    except NotEnoughMemory:  # for the smallest tile: what the whole takes is what is to be said
        return False


def planned(inputs: Inputs, settings: Settings, watch: Watch) -> Plan:
    """Return what every tile does.

    Raises
    ------
    InputError, NotEnoughMemory, Cancelled
    """
    refuse_whole_only(settings)
    survey = survey_of(inputs, watch.part(0.0, 0.1))
    return plan_of(inputs, settings, survey, watch.part(0.1, 1.0).under(_("choosing for all tiles")))


def refuse_whole_only(settings: Settings) -> None:
    """Refuse settings with which there can be no tiles.

    Raises
    ------
    InputError
    """
    why = settings.whole_only()
    if why is not None:
        raise InputError(_("there can be no tiles: {why}").format(why=why[0]), "tiles", **why[1])


def run_in_tiles(inputs: Inputs, settings: Settings, watch: Watch) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the result of a run in tiles, and what else a `Result` says of it.

    Parameters
    ----------
    inputs : Inputs
    settings : Settings
    watch : Watch

    Raises
    ------
    InputError, NotEnoughMemory, Cancelled
    """
    plan = planned(inputs, settings, watch.part(0.0, 0.25))
    shape = tuple(inputs.image.shape)
    tiles = plan.tiles(shape)
    image = np.empty(shape, plan.dtype)
    solved = []
    for tile, part in watch.part(0.25, 1.0).parts(tiles, _("tile")):
        found = solve_tile(inputs, plan, tile, part)
        image[tile.core] = found.image
        solved.append(replace(found, image=found.image[..., :0]))
    mask = None if inputs.mask is None else np.asarray(inputs.mask) != 0
    same = unchanged(image, np.asarray(inputs.image), mask)
    return image, facts_of(inputs, settings, plan, tiles, solved, watch, same)


def facts_of(
    inputs: Inputs, settings: Settings, plan: Plan, tiles: list[Tile], solved: list[Solved], watch: Watch,
    same: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What a `Result` says of a run in tiles, but for its image; `same`: which is known to be the input's."""
    warnings = [*plan.warnings, *_told(plan, solved)]
    text = describe(plan, tiles)
    # With the size, so that a recipe makes the same tiles where memory is other.
    parameters = {**settings.parameters(), "tiles": list(plan.size)}
    if not isinstance(plan.settings, DeconvolveSettings):
        automatic = {"tiles": text, "cascade": False}
        made = {"automatic": automatic, "warnings": warnings, "parameters": parameters}
        return _unjudged(made, without_effect(same, idle=False))
    residual = _residual(solved)
    job = planned_job(inputs, plan, watch.quiet())
    law = job.noise_law() if plan.law is None else plan.law
    verdict, remarks = judged(job, law, residual, plan.of)
    facts = {
        "iterations": len(plan.history) if plan.history else plan.settings.steps,
        "history": plan.history,
        "residual": residual,
        "warnings": warnings + remarks,
        "parameters": parameters,
        **job.found(law, {**plan.facts, "verdict": verdict, "tiles": text}),
    }
    idle = not any(tile.blurs for tile in solved if tile.count)
    return _unjudged(facts, without_effect(same, idle))


def _unjudged(facts: dict[str, Any], why: str) -> dict[str, Any]:
    if not why:
        return facts
    return unjudged({**facts, "warnings": list(dict.fromkeys([*facts["warnings"], why]))}, why)


def describe(plan: Plan, tiles: list[Tile]) -> str:
    """Return in words how an image is cut."""
    cores = [[s.stop - s.start for s in tile.core] for tile in tiles]
    size = "x".join(str(max(lengths)) for lengths in zip(*cores, strict=True))
    halo = "x".join(map(str, plan.halo))
    count = "1 tile" if len(tiles) == 1 else f"{len(tiles)} tiles"
    return f"{count} of up to {size} voxels with a halo of {halo}"


def _residual(solved: list[Solved]) -> float | None:
    """That of all voxels, from what the tiles say."""
    expected = math.fsum(tile.expected for tile in solved)
    return math.sqrt(math.fsum(tile.squared for tile in solved) / expected) if expected > 0 else None


def _told(plan: Plan, solved: list[Solved]) -> list[str]:
    """What every tile says that was worked on."""
    worked = [tile for tile in solved if tile.count]
    texts = dict.fromkeys(text for tile in worked for text in tile.warnings)
    told = [text for text in texts if all(text in tile.warnings for tile in worked)]
    return [text for text in told if text not in plan.warnings]
