"""What the panel decides, without Qt: what is shown and why, what is missing, what goes to the engine.

The widget asks, this module answers with names of controls and with sentences. Nothing here is computed on
images and nothing heavy is imported, so that the panel opens at once.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, NotEnoughMemory
from ..methods import choices
from ..methods import registry as methods
from ..run.settings import DeconvolveSettings, Settings, settings_of
from ..texts import Text

try:
    from slicer.i18n import tr as _
    from slicer.i18n import translate
except ImportError:  # outside Slicer there are no translations

    def _(text: str) -> str:
        return text

    def translate(context: str, text: str) -> str:
        return text


def translated(text: str) -> str:
    """Return a text of the engine in the language of the application; another text as it is."""
    return text.said(_inLanguage) if isinstance(text, Text) else text


def _inLanguage(text: str, home: str) -> str:
    """A literal of another module in the language of the application.

    Slicer calls the context of a text "folder.file", after the file that it was found in; as its own `tr` does, a
    translation whose placeholders are not those of the text is left aside.
    """
    found = translate(".".join(home.split(".")[-2:]), text)
    return found if _placeholders(found) == _placeholders(text) else text


def _placeholders(text: str) -> set[str | None]:
    try:
        return {name for _text, name, _format, _conversion in string.Formatter().parse(text)} - {None}
    except ValueError:  # a brace too many
        return {None}


# ------------------------------------------------------------------------------------------- methods


def labelOf(table: Mapping[str, choices.Choice], word: str) -> str:
    """Return what a combo box calls a word of one of the tables in `choices`."""
    return translated(table[word].label)


def sentenceOf(table: Mapping[str, choices.Choice], word: str) -> str:
    """Return what a word of one of these tables does and when to take it, "" where its label says it all."""
    return translated(table[word].sentence)


def regionLabel(kind: str) -> str:
    """Return how the region is given, for the combo box."""
    return {
        "whole": _("Whole volume"),
        "segments": _("Segments or label map"),
        "threshold": _("Threshold range"),
        "box": _("Box (ROI)"),
    }[kind]


def strategySentence(strategy: str) -> str:
    """Return one sentence that says what the strategy does and when to take it."""
    return sentenceOf(choices.STRATEGIES, strategy)


def whoseToolTip() -> str:
    """Return what each answer to the question whose intensity it is means, one line each."""
    texts = [(labelOf(choices.WHOSE, word), choice.sentence) for word, choice in choices.WHOSE.items()]
    return "\n".join(f"{label}: {translated(sentence)}" for label, sentence in texts)


def methodTraits(method: str, strategy: str) -> methods.Method:
    """Return what is known of a method."""
    return methods.method(strategy, method)


def methodLabel(method: str, strategy: str = "blend") -> str:
    """Return the method's name for the combo box."""
    return translated(methodTraits(method, strategy).label)


def methodSentence(method: str, strategy: str = "blend") -> str:
    """Return one sentence that says what the method does and when to take it."""
    return translated(methodTraits(method, strategy).sentence)


def foreseenText(state: PanelState, forecast: Any = None) -> str:
    """Return what a run will do and, with a `Forecast` of the engine, about how long it will take."""
    if state.operation == "convolve":
        text = _("Blurs the input volume with the kernels{time}.")
        return text.format(time="" if forecast is None else ", " + _durationText(forecast))
    if forecast is not None:
        return _foreseen(forecast)
    if state.strategy == choices.AUTO:
        return sentenceOf(choices.EFFORTS, state.effort)
    return methodSentence(state.method, state.strategy)


def _foreseen(forecast: Any) -> str:
    chosen = (forecast.method, forecast.strategy)
    name = labelOf(choices.STRATEGIES, forecast.strategy).partition(":")[0]
    text = _("{strategy}, {method}: {time}. {sentence}").format(
        strategy=name, method=methodLabel(*chosen), time=_durationText(forecast),
        sentence=methodSentence(*chosen),
    )  # fmt: skip
    if forecast.otherwise is None:
        return text
    other = forecast.otherwise
    more = _("If the kernels belong to true values: {method}, {time}.").format(
        method=methodLabel(other.method, other.strategy), time=betweenText(other.seconds, other.spread)
    )
    return f"{text} {more}"


def _durationText(forecast: Any) -> str:
    """About how long a run takes, and in how many tiles where memory asks for them."""
    time = betweenText(forecast.seconds, forecast.spread)
    if forecast.tiles < 2:
        return time
    return _("{time}, in {count} tiles as memory asks for").format(time=time, count=forecast.tiles)


def betweenText(seconds: float, spread: float) -> str:
    """Return for people a duration that may be longer or shorter by a factor."""
    least, most = (_wholeDuration(_rounded(time)) for time in (seconds / spread, seconds * spread))
    if seconds * spread < 1:
        return _("less than a second")
    if seconds < spread:
        return _("up to {time}").format(time=most)
    return _("{least} to {most}").format(least=least, most=most)


def _rounded(seconds: float) -> int:
    """A duration that is known to a digit or so."""
    unit = 1 if seconds < 10 else 5
    return unit * round(seconds / unit)


def defaultIterationsText(method: str, strategy: str = "blend") -> str:
    """Return what the iterations box shows for its lowest value, the method's own default."""
    traits = methodTraits(method, strategy)
    if not traits.iterates:
        return ""
    if traits.iterations is None:
        return _("auto (until only noise is left)")
    return _("default ({count})").format(count=traits.iterations)


def constantLabel(method: str, strategy: str = "blend") -> str:
    """Return the row label of the method's own constant, "" when it has none."""
    constant = methodTraits(method, strategy).constant
    return translated(constant.label) if constant is not None else ""


def constantToolTip(method: str, strategy: str = "blend") -> str:
    """Return one sentence about the method's own constant, with its unit and bounds; "" when it has none."""
    constant = methodTraits(method, strategy).constant
    return constant.filled(translated(constant.sentence)) if constant is not None else ""


def estimateTargetLabel(target: str) -> str:
    """Return what is measured, for the combo box."""
    return {"one": _("One kernel for the whole volume"), "rows": _("The kernel of each row of the table")}[target]


def constraintLabel(constraint: str) -> str:
    """Return what is known of a kernel that is measured, for the combo box."""
    return _("Anything") if constraint == "none" else labelOf(choices.CONSTRAINTS, constraint)


# --------------------------------------------------------------------------------------- kernel table


@dataclass(frozen=True)
class KernelSetSummary:
    """What the panel knows of the kernel table without sampling the kernels.

    Attributes
    ----------
    text : str
        One line for the panel: what the table holds, or what is wrong with it.
    usable : bool
        Whether Apply may use it.
    key : str
        What chooses the kernel.
    count : int
        Number of kernels.
    flat : bool
        Whether some kernels lie in the slice, so that a 3-D image has to be worked on slice by slice.
    moved : bool
        Whether some of these are motions, which can be given a direction out of the slice.
    """

    text: str
    usable: bool = False
    key: str = "intensity"
    count: int = 0
    flat: bool = False
    moved: bool = False


# ---------------------------------------------------------------------------------------- the panel


@dataclass(frozen=True)
class PanelState:
    """Everything the user chose, as plain values; volumes are opaque and only compared with each other.

    `iterations` 0 means the method's default. `noise` and `offset` are in units of the image's intensity. `mask`
    is the region in the words of `selections.maskArray`, None for the whole volume or when it is not chosen yet;
    `hasSegments` says that segments can be chosen from it. `slices` are those of the input volume, 0 when it
    has no voxels. `isEmptyMask` says that no voxel can be in the region that was chosen.
    """

    operation: str = DeconvolveSettings.operation
    strategy: str = DeconvolveSettings.strategy
    effort: str = DeconvolveSettings.effort
    blendMethod: str = DeconvolveSettings.method
    jointMethod: str = DeconvolveSettings.method
    model: str = DeconvolveSettings.model
    blendBoundary: str = DeconvolveSettings.boundary
    jointBoundary: str = DeconvolveSettings.boundary
    engine: str = DeconvolveSettings.engine
    iterations: int = 0
    regularizationAuto: bool = True
    regularization: float = 0.01
    noiseAuto: bool = True
    noise: float = 1.0
    offsetAuto: bool = True
    offset: float = 0.0
    exclude: bool = False
    normalize: bool = False
    cascade: bool = False
    slicewise: bool = False
    resample: bool = False
    fillNonfinite: bool = False
    inputVolume: Any = None
    guide: Any = None
    labels: Any = None
    region: str = "whole"
    mask: Any = None
    hasSegments: bool = False
    isEmptyMask: bool = False
    slices: int = 1
    channels: int = 1
    frames: int = 1
    outputVolume: Any = None
    kernelSet: KernelSetSummary = field(default_factory=lambda: KernelSetSummary(""))

    @property
    def key(self) -> str:
        """What chooses the kernel."""
        return self.kernelSet.key

    @property
    def blends(self) -> bool:
        """Whether a filter is run for every kernel."""
        return self.operation == "deconvolve" and self.strategy == "blend"

    @property
    def inverts(self) -> bool:
        """Whether the whole model is inverted, or may be where the run chooses."""
        return self.operation == "deconvolve" and self.strategy != "blend"

    @property
    def method(self) -> str:
        """The filter or solver of the chosen strategy; "auto" where the run chooses the strategy, too."""
        return {"blend": self.blendMethod, "joint": self.jointMethod}.get(self.strategy, choices.AUTO)

    @property
    def boundary(self) -> str:
        """The boundary condition of the chosen operation and strategy."""
        return self.jointBoundary if self.inverts else self.blendBoundary

    @property
    def traits(self) -> methods.Method:
        """What is known of the chosen method."""
        return methodTraits(self.method, self.strategy)


def visibleControls(state: PanelState) -> frozenset[str]:
    """Return the names of the controls that have a meaning for what is chosen.

    Controls that every choice has (input, kernel table, model, output) are not named.
    """
    traits, key = state.traits, state.key
    deconvolving, region = state.operation == "deconvolve", state.region != "whole"
    shown = {
        "segmentation": state.region == "segments",
        "segments": state.region == "segments" and state.hasSegments,
        "threshold": state.region == "threshold",
        "box": state.region == "box",
        "guide": key == "intensity" and not _selfKeyed(state),
        "labels": key == "region",
        "of": _asksWhose(state),
        "interpolation": key in choices.INTERPOLATIONS_OF,
        "outside": key in ("intensity", "region"),
        "feather": key == "region",
        "slicewise": state.slices > 1,
        "resample": any(v is not None for v in (state.mask, usedLabels(state), usedGuide(state))),
        "exclude": not deconvolving and region,
        "normalize": not deconvolving,
        "cascade": not deconvolving,
        "strategy": deconvolving and state.strategy != choices.AUTO,
        "method": state.blends,
        "jointMethod": state.inverts and state.strategy == "joint",
        "engine": state.blends,
        "boundary": not state.inverts,
        "jointBoundary": state.inverts,
        "iterations": deconvolving and traits.iterates,
        "regularization": deconvolving and traits.constant is not None,
        "noise": deconvolving and usesNoise(state),
        "offset": deconvolving and traits.takes_offset,
    }
    return frozenset(name for name, is_shown in shown.items() if is_shown)


def _selfKeyed(state: PanelState) -> bool:
    """Whether the method finds the intensities that choose the kernels by itself."""
    return state.inverts and state.traits.self_keyed


def _asksWhose(state: PanelState) -> bool:
    """Whether it matters whose intensity a level means: where the run chooses among methods that differ in it."""
    depends = state.traits.automatic or state.traits.either
    return state.inverts and depends and state.key == "intensity" and state.guide is None


def usesNoise(state: PanelState) -> bool:
    """Return whether the noise level changes the result of the chosen method."""
    noise = state.traits.noise
    return noise == "always" or (noise == "automatic" and state.regularizationAuto)


def usedGuide(state: PanelState) -> Any:
    """Return the guide volume if the kernels and the method can use one, else None."""
    return state.guide if state.key == "intensity" and not _selfKeyed(state) else None


def usedLabels(state: PanelState) -> Any:
    """Return the labels if the kernels need them, else None."""
    return state.labels if state.key == "region" else None


def disabledControls(state: PanelState) -> frozenset[str]:
    """Return the fields that are shown but wait for another choice (a value beside a checked "auto")."""
    waiting = {
        "regularizationValue": state.regularizationAuto,
        "noiseValue": state.noiseAuto,
        "offsetValue": state.offsetAuto,
    }
    return frozenset(name for name, waits in waiting.items() if waits)


def whatIsMissing(state: PanelState) -> str:
    """Return one sentence saying why Apply cannot start, or "" when it can."""
    if state.inputVolume is None:
        return _("Choose an input volume.")
    if state.slices == 0:
        return _("The input volume is empty: choose another one.")
    if state.mask is None and state.region == "segments" and state.hasSegments:
        return _("Choose at least one segment of the region.")
    if state.mask is None and state.region != "whole":
        return {
            "segments": _("Choose the segmentation or label map of the region."),
            "threshold": _("Choose the threshold range of the region."),
            "box": _("Choose or create the box (ROI) of the region."),
        }[state.region]
    if state.region == "segments" and state.isEmptyMask:
        return _("There is nothing in the segmentation or label map of the region: fill it, or choose another one.")
    if not state.kernelSet.usable:
        return state.kernelSet.text
    if state.key == "region" and state.labels is None:
        return _("Choose the segmentation or label map that the kernels belong to.")
    if state.key == "channel" and state.channels < 2:
        return _("The input volume has a single channel: choose one of several, or what else chooses the kernel.")
    if state.key == "frame" and state.frames < 2:
        return _("The input volume is no frame of a sequence: choose one, or what else chooses the kernel.")
    if state.kernelSet.flat and state.slices > 1 and not state.slicewise:
        return _slicesText(state)
    if _selfKeyed(state) and state.key != "intensity":
        return _("Self-keyed needs kernels keyed to intensity; choose another method or key.")
    if state.outputVolume is not None:
        mask = state.mask[0] if isinstance(state.mask, tuple) else state.mask
        used = [state.inputVolume, mask, usedGuide(state), usedLabels(state)]
        if any(state.outputVolume is node for node in used):
            return _("Choose an output volume that is not one of the inputs.")
    return ""


def _slicesText(state: PanelState) -> str:
    if state.kernelSet.moved:
        return _("Some kernels lie in the slice: check 'Slice by slice'; or give a motion a direction z, y, x.")
    return _("Some kernels lie in the slice: check 'Slice by slice'.")


def waitingText(owner: str) -> str:
    """Return why nothing can be started while a run of this kind has the panel, "" when none has it."""
    return {
        "": "",
        "apply": _("Wait for the run to end, or cancel it."),
        "estimate": _("Wait for the measurement to end, or cancel it."),
    }[owner]


def applyToolTip(state: PanelState) -> str:
    """Return the tool tip of the Apply button: what it will do, or what is missing."""
    missing = whatIsMissing(state)
    if missing:
        return missing
    if state.operation == "convolve":
        return _("Convolve the input volume with the kernels.")
    text = _("Deconvolve the input volume with the kernels: {method}.")
    return text.format(method=methodLabel(state.method, state.strategy))


def settingsFrom(state: PanelState) -> Settings:
    """Return the settings that are chosen; defaults for what the method does not have."""
    chosen: dict[str, Any] = {
        "model": state.model,
        "boundary": state.boundary,
        "slicewise": state.slicewise,
        "nonfinite": "fill" if state.fillNonfinite else "error",
    }
    shown = visibleControls(state)
    if state.operation == "convolve":
        chosen |= {"normalize": state.normalize, "cascade": "auto" if state.cascade else False}
        if "exclude" in shown:
            chosen["exclude"] = state.exclude
        return settings_of(state.operation, chosen)
    chosen |= {"strategy": state.strategy, "method": state.method}
    if state.strategy == choices.AUTO:
        chosen["effort"] = state.effort
    if "engine" in shown:
        chosen["engine"] = state.engine
    if "iterations" in shown and state.iterations > 0:
        chosen["iterations"] = state.iterations
    for name in ("regularization", "noise", "offset"):
        if name in shown and not getattr(state, f"{name}Auto"):
            chosen[name] = getattr(state, name)
    return settings_of(state.operation, chosen)


@dataclass(frozen=True)
class PanelRun:
    """What a run of the panel is.

    Attributes
    ----------
    settings : Settings
    inputVolume : volume node
    kernels : KernelField
    selections : dict
        mask, labels and guide, each None or what `mrml.selections` takes, and resample.
    """

    settings: Settings
    inputVolume: Any
    kernels: Any
    selections: dict[str, Any]


def runFrom(state: PanelState, kernels: Any) -> PanelRun:
    """Return what the panel is to run with a kernel field."""
    selections = {
        "mask": state.mask,
        "labels": usedLabels(state),
        "guide": usedGuide(state),
        "resample": state.resample,
    }
    return PanelRun(settingsFrom(state), state.inputVolume, kernels, selections)


# --------------------------------------------------------------------------------------------- texts


def progressText(fraction: float, text: str, seconds: float) -> str:
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
    text = translated(text)
    if seconds < 2:
        return text
    if fraction < 0.02:  # too early to tell how long
        return _("{text}, {seconds:.0f} s so far").format(text=text.rstrip("."), seconds=seconds)
    remaining = seconds * (1 - min(fraction, 1.0)) / fraction
    return _("{text}, about {time} left").format(text=text, time=durationText(remaining))


def _wholeDuration(seconds: int) -> str:
    """A duration in whole seconds, minutes or hours."""
    if seconds < 90:
        return _("{seconds} s").format(seconds=seconds)
    if seconds < 5400:
        return _("{minutes} min").format(minutes=round(seconds / 60))
    return _("{hours} h").format(hours=round(seconds / 3600))


def durationText(seconds: float) -> str:
    """Return a duration for people: 0.4 s, 12 s, 3 min 20 s."""
    if seconds < 9.95:
        return _("{seconds:.1f} s").format(seconds=seconds)
    seconds = round(seconds)
    if seconds < 60:
        return _("{seconds} s").format(seconds=seconds)
    return _("{minutes} min {seconds} s").format(minutes=seconds // 60, seconds=seconds % 60)


def resultText(result: Any, outputName: str) -> str:
    """Return the status lines of a finished run: output, time, noise, residual, what it chose, the warnings.

    Parameters
    ----------
    result : Result
        Of the engine: `seconds`, `noise`, `residual`, `iterations` (None where they have no meaning), its choice,
        `automatic` and `warnings` are read.
    outputName : str
        Name of the volume that holds the result.
    """
    facts = [_("{name}: done in {time}").format(name=outputName, time=durationText(result.seconds))]
    if result.iterations:
        facts.append(_("{count} iterations").format(count=result.iterations))
    if result.noise is not None:
        facts.append(_("noise {noise:.3g}").format(noise=result.noise))
    if result.residual is not None and math.isfinite(result.residual):
        facts.append(_residualText(result.residual))
    if "centre" in result.automatic:
        facts.append(_("centre of the kernels: {place}").format(place=translated(result.automatic["centre"])))
    return "\n".join([", ".join(facts) + ".", *_choiceTexts([result]), *_warningTexts(result.warnings)])


def widthText(check: Any) -> str:
    """Return the status lines of kernels whose width was measured (`KernelCheck`)."""
    if check.width is None:
        text = _("The width of the kernels cannot be told: {reason}.").format(reason=inPanelWords(check.no_width))
    else:
        text = _("Width: {text}.").format(text=translated(check.width.describe()))
    return "\n".join([text, *_warningTexts(check.warnings)])


def _choiceTexts(results: Iterable[Any]) -> list[str]:
    """What the runs took by themselves, and why, each once."""
    found = dict.fromkeys(inPanelWords(result.describe_choice()) for result in results if result.describe_choice())
    return [f"{text[:1].upper()}{text[1:]}." for text in found]


def _warningTexts(warnings: Iterable[str]) -> list[str]:
    return [_("Warning: {text}").format(text=inPanelWords(warning)) for warning in dict.fromkeys(warnings)]


def _residualText(residual: float) -> str:
    """A residual in units of the noise; an image without noise has next to none to compare it with."""
    text = _("residual {residual:.3g} (1 is ideal)") if residual < 100 else _("residual far above the noise")
    return text.format(residual=residual)


def sequenceText(results: list[Any], outputName: str) -> str:
    """Return the status lines of a finished sequence: output, time, worst residual, choices and warnings once."""
    seconds = sum(result.seconds for result in results)
    text = _("{name}: {count} frames done in {time} of work")
    facts = [text.format(name=outputName, count=len(results), time=durationText(seconds))]
    residuals = [r.residual for r in results if r.residual is not None and math.isfinite(r.residual)]
    if residuals:
        facts.append(_("at most {residual}").format(residual=_residualText(max(residuals))))
    warnings = [warning for result in results for warning in result.warnings]
    return "\n".join([", ".join(facts) + ".", *_choiceTexts(results), *_warningTexts(warnings)])


def oneKernelText(key: str) -> str:
    """Return why there are no weights to be shown where one kernel applies to all voxels."""
    return {
        "uniform": _("One kernel applies everywhere."),
        "channel": _("One kernel applies everywhere in a channel."),
        "frame": _("One kernel applies everywhere in a frame."),
    }[key]


def estimateIsMissing(original: Any, blurred: Any, target: str, state: PanelState) -> str:
    """Return one sentence saying why a measurement cannot start, or "" when it can.

    Parameters
    ----------
    original, blurred : volume node or None
    target : {"one", "rows"}
    state : PanelState
        For the kernel table and the regions that the kernels belong to.
    """
    if original is None:
        return _("Choose the sharp volume.")
    if blurred is None or blurred is original:
        return _("Choose the blurred volume.")
    if target == "rows" and state.key == "uniform":
        return _("Choose what the kernels are keyed to, or measure one kernel.")
    if target == "rows" and not state.kernelSet.count:
        return _("Fill the table with levels, regions or positions first.")
    if target == "rows" and state.key == "region" and state.labels is None:
        return _("Choose the segmentation or label map that the kernels belong to.")
    return ""


def estimateText(estimate: Any) -> str:
    """Return the status lines of a finished measurement: time, residual, uncertainty, then one line a warning.

    Parameters
    ----------
    estimate : Estimate
        Of the engine.
    """
    facts = [_("Measured in {time}").format(time=durationText(estimate.seconds))]
    if estimate.residual is not None and math.isfinite(estimate.residual):
        facts.append(_residualText(estimate.residual))
    determined = estimate.determined
    if determined is not None:
        text = _("{count} of {all} kernels determined by the volumes")
        facts.append(text.format(count=int(sum(map(bool, determined))), all=len(determined)))
    elif estimate.uncertainty is not None and math.isfinite(float(estimate.uncertainty)):
        facts.append(_("uncertainty {percent:.0f} %").format(percent=100 * float(estimate.uncertainty)))
    if estimate.gain != 1:
        facts.append(_("gain {gain:.4g}").format(gain=estimate.gain))
    if estimate.offset:
        facts.append(_("offset {offset:.4g}").format(offset=estimate.offset))
    if any(estimate.shift):
        shift = ", ".join(f"{v:.2f}" for v in estimate.shift)
        facts.append(_("shift {shift} mm").format(shift=shift))
    return "\n".join([", ".join(facts) + ".", *_warningTexts(estimate.warnings)])


def errorText(error: BaseException) -> str:
    """Return an exception as one line in the panel's words, with the control that cures it, where there is one."""
    text = " ".join(str(error).split())
    if isinstance(error, InputError | NotEnoughMemory):
        places = dict.fromkeys(_place(option) for option in error.cure)
        return " ".join(filter(None, [*inPanelWords(error.text).split(), *places]))
    if isinstance(error, ValueError | OSError | MemoryError) and text:
        return inPanelWords(text)
    if isinstance(error, MemoryError):
        return _("The computer ran out of memory; close other data or crop the volume.")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def inPanelWords(text: str) -> str:
    """Return a text of the engine as the panel says it: in its language, of controls in the place of arguments."""
    text = translated(text)
    for words, said in {
        "read the kernel with log=True": _("choose 'its natural logarithm' at 'Values are'"),
        "read it with log=True": _("choose 'its natural logarithm' at 'Values are'"),
        "; or read it with normalize=False": "",
        "set gain=False": _("uncheck 'gain'"),
        "(nonfinite)": _("(Advanced, NaN and infinity)"),
        "give it (--kernel-spacing, the spacing of a Kernel)": _("give it at 'Voxel size' (Edit...)"),
    }.items():
        text = text.replace(words, said)
    return text


@dataclass(frozen=True)
class Cure:
    """What one click cures: the parameter that is to be switched on, and what the button says."""

    parameter: str
    text: str


def cureOf(error: BaseException) -> Cure | None:
    """Return what cures an error by one click, None where nothing does."""
    cures = error.cure if isinstance(error, InputError | NotEnoughMemory) else {}
    if cures.get("nonfinite") == "fill":
        return Cure("fillNonfinite", _("Fill NaN and infinity, and apply"))
    if cures.get("resample"):
        return Cure("resample", _("Resample onto the input, and apply"))
    return Cure("slicewise", _("Work slice by slice, and apply")) if cures.get("slicewise") else None


def cureOfMissing(state: PanelState) -> Cure | None:
    """Return what cures by one click what `whatIsMissing` names, None where nothing does."""
    isThat = state.kernelSet.usable and whatIsMissing(state) == _slicesText(state)
    return Cure("slicewise", _("Work slice by slice")) if isThat else None


def _place(option: str) -> str:
    """Where the panel has an argument of the engine; "" where it has none."""
    return {
        "nonfinite": _("(In the panel: Advanced, NaN and infinity.)"),
        "resample": _("(In the panel: Advanced, Other geometry.)"),
        "slicewise": _("(In the panel: Kernels, Slice by slice.)"),
        "offset": _("(In the panel: Advanced, Offset.)"),
        "engine": _("(In the panel: Inputs, Engine.)"),
        "outside": _("(In the panel: Kernels, Outside.)"),
        "method": _("(In the panel: Inputs, What to do.)"),
    }.get(option, "")
