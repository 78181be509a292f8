"""A figure of kernels side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...kernels.kernel import Kernel
from .panels import draw_kernels, require_matplotlib, save


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
