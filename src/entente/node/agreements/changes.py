"""Changes of an agreement: amendments, accession, exit, suspension (docs/protocol/7-changes.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, WaitingError
from entente.core.ids import Member, b32
from entente.core.times import DAY, stamp
from entente.kinds.amendment import KIND as AMENDMENT
from entente.kinds.amendment import Amendment
from entente.kinds.exit import KIND as EXIT
from entente.kinds.exit import MAX_SENT
from entente.kinds.suspension import ALL, REASONS
from entente.kinds.suspension import KIND as SUSPENSION
from entente.ledger.log import Draft
from entente.node.agreements.values import AmendmentAnswer, AmendmentInfo, Changed, Left, Signed, Suspended
from entente.node.home import answers, remarks
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.home.pairings import is_paired
from entente.node.home.people import operator
from entente.node.items.consents import asks
from entente.node.rooms import offers
from entente.node.rooms.in_force import InForce, require_force
from entente.node.rooms.room import Revision, Room
from entente.policy.approval import APPROVE, State
from entente.policy.revision import RevisionText, removed
from entente.policy.templates import terms_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entente.node.home.base import Base
    from entente.store.ports import Transaction

ANSWER_DAYS = 90
"""Days for which a leaver answers for what it still owes."""


class Wanted(Struct, frozen=True):
    """What an amendment is to change."""

    members: tuple[Member, ...]
    terms: dict[str, object]
    name: str
    concerned: Member | None = None


@checked
class Changes:
    """How agreements change, and how one leaves them."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def amend(
        self, agreement: str, *, terms: Mapping[str, object] | None = None, name: str = "", person: str = ""
    ) -> Changed:
        """Propose other terms or another name; they are in force when the quorum of the members has signed.

        NotFoundError for the agreement or person, InvalidError for terms that cannot be or nothing that changes.
        """
        with self._base.store.read() as tx:
            founding = self._founding(self._base.in_force(tx), agreement)
        if not terms and not name:
            raise InvalidError("An amendment changes terms or the name.", hint="Give --file or --name.")
        wanted = Wanted(founding.members, founding.terms.to_dict() | dict(terms or {}), name or founding.agreement_name)
        return self._propose(founding, wanted, person)

    def accede(self, agreement: str, member: str, *, person: str = "") -> Changed:
        """Propose that a paired partner joins; it signs last, when the quorum of the members has.

        NotFoundError for an unknown agreement, member or person; ConflictError for a member, RefusedError
        ("not-paired").
        """
        with self._base.store.read() as tx:
            founding = self._founding(self._base.in_force(tx), agreement)
            newcomer = self._base.find_member(tx, member)
            if newcomer in founding.members:
                raise ConflictError(f"{self._base.name_of(tx, newcomer)} is a member already.")
            if not is_paired(tx, newcomer):
                raise RefusedError(
                    f"{self._base.name_of(tx, newcomer)} is not paired with you.",
                    code="not-paired",
                    hint="Pair with it first; the newcomer gets the agreement's history from you.",
                )
        wanted = Wanted((*founding.members, newcomer), founding.terms.to_dict(), founding.agreement_name)
        return self._propose(founding, wanted, person)

    def exclude(self, agreement: str, member: str, *, person: str = "") -> Changed:
        """Propose to go on without a member, which neither votes nor counts.

        NotFoundError for an unknown agreement, member or person; ConflictError for ourselves.
        """
        with self._base.store.read() as tx:
            founding = self._founding(self._base.in_force(tx), agreement)
            out = self._member(tx, founding, member)
        wanted = Wanted(
            tuple(each for each in founding.members if each != out), founding.terms.to_dict(), founding.agreement_name
        )
        return self._propose(founding, wanted, person)

    def continue_(self, agreement: str, member: str, *, person: str = "") -> Changed:
        """Propose a new epoch with the same members after this member's log was forked; it does not vote.

        NotFoundError for an unknown agreement, member or person; ConflictError for ourselves.
        """
        with self._base.store.read() as tx:
            founding = self._founding(self._base.in_force(tx), agreement)
            concerned = self._member(tx, founding, member)
        wanted = Wanted(founding.members, founding.terms.to_dict(), founding.agreement_name, concerned)
        return self._propose(founding, wanted, person)

    def _member(self, tx: Transaction, founding: Room, text: str) -> Member:
        member = self._base.find_member(tx, text)
        if member not in founding.members:
            raise NotFoundError(f"{self._base.name_of(tx, member)} is not a member of {founding.agreement_name}.")
        if member == self._base.me:
            raise ConflictError("That is you.", hint="To leave, use `entente agreement exit`.")
        return member

    def _founding(self, in_force: InForce, text: str) -> Room:
        rooms = [each for each in in_force.rooms.newest() if each.founding]
        options: list[tuple[bytes, str, str]] = [(each.key, b32(each.agreement), each.agreement_name) for each in rooms]
        founding = in_force.rooms.require(find(text, options, "agreement"))
        require_force(in_force, founding)
        return founding

    def _propose(self, founding: Room, wanted: Wanted, person: str) -> Changed:
        base = self._base
        secret = base.random(32)
        text = RevisionText.make(
            founding.agreement,
            founding.revision,
            founding.epoch + 1,
            name=wanted.name,
            members=wanted.members,
            terms=terms_from(None, wanted.terms),
            secret=secret,
        )
        with base.commit() as tx:
            who = operator(tx, person)
            offers.keep_revision(tx, Revision(text, secret, base.me, base.clock()))
            body: dict[str, object] = {
                "agreement": b32(founding.agreement),
                "text": text.to_dict(),
                "concerned": b32(wanted.concerned) if wanted.concerned else "",
                "person": who,
                "after": [],
            }
            base.append(tx, founding, [Draft(AMENDMENT.name, base.clock(), b"", canon.encode(body))])
        return Changed(b32(text.id), b32(founding.agreement), text.epoch, "proposed")

    def find(self, in_force: InForce, text: str) -> Amendment | None:
        """Return the amendment whose revision id is, or begins with, `text`; None if there is none."""
        held: dict[bytes, Amendment] = in_force.view.states[AMENDMENT.name]
        options = [(thing, b32(each.text.id), "") for thing, each in held.items()]
        try:
            return held[find(text, options, "amendment")]
        except NotFoundError as problem:
            if problem.code == "ambiguous":
                raise
            return None

    def sign(self, tx: Transaction, in_force: InForce, amendment: Amendment, person: str, *, refuse: bool) -> None:
        """Answer an amendment; RefusedError for who has no vote, WaitingError while its secret has not come."""
        base, thing = self._base, amendment.act.place.leaf
        asked = in_force.view.things[thing]
        if base.me not in asked.voters:
            raise RefusedError("The member concerned has no vote.", code="concerned", hint="The others decide.")
        if answers.given(in_force, thing, refuse=refuse) is not None:
            return
        if not refuse and amendment.text.id not in in_force.rooms.revisions:
            raise WaitingError(
                "The amendment has not arrived completely yet.", hint="Sync with the member that proposed it."
            )
        if not refuse and (rival := self._rival(in_force, asked.rivals, thing)):
            raise ConflictError(
                f"You have approved a rival amendment, {rival[:8]}.",
                code="stale",
                hint="At most one can come into force; a first approval counts.",
            )
        room = in_force.rooms.require(asked.circle)
        answers.append(base, tx, room, thing, amendment.act.place.ref, refuse=refuse, person=person)

    def _rival(self, in_force: InForce, rivals: bytes, thing: bytes) -> str:
        held: dict[bytes, Amendment] = in_force.view.states[AMENDMENT.name]
        for other, each in held.items():
            given = in_force.answers(other).get(self._base.me)
            if other != thing and each.text.base == rivals and given is not None and given.answer == APPROVE:
                return b32(each.text.id)
        return ""

    def signed(self, in_force: InForce, amendment: Amendment) -> Signed:
        """Return what the caller of `sign` reads."""
        state = in_force.standing(amendment.act.place.leaf)
        return Signed(b32(amendment.text.id), "waiting" if state is State.PROPOSED else state.value)

    def suspend(
        self, agreement: str, member: str = "", *, reason: str = "other", resume: bool = False, person: str = ""
    ) -> Suspended:
        """Serve a member of the agreement nothing more (without one: nobody), at once and until resumed.

        A reason in words of one's own stays at home. NotFoundError for an unknown agreement, member or person.
        """
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            founding = self._founding(base.in_force(tx), agreement)
            other = self._member(tx, founding, member) if member else ALL
            self._suspend(tx, founding, other, reason, who, resume=resume)
        return Suspended(b32(founding.agreement), b32(other) if other else "", "resumed" if resume else "suspended")

    def _suspend(
        self, tx: Transaction, founding: Room, member: Member, reason: str, person: str, *, resume: bool
    ) -> None:
        """Append the act; a reason in a person's own words stays at home."""
        word, remark = remarks.coded(reason, REASONS, "other")
        body: dict[str, object] = {
            "member": b32(member) if member else "",
            "state": "resumed" if resume else "suspended",
            "reason": word,
            "person": person,
            "after": [],
        }
        draft = Draft(SUSPENSION.name, self._base.clock(), b"", canon.encode(body))
        _, (place,) = self._base.append(tx, founding, [draft])
        remarks.keep(tx, place.ref, remark)

    def suspend_partner(
        self, partner: str, *, reason: str = "other", resume: bool = False, person: str = ""
    ) -> list[Suspended]:
        """Suspend a partner in every agreement that both are in.

        Return one value for each. NotFoundError for an unknown partner or person, or without an agreement.
        """
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            member = base.find_member(tx, partner)
            rooms = [
                each
                for each in base.in_force(tx).rooms.newest()
                if each.founding and {member, base.me} <= {*each.members}
            ]
            if not rooms:
                raise NotFoundError(
                    f"You have no agreement with {base.name_of(tx, member)}.",
                    hint="You serve it nothing anyway.",
                )
            for founding in rooms:
                self._suspend(tx, founding, member, reason, who, resume=resume)
        state = "resumed" if resume else "suspended"
        return [Suspended(b32(each.agreement), b32(member), state) for each in rooms]

    def exit(self, agreement: str, *, person: str = "") -> Left:
        """Leave an agreement: sign what is still owed; nothing that comes later is served to this member.

        NotFoundError for an unknown agreement or person, ConflictError if we have left it already.
        """
        base = self._base
        with base.commit() as tx:
            who = operator(tx, person)
            in_force = base.in_force(tx)
            founding = self._founding(in_force, agreement)
            if base.me in in_force.exited(founding):
                raise ConflictError(f"You have left {founding.agreement_name} already.")
            kept, sent = self._kept(tx, in_force, founding), self._sent(in_force, founding)
            until = base.clock() + ANSWER_DAYS * DAY
            body: dict[str, object] = {"kept": kept, "sent": sent, "until": until, "person": who, "after": []}
            base.append(tx, founding, [Draft(EXIT.name, base.clock(), b"", canon.encode(body))])
        return Left(b32(founding.agreement), kept, sent, stamp(until))

    def _kept(self, tx: Transaction, in_force: InForce, founding: Room) -> int:
        """Return how many payloads of content that others brought under this agreement are held here."""
        rooms = [each for each in in_force.rooms if each.agreement == founding.agreement]
        rows = [row for room in rooms for row in offers.logs_of(tx, room) if row.circle]
        theirs = [row for row in rows if row.member != self._base.me]
        return sum(each.item > 0 for row in theirs for each in tx.payloads.get(row.id, 0, row.size))

    def _sent(self, in_force: InForce, founding: Room) -> list[str]:
        """Return the onward releases under this agreement that this member answers for, the newest at most."""
        mine = [
            each
            for each in asks(in_force).values()
            if each.author == self._base.me
            and in_force.rooms.agreement(each.circle) == founding.agreement
            and in_force.standing(each.thing) is State.IN_FORCE
        ]
        return sorted(b32(each.thing) for each in mine)[:MAX_SENT]

    def amendments(self, tx: Transaction, in_force: InForce, founding: Room) -> Sequence[AmendmentInfo]:
        """Return the amendments asked for in this founding room, the oldest first."""
        held: dict[bytes, Amendment] = in_force.view.states[AMENDMENT.name]
        here = [each for each in held.values() if each.act.circle == founding.key]
        return [self._info(tx, in_force, founding, each) for each in sorted(here, key=lambda each: each.act.time)]

    def _info(self, tx: Transaction, in_force: InForce, founding: Room, each: Amendment) -> AmendmentInfo:
        base, thing = self._base, each.act.place.leaf
        asked = in_force.view.things[thing]
        before = founding.terms.to_dict()
        return AmendmentInfo(
            amendment=b32(each.text.id),
            epoch=each.text.epoch,
            state=in_force.standing(thing).value,
            by=b32(each.act.author),
            name=each.text.name,
            joins=[b32(member) for member in each.text.members if member not in founding.members],
            leaves=sorted(b32(member) for member in removed(founding.members, each.text)),
            concerned=str(each.act.body["concerned"]),
            terms={key: value for key, value in each.text.terms.to_dict().items() if before.get(key) != value},
            needed=asked.needed,
            approvals=[
                AmendmentAnswer(b32(member), base.name_of(tx, member), answer.answer)
                for member, answer in sorted(in_force.answers(thing).items())
            ],
        )
