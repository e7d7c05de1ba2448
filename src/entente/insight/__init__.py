"""Answers folded from several kinds; nothing here is written or stored."""
