"""What may not be published: hidden text, terms of a list, observables, in whatever disguise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import InvalidError
from entente.policy import disclosure as redaction
from entente.policy.disclosure import hidden, holds, named, observables, read_terms

ZERO = "\u200b"


@pytest.mark.parametrize(
    "text",
    [
        "Plain words, numbers 3 < 4, a & b, naïve, 日本, Ω, €.",
        "# Title\n\n- **bold** and _thin_ [link](https://x.example/a_b)\n\n> quoted: [x]\n\n<https://x.example/>\n",
        "A no-break\u00a0space and a dash \u2013 here.",
        "Tab\there.",
    ],
)
def test_what_a_reader_sees_is_not_hidden(text: str) -> None:
    assert hidden(text, markdown=True) == []


@pytest.mark.parametrize(
    "sign",
    ["\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066", "\u00ad", "\U000e0020", "\u3164", "\ufe0f", "\u034f",
     "\ue000", "\u180e", "\u2028", "\U000e0101", "\u115f", "\u2800"],
)  # fmt: skip
def test_a_sign_that_shows_nothing_is_found_with_its_line(sign: str) -> None:
    found = hidden(f"one\ntwo{sign}\n", markdown=False)
    assert [(each.rule, each.line) for each in found] == [("hidden", 2)]
    assert f"U+{ord(sign):04X}" in found[0].text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n<!-- b -->", 2),
        ("<!doctype x>", 1),
        ("<?php ?>", 1),
        ("a <b>c</b>", 1),
        ("<div\nhidden>", 1),
        ("\n\n[note]: # (secret)", 3),
        ("> [note]: http://x.example 'secret'", 1),
        ("![secret](x.png)", 1),
        ("[a](x \"secret\")", 1),
        ("a&shy;b", 1),
        ("a&#x200B;b", 1),
    ],
)  # fmt: skip
def test_what_a_page_of_markdown_does_not_show_is_found(text: str, line: int) -> None:
    assert line in {each.line for each in hidden(text, markdown=True)}


@pytest.mark.parametrize(
    "text",
    [
        "the northwind ferry",
        "NORTHWIND",
        "N o r t h\nw i n d",
        f"North{ZERO}wind",
        "North\u00adwind",
        "".join(chr(0xFEE0 + ord(sign)) for sign in "Northwind"),  # full width
        "\U0001d40d\U0001d428rthwind",  # mathematical bold
        "**North**wind",
        "North\\wind",
        "North`wind`",
        "North&#119;ind",
        "North\u00a0wind",
        "North-\nwind",
        "N-o-r-t-h-w-i-n-d",
        "N.o.r.t.h/w_i_n\u00b7d",
        "N\u2022o\u2022r\u2022thwind",
        "N\u043erthwind",  # a Cyrillic o
        "\u039d\u043erthw\u0456nd",  # Greek and Cyrillic
        "N\u0336o\u0336r\u0336t\u0336h\u0336wind",  # struck through
        "N\u00f6rthw\u00efnd",
        "N\u00f8rthwind",
        "\u0274\u1d0f\u0280\u1d1b\u029c\u1d21\u026a\u0274\u1d05",  # small capitals
        "\U0001f15d\U0001f15e\U0001f161thwind",  # in black circles
        "\U0001f1f3\U0001f1f4rthwind",  # regional indicators
        "\u24c3\u24de\u24e1thwind",
        "N0rthw1nd",
        "Northwlnd",
        "https://x.example/%4e%6Frthwind",
        "North%26%23119;ind",
        "(North)[wind]",
        '"North" + "wind"',
    ],
)
def test_a_term_is_found_in_disguise(text: str) -> None:
    assert [each.text for each in named(text, ["Northwind", "Summit"])] == ["Northwind"]


def test_a_term_that_is_not_there_is_not_found() -> None:
    assert named("The north has wind.", ["Northwind"]) == []
    assert named("quay[.]example", ["quay.example"]) != []
    assert named("hxxps://quay.example", ["https://quay.example"]) != []
    assert named("quay dot example", ["quay.example"]) != []
    assert named("a polka dot dress", ["polka dot"]) != []
    assert named("O-Neil's", ["O'Neil"]) != []
    assert named("the M*\u00fc*ller case", ["Muller"]) != []
    assert named("C is a language", ["C++"]) == []
    assert named("we use C++", ["C++"]) != []


def test_a_list_of_terms_has_one_a_line() -> None:
    assert read_terms("# ours\nNorthwind\n\n  Cape Bold \nNorthwind\n") == ("Northwind", "Cape Bold")
    with pytest.raises(InvalidError, match="too short"):
        read_terms("a\n")
    with pytest.raises(InvalidError, match="10000"):
        read_terms("\n".join(f"term {n}" for n in range(10_001)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 192.0.2.1.", ["192.0.2.1"]),
        ("at 192[.]0[.]2[.]1", ["192.0.2.1"]),
        ("at 192.0.2.1:443", ["192.0.2.1"]),
        ("not 1.2.3 or 999.1.1.1", []),
        ("2001:DB8::1 is", ["2001:db8::1"]),
        ("Quay[.]Example", ["quay.example"]),
        ("cdn(dot)quay.example", ["cdn.quay.example", "quay.example"]),
        ("hxxp://quay.example/x", ["http://quay.example/x", "quay.example"]),
        ("https[:]//192.0.2.1/x.", ["https://192.0.2.1/x", "192.0.2.1"]),
        ("mail ada[at]quay.example now", ["ada@quay.example", "quay.example"]),
        ("d41d8cd98f00b204e9800998ecf8427e", ["d41d8cd98f00b204e9800998ecf8427e"]),
        ("D41D8CD98F00B204E9800998ECF8427E", ["d41d8cd98f00b204e9800998ecf8427e"]),
        (f"192.0{ZERO}.2.1", ["192.0.2.1"]),
        ("at 192 . 0 . 2 . 1", ["192.0.2.1"]),
        ("at 192,0,2,1", ["192.0.2.1"]),
        ("at 192.000.002.001", ["192.0.2.1"]),
        ("at \u0661\u0669\u0662.\u0660.\u0662.\u0661", ["192.0.2.1"]),
        ("at 192\u30020\u30022\uff611", ["192.0.2.1"]),
        ("at 192 dot 0 dot 2 dot 1", ["192.0.2.1"]),
        ("at 2001:0DB8:0:0::0001", ["2001:db8::1"]),
        ("at quay dot example", ["quay.example"]),
        ("at quay\u3002example", ["quay.example"]),
        ("at m\u00fchle.example", ["m\u00fchle.example", "xn--mhle-0ra.example"]),
        ("at XN--mhle-0ra.example", ["m\u00fchle.example", "xn--mhle-0ra.example"]),
    ],
)
def test_observables_are_read_out_of_a_text(text: str, expected: list[str]) -> None:
    found = observables(text)
    assert set(expected) <= set(found)
    if not expected:
        assert found == []


def test_an_item_holds_an_observable_as_a_whole_only() -> None:
    assert holds("[domain-name:value = 'quay.example']", "quay.example")
    assert holds("http://quay.example/x", "quay.example")
    assert holds("seen at quay[.]example", "quay.example")
    assert not holds("xquay.example", "quay.example")
    assert not holds("quay.example.org", "quay.example")
    assert not holds("1192.0.2.1", "192.0.2.1")
    assert not holds("192.0.2.11", "192.0.2.1")


def test_too_many_observables_are_refused() -> None:
    with pytest.raises(InvalidError, match="1000"):
        observables(" ".join(f"10.0.{n // 256}.{n % 256}" for n in range(redaction.MAX_OBSERVABLES + 1)))


@given(st.text(max_size=200))
def test_any_text_is_looked_through_without_an_error(text: str) -> None:
    hidden(text, markdown=True)
    named(text, ["ab"])
    assert all(holds(text, each) for each in observables(text))


@given(st.ip_addresses())
def test_every_address_is_found(address: object) -> None:
    assert str(address) in observables(f"Seen at {address}, twice.")
