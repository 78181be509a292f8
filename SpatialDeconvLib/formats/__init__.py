"""Formats of images on disk: what their headers say, and what ITK's readers would get wrong."""
