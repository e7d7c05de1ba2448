"""A playbook travels as a course of action that strict validators take, and comes out of it as it went in."""

from __future__ import annotations

import json

import pytest
from stix2validator import ValidationOptions, validate_string

from entente.core.marking import Tlp
from entente.formats import cacao
from entente.formats.cacao.course_of_action import extension_definition, playbook_in, stix_course_of_action
from entente.formats.stix import bundle
from entente.formats.stix.markings import TLP_IDS, tlp_object
from entente.formats.stix.strict.verdict import problems
from formats.strict_oracle import BUNDLE
from formats.test_cacao import Made, dump, simple
from formats.test_cacao_shape import whole

ID = "course-of-action--5b1b6b2e-93c5-4a7b-8c39-0a4d8f2b7c01"
AUTHOR = "identity--5b1b6b2e-93c5-4a7b-8c39-0a4d8f2b7c02"
NOW = "2026-11-23T12:00:00.000Z"


def course(made: Made) -> dict[str, object]:
    """Make the course of action of a playbook."""
    return stix_course_of_action(
        cacao.read(dump(made)), id=ID, created_by_ref=AUTHOR, created=NOW, marking_ref=TLP_IDS[Tlp.AMBER]
    )


@pytest.mark.parametrize("made", [simple(), whole()], ids=["simple", "whole"])
def test_a_bundle_with_it_stands_for_the_strict_validator(made: Made) -> None:
    objects = [json.dumps(each).encode() for each in (course(made), extension_definition())]
    assert [problems(each) for each in objects] == [[], []]
    data = b"".join(bundle([tlp_object(Tlp.AMBER), *objects], rng_uuid=BUNDLE.removeprefix("bundle--")))
    result = validate_string(data.decode(), ValidationOptions(version="2.1", strict=True, silent=True))
    assert result.is_valid, [str(each) for each in result.errors]


def test_the_playbook_comes_out_as_it_went_in() -> None:
    assert playbook_in(course(whole())) == dump(whole())


@pytest.mark.parametrize("packed", [{}, {"playbook_bin": "%"}, {"playbook_bin": 7}, []])
def test_a_course_of_action_without_a_playbook_gives_none(packed: object) -> None:
    made = course(simple())
    made["extensions"] = {next(iter(made["extensions"])): packed}  # type: ignore[call-overload]
    assert playbook_in(made) == b""


def test_what_the_playbook_says_of_itself_is_told() -> None:
    extension = course(whole())["extensions"]
    assert isinstance(extension, dict)
    said = next(iter(extension.values()))
    assert (said["playbook_id"], said["playbook_type"], said["playbook_impact"]) == (whole()["id"], ["mitigation"], 100)
    assert said["playbook_creator"] == whole()["created_by"]
    assert said["playbook_valid_until"] == "2027-11-20T10:00:00Z"
