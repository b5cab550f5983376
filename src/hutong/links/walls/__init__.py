"""Walls between apps: which are open, which are closed, and when that changes."""
