"""How good the automatic choices are: the default, and every joint method, over a suite of cases.

    python Testing/Benchmarks/bench_automatic.py [--quick] [--only WORD ...] [--best] [--workers N] [--json FILE]
    python Testing/Benchmarks/bench_automatic.py --losses [--methods M ...] [--images I ...] [--json FILE]

The suite: 140 cases of ten pictures and phantoms and four volumes, blurred by Gaussians, disks or motions that are
keyed by the true intensity, the measured one (the blurred image chooses its own kernels), region or position, or by
one kernel, in both models, with Gaussian noise of 0.1 to 5 (of 100) or counts of peak 10 to 1000. The kernels are
right, and nothing else is told: the default is `sd.deconvolve(image, kernels, spacing=1, model=model)`.

"gain" is PSNR over that of the blurred image, "regret" that of the best automatic choice less the default's.
"below": the default is below its input, "unwarned": and says nothing. With `--best` every joint method is also run
with a range of fixed settings, and "loss" is what its automatic choice falls short of the best of these by; slow.
`--quick` takes 24 cases, `--only` those whose name holds all the words. `--losses` prints how that loss depends on
what is known of the kernels (`losses.py`).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import losses
import numpy as np
from cases import (
    bars,
    blocks,
    blur_by_measured,
    brain,
    exact,
    field_of,
    noise_of,
    picture,
    psnr,
    shepp_logan,
    stars,
)
from results import Results, Table, options_of, verdict

import SpatialDeconvLib as sd
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.methods.registry import methods_of


def scaled(image: np.ndarray) -> np.ndarray:
    return image / image.max()


IMAGES: dict[str, Callable[[], np.ndarray]] = {
    **{
        name: lambda name=name: picture(name, 96)
        for name in ("camera", "astronaut", "coins", "coffee", "chelsea", "retina", "rocket")
    },
    "stars": lambda: 1 + 99 * scaled(stars((96, 96), np.random.default_rng(1), 60, 0.8)),
    "Shepp-Logan": lambda: shepp_logan(96),
    "blocks": lambda: blocks((96, 96), 3),
    "brain 3-D": lambda: brain()[20:52, 40:76, 40:76],
    "brain's rim 3-D": lambda: brain()[28:60, 8:40, 44:80],
    "bars 3-D": lambda: bars((32, 32, 32)),
    "blocks 3-D": lambda: blocks((32, 34, 36), 5),
}
KEYS = ("intensity, true", "intensity, measured", "region", "position", "uniform")
FAMILIES = ("Gaussians", "disks", "motions")
MODELS = ("detector", "source")
NOISES = (
    ("Gaussian", 0.1), ("Gaussian", 0.5), ("Gaussian", 2.0), ("Gaussian", 5.0), ("Poisson", 10.0),
    ("Poisson", 100.0), ("Poisson", 1000.0),
)  # fmt: skip
EACH = 4  # cases of every key and noise
QUICK = 6  # one in so many

#: What is tried with the truth in hand, in units of sigma where there is a constant.
COUNTS = (1, 2, 4, 6, 8, 11, 15, 20, 27, 36, 50)
WEIGHTS = (1.6, 0.8, 0.4, 0.2, 0.1, 0.05, 0.025)
ROUGHNESSES = (0.64, 0.16, 0.04, 0.01, 0.0025, 0.000625)


@dataclass(frozen=True)
class Case:
    number: int
    image: str
    key: str
    family: str
    model: str
    law: str
    amount: float

    def __str__(self) -> str:
        return (
            f"{self.number:03d} {self.image}, {self.key}, {self.family}, {self.model}, {self.law} {self.amount:g}"
        )

    def field(self, shape: tuple[int, ...]) -> KernelField:
        return field_of(self.key.partition(",")[0], self.family, shape, self.number)

    def blurred(self, truth: np.ndarray, field: KernelField) -> tuple[np.ndarray, float]:
        """The blurred image, and the root mean square of its noise."""
        signal = exact(field, truth, self.model).forward(truth)
        noise = noise_of(self.law, self.amount, signal, self.number)
        sigma = float(np.sqrt(np.mean(np.square(noise))))
        if self.key != "intensity, measured":
            return (signal + noise).astype(np.float32), sigma
        y = blur_by_measured(truth, field, self.model, noise)
        if y is None:
            raise ValueError(f"{self}: no image chooses its own kernels so")
        return y, sigma


def suite() -> Iterator[Case]:
    """All cases: every key with every noise, the images, families and models dealt out evenly."""
    number = itertools.count()
    for place, key in enumerate(KEYS):
        rng = np.random.default_rng(place)
        count = EACH * len(NOISES)
        images = _dealt(list(IMAGES), count, rng)
        kinds = [
            (family, model)
            for family, model in itertools.product(FAMILIES, MODELS)
            # No image chooses its own source-keyed motions: they change too fast with the intensity.
            if (key, family, model) != ("intensity, measured", "motions", "source")
        ]
        for image, (family, model), (law, amount) in zip(
            images, _dealt(kinds, count, rng), NOISES * EACH, strict=True
        ):
            yield Case(next(number), image, key, family, model, law, amount)


def _dealt(things: list, count: int, rng: np.random.Generator) -> list:
    """So many of them, each as often as any other, in a random order."""
    order = itertools.chain.from_iterable(rng.permutation(len(things)) for _ in range(-(-count // len(things))))
    return [things[k] for k in itertools.islice(order, count)]


def choices(case: Case) -> dict[str, dict]:
    """What is run without being told anything: the default, the blend's default, and each joint method."""
    joint = {
        name: {"strategy": "joint", "method": name}
        for name, method in methods_of("joint").items()
        if case.key.startswith("intensity") or not method.self_keyed
    }
    return {"default": {}, "blend": {"strategy": "blend"}, **joint}


def fixed_settings(method: str, sigma: float) -> list[dict]:
    """What a joint method is run with to find its best; nothing for one that has no single setting."""
    constant = methods_of("joint")[method].constant
    if method == "tikhonov":
        return [{"regularization": f * sigma**2} for f in ROUGHNESSES]
    if method in ("richardson-lucy", "landweber", "projected-landweber"):
        return [{"iterations": n} for n in COUNTS]
    return [] if constant is None else [{"regularization": f * sigma} for f in WEIGHTS]


def run(case: Case, best: bool) -> dict:
    """The PSNR of all choices, the warnings of the default, and how long all of it took."""
    begun = time.perf_counter()
    truth = IMAGES[case.image]()
    field = case.field(truth.shape)
    y, sigma = case.blurred(truth, field)

    def score(**options) -> tuple[float, sd.Result]:
        result = sd.deconvolve(y, field, spacing=1.0, model=case.model, **options)
        return psnr(result.image, truth), result

    row = {"case": case, "blurred": psnr(y, truth), "scores": {}, "warned": {}, "best": {}}
    for name, options in choices(case).items():
        row["scores"][name], result = score(**options)
        row["warned"][name] = bool(result.warnings)
        if best and options.get("strategy") == "joint":
            tried = [score(**options, noise=sigma, **more)[0] for more in fixed_settings(name, sigma)]
            row["best"][name] = max(tried, default=np.nan)
    row["top"] = max(row["scores"], key=row["scores"].__getitem__)
    row["regret"] = row["scores"][row["top"]] - row["scores"]["default"]
    row["seconds"] = time.perf_counter() - begun
    return row


def gains(rows: Iterable[dict], name: str) -> np.ndarray:
    return np.array([row["scores"][name] - row["blurred"] for row in rows if name in row["scores"]])


def print_gains(rows: list[dict], results: Results) -> None:
    """Mean gain of every choice and how often it is below its input, by key and in all."""
    names = list(dict.fromkeys(name for row in rows for name in row["scores"]))
    groups = {key: [row for row in rows if row["case"].key == key] for key in KEYS}
    groups = {**{key: some for key, some in groups.items() if some}, "all": rows}
    print("\nmean gain in dB, and how often below the input")
    table = Table([("", "<20"), ("cases", ">6"), *((name[:13], ">13") for name in names)])
    for key, some in groups.items():
        cells = []
        for name in names:
            gain = gains(some, name)
            cells.append(f"{gain.mean():+.2f} /{np.sum(gain < 0):3d}" if len(gain) else "")
            if len(gain):
                results.add(f"{key}: gain of {name}", float(gain.mean()), "dB", below=int(np.sum(gain < 0)),
                            worst=float(gain.min()), cases=len(gain))  # fmt: skip
        table.row(key, str(len(some)), *cells)


def print_losses(rows: list[dict], results: Results) -> None:
    """How often each joint method's automatic choice is within 0.5 dB of its own best."""
    print("\nautomatic against the method's own best")
    for name in methods_of("joint"):
        found = [
            row["best"][name] - row["scores"][name] for row in rows if np.isfinite(row["best"].get(name, np.nan))
        ]
        if found:
            losses.summary(results, name, found, target=">= 92")


def print_default(rows: list[dict], results: Results) -> None:
    """The default against its input and against the best automatic choice of each case."""
    gain, regret = gains(rows, "default"), np.array([row["regret"] for row in rows])
    below = [row for row, g in zip(rows, gain, strict=True) if g < 0]
    unwarned = sum(not row["warned"]["default"] for row in below)
    blend = gains(rows, "blend")
    print()
    for name, value, unit, target in (
        ("default over the input", float(gain.mean()), "dB", ">= 5.8"),
        ("default below the input, unwarned", unwarned, "cases", "<= 0"),
        ("best automatic over default", float(regret.mean()), "dB", "<= 0.15"),
        ("blend over the input", float(blend.mean()), "dB", ">= 2.6"),
        ("blend below the input", int(np.sum(blend < 0)), "cases", "<= 2"),
        ("blend, most below the input", float(max(0.0, -blend.min())), "dB", "<= 0.3"),
    ):
        row = results.add(name, value, unit, target=target)
        print(f"-- {name}: {value:.2f} {unit}, target {target} {verdict(row)}")
    print(f"-- default below the input: {len(below)} of {len(rows)}, unwarned {unwarned}")


def main() -> None:
    parser = options_of(__doc__, "automatic")
    parser.add_argument("--quick", action="store_true", help=f"one case in {QUICK}")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="cases whose name holds all of these")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="cases at a time, each a process")
    parser.add_argument("--best", action="store_true", help="each joint method's own best, too")
    parser.add_argument("--losses", action="store_true", help="what the loss depends on, instead of the suite")
    parser.add_argument("--methods", nargs="+", choices=losses.METHODS, default=list(losses.METHODS))
    parser.add_argument("--images", nargs="+", choices=losses.IMAGES, default=list(losses.IMAGES))
    options = parser.parse_args()
    if options.losses:
        results = Results("losses", methods=options.methods, images=options.images)
        losses.losses(options.methods, options.images, results)
        results.write(options.json)
        return
    results = Results("automatic", quick=options.quick, only=options.only, best=options.best)
    table = Table(
        [("", "<66"), ("blurred", ">8.2f"), ("default", ">8.2f"), ("blend", ">6.2f"), ("best", ">6.2f"),
         ("regret", ">7.2f"), ("warned", ">7"), ("s", ">6.1f"), ("", "<20")]
    )  # fmt: skip
    cases = [
        case
        for case in suite()
        if not (options.quick and case.number % QUICK) and all(word in str(case) for word in options.only)
    ]
    if not cases:
        parser.error("no case has all these words")
    rows = []
    with ProcessPoolExecutor(options.workers) as pool:
        for row in pool.map(run, cases, itertools.repeat(options.best)):
            rows.append(row)
            name, scores = str(row["case"]), row["scores"]
            table.row(name, row["blurred"], scores["default"], scores["blend"], scores[row["top"]], row["regret"],
                      row["warned"]["default"], row["seconds"], row["top"])  # fmt: skip
            results.add(name, scores["default"] - row["blurred"], "dB", blurred=row["blurred"], scores=scores,
                        warned=row["warned"], best=row["best"], regret=row["regret"])  # fmt: skip
    print_gains(rows, results)
    if options.best:
        print_losses(rows, results)
    print_default(rows, results)
    results.write(options.json)


if __name__ == "__main__":
    main()
