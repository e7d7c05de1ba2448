"""One member's home: store, keys, guard, persons, settings."""
