"""What still fits into a day, and when more does."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from entente.policy.agreement import Limits
from entente.policy.limits import DAY, Use, fitting, opens, used

LIMITS = Limits(payload=100, entries_day=10, bytes_day=1000)


def test_entries_fit_up_to_the_limit():
    assert fitting(LIMITS, Use(7, 0), [0] * 5) == 3
    assert fitting(LIMITS, Use(10, 0), [0]) == 0


def test_bytes_fit_up_to_the_limit():
    assert fitting(LIMITS, Use(1, 900), [50, 50, 1]) == 2
    assert fitting(LIMITS, Use(1, 901), [100]) == 0


def test_one_payload_larger_than_a_day_is_taken_on_an_empty_day_so_that_it_blocks_nothing_for_ever():
    assert fitting(LIMITS, Use(), [5000, 1]) == 1
    assert fitting(LIMITS, Use(1, 0), [5000]) == 0


def test_an_hour_counts_for_a_day_and_then_no_more():
    hours = {100: Use(10, 5)}
    assert [used(hours, now).entries for now in (99, 100, 100 + DAY, 101 + DAY)] == [0, 10, 10, 0]


def test_it_opens_when_enough_has_left_the_window():
    hours = {100: Use(4, 0), 110: Use(6, 0)}
    assert opens(LIMITS, hours, 111, 0) == 100 + DAY + 1
    assert opens(LIMITS, {110: Use(9, 0)}, 111, 0) == 111
    assert opens(LIMITS, {100: Use(4, 0), 110: Use(6, 990)}, 111, 20) == 110 + DAY + 1


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 400), max_size=20)), max_size=60))
def test_no_day_ever_holds_more_than_the_limit(story: list[tuple[int, list[int]]]):
    """Whatever comes whenever, any 24 hours in a row hold at most the limit, but for one payload on an empty day."""
    hours, now, log = dict[int, Use](), 0, list[tuple[int, int]]()
    for wait, sizes in story:
        now += wait
        for size in sizes[: fitting(LIMITS, used(hours, now), sizes)]:
            hours[now] = hours.get(now, Use()).with_(1, size)
            log.append((now, size))
    for start in range(now + 1):
        window = [size for at, size in log if start <= at < start + DAY]
        assert len(window) <= LIMITS.entries_day
        assert sum(window) <= LIMITS.bytes_day
