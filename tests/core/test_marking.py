import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.core.marking import Pap, Tlp, barring, is_personal, parse, parse_any, stricter

MAYBE = st.none() | st.sampled_from(Tlp)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("TLP:CLEAR", Tlp.CLEAR),
        ("tlp:white", Tlp.CLEAR),
        ("WHITE", Tlp.CLEAR),
        ("Tlp:Green", Tlp.GREEN),
        ("tlp:amber", Tlp.AMBER),
        ("TLP:AMBER+STRICT", Tlp.AMBER_STRICT),
        (" amber+strict ", Tlp.AMBER_STRICT),
        ("TLP:RED", Tlp.RED),
    ],
)
def test_tlp_is_read_in_any_case(text: str, level: Tlp) -> None:
    assert parse(text) is level
    assert parse_any(text) is level


@given(level=st.sampled_from([*Tlp, *Pap]))
def test_every_marking_is_printed_as_it_is_read(level: Tlp | Pap) -> None:
    assert parse_any(str(level)) is level
    assert parse_any(f"{level}".lower()) is level


def test_order_is_that_of_the_standard() -> None:
    assert Tlp.CLEAR < Tlp.GREEN < Tlp.AMBER < Tlp.AMBER_STRICT < Tlp.RED
    assert Pap.CLEAR < Pap.GREEN < Pap.AMBER < Pap.RED
    assert parse_any("pap:white") is Pap.CLEAR
    assert str(Pap.WHITE) == "PAP:CLEAR"
    assert str(Tlp.AMBER_STRICT) == "TLP:AMBER+STRICT"


@pytest.mark.parametrize(
    "text",
    ["", "TLP:", "TLP:PURPLE", "TLP:AMBER_STRICT", "TLP:AMBER STRICT", "PAP:GREEN", "TLP:TLP:RED", "0", "TLP: RED"],
)
def test_unknown_word_is_refused_with_the_allowed_ones(text: str) -> None:
    with pytest.raises(InvalidError, match=r"TLP:CLEAR.*TLP:AMBER\+STRICT.*TLP:RED"):
        parse(text)


@pytest.mark.parametrize("text", ["", "PAP:", "PAP:AMBER+STRICT", "PAP:TLP:RED", "TLP:PAP:RED", "IEP:RED"])
def test_unknown_marking_is_refused_with_the_allowed_words(text: str) -> None:
    with pytest.raises(InvalidError, match=r"TLP:RED.*PAP:RED"):
        parse_any(text)


@settings(max_examples=60)
@given(a=MAYBE, b=MAYBE, c=MAYBE)
def test_stricter_never_loosens_and_order_does_not_matter(a: Tlp | None, b: Tlp | None, c: Tlp | None) -> None:
    both = stricter(a, b)
    assert both == stricter(b, a)
    assert stricter(both, c) == stricter(a, stricter(b, c))
    assert (both is None) == (a is None and b is None)
    assert all(both is not None and level <= both for level in (a, b) if level is not None)


def test_names_of_the_published_marking_objects_are_read(shared_data: Path) -> None:
    bundle = json.loads((shared_data / "markings" / "tlp2.json").read_text())
    assert {parse(marking["name"]) for marking in bundle["objects"]} == set(Tlp)


@pytest.mark.parametrize("level", list(Tlp))
@pytest.mark.parametrize("ceiling", list(Tlp))
def test_a_circle_holds_what_is_not_above_its_ceiling_and_never_red(level: Tlp, ceiling: Tlp) -> None:
    rules = barring(level, ceiling)
    assert ("red" in rules) == is_personal(level) == (level is Tlp.RED)
    assert ("ceiling" in rules) == (level > ceiling)
    assert rules == tuple(sorted(rules, reverse=True)), "the stronger rule is told first"
