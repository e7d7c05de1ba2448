"""What goes out is byte for byte what came in, and a redacted copy holds nothing of what was dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_string

from entente.core.errors import EntenteError, InvalidError, NotFoundError, RefusedError
from entente.core.marking import Tlp
from entente.formats.stix import bundle, facts, read, redact
from entente.formats.stix.markings import TLP_IDS, by_content, tlp_object
from entente.formats.stix.strict.verdict import problems
from formats.strict_corpus import VALID, Object, dump, sco, sdo
from formats.strict_oracle import BUNDLE
from formats.test_stix_facts import U, V

NOW = "2026-11-23T12:00:00.000Z"
UUID = BUNDLE.removeprefix("bundle--")
FRESH = "5b1b6b2e-93c5-4a7b-8c39-0a4d8f2b7c01"


def cut(value: Object, *drop: str, **more: Any) -> Any:
    """Redact an object and decode what is left."""
    kind = value["type"]
    return json.loads(
        redact(dump(value), drop, new_id=more.get("new_id", f"{kind}--{FRESH}"), now=more.get("now", NOW))
    )


class TestBundle:
    """The bundle around the objects."""

    def test_objects_go_out_as_they_came(self) -> None:
        objects = [dump(value) for value in VALID]
        data = b"".join(bundle(objects, rng_uuid=UUID))
        assert [row.data for row in read(data, "f").rows] == objects
        assert json.loads(data)["id"] == BUNDLE

    def test_a_bundle_of_good_objects_stands_for_the_validator(self) -> None:
        unique = {value["id"]: dump(value) for value in VALID if value["type"] != "marking-definition"}
        objects = [tlp_object(tlp) for tlp in Tlp] + list(unique.values())
        data = b"".join(bundle(objects, rng_uuid=UUID))
        assert validate_string(data.decode(), ValidationOptions(version="2.1", strict=True, silent=True)).is_valid

    def test_no_objects_give_a_bundle_without_a_list(self) -> None:
        assert b"".join(bundle([], rng_uuid=UUID)) == b'{"type":"bundle","id":"%s"}' % BUNDLE.encode()

    def test_large_bundles_come_in_chunks(self) -> None:
        chunks = list(bundle([dump(sdo("tool", name="x" * 1000))] * 500, rng_uuid=UUID))
        assert len(chunks) > 5
        assert len(json.loads(b"".join(chunks))["objects"]) == 500

    @pytest.mark.parametrize("uuid", ["", "x", UUID.upper(), f"bundle--{UUID}", UUID + "\n"])
    def test_a_bad_id_is_refused(self, uuid: str) -> None:
        with pytest.raises(InvalidError):
            list(bundle([], rng_uuid=uuid))

    @pytest.mark.parametrize("data", [b"", b"5", b"[]", b"{", b" {}"])
    def test_what_is_no_object_is_refused(self, data: bytes) -> None:
        with pytest.raises(InvalidError):
            list(bundle([data], rng_uuid=UUID))


class TestRedact:
    """A copy without the parts that must not be seen."""

    FULL = sdo(
        "report",
        name="r",
        description="secret \u00e9",
        created_by_ref=f"identity--{V}",
        published=NOW,
        labels=["a", "b", "c"],
        object_refs=[f"tool--{V}", f"malware--{V}"],
        external_references=[
            {"source_name": "one", "url": "https://one.example/", "description": "d"},
            {"source_name": "two", "description": "e"},
        ],
        object_marking_refs=[TLP_IDS[Tlp.AMBER]],
        extensions={"x": {"deep": {"er": 1}}},
    )

    def test_the_copy_is_new_and_nobody_s_and_keeps_its_marking(self) -> None:
        found = cut(self.FULL, "description")
        assert found["id"] == f"report--{FRESH}"
        assert (found["created"], found["modified"]) == (NOW, NOW)
        assert "created_by_ref" not in found
        assert "description" not in found
        kept = set(self.FULL) - {"id", "created", "modified", "created_by_ref", "description"}
        assert {name: found[name] for name in kept} == {name: self.FULL[name] for name in kept}

    @pytest.mark.parametrize("value", VALID, ids=lambda value: value["type"])
    def test_a_copy_without_anything_dropped_still_stands(self, value: Object) -> None:
        if value["type"] == "marking-definition":
            with pytest.raises(RefusedError):
                cut(value)
            return
        fresh = FRESH if value["id"][-22] != "5" else FRESH[:14] + "5" + FRESH[15:]
        data = redact(dump(value), [], new_id=f"{value['type']}--{fresh}", now=NOW)
        assert problems(data) == []

    @pytest.mark.parametrize(
        ("path", "name", "left"),
        [
            ("labels.[1]", "labels", ["a", "c"]),
            ("labels[1]", "labels", ["a", "c"]),
            ("labels.*", "labels", None),
            ("external_references.[0].url", "external_references", [{"source_name": "one", "description": "d"}, ...]),
            ("external_references.*.description", "external_references", None),
            ("external_references[*].source_name", "external_references", None),
            ("extensions.x.deep.er", "extensions", None),
            ("object_refs.[0]", "object_refs", [f"malware--{V}"]),
        ],
    )
    def test_a_path_drops_what_it_names_and_what_it_leaves_empty(self, path: str, name: str, left: Any) -> None:
        found = cut(self.FULL, path).get(name)
        if left and left[-1] is ...:
            left = [*left[:-1], self.FULL[name][-1]]
        if path.endswith(("description", "source_name")):
            key = path.rpartition(".")[2]
            left = [{k: v for k, v in one.items() if k != key} for one in self.FULL[name]]
            left = [one for one in left if one]
        assert found == left

    def test_members_are_counted_before_any_is_dropped(self) -> None:
        assert cut(self.FULL, "labels.[0]", "labels.[2]")["labels"] == ["b"]
        assert "labels" not in cut(self.FULL, "labels.[0]", "labels.[1]", "labels.[2]")
        assert "labels" not in cut(self.FULL, "labels.[0]", "labels")

    @pytest.mark.parametrize(
        "path", ["nothing", "labels.[3]", "labels.x", "labels.[-1]", "name.[0]", "extensions.x.y", ""]
    )
    def test_a_path_to_nothing_is_refused(self, path: str) -> None:
        with pytest.raises(NotFoundError):
            cut(self.FULL, path)

    @pytest.mark.parametrize("path", ["name", "object_refs", "object_refs.*", "published"])
    def test_what_the_type_needs_stays(self, path: str) -> None:
        with pytest.raises(RefusedError) as refusal:
            cut(self.FULL, path)
        assert refusal.value.code == "redact-required"

    def test_one_of_several_must_stay(self) -> None:
        value = sco("file", name="x", hashes={"MD5": "0" * 32})
        fresh = f"file--{FRESH[:14]}5{FRESH[15:]}"
        assert "hashes" not in cut(value, "hashes", new_id=fresh)
        with pytest.raises(RefusedError):
            cut(value, "hashes.MD5", "name", new_id=fresh)

    @pytest.mark.parametrize("path", ["id", "type", "spec_version", "object_marking_refs", "granular_markings.[0]"])
    def test_identity_and_markings_stay(self, path: str) -> None:
        parts = [{"selectors": ["name"], "marking_ref": TLP_IDS[Tlp.RED]}]
        with pytest.raises(RefusedError) as refusal:
            cut({**self.FULL, "granular_markings": parts}, path)
        assert refusal.value.code == "redact-kept"

    def test_markings_follow_what_they_mark(self) -> None:
        red, green = TLP_IDS[Tlp.RED], TLP_IDS[Tlp.GREEN]
        parts = [
            {"selectors": ["description"], "marking_ref": red},
            {"selectors": ["labels.[0]", "labels.[2]", "name"], "marking_ref": green},
        ]
        found = cut({**self.FULL, "granular_markings": parts}, "description", "labels.[0]")
        assert found["granular_markings"] == [{"selectors": ["labels.[1]", "name"], "marking_ref": green}]
        assert "granular_markings" not in cut({**self.FULL, "granular_markings": parts[:1]}, "description")

    def test_untouched_parts_keep_their_bytes(self) -> None:
        data = dump(self.FULL)[:-1] + b',"x_number":1.50e3,"x_text":"\\u00e9 \\/"}'
        out = redact(data, ["description"], new_id=f"report--{FRESH}", now=NOW)
        assert b'"x_number":1.50e3' in out
        assert b'"x_text":"\\u00e9 \\/"' in out
        assert b"secret" not in out

    @pytest.mark.parametrize(
        ("new_id", "now"),
        [
            (f"report--{U}x", NOW),
            (f"tool--{FRESH}", NOW),
            (f"report--{FRESH.upper()}", NOW),
            ("report--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061", NOW),
            (f"report--{FRESH}", "2026-11-23T12:00:00Z"),
            (f"report--{FRESH}", "now"),
        ],
    )
    def test_a_bad_id_or_time_is_refused(self, new_id: str, now: str) -> None:
        with pytest.raises(InvalidError):
            cut(self.FULL, new_id=new_id, now=now)

    def test_a_number_that_cannot_be_written_again_is_refused_only_where_it_is_touched(self) -> None:
        data = dump(self.FULL)[:-1] + b',"x_number":{"a":1e999,"b":1}}'
        assert b"1e999" in redact(data, ["description"], new_id=f"report--{FRESH}", now=NOW)
        with pytest.raises(InvalidError):
            redact(data, ["x_number.b"], new_id=f"report--{FRESH}", now=NOW)

    def test_a_property_given_twice_is_refused(self) -> None:
        with pytest.raises(InvalidError, match="twice"):
            redact(dump(self.FULL)[:-1] + b',"name":"again"}', [], new_id=f"report--{FRESH}", now=NOW)

    @given(st.sampled_from(VALID), st.data())
    def test_any_path_drops_or_is_refused(self, value: Object, data: st.DataObject) -> None:
        step = st.sampled_from([*value, "*", "[0]", "[1]", "name", "selectors", "x"])
        paths = data.draw(st.lists(st.lists(step, min_size=1, max_size=4).map(".".join), max_size=3))
        fresh = FRESH if value["id"][-22] == "4" else FRESH[:14] + "5" + FRESH[15:]
        try:
            out = redact(dump(value), paths, new_id=f"{value['type']}--{fresh}", now=NOW)
        except EntenteError:
            return
        assert facts(out).id == f"{value['type']}--{fresh}"
        assert all("leads nowhere" not in why for why in problems(out))


def test_our_tlp_objects_are_those_of_first(shared_data: Any) -> None:
    theirs = {one["id"]: one for one in json.loads((shared_data / "markings/tlp2.json").read_bytes())["objects"]}
    for tlp in Tlp:
        assert json.loads(tlp_object(tlp)) == theirs[TLP_IDS[tlp]]
        assert by_content(tlp_object(tlp)) is not None


def test_a_definition_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidError):
        by_content(b"{}")
    assert by_content(dump(sdo("tool", name="t"))) is None
