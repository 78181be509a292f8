"""The `spatialdeconv` command."""
