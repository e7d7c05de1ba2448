"""Nothing that an object points to stays unseen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entente.core.marking import Pap, Tlp
from entente.formats.stix import facts, pointers
from entente.formats.stix.markings import PAP_IDS, TLP1_IDS, TLP_IDS
from formats.test_stix_facts import U, V, make, raw


@pytest.mark.parametrize(
    "more",
    [
        {"x_ref": f"malware--{V}"},
        {"x_refs": [[f"malware--{V}"]]},
        {f"malware--{V}": 1},
        {"description": f"see malware--{V}."},
        {"description": f"first\nmalware--{V}"},
        {"description": f"first\tmalware--{V}"},
        {"description": f'"malware--{V}"'},
        {"description": f"\\malware--{V}"},
        {"description": f"https://x.example/malware--{V}?x"},
        {"description": f"\u00e9malware--{V}"},
        {"x_ref": f"malware--{V.upper()}"},
        {"x_ref": f"MALWARE--{V}"},
        {"extensions": {"x": {f"a malware--{V}": None}}},
        {"description": "--" * 500 + f" malware--{V}"},
    ],
)
def test_an_id_counts_wherever_it_stands(more: dict[str, Any]) -> None:
    assert facts(make(**more)).refs == (f"malware--{V}",)
    assert facts(json.dumps(json.loads(make(**more)), ensure_ascii=False).encode()).refs == (f"malware--{V}",)


@pytest.mark.parametrize("place", range(len(f"malware--{V}")))
def test_an_escape_hides_nothing(place: int) -> None:
    id_ = f"malware--{V}"
    spelled = f"{id_[:place]}\\u{ord(id_[place]):04X}{id_[place + 1 :]}"
    assert id_ in facts(raw(f'"x_ref":"{spelled}"')).refs
    assert id_ in facts(raw(f'"x":"text\\n{spelled}"')).refs
    assert id_ in facts(raw(f'"{spelled}":1')).refs


def test_own_id_and_tlp_and_pap_are_left_out_and_the_order_stays() -> None:
    marks = [TLP_IDS[Tlp.AMBER], TLP1_IDS[Tlp.RED], PAP_IDS[Pap.GREEN][0], f"marking-definition--{V}"]
    data = make(x_self=f"indicator--{U.upper()}", b=f"tool--{V}", a=f"malware--{V}", object_marking_refs=marks)
    assert facts(data).refs == (f"tool--{V}", f"malware--{V}", f"marking-definition--{V}")


def test_an_owner_in_upper_case_is_the_same_owner() -> None:
    found = facts(make(created_by_ref=f"identity--{V.upper()}"))
    assert (found.created_by_ref, found.refs) == (f"identity--{V}", (f"identity--{V}",))


def test_an_id_in_upper_case_has_one_spelling() -> None:
    found = facts(make(id=f"indicator--{U.upper()}"))
    assert (found.id, found.refs, found.warnings) == (f"indicator--{U}", (), ("upper-case-id",))


@given(st.text(st.sampled_from('-\\"a1\n é/'), max_size=60), st.text(st.sampled_from("- \n.é/"), max_size=5))
def test_an_id_after_any_text_is_found(before: str, after: str) -> None:
    text = f"{before} malware--{V}{after}"
    for ascii_ in (True, False):
        value = json.loads(make()) | {"description": text}
        assert f"malware--{V}" in facts(json.dumps(value, ensure_ascii=ascii_).encode()).refs


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"created_by_ref": f"identity--{V}"},
        {"created_by_ref": f"identity--{V}", "description": f"see malware--{V} -- or not"},
        {"object_marking_refs": [PAP_IDS[Pap.AMBER][0]], "x": "a -- b"},
        {"description": "two -- dashes"},
    ],
)
def test_pointers_of_a_read_object_are_those_of_its_facts(more: dict[str, object]) -> None:
    data = make(**more)
    found = facts(data)
    assert pointers(data, found.id, found.created_by_ref) == (found.refs, found.pap)
