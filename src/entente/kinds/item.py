"""Items: a STIX object that a member brings to a circle; content, so erasable (docs/protocol/3-kinds.md, "Item")."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from msgspec import Struct

from entente.core import canon
from entente.core.errors import EntenteError, InvalidError
from entente.core.ids import Member
from entente.core.kind import Content
from entente.core.marking import Tlp, barring, parse
from entente.core.shape import check_fields, check_person
from entente.formats.stix import Facts, facts
from entente.formats.stix.joint.extension import problem
from entente.policy.ownership import forged
from entente.store.ports import ItemRow

NAME = "item/1"
KIND = Content(NAME, family=NAME)
"""Entries of kind `item/1`."""

MAX_HEADER = 1024


class Header(Struct, frozen=True, gc=False):
    """The header line: marking, the person who shared it, for which purpose ("" any), the STIX type."""

    marking: Tlp
    person: str
    purpose: str
    type: str

    @lru_cache(maxsize=4096)  # noqa: B019 - a small frozen value; few different ones exist
    def line(self) -> bytes:
        """Return the canonical line with its line feed."""
        fields: dict[str, object] = {
            "marking": str(self.marking),
            "person": self.person,
            "purpose": self.purpose,
            "type": self.type,
        }
        return canon.encode(fields) + b"\n"


@lru_cache(maxsize=4096)
def read_header(line: bytes) -> Header:
    """Read a header line without its line feed; raise InvalidError unless it is one."""
    body = canon.decode(line, MAX_HEADER)
    check_fields(body, {"marking": str, "person": str, "purpose": str, "type": str})
    marking = str(body["marking"])
    if str(parse(marking)) != marking:
        raise InvalidError("The marking of a header is written in upper case.")
    return Header(parse(marking), check_person(body), str(body["purpose"]), str(body["type"]))


class Rules(Struct, frozen=True):
    """What the judge of items knows: the circle's ceiling and terms, whose identities are whose, who owns which id."""

    ceiling: Tlp
    purposes: tuple[str, ...]
    payload: int
    owners: Mapping[str, Member]
    claims: Mapping[str, Collection[Member]]


class Read(Struct, frozen=True, gc=False):
    """An item's payload taken apart."""

    header: Header
    head: bytes
    data: bytes
    facts: Facts


def read(payload: bytes) -> Read:
    """Take a payload apart; raise InvalidError or LimitError unless it is a header and one STIX object."""
    end = payload.find(b"\n", 0, MAX_HEADER + 1) + 1
    if not end:
        raise InvalidError("The payload of an item begins with a header line.")
    data = payload[end:]
    return Read(read_header(payload[: end - 1]), payload[:end], data, facts(data, pointers=False))


def judge(item: Read, author: Member, rules: Rules) -> str:
    """Return "" if the circle may hold this item from this author, else the reason why not."""
    header, found = item.header, item.facts
    creator = found.id if found.id in rules.owners else found.created_by_ref
    if barred := barring(header.marking, rules.ceiling):
        reason = barred[0]
    elif found.tlp is not None and found.tlp > header.marking:
        reason = "marking"
    elif header.type != found.type:
        reason = "type"
    elif header.purpose and header.purpose not in rules.purposes:
        reason = "purpose"
    elif len(item.data) > rules.payload:
        reason = "size"
    elif forged(creator, found.id, author, rules.owners, rules.claims):
        reason = "forged-update"
    else:
        reason = problem(item.data)
    return reason


def reason_of(problem: EntenteError) -> str:
    """Return the word under which a payload that does not read is refused."""
    return "size" if problem.code == "limit" else "malformed"


def row(found: Facts, *, author: Member, tlp: int, time: int, person: str, own: bool) -> ItemRow:
    """Return the projection of one copy."""
    return ItemRow(
        stix_id=found.id,
        type=found.type,
        author=author,
        created=found.created,
        modified=found.modified,
        created_by=found.created_by_ref,
        revoked=found.revoked,
        name=found.name,
        tlp=tlp,
        time=time,
        person=person,
        own=own,
    )
