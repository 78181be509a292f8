"""Resources/Docs/kinds.md: its table is what the registry says, and its examples run as they stand."""

import json
import re
from pathlib import Path

import numpy as np

import SpatialDeconvLib as sd

PAGE = Path(__file__).resolve().parents[2] / "Resources" / "Docs" / "kinds.md"


def table():
    """The page's table, made from the registry."""
    lines = ["| kind | what it is | values, up to a factor | parameters |", "|---|---|---|---|"]
    for kind in sd.KINDS.values():
        instead = {name for group in kind.alternatives for name in group[1:]}
        parameters = [parameter_text(kind, p) for name, p in kind.known.items() if name not in instead]
        cells = [f"`{kind.name}`", kind.sentence, kind.formula.replace("|", "\\|"), "; ".join(parameters) or "none"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def parameter_text(kind, parameter):
    """A parameter, with those of which one is given instead, or with what is taken when it is left out."""
    (names,) = [group for group in kind.alternatives if parameter.name in group] or [(parameter.name,)]
    text = " or ".join(f"`{name}`" for name in names)
    if parameter.default is not None:
        return f"{text} ({parameter.default:g})"
    return text if parameter.required or len(names) > 1 else f"{text} (optional)"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)


def test_the_table_is_what_the_registry_says():
    assert table() in PAGE.read_text(encoding="utf-8"), f"Resources/Docs/kinds.md needs this table:\n{table()}"


def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scatter.csv").write_text("r (mm),density\n0,1\n1,0.4\n5,0.02\n20,0\n", encoding="utf-8")
    for number, text in enumerate(blocks("json"), 1):
        (tmp_path / f"set{number}.json").write_text(text, encoding="utf-8")
        json.loads(text)
    image = np.random.default_rng(0).random((12, 24, 24)).astype(np.float32)
    found = {"sd": sd, "np": np, "image": image}
    for code in blocks("python"):
        exec(code, found)
    fields = [sd.read_kernel_set(tmp_path / f"set{number}.json") for number in range(1, len(blocks("json")) + 1)]
    assert {kernel.type for field in fields for kernel in field.kernels} >= {"lorentz", "radial", "gibson-lanni"}
    assert found["field"].at == fields[-1].at  # the same depths, by the library and by the kernel set
    assert found["result"].image.shape == image.shape
