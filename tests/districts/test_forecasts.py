"""The bars of forecasts on the sample: the next day's load against two that need no model, and the year's end."""

from __future__ import annotations

from pathlib import Path

import pytest

from scicity.city import City

SAMPLE = Path(__file__).parents[2] / "districts" / "future-science-city"
pytestmark = [pytest.mark.sample, pytest.mark.slow]


@pytest.fixture(scope="module")
def sample(shipped):
    return shipped("future-science-city")


def of_series(sample: City, column: str) -> dict[tuple[str, str], float]:
    """An error of each series from its second year on, the hours weighing alike (squares of CV(RMSE) by load)."""
    sums: dict[tuple[str, str], float] = {}
    for row in sample.figures.rows("control.forecast_error"):
        if row["month"].year > 2021 and row[column] is not None:
            squared = column.endswith("_cv")
            value = (row[column] * row["mean_load"]) ** 2 if squared else row[column]
            key = (row["building"], row["carrier"])
            sums[key] = sums.get(key, 0.0) + value * row["scored_hours"]
    return sums


@pytest.mark.parametrize("kind", ["mae", "cv"])
def test_forecasts_beat_both_on_nine_in_ten(sample, kind):
    model, yesterday, last_week = (of_series(sample, f"{name}_{kind}") for name in ("forecast", "yesterday", "last_week"))
    assert len(model) == 48
    better = [key for key in model if model[key] < min(yesterday[key], last_week[key])]
    assert len(better) >= 0.9 * len(model), sorted(set(model) - set(better))
    electricity = [key for key in model if key[1] == "electricity"]
    assert set(electricity) <= set(better)


def test_year_ends_are_forecast_better_than_by_the_year_before_and_within_their_interval(sample):
    rows = [row for row in sample.figures.rows("control.outlook_error") if row["scope_kind"] != "enterprise"]
    told = [row for row in rows if row["month_of_year"] < 12]
    assert len(told) > 1_000
    assert sum(row["inside"] for row in told) >= 0.8 * len(told)
    for month in range(1, 12):
        of_month = [row for row in told if row["month_of_year"] == month]
        off, before = (sum(abs(row[name]) for row in of_month) for name in ("forecast_off", "year_before_off"))
        assert off < before, month
