"""Notes: a text on record about an act of joint work (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

from entente.core.kind import EVERY
from entente.core.recorded import ANY, Recorded

KIND = Recorded("note/1", {"of": str, "content": str}, about={"of": ANY}, content=("content",), family=EVERY)
"""Entries of kind `note/1`: `of` is what it is about, `content` the document with the text."""
