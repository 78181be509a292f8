"""3D Slicer scripted module: spatially variant deconvolution and convolution of volumes.

The work is done by SpatialDeconvLib, which lies beside this file when the extension is installed and one
folder up in a source checkout. It is imported at the point of use, so that Slicer starts without loading it.
"""

# ruff: noqa: PT009, PT027 (the self test runs inside Slicer, which has unittest but no pytest)

import enum
import logging
import os
import sys
import time
from typing import Annotated, Union

import slicer
import vtk
from slicer import (
    vtkMRMLLabelMapVolumeNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLVectorVolumeNode,
)
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# Slicer's parameter node wrapper serializes typing.Union, takes "no node" only where None is in it, and lets
# the node selectors offer exactly these classes.
VolumeNode = Union[vtkMRMLScalarVolumeNode, vtkMRMLVectorVolumeNode, None]  # noqa: UP007
RegionNode = Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007


def findLibrary() -> None:
    """Let SpatialDeconvLib be imported: from beside this file (installed) or one folder up (checkout)."""
    moduleFolder = os.path.dirname(os.path.abspath(__file__))
    for folder in (moduleFolder, os.path.dirname(moduleFolder)):
        if os.path.isfile(os.path.join(folder, "SpatialDeconvLib", "__init__.py")):
            if folder not in sys.path:
                sys.path.insert(0, folder)
            return
    raise ImportError(
        f"SpatialDeconvLib lies neither in {moduleFolder} nor one folder up; install the extension again"
    )


def panelModel():
    """Return the module that decides what the panel shows; it needs neither Qt nor the scene."""
    findLibrary()
    from SpatialDeconvLib.doors import panelmodel

    return panelmodel


#
# SpatialDeconv
#


class SpatialDeconv(ScriptedLoadableModule):
    """Description of the module for Slicer's module selector and its help section."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Spatially Variant Deconvolution")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Filtering")]
        self.parent.dependencies = []
        self.parent.contributors = ["The SpatialDeconv developers"]
        self.parent.helpText = _("""
Removes (or applies) blur that differs from place to place: the kernel of every voxel is chosen by its
intensity, by the region it lies in, or by its position. Choose an input volume and a kernel set file, then
press Apply. "Sample Data" has two volumes with their kernel sets to begin with.
""")
        self.parent.acknowledgementText = _("""
The filters are those of ITK and SimpleITK. The sample volume is the ICBM 152 T1 template of the Montreal
Neurological Institute, McGill University.
""")
        slicer.app.connect("startupCompleted()", registerSampleData)


#
# Sample data
#


def registerSampleData():
    """Add the two demo cases to the Sample Data module; both come with the extension, nothing is downloaded."""
    import SampleData

    iconsFolder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Resources", "Icons")
    for case, sampleName in SAMPLE_NAMES.items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="SpatialDeconv",
            sampleName=sampleName,
            # Sample Data wants an address and a file name for every node, but leaves all to customDownloader.
            uris=f"spatialdeconv:{case}",
            fileNames=f"{sampleName}.nrrd",
            nodeNames=sampleName,
            thumbnailFileName=os.path.join(iconsFolder, f"{sampleName}.png"),
            customDownloader=loadSample,
        )


SAMPLE_NAMES = {"brain": "SpatialDeconvBrain", "portal": "SpatialDeconvPortal"}


def loadSample(source):
    """Load the sample of a Sample Data source, show it, and return its nodes."""
    case = next(case for case, sampleName in SAMPLE_NAMES.items() if sampleName == source.sampleName)
    with slicer.util.WaitCursor():
        blurred, truth = SpatialDeconvLogic().loadSample(case)
    slicer.util.setSliceViewerLayers(background=blurred, fit=True)
    return [blurred, truth]


#
# SpatialDeconvParameterNode
#


class Operation(enum.Enum):
    """What Apply does. The scene stores the names of the members: never rename them."""

    Deconvolve = "deconvolve"
    Convolve = "convolve"

    def label(self):
        return panelModel().operation_label(self.value)


class Method(enum.Enum):
    """The deconvolution filters. The scene stores the names of the members: never rename them."""

    Inverse = "inverse"
    Tikhonov = "tikhonov"
    Wiener = "wiener"
    Landweber = "landweber"
    ProjectedLandweber = "projected-landweber"
    RichardsonLucy = "richardson-lucy"

    def label(self):
        return panelModel().method_label(self.value)


class Model(enum.Enum):
    """Where the kernel of a voxel belongs. The scene stores the names of the members: never rename them."""

    Detector = "detector"
    Source = "source"

    def label(self):
        return panelModel().model_label(self.value)


class Boundary(enum.Enum):
    """The image beyond its border. The scene stores the names of the members: never rename them."""

    Edge = "edge"
    Zero = "zero"
    Periodic = "periodic"

    def label(self):
        return panelModel().boundary_label(self.value)


class Engine(enum.Enum):
    """Who computes the filters. The scene stores the names of the members: never rename them."""

    SimpleITK = "simpleitk"
    FFT = "fft"

    def label(self):
        return panelModel().engine_label(self.value)


@parameterNodeWrapper
class SpatialDeconvParameterNode:
    """The user's choices, saved with the scene.

    inputVolume - The volume to work on; never modified.
    kernelSetPath - Kernel set file (JSON), "" for none.
    guideVolume - Volume whose intensities choose the kernels; none: the input itself.
    labels - The regions, for kernel sets keyed by region.
    mask - Where to work; none: everywhere.
    iterations - Number of steps of the iterative methods; 0: the method's default.
    regularization, regularizationAuto - The method's own constant, and whether it is chosen automatically.
    noise, noiseAuto - Standard deviation of the noise in image units, and whether it is estimated.
    exclude - Keep what the mask leaves out from leaking in (convolution).
    slicewise - Filter every slice as a 2-D image.
    fillNonfinite - Replace NaN and infinity by the nearest finite value instead of refusing them.
    resample - Resample mask, labels and guide onto the input instead of refusing another geometry.
    outputVolume - The volume that receives the result; none: a new one for every run.
    """

    inputVolume: VolumeNode
    kernelSetPath: str = ""
    guideVolume: VolumeNode
    labels: RegionNode
    mask: RegionNode
    operation: Operation = Operation.Deconvolve
    method: Method = Method.Wiener
    iterations: Annotated[int, WithinRange(0, 10000)] = 0
    regularizationAuto: bool = True
    regularization: Annotated[float, WithinRange(0.0, 1000.0)] = 0.01
    noiseAuto: bool = True
    noise: Annotated[float, WithinRange(0.0, 1000000.0)] = 1.0
    model: Model = Model.Detector
    exclude: bool = False
    boundary: Boundary = Boundary.Edge
    engine: Engine = Engine.SimpleITK
    slicewise: bool = False
    fillNonfinite: bool = False
    resample: bool = False
    outputVolume: VolumeNode


#
# SpatialDeconvWidget
#

# The widgets of each control that is not always shown; the names are those of panelmodel.visible_controls.
CONTROL_WIDGETS = {
    "guide": ("guideLabel", "guideSelector"),
    "labels": ("labelsLabel", "labelsSelector"),
    "method": ("methodLabel", "methodComboBox", "methodSentenceLabel"),
    "iterations": ("iterationsLabel", "iterationsSpinBox"),
    "regularization": ("regularizationLabel", "regularizationRow"),
    "noise": ("noiseLabel", "noiseRow"),
    "engine": ("engineLabel", "engineComboBox"),
    "exclude": ("excludeLabel", "excludeCheckBox"),
    "resample": ("resampleLabel", "resampleCheckBox"),
}

# The fields of panelmodel.disabled_controls.
FIELD_WIDGETS = {"regularizationValue": "regularizationSpinBox", "noiseValue": "noiseSpinBox"}

SECTIONS = (
    "inputsCollapsibleButton",
    "methodCollapsibleButton",
    "advancedCollapsibleButton",
    "outputCollapsibleButton",
)


class PanelRun:
    """One run started from the panel: passes progress on, repaints Slicer, and remembers a wish to stop.

    The engine works in the main thread and calls `progress` and `cancelled` all the time; both let Slicer
    handle its events ten times a second. Whatever the user does meanwhile (cancel, close the scene, leave or
    reload the module) only sets flags here and is acted upon when the engine has returned.
    """

    REPAINT_INTERVAL = 0.1  # seconds

    def __init__(self, show):
        self.cancelRequested = False
        self.sceneClosed = False
        self.panelGone = False
        self._show = show
        self._started = self._painted = time.monotonic()
        self._fraction, self._text = 0.0, _("Preparing...")

    def progress(self, fraction, text):
        self._fraction, self._text = fraction, text
        self._repaint()

    def cancelled(self):
        self._repaint()
        return self.cancelRequested

    def _repaint(self):
        now = time.monotonic()
        if now - self._painted < self.REPAINT_INTERVAL:
            return
        self._painted = now
        if not (self.panelGone or self.cancelRequested):
            self._show(self._fraction, self._text, now - self._started)
        slicer.app.processEvents()


class SpatialDeconvWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel. It shows what panelmodel decides and passes the user's choices to the logic."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._model = None
        self._kernelSet = None
        self._kernelSetStamp = None
        self._run = None

    # -- life cycle

    def setup(self) -> None:
        """Called when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        self._model = panelModel()

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/SpatialDeconv.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)

        self.logic = SpatialDeconvLogic()

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneChangeEnd)
        # While a scene is read, the node selectors choose nodes by themselves and would overwrite what was
        # saved: let go of the parameter node, and take it up again after the selectors (lower priority).
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneChangeEnd, priority=-1.0)

        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved)

        # No connector exists for a path that may be empty. The path line edit reports paths that exist with
        # the first signal, and that there is none (any more) with the second.
        self.ui.kernelSetPathLineEdit.connect("currentPathChanged(QString)", self.onKernelSetPathEdited)
        self.ui.kernelSetPathLineEdit.connect("validInputChanged(bool)", self.onKernelSetPathEdited)
        self.ui.applyButton.connect("clicked(bool)", self.onApplyButton)

        self.ui.statusLabel.text = ""
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """Called when the application closes or the module is reloaded."""
        if self._run:
            self._run.cancelRequested = True
            self._run.panelGone = True
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens another module."""
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event) -> None:
        """Called just before the scene is closed."""
        if self._run:
            self._run.cancelRequested = True
            self._run.sceneClosed = True
        else:
            self.ui.statusLabel.text = ""
        self.setParameterNode(None)

    def onSceneStartImport(self, caller, event) -> None:
        """Called just before a scene is read."""
        self.setParameterNode(None)

    def onSceneChangeEnd(self, caller, event) -> None:
        """Called after the scene was closed or read: show its parameter node if the panel is open."""
        if self.parent.isEntered and not self._parameterNode and not slicer.mrmlScene.IsBatchProcessing():
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        """Called before a node leaves the scene: an optional choice becomes "none".

        A node selector would choose another node instead: Apply would overwrite a volume that nobody chose.
        """
        if not self._parameterNode:
            return
        for name in ("guideVolume", "labels", "mask", "outputVolume"):
            if self._parameterNode.getValue(name) is node:
                self._parameterNode.setValue(name, None)

    def onReload(self) -> None:
        """Reload the library's modules in the order of their dependencies, then this one."""
        if self._run:
            self._run.cancelRequested = True
            self.ui.statusLabel.text = _("The run is being cancelled; reload again when it has stopped.")
            return
        from SpatialDeconvLib.doors import reloading

        reloading.reloadLibrary()
        super().onReload()

    def initializeParameterNode(self) -> None:
        """Connect the panel to the parameter node and choose a first input volume."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.inputVolume:
            firstVolumeNode = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
            if firstVolumeNode:
                self._parameterNode.inputVolume = firstVolumeNode

    def setParameterNode(self, parameterNode) -> None:
        """Show and observe another parameter node, or none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self._parameterNodeGuiTag = None
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
            self.onParameterNodeModified()

    # -- from the parameter node to the panel and back

    def onKernelSetPathEdited(self, _changed=None) -> None:
        """The user chose or typed another kernel set file."""
        path = self.ui.kernelSetPathLineEdit.currentPath
        if self._parameterNode and self._parameterNode.kernelSetPath != path:
            self._parameterNode.kernelSetPath = path

    def onParameterNodeModified(self, caller=None, event=None) -> None:
        """Show what the choices in the parameter node mean."""
        if not self._parameterNode:
            return
        path = self._parameterNode.kernelSetPath
        if self.ui.kernelSetPathLineEdit.currentPath != path:
            self.ui.kernelSetPathLineEdit.currentPath = path
        state = self.panelState()
        shown = self._model.visible_controls(state)
        for control, names in CONTROL_WIDGETS.items():
            for name in names:
                getattr(self.ui, name).visible = control in shown
        waiting = self._model.disabled_controls(state)
        for field, name in FIELD_WIDGETS.items():
            getattr(self.ui, name).enabled = field not in waiting
        self.ui.kernelSetSummaryLabel.text = state.kernel_set.text
        self.ui.methodSentenceLabel.text = self._model.method_sentence(state.method)
        self.ui.iterationsSpinBox.specialValueText = self._model.default_iterations_text(state.method)
        self.ui.regularizationLabel.text = self._model.constant_label(state.method)
        self.ui.regularizationSpinBox.toolTip = self._model.constant_tool_tip(state.method)
        if not self._run:
            self.ui.applyButton.enabled = not self._model.what_is_missing(state)
            self.ui.applyButton.toolTip = self._model.apply_tool_tip(state)

    def panelState(self):
        """Return the choices in the parameter node as panelmodel's plain values."""
        node = self._parameterNode
        return self._model.PanelState(
            operation=node.operation.value,
            method=node.method.value,
            model=node.model.value,
            boundary=node.boundary.value,
            engine=node.engine.value,
            iterations=node.iterations,
            regularization_auto=node.regularizationAuto,
            regularization=node.regularization,
            noise_auto=node.noiseAuto,
            noise=node.noise,
            exclude=node.exclude,
            slicewise=node.slicewise,
            fill_nonfinite=node.fillNonfinite,
            resample=node.resample,
            input_volume=node.inputVolume,
            guide=node.guideVolume,
            labels=node.labels,
            mask=node.mask,
            output_volume=node.outputVolume,
            kernel_set=self._kernelSetSummary(node.kernelSetPath),
        )

    def _kernelSetSummary(self, path):
        """Look at the kernel set file again only when it has changed."""
        try:
            stamp = (path, os.stat(path).st_mtime_ns)
        except OSError:
            stamp = (path, None)
        if self._kernelSet is None or stamp != self._kernelSetStamp:
            self._kernelSet, self._kernelSetStamp = self._model.kernel_set_summary(path), stamp
        return self._kernelSet

    # -- a run

    def onApplyButton(self, _checked=False) -> None:
        """Start a run, or cancel the one that is on."""
        if self._run:
            self._run.cancelRequested = True
            self.ui.applyButton.enabled = False
            self.ui.statusLabel.text = _("Cancelling...")
            return
        if not self._parameterNode:  # the scene is being read
            return
        state = self.panelState()
        missing = self._model.what_is_missing(state)  # a file may have gone since the button was enabled
        if missing:
            self._showError(missing)
            return
        self._run = run = PanelRun(self._showProgress)
        self._showRunning(True)
        error = output = result = None
        try:
            output, result = self.logic.runState(state, self._parameterNode.kernelSetPath, run)
        except Exception as exception:
            error = exception
        self._run = None
        if not run.panelGone:
            self._showRunning(False)
        self._finish(run, state, output, result, error)

    def _finish(self, run, state, output, result, error) -> None:
        """Show how a run ended. A run that was cancelled leaves nothing behind."""
        if output is not None and run.cancelRequested and state.output_volume is None:
            # The wish to stop came after the engine had looked for it the last time.
            for node in (output.GetDisplayNode(), output):
                if node:
                    slicer.mrmlScene.RemoveNode(node)
            output = None
        if run.panelGone:
            return
        if output is not None and not run.sceneClosed:
            self.ui.statusLabel.text = self._model.result_text(result, output.GetName())
            slicer.util.setSliceViewerLayers(background=output, fit=False)
        elif run.cancelRequested:
            self.ui.statusLabel.text = _("Cancelled; nothing was changed.")
        else:
            if not isinstance(error, ValueError | OSError | MemoryError):
                logging.error("SpatialDeconv failed", exc_info=error)
            self._showError(self._model.error_text(error))

    def _showRunning(self, running) -> None:
        """Turn Apply into Cancel and close the inputs for the time of a run, or back."""
        for name in SECTIONS:
            getattr(self.ui, name).enabled = not running
        self.ui.progressBar.value = 0
        self.ui.progressBar.visible = running
        self.ui.applyButton.text = _("Cancel") if running else _("Apply")
        self.ui.applyButton.enabled = True
        if running:
            self.ui.applyButton.toolTip = _("Stop and leave the scene as it is.")
            self.ui.statusLabel.text = _("Preparing...")
            slicer.app.processEvents()
        else:
            self.onParameterNodeModified()

    def _showProgress(self, fraction, text, seconds) -> None:
        self.ui.progressBar.value = int(100 * fraction)
        self.ui.statusLabel.text = self._model.progress_text(fraction, text, seconds)

    def _showError(self, text) -> None:
        self.ui.statusLabel.text = text
        slicer.util.errorDisplay(text, windowTitle=_("Spatially Variant Deconvolution"))


#
# SpatialDeconvLogic
#


class SpatialDeconvLogic(ScriptedLoadableModuleLogic):
    """The module from Python: the same functions that the panel and the command line run."""

    def getParameterNode(self):
        """Return the panel's parameter node of the scene."""
        return SpatialDeconvParameterNode(super().getParameterNode())

    def deconvolve(
        self,
        inputVolume,
        kernels,
        outputVolume=None,
        mask=None,
        labels=None,
        guide=None,
        progress=None,
        cancelled=None,
        **options,
    ):
        """Deconvolve a volume with kernels that differ from place to place.

        :param inputVolume: volume node, never modified
        :param kernels: kernel set file, KernelField, Kernel, or volume node that holds a kernel
        :param outputVolume: volume node that receives the result (default: a new one)
        :param mask, labels, guide: volume or segmentation nodes, (segmentation, [segments]), or arrays (k, j, i)
        :param progress: callable (fraction, text)
        :param cancelled: callable () -> bool; when it returns True the run raises SpatialDeconvLib.Cancelled
            and the scene stays as it was
        :param options: arguments of SpatialDeconvLib.deconvolve (method, iterations, noise, ...), and
            resample=True to resample mask, labels and guide of another geometry
        :return: output volume node and SpatialDeconvLib.Result
        """
        findLibrary()
        from SpatialDeconvLib.doors import nodes

        return nodes.deconvolveVolume(
            inputVolume, kernels, outputVolume, mask=mask, labels=labels, guide=guide,
            progress=progress, cancelled=cancelled, **options,
        )  # fmt: skip

    def convolve(
        self,
        inputVolume,
        kernels,
        outputVolume=None,
        mask=None,
        labels=None,
        guide=None,
        progress=None,
        cancelled=None,
        **options,
    ):
        """Blur a volume with kernels that differ from place to place.

        Parameters and return value as for `deconvolve`; `options` are the arguments of
        SpatialDeconvLib.convolve (model, exclude, ...).
        """
        findLibrary()
        from SpatialDeconvLib.doors import nodes

        return nodes.convolveVolume(
            inputVolume, kernels, outputVolume, mask=mask, labels=labels, guide=guide,
            progress=progress, cancelled=cancelled, **options,
        )  # fmt: skip

    def loadSample(self, name, folder=None):
        """Load a demo case, generated on this computer, and choose it in the panel.

        :param name: "brain" (MR volume, ten kernels keyed to intensity) or "portal" (portal image, one kernel)
        :param folder: where the kernel set file is written (default: Slicer's cache folder)
        :return: blurred volume node, sharp volume node
        """
        findLibrary()
        from SpatialDeconvLib.doors import samples

        if folder is None:
            cache = slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory()
            folder = os.path.join(cache, f"SpatialDeconv-{name}")
        (blurred, truth), kernelSet = samples.loadCase(name, folder)
        parameterNode = self.getParameterNode()
        parameterNode.inputVolume = blurred
        parameterNode.kernelSetPath = str(kernelSet)
        return blurred, truth

    def runState(self, state, kernelSetPath, run):
        """Run what the panel shows.

        :param state: panelmodel.PanelState
        :param run: object with `progress` and `cancelled`
        :return: output volume node and SpatialDeconvLib.Result
        """
        model = panelModel()
        operation = self.convolve if state.operation == "convolve" else self.deconvolve
        return operation(
            state.input_volume,
            kernelSetPath,
            state.output_volume,
            mask=state.mask,
            labels=model.used_labels(state),
            guide=model.used_guide(state),
            progress=run.progress,
            cancelled=run.cancelled,
            **model.engine_options(state),
        )


#
# SpatialDeconvTest
#


class SpatialDeconvTest(ScriptedLoadableModuleTest):
    """Self test on small generated volumes: checks numbers, downloads nothing."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        findLibrary()

    def runTest(self, **kwargs):
        for test in (
            self.test_OneKernelEqualsSimpleITK,
            self.test_TenKernelsRestoreABlurredVolume,
            self.test_ConvolvingKeepsAConstantVolume,
            self.test_OutputHasTheGeometryOfTheInput,
            self.test_CancellingLeavesTheSceneAsItWas,
            self.test_BadInputIsOneLineAndLeavesTheSceneAsItWas,
        ):
            self.setUp()
            test()
        self.delayDisplay("SpatialDeconv: all tests passed")

    # -- made-up data

    def makeVolume(self, array, name="phantom"):
        node = slicer.util.addVolumeFromArray(array)
        node.SetName(name)
        node.SetSpacing(1.0, 1.0, 1.5)
        node.SetOrigin(-10.0, 20.0, 5.0)
        return node

    def makePhantom(self):
        """Ellipsoids of ten intensities on a dark ground, float32, (k, j, i) = (20, 56, 56)."""
        import numpy as np

        k, j, i = np.indices((20, 56, 56))
        array = np.full(k.shape, 10.0, np.float32)
        random = np.random.default_rng(7)
        for intensity in 10.0 * random.integers(2, 11, 40):
            centre, radius = random.uniform((2, 6, 6), (18, 50, 50)), random.uniform(2, 7)
            inside = (k - centre[0]) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2 < radius**2
            array[inside] = intensity
        return array

    def tenKernels(self):
        import SpatialDeconvLib as sd

        kernels = {10.0 * n: sd.gaussian_kernel(0.6 + 0.1 * n, (1.5, 1.0, 1.0)) for n in range(1, 11)}
        return sd.KernelField.by_intensity(kernels)

    # -- tests

    def test_OneKernelEqualsSimpleITK(self):
        """With a single kernel the result is that of the SimpleITK filter itself."""
        import numpy as np
        import SimpleITK as sitk

        import SpatialDeconvLib as sd

        self.delayDisplay("One kernel against SimpleITK")
        array = self.makePhantom()
        kernel = sd.gaussian_kernel(1.2, (1.5, 1.0, 1.0))
        output, result = SpatialDeconvLogic().deconvolve(
            self.makeVolume(array), kernel, method="richardson-lucy", iterations=3
        )
        expected = sitk.GetArrayFromImage(
            sitk.RichardsonLucyDeconvolution(
                sitk.GetImageFromArray(array),
                sitk.GetImageFromArray((kernel.values / kernel.values.sum()).astype(np.float32)),
                3,
            )
        )
        difference = np.abs(slicer.util.arrayFromVolume(output) - expected).max()
        self.assertEqual(result.iterations, 3)
        self.assertLess(difference, 1e-4 * np.abs(expected).max())

    def test_TenKernelsRestoreABlurredVolume(self):
        """Deconvolving with the ten kernels that blurred a volume brings it closer to the original."""
        import numpy as np

        import SpatialDeconvLib as sd

        self.delayDisplay("Ten kernels keyed to intensity")
        logic, truth, field = SpatialDeconvLogic(), self.makePhantom(), self.tenKernels()
        blurred, _result = logic.convolve(self.makeVolume(truth), field)
        array = slicer.util.arrayFromVolume(blurred).copy()
        array += np.random.default_rng(1).normal(0, 0.2, array.shape).astype(np.float32)
        slicer.util.updateVolumeFromArray(blurred, array)
        before = sd.psnr(truth, array)
        for method in ("wiener", "richardson-lucy"):
            output, _result = logic.deconvolve(blurred, field, method=method, noise=0.2)
            after = sd.psnr(truth, slicer.util.arrayFromVolume(output))
            logging.info(f"{method}: PSNR {before:.2f} dB before, {after:.2f} dB after")
            self.assertGreater(after, before + 0.5)

    def test_ConvolvingKeepsAConstantVolume(self):
        """Kernels of sum one leave a constant volume unchanged, also where several are blended."""
        import numpy as np

        self.delayDisplay("Convolving a constant")
        array = np.full((6, 12, 12), 37.0, np.float32)
        output, _result = SpatialDeconvLogic().convolve(self.makeVolume(array), self.tenKernels())
        self.assertLess(np.abs(slicer.util.arrayFromVolume(output) - 37.0).max(), 1e-3)

    def test_OutputHasTheGeometryOfTheInput(self):
        """The result lies where the input lies, in a node of its own or in the given one."""
        self.delayDisplay("Geometry of the output")
        inputVolume = self.makeVolume(self.makePhantom())
        given = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "given")
        created, _result = SpatialDeconvLogic().deconvolve(inputVolume, self.tenKernels())
        filled, _result = SpatialDeconvLogic().deconvolve(inputVolume, self.tenKernels(), given)
        self.assertIs(filled, given)
        for node in (created, filled):
            self.assertEqual(node.GetSpacing(), inputVolume.GetSpacing())
            self.assertEqual(node.GetOrigin(), inputVolume.GetOrigin())
            self.assertEqual(
                slicer.util.arrayFromVolume(node).shape, slicer.util.arrayFromVolume(inputVolume).shape
            )

    def test_CancellingLeavesTheSceneAsItWas(self):
        """A cancelled run raises Cancelled and adds no node."""
        import SpatialDeconvLib as sd

        self.delayDisplay("Cancelling")
        inputVolume = self.makeVolume(self.makePhantom())
        before = slicer.mrmlScene.GetNumberOfNodes()
        asked = []

        def cancelled():
            asked.append(True)
            return len(asked) > 3

        with self.assertRaises(sd.Cancelled):
            SpatialDeconvLogic().deconvolve(inputVolume, self.tenKernels(), cancelled=cancelled)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)

    def test_BadInputIsOneLineAndLeavesTheSceneAsItWas(self):
        """An input that cannot be used is refused with one line, and no node is added."""
        import SpatialDeconvLib as sd

        self.delayDisplay("Bad input")
        inputVolume = self.makeVolume(self.makePhantom())
        before = slicer.mrmlScene.GetNumberOfNodes()
        for arguments in (
            {"kernels": os.path.join(os.path.dirname(__file__), "no-such-set.json")},
            {"kernels": self.tenKernels(), "method": "magic"},
            {"kernels": self.tenKernels(), "noise": -1.0},
        ):
            with self.assertRaises(sd.InputError) as caught:
                SpatialDeconvLogic().deconvolve(inputVolume, **arguments)
            self.assertEqual(len(str(caught.exception).splitlines()), 1)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), before)
