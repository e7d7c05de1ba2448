"""Organisations that must trust each other share intelligence and act on it together, as equals."""
