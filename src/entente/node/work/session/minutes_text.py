"""The text of minutes: Markdown that every member makes alike from the same acts (page 11, "Minutes")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from entente.node.work.session.agenda import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entente.node.work.session.values import DecisionInfo, Presence, SessionRecord, SessionVote

MAX_BASIS: Final = 64
_BASIS: Final = "## Basis"
_ROW: Final = re.compile(r"- ([a-z2-7]{52}): (0|[1-9][0-9]{0,15})", re.ASCII)
_NOT_HERE: Final = "(the words were erased)"


def text_of(record: SessionRecord) -> str:
    """Return the minutes of a session; they end with the basis, from which others can make them again."""
    parts = [
        _head(record),
        _section("Present", (_presence(each) for each in record.attendance)),
        _section("Points", (f"- {each.name} ({each.by}), priority {each.priority}:\n{quoted(each.text)}"
                            for each in record.points)),
        _section("Decisions", (_decision(each) for each in record.decisions)),
        _section("Open", (f"- {each.kind} {each.id}: {_one_line(each.title)} [{each.reason}]" for each in record.open)),
        _section("Basis", (f"- {member}: {size}" for member, size in sorted(record.basis.items()))),
    ]  # fmt: skip
    return "\n".join(parts)


def basis_in(text: str) -> dict[str, int] | None:
    """Return by member how many entries of its log a text of minutes rests on; None if it does not say so."""
    rows = text.rpartition(f"\n{_BASIS}\n\n")[2].splitlines()
    found = [_ROW.fullmatch(row) for row in rows]
    if not 0 < len(rows) <= MAX_BASIS or None in found:
        return None
    return {match[1]: int(match[2]) for match in found if match is not None}


def quoted(text: str) -> str:
    """Return what somebody wrote as a quotation, which nothing in it can end."""
    return "\n".join(f"  > {line}".rstrip(" ") for line in (text or _NOT_HERE).split("\n"))


def _one_line(text: str) -> str:
    return " ".join(text.split()) or _NOT_HERE


def _section(title: str, rows: Iterable[str]) -> str:
    return "\n".join((f"## {title}", "", *(tuple(rows) or ("- none",)), ""))


def _head(record: SessionRecord) -> str:
    rows = (
        f"# Minutes of session {record.session}",
        "",
        f"- title: {_one_line(first_line(record.title))}",
        f"- time: {record.at}",
        f"- circle: {record.circle}",
        f"- convened by: {record.name} ({record.by})",
        f"- present: {record.quorum.present}, needed: {record.quorum.needed}, members: {len(record.attendance)}",
        "",
    )
    return "\n".join(rows)


def _presence(each: Presence) -> str:
    who = f"- {each.name} ({each.member}): "
    said = f"present since {each.time}, by person {each.person}" if each.present else "absent"
    head = f", head {each.head}" if each.head else ""
    return who + said + head + (f", deputy {each.deputy}" if each.deputy else "")


def _decision(each: DecisionInfo) -> str:
    facts = {"plan": each.plan, "owner": each.owner, "due": each.due, "about": " ".join(each.about)}
    yes = sum(vote.vote == "yes" for vote in each.votes)
    rows = (
        f"### {each.state}: decision {each.id}",
        "",
        quoted(each.text),
        "",
        f"- proposed by: {each.name} ({each.by}) at {each.time}",
        f"- approved by {yes} of {each.needed} needed",
        *(f"- {name}: {value}" for name, value in facts.items() if value),
        *_votes(each.votes),
        "",
    )
    return "\n".join(rows)


def _votes(votes: Iterable[SessionVote]) -> Iterator[str]:
    for vote in votes:
        yield f"- {vote.vote}: {vote.name} ({vote.member}), person {vote.person}, at {vote.time}"
        if vote.text:
            yield quoted(vote.text)
