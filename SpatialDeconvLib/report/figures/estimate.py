"""The figure of an estimation: kernels, what they leave unexplained, measured against predicted along a line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ...estimation.measured import Measured, place_text
from ...kernels.kernel import Kernel
from ...kernels.parametric import ParametricKernel
from .panels import draw_image, draw_kernels, draw_radial_profile, require_matplotlib, save

_MOST_KERNELS = 10
_ORIGINAL, _MEASURED, _PREDICTED, _RESIDUAL = "#9a9a9a", "#222222", "#d1762b", "#2262a8"
_RANGE = 4.0  # of the residual map, in units of the noise
_LITTLE = 0.5  # a residual that is as little is no noise: there was hardly any to judge by


def estimate_figure(path: str | os.PathLike, measured: Measured) -> Path:
    """Draw what was measured.

    Upper row: the kernels that are written, on one scale of mm. Middle: original, blurred image, prediction (the
    original blurred with the kernels) and the residual in units of the noise, in the slice with most blur. Lower:
    the three along the dashed line, where the blur changes most; the distribution of the residual against that of
    the noise alone; and the sigmas by intensity, or a cut through measured and fitted kernel.

    Parameters
    ----------
    path : path
        The file to write; its extension chooses the format.
    measured : Measured

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    matplotlib = require_matplotlib()
    shown = _shown(len(measured.field.kernels))
    figure = matplotlib.figure.Figure((12.5, 9.0), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, rect=(0.004, 0.01, 0.992, 0.984))
    figure.suptitle(_title(measured), fontsize=11)
    parts = figure.subfigures(3, 1, height_ratios=(1.95, 3.2, 3.0), hspace=0.02)
    kernels = _sampled(measured)
    labels = _labels(measured)
    if len(kernels) == 1:
        _draw_single(parts[0], kernels[0], labels[0], measured.origin)
    else:
        strip = parts[0].subplots(1, max(len(shown), 4), squeeze=False)[0]
        chosen, titles = ([given[n] for n in shown] for given in (kernels, labels))
        draw_kernels(strip[: len(shown)], chosen, titles, origin=measured.origin)
        for spare in strip[len(shown) :]:
            spare.set_axis_off()
    view = _View(measured)
    _draw_maps(parts[1], view)
    panels = parts[2].subplots(1, 3, width_ratios=(1.25, 1.0, 1.0))
    _draw_profile(panels[0], view)
    _draw_distribution(panels[1], measured)
    _draw_parameters(panels[2], measured, kernels)
    return save(figure, path)


def _title(measured: Measured) -> str:
    original, blurred = measured.names
    left = measured.residual
    means = (
        "about 1: only noise is left" if left > _LITTLE else "far below 1: less is left than the noise looked like"
    )
    return f"Kernels measured from {original} and {blurred}: residual {left:#.3g} ({means})"


def _draw_single(part: Any, kernel: Kernel, label: str, origin: str) -> None:
    """One kernel: the planes through its centre, and its weights by distance."""
    axes = part.subplots(1, 4, width_ratios=(1, 1, 1, 1.6))
    planes = []
    for axis in (1, 2) if kernel.ndim == 3 else ():
        values = np.take(kernel.values, kernel.centre_voxel[axis], axis=axis)
        if values.any() and min(values.shape) > 1:
            others = [a for a in range(3) if a != axis]
            title = f"axes {'kji'[others[0]]} ({'up' if origin == 'lower' else 'down'}), {'kji'[others[1]]}"
            spacing, centre = ([of[a] for a in others] for of in (kernel.spacing, kernel.centre))
            planes.append((title, Kernel(values, spacing, centre=centre)))
    shown = [(label, kernel), *planes]
    draw_kernels(axes[: len(shown)], [k for _, k in shown], [title for title, _ in shown], origin=origin)
    for spare in axes[len(shown) : 3]:
        spare.set_axis_off()
    draw_radial_profile(axes[3], kernel)


def _shown(count: int) -> list[int]:
    """Which kernels are drawn: all, or evenly chosen ones."""
    return sorted({round(n) for n in np.linspace(0, count - 1, min(count, _MOST_KERNELS))})


def _sampled(measured: Measured) -> list[Kernel]:
    return [k.sampled(measured.spacing) if isinstance(k, ParametricKernel) else k for k in measured.field.kernels]


def _labels(measured: Measured) -> list[str]:
    """A title per kernel."""
    made = measured.field
    titles = [place_text(made.key, at) for at in made.at]
    return [
        f"{title}\n{_sigma_text(kernel)}" if isinstance(kernel, ParametricKernel) else title
        for title, kernel in zip(titles, made.kernels, strict=True)
    ]


def _sigma_text(kernel: ParametricKernel) -> str:
    values = {k.split("_")[0]: v for k, v in kernel.parameters.items() if k not in ("direction", "covariance_mm2")}
    if not values:
        return kernel.type
    parts = []
    for word, value in values.items():
        numbers = [v for v in np.ravel(value) if v] or [0.0]
        shown = numbers[:1] if len(set(numbers)) == 1 else numbers
        parts.append(f"{word} {'×'.join(f'{v:#.3g}' for v in shown)}{'°' if word == 'angle' else ' mm'}")
    return ", ".join(parts)


class _View:
    """The slice, the window and the line that are shown, in 2-D arrays."""

    def __init__(self, measured: Measured):
        original, blurred = (np.asarray(a, dtype=np.float64) for a in (measured.original, measured.blurred))
        with np.errstate(invalid="ignore"):
            residual = (blurred - measured.predicted) / measured.noise
        residual = np.where(measured.counted, residual, np.nan)
        difference = np.where(measured.counted, np.abs(blurred - original), 0.0)
        if original.ndim == 3:
            # By the sum, not the largest: a slice with much to see, and not one with an outlier.
            k = int(np.argmax(difference.sum(axis=(1, 2))))
            arrays = [a[k] for a in (original, blurred, measured.predicted, residual, difference)]
        else:
            arrays = [original, blurred, measured.predicted, residual, difference]
        self.original, self.blurred, self.predicted, self.residual, difference = arrays
        self.spacing = tuple(measured.spacing[-2:])
        self.line, self.part = _line(difference)
        self.factor, self.offset = measured.gain, measured.offset
        self.origin = measured.origin


def _line(difference: np.ndarray) -> tuple[int, slice]:
    """The row, and the part of it, along which the images differ most."""
    columns = difference.shape[1]
    length = min(columns, max(24, columns // 2))
    score = ndimage.uniform_filter1d(difference, length, axis=1, mode="constant")
    line, middle = np.unravel_index(int(score.argmax()), score.shape)
    start = int(np.clip(middle - length // 2, 0, columns - length))
    return int(line), slice(start, start + length)


def _draw_maps(part: Any, view: _View) -> None:
    axes = part.subplots(1, 4)
    finite = view.blurred[np.isfinite(view.blurred)]
    low, high = (float(v) for v in np.quantile(np.concatenate([view.original.ravel(), finite]), (0.001, 0.999)))
    grey = {"cmap": "gray", "vmin": low, "vmax": max(high, low + 1e-12)}
    images = (
        ("Original", view.original),
        ("Blurred image", view.blurred),
        ("Predicted by the kernels", view.predicted),
    )
    for ax, (title, image) in zip(axes, images, strict=False):
        artist = draw_image(ax, image, view.spacing, title=title, origin=view.origin, **grey)
    residual = draw_image(
        axes[3], view.residual, view.spacing, title="Residual / noise", origin=view.origin, cmap="RdBu_r",
        vmin=-_RANGE, vmax=_RANGE,
    )  # fmt: skip
    axes[3].set_facecolor("#dddddd")  # voxels that do not count
    dj, di = view.spacing
    row = (view.line + 0.5) * dj
    for ax in axes:
        ax.plot([view.part.start * di, view.part.stop * di], [row, row], "--", color="#e8b800", lw=1.0)
        height = view.original.shape[0] * dj
        ax.set_xlim(0, view.original.shape[1] * di)
        ax.set_ylim(*((0, height) if view.origin == "lower" else (height, 0)))
        ax.set_xlabel("mm")
    for ax in axes[1:]:
        ax.set_yticklabels([])
    axes[0].set_ylabel("mm")
    # Not taller than the images beside them.
    shrink = 0.75 if view.original.shape[0] * dj <= 1.1 * view.original.shape[1] * di else 1.0
    bar = {"location": "right", "shrink": shrink, "aspect": 25}
    part.colorbar(artist, ax=axes[:3], pad=0.01, **bar).set_label("intensity")
    part.colorbar(residual, ax=axes[3], pad=0.02, extend="both", **bar)


def _draw_profile(ax: Any, view: _View) -> None:
    columns = np.arange(view.original.shape[1])[view.part]
    position = (columns + 0.5) * view.spacing[1]
    original = view.factor * view.original + view.offset
    ax.plot(
        position, original[view.line, view.part], color=_ORIGINAL, lw=1.0, drawstyle="steps-mid", label="original"
    )
    ax.plot(position, view.blurred[view.line, view.part], ".", color=_MEASURED, ms=4, label="measured")
    ax.plot(position, view.predicted[view.line, view.part], color=_PREDICTED, lw=1.3, label="predicted")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.18 * (high - low))  # room for the legend
    ax.set(xlabel="position along the line (mm)", ylabel="intensity", title="Along the dashed line")
    ax.margins(x=0)
    ax.legend(frameon=False, fontsize=7, ncols=3, loc="upper center")
    ax.spines[["top", "right"]].set_visible(False)


def _draw_distribution(ax: Any, measured: Measured) -> None:
    blurred = np.asarray(measured.blurred, dtype=np.float64)
    values = (blurred - measured.predicted)[measured.counted] / measured.noise
    bins = np.linspace(-6, 6, 97)
    counts, _ = np.histogram(values, bins)
    density = counts / (values.size * (bins[1] - bins[0]))
    ax.stairs(density, bins, fill=True, color="#b9cbe0", label="residual")
    middle = (bins[1:] + bins[:-1]) / 2
    ax.plot(middle, np.exp(-0.5 * middle**2) / np.sqrt(2 * np.pi), color=_MEASURED, lw=1.1, label="noise alone")
    ax.set_yscale("log")
    ax.set_ylim(max(1.0 / values.size, 1e-5), 2.0)
    ax.set_xlim(-6, 6)
    beyond = 1 - counts.sum() / values.size
    if beyond > 0:
        ax.text(0.03, 0.96, f"{beyond:.2g} of the\nvoxels beyond", transform=ax.transAxes, fontsize=7, va="top")
    ax.set(xlabel="residual / noise", ylabel="density", title="Is what is left only noise?")
    ax.legend(frameon=False, fontsize=7, loc="upper right")
    ax.spines[["top", "right"]].set_visible(False)


def _draw_parameters(ax: Any, measured: Measured, kernels: Sequence[Kernel]) -> None:
    """Sigma by intensity where there is one, else the middle line of kernels."""
    if measured.fits is not None and measured.field.key == "intensity" and _has_sigmas(measured):
        _draw_sigmas(ax, measured)
    else:
        _draw_cuts(ax, measured, kernels)
    ax.spines[["top", "right"]].set_visible(False)


def _has_sigmas(measured: Measured) -> bool:
    return all("sigma_mm" in fit.parameters for fit in measured.fits if fit)


def _draw_sigmas(ax: Any, measured: Measured) -> None:
    fits = [(at, fit) for at, fit in zip(measured.at, measured.fits, strict=True) if fit]
    levels = [at for at, _ in fits]
    sigmas = np.stack([np.atleast_1d(fit.parameters["sigma_mm"]) for _, fit in fits])
    errors = np.stack([np.broadcast_to(fit.errors["sigma_mm"], sigmas.shape[1:]) for _, fit in fits])
    errors = np.where(np.isfinite(errors), errors, 0.0)
    blurred = np.flatnonzero(sigmas.any(axis=0))
    if np.all(sigmas[:, blurred] == sigmas[:, blurred[:1]]):
        blurred = blurred[:1]
    names = ["k", "j", "i"][-sigmas.shape[1] :]
    for axis, colour in zip(blurred, (_RESIDUAL, _PREDICTED, "#3f9b73"), strict=False):
        label = "fitted" if blurred.size == 1 else f"axis {names[axis]}"
        ax.errorbar(levels, sigmas[:, axis], errors[:, axis], fmt="o", ms=4, capsize=2, color=colour, label=label)
    if measured.smooth is not None:
        fine = np.linspace(min(measured.at), max(measured.at), 200)
        ax.plot(fine, measured.smooth.sigma(fine), color=_MEASURED, lw=1.1, label=measured.smooth.how.split(";")[0])
    ax.set_ylim(0, None)
    ax.set(xlabel="intensity", ylabel="sigma (mm)", title="Sigma by intensity, standard errors")
    ax.legend(frameon=False, fontsize=7, loc="best")


def _draw_cuts(ax: Any, measured: Measured, kernels: Sequence[Kernel]) -> None:
    """Values along axis i through the centres of kernels: free ones, and what was fitted to one."""
    import matplotlib

    shown = _shown(len(kernels)) if len(kernels) <= 6 else _shown(len(kernels))[::2]
    single = len(kernels) == 1
    if single and measured.values is not None and measured.fits is not None:
        ax.plot(*_cut(measured.values.kernels[0]), ".", ms=4, color=_MEASURED, label="measured")
    for order, number in enumerate(shown):
        kernel = kernels[number]
        x, values = _cut(kernel)
        colour = _PREDICTED if single else matplotlib.colormaps["viridis"](0.9 * order / max(1, len(shown) - 1))
        fitted = isinstance(measured.field.kernels[number], ParametricKernel)
        label = (
            ("fitted" if fitted else "measured")
            if single
            else place_text(measured.field.key, measured.field.at[number])
        )
        ax.plot(x, values, "-" if fitted else ".-", ms=4, color=colour, lw=1.2, label=label)
    ax.axhline(0, color="#999999", lw=0.6)
    ax.set(xlabel="mm along i", ylabel="weight", title="Through the middle of the kernels")
    ax.legend(frameon=False, fontsize=7, loc="upper right")


def _cut(kernel: Kernel) -> tuple[np.ndarray, np.ndarray]:
    values = kernel.values[kernel.centre_voxel[:-1]]
    return (np.arange(values.size) - kernel.centre[-1]) * kernel.spacing[-1], values
