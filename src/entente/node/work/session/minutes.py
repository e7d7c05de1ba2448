"""Minutes of joint sessions: made by every side from the same acts, signed by all (docs/protocol/11-joint-work.md)."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from entente.core.errors import ConflictError, NotFoundError, RefusedError, VerificationError, WaitingError
from entente.core.ids import b32
from entente.kinds import session as kinds
from entente.kinds.document import MARKDOWN
from entente.node.home.checked import checked
from entente.node.work.acts import ERASED, HELD, Writer, newest, reading, writing_about
from entente.node.work.excerpt import Excerpt
from entente.node.work.session import record as records
from entente.node.work.session.minutes_text import basis_in, text_of
from entente.node.work.session.values import MinutesText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.session.values import MinutesInfo

DRAFT: Final = "draft"
SHOWN: Final = 20
"""Lines of a difference that an error shows."""


@checked
class Minutes:
    """What was said and decided, as one text that all sign."""

    def __init__(self, base: Base) -> None:
        """Work on this base."""
        self._base = base

    def text(self, id_: str) -> MinutesText:
        """Return the minutes of a session: the ones proposed or signed, else a draft of what the acts say now.

        WaitingError if the text has not arrived yet, NotFoundError if it was erased.
        """
        with reading(self._base) as reader:
            session = reader.find(kinds.KIND.name, id_, "session")
            return self._text(Excerpt(self._base, reader.tx, reader.room_of(session)), session)

    def sign(self, id_: str, *, anew: bool = False, person: str = "") -> MinutesText:
        """Sign the minutes that were proposed, if they are what our own ledger says; propose some if there are none.

        RefusedError (`differs`), with the difference, if they are not; `anew` proposes others, which all sign again.
        WaitingError while acts or words that they rest on have not arrived.
        """
        with writing_about(self._base, kinds.KIND.name, id_, "session", person) as (writer, session):
            whole = Excerpt(self._base, writer.tx, writer.room)
            counts = records.that_counts(records.minutes_of(whole, session))
            if counts is not None and counts.state == records.SIGNED and anew:
                raise ConflictError("All have signed these minutes; nobody can change them.", code="signed")
            if counts is None or anew:
                minutes = self._propose(writer, session)
            else:
                minutes = writer.find(kinds.MINUTES.name, counts.id, "minutes")
                if b32(writer.me) not in counts.signed_by:
                    self._check(whole, session, minutes)
            writer.answer(minutes)
            return self._text(Excerpt(self._base, writer.tx, writer.room), session)

    def _propose(self, writer: Writer, session: Act) -> Act:
        part = Excerpt(self._base, writer.tx, writer.room)
        made = records.record(part, session)
        if made.waiting:
            raise _not_here()
        body: dict[str, object] = {
            "session": session.place.ref,
            "content": writer.put(text_of(made), MARKDOWN),
            "voters": writer.voters(),
            "needed": writer.needed("minutes"),
        }
        return writer.act(kinds.MINUTES.name, body, newest(records.acts_of(part, session)))

    def _check(self, whole: Excerpt, session: Act, minutes: Act) -> None:
        """Make the text again from the acts that it rests on, and compare."""
        said = _words(whole, minutes)
        basis = basis_in(said)
        if basis is None:
            raise RefusedError(
                "These minutes do not say on which entries they rest.",
                code="differs",
                hint="Propose others: `entente session sign --anew`.",
            )
        held = whole.ends()
        if behind := [member for member, size in basis.items() if size > held.get(member, 0)]:
            raise WaitingError(
                f"The minutes rest on entries of {', '.join(each[:12] for each in behind)} that have not arrived.",
                hint="Exchange first: `entente sync`.",
            )
        part = Excerpt(whole.base, whole.tx, whole.room, basis)
        made = records.record(part, session)
        if made.waiting:
            raise _not_here()
        made_text = text_of(made)
        left_out = _left_out(whole, part, session, minutes)
        if made_text != said or left_out:
            raise _differs(made_text, said, left_out)

    def _text(self, whole: Excerpt, session: Act) -> MinutesText:
        counts = records.that_counts(records.minutes_of(whole, session))
        if counts is None:
            made = records.record(whole, session)
            if made.waiting:
                raise _not_here()
            return MinutesText(b32(session.place.leaf), "", text_of(made), DRAFT, [], 0)
        return _of(whole, session, counts)


def _of(whole: Excerpt, session: Act, counts: MinutesInfo) -> MinutesText:
    """Return the minutes that count."""
    text = _words(whole, whole.find(kinds.MINUTES.name, counts.id, "minutes"))
    part = Excerpt(whole.base, whole.tx, whole.room, basis_in(text) or {})
    later = len(_spoken(whole, session)) - len(_spoken(part, session))
    return MinutesText(b32(session.place.leaf), counts.id, text, counts.state, counts.signed_by, later)


def _words(part: Excerpt, minutes: Act) -> str:
    """Return the text of minutes; an error that says why it is not here."""
    found, state = part.document(minutes, str(minutes.body["content"]))
    if state == ERASED:
        raise NotFoundError("The text of these minutes was erased.", hint="Propose others: `session sign --anew`.")
    if state != HELD or found is None:
        raise _not_here()
    if found.media != MARKDOWN:
        raise VerificationError("These minutes are not a Markdown text.", hint="Propose others: `session sign --anew`.")
    return found.text


def _spoken(part: Excerpt, session: Act) -> Sequence[Act]:
    """Return the acts of a session and the votes on its decisions, without minutes and their signatures."""
    acts = [act for act in records.acts_of(part, session) if act.kind != kinds.MINUTES.name]
    votes = [vote for act in acts if act.kind == kinds.DECISION.name for vote in part.answers(act)]
    return [*acts, *votes]


def _left_out(whole: Excerpt, part: Excerpt, session: Act, minutes: Act) -> list[Act]:
    """Return what we said ourselves, by our own clock before the minutes were made, and they do not tell."""
    mine = [act for act in _spoken(whole, session) if act.author == whole.me and act.time <= minutes.time]
    return [act for act in mine if not part.holds(act)]


def _differs(made: str, said: str, left_out: Sequence[Act]) -> RefusedError:
    lines = list(
        difflib.unified_diff(made.splitlines(), said.splitlines(), "our ledger", "the minutes", n=0, lineterm="")
    )
    lines += [f"- not told: our {act.kind} of {b32(act.place.leaf)[:12]}" for act in left_out]
    rest = [f"… {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    return RefusedError(
        "\n".join(("The minutes that were proposed are not what our ledger says:", *lines[:SHOWN], *rest)),
        code="differs",
        hint="Sync, and ask the member that proposed them; `entente session sign --anew` proposes ours.",
    )


def _not_here() -> WaitingError:
    return WaitingError("Words of this session have not arrived here yet.", hint="Exchange first: `entente sync`.")
