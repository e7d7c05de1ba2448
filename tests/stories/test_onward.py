"""What a partner brought goes further only with its consent; the chain shows it, and a recall reaches everybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from entente.core import canon
from entente.core.errors import ConflictError, RefusedError
from entente.core.ids import b32
from entente.interfaces.cli import main
from entente.kinds.onward import KIND as ONWARD
from entente.kinds.passed import KIND as PASSED
from entente.kinds.released import KIND as RELEASED
from entente.ledger.document import from_b64
from entente.ledger.log import Draft
from entente.ledger.proof import read_proof
from network import Network
from stories.homes import agree, houses, pair, settle
from stories.story import give, holds, id_of, indicator, refusals
from tools_loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from entente.node import Node

verify = load("verify")
ITEM = indicator(1)
DAY = 86_400_000


class Chain:
    """Harbour and Northwind in one agreement, Northwind, Summit and Valley in another that Harbour knows nothing of."""

    def __init__(self, onward: str = "consent") -> None:
        self.network = Network(21)
        self.a, self.b, self.c, self.d = (
            self.network.add(name) for name in ("Harbour", "Northwind", "Summit", "Valley")
        )
        self.first = self.network.agree(self.a, self.b, name="First", onward=onward)
        self.second = self.network.agree(self.b, self.c, self.d, name="Second")
        give(self.a, self.first, ITEM)
        self.network.settle()

    def ask(self) -> str:
        """Let Northwind ask; return the ask."""
        made = self.b.onward.ask(id_of(ITEM), self.second)
        self.network.settle()
        return made.ask

    def send(self) -> None:
        """Go all the way."""
        self.a.onward.answer(self.ask())
        self.network.settle()
        assert self.b.sharing.send([id_of(ITEM)], self.second).shared == 1
        self.network.settle()


def acts(node: Node, kind: str) -> list[dict[str, object]]:
    """Return the bodies of all acts of a kind that a node holds."""
    with node.base.store.read() as tx:
        return [dict(canon.decode(each.data, len(each.data))) for each in tx.payloads.acts([kind])]


def people(node: Node) -> dict[str, tuple[str, str]]:
    """Return by name how far the only recall has come with a member, and through whom."""
    (recall,) = node.recalls.list()
    return {member.name: (member.state, member.through) for member in recall.members}


def test_without_consent_nothing_goes_and_the_refusal_says_what_to_do() -> None:
    chain = Chain()
    sent = chain.b.sharing.send([id_of(ITEM)], chain.second)
    assert sent.preview is not None
    (reason,) = [each for each in sent.preview.decisions[0].reasons if not each.allowed]
    assert reason.rule == "onward"
    assert "entente share ask" in reason.fix
    ask = chain.ask()
    sent = chain.b.sharing.send([id_of(ITEM)], chain.second)
    assert sent.shared == 0  # asked is not consented
    (shown,) = chain.a.onward.asked()
    assert (shown.ask, shown.item, shown.by, shown.state) == (ask, id_of(ITEM), chain.b.member, "proposed")
    assert {to.member for to in shown.to} == {chain.c.member, chain.d.member}
    assert chain.second not in json.dumps([str(each) for each in acts(chain.a, ONWARD.name)])
    chain.network.settle()
    assert [holds(node, id_of(ITEM)) for node in (chain.c, chain.d)] == [False, False]


def test_with_consent_it_goes_and_everybody_sees_who_let_it() -> None:
    chain = Chain()
    chain.a.onward.answer(chain.ask())
    chain.network.settle()
    preview = chain.b.sharing.preview([id_of(ITEM)], chain.second)
    assert preview.allowed
    (ground,) = [each for each in preview.decisions[0].reasons if each.rule == "onward"]
    assert chain.a.member[:8] in ground.text
    assert any("somebody exported" in each.text for each in preview.decisions[0].reasons)
    chain.b.sharing.send([id_of(ITEM)], chain.second)
    chain.network.settle()
    for node in (chain.c, chain.d):
        view = node.items.show(id_of(ITEM))
        assert view.object == ITEM
        (entry,) = view.entries
        assert entry.consent is not None
        assert (entry.consent.by, entry.consent.sender) == (chain.a.member, chain.b.member)
        (release,) = node.sharing.why(id_of(ITEM))
        assert chain.a.member[:8] in release.clause
        assert node.ledger.verify().ok
    assert any("consent" in release.clause for release in chain.b.sharing.why(id_of(ITEM)))
    (body,) = acts(chain.c, RELEASED.name)
    asked, given = (read_proof(from_b64(body[name], name)) for name in ("ask", "consent"))
    assert (asked.author.member, given.author.member) == (chain.b.base.me, chain.a.base.me)
    assert refusals(chain.c, chain.second) == []


def test_a_refusal_is_final() -> None:
    chain = Chain()
    ask = chain.ask()
    assert chain.a.onward.answer(ask, refuse=True).state == "refused"
    with pytest.raises(ConflictError):
        chain.a.onward.answer(ask)
    chain.network.settle()
    assert chain.b.sharing.send([id_of(ITEM)], chain.second).shared == 0
    assert chain.b.onward.ask(id_of(ITEM), chain.second).state == "refused"  # the same ask, not a new one


def test_where_the_terms_refuse_nobody_is_asked() -> None:
    chain = Chain(onward="refused")
    with pytest.raises(RefusedError, match="no onward dissemination"):
        chain.b.onward.ask(id_of(ITEM), chain.second)
    with pytest.raises(RefusedError, match="yourself"):
        chain.a.onward.ask(id_of(ITEM), chain.first)
    with chain.b.base.store.write() as tx:
        network = chain.b.base.in_force(tx)
        room = chain.b.base.find_circle(network, chain.first)
        row = tx.logs.get(room.origin(chain.a.base.me))
        assert row is not None
        body = ONWARD.make(
            bytes(32), chain.a.base.me, entries=[(0, bytes(32))], to=[chain.c.base.me], person=b32(bytes(16))
        )
        chain.b.base.append(tx, room, [Draft(ONWARD.name, chain.b.base.clock(), b"", body)])
    chain.network.settle()
    assert [reason for _, reason, _ in refusals(chain.a, chain.first)] == ["kind"]


def test_a_recall_reaches_those_who_got_it_and_the_originator_sees_it_without_the_circle() -> None:
    chain = Chain()
    chain.send()
    chain.network.wires[chain.b.base.me].cut.add(chain.d.base.me)
    chain.network.wires[chain.c.base.me].cut.add(chain.d.base.me)
    chain.a.recalls.withdraw(id_of(ITEM), due_days=1)
    chain.network.settle(chain.a, chain.b, chain.c)
    chain.network.settle(chain.a, chain.b, chain.c)
    assert [holds(node, id_of(ITEM)) for node in (chain.a, chain.b, chain.c, chain.d)] == [False, False, False, True]
    through = chain.b.member
    got = people(chain.a)
    assert got["Northwind"] == ("erased", "")
    assert got.get("Summit", got.get(chain.c.member[:8])) == ("erased", through)
    assert got.get("Valley", got.get(chain.d.member[:8])) == ("asked", through)
    chain.network.now += DAY + 1000
    got = people(chain.a)
    assert got.get("Valley", got.get(chain.d.member[:8])) == ("late", through)
    for wire in chain.network.wires.values():
        wire.cut.clear()
    chain.network.settle()
    chain.network.settle()
    assert not holds(chain.d, id_of(ITEM))
    assert {state for state, _ in people(chain.a).values()} == {"erased"}
    known = json.dumps([str(each) for each in acts(chain.a, PASSED.name)])
    assert chain.second not in known
    assert all(node.ledger.verify().ok for node in (chain.a, chain.b, chain.c, chain.d))
    assert chain.b.items.show(id_of(ITEM)).author == chain.a.member
    sizes = [[log.size for log in node.ledger.verify().logs] for node in (chain.a, chain.b)]
    chain.network.settle()
    assert [[log.size for log in node.ledger.verify().logs] for node in (chain.a, chain.b)] == sizes


def test_the_recall_and_the_consent_verify_without_entente() -> None:
    chain = Chain()
    chain.send()
    consents = dict(chain.c.onward.proofs(id_of(ITEM)))
    assert sorted(name.partition("-")[0] for name in consents) == ["ask", "consent"]
    chain.a.recalls.withdraw(id_of(ITEM))
    chain.network.settle()
    chain.network.settle()
    recall = dict(chain.a.recalls.proofs(id_of(ITEM)))
    assert sorted(name.partition("-")[0] for name in recall) == ["erase", "erased", "erased", "erased"]
    for data in (*consents.values(), *recall.values()):
        verify.judge(data, "")
        with pytest.raises(verify.NotVerifiedError):
            verify.judge(data.replace(b"index ", b"index 1", 1), "")
    authors = {b32(read_proof(data).author.member) for name, data in recall.items() if name.startswith("erased")}
    assert authors == {chain.b.member, chain.c.member, chain.d.member}


def test_who_never_got_it_is_not_shown_as_late() -> None:
    chain = Chain()
    chain.a.onward.answer(chain.ask())
    chain.network.settle()
    chain.a.recalls.withdraw(id_of(ITEM))
    chain.network.settle()
    chain.network.settle()
    assert people(chain.a) == {"Northwind": ("erased", "")}
    with pytest.raises(ConflictError, match="answered"):
        chain.a.onward.answer(chain.a.onward.asked()[0].ask, refuse=True)


def test_a_release_without_its_proof_is_refused() -> None:
    chain = Chain()
    chain.send()
    (held,) = acts(chain.c, RELEASED.name)
    base = chain.b.base
    ask, consent = from_b64(held["ask"], "ask"), from_b64(held["consent"], "consent")
    give(chain.b, chain.second, indicator(7))
    with base.store.write() as tx:
        room = base.find_circle(base.in_force(tx), chain.second)
        row = tx.logs.get(room.origin(base.me))
        assert row is not None
        last = (row.size - 1, tx.logs.node(row.id, 0, row.size - 1))
        far = (row.size + 50, last[1])
        bodies = [
            RELEASED.make([last], ask=consent, consent=ask),
            RELEASED.make([last], ask=ask, consent=consent[:-9] + b"AAAAAAAA\n"),
            RELEASED.make([last], ask=ask, consent=ask),
            RELEASED.make([far], ask=ask, consent=consent),
        ]
        base.append(tx, room, [Draft(RELEASED.name, base.clock(), b"", body) for body in bodies])
    chain.network.settle()
    assert [reason for _, reason, _ in refusals(chain.c, chain.second)] == ["proof", "proof", "proof", "wrong-entry"]


def test_a_consent_for_some_does_not_let_others_have_it() -> None:
    chain = Chain()
    agreement = next(each.id for each in chain.b.agreements.list() if each.name == "Second")
    small = chain.network.circle(chain.b, chain.c, agreement=agreement, name="Small")
    ask = chain.b.onward.ask(id_of(ITEM), small)
    chain.network.settle()
    chain.a.onward.answer(ask.ask)
    chain.network.settle()
    assert chain.b.sharing.send([id_of(ITEM)], chain.second).shared == 0
    assert chain.b.sharing.send([id_of(ITEM)], small).shared == 1
    chain.network.settle()
    assert [holds(node, id_of(ITEM)) for node in (chain.c, chain.d)] == [True, False]


def test_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with houses(tmp_path, "Harbour", "Northwind", "Summit") as (one, two, three):
        pair(one.node, two.node)
        pair(two.node, three.node)
        first = one.node.agreements.propose([two.node.member], name="First", terms={"onward": "consent"})
        one.node.agreements.sign(first.agreement)
        settle(one.node, two.node)
        two.node.agreements.sign(first.agreement)
        settle(one.node, two.node)
        second = agree(two.node, three.node, name="Second")
        give(one.node, first.circle, ITEM)
        settle(one.node, two.node)

        def run(home: Path, *words: str) -> tuple[int, dict[str, str]]:
            capsys.readouterr()
            code = main.run(["--json", "--home", str(home), *words])
            return code, json.loads(capsys.readouterr().out)

        assert run(two.home, "share", "send", id_of(ITEM), "--circle", second)[0] == 3
        code, asked = run(two.home, "share", "ask", id_of(ITEM), "--circle", second)
        assert (code, asked["state"]) == (0, "proposed")
        settle(one.node, two.node)
        assert main.run(["--home", str(one.home), "share", "asked"]) == 0
        assert "Northwind" in capsys.readouterr().out
        code, answered = run(one.home, "share", "consent", asked["ask"][:8])
        assert (code, answered["state"]) == (0, "in-force")
        settle(one.node, two.node)
        assert run(two.home, "share", "send", id_of(ITEM), "--circle", second)[0] == 0
        settle(two.node, three.node)
        assert holds(three.node, id_of(ITEM))
        assert run(three.home, "share", "why", id_of(ITEM), "--out", str(tmp_path / "why"))[0] == 0
        assert len(list((tmp_path / "why").iterdir())) == 2
        assert run(one.home, "share", "withdraw", id_of(ITEM))[0] == 0
        settle(one.node, two.node, three.node)
        settle(one.node, two.node, three.node)
        assert run(one.home, "ledger", "recalls", id_of(ITEM), "--out", str(tmp_path / "recall"))[0] == 0
        assert len(list((tmp_path / "recall").iterdir())) == 3
