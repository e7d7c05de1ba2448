"""What the benches share; the programs stand one folder up."""
