"""An author claims a time that is not so: ahead of the clock it waits, behind it it wins nothing."""

from __future__ import annotations

from entente.core.marking import parse
from entente.exchange.messages import Message
from entente.kinds.item import Header
from entente.ledger.log import Draft
from hostile.peer import Scene, codes, row_of
from stories.story import LAST, give, holds, id_of, indicator, raw, shown

DAY = 86_400_000


def dated(scene: Scene, time: int, *things: dict[str, object]) -> None:
    """Append items to the hostile member's log under a time of its choice."""
    node = scene.summit.node
    with node.base.store.write() as tx:
        room = node.base.find_circle(node.base.in_force(tx), scene.circle)
        head = Header(parse("TLP:GREEN"), node.operator, "", "indicator").line()
        node.base.append(tx, room, [Draft("item/1", time, head, raw(thing)) for thing in things])
    node.base.guard.mark()


def test_an_entry_ahead_of_the_clock_waits_and_is_shown_to_wait(scene: Scene) -> None:
    harbour, _ = scene.honest
    start = row_of(harbour, scene.circle, scene.summit.node.base.me).size
    dated(scene, harbour.base.clock() + DAY, indicator(1))
    answer = scene.summit.say(harbour, Message(parts=[scene.summit.part(scene.summit.row(scene.circle), start)]))
    assert codes(answer) == ["waits"]
    assert not holds(harbour, id_of(indicator(1)))
    assert harbour.ledger.evidence() == []


def test_an_entry_of_long_ago_is_kept_but_undoes_nothing_that_is_known(scene: Scene) -> None:
    """The claimed time decides nothing: order is that of the log, and the newest version of an object is shown."""
    harbour, northwind = scene.honest
    give(harbour, scene.circle, indicator(1, modified=LAST, name="the newest"))
    scene.settle()
    dated(scene, 1, indicator(1, name="said to be from 1970"), indicator(2))
    scene.settle()
    for node in (harbour, northwind):
        assert shown(node, id_of(indicator(1))) == raw(indicator(1, modified=LAST, name="the newest"))
        assert holds(node, id_of(indicator(2)))
        (entry,) = node.items.show(id_of(indicator(2))).entries
        assert entry.not_before > "2026"
        assert node.ledger.verify().ok


def test_an_honest_entry_s_time_is_not_doubted(scene: Scene) -> None:
    harbour, northwind = scene.honest
    for number in range(3):
        give(harbour, scene.circle, indicator(number))
        scene.settle()
    for number in range(3):
        assert [each.not_before for each in northwind.items.show(id_of(indicator(number))).entries] == [""]
