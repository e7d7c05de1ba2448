"""How answers look to people at a terminal."""
