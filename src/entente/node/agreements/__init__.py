"""Agreements, circles and their changes."""
