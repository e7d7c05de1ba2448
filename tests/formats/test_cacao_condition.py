"""Conditions say what they say in STIX patterns, in bounded time, and texts are filled in once."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.formats.cacao.condition import (
    MAX_CONDITION,
    MAX_FILLED,
    evaluate,
    is_name,
    parse,
    substitute,
    switch,
    used,
)

VALUES = {
    "__n__": "5",
    "__big__": "10",
    "__word__": "lamp",
    "__flag__": "true",
    "__two_words__": "it's",
    "__empty__": "",
}
TABLE = [
    ("__n__:value = 5", True),
    ("__n__:value == '5'", True),
    ("__n__ = 5", True),
    ("[__n__:value = 5]", True),
    ("[ __n__:value = 5.0 ]", True),
    ("__n__:value != 5", False),
    ("__n__:value <> 6", True),
    ("__n__:value < 10", True),
    ("__n__:value < __big__:value", True),
    ("__big__:value <= 10.00", True),
    ("__n__:value > -3", True),
    ("__n__:value >= 5.0000000001", False),
    ("9007199254740993 > 9007199254740992", True),
    ("'010' = 10", False),
    ("__word__:value < 'lampe'", True),
    ("__word__:value > 5", True),
    ('__word__:value = "lamp"', True),
    ("__word__:value = 'Lamp'", False),
    ("__flag__:value = true", True),
    ("__flag__:value = FALSE", False),
    (r"__two_words__:value = 'it\'s'", True),
    ("__empty__:value = ''", True),
    ("__n__:value IN (4, 5, 6)", True),
    ("__word__:value IN ('a', 'b')", False),
    ("__word__:value NOT IN ('a', 'b')", True),
    ("__word__:value in (__word__:value)", True),
    ("__word__:value LIKE 'l%p'", True),
    ("__word__:value LIKE 'l_mp'", True),
    ("__word__:value LIKE 'l_p'", False),
    ("__word__:value LIKE '%'", True),
    ("__word__:value NOT LIKE '%a%'", False),
    ("__n__:value = 5 AND __word__:value = 'x' OR __flag__:value = true", True),
    ("__n__:value = 5 AND (__word__:value = 'x' OR __flag__:value = false)", False),
    ("NOT __n__:value = 5", False),
    ("NOT NOT (__n__:value = 5)", True),
    ("not (__n__:value = 5 and __flag__:value = false)", True),
    ("__word__:value NOT = 'lamp'", False),
]
BROKEN = [
    "",
    " ",
    "__n__:value",
    "__n__:value =",
    "= 5",
    "__n__:value = 5 AND",
    "(__n__:value = 5",
    "__n__:value = 5)",
    "[__n__:value = 5",
    "__n__:value = 5]",
    "__n__:type = 5",
    "__n__:values = 5",
    "n = 5",
    "__n__:value = 5 6",
    "__n__:value IN ()",
    "__n__:value IN 5",
    "__n__:value = (5)",
    "__n__:value = 'x",
    "__n__:value MATCHES '.*'",
    "__n__:value ISSUBSET '10.0.0.0/8'",
    "__import__('os')",
    "5 = 5; 6",
    "__n__:value = 5e3",
    "__n__:value = 1.2.3",
]


WORDS = ["__n__:value", "=", "5", "(", ")", "AND", "OR", "NOT", "IN", ",", "'x'", "[", "]", "LIKE"]


@pytest.mark.parametrize(("text", "holds"), TABLE)
def test_conditions_hold_as_they_say(text: str, holds: bool) -> None:
    assert evaluate(parse(text), VALUES) is holds


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse(text)
    assert refused.value.code == "condition"


def test_the_variables_are_told() -> None:
    assert parse("__b__:value = __a__ OR __b__ = '__c__:value'").variables == ("__a__", "__b__")


def test_a_variable_without_a_value_is_refused_even_where_it_could_not_matter() -> None:
    with pytest.raises(InvalidError, match="__gone__") as refused:
        evaluate(parse("__n__:value = 5 OR __gone__:value = 1"), VALUES)
    assert refused.value.code == "variable"


def test_long_and_deep_conditions_are_refused() -> None:
    parse("(" * 16 + "1 = 1" + ")" * 16)
    with pytest.raises(LimitError):
        parse("(" * 17 + "1 = 1" + ")" * 17)
    with pytest.raises(LimitError):
        parse("1 = 1".ljust(MAX_CONDITION + 1))


def test_patterns_that_make_others_slow_take_no_time() -> None:
    condition = parse("__x__:value LIKE '" + "%a" * 200 + "b'")
    begin = time.process_time()
    assert not evaluate(condition, {"__x__": "a" * 20_000})
    assert time.process_time() - begin < 5


@given(st.text("lamp%_", max_size=8), st.text("lamp", max_size=8))
@settings(max_examples=200)
def test_like_is_what_it_is_by_definition(pattern: str, text: str) -> None:
    def like(want: str, have: str) -> bool:
        if not want:
            return not have
        if want[0] == "%":
            return any(like(want[1:], have[at:]) for at in range(len(have) + 1))
        return bool(have) and want[0] in ("_", have[0]) and like(want[1:], have[1:])

    assert evaluate(parse(f"__x__ LIKE '{pattern}'"), {"__x__": text}) is like(pattern, text)


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS)).map(" ".join))
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except EntenteError:
        return
    assert isinstance(evaluate(condition, VALUES), bool)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
@settings(max_examples=100)
def test_whole_numbers_compare_as_numbers(one: int, other: int) -> None:
    values = {"__a__": str(one), "__b__": str(other)}
    assert evaluate(parse("__a__ < __b__"), values) is (one < other)
    assert evaluate(parse("__a__ = __b__"), values) is (one == other)


@pytest.mark.parametrize("text", ["__word__", "__word__:value", " __word__:value "])
def test_a_switch_looks_up_a_value(text: str) -> None:
    assert switch(text, VALUES) == "lamp"


@pytest.mark.parametrize("text", ["", "word", "__word__:type", "'lamp'", "__word__:value = 1", "__gone__"])
def test_a_switch_over_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        switch(text, VALUES)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("touch __word__:value", "touch lamp"),
        ("touch __word__", "touch lamp"),
        ("__word____n__:value", "lamp5"),
        ("a__word__b", "alampb"),
        ("__word__:valuesome", "lamp:valuesome"),
        ("__init__ __word__", "__init__ lamp"),
        ("___word__", "_lamp"),
        ("no variable", "no variable"),
        ("", ""),
    ],
)
def test_texts_are_filled_in(text: str, filled: str) -> None:
    assert substitute(text, VALUES) == filled


def test_what_a_value_brings_is_not_filled_in_again() -> None:
    assert substitute("__a__:value", {"__a__": "__b__:value", "__b__": "fish"}) == "__b__:value"


def test_a_value_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidError, match="__gone__"):
        substitute("touch __gone__:value", VALUES)
    assert used("touch __gone__:value __gone__:value __word__") == ("__gone__",)


def test_a_text_that_grows_too_long_is_refused() -> None:
    assert len(substitute("__a__:value", {"__a__": "x" * MAX_FILLED})) == MAX_FILLED
    with pytest.raises(LimitError):
        substitute("__a__:value" * 2000, {"__a__": "x" * 1000})
    with pytest.raises(LimitError):
        substitute("x" * (MAX_FILLED + 1), {})


@pytest.mark.parametrize(
    ("name", "good"),
    [
        *((name, True) for name in ("__a__", "__a_b-c1__", f"__{'a' * 200}__")),
        *(
            (name, False)
            for name in ("__1__", "____", "__a__b__", "_a_", "___a__", "__a___", "__a__\n", f"__{'a' * 201}__")
        ),
    ],
)
def test_names_of_variables(name: str, good: bool) -> None:
    assert is_name(name) is good
