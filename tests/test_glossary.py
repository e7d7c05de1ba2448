"""The glossary is complete: every kind and every term stands in it once, and what it points at is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entente.kinds import KINDS
from entente.ledger.records import KINDS as KEY_KINDS
from entente.policy.agreement import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "src" / "entente"
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

KIND_NAMES = (*KEY_KINDS, *(kind.name for kind in KINDS))
TERM_NAMES = Terms.__struct_fields__
CODE = re.compile(r"`([^`]+)`")


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the rows of the table below a heading, each as its cells."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def listed(text: str, heading: str) -> list[str]:
    """Return the names that a table says something about."""
    return [name for cells in rows(text, heading) if all(cells) for name in CODE.findall(cells[0])]


def wrong(found: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Return what is missing, too much, or listed twice."""
    return sorted({*wanted} ^ {*found}) + sorted({name for name in found if found.count(name) > 1})


def places(text: str, form: str) -> Iterator[str]:
    """Yield each name of a form that stands in code marks."""
    yield from (name for name in CODE.findall(text) if re.fullmatch(form, name))


def absent(text: str, form: str = r"(?:\w+/)*\w+\.py") -> list[str]:
    """Return the files that a page names and that are neither in the house nor beside it."""
    return [name for name in places(text, form) if not any((above / name).exists() for above in (HOUSE, ROOT))]


def strangers(text: str) -> list[str]:
    """Return the classes that "In the code" names and no file of its row has."""
    return [
        name
        for word, _, where in rows(text, "In the code")
        for name in CODE.findall(word)
        if not any(
            re.search(rf"^class {name}\b", (HOUSE / path).read_text("utf-8"), re.MULTILINE)
            for path in CODE.findall(where)
        )
    ]


def words(text: str) -> list[str]:
    """Return every word that has a row of its own, as it stands in italics."""
    return [
        word
        for line in text.splitlines()
        if line.startswith("| *")
        for word in re.findall(r"\*([^*]+)\*", line.split("|")[1])
    ]


def test_the_table_of_kinds_is_the_programs_list() -> None:
    assert wrong(listed(GLOSSARY, "Kinds"), KIND_NAMES) == []


def test_the_table_of_terms_is_the_programs_list() -> None:
    assert wrong(listed(GLOSSARY, "Terms"), TERM_NAMES) == []


def test_no_word_is_explained_twice() -> None:
    found = words(GLOSSARY)
    assert len(found) > 100
    assert wrong(found, tuple(set(found))) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert absent(page.read_text("utf-8")) == []


def test_every_folder_of_the_glossary_exists() -> None:
    assert absent(GLOSSARY, r"[a-z_]+(?:/\w+)*/") == []


def test_every_class_of_the_glossary_is_in_its_file() -> None:
    assert strangers(GLOSSARY) == []


def test_every_protocol_page_of_the_glossary_exists() -> None:
    numbers = set(re.findall(r"\bP(\d+)\b", GLOSSARY))
    assert numbers
    assert [n for n in numbers if not list((ROOT / "docs" / "protocol").glob(f"{n}-*.md"))] == []


def test_what_is_missing_would_be_found() -> None:
    fewer = GLOSSARY.replace("| `halt/1` | I stop this plan |\n", "")
    assert wrong(listed(fewer, "Kinds"), KIND_NAMES) == ["halt/1"]
    silent = GLOSSARY.replace("| `halt/1` | I stop this plan |", "| `halt/1` | |")
    assert wrong(listed(silent, "Kinds"), KIND_NAMES) == ["halt/1"]
    doubled = GLOSSARY.replace(
        "| `text` | the agreement in words |", "| `text`, `text`, `fee` | the agreement in words |"
    )
    assert wrong(listed(doubled, "Terms"), TERM_NAMES) == ["fee", "text"]
    moved = GLOSSARY.replace("`ledger/log.py`", "`ledger/book.py`").replace("| `Layers` |", "| `Coats` |")
    assert set(absent(moved)) == {"ledger/book.py"}
    with pytest.raises(FileNotFoundError):
        strangers(moved)
    assert strangers(GLOSSARY.replace("| `Layers` |", "| `Coats` |")) == ["Coats"]
    again = GLOSSARY.replace("| *room* |", "| *room*, *revision* |")
    assert wrong(words(again), tuple(set(words(again)))) == ["revision"]
