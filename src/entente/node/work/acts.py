"""Joint work in one place: append documents and acts, and read what the acts of a thing amount to.

docs/protocol/11-joint-work.md. `writing` gives a `Writer` inside one write transaction, `reading`
a `Reader` inside one read transaction.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from entente.core import canon
from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from entente.core.ids import Member, b32, origin_hash, origin_of, unb32
from entente.core.kind import Act, Verdict
from entente.core.recorded import Recorded
from entente.core.times import stamp
from entente.kinds import FAMILIES, document
from entente.kinds.document import TEXT, Document
from entente.ledger.log import Draft
from entente.node.home import answers
from entente.node.home.find import find
from entente.node.home.people import operator, people
from entente.node.items import erasing
from entente.node.logs import witnessed
from entente.node.rooms.in_force import require_force
from entente.policy.admission import admits
from entente.policy.approval import State
from entente.policy.reasons import RULES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from entente.core.kind import Place
    from entente.core.marking import Tlp
    from entente.node.home.base import Base
    from entente.node.rooms.in_force import InForce
    from entente.node.rooms.room import Room
    from entente.policy.approval import State
    from entente.store.ports import PayloadRow, Transaction

NOBODY: Final = b32(bytes(16))
"""The person of an act that the node appends by itself."""

HELD, AWAITED, ERASED, MISSING = "held", "awaited", "erased", "missing"

_WHY: Final = {
    "kind": ("The agreement does not admit this kind of work.", "Its members amend the term `kinds`."),
    "ceiling": (
        "Its marking is above the highest TLP that the circle accepts.",
        "Use a lower marking or another circle.",
    ),
    "red": (RULES["red"].refuses, "Use a lower marking."),
    "size": ("It is larger than the agreement allows.", "Shorten it, or amend the term `limits`."),
    "malformed": ("It is not well formed.", "Text is UTF-8 without control characters."),
    "answered": ("This was answered before; a first answer is final.", ""),
    "concerned": ("You were not asked.", "Only a member that was asked can answer."),
    "owner": ("The owner is no member of the circle.", "They are listed by `entente circle list`."),
    "quorum": ("A quorum is more than half of the members, and at most all of them.", "0 stands for the usual number."),
    "to": ("Only other members of the circle can be asked.", "They are listed by `entente circle list`."),
}


class Vote(Struct, frozen=True):
    """One member's answer to a thing: its name, the person, when (RFC 3339), approve or refuse, and the words to it."""

    member: str
    name: str
    person: str
    time: str
    answer: str
    text: str = ""


class Words(Struct, frozen=True):
    """The text of an act, and whether it is held, awaited, erased or missing."""

    text: str
    state: str


class Reader:
    """What the acts of one home amount to, as of one transaction."""

    def __init__(self, base: Base, tx: Transaction, *, still: bool = False) -> None:
        """Read in this transaction; `still` if nothing is written in it, so that `in_force` is worked out once."""
        self.base = base
        self.tx = tx
        self.me = base.me
        self._still = base.in_force(tx) if still else None

    @property
    def in_force(self) -> InForce:
        """Return what is in force, with every act of this transaction."""
        return self._still or self.base.in_force(self.tx)

    def acts(self, kind: str, **same: str) -> list[Act]:
        """Return the allowed acts of a kind whose fields have these values, by claimed time, author and index."""
        view = self.in_force.view
        found, known = view.states[kind], view.kinds[kind]
        by = next((name for name in same if isinstance(known, Recorded) and name in known.about), "")
        some: Iterable[Act] = found.saying(by, same[by]) if by else found.values()
        return sorted((act for act in some if all(act.body[name] == value for name, value in same.items())), key=order)

    def find(self, kind: str, text: str, what: str) -> Act:
        """Return the act of this kind whose thing (b32 of the leaf hash) or reference is, or begins with, `text`."""
        found: Mapping[str, Act] = self.in_force.view.states[kind]
        if text in found:
            return found[text]
        by_leaf = {act.place.leaf: act for act in found.values()}
        with suppress(InvalidError):
            if act := by_leaf.get(unb32(text.strip().lower(), 32)):
                return act
        return by_leaf[find(text, [(leaf, b32(leaf), "") for leaf in by_leaf], what)]

    def room_of(self, act: Act) -> Room:
        """Return the room in which an act stands."""
        return self.in_force.rooms.require(act.circle)

    def circle(self, text: str) -> Room:
        """Return the newest room of a circle, by id, beginning or name."""
        return self.base.find_circle(self.in_force, text)

    def words(self, act: Act, field: str = "content") -> Words:
        """Return the text of the document that a field of an act names."""
        found, state = self.document(act, str(act.body[field]))
        return Words(found.text if found else "", state)

    def document(self, act: Act, ref: str) -> tuple[Document | None, str]:
        """Return the document at `ref` if it is the author's, in the act's room, and why not if there is none."""
        held, state = self.content(act, ref)
        if held is None or held.kind != document.NAME:
            return None, state if held is None else MISSING
        return document.read(held.head + held.data), HELD

    def content(self, act: Act, ref: str) -> tuple[PayloadRow | None, str]:
        """Return the payload at `ref` if it is the author's, in the act's room, and why not if there is none."""
        if not ref:
            return None, HELD
        log, index, leaf = ref.split("/")
        row, at = self.tx.logs.get(origin_of(unb32(log, 32))), int(index)
        right = row is not None and (row.circle, row.member) == (act.circle, act.author)
        if row is None or not right or at >= row.size or b32(self.tx.logs.node(row.id, 0, at)) != leaf:
            return None, MISSING
        held = self.tx.payloads.get(row.id, at, at + 1)
        if held:
            return held[0], HELD
        marks = erasing.marks(self.tx, origin_hash(row.origin), at, at)
        return None, ERASED if at in marks else AWAITED

    def name(self, member: Member | bytes) -> str:
        """Return a member's name."""
        return self.base.name_of(self.tx, Member(member))

    def person(self, act: Act) -> str:
        """Return who acted: the name of a person of ours, the id of another member's, "" for a node by itself."""
        id_ = str(act.body["person"])
        names = {each.person: each.name for each in people(self.tx)} if act.author == self.me else {}
        return "" if id_ == NOBODY else names.get(id_, id_)

    def state(self, act: Act) -> State:
        """Return how far what an act asks for has come."""
        return self.in_force.standing(act.place.leaf)

    def votes(self, act: Act) -> list[Vote]:
        """Return the answers to what an act asks, by member id, each with the words of a note to it."""
        found: list[Vote] = []
        for member, given in sorted(self.in_force.answers(act.place.leaf).items()):
            answer = self.in_force.view.acts[given.ref]
            notes = [self.words(note).text for note in self.acts("note/1", of=given.ref) if note.author == member]
            found.append(
                Vote(
                    b32(member),
                    self.name(member),
                    self.person(answer),
                    stamp(given.time),
                    given.answer,
                    "\n".join(filter(None, notes)),
                )
            )
        return found


class Writer(Reader):
    """A reader that also writes: in one room, as one person of this member."""

    def __init__(self, base: Base, tx: Transaction, room: Room, person: str) -> None:
        """Write in this room; WaitingError or ConflictError unless it can be used now."""
        super().__init__(base, tx)
        in_force = self.in_force
        if not in_force.rooms.is_current(room):
            raise ConflictError(
                "It ended when the agreement changed.",
                code="earlier-revision",
                hint="Begin it anew.",
            )
        require_force(in_force, room)
        self.room = room
        self.who = person if person == NOBODY else operator(tx, person)

    def put(self, text: str | bytes, media: str = TEXT, marking: Tlp | None = None) -> str:
        """Append a document and return its reference; marked as the circle's ceiling unless told otherwise.

        RefusedError if the circle may not hold it.
        """
        self.admit(document.NAME)
        data = text.encode() if isinstance(text, str) else text
        ceiling = self.room.text.ceiling
        made = Document(ceiling if marking is None else marking, media, self.who, data)
        if reason := document.judge(made.encode(), ceiling, self.room.terms.limits.payload):
            raise refused(reason)
        _, places = self.base.append(
            self.tx, self.room, [Draft(document.NAME, self.base.clock(), made.head, made.data)]
        )
        return places[0].ref

    def act(self, kind: str, body: Mapping[str, object], after: Iterable[str] = ()) -> Act:
        """Append an act and return it; RefusedError (and nothing is kept) if the rules do not let it count.

        `after`: the references of the newest acts of the same thing; three of them are named.
        """
        self.admit(kind)
        fields = {**body, "person": self.who, "after": sorted(set(after))[-3:]}
        _, places = self.base.append(self.tx, self.room, [Draft(kind, self.base.clock(), b"", canon.encode(fields))])
        return self._judged(places[0])

    def _judged(self, place: Place) -> Act:
        """Return the act that was appended; RefusedError if the rules do not let it count, so that nothing is kept."""
        view = self.in_force.view
        witnessed.watch(self.tx, place.log, [place.index])
        judged = view.judged.get(place.ref)
        if judged is None:
            raise ConflictError("It depends on something that has not arrived here yet.", hint="Sync, then try again.")
        if judged.verdict is not Verdict.ALLOW:
            raise refused(judged.detail)
        return view.acts[place.ref]

    def admit(self, kind: str) -> None:
        """Raise RefusedError unless the agreement admits this kind of work."""
        if not admits(self.room.terms, FAMILIES[kind]):
            raise refused("kind")

    def answer(self, asking: Act, *, refuse: bool = False, text: str = "") -> Act:
        """Give our one final answer to what an act asks, with words to it if there are any."""
        thing = asking.place.leaf
        given = answers.given(self.in_force, thing, refuse=refuse)
        if given is not None:
            return self.in_force.view.acts[given.ref]
        place = answers.append(self.base, self.tx, self.room, thing, asking.place.ref, refuse=refuse, person=self.who)
        made = self._judged(place)
        if text:
            self.act("note/1", {"of": made.place.ref, "content": self.put(text)}, [made.place.ref])
        return made

    def voters(self) -> list[str]:
        """Return the members of the room as an act that asks names them."""
        return sorted(map(b32, self.room.members))

    def needed(self, word: str) -> int:
        """Return how many approvals the terms demand for what the term `consent` calls `word`."""
        rule = getattr(self.room.terms.consent, word)
        members = len(self.room.members)
        return self.in_force.rooms.needed(self.room.key, members) if rule == "quorum" else members


def order(act: Act) -> tuple[int, bytes, int, bytes, bytes]:
    """Sort acts the same way at every member: claimed time, author, index."""
    return (act.time, act.author, act.place.index, act.place.log, act.place.leaf)


def newest(acts: Sequence[Act]) -> list[str]:
    """Return the references of the newest acts, at most three, to be named in `after`."""
    return [act.place.ref for act in sorted(acts, key=order)[-3:]]


def refused(reason: str) -> RefusedError:
    """Return the error for a reason for which an act or a document does not count."""
    text, hint = _WHY.get(reason, (f"By the rules of the agreement this does not count ({reason}).", ""))
    return RefusedError(text, code=reason, hint=hint)


@contextmanager
def reading(base: Base) -> Generator[Reader]:
    """Give a reader on one unchanging state."""
    with base.store.read() as tx:
        yield Reader(base, tx, still=True)


@contextmanager
def writing(base: Base, circle: str, person: str = "") -> Generator[Writer]:
    """Give a writer for the newest room of a circle; everything that it writes is kept, or nothing."""
    with base.commit() as tx:
        yield Writer(base, tx, base.find_circle(base.in_force(tx), circle), person)


@contextmanager
def writing_about(base: Base, kind: str, id_: str, what: str, person: str = "") -> Generator[tuple[Writer, Act]]:
    """Give a writer for the room of a thing, and the act that began it; NotFoundError if there is none."""
    with base.commit() as tx:
        act = Reader(base, tx).find(kind, id_, what)
        room = base.in_force(tx).rooms.get(act.circle)
        if room is None:
            raise NotFoundError(f"The circle of this {what} is not known here.")
        yield Writer(base, tx, room, person), act
