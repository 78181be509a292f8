"""Figures of restorations beside the truth: of one with its kernels, or of several where edges are."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ...errors import InputError
from ...kernels.kernel import Kernel
from .panels import (
    JOINT_COLOURS,
    draw_dark_errors,
    draw_distances,
    draw_histogram,
    draw_image,
    draw_kernels,
    draw_profile,
    draw_radial_profile,
    draw_scores,
    require_matplotlib,
    save,
)


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
    dark: Mapping[str, float] | None = None,
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
    dark : mapping of method to its error where the image is dark, in % of the true value, optional
        Drawn as bars in place of the histogram of an image with one kernel.

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
    if dark and not several:
        draw_dark_errors(panels[0], dark)
    else:
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
    colours = dict(zip(names, itertools.cycle(JOINT_COLOURS)))
    draw_profile(upper[1], position, lines, unit=unit, log=log, colours=colours)
    for ax, (name, rows) in zip(parts[2].subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        draw_distances(ax, distances, rows, colours, title=name, unit=unit, log=log)
    return save(figure, path)


# ----------------------------------------------------------------------------------- what is shown of images


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
            if n > 1:  # beside the whole slice, which has another scale
                axes[1, n].set_yticklabels([])
        axes[1, n].set_xlabel("mm")
    row_mm, first_mm, last_mm = view.span_mm()
    whole = axes[1, 0]
    draw_image(whole, view.truth, view.spacing, origin=origin, **shown)
    over = {"cmap": ListedColormap(["#d62728"]), "alpha": 0.8, "title": "Edges (red), enlarged part"}
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
