"""STAND-IN for PythonQt, the bridge through which Slicer's Python reaches Qt. Test use only.

`qt`, `ctk` and the Qt classes in `slicer` are made here around PySide6 objects. Attribute access goes through a
wrapper that knows only what the real classes have (pythonqt_api.json, written by collect_api.py inside Slicer)
and that treats it as PythonQt does. Where each behaviour comes from (file names of MeVisLab's PythonQt 4.1):

PythonQtInstanceWrapper.cpp
    getattro: derived Python methods first, then properties (their values, never the getters), slots, signals,
    enum values, dynamic properties, children by object name, else AttributeError; a destroyed object raises
    ValueError. setattro: writable properties, dynamic properties, new attributes on Python subclasses only.
    Dropping the wrapper of an object that Python made and that has no parent deletes the object.
PythonQtClassWrapper.cpp
    Every class derives from PythonQtInstanceWrapper alone: isinstance and issubclass say nothing about Qt's
    inheritance.
PythonQtSlot.cpp
    Calls take the overload that fits, first by strict and then by lenient conversion; keyword arguments, a
    wrong number and wrong types raise ValueError.
PythonQtConversion.cpp
    Lists come back as tuples, enums as integers; a text takes str() of anything but a wrapper, an integer takes
    a float, a string list takes any sequence (so a string is taken letter by letter) but no generator.
PythonQtSignalReceiver.cpp, PythonQtStdDecorators.cpp
    connect needs the signature of an existing signal, or prints a warning and returns False. A slot gets no
    more arguments than it takes. An exception in a slot is printed and swallowed: here it is also kept in
    `swallowed`, for tests to fail on.

What is stricter here: an attribute that the real class has and PySide6 (Qt 6) or the stand-in has not raises
NotImplementedError when it is used, never AttributeError, so that a gap here cannot pass for a fact about Slicer.
"""

import enum
import json
import sys
import traceback
import types
import weakref
from pathlib import Path

import shiboken6
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

API = json.loads((Path(__file__).parent / "pythonqt_api.json").read_text())
swallowed = []  # exceptions that slots raised
_graves = []
_records = {}  # address of a QObject -> what is known about it
_items = weakref.WeakValueDictionary()  # id of another PySide6 object -> its wrapper
_classes = {}  # class name -> wrapper class
_implementations = {}  # class name -> PySide6 class
_overrides = {}  # (class name, method) -> function(target, *arguments)


# -- what a class has


class Api:
    """The members of a class, its base classes included."""

    _known = {}  # noqa: RUF012 (a cache)

    def __new__(cls, name):
        if name not in cls._known:
            cls._known[name] = cls._read(name)
        return cls._known[name]

    @classmethod
    def _read(cls, name):
        self = super().__new__(cls)
        record = API["classes"][name]
        base = Api(record["bases"][0]) if record.get("bases") else None
        self.name = name
        self.constructors = record.get("new")
        self.signals = [*record.get("signals", []), *(base.signals if base else [])]
        for part in ("properties", "methods", "enums"):
            setattr(self, part, {**(getattr(base, part) if base else {}), **record.get(part, {})})
        self.enumValues = {k: v for members in self.enums.values() for k, v in members.items()}
        self.signalNames = {signature.split("(")[0] for signature in self.signals}
        return self

    def signal(self, signature):
        """Return the signal of this signature as it is declared, or None."""
        normal = "".join(signature.split()).replace("const", "").replace("&", "")
        return next((known for known in self.signals if known.replace(" ", "") == normal), None)


def implementation(name):
    """Return the PySide6 class that stands for a class of Slicer."""
    if name in _implementations:
        return _implementations[name]
    for module in (QtWidgets, QtGui, QtCore, QtUiTools):
        if hasattr(module, name):
            return getattr(module, name)
    raise NotImplementedError(f"the stand-ins have no {name} yet: add it under Testing/StandIns")


def implement(cls):
    """Register a PySide6 class as what stands for the class of the same name."""
    _implementations[cls.__name__] = cls
    return cls


def override(className, method):
    """Register a function that is called instead of the PySide6 method."""

    def register(function):
        _overrides[className, method] = function
        return function

    return register


def apiName(target):
    """Return the name of the most derived class that Slicer's Python would know an object by."""
    if isinstance(target, QtCore.QObject):
        meta = target.metaObject()
        while meta:
            if meta.className() in API["classes"]:
                return meta.className()
            meta = meta.superClass()
        return "QObject"
    return next((base.__name__ for base in type(target).__mro__ if base.__name__ in API["classes"]), None)


# -- conversion


def wrap(value):
    """Return what Python code in Slicer would see of a PySide6 value."""
    if value is None or isinstance(value, bool | int | float | str | bytes | PythonQtInstanceWrapper):
        return value
    if isinstance(value, list | tuple):
        return tuple(wrap(item) for item in value)
    if isinstance(value, dict):
        return {key: wrap(item) for key, item in value.items()}
    if isinstance(value, enum.Enum):
        return int(value.value)
    if isinstance(value, QtCore.QObject):
        return _wrapObject(value)
    if type(value).__module__.startswith("PySide6"):
        wrapper = _items.get(id(value))
        if wrapper is None or wrapper.__dict__["_target"] is not value:
            name = apiName(value)
            if name is None:
                raise NotImplementedError(f"pythonqt_api.json lacks {type(value).__name__}: collect it")
            wrapper = _adopt(classFor(name), value, owned=False)
        return wrapper
    return value


def unwrap(value):
    """Return the PySide6 value behind a wrapper, also in lists."""
    if isinstance(value, PythonQtInstanceWrapper):
        return value._alive("use")
    if isinstance(value, list | tuple):
        return [unwrap(item) for item in value]
    return value


def _number(value):
    return isinstance(value, int | float) or (hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0)


def _sequence(value):
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not isinstance(value, dict)


INTEGERS = {"int", "uint", "short", "ushort", "long", "ulong", "qlonglong", "qulonglong", "longlong", "uchar"}
FLOATS = {"double", "float", "qreal"}
REFUSED = object()


def convert(value, typeName, strict):
    """Return a value as an argument of a C++ type, or REFUSED."""
    if typeName in INTEGERS:
        return int(value) if (isinstance(value, int) if strict else _number(value)) else REFUSED
    if typeName in FLOATS:
        return float(value) if (isinstance(value, float) if strict else _number(value)) else REFUSED
    if typeName == "bool":
        return bool(value) if isinstance(value, bool) or not strict else REFUSED
    if typeName == "QString":
        if isinstance(value, str):
            return value
        return REFUSED if strict or isinstance(value, PythonQtInstanceWrapper) else str(value)
    if typeName in ("QVariant", "PyObject"):
        return unwrap(value)
    if typeName in ("char", "QByteArray") and isinstance(value, str | bytes):
        return value.encode() if typeName == "QByteArray" and isinstance(value, str) else value
    if typeName == "QStringList":
        if not _sequence(value) or (strict and not isinstance(value, list | tuple)):
            return REFUSED
        return [str(item) for item in value]
    if typeName.startswith(("QList<", "QVector<")):
        return unwrap(list(value)) if _sequence(value) and not isinstance(value, str) else REFUSED
    if typeName.startswith("vtk"):
        if value is not None and not (hasattr(value, "IsA") and value.IsA(typeName)):
            raise TypeError("method requires a VTK object")
        return value
    if "::" in typeName:
        return enumMember(typeName, int(value)) if isinstance(value, int) else REFUSED
    return _convertObject(value, typeName)


def _convertObject(value, typeName):
    try:
        expected = implementation(typeName)
    except NotImplementedError:
        return REFUSED
    if value is None:
        pointer = issubclass(expected, QtCore.QObject) or typeName.endswith("Item")
        return None if pointer else REFUSED
    if isinstance(value, int) and typeName in GLOBAL_ENUMS:
        return expected(GLOBAL_ENUMS[typeName](int(value)))
    if isinstance(value, PythonQtInstanceWrapper):
        target = value._alive("use")
        if typeName == "QBrush" and isinstance(target, QtGui.QColor):
            return QtGui.QBrush(target)
        return target if isinstance(target, expected) else REFUSED
    return REFUSED


# Values that Qt's variants turn into one another; a QPixmap is not taken for a QIcon, nor a text for a QColor.
GLOBAL_ENUMS = {
    "QBrush": QtCore.Qt.GlobalColor,
    "QColor": QtCore.Qt.GlobalColor,
    "QCursor": QtCore.Qt.CursorShape,
}

FLAGS = {"WindowFlags": "WindowType", "OpenMode": "OpenModeFlag", "Alignment": "AlignmentFlag"}


def enumMember(typeName, value):
    """Return the PySide6 enum member for an integer; PySide6 names flags after their single members."""
    scope, name = typeName.rsplit("::", 1)
    owner = QtCore.Qt if scope == "Qt" else implementation(scope.split("::")[-1])
    for candidate in (FLAGS.get(name, name), name.removesuffix("s"), name + "Flag"):
        if hasattr(owner, candidate):
            return getattr(owner, candidate)(value)
    raise NotImplementedError(f"PySide6 has no {typeName}")


def arguments(overloads, given, keywords, what):
    """Return the arguments converted for the first overload that fits; PythonQt tries strictly first."""
    if keywords:
        raise ValueError(f"Called {what} with keyword arguments, but called slot does not support kwargs.")
    if overloads is None:
        return [unwrap(value) for value in given]
    lists = [[p.strip().rsplit(" ", 1)[0] for p in o.split(",")] if o else [] for o in overloads]
    for strict in (True, False):
        for types_ in lists:
            if len(types_) == len(given):
                converted = [convert(value, type_, strict) for value, type_ in zip(given, types_, strict=True)]
                if not any(value is REFUSED for value in converted):
                    return converted
    raise ValueError(
        f"Could not find matching overload of {what} for given arguments: {given}; there are {overloads}"
    )


# -- wrappers


class Record:
    """A QObject that Python has seen: its PySide6 object, its wrapper and its connections."""

    def __init__(self, target):
        self.target = target
        self.wrapper = lambda: None
        self.kept = None  # the wrapper of a Python subclass lives as long as its object
        self.connections = []


def _record(target):
    address = shiboken6.getCppPointer(target)[0]
    if address not in _records:
        _records[address] = Record(target)
        QtCore.QObject.connect(target, QtCore.SIGNAL("destroyed()"), lambda: _bury(address))
    return _records[address]


def _bury(address):
    """Forget an object that is being destroyed; its PySide6 wrapper must not go in the middle of that."""
    if address in _records:
        _graves.append(_records.pop(address))
        if len(_graves) == 1:
            QtCore.QTimer.singleShot(0, _graves.clear)


def _wrapObject(target):
    record = _record(target)
    wrapper = record.wrapper()
    if wrapper is None:
        wrapper = _adopt(classFor(apiName(target)), record.target, owned=False)
    return wrapper


def _adopt(cls, target, owned):
    wrapper = object.__new__(cls)
    wrapper._attach(target, owned)
    return wrapper


class PythonQtClassWrapper(type):
    """A class of Qt: its enum values, its static methods, and its methods without an instance."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        api = cls._api
        if api is None:
            raise AttributeError(name)
        if name in api.enumValues:
            return api.enumValues[name]
        if name in api.enums:
            return int
        if name in api.methods:
            return UnboundSlot(cls, name)
        if name.endswith("_") and name[:-1] in api.methods:
            return UnboundSlot(cls, name[:-1])
        if name in api.signalNames:
            return name
        if name in api.properties:
            return None
        raise AttributeError(f"type object '{api.name}' has no attribute '{name}'")

    def __dir__(cls):
        api = cls._api
        return [*api.enumValues, *api.methods, *api.properties, *api.signalNames] if api else []


class PythonQtInstanceWrapper(metaclass=PythonQtClassWrapper):
    """An object of Qt as Python sees it."""

    _api = None

    def __init__(self, *given, **keywords):
        api = type(self)._api
        converted = arguments(api.constructors, given, keywords, api.name)
        self._attach(_implementationFor(type(self))(*converted), owned=True)
        if isinstance(self._target, QtCore.QObject) and _isSubclass(type(self)):
            record = _record(self._target)
            record.kept = self

    def _attach(self, target, owned):
        self.__dict__["_target"] = target
        self.__dict__["_owned"] = owned
        if isinstance(target, QtCore.QObject):
            _record(target).wrapper = weakref.ref(self)
        else:
            _items[id(target)] = self

    def _alive(self, what):
        target = self.__dict__["_target"]
        if not shiboken6.isValid(target):
            raise ValueError(f"Trying to {what} a destroyed {type(self)._api.name} object")
        return target

    def __del__(self):
        target = self.__dict__.get("_target")
        if QtCore is None or not self.__dict__.get("_owned") or not isinstance(target, QtCore.QObject):
            return  # the first: Python is ending
        if shiboken6.isValid(target) and target.parent() is None:
            shiboken6.delete(target)

    # -- attributes

    def __getattr__(self, name):
        api = type(self)._api
        if name in api.properties:
            return wrap(readProperty(self._alive(f"read property '{name}' from"), name))
        if name in api.methods:
            return BoundSlot(self, name)
        if name.endswith("_") and name[:-1] in api.methods:  # exec_, raise_: Python's own words
            return BoundSlot(self, name[:-1])
        if name in api.signalNames:
            return Signal(self, name)
        if name in api.enumValues:
            return api.enumValues[name]
        if name in api.enums:
            return int
        target = self.__dict__.get("_target")
        if isinstance(target, QtCore.QObject) and shiboken6.isValid(target) and not name.startswith("__"):
            if name == "name":
                return target.objectName()
            if name.encode() in [bytes(n) for n in target.dynamicPropertyNames()]:
                return wrap(target.property(name))
            for child in target.children():
                if child.objectName() == name:
                    return wrap(child)
        raise AttributeError(f"{api.name} has no attribute named '{name}'")

    def __setattr__(self, name, value):
        api = type(self)._api
        if name in api.properties:
            self._setProperty(name, value)
            return
        if name in api.methods or name in api.signalNames or name in api.enumValues or name in api.enums:
            raise AttributeError(f"'{name}' can not be overwritten on {api.name} object")
        target = self.__dict__.get("_target")
        if isinstance(target, QtCore.QObject):
            if name == "name":
                target.setObjectName(str(value))
                return
            if name.encode() in [bytes(n) for n in target.dynamicPropertyNames()]:
                target.setProperty(name, unwrap(value))
                return
        if _isSubclass(type(self)):
            object.__setattr__(self, name, value)
            return
        raise AttributeError(
            f"'{name}' does not exist on {api.name} and creating new attributes on C++ objects is not allowed"
        )

    def _setProperty(self, name, value):
        api = type(self)._api
        try:
            target = self._alive(f"set property '{name}' on")
        except ValueError as error:
            raise AttributeError(str(error)) from error
        kind = api.properties[name]
        if kind.startswith("const "):
            raise AttributeError(f"Property '{name}' of {api.name} object is not writable")
        refusal = f"Property '{name}' of type '{kind}' does not accept an object of type {type(value).__name__}"
        if kind.endswith(" enum"):
            if not isinstance(value, int | str):
                raise AttributeError(refusal)
            converted = value if isinstance(value, str) else int(value)
        else:
            converted = convert(value, kind.removesuffix("*"), strict=False)
        if converted is REFUSED:
            raise AttributeError(refusal)
        writeProperty(target, name, converted)

    def __dir__(self):
        api = type(self)._api
        return [*type(self).__dict__, *api.properties, *api.methods, *api.signalNames, *api.enumValues]

    # -- what PythonQt gives every object

    def className(self):
        return type(self)._api.name

    def inherits(self, name):
        target = self._alive("ask")
        if isinstance(target, QtCore.QObject):
            return target.inherits(name)
        return any(base.__name__ == name for base in type(target).__mro__)

    def delete(self):
        shiboken6.delete(self._alive("delete"))

    def __eq__(self, other):
        if not isinstance(other, PythonQtInstanceWrapper):
            return NotImplemented
        mine, theirs = self.__dict__["_target"], other.__dict__["_target"]
        return mine is theirs or (
            not isinstance(mine, QtCore.QObject) and type(mine) is type(theirs) and mine == theirs
        )

    def __hash__(self):
        return id(self.__dict__["_target"])

    def __bool__(self):
        return True

    def __repr__(self):
        return f"{type(self)._api.name} (stand-in)"

    def _operate(self, other, operation):
        return wrap(getattr(self._alive("use"), operation)(unwrap(other)))

    def __add__(self, other):
        return self._operate(other, "__add__")

    def __sub__(self, other):
        return self._operate(other, "__sub__")

    def __mul__(self, other):
        return self._operate(other, "__mul__")


def readProperty(target, name):
    """Return a property's value; types that PySide6 cannot pass through a variant come from the getter."""
    if target.metaObject().indexOfProperty(name) < 0:
        return missing(target, f"property {name}")
    try:
        return target.property(name)
    except RuntimeError:
        return getattr(target, name)()


def writeProperty(target, name, value):
    if target.metaObject().indexOfProperty(name) < 0:
        missing(target, f"property {name}")
    target.setProperty(name, value)


def missing(target, what):
    raise NotImplementedError(f"{type(target).__name__} of the stand-ins (Qt {QtCore.qVersion()}) has no {what}")


class BoundSlot:
    """A method of an object."""

    def __init__(self, wrapper, name):
        self._wrapper, self._name = wrapper, name

    def __call__(self, *given, **keywords):
        cls = type(self._wrapper)
        target = self._wrapper._alive(f"call '{self._name}' on")
        special = SPECIAL.get(self._name)
        if special and isinstance(target, QtCore.QObject):
            if keywords:
                raise ValueError("keyword arguments")
            return special(self._wrapper, *given)
        overloads = cls._api.methods[self._name]
        converted = arguments(overloads, given, keywords, f"{cls._api.name}.{self._name}")
        return wrap(findMethod(cls._api.name, target, self._name)(*converted))

    def __eq__(self, other):
        return isinstance(other, BoundSlot) and (self._wrapper is other._wrapper) and self._name == other._name

    def __hash__(self):
        return hash((id(self._wrapper), self._name))

    def __repr__(self):
        return f"<qt slot {self._name} of {self._wrapper!r}>"


class UnboundSlot:
    """A method of a class: static, or called with the instance as its first argument."""

    def __init__(self, cls, name):
        self._cls, self._name = cls, name

    def __call__(self, *given, **keywords):
        first = given[0] if given else None
        inherits = isinstance(first, PythonQtInstanceWrapper) and first.inherits(self._cls._api.name)
        if inherits and not isinstance(
            _staticAttribute(implementation(self._cls._api.name), self._name),
            staticmethod | types.BuiltinFunctionType,
        ):
            slot = BoundSlot(first, self._name)
            if _isSubclass(type(first)):  # the base class's method, not the Python override that called it
                converted = arguments(self._cls._api.methods[self._name], given[1:], keywords, self._name)
                return wrap(getattr(implementation(self._cls._api.name), self._name)(first._target, *converted))
            return slot(*given[1:], **keywords)
        name = self._cls._api.name
        converted = arguments(self._cls._api.methods[self._name], given, keywords, f"{name}.{self._name}")
        return wrap(findMethod(name, implementation(name), self._name)(*converted))


def _staticAttribute(cls, name):
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


PYTHON_NAMES = {"raise": "raise_", "print": "print_"}


def findMethod(className, target, name):
    """Return the function that does what a method of the real class does."""
    names = [className]
    if isinstance(target, QtCore.QObject):
        meta = target.metaObject()
        names = []
        while meta:
            names.append(meta.className())
            meta = meta.superClass()
    for known in names:
        if (known, name) in _overrides:
            function = _overrides[known, name]
            return lambda *converted: function(target, *converted)
    method = getattr(target, PYTHON_NAMES.get(name, name), None)
    if method is None:
        return missing(target, f"method {name}")
    return method


# -- methods that belong to PythonQt itself


def _setDynamicProperty(wrapper, name, value):
    target = wrapper._alive("set")
    if name in type(wrapper)._api.properties:
        wrapper._setProperty(name, value)
        return True
    target.setProperty(name, unwrap(value))
    return False


def _property(wrapper, name):
    if name in type(wrapper)._api.properties:
        return getattr(wrapper, name)
    return wrap(wrapper._alive("read").property(name))


def _findChildren(wrapper, kind, name=None):
    wanted = kind if isinstance(kind, str) else kind._api.name
    found = [c for c in wrapper._alive("search").findChildren(QtCore.QObject) if c.inherits(wanted)]
    return tuple(wrap(c) for c in found if name is None or c.objectName() == name)


def _findChild(wrapper, kind, name=None):
    found = _findChildren(wrapper, kind, name)
    return found[0] if found else None


def _connect(wrapper, *given):
    if len(given) == 2 and isinstance(given[0], str) and callable(given[1]):
        return connect(wrapper, *given)
    if len(given) >= 3 and isinstance(given[0], str) and isinstance(given[1], PythonQtInstanceWrapper):
        slot = given[2].split("(")[0]
        return connect(wrapper, given[0], BoundSlot(given[1], slot))
    if len(given) == 3 and isinstance(given[0], PythonQtInstanceWrapper):
        return connect(*given)
    raise ValueError(f"Could not find matching overload of connect for given arguments: {given}")


def _disconnect(wrapper, signal, slot=None):
    return disconnect(wrapper, signal, slot)


def _removeLater(wrapper):
    wrapper._alive("delete").deleteLater()
    wrapper.__dict__["_owned"] = False


SPECIAL = {
    "setProperty": _setDynamicProperty,
    "property": _property,
    "findChildren": _findChildren,
    "findChild": _findChild,
    "connect": _connect,
    "disconnect": _disconnect,
    "deleteLater": _removeLater,
}


# -- signals


class Target:
    """A Python callable at the end of a connection."""

    def __init__(self, slot):
        self.slot = slot
        self.limit = self._limit(slot)

    @staticmethod
    def _limit(slot):
        """Return how many arguments a Python function takes; None: as many as come."""
        function = slot.__func__ if isinstance(slot, types.MethodType) else slot
        if not isinstance(function, types.FunctionType) or function.__code__.co_flags & 4:
            return None
        return function.__code__.co_argcount - isinstance(slot, types.MethodType)

    def __call__(self, *given):
        given = given if self.limit is None else given[: self.limit]
        try:
            if isinstance(self.slot, BoundSlot):
                overloads = type(self.slot._wrapper)._api.methods[self.slot._name] or [""]
                given = given[: max(len(o.split(",")) if o else 0 for o in overloads)]
            self.slot(*[wrap(value) for value in given])
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            swallowed.append(error)


def connect(wrapper, signature, slot):
    """Connect a signal of the exact signature; False with a warning where there is none."""
    target = wrapper._alive("connect")
    known = type(wrapper)._api.signal(signature) if "(" in signature else None
    if known is None:
        print(
            f"PythonQt: QObject::connect() signal '{signature}' does not exist on {wrapper.className()}",
            file=sys.stderr,
        )
        return False
    end = Target(slot)
    source = _source(target, known)
    if isinstance(source, str):
        QtCore.QObject.connect(target, QtCore.SIGNAL(source), end)
    else:
        source.connect(end)
    _record(target).connections.append((known, slot, end))
    return True


def _source(target, known):
    """Return how PySide6 connects a signal: by its signature, or by the signal object of a stand-in class."""
    declared = getattr(type(target), "SIGNALS", {})
    if known in declared:
        return getattr(target, declared[known])
    if target.metaObject().indexOfSignal(known) >= 0:
        return known
    name = known.split("(")[0]
    if name in vars(type(target)) or any(name in vars(base) for base in type(target).__mro__[:-1]):
        return getattr(target, name)
    return missing(target, f"signal {known}")


def disconnect(wrapper, signature, slot=None):
    """Undo a connection; False where there is none."""
    target = wrapper._alive("disconnect")
    record, known = _record(target), type(wrapper)._api.signal(signature)
    found = [c for c in record.connections if c[0] == known and (slot is None or c[1] == slot)]
    for connection in found:
        record.connections.remove(connection)
        source = _source(target, known)
        if isinstance(source, str):
            QtCore.QObject.disconnect(target, QtCore.SIGNAL(source), connection[2])
        else:
            source.disconnect(connection[2])
    return bool(found)


class Signal:
    """A signal of an object: `widget.clicked`."""

    def __init__(self, wrapper, name):
        self._wrapper, self._name = wrapper, name

    def _signature(self):
        return next(s for s in type(self._wrapper)._api.signals if s.split("(")[0] == self._name)

    def connect(self, slot):
        return connect(self._wrapper, self._signature(), slot)

    def disconnect(self, slot=None):
        return disconnect(self._wrapper, self._signature(), slot)

    def __call__(self, *given):
        target = self._wrapper._alive("emit")
        declared = getattr(type(target), "SIGNALS", {}).get(self._signature(), self._name)
        getattr(target, declared).emit(*[unwrap(value) for value in given])

    emit = __call__


# -- classes


def classFor(name):
    """Return the wrapper class of a class of Slicer."""
    if name not in _classes:
        members = {"_api": Api(name), "__module__": "qt" if name.startswith("Q") else "slicer"}
        _classes[name] = PythonQtClassWrapper(name, (PythonQtInstanceWrapper,), members)
    return _classes[name]


def _isSubclass(cls):
    return cls not in _classes.values()


def _implementationFor(cls):
    """Return the PySide6 class to make an instance of; a Python subclass gets one that calls its overrides."""
    base = implementation(cls._api.name)
    if not _isSubclass(cls):
        return base
    overrides = {}
    for name in cls._api.methods:
        definition = next((vars(c)[name] for c in cls.__mro__ if name in vars(c)), None)
        if definition is not None and callable(definition) and hasattr(base, name):
            overrides[name] = _virtual(definition)
    return type(cls._api.name, (base,), overrides)


def _virtual(definition):
    def call(target, *given):
        try:
            return unwrap(definition(wrap(target), *[wrap(value) for value in given]))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            swallowed.append(error)
            return None

    return call


def module(name, extras=None):
    """Return a module that has the classes of one of Slicer's Qt modules."""
    made = types.ModuleType(name, f"Stand-in for Slicer's {name}, made of PySide6 (Testing/StandIns/pythonqt.py)")
    known = set(API["modules"][name])
    made.__dict__.update(extras or {})

    def getattribute(attribute):
        if attribute in known:
            return classFor(attribute)
        raise AttributeError(f"module '{name}' has no attribute '{attribute}'")

    made.__getattr__ = getattribute
    return made


class Namespace:
    """qt.Qt: the enum values of Qt's own namespace."""

    def __getattr__(self, name):
        try:
            return API["Qt"][name]
        except KeyError:
            raise AttributeError(f"Qt has no attribute '{name}'") from None
