"""What is answered about public disclosures."""

from __future__ import annotations

from msgspec import Struct

from entente.node.work.session.values import SessionVote


class DisclosureInfo(Struct, frozen=True):
    """A text that is to be published: proposed, approved or refused; exactly these bytes, by their SHA-256 (hex)."""

    disclosure: str
    circle: str
    state: str
    text: str
    text_state: str
    media: str
    sha256: str
    by: str
    name: str
    time: str
    needed: int
    answers: list[SessionVote]
