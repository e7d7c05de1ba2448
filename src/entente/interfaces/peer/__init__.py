"""The door that other members call: exchange, live heads and pairing over HTTP."""
