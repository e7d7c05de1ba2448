"""Joint work as STIX objects."""
