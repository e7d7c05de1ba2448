"""What a hostile partner costs an honest one: time of the honest one's exchanges while the other hammers, and memory.

    python bench/hostile.py [--rounds N] [--attack NAME …]

Three members as processes of their own on loopback: Harbour serves (`entente up`), Northwind exchanges small items with
it, Summit holds real keys and a real agreement and attacks from four connections without a pause.
"""

import argparse
import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import zstandard
from lib.members import free_port
from lib.processes import ENTENTE, memory

from entente.core import note
from entente.core.ids import origin_hash, unb32
from entente.exchange.http_signature import sign_request
from entente.exchange.messages import CONTENT_TYPE, Message, Part, encode
from entente.exchange.round import Round
from entente.interfaces.http import serve as server
from entente.interfaces.peer import app
from entente.ledger.log import Draft
from entente.ledger.package import Package
from entente.node import Node
from entente.node.exchange.side import MemberSide
from entente.node.rooms import offers

PATH = "/entente/v1/exchange"
LIMIT = 2000
CONNECTIONS = 4
REACH = 1.5
NAMES = ("Harbour", "Northwind", "Summit")


# --- three members ---------------------------------------------------------------------------------------------------


@contextmanager
def served(node, port):
    """Let others call a node, inside this process."""
    stop, ready = threading.Event(), threading.Event()
    options = {"tls": None, "ready": lambda _: ready.set(), "stop": stop}
    thread = threading.Thread(target=server.serve, args=(app.build(node.door), "127.0.0.1", port), kwargs=options)
    thread.start()
    assert ready.wait(20)
    try:
        yield
    finally:
        stop.set()
        thread.join()


def settle(*nodes):
    """Hold rounds until nothing moves."""
    for _ in range(12):
        done = [flow for node in nodes for flow in node.exchange.sync()]
        assert not any(each.error for each in done), done
        if not any(each.sent.entries or each.received.entries for each in done):
            return


def agree(one, other, limits):
    """Pair two members and put an agreement in force."""
    one.partners.add(other.partners.card())
    other.partners.add(one.partners.card())
    one.partners.confirm(other.member, " ".join(other.words))
    other.partners.confirm(one.member, " ".join(one.words))
    made = one.agreements.propose([other.member], name=f"With {other.name}", terms={"limits": limits})
    one.agreements.sign(made.agreement)
    settle(one, other)
    other.agreements.sign(made.agreement)
    settle(one, other)
    return made.circle


def found(folder, ports):
    """Found the three members and their agreements; return the circles by name."""
    with ExitStack() as stack:
        nodes = []
        for name, port in zip(NAMES, ports, strict=True):
            Node.init(folder / name, name=name, url=f"http://127.0.0.1:{port}")
            node = Node.open(folder / name)
            stack.callback(node.close)
            stack.enter_context(served(node, port))
            nodes.append(node)
        harbour, northwind, summit = nodes
        return {
            "honest": agree(harbour, northwind, {}),
            "hostile": agree(harbour, summit, {"entries_day": LIMIT}),
            "harbour": harbour.member,
        }


# --- attacks: each gives bodies to send in turn -----------------------------------------------------------------------


def squeezed(data):
    """Return a message body that inflates to `data`."""
    return zstandard.ZstdCompressor(level=1).compress(data)


def bombs(_node, _facts):
    """Bodies that inflate without end, and nesting without end."""
    endless = zstandard.ZstdCompressor(level=1).compress(bytes(64 << 20))
    return [endless, squeezed(b"\x91" * (8 << 20)), squeezed(b"\xdd\xff\xff\xff\xff" + b"\x90" * (8 << 20))]


def own_log(node, facts, tx):
    """Return our own log of the circle with Harbour."""
    room = offers.load(tx).require(unb32(facts["hostile"], 32))
    return tx.logs.get(room.origin(node.base.me))


def unverifiable(node, facts):
    """Make packages as large as a message may be, under a head of ours that does not cover them."""
    with node.base.store.read() as tx:
        row = own_log(node, facts, tx)
    signer = note.Signer(row.origin, note.ED25519, node.base.keys.secrets.seed("log"))
    head = note.sign_checkpoint(note.Checkpoint(row.origin, row.size + 200, b"\7" * 32), signer)
    size = 60_000
    package = Package(
        row.size,
        ["item/1"],
        bytes(200),
        [1] * 200,
        [size] * 200,
        bytes(16 * 200),
        b'{"a":1}\n'.ljust(size, b"x") * 200,
        [],
        [bytes(32)] * 30,
    )
    return [encode(Message(parts=[Part(origin_hash(row.origin), head, [package])]))]


def notes(node, facts):
    """Make a thousand notes of 60 kB, each full of lines by unknown keys."""
    with node.base.store.read() as tx:
        row = own_log(node, facts, tx)
    lines = (
        row.note
        + "— nobody AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n".encode()
        * 60
    )
    return [encode(Message(parts=[Part(origin_hash(row.origin), lines, [])] * 1000))]


def flood(node, facts):
    """Append ten times the limit of entries; then a real program sends them, and again each time that it is refused."""
    body = [{"type": "note", "spec_version": "2.1", "content": "x" * 300}]
    circle = facts["hostile"]
    with node.base.store.write() as tx:
        room = offers.load(tx).require(unb32(circle, 32))
        head = b'{"marking":"TLP:GREEN","person":"%s","purpose":"","type":"note"}\n' % node.operator.encode()
        data = msgspec.json.encode(body[0])
        node.base.append(tx, room, [Draft("item/1", node.base.clock(), head, data)] * (10 * LIMIT))
    node.base.guard.mark()
    return []


def talk(node, facts):
    """Make the first message of a round, which is never wrong, again and again."""
    round_ = Round(MemberSide(node.base), unb32(facts["harbour"], 32))
    with node.base.store.read() as tx:
        return [encode(round_.open(tx))]


ATTACKS = {"bombs": bombs, "unverifiable": unverifiable, "notes": notes, "flood": flood, "talk": talk}


def post(node, member, port, body):
    """Send one signed message; return the status."""
    signed = sign_request(
        "POST",
        PATH,
        "",
        body,
        sender=node.base.me,
        receiver=member,
        seed=node.base.keys.secrets.seed("transport"),
        created=node.base.clock() // 1000,
        nonce=node.base.random(16),
    )
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", PATH, body, {**signed, "content-type": CONTENT_TYPE})
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status


def attack(options):
    """Attack until standard input ends; print what the answers were."""
    facts = json.loads(options.facts)
    node = Node.open(Path(options.home))
    member, end = unb32(facts["harbour"], 32), threading.Event()
    if options.name == "slow":
        return slow(node, facts, end)
    bodies = ATTACKS[options.name](node, facts)
    counts = Counter()

    def hammer(first):
        turn = first
        while not end.is_set():
            body = bodies[turn % len(bodies)] if bodies else None
            if body is None:
                node.base.full_until.clear()  # a hostile program does not wait
                done = node.exchange.sync(facts["harbour"])[0]
                counts["error" if done.error else ",".join(sorted({each["code"] for each in done.refusals}))] += 1
            else:
                counts[post(node, member, facts["port"], body)] += 1
            turn += 1

    threads = [threading.Thread(target=hammer, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    print("begun", flush=True)
    sys.stdin.read()
    end.set()
    for thread in threads:
        thread.join()
    print(json.dumps({str(key): count for key, count in counts.items()}), flush=True)
    node.close()
    return 0


def slow(node, facts, end):
    """Hold a hundred connections open that say a byte a second."""
    import socket

    held = [socket.create_connection(("127.0.0.1", facts["port"])) for _ in range(100)]
    for each in held:
        each.sendall(b"POST /entente/v1/exchange HTTP/1.1\r\nhost: x\r\n")
    print("begun", flush=True)

    def drip():
        while not end.is_set():
            for each in held:
                try:
                    each.sendall(b"x")
                except OSError:
                    continue
            end.wait(1.0)

    thread = threading.Thread(target=drip)
    thread.start()
    sys.stdin.read()
    end.set()
    thread.join()
    print(json.dumps({"connections": len(held)}), flush=True)
    node.close()
    return 0


# --- the measure -----------------------------------------------------------------------------------------------------


class Honest:
    """Northwind, which shares an item and exchanges, again and again."""

    def __init__(self, folder, facts):
        self.node, self.facts, self.number, self.wrong = Node.open(folder / "Northwind"), facts, 0, []

    def rounds(self, count):
        """Return the seconds of so many rounds, sorted."""
        return sorted(self._one() for _ in range(count))

    def _one(self):
        self.number += 1
        body = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{self.number:08x}-0000-4000-8000-0000000000aa",
            "created": "2026-09-01T00:00:00.000Z",
            "modified": "2026-09-01T00:00:00.000Z",
            "pattern": "[ipv4-addr:value = '192.0.2.1']",
            "pattern_type": "stix",
            "valid_from": "2026-09-01T00:00:00Z",
        }
        made = self.node.items.import_files(
            [("file", json.dumps(body).encode())], tlp="TLP:GREEN", circle=self.facts["honest"]
        )
        began = time.perf_counter()
        done = self.node.exchange.sync(self.facts["harbour"])[0]
        took = time.perf_counter() - began
        if done.error or made.shared != 1 or done.sent.entries < 1:
            self.wrong.append(done.error or "nothing was sent")
        time.sleep(0.01)
        return took


def p95(times):
    """Return the 95th percentile in milliseconds."""
    return times[int(len(times) * 0.95)] * 1000


def measure(folder, facts, names, rounds):
    """Measure each attack against the quiet before and after it; print rows, return how many wrong answers."""
    up = subprocess.Popen([*ENTENTE, "--home", str(folder / "Harbour"), "up"], stdout=subprocess.PIPE)
    rows, honest = [], Honest(folder, facts)
    try:
        assert up.stdout.readline().startswith(b"ready ")
        honest.rounds(30)
        for name in names:
            base, before = honest.rounds(rounds), memory(up)
            arguments = ["--facts", json.dumps(facts), "--home", str(folder / "Summit"), "--name", name]
            enemy = subprocess.Popen(
                [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert enemy.stdout.readline() == "begun\n"
            time.sleep(2.0)  # the first messages are heard
            during, peak = honest.rounds(rounds), memory(up)
            said = enemy.communicate()[0].strip()
            rows.append((name, base, during, before, peak, said))
    finally:
        honest.node.close()
        up.terminate()
        up.wait(20)
    if honest.wrong:
        print(f"WRONG: {len(honest.wrong)} rounds of the honest one failed: {Counter(honest.wrong).most_common(3)}")
    for name, base, during, before, peak, said in rows:
        ratio = p95(during) / p95(base)
        print(
            f"{name:14} p50 {statistics.median(base) * 1000:6.1f} -> {statistics.median(during) * 1000:6.1f} ms  "
            f"p95 {p95(base):6.1f} -> {p95(during):6.1f} ms  {ratio:4.2f}x "
            f"{'reached' if ratio <= REACH else 'MISSED'}  "
            f"memory {before:.0f} -> {peak:.0f} MB  {said}"
        )
    return len(honest.wrong)


def main():
    """Run the bench, or (as its child) attack."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--attack", action="append", choices=[*ATTACKS, "slow"])
    parser.add_argument("--facts", help=argparse.SUPPRESS)
    parser.add_argument("--home", help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.facts:
        return attack(options)
    folder = Path(tempfile.mkdtemp(prefix="entente-bench-"))
    try:
        ports = [free_port() for _ in NAMES]
        facts = {**found(folder, ports), "port": ports[0]}
        return 1 if measure(folder, facts, options.attack or [*ATTACKS, "slow"], options.rounds) else 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
