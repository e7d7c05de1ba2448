"""Bring members level: signed messages, pairing, and the one module that opens sockets."""
