"""The part of the panel where the region to work in is chosen."""

import qt
import slicer

from ..mrml import places
from .parameters import NO_SEGMENT, RegionKind, chosenSegments


class RegionSection:
    """Shows segments and intensities of what is chosen, and passes the user's choice to the parameter node."""

    def __init__(self, ui, getParameterNode):
        self._ui, self._node = ui, getParameterNode
        self._segments = None
        self._range = None
        self._updating = False
        ui.maskSegmentsComboBox.connect("checkedIndexesChanged()", self.onSegmentsChecked)
        ui.thresholdRangeWidget.connect("valuesChanged(double,double)", self.onThresholdChanged)
        ui.boxSelector.connect("nodeAddedByUser(vtkMRMLNode*)", self.onBoxAdded)

    def update(self, _state=None):
        """Show what the parameter node holds."""
        node = self._node()
        self._updating = True
        try:
            self._updateSegments(node)
            self._updateRange(node)
        finally:
            self._updating = False

    def _updateSegments(self, node):
        comboBox, segments = self._ui.maskSegmentsComboBox, places.segmentsOf(node.mask)
        chosen = chosenSegments(node)
        shown = (segments, tuple(chosen))
        if shown == self._segments:
            return
        self._segments = shown
        comboBox.clear()
        comboBox.addItems([name for _segmentId, name in segments])
        for row, (segmentId, _name) in enumerate(segments):
            checked = qt.Qt.Checked if segmentId in chosen else qt.Qt.Unchecked
            comboBox.setCheckState(comboBox.model().index(row, 0), checked)

    def _updateRange(self, node):
        if node.regionKind != RegionKind.Threshold:
            return
        widget, limits = self._ui.thresholdRangeWidget, places.intensityRange(node.inputVolume)
        if limits is None:
            return
        if limits != self._range:
            self._range = limits
            span = max(limits[1] - limits[0], 1e-6)
            widget.decimals = 0 if span >= 1000 else 2 if span >= 10 else 5
            widget.singleStep = span / 200
            widget.setRange(*limits)
        if node.thresholdLower == node.thresholdUpper == 0.0:  # nothing was chosen yet
            node.thresholdLower, node.thresholdUpper = limits
        widget.setValues(node.thresholdLower, node.thresholdUpper)

    def onSegmentsChecked(self):
        node = self._node()
        if self._updating or not node:
            return
        rows = {index.row() for index in self._ui.maskSegmentsComboBox.checkedIndexes()}
        segments = places.segmentsOf(node.mask)
        chosen = [segmentId for row, (segmentId, _name) in enumerate(segments) if row in rows]
        self._segments = (segments, tuple(chosen))
        node.maskSegments = [] if len(chosen) == len(segments) else chosen or [NO_SEGMENT]

    def onThresholdChanged(self, lower, upper):
        node = self._node()
        if self._updating or not node:
            return
        with slicer.util.NodeModify(node):
            node.thresholdLower, node.thresholdUpper = lower, upper

    def onBoxAdded(self, box):
        """A new box has no size yet: place it in the middle of the input volume."""
        node = self._node()
        if node and node.inputVolume is not None and box is not None:
            places.fitBox(box, node.inputVolume)
            box.CreateDefaultDisplayNodes()
