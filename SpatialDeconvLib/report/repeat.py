"""How to repeat the run of a report: commands, parameters, inputs, versions and the recipe itself."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .drawing import number
from .pictures import Section

if TYPE_CHECKING:
    from .findings import Findings


def repeat_section(found: Findings) -> Section:
    """The command that repeats the run, its parameters, inputs, versions, and the recipe itself."""
    recipe = found.recipe
    text = json.dumps(recipe)
    uri = "data:application/json;base64," + base64.b64encode(text.encode()).decode("ascii")
    parts = [_commands(found), "<h3>Parameters</h3>", _parameters(found)]
    if found.metrics:
        parts += ["<h3>Against the reference</h3>", _metrics_table(found)]
    if recipe.get("inputs"):
        parts += ["<h3>Inputs</h3>", _inputs(recipe)]
    if recipe.get("versions"):
        pairs = [(name, str(version)) for name, version in recipe["versions"].items()]
        parts += ["<h3>Versions</h3>", _table(pairs)]
    parts.append(
        f'<h3>Recipe</h3><p>Everything that the run was made of (<a download="recipe.json" href="{uri}">save it as '
        f'recipe.json</a>):</p><pre tabindex="0" aria-label="Recipe">{html.escape(_shortened(recipe))}</pre>'
    )
    return "repeat", "How to repeat it", "".join(parts)


def _commands(found: Findings) -> str:
    parts = []
    if found.command:
        parts.append(f"<p>The run was:</p>{_command(found.command)}")
    if found.recipe.get("inputs"):
        suffix = "".join(Path(found.output or "output.nrrd").suffixes[-2:])
        recipe = f"{found.output}.recipe.json" if found.output else "recipe.json"
        parts.append("<p>To do exactly the same again, with the inputs checked by their content:</p>")
        parts.append(_command(["spatialdeconv", "repeat", recipe, f"again{suffix or '.nrrd'}"]))
        if not found.output:
            parts.append('<p class="soft">with the recipe below saved as recipe.json.</p>')
    else:
        parts.append(
            "<p>The run was on images in memory. To do exactly the same again, in Python, with the recipe below "
            "saved as recipe.json and the same image and its spacing:</p>"
        )
        parts.append(f'<pre class="command" tabindex="0">{html.escape(_python(found))}</pre>')
    return "".join(parts)


def _command(words: Sequence[str]) -> str:
    return f'<pre class="command" tabindex="0">{html.escape(shlex.join(words))}</pre>'


def _python(found: Findings) -> str:
    extra = [name for name, array in (("mask", found.mask), ("guide", found.guide)) if array is not None]
    extra = [
        name for name in extra if not (name == "guide" and found.result.parameters.get("method") == "self-keyed")
    ]
    extra += ["labels"] if found.field.key == "region" else []
    given = "".join(f", {name}={name}" for name in extra)
    return (
        "import json\nimport SpatialDeconvLib as sd\nfrom SpatialDeconvLib.kernels.sets import field_from_dict\n"
        'recipe = json.load(open("recipe.json"))\n'
        'field = field_from_dict(recipe["kernel_set"])\n'
        f'result = sd.{found.operation}(image, field, spacing=spacing{given}, **recipe["parameters"])'
    )


def _parameters(found: Findings) -> str:
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
    selection = {n: v for n, v in found.recipe.get("selection", {}).items() if v}
    pairs += [(name.replace("_", " "), _plain_text(value)) for name, value in selection.items()]
    return '<p class="soft">After an arrow: what “auto” turned into.</p>' + _table(pairs)


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


def _table(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(text)}</td></tr>' for name, text in pairs
    )
    return f'<div class="wide"><table><tbody>{rows}</tbody></table></div>'


def _metrics_table(found: Findings) -> str:
    names = {"psnr": "PSNR (dB)", "ssim": "SSIM", "rmse": "RMSE"}
    head = "".join(f'<th scope="col">{text}</th>' for text in ("", *names.values()))
    rows = ""
    for when, values in found.metrics.items():
        cells = "".join(f"<td>{number(values[n], 5) if n in values else ''}</td>" for n in names)
        rows += f'<tr><th scope="row">{html.escape(when)}</th>{cells}</tr>'
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _inputs(recipe: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(role)}</th><td>{html.escape(str(entry["path"]))}</td>'
        f"<td><code>{html.escape(str(entry['sha256'])[:16])}…</code></td></tr>"
        for role, entry in recipe["inputs"].items()
    )
    head = '<thead><tr><th scope="col">role</th><th scope="col">file</th><th scope="col">SHA-256</th></tr></thead>'
    return f'<div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>'


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
