"""Known answers and properties of labels in force and of promises against what was measured."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.buildings.methods import promised
from scicity.domains.buildings.methods.holding import Label, held_at

labels = st.lists(
    st.builds(
        Label,
        key=st.uuids().map(str),
        scheme=st.sampled_from(["stars", "other"]),
        holder=st.sampled_from(["a", "b", "c"]),
        rank=st.integers(0, 3),
        stage=st.sampled_from(["design", "operation"]),
        first=st.integers(0, 50),
        until=st.none() | st.integers(51, 100),
    ),
    max_size=12,
)


def test_of_two_awarded_on_one_day_operation_counts_then_the_higher_rank() -> None:
    one = Label("1", "stars", "a", 3, "design", 10, None)
    two = Label("2", "stars", "a", 2, "operation", 10, 20)
    three = Label("3", "stars", "a", 1, "operation", 10, 20)
    assert held_at([one, two, three], 10) == [two]
    assert held_at([one, two, three], 19) == [two]
    assert held_at([one, two, three], 20) == [one]  # the first day on which the others hold no longer
    assert held_at([one, two, three], 9) == []


@given(labels, st.integers(0, 100), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_holder_counts_once_in_a_scheme_whatever_the_order(rows: list[Label], day: int, chance: random.Random) -> None:
    found = held_at(rows, day)
    assert len({(label.scheme, label.holder) for label in found}) == len(found)
    assert all(label.first <= day and (label.until is None or day < label.until) for label in found)
    mixed = list(rows)
    chance.shuffle(mixed)
    assert held_at(mixed, day) == found
    standing = {(one.scheme, one.holder) for one in rows if one.first <= day and (one.until is None or day < one.until)}
    assert {(label.scheme, label.holder) for label in found} == standing


@pytest.mark.parametrize(
    ("measured", "coverage", "direction", "expected"),
    [
        (100.0, 1.0, "lower", (0.0, 0.0, "kept")),
        (105.0, 1.0, "lower", (5.0, 5.0, "tolerated")),  # exactly the tolerance
        (105.01, 1.0, "lower", (5.010000000000005, 5.010000000000005, "missed")),
        (95.0, 1.0, "higher", (-5.0, -5.0, "tolerated")),
        (94.0, 0.95, "higher", (-6.0, -6.0, "missed")),  # exactly the least coverage
        (94.0, 0.9499, "higher", (None, None, "incomplete")),
        (94.0, None, "higher", (None, None, "incomplete")),
        (None, 0.99, "lower", (None, None, "incomplete")),
        (None, None, "lower", (None, None, "not_measured")),
    ],
)
def test_a_year_against_its_promise(
    measured: float | None, coverage: float | None, direction: str, expected: tuple[float | None, float | None, str]
) -> None:
    told = promised.judged(100.0, measured, coverage, direction, 5.0, 0.95)
    assert (told.gap, told.share, told.verdict) == expected


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 100), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_better_is_never_worse_and_the_unit_is_irrelevant(value: float, seen: float, tolerance: float, power: int) -> None:
    order = {"kept": 0, "tolerated": 1, "missed": 2}

    def rank(of: float, measured: float, direction: str) -> int:
        return order[promised.judged(of, measured, 1.0, direction, tolerance, 0.95).verdict]

    assert rank(value, seen / 2, "lower") <= rank(value, seen, "lower")
    assert rank(value, seen * 2, "higher") <= rank(value, seen, "higher")
    assert rank(value, value, "lower") == rank(value, value, "higher") == 0
    scale = 2.0**power  # exact, so that nothing is rounded
    assert rank(value * scale, seen * scale, "lower") == rank(value, seen, "lower")


def test_what_cannot_be_is_refused() -> None:
    for value, direction, tolerance in ((-1.0, "lower", 5.0), (1.0, "within", 5.0), (1.0, "lower", -5.0)):
        with pytest.raises(ValueError, match="promised"):
            promised.judged(value, 1.0, 1.0, direction, tolerance, 0.95)
    for days in (0, 366):
        with pytest.raises(ValueError, match="days"):
            promised.to_date(1.0, days, 365)


def test_the_promise_that_holds_is_the_last_one_from_before_the_year() -> None:
    assert promised.holding([10, 30, 20], 20) == 20
    assert promised.holding([10, 30, 20], 9) is None
    assert promised.holding([], 9) is None
    assert promised.covered([(1.0, 31), (0.0, 28)]) == pytest.approx(31 / 59)
    assert promised.covered([]) == 0.0
