"""The witness: `add-checkpoint` a second over HTTP on loopback, every answer durable, from several connections at once.

    python bench/witness.py [--connections N] [--heads N] [--json]

The witness is `entente up` in a process of its own. Each connection is kept alive and is one log that submits head
after head, each with a consistency proof from the one before; every answer is verified afterwards.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lib.members import Report, free_port, read

from entente.core import merkle, note
from entente.core.errors import EntenteError
from entente.ledger import cosigner
from entente.node import Node

ENTENTE = (sys.executable, "-m", "entente.interfaces.run")
START = 1000
"""Entries in each log before the first head."""


def used(process):
    """Return the CPU seconds of a process so far."""
    fields = read(f"/proc/{process.pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Log:
    """A log whose heads are signed beforehand; all logs have the same tree."""

    def __init__(self, number, tree):
        self.signer = note.Signer(f"bench.example/{number}", note.ED25519, number.to_bytes(32, "big"))
        self.heads = [note.Checkpoint(self.signer.name, size, root) for size, root, _ in tree]
        self.requests = []
        self.answers = []
        self.seconds = []
        old = 0
        for head, (_, _, proof) in zip(self.heads, tree, strict=True):
            body = cosigner.submission(old, proof, note.sign_checkpoint(head, self.signer))
            start = f"POST /witness/add-checkpoint HTTP/1.1\r\nhost: bench\r\ncontent-length: {len(body)}\r\n\r\n"
            self.requests.append(start.encode() + body)
            old = head.size

    async def run(self, port, skip):
        """Submit head after head; the first `skip` warm up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        left = self.requests[len(self.answers) :]
        for request in left[:skip] if skip else left:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            self.seconds.append(time.perf_counter() - began)
            self.answers.append((int(head[9:12]), body))
        writer.close()
        await writer.wait_closed()

    def wrong(self, verifier):
        """Count the answers that are no cosignature of what was asked."""
        count = len(self.heads) - len(self.answers)
        for head, (status, body) in zip(self.heads, self.answers, strict=False):
            try:
                note.verify_cosignature(head, body.decode(), verifier)
                count += status != 200
            except EntenteError:
                count += 1
        return count


def grow(heads):
    """Return size, root and proof of so many heads of one tree."""
    hashes = merkle.leaf_hashes([b"leaf %d" % at for at in range(START + heads)])
    frontier, tree, old = merkle.Frontier.empty(), [], 0
    frontier.extend(hashes[:START])
    levels = merkle.reader(hashes)
    for size in range(START, START + heads):
        tree.append((size, frontier.root(), merkle.consistency_proof(old, size, levels) if old else []))
        frontier.extend(hashes[size : size + 1])
        old = size
    return tree


def floor(folder, count=500):
    """Return the milliseconds that this disk takes to make a small write durable."""
    began = time.perf_counter()
    with (folder / "floor").open("wb") as file:
        for _ in range(count):
            file.write(b"x" * 512)
            file.flush()
            os.fsync(file.fileno())
    return (time.perf_counter() - began) / count * 1000


async def all_of(logs, port, skip):
    """Let all logs submit at once."""
    await asyncio.gather(*(log.run(port, skip) for log in logs))


def measure(report, folder, connections, heads):
    """Note rate, waiting times and what the server used."""
    home, port = folder / "tower", free_port()
    Node.init(home, name="Watch tower", url=f"http://localhost:{port}")
    tree = grow(heads)
    logs = [Log(number + 1, tree) for number in range(connections)]
    with Node.open(home) as node:
        verifier = note.Verifier.parse(node.witness.vkey)
        for log in logs:
            node.witness.name(log.signer.verifier.vkey())
    with subprocess.Popen([*ENTENTE, "--home", str(home), "up"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"ready ")
        asyncio.run(all_of(logs, port, heads // 10))
        for log in logs:
            log.seconds.clear()
        began, before, own = time.perf_counter(), used(process), time.process_time()
        asyncio.run(all_of(logs, port, 0))
        took, cpu, client = time.perf_counter() - began, used(process) - before, time.process_time() - own
        process.kill()
    wrong = sum(log.wrong(verifier) for log in logs)
    with Node.open(home) as node:
        lost = sum(each.size != START + heads - 1 for each in node.witness.logs())
    report.check(not wrong, f"{wrong} answers are wrong")
    report.check(not lost, f"{lost} logs are not where they were answered to be after kill -9")
    seconds = sorted(second for log in logs for second in log.seconds)
    at = f"{connections} connections"
    report.row(f"add-checkpoint, {at}", len(seconds) / took, "/s", 1000)
    report.row(f"add-checkpoint, {at}: p50", seconds[len(seconds) // 2] * 1000, "ms")
    report.row(f"add-checkpoint, {at}: p95", seconds[len(seconds) * 95 // 100] * 1000, "ms")
    report.row(f"add-checkpoint, {at}: CPU of the server", cpu / len(seconds) * 1e6, "us each")
    report.row(f"add-checkpoint, {at}: CPU of the client", client / len(seconds) * 1e6, "us each")


def main():
    """Measure one connection and several."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--heads", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report("witness")
    for connections in map(int, options.connections.split(",")):
        folder = Path(tempfile.mkdtemp(prefix="entente-bench-"))
        try:
            report.row("one durable write of 512 B", floor(folder), "ms")
            measure(report, folder, connections, options.heads)
        finally:
            shutil.rmtree(folder)
    report.show(as_json=options.json)


if __name__ == "__main__":
    main()
