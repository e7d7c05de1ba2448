"""Calling back what was shared: recalls, retention, proofs of erasure."""
