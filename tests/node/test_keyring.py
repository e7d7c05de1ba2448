"""Keys change and nothing is lost: old signatures stay valid, and a thief of the old keys signs nothing that counts."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec import structs

from entente.core import note
from entente.core.errors import ConflictError, InvalidError, NotFoundError, VerificationError
from entente.core.ids import b32, origin_hash
from entente.exchange.messages import Part
from entente.ledger import keys as key_logs
from entente.ledger import log, witness
from entente.ledger.history import words_of
from entente.ledger.log import Draft
from entente.ledger.package import pack
from entente.ledger.proof import read_proof
from entente.node import Node
from entente.node.exchange.side import MemberSide
from entente.node.home import keyring
from entente.node.home.base import Base
from entente.node.home.files import make_secrets
from entente.node.home.keyring import Keyring, successor
from entente.node.inherit import inherit
from entente.node.partners.cards import read_card
from entente.store.memory.store import MemoryStore
from network import Network, Wire
from stories.story import bundle, id_of, indicator
from tools_loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node.home.values import Renewed
    from entente.store.ports import LogRow


def share(node: Node, circle: str, folder: Path, number: int) -> str:
    thing = indicator(number)
    path = folder / f"{number}.json"
    path.write_bytes(bundle(thing))
    node.items.import_files([path], tlp="TLP:GREEN", circle=circle)
    node.sharing.send([id_of(thing)], circle)
    return id_of(thing)


def renew(network: Network, node: Node) -> Renewed:
    """Rotate with the next key, and remember the one after."""
    kept: list[bytes] = []
    done = node.keys.renew(network.next_keys[node.base.me], kept.append)
    network.next_keys[node.base.me] = bytes.fromhex(json.loads(kept[0])["next"])
    return done


def log_of(node: Node, author: Node) -> LogRow:
    with node.base.store.read() as tx:
        return next(row for row in tx.logs.all() if row.member == author.base.me and row.circle)


def signer_is_retired(node: Node, author: Node) -> bool:
    with node.base.store.read() as tx:
        history = node.base.history(tx, author.base.me)
    return history.retired(history.signer(note.Note.parse(log_of(node, author).note)))


def refusals(*nodes: Node) -> list[str]:
    return [each["code"] for node in nodes for done in node.exchange.sync() for each in done.refusals]


def test_rotation_keeps_the_member_its_items_and_its_partners(tmp_path: Path) -> None:
    network = Network(31)
    dover, calais = network.add("Dover"), network.add("Calais")
    circle = network.agree(dover, calais)
    old = share(dover, circle, tmp_path, 1)
    network.settle()
    before = dover.ledger.proof(old)

    done = renew(network, dover)
    assert (done.member, done.keys) == (dover.member, 2)
    network.settle()
    new = share(dover, circle, tmp_path, 2)
    network.settle()

    for node in (dover, calais):
        assert node.ledger.verify().ok, node.ledger.verify()
        assert not signer_is_retired(node, dover)
        assert {old, new} <= {item.id for item in node.items.list().items}
    assert read_proof(before).author.size == 1
    for id_ in (old, new):
        shown = read_proof(dover.ledger.proof(id_))
        assert shown.author.size == 2
        assert {each.member for each in shown.statements} == {calais.base.me}
    assert refusals(dover, calais) == []


def test_every_open_log_says_that_the_keys_changed_and_a_second_rotation_follows_the_first(tmp_path: Path) -> None:
    network = Network(32)
    dover, calais = network.add("Dover"), network.add("Calais")
    circle = network.agree(dover, calais)
    share(dover, circle, tmp_path, 1)
    renew(network, dover)
    network.settle()
    renew(network, dover)
    network.settle()
    with calais.base.store.read() as tx:
        history = calais.base.history(tx, dover.base.me)
        said = [json.loads(each.data)["keys"] for each in tx.payloads.acts(["rekeyed/1"])]
    assert (history.size, history.successions, said) == (3, (), [2, 3])
    assert calais.ledger.verify().ok


def test_rotation_needs_the_key_that_was_committed_to() -> None:
    network = Network(33)
    dover = network.add("Dover")
    kept: list[bytes] = []
    with pytest.raises(VerificationError) as caught:
        dover.keys.renew(bytes(32), kept.append)
    assert (caught.value.code, kept) == ("recovery", [])
    spent = network.next_keys[dover.base.me]
    renew(network, dover)
    with pytest.raises(VerificationError):
        dover.keys.renew(spent, kept.append)


def test_a_rotation_renews_every_cosignature_and_partners_take_it_in_place_of_the_old_one(tmp_path: Path) -> None:
    network = Network(34)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    circle = network.agree(dover, calais, ostend)
    share(dover, circle, tmp_path, 1)
    network.settle()
    renew(network, calais)
    network.settle()
    for node in (dover, ostend):
        with node.base.store.read() as tx:
            current = node.base.history(tx, calais.base.me).current.cosigners(calais.base.me)
            given = witness.of_log(tx, origin_hash(log_of(node, dover).origin))
            lines = [note.Signature.parse(each.line).key_id for each in given if each.member == calais.base.me]
        assert sorted(lines) == sorted(each.key_id for each in current)
        assert node.ledger.verify().ok
    assert refusals(dover, calais, ostend) == []


class Thief:
    """Somebody with a copy of a member's home from before its rotation."""

    def __init__(self, victim: Node) -> None:
        self.secrets = victim.base.keys.secrets
        self.row = log_of(victim, victim)
        with victim.base.store.read() as tx:
            self._rows = tx.payloads.get(self.row.id, 0, self.row.size)
        self.store = MemoryStore()
        with self.store.write() as tx:
            self.copy = tx.logs.add(structs.replace(self.row, id=0, size=0, signed=0, note=b"", peaks=b""))
            drafts = [Draft(each.kind, each.time, b"", each.head + each.data) for each in self._rows]
            salts = iter(each.salt for each in self._rows)
            noise = b"".join(salts)
            seed = self.secrets.seed("log")
            self.copy, _ = log.append(tx, self.copy, drafts, seed=seed, random=lambda _size: noise)

    def appends(self, start: int) -> Part:
        with self.store.write() as tx:
            draft = Draft("person/1", 1_790_000_000_000, b"", b'{"after":[],"person":"x","roles":[]}')
            self.copy, _ = log.append(tx, self.copy, [draft], seed=self.secrets.seed("log"), random=bytes)
            package = pack(tx, self.copy, start, self.copy.size, 1 << 20)
        return Part(origin_hash(self.copy.origin), self.copy.note, [package])


def test_a_thief_with_the_old_keys_signs_nothing_that_counts(tmp_path: Path) -> None:
    network = Network(35)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    circle = network.agree(dover, calais, ostend)
    share(dover, circle, tmp_path, 1)
    network.settle()
    thief = Thief(dover)
    assert thief.copy.note == thief.row.note
    renew(network, dover)
    network.settle()
    part = thief.appends(thief.row.size)
    for node in (calais, ostend):
        row = log_of(node, dover)
        with node.base.store.write() as tx:
            accepted = MemberSide(node.base).inbox.accept(tx, row, part)
        assert accepted.failure is not None
        assert accepted.failure.code == "retired-key"
        assert (log_of(node, dover).size, log_of(node, dover).stopped) == (row.size, "")
        assert node.ledger.evidence() == []
    with dover.base.store.write() as tx:
        accepted = MemberSide(dover.base).inbox.accept(tx, log_of(dover, dover), part)
    assert accepted.failure is not None
    with dover.base.store.read() as tx:
        assert dover.base.guard.doubted(tx) == ""


def test_what_a_retired_key_signed_counts_where_another_member_vouches_for_it(tmp_path: Path) -> None:
    network = Network(36)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    circle = network.agree(dover, calais, ostend)
    network.wires[dover.base.me].cut.add(ostend.base.me)
    network.wires[ostend.base.me].cut.add(dover.base.me)
    share(dover, circle, tmp_path, 1)
    dover.exchange.sync()
    held = log_of(calais, dover)
    with calais.base.store.read() as tx:
        vouched = witness.vouched(tx, held, calais.base.me)
        start = log_of(ostend, dover).size
        package = pack(tx, held, start, held.size, 1 << 20)
        keys_row = key_logs.open_log(tx, dover.base.me)
    assert start < held.size
    renew(network, dover)
    dover.exchange.sync()
    with calais.base.store.read() as tx:
        keys_row = key_logs.open_log(tx, dover.base.me)
        keys = pack(tx, keys_row, 1, 2, 1 << 20)
    with ostend.base.store.write() as tx:
        row = key_logs.open_log(tx, dover.base.me)
        assert (
            MemberSide(ostend.base).inbox.accept(tx, row, Part(origin_hash(row.origin), keys_row.note, [keys])).failure
            is None
        )
        old = log_of(ostend, dover)
        alone = MemberSide(ostend.base).inbox.accept(tx, old, Part(origin_hash(old.origin), held.note, [package]))
        assert alone.failure is not None
        assert alone.failure.code == "retired-key"
        taken = MemberSide(ostend.base).inbox.accept(tx, old, Part(origin_hash(old.origin), vouched, [package]))
        assert (taken.failure, taken.row.size) == (None, held.size)
    assert ostend.ledger.verify().ok
    network.settle(calais, ostend)
    assert not signer_is_retired(ostend, dover)


def test_a_relay_vouches_for_what_it_passes_on(tmp_path: Path) -> None:
    """Ostend knows the new keys of Dover by its card, and gets what Dover signed before from Calais, who does not."""
    network = Network(60)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    circle = network.agree(dover, calais, ostend)
    network.wires[ostend.base.me].cut.add(dover.base.me)
    thing = share(dover, circle, tmp_path, 1)
    dover.exchange.sync(calais.member)
    renew(network, dover)
    ostend.partners.add(dover.partners.card())
    assert thing not in {item.id for item in ostend.items.list().items}
    (done,) = ostend.exchange.sync(calais.member)
    assert (done.error, [each["code"] for each in done.refusals]) == ("", [])
    assert thing in {item.id for item in ostend.items.list().items}
    assert signer_is_retired(ostend, dover)
    assert ostend.ledger.verify().ok


def test_a_proof_under_a_retired_key_needs_a_witness(tmp_path: Path) -> None:
    network = Network(37)
    dover, calais = network.add("Dover"), network.add("Calais")
    circle = network.agree(dover, calais)
    thing = share(dover, circle, tmp_path, 1)
    network.settle()
    whole = log_of(calais, dover)
    renew(network, dover)
    dover.exchange.sync()  # Calais learns the key history and the new head
    with calais.base.store.write() as tx:
        tx.logs.save(structs.replace(log_of(calais, dover), note=whole.note, signed=whole.signed))
    with pytest.raises(VerificationError, match="witnessed"):
        calais.ledger.proof(thing)


def test_new_address_reaches_partners_by_the_key_history() -> None:
    network = Network(38)
    dover, calais = network.add("Dover"), network.add("Calais")
    network.agree(dover, calais)
    done = dover.keys.set_url("http://localhost:9444")
    assert (done.keys, done.url) == (2, "http://localhost:9444")
    assert dover.keys.set_url("http://localhost:9444").keys == 2
    network.settle()
    assert calais.partners.list()[0].url == "http://localhost:9444"


@pytest.mark.parametrize("url", ["http://node.example", "ftp://node.example", "https://node.example/path"])
def test_address_that_nobody_may_call_is_refused(url: str) -> None:
    dover = Network(39).add("Dover")
    with pytest.raises(InvalidError):
        dover.keys.set_url(url)


def test_new_certificate_comes_with_an_https_address() -> None:
    dover = Network(40).add("Dover")
    dover.keys.set_url("https://node.example:8443")
    with dover.base.store.read() as tx:
        assert dover.base.history(tx, dover.base.me).current.tls == dover.base.keys.secrets.pin != b""


def test_home_of_before_gets_its_sealing_key() -> None:
    network = Network(41)
    dover, calais = network.add("Dover"), network.add("Calais")
    old = structs.replace(
        make_secrets([network.random.randbytes(32) for _ in range(6)], "Old", "http://localhost:1", 0), seal=""
    )
    store = MemoryStore()
    base = type(dover.base)(None, store, old, clock=network.clock, random=network.random.randbytes, me=old.owner)
    with store.write() as tx:
        key_logs.found(
            tx, keyring.record_of(old, "Old", "http://localhost:1"), seed=old.seed("log"), time=1, random=base.random
        )
    Keyring(base).complete()
    with store.read() as tx:
        history = base.history(tx, base.me)
    assert [each.kind for each in history.records] == ["key/1", "key/2"]
    assert keyring.fits(base.keys.secrets, history.current)
    assert base.keys.secrets.identity.startswith("AGE-SECRET-KEY-1")
    Keyring(base).complete()
    with store.read() as tx:
        assert base.history(tx, base.me).size == 2
    assert calais.base.keys.secrets.seal


@pytest.mark.parametrize("committed", [False, True])
def test_rotation_that_a_crash_cut_off_is_whole_or_not_there(committed: bool) -> None:
    network = Network(42)
    dover = network.add("Dover")
    before = dover.base.keys.secrets
    renew(network, dover)
    after = dover.base.keys.secrets
    torn = structs.replace(before, pending=msgspec.json.encode(after).decode())
    if not committed:
        dover = network.add("Calais")
        torn = structs.replace(dover.base.keys.secrets, pending=msgspec.json.encode(after).decode())
        after = dover.base.keys.secrets
    dover.base.keys.keep(torn)
    dover.keys.complete()
    assert dover.base.keys.secrets == after


def test_what_is_no_recovery_file_is_refused(tmp_path: Path) -> None:
    dover = Network(43).add("Dover")
    path = tmp_path / "recovery"
    for data in (b"", b"{}", b"[" * 9, b'{"entente-recovery":1,"member":"x","next":"zz"}', b"\xff" * 70_000):
        path.write_bytes(data)
        with pytest.raises(InvalidError):
            dover.keys.rotate(path)
    path.write_bytes(keyring.write_recovery(Network(44).add("Else").base.me, "Else", bytes(32)))
    with pytest.raises(VerificationError):
        dover.keys.rotate(path)


def test_recovery_file_is_never_overwritten(tmp_path: Path) -> None:
    network = Network(45)
    dover = network.add("Dover")
    path = tmp_path / "recovery"
    path.write_bytes(keyring.write_recovery(dover.base.me, "Dover", network.next_keys[dover.base.me]))
    other = tmp_path / "recovery.2"
    other.write_bytes(b"mine")
    done = dover.keys.rotate(path)
    assert (done.recovery, other.read_bytes()) == (str(tmp_path / "recovery.3"), b"mine")
    with pytest.raises(ConflictError):
        dover.keys.rotate(tmp_path / "recovery.3", other)
    assert dover.keys.rotate(tmp_path / "recovery.3").keys == 3


@pytest.mark.parametrize("seed", range(8))
def test_members_that_change_keys_at_any_time_come_level(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    network = Network(100 + seed)
    nodes = [network.add(name) for name in ("Dover", "Calais", "Ostend", "Esbjerg")]
    circle = network.agree(*nodes)
    shared: set[str] = set()
    for number in range(30):
        node = chance.choice(nodes)
        match chance.randrange(4):
            case 0:
                renew(network, node)
            case 1:
                shared.add(share(node, circle, tmp_path, number))
            case 2:
                network.wires[node.base.me].cut = set(chance.sample(list(network.nodes), 2))
            case _:
                node.exchange.sync()
    for wire in network.wires.values():
        wire.cut = set()
    network.settle()
    assert refusals(*nodes) == []
    for node in nodes:
        assert {item.id for item in node.items.list().items} == shared
        assert node.ledger.verify().ok
        assert node.ledger.evidence() == []
        assert doubt(node) == ""
        assert [author.name for author in nodes if signer_is_retired(node, author)] == []
        for item in shared:
            assert {each.stage for each in node.ledger.receipts(item)} <= {"stored"}


def lose(network: Network, old: Node, url: str = "") -> Node:
    """Lose a member's home, and make a new one from its next key and the card that others have."""
    history = read_card(old.partners.card())
    url = url or old.url
    seed = network.next_keys[old.base.me]
    secrets, network.next_keys[old.base.me] = successor(history, seed, url, network.random.randbytes, 0)
    store = MemoryStore()
    record = keyring.record_of(secrets, old.name, url)
    inherit(store, history, record, secrets, clock=network.clock, random=network.random.randbytes)
    base = Base(None, store, secrets, clock=network.clock, random=network.random.randbytes, me=old.base.me)
    network.wires[old.base.me] = Wire(network, base)
    network.nodes.pop(old.base.me, None)
    return Node(base, network.wires[old.base.me])


def meet_again(network: Network, new: Node, *others: Node) -> None:
    network.nodes[new.base.me] = new
    for other in others:
        new.partners.add(other.partners.card())
        new.partners.confirm(other.member, " ".join(other.words))


def doubt(node: Node) -> str:
    with node.base.store.read() as tx:
        return node.base.guard.doubted(tx)


def test_lost_home_of_two_comes_back_by_the_word_of_the_partner(tmp_path: Path) -> None:
    network = Network(51)
    dover, calais = network.add("Dover"), network.add("Calais")
    circle = network.agree(dover, calais)
    mine, theirs = share(dover, circle, tmp_path, 1), share(calais, circle, tmp_path, 2)
    network.settle()
    before = log_of(calais, dover)
    new = lose(network, dover)
    assert doubt(new)
    assert calais.partners.add(new.partners.card()).state == "succession"
    (waiting,) = calais.successions.list()
    assert (waiting.state, waiting.keys, waiting.words) == ("pending", 2, words_of(read_card(new.partners.card())))
    with calais.base.store.read() as tx:
        assert calais.base.history(tx, dover.base.me).size == 1

    assert calais.successions.answer("Dover").state == "in-force"
    assert calais.successions.list() == []
    meet_again(network, new, calais)
    network.settle()
    assert doubt(new) == ""
    assert log_of(new, new).size >= before.size
    assert {mine, theirs} <= {item.id for item in new.items.list().items}
    again = share(new, circle, tmp_path, 3)
    network.settle()
    assert again in {item.id for item in calais.items.list().items}
    for node in (new, calais):
        assert node.ledger.verify().ok
        assert not signer_is_retired(node, new)
        assert node.ledger.evidence() == []
    assert read_proof(calais.ledger.proof(mine)).author.successions == (1,)
    assert refusals(new, calais) == []


def test_lost_home_of_three_waits_for_the_quorum_of_the_others(tmp_path: Path) -> None:
    network = Network(52)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    circle = network.agree(dover, calais, ostend)
    share(dover, circle, tmp_path, 1)
    network.settle()
    new = lose(network, dover)
    for node in (calais, ostend):
        node.partners.add(new.partners.card())
    assert calais.successions.answer("Dover").state == "waiting"
    network.settle(calais, ostend)
    for node in (calais, ostend):
        with node.base.store.read() as tx:
            assert node.base.history(tx, dover.base.me).size == 1
    assert ostend.successions.list()[0].state == "proposed"
    assert ostend.successions.answer("Dover").state == "in-force"
    network.settle(calais, ostend)
    assert calais.successions.list() == []
    meet_again(network, new, calais, ostend)
    network.settle()
    share(new, circle, tmp_path, 2)
    network.settle()
    for node in (new, calais, ostend):
        assert node.ledger.verify().ok, node.ledger.verify()
        assert len(node.items.list().items) == 2
        assert not signer_is_retired(node, new)


def test_both_may_ask_for_the_same_keys_at_one_time() -> None:
    network = Network(53)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    network.agree(dover, calais, ostend)
    new = lose(network, dover)
    for node in (calais, ostend):
        node.partners.add(new.partners.card())
        assert node.successions.answer("Dover").state == "waiting"
    network.settle(calais, ostend)
    states = {node.name: [each.state for each in node.successions.list()] for node in (calais, ostend)}
    for node in (calais, ostend):
        if node.successions.list():
            node.successions.answer("Dover")
    network.settle(calais, ostend)
    assert states == {"Calais": ["proposed"], "Ostend": ["proposed"]}
    assert [*calais.successions.list(), *ostend.successions.list()] == []


def test_refused_succession_changes_nothing_and_a_second_one_is_not_approved_beside_it() -> None:
    network = Network(54)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    network.agree(dover, calais, ostend)
    seed = network.next_keys[dover.base.me]
    thief = lose(network, dover)
    for node in (calais, ostend):
        node.partners.add(thief.partners.card())
    assert calais.successions.answer("Dover").state == "waiting"
    assert ostend.successions.answer("Dover", refuse=True).state == "refused"
    network.settle(calais, ostend)
    for node in (calais, ostend):
        with node.base.store.read() as tx:
            assert node.base.history(tx, dover.base.me).size == 1
    network.next_keys[dover.base.me] = seed
    other = lose(network, dover, "http://localhost:9555")
    calais.partners.add(other.partners.card())
    assert calais.successions.list()[0].url == thief.url


def test_relayed_succession_waits_too() -> None:
    network = Network(55)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    network.agree(dover, calais, ostend)
    network.agree(dover, calais, name="Bilateral")
    new = lose(network, dover)
    calais.partners.add(new.partners.card())
    assert calais.successions.answer("Dover").state == "in-force"
    calais.exchange.sync()
    with ostend.base.store.read() as tx:
        assert ostend.base.history(tx, dover.base.me).size == 1
    assert [each.name for each in ostend.successions.list()] == ["Dover"]
    assert ostend.successions.answer("Dover").state == "in-force"


def test_partner_without_an_agreement_decides_alone() -> None:
    network = Network(56)
    dover, calais = network.add("Dover"), network.add("Calais")
    network.pair(dover, calais)
    new = lose(network, dover)
    calais.partners.add(new.partners.card())
    assert calais.successions.answer("Dover").state == "in-force"
    with calais.base.store.read() as tx:
        assert calais.base.history(tx, dover.base.me).size == 2


def test_two_histories_of_one_member_are_evidence() -> None:
    network = Network(57)
    dover, calais = network.add("Dover"), network.add("Calais")
    network.agree(dover, calais)
    seed = network.next_keys[dover.base.me]
    one = lose(network, dover)
    network.next_keys[dover.base.me] = seed
    other = lose(network, dover, "http://localhost:9555")
    calais.partners.add(one.partners.card())
    calais.successions.answer("Dover")
    with pytest.raises(VerificationError):
        calais.partners.add(other.partners.card())
    (found,) = calais.ledger.evidence()
    assert found.member == dover.member
    assert "signed two histories" in load("verify").judge(calais.ledger.evidence_file(found.id), "")[1].text


def test_address_that_a_thief_gave_before_the_keys_changed_is_evidence_and_later_cards_of_his_are_not() -> None:
    network = Network(58)
    dover, calais, ostend = network.add("Dover"), network.add("Calais"), network.add("Ostend")
    network.agree(dover, calais, ostend)
    store = MemoryStore()
    stolen = dover.base.keys.secrets
    with store.write() as tx:
        key_logs.take_document(tx, read_card(dover.partners.card()))
    thief = Node(
        Base(None, store, stolen, clock=network.clock, random=network.random.randbytes, me=dover.base.me),
        network.wires[dover.base.me],
    )
    thief.keys.set_url("http://localhost:9666")
    calais.partners.add(thief.partners.card())
    renew(network, dover)
    assert ostend.partners.add(dover.partners.card()).state == "paired"
    with pytest.raises(VerificationError):
        calais.partners.add(dover.partners.card())
    with pytest.raises(VerificationError):
        ostend.partners.add(thief.partners.card())
    assert [each.member for each in calais.ledger.evidence()] == [dover.member]
    assert ostend.ledger.evidence() == []


def test_a_home_with_keys_that_are_not_its_own_any_more_signs_nothing(tmp_path: Path) -> None:
    network = Network(59)
    dover, calais = network.add("Dover"), network.add("Calais")
    circle = network.agree(dover, calais)
    before = dover.base.keys.secrets
    renew(network, dover)
    after = dover.base.keys.secrets
    dover.base.keys.keep(before)
    share(dover, circle, tmp_path, 1)
    assert log_of(dover, dover).signed < log_of(dover, dover).size
    dover.base.keys.keep(after)
    assert dover.base.guard.sign_kept() == 1
    network.settle()
    assert len(calais.items.list().items) == 1


def test_answer_without_a_pending_succession_is_refused() -> None:
    network = Network(46)
    dover, calais = network.add("Dover"), network.add("Calais")
    network.agree(dover, calais)
    with pytest.raises(NotFoundError):
        dover.successions.answer(b32(calais.base.me))
