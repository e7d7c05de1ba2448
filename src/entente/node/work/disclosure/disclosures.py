"""Public disclosure: a text leaves when all whom the agreement names have approved exactly these bytes (page 11)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from entente.core.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedError,
    VerificationError,
    WaitingError,
)
from entente.core.ids import b32, unb32
from entente.core.marking import Tlp
from entente.core.times import stamp
from entente.kinds.disclosure import KIND
from entente.kinds.document import MARKDOWN, TEXT, check_text
from entente.node.home.checked import checked
from entente.node.home.find import find
from entente.node.home.written import PathLike, write_file
from entente.node.items.erasing import REDACTED
from entente.node.items.sharing import resolve
from entente.node.work.acts import AWAITED, HELD, reading, writing, writing_about
from entente.node.work.disclosure.dossiers import dossier_of
from entente.node.work.disclosure.values import DisclosureInfo, DisclosureWritten
from entente.node.work.excerpt import Excerpt
from entente.node.work.session import record as records
from entente.policy import disclosure
from entente.policy.approval import State
from entente.policy.disclosure import Finding
from entente.store import shelf
from entente.store.texts import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.items.items import Items
    from entente.node.rooms.room import Room
    from entente.node.work.acts import Reader
    from entente.store.ports import ItemRow, Transaction

MAX_TEXT: Final = 256 * 1024
"""What this node looks for in a disclosure and lets through, by its id; it never leaves."""
HITS: Final = 200
SHOWN: Final = 10
_STATES: Final = {State.IN_FORCE: "approved"}


class DisclosureRules(Struct, frozen=True):
    """Terms that may not stand in a text, and observables that may, although a held item has them."""

    terms: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    def also(self, terms: Iterable[str], allow: Iterable[str]) -> DisclosureRules:
        """Return these and further ones."""
        return DisclosureRules(tuple(dict.fromkeys((*self.terms, *terms))), tuple(dict.fromkeys((*self.allow, *allow))))


RULES: Final = shelf.json("disclosure-rules", DisclosureRules)
"""By disclosure: terms and observables that its proposer named."""


@checked
class Disclosures:
    """What is told to everybody."""

    def __init__(self, base: Base, items: Items) -> None:
        """Work on this base; `items` keep the index in which observables are looked up."""
        self._base = base
        self._items = items

    def propose(
        self,
        of: str,
        data: bytes,
        *,
        media: str = TEXT,
        terms: Iterable[str] = (),
        allow: Iterable[str] = (),
        person: str = "",
    ) -> DisclosureInfo:
        """Propose to publish these bytes; `of` is a circle, or an act or item, whose circle is meant.

        RefusedError if something is hidden in the text, a term of `terms` stands in it, or an observable that a held
        item above TLP:CLEAR has, unless `allow` names it. InvalidError for what is no text.
        """
        rules = DisclosureRules().also(terms, allow)
        text = _read(data, media)
        self._items.index()
        with reading(self._base) as reader:
            circle = b32(_circle_of(reader, of).circle)
        with writing(self._base, circle, person) as writer:
            _check(writer.tx, text, media, rules)
            body: dict[str, object] = {
                "content": writer.put(data, media, Tlp.CLEAR),
                "hash": b32(sha256(data).digest()),
                "voters": writer.voters(),
                "needed": writer.needed("disclosure"),
            }
            act = writer.act(KIND.name, body)
            _keep(writer.tx, act, rules)
            return _info(Excerpt(self._base, writer.tx, writer.room), act)

    def approve(
        self, id_: str, *, refuse: str = "", terms: Iterable[str] = (), allow: Iterable[str] = (), person: str = ""
    ) -> DisclosureInfo:
        """Give our one final answer; `refuse` is the reason for a no. The same is looked for as in `propose`.

        WaitingError while the text has not arrived, VerificationError if it is not the one whose hash was proposed.
        """
        self._items.index()
        with writing_about(self._base, KIND.name, id_, "disclosure", person) as (writer, act):
            if not refuse:
                rules = _kept(writer.tx, act).also(terms, allow)
                data, media = _text(writer, act)
                _check(writer.tx, _read(data, media), media, rules)
                _keep(writer.tx, act, rules)
            writer.answer(act, refuse=bool(refuse), text=refuse.strip())
            return _info(Excerpt(self._base, writer.tx, writer.room), act)

    def show(self, id_: str) -> DisclosureInfo:
        """Return a disclosure with its exact text; NotFoundError if there is none."""
        with reading(self._base) as reader:
            act = reader.find(KIND.name, id_, "disclosure")
            return _info(Excerpt(self._base, reader.tx, reader.room_of(act)), act)

    def list(self) -> Sequence[DisclosureInfo]:
        """Return all disclosures, oldest first."""
        with reading(self._base) as reader:
            acts = reader.acts(KIND.name)
            return [_info(Excerpt(self._base, reader.tx, reader.room_of(act)), act) for act in acts]

    def export(self, id_: str, *, terms: Iterable[str] = (), allow: Iterable[str] = ()) -> bytes:
        """Return the dossier of an approved text, which anybody can verify; the text is looked at once more.

        WaitingError until all that the agreement names have approved; RefusedError if one refused.
        """
        self._items.index()
        with reading(self._base) as reader:
            act = reader.find(KIND.name, id_, "disclosure")
            made = dossier_of(reader, act)
            data, media = _text(reader, act)
            _check(reader.tx, _read(data, media), media, _kept(reader.tx, act).also(terms, allow))
            return made

    def write(
        self, id_: str, out: PathLike, *, terms: Iterable[str] = (), allow: Iterable[str] = ()
    ) -> DisclosureWritten:
        """Write the dossier of an approved text into a file; raises what `export` does.

        InvalidError or NotFoundError if it cannot be written there.
        """
        found = self.show(id_)
        written = write_file(out, [self.export(id_, terms=terms, allow=allow)])
        return DisclosureWritten(found.disclosure, found.sha256, written.out, written.bytes)


def _read(data: bytes, media: str) -> str:
    """Return the text; InvalidError unless it is one that can be published."""
    if media not in {TEXT, MARKDOWN}:
        raise InvalidError(f"What is published is {TEXT} or {MARKDOWN}, not {media[:80]}.")
    if not 0 < len(data) <= MAX_TEXT:
        raise InvalidError(f"A text that is published has 1 to {MAX_TEXT} bytes.", hint="Shorten it.")
    return check_text(data)


def _text(reader: Reader, act: Act) -> tuple[bytes, str]:
    """Return the bytes that were proposed, with their media type."""
    found, state = reader.document(act, str(act.body["content"]))
    if state == AWAITED:
        raise WaitingError("The text has not arrived here yet.", hint="Exchange first: `entente sync`.")
    if state != HELD or found is None:
        raise NotFoundError("The text was erased, or its proposer never sent it.", hint="Propose it anew.")
    if b32(sha256(found.data).digest()) != act.body["hash"]:
        raise VerificationError("The text is not the one whose hash was proposed.", hint="Refuse it.")
    return found.data, found.media


def _check(tx: Transaction, text: str, media: str, rules: DisclosureRules) -> None:
    """Raise RefusedError, with what and where, unless the text may be shown to everybody."""
    found = disclosure.hidden(text, markdown=media == MARKDOWN) + disclosure.named(text, rules.terms)
    found += _held(tx, text, {disclosure.plain(each).strip() for each in rules.allow})
    if not found:
        return
    lines = [f"{each.text}{f' (line {each.line})' if each.line else ''}" for each in found[:SHOWN]]
    rest = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    raise RefusedError(
        f"The text cannot be published as it is ({found[0].rule}): {'; '.join([*lines, *rest])}.",
        code=found[0].rule,
        hint="Change the text and propose it anew. If an address or name may be public, let it through with --allow.",
    )


def _held(tx: Transaction, text: str, allowed: set[str]) -> Iterator[Finding]:
    """Yield each observable of the text that a held item above TLP:CLEAR has."""
    for observable in disclosure.observables(text):
        if observable in allowed:
            continue
        rows = tx.items.search(observable, limit=HITS)
        marked = ((row, marking) for row in rows if (marking := _above(tx, row)))
        hit = next(((row, marking) for row, marking in marked if _holds(tx, row, observable)), None)
        if hit is not None:
            yield Finding(disclosure.OBSERVABLE, f"{observable} is in {hit[0].stix_id}, {hit[1]}")


def _above(tx: Transaction, row: ItemRow) -> str:
    """Return the strictest marking of the copies of an item that are held, "" if all are TLP:CLEAR."""
    copies = [each.tlp for each in tx.items.find([row.stix_id])[row.stix_id] if each.state == HELD]
    above = [tlp for tlp in copies if tlp != Tlp.CLEAR]
    if not above:
        return ""
    return str(Tlp(max(above))) if max(above) > Tlp.CLEAR else "which has no marking"


def _holds(tx: Transaction, row: ItemRow, observable: str) -> bool:
    return any(disclosure.holds(text_of(data), observable) for _, data in tx.items.get([row.seq]))


def _circle_of(reader: Reader, text: str) -> Room:
    """Return the circle that is meant by its id or name, or by an act or item in it."""
    for look in (_by_circle, _by_act, _by_item):
        try:
            return look(reader, text)
        except NotFoundError as problem:
            if problem.code == "ambiguous":
                raise
    raise NotFoundError(f"There is no circle, act or item {text!r}.", hint="See `entente circle list`.")


def _by_circle(reader: Reader, text: str) -> Room:
    return reader.circle(text)


def _by_act(reader: Reader, text: str) -> Room:
    acts = reader.in_force.view.acts
    by_leaf = {act.place.leaf: act for act in acts.values()}
    act = acts.get(text) or by_leaf[find(text, [(leaf, b32(leaf), "") for leaf in by_leaf], "act")]
    return reader.room_of(act)


def _by_item(reader: Reader, text: str) -> Room:
    """Return the one circle that an item is in; ConflictError if there are several."""
    stix_id = resolve(reader.tx, text)
    logs = {row.id: row for row in reader.tx.logs.all()}
    entries = [each for row in reader.tx.items.find([stix_id])[stix_id] for each in reader.tx.payloads.of_item(row.seq)]
    rooms = (reader.in_force.rooms.get(logs[each.log].circle) for each in entries)
    found = {room.circle: room for room in rooms if room is not None}
    if not found:
        raise NotFoundError(f"The item {stix_id} is in no circle.", hint="Name the circle: --circle.")
    if len(found) > 1:
        raise ConflictError(f"The item {stix_id} is in {len(found)} circles.", hint="Name the one: --circle.")
    return next(iter(found.values()))


def _keep(tx: Transaction, act: Act, rules: DisclosureRules) -> None:
    if rules != DisclosureRules():
        RULES.put(tx, b32(act.place.leaf), rules)


def _kept(tx: Transaction, act: Act) -> DisclosureRules:
    """Return the rules of a disclosure; homes made before RULES had a space of its own hold them beside redactions."""
    key = b32(act.place.leaf)
    if (held := RULES.get(tx, key)) is not None:
        return held
    earlier = REDACTED.get(tx, key)
    return msgspec.json.decode(earlier, type=DisclosureRules) if earlier else DisclosureRules()


def _info(part: Excerpt, act: Act) -> DisclosureInfo:
    found, state = part.document(act, str(act.body["content"]))
    return DisclosureInfo(
        disclosure=b32(act.place.leaf),
        circle=b32(part.room.circle),
        state=_STATES.get(part.state(act), part.state(act).value),
        text=found.text if found else "",
        text_state=state,
        media=found.media if found else "",
        sha256=unb32(str(act.body["hash"]), 32).hex(),
        by=b32(act.author),
        name=part.name(act.author),
        time=stamp(act.time),
        needed=int(str(act.body["needed"])),
        answers=records.votes_on(part, act),
    )
