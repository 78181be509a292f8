"""The two operations, `deconvolve` and `convolve`, on arrays.

Every way in (panel, console, command, batch) ends here, so the same input and settings give the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays.spacing import Spacing
from ..arrays.watch import IsCancelled, Progress, Watch
from ..errors import InputError
from ..kernels.field import KernelField
from ..kernels.parametric import AnyKernel
from ..methods import registry as methods
from ..methods.registry import Method
from ..noise import NoiseLaw
from ..texts import joined
from ..texts import mark as _
from .blend import run_blend
from .choose import chosen
from .inputs import Inputs, sigmas_of
from .job import CROP, Job
from .joint import run_joint
from .regions import RegionMean, refuse_without_regions, region_means
from .residuals import Fit, ResidualMap, composite
from .settings import ConvolveSettings, DeconvolveSettings, S, Settings
from .tiles import CONVOLVE_VOLUMES, run_in_tiles, runs_in_tiles
from .told import of_no_effect, unchanged, without_effect
from .verdict import judged, unjudged, width_seen

#: What an operation returns: the image, and what else a `Result` says of it, by name.
ImageAndFacts = tuple[np.ndarray, dict[str, Any]]

#: What a caller may say of the noise.
Noise = float | str | np.ndarray | Mapping[str, float] | NoiseLaw


@dataclass(frozen=True)
class Result:
    """What a run returns.

    Attributes
    ----------
    image : ndarray
        Shape of the input; float32, or float64 where the input needs it.
    iterations : int or None
        Iterations of an iterative method.
    history : list of float
        One value per iteration where the method records it; the six filters record none.
    residual : float or None
        ||y - A x|| over what the noise makes of it, by its law, at the filtered voxels (sigma sqrt N where it is
        equally strong at N voxels): about 1 when the kernels explain the image; None when there is no
        noise, and where nothing was undone.
    noise : float or None
        Standard deviation of the noise that was used, in image units; where it varies, the root of its mean square.
        ``automatic["noise_law"]`` says in words how it follows the signal.
    parameters : dict
        The arguments, enough to repeat the run.
    automatic : dict
        What "auto" and other choices of the run turned into. "verdict", of a deconvolution: whether the kernels
        explain the image, a word of `methods.choices.VERDICTS`. "centre": where kernels of an even size, or with a
        centre of their own, were taken to have it. "no_residual": why a deconvolution has none that tells anything.
    region_means : tuple of RegionMean
        Of a deconvolution that was asked for them.
    warnings : list of str
        What is unusual, in words.
    seconds : float
    fits : tuple of Fit
        What `residual_map` is made from, one for each channel of a vector volume; empty of a convolution, of a
        block and of the frames of a sequence. It keeps the input and, of masked runs, one more volume as long as
        the result is kept.
    """

    image: np.ndarray
    iterations: int | None = None
    history: list[float] = field(default_factory=list)
    residual: float | None = None
    noise: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    automatic: dict[str, Any] = field(default_factory=dict)
    region_means: tuple[RegionMean, ...] = ()
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    fits: tuple[Fit, ...] = field(default=(), repr=False)

    @property
    def method(self) -> Method | None:
        """What is known of the method that was taken, chosen or given; None of a convolution."""
        taken = {**self.parameters, **self.automatic}
        return methods.method(taken["strategy"], taken["method"]) if "method" in taken else None

    def describe_choice(self) -> str:
        """Return what the run took by itself, and why, in words; "" where strategy and method were given."""
        if self.method is None or "why" not in self.automatic:
            return ""
        text = (
            _("took joint {method}: {why}")
            if self.method.strategy == "joint"
            else _("took blend with {method}: {why}")
        )
        why = [self.automatic["why"]]
        if self.automatic.get("balanced"):
            why.append(_("voxels with more noise count less"))
        return text.format(method=self.method.in_prose, why=joined("; ", why))

    def residual_map(
        self, channel: int = 0, progress: Progress | None = None, cancelled: IsCancelled | None = None
    ) -> ResidualMap:
        """Return what the result leaves unexplained: y - A x, in image units and in units of the noise.

        Where it looks like noise of standard deviation 1, the kernels explain the image. It is made from x as the
        run left it, with what it found outside of a mask and beyond an extended border, so that its root mean
        square is the residual of the run.

        Parameters
        ----------
        channel : int
            Of a vector volume.
        progress : callable(fraction, text), optional
        cancelled : callable() -> bool, optional

        Raises
        ------
        InputError
            If the result is none of a deconvolution of a whole image.
        Cancelled
        """
        if not 0 <= channel < len(self.fits):
            what = f"channel {channel} of {len(self.fits)}" if self.fits else "this result"
            raise InputError(
                f"there is no residual map of {what}; deconvolutions of whole images have one, but not "
                "convolutions, previews and runs in tiles; those of a sequence's frames are made while it runs "
                "(residual_sequence in Slicer's console, --residual-map of the command)"
            )
        return self.fits[channel].residual_map(progress, cancelled)


def deconvolve(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    spacing: Spacing | None = None,
    strategy: str = DeconvolveSettings.strategy,
    method: str = DeconvolveSettings.method,
    effort: str = DeconvolveSettings.effort,
    model: str = DeconvolveSettings.model,
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    boundary: str = DeconvolveSettings.boundary,
    iterations: int | None = DeconvolveSettings.iterations,
    regularization: float | str = DeconvolveSettings.regularization,
    noise: Noise = DeconvolveSettings.noise,
    engine: str = DeconvolveSettings.engine,
    offset: float | str = DeconvolveSettings.offset,
    region_means: bool = DeconvolveSettings.region_means,
    slicewise: bool = DeconvolveSettings.slicewise,
    nonfinite: str = DeconvolveSettings.nonfinite,
    memory_limit: float | None = DeconvolveSettings.memory_limit,
    tiles: str | int | tuple[int, ...] = DeconvolveSettings.tiles,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Result:
    """Deconvolve an image whose blur differs from place to place.

    ``strategy="blend"``: a filter of SimpleITK runs once per kernel on the original image, x_k = D_k(y), and
    the results are blended with the weights, x = sum_k w_k x_k. It is fast and exact away from changes of
    kernel, and an approximation near them.

    ``strategy="joint"``: the spatially variant model y = A x is inverted itself (`solvers.solve`).

    ``strategy="auto"``: whichever is expected to come closest (`choose`); `Result.automatic` says what was taken
    ("strategy", "method") and why ("why").

    Parameters
    ----------
    image : ndarray, 2-D (j, i) or 3-D (k, j, i)
        Real values of any type. Work is done in float32; in float64 for float64 images and for integers
        that float32 cannot hold.
    kernels : KernelField, Kernel or ParametricKernel
        A single kernel applies everywhere. Kernels are normalised to sum 1.
    spacing : float or sequence of float
        Voxel size in mm in axis order; default 1.
    strategy : {"auto", "blend", "joint"}
    method : str
        "auto", or one of the strategy's (`methods.registry.offered` lists them, and the command's help says what
        each does). A method that is named without its strategy is of the first strategy that has it.
    effort : {"best", "quick"}
        What strategies "auto" and "joint" look for where the method is "auto": what comes closest, or what comes
        close in a fraction of the time (`choose`).
    model : {"detector", "source"}
        The model of the blur, see `convolve`. Blending does not depend on it, but its residual and the
        automatic constants do.
    mask : ndarray, shape of the image, optional
        Where to deconvolve (non-zero); other voxels keep their value exactly.
    labels, label_names : ndarray, mapping of str to int, optional
        Label map for kernels keyed by region, and the label values of named segments.
    guide : ndarray, shape of the image, optional
        The image whose values choose the kernel (key "intensity"); default `image`.
    boundary : {"edge", "zero", "periodic", "extended"}
        What the image is taken to be beyond its border; "extended" (joint only) estimates it.
    iterations : int, optional
        Of the iterative methods; blend: default 10 (Richardson-Lucy) or 20 (Landweber); joint: default
        until the method's own rule stops it.
    regularization : float or "auto"
        The method's own constant: Tikhonov's constant, the inverse filter's threshold on |H|, Landweber's
        step. "auto" takes, for each kernel, the constant that does best in a simulation with a block of
        the image (`automatic.Simulation`), and for Landweber 1 / max|H|^2. Others have none. For joint
        methods see `solvers.solve`.
    noise : float, ndarray of the image's shape, "poisson", NoiseLaw or "auto"
        Standard deviation of the noise in image units, for all voxels or each; "poisson": the image holds counts
        (for another gain: ``NoiseLaw.poisson(gain)``); "auto" estimates how the variance follows the signal
        (`noise.estimate_noise_law`). Wiener takes one number as it is; otherwise it finds in the simulation how
        much more it has to take for noise. A recipe holds numbers and words; an image of sigmas is "image" to it.
    engine : {"simpleitk", "fft"}
        Of the blend: "fft" gives the same numbers to rounding, faster. Joint methods always use FFTs.
    offset : float or "auto"
        Subtracted before and added after the methods that need non-negative values (Richardson-Lucy,
        projected Landweber). "auto" is the image's minimum where that is negative, else 0. For joint methods
        it is the result's least value, of "tv" and "self-keyed" too; "auto" is then 0 where the image is
        non-negative but for noise (`noise.looks_nonnegative`), else the image's minimum, and no bound for "tv"
        and "self-keyed". `Result.automatic` has it as "offset", of "tv" and "self-keyed" as "lower". The other
        methods do not use it.
    region_means : bool
        Of kernels keyed by region: also find the mean of every region of the label map, without what the blur
        carried into it, and its uncertainty (`Result.region_means`, see `regions`).
    slicewise : bool
        Filter each slice of a 3-D image as a 2-D image, with 2-D kernels.
    nonfinite : {"error", "fill"}
        NaN and infinite voxels: an error that counts them, or filled with the nearest finite value.
    memory_limit : float, optional
        GiB that the run may take besides input and output; default: what is free. Joint methods work in less
        memory, more slowly, when the limit asks for it; a run that cannot works in `tiles`, or is refused with the
        estimate.
    tiles : {"auto", "never"}, int or sequence of int
        Voxels of the parts that the image is worked on in, one number or one per axis; "auto": as memory asks for
        it. What a run chooses is chosen once for all of them. The result is that of a run all at once, but for
        `methods.registry.Method.tiled_to` of the range of values.
    progress : callable(fraction, text), optional
    cancelled : callable() -> bool, optional

    Returns
    -------
    Result

    Raises
    ------
    InputError
        If an argument cannot be used.
    NotEnoughMemory
        If the run would not fit into memory.
    Cancelled
        If `cancelled` returned True.

    Notes
    -----
    A kernel whose weights are non-zero only in part of the image is filtered there only, with a margin of
    four kernel radii, when that saves work and the filter is local. (Inverse and Wiener are not: they ring
    through, or weigh frequencies by the power of, the whole image.) An axis on which the margin meets the
    image's border is taken whole, so the border looks the same to the filter. What remains is the effect of
    the margin's far side, below 1e-3 of the range of values in the tests. Where the part is the whole
    image, a single kernel gives SimpleITK's own numbers.
    """
    sigmas = sigmas_of(noise)
    noise = noise if sigmas is None else "image"
    settings = DeconvolveSettings(
        strategy=strategy, method=method, effort=effort, model=model, boundary=boundary, iterations=iterations,
        regularization=regularization, noise=noise, engine=engine, offset=offset,
        region_means=region_means, slicewise=slicewise, nonfinite=nonfinite, memory_limit=memory_limit, tiles=tiles,
    )  # fmt: skip
    inputs = Inputs(image, kernels, spacing, mask, labels, label_names, guide, sigmas)
    return run(inputs, settings, Watch(progress, cancelled))


def convolve(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    spacing: Spacing | None = None,
    model: str = ConvolveSettings.model,
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    boundary: str = ConvolveSettings.boundary,
    exclude: bool = ConvolveSettings.exclude,
    cascade: str | bool = ConvolveSettings.cascade,
    normalize: bool = ConvolveSettings.normalize,
    slicewise: bool = ConvolveSettings.slicewise,
    nonfinite: str = ConvolveSettings.nonfinite,
    memory_limit: float | None = ConvolveSettings.memory_limit,
    tiles: str | int | tuple[int, ...] = ConvolveSettings.tiles,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Result:
    """Convolve an image with a kernel that differs from place to place.

    ``model="detector"``: y = sum_k w_k (h_k * x), the kernel belongs to the voxel that receives;
    ``model="source"``: y = sum_k h_k * (w_k x), it belongs to the voxel that sends.

    Parameters
    ----------
    image, kernels, spacing, mask, labels, label_names, guide, boundary, slicewise, nonfinite, memory_limit, tiles
        See `deconvolve`.
    model : {"detector", "source"}
    exclude : bool
        Keep what the mask excludes from leaking in (normalised convolution): with m the mask, the result is
        A(m x) A(1) / A(m) inside the mask. Kernels must have a positive sum.
    cascade : {False, "auto", True}
        Let families of Gaussians go through a cascade on ever coarser grids: never, where it is faster, or
        always. Its error is at most 1e-3 of the image's largest magnitude; without it the result is exact
        to rounding.
    normalize : bool
        Scale each kernel to sum 1 first; by default values are used as they are (sum, Laplace).

    Returns
    -------
    Result

    Raises
    ------
    InputError, NotEnoughMemory, Cancelled
        See `deconvolve`.
    """
    settings = ConvolveSettings(
        model=model, boundary=boundary, exclude=exclude, cascade=cascade, normalize=normalize,
        slicewise=slicewise, nonfinite=nonfinite, memory_limit=memory_limit, tiles=tiles,
    )  # fmt: skip
    inputs = Inputs(image, kernels, spacing, mask, labels, label_names, guide)
    return run(inputs, settings, Watch(progress, cancelled))


# --------------------------------------------------------------------------------------------- the run


def run(inputs: Inputs, settings: Settings, watch: Watch, mapped: bool = False) -> Result:
    """Do what the settings say with the arrays: `deconvolve` or `convolve`.

    `mapped`: refuse a run whose result would have no residual map before it is made.
    """
    check_together(
        settings, masked=inputs.mask is not None, guided=inputs.guide is not None, sigmas=inputs.noise is not None
    )
    if isinstance(settings, DeconvolveSettings):
        return _result(inputs, settings, watch, _deconvolved, mapped)
    if isinstance(settings, ConvolveSettings):
        return _result(inputs, settings, watch, _convolved)
    raise TypeError(f"{settings!r} belong to no operation")


def _result(
    inputs: Inputs, settings: S, watch: Watch, operation: Callable[[Job[S]], ImageAndFacts], mapped: bool = False
) -> Result:
    started = time.perf_counter()
    job = Job.prepare(inputs, settings, watch)
    if runs_in_tiles(job):
        if mapped:
            raise InputError(
                "memory allows the run in tiles only, which have a residual map where files are read and written "
                "in parts; these are not: convert them, allow more memory, or leave the map out",
                "residual_map",
            )
        del job
        image, facts = run_in_tiles(inputs, settings, watch)
        return Result(image, seconds=time.perf_counter() - started, **facts)
    image, facts = operation(job)  # which may put the settings it chose in place of the job's
    idle = isinstance(settings, DeconvolveSettings) and of_no_effect(job.bound, job.mask, image.dtype)
    why = without_effect(unchanged(image, job.image, job.mask), idle)
    if why:
        job.warnings.append(why)
        facts = unjudged(facts, why)
    if job.bound.centres is not None:
        facts["automatic"] = {**facts["automatic"], "centre": job.bound.centres}
    return Result(
        job.finished(image), parameters=settings.parameters(), warnings=job.warnings,
        seconds=time.perf_counter() - started, **facts,
    )  # fmt: skip


def check_together(settings: Settings, *, masked: bool, guided: bool, sigmas: bool = False) -> None:
    """Refuse settings that do not go with a mask, a guide or an image of sigmas, or with none."""
    if isinstance(settings, DeconvolveSettings) and (settings.noise == "image") != sigmas:
        raise InputError("noise 'image' stands for an image of sigmas, and needs one: give it as noise", "noise")
    if isinstance(settings, DeconvolveSettings) and settings.spec.self_keyed and guided:
        raise InputError(
            f"method {settings.method!r} finds the intensities that choose by itself; leave the guide out", "guide"
        )
    if isinstance(settings, ConvolveSettings) and settings.exclude and not masked:
        raise InputError("exclude needs a mask that says what to exclude", "mask")


def _deconvolved(job: Job[DeconvolveSettings]) -> ImageAndFacts:
    regions = job.settings.region_means
    if regions:
        refuse_without_regions(job.bound.field)
    law = job.noise_law()
    means = region_means(job, law) if regions else ()
    spec, effort = job.settings.spec, job.settings.effort
    free = spec.automatic and spec.strategy != "blend" and effort == DeconvolveSettings.effort
    choice = chosen(job, law)
    job.settings = settings = choice.settings
    of = choice.facts.get("of")
    found = run_blend(job, law, of=of) if settings.strategy == "blend" else run_joint(job, law, of=of)
    job.check_result(found.image, settings.spec.name)
    if settings.strategy == "blend":
        fit = Fit.of(job, law, composite(job, found.image))
        residual = fit.residual(job.watch.quiet())
    else:
        fit = Fit.of_joint(job, law, found)
        residual = found.residual if law.sigma > 0 else None
    verdict, remarks = judged(job, law, residual, of)
    job.warnings.extend(remarks)
    width = width_seen(job, law, verdict) if free else {}
    return found.image, {
        "iterations": found.iterations,
        "history": found.history,
        "residual": residual,
        "region_means": means,
        "fits": (fit,),
        **job.found(law, {**choice.facts, "verdict": verdict, **width, **found.parameters}),
    }


def _convolved(job: Job[ConvolveSettings]) -> ImageAndFacts:
    settings = job.settings
    job.require_volumes(CONVOLVE_VOLUMES, 1.0, CROP)
    mask = job.mask if settings.exclude else None  # there is one: see `check_together`
    forward, used_cascade = job.forward_model(settings.cascade, passes=1 if mask is None else 3)
    image = forward(job.image) if mask is None else normalized_convolution(forward, job.image, mask)
    return image, {"automatic": {"cascade": used_cascade}}


def normalized_convolution(forward: Callable, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A(m x) A(1) / A(m): the convolution with the mask's outside replaced by the local mean of its inside."""
    inside = mask.astype(image.dtype)
    ones = forward(np.ones_like(image))
    share = forward(inside)
    # Inside the mask at least the kernel's own centre counts; a share of nearly nothing is a kernel that
    # has no weight there (a ring) or sums to nothing (Laplace).
    if np.any(share[mask] <= 1e-6 * np.abs(ones[mask])) or np.any(ones[mask] <= 0):
        raise InputError("exclude needs kernels of positive sum that reach voxels inside the mask", "exclude")
    result = forward(image * inside)
    np.multiply(result, ones, out=result)
    return np.divide(result, share, out=result, where=mask)
