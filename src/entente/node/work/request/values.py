"""What the requests room answers with; ids are base32 texts, times RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field


class ReplyInfo(Struct, frozen=True):
    """One member's answer to a request: `answered` or `refused`, and its words."""

    member: str
    name: str
    person: str
    answer: str
    text: str
    text_state: str
    time: str


class RequestInfo(Struct, frozen=True):
    """A request as it stands: `open`, `answered`, `refused` or `overdue`; `escalated` when it is overdue for too long.

    It escalates at `escalates`. `to` is everybody who is asked. `ended`: its room has ended, so nobody can answer now.
    """

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
