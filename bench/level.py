"""A round when almost everything is known: nothing new, 1 and 100 new among many. Trips, bytes and milliseconds.

    python bench/level.py --cache DIR [--sizes 10000,1000000] [--json]

The homes are built once in the cache folder (a million items take some minutes) and used in place again; each run adds
a few hundred items. Bytes are those of message bodies; over HTTP also those of everything that went through the socket.
"""

import argparse
import contextlib
import socket
import statistics
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from lib.built import add, build
from lib.members import Report, free_port

TIMES = 21


class Tap:
    """Passes connections on to a port, and counts every byte."""

    def __init__(self, port, to):
        self.bytes = 0
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                outer = socket.create_connection(("127.0.0.1", self._to))
                for one, other in ((inner, outer), (outer, inner)):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                self.bytes += len(data)
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self):
        """Take no more."""
        self._listener.close()


def fresh(pair, count):
    """Share so many items that nobody has."""
    file = pair.folder / "next"
    number = int(file.read_text("utf-8"))
    file.write_text(str(number + count), "utf-8")
    add(pair, number, number + count)


def held(pair):
    """Return how many items each side holds."""
    counts = []
    for node in (pair.a, pair.b):
        with node.base.store.read() as tx:
            counts.append(tx.items.count())
    return counts


def rounds(pair, count, caller=None):
    """Return the medians of ms whole, ms answering side, trips, body bytes, ms to bring; `count` are new, B calls A."""
    rows = []
    for _ in range(TIMES if count < 100 else 7):
        brought = time.perf_counter()
        if count:
            fresh(pair, count)
        brought = (time.perf_counter() - brought) * 1000
        pair.wire.forget()
        began = time.perf_counter()
        flow = (caller or pair.b).exchange.sync()[0]
        whole = (time.perf_counter() - began) * 1000
        rows.append((whole, pair.wire.answered * 1000, pair.wire.trips, pair.wire.bytes, brought))
        assert (flow.received.entries, flow.error) == (count, ""), flow
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def measure(report, cache, size):
    """Note the figures for one size."""
    pair = build(cache, size)
    try:
        among = f"among {size:,}"
        before = held(pair)
        report.check(before[0] == before[1] >= size, f"{among}: held {before}")
        whole, answer, trips, body, _ = rounds(pair, 0)
        report.row(f"nothing new {among}: trips", int(trips), "", 1, most=True)
        report.row(f"nothing new {among}: bodies", int(body), "B", 2000, most=True)
        report.row(f"nothing new {among}: whole round", whole, "ms", 50, most=True)
        for count in (1, 100):
            whole, answer, trips, body, brought = rounds(pair, count)
            report.row(f"{count} new {among}: import, decide, append, sign, commit", brought, "ms")
            report.row(f"{count} new {among}: answering side until the entries leave", answer, "ms", 3, most=True)
            report.row(f"{count} new {among}: whole round, stored and receipted", whole, "ms")
            report.row(f"{count} new {among}: trips", int(trips))
            report.row(f"{count} new {among}: bodies", int(body), "B")
        over_http(report, pair, among)
        pair.settle()
        after = held(pair)
        report.check(after[0] == after[1] > before[0], f"{among}: held {after} after {before}")
    finally:
        pair.close()


def over_http(report, pair, among):
    """Note what a round with nothing new takes through sockets: A calls B."""
    port = urlsplit(pair.b.url).port
    pair.ports[1] = free_port()
    tap = Tap(port, pair.ports[1])
    with pair.http() as caller:
        caller.exchange.sync()
        rows = []
        for _ in range(TIMES):
            tap.bytes = 0
            began = time.perf_counter()
            flow = caller.exchange.sync()[0]
            rows.append(((time.perf_counter() - began) * 1000, tap.bytes))
            report.check(not flow.error, f"{among}: {flow.error}")
    tap.close()
    report.row(f"nothing new {among}, HTTP: whole round", statistics.median(ms for ms, _ in rows), "ms", 50, most=True)
    report.row(f"nothing new {among}, HTTP: bytes with headers", int(statistics.median(size for _, size in rows)), "B")


def main():
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--sizes", default="10000,1000000")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report("level")
    for size in map(int, options.sizes.split(",")):
        measure(report, options.cache, size)
    report.show(as_json=options.json)


if __name__ == "__main__":
    main()
