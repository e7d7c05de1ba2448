"""`plan`: action plans, from a CACAO playbook to what each side has done of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from entente.core.errors import InvalidError
from entente.interfaces.cli import files
from entente.interfaces.cli.invocation import invocation
from entente.interfaces.cli.terminal import names, text
from entente.interfaces.cli.terminal.screen import Cell, Screen
from entente.interfaces.cli.times import METAVAR, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from entente.node.work.plan.values import PlanInfo, PlanMade

app = typer.Typer(
    help="Action plans (CACAO playbooks) that members carry out together, each its own steps.", no_args_is_help=True
)

STATES: Final = {
    "draft": "dim", "proposed": "yellow", "approved": "cyan", "running": "bold cyan", "done": "green",
    "stopped": "bold red", "refused": "red", "expired": "red",
}  # fmt: skip
STEPS: Final = {
    "waiting": "dim", "ready": "bold yellow", "started": "cyan", "unsure": "bold red", "done": "green",
    "failed": "red", "undone": "magenta",
}  # fmt: skip
MAX_FILE: Final = 1 << 20

Id = Annotated[str, typer.Argument(metavar="ID", help="The plan (plan list).")]
StepArgument = Annotated[str, typer.Argument(metavar="STEP", help="The step: its id, its beginning, or its name.")]
Text = Annotated[str, typer.Option("--text", metavar="TEXT", help="In words; all members of the circle can read it.")]


@app.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CACAO 2.0 playbook (- is standard input).")],
    circle: Annotated[str, typer.Option("--circle", metavar="ID", help="The circle whose members carry it out.")],
    owner: Annotated[
        list[str] | None,
        typer.Option("--owner", metavar="AGENT=MEMBER", help="The member that an agent belongs to; repeat it."),
    ] = None,
    decision: Annotated[str, typer.Option("--decision", metavar="ID", help="The decision that asks for it.")] = "",
) -> None:
    """Import a playbook as a draft: check every step, give every agent to a member. Nobody else sees it yet."""
    here = invocation(ctx)
    given = dict(_pair(each, "AGENT=MEMBER") for each in owner or ())
    with here.open() as node:
        made = node.plans.take(files.read(file, MAX_FILE), circle, given, decision)
        known = names.of(node)
        steps = {each.id: each.name for each in node.plans.show(made.plan).steps}
    next_ = here.command(f"plan propose {text.short(made.plan)}")
    here.answer(made, lambda screen: _made(screen, made, steps, known), next_=next_)


@app.command()
def propose(
    ctx: typer.Context,
    id_: Id,
    deadline: Annotated[
        str, typer.Option("--deadline", metavar=METAVAR, help="Until when approvals count; the proposer judges.")
    ] = "",
) -> None:
    """Propose a draft to its circle. Proposing is not approving."""
    here = invocation(ctx)
    with here.open() as node:
        until = parse_time(deadline, node.clock(), last=True) if deadline else 0
        found = node.plans.propose(id_, until, here.person)
        known = names.of(node)
    approve_ = here.command(f"plan approve {text.short(found.plan)}")
    here.answer(found, lambda screen: _show(screen, found, known), next_=approve_)


@app.command()
def approve(
    ctx: typer.Context,
    id_: Id,
    refuse: Annotated[str, typer.Option("--refuse", metavar="REASON", help="Say no, and why.")] = "",
) -> None:
    """Give this member's one final answer to a plan: approved as it is, to the byte, or refused."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.approve(id_, refuse=refuse, person=here.person)
        known = names.of(node)
    run_ = here.command(f"plan run {text.short(found.plan)}")
    here.answer(found, lambda screen: _show(screen, found, known), next_=run_ if found.state == "approved" else "")


@app.command()
def run(ctx: typer.Context, id_: Id) -> None:
    """Let this node begin our steps as they become ready; exit 4 until all needed approvals are there."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.run(id_, here.person)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command()
def done(
    ctx: typer.Context,
    id_: Id,
    step: StepArgument,
    text_: Text = "",
    failed: Annotated[bool, typer.Option("--failed", help="It was tried and failed.")] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A variable that the step sets; repeat it.")
    ] = None,
) -> None:
    """Report a step of ours: a person has done it, or has looked at it after a crash."""
    here = invocation(ctx)
    variables = dict(_pair(each, "NAME=VALUE") for each in set_ or ())
    with here.open() as node:
        found = node.plans.done(id_, step, text=text_, failed=failed, person=here.person, variables=variables)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command()
def undo(ctx: typer.Context, id_: Id, step: StepArgument) -> None:
    """Undo a step of ours now, in the way that the plan names."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.undo(id_, step, here.person)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command()
def stop(
    ctx: typer.Context,
    id_: Id,
    reason: Annotated[
        str, typer.Option("--reason", metavar="WORD", help="danger, error, overtaken or other.")
    ] = "other",
    text_: Text = "",
) -> None:
    """Stop a plan for all members: no node that learns of it begins another step."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.stop(id_, reason, text_, here.person)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command("object")
def object_(
    ctx: typer.Context,
    id_: Id,
    reason: Annotated[str, typer.Option("--reason", metavar="WORD", help="left-out, late or other.")],
    text_: Text = "",
) -> None:
    """Object to the outcome of a plan with a deadline, on record."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.object(id_, reason, text_, here.person)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command()
def show(ctx: typer.Context, id_: Id) -> None:
    """Show a plan: approvals, steps with their owners, reports."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.show(id_)
        known = names.of(node)
    here.answer(found, lambda screen: _show(screen, found, known))


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the plans, and how many of their steps wait for us."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.list()
    rows: list[tuple[Cell, ...]] = [
        (text.short(one.plan), one.name, (one.state, STATES[one.state]), one.deadline, str(one.mine or ""))
        for one in found
    ]
    columns = ("plan", "name", "state", "deadline", "our steps")
    here.answer(found, lambda screen: screen.table(columns, rows, empty="There is no plan."))


@app.command()
def export(
    ctx: typer.Context,
    id_: Id,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write it (- is standard output).")] = "-",
    stix: Annotated[bool, typer.Option("--stix", help="As a STIX 2.1 course-of-action in a bundle.")] = False,
) -> None:
    """Write the playbook byte for byte as it was proposed, or as STIX."""
    here = invocation(ctx)
    with here.open() as node:
        data = node.plans.stix(id_) if stix else node.plans.file(id_)
    if out == "-":
        here.answer_bytes(data)
        return
    from entente.node.work.plan.values import PlanFile

    files.write(out, [data])
    here.answer(PlanFile(out, len(data)), lambda screen: screen.line(f"Written to {out}.", "green"))


@app.command()
def protect(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="One domain, address, network or name a line.")],
    circle: Annotated[
        str, typer.Option("--circle", metavar="ID", help="Tell the members of a circle; their nodes keep to it too.")
    ] = "",
) -> None:
    """Set the do-not-block list that no step of a plan may touch; without --circle it stays on this node."""
    here = invocation(ctx)
    with here.open() as node:
        made = node.plans.protect(files.read(file, MAX_FILE).decode(errors="replace"), circle, here.person)
    line = f"{text.count(made.protected, 'value')} protected."
    here.answer(made, lambda screen: screen.line(line, "green"))


@app.command()
def permit(
    ctx: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="Where steps may send requests: this address and below.")
    ] = "",
    hook: Annotated[
        str, typer.Option("--hook", metavar="TYPE=PROGRAM", help="The program that carries out commands of a type.")
    ] = "",
    repeatable: Annotated[
        bool, typer.Option("--repeatable", help="The endpoint ignores a second request with the same Idempotency-Key.")
    ] = False,
    headers: Annotated[
        str, typer.Option("--headers", metavar="FILE", help="Header lines to send along, such as a login.")
    ] = "",
) -> None:
    """Let plans that all have approved act through this node; nothing is permitted by default."""
    here = invocation(ctx)
    if bool(url) == bool(hook):
        raise typer.BadParameter("Give a URL, or --hook TYPE=PROGRAM.")
    with here.open() as node:
        if url:
            made = node.plans.permits.allow_http(url, repeatable=repeatable, headers=headers)
        else:
            made = node.plans.permits.allow_hook(*_pair(hook, "TYPE=PROGRAM"), repeatable=repeatable)
    here.answer(made, lambda screen: screen.line(f"Permitted: {made.value}.", "green"))


@app.command()
def permits(ctx: typer.Context) -> None:
    """List what plans may do on this node."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.plans.permits.list()
    rows: list[tuple[Cell, ...]] = [
        (one.kind, one.value, one.program or one.headers, "yes" if one.repeatable else "no") for one in found
    ]
    columns = ("what", "where", "program or headers", "repeatable")
    here.answer(found, lambda screen: screen.table(columns, rows, empty="Nothing: every step is done by a person."))


@app.command()
def forbid(
    ctx: typer.Context,
    value: Annotated[str, typer.Argument(metavar="WHAT", help="The URL, or the type of command.")],
) -> None:
    """Take a permit back."""
    here = invocation(ctx)
    with here.open() as node:
        done_ = node.plans.permits.forbid(value)
    here.answer(done_, lambda screen: screen.line(f"Not permitted any more: {done_.forbidden}.", "green"))


def _pair(given: str, form: str) -> tuple[str, str]:
    left, sign, right = given.partition("=")
    if not (left and sign and right):
        raise InvalidError(f"{given!r} is not of the form {form}.", code="usage")
    return left.strip(), right.strip()


def _made(screen: Screen, made: PlanMade, steps: dict[str, str], known: Callable[[str], str]) -> None:
    screen.facts(made.name, [("plan", made.plan), ("SHA-256", made.hash)])
    rows: list[tuple[Cell, ...]] = [(steps.get(step) or step, known(owner)) for step, owner in made.owners.items()]
    screen.table(("step", "owner"), rows)
    for warning in made.warnings:
        screen.line(warning, "yellow")


def _show(screen: Screen, plan: PlanInfo, known: Callable[[str], str]) -> None:
    facts: list[tuple[str, Cell]] = [
        ("plan", plan.plan),
        ("state", (plan.state, STATES[plan.state])),
        ("proposed by", known(plan.proposer)),
    ]
    facts += [("deadline", plan.deadline)] if plan.deadline else []
    if plan.needed:
        facts.append(("approved by", f"{_voters(plan)} ({len(plan.approvals)} of {plan.needed} needed)"))
    facts += [("refused by", f"{one.name}: {one.text}") for one in plan.refusals]
    facts += [("stopped by", f"{one.name} ({one.answer}) {one.text}".strip()) for one in plan.stopped_by]
    screen.facts(plan.name or "Plan", facts)
    rows: list[tuple[Cell, ...]] = [
        (
            one.name or one.type,
            one.owner_name,
            (one.state, STEPS[one.state]),
            " ".join(filter(None, (one.result, one.text, one.note))),
            one.time,
        )
        for one in plan.steps
    ]
    screen.table(("step", "owner", "state", "said", "since"), rows)
    for line in (*plan.problems, *plan.doubts):
        screen.line(line, "bold red")
    for one in plan.objections:
        screen.line(f"{one.name} objects ({one.answer}): {one.text}", "yellow")
    if plan.room:
        screen.line("The agreement has changed; this plan has ended. Propose it anew.", "yellow")


def _voters(plan: PlanInfo) -> str:
    return ", ".join(one.name for one in plan.approvals) or "nobody"
