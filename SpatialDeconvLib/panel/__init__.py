"""The panel's Qt side, in small parts; the module file puts them together.

These modules run inside Slicer only (they import qt, ctk or slicer's parameter node wrapper) and compute nothing:
decisions are made in `model` and `kernelrows`, images are computed in the engine.
"""
