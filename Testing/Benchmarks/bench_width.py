"""How well a width error that all kernels share is found in the blurred image (`sd.estimate_width`).

    python Testing/Benchmarks/bench_width.py [--images I ...] [--keys K ...] [--learn] [--json FILE]

The suite: pictures at 128 squares, slices and a block of the brain, boxes of one value; one kernel, kernels by
region, by position and by a guide (the sharp image); Gaussians and disks (balls in 3-D), which take turns, as the
two models do; noise sigma 0.5 and 2 (of 100), estimated. The kernels that are given are 0.8 to 1.2 times as wide as
those that blurred. "bias" and "spread" are those of ln(factor found / true factor), "told" is the spread that
`WidthEstimate.sigma` tells. "passing" is the share of right kernels that are said to fit, "found" that of kernels
20 % too wide or too narrow that are said not to, and "found at 90 %" the same at the threshold on
|ln factor| / sigma that 90 % of the right ones pass.

--learn prints the mean log spectrum of the pictures and its spread: the constants of `run.width.posterior`.
"""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
from cases import brain
from results import Results, Table, options_of
from skimage import color, data, transform

import SpatialDeconvLib as sd
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.run.width.patchspectra import Patches

PICTURES = (
    "camera", "coins", "moon", "astronaut", "coffee", "chelsea", "retina", "hubble_deep_field", "rocket",
    "immunohistochemistry", "cell", "text", "grass", "gravel",
)  # fmt: skip
KEYS = ("uniform", "region", "position", "guide")
FACTORS = (0.8, 0.9, 1.0, 1.1, 1.2)
NOISES = (0.5, 2.0)
TARGETS = {0.5: ">= 0.95", 2.0: ">= 0.70"}


def picture(name: str, size: int = 128) -> np.ndarray:
    image = getattr(data, name)()
    grey = color.rgb2gray(image[..., :3]) if image.ndim == 3 else image.astype(float)
    grey = transform.resize(grey, (size, size), anti_aliasing=True)
    return 100 * (grey - grey.min()) / (grey.max() - grey.min())


def boxes(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.zeros((128, 128))
    for _ in range(14):
        top, left = rng.integers(0, 96, 2)
        image[top : top + rng.integers(16, 42), left : left + rng.integers(16, 42)] = rng.uniform(10, 100)
    return image


IMAGES = {
    **{name: lambda name=name: picture(name) for name in PICTURES},
    "brain slice": lambda: brain()[32],
    "brain slice, lower": lambda: brain()[16],
    "boxes": lambda: boxes(1),
    "brain 3-D": lambda: brain()[16:48, 32:80, 32:80],
}


def kernel(family: str, size: float, ndim: int) -> sd.Kernel:
    if family == "Gaussians":
        return sd.gaussian_kernel(size, ndim=ndim)
    return sd.disk_kernel(1.8 * size) if ndim == 2 else sd.ball_kernel(1.8 * size)


def field_of(key: str, family: str, truth: np.ndarray, turn: int) -> tuple[sd.KernelField, dict[str, np.ndarray]]:
    """Kernels, and what chooses them."""
    ndim, (height, width) = truth.ndim, truth.shape[-2:]
    if key == "uniform":
        return sd.KernelField.uniform(kernel(family, (1.1, 1.5, 1.9)[turn % 3], ndim)), {}
    if key == "region":
        rng = np.random.default_rng(3)
        places = rng.random((5, ndim)) * truth.shape
        grid = np.stack(np.meshgrid(*map(np.arange, truth.shape), indexing="ij"), axis=-1)
        labels = np.square(grid[..., None, :] - places).sum(axis=-1).argmin(axis=-1) + 1
        sizes = (0.8, 1.2, 1.6, 2.0, 2.5)
        kernels = {label: kernel(family, size, ndim) for label, size in enumerate(sizes, 1)}
        return sd.KernelField.by_region(None, kernels), {"labels": labels}
    if key == "position":
        ahead = (truth.shape[0] / 2,) if ndim == 3 else ()
        return sd.KernelField.by_position(
            {
                (*ahead, a * height / 2, b * width / 2): kernel(family, 0.9 + 0.45 * (a + b), ndim)
                for a, b in itertools.product(range(3), repeat=2)
            }
        ), {}
    levels = zip(range(10, 101, 10), np.linspace(0.8, 2.5, 10), strict=True)
    return sd.KernelField.by_intensity({level: kernel(family, s, ndim) for level, s in levels}), {"guide": truth}


def blurred(truth: np.ndarray, field: sd.KernelField, model: str, chosen: dict[str, np.ndarray]) -> np.ndarray:
    if "labels" in chosen:
        field = field.with_labels(chosen["labels"])
    exact = SpatiallyVariantBlur(
        field, truth.shape, guide=chosen.get("guide"), model=model, dtype="float64", low_rank=0
    )
    return exact.forward(truth)


def learn() -> None:
    """Print the mean log spectrum of sharp images as a parabola of ln(frequency / 0.1), and how images differ."""
    patches = Patches((128, 128), (1.0, 1.0), False)
    used = patches.frequency < 0.5
    x = np.log(patches.frequency[used] / 0.1)
    truths = [make() for make in IMAGES.values()]
    logs = [np.log(patches.energies(truth).mean(axis=0)[used]) for truth in truths if truth.ndim == 2]
    curvature, slope, _ = np.polyfit(x, np.mean(logs, axis=0), 2)
    fits = np.array([np.polyfit(x, log, 2) for log in logs])
    print(f"slope {slope:.2f}, curvature {curvature:.2f}")
    rest = np.array([log - np.polyval(fit, x) for log, fit in zip(logs, fits, strict=True)])
    print(f"spread between images: slope {fits[:, 1].std():.2f}, curvature {fits[:, 0].std():.2f}, ", end="")
    print(f"rest {rest.std():.2f}")


def rows_of(names: list[str], keys: list[str], factors: list[float]) -> list[dict]:
    rows = []
    turns = dict.fromkeys(KEYS, 0)
    for name, key in itertools.product(names, keys):
        truth, turn = IMAGES[name](), turns[key]
        turns[key] += 1
        family, model = ("Gaussians", "disks")[turn % 2], ("detector", "source")[turn // 2 % 2]
        field, chosen = field_of(key, family, truth, turn)
        signal = blurred(truth, field, model, chosen)
        for noise in NOISES:
            rng = np.random.default_rng([turn, KEYS.index(key), int(10 * noise)])
            image = (signal + rng.normal(0, noise, signal.shape)).astype(np.float32)
            for factor in factors:
                begun = time.perf_counter()
                found = sd.estimate_width(image, sd.scale_kernels(field, factor), model=model, **chosen)
                rows.append(
                    {
                        "image": name, "key": key, "family": family, "model": model, "noise": noise,
                        "factor": factor, "error": math.log(found.factor / factor), "sigma": found.sigma,
                        "fits": found.fits, "z": math.log(found.factor) / found.sigma,
                        "seconds": time.perf_counter() - begun,
                    }
                )  # fmt: skip
    return rows


def figures(rows: list[dict]) -> dict[str, float]:
    """What one line of the table says."""
    errors = np.array([row["error"] for row in rows])
    right = [row for row in rows if row["factor"] == 1]
    wrong = [row for row in rows if row["factor"] in (0.8, 1.2)]
    limit = float(np.quantile([abs(row["z"]) for row in right], 0.9))
    ways = [(row["z"] > 0) == (row["factor"] > 1) for row in wrong]
    return {
        "cases": len(rows),
        "bias": float(errors.mean()),
        "spread": float(errors.std()),
        "told": float(np.sqrt(np.mean([row["sigma"] ** 2 for row in rows]))),
        "passing": float(np.mean([row["fits"] for row in right])),
        "found": float(np.mean([not row["fits"] and way for row, way in zip(wrong, ways, strict=True)])),
        "found at 90 %": float(
            np.mean([abs(row["z"]) > limit and way for row, way in zip(wrong, ways, strict=True)])
        ),
    }


def main() -> None:
    parser = options_of(__doc__, "width")
    parser.add_argument("--images", nargs="+", choices=IMAGES, default=list(IMAGES), metavar="IMAGE")
    parser.add_argument("--keys", nargs="+", choices=KEYS, default=list(KEYS))
    parser.add_argument("--factors", nargs="+", type=float, default=list(FACTORS), help="0.8, 1 and 1.2 among them")
    parser.add_argument("--learn", action="store_true", help="print the constants of the prior instead")
    arguments = parser.parse_args()
    if arguments.learn:
        learn()
        return
    rows = rows_of(arguments.images, arguments.keys, arguments.factors)
    results = Results("width", images=arguments.images, keys=arguments.keys, factors=arguments.factors)
    names = ("cases", "bias", "spread", "told", "passing", "found", "found at 90 %")
    table = Table([("", "<24"), *((name, ">6" if name == "cases" else ">7.2f") for name in names)])
    for noise in NOISES:
        for group in (*arguments.keys, "Gaussians", "disks", "all"):
            chosen = [r for r in rows if r["noise"] == noise and group in (r["key"], r["family"], "all")]
            if not chosen:
                continue
            said = figures(chosen)
            table.row(f"{group}, noise {noise:g}", *(said[name] for name in names))
            results.add(
                f"{group}, noise {noise:g}", said["found at 90 %"], "share", better="more",
                target=TARGETS[noise] if group == "all" else None, **said,
            )  # fmt: skip
    results.add("seconds", float(np.mean([row["seconds"] for row in rows])), "s")
    results.print_targets()
    results.write(arguments.json)


if __name__ == "__main__":
    main()
