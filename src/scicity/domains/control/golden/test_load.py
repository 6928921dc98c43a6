"""The next day's load: what is known exactly, what may not be known, and what gaps do."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.control.methods import load
from scicity.domains.control.methods.grid import LOADS, gridded, hours_to_days, scored

MONDAY = 18_631  # 2021-01-04
WEEKS = 30


def weekly(level: float = 100.0, weeks: int = WEEKS) -> np.ndarray:
    """A load that repeats every week: by day from 8 to 18 h on working days more."""
    week = np.full((7, 24), level)
    week[:5, 8:18] += level
    return np.tile(week, (weeks, 1))[None]


def noisy(series: int = 3, weeks: int = WEEKS, seed: int = 7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    base = np.concatenate([weekly(20.0 * (number + 1), weeks) for number in range(series)])
    return base * (1 + 0.1 * rng.standard_normal(base.shape))


def test_a_week_that_repeats_is_forecast_exactly() -> None:
    loads = weekly()
    made = load.day_ahead(loads, MONDAY)
    behind = slice(8 * 7, None)
    assert np.allclose(made.forecast[:, behind], loads[:, behind], rtol=0.03)
    assert np.isnan(made.forecast[:, :14]).all()  # less than two weeks to learn from


def test_a_step_in_level_is_followed() -> None:
    loads = weekly()
    loads[:, 20 * 7 :] *= 0.5
    made = load.day_ahead(loads, MONDAY)
    off = np.abs(made.forecast - loads).mean(axis=2)[0]
    naive = np.abs(made.last_week - loads).mean(axis=2)[0]
    after = slice(20 * 7 + 2, 20 * 7 + 7)
    assert off[after].mean() < 0.5 * naive[after].mean()
    assert off[26 * 7 :].mean() < 0.05 * loads[:, 26 * 7 :].mean()


@settings(max_examples=25, deadline=None)
@given(day=st.integers(1, WEEKS * 7 - 1), seed=st.integers(0, 10_000), lead=st.integers(0, 6))
def test_changing_what_comes_changes_no_forecast(day: int, seed: int, lead: int) -> None:
    loads = noisy(2)
    other = loads.copy()
    rng = np.random.default_rng(seed)
    other[:, day:] = rng.choice([np.nan, 0.0, 1e6, -5.0], other[:, day:].shape)
    one, two = (load.day_ahead(each, MONDAY + lead).forecast[:, : day + 1] for each in (loads, other))
    np.testing.assert_array_equal(one, two)


def test_no_forecast_looks_further_back_than_it_says() -> None:
    loads = noisy(2, weeks=60)
    whole = load.day_ahead(loads, MONDAY).forecast
    for cut in (200, 203, 260):
        part = load.day_ahead(loads[:, cut - load.LOOKS_BACK :], MONDAY + cut - load.LOOKS_BACK).forecast
        np.testing.assert_allclose(part[:, load.LOOKS_BACK :], whole[:, cut:], rtol=1e-9)


def test_gaps_are_no_zeros() -> None:
    loads = noisy()
    holed = loads.copy()
    holed[:, 150:153] = np.nan
    holed[:, 160:170, 3] = np.nan
    made = load.day_ahead(holed, MONDAY).forecast
    full = load.day_ahead(loads, MONDAY).forecast
    assert not np.isnan(made[:, 100:]).any()
    assert np.abs(made[:, 153:] / full[:, 153:] - 1).mean() < 0.06
    holed[:, 160:, 3] = np.nan  # an hour of which four weeks know nothing has no forecast, and no other hour loses its own
    made = load.day_ahead(holed, MONDAY).forecast
    assert np.isnan(made[:, 190:, 3]).all() and not np.isnan(np.delete(made[:, 190:], 3, axis=2)).any()
    nothing = np.full((1, 100, 24), np.nan)
    assert np.isnan(load.day_ahead(nothing, MONDAY).forecast).all()


def test_beyond_what_was_seen_nothing_is_forecast() -> None:
    loads = noisy(1)
    loads[0, 100] = 1e9  # a broken meter for a day
    made = load.day_ahead(loads, MONDAY).forecast[0, 140:]
    assert np.nanmax(np.abs(made)) < 100


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="series, days, 24"):
        load.day_ahead(np.zeros((2, 10, 23)), MONDAY)
    assert load.day_ahead(np.zeros((0, 10, 24)), MONDAY).forecast.shape == (0, 10, 24)


def test_the_interval_is_made_of_the_errors_before() -> None:
    off = np.tile(np.arange(-33, 34, dtype=float)[None, :, None], (1, 1, 24))  # 67 days, three hours each: 201 errors
    low, high = load.spread(off, np.zeros_like(off), 0.8)
    assert np.allclose(low, -26.6, atol=0.5) and np.allclose(high, 26.6, atol=0.5)
    unknown = np.full_like(off, np.nan)
    assert all(np.isnan(edge).all() for edge in load.spread(unknown, unknown, 0.8))


def hours(**changed: object) -> pa.Table:
    """A day of 24 hours of 1 kWh."""
    columns: dict[str, object] = {
        "building": ["b"] * 24,
        "carrier": ["electricity"] * 24,
        "day": pa.array([18_700] * 24, pa.int32()).cast(pa.date32()),
        "hour_of_day": list(range(24)),
        "energy": pa.array([1.0] * 24).cast(pa.decimal128(18, 6)),
        "estimated_energy": pa.array([0.0] * 24).cast(pa.decimal128(18, 6)),
        "coverage": [1.0] * 24,
        "stand_in": [False] * 24,
    }
    return pa.table(columns | changed)


def test_estimated_and_partial_hours_are_unknown_and_a_day_counts_when_it_is_nearly_over() -> None:
    estimated = pa.array([0.0] * 22 + [1.0, 1.0]).cast(pa.decimal128(18, 6))
    found = hours_to_days(hours(estimated_energy=estimated, coverage=[0.5] + [1.0] * 23))
    assert np.isnan(found["loads"][0]).nonzero()[0].tolist() == [0, 22, 23]
    assert len(hours_to_days(hours(coverage=[0.5] * 5 + [1.0] * 19))["loads"]) == 0
    twice = pa.concat_tables([hours(), hours(energy=pa.array([3.0] * 24).cast(pa.decimal128(18, 6)))])
    assert (hours_to_days(twice)["loads"] == 2.0).all()  # the clock was set back


def test_rows_of_days_are_a_grid_in_order() -> None:
    rows = pa.table(
        {
            "building": ["b", "a", "b"],
            "carrier": ["heat", "electricity", "heat"],
            "day": pa.array([11, 10, 10], pa.int32()).cast(pa.date32()),
            **{name: [1.0, 2.0, None] for name in LOADS},
            "stand_in": [False, True, False],
        }
    )
    grid = gridded(rows, 10, 12)
    assert (grid.buildings, grid.carriers, grid.stand_in.tolist(), grid.last) == (
        *(["a", "b"], ["electricity", "heat"], [True, False], 11),
    )
    assert grid.loads[1, :, 0].tolist()[1] == 1.0 and np.isnan(grid.loads[1, [0, 2]]).all()
    assert grid.until(13).loads.shape == (2, 4, 24)


def test_scores_count_the_hours_that_all_know() -> None:
    loads = np.full((1, 2, 24), 10.0)
    made = load.DayAhead(loads + 1, loads - 2, np.full_like(loads, np.nan))
    assert scored(loads, MONDAY, made).hours.sum() == 0
    made.last_week[0, 1] = 14.0
    found = scored(loads, MONDAY, made)
    assert (found.hours.tolist(), found.mean.tolist()) == ([[24]], [[10.0]])
    assert found.absolute[:, 0, 0].tolist() == [1.0, 2.0, 4.0] == found.squared[:, 0, 0].tolist()
