"""Seeds of the targets of joint work: what the real code of fictional members writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entente.core import canon
from entente.kinds.document import Document, Tlp
from fuzz.work import judge
from kinds.circles import PERSON
from ledger.test_view_pieces import Office
from network import Network
from policy.plays import bone

if TYPE_CHECKING:
    from entente.core.kind import Act


def corpus() -> dict[str, list[bytes]]:
    """Return for each target its seeds."""
    return {
        "document": [
            Document(Tlp.GREEN, "text/plain", PERSON, "Words \u00e9.\n\n## Basis\n\n- none\n".encode()).encode(),
            Document(Tlp.CLEAR, "application/json", PERSON, b'{"variables":{"__a__":"b"}}').encode(),
        ],
        "dossier": [dossier()],
        "work": bodies(),
        "run": [run()],
        "effect": effects(),
        "public": [
            b"# Told\n\nSeen at 192[.]0[.]2[.]7, hxxps://quay[.]example/x?y, ada[at]quay.example, 2001:db8::1.\n",
            "M\u00fchle \u0430 N\u0336o &amp; &#78; %4e 192 . 0 . 2 . 1\n> d41d8cd98f00b204e9800998ecf8427e\n".encode(),
        ],
    }


def dossier() -> bytes:
    """Return the dossier of a disclosure of two."""
    circles = Network(61)
    one, other = circles.add("Harbour"), circles.add("Northwind")
    told = one.disclosures.propose(circles.agree(one, other), b"The quay is open.")
    one.disclosures.approve(told.disclosure)
    circles.settle()
    other.disclosures.approve(told.disclosure)
    circles.settle()
    return one.disclosures.export(told.disclosure)


def bodies() -> list[bytes]:
    """Return the body of an act of each kind of joint work."""
    found: dict[str, Act] = {}
    for seed in range(80):
        for act in Office(seed).circles.view().acts.values():
            found.setdefault(act.kind, act)
    made = [canon.encode(found[kind].body) for kind in sorted(found)]
    for data in made:
        judge(data)
    return made


def run() -> bytes:
    """Return a skeleton with branches and a loop, and acts on its steps."""
    steps = [
        bone("start", "start", "both"),
        bone("both", "parallel", "ask", branches=[["1", "one"], ["2", "two"]]),
        bone("one", "action", "one-end", undo="back"),
        bone("one-end", "end"),
        bone("two", "action", "two-end", failed="two-end"),
        bone("two-end", "end"),
        bone("ask", "while-condition", "end", branches=[["true", "again"]]),
        bone("again", "action", "again-end"),
        bone("again-end", "end"),
        bone("end", "end"),
        bone("back", "action"),
    ]
    said = [
        ("start", [], ""),
        ("both", ["0"], ""),
        ("one", ["1"], ""),
        ("two", ["1"], ""),
        ("one-end", ["2"], ""),
        ("two-end", ["3"], ""),
        ("ask", ["4", "5"], "true"),
        ("again", ["6"], ""),
    ]
    acts = [
        {"step": step, "visit": 1, "state": "done", "result": result, "because": because}
        for step, because, result in said
    ]
    return json.dumps({"steps": steps, "acts": acts}).encode()


def effects() -> list[bytes]:
    """Return playbooks whose steps act by themselves."""
    from node.test_effects import plan_of
    from node.test_plans import blocking

    send: dict[str, object] = {
        "type": "http-api",
        "command": "POST block/__host__:value HTTP/1.1",
        "content": '{"domain": "__host__:value"}',
        "headers": {"x-team": ["a", "b"]},
    }
    return [blocking(), plan_of(send), plan_of({"type": "bash", "command": "block __host__:value"})]
