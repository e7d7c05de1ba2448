"""A file gives all its objects byte for byte, and names what it cannot give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError
from entente.core.marking import Pap, Tlp
from entente.formats.stix import RejectedObject, Row, iter_rows, read
from entente.formats.stix.markings import PAP_EXTENSION, TLP_EXTENSION, TLP_IDS
from formats.test_stix_facts import TIME, U, V, make, objects_of, shared_files

if TYPE_CHECKING:
    from pathlib import Path

ONE = make(name="one")
TWO = make(id=f"indicator--{V}", name="two\n\u00e9")
OWN_MARKING = f"marking-definition--{V}"


def bundle(*objects: bytes, head: bytes = b"") -> bytes:
    """Write a bundle around objects, with spaces that a parser must not keep."""
    return b'{ "type" : "bundle", "id":"bundle--%s",%s "objects" : [ %s ] }\n' % (
        U.encode(),
        head,
        b" ,\n".join(objects),
    )


def definition(**more: Any) -> bytes:
    """Write a marking definition under an id of its own."""
    return json.dumps(
        {"type": "marking-definition", "spec_version": "2.1", "id": OWN_MARKING, "created": TIME} | more
    ).encode()


@pytest.mark.parametrize(
    "data",
    [
        bundle(ONE, TWO),
        b"[" + ONE + b" , " + TWO + b"]",
        ONE + b"\n" + TWO + b"\n",
        ONE + b"\r\n" + TWO,
        b"\xef\xbb\xbf" + bundle(ONE, TWO),
        b'{"more":false,"objects":[' + ONE + b"," + TWO + b"]}",
    ],
    ids=["bundle", "array", "lines", "crlf", "bom", "envelope"],
)
def test_every_kind_of_file_gives_its_objects_as_they_came(data: bytes) -> None:
    found = read(data, "f.json")
    assert [row.data for row in found.rows] == [ONE, TWO]
    assert [row.position for row in found.rows] == [1, 2]
    assert found.rejected == []


def test_a_file_of_one_object_is_that_object() -> None:
    found = read(b"\n " + ONE + b" \n", "f.json")
    assert [(row.position, row.data, row.facts.name) for row in found.rows] == [(1, ONE, "one")]


def test_a_bundle_without_objects_is_empty() -> None:
    assert read(b'{"type":"bundle","id":"bundle--%s"}' % U.encode(), "f").rows == []


def test_equal_objects_are_both_kept() -> None:
    assert len(read(bundle(ONE, ONE), "f").rows) == 2


def test_a_bad_object_is_listed_and_the_others_are_read() -> None:
    inner = bundle(ONE).strip()
    deep = make(x=json.loads("[" * 70 + "]" * 70))
    found = read(bundle(ONE, b"5", make(id="x"), inner, deep, TWO), "f")
    assert [row.position for row in found.rows] == [1, 6]
    assert [(one.position, one.id) for one in found.rejected] == [
        (2, ""),
        (3, "x"),
        (4, f"bundle--{U}"),
        (5, f"indicator--{U}"),
    ]
    assert "bundle inside a bundle" in found.rejected[2].reason


def test_lines_are_refused_one_by_one_with_their_numbers() -> None:
    data = b"\n".join([ONE, b"", b"{not json}", ONE.replace(b"one", b"\xff"), TWO])
    found = read(data, "f.jsonl")
    assert [row.position for row in found.rows] == [1, 5]
    assert [one.position for one in found.rejected] == [3, 4]
    assert "UTF-8" in found.rejected[1].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither an object nor an array"),
        (b"   ", "neither an object nor an array"),
        (b"hello", "neither an object nor an array"),
        ("{}".encode("utf-16"), "neither an object nor an array"),
        (bundle(ONE)[:-20], "truncated (line 1)"),
        (b'{"type":"bundle",\n"objects":[\n{,}]}', "(line 3)"),
        (bundle(ONE.replace(b"one", b"\xff")), "not a JSON"),
        (b'{"type":"bundle\xff","objects":[]}', "not UTF-8 at byte 15 (line 1)"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"type":"bundle","objects":{}}', "not an array"),
        (b'{"type":"bundle","objects":5}', "not an array"),
        (b'{"type":"bundle","objects":[' + ONE + b'],"objects":[]}', "twice"),
        (b'{"type":"bundle","\\u006fbjects":[' + ONE + b'],"objects":[]}', "twice"),
        (b'{"type":"tool","type":"bundle","objects":[]}', "twice"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_refused_by_name(data: bytes, reason: str) -> None:
    if reason == "not a JSON":
        assert "UTF-8" in read(data, "bad.json").rejected[0].reason
        return
    with pytest.raises(InvalidError) as refusal:
        read(data, "bad.json")
    assert "bad.json: " in refusal.value.message
    assert reason in refusal.value.message


def test_a_2_0_bundle_gives_its_version_and_leaves_the_bytes() -> None:
    old = json.dumps({k: v for k, v in json.loads(ONE).items() if k != "spec_version"}).encode()
    found = read(bundle(old, head=b'"spec_version":"2.0",'), "f").rows[0]
    assert (found.data, found.facts.spec_version, found.facts.warnings) == (old, "2.0", ("stix-2.0",))


@pytest.mark.parametrize(
    ("content", "tlp", "warnings"),
    [
        ({"extensions": {TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "amber+strict"}}}, 3, ()),
        ({"definition_type": "tlp", "definition": {"tlp": "red"}}, 4, ("tlp-1",)),
        ({"definition_type": "tlp", "definition": {"tlp": "amber+strict"}}, 3, ()),
        ({"definition_type": "statement", "definition": {"statement": "(c)"}}, None, ()),
        ({"definition_type": "tlp", "definition": "red"}, None, ()),
    ],
)
def test_a_marking_explained_in_the_same_file_counts(
    content: dict[str, Any], tlp: int | None, warnings: tuple[str]
) -> None:
    marked = make(object_marking_refs=[OWN_MARKING])
    for order in ([marked, definition(**content)], [definition(**content), marked]):
        row = next(row for row in read(bundle(*order), "f").rows if row.data == marked)
        assert (row.facts.tlp, row.facts.warnings) == (tlp, warnings)


def test_pap_explained_in_the_same_file_counts_and_the_stricter_of_two_wins() -> None:
    amber, red = (definition(extensions={PAP_EXTENSION: {"pap": word}}) for word in ("amber", "red"))
    row = read(bundle(make(object_marking_refs=[OWN_MARKING]), red, amber), "f").rows[0]
    assert row.facts.pap == Pap.RED


def test_a_file_cannot_soften_a_marking_of_the_standard() -> None:
    softer = definition(
        id=TLP_IDS[Tlp.RED], extensions={TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "clear"}}
    )
    assert read(bundle(softer, make(object_marking_refs=[TLP_IDS[Tlp.RED]])), "f").rows[1].facts.tlp == Tlp.RED


def test_a_marking_definition_is_marked_by_what_it_names_only() -> None:
    found = read(bundle(definition(definition_type="tlp", definition={"tlp": "red"})), "f").rows[0]
    assert found.facts.tlp is None


@given(st.binary(max_size=100) | st.text(alphabet='{}[]":,\n ab\\', max_size=100).map(str.encode))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    for prefix in (b"", b"{", b"[", ONE + b"\n", bundle(ONE)[:60]):
        try:
            found = read(prefix + data, "f")
        except EntenteError:
            continue
        assert all(isinstance(one, Row | RejectedObject) for one in [*found.rows, *found.rejected])


def test_rows_come_one_by_one() -> None:
    rows = iter_rows(bundle(ONE, b"5", TWO), "f")
    assert isinstance(next(rows), Row)
    assert isinstance(next(rows), RejectedObject)
    assert isinstance(next(rows), Row)


def test_all_shared_files_give_their_objects_byte_for_byte(shared_data: Path) -> None:
    counts: dict[str, int] = {}
    for path in shared_files(shared_data):
        data = path.read_bytes()
        value = json.loads(data)
        if "type" not in value:
            continue
        found = read(data, path.name)
        assert found.rejected == [], path.name
        counts[path.name] = len(found.rows)
        assert [json.loads(row.data) for row in found.rows] == list(objects_of(value.get("objects", [value])))
        place = 0
        for row in found.rows:
            place = data.index(row.data, place) + len(row.data)
    assert counts["ics-attack-17.1.json"] == 1651
    assert counts["DISARM.json"] == 698


def test_shared_markings_are_those_that_we_know(shared_data: Path) -> None:
    ids = json.loads((shared_data / "markings/pap-ids.json").read_bytes())["ids"]
    for word, id_ in ids.items():
        found = read(make(object_marking_refs=[id_]), "f").rows[0].facts
        assert found.pap == {"white": Pap.CLEAR, "green": Pap.GREEN, "amber": Pap.AMBER, "red": Pap.RED}[word]
    for row in read((shared_data / "markings/tlp2.json").read_bytes(), "f").rows:
        assert str(read(make(object_marking_refs=[row.facts.id]), "f").rows[0].facts.tlp) == row.facts.name
