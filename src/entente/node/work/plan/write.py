"""What a member adds to a plan: `writing_plan` gives a `PlanWriter` inside one write transaction."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from entente.kinds.plan import KIND as PLAN
from entente.kinds.step import KIND as STEP
from entente.node.work.acts import writing_about
from entente.node.work.plan.plan import OUTPUT, Plan

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from entente.core.kind import Act
    from entente.node.home.base import Base
    from entente.node.work.acts import Writer
    from entente.policy.run import Ready


class PlanWriter(Plan):
    """A plan to which this member adds acts with `writer`, in the plan's room."""

    def __init__(self, writer: Writer, act: Act) -> None:
        """Bind the act that proposed the plan to a writer."""
        super().__init__(writer, act)
        self.writer = writer

    def report(
        self, ready: Ready, state: str, *, result: str = "", outputs: Iterable[str] = (),
        after: Iterable[str] | None = None,
    ) -> Act:  # fmt: skip
        """Append what became of one visit of a step, after what made it ready unless `after` names other acts.

        RefusedError if it does not count.
        """
        body: dict[str, object] = {
            "plan": self.ref,
            "step": ready.step,
            "visit": ready.visit,
            "state": state,
            "result": result,
            "because": list(ready.because),
            "force": self.force(),
            "outputs": list(outputs),
        }
        return self.writer.act(STEP.name, body, ready.because[-3:] if after is None else after)

    def put_outputs(self, text: str, variables: Mapping[str, str]) -> list[str]:
        """Append what a step reports, in words and in values, and return the references; none for what is empty."""
        refs = [self.writer.put(text)] if text else []
        if variables:
            refs.append(self.writer.put(msgspec.json.encode({"variables": dict(variables)}), OUTPUT))
        return refs


@contextmanager
def writing_plan(base: Base, ref: str, person: str = "") -> Generator[PlanWriter]:
    """Give the plan that the act with this reference proposed, to add to it; everything is kept, or nothing.

    NotFoundError if there is no such plan, ConflictError when its revision of the agreement has ended.
    """
    with writing_about(base, PLAN.name, ref, "plan", person) as (writer, act):
        yield PlanWriter(writer, act)
