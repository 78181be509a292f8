"""One plot beside the slice views, whichever section shows it; the layout from before comes back after it."""

import slicer

from . import curveplots, plotnodes, sliceviews

LAYOUT = 36  # vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView


class PlotBeside:
    """Shows the plot of one section at a time, which is told when another takes the place."""

    def __init__(self):
        self._chart = self._layout = self._ended = None

    def show(self, plot, ended):
        """Show a plot (`curveplots.CurvePlot`).

        :param ended: called when another section shows one; it stands for this section in `hide`, too
        """
        before, self._ended = self._ended, None
        self._takeAway()
        if before not in (None, ended):
            before()
        self._chart, self._ended = curveplots.plotCurves(plot), ended
        self._layout = sliceviews.LayoutKeeper(slicer.mrmlScene)
        self._layout.show(LAYOUT)
        for node in sliceviews.plotViewNodes(slicer.mrmlScene, exceptFor="SpatialDeconvWeights"):
            node.SetPlotChartNodeID(self._chart.GetID())

    def hide(self, ended):
        """Take a section's plot away, if it is shown, and put the layout back."""
        if self._ended == ended:
            self._ended = None
            self._takeAway()

    def sceneClosed(self):
        """The scene is being closed: the plot goes away by itself, the layout does not."""
        self._chart = None

    def _takeAway(self):
        plotnodes.removePlot(self._chart)
        if self._layout is not None:
            self._layout.restore()
        self._chart = self._layout = None
