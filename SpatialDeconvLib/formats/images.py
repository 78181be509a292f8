"""Reading images with SimpleITK, and right where ITK's own readers are wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from . import fits, headers, nifti, omezarr, sizes, tiff
from .names import library_name
from .npy import volume_npy
from .types import plain_type

# How pictures without a voxel size begin: JPEG, BMP, GIF, JPEG 2000.
_PICTURES = (b"\xff\xd8", b"BM", b"GIF8", b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
_LARGEST_COSINE = 2e-3  # of axes that count as straight: a voxel in 500


def read_image(path: Path) -> sitk.Image:
    """Read an image file with the values that it holds.

    The spacing of a file that has none (see `has_spacing`) is 1 mm.

    Raises
    ------
    InputError
        If the file is cut short, or holds what would be read wrong.
    NotEnoughMemory
        If it does not fit into memory.
    RuntimeError
        What SimpleITK says of a file that it cannot read.
    """
    sizes.require_room(path)
    image = _read(path)
    if image.GetDimension() > 1:
        axes = np.reshape(image.GetDirection(), (image.GetDimension(), -1))
        refuse_shear(path, axes)
    return image


def refuse_shear(what: Path | str, axes: np.ndarray) -> None:
    """Refuse an image whose axes are not at right angles: kernels in mm lie along them.

    Parameters
    ----------
    what : path or str
        What the message calls it.
    axes : ndarray
        Of any length, the columns of the matrix.

    Raises
    ------
    InputError
    """
    directions = axes / np.linalg.norm(axes, axis=0)
    cosines = np.abs(directions.T @ directions - np.eye(len(axes)))
    if cosines.max() > _LARGEST_COSINE:
        angle = math.degrees(math.acos(min(1.0, float(cosines.max()))))
        raise InputError(
            f"{what} has axes at {angle:.3g} degrees, not at right angles (a tilted gantry?); resample it to "
            "straight axes, e.g. with Slicer's Resample modules"
        )


def _read(path: Path) -> sitk.Image:
    if omezarr.is_zarr(path):
        return _read_zarr(path)
    if path.suffix.lower() == ".npy":
        return _read_npy(path)
    if nifti.is_nifti(path):
        return _read_nifti(path)
    if tiff.is_tiff(path):
        return _read_tiff(path)
    if fits.is_fits(path):
        return fits.read_fits_image(path)
    if path.suffix.lower() == ".vtk":
        _refuse_words(path)
    headers.unit_of(path)  # which refuses one that nobody knows, before the voxels are read
    image = sitk.ReadImage(library_name(path))
    spacing, origin = lengths_of(path, image)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def lengths_of(path: Path, read: sitk.Image | sitk.ImageFileReader) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return spacing and origin in mm, in ITK's order, of what SimpleITK has read: an image or its header.

    The spacing is 1 mm where the file says none.
    """
    spacing, origin = read.GetSpacing(), read.GetOrigin()
    if not has_spacing(path):
        return (1.0,) * len(spacing), origin
    unit = headers.unit_of(path)
    return tuple(unit * length for length in spacing), tuple(unit * place for place in origin)


def has_spacing(path: Path) -> bool:
    """Return whether an image file says how large its voxels are; the print resolution of a picture does not."""
    if omezarr.is_zarr(path):
        return omezarr.read_layout(path).spacing is not None
    if path.suffix.lower() == ".npy":
        return False
    if tiff.is_tiff(path):
        return tiff.read_layout(path).spacing is not None
    if fits.is_fits(path):
        return fits.image_of(path).spacing is not None
    if nifti.is_nifti(path):
        header = nifti.read_header(path)
        # A single slice's own thickness says nothing of its pixels.
        return header is None or len(nifti.axes_without_size(header)) < sum(n > 1 for n in header.sizes[:3])
    start = headers.start_of(path)
    if start.startswith(b"\x89PNG"):
        return b"sCAL" in start[: start.find(b"IDAT")]  # which only ITK writes
    if start.startswith(_PICTURES):
        return False
    return headers.says_spacing(start) is not False


def _read_zarr(path: Path) -> sitk.Image:
    layout = omezarr.read_layout(path)
    whole = tuple(slice(0, n) for n in layout.volume_shape)
    volumes = [layout.read(whole, None, frame) for frame in range(layout.length_of("t"))]
    return _joined(volumes, layout.length_of("c") > 1, layout.spacing, layout.origin)


def _joined(
    volumes: Sequence[np.ndarray], several: bool, spacing: tuple[float, ...] | None, origin: tuple[float, ...]
) -> sitk.Image:
    """One volume as an image, `several` as a sequence; spacing and origin along z, y, x."""
    images = [sitk.GetImageFromArray(volume, isVector=several) for volume in volumes]
    for image in images:
        image.SetSpacing((1.0, *(spacing or (1.0, 1.0, 1.0)))[:-4:-1])
        image.SetOrigin(origin[::-1])
    return images[0] if len(images) == 1 else sitk.JoinSeries(images)


def _read_npy(path: Path) -> sitk.Image:
    array = volume_npy(path)
    return sitk.GetImageFromArray(np.ascontiguousarray(array, plain_type(array.dtype)), isVector=False)


def _read_tiff(path: Path) -> sitk.Image:
    layout = tiff.read_layout(path)
    if layout.frames * layout.channels > 1:
        return _read_hyperstack(path, layout)
    if layout.obstacle:
        image = sitk.GetImageFromArray(tiff.read_with_tifffile(path, layout), isVector=layout.samples > 1)
    else:
        image = _stack_by_itk(path, layout)
    image.SetSpacing((layout.spacing or (1.0,) * len(layout.shape))[::-1])
    return image


def _stack_by_itk(path: Path, layout: tiff.TiffLayout) -> sitk.Image:
    image = sitk.ReadImage(library_name(path))
    if image.GetSize()[::-1] != layout.stack or image.GetNumberOfComponentsPerPixel() != layout.samples:
        raise InputError(f"{path} is of a kind of TIFF that ITK does not read right; save it as .nrrd")
    return image


def _read_hyperstack(path: Path, layout: tiff.TiffLayout) -> sitk.Image:
    """The pages of frames and channels as a sequence, and as values of a voxel."""
    if layout.obstacle:
        stack = tiff.read_with_tifffile(path, layout)
    else:
        stack = sitk.GetArrayFromImage(_stack_by_itk(path, layout))
    samples = (layout.samples,) if layout.samples > 1 else ()
    letters = f"{layout.order}yx{'s' * len(samples)}"
    several = layout.channels > 1
    wanted = "tzyxc" if several else "tczyx" if not samples else "tczyxs"
    values = stack.reshape((*layout.pages, *layout.shape[-2:], *samples))
    values = np.transpose(values, [letters.index(letter) for letter in wanted])
    volumes = values if several else values[:, 0]
    return _joined([np.ascontiguousarray(v) for v in volumes], several or bool(samples), layout.spacing, (0.0,) * 3)


def _read_nifti(path: Path) -> sitk.Image:
    nifti.check_length(path)
    image = sitk.ReadImage(library_name(path))
    if next(nifti.nonfinite_voxels(path), None) is None:
        return image
    components = image.GetNumberOfComponentsPerPixel()
    array = sitk.GetArrayFromImage(image)
    nifti.restore_nonfinite(path, [array], components)
    whole = sitk.GetImageFromArray(array, isVector=components > 1)
    whole.CopyInformation(image)
    return whole


def _refuse_words(path: Path) -> None:
    """Refuse a VTK file of text that holds NaN or infinity: ITK reads 0 from there on."""
    with path.open("rb") as file:
        kind = [file.readline(256) for _ in range(3)][2]
        if kind.strip().upper() == b"ASCII" and re.search(rb"\s[-+]?(nan|inf)", file.read(), re.IGNORECASE):
            raise InputError(f"{path} holds NaN or infinity as text, which cannot be read; write it as .nrrd")
