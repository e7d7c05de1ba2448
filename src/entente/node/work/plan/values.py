"""What the Python API and the command line answer about plans."""

from __future__ import annotations

from msgspec import Struct

from entente.node.work.acts import Vote


class PlanMade(Struct, frozen=True):
    """A plan that was taken in: its id, the SHA-256 of the file's bytes (hex), and whose each step would be."""

    plan: str
    hash: str
    name: str
    owners: dict[str, str]
    warnings: list[str]


class StepInfo(Struct, frozen=True):
    """One step: whose it is (member id and name), how far it has come, in which visit, what was said of it.

    `state` is waiting, ready, started, unsure, done, failed or undone; `note` says why a ready step is not begun.
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
    """What a step that is done reported."""

    step: str
    member: str
    text: str
    time: str


class PlanInfo(Struct, frozen=True):
    """A plan: `state` is draft, proposed, approved, running, done, stopped, refused or expired."""

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
    """A plan in a list."""

    plan: str
    name: str
    circle: str
    state: str
    deadline: str
    mine: int
