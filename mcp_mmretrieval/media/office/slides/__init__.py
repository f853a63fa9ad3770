"""Presentations of PowerPoint (Office Open XML, ECMA-376)."""
