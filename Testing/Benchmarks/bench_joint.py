"""The joint solvers: what they recover, how fast, and in how much memory.

    python Testing/Benchmarks/bench_joint.py [--only NAME ...] [--json FILE]

Prints one line per number with its target, and writes the same as JSON. Times are the smallest of several
runs; beside a ratio of times stands that of the processor times (summed over threads), which is what is
left of it on a machine that is busy with something else. Needs scikit-image for the photograph; RedLionfish,
PyLops (with numba, or it is slower) and deepinv (with torch) are compared when they are installed.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable

import numpy as np
import scipy.fft as sfft
import SimpleITK as sitk
from cases import blends, blur, brain, gaussians, motions, photograph, psnr
from results import ROOT, Results, options_of, take_turns, verdict
from scipy import ndimage
from scipy.sparse.linalg import lsmr

import SpatialDeconvLib as sd
from SpatialDeconvLib.arrays.threads import usable_processors
from SpatialDeconvLib.blur.operator import SpatiallyVariantBlur
from SpatialDeconvLib.kernels.field import KernelField
from SpatialDeconvLib.kernels.kernel import Kernel
from SpatialDeconvLib.kernels.shapes import gaussian_kernel
from SpatialDeconvLib.solvers.landweber import power_norm
from SpatialDeconvLib.solvers.lbfgs import descend
from SpatialDeconvLib.solvers.penalised import LinearModel, Objective
from SpatialDeconvLib.solvers.problem import Problem
from SpatialDeconvLib.solvers.solve import solve

sys.path.append(str(ROOT / "Testing" / "Python"))
from oracles import chambolle_pock, total_variation_objective

SIGMA = 0.5
WORKERS = usable_processors()
RESULTS = Results("joint")


def report(name: str, value: float, unit: str, target: str = "", **more) -> None:
    row = RESULTS.add(name, value, unit, target=target or None, **more)
    extra = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row["more"].items())
    print(f"{name:<66} {row['value']:>8.2f} {unit:<8} {target:<10} {verdict(row):<8} {extra}", flush=True)


def seconds(call: Callable[[], object], runs: int = 5) -> tuple[float, float]:
    """Smallest wall and processor time of a call."""
    return take_turns({"": call}, runs, warm_up=True)[""].least


# ------------------------------------------------------------------------------------------- accuracy


def quality() -> None:
    """Joint and self-keyed restorations against the best of the blends, chosen with the truth in hand."""
    targets = {
        ("brain", "detector", "richardson-lucy"): 3.0,
        ("photograph", "detector", "self-keyed"): 4.0,
        ("photograph", "source", "self-keyed"): 5.0,
        ("brain", "source", "self-keyed"): 7.0,
    }
    for name, truth in (("photograph", photograph()), ("brain", brain())):
        for model in ("detector", "source"):
            field = gaussians(truth.ndim)
            y = blur(truth, field, model, SIGMA)
            scores = {label: psnr(image, truth) for label, image in blends(y, field, SIGMA).items()}
            best = max(scores, key=scores.get)
            best_rl = max(v for label, v in scores.items() if label.startswith("richardson"))
            report(f"{name}, {model}: blurred", psnr(y, truth), "dB")
            report(f"{name}, {model}: best blend ({best})", scores[best], "dB", blend_of_rl=best_rl)
            for method in ("richardson-lucy", "projected-landweber", "tikhonov", "tv", "self-keyed"):
                if model == "source" and method != "self-keyed":
                    continue  # with weights from the data that model is wrong; the note shows by how much
                start = time.perf_counter()
                operator = SpatiallyVariantBlur(field, y.shape, guide=y, model=model)
                result = solve(operator, y, method)
                took = time.perf_counter() - start
                score = psnr(result.image, truth)
                target = targets.get((name, model, method))
                # PEERS' best blend is that of Richardson-Lucy for Richardson-Lucy.
                reference = best_rl if method == "richardson-lucy" else scores[best]
                report(
                    f"{name}, {model}: {method}",
                    score - reference,
                    "dB more",
                    "" if target is None else f">= {target:g}",
                    psnr=score,
                    over_best_blend=score - scores[best],
                    residual=result.residual,
                    seconds=took,
                )
                if (name, model, method) == ("brain", "source", "self-keyed"):
                    report("brain, source: self-keyed, time", took, "s", "< 60")


def edges() -> None:
    """RMSE within 4 voxels of the borders of three regions, against the best blend there."""
    truth = photograph()
    smooth = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal(truth.shape), 20)
    labels = np.digitize(smooth, np.quantile(smooth, (1 / 3, 2 / 3)))
    kernels = {0: gaussian_kernel(0.8, ndim=2), 1: gaussian_kernel(2.0, ndim=2), 2: gaussian_kernel(3.5, ndim=2)}
    field = KernelField.by_region(labels, kernels)
    near = np.zeros(truth.shape, bool)
    for label in kernels:
        inside = labels == label
        for part in (inside, ~inside):
            distance = ndimage.distance_transform_edt(part)
            near |= (distance > 0) & (distance <= 4)
    for model in ("detector", "source"):
        y = blur(truth, field, model, SIGMA)

        def error(image, where=near):
            return float(np.sqrt(np.mean((image[where] - truth[where]) ** 2)))

        best = min(map(error, blends(y, field, SIGMA).values()))
        operator = SpatiallyVariantBlur(field, y.shape, model=model)
        for method in ("richardson-lucy", "tv"):
            image = solve(operator, y, method).image
            ours = error(image)
            report(
                f"three regions, {model}: RMSE near edges, {method} / best blend",
                ours / best,
                "",
                "<= 0.5",
                ours=ours,
                blend=best,
                elsewhere=error(image, ~near),
            )


# ---------------------------------------------------------------------------------------------- speed


def speed() -> None:
    """A joint RL iteration, ten kernels, against its bare FFTs and against ten SimpleITK iterations.

    SimpleITK's iteration is the plain one, and so is ours; `accelerated` is what ours costs along conjugate
    directions, of which a fifth to an eighth are needed (section acceleration).
    """
    shape = (128, 128, 96)
    rng = np.random.default_rng(0)
    image = rng.uniform(1, 110, shape).astype(np.float32)
    for name, field, options in (
        ("ten Gaussians", gaussians(3), {}),
        ("ten Gaussians, no compression", gaussians(3), {"low_rank": 0}),
        ("ten motion kernels", motions(3), {}),
        ("ten Gaussians, cache_bytes 0", gaussians(3), {"cache_bytes": 0}),
        ("ten motion kernels, cache_bytes 0", motions(3), {"cache_bytes": 0}),
    ):
        operator = SpatiallyVariantBlur(field, shape, guide=image, **options)
        grid = operator.grid
        padded = rng.random(grid, np.float32)
        spectrum = sfft.rfftn(padded)
        ahead = seconds(lambda p=padded: sfft.rfftn(p, workers=WORKERS))
        back = seconds(lambda s=spectrum, g=grid: sfft.irfftn(s, s=g, workers=WORKERS))
        bare = tuple(11 * (a + b) for a, b in zip(ahead, back, strict=True))
        ours, accelerated = (an_own_iteration(operator, image, accelerate) for accelerate in (False, True))
        report(
            f"{name}: RL iteration / 22 bare FFTs of {grid}",
            ours[0] / bare[0],
            "x",
            "<= 1.4",
            processor=ours[1] / bare[1],
            ms=1e3 * ours[0],
            ffts=operator.transforms * 2,
            accelerated=accelerated[0] / bare[0],
        )
        if name == "ten Gaussians":
            against_simpleitk(image, ours)


def an_own_iteration(operator: SpatiallyVariantBlur, image: np.ndarray, accelerate: bool) -> tuple[float, float]:
    """Wall and processor time of an iteration."""
    few, many = (
        seconds(
            lambda n=n: solve(operator, image, "richardson-lucy", iterations=n, noise=SIGMA, accelerate=accelerate),
            runs=3,
        )
        for n in (2, 8)
    )
    return tuple((b - a) / 6 for a, b in zip(few, many, strict=True))


def against_simpleitk(image: np.ndarray, ours: tuple[float, float]) -> None:
    picture = sitk.GetImageFromArray(image)
    field = gaussians(3)
    total = np.zeros(2)
    for kernel in field.kernels:
        values = sitk.GetImageFromArray(kernel.values.astype(np.float32))
        times = [
            seconds(lambda v=values, n=n: sitk.RichardsonLucyDeconvolution(picture, v, n, True), runs=1)
            for n in (1, 3)
        ]
        total += [(b - a) / 2 for a, b in zip(*times, strict=True)]
    report(
        "ten SimpleITK RL iterations / joint RL iteration",
        total[0] / ours[0],
        "x",
        ">= 40",
        processor=total[1] / ours[1],
    )


def one_kernel() -> None:
    """K = 1: an iteration of plain Richardson-Lucy against those of scikit-image and RedLionfish."""
    shape = (128, 128, 96)
    image = np.random.default_rng(0).uniform(1, 110, shape).astype(np.float32)
    kernel = gaussian_kernel(1.5)
    operator = SpatiallyVariantBlur(KernelField.uniform(kernel), shape, boundary="zero")
    small = kernel.values.astype(np.float32)

    def ours(n: int, accelerate: bool = False) -> None:
        solve(operator, image, "richardson-lucy", iterations=n, noise=SIGMA, accelerate=accelerate)

    ratio, busy, ms = an_iteration(lambda n: ours(n, True), ours)
    report("accelerated RL iteration / plain, K = 1", ratio, "x", processor=busy, ms=ms)
    try:
        from skimage.restoration import richardson_lucy

        ratio, busy, _ = an_iteration(lambda n: richardson_lucy(image, small, num_iter=n, clip=False), ours)
        report("scikit-image RL iteration / ours, K = 1", ratio, "x", ">= 2", processor=busy)
    except ImportError:
        print("scikit-image is not installed: not compared")
    try:
        import RedLionfishDeconv as rl

        ratio, busy, _ = an_iteration(
            lambda n: rl.doRLDeconvolutionFromNpArrays(image, small, niter=n, method="cpu", resAsUint8=False), ours
        )
        report("RedLionfish RL iteration / ours, K = 1", ratio, "x", ">= 1", processor=busy)
    except ImportError:
        print("RedLionfish is not installed: not compared")


def an_iteration(theirs: Callable, ours: Callable, few: int = 2, many: int = 10) -> tuple[float, float, float]:
    """Wall and processor time of an iteration, ``call(iterations)``, as ratios; and ours in ms."""
    calls = [lambda call=call, n=n: call(n) for call in (theirs, ours) for n in (few, many)]
    a, b, c, d = interleaved(*calls)
    ratio, busy = (b - a) / (d - c)
    return ratio, busy, 1e3 * (d - c)[0] / (many - few)


def default() -> None:
    """The default, ten kernels keyed to intensity, against what it once was: blend + Wiener by SimpleITK."""
    for shape, runs, target in (((64, 64, 48), 3, ""), ((64, 128, 128), 3, ""), ((100, 256, 256), 1, "<= 1")):
        truth = steps(shape)
        field = gaussians(3)
        y = blur(truth, field, "detector", SIGMA)
        calls = {
            name: lambda y=y, field=field, options=options: sd.deconvolve(y, field, spacing=1, **options)
            for name, options in (("default", {}), ("blend", {"strategy": "blend", "method": "wiener"}))
        }
        times = take_turns(calls, runs)
        (wall, busy), (least, work) = (times[name].median for name in calls)
        taken = times["default"].result
        report(
            f"the default / blend + Wiener, {'x'.join(map(str, shape))}", wall / least, "x", target,
            processor=busy / work, s=wall, dB=psnr(taken.image, truth), blend_s=least,
            blend_dB=psnr(times["blend"].result.image, truth), took=taken.automatic["method"],
        )  # fmt: skip


def steps(shape: tuple[int, ...]) -> np.ndarray:
    """Flat pieces of any form, 0 ... 100."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), 4)
    return (12.5 * np.round(8 * (smooth - smooth.min()) / np.ptp(smooth))).astype(np.float32)


def scaling() -> None:
    """Cost of a product with A and A^T when the voxels double and when the kernels double."""

    def cost(shape: tuple[int, ...], count: int) -> float:
        # All weights everywhere and kernels of one size, so that nothing but the number changes.
        sigmas = np.linspace(0.8, 2.0, count)
        rng = np.random.default_rng(0)
        kernels = {float(k): gaussian_kernel(s, truncate=8 / s) for k, s in enumerate(sigmas)}
        guide = rng.uniform(0, count - 1, shape).astype(np.float32)
        operator = SpatiallyVariantBlur(KernelField.by_intensity(kernels), shape, guide=guide, low_rank=0)
        return seconds(lambda: operator.adjoint(operator.forward(guide)), runs=3)[0]

    base = cost((84, 84, 84), 10)
    voxels, kernels = cost((184, 84, 84), 10), cost((84, 84, 84), 20)
    report(
        "cost when voxels double (84^3 padded to 100^3, to 200 x 100^2)",
        voxels / base,
        "x",
        "<= 2.3",
    )
    report("cost when K doubles (10 to 20)", kernels / base, "x", "<= 2.1")


def crossing(curve: np.ndarray, value: float) -> float:
    """Iterations after which a curve first reaches a value, on straight lines; entry 0 is the start."""
    n = int(np.argmax(curve >= value))
    return n - 1 + (value - curve[n - 1]) / (curve[n] - curve[n - 1]) if n else 0.0


def acceleration() -> None:
    """Iterations to come within 0.1 dB of the best PSNR of plain RL, accelerated against plain."""
    for name, truth in (("photograph", photograph()), ("brain", brain()[16:48])):
        field = gaussians(truth.ndim)
        y = blur(truth, field, "detector", SIGMA)
        operator = SpatiallyVariantBlur(field, y.shape, guide=truth)
        curves = {}
        for accelerate, most in ((False, 400 if truth.ndim == 3 else 800), (True, 80)):
            images: list[float] = []
            solve(
                operator,
                y,
                "richardson-lucy",
                iterations=most,
                noise=SIGMA,
                accelerate=accelerate,
                observe=lambda image, t=truth, out=images: out.append(psnr(image, t)),
            )
            curves[accelerate] = np.array(images)
        best = min(c.max() for c in curves.values())
        plain, fast = (crossing(curves[a], best - 0.1) for a in (False, True))
        report(
            f"{name}: iterations to 0.1 dB below the best, accelerated / plain",
            fast / plain,
            "",
            "<= 0.2",
            plain=plain,
            accelerated=fast,
            best_plain=float(curves[False].max()),
            best_accelerated=float(curves[True].max()),
        )


# ------------------------------------------------------------------------------------ total variation


def tv() -> None:
    """Our "tv" against Chambolle and Pock's iteration for exact TV: products with A until the end is near.

    The end is that of a long run of each, of the smoothed and of the exact objective. Chambolle and Pock's dual
    step is the best of three for each case, chosen afterwards; "tv" has nothing to choose.
    """
    truth = photograph()
    for model in ("detector", "source"):
        y = blur(truth, gaussians(2), model, SIGMA)
        operator = SpatiallyVariantBlur(gaussians(2), y.shape, guide=truth, model=model)
        for weight in (0.1 * SIGMA, 0.4 * SIGMA):
            ours = tv_path(operator, y, weight, 400)
            reach(f"TV, {model}, weight {weight:g}, tv", [ours], ours[-1], truth)
            end = chambolle_pock_path(operator, y, weight, 0.1, 3000, keep=1)[-1]
            theirs = [chambolle_pock_path(operator, y, weight, step, 400) for step in (0.03, 0.1, 0.3)]
            reach(f"TV, {model}, weight {weight:g}, Chambolle-Pock", theirs, end, truth)


def reach(name: str, paths: list[tuple], end: tuple, truth: np.ndarray) -> None:
    """Report when the best of some paths first comes so near its end: 1e-3 above the objective's minimum, and
    0.1 dB below the end's PSNR."""
    last = psnr(end[3], truth)
    for what, near in (
        ("1e-3 of the minimum", lambda p: p[2] <= 1.001 * end[2]),
        ("0.1 dB", lambda p: psnr(p[3], truth) >= last - 0.1),
    ):
        first = min(next((p[:2] for p in path if near(p)), (math.inf, math.inf)) for path in paths)
        report(f"{name}: to {what}", first[0], "products", processor_s=first[1], psnr_at_end=last)


def tv_path(operator: SpatiallyVariantBlur, y: np.ndarray, weight: float, steps: int) -> list[tuple]:
    """Products with A (as many with A^T), processor time, objective and image after each step of "tv"."""
    problem = Problem(operator, y, SIGMA)
    objective = Objective(problem, LinearModel(operator))
    objective.weight = weight
    path, products, start = [], itertools.count(1), time.process_time()

    def watched(x):
        value, gradient = objective(x)
        path.append((next(products), time.process_time() - start, value, x.copy()))
        return value, gradient

    for _ in itertools.islice(descend(watched, problem.start(), 0.0, math.inf, tolerance=0), steps + 1):
        pass
    return path


def chambolle_pock_path(operator, y, weight, step, iterations, keep: int | None = None) -> list[tuple]:
    """The same for Chambolle and Pock's iteration; only the last `keep` images."""
    seen: deque = deque(maxlen=keep)
    norm, start = 1.05 * power_norm(operator), time.process_time()

    def watch(x):
        seen.append((time.process_time() - start, x))

    chambolle_pock(operator.forward, operator.adjoint, y, weight, norm, iterations, step, watch)
    first = iterations - len(seen) + 1
    return [
        (n, busy, total_variation_objective(operator.forward, x, y, weight), x)
        for n, (busy, x) in enumerate(seen, first)
    ]


# ---------------------------------------------------------------------------------------------- peers


def peers() -> None:
    """The forward model and its transpose against PyLops and deepinv, a solver against scipy's LSMR."""
    rng = np.random.default_rng(0)
    for shape, places, size in (
        ((256, 256), ((0, 64, 128, 192), (0, 64, 128, 192)), (15, 15)),
        ((64, 96, 96), ((0, 32), (0, 32, 64), (0, 32)), (7, 9, 9)),
    ):
        kernels = rng.random((*map(len, places), *size))
        against_pylops(shape, places, kernels)
        if len(shape) == 2:
            against_deepinv(shape, places, kernels)
    against_lsmr()


def compare(name: str, theirs: Callable, ours: Callable, operator_for: Callable) -> None:
    """Differences of A x and A^T x in double precision; their time over ours, in single precision."""
    x = np.random.default_rng(1).standard_normal(operator_for("float64").data_shape)
    for transposed, label in ((False, "A x"), (True, "A^T x")):
        expected = theirs("float64", x, transposed)
        found = ours(operator_for("float64"), x, transposed)
        difference = np.abs(found - expected).max() / np.abs(expected).max()
        report(f"{name}, {label}: largest difference", 1e12 * difference, "1e-12", "<= 1", better="target")
        single, operator = x.astype(np.float32), operator_for("float32")
        ahead, mine = interleaved(
            lambda x=single, t=transposed: theirs("float32", x, t),
            lambda x=single, t=transposed, o=operator: ours(o, x, t),
        )
        ratio, busy = ahead / mine
        report(f"{name}, {label}: its time / ours", ratio, "x", better="more", processor=busy, ms=1e3 * mine[0])


def interleaved(*calls: Callable, runs: int = 7) -> list[np.ndarray]:
    """Medians of the wall and the processor time of calls that take turns."""
    times = take_turns({str(n): call for n, call in enumerate(calls)}, runs, warm_up=True)
    return [np.array(timing.median) for timing in times.values()]


def product(operator: SpatiallyVariantBlur, x: np.ndarray, transposed: bool) -> np.ndarray:
    return operator.adjoint(x) if transposed else operator.forward(x)


def against_pylops(shape: tuple[int, ...], places: tuple, kernels: np.ndarray) -> None:
    """Kernels on a regular grid, linear between them, zero outside: PyLops' own case (source-keyed)."""
    try:
        from pylops.signalprocessing import NonStationaryConvolve2D, NonStationaryConvolve3D
    except ImportError:
        print("PyLops is not installed: not compared")
        return
    engine = "numba" if importlib.util.find_spec("numba") else "numpy"
    build = NonStationaryConvolve2D if len(shape) == 2 else NonStationaryConvolve3D
    peer = {d: build(shape, kernels.astype(d), *places, engine=engine, dtype=d) for d in ("float64", "float32")}
    flat = map(Kernel, kernels.reshape(-1, *kernels.shape[len(shape) :]))
    field = KernelField.by_position(dict(zip(itertools.product(*places), flat, strict=True)))
    compare(
        f"PyLops ({engine}), {len(shape)}-D",
        lambda d, x, transposed: ((peer[d].H if transposed else peer[d]) @ x.ravel()).reshape(shape),
        product,
        lambda d: SpatiallyVariantBlur(field, shape, model="source", boundary="zero", dtype=d),
    )


def against_deepinv(shape: tuple[int, ...], places: tuple, kernels: np.ndarray) -> None:
    """The same kernels in both models, with deepinv's boundaries."""
    try:
        import torch
        from deepinv.physics import SpaceVaryingBlur
    except ImportError:
        print("deepinv is not installed: not compared")
        return
    torch.set_num_threads(WORKERS)
    flat = kernels.reshape(-1, *kernels.shape[len(shape) :])
    field = KernelField.by_position(dict(zip(itertools.product(*places), map(Kernel, flat), strict=True)))
    bound = field.bind(np.zeros(shape, np.float32), 1.0)
    weights = np.stack([bound.weight(k) for k in range(len(bound))])
    for model in ("source", "detector"):
        for padding, boundary in (("circular", "periodic"), ("replicate", "edge")):
            peer = {
                d: SpaceVaryingBlur(
                    *(torch.from_numpy(v[None, None].astype(d)) for v in (flat, weights)),
                    padding=padding,
                    mask_first=model == "source",
                )
                for d in ("float64", "float32")
            }

            def theirs(d, x, transposed, peer=peer):
                image = torch.from_numpy(x[None, None])
                with torch.no_grad():
                    out = peer[d].A_adjoint(image) if transposed else peer[d].A(image)
                return out.numpy()[0, 0]

            compare(
                f"deepinv, {model}, {padding}",
                theirs,
                product,
                lambda d, m=model, b=boundary: SpatiallyVariantBlur(field, shape, model=m, boundary=b, dtype=d),
            )


def against_lsmr() -> None:
    """Tikhonov with the identity against LSMR on the explicit matrix, both iterated to the end."""
    shape, weight = (32, 30), 0.05
    truth = ndimage.zoom(photograph(), np.array(shape) / 256, order=1)
    y = blur(truth, gaussians(2), "detector", SIGMA).astype(float)
    for model in ("detector", "source"):
        operator = SpatiallyVariantBlur(gaussians(2), shape, guide=truth, model=model, dtype="float64")
        matrix = np.stack([operator.forward(e.reshape(shape)).ravel() for e in np.eye(y.size)], axis=1)
        expected = lsmr(matrix, y.ravel(), damp=weight**0.5, atol=1e-14, btol=1e-14, maxiter=4000)[0]
        found = solve(
            operator,
            y,
            "tikhonov",
            regularization=weight,
            iterations=2000,
            noise=SIGMA,
            penalty="identity",
            tolerance=1e-12,
        )
        difference = np.abs(found.image.ravel() - expected).max() / np.abs(expected).max()
        report(f"LSMR on the matrix, {model}: difference", 1e9 * difference, "1e-9", "<= 1", better="target")


# --------------------------------------------------------------------------------------------- memory


def memory() -> None:
    """Peak of what Python and numpy allocate beyond input and output, in float32 volumes of the image."""
    shape = (160, 160, 128)
    image = np.random.default_rng(0).uniform(1, 110, shape).astype(np.float32)
    for family, field in (("Gaussians", gaussians(3)), ("motion kernels", motions(3))):
        for mode, options, target in (("full speed", {}, 18), ("cache_bytes 0", {"cache_bytes": 0}, 8)):
            tracemalloc.start()
            operator = SpatiallyVariantBlur(field, shape, guide=image, **options)
            ready = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            solve(operator, image, "richardson-lucy", iterations=4, noise=SIGMA)
            peak = max(ready, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            volumes = peak / image.nbytes - 1  # the output
            report(f"ten {family}, RL, {mode}: peak memory", volumes, "volumes", f"<= {target}")


SECTIONS = {
    "quality": quality,
    "edges": edges,
    "speed": speed,
    "one-kernel": one_kernel,
    "default": default,
    "scaling": scaling,
    "acceleration": acceleration,
    "tv": tv,
    "memory": memory,
    "peers": peers,
}


def main() -> None:
    parser = options_of(__doc__, "joint")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    options = parser.parse_args()
    for name in options.only:
        print(f"-- {name}: {SECTIONS[name].__doc__.splitlines()[0]}")
        SECTIONS[name]()
    RESULTS.print_targets()
    RESULTS.write(options.json)


if __name__ == "__main__":
    main()
