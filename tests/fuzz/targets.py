"""Every function that reads bytes of a partner, as a target for the fuzz runs: name, what to call, what it may cost.

A target takes bytes. It may return or raise an error of our own tree; everything else is a finding, and so is one that
takes longer or more memory than its cap, or a value that is not the one it was read from.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from entente.core import canon, entry, ids, marking, merkle, names, note
from entente.core.errors import EntenteError, InvalidError, VerificationError
from entente.core.ids import Member
from entente.exchange import bundle, http_signature, messages, pairing, sse
from entente.formats import cacao
from entente.formats.stix import file as stix_file
from entente.formats.stix import object as stix_facts
from entente.formats.stix import pattern as stix_pattern
from entente.formats.stix.joint import extension as stix_work
from entente.formats.stix.joint import warning as stix_work_warning
from entente.formats.stix.strict import verdict as stix_strict
from entente.kinds import ACTS, item
from entente.ledger import cosigner, forks, package, proof, records, splits
from entente.node.partners.cards import read_card
from entente.policy import accession
from entente.policy.agreement import FoundingText
from entente.policy.circle import CircleText
from entente.policy.revision import RevisionText
from fuzz import forked, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from doors.test_odd_messages import Scene

SEED: Final = bytes(range(32))
MEMBER: Final = Member(b"\x11" * 32)
RECEIVER: Final = Member(b"\x22" * 32)
NOW: Final = 1_790_000_000
ORIGIN: Final = ids.origin_of(b"\x33" * 32)
CODE: Final = "042-abacus-zoom"
CARD: Final = b"a card"
KIB: Final = 1024
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Target:
    """One parser: its input is at most `cap` bytes, one call may cost `seconds` and `mebibytes`; the
    short run of every check feeds it `inputs` of them."""

    name: str
    run: Callable[[bytes], object]
    cap: int = 64 * KIB
    seconds: float = 1.0
    mebibytes: int = 64
    inputs: int = 3000


class WrongError(Exception):
    """A parser gave a value that is not the one in the bytes."""


def key_of(_member: Member) -> bytes:
    """Return the transport key of everybody."""
    return public()


def public() -> bytes:
    """Return the public key that belongs to `SEED`."""
    from entente.core import keys

    return keys.public_of(SEED)


def entropy(size: int) -> bytes:
    """Return bytes that are always the same."""
    return (b"\x5a" * size)[:size]


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _same(made: _T, wanted: _T) -> _T:
    if made != wanted:
        raise WrongError(f"{made!r:.200} is not {wanted!r:.200}")
    return made


def _json(data: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise InvalidError("This is no JSON object.") from problem


def read_note(data: bytes) -> object:
    """Read a note, write it again, and open it as a checkpoint."""
    _same(note.Note.parse(data).to_bytes(), data)
    return note.open_checkpoint(data, note.Verifier(ORIGIN, note.ED25519, public()))


def read_checkpoint(data: bytes) -> object:
    """Read the body of a checkpoint and write it again."""
    return _same(note.Checkpoint.parse(_text(data)).body(), _text(data))


def read_cosignature(data: bytes) -> object:
    """Read a line and verify it as a cosignature."""
    verifier = note.Verifier(ids.witness_name(MEMBER), note.COSIGNATURE, public())
    return note.verify_cosignature(note.Checkpoint(ORIGIN, 5, b"\x44" * 32), _text(data), verifier)


def read_vkey(data: bytes) -> object:
    """Read a verifier key and write it again."""
    return _same(note.Verifier.parse(_text(data)).vkey(), _text(data))


def read_entry(data: bytes) -> object:
    """Read a leaf; no second spelling of an entry is one."""
    return _same(entry.parse(data).leaf(), data)


def read_canon(data: bytes) -> object:
    """Read canonical JSON; no second spelling of a value is one."""
    return _same(canon.encode(canon.decode(data)), data)


def read_package(data: bytes) -> object:
    """Read a package of entries; each gets a leaf that is one."""
    try:
        found = msgspec.msgpack.decode(data, type=package.Package)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise InvalidError("This is no package.") from problem
    columns, leaves = package.unpack(found)
    for column, leaf in zip(columns, leaves, strict=True):
        said = entry.parse(leaf)
        _same((said.kind, said.time), (column.kind, column.time))
    return len(leaves)


def read_message(data: bytes) -> object:
    """Read a message whose body is these bytes, before compression too."""
    return messages.decode(data)


def read_inner(data: bytes) -> object:
    """Read a message that inflates to these bytes."""
    import zstandard

    return messages.decode(zstandard.ZstdCompressor(level=1).compress(data))


@cache
def scene() -> Scene:
    """Return two members between which there is something to say."""
    from doors.test_odd_messages import Scene

    return Scene()


def take_message(data: bytes) -> object:
    """Let a member take a message that inflates to these bytes from a paired partner, and forget it again."""
    import zstandard

    return scene().take(zstandard.ZstdCompressor(level=1).compress(data))


def read_acts(data: bytes) -> object:
    """Read the body of an act of every kind."""
    body = canon.decode(data)
    refused = 0
    for kind in ACTS.values():
        try:
            kind.check(body)
        except InvalidError:
            refused += 1
    if refused == len(ACTS):
        raise InvalidError("This is the body of no kind of act.")
    return refused


def read_key(data: bytes) -> object:
    """Read a key act of either kind; it is written as it was read."""
    made, refused = list[bytes](), list[EntenteError]()
    for kind in sorted(records.KINDS):
        try:
            made.append(records.KeyRecord.read(data, kind).body())
        except EntenteError as problem:
            refused.append(problem)
    if not made:
        raise refused[0]
    return _same(made, [data] * len(made))


def read_split_view(data: bytes) -> object:
    """Read evidence of a split view and write it again."""
    return _same(splits.to_json(splits.from_json(data)), data)


def read_evidence(data: bytes) -> object:
    """Read evidence of a fork and write it again."""
    return _same(forks.to_json(forks.from_json(data)), data)


def read_submission(data: bytes) -> object:
    """Read what a log sends to a witness and write it again."""
    given = cosigner.Submission.parse(data)
    _same(given.to_bytes(), data)
    known = cosigner.CosignedLog(given.checkpoint.origin, (note.Verifier(ORIGIN, note.ED25519, public()).vkey(),))
    return cosigner.judge(given, known, cosigner.trusted(given, known))


def read_witness_answer(data: bytes) -> object:
    """Read what a witness answers."""
    verifier = note.Verifier(ids.witness_name(MEMBER), note.COSIGNATURE, public())
    return cosigner.cosignature_in(data, note.Checkpoint(ORIGIN, 5, b"\x44" * 32), verifier)


def read_past(data: bytes) -> object:
    """Read the history of an agreement that a newcomer is offered."""
    return accession.check_history(canon.decode(data, 1 << 20).get("history"))


def read_bundle(data: bytes) -> object:
    """Read a bundle in two parts, whoever made it."""
    found: list[object] = []
    parser = bundle.Parser(lambda manifest: manifest.keys.current.transport, lambda _, message: found.append(message))
    parser.feed(data[: len(data) // 2])
    parser.feed(data[len(data) // 2 :])
    parser.close()
    return found


def read_facts(data: bytes) -> object:
    """Read what a node needs of a STIX object, with and without its pointers."""
    stix_facts.facts(data, pointers=False)
    return stix_facts.facts(data)


def read_file(data: bytes) -> object:
    """Read a file of STIX objects."""
    return list(stix_file.iter_rows(data, "file"))


def read_strict(data: bytes) -> object:
    """Look for what strict STIX forbids in an object that is held."""
    stix_facts.facts(data)
    return stix_strict.problems(data)


def read_request(data: bytes) -> object:
    """Read the head of a signed request: method, path, query, then header lines."""
    lines = data.decode("latin-1").split("\n")
    method, path, query = [*lines, "", "", ""][:3]
    headers = http_signature.combine(
        (name, value) for name, found, value in (line.partition(": ") for line in lines[3:]) if found
    )
    return http_signature.verify_head(method, path, query, headers, me=RECEIVER, key_of=key_of, now=NOW)


def read_answer(data: bytes) -> object:
    """Read the header lines of a signed answer."""
    lines = (line.partition(": ") for line in data.decode("latin-1").split("\n"))
    headers = http_signature.combine((name, value) for name, found, value in lines if found)
    return http_signature.verify_answer(
        200, headers, b"", request_signature=b"\x55" * 64, me=RECEIVER, sender=MEMBER, key=public()
    )


def read_events(data: bytes) -> object:
    """Read a stream of events in two parts, and in one: they are the same."""
    whole = _events([data])
    return _same(_events([data[: len(data) // 2], data[len(data) // 2 :]]), whole)


def _events(parts: list[bytes]) -> list[sse.Event]:
    reader, found = sse.EventReader(), list[sse.Event]()
    for part in parts:
        reader.feed(part)
        while (event := reader.take()) is not None:
            found.append(event)
    return found


def read_pairing(data: bytes) -> object:
    """Read the steps of a pairing from somebody who does not know the code."""
    body = _json(data)
    pairing.place_in(body)
    inviter = pairing.Inviter(CODE, CARD, entropy)
    if "pake" in body:
        return inviter.first(body)
    joiner = pairing.Joiner(CODE, b"another card", entropy)
    inviter.first(joiner.first())
    return inviter.second(body)


def read_pairing_answer(data: bytes) -> object:
    """Read the answer to a pairing request."""
    return pairing.Joiner(CODE, CARD, entropy).second(_json(data))


def read_merkle(data: bytes) -> object:
    """Read 16 bytes of sizes, then hashes, as an inclusion and as a consistency proof."""
    first, second = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big")
    hashes = [data[at : at + 32] for at in range(16, len(data), 32)]
    (root, other), steps = [*hashes, b"", b""][:2], hashes[2:]
    with suppress(VerificationError):
        merkle.verify_inclusion(root, first, second, steps, other)
    return merkle.verify_consistency(first, root, second, other, steps)


def read_words(data: bytes) -> object:
    """Read what people type or choose: words, a name, a code, a marking, an id."""
    text, refused = _text(data), 0
    readers: tuple[Callable[[str], object], ...] = (
        ids.parse_words,
        names.check_name,
        pairing.read_code,
        marking.parse_any,
        lambda given: ids.unb32(given, 32),
    )
    for read in readers:
        try:
            read(text)
        except InvalidError:
            refused += 1
    if refused == len(readers):
        raise InvalidError("This is nothing that people type.")
    return refused


def read_playbook(data: bytes) -> object:
    """Read a playbook, say what is wrong with it, write it again, and take it apart."""
    cacao.problems(cacao.examine(data))
    playbook = cacao.read(data)
    cacao.owners(playbook, dict.fromkeys(playbook.agents, "somebody"), "nobody")
    _same({bone.id for bone in cacao.flow_steps(playbook)}, set(playbook.steps))
    return _same(cacao.write(playbook), data)


def read_warning(data: bytes) -> object:
    """Read an object of a partner as a warning and as an opinion, and count who is behind it."""
    stix_facts.facts(data)
    found, said = stix_work_warning.read_warning(data), stix_work_warning.read_opinion(data)
    sources = [*(found.sources if found else ()), *(said.sources if said else ())]
    if found is not None and stix_work.problem(data):
        raise WrongError("a warning without a source and a basis")
    if stix_work_warning.independent(sources) > len(sources):
        raise WrongError("more originals than sources")
    return stix_work.object_refs(data)


TARGETS: Final = (
    Target("note", read_note, cap=128 * KIB),
    Target("checkpoint", read_checkpoint),
    Target("cosignature", read_cosignature),
    Target("vkey", read_vkey),
    Target("entry", read_entry),
    Target("canon", read_canon),
    Target("package", read_package, cap=256 * KIB),
    Target("body", read_message),
    Target("message", read_inner, cap=256 * KIB),
    Target("turn", take_message, cap=256 * KIB, inputs=800),
    Target("acts", read_acts),
    Target("card", read_card, cap=256 * KIB),
    Target("key", read_key),
    Target("agreement", FoundingText.read),
    Target("circle", CircleText.read),
    Target("item", item.read, cap=256 * KIB),
    Target("facts", read_facts, cap=256 * KIB),
    Target("file", read_file, cap=256 * KIB),
    Target("strict", read_strict, cap=32 * KIB, seconds=2.0),
    Target("pattern", lambda data: stix_pattern.check(_text(data))),
    Target("proof", proof.read_proof, cap=256 * KIB),
    Target("evidence", read_evidence, cap=256 * KIB),
    Target("strays", forked.take_offer, cap=256 * KIB, seconds=2.0, inputs=800),
    Target("split-view", read_split_view, cap=256 * KIB),
    Target("submission", read_submission),
    Target("witness-answer", read_witness_answer),
    Target("bundle", read_bundle, cap=256 * KIB),
    Target("revision", RevisionText.read),
    Target("past", read_past, cap=256 * KIB, inputs=1000),
    Target("request", read_request),
    Target("answer", read_answer),
    Target("events", read_events, cap=256 * KIB),
    Target("pairing", read_pairing, inputs=300),
    Target("pairing-answer", read_pairing_answer, inputs=80),
    Target("merkle", read_merkle),
    Target("words", read_words),
    Target("playbook", read_playbook, cap=256 * KIB, seconds=2.0, inputs=1000),
    Target("warning", read_warning, cap=256 * KIB),
    Target("document", work.read_document),
    Target("dossier", work.read_dossier_again, cap=256 * KIB),
    Target("work", work.judge, inputs=1500),
    Target("run", work.unfold_plan, cap=128 * KIB, seconds=2.0),
    Target("effect", work.prepare, cap=128 * KIB, seconds=2.0, inputs=800),
    Target("public", work.look_through, cap=128 * KIB, seconds=3.0, inputs=400),
)
