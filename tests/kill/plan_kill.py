"""Two members carry out a plan while one or the other is killed at random instants; run as a program of its own.

    PYTHONPATH=tests python -m kill.plan_kill FOLDER FIRST LAST

Each side is a forked process with a real home. They talk over Unix sockets, so that a side is up again within
milliseconds. Every side does what its people would do: approve, let it run, report what they have done, look at what is
unsure. The endpoint is a file to which each effect appends its key. Prints one JSON line for each run.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from entente.core.errors import EntenteError, RefusedError, TransportError
from entente.core.ids import Member, b32, unb32
from entente.kinds.plan import KIND as PLAN
from entente.node import Node
from entente.node.home import vault
from entente.node.home.base import Base
from entente.node.home.files import Home
from entente.node.home.keyring import Keyring
from entente.node.logs import witnessed
from entente.node.work.acts import reading, writing_about
from entente.node.work.plan.effects import Done, Order
from entente.node.work.plan.jobs import effect_key
from entente.node.work.plan.plan import FINAL
from entente.node.work.plan.runner import Runner
from entente.policy.run import Ready
from entente.store.sqlite.store import SqliteStore
from network import Network, Wire
from playbooks import action, bounded, end, plan_in, playbook, step_id
from timing import CEILING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("Alder", "Birch")
TARGET = "ssh--0f1f4d9e-2d0f-4c3e-9a5d-1f2f3f4f5f6f"


class Socket:
    """Calls to the other member over its Unix socket: its id, the message, and the answer, each behind its length."""

    def __init__(self, me: Member, folder: Path) -> None:
        self._me = me
        self._folder = folder

    def exchange(self, partner: Member, body: bytes) -> bytes:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(5)
                line.connect(str(self._folder / f"{b32(partner)[:12]}.sock"))
                line.sendall(self._me + len(body).to_bytes(4, "big") + body)
                return _read(line, int.from_bytes(_read(line, 4), "big"))
        except OSError as problem:
            raise TransportError("The partner cannot be reached.") from problem

    def plain(self, url: str, path: str, body: Mapping[str, object]) -> dict[str, object]:
        raise TransportError(f"Nobody answers at {url}{path} ({len(body)}).")

    def json(self, partner: Member, path: str, body: Mapping[str, object]) -> dict[str, object]:
        raise TransportError(f"Nobody answers at {path} ({len(partner)}, {len(body)}).")

    def submit(self, url: str, path: str, body: bytes | None) -> tuple[int, str, bytes]:
        raise TransportError(f"Nobody answers at {url}{path} ({body!r}).")

    def close(self) -> None:
        """Nothing is open."""


def now() -> int:
    """Return the milliseconds since 1970."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000


def _read(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        chunk = line.recv(size - len(found))
        if not chunk:
            raise OSError("the line ended")
        found += chunk
    return found


def opened(path: Path, folder: Path) -> Node:
    """Open a home whose calls go over sockets."""
    files = Home(path)
    held = vault.load(files, None)
    store = SqliteStore(files.database)
    base = Base(
        files,
        store,
        held.secrets,
        clock=now,
        random=os.urandom,
        nonce=store.nonce,
        me=held.member,
        lock=held.lock,
    )
    base.guard.check()
    Keyring(base).complete()
    base.guard.sign_kept()
    return Node(base, Socket(base.me, folder))


class Side:
    """One member at work, in a process of its own."""

    def __init__(self, folder: Path, at: int, seed: int, late: bool) -> None:
        self.folder = folder
        self.at = at
        self.late = late
        self.chance = random.Random(f"{seed}/{at}/{os.getpid()}")
        self.node = opened(folder / NAMES[at], folder)
        self.node.plans.runner = Runner(self.node.base, self.act)
        self._serve()

    def _serve(self) -> None:
        path = self.folder / f"{self.node.member[:12]}.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(8)
        threading.Thread(target=self._answer, args=(listener,), daemon=True).start()

    def _answer(self, listener: socket.socket) -> None:
        while True:
            line, _ = listener.accept()
            with line:
                try:
                    caller = Member(_read(line, 32))
                    body = _read(line, int.from_bytes(_read(line, 4), "big"))
                    answer = self.node.door.handle_exchange(caller, body)
                    line.sendall(len(answer).to_bytes(4, "big") + answer)
                except (OSError, EntenteError):
                    continue

    def act(self, order: Order) -> Done:
        """Bring about an effect: one line at the endpoint, some time before and after it."""
        time.sleep(self.chance.uniform(0, 0.02))
        write(self.folder / "effects", order.key)
        time.sleep(self.chance.uniform(0, 0.02))
        return Done(True, "done by the endpoint")

    def work(self) -> NoReturn:
        """Do what is to be done, again and again, until somebody ends this process."""
        while True:
            try:
                self.node.exchange.sync()
                self.turn()
                self.node.plans.runner.tick()
            except EntenteError as problem:
                write(self.folder / f"log-{NAMES[self.at]}", f"{problem.code}: {problem.message}"[:200])
            time.sleep(0.01)

    def turn(self) -> None:
        plans = self.node.plans
        rows = plans.list()
        if not rows and self.at == 0:
            self.node.plans.take((self.folder / "plan.json").read_bytes(), "Circle")
            return
        for row in rows:
            if row.state == "draft":
                self.propose(row.plan)
                return
            found = plans.show(row.plan)
            if found.state == "proposed":
                self.answer(row.plan)
            elif found.state in {"approved", "running"} and not found.armed:
                plans.run(row.plan)
                self.promise("armed", row.plan)
            elif found.state == "running":
                self.steps(row.plan)
            elif found.state in FINAL:
                write(self.folder / f"final-{NAMES[self.at]}", found.state)

    def propose(self, plan: str) -> None:
        wait = (self.folder / "deadline").read_text()
        self.node.plans.propose(plan, now() + int(wait) if wait != "0" else 0)
        self.promise("proposed", plan)

    def answer(self, plan: str) -> None:
        """Approve; a member that is late does so behind its own node's back when the deadline is over."""
        found = self.node.plans.show(plan)
        if any(each.member == self.node.member for each in found.approvals):
            return
        if self.late and self.at == 1:
            with reading(self.node.base) as board:
                deadline = plan_in(board, plan).asked.deadline
            if now() > deadline:
                with reading(self.node.base) as board:
                    ref = plan_in(board, plan).ref
                with writing_about(self.node.base, PLAN.name, ref, "plan") as (writer, act):
                    writer.answer(act)
            return
        try:
            self.node.plans.approve(plan)
        except RefusedError as problem:
            if problem.code != "late":
                raise
            return
        self.promise("approved", plan)

    def steps(self, plan: str) -> None:
        """Report what people do, and what they find out about a step that is unsure."""
        for step in self.node.plans.show(plan).steps:
            if step.owner != self.node.member:
                continue
            if step.state == "unsure":
                key = effect_key(plan, Ready(step.id, step.visit, "", ()))
                seen = {line.split()[0] for line in lines(self.folder / "effects")}
                if not seen & {key, f"{key}-by-hand"}:
                    write(self.folder / "effects", f"{key}-by-hand")
                self.node.plans.done(plan, step.id, text="A person looked.")
            elif step.state == "ready" and step.note == "A person does this step.":
                self.node.plans.done(plan, step.id, text="By hand.")
            else:
                continue
            self.promise("done", f"{step.id}/{step.visit}")

    def promise(self, what: str, which: str) -> None:
        write(self.folder / f"promised-{NAMES[self.at]}", f"{what} {which}")


def write(path: Path, line: str) -> None:
    """Append a line durably, in one piece."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def lines(path: Path) -> list[str]:
    """Return the whole lines of a file that may not be there."""
    return path.read_text().splitlines() if path.exists() else []


def make_plan(chance: random.Random) -> bytes:
    """Return a plan of 2 to 7 steps of both sides, some done by people, some by the nodes, one after the other."""
    names = [f"step {number}" for number in range(chance.randrange(2, 8))]
    ids = [step_id("action", name) for name in names]
    steps: dict[str, dict[str, object]] = {}
    for number, name in enumerate(names):
        then = ids[number + 1] if number + 1 < len(ids) else end()
        agent = NAMES[number % 2 if chance.random() < 0.7 else chance.randrange(2)]
        if chance.random() < 0.4:
            steps[ids[number]] = action(agent, then, name=name)
            continue
        undo = action(agent, "", name=f"undo {name}", command={"type": "bash", "command": "undo"}, targets=[TARGET])
        del undo["on_completion"]
        steps[step_id("action", f"undo {name}")] = undo
        extension = bounded(3600, step_id("action", f"undo {name}"), repeatable=chance.random() < 0.3)
        command = {"type": "bash", "command": f"do {name}"}
        steps[ids[number]] = action(
            agent, then, name=name, command=command, targets=[TARGET], step_extensions=extension
        )
    target = {"type": "ssh", "name": "host", "address": {"ipv4": ["192.0.2.7"]}}
    return playbook(steps, agents=NAMES, start=ids[0], targets={TARGET: target})


def found(folder: Path) -> None:
    """Found both members, let them agree, and allow what the plan does."""
    network = Network()
    nodes: list[Node] = []
    for at, name in enumerate(NAMES):
        Node.init(folder / name, name=name, url=f"http://localhost:{9100 + at}")
        node = Node.open(folder / name)
        nodes.append(node)
        network.nodes[node.base.me] = Node(node.base, Wire(network, node.base))
    network.agree(*network.nodes.values(), name="Circle")
    for node in nodes:
        node.plans.permits.allow_hook("bash", "/bin/true")
        node.close()


def child(work: object, *arguments: object) -> int:
    """Fork a process that does some work and ends; return its number."""
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        assert callable(work)
        work(*arguments)
        code = 0
    except Exception as problem:  # noqa: BLE001 - a process boundary
        sys.stderr.write(f"{problem!r}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def start(folder: Path, at: int, seed: int, late: bool) -> int:
    return child(lambda: Side(folder, at, seed, late).work())


def run(folder: Path, seed: int) -> dict[str, object]:
    """Play one run and return what became of it; `bad` is empty if everything held."""
    chance = random.Random(seed)
    late = chance.random() < 0.25
    wait = chance.randrange(150, 900) if late or chance.random() < 0.3 else 0
    folder.mkdir()
    (folder / "plan.json").write_bytes(make_plan(chance))
    (folder / "deadline").write_text(str(wait))
    assert os.waitpid(child(found, folder), 0)[1] == 0
    sides = [start(folder, at, seed, late) for at in (0, 1)]
    kills = 0
    for _ in range(chance.randrange(2, 6)):
        time.sleep(chance.expovariate(1 / 0.12))
        victim = chance.randrange(2)
        os.kill(sides[victim], signal.SIGKILL)
        os.waitpid(sides[victim], 0)
        kills += 1
        if chance.random() < 0.3:
            time.sleep(chance.uniform(0, 0.3))
        sides[victim] = start(folder, victim, seed, late)
    until = time.monotonic() + CEILING
    while time.monotonic() < until and not all((folder / f"final-{name}").exists() for name in NAMES):
        time.sleep(0.01)
    time.sleep(0.05)
    for each in sides:
        os.kill(each, signal.SIGKILL)
        os.waitpid(each, 0)
    result = folder / "result.json"
    os.waitpid(child(lambda: result.write_text(json.dumps(check(folder, late)))), 0)
    told: dict[str, object] = {"bad": ["it could not be checked"]}
    if result.exists():
        told = json.loads(result.read_text())
    return {"seed": seed, "kills": kills, "late": late, "deadline": wait, **told}


def check(folder: Path, late: bool) -> dict[str, object]:
    """Bring both homes level and compare them with what was promised and what the endpoint was asked."""
    network = Network()
    nodes: list[Node] = []
    for name in NAMES:
        node = Node.open(folder / name)
        nodes.append(Node(node.base, Wire(network, node.base)))
        network.nodes[node.base.me] = nodes[-1]
    network.now = now()
    network.settle(*nodes)
    bad: list[str] = []
    plans = [row for row in nodes[0].plans.list() if row.state != "draft"]
    if len(plans) != 1:
        return {"bad": [f"{len(plans)} plans"], "state": ""}
    plan = plans[0].plan
    views = [node.plans.show(plan) for node in nodes]
    if len({view.state for view in views}) != 1:
        bad.append(f"states {[view.state for view in views]}")
    steps = [[(each.id, each.visit, each.state) for each in view.steps] for view in views]
    if steps[0] != steps[1]:
        bad.append("the sides show different steps")
    bad += effects(folder, plan, nodes[0], views[0].state)
    bad += deadlines(nodes[0], plan, late)
    bad += promises(folder, nodes, plan)
    if views[0].state not in {"done", "expired"}:
        bad.append(f"lost: the plan is {views[0].state}: {steps[0]}")
    for node in nodes:
        if not node.ledger.verify().ok:
            bad.append("the ledger does not verify")
    return {"bad": bad, "state": views[0].state, "unsure": unsure(nodes[0], plan)}


def effects(folder: Path, plan: str, node: Node, state: str) -> list[str]:
    """Compare the endpoint with the acts: nothing twice, nothing missing, nothing of a plan that is not in force."""
    asked = Counter(lines(folder / "effects"))
    bad: list[str] = []
    if state == "expired" and asked:
        bad.append("a plan that expired had effects")
    with reading(node.base) as board:
        found = plan_in(board, plan)
        for visit in found.run.visits:
            step = found.read().steps[visit.id]
            if step.type != "action" or step.commands[0].type == "manual":
                continue
            key = effect_key(plan, Ready(visit.id, visit.visit, "", ()))
            times = asked[key] + asked[f"{key}-by-hand"]
            if visit.state == "done" and not times:
                bad.append(f"lost: {step.name} is done and nothing was asked")
            if times > 1 and not step.repeatable:
                bad.append(f"doubled: {step.name} was asked {times} times")
    return bad


def deadlines(node: Node, plan: str, late: bool) -> list[str]:
    """Look whether an approval was counted that was not in time."""
    with reading(node.base) as board:
        found = plan_in(board, plan)
        asked, outcome = found.asked, found.outcome
        if not asked.deadline:
            return []
        if outcome is None:
            return ["lost: the deadline is over and nothing was decided"]
        bad = ["late: an approval after the deadline was accepted"] if late and found.state != "expired" else []
        for ref in outcome.body["counted"]:
            answer = board.in_force.view.acts[ref]
            seen = answer.time if answer.author == board.me else witnessed.covered_ref(board.tx, ref, Member(board.me))
            if not 0 < seen <= asked.deadline or answer.time > asked.deadline:
                bad.append("late: an approval was counted that was not in time")
        return bad


def promises(folder: Path, nodes: list[Node], plan: str) -> list[str]:
    """Look whether what a side was told is done is there, on both sides."""
    bad: list[str] = []
    for at, name in enumerate(NAMES):
        for line in lines(folder / f"promised-{name}"):
            what, which = line.split(" ", 1)
            for node in nodes:
                shown = node.plans.show(plan)
                done = {f"{each.id}/{each.visit}" for each in shown.steps if each.state == "done"}
                held = {
                    "proposed": True,
                    "armed": True,
                    "approved": any(vote.member == nodes[at].member for vote in shown.approvals),
                    "done": which in done,
                }[what]
                if not held:
                    bad.append(f"lost: {name} was told {line}")
    return bad


def unsure(node: Node, plan: str) -> int:
    with reading(node.base) as board:
        return sum(each.body["state"] == "unsure" for each in plan_in(board, plan).step_acts())


def main(folder: str, first: str, last: str) -> None:
    """Play the runs and print what became of each."""
    assert unb32(b32(bytes(32)), 32) == bytes(32)
    for seed in range(int(first), int(last)):
        sys.stdout.write(json.dumps(run(Path(folder) / str(seed), seed)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
