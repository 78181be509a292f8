"""A report of one run as a single HTML page that needs nothing else: no network, no scripts, no other file.

Pictures are PNGs inside the page, charts are SVG. Nothing here needs MRML, Slicer or matplotlib.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .. import __version__
from ..arrays.reading import given_path
from ..arrays.staging import StagingFolder
from ..arrays.watch import IsCancelled, Progress, Watch
from ..arrays.writing import write_text
from .findings import Findings, ReportedRun, examine
from .sections import SECTIONS
from .sections.header import header
from .sections.section import Section
from .style import STYLE
from .tags import Markup, tag

#: The page's name in the folder of a report.
PAGE = "report.html"


def write_report(
    folder: str | os.PathLike,
    run: ReportedRun,
    progress: Progress | None = None,
    cancelled: IsCancelled | None = None,
) -> Path:
    """Write the report of a run into a folder, whole or not at all.

    Parameters
    ----------
    folder : path
        Made when it does not exist; `report.html` in it is replaced.
    run, progress, cancelled
        See `report_page`.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        If the shapes of the arrays do not agree.
    OSError
        If the folder cannot be made or written.
    Cancelled
        If `cancelled` returned True; the folder is then as before.
    """
    return save_page(folder, report_page(run, progress, cancelled))


def save_page(folder: str | os.PathLike, page: str) -> Path:
    """Write a page of `report_page` into a folder, which is made when it does not exist; return its path."""
    path = given_path(folder).absolute() / PAGE
    write_text(path, page, make_folder=True)
    return path


def check_folder(folder: str | os.PathLike) -> None:
    """Refuse, before any work is done, a folder for a report that could not be made or written.

    Raises
    ------
    OSError
        If it is a file, or the nearest folder that exists cannot be written.
    """
    path = given_path(folder).absolute()
    existing = next(p for p in (path, *path.parents) if p.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"report folder {path} cannot be made: {existing} is a file; choose another")
    try:
        StagingFolder(existing).close()
    except OSError as error:
        raise type(error)(
            f"report folder {path} cannot be written ({error.strerror}); choose another folder or free space"
        ) from error


def report_page(run: ReportedRun, progress: Progress | None = None, cancelled: IsCancelled | None = None) -> str:
    """Return the report of a run as an HTML page.

    Parameters
    ----------
    run : ReportedRun
    progress : callable(fraction, text), optional
    cancelled : callable() -> bool, optional

    Raises
    ------
    InputError
        If the shapes of the arrays do not agree.
    Cancelled
        If `cancelled` returned True.
    """
    watch = Watch(progress, cancelled).under("report")
    found = examine(run, watch.part(0.0, 0.6))
    sections = []
    for section, part in watch.part(0.6, 1.0).parts(SECTIONS):
        part.step(0.0, "pictures and charts")
        sections.append(section(found))
    watch.step(1.0, "done")
    return _page(found, [section for section in sections if section])


def _page(found: Findings, sections: Sequence[Section]) -> str:
    heading = f"{found.title}{', ' * bool(found.frame)}{found.frame}: {found.operation}d"
    links = (tag("li", tag("a", section.title, href=f"#{section.name}")) for section in sections)
    above = tag(
        "header",
        tag("h1", heading),
        header(found),
        tag("nav", tag("ul", *links), aria_label="Sections"),
    )
    footer = f"Written by SpatialDeconv {__version__}. This page is complete in itself: it loads nothing and runs "
    footer += "no script."
    body = tag("main", above, *(_section(section) for section in sections), tag("footer", footer))
    page = tag("html", _head(heading), tag("body", body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _head(title: str) -> Markup:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("meta", name="generator", content=f"SpatialDeconv {__version__}"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )


def _section(section: Section) -> Markup:
    title = f"{section.name}-title"
    return tag(
        "section", tag("h2", section.title, id=title), section.content, id=section.name, aria_labelledby=title
    )
