"""What figures are made of: panels, each drawn into given axes, and how a figure is saved.

matplotlib is imported only here and in the figures, and only when one is asked for. Figures are made from
`matplotlib.figure.Figure` without pyplot: no backend is chosen, no window opened, no global state touched.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays.writing import atomically
from ...kernels.kernel import Kernel

DPI = 150
_TRUE, _BLURRED, _RESTORED = "#222222", "#d1762b", "#2262a8"
# The blend's colour, then those of joint methods.
_BLEND, *JOINT_COLOURS = "#b03a48", "#7a5195", "#3f9b73", "#8c6d31", "#4aa8cf", _RESTORED, "#777777"


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


def save(figure: Any, path: str | os.PathLike) -> Path:
    """Write a figure to a file, whole or not at all, with compact labels, and return the path.

    A PNG says in words what is on it, for those who do not see it and for tests: what was drawn, with its numbers.
    """
    path = Path(path)
    for ax in figure.axes:
        ax.title.set_fontsize(9)
        for axis in (ax.xaxis, ax.yaxis):
            axis.label.set_fontsize(8)
        ax.tick_params(labelsize=7, width=0.6, length=2.5)
        for spine in ax.spines.values():
            if spine.get_linewidth() <= 1:  # thicker ones are the frame of the enlarged square
                spine.set_linewidth(0.6)
    said = {"metadata": {"Description": words_on(figure)}} if path.suffix.lower() == ".png" else {}
    atomically(path, lambda temporary: figure.savefig(temporary, dpi=DPI, **said))
    return path


def words_on(figure: Any) -> str:
    """Return the words on a figure: of each panel its title, what its axes are, and what is written in it."""
    panels = []
    for ax in figure.axes:
        names = [ax.get_title(), ax.get_xlabel(), ax.get_ylabel(), *(text.get_text() for text in ax.texts)]
        legend = ax.get_legend()
        names += [text.get_text() for text in legend.get_texts()] if legend else []
        panels.append(", ".join(" ".join(name.split()) for name in names if name))
    return "; ".join(filter(None, panels))


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
        values = kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre_voxel[0]]
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
        unit = "voxels" if kernel.in_voxels else "mm"
        ax.set_facecolor("#000004" if "magma" in options["cmap"] else "white")
        ax.set_xlim(-reach, reach)
        ax.set_ylim(*((-reach, reach) if origin == "lower" else (reach, -reach)))
        ax.set_xlabel(unit)
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
            ax.set_ylabel(unit)


def draw_radial_profile(ax: Any, kernel: Kernel, log: bool = False) -> None:
    """Draw a kernel's weights against the distance from its centre: every weight, and the mean per ring."""
    values = kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre_voxel[0]]
    axes = zip(values.shape, kernel.centre[-2:], kernel.spacing[-2:], strict=True)
    grids = [(np.arange(n) - c) * s for n, c, s in axes]
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
    ax.set(xlabel="distance from the centre (mm)", ylabel="weight", title="Weights by distance, in all directions")
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


def draw_dark_errors(ax: Any, errors: Mapping[str, float]) -> None:
    """Draw the error of each method where the image is dark, in % of the true value, as a bar with its value."""
    names, values = list(errors), np.array(list(errors.values()), dtype=float)
    colours = [_RESTORED if value == values.min() else "#9fb8d3" for value in values]
    ax.barh(names, values, color=colours, height=0.7)
    for row, value in enumerate(values):
        ax.text(value + 0.02 * values.max(), row, f"{value:.0f}", va="center", fontsize=7)
    ax.set_xlim(0, 1.2 * values.max())
    ax.set_ylim(len(values) - 0.4, -1.2)
    ax.set(xlabel="% of the true value (rms)", title="Error where it is dark")
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


def _colours(count: int) -> list[Any]:
    import matplotlib

    return [matplotlib.colormaps["viridis"](0.95 * n / max(1, count - 1)) for n in range(count)]
