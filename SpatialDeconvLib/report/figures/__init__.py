"""Figures drawn with matplotlib, which is optional: files of their own, outside the report's page."""

from .demo import demo_figure, joint_figure
from .estimate import estimate_figure
from .kernels import kernels_figure
from .panels import require_matplotlib
from .sheet import sheet_figure

__all__ = ["demo_figure", "estimate_figure", "joint_figure", "kernels_figure", "require_matplotlib", "sheet_figure"]
