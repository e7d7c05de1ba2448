"""What the warnings room answers with; ids of members and acts are base32 texts, times RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from entente.formats.stix.joint.warning import Source
from entente.node.items.values import Preview


class Published(Struct, frozen=True):
    """The ids of a new act and of its item; with `preview` set nothing was written, and it says why."""

    id: str
    item: str
    preview: Preview | None = None


class AssessmentInfo(Struct, frozen=True, kw_only=True):
    """What one member said of a warning; `counts` marks the newest of each member.

    `text_state`: held, awaited, erased, missing.
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

    `range` is the likelihood's in percent. `independent` counts the originals behind the sources of the warning and of
    the assessments that agree and count. `differs`: the item says another judgement than the act, which counts.
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
