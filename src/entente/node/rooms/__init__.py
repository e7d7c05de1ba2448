"""What is in force for whom: rooms (a circle in one epoch), the offers that they come from, and what a fold may use."""
