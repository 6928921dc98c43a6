"""Tables of baselines: the limits in use, a model for each building and year, its parts, what it expects, the normal year."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.methods import frames, modelling
from scicity.domains.diagnosis.methods.splits import SEASONS
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

YEAR_BEFORE = timedelta(days=360)  # reaches into the calendar year before, and no further


@derived(
    reads={"rules": "diagnosis.rule", "own": Read("diagnosis.rule_choice", columns=("rule", "threshold"))},
    columns=["rule", "threshold", "unit"],
    grain=["rule"],
    title_zh="所用诊断阈值",
    title_en="Limits in use",
)
def limit(rules: Any, own: Any) -> Any:
    """The limits of diagnosis: the program's, and in their place those that the district set."""
    rows = rules.left_join(own, "rule")
    return rows.select(rule=rows.rule, threshold=ibis.coalesce(rows.threshold_right, rows.threshold), unit=rows.unit)


LIMITS = Read("diagnosis.limit", columns=("rule", "threshold"), trace={})
CONTEXT = {
    "weather": Read("diagnosis.weather_hourly", trace={"weather_stream": "datastream"}),
    "choices": Read("diagnosis.weather_choice", columns=("zone", "datastream"), trace={"weather_stream": "datastream"}),
    "buildings": Read("buildings.building", columns=("building", "zone")),
    "rests": Read("diagnosis.rest_day", columns=("day", "rest"), trace={}),
    "limits": LIMITS,
}


def limits_of(limits: pa.Table) -> dict[str, float]:
    """The limits by their names."""
    return {row["rule"]: row["threshold"] for row in limits.to_pylist()}


def rests_of(rests: pa.Table) -> dict[date, bool]:
    """What is told of single days."""
    return {row["day"]: row["rest"] for row in rests.to_pylist()}


def days_of(slot: Slot) -> tuple[int, int]:
    """The first day of a slot [days since 1970], and how many days it has."""
    first, end = (int(day) for day in slot.calendar.days(np.array([slot.start, slot.end - 1])))
    return first, end - first + 1


def skies(
    names: list[tuple[Any, ...]], warmth: Mapping[str, Any], choices: pa.Table, buildings: pa.Table
) -> dict[str | None, list[int]]:
    """The series under each datastream of air temperature; under None those without."""
    chosen = {row["zone"]: row["datastream"] for row in choices.to_pylist()}
    of = frames.weather_of(buildings.to_pylist(), chosen, sorted(warmth))
    found: dict[str | None, list[int]] = {}
    for place, (building, *_) in enumerate(names):
        found.setdefault(of.get(building), []).append(place)
    return found


def whole_days(daily: pa.Table, least: float) -> Any:
    """The energy of days [kWh] as floats, NaN where too little of the day is known; what is known stands for the whole day."""
    energy, coverage = frames.numbers(daily, "energy"), frames.numbers(daily, "coverage")
    return np.where(np.nan_to_num(coverage) >= least, energy / np.maximum(coverage, 1e-9), np.nan)


_DAILY = Read("energy.consumption_daily", columns=("building", "carrier", "day", "energy", "coverage", "stand_in"))
_MODEL = [
    *("model_shape", "model_split", "parameter_count", "days", "effective_days", "cv_rmse", "nmbe", "r_squared"),
    *("accepted", "reason", "step_share", "step_day", "model_figures"),
]


@derived(
    reads={"daily": _DAILY, **CONTEXT},
    columns=["building", "carrier", "year", "weather_stream", *_MODEL, "stand_in"],
    grain=["building", "carrier", "year"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="基准模型",
    title_en="Baselines",
)
def baseline(slot: Slot, daily: pa.Table, limits: pa.Table, rests: pa.Table, **context: pa.Table) -> pa.Table:
    """What each building's use of a carrier answers to in a year: base load, heating and cooling with their balance points.

    Learnt from the days of the year by `methods/baseline.py`, all buildings under one weather at once. A model that may not
    be relied upon is kept and not accepted; `reason` says why. CV(RMSE) and NMBE are without the days that were outliers.
    """
    first, length = days_of(slot)
    rule, number = limits_of(limits), np.arange(first, first + length)
    names, which = frames.series(daily, ["building", "carrier"])
    load = frames.by_day(whole_days(daily, rule["day_coverage"]), which, frames.day_numbers(daily), len(names), first, length)
    seen = frames.by_day(frames.numbers(daily, "stand_in"), which, frames.day_numbers(daily), len(names), first, length)
    warmth = frames.temperatures(context["weather"], first, length)
    rows: list[dict[str, Any]] = []
    for stream, members in skies(names, warmth, context["choices"], context["buildings"]).items():
        members = [place for place in members if np.isfinite(load[place]).any()]
        told: list[dict[str, Any]] = [{"accepted": False, "reason": modelling.NO_WEATHER} for _ in members]
        if stream in warmth:
            shared = frames.shared_days(number, warmth[stream], rests_of(rests))
            told = modelling.modelled(load[members], shared, rule)
        rows += [
            {
                **dict(zip(("building", "carrier"), names[place], strict=True)),
                "year": frames.year_of(first),
                "weather_stream": stream,
                "stand_in": bool(np.nanmax(seen[place], initial=0)),
                **row,
            }
            for place, row in zip(members, told, strict=True)
        ]
    return pa.Table.from_pylist(rows, schema=baseline.schema)


@derived(
    reads={"models": Read("diagnosis.baseline", columns=("building", "carrier", "year", "model_figures", "stand_in"))},
    columns=[
        *("building", "carrier", "year", "rest", "season", "base_load", "heating_slope", "heating_point"),
        *("cooling_slope", "cooling_point", "stand_in"),
    ],
    grain=["building", "carrier", "year", "rest", "season"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="基准模型参数",
    title_en="Parts of baselines",
)
def baseline_part(slot: Slot, models: pa.Table) -> pa.Table:
    """The figures of each model by kind of day and season: base load, slopes below and above their balance points."""
    figures = modelling.read(models.column("model_figures").to_pylist())
    rows = []
    for row, told in zip(models.to_pylist(), figures, strict=True):
        if not np.isfinite(told[:, 0]).any():
            continue
        for atom, (base, heating, heat, cooling, cool) in enumerate(told):
            rows.append(
                {
                    **{name: row[name] for name in ("building", "carrier", "year", "stand_in")},
                    "rest": atom >= SEASONS,
                    "season": frames.SEASON_NAMES[atom % SEASONS],
                    "base_load": modelling.finite(base),
                    "heating_slope": modelling.finite(heating),
                    "heating_point": modelling.finite(heat),
                    "cooling_slope": modelling.finite(cooling),
                    "cooling_point": modelling.finite(cool),
                }
            )
    return pa.Table.from_pylist(rows, schema=baseline_part.schema)


_ACCEPTED = ("building", "carrier", "year", "weather_stream", "accepted", "reason", "model_figures")


@derived(
    reads={
        "daily": _DAILY,
        "models": Read("diagnosis.baseline", columns=_ACCEPTED, margin=YEAR_BEFORE),
        "weather": CONTEXT["weather"],
        "rests": CONTEXT["rests"],
        "limits": LIMITS,
    },
    columns=[
        "building",
        "carrier",
        "day",
        "energy",
        "expected_energy",
        "baseline_year",
        "weather_stream",
        "coverage",
        "stand_in",
    ],
    grain=["building", "carrier", "day"],
    period="year",
    time="day",
    by_partition=True,
    title_zh="逐日基准用能",
    title_en="Expected use by day",
)
def expected_daily(
    slot: Slot, daily: pa.Table, models: pa.Table, weather: pa.Table, rests: pa.Table, limits: pa.Table
) -> pa.Table:
    """What a building used on a day, and what its baseline tells of that day's weather.

    The model is that of the year before where it was accepted, else that of the year itself; `baseline_year` says which. A
    building without either has no rows.
    """
    first, length = days_of(slot)
    number, this = np.arange(first, first + length), frames.year_of(first)
    held = {
        (row["building"], row["carrier"], row["year"]): row
        for row in models.to_pylist()
        if row["accepted"] and row["year"] in (this - 1, this)
    }
    names, which = frames.series(daily, ["building", "carrier"])
    use = [held.get((*name, this - 1)) or held.get((*name, this)) for name in names]
    warmth = frames.temperatures(weather, first, length)
    told = np.full((len(names), length), np.nan)
    for stream, temperature in warmth.items():
        members = [place for place, model in enumerate(use) if model and model["weather_stream"] == stream]
        shared = frames.shared_days(number, temperature, rests_of(rests))
        told[members] = modelling.expected([use[place]["model_figures"] for place in members if use[place]], shared)
    has = np.array([model is not None for model in use], dtype=bool)
    day = frames.day_numbers(daily) - first
    kept = has[which] & (day >= 0) & (day < length) if len(daily) else np.zeros(0, dtype=bool)
    rows = daily.filter(pa.array(kept))
    which, day = which[kept], day[kept]
    years = np.array([model["year"] if model else 0 for model in use], dtype=np.int64)
    streams = np.array([model["weather_stream"] if model else None for model in use], dtype=object)
    expected = told[which, day]
    return (
        rows.append_column("expected_energy", pa.array(expected, mask=~np.isfinite(expected)))
        .append_column("baseline_year", pa.array(years[which]))
        .append_column("weather_stream", pa.array(streams[which], pa.string()))
        .select(expected_daily.schema.names)
    )


@derived(
    reads={"daily": "diagnosis.expected_daily"},
    columns=["building", "carrier", "month", "energy", "expected_energy", "days", "baseline_year", "stand_in"],
    grain=["building", "carrier", "month"],
    period="year",
    time="month",
    title_zh="逐月基准用能",
    title_en="Expected use by month",
)
def expected_monthly(daily: Any) -> Any:
    """Measured and expected use of a month, over the days of which both are known."""
    rows = daily.filter(daily.energy.notnull(), daily.expected_energy.notnull()).mutate(month=daily.day.truncate("M"))
    return rows.group_by("building", "carrier", "month").agg(
        energy=rows.energy.sum(),
        expected_energy=rows.expected_energy.sum(),
        days=rows.count(),
        baseline_year=rows.baseline_year.max(),
        stand_in=rows.stand_in.max(),
    )


@derived(
    reads={
        "models": Read("diagnosis.baseline", columns=_ACCEPTED),
        "yearly": Read("energy.consumption_yearly", columns=("building", "carrier", "year", "energy", "coverage", "stand_in")),
        "typical": Read("diagnosis.weather_typical", trace={"weather_stream": "datastream"}),
        "rests": CONTEXT["rests"],
    },
    columns=[
        *("building", "carrier", "year", "energy", "normalised_energy", "normal_days", "weather_stream"),
        *("accepted", "reason", "coverage", "stand_in"),
    ],
    grain=["building", "carrier", "year"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="气候修正年用能",
    title_en="Weather-normalised use by year",
)
def normalised_yearly(slot: Slot, models: pa.Table, yearly: pa.Table, typical: pa.Table, rests: pa.Table) -> pa.Table:
    """What a building would have used in a year of typical months: its accepted baseline over the days of such a year.

    So that years compare without their weather. `normal_days` tells how many days the typical year has; where a calendar month
    has no whole month of weather, the year is short of it, and then there is no normalised use.
    """
    held = {(row["building"], row["carrier"]): row for row in models.to_pylist()}
    rows = [
        {
            **{name: row[name] for name in ("building", "carrier", "year", "energy", "coverage", "stand_in")},
            **{
                name: held.get((row["building"], row["carrier"]), {}).get(name)
                for name in ("weather_stream", "accepted", "reason")
            },
        }
        for row in yearly.to_pylist()
    ]
    for stream in {row["weather_stream"] for row in rows if row["accepted"]}:
        hours = typical.filter(pa.array([name == stream for name in typical.column("datastream").to_pylist()], pa.bool_()))
        number = np.unique(frames.day_numbers(hours))
        if not len(number):
            continue
        span = int(number[-1] - number[0]) + 1
        warmth = frames.temperatures(hours, int(number[0]), span)[stream][number - number[0]]
        members = [row for row in rows if row["accepted"] and row["weather_stream"] == stream]
        texts = [held[row["building"], row["carrier"]]["model_figures"] for row in members]
        told = modelling.expected(texts, frames.shared_days(number, warmth, rests_of(rests)))
        for row, days in zip(members, told, strict=True):
            row["normal_days"] = int(np.isfinite(days).sum())
            if row["normal_days"] >= WHOLE_YEAR:
                row["normalised_energy"] = float(np.nansum(days))
    return pa.Table.from_pylist(rows, schema=normalised_yearly.schema)


WHOLE_YEAR = 355  # days of a typical year: a day may lack its temperature, a month may not
