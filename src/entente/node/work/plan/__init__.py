"""Action plans and their effects."""
