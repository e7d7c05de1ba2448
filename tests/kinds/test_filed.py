"""Which acts about single entries count: the judges of the filed kinds, and what an ask names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from entente.core.errors import InvalidError
from entente.core.filed import HeldLog
from entente.core.kind import Act, Place
from entente.kinds import ACTS, FILED, check, onward
from kinds.bodies import About, bodies
from kinds.circles import ANNA, BORA, CARL, Circles

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from entente.core.ids import Member

LOG, OWN, LEAF, OTHER = b"l" * 32, b"o" * 32, b"e" * 32, b"f" * 32
ROUND = Circles()
BODIES = bodies(About(ROUND.text, ANNA, BORA, LOG, 3, LEAF))
ABOUT_OTHERS = ["refused/1", "acknowledgement/1", "erased/1"]


@dataclass
class Shelf:
    """What is held: whose log the named one is, which entry stands there, what was asked."""

    owner: Member | None = BORA
    here: bool = True
    leaf_: bytes = LEAF
    content: bool = True
    to: frozenset[bytes] = field(default_factory=lambda: frozenset({bytes(32)}))

    def log(self, log: bytes) -> HeldLog | None:
        assert log in (LOG, OWN)
        return None if self.owner is None else HeldLog(self.owner, self.here)

    def leaf(self, log: bytes, index: int) -> bytes:
        assert log in (LOG, OWN)
        return self.leaf_ if index == 3 else b""

    def is_content(self, log: bytes, index: int) -> bool:
        assert (log, index) == (LOG, 3)
        return self.content

    def members(self) -> Collection[Member]:
        return (ANNA, BORA)

    def asked(self, author: Member, log: bytes, entries: Sequence[tuple[int, bytes]]) -> frozenset[Member]:
        right = (author, log, list(entries)) == (ANNA, LOG, [(3, LEAF)])
        return self.to if right else frozenset()  # type: ignore[return-value]

    def check(self, kind: str, body: Mapping[str, object]) -> None:
        check(kind, body)


def reason(kind: str, shelf: Shelf, *, author: Member = ANNA, log: bytes = OWN, **more: object) -> str:
    """Return why such an act does not count, "" if it does."""
    filed = next(each for each in FILED if each.name == kind)
    act = Act(Place(log, 9, OTHER), author, ROUND.outer, kind, 7, {**BODIES[kind], **more})
    return filed.judge(act, shelf).detail


@pytest.mark.parametrize("kind", ABOUT_OTHERS)
def test_it_is_about_entries_of_another_member_in_the_same_circle(kind: str) -> None:
    assert reason(kind, Shelf()) == ""
    assert reason(kind, Shelf(here=False)) == "wrong-log"
    assert reason(kind, Shelf(owner=ANNA)) == "wrong-log"
    assert reason(kind, Shelf(leaf_=OTHER)) == "wrong-entry"
    assert reason(kind, Shelf(leaf_=b"")) == "", "what is not held yet may be as it says"


def test_a_log_that_is_not_held_may_have_been_erased_from_and_cannot_be_refused_or_read() -> None:
    unheld = {kind: reason(kind, Shelf(owner=None)) for kind in (*ABOUT_OTHERS, "erase/1", "passed/1")}
    assert unheld == {
        "refused/1": "wrong-log",
        "acknowledgement/1": "wrong-log",
        "erased/1": "",
        "erase/1": "",
        "passed/1": "",
    }


def test_a_recall_is_of_ones_own_content() -> None:
    own = Shelf(owner=ANNA)
    assert reason("erase/1", own) == ""
    assert reason("erase/1", Shelf()) == "wrong-log"
    assert reason("erase/1", Shelf(owner=ANNA, here=False)) == "wrong-log"
    assert reason("erase/1", Shelf(owner=ANNA, leaf_=OTHER)) == "wrong-entry"
    assert reason("erase/1", Shelf(owner=ANNA, content=False)) == "not-content"
    assert reason("erase/1", Shelf(owner=ANNA, content=False, leaf_=b"")) == ""


def test_a_recall_names_only_what_stands_before_it_in_its_own_log() -> None:
    filed = next(each for each in FILED if each.name == "erase/1")
    act = Act(Place(LOG, 3, OTHER), ANNA, ROUND.outer, "erase/1", 7, BODIES["erase/1"])
    assert filed.judge(act, Shelf(owner=ANNA)).detail == "wrong-entry"


def test_an_erasure_is_passed_on_where_it_was_asked_for() -> None:
    assert reason("passed/1", Shelf(), proof="") == ""
    assert reason("passed/1", Shelf(here=False), proof="") == "nothing-asked"
    assert reason("passed/1", Shelf(to=frozenset()), proof="") == "nothing-asked"
    assert reason("passed/1", Shelf(), proof="", author=CARL) == "nothing-asked"
    assert reason("passed/1", Shelf()) == "proof"


def test_a_release_shows_a_consent() -> None:
    assert reason("released/1", Shelf()) == "proof"


@pytest.mark.parametrize(
    ("shelf", "wrong"),
    [
        (Shelf(), ""),
        (Shelf(owner=None), ""),
        (Shelf(owner=CARL), "wrong-log"),
        (Shelf(here=False), "wrong-log"),
        (Shelf(leaf_=OTHER), "wrong-entry"),
        (Shelf(leaf_=b""), ""),
    ],
)
def test_an_ask_names_entries_of_whom_it_asks(shelf: Shelf, wrong: str) -> None:
    act = Act(Place(OWN, 9, OTHER), ANNA, ROUND.outer, "onward/1", 7, BODIES["onward/1"])
    assert onward.KIND.judge_named(act, shelf).detail == wrong


def test_a_body_of_no_kind_is_none() -> None:
    for name in ACTS:
        with pytest.raises(InvalidError):
            check(name, {})
