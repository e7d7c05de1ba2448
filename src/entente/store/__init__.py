"""Bytes at rest: small ports, a memory store, a SQLite store; the only SQL of the house."""
