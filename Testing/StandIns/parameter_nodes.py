"""STAND-IN for slicer.parameterNodeWrapper on a real vtkMRMLScriptedModuleNode. Test use only.

Written anew after the behaviour of Slicer's Base/Python/slicer/parameterNodeWrapper (5.12), in brackets the file:

- A field is stored as text under its name; a node as an empty text plus a node reference; a list as
  NAME.len and NAME.0, NAME.1 ...; a pack as NAME.FIELD; a union as NAME.INDEX of the member that took the value;
  an enum by the name of its member. (serializers.py, parameterPack.py)
- A wrong type raises TypeError, None where it is not allowed and values outside WithinRange, Minimum, Maximum,
  Choice, Exclude or RangeBounds raise ValueError; a union takes None only where None is in it. A list that fails
  half-way keeps its old elements. (serializers.py, validators.py)
- Lists and packs that are read write their changes back to the node. (ObservedList, ObservedParameterPack)
- connectGui takes every widget of the `ui` object that has the property SlicerParameterName. A pair of field type
  and widget type without connector raises RuntimeError; so do numbers without bounds on ctk sliders, text on a
  combo box without Choice, and a FloatRange without RangeBounds. Connecting sets the widget's range, fills
  combo boxes and the selector's node types, shows the value, and from then on passes changes both ways; every
  change of the node writes all connected fields to their widgets. (guiConnectors.py, wrapper.py)

What is left out: dictionaries, tuples, Any, colours, nested list of lists, widgets that hold whole packs.
"""

import enum
import logging
import pathlib
import types
import typing
from typing import Annotated

import slicer
import vtk

# -- annotations (validators.py, default.py, guiConnectors.py)


class Validator:
    """Base class of what a value has to fulfil."""

    def validate(self, value):
        raise NotImplementedError


def _demand(condition, text):
    if not condition:
        raise ValueError(text)


class NotNone(Validator):
    def validate(self, value):
        _demand(value is not None, "Value must not be None")


class IsInstance(Validator):
    def __init__(self, classtype):
        self.classtype = classtype

    def validate(self, value):
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"{value!r} of type {type(value)} is no {self.classtype}")


class WithinRange(Validator):
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value):
        _demand(self.minimum <= value <= self.maximum, f"{value} is outside {self.minimum}..{self.maximum}")


class Minimum(Validator):
    def __init__(self, minimum):
        self.minimum = minimum

    def validate(self, value):
        _demand(value >= self.minimum, f"{value} is below {self.minimum}")


class Maximum(Validator):
    def __init__(self, maximum):
        self.maximum = maximum

    def validate(self, value):
        _demand(value <= self.maximum, f"{value} is above {self.maximum}")


class Choice(Validator):
    def __init__(self, choices):
        self.choices = choices

    def validate(self, value):
        _demand(value in self.choices, f"{value!r} is none of {self.choices}")


class Exclude(Validator):
    def __init__(self, excludedValues):
        self.excludedValues = excludedValues

    def validate(self, value):
        _demand(value not in self.excludedValues, f"{value!r} is one of {self.excludedValues}")


class RangeBounds(Validator):
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value):
        inside = self.minimum <= value.minimum and value.maximum <= self.maximum
        _demand(inside, f"{value} is outside {self.minimum}..{self.maximum}")


class Default:
    def __init__(self, value=None, *, generator=None):
        self._value, self._generator = value, generator

    @property
    def value(self):
        return self._generator() if self._generator else self._value


class Decimals:
    def __init__(self, value):
        self.value = value


class SingleStep:
    def __init__(self, value):
        self.value = value


# -- types (util.py)


def splitAnnotations(possiblyAnnotatedType):
    arguments = typing.get_args(Annotated[possiblyAnnotatedType, None])
    return arguments[0], arguments[1:-1]


def unannotatedType(possiblyAnnotatedType):
    return splitAnnotations(possiblyAnnotatedType)[0]


def findFirstAnnotation(annotations, kind):
    return next((annotation for annotation in annotations if isinstance(annotation, kind)), None)


def _isUnion(type_):
    return typing.get_origin(type_) is typing.Union or isinstance(type_, getattr(types, "UnionType", ()))


def _isNodeClass(type_):
    return isinstance(type_, type) and issubclass(type_, slicer.vtkMRMLNode)


def isNodeOrUnionOfNodes(datatype):
    type_ = unannotatedType(datatype)
    if _isUnion(type_):
        return all(t is type(None) or _isNodeClass(t) for t in map(unannotatedType, typing.get_args(type_)))
    return _isNodeClass(type_)


def getNodeTypes(datatype):
    type_ = unannotatedType(datatype)
    members = map(unannotatedType, typing.get_args(type_)) if _isUnion(type_) else [type_]
    return tuple(member.__name__ for member in members if _isNodeClass(member))


# -- serializers


class Serializer:
    """Writes values of one type to a parameter node; `validators` are asked before."""

    caches = True

    def __init__(self, type_, validators):
        self.type, self.validators = type_, validators

    def validate(self, value):
        for validator in self.validators:
            validator.validate(value)

    def isIn(self, node, name):
        return node.HasParameter(name)

    def write(self, node, name, value):
        self.validate(value)
        self._write(node, name, value)

    def _write(self, node, name, value):
        node.SetParameter(name, str(value))

    def remove(self, node, name):
        node.UnsetParameter(name)


class NumberSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return type_ in (int, float)

    @classmethod
    def create(cls, type_):
        return cls(type_, [NotNone(), IsInstance((int, float) if type_ is float else int)])

    def default(self):
        return 0

    def read(self, node, name):
        return self.type(node.GetParameter(name))


class StringSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return type_ is str or type_ in (pathlib.Path, pathlib.PosixPath, pathlib.PurePath, pathlib.WindowsPath)

    @classmethod
    def create(cls, type_):
        return cls(type_, [NotNone(), IsInstance(type_)])

    def default(self):
        return self.type()

    def read(self, node, name):
        return self.type(node.GetParameter(name))


class BoolSerializer(StringSerializer):
    @staticmethod
    def takes(type_):
        return type_ is bool

    def read(self, node, name):
        return node.GetParameter(name) == "True"


class NodeSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return _isNodeClass(type_)

    @classmethod
    def create(cls, type_):
        return cls(type_, [IsInstance(type_)])

    def default(self):
        return None

    def _write(self, node, name, value):
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node, name):
        return node.GetNodeReference(name)

    def remove(self, node, name):
        node.UnsetParameter(name)
        node.RemoveNodeReferenceIDs(name)


class EnumSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return isinstance(type_, type) and issubclass(type_, enum.Enum)

    @classmethod
    def create(cls, type_):
        return cls(type_, [IsInstance(type_)])

    def default(self):
        return next(iter(self.type))

    def _write(self, node, name, value):
        node.SetParameter(name, value.name)

    def read(self, node, name):
        key = node.GetParameter(name)
        if key not in self.type.__members__:
            raise ValueError(f"Found {key!r} in parameter node but it is not a name in {self.type!r}")
        return self.type[key]


class NoneSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return type_ is type(None)

    @classmethod
    def create(cls, type_):
        return cls(type_, [])

    def validate(self, value):
        _demand(value is None, "Value must be None")
        super().validate(value)

    def default(self):
        return None

    def _write(self, node, name, value):
        node.SetParameter(name, "True")

    def read(self, node, name):
        return None


class UnionSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return _isUnion(type_)

    @classmethod
    def create(cls, type_):
        serializer = cls(type_, [])
        serializer.members = [serializerOf(member) for member in typing.get_args(type_)]
        serializer.caches = all(member.caches for member in serializer.members)
        return serializer

    def default(self):
        optional = len(self.members) == 2 and isinstance(self.members[1], NoneSerializer)
        return None if optional else self.members[0].default()

    def _found(self, node, name):
        return next(((m, f"{name}.{i}") for i, m in enumerate(self.members) if m.isIn(node, f"{name}.{i}")), None)

    def isIn(self, node, name):
        return self._found(node, name) is not None

    def _write(self, node, name, value):
        refusal = TypeError(f"Unable to write value '{value}' of type '{type(value)}'")
        for index, member in enumerate(self.members):
            if not type(member).takes(type(value)):
                continue
            try:
                member.validate(value)
            except Exception as error:
                refusal = error
                continue
            with slicer.util.NodeModify(node):
                self.remove(node, name)
                member.write(node, f"{name}.{index}", value)
            return
        raise refusal

    def read(self, node, name):
        found = self._found(node, name)
        if found is None:
            raise KeyError(f"Unable to find value for name: {name}")
        return found[0].read(node, found[1])

    def remove(self, node, name):
        with slicer.util.NodeModify(node):
            for index, member in enumerate(self.members):
                member.remove(node, f"{name}.{index}")


class ObservedList(typing.MutableSequence):
    """The list of a parameter node: changing it changes the node."""

    def __init__(self, node, serializer, name, values):
        self._node, self._serializer, self._name, self._list = node, serializer, name, values

    def _save(self):
        try:
            self._serializer.write(self._node, self._name, self._list)
        finally:
            self._list = self._serializer.read(self._node, self._name)._list

    def __len__(self):
        return len(self._list)

    def __getitem__(self, index):
        return self._list[index]

    def __setitem__(self, index, value):
        self._list[index] = value
        self._save()

    def __delitem__(self, index):
        del self._list[index]
        self._save()

    def insert(self, index, value):
        self._list.insert(index, value)
        self._save()

    def append(self, value):
        self.insert(len(self._list), value)

    def clear(self):
        self._list.clear()
        self._save()

    def extend(self, values):
        self._list.extend(values)
        self._save()

    def sort(self, **how):
        self._list.sort(**how)
        self._save()

    def reverse(self):
        self._list.reverse()
        self._save()

    def __add__(self, other):
        raise NotImplementedError("Adding an ObservedList is not supported. However, += is supported.")

    __radd__ = __mul__ = __rmul__ = __add__

    def __eq__(self, other):
        return self._list == (other._list if isinstance(other, ObservedList) else other)

    __hash__ = None

    def __repr__(self):
        return f"ObservedList({self._list})"


class ListSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return type_ is list or typing.get_origin(type_) is list

    @classmethod
    def create(cls, type_):
        serializer = cls(type_, [])
        serializer.element = serializerOf(typing.get_args(type_)[0])
        serializer.caches = serializer.element.caches
        return serializer

    def default(self):
        return []

    def isIn(self, node, name):
        return node.HasParameter(f"{name}.len")

    def _length(self, node, name):
        return int(node.GetParameter(f"{name}.len")) if self.isIn(node, name) else 0

    def _write(self, node, name, values):
        values = list(values)
        for value in values:  # the original restores the old list after a failure
            self.element.validate(value)
        before = self._length(node, name)
        with slicer.util.NodeModify(node):
            for index, value in enumerate(values):
                self.element.write(node, f"{name}.{index}", value)
            node.SetParameter(f"{name}.len", str(len(values)))
            for index in range(len(values), before):
                self.element.remove(node, f"{name}.{index}")

    def read(self, node, name):
        values = [self.element.read(node, f"{name}.{index}") for index in range(self._length(node, name))]
        return ObservedList(node, self, name, values)

    def remove(self, node, name):
        with slicer.util.NodeModify(node):
            for index in range(self._length(node, name)):
                self.element.remove(node, f"{name}.{index}")
            node.UnsetParameter(f"{name}.len")


class PackSerializer(Serializer):
    @staticmethod
    def takes(type_):
        return isParameterPack(type_)

    @classmethod
    def create(cls, type_):
        serializer = cls(type_, [])
        serializer.caches = all(parameter.serializer.caches for parameter in type_.allParameters.values())
        return serializer

    def validate(self, value):
        _demand(isinstance(value, self.type), f"{value!r} is no {self.type.__name__}")
        super().validate(value)

    def default(self):
        return self.type()

    def isIn(self, node, name):
        first, parameter = next(iter(self.type.allParameters.items()))
        return parameter.serializer.isIn(node, f"{name}.{first}")

    def _write(self, node, name, value):
        with slicer.util.NodeModify(node):
            for field, parameter in self.type.allParameters.items():
                parameter.serializer.write(node, f"{name}.{field}", _packValue(value, field))

    def read(self, node, name):
        values = {f: p.serializer.read(node, f"{name}.{f}") for f, p in self.type.allParameters.items()}
        return _observedPack(self.type)(node, self, name, values)

    def remove(self, node, name):
        for field, parameter in self.type.allParameters.items():
            parameter.serializer.remove(node, f"{name}.{field}")


SERIALIZERS = (
    NumberSerializer,
    StringSerializer,
    BoolSerializer,
    NodeSerializer,
    ListSerializer,
    NoneSerializer,
    UnionSerializer,
    EnumSerializer,
    PackSerializer,
)


def serializerOf(annotatedType):
    """Return the serializer of a possibly annotated type, with the type's validators."""
    type_, annotations = splitAnnotations(annotatedType)
    for kind in SERIALIZERS:
        if kind.takes(type_):
            serializer = kind.create(type_)
            serializer.validators = serializer.validators + [a for a in annotations if isinstance(a, Validator)]
            return serializer
    raise Exception(f"Unable to create serializer for type: {type_}")


class Parameter:
    """A field: its serializer, its default and its type as declared."""

    def __init__(self, cls, name, annotatedType):
        self.basename, self.unalteredType = name, annotatedType
        self.serializer = serializerOf(annotatedType)
        declared = findFirstAnnotation(splitAnnotations(annotatedType)[1], Default)
        if name in vars(cls):
            self.default = Default(vars(cls)[name])
        else:
            self.default = declared or Default(self.serializer.default())
        known = (Validator, Default)
        unused = [a for a in splitAnnotations(annotatedType)[1] if not isinstance(a, known)]
        if unused:
            logging.warning(f"Unused annotations: {unused}")


# -- packs (parameterPack.py)


def isParameterPack(classOrInstance):
    return getattr(classOrInstance, "_is_parameterPack", False)


def _packValue(pack, field):
    return pack.__dict__[f"_pack_{field}"]


def _setPackValue(pack, field, value):
    type(pack).allParameters[field].serializer.validate(value)
    pack.__dict__[f"_pack_{field}"] = value


def _packProperty(field):
    return property(lambda self: _packValue(self, field), lambda self, value: _setPackValue(self, field, value))


def _initializePack(self, *values, **named):
    fields = list(self.allParameters)
    for field in named:
        if field not in fields:
            raise TypeError(f"__init__() got an unexpected keyword argument '{field}'")
    given = {**dict(zip(fields, values, strict=False)), **named}
    for field, parameter in self.allParameters.items():
        _setPackValue(self, field, given.get(field, parameter.default.value))


def parameterPack(classtype=None):
    """Make a class a set of values that a parameter node can store."""
    if classtype is None:
        return parameterPack
    hints = typing.get_type_hints(classtype, include_extras=True)
    if not hints:
        raise ValueError("Unable to find any members in parameterPack")
    parameters = {name: Parameter(classtype, name, hint) for name, hint in hints.items()}
    for name, parameter in parameters.items():
        try:
            parameter.serializer.validate(parameter.default.value)
        except Exception as error:
            raise ValueError(f"The default of {name} fails the validation checks: {error}") from error
        setattr(classtype, name, _packProperty(name))
    own = vars(classtype).get("__init__")

    def initialize(self, *values, **named):
        if own is None:
            _initializePack(self, *values, **named)
        else:
            _initializePack(self)
            own(self, *values, **named)

    def equal(self, other):
        if not isParameterPack(other) or list(self.allParameters) != list(other.allParameters):
            return False
        return all(_packValue(self, f) == _packValue(other, f) for f in self.allParameters)

    def text(self):
        return f"{classtype.__name__}({', '.join(f'{f}={_packValue(self, f)!r}' for f in self.allParameters)})"

    def getValue(self, name):
        head, _dot, rest = name.partition(".")
        if head not in self.allParameters:
            raise ValueError(f"{self} has no member '{head}'")
        value = getattr(self, head)
        return value.getValue(rest) if rest else value

    def setValue(self, name, value):
        head, _dot, rest = name.partition(".")
        if head not in self.allParameters:
            raise ValueError(f"{self} has no member '{head}'")
        getattr(self, head).setValue(rest, value) if rest else setattr(self, head, value)

    classtype.allParameters = parameters
    classtype._is_parameterPack = True
    classtype.__init__ = initialize
    classtype.getValue, classtype.setValue = getValue, setValue
    classtype.dataType = staticmethod(lambda name: _dataType(parameters, name))
    for special, function in (("__eq__", equal), ("__repr__", text), ("__str__", text)):
        if special not in vars(classtype):
            setattr(classtype, special, function)
    return classtype


def _dataType(parameters, name):
    head, _dot, rest = name.partition(".")
    if head not in parameters:
        raise ValueError(f"Cannot find a param with the given name: {head}")
    type_ = parameters[head].unalteredType
    return _dataType(unannotatedType(type_).allParameters, rest) if rest else type_


def _observedPack(packType):
    """Return the class of packs that write their changes to the node they were read from."""
    if "_observed" in vars(packType):
        return packType._observed

    class ObservedParameterPack(packType):
        def __init__(self, node, serializer, name, values):
            self.__dict__.update(_node=node, _serializer=serializer, _name=name)
            _initializePack(self, **values)

        def __setattr__(self, key, value):
            if not hasattr(self, key):
                raise AttributeError(f"'{packType.__name__}' has no attribute '{key}' and none can be added")
            super().__setattr__(key, value)
            if key in packType.allParameters or isinstance(getattr(packType, key, None), property):
                self._serializer.write(self._node, self._name, self)

    packType._observed = ObservedParameterPack
    return ObservedParameterPack


@parameterPack
class FloatRange:
    _minimum: float
    _maximum: float

    def __init__(self, minimum=0, maximum=0):
        self.setRange(minimum, maximum)

    @property
    def minimum(self):
        return self._minimum

    @minimum.setter
    def minimum(self, value):
        self.setRange(value, self._maximum)

    @property
    def maximum(self):
        return self._maximum

    @maximum.setter
    def maximum(self, value):
        self.setRange(self._minimum, value)

    def setRange(self, minimum, maximum):
        _demand(minimum <= maximum, f"FloatRange must have minimum <= maximum: {minimum} <= {maximum}")
        self._minimum, self._maximum = minimum, maximum


# -- the wrapper (wrapper.py)


def parameterNodeWrapper(classtype=None):
    """Give a class typed properties that live in a parameter node."""
    if classtype is None:
        return parameterNodeWrapper
    hints = typing.get_type_hints(classtype, include_extras=True)
    parameters = {}
    for name, hint in hints.items():
        try:
            parameters[name] = Parameter(classtype, name, hint)
        except Exception as error:
            raise Exception(f"Unable to create serializer for {classtype} member {name}") from error
        setattr(classtype, name, _nodeProperty(name))
    members = {k: v for k, v in vars(_WrapperMethods).items() if not k.startswith("__")}
    for name, member in {**members, "allParameters": parameters, "_is_parameter_node_wrapper": True}.items():
        if hasattr(classtype, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        setattr(classtype, name, member)
    classtype.__init__ = _WrapperMethods.__init__
    classtype.dataType = staticmethod(lambda name: _dataType(parameters, name))
    return classtype


def isParameterNodeWrapper(classOrInstance):
    return getattr(classOrInstance, "_is_parameter_node_wrapper", False)


def _nodeProperty(name):
    return property(lambda self: self._read(name), lambda self, value: self._write(name, value))


class _WrapperMethods:
    def __init__(self, parameterNode, prefix=None):
        self.parameterNode = parameterNode
        self._prefix = prefix or ""
        self._guis, self._guiObservers, self._nextTag, self._showing = {}, {}, 0, False
        for name, parameter in self.allParameters.items():
            if not parameter.serializer.isIn(parameterNode, self._prefix + name):
                parameter.serializer.write(parameterNode, self._prefix + name, parameter.default.value)

    def _read(self, name):
        parameter = self.allParameters[name]
        if not parameter.serializer.isIn(self.parameterNode, self._prefix + name):
            parameter.serializer.write(self.parameterNode, self._prefix + name, parameter.default.value)
        return parameter.serializer.read(self.parameterNode, self._prefix + name)

    def _write(self, name, value):
        with slicer.util.NodeModify(self.parameterNode):
            self.allParameters[name].serializer.write(self.parameterNode, self._prefix + name, value)

    def _check(self, name):
        _dataType(self.allParameters, name)

    def default(self, name):
        self._check(name)
        return self.allParameters[name].default

    def isCached(self, name):
        self._check(name)
        return self.allParameters[name].serializer.caches

    def getValue(self, name):
        self._check(name)
        head, _dot, rest = name.partition(".")
        value = self._read(head)
        return value.getValue(rest) if rest else value

    def setValue(self, name, value):
        self._check(name)
        head, _dot, rest = name.partition(".")
        self._read(head).setValue(rest, value) if rest else self._write(head, value)

    def connectGui(self, gui):
        import qt

        isWidget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if isWidget else list(gui.__dict__.values())
        named = {widget.property("SlicerParameterName"): widget for widget in widgets}
        return self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping):
        for name in mapping:
            self._check(name)
        connectors = {
            name: w if isinstance(w, GuiConnector) else createGuiConnector(w, self.dataType(name))
            for name, w in mapping.items()
        }
        tag, self._nextTag = self._nextTag, self._nextTag + 1
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._fromGui(name, connector))
        self._guiObservers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._toGui())
        return tag

    def _fromGui(self, name, connector):
        def changed():
            with slicer.util.NodeModify(self):
                if not self._showing:
                    self.setValue(name, connector.read())

        return changed

    def _toGui(self):
        if self._showing:
            return
        self._showing = True
        try:
            with slicer.util.NodeModify(self):
                for connectors in self._guis.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._showing = False

    def disconnectGui(self, tag):
        for connector in self._guis.pop(tag, {}).values():
            connector.onChanged(None)
        if tag in self._guiObservers:
            self.RemoveObserver(self._guiObservers.pop(tag))

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, wasModifying):
        return self.parameterNode.EndModify(wasModifying)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        self.parameterNode.Modified()


# -- widgets (guiConnectors.py)


class GuiConnector:
    """Passes values between a widget and a field."""

    signal = ""

    def __init__(self, widget, datatype):
        self._widget, self._callback = widget, None
        self.type, self.annotations = splitAnnotations(datatype)
        self.prepare()

    def annotation(self, kind):
        return findFirstAnnotation(self.annotations, kind)

    def prepare(self):
        pass

    def widget(self):
        return self._widget

    def changed(self):
        if self._callback:
            self._callback()

    def onChanged(self, callback):
        self._callback = callback
        if self.signal:
            signal = getattr(self._widget, self.signal)
            signal.disconnect(self.changed) if callback is None else signal.connect(self.changed)


class CheckedConnector(GuiConnector):
    def prepare(self):
        if not self._widget.checkable:
            self._widget.checkable = True
        self.signal = "stateChanged" if self._widget.inherits("QCheckBox") else "toggled"

    def read(self):
        return self._widget.checked

    def write(self, value):
        self._widget.checked = value


class IntegerConnector(GuiConnector):
    signal = "valueChanged"

    def bounds(self):
        within = self.annotation(WithinRange)
        low, high = self.annotation(Minimum), self.annotation(Maximum)
        if within:
            return within.minimum, within.maximum
        return low.minimum if low else None, high.maximum if high else None

    def prepare(self):
        low, high = self.bounds()
        if self._widget.className() == "QSlider" and None in (low, high):
            raise RuntimeError("Cannot have a connection to QSlider where the int type is unbounded.")
        self._widget.setMinimum(-(2**31) if low is None else low)
        self._widget.setMaximum(2**31 - 1 if high is None else high)
        step = self.annotation(SingleStep)
        if step:
            self._widget.singleStep = step.value

    def read(self):
        return self._widget.value

    def write(self, value):
        self._widget.value = value


class NumberConnector(IntegerConnector):
    def prepare(self):
        decimals, step = self.annotation(Decimals), self.annotation(SingleStep)
        if self._widget.className() != "ctkDoubleSlider":
            if self.type is int:
                self._widget.decimals = 0
            elif decimals:
                self._widget.decimals = decimals.value
        if step:
            self._widget.singleStep = step.value
        low, high = self.bounds()
        if self._widget.className() in ("ctkSliderWidget", "qMRMLSliderWidget") and None in (low, high):
            raise RuntimeError("Cannot have a connection to ctkSliderWidget where the float types is unbounded.")
        self._widget.minimum = float("-inf") if low is None else low
        self._widget.maximum = float("inf") if high is None else high

    def read(self):
        return int(self._widget.value) if self.type is int else self._widget.value

    def write(self, value):
        self._widget.value = int(value) if self.type is int else value


class ChoiceConnector(GuiConnector):
    signal = "currentIndexChanged"

    def prepare(self):
        choice = self.annotation(Choice)
        if choice is None:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self.values = list(choice.choices)
        self.fill([str(value) for value in self.values])

    def fill(self, labels):
        self._widget.clear()
        for label in labels:
            self._widget.addItem(label)

    def read(self):
        return self.values[self._widget.currentIndex]

    def write(self, value):
        if value not in self.values:
            raise ValueError(f"Unable to find value {value} in choices {self.values}")
        self._widget.currentIndex = self.values.index(value)


class EnumConnector(ChoiceConnector):
    def prepare(self):
        label = getattr(self.type, "label", lambda member: member.name)
        self.values = list(self.type)
        selected = self.read()
        self.fill([label(member) for member in self.values])
        self.write(selected)


class TextConnector(GuiConnector):
    def prepare(self):
        self.signal = "" if self._widget.className() == "QLabel" else "textChanged"

    def read(self):
        return self._widget.toPlainText() if self._widget.className() == "QTextEdit" else self._widget.text

    def write(self, value):
        if self._widget.className() == "QTextEdit":
            self._widget.setPlainText(value)
        elif value != self._widget.text:
            self._widget.text = value


class RangeConnector(GuiConnector):
    signal = "valuesChanged"

    def prepare(self):
        bounds = self.annotation(RangeBounds)
        if bounds is None:
            raise RuntimeError("Cannot have a connection to a range widget where the float is unbounded.")
        if self.annotation(Default) is None and not bounds.minimum <= 0 <= bounds.maximum:
            raise RuntimeError("RangeBounds that do not cover 0 need a Default()")
        self._widget.setRange(bounds.minimum, bounds.maximum)

    def read(self):
        return self.type(self._widget.minimumValue, self._widget.maximumValue)

    def write(self, value):
        self._widget.setValues(value.minimum, value.maximum)


class PathConnector(GuiConnector):
    def prepare(self):
        self.name = "directory" if self._widget.className() == "ctkDirectoryButton" else "currentPath"
        self.signal = f"{self.name}Changed"

    def read(self):
        return self.type(getattr(self._widget, self.name))

    def write(self, value):
        setattr(self._widget, self.name, str(value))


class NodeConnector(GuiConnector):
    signal = "currentNodeChanged"

    def prepare(self):
        self._widget.nodeTypes = getNodeTypes(self.type)

    def read(self):
        return self._widget.currentNode()

    def write(self, value):
        self._widget.setCurrentNode(value)


NUMBER_WIDGETS = (
    "QDoubleSpinBox", "ctkSliderWidget", "qMRMLSliderWidget", "ctkDoubleSlider", "ctkDoubleSpinBox", "qMRMLSpinBox",
)  # fmt: skip


def createGuiConnector(widget, datatype):
    """Return the connector of a widget and a type, in the order in which Slicer's are registered."""
    kind, type_ = widget.className(), unannotatedType(datatype)
    isPath = isinstance(type_, type) and issubclass(type_, pathlib.PurePath)
    if type_ is bool and kind in ("QCheckBox", "ctkCheckBox", "QPushButton", "ctkCheckablePushButton"):
        return CheckedConnector(widget, datatype)
    if type_ is int and kind in ("QSlider", "QSpinBox"):
        return IntegerConnector(widget, datatype)
    if type_ in (int, float) and kind in NUMBER_WIDGETS:
        return NumberConnector(widget, datatype)
    if kind in ("QComboBox", "ctkComboBox"):
        if type_ in (int, float, str, bool):
            return ChoiceConnector(widget, datatype)
        if isinstance(type_, type) and issubclass(type_, enum.Enum):
            return EnumConnector(widget, datatype)
    if type_ is str and kind in ("QLineEdit", "QLabel", "QTextEdit"):
        return TextConnector(widget, datatype)
    if type_ is FloatRange and kind in ("ctkRangeWidget", "ctkDoubleRangeSlider", "qMRMLRangeWidget"):
        return RangeConnector(widget, datatype)
    if isPath and kind in ("ctkPathLineEdit", "ctkDirectoryButton"):
        return PathConnector(widget, datatype)
    if kind == "qMRMLNodeComboBox" and isNodeOrUnionOfNodes(datatype):
        return NodeConnector(widget, datatype)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{datatype}' to widget type '{kind}'.")


EXPORTED = (
    "Choice", "Decimals", "Default", "Exclude", "FloatRange", "GuiConnector", "IsInstance", "Maximum", "Minimum",
    "NotNone", "RangeBounds", "SingleStep", "Validator", "WithinRange", "createGuiConnector", "findFirstAnnotation",
    "getNodeTypes", "isNodeOrUnionOfNodes", "isParameterNodeWrapper", "isParameterPack", "parameterNodeWrapper",
    "parameterPack", "splitAnnotations", "unannotatedType",
)  # fmt: skip
