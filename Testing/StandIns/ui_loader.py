"""STAND-IN for Slicer's QUiLoader: reads .ui files with PySide6's loader and the stand-in widgets. Test use only.

Qt's form builder is the same in Slicer (qSlicerUiLoader in Base/QTGUI adds widget classes only): custom widgets are
made by their class names, <property stdset="0"> become dynamic properties, and <connection> lines are made by
signature. Because a wrong name is silent in Slicer (an unknown property becomes a dynamic one, an unknown widget
class a QWidget, an unknown signal a warning), each is an error here.
"""

import functools
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

from PySide6.QtCore import QBuffer, QByteArray
from PySide6.QtUiTools import QUiLoader
from pythonqt import API, Api, BoundSlot, connect, implementation, override, wrap

LAYOUT_PROPERTIES = {"leftMargin", "topMargin", "rightMargin", "bottomMargin"}


class UiError(Exception):
    """The .ui file names something that Slicer does not have."""


class Loader(QUiLoader):
    """Makes the stand-in widgets where the form names them."""

    def __init__(self):
        super().__init__()
        self.made = []

    def createWidget(self, className, parent=None, name=""):
        cls = implementation(className)
        if cls.__module__.startswith("PySide6"):
            widget = super().createWidget(className, parent, name)
        else:
            widget = cls(parent)
            widget.setObjectName(name)
        self.made.append(widget)
        return widget


def check(root):
    """Refuse widget classes and properties that the real classes do not have."""
    for widget in root.iter("widget"):
        kind, name = widget.get("class"), widget.get("name")
        if kind == "Line":
            continue
        if kind not in API["classes"]:
            raise UiError(f"{name}: pythonqt_api.json has no widget class {kind}")
        implementation(kind)
        known = Api(kind).properties
        for entry in widget.findall("property"):
            if entry.get("stdset") != "0" and entry.get("name") not in known and entry.get("name") != "buddy":
                raise UiError(f"{name}: a {kind} has no property {entry.get('name')}")


def custom(root):
    """Take the enum values of stand-in widgets, whose properties are plain integers, out of the form."""
    values = []
    for widget in root.iter("widget"):
        kind = widget.get("class")
        if kind == "Line" or implementation(kind).__module__.startswith("PySide6"):
            continue
        for entry in widget.findall("property"):
            text = entry.findtext("enum") or entry.findtext("set")
            if text and entry.get("name") not in implementation("QWidget").__dict__:
                members = [part.split("::")[-1] for part in text.split("|")]
                table = {**API["Qt"], **Api("QComboBox").enumValues, **Api(kind).enumValues}
                values.append((widget.get("name"), entry.get("name"), sum(table[m] for m in members)))
                widget.remove(entry)
    return values


class Form(NamedTuple):
    """A form that was read: what Qt's loader takes of it, and what it is not given."""

    data: bytes
    enums: list
    connections: list
    name: str


@functools.cache
def read(data):
    """Return a form given as bytes. It is the same for every window that the tests open."""
    root = ElementTree.fromstring(data)
    check(root)
    enums = custom(root)
    connections = root.find("connections")
    lines = [] if connections is None else list(connections)
    if connections is not None:
        root.remove(connections)
    parts = [[line.findtext(part) for part in ("sender", "signal", "receiver", "slot")] for line in lines]
    return Form(ElementTree.tostring(root), enums, parts, root.find("widget").get("name"))


def load(data):
    """Return the root widget of a form given as bytes."""
    form = read(data)
    buffer = QBuffer()
    buffer.setData(QByteArray(form.data))
    buffer.open(QBuffer.OpenModeFlag.ReadOnly)
    loader = Loader()
    widget = loader.load(buffer)
    if widget is None:
        raise UiError(loader.errorString())
    names = {made.objectName(): made for made in loader.made}
    for name, entry, number in form.enums:
        names[name].setProperty(entry, number)
    names[form.name] = widget
    for connection in form.connections:
        make(names, *connection)
    return widget


def make(names, sender, signal, receiver, slot):
    """Make one connection of a form."""
    if sender not in names or receiver not in names:
        raise UiError(f"connection between {sender} and {receiver}: no such widget")
    source, target = wrap(names[sender]), wrap(names[receiver])
    method = slot.split("(")[0]
    if method not in type(target)._api.methods:
        raise UiError(f"{receiver}: a {target.className()} has no slot {slot}")
    if not connect(source, signal, BoundSlot(target, method)):
        raise UiError(f"{sender}: a {source.className()} has no signal {signal}")


@override("QUiLoader", "load")
def _load(_loader, device, _parent=None):
    return load(bytes(device.readAll().data()))
