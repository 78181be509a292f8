"""The flux of joint methods with a lower bound: the light of the result over that of its data.

    python Testing/Benchmarks/bench_flux.py [--seeds N] [--json FILE]

Two stars of 1000 and 300 photons, stars of 0.8 voxels and scintigrams, on an empty background, blurred by a
Gaussian of 1.5 voxels. "off": how far the flux of the result is from that of its data, in per cent, the largest
of all seeds, as the descent leaves it and as the method returns it (`solvers.flux`). "PSNR": what the last step
adds, in dB, in the mean.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bench_noise import scintigram
from cases import psnr, stars
from results import Results, Table, options_of
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.solvers import flux

KERNEL = sd.gaussian_kernel(1.5, ndim=2)
METHODS = ("projected-landweber", "tv", "pnp")


def two_stars(rng: np.random.Generator) -> np.ndarray:
    image = np.zeros((44, 45))
    image[15, 15], image[28, 32] = 1000, 300
    return image


IMAGES = {
    "two stars": two_stars,
    "stars of 0.8 voxels": lambda rng: 20 * stars((64, 64), rng, 20, 0.8),
    "scintigram": lambda rng: scintigram((96, 96), rng, 200.0, 0.0),
}
NOISES = ("counts", 0.5, 2.0)


def cases(seeds: int) -> Iterator[tuple[str, str | float, list[tuple[np.ndarray, np.ndarray]]]]:
    """Images and noises, and the truth and the data of every seed."""
    for name, made in IMAGES.items():
        for noise in NOISES if name == "two stars" else NOISES[:1]:
            pairs = []
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                truth = made(rng)
                signal = ndimage.convolve(truth, KERNEL.values, mode="constant")
                data = rng.poisson(signal) if noise == "counts" else signal + rng.normal(0, noise, signal.shape)
                pairs.append((truth, data.astype(float)))
            yield name, noise, pairs


def restored(data: np.ndarray, method: str, tolerated: float) -> np.ndarray:
    usual, flux._TOLERATED = flux._TOLERATED, tolerated
    try:
        return sd.deconvolve(data, KERNEL, strategy="joint", method=method).image
    finally:
        flux._TOLERATED = usual


def main() -> None:
    parser = options_of(__doc__, "flux")
    parser.add_argument("--seeds", type=int, default=8)
    options = parser.parse_args()
    results = Results("flux", seeds=options.seeds)
    table = Table(
        [("image", "<20"), ("noise", ">7"), ("method", "<20"), ("off before", ">10.2f"), ("off", ">6.2f"),
         ("PSNR", ">+6.2f")]
    )  # fmt: skip
    for name, noise, pairs in cases(options.seeds):
        for method in METHODS:
            off, gains = {np.inf: 0.0, flux._TOLERATED: 0.0}, []
            for truth, data in pairs:
                found = {tolerated: restored(data, method, tolerated) for tolerated in off}
                off = {t: max(off[t], 100 * abs(x.sum() / data.sum() - 1)) for t, x in found.items()}
                before, after = (psnr(x, truth) for x in found.values())
                gains.append(after - before)
            before, after = off.values()
            table.row(name, str(noise), method, before, after, float(np.mean(gains)))
            results.add(f"{name}, {noise}, {method}: off", after, "%", better="less", before=before,
                        psnr=float(np.mean(gains)))  # fmt: skip
    results.write(options.json)


if __name__ == "__main__":
    main()
