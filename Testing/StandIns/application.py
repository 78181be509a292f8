"""STAND-IN for the running Slicer: application, main window, layout and modules, with a real MRML scene. Test use.

`Window` puts the stand-ins where Slicer's Python looks for them and takes them away again:

    with Window() as window:                # qt, ctk, slicer.app, slicer.modules, slicer.mrmlScene ...
        panel = window.open("SpatialDeconv/SpatialDeconv.py")   # as selecting the module does
        panel.ui.applyButton.click()

slicer.util is the real one of slicer-core; its functions for the screen (loadUI, childWidgetVariables, messageBox,
errorDisplay, setSliceViewerLayers, reloadScriptedModule ...) run on the stand-in qt and ctk. After the sources:

qSlicerApplication, qSlicerCoreApplication (Base/QTGUI, QTCore)   processEvents, layoutManager, settings ...
qSlicerLayoutManager, qMRMLLayoutManager.cxx     a slice widget for every slice view of the layout, with real
    vtkMRMLSliceLogics of the scene. Without a main window there is no layout manager (None).
qSlicerScriptedLoadableModuleWidget.cxx          first selection: __init__, setup, enter; reload: cleanup (by
    slicer.util), __init__ and setup but no enter; isEntered is a property
SampleData.py       registerCustomSampleDataSource fills slicer.modules.sampleDataSources

Dialogs do not wait for anybody: what is shown is kept in `window.shown`, and the answers come from
`window.answers`. A question that no test answers is an error.
"""

import contextlib
import ctypes
import importlib.util
import logging
import os
import sys
import tempfile
import types

import shiboken6
import slicer
import vtk

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import ctk_widgets
import mrml_widgets  # noqa: F401
import parameter_nodes
import pythonqt
import scripted_module
import ui_loader  # noqa: F401
from mrml_widgets import qMRMLWidget, qSlicerWidget
from PySide6.QtCore import Property, QCoreApplication, QObject, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollArea, QVBoxLayout, QWidget
from pythonqt import implement, override, wrap

window = None  # the Window that is open

# PySide6 6.12 drops references to True, False and None now and then (a signal that carries a bool is enough, or a
# virtual method in Python). Before Python 3.12, where they are not immortal, the interpreter would stop one day:
# give them enough to lose. The count is the first field of an object.
if sys.version_info < (3, 12):
    for constant in (True, False, None):
        ctypes.c_ssize_t.from_address(id(constant)).value += 2**40


# -- the application


@implement
class qSlicerApplication(QObject):
    startupCompleted = Signal()
    _sceneChanged = Signal(object)
    SIGNALS = {"mrmlSceneChanged(vtkMRMLScene*)": "_sceneChanged"}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self._modules = qSlicerModuleManager(self)
        self._layout = None
        self._logic = None

    def __getattr__(self, name):  # what every QApplication has
        return getattr(QApplication.instance(), name)

    @Property(int)
    def doubleClickInterval(self):
        return QApplication.doubleClickInterval()

    def processEvents(self, *_given):
        QApplication.processEvents()

    def layoutManager(self):
        return self._layout

    def moduleManager(self):
        return self._modules

    def mrmlScene(self):
        return slicer.mrmlScene

    def applicationLogic(self):
        return self._logic

    def testingEnabled(self):
        return False

    def settings(self):
        return QSettings()

    userSettings = settings

    def pauseRender(self):
        pass

    resumeRender = pauseRender

    def setRenderPaused(self, paused):
        pass

    applicationName = Property(str, lambda self: "Slicer")
    applicationVersion = Property(str, lambda self: "5.12.3")
    majorVersion = Property(int, lambda self: 5)
    minorVersion = Property(int, lambda self: 12)
    temporaryPath = Property(str, lambda self: tempfile.gettempdir())


@implement
class qSlicerModuleManager(QObject):
    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def module(self, name):
        return next((module for module in window.modules.values() if module.property("name") == name), None)

    def modulesNames(self):
        return list(window.modules)


# -- the window


@implement
class qSlicerMainWindow(QMainWindow):
    def __init__(self):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")


@implement
class qMRMLSliceView(QWidget):
    def __init__(self, *given):
        super().__init__(*given)
        self.renders = 0

    def forceRender(self):
        self.renders += 1

    scheduleRender = forceRender


@implement
class qMRMLSliceControllerWidget(qMRMLWidget):
    def __init__(self, *given):
        super().__init__(*given)
        self._logic = None

    def setSliceLink(self, linked):
        for index in range(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
            slicer.mrmlScene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode").SetLinkedControl(linked)

    def setSliceVisible(self, visible):
        self._logic.GetSliceNode().SetSliceVisible(visible)

    def setSliceOffsetValue(self, offset):
        self._logic.SetSliceOffset(offset)

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()


@implement
class qMRMLSliceWidget(qMRMLWidget):
    def __init__(self, logic):
        super().__init__()
        self._logic = logic
        self._view = qMRMLSliceView(self)
        self._controller = qMRMLSliceControllerWidget(self)
        self._controller._logic = logic

    def sliceLogic(self):
        return self._logic

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self._logic.GetSliceCompositeNode()

    def sliceView(self):
        return self._view

    def sliceController(self):
        return self._controller

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()


@implement
class qSlicerLayoutManager(QObject):
    _layoutChanged = Signal(int)
    SIGNALS = {"layoutChanged(int)": "_layoutChanged"}  # noqa: RUF012

    def __init__(self, parent):
        super().__init__(parent)
        self._widgets = {}
        self._layoutLogic = slicer.vtkMRMLLayoutLogic()

    def setScene(self, scene):
        self._widgets.clear()
        self._layoutLogic.SetMRMLScene(scene)
        self.setLayout(3)  # four views, Slicer's default

    def release(self):
        """Let go of the scene, logics first: it must not be cleared under them."""
        for widget in self._widgets.values():
            widget._logic.SetMRMLScene(None)
        self._widgets.clear()
        self._layoutLogic.SetMRMLScene(None)

    def layoutLogic(self):
        return self._layoutLogic

    def _node(self):
        return self._layoutLogic.GetLayoutNode()

    def setLayout(self, layout):
        if self._node() is not None:
            self._node().SetViewArrangement(layout)
            for name in self.sliceViewNames():
                self.sliceWidget(name)
        self._layoutChanged.emit(layout)

    def _layout(self):
        return self._node().GetViewArrangement() if self._node() is not None else 0

    def sliceViewNames(self):
        views = self._layoutLogic.GetViewNodes()
        nodes = [views.GetItemAsObject(i) for i in range(views.GetNumberOfItems())]
        return [node.GetLayoutName() for node in nodes if node.IsA("vtkMRMLSliceNode")]

    def sliceWidget(self, name):
        scene = slicer.mrmlScene
        for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            node = scene.GetNthNodeByClass(index, "vtkMRMLSliceNode")
            if node.GetLayoutName() == name:
                if name not in self._widgets or self._widgets[name].mrmlSliceNode() is not node:
                    logic = slicer.vtkMRMLSliceLogic()
                    logic.SetMRMLApplicationLogic(window.app._logic)
                    logic.SetMRMLScene(scene)
                    logic.SetSliceNode(node)
                    self._widgets[name] = qMRMLSliceWidget(logic)
                return self._widgets[name]
        return None

    def mrmlSliceLogics(self):
        logics = vtk.vtkCollection()
        for name in self.sliceViewNames():
            logics.AddItem(self.sliceWidget(name).sliceLogic())
        return logics

    def pauseRender(self):
        pass

    resumeRender = pauseRender

    def resetSliceViews(self):
        for name in self.sliceViewNames():
            self.sliceWidget(name).fitSliceToBackground()

    layout = Property(int, _layout, setLayout)
    threeDViewCount = Property(int, lambda self: 0)
    tableViewCount = Property(int, lambda self: 0)
    plotViewCount = Property(int, lambda self: 0)


# -- modules


@implement
class qSlicerScriptedLoadableModule(QObject):
    def __init__(self, path):
        super().__init__()
        self._path = path
        self._widget = None

    def widgetRepresentation(self):
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self)
            self._widget.load()
        return self._widget

    name = Property(str, lambda self: os.path.splitext(os.path.basename(self._path))[0])
    path = Property(str, lambda self: self._path)
    title = ctk_widgets.value(str, "title", "")
    helpText = ctk_widgets.value(str, "helpText", "")
    acknowledgementText = ctk_widgets.value(str, "acknowledgementText", "")
    categories = ctk_widgets.value("QStringList", "categories", [])
    dependencies = ctk_widgets.value("QStringList", "dependencies", [])
    contributors = ctk_widgets.value("QStringList", "contributors", [])
    associatedNodeTypes = ctk_widgets.value("QStringList", "associatedNodeTypes", [])
    icon = ctk_widgets.value(QIcon, "icon", None)
    hidden = ctk_widgets.value(bool, "hidden", False)
    index = ctk_widgets.value(int, "index", -1)

    def update(self):
        pass


@implement
class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """The container of a scripted panel; it holds the Python object."""

    def __init__(self, module):
        super().__init__()
        self._module, self._python, self._entered = module, None, False
        QVBoxLayout(self)

    def load(self):
        self._instantiate()
        self.setMRMLScene(slicer.mrmlScene)
        self._call("setup")

    def _instantiate(self):
        name = self._module.property("name")
        cls = getattr(sys.modules[name], f"{name}Widget")
        self._python = cls(wrap(self))
        setattr(slicer.modules, f"{name}Widget", self._python)

    def _call(self, method):
        """Call the panel; an exception is printed and swallowed as by qSlicerPythonCppAPI::callMethod."""
        try:
            getattr(self._python, method)()
        except Exception as error:
            logging.exception("the panel raised in %s", method)
            pythonqt.swallowed.append(error)

    def enter(self):
        self._entered = True
        self._call("enter")

    def exit(self):
        self._entered = False
        self._call("exit")

    def reload(self):
        self._instantiate()
        self._call("setup")

    isEntered = Property(bool, lambda self: self._entered)
    moduleName = Property(str, lambda self: self._module.property("name"))


@override("qSlicerScriptedLoadableModuleWidget", "self")
def _self(target):
    return target._python


class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(
        category="Custom", sampleName=None, uris=None, fileNames=None, nodeNames=None, customDownloader=None,
        thumbnailFileName=None, loadFileTypes=None, loadFiles=None, loadFileProperties=None, checksums=None,
        loadFileType=None,
    ):  # fmt: skip
        source = types.SimpleNamespace(**locals())
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        slicer.modules.sampleDataSources.setdefault(category, []).append(source)


# -- dialogs


def _answer(what, default=None):
    """Return the next answer of the test; a function is called with what is shown."""
    window.shown.append(what)
    if window.answers:
        answer = window.answers.pop(0)
        return answer(what) if callable(answer) else answer
    if default is not None:
        return default
    raise AssertionError(f"nobody answers this dialog: {what}")


@override("QDialog", "exec")
def _execDialog(target):
    text = target.property("text") or target.windowTitle()
    only = isinstance(target, pythonqt.QtWidgets.QMessageBox) and target.standardButtons().value in (0, 1024)
    return _answer(pythonqt.wrap(target) if not only else text, 1024 if only else None)


@override("QMenu", "exec")
def _execMenu(target, *_where):
    wanted = _answer([action.text() for action in target.actions()])
    return next((action for action in target.actions() if action.text() == wanted), None)


def _static(className, method, default=None):
    override(className, method)(lambda _cls, *given: _answer((method, *given[1:3]), default))


for _method in ("getOpenFileName", "getSaveFileName", "getExistingDirectory", "getOpenFileNames"):
    _static("QFileDialog", _method)
for _method in ("getText", "getMultiLineText", "getItem", "getInt", "getDouble"):
    _static("QInputDialog", _method)
for _method in ("question", "warning", "information", "critical"):
    _static("QMessageBox", _method)


@override("QApplication", "setOverrideCursor")
def _setOverrideCursor(target, cursor):
    QApplication.setOverrideCursor(cursor)  # PySide6 returns a guard, which would restore the cursor


# -- putting it all in place


class TimerClass:
    """qt.QTimer with singleShot as ctk adds it in Python: (milliseconds, callable)."""

    @staticmethod
    def singleShot(milliseconds, slot):
        QTimer.singleShot(int(milliseconds), pythonqt.Target(slot))


MODULE_LOGICS = ("vtkSlicerMarkupsLogic", "vtkSlicerSegmentationsModuleLogic", "vtkSlicerSequencesLogic")


def _application():
    if QApplication.instance() is None:
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        QApplication(["SlicerStandIn"])
    return QApplication.instance()


class Window:
    """Slicer as far as the panel needs it, while the `with` block lasts."""

    def __init__(self, mainWindow=True):
        self._wantsMainWindow = mainWindow
        self.modules, self.shown, self.answers, self._descriptions = {}, [], [], []

    def __enter__(self):
        global window
        window = self
        _application()
        self._settings = tempfile.TemporaryDirectory()
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, self._settings.name)
        QCoreApplication.setOrganizationName("SlicerStandIn")
        self._undo = contextlib.ExitStack()
        self._installModules()
        self.app = qSlicerApplication()
        self._put(slicer, "app", wrap(self.app))
        self._put(slicer, "modules", types.SimpleNamespace())
        self._put(slicer, "selfTests", {})
        self._put(slicer, "mrmlScene", slicer.vtkMRMLScene())
        self.app._logic = slicer.vtkMRMLApplicationLogic()
        self.app._logic.SetMRMLScene(slicer.mrmlScene)
        self._registerNodes()
        self.main = None
        if self._wantsMainWindow:
            self._makeMainWindow()
        self._forgetPanel()
        pythonqt.swallowed.clear()
        return self

    @staticmethod
    def _forgetPanel():
        """The library's Qt modules hold on to qt and to the scene's classes: each window has its own."""
        for name in [name for name in sys.modules if name.startswith("SpatialDeconvLib.panel")]:
            del sys.modules[name]

    def _registerNodes(self):
        """Let the scene know the nodes of the modules that a running Slicer has loaded."""
        self._logics = [getattr(slicer, name)() for name in MODULE_LOGICS]
        for logic in self._logics:
            logic.SetMRMLScene(slicer.mrmlScene)

    def _makeMainWindow(self):
        self.main = qSlicerMainWindow()
        self.app._layout = qSlicerLayoutManager(self.app)
        self.app._layout.setScene(slicer.mrmlScene)
        self.panelArea = QScrollArea()
        self.panelArea.setWidgetResizable(True)
        self.main.setCentralWidget(self.panelArea)
        self.main.resize(460, 1000)
        self.main.show()

    def _installModules(self):
        qt = pythonqt.module("qt", {"Qt": pythonqt.Namespace()})
        timer = pythonqt.classFor("QTimer")
        timer.singleShot = staticmethod(TimerClass.singleShot)
        self._put(sys.modules, "qt", qt)
        self._put(sys.modules, "ctk", pythonqt.module("ctk"))
        for name in pythonqt.API["modules"]["slicer"]:
            self._put(slicer, name, pythonqt.classFor(name))
        parts = {
            "ScriptedLoadableModule": {cls.__name__: cls for cls in scripted_module.CLASSES},
            "i18n": {"tr": scripted_module.tr, "translate": scripted_module.translate},
            "parameterNodeWrapper": {n: getattr(parameter_nodes, n) for n in parameter_nodes.EXPORTED},
        }
        for name, members in parts.items():
            made = types.ModuleType(f"slicer.{name}", "Stand-in")
            made.__dict__.update(members)
            self._put(sys.modules, f"slicer.{name}", made)
            self._put(slicer, name, made)
        sampleData = types.ModuleType("SampleData", "Stand-in")
        sampleData.SampleDataLogic = SampleDataLogic
        self._put(sys.modules, "SampleData", sampleData)

    def _put(self, where, name, value):
        """Set an attribute or a key for the time of the window."""
        get, put, take = (
            (where.get, where.__setitem__, where.pop)
            if isinstance(where, dict)
            else (
                lambda n: getattr(where, n, None) if n in vars(where) else None,
                lambda n, v: setattr(where, n, v),
                lambda n: delattr(where, n),
            )
        )
        before = get(name)
        self._undo.callback((lambda: put(name, before)) if before is not None else (lambda: take(name)))
        put(name, value)

    def __exit__(self, *_):
        global window
        for module in self.modules.values():
            self.app._modules.moduleAboutToBeUnloaded.emit(module.property("name"))
        self.processEvents()
        for name in self.modules:
            sys.modules.pop(name, None)
        self._forgetPanel()
        for module in self.modules.values():
            if module._widget is not None:
                shiboken6.delete(module._widget)
        if self.main is not None:
            self.app._layout.release()
            shiboken6.delete(self.main)
        self.app._logic.SetMRMLScene(None)
        self.processEvents()
        self._undo.close()
        self._settings.cleanup()
        window = None

    # -- what a user does

    @property
    def swallowed(self):
        """The exceptions that slots raised."""
        return pythonqt.swallowed

    @staticmethod
    def processEvents(times=1):
        for _ in range(times):
            QApplication.processEvents()

    def load(self, path):
        """Load a scripted module, as Slicer does when it starts; return its description."""
        path = os.path.abspath(path)
        name = os.path.splitext(os.path.basename(path))[0]
        spec = importlib.util.spec_from_file_location(name, path)
        python = importlib.util.module_from_spec(spec)
        sys.modules[name] = python
        spec.loader.exec_module(python)
        module = qSlicerScriptedLoadableModule(path)
        self.modules[name] = module
        wrapper = wrap(module)
        setattr(slicer.modules, name.lower(), wrapper)
        self._descriptions.append(getattr(python, name)(wrapper))
        self.app.startupCompleted.emit()
        return wrapper

    def resizePanel(self, width, height=1000):
        """Give the panel another size."""
        self.main.resize(width, height)
        self.processEvents()

    def open(self, path):
        """Select a scripted module for the first time; return the Python object of its panel."""
        name = os.path.splitext(os.path.basename(path))[0]
        if name not in self.modules:
            self.load(path)
        widget = self.modules[name].widgetRepresentation()
        if self.main is not None:
            self.panelArea.setWidget(widget)
        widget.show()
        self.enter(name)
        return widget._python

    def enter(self, name):
        widget = self.modules[name].widgetRepresentation()
        widget.enter()
        self.processEvents()
        return widget._python

    def leave(self, name):
        self.modules[name].widgetRepresentation().exit()
        self.processEvents()

    def python(self, name):
        return self.modules[name].widgetRepresentation()._python

    def check(self):
        """Fail on an exception that a slot swallowed."""
        if pythonqt.swallowed:
            raise AssertionError(f"swallowed in slots: {pythonqt.swallowed!r}") from pythonqt.swallowed[0]
