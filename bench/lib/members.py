"""Two members for the benches: homes on disk with everything durable, an agreement in force, joined in one process."""

import contextlib
import json
import platform
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from entente.interfaces.http import serve as server
from entente.interfaces.peer import app
from entente.node import Node
from entente.node.partners.caller import HttpCaller


class Wire:
    """Calls between members of one process; counts trips, bytes, and what the answering side took.

    `answering` are CPU seconds of all answers, `answered` the seconds on the clock until the first one.
    """

    def __init__(self):
        self.nodes = {}
        self.forget()

    def forget(self):
        """Begin to count anew."""
        self.trips = self.bytes = 0
        self.answering = self.answered = 0.0

    def plain(self, url, path, body):
        """Pairing is by cards here."""
        raise AssertionError(path, url, body)

    def json(self, partner, path, body):
        """Accept a partner."""
        assert path == "/entente/v1/accept"
        return dict(self.nodes[partner].door.handle_accept(next(me for me in self.nodes if me != partner), body))

    def exchange(self, partner, body):
        """Exchange a message."""
        began, at = time.process_time(), time.perf_counter()
        answer = self.nodes[partner].door.handle_exchange(next(me for me in self.nodes if me != partner), body)
        self.answering += time.process_time() - began
        self.answered += 0.0 if self.trips else time.perf_counter() - at
        self.trips += 1
        self.bytes += len(body) + len(answer)
        return answer

    def close(self):
        """Nothing is open."""


class Pair:
    """Members A and B with the circle that they share."""

    def __init__(self, folder, *, found=True):
        self.folder = Path(folder)
        self.wire = Wire()
        self.ports = [free_port(), free_port()]
        if found:
            for name, port in zip("ab", self.ports, strict=True):
                Node.init(self.folder / name, name=f"Member {name.upper()}", url=f"http://localhost:{port}")
        self.opened = [Node.open(self.folder / name) for name in "ab"]
        self.a, self.b = (Node(node.base, self.wire) for node in self.opened)
        self.wire.nodes = {node.base.me: node for node in (self.a, self.b)}
        if found:
            self._agree()
        self.circle = self.a.agreements.circles()[0].id

    def _agree(self):
        self.a.partners.add(self.b.partners.card())
        self.b.partners.add(self.a.partners.card())
        self.a.partners.confirm(self.b.member, " ".join(self.b.words))
        self.b.partners.confirm(self.a.member, " ".join(self.a.words))
        made = self.a.agreements.propose([self.b.member], name="Bench")
        self.a.agreements.sign(made.agreement)
        self.settle()
        self.b.agreements.sign(made.agreement)
        self.settle()
        state = self.a.agreements.circles()[0].state
        assert state == "in-force", state

    def settle(self):
        """Hold rounds until nothing moves."""
        for _ in range(20):
            done = [flow for node in (self.a, self.b) for flow in node.exchange.sync()]
            assert not any(each.error or each.refusals for each in done), done
            if not any(each.sent.entries or each.received.entries for each in done):
                return
        raise AssertionError("no rest")

    @contextlib.contextmanager
    def http(self):
        """Let B answer over loopback HTTP and A call it so; give A."""
        stop, ready = threading.Event(), threading.Event()
        listening = threading.Thread(
            target=server.serve,
            args=(app.build(self.b.door), "127.0.0.1", self.ports[1]),
            kwargs={"tls": None, "ready": lambda _: ready.set(), "stop": stop},
        )
        listening.start()
        caller = HttpCaller(self.a.base)
        try:
            assert ready.wait(20)
            yield Node(self.a.base, caller)
        finally:
            caller.close()
            stop.set()
            listening.join()

    def seqs(self):
        """Return the item rows that A holds as its own, in their order."""
        with self.a.base.store.read() as tx:
            found = tx.items.count()
            return [row.seq for row, _ in tx.items.get(range(1, found + 1)) if row.own]

    def close(self):
        """Close both homes."""
        for node in self.opened:
            node.close()


@contextlib.contextmanager
def fresh():
    """Give a new pair in a folder that goes away afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="entente-bench-"))
    pair = Pair(folder)
    try:
        yield pair
    finally:
        pair.close()
        shutil.rmtree(folder)


def free_port():
    """Return a port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def machine():
    """Return what ran this bench: processor, cores, Python, load."""
    names = [line.partition(":")[2].strip() for line in read("/proc/cpuinfo").splitlines() if "model name" in line]
    load = read("/proc/loadavg").split()[:1]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "cpu": names[0] if names else platform.processor(),
        "cores": len(names) or 1,
        "load": float(load[0]) if load else 0.0,
        "python": platform.python_version(),
    }


def read(path):
    """Return the text of a file, empty where there is none."""
    try:
        return Path(path).read_text("utf-8")
    except OSError:
        return ""


class Report:
    """Wrong answers first, then figures with what was to be reached, then the machine."""

    def __init__(self, title):
        self.title = title
        self.wrong = []
        self.rows = []

    def check(self, ok, what):
        """Note a wrong answer unless `ok`."""
        if not ok:
            self.wrong.append(what)

    def row(self, what, value, unit="", reach=None, *, most=False):
        """Note a figure; `reach` is what it should be at least (`most`: at most)."""
        held = None if reach is None else (value <= reach if most else value >= reach)
        self.rows.append({"what": what, "value": value, "unit": unit, "reach": reach, "reached": held})

    def show(self, *, as_json):
        """Print everything and leave with exit code 1 if an answer was wrong."""
        here = machine()
        if as_json:
            print(json.dumps({"bench": self.title, "wrong": self.wrong, "figures": self.rows, "machine": here}))
        else:
            print(f"{self.title}: wrong answers: {len(self.wrong)}")
            for each in self.wrong:
                print(f"  WRONG {each}")
            for row in self.rows:
                word = "" if row["reach"] is None else f"  reach {row['reach']:,g}: "
                word += "" if row["reached"] is None else "reached" if row["reached"] else "NOT REACHED"
                print(f"  {row['what']:<58} {shown(row['value']):>12} {row['unit']:<12}{word}")
            print(f"  machine: {here['cpu']}, {here['cores']} cores (load {here['load']}), Python {here['python']}")
        sys.exit(1 if self.wrong else 0)


def shown(value):
    """Return a figure for people."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


class Timer:
    """Seconds of a stage: `cpu` of this process and `wall`."""

    def __enter__(self):
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_):
        self.cpu, self.wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
