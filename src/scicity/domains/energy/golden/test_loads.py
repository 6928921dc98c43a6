"""Loads and tariffs with known answers: peaks of equal hours, duration curves by hand, hours with two prices or none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.energy.methods.loads import STEPS, duration_ranks
from scicity.domains.energy.methods.tariffs import faults, laid_out, within


@pytest.mark.parametrize(
    ("count", "at", "expected"),
    [(100, [0, 1, 2, 100], [0, 0, 1, 99]), (8760, [0, 1, 50, 100], [0, 87, 4379, 8759]), (1, [0, 50, 100], [0, 0, 0])],
)
def test_places_of_a_duration_curve(count: int, at: list[int], expected: list[int]) -> None:
    assert duration_ranks(count)[at].tolist() == expected


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=400))
def test_a_load_is_reached_or_exceeded_for_as_long_as_it_says(loads: list[int]) -> None:
    falling = np.sort(loads)[::-1]
    curve = falling[duration_ranks(len(loads))]
    for percent in range(1, STEPS + 1):
        assert (falling >= curve[percent]).sum() * STEPS >= percent * len(loads)
    assert curve[0] == max(loads)
    assert curve[-1] == min(loads)
    assert (np.diff(curve) <= 0).all()


def row(first: int, last: int, months: tuple[int, int] = (1, 12), kind: str = "all", band: str = "flat") -> dict[str, Any]:
    return {"month_from": months[0], "month_to": months[1], "day_kind": kind, "hour_from": first, "hour_to": last, "band": band}


def test_seasons_go_over_new_year_and_hours_over_midnight() -> None:
    assert within(11, 2, 12, 1) == [11, 12, 1, 2]
    cells = laid_out([row(22, 6, (12, 1), "rest")])
    assert {cell.hour for cell in cells} == {22, 23, 0, 1, 2, 3, 4, 5}
    assert {cell.month for cell in cells} == {12, 1}
    assert len(cells) == len(set(cells)) == 16


def test_a_version_of_a_tariff_prices_every_hour_once() -> None:
    assert faults([row(0, 24)]) == []
    assert faults([row(7, 23), row(23, 7, band="valley"), {**row(0, 24), "band": "demand"}]) == []
    assert faults([row(7, 23)]) == [(0, "month 1, working day, hour 0 has no price")]
    assert faults([row(0, 24), row(8, 9, (7, 7), "rest")]) == [(1, "month 7, rest day, hour 8 has two prices")]
    assert faults([row(0, 24, (3, 10)), row(0, 24, (11, 1))]) == [(0, "month 2, working day, hour 0 has no price")]
