"""The files of one commit of a model: fetched, checked, and found again. Imports no torch."""
