"""A run told as one HTML page, and figures of kernels and results.

A *picture* is an array as pixels inside the page (`pixels` makes it, `pictures` frames it); a *chart* is curves
and bars as SVG inside the page (`charts`); a *figure* is a file of its own, drawn with matplotlib (`figures`). A
*section* is a part of the page (`sections`); the *findings* are what a page says, all of it computed before any is
written (`findings`, with the `numbers` behind it).
"""

from .findings import ReportedRun
from .page import PAGE, check_folder, report_page, save_page, write_report

__all__ = ["PAGE", "ReportedRun", "check_folder", "report_page", "save_page", "write_report"]
