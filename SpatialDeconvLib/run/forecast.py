"""What a run will do and about how long it will take, before it: by what a part of the image takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import fft

from ..arrays.boxes import bounding_box
from ..arrays.threads import usable_processors
from ..arrays.watch import UNWATCHED, Watch
from ..blur.operator import SpatiallyVariantBlur
from ..errors import is_auto
from ..filters.padding import padded_shape
from ..methods import registry as methods
from ..methods.choices import AUTO
from ..methods.registry import Method
from .automatic import trial_block
from .choose import Looks, asks_whose, foreseen
from .inputs import Inputs, sigmas_of
from .job import Job
from .joint import between
from .settings import DeconvolveSettings, S, Settings
from .tiles import foreseen_tiles, runs_in_tiles
from .tiles.cutting import part_of

# Voxels of the part on which a product with the blur is timed.
_PART_VOXELS = 1 << 18
# What finding out whose intensity chooses takes, in products with a block of so many voxels (`whose`).
_WHOSE_PRODUCTS, _WHOSE_VOXELS = 550.0, 1 << 15
# What looking at the width of kernels takes after a run that chose its method, likewise.
_WIDTH_PRODUCTS = 750.0
# What trying all filters, or the constants of one, on a block of at most so many voxels takes, in the unit of
# `Method.work` (`automatic`).
_ALL_TRIALS, _OWN_TRIALS, _TRIALS_VOXELS = 20.0, 11.0, 1 << 18
# What is timed is done for so long, so that one interruption does not decide.
_TIMED_SECONDS, _TIMED_AT_LEAST = 0.05, 3
# A product with one kernel, in Fourier transforms forth and back of the padded image.
_PRODUCT_TRANSFORMS = 1.7
# A filter of engine "fft" takes this share of the time of SimpleITK's.
_FFT_SHARE = 0.3


@dataclass(frozen=True)
class Forecast:
    """What a run will do.

    Attributes
    ----------
    strategy, method : str
        What it will take: "blend" or "joint", and a method of that ("auto" of a blend that chooses for each
        kernel); "" of a convolution.
    seconds : float
        About how long that takes.
    spread : float
        By what factor it may take longer or shorter.
    otherwise : Forecast or None
        What it will take if the kernels turn out to be keyed to the true values of the object, where that is
        another method.
    tiles : int
        In how many parts it works on the image, as all at once would not fit into memory; 1: all at once.
    """

    strategy: str
    method: str
    seconds: float
    otherwise: Forecast | None = None
    tiles: int = 1
    spread: float = 1.5

    @property
    def spec(self) -> Method | None:
        """What is known of the method; None of a convolution."""
        return methods.method(self.strategy, self.method) if self.strategy else None

    def describe(self) -> str:
        """Return it in words: what it takes, and about how long."""
        name = f"{self.strategy}, {self.spec.in_prose}: " if self.spec else ""
        other = f"; if kernels are keyed to true values: {self.otherwise.describe()}" if self.otherwise else ""
        tiles = f" in {self.tiles} tiles" if self.tiles > 1 else ""
        return f"{name}{between(self.seconds / self.spread, self.seconds * self.spread)}{tiles}{other}"


def foresee(image: np.ndarray, kernels: Any, *, watch: Watch = UNWATCHED, **options: Any) -> Forecast:
    """Say what a deconvolution will do and about how long it will take.

    Parameters
    ----------
    image, kernels
        As for `deconvolve`.
    **options
        Its other arguments, without ``progress`` and ``cancelled``.
    watch : Watch

    Returns
    -------
    Forecast
        It takes a second or less, whatever the size of the image: a product with the blur is timed on a part of it.

    Raises
    ------
    InputError
        If an argument cannot be used; not everything that a run refuses is found out.
    Cancelled
    """
    names = ("spacing", "mask", "labels", "label_names", "guide")
    arrays = {name: options.pop(name) for name in names if name in options}
    sigmas = sigmas_of(options.get("noise"))
    if sigmas is not None:
        options["noise"] = "image"
    inputs = Inputs(image, kernels, noise=sigmas, **arrays)
    return forecast_of(inputs, DeconvolveSettings.of(options), watch)


def forecast_of(inputs: Inputs, settings: Settings, watch: Watch = UNWATCHED) -> Forecast:
    """Say the same of any run; see `foresee`."""
    if not isinstance(settings, DeconvolveSettings):
        _, blurred, product = _measured(inputs, settings, watch)
        return _in_tiles(Forecast("", "", product), blurred, inputs)
    part, whole, product = _measured(inputs, settings, watch)
    started = time.perf_counter()
    sigma = float(part.noise_law().sigma)
    before = (time.perf_counter() - started) * whole.image.size / part.image.size + _finding_whose(whole, product)
    before += _looking_at_width(whole, product)
    if settings.spec.automatic and settings.strategy != "blend":
        known = foreseen(whole, Looks.of(part.image, sigma, part.mask), runs_in_tiles(whole))
    else:
        known = [(settings.strategy, settings.method)]
    specs = [methods.method(*chosen) for chosen in known]
    blends = any(spec.strategy == "blend" for spec in specs)
    alone = _one_by_one(part) * whole.padded_bytes() / part.padded_bytes() if blends else 0.0
    first, *others = [
        _in_tiles(
            Forecast(spec.strategy, spec.name, before + _seconds(whole, spec, product, alone), spread=spec.spread),
            whole, inputs,
        )
        for spec in specs
    ]  # fmt: skip
    return replace(first, otherwise=others[0]) if others else first


def _in_tiles(forecast: Forecast, whole: Job[S], inputs: Inputs) -> Forecast:
    """The forecast of the same run with the tiles that memory asks for: what is read twice is worked on twice."""
    if not runs_in_tiles(whole):
        return forecast
    settings: Any = whole.settings
    if isinstance(settings, DeconvolveSettings):
        settings = replace(settings, strategy=forecast.strategy, method=forecast.method, effort="best")
    tiles = foreseen_tiles(replace(whole, settings=settings), tuple(inputs.image.shape))
    voxels = sum(math.prod(s.stop - s.start for s in tile.box) for tile in tiles)
    return replace(forecast, tiles=len(tiles), seconds=forecast.seconds * voxels / math.prod(inputs.image.shape))


def _measured(inputs: Inputs, settings: S, watch: Watch) -> tuple[Job[S], Job[S], float]:
    """A job of a part of the image, one that has but the shape of all of it, and seconds of a product for that."""
    part = Job.prepare(_part(inputs), settings, watch)
    shape = inputs.image.shape[inputs.image.ndim - part.image.ndim :]
    whole = replace(part, image=np.broadcast_to(part.image.dtype.type(0), shape))  # takes no memory
    return part, whole, _product(part, watch) * whole.padded_bytes() / part.padded_bytes()


def _part(inputs: Inputs) -> Inputs:
    """A part of the inputs that is as large as is needed, and in the middle of what is worked on."""
    image, mask = np.asarray(inputs.image), inputs.mask
    region = None if mask is None or np.shape(mask) != image.shape else bounding_box(np.asarray(mask))
    box = trial_block(image.shape, region, _PART_VOXELS)

    part = part_of(inputs, box)
    return part if part.mask is None or part.mask.any() else replace(part, mask=None)


def _product(job: Job, watch: Watch) -> float:
    """Seconds of one product with the blur of a job, when what is kept for it is there."""
    operator = SpatiallyVariantBlur(
        job.bound, job.image.shape, model=job.settings.model, boundary=job.settings.boundary,
        dtype=job.image.dtype, watch=watch,
    )  # fmt: skip
    image = operator.extend(job.image)
    return _timed(lambda: operator.forward(image, watch.quiet()))


def _one_by_one(job: Job[DeconvolveSettings]) -> float:
    """Seconds of products with the kernels of a job, one by one, as the filters of a blend do them."""
    shapes = [padded_shape(job.image.shape, job.bound.kernel(k).shape) for k in range(len(job.bound))]
    shape = max(shapes, key=math.prod)
    image, workers = np.ones(shape, job.image.dtype), usable_processors()
    seconds = _timed(lambda: fft.irfftn(fft.rfftn(image, workers=workers), s=shape, workers=workers))
    return len(shapes) * _PRODUCT_TRANSFORMS * seconds


def _timed(work: Callable[[], object]) -> float:
    """Seconds of a piece of work once what it keeps is there."""
    work()
    started, count = time.perf_counter(), 0
    while count < _TIMED_AT_LEAST or time.perf_counter() - started < _TIMED_SECONDS:
        work()
        count += 1
    return (time.perf_counter() - started) / count


def _finding_whose(job: Job[DeconvolveSettings], product: float) -> float:
    """Seconds until a run knows whose intensity chooses its kernels, where it has to find out."""
    settings = job.settings
    spec = settings.spec
    searches = bool(spec.told) and is_auto(settings.regularization)  # for a penalty that the answer decides
    asks = (spec.automatic and settings.effort == DeconvolveSettings.effort) or spec.either or searches
    if not asks or not asks_whose(job) or job.bound.field.of != AUTO:
        return 0.0
    return _WHOSE_PRODUCTS * product * min(1.0, _WHOSE_VOXELS / job.image.size)


def _looking_at_width(job: Job[DeconvolveSettings], product: float) -> float:
    """Seconds that a run which chose its method takes to look at the width of the kernels."""
    settings = job.settings
    free = settings.spec.automatic and settings.strategy != "blend" and settings.effort == DeconvolveSettings.effort
    if not free or job.bound.field.key == "intensity":
        return 0.0
    return _WIDTH_PRODUCTS * product * min(1.0, _WHOSE_VOXELS / job.image.size)


def _seconds(job: Job[DeconvolveSettings], spec: Method, product: float, alone: float) -> float:
    """Seconds that a method takes; `product` are those of a product, `alone` those with the kernels one by one."""
    if spec.strategy == "joint":
        return spec.seconds(product)
    settings = job.settings
    seconds = 0.0
    if spec.automatic or settings.searches:
        share = min(1.0, _TRIALS_VOXELS / job.image.size)
        trials = _ALL_TRIALS if spec.automatic else _OWN_TRIALS
        seconds = share * product * trials / methods.PRODUCT
    steps = (settings.steps or 1) / (spec.iterations or 1)
    filters = spec.seconds(alone) * (steps if spec.iterates else 1.0)
    return seconds + filters * (_FFT_SHARE if settings.engine == "fft" else 1.0)
