"""A run: its settings, the two operations on arrays, and blocks of them for previews."""
