"""Key histories: they are read whole and verified, or not at all."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from entente.core import ids, keys, note
from entente.core.errors import EntenteError, InvalidError, VerificationError
from entente.core.names import check_name
from entente.ledger.history import KeyRecord, check_history, history_document, read_history
from entente.ledger.records import check_records
from tools_loader import load

if TYPE_CHECKING:
    from entente.ledger import history

vectors = load("make_vectors")
NORTH, SOUTH, WEST, LOST = vectors.NORTH, vectors.SOUTH, vectors.WEST, vectors.LOST


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
    assert KeyRecord.read(record.body(), record.kind) == record


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_record_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(InvalidError):
        KeyRecord.read(NORTH.record(0).body()[:-cut], "key/1")


def test_a_weak_key_is_refused() -> None:
    with pytest.raises(VerificationError, match="prime order"):
        KeyRecord.read(vectors.weak()[0][3], "key/1")


def test_one_key_for_two_uses_is_refused() -> None:
    with pytest.raises(VerificationError, match="two uses"):
        KeyRecord.read(vectors.doubled()[0][3], "key/1")


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


@pytest.mark.parametrize("field", ["witness", "store", "transport", "url", "tls", "name"])
def test_everything_but_the_log_key_may_change_under_it(field: str) -> None:
    first = NORTH.record(0)
    value = "Another" if field in {"url", "name"} else keys.public_of(b"\3" * 32)
    first.check_next(structs.replace(first, **{field: value}), NORTH.member)


@pytest.mark.parametrize("field", ["log", "next"])
def test_the_log_key_and_the_next_one_do_not_change_alone(field: str) -> None:
    first = NORTH.record(0)
    with pytest.raises(VerificationError):
        first.check_next(structs.replace(first, **{field: keys.public_of(b"\3" * 32)}), NORTH.member)


def test_a_rotation_makes_the_next_key_the_log_key_and_the_member_stays() -> None:
    found = WEST.keys()
    assert found.member == WEST.member == ids.member_id(found.records[0].log)
    assert sha256(found.current.log).digest() == found.records[0].next != found.current.next
    assert found.successions == ()
    assert [each.public_key for each in found.verifiers("o")] == [found.current.log, found.records[0].log]


def test_a_change_of_the_log_key_without_the_old_one_is_a_succession() -> None:
    assert LOST.keys().successions == (1,)


def test_what_another_person_signed_over_is_no_rotation() -> None:
    parts = WEST.parts()
    parts[2] = (*parts[2][:3], WEST.plain(2).handed_over(WEST.member, WEST.seed("witness")).body())
    with pytest.raises(VerificationError):
        check_history(None, signed(WEST, parts), parts)


def test_a_retired_key_and_a_key_for_another_use_never_come_back() -> None:
    records = [WEST.record(at) for at in range(4)]
    check_records(records)
    with pytest.raises(VerificationError, match="comes back"):
        check_records([*records, structs.replace(records[3], witness=records[0].witness)])
    with pytest.raises(VerificationError, match="comes back"):
        check_records([*records, structs.replace(records[3], witness=records[3].store, store=records[3].witness)])


def test_a_note_names_the_newest_key_that_signed_it() -> None:
    found, parsed = WEST.keys(), note.Note.parse(WEST.keys().note)
    assert not found.retired(found.signer(parsed))
    old = note.Note.parse(replace(WEST, renewed=99).head(ids.keys_origin(WEST.member), 2, bytes(32)))
    assert found.retired(found.signer(old))
    with pytest.raises(VerificationError, match="no line"):
        found.signer(note.Note.parse(SOUTH.keys().note))


@given(st.binary(min_size=32, max_size=32))
def test_a_sealing_key_is_spelt_as_age_spells_it(seed: bytes) -> None:
    public = keys.sealing_public_of(seed)
    keys.check_sealing(public)
    assert keys.recipient(public).startswith("age1")
    assert keys.identity(seed).startswith("AGE-SECRET-KEY-1")


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), b"\xff" * 32, bytes(31)])
def test_a_weak_sealing_key_is_refused(public: bytes) -> None:
    with pytest.raises(VerificationError):
        keys.check_sealing(public)


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
