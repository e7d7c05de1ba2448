"""Pairing by short code: both cards arrive, a wrong code tells nothing, and no message is taken twice."""

from __future__ import annotations

import json
import random
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entente.core.errors import ConflictError, EntenteError, InvalidError, LimitError, VerificationError
from entente.core.wordlist import WORDS
from entente.exchange import pairing

CODE = "042-abacus-zoom"
CARD_A, CARD_B = b'{"entente-card": 1, "of": "joiner"}', b'{"entente-card": 1, "of": "inviter"}'
seeds = count()


def entropy(size: int) -> bytes:
    return random.Random(next(seeds)).randbytes(size)


def wire(message: dict[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(message))


def both(joiner_code: str = CODE) -> tuple[pairing.Joiner, pairing.Inviter]:
    return pairing.Joiner(joiner_code, CARD_A, entropy), pairing.Inviter(CODE, CARD_B, entropy)


def test_right_code_brings_both_cards():
    joiner, inviter = both()

    answer = inviter.first(wire(joiner.first()))
    card_of_inviter, second = joiner.second(wire(answer))
    card_of_joiner = inviter.second(wire(second))

    assert (card_of_joiner, card_of_inviter) == (CARD_A, CARD_B)


def test_code_is_read_in_any_case_and_with_spaces():
    joiner, inviter = both(" 042 Abacus ZOOM ")

    card, _ = joiner.second(inviter.first(joiner.first()))

    assert card == CARD_B


def test_wrong_code_is_seen_by_the_joiner():
    joiner, inviter = both("042-abacus-zone")

    answer = inviter.first(joiner.first())

    with pytest.raises(VerificationError, match="code was wrong"):
        joiner.second(answer)


def test_joiner_with_a_wrong_code_cannot_hand_over_a_card():
    joiner, inviter = both("042-abacus-zone")
    inviter.first(joiner.first())
    stranger, other = both("042-abacus-zone")
    _, forged = stranger.second(pairing.Inviter("042-abacus-zone", CARD_B, entropy).first(stranger.first()))
    del other

    with pytest.raises(VerificationError):
        inviter.second(forged)


def test_a_hundred_wrong_codes_open_nothing():
    for number in range(100):
        word = WORDS[number]
        joiner, inviter = both(f"042-{word}-zone")
        answer = inviter.first(joiner.first())
        with pytest.raises(VerificationError):
            joiner.second(answer)


def test_box_of_the_inviter_sent_back_is_refused():
    joiner, inviter = both()
    answer = inviter.first(joiner.first())

    with pytest.raises(VerificationError):
        inviter.second({"v": 1, "place": "042", "box": answer["box"]})


def test_code_is_tried_once():
    joiner, inviter = both()
    first = joiner.first()
    inviter.first(first)

    with pytest.raises(ConflictError):
        inviter.first(first)


def test_second_step_is_taken_once_and_only_after_the_first():
    joiner, inviter = both()
    with pytest.raises(ConflictError):
        pairing.Inviter(CODE, CARD_B, entropy).second({"v": 1, "place": "042", "box": ""})
    answer = inviter.first(joiner.first())
    _, second = joiner.second(answer)
    inviter.second(second)

    with pytest.raises(ConflictError):
        inviter.second(second)
    with pytest.raises(ConflictError):
        joiner.second(answer)


def test_own_message_sent_back_is_refused():
    joiner, _ = both()
    first = joiner.first()

    with pytest.raises(VerificationError):
        joiner.second({"pake": first["pake"], "box": "A" * 100})


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"place": "43"},
        {"place": 42},
        {"place": "043"},
        {"pake": None},
        {"pake": ""},
        {"pake": "A" * 1_000_000},
        {"pake": "A" * 43 + "="},
        {"pake": "é" * 44},
        {"more": 1},
    ],
)
def test_malformed_first_request_is_refused(change: dict[str, object]):
    joiner, inviter = both()

    with pytest.raises(EntenteError):
        inviter.first({**joiner.first(), **change})


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\xec" + b"\xff" * 30 + b"\x7f"])
def test_point_outside_the_group_is_refused(point: bytes):
    _, inviter = both()

    with pytest.raises(VerificationError, match="no valid point"):
        inviter.first({"v": 1, "place": "042", "pake": pairing._text(b"A" + point)})


def test_card_has_a_limit():
    with pytest.raises(LimitError):
        pairing.Joiner(CODE, b"x" * (pairing.MAX_CARD + 1), entropy)
    with pytest.raises(InvalidError):
        pairing.Joiner(CODE, b"", entropy)


def test_largest_card_arrives():
    card = b"x" * pairing.MAX_CARD
    joiner, inviter = pairing.Joiner(CODE, card, entropy), pairing.Inviter(CODE, CARD_B, entropy)

    _, second = joiner.second(inviter.first(joiner.first()))

    assert inviter.second(second) == card


@pytest.mark.parametrize(
    "text", ["", "42-abacus-zoom", "042-abacus", "042-abacus-zoom-zoom", "042-abacus-zooom", "0420"]
)
def test_mistyped_code_is_refused_before_it_costs_a_try(text: str):
    with pytest.raises(InvalidError):
        pairing.read_code(text)


@pytest.mark.parametrize("text", ["007-yo-yo-t-shirt", "007-zoom-yo-yo", "007-yo-yo-zoom"])
def test_words_with_hyphens_are_read(text: str):
    assert pairing.read_code(text) == text


@given(st.randoms(use_true_random=False))
def test_made_code_can_be_read_and_avoids_taken_places(rng: random.Random):
    taken = {f"{number:03}" for number in range(1000) if number % 7}

    code = pairing.make_code(rng.randbytes, taken)

    assert pairing.read_code(code) == code
    assert pairing.place_of(code) not in taken


def test_no_code_is_made_without_a_free_place():
    with pytest.raises(LimitError):
        pairing.make_code(entropy, {f"{number:03}" for number in range(1000)})


@settings(max_examples=20)
@given(st.data())
def test_any_flipped_bit_in_the_answer_stops_the_joiner(data: st.DataObject):
    joiner, inviter = both()
    answer = inviter.first(joiner.first())
    name = data.draw(st.sampled_from(["pake", "box"]))
    raw = bytearray(pairing.a2b_base64(str(answer[name])))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(VerificationError):
        joiner.second({**answer, name: pairing._text(bytes(raw))})
