"""How far kernels measured from points are from the truth, at places without a point (`sd.psfs_from_points`).

    python Testing/Benchmarks/bench_points.py [--points N] [--snr X] [--repeats N] [--cases C ...] [--json FILE]

Images of N points (20) at random places that stand alone, of one height, X times (20) the noise of the image. The
kernels: Gaussians (sigma 1.2, 1.5, 2 voxels), an oblique one, one with a tail to one side (coma), Moffat's function
(beta 2.5, which no kernel of this size holds whole), and Gaussians whose sigma grows across the image, from 1.3 to
1.9 voxels, measured as one kernel, in zones and as a polynomial. "error" is |found - true| / |true| over the found
kernel's voxels, where the true one is sampled at the voxels' centres and sums to 1 over a grid of three times the
size; of kernels that change it is the root mean square over 20 random places that hold no point. "told" is the
`uncertainty` of the result, from noise alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from results import Results, Table, options_of

import SpatialDeconvLib as sd

#: Displacements (one array an axis) and the point's place as shares of the image -> height, 1 at the middle.
Spread = Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray]
HELD_OUT = 20


def gaussian(sigma: float) -> Spread:
    return lambda away, place: np.exp(-0.5 * sum(a**2 for a in away) / sigma**2)


def oblique(away: Sequence[np.ndarray], place: np.ndarray) -> np.ndarray:
    *_, j, i = away
    rest = sum((a**2 for a in away[:-2]), np.zeros(()))
    return np.exp(-0.5 * ((j + i) ** 2 / 2 / 2.2**2 + (j - i) ** 2 / 2 / 1.2**2 + rest / 1.5**2))


def coma(away: Sequence[np.ndarray], place: np.ndarray) -> np.ndarray:
    total = sum(s * gaussian(w)([*away[:-1], away[-1] - d], place) for s, w, d in ((1, 1.2, 0), (0.4, 1.6, 1.5)))
    return total / 1.26


def moffat(away: Sequence[np.ndarray], place: np.ndarray) -> np.ndarray:
    return (1 + sum(a**2 for a in away) / 2.5**2) ** -2.5


def growing(away: Sequence[np.ndarray], place: np.ndarray) -> np.ndarray:
    return gaussian(1.3 + 0.6 * place[-1])(away, place)


@dataclass
class Case:
    spread: Spread
    shape: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    target: str | None = "<= 0.05"


FLAT, DEEP = (192, 192), (40, 72, 72)
CASES = {
    **{f"Gaussian {s:g}, 2-D": Case(gaussian(s), FLAT) for s in (1.2, 1.5, 2.0)},
    "oblique, 2-D": Case(oblique, FLAT),
    "coma, 2-D": Case(coma, FLAT),
    "Moffat, 2-D": Case(moffat, FLAT, target=None),
    **{f"Gaussian {s:g}, 3-D": Case(gaussian(s), DEEP) for s in (1.2, 1.5)},
    "coma, 3-D": Case(coma, DEEP),
    "growing, one kernel": Case(growing, FLAT, target=None),
    "growing, zones": Case(growing, FLAT, {"zones": (1, 3)}, target=None),
    "growing, degree 1": Case(growing, FLAT, {"zones": (1, 5), "degree": 1}),
}


def places_of(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """Random places that stand alone: one in each of so many cells of a grid, chosen at random."""
    margin = [min(9.0, n / 2 - 2) for n in shape]
    room = [n - 1 - 2 * m for n, m in zip(shape, margin, strict=True)]
    cells = [max(1, int(r // 15)) + 1 for r in room]
    grid = np.stack(np.meshgrid(*(np.linspace(0, 1, c) for c in cells), indexing="ij"), axis=-1)
    grid = grid.reshape(-1, len(shape)) * room + margin
    chosen = rng.permutation(grid)[:count]
    return chosen + rng.uniform(-0.5, 0.5, chosen.shape)


def image_of(case: Case, places: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    grid = np.meshgrid(*map(np.arange, case.shape), indexing="ij")
    image = rng.normal(100, 1, case.shape)
    for place in places:
        image += snr * case.spread([g - p for g, p in zip(grid, place, strict=True)], place / case.shape)
    return image


def kernel_at(found: sd.PointSpreads, place: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What the field applies at a place: its kernels by their weights."""
    bound = found.field.bind(np.broadcast_to(np.float32(0), shape))
    index = tuple(np.rint(place).astype(int))
    return sum(bound.weight(k)[index] * bound.kernel(k).values for k in range(len(bound)))


def error_at(case: Case, kernel: np.ndarray, place: np.ndarray) -> float:
    wide = [np.arange(3 * n) - 3 * n // 2 for n in kernel.shape]
    share = np.rint(place) / case.shape
    true = case.spread(np.meshgrid(*wide, indexing="ij"), share)
    true = true / true.sum()
    # About the centre of mass of what is strong, as kernels are.
    strong = np.where(true >= 0.02 * true.max(), true, 0)
    middle = [float((strong * g).sum() / strong.sum()) for g in np.meshgrid(*wide, indexing="ij")]
    near = [np.arange(n) - n // 2 + m for n, m in zip(kernel.shape, middle, strict=True)]
    inside = case.spread(np.meshgrid(*near, indexing="ij"), share)
    inside = inside / case.spread(np.meshgrid(*wide, indexing="ij"), share).sum()
    return float(np.linalg.norm(kernel - inside) / np.linalg.norm(inside))


def measured(case: Case, count: int, snr: float, seed: int) -> tuple[float, float, float]:
    """Error at places without a point, what was told, seconds."""
    rng = np.random.default_rng(seed)
    places = places_of(case.shape, count, rng)
    image = image_of(case, places, snr, rng)
    begun = time.perf_counter()
    found = sd.psfs_from_points(image, **case.options)
    seconds = time.perf_counter() - begun
    held_out = rng.uniform(
        5, np.array(case.shape) - 6, (HELD_OUT if len(found.uncertainty) > 1 else 1, len(case.shape))
    )
    errors = [error_at(case, kernel_at(found, place, case.shape), place) for place in held_out]
    return math.sqrt(float(np.mean(np.square(errors)))), float(np.mean(found.uncertainty)), seconds


def main() -> None:
    parser = options_of(__doc__, "points")
    parser.add_argument("--points", type=int, default=20, metavar="N")
    parser.add_argument("--snr", type=float, default=20.0, metavar="X")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="CASE")
    arguments = parser.parse_args()
    results = Results("points", points=arguments.points, snr=arguments.snr, repeats=arguments.repeats)
    table = Table([("", "<24"), ("error", ">8.3f"), ("worst", ">8.3f"), ("told", ">8.3f"), ("s", ">7.2f")])
    for name in arguments.cases:
        runs = [measured(CASES[name], arguments.points, arguments.snr, seed) for seed in range(arguments.repeats)]
        error, told, seconds = (float(np.mean(column)) for column in zip(*runs, strict=True))
        worst = max(run[0] for run in runs)
        table.row(name, error, worst, told, seconds)
        results.add(
            name, error, "of the kernel", better="less", target=CASES[name].target, worst=worst, told=told,
            seconds=seconds,
        )  # fmt: skip
    results.print_targets()
    results.write(arguments.json)


if __name__ == "__main__":
    main()
