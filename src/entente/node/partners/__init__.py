"""Other members: pairing, cards, their keys, and calls to them."""
