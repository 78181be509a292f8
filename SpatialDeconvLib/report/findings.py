"""What a report says of a run, before it is a page: everything is computed here, and only shown elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays.watch import Watch
from ..errors import InputError
from ..kernels.field import KernelField
from ..kernels.parts import field_of_part
from ..methods.registry import Method
from ..metrics import psnr, rmse, ssim
from ..run.inputs import Inputs
from ..run.job import Job
from ..run.pipeline import Result
from . import numbers
from .pixels import GreyScale, kernel_colours


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportedRun:
    """A run that is to be reported: what went in, what came out, and what is known of both.

    Attributes
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
        As they were given to the run. A field that holds its labels needs none.
    ijk_to_ras : ndarray, shape (4, 4), optional
        From voxel index (i, j, k) to RAS in mm: pictures are then turned and lettered as Slicer shows them.
    output : path, optional
        Where the result was written: the command to repeat the run then names the recipe beside it.
    command : sequence of str, optional
        The command line of the run, program name first.
    frames : sequence of mapping, optional
        Of a sequence, for every frame "index", "residual", "noise", "iterations", "seconds" (None where there
        is none), and for the frame that `image` is, "shown": True and, in words, "name".
    """

    image: np.ndarray
    result: Result
    field: KernelField
    spacing: Sequence[float]
    recipe: Mapping[str, Any]
    reference: np.ndarray | None = None
    title: str = ""
    mask: np.ndarray | None = None
    labels: np.ndarray | None = None
    label_names: Mapping[str, int] | None = None
    guide: np.ndarray | None = None
    ijk_to_ras: np.ndarray | None = None
    output: str | os.PathLike | None = None
    command: Sequence[str] | None = None
    frames: Sequence[Mapping[str, Any]] = ()

    @property
    def operation(self) -> str:
        """ "deconvolve" or "convolve"."""
        return self.recipe.get("operation", "deconvolve")

    @property
    def method(self) -> Method | None:
        """The method of a deconvolution."""
        return self.result.method

    @property
    def is_self_keyed(self) -> bool:
        """Whether the kernels belong to the intensities that the run found, not to those that it was given."""
        found = self.result.automatic.get("self_keyed", False)  # by a method that takes either
        return self.method is not None and (self.method.self_keyed or bool(found))


@dataclass(frozen=True, kw_only=True, eq=False)
class Findings:
    """What a report says of a run. Arrays are (k, j, i) and scalar; `channel` says which of a vector.

    Attributes
    ----------
    run : ReportedRun
    job : Job
        The checked input of the run, as the engine had it; `field` are its kernels.
    before, after, reference : ndarray
        The image as it was given, the result, and what it was compared with.
    filled : ndarray
        `before` as the run took it: where it was no number, the nearest number.
    guide : ndarray or None
        The image whose values choose the kernels, where it is not `filled`.
    slices, places : list
        The most changed slices, and in the first of them the most changed windows (first voxels j, i).
    window : (rows, columns)
        Size of these windows in voxels.
    middle : (k, j, i)
        The voxel in the middle of the place that changed most.
    profiles : list of Profile
        Lines through the edges that changed most.
    shares : list of float
        Mean weight of each kernel.
    grey : GreyScale
        Of all pictures of the image.
    directions : ((low, high), ...) or None
        Anatomical letters of the ends of the axes.
    channel : (number, count) or None
    residual : Residual or None
    no_residual : str
        Why there is none.
    metrics : mapping
        Of "before" and "after", against the reference.
    """

    run: ReportedRun
    job: Job
    spacing: tuple[float, ...]
    before: np.ndarray
    filled: np.ndarray
    after: np.ndarray
    reference: np.ndarray | None
    guide: np.ndarray | None
    mask: np.ndarray | None
    slices: list[int]
    places: list[tuple[int, int]]
    window: tuple[int, int]
    middle: tuple[int, int, int]
    profiles: list[numbers.Profile]
    shares: list[float]
    grey: GreyScale
    directions: tuple[tuple[str, str], ...] | None
    channel: tuple[int, int] | None
    residual: numbers.Residual | None
    no_residual: str
    metrics: Mapping[str, Mapping[str, float]]

    @property
    def operation(self) -> str:
        return self.run.operation

    @property
    def result(self) -> Result:
        return self.run.result

    @property
    def field(self) -> KernelField:
        """The kernels, with the labels of the image."""
        return self.job.bound.field

    @property
    def noise(self) -> float | None:
        """The standard deviation of the noise that was used, in this channel."""
        return self._of_channel("noise", self.result.noise)

    @property
    def run_residual(self) -> float | None:
        """The residual that the run gave, in this channel."""
        return self._of_channel("residual", self.result.residual)

    @property
    def channel_name(self) -> str:
        """What the channel that is shown is called; "" where nobody says that."""
        return str(self._of_channel("name", ""))

    def _of_channel(self, name: str, otherwise: Any) -> Any:
        channels = self.result.automatic.get("channels")
        if self.channel is None or not channels or self.channel[0] >= len(channels):
            return otherwise
        return channels[self.channel[0]].get(name, otherwise)

    @property
    def title(self) -> str:
        path = self.run.recipe.get("inputs", {}).get("image", {}).get("path")
        return self.run.title or (Path(path).name if path else "Image")

    @property
    def frame(self) -> str:
        """What the frame of a sequence is called that is shown here; empty for a volume."""
        shown = next((f for f in self.run.frames if f.get("shown")), None)
        return "" if shown is None else str(shown.get("name", shown["index"]))

    @property
    def colours(self) -> list[str]:
        """One CSS colour for each kernel, in their order."""
        return kernel_colours(len(self.field.kernels))


def examine(run: ReportedRun, watch: Watch) -> Findings:
    """Find out what a report says of a run.

    Raises
    ------
    InputError
        If the shapes of the arrays do not agree.
    Cancelled
    """
    watch.step(0.0, "looking for changes")
    _check_shapes(run)
    channel = _most_changed_channel(np.asarray(run.image), run.result.image) if np.ndim(run.image) == 4 else None
    before, after = _scalar(run.image, channel), _scalar(run.result.image, channel)
    reference = None if run.reference is None else _scalar(run.reference, channel)
    mask, labels, guide = (None if a is None else _volume(np.asarray(a)) for a in (run.mask, run.labels, run.guide))
    if run.is_self_keyed:
        guide = after  # its kernels belong to the intensities that it found
    spacing = _spacing(run.spacing)
    field = run.field if channel is None else field_of_part(run.field, "channel", channel[0] + 1)
    inputs = Inputs(before, field, spacing, mask, labels, run.label_names, guide)
    parameters = run.result.parameters
    normalizes = run.operation == "deconvolve" or bool(parameters.get("normalize"))
    job = numbers.job_of(inputs, parameters, normalizes, watch)
    filled = job.image.reshape(before.shape)
    slices = numbers.most_changed_slices(filled, after)
    k = slices[0]
    window = _window(before.shape[1:], spacing[1:])
    places = numbers.most_changed_places(after[k] - filled[k], window)
    images = {"before": filled, "after": after} | ({} if reference is None else {"reference": reference})
    shares = _shares(job, filled if guide is None else guide, mask)
    profiles = numbers.edge_profiles(images, k, spacing, _reach(job, before.shape))
    watch.step(0.5, "residual")
    j, i = places[0] if places else (0, 0)
    middle = (k, j + window[0] // 2, i + window[1] // 2)
    residual, no_residual = _residual(run, channel, middle, watch)
    return Findings(
        run=run, job=job, spacing=spacing, before=before, filled=filled, after=after, reference=reference,
        guide=guide, mask=None if mask is None else mask != 0, slices=slices, places=places, window=window,
        middle=middle, profiles=profiles, shares=shares, grey=_grey([image[k] for image in images.values()]),
        directions=None if run.ijk_to_ras is None else axis_letters(np.asarray(run.ijk_to_ras, float)),
        channel=channel, residual=residual, no_residual=no_residual, metrics=_metrics(run),
    )  # fmt: skip


def _check_shapes(run: ReportedRun) -> None:
    shape = np.shape(run.image)
    for name, array in (("result.image", run.result.image), ("reference", run.reference)):
        if array is not None and np.shape(array) != shape:
            raise InputError(f"{name} has shape {np.shape(array)}, the image {shape}; they must agree")


def _most_changed_channel(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """The channel whose relative change is largest, and how many there are."""
    changes = []
    for c in range(before.shape[3]):
        x, y = before[..., c].astype(np.float64), after[..., c].astype(np.float64)
        spread = float(np.nanstd(x))
        changes.append(float(np.sqrt(np.nanmean((y - x) ** 2))) / spread if spread else 0.0)
    return int(np.argmax(changes)), before.shape[3]


def _scalar(array: np.ndarray, channel: tuple[int, int] | None) -> np.ndarray:
    """The channel that is shown, as a volume."""
    array = np.asarray(array)
    return _volume(array if channel is None else array[..., channel[0]])


def _volume(array: np.ndarray) -> np.ndarray:
    return array[None] if array.ndim == 2 else array


def _spacing(given: Sequence[float]) -> tuple[float, ...]:
    spacing = tuple(float(s) for s in given)
    spacing = (1.0, *spacing) if len(spacing) == 2 else spacing
    if len(spacing) != 3:
        raise InputError(f"spacing {spacing} has {len(spacing)} values; give one for each axis of the image")
    return spacing


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


def _residual(
    run: ReportedRun, channel: tuple[int, int] | None, middle: tuple[int, int, int], watch: Watch
) -> tuple[numbers.Residual | None, str]:
    """y - A x around a voxel, where the run has one and some of it counts; or why there is none."""
    if run.operation != "deconvolve":
        return None, ""
    why = run.result.automatic.get("no_residual")
    if why:
        return None, why[0].upper() + why[1:]
    number = 0 if channel is None else channel[0]
    if number >= len(run.result.fits):  # the opacity, or a result that does not know its run any more
        return None, "The result holds no residual here"
    found = run.result.residual_map(number, cancelled=watch.cancelled)
    residual = numbers.residual_near(found, middle)
    if residual.mask is not None and not residual.mask.any():
        return None, "The mask has no voxel near what is shown"
    return residual, ""


def _grey(planes: Sequence[np.ndarray]) -> GreyScale:
    """Grey levels for a plane before and after, and of the reference."""
    grey = GreyScale.of(planes[0])
    # Where it is logarithmic, values of the result below the image's lowest would need more decades.
    return grey if grey.log else GreyScale.of(np.stack(planes))


def _metrics(run: ReportedRun) -> Mapping[str, Mapping[str, float]]:
    if run.recipe.get("metrics"):
        return run.recipe["metrics"]
    if run.reference is None:
        return {}
    found: dict[str, dict[str, float]] = {"before": {}, "after": {}}
    for name, array in (("before", np.asarray(run.image)), ("after", run.result.image)):
        for metric in (psnr, ssim, rmse):
            with contextlib.suppress(InputError):  # what is too small, or holds NaN, has no such number
                found[name][metric.__name__] = float(metric(run.reference, array))
    return found


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
