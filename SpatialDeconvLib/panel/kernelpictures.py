"""Kernels as pictures: thumbnails for the table, larger ones with a scale in mm. No Qt and no matplotlib.

A picture is an RGB array (rows, columns, 3) of bytes, and PNG bytes for whoever shows it. A 3-D kernel is summed
along one axis: what is seen is the weight in a projection, and the pixels are as large in mm on both axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays.spacing import spacing_tuple
from ..errors import InputError
from ..kernels.kernel import Kernel
from ..kernels.parametric import AnyKernel, ParametricKernel
from ..report.formatting import number
from ..report.pixels import diverging_pixels, png, sequential_pixels

# How much of a kernel's weight its picture may leave outside.
_SHARE_OUTSIDE = 1e-3
_RIM = 1.15  # and some space around it, so that its shape is seen
# Weight darker than this part of the peak is not seen on a linear scale; a kernel that has more than this share
# of its weight there is shown on a logarithmic one, over at most so many decades.
_DARK, _DARK_SHARE, _MOST_DECADES = 0.02, 0.15, 6.0
_COMPARED_DECADES = 4.0  # of a kernel before and after it was prepared
# Kernels that are shown side by side share their scale in mm unless they differ by more than this factor.
_LARGEST_RATIO = 8.0
_SUBPIXELS = 4

_AXES = "zyx"
# Characters for the scale, five pixels high, row by row.
_GLYPHS = {
    "0": "111101101101111", "1": "010110010010111", "2": "111001111100111", "3": "111001111001111",
    "4": "101101111001001", "5": "111100111001111", "6": "111100111101111", "7": "111001010010010",
    "8": "111101111101111", "9": "111101111001111", ".": "00001", "m": "0000000000111101010110101",
    " ": "0000000000", "e": "000111111100111", "-": "000000111000000", "+": "000010111010000",
}  # fmt: skip


@dataclass(frozen=True)
class KernelPicture:
    """A kernel as pixels.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (rows, columns, 3)
    extent : float
        Width of the picture in mm.
    scale : {"linear", "logarithmic", "signed"}
        "signed" is for kernels with negative values: blue below zero, white at zero, red above.
    high : float
        The value that the brightest colour (or the most intense red) stands for.
    axis : str
        The axis that was summed over, "z", "y" or "x"; "" for kernels of one slice.
    bar : float
        Length of the scale bar in mm; 0 when there is none.
    """

    pixels: np.ndarray
    extent: float
    scale: str
    high: float
    axis: str
    bar: float = 0.0

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        return png(self.pixels)

    def text(self) -> str:
        """Say in words what the picture shows."""
        seen = {"z": "seen along z", "y": "seen along y", "x": "seen along x", "": "one slice"}[self.axis]
        colours = {"linear": "linear colours", "logarithmic": "logarithmic colours", "signed": "blue is negative"}
        return f"{number(self.extent, 3)} mm wide, {seen}, {colours[self.scale]}"


def kernelPicture(
    kernel: AnyKernel,
    size: int = 256,
    *,
    spacing: float | Sequence[float] | None = None,
    extent: float | None = None,
    axis: int | None = None,
    scale: str = "auto",
    bar: bool = True,
    cross: bool = False,
) -> KernelPicture:
    """Return a square picture of a kernel, its centre in the middle.

    Parameters
    ----------
    kernel : Kernel or ParametricKernel
    size : int
        Pixels on a side, at least 8.
    spacing : float or sequence of float, optional
        Voxel size in mm of the image that the kernel is for: the kernel is shown as it will be used. Without it
        a stored kernel keeps its own, and a parametric one is sampled finely.
    extent : float, optional
        Width in mm; default what holds all but a thousandth of the weight, and a rim.
    axis : int, optional
        Axis of a 3-D kernel (0 is z) to sum over; default the one on which the kernel is least extended.
    scale : {"auto", "linear", "logarithmic", "signed"}
        "auto" takes "signed" for kernels with negative values, "logarithmic" for those with wide faint tails.
    bar : bool
        Draw a scale in mm, where the picture is large enough for it.
    cross : bool
        Draw a cross around the centre.

    Raises
    ------
    InputError
        If an argument is out of range.
    """
    if not 8 <= size <= 4096:
        raise InputError(f"size {size!r} must be 8 to 4096 pixels")
    if scale not in ("auto", "linear", "logarithmic", "signed"):
        raise InputError(f"scale {scale!r} is unknown; choose one of auto, linear, logarithmic, signed")
    if extent is not None and not (extent > 0 and math.isfinite(extent)):
        raise InputError(f"extent {extent!r} must be a positive width in mm")
    sampled = _sampled(kernel, spacing)
    plane, mm, centre, summed = _projection(sampled, axis)
    extent = extent or _extent(plane, mm, centre)
    pixels = _resampled(plane, mm, centre, size, extent)
    scale = _fittingScale(plane) if scale == "auto" else scale
    high = float(np.abs(plane).max())
    colours = _coloured(pixels, plane, scale, high)
    length = 0.0
    if cross:
        _drawCross(colours)
    if bar and size >= 96:
        length = _drawBar(colours, extent, dark=scale == "signed")
    return KernelPicture(colours, extent, scale, high, _AXES[summed] if summed is not None else "", length)


def thumbnails(
    kernels: Sequence[AnyKernel], size: int = 40, *, spacing: float | Sequence[float] | None = None
) -> list[KernelPicture]:
    """Return a small picture of every kernel, with a common scale in mm as far as they are comparable in size."""
    extents = [_extent(*_projection(_sampled(kernel, spacing), None)[:3]) for kernel in kernels]
    common = min(max(extents), _LARGEST_RATIO * min(extents)) if extents else 1.0
    return [
        kernelPicture(kernel, size, spacing=spacing, extent=max(common, own) if own > common else common, bar=False)
        for kernel, own in zip(kernels, extents, strict=True)
    ]


def beforeAndAfter(before: Kernel, after: Kernel, size: int = 256) -> KernelPicture:
    """Return one picture of a kernel: on the left as it was, on the right as it is now, about the centre of each.

    Both are in shares of their largest value, on a logarithmic scale, which shows what a kernel stands on.
    """
    extent = _extent(*_projection(before, None)[:3])
    halves = []
    for kernel in (before, after):
        plane, mm, centre, summed = _projection(kernel, None)
        shares = _resampled(plane, mm, centre, size, extent) / plane.max()
        halves.append(sequential_pixels(shares, 1.0, log_decades=_COMPARED_DECADES))
    pixels = halves[1].copy()
    pixels[:, : size // 2] = halves[0][:, : size // 2]
    pixels[:, size // 2] = 255
    return KernelPicture(pixels, extent, "logarithmic", 1.0, _AXES[summed] if summed is not None else "")


def threeViews(
    kernel: AnyKernel, size: int = 160, *, spacing: float | Sequence[float] | None = None
) -> list[KernelPicture]:
    """Return the pictures of a 3-D kernel seen along z, y and x at one scale in mm; one picture of a 2-D kernel."""
    sampled = _sampled(kernel, spacing)
    if sampled.ndim == 2 or sampled.shape[0] == 1:
        return [kernelPicture(sampled, size)]
    extent = max(_extent(*_projection(sampled, axis)[:3]) for axis in range(3))
    return [kernelPicture(sampled, size, extent=extent, axis=axis) for axis in range(3)]


# ------------------------------------------------------------------------------------------ the values


def _sampled(kernel: AnyKernel, spacing: float | Sequence[float] | None) -> Kernel:
    if isinstance(kernel, Kernel):
        if spacing is None or (np.ndim(spacing) and np.size(spacing) < kernel.ndim):
            return kernel
        return kernel.sampled(spacing)
    if not isinstance(kernel, ParametricKernel):
        raise InputError(f"{type(kernel).__name__} is no kernel; give a Kernel or a ParametricKernel")
    if spacing is not None:
        return kernel.sampled(spacing_tuple(spacing, np.size(spacing) if np.ndim(spacing) else 3))
    fine = max(kernel.lengths, default=8.0) / 8
    return kernel.sampled((fine or 1.0,) * 3)


def _projection(
    kernel: Kernel, axis: int | None
) -> tuple[np.ndarray, tuple[float, float], tuple[float, float], int | None]:
    """The kernel summed along an axis, its pixel size in mm, its centre, and which axis that was."""
    values, spacing, centre = kernel.values, kernel.spacing, kernel.centre
    if values.ndim == 2 or (values.shape[0] == 1 and axis in (None, 0)):
        return values.reshape(values.shape[-2:]), spacing[-2:], centre[-2:], None
    if axis is None:
        axis = _leastExtended(values, spacing)
    j, i = (a for a in range(3) if a != axis)
    return values.sum(axis=axis), (spacing[j], spacing[i]), (centre[j], centre[i]), axis


def _leastExtended(values: np.ndarray, spacing: Sequence[float]) -> int:
    """The axis with the smallest second moment of |values|, the first of those that are as small."""
    weight = np.abs(values)
    moments = []
    for axis in range(3):
        distance = (np.arange(values.shape[axis]) - values.shape[axis] // 2) * spacing[axis]
        profile = weight.sum(axis=tuple(a for a in range(3) if a != axis))
        moments.append(float(profile @ distance**2 / profile.sum()))
    least = min(moments)
    return next(axis for axis, moment in enumerate(moments) if moment <= 1.05 * least + 1e-12)


def _extent(plane: np.ndarray, mm: Sequence[float], centre: Sequence[float]) -> float:
    """Width in mm of the square around the centre that holds all but a thousandth of the weight, and a rim."""
    weight = np.abs(plane)
    j, i = (
        (np.abs(np.arange(n) - c) + 0.5) * h for n, h, c in zip(plane.shape, mm, centre, strict=True)
    )  # to the voxels' far faces
    reach = np.maximum(j[:, None], i[None, :]).ravel()
    order = np.argsort(reach)
    inside = np.cumsum(weight.ravel()[order])
    return float(_RIM * 2 * reach[order][np.searchsorted(inside, (1 - _SHARE_OUTSIDE) * inside[-1])])


def _resampled(
    plane: np.ndarray, mm: Sequence[float], centre: Sequence[float], size: int, extent: float
) -> np.ndarray:
    """The plane on size x size pixels over `extent` mm: the mean of what lies in a pixel, no smoothing."""
    indices = []
    for h, c in zip(mm, centre, strict=True):
        per_pixel = max(_SUBPIXELS, min(32, math.ceil(2 * extent / size / h)))
        at = ((np.arange(size * per_pixel) + 0.5) / (size * per_pixel) - 0.5) * extent
        indices.append((np.floor(at / h + c + 0.5).astype(int), per_pixel))
    (rows, a), (columns, b) = indices
    padded = np.zeros(np.add(plane.shape, 2))  # a rim of zeros for what lies outside
    padded[1:-1, 1:-1] = plane
    rows, columns = (np.clip(at + 1, 0, n - 1) for at, n in zip((rows, columns), padded.shape, strict=True))
    lines = padded[rows].reshape(size, a, -1).mean(axis=1)
    return lines[:, columns].reshape(size, size, b).mean(axis=2)


# ----------------------------------------------------------------------------------------- the colours


def _fittingScale(plane: np.ndarray) -> str:
    if plane.min() < -1e-6 * np.abs(plane).max():
        return "signed"
    dark = plane[plane < _DARK * plane.max()].sum()
    return "logarithmic" if dark > _DARK_SHARE * plane.sum() else "linear"


def _coloured(pixels: np.ndarray, plane: np.ndarray, scale: str, high: float) -> np.ndarray:
    if scale == "signed":
        return diverging_pixels(pixels, high)
    if scale == "linear":
        return sequential_pixels(pixels, high)
    positive = plane[plane > 0]
    decades = math.log10(high / positive.min()) if positive.size else 1.0
    return sequential_pixels(pixels, high, log_decades=float(np.clip(decades, 1.0, _MOST_DECADES)))


def _drawCross(colours: np.ndarray) -> None:
    """Draw four short lines that point at the middle of the picture and leave it free, seen on any colour."""
    middle = len(colours) // 2
    for start in (-8, 4):
        line = slice(middle + start, middle + start + 4)
        for part in ((line, slice(middle - 1, middle + 1)), (slice(middle - 1, middle + 1), line)):
            dark = colours[part].mean(axis=2, keepdims=True) < 128
            colours[part] = np.where(dark, 255, 0)


def _drawBar(colours: np.ndarray, extent: float, dark: bool) -> float:
    """Draw a scale of 1, 2 or 5 times a power of ten mm in the lower left corner, and return its length."""
    size = len(colours)
    power = 10.0 ** math.floor(math.log10(0.4 * extent))
    length = max(step * power for step in (1, 2, 5) if step * power <= 0.4 * extent * (1 + 1e-9))
    ink = np.array((0, 0, 0) if dark else (255, 255, 255), np.uint8)
    zoom = max(1, round(size / 110))
    margin, thick = 4 * zoom, 2 * zoom
    wide = max(1, round(length / extent * size))
    text = f"{length:g} mm"
    top, width = size - margin - thick - 7 * zoom, max(wide, 4 * zoom * len(text))
    colours[top - zoom : size - margin + zoom, margin - zoom : margin + width + zoom] = (
        255 - ink
    )  # seen on any colour
    colours[size - margin - thick : size - margin, margin : margin + wide] = ink
    _drawText(colours, text, margin, top, zoom, ink)
    return length


def _drawText(colours: np.ndarray, text: str, column: int, row: int, zoom: int, ink: np.ndarray) -> None:
    for character in text:
        bits = np.array([int(bit) for bit in _GLYPHS[character]], bool).reshape(5, -1)
        bits = np.kron(bits, np.ones((zoom, zoom), bool))
        part = colours[row : row + bits.shape[0], column : column + bits.shape[1]]
        part[bits[: part.shape[0], : part.shape[1]]] = ink
        column += bits.shape[1] + zoom
