"""What results say of themselves: how often a warning is right, and how often a result below its image has one.

    python Testing/Benchmarks/bench_verdict.py [--size N] [--methods M ...] [--json FILE]

Three pictures, blurred by one Gaussian, by four Gaussians and by three motions and a disk in four regions, with
noise of sigma 0.1 to 5 (of a range of 100) or 10 to 1000 counts. The kernels are the right ones, and nothing else
is given: a warning is right where the result is further from the truth than the image ("below"). A joint result of
right kernels should have none.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cases import picture, psnr
from results import Results, Table, options_of

import SpatialDeconvLib as sd
from SpatialDeconvLib.methods.registry import METHODS

PICTURES = ("camera", "coins", "moon")
NOISES: tuple[float | str, ...] = (0.1, 0.5, 2.0, 5.0, "10 counts", "100 counts", "1000 counts")
NAMES = {f"{spec.strategy} {spec.name}": spec for spec in METHODS if not spec.self_keyed}  # these need levels


def fields(size: int) -> dict[str, sd.KernelField]:
    labels = np.ones((size, size), int)
    labels[:, size // 2 :] += 1
    labels[size // 2 :] += 2
    gaussians = [sd.gaussian_kernel(sigma, ndim=2) for sigma in (0.8, 1.2, 1.8, 2.5)]
    others = [*(sd.motion_kernel(n, angle) for n, angle in ((3, 20.0), (5, 70.0), (7, 120.0))), sd.disk_kernel(2.5)]
    return {
        "one": sd.KernelField.uniform(sd.gaussian_kernel(1.5, ndim=2)),
        "gaussians": sd.KernelField.by_region(labels, dict(enumerate(gaussians, 1))),
        "motions": sd.KernelField.by_region(labels, dict(enumerate(others, 1))),
    }


def cases(size: int) -> Iterator[tuple[np.ndarray, np.ndarray, sd.KernelField]]:
    """Truth, image and kernels."""
    for name in PICTURES:
        truth = picture(name, (size, size))
        for field in fields(size).values():
            signal = sd.convolve(truth, field).image
            for noise in NOISES:
                random = np.random.default_rng(1)
                if isinstance(noise, str):
                    gain = float(noise.split()[0]) / 100
                    yield truth, random.poisson(np.maximum(signal, 0) * gain) / gain, field
                else:
                    yield truth, signal + noise * random.standard_normal(signal.shape), field


def main() -> None:
    parser = options_of(__doc__, "verdict")
    parser.add_argument("--size", type=int, default=96, help="voxels along an axis")
    parser.add_argument("--methods", nargs="+", choices=NAMES, default=list(NAMES))
    options = parser.parse_args()
    results = Results("verdict", size=options.size, methods=options.methods)
    table = Table(
        [("", "<28"), ("cases", ">6d"), ("gain", ">6.2f"), ("below", ">6d"), ("warned", ">7d"), ("raised", ">7d"),
         ("wrongly", ">8d"), ("no closer", ">10d"), ("wrongly", ">8d"), ("unexplained", ">12d"),
         ("residual 95 %", ">14.2f")]
    )  # fmt: skip
    for name in options.methods:
        spec, rows = NAMES[name], []
        for truth, image, field in cases(options.size):
            found = sd.deconvolve(image, field, strategy=spec.strategy, method=spec.name, engine="fft")
            texts = " ".join(found.warnings)
            gain = psnr(found.image, truth) - psnr(image, truth)
            words = ("raises the noise", "no closer to the truth", "blurred again")
            rows.append((gain, *(word in texts for word in words), found.residual))
        gain, raised, no_closer, unexplained, residual = (np.array(column) for column in zip(*rows, strict=True))
        below = gain < 0
        warned = raised | unexplained
        counts = {
            "below": below, "warned": warned & below, "raised": raised, "raised_wrongly": raised & ~below,
            "no_closer": no_closer, "no_closer_wrongly": no_closer & ~below, "unexplained": unexplained,
        }  # fmt: skip
        numbers = {key: int(np.count_nonzero(which)) for key, which in counts.items()}
        most = float(np.quantile(residual, 0.95))
        table.row(name, len(rows), float(gain.mean()), *numbers.values(), most)
        results.add(f"{name}: gain", float(gain.mean()), "dB", better="more", residual=most, **numbers)
    results.write(options.json)


if __name__ == "__main__":
    main()
