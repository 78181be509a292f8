"""STAND-INS for the parts of Slicer's Python that the slicer-core package does not ship. Test use only.

They let the module file be imported, its logic be run and its self test be executed on a real MRML scene,
without Qt. What each copies (Slicer's Base/Python/slicer, 5.12):

ScriptedLoadableModule
    keeps `parent`; nothing else of the module class is used here.
ScriptedLoadableModuleWidget
    only a base class to derive from: the panel itself is tested in real widgets.
ScriptedLoadableModuleLogic
    `moduleName` is the class name without "Logic"; `getParameterNode` returns the scene's singleton
    vtkMRMLScriptedModuleNode of the module, made when there is none.
ScriptedLoadableModuleTest
    a unittest.TestCase whose `delayDisplay(message)` only logs, as the original does besides showing it.
i18n.tr, i18n.translate
    return the text as it is, as the originals do without a translation.
parameterNodeWrapper, parameterPack, WithinRange
    those of parameter_nodes.py beside this file.
"""

import importlib.util
import logging
import sys
import types
import unittest
from pathlib import Path

import slicer


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        self.parent = parent


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(self.moduleName)
            node.SetAttribute("ModuleName", self.moduleName)
            node = slicer.mrmlScene.AddNode(node)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    def delayDisplay(self, message, requestedDelay=None, msec=None):
        logging.info(message)


def tr(text):
    return text


def translate(context, text):
    return text


def parameter_nodes():
    """The stand-in for the parameter node wrapper."""
    path = Path(__file__).with_name("parameter_nodes.py")
    spec = importlib.util.spec_from_file_location("parameter_nodes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install():
    """Put the stand-ins where the module file imports them from; return what undoes it."""
    here = sys.modules[__name__]
    parts = {
        "ScriptedLoadableModule": (
            "ScriptedLoadableModule",
            "ScriptedLoadableModuleWidget",
            "ScriptedLoadableModuleLogic",
            "ScriptedLoadableModuleTest",
        ),
        "i18n": ("tr", "translate"),
    }
    for part, names in parts.items():
        module = types.ModuleType(f"slicer.{part}", f"Stand-in for slicer.{part}")
        module.__dict__.update({name: getattr(here, name) for name in names})
        sys.modules[module.__name__] = module

    sys.modules["slicer.parameterNodeWrapper"] = parameter_nodes()

    def uninstall():
        for part in (*parts, "parameterNodeWrapper"):
            sys.modules.pop(f"slicer.{part}", None)
        for name in [name for name in sys.modules if name.startswith("SpatialDeconvLib.panel")]:
            del sys.modules[name]  # they hold on to the stand-ins

    return uninstall
