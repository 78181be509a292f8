"""All tiles of a run on a stored volume."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..arrays import memory
from ..arrays.reading import given_path, holds
from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import Cancelled, InputError, NotEnoughMemory
from ..formats.parts import StoredWriter, create_parts
from ..kernels.field import field_of
from ..kernels.sets import field_to_dict
from ..kernels.weightfiles import weight_paths
from ..run.joint import about
from ..run.pipeline import Result
from ..run.residuals import describe_kernels, joined
from ..run.settings import Settings
from ..run.tiles import Plan, planned
from ..run.tiles.tiled import facts_of, refuse_whole_only
from .journal import Journal
from .stored import StoredInputs
from .work import do_tile, solved_from

#: Frame, channel, number of a tile.
Place = tuple[int, int, int]
#: Times that a tile is given to another worker when its own is lost.
_ATTEMPTS = 3
#: Bytes that a process takes besides what its tile needs: what is read of a file, and the system's own.
_ASIDE, _STEP = 48 << 20, 32 << 20


class Workers(Protocol):
    """Who works on tiles: processes of this machine, or a cluster. What happens comes as events out of a queue."""

    @property
    def events(self) -> queue.Queue:
        """Where news comes out."""

    def submit(self, number: int, task: Mapping[str, Any]) -> None:
        """Give a task to whoever is free."""

    def check(self) -> None:
        """Raise OSError when nothing more will come."""


@dataclass(frozen=True)
class StoredResult:
    """What a run in tiles returns.

    Attributes
    ----------
    path : Path
        Of the output.
    results : list of Result
        For every frame and channel, without an image.
    told : list of str
        What was assumed of the input, and what the output does not hold.
    residuals : list of list of str
        For every frame and channel, a line on each kernel, where a residual map was written and tells of them.
    """

    path: Path
    results: list[Result]
    told: list[str] = field(default_factory=list)
    residuals: list[list[str]] = field(default_factory=list)


def run_stored(
    inputs: StoredInputs,
    settings: Settings,
    output: str | Path,
    *,
    residual_map: str | Path | None = None,
    workers: Workers | None = None,
    share: Mapping[str, Any] | None = None,
    finishing: Callable[[StoredWriter, list[Result]], object] | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> StoredResult:
    """Do what the settings say with a stored volume, tile by tile, into a file.

    The same call goes on with what a killed or cancelled one has done, and ends with the same bits.

    Parameters
    ----------
    inputs : StoredInputs
    settings : Settings
    output : path
        Of a format that is written in parts.
    residual_map : path, optional
        The same, of what the result leaves unexplained (`pipeline.Result.residual_map`), on the same voxels.
    workers : Workers, optional
        Default: this process.
    share : mapping, optional
        Of each worker: "threads", and "memory" in bytes.
    finishing : callable (writer, results), optional
        Called before the output takes its place; files that it puts beside the output's own take theirs with it.
    progress, cancelled : callable, optional

    Returns
    -------
    StoredResult

    Raises
    ------
    InputError, NotEnoughMemory, OSError
    Cancelled
        What is done stays beside the output, for the next call.
    """
    refuse_whole_only(settings)
    for path in (output, residual_map):
        _refuse_input(path, inputs)
    image, watch = inputs.image, Watch(progress, cancelled)
    create = partial(
        create_parts, shape=image.shape, dtype=output_type(image.dtype), geometry=inputs.geometry,
        channels=image.channels, frames=image.frames, channel_names=image.channel_names,
    )  # fmt: skip
    writer = create(output)
    outputs = [writer]
    run = _Run(inputs, settings, writer, dict(share or {}), residual_map)
    try:
        if residual_map is not None:
            run.residuals = _second(create, residual_map, run)
            outputs += [run.residuals] if run.residuals is not None else []
        results = run.do(workers, watch)
        if finishing is not None:
            finishing(writer, results)
        watch.step(1.0, "finishing the output")
        if run.residuals is not None:
            run.journal.begin_placing()
            run.residuals.finish()
        path = writer.finish()
    except Cancelled as error:
        if not run.begun:  # nothing is kept
            raise
        raise Cancelled(
            f"interrupted; what is done lies in {writer.folder}: the same command goes on with it, or remove it"
        ) from error
    finally:
        for made in outputs:
            made.let_go()
            if not run.begun:
                made.discard()
    told = [text for volume in inputs.volumes.values() for text in volume.told]
    lost = dict.fromkeys(text for made in outputs for text in made.told)
    return StoredResult(path, results, [*told, *lost], run.fits)


def _refuse_input(output: str | Path | None, inputs: StoredInputs) -> None:
    """Refuse to write over a volume that is read, or into it."""
    for role, volume in inputs.volumes.items():
        if output is not None and holds(volume.path, given_path(output)):
            raise InputError(f"output {output} is the {role} {volume.path}, or lies in it; choose another name")


def _second(create: Callable[..., StoredWriter], path: str | Path, run: _Run) -> StoredWriter | None:
    """The writer of the residual map; None where a killed run has put the map into its place.

    Both outputs are begun before anything is done, and the map takes its place first: what is left of one alone
    tells of that.
    """
    made, first = create(path), run.writer
    if made.resumed and not first.resumed:  # of a run whose output was removed
        made.discard()
        made = create(path)
    if made.resumed or not first.resumed or not run.journal.is_begun:
        return made
    made.let_go()
    made.discard()
    if run.journal.is_placing:
        return None
    run.begin()  # which refuses what was begun without a map, or with another
    raise InputError(
        f"what was done of the residual map {made.path} is gone; remove the folder {first.folder} to begin anew",
        "residual_map",
    )


def output_type(dtype: np.dtype) -> np.dtype:
    """Return the type of what is made of an image of some type.

    Float32; float64 where the input is that, or holds integers that float32 may not.
    """
    wide = (dtype.kind == "f" and dtype.itemsize >= 8) or (dtype.kind in "iu" and dtype.itemsize > 2)
    return np.dtype(np.float64 if wide else np.float32)


class _Run:
    """A run, with what it keeps in its journal."""

    def __init__(
        self, inputs: StoredInputs, settings: Settings, writer: StoredWriter, share: dict[str, Any],
        residual_map: str | Path | None,
    ):  # fmt: skip
        self.inputs, self.settings, self.writer, self.share = inputs, settings, writer, share
        self.residual_map = None if residual_map is None else str(residual_map)
        self.residuals: StoredWriter | None = None
        self.fits: list[list[str]] = []
        self.journal = Journal(writer.folder)
        self.begun = writer.resumed
        self.started = time.monotonic()
        self.aside = (memory.resident_memory() or 0) + _ASIDE

    def begin(self) -> None:
        """Write down what the run is, or take up what was begun, if it is the same."""
        self.journal.begin(self._described())

    def do(self, workers: Workers | None, watch: Watch) -> list[Result]:
        """Choose, do all tiles that are not done, and return what there is to say."""
        self.begin()
        image = self.inputs.image
        parts = [(frame, channel) for frame in range(image.frames) for channel in range(image.channels)]
        plans: dict[tuple[int, int], Plan] = {}
        for part, choosing in watch.part(0.0, 0.1).parts(parts):
            plans[part] = self._planned(*part, choosing)
        self.begun = True
        tiles = {part: plan.tiles(image.shape) for part, plan in plans.items()}
        places = [(*part, tile.number) for part in parts for tile in tiles[part]]
        left = [place for place in places if self.journal.done(*place) is None]
        done = _Progress(watch.part(0.1, 0.98), len(places), len(places) - len(left))
        if workers is None:
            for place in left:
                plan = plans[place[:2]]
                do_tile(self.inputs, self.writer, self.journal, place, plan, done.of_tile(), self.residuals)
                done.count()
        else:
            self._give_out(left, workers, done)
        return [self._result(part, plans[part], watch) for part in parts]

    def _described(self) -> dict[str, Any]:
        """All that the result depends on."""
        files = {role: _file(volume.path) for role, volume in self.inputs.volumes.items()}
        kernels = self.inputs.kernels
        return {
            "operation": self.settings.operation,
            "parameters": self.settings.parameters(),
            "kernel_set": field_to_dict(kernels),
            "weights": [_file(Path(path)) for path in weight_paths(kernels.key, kernels.at)],
            "inputs": files,
            "spacing": list(self.inputs.geometry.spacing),
            "selection": self.inputs.selection.as_json(),
            "residual_map": self.residual_map,
        }

    def _planned(self, frame: int, channel: int, watch: Watch) -> Plan:
        found = self.journal.plan(frame, channel)
        if found is None:
            found = planned(self.inputs.of(frame, channel), self._within_memory(), watch)
            self.journal.keep_plan(frame, channel, found)
        return found

    def _within_memory(self) -> Settings:
        """The settings with the memory that is left for a tile of that which the whole process may take."""
        limit = self.share.get("memory")
        if limit is None and self.settings.memory_limit is not None:
            limit = self.settings.memory_limit * 2**30
        if limit is None:
            return self.settings
        left = limit - self.aside
        left -= left % _STEP  # so that the same limit gives the same tiles
        if left <= 0:
            raise NotEnoughMemory(
                f"{limit / 2**30:.2g} GiB are allowed, which the program takes without any tile; allow more",
                "memory_limit",
            )
        return replace(self.settings, memory_limit=left / 2**30)

    def _give_out(self, left: list[Place], workers: Workers, done: _Progress) -> None:
        """Have workers do the tiles."""
        attempts = dict.fromkeys(range(len(left)), 1)
        for number in attempts:
            workers.submit(number, self._task(left[number]))
        while attempts:
            done.watch.check()
            try:
                event = workers.events.get(timeout=0.25)
            except queue.Empty:
                workers.check()
                continue
            number = event.number
            if event.kind == "replied" and number in attempts:
                _refuse(event.content)
                del attempts[number]
                done.count()
            elif event.kind == "lost" and number in attempts:
                attempts[number] += 1
                if attempts[number] > _ATTEMPTS:
                    raise OSError(f"a tile was lost {_ATTEMPTS} times: {event.content}")
                workers.submit(number, self._task(left[number]))

    def _task(self, place: Place) -> dict[str, Any]:
        residuals = None if self.residuals is None else str(self.residuals.path)
        return {"kind": "tile", "output": str(self.writer.path), "residual_map": residuals, "place": list(place),
                **self.share, "root": str(self.writer.folder)}  # fmt: skip

    def _result(self, part: tuple[int, int], plan: Plan, watch: Watch) -> Result:
        inputs, tiles = self.inputs.of(*part), plan.tiles(self.inputs.image.shape)
        solved = [solved_from(self.journal.done(*part, tile.number) or {}) for tile in tiles]
        facts = facts_of(inputs, self.settings, plan, tiles, solved, watch)
        if self.residual_map is not None:
            count = sum(tile.count for tile in solved)
            kernels = joined([tile.kernels for tile in solved], field_of(inputs.kernels).at, count)
            told = not facts["automatic"].get("no_residual")
            self.fits.append(describe_kernels(kernels, plan.sigma > 0) if told else [])
        return Result(np.empty(0, np.float32), seconds=time.monotonic() - self.started, **facts)


class _Progress:
    """How many tiles are done, and how long the rest will take."""

    def __init__(self, watch: Watch, total: int, done: int):
        self.watch, self.total, self.done = watch, total, done
        self.first, self.started = done, time.monotonic()

    def of_tile(self) -> Watch:
        """The watch of the tile under way."""
        share = 1 / max(self.total, 1)
        return self.watch.part(self.done * share, (self.done + 1) * share, self._text(self.done + 1))

    def count(self) -> None:
        """One more is done."""
        self.done += 1
        self.watch.step(self.done / self.total, self._text(self.done))

    def _text(self, number: int) -> str:
        made = self.done - self.first
        text = f"tile {number} of {self.total}"
        if not made or self.done == self.total:
            return text
        left = (time.monotonic() - self.started) / made * (self.total - self.done)
        return f"{text}, {about(left)} left"


def _refuse(reply: Mapping[str, Any]) -> None:
    if "error" in reply:
        raise (NotEnoughMemory if reply["memory"] else InputError)(reply["error"])


def _file(path: Path) -> dict[str, Any]:
    """What tells whether a file has changed; of a folder, its path only."""
    stat = os.stat(path)
    size = None if path.is_dir() else stat.st_size
    return {"path": str(path), "size": size, "changed": None if path.is_dir() else stat.st_mtime_ns}
