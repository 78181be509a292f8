"""A run on volumes that stay in their files, from the command's options: when it is one, who works on its tiles."""

from __future__ import annotations

import math
import os
import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..arrays.memory import available_memory
from ..arrays.reading import given_path
from ..arrays.spacing import spacing_tuple
from ..arrays.threads import usable_processors
from ..arrays.watch import IsCancelled, Progress
from ..errors import InputError, is_auto
from ..filters.padding import padded_shape
from ..formats.parts import StoredVolume, StoredWriter, is_in_parts, open_parts
from ..formats.parts.registry import WRITABLE, format_of
from ..large import StoredInputs, exceeds_memory, opened, output_type, run_stored
from ..methods.choices import NEVER
from ..methods.registry import METHODS
from ..mrml import files as volumes
from ..mrml import recipe as recipes
from ..mrml.channels import channelText, combinedResult
from ..mrml.sequences import overFrames
from ..run.pipeline import Result
from .request import FileRun, RunRequest, told_of_request

#: Bytes that a run takes besides its volumes.
_ASIDE = 1 << 28


def stored_inputs(request: RunRequest, output: str, options: dict[str, Any]) -> StoredInputs | None:
    """Return the inputs of a run in tiles on files; None where the run is an ordinary one.

    Parameters
    ----------
    request : RunRequest
    output : str
    options : dict
        What else was asked for: "workers", "scheduler", "report", "residual_map".

    Raises
    ------
    InputError
        If tiles were asked for and cannot be.
    """
    tiles = request.settings.tiles
    asked = [f"--{name}" for name in ("workers", "scheduler") if options.get(name)]
    if not is_auto(tiles) and tiles != NEVER:
        asked.append("--tiles")
    if tiles == NEVER:
        if asked:
            raise InputError(f"{asked[0]} is for a run in tiles, but --tiles is {NEVER}; leave one out", "tiles")
        return None
    obstacle = _obstacle(request, output, options)
    image = given_path(request.files["image"])
    if asked in ([], ["--tiles"]) and (obstacle or not is_in_parts(image) or volumes.axesOf(image) == 2):
        return None  # the volume fits into memory, or is refused there
    if obstacle:
        raise InputError(f"{asked[0]} is for a run in tiles, which {obstacle}")
    if not asked and (request.settings.whole_only() or _surely_fits(request)):
        return None
    inputs = opened(request.files, request.kernels, request.selection["spacing"], request.selection)
    return inputs if asked or exceeds_memory(inputs, request.settings) else None


def _surely_fits(request: RunRequest) -> bool:
    """Whether no run on such an image takes more memory than there is."""
    limit = request.settings.memory_limit
    known = [n for n in (available_memory(), None if limit is None else limit * 2**30) if n is not None]
    image = open_parts(request.files["image"])
    try:
        voxels = _padded(request, image)
    except InputError:  # of a kernel, which the run says
        return True
    most = max(max(method.volumes.values()) for method in METHODS)
    needed = _ASIDE + most * output_type(image.dtype).itemsize * voxels + request.kernels.unread_bytes
    return not known or needed <= min(known)


def _padded(request: RunRequest, image: StoredVolume) -> int:
    """Voxels of the image, padded for the kernel that takes most."""
    slicewise = request.settings.slicewise
    first = 1 if image.shape[0] == 1 and not slicewise else 0  # a single slice is worked on as an image of two axes
    shape, spacing = image.shape[first:], spacing_tuple(request.selection["spacing"] or image.spacing, 3)[first:]
    kernels = request.kernels.fitted(shape, spacing, slicewise)
    return max(math.prod(padded_shape(shape, kernel.shape)) for kernel in kernels)


def _obstacle(request: RunRequest, output: str, options: dict[str, Any]) -> str | None:
    """Why a run cannot be one in tiles on files."""
    given = [name for name in ("segments", "resample") if request.selection[name] != recipes.NO_SELECTION[name]]
    if options.get("report"):
        given.append("report")
    if request.reference:
        given.append("reference")
    if given:
        return f"has no --{given[0].replace('_', '-')}: leave it out, or make it of a part"
    for path in filter(None, (output, options.get("residual_map"))):
        known = format_of(Path(path))
        if known is None or known.create is None:
            return f"cannot write {Path(path).name}: use {WRITABLE}"
    for path in request.files.values():
        if volumes.isSegmentation(path) or (os.path.isdir(path) and format_of(Path(path)) is None):
            return f"cannot read {path}: convert it to one of these first: {WRITABLE}"
    return None


def run_large(
    request: RunRequest,
    inputs: StoredInputs,
    output: str,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    *,
    residual_map: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> FileRun:
    """Run in tiles on files, and write the output with its recipe.

    Parameters
    ----------
    request : RunRequest
    inputs : StoredInputs
        Its files.
    output : path
    progress, cancelled : callable, optional
    residual_map : path, optional
        The volume to write of what the result leaves unexplained.
    workers : int, optional
        Tiles at a time, in processes of this machine; default: one tile, in this process.
    scheduler : str, optional
        Of a Dask cluster.

    Raises
    ------
    InputError, NotEnoughMemory, OSError, Cancelled
    """
    made: dict[str, Any] = {}

    def finishing(writer: StoredWriter, results: list[Result]) -> None:
        result = _joined(results, inputs.image)
        recipe = recipes.describe(request.operation, request.kernels, result)
        recipe["inputs"] = {role: recipes.describeFile(path) for role, path in request.files.items()}
        recipe["selection"] = request.selection
        made.update(result=result, recipe=recipe)
        recipes.writeBeside(writer.beside, recipe)

    with _workers(workers, scheduler, request.settings.memory_limit) as (crew, share):
        found = run_stored(
            inputs, request.settings, output, residual_map=residual_map, workers=crew, share=share,
            finishing=finishing, progress=progress, cancelled=cancelled,
        )  # fmt: skip
    result = made["result"]
    told = dict.fromkeys([*found.told, *told_of_request(request), *result.warnings])
    if volumes.axesOf(given_path(request.files["image"])) == 2:
        told["the image has two axes; what is written in tiles has three, with one slice"] = None
    names = [""] if len(found.results) < 2 else [f", {name}" for name in _names(inputs.image)]
    lines = [f"kernel{name} {line}" for name, each in zip(names, found.residuals, strict=False) for line in each]
    return FileRun(result, made["recipe"], os.fspath(output), list(told), lines)


def _joined(results: Sequence[Result], image: StoredVolume) -> Result:
    """One result for all frames and channels, as of volumes in memory."""
    count, names = image.channels, image.channel_names
    frames = [results[n : n + count] for n in range(0, len(results), count)]
    joined = [combinedResult(each, names=names) if count > 1 else each[0] for each in frames]
    return overFrames(joined, _frames(image)) if len(joined) > 1 else joined[0]


def _names(image: StoredVolume) -> list[str]:
    """What messages call the frames and channels, in the order in which they are worked on."""
    channels = [channelText(n, image.channel_names) for n in range(image.channels)] if image.channels > 1 else []
    if not channels or image.frames == 1:
        return channels or _frames(image)
    return [f"{frame}, {channel}" for frame in _frames(image) for channel in channels]


def _frames(image: StoredVolume) -> list[str]:
    return [f"frame {number}" for number in range(image.frames)]


@contextmanager
def _workers(count: int | None, scheduler: str | None, limit: float | None) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Whoever works on the tiles, None for this process, and each one's share of the machine."""
    if count and scheduler:
        raise InputError(f"--workers {count} is for this machine; the cluster has its own, leave it out")
    if not count and not scheduler:
        yield None, {}
        return
    from .batch.scheduling import MEMORY_SHARE, DaskWorkers, LocalWorkers

    events: queue.Queue = queue.Queue()
    if scheduler:
        crew: Any = DaskWorkers(scheduler, events)
        share: dict[str, Any] = {"threads": 1, "memory": None if limit is None else int(limit * 2**30)}
    else:
        assert count is not None
        free = available_memory()
        allowed = [n for n in (free and free * MEMORY_SHARE, limit and limit * 2**30) if n]
        crew = LocalWorkers(count, events)
        share = {"threads": max(1, usable_processors() // count)}
        share["memory"] = int(min(allowed) / count) if allowed else None
    try:
        yield crew, share
    finally:
        crew.close()
