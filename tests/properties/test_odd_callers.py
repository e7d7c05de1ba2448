"""Whatever a caller of the Python API gives to a public method, it gets an answer or an `EntenteError`.

Each parameter of each public method gets odd texts, ids of other kinds, wrong types and None, while the others are
what they should be.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from entente.core.errors import EntenteError
from entente.formats.warning_file import read_warning_file
from entente.node import Node
from entente.store.sqlite.store import SqliteStore
from network import Network
from stories.story import give, id_of, indicator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PARTS: Final = (
    "partners", "agreements", "agreements.changes", "items", "sharing", "recalls", "onward", "bundles", "ledger",
    "people", "profile", "settings", "keys", "successions", "witness", "outside", "requests", "warnings", "sessions",
    "minutes", "cases", "disclosures", "dossiers", "exports", "tempo",
)  # fmt: skip
OURS: Final = {
    "partners.answer", "partners.learn", "partners.accepted", "partners.greeting", "partners.tell",
    "partners.members", "agreements.settle", "agreements.changes.find", "agreements.changes.sign",
    "agreements.changes.signed", "agreements.changes.amendments", "sharing.send_allowed", "sharing.share_in",
    "keys.renew", "keys.complete", "keys.rotate", "outside.post", "agreements.publish", "sharing.place_of",
    "recalls.narrow_in", "witness.add",
}  # fmt: skip
"""Methods that other parts of the node call, with what they hold themselves."""
LAST: Final = frozenset({"exit", "exclude", "withdraw", "narrow"})
"""Methods after which nothing is as it was."""
NEEDS_MORE: Final = {
    "partners.add", "partners.join", "agreements.changes.continue_", "agreements.changes.accede",
    "agreements.changes.exclude", "onward.answer", "onward.ask", "bundles.take", "ledger.evidence_file",
    "successions.answer", "witness.drop", "witness.name", "outside.use", "outside.drop", "outside.head",
    "requests.answer", "warnings.assess", "sessions.succeed", "disclosures.export", "disclosures.write",
    "dossiers.write", "recalls.proofs", "recalls.write_proofs", "minutes.sign", "items.acknowledge", "keys.set_url",
    "warnings.publish_draft", "agreements.sign",
}  # fmt: skip
"""Methods that are refused here whatever they are given: they answer somebody else, or come after others have."""
TEXTS: Final = (
    "", " ", "x" * 10_000, "a\0b", "\ud800", "\u202eabc\u2069", "\x1b[31m", "../..", "💥" * 300, "%s{0}$(id)", "\n",
)  # fmt: skip
WRONG: Final = (None, 7, b"bytes", 2.5, ["x"], {"x": 1}, object())
NUMBERS: Final = (-1, 0, 2**31, 2**53 - 1, 2**53, 2**70, -(2**70), True, "7", None, 1.5)
"""None of them is a number that every parameter takes."""


class Scene:
    """Two members that share something of everything."""

    def __init__(self, folder: Path) -> None:
        self.network = Network(7)
        store = SqliteStore(folder / "entente.db", create=True, nonce=bytes(16))
        self.node, self.other = self.network.add("Harbour", store), self.network.add("Northwind")
        self.circle = self.network.agree(self.node, self.other)
        self.item = id_of(indicator(1))
        self.folder = folder
        node = self.node
        give(node, self.circle, indicator(1))
        text, _ = read_warning_file(
            b'{"title": "T", "text": "X", "likelihood": "likely", "confidence": "low", '
            b'"sources": [{"name": "N", "grade": "B2"}]}'
        )
        self.warning = text
        self.vkey = node.witness.vkey
        asked = node.requests.ask(self.circle, "Who?", self.network.now + 10**8).id
        session = node.sessions.open(self.circle, self.network.now, "Meeting").session
        node.sessions.join(session)
        decision = node.sessions.decide(session, "We do it.").id
        case = node.cases.open(self.circle, "Case").id
        task = node.cases.task(case, "Task").task
        warned = node.warnings.publish(self.circle, text).id
        line = node.disclosures.propose(self.circle, b"A line.").disclosure
        self.ids = (
            asked, session, decision, case, task, warned, line, self.item, self.circle, node.member, node.operator,
            node.agreements.list()[0].id,
        )  # fmt: skip
        self.of = {
            "requests": asked, "sessions": session, "minutes": session, "cases": case, "warnings": warned,
            "disclosures": line, "dossiers": decision, "items": self.item, "sharing": self.item, "onward": self.item,
            "recalls": self.item, "ledger": self.item, "exports": session,
        }  # fmt: skip

    def fitting(self, part: str, method: str, name: str, kind: str) -> object:
        """Return what a parameter should be given."""
        known = {
            "circle": self.circle, "agreement": self.ids[-1], "member": self.other.member, "partner": self.other.member,
            "task": "", "person": "", "owner": self.other.member, "url": "http://localhost:9999", "tlp": "TLP:GREEN",
            "due": self.network.now + 10**8, "at": self.network.now, "until": 0, "quorum": 0,
            "out": self.folder / "out", "folder": self.folder / "proofs", "stage": "used", "reason": "error",
            "due_days": 7, "priority": 3,
            "files": [("name", b"{}")], "with_": [self.other.member], "to": [], "about": [], "ids": [self.item],
            "found": self.warning, "plan": "", "type": "", "cursor": "", "limit": 5, "name": "", "state": None,
            "title": "Title", "given": " ".join(self.other.words), "data": b"A line.", "item": self.item,
            "allow": [], "drop": ["indicator_types"], "media": "text/plain", "head": "", "deputy": "",
            "roles": [], "text": "Words.", "vkey": self.vkey, "origin": "", "hashed": "00",
            "terms": [] if part == "disclosures" else None,
            "template": "", "ceiling": "", "replaces": "", "purpose": "", "refuse": False if kind == "bool" else "",
        }  # fmt: skip
        special = {
            "sessions.vote id_": self.ids[2], "sessions.decision id_": self.ids[2], "partners.card of": "",
            "partners.write_card of": "", "exports.case id_": self.ids[3], "exports.request id_": self.ids[0],
            "people.add name": "Nora", "settings.set name": "four-eyes", "settings.set value": "off",
            "agreements.show id_": self.ids[-1], "agreements.propose name": "Second",
            "agreements.changes.amend name": "Third", "agreements.open_circle name": "Inner",
            "sessions.delegate head": "operator", "warnings.assess sources": [],
            "items.export ids": (), "dossiers.write_minutes id_": self.ids[1],
        }  # fmt: skip
        if f"{part}.{method} {name}" in special:
            return special[f"{part}.{method} {name}"]
        if name in {"id_", "of", "report"}:
            return self.of.get(part, self.circle)
        return known.get(name, {"str": "", "bool": False, "int": 1, "bytes": b"x"}.get(kind))

    def odd(self, kind: str) -> Sequence[object]:
        """Return what a parameter of this kind should not be given, or need not understand."""
        if kind.startswith("int"):
            return NUMBERS
        if kind.startswith("bool"):
            return (None, "yes", 1)
        odd: Sequence[object] = (*TEXTS, *self.ids, *(each[:6] for each in self.ids), *WRONG)
        if kind.startswith(("Sequence", "Iterable")):
            return [*([each] for each in odd), *WRONG, "text", [""] * 3, [None]]
        return odd


def methods(node: Node, path: str) -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield the public methods of a part."""
    part: Any = node
    for name in path.split("."):
        part = getattr(part, name)
    found = inspect.getmembers(type(part), inspect.isfunction)
    for name, _ in sorted(found, key=lambda each: (each[0] in LAST, each[0])):
        if not name.startswith("_") and f"{path}.{name}" not in OURS:
            yield name, getattr(part, name)


def attempt(method: Callable[..., object], given: Mapping[str, object]) -> None:
    """Call a method; an answer is read to its end, an error has words."""
    try:
        _read(method(**given))
    except EntenteError as problem:
        problem.message.encode()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Give the two members; what an odd name makes a file of lies beside them."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return Scene(tmp_path)


def fitting(scene: Scene, part: str, name: str, method: Callable[..., object]) -> dict[str, tuple[str, object]]:
    """Return for each parameter of a method its kind and what it should be given."""
    kinds = {each: str(held.annotation) for each, held in inspect.signature(method).parameters.items()}
    return {one: (kind, scene.fitting(part, name, one, kind)) for one, kind in kinds.items() if one != "progress"}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_takes_or_refuses_whatever_it_is_given(scene: Scene, part: str) -> None:
    broken: list[str] = []
    for name, method in methods(scene.node, part):
        fit = fitting(scene, part, name, method)
        for each, (kind, _) in fit.items():
            for value in scene.odd(kind):
                try:
                    attempt(method, {one: fine for one, (_, fine) in fit.items()} | {each: value})
                except Exception as problem:  # noqa: BLE001  # that there is none is what is tested
                    broken.append(f"{part}.{name}({each}={value!r:.60}): {type(problem).__name__}: {problem}"[:300])
    assert broken == []


@pytest.mark.parametrize("part", PARTS)
def test_what_is_right_is_answered(scene: Scene, part: str) -> None:
    """Otherwise the test above would look at nothing but first lines of methods."""
    refused: list[str] = []
    for name, method in methods(scene.node, part):
        try:
            found = method(**{one: fine for one, (_, fine) in fitting(scene, part, name, method).items()})
            assert not isinstance(found, Iterator) or list(found)
        except EntenteError as problem:
            refused.append(f"{part}.{name}: {problem.message}")
    assert [each for each in refused if each.partition(":")[0] not in NEEDS_MORE] == []


def test_a_closed_node_says_so(scene: Scene) -> None:
    scene.node.close()
    for part in PARTS:
        for name, method in methods(scene.node, part):
            if f"{part}.{name}" not in {"agreements.templates", "items.bundle"}:
                with pytest.raises(EntenteError):
                    _read(method(**{one: fine for one, (_, fine) in fitting(scene, part, name, method).items()}))


@pytest.mark.parametrize("odd", [*TEXTS, *WRONG], ids=range(len(TEXTS) + len(WRONG)))
def test_a_home_and_its_files_have_any_name_or_none(tmp_path: Path, odd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    Node.init(str(home), name="Harbour", url="http://localhost:9999", recovery=str(tmp_path / "recovery"))
    for work in (
        lambda: Node.init(tmp_path / "second", name=odd, url="http://localhost:9999"),
        lambda: Node.init(tmp_path / "third", name="Harbour", url=odd),
        lambda: Node.init(odd, name="Harbour", url="http://localhost:9999"),
        lambda: Node.init(tmp_path / "fourth", name="Harbour", url="http://localhost:9999", recovery=odd),
        lambda: Node.succeed(odd, recovery=tmp_path / "recovery", card=b"{}"),
        lambda: Node.succeed(tmp_path / "fifth", recovery=odd, card=b"{}"),
        lambda: Node.succeed(tmp_path / "fifth", recovery=tmp_path / "recovery", card=odd),
        lambda: Node.open(odd).close(),
    ):
        attempt(work, {})
    with Node.open(str(home)) as node:
        for work in (
            lambda: node.backup(odd),
            lambda: node.write(odd, b"x"),
            lambda: node.keys.rotate(odd),
            lambda: node.keys.rotate(tmp_path / "recovery", odd),
            lambda: node.items.import_files([odd]),
            lambda: node.items.import_files([("name", odd)]),
            lambda: node.partners.join(odd, "042-abacus-zoom"),
            lambda: node.sync(odd),
        ):
            attempt(work, {})


def _read(found: object) -> None:
    if isinstance(found, Iterator):
        list(found)
