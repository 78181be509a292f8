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
parameterNodeWrapper
    gives the class a constructor that takes the parameter node, and plain attributes with the declared
    defaults (None for nodes). Nothing is stored in the node. A field whose default its type does not allow is
    refused, as the original's UnionSerializer refuses "no node" for a union of node classes without None.
WithinRange
    an annotation with `minimum` and `maximum`.
"""

import logging
import sys
import types
import typing
import unittest
from dataclasses import dataclass

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


@dataclass
class WithinRange:
    minimum: float
    maximum: float


def parameterNodeWrapper(classtype):
    fields = typing.get_type_hints(classtype, include_extras=True)
    defaults = {name: getattr(classtype, name, None) for name in fields}
    for name, field in fields.items():
        if typing.get_origin(field) is typing.Union and type(defaults[name]) not in typing.get_args(field):
            raise TypeError(f"Unable to write value '{defaults[name]}' of type '{type(defaults[name])}'")

    def initialize(self, parameterNode):
        self.parameterNode = parameterNode
        self.__dict__.update(defaults)

    classtype.__init__ = initialize
    return classtype


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
        "parameterNodeWrapper": ("parameterNodeWrapper", "WithinRange"),
    }
    for part, names in parts.items():
        module = types.ModuleType(f"slicer.{part}", f"Stand-in for slicer.{part}")
        module.__dict__.update({name: getattr(here, name) for name in names})
        sys.modules[module.__name__] = module

    def uninstall():
        for part in parts:
            sys.modules.pop(f"slicer.{part}", None)

    return uninstall
