"""Requests, decisions, sessions, cases and public releases as STIX notes and groupings (docs/protocol/13-stix.md)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from entente.formats.stix.joint.extension import Named, ObjectHead, make


class RequestText(Struct, frozen=True, kw_only=True):
    """A request for information: its thing (b32), text, priority 1 to 5, due time and state, the STIX ids asked."""

    thing: str
    text: str
    priority: int
    due: str
    state: str
    to: Sequence[str] = ()


class VoteText(Struct, frozen=True):
    """One side's word: the id of the member's identity, approve or refuse, when, and words to it."""

    member: str
    answer: str
    time: str
    text: str = ""


class DecisionText(Struct, frozen=True, kw_only=True):
    """A decision: its thing, the session's thing, text, state and votes; its plan, owner (an identity) and due time."""

    thing: str
    session: str
    text: str
    state: str
    needed: int
    votes: Sequence[VoteText] = ()
    plan: str = ""
    owner: str = ""
    due: str = ""


class SessionText(Struct, frozen=True, kw_only=True):
    """A session: its thing, title, time and state, how many must be and were there, who signed the minutes."""

    thing: str
    title: str
    at: str
    state: str
    needed: int
    present: Sequence[str] = ()
    signed_by: Sequence[str] = ()
    minutes: str = ""


class CaseText(Struct, frozen=True, kw_only=True):
    """A case: its thing, title and state, its open and closed tasks as (text, state)."""

    thing: str
    title: str
    state: str
    tasks: Sequence[tuple[str, str]] = ()
    due: str = ""


class DisclosureText(Struct, frozen=True, kw_only=True):
    """A public release: its thing, the text, the SHA-256 of its bytes, who approved."""

    thing: str
    text: str
    hash: str
    state: str
    needed: int
    votes: Sequence[VoteText] = ()


def request_note(head: ObjectHead, refs: Sequence[str], found: RequestText) -> Named:
    """Make the note of a request; `refs` are ids of what it is about, the asking member's identity if empty."""
    record: dict[str, object] = {
        "record": "request",
        "thing": found.thing,
        "priority": found.priority,
        "due": found.due,
        "state": found.state,
        "asked": list(found.to),
    }
    return _note(head, refs, f"Request for information ({found.state})", found.text, record)


def decision_note(head: ObjectHead, refs: Sequence[str], found: DecisionText) -> Named:
    """Make the note of a decision; `refs` are ids of what it is about, such as a course-of-action."""
    record: dict[str, object] = {
        "record": "decision",
        "thing": found.thing,
        "session": found.session,
        "state": found.state,
        "needed": found.needed,
        "votes": [_vote(each) for each in found.votes],
        "plan": found.plan,
        "owner_ref": found.owner,
        "due": found.due,
    }
    return _note(head, refs, f"Decision ({found.state})", found.text, record)


def disclosure_note(head: ObjectHead, refs: Sequence[str], found: DisclosureText) -> Named:
    """Make the note of a text for the public; `refs` are ids of what it is about."""
    record: dict[str, object] = {
        "record": "disclosure",
        "thing": found.thing,
        "sha256": found.hash,
        "state": found.state,
        "needed": found.needed,
        "votes": [_vote(each) for each in found.votes],
    }
    return _note(head, refs, f"Text for the public ({found.state})", found.text, record)


def session_grouping(head: ObjectHead, refs: Sequence[str], found: SessionText) -> Named:
    """Make the grouping of a session: `refs` are ids of its decisions and of what it was about."""
    record: dict[str, object] = {
        "record": "session",
        "thing": found.thing,
        "starts": found.at,
        "state": found.state,
        "needed": found.needed,
        "present_refs": list(found.present),
        "signed_by_refs": list(found.signed_by),
    }
    return _grouping(head, refs, found.title, found.minutes, "unspecified", record)


def case_grouping(head: ObjectHead, refs: Sequence[str], found: CaseText) -> Named:
    """Make the grouping of a case: `refs` are ids of the items that it links."""
    record: dict[str, object] = {
        "record": "case",
        "thing": found.thing,
        "state": found.state,
        "due": found.due,
        "tasks": [{"text": text, "state": state} for text, state in found.tasks],
    }
    return _grouping(head, refs, found.title, "", "suspicious-activity", record)


def _note(head: ObjectHead, refs: Sequence[str], abstract: str, content: str, record: dict[str, object]) -> Named:
    fields: dict[str, object] = {
        "abstract": abstract,
        "content": content or "-",
        "object_refs": list(refs or [head.by]),
    }
    return make(head, "note", fields, record)


def _grouping(
    head: ObjectHead, refs: Sequence[str], name: str, description: str, context: str, record: dict[str, object]
) -> Named:
    fields: dict[str, object] = {
        "name": name,
        "description": description,
        "context": context,
        "object_refs": list(refs or [head.by]),
    }
    return make(head, "grouping", fields, record)


def _vote(vote: VoteText) -> dict[str, object]:
    words = {"text": vote.text} if vote.text else {}
    return {"member_ref": vote.member, "answer": vote.answer, "time": vote.time, **words}
