"""Planes of an image as pictures of the page: turned, framed, with a scale bar, letters and numbered boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .findings import Findings
from .layout import captioned
from .pixels import data_uri, diverging_pixels, reduced
from .tags import Markup, tag

LARGEST_PICTURE = 720  # pixels on a side; larger planes are averaged
SHARP_PICTURE = 300  # voxels on a side, up to which every voxel is shown as a square


def captioned_plane(
    found: Findings,
    plane: np.ndarray,
    name: str,
    limit: float,
    axis: int,
    alt: str,
    caption: str,
    boxes: Sequence[tuple[int, int, int, int, str]] = (),
    sharp: bool = False,
) -> Markup:
    """A plane as the page shows it, with its caption."""
    spacing = [h for a, h in enumerate(found.spacing) if a != axis]
    turned, flips = as_shown(found, plane, axis)
    small, step = reduced(turned, LARGEST_PICTURE)
    pixels = diverging_pixels(small, limit) if name == "difference" else found.grey.pixels(small)
    boxes = [_turned_box(box, plane.shape, flips) for box in boxes]
    if step > 1:
        caption += f" (each pixel is the mean of {step} × {step} voxels)"
    letters = letters_of(found, axis, flips)
    picture = framed(pixels, turned.shape, spacing, alt, boxes, sharp, letters)
    return captioned(picture, caption)


def framed(
    pixels: np.ndarray,
    shape: Sequence[int],
    spacing: Sequence[float],
    alt: str,
    boxes: Sequence[tuple[float, float, float, float, str]] = (),
    sharp: bool = False,
    letters: Mapping[str, str] | None = None,
    extra: Markup | None = None,
) -> Markup:
    """Return a picture in its true proportions, with a scale bar in mm, numbered boxes and letters over it.

    `shape` is that of the plane in voxels, boxes (row, column, rows, columns, text) are in voxels too.
    """
    height, width = (n * h for n, h in zip(shape, spacing, strict=True))
    tall = 300 * height / width  # the overlay is 300 units wide
    marks, words = [], []
    for row, column, rows, columns, text in boxes:
        x, y = 300 * column / shape[1], tall * row / shape[0]
        w, h = 300 * columns / shape[1], tall * rows / shape[0]
        place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{w:.1f}", "height": f"{h:.1f}"}
        marks.append(tag("rect", class_="box", **place))
        words.append(tag("span", text, style=f"left:{x / 3:.1f}%;top:{100 * y / tall:.1f}%"))
    if tall > 40:
        words.append(_scale_bar(width))
    if tall > 60:
        words += [tag("span", letter, class_=side) for side, letter in (letters or {}).items()]
    kind = "sharp" if sharp or max(shape) <= SHARP_PICTURE else None
    drawn = tag("svg", *marks, viewBox=f"0 0 300 {tall:.1f}") if marks else None
    return tag(
        "div",
        tag("img", class_=kind, src=data_uri(pixels), alt=alt),
        extra,
        tag("div", drawn, *words, class_="over-it", aria_hidden="true"),
        class_="pic",
        style=f"aspect-ratio:{width:.6g}/{height:.6g}",
    )


def _scale_bar(width_mm: float) -> Markup:
    power = 10.0 ** math.floor(math.log10(0.35 * width_mm))
    length = max(power * factor for factor in (1, 2, 5) if power * factor <= 0.35 * width_mm)
    return tag("span", f"{length:g} mm", class_="bar", style=f"width:{100 * length / width_mm:.2f}%")


def as_shown(found: Findings, plane: np.ndarray, axis: int) -> tuple[np.ndarray, tuple[bool, bool]]:
    """Turn a plane as Slicer shows it: anterior or superior up, right (or anterior) on the left."""
    flips = flips_of(found, axis)
    turned = plane[::-1] if flips[0] else plane
    return (turned[:, ::-1] if flips[1] else turned), flips


def flips_of(found: Findings, axis: int) -> tuple[bool, bool]:
    if found.directions is None:
        return axis != 0, False  # across the slices, the last slice is up
    return turns(found.directions, axis)


def turns(directions: Sequence[tuple[str, str]], axis: int) -> tuple[bool, bool]:
    """Return whether Slicer shows the rows, and the columns, of a plane across an axis the other way round.

    `directions` are the anatomical letters of the ends of the axes k, j, i (`findings.axis_letters`).
    """
    rows, columns = (d for a, d in enumerate(directions) if a != axis)
    return rows[1] in "ASR", columns[1] in "RAS"


def letters_of(found: Findings, axis: int, flips: tuple[bool, bool]) -> dict[str, str]:
    if found.directions is None:
        return {}
    rows, columns = (d for a, d in enumerate(found.directions) if a != axis)
    top, bottom = reversed(rows) if flips[0] else rows
    left, right = reversed(columns) if flips[1] else columns
    return {"top": top, "bottom": bottom, "left": left, "right": right}


def _turned_box(
    box: tuple[int, int, int, int, str], shape: Sequence[int], flips: tuple[bool, bool]
) -> tuple[int, int, int, int, str]:
    row, column, rows, columns, text = box
    row = shape[0] - row - rows if flips[0] else row
    column = shape[1] - column - columns if flips[1] else column
    return row, column, rows, columns, text


def difference_limit(magnitudes: np.ndarray) -> float:
    """The end of a scale for differences: their 99.8 % quantile."""
    values = magnitudes[np.isfinite(magnitudes)]
    high = float(np.quantile(values[:: max(1, values.size // 500_000)], 0.998)) if values.size else 0.0
    return high or (float(values.max()) if values.size else 0.0) or 1.0


def slice_name(found: Findings, k: int) -> str:
    count = found.before.shape[0]
    return "the image" if count == 1 else f"slice k = {k} of 0 … {count - 1}"
