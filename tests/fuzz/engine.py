"""Run targets on mutated seeds and tell what is wrong: a foreign error, a wrong value, too much time or memory."""

from __future__ import annotations

import random
import resource
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from entente.core.errors import EntenteError
from fuzz.mutate import mutated

if TYPE_CHECKING:
    from collections.abc import Callable

    from fuzz.targets import Target

CORPUS: Final = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one input did that it must not do."""

    target: str
    what: str
    data: bytes

    def save(self, folder: Path) -> Path:
        """Write the input down, under a name that follows from it."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.target}-{sha256(self.data).hexdigest()[:12]}"
        path.write_bytes(self.data)
        path.with_suffix(".txt").write_text(self.what)
        return path


@dataclass(slots=True)
class Tally:
    """How many inputs a target took, refused, and which were findings."""

    taken: int = 0
    refused: int = 0
    findings: list[Finding] = field(default_factory=list)


def seeds_of(target: Target) -> list[bytes]:
    """Return the target's corpus: whole, valid inputs, and what was once a finding."""
    return [path.read_bytes() for path in sorted((CORPUS / target.name).glob("*"))]


def peak() -> int:
    """Return the most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def attempt(target: Target, data: bytes, tally: Tally, peak: Callable[[], int] = peak) -> None:
    """Call the target once and count what came of it."""
    before, start = peak(), time.process_time()
    try:
        target.run(data)
        tally.taken += 1
    except EntenteError:
        tally.refused += 1
    except Exception:  # noqa: BLE001 - whatever it is, it is the finding
        tally.findings.append(Finding(target.name, traceback.format_exc(), data))
    took = time.process_time() - start
    grown = peak() - before
    if took > target.seconds:
        tally.findings.append(Finding(target.name, f"It took {took:.2f} s.", data))
    if grown > target.mebibytes:
        tally.findings.append(Finding(target.name, f"It took {grown} MiB.", data))


def run(target: Target, seed: int, *, inputs: int = 0, seconds: float = 0.0) -> Tally:
    """Feed that many mutated seeds, or as many as the seconds allow; what a seed makes is always the same."""
    with suppress(EntenteError):
        target.run(seeds_of(target)[0])  # what it needs once is not counted
    seeds, chance, tally = seeds_of(target), random.Random(f"{target.name}/{seed}"), Tally()
    end, done = time.monotonic() + seconds, 0
    pool = list(seeds)
    while done < inputs or time.monotonic() < end:
        data = mutated(chance.choice(pool), seeds, chance, target.cap)
        taken = tally.taken
        attempt(target, data, tally)
        if tally.taken > taken and len(pool) < 4 * len(seeds) + 64:  # what is still valid is worth changing again
            pool.append(data)
        done += 1
    return tally
