"""Values and pure functions that every other floor stands on."""
