"""Volumes with several values per voxel, channel by channel."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..watch import Watch


def lastIsOpacity(node, array: np.ndarray) -> bool:
    """Whether the fourth channel is the opacity of a colour image."""
    return array.shape[3] == 4 and node.GetVoxelVectorType() == node.VoxelVectorTypeColorRGBA


def perChannel(engine, array, field, arguments, watch: Watch, copyLast: bool):
    """Run the engine on a scalar array, or on each channel of a vector array."""

    def run(image: np.ndarray, watch: Watch):
        return engine(image, field, progress=watch.tell, cancelled=watch.cancelled, **arguments)

    if array.ndim == 3:
        return run(array, watch)
    channels = array.shape[3]
    worked = channels - 1 if copyLast else channels
    results = [run(np.ascontiguousarray(array[..., c]), part) for c, part in channelParts(watch, worked)]
    copied = [array[..., channels - 1]] if copyLast else []
    return combinedResult(results, copied)


def channelParts(watch: Watch, channels: int) -> Iterator[tuple[int, Watch]]:
    """Yield the number of every channel with its part of the work."""
    for channel, part in watch.parts(range(channels)):
        yield channel, part.under(f"channel {channel + 1} of {channels}")


def combinedResult(results: Sequence[Any], copied: Sequence[np.ndarray] = ()):
    """Return one Result for the channels of a vector volume.

    `image` is stacked along a last axis, followed by the `copied` channels. `iterations` is the largest,
    `residual` and `noise` are root mean squares over the channels, `seconds` the sum, `history` the first
    channel's; each channel's own iterations, residual and noise are in ``automatic["channels"]``, and
    `warnings` name the channel.
    """
    first = results[0]
    images = [result.image for result in results]
    images += [channel.astype(images[0].dtype) for channel in copied]
    channels = [{name: getattr(r, name) for name in ("iterations", "residual", "noise")} for r in results]
    warnings = [f"channel {n}: {text}" for n, result in enumerate(results, 1) for text in result.warnings]
    return dataclasses.replace(
        first,
        image=np.stack(images, axis=-1),
        iterations=_overChannels(max, [r.iterations for r in results]),
        residual=_overChannels(_rootMeanSquare, [r.residual for r in results]),
        noise=_overChannels(_rootMeanSquare, [r.noise for r in results]),
        automatic=dict(first.automatic, channels=channels),
        warnings=warnings,
        seconds=sum(r.seconds for r in results),
    )


def _overChannels(function, values: Sequence[Any]):
    known = [value for value in values if value is not None]
    return function(known) if known else None


def _rootMeanSquare(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(values, dtype=float)))))
