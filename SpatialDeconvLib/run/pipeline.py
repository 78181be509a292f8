"""The two operations, `deconvolve` and `convolve`, on arrays.

Every door (panel, console, command line) ends here, so the same input and parameters give the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import methods
from ..arrays.boxes import bounding_box
from ..arrays.spacing import Spacing
from ..arrays.threads import usable_processors
from ..blur.operator import CACHE_LEAST, CACHE_VOLUMES, SpatiallyVariantBlur
from ..choices import ENGINES, FIXED_BOUNDARIES, boundaries_of
from ..errors import InputError, check_choice, check_number, is_auto
from ..filters.fft import FFTFilters
from ..filters.itk import SimpleITKFilters
from ..kernels.field import KernelField
from ..kernels.parametric import AnyKernel
from ..methods import Method
from ..noise import estimate_noise, looks_nonnegative
from ..solvers.iteration import Solution
from ..solvers.solve import solve
from ..watch import IsCancelled, Progress, Watch
from .automatic import Simulation
from .job import Job

_FILTERS = {"simpleitk": SimpleITKFilters, "fft": FFTFilters}  # of the engines

# Peak memory of a blend besides its filters' (`methods.Method.volumes`), in volumes of the image itself.
_BLEND_VOLUMES = 4.0
_JOINT_WORKSPACE = 1 << 21  # voxels, for samples of the image and for the pieces that each thread works on
_CONVOLVE_VOLUMES = 3.0
# A joint result is remarked on when its residual exceeds this many times the noise, and this share of the image's
# spread: an image without noise has next to none to be compared with.
_UNEXPLAINED, _UNEXPLAINED_SHARE = 1.5, 0.02


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
        ||y - A x|| / (sigma sqrt N) over the filtered voxels: about 1 when the kernels explain the image;
        None when the noise is unknown or zero.
    noise : float or None
        Standard deviation of the noise that was used, in image units.
    parameters : dict
        The arguments, enough to repeat the run.
    automatic : dict
        What "auto" and other choices of the run turned into.
    warnings : list of str
        What is unusual, in words.
    seconds : float
    """

    image: np.ndarray
    iterations: int | None = None
    history: list[float] = field(default_factory=list)
    residual: float | None = None
    noise: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    automatic: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0


def deconvolve(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    spacing: Spacing | None = None,
    strategy: str = "blend",
    method: str | None = None,
    model: str = "detector",
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    boundary: str = "edge",
    iterations: int | None = None,
    regularization: float | str = "auto",
    noise: float | str = "auto",
    engine: str = "simpleitk",
    offset: float | str = "auto",
    slicewise: bool = False,
    nonfinite: str = "error",
    memory_limit: float | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Result:
    """Deconvolve an image whose blur differs from place to place.

    ``strategy="blend"``: a filter of SimpleITK runs once per kernel on the original image, x_k = D_k(y), and
    the results are blended with the weights, x = sum_k w_k x_k. It is fast and exact away from changes of
    kernel, and an approximation near them.

    ``strategy="joint"``: the spatially variant model y = A x is inverted itself (`solvers.solve`).

    Parameters
    ----------
    image : ndarray, 2-D (j, i) or 3-D (k, j, i)
        Real values of any type. Work is done in float32; in float64 for float64 images and for integers
        that float32 cannot hold.
    kernels : KernelField, Kernel or ParametricKernel
        A single kernel applies everywhere. Kernels are normalised to sum 1.
    spacing : float or sequence of float
        Voxel size in mm in axis order; default 1.
    strategy : {"blend", "joint"}
    method : str, optional
        blend: "wiener" (default), "inverse", "tikhonov", "landweber", "projected-landweber" or
        "richardson-lucy". joint: "richardson-lucy" (default), "landweber", "projected-landweber",
        "tikhonov", "tv" or "self-keyed" (the kernels belong to the true intensity, not to the guide's).
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
    noise : float or "auto"
        Standard deviation of the noise in image units; "auto" estimates it. Wiener takes a given value as
        it is; with "auto" it finds in the simulation how much more it has to take for noise.
    engine : {"simpleitk", "fft"}
        Of the blend: "fft" gives the same numbers to rounding, faster. Joint methods always use FFTs.
    offset : float or "auto"
        Subtracted before and added after the methods that need non-negative values (Richardson-Lucy,
        projected Landweber). "auto" is the image's minimum where that is negative, else 0. For joint methods
        it is the result's least value, of "tv" and "self-keyed" too; "auto" is then 0 where the image is
        non-negative but for noise (`noise.looks_nonnegative`), else the image's minimum, and no bound for "tv"
        and "self-keyed". `Result.automatic` has it as "offset", of "tv" and "self-keyed" as "lower". The other
        methods do not use it.
    slicewise : bool
        Filter each slice of a 3-D image as a 2-D image, with 2-D kernels.
    nonfinite : {"error", "fill"}
        NaN and infinite voxels: an error that counts them, or filled with the nearest finite value.
    memory_limit : float, optional
        GiB that the run may take besides input and output; default: what is free. Joint methods work in less
        memory, more slowly, when the limit asks for it; a run that cannot is refused with the estimate.
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
    watch = Watch(progress, cancelled)
    started = time.perf_counter()
    method = checked_method(strategy, method, boundary, guide)
    check_numbers(strategy, method, iterations, regularization, noise, offset)
    check_choice(engine, ENGINES, "engine")
    parameters = {
        "strategy": strategy, "method": method, "model": model, "boundary": boundary, "iterations": iterations,
        "regularization": regularization, "noise": noise, "engine": engine, "offset": offset,
        "slicewise": slicewise, "nonfinite": nonfinite, "memory_limit": memory_limit,
    }  # fmt: skip
    job = Job.prepare(
        image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
        memory_limit, normalize=True, watch=watch,
    )  # fmt: skip
    sigma = noise_level(noise, job.image, job.mask, watch)
    if strategy == "blend":
        found = run_blend(job, method, iterations, regularization, noise, sigma, engine, offset)
    else:
        found = run_joint(job, method, iterations, regularization, sigma, least_value(job, method, sigma, offset))
    job.check_result(found.image, method)
    if strategy == "blend":
        residual = job.residual(found.image, sigma)
    else:
        residual = found.residual if sigma > 0 else None
        job.warnings.extend(_unexplained(residual, sigma, job))
    return Result(
        job.finished(found.image), found.iterations, found.history, residual, sigma, parameters,
        {"noise": sigma, **found.parameters}, job.warnings, time.perf_counter() - started,
    )  # fmt: skip


def _unexplained(residual: float | None, sigma: float, job: Job) -> list[str]:
    """What to say of a joint result that, blurred again, is not the image."""
    if residual is None or residual < _UNEXPLAINED:
        return []
    seen = job.image if job.mask is None else job.image[job.mask]
    if residual * sigma < _UNEXPLAINED_SHARE * float(seen.std()):
        return []
    advice = ""
    if job.bound.field.key == "intensity":
        advice = "; if the kernels belong to the true intensity, give a sharp guide or use method 'self-keyed'"
    return [
        f"the result, blurred again, differs from the image by {residual:.2g} times the noise: kernels, weights or "
        f"model do not explain it{advice}"
    ]


def checked_method(strategy: str, method: str | None, boundary: str, guide: object = None) -> str:
    """Return the method, the strategy's default for None; InputError when the choices do not go together."""
    spec = methods.method(strategy, method)
    check_choice(boundary, boundaries_of(strategy), "boundary")
    if spec.self_keyed and guide is not None:
        raise InputError(f"method {spec.name!r} finds the intensities that choose by itself; leave the guide out")
    return spec.name


def check_numbers(
    strategy: str, method: str, iterations: int | None, regularization: float | str, noise: float | str,
    offset: float | str,
) -> None:  # fmt: skip
    """Refuse, before any work is done, numbers that do not go with the method, whatever the image."""
    spec = methods.method(strategy, method)
    _iterations(iterations, spec)
    if strategy == "blend" and not is_auto(regularization):
        given_constant(regularization, spec)
    if not is_auto(noise):
        _checked_noise(noise)
    if not is_auto(offset):
        _checked_offset(offset)


def run_blend(
    job: Job, method: str, iterations: int | None, regularization: float | str, noise: float | str,
    sigma: float, engine: str, offset: float | str, choose: Callable[[int], float | None] | None = None,
) -> Solution:  # fmt: skip
    """Filter with every kernel, then blend. `choose` gives the filter's constant for kernel k, if it is known."""
    spec = methods.method("blend", method)
    iterations = _iterations(iterations, spec)
    if not is_auto(regularization):
        regularization = given_constant(regularization, spec)
    shift = offset_level(offset, job.image) if spec.nonnegative else 0.0
    if spec.nonnegative and job.image.min() < shift:
        raise InputError(
            f"{method} needs non-negative values, but the image goes down to {job.image.min():g} and offset is "
            f"{shift:g}; use offset='auto'"
        )
    remedies = ["crop it"]
    if engine != "fft":
        remedies.append("take engine='fft'")
    if job.image.ndim == 3 and not job.slicewise:
        remedies.append("take slicewise=True for 2-D kernels")
    job.require_volumes(spec.volumes[engine], _BLEND_VOLUMES, " or ".join(remedies))
    constants: list[float | None] = []
    shifted = job.image - job.image.dtype.type(shift) if shift else job.image
    scale = job.image.dtype.type(_lucy_scale(shifted) if method == "richardson-lucy" else 1.0)
    if scale != 1:
        shifted = shifted * scale
    if choose is None:
        choose = _constant_chooser(job, spec, regularization, noise, sigma)

    def run(part: np.ndarray, part_boundary: str, k: int, watch: Watch) -> np.ndarray:
        constants.append(choose(k))
        options = {spec.tuned or "constant": constants[-1]}
        filters = job.filters(_FILTERS[engine], part, part_boundary)
        return filters.run(
            method, job.bound.kernel(k).values, iterations=iterations or 1, watch=watch, **options
        )  # fmt: skip

    blended = job.blend(shifted, run, local=spec.local)
    if scale != 1:
        blended /= scale
    if shift:
        blended += blended.dtype.type(shift)
    found: dict[str, Any] = {"offset": shift} if spec.nonnegative else {}
    if spec.tuned:
        found["constant_of_each_kernel"] = constants
    return Solution(blended, iterations, [], None, found)


def _lucy_scale(image: np.ndarray) -> float:
    """A power of two that lifts a very dim image to a maximum of about 1; 1 for others.

    ITK's Richardson-Lucy takes estimates below an absolute 1e-5 for zero, which would empty such images.
    """
    highest = float(image.max())
    return 2.0 ** -np.floor(np.log2(highest)) if 0 < highest < 1e-2 else 1.0


def run_joint(
    job: Job, method: str, iterations: int | None, regularization: float | str, sigma: float, least: float,
) -> Solution:  # fmt: skip
    """Invert the spatially variant model itself; `least` as `least_value` gives it."""
    spec = methods.method("joint", method)
    iterations = _iterations(iterations, spec)
    roomy = _has_room(job, spec)
    operator = SpatiallyVariantBlur(
        job.bound, job.image.shape, model=job.model, boundary=job.boundary, dtype=job.image.dtype,
        cache_bytes=None if roomy else 0,
    )  # fmt: skip
    bounded = {"lower": least} if spec.bounded else {}
    shift = least if spec.nonnegative else 0.0
    background = 0.0
    if shift:
        # y = A x = A (x - shift) + shift A 1: what is solved for is x - shift, which is not negative.
        background = shift * operator.forward(np.ones(operator.domain_shape, job.image.dtype), job.watch.quiet())
    solution = solve(
        operator, job.image, method, iterations=iterations, regularization=regularization, noise=sigma,
        mask=job.mask, background=background, progress=job.watch.tell, cancelled=job.watch.cancelled,
        **bounded,
    )  # fmt: skip
    if shift:
        solution.image += solution.image.dtype.type(shift)
    found = {**solution.parameters, "offset": shift} if spec.nonnegative else solution.parameters
    return replace(solution, parameters=found)


def least_value(job: Job, method: str, sigma: float, offset: float | str) -> float:
    """The least value that a joint method's result may have; -inf: any."""
    spec = methods.method("joint", method)
    if not spec.takes_offset:
        return -np.inf
    if not is_auto(offset):
        return _checked_offset(offset)
    if looks_nonnegative(job.image, sigma, job.mask):
        return 0.0
    if spec.bounded:
        return -np.inf
    return float((job.image if job.mask is None else job.image[job.mask]).min())


def joint_memory(job: Job, method: Method) -> tuple[float, float]:
    """Bytes that a joint method takes at most: with caches of spectra and weights, and without."""
    volume = job.padded_volumes()[1]
    pieces = _JOINT_WORKSPACE * job.image.itemsize * (1 + usable_processors())
    roomy, thrifty = (method.volumes[mode] * volume + pieces for mode in ("cached", "uncached"))
    return roomy + max(0, CACHE_LEAST - CACHE_VOLUMES * job.image.nbytes), thrifty


def _has_room(job: Job, method: Method) -> bool:
    """Whether a joint run may keep caches; refuse it when it does not fit without them either."""
    roomy, thrifty = joint_memory(job, method)
    available = job.available_memory()
    if available is None or roomy <= available:
        return True
    lean = {name: joint_memory(job, other)[1] for name, other in methods.methods_of("joint").items()}
    name = min(lean, key=lean.get)
    other = f" or take method {name!r}, which needs {lean[name] / 2**30:.2g} GiB" if lean[name] <= available else ""
    job.require_memory(thrifty, f"crop it{other}")
    if job.memory_limit is None or roomy <= job.memory_limit * 2**30:
        between = (roomy + thrifty) / 2**31  # in GiB
        digits = "the last digits" if method.stable else "more than the last digits"
        job.warnings.append(
            f"a run at full speed takes {roomy / 2**30:.2g} GiB, but {available / 2**30:.2g} GiB were free, so "
            f"this one worked in less memory: {digits} may differ from those of a run at full speed; "
            f"memory_limit={between:.2g} makes every run work as this one did"
        )
    return False


def convolve(
    image: np.ndarray,
    kernels: KernelField | AnyKernel,
    *,
    spacing: Spacing | None = None,
    model: str = "detector",
    mask: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    label_names: dict[str, int] | None = None,
    guide: np.ndarray | None = None,
    boundary: str = "edge",
    exclude: bool = False,
    cascade: str | bool = False,
    normalize: bool = False,
    slicewise: bool = False,
    nonfinite: str = "error",
    memory_limit: float | None = None,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Result:
    """Convolve an image with a kernel that differs from place to place.

    ``model="detector"``: y = sum_k w_k (h_k * x), the kernel belongs to the voxel that receives;
    ``model="source"``: y = sum_k h_k * (w_k x), it belongs to the voxel that sends.

    Parameters
    ----------
    image, kernels, spacing, mask, labels, label_names, guide, boundary, slicewise, nonfinite, memory_limit
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
    watch = Watch(progress, cancelled)
    started = time.perf_counter()
    check_surroundings(exclude, mask, boundary)
    if cascade not in ("auto", True, False):
        raise InputError(f"cascade {cascade!r} is unknown; choose auto, True or False")
    if cascade != "auto":
        cascade = bool(cascade)  # 0 and numpy's False are False too
    job = Job.prepare(
        image, kernels, spacing, model, mask, labels, label_names, guide, boundary, slicewise, nonfinite,
        memory_limit, normalize=normalize, watch=watch,
    )  # fmt: skip
    job.require_volumes(_CONVOLVE_VOLUMES, 1.0, "crop it")
    forward, used_cascade = job.forward_model(cascade, passes=3 if exclude else 1)
    result = normalized_convolution(forward, job.image, job.mask) if exclude else forward(job.image)
    parameters = {
        "model": model, "boundary": boundary, "exclude": exclude, "cascade": cascade, "normalize": normalize,
        "slicewise": slicewise, "nonfinite": nonfinite, "memory_limit": memory_limit,
    }  # fmt: skip
    return Result(
        job.finished(result), parameters=parameters, automatic={"cascade": used_cascade},
        warnings=job.warnings, seconds=time.perf_counter() - started,
    )  # fmt: skip


def _constant_chooser(
    job: Job, spec: Method, regularization: float | str, noise: float | str, sigma: float
) -> Callable[[int], float | None]:
    """The function that gives the filter's constant for kernel k (Wiener's is its noise)."""
    if spec.tuned == "noise" and noise != "auto":
        return lambda k: sigma
    if regularization != "auto":
        return lambda k: regularization
    if not spec.tuned:
        return lambda k: None  # the iterative filters find their own step
    simulation = Simulation(
        job.image, job.bound, sigma, job.model, job.boundary,
        region=None if job.mask is None else bounding_box(job.mask),
        watch=job.watch,
    )  # fmt: skip
    return lambda k: simulation.constant(spec.name, k)


def normalized_convolution(forward: Callable, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A(m x) A(1) / A(m): the convolution with the mask's outside replaced by the local mean of its inside."""
    inside = mask.astype(image.dtype)
    ones = forward(np.ones_like(image))
    share = forward(inside)
    # Inside the mask at least the kernel's own centre counts; a share of nearly nothing is a kernel that
    # has no weight there (a ring) or sums to nothing (Laplace).
    if np.any(share[mask] <= 1e-6 * np.abs(ones[mask])) or np.any(ones[mask] <= 0):
        raise InputError("exclude=True needs kernels of positive sum that reach voxels inside the mask")
    result = forward(image * inside)
    np.multiply(result, ones, out=result)
    return np.divide(result, share, out=result, where=mask)


# ----------------------------------------------------------------------------------- checking arguments


def _iterations(iterations: int | None, method: Method) -> int | None:
    """How many steps a method is to make; None: it makes none, or stops by itself."""
    if iterations is None:
        return method.iterations
    if not method.iterates:
        raise InputError(f"{method.name} does not iterate; leave iterations out (got {iterations})")
    whole = isinstance(iterations, int | np.integer | float | np.floating) and iterations % 1 == 0
    if isinstance(iterations, bool) or not whole or iterations < 1:
        raise InputError(f"iterations {iterations!r} must be a whole number of at least 1")
    return int(iterations)


def check_surroundings(exclude: bool, mask: np.ndarray | None, boundary: str) -> None:
    """Refuse what a convolution cannot do about the voxels around those that it makes."""
    if exclude and mask is None:
        raise InputError("exclude=True needs a mask that says what to exclude")
    check_choice(boundary, FIXED_BOUNDARIES, "boundary")


def given_constant(value: Any, method: Method) -> float:
    """The method's own constant as a number, or InputError."""
    if method.constant is None:
        raise InputError(
            f"{method.name} has no constant of its own; leave regularization at 'auto' (got {value!r})"
        )
    return check_number(value, "regularization", 0, "a number or 'auto'")


def noise_level(
    noise: float | str, image: np.ndarray, mask: np.ndarray | None, watch: Watch | None = None
) -> float:
    """The noise's standard deviation: the given one, or the image's estimate for "auto"."""
    if is_auto(noise):
        return estimate_noise(image, mask, watch)
    return _checked_noise(noise)


def _checked_noise(noise: Any) -> float:
    return check_number(noise, "noise", 0, "a standard deviation in image units or 'auto'")


def offset_level(offset: float | str, image: np.ndarray) -> float:
    """What is subtracted before a filter without negative values: the minimum, where it is negative."""
    return min(float(image.min()), 0.0) if is_auto(offset) else _checked_offset(offset)


def _checked_offset(offset: Any) -> float:
    return check_number(offset, "offset", meaning="a number or 'auto'")
