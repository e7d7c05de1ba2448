"""Whether the workflow of a playbook can be walked: everything is there, is reached, ends, and branches keep apart.

The steps that follow one another (on_completion, on_success, on_failure) from a first step on make a region. The
start and the workflow exception open the outermost one, every branch of a parallel, if, while or switch step its own,
and every undo step too. A step stands in one region only, and no way leads back to where it came from: a while step
looks at its condition again by itself when its branch has ended.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from entente.formats.cacao.playbook import WORK, Playbook, Problem, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_STEPS: Final = 1000


def reached(playbook: Playbook) -> dict[str, str]:
    """Give all steps that a run can come to, breadth first from the start, each with the step before it.

    The workflow exception follows, then the undo steps and what follows them. The first steps have "" before them.
    """
    before = dict[str, str]()
    _walk(playbook, [(playbook.start, "")], before)
    _walk(playbook, [(playbook.exception, "")], before)
    undo = [(playbook.steps[each].undo, each) for each in before]
    _walk(playbook, undo, before)
    return before


def find(playbook: Playbook) -> Iterator[Problem]:
    """Yield everything that is wrong with the workflow as a graph."""
    if len(playbook.steps) > MAX_STEPS:
        yield Problem("limit", "", f"The workflow has {len(playbook.steps)} steps; at most {MAX_STEPS} are read.")
        return
    yield from _starts(playbook)
    undo = {step.undo for step in playbook.steps.values() if step.undo}
    for id_, step in playbook.steps.items():
        yield from _follows(playbook, step)
        if not step.next and step.type != "end" and id_ not in undo:
            yield Problem("no-end", id_, "Nothing follows it; every way must reach an end step.")
    known = reached(playbook)
    for id_ in playbook.steps:
        if id_ not in known:
            yield Problem("unreachable", id_, "No step leads to this one.")
    yield from _loops(playbook)
    yield from _regions(playbook)


def _walk(playbook: Playbook, first: list[tuple[str, str]], before: dict[str, str]) -> None:
    queue = deque(first)
    while queue:
        id_, parent = queue.popleft()
        if id_ in before or id_ not in playbook.steps:
            continue
        before[id_] = parent
        step = playbook.steps[id_]
        queue.extend((each, id_) for each in (*step.flow(), *(each for _, each in step.branches())))


def _starts(playbook: Playbook) -> Iterator[Problem]:
    start = playbook.steps.get(playbook.start)
    if start is None:
        yield Problem("start", "", f"The workflow_start {playbook.start:.100} is not in the workflow.")
    elif start.type != "start":
        yield Problem("start", start.id, f"The workflow_start is a step of type {start.type:.40}, not a start step.")
    if playbook.exception and playbook.exception not in playbook.steps:
        yield Problem("missing-step", "", f"The workflow_exception {playbook.exception:.100} is not in the workflow.")
    if _type(playbook, playbook.exception) == "start":
        yield Problem("start", playbook.exception, "The workflow_exception leads to a start step.")


def _follows(playbook: Playbook, step: Step) -> Iterator[Problem]:
    """Yield what is wrong with the references of one step."""
    id_ = step.id
    named = (*step.flow(), *(each for _, each in step.branches()), *((step.undo,) if step.undo else ()))
    for each in named:
        found = playbook.steps.get(each)
        if found is None:
            yield Problem("missing-step", id_, f"It names the step {each:.100}, which is not in the workflow.")
        elif found.type == "start":
            yield Problem("start", id_, f"It leads to the start step {each}.")
    if step.on_completion and (step.on_success or step.on_failure):
        yield Problem("next", id_, "It has on_completion and on_success or on_failure; one way of going on is allowed.")


def _loops(playbook: Playbook) -> Iterator[Problem]:
    """Yield the steps that lead back to one that came before them."""
    done, open_ = set[str](), set[str]()
    for root in playbook.steps:
        stack = [] if root in done else [(root, _onward(playbook, root))]
        open_.update(id_ for id_, _ in stack)
        while stack:
            id_, following = stack[-1]
            below = next(following, "")
            if not below:
                stack.pop()
                open_.discard(id_)
                done.add(id_)
            elif below in open_:
                yield Problem("loop", id_, f"It leads back to {below}, so the workflow never ends.")
            elif below not in done:
                open_.add(below)
                stack.append((below, _onward(playbook, below)))


def _onward(playbook: Playbook, id_: str) -> Iterator[str]:
    step = playbook.steps[id_]
    yield from (each for each in step.flow() if each in playbook.steps)
    yield from (each for _, each in step.branches() if each in playbook.steps)


def _regions(playbook: Playbook) -> Iterator[Problem]:
    """Yield the steps that two regions share, at the place where the later one comes to them."""
    home, parents = dict[str, str](), {"": ""}
    _claim(playbook, "", [(playbook.start, ""), (playbook.exception, "")], home)
    for id_ in reached(playbook):
        step = playbook.steps[id_]
        for label, first in step.branches():
            region = f"{id_} {label}"
            parents[region] = home.get(id_, "")
            for via, met in _claim(playbook, region, [(first, id_)], home):
                if _encloses(home[met], region, parents):
                    text = f"The branch {label:.40} of {id_} runs into {met}, which belongs to the flow around it."
                    yield Problem("escapes", via, text)
                else:
                    text = f"The branch {label:.40} of {id_} comes to {met}, which belongs to another branch."
                    yield Problem("shared-step", via, text)
    yield from _undos(playbook, home)


def _claim(
    playbook: Playbook, region: str, first: list[tuple[str, str]], home: dict[str, str]
) -> list[tuple[str, str]]:
    """Put all steps of a region down as its own; give (the step that led there, a step that belongs to another)."""
    queue, met = deque(first), list[tuple[str, str]]()
    while queue:
        id_, via = queue.popleft()
        if id_ not in playbook.steps or home.get(id_) == region:
            continue
        if id_ in home:
            met.append((via, id_))
            continue
        home[id_] = region
        queue.extend((each, id_) for each in playbook.steps[id_].flow())
    return met


def _encloses(outer: str, region: str, parents: dict[str, str]) -> bool:
    seen = set[str]()
    while region and region not in seen:
        seen.add(region)
        region = parents.get(region, "")
        if region == outer:
            return True
    return False


def _undos(playbook: Playbook, home: dict[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with the steps that take others back."""
    for id_, step in playbook.steps.items():
        undo = playbook.steps.get(step.undo)
        if undo is None:
            continue
        if step.type not in WORK or undo.type != "action":
            yield Problem("undo", id_, f"An action may have an undo, and it must be an action; {undo.id} is none.")
        if undo.agent != step.agent:
            yield Problem("undo", id_, f"Its undo {undo.id} has another agent; the same one must take it back.")
        if undo.id in home or (undo.next and undo.next in home):
            yield Problem("undo", id_, f"Its undo {undo.id} is part of the normal flow; it needs its own steps.")
        if undo.on_failure or (undo.next and _type(playbook, undo.next) != "end"):
            yield Problem("undo", undo.id, "An undo must go straight to an end step of its own, or nowhere.")
        if undo.undo or undo.limit:
            yield Problem("undo", undo.id, "An undo has no undo and no limit itself.")


def _type(playbook: Playbook, id_: str) -> str:
    step = playbook.steps.get(id_)
    return step.type if step else ""
