"""Whether the kernels explain the image: the residual, and power spectra."""

from __future__ import annotations

import math

import numpy as np

from .. import numbers
from ..charts import Chart, chart_row, charted
from ..findings import Findings
from ..formatting import number
from ..layout import captioned, table
from ..pictures import LARGEST_PICTURE, as_shown, difference_limit, flips_of, framed, letters_of, slice_name
from ..pixels import diverging_pixels, reduced
from ..tags import Markup, joined, tag
from .section import Section


def verdict_on(residual: float) -> str:
    """Say what a residual means, in words."""
    if residual > 1.25:
        return "more than 1: the kernels do not explain the image, or the noise was taken too small"
    if residual < 0.75:
        return "less than 1: some of the noise was fitted, or it was taken too large"
    return "about 1: the kernels explain the image"


def residual_section(found: Findings) -> Section:
    """What the blurred result leaves of the image, and power spectra."""
    spectra = _image_spectra(found)
    if found.operation != "deconvolve":
        return Section("spectra", "Spatial frequencies", chart_row(spectra))
    title = "Do the kernels explain the image?"
    if found.residual is None:
        return Section("residual", title, joined(tag("p", f"{found.no_residual}."), chart_row(spectra)))
    intro = "The result, blurred again with the kernels, should be the image but for its noise: the residual "
    intro += "r = y − A x should look like noise, without the outlines of objects, and have the same power at all "
    intro += "frequencies."
    if not found.residual.whole:
        size = " × ".join(str(s.stop - s.start) for s in found.residual.box[::-1])
        first = ", ".join(str(s.start) for s in found.residual.box[::-1])
        intro += f" It is shown for a block of {size} voxels from voxel ({first}) on (i, j, k)."
    drawn = chart_row(_residual_histogram(found), _residual_spectrum(found), spectra)
    return Section("residual", title, joined(tag("p", intro), _residual_pictures(found), drawn))


def _sigma(found: Findings) -> float:
    """The unit of the residual: the noise, or the residual's own deviation where there is no noise."""
    return found.noise or found.residual.root_mean_square() or 1.0


def _residual_pictures(found: Findings) -> Markup:
    residual, sigma = found.residual, _sigma(found)
    k = found.slices[0] - residual.box[0].start
    k = min(max(k, 0), len(residual.values) - 1)
    plane = residual.values[k] if residual.mask is None else np.where(residual.mask[k], residual.values[k], 0)
    turned = as_shown(found, plane, 0)[0]
    small, step = reduced(turned, LARGEST_PICTURE)
    limit = max(4 * sigma / step, difference_limit(np.abs(small)))
    alt = f"Residual in slice k = {k + residual.box[0].start}"
    picture = framed(diverging_pixels(small, limit), turned.shape, found.spacing[1:], alt,
                     letters=letters_of(found, 0, flips_of(found, 0)))  # fmt: skip
    text = f"The residual in slice k = {k + residual.box[0].start}, from blue at −{number(limit, 3)} to red at "
    text += f"+{number(limit, 3)}"
    text += f"; noise alone stays within ±{number(4 * sigma / step, 3)} nearly everywhere"
    text += f" (each pixel is the mean of {step} × {step} voxels)." if step > 1 else "."
    return tag("div", captioned(picture, text), _residual_table(found), class_="row two residual")


def residual_facts(found: Findings) -> list[tuple[str, float | None, str]]:
    """Return name, value and meaning of the numbers that describe the residual."""
    residual = found.residual
    facts: list[tuple[str, float | None, str]] = []
    if found.run_residual is not None:
        facts.append(
            (
                "Residual of the run",
                found.run_residual,
                "‖y − A x‖ / (σ √N) over all voxels; " + verdict_on(found.run_residual),
            )
        )
    facts.append(("Root mean square", residual.root_mean_square(), "of r, in image units"))
    if found.noise:
        facts.append(
            ("… in units of the noise", residual.root_mean_square() / found.noise, f"σ = {number(found.noise)}")
        )
    deviation = residual.deviation()
    facts.append(("Mean", residual.mean(), "0 when nothing is systematically missing"))
    counted = residual.counted()
    if deviation:
        beyond = float(np.mean(np.abs(counted - residual.mean()) > 3 * deviation))
        facts.append(("Beyond 3 deviations", 100 * beyond, "% of the voxels; 0.27 for Gaussian noise"))
    for axis, name in ((2, "i"), (1, "j"), (0, "k")):
        if residual.values.shape[axis] > 1:
            value = residual.correlation(axis)
            facts.append((f"Correlation along {name}", value, "of neighbours; 0 for white noise"))
    return facts


def _residual_table(found: Findings) -> Markup:
    rows = ((name, "none" if value is None else number(value), text) for name, value, text in residual_facts(found))
    return table(rows, caption="The residual in numbers", classes=("n", "soft"))


def _residual_histogram(found: Findings) -> Markup:
    sigma = _sigma(found)
    counted = found.residual.counted()
    counted = counted[:: max(1, counted.size // 2_000_000)].astype(np.float64) / sigma
    edges = np.linspace(-6, 6, 97)
    density = np.histogram(counted, edges)[0] / (counted.size * (edges[1] - edges[0]))
    middle = 0.5 * (edges[:-1] + edges[1:])
    gauss = np.exp(-0.5 * middle**2) / math.sqrt(2 * math.pi)
    chart = Chart(
        (-6.0, 6.0), (1e-5, 2 * max(float(density.max()), 0.4)), "residual / noise", "probability density",
        "Histogram of the residual, with the Gaussian of the noise", y_log=True,
    )  # fmt: skip
    chart.steps(edges, np.maximum(density, 1e-6), "residual")
    chart.line(middle, gauss, "Gaussian of the noise", "after")
    return charted(
        chart, "How often residuals of each size occur; wider than the curve: something is not explained."
    )


def _residual_spectrum(found: Findings) -> Markup | None:
    residual, sigma = found.residual, _sigma(found)
    if min(residual.values.shape[1:]) < 8:
        return None
    frequency, power = numbers.power_spectrum(residual.values, found.spacing[1:], residual.mask)
    power = power[1:] / sigma**2  # the mean is taken out of the first ring
    chart = Chart(
        (0.0, frequency[-1]), (max(1e-4, min(0.1, 0.7 * float(power.min()))), max(10.0, 1.5 * float(power.max()))),
        "cycles per mm", "power / noise variance", "Power spectrum of the residual", y_log=True,
    )  # fmt: skip
    chart.level(1.0, "white noise")
    chart.line(frequency[1:], power, "residual", "after")
    text = (
        "Power of the residual at each spatial frequency. Along the dotted line it is white, like the noise; above "
    )
    text += "it at low frequencies, structure is left over; below it, noise was fitted."
    return charted(chart, text)


def _image_spectra(found: Findings) -> Markup | None:
    k = found.slices[0]
    if min(found.before.shape[1:]) < 8:
        return None
    named = [("before", found.filled), ("after", found.after)]
    named += [] if found.reference is None else [("reference", found.reference)]
    curves = [(name, *numbers.power_spectrum(v[k : k + 1], found.spacing[1:])) for name, v in named]
    powers = np.concatenate([power[1:] for _, _, power in curves])
    highest = float(powers.max()) or 1.0
    chart = Chart(
        (0.0, curves[0][1][-1]), (max(float(powers.min()), highest * 1e-10), 2 * highest), "cycles per mm", "power",
        "Power spectra of the image before and after", y_log=True,
    )  # fmt: skip
    if found.noise:
        chart.level(found.noise**2, "noise before")
    for name, frequency, power in reversed(curves):
        chart.line(frequency[1:], power[1:], name, name)
    rises = (
        "What rises is what was restored, noise included"
        if found.operation == "deconvolve"
        else "What falls was blurred away"
    )
    return charted(chart, f"Power at each spatial frequency in {slice_name(found, k)}, before and after. {rises}.")
