"""A partner that asks or sends too much is heard less, in words and with a time; others notice nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import anyio
import pytest

from entente.core.errors import LimitError
from entente.core.ids import Member
from entente.exchange.messages import MAX_INFLATED, Message
from entente.exchange.transport import Client
from entente.interfaces.http.gate import WAITING, Lanes, Strangers
from entente.node.exchange.misbehaviour import MOST, PAUSE, WITHIN, Manners
from stories.story import give, holds, id_of, indicator
from timing import CEILING, Stopwatch

if TYPE_CHECKING:
    from hostile.peer import Scene

ONE, OTHER = Member(b"\1" * 32), Member(b"\2" * 32)


def test_after_sixteen_bad_messages_a_partner_is_heard_once_in_ten_seconds() -> None:
    now = [1_000_000]
    manners = Manners(lambda: now[0])
    for _ in range(MOST):
        manners.check(ONE)
        manners.judge(ONE, {"verification"})
    with pytest.raises(LimitError) as told:
        manners.check(ONE)
    assert told.value.code == "busy"
    manners.check(OTHER)
    now[0] += PAUSE
    manners.check(ONE)
    manners.bad(ONE)
    with pytest.raises(LimitError):
        manners.check(ONE)
    now[0] += WITHIN
    manners.check(ONE)


@pytest.mark.parametrize("code", ["fork", "stale", "gap", "stopped", "waits", "not-entitled", "split-view"])
def test_what_an_honest_partner_may_send_is_never_held_against_it(code: str) -> None:
    manners = Manners(lambda: 1)
    for _ in range(100):
        manners.judge(ONE, {code})
        manners.check(ONE)


def test_garbage_is_answered_400_then_429_with_a_time_and_the_others_are_served(scene: Scene) -> None:
    harbour, northwind = scene.honest
    caller = scene.summit.node._caller
    body = b"\x28\xb5\x2f\xfd" + bytes(100)
    path, kind = "/entente/v1/exchange", "application/vnd.entente.message"
    with Client(timeout=CEILING) as client:
        answers = []
        for _ in range(MOST + 1):
            signed = caller._sign("POST", harbour.base.me, path, body)
            answers.append(
                client.post(
                    f"http://127.0.0.1:{scene.harbour.port}",
                    path,
                    {**signed, "content-type": kind},
                    body,
                    pin=None,
                    limit=1 << 20,
                )
            )
    assert [answer.status for answer in answers] == [400] * MOST + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "signature" in answers[-1].headers
    give(northwind, scene.circle, indicator(1))
    assert northwind.exchange.sync(harbour.member)[0].error == ""
    assert holds(harbour, id_of(indicator(1)))


def test_a_message_that_inflates_without_end_leaves_memory_as_it_was(scene: Scene) -> None:
    import zstandard

    from fuzz.engine import peak

    bomb = zstandard.ZstdCompressor(level=1).compress(bytes(40 * MAX_INFLATED))
    caller, harbour = scene.summit.node._caller, scene.harbour.node
    before = peak()
    for _ in range(5):
        with pytest.raises(Exception, match="inflates to at most"):
            caller.exchange(harbour.base.me, bomb)
    assert peak() - before < 8 * (MAX_INFLATED >> 20), "each inflates to forty times what is allowed"


async def _hold(lanes: Lanes, member: Member, seconds: float, began: list[Member]) -> None:
    async with lanes.enter(member) as lane:
        lane.begin()
        began.append(member)
        await anyio.sleep(seconds)


def test_one_partner_waits_for_itself_and_never_for_another() -> None:
    lanes, began = Lanes(), list[Member]()

    async def story() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(WAITING + 1):
                group.start_soon(_hold, lanes, ONE, 0.2, began)
            await anyio.sleep(0.05)
            with anyio.fail_after(0.1):
                await _hold(lanes, OTHER, 0.0, began)
            assert began == [ONE, OTHER]
            with pytest.raises(LimitError):
                await _hold(lanes, ONE, 0.0, began)
            group.cancel_scope.cancel()

    anyio.run(story)


@pytest.mark.parametrize(
    ("others", "credit", "least", "most"), [(False, 0.0, 0.1, 0.3), (True, 1.0, 0.1, 0.3), (True, 0.0, 0.35, 1.0)]
)
def test_a_partner_is_paced_only_when_it_asks_too_much_and_others_are_there(
    *, others: bool, credit: float, least: float, most: float
) -> None:
    async def timed() -> float:
        lanes = Lanes(credit)
        if others:
            await _hold(lanes, OTHER, 0.0, [])
        began = anyio.current_time()
        await _hold(lanes, ONE, 0.1, [])
        return anyio.current_time() - began

    assert least <= anyio.run(timed) < most


def test_a_partner_that_never_sends_its_body_holds_nobody_up(scene: Scene) -> None:
    """Three requests of Summit are open and silent; Northwind exchanges as if they were not."""
    import socket

    harbour, northwind = scene.honest
    caller = scene.summit.node._caller
    held = []
    for _ in range(3):
        signed = caller._sign("POST", harbour.base.me, "/entente/v1/exchange", b"x" * 1000)
        head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        one = socket.create_connection(("127.0.0.1", scene.harbour.port))
        one.sendall(
            f"POST /entente/v1/exchange HTTP/1.1\r\nhost: x\r\ncontent-type: application/vnd.entente.message\r\n"
            f"{head}content-length: 1000\r\n\r\n".encode()
        )
        held.append(one)
    with Stopwatch() as watch:
        give(northwind, scene.circle, indicator(1))
        assert northwind.exchange.sync(harbour.member)[0].error == ""
    assert watch.seconds < 10
    for one in held:
        one.close()


def test_three_hundred_connections_that_say_nothing_leave_room_for_who_speaks(scene: Scene) -> None:
    """A stranger needs no key to open connections; the oldest silent ones make room for new ones."""
    import socket

    harbour, northwind = scene.honest
    held = [socket.create_connection(("127.0.0.1", scene.harbour.port)) for _ in range(300)]
    try:
        for number in range(3):
            give(northwind, scene.circle, indicator(number))
            assert northwind.exchange.sync(harbour.member)[0].error == ""
    finally:
        for one in held:
            one.close()
    assert holds(harbour, id_of(indicator(2)))


def test_a_stranger_is_counted_by_its_address_and_ipv6_by_its_network() -> None:
    strangers = Strangers(3)
    for _ in range(3):
        strangers.count("192.0.2.1", 60.0)
    with pytest.raises(LimitError) as told:
        strangers.count("192.0.2.1", 61.0)
    assert told.value.code == "busy"
    strangers.count("192.0.2.2", 61.0)
    strangers.count("192.0.2.1", 121.0)
    for at in range(3):
        strangers.count(f"2001:db8::{at}", 61.0)
    with pytest.raises(LimitError):
        strangers.count("2001:db8::ffff:1", 61.0)
    strangers.count("2001:db8:0:1::1", 61.0)


def test_ten_thousand_strangers_take_a_bounded_place() -> None:
    strangers = Strangers(3)
    for number in range(10_000):
        strangers.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 61.0)
    assert len(strangers._counts) <= 4096


def test_four_threads_that_talk_without_end_do_not_keep_others_out(scene: Scene) -> None:
    harbour, northwind = scene.honest
    end = threading.Event()

    def talk() -> None:
        while not end.is_set():
            try:
                scene.summit.say(harbour, Message(full=True))
            except Exception as problem:  # noqa: BLE001 - what it is told is another test's
                assert "open here" in str(problem)  # noqa: PT017

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            give(northwind, scene.circle, indicator(number))
            assert northwind.exchange.sync(harbour.member)[0].error == ""
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert all(holds(harbour, id_of(indicator(number))) for number in range(5))
