"""FITS files, which astropy reads: images, and arrays under the names of their extensions.

Arrays are as they are stored: the last axis (i) runs fastest, and row j = 0 is what astronomers draw at the bottom,
in images and in kernels alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .units import MM
from .variables import Variable, listed, require_room

#: How the names of FITS files end.
ENDINGS = (".fits", ".fit", ".fts", ".fits.gz")


def is_fits(path: Path) -> bool:
    """Return whether a file's name says that it is FITS."""
    return path.name.lower().endswith(ENDINGS)


def fits_variables(path: Path) -> list[Variable]:
    """Return the images that a FITS file holds: the name of each is its EXTNAME, or its number from 0.

    Raises
    ------
    InputError
        Without astropy; if the file is none, or damaged.
    """
    with _opened(path) as units:
        found = []
        for number, unit in enumerate(units):
            if unit.is_image and unit.header.get("NAXIS", 0):
                sizes = [int(unit.header[f"NAXIS{axis + 1}"]) for axis in range(unit.header["NAXIS"])]
                found.append(_variable(path, number, unit, tuple(sizes[::-1])))
        return found


def _variable(path: Path, number: int, unit: Any, shape: tuple[int, ...]) -> Variable:
    def values() -> np.ndarray:
        require_room(path, shape)
        with _opened(path) as units:
            array = np.asarray(units[number].data)
        return array.astype(array.dtype.newbyteorder("="))

    return Variable(
        unit.name if unit.name not in ("", "PRIMARY") else str(number), shape, True, values, _spacing(unit)
    )


def _spacing(unit: Any) -> tuple[float, ...] | None:
    """The voxel size in mm, where the header has one in a unit of length: in angles it is that of the sky."""
    header, found = unit.header, []
    for axis in range(1, header["NAXIS"] + 1):
        length = MM.get(str(header.get(f"CUNIT{axis}", "")).strip().lower())
        if length is None or not header.get(f"CDELT{axis}"):
            return None
        found.append(abs(float(header[f"CDELT{axis}"])) * length)
    return tuple(found[::-1])


def read_fits_image(path: Path) -> sitk.Image:
    """Return the one image of a FITS file, with spacing 1 mm where it says none.

    Raises
    ------
    InputError
        If there is none, or there are several, or it has more than three axes.
    """
    variable = image_of(path)
    values = variable.read()
    if values.dtype == np.float16 or values.dtype.kind not in "iuf":
        raise InputError(f"{path} holds values of type {values.dtype}; save them as float")
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((variable.spacing or (1.0,) * values.ndim)[::-1])
    return image


def image_of(path: Path) -> Variable:
    """Return the one image of a FITS file, unread; see `read_fits_image`."""
    images = [variable for variable in fits_variables(path) if len(variable.shape) > 1]
    if len(images) != 1 or len(images[0].shape) > 3:
        raise InputError(f"{path} holds no single image, but {listed(images)}; save one in a file of its own")
    return images[0]


@contextmanager
def _opened(path: Path) -> Iterator[Sequence[Any]]:
    try:
        from astropy.io import fits
    except ImportError:
        raise InputError(
            f"{path} is FITS, which needs astropy; pip install astropy (in Slicer: slicer.util.pip_install("
            "'astropy')), or save it as .nrrd or .npy"
        ) from None
    try:
        with fits.open(path, memmap=False) as units:
            yield units
    except InputError:
        raise
    except Exception as error:  # of a damaged file: nearly any
        raise InputError(f"{path} is no readable FITS file ({error}); write it again") from error
