"""How good results with refined kernels are, where the kernels given are all too wide by one factor.

    python Testing/Benchmarks/bench_refine.py [--images I ...] [--keys K ...] [--factor F] [--each] [--json FILE]

The suite is that of bench_width.py: pictures, slices of the brain and boxes, at 128 squares; one kernel, kernels by
region, by position and by a guide; Gaussians and disks, both models; every image with two of the four keys. Noise
sigma 0.5 (of 100), estimated. The image is restored by joint total variation with the right kernels, with those
that are given, `--factor` times as wide, and with what `sd.refine_kernels` makes of them; where it refuses, with
those given. "off" is the root mean square of ln(width / true width) after refining, "told" the spread that was
told, "lost" the median of what results are worse by than with the right kernels (dB), "within 0.7 dB" the share of
results that are worse by no more.

--each looks at `each=True` instead: pairs of kernels for the two halves of an image, of which one is right and the
other 25 % too wide. "kept" is the share of right kernels that stay as they are, "near" that of all kernels which
are then within 10 % of the right width, and "told" the root mean square of ln(factor found / true factor) over the
standard deviation that was told, which is 1 where errors are of the size that is told.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time

import numpy as np
from bench_width import IMAGES, KEYS, blurred, field_of
from results import Results, Table, options_of

import SpatialDeconvLib as sd

NOISE = 0.5
NEAR = 0.7
TARGET = ">= 0.80"
PAIRS = (("gaussian", (1.2, 1.8), "sigma_mm"), ("disk", (2.0, 3.0), "radius_mm"))
PAIR_FACTOR = 1.25


def row_of(name: str, key: str, turn: int, factor: float) -> dict:
    """One image with one key."""
    truth = IMAGES[name]()
    family, model = ("Gaussians", "disks")[turn % 2], ("detector", "source")[turn // 2 % 2]
    field, chosen = field_of(key, family, truth, turn)
    rng = np.random.default_rng([turn, KEYS.index(key)])
    image = (blurred(truth, field, model, chosen) + rng.normal(0, NOISE, truth.shape)).astype(np.float32)

    def quality(kernels: sd.KernelField) -> float:
        result = sd.deconvolve(image, kernels, model=model, strategy="joint", method="tv", **chosen)
        return float(sd.psnr(truth, result.image))

    wide = sd.scale_kernels(field, factor)
    begun = time.process_time()
    off, told, reason = math.log(factor), math.nan, ""
    refined = wide
    try:
        refined = sd.refine_kernels(image, wide, model=model, **chosen)
        done = refined.refinement
        off, told = math.log(factor * next(iter(done.factors.values()))), done.width.sigma
    except sd.InputError as error:
        reason = str(error)
    seconds = time.process_time() - begun
    right, given = quality(field), quality(wide)
    found = given if reason else quality(refined)
    print(f"{name:22} {key:9} {family:10} {model:9} {off:+.3f} {right - given:5.2f} {right - found:5.2f} {reason}")
    return {
        "image": name, "key": key, "family": family, "model": model, "off": off, "told": told, "reason": reason,
        "right": right, "given": right - given, "refined": right - found, "seconds": seconds,
    }  # fmt: skip


def rows_of(names: list[str], keys: list[str], factor: float) -> list[dict]:
    rows = []
    for (number, name), key in itertools.product(enumerate(IMAGES), KEYS):
        if (number + KEYS.index(key)) % 2 == 0 and name in names and key in keys:
            rows.append(row_of(name, key, number, factor))
    return rows


def pairs_of(names: list[str]) -> list[dict]:
    """Every image with two kernels of which one is wrong: Gaussians and disks, both models, either half."""
    rows = []
    for name, (family, sizes, word), model, wrong in itertools.product(
        names, PAIRS, ("source", "detector"), (1, 2)
    ):
        truth = IMAGES[name]()
        labels = np.ones(truth.shape, int)
        labels[:, truth.shape[1] // 2 :] = 2
        off = {1: 1.0, 2: 1.0, wrong: PAIR_FACTOR}
        right, given = (
            sd.KernelField.by_region(
                None, {at: sd.ParametricKernel(family, **{word: sizes[at - 1] * f}) for at, f in factors.items()}
            )
            for factors in ({1: 1.0, 2: 1.0}, off)
        )
        image = blurred(truth, right, model, {"labels": labels})
        image = (image + np.random.default_rng(3).normal(0, NOISE, truth.shape)).astype(np.float32)
        try:
            done = sd.refine_kernels(image, given, model=model, labels=labels, each=True).refinement
        except sd.InputError as error:
            print(f"{name:22} {family:10} {model:9} {error}")
            continue
        for at, factor in off.items():
            own, left = done.own.get(at), factor * done.factors[at]
            told = math.nan if own is None else math.log(own.factor / factor) / own.sigma
            print(f"{name:22} {family:10} {model:9} {factor:4.2f} {left:5.3f} {told:+.2f}")
            rows.append({"family": family, "right": factor == 1, "left": left, "told": told})
    return rows


def pair_figures(rows: list[dict]) -> dict[str, float]:
    told = [row["told"] for row in rows if not math.isnan(row["told"])]
    return {
        "kernels": len(rows),
        "kept": float(np.mean([row["left"] == 1 for row in rows if row["right"]])),
        "near": float(np.mean([abs(math.log(row["left"])) < 0.1 for row in rows])),
        "told": float(np.sqrt(np.mean(np.square(told)))),
    }


def figures(rows: list[dict]) -> dict[str, float]:
    """What one line of the table says."""
    known = [row for row in rows if not row["reason"]]
    return {
        "cases": len(rows),
        "refused": sum(bool(row["reason"]) for row in rows),
        "off": float(np.sqrt(np.mean([row["off"] ** 2 for row in known]))) if known else math.nan,
        "told": float(np.sqrt(np.mean([row["told"] ** 2 for row in known]))) if known else math.nan,
        "lost, given": float(np.median([row["given"] for row in rows])),
        "lost": float(np.median([row["refined"] for row in rows])),
        "within 0.7 dB": float(np.mean([row["refined"] <= NEAR for row in rows])),
    }


def main() -> None:
    parser = options_of(__doc__, "refine")
    planar = [name for name in IMAGES if "3-D" not in name]
    parser.add_argument("--images", nargs="+", choices=planar, default=planar, metavar="IMAGE")
    parser.add_argument("--keys", nargs="+", choices=KEYS, default=list(KEYS))
    parser.add_argument("--factor", type=float, default=1.2, help="by which the given kernels are too wide")
    parser.add_argument("--each", action="store_true", help="pairs of a right kernel and a wrong one, each=True")
    arguments = parser.parse_args()
    if arguments.each:
        print_pairs(arguments)
        return
    rows = rows_of(arguments.images, arguments.keys, arguments.factor)
    results = Results("refine", images=arguments.images, keys=arguments.keys, factor=arguments.factor)
    names = list(figures(rows))
    counts = ("cases", "refused")
    table = Table([("", "<12"), *((name, ">8" if name in counts else ">13.2f") for name in names)])
    for group in (*arguments.keys, "Gaussians", "disks", "all"):
        chosen = [row for row in rows if group in (row["key"], row["family"], "all")]
        if chosen:
            said = figures(chosen)
            table.row(group, *said.values())
            target = TARGET if group == "all" else None
            results.add(group, said["within 0.7 dB"], "share", better="more", target=target, **said)
    results.add("seconds of one refinement", float(np.mean([row["seconds"] for row in rows])), "s")
    results.print_targets()
    results.write(arguments.json)


def print_pairs(arguments: argparse.Namespace) -> None:
    rows = pairs_of(arguments.images)
    results = Results("refine each", images=arguments.images)
    table = Table([("", "<12"), *((name, ">8" if name == "kernels" else ">8.2f") for name in pair_figures(rows))])
    for group in ("gaussian", "disk", "all"):
        said = pair_figures([row for row in rows if group in (row["family"], "all")])
        table.row(group, *said.values())
        results.add(group, said["kept"], "share", better="more", **said)
    results.write(arguments.json)


if __name__ == "__main__":
    main()
