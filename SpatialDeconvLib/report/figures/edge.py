"""The figure of an edge or slit: its profile, the line spread, the MTF and the kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...estimation.edges import EdgeSpread
from .panels import draw_kernels, require_matplotlib, save

_MEASURED, _FITTED, _LIMIT = "#9fb8d3", "#2262a8", "#d1762b"
_LEVELS = (0.5, 0.1)


def edge_figure(path: str | os.PathLike, found: EdgeSpread) -> Path:
    """Draw the edge spread, the line spread, the MTF with frequencies in 1/mm, and the kernel.

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    found : EdgeSpread

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    matplotlib = require_matplotlib()
    figure = matplotlib.figure.Figure((12.5, 3.5), layout="constrained")
    figure.suptitle(found.headline(), fontsize=10)
    profile, spread, mtf, kernel = figure.subplots(1, 4, width_ratios=(1.1, 1.1, 1.4, 0.9))
    reach = 1.3 * max(n / 2 * h for n, h in zip(found.kernel.shape, found.kernel.spacing, strict=True))
    _draw_curve(profile, found.distance, found.profile, found.fitted_profile, reach)
    title = "Edge spread" if found.target == "edge" else "Profile across the slit"
    profile.set(title=title, xlabel="distance (mm)", ylabel="image value")
    _draw_curve(spread, found.spread_distance, found.spread, found.fitted_spread, reach)
    spread.set(title=f"Line spread, FWHM {found.full_width:.3g} mm", xlabel="distance (mm)", ylabel="1/mm")
    _draw_mtf(mtf, found)
    draw_kernels([kernel], [found.kernel], ["Kernel"])
    for ax in (profile, spread, mtf):
        ax.spines[["top", "right"]].set_visible(False)
    return save(figure, path)


def _draw_curve(ax: Any, x: np.ndarray, measured: np.ndarray, fitted: np.ndarray, reach: float) -> None:
    shown = np.abs(x) <= reach
    ax.plot(x[shown], measured[shown], ".", ms=2.5, color=_MEASURED, label="measured", rasterized=True)
    ax.plot(x[shown], fitted[shown], color=_FITTED, lw=1.2, label="sum of Gaussians")
    ax.legend(fontsize=7, frameon=False)


def _draw_mtf(ax: Any, found: EdgeSpread) -> None:
    ax.plot(found.frequency, found.mtf, ".", ms=4, color=_MEASURED, label="measured")
    ax.plot(found.frequency, found.fitted_mtf, color=_FITTED, lw=1.3, label="of the kernel")
    ax.axvline(found.nyquist, color=_LIMIT, lw=0.9, ls="--", label=f"Nyquist {found.nyquist:.3g} / mm")
    for level in _LEVELS:
        at = found.frequency_at(level)
        if np.isfinite(at):
            ax.plot([0, at, at], [level, level, 0], ":", color="#777777", lw=0.8)
            ax.annotate(f"{level:.0%}: {at:.3g} / mm", (at, level), (4, 2), textcoords="offset points", fontsize=7)
    ax.set(title="MTF (presampled)", xlabel="frequency (1/mm)", ylabel="MTF", ylim=(0, 1.05), xlim=(0, None))
    ax.legend(fontsize=7, frameon=False, loc="upper right")
