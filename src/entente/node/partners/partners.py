"""Partners: invite, join, cards, words, acceptance (docs/protocol/5-pairing.md)."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from entente.core import canon
from entente.core.errors import (
    ConflictError,
    EntenteError,
    InvalidError,
    LimitError,
    NotFoundError,
    RefusedError,
    VerificationError,
)
from entente.core.ids import Member, b32, parse_words, unb32, words
from entente.core.shape import part
from entente.core.times import stamp
from entente.exchange.pairing import LIFETIME, MAX_LIVE, Inviter, Joiner, make_code, place_in
from entente.ledger import keys as key_logs
from entente.node.home.checked import checked
from entente.node.home.pairings import PAIRINGS, Pairing, pairing
from entente.node.home.written import PathLike, write_file
from entente.node.logs import evidence
from entente.node.partners.cards import make_card, read_card, take_card
from entente.node.partners.values import CardWritten, Confirmed, Invitation, Met, Partner
from entente.store import shelf

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from entente.ledger.history import KeyHistory
    from entente.node.home.base import Base
    from entente.node.partners.caller import Caller
    from entente.store.ports import Transaction

STEP = 2 * 60 * 1000


class _Invite(Struct, frozen=True):
    code: str
    expires: int


INVITES: Final = shelf.json("invite", _Invite)
"""Open codes by their place."""


@checked
class Partners:
    """Pairing from this member's side, and the answers to others who pair with it."""

    def __init__(self, base: Base, caller: Caller) -> None:
        """Work on this base and call through this caller."""
        self._base = base
        self._caller = caller
        self._inviting: dict[str, tuple[int, Inviter]] = {}
        self._lock = threading.Lock()

    def card(self, of: str = "") -> bytes:
        """Return a card, a JSON document that a partner reads with `add`: ours, or that of another member.

        NotFoundError for an unknown member.
        """
        with self._base.store.read() as tx:
            member = self._base.find_member(tx, of) if of else self._base.me
            return make_card(self._base.history(tx, member))

    def write_card(self, out: PathLike, of: str = "") -> CardWritten:
        """Write a card into a file: ours, or that of another member.

        NotFoundError for an unknown member; InvalidError or NotFoundError if it cannot be written there.
        """
        card = self.card(of)
        written = write_file(out, [card])
        history = read_card(card)
        six = list(words(history.member))
        return CardWritten(b32(history.member), history.current.name, six, written.out, written.bytes)

    def invite(self) -> Invitation:
        """Make a short code, good for ten minutes and one try; LimitError with three live ones."""
        now = self._base.clock()
        with self._base.store.write() as tx:
            self._sweep(tx, now)
            places = INVITES.keys(tx)
            if len(places) >= MAX_LIVE:
                raise LimitError(
                    f"{MAX_LIVE} codes are open already.", hint="Use one of them, or wait until they expire."
                )
            code = make_code(self._base.random, places)
            record = _Invite(code, now + LIFETIME * 1000)
            INVITES.put(tx, code[:3], record)
            url = self._base.history(tx, self._base.me).current.url
        return Invitation(url, code, stamp(record.expires))

    def join(self, url: str, code: str) -> Met:
        """Call an inviter with the code it read out; VerificationError when the code is wrong."""
        joiner = Joiner(code, self.card(), self._base.random)
        answer = self._caller.plain(url, "/entente/v1/pair", joiner.first())
        card, last = joiner.second(answer)
        met = self._meet(read_card(card))
        self._caller.plain(url, "/entente/v1/pair", last)
        return met

    def answer(self, request: dict[str, object]) -> dict[str, object]:
        """Answer a joiner; NotFoundError for a code that is unknown, used or expired, VerificationError if wrong."""
        place = place_in(request)
        now = self._base.clock()
        if "pake" in request:
            with self._base.store.write() as tx:
                self._sweep(tx, now)
                invite = INVITES.get(tx, place)
                INVITES.drop(tx, place)
            if invite is None:
                raise NotFoundError("This code is unknown, used or expired.", hint="Ask for a new one.")
            inviter = Inviter(invite.code, self.card(), self._base.random)
            reply = inviter.first(request)
            with self._lock:
                self._inviting = {key: each for key, each in self._inviting.items() if each[0] > now}
                self._inviting[place] = (now + STEP, inviter)
            return reply
        with self._lock:
            _, waiting = self._inviting.pop(place, (0, None))
        if waiting is None:
            raise NotFoundError("Nobody is pairing at this place.", hint="Ask for a new code.")
        self._meet(read_card(waiting.second(request)))
        return {"ok": True}

    def _sweep(self, tx: Transaction, now: int) -> None:
        for key, invite in INVITES.all(tx):
            if invite.expires <= now:
                INVITES.drop(tx, key)

    def add(self, card: bytes) -> Met:
        """Read a partner's card; a newer card of a known member updates its address.

        InvalidError or LimitError for what is no card, VerificationError for one that does not hold, ConflictError for
        our own or a name that is taken.
        """
        return self._meet(read_card(card))

    def _meet(self, history: KeyHistory) -> Met:
        member = history.member
        if member == self._base.me:
            raise ConflictError("This is your own card.", hint="Exchange cards with the partner.")
        with self._fork_kept(history), self._base.commit() as tx:
            self._check_name(tx, history)
            pending = not take_card(tx, history)
            record = pairing(tx, member)
            if record is None or record.dead:
                record = Pairing(self._base.clock())
                PAIRINGS.put(tx, b32(member), record)
            name = self._base.name_of(tx, member)
        return Met(b32(member), name, list(words(member)), "succession" if pending else record.state)

    def learn(self, request: dict[str, object]) -> None:
        """Take the card with which a known member calls, or keep its new keys as pending (RefusedError "succession").

        NotFoundError without a living pairing.
        """
        if request.keys() != {"card"}:
            raise InvalidError('The body must be {"card": {…}}.')
        card = part(request, "card")
        member = Member(unb32(str(card.get("member")), 32))
        with self._base.store.read() as tx:
            record = pairing(tx, member)
        if record is None or record.dead:
            raise NotFoundError("This member is not known here.")
        history = read_card(canon.encode(dict(card)))
        with self._fork_kept(history), self._base.commit() as tx:
            taken = take_card(tx, history)
        if not taken:
            raise RefusedError("Your new keys wait for the approval of the other members.", code="succession")

    @contextmanager
    def _fork_kept(self, history: KeyHistory) -> Generator[None]:
        """Keep evidence where this card and what is held are two histories of one member, and stop that key log."""
        try:
            yield
        except VerificationError:
            with self._base.store.write() as tx:
                found = key_logs.fork_of(tx, history)
                if found is not None:
                    evidence.keep(self._base, tx, key_logs.open_log(tx, history.member), found)
            raise

    def greeting(self, _member: Member) -> dict[str, object]:
        """Return our card as the answer to a member that called with its own."""
        return {"card": canon.decode(self.card())}

    def _check_name(self, tx: Transaction, history: KeyHistory) -> None:
        """Refuse a chosen name that could be taken for another member."""
        name = history.current.name.casefold()
        for key in PAIRINGS.keys(tx):
            other = Member(unb32(key, 32))
            if other != history.member and self._base.name_of(tx, other).casefold() == name:
                raise ConflictError(f"Another partner is called {history.current.name!r} already.")
        if self._base.name_of(tx, self._base.me).casefold() == name:
            raise ConflictError(f"The partner calls itself {history.current.name!r}, which is your own name.")

    def confirm(self, member: str, given: str) -> Confirmed:
        """Accept a partner whose own six words these are; wrong words kill the pairing (VerificationError "words")."""
        with self._base.store.write() as tx:
            partner = self._base.find_member(tx, member)
            record = pairing(tx, partner)
            if record is None or record.dead:
                raise NotFoundError("There is no living pairing with this member.", hint="Pair again.")
            wrong = parse_words(given) != words(partner)
            record = structs.replace(record, dead=True) if wrong else structs.replace(record, ours=True)
            PAIRINGS.put(tx, b32(partner), record)
        if wrong:
            raise VerificationError(
                "These are not the words of this member; the pairing is dead.",
                code="words",
                hint="Somebody may stand between you. Check by another channel, then pair again.",
            )
        try:
            record = self.tell(partner)
        except EntenteError:
            self._base.changed.set()  # the partner cannot be reached now: a running node tells it later
        return Confirmed(b32(partner), record.state)

    def tell(self, partner: Member) -> Pairing:
        """Tell a partner that we accepted, and learn whether it did."""
        answer = self._caller.json(partner, "/entente/v1/accept", {"accepted": True})
        return self._learn(partner, accepted=answer.get("accepted") is True)

    def accepted(self, partner: Member, body: dict[str, object]) -> dict[str, object]:
        """Answer a partner that says whether it accepted."""
        if body.keys() != {"accepted"} or not isinstance(body["accepted"], bool):
            raise InvalidError('The body must be {"accepted": true} or {"accepted": false}.')
        record = self._learn(partner, accepted=body["accepted"])
        return {"accepted": record.ours and not record.dead}

    def _learn(self, partner: Member, *, accepted: bool) -> Pairing:
        with self._base.store.write() as tx:
            record = pairing(tx, partner)
            if record is None or record.dead:
                raise NotFoundError("There is no living pairing with this member.")
            if accepted and not record.theirs:
                record = structs.replace(record, theirs=True)
                PAIRINGS.put(tx, b32(partner), record)
        return record

    def list(self) -> Sequence[Partner]:
        """Return all partners, in the order in which they were met."""
        with self._base.store.read() as tx:
            return [info for _, info in sorted(self._infos(tx), key=lambda pair: pair[0])]

    def _infos(self, tx: Transaction) -> Sequence[tuple[int, Partner]]:
        found: list[tuple[int, Partner]] = []
        for key, record in PAIRINGS.all(tx):
            member = Member(unb32(key, 32))
            current = self._base.history(tx, member).current
            found.append((record.since, Partner(key, current.name, current.url, record.state, list(words(member)))))
        return found

    def members(self, state: str) -> Sequence[Member]:
        """Return the partners in this state, by id."""
        with self._base.store.read() as tx:
            records = PAIRINGS.all(tx)
        return [Member(unb32(key, 32)) for key, record in records if record.state == state]
