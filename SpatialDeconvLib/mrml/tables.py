"""Table nodes."""

from __future__ import annotations

from collections.abc import Sequence

import vtk

from ..run.regions import RegionMean, columns_of

#: The reference from an output to the table of its region means.
REGION_MEANS_ROLE = "SpatialDeconv.regionMeans"


def placeRegionMeans(output, means: Sequence[RegionMean]) -> None:
    """Put the region means of an output into its table node, the one that it had or a new one beside it.

    An output that has none any more loses its table.
    """
    scene, table = output.GetScene(), output.GetNodeReference(REGION_MEANS_ROLE)
    if not means:
        if table is not None:
            scene.RemoveNode(table)
        return
    if table is None:
        name = scene.GetUniqueNameByString(f"{output.GetName()} region means")
        table = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        output.SetNodeReferenceID(REGION_MEANS_ROLE, table.GetID())
    table.SetAndObserveTable(_tableOf(means))


def _tableOf(means: Sequence[RegionMean]):
    table = vtk.vtkTable()
    for name, cells in columns_of(means).items():
        column = {int: vtk.vtkLongArray, float: vtk.vtkDoubleArray, str: vtk.vtkStringArray}[type(cells[0])]()
        column.SetName(name)
        for cell in cells:
            column.InsertNextValue(cell)
        table.AddColumn(column)
    return table
