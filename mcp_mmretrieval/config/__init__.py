"""The knobs: what was asked for, where it came from, and what it means on this machine.

Imports nothing: the front passes here.
"""
