"""Evidence of a split view: an author's head and another member's cosignature that cannot both be true of one log.

docs/protocol/2-ledger.md, "Evidence of a split view": one of the two has signed what is not so; it does not say which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon, merkle
from entente.core import note as notes
from entente.core.errors import LimitError, VerificationError
from entente.core.ids import ID_SIZE, Member, b32, unb32
from entente.ledger.document import MAX_FILE, check_version, fields, from_b64, listed, mapping, text, to_b64, verifying
from entente.ledger.history import KeyHistory, check_history, own_line, read_history

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "entente-split-view"
START = f'{{"{NAME}":'.encode()
_FIELDS = (NAME, "keys", "line", "member", "note", "other", "proof", "root", "seen", "size")
_MAX_PROOF = 2 * 64


class SplitView(Struct, frozen=True, kw_only=True):
    """What the author signed (`note`), and what `other` says it saw at `size`: the root `seen`, in its `line`.

    `root` is the root at that size in the author's tree, and `proof` leads from it to the note; both are empty where
    the note has that size itself.
    """

    author: KeyHistory
    other: KeyHistory
    note: bytes
    line: str
    size: int
    seen: bytes
    root: bytes = b""
    proof: tuple[bytes, ...] = ()

    @property
    def origin(self) -> str:
        """The log that the two disagree about."""
        return notes.Note.parse(self.note).text.partition("\n")[0]

    @property
    def sizes(self) -> tuple[int, int]:
        """How many entries the cosignature and the note speak of."""
        return self.size, notes.Checkpoint.parse(notes.Note.parse(self.note).text).size


def make(
    author: KeyHistory,
    other: KeyHistory,
    note: bytes,
    said: tuple[int, bytes, str],
    ours: tuple[bytes, Sequence[bytes]],
) -> SplitView:
    """Return evidence from the author's note and what the other said (size, root, line).

    `ours` are the root at that size in the author's tree and the proof from it to the note. Raise VerificationError if
    this shows nothing.
    """
    with verifying("split view"):
        head = own_line(note, author.signer(notes.Note.parse(note)))
        whole = notes.Checkpoint.parse(notes.Note.parse(head).text).size == said[0]
    made = SplitView(
        author=author,
        other=other,
        note=head,
        line=said[2],
        size=said[0],
        seen=said[1],
        root=b"" if whole else ours[0],
        proof=() if whole else tuple(ours[1]),
    )
    check(made)
    return made


def check(found: SplitView) -> None:
    """Accept evidence that shows a split view; raise VerificationError for everything else."""
    with verifying("split view"):
        author = check_history(None, found.author.note, found.author.entries)
        other = check_history(None, found.other.note, found.other.entries)
        if author.member == other.member:
            raise VerificationError("The author has not cosigned its own log; a fork has evidence of its own.")
        signer = author.signer(notes.Note.parse(found.note))
        point = notes.open_checkpoint(found.note, signer)
        if own_line(found.note, signer) != found.note:
            raise VerificationError("The note carries other lines than its author's.")
        _check_line(other, point.origin, found)
        if not 1 <= found.size <= point.size:
            raise VerificationError("The cosignature speaks of more entries than the note.")
        between = found.root
        if found.size == point.size:
            if found.root or found.proof:
                raise VerificationError("A cosignature of the note's size needs no proof.")
            between = point.root
        else:
            merkle.verify_consistency(found.size, between, point.size, point.root, found.proof)
        if between == found.seen:
            raise VerificationError("The two agree; this is no split view.")


def _check_line(other: KeyHistory, origin: str, found: SplitView) -> None:
    given = notes.Signature.parse(found.line)
    for verifier in other.cosigners():
        if (verifier.name, verifier.key_id) == (given.name, given.key_id):
            notes.verify_cosignature(notes.Checkpoint(origin, found.size, found.seen), found.line, verifier)
            return
    raise VerificationError("The line is no cosignature of this member.")


def to_json(found: SplitView) -> bytes:
    """Return the evidence file; raise VerificationError if it would show nothing."""
    check(found)
    return canon.encode(
        {
            NAME: 1,
            "keys": {b32(each.member): each.document() for each in (found.author, found.other)},
            "line": found.line,
            "member": b32(found.author.member),
            "note": found.note.decode(),
            "other": b32(found.other.member),
            "proof": [to_b64(each) for each in found.proof],
            "root": to_b64(found.root),
            "seen": to_b64(found.seen),
            "size": found.size,
        }
    )


def from_json(data: bytes) -> SplitView:
    """Verify an evidence file; raise VerificationError unless it shows a split view."""
    with verifying("split view"):
        if len(data) > MAX_FILE:
            raise LimitError(f"An evidence file has at most {MAX_FILE} bytes.")
        body = fields(canon.decode(data, MAX_FILE), _FIELDS, "split view")
        check_version(body[NAME], "split view")
        keys = mapping(body["keys"], "keys")
        names = [text(body[name], name) for name in ("member", "other")]
        if set(keys) != set(names):
            raise VerificationError("The keys in the file are not those of the two members that it names.")
        author, other = (_history(keys[name], name) for name in names)
        steps, size = listed(body["proof"], "consistency proof"), body["size"]
        if len(steps) > _MAX_PROOF or type(size) is not int:
            raise VerificationError("The consistency proof is too long, or the size is no number.")
        found = SplitView(
            author=author,
            other=other,
            note=text(body["note"], "note").encode(errors="surrogatepass"),
            line=text(body["line"], "line"),
            size=size,
            seen=from_b64(body["seen"], "root", merkle.HASH_SIZE),
            root=from_b64(body["root"], "root", None if body["root"] == "" else merkle.HASH_SIZE),
            proof=tuple(from_b64(step, "hash of the proof", merkle.HASH_SIZE) for step in steps),
        )
    check(found)
    return found


def _history(document: object, name: str) -> KeyHistory:
    history = read_history(document)
    if Member(unb32(name, ID_SIZE)) != history.member:
        raise VerificationError("A key history in the file is another member's.")
    return history
