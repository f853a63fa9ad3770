"""The first line through the house: files are found, read into segments, and their vectors made."""
