"""Kernels: as pictures, by frequency, and where each of them is used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...kernels.described import size_text
from ...kernels.kernel import Kernel
from ...methods import registry as methods
from ...run.filtering import NONE
from .. import numbers
from ..charts import Chart, chart_row, charted
from ..findings import Findings
from ..formatting import number, power_of_ten
from ..layout import captioned
from ..pictures import LARGEST_PICTURE, as_shown, captioned_plane, flips_of, framed, letters_of, slice_name
from ..pixels import diverging_pixels, reduced, sequential_pixels, shares_picture
from ..tags import Markup, joined, tag
from .section import Section

_LOG_DECADES = 6.0
_LEGEND_MOST = 12


def kernels_section(found: Findings) -> Section | None:
    """All kernels as pictures, their transfer functions, and where each of them is used."""
    kernels = [found.job.bound.kernel(k) for k in range(len(found.field.kernels))]
    log = any(_wants_log(kernel) for kernel in kernels)
    reach = _shown_reach(kernels)
    figures = [_kernel_figure(found, n, kernel, reach, log) for n, kernel in enumerate(kernels)]
    text = "Every kernel on the grid of the image, all at the same scale: the blur of a point, with its root mean "
    text += "square width along i, j, k (for a Gaussian that is sigma) and the share of the image it is used for."
    if log:
        text += f" Colours are logarithmic, from {power_of_ten(-int(_LOG_DECADES))} of the peak to the peak."
    several = len(kernels) > 1
    content = joined(
        tag("p", text),
        tag("div", *figures, class_="kernels"),
        chart_row(_use_chart(found) if several else None, _transfer_chart(found, kernels)),
        _use_map(found) if several else None,
    )
    return Section("kernels", "Kernels", content)


def kernel_label(found: Findings, n: int) -> str:
    """What a kernel belongs to, in words."""
    at = found.field.at[n]
    if found.field.key == "uniform":
        return "everywhere"
    if found.field.key == "position":
        return "at (" + ", ".join(f"{v:g}" for v in at) + ") mm"
    if found.field.key == "weights":
        return Path(at).name if isinstance(at, str) else f"weights {n + 1}"
    what = {"intensity": "level", "region": "region"}[found.field.key]
    return f"{what} {at}" if isinstance(at, str) else f"{what} {at:g}"


def _middle(kernel: Kernel) -> np.ndarray:
    return kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre_voxel[0]]


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


def _kernel_figure(found: Findings, n: int, kernel: Kernel, reach: float, log: bool) -> Markup:
    """A kernel in one or two planes, with what there is to say about it."""
    label = kernel_label(found, n)
    views = [
        _kernel_view(
            _middle(kernel), kernel.spacing[-2:], reach, log, f"Kernel {label}, in the plane of the slices"
        )
    ]
    if kernel.ndim == 3 and kernel.shape[0] > 1:
        across = kernel.values[:, kernel.centre_voxel[1]]
        alt = f"Kernel {label}, across the slices"
        views.append(_kernel_view(across, (kernel.spacing[0], kernel.spacing[2]), reach, log, alt))
    lines = [tag("b", _swatch(found.colours[n]), label), *_kernel_facts(found, n, kernel)]
    caption = [text for line in lines for text in (tag("br"), line)][1:]
    return captioned(tag("div", *views, class_="views"), *caption)


def _swatch(colour: str) -> Markup:
    return tag("span", class_="swatch", style=f"background:{colour}")


def _kernel_facts(found: Findings, n: int, kernel: Kernel) -> list[str]:
    """Name, size, width, share of the image and constant of a kernel, in words."""
    given = found.field.kernels[n]
    shape = size_text(given, kernel, lambda shape: " × ".join(str(v) for v in shape[::-1]))
    size = " × ".join(number(v * h, 3) for v, h in zip(kernel.shape[::-1], kernel.spacing[::-1], strict=True))
    name = getattr(given, "name", "") or kernel.name
    facts = [name] if name else []
    facts += [shape, f"{size} mm"]
    width = numbers.widths(kernel)
    if width:
        texts = [number(w, 3) for w in width[::-1]]
        facts.append("width " + (texts[0] if len(set(texts)) == 1 else ", ".join(texts)) + " mm")
    if len(found.shares) > 1:
        share = 100 * found.shares[n]
        facts.append(f"{number(share, 3)} % of the image" if share >= 0.01 or not share else "below 0.01 % of it")
    return facts + _filter_facts(found, n)


def _filter_facts(found: Findings, n: int) -> list[str]:
    """What a kernel of a blend was filtered with, where the run chose that."""
    method, facts = found.run.method, []
    chosen, iterations, constant = (
        _of_kernel(found, n, f"{what}_of_each_kernel") for what in ("method", "iterations", "constant")
    )
    if chosen == NONE:
        return ["left as it is: no filter did better"]
    if chosen is not None:
        method = methods.method("blend", chosen)
        facts.append(method.in_prose)
    if iterations is not None:
        facts.append(f"{iterations} iterations")
    if constant is not None:
        name = "noise taken" if method is not None and method.tuned == "noise" else "constant"
        facts.append(f"{name} {number(constant, 3)}")
    return facts


def _of_kernel(found: Findings, n: int, name: str) -> Any:
    """An entry of a list in `Result.automatic` that has one for each kernel."""
    values = found.result.automatic.get(name)
    return values[n] if values and len(values) == len(found.field.kernels) else None


def _kernel_view(plane: np.ndarray, spacing: Sequence[float], reach: float, log: bool, alt: str) -> Markup:
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


def _transfer_chart(found: Findings, kernels: Sequence[Kernel]) -> Markup:
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
    return charted(chart, text)


def _use_chart(found: Findings) -> Markup:
    return _weights_chart(found) if found.field.key == "intensity" else _shares_chart(found)


def _weights_chart(found: Findings) -> Markup:
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
    return charted(chart, text)


def _bins(low: float, high: float, dtype: np.dtype, values: np.ndarray) -> np.ndarray:
    """Edges of about 120 bins; of whole numbers, each bin holds as many of them."""
    whole = dtype.kind in "iu" or bool(np.all(values[:10_000] == np.rint(values[:10_000])))
    if not whole or high - low < 1:
        return np.linspace(low, high if high > low else low + 1, 121)
    step = math.ceil((high - low) / 120)
    return np.arange(math.floor(low), math.ceil(high) + step + 1, step) - 0.5


def _shares_chart(found: Findings) -> Markup:
    count = len(found.shares)
    step = -(-count // 12)
    names = [(n, kernel_label(found, n).split(" ", 1)[-1][:14]) for n in range(0, count, step)]
    chart = Chart(
        (-0.5, count - 0.5), (0.0, 105 * max(found.shares)), f"kernel, by {found.field.key}", "% of the image",
        "Share of the image that each kernel is used for", x_names=names,
    )  # fmt: skip
    chart.bars(range(count), [100 * share for share in found.shares], found.colours)
    return charted(chart, "The mean weight of each kernel over the image: how much of it the kernel is used for.")


def _use_map(found: Findings) -> Markup:
    """Which kernel is used where, in the slice that changed most."""
    k, count = found.slices[0], len(found.field.kernels)
    if found.field.key == "intensity":
        guide = found.filled if found.guide is None else found.guide
        shares = numbers.weights_of(found.field, guide[k])
    else:
        bound = found.job.bound
        single = len(bound.shape) == 2
        shares = np.stack([bound.weight(n) if single else bound.weight(n)[k] for n in range(len(bound))])
    turned = np.stack([as_shown(found, plane, 0)[0] for plane in shares[:count]])
    small = np.stack([reduced(plane, LARGEST_PICTURE)[0] for plane in turned])
    where = slice_name(found, k)
    pixels = shares_picture(small)
    picture = framed(pixels, turned.shape[1:], found.spacing[1:], f"Which kernel is used where in {where}",
                     letters=letters_of(found, 0, flips_of(found, 0)))  # fmt: skip
    items = (tag("li", _swatch(colour), kernel_label(found, n)) for n, colour in enumerate(found.colours))
    before = captioned_plane(found, found.before[k], "before", 1.0, 0, f"Before, {where}", "The same slice before")
    text = f"Which kernel is used where in {where}: the kernels’ colours, mixed by their weights"
    text += "; black where the image stays as it is." if len(shares) > count else "."
    used = tag("figure", picture, tag("figcaption", text), tag("ul", *items, class_="legend"))
    return joined(tag("h3", "Where the kernels are used"), tag("div", used, before, class_="row two"))
