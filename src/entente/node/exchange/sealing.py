"""Seal a stream of bytes to a member's sealing key in the age format, and open it again; neither is ever held whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from entente.core.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Source:
    """Chunks as a file that is read; an error of theirs is kept, because the library would only tell its words."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = memoryview(b"")
        self.problem: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._held:
                self._held = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as problem:
            self.problem = problem
            raise
        size = len(self._held) if size < 0 else size
        data, self._held = bytes(self._held[:size]), self._held[size:]
        return data


class _Sink:
    """What takes the opened bytes, as a file that is written; an error of its own is kept."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self.problem: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self._take(bytes(data))
        except BaseException as problem:
            self.problem = problem
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""


def seal(chunks: Iterator[bytes], out: BinaryIO, recipient: str) -> None:
    """Write the chunks to `out`, sealed to an age recipient (`age1…`); raise what the chunks or `out` raise."""
    import pyrage

    source, sink = _Source(chunks), _Sink(lambda data: _write(out, data))
    try:
        pyrage.encrypt_io(source, sink, [pyrage.x25519.Recipient.from_str(recipient)])
    except (pyrage.EncryptError, OSError) as problem:
        raise source.problem or sink.problem or problem from problem


def unseal(stream: BinaryIO, identity: str, take: Callable[[bytes], None]) -> None:
    """Give the opened bytes to `take` as they come, each authenticated but not yet known to be all.

    VerificationError where the file is not sealed to this age identity, was changed, or ends too early; what `take`
    and the stream raise is raised as it is.
    """
    import pyrage

    sink = _Sink(take)
    source = _Source(iter(lambda: stream.read(1 << 16), b""))
    try:
        pyrage.decrypt_io(source, sink, [pyrage.x25519.Identity.from_str(identity)])
    except (pyrage.DecryptError, OSError) as problem:
        if own := sink.problem or source.problem:
            raise own from None
        raise VerificationError(
            f"This file cannot be opened: {problem}.",
            hint="It is damaged, no bundle, or made for another member. Copy it again, or ask its maker for a new one.",
        ) from None


def _write(out: BinaryIO, data: bytes) -> None:
    out.write(data)
