"""Runs in tiles: how much they differ from runs all at once, how long they take, and how much memory.

    python Testing/Benchmarks/bench_tiles.py [--only halo|sample|time|workers|cost|memory] [--repeats N]
                                             [--shape Z,Y,X] [--limit GIB] [--json FILE]

The image is blobs of 5 to 100 blurred by ten Gaussians keyed to intensity (sigma 0.7 to 1.2 voxels), noise 0.5.

"halo": the largest difference, as a share of the range of values, between a run in tiles and one tile of the same
plan, by method and halo (in reaches of the widest kernel): where `methods.registry.Method.halo` and `tiled_to` come
from.

"sample": the same against a run all at once that measures its own numbers, where those of the tiles come from a
sample: what an image that is too large for anything else is restored with.

"time": processor seconds of a run in tiles over those of the run all at once, on a volume where both fit; the least
of each, as other work on the machine only adds to them.

"workers": seconds with one worker over seconds with two, of one thread each.

"cost": seconds and traffic of one tile against its size, beside what the model of Resources/Docs/large.md says, and
what that predicts for 4 TB on 100 workers.

"memory": peak memory of the command on a volume in a file, over the limit it was given (--shape, --limit).
"""

from __future__ import annotations

import json
import queue
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from results import Results, Table, options_of
from scipy import ndimage

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.watch import UNWATCHED
from SpatialDeconvLib.formats.parts import create_parts
from SpatialDeconvLib.methods import registry as methods
from SpatialDeconvLib.run.inputs import Inputs
from SpatialDeconvLib.run.settings import DeconvolveSettings
from SpatialDeconvLib.run.tiles import Tile, plan_of, solve_tile
from SpatialDeconvLib.run.tiles.sample import is_sampled
from SpatialDeconvLib.run.tiles.survey import survey_of

HALOS = (2.0, 3.0, 4.0, 6.0)
NOISE = 0.5
#: Of every method, what it is told so that it makes the steps that it would.
OPTIONS = {
    "joint": {"tikhonov": 0.02, "tv": 0.05, "self-keyed": 0.05, "pnp": 0.05},
    "blend": {"tikhonov": 0.01},
}
ITERATIONS = {"richardson-lucy": 10, "landweber": 15, "projected-landweber": 15}


def field() -> sd.KernelField:
    levels = zip(range(10, 101, 10), np.linspace(0.7, 1.2, 10), strict=True)
    return sd.KernelField.by_intensity({n: sd.ParametricKernel("gaussian", sigma_mm=float(s)) for n, s in levels})


def picture(shape: tuple[int, ...], seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.maximum(ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), 4) * 300, 0)
    image += 50 * (ndimage.gaussian_filter(rng.standard_normal(shape, np.float32), 3) > 0.03) + 5
    image *= 100 / image.max()
    blurred = sd.convolve(image, field()).image
    return (blurred + NOISE * rng.standard_normal(shape, np.float32)).astype(np.float32)


def settings_of(strategy: str, name: str, **more: object) -> DeconvolveSettings:
    options = {"engine": "fft"} if strategy == "blend" else {}
    if name in OPTIONS[strategy]:
        options["regularization"] = OPTIONS[strategy][name]
    if methods.method(strategy, name).iterates and name in ITERATIONS:
        options["iterations"] = ITERATIONS[name]
    return DeconvolveSettings(strategy=strategy, method=name, noise=NOISE, **options, **more)


def local_methods() -> list[tuple[str, str]]:
    known = [(strategy, m) for strategy in ("blend", "joint") for m in methods.methods_of(strategy).values()]
    return [(strategy, m.name) for strategy, m in known if m.halo < float("inf")]


def halo(results: Results, repeats: int) -> None:
    table = Table([("method", "<28"), *((f"{h:g} reaches", ">12.1e") for h in HALOS)])
    for shape in ((200, 208), (44, 56, 60)):
        image = picture(shape)
        inputs, everything = Inputs(image, field()), tuple(slice(0, n) for n in shape)
        for strategy, name in local_methods():
            settings = settings_of(strategy, name, tiles=10**6)
            plan = plan_of(inputs, settings, survey_of(inputs, UNWATCHED))
            whole = solve_tile(inputs, plan, Tile(0, everything, everything)).image
            cells = []
            for reaches in HALOS:
                margin = [round(h * reaches / settings.spec.halo) for h in plan.halo]
                other = replace(plan, halo=tuple(margin), size=tuple(-(-n // 2) for n in shape))
                worst = max(
                    float(np.abs(solve_tile(inputs, other, tile).image - whole[tile.core]).max())
                    for tile in other.tiles(shape)
                )
                cells.append(worst / 100)
                target = f"<= {settings.spec.tiled_to:g}" if reaches >= settings.spec.halo else None
                row = f"halo, {len(shape)}-D {strategy} {name}, {reaches:g} reaches"
                results.add(row, worst / 100, "of the range", better="less", target=target)
            table.row(f"{len(shape)}-D {strategy} {name}", *cells)


def sample(results: Results, repeats: int) -> None:
    shape = (112, 128, 128)
    image = picture(shape)
    assert is_sampled(shape, [4, 4, 4])
    table = Table([("method", "<28"), ("largest", ">9.1e"), ("rms", ">9.1e")])
    for name in ("richardson-lucy", "landweber", "tikhonov"):
        settings = settings_of("joint", name)
        options = settings.parameters()
        whole = sd.deconvolve(image, field(), **{**options, "tiles": "never"}).image
        tiled = sd.deconvolve(image, field(), **{**options, "tiles": 64}).image
        difference = np.abs(tiled - whole) / 100
        rms = float(np.sqrt(np.square(difference, dtype=np.float64).mean()))
        results.add(f"sample, {name}", float(difference.max()), "of the range", better="less", rms=rms)
        table.row(name, float(difference.max()), rms)


def seconds(work, clock=time.perf_counter) -> float:
    started = clock()
    work()
    return clock() - started


def timing(results: Results, repeats: int) -> None:
    image = picture((128, 256, 256))
    for strategy, name in (("joint", "richardson-lucy"), ("blend", "landweber")):
        options = settings_of(strategy, name).parameters()
        least = {}
        for tiles in ((128, 256, 128), "never"):
            run = partial(sd.deconvolve, image, field(), **{**options, "tiles": tiles})
            least[tiles] = min(seconds(run, time.process_time) for _ in range(repeats))
        tiled, whole = least.values()
        print(f"{strategy} {name}, 2 tiles: {tiled / whole:.2f} times")
        results.add(f"time, {strategy} {name}", tiled / whole, "times", target="<= 1.3", better="less")


def workers(results: Results, repeats: int) -> None:
    from SpatialDeconvLib.command.batch.scheduling import LocalWorkers
    from SpatialDeconvLib.large import opened, run_stored

    settings = settings_of("joint", "richardson-lucy", tiles=(64, 96, 96))
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        source = stored(Path(folder) / "in.nrrd", picture((128, 192, 192)))
        for repeat in range(repeats):
            times = []
            for count in (1, 2):
                crew = LocalWorkers(count, queue.Queue())
                try:
                    inputs, output = opened({"image": source}, field()), Path(folder) / f"{repeat}-{count}.nrrd"
                    times.append(
                        seconds(partial(run_stored, inputs, settings, output, workers=crew, share={"threads": 1}))
                    )
                finally:
                    crew.close()
            ratios.append(times[0] / times[1])
    print(f"two workers against one: {median(ratios):.2f} times as fast")
    results.add("workers, two against one", median(ratios), "times as fast", target=">= 1.7", better="more")


def cost(results: Results, repeats: int) -> None:
    """seconds = c (L + 2 h)^3, memory = v (L + 2 h)^3, traffic = (L + 2 h)^3 + L^3 values."""
    settings = settings_of("joint", "richardson-lucy")
    inputs = Inputs(picture((128, 160, 160)), field())
    plan = plan_of(inputs, settings, survey_of(inputs, UNWATCHED))
    h = plan.halo[0]
    table = Table(
        [("core", ">5d"), ("halo", ">5d"), ("seconds", ">8.2f"), ("model", ">8.2f"), ("traffic MB", ">11.1f")]
    )
    each = 0.0
    for core in (96, 64, 48, 32):
        cores = tuple(slice((128 - core) // 2, (128 + core) // 2) for _ in range(3))
        box = tuple(slice(max(0, s.start - h), s.stop + h) for s in cores)
        voxels = int(np.prod([s.stop - s.start for s in box]))
        work = partial(solve_tile, inputs, plan, Tile(0, cores, box))
        taken = median(seconds(work) for _ in range(repeats))
        each = each or taken / voxels
        table.row(core, h, taken, each * voxels, 4e-6 * (voxels + core**3))
        results.add(f"cost, core {core}", taken / (each * voxels), "times the model", better="less", seconds=taken)
    voxels, workers_, core = 1e12, 100, 256
    twice = (1 + 2 * h / core) ** 3
    hours = voxels * twice * each / workers_ / 3600
    gigabytes = 4e-9 * voxels * (1 + twice) / (hours * 3600)
    print(f"4 TB, {workers_} such workers, cores of {core}: {hours:.1f} h, {gigabytes:.2f} GB/s of traffic in all")
    results.add("cost, 4 TB on 100 workers", hours, "h", better="less", gigabytes_per_second=gigabytes)


def stored(path: Path, image: np.ndarray) -> Path:
    writer = create_parts(path, image.shape, "float32")
    writer.write(tuple(slice(0, n) for n in image.shape), image)
    return writer.finish()


def memory(results: Results, shape: tuple[int, ...], limit: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        block = picture((64, 128, 128))
        writer = create_parts(place / "in.nrrd", shape, "float32")
        for corner in np.ndindex(*(-(-n // m) for n, m in zip(shape, block.shape, strict=True))):
            box = tuple(
                slice(c * m, min((c + 1) * m, n)) for c, m, n in zip(corner, block.shape, shape, strict=True)
            )
            writer.write(box, block[tuple(slice(0, b.stop - b.start) for b in box)])
        writer.finish()
        kernels = [{"at": at, "type": "gaussian", "sigma_mm": k.parameters["sigma_mm"]}
                   for at, k in zip(field().at, field().kernels, strict=True)]  # fmt: skip
        sets = {"schema": "spatialdeconv-kernels/1", "key": "intensity", "kernels": kernels}
        (place / "set.json").write_text(json.dumps(sets))
        command = ["-m", "SpatialDeconvLib", "deconvolve", place / "in.nrrd", place / "out.nrrd", "--kernels",
                   place / "set.json", "--strategy", "joint", "--method", "richardson-lucy", "--iterations", "2",
                   "--memory", limit]  # fmt: skip
        taken = seconds(lambda: subprocess.run([sys.executable, *map(str, command)], check=True))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{'x'.join(map(str, shape))}, limit {limit:g} GiB: peak {peak:.2f} GiB, {taken:.0f} s")
    results.add("memory, peak over limit", peak / limit, "times", target="<= 1.1", better="less", gib=peak)


def main() -> None:
    parser = options_of(__doc__, "tiles")
    parser.add_argument("--only", choices=("halo", "sample", "time", "workers", "cost", "memory"))
    parser.add_argument("--repeats", type=int, default=3, help="of each timing (default %(default)s)")
    parser.add_argument("--shape", default="128,256,256", help="of the volume of 'memory' (default %(default)s)")
    parser.add_argument("--limit", type=float, default=0.5, help="GiB of 'memory' (default %(default)s)")
    options = parser.parse_args()
    results = Results("tiles", repeats=options.repeats)
    for name, part in (("halo", halo), ("sample", sample), ("time", timing), ("workers", workers), ("cost", cost)):
        if options.only in (None, name):
            part(results, options.repeats)
    if options.only in (None, "memory"):
        memory(results, tuple(int(n) for n in options.shape.split(",")), options.limit)
    results.print_targets()
    results.write(options.json)


if __name__ == "__main__":
    main()
