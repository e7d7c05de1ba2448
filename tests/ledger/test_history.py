"""Key histories: they are read whole and verified, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core import ids, keys, note
from entente.core.errors import EntenteError, InvalidError, VerificationError
from entente.core.names import check_name
from entente.ledger.history import KeyRecord, check_history, history_document, read_history
from tools_loader import load

if TYPE_CHECKING:
    from entente.ledger import history

vectors = load("make_vectors")
NORTH, SOUTH = vectors.NORTH, vectors.SOUTH


def spelt(text: str) -> bool:
    try:
        return check_name(text) == text
    except InvalidError:
        return False


def signed(person: object, parts: list[history.Part]) -> bytes:
    return person.signed(ids.keys_origin(person.member), vectors.leaves_of(parts))


@given(
    name=st.text(min_size=1, max_size=80).filter(spelt),
    url=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    pinned=st.booleans(),
)
def test_a_record_is_read_as_it_was_written(name: str, url: str, pinned: bool) -> None:
    record = NORTH.record(0)
    record = KeyRecord(
        log=record.log, witness=record.witness, store=record.store, transport=record.transport, next=record.next,
        name=name, url=url, tls=b"\7" * 32 if pinned else b"",
    )  # fmt: skip
    assert KeyRecord.read(record.body()) == record


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_record_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(InvalidError):
        KeyRecord.read(NORTH.record(0).body()[:-cut])


def test_a_weak_key_is_refused() -> None:
    with pytest.raises(VerificationError, match="prime order"):
        KeyRecord.read(vectors.weak()[0][3])


def test_one_key_for_two_uses_is_refused() -> None:
    with pytest.raises(VerificationError, match="two uses"):
        KeyRecord.read(vectors.doubled()[0][3])


def test_a_history_says_who_the_member_is_now() -> None:
    parts = NORTH.parts()
    found = check_history(NORTH.member, signed(NORTH, parts), parts)
    assert (found.member, found.size, len(found.records)) == (NORTH.member, 2, 2)
    assert found.current == NORTH.record(1)
    assert found.current.tls != found.records[0].tls


def test_a_history_of_somebody_else_is_refused() -> None:
    with pytest.raises(VerificationError, match="not of"):
        check_history(SOUTH.member, signed(NORTH, NORTH.parts()), NORTH.parts())


def test_a_history_without_its_last_entry_is_refused() -> None:
    with pytest.raises(VerificationError, match="not complete"):
        check_history(None, signed(NORTH, NORTH.parts()), NORTH.parts()[:1])


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(VerificationError, match="empty"):
        check_history(None, signed(NORTH, NORTH.parts()), [])


def test_a_history_signed_by_another_key_is_refused() -> None:
    stranger = vectors.Person(NORTH.name, records=2, signs="transport")
    with pytest.raises(VerificationError):
        check_history(None, signed(stranger, NORTH.parts()), NORTH.parts())


@pytest.mark.parametrize("field", ["log", "witness", "store", "transport", "next"])
def test_version_1_lets_no_key_change(field: str) -> None:
    first = NORTH.record(0)
    changed = {name: getattr(first, name) for name in first.__struct_fields__} | {field: keys.public_of(b"\3" * 32)}
    with pytest.raises(VerificationError, match=field):
        first.check_next(KeyRecord(**changed))


def test_a_history_goes_through_a_file_unchanged() -> None:
    found = NORTH.keys()
    assert read_history(found.document()) == found


def test_lines_of_others_do_not_travel_with_a_history() -> None:
    found = NORTH.keys()
    head = note.Checkpoint.parse(note.Note.parse(found.note).text)
    cosigned = found.note + SOUTH.cosignature("witness", head, 5).encode()
    document = history_document(cosigned, found.entries)
    assert document == found.document()
    with pytest.raises(VerificationError, match="other lines"):
        read_history({**document, "note": cosigned.decode()})


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"note": "", "entries": []}, {"note": 1, "entries": []}, {"note": "\ud800\n\n", "entries": [{}]}],
)
def test_what_is_no_history_is_refused(document: object) -> None:
    with pytest.raises(VerificationError):
        read_history(document)


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_of_a_payload_is_refused(at: int, bit: int) -> None:
    kind, time, salt, payload = NORTH.parts()[1]
    at %= len(payload)
    spoilt = payload[:at] + bytes([payload[at] ^ 1 << bit]) + payload[at + 1 :]
    with pytest.raises(EntenteError):
        check_history(None, NORTH.keys().note, [NORTH.parts()[0], (kind, time, salt, spoilt)])
