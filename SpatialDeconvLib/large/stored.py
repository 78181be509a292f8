"""The inputs of a run as files of which boxes are read."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.boxes import Box
from ..arrays.spacing import spacing_tuple
from ..arrays.watch import UNWATCHED
from ..errors import InputError
from ..formats.channelnames import are_colours, is_colour
from ..formats.parts import Geometry, StoredVolume, View, open_parts
from ..kernels.field import KernelField
from ..kernels.parts import channels_by_number, field_of_part, refuse_other_parts
from ..methods.choices import PART_KEYS
from ..run.inputs import Inputs
from ..run.job import Job
from ..run.settings import Settings
from ..run.tiles.cutting import part_of
from ..run.tiles.memory import tile_memory
from ..selection import box_within, mask_from_range

#: Voxels along an axis of the part that tells how much memory a run takes.
_PROBE = 32
#: What belongs to an image besides it.
ROLES = ("image", "mask", "labels", "guide", "noise")


@dataclass(frozen=True)
class Selection:
    """What is worked on besides what a mask says.

    Attributes
    ----------
    values : (float, float) or None
        The range of the image's values there.
    boxes : tuple of Box
        All of which it lies in.
    """

    values: tuple[float, float] | None = None
    boxes: tuple[Box, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the selection as what JSON holds."""
        boxes = [[[part.start, part.stop] for part in box] for box in self.boxes]
        return {"values": self.values, "boxes": boxes}

    @classmethod
    def of_json(cls, plain: Mapping[str, Any]) -> Selection:
        """Return the selection that `as_json` described."""
        values = plain["values"]
        boxes = tuple(tuple(slice(*ends) for ends in box) for box in plain["boxes"])
        return cls(None if values is None else (values[0], values[1]), boxes)

    @classmethod
    def of_words(cls, words: Mapping[str, Any], image: StoredVolume, spacing: tuple[float, ...]) -> Selection:
        """Return what the words "mask_range", "mask_box" and "mask_box_mm" select; any may be missing.

        Raises
        ------
        InputError
        """
        values, boxes = words.get("mask_range"), []
        if values and image.channels > 1:
            raise InputError("a range of values needs an image of one value per voxel; leave it out", "mask_range")
        for word, unit in (("mask_box", "voxels"), ("mask_box_mm", "mm")):
            box = words.get(word)
            if box:
                boxes.append(box_within(image.shape, box[:3], box[3:], spacing=spacing, unit=unit))
        return cls(None if not values else (values[0], values[1]), tuple(boxes))


@dataclass(frozen=True)
class Selected:
    """A mask and a selection together, as an array that is read where it is indexed.

    Attributes
    ----------
    image : View
    mask : View or None
    selection : Selection
    """

    image: View
    mask: View | None
    selection: Selection

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels on the axes (z, y, x)."""
        return self.image.shape

    @property
    def dtype(self) -> np.dtype:
        """Of the values, which are 0 where nothing is selected."""
        return np.dtype(bool) if self.mask is None else self.mask.dtype

    def __getitem__(self, box: Box) -> np.ndarray:
        """Return the values of a box."""
        mask = np.ones([s.stop - s.start for s in box], bool) if self.mask is None else self.mask[box]
        for wanted in self.selection.boxes:
            inside = [
                (np.arange(s.start, s.stop) >= w.start) & (np.arange(s.start, s.stop) < w.stop)
                for s, w in zip(box, wanted, strict=True)
            ]
            mask[~functools.reduce(np.logical_and.outer, inside)] = 0
        if self.selection.values is not None:
            mask[~mask_from_range(self.image[box], *self.selection.values)] = 0
        return mask


@dataclass(frozen=True)
class StoredInputs:
    """Volumes of one grid, unread.

    Attributes
    ----------
    volumes : dict of str to StoredVolume
        By role; see `ROLES`.
    kernels : KernelField
    geometry : Geometry
        Of the image, with the voxel size that was given for it.
    selection : Selection
    """

    volumes: Mapping[str, StoredVolume]
    kernels: KernelField
    geometry: Geometry
    selection: Selection = Selection()

    @property
    def image(self) -> StoredVolume:
        """The volume that is worked on."""
        return self.volumes["image"]

    def of(self, frame: int, channel: int) -> Inputs:
        """Return the inputs of a run on one channel of one frame."""

        def view(role: str) -> Any:
            volume = self.volumes.get(role)
            if volume is None:
                return None
            return View(volume, min(channel, volume.channels - 1), min(frame, volume.frames - 1))

        image, mask = view("image"), view("mask")
        if self.selection != Selection():
            mask = Selected(image, mask, self.selection)
        return Inputs(
            image, self._kernels_of(frame, channel), self.geometry.spacing, mask, view("labels"), None,
            view("guide"), view("noise"),
        )  # fmt: skip

    def _kernels_of(self, frame: int, channel: int) -> KernelField:
        kernels = channels_by_number(self.kernels, self.image.channel_names)
        return field_of_part(field_of_part(kernels, "channel", channel + 1), "frame", frame, str(frame))


def opened(
    paths: Mapping[str, str | Path],
    kernels: KernelField,
    spacing: Sequence[float] | None = None,
    selection: Mapping[str, Any] | None = None,
) -> StoredInputs:
    """Open the files of a run.

    Parameters
    ----------
    paths : mapping of str to path
        By role; see `ROLES`.
    kernels : KernelField
    spacing : sequence of float, optional
        Voxel size of the image in mm on the axes (z, y, x), or one number, where its file does not say it.
    selection : mapping, optional
        See `Selection.of_words`.

    Raises
    ------
    InputError
        If a file cannot be read, or is not on the image's voxels.
    """
    volumes = {role: open_parts(path) for role, path in paths.items()}
    image = volumes["image"]
    _refuse_opacity(image)
    _refuse_other_kernels(kernels, image)
    geometry = image.geometry
    if spacing is not None:
        given = spacing_tuple(spacing[0] if len(spacing) == 1 else spacing, 3)
        geometry = replace(geometry, spacing=given)
    for role, volume in volumes.items():
        if role != "image":
            _require_same_grid(role, volume, image, geometry)
    return StoredInputs(volumes, kernels, geometry, Selection.of_words(selection or {}, image, geometry.spacing))


def _refuse_other_kernels(kernels: KernelField, image: StoredVolume) -> None:
    """Refuse kernels of channels or frames that the image does not have."""
    if {"channel": image.channels, "frame": image.frames}.get(kernels.key) == 1:
        raise InputError(
            f"the kernels are keyed by {kernels.key}, which is for {PART_KEYS[kernels.key]}; {image.path} is none; "
            "give a kernel for all of it"
        )
    if image.channels > 1:
        names = image.channel_names
        refuse_other_parts(channels_by_number(kernels, names), "channel", image.channels, names)


def _refuse_opacity(image: StoredVolume) -> None:
    if image.channels == 4 and is_colour(image.dtype, 4) and are_colours(image.path):
        raise InputError(
            f"{image.path} has an opacity beside its colours, which tiles do not leave as it is; save it without"
        )


def _require_same_grid(role: str, volume: StoredVolume, image: StoredVolume, geometry: Geometry) -> None:
    if volume.shape != image.shape:
        raise InputError(
            f"the {role} {volume.path} has {_sizes(volume.shape)} voxels, the image {_sizes(image.shape)}: in "
            "tiles they must be on the same voxels; resample it first",
            role,
        )
    if volume.channels > 1:
        raise InputError(f"the {role} {volume.path} has {volume.channels} values per voxel; give one of one", role)
    if not volume.has_spacing:  # it says nothing of its own
        return
    own, least = volume.geometry, 1e-3 * min(geometry.spacing)
    apart = max(
        float(np.abs(np.subtract(own.spacing, geometry.spacing)).max() * max(image.shape)),
        float(np.abs(np.subtract(own.origin, geometry.origin)).max()),
        float(np.abs(np.subtract(own.direction, geometry.direction)).max() * max(image.shape) * least),
    )
    if apart > 100 * least:
        raise InputError(
            f"the {role} {volume.path} lies elsewhere than the image, by {apart:.3g} mm: in tiles they must be on "
            "the same voxels; resample it first",
            role,
        )


def exceeds_memory(inputs: StoredInputs, settings: Settings) -> bool:
    """Whether a run that holds the whole image would take more memory than it may."""
    shape = inputs.image.shape
    job = probe(inputs, settings)
    available = job.available_memory()
    held = sum(volume.nbytes for volume in inputs.volumes.values()) + inputs.kernels.unread_bytes
    held += 3 * job.image.itemsize * math.prod(shape)
    return available is not None and tile_memory(job, shape, least=True) + held > available


def probe(inputs: StoredInputs, settings: Settings) -> Job:
    """Return the job of a small part of the image: it tells what tiles take."""
    shape = inputs.image.shape
    box = tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in ((n, min(n, _PROBE)) for n in shape))
    part = part_of(inputs.of(0, 0), box)
    image = np.nan_to_num(part.image.astype(np.float32), posinf=0, neginf=0)
    return Job.prepare(replace(part, image=image, mask=None), settings, UNWATCHED)


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
