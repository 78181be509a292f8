"""The extension's files: what CMake packs is what lies on the disk, and the panel fits its module."""

import ast
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "SpatialDeconv"
MODULE_FILE = MODULE / "SpatialDeconv.py"
PANEL = ROOT / "SpatialDeconvLib" / "panel"
PARAMETERS_FILE = PANEL / "parameters.py"
FORMS = sorted((MODULE / "Resources" / "UI").glob("*.ui"))
MAIN_FORM = MODULE / "Resources" / "UI" / "SpatialDeconv.ui"

# The widget classes that the panel may use: each exists in Slicer 5.10 and later, as a Designer plugin.
WIDGETS = {
    "QCheckBox",
    "QComboBox",
    "QDoubleSpinBox",
    "QFrame",
    "QLabel",
    "QLineEdit",
    "QListWidget",
    "QProgressBar",
    "QPushButton",
    "QSpinBox",
    "QTableWidget",
    "QToolButton",
    "QWidget",
    "ctkCheckableComboBox",
    "ctkCollapsibleButton",
    "ctkCollapsibleGroupBox",
    "ctkPathLineEdit",
    "ctkRangeWidget",
    "ctkSliderWidget",
    "qMRMLNodeComboBox",
    "qMRMLPlotWidget",
    "qMRMLWidget",
}

# Those that only show something, or hold others.
PASSIVE = {"QFrame", "QLabel", "QProgressBar", "QWidget", "ctkCollapsibleButton", "qMRMLPlotWidget", "qMRMLWidget"}

# The widgets that Slicer can bind to a parameter, by type of the parameter.
BINDINGS = {
    "bool": {"QCheckBox", "QPushButton"},
    "int": {"QSpinBox", "ctkSliderWidget"},
    "float": {"QDoubleSpinBox", "ctkSliderWidget"},
    "node": {"qMRMLNodeComboBox"},
    "enum": {"QComboBox"},
}

# Fields that have no connector: the panel passes them on itself.
UNBOUND = {"kernels", "kernelSetPath", "maskSegments", "thresholdLower", "thresholdUpper", "operation", "effort"}


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


def ui_widgets(form=None):
    """The widgets of one form, or of all."""
    forms = [form] if form else FORMS
    return [widget for path in forms for widget in ElementTree.parse(path).iter("widget")]


def property_text(widget, name):
    """Text of a widget's property, whatever its type; None when it is not set."""
    for element in widget.findall("property"):
        if element.get("name") == name:
            return "".join(element.itertext()).strip()
    return None


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def module_tree():
    return tree_of(MODULE_FILE)


def parameters():
    """Name -> annotation of the parameter node's fields."""
    classes = [node for node in tree_of(PARAMETERS_FILE).body if isinstance(node, ast.ClassDef)]
    body = next(node for node in classes if node.name == "SpatialDeconvParameterNode").body
    return {node.target.id: ast.unparse(node.annotation) for node in body if isinstance(node, ast.AnnAssign)}


def kind_of(annotation):
    """The key of `BINDINGS` for an annotation of the parameter node."""
    if annotation.endswith("Node"):
        return "node"
    simple = re.fullmatch(r"(?:Annotated\[)?(bool|int|float|str)\b.*", annotation)
    return simple.group(1) if simple else "enum"


# -- CMake


def test_cmake_packs_every_file_of_the_module_and_no_other():
    scripts = cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS")
    resources = cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES")
    assert sorted([*scripts, *resources, "CMakeLists.txt"]) == files_below(MODULE)


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs CMake")
def test_cmake_packs_every_file_of_the_library_and_no_other(tmp_path):
    project = (
        "cmake_minimum_required(VERSION 3.16)\n"
        "project(SpatialDeconv NONE)\n"
        f'set(SpatialDeconv_SOURCE_DIR "{ROOT.as_posix()}")\n'
        "macro(ctkMacroCompilePythonScript)\n"  # of Slicer: only notes what it is to pack
        '  cmake_parse_arguments(MY "" "TARGET_NAME;SOURCE_DIR" "SCRIPTS;RESOURCES" ${ARGN})\n'
        '  file(WRITE "${CMAKE_BINARY_DIR}/packed.txt" "${MY_SCRIPTS};${MY_RESOURCES}")\n'
        "endmacro()\n"
        f'add_subdirectory("{(ROOT / "SpatialDeconvLib").as_posix()}" library)\n'
    )
    (tmp_path / "CMakeLists.txt").write_text(project, encoding="utf-8")
    command = ["cmake", "-S", str(tmp_path), "-B", str(tmp_path / "build")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    packed = (tmp_path / "build" / "packed.txt").read_text(encoding="utf-8").split(";")
    library = [
        f"SpatialDeconvLib/{name}" for name in files_below(ROOT / "SpatialDeconvLib") if name != "CMakeLists.txt"
    ]
    samples = [f"Resources/SampleData/{name}" for name in files_below(ROOT / "Resources" / "SampleData")]
    assert sorted(packed) == sorted([*library, *samples])


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
    for name, pattern in (
        ("CITATION.cff", r"^version: \"?([\d.]+)\"?$"),
        ("README.md", r", version ([\d.]+), \d{4}\.$"),
        ("CHANGELOG.md", r"\A# Changelog\n\n## ([\d.]+) "),
    ):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(pattern, text, re.MULTILINE).group(1) == version, name


# -- the Extensions Index


def cmake_text(name):
    """The text that CMakeLists.txt sets a variable to."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(rf'^set\({name} "(.+)"\)$', text, re.MULTILINE).group(1)


def test_the_entry_for_the_extensions_index_says_what_cmake_says():
    (path,) = (ROOT / "Resources" / "ExtensionsIndex").glob("*.json")
    entry = json.loads(path.read_text(encoding="utf-8"))
    assert f"project({path.stem})" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert entry["category"] == cmake_text("EXTENSION_CATEGORY")
    assert entry["scm_url"] == cmake_text("EXTENSION_HOMEPAGE").partition("#")[0]
    assert f"/{entry['scm_revision']}/Resources/" in cmake_text("EXTENSION_ICONURL")
    assert (entry["build_dependencies"] == []) == (cmake_text("EXTENSION_DEPENDS") == "NA")


def test_the_entry_for_the_extensions_index_fits_its_schema():
    # slicer-extension-catalog-entry-schema-v1.0.1.json, and the index's own checks of the repository's name.
    (path,) = (ROOT / "Resources" / "ExtensionsIndex").glob("*.json")
    entry = json.loads(path.read_text(encoding="utf-8"))
    assert entry.pop("$schema").endswith("/slicer-extension-catalog-entry-schema-v1.0.1.json#")
    assert {name: type(value) for name, value in entry.items()} == {
        "build_dependencies": list,
        "build_subdirectory": str,
        "category": str,
        "scm_revision": str,
        "scm_url": str,
        "tier": int,
    }
    assert entry["tier"] in (1, 3, 5)
    assert entry["scm_url"] == f"https://github.com/SpatialDeconv/Slicer{path.stem}"


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
    assert imported <= {"logging", "os", "pathlib", "sys", "slicer", "vtk"}


def test_texts_for_translation_are_literals():
    for path in (MODULE_FILE, *(ROOT / "SpatialDeconvLib").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if re.search(r"[^_]_\(", text) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}, line {node.lineno}"


# -- the panel's forms

each_form = pytest.mark.parametrize("form", FORMS, ids=[path.stem for path in FORMS])


@each_form
def test_a_form_is_a_qmrmlwidget_with_known_widgets(form):
    root = ElementTree.parse(form).getroot()
    assert root.tag == "ui"
    assert root.find("widget").get("class") == "qMRMLWidget"
    assert {widget.get("class") for widget in ui_widgets(form)} <= WIDGETS


@each_form
def test_every_class_that_is_not_qts_own_is_declared(form):
    declared = {e.text for e in ElementTree.parse(form).findall("customwidgets/customwidget/class")}
    assert declared == {w.get("class") for w in ui_widgets(form) if not w.get("class").startswith("Q")}


def test_widget_names_are_unique_over_all_forms():
    names = [widget.get("name") for widget in ui_widgets()]
    assert len(names) == len(set(names))


def test_every_other_form_has_its_frame_in_the_main_one():
    source = MODULE_FILE.read_text(encoding="utf-8")
    pairs = dict(re.findall(r'"(\w+Frame)": "(\w+)"', source))
    assert sorted(pairs.values()) == sorted(form.stem for form in FORMS if form != MAIN_FORM)
    frames = {w.get("name") for w in ui_widgets(MAIN_FORM) if w.get("class") == "QFrame"}
    assert set(pairs) == {name for name in frames if name.endswith("Frame")}


@each_form
def test_every_node_selector_gets_the_scene(form):
    connected = {
        c.find("receiver").text
        for c in ElementTree.parse(form).findall("connections/connection")
        if c.find("signal").text == "mrmlSceneChanged(vtkMRMLScene*)"
        and c.find("slot").text == "setMRMLScene(vtkMRMLScene*)"
    }
    selectors = {w.get("name") for w in ui_widgets(form) if w.get("class") == "qMRMLNodeComboBox"}
    assert selectors <= connected


def test_every_parameter_is_bound_to_a_widget_that_can_show_it():
    fields = parameters()
    bound = {property_text(w, "SlicerParameterName"): w.get("class") for w in ui_widgets()}
    bound.pop(None)
    assert set(bound) == set(fields) - UNBOUND
    for name, widget_class in bound.items():
        assert widget_class in BINDINGS[kind_of(fields[name])], name


def test_node_selectors_offer_the_classes_of_their_parameters():
    unions = {
        node.targets[0].id: {name.id for name in ast.walk(node.value) if isinstance(name, ast.Name)} - {"Union"}
        for node in tree_of(PARAMETERS_FILE).body
        if isinstance(node, ast.Assign) and node.targets[0].id.endswith("Node")
    }
    fields = parameters()
    for widget in ui_widgets():
        name = property_text(widget, "SlicerParameterName")
        if widget.get("class") == "qMRMLNodeComboBox" and name:
            offered = set(property_text(widget, "nodeTypes").split())
            assert offered == unions.get(fields[name], {fields[name]})


@each_form
def test_every_input_has_a_tool_tip_and_is_reached_by_tab(form):
    tabstops = {e.text for e in ElementTree.parse(form).findall("tabstops/tabstop")}
    inputs = [widget for widget in ui_widgets(form) if widget.get("class") not in PASSIVE]
    assert inputs
    for widget in inputs:
        assert property_text(widget, "toolTip").endswith("."), widget.get("name")
        assert widget.get("name") in tabstops


@each_form
def test_every_label_with_a_field_is_its_buddy(form):
    names = {widget.get("name") for widget in ui_widgets(form)}
    labels = [w for w in ui_widgets(form) if w.get("class") == "QLabel"]
    for label in labels:
        if (property_text(label, "text") or "").endswith(":"):
            assert property_text(label, "buddy") in names, label.get("name")


def test_every_widget_that_the_panel_uses_is_in_a_form():
    names = {widget.get("name") for widget in ui_widgets()}
    for path in (MODULE_FILE, *PANEL.glob("*.py")):
        used = set(re.findall(r"(?:\bself\._?|\bpanel\.|\b)ui\.(\w+)", path.read_text(encoding="utf-8")))
        assert used - {"_ui", "Frame"} <= names, path.name
    for path, constant in (
        (MODULE_FILE, "CONTROL_WIDGETS"),
        (MODULE_FILE, "FIELD_WIDGETS"),
        (PANEL / "running.py", "SECTIONS"),
    ):
        value = next(
            ast.literal_eval(node.value)
            for node in tree_of(path).body
            if isinstance(node, ast.Assign) and node.targets[0].id == constant
        )
        used = value.values() if isinstance(value, dict) else value
        for item in used:
            assert {item} <= names if isinstance(item, str) else set(item) <= names
