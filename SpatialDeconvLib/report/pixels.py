"""Arrays as pixels: colour scales, grey levels, smaller pictures, and PNG files in memory."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .formatting import number

# Diverging colours from blue over white to red; the ends differ in lightness from the middle by the same amount.
_DIVERGING = ((0.0, (5, 59, 128)), (0.25, (73, 137, 199)), (0.5, (250, 250, 248)), (0.75, (224, 110, 84)))
_DIVERGING += ((1.0, (128, 12, 32)),)
# A ramp of rising lightness for kernels: the weight is read from the lightness, with or without colour vision.
_SEQUENTIAL = ((0.0, (6, 8, 28)), (0.25, (66, 28, 110)), (0.5, (160, 48, 112)), (0.75, (236, 118, 76)))
_SEQUENTIAL += ((1.0, (252, 240, 190)),)
# Colours of kernels in charts and maps, in their order: all of middle lightness, seen on white and on black.
_KERNEL_RAMP = ((0.0, (58, 104, 190)), (0.35, (30, 150, 150)), (0.68, (208, 142, 30)), (1.0, (200, 62, 88)))
_MISSING = (255, 0, 200)  # not a number


def png(pixels: np.ndarray) -> bytes:
    """Return a PNG file with the pixels: uint8, shape (rows, columns) for grey or (rows, columns, 3) for RGB."""
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    rows, columns = pixels.shape[:2]
    grey = pixels.ndim == 2
    lines = pixels.reshape(rows, -1)
    # Filter 2 of the PNG specification: each byte less the one above it, modulo 256.
    filtered = np.full((rows, lines.shape[1] + 1), 2, np.uint8)
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
    header = struct.pack(">IIBBBBB", columns, rows, 8, 0 if grey else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def data_uri(pixels: np.ndarray) -> str:
    """Return pixels as the ``data:`` address of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")


def ramp(stops: Sequence[tuple[float, tuple[int, int, int]]], fractions: np.ndarray) -> np.ndarray:
    """Return RGB colours, uint8 with a last axis of 3, of fractions in 0 ... 1 along a list of colour stops."""
    at = [stop for stop, _ in stops]
    channels = [np.interp(fractions, at, [colour[c] for _, colour in stops]) for c in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def kernel_colours(count: int) -> list[str]:
    """Return `count` CSS colours for kernels, in their order."""
    rgb = ramp(_KERNEL_RAMP, np.linspace(0, 1, count) if count > 1 else np.zeros(1))
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in rgb]


def shares_picture(shares: np.ndarray) -> np.ndarray:
    """Return the RGB picture of weights, shape (K, rows, columns): the kernels' colours mixed by weight."""
    count = len(shares)
    colours = ramp(_KERNEL_RAMP, np.linspace(0, 1, count) if count > 1 else np.zeros(1)).astype(float)
    return np.clip(np.rint(np.tensordot(shares, colours, axes=(0, 0))), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class GreyScale:
    """Grey levels for a set of pictures that are to be compared: black at `low`, white at `high`."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, values: np.ndarray) -> GreyScale:
        """A scale for an image: from its 0.5 % to its 99.5 % quantile; logarithmic when that spans decades."""
        values = values[np.isfinite(values)]
        if values.size == 0:
            return cls(0.0, 1.0)
        low, low_decade, high = (float(q) for q in np.quantile(values, (0.005, 0.05, 0.995)))
        lowest = float(values.min())
        if lowest > 0 and high > 50 * low_decade:
            return cls(max(low, lowest), high, True)
        return cls(low, high if high > low else low + 1.0)

    def pixels(self, plane: np.ndarray) -> np.ndarray:
        """The grey picture of a plane, uint8; RGB when some of it is not a number."""
        values, low, high = np.asarray(plane, float), self.low, self.high
        missing = ~np.isfinite(values)
        if self.log:
            values = np.log(np.maximum(values, low))
            low, high = math.log(low), math.log(high)
        grey = np.nan_to_num((values - low) * (255.0 / (high - low)), nan=0.0, posinf=255.0, neginf=0.0)
        grey = np.rint(np.clip(grey, 0, 255)).astype(np.uint8)
        if not missing.any():
            return grey
        picture = np.repeat(grey[..., None], 3, axis=-1)
        picture[missing] = _MISSING
        return picture

    def text(self) -> str:
        """What black and white stand for."""
        kind = " (logarithmic)" if self.log else ""
        return f"black {number(self.low)} to white {number(self.high)}{kind}"


def diverging_pixels(plane: np.ndarray, limit: float) -> np.ndarray:
    """Return the RGB picture of a difference: blue at -limit, white at 0, red at +limit."""
    fractions = np.nan_to_num(np.asarray(plane, float) / (2 * limit) + 0.5, nan=0.5, posinf=1.0, neginf=0.0)
    return ramp(_DIVERGING, np.clip(fractions, 0, 1))


def sequential_pixels(plane: np.ndarray, high: float, log_decades: float | None = None) -> np.ndarray:
    """Return the RGB picture of weights from 0 (dark) to `high`, or of their logarithm over some decades."""
    values = np.asarray(plane, float) / high
    if log_decades is not None:
        values = 1 + np.log10(np.maximum(values, 10.0**-log_decades)) / log_decades
    return ramp(_SEQUENTIAL, np.clip(values, 0, 1))


def reduced(plane: np.ndarray, limit: int) -> tuple[np.ndarray, int]:
    """Average squares of voxels so that no side has more than `limit`: the smaller plane and the squares' side."""
    step = -(-max(plane.shape[:2]) // limit)
    if step == 1:
        return plane, 1
    rows, columns = (n - n % step or n for n in plane.shape)
    # Sides shorter than a square stay whole; a rim of less than a square is left out.
    tall, wide = min(step, rows), min(step, columns)
    cut = np.asarray(plane[:rows, :columns], float)
    return cut.reshape(rows // tall, tall, columns // wide, wide).mean(axis=(1, 3)), step
