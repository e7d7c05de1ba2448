"""What every door over HTTP shares: serving, lanes, event streams."""
