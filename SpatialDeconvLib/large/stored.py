"""The inputs of a run as files of which boxes are read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.spacing import spacing_tuple
from ..arrays.watch import UNWATCHED
from ..errors import InputError
from ..formats.parts import Geometry, StoredVolume, View, open_parts
from ..kernels.field import KernelField
from ..run.inputs import Inputs
from ..run.job import Job
from ..run.settings import Settings
from ..run.tiles.cutting import part_of
from ..run.tiles.memory import tile_memory

#: Voxels along an axis of the part that tells how much memory a run takes.
_PROBE = 32
#: What belongs to an image besides it.
ROLES = ("image", "mask", "labels", "guide", "noise")


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
    """

    volumes: Mapping[str, StoredVolume]
    kernels: KernelField
    geometry: Geometry

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

        return Inputs(
            view("image"), self.kernels, self.geometry.spacing, view("mask"), view("labels"), None, view("guide"),
            view("noise"),
        )  # fmt: skip


def opened(
    paths: Mapping[str, str | Path], kernels: KernelField, spacing: Sequence[float] | None = None
) -> StoredInputs:
    """Open the files of a run.

    Parameters
    ----------
    paths : mapping of str to path
        By role; see `ROLES`.
    kernels : KernelField
    spacing : sequence of float, optional
        Voxel size of the image in mm on the axes (z, y, x), or one number, where its file does not say it.

    Raises
    ------
    InputError
        If a file cannot be read, or is not on the image's voxels.
    """
    volumes = {role: open_parts(path) for role, path in paths.items()}
    image = volumes["image"]
    geometry = image.geometry
    if spacing is not None:
        given = spacing_tuple(spacing[0] if len(spacing) == 1 else spacing, 3)
        geometry = replace(geometry, spacing=given)
    for role, volume in volumes.items():
        if role != "image":
            _require_same_grid(role, volume, image, geometry)
    return StoredInputs(volumes, kernels, geometry)


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
