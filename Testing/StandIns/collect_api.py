"""Write down what Slicer's Qt wrappers really have: run inside Slicer, whenever the table has to grow.

    Slicer --no-splash --python-script Testing/StandIns/collect_api.py -- Testing/StandIns/pythonqt_api.json

The stand-ins refuse whatever is not in this table, so that code that runs on them runs in Slicer. Only facts
that a running Slicer tells about itself are collected:

properties, signals
    from QObject.metaObject() (methods of type 1 are signals, of type 2 and 0 slots and invokables).
methods
    the names of dir(); the overloads from the text of the ValueError that PythonQt raises when a method is
    called with more arguments than any overload has (nothing is executed by such a call).
constructors
    the same, from the class.
enums
    members of the class whose type is a subclass of int.
"""

import json
import re
import sys

import ctk
import qt
import slicer

QT = [
    "QObject",
    "QWidget",
    "QFrame",
    "QLabel",
    "QAbstractButton",
    "QPushButton",
    "QToolButton",
    "QCheckBox",
    "QRadioButton",
    "QGroupBox",
    "QLineEdit",
    "QPlainTextEdit",
    "QTextEdit",
    "QTextBrowser",
    "QSpinBox",
    "QDoubleSpinBox",
    "QSlider",
    "QComboBox",
    "QProgressBar",
    "QScrollArea",
    "QStackedWidget",
    "QSplitter",
    "QTabWidget",
    "QToolBox",
    "QTableWidget",
    "QTreeWidget",
    "QListWidget",
    "QHeaderView",
    "QDialog",
    "QDialogButtonBox",
    "QMessageBox",
    "QFileDialog",
    "QInputDialog",
    "QProgressDialog",
    "QMenu",
    "QAction",
    "QActionGroup",
    "QButtonGroup",
    "QHBoxLayout",
    "QVBoxLayout",
    "QGridLayout",
    "QFormLayout",
    "QTimer",
    "QShortcut",
    "QTableWidgetItem",
    "QListWidgetItem",
    "QTreeWidgetItem",
    "QSize",
    "QPoint",
    "QPointF",
    "QSizeF",
    "QRect",
    "QRectF",
    "QColor",
    "QFont",
    "QFontMetrics",
    "QPalette",
    "QBrush",
    "QPen",
    "QIcon",
    "QPixmap",
    "QImage",
    "QPainter",
    "QPolygonF",
    "QPainterPath",
    "QKeySequence",
    "QSizePolicy",
    "QByteArray",
    "QFile",
    "QUiLoader",
    "QSettings",
    "QUrl",
    "QModelIndex",
    "QApplication",
    "QClipboard",
    "QCursor",
    "QEvent",
    "QMouseEvent",
    "QKeyEvent",
    "QResizeEvent",
    "QDropEvent",
    "QDragEnterEvent",
    "QDragMoveEvent",
    "QSpacerItem",
    "QStyle",
    "QDir",
    "QFileInfo",
    "QMimeData",
    "QDoubleValidator",
    "QIntValidator",
    "QEventLoop",
    "QSignalBlocker",
    "QToolTip",
    "QLayoutItem",
    "QWidgetItem",
    "QStandardItemModel",
    "QStandardItem",
    "QAbstractItemModel",
    "QItemSelectionModel",
    "QStatusBar",
    "QStyleFactory",
    "QAbstractItemView",
]
CTK = [
    "ctkCollapsibleButton",
    "ctkCollapsibleGroupBox",
    "ctkPathLineEdit",
    "ctkSliderWidget",
    "ctkDoubleSlider",
    "ctkDoubleSpinBox",
    "ctkRangeWidget",
    "ctkDoubleRangeSlider",
    "ctkComboBox",
    "ctkCheckableComboBox",
    "ctkCheckBox",
    "ctkMenuButton",
    "ctkPushButton",
    "ctkCheckablePushButton",
    "ctkDirectoryButton",
    "ctkExpandButton",
    "ctkFittedTextBrowser",
    "ctkCoordinatesWidget",
    "ctkMessageBox",
    "ctkColorPickerButton",
    "ctkSearchBox",
]
MRML = [
    "qMRMLWidget",
    "qMRMLNodeComboBox",
    "qMRMLCheckableNodeComboBox",
    "qMRMLSegmentSelectorWidget",
    "qMRMLPlotWidget",
    "qMRMLPlotView",
    "qMRMLPlotViewControllerWidget",
    "qMRMLSliderWidget",
    "qMRMLRangeWidget",
    "qMRMLSpinBox",
    "qMRMLVolumeThresholdWidget",
    "qMRMLSliceWidget",
    "qMRMLSliceView",
    "qMRMLSliceControllerWidget",
    "qMRMLCoordinatesWidget",
    "qMRMLSubjectHierarchyTreeView",
    "qMRMLSubjectHierarchyComboBox",
    "qMRMLROIWidget",
    "qMRMLCollapsibleButton",
    "qSlicerWidget",
]

PARENT = qt.QWidget()
MIME = qt.QMimeData()
ARGUMENTS = {  # where a class cannot be made without arguments
    "QHeaderView": lambda: qt.QHeaderView(qt.Qt.Horizontal),
    "QWidgetItem": lambda: qt.QWidgetItem(PARENT),
    "QSpacerItem": lambda: qt.QSpacerItem(1, 1),
    "QPainter": lambda: qt.QPainter(),
    "QFontMetrics": lambda: qt.QLabel().fontMetrics(),
    "QClipboard": lambda: qt.QApplication.clipboard(),
    "QStyle": lambda: slicer.app.style(),
    "QApplication": lambda: slicer.app,
    "QEvent": lambda: qt.QEvent(qt.QEvent.User),
    "QMouseEvent": lambda: qt.QMouseEvent(qt.QEvent.MouseMove, qt.QPointF(), 0, 0, 0),
    "QKeyEvent": lambda: qt.QKeyEvent(qt.QEvent.KeyPress, 65, 0),
    "QResizeEvent": lambda: qt.QResizeEvent(qt.QSize(), qt.QSize()),
    "QDropEvent": lambda: qt.QDropEvent(qt.QPointF(), 1, MIME, 0, 0),
    "QDragEnterEvent": lambda: qt.QDragEnterEvent(qt.QPoint(), 1, MIME, 0, 0),
    "QDragMoveEvent": lambda: qt.QDragMoveEvent(qt.QPoint(), 1, MIME, 0, 0),
    "QShortcut": lambda: qt.QShortcut(PARENT),
    "QActionGroup": lambda: qt.QActionGroup(PARENT),
    "QSignalBlocker": lambda: qt.QSignalBlocker(PARENT),
}
INSTANCES = {
    "qSlicerApplication": lambda: slicer.app,
    "qSlicerModuleManager": lambda: slicer.app.moduleManager(),
    "qSlicerLayoutManager": lambda: slicer.app.layoutManager(),
    "qSlicerMainWindow": lambda: slicer.util.mainWindow(),
    "qSlicerScriptedLoadableModule": lambda: slicer.modules.sampledata,
    "qSlicerScriptedLoadableModuleWidget": lambda: slicer.modules.sampledata.widgetRepresentation(),
}
TOO_MANY = (None,) * 15


def overloads(call):
    """Return the argument lists that a callable accepts, as PythonQt's error message names them; None: unknown."""
    try:
        call(*TOO_MANY)
    except ValueError as error:
        found = re.findall(r"(static )?\b[\w~]+\(((?:[^()]|\(\))*)\) -> ", str(error))
        return sorted({arguments.strip() for _static, arguments in found})
    except Exception:
        return None
    return None


def wrapper_bases(name, instance):
    """Return the names of the recorded classes that the instance inherits, and its own first."""
    if isinstance(instance, type) or not hasattr(instance, "metaObject"):
        return [name]
    return [name] + [n for n in QT + CTK + MRML if n != name and instance.inherits(n)]


def describe(name, cls, instance):
    """Return the record of one class."""
    record = {"bases": wrapper_bases(name, instance), "properties": {}, "signals": [], "methods": {}, "enums": {}}
    if cls is not None:
        record["new"] = overloads(cls)
    if len(record["bases"]) > 1 or name == "QObject":
        meta = instance.metaObject()
        for index in range(meta.propertyCount()):
            entry = meta.property(index)
            access = "" if entry.isWritable() else "const "
            record["properties"][str(entry.name())] = (
                access + str(entry.typeName()) + (" enum" if entry.isEnumType() else "")
            )
        for index in range(meta.methodCount()):
            method = meta.method(index)
            if int(method.methodType()) == 1:
                record["signals"].append(bytes(method.methodSignature().data()).decode())
    for member in dir(instance):
        if member.startswith("__") or member in record["properties"]:
            continue
        try:
            value = getattr(instance, member)
        except Exception:
            continue
        kind = type(value).__name__
        if isinstance(value, type):
            record["enums"].setdefault(member, {})
        elif isinstance(value, int):
            record["enums"].setdefault(kind, {})[member] = int(value)
        elif kind in ("builtin_qt_slot", "builtin_function_or_method", "function", "method"):
            record["methods"][member] = overloads(value) if kind == "builtin_qt_slot" else None
    return record


def without_inherited(table):
    """Leave out of each record what its nearest recorded base class has in the same form."""
    for record in table.values():
        bases = [base for base in record["bases"][1:] if base in table]
        record["bases"] = sorted(bases, key=lambda base: -len(table[base]["bases"]))
    short = {}
    for name, record in table.items():
        copy = {"bases": record["bases"]}
        if record.get("new") is not None:
            copy["new"] = record["new"]
        base = table[record["bases"][0]] if record["bases"] else None
        copy["signals"] = [s for s in record["signals"] if not (base and s in base["signals"])]
        for part in ("properties", "methods", "enums"):
            inherited = base[part] if base else {}
            copy[part] = {k: v for k, v in record[part].items() if k not in inherited or inherited[k] != v}
        short[name] = {key: value for key, value in copy.items() if value or key == "new"}
    return short


def collect():
    table = {}
    for package, names in ((qt, QT), (ctk, CTK), (slicer, MRML)):
        for name in names:
            cls = getattr(package, name, None)
            if cls is None:
                print(f"{name}: not there")
                continue
            try:
                instance = ARGUMENTS[name]() if name in ARGUMENTS else cls()
            except Exception as error:
                print(f"{name}: described without an instance ({type(error).__name__})")
                instance = cls
            table[name] = describe(name, cls, instance)
    for name, get in INSTANCES.items():
        instance = get()
        if instance is not None:
            table[name] = describe(name, None, instance)
    manager = slicer.app.layoutManager()
    if manager is not None:
        widget = manager.sliceWidget("Red")
        table["qMRMLSliceWidget"] = describe("qMRMLSliceWidget", slicer.qMRMLSliceWidget, widget)
        view = widget.sliceView()
        table["qMRMLSliceView"] = describe("qMRMLSliceView", slicer.qMRMLSliceView, view)
    return without_inherited(table)


if __name__ == "__main__":
    code = 1
    try:
        table = collect()
        modules = {
            "qt": sorted(n for n in dir(qt) if n in table),
            "ctk": sorted(n for n in dir(ctk) if n in table),
            "slicer": sorted(n for n in dir(slicer) if n in table),
        }
        qtEnums = {n: int(getattr(qt.Qt, n)) for n in dir(qt.Qt) if isinstance(getattr(qt.Qt, n), int)}
        result = {
            "collected in": f"Slicer {slicer.app.applicationVersion}, Qt 5.15",
            "by": "collect_api.py",
            "modules": modules,
            "Qt": qtEnums,
            "classes": table,
        }
        with open(sys.argv[1], "w") as file:
            classes = [f"{json.dumps(n)}: {json.dumps(table[n], sort_keys=True)}" for n in sorted(table)]
            head = json.dumps({**result, "classes": 0}, sort_keys=True)
            file.write(head.replace('"classes": 0', '"classes": {\n' + ",\n".join(classes) + "\n}") + "\n")
        code = 0
    finally:
        slicer.util.exit(code)
