"""Agreements: the terms that members sign and the founding text that names them (`docs/protocol/3-kinds.md`)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from entente.core import canon, ids
from entente.core.errors import InvalidError
from entente.core.marking import Tlp
from entente.policy import approval, spelling
from entente.policy.circle import CircleText, problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entente.core.ids import Agreement, Member

ONWARD: Final = ("refused", "consent")
BACKLOG: Final = ("none", "all")
MAX_WORDS: Final = 64
MAX_RETENTION: Final = 36_500
MAX_HOURS: Final = 24 * 366
CONSENT: Final = ("all", "quorum")
MAX_PAYLOAD: Final = 2**31 - 1
MAX_TERMS_TEXT: Final = 32 * 1024

_KIND: Final = re.compile(r"[a-z][a-z-]{0,30}/[1-9][0-9]{0,2}")
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FIELDS: Final = frozenset({"v", "name", "members", "nonce", "terms", "circle"})


class Limits(msgspec.Struct, frozen=True):
    """How much one member may send: bytes in a payload, entries and bytes a day."""

    payload: int = 2 * 1024 * 1024
    entries_day: int = 5_000_000
    bytes_day: int = 20 * 1024**3


class Consent(msgspec.Struct, frozen=True):
    """Whose approval joint work needs: "all" members of the circle, or the "quorum" of them."""

    plan: str = "all"
    decision: str = "quorum"
    minutes: str = "all"
    disclosure: str = "all"


class Terms(msgspec.Struct, frozen=True):
    """What the members agreed: what may be sent, for what, how far it may go, and who decides."""

    kinds: tuple[str, ...] = (
        "acknowledgement/1",
        "case/1",
        "disclosure/1",
        "item/1",
        "plan/1",
        "request/1",
        "session/1",
        "warning/1",
    )
    purposes: tuple[str, ...] = ("detection", "investigation", "warning")
    onward: str = "refused"
    retention_days: int = 0
    backlog: str = "none"
    four_eyes: bool = False
    quorum: int = 0
    consent: Consent = Consent()
    escalation_hours: int = 24
    limits: Limits = Limits()
    text: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the object that a founding text carries, every term written out."""
        return {
            "kinds": list(self.kinds),
            "purposes": list(self.purposes),
            "onward": self.onward,
            "retention_days": self.retention_days,
            "backlog": self.backlog,
            "four_eyes": self.four_eyes,
            "quorum": self.quorum,
            "consent": msgspec.structs.asdict(self.consent),
            "escalation_hours": self.escalation_hours,
            "limits": msgspec.structs.asdict(self.limits),
            "text": self.text,
        }

    @classmethod
    def read(cls, value: Mapping[str, object]) -> Terms:
        """Read terms, the default for each that is not given; raise InvalidError naming a term that is not right."""
        given = _over(cls().to_dict(), value, "")
        return cls(
            kinds=_words(given["kinds"], "kinds", _KIND),
            purposes=_words(given["purposes"], "purposes", _PURPOSE),
            onward=_word(given["onward"], "onward", ONWARD),
            retention_days=_number(given["retention_days"], "retention_days", 0, MAX_RETENTION),
            backlog=_word(given["backlog"], "backlog", BACKLOG),
            four_eyes=_flag(given["four_eyes"], "four_eyes"),
            quorum=_number(given["quorum"], "quorum", 0, canon.MAX_INTEGER),
            consent=_consent(given["consent"]),
            escalation_hours=_number(given["escalation_hours"], "escalation_hours", 0, MAX_HOURS),
            limits=_limits(given["limits"]),
            text=_text(given["text"]),
        )


@dataclass(frozen=True, slots=True)
class FoundingText:
    """What the members of an agreement sign; its hash is the agreement's id.

    Made by `make` or `read` only. `written` are the bytes as they were signed: a term that is left out there has its
    default and stays left out.
    """

    name: str
    members: tuple[Member, ...]
    nonce: bytes = field(repr=False)
    terms: Terms
    circle: CircleText
    written: bytes = field(repr=False)

    @classmethod
    def make(
        cls,
        name: str,
        members: Iterable[Member],
        terms: Terms,
        *,
        nonce: bytes,
        secret: bytes,
        circle_name: str = "",
        ceiling: Tlp = Tlp.AMBER,
    ) -> FoundingText:
        """Return a new text with its founding circle (same name unless one is given) and 2 x 32 random bytes handed in.

        Raise InvalidError if a part is not well formed or the agreement could never come into force.
        """
        circle = CircleText.make(circle_name or name, members, secret, ceiling)
        text = {
            "v": spelling.VERSION,
            "name": name,
            "members": spelling.member_texts(circle.members),
            "nonce": ids.b32(nonce),
            "terms": terms.to_dict(),
            "circle": circle.to_dict(),
        }
        founding = cls.read(text)
        if found := problems(founding.circle, founding):
            raise InvalidError(" ".join(found))
        return founding

    @classmethod
    def read(cls, source: bytes | Mapping[str, object]) -> FoundingText:
        """Read a text, also one that cannot come into force (`circle.problems` says why).

        Raise InvalidError unless it is spelt canonically and every term is in range.
        """
        data, value = spelling.written(source)
        body = spelling.fields(value, _FIELDS, "founding text")
        members = spelling.members(body["members"], "agreement")
        terms = Terms.read(spelling.mapping(body["terms"], "terms"))
        if members and terms.quorum:
            approval.quorum(len(members), terms.quorum)
        return cls(
            name=spelling.name(body["name"], "agreement"),
            members=members,
            nonce=spelling.identifier(body["nonce"], "nonce"),
            terms=terms,
            circle=CircleText.read(spelling.mapping(body["circle"], "circle text")),
            written=data,
        )

    def encode(self) -> bytes:
        """Return the canonical bytes as they were signed."""
        return self.written

    def to_dict(self) -> dict[str, object]:
        """Return the object that an act carries."""
        return {**canon.decode(self.written)}

    @property
    def id(self) -> Agreement:
        """Return the id of the agreement."""
        return ids.agreement_id(self.written)


def _over(defaults: dict[str, object], value: Mapping[str, object], inside: str) -> dict[str, object]:
    """Lay what is given over the defaults; refuse a term that is none."""
    if unknown := sorted(set(value) - set(defaults)):
        raise InvalidError(
            f"There is no term {inside}{unknown[0][:80]}.",
            hint=f"The terms are: {', '.join(inside + n for n in defaults)}.",
        )
    return defaults | dict(value)


def _words(value: object, term: str, form: re.Pattern[str]) -> tuple[str, ...]:
    words = spelling.listed(value, term)
    found = [word for word in words if isinstance(word, str) and form.fullmatch(word)]
    if len(found) != len(words) or len(set(found)) != len(words) or len(words) > MAX_WORDS:
        raise InvalidError(f"{term}: at most {MAX_WORDS} different words of the form {form.pattern} are needed.")
    return tuple(found)


def _word(value: object, term: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise InvalidError(f"{term}: {' or '.join(words)} is needed, not {value!r}.")
    return value


def _number(value: object, term: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise InvalidError(f"{term}: an integer from {least} to {most} is needed, not {value!r}.")
    return value


def _flag(value: object, term: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidError(f"{term}: true or false is needed, not {value!r}.")
    return value


def _limits(value: object) -> Limits:
    given = _over(msgspec.structs.asdict(Limits()), spelling.mapping(value, "term limits"), "limits.")
    return Limits(
        payload=_number(given["payload"], "limits.payload", 1, MAX_PAYLOAD),
        entries_day=_number(given["entries_day"], "limits.entries_day", 1, canon.MAX_INTEGER),
        bytes_day=_number(given["bytes_day"], "limits.bytes_day", 1, canon.MAX_INTEGER),
    )


def _consent(value: object) -> Consent:
    given = _over(msgspec.structs.asdict(Consent()), spelling.mapping(value, "term consent"), "consent.")
    return Consent(**{word: _word(rule, f"consent.{word}", CONSENT) for word, rule in given.items()})


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value.encode(errors="replace")) > MAX_TERMS_TEXT:
        raise InvalidError(f"text: a text of at most {MAX_TERMS_TEXT} bytes is needed.")
    return value
