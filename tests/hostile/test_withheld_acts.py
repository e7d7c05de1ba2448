"""A member announces an act and gives its payload to some only, or late: all that hold the same show the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entente.core.ids import origin_hash
from entente.exchange.messages import Delivery, Message
from entente.node.work.acts import reading
from hostile.joint import HOUR, append, head, write
from hostile.peer import Scene, codes, row_of
from hostile.test_withheld import bare_last
from stories.story import reasons

if TYPE_CHECKING:
    from entente.core.ids import Member
    from entente.core.kind import Place
    from entente.node import Node


class Asked:
    """A request of Harbour to all; Summit, the liar, has its words ready and tells nobody anything by itself."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.summit = scene, scene.summit
        self.harbour, self.northwind = scene.honest
        asked = self.harbour.requests.ask(scene.circle, "Who was it?", self.harbour.base.clock() + HOUR)
        self.request, self.words = asked.id, append(self.summit.node, scene.circle, "document/1", head() + b"We.")
        scene.settle()
        self.start = row_of(self.harbour, scene.circle, self.summit.node.base.me).size
        self.summit.lie = self.silent
        with reading(self.harbour.base) as board:
            self.ref = board.find("request/1", self.request, "request").place.ref

    def silent(self, _partner: Member, message: Message) -> Message:
        fields = {name: getattr(message, name) for name in message.__struct_fields__}
        return Message(**{**fields, "parts": [], "deliveries": []})

    def reply(self, answer: str) -> Place:
        body: dict[str, object] = {"of": self.ref, "answer": answer, "content": self.words.ref}
        return write(self.summit.node, self.scene.circle, "reply/1", body, self.ref)

    def tell(self, node: Node, start: int) -> list[str]:
        return codes(
            self.summit.say(node, Message(parts=[self.summit.part(self.summit.row(self.scene.circle), start)]))
        )

    def tell_bare(self, node: Node) -> list[str]:
        """Announce the newest entry, without its payload."""
        return codes(self.summit.say(node, Message(parts=[bare_last(self.summit, self.scene, self.start)])))

    def deliver(self, node: Node) -> list[str]:
        row = self.summit.row(self.scene.circle)
        with self.summit.node.base.store.read() as tx:
            (held,) = tx.payloads.get(row.id, self.start, self.start + 1)
        given = Delivery(origin_hash(row.origin), self.start, held.salt, held.head + held.data)
        return codes(self.summit.say(node, Message(deliveries=[given])))

    def answers(self, node: Node) -> list[str]:
        return [each.answer for each in node.requests.show(self.request).answers]


@pytest.mark.parametrize("by", ["its author", "the other member"])
def test_what_stands_behind_an_act_that_is_withheld_counts_when_that_has_come(scene: Scene, by: str) -> None:
    """Else the first answer would be the second one to whoever got it first."""
    asked = Asked(scene)
    asked.reply("refused")
    assert asked.tell_bare(asked.harbour) == []
    asked.reply("answered")
    assert asked.tell(asked.harbour, asked.start + 1) == []
    assert asked.answers(asked.harbour) == []
    assert asked.tell(asked.northwind, asked.start) == []
    assert asked.answers(asked.northwind) == ["refused"]
    if by == "its author":
        assert asked.deliver(asked.harbour) == []
    else:
        assert asked.harbour.exchange.sync(asked.northwind.member)[0].error == ""
        assert asked.harbour.exchange.sync(asked.northwind.member)[0].error == ""
    assert asked.answers(asked.harbour) == ["refused"]
    assert all(node.ledger.verify().ok for node in scene.honest)


def test_what_one_refused_holds_up_nobody_who_has_it_from_there(scene: Scene) -> None:
    asked = Asked(scene)
    scene.settle()
    wrong = write(
        asked.summit.node,
        scene.circle,
        "reply/1",
        {"of": asked.words.ref, "answer": "answered", "content": asked.words.ref},
        asked.words.ref,
    )
    asked.reply("answered")
    assert asked.tell(asked.northwind, asked.start) == []
    assert reasons(asked.northwind, scene.circle) == ["wrong-thing"]
    for _ in range(2):
        assert asked.harbour.exchange.sync(asked.northwind.member)[0].error == ""
    assert asked.answers(asked.northwind) == asked.answers(asked.harbour) == ["answered"]
    with reading(asked.harbour.base) as board:
        assert wrong.ref not in board.in_force.view.acts
