"""Finds the place in a person's files that answers, whatever the media."""

__version__ = "0.1.0"
