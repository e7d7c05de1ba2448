"""Rounds and bundles: what is taken from partners, judged and stored."""
