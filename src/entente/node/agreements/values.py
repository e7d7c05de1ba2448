"""What the Python API answers about agreements, circles and their changes: frozen values, as in `--json`.

Agreements, circles, amendments and members are their ids (52 letters of base32). Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class TemplateInfo(Struct, frozen=True):
    """Ready-made terms: the name that `propose` knows, and the terms by name."""

    name: str
    terms: dict[str, Any]  # Any: a term is whatever its name says


class Proposed(Struct, frozen=True):
    """An agreement that was proposed, with its founding circle."""

    agreement: str
    circle: str
    state: str


class Signed(Struct, frozen=True):
    """An agreement (or circle) after our answer: "waiting" or "in-force"; "refused" when it was refused."""

    agreement: str
    state: str


class CircleInfo(Struct, frozen=True):
    """One circle; `state` is proposed, in-force or refused."""

    id: str
    name: str
    agreement: str
    members: list[str]
    ceiling: str
    state: str
    epoch: int


class AmendmentAnswer(Struct, frozen=True):
    """What a member (id and name) answered to an amendment: approve or refuse."""

    member: str
    name: str
    answer: str


class ApprovalInfo(Struct, frozen=True):
    """What a member (id and name) answered to an agreement, approve or refuse: by which person, and when."""

    member: str
    name: str
    answer: str
    person: str
    time: str


class SuspensionInfo(Struct, frozen=True):
    """A suspension that holds: the member `by` serves `member` ("" for everybody) nothing, since when and why."""

    by: str
    member: str
    reason: str
    since: str


class LeaverInfo(Struct, frozen=True):
    """A member that has left: when, and until when it answers for what it signed."""

    member: str
    time: str
    until: str


class AmendmentInfo(Struct, frozen=True, kw_only=True):
    """What an amendment would change, and how far it has come: proposed, in-force, refused or stale."""

    amendment: str
    epoch: int
    state: str
    by: str
    name: str
    joins: list[str]
    leaves: list[str]
    concerned: str
    terms: dict[str, Any]  # Any: a term is whatever its name says
    needed: int
    approvals: list[AmendmentAnswer]


class Changed(Struct, frozen=True):
    """An amendment that was proposed: `entente agreement sign` answers it."""

    amendment: str
    agreement: str
    epoch: int
    state: str


class Suspended(Struct, frozen=True):
    """Who is served nothing any more in an agreement ("" everybody), or is again."""

    agreement: str
    member: str
    state: str


class Left(Struct, frozen=True):
    """What a leaver signed: how many payloads of others it keeps, onward releases that it answers for, until when."""

    agreement: str
    kept: int
    sent: list[str]
    until: str


class AgreementInfo(Struct, frozen=True):
    """One agreement with its circles; `terms`, `approvals` and `amendments` are filled when one is asked for.

    `state` is proposed, in-force or refused; "left" when this member has left it or was left out, "ended" when
    everybody else has left.
    """

    id: str
    name: str
    state: str
    members: list[str]
    circles: list[CircleInfo]
    approvals: list[ApprovalInfo] = field(default_factory=list[ApprovalInfo])
    terms: dict[str, Any] | None = None  # Any: the terms are whatever the founding text says
    epoch: int = 1
    revision: str = ""
    amendments: list[AmendmentInfo] = field(default_factory=list[AmendmentInfo])
    suspended: list[SuspensionInfo] = field(default_factory=list[SuspensionInfo])
    left: list[LeaverInfo] = field(default_factory=list[LeaverInfo])


class OpenedCircle(Struct, frozen=True):
    """A circle that was opened."""

    circle: str
    state: str
