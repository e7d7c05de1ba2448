"""What every kind in `KINDS` says of itself, and what follows from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from entente.core.errors import EntenteError
from entente.core.kind import EVERY, Apart, Sort
from entente.kinds import ACTS, BEFORE_FORCE, CONTENT, FAMILIES, FILED, FOLDED, HEADS, KINDS, WORK, check
from entente.policy.admission import ONWARD, admits
from entente.policy.agreement import Consent, Terms
from kinds.bodies import About, bodies
from kinds.circles import ANNA, BORA, Circles

if TYPE_CHECKING:
    from entente.core.kind import Described

SOURCE = Path(__file__).parents[2] / "src" / "entente" / "kinds"
BODIES = bodies(About(Circles().text, ANNA, BORA, b"l" * 32, 3, b"e" * 32))
NONE = Terms(kinds=(), onward="refused")


def test_every_kind_has_a_name_of_its_own_and_stands_in_one_class() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert sorted([*ACTS, *CONTENT]) == sorted(names)
    assert {each.name for each in FOLDED}.isdisjoint(each.name for each in FILED)


def test_every_file_of_a_kind_has_its_kinds_in_the_list() -> None:
    text = (SOURCE / "__init__.py").read_text("utf-8").replace("leaving.", "exit.")
    named = [path.stem for path in SOURCE.glob("*.py") if path.stem != "__init__"]
    assert [name for name in named if f"\n    {name}." not in text] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_a_kind_does_what_its_class_does(kind: Described) -> None:
    does = {name for name in ("check", "start", "judge", "apply") if hasattr(kind, name)}
    needed = {Sort.FOLDED: {"check", "start", "judge", "apply"}, Sort.FILED: {"check", "judge"}, Sort.CONTENT: set()}
    assert does == needed[kind.traits.sort]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_a_kind_belongs_to_a_family_that_has_a_head(kind: Described) -> None:
    traits, names = kind.traits, {each.name: each for each in KINDS}
    if traits.family not in {"", EVERY, ONWARD}:
        assert names[traits.family].traits.family == traits.family
    assert not traits.consent or traits.consent in msgspec.structs.asdict(Consent())
    assert not traits.early or not traits.family, "what stands before the terms are in force cannot hang on them"


def test_the_default_terms_name_heads_only() -> None:
    assert set(Terms().kinds) <= {kind.name for kind in KINDS if kind.traits.family == kind.name}


def test_notes_and_documents_belong_to_all_joint_work_and_to_nothing_else() -> None:
    assert FAMILIES["note/1"] == FAMILIES["document/1"] == HEADS
    assert {"item/1", "acknowledgement/1"}.isdisjoint(WORK)
    assert {"note/1", "document/1", *HEADS} <= WORK


def test_a_log_admits_only_what_brings_its_circle_into_force() -> None:
    assert sorted(BEFORE_FORCE) == ["agreement/1", "approval/1", "closed/1", "membership/1", "opened/1"]


@pytest.mark.parametrize("name", FAMILIES)
def test_terms_admit_a_kind_by_one_of_its_families(name: str) -> None:
    families = FAMILIES[name]
    assert admits(NONE, families) == (not families)
    for family in families:
        terms = Terms(kinds=(), onward="consent") if family == ONWARD else Terms(kinds=(family,))
        assert admits(terms, families)


def test_consent_to_onward_release_admits_asks_alone() -> None:
    terms = Terms(kinds=(), onward="consent")
    assert [name for name, families in FAMILIES.items() if families and admits(terms, families)] == ["onward/1"]


@pytest.mark.parametrize("name", ACTS)
def test_every_kind_of_act_has_a_body_and_refuses_another(name: str) -> None:
    check(name, BODIES[name])
    with pytest.raises(EntenteError):
        check(name, {**BODIES[name], "more": 1})


def test_only_kinds_of_agreements_stand_apart() -> None:
    apart = {kind.name for kind in FOLDED if isinstance(kind, Apart) and kind.apart}
    assert apart.isdisjoint(WORK)
