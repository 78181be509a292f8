"""The demonstration: blur a known image, restore it through the doors users take, and say how well it went.

Two cases:

* ``brain``: the shipped MR volume, blurred by ten Gaussian kernels keyed to its intensities (10 ... 100, sigma
  0.8 to 2.5 mm, detector model) with Gaussian noise of sigma 0.5 on a scale of 0 to 100;
* ``portal``: a generated radiotherapy portal image, 1024 x 1024 pixels of 0.25 mm, blurred by a scatter kernel
  of 250 x 250 pixels of 0.40 mm that is stored as its logarithm, like kernels from Monte Carlo codes.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..errors import InputError
from ..fields import KernelField
from ..filters import METHODS
from ..kernels import Kernel, ParametricKernel
from ..kernelsets import (
    from_logarithm,
    read_kernel,
    read_kernel_set,
    write_kernel,
    write_kernel_set,
    write_text,
)
from ..metrics import psnr, rmse, ssim
from ..pipeline import convolve

Progress = Callable[[float, str], None]
IsCancelled = Callable[[], bool]

BRAIN_VOLUME = "icbm152_t1_crop.nrrd"
BRAIN_LEVELS = tuple(range(10, 101, 10))
BRAIN_SIGMAS_MM = tuple(float(s) for s in np.round(np.linspace(0.8, 2.5, 10), 3))
BRAIN_NOISE = 0.5

PORTAL_SIZE = 1024
PORTAL_SPACING_MM = 0.25
PORTAL_KERNEL_SIZE = 250
PORTAL_KERNEL_SPACING_MM = 0.40
PORTAL_RANGE = (530.0, 304446.0)

_FIGURE, _METRICS, _KERNELS = "figure.png", "metrics.json", "kernels.json"


@dataclass(frozen=True)
class DemoCase:
    """A known image and what became of it.

    Attributes
    ----------
    name, title : str
    truth, blurred : ndarray of float32, shape (k, j, i)
    spacing : tuple of float
        mm, in the order of the axes.
    ijk_to_ras : ndarray, shape (4, 4)
        From voxel index (i, j, k) to RAS in mm.
    field : KernelField
        The kernels that blurred the image.
    log_kernel : Kernel or None
        The logarithm of the kernel, where it is stored as such.
    data_range : float
        For PSNR and SSIM.
    iterations : mapping of method to int
        Of the iterative methods: what fits into two minutes on two cores for all methods together. The rest
        is automatic.
    log_scale : bool
        Whether values span decades and are to be shown so.
    unit : str
        Of the values.
    slice_index : int
        The slice to show.
    origin : {"upper", "lower"}
        Where row j = 0 is shown.
    focus : (j, i) or None
        The voxel to enlarge around; None chooses one.
    """

    name: str
    title: str
    truth: np.ndarray
    blurred: np.ndarray
    spacing: tuple[float, float, float]
    ijk_to_ras: np.ndarray
    field: KernelField
    data_range: float
    iterations: Mapping[str, int]
    log_kernel: Kernel | None = None
    log_scale: bool = False
    unit: str = "intensity"
    slice_index: int = 0
    origin: str = "upper"
    focus: tuple[int, int] | None = None

    def write_kernels(self, folder: str | os.PathLike) -> Path:
        """Write the kernel set, and the kernel file it refers to, into a folder; return the set's path."""
        folder = Path(folder)
        field = self.field
        if self.log_kernel is not None:
            path = folder / _LOG_KERNEL
            write_kernel(self.log_kernel, path)
            field = KernelField.uniform(read_kernel(path, log=True))
        write_kernel_set(folder / _KERNELS, field)
        return folder / _KERNELS


_LOG_KERNEL = "kernel-log.nrrd"


def sample_path(name: str) -> Path:
    """Return the path of a sample data file.

    It is looked for in the package (installed from a wheel) and in ``Resources/SampleData`` beside the
    library (a source checkout, or installed beside the Slicer module).

    Raises
    ------
    InputError
        If it is in none of them; the message lists the folders.
    """
    library = Path(__file__).resolve().parents[1]
    folders = (
        library / "sampledata",
        library.parent / "Resources" / "SampleData",
    )
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"sample data {name!r} was not found in {', '.join(map(str, folders))}; install the project "
        "again, with its sample data"
    )


# ---------------------------------------------------------------------------------------------- cases


def brain_case(seed: int = 0, crop: Sequence[slice] | None = None) -> DemoCase:
    """The shipped MR volume, blurred by ten Gaussian kernels keyed to its own intensities, with noise.

    y = sum_k w_k(x) (h_k * x) + e: kernel k belongs to the voxels of intensity 10 k (true intensity, linear
    between the levels), e is Gaussian with sigma 0.5.

    Parameters
    ----------
    seed : int
        Of the noise.
    crop : three slices (k, j, i), optional
        Use this block of the volume only.
    """
    image = sitk.ReadImage(str(sample_path(BRAIN_VOLUME)))
    truth = sitk.GetArrayFromImage(image).astype(np.float32)
    crop = tuple(crop) if crop is not None else (slice(None),) * 3
    start = [part.indices(n)[0] for part, n in zip(crop, truth.shape, strict=True)]
    truth = np.ascontiguousarray(truth[crop])
    spacing = tuple(image.GetSpacing()[::-1])
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.TransformIndexToPhysicalPoint([int(n) for n in start[::-1]])
    field = KernelField.by_intensity(
        {
            level: ParametricKernel("gaussian", sigma_mm=sigma)
            for level, sigma in zip(BRAIN_LEVELS, BRAIN_SIGMAS_MM, strict=True)
        }
    )
    blurred = convolve(truth, field, spacing=spacing, model="detector", cascade=False).image
    noise = np.random.default_rng(seed).normal(0.0, BRAIN_NOISE, truth.shape)
    return DemoCase(
        name="brain",
        title="ICBM 152 T1 template, ten Gaussian kernels keyed to intensity, noise sigma 0.5",
        truth=truth,
        blurred=(blurred + noise).astype(np.float32),
        spacing=spacing,
        ijk_to_ras=np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix,  # ITK's LPS to Slicer's RAS
        field=field,
        data_range=100.0,
        iterations={"landweber": 10, "projected-landweber": 10, "richardson-lucy": 6},
        slice_index=min(28, truth.shape[0] - 1) if truth.shape[0] > 32 else truth.shape[0] // 2,
        origin="lower",
    )


def portal_case(seed: int = 0, size: int = PORTAL_SIZE, kernel_size: int = PORTAL_KERNEL_SIZE) -> DemoCase:
    """A generated portal image with a logarithmic scatter kernel.

    The true image is the transmission of a rectangular field with collimator leaves through a water-like
    phantom with lungs, bones and an air gap, beside lead bar patterns. The kernel is that of `portal_kernel`.
    The noise is quantum noise (variance proportional to the signal, 0.4 % of the signal in the open field).
    Values are scaled so that the blurred image covers 530 ... 304446.

    Parameters
    ----------
    seed : int
        Of the noise in image and kernel.
    size, kernel_size : int
        Pixels of 0.25 mm of the image and of 0.40 mm of the kernel, on a side.
    """
    generator = np.random.default_rng(seed)
    truth = _portal_truth(size, PORTAL_SPACING_MM)
    log_kernel = portal_kernel(generator, kernel_size)
    kernel = from_logarithm(log_kernel)
    spacing = (1.0, PORTAL_SPACING_MM, PORTAL_SPACING_MM)
    blurred = convolve(truth, kernel, spacing=spacing, cascade=False, normalize=True).image.astype(np.float64)
    blurred += 0.004 * np.sqrt(np.maximum(blurred, 0.0)) * generator.standard_normal(truth.shape)
    low, high = blurred.min(), blurred.max()
    scale = (PORTAL_RANGE[1] - PORTAL_RANGE[0]) / (high - low)
    truth, blurred = ((v - low) * scale + PORTAL_RANGE[0] for v in (truth, blurred))
    matrix = np.diag([PORTAL_SPACING_MM, -PORTAL_SPACING_MM, 1.0, 1.0])  # columns to the right, rows down
    matrix[:2, 3] = -0.5 * (size - 1) * np.diag(matrix)[:2]
    return DemoCase(
        name="portal",
        title=f"Portal image, {size} x {size} pixels of {PORTAL_SPACING_MM} mm, and its scatter kernel",
        truth=truth.astype(np.float32),
        blurred=blurred.astype(np.float32),
        spacing=spacing,
        ijk_to_ras=matrix,
        field=KernelField.uniform(kernel),
        data_range=float(np.ptp(truth)),
        iterations={"landweber": 40, "projected-landweber": 40, "richardson-lucy": 30},
        log_kernel=log_kernel,
        log_scale=True,
        unit="detector signal",
        focus=(round(0.79 * size), round(0.33 * size)),  # the bars
    )


def portal_kernel(generator: np.random.Generator, size: int = PORTAL_KERNEL_SIZE) -> Kernel:
    """The natural logarithm of a detector's scatter kernel, 0 at its peak and about -27 in its corners.

    A narrow primary peak (light and electron spread) and two exponential skirts (scatter in the detector),

        h(r) = 0.62 g(r; 0.45 mm) + 0.26 e(r; 1.6 mm) + 0.12 e(r; 3.4 mm),

    with g a Gaussian and e(r; l) = exp(-r / l) / (2 pi l^2), both of integral 1; then the statistical noise
    of a Monte Carlo tally, whose relative error grows as fewer histories reach a pixel.

    Parameters
    ----------
    generator : numpy.random.Generator
    size : int
        Pixels of 0.40 mm on a side; the centre is pixel ``size // 2``.
    """
    axis = (np.arange(size) - size // 2) * PORTAL_KERNEL_SPACING_MM
    radius = np.hypot(axis[:, None], axis[None, :])
    values = 0.62 * np.exp(-0.5 * (radius / 0.45) ** 2) / (2 * np.pi * 0.45**2)
    for share, length in ((0.26, 1.6), (0.12, 3.4)):
        values += share * np.exp(-radius / length) / (2 * np.pi * length**2)
    histories = 1e7 * values / values.max()
    relative = np.clip(1.0 / np.sqrt(histories), 3e-4, 0.45)
    logarithm = np.log(values) + relative * generator.standard_normal(values.shape)
    logarithm -= logarithm.max()
    spacing = (PORTAL_KERNEL_SPACING_MM,) * 2
    return Kernel(logarithm.astype(np.float32), spacing, "logarithm of the scatter kernel")


def _portal_truth(size: int, spacing: float) -> np.ndarray:
    """Relative fluence behind the patient, shape (1, size, size), about 0.002 ... 1."""
    # The layout is drawn for a detector of 256 mm and scaled to smaller ones.
    scale = size * spacing / 256.0
    axis = (np.arange(size) - (size - 1) / 2) * spacing / scale
    y, x = axis[:, None], axis[None, :]
    density = _phantom(y, x)
    fluence = np.exp(-density) * (1.0 - 0.06 * (np.hypot(x, y) / 128) ** 2)  # beam profile
    fluence = _bars(fluence, y, x)
    fluence = fluence * _collimator(y, x)
    penumbra = 0.4 * scale / spacing  # the source is not a point
    return ndimage.gaussian_filter(fluence, penumbra, mode="nearest")[None]


def _ellipse(y: np.ndarray, x: np.ndarray, cy: float, cx: float, ry: float, rx: float, tilt: float = 0.0):
    """Path length through an ellipsoid, 1 at its centre and 0 outside."""
    c, s = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    u = (c * (x - cx) + s * (y - cy)) / rx
    v = (-s * (x - cx) + c * (y - cy)) / ry
    return np.sqrt(np.clip(1.0 - u**2 - v**2, 0.0, None))


def _phantom(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Line integral of the attenuation of a chest-like phantom at 6 MV."""
    density = 1.15 * _ellipse(y, x, 12, 0, 150, 118) ** 0.5  # the body
    for side in (-1, 1):
        density = density - 0.62 * _ellipse(y, x, -2, side * 48, 66, 34, side * 6)  # lungs
        for rib in range(6):
            centre = -48 + 20 * rib
            arc = np.abs(y - centre - 0.004 * (np.abs(x) - 30) ** 2)
            inside = (side * x > 22) & (side * x < 84)
            density = density + np.where(inside, 0.085 * np.sqrt(np.clip(1 - (arc / 3.2) ** 2, 0, None)), 0)
    density = density + 0.50 * _ellipse(y, x, 20, -8, 40, 30, 25)  # heart
    density = density - 0.30 * _ellipse(y, x, -62, 0, 46, 7)  # windpipe
    for number in range(9):  # spine
        density = density + 0.20 * _ellipse(y, x, -92 + 25 * number, 1, 9.5, 13)
    for cy, cx in ((-30, 38), (6, -52), (40, 60)):  # gold markers
        density = density + 1.1 * _ellipse(y, x, cy, cx, 1.4, 1.4)
    return np.maximum(density, 0.0)


def _bars(fluence: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Lead bars, 0.1 to 0.8 line pairs a mm, along the lower edge of the field."""
    left = -60.0
    for pairs in (0.1, 0.2, 0.25, 0.4, 0.5, 0.8):
        width = 2.5 / pairs if pairs > 0.1 else 20.0
        inside = (x >= left) & (x < left + width) & (y > 66) & (y < 82)
        bar = ((x - left) * pairs) % 1.0 < 0.5
        fluence = np.where(inside & bar, 0.35 * fluence, fluence)
        left += width + 6.0
    return fluence


def _collimator(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Transmission of jaws and multileaf collimator: 1 in the field, about 1 % behind the leaves."""
    rows = np.floor((y + 100) / 10)  # leaves of 10 mm at the detector
    opening = 96 - 0.9 * np.abs(rows - 9.5) ** 1.6 + 5 * np.sin(1.7 * rows)
    field = (np.abs(x) < opening) & (np.abs(y) < 92)
    leakage = 0.010 + 0.004 * (np.abs((y + 100) / 10 - rows - 0.5) > 0.46)  # between the leaves
    jaws = np.where(np.abs(y) < 104, leakage, 0.002)
    return np.where(field, 1.0, jaws)


# ------------------------------------------------------------------------------------------------ run


def run_demo(
    output: str | os.PathLike,
    case: str | DemoCase = "brain",
    strategy: str = "blend",
    methods: Sequence[str] | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    iterations: Mapping[str, int] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Write a blurred volume and its kernel set, restore it with every method, and print how well it went.

    The files are read back and go through the function on volume nodes that the panel, the console and
    ``spatialdeconv deconvolve`` use. Into `output` go ``truth.nrrd``, ``blurred.nrrd``, ``kernels.json`` (and the
    kernel file it names), ``restored-<method>.nrrd`` with its recipe, ``metrics.json`` and ``figure.png``.

    Parameters
    ----------
    output : path
        Folder; made if needed. Files of an earlier run are overwritten.
    case : {"brain", "portal"} or DemoCase
    strategy : str
        Passed on to `deconvolve`.
    methods : sequence of str, optional
        Default: SimpleITK's six filters.
    progress : callable(fraction, text), optional
    cancelled : callable() -> bool, optional
    iterations : mapping of method to int, optional
        Instead of the demo's own.
    seed : int
        Of the noise.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    InputError
        If `case` or a method is unknown.
    OSError
        If the folder cannot be made or written.
    Cancelled
        If `cancelled` returned True; files that this run made are removed.
    """
    started = time.perf_counter()
    progress = progress or (lambda fraction, text: None)
    methods = tuple(METHODS) if methods is None else tuple(methods)
    if not methods:
        raise InputError("methods: an empty list; name at least one")
    progress(0.0, "making the case")
    if not isinstance(case, DemoCase):
        case = _case(case, seed)
    counts = {**case.iterations, **(iterations or {})}
    with _new_files(output, methods) as folder:
        scores = _run_methods(folder, case, strategy, methods, counts, progress, cancelled)
        progress(0.97, "drawing")
        drawn = _draw(folder, case, scores)
        summary = {
            "case": case.name,
            "strategy": strategy,
            "seed": seed,
            "blurred": scores.pop("blurred"),
            "methods": scores,
            "seconds": time.perf_counter() - started,
        }
        write_text(folder / _METRICS, json.dumps(summary, indent=2) + "\n")
        progress(1.0, "done")
    print(_table(summary))
    print()
    print(textwrap.fill(_verdict(summary, len(case.field.kernels)), 100))
    print()
    print(f"figure:  {drawn}")
    print(f"numbers: {folder / _METRICS}")
    return summary


def _case(name: str, seed: int) -> DemoCase:
    cases = {"brain": brain_case, "portal": portal_case}
    if name not in cases:
        raise InputError(f"case {name!r} is unknown; choose one of {', '.join(cases)}")
    return cases[name](seed)


@contextlib.contextmanager
def _new_files(output: str | os.PathLike, methods: Sequence[str]) -> Iterator[Path]:
    """Make the output folder; on any failure remove what the run has added to it."""
    folder = Path(output)
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    names = ["truth.nrrd", "blurred.nrrd", _LOG_KERNEL, _KERNELS, _METRICS, _FIGURE]
    for method in methods:
        names += [f"restored-{method}.nrrd", f"restored-{method}.nrrd.recipe.json"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"output {folder} cannot be made ({error.strerror}); choose another folder") from error
    before = {name for name in names if (folder / name).exists()}
    try:
        yield folder.resolve()
    except BaseException:
        for name in set(names) - before:
            (folder / name).unlink(missing_ok=True)
        for parent in made:
            with contextlib.suppress(OSError):  # not empty: someone else's files are in it
                parent.rmdir()
        raise


def _run_methods(
    folder: Path, case: DemoCase, strategy: str, methods: Sequence[str], counts: Mapping[str, int],
    progress: Progress, cancelled: IsCancelled | None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """Write the inputs, restore with every method; return the scores of "blurred" and of each method."""
    from . import files, nodes, recipe

    for name, values in (("truth", case.truth), ("blurred", case.blurred)):
        _write_array(values, case, name, folder)
    kernel_set = case.write_kernels(folder)
    field = read_kernel_set(kernel_set)
    source = files.readVolume(folder / "blurred.nrrd")
    scores = {"blurred": _scores(case, nodes.volumeArray(source))}
    work = [counts.get(m, 1) for m in methods]
    done = 0
    try:
        for method, share in zip(methods, work, strict=True):
            first, part = done / sum(work), share / sum(work)

            def report(fraction: float, text: str, first: float = first, part: float = part) -> None:
                progress(0.05 + 0.9 * (first + part * fraction), text)

            iterated = {"iterations": counts[method]} if method in counts else {}
            node, result = nodes.deconvolveVolume(
                source, field, strategy=strategy, method=method, progress=report, cancelled=cancelled, **iterated
            )
            try:
                path = folder / f"restored-{method}.nrrd"
                files.writeVolume(node, path)
                description = recipe.describe("deconvolve", field, result)
                description["inputs"] = {"image": recipe.describe_file(folder / "blurred.nrrd")}
                description["selection"] = dict.fromkeys(("mask", "segments", "mask_range", "mask_box"))
                description["selection"]["resample"] = False
                description["metrics"] = _scores(case, nodes.volumeArray(node))
                recipe.write_beside(path, description)
            finally:
                _remove(node)
            scores[method] = {
                **description["metrics"],
                "gain": description["metrics"]["psnr"] - scores["blurred"]["psnr"],
                "iterations": result.iterations,
                "noise": result.noise,
                "residual": result.residual,
                "seconds": result.seconds,
                "warnings": list(result.warnings),
            }
            done += share
    finally:
        _remove(source)
    return scores


def _write_array(values: np.ndarray, case: DemoCase, name: str, folder: Path) -> None:
    """Write an array as a volume, through a node of the scene."""
    import slicer

    from . import files, scene

    files.ensureScene()
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    node.SetAndObserveImageData(scene.imageDataFromArray(values))
    node.SetIJKToRASMatrix(scene.vtkFromMatrix(case.ijk_to_ras))
    scene.addToScene(node)
    try:
        files.writeVolume(node, folder / f"{name}.nrrd")
    finally:
        _remove(node)


def _remove(node: Any) -> None:
    """Remove a volume node, with the nodes that only it uses, from its scene."""
    scene = node.GetScene()
    if scene is None:
        return
    owned = [node.GetDisplayNode(), node.GetStorageNode()]
    scene.RemoveNode(node)
    for other in owned:
        if other is not None and scene.IsNodePresent(other):
            scene.RemoveNode(other)


def _scores(case: DemoCase, image: np.ndarray) -> dict[str, float]:
    return {
        "psnr": psnr(case.truth, image, case.data_range),
        "ssim": ssim(case.truth, image, case.data_range),
        "rmse": rmse(case.truth, image),
        "edge_share": _edge_share(case, image),
    }


def _edge_share(case: DemoCase, image: np.ndarray) -> float:
    """Share of the squared error that lies in the tenth of the voxels with the steepest true gradient."""
    truth = case.truth[0] if case.truth.shape[0] == 1 else case.truth
    spacing = case.spacing[-truth.ndim :]
    steepness = sum(np.square(g) for g in np.gradient(truth, *spacing))
    edges = steepness >= np.quantile(steepness, 0.9)
    squared = np.square(image.reshape(truth.shape) - truth, dtype=np.float64)
    return float(squared[edges].sum() / squared.sum())


def _best(scores: Mapping[str, Mapping[str, Any]]) -> str:
    return max(scores, key=lambda method: scores[method]["psnr"])


def _table(summary: Mapping[str, Any]) -> str:
    """The scores of all methods as text."""
    lines = [
        f"{'method':<20} {'iterations':>10} {'PSNR dB':>8} {'gain dB':>8} {'SSIM':>7} {'RMSE':>10} {'residual':>9} "
        f"{'seconds':>8}"
    ]
    lines.append("-" * len(lines[0]))
    for name, row in (("(blurred image)", summary["blurred"]), *summary["methods"].items()):
        gain = f"{row['gain']:+.2f}" if "gain" in row else ""
        residual = f"{row['residual']:.3f}" if row.get("residual") is not None else ""
        seconds = f"{row['seconds']:.1f}" if "seconds" in row else ""
        lines.append(
            f"{name:<20} {row.get('iterations') or '':>10} {row['psnr']:>8.2f} {gain:>8} {row['ssim']:>7.4f} "
            f"{row['rmse']:>10.4g} {residual:>9} {seconds:>8}"
        )
    return "\n".join(lines)


def _verdict(summary: Mapping[str, Any], kernels: int) -> str:
    """What the numbers say, in plain words."""
    before, scores = summary["blurred"], summary["methods"]
    name = _best(scores)
    best = scores[name]
    better = [m for m in scores if scores[m]["gain"] > 0]
    worse = [m for m in scores if scores[m]["gain"] <= 0]
    change = 100 * (1 - best["rmse"] / before["rmse"])
    words = [f"{len(better)} of {len(scores)} filters brought the image closer to the truth."]
    if better:
        words.append(
            f"The best, {name}, took the PSNR from {before['psnr']:.2f} to {best['psnr']:.2f} dB "
            f"({best['gain']:+.2f} dB), the SSIM from {before['ssim']:.3f} to {best['ssim']:.3f}, "
            f"and the error down by {change:.0f} %."
        )
    if worse:
        words.append(f"{_listed(worse)} made it worse than leaving it alone.")
    if best["residual"] is not None:
        words.append(_residual_words(best["residual"], name))
    share = f"{100 * best['edge_share']:.0f} % of the squared error that is left"
    words.append(f"{share} lies in the tenth of the voxels with the steepest edges.")
    if kernels > 1 and summary["strategy"] == "blend":
        words.append(
            "That is where the kernels change from voxel to voxel, and filtering with each kernel and blending the "
            "results is only an approximation there."
        )
    return " ".join(words)


def _residual_words(residual: float, name: str) -> str:
    start = f"Blurred again, the result of {name} differs from the data by {residual:.2f} times the noise"
    if residual > 1.15:
        return f"{start}: more than noise alone would, so it is not all the kernels could give."
    if residual < 0.85:
        return f"{start}: less than the noise, so part of the noise has been fitted."
    return f"{start}: it explains the data."


def _listed(names: Sequence[str]) -> str:
    text = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return text[0].upper() + text[1:]


def _draw(folder: Path, case: DemoCase, scores: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw the figure; return its path, or why there is none."""
    from .figure import demo_figure, require_matplotlib

    try:
        require_matplotlib()
    except ImportError as error:
        return f"not drawn: {error}"
    methods = {name: row["psnr"] for name, row in scores.items() if name != "blurred"}
    best = max(methods, key=methods.get)
    image = sitk.ReadImage(str(folder / f"restored-{best}.nrrd"))
    restored = sitk.GetArrayFromImage(image).reshape(case.truth.shape)
    kernels = list(zip(_kernel_labels(case), _sampled_kernels(case), strict=True))
    path = demo_figure(
        folder / _FIGURE,
        truth=case.truth,
        blurred=case.blurred,
        restored=restored,
        spacing=case.spacing,
        kernels=kernels,
        title=case.title,
        restored_name=best,
        weights=_weights_by_intensity(case),
        scores=methods,
        blurred_score=scores["blurred"]["psnr"],
        unit=case.unit,
        log=case.log_scale,
        slice_index=case.slice_index,
        origin=case.origin,
        focus=case.focus,
    )
    return str(path)


def _kernel_labels(case: DemoCase) -> list[str]:
    if case.field.key != "intensity":
        return ["Scatter kernel"]
    return [
        f"level {level:g}\nsigma {kernel.parameters['sigma_mm']:.2f} mm"
        for level, kernel in zip(case.field.at, case.field.kernels, strict=True)
    ]


def _sampled_kernels(case: DemoCase) -> list[Kernel]:
    return [k.sampled(case.spacing) if isinstance(k, ParametricKernel) else k for k in case.field.kernels]


def _weights_by_intensity(case: DemoCase) -> tuple[np.ndarray, np.ndarray] | None:
    """Intensities over the range of the image, and the weight of every kernel at each."""
    if case.field.key != "intensity":
        return None
    low, high = min(0.0, float(case.blurred.min())), max(float(case.blurred.max()), max(case.field.at))
    values = np.linspace(low, high, 512)
    bound = case.field.bind(values[None, :], case.spacing[1:])
    return values, np.stack([bound.weight(k)[0] for k in range(len(bound))])
