"""What sequence browsers show: the sequence that a volume node is a frame of, and which frame it is."""

from __future__ import annotations

from ..kernels.field import KernelField
from ..kernels.parts import field_of_part


def browsersIn(scene) -> list:
    """Return the sequence browsers of a scene; none of None."""
    name = "vtkMRMLSequenceBrowserNode"
    count = scene.GetNumberOfNodesByClass(name) if scene is not None else 0
    return [scene.GetNthNodeByClass(n, name) for n in range(count)]


def sequenceOf(node):
    """Return (sequence, browser) when a volume or other node is what a browser shows of a sequence, else None."""
    scene = node.GetScene() if hasattr(node, "GetScene") else None
    for browser in browsersIn(scene):
        sequence = browser.GetSequenceNode(node)
        if sequence is not None:
            return sequence, browser
    return None


def shownItem(sequence, browser) -> int:
    """Return the item number of the frame of a sequence that a browser shows; -1 where it has none there."""
    return sequence.GetItemNumberFromIndexValue(shownValue(browser), True)


def shownValue(browser) -> str:
    """Return the index value that a browser is at."""
    return browser.GetMasterSequenceNode().GetNthIndexValue(browser.GetSelectedItemNumber())


def frameCount(node) -> int:
    """Return how many frames there are of what a browser shows as this node; 1 where it shows none."""
    found = sequenceOf(node)
    return found[0].GetNumberOfDataNodes() if found else 1


def fieldOfShownFrame(field: KernelField, node) -> KernelField:
    """Return the field for the frame that a browser shows as this node: one kernel, of a field keyed by frame.

    Raises
    ------
    InputError
        If that frame has no kernel.
    """
    found = sequenceOf(node) if field.key == "frame" else None
    if found is None:
        return field
    sequence, browser = found
    return field_of_part(field, "frame", shownItem(sequence, browser), shownValue(browser))
