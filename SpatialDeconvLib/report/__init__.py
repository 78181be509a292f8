"""A run told as one HTML page."""

from .page import PAGE, check_folder, report_page, save_page, write_report

__all__ = ["PAGE", "check_folder", "report_page", "save_page", "write_report"]
