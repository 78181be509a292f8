"""A report of one run as a single HTML page that needs nothing else: no network, no scripts, no other file.

Pictures are PNGs inside the page, charts are SVG. Nothing here needs MRML, Slicer or matplotlib.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import InputError
from ..kernels.field import KernelField
from ..metrics import psnr, rmse, ssim
from ..run.job import Job
from ..run.pipeline import Result
from ..watch import IsCancelled, Progress, Watch
from ..writing import write_text
from . import numbers
from .findings import Findings
from .formatting import number
from .kernels import kernels_section
from .parts import convergence_section, edges_section, frames_section, residual_section, verdict_on
from .pictures import Section, pictures_section
from .pixels import GreyScale
from .repeat import repeat_section
from .style import STYLE
from .tags import Markup, tag

#: The page's name in the folder of a report.
PAGE = "report.html"

_METHOD_NAMES = {
    "inverse": "inverse filter",
    "wiener": "Wiener filter",
    "tikhonov": "Tikhonov",
    "landweber": "Landweber",
    "projected-landweber": "projected Landweber",
    "richardson-lucy": "Richardson-Lucy",
    "tv": "total variation",
    "self-keyed": "self-keyed",
}


def write_report(
    folder: str | os.PathLike,
    *,
    image: np.ndarray,
    result: Result,
    field: KernelField,
    spacing: Sequence[float],
    recipe: Mapping[str, Any],
    reference: np.ndarray | None = None,
    title: str = "",
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: Mapping[str, int] | None = None,
    guide: np.ndarray | None = None,
    ijk_to_ras: np.ndarray | None = None,
    output: str | os.PathLike | None = None,
    command: Sequence[str] | None = None,
    frames: Sequence[Mapping[str, Any]] = (),
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Path:
    """Write the report of a run into a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        Made when it does not exist; `report.html` in it is replaced.
    image, result, field, spacing, recipe, reference, title, mask, labels, label_names, guide, ijk_to_ras,
    output, command, frames, progress, cancelled
        See `report_page`.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        If the shapes of the arrays do not agree.
    OSError
        If the folder cannot be made or written.
    Cancelled
        If `cancelled` returned True; the folder is then as before.
    """
    with _folder(folder) as path:
        page = report_page(
            image=image, result=result, field=field, spacing=spacing, recipe=recipe, reference=reference,
            title=title, mask=mask, labels=labels, label_names=label_names, guide=guide, ijk_to_ras=ijk_to_ras,
            output=output, command=command, frames=frames, progress=progress, cancelled=cancelled,
        )  # fmt: skip
        return save_page(path, page)


def save_page(folder: str | os.PathLike, page: str) -> Path:
    """Write a page of `report_page` into a folder, which is made when it does not exist; return its path."""
    with _folder(folder) as path:
        write_text(path / PAGE, page)
        return path / PAGE


def check_folder(folder: str | os.PathLike) -> None:
    """Refuse, before any work is done, a folder for a report that could not be made or written.

    Raises
    ------
    OSError
        If it is a file, or the nearest folder that exists cannot be written.
    """
    path = Path(folder).expanduser().absolute()
    existing = next(p for p in (path, *path.parents) if p.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"report folder {path} cannot be made: {existing} is a file; choose another")
    try:
        tempfile.TemporaryDirectory(prefix=".spatialdeconv-", dir=existing).cleanup()
    except OSError as error:
        raise type(error)(
            f"report folder {path} cannot be written ({error.strerror}); choose another folder or free space"
        ) from error


@contextlib.contextmanager
def _folder(folder: str | os.PathLike) -> Iterator[Path]:
    """Make a folder, and take it away again when what follows fails."""
    path = Path(folder).expanduser().absolute()
    missing = [p for p in (path, *path.parents) if not p.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"report folder {path} cannot be made ({error.strerror}); choose another") from error
    try:
        yield path
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):  # somebody else's file lies in it: it stays
                made.rmdir()
        raise


def report_page(
    *,
    image: np.ndarray,
    result: Result,
    field: KernelField,
    spacing: Sequence[float],
    recipe: Mapping[str, Any],
    reference: np.ndarray | None = None,
    title: str = "",
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: Mapping[str, int] | None = None,
    guide: np.ndarray | None = None,
    ijk_to_ras: np.ndarray | None = None,
    output: str | os.PathLike | None = None,
    command: Sequence[str] | None = None,
    frames: Sequence[Mapping[str, Any]] = (),
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> str:
    """Return the report of a run as an HTML page.

    Parameters
    ----------
    image : ndarray, shape (j, i), (k, j, i) or (k, j, i, channel)
        What went in.
    result : Result
        What `deconvolve`, `convolve` or the nodes' functions returned for it.
    field : KernelField
        The kernels of the run.
    spacing : sequence of float
        Voxel size in mm in the order of the axes.
    recipe : mapping
        As `recipe.describe` makes it; with "inputs", "selection" and "metrics" where there are.
    reference : ndarray, shape of the image, optional
        The true image.
    title : str
        Heading; default the name of the input file.
    mask, labels, label_names, guide : optional
        As they were given to the run.
    ijk_to_ras : ndarray, shape (4, 4), optional
        From voxel index (i, j, k) to RAS in mm: pictures are then turned and lettered as Slicer shows them.
    output : path, optional
        Where the result was written: the command to repeat the run then names the recipe beside it.
    command : sequence of str, optional
        The command line of the run, program name first.
    frames : sequence of mapping, optional
        Of a sequence, for every frame "index", "residual", "noise", "iterations", "seconds" (None where there
        is none), and for the frame that `image` is, "shown": True and, in words, "name".
    progress : callable(fraction, text), optional
    cancelled : callable() -> bool, optional

    Raises
    ------
    InputError
        If the shapes of the arrays do not agree.
    Cancelled
        If `cancelled` returned True.
    """
    watch = Watch(progress, cancelled).under("report")
    watch.step(0.0, "looking for changes")
    found = _examine(
        image, result, field, spacing, recipe, reference, title, mask, labels, label_names, guide, ijk_to_ras,
        watch,
    )  # fmt: skip
    found.output = None if output is None else os.fspath(output)
    found.command, found.frames = command, frames
    watch.step(0.3, "residual")
    _find_residual(found)
    sections = []
    parts = (
        pictures_section, edges_section, kernels_section, residual_section, convergence_section, frames_section,
        repeat_section,
    )  # fmt: skip
    for count, part in enumerate(parts):
        watch.step(0.6 + 0.4 * count / len(parts), "pictures and charts")
        sections.append(part(found))
    watch.step(1.0, "done")
    return _page(found, [section for section in sections if section])


# ------------------------------------------------------------------------------------------- findings


def _examine(
    image, result, field, spacing, recipe, reference, title, mask, labels, label_names, guide, ijk_to_ras, watch
) -> Findings:  # fmt: skip
    image = np.asarray(image)
    for name, array in (("result.image", result.image), ("reference", reference)):
        if array is not None and np.shape(array) != image.shape:
            raise InputError(f"{name} has shape {np.shape(array)}, the image {image.shape}; they must agree")
    operation = recipe.get("operation", "deconvolve")
    parameters = result.parameters
    channel = _most_changed_channel(image, result.image) if image.ndim == 4 else None
    pick = (lambda a: a) if channel is None else (lambda a: a[..., channel[0]])
    before, after = _volume(pick(image)), _volume(pick(np.asarray(result.image)))
    truth = None if reference is None else _volume(pick(np.asarray(reference)))
    spacing = tuple(float(s) for s in spacing)
    spacing = (1.0, *spacing) if len(spacing) == 2 else spacing
    if len(spacing) != 3:
        raise InputError(f"spacing {spacing} has {len(spacing)} values; give one for each axis of the image")
    mask, labels, guide = (None if a is None else _volume(np.asarray(a)) for a in (mask, labels, guide))
    if parameters.get("method") == "self-keyed":
        guide = after  # its kernels belong to the intensities that it found
    job = numbers.job_of(
        before, field, parameters, spacing, mask=mask, labels=labels, label_names=label_names, guide=guide,
        normalize=operation == "deconvolve" or bool(parameters.get("normalize")), watch=watch,
    )  # fmt: skip
    filled = job.image.reshape(before.shape)
    slices = numbers.most_changed_slices(filled, after)
    k = slices[0]
    window = _window(before.shape[1:], spacing[1:])
    images = {"before": filled, "after": after} | ({} if truth is None else {"reference": truth})
    grey = GreyScale.of(filled[k])
    if not grey.log:  # where it is, values of the result below the image's lowest would need more decades
        grey = GreyScale.of(np.stack([image[k] for image in images.values()]))
    return Findings(
        operation=operation, title=title or _title(recipe), result=result, field=job.bound.field, spacing=spacing,
        recipe=recipe, job=job, before=before, filled=filled, after=after, reference=truth, guide=guide,
        mask=None if mask is None else mask != 0, slices=slices,
        places=numbers.most_changed_places(after[k] - filled[k], window), window=window,
        profiles=numbers.edge_profiles(images, k, spacing, _reach(job, before.shape)),
        shares=_shares(job, filled if guide is None else guide, mask), grey=grey,
        directions=None if ijk_to_ras is None else axis_letters(np.asarray(ijk_to_ras, float)),
        channel=channel, metrics=_metrics(recipe, reference, image, result.image),
    )  # fmt: skip


def _volume(array: np.ndarray) -> np.ndarray:
    return array[None] if array.ndim == 2 else array


def _most_changed_channel(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """The channel whose relative change is largest, and how many there are."""
    changes = []
    for c in range(before.shape[3]):
        x, y = before[..., c].astype(np.float64), after[..., c].astype(np.float64)
        spread = float(np.nanstd(x))
        changes.append(float(np.sqrt(np.nanmean((y - x) ** 2))) / spread if spread else 0.0)
    return int(np.argmax(changes)), before.shape[3]


def _window(shape: Sequence[int], spacing: Sequence[float]) -> tuple[int, int]:
    """The size in voxels of an enlarged window: a square in mm, a quarter of the shorter side."""
    side = max(min(n * h for n, h in zip(shape, spacing, strict=True)) / 4, 24 * max(spacing))
    return tuple(max(1, min(n, round(side / h))) for n, h in zip(shape, spacing, strict=True))


def _reach(job: Job, shape: Sequence[int]) -> int:
    """How many voxels a profile shows to each side: as far as the kernels reach, 10 to 40."""
    radius = max(max(job.bound.kernel(k).shape[-2:]) // 2 for k in range(len(job.bound)))
    return int(np.clip(1.5 * radius, 10, 40))


def _shares(job: Job, guide: np.ndarray, mask: np.ndarray | None) -> list[float]:
    """The mean weight of each kernel over the voxels that were worked on, of large images over a part of them."""
    field, count = job.bound.field, len(job.bound.field.kernels)
    if field.key == "uniform":
        return [1.0]
    if field.key == "intensity":
        values = guide.ravel() if mask is None else guide[mask != 0]
        values = values[:: max(1, values.size // 2_000_000)]
        return [float(w.mean(dtype=np.float64)) for w in numbers.weights_of(field, values)[:count]]
    chosen = ... if job.mask is None else job.mask
    return [float(job.bound.weight(k)[chosen].mean(dtype=np.float64)) for k in range(count)]


def _metrics(recipe: Mapping[str, Any], reference, image, restored) -> Mapping[str, Mapping[str, float]]:
    if recipe.get("metrics"):
        return recipe["metrics"]
    if reference is None:
        return {}
    found: dict[str, dict[str, float]] = {"before": {}, "after": {}}
    for name, array in (("before", image), ("after", restored)):
        for metric in (psnr, ssim, rmse):
            with contextlib.suppress(InputError):  # what is too small, or holds NaN, has no such number
                found[name][metric.__name__] = float(metric(reference, array))
    return found


def _title(recipe: Mapping[str, Any]) -> str:
    path = recipe.get("inputs", {}).get("image", {}).get("path")
    return Path(path).name if path else "Image"


def _find_residual(found: Findings) -> None:
    """Compute y - A x, where the run has one."""
    if found.operation != "deconvolve":
        return
    j, i = found.places[0] if found.places else (0, 0)
    middle = (found.slices[0], j + found.window[0] // 2, i + found.window[1] // 2)
    try:
        found.residual = numbers.residual_of(
            found.job, found.after, middle, found.guide, found.result.parameters["boundary"] == "extended"
        )
    except InputError as error:
        found.no_residual = str(error)


def axis_letters(ijk_to_ras: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Return, for the axes k, j, i, the anatomical letters of their low and high ends, e.g. ("I", "S").

    An oblique axis gets the letters of the direction it is nearest to.
    """
    letters = []
    for column in (2, 1, 0):
        axis = ijk_to_ras[:3, column]
        main = int(np.abs(axis).argmax())
        low, high = (("L", "R"), ("P", "A"), ("I", "S"))[main]
        letters.append((low, high) if axis[main] > 0 else (high, low))
    return tuple(letters)


# ----------------------------------------------------------------------------------------------- page


def _page(found: Findings, sections: Sequence[Section]) -> str:
    heading = f"{found.title}{', ' * bool(found.frame)}{found.frame}: {found.operation}d"
    links = (tag("li", tag("a", section.title, href=f"#{section.name}")) for section in sections)
    header = tag(
        "header",
        tag("h1", heading),
        _lead(found),
        _facts(found),
        _warnings(found),
        tag("nav", tag("ul", *links), aria_label="Sections"),
    )
    footer = f"Written by SpatialDeconv {__version__}. This page is complete in itself: it loads nothing and runs "
    footer += "no script."
    body = tag("main", header, *(_section(section) for section in sections), tag("footer", footer))
    page = tag("html", _head(heading), tag("body", body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _head(title: str) -> Markup:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", name="generator", content=f"SpatialDeconv {__version__}"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )


def _section(section: Section) -> Markup:
    title = f"{section.name}-title"
    return tag(
        "section", tag("h2", section.title, id=title), section.content, id=section.name, aria_labelledby=title
    )


def _lead(found: Findings) -> Markup:
    shape, spacing = found.before.shape, found.spacing
    size = " × ".join(str(n) for n in shape[::-1])
    step = " × ".join(number(s) for s in spacing[::-1])
    where = {
        "uniform": "with one kernel everywhere",
        "intensity": f"with {len(found.field.kernels)} kernels chosen by the intensity of "
        + ("the image" if found.guide is None or _self_keyed(found) else "a guide image"),
        "region": f"with {len(found.field.kernels)} kernels, one for each region of a label map",
        "position": f"with {len(found.field.kernels)} kernels that belong to places in the image",
        "weights": f"with {len(found.field.kernels)} kernels and given weights",
    }[found.field.key]
    start = f"An image of {size} voxels (i × j × k) of {step} mm was {found.operation}d {where}"
    return tag("p", start, *_how(found), _circumstances(found), class_="lead")


def _how(found: Findings) -> tuple[str, ...]:
    """The method, in words."""
    parameters = found.result.parameters
    if found.operation != "deconvolve":
        return ()
    method = tag("b", _METHOD_NAMES.get(parameters["method"], parameters["method"]))
    if parameters["strategy"] == "joint":
        return ", with the joint method ", method, ", which inverts the spatially variant blur itself"
    several = len(found.field.kernels) > 1
    blended = ", run once for each kernel and blended with the kernels’ weights" if several else ""
    return ", with the method ", method, blended


def _circumstances(found: Findings) -> str:
    """Mask, channels and frames, in words: the end of a sentence, and more sentences."""
    text = ""
    if found.mask is not None:
        share = np.count_nonzero(found.mask) / found.mask.size
        text += f"; only {number(100 * share, 3)} % of the voxels, those of a mask, were to change"
    text += "."
    if found.channel is not None:
        text += (
            f" Of the {found.channel[1]} values of each voxel, the pictures and charts show number "
            f"{found.channel[0] + 1}, which changed most."
        )
    if found.frames:
        text += f" It is one of the {len(found.frames)} frames of a sequence: {found.frame}."
    return text


def _self_keyed(found: Findings) -> bool:
    return found.result.parameters.get("method") == "self-keyed"


def _facts(found: Findings) -> Markup:
    result, facts = found.result, []
    residual = found.run_residual
    if found.operation == "deconvolve":
        verdict = "unknown: there is no noise to compare with" if residual is None else verdict_on(residual)
        facts.append(("Residual", "none" if residual is None else number(residual, 3), verdict))
    if found.noise is not None:
        given = "given" if not isinstance(result.parameters.get("noise"), str) else "estimated from the image"
        facts.append(("Noise", number(found.noise, 3), f"standard deviation, {given}"))
    if result.iterations is not None:
        facts.append(("Iterations", str(result.iterations), str(result.automatic.get("stopped", ""))))
    size = _root_mean_square_change(found)
    spread = float(np.std(found.filled, dtype=np.float64))
    relative = f"{number(100 * size / spread, 3)} % of the image’s standard deviation" if spread else ""
    facts.append(("Change", number(size, 3), f"root mean square; {relative}" if relative else "root mean square"))
    before, after = found.metrics.get("before", {}), found.metrics.get("after", {})
    if all(math.isfinite(values.get("psnr", math.inf)) for values in (before, after)):
        gain = after["psnr"] - before["psnr"]
        text = f"to the reference; {number(before['psnr'])} dB before, {gain:+.2f} dB"
        facts.append(("PSNR", f"{after['psnr']:.2f} dB", text))
    facts.append(("Time", f"{number(result.seconds, 3)} s", "of the run, without reading and writing"))
    items = (tag("div", tag("dt", name), tag("dd", value, tag("small", text))) for name, value, text in facts)
    return tag("dl", *items, class_="facts")


def _root_mean_square_change(found: Findings) -> float:
    total, count = 0.0, 0
    for k, (before, after) in enumerate(zip(found.filled, found.after, strict=True)):
        change = np.subtract(after, before, dtype=np.float64)
        change = change if found.mask is None else change[found.mask[k]]
        total, count = total + float(np.sum(np.square(change))), count + change.size
    return math.sqrt(total / count)


def _warnings(found: Findings) -> Markup | None:
    if not found.result.warnings:
        return None
    items = (tag("li", text) for text in found.result.warnings)
    return tag("aside", tag("b", "To be noted"), tag("ul", *items), class_="warnings", aria_label="Warnings")
