"""Convergence: the residual after each iteration."""

from __future__ import annotations

import numpy as np

from ..charts import Chart, chart_row, charted
from ..findings import Findings
from ..tags import tag
from .section import Section


def convergence_section(found: Findings) -> Section | None:
    """The residual after each iteration, or a sentence on why there is none."""
    if found.operation != "deconvolve":
        return None
    history = np.asarray(found.result.history, float)
    if found.result.automatic.get("no_residual"):  # which would fall all the same
        text = f"The method made {found.result.iterations} iterations, with no blur to undo."
        return None if history.size < 2 else Section("convergence", "Convergence", tag("p", text))
    if history.size < 2:
        count = found.result.iterations
        text = "The method does not iterate: it computes its result in one go."
        if count is not None:
            text = f"The method made {count} iterations and keeps no record of them; only the joint methods do."
        return Section("convergence", "Convergence", tag("p", text))
    steps = np.arange(1, history.size + 1)
    low, high = float(np.nanmin(history)), float(np.nanmax(history))
    log = low > 0 and high > 20 * low
    chart = Chart(
        (1, max(2, history.size)), (low * 0.8, high * 1.25) if log else (min(0.0, low), 1.05 * high), "iteration",
        "residual", "Residual after each iteration", y_log=log,
    )  # fmt: skip
    chart.level(1.0, "level of the noise")
    chart.line(steps, history, "residual", "after")
    if history.size <= 60:
        chart.points(steps, history)
    stopped = found.result.automatic.get("stopped")
    text = "The residual ‖y − A x‖ / (σ √N) after each iteration: at 1 the blurred result agrees with the image "
    text += "within the noise."
    text += f" It ended because: {stopped}." if stopped else ""
    return Section("convergence", "Convergence", chart_row(charted(chart, text)))
