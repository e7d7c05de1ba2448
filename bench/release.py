"""How long `policy.release` takes for 100,000 items: alone, in chains of references, and all refused.

Run it as `python bench/release.py [ITEMS]`; it prints seconds and microseconds per item.
Wanted: under 1.5 s for 100,000. Seen on two shared cores: 0.25 to 0.74 s.
"""

import random
import sys
import time

from entente.core.ids import Agreement, Circle, Member
from entente.core.marking import Tlp
from entente.formats.stix.object import Facts
from entente.policy import release
from entente.policy.agreement import Terms
from entente.policy.approval import State

SEED = 7
ME, OTHER = Member(b"a" * 32), Member(b"b" * 32)


def view(terms):
    """Return a circle of two that is in force."""
    return release.Circle(
        agreement=Agreement(b"g" * 32),
        circle=Circle(b"c" * 32),
        name="bench",
        agreement_state=State.IN_FORCE,
        circle_state=State.IN_FORCE,
        members=(ME, OTHER),
        founding=(ME, OTHER),
        ceiling=Tlp.AMBER,
        terms=terms,
        me=ME,
    )


def batch(count, refs_of, tlp=Tlp.GREEN, *, own=True):
    """Return items with the references that `refs_of` gives for each place."""
    names = [f"indicator--{place:08x}-0000-4000-8000-000000000000" for place in range(count)]
    return [
        release.Candidate(
            name,
            Facts(
                name, "indicator", "2.1", 0, 0, "", False, "", tlp, None, tuple(names[n] for n in refs_of(place)), ()
            ),
            tlp,
            ME if own else OTHER,
            own,
            "p" * 26,
            600,
        )
        for place, name in enumerate(names)
    ]


def main():
    """Print one line per case."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    chance = random.Random(SEED)
    chained = batch(count, lambda place: [place + 1] if place + 1 < count else [])
    chained[-1] = release.Candidate(chained[-1].item, chained[-1].facts, Tlp.RED, ME, True, "p" * 26, 600)
    cases = {
        "no references": (batch(count, lambda _: []), count),
        "three references each": (batch(count, lambda _: [chance.randrange(count) for _ in range(3)]), count),
        "one chain, its end refused": (chained, 0),
        "all refused by three rules": (batch(count, lambda _: [], Tlp.RED, own=False), 0),
    }
    circle = view(Terms())
    for name, (items, allowed) in cases.items():
        start = time.perf_counter()
        decisions = release.release(
            items, circle, person="p" * 26, purpose="detection", held=lambda _: set(), in_circle=lambda _: set()
        )
        seconds = time.perf_counter() - start
        wrong = abs(sum(decision.allowed for decision in decisions) - allowed)
        groups = time.perf_counter()
        release.summary(decisions)
        groups = time.perf_counter() - groups
        print(f"{name}: wrong {wrong}, {seconds:.2f} s, {seconds / count * 1e6:.1f} us/item, summary {groups:.2f} s")


if __name__ == "__main__":
    main()
