"""Two nodes as they run: seconds to `ready`, memory at rest and while 100,000 items go from one to the other.

    python bench/running.py [--objects N] [--json]

Each node is `entente up` in a process of its own; `entente item import --circle` brings the items, as people do.
"""

import argparse
import statistics
import subprocess
import threading
import time

from lib.members import Report, fresh
from lib.processes import ENTENTE, memory, used
from lib.synthetic import lines

STARTS = 5


def seconds(*arguments):
    """Return how long a command takes."""
    began = time.perf_counter()
    subprocess.run([*ENTENTE, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def up(home):
    """Start a node; return the process and the seconds until it answered."""
    began = time.perf_counter()
    process = subprocess.Popen([*ENTENTE, "--home", str(home), "up"], stdout=subprocess.PIPE)
    line = process.stdout.readline()
    assert line.startswith(b"ready "), line
    return process, time.perf_counter() - began


class Peak(threading.Thread):
    """Watches the memory of a command until it ends."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.peak = process, 0.0
        self.start()

    def run(self):
        """Look every 20 ms."""
        while self.process.poll() is None:
            self.peak = max(self.peak, memory(self.process))
            time.sleep(0.02)


def carry(report, pair, count, nodes):
    """Bring items in on A by command, and wait until B has stored them all."""
    path = pair.folder / "items.jsonl"
    path.write_bytes(lines(0, count))
    command = [
        *ENTENTE,
        "--home",
        str(pair.folder / "a"),
        "--json",
        "item",
        "import",
        str(path),
        "--circle",
        pair.circle,
    ]
    began, before = time.perf_counter(), [used(node) for node in nodes]
    importing = subprocess.Popen([*command, "--tlp", "TLP:GREEN"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    watch = Peak(importing)
    out, _ = importing.communicate()
    report.check(importing.returncode == 0, f"import ended with {importing.returncode}: {out[:300]}")
    imported = time.perf_counter() - began
    there = arrive(pair, count, began + 600)
    report.row(f"import and share {count:,}: the command", imported, "s")
    report.row(f"import and share {count:,}: peak memory of the command", watch.peak, "MB")
    report.row(f"import and share {count:,}: all stored by the partner", there - began, "s")
    for name, node, cpu in zip("AB", nodes, before, strict=True):
        report.row(f"sync of {count:,}: CPU of the node of {name}", used(node) - cpu, "s")
        report.row(f"sync of {count:,}: peak memory of the node of {name}", memory(node, "VmHWM"), "MB")
        report.row(f"after it: memory of the node of {name}", memory(node), "MB")


def arrive(pair, count, late):
    """Return when B holds that many items."""
    while time.perf_counter() < late:
        with pair.opened[1].base.store.read() as tx:
            if tx.items.count() >= count:
                return time.perf_counter()
        time.sleep(0.1)
    raise AssertionError("they did not arrive")


def main():
    """Start, rest, carry."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report("running")
    with fresh() as pair:
        helps = statistics.median(seconds("--help") for _ in range(STARTS))
        report.row("entente --help", helps, "s", 0.2, most=True)
        nodes, starts = [], []
        try:
            for home in (pair.folder / "a", pair.folder / "b"):
                node, took = up(home)
                nodes.append(node)
                starts.append(took)
            report.row("entente up until ready", max(starts), "s")
            time.sleep(5)
            for name, node in zip("AB", nodes, strict=True):
                report.row(f"at rest: memory of the node of {name}", memory(node), "MB", 100, most=True)
            idle = [used(node) for node in nodes]
            time.sleep(5)
            busy = max(used(node) - before for node, before in zip(nodes, idle, strict=True)) / 5
            report.row("at rest: CPU of a node", 100 * busy, "%")
            carry(report, pair, options.objects, nodes)
        finally:
            for node in nodes:
                node.terminate()
                report.check(node.wait(20) == 0, "a node did not end well")
        check(report, pair, options.objects)
    report.show(as_json=options.json)


def check(report, pair, count):
    """See that both logs are equal and that A has the receipt."""
    sides = []
    for node in pair.opened:
        with node.base.store.read() as tx:
            sides.append({row.origin: (row.size, row.peaks) for row in tx.logs.all()})
            report.check(tx.items.count() == count, f"{node.name} holds {tx.items.count()} items")
    report.check(sides[0] == sides[1], "the logs differ")
    with pair.opened[0].base.store.read() as tx:
        last = tx.items.get([count])[0][0]
    stages = [each.stage for each in pair.opened[0].ledger.receipts(last.stix_id)]
    report.check(stages == ["stored"], f"receipts {stages}")


if __name__ == "__main__":
    main()
