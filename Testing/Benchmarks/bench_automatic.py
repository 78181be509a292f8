"""How close automatic stopping and regularisation come to the best fixed choice, over a suite of cases.

    python Testing/Benchmarks/bench_automatic.py [--methods M ...] [--images I ...] [--json FILE]

The suite: four pictures and a block of a brain; kernels that are known at every voxel, Gaussians with a 10 %
error in their widths, and kernels keyed to the blurred image itself; ten Gaussians or ten motion kernels;
both models; noise sigma 0.5 and 2 (of an intensity range of 100). "loss" is the PSNR of the best of the
fixed settings, found with the truth in hand, less that of the automatic one. The noise is estimated too.

Source-keyed motions make images so rough that their noise is overestimated: a last table shows what that does to
self-keyed, with the noise estimated and with the true one.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
from cases import blur, brain, gaussians, motions, picture, psnr

from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.solvers.solve import solve

IMAGES = {
    "camera": lambda: picture("camera", (192, 192)),
    "coins": lambda: picture("coins", (192, 256)),
    "moon": lambda: picture("moon", (192, 192)),
    "brain slice": lambda: brain()[32],
    "brain": lambda: brain()[20:44, 32:96, 32:96],
}
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


def rough(truths: dict[str, np.ndarray]) -> list[dict]:
    """Self-keyed of images that are rough without noise: with the estimated noise and with the true one."""
    rows = []
    print(f"{'self-keyed, source, motions':<68} {'blurred':>8} {'noise estimated / given':^38}")
    print(f"{'':<77} {'PSNR':>13} {'residual':>15} {'noise / true':>13}")
    for (name, truth), sigma in itertools.product(truths.items(), (0.5, 2.0)):
        field = motions(truth.ndim)
        y = blur(truth, field, "source", sigma)
        operator = SpatiallyVariantBlur(field, y.shape, guide=y, model="source")
        free, given = (solve(operator, y, "self-keyed", noise=noise) for noise in (None, sigma))
        row = {
            "image": name,
            "noise": sigma,
            "blurred": psnr(y, truth),
            "psnr": [psnr(s.image, truth) for s in (free, given)],
            "residual": [free.residual, given.residual],
            "noise_ratio": free.parameters["noise"] / sigma,
        }
        rows.append(row)
        pairs = "{:>6.2f} /{:>6.2f} {:>7.2f} /{:>6.2f}".format(*row["psnr"], *row["residual"])
        print(
            f"{name + f', noise {sigma:g}':<68} {row['blurred']:>8.2f} {pairs} {row['noise_ratio']:>13.1f}",
            flush=True,
        )
    return rows


def main() -> None:
    methods = ("richardson-lucy", "projected-landweber", "tikhonov", "tv", "self-keyed")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=methods, default=list(methods))
    parser.add_argument("--images", nargs="+", choices=IMAGES, default=list(IMAGES))
    parser.add_argument("--json", type=Path, default=Path("bench_automatic.json"))
    arguments = parser.parse_args()
    truths = {name: IMAGES[name]() for name in arguments.images}
    rows = []
    print(f"{'':<68} {'blurred':>8} {'best':>6} {'auto':>6} {'loss':>6}  residual")
    for method in arguments.methods:
        for name, truth in truths.items():
            for model in ("detector", "source"):
                for family in FAMILIES:
                    for sigma in (0.5, 2.0):
                        for known in variants(method, family, model, sigma):
                            row = case(truth, method, family, model, sigma, known)
                            label = f"{method}, {name}, {model}, {family}, noise {sigma:g}, {known}"
                            rows.append(
                                {
                                    "method": method,
                                    "image": name,
                                    "model": model,
                                    "family": family,
                                    "noise": sigma,
                                    "kernels": known,
                                    **row,
                                }
                            )
                            print(
                                f"{label:<68} {row['blurred']:>8.2f} {row['best']:>6.2f} {row['automatic']:>6.2f} "
                                f"{row['loss']:>6.2f}  {row['residual']:.2f}",
                                flush=True,
                            )
        losses = np.array([r["loss"] for r in rows if r["method"] == method])
        print(
            f"-- {method}: {len(losses)} cases, {np.mean(losses <= 0.5):.0%} within 0.5 dB, "
            f"mean loss {losses.mean():.2f} dB, largest {losses.max():.2f} dB",
            flush=True,
        )
    losses = np.array([r["loss"] for r in rows])
    share = float(np.mean(losses <= 0.5))
    print(f"all: {len(losses)} cases, {share:.1%} within 0.5 dB (target 90 %)")
    summary = {"rows": rows, "within_half_a_decibel": share}
    if "self-keyed" in arguments.methods:
        summary["rough"] = rough(truths)
    arguments.json.write_text(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
