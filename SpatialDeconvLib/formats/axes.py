"""Axes of arrays in files, by letters: t (frame), c (channel), z, y, x, in whichever order a file has them."""

from __future__ import annotations

import numpy as np

from ..arrays.boxes import Box


def place_of(axes: str, box: Box, channel: int | None, channels: int, frame: int) -> tuple[slice, ...]:
    """Return where a box (z, y, x) lies in an array with these axes; an axis of another letter has length 1."""
    several = slice(0, channels) if channel is None else slice(channel, channel + 1)
    along = {"t": slice(frame, frame + 1), "c": several, **dict(zip("zyx", box, strict=True))}
    return tuple(along.get(axis, slice(0, 1)) for axis in axes)


def in_order(values: np.ndarray, axes: str, several: bool) -> np.ndarray:
    """Return values with the axes (z, y, x), or (z, y, x, channel) of `several` channels; others have length 1."""
    wanted = "zyxc" if several else "zyx"
    kept = [axis for axis in axes if axis in wanted]
    values = values.reshape([n for axis, n in zip(axes, values.shape, strict=True) if axis in wanted])
    values = np.transpose(values, [kept.index(axis) for axis in wanted if axis in kept])
    return np.expand_dims(values, [place for place, axis in enumerate(wanted) if axis not in kept])


def from_order(values: np.ndarray, axes: str) -> np.ndarray:
    """Return values (z, y, x), or (z, y, x, channel), with the axes of a file: the inverse of `in_order`."""
    had = "zyxc"[: values.ndim]
    gone = [axis for axis in had if axis not in axes]  # of length 1
    there = [axis for axis in axes if axis in had]
    turned = np.transpose(values, [had.index(axis) for axis in (*gone, *there)])
    return turned.reshape([turned.shape[len(gone) + there.index(axis)] if axis in had else 1 for axis in axes])
