"""DICOM series: whether their files make one volume, by their headers.

ITK stacks whatever has the same series number: portal images, time points, slices of a tilted gantry, as if they
were a volume of even slices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import InputError
from .names import library_name

_SOP_CLASS, _IMAGE_TYPE, _MODALITY = "0008|0016", "0008|0008", "0008|0060"
_POSITION, _ORIENTATION, _SPACING = "0020|0032", "0020|0037", "0028|0030"
_INTERCEPT, _SLOPE = "0028|1052", "0028|1053"

# Classes of files whose frames are slices, though their positions stand in sequences that SimpleITK does not show:
# enhanced CT, MR, PET and their legacy-converted kin, X-ray 3-D, tomosynthesis, ultrasound volumes, segmentations,
# parametric maps, optical tomography.
_VOLUMES = {
    f"1.2.840.10008.5.1.4.1.1.{number}"
    for number in ("2.1", "2.2", "4.1", "4.3", "4.4", "128.1", "130", "6.2", "13.1.1", "13.1.2", "13.1.3", "13.1.4",
                   "13.1.5", "30", "66.4", "77.1.5.4")
}  # fmt: skip
_UNEVEN = (
    0.02  # positions are decimal text: differences below this part of a step are rounding, not a missing slice
)
_LEAST_MM = 0.01  # and so are those below this
_SHIFT = 0.5  # slices that are shifted by less, in voxels over the whole volume, are not


@dataclass(frozen=True)
class SliceHeader:
    """What the header of a file says.

    Attributes
    ----------
    size : tuple of int
        Voxels on the axes i, j and k (frames).
    position : ndarray or None
        Of the first voxel, in mm (LPS).
    axes : ndarray or None
        Directions of the axes i and j, rows of the array.
    spacing : tuple of float
        Of a row's voxels and of rows in mm, by the file's own words; empty: it says none.
    rescale : (intercept, slope)
    frames_are_slices : bool
    kind : str
        Its modality.
    """

    size: tuple[int, ...]
    position: np.ndarray | None
    axes: np.ndarray | None
    spacing: tuple[float, ...]
    rescale: tuple[float, float]
    frames_are_slices: bool
    kind: str

    @property
    def frames(self) -> int:
        return self.size[2] if len(self.size) > 2 else 1


def read_headers(files: Iterable[str | Path]) -> list[SliceHeader]:
    """Return the headers of DICOM files.

    Raises
    ------
    RuntimeError
        What SimpleITK says of a file that it cannot read.
    """
    return [_read_header(Path(file)) for file in files]


def _read_header(path: Path) -> SliceHeader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(library_name(path))
    reader.ReadImageInformation()

    def text(key: str) -> str:
        return reader.GetMetaData(key).strip() if reader.HasMetaDataKey(key) else ""

    def numbers(key: str, count: int) -> np.ndarray | None:
        try:
            found = np.array([float(word) for word in text(key).split("\\")])
        except ValueError:
            return None
        return found if found.size == count and np.isfinite(found).all() else None

    position, orientation = numbers(_POSITION, 3), numbers(_ORIENTATION, 6)
    intercept, slope, spacing = numbers(_INTERCEPT, 1), numbers(_SLOPE, 1), numbers(_SPACING, 2)
    tomography = "TOMO" in text(_IMAGE_TYPE).upper()  # of nuclear medicine
    return SliceHeader(
        tuple(reader.GetSize()), position, None if orientation is None else orientation.reshape(2, 3),
        () if spacing is None else tuple(spacing),
        (0.0 if intercept is None else float(intercept[0]), 1.0 if slope is None else float(slope[0])),
        position is not None or tomography or text(_SOP_CLASS).rstrip("\0") in _VOLUMES, text(_MODALITY),
    )  # fmt: skip


def are_slices(headers: Sequence[SliceHeader]) -> bool:
    """Return whether every file says where it lies; portal images, radiographs and ultrasound do not."""
    return all(header.position is not None and header.axes is not None for header in headers)


def rescales_differ(headers: Sequence[SliceHeader]) -> bool:
    """Return whether slices are scaled each in its own way, so that the first one's type does not hold them all."""
    return len({header.rescale for header in headers}) > 1


@dataclass(frozen=True)
class Tilt:
    """How the slices of a tilted gantry lie.

    Attributes
    ----------
    step : float
        Between slices, along their normal, in mm; negative against it.
    shift : (float, float)
        From each slice to the next along the axes i and j, in mm.
    """

    step: float
    shift: tuple[float, float]

    @property
    def angle(self) -> float:
        """In degrees."""
        return math.degrees(math.atan2(math.hypot(*self.shift), abs(self.step)))


def check_volume(what: str, headers: Sequence[SliceHeader], straighten: bool = False) -> Tilt | None:
    """Refuse files that make no volume of even, parallel slices in one line, as kernels in mm need it.

    Parameters
    ----------
    what : str
        What messages call the series.
    headers : sequence of SliceHeader
        In the order of the slices.
    straighten : bool
        Take slices that are shifted each a bit further, too.

    Returns
    -------
    Tilt or None
        How to bring such slices into one line (`straightened`); None when they are.

    Raises
    ------
    InputError
    """
    count, kind = len(headers), headers[0].kind or "unknown modality"
    if count == 1:
        if headers[0].frames > 1 and not headers[0].frames_are_slices:
            raise InputError(
                f"{what} has {headers[0].frames} frames ({kind}) that say no positions, so they make no volume; "
                "save the frame wanted as a file of its own, or all of them as .seq.nrrd"
            )
        return None
    if not are_slices(headers):
        raise InputError(
            f"{what} has {count} images ({kind}) that say no positions, so they make no volume; give one file"
        )
    for name, values in (
        ("sizes", [header.size for header in headers]),
        ("orientations", [header.axes for header in headers]),
        ("voxel sizes", [header.spacing for header in headers]),
    ):
        if not all(_alike(value, values[0]) for value in values):
            raise InputError(
                f"{what} has {count} slices of different {name}, so they make no volume; save those wanted apart"
            )
    tilt = _tilt(what, headers)
    if tilt is not None and not straighten:
        raise InputError(
            f"{what} has slices {abs(tilt.step):.4g} mm apart that are shifted by {math.hypot(*tilt.shift):.4g} mm "
            f"each (a gantry tilted by {tilt.angle:.3g} degrees), which no volume of straight axes holds; "
            "deconvolve and convolve bring it onto such axes with --resample; or let Slicer's DICOM module "
            "regularise it (acquisition geometry regularization) and save as NRRD"
        )
    return tilt


def straightened(image: sitk.Image, headers: Sequence[SliceHeader], tilt: Tilt) -> tuple[sitk.Image, str]:
    """Bring the slices of a tilted gantry into one line, and say so.

    Each keeps its plane and is moved within it, by linear interpolation; the volume becomes as wide as all of them
    together. What no slice covers has the least value of the image.
    """
    values = sitk.GetArrayFromImage(image)
    values = values.astype(np.result_type(values.dtype, np.float32), copy=False)
    spacing = np.array(image.GetSpacing()[:2])
    moved = np.outer(np.arange(len(values)), np.divide(tilt.shift, spacing))  # i, j in voxels
    first = np.floor(moved.min(axis=0) + 1e-9)
    wide, high = (np.ceil(moved.max(axis=0) - 1e-9) - first).astype(int) + values.shape[:0:-1]
    least = values.min()
    out = np.zeros((len(values), high, wide), values.dtype)
    for plane, target, (i, j) in zip(values, out, moved - first, strict=True):
        padded = np.zeros_like(target)
        padded[: plane.shape[0], : plane.shape[1]] = plane - least
        ndimage.shift(padded, (j, i), output=target, order=1, mode="grid-constant")
    out += least
    axes = headers[0].axes
    assert axes is not None
    rows = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    normal = np.cross(*rows) * math.copysign(1.0, tilt.step)
    straight = sitk.GetImageFromArray(out)
    straight.SetSpacing([*map(float, spacing), abs(tilt.step)])
    straight.SetDirection(np.column_stack([*rows, normal]).ravel().tolist())
    straight.SetOrigin((headers[0].position + (first * spacing) @ rows).tolist())
    most = np.abs(moved[-1] * spacing).max()
    return straight, (
        f"slices of a gantry tilted by {tilt.angle:.3g} degrees were moved by up to {most:.4g} mm within their "
        f"planes, by linear interpolation: {values.shape[2]}x{values.shape[1]} pixels became {wide}x{high}"
    )


def _alike(a: Any, b: Any) -> bool:
    """Whether numbers of headers agree, but for the rounding of decimal text."""
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-3, atol=1e-3)


def _tilt(what: str, headers: Sequence[SliceHeader]) -> Tilt | None:
    """How slices that are not in one line lie, after refusing those that are not evenly spaced."""
    axes, count = headers[0].axes, len(headers)
    assert axes is not None
    positions = np.array([header.position for header in headers])
    normal = np.cross(*axes)
    places = positions @ normal / np.linalg.norm(normal)
    steps = np.diff(places)
    if np.ptp(places) < _LEAST_MM:
        raise InputError(f"{what} has {count} slices at one position; save one time point")
    if np.diff(np.sort(places)).min() < _LEAST_MM:
        raise InputError(f"{what} has several slices at one position; save one time point, echo or reconstruction")
    step = float(np.median(steps))
    if np.abs(steps - step).max() > max(_UNEVEN * abs(step), _LEAST_MM):
        raise InputError(
            f"{what} has {count} slices that are not evenly spaced ({np.abs(steps).min():.4g} to "
            f"{np.abs(steps).max():.4g} mm apart); complete it, or let Slicer's DICOM module regularise "
            "it and save as NRRD"
        )
    shift = axes @ (positions[-1] - positions[0])  # within the slices' plane
    if np.linalg.norm(shift) <= _SHIFT * min(headers[0].spacing or (1.0,)):
        return None
    i, j = shift / (count - 1)
    return Tilt(step, (float(i), float(j)))
