"""The words that arguments take, each with its label for people: what there is to choose from, written once.

Every table maps a word of the engine, of kernel sets, recipes and the command line to what the panel calls it.
Nothing is computed and nothing heavy imported here, so that the panel and the command's parser have the words at
once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..texts import mark as _


@dataclass(frozen=True)
class Choice:
    """What a word means, for people.

    Attributes
    ----------
    label : str
        Short, for a list.
    sentence : str
        What it does and when to take it; "" where the label says it all.
    """

    label: str
    sentence: str = ""


OPERATIONS = {
    "deconvolve": Choice(_("Deconvolve (sharpen)")),
    "convolve": Choice(_("Convolve (blur)")),
}

#: The word for what the run chooses by itself: a strategy, a method, whose values a key means.
AUTO = "auto"

STRATEGIES = {
    AUTO: Choice(
        _("Automatic"),
        _("Takes what is expected to come closest, by kernels, image and memory, and says what it took and why."),
    ),
    "blend": Choice(
        _("Blend: filter with each kernel"),
        _("Filters with every kernel and blends the results: fast, approximate where kernels change."),
    ),
    "joint": Choice(
        _("Joint: invert the whole model"),
        _("Solves for the image that the varying blur explains: exact where kernels change, slower."),
    ),
}

#: Whether the image is worked on in tiles.
NEVER = "never"
TILES = {
    AUTO: Choice(_("Where memory asks for it"), _("In tiles where all at once would not fit into memory.")),
    NEVER: Choice(_("Never"), _("All at once, or not at all.")),
}

#: What an automatic choice is to look for.
EFFORTS = {
    "best": Choice(_("Best result"), _("Takes the method that is expected to come closest.")),
    "quick": Choice(_("Quick result"), _("Takes the quickest method that suits the kernels.")),
}

#: Those that have methods of their own.
NAMED_STRATEGIES = tuple(strategy for strategy in STRATEGIES if strategy != AUTO)

MODELS = {
    "detector": Choice(_("Detector: kernel of the receiving voxel")),
    "source": Choice(_("Source: kernel of the sending voxel")),
}

BOUNDARIES = {
    "edge": Choice(_("Repeat the edge")),
    "zero": Choice(_("Zero outside")),
    "periodic": Choice(_("Periodic")),
    "extended": Choice(_("Estimate what lies outside")),
}

#: What the noise may be called: to be estimated, that of counts, or given at every voxel by an image of sigmas.
NOISE_WORDS = ("auto", "poisson", "image")

#: What lies beyond the border where it is given by a rule: of filters, and of convolution.
FIXED_BOUNDARIES = {word: choice for word, choice in BOUNDARIES.items() if word != "extended"}

#: Who computes the filters of a blend.
ENGINES = {
    "simpleitk": Choice(_("SimpleITK")),
    "fft": Choice(_("FFT (same result, faster)")),
}

#: NaN and infinite voxels: refuse them, or fill them with the nearest finite value.
NONFINITE = ("error", "fill")

# -- results

#: What a result says of itself: whether the kernels explain the image; the worst comes last.
VERDICTS = {
    "unknown": Choice(
        _("Nothing to judge it by"),
        _("There is no noise, no change or no blur that the rest could be compared with."),
    ),
    "explained": Choice(
        _("Explained by the kernels"), _("What the result, blurred again, leaves of the image is noise.")
    ),
    "partly": Choice(
        _("Partly explained by the kernels"), _("The result, blurred again, leaves more of the image than noise.")
    ),
    "not": Choice(
        _("Not explained by the kernels"), _("The result is likely no closer to the truth than the image.")
    ),
    "noisy": Choice(_("More noise than detail"), _("The filter raises the noise by more than it brings back.")),
}

#: What may help where the kernels do not explain the image.
ADVICE = {
    "best": Choice(_("Try the best method"), _("Run again with the method that is expected to come closest.")),
    "width": Choice(_("Measure the width"), _("Hold the width of the kernels to the blur that the image shows.")),
    "residual": Choice(_("Show the residual"), _("Show where the result, blurred again, differs from the image.")),
}

# -- kernel fields

#: What chooses the kernel of a voxel, or of all that belong to a part of the data.
KEYS = {
    "intensity": Choice(_("Intensity")),
    "region": Choice(_("Region (segment or label)")),
    "position": Choice(_("Position")),
    "uniform": Choice(_("One kernel everywhere")),
    "weights": Choice(_("Weight images")),
    "channel": Choice(_("Channel of a volume")),
    "frame": Choice(_("Frame of a sequence")),
}

#: Those that choose one kernel for a part of the data as a whole, and of what data.
PART_KEYS = {
    "channel": "a volume of several values per voxel",
    "frame": "a sequence of volumes",
}

#: The kernel between two levels or positions.
INTERPOLATIONS = {
    "linear": Choice(_("Interpolate")),
    "nearest": Choice(_("Nearest kernel")),
    "inverse-distance": Choice(_("Inverse distance")),
}

#: Those that a key has; keys that are missing here have none.
INTERPOLATIONS_OF: Mapping[str, tuple[str, ...]] = {
    "intensity": ("linear", "nearest"),
    "position": ("linear", "nearest", "inverse-distance"),
}

#: Whose values an intensity key means, where no guide is given.
WHOSE = {
    AUTO: Choice(_("Let the image decide"), _("Takes what explains the image; where both do: as measured.")),
    "measured": Choice(
        _("As measured"), _("The kernel belongs to the value that the image at hand has at a voxel.")
    ),
    "true": Choice(
        _("True, before the blur"), _("The kernel belongs to the object's own value, which the result finds.")
    ),
}

#: The kernel where none is meant.
OUTSIDES = {
    "nearest": Choice(_("Nearest kernel")),
    "unchanged": Choice(_("Leave unchanged")),
    "error": Choice(_("Refuse to run")),
}

#: Which place of a kernel's array stands for zero displacement; see `kernels.kernel.Kernel`.
CENTRES = ("auto", "middle", "itk", "peak", "centroid")

# -- preparing kernels

#: What a measured kernel is recentred to.
PREPARED_CENTRES = ("centroid", "peak")

#: What a kernel may be made symmetric about its centre by, and what is said of the result.
SYMMETRIES = {
    "point": "made symmetric about its centre",
    "mirror": "made its own mirror image on every axis",
    "radial": "made round about its centre",
}

# -- measuring kernels

ESTIMATION_METHODS = {
    "least-squares": Choice(_("Least squares")),
    "fourier": Choice(_("Fourier (fast, large kernels)")),
}

#: Those of `CENTRES` that a kernel can be measured with.
MEASURED_CENTRES = ("itk", "middle")

#: What is known of kernels that are measured.
CONSTRAINTS = {
    "non-negative": Choice(_("Not negative")),
    "equal-sums": Choice(_("Equal sums")),
    "sum-one": Choice(_("Sum 1")),
    "simplex": Choice(_("Not negative, sum 1")),
}

PENALTIES = ("gradient", "identity")

#: The forms of a Gaussian that is fitted.
FORMS = ("isotropic", "axes", "full")

#: What makes the sigmas of fitted Gaussians a smooth function of intensity or position.
SMOOTHERS = ("polynomial", "monotone", "smoothing")


def boundaries_of(strategy: str) -> Mapping[str, Choice]:
    """Return the boundary rules that a strategy has."""
    return FIXED_BOUNDARIES if strategy == "blend" else BOUNDARIES
