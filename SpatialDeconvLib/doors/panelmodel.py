"""What the panel decides, without Qt: what is shown and why, what is missing, what goes to the engine.

The widget asks, this module answers with names of controls and with sentences. Nothing here is computed on
images and nothing heavy is imported, so that the panel opens at once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    from slicer.i18n import tr as _
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text


SCHEMA = "spatialdeconv-kernels/1"
KEYS = ("intensity", "region", "position", "weights", "uniform")
_LARGEST_KERNEL_SET = 64 * 2**20  # bytes; a larger file was chosen by mistake


# ------------------------------------------------------------------------------------------- methods


@dataclass(frozen=True)
class MethodTraits:
    """What a method has to be asked.

    Attributes
    ----------
    iterations : int or None
        Default number of iterations; None for methods that do not iterate.
    constant : bool
        Whether it has a constant of its own (`regularization`).
    noise : {"always", "automatic", "never"}
        When the noise level changes the result: always, only while the constant is automatic, or never.
    """

    iterations: int | None = None
    constant: bool = False
    noise: str = "never"


METHODS: dict[str, MethodTraits] = {
    "inverse": MethodTraits(constant=True, noise="automatic"),
    "tikhonov": MethodTraits(constant=True, noise="automatic"),
    "wiener": MethodTraits(noise="always"),
    "landweber": MethodTraits(iterations=20, constant=True),
    "projected-landweber": MethodTraits(iterations=20, constant=True),
    "richardson-lucy": MethodTraits(iterations=10),
}


def operation_label(operation: str) -> str:
    """Return the operation's name for the combo box."""
    return {"deconvolve": _("Deconvolve (sharpen)"), "convolve": _("Convolve (blur)")}[operation]


def method_label(method: str) -> str:
    """Return the method's name for the combo box."""
    return {
        "inverse": _("Inverse"),
        "tikhonov": _("Tikhonov"),
        "wiener": _("Wiener"),
        "landweber": _("Landweber"),
        "projected-landweber": _("Projected Landweber"),
        "richardson-lucy": _("Richardson-Lucy"),
    }[method]


def method_sentence(method: str) -> str:
    """Return one sentence that says what the method does and when to take it."""
    return {
        "inverse": _("Divides by the kernel's spectrum where that is large enough: fast, but it amplifies noise."),
        "tikhonov": _("Inverse filter damped by a constant: fast, a safe choice for noisy images."),
        "wiener": _("Weighs every frequency by its signal-to-noise ratio: fast, uses the noise level."),
        "landweber": _("Approaches the sharp image step by step: stopping early keeps the noise down."),
        "projected-landweber": _("Landweber steps without negative values: for images that cannot be negative."),
        "richardson-lucy": _("Multiplicative steps for counts (Poisson noise): keeps the image positive."),
    }[method]


def model_label(model: str) -> str:
    """Return the blur model's name for the combo box."""
    return {
        "detector": _("Detector: the kernel of the place that receives"),
        "source": _("Source: the kernel of the place that sends"),
    }[model]


def boundary_label(boundary: str) -> str:
    """Return the boundary condition's name for the combo box."""
    return {
        "edge": _("Repeat the edge"),
        "zero": _("Zero outside"),
        "periodic": _("Periodic"),
    }[boundary]


def default_iterations_text(method: str) -> str:
    """Return what the iterations box shows for its lowest value, the method's own default."""
    default = METHODS[method].iterations
    return "" if default is None else _("default ({count})").format(count=default)


def engine_label(engine: str) -> str:
    """Return the engine's name for the combo box."""
    return {"simpleitk": _("SimpleITK"), "fft": _("FFT (same result, faster)")}[engine]


def constant_label(method: str) -> str:
    """Return the row label of the method's own constant."""
    if method == "inverse":
        return _("Threshold:")
    if method in ("landweber", "projected-landweber"):
        return _("Step:")
    return _("Regularization:")


def constant_tool_tip(method: str) -> str:
    """Return one sentence about the method's own constant, with its unit."""
    if method == "inverse":
        return _("Frequencies that the kernel passes by less than this fraction are left out (no unit).")
    if method in ("landweber", "projected-landweber"):
        return _("Length of one step, below 2 for kernels that sum to one (no unit).")
    return _("Constant added to the kernel's power spectrum: larger values give a smoother image (no unit).")


# --------------------------------------------------------------------------------------- kernel sets


@dataclass(frozen=True)
class KernelSetSummary:
    """What the panel knows of a kernel set file without reading the kernels.

    Attributes
    ----------
    text : str
        One line for the panel: what the file holds, or what is wrong with it.
    usable : bool
        Whether Apply may use it.
    key : str
        What chooses the kernel ("" when the file cannot be used).
    count : int
        Number of kernels.
    """

    text: str
    usable: bool = False
    key: str = ""
    count: int = 0


def kernel_set_summary(path: str | Path) -> KernelSetSummary:
    """Look at a kernel set file and say in one line what it holds, or what is wrong with it.

    The engine checks every kernel when it runs; this only finds what can be seen at a glance.
    """
    if not str(path).strip():
        return KernelSetSummary(_("No kernel set file is chosen."))
    path = Path(path)
    try:
        if not path.is_file():
            return KernelSetSummary(_("There is no such kernel set file."))
        if path.stat().st_size > _LARGEST_KERNEL_SET:
            return KernelSetSummary(_("The file is too large for a kernel set; choose a JSON file."))
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        return KernelSetSummary(_("The file is no valid JSON (line {line}).").format(line=error.lineno))
    except UnicodeDecodeError:
        return KernelSetSummary(_("The file is no text; choose a JSON file."))
    except OSError as error:
        return KernelSetSummary(_("The file cannot be read: {reason}.").format(reason=error.strerror or error))
    return _content_summary(content, path.parent)


def _content_summary(content: Any, folder: Path) -> KernelSetSummary:
    if not isinstance(content, Mapping) or content.get("schema") != SCHEMA:
        return KernelSetSummary(_("The file is no kernel set: its schema is not {schema}.").format(schema=SCHEMA))
    key, kernels = content.get("key"), content.get("kernels")
    if key not in KEYS:
        return KernelSetSummary(_("The kernel set has the unknown key {key}.").format(key=repr(key)))
    if not isinstance(kernels, list) or not kernels or not all(isinstance(k, Mapping) for k in kernels):
        return KernelSetSummary(_("The kernel set is empty."))
    for number, kernel in enumerate(kernels, 1):
        if kernel.get("type") == "file" and not (folder / str(kernel.get("path", ""))).is_file():
            text = _("Kernel {number}: the file {path} does not exist.")
            return KernelSetSummary(text.format(number=number, path=kernel.get("path")))
    return KernelSetSummary(_kernels_text(key, kernels), True, key, len(kernels))


def _kernels_text(key: str, kernels: Sequence[Mapping[str, Any]]) -> str:
    kinds = {str(kernel.get("type")) for kernel in kernels}
    kind = _kind_text(kinds.pop()) if len(kinds) == 1 else _("different")
    if key == "uniform":
        return _("One {kind} kernel for the whole volume.").format(kind=kind)
    count = len(kernels)
    levels = [kernel.get("at") for kernel in kernels]
    if key == "intensity" and all(isinstance(v, int | float) and math.isfinite(v) for v in levels):
        text = _("{count} {kind} kernels, intensity {least:g} to {most:g}.")
        return text.format(count=count, kind=kind, least=min(levels), most=max(levels))
    keyed = {
        "intensity": _("{count} {kind} kernels, keyed to intensity."),
        "region": _("{count} {kind} kernels, keyed to regions."),
        "position": _("{count} {kind} kernels, keyed to position."),
        "weights": _("{count} {kind} kernels, each with its own weight image."),
    }
    return keyed[key].format(count=count, kind=kind)


def _kind_text(kind: str) -> str:
    """The kind of kernels as an adjective; a type that is unknown here is left as it is."""
    kinds = {"gaussian": _("Gaussian"), "file": _("stored"), "values": _("stored"), "laplacian": _("Laplace")}
    return kinds.get(kind, kind)


# ---------------------------------------------------------------------------------------- the panel


@dataclass(frozen=True)
class PanelState:
    """Everything the user chose, as plain values; volumes are opaque and only compared with each other.

    `iterations` 0 means the method's default. `noise` is in units of the image's intensity.
    """

    operation: str = "deconvolve"
    method: str = "wiener"
    model: str = "detector"
    boundary: str = "edge"
    engine: str = "simpleitk"
    iterations: int = 0
    regularization_auto: bool = True
    regularization: float = 0.01
    noise_auto: bool = True
    noise: float = 1.0
    exclude: bool = False
    slicewise: bool = False
    resample: bool = False
    fill_nonfinite: bool = False
    input_volume: Any = None
    guide: Any = None
    labels: Any = None
    mask: Any = None
    output_volume: Any = None
    kernel_set: KernelSetSummary = field(default_factory=lambda: KernelSetSummary(""))

    @property
    def key(self) -> str:
        """What chooses the kernel ("" without a usable kernel set)."""
        return self.kernel_set.key if self.kernel_set.usable else ""


def visible_controls(state: PanelState) -> frozenset[str]:
    """Return the names of the controls that have a meaning for what is chosen.

    Controls that every choice has (input, kernel set, model, boundary, output) are not named.
    """
    traits = METHODS[state.method]
    shown = {
        "guide": state.key == "intensity",
        "labels": state.key == "region",
        "resample": any(node is not None for node in (state.mask, used_labels(state), used_guide(state))),
    }
    if state.operation == "convolve":
        shown["exclude"] = state.mask is not None
    else:
        shown |= {
            "method": True,
            "engine": True,
            "iterations": traits.iterations is not None,
            "regularization": traits.constant,
            "noise": uses_noise(state),
        }
    return frozenset(name for name, is_shown in shown.items() if is_shown)


def uses_noise(state: PanelState) -> bool:
    """Return whether the noise level changes the result of the chosen method."""
    noise = METHODS[state.method].noise
    return noise == "always" or (noise == "automatic" and state.regularization_auto)


def used_guide(state: PanelState) -> Any:
    """Return the guide volume if the kernel set can use one, else None."""
    return state.guide if state.key == "intensity" else None


def used_labels(state: PanelState) -> Any:
    """Return the labels if the kernel set needs them, else None."""
    return state.labels if state.key == "region" else None


def disabled_controls(state: PanelState) -> frozenset[str]:
    """Return the fields that are shown but wait for another choice (a value beside a checked "auto")."""
    disabled = set()
    if state.regularization_auto:
        disabled.add("regularizationValue")
    if state.noise_auto:
        disabled.add("noiseValue")
    return frozenset(disabled)


def what_is_missing(state: PanelState) -> str:
    """Return one sentence saying why Apply cannot start, or "" when it can."""
    if state.input_volume is None:
        return _("Choose an input volume.")
    if not state.kernel_set.usable:
        return _("Choose a kernel set file (*.json).") + " " + state.kernel_set.text
    if state.key == "region" and state.labels is None:
        return _("Choose the labels: this kernel set is keyed to regions.")
    if state.output_volume is not None:
        for node in (state.input_volume, state.mask, used_guide(state), used_labels(state)):
            if node is not None and node is state.output_volume:
                return _("Choose an output volume that is not one of the inputs.")
    return ""


def apply_tool_tip(state: PanelState) -> str:
    """Return the tool tip of the Apply button: what it will do, or what is missing."""
    missing = what_is_missing(state)
    if missing:
        return missing
    if state.operation == "convolve":
        return _("Blur the input volume with the kernels.")
    return _("Deconvolve the input volume with the kernels, using the {method} filter.").format(
        method=method_label(state.method)
    )


def engine_options(state: PanelState) -> dict[str, Any]:
    """Return the keyword arguments for the logic's `deconvolve` or `convolve`; only what the method has."""
    options: dict[str, Any] = {
        "model": state.model,
        "boundary": state.boundary,
        "slicewise": state.slicewise,
        "nonfinite": "fill" if state.fill_nonfinite else "error",
        "resample": state.resample,
    }
    shown = visible_controls(state)
    if state.operation == "convolve":
        if "exclude" in shown:
            options["exclude"] = state.exclude
        return options
    options["method"] = state.method
    options["engine"] = state.engine
    if "iterations" in shown and state.iterations > 0:
        options["iterations"] = state.iterations
    if "regularization" in shown and not state.regularization_auto:
        options["regularization"] = state.regularization
    if "noise" in shown and not state.noise_auto:
        options["noise"] = state.noise
    return options


# --------------------------------------------------------------------------------------------- texts


def progress_text(fraction: float, text: str, seconds: float) -> str:
    """Return the status line while a run is on: what it does and about how long it still takes.

    Parameters
    ----------
    fraction : float
        Done so far, 0 to 1.
    text : str
        What the engine says it is doing.
    seconds : float
        Time since the start.
    """
    if seconds < 2 or fraction < 0.02:  # too early to tell
        return text
    remaining = seconds * (1 - min(fraction, 1.0)) / fraction
    return _("{text}, about {time} left").format(text=text, time=duration_text(remaining))


def duration_text(seconds: float) -> str:
    """Return a duration for people: 0.4 s, 12 s, 3 min 20 s."""
    if seconds < 9.95:
        return _("{seconds:.1f} s").format(seconds=seconds)
    seconds = round(seconds)
    if seconds < 60:
        return _("{seconds} s").format(seconds=seconds)
    return _("{minutes} min {seconds} s").format(minutes=seconds // 60, seconds=seconds % 60)


def result_text(result: Any, output_name: str) -> str:
    """Return the status lines of a finished run: output, time, noise, residual, then one line a warning.

    Parameters
    ----------
    result : Result
        Of the engine: `seconds`, `noise`, `residual`, `iterations` (None where they have no meaning) and
        `warnings` are read.
    output_name : str
        Name of the volume that holds the result.
    """
    facts = [_("{name}: done in {time}").format(name=output_name, time=duration_text(result.seconds))]
    if result.iterations:
        facts.append(_("{count} iterations").format(count=result.iterations))
    if result.noise is not None:
        facts.append(_("noise {noise:.3g}").format(noise=result.noise))
    if result.residual is not None and math.isfinite(result.residual):
        facts.append(_("residual {residual:.2f} (1 is ideal)").format(residual=result.residual))
    return "\n".join([", ".join(facts) + ".", *(_("Warning: {text}").format(text=w) for w in result.warnings)])


def error_text(error: BaseException) -> str:
    """Return an exception as one line, with the control that helps where the engine names an option."""
    text = " ".join(str(error).split())
    if isinstance(error, ValueError | OSError | MemoryError) and text:
        return " ".join([text, *_places(text)])
    if isinstance(error, MemoryError):
        return _("The computer ran out of memory; close other data or crop the volume.")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _places(text: str) -> list[str]:
    """Where the panel has the options that an error message of the engine names."""
    places = {
        "nonfinite=": _("(In the panel: Advanced, NaN and infinity.)"),
        "resample": _("(In the panel: Advanced, Other geometry.)"),
        "slicewise": _("(In the panel: Advanced, Slice by slice.)"),
    }
    return [place for word, place in places.items() if word in text]
