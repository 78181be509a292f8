"""One tile of a run on a stored volume, here or in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.watch import Progress, Watch
from ..errors import InputError, NotEnoughMemory
from ..formats.parts import StoredWriter, attach_parts
from ..kernels.sets import field_from_dict
from ..run.residuals import KernelSums
from ..run.tiles import Plan, Solved, solve_tile
from .journal import Journal
from .stored import Selection, StoredInputs, opened


def do_tile(
    inputs: StoredInputs,
    writer: StoredWriter,
    journal: Journal,
    place: tuple[int, int, int],
    plan: Plan,
    watch: Watch,
    residuals: StoredWriter | None = None,
) -> dict[str, Any]:
    """Work on a tile, write it, note that it is done, and return what it says.

    Parameters
    ----------
    inputs : StoredInputs
    writer : StoredWriter
    journal : Journal
    place : (int, int, int)
        Frame, channel, number of the tile.
    plan : Plan
    watch : Watch
    residuals : StoredWriter, optional
        Of the residual map.
    """
    frame, channel, number = place
    tile = plan.tiles(inputs.image.shape)[number]
    solved = solve_tile(inputs.of(frame, channel), plan, tile, watch, residuals is not None)
    writer.write(tile.core, solved.image, channel, frame)
    if residuals is not None and solved.unexplained is not None:
        residuals.write(tile.core, solved.unexplained, channel, frame)
    said = {
        "count": solved.count, "squared": solved.squared, "expected": solved.expected, "blurs": solved.blurs,
        "warnings": solved.warnings, "kernels": [asdict(sums) for sums in solved.kernels],
    }  # fmt: skip
    journal.keep_done(frame, channel, number, said)
    return said


def solved_from(said: Mapping[str, Any]) -> Solved:
    """Return what became of a tile, by what it said; its image is in the output."""
    sums = [KernelSums.of_json(found) for found in said.get("kernels", ())]
    return Solved(np.empty(0, np.float32), **{**said, "kernels": sums})


def tile_task(task: Mapping[str, Any], report: Progress) -> dict[str, Any]:
    """Do a tile by what the journal says: what a process does that was started for it.

    Parameters
    ----------
    task : mapping
        "output": path; "residual_map": path or None; "place": [frame, channel, number].
    report : callable (fraction, text)

    Returns
    -------
    dict
        {"said": what the tile says}, or {"error": one line, "memory": whether it did not fit}.
    """
    try:
        writer = attach_parts(Path(task["output"]))
        journal = Journal(writer.folder)
        run = journal.run()
        paths = {role: entry["path"] for role, entry in run["inputs"].items()}
        inputs = opened(paths, field_from_dict(run["kernel_set"]), run["spacing"])
        inputs = replace(inputs, selection=Selection.of_json(run["selection"]))
        frame, channel, number = task["place"]
        plan = journal.plan(frame, channel)
        if plan is None:
            raise InputError(f"{journal.folder} holds no plan; begin the run again")
        residuals = None if task["residual_map"] is None else attach_parts(Path(task["residual_map"]))
        place = frame, channel, number
        return {"said": do_tile(inputs, writer, journal, place, plan, Watch(report), residuals)}
    except NotEnoughMemory as error:
        return {"error": str(error), "memory": True}
    except (InputError, OSError) as error:
        return {"error": str(error), "memory": False}
