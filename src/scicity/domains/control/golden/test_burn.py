"""Burn-down: years whose end is known, months that are not, and what a budget's status is by the interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.control.methods import burn, standing

LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=float)
SHAPE = np.array([12, 11, 9, 7, 6, 6, 7, 7, 6, 8, 9, 12], dtype=float) / 100
NAN = float("nan")


def years(*levels: float) -> np.ndarray:
    return np.array([[level * SHAPE for level in levels]])


def test_a_year_of_the_shape_before_ends_where_it_must() -> None:
    used = years(1000, 900, 800)
    state = burn.burn_down(used, np.ones_like(used), LENGTHS)
    assert np.allclose(state.expected_share[0], np.cumsum(SHAPE))
    passed = np.cumsum(SHAPE)
    level = (800 * passed + 900 / 6) / (passed + 1 / 6)  # last year's level counts for two months
    assert np.allclose(state.forecast[0], 800 * passed + level * (1 - passed))
    assert abs(state.forecast[0, 10] - 800) < abs(state.forecast[0, 2] - 800)
    assert np.allclose(state.forecast[0, 11], 800)
    assert np.allclose(state.used_to_date[0], np.cumsum(800 * SHAPE)) and state.last[0] == 11
    assert (np.diff(state.high[0] - state.low[0]) < 0).all()


def test_nothing_behind_a_month_changes_what_was_told_at_its_end() -> None:
    used = years(1000, 900, 800)
    other = used.copy()
    other[0, -1, 6:] *= 3
    one, two = (burn.burn_down(each, np.ones_like(each), LENGTHS) for each in (used, other))
    for name in ("forecast", "low", "high", "used_to_date"):
        np.testing.assert_array_equal(getattr(one, name)[0, :6], getattr(two, name)[0, :6])


def test_an_unknown_month_is_no_zero_and_widens_the_interval() -> None:
    used = years(1000, 1000, 1000)
    holed = used.copy()
    holed[0, -1, [2, 3]] = NAN
    whole = burn.burn_down(used, np.ones_like(used), LENGTHS)
    state = burn.burn_down(holed, np.where(np.isnan(holed), 0.0, 1.0), LENGTHS)
    assert np.isnan(state.used[0, 2]) and np.allclose(state.forecast[0, 8], 1000)
    assert state.high[0, 8] - state.low[0, 8] > whole.high[0, 8] - whole.low[0, 8]
    assert state.known_to_date[0, 3] == pytest.approx(59 / 120)
    assert (
        np.allclose(state.used_to_date[0, 11], 1000 * (1 - SHAPE[2] - SHAPE[3])) and state.low[0, 11] < 1000 < state.high[0, 11]
    )


def test_a_month_known_by_half_counts_by_half() -> None:
    used = years(1000, 1000)
    used[0, -1, 0] /= 2
    known = np.ones_like(used)
    known[0, -1, 0] = 0.5
    assert np.allclose(burn.burn_down(used, known, LENGTHS).forecast[0], 1000)


def test_before_the_year_the_year_before_is_the_forecast_and_the_way_is_projected() -> None:
    used = years(1000, 1000, 1000)
    used[0, -1] = NAN
    state = burn.burn_down(used, np.ones_like(used), LENGTHS)
    assert state.last[0] == -1 and np.allclose(state.forecast[0], 1000) and np.isnan(state.used_to_date).all()
    assert np.allclose(state.projected[0], 1000 * np.cumsum(SHAPE))
    assert (state.projected_low[0] < state.projected[0]).all() and (state.projected_high[0] > state.projected[0]).all()


def test_the_way_to_the_end_begins_at_what_is_used() -> None:
    used = years(1000, 1000, 1000)
    used[0, -1, 4:] = NAN
    state = burn.burn_down(used, np.ones_like(used), LENGTHS)
    assert np.isnan(state.projected[0, :3]).all() and np.isnan(state.forecast[0, 4:]).all()
    assert state.projected[0, 3] == pytest.approx(state.used_to_date[0, 3]) == pytest.approx(1000 * SHAPE[:4].sum())
    assert state.projected[0, 11] == pytest.approx(state.forecast[0, 3])
    assert state.projected_high[0, 11] == pytest.approx(state.high[0, 3])


def test_without_an_earlier_year_days_are_the_shape() -> None:
    used = np.full((1, 2, 12), NAN)
    used[0, 1, :6] = 100.0
    state = burn.burn_down(used, np.ones_like(used), LENGTHS)
    assert np.allclose(state.expected_share[0], np.cumsum(LENGTHS) / 365)
    assert state.forecast[0, 5] == pytest.approx(600 * 365 / 181)
    nothing = burn.burn_down(np.full((1, 2, 12), NAN), np.zeros((1, 2, 12)), LENGTHS)
    assert np.isnan(nothing.forecast).all() and np.isnan(nothing.within(np.array([1.0]))).all()


def test_a_shape_is_found_though_every_year_lacks_months() -> None:
    used = years(1000, 500, 2000)
    used[0, 0, [0, 5]] = used[0, 1, [1, 6]] = used[0, 2, [2, 7]] = NAN
    shape, level, seen = burn.shape_of(used, np.where(np.isnan(used), 0.0, 1.0), LENGTHS)
    assert np.allclose(shape[0], SHAPE, atol=2e-4) and np.allclose(level[0], [1000, 500, 2000], rtol=2e-3) and seen[0] == 3


def test_the_probability_of_staying_within() -> None:
    used = years(1000, 1000, 1000)
    used[0, -1, 6:] = NAN
    state = burn.burn_down(used, np.ones_like(used), LENGTHS)
    half, sure, never = (state.within(np.array([budget]))[0, 5] for budget in (1000.0, 2000.0, 400.0))
    assert half == pytest.approx(0.5) and sure > 0.999 and never == 0.0
    edge = state.within(state.high[:, 5])[0, 5]
    assert edge == pytest.approx(0.9, abs=1e-6)  # above the interval lies a tenth


@settings(max_examples=60, deadline=None)
@given(
    levels=st.lists(st.floats(1, 1e9), min_size=2, max_size=4),
    holes=st.sets(st.integers(0, 11), max_size=11),
    noise=st.integers(0, 1000),
)
def test_the_interval_holds_the_forecast_and_what_was_used(levels: list[float], holes: set[int], noise: int) -> None:
    rng = np.random.default_rng(noise)
    used = years(*levels) * (1 + 0.3 * rng.random((1, len(levels), 12)))
    used[0, -1, sorted(holes)] = NAN
    state = burn.burn_down(used, np.ones_like(used), LENGTHS)
    told = ~np.isnan(state.forecast)
    assert told.any()
    assert (state.low[told] <= state.forecast[told] * (1 + 1e-12)).all() and (state.forecast[told] <= state.high[told]).all()
    both = told & ~np.isnan(state.used_to_date)
    assert (state.low[both] >= state.used_to_date[both] * (1 - 1e-12)).all()


@pytest.mark.parametrize(
    ("used", "forecast", "low", "high", "status"),
    [
        (101.0, 120.0, 110.0, 130.0, "exceeded"),
        (50.0, 120.0, 110.0, 130.0, "over"),
        (50.0, 99.0, 90.0, 108.0, "at_risk"),
        (50.0, 90.0, 80.0, 100.0, "within"),
        (None, None, None, None, "unknown"),
        (None, 120.0, 110.0, 130.0, "over"),
    ],
)
def test_status_by_the_interval(
    used: float | None, forecast: float | None, low: float | None, high: float | None, status: str
) -> None:
    assert standing.status_of(100.0, used, forecast, low, high) == status
