"""The settings of a run: its parameters, their defaults, their only validation, and the way to a recipe and back.

Arrays and callbacks are no settings: one object serves every channel, frame and block that is worked on alike.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ..errors import InputError, check_choice, check_number, check_squarable, is_auto
from ..methods import choices
from ..methods import registry as methods
from ..texts import mark as _

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What both operations have; see `pipeline.deconvolve` for what the words mean.

    Raises
    ------
    InputError
        If a value cannot be used, or two do not go together.
    """

    #: The operation that they are for, as recipes and the command line call it.
    operation: ClassVar[str]

    model: str = "detector"
    boundary: str = "edge"
    slicewise: bool = False
    nonfinite: str = "error"
    memory_limit: float | None = None
    tiles: str | int | tuple[int, ...] = "auto"

    def __post_init__(self) -> None:
        check_choice(self.model, choices.MODELS, "model")
        self._check_boundary()
        check_choice(self.nonfinite, choices.NONFINITE, "nonfinite")
        self._set(slicewise=bool(self.slicewise))
        self._set(tiles=_checked_tiles(self.tiles))
        if self.memory_limit is not None:
            limit = check_number(self.memory_limit, "memory_limit", meaning="a number of GiB or None")
            if not limit > 0:
                raise InputError(f"memory_limit {limit:g} must be a positive number of GiB", "memory_limit")

    @property
    def boundaries(self) -> Mapping[str, choices.Choice]:
        """The boundary rules that go with the other settings."""
        return choices.FIXED_BOUNDARIES

    def _check_boundary(self) -> None:
        if self.boundary in tuple(choices.BOUNDARIES) and self.boundary not in self.boundaries:
            raise InputError(
                f"boundary {self.boundary!r} is for joint methods, which estimate what lies outside; choose one of "
                f"{', '.join(self.boundaries)}",
                "boundary",
            )
        check_choice(self.boundary, self.boundaries, "boundary")

    @property
    def normalizes(self) -> bool:
        """Whether kernels are scaled to sum 1."""
        raise NotImplementedError

    def whole_only(self) -> tuple[str, dict[str, Any]] | None:
        """Return why the run cannot be one in tiles, and the cure; None where it can."""
        raise NotImplementedError

    def parameters(self) -> dict[str, Any]:
        """Return the settings by name: what a recipe holds, and the keyword arguments of the operation."""
        return dataclasses.asdict(self)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the settings."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the settings that `parameters` gave, the defaults for those that are missing.

        Raises
        ------
        InputError
            If a name is unknown, too.
        """
        unknown = sorted(set(parameters) - set(cls.names()))
        if unknown:
            raise InputError(
                f"{unknown[0]!r} is no parameter of {cls.operation}; it has {', '.join(cls.names())}", unknown[0]
            )
        return cls(**parameters)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _checked_tiles(given: Any) -> str | int | tuple[int, ...]:
    if isinstance(given, str):
        check_choice(given, choices.TILES, "tiles")
        return given
    sizes = tuple(given) if isinstance(given, list | tuple) else (given,)
    if len(sizes) == 1 and isinstance(sizes[0], str):
        return _checked_tiles(sizes[0])
    if not sizes or any(isinstance(s, bool) or not isinstance(s, numbers.Real) or s % 1 or s < 1 for s in sizes):
        words = " or ".join(map(repr, choices.TILES))
        raise InputError(f"tiles {given!r} must be {words}, a number of voxels, or one for every axis", "tiles")
    return int(sizes[0]) if len(sizes) == 1 else tuple(int(s) for s in sizes)


#: The settings of one operation.
S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, kw_only=True)
class DeconvolveSettings(Settings):
    """The settings of a deconvolution.

    A method that is named without its strategy is of the first strategy that has it; see `spec` for all that is
    known of it. A law of the noise becomes its numbers (`noise.NoiseLaw.parameters`).
    """

    operation: ClassVar[str] = "deconvolve"

    strategy: str = choices.AUTO
    method: str = choices.AUTO
    effort: str = "best"
    iterations: int | None = None
    regularization: float | str = "auto"
    noise: Any = "auto"
    engine: str = "simpleitk"
    offset: float | str = "auto"
    region_means: bool = False

    def __post_init__(self) -> None:
        check_choice(self.strategy, choices.STRATEGIES, "strategy")
        if self.strategy == choices.AUTO:
            self._set(strategy=methods.strategy_of(self.method))
        methods.method(self.strategy, self.method)  # refuses a method that the strategy does not have
        super().__post_init__()
        self._check_effort()
        check_choice(self.engine, choices.ENGINES, "engine")
        self._set(iterations=self._checked_iterations(), region_means=bool(self.region_means))
        if not is_auto(self.regularization):
            self._set(regularization=self._checked_regularization())
        self._set(noise=self._checked_noise())
        if not is_auto(self.offset):
            check_number(self.offset, "offset", meaning="a number or 'auto'")

    @property
    def spec(self) -> methods.Method:
        """The method's entry in the registry; of an automatic choice, the one that stands for it."""
        return methods.method(self.strategy, self.method)

    @property
    def boundaries(self) -> Mapping[str, choices.Choice]:
        return choices.boundaries_of(self.strategy)

    @property
    def normalizes(self) -> bool:
        return True

    def in_unit(self, factor: float) -> Self:
        """Return the settings for the image times a factor."""
        changed: dict[str, Any] = {}
        if not isinstance(self.offset, str):
            changed["offset"] = factor * float(self.offset)
        if isinstance(self.noise, Mapping):
            powers = {"constant": 2, "slope": 1, "origin": 1}
            changed["noise"] = {
                name: math.prod([value, *[factor] * powers[name]]) for name, value in self.noise.items()
            }
        elif self.gives_sigma:
            changed["noise"] = factor * float(self.noise)
        constant = self.spec.constant
        if constant is not None and constant.in_image_units and not isinstance(self.regularization, str):
            changed["regularization"] = factor * float(self.regularization)
        return dataclasses.replace(self, **changed)

    @property
    def gives_sigma(self) -> bool:
        """Whether the noise is given as one number, which a filter may take as it is."""
        return not isinstance(self.noise, str | Mapping)

    @property
    def searches(self) -> bool:
        """Whether the filter's constant is to be found, kernel by kernel."""
        return (
            bool(self.spec.tuned)
            and is_auto(self.regularization)
            and not (self.spec.tuned == "noise" and self.gives_sigma)
        )

    def whole_only(self) -> tuple[str, dict[str, Any]] | None:
        if self.region_means:
            return _("the means of regions need the whole image at once"), {"region_means": False}
        if self.spec.automatic or not math.isinf(self.spec.halo):
            return None
        others = [m.name for m in methods.methods_of(self.strategy).values() if not math.isinf(m.halo)]
        text = _("{method} depends on the whole image at once; methods that do not: {others}")
        return text.format(method=self.spec.in_prose, others=", ".join(others)), {"method": others[0]}

    @property
    def steps(self) -> int | None:
        """How many steps the method is to make; None: it makes none, or stops by itself."""
        return self.spec.iterations if self.iterations is None else self.iterations

    def _check_effort(self) -> None:
        check_choice(self.effort, choices.EFFORTS, "effort")
        if self.effort != DeconvolveSettings.effort and not (self.spec.automatic and self.strategy != "blend"):
            text = "is for a method that the run chooses; leave it out, or strategy and method"
            raise InputError(f"effort {self.effort!r} {text}", "effort")

    def _checked_iterations(self) -> int | None:
        given = self.iterations
        if given is None:
            return None
        if self.spec.automatic:
            raise InputError(
                f"an automatic method finds its iterations itself; name a method for {given} of them", "iterations"
            )
        if not self.spec.iterates:
            raise InputError(f"{self.method} does not iterate; leave iterations out (got {given})", "iterations")
        whole = isinstance(given, numbers.Real) and given % 1 == 0
        if isinstance(given, bool) or not whole or given < 1:
            raise InputError(f"iterations {given!r} must be a whole number of at least 1", "iterations")
        return int(given)

    def _checked_noise(self) -> Any:
        given = self.noise
        if isinstance(given, str) and given in choices.NOISE_WORDS:
            return given
        if isinstance(given, Mapping):
            from ..noise import NoiseLaw  # only where there is one: the parser is to be there at once

            return NoiseLaw.of(given).parameters()
        if hasattr(given, "parameters"):  # a NoiseLaw
            return given.parameters()
        if hasattr(given, "__len__") and not isinstance(given, str):
            raise InputError(
                "noise: an image of sigmas is no setting; say 'image', and give it with the arrays", "noise"
            )
        meaning = f"a standard deviation in image units, {', '.join(map(repr, choices.NOISE_WORDS))} or a NoiseLaw"
        check_squarable(check_number(given, "noise", 0, meaning), "the noise is", "noise")
        return given

    def _checked_regularization(self) -> float:
        given = self.regularization
        if self.spec.automatic:
            raise InputError(
                f"an automatic method finds its constant itself; name a method for regularization {given!r}",
                "regularization",
            )
        if self.spec.constant is None:
            raise InputError(
                f"{self.method} has no constant of its own; leave regularization at 'auto' (got {given!r})",
                "regularization",
            )
        return check_number(given, "regularization", 0, "a number or 'auto'")


@dataclass(frozen=True, kw_only=True)
class ConvolveSettings(Settings):
    """The settings of a convolution."""

    operation: ClassVar[str] = "convolve"

    exclude: bool = False
    cascade: str | bool = False
    normalize: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cascade not in ("auto", True, False):
            raise InputError(f"cascade {self.cascade!r} is unknown; choose auto, True or False", "cascade")
        if self.cascade != "auto":
            self._set(cascade=bool(self.cascade))  # 0 and numpy's False are False too

    @property
    def normalizes(self) -> bool:
        return self.normalize

    def whole_only(self) -> tuple[str, dict[str, Any]] | None:
        if self.exclude:
            return _("a convolution that excludes voxels needs the whole image at once"), {"exclude": False}
        return None


#: The settings of each operation.
SETTINGS: Mapping[str, type[Settings]] = {cls.operation: cls for cls in (DeconvolveSettings, ConvolveSettings)}


def settings_of(operation: str, parameters: Mapping[str, Any]) -> Settings:
    """Return the settings of an operation from keyword arguments, or from a recipe's parameters.

    Raises
    ------
    InputError
        If the operation or a name is unknown, or a value cannot be used.
    """
    check_choice(operation, SETTINGS, "operation")
    return SETTINGS[operation].of(parameters)
