"""Warnings: published whole or not at all, assessed on record, counted by original, exported as strict STIX."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest
from stix2validator import ValidationOptions, validate_string

from entente.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from entente.core.ids import identity_id
from entente.formats.stix import write as stix_write
from entente.formats.stix.joint.extension import EXTENSION, problem
from entente.formats.stix.joint.warning import Source, WarningText
from entente.formats.stix.strict import verdict as stix_strict
from network import Network
from stories.story import give, id_of, indicator, reasons, refused_rules

if TYPE_CHECKING:
    from entente.node.work.warning.values import WarningInfo

DAY = 86_400_000
PRESS = Source("Coast Courier", "https://courier.example/quay?utm_source=x", "B2", "Harbour Authority")
AGAIN = Source("Evening Post", "https://post.example/1", "C3", "harbour  authority")
SENSOR = Source("Own sensor", "", "A1")
TEXT = WarningText(
    title="Outage of the port systems is threatened",
    text="A group announces that it will stop the cranes.\nIt names a day.",
    likelihood="very likely",
    confidence="moderate",
    sources=(PRESS, AGAIN),
    places=("NO", "Baltic Quay, DE", "northern europe", "the old quay"),
    actors=("Crane Bandits",),
    narratives=("T0017",),
)


class Ring:
    """Three members in one circle; the first has warned."""

    def __init__(self, text: WarningText = TEXT, **more: object) -> None:
        self.network = Network(31)
        self.a, self.b, self.c = (self.network.add(name) for name in ("Harbour", "Northwind", "Summit"))
        self.circle = self.network.agree(self.a, self.b, self.c)
        until = self.network.now + 3 * DAY
        made = self.a.warnings.publish(self.circle, text, until=until, tlp="TLP:GREEN", **more)
        assert made.preview is None
        self.id, self.item, self.until = made.id, made.item, until
        self.network.settle()

    def view(self, node: object) -> WarningInfo:
        """Return the warning as a member sees it."""
        return node.warnings.show(self.id)  # type: ignore[attr-defined, no-any-return]


def masked(info: WarningInfo) -> bytes:
    """Return a view without what is local: names of persons, and what depends on now."""
    plain = msgspec.to_builtins(info)
    for each in (plain, *plain["assessments"]):
        each["person"] = ""
    return json.dumps(plain | {"expired": False, "state": ""}, sort_keys=True).encode()


def strict(objects: list[bytes]) -> list[str]:
    """Return what both strict checks say against a bundle of objects."""
    bundle = b"".join(stix_write.bundle(objects, rng_uuid="00000000-0000-4000-8000-000000000001"))
    result = validate_string(bundle.decode(), ValidationOptions(version="2.1", strict=True, silent=True))
    return [str(each) for each in result.errors] + [each for data in objects for each in stix_strict.problems(data)]


def test_every_member_sees_the_same_warning() -> None:
    ring = Ring()
    shown = ring.view(ring.b)
    assert (shown.title, shown.text, shown.likelihood, shown.range, shown.confidence) == (
        *(TEXT.title, TEXT.text, "very likely", (80, 95), "moderate"),
    )
    assert (shown.sources, shown.places, shown.actors, shown.narratives) == (
        *(TEXT.sources, TEXT.places, TEXT.actors, TEXT.narratives),
    )
    assert (shown.state, shown.text_state, shown.marking, shown.item) == ("active", "held", "TLP:GREEN", ring.item)
    assert (shown.from_, shown.name, shown.independent) == (ring.a.member, "Harbour", 1)
    assert not shown.differs
    assert masked(shown) == masked(ring.view(ring.a)) == masked(ring.view(ring.c))


def test_what_a_warning_names_travels_along() -> None:
    ring = Ring()
    held = {info.type: info for info in ring.b.items.list(limit=50).items}
    assert set(held) == {"identity", "report", "location", "threat-actor"}
    assert held["identity"].id == identity_id(ring.a.base.me)
    assert sum(info.type == "location" for info in ring.b.items.list(limit=50).items) == 3
    second = ring.a.warnings.publish(ring.circle, TEXT, tlp="TLP:GREEN")
    assert second.preview is None
    assert sum(info.type == "identity" for info in ring.a.items.list(limit=50).items) == 1


def test_a_warning_without_source_and_basis_is_refused_and_leaves_nothing() -> None:
    ring = Ring()
    before = ring.a.items.list(limit=100).items
    bare = msgspec.structs.replace(TEXT, sources=())
    made = ring.a.warnings.publish(ring.circle, bare)
    assert made.preview is not None
    assert refused_rules(made.preview.decisions) == {"no-source"}
    assert (made.id, made.item) == ("", "")
    assert ring.a.items.list(limit=100).items == before
    assert len(ring.a.warnings.list()) == 1
    based = msgspec.structs.replace(bare, basis="What our own people saw at the quay.")
    assert ring.a.warnings.publish(ring.circle, based).preview is None


def test_a_marking_above_the_ceiling_keeps_the_whole_warning_back() -> None:
    ring = Ring()
    made = ring.a.warnings.publish(ring.circle, TEXT, tlp="TLP:AMBER+STRICT")
    assert made.preview is not None
    assert refused_rules(made.preview.decisions) >= {"ceiling"}
    ring.network.settle()
    assert len(ring.b.warnings.list()) == 1


def test_a_partner_refuses_a_warning_without_source_that_slipped_through() -> None:
    ring = Ring()
    record = {"extension_type": "property-extension", "record": "warning", "sources": [{"name": " "}]}
    bare = indicator(7, extensions={EXTENSION: record})
    assert problem(json.dumps(bare).encode()) == "no-source"
    from stories.story import forge

    forge(ring.a, ring.circle, bare)
    ring.network.settle()
    assert "no-source" in reasons(ring.b, ring.circle)
    assert give(ring.b, ring.circle, bare).refused == {"no-source": 1}


def test_assessments_stay_and_the_newest_of_each_member_counts() -> None:
    ring = Ring()
    ring.b.warnings.assess(ring.id, "We see it too.", agree=True, sources=[SENSOR])
    ring.network.settle()
    ring.c.warnings.assess(ring.id, "It is bluster.", agree=False, sources=[Source("A bar", "", "E5")])
    ring.network.settle()
    shown = ring.view(ring.a)
    said = {each.name: (each.verdict, each.text, each.counts) for each in shown.assessments}
    assert said == {
        "Northwind": ("agree", "We see it too.", True),
        "Summit": ("disagree", "It is bluster.", True),
    }
    assert shown.independent == 2
    ring.b.warnings.assess(ring.id, "We were wrong.", agree=False)
    ring.network.settle()
    shown = ring.view(ring.c)
    assert [(each.name, each.verdict, each.counts) for each in shown.assessments] == [
        ("Northwind", "agree", False),
        ("Summit", "disagree", True),
        ("Northwind", "disagree", True),
    ]
    assert shown.independent == 1
    assert masked(shown) == masked(ring.view(ring.a)) == masked(ring.view(ring.b))


def test_dissent_cannot_be_deleted_only_its_words_can() -> None:
    ring = Ring()
    made = ring.b.warnings.assess(ring.id, "It is bluster.", agree=False)
    ring.network.settle()
    ring.b.recalls.withdraw(made.item)
    ring.network.settle()
    for node in (ring.a, ring.b, ring.c):
        (said,) = ring.view(node).assessments
        assert (said.id, said.verdict, said.text, said.text_state, said.item) == (
            *(made.id, "disagree", "", "erased", ""),
        )
        assert said.counts
        assert node.ledger.verify().ok


def test_what_is_withdrawn_can_neither_be_assessed_nor_exported() -> None:
    ring = Ring()
    ring.a.recalls.withdraw(ring.item)
    ring.network.settle()
    shown = ring.view(ring.b)
    assert (shown.title, shown.text_state, shown.likelihood, shown.range) == ("", "erased", "very likely", (80, 95))
    with pytest.raises(ConflictError, match="erased"):
        ring.b.warnings.assess(ring.id, "We see it too.", agree=True)
    with pytest.raises(ConflictError, match="erased"):
        ring.a.warnings.export(ring.id)


def test_nobody_assesses_a_warning_of_its_own() -> None:
    ring = Ring()
    with pytest.raises(RefusedError) as refusal:
        ring.a.warnings.assess(ring.id, "We agree with us.", agree=True)
    assert refusal.value.code == "own"
    with pytest.raises(InvalidError):
        ring.b.warnings.assess(ring.id, "  ", agree=True)


def test_an_opinion_that_may_not_go_leaves_nothing() -> None:
    ring = Ring()
    made = ring.b.warnings.assess(ring.id, "We see it too.", agree=True, tlp="TLP:RED")
    assert made.preview is not None
    assert refused_rules(made.preview.decisions) >= {"red"}
    assert ring.view(ring.b).assessments == []
    assert not [info for info in ring.b.items.list(limit=100).items if info.type == "opinion"]


def test_a_warning_expires_and_is_superseded() -> None:
    ring = Ring()
    ring.network.now += 4 * DAY
    shown = ring.view(ring.b)
    assert (shown.state, shown.expired) == ("expired", True)
    newer = ring.a.warnings.publish(ring.circle, TEXT, replaces=ring.id)
    ring.network.settle()
    shown = ring.view(ring.b)
    assert (shown.state, shown.superseded_by) == ("superseded", newer.id)
    assert ring.b.warnings.show(newer.id).replaces == ring.id
    with pytest.raises(RefusedError) as refusal:
        ring.b.warnings.publish(ring.circle, TEXT, replaces=newer.id)
    assert refusal.value.code == "owner"
    assert len(ring.b.warnings.list(ring.circle)) == 2


def test_warnings_need_an_agreement_that_admits_them() -> None:
    network = Network(5)
    a, b = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(a, b, kinds=["item/1"])
    with pytest.raises(RefusedError) as refusal:
        a.warnings.publish(circle, TEXT)
    assert refusal.value.code == "kind"
    assert a.items.list().items == []
    with pytest.raises(NotFoundError):
        a.warnings.show("nothing")


def test_under_four_eyes_one_drafts_and_another_publishes() -> None:
    network = Network(6)
    a, b = network.add("Harbour"), network.add("Northwind")
    circle = network.agree(a, b, four_eyes=True)
    a.people.add("Mara", ["releaser"])
    alone = a.warnings.publish(circle, TEXT)
    assert alone.preview is not None
    assert refused_rules(alone.preview.decisions) == {"four-eyes", "reference"}  # what it names is kept back too
    report = a.warnings.draft(TEXT, until=network.now + DAY, tlp="TLP:GREEN").item
    assert a.warnings.publish_draft(circle, report).preview is not None
    made = a.warnings.publish_draft(circle, report, person="Mara")
    assert (made.preview, made.item) == (None, report)
    network.settle()
    shown = b.warnings.show(made.id)
    assert (shown.title, shown.differs, shown.valid_until) == (TEXT.title, False, a.warnings.show(made.id).valid_until)
    assert shown.valid_until
    back = a.warnings.draft(TEXT, tlp="TLP:GREEN", person="Mara").item
    assert a.warnings.publish_draft(circle, back).preview is None


def test_only_a_warning_of_ours_is_a_draft() -> None:
    ring = Ring()
    give(ring.a, "", indicator(3))
    with pytest.raises(InvalidError):
        ring.a.warnings.publish_draft(ring.circle, id_of(indicator(3)))
    with pytest.raises(NotFoundError):
        ring.b.warnings.publish_draft(ring.circle, ring.item)


def test_a_draft_takes_along_only_what_its_report_is_about() -> None:
    ring = Ring()
    other = indicator(9)
    give(ring.a, "", other)
    text = msgspec.structs.replace(TEXT, text=f"See {id_of(other)}.")
    report = ring.a.warnings.draft(text, tlp="TLP:GREEN").item
    made = ring.a.warnings.publish_draft(ring.circle, report)
    assert made.preview is not None
    assert refused_rules(made.preview.decisions) >= {"reference"}


def test_an_act_that_says_another_judgement_than_its_report_is_shown() -> None:
    ring = Ring()
    from entente.core import canon
    from entente.ledger.log import Draft
    from entente.node.work.acts import Reader

    base = ring.a.base
    with base.store.write() as tx:
        act = Reader(base, tx).find("warning/1", ring.id, "warning")
        body = canon.encode({**act.body, "likelihood": "unlikely", "after": []})
        base.append(tx, base.find_circle(base.in_force(tx), ring.circle), [Draft("warning/1", base.clock(), b"", body)])
    base.guard.mark()
    ring.network.settle()
    first, second = ring.b.warnings.list()
    assert (first.differs, second.differs, second.likelihood) == (False, True, "unlikely")


def test_the_whole_export_is_strictly_valid_stix() -> None:
    ring = Ring()
    ring.b.warnings.assess(ring.id, "We see it too.", agree=True, sources=[SENSOR])
    ring.network.settle()
    for node in (ring.a, ring.b, ring.c):
        objects = list(node.warnings.export(ring.id))
        assert strict(objects) == []
        types = [json.loads(data)["type"] for data in objects]
        assert {"report", "opinion", "location", "threat-actor", "marking-definition"} <= set(types)
        assert types.count("extension-definition") == 1
        assert types.count("identity") == 3  # both members and who defined the extension
        ids = [json.loads(data)["id"] for data in objects]
        assert len(set(ids)) == len(ids)


def test_the_order_of_the_list_is_that_of_the_claimed_times() -> None:
    ring = Ring()
    ring.b.warnings.publish(ring.circle, TEXT)
    ring.a.warnings.publish(ring.circle, TEXT)
    ring.network.settle()
    for node in (ring.a, ring.b, ring.c):
        times = [each.time for each in node.warnings.list()]
        assert len(times) == 3
        assert all(one <= other for one, other in pairwise(times))
