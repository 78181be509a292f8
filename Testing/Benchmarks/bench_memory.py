"""Peak memory of every filter, engine and joint method, in volumes of the padded image: the source of the
registry's `methods.Method.volumes`.

    python Testing/Benchmarks/bench_memory.py [--shape 100 256 256] [--json FILE]

Each case runs in a process of its own; "volumes" is the growth of its resident set over that before the run, in
units of one padded volume of the working type (float32). "estimate" is what the run itself would have asked for.
Joint methods run with all that takes memory (ten motion kernels, automatic constants, boundary "extended", a mask):
with caches of spectra and weights, and in less memory without ("thrifty").
"""

import argparse
import json
import resource
import subprocess
import sys
import time

from results import Results, Table, options_of

from SpatialDeconvLib.methods.choices import ENGINES, MODELS
from SpatialDeconvLib.methods.registry import methods_of

CASES = [
    *((engine, method) for engine in ENGINES for method in methods_of("blend")),
    *((mode, method) for method in methods_of("joint") for mode in ("joint", "thrifty")),
    *(("convolve", model) for model in MODELS),
]


def one_case(engine, method, shape):
    """Run one case in this process and return its figures."""
    import numpy as np
    from cases import motions
    from scipy import ndimage

    import SpatialDeconvLib as sd
    from SpatialDeconvLib.run import joint as joints
    from SpatialDeconvLib.run.job import Job

    coarse = np.random.default_rng(0).random([max(n // 16, 2) for n in shape]).astype(np.float32)
    image = ndimage.zoom(coarse, [n / c for n, c in zip(shape, coarse.shape, strict=True)], order=1) * 100
    levels = zip(range(10, 101, 10), np.linspace(0.8, 2.5, 10), strict=True)
    field = sd.KernelField.by_intensity({at: sd.ParametricKernel("gaussian", sigma_mm=s) for at, s in levels})
    joint = engine in ("joint", "thrifty")
    if joint:
        field = motions(3)
        image += 0.5 * np.random.default_rng(1).standard_normal(shape, np.float32)
    volumes, asked = [], []

    def has_room(job, method):
        asked.append(joints.joint_memory(job, method)[engine == "thrifty"])
        volumes.append(joints.domain_bytes(job))
        return engine == "joint"

    def require(job, needed, remedy, **cure):
        asked.append(needed)
        volumes.append(job.padded_bytes())

    joints._has_room, Job.require_memory = has_room, require
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    started = time.perf_counter()
    if engine == "convolve":
        sd.convolve(image, field, model=method)
    elif joint:
        mask = np.ones(image.shape, bool)
        mask[: len(mask) // 8] = False
        sd.deconvolve(image, field, strategy="joint", method=method, boundary="extended", mask=mask)
    else:
        iterations = {"iterations": 2} if methods_of("blend")[method].iterates else {}
        sd.deconvolve(image, field, method=method, engine=engine, **iterations)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "seconds": time.perf_counter() - started,
        "peak_gib": peak / 2**30,
        "volumes": (peak - before) / volumes[0],
        "estimate": asked[0] / volumes[0],
    }


def main():
    parser = options_of(__doc__, "memory")
    parser.add_argument("--shape", nargs=3, type=int, default=(100, 256, 256))
    parser.add_argument("--case", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(one_case(*options.case, tuple(options.shape))))
        return
    print(f"ten kernels, {'x'.join(map(str, options.shape))}, float32")
    results = Results("memory", shape=options.shape)
    table = Table(
        [("engine", "<10"), ("method", "<20"), ("seconds", ">8.1f"), ("peak GiB", ">9.2f"), ("volumes", ">8.1f"),
         ("estimate", ">9.1f")]
    )  # fmt: skip
    for case in CASES:
        command = [sys.executable, __file__, "--shape", *map(str, options.shape), "--case", *case]
        row = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        table.row(*case, row["seconds"], row["peak_gib"], row["volumes"], row["estimate"])
        results.add(", ".join(case), row.pop("volumes"), "volumes", **row)
    results.write(options.json)


if __name__ == "__main__":
    main()
