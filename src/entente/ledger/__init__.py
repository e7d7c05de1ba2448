"""Logs, heads, witnesses, key histories, folds and proofs: what makes every word of a member hold."""
