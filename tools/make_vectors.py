#!/usr/bin/env python3
"""Write the vectors of `docs/protocol/vectors/`: every run makes the same bytes, each case says what is expected."""

from __future__ import annotations

import argparse
import json
import sys
from base64 import b64decode
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from entente.core import canon, entry, ids, keys, merkle, note
from entente.ledger import forks, history, proof
from entente.ledger.document import listed, to_b64

PLACE = Path(__file__).resolve().parent.parent / "docs" / "protocol" / "vectors"
START = 1_790_000_000_000  # milliseconds, the claimed time of the first entry
SIZE = 7  # entries in the log of the proofs

Case: TypeAlias = dict[str, object]


def chance(name: str, size: int = 32) -> bytes:
    """Give bytes that look random and are the same in every run."""
    return sha256(b"entente/vectors/" + name.encode()).digest()[:size]


@dataclass(frozen=True)
class Person:
    """A member of the vectors, with all its private keys."""

    name: str
    records: int = 1
    signs: str = "log"
    sealed: int = 0  # the first entry of its key history with a sealing key
    renewed: int = 99  # the entry of its key history that changes all keys
    lost: bool = False  # ... without a word of the old key

    def seed(self, use: str) -> bytes:
        """Give the private seed of one of the member's keys."""
        return chance(f"{self.name}/{use}")

    @property
    def member(self) -> ids.Member:
        """The member's id."""
        return ids.member_id(keys.public_of(self.seed("log")))

    def at(self, use: str, number: int) -> str:
        """Name the key that stands in entry `number` for a use."""
        if number < self.renewed:
            return use
        return {"log": "next", "next": "last"}.get(use, f"{use} anew")

    def record(self, number: int) -> history.KeyRecord:
        """Give the payload of entry `number` of the key history."""
        record = self.plain(number)
        if number != self.renewed or self.lost:
            return record
        return record.handed_over(self.member, self.seed("log"))

    def plain(self, number: int) -> history.KeyRecord:
        """Give entry `number` of the key history without a handover."""
        uses = ("log", "witness", "store", "transport")
        publics = {use: keys.public_of(self.seed(self.at(use, number))) for use in uses}
        return history.KeyRecord(
            **publics,
            next=sha256(keys.public_of(self.seed(self.at("next", number)))).digest(),
            tls=chance(f"{self.name}/certificate/{number}") if number else b"",
            name=self.name,
            url=f"https://{self.seed('host').hex()[:8]}.example:{8443 + number}",
            seal=keys.sealing_public_of(self.seed(self.at("seal", number))) if number >= self.sealed else b"",
        )

    def parts(self) -> list[history.Part]:
        """Give the entries of the key history."""
        return [
            (record.kind, START + at, chance(f"{self.name}/salt/{at}", 16), record.body())
            for at, record in enumerate(map(self.record, range(self.records)))
        ]

    def signed(self, origin: str, leaves: list[bytes]) -> bytes:
        """Sign a head of one of the member's logs."""
        root = merkle.root(merkle.leaf_hashes(leaves))
        return self.head(origin, len(leaves), root)

    def head(self, origin: str, size: int, root: bytes) -> bytes:
        """Sign any head."""
        signer = note.Signer(origin, note.ED25519, self.seed(self.at(self.signs, self.records - 1)))
        return note.sign_checkpoint(note.Checkpoint(origin, size, root), signer)

    def any_note(self, origin: str, text: str) -> str:
        """Sign any text, also one that is no checkpoint."""
        verifier = note.Signer(origin, note.ED25519, self.seed("log")).verifier
        signature = keys.sign(self.seed("log"), text.encode())
        return f"{text}\n— {origin} {to_b64(verifier.key_id + signature)}\n"

    def cosignature(self, use: str, checkpoint: note.Checkpoint, time: int, *, seed: str = "") -> str:
        """Cosign a head as `witness` or `store`."""
        name = ids.witness_name(self.member) if use == "witness" else ids.store_name(self.member)
        return note.cosign(checkpoint, note.Signer(name, note.COSIGNATURE, self.seed(seed or use)), time)

    def keys(self) -> history.KeyHistory:
        """Give the key history, signed and verified."""
        parts = self.parts()
        return history.check_history(None, self.signed(ids.keys_origin(self.member), leaves_of(parts)), parts)


NORTH = Person("CERT North", records=2, sealed=1)
SOUTH = Person("CERT Süd")
EAST = Person("Sector ISAC East")
WEST = Person("CERT West", records=4, renewed=2)
LOST = Person("CERT Lost", records=3, renewed=1, lost=True)


def leaves_of(parts: list[history.Part]) -> list[bytes]:
    """Build the leaves of entries."""
    return [entry.leaves([kind], [time], [salt], [payload])[0] for kind, time, salt, payload in parts]


def circle_text() -> dict[str, object]:
    """Give the text of the circle in the vectors."""
    members = sorted(ids.b32(person.member) for person in (NORTH, SOUTH, EAST))
    secret = ids.b32(chance("circle"))
    return {"v": 1, "name": "All", "members": members, "ceiling": "TLP:AMBER", "secret": secret}


def founding_text() -> dict[str, object]:
    """Give the founding text of the agreement in the vectors."""
    circle = circle_text()
    terms = {
        "kinds": ["acknowledgement/1", "item/1"],
        "purposes": ["detection", "investigation", "warning"],
        "onward": "refused",
        "retention_days": 0,
        "four_eyes": False,
        "quorum": 0,
        "limits": {"payload": 2 << 20, "entries_day": 5_000_000, "bytes_day": 20 << 30},
        "text": "",
    }
    nonce = ids.b32(chance("nonce"))
    return {"v": 1, "name": "Vectors", "members": circle["members"], "nonce": nonce, "terms": terms, "circle": circle}


def log_origin(person: Person, epoch: int = 1) -> str:
    """Give the origin of a member's log in the circle."""
    agreement = ids.agreement_id(canon.encode(founding_text()))
    circle = ids.circle_id(agreement, canon.encode(circle_text()))
    return ids.origin(person.member, circle, epoch, chance("circle"))


def items(count: int, version: str = "") -> list[history.Part]:
    """Give `item/1` entries; another `version` gives others from the fourth on."""
    result: list[history.Part] = []
    for at in range(count):
        name = f"item/{at}{version if at > 2 else ''}"  # noqa: PLR2004  # where the histories part
        header = {
            "marking": "TLP:GREEN",
            "person": ids.b32(chance("person", 16)),
            "purpose": "detection",
            "type": "note",
        }
        thing = json.dumps(
            {"type": "note", "id": f"note--{name}", "content": "Gefälschte Rechnungen"}, ensure_ascii=False
        )
        payload = canon.encode(header) + b"\n" + thing.encode()
        result.append(("item/1", START + 1000 * at, chance(name, 16), payload))
    return result


def case(expect: str, why: str, **values: object) -> Case:
    """Make one case."""
    return {"expect": expect, "why": why, **values}


# --- values ---------------------------------------------------------------------------------------------------------


def id_cases() -> list[Case]:
    """Ids, origins, words and base32."""
    agreement = ids.agreement_id(canon.encode(founding_text()))
    result = [
        case(
            "valid",
            "a member",
            log=person.record(0).log.hex(),
            id=ids.b32(person.member),
            words=" ".join(ids.words(person.member)),
            identity=ids.identity_id(person.member),
            keys_origin=ids.keys_origin(person.member),
            circle_origin=log_origin(person),
            second_epoch=log_origin(person, 2),
        )
        for person in (NORTH, SOUTH, EAST)
    ]
    texts = {"founding": canon.encode(founding_text()).decode(), "circle_text": canon.encode(circle_text()).decode()}
    circle = ids.circle_id(agreement, canon.encode(circle_text()))
    result.append(case("valid", "an agreement and its circle", id=ids.b32(agreement), circle=ids.b32(circle), **texts))
    good = ids.b32(chance("b32"))
    spelt = {"its only spelling": good, "upper case": good.upper(), "padding": good + "====", "too short": good[:-1]}
    spelt["a trailing bit is set"] = good[:-1] + ("b" if good[-1] == "a" else "r")
    spelt["a digit that base32 has not"] = "0" + good[1:]
    result += [case("valid" if text == good else "invalid", why, b32=text) for why, text in spelt.items()]
    return result


def canonical_cases() -> list[Case]:
    """Canonical JSON: one spelling."""
    deepest = '{"a":' + "[" * 31 + "]" * 31 + "}"
    good = {
        "empty": "{}",
        "all sorts": '{"a":[true,false,"",-1],"b":{"c":9007199254740991}}',
        "escapes": '{"a":"\\u0000\\b\\t\\n\\f\\r\\"\\\\/\x7fü—𝄞"}',
        "deepest": deepest,
        "keys in the order of their code units": '{"A":1,"a":2,"aa":3}',
    }
    bad = {
        "no object": "[]",
        "null": '{"a":null}',
        "a fraction": '{"a":1.5}',
        "an exponent": '{"a":1e2}',
        "minus zero": '{"a":-0}',
        "too large": '{"a":9007199254740992}',
        "too deep": '{"a":' + "[" * 32 + "]" * 32 + "}",
        "a space": '{"a": 1}',
        "order": '{"b":1,"a":2}',
        "a key twice": '{"a":1,"a":1}',
        "a key that is not ASCII": '{"ä":1}',
        "an escape too many": '{"a":"\\u0041"}',
        "a slash escaped": '{"a":"\\/"}',
        "an escape in capitals": '{"a":"\\u000B"}',
        "half a surrogate pair": '{"a":"\\ud800"}',
        "a line feed at the end": "{}\n",
        "a byte order mark": "\ufeff{}",
        "not a number": '{"a":NaN}',
        "nothing": "",
    }
    result = [case("valid", why, text=text) for why, text in good.items()]
    result += [case("invalid", why, text=text) for why, text in bad.items()]
    return result


def leaf_cases() -> list[Case]:
    """Leaves, and the commitment in them."""
    (kind, time, salt, payload) = items(1)[0]
    leaf = leaves_of(items(1))[0].decode()
    made = entry.parse(leaf.encode())
    parts = {"salt": salt.hex(), "payload": payload.decode(), "kind": kind, "time": time}
    hashes = {"commitment": made.commitment.hex(), "leaf_hash": merkle.leaf_hash(leaf.encode()).hex()}
    text = leaf[6:49]
    bad = {
        "another order": leaf.replace('"v":1', "").replace("{", '{"v":1,').replace(",}", "}"),
        "a space": leaf.replace('"k":', '"k": '),
        "padding": leaf.replace(text, text + "="),
        "a trailing bit is set": leaf.replace(text, text[:-1] + {"A": "B"}.get(text[-1], chr(ord(text[-1]) + 1))),
        "the other alphabet": leaf.replace(text, "+" + text[1:]),
        "a size with a leading zero": leaf.replace('"s":', '"s":0'),
        "a size of 2^31": leaf.replace(f'"s":{made.size}', '"s":2147483648'),
        "a negative time": leaf.replace('"t":', '"t":-'),
        "a time above 2^53-1": leaf.replace(str(time), "9007199254740992"),
        "another version": leaf.replace('"v":1', '"v":2'),
        "a kind without version": leaf.replace("item/1", "item"),
        "version 0 of a kind": leaf.replace("item/1", "item/0"),
        "a kind in capitals": leaf.replace("item/1", "Item/1"),
        "a field more": leaf.replace('"v":1', '"v":1,"w":1'),
        "a line feed at the end": leaf + "\n",
    }
    result = [case("valid", "an item", leaf=leaf, **parts, **hashes)]
    result += [case("invalid", why, leaf=text) for why, text in bad.items()]
    return result


def checkpoint_cases() -> list[Case]:
    """Checkpoints with cosignatures, byte for byte, and notes that are none."""
    origin, parts = log_origin(NORTH), items(SIZE)
    signed = NORTH.signed(origin, leaves_of(parts)).decode()
    head = note.Checkpoint.parse(note.Note.parse(signed.encode()).text)
    lines = {use: SOUTH.cosignature(use, head, 1_790_000_100) for use in ("witness", "store")}
    who = {"log": NORTH.record(0).log.hex(), "origin": origin, "size": SIZE, "root": head.root.hex()}
    cosigner = {use: getattr(SOUTH.record(0), use).hex() for use in ("witness", "store")}
    bad = {
        "a flipped root": signed.replace("\n7\n", "\n7\nA", 1),
        "another size": signed.replace("\n7\n", "\n8\n", 1),
        "a size with a leading zero": signed.replace("\n7\n", "\n07\n", 1),
        "an extension line": signed.replace("\n\n", "\nmore\n\n", 1),
        "no last line feed": signed[:-1],
        "a hyphen for the dash": signed.replace("—", "-"),
        "carriage returns": signed.replace("\n", "\r\n"),
        "two spaces": signed.replace("— ", "—  "),
        "another log's name on the line": signed.replace(f"— {origin}", f"— {log_origin(SOUTH)}"),
        "no signature": signed.partition("\n\n")[0] + "\n\n",
    }
    body = head.body()
    signed_well = {
        "a size with a leading zero, signed": body.replace("\n7\n", "\n07\n"),
        "a size of 2^63, signed": body.replace("\n7\n", "\n9223372036854775808\n"),
        "a negative size, signed": body.replace("\n7\n", "\n-7\n"),
        "an extension line, signed": body + "more\n",
        "a control character, signed": body + "\x01\n",
        "a root without padding, signed": body.replace("=\n", "\n"),
        "a root of 31 bytes, signed": f"{origin}\n7\n{to_b64(head.root[:31])}\n",
        "too large, signed": body + "x" * note.MAX_NOTE + "\n",
    }
    bad |= {why: NORTH.any_note(origin, text) for why, text in signed_well.items()}
    bad["65 signature lines"] = signed + "— somebody.example AAAAAAAA\n" * note.MAX_SIGNATURES
    unknown = signed + "— somebody.example AAAAAAAA\n"
    result = [
        case("valid", "signed by its log", note=signed, **who),
        case("valid", "with two cosignatures", note=signed + "".join(lines.values()), **who, cosigner=cosigner),
        case("valid", "with the line of an unknown key", note=unknown, **who),
    ]
    result += [case("invalid", why, note=text, **who) for why, text in bad.items()]
    return result


def history_cases() -> list[Case]:
    """Key histories as they stand in files."""
    good = NORTH.keys().document()
    whole = json.dumps(good)

    def remade(**changes: object) -> dict[str, object]:
        """Sign a history again whose last record is changed."""
        parts = NORTH.parts()
        last = {**canon.decode(parts[-1][3]), **changes}
        parts[-1] = (*parts[-1][:3], canon.encode({key: each for key, each in last.items() if each is not None}))
        return written(NORTH, parts)

    south = ids.b32(SOUTH.record(0).log)
    other = Person(NORTH.name, records=2, signs="witness")
    bad: dict[str, dict[str, object]] = {
        "an entry is missing": {**good, "entries": listed(good["entries"], "entries")[:-1]},
        "signed by another key": written(other, NORTH.parts()),
        "the note of another member": {**good, "note": SOUTH.keys().document()["note"]},
        "an entry of another kind": written(NORTH, [NORTH.parts()[0], ("item/1", *NORTH.parts()[1][1:])]),
        "another log key": remade(log=south),
        "another next key": remade(next=south),
        "the witness key becomes the store key": remade(witness=ids.b32(NORTH.record(0).store)),
        "a field less": remade(url=None),
        "a field more": remade(more="1"),
        "a name that reads as an id": remade(name="a" * 26),
        "a name that turns the text": remade(name="CERT \u202eNorth"),
        "a name with a line feed": remade(name="CERT\nNorth"),
        "a name that ends with a space": remade(name="CERT North "),
        "an empty name": remade(name=""),
        "a name of 81 characters": remade(name="x y" * 27),
        "a url with a space": remade(url="https://a b"),
        "a next key's hash in capitals": written(NORTH, shouted()),
        "the origin of another log": {
            **good,
            "note": NORTH.signed(log_origin(NORTH), leaves_of(NORTH.parts())).decode(),
        },
        "a salt of 17 bytes": salted(),
        "a pin in capitals": remade(tls=south.upper()),
        "a weak key": written(NORTH, weak()),
        "one key for two uses": written(NORTH, doubled()),
        "a line of somebody else": {**good, "note": f"{good['note']}— somebody.example AAAAAAAA\n"},
        "a field more in the file": {**good, "more": 1},
    }
    result = [case("valid", "two records", member=ids.b32(NORTH.member), history=json.loads(whole))]
    result.append(case("valid", "one record", member=ids.b32(SOUTH.member), history=SOUTH.keys().document()))
    result.append(case("valid", "all keys changed", member=ids.b32(WEST.member), history=WEST.keys().document()))
    lost = case("valid", "a key lost", member=ids.b32(LOST.member), history=LOST.keys().document(), successions=[1])
    result.append(lost)
    bad |= bad_rotations()
    result += [case("invalid", why, history=document) for why, document in bad.items()]
    return result


def bad_rotations() -> dict[str, dict[str, object]]:
    """Give histories with a change of keys that no reader takes, each for one reason."""
    first, last = WEST.record(1), WEST.record(2)
    low = canon.decode(SOUTH.record(0).body()) | {"seal": ids.b32(b"\1" + bytes(31))}
    high = canon.decode(SOUTH.record(0).body()) | {"seal": ids.b32(b"\xff" * 31 + b"\x7f")}

    def changed(record: history.KeyRecord | None = None, **fields: object) -> dict[str, object]:
        """Put another record in the place of the rotation, handed over anew."""
        record = record or structs.replace(WEST.plain(2), **fields).handed_over(WEST.member, WEST.seed("log"))
        parts = WEST.parts()
        parts[2] = (record.kind, *parts[2][1:3], record.body())
        return written(WEST, parts)

    foreign = last.handed_over(SOUTH.member, WEST.seed("log"))
    back = structs.replace(WEST.record(3), witness=WEST.record(0).witness)
    return {
        "a log key that was not committed to": changed(log=keys.public_of(chance("stranger"))),
        "a rotation that commits to no new key": changed(next=first.next),
        "a handover by another key": changed(last.handed_over(WEST.member, WEST.seed("witness"))),
        "a handover of another member": changed(foreign),
        "a handover of another entry": changed(structs.replace(last, name="CERT Best")),
        "a handover that hands over nothing": changed(first.handed_over(WEST.member, WEST.seed("log"))),
        "a handover at the beginning": written(SOUTH, [(*SOUTH.parts()[0][:3], handed().body())]),
        "a sealing key that is gone": changed(structs.replace(first, seal=b"")),
        "a next key without its rotation": changed(structs.replace(first, next=last.next)),
        "a key that was retired": written(WEST, [*WEST.parts()[:3], (*WEST.parts()[3][:3], back.body())]),
        "signed by the retired key": written(replace(WEST, renewed=99), WEST.parts()),
        "a sealing key of small order": written(SOUTH, [(*SOUTH.parts()[0][:3], canon.encode(low))]),
        "a sealing key above the field": written(SOUTH, [(*SOUTH.parts()[0][:3], canon.encode(high))]),
    }


def handed() -> history.KeyRecord:
    """Give a first record that takes over from itself."""
    return SOUTH.record(0).handed_over(SOUTH.member, SOUTH.seed("log"))


def written(person: Person, parts: list[history.Part]) -> dict[str, object]:
    """Write any entries as a key history, also those that no reader takes."""
    rows = [{"k": kind, "t": time, "salt": to_b64(salt), "payload": to_b64(body)} for kind, time, salt, body in parts]
    return {"note": person.signed(ids.keys_origin(person.member), leaves_of(parts)).decode(), "entries": rows}


def salted() -> dict[str, object]:
    """Give a history whose entry is committed to with a salt of 17 bytes."""
    kind, time, _, payload = NORTH.parts()[0]
    salt = bytes(17)
    commitment = sha256(b"entente/commit/v1\0" + salt + payload).digest()
    leaf = entry.Entry(kind, time, len(payload), commitment).leaf()
    rows = [{"k": kind, "t": time, "salt": to_b64(salt), "payload": to_b64(payload)}]
    return {"note": NORTH.signed(ids.keys_origin(NORTH.member), [leaf]).decode(), "entries": rows}


def weak() -> list[history.Part]:
    """Give a history whose transport key is a point of low order."""
    part = NORTH.parts()[0]
    body = {**canon.decode(part[3]), "transport": ids.b32(b"\1" + bytes(31))}
    return [(*part[:3], canon.encode(body))]


def shouted() -> list[history.Part]:
    """Give a history whose hash of the next key is spelt in capitals."""
    part = NORTH.parts()[0]
    body = canon.decode(part[3])
    return [(*part[:3], canon.encode({**body, "next": str(body["next"]).upper()}))]


def doubled() -> list[history.Part]:
    """Give a history in which the store key is the witness key."""
    part = NORTH.parts()[0]
    body = canon.decode(part[3])
    return [(*part[:3], canon.encode({**body, "store": body["witness"]}))]


# --- files ----------------------------------------------------------------------------------------------------------


def item_proof(index: int = 4) -> bytes:
    """Make the proof file that the others are spoilt copies of."""
    parts, origin = items(SIZE), log_origin(NORTH)
    hashes = merkle.leaf_hashes(leaves_of(parts))
    signed = NORTH.signed(origin, leaves_of(parts))
    head = note.Checkpoint(origin, SIZE, merkle.root(hashes))
    lines = [
        SOUTH.cosignature("witness", head, 1_790_000_100),
        SOUTH.cosignature("store", head, 1_790_000_101),
        EAST.cosignature("witness", head, 1_790_000_102),
    ]
    return proof.write_proof(
        index=index,
        part=parts[index],
        hashes=merkle.inclusion_proof(index, SIZE, merkle.reader(hashes)),
        checkpoint=signed,
        author=NORTH.keys(),
        cosigners=(SOUTH.keys(), EAST.keys()),
        cosignatures=lines,
    )


def retired_proof(*uses: str) -> bytes:
    """Make the proof of an item under a log key that was retired later, with a colleague's statements of these uses."""
    before, parts, origin = replace(WEST, renewed=99), items(SIZE), log_origin(WEST)
    head = note.Checkpoint(origin, SIZE, merkle.root(merkle.leaf_hashes(leaves_of(parts))))
    lines = [SOUTH.cosignature(use, head, 1_790_000_100) for use in uses]
    spoilt = Spoilt.of(item_proof())
    spoilt.extra["member"] = ids.b32(WEST.member)
    spoilt.extra["keys"] = keys_of(WEST, *([SOUTH] if uses else []))
    spoilt.note = [
        *before.signed(origin, leaves_of(parts)).decode().split("\n")[:-1],
        *(each[:-1] for each in lines),
        "",
    ]
    return spoilt.proof()


def key_proof() -> bytes:
    """Make the proof file of an entry in a key history, which nobody has cosigned."""
    own, parts = NORTH.keys(), NORTH.parts()
    hashes = merkle.leaf_hashes(leaves_of(parts))
    path = merkle.inclusion_proof(1, len(parts), merkle.reader(hashes))
    return proof.write_proof(index=1, part=parts[1], hashes=path, checkpoint=own.note, author=own)


@dataclass
class Spoilt:
    """A proof file taken apart, to be put together in another way."""

    extra: dict[str, object]
    lines: list[str]  # index and hashes
    note: list[str]

    @classmethod
    def of(cls, data: bytes) -> Spoilt:
        """Take a proof file apart."""
        head, _, tail = data.decode().partition("\n\n")
        rows = head.split("\n")
        return cls(json.loads(b64decode(rows[1][6:])), rows[2:], tail.split("\n"))

    def proof(self) -> bytes:
        """Put the file together."""
        extra = json.dumps(self.extra, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        return "\n".join([proof.HEADER, f"extra {to_b64(extra)}", *self.lines, "", *self.note]).encode()


def keys_of(*people: Person) -> dict[str, object]:
    """Give the `keys` of a file."""
    return {ids.b32(person.member): person.keys().document() for person in people}


def bad_extras() -> dict[str, bytes]:
    """Make proofs whose extra data are not those of the entry, the author or the cosigners."""
    south, east = ids.b32(SOUTH.member), ids.b32(EAST.member)
    swapped = {**keys_of(NORTH), south: EAST.keys().document(), east: SOUTH.keys().document()}
    changes: dict[str, dict[str, object]] = {
        "other-payload": {"payload": to_b64(items(SIZE)[3][3])},
        "other-salt": {"salt": to_b64(bytes(16))},
        "other-leaf": {"leaf": to_b64(leaves_of(items(SIZE))[3])},
        "other-author": {"member": south},
        "version-2": {"entente-proof": 2},
        "version-true": {"entente-proof": True},
        "field-more": {"more": 1},
        "keys-missing": {"keys": keys_of(NORTH, SOUTH)},
        "keys-swapped": {"keys": swapped},
        "author-keys-missing": {"keys": keys_of(SOUTH, EAST)},
    }
    result: dict[str, bytes] = {}
    for name, change in changes.items():
        spoilt = Spoilt.of(item_proof())
        spoilt.extra.update(change)
        result[name] = spoilt.proof()
    named = Spoilt.of(item_proof())
    named.extra |= {"member": south, "keys": {south: NORTH.keys().document()}}
    named.note = [*named.note[:5], ""]
    return {**result, "author-keys-of-another": named.proof()}


def bad_paths() -> dict[str, bytes]:
    """Make proofs whose index or inclusion proof leads elsewhere."""
    index, *hashes = Spoilt.of(item_proof()).lines
    changes = {
        "index-other": ["index 3", *hashes],
        "index-zero": ["index 04", *hashes],
        "index-beyond": ["index 7", *hashes],
        "hash-dropped": [index, *hashes[1:]],
        "hash-more": [index, *hashes, to_b64(bytes(32))],
        "hashes-swapped": [index, *reversed(hashes)],
    }
    result: dict[str, bytes] = {}
    for name, lines in changes.items():
        spoilt = Spoilt.of(item_proof())
        spoilt.lines = lines
        result[name] = spoilt.proof()
    return result


def bad_lines() -> dict[str, bytes]:
    """Make proofs under whose checkpoint stand lines that do not hold or that the file does not explain."""
    good = Spoilt.of(item_proof())
    own = good.note[4]
    head = note.Checkpoint.parse("\n".join([*good.note[:3], ""]))
    other = note.Checkpoint(head.origin, 6, head.root)
    south, east = ids.b32(SOUTH.member), ids.b32(EAST.member)
    told, again = (SOUTH.cosignature("witness", head, time) for time in (1_790_000_100, 1_790_000_200))
    changes = {
        "checkpoint-unsigned": (told,),
        "keys-unused": (own,),
        "cosigner-renamed": (own, told.replace(south, east)),
        "cosigned-twice": (own, told, again),
        "cosigned-as-the-other": (own, SOUTH.cosignature("store", head, 1, seed="witness")),
        "cosigned-by-author": (own, told, NORTH.cosignature("witness", head, 1)),
        "cosigned-another-size": (own, SOUTH.cosignature("witness", other, 1)),
        "cosigned-too-late": (own, late(head)),
        "line-unknown": (own, told, "— somebody.example AAAAAAAA"),
        "signed-twice": (own, own, told),
    }
    result: dict[str, bytes] = {}
    for name, lines in changes.items():
        spoilt = Spoilt.of(item_proof())
        spoilt.note = [*spoilt.note[:4], *(line.rstrip("\n") for line in lines), ""]
        spoilt.extra["keys"] = keys_of(NORTH, EAST if name == "cosigner-renamed" else SOUTH)
        result[name] = spoilt.proof()
    return result


def bad_proofs() -> dict[str, bytes]:
    """Make files that prove nothing, each for one reason."""
    good = item_proof()
    return {
        **bad_extras(),
        **bad_paths(),
        **bad_lines(),
        "other-log": wrong_log(),
        "foreign-log": foreign_log("example.com/log"),
        "foreign-log-of-ours": foreign_log("entente/v1/log"),
        "header-version-2": good.replace(b"@v1", b"@v2", 1),
        "line-feed-more": good + b"\n",
        "line-feed-less": good[:-1],
        "carriage-returns": good.replace(b"\n", b"\r\n"),
        "extra-spelt-otherwise": loose(good),
        "retired-key-alone": retired_proof(),
        "retired-key-only-stored": retired_proof("store"),
    }


def late(head: note.Checkpoint) -> str:
    """Cosign with a time of 2^63."""
    name, time = ids.witness_name(SOUTH.member), 2**63
    signature = keys.sign(SOUTH.seed("witness"), f"cosignature/v1\ntime {time}\n{head.body()}".encode())
    verifier = note.Signer(name, note.COSIGNATURE, SOUTH.seed("witness")).verifier
    return note.Signature(name, verifier.key_id, time.to_bytes(8, "big") + signature).line()


def foreign_log(origin: str) -> bytes:
    """Make the proof of an item in a log that is none of this protocol."""
    spoilt = Spoilt.of(item_proof())
    spoilt.extra["keys"] = {ids.b32(NORTH.member): NORTH.keys().document()}
    spoilt.note = NORTH.signed(origin, leaves_of(items(SIZE))).decode().split("\n")
    return spoilt.proof()


def wrong_log() -> bytes:
    """Make the proof of an item that stands in a key history's place."""
    parts = items(2)
    signed = NORTH.signed(ids.keys_origin(NORTH.member), leaves_of(parts))
    spoilt = Spoilt.of(key_proof())
    kind, time, salt, payload = parts[1]
    leaf = entry.leaves([kind], [time], [salt], [payload])[0]
    spoilt.extra.update(leaf=to_b64(leaf), salt=to_b64(salt), payload=to_b64(payload))
    spoilt.lines = ["index 1", to_b64(merkle.leaf_hash(leaves_of(parts)[0]))]
    spoilt.note = signed.decode().split("\n")
    return spoilt.proof()


def loose(good: bytes) -> bytes:
    """Spell the extra data of a proof with spaces."""
    rows = good.decode().split("\n")
    rows[1] = "extra " + to_b64(json.dumps(Spoilt.of(good).extra).encode())
    return "\n".join(rows).encode()


def fork(first: int, second: int, at: int = 0, *, person: Person = NORTH) -> forks.Evidence:
    """Make evidence: the histories part at the fourth entry; `at` is the size at which they are compared."""
    origin, at = log_origin(person), at or first
    trees = [leaves_of(items(first)), leaves_of(items(second, "b"))]
    hashes = [merkle.leaf_hashes(leaves) for leaves in trees]
    notes = [person.signed(origin, leaves) for leaves in trees]
    roots = [merkle.root(each[:at]) for each in hashes]
    proofs = [tuple(merkle.consistency_proof(at, len(each), merkle.reader(each))) for each in hashes]
    return forks.Evidence(
        keys=person.keys(),
        size=at,
        first=notes[0],
        second=notes[1],
        roots=(roots[0], roots[1]),
        proofs=(proofs[0], proofs[1]),
    )


def bad_evidence() -> dict[str, bytes]:
    """Make files that show no fork, each for one reason."""
    good, same = json.loads(forks.to_json(fork(5, SIZE))), json.loads(forks.to_json(fork(5, 5)))
    origin, honest = log_origin(NORTH), leaves_of(items(SIZE, "b"))
    before = NORTH.signed(origin, honest[:5]).decode()
    elsewhere = NORTH.signed(log_origin(NORTH, 2), leaves_of(items(5))).decode()
    empty = NORTH.head(origin, 0, chance("root")).decode()
    power = json.loads(forks.to_json(fork(4, SIZE)))
    early = json.loads(forks.to_json(fork(5, SIZE, 4)))
    path = good["proofs"][1]
    agreed = fork(5, SIZE, 3)
    common = {
        "roots": [to_b64(each) for each in agreed.roots],
        "proofs": [[to_b64(step) for step in proof] for proof in agreed.proofs],
    }

    def foreign(which: str) -> str:
        return NORTH.head("example.com/log", 5, chance(which)).decode()

    changed: dict[str, dict[str, object]] = {
        "honest-growth": {**good, "first": before},
        "same-note-twice": {**same, "second": same["first"]},
        "other-order": {**good, "first": good["second"], "second": good["first"]},
        "other-member": {**good, "member": ids.b32(SOUTH.member)},
        "other-keys": {**good, "member": ids.b32(SOUTH.member), "keys": SOUTH.keys().document()},
        "two-logs": {**good, "first": elsewhere},
        "two-members": {**same, "second": SOUTH.signed(origin, honest[:5]).decode()},
        "no-proof": {**good, "proofs": [[], []]},
        "proof-broken": {**good, "proofs": [[], [*path[:-1], to_b64(bytes(32))]]},
        "proof-too-long": {**good, "proofs": [[], [*path, to_b64(bytes(32))]]},
        "proofs-swapped": {**good, "proofs": [path, []]},
        "one-proof": {**good, "proofs": [path]},
        "other-root": {**good, "roots": [good["roots"][0], to_b64(bytes(32))]},
        "other-first-root": {**good, "roots": [to_b64(bytes(32)), good["roots"][1]]},
        "one-root": {**good, "roots": good["roots"][:1]},
        "roots-agree": {**early, "size": 3, **common},
        "size-above": {**good, "size": 6},
        "size-below": {**good, "size": 4},
        "size-no-number": {**good, "size": "5"},
        "size-zero": {**same, "first": empty},
        "both-size-zero": {**same, "first": empty, "second": NORTH.head(origin, 0, chance("other")).decode()},
        "proof-empty-from-power-of-two": {**power, "proofs": [[], []]},
        "foreign-log": {**same, **{name: foreign(name) for name in ("first", "second")}},
        "hash-of-31-bytes": {**good, "proofs": [[], [*path[:-1], to_b64(bytes(31))]]},
        "line-more": {**good, "first": f"{good['first']}— somebody.example AAAAAAAA\n"},
        "version-1": {**good, "entente-evidence": 1},
        "field-more": {**good, "more": 1},
    }
    result = {name: canon.encode(document) for name, document in changed.items()}
    return {**result, "spelt-otherwise": json.dumps(good).encode(), "line-feed-more": canon.encode(good) + b"\n"}


def files() -> dict[str, tuple[str, bytes]]:
    """Make every file that `tools/verify.py` reads, with what it must say of it."""
    result = {
        "proof-item.tlog-proof": ("valid", item_proof()),
        "proof-first-item.tlog-proof": ("valid", item_proof(0)),
        "proof-key.tlog-proof": ("valid", key_proof()),
        "proof-retired-key.tlog-proof": ("valid", retired_proof("store", "witness")),
        "evidence-one-size.json": ("valid", forks.to_json(fork(5, 5))),
        "evidence-two-sizes.json": ("valid", forks.to_json(fork(5, SIZE))),
        "evidence-from-power-of-two.json": ("valid", forks.to_json(fork(4, SIZE))),
        "evidence-at-an-earlier-size.json": ("valid", forks.to_json(fork(6, SIZE, 5))),
        "evidence-of-one-size-earlier.json": ("valid", forks.to_json(fork(6, 6, 4))),
    }
    result |= {f"bad-proof-{name}.tlog-proof": ("invalid", data) for name, data in bad_proofs().items()}
    result |= {f"bad-evidence-{name}.json": ("invalid", data) for name, data in bad_evidence().items()}
    return result


def make() -> dict[str, bytes]:
    """Make every vector: the path below `vectors/`, and its bytes."""
    tables = {
        "ids": id_cases(),
        "canonical": canonical_cases(),
        "leaves": leaf_cases(),
        "checkpoints": checkpoint_cases(),
        "histories": history_cases(),
        "files": [case(expect, name.partition(".")[0], file=f"files/{name}") for name, (expect, _) in files().items()],
    }
    result = {
        f"{name}.json": (json.dumps(cases, ensure_ascii=False, indent=1) + "\n").encode()
        for name, cases in tables.items()
    }
    return {**result, **{f"files/{name}": data for name, (_, data) in files().items()}}


def main() -> int:
    """Write the vectors, or with `--check` say which differ."""
    parser = argparse.ArgumentParser(prog="make_vectors.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    check = parser.parse_args().check
    made = make()
    differ = [
        name for name, data in made.items() if not (PLACE / name).is_file() or (PLACE / name).read_bytes() != data
    ]
    for name in differ:
        print(f"differs: {name}" if check else f"writes {name}")
        if not check:
            (PLACE / name).parent.mkdir(parents=True, exist_ok=True)
            (PLACE / name).write_bytes(made[name])
    return 1 if check and differ else 0


if __name__ == "__main__":
    sys.exit(main())
