"""Which copy of an object is shown follows from the copies, not from their order (docs/protocol/3-kinds.md)."""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError
from entente.core.ids import Member, identity_id
from entente.core.marking import Tlp
from entente.kinds import item
from entente.kinds.item import Header, Rules, read, reason_of
from entente.policy.shown import settle
from entente.store.ports import ItemRow
from kinds.circles import ALL, ANNA, BORA, PERSON

ID = "indicator--00000000-0000-4000-8000-000000000001"
SECOND = 1_000_000
TIME = 1_000 * 1000


def copy(seq: int, author: Member, modified: int, *, revoked: bool = False, created_by: str = "") -> ItemRow:
    return ItemRow(
        seq=seq,
        stix_id=ID,
        type="indicator",
        author=author,
        created=0,
        modified=modified * SECOND,
        created_by=created_by,
        revoked=revoked,
        name="",
        tlp=1,
        time=TIME,
        person=PERSON,
        own=False,
    )


def settled(rows: list[ItemRow]) -> list[ItemRow]:
    changed = {row.seq: row for row in settle(rows, data_of)}
    return [changed.get(row.seq, row) for row in rows]


def data_of(seq: int) -> bytes:
    return b"%d" % seq


def shown(rows: list[ItemRow]) -> int:
    (top,) = [row.seq for row in settled(rows) if row.top]
    return top


COPIES = st.lists(
    st.tuples(st.sampled_from(ALL), st.integers(0, 4) | st.just(2_000), st.booleans()), min_size=1, max_size=7
).map(lambda rows: [copy(seq, *row[:2], revoked=row[2]) for seq, row in enumerate(rows, 1)])


@given(COPIES, st.randoms())
def test_order_decides_nothing(rows: list[ItemRow], random: object) -> None:
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert {row.seq: row for row in settled(mixed)} == {row.seq: row for row in settled(rows)}


@given(COPIES)
def test_one_is_shown_and_one_of_each_member_is_its_newest(rows: list[ItemRow]) -> None:
    found = settled(rows)
    assert sum(row.top for row in found) == 1
    newest = [row.author for row in found if row.latest]
    assert sorted(newest) == sorted({row.author for row in rows})
    assert settle(found, data_of) == []


@given(COPIES, st.permutations(ALL))
@settings(max_examples=100)
def test_exchanged_members_change_nothing_but_who_it_is(rows: list[ItemRow], members: list[Member]) -> None:
    """Between copies of equal worth the bytes decide; only where these are equal too does anything of the member."""
    roles = dict(zip(ALL, members, strict=True))
    other = [msgspec.structs.replace(row, author=roles[Member(row.author)]) for row in rows]
    assert shown(other) == shown(rows)


@given(COPIES)
def test_denied_copy_is_neither_shown_nor_anybodys_newest(rows: list[ItemRow]) -> None:
    gone = [msgspec.structs.replace(row, state="denied") if row.seq % 2 else row for row in rows]
    assert not any(row.top or row.latest for row in settled(gone) if row.state == "denied")
    left = [row for row in gone if row.state == "held"]
    if left:
        assert shown(gone) == shown(left)


def test_newest_counts_but_not_what_is_newer_than_its_entry() -> None:
    assert shown([copy(1, ANNA, 1), copy(2, ANNA, 3), copy(3, ANNA, 2)]) == 2
    assert shown([copy(1, ANNA, 1), copy(2, ANNA, 2_000)]) == 1


def test_smaller_hash_decides_between_equals() -> None:
    expected = min((1, 2), key=lambda seq: sha256(data_of(seq)).digest())
    assert shown([copy(1, ANNA, 1), copy(2, ANNA, 1)]) == expected
    assert shown([copy(2, BORA, 1), copy(1, ANNA, 1)]) == expected


def test_revoked_copy_of_one_steps_back_behind_the_copy_of_another() -> None:
    assert shown([copy(1, ANNA, 3, revoked=True), copy(2, BORA, 1)]) == 2
    assert shown([copy(1, ANNA, 3, revoked=True), copy(2, ANNA, 1)]) == 1


def test_contested_id_stays_with_who_came_first_here() -> None:
    one = copy(1, ANNA, 1, created_by=identity_id(ANNA))
    other = copy(2, BORA, 4, created_by=identity_id(BORA))
    assert shown([one, other]) == 1
    assert shown([msgspec.structs.replace(one, seq=3), other]) == 2


RULES = Rules(Tlp.AMBER, ("detection",), 400, {identity_id(ANNA): ANNA}, {})


def payload(header: dict[str, object] | None = None, **changes: object) -> bytes:
    made = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": ID,
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[file:size = 1]",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }
    line = Header(Tlp.GREEN, PERSON, "detection", "indicator")
    return msgspec.structs.replace(line, **(header or {})).line() + json.dumps(made | changes).encode()


RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
CASES = {
    "": payload(),
    "red": payload({"marking": Tlp.RED}),
    "ceiling": payload({"marking": Tlp.AMBER_STRICT}),
    "marking": payload(object_marking_refs=[RED]),
    "type": payload({"type": "malware"}),
    "purpose": payload({"purpose": "gossip"}),
    "size": payload(name="x" * 400),
    "forged-update": payload(created_by_ref=identity_id(ANNA)),
}


@pytest.mark.parametrize("reason", CASES)
def test_circle_says_why_it_does_not_hold_an_item(reason: str) -> None:
    assert item.judge(read(CASES[reason]), BORA, RULES) == reason


def test_owner_brings_what_is_its_own() -> None:
    assert item.judge(read(CASES["forged-update"]), ANNA, RULES) == ""


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: payload()[:90] + tail))
@settings(max_examples=200)
def test_whatever_a_payload_holds_only_our_errors_come_out(data: bytes) -> None:
    reason = ""
    try:
        read(data)
    except EntenteError as problem:
        reason = reason_of(problem)
    assert reason in {"", "malformed", "size"}
