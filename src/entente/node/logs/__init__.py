"""What is known about single entries and heads: when witnessed, proofs, evidence."""
