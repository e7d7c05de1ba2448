"""The story of the demonstration: two members meet, agree, share, answer and prove it, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from entente.core.errors import VerificationError
from entente.interfaces.cli.demo import work as demo_work
from entente.interfaces.cli.demo.data import AGREEMENT, HARBOUR, INDICATORS, NORTHWIND, Corpus
from entente.interfaces.cli.demo.place import DemoPlace, Server, free_urls, until
from entente.ledger.proof import read_proof
from entente.node import Node
from entente.node.items.values import Imported
from entente.node.logs.values import LedgerReport


class StoryStep(Struct, frozen=True):
    """One step that was done: its name, what came of it, how long it took."""

    name: str
    detail: str
    seconds: float


class HeadShown(Struct, frozen=True):
    """The newest head of one log."""

    origin: str
    member: str
    circle: str
    size: int
    root: str


class MemberShown(Struct, frozen=True):
    """What one member holds at the end."""

    name: str
    member: str
    words: list[str]
    url: str
    home: str
    items: int
    receipts: dict[str, int]
    heads: list[HeadShown]
    ok: bool


class StoryTold(Struct, frozen=True):
    """The story as it was told: whether both ledgers verify, the folder, how many seconds it took, each step.

    `shared` counts the items that went to the circle (its id), `refused` names the rules that kept others back.
    """

    ok: bool
    dir: str
    seconds: float
    steps: list[StoryStep]
    shared: int
    refused: list[str]
    circle: str
    members: list[MemberShown]


class Story:
    """Tell the story in `place`; each step is told by `tell` when it is done."""

    def __init__(self, place: DemoPlace, tell: Callable[[StoryStep], None], begin: Callable[[str], None]) -> None:
        self.place = place
        self.steps: list[StoryStep] = []
        self.shared = 0
        self.refused: set[str] = set()
        self.circle = ""
        self.shared_item = ""
        self.warning = self.session = self.decision = self.plan = ""
        self.servers = (Server(place.harbour), Server(place.northwind))
        self._tell = tell
        self._begin = begin

    def run(self) -> None:
        """Tell it from the beginning; raise EntenteError for the first step that does not come out."""
        self._step("two members are founded", self._found)
        self._step("both nodes answer", self._start)
        with self._both() as (harbour, northwind):
            self._step("they meet by a short code", lambda: self._meet(harbour, northwind))
            self._step(
                "each confirms the six words that the other reads out", lambda: self._confirm(harbour, northwind)
            )
            self._step("an agreement is proposed and signed by both", lambda: self._agree(harbour, northwind))
            self._step("Harbour CERT shares a report", lambda: self._share(harbour))
            self._step("Northwind has it, every signature verified", lambda: self._arrive(northwind))
            self._step("the policy keeps TLP:RED at home", lambda: self._red(harbour))
            self._step("an indicator is updated", lambda: self._update(harbour, northwind))
            self._step("Northwind answers with a sighting", lambda: self._answer(harbour, northwind))
            self._step("Northwind acknowledges what it has used", lambda: self._acknowledge(harbour, northwind))
            self._work(harbour, northwind)
            self._step("both hold the same logs, and verify them", lambda: self._verify(harbour, northwind))
            self._step("a proof file verifies on its own", lambda: self._prove(harbour))
        self.place.finish()

    def resume(self) -> None:
        """Start the nodes of a story that was told before, and verify what they hold."""
        self._step("both nodes answer", self._start)
        with self._both() as (harbour, northwind):
            self.circle = next(one.id for one in harbour.agreements.circles())
            self.shared_item = Corpus(harbour.profile.show().identity, HARBOUR).first_indicator()
            self._step("both hold the same logs, and verify them", lambda: self._verify(harbour, northwind))

    def told(self, seconds: float) -> StoryTold:
        """Return the story, which took so many seconds, with what each side holds now."""
        sides = self.sides()
        return StoryTold(
            ok=all(side.ok for side in sides),
            dir=str(self.place.path),
            seconds=round(seconds, 3),
            steps=self.steps,
            shared=self.shared,
            refused=sorted(self.refused),
            circle=self.circle,
            members=sides,
        )

    def sides(self) -> list[MemberShown]:
        """Return what each side holds now."""
        with self._both() as (harbour, northwind):
            sighting = Corpus(northwind.profile.show().identity, NORTHWIND).first_sighting()
            while True:
                until(lambda: _heads(harbour) == _heads(northwind), "the newest heads")
                found = [
                    _side(harbour, self.place.harbour, self.circle, self.shared_item),
                    _side(northwind, self.place.northwind, self.circle, sighting),
                ]
                if sorted(found[0].heads, key=_by_origin) == sorted(found[1].heads, key=_by_origin):
                    return found

    def stop(self) -> None:
        """End both nodes."""
        for server in self.servers:
            server.stop()

    def _step(self, name: str, act: Callable[[], str]) -> None:
        self._begin(name)
        before = time.monotonic()
        detail = act()
        step = StoryStep(name, detail, round(time.monotonic() - before, 3))
        self.steps.append(step)
        self._tell(step)

    @contextmanager
    def _both(self) -> Generator[tuple[Node, Node]]:
        with Node.open(self.place.harbour) as harbour, Node.open(self.place.northwind) as northwind:
            yield harbour, northwind

    def _found(self) -> str:
        homes = zip((self.place.harbour, self.place.northwind), (HARBOUR, NORTHWIND), free_urls(2), strict=True)
        for home, name, url in homes:
            Node.init(home, name=name, url=url, recovery=self.place.path / f"{home.name}.recovery")
        return f"{HARBOUR} and {NORTHWIND}, each with its own keys"

    def _start(self) -> str:
        for server in self.servers:
            server.start()
        return " and ".join(server.url for server in self.servers)

    def _meet(self, harbour: Node, northwind: Node) -> str:
        invitation = harbour.partners.invite()
        northwind.partners.join(invitation.url, invitation.code)
        return f"code {invitation.code}, good for one try"

    def _confirm(self, harbour: Node, northwind: Node) -> str:
        northwind.partners.confirm(harbour.member, " ".join(harbour.words))
        harbour.partners.confirm(northwind.member, " ".join(northwind.words))
        until(lambda: _paired(harbour) and _paired(northwind), "the pairing")
        return f"{HARBOUR}: {' '.join(harbour.words)}"

    def _agree(self, harbour: Node, northwind: Node) -> str:
        proposed = northwind.agreements.propose([harbour.member], name=AGREEMENT)
        northwind.agreements.sign(proposed.agreement)
        until(lambda: any(one.id == proposed.agreement for one in harbour.agreements.list()), "the proposal")
        harbour.agreements.sign(proposed.agreement)
        until(lambda: _in_force(harbour) and _in_force(northwind), "the signatures")
        self.circle = proposed.circle
        return f'"{AGREEMENT}" is in force, ceiling TLP:AMBER'

    def _share(self, harbour: Node) -> str:
        corpus = Corpus(harbour.profile.show().identity, HARBOUR)
        path = self.place.paper("lantern-quay.json", corpus.bundle())
        done = harbour.items.import_files([path], circle=self.circle, purpose="detection")
        if done.rejected or not done.shared:
            raise VerificationError(f"Of the report {len(done.rejected)} objects were rejected, {done.shared} shared.")
        self.shared_item = corpus.first_indicator()
        self._count(done)
        kept = done.read - done.shared
        return f"{INDICATORS} indicators, {done.shared} objects in all; {kept} kept back by {', '.join(done.refused)}"

    def _arrive(self, northwind: Node) -> str:
        wanted = self.shared
        until(lambda: count_items(northwind, self.circle) >= wanted, "the items")
        return f"{wanted} objects, byte for byte as they were"

    def _red(self, harbour: Node) -> str:
        secret = next(one for one in harbour.items.list(type="note", limit=1).items)
        decision = harbour.sharing.preview([secret.id], self.circle, purpose="detection").decisions[0]
        if decision.allowed:
            raise VerificationError("An object for named persons may go to a circle.")
        said = next(reason for reason in decision.reasons if not reason.allowed)
        return f"{said.text} Who can change it: {said.who}."

    def _update(self, harbour: Node, northwind: Node) -> str:
        corpus = Corpus(harbour.profile.show().identity, HARBOUR)
        path = self.place.paper("update.json", corpus.update())
        done = harbour.items.import_files([path], circle=self.circle, purpose="detection")
        self._count(done)
        newest = harbour.items.show(self.shared_item).object["modified"]
        until(lambda: northwind.items.show(self.shared_item).object["modified"] == newest, "the update")
        return f"{self.shared_item} at {newest} on both sides"

    def _answer(self, harbour: Node, northwind: Node) -> str:
        seen = Corpus(northwind.profile.show().identity, NORTHWIND).sighting(self.shared_item)
        path = self.place.paper("sighting.json", seen)
        done = northwind.items.import_files([path], tlp="TLP:AMBER", circle=self.circle, purpose="detection")
        self._count(done)
        until(lambda: bool(harbour.items.list(type="sighting", limit=1).items), "the sighting")
        return "seen three times in its own network"

    def _acknowledge(self, harbour: Node, northwind: Node) -> str:
        northwind.items.acknowledge([self.shared_item], stage="used")
        until(lambda: "used" in _stages(harbour, self.shared_item), "the receipt")
        return f"receipts at {HARBOUR}: {', '.join(sorted(_stages(harbour, self.shared_item)))}"

    def _work(self, harbour: Node, northwind: Node) -> None:
        """Warn, meet, decide, act and publish together."""
        self._step(f"{HARBOUR} warns, and Northwind assesses it", lambda: self._warn(harbour, northwind))
        self._step("a session meets, and both decide", lambda: self._decide(harbour, northwind))
        self._step("the decision becomes a plan, and each side does its step", lambda: self._act(harbour, northwind))
        conclude = demo_work.conclude
        self._step(
            "minutes signed, a public line released by both",
            lambda: conclude(harbour, northwind, self.session, self.warning, self.place),
        )

    def _warn(self, harbour: Node, northwind: Node) -> str:
        self.warning = demo_work.warn(harbour, northwind, self.circle)
        return demo_work.told(harbour, self.warning)

    def _decide(self, harbour: Node, northwind: Node) -> str:
        self.session, self.decision = demo_work.decide(harbour, northwind, self.circle, self.warning)
        found = harbour.sessions.decision(self.decision)
        return f'"{found.text}" decided by {len(found.votes)} of {found.needed} needed; one voice had decided nothing'

    def _act(self, harbour: Node, northwind: Node) -> str:
        self.plan = demo_work.act(harbour, northwind, self.circle, self.decision)
        return "; ".join(one.text for one in harbour.plans.show(self.plan).effect)

    def _verify(self, harbour: Node, northwind: Node) -> str:
        until(lambda: _heads(harbour) == _heads(northwind), "the newest heads")
        reports = [harbour.ledger.verify(), northwind.ledger.verify()]
        for report in reports:
            _check(report)
        entries = sum(log.size for log in reports[0].logs)
        return f"{len(reports[0].logs)} logs, {entries} entries, the same heads"

    def _prove(self, harbour: Node) -> str:
        data = harbour.ledger.proof(self.shared_item)
        path = self.place.paper("proof.txt", data)
        proof = read_proof(data)
        spoiled = bytearray(data)
        spoiled[len(data) // 2] ^= 1
        try:
            read_proof(bytes(spoiled))
        except VerificationError:
            return f"entry {proof.index} of {proof.checkpoint.size}, {path}; with one byte changed it is refused"
        raise VerificationError("A proof with a changed byte verifies.")

    def _count(self, done: Imported) -> None:
        self.shared += done.shared
        self.refused |= done.refused.keys()


def count_items(node: Node, circle: str) -> int:
    """Return how many items a circle holds here."""
    page = node.items.list(circle=circle, limit=1000)
    number = len(page.items)
    while page.next:
        page = node.items.list(circle=circle, limit=1000, cursor=page.next)
        number += len(page.items)
    return number


def _side(node: Node, home: Path, circle: str, own: str) -> MemberShown:
    """Return what one member holds, and the receipts of an item of its own."""
    report = node.ledger.verify()
    receipts: dict[str, int] = {}
    for one in node.ledger.receipts(own):
        receipts[one.stage] = receipts.get(one.stage, 0) + 1
    heads = [HeadShown(log.origin, log.member, log.circle, log.size, log.root) for log in report.logs]
    items = count_items(node, circle)
    return MemberShown(node.name, node.member, list(node.words), node.url, str(home), items, receipts, heads, report.ok)


def _by_origin(head: HeadShown) -> str:
    return head.origin


def _check(report: LedgerReport) -> None:
    problems = [*report.problems, *(problem for log in report.logs for problem in log.problems)]
    if not report.ok or problems:
        raise VerificationError(f"The ledger does not verify: {'; '.join(problems)[:500]}")


def _paired(node: Node) -> bool:
    return any(one.state == "paired" for one in node.partners.list())


def _in_force(node: Node) -> bool:
    return any(one.state == "in-force" for one in node.agreements.list())


def _stages(node: Node, item: str) -> set[str]:
    return {one.stage for one in node.ledger.receipts(item)}


def _heads(node: Node) -> dict[str, tuple[int, str]]:
    return {log.origin: (log.size, log.root) for log in node.ledger.verify().logs}
