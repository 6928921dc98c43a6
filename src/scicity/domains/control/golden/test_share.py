"""Allocation: shares add up to the budget to the last digit, by whatever rule."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.control.methods import share

weights = st.lists(st.one_of(st.none(), st.fractions(0, 10**9)), min_size=1, max_size=40).filter(
    lambda each: any(weight for weight in each if weight)
)


def test_what_is_left_over_goes_to_the_largest_fractions() -> None:
    assert share.shared(Decimal(10), [Fraction(1), Fraction(1), Fraction(1)]) == [4, 3, 3]
    assert share.shared(Decimal("1.0"), [Fraction(1), Fraction(5)], 1) == [Decimal("0.2"), Decimal("0.8")]
    assert share.shared(Decimal(7), [Fraction(2), None, Fraction(5)]) == [2, None, 5]
    assert share.shared(Decimal(0), [Fraction(1)]) == [0]


@settings(max_examples=300, deadline=None)
@given(units=st.integers(0, 10**14), places=st.integers(0, 6), given_weights=weights)
def test_shares_add_up_to_the_budget(units: int, places: int, given_weights: list[Fraction | None]) -> None:
    budget = units * Decimal(1).scaleb(-places)
    shares = share.shared(budget, given_weights, places)
    known = [each for each in shares if each is not None]
    assert sum(known, Decimal(0)) == budget
    assert [each is None for each in shares] == [weight is None for weight in given_weights]
    total = sum(weight for weight in given_weights if weight)
    for weight, each in zip(given_weights, shares, strict=True):
        if weight is not None and each is not None:
            assert each >= 0 and abs(Fraction(each) - Fraction(budget) * weight / total) < Fraction(1, 10**places)


@pytest.mark.parametrize(
    ("budget", "given_weights", "places"),
    [
        (Decimal(-1), [Fraction(1)], 0),
        (Decimal("1.5"), [Fraction(1)], 0),
        (Decimal(1), [Fraction(0)], 0),
        (Decimal(1), [None], 0),
        (Decimal(1), [Fraction(-1), Fraction(2)], 0),
    ],
)
def test_what_cannot_be_shared_is_refused(budget: Decimal, given_weights: list[Fraction | None], places: int) -> None:
    with pytest.raises(ValueError):
        share.shared(budget, given_weights, places)


def test_rules() -> None:
    past, areas = [Decimal(100), Decimal(300), None], [100.0, 100.0, 50.0]
    assert share.weights_of("past_use", past, areas) == [100, 300, None]
    assert share.weights_of("floor_area", past, areas) == [100, 100, 50]
    # intensities 1 and 3, mean 2: halfway they are 1.5 and 2.5, and one without a past has the mean
    assert share.weights_of("convergence", past, areas) == [150, 250, 100]
    assert share.weights_of("convergence", past, areas, Fraction(1)) == [100, 200, 50]
    assert share.weights_of("equal_cut", past, areas) == [100, 300, 100]
    assert share.weights_of("floor_area", past, [None, 0.0, 1.0]) == [None, None, 1]
    with pytest.raises(ValueError, match="no rule"):
        share.weights_of("lottery", past, areas)
