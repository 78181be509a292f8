"""What the slice views show, taken down and put back: for previews and comparisons, which must leave no trace.

Only MRML nodes are used (composite, slice and layout nodes), no widgets, so this works without a main window too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from vtkmodules.vtkCommonMath import vtkMatrix4x4

#: Two slice views beside each other, and the names of these views.
SIDE_BY_SIDE = 29  # vtkMRMLLayoutNode.SlicerLayoutSideBySideView
SIDES = ("Red", "Yellow")


def compositeNodes(scene) -> list:
    """Return the composite node of every slice view."""
    return _nodes(scene, "vtkMRMLSliceCompositeNode")


def visibleSliceNodes(scene) -> list:
    """Return the nodes of the slice views that are in the layout; all of them when none says that it is."""
    every = _nodes(scene, "vtkMRMLSliceNode")
    return [node for node in every if node.IsMappedInLayout()] or every


def plotViewNodes(scene, exceptFor: str = "") -> list:
    """Return the nodes of the plot views in the layout, without the one of a given layout name."""
    nodes = [node for node in _nodes(scene, "vtkMRMLPlotViewNode") if node.GetLayoutName() != exceptFor]
    return [node for node in nodes if node.IsMappedInLayout()] or nodes


def layoutNode(scene):
    return scene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def _nodes(scene, className: str) -> list:
    return [scene.GetNthNodeByClass(n, className) for n in range(scene.GetNumberOfNodesByClass(className))]


class LayerKeeper:
    """Puts volumes into the layers of all slice views, and puts back what was there.

    What the user has chosen meanwhile stays: a layer is put back only where it still holds what was put there.
    """

    def __init__(self, scene):
        self._scene = scene
        self._before: dict[str, dict[str, Any]] = {}
        self._put: dict[str, dict[str, Any]] = {}

    @property
    def active(self) -> bool:
        return bool(self._put)

    def put(self, composites: Iterable[Any] | None = None, **layers) -> None:
        """Set layers (Background, Foreground, Label: volume nodes or None; ForegroundOpacity, LinkedControl...).

        Layers that are not named stay as they are. `composites` are all views by default.
        """
        for composite in compositeNodes(self._scene) if composites is None else composites:
            before = self._before.setdefault(composite.GetID(), {})
            put = self._put.setdefault(composite.GetID(), {})
            wasModifying = composite.StartModify()
            try:
                for name, value in layers.items():
                    wanted = _stored(name, value)
                    now = _get(composite, name)
                    before.setdefault(name, now)
                    put[name] = wanted
                    if not _same(now, wanted):
                        _set(composite, name, wanted)
            finally:
                composite.EndModify(wasModifying)

    def restore(self) -> None:
        """Put back what was there before the first `put`."""
        before, put, self._before, self._put = self._before, self._put, {}, {}
        for nodeId, layers in before.items():
            composite = self._scene.GetNodeByID(nodeId)
            if composite is None:
                continue
            # The opacity belongs to the foreground: another foreground has one of its own.
            foreignForeground = "Foreground" in layers and not _same(
                _get(composite, "Foreground"), put[nodeId]["Foreground"]
            )
            wasModifying = composite.StartModify()
            try:
                for name, value in layers.items():
                    if name == "ForegroundOpacity" and foreignForeground:
                        continue
                    if name != "ForegroundOpacity" and not _same(_get(composite, name), put[nodeId][name]):
                        continue
                    gone = name in _VOLUMES and value and self._scene.GetNodeByID(value) is None
                    _set(composite, name, None if gone else value)
            finally:
                composite.EndModify(wasModifying)

    def forget(self) -> None:
        """Keep nothing: the scene has been closed."""
        self._before, self._put = {}, {}


_VOLUMES = ("Background", "Foreground", "Label")


def _stored(name: str, value):
    return (value.GetID() if value is not None else None) if name in _VOLUMES else value


def _get(composite, name: str):
    return getattr(composite, f"Get{name}VolumeID" if name in _VOLUMES else f"Get{name}")()


def _set(composite, name: str, value) -> None:
    getattr(composite, f"Set{name}VolumeID" if name in _VOLUMES else f"Set{name}")(value)


def _same(a, b) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(a, b, abs_tol=1e-9)
    return (a or None) == (b or None)


class LayoutKeeper:
    """Shows another layout, and puts back the one before, with the slices that its views had."""

    def __init__(self, scene):
        self._scene = scene
        self._layout: tuple[int, int] | None = None
        self._slices: dict[str, tuple] = {}

    def show(self, layout: int) -> bool:
        """Change the layout; False where there is none."""
        node = layoutNode(self._scene)
        if node is None:
            return False
        if self._layout is None:
            self._layout = node.GetViewArrangement(), layout
        self._layout = self._layout[0], layout
        node.SetViewArrangement(layout)
        return True

    def alignSlices(self, names: Sequence[str]) -> None:
        """Let the slice views of these names show the slice that the first of them shows."""
        views = {node.GetLayoutName(): node for node in _nodes(self._scene, "vtkMRMLSliceNode")}
        shown = [views[name] for name in names if name in views]
        for node in shown[1:]:
            self._slices.setdefault(node.GetID(), _slice(node))
            _setSlice(node, _slice(shown[0]))

    def restore(self) -> None:
        """Put back the layout, unless another one than ours is shown by now, and the slices."""
        layout, slices, self._layout, self._slices = self._layout, self._slices, None, {}
        node = layoutNode(self._scene)
        if node is not None and layout is not None and node.GetViewArrangement() == layout[1]:
            node.SetViewArrangement(layout[0])
        for nodeId, state in slices.items():
            view = self._scene.GetNodeByID(nodeId)
            if view is not None:
                _setSlice(view, state)

    def forget(self) -> None:
        """Keep nothing: the scene has been closed."""
        self._layout, self._slices = None, {}


def _slice(node) -> tuple:
    matrix = vtkMatrix4x4()
    matrix.DeepCopy(node.GetSliceToRAS())
    return matrix, node.GetFieldOfView(), node.GetXYZOrigin(), node.GetDimensions(), node.GetOrientation()


def _setSlice(node, state: tuple) -> None:
    matrix, fieldOfView, origin, dimensions, orientation = state
    wasModifying = node.StartModify()
    try:
        node.GetSliceToRAS().DeepCopy(matrix)
        # A view of another shape keeps its own, at the same number of pixels a mm.
        now = node.GetDimensions()
        scale = [now[a] / dimensions[a] if dimensions[a] and now[a] else 1.0 for a in range(2)]
        node.SetFieldOfView(fieldOfView[0] * scale[0], fieldOfView[1] * scale[1], fieldOfView[2])
        node.SetXYZOrigin(*origin)
        if hasattr(node, "SetOrientation") and node.HasSliceOrientationPreset(orientation):
            node.SetOrientation(orientation)
            node.GetSliceToRAS().DeepCopy(matrix)  # the preset has moved it
        node.UpdateMatrices()
    finally:
        node.EndModify(wasModifying)
