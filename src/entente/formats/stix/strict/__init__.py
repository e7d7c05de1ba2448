"""Whether an object stands up to a strict STIX 2.1 check."""
