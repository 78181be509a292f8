"""How often it is found whose intensity the kernels are keyed to: the measured one or the true one.

    python Testing/Benchmarks/bench_whose.py [--suite A|B] [--every N] [--json FILE]

Pictures, phantoms and volumes, blurred by Gaussians that widen or narrow with the intensity, by disks and by
motions, in both models, the kernels keyed to the true intensity or to the blurred image itself, with Gaussian noise
of 0.1 to 5 (of 100) or that of counts of peak 30 and 300. "right": `whose_values` says what was done; "by the
residual": the lower residual does. Source-keyed motions are keyed to true values only: no image chooses its own
ones. Suite B has other images: the constants were settled on A. `--every` takes one case in so many.
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
    blur_by_measured,
    brain,
    disks,
    exact,
    gaussians,
    motions,
    narrowing,
    noise_of,
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
NOISES = (
    ("Gaussian", 0.1), ("Gaussian", 0.5), ("Gaussian", 2.0), ("Gaussian", 5.0), ("Poisson", 300.0),
    ("Poisson", 30.0),
)  # fmt: skip


@dataclass
class Case:
    """A blurred image, and whose intensity chose its kernels."""

    image: str
    family: str
    model: str
    of: str
    law: str
    amount: float
    seed: int

    def __str__(self) -> str:
        return f"{self.image}, {self.family}, {self.model}, {self.of}, {self.law} {self.amount:g}"

    def found(self, truth: np.ndarray) -> Finding | None:
        """What is found; None where no image chooses its own kernels so."""
        field = FAMILIES[self.family](truth.ndim)
        signal = exact(field, truth, self.model).forward(truth)
        noise = noise_of(self.law, self.amount, signal, self.seed)
        y: np.ndarray | None = (signal + noise).astype(np.float32)
        if self.of == "measured":
            y = blur_by_measured(truth, field, self.model, noise)
        if y is None:
            return None
        return whose_values(y, field.bind(y, 1.0, normalize=True), estimate_noise_law(y), model=self.model)


def cases(suite: str, every: int) -> Iterator[Case]:
    """One in so many cases of a suite; each one's noise depends on the case only."""
    everything = itertools.product(IMAGES[suite], FAMILIES, ("detector", "source"), ("measured", "true"), NOISES)
    for number, (image, family, model, of, (law, amount)) in enumerate(everything):
        if (family, model, of) == ("motions", "source", "measured"):
            continue
        # In no step with the lists that they are made of.
        if number * 7919 % 101 % every == 0:
            yield Case(image, family, model, of, law, amount, number)


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
    options = parser.parse_args()
    results = Results("whose", suite=options.suite, every=options.every)
    table = Table(
        [("", "<54"), ("ratio", ">8.3f"), ("measured", ">8.3f"), ("true", ">8.3f"), ("clear", ">6"),
         ("right", ">6"), ("s", ">6.1f")]
    )  # fmt: skip
    truths = {name: make() for name, make in IMAGES[options.suite].items()}
    rows = []
    for case in cases(options.suite, options.every):
        begun = time.perf_counter()
        found = case.found(truths[case.image])
        if found is None:
            print(f"{case}: no image chooses its own kernels so")
            continue
        row = {"noise": (case.law, case.amount), "right": found.of == case.of, "clear": found.clear,
               "by the residual": (found.ratio > 0) == (case.of == "true")}  # fmt: skip
        rows.append(row)
        expected = [found.expected.get(of, np.nan) for of in ("measured", "true")]
        table.row(str(case), found.ratio, *expected, found.clear, row["right"], time.perf_counter() - begun)
        results.add(
            str(case), float(row["right"]), "right", better="more", clear=found.clear, log_ratio=found.ratio
        )
    for name, noises, target in (
        ("noise 0.1 and 0.5", NOISES[:2], ">= 97"),
        ("noise 2 and 5", NOISES[2:4], ">= 85"),
        ("counts", NOISES[4:], None),
    ):
        summary(results, f"right at {name}", [row for row in rows if row["noise"] in noises], target)
    results.write(options.json)


if __name__ == "__main__":
    main()
