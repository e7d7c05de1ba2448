"""Make the corpus: for every target some whole, valid inputs, written by the real code of fictional members.

PYTHONPATH=tests python -m fuzz.seeds
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from entente.core import canon, entry, ids, merkle, note
from entente.core.ids import b32
from entente.core.marking import Tlp
from entente.exchange import bundle, http_signature, messages, pairing, sse
from entente.exchange.round import Round
from entente.kinds import item
from entente.ledger import cosigner, forks, splits, witness
from entente.ledger.package import proof_to
from entente.node.agreements.epochs import history_offer
from entente.node.exchange.side import MemberSide
from entente.node.rooms import offers
from fuzz import forked, targets, work_seeds
from fuzz.engine import CORPUS
from network import Network
from stories.story import give, id_of, indicator, marked, raw, stix

if TYPE_CHECKING:
    from entente.core.ids import Member
    from entente.node import Node


class Scene:
    """Two members in one agreement that have exchanged a little, and a third message that is on its way."""

    def __init__(self) -> None:
        self.network = Network(77)
        self.harbour, self.northwind = self.network.add("Harbour"), self.network.add("Northwind")
        self.circle = self.network.agree(self.harbour, self.northwind)
        give(self.harbour, self.circle, *(indicator(number) for number in range(1, 4)))
        self.harbour.profile.set(brings=["lanterns"], seeks=["ropes"])
        self.network.settle()
        self.northwind.items.acknowledge([id_of(indicator(1))])
        self.harbour.agreements.propose([self.northwind.member], name="Second")
        give(self.harbour, self.circle, indicator(9), stix("campaign", 2, **marked("TLP:GREEN")))
        self.rounds = self._bodies(self.harbour, self.northwind.base.me)

    def _bodies(self, caller: Node, callee: Member) -> list[bytes]:
        round_ = Round(MemberSide(caller.base), callee)
        other = self.network.nodes[callee]
        with caller.base.store.write() as tx:
            message = round_.open(tx)
        found: list[bytes] = []
        for _ in range(4):
            found.append(messages.encode(message))
            reply = other.door.handle_exchange(caller.base.me, found[-1])
            message = caller.exchange.take(round_, messages.decode(reply))
        return found

    def acts(self) -> list[bytes]:
        """Return one payload of each kind of act."""
        found: dict[str, bytes] = {}
        for node in (self.harbour, self.northwind):
            with node.base.store.read() as tx:
                for row in tx.logs.all():
                    for each in tx.payloads.get(row.id, 0, row.size):
                        if each.kind not in {"item/1", "key/1", "key/2"}:
                            found[each.kind] = each.head + each.data
        return list(found.values())

    def package(self) -> bytes:
        """Return a package of Harbour's log of the circle."""
        from entente.ledger.package import pack

        with self.harbour.base.store.read() as tx:
            room = offers.load(tx).require(ids.unb32(self.circle, 32))
            row = tx.logs.get(room.origin(self.harbour.base.me))
            assert row is not None
            return msgspec.msgpack.encode(pack(tx, row, 0, row.signed, 100_000))

    def evidence(self) -> list[bytes]:
        """Return evidence of one size and of two."""
        base = self.harbour.base
        with base.store.read() as tx:
            keys = base.history(tx, base.me)
        seed, leaves = base.keys.secrets.seed("log"), [bytes([number]) * 32 for number in range(4)]
        signer = note.Signer(targets.ORIGIN, note.ED25519, seed)

        def head(size: int, root: bytes) -> bytes:
            return note.sign_checkpoint(note.Checkpoint(targets.ORIGIN, size, root), signer)

        one, other, large = head(3, b"\1" * 32), head(3, b"\2" * 32), head(4, merkle.root(leaves))
        steps = merkle.consistency_proof(3, 4, merkle.reader(leaves))
        found = (
            forks.find(keys, one, other),
            forks.find(keys, one, large, lambda _one, _two: (merkle.root(leaves[:3]), steps)),
        )
        return [forks.to_json(each) for each in found if each is not None]

    def split_view(self) -> bytes:
        """Return evidence that Northwind saw another root of Harbour's log."""
        base, other = self.harbour.base, self.northwind.base
        with base.store.read() as tx:
            author, saw = base.history(tx, base.me), base.history(tx, other.me)
            room = offers.load(tx).require(ids.unb32(self.circle, 32))
            row = tx.logs.get(room.origin(base.me))
            assert row is not None
            ours = (witness.root_at(tx, row, row.size - 1), proof_to(tx, row, row.size - 1, row.signed))
        signer = note.Signer(ids.witness_name(other.me), note.COSIGNATURE, other.keys.secrets.seed("witness"))
        line = note.cosign(note.Checkpoint(row.origin, row.size - 1, b"\x66" * 32), signer, targets.NOW)
        return splits.to_json(splits.make(author, saw, row.note, (row.size - 1, b"\x66" * 32, line), ours))

    def bundle(self) -> bytes:
        """Return a bundle of Harbour's messages, as it is before it is sealed."""
        base = self.harbour.base
        with base.store.read() as tx:
            keys = base.history(tx, base.me)
        manifest = bundle.BundleManifest(
            sender=base.me,
            reader=self.northwind.base.me,
            created=targets.NOW,
            nonce=b"\x66" * 16,
            answers=b"",
            unsure=False,
            keys=keys,
        )
        return b"".join(bundle.write(manifest, base.keys.secrets.seed("transport"), self.rounds[:2]))

    def change(self) -> tuple[bytes, bytes]:
        """Let Summit accede; return the text of the revision, and the history that Summit is offered."""
        summit = self.network.add("Summit")
        for node in (self.harbour, self.northwind):
            self.network.pair(node, summit)
        made = self.harbour.agreements.changes.accede("Agreement", summit.member)
        for node in (self.harbour, self.northwind):
            node.agreements.sign(made.amendment)
            self.network.settle()
        base = self.harbour.base
        with base.store.read() as tx:
            network = base.in_force(tx)
            founding = network.rooms.founding_of(network.rooms.require(ids.unb32(self.circle, 32)).agreement)
            assert founding is not None
            (told,) = history_offer(base, tx, network, founding)
            return network.rooms.revisions[founding.revision].text.written, told


def request(path: str, body: bytes) -> bytes:
    """Return the head of a signed request as the target reads it."""
    headers = http_signature.sign_request(
        "POST",
        path,
        "",
        body,
        sender=targets.MEMBER,
        receiver=targets.RECEIVER,
        seed=targets.SEED,
        created=targets.NOW,
        nonce=b"\x66" * 16,
    )
    return "\n".join(["POST", path, "", *(f"{name}: {value}" for name, value in headers.items())]).encode("latin-1")


def answer() -> bytes:
    """Return the header lines of a signed answer."""
    headers = http_signature.sign_answer(
        200,
        b"",
        request_signature=b"\x55" * 64,
        sender=targets.MEMBER,
        receiver=targets.RECEIVER,
        seed=targets.SEED,
        created=targets.NOW,
        nonce=b"\x66" * 16,
    )
    return "\n".join(f"{name}: {value}" for name, value in headers.items()).encode("latin-1")


def pairings() -> tuple[list[bytes], list[bytes]]:
    """Return the requests and the answer of a pairing."""
    joiner = pairing.Joiner(targets.CODE, targets.CARD, targets.entropy)
    inviter = pairing.Inviter(targets.CODE, b"another card", targets.entropy)
    first = joiner.first()
    reply = inviter.first(first)
    _, second = joiner.second(reply)
    return [json.dumps(each).encode() for each in (first, second)], [json.dumps(reply).encode()]


def trees() -> list[bytes]:
    """Return a consistency proof as the target reads it."""
    leaves = [bytes([number]) * 32 for number in range(7)]
    steps = merkle.consistency_proof(4, 7, merkle.reader(leaves))
    return [
        (4).to_bytes(8, "big")
        + (7).to_bytes(8, "big")
        + b"".join([merkle.root(leaves[:4]), merkle.root(leaves), *steps])
    ]


def statements() -> dict[str, list[bytes]]:
    """Return notes, checkpoints, lines and keys, signed with the key of the targets."""
    point = note.Checkpoint(targets.ORIGIN, 5, b"\x44" * 32)
    signer = note.Signer(targets.ORIGIN, note.ED25519, targets.SEED)
    witness = note.Signer(ids.witness_name(targets.MEMBER), note.COSIGNATURE, targets.SEED)
    head, line = note.sign_checkpoint(point, signer), note.cosign(point, witness, targets.NOW)
    leaf = entry.leaves(["item/1"], [targets.NOW * 1000], [b"\x77" * 16], [b"payload"])
    return {
        "note": [head, head + line.encode() + (b"" if line.endswith("\n") else b"\n")],
        "checkpoint": [point.body().encode()],
        "cosignature": [line.encode()],
        "vkey": [note.Verifier(targets.ORIGIN, note.ED25519, targets.public()).vkey().encode()],
        "entry": leaf,
        "submission": [cosigner.submission(3, [b"\x44" * 32] * 2, head), cosigner.submission(0, [], head)],
        "witness-answer": [line.encode()],
        "events": [sse.event("head", head) + sse.comment("still here")],
    }


PATTERNS = (
    "[ipv4-addr:value = '192.0.2.7']",
    "[file:hashes.'SHA-256' = 'aa' AND file:size > 3] FOLLOWEDBY [url:value LIKE 'http%'] WITHIN 600 SECONDS",
    "([domain-name:value IN ('a.example', 'b.example')] OR [process:name MATCHES '^x']) REPEATS 3 TIMES",
)
TYPED = ("abacus-zoom", targets.CODE, "TLP:AMBER+STRICT", "PAP:RED", "Harbour", b32(b"\x11" * 32))


def texts(scene: Scene) -> tuple[bytes, bytes]:
    """Return the founding text and a circle text of the scene's agreement."""
    with scene.harbour.base.store.read() as tx:
        room = offers.load(tx).require(ids.unb32(scene.circle, 32))
    return room.founding_text.encode(), room.text.encode()


def corpus() -> dict[str, list[bytes]]:
    """Return for each target its seeds."""
    scene = Scene()
    base = scene.harbour.base
    with base.store.read() as tx:
        history = base.history(tx, base.me)
    founding, circle = texts(scene)
    requests, replies = pairings()
    history_body = history.current.body()
    split, packed, (revision, past) = scene.split_view(), scene.bundle(), scene.change()
    objects = [raw(indicator(1)), raw(stix("campaign", 1, **marked("TLP:AMBER")))]
    file = (
        b'{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[' + b",".join(objects) + b"]}"
    )
    header = item.Header(Tlp.AMBER, scene.harbour.operator, "", "indicator").line()
    return {
        **statements(),
        "canon": [founding, canon.encode({"a": [1, "\u00e9", True], "b": {"c": -1}})],
        "package": [scene.package()],
        "body": scene.rounds,
        "message": [unpacked(each) for each in scene.rounds],
        "turn": [unpacked(each) for each in targets.scene().bodies()[:3]],
        "acts": scene.acts(),
        "card": [scene.harbour.partners.card()],
        "key": [history_body],
        "split-view": [split],
        "bundle": [packed],
        "revision": [revision],
        "past": [past],
        "agreement": [founding],
        "circle": [circle],
        "item": [header + objects[0]],
        "facts": objects,
        "file": [file, b"\n".join(objects)],
        "strict": [json.dumps(indicator(1)).encode(), json.dumps(stix("campaign", 1)).encode()],
        "pattern": [each.encode() for each in PATTERNS],
        "proof": [scene.harbour.ledger.proof(id_of(indicator(1)))],
        "evidence": scene.evidence(),
        "strays": [forked.scene().offer()],
        "request": [request("/entente/v1/exchange", b"body")],
        "answer": [answer()],
        "pairing": requests,
        "pairing-answer": replies,
        "merkle": trees(),
        "playbook": playbooks(),
        "warning": warnings(),
        **work_seeds.corpus(),
        "words": [" ".join(scene.harbour.words).encode(), *(each.encode() for each in TYPED)],
    }


def playbooks() -> list[bytes]:
    """Return a playbook with an undo, and one with branches."""
    from formats.test_cacao import UNDO, UNDO_END, action, extended
    from formats.test_cacao_graph import SWITCH, branched

    made = (extended(action(UNDO_END), limit=60, undo=UNDO), branched(SWITCH))
    return [json.dumps(each).encode() for each in made]


def warnings() -> list[bytes]:
    """Return a warning and an assessment."""
    from formats.test_stix_work import EVERYTHING

    return [EVERYTHING["warning"][0], EVERYTHING["assessment"][0]]


def unpacked(body: bytes) -> bytes:
    """Return what a message inflates to."""
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return bytes(reader.read())


def main() -> None:
    """Write the corpus."""
    for name, seeds in corpus().items():
        folder = CORPUS / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(seeds, 1):
            (folder / f"seed-{number}").write_bytes(data)


if __name__ == "__main__":
    main()
