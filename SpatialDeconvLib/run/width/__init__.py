"""How wide the kernels are, against the blur that an image shows."""

from .estimate import OwnPart, WidthEstimate, estimate_width, sharp_width_of, width_of

__all__ = ["OwnPart", "WidthEstimate", "estimate_width", "sharp_width_of", "width_of"]
