"""Joint work: plans and approvals a second, what one more costs among many, a decision after a restart, rest.

    python bench/plans.py [--sizes 10,100,1000,3000] [--restarts 20] [--json]

Two homes on disk, everything durable, both members in one process; every tenth plan of those that are there stays open
(in force, its first step waits for a person), the others are done. Each plan: a start, a step of a person on either
side, an end. The restarts are `entente up` in a process of its own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import uuid

from lib.members import Report, Timer, fresh
from lib.processes import ENTENTE, used

from entente.node import Node
from entente.node.work.acts import reading

SPACE = uuid.UUID("3b1f6c7e-54a5-4f0e-9d0b-6a1d0f6f7c21")
START, FIRST, SECOND, END = (
    f"{kind}--{uuid.uuid5(SPACE, str(number))}" for number, kind in enumerate(("start", "action", "action", "end"))
)
NAMES = ("Member A", "Member B")
REPEAT = 15
BATCH = 50
FEW = 100
OPEN_EACH = 10
STAND = 1000
"""Milliseconds that stand between a proposal and its deadline in the restarts."""


def playbook(number):
    """Return a CACAO playbook with one step of a person on each side."""
    agents = {f"organization--{uuid.uuid5(SPACE, name)}": name for name in NAMES}
    first, second = agents
    return json.dumps(
        {
            "type": "playbook",
            "spec_version": "cacao-2.0",
            "id": f"playbook--{uuid.uuid5(SPACE, f'plan {number}')}",
            "name": f"Close gap {number}",
            "created_by": f"identity--{uuid.uuid5(SPACE, 'author')}",
            "created": "2026-11-01T08:00:00.000Z",
            "modified": "2026-11-01T08:00:00.000Z",
            "workflow_start": START,
            "workflow": {
                START: {"type": "start", "on_completion": FIRST},
                FIRST: by_hand("Lock the account.", first, SECOND),
                SECOND: by_hand("Look whether it is locked.", second, END),
                END: {"type": "end"},
            },
            "agent_definitions": {id_: {"type": "organization", "name": name} for id_, name in agents.items()},
        }
    ).encode()


def by_hand(text, agent, then):
    """Return a step that a person does."""
    commands = [{"type": "manual", "command": text}]
    return {"type": "action", "name": text, "agent": agent, "commands": commands, "on_completion": then}


def exchange(caller):
    """Hold one round."""
    done = caller.exchange.sync()
    assert not any(each.error or each.refusals for each in done), done


def proposed(pair, number):
    """Take in and propose a plan on A."""
    made = pair.a.plans.take(playbook(number), pair.circle)
    pair.a.plans.propose(made.plan)
    return made.plan


def agreed(pair, *plans):
    """Let both approve."""
    for plan in plans:
        pair.a.plans.approve(plan)
    exchange(pair.a)
    for plan in plans:
        pair.b.plans.approve(plan)
    exchange(pair.b)


def carried_out(pair, *plans):
    """Let both do their steps, and end it."""
    for plan in plans:
        pair.a.plans.run(plan)
        pair.a.plans.done(plan, FIRST, text="Locked.")
    exchange(pair.a)
    for plan in plans:
        pair.b.plans.done(plan, SECOND, text="It is.")
    exchange(pair.b)
    pair.a.plans.runner.tick()
    exchange(pair.a)


def whole(pair, number):
    """Carry one plan from the draft to its end."""
    plan = proposed(pair, number)
    agreed(pair, plan)
    carried_out(pair, plan)
    return plan


def check(report, pair, plan, state):
    """See that both sides show the same."""
    shown = [node.plans.show(plan) for node in (pair.a, pair.b)]
    states = [each.state for each in shown]
    report.check(states == [state, state], f"{plan[:8]} is {states}, not {state}")
    steps = [[(step.id, step.visit, step.state) for step in each.steps] for each in shown]
    report.check(steps[0] == steps[1], f"{plan[:8]}: the sides show different steps")


def grow(pair, there, size):
    """Carry plans out, fifty at a time, until there are `size`; every tenth stays open."""
    for start in range(there, size, BATCH):
        together(pair, range(start, min(size, start + BATCH)))


def together(pair, numbers):
    """Carry out these plans with a few rounds for all of them; return them, and those that stay open."""
    plans = {number: proposed(pair, number) for number in numbers}
    agreed(pair, *plans.values())
    carried_out(pair, *(plan for number, plan in plans.items() if number % OPEN_EACH))
    return plans


def rates(report, pair, there):
    """Note plans and approvals a second on the clock and of CPU, both sides together."""
    for count, how in ((1, "one after the other"), (BATCH, f"{BATCH} with the same rounds")):
        plans = []
        with Timer() as timer:
            for number in range(there, there + BATCH, count):
                made = [proposed(pair, each) for each in range(number, number + count)]
                agreed(pair, *made)
                carried_out(pair, *made)
                plans += made
        for plan in plans:
            check(report, pair, plan, "done")
        there += BATCH
        rate(report, f"plans to their end, {how}", timer)
        plans = [proposed(pair, number) for number in range(there, there + BATCH)]
        exchange(pair.a)
        with Timer() as timer:
            for number in range(0, BATCH, count):
                agreed(pair, *plans[number : number + count])
        for plan in plans:
            check(report, pair, plan, "approved")
        there += BATCH
        rate(report, f"plans approved by both sides, {how}", timer)
    return there


def rate(report, what, timer):
    """Note a rate on the clock and of CPU."""
    report.row(what, BATCH / timer.wall, "/s", 119)
    report.row("  the same a second of CPU, both sides", BATCH / timer.cpu, "/s")


def one_more(report, pair, there):
    """Note what one more plan costs a node that has been up, and one that begins anew."""
    walls, cpus = [], []
    for number in range(there, there + REPEAT):
        with Timer() as timer:
            plan = whole(pair, number)
        walls.append(timer.wall * 1000)
        cpus.append(timer.cpu * 1000)
    check(report, pair, plan, "done")
    report.row(f"one more among {there:,}, both nodes up", statistics.median(walls), "ms")
    report.row("  the same, CPU", statistics.median(cpus), "ms")
    looks = {"list": pair.a.plans.list, "show": lambda: pair.a.plans.show(plan), "tick": pair.a.plans.runner.tick}
    for name, look in looks.items():
        report.row(f"  plans.{name}", median_ms(look), "ms")
    anew(report, pair, there + REPEAT)
    return there + REPEAT + 5


def anew(report, pair, there):
    """Note what a command does that opens the home, approves and closes it."""
    opens, shows, approvals = [], [], []
    for number in range(there, there + 5):
        plan = proposed(pair, number)
        exchange(pair.a)
        began = time.perf_counter()
        with Node.open(pair.folder / "b") as node:
            opens.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            with reading(node.base) as board:
                report.check(bool(board.in_force.view.acts), "nothing folded")
            shows.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            node.plans.approve(plan)
            approvals.append((time.perf_counter() - began) * 1000)
    report.row("  a home that is opened: open", statistics.median(opens), "ms")
    report.row("  a home that is opened: fold from nothing", statistics.median(shows), "ms")
    report.row("  a home that is opened: approve then", statistics.median(approvals), "ms")


def median_ms(work, times=7):
    """Return the median of the milliseconds that some work takes."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


def restarts(report, pair, number, times):
    """Note how long after a start of `entente up` the outcome stands in the log whose time came while it was down."""
    from_start, from_ready, readies, decided = [], [], [], 0
    home = pair.folder / "a"
    for each in range(number, number + times):
        made = pair.a.plans.take(playbook(each), pair.circle)
        pair.a.plans.propose(made.plan, pair.a.base.clock() + STAND)
        time.sleep((STAND + 50) / 1000)
        report.check(pair.a.plans.show(made.plan).state == "proposed", "it was decided while the node was down")
        before = outcomes(pair.a)
        began = time.perf_counter()
        process = subprocess.Popen([*ENTENTE, "--home", str(home), "up"], stdout=subprocess.PIPE)
        try:
            line = process.stdout.readline()
            ready = time.perf_counter()
            report.check(line.startswith(b"ready "), f"up said {line}")
            while outcomes(pair.a) == before and time.perf_counter() - began < 30:
                time.sleep(0.002)
            there = time.perf_counter()
        finally:
            process.terminate()
            process.wait(20)
        decided += pair.a.plans.show(made.plan).state == "expired"
        from_start.append(there - began)
        from_ready.append(max(0.0, there - ready))
        readies.append(ready - began)
    report.check(decided == times, f"{times - decided} of {times} plans were not decided after the restart")
    report.row(f"`entente up` among {number:,} until ready, p50", statistics.median(readies), "s")
    for name, found in (("ready", from_ready), ("its start", from_start)):
        found.sort()
        reach = 0.2 if name == "ready" else None
        report.row(f"  from {name} to the decision, p50", found[len(found) // 2], "s")
        report.row(f"  from {name} to the decision, p95", found[int(len(found) * 0.95 - 0.5)], "s", reach, most=True)


def reopened(report, pair, number):
    """Note how long it takes in a process that runs already: open the home, fold, decide."""
    found = []
    for each in range(number, number + 5):
        made = pair.a.plans.take(playbook(each), pair.circle)
        pair.a.plans.propose(made.plan, pair.a.base.clock() + STAND)
        time.sleep((STAND + 50) / 1000)
        began = time.perf_counter()
        with Node.open(pair.folder / "a") as node:
            node.plans.runner.tick()
            found.append(time.perf_counter() - began)
            report.check(node.plans.show(made.plan).state == "expired", "it was not decided at once")
    report.row("  from opening the home in a running process, p50", statistics.median(found), "s")


def outcomes(node):
    """Return how many outcomes stand in the logs."""
    with node.base.store.read() as tx:
        return sum(1 for _ in tx.payloads.acts(["outcome/1"]))


def rest(report, pair, there):
    """Note what a round costs when nothing is new, and the CPU of a node at rest."""
    for _ in range(3):
        exchange(pair.b)
    report.row(f"nothing new, {there:,} plans there: whole round", median_ms(lambda: exchange(pair.b), 21), "ms")
    process = subprocess.Popen([*ENTENTE, "--home", str(pair.folder / "a"), "up"], stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        time.sleep(5)
        before = used(process)
        time.sleep(10)
        report.row("CPU of a node at rest", 10 * (used(process) - before), "%")
    finally:
        process.terminate()
        process.wait(20)


def main():
    """Rates first, then one more among many, restarts, rest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,100,1000,3000")
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report("plans")
    with fresh() as pair:
        rest(report, pair, 0)
        there = 0
        for size in map(int, options.sizes.split(",")):
            began = time.perf_counter()
            grow(pair, there, size)
            print(f"{size:,} plans, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
            there = one_more(report, pair, max(there, size))
            if size == FEW and options.restarts:
                restarts(report, pair, there, options.restarts)
                reopened(report, pair, there + options.restarts)
                there += options.restarts + 5
        there = rates(report, pair, there)
        rest(report, pair, there)
        if options.restarts:
            restarts(report, pair, there, options.restarts)
            reopened(report, pair, there + options.restarts)
    report.show(as_json=options.json)


if __name__ == "__main__":
    main()
