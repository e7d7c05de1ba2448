"""What a partner can do to plans that honest members approved or were asked to: hold its own part up, nothing more."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import RefusedError
from entente.core.ids import b32, unb32
from entente.kinds.erase import KIND as ERASE
from entente.node.work.acts import reading
from entente.node.work.plan.effects import Done, Order
from entente.node.work.plan.plan import plans_of
from entente.node.work.plan.runner import Runner
from hostile.joint import NOWHERE, append, head, write
from network import Network
from playbooks import action, bounded, end, plan_in, playbook, step_id, two_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Place
    from entente.node import Node

ASK, BLOCK, BACK = (step_id("action", name) for name in ("ask", "block", "back"))
TARGET = "http-api--0f1f4d9e-2d0f-4c3e-9a5d-1f2f3f4f5f6f"
URL = "https://firewall.example/api"
CACAO = "application/cacao+json"


class Firewall:
    """An endpoint that keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Order] = []

    def __call__(self, order: Order) -> Done:
        self.asked.append(order)
        return Done(True, "blocked", {})


class Trap:
    """Alder's node acts by itself with what Birch, the liar, reported before; Cedar looks on."""

    def __init__(
        self,
        command: str = "POST block/__what__:value",
        header: str = "",
        url: str = URL,
        *,
        liar_proposes: bool = False,
    ) -> None:
        self.network = Network(12)
        self.alder, self.birch, self.cedar = (self.network.add(name) for name in ("Alder", "Birch", "Cedar"))
        self.circle = self.network.agree(self.alder, self.birch, self.cedar)
        self.firewall = Firewall()
        self.alder.plans.runner = Runner(self.alder.base, self.firewall)
        self.alder.plans.permits.allow_http(URL)
        self.proposer = self.birch if liar_proposes else self.alder
        self.plan = self.approve(self.take(command, header, url))

    def take(self, command: str, header: str, url: str) -> str:
        """Propose that Birch says what, and Alder's node blocks it."""
        sent: dict[str, object] = {"type": "http-api", "command": command, "headers": {"x-what": [header or "x"]}}
        undo = action("Alder", "", name="back", command={"type": "http-api", "command": "DELETE all"}, targets=[TARGET])
        del undo["on_completion"]
        data = playbook(
            {
                ASK: action("Birch", BLOCK, name="ask", out_args=["__what__"]),
                BLOCK: action(
                    "Alder",
                    end(),
                    name="block",
                    command=sent,
                    targets=[TARGET],
                    in_args=["__what__"],
                    step_extensions=bounded(3600, BACK),
                ),
                BACK: undo,
            },
            agents=["Alder", "Birch"],
            start=ASK,
            targets={TARGET: {"type": "http-api", "name": "firewall", "address": {"url": [url]}}},
            variables={"__what__": {"type": "string", "constant": False, "external": False}},
        )
        plan = self.proposer.plans.take(data, self.circle).plan
        self.proposer.plans.propose(plan)
        return plan

    @property
    def nodes(self) -> tuple[Node, Node, Node]:
        return self.alder, self.birch, self.cedar

    def approve(self, plan: str) -> str:
        for node in self.nodes:
            self.network.settle()
            node.plans.approve(plan)
        self.network.settle()
        return plan

    def run(self) -> None:
        self.alder.plans.run(self.plan)
        self.network.settle()
        assert self.step(ASK) == "ready"

    def report(self, *outputs: bytes) -> None:
        """Let Birch say that it did its part, with whatever bytes as values of its variables."""
        refs = [append(self.birch, self.circle, "document/1", head("application/json") + data).ref for data in outputs]
        with reading(self.birch.base) as board:
            plan = plan_in(board, self.plan)
            ready = next(each for each in plan.run.ready if each.step == ASK)
            body: dict[str, object] = {
                "plan": plan.ref,
                "step": ASK,
                "visit": ready.visit,
                "state": "done",
                "result": "",
                "because": list(ready.because),
                "force": plan.force(),
                "outputs": refs,
            }
        write(self.birch, self.circle, "step/1", body)
        self.network.settle()

    def step(self, step: str, node: Node | None = None) -> str:
        return next(each.state for each in (node or self.alder).plans.show(self.plan).steps if each.id == step)

    def note(self) -> str:
        return next(each.note for each in self.alder.plans.show(self.plan).steps if each.id == BLOCK)

    def other_plan(self) -> None:
        """Another plan goes on, and so does everything else that this node does by itself."""
        other = self.alder.plans.take(two_sides("Alder", "Cedar"), self.circle).plan
        self.alder.plans.propose(other)
        self.approve(other)
        self.alder.plans.run(other)
        self.alder.plans.done(other, step_id("action", "first"))
        self.network.settle()
        self.cedar.plans.done(other, step_id("action", "second"))
        assert self.cedar.plans.show(other).state == "done"


def says(value: object) -> bytes:
    return msgspec.json.encode({"variables": {"__what__": value}})


def test_a_value_that_a_partner_reports_is_sent_where_it_belongs() -> None:
    """What the tests below change is then known to be what matters in them."""
    trap = Trap(header="__what__:value")
    trap.run()
    trap.report(says("evil.example"))
    trap.alder.plans.runner.tick()
    assert [(each.url, each.headers["x-what"]) for each in trap.firewall.asked] == [
        (f"{URL}/block/evil.example", "evil.example")
    ]
    assert trap.step(BLOCK) == "done"


HOST, PATH = {"url": "https://__what__:value/api"}, {"command": "POST __what__:value"}
ODD: dict[str, tuple[dict[str, str], Sequence[bytes], str]] = {
    "a new line in a header": ({"header": "__what__:value"}, [says("a\r\nx-admin: yes")], "control character"),
    "nothing": ({}, [], "has no value"),
    "no text": ({}, [says(7)], "has no value"),
    "deep JSON": ({}, [b'{"x":' * 100_000 + b"1" + b"}" * 100_000], "has no value"),
    "no JSON": ({}, [b"\xff\x00", b"[]", b"null", b'"x"'], "has no value"),
    "a value of 200 KiB": ({}, [says("x" * 200_000)], "longer than"),
    "a way out of the permit": ({}, [says("../../admin")], "No permit"),
    "an encoded way out": ({}, [says("%2e%2e/%2E%2e/admin")], "No permit"),
    "a way out encoded twice": ({}, [says("%252e%252e/admin")], "No permit"),
    "a way out by backslashes": ({}, [says("..\\..\\admin")], "No permit"),
    "another host": (HOST, [says("evil.example")], "No permit"),
    "another host behind a name": (
        {"url": "https://__what__:value/api"},
        [says("firewall.example@evil.example")],
        "No permit",
    ),
    "half an address": (HOST, [says("[")], "no address"),
    "a port that is none": (HOST, [says("firewall.example:x")], "no address"),
    "an address instead of a path": (
        {"command": "POST __what__:value"},
        [says("https://evil.example/")],
        "names a path",
    ),
    "a path that is an address": (PATH, [says("//[")], "no address"),
    "a method that is none": ({"command": "__what__:value x"}, [says("STEAL")], "HTTP method"),
}


@pytest.mark.parametrize("what", list(ODD))
def test_an_odd_value_of_a_partner_holds_up_its_step_and_nothing_else(what: str) -> None:
    shape, outputs, why = ODD[what]
    trap = Trap(**shape)
    trap.run()
    trap.report(*outputs)
    trap.alder.plans.runner.tick()
    assert trap.firewall.asked == []
    assert (trap.step(BLOCK), why in trap.note()) == ("ready", True), trap.note()
    trap.other_plan()
    trap.alder.plans.stop(trap.plan)
    assert trap.alder.plans.show(trap.plan).state == "stopped"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (head() + b"x" * 600, "at most"),
        (head() + b"\n".join(b"%d.example" % number for number in range(100_001)), "at most"),
        (b"", "Cedar protects is awaited"),
        (head() + b"block", "touches block"),
        (head() + b"https://firewall.example/api/%62lock", "ready"),
    ],
)
def test_a_list_of_what_is_protected_that_nobody_can_read_holds_what_it_may_name(payload: bytes, why: str) -> None:
    trap = Trap()
    place = append(trap.cedar, trap.circle, "document/1", payload or head() + b"withheld")
    write(trap.cedar, trap.circle, "protected/1", {"content": place.ref})
    trap.network.settle()
    if not payload:
        with trap.alder.base.store.write() as tx:
            row = next(row for row in tx.logs.all() if b32(place.log) in row.origin)
            tx.payloads.drop(row.id, place.index)
    trap.run()
    trap.report(says("evil.example"))
    trap.alder.plans.runner.tick()
    if why == "ready":
        assert len(trap.firewall.asked) == 1
        return
    assert trap.firewall.asked == []
    assert why in trap.note()
    trap.other_plan()


def test_an_erased_file_ends_what_nodes_do_by_themselves_and_people_can_still_stop_it() -> None:
    trap = Trap(liar_proposes=True)
    trap.birch.plans.run(trap.plan)
    trap.network.settle()
    trap.run()
    with reading(trap.alder.base) as board:
        log, index, leaf = str(plan_in(board, trap.plan).act.body["content"]).split("/")
    erase = ERASE.make(unb32(log, 32), "error", due=0, person=b32(bytes(16)), entries=[(int(index), unb32(leaf, 32))])
    append(trap.birch, trap.circle, "erase/1", erase)
    trap.network.settle()
    trap.report(says("evil.example"))
    trap.alder.plans.runner.tick()
    assert trap.firewall.asked == []
    for node in (trap.alder, trap.cedar):
        shown = node.plans.show(trap.plan)
        assert (shown.state, shown.name, shown.problems) == ("running", "", ["The file of the plan was erased."])
        assert {each.id: each.state for each in shown.steps}[ASK] == "done"
    trap.other_plan()
    trap.cedar.plans.stop(trap.plan)
    trap.network.settle()
    assert trap.alder.plans.show(trap.plan).state == "stopped"


# What a member is asked to approve.


def proposed(trap: Trap, data: bytes, steps: list[dict[str, object]], **more: object) -> Place:
    """Let Birch propose whatever it likes."""
    content = append(trap.birch, trap.circle, "document/1", head(CACAO) + data)
    body: dict[str, object] = {
        "nonce": b32(content.leaf[:16]),
        "content": content.ref,
        "hash": b32(sha256(data).digest()),
        "decision": "",
        "steps": steps,
        "exception": "",
        "deadline": 0,
        "voters": sorted(node.member for node in trap.nodes),
        "needed": 3,
    }
    made = write(trap.birch, trap.circle, "plan/1", body | more)
    trap.network.settle()
    return made


def true_steps(trap: Trap) -> list[dict[str, object]]:
    """Return the right skeleton of `two_sides` of Alder and Birch, proposed by Birch."""
    plan = trap.birch.plans.take(two_sides("Alder", "Birch"), trap.circle).plan
    trap.birch.plans.propose(plan)
    with reading(trap.birch.base) as board:
        return [bone.to_dict() for bone in plan_in(board, plan).signed]


def owned_by(trap: Trap, index: int, node: Node) -> list[dict[str, object]]:
    steps = true_steps(trap)
    steps[index] = steps[index] | {"owner": node.member}
    return steps


WRONG: dict[str, tuple[bytes, str]] = {
    "owner": (two_sides("Alder", "Birch"), "the name of one member"),
    "control": (two_sides("Alder", "Birch"), "not those of the file"),
    "fewer": (two_sides("Alder", "Birch"), "belongs to no member"),
    "exception": (two_sides("Alder", "Birch"), "not those of the file"),
    "hash": (two_sides("Alder", "Birch"), "not the one whose hash"),
    "other file": (two_sides("Cedar", "Birch"), "the name of one member"),
    "no playbook": (b"{}", "cannot be run"),
    "deep": (b'{"x":' * 50_000 + b"1" + b"}" * 50_000, "cannot be run"),
    "another's file": (two_sides("Alder", "Birch"), "never sent the file"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_a_plan_that_is_not_its_file_is_shown_so_and_cannot_be_approved(what: str) -> None:
    trap = Trap()
    data, why = WRONG[what]
    steps, more = true_steps(trap), dict[str, object]()
    if what == "owner":
        steps = owned_by(trap, 1, trap.cedar)
    elif what == "control":
        steps = owned_by(trap, 0, trap.cedar)
    elif what == "fewer":
        steps = [steps[0] | {"next": steps[2]["id"]}, *steps[2:]]
    elif what == "exception":
        more = {"exception": steps[2]["id"]}
    elif what == "hash":
        more = {"hash": NOWHERE}
    elif what == "another's file":
        mine = append(trap.cedar, trap.circle, "document/1", head(CACAO) + data)
        trap.network.settle()
        more = {"content": mine.ref}
    place = proposed(trap, data, steps, **more)
    for node in (trap.alder, trap.cedar):
        with reading(node.base) as board:
            plan = next(each.id for each in plans_of(board) if each.act.place == place)
        assert why in " ".join(node.plans.show(plan).problems)
        with pytest.raises(RefusedError, match=why) as told:
            node.plans.approve(plan)
        assert told.value.code == "plan"
        assert node.plans.show(plan).approvals == []
    trap.other_plan()


def test_one_nonce_and_file_in_two_rooms_are_two_plans() -> None:
    """Else what a person allowed for one of them would be allowed for the other."""
    trap = Trap()
    other = trap.network.circle(trap.birch, trap.alder, agreement="Agreement", name="Two")
    steps, data = true_steps(trap), two_sides("Alder", "Birch")
    first = proposed(trap, data, steps, nonce=b32(b"1" * 16))
    content = append(trap.birch, other, "document/1", head(CACAO) + data)
    body: dict[str, object] = {
        "nonce": b32(b"1" * 16),
        "content": content.ref,
        "hash": b32(sha256(data).digest()),
        "decision": "",
        "steps": steps,
        "exception": "",
        "deadline": 0,
        "voters": sorted(node.member for node in (trap.alder, trap.birch)),
        "needed": 2,
    }
    second = write(trap.birch, other, "plan/1", body)
    trap.network.settle()
    with reading(trap.alder.base) as board:
        found = {each.id: each.act.place for each in plans_of(board) if each.act.place in (first, second)}
    assert len(found) == 2
    plan = next(id_ for id_, place in found.items() if place == second)
    trap.alder.plans.approve(plan)
    trap.network.settle()
    write(trap.birch, other, "approval/1", approval(trap, other, second), second.ref)
    trap.network.settle()
    trap.alder.plans.run(plan)
    armed = {id_: trap.alder.plans.show(id_).armed for id_ in found}
    assert armed == {id_: id_ == plan for id_ in found}


def approval(trap: Trap, circle: str, place: Place) -> dict[str, object]:
    with trap.birch.base.store.read() as tx:
        revision = trap.birch.base.find_circle(trap.birch.base.in_force(tx), circle).revision
    return {"of": b32(place.leaf), "revision": b32(revision), "answer": "approve"}


def test_a_plan_of_400_steps_is_shown_at_once() -> None:
    trap = Trap()
    ids = ["s", *(str(number) for number in range(398)), "e"]
    types = ["start", *["action"] * 398, "end"]
    steps: list[dict[str, object]] = [
        {"id": id_, "type": type_, "owner": trap.birch.member, "next": then, "failed": "", "branches": [], "undo": ""}
        for id_, type_, then in zip(ids, types, [*ids[1:], ""], strict=True)
    ]
    place = proposed(trap, b"{}", steps)
    with reading(trap.alder.base) as board:
        plan = next(each.id for each in plans_of(board) if each.act.place == place)
    assert len(trap.alder.plans.show(plan).steps) == 400
    trap.other_plan()
