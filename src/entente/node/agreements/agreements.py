"""Agreements and circles: propose, sign, list; what follows when they come into force (docs/protocol/3-kinds.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from entente.core.ids import Member, b32, identity_id
from entente.core.marking import Tlp, parse
from entente.core.times import stamp
from entente.kinds.agreement import KIND as AGREEMENT
from entente.kinds.exit import KIND as EXIT
from entente.kinds.membership import KIND as MEMBERSHIP
from entente.kinds.person import KIND as PERSON
from entente.kinds.profile import KIND as PROFILE
from entente.kinds.suspension import KIND as SUSPENSION
from entente.ledger.log import Draft
from entente.node.agreements.changes import Changes
from entente.node.agreements.epochs import share_backlog, switch
from entente.node.agreements.values import (
    AgreementInfo,
    ApprovalInfo,
    CircleInfo,
    LeaverInfo,
    OpenedCircle,
    Proposed,
    Signed,
    SuspensionInfo,
    TemplateInfo,
)
from entente.node.home import answers, remarks
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.home.keyring import settle as carry_over
from entente.node.home.pairings import is_paired
from entente.node.home.people import operator, people
from entente.node.home.people import own_profile as own
from entente.node.items import claims
from entente.node.partners.successions import apply_due
from entente.node.rooms import offers
from entente.node.rooms.in_force import InForce, require_force
from entente.policy.agreement import FoundingText
from entente.policy.approval import State
from entente.policy.circle import CircleText
from entente.policy.templates import TEMPLATES, terms_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.node.home.base import Base
    from entente.node.rooms.room import Room
    from entente.store.ports import Transaction


MAX_STEPS = 64
"""How often `settle` goes round before it lets others work."""


@checked
class Agreements:
    """What this member has agreed to, and with whom."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base
        self.changes = Changes(base)
        self._settled = -1

    @staticmethod
    def templates() -> Sequence[TemplateInfo]:
        """Return the ready-made terms that `propose` knows."""
        return [TemplateInfo(name, found.to_dict()) for name, found in TEMPLATES.items()]

    def propose(
        self,
        with_: Sequence[str],
        *,
        name: str = "",
        template: str = "",
        terms: Mapping[str, object] | None = None,
        ceiling: str = "",
        person: str = "",
    ) -> Proposed:
        """Propose an agreement to paired partners; proposing is not signing. Raises RefusedError for others."""
        base = self._base
        agreed = terms_from(template or None, dict(terms) if terms else None)
        with base.commit() as tx:
            operator(tx, person)
            partners = self._partners(tx, with_)
            names = " and ".join(base.name_of(tx, member) for member in [base.me, *partners])
            text = FoundingText.make(
                name or self._free_name(tx, names[:72]),
                [base.me, *partners],
                agreed,
                nonce=base.random(32),
                secret=base.random(32),
                ceiling=parse(ceiling) if ceiling else Tlp.AMBER,
            )
            self._check_name(tx, text.name)
            room = self._open(tx, canon.encode({"v": 1, "agreement": text.to_dict()}), text.circle.id(text.id))
            body = canon.encode({"agreement": b32(text.id), "text": text.to_dict()})
            base.append(tx, room, [Draft(AGREEMENT.name, base.clock(), b"", body)])
        return Proposed(b32(text.id), b32(room.key), "proposed")

    def _free_name(self, tx: Transaction, name: str) -> str:
        """Return `name`, with a number if an agreement is called so already."""
        taken = {each.agreement_name for each in offers.load(tx).newest() if each.founding}
        numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
        return next(each for each in (name, *numbered) if each not in taken)

    def _check_name(self, tx: Transaction, name: str) -> None:
        if any(each.founding and each.agreement_name == name for each in offers.load(tx).newest()):
            raise ConflictError(f"There is an agreement {name!r} already.", hint="Give it another --name.")

    def _partners(self, tx: Transaction, with_: Sequence[str]) -> Sequence[Member]:
        members = [self._base.find_member(tx, text) for text in with_]
        for member in members:
            if member == self._base.me:
                raise InvalidError("You are a member anyway; name the others only.")
            if not is_paired(tx, member):
                raise RefusedError(
                    f"{self._base.name_of(tx, member)} is not paired with you yet.",
                    code="not-paired",
                    hint="Both sides confirm the other's words: `entente partner confirm`.",
                )
        if not members or len(set(members)) != len(members):
            raise InvalidError("Name one or more different partners.")
        return members

    def _open(self, tx: Transaction, offer: bytes, circle: bytes) -> Room:
        base = self._base
        offers.take(tx, offers.load(tx), offer, me=base.me, by=base.me, time=base.clock(), open_=0)
        return offers.load(tx).require(circle)

    def open_circle(
        self, agreement: str, with_: Sequence[str], *, name: str = "", ceiling: str = "", person: str = ""
    ) -> OpenedCircle:
        """Open a circle of some members of an agreement in force; the members named sign it.

        `ceiling` is a marking, the agreement's highest if empty. NotFoundError for an unknown agreement or member,
        RefusedError for one that is not in it, InvalidError for a name or marking that cannot be.
        """
        base = self._base
        with base.commit() as tx:
            operator(tx, person)
            in_force = base.in_force(tx)
            founding = self._find(in_force, agreement)
            require_force(in_force, founding)
            members = [base.me, *(base.find_member(tx, text) for text in with_)]
            if outside := set(members) - set(founding.members):
                raise RefusedError(
                    f"{', '.join(sorted(base.name_of(tx, each) for each in outside))} is not in this agreement.",
                    code="circle",
                    hint="Only members of the agreement can be in its circles.",
                )
            level = parse(ceiling) if ceiling else founding.text.ceiling
            text = CircleText.make(name or f"Circle of {len(members)}", members, base.random(32), level)
            told: dict[str, object] = {"v": 1, "agreement": b32(founding.agreement), "circle": text.to_dict()}
            told |= {} if founding.epoch == 1 else {"revision": b32(founding.revision)}
            room = self._open(tx, canon.encode(told), text.id(founding.agreement))
            body = canon.encode({"agreement": b32(founding.agreement), "circle": b32(room.key), "text": text.to_dict()})
            base.append(tx, room, [Draft(MEMBERSHIP.name, base.clock(), b"", body)])
        return OpenedCircle(b32(room.key), "proposed")

    def sign(self, id_: str, *, refuse: bool = False, person: str = "") -> Signed:
        """Give this member's one final answer to an agreement, circle or amendment (ConflictError if it was given)."""
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            in_force = base.in_force(tx)
            if (amendment := self.changes.find(in_force, id_)) is not None:
                self.changes.sign(tx, in_force, amendment, who, refuse=refuse)
                done = self.changes.signed(base.in_force(tx), amendment)
                switch(base, tx)
            else:
                room = self._find_any(in_force, id_)
                done = self._sign(tx, in_force, room, who, refuse=refuse)
        return done

    def _sign(self, tx: Transaction, in_force: InForce, room: Room, who: str, *, refuse: bool) -> Signed:
        base = self._base
        thing = room.revision if room.founding else room.circle
        given = answers.given(in_force, thing, refuse=refuse)
        if given is None and not self._is_asked(room):
            raise ConflictError(f"{room.agreement_name} needs no signature of yours now.")
        if given is None:
            answers.append(base, tx, room, thing, _proposed(in_force, room), refuse=refuse, person=who)
            in_force = base.in_force(tx)
            self.publish(tx, in_force, room)
        state = in_force.state(room)
        public = room.agreement if room.founding else room.circle
        return Signed(b32(public), "waiting" if state is State.PROPOSED else state.value)

    def _is_asked(self, room: Room) -> bool:
        """Say whether this member's answer to the circle or agreement counts for anything."""
        return not room.founding or room.first or self._base.me in room.newcomers

    def publish(self, tx: Transaction, in_force: InForce, only: Room | None = None) -> bool:
        """Say who we are in every circle that has come into force, or in one; return whether anything was new.

        After an answer it is the circle concerned alone, so that no other circle shows when the answer was given.
        """
        base = self._base
        said = False
        for room in in_force.rooms.newest():
            if not in_force.usable(room) or in_force.gone(room) or room.key != (only or room).key:
                continue
            drafts: list[Draft] = []
            profile = own(tx, base.name_of(tx, base.me), identity_id(base.me))
            if in_force.view.states[PROFILE.name].get(room.key, {}).get(base.me) != profile:
                body = {
                    "name": profile.name,
                    "identity": profile.identity,
                    "identities": list(profile.identities),
                    "brings": list(profile.brings),
                    "seeks": list(profile.seeks),
                }
                drafts.append(Draft(PROFILE.name, base.clock(), b"", canon.encode(body)))
                claims.deny_by_profile(tx, base, in_force, room, base.me, body)
            for each in people(tx) if room.founding else ():
                known = in_force.view.states[PERSON.name].get((room.key, base.me, each.person))
                if known is None or set(known.roles) != set(each.roles):
                    said_of: dict[str, object] = {"person": each.person, "roles": sorted(each.roles)}
                    drafts.append(Draft(PERSON.name, base.clock(), b"", canon.encode(said_of)))
            if drafts:
                base.append(tx, room, drafts)
                said = True
        return said

    def settle(self) -> bool:
        """Do what has come due, after a round or a change of ours; return whether anything was.

        Nothing is looked at again before somebody commits. Epochs begin, what a newcomer is to have is shared again,
        and profiles are published.
        """
        said = False
        for _ in range(MAX_STEPS):
            version = self._base.store.version()
            if version == self._settled:
                break
            with self._base.store.write() as tx:
                moved = switch(self._base, tx)
                moved = self.publish(tx, self._base.in_force(tx)) or moved
                moved = share_backlog(self._base, tx) or moved
                moved = apply_due(self._base, tx) or moved
                moved = carry_over(self._base, tx) or moved
            said = said or moved
            if not moved:
                self._settled = version
                break
        if said:
            self._base.announce()
        return said

    def list(self) -> Sequence[AgreementInfo]:
        """Return all agreements, oldest first."""
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            return [self._info(in_force, each) for each in in_force.rooms.newest() if each.founding]

    def show(self, id_: str) -> AgreementInfo:
        """Return one agreement with its terms and who has answered what.

        NotFoundError if there is none, or if several fit.
        """
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            room = self._find(in_force, id_)
            approvals = [
                ApprovalInfo(
                    b32(member), self._base.name_of(tx, member), answer.answer, answer.person, stamp(answer.time)
                )
                for member, answer in sorted(in_force.answers(room.revision).items())
            ]
            terms: dict[str, Any] = dict(room.terms.to_dict())
            info = self._info(in_force, room, approvals, terms)
            asked = self.changes.amendments(tx, in_force, room)
            return structs.replace(
                info, amendments=list(asked), suspended=_suspended(tx, in_force, room), left=_left(in_force, room)
            )

    def circles(self) -> Sequence[CircleInfo]:
        """Return all circles, oldest first."""
        with self._base.store.read() as tx:
            in_force = self._base.in_force(tx)
            return [circle_info(in_force, each) for each in in_force.rooms.newest()]

    def _info(
        self,
        in_force: InForce,
        room: Room,
        approvals: Sequence[ApprovalInfo] | None = None,
        terms: dict[str, Any] | None = None,
    ) -> AgreementInfo:
        circles = [circle_info(in_force, each) for each in in_force.rooms.newest() if each.agreement == room.agreement]
        return AgreementInfo(
            b32(room.agreement),
            room.agreement_name,
            "left" if in_force.gone(room) else "ended" if in_force.over(room) else in_force.state(room).value,
            [b32(member) for member in room.members],
            circles,
            list(approvals or ()),
            terms,
            room.epoch,
            b32(room.revision),
        )

    def _find(self, in_force: InForce, text: str) -> Room:
        rooms = [each for each in in_force.rooms.newest() if each.founding]
        options: list[tuple[bytes, str, str]] = [
            (each.agreement, b32(each.agreement), each.agreement_name) for each in rooms
        ]
        found = in_force.rooms.founding_of(find(text, options, "agreement"))
        if found is None:
            raise NotFoundError(f"There is no agreement {text!r}.")
        return found

    def _find_any(self, in_force: InForce, text: str) -> Room:
        try:
            return self._find(in_force, text)
        except NotFoundError:
            return self._base.find_circle(in_force, text)


def _suspended(tx: Transaction, in_force: InForce, room: Room) -> list[SuspensionInfo]:
    """Return who serves whom nothing under this agreement; an empty `member` means everybody."""
    held = in_force.view.states[SUSPENSION.name]
    return [
        SuspensionInfo(
            b32(author), b32(member) if member else "", remarks.of(tx, each.ref) or each.reason, stamp(each.time)
        )
        for (key, author, member), each in sorted(held.items())
        if key == room.key
    ]


def _left(in_force: InForce, room: Room) -> list[LeaverInfo]:
    """Return who has left since this epoch began, when, and until when it answers for what it signed."""
    held = in_force.view.states[EXIT.name]
    return [
        LeaverInfo(b32(member), stamp(each.time), stamp(each.until))
        for (key, member), each in sorted(held.items())
        if key == room.key
    ]


def circle_info(in_force: InForce, room: Room) -> CircleInfo:
    """Return what lists show of a circle: its newest room; "ended" when too few of its members are left."""
    state = "ended" if in_force.rooms.ended(room) else in_force.state(room).value
    return CircleInfo(
        b32(room.circle),
        room.text.name,
        b32(room.agreement),
        [b32(member) for member in room.members],
        str(room.text.ceiling),
        "left" if in_force.gone(room) else state,
        room.epoch,
    )


def _proposed(in_force: InForce, room: Room) -> str:
    """Return the reference of the act that proposed an agreement or opened a circle, "" if it is not here."""
    proposals = in_force.view.states[AGREEMENT.name if room.founding else MEMBERSHIP.name]
    proposed = proposals.get(room.agreement if room.founding else room.key)
    return proposed.place.ref if proposed else ""
