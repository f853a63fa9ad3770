"""Locks and gates, each testable alone: who goes first, who shares, who waits."""
