"""How often the estimated noise is right, over a suite of generated images of many kinds.

    python Testing/Benchmarks/bench_noise.py [--kinds K ...] [--suite A|B] [--wrong] [--json FILE]

Every case is an image whose noise is known at every voxel: pictures, a brain, phantoms, fields of stars and
scintigrams, blurred with Gaussians, disks, motions or kernels keyed to intensity, in two and three dimensions, then
given noise of one kind. Three answers are compared: the law (`estimate_noise_law`), one sigma for the whole image
(the law's `sigma`, everywhere), and scikit-image's `estimate_sigma`, if PyWavelets is there, which it needs.

"global": the root of the mean variance over the image is within 20 %. "local": the median over the voxels of the
error of sigma is; voxels whose variance is less than a hundredth of the image's mean do not count, so that the
empty sky does not hide the stars. Suite B has other pictures and other seeds: constants settled on A are checked
on it.
"""

from __future__ import annotations

import importlib.util
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from cases import blocks, blur, brain, gaussians, picture, shepp_logan, stars
from results import Results, options_of
from scipy import ndimage
from skimage import restoration

from SpatialDeconvLib.kernels.shapes import disk_kernel, motion_kernel
from SpatialDeconvLib.noise import estimate_noise_law

WITHIN = 0.2


@dataclass
class Case:
    """An image, what it would be without noise, and the variance of its noise at every voxel that counts."""

    kind: str
    name: str
    image: np.ndarray
    signal: np.ndarray
    variance: np.ndarray
    counts: np.ndarray | None = None


IMAGES = {
    "A": {
        "camera": lambda: picture("camera", 192),
        "coins": lambda: picture("coins", 160),
        "moon": lambda: picture("moon", 160),
        "astronaut": lambda: picture("astronaut", 192),
        "coffee": lambda: picture("coffee", 160),
        "brain slice": lambda: brain()[32],
        "Shepp-Logan": lambda: shepp_logan(160),
        "blocks": lambda: blocks((128, 144), 1),
        "brain 3-D": lambda: brain()[16:48, 24:104, 24:104],
        "blocks 3-D": lambda: blocks((40, 56, 60), 2),
    },
    "B": {
        "chelsea": lambda: picture("chelsea", 192),
        "retina": lambda: picture("retina", 192),
        "hubble": lambda: picture("hubble_deep_field", 192),
        "rocket": lambda: picture("rocket", 160),
        "cell": lambda: picture("cell", 192),
        "ihc": lambda: 100 - picture("immunohistochemistry", 160),
        "brain slice": lambda: brain()[:, 60],
        "blocks": lambda: blocks((150, 120), 11),
        "brain 3-D": lambda: brain()[8:32, 40:120, 10:90],
        "blocks 3-D": lambda: blocks((48, 50, 52), 12),
    },
}
DARK = {
    "A": ("coins", "moon", "brain slice", "Shepp-Logan", "blocks", "brain 3-D", "blocks 3-D"),
    "B": ("hubble", "cell", "retina", "brain slice", "blocks", "brain 3-D", "blocks 3-D"),
}


def _convolved(kernel_of):
    def by(truth: np.ndarray) -> np.ndarray:
        values = kernel_of(truth.ndim).values
        values = values.reshape((1,) * (truth.ndim - values.ndim) + values.shape)
        return np.maximum(ndimage.convolve(truth, values, mode="nearest"), 0)

    return by


BLURS = {
    "Gaussian 1.0": lambda truth: ndimage.gaussian_filter(truth, 1.0),
    "Gaussian 0.6": lambda truth: ndimage.gaussian_filter(truth, 0.6),
    "keyed Gaussians": lambda truth: np.maximum(
        blur(truth, gaussians(truth.ndim), "detector", 0.0).astype(float), 0
    ),
    "Gaussian 2.0": lambda truth: ndimage.gaussian_filter(truth, 2.0),
    "disk 2.5": _convolved(lambda ndim: disk_kernel(2.5)),
    "Gaussian 0.8": lambda truth: ndimage.gaussian_filter(truth, 0.8),
    "motion 6": _convolved(lambda ndim: motion_kernel(6, 30.0)),
}


def scintigram(shape: tuple[int, int], rng: np.random.Generator, peak: float, width: float) -> np.ndarray:
    """A body of soft tissue with organs and lesions, in air, as a gamma camera sees it."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    image = np.zeros(shape)

    def organ(row: float, column: float, half: tuple[float, float], value: float) -> None:
        image[((rows - row) / half[0]) ** 2 + ((columns - column) / half[1]) ** 2 < 1] += value

    height, breadth = shape
    organ(height / 2, breadth / 2, (0.45 * height, 0.25 * breadth), 0.08)
    for _ in range(10):
        organ(
            rng.uniform(0.2, 0.8) * height,
            rng.uniform(0.35, 0.65) * breadth,
            (rng.uniform(0.02, 0.1) * height, rng.uniform(0.02, 0.08) * breadth),
            rng.uniform(0.1, 0.6),
        )
    image = ndimage.gaussian_filter(image, width, truncate=8)
    return peak * image / image.max()


def cases(suite: str, kinds: tuple[str, ...] | None = None) -> Iterator[Case]:
    """Every case of a suite; the noise of each depends on its place in the suite only."""
    truths = {name: make() for name, make in IMAGES[suite].items()}
    dark = {name: truths[name] for name in DARK[suite]}
    number = itertools.count()
    blurs = itertools.cycle(BLURS)

    def blurred(images: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray, np.random.Generator]]:
        for name, truth in images.items():
            by = next(blurs)
            rng = np.random.default_rng([ord(suite), next(number)])
            yield f"{name}, {by}", np.asarray(BLURS[by](truth)), rng

    for make in (_gaussian, _limited, _counted, _corrected, _mixed):
        for case in make(truths, dark, blurred):
            if kinds is None or case.kind in kinds:
                yield case
    for case in itertools.chain(_unblurred(truths, suite), _points(suite)):
        if kinds is None or case.kind in kinds:
            yield case


def _gaussian(truths, dark, blurred) -> Iterator[Case]:
    for sigma in (0.1, 0.5, 2.0, 5.0):
        for name, signal, rng in blurred(truths):
            image = signal + rng.normal(0, sigma, signal.shape)
            yield Case("Gaussian", f"{name}, sigma {sigma:g}", image, signal, np.full(signal.shape, sigma**2))
    for sigma in (0.5, 2.0, 5.0):
        for name, signal, rng in blurred(truths):
            image = np.rint(signal + rng.normal(0, sigma, signal.shape)).astype(np.int16)
            yield Case(
                "rounded", f"{name}, sigma {sigma:g}", image, signal, np.full(signal.shape, sigma**2 + 1 / 12)
            )


def _limited(truths, dark, blurred) -> Iterator[Case]:
    for sigma, rounded in itertools.product((0.5, 2.0, 5.0), (False, True)):
        for name, signal, rng in blurred(dark):
            image = np.clip(signal + rng.normal(0, sigma, signal.shape), 0, 90)
            if rounded:
                image = np.rint(image).astype(np.int16)
            variance = np.full(signal.shape, sigma**2 + rounded / 12)
            yield Case("clipped", f"{name}, sigma {sigma:g}", image, signal, variance)
    for sigma, rounded in itertools.product((0.5, 2.0, 5.0), (False, True)):
        for name, signal, rng in blurred(dark):
            body = signal > 8
            image = np.where(body, signal + rng.normal(0, sigma, signal.shape), 0)
            if rounded:
                image = np.rint(image).astype(np.int16)
            variance = np.full(signal.shape, sigma**2 + rounded / 12)
            yield Case("zeroed", f"{name}, sigma {sigma:g}", image, signal, variance, body)


def _counted(truths, dark, blurred) -> Iterator[Case]:
    for peak, kept in ((10, False), (30, True), (100, False), (300, True), (1000, False), (1000, True)):
        for name, signal, rng in blurred(truths):
            counts = signal * (peak / 100)
            image = rng.poisson(counts).astype(np.float32)
            gain = 1.0
            if kept:  # rescaled to the range of values before
                gain = 100 / peak
                image *= gain
            variance = gain * gain * counts
            yield Case("Poisson", f"{name}, peak {peak}", image, gain * counts, variance)


def _corrected(truths, dark, blurred) -> Iterator[Case]:
    """Counts that are whole numbers no more: divided by a detector's sensitivity, or stretched to eight bits."""
    for peak in (10, 100):
        for name, signal, rng in blurred(truths):
            counts = signal * (peak / 100)
            sensitivity = np.linspace(0.8, 1.2, signal.shape[-1])
            image = (rng.poisson(counts * sensitivity) / sensitivity).astype(np.float32)
            yield Case("corrected counts", f"{name}, peak {peak}, divided", image, counts, counts / sensitivity)
        for name, signal, rng in blurred(truths):
            counts = rng.poisson(signal * (peak / 100))
            gain = 255 / counts.max()
            image = np.rint(gain * counts).astype(np.uint8)
            signal = gain * signal * (peak / 100)
            yield Case("corrected counts", f"{name}, peak {peak}, 8 bits", image, signal, gain * signal + 1 / 12)


# Peak and read noise in electrons, grey values per electron, offset.
CAMERAS = ((30, 2.0, 1.0, 0.0), (200, 5.0, 0.5, 100.0), (2000, 10.0, 2.2, 100.0), (400, 3.0, 4.0, 50.0))


def _mixed(truths, dark, blurred) -> Iterator[Case]:
    for peak, read, gain, offset in CAMERAS:
        for name, signal, rng in blurred(truths):
            electrons = signal * (peak / 100)
            seen = gain * (rng.poisson(electrons) + rng.normal(0, read, signal.shape)) + offset
            image = np.rint(seen).astype(np.int32)
            variance = gain**2 * (electrons + read**2) + 1 / 12
            yield Case("mixed", f"{name}, peak {peak}, read {read:g}", image, gain * electrons + offset, variance)

    # A camera without an offset: what read noise makes negative is cut off.
    for name, signal, rng in blurred(dark):
        electrons = signal * 0.2
        image = np.maximum(np.rint(rng.poisson(electrons) + rng.normal(0, 1.5, signal.shape)), 0)
        yield Case("mixed, clipped at 0", name, image, electrons, electrons + 1.5**2 + 1 / 12)


def _unblurred(truths, suite: str) -> Iterator[Case]:
    """Texture as fine as a voxel cannot be told from noise."""
    for sigma, (number, (name, truth)) in itertools.product((0.5, 2.0, 5.0), enumerate(truths.items())):
        rng = np.random.default_rng([ord(suite), 2000 + number, int(10 * sigma)])
        image = truth + rng.normal(0, sigma, truth.shape)
        yield Case("unblurred", f"{name}, sigma {sigma:g}", image, truth, np.full(truth.shape, sigma**2))


def _points(suite: str) -> Iterator[Case]:
    seeds = itertools.count(1000)
    for shape, background, width in itertools.product(
        ((128, 130), (24, 48, 52)), (0.0, 0.1, 1.0, 20.0), (1.0, 1.5, 2.2)
    ):
        for number in (12, 60):
            rng = np.random.default_rng([ord(suite), next(seeds)])
            signal = stars(shape, rng, number, width) + background
            image = rng.poisson(signal).astype(float)
            name = f"{number} stars, {len(shape)}-D, sky {background:g}, width {width:g}"
            yield Case("stars", name, image, signal, signal)
            read, gain, offset = 2.0, 1.6, 100.0
            seen = np.rint(gain * (rng.poisson(10 * signal) + rng.normal(0, read, shape)) + offset)
            variance = gain**2 * (10 * signal + read**2) + 1 / 12
            yield Case("stars, by a camera", name, seen, 10 * gain * signal + offset, variance)
    for shape, peak, width in itertools.product(((128, 128), (256, 128)), (4, 15, 60, 250), (1.5, 3.0)):
        rng = np.random.default_rng([ord(suite), next(seeds)])
        signal = scintigram(shape, rng, peak, width)
        yield Case("scintigram", f"{shape}, peak {peak}, width {width:g}", rng.poisson(signal), signal, signal)


def errors(case: Case, sigma: float, local: np.ndarray | float) -> tuple[float, float]:
    """Relative errors of the global sigma and, in the median, of the local one."""
    inside = np.ones(case.signal.shape, bool) if case.counts is None else case.counts
    mean = case.variance[inside].mean()
    heard = inside & (case.variance > 0.01 * mean)
    pointwise = np.broadcast_to(local, case.signal.shape)[heard] / np.sqrt(case.variance[heard]) - 1
    return sigma / np.sqrt(mean) - 1, float(np.median(np.abs(pointwise)))


def main() -> None:
    parser = options_of(__doc__, "noise")
    parser.add_argument("--kinds", nargs="+", help="only these kinds of images")
    parser.add_argument("--suite", choices=IMAGES, default="A", help="A: constants were settled on it; B: others")
    parser.add_argument("--wrong", action="store_true", help="print the cases that are wrong")
    arguments = parser.parse_args()
    results = Results("noise", suite=arguments.suite)
    rows = []
    for case in cases(arguments.suite, arguments.kinds and tuple(arguments.kinds)):
        begun = time.perf_counter()
        law = estimate_noise_law(case.image)
        seconds = time.perf_counter() - begun
        answers = {
            "law": errors(case, law.sigma, np.sqrt(law.variance(case.signal))),
            "one sigma": errors(case, law.sigma, law.sigma),
        }
        if importlib.util.find_spec("pywt"):
            peer = float(restoration.estimate_sigma(np.asarray(case.image, float)))
            answers["scikit-image"] = errors(case, peer, peer)
        rows.append({"kind": case.kind, "seconds": seconds, "errors": answers})
        off = answers["law"]
        if arguments.wrong and (abs(off[0]) > WITHIN or off[1] > WITHIN):
            print(f"{case.kind}, {case.name}: global {off[0]:+.0%}, local {off[1]:.0%}; {law.describe()}")
    table(rows, results)
    results.write(arguments.json)


def table(rows: list[dict], results: Results) -> None:
    names = list(rows[0]["errors"])
    print(f"{'within 20 %, global / local':<28}" + f"{'cases':>6}" + "".join(f"{name:>20}" for name in names))
    for kind in [*dict.fromkeys(row["kind"] for row in rows), "all"]:
        chosen = [row["errors"] for row in rows if kind in (row["kind"], "all")]
        cells = []
        for name in names:
            found = np.abs([row[name] for row in chosen]) <= WITHIN
            shares = found.mean(axis=0)
            cells.append("{:>14.0%} /{:>4.0%}".format(*shares))
            for where, share in zip(("global", "local"), shares, strict=True):
                results.add(f"{kind}, {name}, {where}", float(share), "share", better="more", cases=len(chosen))
        print(f"{kind:<28}{len(chosen):>6}" + "".join(cells))
    print(f"seconds for all laws: {sum(row['seconds'] for row in rows):.1f}")


if __name__ == "__main__":
    main()
