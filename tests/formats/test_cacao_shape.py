"""The form of a playbook is judged as the published JSON schemas judge it; where not, the reason stands here."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from entente.formats import cacao
from formats.test_cacao import (
    HARBOUR,
    ONE,
    READABLE,
    TWO,
    Made,
    codes,
    dump,
    example,
    extended,
    sid,
    simple,
)
from formats.test_cacao_graph import FORK, IF, SWITCH, WHILE, branched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = "https://schemas.example/"
TIME = "2026-11-20T10:00:00Z"
MARK, LOGIN, WALL = sid("marking-tlp", 61), sid("user-auth", 62), sid("net-address", 63)
SIGNATURE = {
    "type": "jss",
    "id": sid("jss", 64),
    "created": TIME,
    "modified": TIME,
    "signee": "Harbour",
    "related_to": sid("playbook", 900),
    "related_version": TIME,
    "hash_algorithm": "SHA-256",
    "algorithm": "Ed25519",
    "public_key": "abc",
    "value": "def",
}


@cache
def oracle(folder: Path) -> Draft7Validator:
    """Make the validator of the published schemas."""

    def load(path: Path) -> Any:
        found = json.loads(path.read_bytes())
        found["$id"] = BASE + path.relative_to(folder).as_posix()
        return found

    contents = [load(path) for path in sorted(folder.rglob("*.json"))]
    registry: Any = Registry()
    registry = registry.with_resources((each["$id"], DRAFT7.create_resource(each)) for each in contents)
    return Draft7Validator({"$ref": BASE + "playbook.json"}, registry=registry)


@pytest.fixture(scope="session")
def schema(shared_data: Path) -> Draft7Validator:
    """Give the validator of the published schemas."""
    return oracle(shared_data / "cacao" / "schemas")


def whole() -> Made:
    """Make a playbook that says something in nearly every field."""
    made = simple(
        description="Lamps go out.",
        playbook_types=["mitigation"],
        playbook_activities=["restrict-access"],
        playbook_processing_summary={"manual_playbook": True, "if_logic": False},
        revoked=False,
        valid_from=TIME,
        valid_until="2027-11-20T10:00:00Z",
        derived_from=[sid("playbook", 65)],
        related_to=[sid("playbook", 66)],
        priority=1,
        severity=0,
        impact=100,
        industry_sectors=["maritime"],
        labels=["lamps"],
        external_references=[{"name": "Lamp book", "url": "https://lamps.example/", "external_id": "7"}],
        markings=[MARK],
        playbook_variables={"__lamp__": {"type": "string", "value": None, "constant": False, "external": True}},
        authentication_info_definitions={LOGIN: {"type": "user-auth", "username": "keeper", "kms": True}},
        target_definitions={
            WALL: {
                "type": "net-address",
                "name": "Wall",
                "address": {
                    "ipv4": ["192.0.2.1"],
                    "ipv6": ["2001:db8::1"],
                    "l2mac": ["00:00:5e:00:53:01"],
                    "vlan": [7],
                    "dname": ["wall.example"],
                    "url": ["https://wall.test/a"],
                },
                "authentication_info": LOGIN,
                "category": ["firewall"],
                "location": {"region": "northern-europe", "city": "Port"},
            },
            sid("individual", 67): {"type": "individual", "name": "Ada", "contact": {"email": {"work": "a@x.example"}}},
            sid("sector", 68): {"type": "sector", "name": "Ports", "sector": "maritime"},
            sid("security-category", 69): {"type": "security-category", "name": "Walls", "category": ["firewall"]},
            sid("location", 70): {"type": "location", "name": "Quay", "logical": ["north"]},
        },
        data_marking_definitions={
            MARK: {
                "type": "marking-tlp",
                "id": MARK,
                "created_by": sid("identity", 903),
                "created": TIME,
                "tlpv2_level": "TLP:AMBER+STRICT",
            }
        },
        extension_definitions={cacao.EXTENSION: dict(cacao.EXTENSION_DEFINITION)},
        playbook_extensions={cacao.EXTENSION: {}},
        signatures=[{**SIGNATURE, "signature": dict(SIGNATURE)}],
    )
    made["workflow"][ONE].update(
        targets=[WALL],
        in_args=["__lamp__"],
        timeout=1000,
        delay=5,
        owner=sid("identity", 903),
        step_extensions={cacao.EXTENSION: {"repeatable": True}},
        external_references=[{"name": "Lamp book"}],
    )
    made["workflow"][TWO]["commands"] = [
        {"type": "http-api", "command": "GET /", "headers": {"Accept": ["text/plain"]}, "version": "1"},
        {"type": "sigma", "command_b64": "bGFtcA==", "playbook_activity": "match-indicator"},
    ]
    return made


def shaped(made: object) -> list[str]:
    """Give what is wrong with the form."""
    return [each.line for each in cacao.problems(cacao.examine(dump(made))) if each.code == "shape"]


STARTS = (whole, simple, *(lambda id_=id_: branched(id_) for id_ in (FORK, IF, WHILE, SWITCH)), extended)
WRONG: tuple[object, ...] = (None, True, 7, -1, 101, 1.5, "", "lamp", [], {}, [7], {"a": 7}, "2026-13-01T00:00:00Z")


def places(value: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the path of everything inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, each in inner for path in ((*at, key), *places(each, (*at, key)))]


def mutated(made: Made, path: tuple[Any, ...], wrong: object) -> Made:
    """Give a copy with another value at one place, or without it."""
    copied = copy.deepcopy(made)
    holder: Any = copied
    for key in path[:-1]:
        holder = holder[key]
    if wrong is mutated:
        del holder[path[-1]]
    else:
        holder[path[-1]] = wrong
    return copied


STRICTER: tuple[tuple[str, Callable[[list[str]], bool]], ...] = (
    ("A timeout of nothing or below means nothing.", lambda names: names[-1] == "timeout"),
    ("The schema of an action looks at no more of a command than every type has.", lambda names: "commands" in names),
    ("A switch without cases, or with a case that is no step, leads nowhere.", lambda names: "cases" in names),
    ("A network has no half numbers, as the schemas of http-api and ssh say too.", lambda names: "vlan" in names),
    (
        "A key that fits no pattern is skipped by the schemas, with all that stands below it.",
        lambda names: names[-1] == "workflow" or names[-1].endswith(("_extensions", "_definitions", "_variables")),
    ),
)
"""Where we refuse what the schemas take, with the reason; one place where we take more is `url`, below."""


class TestAgainstTheSchemas:
    """The published schemas are the judge."""

    @pytest.mark.parametrize("name", READABLE)
    def test_examples_pass_both(self, schema: Draft7Validator, shared_data: Path, name: str) -> None:
        data = example(shared_data, name)
        assert schema.is_valid(json.loads(data))
        assert shaped(json.loads(data)) == []

    def test_our_own_starts_pass_both(self, schema: Draft7Validator) -> None:
        for start in STARTS:
            made = start()
            assert [each.message for each in schema.iter_errors(made)] == []
            assert codes(made) == []

    def test_the_broken_example_fails_both(self, schema: Draft7Validator, shared_data: Path) -> None:
        made = json.loads(example(shared_data, "fin"))
        assert not schema.is_valid(made)
        assert shaped(made) != []

    @pytest.mark.parametrize("number", range(len(STARTS)))
    def test_every_mutation_is_judged_alike(self, schema: Draft7Validator, number: int) -> None:
        made, looser, tighter, counted = STARTS[number](), [], [], 0
        for at, path in enumerate(places(made)):
            for wrong in (mutated, *WRONG[at % 3 :: 3]):
                broken = mutated(made, path, wrong)
                ours, theirs = shaped(broken), not schema.is_valid(broken)
                counted += theirs
                if theirs and not ours and "url" not in path:
                    looser.append((path, wrong))
                elif ours and not theirs and not any(there([str(each) for each in path]) for _, there in STRICTER):
                    tighter.append((path, wrong, ours))
        assert counted > 100
        assert (looser, tighter) == ([], [])


DIFFERENT: list[tuple[Made, bool, bool, str]] = [
    ({"created": "2026-02-30T10:00:00Z", "modified": "2026-02-28T10:00:00Z"}, True, False, "There is no such day."),
    ({"workflow": {**simple()["workflow"], "wait--7": {}}}, True, False, "A step of no known kind is skipped there."),
    ({"agent_definitions": {HARBOUR: {"type": "individual", "name": "x"}}}, False, False, "The key says a type."),
    ({"priority": 1.0}, True, False, "JSON Schema takes 1.0 for a whole number; half of all readers do not."),
    (
        {"playbook_variables": {"__a__b__": {"type": "string"}}},
        True,
        False,
        "In a text nobody could tell __a__ from __a__b__.",
    ),
    (
        {"target_definitions": {WALL: {"type": "net-address", "name": "x", "address": {"ipv4": ["__lamp__:value"]}}}},
        False,
        True,
        "A variable may stand for an address.",
    ),
    (
        {"target_definitions": {WALL: {"type": "net-address", "name": "x", "address": {"url": ["http://[::1]/"]}}}},
        False,
        True,
        "The pattern for addresses knows host names of the last century only.",
    ),
    (
        {
            "data_marking_definitions": {
                sid("marking-iep", 61): {
                    "type": "marking-iep",
                    "id": sid("marking-iep", 61),
                    "created_by": sid("identity", 903),
                    "created": TIME,
                    **dict.fromkeys(
                        (
                            *("name", "description", "tlp", "encrypt_in_transit", "permitted_actions", "attribution"),
                            *("affected_party_notifications", "unmodified_resale"),
                        ),
                        "x",
                    ),
                    "iep_version": 2,
                    "start_date": TIME,
                    "end_date": None,
                    "external_references": ["https://iep.example/"],
                }
            }
        },
        False,
        True,
        "The schema wants these references to be texts and objects at once.",
    ),
]


@pytest.mark.parametrize(("change", "theirs", "ours", "reason"), DIFFERENT, ids=[each[3] for each in DIFFERENT])
def test_where_we_judge_otherwise(schema: Draft7Validator, change: Made, theirs: bool, ours: bool, reason: str) -> None:
    made = simple(**change)
    assert reason
    assert (schema.is_valid(made), shaped(made) == []) == (theirs, ours)


@pytest.mark.parametrize(
    ("path", "wrong", "place"),
    [
        (("id",), "playbook--7", "id must be an identifier"),
        (("created",), "2026-11-20 10:00:00", "created must be a time"),
        (("spec_version",), "cacao-1.1", "spec_version must be one of cacao-2.0"),
        (("workflow", ONE, "delay"), 0, f"{ONE}: delay must be a whole number"),
        (("workflow", ONE, "targets"), [], f"{ONE}: targets must hold at least 1"),
        (("target_definitions", WALL, "address", "vlan"), [4096], "vlan"),
        (("signatures", 0, "signature", "public_cert_chain"), ["x"], "signatures[0].signature must have exactly one"),
        (("data_marking_definitions", MARK, "tlpv2_level"), "TLP:WHITE", "tlpv2_level must be one of"),
    ],
)
def test_the_place_is_named(path: tuple[Any, ...], wrong: object, place: str) -> None:
    found = shaped(mutated(whole(), path, wrong))
    assert len(found) == 1
    assert place in found[0]
