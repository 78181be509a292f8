"""The one registry of methods: filters that are blended and solvers of the joint model, one entry each.

What is known of a method before it runs stands here and nowhere else: its names and texts, what it has to be told,
what it needs and takes, and where its code is. The engine, the command and its help, the report, the demonstration
and the panel read it; a method that is added here is in all of them. Nothing heavy is imported: a method's code is
loaded when it is run.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from ..errors import InputError, check_choice
from ..texts import mark as _
from .choices import AUTO, STRATEGIES


@dataclass(frozen=True)
class Constant:
    """A method's constant of its own: what `regularization` means to it.

    Attributes
    ----------
    label : str
        For the row of a form.
    sentence : str
        What it is, with its unit; ``{most}`` stands for the largest value.
    positive : bool
        Whether 0 is refused; negative values always are.
    most : float
        The largest value there is; of a step, in units of 1 / |A|^2, the largest with which the iteration
        converges. (|A| is 1 for kernels that sum to 1.)
    is_step : bool
        Whether it is the step of a descent: "auto" is then known without any search.
    search : tuple of float, optional
        The values from least to largest among which "auto" looks for the best one (`run.automatic`).
    in_image_units : bool
        Whether it is an intensity, and so changes with the unit of the image.
    itk : str
        The name of ITK's setter, without "Set".
    """

    label: str
    sentence: str
    positive: bool = False
    most: float = math.inf
    is_step: bool = False
    search: tuple[float, float] | None = None
    in_image_units: bool = False
    itk: str = ""

    def filled(self, sentence: str) -> str:
        """Return its sentence, or a translation of it, with the numbers put in."""
        return sentence.format(most=f"{self.most:.3g}")


@dataclass(frozen=True)
class Method:
    """A filter that is blended, or a solver of the joint model.

    Attributes
    ----------
    name : str
        The word for it, unique in its strategy.
    strategy : {"auto", "blend", "joint"}
    label, sentence : str
        For people: its name, and one sentence that says what it does and when to take it.
    volumes : mapping of str to float
        Peak memory, in volumes of the padded image's size and the working type: of a blend by engine, of a joint
        method with ("cached") and without ("uncached") caches of spectra and weights. Measured with
        Testing/Benchmarks/bench_memory.py and rounded up.
    work : float
        About the seconds that a case takes, with the default number of iterations, where a product with its blur
        takes `PRODUCT` seconds and products with its ten kernels, one by one, `ONE_BY_ONE`; the geometric mean over
        images of 64 x 64 to 64 x 128 x 128 voxels. Only compared with each other and with those.
    function : str
        Where its code is, as "module:name" within this package; see `load`. "" of an automatic choice. Of a filter,
        what gives the numbers of ITK's filter with engine "fft". Of a joint method, its keyword-only parameters are
        the options it has.
    prose : str
        Its name within a sentence, where that is not the label.
    iterates : bool
        Whether it works step by step.
    iterations : int or None
        Default number of iterations; None for methods that do not iterate, or stop by a rule of their own.
    constant : Constant or None
        What `regularization` means to it; None: it has none.
    noise : {"always", "automatic", "never"}
        When the noise level changes the result: always, only while the constant is automatic, or never.
    nonnegative : bool
        Whether its result is not negative, or what it works on must not be.
    bounded : bool
        Whether its result may be given a least value, or none.
    damps : bool
        Whether it damps the mean of the image as it damps noise, so that the mean is better kept out of it.
    self_keyed : bool
        Whether it finds the intensities that choose the kernels along with the image, and so takes no guide.
    either : bool
        Whether it takes kernels keyed to the intensity of the image at hand and to the one that is sought, as it is
        told.
    told : str
        The option of its function that says whether they are keyed to the one that is sought, where it makes a
        difference.
    local : bool
        Whether a voxel of the result depends on its surroundings only, so that a part of the image with a margin
        gives the same result (all but its last digits).
    reaches : float
        That margin, in reaches of 99.9 % of the kernel's weight; of a method that is not local, the margin with
        which a preview makes do where the whole image is too large.
    halo : float
        Margin of a tile, in the same reaches, with which it gives what it gives of the whole image, but for
        `tiled_to`; infinite of a method that cannot work in tiles (Testing/Benchmarks/bench_tiles.py). Of one that
        is `early`, up to ten iterations; it grows with the root of their number.
    tiled_to : float
        The largest difference then, as a share of the range of values.
    tiled_to_gaps : float
        The same of kernels whose spectra have gaps (`Kernel.has_gaps`), with a halo that is twice as wide.
    early : bool
        Whether it is stopped before it has converged, so that its number of iterations is a choice.
    stable : bool
        Whether rounding changes the last digits only, however long it iterates.
    itk : str
        The name of SimpleITK's filter class.
    """

    name: str
    strategy: str
    label: str
    sentence: str
    volumes: Mapping[str, float]
    work: float
    function: str
    prose: str = ""
    iterates: bool = False
    iterations: int | None = None
    constant: Constant | None = None
    noise: str = "never"
    nonnegative: bool = False
    bounded: bool = False
    damps: bool = False
    self_keyed: bool = False
    either: bool = False
    told: str = ""
    local: bool = True
    reaches: float = 3.0
    halo: float = math.inf
    tiled_to: float = 1e-3
    tiled_to_gaps: float = 1e-3
    early: bool = False
    stable: bool = True
    itk: str = ""

    @property
    def automatic(self) -> bool:
        """Whether it stands for a choice that the run makes."""
        return self.name == AUTO

    @property
    def in_prose(self) -> str:
        """Its name within a sentence."""
        return self.prose or self.label

    @property
    def takes_offset(self) -> bool:
        """Whether the least value of its result can be given."""
        return self.nonnegative or self.bounded

    @property
    def tuned(self) -> str:
        """Of a filter: the argument that "auto" looks for kernel by kernel ("constant" or "noise"), or ""."""
        if self.iterates or self.automatic:
            return ""
        return "constant" if self.constant is not None else "noise"

    def seconds(self, product: float) -> float:
        """Return about how long it takes where a product with the blur takes so many seconds.

        Of a filter, `product` is what products with the kernels take, one by one.
        """
        return product * self.work / (ONE_BY_ONE if self.strategy == "blend" else PRODUCT)

    @property
    def spread(self) -> float:
        """By what factor it may take longer or shorter than `seconds` says; a solver stops as the image asks."""
        return 2.0 if self.strategy == "joint" else 1.5

    def load(self) -> Callable[..., Any]:
        """Return its function; this imports the module that has it."""
        module, _separator, name = self.function.partition(":")
        return attrgetter(name)(importlib.import_module(f"..{module}", __package__))


#: Seconds of one product with the blur, and of products with its ten kernels, one by one, of the brain case of the
#: demonstration on the machine of `Method.work`.
PRODUCT, ONE_BY_ONE = 0.034, 0.13

# ------------------------------------------------------------------------------------- their constants

_THRESHOLD = Constant(
    _("Threshold:"),
    _("Frequencies that the kernel passes by less than this fraction are left out (no unit)."),
    search=(3e-3, 0.9),
    itk="KernelZeroMagnitudeThreshold",
)
_DAMPING = Constant(
    _("Regularization:"),
    _("Constant added to the kernel's power spectrum: larger values give a smoother image (no unit)."),
    search=(1e-5, 1.0),
    itk="RegularizationConstant",
)
#: Landweber's own step: the iteration converges below 2 / |A|^2.
FILTER_STEP = Constant(
    _("Step:"),
    _("Length of one step, below {most} for kernels that sum to one (no unit)."),
    positive=True,
    most=2.0,
    is_step=True,
    itk="Alpha",
)
#: With Nesterov's acceleration less is allowed: up to 4 / (3 |A|^2).
JOINT_STEP = Constant(
    _("Step:"),
    _("Length of one step, at most {most} for kernels that sum to one (no unit)."),
    positive=True,
    most=4 / 3,
    is_step=True,
)
_ROUGHNESS = Constant(
    _("Smoothness:"), _("Weight of the squared gradient against the data: larger values give a smoother image.")
)
_VARIATION = Constant(
    _("Smoothness:"),
    _("Weight of the total variation against the data: larger values give a smoother image."),
    in_image_units=True,
)

# ----------------------------------------------------------------------------------------- the methods

# ITK's filters hold several complex spectra at once.
_FILTER_VOLUMES = {"simpleitk": 23.0, "fft": 15.0}

#: Every method, in the order in which they are listed.
METHODS: tuple[Method, ...] = (
    Method(
        "inverse",
        "blend",
        _("Inverse"),
        _("Divides by the kernel's spectrum where that is large enough: fast, but it amplifies noise."),
        _FILTER_VOLUMES,
        work=2.5,
        function="filters.fft:FFTFilters.inverse",
        prose=_("inverse filter"),
        constant=_THRESHOLD,
        noise="automatic",
        local=False,  # it rings through all of the image
        itk="InverseDeconvolutionImageFilter",
    ),
    Method(
        "tikhonov",
        "blend",
        _("Tikhonov"),
        _("Inverse filter damped by a constant: fast, a safe choice for noisy images."),
        _FILTER_VOLUMES,
        work=2.5,
        function="filters.fft:FFTFilters.tikhonov",
        constant=_DAMPING,
        noise="automatic",
        damps=True,
        itk="TikhonovDeconvolutionImageFilter",
        halo=4.0,
        tiled_to=1e-4,
        tiled_to_gaps=1e-2,
    ),
    Method(
        "wiener",
        "blend",
        _("Wiener"),
        _("Weighs every frequency by its signal-to-noise ratio: fast, uses the noise level."),
        _FILTER_VOLUMES,
        work=2.5,
        function="filters.fft:FFTFilters.wiener",
        prose=_("Wiener filter"),
        noise="always",
        local=False,  # it weighs each frequency by the power of the whole image
        itk="WienerDeconvolutionImageFilter",
    ),
    Method(
        "landweber",
        "blend",
        _("Landweber"),
        _("Approaches the sharp image step by step: stopping early keeps the noise down."),
        _FILTER_VOLUMES,
        work=18.0,
        function="filters.fft:FFTFilters.landweber",
        iterates=True,
        iterations=20,
        constant=FILTER_STEP,
        itk="LandweberDeconvolutionImageFilter",
        halo=4.0,
        tiled_to=1e-4,
        tiled_to_gaps=1e-2,
    ),
    Method(
        "projected-landweber",
        "blend",
        _("Projected Landweber"),
        _("Landweber steps without negative values: for images that cannot be negative."),
        _FILTER_VOLUMES,
        work=18.0,
        function="filters.fft:FFTFilters.projected_landweber",
        prose=_("projected Landweber"),
        iterates=True,
        iterations=20,
        constant=FILTER_STEP,
        nonnegative=True,
        reaches=1.5,  # its steps take long
        itk="ProjectedLandweberDeconvolutionImageFilter",
        halo=4.0,
        tiled_to=1e-4,
        tiled_to_gaps=1e-2,
    ),
    Method(
        "richardson-lucy",
        "blend",
        _("Richardson-Lucy"),
        _("Multiplicative steps for counts (Poisson noise): keeps the image positive."),
        _FILTER_VOLUMES,
        work=20.0,
        function="filters.fft:FFTFilters.richardson_lucy",
        iterates=True,
        iterations=10,
        nonnegative=True,
        reaches=1.5,
        itk="RichardsonLucyDeconvolutionImageFilter",
        halo=4.0,
        tiled_to=1e-4,
        tiled_to_gaps=1e-2,
    ),
    Method(
        "richardson-lucy",
        "joint",
        _("Richardson-Lucy"),
        _("Multiplicative steps for counts: keeps the image positive, stops by itself."),
        {"cached": 23.0, "uncached": 14.0},
        work=3.0,
        function="solvers.richardsonlucy:richardson_lucy",
        iterates=True,
        constant=replace(_VARIATION, in_image_units=False),  # against a likelihood that is one itself
        noise="always",
        nonnegative=True,
        local=False,
        reaches=2.0,
        halo=4.5,
        early=True,
    ),
    Method(
        "landweber",
        "joint",
        _("Landweber"),
        _("Gradient steps that stop when what is left is noise."),
        {"cached": 21.0, "uncached": 12.0},
        work=4.4,
        function="solvers.landweber:landweber",
        iterates=True,
        constant=JOINT_STEP,
        noise="always",
        local=False,
        reaches=2.0,
        halo=3.5,
        early=True,
    ),
    Method(
        "projected-landweber",
        "joint",
        _("Projected Landweber"),
        _("Gradient steps without negative values, for images that have none."),
        {"cached": 21.0, "uncached": 12.0},
        work=4.6,
        function="solvers.landweber:projected_landweber",
        prose=_("projected Landweber"),
        iterates=True,
        constant=JOINT_STEP,
        noise="always",
        nonnegative=True,
        local=False,
        reaches=2.0,
        halo=3.5,
        early=True,
    ),
    Method(
        "tikhonov",
        "joint",
        _("Tikhonov"),
        _("Least squares with a smooth result: fast and safe for noisy images."),
        {"cached": 25.0, "uncached": 15.0},
        work=12.0,
        function="solvers.tikhonov:tikhonov",
        iterates=True,
        constant=_ROUGHNESS,
        noise="always",
        local=False,
        reaches=2.0,
        halo=4.0,
        tiled_to_gaps=1e-2,
    ),
    Method(
        "tv",
        "joint",
        _("Total variation"),
        _("Least squares with sharp edges, and flat regions or slopes as the image has them: slower."),
        {"cached": 37.0, "uncached": 27.0},  # L-BFGS keeps pairs of images from earlier steps
        work=11.5,
        function="solvers.penalised:tv",
        told="true_values",
        prose=_("total variation"),
        iterates=True,
        constant=_VARIATION,
        noise="always",
        bounded=True,
        local=False,
        reaches=2.0,
        stable=False,
        halo=3.0,
        tiled_to_gaps=3e-2,
    ),
    Method(
        "self-keyed",
        "joint",
        _("Self-keyed total variation"),
        _("Total variation with kernels chosen by the sharp intensity that is being sought."),
        {"cached": 42.0, "uncached": 32.0},
        work=21.0,
        function="solvers.penalised:self_keyed",
        prose=_("self-keyed"),
        iterates=True,
        constant=_VARIATION,
        noise="always",
        bounded=True,
        self_keyed=True,
        local=False,
        reaches=2.0,
        stable=False,
        halo=4.5,
        tiled_to=3e-3,
        tiled_to_gaps=3e-2,
    ),
    Method(
        "pnp",
        "joint",
        _("Plug-and-play"),
        _("A denoiser in the place of a penalty: closest to most images, and slowest."),
        {"cached": 43.0, "uncached": 34.0},
        work=16.5,
        function="solvers.plugandplay:pnp",
        prose=_("plug-and-play"),
        iterates=True,
        constant=_VARIATION,
        noise="always",
        bounded=True,
        either=True,
        told="self_keyed",
        local=False,
        reaches=2.0,
        stable=False,
        halo=4.5,
        tiled_to=1e-1,
        tiled_to_gaps=1e-1,
    ),
)

#: What stands for the choice of a method, one of each strategy.
AUTOMATIC: tuple[Method, ...] = (
    Method(
        AUTO,
        AUTO,
        _("Automatic"),
        _("Strategy and method that are expected to come closest, by kernels, image and memory."),
        {},
        work=0.0,
        function="",
        noise="always",
        bounded=True,
        local=False,
    ),
    Method(
        AUTO,
        "blend",
        _("Automatic"),
        _("For every kernel the filter, constant and iterations that do best in a simulation with the image."),
        _FILTER_VOLUMES,
        work=0.0,
        function="",
        prose=_("a filter chosen for each kernel"),
        noise="always",
        nonnegative=True,
        local=False,
        halo=4.0,
        tiled_to=1e-4,
        tiled_to_gaps=1e-2,
    ),
    Method(
        AUTO,
        "joint",
        _("Automatic"),
        _("The inversion that is expected to come closest, by kernels and image."),
        {},
        work=0.0,
        function="",
        noise="always",
        bounded=True,
        local=False,
    ),
)


def methods_of(strategy: str) -> dict[str, Method]:
    """Return the methods of a strategy by name, in the order in which they are listed; "auto" is none of them.

    Raises
    ------
    InputError
        If there is no such strategy.
    """
    check_choice(strategy, STRATEGIES, "strategy")
    return {method.name: method for method in METHODS if method.strategy == strategy}


def offered(strategy: str) -> dict[str, Method]:
    """Return what can be asked of a strategy by name: "auto", which comes first, and its methods."""
    known = methods_of(strategy)
    return {method.name: method for method in AUTOMATIC if method.strategy == strategy} | known


def method(strategy: str, name: str = AUTO) -> Method:
    """Return a method by its name, or what stands for the choice of one.

    Raises
    ------
    InputError
        If there is no such strategy, or it has no such method.
    """
    known = offered(strategy)
    if name not in tuple(known):  # which also asks for what cannot be a key
        raise InputError(
            f"method {name!r} is unknown for strategy {strategy!r}; choose one of {', '.join(known)}", "method"
        )
    return known[name]


def strategy_of(name: str) -> str:
    """Return the strategy that a method's name stands for alone: "auto" of "auto", else the first that has it.

    Raises
    ------
    InputError
        If no strategy has it.
    """
    check_choice(name, names(), "method")
    return next(strategy for strategy in STRATEGIES if name in offered(strategy))


def names() -> tuple[str, ...]:
    """Return what can be asked for as a method, each once: "auto" and the names of all methods."""
    return AUTO, *dict.fromkeys(method.name for method in METHODS)
