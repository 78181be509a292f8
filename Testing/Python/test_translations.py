"""Texts for translators: what users see can be translated, Slicer finds it, and the languages are up to date."""

import ast
import importlib.util
import re
import string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEN_BY_USERS = sorted(
    [ROOT / "SpatialDeconv" / "SpatialDeconv.py", *(ROOT / "SpatialDeconvLib" / "panel").glob("*.py")]
)

# What shows the text that it is given.
SHOWING = {
    "addButton", "errorDisplay", "say", "setHorizontalHeaderLabels", "setItemText", "setLabelText",
    "setPlaceholderText", "setStatusTip", "setText", "setTitle", "setTitleText", "setToolTip", "setWindowTitle",
    "setXAxisTitle", "setYAxisTitle", "showError", "warn",
}  # fmt: skip
SHOWN = {"text", "title", "toolTip", "placeholderText", "specialValueText", "statusTip", "windowTitle", "suffix"}


def load():
    spec = importlib.util.spec_from_file_location(
        "update_translations", ROOT / "Testing" / "update_translations.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


update = load()
LANGUAGES = sorted(update.FOLDER.glob("*.ts"))


def texts_in(node):
    """The literals with letters in an expression that no ``_()`` holds."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ("_", "translate", "translated"):
            return []
        return texts_in(node.func.value) if isinstance(node.func, ast.Attribute) else []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and re.search(r"[A-Za-z]{2}", node.value) else []
    if isinstance(node, ast.JoinedStr):
        return [text for part in node.values for text in texts_in(part)]
    if isinstance(node, ast.FormattedValue | ast.Subscript | ast.Attribute | ast.Lambda | ast.Compare):
        return []
    return [text for child in ast.iter_child_nodes(node) for text in texts_in(child)]


def shown_by(path):
    """What a file shows without translating it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SHOWING:
            values = [*node.args, *(k.value for k in node.keywords if k.arg in SHOWN)]
        elif isinstance(node, ast.Assign) and any(getattr(t, "attr", "") in SHOWN for t in node.targets):
            values = [node.value]
        else:
            continue
        yield from ((node.lineno, text) for value in values for text in texts_in(value))


@pytest.mark.parametrize("path", SEEN_BY_USERS, ids=lambda path: path.stem)
def test_all_that_a_user_sees_can_be_translated(path):
    assert list(shown_by(path)) == []


def test_a_text_that_cannot_be_translated_is_noticed(tmp_path):
    path = tmp_path / "panel.py"
    path.write_text(
        'ui.label.text = "Wait"\nbutton.setToolTip(f"{n} files" if n else _("none"))\nui.x.text = _("a")\n'
    )
    assert [text for _line, text in shown_by(path)] == ["Wait", " files"]


WITH_TEXTS = [path for path in update.python_files() if re.search(r"\W_\(", path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", WITH_TEXTS, ids=update.context_of)
def test_slicer_finds_every_text_by_its_look(path):
    calls = [
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_"
    ]
    found = [text for text in update.texts_of_python(path) if text != "..."]
    assert sorted(found) == sorted(calls)


def test_names_of_classes_are_no_texts():
    assert not [t for texts in update.collected().values() for t in texts if t.startswith(("vtkMRML", "qMRML"))]


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_a_language_has_the_texts_that_there_are_and_no_others(path):
    root = update.ElementTree.parse(path).getroot()
    known = {
        (context.find("name").text, message.find("source").text)
        for context in root.iter("context")
        for message in context.iter("message")
    }
    wanted = {(context, text) for context, texts in update.collected().items() for text in texts}
    assert known == wanted, "run Testing/update_translations.py"
    assert root.get("language") == path.stem.partition("_")[2].replace("-", "_")


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_translations_keep_the_places_for_values(path):
    for (_context, text), translation in update.read(path).items():
        fields = [{f for _t, f, *_ in string.Formatter().parse(each) if f} for each in (text, translation)]
        assert fields[0] == fields[1], text
        assert text.endswith(":") == translation.endswith(":"), text
        assert text[:1].isspace() == translation[:1].isspace(), text


def test_what_was_translated_stays_when_texts_change(tmp_path):
    path = tmp_path / "SpatialDeconv_xx-XX.ts"
    update.write(path, "xx_XX", {("SpatialDeconv", "Apply"): "Los & fertig <1>", ("gone", "gone"): "weg"})
    assert update.read(path) == {("SpatialDeconv", "Apply"): "Los & fertig <1>"}


def test_the_panel_speaks_another_language(slicer_window):
    from PySide6.QtCore import QCoreApplication, QTranslator
    from user import User

    known = update.read(update.FOLDER / "SpatialDeconv_de-DE.ts")

    class German(QTranslator):
        def isEmpty(self):
            return False

        def translate(self, context, text, disambiguation=None, n=-1):
            return known.get((context, text))

    german = German()
    QCoreApplication.installTranslator(german)
    try:
        user = User(slicer_window).open()
        ui = user.ui
        assert ui.applyButton.text == "Anwenden"  # of a form and of the code
        assert ui.sheetButton.text == "Alle Verfahren vergleichen"
        assert ui.inputsCollapsibleButton.text == "Eingaben"
        strategies = [ui.strategyComboBox.itemText(i) for i in range(ui.strategyComboBox.count)]
        assert "Mischen: mit jedem Kern filtern" in strategies  # of the engine's registry
    finally:
        QCoreApplication.removeTranslator(german)
