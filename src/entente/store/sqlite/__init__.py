"""The SQLite store; the only SQL of the house."""
