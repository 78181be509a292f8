"""Files of several volumes, a sequence: how many there are, by the header."""

from __future__ import annotations

import math

import SimpleITK as sitk

# What Slicer marks the list axis of a sequence or a multi-volume with.
_MARKS = ("axis 0 index type", "axis 3 index type", "MultiVolume.FrameIdentifyingDICOMTagName")


def frame_count(reader: sitk.ImageFileReader) -> int | None:
    """Return the number of volumes of a sequence whose header has been read; None for a single volume.

    A sequence has a fourth axis; or it is one of Slicer's, whose list of frames SimpleITK takes for the
    components of a voxel.
    """
    size = reader.GetSize()
    if any(n > 1 for n in size[3:]):
        return math.prod(size[3:])
    if are_components(reader):
        return int(reader.GetNumberOfComponents())
    return None


def are_components(reader: sitk.ImageFileReader) -> bool:
    """Return whether what SimpleITK takes for the components of a voxel are Slicer's frames."""
    return any(mark in reader.GetMetaDataKeys() for mark in _MARKS)
