"""The spatially variant blur as a linear operator, in both models, and what makes it fast."""
