"""The demonstration: blur a known image, restore it in the way users do, and say how well it went.

With ``strategy="blend"`` every filter is blended, and beside them stands what a run takes that is told nothing
(strategy "auto"); with ``strategy="joint"`` the inversions of the spatially variant model are set against every
blend on the same data, also by the distance from the nearest edge.

The cases:

* ``brain``: the shipped MR volume, blurred by ten Gaussian kernels keyed to its intensities (10 ... 100, sigma
  0.8 to 2.5 mm, detector model) with Gaussian noise of sigma 0.5 on a scale of 0 to 100;
* ``portal``: a generated radiotherapy portal image, 1024 x 1024 pixels of 0.25 mm, blurred by a scatter kernel
  of 250 x 250 pixels of 0.40 mm that is stored as its logarithm, like kernels from Monte Carlo codes;
* the regions: a block of the MR volume, three label regions with one Gaussian each (sigma 0.8, 1.5, 2.5 mm), in the
  detector and in the source model. It goes with the brain case when strategies are compared.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..arrays.watch import IsCancelled, Progress, Watch
from ..arrays.writing import together, write_text
from ..cases import KERNEL_SET, LOG_KERNEL, DemoCase, brain_case, portal_case, regions_case
from ..errors import InputError, check_choice
from ..kernels.field import KernelField
from ..kernels.kernel import Kernel
from ..kernels.parametric import ParametricKernel
from ..kernels.sets import read_set_file
from ..methods.choices import AUTO, MODELS, NAMED_STRATEGIES
from ..methods.registry import methods_of
from ..metrics import psnr, rmse, ssim

# Of the largest true value: below it lies what PSNR does not see of an image that spans decades.
_DARK = 0.05
# Borders of the classes of distance from the nearest edge, in mm, and what counts as near an edge.
DISTANCES_MM = (0.0, 1.0, 2.0, 4.0, 8.0, math.inf)
NEAR_MM = 4.0

_FIGURE, _METRICS = "figure.png", "metrics.json"
_AUTO_WORK = 20.0  # in the unit of `Method.work`


# ---------------------------------------------------------------------------------------------- cases


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
    """Write a blurred volume and its kernel set, restore it with every method, and score the results.

    The files are read back and go through the function on volume nodes that the panel, the console and
    ``spatialdeconv deconvolve`` use. Into `output` go ``truth.nrrd``, ``blurred.nrrd``, ``kernels.json`` (and the
    kernel file it names), ``restored-<method>.nrrd`` with its recipe, ``metrics.json`` and ``figure.png``.
    With ``strategy="joint"`` the results are ``restored-blend-<method>.nrrd`` and ``restored-joint-<method>.nrrd``,
    and the brain case adds the folders ``regions-detector`` and ``regions-source`` with the three regions.

    Parameters
    ----------
    output : path
        Folder; made if needed. Files of an earlier run are overwritten.
    case : {"brain", "portal"} or DemoCase
    strategy : {"blend", "joint"}
        "blend": the filters (with ``engine="fft"``: SimpleITK's numbers, sooner), blended, and strategy "auto".
        "joint": the filters and the inversions of the spatially variant model, with automatic settings.
    methods : sequence of str, optional
        Default: all that the case allows; a name means the blend and the joint method of that name, "auto" the
        strategy.
    progress : callable(fraction, text), optional
    cancelled : callable() -> bool, optional
    iterations : mapping of method to int, optional
        Of the blends, instead of the demo's own.
    seed : int
        Of the noise.

    Returns
    -------
    dict
        The content of ``metrics.json``; `describe` puts it into words.

    Raises
    ------
    InputError
        If `case`, `strategy` or a method is unknown.
    OSError
        If the folder cannot be made or written.
    Cancelled
        If `cancelled` returned True; files that this run made are removed.
    """
    watch = Watch(progress, cancelled)
    started = time.perf_counter()
    check_choice(strategy, NAMED_STRATEGIES, "strategy")
    watch.step(0.0, "making the case")
    shipped = case == "brain"
    if not isinstance(case, DemoCase):
        case = _case(case, seed)
    cases = [case]
    if strategy == "joint" and shipped:
        cases += [regions_case(model, seed) for model in MODELS]
    runs = [_runs(each, strategy, methods, iterations or {}) for each in cases]
    # Small cases take a part of the time that the share of their voxels tells.
    work = [each.truth.size * sum(r.work for r in of_case) for each, of_case in zip(cases, runs, strict=True)]
    summaries: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        restoring = watch.part(0.02, 0.97).parts(zip(cases, runs, strict=True), work=work)
        for (each, of_case), part in restoring:
            target = Path(output) if each is case else Path(output) / each.name
            folder = stack.enter_context(_new_files(target, of_case))
            summaries.append(_run_case(folder, each, strategy, seed, of_case, part))
        folder = Path(output).resolve()
        watch.step(0.97, "drawing")
        summary = {**summaries[0], "others": summaries[1:]}
        summary["figure"] = _draw(folder, case, summary)
        summary["seconds"] = time.perf_counter() - started
        write_text(folder / _METRICS, json.dumps(summary, indent=2) + "\n")
        watch.tell(1.0, "done")
    return summary


@dataclass(frozen=True)
class _Run:
    """One restoration: the name of its row and files, and what goes to `deconvolve`."""

    name: str
    strategy: str
    method: str
    options: Mapping[str, Any]
    work: float

    @property
    def file(self) -> str:
        return f"restored-{self.name.replace(' ', '-')}.nrrd"


def _runs(
    case: DemoCase, strategy: str, methods: Sequence[str] | None, iterations: Mapping[str, int]
) -> list[_Run]:
    """All restorations of a case."""
    blends = methods_of("blend")
    joints = methods_of("joint") if strategy == "joint" else {}
    possible = list(dict.fromkeys([*blends, *(joints or [AUTO])]))  # "auto" takes one of the joint methods
    for method in methods or ():
        if method not in possible:
            raise InputError(f"method {method!r} is unknown; choose from {', '.join(possible)}")
    chosen = possible if methods is None else list(methods)
    if not chosen:
        raise InputError("methods: an empty list; name at least one")
    counts = {**case.iterations, **iterations}
    runs = []
    for method in chosen:
        if method in blends:
            spec = blends[method]
            counted = {"iterations": counts[method]} if method in counts else {}
            name = method if strategy == "blend" else f"blend {method}"
            work = spec.work * counts.get(method, spec.iterations or 1) / (spec.iterations or 1)
            runs.append(_Run(name, "blend", method, {"engine": "fft", **counted}, work))
    if AUTO in chosen:
        runs.append(_Run(AUTO, AUTO, AUTO, {}, _AUTO_WORK))
    for method in chosen:
        # With projected-landweber there, plain Landweber shows nothing more; self-keyed is for intensity keys.
        skipped = methods is None and method == "landweber"
        if method not in joints or skipped:
            continue
        if not joints[method].self_keyed or case.field.key == "intensity":
            runs.append(_Run(f"joint {method}", "joint", method, {}, joints[method].work))
    return runs


def _case(name: str, seed: int) -> DemoCase:
    cases = {"brain": brain_case, "portal": portal_case}
    if name not in cases:
        raise InputError(f"case {name!r} is unknown; choose one of {', '.join(cases)}")
    return cases[name](seed)


@contextlib.contextmanager
def _new_files(output: str | os.PathLike, runs: Sequence[_Run]) -> Iterator[Path]:
    """Make the output folder; on any failure remove what the run has added to it."""
    folder = Path(output)
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    names = [f"{n}.nrrd" for n in ("truth", "blurred", "labels")] + [LOG_KERNEL, KERNEL_SET, _METRICS, _FIGURE]
    for run in runs:
        names += [run.file, f"{run.file}.recipe.json"]
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


_TAKEN = ("strategy", "method", "of", "why")


def _run_case(
    folder: Path, case: DemoCase, strategy: str, seed: int, runs: Sequence[_Run], watch: Watch
) -> dict[str, Any]:
    """Write the inputs of a case, restore with every method, and return the scores of all."""
    from ..mrml import files, nodes

    arrays = {"truth": case.truth, "blurred": case.blurred, "labels": case.labels}
    for name, values in arrays.items():
        if values is not None:
            _write_array(values, case, name, folder)
    field = read_set_file(case.write_kernels(folder))
    inputs = {"image": folder / "blurred.nrrd"}
    source, labels = files.readVolume(inputs["image"]), None
    distance = case.edge_distance()
    before = _scores(case, nodes.volumeArray(source), distance)
    rows: dict[str, dict[str, Any]] = {}
    try:
        if case.labels is not None:
            inputs["labels"] = folder / "labels.nrrd"
            labels = files.readLabelMap(inputs["labels"])
        for run, part in watch.parts(runs, work=[run.work for run in runs]):
            node, result = nodes.deconvolveVolume(
                source, field, labels=labels, strategy=run.strategy, method=run.method, model=case.model,
                progress=part.tell, cancelled=part.cancelled, **run.options,
            )  # fmt: skip
            try:
                scores = _scores(case, nodes.volumeArray(node), distance)
                _write_result(folder / run.file, node, field, result, inputs, scores)
            finally:
                _remove(node)
            rows[run.name] = {
                **scores,
                "gain": scores["psnr"] - before["psnr"],
                "strategy": run.strategy,
                "method": run.method,
                "taken": {name: result.automatic[name] for name in _TAKEN if name in result.automatic},
                "iterations": result.iterations,
                "noise": result.noise,
                "residual": result.residual,
                "seconds": result.seconds,
                "warnings": list(result.warnings),
            }
    finally:
        for node in (source, labels):
            if node is not None:
                _remove(node)
    edges = {"are": case.edge_words, "voxel_share": [float(part.mean()) for part in _classes(distance)]}
    return {
        "case": case.name, "strategy": strategy, "seed": seed, "kernels": len(case.field.kernels),
        "model": case.model, "edges": edges, "blurred": before, "methods": rows,
    }  # fmt: skip


def _write_result(
    path: Path, node: Any, field: KernelField, result: Any, inputs: Mapping[str, Path], scores: Mapping[str, Any]
) -> None:
    """Write a restored volume and, beside it, the recipe that ``spatialdeconv repeat`` takes."""
    from ..mrml import files, recipe

    description = recipe.describe("deconvolve", field, result)
    description["inputs"] = {role: recipe.describeFile(file) for role, file in inputs.items()}
    description["selection"] = dict(recipe.NO_SELECTION)
    description["metrics"] = dict(scores)
    with together():
        files.writeVolume(node, path)
        recipe.writeBeside(path, description)


def _write_array(values: np.ndarray, case: DemoCase, name: str, folder: Path) -> None:
    """Write an array as a volume, through a node of the scene."""
    import slicer

    from ..mrml import files, scene

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


def _scores(case: DemoCase, image: np.ndarray, distance: np.ndarray) -> dict[str, Any]:
    squared = np.square(image.reshape(case.truth.shape) - case.truth, dtype=np.float64)
    return {
        "psnr": psnr(case.truth, image, case.data_range),
        "ssim": ssim(case.truth, image, case.data_range),
        "rmse": rmse(case.truth, image),
        "edge_share": _edge_share(case, image),
        "rmse_by_distance": [_root_mean(squared[part]) for part in _classes(distance)],
        "rmse_near": _root_mean(squared[distance < NEAR_MM]),
        **({"dark": _dark_errors(case, image)} if case.log_scale else {}),
    }


def _dark_errors(case: DemoCase, image: np.ndarray) -> dict[str, float]:
    """Errors where the image is dark, in % of the true value: root mean square, and what 1 in 100 voxels exceed."""
    dark = (case.truth > 0) & (case.truth < _DARK * case.truth.max())
    truth = case.truth[dark].astype(np.float64)
    errors = 100 * np.abs(image.reshape(case.truth.shape)[dark] / truth - 1)
    root = float(np.sqrt(np.mean(errors**2)))
    return {"rms": root, "one_in_100": float(np.quantile(errors, 0.99)), "voxel_share": float(dark.mean())}


def _classes(distance: np.ndarray) -> Iterator[np.ndarray]:
    """Masks of the voxels in each class of `DISTANCES_MM`, [low, high)."""
    for low, high in itertools.pairwise(DISTANCES_MM):
        yield (distance >= low) & ((distance < high) | (high == math.inf))


def _root_mean(squared: np.ndarray) -> float | None:
    """None where there is nothing to average."""
    return float(np.sqrt(squared.mean())) if squared.size else None


def _edge_share(case: DemoCase, image: np.ndarray) -> float:
    """Share of the squared error that lies in the tenth of the voxels with the steepest true gradient."""
    truth = case.truth[0] if case.truth.shape[0] == 1 else case.truth
    spacing = case.spacing[-truth.ndim :]
    steepness = sum(np.square(g) for g in np.gradient(truth, *spacing))
    edges = steepness >= np.quantile(steepness, 0.9)
    squared = np.square(image.reshape(truth.shape) - truth, dtype=np.float64)
    return float(squared[edges].sum() / squared.sum())


# --------------------------------------------------------------------------------------------- in words


def describe(summary: Mapping[str, Any], output: str | os.PathLike) -> str:
    """Return the tables and what they say, for the summary of `run_demo` and the folder it went to."""
    folder = Path(output).resolve()
    parts = [_table(summary)]
    if summary["strategy"] == "joint":
        parts += [_distance_table(summary), *map(_near_table, summary["others"])]
        parts += [textwrap.fill(text, 110) for text in _joint_verdict(summary)]
    else:
        parts.append(textwrap.fill(_verdict(summary), 100))
    figure = folder / _FIGURE if summary["figure"] == _FIGURE else summary["figure"]
    parts.append(f"figure:  {figure}\nnumbers: {folder / _METRICS}")
    return "\n\n".join(parts)


def _best(rows: Mapping[str, Mapping[str, Any]], strategy: str | None = None, score: str = "psnr") -> str:
    """The name of the row with the highest PSNR (or the lowest RMSE), of all or of one strategy."""
    names = [n for n in rows if strategy is None or rows[n]["strategy"] == strategy]
    sign = 1 if score == "psnr" else -1
    return max(names, key=lambda name: sign * rows[name][score])


def _table(summary: Mapping[str, Any]) -> str:
    """The scores of all methods as text."""
    lines = [
        f"{'method':<26} {'iterations':>10} {'PSNR dB':>8} {'gain dB':>8} {'SSIM':>7} {'RMSE':>10} {'residual':>9} "
        f"{'seconds':>8}"
    ]
    lines.append("-" * len(lines[0]))
    for name, row in (("(blurred image)", summary["blurred"]), *summary["methods"].items()):
        gain = f"{row['gain']:+.2f}" if "gain" in row else ""
        residual = f"{row['residual']:.3f}" if row.get("residual") is not None else ""
        seconds = f"{row['seconds']:.1f}" if "seconds" in row else ""
        lines.append(
            f"{name:<26} {row.get('iterations') or '':>10} {row['psnr']:>8.2f} {gain:>8} {row['ssim']:>7.4f} "
            f"{row['rmse']:>10.4g} {residual:>9} {seconds:>8}"
        )
    return "\n".join(lines)


def distance_names() -> list[str]:
    """The classes of distance from an edge, in words."""
    pairs = itertools.pairwise(DISTANCES_MM)
    return [f"{low:g}-{high:g} mm" if high < math.inf else f">{low:g} mm" for low, high in pairs]


def _shown(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The rows to show by distance: the blurred image, the best blend, every joint method."""
    rows = summary["methods"]
    shown = {"(blurred image)": summary["blurred"]}
    for name in rows:
        if rows[name]["strategy"] == "joint" or name == _best(rows, "blend"):
            shown[name] = rows[name]
    return shown


def _distance_table(summary: Mapping[str, Any]) -> str:
    lines = [f"{'RMSE by distance from an edge':<34}" + "".join(f"{n:>10}" for n in distance_names())]
    lines.append("-" * len(lines[0]))
    shares = "".join(f"{100 * share:>8.1f} %" for share in summary["edges"]["voxel_share"])
    lines.append(f"{'(share of the voxels)':<34}{shares}")
    for name, row in _shown(summary).items():
        cells = ("" if value is None else f"{value:.4g}" for value in row["rmse_by_distance"])
        lines.append(f"{name:<34}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines) + "\n" + textwrap.fill(f"Edges are {summary['edges']['are']}.", 110)


def _near_table(summary: Mapping[str, Any]) -> str:
    """The RMSE near the edges of one case, also as a share of the best blend's there."""
    rows = summary["methods"]
    blend = _best(rows, "blend", "rmse_near")
    shown = {"(blurred image)": summary["blurred"]}
    shown |= {n: row for n, row in rows.items() if n == blend or row["strategy"] == "joint"}
    title, near = f"three regions, {summary['model']} model", f"RMSE <{NEAR_MM:g} mm"
    lines = [f"{title:<34}{near:>12}{'of blend':>10}{'PSNR dB':>10}"]
    lines.append("-" * len(lines[0]))
    for name, row in shown.items():
        ratio = row["rmse_near"] / rows[blend]["rmse_near"]
        lines.append(f"{name:<34}{row['rmse_near']:>12.4g}{ratio:>10.2f}{row['psnr']:>10.2f}")
    return "\n".join(lines)


def _verdict(summary: Mapping[str, Any]) -> str:
    """What the numbers of the blends say, in plain words."""
    before, rows = summary["blurred"], summary["methods"]
    scores = {name: row for name, row in rows.items() if row["strategy"] == "blend"}
    if not scores:
        return _auto_words(rows)
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
    if summary["kernels"] > 1:
        words.append(
            "That is where the kernels change from voxel to voxel, and filtering with each kernel and blending the "
            "results is only an approximation there."
        )
    if AUTO in rows:
        words.append(_auto_words(rows))
    return " ".join([*words, *_dark_words(before, rows, name)])


def _dark_words(before: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]], best: str) -> list[str]:
    """How far results are off where the image is dark, of which PSNR says nothing."""
    if "dark" not in before:
        return []
    errors = {"the blurred image": before["dark"]} | {n: rows[n]["dark"] for n in (best, AUTO) if n in rows}
    text = ", ".join(f"{e['rms']:.0f} % ({e['one_in_100']:.0f} %) for {name}" for name, e in errors.items())
    share = 100 * before["dark"]["voxel_share"]
    return [
        f"PSNR does not see what happens where the image is dark: in the {share:.0f} % of the voxels below "
        f"{100 * _DARK:.0f} % of the largest true value, results ring beside what is bright. There the root mean "
        f"square error (in brackets: what 1 voxel in 100 exceeds), in shares of the true value, is {text}."
    ]


def _auto_words(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """What the run took that was told nothing, and how far it came."""
    row = rows[AUTO]
    taken = row["taken"]
    return (
        f"Told nothing, a run takes {taken['strategy']} {taken['method']} here ({taken['why']}): "
        f"{row['psnr']:.2f} dB ({row['gain']:+.2f} dB)."
    )


_FAILED = 2.0  # a joint method that leaves more times the noise than this has not solved its problem


def _joint_verdict(summary: Mapping[str, Any]) -> list[str]:
    """What the comparison says, a paragraph for each question."""
    rows = summary["methods"]
    joint = {name: row for name, row in rows.items() if row["strategy"] == "joint"}
    if not joint or len(joint) == len(rows):
        return ["There is nothing to compare: name a method that both strategies have, or none."]
    blend, best = _best(rows, "blend"), _best(rows, "joint")
    over = {name: row["psnr"] - rows[blend]["psnr"] for name, row in joint.items()}
    ahead = [name for name in joint if over[name] > 0]
    words = [
        f"{len(ahead)} of {len(joint)} joint methods, none of them told a constant or when to stop, came closer to "
        f"the truth than {blend}, the best of {len(rows) - len(joint)} blends.",
        f"The best, {best}, is {over[best]:+.2f} dB from it ({rows[best]['psnr']:.2f} against "
        f"{rows[blend]['psnr']:.2f} dB), in {rows[best]['seconds']:.0f} s against {rows[blend]['seconds']:.0f} s.",
    ]
    behind = [f"{name} ({over[name]:+.2f} dB)" for name in joint if over[name] <= 0]
    if behind:
        words.append(f"{_listed(behind)} did not.")
    paragraphs = [" ".join(words), _distance_words(summary, blend, best)]
    if summary["kernels"] == 1:
        paragraphs.append(
            "With one kernel for the whole image nothing is blended: both strategies invert the same model, and "
            "the difference is that of the methods and of their automatic settings, not of blending."
        )
    residuals = [rows[name]["residual"] for name in (blend, best)]
    if None not in residuals:
        paragraphs.append(f"{_residual_words(residuals[0], blend)} {_residual_words(residuals[1], best)}")
    failed = [f"{n} ({row['residual']:.1f})" for n, row in joint.items() if (row["residual"] or 0) > _FAILED]
    if failed:
        paragraphs.append(
            f"{_listed(failed)} left far more than noise: the automatic setting failed here, which the residual "
            "tells without knowing the truth."
        )
    return paragraphs + [_region_words(other) for other in summary["others"]]


def _distance_words(summary: Mapping[str, Any], blend: str, best: str) -> str:
    """Where the best joint method gains on the best blend, and where it does not."""
    one, other = (summary["methods"][name]["rmse_by_distance"] for name in (blend, best))
    classes = [(n, b / a) for n, a, b in zip(distance_names(), one, other, strict=True) if a]
    text = ", ".join(f"{ratio:.2f} at {name}" for name, ratio in classes)
    words = f"The error of {best} as a share of that of {blend}, by distance from an edge: {text}."
    (near, near_ratio), (far, far_ratio) = classes[0], classes[-1]
    if near_ratio < far_ratio:
        words += f" It gains more on edges ({near}) than far from them ({far})."
    else:
        words += f" It does not gain more on edges ({near}) than far from them ({far})."
    worse = _worse_than(summary, blend)
    return f"{words} Not every joint method is better everywhere: {worse}." if worse else words


def _worse_than(summary: Mapping[str, Any], blend: str) -> str:
    """The classes of distance in which joint methods are worse than a blend, in words; "" where there is none."""
    rows = summary["methods"]
    reference, found = rows[blend]["rmse_by_distance"], []
    for name in rows:
        values = zip(distance_names(), rows[name]["rmse_by_distance"], reference, strict=True)
        classes = [text for text, a, b in values if b is not None and a > b]
        if classes and rows[name]["strategy"] == "joint":
            found.append(f"{name} is worse than {blend} at {', '.join(classes)}")
    return "; ".join(found)


def _region_words(summary: Mapping[str, Any]) -> str:
    rows = summary["methods"]
    blend, best = (_best(rows, strategy, "rmse_near") for strategy in ("blend", "joint"))
    ratio = rows[best]["rmse_near"] / rows[blend]["rmse_near"]
    words = (
        f"Three regions, {summary['model']} model: within {NEAR_MM:g} mm of a border between regions {best} leaves "
        f"{ratio:.2f} of the error of {blend}, the best blend there; one half or less was the goal, which is "
        f"{'met' if ratio <= 0.5 else 'missed'}."
    )
    if rows[blend]["rmse_near"] >= summary["blurred"]["rmse_near"]:
        words += " There every blend is worse than leaving the image alone."
    return words


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


# ---------------------------------------------------------------------------------------------- figures


def _draw(folder: Path, case: DemoCase, summary: Mapping[str, Any]) -> str:
    """Draw the figure; return its name, or why there is none."""
    from ..report.figures import demo_figure, joint_figure, require_matplotlib

    try:
        require_matplotlib()
    except ImportError as error:
        return f"not drawn: {error}"
    rows = summary["methods"]

    def restored(name: str) -> np.ndarray:
        image = sitk.ReadImage(str(folder / f"restored-{name.replace(' ', '-')}.nrrd"))
        return sitk.GetArrayFromImage(image).reshape(case.truth.shape)

    common: dict[str, Any] = {
        "truth": case.truth, "blurred": case.blurred, "spacing": case.spacing, "title": case.title,
        "scores": {name: row["psnr"] for name, row in rows.items()}, "blurred_score": summary["blurred"]["psnr"],
        "unit": case.unit, "log": case.log_scale, "slice_index": case.slice_index, "origin": case.origin,
        "focus": case.focus,
    }  # fmt: skip
    if summary["strategy"] == "joint":
        joint = [n for n in sorted(rows, key=lambda n: rows[n]["psnr"]) if rows[n]["strategy"] == "joint"]
        curves = {case.name: {n: r["rmse_by_distance"] for n, r in _shown(summary).items()}}
        for other in summary["others"]:
            name = f"three regions, {other['model']} model"
            curves[name] = {n: r["rmse_by_distance"] for n, r in _shown(other).items()}
        shown = [_best(rows, "blend"), *joint[-2:]]
        joint_figure(
            folder / _FIGURE, restored={n: restored(n) for n in shown}, edges=case.edges(),
            distances=distance_names(), curves=curves, **common,
        )  # fmt: skip
    else:
        best = _best(rows)
        demo_figure(
            folder / _FIGURE,
            restored=restored(best),
            restored_name=best,
            kernels=list(zip(_kernel_labels(case), _sampled_kernels(case), strict=True)),
            weights=_weights_by_intensity(case),
            dark={n: row["dark"]["rms"] for n, row in rows.items() if "dark" in row},
            **common,
        )
    return _FIGURE


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
