from hashlib import sha256
from itertools import product
from pathlib import Path

from entente.core.wordlist import WORDS

NORMATIVE = Path(__file__).parents[2] / "docs" / "protocol" / "words.txt"


def test_words_in_the_code_are_the_normative_ones() -> None:
    assert NORMATIVE.read_text(encoding="ascii") == "".join(f"{word}\n" for word in WORDS)


def test_list_is_7776_different_words_and_never_changes() -> None:
    assert len(WORDS) == len(set(WORDS)) == 7776 == 6**5
    digest = "6d557f0693958fb5e650b68b5bee585eb82cf4da32965505c789e924743bc522"
    assert sha256(NORMATIVE.read_bytes()).hexdigest() == digest


def test_list_with_its_dice_numbers_is_the_published_file() -> None:
    """SHA-256 of eff_large_wordlist.txt as the EFF publishes it."""
    rolls = ("".join(roll) for roll in product("123456", repeat=5))
    published = "".join(f"{roll}\t{word}\n" for roll, word in zip(rolls, WORDS, strict=True))
    digest = "addd35536511597a02fa0a9ff1e5284677b8883b83e986e43f15a3db996b903e"
    assert sha256(published.encode()).hexdigest() == digest
