"""Witnesses outside the circles: asking them, and being one."""
