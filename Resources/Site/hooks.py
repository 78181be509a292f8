"""What mkdocs asks while it builds the site: the first page, the reference, and links that leave the site."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/SpatialDeconv/SlicerSpatialDeconv/blob/main/"
# Links to files of the repository that are no pages, from the root of the repository on.
_OUTSIDE = re.compile(r"\]\((?:\.\./)+((?:\.github|SpatialDeconvLib|Testing)/[^)\s]*)\)")


def public_names() -> dict[str, tuple[str, ...]]:
    """The library's public names by the module that they are in, as `SpatialDeconvLib/__init__.py` lists them."""
    tree = ast.parse((ROOT / "SpatialDeconvLib" / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.AnnAssign | ast.Assign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if getattr(target, "id", "") == "_PUBLIC":
                return ast.literal_eval(node.value)
    raise LookupError("SpatialDeconvLib/__init__.py has no table _PUBLIC")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README as the first page, and a page of reference for every module with public names."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("](Resources/", "](")
    readme = re.sub(r"\]\((\.github/[^)]*)\)", rf"]({REPOSITORY}\1)", readme)
    files.append(File.generated(config, "index.md", content=readme))
    for module, names in public_names().items():
        entries = "\n".join(f"::: SpatialDeconvLib.{module}.{name}\n" for name in names)
        files.append(File.generated(config, f"Reference/{module}.md", content=f"# {module}\n\n{entries}"))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to the README lead to the first page, and links to other files to the repository."""
    markdown = markdown.replace("](../../README.md", "](../index.md")
    return _OUTSIDE.sub(rf"]({REPOSITORY}\1)", markdown)
