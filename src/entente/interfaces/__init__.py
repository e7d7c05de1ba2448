"""Doors: a request becomes calls on a node, an answer becomes text; no rule lives here."""
