"""The extension's files: what CMake packs is what lies on the disk, and the panel fits its module."""

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "SpatialDeconv"
MODULE_FILE = MODULE / "SpatialDeconv.py"
UI_FILE = MODULE / "Resources" / "UI" / "SpatialDeconv.ui"

# The widget classes that the panel may use: each exists in Slicer 5.10 and later, as a Designer plugin.
WIDGETS = {
    "QCheckBox",
    "QComboBox",
    "QDoubleSpinBox",
    "QLabel",
    "QProgressBar",
    "QPushButton",
    "QSpinBox",
    "QWidget",
    "ctkCollapsibleButton",
    "ctkPathLineEdit",
    "qMRMLNodeComboBox",
    "qMRMLWidget",
}

# The widgets that Slicer can bind to a parameter, by type of the parameter.
BINDINGS = {
    "bool": {"QCheckBox"},
    "int": {"QSpinBox"},
    "float": {"QDoubleSpinBox"},
    "node": {"qMRMLNodeComboBox"},
    "enum": {"QComboBox"},
}


def cmake_list(path, name):
    """The entries of ``set(NAME ...)``, with ${MODULE_NAME} put in."""
    text = path.read_text(encoding="utf-8")
    entries = re.search(rf"set\({name}\s+(.*?)\)", text, re.DOTALL).group(1).split()
    module_name = re.search(r"set\(MODULE_NAME (\w+)\)", text)
    return sorted(e.replace("${MODULE_NAME}", module_name.group(1)) if module_name else e for e in entries)


def files_below(folder, pattern="*"):
    """Paths relative to `folder`, without what Python and editors leave behind."""
    paths = (p.relative_to(folder) for p in folder.rglob(pattern) if p.is_file())
    return sorted(p.as_posix() for p in paths if "__pycache__" not in p.parts and not p.name.startswith("."))


def ui_widgets():
    return list(ElementTree.parse(UI_FILE).iter("widget"))


def property_text(widget, name):
    """Text of a widget's property, whatever its type; None when it is not set."""
    for element in widget.findall("property"):
        if element.get("name") == name:
            return "".join(element.itertext()).strip()
    return None


def module_tree():
    return ast.parse(MODULE_FILE.read_text(encoding="utf-8"))


def class_of(name):
    return next(node for node in module_tree().body if isinstance(node, ast.ClassDef) and node.name == name)


def parameters():
    """Name -> annotation of the parameter node's fields."""
    body = class_of("SpatialDeconvParameterNode").body
    return {node.target.id: ast.unparse(node.annotation) for node in body if isinstance(node, ast.AnnAssign)}


def kind_of(annotation):
    """The key of `BINDINGS` for an annotation of the parameter node."""
    if annotation in ("VolumeNode", "RegionNode"):
        return "node"
    simple = re.fullmatch(r"(?:Annotated\[)?(bool|int|float|str)\b.*", annotation)
    return simple.group(1) if simple else "enum"


# -- CMake


def test_cmake_packs_every_file_of_the_module_and_no_other():
    scripts = cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS")
    resources = cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES")
    assert sorted([*scripts, *resources, "CMakeLists.txt"]) == files_below(MODULE)


def test_cmake_packs_every_file_of_the_library_and_no_other():
    scripts = cmake_list(ROOT / "SpatialDeconvLib" / "CMakeLists.txt", "LIBRARY_PYTHON_SCRIPTS")
    assert sorted([*scripts, "CMakeLists.txt"]) == files_below(ROOT / "SpatialDeconvLib")


def test_cmake_packs_every_sample_and_no_other():
    listed = cmake_list(ROOT / "SpatialDeconvLib" / "CMakeLists.txt", "LIBRARY_SAMPLE_DATA")
    assert listed == files_below(ROOT / "Resources" / "SampleData")


def test_cmake_descends_into_every_folder_that_has_a_list():
    for path in ROOT.rglob("CMakeLists.txt"):
        parent = path.parent.parent / "CMakeLists.txt"
        if path.parent != ROOT and not {"build", ".venv"} & set(path.parts):
            assert f"add_subdirectory({path.parent.name})" in parent.read_text(encoding="utf-8"), path


def test_the_project_has_the_name_of_the_module_and_files_that_exist():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert "project(SpatialDeconv)" in text
    in_sources = re.findall(r"\$\{CMAKE_CURRENT_SOURCE_DIR\}/([\w.]+)|/main/([\w./]+)\"", text)
    named = [a or b for a, b in in_sources]
    assert len(named) == 4  # licence, readme, icon, screenshot
    for name in named:
        assert (ROOT / name).is_file(), name


# -- versions


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11")
def test_versions_agree():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    library = (ROOT / "SpatialDeconvLib" / "__init__.py").read_text(encoding="utf-8")
    assert re.search(r'^__version__ = "(.+)"$', library, re.MULTILINE).group(1) == version
    citation = ROOT / "CITATION.cff"
    if citation.exists():
        text = citation.read_text(encoding="utf-8")
        assert re.search(r"^version: \"?([\d.]+)\"?$", text, re.MULTILINE).group(1) == version


# -- the module


def test_every_python_file_in_the_module_folder_is_a_module():
    # Slicer tries each of them as one, and takes a file that starts with #! for a command-line module.
    files = files_below(MODULE, "*.py")
    assert files == ["SpatialDeconv.py"]
    assert not MODULE_FILE.read_text(encoding="utf-8").startswith("#!")


def test_the_module_has_the_four_classes_that_slicer_looks_for():
    names = {node.name for node in module_tree().body if isinstance(node, ast.ClassDef)}
    assert {"SpatialDeconv", "SpatialDeconvWidget", "SpatialDeconvLogic", "SpatialDeconvTest"} <= names


def test_loading_the_module_loads_nothing_heavy():
    imported = set()
    for node in module_tree().body:
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.partition(".")[0])
    assert imported <= {"enum", "logging", "os", "sys", "time", "typing", "slicer", "vtk"}


def test_texts_for_translation_are_literals():
    for path in (MODULE_FILE, ROOT / "SpatialDeconvLib" / "doors" / "panelmodel.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}, line {node.lineno}"


# -- the panel's form


def test_the_form_is_a_qmrmlwidget_with_known_widgets():
    root = ElementTree.parse(UI_FILE).getroot()
    assert root.tag == "ui"
    assert root.find("widget").get("class") == "qMRMLWidget"
    assert {widget.get("class") for widget in ui_widgets()} <= WIDGETS


def test_every_class_that_is_not_qts_own_is_declared():
    declared = {e.text for e in ElementTree.parse(UI_FILE).findall("customwidgets/customwidget/class")}
    assert declared == {w.get("class") for w in ui_widgets() if not w.get("class").startswith("Q")}


def test_widget_names_are_unique():
    names = [widget.get("name") for widget in ui_widgets()]
    assert len(names) == len(set(names))


def test_every_node_selector_gets_the_scene():
    connected = {
        c.find("receiver").text
        for c in ElementTree.parse(UI_FILE).findall("connections/connection")
        if c.find("signal").text == "mrmlSceneChanged(vtkMRMLScene*)"
        and c.find("slot").text == "setMRMLScene(vtkMRMLScene*)"
    }
    assert connected == {w.get("name") for w in ui_widgets() if w.get("class") == "qMRMLNodeComboBox"}


def test_every_parameter_is_bound_to_a_widget_that_can_show_it():
    fields = parameters()
    bound = {property_text(w, "SlicerParameterName"): w.get("class") for w in ui_widgets()}
    bound.pop(None)
    # The path has no connector that allows an empty one: the module passes it on itself.
    assert set(bound) == set(fields) - {"kernelSetPath"}
    for name, widget_class in bound.items():
        assert widget_class in BINDINGS[kind_of(fields[name])], name


def test_node_selectors_offer_the_classes_of_their_parameters():
    unions = {
        node.targets[0].id: {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)} - {"Union"}
        for node in module_tree().body
        if isinstance(node, ast.Assign) and node.targets[0].id.endswith("Node")
    }
    fields = parameters()
    for widget in ui_widgets():
        if widget.get("class") == "qMRMLNodeComboBox":
            offered = set(property_text(widget, "nodeTypes").split())
            assert offered == unions[fields[property_text(widget, "SlicerParameterName")]]


def test_every_input_has_a_tool_tip_and_is_reached_by_tab():
    tabstops = {e.text for e in ElementTree.parse(UI_FILE).findall("tabstops/tabstop")}
    inputs = WIDGETS - {"QLabel", "QProgressBar", "QWidget", "ctkCollapsibleButton", "qMRMLWidget"}
    for widget in ui_widgets():
        if widget.get("class") in inputs:
            assert property_text(widget, "toolTip").endswith("."), widget.get("name")
            assert widget.get("name") in tabstops


def test_every_label_with_a_field_is_its_buddy():
    names = {widget.get("name") for widget in ui_widgets()}
    labels = [
        w for w in ui_widgets() if w.get("class") == "QLabel" and (property_text(w, "text") or "").endswith(":")
    ]
    assert len(labels) > 10
    for label in labels:
        assert property_text(label, "buddy") in names, label.get("name")


def test_every_widget_that_the_module_uses_is_in_the_form():
    source = MODULE_FILE.read_text(encoding="utf-8")
    names = {widget.get("name") for widget in ui_widgets()}
    assert set(re.findall(r"self\.ui\.(\w+)", source)) <= names
    for constant in ("CONTROL_WIDGETS", "FIELD_WIDGETS", "SECTIONS"):
        value = next(
            ast.literal_eval(node.value)
            for node in module_tree().body
            if isinstance(node, ast.Assign) and node.targets[0].id == constant
        )
        used = value.values() if isinstance(value, dict) else value
        for item in used:
            assert {item} <= names if isinstance(item, str) else set(item) <= names
