"""Warnings and what members think of them (docs/protocol/11-joint-work.md, "Warnings").

The words are items (STIX `report`, `opinion`); the acts carry what cannot be erased: likelihood, confidence, verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entente.core.grading import CONFIDENCE, LIKELIHOOD
from entente.core.ids import b32
from entente.core.kind import ALLOW, deny
from entente.core.recorded import Recorded, check_number, check_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entente.core.kind import Act, Context, Judgement

NAME = "warning/1"
AGREE, DISAGREE = "agree", "disagree"
_LAST = 2**53 - 1


def _values(body: Mapping[str, object]) -> None:
    check_word(body, "likelihood", tuple(LIKELIHOOD))
    check_word(body, "confidence", tuple(CONFIDENCE))
    check_number(body, "until", 0, _LAST)


def _rule(state: Mapping[str, Act], act: Act, context: Context) -> Judgement:
    del state
    before = context.act(str(act.body["replaces"])) if act.body["replaces"] else None
    if before is not None and before.author != act.author:
        return deny("owner")
    return ALLOW if _is_own(act) else deny("item")


def _verdict(body: Mapping[str, object]) -> None:
    check_word(body, "verdict", (AGREE, DISAGREE))


def _assessed(state: Mapping[str, Act], act: Act, context: Context) -> Judgement:
    del state
    warning = context.act(str(act.body["of"]))
    if warning is None or warning.author == act.author:
        return deny("own")
    return ALLOW if _is_own(act) else deny("item")


def _is_own(act: Act) -> bool:
    """Say whether the item that an act names stands before it in the same log, if it names one."""
    if not act.body["item"]:
        return True
    log, index, _ = str(act.body["item"]).split("/")
    return log == b32(act.place.log) and int(index) < act.place.index


KIND = Recorded(
    NAME,
    {"item": str, "likelihood": str, "confidence": str, "until": int, "replaces": str},
    about={"replaces": (NAME,)},
    content=("item",),
    optional=("replaces",),
    values=_values,
    rule=_rule,
)
"""Entries of kind `warning/1`: `item` is the report, `replaces` an earlier warning of the same author."""

ASSESSMENT = Recorded(
    "assessment/1",
    {"of": str, "verdict": str, "item": str},
    about={"of": (NAME,)},
    content=("item",),
    optional=("item",),
    values=_verdict,
    family=NAME,
    rule=_assessed,
)
"""Entries of kind `assessment/1`: `item` is the opinion; of each member the newest counts."""
