"""All frames of a sequence in numbers, one of which the page shows."""

from __future__ import annotations

import numpy as np

from ..charts import Chart, chart_row, charted
from ..findings import Findings
from ..formatting import number
from ..layout import table
from ..tags import joined
from .section import Section


def frames_section(found: Findings) -> Section | None:
    """Residual and noise of every frame of a sequence."""
    frames = found.run.frames
    if not frames:
        return None
    names = ("residual", "noise", "iterations", "seconds")
    rows = []
    for frame in frames:
        values = (None if frame.get(name) is None else number(frame[name]) for name in names)
        rows.append((f"{frame['index']}{' (shown here)' if frame.get('shown') else ''}", *values))
    listed = table(rows, ("frame", *names), classes=("n",) * len(names))
    residuals = np.array([np.nan if f.get("residual") is None else f["residual"] for f in frames], float)
    chart = None
    if np.isfinite(residuals).sum() > 1:
        drawn = Chart(
            (0, len(residuals) - 1), (0.0, 1.1 * max(1.0, float(np.nanmax(residuals)))), "frame number", "residual",
            "Residual of every frame",
        )  # fmt: skip
        drawn.level(1.0, "level of the noise")
        drawn.line(np.arange(len(residuals)), residuals, "residual", "after")
        drawn.points(np.arange(len(residuals)), residuals)
        text = "The residual of every frame; one that stands out was blurred otherwise, or moved."
        chart = chart_row(charted(drawn, text))
    return Section("frames", "All frames", joined(chart, listed))
