"""Plans that were taken in and not proposed yet: kept at this node, nobody else's business."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core.ids import b32, unb32
from entente.formats import cacao
from entente.node.work.plan.playbook import read_playbook, signed_workflow, title
from entente.node.work.plan.values import PlanInfo, PlanLine, StepInfo
from entente.store import shelf

if TYPE_CHECKING:
    from entente.formats.cacao.playbook import Playbook
    from entente.node.work.acts import Reader
    from entente.policy.workflow import SignedStep
    from entente.store.ports import Transaction


class KeptDraft(Struct, frozen=True):
    """A draft as it is kept, by plan id: its file, its circle, whose agents are, what decided it, since when (ms)."""

    nonce: str
    circle: str
    data: bytes
    agents: dict[str, str]
    decision: str
    time: int


class PlanDraft(Struct, frozen=True):
    """A draft and its plan id."""

    id: str
    kept: KeptDraft

    def read(self) -> Playbook:
        """Return its playbook."""
        return read_playbook(self.kept.data)

    def steps(self, proposer: str) -> tuple[SignedStep, ...]:
        """Return its steps as this member (b32) would propose them."""
        return signed_workflow(self.read(), self.kept.agents, proposer)


DRAFTS: Final = shelf.json("plan-draft", KeptDraft)
"""Drafts by plan id."""


def drafts(tx: Transaction) -> list[PlanDraft]:
    """Return every draft, by plan id."""
    return [PlanDraft(id_, kept) for id_, kept in DRAFTS.all(tx)]


def draft_ids(tx: Transaction) -> list[str]:
    """Return the plan ids of all drafts."""
    return DRAFTS.keys(tx)


def draft_by_id(tx: Transaction, id_: str) -> PlanDraft | None:
    """Return the draft with this plan id, None if there is none."""
    kept = DRAFTS.get(tx, id_)
    return None if kept is None else PlanDraft(id_, kept)


def keep(tx: Transaction, draft: PlanDraft) -> None:
    """Keep a draft."""
    DRAFTS.put(tx, draft.id, draft.kept)


def drop(tx: Transaction, draft: PlanDraft) -> None:
    """Forget a draft."""
    DRAFTS.drop(tx, draft.id)


def draft_line(draft: PlanDraft) -> PlanLine:
    """Return a draft in one line."""
    return PlanLine(draft.id, title(draft.kept.data), draft.kept.circle, "draft", "", 0)


def show_draft(reader: Reader, draft: PlanDraft) -> PlanInfo:
    """Return what there is to see of a draft."""
    playbook = draft.read()
    return PlanInfo(
        plan=draft.id,
        name=playbook.name,
        hash=sha256(draft.kept.data).hexdigest(),
        circle=draft.kept.circle,
        proposer=b32(reader.me),
        state="draft",
        deadline="",
        needed=0,
        approvals=[],
        refusals=[],
        steps=[_step(reader, playbook, signed) for signed in draft.steps(b32(reader.me))],
        effect=[],
        stopped_by=[],
        objections=[],
        doubts=[],
        problems=cacao.secrets(playbook),
        decision=draft.kept.decision,
        armed=False,
    )


def _step(reader: Reader, playbook: Playbook, signed: SignedStep) -> StepInfo:
    name, owner = playbook.steps[signed.id].name, reader.name(unb32(signed.owner, 32))
    return StepInfo(signed.id, name, signed.type, signed.owner, owner, "waiting", 0)
