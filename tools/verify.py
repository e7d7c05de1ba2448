#!/usr/bin/env python3
"""Verify a file that a member of an Entente agreement hands out: offline, on its own, with no code of the product.

Written from `docs/protocol/1-values.md`, `2-ledger.md` and `11-joint-work.md` ("Dossier") alone.
Needs Python 3.11 or later and PyNaCl.

    python tools/verify.py FILE [--member ID] [--words FILE] [--json]

Exit status: 0 verified, 5 not verified, 2 wrong usage, 1 the file cannot be read. The result is one line.
"""
# ruff: noqa: PLR2004  # the numbers are those of the protocol's pages, and stand beside what they bound

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

try:
    from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_scalarmult, crypto_sign_open
    from nacl.exceptions import BadSignatureError, CryptoError
except ImportError:
    sys.exit("verify.py needs PyNaCl: python -m pip install pynacl")

MAX_FILE, MAX_NOTE, MAX_LINES, MAX_DEPTH, MAX_INT = 32 << 20, 64 << 10, 64, 32, 2**53 - 1
KIND = re.compile(r"[a-z][a-z-]{0,30}/[1-9][0-9]{0,2}")
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
LEAF = re.compile(r'\{"c":"[\w-]{43}","k":"([a-z0-9/-]+)","s":[0-9]{1,10},"t":([0-9]{1,16}),"v":1\}', re.ASCII)
SPEAKER = re.compile(r"entente/v1/(witness|store)/([a-z2-7]{52})")
# Control characters, line and paragraph separators, and the marks that turn the direction of text.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LIKE_ID = re.compile(r"[a-zA-Z2-7]{26}")
KEY_FIELDS = {"key/1": {"log", "name", "next", "store", "tls", "transport", "url", "witness"}}
KEY_FIELDS["key/2"] = KEY_FIELDS["key/1"] | {"handover", "seal"}
KEY_USES = ("log", "witness", "store", "transport", "seal")


class NotVerifiedError(Exception):
    """A check failed; the text says which."""


class Member(NamedTuple):
    """What a key history says of its member: the log keys from the oldest to the current one, and the rest of now."""

    id: str
    name: str
    logs: list[bytes]
    witness: bytes
    store: bytes
    successions: list[int]  # the entries that changed the log key without a word of the one before


class Note(NamedTuple):
    """A checkpoint with its signature lines (key name, key id, signature)."""

    origin: str
    size: int
    root: bytes
    text: bytes
    lines: list[tuple[str, bytes, bytes]]


class Verdict(NamedTuple):
    """Whose file it is, what it shows, and the same for machines; `{ID}` in `text` stands for a member."""

    member: str
    text: str
    facts: dict[str, object]
    members: dict[str, Member]


def need(ok: object, reason: str) -> None:
    """Go on only if `ok`."""
    if not ok:
        raise NotVerifiedError(reason)


# --- page 1: values -------------------------------------------------------------------------------------------------


def b32(data: bytes) -> str:
    """Spell `data` in lower-case base32 without padding."""
    return base64.b32encode(data).decode().rstrip("=").lower()


def un32(value: object, what: str) -> bytes:
    """Read 32 bytes of base32 in their only spelling."""
    try:
        data = base64.b32decode(str(value).upper() + "====")
    except ValueError:
        data = b""
    need(isinstance(value, str) and len(data) == 32 and b32(data) == value, f"{what} is not base32 of 32 bytes")
    return data


def un64(value: object, what: str, size: int | None = None) -> bytes:
    """Read padded base64 in its only spelling."""
    need(isinstance(value, str), f"{what} is not base64")
    try:
        data = base64.b64decode(str(value), validate=True)
    except ValueError:
        raise NotVerifiedError(f"{what} is not base64") from None
    need(base64.b64encode(data).decode() == value, f"{what} is not base64 in its only spelling")
    need(size is None or len(data) == size, f"{what} has not {size} bytes")
    return data


def plain(value: object, depth: int = 1) -> bool:
    """Say whether a decoded value lies within the restricted JSON of page 1."""
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        keys = value if isinstance(value, dict) else ()
        return (
            depth <= MAX_DEPTH and all(key.isascii() for key in keys) and all(plain(one, depth + 1) for one in inside)
        )
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) <= MAX_INT)


def canonical(data: bytes, what: str) -> dict[str, object]:
    """Read a canonical JSON object; refuse every second spelling."""
    try:
        value = json.loads(data.decode())
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    except (ValueError, RecursionError):
        raise NotVerifiedError(f"{what} is not JSON") from None
    need(again == data and isinstance(value, dict) and plain(value), f"{what} is not canonical JSON")
    return value  # type: ignore[no-any-return]  # looked at above


def fields(value: object, what: str, *names: str) -> list[object]:
    """Take the values of an object that has exactly these fields."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise NotVerifiedError(f"{what} has other fields than {', '.join(names)}")
    return [value[name] for name in names]


def six_words(member: str, words: list[str]) -> str:
    """Spell a member id in six words; empty without a list."""
    number, out = int.from_bytes(un32(member, "member")[:16]), []
    for _ in range(6 if words else 0):
        number, digit = divmod(number, 7776)
        out.append(words[digit])
    return " ".join(reversed(out))


# --- page 2: entries, logs, checkpoints -----------------------------------------------------------------------------


def sha(data: bytes) -> bytes:
    """Hash with SHA-256."""
    return hashlib.sha256(data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Join two subtrees (RFC 6962 section 2.1)."""
    return sha(b"\x01" + left + right)


def make_leaf(kind: object, time: object, salt: bytes, payload: bytes) -> bytes:
    """Build the leaf bytes of an entry from what it commits to."""
    need(isinstance(kind, str) and KIND.fullmatch(kind), "the kind of an entry is malformed")
    need(type(time) is int and 0 <= time <= MAX_INT, "the time of an entry is malformed")
    need(len(payload) < 2**31, "the payload of an entry is too large")
    commitment = base64.urlsafe_b64encode(sha(b"entente/commit/v1\0" + salt + payload)).decode().rstrip("=")
    return f'{{"c":"{commitment}","k":"{kind}","s":{len(payload)},"t":{time},"v":1}}'.encode()


def tree_root(leaves: list[bytes]) -> bytes:
    """Root of the tree over `leaves`, at least one."""
    level = [sha(b"\x00" + leaf) for leaf in leaves]
    while len(level) > 1:
        pairs = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def check_inclusion(found: bytes, index: int, note: Note, proof: list[bytes]) -> None:
    """Follow an inclusion proof from a leaf hash up to the root (RFC 9162 section 2.1.3.2)."""
    need(index < note.size, "the index is not below the size of the log")
    at, last = index, note.size - 1
    for step in proof:
        need(last > 0, "the inclusion proof is too long")
        if at & 1 or at == last:
            found = node(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, step)
        at, last = at >> 1, last >> 1
    need(last == 0 and found == note.root, "the inclusion proof does not lead to the root")


def check_consistency(small: int, root: bytes, note: Note, proof: list[bytes]) -> None:
    """Follow a consistency proof from `root` at size `small` to a larger head (RFC 9162 section 2.1.4.2)."""
    at, last = small - 1, note.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    steps = ([root] if small & (small - 1) == 0 else []) + proof
    need(proof, "the consistency proof is empty")
    old = new = steps[0]
    for step in steps[1:]:
        need(last > 0, "the consistency proof is too long")
        if at & 1 or at == last:
            old, new = node(step, old), node(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, step)
        at, last = at >> 1, last >> 1
    need(last == 0 and old == root and new == note.root, "the consistency proof does not verify")


def read_note(text: object, what: str) -> Note:
    """Read a checkpoint (C2SP tlog-checkpoint, signed-note); signatures are not looked at."""
    need(isinstance(text, str) and len(text.encode()) <= MAX_NOTE, f"{what} is not a note")
    head, gap, tail = str(text).rpartition("\n\n")
    need(gap and not re.search("[\x00-\x09\x0b-\x1f]", str(text)), f"{what} is not a note")
    body, rows = head.split("\n"), tail.split("\n")
    need(
        len(body) == 3 and rows.pop() == "" and 1 <= len(rows) <= MAX_LINES, f"{what} is not three lines and signatures"
    )
    need(body[0].startswith("entente/v1/"), f"{what} has a foreign origin")
    un32(body[0].removeprefix("entente/v1/"), f"the origin of {what}")
    need(DECIMAL.fullmatch(body[1]) and int(body[1]) < 2**63, f"{what} has a malformed size")
    lines = []
    for row in rows:
        parts = row.split(" ")
        need(len(parts) == 3 and parts[0] == "—" and parts[1], f"{what} has a malformed signature line")
        raw = un64(parts[2], f"a signature of {what}")
        lines.append((parts[1], raw[:4], raw[4:]))
    root = un64(body[2], f"the root of {what}", 32)
    return Note(body[0], int(body[1]), root, (head + "\n").encode(), lines)


def check_signature(key: bytes, signature: bytes, message: bytes, what: str) -> None:
    """Verify an Ed25519 signature as libsodium does."""
    need(len(signature) == 64, f"{what} has not the length of a signature")
    try:
        crypto_sign_open(signature + message, key)
    except (BadSignatureError, ValueError):
        raise NotVerifiedError(f"{what} does not verify") from None


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """Compute the key id of a signature line."""
    return sha(name.encode() + b"\n" + bytes([kind]) + key)[:4]


def check_signed(note: Note, keys: list[bytes], what: str) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """Verify the one line of a log key of the member; give back which key it is, and the other lines."""
    known = {key_id(note.origin, 1, key): key for key in keys}
    own = [line for line in note.lines if line[0] == note.origin and line[1] in known]
    need(len(own) == 1, f"{what} is not signed once by the log key of its member")
    key = known[own[0][1]]
    check_signature(key, own[0][2], note.text, f"the signature of {what}")
    return key, [line for line in note.lines if line is not own[0]]


def check_alone(note: Note, keys: list[bytes], what: str) -> bytes:
    """Verify a note that has no line but that of its member's log key; give back which key that is."""
    key, others = check_signed(note, keys, what)
    need(not others, f"{what} has other signature lines than its own")
    return key


# --- page 2: key histories ------------------------------------------------------------------------------------------


def check_seal(public: bytes) -> None:
    """Accept an X25519 key that something may be sealed to."""
    need(int.from_bytes(public, "little") < 2**255 - 19, "the sealing key is not below 2^255 - 19")
    try:
        crypto_scalarmult(b"\1" * 32, public)
    except CryptoError:
        raise NotVerifiedError("the sealing key has a small order") from None


def read_keys(kind: object, payload: bytes, what: str) -> dict[str, object]:
    """Read one key act."""
    if kind not in KEY_FIELDS:
        raise NotVerifiedError(f"{what} has an entry of another kind")
    act = canonical(payload, "a key act")
    fields(act, "a key act", *KEY_FIELDS[str(kind)])
    uses = [use for use in KEY_USES if use in act]
    keys = [un32(act[use], f"the {use} key") for use in uses]
    need(len(set(keys)) == len(uses), "one key has two uses")
    need(all(crypto_core_ed25519_is_valid_point(key) for key in keys[:4]), "a public key is not a valid point")
    if "seal" in act:
        check_seal(keys[4])
    un32(act["next"], "the hash of the next key")
    if act["tls"] != "":
        un32(act["tls"], "the hash of the certificate's key")
    name, url = act["name"], act["url"]
    need(isinstance(name, str) and 1 <= len(name) <= 80 and name == name.strip(), "a name is malformed")
    need(not UNSAFE.search(str(name)) and not LIKE_ID.search(str(name)), "a name is not safe to show")
    need(isinstance(url, str) and re.fullmatch(r"[!-~]{0,512}", url), "a url is malformed")
    return act


def check_step(before: dict[str, object], act: dict[str, object], member: bytes) -> bool:
    """Accept the act that follows another in a history; say whether the old log key was lost (a succession)."""
    need("seal" in act or "seal" not in before, "a later entry takes the sealing key away")
    handover = str(act.get("handover", ""))
    if act["log"] == before["log"]:
        need(act["next"] == before["next"] and handover == "", "an entry that keeps the log key changes the next one")
        return False
    need(b32(sha(un32(act["log"], "the log key"))) == before["next"], "the new log key is not the one committed to")
    need(act["next"] != before["next"], "a new log key commits to itself")
    if handover == "":
        return True
    bare = json.dumps(act | {"handover": ""}, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    message = b"entente/handover/v1\0" + member + sha(bare)
    check_signature(un32(before["log"], "the log key"), un64(handover, "the handover"), message, "a handover")
    return False


def check_acts(acts: list[dict[str, object]], what: str) -> list[int]:
    """Accept the acts of a history, each after the ones before; give back which of them are successions."""
    member, used, lost = sha(un32(acts[0]["log"], "the log key")), set[object](), []
    need(acts[0].get("handover", "") == "", f"{what} begins with a handover")
    for at, act in enumerate(acts):
        before = acts[at - 1] if at else {}
        if at and check_step(before, act, member):
            lost.append(at)
        fresh = {act[use] for use in KEY_USES if use in act and act[use] != before.get(use)}
        need(not used & fresh, f"in {what} a key that was retired, or that has another use, comes back")
        used |= fresh
    return lost


def keys_origin(log: bytes) -> str:
    """Compute the origin of the key history that a founding log key begins."""
    return "entente/v1/" + b32(sha(b"entente/keys/v1\0" + sha(log)))


def read_history(document: object, what: str) -> Member:
    """Verify a key history; give back the member that it makes."""
    text, entries = fields(document, what, "note", "entries")
    note = read_note(text, f"the note of {what}")
    if not isinstance(entries, list) or not entries or len(entries) != note.size:
        raise NotVerifiedError(f"{what} is not complete")
    acts, leaves = [], []
    for entry in entries:
        kind, time, salt, payload = fields(entry, f"an entry of {what}", "k", "t", "salt", "payload")
        body = un64(payload, "a payload")
        leaves.append(make_leaf(kind, time, un64(salt, "a salt", 16), body))
        acts.append(read_keys(kind, body, what))
    need(len(acts) <= 256, f"{what} is too long")
    successions = check_acts(acts, what)
    logs = list(dict.fromkeys(un32(act["log"], "the log key") for act in acts))
    need(note.origin == keys_origin(logs[0]), f"{what} has another log's origin")
    need(tree_root(leaves) == note.root, f"{what} does not rebuild its root")
    check_alone(note, logs[-1:], f"the note of {what}")
    witness, store = un32(acts[-1]["witness"], "the witness key"), un32(acts[-1]["store"], "the store key")
    return Member(b32(sha(logs[0])), str(acts[-1]["name"]), logs, witness, store, successions)


# --- page 2: the two files ------------------------------------------------------------------------------------------


def check_cosignature(line: tuple[str, bytes, bytes], note: Note, members: dict[str, Member]) -> dict[str, object]:
    """Verify one cosignature; say whose it is, of which sort, and of when."""
    found = SPEAKER.fullmatch(line[0])
    who = members.get(found[2]) if found else None
    if found is None or who is None:
        raise NotVerifiedError("a signature line is of nobody whose keys are in the file")
    key = who.witness if found[1] == "witness" else who.store
    need(line[1] == key_id(line[0], 4, key), "a cosignature is not made with its member's key")
    time = int.from_bytes(line[2][:8])
    need(time < 2**63, "the time of a cosignature is too large")
    message = b"cosignature/v1\ntime %d\n" % time + note.text
    check_signature(key, line[2][8:], message, f"the {found[1]} cosignature of {who.id}")
    return {"stage": "witnessed" if found[1] == "witness" else "stored", "member": who.id, "time": time}


def open_proof(data: bytes) -> tuple[dict[str, object], int, list[bytes], Note]:
    """Take a proof file apart (C2SP tlog-proof): extra data, index, inclusion proof, checkpoint."""
    try:
        head, _, tail = data.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise NotVerifiedError("the file is not UTF-8") from None
    rows = head.split("\n")
    need(rows[0] == "c2sp.org/tlog-proof@v1", "the proof has a version that is not known")
    need(len(rows) >= 3 and rows[1].startswith("extra ") and rows[2].startswith("index "), "the proof is malformed")
    index = rows[2].removeprefix("index ")
    need(DECIMAL.fullmatch(index) and len(rows) <= 3 + 63, "the proof is malformed")
    proof = [un64(row, "a hash of the inclusion proof", 32) for row in rows[3:]]
    extra = canonical(un64(rows[1].removeprefix("extra "), "the extra data"), "the extra data")
    return extra, int(index), proof, read_note(tail, "the checkpoint")


def check_statements(note: Note, author: str, members: dict[str, Member]) -> list[dict[str, object]]:
    """Verify every signature of a proof's checkpoint; give back what others than the author say."""
    key, others = check_signed(note, members[author].logs, "the checkpoint")
    said = [check_cosignature(line, note, members) for line in others]
    need(len({line[0] for line in others}) == len(others), "a member has cosigned twice")
    speakers = {str(one["member"]) for one in said}
    need(author not in speakers, "the author has cosigned its own log")
    old = key != members[author].logs[-1]
    need(not old or any(one["stage"] == "witnessed" for one in said), "nobody has witnessed what a retired key signed")
    need(set(members) == speakers | {author}, "the file brings keys of a member that says nothing in it")
    return sorted(said, key=lambda one: (one["stage"], one["member"]))


class Shown(NamedTuple):
    """What a proof file shows: the verdict, the entry's reference and leaf hash, and its payload."""

    verdict: Verdict
    ref: str
    leaf: str
    payload: bytes


def verify_proof(data: bytes) -> Verdict:
    """Verify a proof file: an entry stands in its author's log, as these members have cosigned it."""
    return read_entry(data).verdict


def read_entry(data: bytes) -> Shown:
    """Verify a proof file; give back the entry too."""
    extra, index, proof, note = open_proof(data)
    names = ("entente-proof", "member", "leaf", "salt", "payload", "keys")
    version, author, leaf64, salt64, payload64, keys = fields(extra, "the extra data", *names)
    need(type(version) is int and version == 1, "the proof has a version that is not known")
    if not isinstance(keys, dict) or not isinstance(author, str) or author not in keys:
        raise NotVerifiedError("the keys of the author are missing")
    members = {name: read_history(one, f"the key history of {name[:60]!r}") for name, one in keys.items()}
    need(all(name == member.id for name, member in members.items()), "a key history is another member's")
    leaf, payload = un64(leaf64, "the leaf"), un64(payload64, "the payload")
    found = LEAF.fullmatch(leaf.decode("ascii", "replace"))
    if found is None:
        raise NotVerifiedError("the leaf is malformed")
    kind, time = found[1], int(found[2])
    need(leaf == make_leaf(kind, time, un64(salt64, "the salt", 16), payload), "the leaf commits to something else")
    check_inclusion(sha(b"\x00" + leaf), index, note, proof)
    need((note.origin == keys_origin(members[author].logs[0])) == (kind in KEY_FIELDS), "the log is of the wrong sort")
    said = check_statements(note, author, members)
    text = f"{kind} by {{{author}}}, entry {index} of a log of {note.size}"
    for stage in ("witnessed", "stored"):
        who = [f"{{{one['member']}}} at {moment(one['time'])}" for one in said if one["stage"] == stage]
        text += f", {stage} by {' and '.join(who) or 'nobody'}"
    place = {"origin": note.origin, "index": index, "size": note.size, "root": b32(note.root)}
    hashed = b32(sha(b"\x00" + leaf))
    verdict = Verdict(author, text, {"kind": kind, "time": time, **place, "statements": said}, members)
    return Shown(verdict, f"{note.origin.removeprefix('entente/v1/')}/{index}/{hashed}", hashed, payload)


def verify_evidence(data: bytes) -> Verdict:
    """Verify evidence of a fork: one member has signed two histories of one log."""
    document = canonical(data, "the evidence")
    names = ("entente-evidence", "member", "keys", "size", "first", "second", "roots", "proofs")
    version, author, keys, size, one, two, roots64, proofs64 = fields(document, "the evidence", *names)
    need(type(version) is int and version == 2, "the evidence has a version that is not known")
    member = read_history(keys, "the key history")
    need(author == member.id, "the key history is another member's")
    first, second = read_note(one, "the first note"), read_note(two, "the second note")
    signers = [check_alone(first, member.logs, "the first note"), check_alone(second, member.logs, "the second note")]
    need(first.origin == second.origin, "the notes are of two logs")
    if type(size) is not int or not 1 <= size <= first.size <= second.size:
        raise NotVerifiedError("the sizes are out of order")
    if not isinstance(roots64, list) or not isinstance(proofs64, list) or not len(roots64) == len(proofs64) == 2:
        raise NotVerifiedError("there are not two roots and two proofs")
    roots = [un64(each, "a root", 32) for each in roots64]
    for note, root, proof in zip((first, second), roots, proofs64, strict=True):
        if not isinstance(proof, list) or len(proof) > 128:
            raise NotVerifiedError("a consistency proof is malformed")
        if size == note.size:
            need(root == note.root and not proof, "a root at the size of its note is that of the note")
        else:
            check_consistency(size, root, note, [un64(step, "a hash of the proof", 32) for step in proof])
    need(roots[0] != roots[1], "the notes agree")
    retired = [key != member.logs[-1] for key in signers]
    heads = [
        {"size": note.size, "root": b32(note.root), "retired": old}
        for note, old in zip((first, second), retired, strict=True)
    ]
    text = f"{{{member.id}}} has signed two histories of {first.origin}, at sizes {first.size} and {second.size}"
    text += ", with a key that is retired now (it may be a thief's)" if any(retired) else ""
    return Verdict(member.id, text, {"origin": first.origin, "size": size, "heads": heads}, {member.id: member})


def verify_split_view(data: bytes) -> Verdict:
    """Verify evidence of a split view: a head of one member and a cosignature of another that cannot both be true."""
    document = canonical(data, "the split view")
    names = ("entente-split-view", "keys", "line", "member", "note", "other", "proof", "root", "seen", "size")
    version, keys, line, author, head, other, proof64, root64, seen64, size = fields(document, "the split view", *names)
    need(type(version) is int and version == 1, "the split view has a version that is not known")
    if not isinstance(keys, dict) or not {author, other} == set(keys) or len(keys) != 2:
        raise NotVerifiedError("the keys are not those of the two members")
    members = {name: read_history(one, f"the key history of {name[:60]!r}") for name, one in keys.items()}
    need(all(name == member.id for name, member in members.items()), "a key history is another member's")
    note, seen = read_note(head, "the note"), un64(seen64, "the root that was seen", 32)
    key = check_alone(note, members[str(author)].logs, "the note")
    if type(size) is not int or not 1 <= size <= note.size or not isinstance(proof64, list) or len(proof64) > 128:
        raise NotVerifiedError("the size or the consistency proof is malformed")
    parts = str(line).split(" ")
    need(
        isinstance(line, str) and len(parts) == 3 and parts[0] == "—" and parts[2][-1:] == "\n", "the line is malformed"
    )
    raw = un64(parts[2].removesuffix("\n"), "the cosignature")
    text = f"{note.origin}\n{size}\n{base64.b64encode(seen).decode()}\n".encode()
    saw = Note(note.origin, size, seen, text, [])
    said = check_cosignature((parts[1], raw[:4], raw[4:]), saw, {str(other): members[str(other)]})
    root = note.root
    if size == note.size:
        need(root64 == "" and not proof64, "a cosignature of the note's size needs no proof")
    else:
        root = un64(root64, "the other root", 32)
        check_consistency(size, root, note, [un64(step, "a hash of the proof", 32) for step in proof64])
    need(root != seen, "the two agree")
    facts = {"origin": note.origin, "size": size, "root": b32(root), "seen": b32(seen), "statement": said}
    old = ", with a key that is retired now (it may be a thief's)" if key != members[str(author)].logs[-1] else ""
    said_so = f"{{{author}}} has signed one history of {note.origin}{old} and {{{other}}} another, at size {size}"
    return Verdict(str(author), f"{said_so}; one of the two is not so", facts, members)


# --- page 11: dossiers ----------------------------------------------------------------------------------------------

DOSSIER = re.compile(
    rb"entente-dossier/1\nabout ((?:decision|disclosure|minutes|plan)/1)\nbytes (0|[1-9][0-9]{0,8})\n\n"
)
MAX_PROOFS = 1003


def open_dossier(data: bytes) -> tuple[str, bytes, list[Shown]]:
    """Take a dossier apart: what it is about, the words, and the entries that its proofs show."""
    head = DOSSIER.match(data)
    if head is None:
        raise NotVerifiedError("the dossier does not begin as one")
    end = head.end() + int(head[2])
    rows = data[end + 1 :].split(b"\n")
    need(
        data[end : end + 1] == b"\n" and rows.pop() == b"", "the words or the proofs of the dossier do not end in time"
    )
    need(3 <= len(rows) <= MAX_PROOFS and all(row.startswith(b"proof ") for row in rows), "the proofs are malformed")
    files = [un64(row[6:].decode("ascii", "replace"), "a proof") for row in rows]
    return head[1].decode(), data[head.end() : end], [read_entry(file) for file in files]


def check_outcome(act: Shown, body: dict[str, object], rest: list[Shown]) -> tuple[set[str], list[Shown]]:
    """Take the outcome from what follows the act, if there is a deadline; give back the approvals that may count."""
    first = rest[0]
    if first.verdict.facts["kind"] != "outcome/1":
        need(not body.get("deadline"), "what has a deadline is in force by its outcome, and there is none")
        return {one.ref for one in rest}, rest
    said = canonical(first.payload, "the outcome")
    counted = said.get("counted")
    need(said.get("of") == act.leaf and said.get("result") == "in-force", "the outcome does not bring this into force")
    need(first.verdict.facts["origin"] == act.verdict.facts["origin"], "the outcome is not its proposer's")
    if not isinstance(counted, list):
        raise NotVerifiedError("the outcome counts nothing")
    return {str(one) for one in counted}, rest[1:]


def check_approvals(act: Shown, body: dict[str, object], rest: list[Shown]) -> list[str]:
    """Accept the approvals if they are of as many different voters as the act needs; give back whose they are."""
    counted, given = check_outcome(act, body, rest)
    voters, needed, steps = body.get("voters"), body.get("needed"), body.get("steps", [])
    if not isinstance(voters, list) or type(needed) is not int or needed < 1 or not isinstance(steps, list):
        raise NotVerifiedError("the act does not say whose approval it needs")
    for one in given:
        said = canonical(one.payload, "an approval")
        need(one.verdict.facts["kind"] == "approval/1", "a proof is no approval")
        need(said.get("of") == act.leaf and said.get("answer") == "approve", "an approval is of something else")
        need(
            one.verdict.member in voters and one.ref in counted, "an approval is of somebody whose word does not count"
        )
    who = sorted({one.verdict.member for one in given})
    need(len(who) == len(given) >= needed, f"the approvals are not those of {needed} different members")
    owners = {step.get("owner") if isinstance(step, dict) else None for step in steps}
    need(owners <= set(who), "somebody who owns a step of the plan has not approved it")
    return who


def verify_dossier(data: bytes) -> Verdict:
    """Verify a dossier: members have agreed to exactly these words."""
    about, words, (document, act, *rest) = open_dossier(data)
    head, gap, payload = document.payload.partition(b"\n")
    media = canonical(head, "the header of the document").get("media")
    need(document.verdict.facts["kind"] == "document/1" and gap and payload == words, "the document has other words")
    need(act.verdict.facts["kind"] == about, "the act is of another kind than the dossier says")
    need(document.verdict.facts["origin"] == act.verdict.facts["origin"], "the document is not its proposer's")
    body, digest = canonical(act.payload, "the act"), sha(words)
    need(body.get("content") == document.ref, "the act names another document")
    need(about in {"decision/1", "minutes/1"} or body.get("hash") == b32(digest), "the act names another hash")
    who = check_approvals(act, body, rest)
    members = {name: one for shown in (document, act, *rest) for name, one in shown.verdict.members.items()}
    author = act.verdict.member
    text = f"{about[:-2]} of {{{author}}}, approved by {len(who)} of {body['needed']} needed: "
    text += f"{' and '.join(f'{{{one}}}' for one in who)}; text SHA-256 {digest.hex()}"
    facts = {"about": about, "thing": act.leaf, "time": act.verdict.facts["time"], "media": media, "bytes": len(words)}
    facts |= {"sha256": digest.hex(), "approved_by": who, "needed": body["needed"], "voters": body["voters"]}
    return Verdict(author, text, facts, members)


# What this tool can verify: how the file begins, what it is called, and who looks at it.
TYPES: tuple[tuple[bytes, str, Callable[[bytes], Verdict]], ...] = (
    (b"c2sp.org/tlog-proof@", "proof", verify_proof),
    (b'{"entente-evidence":', "evidence", verify_evidence),
    (b'{"entente-split-view":', "split-view", verify_split_view),
    (b"entente-dossier/1\n", "dossier", verify_dossier),
)


# --- the command ----------------------------------------------------------------------------------------------------


def moment(seconds: object) -> str:
    """Write a time for people."""
    try:
        return datetime.fromtimestamp(int(str(seconds)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s"


def read_words(path: Path | None) -> list[str]:
    """Read the list of words; without one there are ids only."""
    standard = Path(__file__).resolve().parent.parent / "docs" / "protocol" / "words.txt"
    if path is None and not standard.is_file():
        return []
    words = (path or standard).read_text("utf-8").split("\n")
    if len(words) != 7777 or words.pop() or len(set(words)) != 7776:
        raise OSError(f"{path or standard} is not the list of 7,776 words")
    return words


def judge(data: bytes, wanted: str) -> tuple[str, Verdict]:
    """Verify the file as what it is; raise LookupError if that is not known."""
    for start, name, check in TYPES:
        if data.startswith(start):
            verdict = check(data)
            need(verdict.member.startswith(wanted), f"the author is {verdict.member}")
            return name, verdict
    raise LookupError("this is no file that can be verified here")


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line; wrong usage exits 2."""
    parser = argparse.ArgumentParser(
        prog="verify.py", description="Verify a proof file, evidence or a dossier, offline."
    )
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--member", default="", metavar="ID", help="the author must be this member (8 characters or more)"
    )
    parser.add_argument("--words", type=Path, metavar="FILE", help="the list of words, if not docs/protocol/words.txt")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    options = parser.parse_args(arguments)
    if options.member and not re.fullmatch(r"[a-z2-7]{8,52}", options.member):
        parser.error("--member takes at least the first 8 characters of a member id")
    return options


def read_file(path: Path) -> bytes:
    """Read the file, up to the limit."""
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise OSError("the file is larger than 32 MiB")
    return data


def report(kind: str, verdict: Verdict, words: list[str], *, as_json: bool) -> str:
    """Write what was verified, in one line."""
    spelled = {name: six_words(name, words) for name in verdict.members}
    if as_json:
        people = {
            name: {"name": one.name, "words": spelled[name], "successions": one.successions}
            for name, one in verdict.members.items()
        }
        facts = {"type": kind, "member": verdict.member, "members": people, **verdict.facts}
        return json.dumps({"verified": True, **facts})
    labels = {
        name: f"{json.dumps(one.name, ensure_ascii=False)} ({', '.join(filter(None, (name, spelled[name])))})"
        for name, one in verdict.members.items()
    }
    renewed = [
        f"; {labels[name]} lost its key before entry {', '.join(map(str, one.successions))} of its key history"
        for name, one in verdict.members.items()
        if one.successions
    ]
    return "verified: " + verdict.text.format_map(labels) + "".join(renewed)


def say(line: str) -> None:
    """Print one line, whatever the terminal can show."""
    code = sys.stdout.encoding or "ascii"
    print(line.encode(code, "backslashreplace").decode(code))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give back its exit status."""
    options = read_options(arguments)
    try:
        words = read_words(options.words)
        kind, verdict = judge(read_file(options.file), options.member)
    except NotVerifiedError as reason:
        say(json.dumps({"verified": False, "reason": str(reason)}) if options.json else f"NOT verified: {reason}")
        return 5
    except (OSError, ValueError, LookupError) as reason:
        print(f"verify.py: {reason}", file=sys.stderr)
        return 1
    say(report(kind, verdict, words, as_json=options.json))
    return 0


if __name__ == "__main__":
    sys.exit(main())
