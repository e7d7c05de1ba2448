"""What is answered about warnings; members, persons, circles and acts are ids in base32, items STIX ids.

Times are RFC 3339 in UTC ("" for none).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from entente.formats.stix.joint.warning import Source
from entente.node.items.values import Preview


class Published(Struct, frozen=True, omit_defaults=True):
    """A warning that was published: its id (`warning` in JSON), and the STIX id of its report.

    With `preview` set nothing was written, and it says why.
    """

    id: str = field(name="warning")
    item: str
    preview: Preview | None = None


class Assessed(Struct, frozen=True, omit_defaults=True):
    """An assessment that was given: its id (`assessment` in JSON), the STIX id of the opinion, "agree" or "disagree".

    With `preview` set nothing was written, and it says why.
    """

    id: str = field(name="assessment")
    item: str
    verdict: str
    preview: Preview | None = None


class WarningDrafted(Struct, frozen=True):
    """A warning that is kept at home: the STIX id of its report."""

    item: str


class WarningWritten(Struct, frozen=True):
    """A STIX bundle of a warning that was written: the file's name, its size in bytes, how many objects are in it."""

    out: str
    bytes: int
    objects: int


class AssessmentInfo(Struct, frozen=True, kw_only=True):
    """What one member said of a warning: "agree" or "disagree", why, and on which sources.

    `counts` marks the newest of each member. `text_state` says whether the words are here: held, awaited, erased or
    missing. `item` is the STIX id of the opinion.
    """

    id: str
    member: str
    name: str
    person: str
    verdict: str
    text: str
    text_state: str
    sources: Sequence[Source]
    item: str
    time: str
    counts: bool


class WarningInfo(Struct, frozen=True, kw_only=True):
    """A warning as it stands: `state` is active, superseded or expired.

    `from` is the member that warns, with its `name`. `item` is the STIX id of the report, `marking` such as TLP:GREEN.
    `range` is the likelihood's in percent. `independent` counts the originals behind the sources of the warning and of
    the assessments that agree and count. `differs`: the item says another judgement than the act, which counts.
    `replaces` and `superseded_by` are ids of warnings, `ended` says that its room has ended.
    """

    id: str
    circle: str
    from_: str = field(name="from")
    name: str
    person: str
    time: str
    title: str
    text: str
    text_state: str
    item: str
    marking: str
    likelihood: str
    range: tuple[int, int]
    confidence: str
    sources: Sequence[Source]
    independent: int
    basis: str
    places: Sequence[str]
    actors: Sequence[str]
    narratives: Sequence[str]
    valid_until: str
    state: str
    expired: bool
    replaces: str
    superseded_by: str
    differs: bool
    assessments: Sequence[AssessmentInfo]
    ended: bool
