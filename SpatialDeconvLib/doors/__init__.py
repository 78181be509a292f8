"""The doors into the engine: volume nodes, files, the command line. Nothing is imported here, so that the
engine can be used without VTK and MRML."""
