"""Images of two axes: in MRML volumes of one slice, in files of their kind images of two axes again."""

from __future__ import annotations

from .scene import ijkToRas

_FLAT = "SpatialDeconv.TwoAxes"  # an attribute of nodes that were read from images of two axes


def markFlat(node) -> None:
    """Remember that a volume node came from an image of two axes."""
    node.SetAttribute(_FLAT, "yes")


def keepFlat(source, target) -> None:
    """Let a volume be an image of two axes if the one that it was made from is."""
    target.SetAttribute(_FLAT, source.GetAttribute(_FLAT))


def isFlat(node) -> bool:
    """Return whether a file of two axes holds a volume: it came from one, and its slice lies as such images do.

    Its thickness is none of such an image's.
    """
    if node.GetAttribute(_FLAT) is None or node.GetImageData().GetDimensions()[2] != 1:
        return False
    matrix = ijkToRas(node)
    return not (matrix[2, [0, 1, 3]].any() or matrix[:2, 2].any())
