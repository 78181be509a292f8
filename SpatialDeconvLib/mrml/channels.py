"""Volumes with several values per voxel, channel by channel."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays.watch import Watch
from ..kernels.field import field_of
from ..kernels.parts import field_of_part
from ..run.inputs import Inputs
from ..run.regions import RegionMean, of_part
from ..run.verdict import worst_verdict
from ..texts import joined
from ..texts import mark as _


def lastIsOpacity(node, array: np.ndarray) -> bool:
    """Whether the fourth channel is the opacity of a colour image."""
    return array.shape[3] == 4 and node.GetVoxelVectorType() == node.VoxelVectorTypeColorRGBA


def channelCount(node) -> int:
    """Return the number of values per voxel of a volume node, without an opacity; 0 without any."""
    image = node.GetImageData() if node is not None else None
    if image is None:
        return 0
    count = image.GetNumberOfScalarComponents()
    return count - 1 if count == 4 and node.GetVoxelVectorType() == node.VoxelVectorTypeColorRGBA else count


def firstChannel(inputs: Inputs) -> Inputs:
    """Return the inputs of the first channel alone, with its own kernel; those of a scalar volume as they are."""
    if inputs.image.ndim == 3:
        return inputs
    kernels = field_of_part(field_of(inputs.kernels), "channel", 1)
    return dataclasses.replace(inputs, image=np.ascontiguousarray(inputs.image[..., 0]), kernels=kernels)


def perChannel(
    run: Callable[[Inputs, int, Watch], Any], inputs: Inputs, watch: Watch, copyLast: bool, box=..., names=()
):
    """Run on a scalar array, or on each channel of a vector array.

    ``run(inputs, channel, watch) -> Result``, of which the last channel is copied when that is asked for, in the
    `box` that the results are of. `names`: what messages call the channels beside their number.
    """
    array = inputs.image
    if array.ndim == 3:
        return run(inputs, 0, watch)
    channels = array.shape[3]
    worked = channels - 1 if copyLast else channels
    results = []
    for channel, part in watch.parts(range(worked)):
        image = np.ascontiguousarray(array[..., channel])
        kernels = field_of_part(field_of(inputs.kernels), "channel", channel + 1)
        own = part.under(f"{channelText(channel, names)} of {worked}")
        results.append(run(dataclasses.replace(inputs, image=image, kernels=kernels), channel, own))
    return combinedResult(results, [array[..., channels - 1][box]] if copyLast else [], names)


def channelText(channel: int, names: Sequence[str] = ()) -> str:
    """Return what messages call a channel, counted from 0: "channel 2 (DAPI)", or without a name."""
    name = names[channel] if channel < len(names) else ""
    if name:
        return _("channel {number} ({name})").format(number=channel + 1, name=name)
    return _("channel {number}").format(number=channel + 1)


def combinedResult(results: Sequence[Any], copied: Sequence[np.ndarray] = (), names: Sequence[str] = ()):
    """Return one Result for the channels of a vector volume.

    `image` is stacked along a last axis, followed by the `copied` channels. `iterations` is the largest,
    `residual` and `noise` are root mean squares over the channels, `seconds` the sum, `history` the first
    channel's; each channel's own iterations, residual and noise are in ``automatic["channels"]``, and
    `warnings` and `region_means` name the channel, warnings also where it took another method than the first.
    """
    first = results[0]
    images = [result.image for result in results]
    images += [channel.astype(images[0].dtype) for channel in copied]
    channels = [{name: getattr(r, name) for name in ("iterations", "residual", "noise")} for r in results]
    words = [channelText(channel, names) for channel in range(len(results))]
    for channel, name in zip(channels, names, strict=False):
        channel |= {"name": name} if name else {}
    warnings = warningsOf(results, words)
    return dataclasses.replace(
        first,
        image=np.stack(images, axis=-1),
        iterations=largest([r.iterations for r in results]),
        residual=rootMeanSquare([r.residual for r in results]),
        noise=rootMeanSquare([r.noise for r in results]),
        automatic={**first.automatic, "channels": channels, **worst_verdict(results)},
        region_means=regionMeansOf(results, words),
        warnings=warnings,
        seconds=sum(r.seconds for r in results),
        fits=tuple(fit for r in results for fit in r.fits),
    )


def warningsOf(results: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Return the warnings of several results, each once, with the names of those in front that have it, if not all.

    What only the first took is no news.
    """
    whose: dict[str, list[str]] = {}
    for name, result in zip(names, results, strict=True):
        differs = result.method is not results[0].method
        texts = [result.describe_choice(), *result.warnings] if differs else result.warnings
        for text in dict.fromkeys(texts):
            whose.setdefault(text, []).append(name)
    return [
        text if len(have) == len(results) > 1 else joined(": ", (_few(have), text)) for text, have in whose.items()
    ]


def _few(names: Sequence[str]) -> str:
    some = joined(", ", names[:3])
    return some if len(names) < 4 else _("{some} and {count} others").format(some=some, count=len(names) - 3)


def regionMeansOf(results: Sequence[Any], names: Sequence[str]) -> tuple[RegionMean, ...]:
    """Return the region means of several results, each with its name."""
    return tuple(
        mean for name, result in zip(names, results, strict=True) for mean in of_part(result.region_means, name)
    )


def largest(values: Sequence[int | None]) -> int | None:
    """Return the largest of the values that there are; None where there is none."""
    return max((value for value in values if value is not None), default=None)


def rootMeanSquare(values: Sequence[float | None]) -> float | None:
    """Return the root mean square of the values that there are; None where there is none."""
    known = [value for value in values if value is not None]
    return float(np.sqrt(np.mean(np.square(known)))) if known else None
