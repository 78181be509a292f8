"""How often it is found whose intensity the kernels are keyed to: the measured one or the true one.

    python Testing/Benchmarks/bench_whose.py [--suite A|B] [--every N] [--noise S ...] [--json FILE]

Pictures, phantoms and volumes, blurred by Gaussians that widen or narrow with the intensity, by disks and by
motions, in both models, the kernels keyed to the true intensity or to the blurred image itself, with white noise of
0.1 to 5 (of 100). "right": `whose_values` says what was done; "by the residual": the lower residual does.
Source-keyed motions are keyed to true values only: no image chooses its own ones. Suite B has other images: the
constants were settled on A. `--every` takes a share of the cases, evenly.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from cases import (
    bars,
    blocks,
    blur,
    blur_by_measured,
    brain,
    disks,
    gaussians,
    motions,
    narrowing,
    picture,
    shepp_logan,
)
from results import Results, Table, options_of

from SpatialDeconvLib.noise import estimate_noise_law
from SpatialDeconvLib.run.whose import Finding, whose_values

IMAGES = {
    "A": {
        "camera": lambda: picture("camera", 96),
        "astronaut": lambda: picture("astronaut", 96),
        "coins": lambda: picture("coins", 96),
        "moon": lambda: picture("moon", 96),
        "Shepp-Logan": lambda: shepp_logan(96),
        "blocks": lambda: blocks((96, 96), 1),
        "brain 3-D": lambda: brain()[24:56, 40:72, 40:72],
        "bars 3-D": lambda: bars((32, 32, 32)),
    },
    "B": {
        "coffee": lambda: picture("coffee", 112),
        "chelsea": lambda: picture("chelsea", 112),
        "retina": lambda: picture("retina", 112),
        "rocket": lambda: picture("rocket", 112),
        "page": lambda: picture("page", 112),
        "brain slice": lambda: brain()[32],
        "brain 3-D": lambda: brain()[8:40, 60:92, 30:62],
        "blocks 3-D": lambda: blocks((32, 36, 28), 7),
    },
}
FAMILIES = {"Gaussians": gaussians, "narrowing": narrowing, "disks": disks, "motions": motions}
NOISES = (0.1, 0.5, 2.0, 5.0)


@dataclass
class Case:
    """A blurred image, and whose intensity chose its kernels."""

    image: str
    family: str
    model: str
    of: str
    sigma: float
    seed: int

    def __str__(self) -> str:
        return f"{self.image}, {self.family}, {self.model}, {self.of}, noise {self.sigma:g}"

    def found(self, truth: np.ndarray) -> Finding | None:
        """What is found; None where no image chooses its own kernels so."""
        field = FAMILIES[self.family](truth.ndim)
        if self.of == "true":
            y = blur(truth, field, self.model, self.sigma, self.seed)
        else:
            noise = self.sigma * np.random.default_rng(self.seed).standard_normal(truth.shape)
            y = blur_by_measured(truth, field, self.model, noise)
        if y is None:
            return None
        return whose_values(y, field.bind(y, 1.0, normalize=True), estimate_noise_law(y), model=self.model)


def cases(suite: str, noises: tuple[float, ...], every: int) -> Iterator[Case]:
    """Some of the cases of a suite; each one's noise depends on the case only."""
    everything = itertools.product(IMAGES[suite], FAMILIES, ("detector", "source"), ("measured", "true"), NOISES)
    for number, (image, family, model, of, sigma) in enumerate(everything):
        if (family, model, of) == ("motions", "source", "measured") or sigma not in noises:
            continue
        # 7919 is prime: every so many cases, in no step with the lists that they are made of.
        if number * 7919 // 16 % every == 0:
            yield Case(image, family, model, of, sigma, number)


def summary(results: Results, name: str, rows: list[dict], target: str | None) -> None:
    if not rows:
        return
    right = [row["right"] for row in rows]
    clear = [row["right"] for row in rows if row["clear"]]
    residual = [row["by the residual"] for row in rows]
    results.add(
        name, 100 * float(np.mean(right)), "%", better="more", target=target, cases=len(rows),
        clear=len(clear), right_of_clear=sum(clear), by_residual=100 * float(np.mean(residual)),
    )  # fmt: skip
    print(
        f"-- {name}: {len(rows)} cases, right {np.mean(right):.1%}, clear {len(clear)}, of these right "
        f"{np.mean(clear) if clear else np.nan:.1%}; by the residual {np.mean(residual):.1%}"
    )


def main() -> None:
    parser = options_of(__doc__, "whose")
    parser.add_argument("--suite", choices=IMAGES, default="B")
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("--noise", type=float, nargs="+", choices=NOISES, default=list(NOISES))
    options = parser.parse_args()
    results = Results("whose", suite=options.suite, every=options.every, noise=options.noise)
    table = Table(
        [("", "<54"), ("ratio", ">8.3f"), ("measured", ">8.3f"), ("true", ">8.3f"), ("clear", ">6"),
         ("right", ">6"), ("s", ">6.1f")]
    )  # fmt: skip
    truths = {name: make() for name, make in IMAGES[options.suite].items()}
    rows = []
    for case in cases(options.suite, tuple(options.noise), options.every):
        begun = time.perf_counter()
        found = case.found(truths[case.image])
        if found is None:
            print(f"{case}: no image chooses its own kernels so")
            continue
        row = {"sigma": case.sigma, "right": found.of == case.of, "clear": found.clear,
               "by the residual": (found.ratio > 0) == (case.of == "true")}  # fmt: skip
        rows.append(row)
        expected = [found.expected.get(of, np.nan) for of in ("measured", "true")]
        table.row(str(case), found.ratio, *expected, found.clear, row["right"], time.perf_counter() - begun)
        results.add(str(case), float(row["right"]), "right", better="more", clear=found.clear, ratio_=found.ratio)
    for noises, target in (((0.1, 0.5), ">= 97"), ((2.0, 5.0), ">= 85")):
        some = [row for row in rows if row["sigma"] in noises]
        summary(results, f"right at noise {noises[0]:g} and {noises[1]:g}", some, target)
    results.write(options.json)


if __name__ == "__main__":
    main()
