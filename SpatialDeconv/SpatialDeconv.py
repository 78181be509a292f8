"""3D Slicer scripted module: spatially variant deconvolution and convolution of volumes.

The work is done by SpatialDeconvLib, which lies beside this file when the extension is installed and one
folder up in a source checkout. It is imported at the point of use, so that Slicer starts without loading it.
"""

# ruff: noqa: PT009, PT027 (the self test runs inside Slicer, which has unittest but no pytest)

import logging
import os
import pathlib
import sys

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


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


def resourceFolder() -> pathlib.Path:
    """Return the folder of what lies beside the module."""
    return pathlib.Path(__file__).resolve().parent / "Resources"


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
intensity, by the region it lies in, or by its position. Choose an input volume, fill the kernel table or load a
kernel set, look at the preview, then press Apply. "Sample Data" has two volumes with their kernels to begin with.
""")
        self.parent.helpText += '<p><a href="{address}">{text}</a></p>'.format(
            address=(resourceFolder() / "Help" / "SpatialDeconv.html").as_uri(),
            text=_("How to use it (a page that needs no network)"),
        )
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
# SpatialDeconvWidget
#

# The forms that are put into the frames of the main one.
FORMS = {
    "weightsFrame": "SpatialDeconvWeights",
    "estimateFrame": "SpatialDeconvEstimate",
    "previewFrame": "SpatialDeconvPreview",
    "sheetFrame": "SpatialDeconvSheet",
    "compareFrame": "SpatialDeconvCompare",
    "whyFrame": "SpatialDeconvWhy",
    "runsFrame": "SpatialDeconvRuns",
}

# The layouts whose labels make one column through the whole panel.
FORM_LAYOUTS = (
    "inputsFormLayout", "kernelKeyFormLayout", "kernelFormLayout", "kernelOptionsFormLayout", "regionFormLayout",
    "estimateFormLayout", "methodFormLayout", "advancedFormLayout", "previewLayout",
)  # fmt: skip

# The layouts of widgets that lie in fewer columns where the panel is narrow.
GRIDS = ("compareLayout", "estimateAllowLayout", "kernelButtonsLayout")

# The widgets of each control that is not always shown; the names are those of panelmodel.visibleControls.
CONTROL_WIDGETS = {
    "segmentation": ("maskLabel", "maskSelector"),
    "segments": ("maskSegmentsLabel", "maskSegmentsComboBox"),
    "threshold": ("thresholdLabel", "thresholdRangeWidget"),
    "box": ("boxLabel", "boxSelector"),
    "guide": ("guideLabel", "guideSelector"),
    "labels": ("labelsLabel", "labelsSelector"),
    "of": ("ofLabel", "ofComboBox"),
    "interpolation": ("interpolationLabel", "interpolationComboBox"),
    "outside": ("outsideLabel", "outsideComboBox"),
    "feather": ("featherLabel", "featherSpinBox"),
    "slicewise": ("slicewiseLabel", "slicewiseCheckBox"),
    "strategy": ("strategyLabel", "strategyComboBox"),
    "method": ("methodLabel", "methodComboBox"),
    "jointMethod": ("jointMethodLabel", "jointMethodComboBox"),
    "engine": ("engineLabel", "engineComboBox"),
    "iterations": ("iterationsLabel", "iterationsSpinBox"),
    "regularization": ("regularizationLabel", "regularizationRow"),
    "noise": ("noiseLabel", "noiseRow"),
    "boundary": ("boundaryLabel", "boundaryComboBox"),
    "jointBoundary": ("jointBoundaryLabel", "jointBoundaryComboBox"),
    "offset": ("offsetLabel", "offsetRow"),
    "exclude": ("excludeLabel", "excludeCheckBox"),
    "normalize": ("normalizeLabel", "normalizeCheckBox"),
    "cascade": ("cascadeLabel", "cascadeCheckBox"),
    "resample": ("resampleLabel", "resampleCheckBox"),
}

# The fields of panelmodel.disabledControls.
FIELD_WIDGETS = {
    "regularizationValue": "regularizationSpinBox",
    "noiseValue": "noiseSpinBox",
    "offsetValue": "offsetSpinBox",
}


def _firstVolume():
    """Return the first scalar volume of the scene that is no label map, None without one."""
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    isImage = "vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"
    return next((v for v in volumes if v.GetClassName() in isImage and not v.GetHideFromEditors()), None)


# The labels that wrap their text.
WRAPPED_LABELS = (
    "kernelNotesLabel",
    "kernelSetSummaryLabel",
    "weightsStatusLabel",
    "estimateStatusLabel",
    "methodSentenceLabel",
    "previewStatusLabel",
    "sheetStatusLabel",
    "whyStatusLabel",
    "verdictLabel",
    "statusLabel",
    "runsStatusLabel",
)

# The parameters that become "none" when their node leaves the scene.
NODE_PARAMETERS = (
    "inputVolume", "guideVolume", "labels", "mask", "box", "outputVolume", "originalVolume", "blurredVolume",
    "estimateVolume",
)  # fmt: skip


class SpatialDeconvWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel. It shows what panelmodel decides and passes the user's choices to the logic."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.runner = self.wrapped = self.narrow = self.fonts = None
        self._form = self._controls = self._cancelKey = None
        self._owner = ""
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        self._input, self._inputSlices = None, 0
        self._parts = self._views = self._column = ()

    # -- life cycle

    def setup(self) -> None:
        """Called when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        findLibrary()
        from SpatialDeconvLib.panel import (
            applysection,
            choicetips,
            compare,
            estimatesection,
            forms,
            goalsection,
            kerneltable,
            narrow,
            plotbeside,
            preview,
            regionsection,
            running,
            runssection,
            sheetsection,
            weightsplot,
            whysection,
        )
        from SpatialDeconvLib.panel import model as panelmodel

        self._model = panelmodel
        self._loadForms()
        self.logic = SpatialDeconvLogic()
        self._showOwner = running.showOwner
        self.runner = running.JobRunner(self.onOwnerChanged)
        self.ui.ofComboBox.toolTip = panelmodel.whoseToolTip()
        self.tips = choicetips.ChoiceTips(self.ui, resourceFolder() / "Choices")
        self.region = regionsection.RegionSection(self.ui, self.parameterNode)
        self.wrapped = forms.WrappedLabels(
            (getattr(self.ui, name) for name in WRAPPED_LABELS), self._form, lambda: self.narrow.fit()
        )
        self.table = kerneltable.KernelTable(self.ui, self.parameterNode, self.showError, self.wrapped.update)
        self.plots = plotbeside.PlotBeside()
        self.estimate = estimatesection.EstimateSection(self)
        self.goal = goalsection.GoalSection(self)
        self.apply = applysection.ApplySection(self)
        self.weights = weightsplot.WeightsPlot(self)
        self.preview = preview.PreviewController(self)
        self.sheet = sheetsection.ContactSheet(self)
        self.comparison = compare.Comparison(self)
        self.why = whysection.WhySection(self)
        self.runs = runssection.RunsSection(self)
        # What shows something outside the panel, or asks the engine by itself.
        self._views = (
            self.estimate,
            self.weights,
            self.preview,
            self.sheet,
            self.comparison,
            self.why,
            self.runs,
            self.goal,
        )
        self._cancelKey = forms.shortcut("Esc", self.parent, self.onCancelKey)
        self._cancelKey.enabled = False  # the key is the others' while there is nothing to stop
        self._parts = (self.region, self.tips, self.table, self.apply, *self._views, self.wrapped)
        self.narrow = narrow.NarrowPanel(vars(self.ui).values(), [getattr(self.ui, name) for name in GRIDS])
        self.fonts = forms.EventWatch(self._form, forms.FONT_EVENTS, self.onFontChanged)
        self.onFontChanged()

        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneChangeEnd)
        # While a scene is read, the node selectors choose nodes by themselves and would overwrite what was
        # saved: let go of the parameter node, and take it up again after the selectors (lower priority).
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.onSceneChangeEnd, priority=-1.0)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved)
        self.initializeParameterNode()

    def _loadForms(self) -> None:
        from SpatialDeconvLib.panel import forms

        form = slicer.util.loadUI(self.resourcePath("UI/SpatialDeconv.ui"))
        frames = slicer.util.childWidgetVariables(form)
        parts = {frame: slicer.util.loadUI(self.resourcePath(f"UI/{name}.ui")) for frame, name in FORMS.items()}
        for frame, part in parts.items():
            getattr(frames, frame).layout().addWidget(part)
        self.layout.addWidget(form)
        self.ui = slicer.util.childWidgetVariables(form)
        for part in (form, *parts.values()):
            part.setMRMLScene(slicer.mrmlScene)
        forms.orderTabs(form.layout())
        self._form = form
        layouts = [getattr(self.ui, name) for name in FORM_LAYOUTS]
        self._column = forms.columnOf(layouts)
        self._controls = forms.FormRows(self.ui, layouts, CONTROL_WIDGETS)

    def onFontChanged(self) -> None:
        """The labels have another size."""
        from SpatialDeconvLib.panel import forms

        forms.align(self._column)
        self.apply.verdict.fontChanged(self._form.font)
        self.narrow.fontChanged()
        self.wrapped.update()

    def cleanup(self) -> None:
        """Called when the application closes or the module is reloaded."""
        if self.runner:  # not there when setup has failed
            self.runner.abandon()
        for view in self._views:
            view.cleanup()
        if self.wrapped:
            self.wrapped.cleanup()
        if self.fonts:
            self.fonts.cleanup()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        from SpatialDeconvLib.panel import narrow

        narrow.contentWithLess(self.parent)  # Slicer has just asked for all the width that it would like
        self.initializeParameterNode()

    def exit(self) -> None:
        """Called each time the user opens another module."""
        for view in self._views:
            view.stop()
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event) -> None:
        """Called just before the scene is closed."""
        self.runner.cancel()
        self.apply.sceneClosed()
        self.plots.sceneClosed()
        self.table.otherScene()
        for view in self._views:
            view.sceneClosed()
        self.setParameterNode(None)

    def onSceneStartImport(self, caller, event) -> None:
        """Called just before a scene is read."""
        self.table.otherScene()
        for view in self._views:
            view.stop()
        self.setParameterNode(None)

    def onSceneChangeEnd(self, caller, event) -> None:
        """Called after the scene was closed or read: show its parameter node if the panel is open."""
        if self.parent.isEntered and not self._parameterNode and not slicer.mrmlScene.IsBatchProcessing():
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller, event, node) -> None:
        """Called when a node was added: the first volume of a scene becomes the input."""
        if self._parameterNode and not self._parameterNode.inputVolume and node is _firstVolume():
            self._parameterNode.inputVolume = node

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, caller, event, node) -> None:
        """Called before a node leaves the scene: a choice becomes "none".

        A node selector would choose another node instead: Apply would overwrite a volume that nobody chose.
        """
        if not self._parameterNode:
            return
        for name in NODE_PARAMETERS:
            if self._parameterNode.getValue(name) is node:
                self._parameterNode.setValue(name, None)
        self.table.forget(node)
        self.comparison.forget(node)

    def onReload(self) -> None:
        """Reload the library's modules in the order of their dependencies, then this one."""
        if self.runner.kind:
            self.runner.cancel()
            self.apply.say(_("The run is being cancelled; reload again when it has stopped."))
            return
        from SpatialDeconvLib.panel import reloading

        reloading.reloadLibrary()
        super().onReload()

    def onOwnerChanged(self, owner) -> None:
        """A run that the user waits for begins or has ended: nothing else can be begun, or all can again."""
        self._cancelKey.enabled = bool(owner) or self.runner.kind == "sheet"
        if owner == self._owner:  # a run that nobody waits for: what the last one has said stays
            return
        self._owner = owner
        self._showOwner(self.ui, owner)
        if self._parameterNode:
            state = self.panelState()
            self.apply.update(state)
            self.estimate.update(state)

    def onCancelKey(self) -> None:
        """Escape stops what the user waits for."""
        stopped = {"apply": self.apply, "estimate": self.estimate, "sheet": self.sheet}
        running = self.runner.owner or self.runner.kind
        if running in stopped:
            stopped[running].cancel()

    # -- the parameter node

    def parameterNode(self):
        """Return the user's choices, None while the panel is closed or a scene is being read."""
        return self._parameterNode

    def initializeParameterNode(self) -> None:
        """Connect the panel to the parameter node and choose a first input volume."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.inputVolume:
            firstVolumeNode = _firstVolume()
            if firstVolumeNode:
                self._parameterNode.inputVolume = firstVolumeNode

    def setParameterNode(self, parameterNode) -> None:
        """Show and observe another parameter node, or none."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self._parameterNodeGuiTag = None
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
            self._observeInput(None)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterNodeModified)
            self.onParameterNodeModified()

    def onParameterNodeModified(self, caller=None, event=None) -> None:
        """Show what the choices in the parameter node mean."""
        if not self._parameterNode:
            return
        if self._parameterNode.kernelSetPath:
            self.loadKernelSet()
            return  # the table has modified the parameter node
        state = self.panelState()
        self._observeInput(state.inputVolume, state.slices)
        self._showControls(state)
        for part in self._parts:
            part.update(state)

    def _observeInput(self, volume, slices=0) -> None:
        """A volume may get its voxels after it was chosen, or others."""
        before, self._input, self._inputSlices = self._input, volume, slices
        if volume is before:
            return
        event = slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent
        if before is not None:
            self.removeObserver(before, event, self.onInputImageModified)
        if volume is not None:
            self.addObserver(volume, event, self.onInputImageModified)

    def onInputImageModified(self, caller, event) -> None:
        """Called when the input volume has other voxels."""
        from SpatialDeconvLib.mrml import places

        if places.sliceCount(self._input) != self._inputSlices:
            self.onParameterNodeModified()

    def loadKernelSet(self) -> None:
        """Take the kernel set file of a script or of a scene of an earlier version into the table."""
        path, self._parameterNode.kernelSetPath = self._parameterNode.kernelSetPath, ""
        self.table.load(path)

    def _showControls(self, state) -> None:
        self._controls.show(self._model.visibleControls(state))
        waiting = self._model.disabledControls(state)
        for field, name in FIELD_WIDGETS.items():
            getattr(self.ui, name).enabled = field not in waiting
        chosen = (state.method, state.strategy)
        self.ui.strategyComboBox.toolTip = self._model.strategySentence(state.strategy)
        self.ui.iterationsSpinBox.specialValueText = self._model.defaultIterationsText(*chosen)
        self.ui.regularizationLabel.text = self._model.constantLabel(*chosen)
        self.ui.regularizationSpinBox.toolTip = self._model.constantToolTip(*chosen)

    def panelState(self):
        """Return the choices in the parameter node as panelmodel's plain values."""
        from SpatialDeconvLib.panel import parameters

        return parameters.stateOf(self._parameterNode)

    def showResult(self, inputVolume, output, result=None, residuals=None) -> None:
        """Show what a run has made, with the window and level of what it was made from.

        :param residuals: sheets.ResidualSequence of a run on a sequence
        """
        if self._parameterNode:
            self._parameterNode.previewOn = False  # it would cover the result
        shown = {node.GetBackgroundVolumeID() for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")}
        # The slices stay where they are, unless they show something else than what was worked on.
        slicer.util.setSliceViewerLayers(background=output, fit=inputVolume.GetID() not in shown)
        self.comparison.setPair(inputVolume, output, result, residuals)
        if self._parameterNode:
            self.why.update(self.panelState())

    def showError(self, text, cure=None) -> None:
        """Tell the user what went wrong, and offer what cures it by one click (panelmodel.Cure)."""
        self.apply.warn(text, cure)
        slicer.util.errorDisplay(text, windowTitle=_("Spatially Variant Deconvolution"))


#
# SpatialDeconvLogic
#


class SpatialDeconvLogic(ScriptedLoadableModuleLogic):
    """The module from Python: the same functions that the panel and the command line run."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        findLibrary()  # so that a script can import SpatialDeconvLib from here on

    def getParameterNode(self):
        """Return the panel's parameter node of the scene."""
        from SpatialDeconvLib.panel import parameters

        return parameters.openParameterNode(super().getParameterNode())

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
        settings=None,
        **options,
    ):
        """Deconvolve a volume with kernels that differ from place to place.

        :param inputVolume: volume node, never modified; or sequence node, of which every frame is done
        :param kernels: kernel set file, KernelField, Kernel, or volume node that holds a kernel
        :param outputVolume: node that receives the result (default: a new one)
        :param mask, labels, guide: volume or segmentation nodes, (segmentation, [segments]), or arrays (k, j, i)
        :param progress: callable (fraction, text)
        :param cancelled: callable () -> bool; when it returns True the run raises SpatialDeconvLib.Cancelled
            and the scene stays as it was
        :param settings: SpatialDeconvLib.DeconvolveSettings, in place of options
        :param options: arguments of SpatialDeconvLib.deconvolve (method, iterations, noise, ...), and
            resample=True to resample mask, labels and guide of another geometry
        :return: output volume node and SpatialDeconvLib.Result; for a sequence its output and a list of results
        """
        output, result = self._operation("deconvolve", inputVolume)(
            inputVolume, kernels, outputVolume, mask=mask, labels=labels, guide=guide,
            progress=progress, cancelled=cancelled, settings=settings, **options,
        )  # fmt: skip
        for choice in dict.fromkeys(each.describe_choice() for each in self._listed(result)):
            if choice:
                logging.info(f"{output.GetName()}: {choice}")
        return output, result

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
        settings=None,
        **options,
    ):
        """Blur a volume with kernels that differ from place to place.

        Parameters and return value as for `deconvolve`; `options` are the arguments of
        SpatialDeconvLib.convolve (model, exclude, ...).
        """
        return self._operation("convolve", inputVolume)(
            inputVolume, kernels, outputVolume, mask=mask, labels=labels, guide=guide,
            progress=progress, cancelled=cancelled, settings=settings, **options,
        )  # fmt: skip

    def compare_methods(self, inputVolume, kernels, **options):
        """Restore a block of a volume with every method there is.

        :param options: around, the voxel (k, j, i) in the middle of the block, and size, its edges in voxels; mask,
            labels, guide, progress, cancelled and arguments of SpatialDeconvLib.deconvolve as for `deconvolve`
        :return: SpatialDeconvLib.Sheet, whose tiles have image, gain, residual and seconds
        """
        from SpatialDeconvLib.mrml import sheets

        return sheets.compareMethods(inputVolume, kernels, **options)

    def residual_map(self, inputVolume, result):
        """Show what a result leaves unexplained of the volume that it was made from, in units of the noise.

        :param result: what `deconvolve` has returned beside its output
        :return: volume node, blue to red over four times the noise, of a vector volume with as many channels, and a
            list of SpatialDeconvLib.ResidualMap, one for each channel, which say how well every kernel fits
        """
        from SpatialDeconvLib.mrml import sheets
        from SpatialDeconvLib.panel import comparing

        maps = sheets.residualMaps(result)
        node = sheets.residualVolume(inputVolume, maps)
        comparing.showResidual(node, maps)
        return node, maps

    def residual_sequence(self, inputSequence):
        """Return what collects the residual maps of a sequence: give it to `deconvolve` as its argument finished.

        :return: callable; its `node` is a sequence of the maps of the frames, its `maps` their
            SpatialDeconvLib.ResidualMaps by frame, its `show()` lets the sequence's browser show them
        """
        from SpatialDeconvLib.mrml import sheets

        return sheets.ResidualSequence(inputSequence)

    @staticmethod
    def _listed(result):
        return result if isinstance(result, list) else [result]

    @staticmethod
    def _operation(name, node):
        from SpatialDeconvLib.mrml import nodes, sequences

        isSequence = hasattr(node, "IsA") and node.IsA("vtkMRMLSequenceNode")
        return getattr(sequences, f"{name}Sequence") if isSequence else getattr(nodes, f"{name}Volume")

    def estimate_kernel(self, originalVolume, blurredVolume, shape, mask=None, outputVolume=None, **options):
        """Measure the one kernel that turns a volume into its blurred image.

        :param shape: voxels of the kernel, one odd number or one per axis (k, j, i)
        :param options: arguments of SpatialDeconvLib.estimate_kernel (constraint, ...), progress, cancelled
        :return: volume node that holds the kernel, and the kernel with its record `estimate`
        """
        from SpatialDeconvLib.mrml import estimating

        return estimating.estimateKernel(originalVolume, blurredVolume, shape, mask, outputVolume, **options)

    def estimate_kernels(
        self, originalVolume, blurredVolume, keys, shape, labels=None, guide=None, mask=None, **options
    ):
        """Measure one kernel per intensity level, region or position.

        :param keys: levels of intensity, or a KernelField whose keys count and whose kernels are ignored
        :param shape: voxels of a kernel, one odd number or one per axis (k, j, i)
        :param options: arguments of SpatialDeconvLib.estimate_kernels, progress, cancelled
        :return: KernelField with its record `estimate`; it goes into `deconvolve` as it is
        """
        from SpatialDeconvLib.mrml import estimating

        return estimating.estimateKernels(
            originalVolume, blurredVolume, keys, shape, labels=labels, guide=guide, mask=mask, **options
        )

    def kernels_from_points(self, volume, mask=None, **options):
        """Measure kernels from a volume of beads, stars or other small bright things that are alike.

        :param mask: where points are looked for
        :param options: arguments of SpatialDeconvLib.psfs_from_points (zones, degree, ...), progress, cancelled
        :return: PointSpreads; its `field` goes into `deconvolve` as it is
        """
        from SpatialDeconvLib.mrml import measuring

        return measuring.kernelsFromPoints(volume, mask, **options)

    def kernel_from_edge(self, volume, target="edge", mask=None, **options):
        """Measure a kernel and the MTF from a volume of one straight edge or slit, slanted against the voxels.

        :param target: "edge" or "slit"
        :param options: arguments of SpatialDeconvLib.psf_from_edge or psf_from_slit, progress, cancelled
        :return: EdgeSpread; its `kernel` goes into `deconvolve` as it is
        """
        from SpatialDeconvLib.mrml import measuring

        return measuring.kernelFromEdge(volume, target, mask, **options)

    def loadSample(self, name, folder=None):
        """Load a demo case, generated on this computer, and choose it in the panel.

        :param name: "brain" (MR volume, ten kernels keyed to intensity) or "portal" (portal image, one kernel)
        :param folder: where the kernel set file is written (default: Slicer's cache folder)
        :return: blurred volume node, sharp volume node
        """
        from SpatialDeconvLib.panel import samples

        if folder is None:
            cache = slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory()
            folder = os.path.join(cache, f"SpatialDeconv-{name}")
        (blurred, truth), kernelSet = samples.loadCase(name, folder)
        from SpatialDeconvLib.panel import parameters

        parameterNode = self.getParameterNode()
        parameterNode.inputVolume = blurred
        parameters.loadRows(parameterNode, kernelSet)
        return blurred, truth

    def run(self, request, outputVolume=None, progress=None, cancelled=None, **more):
        """Run what the panel shows.

        :param request: panelmodel.PanelRun
        :param more: finished, for a sequence: see `residual_sequence`
        :return: output volume node and SpatialDeconvLib.Result
        """
        operation = self.convolve if request.settings.operation == "convolve" else self.deconvolve
        return operation(
            request.inputVolume, request.kernels, outputVolume, settings=request.settings,
            progress=progress, cancelled=cancelled, **request.selections, **more,
        )  # fmt: skip


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
            self.test_JointRestoresMoreThanBlending,
            self.test_WithoutAMethodTheResultSaysWhichItTook,
            self.test_TheTableGivesTheConsolesNumbers,
            self.test_OnlyTheChosenSegmentChanges,
            self.test_AMeasuredKernelIsTheOneThatBlurred,
            self.test_EveryFrameOfASequenceIsDone,
            self.test_TheSceneKeepsTheTable,
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

    def test_JointRestoresMoreThanBlending(self):
        """Inverting the blur that varies from place to place beats blending a filter's results."""
        import SpatialDeconvLib as sd

        self.delayDisplay("Joint against blend")
        logic, truth, field = SpatialDeconvLogic(), self.makePhantom()[4:16, :40, :40], self.tenKernels()
        sharp = self.makeVolume(truth)
        blurred, _result = logic.convolve(sharp, field)
        found = {}
        for strategy in ("blend", "joint"):
            output, _result = logic.deconvolve(
                blurred, field, guide=sharp, strategy=strategy, method="richardson-lucy", iterations=10, noise=0.05
            )
            found[strategy] = sd.psnr(truth, slicer.util.arrayFromVolume(output))
        logging.info("PSNR of blend and joint: {blend:.2f} dB, {joint:.2f} dB".format(**found))
        self.assertGreater(found["joint"], found["blend"])

    def test_WithoutAMethodTheResultSaysWhichItTook(self):
        """What is chosen by itself is what a script can ask for by name, bit by bit."""
        import numpy as np

        self.delayDisplay("The automatic choice")
        logic, volume = SpatialDeconvLogic(), self.makeVolume(self.makePhantom()[4:10, :32, :32])
        output, result = logic.deconvolve(volume, self.tenKernels(), noise=0.5)
        taken = {name: result.automatic[name] for name in ("strategy", "method")}
        named, result = logic.deconvolve(volume, self.tenKernels(), noise=0.5, **taken)
        self.assertEqual(result.describe_choice(), "")
        self.assertTrue(np.array_equal(slicer.util.arrayFromVolume(output), slicer.util.arrayFromVolume(named)))

    def test_TheTableGivesTheConsolesNumbers(self):
        """The rows of the panel's table are the kernels of a script, bit by bit."""
        import numpy as np

        import SpatialDeconvLib as sd
        from SpatialDeconvLib.panel import kernelrows, parameters
        from SpatialDeconvLib.panel import model as panelmodel

        self.delayDisplay("The kernel table")
        logic = SpatialDeconvLogic()
        node = logic.getParameterNode()
        node.inputVolume = self.makeVolume(self.makePhantom()[:8])
        node.strategy = parameters.Strategy.Blend
        node.method = parameters.Method.Wiener
        rows = [kernelrows.KernelRow(str(10 * n), "gaussian", str(0.6 + 0.1 * n)) for n in (1, 5, 10)]
        parameters.setRows(node, rows)
        state = parameters.stateOf(node)
        self.assertEqual(panelmodel.whatIsMissing(state), "")
        panel, _result = logic.run(panelmodel.runFrom(state, parameters.fieldOf(node)))
        kernels = {10.0 * n: sd.ParametricKernel("gaussian", sigma_mm=0.6 + 0.1 * n) for n in (1, 5, 10)}
        console, _result = logic.deconvolve(node.inputVolume, sd.KernelField.by_intensity(kernels), method="wiener")
        self.assertTrue(np.array_equal(slicer.util.arrayFromVolume(panel), slicer.util.arrayFromVolume(console)))

    def test_OnlyTheChosenSegmentChanges(self):
        """Voxels outside the chosen segments keep their value exactly."""
        import numpy as np

        from SpatialDeconvLib.mrml import files

        self.delayDisplay("A segment as region")
        files.registerConverterRules()
        volume = self.makeVolume(self.makePhantom()[:6])
        array = slicer.util.arrayFromVolume(volume)
        labels = slicer.util.addVolumeFromArray(
            np.where(np.indices(array.shape)[2] < 20, 1, 2).astype(np.uint8),
            nodeClassName="vtkMRMLLabelMapVolumeNode",
        )
        labels.CopyOrientation(volume)
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(labels, segmentation)
        first = segmentation.GetSegmentation().GetNthSegmentID(0)
        output, _result = SpatialDeconvLogic().deconvolve(
            volume, self.tenKernels(), mask=(segmentation, [first]), method="wiener", noise=0.5
        )
        changed = slicer.util.arrayFromVolume(output) != array
        self.assertFalse(changed[:, :, 20:].any())
        self.assertGreater(changed[:, :, :20].mean(), 0.9)

    def test_AMeasuredKernelIsTheOneThatBlurred(self):
        """From a sharp and a blurred volume comes the kernel between them."""
        import numpy as np

        import SpatialDeconvLib as sd

        self.delayDisplay("Measuring a kernel")
        logic, sharp = SpatialDeconvLogic(), self.makeVolume(self.makePhantom()[4:16, :40, :40])
        values = sd.gaussian_kernel(0.8, (1.5, 1.0, 1.0)).values
        kernel = sd.Kernel(values[1:-1, 1:-1, 1:-1], (1.5, 1.0, 1.0)).normalized()
        blurred, _result = logic.convolve(sharp, kernel)
        node, measured = logic.estimate_kernel(sharp, blurred, kernel.shape, constraint="simplex")
        error = np.linalg.norm(measured.values - kernel.values) / np.linalg.norm(kernel.values)
        logging.info(f"relative error of the measured kernel: {error:.4f}")
        self.assertLess(error, 0.05)
        self.assertTrue(np.array_equal(slicer.util.arrayFromVolume(node), measured.values))

    def test_EveryFrameOfASequenceIsDone(self):
        """Each frame of the output is what the frame alone gives."""
        import numpy as np

        self.delayDisplay("A sequence")
        logic, array = SpatialDeconvLogic(), self.makePhantom()[:6, :24, :24]
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "frames")
        for number in range(3):
            sequence.SetDataNodeAtValue(self.makeVolume(array + 5 * number), str(number))
        output, results = logic.deconvolve(sequence, self.tenKernels(), method="wiener", noise=0.5)
        self.assertEqual(len(results), 3)
        second = sequence.GetNthDataNode(1)
        alone, _result = logic.deconvolve(second, self.tenKernels(), method="wiener", noise=0.5)
        frame = slicer.util.arrayFromVolume(output.GetNthDataNode(1))
        self.assertTrue(np.array_equal(frame, slicer.util.arrayFromVolume(alone)))

    def test_TheSceneKeepsTheTable(self):
        """A scene that is saved and read again has the same rows, with the volumes they refer to."""
        from SpatialDeconvLib.panel import kernelrows, parameters

        self.delayDisplay("Saving the table")
        node = SpatialDeconvLogic().getParameterNode()
        kernel = self.makeVolume(self.makePhantom()[:5, :5, :5], "kernel")
        rows = [
            kernelrows.KernelRow("10", "motion", "5", "0, 1, 1"),
            kernelrows.KernelRow("20", "volume", volume=kernel, logarithm="decimal"),
        ]
        parameters.setRows(node, rows)
        slicer.mrmlScene.SetSaveToXMLString(1)
        slicer.mrmlScene.Commit()
        again = slicer.vtkMRMLScene()
        again.SetLoadFromXMLString(1)
        again.SetSceneXMLString(slicer.mrmlScene.GetSceneXMLString())
        slicer.mrmlScene.SetSaveToXMLString(0)
        again.Import()
        stored = again.GetSingletonNode("SpatialDeconv", "vtkMRMLScriptedModuleNode")
        first, second = parameters.rowsOf(parameters.openParameterNode(stored))
        self.assertEqual(first, rows[0])
        self.assertEqual((second.at, second.kind, second.logarithm), ("20", "volume", "decimal"))
        self.assertEqual(second.volume.GetName(), "kernel")
        self.assertIs(second.volume.GetScene(), again)

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
        created, _result = SpatialDeconvLogic().deconvolve(inputVolume, self.tenKernels(), method="wiener")
        filled, _result = SpatialDeconvLogic().deconvolve(inputVolume, self.tenKernels(), given, method="wiener")
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
