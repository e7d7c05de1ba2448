"""What is answered about public disclosures; acts, members and circles are ids in base32, times RFC 3339 in UTC."""

from __future__ import annotations

from msgspec import Struct

from entente.node.work.session.values import SessionVote


class DisclosureInfo(Struct, frozen=True):
    """A text that is to be published: proposed, approved or refused; exactly these bytes, by their SHA-256 (hex).

    `media` is text/plain or text/markdown. `text_state` says whether the text is here: held, awaited, erased or
    missing. `by` and `name` say who proposed it, `needed` how many must approve, `answers` who has answered what.
    """

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


class DisclosureWritten(Struct, frozen=True):
    """An approved text with its proofs that was written into a file: its id, the SHA-256 (hex) of the text.

    `out` is the file's name, `bytes` its size.
    """

    disclosure: str
    sha256: str
    out: str
    bytes: int
