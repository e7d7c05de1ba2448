"""Joint work: requests, warnings, sessions, cases, plans, public disclosure."""
