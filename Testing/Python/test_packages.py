"""The house: which package may import which, and that no files import each other in a circle."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = "SpatialDeconvLib"
ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / PACKAGE

#: From the ground up: a package or module imports only what stands before it.
ORDER = (
    "texts",
    "errors",
    "methods",
    "arrays",
    "formats",
    "metrics",
    "noise",
    "selection",
    "kernels",
    "filters",
    "blur",
    "solvers",
    "run",
    "large",
    "estimation",
    "cases",
    "mrml",
    "report",
    "command",
    "panel",
)
#: What knows nothing of Slicer.
ENGINE = ORDER[: ORDER.index("mrml")]
SLICER = {"slicer", "vtk", "vtkmodules", "qt", "ctk", "mrml", "MRMLCorePython", "sitkUtils"}


def files():
    return sorted(
        p for p in LIBRARY.rglob("*.py") if p.name != "__main__.py" and p.parent != LIBRARY / "sampledata"
    )


def name_of(path):
    """The module's name below the library, as parts."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


MODULES = {name_of(path): path for path in files()}


def imports(path):
    """What a file imports, anywhere in it: names of modules of the library as parts, and others' first words."""
    own, others = set(), set()
    package = name_of(path) if path.name == "__init__.py" else name_of(path)[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                words = alias.name.split(".")
                (own.add(tuple(words[1:])) if words[0] == PACKAGE else others.add(words[0]))
        elif isinstance(node, ast.ImportFrom):
            words = (node.module or "").split(".") if node.module else []
            if not node.level and words[0] != PACKAGE:
                others.add(words[0])
                continue
            base = (*package[: len(package) - node.level + 1], *words) if node.level else tuple(words[1:])
            own |= {(*base, a.name) if (*base, a.name) in MODULES else base for a in node.names}
    return own, others


def test_every_package_has_its_place():
    found = {name[0] for name in MODULES if name}
    assert found == set(ORDER)


def test_a_package_imports_only_what_stands_before_it():
    wrong = [
        f"{'.'.join(name)} imports {'.'.join(other)}"
        for name, path in MODULES.items()
        if name
        for other in imports(path)[0]
        if other and other != ("__main__",) and ORDER.index(other[0]) > ORDER.index(name[0])
    ]
    assert not wrong


def test_the_engine_knows_nothing_of_slicer():
    for name, path in MODULES.items():
        if name and name[0] in ENGINE:
            assert not imports(path)[1] & SLICER, path


def test_only_the_panel_knows_qt():
    for name, path in MODULES.items():
        if name and name[0] != "panel":
            assert not imports(path)[1] & {"qt", "ctk"}, path


def test_no_files_import_each_other_in_a_circle():
    waiting = {name: {o for o in imports(path)[0] if o != name} & set(MODULES) for name, path in MODULES.items()}
    while free := [name for name, needed in waiting.items() if not needed & set(waiting)]:
        for name in free:  # it imports nothing that still waits
            del waiting[name]
    while last := set(waiting) - {other for needed in waiting.values() for other in needed}:
        for name in last:  # nothing that waits imports it
            del waiting[name]
    assert not waiting, {".".join(n): sorted(".".join(o) for o in waiting[n] & set(waiting)) for n in waiting}


def test_every_package_says_in_one_sentence_what_it_is():
    for path in LIBRARY.rglob("__init__.py"):
        sentence = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert sentence, path
        assert sentence.split("\n\n")[0].rstrip().endswith("."), path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from ..errors import InputError", ("errors",)),
        ("from . import grids", ("blur", "grids")),
        ("def f():\n    from ..kernels.field import KernelField", ("kernels", "field")),
        ("import SpatialDeconvLib.run.pipeline", ("run", "pipeline")),
    ],
)
def test_imports_are_seen_wherever_they_stand(tmp_path, monkeypatch, source, expected):
    folder = tmp_path / "blur"
    folder.mkdir()
    (folder / "x.py").write_text(source)
    monkeypatch.setattr("test_packages.LIBRARY", tmp_path)
    assert imports(folder / "x.py")[0] == {expected}


def names_defined(path):
    """Functions, their arguments and the fields of classes in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node.name
            yield from (argument.arg for argument in (*node.args.args, *node.args.kwonlyargs))
        elif isinstance(node, ast.ClassDef):
            yield from (
                n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
            )


def test_the_folder_tells_the_style_of_the_names():
    """Slicer's camelCase in mrml and panel, PEP 8 everywhere else."""
    wrong = []
    for name, path in MODULES.items():
        for word in names_defined(path):
            bare = word.strip("_")
            if word.startswith("__") or bare.isupper():
                continue
            slicers = bool(name) and name[0] in ("mrml", "panel")
            if "_" in bare if slicers else bare.lower() != bare and bare[:1].islower():
                wrong.append(f"{'.'.join(name)}: {word}")
    assert not wrong


def test_an_installation_has_every_package():
    text = (LIBRARY.parent / "pyproject.toml").read_text(encoding="utf-8")
    named = re.search(r"^packages = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    installed = set(re.findall(r'"([\w.]+)"', named[1])) - {f"{PACKAGE}.sampledata"}
    assert installed == {
        ".".join((PACKAGE, *p.parent.relative_to(LIBRARY).parts)) for p in LIBRARY.rglob("__init__.py")
    }
