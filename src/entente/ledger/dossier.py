"""Dossiers: words, and the proofs that members have agreed to exactly these; one file that verifies offline.

docs/protocol/11-joint-work.md, "Dossier".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, cast

from msgspec import Struct

from entente.core import canon, merkle
from entente.core import entry as entries
from entente.core.errors import InvalidError, LimitError, VerificationError
from entente.core.ids import Member, b32, origin_hash
from entente.ledger.document import MAX_FILE, from_b64, listed, text, to_b64, verifying
from entente.ledger.proof import Proof, read_proof

HEADER: Final = b"entente-dossier/1\n"
ABOUT: Final = ("decision/1", "disclosure/1", "minutes/1", "plan/1")
MAX_PROOFS: Final = 1_003
"""A document, an act, an outcome and the approvals of a union."""

LEAST: Final = 2
"""There are more proofs than those of a document and an act."""

_HASHED: Final = ("disclosure/1", "plan/1")
_HEAD: Final = re.compile(rb"entente-dossier/1\nabout ([a-z/0-9]{1,40})\nbytes (0|[1-9][0-9]{0,8})\n\n")
_MAX_HEADER: Final = 512
_PAYLOAD: Final = 1 << 20


class Approval(Struct, frozen=True, order=True):
    """Who approved, which person, when it says so (ms)."""

    member: Member
    person: str
    time: int


class Dossier(Struct, frozen=True, kw_only=True):
    """A verified dossier: the words, what asks for approval (its kind, id, author, body), and who has approved."""

    about: str
    data: bytes
    media: str
    thing: bytes
    author: Member
    time: int
    body: Mapping[str, object]
    approvals: tuple[Approval, ...]
    needed: int
    proofs: tuple[Proof, ...]

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the words."""
        return sha256(self.data).digest()


def write_dossier(about: str, data: bytes, proofs: Sequence[bytes]) -> bytes:
    """Return the dossier of words with their proofs: document, act, outcome if there is one, approvals.

    VerificationError if the result would not verify: what does not hold is never handed out.
    """
    rows = b"".join(b"proof %s\n" % to_b64(proof).encode() for proof in proofs)
    made = HEADER + b"about %s\nbytes %d\n\n" % (about.encode(), len(data)) + data + b"\n" + rows
    read_dossier(made)
    return made


def read_dossier(data: bytes) -> Dossier:
    """Verify a dossier; raise VerificationError unless every check of page 11 holds."""
    with verifying("dossier"):
        about, words, files = _take_apart(data)
        document, asking, *others = [read_proof(file) for file in files]
        media = _document(document, asking, words)
        if asking.kind != about or about not in ABOUT:
            raise VerificationError(f"The dossier is about {about}, and its act is a {asking.kind}.")
        body = canon.decode(asking.payload, _PAYLOAD)
        if body.get("content") != _ref(document):
            raise VerificationError("The act names another document.")
        if about in _HASHED and body.get("hash") != b32(sha256(words).digest()):
            raise VerificationError("The act names another hash of the words.")
        approvals = _approved(asking, body, others)
        needed = _number(body, "needed")
    return Dossier(
        about=about,
        data=words,
        media=media,
        thing=_leaf(asking),
        author=asking.author.member,
        time=asking.time,
        body=body,
        approvals=approvals,
        needed=needed,
        proofs=(document, asking, *others),
    )


def _take_apart(data: bytes) -> tuple[str, bytes, list[bytes]]:
    """Read the lines; raise InvalidError for a second spelling."""
    if len(data) > MAX_FILE:
        raise LimitError(f"A dossier has at most {MAX_FILE} bytes.")
    head = _HEAD.match(data)
    if head is None:
        raise InvalidError("It does not begin as a dossier.")
    end = head.end() + int(head[2])
    if data[end : end + 1] != b"\n":
        raise InvalidError("The words do not end where the dossier says.")
    rows = data[end + 1 :].split(b"\n")
    if rows.pop() != b"" or not LEAST < len(rows) <= MAX_PROOFS or not all(row.startswith(b"proof ") for row in rows):
        raise InvalidError("A dossier ends with its proofs, one a line: document, act and approvals.")
    files = [from_b64(row.removeprefix(b"proof ").decode("ascii", "replace"), "proof") for row in rows]
    return head[1].decode(), data[head.end() : end], files


def _document(document: Proof, asking: Proof, words: bytes) -> str:
    """Return the media type of the document; VerificationError unless it is these words, in the log of the act."""
    header, gap, payload = document.payload.partition(b"\n")
    if document.kind != "document/1" or not gap or payload != words:
        raise VerificationError("The document has other words.")
    if document.checkpoint.origin != asking.checkpoint.origin:
        raise VerificationError("The document stands in another log than the act.")
    return text(canon.decode(header, _MAX_HEADER).get("media"), "media type")


def _approved(asking: Proof, body: Mapping[str, object], others: Sequence[Proof]) -> tuple[Approval, ...]:
    """Return who approved; VerificationError unless these are enough of the voters, each once."""
    counted: list[object] | None = None
    rest = others
    if others and others[0].kind == "outcome/1":
        counted, rest = _outcome(asking, others[0]), others[1:]
    elif body.get("deadline"):
        raise VerificationError("What has a deadline is in force by its outcome, and there is none.")
    voters, needed = listed(body.get("voters"), "list of voters"), _number(body, "needed")
    found: list[Approval] = []
    for proof in rest:
        said = canon.decode(proof.payload, _PAYLOAD)
        if proof.kind != "approval/1" or said.get("of") != b32(_leaf(asking)) or said.get("answer") != "approve":
            raise VerificationError("A proof is no approval of this act.")
        if b32(proof.author.member) not in voters or (counted is not None and _ref(proof) not in counted):
            raise VerificationError("An approval is of somebody whose word does not count.")
        found.append(Approval(proof.author.member, text(said.get("person"), "person"), proof.time))
    members = {each.member for each in found}
    if len(members) != len(found) or len(found) < needed or needed < 1 or not _owners(body) <= set(map(b32, members)):
        raise VerificationError(f"The approvals are not those of {needed} different members that are needed.")
    return tuple(sorted(found))


def _outcome(asking: Proof, outcome: Proof) -> list[object]:
    """Return the approvals that an outcome counts; VerificationError unless it brings this act into force."""
    said = canon.decode(outcome.payload, _PAYLOAD)
    if said.get("of") != b32(_leaf(asking)) or said.get("result") != "in-force":
        raise VerificationError("The outcome does not bring this act into force.")
    if outcome.checkpoint.origin != asking.checkpoint.origin:
        raise VerificationError("The outcome is not its proposer's.")
    return listed(said.get("counted"), "list of approvals")


def _owners(body: Mapping[str, object]) -> set[str]:
    """Return who owns a step of a plan, and so has to be among those who approve; nobody for other acts."""
    steps = listed(body.get("steps", []), "list of steps")
    return {str(cast("dict[str, object]", each).get("owner")) if isinstance(each, dict) else "" for each in steps}


def _leaf(proof: Proof) -> bytes:
    """Return the leaf hash of the entry that a proof shows."""
    return merkle.leaf_hash(entries.leaves([proof.kind], [proof.time], [proof.salt], [proof.payload])[0])


def _ref(proof: Proof) -> str:
    return f"{b32(origin_hash(proof.checkpoint.origin))}/{proof.index}/{b32(_leaf(proof))}"


def _number(body: Mapping[str, object], name: str) -> int:
    value = body.get(name)
    if type(value) is not int:
        raise VerificationError(f"The act does not say how many are {name}.")
    return value
