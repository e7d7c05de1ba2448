"""Dossiers as they leave this node: the words that members agreed to, with the proof that they did (page 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import structs

from entente.core.errors import NotFoundError, RefusedError, WaitingError
from entente.core.ids import b32
from entente.core.recorded import refs_in
from entente.ledger.dossier import ABOUT, write_dossier
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.home.written import PathLike, write_file
from entente.node.logs.proofs import proof_at
from entente.node.work.acts import ERASED, HELD, Reader, reading
from entente.node.work.plan.plan import plans_of
from entente.node.work.session.record import SIGNED
from entente.policy.approval import APPROVE, State

if TYPE_CHECKING:
    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.session.minutes import Minutes
    from entente.node.work.session.values import MinutesText

COSIGNERS: Final = 3
"""Members whose cosignatures go along with each proof; more only make the file larger."""


@checked
class Dossiers:
    """What can be shown to anybody of what was decided together."""

    def __init__(self, base: Base, minutes: Minutes) -> None:
        """Work on this base, and read minutes from this part."""
        self._base = base
        self._minutes = minutes

    def write(self, id_: str) -> bytes:
        """Return the dossier of a decision, of minutes, of a disclosure or of a plan, named by id or reference.

        WaitingError until enough have approved, or while a part has not arrived; RefusedError where that cannot be
        any more; NotFoundError for an unknown id, or words that were erased.
        """
        with reading(self._base) as reader:
            return dossier_of(reader, _find(reader, id_))

    def write_minutes(self, id_: str, out: PathLike) -> MinutesText:
        """Write the minutes of a session into a file: as a dossier once all have signed, before that as text.

        Raises what `Minutes.text` and `write` do; InvalidError or NotFoundError if it cannot be written there.
        """
        found = self._minutes.text(id_)
        data = self.write(found.minutes) if found.state == SIGNED else found.text.encode()
        written = write_file(out, [data])
        return structs.replace(found, out=written.out, bytes=written.bytes)


def dossier_of(reader: Reader, act: Act) -> bytes:
    """Return the dossier of an act that asks; see `Dossiers.write`."""
    state = reader.state(act)
    if state in {State.REFUSED, State.EXPIRED}:
        raise RefusedError(
            "The members did not agree to it, so there is no dossier.", code=state.value, hint="Propose it anew."
        )
    if state is not State.IN_FORCE:
        given = [vote.name for vote in reader.votes(act) if vote.answer == APPROVE]
        raise WaitingError(
            f"Not enough members have approved yet (approved: {', '.join(given) or 'nobody'}; "
            f"needed: {act.body['needed']}).",
            hint="The others answer; then sync.",
        )
    found, why = reader.document(act, str(act.body["content"]))
    if why == ERASED:
        raise NotFoundError("Its words were erased here.", code="erased", hint="Ask a member that still has a dossier.")
    if why != HELD or found is None:
        raise WaitingError("Its words have not arrived here yet.", hint="Exchange first: `entente sync`.")
    refs = [str(act.body["content"]), act.place.ref, *_outcome(reader, act), *_approvals(reader, act)]
    return write_dossier(act.kind, found.data, [_proof(reader, ref) for ref in refs])


def _find(reader: Reader, text: str) -> Act:
    """Return the act that asks, by reference, id (of a plan: plan id) or the beginning of one."""
    view = reader.in_force.view
    plans = {plan.id: plan.act for plan in plans_of(reader)}
    acts: list[Act] = [act for kind in ABOUT for act in view.states.get(kind, {}).values() if kind != "plan/1"]
    for act in (*acts, *plans.values()):
        if text == act.place.ref:
            return act
    by_id = {b32(act.place.leaf): act for act in acts} | plans
    return by_id[find(text, [(id_.encode(), id_, "") for id_ in by_id], "dossier").decode()]


def _outcome(reader: Reader, act: Act) -> list[str]:
    """Return the reference of the outcome that decided, if there is a deadline."""
    thing = act.place.leaf
    outcome = reader.in_force.view.states["outcome/1"].get(thing)
    return [outcome.place.ref] if reader.in_force.view.things[thing].deadline and outcome is not None else []


def _approvals(reader: Reader, act: Act) -> list[str]:
    """Return the references of the approvals that count, by member."""
    thing = act.place.leaf
    asked = reader.in_force.view.things[thing]
    given = [
        each.ref
        for member, each in sorted(reader.in_force.answers(thing).items())
        if each.answer == APPROVE and member in asked.voters
    ]
    if not asked.deadline:
        return given
    outcome = reader.in_force.view.states["outcome/1"][thing]
    counted = set(refs_in(outcome.body["counted"]))
    return [ref for ref in given if ref in counted]


def _proof(reader: Reader, ref: str) -> bytes:
    return proof_at(reader.base, reader.tx, reader.in_force.rooms, ref, most=COSIGNERS)
