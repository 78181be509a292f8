"""How to repeat the run: commands, parameters, inputs, versions and the recipe itself."""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..findings import Findings
from ..formatting import number
from ..layout import table
from ..tags import Markup, joined, tag
from .section import Section


def repeat_section(found: Findings) -> Section | None:
    """The command that repeats the run, its parameters, inputs, versions, and the recipe itself."""
    recipe = found.run.recipe
    text = json.dumps(recipe)
    uri = "data:application/json;base64," + base64.b64encode(text.encode()).decode("ascii")
    parts = [_commands(found), tag("h3", "Parameters"), _parameters(found)]
    if found.metrics:
        parts += [tag("h3", "Against the reference"), _metrics_table(found)]
    if recipe.get("inputs"):
        parts += [tag("h3", "Inputs"), _inputs(recipe)]
    if recipe.get("versions"):
        pairs = [(name, str(version)) for name, version in recipe["versions"].items()]
        parts += [tag("h3", "Versions"), table(pairs)]
    link = tag("a", "save it as recipe.json", download="recipe.json", href=uri)
    parts += [
        tag("h3", "Recipe"),
        tag("p", "Everything that the run was made of (", link, "):"),
        tag("pre", _shortened(recipe), tabindex=0, aria_label="Recipe"),
    ]
    return Section("repeat", "How to repeat it", joined(*parts))


def _commands(found: Findings) -> Markup:
    parts = []
    if found.run.command:
        parts += [tag("p", "The run was:"), _code(shlex.join(found.run.command))]
    if found.run.recipe.get("inputs"):
        output = os.fspath(found.run.output or "")
        suffix = "".join(Path(output).suffixes[-2:])
        recipe = f"{output}.recipe.json" if output else "recipe.json"
        parts.append(tag("p", "To do exactly the same again, with the inputs checked by their content:"))
        parts.append(_code(shlex.join(["spatialdeconv", "repeat", recipe, f"again{suffix or '.nrrd'}"])))
        if not output:
            parts.append(tag("p", "with the recipe below saved as recipe.json.", class_="soft"))
    else:
        text = "The run was on images in memory. To do exactly the same again, in Python, with the recipe below "
        text += "saved as recipe.json and the same image and its spacing:"
        parts += [tag("p", text), _code(_python(found))]
    return joined(*parts)


def _code(text: str) -> Markup:
    return tag("pre", text, class_="command", tabindex=0)


def _python(found: Findings) -> str:
    extra = [name for name, array in (("mask", found.mask), ("guide", found.guide)) if array is not None]
    extra = [name for name in extra if not (name == "guide" and found.run.is_self_keyed)]
    extra += ["labels"] if found.field.key == "region" else []
    given = "".join(f", {name}={name}" for name in extra)
    return (
        "import json\nimport SpatialDeconvLib as sd\nfrom SpatialDeconvLib.kernels.sets import field_from_dict\n"
        'recipe = json.load(open("recipe.json"))\n'
        'field = field_from_dict(recipe["kernel_set"])\n'
        f'result = sd.{found.operation}(image, field, spacing=spacing{given}, **recipe["parameters"])'
    )


def _parameters(found: Findings) -> Markup:
    automatic = found.result.automatic
    pairs = []
    for name, value in found.result.parameters.items():
        text = "default" if value is None else _plain_text(value)
        used = automatic.get(name)
        if name in automatic and used != value and used is not None:
            text += f" → {_plain_text(used)}"
        pairs.append((name, text))
    others = [name for name in automatic if name not in found.result.parameters and name != "channels"]
    pairs += [(name.replace("_", " "), _plain_text(automatic[name])) for name in others]
    selection = {n: v for n, v in found.run.recipe.get("selection", {}).items() if v}
    pairs += [(name.replace("_", " "), _plain_text(value)) for name, value in selection.items()]
    return joined(tag("p", "After an arrow: what “auto” turned into.", class_="soft"), table(pairs))


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return number(float(value), 6)
    if isinstance(value, list | tuple | np.ndarray):
        return ", ".join(_plain_text(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_plain_text(v)}" for k, v in value.items())
    return "none" if value is None else str(value)


def _metrics_table(found: Findings) -> Markup:
    names = {"psnr": "PSNR (dB)", "ssim": "SSIM", "rmse": "RMSE"}
    rows = (
        (when, *(number(values[name], 5) if name in values else None for name in names))
        for when, values in found.metrics.items()
    )
    return table(rows, ("", *names.values()))


def _inputs(recipe: Mapping[str, Any]) -> Markup:
    rows = (
        (role, str(entry["path"]), tag("code", f"{str(entry['sha256'])[:16]}…"))
        for role, entry in recipe["inputs"].items()
    )
    return table(rows, ("role", "file", "SHA-256"))


def _shortened(recipe: Mapping[str, Any]) -> str:
    """The recipe as text, long lists of kernel values cut; the file to save has them all."""

    def short(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {k: short(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            flat = json.dumps(value)
            return (
                f"… {len(flat)} characters, in the saved file …"
                if len(flat) > 4000 and _numeric(value)
                else [short(v) for v in value]
            )
        return value

    return json.dumps(short(recipe), indent=2, ensure_ascii=False)


def _numeric(value: Any) -> bool:
    return all(_numeric(v) if isinstance(v, list | tuple) else isinstance(v, int | float) for v in value)
