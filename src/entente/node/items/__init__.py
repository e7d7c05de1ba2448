"""STIX objects as a member holds and shares them."""
