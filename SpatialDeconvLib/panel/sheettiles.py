"""The tiles of a contact sheet for people: as pictures, and in words. No Qt."""

from __future__ import annotations

import numpy as np

from ..report.pixels import GreyScale
from ..run.sheet import Tile
from . import model as panelmodel

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


def greyOf(before: Tile, window: tuple[float, float] | None = None) -> GreyScale:
    """Return the grey levels for all tiles: those of a window (lowest and highest value), or the input's own."""
    if window is not None and window[1] > window[0]:
        return GreyScale(*window)
    return GreyScale.of(before.plane)


def tilePicture(tile: Tile, grey: GreyScale, size: int, turned: tuple[bool, bool] = (False, False)) -> np.ndarray:
    """Return a square picture, uint8 of shape (size, size, 3), of the slice in the middle of the block.

    The whole slice is shown, as large as it fits in; grey where there is no image. `turned`: whether rows, and
    columns, are shown the other way round (`report.pictures.turns`).
    """
    picture = np.full((size, size, 3), 128, np.uint8)
    plane = tile.plane
    if plane is None:
        return picture
    pixels = grey.pixels(plane[:: -1 if turned[0] else 1, :: -1 if turned[1] else 1])
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)
    scale = size / max(pixels.shape[:2])
    rows, columns = (max(1, round(scale * n)) for n in pixels.shape[:2])
    taken = (
        np.minimum(np.arange(n) * m // n, m - 1) for n, m in zip((rows, columns), pixels.shape[:2], strict=True)
    )
    top, left = (size - rows) // 2, (size - columns) // 2
    picture[top : top + rows, left : left + columns] = pixels[np.ix_(*taken)]
    return picture


def tileName(tile: Tile) -> str:
    """Return what a tile is called."""
    if tile.method is None:
        return _("Input")
    strategy = {"blend": _("Blend"), "joint": _("Joint")}[tile.method.strategy]
    name = _("{strategy}: {method}").format(
        strategy=strategy, method=panelmodel.methodLabel(tile.method.name, tile.method.strategy)
    )
    return _("{name} (automatic)").format(name=name) if tile.automatic else name


def tileText(tile: Tile) -> str:
    """Return the lines below a tile's picture: its name, and in short what is known of it."""
    if tile.problem:
        return "\n".join([tileName(tile), _("not possible here")])
    facts = [] if tile.gain is None else [_("{gain:+.1f} dB").format(gain=tile.gain)]
    facts += [] if tile.method is None else [panelmodel.durationText(tile.seconds)]
    lines = [tileName(tile), ", ".join(facts)]
    lines += [] if tile.residual is None else [_("residual {residual:.2f}").format(residual=tile.residual)]
    return "\n".join(filter(None, lines))


def tileToolTip(tile: Tile) -> str:
    """Return what the numbers below a tile mean, and what a click does."""
    if tile.problem:
        return panelmodel.inPanelWords(tile.problem)
    if tile.method is None:
        return _("The input volume. Residual: how it differs from itself, blurred again, in units of the noise.")
    text = _(
        "Click to choose this method. Residual: what the block leaves unexplained, in units of the noise (1 is "
        "ideal). dB: how much closer to the truth it came in a simulation, which tells the better method, not by "
        "how much."
    )
    return f"{panelmodel.methodSentence(tile.method.name, tile.method.strategy)}\n{text}"
