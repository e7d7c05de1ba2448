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
from entente.kinds.approval import KIND as APPROVAL
from entente.kinds.exit import KIND as EXIT
from entente.kinds.membership import KIND as MEMBERSHIP
from entente.kinds.person import KIND as PERSON
from entente.kinds.profile import KIND as PROFILE
from entente.kinds.suspension import KIND as SUSPENSION
from entente.ledger.log import Draft
from entente.node.agreements.changes import Changes
from entente.node.agreements.epochs import share_backlog, switch
from entente.node.agreements.values import AgreementInfo, CircleInfo, Opened, Proposed, Signed
from entente.node.home import remarks
from entente.node.home.find import find
from entente.node.home.keyring import settle as carry_over
from entente.node.home.people import operator, people
from entente.node.home.people import own_profile as own
from entente.node.items import claims
from entente.node.partners.partners import is_paired
from entente.node.partners.successions import apply_due
from entente.node.rooms import offers as charter_book
from entente.node.rooms.in_force import World, require_force
from entente.policy.agreement import FoundingText
from entente.policy.approval import State
from entente.policy.circle import CircleText
from entente.policy.templates import terms_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.node.home.base import Base
    from entente.node.rooms.room import Charter
    from entente.store.ports import Transaction


MAX_STEPS = 64
"""How often `settle` goes round before it lets others work."""


class Agreements:
    """What this member has agreed to, and with whom."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base
        self.changes = Changes(base)
        self._settled = -1

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
        with base.store.write() as tx:
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
            charter = self._open(tx, canon.encode({"v": 1, "agreement": text.to_dict()}), text.circle.id(text.id))
            body = canon.encode({"agreement": b32(text.id), "text": text.to_dict()})
            base.append(tx, charter, [Draft(AGREEMENT.name, base.clock(), b"", body)])
        base.mark()
        base.changed.set()
        return Proposed(b32(text.id), b32(charter.circle), "proposed")

    def _free_name(self, tx: Transaction, name: str) -> str:
        """Return `name`, with a number if an agreement is called so already."""
        taken = {each.name for each in charter_book.load(tx).newest() if each.founding}
        numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
        return next(each for each in (name, *numbered) if each not in taken)

    def _check_name(self, tx: Transaction, name: str) -> None:
        if any(each.founding and each.name == name for each in charter_book.load(tx).newest()):
            raise ConflictError(f"There is an agreement {name!r} already.", hint="Give it another --name.")

    def _partners(self, tx: Transaction, with_: Sequence[str]) -> Sequence[Member]:
        members = [self._base.find_member(tx, text) for text in with_]
        for member in members:
            if member == self._base.me:
                raise InvalidError("You are a member of what you propose; name the others only.")
            if not is_paired(tx, member):
                raise RefusedError(
                    f"{self._base.name_of(tx, member)} is not paired with you yet.",
                    code="not-paired",
                    hint="Both sides confirm the other's words: `entente partner confirm`.",
                )
        if not members or len(set(members)) != len(members):
            raise InvalidError("Name one or more different partners.")
        return members

    def _open(self, tx: Transaction, offer: bytes, circle: bytes) -> Charter:
        base = self._base
        charter_book.take(tx, charter_book.load(tx), offer, me=base.me, by=base.me, time=base.clock(), open_=0)
        return charter_book.load(tx).require(circle)

    def open_circle(
        self, agreement: str, with_: Sequence[str], *, name: str = "", ceiling: str = "", person: str = ""
    ) -> Opened:
        """Open a circle of some members of an agreement in force; the members named sign it."""
        base = self._base
        with base.store.write() as tx:
            operator(tx, person)
            world = base.world(tx)
            founding = self._find(world, agreement)
            require_force(world, founding)
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
            charter = self._open(tx, canon.encode(told), text.id(founding.agreement))
            body = canon.encode(
                {"agreement": b32(founding.agreement), "circle": b32(charter.circle), "text": text.to_dict()}
            )
            base.append(tx, charter, [Draft(MEMBERSHIP.name, base.clock(), b"", body)])
        base.mark()
        base.changed.set()
        return Opened(b32(charter.circle), "proposed")

    def sign(self, id_: str, *, refuse: bool = False, person: str = "") -> Signed:
        """Give this member's one final answer to an agreement, circle or amendment (ConflictError if it was given)."""
        base = self._base
        with base.store.write() as tx:
            who = operator(tx, person)
            world = base.world(tx)
            if (amendment := self.changes.find(world, id_)) is not None:
                self.changes.sign(tx, world, amendment, "refuse" if refuse else "approve", who)
                done = self.changes.signed(base.world(tx), amendment)
                switch(base, tx)
            else:
                charter = self._find_any(world, id_)
                done = self._sign(tx, world, charter, who, refuse=refuse)
        base.mark()
        base.changed.set()
        return done

    def _sign(self, tx: Transaction, world: World, charter: Charter, who: str, *, refuse: bool) -> Signed:
        base = self._base
        thing = charter.revision if charter.founding else charter.id
        given = world.answers(thing).get(base.me)
        if given is not None and (given.answer == "refuse") != refuse:
            raise ConflictError("You have answered already; a first answer is final.")
        if given is None and not self._is_asked(charter):
            raise ConflictError(f"{charter.name} does not wait for your signature.")
        if given is None:
            self._answer(tx, world, charter, thing, "refuse" if refuse else "approve", who)
            world = base.world(tx)
            self.publish(tx, world, charter)
        state = world.state(charter)
        public = charter.agreement if charter.founding else charter.id
        return Signed(b32(public), "waiting" if state is State.PROPOSED else state.value)

    def _is_asked(self, charter: Charter) -> bool:
        """Say whether this member's answer to the circle or agreement counts for anything."""
        return not charter.founding or charter.first or self._base.me in charter.newcomers

    def _answer(self, tx: Transaction, world: World, charter: Charter, thing: bytes, answer: str, person: str) -> None:
        proposals = world.view.states[AGREEMENT.name if charter.founding else MEMBERSHIP.name]
        proposed = proposals.get(charter.agreement if charter.founding else charter.circle)
        body = {
            "of": b32(thing),
            "revision": b32(charter.revision),
            "answer": answer,
            "person": person,
            "after": [proposed.place.ref] if proposed else [],
        }
        self._base.append(tx, charter, [Draft(APPROVAL.name, self._base.clock(), b"", canon.encode(body))])

    def publish(self, tx: Transaction, world: World, only: Charter | None = None) -> bool:
        """Say who we are in every circle that has come into force, or in one; return whether anything was new.

        After an answer it is the circle concerned alone, so that no other circle shows when the answer was given.
        """
        base = self._base
        said = False
        for charter in world.charters.newest():
            if not world.usable(charter) or world.gone(charter) or charter.circle != (only or charter).circle:
                continue
            drafts: list[Draft] = []
            profile = own(tx, base.name_of(tx, base.me), identity_id(base.me))
            if world.view.states[PROFILE.name].get(charter.circle, {}).get(base.me) != profile:
                body = {
                    "name": profile.name,
                    "identity": profile.identity,
                    "identities": list(profile.identities),
                    "brings": list(profile.brings),
                    "seeks": list(profile.seeks),
                }
                drafts.append(Draft(PROFILE.name, base.clock(), b"", canon.encode(body)))
                claims.deny_by_profile(tx, base, world, charter, base.me, body)
            for each in people(tx) if charter.founding else ():
                known = world.view.states[PERSON.name].get((charter.circle, base.me, each.person))
                if known is None or set(known.roles) != set(each.roles):
                    said_of: dict[str, object] = {"person": each.person, "roles": sorted(each.roles)}
                    drafts.append(Draft(PERSON.name, base.clock(), b"", canon.encode(said_of)))
            if drafts:
                base.append(tx, charter, drafts)
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
                moved = self.publish(tx, self._base.world(tx)) or moved
                moved = share_backlog(self._base, tx) or moved
                moved = apply_due(self._base, tx) or moved
                moved = carry_over(self._base, tx) or moved
            said = said or moved
            if not moved:
                self._settled = version
                break
        if said:
            self._base.mark()
            self._base.changed.set()
        return said

    def list(self) -> Sequence[AgreementInfo]:
        """Return all agreements, oldest first."""
        with self._base.store.read() as tx:
            world = self._base.world(tx)
            return [self._info(world, each) for each in world.charters.newest() if each.founding]

    def show(self, id_: str) -> AgreementInfo:
        """Return one agreement with its terms and who has answered what."""
        with self._base.store.read() as tx:
            world = self._base.world(tx)
            charter = self._find(world, id_)
            approvals = [
                {
                    "member": b32(member),
                    "name": self._base.name_of(tx, member),
                    "answer": answer.answer,
                    "person": answer.person,
                    "time": stamp(answer.time),
                }
                for member, answer in sorted(world.answers(charter.revision).items())
            ]
            terms: dict[str, Any] = dict(charter.terms.to_dict())
            info = self._info(world, charter, approvals, terms)
            asked = self.changes.amendments(tx, world, charter)
            return structs.replace(
                info, amendments=list(asked), suspended=_suspended(tx, world, charter), left=_left(world, charter)
            )

    def circles(self) -> Sequence[CircleInfo]:
        """Return all circles, oldest first."""
        with self._base.store.read() as tx:
            world = self._base.world(tx)
            return [circle_info(world, each) for each in world.charters.newest()]

    def _info(
        self,
        world: World,
        charter: Charter,
        approvals: Sequence[dict[str, str]] | None = None,
        terms: dict[str, Any] | None = None,
    ) -> AgreementInfo:
        circles = [circle_info(world, each) for each in world.charters.newest() if each.agreement == charter.agreement]
        return AgreementInfo(
            b32(charter.agreement),
            charter.name,
            "left" if world.gone(charter) else "ended" if world.over(charter) else world.state(charter).value,
            [b32(member) for member in charter.members],
            circles,
            list(approvals or ()),
            terms,
            charter.epoch,
            b32(charter.revision),
        )

    def _find(self, world: World, text: str) -> Charter:
        rooms = [each for each in world.charters.newest() if each.founding]
        options: list[tuple[bytes, str, str]] = [(each.agreement, b32(each.agreement), each.name) for each in rooms]
        found = world.charters.founding_of(find(text, options, "agreement"))
        if found is None:
            raise NotFoundError(f"There is no agreement {text!r}.")
        return found

    def _find_any(self, world: World, text: str) -> Charter:
        try:
            return self._find(world, text)
        except NotFoundError:
            return self._base.find_circle(world, text)


def _suspended(tx: Transaction, world: World, charter: Charter) -> list[dict[str, str]]:
    """Return who serves whom nothing under this agreement; an empty `member` means everybody."""
    held = world.view.states[SUSPENSION.name]
    return [
        {
            "by": b32(author),
            "member": b32(member) if member else "",
            "reason": remarks.of(tx, each.ref) or each.reason,
            "since": stamp(each.time),
        }
        for (room, author, member), each in sorted(held.items())
        if room == charter.circle
    ]


def _left(world: World, charter: Charter) -> list[dict[str, str]]:
    """Return who has left since this epoch began, when, and until when it answers for what it signed."""
    held = world.view.states[EXIT.name]
    return [
        {"member": b32(member), "time": stamp(each.time), "until": stamp(each.until)}
        for (room, member), each in sorted(held.items())
        if room == charter.circle
    ]


def circle_info(world: World, charter: Charter) -> CircleInfo:
    """Return what lists show of a circle: its newest room; "ended" when too few of its members are left."""
    state = "ended" if world.charters.ended(charter) else world.state(charter).value
    return CircleInfo(
        b32(charter.id),
        charter.text.name,
        b32(charter.agreement),
        [b32(member) for member in charter.members],
        str(charter.text.ceiling),
        "left" if world.gone(charter) else state,
        charter.epoch,
    )
