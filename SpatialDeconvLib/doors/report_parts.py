"""The sections of a report: each function takes the findings and returns (id, title, HTML), or None."""

from __future__ import annotations

import base64
import html
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels import Kernel
from . import report_numbers as numbers
from .report_draw import (
    Chart,
    data_uri,
    diverging_pixels,
    number,
    power_of_ten,
    reduced,
    sequential_pixels,
    shares_picture,
)

if TYPE_CHECKING:
    from .report import Findings

Section = tuple[str, str, str] | None

_LARGEST_PICTURE = 720  # pixels on a side; larger planes are averaged
_LOG_DECADES = 6.0
_LEGEND_MOST = 12


# ------------------------------------------------------------------------------------------- pictures


def pictures_section(found: Findings) -> Section:
    """Slices before, after and their difference, enlarged places, and planes across the slices."""
    k = found.slices[0]
    limit = _limit(np.abs(found.after[found.slices] - found.filled[found.slices]))
    parts = [_intro(found, limit), _flicker(found, k, limit)]
    for number_, slice_ in enumerate(found.slices):
        where = _slice_name(found, slice_)
        order = ("changed most", "changed second most", "changed third most")[number_]
        if found.before.shape[0] > 1:
            parts.append(f"<h3>{_capital(where)}, which {order}</h3>")
        boxes = [(*place, *found.window) for place in found.places] if slice_ == k else []
        parts.append(_row(found, _plane(found, 0, slice_), limit, where, boxes=boxes))
    if found.places:
        parts.append("<h3>The places that changed most, enlarged</h3>")
        text = "Every square is one voxel; the places are the yellow frames in the slice above."
        parts.append(f'<p class="soft">{text}</p>')
        for n, (j, i) in enumerate(found.places, 1):
            box = (slice(k, k + 1), slice(j, j + found.window[0]), slice(i, i + found.window[1]))
            planes = {name: plane[box[1:]] for name, plane in _plane(found, 0, k).items()}
            parts.append(_row(found, planes, limit, f"place {n}", sharp=True))
    if found.before.shape[0] >= 6:
        parts.append(_across(found, limit))
    return "pictures", "Before and after", "".join(parts)


def _intro(found: Findings, limit: float) -> str:
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
    return (
        f'<p>{text}</p><div class="scale" style="max-width:24rem"><span>−{number(limit, 3)}</span>'
        f'<img src="{scale}" alt="{label}"><span>+{number(limit, 3)}</span></div>'
    )


def _limit(magnitudes: np.ndarray) -> float:
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
) -> str:
    """Pictures side by side."""
    pictures = []
    for name, plane in planes.items():
        overlay = [(*box, str(n)) for n, box in enumerate(boxes, 1)]
        alt = f"{name.capitalize()}, {where}"
        caption = _capital(name) if not sharp else f"{_capital(where)}: {name}"
        pictures.append(_picture(found, plane, name, limit, axis, alt, caption, overlay, sharp))
    return f'<div class="row {"four" if len(pictures) > 3 else "three"}">{"".join(pictures)}</div>'


def _picture(
    found: Findings,
    plane: np.ndarray,
    name: str,
    limit: float,
    axis: int,
    alt: str,
    caption: str,
    boxes: Sequence[tuple[int, int, int, int, str]] = (),
    sharp: bool = False,
) -> str:
    spacing = [h for a, h in enumerate(found.spacing) if a != axis]
    turned, flips = _turned(found, plane, axis)
    small, step = reduced(turned, _LARGEST_PICTURE)
    pixels = diverging_pixels(small, limit) if name == "difference" else found.grey.pixels(small)
    boxes = [_turned_box(box, plane.shape, flips) for box in boxes]
    if step > 1:
        caption += f" (each pixel is the mean of {step} × {step} voxels)"
    letters = _letters(found, axis, flips)
    picture = framed(pixels, turned.shape, spacing, alt, boxes, sharp, letters)
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def framed(
    pixels: np.ndarray,
    shape: Sequence[int],
    spacing: Sequence[float],
    alt: str,
    boxes: Sequence[tuple[float, float, float, float, str]] = (),
    sharp: bool = False,
    letters: Mapping[str, str] | None = None,
    extra: str = "",
) -> str:
    """Return a picture in its true proportions, with a scale bar in mm, numbered boxes and letters over it.

    `shape` is that of the plane in voxels, boxes (row, column, rows, columns, text) are in voxels too.
    """
    height, width = (n * h for n, h in zip(shape, spacing, strict=True))
    tall = 300 * height / width  # the overlay is 300 units wide
    marks, words = [], []
    for row, column, rows, columns, text in boxes:
        x, y = 300 * column / shape[1], tall * row / shape[0]
        w, h = 300 * columns / shape[1], tall * rows / shape[0]
        marks.append(f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>')
        words.append(f'<span style="left:{x / 3:.1f}%;top:{100 * y / tall:.1f}%">{html.escape(text)}</span>')
    if tall > 40:
        words.append(_scale_bar(width))
    if tall > 60:
        words += [f'<span class="{side}">{letter}</span>' for side, letter in (letters or {}).items()]
    kind = " class=sharp" if sharp or max(shape) <= 300 else ""
    drawn = f'<svg viewBox="0 0 300 {tall:.1f}">{"".join(marks)}</svg>' if marks else ""
    return (
        f'<div class="pic" style="aspect-ratio:{width:.6g}/{height:.6g}">'
        f'<img{kind} src="{data_uri(pixels)}" alt="{html.escape(alt, quote=True)}">{extra}'
        f'<div class="over-it" aria-hidden="true">{drawn}{"".join(words)}</div></div>'
    )


def _scale_bar(width_mm: float) -> str:
    power = 10.0 ** math.floor(math.log10(0.35 * width_mm))
    length = max(power * factor for factor in (1, 2, 5) if power * factor <= 0.35 * width_mm)
    return f'<span class="bar" style="width:{100 * length / width_mm:.2f}%">{length:g} mm</span>'


def _turned(found: Findings, plane: np.ndarray, axis: int) -> tuple[np.ndarray, tuple[bool, bool]]:
    """Turn a plane as Slicer shows it: anterior or superior up, right (or anterior) on the left."""
    flips = _flips(found, axis)
    turned = plane[::-1] if flips[0] else plane
    return (turned[:, ::-1] if flips[1] else turned), flips


def _flips(found: Findings, axis: int) -> tuple[bool, bool]:
    if found.directions is None:
        return axis != 0, False  # across the slices, the last slice is up
    rows, columns = (d for a, d in enumerate(found.directions) if a != axis)
    return rows[1] in "ASR", columns[1] in "RAS"


def _letters(found: Findings, axis: int, flips: tuple[bool, bool]) -> dict[str, str]:
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


def _flicker(found: Findings, k: int, limit: float) -> str:
    """Before and after in one place, exchanged by choice or by themselves; style sheet only."""
    planes = _plane(found, 0, k)
    pictures = []
    for name in ("before", "after"):
        turned, flips = _turned(found, planes[name], 0)
        pictures.append(found.grey.pixels(reduced(turned, _LARGEST_PICTURE)[0]))
    blocky = " sharp" if max(planes["before"].shape) <= 300 else ""
    where = _slice_name(found, k)
    over = f'<img class="over{blocky}" src="{data_uri(pictures[1])}" alt="After, {where}, in the same place">'
    stage = framed(
        pictures[0], planes["before"].shape, found.spacing[1:], f"Before, {where}, to be exchanged with after",
        letters=_letters(found, 0, flips), extra=over,
    )  # fmt: skip
    choices = "".join(
        f'<label><input type="radio" name="show" id="show-{value}"{" checked" if value == "before" else ""}> '
        f"{text}</label>"
        for value, text in (("before", "before"), ("after", "after"), ("both", "one after the other, by itself"))
    )
    noun = "deconvolution" if found.operation == "deconvolve" else "convolution"
    figure = (
        f"<figure>{stage}"
        f"<figcaption>{_capital(where)}. What moves when the two are exchanged is what the {noun} changed."
        "</figcaption></figure>"
    )
    boxes = [(*place, *found.window, str(n)) for n, place in enumerate(found.places, 1)]
    caption = "The difference in it" + (", with the places that changed most." if boxes else ".")
    change = _picture(found, planes["difference"], "difference", limit, 0, f"Difference, {where}", caption, boxes)
    height, width = (n * h for n, h in zip(planes["before"].shape, found.spacing[1:], strict=True))
    most = min(100.0, 80.0 * width / height)
    choice = f'<fieldset><legend class="soft">In the same place, show</legend>{choices}</fieldset>'
    return f'<div class="flicker row two" style="max-width:{most:.1f}rem">{choice}{figure}{change}</div>'


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _slice_name(found: Findings, k: int) -> str:
    count = found.before.shape[0]
    return "the image" if count == 1 else f"slice k = {k} of 0 … {count - 1}"


def _across(found: Findings, limit: float) -> str:
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
    text = (
        f"Planes {'j'} = {middle[1]} and i = {middle[2]} through the place that changed most, in true proportions."
    )
    return f'<h3>Across the slices</h3><p class="soft">{text}</p>{"".join(rows)}'


# ---------------------------------------------------------------------------------------------- edges


def edges_section(found: Findings) -> Section:
    """Line profiles through the edges that changed most."""
    if not found.profiles:
        return None
    figures = []
    for n, profile in enumerate(found.profiles, 1):
        lines = profile.lines
        values = np.concatenate(list(lines.values()))
        margin = 0.05 * float(np.ptp(values))
        letter = "kji"[profile.axis]
        where = ", ".join(f"{a} = {v}" for a, v in zip("kji", profile.voxel, strict=True))
        before, after = (profile.steepest(name) for name in ("before", "after"))
        chart = Chart(
            (profile.position[0], profile.position[-1]), (values.min() - margin, values.max() + margin),
            f"mm along {letter} from ({where})", "value",
            f"Values along {letter} through the edge at {where}, before and after",
        )  # fmt: skip
        if "reference" in lines:
            chart.line(profile.position, lines["reference"], "reference", "reference")
        for name in ("before", "after"):
            chart.line(profile.position, lines[name], name, name)
            chart.points(profile.position, lines[name], name)
        text = f"Edge {n}: the steepest step between neighbours went from {number(before, 3)} to "
        text += f"{number(after, 3)} per mm"
        if "reference" in lines:
            text += f"; it is {number(profile.steepest('reference'), 3)} in the reference"
        figures.append(_charted(chart, text + "."))
    text = "Values of single voxels along straight lines through the edges that changed most."
    if found.operation == "deconvolve":
        text += (
            " A deconvolution that works makes edges steeper; overshoot beside them, or waves that the image did"
        )
        text += " not have, are artefacts."
    return "edges", "Edges", f'<p>{text}</p><div class="charts">{"".join(figures)}</div>'


def _charted(chart: Chart, caption: str) -> str:
    return f"<figure>{chart.svg()}<figcaption>{html.escape(caption)}</figcaption></figure>"


# -------------------------------------------------------------------------------------------- kernels


def kernels_section(found: Findings) -> Section:
    """All kernels as pictures, their transfer functions, and where each of them is used."""
    kernels = [found.job.bound.kernel(k) for k in range(len(found.field.kernels))]
    log = any(_wants_log(kernel) for kernel in kernels)
    reach = _shown_reach(kernels)
    figures = [_kernel_figure(found, n, kernel, reach, log) for n, kernel in enumerate(kernels)]
    text = "Every kernel on the grid of the image, all at the same scale: the blur of a point, with its root mean "
    text += "square width along i, j, k (for a Gaussian that is sigma) and the share of the image it is used for."
    if log:
        text += f" Colours are logarithmic, from {power_of_ten(-int(_LOG_DECADES))} of the peak to the peak."
    parts = [f'<p>{text}</p><div class="kernels">{"".join(figures)}</div>']
    charts = [_transfer_chart(found, kernels)]
    if len(kernels) > 1:
        charts.insert(0, _use_chart(found))
    parts.append(f'<div class="charts">{"".join(charts)}</div>')
    if len(kernels) > 1:
        parts.append(_use_map(found))
    return "kernels", "Kernels", "".join(parts)


def kernel_label(found: Findings, n: int) -> str:
    """What a kernel belongs to, in words."""
    at = found.field.at[n]
    if found.field.key == "uniform":
        return "everywhere"
    if found.field.key == "position":
        return "at (" + ", ".join(f"{v:g}" for v in at) + ") mm"
    if found.field.key == "weights":
        return f"weights {n + 1}" if isinstance(at, int) else Path(str(at)).name
    what = {"intensity": "level", "region": "region"}[found.field.key]
    return f"{what} {at}" if isinstance(at, str) else f"{what} {at:g}"


def _middle(kernel: Kernel) -> np.ndarray:
    return kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre[0]]


def _wants_log(kernel: Kernel) -> bool:
    """Whether a kernel is a narrow peak on a wide skirt, which a linear scale does not show."""
    plane = _middle(kernel)
    if plane.min() < 0 or plane.max() <= 0 or plane.size < 400:
        return False
    seen = plane > 0.02 * plane.max()
    return np.count_nonzero(seen) < 0.03 * plane.size and float(plane[~seen].sum()) > 0.1 * float(plane.sum())


def _shown_reach(kernels: Sequence[Kernel]) -> float:
    """Half the side in mm of the pictures: the largest distance that some kernel reaches."""
    return max(
        (n // 2 + 0.5) * h
        for kernel in kernels
        for n, h in zip(kernel.shape[-2:], kernel.spacing[-2:], strict=True)
    )


def _kernel_figure(found: Findings, n: int, kernel: Kernel, reach: float, log: bool) -> str:
    label = kernel_label(found, n)
    views = [
        _kernel_view(
            _middle(kernel), kernel.spacing[-2:], reach, log, f"Kernel {label}, in the plane of the slices"
        )
    ]
    if kernel.ndim == 3 and kernel.shape[0] > 1:
        across = kernel.values[:, kernel.centre[1]]
        alt = f"Kernel {label}, across the slices"
        views.append(_kernel_view(across, (kernel.spacing[0], kernel.spacing[2]), reach, log, alt))
    shape = " × ".join(str(v) for v in kernel.shape[::-1])
    size = " × ".join(number(v * h, 3) for v, h in zip(kernel.shape[::-1], kernel.spacing[::-1], strict=True))
    facts = [f'<b><span class="swatch" style="background:{found.colours[n]}"></span>{html.escape(label)}</b>']
    name = getattr(found.field.kernels[n], "name", "") or kernel.name
    if name:
        facts.append(html.escape(name))
    facts += [f"{shape} voxels", f"{size} mm"]
    width = numbers.widths(kernel)
    if width:
        texts = [number(w, 3) for w in width[::-1]]
        facts.append("width " + (texts[0] if len(set(texts)) == 1 else ", ".join(texts)) + " mm")
    if len(found.shares) > 1:
        share = 100 * found.shares[n]
        facts.append(f"{number(share, 3)} % of the image" if share >= 0.01 or not share else "below 0.01 % of it")
    constants = found.result.automatic.get("constant_of_each_kernel")
    if constants and len(constants) == len(found.field.kernels) and constants[n] is not None:
        facts.append(f"{_constant_name(found)} {number(constants[n], 3)}")
    return (
        f'<figure><div class="views">{"".join(views)}</div><figcaption>{"<br>".join(facts)}</figcaption></figure>'
    )


def _constant_name(found: Findings) -> str:
    return "noise taken" if found.result.parameters.get("method") == "wiener" else "constant"


def _kernel_view(plane: np.ndarray, spacing: Sequence[float], reach: float, log: bool, alt: str) -> str:
    """A plane of a kernel in a frame of `reach` mm to each side of its centre."""
    sides = [max(n // 2, math.ceil(reach / h - 0.5)) for n, h in zip(plane.shape, spacing, strict=True)]
    full = np.zeros([2 * side + 1 for side in sides])
    first = [side - n // 2 for side, n in zip(sides, plane.shape, strict=True)]
    full[first[0] : first[0] + plane.shape[0], first[1] : first[1] + plane.shape[1]] = plane
    peak = float(np.abs(plane).max()) or 1.0
    small = reduced(full, 360)[0]
    if plane.min() < 0:
        pixels = diverging_pixels(small, peak)
    else:
        pixels = sequential_pixels(small, peak, _LOG_DECADES if log else None)
    return framed(pixels, full.shape, spacing, alt, sharp=True)


def _transfer_chart(found: Findings, kernels: Sequence[Kernel]) -> str:
    curves = [numbers.transfer(kernel) for kernel in kernels]
    high = max(float(v.max()) for _, v in curves)
    chart = Chart(
        (0.0, max(float(f[-1]) for f, _ in curves)), (0.0, max(1.05, 1.05 * high)), "cycles per mm", "|H|",
        "Transfer function of every kernel against spatial frequency",
    )  # fmt: skip
    named = len(kernels) <= _LEGEND_MOST
    for n, (frequency, magnitude) in enumerate(curves):
        chart.line(frequency, magnitude, kernel_label(found, n) if named else "", colour=found.colours[n])
    text = (
        "How much of each spatial frequency the kernels let through, averaged over directions in the plane of the "
    )
    text += "slices. What is close to zero is lost in the noise, and no deconvolution brings it back."
    return _charted(chart, text)


def _use_chart(found: Findings) -> str:
    return _weights_chart(found) if found.field.key == "intensity" else _shares_chart(found)


def _weights_chart(found: Findings) -> str:
    """Weights by intensity, over the histogram of the image that chooses."""
    field = found.field
    guide = found.filled if found.guide is None else found.guide
    values = guide.ravel() if found.mask is None else guide[found.mask]
    values = values[:: max(1, values.size // 2_000_000)].astype(np.float64)
    low, high = (float(q) for q in np.quantile(values, (0.0005, 0.9995)))
    low, high = min(low, field.at[0]), max(high, field.at[-1])
    log = found.grey.log and found.guide is None and low > 0
    edges = np.geomspace(low, high, 121) if log else _bins(low, high, guide.dtype, values)
    counts = np.histogram(values, edges)[0]
    chart = Chart(
        (edges[0], edges[-1]), (0.0, 1.06), "intensity", "weight",
        "Weight of every kernel against intensity, over the histogram of the image", x_log=log,
    )  # fmt: skip
    heights = np.log1p(counts) / max(1e-9, float(np.log1p(counts).max()))
    chart.steps(edges, heights, "histogram (logarithmic)")
    points = np.unique(
        np.concatenate([np.geomspace(*edges[[0, -1]], 400) if log else np.linspace(*edges[[0, -1]], 400), field.at])
    )
    weights = numbers.weights_of(field, points, "nearest" if field.outside == "error" else None)
    named = len(field.kernels) <= _LEGEND_MOST
    for n in range(len(field.kernels)):
        chart.line(points, weights[n], kernel_label(found, n) if named else "", colour=found.colours[n])
    if len(weights) > len(field.kernels):
        chart.line(points, weights[-1], "unchanged", "rule")
    text = (
        "The weight of each kernel at each intensity; the weights sum to 1. In grey, how often intensities occur."
    )
    return _charted(chart, text)


def _bins(low: float, high: float, dtype: np.dtype, values: np.ndarray) -> np.ndarray:
    """Edges of about 120 bins; of whole numbers, each bin holds as many of them."""
    whole = dtype.kind in "iu" or bool(np.all(values[:10_000] == np.rint(values[:10_000])))
    if not whole or high - low < 1:
        return np.linspace(low, high if high > low else low + 1, 121)
    step = math.ceil((high - low) / 120)
    return np.arange(math.floor(low), math.ceil(high) + step + 1, step) - 0.5


def _shares_chart(found: Findings) -> str:
    count = len(found.shares)
    step = -(-count // 12)
    names = [(n, kernel_label(found, n).split(" ", 1)[-1][:14]) for n in range(0, count, step)]
    chart = Chart(
        (-0.5, count - 0.5), (0.0, 105 * max(found.shares)), f"kernel, by {found.field.key}", "% of the image",
        "Share of the image that each kernel is used for", x_names=names,
    )  # fmt: skip
    chart.bars(range(count), [100 * share for share in found.shares], found.colours)
    return _charted(chart, "The mean weight of each kernel over the image: how much of it the kernel is used for.")


def _use_map(found: Findings) -> str:
    """Which kernel is used where, in the slice that changed most."""
    k, count = found.slices[0], len(found.field.kernels)
    if found.field.key == "intensity":
        guide = found.filled if found.guide is None else found.guide
        shares = numbers.weights_of(found.field, guide[k])
    else:
        bound = found.job.bound
        single = len(bound.shape) == 2
        shares = np.stack([bound.weight(n) if single else bound.weight(n)[k] for n in range(len(bound))])
    turned = np.stack([_turned(found, plane, 0)[0] for plane in shares[:count]])
    small = np.stack([reduced(plane, _LARGEST_PICTURE)[0] for plane in turned])
    where = _slice_name(found, k)
    pixels = shares_picture(small)
    picture = framed(pixels, turned.shape[1:], found.spacing[1:], f"Which kernel is used where in {where}",
                     letters=_letters(found, 0, _flips(found, 0)))  # fmt: skip
    items = "".join(
        f'<li><span class="swatch" style="background:{colour}"></span>{html.escape(kernel_label(found, n))}</li>'
        for n, colour in enumerate(found.colours)
    )
    before = _picture(found, found.before[k], "before", 1.0, 0, f"Before, {where}", "The same slice before")
    text = f"Which kernel is used where in {where}: the kernels’ colours, mixed by their weights"
    text += "; black where the image stays as it is." if len(shares) > count else "."
    return (
        f'<h3>Where the kernels are used</h3><div class="row two"><figure>{picture}<figcaption>{text}</figcaption>'
        f'<ul class="legend">{items}</ul></figure>{before}</div>'
    )


# ------------------------------------------------------------------------------------------- residual


def verdict_on(residual: float) -> str:
    """Say what a residual means, in words."""
    if residual > 1.25:
        return "more than 1: the kernels do not explain the image, or the noise was taken too small"
    if residual < 0.75:
        return "less than 1: some of the noise was fitted, or it was taken too large"
    return "about 1: the kernels explain the image"


def residual_section(found: Findings) -> Section:
    """What the blurred result leaves of the image, and power spectra."""
    spectra = _image_spectra(found)
    if found.operation != "deconvolve":
        return "spectra", "Spatial frequencies", f'<div class="charts">{spectra}</div>'
    title = "Do the kernels explain the image?"
    if found.residual is None:
        return "residual", title, f'<p>{html.escape(found.no_residual)}.</p><div class="charts">{spectra}</div>'
    intro = "The result, blurred again with the kernels, should be the image but for its noise: the residual "
    intro += "r = y − A x should look like noise, without the outlines of objects, and have the same power at all "
    intro += "frequencies."
    if not found.residual.whole:
        size = " × ".join(str(s.stop - s.start) for s in found.residual.box[::-1])
        first = ", ".join(str(s.start) for s in found.residual.box[::-1])
        intro += f" It is shown for a block of {size} voxels from voxel ({first}) on (i, j, k)."
    charts = _residual_histogram(found) + _residual_spectrum(found) + spectra
    return "residual", title, f'<p>{intro}</p>{_residual_pictures(found)}<div class="charts">{charts}</div>'


def _sigma(found: Findings) -> float:
    """The unit of the residual: the noise, or the residual's own deviation where there is no noise."""
    return found.noise or found.residual.root_mean_square() or 1.0


def _residual_pictures(found: Findings) -> str:
    residual, sigma = found.residual, _sigma(found)
    k = found.slices[0] - residual.box[0].start
    k = min(max(k, 0), len(residual.values) - 1)
    plane = residual.values[k] if residual.mask is None else np.where(residual.mask[k], residual.values[k], 0)
    turned = _turned(found, plane, 0)[0]
    small, step = reduced(turned, _LARGEST_PICTURE)
    limit = max(4 * sigma / step, _limit(np.abs(small)))
    alt = f"Residual in slice k = {k + residual.box[0].start}"
    picture = framed(diverging_pixels(small, limit), turned.shape, found.spacing[1:], alt,
                     letters=_letters(found, 0, _flips(found, 0)))  # fmt: skip
    text = f"The residual in slice k = {k + residual.box[0].start}, from blue at −{number(limit, 3)} to red at "
    text += f"+{number(limit, 3)}"
    text += f"; noise alone stays within ±{number(4 * sigma / step, 3)} nearly everywhere"
    text += f" (each pixel is the mean of {step} × {step} voxels)." if step > 1 else "."
    figure = f"<figure>{picture}<figcaption>{text}</figcaption></figure>"
    return f'<div class="row two residual">{figure}{_residual_table(found)}</div>'


def residual_facts(found: Findings) -> list[tuple[str, float | None, str]]:
    """Return name, value and meaning of the numbers that describe the residual."""
    residual = found.residual
    facts: list[tuple[str, float | None, str]] = []
    if found.run_residual is not None:
        facts.append(
            (
                "Residual of the run",
                found.run_residual,
                "‖y − A x‖ / (σ √N) over all voxels; " + verdict_on(found.run_residual),
            )
        )
    facts.append(("Root mean square", residual.root_mean_square(), "of r, in image units"))
    if found.noise:
        facts.append(
            ("… in units of the noise", residual.root_mean_square() / found.noise, f"σ = {number(found.noise)}")
        )
    deviation = residual.deviation()
    facts.append(("Mean", residual.mean(), "0 when nothing is systematically missing"))
    counted = residual.counted()
    if deviation:
        beyond = float(np.mean(np.abs(counted - residual.mean()) > 3 * deviation))
        facts.append(("Beyond 3 deviations", 100 * beyond, "% of the voxels; 0.27 for Gaussian noise"))
    for axis, name in ((2, "i"), (1, "j"), (0, "k")):
        if residual.values.shape[axis] > 1:
            value = residual.correlation(axis)
            facts.append((f"Correlation along {name}", value, "of neighbours; 0 for white noise"))
    return facts


def _residual_table(found: Findings) -> str:
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="n">{"none" if value is None else number(value)}</td>'
        f'<td class="soft">{text}</td></tr>'
        for name, value, text in residual_facts(found)
    )
    return (
        '<div class="wide"><table><caption class="soft">The residual in numbers</caption>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _residual_histogram(found: Findings) -> str:
    sigma = _sigma(found)
    counted = found.residual.counted()
    counted = counted[:: max(1, counted.size // 2_000_000)].astype(np.float64) / sigma
    edges = np.linspace(-6, 6, 97)
    density = np.histogram(counted, edges)[0] / (counted.size * (edges[1] - edges[0]))
    middle = 0.5 * (edges[:-1] + edges[1:])
    gauss = np.exp(-0.5 * middle**2) / math.sqrt(2 * math.pi)
    chart = Chart(
        (-6.0, 6.0), (1e-5, 2 * max(float(density.max()), 0.4)), "residual / noise", "probability density",
        "Histogram of the residual, with the Gaussian of the noise", y_log=True,
    )  # fmt: skip
    chart.steps(edges, np.maximum(density, 1e-6), "residual")
    chart.line(middle, gauss, "Gaussian of the noise", "after")
    return _charted(
        chart, "How often residuals of each size occur; wider than the curve: something is not explained."
    )


def _residual_spectrum(found: Findings) -> str:
    residual, sigma = found.residual, _sigma(found)
    if min(residual.values.shape[1:]) < 8:
        return ""
    frequency, power = numbers.power_spectrum(residual.values, found.spacing[1:], residual.mask)
    power = power[1:] / sigma**2  # the mean is taken out of the first ring
    chart = Chart(
        (0.0, frequency[-1]), (max(1e-4, min(0.1, 0.7 * float(power.min()))), max(10.0, 1.5 * float(power.max()))),
        "cycles per mm", "power / noise variance", "Power spectrum of the residual", y_log=True,
    )  # fmt: skip
    chart.level(1.0, "white noise")
    chart.line(frequency[1:], power, "residual", "after")
    text = (
        "Power of the residual at each spatial frequency. Along the dotted line it is white, like the noise; above "
    )
    text += "it at low frequencies, structure is left over; below it, noise was fitted."
    return _charted(chart, text)


def _image_spectra(found: Findings) -> str:
    k = found.slices[0]
    if min(found.before.shape[1:]) < 8:
        return ""
    named = [("before", found.filled), ("after", found.after)]
    named += [] if found.reference is None else [("reference", found.reference)]
    curves = [(name, *numbers.power_spectrum(v[k : k + 1], found.spacing[1:])) for name, v in named]
    powers = np.concatenate([power[1:] for _, _, power in curves])
    highest = float(powers.max()) or 1.0
    chart = Chart(
        (0.0, curves[0][1][-1]), (max(float(powers.min()), highest * 1e-10), 2 * highest), "cycles per mm", "power",
        "Power spectra of the image before and after", y_log=True,
    )  # fmt: skip
    if found.noise:
        chart.level(found.noise**2, "noise before")
    for name, frequency, power in reversed(curves):
        chart.line(frequency[1:], power[1:], name, name)
    rises = (
        "What rises is what was restored, noise included"
        if found.operation == "deconvolve"
        else "What falls was blurred away"
    )
    return _charted(
        chart, f"Power at each spatial frequency in {_slice_name(found, k)}, before and after. {rises}."
    )


# ---------------------------------------------------------------------------------------- convergence


def convergence_section(found: Findings) -> Section:
    """The residual after each iteration, or a sentence on why there is none."""
    if found.operation != "deconvolve":
        return None
    history = np.asarray(found.result.history, float)
    if history.size < 2:
        count = found.result.iterations
        text = "The method does not iterate: it computes its result in one go."
        if count is not None:
            text = f"The method made {count} iterations and keeps no record of them; only the joint methods do."
        return "convergence", "Convergence", f"<p>{text}</p>"
    steps = np.arange(1, history.size + 1)
    low, high = float(np.nanmin(history)), float(np.nanmax(history))
    log = low > 0 and high > 20 * low
    chart = Chart(
        (1, max(2, history.size)), (low * 0.8, high * 1.25) if log else (min(0.0, low), 1.05 * high), "iteration",
        "residual", "Residual after each iteration", y_log=log,
    )  # fmt: skip
    chart.level(1.0, "level of the noise")
    chart.line(steps, history, "residual", "after")
    if history.size <= 60:
        chart.points(steps, history)
    stopped = found.result.automatic.get("stopped")
    text = "The residual ‖y − A x‖ / (σ √N) after each iteration: at 1 the blurred result agrees with the image "
    text += "within the noise."
    text += f" It ended because: {stopped}." if stopped else ""
    return "convergence", "Convergence", f'<div class="charts">{_charted(chart, text)}</div>'


# --------------------------------------------------------------------------------------------- frames


def frames_section(found: Findings) -> Section:
    """Residual and noise of every frame of a sequence."""
    if not found.frames:
        return None
    rows = "".join(
        f'<tr><th scope="row">{html.escape(str(frame["index"]))}'
        f"{' (shown here)' if frame.get('shown') else ''}</th>"
        + "".join(
            f"<td class=n>{'' if frame.get(name) is None else number(frame[name])}</td>"
            for name in ("residual", "noise", "iterations", "seconds")
        )
        + "</tr>"
        for frame in found.frames
    )
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("frame", "residual", "noise", "iterations", "seconds")
    )
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    residuals = np.array([np.nan if f.get("residual") is None else f["residual"] for f in found.frames], float)
    chart = ""
    if np.isfinite(residuals).sum() > 1:
        drawn = Chart(
            (0, len(residuals) - 1), (0.0, 1.1 * max(1.0, float(np.nanmax(residuals)))), "frame number", "residual",
            "Residual of every frame",
        )  # fmt: skip
        drawn.level(1.0, "level of the noise")
        drawn.line(np.arange(len(residuals)), residuals, "residual", "after")
        drawn.points(np.arange(len(residuals)), residuals)
        text = "The residual of every frame; one that stands out was blurred otherwise, or moved."
        chart = f'<div class="charts">{_charted(drawn, text)}</div>'
    return "frames", "All frames", chart + table


# --------------------------------------------------------------------------------------------- repeat


def repeat_section(found: Findings) -> Section:
    """The command that repeats the run, its parameters, inputs, versions, and the recipe itself."""
    recipe = found.recipe
    text = json.dumps(recipe)
    uri = "data:application/json;base64," + base64.b64encode(text.encode()).decode("ascii")
    parts = [_commands(found), "<h3>Parameters</h3>", _parameters(found)]
    if found.metrics:
        parts += ["<h3>Against the reference</h3>", _metrics_table(found)]
    if recipe.get("inputs"):
        parts += ["<h3>Inputs</h3>", _inputs(recipe)]
    if recipe.get("versions"):
        pairs = [(name, str(version)) for name, version in recipe["versions"].items()]
        parts += ["<h3>Versions</h3>", _table(pairs)]
    parts.append(
        f'<h3>Recipe</h3><p>Everything that the run was made of (<a download="recipe.json" href="{uri}">save it as '
        f'recipe.json</a>):</p><pre tabindex="0" aria-label="Recipe">{html.escape(_shortened(recipe))}</pre>'
    )
    return "repeat", "How to repeat it", "".join(parts)


def _commands(found: Findings) -> str:
    parts = []
    if found.command:
        parts.append(f"<p>The run was:</p>{_command(found.command)}")
    if found.recipe.get("inputs"):
        suffix = "".join(Path(found.output or "output.nrrd").suffixes[-2:])
        recipe = f"{found.output}.recipe.json" if found.output else "recipe.json"
        parts.append("<p>To do exactly the same again, with the inputs checked by their content:</p>")
        parts.append(_command(["spatialdeconv", "repeat", recipe, f"again{suffix or '.nrrd'}"]))
        if not found.output:
            parts.append('<p class="soft">with the recipe below saved as recipe.json.</p>')
    else:
        parts.append(
            "<p>The run was on images in memory. To do exactly the same again, in Python, with the recipe below "
            "saved as recipe.json and the same image and its spacing:</p>"
        )
        parts.append(f'<pre class="command" tabindex="0">{html.escape(_python(found))}</pre>')
    return "".join(parts)


def _command(words: Sequence[str]) -> str:
    return f'<pre class="command" tabindex="0">{html.escape(shlex.join(words))}</pre>'


def _python(found: Findings) -> str:
    extra = [name for name, array in (("mask", found.mask), ("guide", found.guide)) if array is not None]
    extra = [
        name for name in extra if not (name == "guide" and found.result.parameters.get("method") == "self-keyed")
    ]
    extra += ["labels"] if found.field.key == "region" else []
    given = "".join(f", {name}={name}" for name in extra)
    return (
        "import json\nimport SpatialDeconvLib as sd\nfrom SpatialDeconvLib.kernelsets import field_from_dict\n"
        'recipe = json.load(open("recipe.json"))\n'
        'field = field_from_dict(recipe["kernel_set"])\n'
        f'result = sd.{found.operation}(image, field, spacing=spacing{given}, **recipe["parameters"])'
    )


def _parameters(found: Findings) -> str:
    automatic = found.result.automatic
    pairs = []
    for name, value in found.result.parameters.items():
        text = "default" if value is None else _plain_text(value)
        used = automatic.get(name)
        if name in automatic and used != value and used is not None:
            text += f" → {_plain_text(used)}"
        pairs.append((name, text))
    others = [name for name in automatic if name not in found.result.parameters and name != "channels"]
    pairs += [(name.replace("_", " "), _plain_text(automatic[name])) for name in others]
    selection = {n: v for n, v in found.recipe.get("selection", {}).items() if v}
    pairs += [(name.replace("_", " "), _plain_text(value)) for name, value in selection.items()]
    return '<p class="soft">After an arrow: what “auto” turned into.</p>' + _table(pairs)


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return number(float(value), 6)
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(_plain_text(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_plain_text(v)}" for k, v in value.items())
    return "none" if value is None else str(value)


def _table(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(text)}</td></tr>' for name, text in pairs
    )
    return f'<div class="wide"><table><tbody>{rows}</tbody></table></div>'


def _metrics_table(found: Findings) -> str:
    names = {"psnr": "PSNR (dB)", "ssim": "SSIM", "rmse": "RMSE"}
    head = "".join(f'<th scope="col">{text}</th>' for text in ("", *names.values()))
    rows = ""
    for when, values in found.metrics.items():
        cells = "".join(f"<td>{number(values[n], 5) if n in values else ''}</td>" for n in names)
        rows += f'<tr><th scope="row">{html.escape(when)}</th>{cells}</tr>'
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _inputs(recipe: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(role)}</th><td>{html.escape(str(entry["path"]))}</td>'
        f"<td><code>{html.escape(str(entry['sha256'])[:16])}…</code></td></tr>"
        for role, entry in recipe["inputs"].items()
    )
    head = '<thead><tr><th scope="col">role</th><th scope="col">file</th><th scope="col">SHA-256</th></tr></thead>'
    return f'<div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>'


def _shortened(recipe: Mapping[str, Any]) -> str:
    """The recipe as text, long lists of kernel values cut; the file to save has them all."""

    def short(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: short(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            flat = json.dumps(value)
            return (
                f"… {len(flat)} characters, in the saved file …"
                if len(flat) > 4000 and _numeric(value)
                else [short(v) for v in value]
            )
        return value

    return json.dumps(short(recipe), indent=2, ensure_ascii=False)


def _numeric(value: Any) -> bool:
    return all(_numeric(v) if isinstance(v, list | tuple) else isinstance(v, int | float) for v in value)
