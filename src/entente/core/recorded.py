"""Kinds of joint work, whose state is the set of their allowed acts.

docs/protocol/11-joint-work.md. A kind is a value: its fields, which of them refer to acts of which kinds, what else
must hold. Its state holds every allowed act by reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Final, cast

from typing_extensions import override

from entente.core.errors import InvalidError
from entente.core.ids import b32
from entente.core.kind import ALLOW, Act, Asks, Context, Judgement, Traits, deny, unknown
from entente.core.layers import Layers
from entente.core.shape import check_after, check_fields, check_person, check_ref, check_refs

ANY: Final[tuple[str, ...]] = ()
"""Instead of kinds: a reference to an act of any kind."""


Said = Layers[tuple[str, str], tuple[Act, ...]]
"""Acts by the name of a field and its value."""


class Acts(Layers[str, Act]):
    """Allowed acts by reference, and which of them say what: by the name of a field and its value."""

    __slots__ = ("said",)

    def __init__(
        self,
        old: dict[str, Act] | None = None,
        new: dict[str, Act] | None = None,
        said: Said | None = None,
    ) -> None:
        """Hold these; `said` are the acts by field and value."""
        super().__init__(old, new)
        self.said: Said = Layers() if said is None else said

    @override
    def __copy__(self) -> Acts:
        """Return a state that goes its own way."""
        return Acts(*self.layers(), copy(self.said))

    def add(self, act: Act, says: Iterable[tuple[str, str]]) -> None:
        """Keep an act, to be found by what it says."""
        self[act.place.ref] = act
        for key in says:
            self.said[key] = (*self.said.get(key, ()), act)

    def saying(self, field: str, value: str) -> tuple[Act, ...]:
        """Return the acts that were added with this value of a field, each log in its order."""
        return self.said.get((field, value), ())


Values = Callable[[Mapping[str, object]], None]
Rule = Callable[[Acts, Act, Context], Judgement]


def _no_values(body: Mapping[str, object]) -> None:
    del body


def _no_rule(state: Acts, act: Act, context: Context) -> Judgement:
    del state, act, context
    return ALLOW


@dataclass(frozen=True)
class Recorded:
    """A kind of act about joint work; the state holds its allowed acts by reference.

    `fields` are those beside `person` and `after`. `about` says which fields are references (one, or a list), and to
    acts of which kinds; `content` fields are references that no judge follows; those in `optional` may be "".
    `values` raises InvalidError for values that are not right, `rule` judges what the rest leaves open.
    With `consent`, the word of the term of that name, the act asks the members of its room: it has the fields `voters`
    and `needed`, which must be what the agreement demands (`least`: more than that, as the act says).
    `family` is the kind that heads its family of joint work (or EVERY); without one it heads its own.
    """

    name: str
    fields: Mapping[str, type]
    about: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    content: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    values: Values = _no_values
    rule: Rule = _no_rule
    consent: str = ""
    family: str = ""
    least: Callable[[Act, Context], int] | None = None

    @property
    def traits(self) -> Traits:
        """What is known of it before any of its entries is read."""
        return Traits(family=self.family or self.name, consent=self.consent)

    def check(self, body: Mapping[str, object]) -> None:
        """Raise InvalidError unless the body is well formed."""
        asking = {"voters": list, "needed": int} if self.consent else {}
        check_fields(body, {**self.fields, **asking, "person": str, "after": list})
        check_person(body)
        check_after(body)
        for name in (*self.about, *self.content):
            if self.fields[name] is list:
                check_refs(body, name)
            elif body[name] != "" or name not in self.optional:
                check_ref(body[name])
        self.values(body)

    def start(self) -> Acts:
        """Return no acts."""
        return Acts()

    def judge(self, state: Acts, act: Act, context: Context) -> Judgement:
        """Wait for what the act names; deny what is about something else; else ask the kind's own rule."""
        named = [(name, ref) for name in self.about for ref in refs_in(act.body[name])]
        for ref in (*refs_in(act.body["after"]), *(ref for _, ref in named)):
            if not context.known(ref):
                return unknown(ref)
        for name, ref in named:
            subject = context.act(ref)
            if subject is None or (self.about[name] and subject.kind not in self.about[name]):
                return deny("wrong-thing")
            if subject.circle != act.circle:
                return deny("wrong-room")
        if self.consent and not self._asks_right(act, context):
            return deny("voters")
        return self.rule(state, act, context)

    def apply(self, state: Acts, act: Act) -> None:
        """Keep the act."""
        state.add(act, self.says(act))

    def says(self, act: Act) -> Iterator[tuple[str, str]]:
        """Yield by which fields and values an act is found: what it refers to."""
        for name in self.about:
            yield from ((name, ref) for ref in dict.fromkeys(refs_in(act.body[name])))

    def asks(self, act: Act, context: Context) -> Asks | None:
        """Ask the members of the room, if the kind needs their consent."""
        if not self.consent:
            return None
        return Asks(act.place.leaf, act.circle, context.members(act.circle), number(act.body["needed"]))

    def _asks_right(self, act: Act, context: Context) -> bool:
        needed = consent_needed(self.consent, act.circle, context)
        if self.least is not None:
            needed = max(needed, self.least(act, context))
        return (act.body["voters"], act.body["needed"]) == (voters(act.circle, context), needed)


def voters(circle: bytes, context: Context) -> list[str]:
    """Return the members of a room as an act names them."""
    return sorted(map(b32, context.members(circle)))


def consent_needed(word: str, circle: bytes, context: Context) -> int:
    """Return how many members of a room must approve what the term `consent` calls `word`."""
    members = len(context.members(circle))
    terms = context.terms(circle).get("consent")
    rule = cast("dict[str, object]", terms).get(word) if isinstance(terms, dict) else "all"
    return context.needed(circle, members) if rule == "quorum" else members


def first_of_author(state: Acts, act: Act, name: str) -> bool:
    """Say whether the author has said nothing before about what the field `name` refers to."""
    return not any(each.author == act.author for each in state.saying(name, str(act.body[name])))


def check_number(body: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Return the number in this field; InvalidError unless it lies between the two."""
    value = number(body[name])
    if not least <= value <= most:
        raise InvalidError(f"{name}: a number from {least} to {most} is needed.")
    return value


def check_word(body: Mapping[str, object], name: str, words: tuple[str, ...]) -> str:
    """Return the word in this field; InvalidError unless it is one of these."""
    value = body[name]
    if not isinstance(value, str) or value not in words:
        raise InvalidError(f"{name}: one of {', '.join(words)} is needed.")
    return value


def number(value: object) -> int:
    """Return a whole number; InvalidError if it is none."""
    if type(value) is not int:
        raise InvalidError("A whole number is needed.")
    return value


def refs_in(value: object) -> list[str]:
    """Return the references in a field that holds one, none ("") or a list."""
    if isinstance(value, list):
        return [str(each) for each in cast("list[object]", value)]
    return [str(value)] if value else []
