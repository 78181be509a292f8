"""The figure of kernels measured from points: the image with its points, the kernels, and their profiles."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...estimation.points import PointSpreads
from ...kernels.kernel import Kernel
from .panels import draw_image, draw_kernels, draw_radial_profile, require_matplotlib, save

_MOST_KERNELS = 9
_USED, _REJECTED = "#3fae6a", "#e0457b"


def points_figure(
    path: str | os.PathLike, found: PointSpreads, image: np.ndarray, spacing: Sequence[float]
) -> Path:
    """Draw where the points were found, used or not, and the kernels.

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    found : PointSpreads
    image : ndarray, 2-D or 3-D
        It is shown as its maximum along k.
    spacing : sequence of float
        In mm, in the order of its axes.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    matplotlib = require_matplotlib()
    kernels: list[Any] = list(found.field.kernels)
    shown = sorted({round(n) for n in np.linspace(0, len(kernels) - 1, min(len(kernels), _MOST_KERNELS))})
    columns = max(2, min(len(shown), 3))
    rows = -(-len(shown) // columns)
    figure = matplotlib.figure.Figure((11.0, 4.6), layout="constrained")
    figure.suptitle(found.headline(), fontsize=10)
    left, right = figure.subfigures(1, 2, width_ratios=(1.0, 1.15))
    _draw_points(left.subplots(), found, image, spacing)
    axes = right.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[len(shown) :]:
        spare.set_axis_off()
    draw_kernels(axes[: len(shown)], [kernels[n] for n in shown], [_title(found, n) for n in shown])
    if len(kernels) == 1:
        axes[1].set_axis_on()
        draw_radial_profile(axes[1], kernels[0])
    return save(figure, path)


def _title(found: PointSpreads, number: int) -> str:
    kernel: Any = found.field.kernels[number]
    widths = [w for w in found.full_widths[number] if w]
    text = f"FWHM {' × '.join(f'{w:.3g}' for w in widths)} mm"
    if found.field.key == "uniform" or not isinstance(kernel, Kernel):
        return text
    place = ", ".join(f"{v:.3g}" for v in found.field.at[number])
    return f"[{place}] mm\n{text}"


def _draw_points(ax: Any, found: PointSpreads, image: np.ndarray, spacing: Sequence[float]) -> None:
    values = np.asarray(image, dtype=float)
    if values.ndim == 3:
        values = values.max(axis=0)
    low, high = np.quantile(values[np.isfinite(values)], (0.01, 0.9995))
    dj, di = spacing[-2:]
    draw_image(ax, values, (dj, di), title=found.points_text(), cmap="gray", vmin=low, vmax=max(high, low + 1e-12))
    for colour, points, name in (
        (_USED, found.used, "used"),
        (_REJECTED, [p for p in found.points if p.rejected], "not used"),
    ):
        if points:
            j, i = np.array([p.position[-2:] for p in points]).T
            # Positions are from the middle of the first voxel, the picture from its edge.
            ax.plot(i + di / 2, j + dj / 2, "o", ms=9, mfc="none", mec=colour, mew=1.0, ls="", label=name)
    ax.legend(fontsize=7, loc="upper right", framealpha=0.8)
    ax.set(xlabel="mm", ylabel="mm")
