"""Lies are refused with an exact code and change nothing: forged proofs and notes, replays, bytes of other agreements.

Each is said by a paired member with real keys, over a real socket; the victim's state is compared before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from entente.core.ids import keys_origin, origin_hash
from entente.exchange.messages import Delivery, Message, Part
from entente.ledger.witness import of_log
from hostile import peer
from hostile.peer import Scene, codes, digest, row_of
from stories.homes import agree
from stories.story import forge, give, holds, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Told:
    """A scene in which the hostile member has written two entries that nobody has been told of yet."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.victim = scene.harbour.node
        give(self.victim, scene.circle, indicator(100))
        self.other = agree(scene.harbour.node, scene.summit.node, name="Other")
        give(scene.summit.node, self.other, indicator(200), indicator(201))
        scene.settle()
        self.known = row_of(self.victim, scene.circle, scene.summit.node.base.me)
        forge(scene.summit.node, scene.circle, indicator(1), indicator(2))
        give(self.victim, scene.circle, indicator(101))  # nobody has cosigned this yet
        self.row = scene.summit.row(scene.circle)

    def part(self) -> Part:
        return self.scene.summit.part(self.row, self.known.size)

    def package(self, **changes: object) -> Message:
        part = self.part()
        return Message(parts=[structs.replace(part, packages=[structs.replace(part.packages[0], **changes)])])

    def note(self, note: bytes) -> Message:
        return Message(parts=[structs.replace(self.part(), note=note)])

    def head(self, **changes: object) -> Message:
        size, root = changes.get("size", self.row.signed), changes.get("root", bytes(32))
        origin = changes.get("origin", self.row.origin)
        assert isinstance(size, int)
        assert isinstance(root, bytes)
        return self.note(self.scene.summit.head(str(origin), size, root))


def flipped(data: bytes, at: int = -1) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + (data[at + 1 :] if at != -1 else b"")


def other_row(told: Told):
    return told.scene.summit.row(told.other)


def theirs(told: Told) -> list:
    with told.victim.base.store.read() as tx:
        return of_log(tx, origin_hash(other_row(told).origin))


LIES: dict[str, tuple[Callable[[Told], Message], list[str]]] = {
    "a proof with a flipped bit": (lambda told: told.package(proof=[bytes(32)]), ["verification"]),
    "a payload with a flipped bit": (
        lambda told: told.package(payloads=flipped(told.part().packages[0].payloads)),
        ["verification"],
    ),
    "a salt with a flipped bit": (
        lambda told: told.package(salts=flipped(told.part().packages[0].salts)),
        ["verification"],
    ),
    "another time": (lambda told: told.package(times=[1, 1]), ["verification"]),
    "a gap": (lambda told: told.package(start=told.known.size + 1), ["gap"]),
    "a root that is not that of the entries": (lambda told: told.head(), ["verification"]),
    "a head that is larger than what is sent": (lambda told: told.head(size=told.row.signed + 5), ["verification"]),
    "a head of another log": (
        lambda told: told.head(origin=other_row(told).origin, root=bytes(32)),
        ["verification"],
    ),
    "a note without a signature": (lambda told: told.note(told.row.note.split(b"\n\n")[0] + b"\n\n"), ["invalid"]),
    "a note with a broken signature": (lambda told: told.note(told.row.note[:-6] + b"AAAA=\n"), ["verification"]),
    "a note that is no note": (lambda told: told.note(b"\xff" * 100), ["invalid"]),
    "a note of 65 KiB": (lambda told: told.note(told.row.note + b"x" * 70_000), ["invalid"]),
    "a head signed by the victim's partner for the victim's own log": (
        lambda told: Message(
            parts=[
                Part(
                    origin_hash(row_of(told.victim, told.scene.circle).origin),
                    told.scene.summit.head(row_of(told.victim, told.scene.circle).origin, 99, bytes(32)),
                    [],
                )
            ]
        ),
        ["stopped"],
    ),
    "entries of another agreement's log under this log": (
        lambda told: Message(
            parts=[structs.replace(told.scene.summit.part(other_row(told), 0), log=origin_hash(told.row.origin))]
        ),
        ["verification"],
    ),
    "a log of an agreement without the victim": (
        lambda told: Message(parts=[structs.replace(told.part(), log=b"\x77" * 32)]),
        ["not-entitled"],
    ),
    "a cosignature of another agreement's log under this log": (
        lambda told: Message(
            cosignatures=[
                structs.replace(
                    told.scene.summit.cosigns(
                        row_of(told.victim, told.other), row_of(told.victim, told.scene.circle).size, bytes(32)
                    ),
                    log=origin_hash(row_of(told.victim, told.scene.circle).origin),
                )
            ]
        ),
        ["verification"],
    ),
    "a cosignature in another member's name": (
        lambda told: Message(
            cosignatures=[
                structs.replace(
                    told.scene.summit.cosigns(
                        row_of(told.victim, told.scene.circle), row_of(told.victim, told.scene.circle).size, bytes(32)
                    ),
                    member=told.scene.northwind.node.base.me,
                )
            ]
        ),
        ["verification"],
    ),
    "an offer that is no document": (lambda _told: Message(offers=[b"[" * 1000]), ["invalid"]),
    "an offer of nothing": (lambda _told: Message(offers=[b"{}"]), ["invalid"]),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with peer.scene(tmp_path_factory.mktemp("refused")) as found:
        found.harbour.node.exchange.manners.most = 1_000_000  # nearly all that is said here is a lie
        yield Told(found)


@pytest.mark.parametrize("lie", list(LIES))
def test_a_lie_is_refused_with_its_code_and_changes_nothing(told: Told, lie: str) -> None:
    make, expected = LIES[lie]
    before = digest(told.victim)
    answer = told.scene.summit.say(told.victim, make(told))
    assert codes(answer) == expected, answer.refusals
    assert digest(told.victim) == before
    assert told.victim.ledger.evidence() == []


def test_after_all_lies_the_truth_is_taken(told: Told) -> None:
    assert codes(told.scene.summit.say(told.victim, Message(parts=[told.part()]))) == []
    assert holds(told.victim, id_of(indicator(2)))
    assert told.victim.ledger.verify().ok


def test_what_was_said_before_changes_nothing_however_often_and_in_whatever_order(told: Told) -> None:
    """Heads, entries and cosignatures that the victim has, again, the newest first, over several agreements."""
    summit = told.scene.summit
    told.scene.settle()
    mine = [summit.row(told.scene.circle), summit.row(told.other)]
    their = [row_of(summit.node, circle, told.victim.base.me) for circle in (told.scene.circle, told.other)]
    with summit.node.base.store.read() as tx:
        said = [each for row in their for each in of_log(tx, origin_hash(row.origin))]
        key = tx.logs.get(keys_origin(summit.node.base.me))
    messages = [
        Message(parts=[summit.part(row, start)]) for row in [*mine, key] for start in range(row.size, -1, -1)
    ] + [Message(cosignatures=said), Message(cosignatures=said[::-1])]
    before = digest(told.victim)
    for message in [*messages, *messages[::-1], *messages]:
        summit.say(told.victim, message)
    assert digest(told.victim) == before


def test_a_payload_that_nobody_awaits_or_that_is_not_committed_to_is_not_stored(told: Told) -> None:
    before = digest(told.victim)
    log = origin_hash(told.row.origin)
    for index in (0, told.row.size - 1, told.row.size, 10**9):
        answer = told.scene.summit.say(told.victim, Message(deliveries=[Delivery(log, index, bytes(16), b"another")]))
        assert codes(answer) == []
    assert digest(told.victim) == before
