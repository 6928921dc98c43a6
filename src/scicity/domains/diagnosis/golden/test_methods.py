"""Known answers of the smaller methods: runs, quantiles, usual loads, typical months, weather, steps, drift, models as text."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.diagnosis.methods import anomalies, baseline, frames, modelling, runs, typical, usual

LIMITS = {
    "night_share": 0.3, "spreads": 4.0, "rest_share": 0.5, "rest_weekly": 0.2, "drift_days": 90, "drift_share": 0.1,
    "confidence": 0.9, "warm_heat_share": 0.1, "warm_run": 3, "step_share": 0.2,
}  # fmt: skip


@given(st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=1, max_size=4), st.integers(1, 4))
def test_runs_are_those_that_one_would_count(table: list[list[bool]], fewest: int) -> None:
    flagged = np.array(table)
    value = np.arange(flagged.size, dtype=float).reshape(flagged.shape)
    found = runs.runs(flagged, fewest)
    expected = []
    for number, row in enumerate(table):
        place = 0
        while place < len(row):
            end = place
            while end < len(row) and row[end]:
                end += 1
            if end - place >= fewest:
                expected.append((number, place, end - 1, value[number, place:end].sum()))
            place = max(end, place + 1)
    assert list(zip(found.series, found.first, found.last, found.total(value), strict=True)) == expected


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=20), st.floats(0, 1))
def test_quantiles_are_those_of_what_is_known(values: list[float | None], share: float) -> None:
    row = np.array([[np.nan if value is None else value for value in values]])
    known = row[np.isfinite(row)]
    if len(known):
        assert runs.quantile(row, share)[0] == pytest.approx(np.quantile(known, share), rel=1e-9, abs=1e-6)
    else:
        assert np.isnan(runs.quantile(row, share)[0])


def test_a_night_is_held_against_nights_as_warm() -> None:
    """Cold nights need more: a night of 15 kW is usual in the cold, and far beyond in the warmth."""
    warmth = np.repeat([0.0, 20.0], 40)
    load = np.where(warmth == 0, 15.0, 5.0)[None] + 0.1 * (np.arange(80) % 3)
    load[0, 70] = 15.0
    told = usual.nights(load, np.zeros(80, dtype=np.int64), warmth, LIMITS)
    assert told.usual[0, 0] == pytest.approx(15, abs=0.1)
    assert told.usual[0, 70] == pytest.approx(5, abs=0.1)
    assert np.flatnonzero(load[0] > told.limit[0]).tolist() == [70]


def test_saturdays_that_are_worked_each_week_are_no_finding() -> None:
    number = np.arange(17_532, 17_532 + 364)
    rest = frames.rest_days(number, {})
    kind = frames.kinds(number, rest)
    assert [(kind == each).sum() for each in (0, 1, 2)] == [260, 52, 52]
    load = np.where(kind == 2, 5.0, 30.0)[None]
    warmth = np.full(len(number), 15.0)
    limit = usual.rests(load, kind, warmth, LIMITS).limit
    assert not (load > limit).any()
    load[0, np.flatnonzero(kind == 2)[10]] = 30.0  # one Sunday
    limit = usual.rests(load, kind, warmth, LIMITS).limit
    assert np.flatnonzero(load[0] > limit[0]).tolist() == [np.flatnonzero(kind == 2)[10]]
    flat = np.full(load.shape, 20.0)  # a building that knows no week
    assert np.isnan(usual.rests(flat, kind, warmth, LIMITS).limit).all()


def test_single_days_may_be_told_to_rest_or_to_work() -> None:
    number = np.array([frames.day_of(date(2023, 4, day)) for day in (21, 22, 23, 24)])  # Friday to Monday
    assert frames.rest_days(number, {}).tolist() == [False, True, True, False]
    told = {date(2023, 4, 23): False, date(2023, 4, 24): True}
    assert frames.rest_days(number, told).tolist() == [False, True, False, True]


def test_the_weather_of_another_place_is_no_guess() -> None:
    buildings = [{"building": "a", "zone": "north"}, {"building": "b", "zone": "south"}]
    assert frames.weather_of(buildings, {}, ["sky"]) == {"a": "sky", "b": "sky"}
    assert frames.weather_of(buildings, {}, ["one", "two"]) == {"a": None, "b": None}
    assert frames.weather_of(buildings, {"north": "one"}, ["one", "two"]) == {"a": "one", "b": None}
    assert frames.weather_of(buildings, {"north": "one", "district": "two"}, ["one", "two"]) == {"a": "one", "b": "two"}


def test_the_typical_month_is_the_one_nearest_to_the_mean() -> None:
    """Three Januaries of 0, 4 and 5 degrees: the mean is 3, and 4 is nearest; one that is not whole does not count."""
    hours = 31 * 24
    day = np.concatenate([frames.day_of(date(year, 1, 1)) + np.arange(hours) // 24 for year in (2020, 2021, 2022)])
    value = np.repeat([0.0, 4.0, 5.0], hours)
    series = np.zeros(len(day), dtype=np.int64)
    assert set(value[typical.chosen(series, day, value)]) == {4.0}
    whole = (day < frames.day_of(date(2021, 1, 1))) | (day >= frames.day_of(date(2021, 1, 20)))
    assert set(value[whole][typical.chosen(series[whole], day[whole], value[whole])]) == {0.0}  # 2.5: 0 and 5 are as near


def test_a_clean_step_is_sure_and_wandering_chance_is_not() -> None:
    drawn = np.random.default_rng(3)
    number = np.arange(365)
    chance = drawn.normal(0, 1, (200, 365))
    for day in range(1, 365):
        chance[:, day] += 0.6 * chance[:, day - 1]
    stepped = chance + np.where(number >= 200, 4.0, 0.0)
    since = np.full(200, 200)
    assert modelling.sure_steps(stepped, np.full(200, 4.0), since, number).mean() > 0.95
    small = np.full(200, 0.3)
    assert modelling.sure_steps(chance, small, since, number).mean() < 0.05
    assert not modelling.sure_steps(chance, small, np.full(200, -1), number).any()


def test_drift_counts_from_the_day_on_which_it_began() -> None:
    told = np.full((3, 365), 100.0)
    measured = told.copy()
    measured[0, 100:] = 130.0
    measured[1, 300:] = 105.0  # too little to matter
    measured[2, :300] = np.nan  # too few days
    measured[2, 300:] = 200.0
    fit = anomalies.Fit(*(np.full(3, value) for value in (0.05, 365.0, 300.0, 3.0)))
    found = anomalies.drifts(measured, told, fit, LIMITS)
    assert found.series.tolist() == [0]
    assert (found.first[0], found.last[0], found.days[0]) == (100, 364, 265)
    assert found.excess[0] == pytest.approx(265 * 30)
    assert (found.seen[0], found.usual[0]) == pytest.approx((130 / 24, 100 / 24))
    unsure = anomalies.Fit(*(np.full(3, value) for value in (1.5, 365.0, 10.0, 3.0)))
    assert len(anomalies.drifts(measured, told, unsure, LIMITS).series) == 0


def test_an_unknown_day_breaks_a_run_and_is_worth_nothing() -> None:
    load = np.array([[9.0, 9, 9, np.nan, 9, 9, 9, 9]])
    one, four = np.ones(load.shape), np.full(load.shape, 4.0)
    found = anomalies.beyond(load, one, 2 * one, four, 4)
    assert (found.first.tolist(), found.last.tolist(), found.excess.tolist()) == ([4], [7], [4 * 4 * 8.0])


def test_models_are_the_same_when_they_are_read_again() -> None:
    number = np.arange(19_358, 19_358 + 365)
    temperature = (12 - 15 * np.cos(2 * np.pi * np.arange(365) / 365))[:, None] + np.sin(np.arange(24))[None]
    shared = frames.shared_days(number, temperature, {})
    load = 50 + 3 * np.maximum(temperature - 18, 0).mean(axis=1) + np.random.default_rng(1).normal(0, 1, (2, 365))
    model = baseline.fit(load, shared)
    texts = [modelling.written(figures) for figures in model.figures]
    np.testing.assert_array_equal(modelling.read(texts), model.figures)
    np.testing.assert_allclose(modelling.expected(texts, shared), baseline.predict(model, shared), rtol=1e-12)
    assert np.isnan(modelling.expected([None], shared)).all()
