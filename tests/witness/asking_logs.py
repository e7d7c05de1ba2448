"""Logs that ask for cosignatures: small trees with keys of their own, and what they would send."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from entente.core import merkle, note
from entente.ledger import cosigner

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVES = 40


@dataclass
class Log:
    """A log with its whole tree; `other` gives one with the same key and another history from a leaf on."""

    origin: str = "log.example/ports"
    seed: bytes = bytes([7]) * 32
    leaves: list[bytes] = field(default_factory=lambda: [f"entry {at}".encode() for at in range(LEAVES)])

    def __post_init__(self) -> None:
        self.hashes = merkle.leaf_hashes(self.leaves)
        self.signer = note.Signer(self.origin, note.ED25519, self.seed)

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey()

    def other(self, at: int) -> Log:
        return Log(self.origin, self.seed, [*self.leaves[:at], *(b"other " + leaf for leaf in self.leaves[at:])])

    def checkpoint(self, size: int) -> note.Checkpoint:
        return note.Checkpoint(self.origin, size, merkle.root(self.hashes[:size]))

    def head(self, size: int) -> bytes:
        return note.sign_checkpoint(self.checkpoint(size), self.signer)

    def proof(self, old: int, new: int) -> list[bytes]:
        return merkle.consistency_proof(old, new, merkle.reader(self.hashes[:new])) if old <= new else []

    def body(self, old: int, new: int, proof: Sequence[bytes] | None = None) -> bytes:
        return cosigner.submission(old, self.proof(old, new) if proof is None else proof, self.head(new))


def signed(log: Log, text: str) -> bytes:
    """Return any text as a note of this log."""
    return f"{text}\n".encode() + note.sign(text, log.signer)


def line(data: bytes) -> bytes:
    return b64encode(data) + b"\n"
