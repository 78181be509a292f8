"""Before and after: slices, their difference, enlarged places, and planes across the slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..findings import Findings
from ..formatting import number
from ..layout import captioned
from ..pictures import (
    LARGEST_PICTURE,
    SHARP_PICTURE,
    as_shown,
    captioned_plane,
    difference_limit,
    framed,
    letters_of,
    slice_name,
)
from ..pixels import data_uri, diverging_pixels, reduced
from ..tags import Markup, joined, tag
from .section import Section


def before_after_section(found: Findings) -> Section | None:
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
        pictures.append(captioned_plane(found, plane, name, limit, axis, alt, caption, overlay, sharp))
    return tag("div", *pictures, class_=f"row {'four' if len(pictures) > 3 else 'three'}")


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
    change = captioned_plane(
        found, planes["difference"], "difference", limit, 0, f"Difference, {where}", caption, boxes
    )
    height, width = (n * h for n, h in zip(planes["before"].shape, found.spacing[1:], strict=True))
    most = min(100.0, 80.0 * width / height)
    choice = tag("fieldset", tag("legend", "In the same place, show", class_="soft"), *choices)
    content = (choice, captioned(stage, moves), change)
    return tag("div", *content, class_="flicker row two", style=f"max-width:{most:.1f}rem")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _across(found: Findings, limit: float) -> Markup:
    """Planes across the slices, through the place that changed most."""
    _, j, i = found.middle
    rows = [
        _row(found, _plane(found, axis, index), limit, f"plane {name} = {index}", axis=axis)
        for axis, name, index in ((1, "j", j), (2, "i", i))
    ]
    text = f"Planes j = {j} and i = {i} through the place that changed most, in true proportions."
    return joined(tag("h3", "Across the slices"), tag("p", text, class_="soft"), *rows)
