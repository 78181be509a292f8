"""A figure of kernels before and after they were prepared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...kernels.kernel import Kernel
from ...kernels.prepare import PreparedField, PreparedKernel
from .panels import draw_image, require_matplotlib, save

#: So many kernels of a set are drawn: the first ones.
MOST = 6
_BEFORE, _AFTER = "#d1762b", "#2262a8"
_DECADES = 4  # of the colours and of the profile


def prepared_figure(path: str | os.PathLike, prepared: PreparedField) -> Path:
    """Draw kernels before and after preparation: logarithmic pictures of both, and profiles through the centre.

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    prepared : PreparedField
        Of many kernels the first `MOST` that were prepared are drawn.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    matplotlib = require_matplotlib()
    pairs = [
        (at, kernel)
        for at, kernel in zip(prepared.at, prepared.kernels, strict=True)
        if isinstance(kernel, PreparedKernel)
    ][:MOST]
    if not pairs:
        raise InputError("none of the kernels was prepared; there is nothing to draw")
    figure = matplotlib.figure.Figure((8.2, 2.7 * len(pairs)), layout="compressed")
    rows = figure.subplots(len(pairs), 3, squeeze=False, width_ratios=(1, 1, 1.6))
    for row, (at, kernel) in zip(rows, pairs, strict=True):
        before = kernel.preparation.before
        where = "" if prepared.key == "uniform" else f"{at}: "
        _draw_plane(row[0], before, before, f"{where}before")
        artist = _draw_plane(row[1], kernel, before, f"{where}after")
        figure.colorbar(artist, ax=row[1], shrink=0.8, aspect=25, label="log10 (weight / peak)")
        _draw_profiles(row[2], before, kernel)
    return save(figure, path)


def _draw_plane(ax: Any, kernel: Kernel, before: Kernel, title: str) -> Any:
    """Draw the plane through a kernel's centre, which is marked, over the mm that the given kernel had."""
    values = kernel.values if kernel.ndim == 2 else kernel.values[kernel.centre_voxel[0]]
    shares = np.log10(np.clip(values / kernel.values.max(), 10.0**-_DECADES, None))
    spacing = kernel.spacing[-2:]
    corner = [-(place + 0.5) * h for place, h in zip(kernel.centre[-2:], spacing, strict=True)]
    artist = draw_image(ax, shares, spacing, title=title, corner_mm=corner, cmap="magma", vmin=-_DECADES, vmax=0)
    ax.plot(0, 0, "+", color="#3f9b73", ms=7, mew=1)
    reach = [
        max(place + 0.5, n - place - 0.5) * h
        for n, place, h in zip(before.shape[-2:], before.centre[-2:], spacing, strict=True)
    ]
    ax.set_facecolor("#000004")
    ax.set(xlim=(-reach[1], reach[1]), ylim=(reach[0], -reach[0]), xlabel="mm")
    return artist


def _draw_profiles(ax: Any, before: Kernel, after: Kernel) -> None:
    """Draw the profiles along the last axis through the new centre, in shares of the largest value."""
    for kernel, name, colour in ((before, "before", _BEFORE), (after, "after", _AFTER)):
        # What was given had another centre: its row is that of its largest value.
        voxel = np.unravel_index(kernel.values.argmax(), kernel.shape) if kernel is before else kernel.centre_voxel
        values = kernel.values[tuple(voxel[:-1])] / kernel.values.max()
        mm = (np.arange(values.size) - kernel.centre[-1]) * kernel.spacing[-1]
        ax.plot(mm, np.where(values > 0, values, np.nan), ".-", ms=3, lw=1.2, color=colour, label=name)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    ax.set_ylim(bottom=max(ax.get_ylim()[0], 10.0**-_DECADES), top=2)
    ax.axvline(0, color="#999999", lw=0.6, ls=":")
    ax.set(xlabel="mm from the centre", ylabel="weight / peak", title="profile through the peak")
    ax.legend(frameon=False, fontsize=7)
    ax.spines[["top", "right"]].set_visible(False)
