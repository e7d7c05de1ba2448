"""Steps of action plans: what their owners did of them, each in its own log (docs/protocol/12-plans.md)."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.core.kind import ALLOW, Act, Context, Judgement, Verdict, deny
from entente.core.layers import Layers
from entente.core.recorded import Acts, Recorded, Said, check_number, check_word, number, refs_in
from entente.policy.approval import APPROVE, State, carried
from entente.policy.run import DONE, SAID, StepAct, ended, follows
from entente.policy.workflow import MAX_ID, MAX_LABEL, SignedStep, signed_steps

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_VISIT: Final = 1_000_000

Visit = tuple[str, str, int]
"""Reference of the plan, id of the step, which time the run comes to it."""


class Steps(Acts):
    """Every allowed act by reference; `last` has what was said last of each visit."""

    __slots__ = ("last",)

    def __init__(
        self,
        old: dict[str, Act] | None = None,
        new: dict[str, Act] | None = None,
        said: Said | None = None,
        last: Layers[Visit, str] | None = None,
    ) -> None:
        """Hold these."""
        super().__init__(old, new, said)
        self.last: Layers[Visit, str] = Layers() if last is None else last

    @override
    def __copy__(self) -> Steps:
        """Return a state that goes its own way."""
        return Steps(*self.layers(), copy(self.said), copy(self.last))


def _values(body: Mapping[str, object]) -> None:
    check_number(body, "visit", 1, MAX_VISIT)
    state = check_word(body, "state", SAID)
    if not 1 <= len(str(body["step"])) <= MAX_ID or len(str(body["result"])) > MAX_LABEL:
        raise InvalidError("A step is named by its id, and a result by its label.")
    if body["result"] and state != DONE:
        raise InvalidError("Only a step that is done comes to a result.")
    for name in ("because", "force", "outputs"):
        refs = refs_in(body[name])
        if len(set(refs)) != len(refs):
            raise InvalidError(f"{name}: each is named once.")


_RECORDED = Recorded(
    "step/1",
    {
        "plan": str,
        "step": str,
        "visit": int,
        "state": str,
        "result": str,
        "because": list,
        "force": list,
        "outputs": list,
    },
    about={"plan": ("plan/1",), "because": ("step/1",), "force": ("approval/1", "outcome/1")},
    content=("outputs",),
    values=_values,
    family="plan/1",
)


class StepKind:
    """Entries of kind `step/1`; the state holds the allowed acts, and what was said last of each visit."""

    name = _RECORDED.name
    traits = _RECORDED.traits

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body says what became of a step."""
        _RECORDED.check(body)

    def start(self) -> Steps:
        """Return no acts."""
        return Steps()

    def judge(self, state: Steps, act: Act, context: Context) -> Judgement:
        """Allow what the owner of a step of a plan in force says in the right order."""
        judgement = _RECORDED.judge(state, act, context)
        if judgement.verdict is not Verdict.ALLOW:
            return judgement
        plan = context.act(str(act.body["plan"]))
        wrong = _wrong(state, act, plan, context) if plan else "wrong-thing"
        return deny(wrong) if wrong else ALLOW

    def apply(self, state: Steps, act: Act) -> None:
        """Keep the act."""
        _RECORDED.apply(state, act)
        state.last[visit_of(act)] = str(act.body["state"])


def visit_of(act: Act) -> Visit:
    """Return which visit of which step of which plan an act is about."""
    return str(act.body["plan"]), str(act.body["step"]), number(act.body["visit"])


def said(act: Act) -> StepAct:
    """Return what an allowed `step/1` says, as the run of its plan takes it."""
    body = act.body
    step, state, result = str(body["step"]), str(body["state"]), str(body["result"])
    return StepAct(act.place.ref, step, number(body["visit"]), state, result, tuple(refs_in(body["because"])))


def acts_on(state: Acts, plan: str) -> list[Act]:
    """Return the acts on the steps of the plan with this reference, each log in its order."""
    return sorted(state.saying("plan", plan), key=lambda act: (act.place.log, act.place.index))


def _wrong(state: Steps, act: Act, plan: Act, context: Context) -> str:
    """Return why this act does not count, "" if it does."""
    signed = signed_steps(plan).get(str(act.body["step"]))
    if signed is None:
        return "step"
    if signed.owner != b32(act.author):
        return "owner"
    if not _in_force(act, plan, context):
        return "force"
    if not _in_order(state, act):
        return "order"
    if not _right_result(signed, act):
        return "result"
    named = (context.act(ref) for ref in refs_in(act.body["because"]))
    return "" if all(each and each.body["plan"] == act.body["plan"] for each in named) else "wrong-thing"


def _in_force(act: Act, plan: Act, context: Context) -> bool:
    """Say whether what the act names brought its plan into force; nothing else counts, so that all say the same."""
    force = set(refs_in(act.body["force"]))
    asked = context.thing(plan.place.leaf)
    if asked is None:
        return False
    if asked.deadline:
        decided = context.decided(asked.thing)
        return decided is not None and decided[0] and force == {decided[1]}
    given = {each.ref: member for member, each in context.answers(asked.thing).items() if each.approves}
    if not force <= given.keys():
        return False
    approvers = dict.fromkeys((given[ref] for ref in force), APPROVE)
    return carried(asked.voters, asked.needed, approvers, asked.must) is State.IN_FORCE


def _in_order(state: Steps, act: Act) -> bool:
    """Say whether the act follows what its author said before of this visit, and of the one before it."""
    plan, step, visit = visit_of(act)
    before = state.last.get((plan, step, visit), "")
    if not before and visit > 1 and not ended(state.last.get((plan, step, visit - 1), "")):
        return False
    return follows(before, str(act.body["state"]))


def _right_result(signed: SignedStep, act: Act) -> bool:
    return act.body["state"] != DONE or act.body["result"] in signed.results()


KIND = StepKind()
"""Entries of kind `step/1`: what became of one visit of one step of a plan."""
