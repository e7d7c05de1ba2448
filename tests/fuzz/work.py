"""Targets of joint work: documents, dossiers, acts in a fold, skeletons and their runs, effects, public texts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, cast

import msgspec

from entente.core import canon
from entente.core.errors import EntenteError, InvalidError
from entente.core.ids import b32
from entente.core.kind import Act, Place, Verdict
from entente.formats import cacao
from entente.kinds import FOLDED, document
from entente.ledger.dossier import read_dossier
from entente.ledger.view import View
from entente.node.work.plan.effects import orders, texts
from entente.node.work.session.minutes_text import basis_in
from entente.policy import disclosure as redaction
from entente.policy import protected
from entente.policy.run import SAID, StepAct, unfold
from entente.policy.workflow import read_steps
from kinds.circles import ANNA, BORA, Circles, Seen
from kinds.plan_office import Office

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTILE: Final = ("", "x\r\ny: z", "../%2e%2e/x", "[", "evil.example:x", "\U0001f600" * 50, "__a__:value", "//[")
LIST: Final = ("192.0.2.0/24", "2001:db8::/32", "shop.example", "payroll", "m\u00fchle.example", ".")
TERMS: Final = ("Northwind", "O'Neil", "C++", "polka dot", "192.0.2.7")
MOST_VISITS: Final = 5000


class WrongError(Exception):
    """A reader gave a value that is not the one in the bytes."""


def read_document(data: bytes) -> object:
    """Read a document and write it again; what is judged right can be read and shown."""
    reason = document.judge(data, document.Tlp.AMBER, 1 << 16)
    found = document.read(data)
    if found.encode() != data:
        raise WrongError(f"{found!r:.200}")
    return reason, found.text, basis_in(found.text)


def read_dossier_again(data: bytes) -> object:
    """Verify a dossier; what it says must be in it."""
    found = read_dossier(data)
    if found.data not in data or len(found.approvals) < found.needed:
        raise WrongError(f"{found!r:.200}")
    return found.digest


@cache
def view() -> tuple[View, Circles, bytes]:
    """Return a fold in which there is something of everything to refer to, its circles, and the room."""
    office = Office()
    plan, force = office.in_force()
    office.step(ANNA, plan, force)
    office.plan(deadline=5000, nonce=b32(b"m" * 16))
    view = View(FOLDED, Seen(office.circles))
    view.extend(office.circles.acts)
    return view, office.circles, office.room


def judge(data: bytes) -> object:
    """Judge a body as an act of every kind whose check it passes; a copy of the fold takes what is allowed."""
    body = canon.decode(data, 64 << 10)
    held, _, room = view()
    verdicts: list[Verdict] = []
    for kind in FOLDED:
        act = Act(Place(_log(BORA, room), 1000, b"l" * 32), BORA, room, kind.name, 7, body)
        judgement = held.judge(act)
        if not judgement.detail.startswith("malformed"):
            verdicts.append(judgement.verdict)
            held.extended([act])
    if not verdicts:
        raise InvalidError("This is the body of no kind of act.")
    return verdicts


def _log(member: bytes, room: bytes) -> bytes:
    from hashlib import sha256

    return sha256(member + room).digest()


def unfold_plan(data: bytes) -> object:
    """Read a skeleton and the acts on its steps, and work the run out; each visit of it stands once."""
    try:
        given = msgspec.json.decode(data, type=dict[str, list[object]])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise InvalidError("This is no JSON object.") from problem
    skeleton = read_steps(given.get("steps", []))
    acts = [_said(number, each) for number, each in enumerate(given.get("acts", [])[:400])]
    known = {bone.id for bone in skeleton}
    run = unfold(skeleton, skeleton[-1].id, [act for act in acts if act.step in known])
    named = [(each.id, each.visit) for each in run.visits]
    if len(named) != len(set(named)) or len(named) > len(acts) or len(run.steps) != len(skeleton):
        raise WrongError(f"{run!r:.200}")
    return len(run.ready)


def _said(number: int, value: object) -> StepAct:
    part: Mapping[str, object] = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    because = part.get("because")
    named = tuple(str(each) for each in cast("list[object]", because)) if isinstance(because, list) else ()
    visit = part.get("visit")
    state = SAID[number % len(SAID)] if part.get("state") not in SAID else str(part["state"])
    at = visit if type(visit) is int and 0 < visit < MOST_VISITS else 1
    return StepAct(str(number), str(part.get("step", "")), at, state, str(part.get("result", "")), named)


def prepare(data: bytes) -> object:
    """Read a playbook and make ready what its steps would do, with hostile values of its variables."""
    playbook = cacao.read(data)
    done = 0
    for step in playbook.steps.values():
        for value in HOSTILE:
            variables = dict.fromkeys(playbook.variables, value)
            try:
                done += len(protected.touched(LIST, texts(playbook, step, variables)))
                done += len(orders(playbook, step, variables, [], "key") or [])
            except EntenteError:
                continue
    return done


def look_through(data: bytes) -> object:
    """Look through a text that a partner wants to publish, and one that names what is protected."""
    text = document.check_text(data)
    redaction.hidden(text, markdown=True)
    redaction.named(text, TERMS)
    found = redaction.observables(text)
    if not all(redaction.holds(text, each) for each in found[:20]):
        raise WrongError("An observable that the text does not hold.")
    protected.touched(LIST, [text])
    return len(protected.read(text)) + len(basis_in(text) or ())
