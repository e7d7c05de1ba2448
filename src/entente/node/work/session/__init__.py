"""Joint sessions, their agenda, decisions and minutes."""
