"""A mapping in two layers is a dictionary whose copies go their own way."""

from __future__ import annotations

from copy import copy

from hypothesis import given
from hypothesis import strategies as st

from entente.core.layers import Layers

STEPS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 400), st.integers()), max_size=300)


@given(STEPS)
def test_copies_are_dictionaries_that_go_their_own_way(steps: list[tuple[int, int, int]]) -> None:
    made: list[Layers[int, int]] = [Layers()]
    models: list[dict[int, int]] = [{}]
    for which, key, value in steps:
        at = which % len(made)
        if which == 7:
            made.append(copy(made[at]))
            models.append(dict(models[at]))
        else:
            made[at][key] = models[at][key] = value
    for one, model in zip(made, models, strict=True):
        assert one == model
        assert len(one) == len(model)
        assert sorted(one.items()) == sorted(model.items())
        assert [one.get(key, -1) for key in range(400)] == [model.get(key, -1) for key in range(400)]
        assert [key in one for key in range(400)] == [key in model for key in range(400)]


def test_copy_shares_what_is_old_and_takes_little_with_it() -> None:
    grown: Layers[int, int] = Layers()
    for key in range(10_000):
        grown[key] = key
        if key % 50 == 0:
            grown = copy(grown)
    old, new = grown.layers()
    assert len(new) <= 150
    assert copy(grown).layers()[0] is old
