"""What stands above the sections: what was done, the most important numbers, and warnings."""

from __future__ import annotations

import math

import numpy as np

from ...errors import is_auto
from ..findings import Findings
from ..formatting import number
from ..tags import Markup, joined, tag
from .residual import verdict_on


def header(found: Findings) -> Markup:
    """What was done, in words and numbers, and what is to be noted."""
    return joined(_lead(found), _facts(found), _warnings(found))


def _lead(found: Findings) -> Markup:
    shape, spacing = found.before.shape, found.spacing
    size = " × ".join(str(n) for n in shape[::-1])
    step = " × ".join(number(s) for s in spacing[::-1])
    where = {
        "uniform": "with one kernel everywhere",
        "intensity": f"with {len(found.field.kernels)} kernels chosen by the intensity of "
        + ("the image" if found.guide is None or found.run.is_self_keyed else "a guide image"),
        "region": f"with {len(found.field.kernels)} kernels, one for each region of a label map",
        "position": f"with {len(found.field.kernels)} kernels that belong to places in the image",
        "weights": f"with {len(found.field.kernels)} kernels and given weights",
    }[found.field.key]
    start = f"An image of {size} voxels (i × j × k) of {step} mm was {found.operation}d {where}"
    return tag("p", start, *_how(found), _circumstances(found), _choice(found), class_="lead")


def _how(found: Findings) -> tuple[str, ...]:
    """The method, in words."""
    if found.run.method is None:
        return ()
    method = tag("b", found.run.method.in_prose)
    if found.run.method.strategy == "joint":
        return ", with the joint method ", method, ", which inverts the spatially variant blur itself"
    if found.run.method.automatic:
        return ", with ", method, ", and blended with the kernels’ weights"
    several = len(found.field.kernels) > 1
    blended = ", run once for each kernel and blended with the kernels’ weights" if several else ""
    return ", with the method ", method, blended


def _choice(found: Findings) -> str:
    """What the run took by itself, and why: a sentence, or nothing."""
    choice = found.result.describe_choice()
    return f" The automatic choice {choice}." if choice else ""


def _circumstances(found: Findings) -> str:
    """Mask, channels and frames, in words: the end of a sentence, and more sentences."""
    text = ""
    if found.mask is not None:
        share = np.count_nonzero(found.mask) / found.mask.size
        text += f"; only {number(100 * share, 3)} % of the voxels, those of a mask, were to change"
    text += "."
    if found.channel is not None:
        text += (
            f" Of the {found.channel[1]} values of each voxel, the pictures and charts show number "
            f"{found.channel[0] + 1}{f' ({found.channel_name})' if found.channel_name else ''}, which changed most."
        )
    if found.run.frames:
        text += f" It is one of the {len(found.run.frames)} frames of a sequence: {found.frame}."
    return text


def _facts(found: Findings) -> Markup:
    result, facts = found.result, []
    residual = found.run_residual
    if found.operation == "deconvolve":
        reason = result.automatic.get("no_residual") or "there is no noise to compare with"
        verdict = f"unknown: {reason}" if residual is None else verdict_on(residual)
        facts.append(("Residual", "none" if residual is None else number(residual, 3), verdict))
    if found.noise is not None:
        given = "estimated from the image" if is_auto(result.parameters.get("noise")) else "given"
        law = result.automatic.get("noise_law", "")
        follows = f"; {law}" if "signal" in law else ""
        facts.append(("Noise", number(found.noise, 3), f"standard deviation, {given}{follows}"))
    if result.iterations is not None:
        facts.append(("Iterations", str(result.iterations), str(result.automatic.get("stopped", ""))))
    size = _root_mean_square_change(found)
    spread = float(np.std(found.filled, dtype=np.float64))
    relative = f"{number(100 * size / spread, 3)} % of the image’s standard deviation" if spread else ""
    facts.append(("Change", number(size, 3), f"root mean square; {relative}" if relative else "root mean square"))
    before, after = found.metrics.get("before", {}), found.metrics.get("after", {})
    if all(math.isfinite(values.get("psnr", math.inf)) for values in (before, after)):
        gain = after["psnr"] - before["psnr"]
        text = f"to the reference; {number(before['psnr'])} dB before, {gain:+.2f} dB"
        facts.append(("PSNR", f"{after['psnr']:.2f} dB", text))
    facts.append(("Time", f"{number(result.seconds, 3)} s", "of the run, without reading and writing"))
    items = (tag("div", tag("dt", name), tag("dd", value, tag("small", text))) for name, value, text in facts)
    return tag("dl", *items, class_="facts")


def _root_mean_square_change(found: Findings) -> float:
    total, count = 0.0, 0
    for k, (before, after) in enumerate(zip(found.filled, found.after, strict=True)):
        change = np.subtract(after, before, dtype=np.float64)
        change = change if found.mask is None else change[found.mask[k]]
        total, count = total + float(np.sum(np.square(change))), count + change.size
    return math.sqrt(total / count)


def _warnings(found: Findings) -> Markup | None:
    if not found.result.warnings:
        return None
    items = (tag("li", text) for text in found.result.warnings)
    return tag("aside", tag("b", "To be noted"), tag("ul", *items), class_="warnings", aria_label="Warnings")
