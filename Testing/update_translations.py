"""Collects the texts that Slicer translates and brings the .ts files of Resources/Translations up to date.

    python Testing/update_translations.py          # all files that are there
    python Testing/update_translations.py fr-FR    # a language that is new

Texts and contexts are those that Slicer's own update_translations.py finds: literals in ``_("...")`` of the module
and the library, in the context "folder.file", and what .ui files do not mark as notr, in that of their class.
What is new is "unfinished", what is gone is left out. Slicer's Language Packs extension compiles and installs the
files of a local folder; translations for everybody are made at Slicer's Weblate.
"""

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "Resources" / "Translations"
NAME = "SpatialDeconv"
# How Slicer finds them, by their look.
_LITERAL = re.compile(r"[^_]_\(\s*?(\".+?\")\s*?\)", re.DOTALL)


def context_of(path):
    """The context of a Python file: of a package, with its name."""
    inside = (path.parent / "__init__.py").is_file()
    return f"{path.parent.name}.{path.stem}" if inside else path.stem


def python_files():
    return sorted([ROOT / NAME / f"{NAME}.py", *(ROOT / f"{NAME}Lib").rglob("*.py")])


def texts_of_python(path):
    """The texts of one file, in their order."""
    return [ast.literal_eval(f"({found})") for found in _LITERAL.findall(path.read_text(encoding="utf-8"))]


def texts_of_form(path):
    """The context and the texts of a .ui file."""
    root = ElementTree.parse(path).getroot()
    lists = {e for each in root.iter("stringlist") if each.get("notr") == "true" for e in each}
    strings = (e for e in root.iter("string") if e not in lists and e.get("notr") != "true")
    texts = [e.text for e in strings if (e.text or "").strip()]
    return root.find("class").text, texts


def collected():
    """All texts by context: context -> texts in their order, each once."""
    found = {}
    for path in python_files():
        found.setdefault(context_of(path), {}).update(dict.fromkeys(texts_of_python(path)))
    for path in sorted((ROOT / NAME / "Resources" / "UI").glob("*.ui")):
        context, texts = texts_of_form(path)
        found.setdefault(context, {}).update(dict.fromkeys(texts))
    lettered = {c: [text for text in texts if re.search(r"\w", text)] for c, texts in sorted(found.items())}
    return {context: texts for context, texts in lettered.items() if texts}


def read(path):
    """The finished translations of a .ts file: (context, text) -> translation."""
    found = {}
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            if translation.get("type") is None and translation.text:
                found[context.find("name").text, message.find("source").text] = translation.text
    return found


def write(path, language, translations):
    """Write a .ts file of all texts."""
    root = ElementTree.Element("TS", version="2.1", language=language)
    for name, texts in collected().items():
        context = ElementTree.SubElement(root, "context")
        ElementTree.SubElement(context, "name").text = name
        for text in texts:
            message = ElementTree.SubElement(context, "message")
            ElementTree.SubElement(message, "source").text = text
            translated = translations.get((name, text))
            made = ElementTree.SubElement(message, "translation", {} if translated else {"type": "unfinished"})
            made.text = translated
    ElementTree.indent(root, "    ")
    body = ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{body}\n', encoding="utf-8")


def main(languages):
    FOLDER.mkdir(exist_ok=True)
    paths = {*FOLDER.glob("*.ts"), *(FOLDER / f"{NAME}_{language}.ts" for language in languages)}
    for path in sorted(paths):
        translations = read(path) if path.is_file() else {}
        write(path, path.stem.partition("_")[2].replace("-", "_"), translations)
        count = sum(map(len, collected().values()))
        print(f"{path.relative_to(ROOT)}: {len(read(path))} of {count} texts translated")


if __name__ == "__main__":
    main(sys.argv[1:])
