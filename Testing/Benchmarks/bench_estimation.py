"""Kernel estimation: the reference case, the automatic weight, ten kernels from one pair, and the round trip.

    python Testing/Benchmarks/bench_estimation.py [--runs 3] [--only reference weight fields trip] [--json FILE]

Prints tables and writes the same as JSON.

- reference: a 30x30 square in 200x200, Gaussian of sigma 4 on 51x51, valid region. The estimate against gradient
  descent and FISTA on the simplex as they are found everywhere (3000 steps each, with the same fast products), and
  against scipy's dense lstsq on a quarter of the case, where the matrix fits. The ratio is that of the medians;
  rivals run once.
- weight: the error with the automatic weight over that with the best of seven fixed ones, for the penalties and
  several pairs, kernels and noises.
- fields: ten 11x11x11 Gaussians of sigma 0.8 ... 2 keyed to intensity, from one 64x128x128 pair with noise 0.5 %,
  in both models; the original is a phantom of boxes with texture, in the source model on a background of zero.
  Each with two constraints, of which the second has the target.
- trip: these kernels restore the middle of the brain, blurred the same way; PSNR against the true kernels.

Ends with a table of the targets. The fields alone take about four minutes of
processor time.
"""

from __future__ import annotations

import functools
import math
import resource
import time
from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.signal
from cases import LEVELS, brain, picture
from results import Results, Table, options_of, take_turns, verdict

import SpatialDeconvLib as sd
from SpatialDeconvLib.estimation.constrained import project
from SpatialDeconvLib.estimation.equations import Equations

NOISE = 0.5  # of 0 ... 100
TRIP = (32, 64, 64)  # of the brain's middle that is restored
# What the table of Resources/Docs/estimation.md compares; a model's last is what the targets are for. The source
# model's kernels need their signs.
CONSTRAINTS = (("detector", "none"), ("detector", "equal-sums"), ("source", "equal-sums"), ("source", "simplex"))
AIMED_AT = dict(CONSTRAINTS)


def gaussian(shape: tuple[int, ...], sigma: float) -> np.ndarray:
    axes = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    h = np.exp(-0.5 * sum(a**2 for a in axes) / sigma**2)
    return h / h.sum()


def centred(kernel: sd.Kernel, shape: tuple[int, ...]) -> np.ndarray:
    out = np.zeros(shape)
    corner = [n // 2 - m // 2 for n, m in zip(shape, kernel.shape, strict=True)]
    out[tuple(slice(c, c + m) for c, m in zip(corner, kernel.shape, strict=True))] = kernel.values
    return out


def error(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def boxes(shape: tuple[int, ...], texture: float, seed: int = 0, largest: int = 12) -> np.ndarray:
    """Boxes of random place, size and intensity (0 ... 100) over each other, with uniform texture."""
    rng = np.random.default_rng(seed)
    image = np.full(shape, 50.0)
    covered = 0
    while covered < 3 * image.size:
        size = rng.integers(2, largest + 1, len(shape))
        start = [rng.integers(1 - s, n) for s, n in zip(size, shape, strict=True)]
        image[tuple(slice(max(a, 0), a + s) for a, s in zip(start, size, strict=True))] = rng.uniform(0, 100)
        covered += int(np.prod(size))
    return image + texture * rng.uniform(-1, 1, shape)


# ------------------------------------------------------------------------------------------ reference


def reference_case(scale: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The case of the issue, or (scale 2) a quarter of it."""
    n = 200 // scale
    x = np.zeros((n, n))
    half = 15 // scale
    x[n // 2 - half : n // 2 + half, n // 2 - half : n // 2 + half] = 1
    h = gaussian((51, 51) if scale == 1 else (25, 25), 4 / scale)
    y = scipy.signal.fftconvolve(np.pad(x, [(m // 2, m - 1 - m // 2) for m in h.shape]), h, "valid")
    return x, y, h


def descent(x: np.ndarray, y: np.ndarray, h: np.ndarray, steps: int, accelerated: bool) -> np.ndarray:
    """Gradient descent, or FISTA on the simplex, with the same fast products as the library's."""
    equations = Equations(x, h.shape, workers=2)
    right = equations.adjoint(y[equations.valid])
    v = np.ones((1, *h.shape))
    for _ in range(20):
        v = equations.product(v / np.linalg.norm(v))
    step = 1 / float(np.linalg.norm(v))
    found = before = np.full((1, *h.shape), 1 / h.size)
    momentum = 1.0
    for _ in range(steps):
        point = found
        if accelerated:
            following = 0.5 * (1 + np.sqrt(1 + 4 * momentum**2))
            point = found + (momentum - 1) / following * (found - before)
            momentum = following
        before, found = found, point - step * (equations.product(point) - right)
        if accelerated:
            found = project(found, "simplex")
    return found[0]


def dense(x: np.ndarray, y: np.ndarray, h: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, h.shape)[..., ::-1, ::-1].reshape(-1, h.size)
    c, m = h.shape[0] // 2, h.shape[0]
    data = y[m - 1 - c : len(y) - c, m - 1 - c : len(y) - c]
    return scipy.linalg.lstsq(windows, data.ravel())[0].reshape(h.shape)


def race(
    results: Results,
    part: str,
    ours: dict[str, Callable[[], np.ndarray]],
    rivals: dict[str, Callable[[], np.ndarray]],
    true: np.ndarray,
) -> dict:
    """Return the row of our first way. Our ways take turns; the rivals are slow, and run once."""
    table = Table([(part, "<52"), ("error", ">9.3%"), ("seconds", ">9.3f"), ("times", ">8.1f")])
    times = take_turns(ours, results.settings["runs"])
    own, rows = next(iter(times.values())).median[0], []
    for name, timing in times.items():
        found, seconds = error(timing.result, true), timing.median[0]
        table.row(name, found, seconds, seconds / own)
        rows.append(results.add(f"{part}, {name}", seconds, "s", least_seconds=timing.least[0], error=found))
    for name, timing in take_turns(rivals, 1).items():
        found, seconds = error(timing.result, true), timing.median[0]
        table.row(name, found, seconds, seconds / own)
        results.add(f"{part}, {name} / ours", seconds / own, "x", better="more", seconds=seconds, error=found)
    return rows[0]


def reference(results: Results) -> None:
    x, y, h = reference_case(1)
    estimate, part = sd.estimate_kernel, "reference case"
    own = race(
        results,
        part,
        {
            "estimate_kernel": lambda: estimate(x, y, h.shape).values,
            "estimate_kernel, simplex": lambda: estimate(x, y, h.shape, constraint="simplex").values,
            "estimate_kernel, fourier": lambda: estimate(x, y, h.shape, method="fourier").values,
        },
        {
            "gradient descent, 3000 steps": lambda: descent(x, y, h, 3000, accelerated=False),
            "FISTA on the simplex, 3000 steps": lambda: descent(x, y, h, 3000, accelerated=True),
        },
        h,
    )
    results.add(f"{part} without noise: error", 100 * own["more"]["error"], "%", target="<= 0.2")
    results.add(f"{part}: fastest run", own["more"]["least_seconds"], "s", target="< 1")
    x2, y2, h2 = reference_case(2)
    race(
        results,
        "a quarter of it (100x100, 25x25)",
        {"estimate_kernel": lambda: estimate(x2, y2, h2.shape).values},
        {"scipy.linalg.lstsq, dense": lambda: dense(x2, y2, h2)},
        h2,
    )


# --------------------------------------------------------------------------------------------- weight


def pairs() -> list[tuple[str, np.ndarray, np.ndarray]]:
    camera, phantom = picture("camera", (96, 96)), boxes((96, 96), 0, seed=5, largest=20)
    return [
        ("photograph, Gaussian", camera, gaussian((11, 11), 1.5)),
        ("photograph, motion", camera, centred(sd.motion_kernel(8, 30), (11, 11))),
        ("boxes, disk", phantom, centred(sd.disk_kernel(3.5), (11, 11))),
    ]


def weight(results: Results) -> None:
    table = Table(
        [("automatic weight: error / best error", "<38"), ("noise", ">6.1%"), ("best", ">8.2%"),
         ("gradient", ">9.2f"), ("identity", ">9.2f")]
    )  # fmt: skip
    x, y, h = reference_case(1)
    reference_pair = [("reference", x, h)]
    for name, x, h in [*reference_pair, *pairs()]:
        clean = scipy.signal.fftconvolve(np.pad(x, [(m // 2, m - 1 - m // 2) for m in h.shape], "edge"), h, "valid")
        for noise in (0.01,) if name == "reference" else (0.001, 0.05):
            worst, best_of = {}, {}
            for penalty in ("gradient", "identity"):
                ratios, bests = [], []
                for seed in range(results.settings["seeds"]):
                    y = clean + noise * np.ptp(clean) * np.random.default_rng(seed).standard_normal(x.shape)
                    found = sd.estimate_kernel(x, y, h.shape, penalty=penalty)
                    fixed = found.estimate.regularization * 10.0 ** np.linspace(-1, 1, 7)
                    best = min(
                        error(sd.estimate_kernel(x, y, h.shape, penalty=penalty, regularization=w).values, h)
                        for w in fixed
                    )
                    ratios.append(error(found.values, h) / best)
                    bests.append(best)
                worst[penalty], best_of[penalty] = max(ratios), float(np.mean(bests))
                aimed_at = name == "reference" and penalty == "gradient"
                results.add(
                    f"automatic weight, {name}, noise {noise:.1%}, {penalty}",
                    worst[penalty],
                    "x best",
                    better="less",
                    target="<= 1.2" if aimed_at else None,
                    best=best_of[penalty],
                )
            table.row(name, noise, best_of["gradient"], worst["gradient"], worst["identity"])


# --------------------------------------------------------------------------------------------- fields

SHAPE = (11, 11, 11)
SIGMAS = np.linspace(0.8, 2.0, 10)


def true_field() -> sd.KernelField:
    return sd.KernelField.by_intensity(
        {level: sd.Kernel(gaussian(SHAPE, s)) for level, s in zip(LEVELS, SIGMAS, strict=True)}
    )


def blurred(x: np.ndarray, field: sd.KernelField, model: str, seed: int = 0) -> np.ndarray:
    operator = sd.SpatiallyVariantBlur(field, x.shape, guide=x, model=model, dtype="float64", low_rank=0)
    return operator.forward(x) + NOISE * np.random.default_rng(seed).standard_normal(x.shape)


def phantom(size: tuple[int, ...], model: str) -> np.ndarray:
    """Boxes with texture; for the source model in a frame of nothing, without which the sum of all blurred levels
    would be the same whatever is moved from one kernel to the others."""
    x = boxes(size, 8.0)
    if model == "source":
        frame = np.zeros(size)
        frame[tuple(slice(n // 10, n - n // 10) for n in size)] = 1
        x = np.clip(x, 0, None) * frame
    return x


@functools.cache
def measured(
    size: tuple[int, ...], model: str, constraint: str
) -> tuple[sd.EstimatedField, np.ndarray, np.ndarray]:
    """The kernels of one pair, and the pair."""
    x, true = phantom(size, model), true_field()
    y = blurred(x, true, model)
    chosen = None if constraint == "none" else constraint
    return sd.estimate_kernels(x, y, true, SHAPE, model=model, constraint=chosen), x, y


def fields(results: Results) -> None:
    size, models = results.settings["size"], results.settings["models"]
    print(f"\nten 11x11x11 kernels from one pair of {'x'.join(map(str, size))}, noise {NOISE} of 100")
    true = true_field()
    for model, constraint in CONSTRAINTS:
        if model not in models:
            continue
        busy = time.process_time()
        found, x, y = measured(size, model, constraint)
        seconds, busy = found.estimate.seconds, time.process_time() - busy
        record = found.estimate
        errors = [error(a.values, b.values) for a, b in zip(found.kernels, true.kernels, strict=True)]
        again = sd.SpatiallyVariantBlur(found, size, guide=x, model=model, dtype="float64", low_rank=0).forward(x)
        inner = record.valid
        residual = float(np.sqrt(np.mean(np.square(again[inner] - y[inner]))) / NOISE)
        determined = [e for e, sure in zip(errors, record.determined, strict=True) if sure] or [math.inf]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        aimed_at, name = constraint == AIMED_AT[model], f"ten kernels, {model} model, {constraint}"
        results.add(f"{name}: seconds", seconds, "s", processor_seconds=busy, peak_mib=peak)
        worst = results.add(
            f"{name}: worst determined",
            100 * max(determined),
            "%",
            better="less",
            target="<= 5" if aimed_at else None,
            errors=errors,
            uncertainty=record.uncertainty,
            determined=record.determined,
            iterations=record.iterations,
        )
        left = results.add(
            f"{name}: re-blurred", residual, "sigma", better="less", target="<= 1.05" if aimed_at else None
        )
        print(
            f"{model}, {constraint}: {sum(record.determined)} determined, worst {max(errors):.1%} of "
            + " ".join(f"{e:.1%}" for e in errors)
            + f"; re-blurred {residual:.3f} sigma; {seconds:.0f} s ({busy:.0f} s of processor), peak "
            f"{peak:.0f} MiB" + (f": {verdict(worst)}, {verdict(left)}" if aimed_at else ""),
            flush=True,
        )


# ----------------------------------------------------------------------------------------- round trip


def trip(results: Results) -> None:
    print("\nround trip: kernels of the phantom restore the brain (PSNR in dB)")
    true, size = true_field(), results.settings["size"]
    whole = brain()
    truth = whole[tuple(slice((n - m) // 2, (n + m) // 2) for n, m in zip(whole.shape, TRIP, strict=True))]
    for model in results.settings["models"]:
        found = measured(size, model, AIMED_AT[model])[0]
        y = blurred(truth, true, model, seed=1).astype(np.float32)
        for strategy, method in (("blend", "wiener"), ("joint", "tv")):
            options = {"strategy": strategy, "method": method, "model": model, "guide": truth, "noise": NOISE}
            best, own = [sd.psnr(truth, sd.deconvolve(y, f, **options).image, 100) for f in (true, found)]
            before = sd.psnr(truth, y, 100)
            row = results.add(
                f"round trip, {model} model, {strategy} {method}: loss against true kernels",
                best - own,
                "dB",
                target="<= 0.5",
                blurred=before,
                true=best,
                estimated=own,
            )
            print(
                f"{model}, {strategy} {method}: blurred {before:.2f}, true kernels {best:.2f}, "
                f"estimated {own:.2f}: {verdict(row)}",
                flush=True,
            )


PARTS = {"reference": reference, "weight": weight, "fields": fields, "trip": trip}


def main() -> None:
    parser = options_of(__doc__, "estimation")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each in the reference case (default 3)")
    parser.add_argument("--seeds", type=int, default=1, help="noises for the weight (default 1)")
    parser.add_argument("--size", type=int, nargs=3, default=(64, 128, 128), metavar=("K", "J", "I"))
    parser.add_argument("--models", nargs="+", choices=("detector", "source"), default=["detector", "source"])
    options = parser.parse_args()
    results = Results(
        "estimation", runs=options.runs, seeds=options.seeds, size=tuple(options.size), models=options.models
    )
    for name, part in PARTS.items():
        if name in options.only:
            part(results)
    print()
    results.print_targets()
    results.write(options.json)


if __name__ == "__main__":
    main()
