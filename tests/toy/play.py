"""Two members use watches by their commands, in a copy of the house; prints what each command answered."""

from __future__ import annotations

import io
import json
import sys
from contextlib import nullcontext, redirect_stdout

import entente
from entente.core import canon
from entente.core.ids import b32
from entente.interfaces.cli.invocation import Invocation
from entente.interfaces.cli.main import run
from entente.kinds import FAMILIES, WORK, watch
from entente.ledger.log import Draft
from network import Network
from stories.story import reasons

ITEM = "indicator--00000000-0000-4000-8000-000000000001"


def main() -> None:
    """Let Alder ask and Birch see it; then break a rule in each place where there is one."""
    network = Network(1)
    alder, birch = nodes = [network.add("Alder"), network.add("Birch")]
    circle = network.agree(*nodes, kinds=["watch/1"])
    other = network.agree(*nodes, name="Other", kinds=["request/1"])
    Invocation.open = lambda self, **_: nullcontext(alder if self.home.name == "alder" else birch)

    def say(home: str, *words: str) -> object:
        answer = io.TextIOWrapper(io.BytesIO())
        with redirect_stdout(answer):
            code = run(["--home", home, "--json", "watch", *words])
            answer.flush()
        return [code, json.loads(answer.buffer.getvalue())]

    found: dict[str, object] = {"place": entente.__file__, "families": FAMILIES["watch/1"], "work": "watch/1" in WORK}
    found["asked"] = say("alder", "ask", ITEM, "--circle", circle)
    found["again"] = say("alder", "ask", ITEM, "--circle", circle)
    found["elsewhere"] = say("alder", "ask", ITEM, "--circle", other)
    network.settle()
    found["seen"] = say("birch", "list")
    forge(alder, circle, hours=24)
    forge(alder, circle, hours=100)
    network.settle()
    found["refused"] = sorted(reasons(birch, circle))
    found["after"] = say("birch", "list")
    sys.stdout.write(json.dumps(found))


def forge(node: entente.node.Node, circle: str, hours: int) -> None:
    """Append a watch past all rules."""
    base = node.base
    body: dict[str, object] = {"item": ITEM, "hours": hours, "person": b32(bytes(16)), "after": []}
    with base.store.write() as tx:
        room = base.find_circle(base.in_force(tx), circle)
        base.append(tx, room, [Draft(watch.KIND.name, base.clock(), b"", canon.encode(body))])


if __name__ == "__main__":
    main()
