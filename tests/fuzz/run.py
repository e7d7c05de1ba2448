"""Fuzz the parsers for a while: rounds over all targets, findings kept as files; exit status 1 if there are any.

    PYTHONPATH=tests python -m fuzz.run --seconds 3600 [--target NAME …] [--seed N] [--out FOLDER]

With `--engine atheris`, where that package is installed, one target is run under guidance by coverage.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import time
from pathlib import Path

from fuzz.engine import CORPUS, Finding, Tally, attempt, run, seeds_of
from fuzz.targets import TARGETS, Target

SLICE = 5.0
ROOM = 1 << 30
NUMBER = re.compile(r"\d+|'.*'|`.*`")


def say(text: str) -> None:
    """Tell whoever waits, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="fuzz.run", description="Fuzz every parser of a partner's bytes.")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", choices=[target.name for target in TARGETS])
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--engine", choices=["own", "atheris"], default="own")
    return parser.parse_args()


def own(chosen: list[Target], options: argparse.Namespace) -> int:
    """Take turns over the targets until the time is over; print a line for each and return how many findings."""
    totals = {target.name: Tally() for target in chosen}
    known: set[str] = set()
    end, turn = time.monotonic() + options.seconds, 0
    share = min(SLICE, options.seconds / len(chosen))
    while time.monotonic() < end:
        for target in chosen:
            done, total = run(target, options.seed + turn, seconds=share), totals[target.name]
            total.taken, total.refused = total.taken + done.taken, total.refused + done.refused
            for finding in done.findings:
                if told(finding) not in known:
                    known.add(told(finding))
                    total.findings.append(finding)
                    say(f"{target.name}: {told(finding)}: {finding.save(options.out)}")
        turn += 1
    spent = turn * share
    for name, total in totals.items():
        tried = total.taken + total.refused
        rate = f"{tried / spent:,.0f}/s" if spent else "-"
        say(f"{name:16} {tried:>12,} inputs {rate:>10} {total.taken:>10,} taken {len(total.findings):>3} findings")
    say(f"{sum(each.taken + each.refused for each in totals.values()):,} inputs, {len(known)} findings, {turn} turns")
    return len(known)


def told(finding: Finding) -> str:
    """Return what makes two findings one: the target, what was raised, and where."""
    lines = finding.what.strip().split("\n")
    where = [line.strip() for line in lines if line.startswith("  File ")][-1:]
    return f"{finding.target}: " + NUMBER.sub("N", f"{lines[-1][:80]} {' '.join(where)}")


def guided(target: Target, options: argparse.Namespace) -> None:
    """Hand one target to atheris, which ends the process."""
    import atheris

    seen: set[str] = set()
    options.out.mkdir(parents=True, exist_ok=True)

    def once(data: bytes) -> None:
        tally = Tally()
        attempt(target, data, tally)
        for finding in tally.findings:
            if told(finding) not in seen:
                seen.add(told(finding))
                say(f"{told(finding)}: {finding.save(options.out)}")

    kept = options.out / f"corpus-{target.name}"
    kept.mkdir(exist_ok=True)
    arguments = [
        sys.argv[0],
        f"-max_total_time={int(options.seconds)}",
        f"-max_len={target.cap}",
        "-print_final_stats=1",
    ]
    assert seeds_of(target)
    atheris.instrument_all()
    atheris.Setup([*arguments, str(kept), str(CORPUS / target.name)], once)
    atheris.Fuzz()


def main() -> int:
    """Run what was asked for."""
    options = read_options()
    if options.engine == "own":
        resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))  # what takes more is a finding, not the end of the run
    chosen = [target for target in TARGETS if not options.target or target.name in options.target]
    if options.engine == "atheris":
        guided(chosen[0], options)
        return 0
    return 1 if own(chosen, options) else 0


if __name__ == "__main__":
    sys.exit(main())
