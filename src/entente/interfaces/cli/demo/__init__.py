"""`demo`: two invented members on this machine."""
