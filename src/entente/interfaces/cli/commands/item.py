"""`item`: import, list, read, export, search and acknowledge STIX objects."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from entente.interfaces.cli import files
from entente.interfaces.cli.invocation import Invocation, invocation
from entente.interfaces.cli.terminal import item as item_view
from entente.interfaces.cli.terminal import names, progress, text
from entente.interfaces.cli.terminal.screen import Cell, Screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.node.items.values import LeftOut

app = typer.Typer(help="Items: STIX objects, kept byte for byte.", no_args_is_help=True)


@app.command("import")
def import_(
    ctx: typer.Context,
    *,
    file: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="STIX bundles, objects or JSON lines; - is stdin.")
    ],
    tlp: Annotated[
        str, typer.Option(metavar="MARK", help="The TLP of the objects, unless their own is stricter.")
    ] = "",
    circle: Annotated[
        str, typer.Option(metavar="ID", help="Share every object that the rules allow with this circle.")
    ] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Store nothing if a row is rejected.")] = False,
    purpose: Annotated[str, typer.Option(metavar="WORD", help="What it is shared for.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Bring recalled objects in again.")] = False,
) -> None:
    """Import files; with --circle also share every object that the rules allow (exit 3 if they refused one)."""
    here = invocation(ctx)
    with here.open() as node:
        sources = [files.source(name) for name in file]
        with progress.reporting() as report:
            done = node.items.import_files(
                sources,
                tlp=tlp,
                circle=circle,
                strict=strict,
                purpose=purpose,
                person=here.person,
                again=again,
                progress=report,
            )
    next_ = here.command("sync") if done.shared else here.command("item list")
    here.answer(done, lambda screen: item_view.imported(screen, done, circle=circle), next_=next_)
    here.end(1 if strict and done.rejected else 3 if done.refused else 0)


@app.command("list")
def list_(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="What is in this circle.")] = "",
    type_: Annotated[str, typer.Option("--type", metavar="TYPE", help="One STIX type, such as indicator.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
    cursor: Annotated[str, typer.Option(metavar="CURSOR", help="The cursor that the page before ended with.")] = "",
) -> None:
    """List items in the order in which they came; `next` is the cursor of the next page."""
    here = invocation(ctx)
    with here.open() as node:
        page = node.items.list(circle=circle, type=type_, limit=limit, cursor=cursor)
        known = names.of(node)
    options = [part for name, value in (("--circle", circle), ("--type", type_)) if value for part in (name, value)]
    line = shlex.join(["item", "list", *options, "--limit", str(limit), "--cursor", page.next])
    more = here.command(line) if page.next else ""
    here.answer(page, lambda screen: item_view.listed(screen, page, known), next_=more)


@app.command()
def search(
    ctx: typer.Context,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="Words, a name, a domain, an address, a hash, an id.")],
    type_: Annotated[str, typer.Option("--type", metavar="TYPE", help="One STIX type.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many at most.")] = 20,
) -> None:
    """Find items by the words in them."""
    here = invocation(ctx)
    with here.open() as node:
        page = node.items.search(words, type=type_, limit=limit)
        known = names.of(node)
    here.answer(page, lambda screen: item_view.listed(screen, page, known))


@app.command("show")
def show_(ctx: typer.Context, id_: Annotated[str, typer.Argument(metavar="ID", help="The item.")]) -> None:
    """Show one item: the object as it came, its entries, and which members have it."""
    here = invocation(ctx)
    with here.open() as node:
        view = node.items.show(id_)
        known = names.of(node)
        circles = {one.id: one.name for one in node.agreements.circles()}
    here.answer(view, lambda screen: item_view.shown(screen, view, known, circles))


@app.command()
def export(
    ctx: typer.Context,
    circle: Annotated[str, typer.Option(metavar="ID", help="What is in this circle.")] = "",
    id_: Annotated[
        list[str] | None, typer.Option("--id", metavar="ID", help="This item; repeat it for several.")
    ] = None,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to write (else standard output).")] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave out objects that a strict check would refuse.")
    ] = False,
) -> None:
    """Write a STIX 2.1 bundle of objects as they came."""
    here = invocation(ctx)
    ids = tuple(id_ or ())
    with here.open() as node:
        if out in {"", files.STDIN}:
            made = node.items.bundle(circle=circle, ids=ids, strict=strict)
            for chunk in made.chunks():
                here.answer_bytes(chunk)
            here.answer_bytes(b"\n")
            _told(here, made.left_out)
            return
        done = node.items.write(out, circle=circle, ids=ids, strict=strict)
    _told(here, done.left_out)
    here.answer(done, lambda screen: screen.line(f"{text.count(done.objects, 'object')} in {done.out}."))


def _told(here: Invocation, left_out: Sequence[LeftOut]) -> None:
    """Say what an export left out, and why."""
    for each in left_out:
        here.hint_plain(f"left out {each.id}: {'; '.join(each.problems)}")


@app.command()
def acknowledge(
    ctx: typer.Context,
    id_: Annotated[list[str], typer.Argument(metavar="ID…", help="The items.")],
    stage: Annotated[str, typer.Option(metavar="read|used", help="What you did with them: read or used.")] = "read",
) -> None:
    """Tell the members that brought items that you read or used them, by a signed receipt."""
    here = invocation(ctx)
    with here.open() as node:
        done = node.items.acknowledge(id_, stage=stage, person=here.person)

    def show(screen: Screen) -> None:
        screen.line(f"{text.count(done.acknowledged, 'item')} acknowledged as {done.stage}.", "green")

    here.answer(done, show, next_=here.command("sync"))


@app.command()
def received(ctx: typer.Context) -> None:
    """Count what each partner's log changed here: new, changed, revoked and unchanged objects."""
    here = invocation(ctx)
    with here.open() as node:
        found = node.items.received()
        known = names.of(node)
        circles = {one.id: one.name for one in node.agreements.circles()}

    def show(screen: Screen) -> None:
        rows: list[tuple[Cell, ...]] = [
            (
                known(one.member),
                circles.get(one.circle, ""),
                *(f"{number:,}" for number in (one.new, one.changed, one.revoked, one.unchanged)),
            )
            for one in found
        ]
        screen.table(
            ("from", "circle", "new", "changed", "revoked", "unchanged"), rows, empty="No items have been received yet."
        )

    here.answer(found, show)
