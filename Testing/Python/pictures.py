"""Pictures compared by what they show: not by bits, which other versions of the libraries draw otherwise."""

import re
from pathlib import Path

import numpy as np
from scipy import ndimage

DOCUMENTS = Path(__file__).resolve().parents[2] / "Resources"
STORED = DOCUMENTS / "Screenshots"
_GRID = (60, 80)  # of brightness: panels and their contents, but no letter


def likeness(one, other):
    """Correlation of two pictures, each brought to the same few squares; below 0 where their sizes differ."""
    first, second = _coarse(one), _coarse(other)
    if not np.allclose(first[1], second[1], rtol=0.02):
        return -1.0
    return float(np.corrcoef(first[0].ravel(), second[0].ravel())[0, 1])


def words(path):
    """What a picture says that it shows, without its numbers."""
    from PIL import Image

    with Image.open(path) as image:
        return re.sub(r"[-+]?\d+(\.\d+)?", "#", image.text.get("Description", ""))


def assert_alike(drawn, stored, least=0.97):
    """Hold a stored picture to the one that was drawn: the same words, and alike from afar."""
    assert words(stored) == words(drawn)
    assert words(drawn)
    assert likeness(drawn, stored) > least


def _coarse(path):
    from PIL import Image

    with Image.open(path) as image:
        grey = np.asarray(image.convert("L"), dtype=float)
    size = np.divide(grey.shape, _GRID)
    averaged = ndimage.uniform_filter(grey, size.round().astype(int).tolist())
    rows, columns = (((np.arange(n) + 0.5) * step).astype(int) for n, step in zip(_GRID, size, strict=True))
    return averaged[np.ix_(rows, columns)], grey.shape
