"""What the Python API and the command line answer about plans.

In all of them a time is RFC 3339 text in UTC with milliseconds, and "" where there is none. The id of a plan, a member,
a circle or a person is b32 text; a reference to an act is `LOG/INDEX/LEAF`.
"""

from __future__ import annotations

from msgspec import Struct

from entente.node.work.acts import Vote


class PlanMade(Struct, frozen=True):
    """A plan that was taken in as a draft.

    `plan`: the plan id. `hash`: the SHA-256 of the file's bytes, in hex. `name`: the name of the playbook. `owners`:
    by step id, the id of the member whose step it would be, in the order of the workflow. `warnings`: in sentences,
    what a member should know before it proposes the plan.
    """

    plan: str
    hash: str
    name: str
    owners: dict[str, str]
    warnings: list[str]


class StepInfo(Struct, frozen=True):
    """One step of a plan, in the newest visit that the run has made to it.

    `id`, `name`, `type`: as in the playbook; `name` is "" where the file is not here. `owner`, `owner_name`: the member
    whose step it is, by id and name. `state`: waiting, ready, started, unsure, done, failed or undone. `visit`: how
    often the run has come to it, 0 for never. `result`: the label of the branch that it takes, "" for none. `text`:
    the words that its owner reported last. `time`: when that was, as claimed. `person`: who reported it: the name of a
    person of ours, the id of another member's, "" for a node by itself. `note`: in a sentence, why this node does not
    begin a step of ours that is ready.
    """

    id: str
    name: str
    type: str
    owner: str
    owner_name: str
    state: str
    visit: int
    result: str = ""
    text: str = ""
    time: str = ""
    person: str = ""
    note: str = ""


class Effect(Struct, frozen=True):
    """What a step that is done reported: its id (`step`), its owner's id (`member`), the words, when as claimed."""

    step: str
    member: str
    text: str
    time: str


class PlanInfo(Struct, frozen=True):
    """All that there is to see of a plan.

    `plan`: the plan id. `name`: the name of the playbook, "" where the file is not here. `hash`: the SHA-256 of the
    file's bytes, in hex. `circle`, `proposer`: the ids of the circle and of the member that proposed it. `state`:
    draft, proposed, approved, running, done, stopped, refused or expired. `deadline`: until when approvals count, ""
    for no limit. `needed`: how many approvals bring it into force, 0 for a draft. `approvals`, `refusals`: the answers
    by member id. `steps`: in the order of the workflow. `effect`: what the steps that are done reported, in the order
    of the run. `stopped_by`, `objections`: by claimed time; the `answer` of each is its reason. `doubts`: in sentences,
    what in the outcome does not fit what this member knows. `problems`: in sentences, why the plan should not be
    approved, or why its file is not here. `decision`: the reference of the decision that asks for it, "" for none.
    `armed`: whether a person let this node begin its own steps. `room`: "ended" when the agreement has come to another
    revision, "" while it has not.
    """

    plan: str
    name: str
    hash: str
    circle: str
    proposer: str
    state: str
    deadline: str
    needed: int
    approvals: list[Vote]
    refusals: list[Vote]
    steps: list[StepInfo]
    effect: list[Effect]
    stopped_by: list[Vote]
    objections: list[Vote]
    doubts: list[str]
    problems: list[str]
    decision: str
    armed: bool
    room: str = ""


class PlanLine(Struct, frozen=True):
    """A plan in a list.

    `plan`: the plan id. `name`: the name of the playbook, "" where the file is not here. `circle`: the id of its
    circle. `state`: as in `PlanInfo`. `deadline`: until when approvals count, "" for no limit. `mine`: how many of its
    steps are ready and ours.
    """

    plan: str
    name: str
    circle: str
    state: str
    deadline: str
    mine: int


class PlanFile(Struct, frozen=True):
    """A plan that was written to a file: the path as it was given (`out`), and the size in bytes."""

    out: str
    bytes: int


class Protected(Struct, frozen=True):
    """A list of what nothing may be done to was taken in; `protected` is how many values it has."""

    protected: int


class Permit(Struct, frozen=True):
    """What the operator of this node allows plans to do.

    `kind` is "http" (`value`: the address that a request must begin with) or "hook" (`value`: the type of command,
    `program`: the path of what runs it). `repeatable`: a second request with the same key does nothing more.
    `headers`: the path of a file of further header lines, read when a request is sent; secrets stand there and nowhere
    else.
    """

    kind: str
    value: str
    program: str = ""
    repeatable: bool = False
    headers: str = ""


class Forbidden(Struct, frozen=True):
    """A permit that was taken back: the address or the type of command (`forbidden`) that it was for."""

    forbidden: str
