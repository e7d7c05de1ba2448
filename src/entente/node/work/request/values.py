"""What is answered about requests; members, persons, circles and acts are ids in base32, times RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field


class ReplyInfo(Struct, frozen=True):
    """One member's answer to a request: `answered` or `refused`, who gave it, its words, and when it was given."""

    member: str
    name: str
    person: str
    answer: str
    text: str
    text_state: str
    time: str


class RequestInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request as it stands: `open`, `answered`, `refused` or `overdue`; `escalated` when it is overdue for too long.

    `request` is its id once more, in the answer to who asked. `from` is the member that asks, with its `name`; `to` is
    everybody who is asked. `priority` goes from 1 (first) to 5. It escalates at `escalates`. `text_state` says whether
    the words are here: held, awaited, erased or missing. `ended`: its room has ended, so nobody can answer now.
    """

    request: str = ""
    id: str
    circle: str
    from_: str = field(name="from")
    name: str
    person: str
    to: Sequence[str]
    text: str
    text_state: str
    priority: int
    due: str
    state: str
    escalated: bool
    escalates: str
    answers: Sequence[ReplyInfo]
    time: str
    ended: bool
