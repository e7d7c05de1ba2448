"""From a file to the partner's store: objects per second of every stage, both sides on one core, and bytes on the wire.

    python bench/exchange.py [--objects N] [--real FILE] [--http] [--json]

Stages: import (read, check, store), share (decide, append, sign, commit), replicate (pack, send, verify, judge, store,
cosign). The floor is the least that such an exchange costs in this language: commit, hash, decode, sign each 1,000,
store in rows of 256. A ratio of rates to the floor in one process is what can be compared between machines.
"""

import argparse
import gzip
import os
import sqlite3
import tempfile
from hashlib import sha256
from pathlib import Path

import msgspec
from lib.members import Report, Timer, fresh
from lib.synthetic import indicator, lines

from entente.core import entry, merkle, note

PROTOTYPE = 45_000 / 240_000
"""What the prototype reached on both sides together, as part of its floor without storage."""
REACH = 22_500
INGEST = 20 * 617
"""Twenty times what OpenTAXII takes in per CPU second."""
REAL = 27_000
"""About as many real objects as a first sync of ATT&CK has."""


class Object(msgspec.Struct):
    """What the floor decodes."""

    type: str
    id: str
    created: str = ""
    modified: str = ""
    created_by_ref: str = ""
    revoked: bool = False
    name: str = ""


def floor(objects, folder=None):
    """Return the seconds for the least work: with a folder the entries are stored there, durably."""
    decoder, seed = msgspec.json.Decoder(Object), sha256(b"floor").digest()
    database = None
    if folder is not None:
        database = sqlite3.connect(f"{folder}/floor.db", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE row (n INTEGER PRIMARY KEY, leaves BLOB, payloads BLOB) STRICT")
    frontier = merkle.Frontier.empty()
    with Timer() as timer:
        for at in range(0, len(objects), 1024):
            batch = objects[at : at + 1024]
            noise = os.urandom(16 * len(batch))
            salts = [noise[n : n + 16] for n in range(0, len(noise), 16)]
            leaves = entry.leaves(["item/1"] * len(batch), [at] * len(batch), salts, batch)
            frontier.extend(merkle.leaf_hashes(leaves))
            for data in batch:
                decoder.decode(data)
            point = note.Checkpoint("entente/v1/floor", frontier.size, frontier.root())
            note.sign_checkpoint(point, note.Signer("entente/v1/floor", note.ED25519, seed))
            if database is not None:
                database.execute("BEGIN IMMEDIATE")
                for n in range(0, len(batch), 256):
                    row = b"".join(leaves[n : n + 256]), b"".join(batch[n : n + 256])
                    database.execute("INSERT INTO row VALUES (?, ?, ?)", ((at + n) // 256, *row))
                database.execute("COMMIT")
    return timer.cpu


def floors(objects):
    """Return the rates of both floors."""
    with tempfile.TemporaryDirectory() as folder:
        return len(objects) / floor(objects), len(objects) / floor(objects, folder)


def run(report, name, data, objects, *, http):
    """Bring one corpus from a file to the partner and note the figures."""
    bare, stored = floors(objects)
    count = len(objects)
    with fresh() as pair:
        with Timer() as importing:
            done = pair.a.items.import_files([(name, data)], tlp="TLP:GREEN")
        report.check(done.new + done.unchanged + done.changed == count, f"{name}: imported {done}")
        seqs = pair.seqs()
        with Timer() as sharing:
            shared, refused = pair.a.sharing.send_allowed(seqs, pair.circle, "", pair.a.operator, None)
        report.check(shared == len(seqs) and not refused, f"{name}: shared {shared} of {len(seqs)}, refused {refused}")
        pair.wire.forget()
        with Timer() as replicating:
            flow = replicate(pair, http=http)
        report.check(flow.sent.entries == shared, f"{name}: {flow}")
        check(report, pair, name)
        figures(report, name, shared, pair.wire, (importing, sharing, replicating), http=http)
        report.row(f"{name}: bytes per object as imported", sum(map(len, objects)) / count, "B")
        report.row(f"{name}: floor without storage", bare, "/s")
        report.row(f"{name}: floor with storage", stored, "/s")
        for what, cpu in (
            ("share to partner", sharing.cpu + replicating.cpu),
            ("file to partner", importing.cpu + sharing.cpu + replicating.cpu),
        ):
            report.row(f"{name}: {what}, both sides, one core", shared / cpu, "/CPU s", REACH)
            report.row(f"{name}: {what}, part of the floor", shared / cpu / bare, "", 0.5 * PROTOTYPE)


def figures(report, name, shared, wire, timers, *, http):
    """Note the figures of each stage."""
    importing, sharing, replicating = timers
    report.row(f"{name}: objects", shared)
    report.row(f"{name}: import", shared / importing.cpu, "/CPU s")
    report.row(f"{name}: share", shared / sharing.cpu, "/CPU s")
    report.row(f"{name}: writer (import + share)", shared / (importing.cpu + sharing.cpu), "/CPU s")
    if not http:
        serving = replicating.cpu - wire.answering
        report.row(f"{name}: replicate, sender", shared / serving, "/CPU s")
        report.row(f"{name}: replicate, sender, for {REAL:,} of these", REAL * serving / shared, "CPU s", 1, most=True)
        report.row(f"{name}: replicate, receiver", shared / wire.answering, "/CPU s", INGEST)
        limit = 110 if name == "synthetic" else None
        report.row(f"{name}: bytes on the wire per object", wire.bytes / shared, "B", limit, most=True)
        report.row(f"{name}: trips", wire.trips)
    report.row(f"{name}: replicate, both sides", shared / replicating.cpu, "/CPU s", INGEST if http else None)
    report.row(f"{name}: replicate, wall", shared / replicating.wall, "/s")


def replicate(pair, *, http):
    """Bring B level; return what A sent."""
    if not http:
        return pair.a.exchange.sync()[0]
    with pair.http() as caller:
        return caller.exchange.sync()[0]


def check(report, pair, name):
    """Compare the two stores, and the receipt."""
    with pair.a.base.store.read() as mine, pair.b.base.store.read() as theirs:
        for row in mine.logs.all():
            other = theirs.logs.get(row.origin)
            report.check(other is not None and (other.size, other.peaks) == (row.size, row.peaks), f"log {row.origin}")
            if other is None or not row.circle:
                continue
            report.check(not theirs.payloads.awaited(other.id), f"{name}: payloads are missing")
            for at in range(0, row.size, 4096):
                sent = [(each.salt, each.head, each.data) for each in mine.payloads.get(row.id, at, at + 4096)]
                came = [(each.salt, each.head, each.data) for each in theirs.payloads.get(other.id, at, at + 4096)]
                report.check(sent == came, f"{name}: payloads from {at} on differ")
        last = next(row for row, _ in mine.items.get([mine.items.count()]))
    stages = [each.stage for each in pair.a.ledger.receipts(last.stix_id)]
    report.check(stages == ["stored"], f"{name}: receipts {stages}")


def main():
    """Run the corpora that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--real", type=Path, help="a bundle of real objects, .gz or not")
    parser.add_argument("--http", action="store_true", help="over loopback HTTP instead of inside the process")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report("exchange over loopback HTTP" if options.http else "exchange")
    if options.objects:
        objects = [indicator(number) for number in range(options.objects)]
        run(report, "synthetic", lines(0, options.objects), objects, http=options.http)
    if options.real:
        raw = options.real.read_bytes()
        data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        bundle = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        objects = [bytes(each) for each in msgspec.json.decode(bundle["objects"], type=list[msgspec.Raw])]
        run(report, options.real.name, data, objects, http=options.http)
    report.show(as_json=options.json)


if __name__ == "__main__":
    main()
