"""A partner signs entries whose payloads are wrong in every way: the signature holds, the content does not.

Each is refused by name in a signed act, its leaf stays, nothing of it is shown, and the entry after it is taken. No
payload that a partner can sign may stop a log, a view or a command.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from doors.fuzz import NUMBERS, TEXTS
from entente.core import canon, note
from entente.core.errors import EntenteError
from entente.core.ids import b32, origin_hash, store_name
from entente.core.merkle import leaf_hash
from entente.exchange.messages import Cosignature, Message, Part, encode
from entente.kinds import ACTS, KINDS
from entente.ledger.log import Draft, root_of
from entente.ledger.package import pack
from kinds.bodies import About, bodies
from network import Network
from stories.story import give, holds, id_of, indicator, log_sizes, raw, reasons, refusals, stix

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = ("key/1", "key/2", "nosuch/1")
"""Kinds of other logs, and of nobody."""

ENDS = "closed/1"
"""Nothing may follow an entry of this kind in its log, whatever it says."""

LEAVES = "exit/1"
"""A right one ends an agreement of two."""

NAMES = sorted({*(kind.name for kind in KINDS), *UNKNOWN} - {ENDS})
ODD: tuple[object, ...] = (*NUMBERS, *TEXTS, None, True, 1.5, [], {}, [[]], [{}], {"a": 1}, [1, 2], ["x"] * 300)
RAW: tuple[bytes, ...] = (
    b"",
    b"\n",
    b"{}",
    b"{}\n{}",
    b"[]",
    b"null",
    b"\xff\xfe{}",
    b'{"a":"\xff"}',
    b"{" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b"[" * 50_000 + b"]" * 50_000,
    b'{"a":1,"a":2}',
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"a":' + b"9" * 5_000 + b"}",
    b'{"a":"\\ud800"}',
    b'{"a":"' + b"x" * 70_000 + b'"}',
    b"\0" * 1_000,
)
MINUTE = 60 * 1000
HEADER = b'{"marking":"TLP:GREEN","person":"aaaaaaaaaaaaaaaaaaaaaaaaaa","purpose":"","type":"indicator"}\n'


class Scene:
    """Two members in one circle; Northwind writes whatever it likes."""

    def __init__(self, seed: int) -> None:
        self.network = Network(seed)
        self.harbour, self.northwind = self.network.add("Harbour"), self.network.add("Northwind")
        self.circle = self.network.agree(self.harbour, self.northwind, onward="consent")
        give(self.harbour, self.circle, indicator(1))
        self.network.settle()
        self.start = self.size = 0
        self.message = b""

    def write(self, *drafts: Draft) -> int:
        """Let Harbour take entries that Northwind signed past all rules; return the index of the first.

        An honest item ends them. Northwind forgets them, because its own program could not read them either.
        """
        base = self.northwind.base
        head = HEADER.replace(b"aaaaaaaaaaaaaaaaaaaaaaaaaa", self.northwind.operator.encode())
        last = Draft("item/1", base.clock(), head, raw(indicator(99)))
        with suppress(UndoneError), base.store.write() as tx:
            room = base.find_circle(base.in_force(tx), self.circle)
            row, places = base.append(tx, room, [*drafts, last])
            packages, at = [], places[0].index
            while at < row.size:
                packages.append(pack(tx, row, at, row.size, 3_000_000))
                at += len(packages[-1].kind_of)
            message = Message(parts=[Part(origin_hash(row.origin), row.note, packages)])
            self.start, self.size, self.message = places[0].index, row.size, encode(message)
            raise UndoneError
        self.say()
        return self.start

    def say(self) -> None:
        """Let Northwind send its entries."""
        self.harbour.door.handle_exchange(self.northwind.base.me, self.message)

    def bodies(self) -> dict[str, dict[str, object]]:
        """Return a body of each kind of act that would be taken, or nearly."""
        me, theirs = self.northwind.base, self.harbour.base
        with theirs.store.read() as tx:
            room = theirs.find_circle(theirs.in_force(tx), self.circle)
            row = tx.logs.get(room.origin(theirs.me))
            assert row is not None
            leaf = leaf_hash(tx.logs.leaves(row.id, row.size - 1, row.size)[0])
        log = origin_hash(room.origin(theirs.me))
        return bodies(About(room.founding_text, me.me, theirs.me, log, row.size - 1, leaf))

    def check(self) -> None:
        """See that Harbour has everything up to the honest item, and that every view still works."""
        harbour = self.harbour
        assert holds(harbour, id_of(indicator(99)))
        assert log_sizes(harbour, self.circle)["Northwind"] == self.size
        assert harbour.ledger.verify().ok
        assert harbour.doctor().checks
        assert harbour.agreements.show(harbour.agreements.list()[0].id).state == "in-force"
        assert [each.author for each in harbour.items.show(id_of(indicator(1))).copies] == [harbour.member]
        assert harbour.ledger.receipts(id_of(indicator(1)))
        assert harbour.items.list(circle=self.circle).items
        assert harbour.sharing.why(id_of(indicator(1)))
        assert give(harbour, self.circle, indicator(98)).shared == 1


class UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


def odd_bodies(body: dict[str, object], chance: random.Random, count: int) -> Iterator[bytes]:
    """Yield bodies in which a part is missing, added, or something else."""
    for _ in range(count):
        made = json.loads(json.dumps(body))
        holder = made
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not keys:
                break
            key = chance.choice(keys)
            inner = holder[key]
            if isinstance(inner, dict | list) and inner and chance.random() < 0.6:
                holder = inner
                continue
            if chance.random() < 0.2:
                del holder[key]
            else:
                holder[key] = chance.choice(ODD)
            break
        try:
            yield canon.encode(made)
        except (EntenteError, UnicodeError):
            yield json.dumps(made, separators=(",", ":"), sort_keys=True).encode()


def is_right(kind: str, data: bytes) -> bool:
    """Say whether these bytes are the body of an act of a kind."""
    try:
        ACTS[kind].check(canon.decode(data))
    except EntenteError:
        return False
    return True


@pytest.mark.parametrize("kind", NAMES)
def test_bytes_that_are_no_payload_are_refused_by_name(kind: str) -> None:
    scene = Scene(21)
    now = scene.network.now
    drafts = [Draft(kind, now, b"", data) for data in RAW]
    if kind == "item/1":
        drafts += [Draft(kind, now, HEADER, data) for data in RAW]
    start = scene.write(*drafts)
    said = refusals(scene.harbour, scene.circle)
    assert sorted(index for _, _, index in said) == list(range(start, start + len(drafts)))
    scene.check()


@pytest.mark.parametrize("kind", sorted({*ACTS} - {ENDS}))
def test_odd_acts_never_stop_a_log_or_a_view(kind: str) -> None:
    scene, chance = Scene(22), random.Random(kind)
    now = scene.network.now
    odd = [data for data in odd_bodies(scene.bodies()[kind], chance, 150) if kind != LEAVES or not is_right(kind, data)]
    scene.write(*(Draft(kind, now, b"", data) for data in odd))
    assert reasons(scene.harbour, scene.circle)
    scene.check()


@pytest.mark.parametrize("data", [b"", b"{}", RAW[8], None], ids=["nothing", "empty", "deep", "right"])
def test_what_closes_a_log_ends_it_whatever_it_says(data: bytes | None) -> None:
    scene = Scene(26)
    closing = canon.encode(scene.bodies()[ENDS]) if data is None else data
    scene.write(Draft(ENDS, scene.network.now, b"", closing))
    assert log_sizes(scene.harbour, scene.circle)["Northwind"] < scene.size
    assert scene.harbour.ledger.verify().ok


def test_odd_items_never_stop_a_log_or_a_view() -> None:
    scene, chance = Scene(23), random.Random(23)
    header = json.loads(HEADER)
    drafts = [
        Draft("item/1", scene.network.now, data + b"\n", raw(indicator(5))) for data in odd_bodies(header, chance, 100)
    ]
    report = stix("report", 3, published="2026-09-01T00:00:00Z", object_refs=["a", "b"], x_more={"deep": [1, {"a": 2}]})
    for thing in (indicator(6, labels=["a"], confidence=5, revoked=False), report):
        drafts += [Draft("item/1", scene.network.now, HEADER, data) for data in odd_bodies(thing, chance, 200)]
    scene.write(*drafts)
    assert {"malformed", "type"} <= set(reasons(scene.harbour, scene.circle))
    scene.check()


@pytest.mark.parametrize("time", [0, 1, 4_102_444_800_000, (1 << 53) - 1])
@pytest.mark.parametrize("kind", ["item/1", "profile/1", "acknowledgement/1", "refused/1"])
def test_a_claimed_time_far_from_now_breaks_nothing(kind: str, time: int) -> None:
    """What claims to be of long ago is taken; what claims to be of the future waits until then, and is shown then."""
    scene = Scene(24)
    data = HEADER + raw(indicator(7)) if kind == "item/1" else canon.encode(scene.bodies()[kind])
    scene.write(Draft(kind, time, b"", data))
    if time > scene.network.now:
        assert log_sizes(scene.harbour, scene.circle)["Northwind"] == scene.start
        assert scene.harbour.ledger.verify().ok
        scene.network.now = time - MINUTE
        scene.say()
    scene.check()


def test_an_acknowledgement_cannot_be_given_for_others() -> None:
    """Northwind acknowledges its own entry, an entry that does not exist, and one with another leaf."""
    scene = Scene(25)
    body = scene.bodies()["acknowledgement/1"]
    with scene.harbour.base.store.read() as tx:
        room = scene.harbour.base.find_circle(scene.harbour.base.in_force(tx), scene.circle)
    own = {**body, "log": b32(origin_hash(room.origin(scene.northwind.base.me)))}
    wrong_leaf = {**body, "entries": [[0, b32(bytes(32))]]}
    unknown = {**body, "log": b32(bytes(32))}
    made = [canon.encode(each) for each in (own, wrong_leaf, unknown)]
    scene.write(*(Draft("acknowledgement/1", scene.network.now, b"", data) for data in made))
    stages = [receipt.stage for receipt in scene.harbour.ledger.receipts(id_of(indicator(1)))]
    assert stages == ["stored"]
    scene.check()


@pytest.mark.parametrize("seconds", [0, 253_402_300_800, (1 << 63) - 1])
def test_a_receipt_of_an_impossible_time_is_shown_and_breaks_nothing(seconds: int) -> None:
    scene = Scene(26)
    harbour, northwind = scene.harbour.base, scene.northwind.base
    give(scene.harbour, scene.circle, indicator(3))
    with harbour.store.read() as tx:
        row = tx.logs.get(harbour.find_circle(harbour.in_force(tx), scene.circle).origin(harbour.me))
    assert row is not None
    root = root_of(row)
    signer = note.Signer(store_name(northwind.me), note.COSIGNATURE, northwind.keys.secrets.seed("store"))
    line = note.cosign(note.Checkpoint(row.origin, row.size, root), signer, seconds)
    given = Cosignature(origin_hash(row.origin), northwind.me, "stored", row.size, root, line)
    scene.harbour.door.handle_exchange(northwind.me, encode(Message(cosignatures=[given])))
    (receipt,) = scene.harbour.ledger.receipts(id_of(indicator(3)))
    assert receipt.stage == "stored"
    assert receipt.time.startswith("9999-12-31" if seconds else "1970-01-01")
    assert scene.harbour.ledger.verify().ok
