"""`agreement` and what changes one."""
