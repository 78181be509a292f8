"""The user's choices: what the scene stores, and the enumerations of the combo boxes."""

import enum
from typing import Annotated, Union

import slicer
from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLMarkupsROINode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLVectorVolumeNode,
)
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper, parameterPack

from ..methods import choices
from ..methods import registry as methods
from ..mrml import browsers, channelnames, channels, nodes, places, selections, weightimages
from ..run.settings import DeconvolveSettings
from . import kernelrows, onevolume
from . import model as panelmodel

# Slicer's parameter node wrapper serializes typing.Union, takes "no node" only where None is in it, and lets
# the node selectors offer exactly these classes.
VolumeNode = Union[vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode, None]  # noqa: UP007
RegionNode = Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007
BoxNode = Union[vtkMRMLMarkupsROINode, None]  # noqa: UP007


NO_SEGMENT = ""  # no segment's id


class _Words(enum.Enum):
    """Words of the engine as the scene stores them and a combo box shows them."""

    def label(self):
        """Return what a combo box calls it."""
        return self.labelOf(self.value)


# The scene stores the names of members: an enumeration may get more of them, but never other names for those it
# has. A name is its word in camel case, but for these.
_NAMES = {"simpleitk": "SimpleITK", "fft": "FFT", "tv": "TotalVariation", "true": "TrueValues"}


def _enumeration(name, words, labelOf):
    """Return the enumeration of words of the engine; ``labelOf(word)`` is what a combo box calls one."""
    names = {_NAMES.get(word) or "".join(part.capitalize() for part in word.split("-")): word for word in words}
    made = _Words(name, names, module=__name__)
    made.labelOf = staticmethod(labelOf)
    return made


def _choice(name, table):
    """Return the enumeration of one of the tables in `choices`."""
    return _enumeration(name, table, lambda word: panelmodel.labelOf(table, word))


def _methods(name, strategy):
    """Return the enumeration of what can be asked of a strategy."""
    return _enumeration(name, methods.offered(strategy), lambda word: panelmodel.methodLabel(word, strategy))


Operation = _choice("Operation", choices.OPERATIONS)
KernelKey = _choice("KernelKey", choices.KEYS)
Interpolation = _choice("Interpolation", choices.INTERPOLATIONS)
Whose = _choice("Whose", choices.WHOSE)
Outside = _choice("Outside", choices.OUTSIDES)
Strategy = _choice("Strategy", choices.STRATEGIES)
Effort = _choice("Effort", choices.EFFORTS)
Model = _choice("Model", choices.MODELS)
Boundary = _choice("Boundary", choices.FIXED_BOUNDARIES)
JointBoundary = _choice("JointBoundary", choices.BOUNDARIES)
Engine = _choice("Engine", choices.ENGINES)
EstimateMethod = _choice("EstimateMethod", choices.ESTIMATION_METHODS)
Method = _methods("Method", "blend")
JointMethod = _methods("JointMethod", "joint")
KernelKind = _enumeration("KernelKind", kernelrows.KINDS, kernelrows.kindLabel)


class RegionKind(enum.Enum):
    """How the region to work in is given."""

    Whole = "whole"
    Segments = "segments"
    Threshold = "threshold"
    Box = "box"

    def label(self):
        return panelmodel.regionLabel(self.value)


class Logarithm(enum.Enum):
    """Whether a stored kernel is the logarithm of the kernel."""

    No = "no"
    Natural = "natural"
    Decimal = "decimal"


class EstimateSource(enum.Enum):
    """What kernels are measured from."""

    SharpAndBlurred = onevolume.PAIR
    Points = onevolume.POINTS
    Edge = onevolume.EDGE
    Slit = onevolume.SLIT

    def label(self):
        return onevolume.sourceLabel(self.value)


class EstimateTarget(enum.Enum):
    """What is measured."""

    OneKernel = "one"
    KernelOfEachRow = "rows"

    def label(self):
        return panelmodel.estimateTargetLabel(self.value)


class Constraint(enum.Enum):
    """What is known of the kernel to be measured."""

    Simplex = "simplex"
    NonNegative = "non-negative"
    SumOne = "sum-one"
    Free = "none"

    def label(self):
        return panelmodel.constraintLabel(self.value)


@parameterPack
class KernelEntry:
    """One row of the kernel table; its words are those of `kernelrows.KernelRow`.

    at - Level, segment name or label, position (z, y, x in mm) or weight image: what the kernel belongs to.
    kind - What kind of kernel it is.
    size - Its size in mm: one number, or one an axis (k, j, i).
    direction - Angle in degrees or direction (z, y, x) of a motion.
    volume - The volume that holds the kernel, for kind Volume.
    path - The file that holds the kernel, for kind File.
    logarithm - Whether volume or file hold the logarithm of the kernel.
    options - Further words of a kernel set file as JSON, "" for none.
    weights - The volume that holds the weight image, where a volume does.
    """

    at: str = ""
    kind: KernelKind = KernelKind.Gaussian
    size: str = "1"
    direction: str = "0"
    volume: vtkMRMLScalarVolumeNode
    path: str = ""
    logarithm: Logarithm = Logarithm.No
    options: str = ""
    weights: vtkMRMLScalarVolumeNode


@parameterNodeWrapper
class SpatialDeconvParameterNode:
    """The user's choices, saved with the scene.

    inputVolume - The volume to work on; never modified.
    regionKind - How the region to work in is given.
    mask, maskSegments - The region: a label map, or segments of a segmentation (their ids; none named: all of them;
        `NO_SEGMENT`: none at all).
    thresholdLower, thresholdUpper - The region: intensities of the input volume.
    box - The region: a box.
    kernelKey - What chooses the kernel.
    kernels - The kernel table.
    kernelSetPath - Kernel set file (JSON) that is to be loaded into the table, "" for none. Scenes of earlier
        versions have one; so may scripts.
    of - Whose intensity the levels are, where no guide is chosen.
    interpolation, outside, feather - Between levels, outside of them, and width in mm of a region's border.
    guideVolume - Volume whose intensities choose the kernels; none: the input itself.
    labels - The regions, for kernels keyed by region.
    effort - What a run that chooses its method looks for.
    iterations - Number of steps of the iterative methods; 0: the method's default.
    regularization, regularizationAuto - The method's own constant, and whether it is chosen automatically.
    noise, noiseAuto - Standard deviation of the noise in image units, and whether it is estimated.
    offset, offsetAuto - Least value of a result that has one, and whether it is found.
    exclude - Keep what the mask leaves out from leaking in (convolution).
    normalizeKernels - Scale every kernel to sum one before convolving.
    cascade - Let families of Gaussians go through a cascade of coarser grids (convolution).
    slicewise - Filter every slice as a 2-D image.
    fillNonfinite - Replace NaN and infinity by the nearest finite value instead of refusing them.
    resample - Resample mask, labels and guide onto the input instead of refusing another geometry.
    outputVolume - The volume that receives the result; none: a new one for every run.
    levelCount - How many levels "levels from histogram" makes.
    previewOn, previewOpacity, previewSize - The preview: shown, how opaque, and its size in voxels.
    originalVolume, blurredVolume - The two volumes that a kernel is measured from.
    estimateVolume - The one volume that kernels are measured from, of beads, an edge or a slit; none: the input.
    estimateBeadDiameter - In µm.
    estimateOwnSize - Size in voxels of kernels from one volume; 1: as many as the blur needs.
    estimate... - How it is measured.
    """

    inputVolume: VolumeNode
    regionKind: RegionKind = RegionKind.Whole
    mask: RegionNode
    maskSegments: list[str]
    thresholdLower: float = 0.0
    thresholdUpper: float = 0.0
    box: BoxNode

    kernelKey: KernelKey = KernelKey.Intensity
    kernels: list[KernelEntry]
    kernelSetPath: str = ""
    of: Whose = Whose(choices.AUTO)
    interpolation: Interpolation = Interpolation.Linear
    outside: Outside = Outside.Nearest
    feather: Annotated[float, WithinRange(0.0, 1000.0)] = 0.0
    guideVolume: VolumeNode
    labels: RegionNode
    levelCount: Annotated[int, WithinRange(2, 100)] = 10

    operation: Operation = Operation.Deconvolve
    strategy: Strategy = Strategy(DeconvolveSettings.strategy)
    effort: Effort = Effort(DeconvolveSettings.effort)
    method: Method = Method(DeconvolveSettings.method)
    jointMethod: JointMethod = JointMethod(DeconvolveSettings.method)
    iterations: Annotated[int, WithinRange(0, 10000)] = 0
    regularizationAuto: bool = True
    regularization: Annotated[float, WithinRange(0.0, 1000.0)] = 0.01
    noiseAuto: bool = True
    noise: Annotated[float, WithinRange(0.0, 1000000.0)] = 1.0
    offsetAuto: bool = True
    offset: Annotated[float, WithinRange(-1000000.0, 1000000.0)] = 0.0
    model: Model = Model.Detector
    exclude: bool = False
    normalizeKernels: bool = False
    cascade: bool = False
    boundary: Boundary = Boundary.Edge
    jointBoundary: JointBoundary = JointBoundary.Edge
    engine: Engine = Engine.SimpleITK
    slicewise: bool = False
    fillNonfinite: bool = False
    resample: bool = False
    outputVolume: VolumeNode

    previewOn: bool = False
    previewOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 1.0
    previewSize: Annotated[int, WithinRange(16, 256)] = 64

    estimateSource: EstimateSource = EstimateSource.SharpAndBlurred
    estimateVolume: vtkMRMLScalarVolumeNode
    estimateZonesZ: Annotated[int, WithinRange(1, 50)] = 1
    estimateZonesY: Annotated[int, WithinRange(1, 50)] = 1
    estimateZonesX: Annotated[int, WithinRange(1, 50)] = 1
    estimateDegree: Annotated[int, WithinRange(0, 6)] = 0
    estimateBeadDiameter: Annotated[float, WithinRange(0.0, 100000.0)] = 0.0
    estimateSlitWidth: Annotated[float, WithinRange(0.0, 1000.0)] = 0.0
    estimateOwnSize: Annotated[int, WithinRange(1, 101)] = 1
    originalVolume: vtkMRMLScalarVolumeNode
    blurredVolume: vtkMRMLScalarVolumeNode
    estimateTarget: EstimateTarget = EstimateTarget.OneKernel
    estimateSize: Annotated[int, WithinRange(3, 101)] = 11
    estimateMethod: EstimateMethod = EstimateMethod.LeastSquares
    estimateConstraint: Constraint = Constraint.Simplex
    estimateRegister: bool = False
    estimateGain: bool = False
    estimateOffset: bool = False


def openParameterNode(node) -> SpatialDeconvParameterNode:
    """Return the choices that a scripted module node stores, also those of a scene of an earlier version."""
    hadRegionKind = node.HasParameter("regionKind")
    parameterNode = SpatialDeconvParameterNode(node)
    if not hadRegionKind and parameterNode.mask is not None:
        parameterNode.regionKind = RegionKind.Segments  # a mask was a mask, without a kind
    return parameterNode


def rowsOf(parameterNode) -> tuple[kernelrows.KernelRow, ...]:
    """Return the kernel table as plain rows."""
    return tuple(
        kernelrows.KernelRow(
            at=entry.at,
            kind=entry.kind.value,
            size=entry.size,
            direction=entry.direction,
            volume=entry.volume,
            path=entry.path,
            logarithm=entry.logarithm.value,
            options=entry.options,
            weights=entry.weights,
        )
        for entry in parameterNode.kernels
    )


def setRows(parameterNode, rows) -> None:
    """Put plain rows into the kernel table; nothing happens when they are what is there."""
    if tuple(rows) == rowsOf(parameterNode):
        return
    parameterNode.kernels = [
        KernelEntry(
            at=row.at,
            kind=KernelKind(row.kind),
            size=row.size,
            direction=row.direction,
            volume=row.volume,
            path=row.path,
            logarithm=Logarithm(row.logarithm),
            options=row.options,
            weights=row.weights,
        )
        for row in rows
    ]


def loadRows(parameterNode, path):
    """Put a kernel set file into the kernel table of a parameter node.

    :raises InputError: if the file cannot be used; the table stays as it was
    """
    made = []

    def makeVolume(kernel, name):
        made.append(nodes.volumeFromKernel(kernel, name))
        return made[-1]

    try:
        key, rows, options = kernelrows.rowsFromFile(path, makeVolume)
    except Exception:
        for volume in made:
            slicer.mrmlScene.RemoveNode(volume)
        raise
    with slicer.util.NodeModify(parameterNode):
        parameterNode.kernelKey = KernelKey(key)
        parameterNode.of = Whose(options.get("of", choices.AUTO))
        if "interpolation" in options:
            parameterNode.interpolation = Interpolation(options["interpolation"])
        parameterNode.outside = Outside(options.get("outside", "nearest"))
        parameterNode.feather = float(options.get("feather", 0.0))
        parameterNode.kernelSetPath = ""
        setRows(parameterNode, rows)


def snapshotOf(parameterNode):
    """Return the choices that a run depends on, for `restore`."""
    kept = {name: parameterNode.getValue(name) for name in _RUN_FIELDS}
    return {**kept, "maskSegments": list(parameterNode.maskSegments)}, rowsOf(parameterNode)


def restore(parameterNode, snapshot):
    """Put the choices of a snapshot back; nodes that have left the scene become "none"."""
    kept, rows = snapshot
    with slicer.util.NodeModify(parameterNode):
        for name, value in kept.items():
            isGone = hasattr(value, "GetScene") and value.GetScene() is None
            parameterNode.setValue(name, None if isGone else value)
        setRows(parameterNode, rows)


# Where a result goes, what is shown and what is measured make no difference to a run.
_RUN_FIELDS = tuple(
    name
    for name in SpatialDeconvParameterNode.__annotations__
    if not name.startswith(("preview", "estimate"))
    and name not in ("kernels", "kernelSetPath", "levelCount", "outputVolume", "originalVolume", "blurredVolume")
)


def stateOf(parameterNode) -> panelmodel.PanelState:
    """Return the choices as panelmodel's plain values."""
    node = parameterNode
    return panelmodel.PanelState(
        operation=node.operation.value,
        strategy=node.strategy.value,
        effort=node.effort.value,
        blendMethod=node.method.value,
        jointMethod=node.jointMethod.value,
        model=node.model.value,
        blendBoundary=node.boundary.value,
        jointBoundary=node.jointBoundary.value,
        engine=node.engine.value,
        iterations=node.iterations,
        regularizationAuto=node.regularizationAuto,
        regularization=node.regularization,
        noiseAuto=node.noiseAuto,
        noise=node.noise,
        offsetAuto=node.offsetAuto,
        offset=node.offset,
        exclude=node.exclude,
        normalize=node.normalizeKernels,
        cascade=node.cascade,
        slicewise=node.slicewise,
        resample=node.resample,
        fillNonfinite=node.fillNonfinite,
        inputVolume=node.inputVolume,
        guide=node.guideVolume,
        labels=node.labels,
        region=node.regionKind.value,
        mask=maskOf(node),
        slices=places.sliceCount(node.inputVolume),
        channels=channels.channelCount(node.inputVolume),
        frames=browsers.frameCount(node.inputVolume),
        hasSegments=bool(places.segmentsOf(node.mask)),
        isEmptyMask=node.mask is not None and places.isEmptyRegion(node.mask, chosenSegments(node)),
        outputVolume=node.outputVolume,
        kernelSet=kernelrows.tableSummary(
            node.kernelKey.value, rowsOf(node), channelnames.channelWords(node.inputVolume)
        ),
    )


def maskOf(parameterNode):
    """Return the chosen region in the words of selections.maskArray; None for the whole volume or none yet."""
    node, kind = parameterNode, parameterNode.regionKind
    if kind == RegionKind.Segments and node.mask is not None:
        if not node.maskSegments or not places.segmentsOf(node.mask):
            return node.mask
        chosen = chosenSegments(node)
        return (node.mask, chosen) if chosen else None
    if kind == RegionKind.Threshold and node.inputVolume is not None:
        return selections.ThresholdRange(node.thresholdLower, node.thresholdUpper)
    return node.box if kind == RegionKind.Box else None


def chosenSegments(parameterNode):
    """Return the ids of the segments that are the region: all of them while none is named."""
    ids = [segmentId for segmentId, _name in places.segmentsOf(parameterNode.mask)]
    named = parameterNode.maskSegments
    return [segmentId for segmentId in ids if not named or segmentId in named]


def fieldOf(parameterNode):
    """Return the kernel field of the table.

    :raises InputError: if a row is wrong; the message names it
    """
    return kernelrows.fieldFromRows(*tableOf(parameterNode), _weightsOf(parameterNode))


def fieldKeysOf(parameterNode):
    """Return the kernel field of the table without its kernels, which are still to be measured.

    :raises InputError: if a level, region or position is wrong; the message names it
    """
    return kernelrows.keysFromRows(*tableOf(parameterNode), _weightsOf(parameterNode))


def _weightsOf(parameterNode):
    """Return how weight images come onto the voxels of the input volume."""
    reference, resample = parameterNode.inputVolume, parameterNode.resample
    return lambda volume, number: weightimages.weightArray(volume, number, reference, resample)


def oneVolumeOf(parameterNode) -> onevolume.OneVolume:
    """Return what is to be measured from one volume."""
    node = parameterNode
    return onevolume.OneVolume(
        source=node.estimateSource.value,
        volume=node.estimateVolume or node.inputVolume,
        mask=maskOf(node),
        resample=node.resample,
        size=node.estimateOwnSize,
        zones=(node.estimateZonesZ, node.estimateZonesY, node.estimateZonesX),
        degree=node.estimateDegree,
        beadDiameter=node.estimateBeadDiameter,
        slitWidth=node.estimateSlitWidth,
    )


def tableOf(parameterNode):
    """Return the table with its options, as `kernelrows.fieldFromRows` takes them; equal ones mean equal fields."""
    node = parameterNode
    options = node.interpolation.value, node.outside.value, node.feather, node.of.value
    return node.kernelKey.value, rowsOf(node), *options
