"""Bundles: exchange with a partner through files only, by the code that exchanges over the network.

docs/protocol/9-bundle.md; the format is in `exchange.bundle`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, LimitError, RefusedError, VerificationError
from entente.core.ids import Member, b32
from entente.core.times import AHEAD
from entente.exchange import bundle
from entente.exchange.bundle import BundleManifest, Parser, PartnerBundle
from entente.exchange.messages import Message, Refusal, encode
from entente.exchange.round import Round
from entente.node.exchange.sealing import seal, unseal
from entente.node.exchange.side import MemberSide
from entente.node.home.guard import SHOWN
from entente.node.home.pairings import is_paired, pairing
from entente.node.partners.values import BundleMade, BundleTaken, Flow
from entente.node.recall import retention
from entente.store import shelf

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node.agreements.agreements import Agreements
    from entente.node.exchange.rounds import Rounds
    from entente.node.home.base import Base
    from entente.node.partners.partners import Partners
    from entente.store.ports import Transaction

BUNDLED = shelf.msgpack("bundled", PartnerBundle)
"""What the newest bundle of each partner said."""
"""The space that is emptied when a doubt ends: what was asked in an earlier doubt is no longer asked."""
MAX_FILE = bundle.MAX_BYTES + (bundle.MAX_BYTES >> 10)
"""Bytes of a file that can hold a bundle: age adds 16 to each 64 KiB, and a header."""
MAX_OWED = 100

Progress = Callable[[str, int, int], None]


class VerifiedBundle(Struct):
    """What a bundle holds, once all of it was verified: the hash of each message, to know them again."""

    manifest: BundleManifest
    public: bytes
    digests: list[bytes]


class Bundles:
    """Write bundles for partners and take theirs."""

    def __init__(self, base: Base, partners: Partners, rounds: Rounds, agreements: Agreements) -> None:
        """Work on this base, with the parts that also serve the network."""
        self._base = base
        self._partners = partners
        self._rounds = rounds
        self._agreements = agreements

    def export(self, partner: str, out: Path, progress: Progress | None = None) -> BundleMade:
        """Write what a confirmed partner is supposed to lack into a new file, sealed to it.

        ConflictError if the file exists, RefusedError for a member that was not confirmed, WaitingError while the
        keys are locked; then there is no file.
        """
        base = self._base
        seed = base.keys.secrets.seed("transport")
        retention.sweep(base)
        self._agreements.settle()
        with base.store.write() as tx:
            member = base.find_member(tx, partner)
            self._check_confirmed(tx, member)
            recipient = base.history(tx, member).current.recipient
            manifest = self._manifest(tx, member)
        if not recipient:
            raise ConflictError(
                "This partner has no key yet that a bundle could be sealed to.",
                hint="It must open its home with a newer Entente and hand you its card: `entente partner add CARD`.",
            )
        base.guard.mark()
        with base.store.read() as tx, _created(out) as file:
            round_ = Round(MemberSide(base, learns=False), member)
            messages = bundle.compose(tx, round_, known(tx, member)) if is_paired(tx, member) else iter(())
            seal(bundle.write(manifest, seed, _bodies(messages, round_, progress)), file, recipient)
        return BundleMade(b32(member), str(out), out.stat().st_size, round_.flow.sent_entries)

    def _manifest(self, tx: Transaction, member: Member) -> BundleManifest:
        base = self._base
        nonce, unsure = base.random(bundle.NONCE_SIZE), bool(base.guard.doubted(tx))
        if unsure:
            SHOWN.put(tx, _asked(member), nonce)
        return BundleManifest(
            sender=base.me,
            reader=member,
            created=base.clock(),
            nonce=nonce,
            answers=known(tx, member).nonce,
            unsure=unsure,
            keys=base.history(tx, base.me),
        )

    def take(self, file: Path, progress: Progress | None = None) -> BundleTaken:
        """Verify all of a bundle, then take its messages as if they came over the network; again is no harm.

        VerificationError for a file that is damaged, forged or somebody else's, RefusedError for one of a member that
        was not confirmed, LimitError where it is too large, WaitingError while the keys are locked: nothing changed.
        """
        with file.open("rb") as stream:
            seen = self._verify(stream, progress)
            self._meet(seen)
            retention.sweep(self._base)
            stream.seek(0)
            round_ = self._play(stream, seen, progress)
            flow = round_.flow
            if self._agreements.settle() and round_.stuck:  # what was refused may follow from what came into force
                stream.seek(0)
                round_ = self._play(stream, seen, progress)
                flow.received_entries += round_.flow.received_entries
                flow.received_bytes += round_.flow.received_bytes
        return BundleTaken(
            b32(seen.manifest.sender),
            Flow(flow.received_entries, flow.received_bytes),
            [*_rows("us", round_.stuck), *_rows("partner", round_.refused)],
        )

    def _verify(self, stream: BinaryIO, progress: Progress | None) -> VerifiedBundle:
        """Read all of it and change nothing."""
        if not stream.seekable():
            raise InvalidError("A bundle is read twice, so it must be a file.", hint="Copy it to a file first.")
        if os.fstat(stream.fileno()).st_size > MAX_FILE:
            raise LimitError(f"A bundle has at most {bundle.MAX_BYTES:,} bytes; this file is larger.")
        found: list[tuple[BundleManifest, bytes]] = []
        digests: list[bytes] = []

        def admit(manifest: BundleManifest) -> bytes:
            found.append((manifest, self._admit(manifest)))
            return found[0][1]

        def take(body: bytes, _message: Message) -> None:
            digests.append(sha256(body).digest())
            if progress is not None:
                progress("verify", len(digests), 0)

        self._read(stream, Parser(admit, take))
        manifest, public = found[0]
        return VerifiedBundle(manifest, public, digests)

    def _read(self, stream: BinaryIO, parser: Parser) -> None:
        unseal(stream, self._base.keys.secrets.identity, parser.feed)
        parser.close()

    def _admit(self, manifest: BundleManifest) -> bytes:
        """Return the transport key that must have signed; raise unless we have confirmed its owner."""
        base = self._base
        if manifest.reader != base.me:
            raise VerificationError("This bundle was made for another member.")
        with base.store.read() as tx:
            self._check_confirmed(tx, manifest.sender)
            return bundle.newer(base.history(tx, manifest.sender), manifest.keys).current.transport

    def _check_confirmed(self, tx: Transaction, member: Member) -> None:
        record = pairing(tx, member)
        if record is None or record.dead or not record.ours:
            raise RefusedError(
                f"You have not confirmed {self._base.name_of(tx, member)}.",
                code="not-entitled",
                hint="Compare its six words first: `entente partner add CARD`, then `entente partner confirm`.",
            )

    def _meet(self, seen: VerifiedBundle) -> None:
        """Take newer keys of the sender, and its word that it has accepted us."""
        base, manifest = self._base, seen.manifest
        sender = manifest.sender
        with base.store.read() as tx:
            held = base.history(tx, sender).size
        if manifest.keys.size > held:
            document = {"entente-card": 1, "member": b32(sender), "keys": manifest.keys.document()}
            self._partners.add(canon.encode(document))
        with base.store.read() as tx:
            if base.history(tx, sender).current.transport != seen.public:
                raise RefusedError("The sender's new keys are not accepted here yet.", code="not-entitled")
        self._partners.accepted(sender, {"accepted": True})
        with base.store.read() as tx:
            if not is_paired(tx, sender):
                raise RefusedError(
                    "This member is suspended or not paired; you exchange nothing with it now.", code="not-entitled"
                )
        self._rounds.heard(sender)

    def _play(self, stream: BinaryIO, seen: VerifiedBundle, progress: Progress | None) -> Round:
        """Take the messages that were verified, each in its own transaction, and note what the sender holds."""
        round_ = self._round(seen.manifest)
        digests = iter(seen.digests)
        opening: list[Message] = []
        done = 0

        def take(body: bytes, message: Message) -> None:
            nonlocal done
            if next(digests, b"") != sha256(body).digest():
                raise VerificationError("The file was changed while it was read.", hint="Read it again.")
            self._rounds.take(round_, message)
            round_.stuck, round_.refused = _some(news(round_.stuck)), _some(round_.refused)
            if message.full and not opening:
                opening.append(message)
            done += 1
            if progress is not None:
                progress("import", done, len(seen.digests))

        self._read(stream, Parser(lambda _manifest: seen.public, take))
        self._note(seen.manifest, opening[0] if opening else Message(), round_.stuck)
        return round_

    def _round(self, manifest: BundleManifest) -> Round:
        """Return the answering side; heads in the bundle count against doubt only if they answer what we asked."""
        base = self._base
        with base.store.read() as tx:
            fresh = SHOWN.get(tx, _asked(manifest.sender)) == manifest.answers
        return Round(MemberSide(base, learns=fresh), manifest.sender)

    def _note(self, manifest: BundleManifest, opening: Message, stuck: list[Refusal]) -> None:
        """Keep what the newest bundle of this partner said; a clock of its that once ran ahead does not count."""
        base = self._base
        with base.store.write() as tx:
            before = known(tx, manifest.sender).created
            if manifest.created < before <= base.clock() + AHEAD:
                return
            said = PartnerBundle(
                created=manifest.created,
                nonce=manifest.nonce,
                unsure=manifest.unsure,
                heads=opening.heads,
                tally=opening.tally,
                wants=opening.wants,
                withheld=opening.withheld,
                owed=stuck,
            )
            BUNDLED.put(tx, b32(manifest.sender), said)


def known(tx: Transaction, partner: Member) -> PartnerBundle:
    """Return what the newest bundle of a partner said; nothing in it if there was none."""
    return BUNDLED.get(tx, b32(partner)) or PartnerBundle()


def news(refusals: list[Refusal]) -> list[Refusal]:
    """Return refusals without those of heads that are older than the ones held: bundles come in any order."""
    return [each for each in refusals if each.code != "stale"]


def _asked(partner: Member) -> str:
    return f"bundle/{b32(partner)}"


def _bodies(messages: Iterator[Message], round_: Round, progress: Progress | None) -> Iterator[bytes]:
    """Return messages as bytes, as many as one bundle holds; the next one has the rest."""
    size = 0
    for number, message in enumerate(messages, 1):
        body = encode(message)
        size += len(body)
        yield body
        if progress is not None:
            progress("export", round_.flow.sent_entries, 0)
        if number == bundle.MAX_FRAMES or size > bundle.MAX_BYTES - (16 << 20):
            return


def _some(refusals: list[Refusal]) -> list[Refusal]:
    """Return what is kept of refusals, however many a bundle brings or causes."""
    return [Refusal(each.code[:64], each.subject[:200], each.text[:500]) for each in refusals[:MAX_OWED]]


def _rows(by: str, refusals: list[Refusal]) -> list[dict[str, str]]:
    return [{"by": by, "code": each.code, "subject": each.subject, "text": each.text} for each in refusals]


@contextmanager
def _created(out: Path) -> Generator[BinaryIO]:
    """Give a new file that only its owner reads; it is whole and on disk afterwards, or not there."""
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConflictError(
            f"{out.name} exists already.", hint="Name a new file; bundles are never replaced."
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        out.unlink(missing_ok=True)
        raise
