"""Figures of kernels and of results, drawn with matplotlib, which is imported only here and only when asked.

The figures are made from `matplotlib.figure.Figure` without pyplot: no backend is chosen, no window opened, no
global state touched. The `draw_*` functions draw one panel each into given axes, for figures of other shapes.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ..errors import InputError
from ..kernels.kernel import Kernel
from ..writing import atomically

DPI = 150
_TRUE, _BLURRED, _RESTORED = "#222222", "#d1762b", "#2262a8"
# The blend's colour, then those of joint methods.
_BLEND, *_JOINT = "#b03a48", "#7a5195", "#3f9b73", "#8c6d31", "#4aa8cf", _RESTORED, "#777777"


def require_matplotlib() -> Any:
    """Return the matplotlib module.

    Raises
    ------
    ImportError
        If it is not installed; the message says how to install it.
    """
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(
            "figures need matplotlib, which is not installed; run: pip install spatialdeconv[figure] "
            "(inside Slicer: slicer.util.pip_install('matplotlib'))"
        ) from error
    return matplotlib


def kernels_figure(
    path: str | os.PathLike, kernels: Sequence[Kernel], labels: Sequence[str] | None = None, log: bool = False
) -> Path:
    """Draw kernels side by side, on one scale of mm, as a PNG (or another format matplotlib writes).

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    kernels : sequence of Kernel
        3-D kernels show their middle slice.
    labels : sequence of str, optional
        One title per kernel; default their names.
    log : bool
        Colours by the logarithm of the weight.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        Without kernels, or with another number of labels.
    """
    if not kernels:
        raise InputError("kernels: an empty list; give at least one kernel to draw")
    labels = [k.name for k in kernels] if labels is None else list(labels)
    if len(labels) != len(kernels):
        raise InputError(f"labels: {len(labels)} for {len(kernels)} kernels; give one each")
    matplotlib = require_matplotlib()
    columns = min(len(kernels), 5)
    rows = -(-len(kernels) // columns)
    figure = matplotlib.figure.Figure((1.0 + 1.9 * columns, (2.5 + 0.5 * log) * rows), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[len(kernels) :]:
        spare.set_axis_off()
    draw_kernels(axes[: len(kernels)], kernels, labels, log=log)
    return save(figure, path)


def demo_figure(
    path: str | os.PathLike,
    *,
    truth: np.ndarray,
    blurred: np.ndarray,
    restored: np.ndarray,
    spacing: Sequence[float],
    kernels: Sequence[tuple[str, Kernel]],
    title: str = "",
    restored_name: str = "restored",
    weights: tuple[np.ndarray, np.ndarray] | None = None,
    scores: Mapping[str, float] | None = None,
    blurred_score: float | None = None,
    unit: str = "intensity",
    log: bool = False,
    slice_index: int | None = None,
    origin: str = "upper",
    zoom_mm: float | None = None,
    focus: Sequence[int] | None = None,
) -> Path:
    """Draw truth, blurred image, restored image and errors, with kernels, weights, a profile and scores.

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    truth, blurred, restored : arrays, shape (k, j, i) or (j, i)
    spacing : voxel size in mm, same order
    kernels : sequence of (label, Kernel)
        Several are drawn as a strip of pictures on one mm scale, a single one as picture and radial profile.
    title, restored_name : str
    weights : (values, weights), optional
        Weights, shape (K, n), at n image values: drawn over the histogram of the blurred image.
    scores : mapping of method to PSNR in dB, optional
        Drawn as bars, beside `blurred_score`.
    unit : str
        Of the image values.
    log : bool
        Logarithmic colours and axes, and errors relative to the truth: for images that span decades.
    slice_index : int, optional
        Slice to show; default the middle one.
    origin : {"upper", "lower"}
        Where row j = 0 is shown.
    zoom_mm : float, optional
        Side of the enlarged square; default a quarter of the smaller side.
    focus : (j, i), optional
        Voxel in the middle of the enlarged square, through which the profile runs; default where the blur
        does most harm.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        If the shapes differ.
    """
    matplotlib = require_matplotlib()
    view = _View.of(truth, blurred, restored, spacing, slice_index, zoom_mm, focus, log)
    several = len(kernels) > 1
    figure = matplotlib.figure.Figure((12.5, 10.4 if several else 8.9), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, rect=(0.004, 0.012, 0.992, 0.982))
    if title:
        figure.suptitle(title, fontsize=11)
    heights = (4.9, 1.75, 3.0) if several else (5.2, 3.0)
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, hspace=0.02)
    _draw_images(parts[0], view, restored_name, unit, origin)
    if several:
        strip = parts[1].subplots(1, len(kernels))
        draw_kernels(strip, [k for _, k in kernels], [label for label, _ in kernels], origin=origin)
        panels = list(parts[2].subplots(1, 3, width_ratios=(1.15, 1.15, 1.0)))
    else:
        panels = list(parts[1].subplots(1, 5, width_ratios=(0.9, 1, 1, 1.15, 0.95)))
        label, kernel = kernels[0]
        draw_kernels(panels[:1], [kernel], [label], log=log, origin=origin)
        draw_radial_profile(panels[1], kernel, log=log)
        panels = panels[2:]
    draw_histogram(panels[0], np.asarray(blurred), weights=weights, unit=unit, log=log)
    draw_profile(panels[1], *view.profile(restored_name), unit=unit, log=log)
    if scores:
        draw_scores(panels[2], scores, blurred_score)
    else:
        panels[2].remove()
    return save(figure, path)


def joint_figure(
    path: str | os.PathLike,
    *,
    truth: np.ndarray,
    blurred: np.ndarray,
    restored: Mapping[str, np.ndarray],
    spacing: Sequence[float],
    edges: np.ndarray,
    distances: Sequence[str],
    curves: Mapping[str, Mapping[str, Sequence[float | None]]],
    scores: Mapping[str, float],
    blurred_score: float,
    title: str = "",
    unit: str = "intensity",
    log: bool = False,
    slice_index: int | None = None,
    origin: str = "upper",
    zoom_mm: float | None = None,
    focus: Sequence[int] | None = None,
) -> Path:
    """Draw restorations side by side where edges are: images, errors, a profile, errors by distance, scores.

    Parameters
    ----------
    path, truth, blurred, spacing, title, unit, log, slice_index, origin, zoom_mm, focus, scores, blurred_score
        See `demo_figure`; only the enlarged square is drawn of the restorations.
    restored : mapping of name to array
        One to three restorations; the best blend first.
    edges : ndarray of bool, shape of the image
        Where edges are, drawn over the true image.
    distances : sequence of str
        The classes of distance from an edge.
    curves : mapping of title to (mapping of name to sequence of float)
        Panels of errors by class of distance, one line each; None where a class has no voxel.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        If the shapes differ, or without restorations.
    """
    if not restored:
        raise InputError("restored: an empty mapping; give at least one restoration to draw")
    matplotlib = require_matplotlib()
    views = {
        name: _View.of(truth, blurred, image, spacing, slice_index, zoom_mm, focus, log)
        for name, image in restored.items()
    }
    if np.shape(edges) != np.shape(truth):
        raise InputError(f"edges: shape {np.shape(edges)} is not the image's {np.shape(truth)}; give one grid")
    if np.ndim(truth) == 3:
        edges = edges[np.shape(truth)[0] // 2 if slice_index is None else slice_index]
    figure = matplotlib.figure.Figure((12.5, 11.8), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, rect=(0.004, 0.008, 0.992, 0.986))
    if title:
        figure.suptitle(title, fontsize=11)
    parts = figure.subfigures(3, 1, height_ratios=(5.3, 3.0, 3.0), hspace=0.02)
    _draw_restorations(parts[0], views, edges, unit, origin)
    upper = parts[1].subplots(1, 2, width_ratios=(1.0, 1.25))
    draw_scores(upper[0], scores, blurred_score)
    first = next(iter(views.values()))
    position, lines = first.profile("restored")
    lines = {"true": lines["true"], "blurred": lines["blurred"]}
    lines |= {name: view.profile(name)[1][name] for name, view in views.items()}
    names = dict.fromkeys(name for rows in curves.values() for name in rows if name.startswith("joint"))
    colours = dict(zip(names, itertools.cycle(_JOINT)))
    draw_profile(upper[1], position, lines, unit=unit, log=log, colours=colours)
    for ax, (name, rows) in zip(parts[2].subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        draw_distances(ax, distances, rows, colours, title=name, unit=unit, log=log)
    return save(figure, path)


def save(figure: Any, path: str | os.PathLike) -> Path:
    """Write a figure to a file, whole or not at all, with compact labels, and return the path."""
    path = Path(path)
    for ax in figure.axes:
        ax.title.set_fontsize(9)
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set_fontsize(8)
        ax.tick_params(labelsize=7, width=0.6, length=2.5)
        for spine in ax.spines.values():
            if spine.get_linewidth() <= 1:  # thicker ones are the frame of the enlarged square
                spine.set_linewidth(0.6)
    atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI))
    return path


# --------------------------------------------------------------------------------------------- panels


def draw_image(
    ax: Any,
    image: np.ndarray,
    spacing: Sequence[float],
    *,
    title: str = "",
    origin: str = "upper",
    corner_mm: Sequence[float] = (0.0, 0.0),
    **options: Any,
) -> Any:
    """Draw a 2-D image (j, i) in mm, in its true aspect, and return the artist (for a colour bar).

    `corner_mm` is the position (j, i) of the image's first edge; `options` go to ``Axes.imshow``.
    """
    (rows, columns), (dj, di) = image.shape, spacing
    top, left = corner_mm
    vertical = (top + rows * dj, top) if origin == "upper" else (top, top + rows * dj)
    artist = ax.imshow(
        image, origin=origin, extent=(left, left + columns * di, *vertical), interpolation="nearest", **options
    )
    ax.set_title(title)
    ax.tick_params(length=2, labelsize=7)
    return artist


def draw_kernels(
    axes: Sequence[Any], kernels: Sequence[Kernel], labels: Sequence[str], log: bool = False, origin: str = "upper"
) -> None:
    """Draw one kernel in each of the axes, all on the same scale of mm; each has its own colour scale.

    `origin` is that of the image beside them: drawn the other way up, a kernel would be its mirror image.
    """
    reach = max(max(n * s for n, s in zip(k.shape[-2:], k.spacing[-2:], strict=True)) for k in kernels) / 2
    for ax, kernel, label in zip(axes, kernels, labels, strict=True):
        values = kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre[0]]
        dj, di = kernel.spacing[-2:]
        cj, ci = kernel.centre[-2:]
        options: dict[str, Any] = {"cmap": "magma"}
        if log:
            values = np.log10(np.clip(values, values.max() * 1e-12, None) / values.max())
        elif values.min() < 0:
            peak = float(np.abs(values).max())
            options = {"cmap": "RdBu_r", "vmin": -peak, "vmax": peak}
        else:
            options["vmin"] = 0.0
        artist = draw_image(
            ax, values, (dj, di), title=label, origin=origin,
            corner_mm=(-(cj + 0.5) * dj, -(ci + 0.5) * di), **options,
        )  # fmt: skip
        ax.set_facecolor("#000004" if "magma" in options["cmap"] else "white")
        ax.set_xlim(-reach, reach)
        ax.set_ylim(*((-reach, reach) if origin == "lower" else (reach, -reach)))
        ax.set_xlabel("mm")
        tick = float(f"{0.75 * reach:.1g}")
        ax.set_xticks([-tick, 0, tick])
        ax.set_yticks([-tick, 0, tick])
        place = ax.get_subplotspec()
        if place is not None and not place.is_first_col() and not log:
            ax.set_yticklabels([])
        if log:
            bar = ax.figure.colorbar(artist, ax=ax, location="bottom", shrink=0.9, aspect=25)
            bar.set_label("log10 (weight / peak)")
            ax.set_xlabel("")
            ax.set_ylabel("mm")


def draw_radial_profile(ax: Any, kernel: Kernel, log: bool = False) -> None:
    """Draw a kernel's weights against the distance from its centre: every weight, and the mean per ring."""
    values = kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre[0]]
    grids = [(np.arange(n) - n // 2) * s for n, s in zip(values.shape, kernel.spacing[-2:], strict=True)]
    radius = np.hypot(*np.meshgrid(*grids, indexing="ij"))
    step = max(kernel.spacing[-2:])
    ring = np.rint(radius / step).astype(int).ravel()
    mean = np.bincount(ring, values.ravel()) / np.bincount(ring)
    shown = np.linspace(0, values.size - 1, min(values.size, 8000)).astype(int)  # of all weights, evenly
    order = np.argsort(radius, axis=None)[shown]
    ax.plot(
        radius.ravel()[order], values.ravel()[order], ".", ms=1, color="#9fb8d3", label="weights", rasterized=True
    )
    ax.plot(np.arange(mean.size) * step, mean, color=_RESTORED, lw=1.2, label="mean of a ring")
    if log:
        ax.set_yscale("log")
    ax.set(xlabel="distance from the centre (mm)", ylabel="weight", title="Kernel by distance")
    ax.set_xlim(0, None)
    ax.legend(frameon=False, fontsize=7, markerscale=6)
    ax.spines[["top", "right"]].set_visible(False)


def draw_histogram(
    ax: Any,
    image: np.ndarray,
    *,
    weights: tuple[np.ndarray, np.ndarray] | None = None,
    unit: str = "intensity",
    log: bool = False,
) -> None:
    """Draw the histogram of an image; with `weights`, the weight of each kernel by intensity over it."""
    values = image[np.isfinite(image)].ravel()
    low, high = np.quantile(values, [0.0, 1.0]) if weights is None else (weights[0][0], weights[0][-1])
    if log:
        values = values[values > 0]
        bins = np.geomspace(values.min(), values.max(), 120)
    else:
        bins = np.linspace(low, high, 120)
    counts, edges = np.histogram(values, bins)
    ax.stairs(counts, edges, fill=True, color="#c9c9c9")
    ax.set_yscale("log")
    if log:
        ax.set_xscale("log")
    ax.set(xlabel=unit, ylabel="voxels per bin", title="Histogram of the blurred image")
    ax.margins(x=0)
    if weights is None:
        ax.spines[["top", "right"]].set_visible(False)
        return
    ax.set_title("Histogram of the blurred image, weights of the kernels")
    over = ax.twinx()
    for colour, row in zip(_colours(len(weights[1])), weights[1], strict=True):
        over.plot(weights[0], row, color=colour, lw=1.3)
    over.set(ylim=(0, 1.05), ylabel="weight")
    for side in (ax, over):
        side.spines["top"].set_visible(False)


def draw_profile(
    ax: Any,
    position: np.ndarray,
    lines: Mapping[str, np.ndarray],
    *,
    unit: str = "intensity",
    log: bool = False,
    colours: Mapping[str, Any] | None = None,
) -> None:
    """Draw line profiles over a position in mm; the first two are truth and blurred, the others are restored.

    `colours` gives those of joint methods, among which others are blends.
    """
    given = dict.fromkeys(lines, _RESTORED if colours is None else _BLEND) | dict(colours or {})
    for (name, values), colour in itertools.zip_longest(lines.items(), (_TRUE, _BLURRED)):
        width = 1.6 if colour == _TRUE else 1.1
        ax.plot(position, values, color=colour or given[name], lw=width, label=name)
    low, high = (float(f([f(v) for v in list(lines.values())[:2]])) for f in (np.min, np.max))
    if log:
        ax.set_yscale("log", nonpositive="mask")
        low, high = max(low, high * 1e-6) / 2, high * (high / low) ** 0.25
    else:  # room for what overshoots, and for the legend
        low, high = low - 0.1 * (high - low), high + 0.3 * (high - low)
    ax.set_ylim(low, high if high > low else low + 1.0)
    ax.set(xlabel="position along the line (mm)", ylabel=unit, title="Profile along the dashed line")
    ax.margins(x=0)
    ax.legend(frameon=False, ncols=len(lines), fontsize=7, loc="upper center", columnspacing=1.0, handlelength=1.4)
    ax.spines[["top", "right"]].set_visible(False)


def draw_scores(ax: Any, scores: Mapping[str, float], baseline: float | None = None) -> None:
    """Draw the PSNR of each method as a bar with its value; bars start at the baseline, the blurred image."""
    names, values = list(scores), np.array(list(scores.values()), dtype=float)
    start = 0.0 if baseline is None else baseline
    colours = [_RESTORED if value == values.max() else "#9fb8d3" for value in values]
    ax.barh(names, values - start, left=start, color=colours, height=0.7)
    low, high = (float(f(np.append(values, start))) for f in (np.min, np.max))
    room = max(high - low, 0.5)
    ax.set_xlim(low - (0.7 if low < start else 0.1) * room, high + 0.7 * room)
    for row, value in enumerate(values):
        gain = "" if baseline is None else f" ({value - baseline:+.2f})"
        side = 1 if value >= start else -1
        ax.text(
            value + side * 0.02 * room, row, f"{value:.2f}{gain}", va="center", ha="left" if side > 0 else "right",
            fontsize=7,
        )  # fmt: skip
    if baseline is not None:
        ax.plot([baseline, baseline], [-0.5, len(values) - 0.5], color=_BLURRED, lw=1.3)
        side = "center" if low < start else "left"
        ax.text(baseline, -0.6, f"blurred {baseline:.2f}", color=_BLURRED, fontsize=7, ha=side, va="bottom")
    ax.set_ylim(len(values) - 0.4, -1.2)
    ax.set(xlabel="PSNR (dB)", title="All methods" if baseline is None else "All methods (gain)")
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def draw_distances(
    ax: Any,
    distances: Sequence[str],
    rows: Mapping[str, Sequence[float | None]],
    colours: Mapping[str, Any],
    *,
    title: str = "",
    unit: str = "intensity",
    log: bool = False,
) -> None:
    """Draw errors by class of distance from an edge, a line per method.

    Methods in `colours` are drawn in them, others dashed (blends) or, in brackets, dotted (the blurred image).
    """
    at = np.arange(len(distances))
    for name, values in rows.items():
        style = {"color": colours[name], "marker": "o"} if name in colours else {"color": _BLEND, "ls": "--"}
        if name.startswith("("):
            style = {"color": _BLURRED, "ls": ":"}
        ax.plot(at, np.array(values, dtype=float), lw=1.4, ms=3.5, label=name, **style)
    ax.set_xticks(at, distances)
    if log:
        ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(*((low, high * (high / low) ** 0.4) if log else (0, 1.4 * high)))  # room for the legend
    ax.set(xlabel="distance from the nearest edge", ylabel=f"RMSE ({unit})", title=f"Error by distance: {title}")
    ax.legend(frameon=False, fontsize=7, ncols=2, loc="upper right", columnspacing=1.0)
    ax.spines[["top", "right"]].set_visible(False)


# ------------------------------------------------------------------------------------------ the demo's view


class _View:
    """The slice, the enlarged square and the profile line of a comparison, chosen where the edges are."""

    def __init__(self, truth, blurred, restored, spacing, corner, size, line, log):
        self.truth, self.blurred, self.restored = truth, blurred, restored
        self.spacing, self.corner, self.size, self.line, self.log = spacing, corner, size, line, log

    @classmethod
    def of(cls, truth, blurred, restored, spacing, slice_index, zoom_mm, focus, log) -> _View:
        arrays = [np.asarray(a) for a in (truth, blurred, restored)]
        if len({a.shape for a in arrays}) > 1:
            raise InputError(f"truth, blurred, restored: shapes {[a.shape for a in arrays]} differ; give one grid")
        if arrays[0].ndim == 3:
            k = arrays[0].shape[0] // 2 if slice_index is None else slice_index
            arrays = [a[k] for a in arrays]
        truth, blurred, restored = (a.astype(np.float64) for a in arrays)
        spacing = tuple(float(s) for s in spacing)[-2:]
        extent = [n * s for n, s in zip(truth.shape, spacing, strict=True)]
        zoom_mm = min(extent) / 4 if zoom_mm is None else min(zoom_mm, *extent)
        size = tuple(max(4, min(n, round(zoom_mm / s))) for n, s in zip(truth.shape, spacing, strict=True))
        if focus is None:
            corner = _busiest(_levels(blurred, log) - _levels(truth, log), size)
        else:
            corner = [f - n // 2 for f, n in zip(focus, size, strict=True)]
            corner = tuple(int(np.clip(c, 0, m - n)) for c, n, m in zip(corner, size, truth.shape, strict=True))
        line = corner[0] + size[0] // 2
        return cls(truth, blurred, restored, spacing, corner, size, line, log)

    @property
    def box(self) -> tuple[slice, slice]:
        return tuple(slice(c, c + n) for c, n in zip(self.corner, self.size, strict=True))

    def error(self, image: np.ndarray) -> np.ndarray:
        """Image minus truth; in per cent of the truth where values span decades."""
        error = image - self.truth
        return 100.0 * error / np.maximum(self.truth, 1e-12) if self.log else error

    def profile(self, restored_name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Position in mm and the three lines through the enlarged square, over twice its width."""
        n, width = self.truth.shape[1], self.size[1]
        start = max(0, min(self.corner[1] - width // 2, n - 2 * width))
        part = slice(start, min(n, start + 2 * width))
        position = (np.arange(n)[part] + 0.5) * self.spacing[1]
        images = {"true": self.truth, "blurred": self.blurred, restored_name: self.restored}
        return position, {name: image[self.line, part] for name, image in images.items()}

    def span_mm(self) -> tuple[float, float, float]:
        """Row of the profile line, its first and last position, in mm."""
        position, _ = self.profile("restored")
        return (self.line + 0.5) * self.spacing[0], float(position[0]), float(position[-1])


def _levels(image: np.ndarray, log: bool) -> np.ndarray:
    return np.log(np.maximum(image, 1e-12)) if log else image


def _busiest(error: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """First corner of the window with the largest mean squared error, away from the image's border."""
    score = ndimage.uniform_filter(error**2, size, mode="nearest")
    margin = [min(n - s, s) // 2 for n, s in zip(error.shape, size, strict=True)]
    starts = []
    inner = tuple(
        slice(s // 2 + m, max(s // 2 + m + 1, n - (s - s // 2) - m + 1))
        for n, s, m in zip(error.shape, size, margin, strict=True)
    )
    index = np.unravel_index(int(np.argmax(score[inner])), score[inner].shape)
    for at, part, s, n in zip(index, inner, size, error.shape, strict=True):
        starts.append(int(np.clip(at + part.start - s // 2, 0, n - s)))
    return tuple(starts)


def _draw_images(part: Any, view: _View, restored_name: str, unit: str, origin: str) -> None:
    """Two rows: the slice and the enlarged square, of the three images and the two errors."""
    from matplotlib.patches import Rectangle

    axes = part.subplots(2, 5)
    shown, errors = _image_options(view)
    before, after = view.error(view.blurred), view.error(view.restored)
    columns = (
        ("True image", view.truth, shown),
        ("Blurred, with noise", view.blurred, shown),
        (f"Restored: {restored_name}", view.restored, shown),
        ("Error of the blurred image", before, errors),
        ("Error of the restored image", after, errors),
    )
    (top, left), (rows, width) = view.corner, view.size
    dj, di = view.spacing
    row_mm, first_mm, last_mm = view.span_mm()
    artists = []
    for n, (name, image, options) in enumerate(columns):
        artists.append(draw_image(axes[0, n], image, view.spacing, title=name, origin=origin, **options))
        frame = Rectangle((left * di, top * dj), width * di, rows * dj, fill=False, ec="#e8b800", lw=1.2)
        axes[0, n].add_patch(frame)
        corner = (top * dj, left * di)
        draw_image(axes[1, n], image[view.box], view.spacing, origin=origin, corner_mm=corner, **options)
        for spine in axes[1, n].spines.values():
            spine.set(color="#e8b800", linewidth=1.5)
        for ax in axes[:, n]:
            if n:
                ax.set_yticklabels([])
        axes[1, n].set_xlabel("mm")
    for ax in axes[:, 0]:
        ax.plot([first_mm, last_mm], [row_mm, row_mm], "--", color="#e8b800", lw=0.9, scalex=False, scaley=False)
        ax.set_ylabel("mm")
    part.colorbar(artists[0], ax=list(axes[:, 2]), location="right", aspect=40, pad=0.02).set_label(unit)
    bar = part.colorbar(artists[3], ax=list(axes[:, 4]), location="right", aspect=40, pad=0.02, extend="both")
    bar.set_label("error (% of the true value)" if view.log else f"error ({unit})")


def _draw_restorations(part: Any, views: Mapping[str, _View], edges: np.ndarray, unit: str, origin: str) -> None:
    """Two rows: the enlarged square of all images; the whole slice with its edges, and the errors of the square."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    view = next(iter(views.values()))
    shown, errors = _image_options(view)
    images = {"True image, enlarged": view.truth, "Blurred, with noise": view.blurred}
    images |= {f"Restored: {name}": one.restored for name, one in views.items()}
    axes = part.subplots(2, len(images))
    (top, left), (rows, width) = view.corner, view.size
    dj, di = view.spacing
    enlarged: dict[str, Any] = {"origin": origin, "corner_mm": (top * dj, left * di)}
    for n, (name, image) in enumerate(images.items()):
        artist = draw_image(axes[0, n], image[view.box], view.spacing, title=name, **enlarged, **shown)
        if n:
            error = view.error(image)[view.box]
            label = "Error of the blurred image" if n == 1 else f"Error: {name.removeprefix('Restored: ')}"
            last = draw_image(axes[1, n], error, view.spacing, title=label, **enlarged, **errors)
            axes[0, n].set_yticklabels([])
            axes[1, n].set_yticklabels([])
        axes[1, n].set_xlabel("mm")
    row_mm, first_mm, last_mm = view.span_mm()
    whole = axes[1, 0]
    draw_image(whole, view.truth, view.spacing, origin=origin, **shown)
    over = {"cmap": ListedColormap(["#e0457b"]), "alpha": 0.8, "title": "Edges (red), enlarged part"}
    draw_image(whole, np.ma.masked_equal(edges.astype(float), 0), view.spacing, origin=origin, **over)
    whole.add_patch(Rectangle((left * di, top * dj), width * di, rows * dj, fill=False, ec="#e8b800", lw=1.2))
    for ax in (whole, axes[0, 0]):
        ax.plot([first_mm, last_mm], [row_mm, row_mm], "--", color="#e8b800", lw=0.9, scalex=False, scaley=False)
        ax.set_ylabel("mm")
    part.colorbar(artist, ax=list(axes[0]), location="right", aspect=30, pad=0.01).set_label(unit)
    bar = part.colorbar(last, ax=list(axes[1]), location="right", aspect=30, pad=0.01, extend="both")
    bar.set_label("error (% of the true value)" if view.log else f"error ({unit})")


def _image_options(view: _View) -> tuple[dict[str, Any], dict[str, Any]]:
    """How images are coloured, and how errors are."""
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm, Normalize

    low, high = (float(v) for v in (view.truth.min(), view.truth.max()))
    scale = LogNorm(max(low, high * 1e-4), high) if view.log else Normalize(low, high)
    limit = float(np.quantile(np.abs(view.error(view.blurred)), 0.99)) or 1.0
    if view.log:
        limit = min(limit, 50.0)
    # Values of zero and below have no logarithm; they are darker than everything shown.
    shown = {"norm": scale, "cmap": colormaps["gray"].with_extremes(bad="black")}
    return shown, {"norm": Normalize(-limit, limit), "cmap": "RdBu_r"}


def _colours(count: int) -> list[Any]:
    import matplotlib

    return [matplotlib.colormaps["viridis"](0.95 * n / max(1, count - 1)) for n in range(count)]
