"""Two members whose processes are killed at random instants, and what must hold when they have come to rest."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from entente.core.ids import origin_hash, unb32
from entente.ledger import witness
from entente.node import Node
from kill import forked
from network import Network, Wire
from ports import free_port
from timing import CEILING

if TYPE_CHECKING:
    from pathlib import Path

    from entente.store.ports import LogRow, Transaction

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"


class Process:
    """A command at work, or a node that serves (`serves`)."""

    def __init__(self, home: Path, *arguments: str, serves: bool = False) -> None:
        self.home = home
        self.arguments = arguments
        self.serves = serves
        self.killed = False
        self.out: list[bytes] = []
        self.err: list[bytes] = []
        self._process, out, err = forked.start("--home", str(home), "--json", *arguments)
        self.ready = threading.Event()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((out, self.out), (err, self.err))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, end: int, lines: list[bytes]) -> None:
        with open(end, "rb") as stream:
            for line in stream:
                lines.append(line)
                self.ready.set()
        self.ready.set()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        """End it as a power cut would end it."""
        self._process.kill()
        self.killed = True

    def end(self) -> int:
        """Wait for its end and return the exit code."""
        self._process.join(CEILING)
        for reader in self._readers:
            reader.join(CEILING)
        assert self._process.exitcode is not None, self.told()
        return self._process.exitcode

    def stop(self) -> int:
        """Ask a node to end, and return its exit code."""
        self._process.terminate()
        return self.end()

    def told(self) -> str:
        return f"{self.home.name}: {' '.join(self.arguments)}\n{b''.join([*self.out, *self.err]).decode()}"


class Promise:
    """What a command that ended with exit code 0 has promised: these versions are held here, or shared too."""

    def __init__(self, member: int, versions: set[tuple[str, str]], *, shared: bool) -> None:
        self.member = member
        self.versions = versions
        self.shared = shared


class Members:
    """Two members with an agreement, whose nodes and commands are processes of their own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)
        self.homes = [folder / "a", folder / "b"]
        self.ports = [free_port(), free_port()]
        self.promises: list[Promise] = []
        self.local: list[list[str]] = [[], []]
        self._number = 0
        self._files: list[tuple[Path, set[tuple[str, str]]]] = []
        self.circle = self._found()
        self.nodes = [self.up(at) for at in (0, 1)]

    def _found(self) -> str:
        """Found both members and let them agree, without processes."""
        network = Network()
        opened: list[Node] = []
        for home, port in zip(self.homes, self.ports, strict=True):
            Node.init(home, name=f"Member {home.name.upper()}", url=f"http://localhost:{port}")
            node = Node.open(home)
            opened.append(node)
            network.nodes[node.base.me] = Node(node.base, Wire(network, node.base))
        circle = network.agree(*network.nodes.values())
        for node in opened:
            node.close()
        return circle

    def up(self, member: int) -> Process:
        """Start a node and wait until it answers."""
        process = Process(self.homes[member], "up", serves=True)
        assert process.ready.wait(CEILING)
        assert b"".join(process.out).startswith(b"ready http"), process.told()
        return process

    def file(self) -> tuple[Path, set[tuple[str, str]]]:
        """Write a bundle of new objects and of new versions of earlier ones, or return one written before."""
        chance = self.random
        if self._files and chance.random() < 0.25:
            return chance.choice(self._files)
        objects: list[dict[str, object]] = []
        for _ in range(chance.choice((1, 3, 30, 300, 1200))):
            fresh = not self._number or chance.random() < 0.9
            self._number += fresh
            number = self._number if fresh else chance.randrange(self._number) + 1
            objects.append(_indicator(number, modified=1 if fresh else chance.randrange(2, 50)))
        unique = {(str(each["id"]), str(each["modified"])): each for each in objects}
        path = self.folder / f"{len(self._files)}.json"
        path.write_text(json.dumps({"type": "bundle", "id": _uuid("bundle", 0), "objects": list(unique.values())}))
        self._files.append((path, set(unique)))
        return self._files[-1]

    def command(self) -> tuple[Process, Promise | None]:
        """Start a random command on a random home; return it with what it promises if it ends well."""
        chance = self.random
        member = chance.randrange(2)
        home, roll = self.homes[member], chance.random()
        if roll < 0.15:
            return Process(home, "sync"), None
        if roll < 0.35 and self.local[member]:
            chosen = chance.sample(self.local[member], min(len(self.local[member]), chance.randrange(1, 40)))
            sending = Process(home, "share", "send", *chosen, "--circle", self.circle)
            return sending, Promise(member, {(each, "") for each in chosen}, shared=True)
        path, versions = self.file()
        shared = chance.random() < 0.75
        where = ("--circle", self.circle) if shared else ()
        return Process(home, "item", "import", str(path), *where), Promise(member, versions, shared=shared)

    def keep(self, process: Process, promise: Promise | None) -> None:
        """Wait for a command that was not killed; it must have ended well, whoever else was killed, and promises."""
        code = process.end()
        if promise is None:
            assert code in {0, 1}, process.told()
            return
        assert code == 0, process.told()
        self.promises.append(promise)
        if not promise.shared:
            known = self.local[promise.member]
            known += sorted({id_ for id_, _ in promise.versions} - set(known))

    def storm(self) -> None:
        """Let commands work, kill one process at a random instant, and start again what was killed."""
        chance = self.random
        working = [self.command() for _ in range(chance.randrange(2, 4))]
        time.sleep(chance.uniform(0.0, 1.6))
        victims = [each for each in (*self.nodes, *(process for process, _ in working)) if each.running]
        victim = chance.choice(victims)
        victim.kill()
        for process, promise in working:
            if process is not victim:
                self.keep(process, promise)
                continue
            process.end()
            if chance.random() < 0.5:
                self.keep(Process(process.home, *process.arguments), promise)
        if victim in self.nodes:
            victim.end()
            member = self.nodes.index(victim)
            self.nodes[member] = self.up(member)

    def close(self) -> None:
        """Leave no process behind."""
        for process in self.nodes:
            if process.running:
                process.kill()
            process.end()


def _uuid(kind: str, number: int) -> str:
    return f"{kind}--{number:08x}-0000-4000-8000-00000000dead"


def _indicator(number: int, modified: int) -> dict[str, object]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": _uuid("indicator", number),
        "created": "2026-10-01T00:00:00.001Z",
        "modified": f"2026-10-01T00:00:00.{modified:03}Z",
        "name": f"Quay {number}",
        "description": f"Version {modified}",
        "pattern": f"[domain-name:value = 'quay-{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-10-01T00:00:00Z",
        "object_marking_refs": [GREEN],
    }


class View:
    """What one home holds, read while nobody serves it or while its node runs."""

    def __init__(self, node: Node, circle: str) -> None:
        self.node = node
        self.circle = unb32(circle, 32)

    def heads(self) -> dict[str, tuple[int, bytes]]:
        """Return size and compact range of every log that is whole: signed, witnessed and stored up to its end."""
        with self.node.base.store.read() as tx:
            return {row.origin: (row.size, row.peaks) for row in tx.logs.all() if _whole(tx, row)}

    def logs(self) -> int:
        """Return how many logs there are."""
        with self.node.base.store.read() as tx:
            return len(tx.logs.all())

    def shared(self) -> dict[bytes, Counter[tuple[str, str]]]:
        """Return how often each version stands in each member's log of the circle."""
        with self.node.base.store.read() as tx:
            rows = [row for row in tx.logs.all() if row.circle == self.circle]
            return {row.member: self._versions(tx, row) for row in rows}

    def _versions(self, tx: Transaction, row: LogRow) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for each in tx.payloads.get(row.id, 0, row.size):
            if each.kind == "item/1":
                said = msgspec.json.decode(each.data, type=dict[str, object])
                found[str(said["id"]), str(said["modified"])] += 1
        return found

    def held(self) -> Counter[tuple[str, str, bytes, bool]]:
        """Return how often each version is held, by whom it was brought."""
        found: Counter[tuple[str, str, bytes, bool]] = Counter()
        with self.node.base.store.read() as tx:
            total, after = tx.items.count(), 0
            while total:
                rows = tx.items.get(range(after + 1, after + 1001))
                after, total = after + 1000, total - len(rows)
                for row, data in rows:
                    said = msgspec.json.decode(data, type=dict[str, object])
                    found[row.stix_id, str(said["modified"]), row.author, row.own] += 1
        return found


def _whole(tx: Transaction, row: LogRow) -> bool:
    """Say whether all of a log is here, and the other member has stated that it holds all of it."""
    stated = {each.stage for each in witness.of_log(tx, origin_hash(row.origin)) if each.size == row.size}
    held = row.size == row.signed and not tx.payloads.awaited(row.id, 1)
    return held and (not row.circle or stated == {"witnessed", "stored"})


def rest(views: list[View]) -> None:
    """Wait until both nodes hold the same of every log, with every receipt; fail if they never do."""
    late = time.monotonic() + CEILING
    while True:
        heads = [view.heads() for view in views]
        if heads[0] == heads[1] and len(heads[0]) == views[0].logs() == views[1].logs():
            return
        assert time.monotonic() < late, f"no rest: {heads}"
        time.sleep(0.1)
