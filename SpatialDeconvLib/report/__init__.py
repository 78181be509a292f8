"""A run told as one HTML page."""

from .findings import ReportedRun
from .page import PAGE, check_folder, report_page, save_page, write_report

__all__ = ["PAGE", "ReportedRun", "check_folder", "report_page", "save_page", "write_report"]
