"""The difference of two volumes, in colours that show where it is positive and where negative."""

from __future__ import annotations

import numpy as np

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


from ..errors import InputError
from ..mrml import geometry
from ..mrml.channels import lastIsOpacity
from ..mrml.scene import describeNode, ensureScene, ijkToRas, imageDataFromArray, volumeArray, vtkFromMatrix
from ..report.pixels import diverging_pixels

COLOUR_NODE_ID = "vtkMRMLColorTableNodeFileDivergingBlueRed.txt"  # one of Slicer's own
_COLOUR_NAME = "SpatialDeconvDifference"
_MOST_NOISE = 4.0
_SHOWN = 0.995  # of the voxels that differ lie inside the window


def differenceVolume(before, after, node=None):
    """Return a volume node with `after` - `before`, float32, shown in diverging colours around zero.

    The node is hidden from selectors and not saved with the scene: it is for looking. Of vector volumes the means
    of the channels are compared, without the opacity of RGBA volumes.

    Parameters
    ----------
    before, after : vtkMRMLScalarVolumeNode
        Of the same geometry.
    node : vtkMRMLScalarVolumeNode, optional
        An earlier difference to use again.

    Raises
    ------
    InputError
        If their geometry differs, or one holds no voxels.
    """
    first, second = volumeArray(before, "volume"), volumeArray(after, "volume")
    if not geometry.sameGeometry(before, after):
        raise InputError(
            f"{describeNode(after)} has another geometry than {describeNode(before)}: "
            f"{geometry.geometryText(after)}; against {geometry.geometryText(before)}; compare them side by side"
        )
    difference = (_grey(after, second) - _grey(before, first)).astype(np.float32, copy=False)
    scene = before.GetScene() or ensureScene()
    if node is None or node.GetScene() is not scene:
        node = scene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
        node.UnRegister(None)  # CreateNodeByClass leaves its reference to the caller
        node.SetName(scene.GetUniqueNameByString(_("{name} difference").format(name=after.GetName())))
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node = scene.AddNode(node)
    node.SetAndObserveImageData(imageDataFromArray(difference))
    node.SetIJKToRASMatrix(vtkFromMatrix(ijkToRas(before)))
    node.SetAndObserveTransformNodeID(before.GetTransformNodeID())
    showDiverging(node, _largest(difference))
    display = node.GetDisplayNode()
    if display is not None:
        display.SetHideFromEditors(True)
        display.SetSaveWithScene(False)
    return node


def _grey(node, array: np.ndarray) -> np.ndarray:
    if array.ndim == 3:
        exact = np.float32 if array.dtype == np.float32 or array.dtype.itemsize <= 2 else np.float64
        return array.astype(exact, copy=False)
    colours = array[..., :3] if lastIsOpacity(node, array) else array
    return colours.mean(axis=3, dtype=np.float64)


def _largest(difference: np.ndarray) -> float:
    """Half the window: what nearly all voxels that differ stay below."""
    sizes = np.abs(difference[np.isfinite(difference) & (difference != 0)])
    return float(np.quantile(sizes[:: max(1, sizes.size // 10**6)], _SHOWN)) if sizes.size else 1.0


def showResidual(node, maps) -> None:
    """Show a residual map (`sheets.residualVolume`) from -4 to 4 times the noise."""
    largest = _MOST_NOISE if maps[0].in_noise else float(max(np.abs(each.difference).max() for each in maps))
    showDiverging(node, largest or 1.0)


def showDiverging(node, largest: float) -> None:
    """Show a volume in blue at -largest, white at 0 and red at +largest."""
    node.CreateDefaultDisplayNodes()
    display, scene = node.GetDisplayNode(), node.GetScene()
    if display is None:
        return
    colours = scene.GetNodeByID(COLOUR_NODE_ID) or _colourNode(scene)
    display.SetAndObserveColorNodeID(colours.GetID())
    display.SetAutoWindowLevel(0)
    display.SetWindowLevel(2 * largest, 0.0)


def _colourNode(scene):
    """A table from blue over white to red, where Slicer's own colours are not loaded."""
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLColorTableNode")
        if node.GetName() == _COLOUR_NAME:
            return node
    node = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    node.UnRegister(None)
    node.SetName(_COLOUR_NAME)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetTypeToUser()
    node.SetNumberOfColors(256)
    for number, colour in enumerate(diverging_pixels(np.linspace(-1, 1, 256), 1.0)):
        node.SetColor(number, f"{(number - 127.5) / 127.5:.2f}", *(float(c) / 255 for c in colour), 1.0)
    return scene.AddNode(node)
