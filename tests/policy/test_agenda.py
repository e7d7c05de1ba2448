"""The agenda: one order for the same things, and a reason for each place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from entente.policy.agenda import DECISION, HOUR, PLAN, POINT, REQUEST, WARNING, AgendaItem, arrange

NOW, DAY = 10 * 24 * HOUR, 24 * HOUR


def order(*items: AgendaItem) -> list[str]:
    return [point.id for point in arrange(items, NOW, DAY, str)]


def test_what_is_late_comes_first_and_own_points_last() -> None:
    items = [
        AgendaItem(POINT, "point", "", 1, 0),
        AgendaItem(DECISION, "decision", "", 3, 0),
        AgendaItem(PLAN, "plan", "", 3, 0, "stopped"),
        AgendaItem(WARNING, "warning", "", 3, 0, "Northwind"),
        AgendaItem(REQUEST, "open", "", 1, NOW),
        AgendaItem(REQUEST, "overdue", "", 5, NOW - 1),
        AgendaItem(REQUEST, "at-the-edge", "", 5, NOW - DAY),
        AgendaItem(REQUEST, "escalated", "", 5, NOW - DAY - 1),
    ]
    assert order(*items) == ["escalated", "at-the-edge", "overdue", "open", "warning", "plan", "decision", "point"]


def test_among_equals_priority_then_date_then_id_decide() -> None:
    items = [
        AgendaItem(REQUEST, "no-date", "", 2, 0),
        AgendaItem(REQUEST, "b", "", 2, NOW + 1),
        AgendaItem(REQUEST, "a", "", 2, NOW + 1),
        AgendaItem(REQUEST, "urgent", "", 1, NOW + 9),
    ]
    assert order(*items) == ["urgent", "a", "b", "no-date"]


def test_each_point_says_why_it_stands_there() -> None:
    made = arrange(
        [AgendaItem(REQUEST, "r", "Who?", 2, NOW - DAY * 2), AgendaItem(WARNING, "w", "Storm", 3, 0, "Summit")],
        NOW,
        DAY,
        str,
    )
    assert [point.reason for point in made] == [
        f"1. requests that the agreement escalates: overdue since {NOW - DAY * 2}",
        "4. warnings that somebody has not assessed: Summit",
    ]
    assert (made[0].due, made[1].due) == (str(NOW - DAY * 2), "")


ITEMS = st.builds(
    AgendaItem,
    st.sampled_from([REQUEST, WARNING, PLAN, DECISION, POINT]),
    st.text("abc", min_size=1, max_size=3),
    st.just(""),
    st.integers(1, 5),
    st.sampled_from([0, 1, NOW - 1, NOW, NOW + 1]),
)


@given(st.lists(ITEMS, unique_by=lambda item: (item.kind, item.id), max_size=12), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_who_asks(items: list[AgendaItem], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert arrange(items, NOW, DAY, str) == arrange(shuffled, NOW, DAY, str)
