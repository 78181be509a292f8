"""A contact sheet: one block of an image as every method leaves it, so that one can see before one chooses.

Pictures come first, the quick ones first of all: each is what a preview shows with that method (`blocks.block_of`).
Expected gains follow. They are simulated (`automatic`): what stands for the truth is simpler than the truth, so
they tell which method comes closer, and not by how much.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from ..arrays.boxes import Box
from ..arrays.spacing import Spacing
from ..arrays.watch import UNWATCHED, IsCancelled, Progress, Watch
from ..errors import InputError, NotEnoughMemory
from ..kernels.field import KernelField
from ..kernels.parametric import AnyKernel
from ..methods import registry as methods
from ..methods.choices import AUTO, FIXED_BOUNDARIES
from ..methods.registry import Method
from ..noise import NoiseLaw
from .automatic import keyed_to_any, keyed_to_truth, stand_in, trial_block
from .blend import run_blend
from .blocks import BlockMemory, View, block_around, block_of, checked_block, whole_noise
from .inputs import Inputs
from .job import Job
from .joint import run_joint
from .pipeline import Result
from .residuals import Fit
from .settings import DeconvolveSettings
from .told import of_no_effect

#: Voxels along an edge of the block, where none is given.
DEFAULT_SIZE = 64
# A block is filtered with what its residual needs around it, which makes it so many times as large at most.
_MOST_AROUND = 4.0
# Voxels that gains are simulated on: 32 cubes, 181 squares.
_SIMULATED_VOXELS = 2**15
# Share of its weight that a kernel may have further away than it is said to reach.
_BEYOND = 1e-3


@dataclass(frozen=True, eq=False)
class Tile:
    """The block as one method leaves it.

    Attributes
    ----------
    image : ndarray or None
        In the shape of the block; None where the method could not be run.
    method : Method or None
        None: the input.
    automatic : bool
        Whether it is what a run takes that is told nothing.
    gain : float or None
        In a simulation, how much closer to the truth than the blurred image, in dB of the mean squared error; None
        where it is not known (yet), or there is no noise or detail to simulate with.
    residual : float or None
        Of the block, in units of the noise: about 1 when the kernels explain it; None where there is no noise.
    seconds : float
        That the block took.
    problem : str
        Why there is no image.
    """

    image: np.ndarray | None
    method: Method | None = None
    automatic: bool = False
    gain: float | None = None
    residual: float | None = None
    seconds: float = 0.0
    problem: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return "Input" if self.method is None else f"{self.method.strategy.capitalize()}: {self.method.label}"

    @property
    def plane(self) -> np.ndarray | None:
        """The slice in the middle of the block; None where there is no image."""
        if self.image is None or self.image.ndim == 2:
            return self.image
        return self.image[self.image.shape[0] // 2]

    def facts(self) -> str:
        """What is known of it, in one line."""
        if self.problem:
            return f"not possible here: {self.problem}"
        known = [] if self.gain is None else [f"simulated {self.gain:+.1f} dB"]
        known += [] if self.residual is None else [f"residual {self.residual:.3g}"]
        known += [] if self.method is None else [f"{self.seconds:.1f} s"]
        return ", ".join(known)


@dataclass(frozen=True, eq=False)
class Sheet:
    """All tiles of a block, the input first.

    Attributes
    ----------
    block : tuple of slice
    tiles : tuple of Tile
    warnings : tuple of str
        What there is to say of image and kernels.
    """

    block: Box
    tiles: tuple[Tile, ...]
    warnings: tuple[str, ...] = ()

    def describe(self) -> list[str]:
        """Return one line for each tile, the automatic choice marked."""
        width = max(len(tile.name) for tile in self.tiles)
        return [f"{'*' if t.automatic else ' '} {t.name:{width}}  {t.facts()}" for t in self.tiles]


def compare_methods(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    spacing: Spacing | None = None,
    around: Sequence[float] | None = None,
    size: int = DEFAULT_SIZE,
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
    **options: Any,
) -> Sheet:
    """Restore a block of an image with every method there is, and tell how far each can be trusted.

    Parameters
    ----------
    image, kernels, spacing, mask, labels, label_names, guide
        See `deconvolve`.
    around : (k, j, i) or (j, i), optional
        Voxel in the middle of the block; default the middle of the image.
    size : int
        Voxels along its edges, cut where the image is smaller.
    progress : callable(fraction, text), optional
    cancelled : callable() -> bool, optional
    options
        Of `deconvolve`, but for those of one method: model, boundary, noise, offset, slicewise, nonfinite, ...

    Returns
    -------
    Sheet

    Raises
    ------
    InputError
        If an argument cannot be used with any method.
    Cancelled
    """
    image = np.asarray(image)
    if not size >= 1:
        raise InputError(f"size {size!r} must be at least 1 voxel", "size")
    middle = [n / 2 for n in image.shape] if around is None else around
    if len(middle) != image.ndim:
        raise InputError(
            f"around {tuple(middle)!r} has {len(middle)} places, the image {image.ndim} axes", "around"
        )
    block = block_around(image.shape, middle, [size] * image.ndim)
    inputs = Inputs(image, kernels, spacing, mask, labels, label_names, guide)
    return sheet_of(inputs, DeconvolveSettings(**options), block, Watch(progress, cancelled))


def sheet_of(inputs: Inputs, settings: DeconvolveSettings, block: Box, watch: Watch = UNWATCHED) -> Sheet:
    """Return all tiles of a block when they are ready; see `tiles`."""
    warnings: list[str] = []
    found = {
        tile.method and (tile.method.strategy, tile.method.name): tile
        for tile in tiles(inputs, settings, block, watch, warnings=warnings)
    }
    return Sheet(block, tuple(found.values()), tuple(warnings))


def tiles(
    inputs: Inputs,
    settings: DeconvolveSettings,
    block: Box,
    watch: Watch = UNWATCHED,
    known: BlockMemory | None = None,
    warnings: list[str] | None = None,
) -> Iterator[Tile]:
    """Yield the block as it is and as every method leaves it; then each once more, with its gain.

    Parameters
    ----------
    inputs : Inputs
        The whole image, and what belongs to it.
    settings : DeconvolveSettings
        What belongs to one method is left aside: strategy, method, iterations, constant.
    block : tuple of slice
    watch : Watch
    known : BlockMemory, optional
        Shared with previews of the same image.
    warnings : list of str, optional
        Is given what there is to say of image and kernels.

    Raises
    ------
    InputError, Cancelled
        As `pipeline.deconvolve` does, where no method can be run.
    """
    memory = BlockMemory() if known is None else known
    free = replace(settings, strategy=AUTO, method=AUTO, iterations=None, regularization="auto")
    looked = _Looked.at(inputs, free, block, memory, watch.quiet())
    if warnings is not None:
        warnings += looked.warnings
    yield Tile(looked.before, residual=looked.residual(looked.before_around))
    done: list[Tile] = []
    of: str | None = None
    waiting = _in_order()
    work = watch.part(0.0, 0.75)
    for (strategy, name), part in work.parts(waiting):
        if any(tile.method is methods.method(strategy, name) for tile in done):
            continue  # it was the automatic choice
        part.step(0.0, f"trying {methods.method(strategy, name).in_prose}")
        own = _settings_for(free, strategy, name)
        try:
            result = block_of(inputs, own, looked.around, part.quiet(), known=memory)
        except (InputError, NotEnoughMemory) as error:
            if name == AUTO:  # what none can be run for
                raise
            done.append(Tile(None, methods.method(strategy, name), problem=" ".join(error.text.split())))
        else:
            of = result.automatic.get("of", of)
            done.append(looked.tile(result, own, automatic=name == AUTO))
        yield done[-1]
    runnable = [tile for tile in done if tile.image is not None]
    gains = _Gains.on(looked, of, watch.part(0.75, 0.8)) if runnable else None
    for tile, part in watch.part(0.8, 1.0).parts(runnable):
        if gains is not None and tile.method is not None:
            part.step(0.0, f"simulating {tile.method.in_prose}")
            yield replace(tile, gain=gains.of(tile.method, part))


def _in_order() -> list[tuple[str, str]]:
    """What is run: the filters, those that search for nothing first; the automatic choice; the joint methods."""
    blend, joint = (
        sorted(methods.methods_of(strategy).values(), key=lambda m: (bool(m.tuned), m.work))
        for strategy in ("blend", "joint")
    )
    return [*(("blend", m.name) for m in blend), (AUTO, AUTO), *(("joint", m.name) for m in joint)]


def _settings_for(free: DeconvolveSettings, strategy: str, name: str) -> DeconvolveSettings:
    boundary = free.boundary if strategy != "blend" or free.boundary in FIXED_BOUNDARIES else "edge"
    return replace(free, strategy=strategy, method=name, boundary=boundary)


@dataclass(frozen=True)
class _Looked:
    """The block that is looked at, in the image and with what its residual needs around it.

    Attributes
    ----------
    job : Job
        Of the part around the block, which is judged where the block is (its mask).
    law : NoiseLaw
    around : tuple of slice
        The part, in the image as it was given.
    inner : tuple of slice
        The block in the part.
    before, before_around : ndarray
        The input in the block, and in the part.
    warnings : list of str
        Of the whole image.
    """

    job: Job[DeconvolveSettings]
    law: NoiseLaw
    around: Box
    inner: Box
    before: np.ndarray
    before_around: np.ndarray
    warnings: list[str]

    @classmethod
    def at(
        cls, inputs: Inputs, settings: DeconvolveSettings, block: Box, memory: BlockMemory, watch: Watch
    ) -> _Looked:
        job = Job.prepare(inputs, settings, watch)
        law = whole_noise(job, memory)
        working = checked_block(block, job)
        if job.mask is not None and not job.mask[working].any():
            raise InputError("the mask has no voxel in this block; look at another one", "around")
        around = _around(job, working)
        part, _ = View(replace(job, noise=law), around).part(0.0, ())
        inner = tuple(slice(s.start - a.start, s.stop - a.start) for s, a in zip(working, around, strict=True))
        judged = np.zeros(part.image.shape, bool)
        judged[inner] = True if part.mask is None else _deep(part, part.mask)[inner]
        if not judged.any():
            judged[inner] = True
        lead = block[: job.original.ndim - job.image.ndim]
        before = job.original.reshape(job.image.shape)[around]
        before = before.reshape((1,) * len(lead) + before.shape)
        inner = (*(slice(0, 1) for _ in lead), *inner)
        part = replace(part, mask=judged)
        return cls(part, law.part(around), (*lead, *around), inner, before[inner], before, job.warnings)

    def tile(self, result: Result, settings: DeconvolveSettings, automatic: bool) -> Tile:
        """The tile of a result in the part."""
        method = result.method or settings.spec
        residual = self.residual(result.image, method.self_keyed or bool(result.automatic.get("self_keyed")))
        return Tile(result.image[self.inner], method, automatic, None, residual, result.seconds)

    def residual(self, image: np.ndarray, self_keyed: bool = False) -> float | None:
        """Of an image in the part, which may choose its kernels itself: what it leaves of the block."""
        job = self.job
        if of_no_effect(job.bound, job.mask, job.image.dtype):
            return None
        taken = np.ldexp(image, job.exponent) if job.exponent else image
        taken = taken.reshape(job.image.shape).astype(job.image.dtype, copy=False)
        return Fit(job, self.law, taken, self_keyed).residual(job.watch.quiet())


def _around(job: Job, block: Box) -> Box:
    """The block with what the kernels see around it, or less where that is large."""
    reach = [
        max(job.bound.kernel(k).reach(axis, _BEYOND) for k in range(len(job.bound))) for axis in range(len(block))
    ]
    size = math.prod(s.stop - s.start for s in block)
    while True:
        box = tuple(
            slice(max(0, s.start - r), min(n, s.stop + r))
            for s, r, n in zip(block, reach, job.image.shape, strict=True)
        )
        if math.prod(s.stop - s.start for s in box) <= _MOST_AROUND * size or not any(reach):
            return box
        reach = [r // 2 for r in reach]


def _deep(job: Job, mask: np.ndarray) -> np.ndarray:
    """The voxels of a mask that see nothing of its outside, where what a method took for the image is not told."""
    size = [
        2 * max(job.bound.kernel(k).reach(a, _BEYOND) for k in range(len(job.bound))) + 1 for a in range(mask.ndim)
    ]
    return ndimage.minimum_filter(mask, size, mode="nearest")


@dataclass(frozen=True)
class _Gains:
    """A simulated case: what is taken for the truth, and the job of what it looks like."""

    job: Job[DeconvolveSettings]
    law: NoiseLaw
    truth: np.ndarray
    whose: str | None

    @classmethod
    def on(cls, looked: _Looked, of: str | None, watch: Watch) -> _Gains | None:
        """The case in the middle of the block; None where there is nothing to simulate."""
        whole = looked.job
        lead = len(looked.inner) - whole.image.ndim
        box = trial_block(whole.image.shape, looked.inner[lead:], _SIMULATED_VOXELS)
        law = looked.law.part(box)
        part, _ = View(replace(whole, noise=law, mask=None), box).part(0.0, ())
        part = replace(part, watch=watch)
        if not law.sigma > 0 or not part.image.std() > 0:
            return None
        watch.step(0.0, "making a case whose truth is known")
        keyed = keyed_to_any(part.bound) if keyed_to_truth(part, of) else None
        truth = stand_in(part.image, part.operator(), law, part.settings.offset, watch)
        source = part if keyed is None else replace(part, bound=keyed.bind(truth, part.bound.spacing))
        seen = law.noisy(Fit(source, law, truth).blurred(watch.quiet()), np.random.default_rng(0))
        seen = seen.astype(part.image.dtype, copy=False)
        bound = part.bound if keyed is None else keyed.bind(seen, part.bound.spacing)
        return cls(replace(part, image=seen, original=seen, bound=bound, noise=law, warnings=[]), law, truth, of)

    def of(self, method: Method, watch: Watch) -> float | None:
        """The gain of a method; None where it cannot be run."""
        settings = _settings_for(self.job.settings, method.strategy, method.name)
        job = replace(self.job, settings=replace(settings, engine="fft"), watch=watch.quiet())
        run = run_blend if method.strategy == "blend" else run_joint
        try:
            image = run(job, self.law, of=self.whose).image
        except InputError:
            return None
        before, after = (float(np.square(x - self.truth).mean(dtype=np.float64)) for x in (job.image, image))
        return 10 * math.log10(before / after) if before > 0 and after > 0 else None
