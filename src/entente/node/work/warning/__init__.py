"""Warnings and assessments."""
