"""An item names another that the circle does not hold: the name alone would tell that Harbour has it.

Harbour may send the named item along, hold this one back, or share a redacted copy under a new id. Nothing is ever cut
out of an object in silence, and no id that Harbour did not release stands in a file of Northwind's home. Public
report: opencti#17576 (markings of what is referred to did not hold when an object was streamed to others).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stories.homes import House, agree, houses, pair, settle
from stories.story import bundle, give, holds, id_of, indicator, log_sizes, marked, raw, shown, stix

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN_IDS = (
    "threat-actor--5b9e0c71-d8f2-4a36-b1c4-7e20a95f6d83",
    "report--c47a16e9-02bd-4f58-9e73-d1b86f3a5c20",
    "relationship--f10d83b6-79ac-4e25-8c91-3a64e2b7d05f",
)


class Story:
    """Two homes on disk; nothing is shared yet."""

    def __init__(self, harbour: House, northwind: House) -> None:
        self.harbour, self.northwind = harbour.node, northwind.node
        self._houses = (harbour, northwind)
        pair(self.harbour, self.northwind)
        self.circle = agree(self.harbour, self.northwind)

    def has(self, *things: dict[str, object], tlp: str = "TLP:GREEN") -> None:
        """Let Harbour hold objects that it does not share."""
        self.harbour.items.import_files([("file", bundle(*things))], tlp=tlp)

    def settle(self) -> None:
        settle(self.harbour, self.northwind)

    def leaks(self, *ids: str) -> list[tuple[str, str]]:
        """Return in which files of Northwind's home a part of these ids stands, as text or as bytes."""
        found: list[tuple[str, str]] = []
        for name, data in self._houses[1].files().items():
            for id_ in ids:
                number = id_.partition("--")[2].replace("-", "")
                sought = [id_.encode(), id_[-36:].encode(), id_[-17:].encode(), number.encode()]
                sought += [bytes.fromhex(number[:16]), bytes.fromhex(number[16:])]
                found += [(name, id_) for each in sought if each in data]
        return found


@pytest.fixture
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with houses(tmp_path_factory.mktemp("references"), "Harbour", "Northwind") as found:
        yield Story(*found)


ACTOR = stix("threat-actor", 1, id=HIDDEN_IDS[0], name="Night heron", **marked("TLP:AMBER+STRICT"))
INDICATOR = indicator(1, **marked("TLP:GREEN"))
RELATION = stix(
    "relationship",
    1,
    name=None,
    id=HIDDEN_IDS[2],
    relationship_type="indicates",
    source_ref=id_of(INDICATOR),
    target_ref=HIDDEN_IDS[0],
    **marked("TLP:GREEN"),
)
REPORT = stix(
    "report",
    1,
    id=HIDDEN_IDS[1],
    published="2026-09-01T00:00:00Z",
    report_types=["threat-report"],
    description="What we know",
    object_refs=[id_of(INDICATOR), HIDDEN_IDS[0]],
    **marked("TLP:GREEN"),
)


def test_opencti_17576_a_relationship_to_a_hidden_object_is_held_back(story: Story) -> None:
    story.has(ACTOR, INDICATOR, RELATION)
    assert story.harbour.sharing.send([id_of(INDICATOR)], story.circle).shared == 1
    refused = story.harbour.sharing.send([id_of(RELATION)], story.circle)
    assert refused.shared == 0
    assert refused.preview is not None
    (reason,) = [each for each in refused.preview.decisions[0].reasons if not each.allowed]
    assert reason.rule == "reference"
    assert id_of(ACTOR) in reason.text
    assert reason.who
    assert reason.fix
    story.settle()
    assert holds(story.northwind, id_of(INDICATOR))
    assert story.leaks(id_of(ACTOR), id_of(RELATION)) == []


def test_a_reference_is_never_cut_out_in_silence(story: Story) -> None:
    """An import that shares sends what it may; the report goes whole or not at all."""
    done = give(story.harbour, story.circle, ACTOR, INDICATOR, RELATION, REPORT)
    assert done.shared == 1
    assert done.refused == {"ceiling": 1, "reference": 2}
    story.settle()
    assert shown(story.northwind, id_of(INDICATOR)) == raw(INDICATOR)
    assert story.leaks(*HIDDEN_IDS) == []


def test_what_is_named_can_be_sent_along(story: Story) -> None:
    actor = {**ACTOR, **marked("TLP:GREEN")}
    story.has(actor, INDICATOR, REPORT)
    assert not story.harbour.sharing.preview([id_of(REPORT)], story.circle).allowed
    everything = [id_of(REPORT), id_of(INDICATOR), id_of(actor)]
    assert story.harbour.sharing.send(everything, story.circle).shared == 3
    story.settle()
    for thing in (actor, INDICATOR, REPORT):
        assert shown(story.northwind, id_of(thing)) == raw(thing)


def test_a_redacted_copy_has_a_new_id_and_its_tie_stays_home(story: Story) -> None:
    story.has(ACTOR, INDICATOR, REPORT)
    made = story.harbour.items.redact(id_of(REPORT), ["object_refs.[1]", "description"]).item
    assert made != id_of(REPORT)
    assert story.harbour.sharing.send([made, id_of(INDICATOR)], story.circle).shared == 2
    story.settle()
    view = story.northwind.items.show(made)
    assert view.object["object_refs"] == [id_of(INDICATOR)]
    assert "description" not in view.object
    assert view.marking == "TLP:GREEN"
    assert story.leaks(*HIDDEN_IDS) == []
    assert b"What we know" not in b"".join(story._houses[1].files().values())


def test_an_id_that_this_member_does_not_hold_is_nobodys_secret_and_is_told(story: Story) -> None:
    story.has(INDICATOR, RELATION)
    preview = story.harbour.sharing.preview([id_of(RELATION), id_of(INDICATOR)], story.circle)
    assert preview.allowed
    told = [reason for reason in preview.decisions[0].reasons if reason.rule == "reference"]
    assert [reason.allowed for reason in told] == [True]
    assert HIDDEN_IDS[0] in told[0].text


def test_an_object_that_the_circle_got_before_may_be_named(story: Story) -> None:
    actor = {**ACTOR, **marked("TLP:GREEN")}
    story.has(actor, INDICATOR, RELATION)
    story.harbour.sharing.send([id_of(actor), id_of(INDICATOR)], story.circle)
    assert story.harbour.sharing.send([id_of(RELATION)], story.circle).shared == 1


def test_a_chain_of_names_is_held_back_to_its_end(story: Story) -> None:
    """A note names the report, the report names the actor: the actor may not go, so none of the three does."""
    note = stix("note", 1, name=None, content="See there", object_refs=[id_of(REPORT)], **marked("TLP:GREEN"))
    done = give(story.harbour, story.circle, note, REPORT, ACTOR)
    assert done.shared == 0
    assert done.refused == {"ceiling": 1, "reference": 2}
    size = log_sizes(story.harbour, story.circle)["Harbour"]
    story.settle()
    assert log_sizes(story.northwind, story.circle)["Harbour"] == size
    assert story.leaks(*HIDDEN_IDS) == []
