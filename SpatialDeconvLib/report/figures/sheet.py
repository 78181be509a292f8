"""The figure of a contact sheet: one block as every method leaves it."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from ...run.sheet import Sheet
from ..pixels import GreyScale
from .panels import draw_image, require_matplotlib, save

_COLUMNS = 4
# Of a title, so that it stays over its own picture.
_FONT = 8
_CHARACTERS = 36


def sheet_figure(path: str | os.PathLike, sheet: Sheet, spacing: Sequence[float], origin: str = "upper") -> Path:
    """Draw the tiles of a contact sheet side by side, all in the grey levels of the input.

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    sheet : Sheet
        Of a volume, the slice in the middle of the block is drawn.
    spacing : sequence of float
        Voxel size in mm in the order of the axes.
    origin : {"upper", "lower"}
        Where row j = 0 is shown.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    matplotlib = require_matplotlib()
    rows = -(-len(sheet.tiles) // _COLUMNS)
    figure = matplotlib.figure.Figure((2.6 * _COLUMNS, 3.0 * rows), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    grey = GreyScale.of(sheet.tiles[0].plane)
    for ax, tile in zip(axes, sheet.tiles, strict=False):
        plane = tile.plane
        name = f"{tile.name}{' (automatic)' if tile.automatic else ''}"
        title = "\n".join([name, *textwrap.wrap(tile.facts(), _CHARACTERS)])
        if plane is None:
            ax.set_axis_off()
            ax.text(0.5, 0.5, title, ha="center", va="center", transform=ax.transAxes, fontsize=_FONT)
            continue
        draw_image(
            ax,
            grey.pixels(plane),
            tuple(spacing)[-2:],
            title=title,
            origin=origin,
            cmap="gray",
        )
        ax.title.set_fontsize(_FONT)
        ax.set_xticks([])
        ax.set_yticks([])
    for ax in axes[len(sheet.tiles) :]:
        ax.set_axis_off()
    return save(figure, path)
