"""A playbook travels as a course of action that strict validators take, and comes out of it as it went in."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from stix2validator import ValidationOptions, validate_string

from entente.core.marking import Tlp
from entente.formats import cacao
from entente.formats.cacao.course_of_action import extension_definition, stix_course_of_action
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


def said(made: dict[str, object]) -> dict[str, Any]:
    """Return what the extension of a course of action says."""
    extensions = made["extensions"]
    assert isinstance(extensions, dict)
    return next(iter(extensions.values()))


@pytest.mark.parametrize("made", [simple(), whole()], ids=["simple", "whole"])
def test_a_bundle_with_it_stands_for_the_strict_validator(made: Made) -> None:
    objects = [json.dumps(each).encode() for each in (course(made), extension_definition())]
    assert [problems(each) for each in objects] == [[], []]
    data = b"".join(bundle([tlp_object(Tlp.AMBER), *objects], rng_uuid=BUNDLE.removeprefix("bundle--")))
    result = validate_string(data.decode(), ValidationOptions(version="2.1", strict=True, silent=True))
    assert result.is_valid, [str(each) for each in result.errors]


def test_the_playbook_goes_along_as_it_is() -> None:
    assert b64decode(said(course(whole()))["playbook_bin"]) == dump(whole())


def test_what_the_playbook_says_of_itself_is_told() -> None:
    told = said(course(whole()))
    assert (told["playbook_id"], told["playbook_type"], told["playbook_impact"]) == (whole()["id"], ["mitigation"], 100)
    assert told["playbook_creator"] == whole()["created_by"]
    assert told["playbook_valid_until"] == "2027-11-20T10:00:00Z"
