"""Arrays in files of every kind that kernels come in: images, numpy's and MATLAB's files, tables of text, FITS.

The one list of these kinds: what is added here is read by the library, the command and the panel.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..arrays.reading import refuse_endless
from ..errors import InputError, check_choice
from . import fits, tables
from .doubts import told_of_bytes_behind, told_of_sizes
from .images import has_spacing, read_image
from .npy import mapped_npy
from .quiet import standard_error_captured
from .reasons import SUFFIXES, reason_for
from .variables import Variable, chosen, mat_variables, npz_variables

#: Files that hold arrays under names: how their names end -> what lists the arrays.
_NAMED: dict[str, Callable[[Path], list[Variable]]] = {
    ".npz": npz_variables,
    ".mat": mat_variables,
    **dict.fromkeys(fits.ENDINGS, fits.fits_variables),
}
#: How the names of files end that may hold an array, longer ones first.
ENDINGS = (".npy", *sorted(_NAMED, key=len, reverse=True), *tables.ENDINGS, *SUFFIXES)
#: Which axis of a stack counts its pages.
PAGES = ("first", "last")

_NAMED_PART = re.compile(rf"(.+(?:{'|'.join(map(re.escape, _NAMED))})):([^:/\\]+)", re.IGNORECASE)


@dataclass(frozen=True)
class StoredArray:
    """An array out of a file.

    Attributes
    ----------
    values : ndarray
        Axes as the file has them.
    spacing : tuple of float or None
        Voxel size in mm on the last axes, where the file says one.
    columns_first : bool
        Whether it is one of MATLAB's: (j, i), (j, i, k) or (j, i, k, page), not (page, k, j, i).
    is_stack : bool
        Whether it is several images for sure; three axes may be those of one.
    notes : tuple of str
        What is doubtful about the file.
    """

    values: np.ndarray
    spacing: tuple[float, ...] | None = None
    columns_first: bool = False
    is_stack: bool = False
    notes: tuple[str, ...] = ()

    @property
    def pages(self) -> str:
        """Where the pages of a stack are counted, by the custom of its format: "first" or "last"."""
        return "last" if self.columns_first else "first"

    def in_order(self, pages: str | None = None) -> np.ndarray:
        """Return the values with axes (page, k, j, i), (k, j, i) or (j, i).

        Parameters
        ----------
        pages : {"first", "last"}, optional
            Which of the file's axes counts the pages; by default, that of `pages`.
        """
        pages = pages or self.pages
        check_choice(pages, PAGES, "pages")
        if pages == "first" or self.values.ndim < 3:
            return self.values
        if not self.columns_first:
            return np.moveaxis(self.values, -1, 0)
        return np.transpose(self.values, (*range(self.values.ndim - 1, 1, -1), 0, 1))

    def page(self, number: int, pages: str | None = None) -> StoredArray:
        """Return one page of a stack, counted from 1.

        Raises
        ------
        InputError
            If there is no such page.
        """
        values = self.in_order(pages)
        count = len(values) if values.ndim > 2 else 1
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= count:
            raise InputError(f"page {number!r} is none of the {count} there are; count them from 1")
        found = values[number - 1] if values.ndim > 2 else values
        return StoredArray(
            *_without_single_axes(found, self.spacing and self.spacing[-found.ndim :]), notes=self.notes
        )


def ending_of(name: str) -> str:
    """Return which of `ENDINGS` a name has; "" of another."""
    lower = name.lower()
    return next((ending for ending in ENDINGS if lower.endswith(ending)), "")


def split_variable(name: str) -> tuple[str, str | None]:
    """Return the file and the variable that ``file.mat:variable`` names; of another name, itself and None."""
    found = _NAMED_PART.fullmatch(name)
    return (found[1], found[2]) if found else (name, None)


def variables_of(path: Path) -> list[Variable]:
    """Return the arrays that a file holds under names; an empty list of a file of another kind."""
    listing = _NAMED.get(ending_of(path.name))
    return [] if listing is None else listing(path)


def read_array(path: Path, variable: str | None = None, what: str = "kernel file") -> StoredArray:
    """Return the array that a file holds, without single axes in front.

    Parameters
    ----------
    path : Path
    variable : str, optional
        Its name, where the file holds several.
    what : str
        What messages call the file.

    Raises
    ------
    InputError
        If the file is missing, damaged, or holds no array that can be used.
    """
    stored = read_whole(path, variable, what)
    values, spacing = _without_single_axes(stored.values, stored.spacing)
    return StoredArray(values, spacing, stored.columns_first, stored.is_stack or values.ndim > 3, stored.notes)


def read_whole(
    path: Path, variable: str | None = None, what: str = "kernel file", components: bool = False
) -> StoredArray:
    """Return the array that a file holds with all its axes.

    Parameters
    ----------
    path, variable, what
        See `read_array`.
    components : bool
        Take several values per voxel, of an image of any format, for as many images.

    Raises
    ------
    InputError
        As `read_array` does.
    """
    refuse_endless(path, what)
    if not path.is_file():
        raise InputError(f"{what} {path} {'is no file' if path.exists() else 'does not exist'}; check the path")
    ending = ending_of(path.name)
    if variable is not None and ending not in _NAMED:
        raise InputError(f"{what} {path} holds one array, not several under names; leave out {variable!r}")
    is_list = False
    notes: tuple[str, ...] = ()
    try:
        if ending in _NAMED:
            one = chosen(path, _NAMED[ending](path), variable)
            values, spacing = one.read(), one.spacing
        elif ending == ".npy":
            values, spacing = read_npy(path), None
        elif ending in tables.ENDINGS:
            values, spacing = tables.read_table(path), None
        else:
            values, spacing, is_list = _image(path, components)
            notes = (*told_of_sizes(path), *told_of_bytes_behind(path))
    except InputError as error:
        raise InputError(f"{what} {error.text}", error.option, **error.cure) from error
    return StoredArray(values, spacing, ending == ".mat", is_list, notes)


def _without_single_axes(
    values: np.ndarray, spacing: tuple[float, ...] | None
) -> tuple[np.ndarray, tuple[float, ...] | None]:
    """A single time point and a single slice in front are no axes of their own."""
    while values.ndim > 2 and values.shape[0] == 1:
        values, spacing = values[0], spacing and spacing[1:]
    return values, spacing


def read_npy(path: Path) -> np.ndarray:
    """Return the array of an .npy file; raises InputError where it is damaged."""
    return np.array(mapped_npy(path))


def _image(path: Path, components: bool) -> tuple[np.ndarray, tuple[float, ...] | None, bool]:
    """Values, voxel size, and whether they are a list of images."""
    try:
        with standard_error_captured():
            image = read_image(path)
    except RuntimeError as error:
        reason = reason_for(path, str(error)) or "damaged?"
        raise InputError(f"{path} is no image that can be read ({reason}); save it as .nrrd or .npy") from error
    values, spacing = sitk.GetArrayFromImage(image), image.GetSpacing()[::-1] if has_spacing(path) else None
    if image.GetNumberOfComponentsPerPixel() == 1:
        return values, spacing, False
    if components or path.name.lower().endswith((".nrrd", ".nhdr")):  # a list of volumes to NRRD, not to ITK
        return np.moveaxis(values, -1, 0), spacing and (1.0, *spacing), True
    if (values == values[..., :1]).all():  # greys, as colours or in a palette
        return values[..., 0], spacing, False
    raise InputError(f"{path} has several components per voxel; give a scalar image")
