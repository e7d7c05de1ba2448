"""The bodies of recalls and of onward release: what is well formed, and what an ask means to a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core import canon
from entente.core.errors import EntenteError
from entente.core.ids import b32
from entente.kinds import erase, erased, onward, passed, released

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOG, ONE, TWO, THREE = (bytes([n]) * 32 for n in range(4))
PERSON = b32(bytes(16))
ENTRIES = [(3, ONE), (7, TWO)]

BODIES: dict[str, tuple[Callable[[Mapping[str, object]], None], bytes]] = {
    "erase": (erase.KIND.check, erase.KIND.make(LOG, "error", due=5, person=PERSON, entries=ENTRIES)),
    "erased": (erased.KIND.check, erased.KIND.make(LOG, ENTRIES)),
    "onward": (onward.KIND.check, onward.KIND.make(LOG, ONE, entries=ENTRIES, to=[TWO, THREE], person=PERSON)),  # type: ignore[arg-type, list-item]
    "released": (released.KIND.check, released.KIND.make(ENTRIES, ask=b"a", consent=b"c")),
    "passed": (passed.KIND.check, passed.KIND.make(LOG, ENTRIES, member=ONE, proof=b"p")),  # type: ignore[arg-type]
}
WRONG: list[tuple[str, str, object]] = [
    ("erase", "reason", "because"),
    ("erase", "due", -1),
    ("erase", "due", 2**53),
    ("erase", "due", True),
    ("erase", "person", "nobody"),
    ("erase", "entries", []),
    ("erase", "entries", [[7, b32(ONE)], [3, b32(TWO)]]),
    ("erase", "entries", [[n, b32(ONE)] for n in range(257)]),
    ("erased", "log", "x"),
    ("erased", "entries", [[3]]),
    ("erased", "after", ["x"]),
    ("onward", "to", []),
    ("onward", "to", [b32(THREE), b32(TWO)]),
    ("onward", "to", [b32(TWO), b32(TWO)]),
    ("onward", "to", ["somebody"]),
    ("onward", "entries", [[n, b32(ONE)] for n in range(65)]),
    ("onward", "member", ""),
    ("released", "ask", "not base64"),
    ("released", "consent", 7),
    ("passed", "proof", "=="),
    ("passed", "member", "x"),
]


@pytest.mark.parametrize("name", list(BODIES))
def test_what_is_made_is_well_formed(name: str) -> None:
    check, data = BODIES[name]
    check(canon.decode(data))


@pytest.mark.parametrize(("name", "field", "value"), WRONG)
def test_what_is_not_well_formed_is_refused(name: str, field: str, value: object) -> None:
    check, data = BODIES[name]
    with pytest.raises(EntenteError):
        check({**canon.decode(data), field: value})


@given(
    name=st.sampled_from(sorted(BODIES)),
    field=st.text(max_size=8),
    value=st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3)),
)
def test_odd_bodies_are_refused_in_words(name: str, field: str, value: object) -> None:
    check, data = BODIES[name]
    body = canon.decode(data)
    for wrong in (
        {**body, field: value},
        dict.fromkeys(body, value),
        {**body, **dict.fromkeys(list(body)[:1], value)},
    ):
        try:
            check(wrong)
        except EntenteError as problem:
            assert problem.message  # noqa: PT017
