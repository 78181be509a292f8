"""Images that others published, with what they and other programs make of them.

    python Testing/Benchmarks/bench_public.py [--whole] [--only bars|pollen|petpvc|lens] [--json FILE]

The data come out of wheels on PyPI (`public.py`); `pip install -e .[bench]` brings the programs that are compared.

bars    The hollow bars of EPFL as in flowdec 1.1.0, with the scores that flowdec published for DeconvolutionLab2
        (validation/deconvolution/results/bars-samp.ipynb), and its own two, which are reproduced here.
pollen  Pollen with a measured point spread function as in sdeconv 1.0.4, and the results that it ships.
petpvc  The phantom of PETPVC's tests: the largest error of RBV and iterative Yang (its limits: 0.01 with the right
        kernel, 0.7 with a wrong one), means of regions, kernels that differ from region to region, and a lesion
        that the regions leave out.

lens    A photograph of scikit-image through a lens with a kernel for every pixel, 49 of them told: programs for
        kernels that change with the place, where they are installed (regularizepsf; deepinv, which brings some
        gigabytes of PyTorch and is no part of the extra).

"16 bits" is PSNR as flowdec took it; "fitted" PSNR after scale and offset have been fitted to the truth, "corr" the
correlation with it, neither of which depends on units. On the whole pollen only sdeconv's results and this
program's defaults are compared, and all programs on a part of it, unless `--whole` is given: SimpleITK and the
blend then take most of an hour.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Collection
from dataclasses import replace

import lens
import numpy as np
import public
import SimpleITK as sitk
from results import Results, Table, options_of, take_turns

import SpatialDeconvLib as sd
from SpatialDeconvLib.methods.registry import methods_of

#: flowdec's comparison of DeconvolutionLab2 with itself on the bars, PSNR in dB.
PUBLISHED = {
    "DeconvolutionLab2, Richardson-Lucy 25": 14.459,
    "DeconvolutionLab2, Richardson-Lucy 25, padded": 14.986,
    "DeconvolutionLab2, Richardson-Lucy TV": 13.970,
    "DeconvolutionLab2, Landweber": 12.192,
    "DeconvolutionLab2, regularised inverse": 11.936,
    "DeconvolutionLab2, naive inverse": 6.771,
}
FLOWDEC = {"flowdec, Richardson-Lucy 25": (14.516, None), "flowdec, padded": (15.041, (64, 128, 128))}
ITERATIONS = {"bars": 25, "pollen": 30, "part of the pollen": 30}
DEFAULTS = ("joint richardson-lucy, automatic", "automatic (the default)")
CORNERS = {"16 bits": ">8.2f", "fitted": ">7.2f", "corr": ">7.3f", "seconds": ">8.1f"}


def main() -> None:
    parser = options_of(__doc__, "public")
    parser.add_argument("--whole", action="store_true", help="all programs on the whole pollen")
    parser.add_argument("--only", choices=("bars", "pollen", "petpvc", "lens"), help="one of them")
    options = parser.parse_args()
    results = Results("public", whole=options.whole)
    if options.only in (None, "bars"):
        compare(public.bars(), results)
    if options.only in (None, "pollen"):
        whole = public.pollen()
        compare(whole, results, None if options.whole else DEFAULTS)
        leads(results)
        compare(cropped(whole), results)
    if options.only in (None, "petpvc"):
        partial_volume(results)
    if options.only in (None, "lens"):
        through_a_lens(results)
    results.print_targets()
    results.write(options.json)


def cropped(case: public.Case) -> public.Case:
    box = (slice(None), slice(80, 176), slice(80, 176))
    return replace(
        case,
        name="part of the pollen",
        blurred=case.blurred[box],
        truth=case.truth[box],
        kernel=case.kernel[:, 80:176, 80:176],
        published={name: image[box] for name, image in case.published.items()},
    )


# ---------------------------------------------------------------------------- images with one kernel


def compare(case: public.Case, results: Results, only: Collection[str] | None = None) -> None:
    """Score what came with a case, other programs and this one; or of programs only those that are named."""
    print(f"\n{case.name}, {'x'.join(map(str, case.truth.shape))}")
    table = Table([("", "<52"), *CORNERS.items()])
    scored = Scores(case, results, table)
    scored.add("blurred", case.blurred)
    if case.name == "bars":
        for name, value in PUBLISHED.items():
            table.row(f"published: {name}", value, "", "", "")
        for name, (value, shape) in FLOWDEC.items():
            found = scored.add(f"reproduced: {name}", public.richardson_lucy(case, ITERATIONS["bars"], shape))
            results.add(
                f"bars: {name}, off the published", abs(found - value), "dB", target="<= 0.001", better="target"
            )
    for name, image in case.published.items():
        scored.add(f"its own: sdeconv, {name}", image)
    for name, call in contestants(case).items():
        if only is None or name in only:
            scored.run(name, call)
    if case.name == "bars":
        misfit_by_signal(case, results)


def leads(results: Results) -> None:
    """Add how far this program's defaults are ahead of the best of sdeconv's own results on the whole pollen."""
    found = {row["name"]: row["value"] for row in results.rows}
    best = max(value for name, value in found.items() if name.startswith("pollen: its own"))
    for name in DEFAULTS:
        results.add(f"pollen: {name}, ahead of sdeconv's best", found[f"pollen: {name}"] - best, "dB", target="> 0")


SHARES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)


def misfit_by_signal(case: public.Case, results: Results) -> None:
    """What the kernel leaves of the data when it blurs the truth itself, brought to the data's scale and offset."""
    kernel = sd.Kernel(case.kernel / case.kernel.sum(), centre="itk")
    blurred = sd.convolve(case.truth, kernel, spacing=1.0).image.astype(float)
    columns = np.stack([blurred.ravel(), np.ones(blurred.size)], axis=1)
    expected = (columns @ np.linalg.lstsq(columns, case.blurred.ravel(), rcond=None)[0]).reshape(blurred.shape)
    squared, noise = (case.blurred - expected) ** 2, sd.estimate_noise(case.blurred)
    print(f"\n{case.name}: the truth, blurred by the kernel, off the data by times the noise ({noise:.0f})")
    table = Table([("voxels by their signal, %", "<28"), ("misfit", ">8.1f"), ("share of all", ">14.2f")])
    limits = np.quantile(expected, SHARES)
    for n, (low, high) in enumerate(itertools.pairwise(limits)):
        part = squared[(expected >= low) & (expected <= high)]
        name = f"{100 * SHARES[n]:g} to {100 * SHARES[n + 1]:g}"
        misfit, share = float(np.sqrt(part.mean()) / noise), float(part.sum() / squared.sum())
        table.row(name, misfit, share)
        results.add(f"{case.name}: misfit of the truth, signal {name} %", misfit, "times the noise", share=share)


class Scores:
    def __init__(self, case: public.Case, results: Results, table: Table):
        self.case, self.results, self.table = case, results, table

    def add(self, name: str, image: np.ndarray, seconds: float | str = "") -> float:
        truth = self.case.truth
        bits = public.psnr_of_16_bits(image, truth)
        fitted, corr = public.psnr_fitted(image, truth), public.correlation(image, truth)
        self.table.row(name, bits, fitted, corr, seconds)
        self.results.add(
            f"{self.case.name}: {name}", fitted, "dB", correlation=corr, psnr_16_bits=bits, seconds=seconds
        )
        return bits

    def run(self, name: str, call: Callable[[], np.ndarray]) -> None:
        timing = take_turns({name: call}, 1)[name]
        self.add(name, timing.result, timing.median[0])


def contestants(case: public.Case) -> dict[str, Callable[[], np.ndarray]]:
    """Every program at the same number of iterations, then this one's choices."""
    image, steps = case.blurred, ITERATIONS[case.name]
    kernel = case.kernel / case.kernel.sum()
    own = sd.Kernel(kernel, centre="itk")

    def ours(**options: object) -> Callable[[], np.ndarray]:
        def call() -> np.ndarray:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return sd.deconvolve(image, own, spacing=1.0, **options).image

        return call

    calls = others(image, kernel, steps)
    calls[f"joint Richardson-Lucy, {steps} iterations"] = ours(
        strategy="joint", method="richardson-lucy", iterations=steps
    )
    calls["the same, extended boundary"] = ours(
        strategy="joint", method="richardson-lucy", iterations=steps, boundary="extended"
    )
    for name in methods_of("joint"):
        if name not in ("self-keyed", "pnp"):  # which have nothing to find with one kernel; what auto takes
            calls[f"joint {name}, automatic"] = ours(strategy="joint", method=name)
    calls["blend, automatic"] = ours(strategy="blend")
    calls["automatic (the default)"] = ours()
    return calls


def others(image: np.ndarray, kernel: np.ndarray, steps: int) -> dict[str, Callable[[], np.ndarray]]:
    def itk() -> np.ndarray:
        images = (sitk.GetImageFromArray(array.astype(np.float32)) for array in (image.clip(0), kernel))
        return sitk.GetArrayFromImage(sitk.RichardsonLucyDeconvolution(*images, steps))

    calls: dict[str, Callable[[], np.ndarray]] = {f"SimpleITK Richardson-Lucy, {steps} iterations": itk}
    try:
        from skimage import restoration
    except ImportError:
        print("scikit-image is not installed: pip install -e .[bench]")
    else:
        top = image.max()
        calls[f"scikit-image Richardson-Lucy, {steps} iterations"] = lambda: (
            top
            * restoration.richardson_lucy(
                image.clip(0) / top, kernel, num_iter=steps, clip=False, filter_epsilon=1e-9
            )
        )
    try:
        from RedLionfishDeconv import doRLDeconvolutionFromNpArrays
    except ImportError:
        print("RedLionfish is not installed: pip install -e .[bench]")
    else:
        calls[f"RedLionfish Richardson-Lucy, {steps} iterations"] = lambda: doRLDeconvolutionFromNpArrays(
            image.clip(0).astype(np.float32), kernel.astype(np.float32), niter=steps, method="cpu"
        )
    return calls


# --------------------------------------------------------------------------- kernels by place: a lens


def through_a_lens(results: Results) -> None:
    """Score programs that take kernels by place on one picture."""
    try:
        from skimage import data
    except ImportError:
        print("\nlens: its picture is scikit-image's: pip install -e .[bench]")
        return
    picture = data.camera().astype(float).reshape(256, 2, 256, 2).mean(axis=(1, 3))
    case = lens.through_a_lens(picture)
    print(f"\nlens, {'x'.join(map(str, picture.shape))}, kernels at {len(case.kernels)} places")
    table = Table([("", "<62"), ("PSNR", ">7.2f"), ("fitted", ">7.2f"), ("corr", ">7.3f"), ("seconds", ">8.1f")])

    def score(name: str, image: np.ndarray, seconds: float | str = "") -> None:
        scores = sd.psnr(case.truth, image, 255), public.psnr_fitted(image, case.truth)
        corr = public.correlation(image, case.truth)
        table.row(name, *scores, corr, seconds)
        results.add(f"lens: {name}", scores[1], "dB", psnr=scores[0], correlation=corr, seconds=seconds)

    def ours(**options: object) -> Callable[[], np.ndarray]:
        return lambda: (
            sd.deconvolve(case.blurred, lens.field_of(case), spacing=1.0, model="source", **options).image
        )

    calls = lens.peers(case)
    for name in ("richardson-lucy", "tikhonov", "tv"):
        calls[f"joint {name}, automatic"] = ours(strategy="joint", method=name)
    calls["blend, automatic"] = ours(strategy="blend")
    calls["automatic (the default)"] = ours()
    score("blurred", case.blurred)
    for name, call in calls.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            timing = take_turns({name: call}, 1)[name]
        score(name, timing.result, timing.median[0])


# ------------------------------------------------------------------------------- means of regions (PET)


RIGHT = (5.0, 6.0, 7.0)
WRONG = {"too narrow": (4.0, 5.0, 5.0), "too wide": (6.0, 7.0, 8.0)}
NOISE = 0.01


def partial_volume(results: Results) -> None:
    labels = public.petpvc_labels()
    truth = np.vectorize(public.ACTIVITY.get)(labels).astype(float)
    image = public.gaussian_blur(truth, RIGHT)
    print("\npetpvc: largest error of a voxel")
    table = Table([("", "<28"), ("right kernel", ">13.4f"), *((name, ">11.4f") for name in WRONG)])
    methods = {"RBV": public.region_based_voxelwise, "iterative Yang": public.iterative_yang}
    for name, method in methods.items():
        errors = [float(np.abs(method(image, labels, f) - truth).max()) for f in (RIGHT, *WRONG.values())]
        table.row(f"reference: {name}", *errors)
        results.add(f"petpvc: reference {name}, right kernel", errors[0], "", better="target", target="<= 0.01")
    print("\npetpvc: means of regions, largest error in %")
    table = Table([("", "<44"), ("GTM", ">9.3f"), ("ours", ">9.3f")])
    for name, fwhm in {"right kernel": RIGHT, **WRONG}.items():
        theirs = public.transfer_matrix_means(image, labels, fwhm)
        ours = means(image, labels, {0: fwhm})
        row(
            results, table, f"one kernel, {name}", percent(theirs), percent(ours), "<= 1" if fwhm == RIGHT else None
        )
    two = {0: RIGHT, 1: (9.0, 9.0, 12.0), 2: RIGHT, 3: (9.0, 9.0, 12.0)}
    sent = sum(public.gaussian_blur(np.where(labels == label, truth, 0), fwhm) for label, fwhm in two.items())
    theirs = min(percent(public.transfer_matrix_means(sent, labels, fwhm)) for fwhm in set(two.values()))
    row(
        results,
        table,
        "two kernels, by region (GTM: the better one)",
        theirs,
        percent(means(sent, labels, two)),
        "<= 1",
    )
    lesion(results, labels, truth)


def means(image: np.ndarray, labels: np.ndarray, fwhm: dict[int, tuple[float, float, float]]) -> np.ndarray:
    kernels = {
        label: sd.gaussian_kernel(public.sigma_of(width), public.SPACING, truncate=6)
        for label, width in fwhm.items()
    }
    field = sd.KernelField.by_region(labels, kernels, outside="nearest")
    run = sd.deconvolve(
        image, field, spacing=public.SPACING, model="source", noise=NOISE, region_means=True, strategy="joint",
        method="richardson-lucy", iterations=1,
    )  # fmt: skip
    return np.array([mean.mean for mean in run.region_means])


def percent(found: np.ndarray) -> float:
    """The largest error of the regions that hold something."""
    true = np.array(list(public.ACTIVITY.values()))
    return float(100 * np.max(np.abs(found - true)[true > 0] / true[true > 0]))


def row(results: Results, table: Table, name: str, theirs: float, ours: float, target: str | None) -> None:
    table.row(name, theirs, ours)
    results.add(f"petpvc: means, {name}", ours, "%", target=target, better="less", gtm=theirs)


def lesion(results: Results, labels: np.ndarray, truth: np.ndarray) -> None:
    """What is recovered of a hot ball of radius 8 mm in cylinder 2 that no region tells of."""
    k, j, i = (n * h for n, h in zip(np.indices(labels.shape), public.SPACING, strict=True))
    ball = (i - 55) ** 2 + (j - 50) ** 2 + (k - 66) ** 2 <= 8**2
    hot = np.where(ball, 6.0, truth)
    image = public.gaussian_blur(hot, RIGHT) + NOISE * np.random.default_rng(0).standard_normal(labels.shape)
    kernel = sd.gaussian_kernel(public.sigma_of(RIGHT), public.SPACING, truncate=6)
    found = {
        "blurred": image,
        "reference RBV": public.region_based_voxelwise(image, labels, RIGHT),
        "reference iterative Yang": public.iterative_yang(image, labels, RIGHT),
        "ours, joint tv": sd.deconvolve(image, kernel, spacing=public.SPACING, strategy="joint", method="tv").image,
        "ours, automatic": sd.deconvolve(image, kernel, spacing=public.SPACING).image,
    }
    print("\npetpvc: share of a lesion that the regions leave out")
    table = Table([("", "<28"), ("share", ">9.3f")])
    for name, result in found.items():
        share = float(result[ball].mean() / 6.0)
        table.row(name, share)
        results.add(f"petpvc: lesion, {name}", share, "", better="more")


if __name__ == "__main__":
    main()
