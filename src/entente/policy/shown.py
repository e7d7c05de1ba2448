"""Which copy of an object is shown: each member's newest, and one of all (docs/protocol/3-kinds.md, "Item")."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import structs

from entente.core.ids import Member, identity_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entente.store.ports import ItemRow


def settle(rows: Sequence[ItemRow], data_of: Callable[[int], bytes]) -> list[ItemRow]:
    """Return the copies of one STIX id whose `latest` or `top` must change.

    The newest `modified` not later than the entry's claimed time counts for each member (ties: the smaller SHA-256);
    across members a copy that is not revoked stands before one that is. Where several members claim the id by their
    own identity it is contested: the copies of who came first here stay shown.
    """

    def rank(each: ItemRow) -> tuple[bool, int]:
        return each.modified <= each.time * 1000, each.modified

    def newest(among: list[ItemRow], key: Callable[[ItemRow], tuple[int, ...]]) -> ItemRow:
        best = max(map(key, among))
        tied = [each for each in among if key(each) == best]
        if len(tied) == 1:
            return tied[0]
        return min(tied, key=lambda each: (sha256(data_of(each.seq)).digest(), each.author, each.seq))

    held = [each for each in rows if each.state == "held"]
    claims = [each for each in held if each.created_by == identity_id(Member(each.author))]
    first = min(claims, key=lambda each: each.seq, default=None)
    latest = {
        author: newest([each for each in held if each.author == author], rank)
        for author in {each.author for each in held}
    }
    rivals = first is not None and any(each.author != first.author for each in claims)
    choice = [latest[first.author]] if first is not None and rivals else list(latest.values())
    shown = newest(choice, lambda each: (not each.revoked, *rank(each))).seq if choice else 0
    newest_seqs = {each.seq for each in latest.values()}
    wanted = [structs.replace(each, latest=each.seq in newest_seqs, top=each.seq == shown) for each in rows]
    return [after for before, after in zip(rows, wanted, strict=True) if before != after]
