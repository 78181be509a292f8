"""Weight images in volume nodes: a scalar volume is one, a vector volume or a sequence holds several."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .browsers import frameCount, sequenceOf
from .channels import channelCount
from .scene import describeNode, volumeArray
from .selections import guideArray

__all__ = ["imageCount", "weightArray"]


def imageCount(volume) -> int:
    """Return how many images a volume holds: its channels, or the frames of the sequence that it is shown of."""
    channels = channelCount(volume)
    return channels if channels > 1 else frameCount(volume)


def weightArray(volume, number: int | None, referenceVolume=None, resample: bool = False) -> np.ndarray:
    """Return a weight image on the voxels of the volume that is worked on.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode
    number : int or None
        Of the image, from 0 on; None for the only one, or the frame that is shown.
    referenceVolume : vtkMRMLScalarVolumeNode, optional
        None: its own voxels.
    resample : bool
        Interpolate an image of another geometry, which is an error otherwise.

    Raises
    ------
    InputError
        If there is no such image, or its geometry is another one.
    """
    channel, shown = None, volume
    if number is not None:
        count = imageCount(volume)
        if number >= count:
            text = f"weights {describeNode(volume)} hold {count} images, counted from 0; there is no {number}"
            raise InputError(text)
        if channelCount(volume) > 1:
            channel = number
        elif count > 1:
            shown = sequenceOf(volume)[0].GetNthDataNode(number)
    if referenceVolume is not None:
        return guideArray(shown, referenceVolume, resample, "weights", channel)
    array = volumeArray(shown, "weights")
    return array if channel is None else array[..., channel]
