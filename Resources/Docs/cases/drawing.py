"""What the worked cases share: panels of images and curves in one picture."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np


def picture(path: Path, images: Mapping[str, tuple[np.ndarray, tuple[float, float]]], curves: Sequence[dict]) -> None:
    """Draw images with their ranges in one row, and below them charts of curves; see `chart`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(3.1 * len(images), 6.0), layout="constrained")
    above, below = figure.subfigures(2, 1)
    for axes, (title, (image, (low, high))) in zip(above.subplots(1, len(images)), images.items(), strict=True):
        shown = axes.imshow(image, cmap="gray", vmin=low, vmax=high)
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
        above.colorbar(shown, ax=axes, shrink=0.7)
    for axes, curve in zip(np.atleast_1d(below.subplots(1, len(curves))), curves, strict=True):
        chart(axes, **curve)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def chart(axes, x: np.ndarray, lines: Mapping[str, np.ndarray], xlabel: str, ylabel: str, limits=None) -> None:
    """Draw lines over x, the first one dashed: the truth. What leaves the limits is cut off."""
    for number, (name, values) in enumerate(lines.items()):
        axes.plot(x, values, "k--" if number == 0 else "-", lw=1.2, label=name)
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_xlabel(xlabel, fontsize=9)
    axes.set_ylabel(ylabel, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8)


def main(run: Callable[..., dict[str, float]], documentation: str, file: str) -> None:
    """Run a case from the command line: print its numbers, and draw its picture beside the script."""
    parser = argparse.ArgumentParser(description=documentation)
    default = Path(file).with_suffix(".png")
    parser.add_argument("--output", type=Path, default=default, help="the picture (default: beside the script)")
    for name, value in run(parser.parse_args().output).items():
        print(f"{value:9.3f}  {name}")
