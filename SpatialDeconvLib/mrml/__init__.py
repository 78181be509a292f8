"""Slicer's volume nodes: the same operations on them, and reading and writing them. Nothing is imported here, so
that the engine can be used without VTK and MRML."""
