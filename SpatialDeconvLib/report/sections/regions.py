"""The means of regions, where the run was asked for them."""

from __future__ import annotations

from ...run.regions import RegionMean, columns_of
from ..findings import Findings
from ..formatting import number
from ..layout import table
from ..tags import joined, tag
from .section import Section


def regions_section(found: Findings) -> Section | None:
    """The mean of every region of the label map, with its uncertainty."""
    means = [RegionMean(**record) for record in found.run.recipe["result"].get("region_means", ())]
    if not means:
        return None
    columns = columns_of(means)
    first, *others = columns
    rows = [
        (str(name), *(cell if isinstance(cell, str) else number(cell) for cell in cells))
        for name, *cells in zip(*columns.values(), strict=True)
    ]
    intro = (
        "The mean of each region of the label map, as measured and without what the blur carried from one region "
    )
    intro += "into another, one value being taken for each region. The uncertainty is that of the noise alone."
    classes = ["" if name in ("name", "part") else "n" for name in others]
    return Section(
        "regions", "Means of regions", joined(tag("p", intro), table(rows, (first, *others), None, classes))
    )
