"""STAND-INS for slicer.ScriptedLoadableModule and slicer.i18n. Test use only.

After Slicer's Base/Python/slicer/ScriptedLoadableModule.py and i18n.py (5.12):

ScriptedLoadableModule
    clears the description on `parent` (a qSlicerScriptedLoadableModule), sets the icon from
    Resources/Icons/<Module>.svg or .png, registers runTest in slicer.selfTests.
ScriptedLoadableModuleWidget
    keeps `parent` (the panel's container) and its layout, and calls cleanup when the module manager says that the
    module is about to be unloaded; resourcePath lies beside the module file. The developer section is left out.
ScriptedLoadableModuleLogic
    one parameter node a scene, a singleton vtkMRMLScriptedModuleNode with the attribute ModuleName.
ScriptedLoadableModuleTest
    a unittest.TestCase; delayDisplay logs and lets the application handle its events.
tr, translate
    ask Qt's translators, in the context of the file that asks.
"""

import importlib
import logging
import os
import sys
import unittest
from pathlib import Path

import slicer
from PySide6 import QtCore


def tr(text):
    """Translate in the context of the calling file: its name, after that of its package."""
    path = Path(sys._getframe(1).f_code.co_filename)
    isInPackage = (path.parent / "__init__.py").is_file()
    return translate(f"{path.parent.name}.{path.stem}" if isInPackage else path.stem, text)


def translate(context, text):
    return QtCore.QCoreApplication.translate(context, text)


class ScriptedLoadableModule:
    def __init__(self, parent):
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = ["a template"]
        parent.helpText = "This module was created from a template"
        parent.acknowledgementText = "This work is supported by"
        self._findIcon()
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def _findIcon(self):
        import qt

        for extension in (".svg", ".png"):
            path = self.resourcePath(f"Icons/{self.moduleName}{extension}")
            if os.path.isfile(path):
                self.parent.icon = qt.QIcon(path)
                return

    def resourcePath(self, filename):
        return os.path.join(os.path.dirname(self.parent.path), "Resources", filename)

    def getDefaultModuleDocumentationLink(self, docPage=None):
        return ""

    def runTest(self, msec=100, **kwargs):
        testCase = getattr(importlib.import_module(type(self).__module__), self.moduleName + "Test")()
        testCase.messageDelay = msec
        testCase.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = False
        if not parent:
            raise NotImplementedError("the stand-ins open a module in its container only")
        self.parent = parent
        self.layout = parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename):
        return os.path.join(os.path.dirname(slicer.util.modulePath(self.moduleName)), "Resources", filename)

    def setup(self):
        pass

    def cleanup(self):
        pass

    def enter(self):
        pass

    def exit(self):
        pass

    def _onModuleAboutToBeUnloaded(self, moduleName):
        if moduleName == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect(
                "moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded
            )

    def onReload(self):
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node:
            if node.GetAttribute("ModuleName") != self.moduleName:
                node.SetAttribute("ModuleName", self.moduleName)
            return node
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def createParameterNode(self):
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    def delayDisplay(self, message, requestedDelay=None, msec=None):
        logging.info(message)
        if hasattr(slicer, "app"):
            slicer.app.processEvents()


CLASSES = (
    ScriptedLoadableModule,
    ScriptedLoadableModuleWidget,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)
