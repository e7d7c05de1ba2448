"""One object's bytes give its facts, and hostile bytes give a refusal."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.errors import EntenteError, InvalidError, LimitError
from entente.core.marking import Pap, Tlp
from entente.formats.stix import KNOWN_TYPES, MAX_DEPTH, MAX_OBJECT, SCO_TYPES, Facts, facts
from entente.formats.stix.markings import PAP_IDS, TLP1_IDS, TLP_IDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

U = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
V = "f431f809-377b-45e0-aa1c-6a4751cae5ff"
TIME = "2016-04-06T20:03:48.000Z"


def make(**more: Any) -> bytes:
    """Give an indicator's bytes, with properties added or replaced."""
    base = {"type": "indicator", "spec_version": "2.1", "id": f"indicator--{U}", "created": TIME, "modified": TIME}
    return json.dumps(base | more).encode()


def raw(inner: str) -> bytes:
    """Give an indicator's bytes with JSON text of one's own in it."""
    return make()[:-1] + b"," + inner.encode() + b"}"


def micros(text: str) -> int:
    """Read a timestamp the slow and plain way."""
    return (datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00Z")) // timedelta(microseconds=1)


def strings(value: Any) -> Iterator[str]:
    """Walk all texts and property names of a decoded object."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)


def reference(data: bytes) -> dict[str, Any]:
    """Say the facts in the plainest way that works for well-formed objects."""
    value = json.loads(data)
    known = {*TLP_IDS.values(), *TLP1_IDS.values(), *(id_ for ids in PAP_IDS.values() for id_ in ids), value["id"]}
    uuid = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    found = {hit for text in strings(value) for hit in re.findall(rf"[a-z0-9][a-z0-9-]*--{uuid}", text, re.IGNORECASE)}
    created = micros(value["created"]) if "created" in value else 0
    version = value.get("spec_version") or ("2.1" if value["type"] in SCO_TYPES or not created else "2.0")
    titles = [value.get(name, "") for name in ("name", "value")]
    titles += [value.get(name, "")[:120] for name in ("pattern", "content", "description")]
    return {
        "id": value["id"],
        "type": value["type"],
        "spec_version": version,
        "created": created,
        "modified": micros(value["modified"]) if "modified" in value else created,
        "created_by_ref": value.get("created_by_ref", ""),
        "revoked": value.get("revoked", False),
        "name": next((title for title in titles if title), ""),
        "refs": {hit.lower() for hit in found} - known,
    }


def objects_of(value: Any) -> Iterator[dict[str, Any]]:
    """Find all STIX objects in a decoded file, whatever it is."""
    if isinstance(value, dict):
        if "id" in value and "type" in value and value["type"] != "bundle":
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from objects_of(inner)


FILES = ["attack/ics-attack-17.1.json", "attack/ics-attack-16.1.json", "disarm/DISARM.json", "taxii/default_data.json"]
FOLDERS = ["stix/examples/*.json", "misp/*_stix21.json", "markings/*.json"]


def shared_files(shared_data: Path) -> list[Path]:
    """List the files of STIX objects in the shared data."""
    found = [shared_data / name for name in FILES] + [path for one in FOLDERS for path in sorted(shared_data.glob(one))]
    assert len(found) > 12
    return found


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (make(name="n", description="d"), "n"),
        (make(pattern="p" * 130, description="d"), "p" * 120),
        (make(content="c", description="d"), "c"),
        (make(description="d" * 130), "d" * 120),
        (make(), ""),
    ],
)
def test_the_best_title_is_chosen(data: bytes, name: str) -> None:
    assert facts(data).name == name


def test_an_observable_is_titled_by_its_value_and_needs_no_times() -> None:
    found = facts(b'{"type":"ipv4-addr","id":"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4","value":"198.51.100.3"}')
    assert (found.name, found.created, found.modified, found.spec_version) == ("198.51.100.3", 0, 0, "2.1")
    assert found.warnings == ()


def test_facts_of_a_published_example_are_those_of_the_standard() -> None:
    data = (
        b'{"type":"indicator","spec_version":"2.1","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",'
        b'"created_by_ref":"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff","created":"2016-04-06T20:03:48.000Z",'
        b'"modified":"2016-04-06T20:03:48.000Z","indicator_types":["malicious-activity"],"name":"Poison Ivy Malware",'
        b'"pattern":"[file:name = \'x\']","pattern_type":"stix","valid_from":"2016-01-01T00:00:00Z"}'
    )
    assert facts(memoryview(data)) == Facts(
        id=f"indicator--{U}",
        type="indicator",
        spec_version="2.1",
        created=1459973028000000,
        modified=1459973028000000,
        created_by_ref=f"identity--{V}",
        revoked=False,
        name="Poison Ivy Malware",
        tlp=None,
        pap=None,
        refs=(f"identity--{V}",),
        warnings=(),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:01.000001Z", 1_000_001),
        ("1970-01-01T00:00:00.1234567Z", 123_457),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2016-12-31T23:59:60Z", 1483228800000000),
        ("0001-01-01T00:00:00Z", -62135596800000000),
        ("9999-12-31T23:59:59.999999Z", 253402300799999999),
    ],
)
def test_times_of_any_precision_are_read(text: str, expected: int) -> None:
    assert facts(make(created=text)).created == expected


@given(st.datetimes(timezones=st.timezones()))
def test_any_instant_comes_back(moment: datetime) -> None:
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return
    assert facts(make(modified=moment.isoformat())).modified == micros(moment.isoformat())


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "5"])
def test_a_bad_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        facts(make(modified=text))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"[]", "not a JSON object"),
        (b"5", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "no id"),
        (b'{"id":"indicator--' + U.encode() + b'"}', "no type"),
        (make(id="indicator"), "is not an id"),
        (make(id=f"Indicator--{U}"), "is not an id"),
        (make(id=f"indicator--{U}\n"), "is not an id"),
        (make(id=f"indicator--{U[:-1]}g"), "is not an id"),
        (make(id=f"malware--{U}"), "does not belong"),
        (make(id=5), "expected `str`"),
        (make(revoked="yes"), "expected `bool`"),
        (make(name=5), "expected `str`"),
        (make(name=None), "expected `str`"),
        (make(created_by_ref="me"), "is not an id"),
        (make(spec_version="3.0"), "neither 2.0 nor 2.1"),
        (make(object_marking_refs="x"), "expected `array`"),
        (make(object_marking_refs=["TLP:RED"]), "is not the id of a marking"),
        (make(granular_markings=[{"marking_ref": 5}]), "expected `str`"),
        (make()[:-5], "truncated"),
        (make() + b"x", "trailing"),
        (b"\xef\xbb\xbf" + make(), "malformed"),
        (make().replace(b"created", b"crea\x00ed"), "malformed"),
        (raw('"x":"\\ud800"'), "truncated"),
        (raw('"x":"\\udc00"'), "surrogate"),
        (raw('"x":01'), "number"),
        (raw('"x":NaN'), "malformed"),
        (raw('"x":"\\q"'), "escape"),
    ],
)
def test_what_is_no_object_of_the_standard_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidError, match=re.escape(reason)):
        facts(data)


def test_broken_utf8_is_refused_with_its_place() -> None:
    data = make(name="x").replace(b'"x"', b'"\xff"')
    with pytest.raises(InvalidError, match=f"not UTF-8 at byte {data.index(0xFF)}"):
        facts(data)


def test_large_numbers_and_null_characters_in_custom_properties_are_kept() -> None:
    assert facts(raw('"x_a":123456789012345678901234567890,"x_b":1e999,"x_c":"\\u0000"')).id == f"indicator--{U}"


def test_depth_is_counted_not_guessed() -> None:
    inner = MAX_DEPTH - 1
    wide = raw('"x":[' + ",".join(["[]"] * 500) + "]")
    assert facts(wide)
    assert facts(raw('"x":"' + "[" * 500 + '"'))
    assert facts(raw('"x":' + "[" * inner + "]" * inner))
    with pytest.raises(LimitError, match="nested deeper"):
        facts(raw('"x":' + "[" * (inner + 1) + "]" * (inner + 1)))
    with pytest.raises(LimitError, match="nested deeper"):
        facts(raw('"x":' + "[" * 500_000 + "]" * 500_000))


def test_an_object_beyond_the_limit_is_refused() -> None:
    size = MAX_OBJECT - len(raw('"x":""'))
    assert facts(raw(f'"x":"{"a" * size}"'))
    with pytest.raises(LimitError):
        facts(raw(f'"x":"{"a" * (size + 1)}"'))


@pytest.mark.parametrize("key", ["id", "type", "modified", "created", "created_by_ref", "object_marking_refs"])
@pytest.mark.parametrize("spaces", [0, 1, 200])
def test_a_property_given_twice_is_refused(key: str, spaces: int) -> None:
    values: dict[str, Any] = {"id": f"indicator--{U}", "type": "indicator", "created_by_ref": f"identity--{U}"}
    values |= {"object_marking_refs": [TLP_IDS[Tlp.RED]]}
    data = make(created_by_ref=f"identity--{V}", object_marking_refs=[TLP_IDS[Tlp.CLEAR]])
    for spelled in (key, f"\\u{ord(key[0]):04x}{key[1:]}"):
        pair = f'"{spelled}"{" " * spaces}: {json.dumps(values.get(key, TIME))}'
        with pytest.raises(InvalidError, match=f"{key} is given twice"):
            facts(data[:-1] + b"," + pair.encode() + b"}")
        with pytest.raises(InvalidError, match=f"{key} is given twice"):
            facts(b"{" + pair.encode() + b"," + data[1:])


def test_the_same_name_deeper_down_is_not_twice() -> None:
    assert facts(make(extensions={"x": {"id": "a", "type": "b", "modified": "c", "created": "d", "x_marking": 1}}))


def test_a_custom_type_may_have_any_title() -> None:
    data = make(type="x-foo", id=f"x-foo--{U}", name={"en": "x"}, value=[1], description="d")
    found = facts(data)
    assert (found.type, found.name, found.warnings) == ("x-foo", "d", ("custom-type",))


def test_an_object_without_version_is_taken_as_2_0_and_says_so() -> None:
    data = json.dumps({k: v for k, v in json.loads(make()).items() if k != "spec_version"}).encode()
    found = facts(data)
    assert (found.spec_version, found.warnings) == ("2.0", ("no-spec-version", "stix-2.0"))


class TestMarkings:
    """The strictest of all markings counts."""

    @pytest.mark.parametrize("tlp", list(Tlp))
    def test_tlp_2_is_read(self, tlp: Tlp) -> None:
        found = facts(make(object_marking_refs=[TLP_IDS[tlp]]))
        assert (found.tlp, found.warnings) == (tlp, ())

    @pytest.mark.parametrize("tlp", list(TLP1_IDS))
    def test_tlp_1_is_mapped_and_noted(self, tlp: Tlp) -> None:
        found = facts(make(object_marking_refs=[TLP1_IDS[tlp]]))
        assert (found.tlp, found.warnings) == (tlp, ("tlp-1",))

    def test_the_marking_of_a_part_counts_for_the_whole(self) -> None:
        parts = [{"selectors": ["name"], "marking_ref": TLP_IDS[Tlp.RED]}, {"selectors": ["name"], "lang": "en"}]
        assert facts(make(object_marking_refs=[TLP_IDS[Tlp.GREEN]], granular_markings=parts)).tlp == Tlp.RED
        parts[0]["marking_ref"] = TLP_IDS[Tlp.CLEAR]
        assert facts(make(object_marking_refs=[TLP_IDS[Tlp.GREEN]], granular_markings=parts)).tlp == Tlp.GREEN

    def test_a_marking_in_upper_case_is_the_same_marking(self) -> None:
        kind, _, uuid = TLP_IDS[Tlp.RED].rpartition("--")
        found = facts(make(object_marking_refs=[f"{kind}--{uuid.upper()}"]))
        assert (found.tlp, found.refs) == (Tlp.RED, ())

    @pytest.mark.parametrize(("pap", "id_"), [(pap, id_) for pap, ids in PAP_IDS.items() for id_ in ids])
    def test_pap_is_read_beside_tlp(self, pap: Pap, id_: str) -> None:
        found = facts(make(object_marking_refs=[id_, TLP_IDS[Tlp.AMBER]]))
        assert (found.pap, found.tlp) == (pap, Tlp.AMBER)

    def test_an_unknown_marking_is_noted_once(self) -> None:
        id_ = f"marking-definition--{V}"
        assert facts(make(object_marking_refs=[id_, id_])).warnings == (f"unknown-marking {id_}",)


@given(st.binary(max_size=200))
def test_any_bytes_give_facts_or_a_refusal(data: bytes) -> None:
    try:
        facts(data)
    except EntenteError:
        return
    pytest.fail("random bytes were taken for an object")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*Facts.__struct_fields__, "description", "object_marking_refs", "granular_markings", "value"])


@given(JSON)
def test_any_json_gives_facts_or_a_refusal(value: Any) -> None:
    try:
        facts(json.dumps(value).encode())
    except EntenteError:
        return
    pytest.fail("random JSON was taken for an object")


@given(
    st.dictionaries(NAMES, JSON | st.sampled_from([TIME, "2016-12-31T23:59:60Z", f"x--{V}", [f"x--{V}"]]), max_size=4)
)
def test_any_properties_give_facts_or_a_refusal(more: dict[str, Any]) -> None:
    data = make(**more)
    try:
        found = facts(data)
    except EntenteError:
        return
    assert found.id == json.loads(data)["id"].lower()


def test_facts_of_all_shared_objects_equal_the_plain_reference(shared_data: Path) -> None:
    values = [one for path in shared_files(shared_data) for one in objects_of(json.loads(path.read_bytes()))]
    packed = gzip.decompress((shared_data / "attack/enterprise-sdo-21.json.gz").read_bytes())
    values += list(objects_of(json.loads(packed)))
    assert len(values) > 4000
    for value in values:
        for data in (json.dumps(value).encode(), json.dumps(value, ensure_ascii=False, indent=1).encode()):
            found, wanted = facts(data), reference(data)
            got = {name: getattr(found, name) for name in wanted}
            assert got | {"refs": set(found.refs)} == wanted
            assert found.type in KNOWN_TYPES or "custom-type" in found.warnings
