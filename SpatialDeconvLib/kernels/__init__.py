"""Kernels (point spread functions), their kinds, fields of them over an image, and kernel sets in files."""
