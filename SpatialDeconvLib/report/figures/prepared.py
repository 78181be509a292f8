"""A figure of kernels before and after they were prepared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...kernels.kernel import Kernel
from ...kernels.prepare import PreparedField, PreparedKernel
from .panels import draw_kernels, require_matplotlib, save

#: So many kernels of a set are drawn: the first ones.
MOST = 6
_BEFORE, _AFTER = "#d1762b", "#2262a8"
_DECADES = 6


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
        draw_kernels(row[:2], [before, kernel], [f"{where}before", f"{where}after"], log=True)
        _draw_profiles(row[2], before, kernel)
    return save(figure, path)


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
