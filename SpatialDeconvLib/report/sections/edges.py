"""Edges: values along lines through those that changed most."""

from __future__ import annotations

import numpy as np

from ..charts import Chart, chart_row, charted
from ..findings import Findings
from ..formatting import number
from ..tags import joined, tag
from .section import Section


def edges_section(found: Findings) -> Section | None:
    """Line profiles through the edges that changed most."""
    if not found.profiles:
        return None
    figures = []
    for n, profile in enumerate(found.profiles, 1):
        lines = profile.lines
        values = np.concatenate(list(lines.values()))
        margin = 0.05 * float(np.ptp(values))
        letter = "kji"[profile.axis]
        where = ", ".join(f"{a} = {v}" for a, v in zip("kji", profile.voxel, strict=True))
        before, after = (profile.steepest(name) for name in ("before", "after"))
        chart = Chart(
            (profile.position[0], profile.position[-1]), (values.min() - margin, values.max() + margin),
            f"mm along {letter} from ({where})", "value",
            f"Values along {letter} through the edge at {where}, before and after",
        )  # fmt: skip
        if "reference" in lines:
            chart.line(profile.position, lines["reference"], "reference", "reference")
        for name in ("before", "after"):
            chart.line(profile.position, lines[name], name, name)
            chart.points(profile.position, lines[name], name)
        text = f"Edge {n}: the steepest step between neighbours went from {number(before, 3)} to "
        text += f"{number(after, 3)} per mm"
        if "reference" in lines:
            text += f"; it is {number(profile.steepest('reference'), 3)} in the reference"
        figures.append(charted(chart, text + "."))
    text = "Values of single voxels along straight lines through the edges that changed most."
    if found.operation == "deconvolve":
        text += (
            " A deconvolution that works makes edges steeper; overshoot beside them, or waves that the image did"
        )
        text += " not have, are artefacts."
    return Section("edges", "Edges", joined(tag("p", text), chart_row(*figures)))
