"""How close each joint method's automatic stopping or weight comes to its best fixed setting: `--losses`.

Four pictures and a block of a brain; kernels that are known at every voxel, Gaussians with a 10 %
error in their widths, and kernels keyed to the blurred image itself; ten Gaussians or ten motion kernels;
both models; noise sigma 0.5 and 2 (of an intensity range of 100). "loss" is the PSNR of the best of the
fixed settings, found with the truth in hand, less that of the automatic one. The noise is estimated too.

Source-keyed motions make images so rough that their noise is overestimated: a last table shows what that does to
self-keyed, with the noise estimated and with the true one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from cases import blur, brain, gaussians, motions, picture, psnr
from results import Results, Table, verdict

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.solvers.solve import solve

IMAGES = {
    "camera": lambda: picture("camera", (192, 192)),
    "coins": lambda: picture("coins", (192, 256)),
    "moon": lambda: picture("moon", (192, 192)),
    "brain slice": lambda: brain()[32],
    "brain": lambda: brain()[20:44, 32:96, 32:96],
}
METHODS = ("richardson-lucy", "projected-landweber", "tikhonov", "tv", "self-keyed")
FAMILIES = {"gaussians": gaussians, "motions": motions}
COUNTS = (1, 2, 4, 6, 8, 11, 15, 20, 27, 36, 50)
TV = (0.8, 0.4, 0.2, 0.1, 0.05, 0.025)
TIKHONOV = (0.64, 0.16, 0.04, 0.01, 0.0025, 0.000625)


def fixed_settings(method: str, sigma: float) -> list[dict]:
    if method in ("tv", "self-keyed"):
        return [{"regularization": f * sigma} for f in TV]
    if method == "tikhonov":
        return [{"regularization": f * sigma**2} for f in TIKHONOV]
    return [{"iterations": n} for n in COUNTS]


def variants(method: str, family: str, model: str, sigma: float) -> list[str]:
    """What is known about the kernels."""
    known = ["exact"]
    if method != "self-keyed" and model == "detector":
        known.append("keyed to data")
    if family == "gaussians" and sigma < 1:
        known.append("10 % wrong")
    return known


def case(truth, method, family, model, sigma, known) -> dict:
    true_field = FAMILIES[family](truth.ndim)
    y = blur(truth, true_field, model, sigma)
    field = gaussians(truth.ndim, factor=1.1) if known == "10 % wrong" else true_field
    guide = y if method == "self-keyed" or known == "keyed to data" else truth
    operator = SpatiallyVariantBlur(field, y.shape, guide=guide, model=model)
    automatic = solve(operator, y, method)
    scores = []
    for options in fixed_settings(method, sigma):
        scores.append((psnr(solve(operator, y, method, noise=sigma, **options).image, truth), options))
    best, options = max(scores, key=lambda s: s[0])
    score = psnr(automatic.image, truth)
    return {
        "blurred": psnr(y, truth),
        "best": best,
        "best_setting": next(iter(options.values())),
        "automatic": score,
        "loss": best - score,
        "iterations": automatic.iterations,
        "residual": automatic.residual,
    }


def rough(results: Results, truths: dict[str, np.ndarray]) -> None:
    """Self-keyed of images that are rough without noise: with the estimated noise and with the true one."""
    print("\nnoise estimated / given")
    table = Table(
        [("self-keyed, source, motions", "<68"), ("blurred", ">8.2f"), ("PSNR", ">6.2f"), ("", ">6.2f"),
         ("residual", ">8.2f"), ("", ">6.2f"), ("noise / true", ">13.1f")]
    )  # fmt: skip
    for (name, truth), sigma in itertools.product(truths.items(), (0.5, 2.0)):
        field = motions(truth.ndim)
        y = blur(truth, field, "source", sigma)
        operator = SpatiallyVariantBlur(field, y.shape, guide=y, model="source")
        free, given = (solve(operator, y, "self-keyed", noise=noise) for noise in (None, sigma))
        scores = [psnr(solution.image, truth) for solution in (free, given)]
        label, blurred, ratio = f"{name}, noise {sigma:g}", psnr(y, truth), free.parameters["noise"] / sigma
        table.row(label, blurred, *scores, free.residual, given.residual, ratio)
        results.add(
            f"rough: {label}",
            scores[0],
            "dB",
            blurred=blurred,
            with_true_noise=scores[1],
            residuals=[free.residual, given.residual],
            noise_ratio=ratio,
        )


def summary(results: Results, name: str, losses: list[float], target: str | None = None) -> None:
    share, mean, largest = 100 * float(np.mean(np.array(losses) <= 0.5)), float(np.mean(losses)), max(losses)
    row = results.add(
        f"{name}: within 0.5 dB",
        share,
        "%",
        better="more",
        target=target,
        cases=len(losses),
        mean=mean,
        largest=largest,
    )
    print(
        f"-- {name}: {len(losses)} cases, {share:.1f} % within 0.5 dB, mean loss {mean:.2f} dB, "
        f"largest {largest:.2f} dB {verdict(row)}"
    )


def losses(methods: Sequence[str], images: Sequence[str], results: Results) -> None:
    """Print the tables and add their rows."""
    truths = {name: IMAGES[name]() for name in images}
    table = Table(
        [("", "<68"), ("blurred", ">8.2f"), ("best", ">6.2f"), ("auto", ">6.2f"), ("loss", ">6.2f"),
         ("residual", ">9.2f")]
    )  # fmt: skip
    found: dict[str, list[float]] = {method: [] for method in methods}
    for method, (name, truth), model, family, sigma in itertools.product(
        methods, truths.items(), ("detector", "source"), FAMILIES, (0.5, 2.0)
    ):
        for known in variants(method, family, model, sigma):
            row = case(truth, method, family, model, sigma, known)
            label = f"{method}, {name}, {model}, {family}, noise {sigma:g}, {known}"
            found[method].append(row.pop("loss"))
            table.row(label, row["blurred"], row["best"], row["automatic"], found[method][-1], row["residual"])
            results.add(label, found[method][-1], "dB", better="less", **row)
    for method, some in found.items():
        summary(results, method, some)
    summary(results, "all", list(itertools.chain(*found.values())), target=">= 90")
    if "self-keyed" in methods:
        rough(results, truths)
