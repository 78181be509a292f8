"""Pictures of slices and planes for a report: before, after and their difference, and how they are framed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .formatting import number
from .layout import captioned
from .pixels import data_uri, diverging_pixels, reduced
from .tags import Markup, joined, tag

if TYPE_CHECKING:
    from .findings import Findings


class Section(NamedTuple):
    """A section of the page."""

    name: str
    title: str
    content: Markup


LARGEST_PICTURE = 720  # pixels on a side; larger planes are averaged
SHARP_PICTURE = 300  # voxels on a side, up to which every voxel is shown as a square


def pictures_section(found: Findings) -> Section | None:
    """Slices before, after and their difference, enlarged places, and planes across the slices."""
    k = found.slices[0]
    limit = difference_limit(np.abs(found.after[found.slices] - found.filled[found.slices]))
    parts = [_intro(found, limit), _flicker(found, k, limit)]
    for number_, slice_ in enumerate(found.slices):
        where = slice_name(found, slice_)
        order = ("changed most", "changed second most", "changed third most")[number_]
        if found.before.shape[0] > 1:
            parts.append(tag("h3", f"{_capital(where)}, which {order}"))
        boxes = [(*place, *found.window) for place in found.places] if slice_ == k else []
        parts.append(_row(found, _plane(found, 0, slice_), limit, where, boxes=boxes))
    if found.places:
        parts.append(tag("h3", "The places that changed most, enlarged"))
        text = "Every square is one voxel; the places are the yellow frames in the slice above."
        parts.append(tag("p", text, class_="soft"))
        for n, (j, i) in enumerate(found.places, 1):
            box = (slice(k, k + 1), slice(j, j + found.window[0]), slice(i, i + found.window[1]))
            planes = {name: plane[box[1:]] for name, plane in _plane(found, 0, k).items()}
            parts.append(_row(found, planes, limit, f"place {n}", sharp=True))
    if found.before.shape[0] >= 6:
        parts.append(_across(found, limit))
    return Section("pictures", "Before and after", joined(*parts))


def _intro(found: Findings, limit: float) -> Markup:
    verb = "deconvolution" if found.operation == "deconvolve" else "convolution"
    missing = int(found.before.size - np.count_nonzero(np.isfinite(found.before)))
    text = f"The image before and after the {verb}, all in the same grey levels ({found.grey.text()})."
    text += " The difference, after less before, is red where values rose and blue where they fell."
    if missing:
        text += f" {missing} voxels without a number are magenta; they were filled from their neighbours."
    if found.mask is not None:
        text += " Outside the mask nothing changed, so the difference is white there."
    scale = data_uri(diverging_pixels(np.linspace(-limit, limit, 128)[None], limit))
    label = f"Colours from −{number(limit, 3)} to {number(limit, 3)}"
    bar = tag("img", src=scale, alt=label)
    ends = (tag("span", f"{sign}{number(limit, 3)}") for sign in "−+")
    scale_of_colours = tag("div", next(ends), bar, next(ends), class_="scale", style="max-width:24rem")
    return joined(tag("p", text), scale_of_colours)


def difference_limit(magnitudes: np.ndarray) -> float:
    """The end of a scale for differences: their 99.8 % quantile."""
    values = magnitudes[np.isfinite(magnitudes)]
    high = float(np.quantile(values[:: max(1, values.size // 500_000)], 0.998)) if values.size else 0.0
    return high or (float(values.max()) if values.size else 0.0) or 1.0


def _plane(found: Findings, axis: int, index: int) -> dict[str, np.ndarray]:
    """The planes of before, after, difference and reference across an axis."""
    cut = tuple(index if a == axis else slice(None) for a in range(3))
    planes = {"before": found.before[cut], "after": found.after[cut]}
    planes["difference"] = found.after[cut] - found.filled[cut]
    if found.reference is not None:
        planes["reference"] = found.reference[cut]
    return planes


def _row(
    found: Findings,
    planes: Mapping[str, np.ndarray],
    limit: float,
    where: str,
    axis: int = 0,
    boxes: Sequence[tuple[int, int, int, int]] = (),
    sharp: bool = False,
) -> Markup:
    """Pictures side by side."""
    pictures = []
    for name, plane in planes.items():
        overlay = [(*box, str(n)) for n, box in enumerate(boxes, 1)]
        alt = f"{name.capitalize()}, {where}"
        caption = _capital(name) if not sharp else f"{_capital(where)}: {name}"
        pictures.append(figure_of(found, plane, name, limit, axis, alt, caption, overlay, sharp))
    return tag("div", *pictures, class_=f"row {'four' if len(pictures) > 3 else 'three'}")


def figure_of(
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
    rows, columns = (d for a, d in enumerate(found.directions) if a != axis)
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


def _flicker(found: Findings, k: int, limit: float) -> Markup:
    """Before and after in one place, exchanged by choice or by themselves; style sheet only."""
    planes = _plane(found, 0, k)
    pictures = []
    for name in ("before", "after"):
        turned, flips = as_shown(found, planes[name], 0)
        pictures.append(found.grey.pixels(reduced(turned, LARGEST_PICTURE)[0]))
    kind = "over sharp" if max(planes["before"].shape) <= SHARP_PICTURE else "over"
    where = slice_name(found, k)
    over = tag("img", class_=kind, src=data_uri(pictures[1]), alt=f"After, {where}, in the same place")
    stage = framed(
        pictures[0], planes["before"].shape, found.spacing[1:], f"Before, {where}, to be exchanged with after",
        letters=letters_of(found, 0, flips), extra=over,
    )  # fmt: skip
    texts = {"before": "before", "after": "after", "both": "one after the other, by itself"}
    choices = []
    for value, text in texts.items():
        button = tag("input", type="radio", name="show", id=f"show-{value}", checked=value == "before")
        choices.append(tag("label", button, " ", text))
    noun = "deconvolution" if found.operation == "deconvolve" else "convolution"
    moves = f"{_capital(where)}. What moves when the two are exchanged is what the {noun} changed."
    boxes = [(*place, *found.window, str(n)) for n, place in enumerate(found.places, 1)]
    caption = "The difference in it" + (", with the places that changed most." if boxes else ".")
    change = figure_of(found, planes["difference"], "difference", limit, 0, f"Difference, {where}", caption, boxes)
    height, width = (n * h for n, h in zip(planes["before"].shape, found.spacing[1:], strict=True))
    most = min(100.0, 80.0 * width / height)
    choice = tag("fieldset", tag("legend", "In the same place, show", class_="soft"), *choices)
    content = (choice, captioned(stage, moves), change)
    return tag("div", *content, class_="flicker row two", style=f"max-width:{most:.1f}rem")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def slice_name(found: Findings, k: int) -> str:
    count = found.before.shape[0]
    return "the image" if count == 1 else f"slice k = {k} of 0 … {count - 1}"


def _across(found: Findings, limit: float) -> Markup:
    k = found.slices[0]
    j, i = found.places[0] if found.places else (0, 0)
    middle = (
        k,
        min(j + found.window[0] // 2, found.before.shape[1] - 1),
        min(i + found.window[1] // 2, found.before.shape[2] - 1),
    )
    rows = []
    for axis, name in ((1, "j"), (2, "i")):
        rows.append(
            _row(found, _plane(found, axis, middle[axis]), limit, f"plane {name} = {middle[axis]}", axis=axis)
        )
    text = f"Planes j = {middle[1]} and i = {middle[2]} through the place that changed most, in true proportions."
    return joined(tag("h3", "Across the slices"), tag("p", text, class_="soft"), *rows)
