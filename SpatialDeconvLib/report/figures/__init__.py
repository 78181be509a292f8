"""Figures drawn with matplotlib, which is optional: files of their own, outside the report's page."""

from .demo import demo_figure, joint_figure
from .edge import edge_figure
from .estimate import estimate_figure
from .kernels import kernels_figure
from .panels import require_matplotlib
from .points import points_figure
from .prepared import prepared_figure
from .sheet import sheet_figure

__all__ = [
    "demo_figure",
    "edge_figure",
    "estimate_figure",
    "joint_figure",
    "kernels_figure",
    "points_figure",
    "prepared_figure",
    "require_matplotlib",
    "sheet_figure",
]
