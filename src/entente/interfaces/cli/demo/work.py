"""The second half of the demonstration: a warning, a session, a decision, a plan, minutes, a public line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from entente.core.errors import VerificationError, WaitingError
from entente.formats.stix.joint.warning import Source, WarningText
from entente.interfaces.cli.demo.data import HARBOUR, NORTHWIND
from entente.interfaces.cli.demo.place import until
from entente.ledger.dossier import read_dossier

if TYPE_CHECKING:
    from entente.interfaces.cli.demo.place import DemoPlace
    from entente.node import Node

LINE: Final = "Letters that ask port clients to update a calendar come from nobody at the ports. Do not open them.\n"
LETTERS: Final = "https://courier.example/letters"
WARNING: Final = WarningText(
    title="A second wave of calendar letters before the quay opens",
    text="Two outlets repeat one report of new letters; the infrastructure of the first wave is still up.",
    likelihood="likely",
    confidence="moderate",
    sources=(
        Source(name="Quayside Courier", url=LETTERS, grade="B2"),
        Source(name="Tide Radio", url="https://tide.example/today", grade="C3", original=LETTERS),
    ),
    places=("Lantern Quay",),
    actors=("Lantern Quay operators",),
)
START, FIRST, SECOND, END = (
    "start--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1a01",
    "action--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1a02",
    "action--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1a03",
    "end--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1a04",
)


def warn(harbour: Node, northwind: Node, circle: str) -> str:
    """Publish a warning, let the partner assess it, and return its id."""
    made = harbour.warnings.publish(circle, WARNING)
    until(lambda: any(one.id == made.id for one in northwind.warnings.list()), "the warning")
    northwind.warnings.assess(made.id, "We see the same infrastructure in our sector.", agree=True)
    until(lambda: bool(harbour.warnings.show(made.id).assessments), "the assessment")
    return made.id


def told(harbour: Node, warning: str) -> str:
    """Say how well a warning is founded."""
    shown = harbour.warnings.show(warning)
    sources = f"{len(WARNING.sources)} outlets, {shown.independent} original source"
    low, high = shown.range
    return f"{shown.likelihood} ({low}-{high} %), confidence {shown.confidence}, {sources}; {NORTHWIND} agrees"


def decide(harbour: Node, northwind: Node, circle: str, warning: str) -> tuple[str, str]:
    """Convene a session, let both decide, and return session and decision; one voice alone decides nothing."""
    session = harbour.sessions.open(circle, harbour.clock(), "Calendar letters, second wave").session
    until(lambda: any(one.session == session for one in northwind.sessions.list()), "the invitation")
    harbour.sessions.join(session)
    northwind.sessions.join(session)
    until(lambda: harbour.sessions.show(session).quorum.present == len((HARBOUR, NORTHWIND)), "the quorum")
    decision = harbour.sessions.decide(session, "Both take the letters down, and warn the public.", about=[warning]).id
    harbour.sessions.vote(decision, yes=True)
    if harbour.sessions.decision(decision).state == "decided":
        raise VerificationError("One voice of two has decided.")
    until(lambda: bool(northwind.sessions.show(session).decisions), "the proposal")
    northwind.sessions.vote(decision, yes=True)
    until(lambda: harbour.sessions.decision(decision).state == "decided", "the vote")
    return session, decision


def act(harbour: Node, northwind: Node, circle: str, decision: str) -> str:
    """Make the decision a plan that both approve, and let each side do its own step; return the plan."""
    plan = harbour.plans.take(playbook(), circle, decision=decision).plan
    harbour.plans.propose(plan)
    harbour.plans.approve(plan)
    try:
        harbour.plans.run(plan)
    except WaitingError:
        pass
    else:
        raise VerificationError("A plan runs with one approval of two.")
    until(lambda: any(one.plan == plan for one in northwind.plans.list()), "the plan")
    northwind.plans.approve(plan)
    until(lambda: harbour.plans.show(plan).state == "approved", "the approval")
    harbour.plans.run(plan)
    harbour.plans.done(plan, FIRST, text="Two sending domains are suspended.")
    until(lambda: _state(northwind, plan, SECOND) == "ready", "the first step")
    northwind.plans.done(plan, SECOND, text="Members' mail gateways drop the letters: 41 stopped in the first hour.")
    until(lambda: harbour.plans.show(plan).state == "done", "the second step")
    return plan


def conclude(harbour: Node, northwind: Node, session: str, warning: str, place: DemoPlace) -> str:
    """Sign the minutes, release a line that both approve, verify both files, and say where they are."""
    harbour.minutes.sign(session)
    until(lambda: bool(northwind.sessions.show(session).signed_by), "the minutes")
    northwind.minutes.sign(session)
    line = harbour.disclosures.propose(warning, LINE.encode()).disclosure
    harbour.disclosures.approve(line)
    until(lambda: any(one.disclosure == line for one in northwind.disclosures.list()), "the line")
    northwind.disclosures.approve(line)
    until(lambda: harbour.disclosures.show(line).state == "approved", "the approval of the line")
    until(lambda: harbour.minutes.text(session).state == "signed", "the signatures")
    minutes = harbour.minutes.text(session).minutes
    files = {"minutes.txt": harbour.dossiers.write(minutes), "released.txt": harbour.disclosures.export(line)}
    for data in files.values():
        read_dossier(data)
    written = [str(place.paper(name, data)) for name, data in files.items()]
    return f"{' and '.join(written)} verify on their own"


def playbook() -> bytes:
    """Return the plan: one step on each side."""
    created = "2026-11-02T08:00:00.000Z"
    whole = {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": "playbook--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1a00",
        "name": "Take the calendar letters down",
        "created_by": "identity--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1a05",
        "created": created,
        "modified": created,
        "workflow_start": START,
        "workflow": {
            START: {"type": "start", "on_completion": FIRST},
            FIRST: _step("harbour", "Have the sending domains suspended", SECOND),
            SECOND: _step("northwind", "Drop the letters at the members' gateways", END),
            END: {"type": "end"},
        },
        "agent_definitions": {
            _agent(at): {"type": "organization", "name": name} for at, name in enumerate((HARBOUR, NORTHWIND))
        },
    }
    return json.dumps(whole, indent=2).encode()


def _step(side: str, name: str, then: str) -> dict[str, object]:
    agent = _agent(0 if side == "harbour" else 1)
    commands = [{"type": "manual", "command": f"{name}, and say what came of it."}]
    return {"type": "action", "name": name, "agent": agent, "commands": commands, "on_completion": then}


def _agent(number: int) -> str:
    return f"organization--7d2f7d52-6a52-4f0e-8a39-0a5e4b7f1b0{number}"


def _state(node: Node, plan: str, step: str) -> str:
    return next(one.state for one in node.plans.show(plan).steps if one.id == step)
