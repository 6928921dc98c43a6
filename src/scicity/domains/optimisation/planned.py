"""What each station should do and what its rule does: by quarter-hour of the newest days, the front, and a year for design.

A day is a program of its own, at whose end each store is as full as at its begin. What was solved before in this process with
the same inputs is not solved again, so that a late reading costs the days that it touches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.optimisation.methods import outcome
from scicity.domains.optimisation.methods.cases import EPOCH, Case, cases, last_of, planned_days
from scicity.domains.optimisation.methods.columns import HOUR, decimals, moments, words
from scicity.domains.optimisation.methods.described import Given, rule_of, station_of
from scicity.domains.optimisation.methods.front import weighed
from scicity.domains.optimisation.methods.outcome import Course
from scicity.domains.optimisation.methods.rule import run_rule
from scicity.domains.optimisation.methods.solving import Unsolved, Weights
from scicity.kernel.computing import Slot
from scicity.kernel.rows import in_parallel
from scicity.kernel.tables import Read, derived

QUARTERS = 4  # steps of an hour
FRONT_DAYS = 7  # the newest days whose front is worked out
WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 5.0)  # [money/kg] points of the front, from the cheapest on
KEPT = 4000  # days of stations that are remembered
COURSES = ("plan", "rule")

_FACTORS = Read(
    "carbon.factor_in_use",
    columns=("purpose", "carrier", "first_day", "last_day", "factor", "factor_value", "missing"),
    during=("first_day", "last_day"),
    trace={},
)
_READS: dict[str, Read] = {
    "inputs": Read(
        "optimisation.input_hourly",
        columns=("energy_station", "station_input", "hour", "day", "input_kind", "unit_power", "stand_in"),
    ),
    "weather": Read("optimisation.weather_used", columns=("hour", "day", "air_temperature")),
    "horizon": Read("optimisation.horizon"),
    "units": Read("optimisation.station_unit", trace={"energy_station": "energy_station"}),
    "demands": Read(
        "optimisation.station_demand",
        columns=("energy_station", "demand", "carrier"),
        trace={"energy_station": "energy_station"},
    ),
    "tariffs": Read(
        "optimisation.tariff",
        columns=("tariff", "tariff_period", "tariff_months", "tariff_hours", "unit_price", "valid_from", "valid_to"),
        during=("valid_from", "valid_to"),
        trace={},
    ),
    "factors": _FACTORS,
}


_kept: dict[str, Any] = {}


def _once(key: str, make: Callable[[], Any]) -> Any:
    """What was made for a key; made now where it was not."""
    if key not in _kept:
        if len(_kept) >= KEPT:
            _kept.clear()
        _kept[key] = make()
    return _kept[key]


def _digest(case: Case, given: Given, what: str) -> str:
    told = hashlib.sha256(repr((what, case.name, case.units, case.demands, sorted(given.price))).encode())
    for values in (given.available, given.price, given.carbon, given.demand, {"outside": given.outside}):
        for name in sorted(values):
            told.update(name.encode())
            told.update(np.ascontiguousarray(values[name]).tobytes())
    return told.hexdigest()


def day_courses(case: Case, given: Given) -> tuple[Course, Course]:
    """What is best on a day, and what the rule does. Raises Unsolved."""

    def make() -> tuple[Course, Course]:
        station = station_of(case.name, case.units, case.demands, given)
        run = run_rule(station, rule_of(case.units, case.demands, given))
        return outcome.course(outcome.best(station)), outcome.course(run.plan)

    return _once(_digest(case, given, "day"), make)


# A step's own day leads back to what came on it.
_OF_DAY = {
    "inputs": replace(_READS["inputs"], trace={"energy_station": "energy_station", "day": "day"}),
    "weather": replace(_READS["weather"], trace={"day": "day"}),
}
_PLAN = [
    *("energy_station", "day", "course", "station_unit", "carrier", "step", "unit_power", "stored_energy", "cost", "emission"),
    *("marginal_price", "origin", "stand_in"),
]


@derived(
    reads=_READS | _OF_DAY,
    columns=_PLAN,
    grain=["energy_station", "course", "station_unit", "carrier", "step"],
    period="month",
    time="day",
    by_partition=True,
    title_zh="运行计划",
    title_en="Plans by quarter-hour",
)
def plan(slot: Slot, horizon: pa.Table, **tables: pa.Table) -> pa.Table:
    """What each unit of a station should do in each quarter-hour at least cost (`plan`), and what the rule does (`rule`).

    Solved by HiGHS day by day, each store as full at midnight as it was the midnight before. Demands and weather are those that
    came, so a plan is what could have been done, not a forecast. An hour is cut into four alike quarters. Emissions by the
    factors that the district uses; unknown where none holds. What cannot be met is the unit `unmet-…`, what is too much
    `surplus-…`: with them the powers of a carrier add up to 0 in every step.
    """
    parts = []
    for case in cases(slot.calendar, tables):
        done, kept = [], []
        for day, part in planned_days(case, horizon):
            given = case.cut(part, QUARTERS)
            try:
                done.append(day_courses(case, given))
            except Unsolved:
                continue
            kept.append((day, part))
        if done:
            parts.append(_rows(case, kept, done))
    return pa.concat_tables(parts, promote_options="default") if parts else plan.schema.empty_table()


def _rows(case: Case, kept: Sequence[tuple[int, slice]], done: Sequence[tuple[Course, Course]]) -> pa.Table:
    """The rows of a station's days, in the order of the grain."""
    lengths = [(part.stop - part.start) * QUARTERS for _, part in kept]
    hours = np.concatenate([case.hours[part] for _, part in kept])
    steps = (hours[:, None] + np.arange(QUARTERS) * (HOUR // QUARTERS)).ravel()
    days = np.repeat(np.concatenate([case.days[part] for _, part in kept]), QUARTERS)
    stands = np.repeat(np.concatenate([case.stand_in[part] for _, part in kept]), QUARTERS)
    known = np.repeat(np.concatenate([case.carbon_known[part] for _, part in kept]), QUARTERS)
    tables = []
    for at, name in enumerate(COURSES):
        whole = outcome.joined([both[at] for both in done], lengths)
        count = len(whole.units)
        each = np.repeat(np.arange(count), steps.size)
        one = np.zeros(each.size, np.int64)
        emission = np.where(known, whole.emission, np.nan)
        tables.append(
            pa.table(
                {
                    "energy_station": words([case.name], one),
                    "day": pa.array(np.tile(days, count).astype(np.int32)).cast(pa.date32()),
                    "course": words([name], one),
                    "station_unit": words(whole.units, each),
                    "carrier": words(whole.carriers, each),
                    "step": moments(np.tile(steps, count)),
                    "unit_power": decimals(whole.power.ravel()),
                    "stored_energy": decimals(whole.stored.ravel()),
                    "cost": decimals(whole.cost.ravel()),
                    "emission": decimals(emission.ravel()),
                    "marginal_price": pa.array(np.round(whole.price.ravel(), 6), from_pandas=True),
                    "origin": words(["modelled"], one),
                    "stand_in": pa.array(np.tile(stands, count)),
                }
            )
        )
    return pa.concat_tables([table.unify_dictionaries() for table in tables])


@derived(
    reads=_READS,
    columns=["energy_station", "day", "missing"],
    grain=["energy_station", "day"],
    period="month",
    time="day",
    by_partition=True,
    title_zh="无法规划的日子",
    title_en="Days without a plan",
)
def plan_gap(slot: Slot, horizon: pa.Table, **tables: pa.Table) -> pa.Table:
    """The days of a station that should be planned and cannot be, and what is missing: a demand, the weather, a price, what PV
    and wind can give (`available`)."""
    rows = []
    last = last_of(horizon)
    first = min(((row["first_day"] - EPOCH).days for row in horizon.to_pylist()), default=last + 1)
    for case in cases(slot.calendar, tables):
        rows += [
            {"energy_station": case.name, "day": EPOCH + timedelta(days=day), "missing": word}
            for day, word in sorted(case.missing.items())
            if first <= day <= last
        ]
    return pa.Table.from_pylist(rows, schema=plan_gap.schema)


@derived(
    reads=_READS,
    columns=["energy_station", "day", "front_point", "carbon_weight", "cost", "emission", "origin", "stand_in"],
    grain=["energy_station", "day", "front_point"],
    period="month",
    time="day",
    by_partition=True,
    title_zh="费用与碳的前沿",
    title_en="Front of cost and carbon",
)
def front(slot: Slot, horizon: pa.Table, **tables: pa.Table) -> pa.Table:
    """What a station's day costs and emits at best, from the cheapest plan to the cleanest: plans that take a kg of carbon
    dioxide to be worth more and more. Of the newest 7 days; least loads and times are left out. None where no factor holds."""
    rows = []
    for case in cases(slot.calendar, tables):
        for day, part in planned_days(case, horizon, FRONT_DAYS):
            if not case.carbon_known[part].all():
                continue
            given = case.cut(part, QUARTERS)
            for at, (cost, emission) in enumerate(_front(case, given)):
                rows.append((case.name, day, at, WEIGHTS[at], cost, emission, bool(case.stand_in[part].any())))
    if not rows:
        return front.schema.empty_table()
    names, days, points, weights, costs, emissions, stands = (list(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "energy_station": pa.array(names, pa.string()),
            "day": pa.array(np.array(days, np.int32)).cast(pa.date32()),
            "front_point": pa.array(points),
            "carbon_weight": pa.array(weights),
            "cost": decimals(np.array(costs)),
            "emission": decimals(np.array(emissions)),
            "origin": pa.array(["modelled"] * len(names), pa.string()),
            "stand_in": pa.array(stands),
        }
    )


def _front(case: Case, given: Given) -> list[tuple[float, float]]:
    def make() -> list[tuple[float, float]]:
        station = station_of(case.name, case.units, case.demands, given, relaxed=True)
        try:
            return [(found.cost, found.carbon) for found in weighed(station, [Weights(1.0, weight) for weight in WEIGHTS])]
        except Unsolved:  # what cannot be met has no front
            return []

    return _once(_digest(case, given, "front"), make)


@derived(
    reads=_READS,
    columns=[
        *("energy_station", "year", "course", "station_unit", "carrier", "energy_given", "energy_taken", "unit_peak"),
        *("cost", "emission", "origin", "stand_in"),
    ],
    grain=["energy_station", "year", "course", "station_unit", "carrier"],
    period="year",
    time="year",
    by_partition=True,
    title_zh="全年设计运行",
    title_en="A year for design",
)
def design(slot: Slot, horizon: pa.Table, **tables: pa.Table) -> pa.Table:
    """What each unit does over all hours of the newest whole year, at least cost seen all at once (`plan`), and by the rule.

    Hours, not quarters; least loads and times are left out of the plan, not of the rule. Stores end the year as full as they
    began. A year of which an hour is missing has no rows: it would be no year.
    """
    years = {row["design_year"] for row in horizon.to_pylist()}
    year = int(slot.part.period)
    whole = slot.calendar.hours(slot.start, slot.end)[0].size
    held = cases(slot.calendar, tables) if year in years else []
    found = [case for case in held if case.hours.size == whole and not case.missing]
    done = in_parallel(lambda case: _once(_digest(case, case.given, "design"), lambda: _year(case)), found)
    parts = [_design_rows(case, year, courses) for case, courses in zip(found, done, strict=True)]
    return pa.concat_tables(parts) if parts else design.schema.empty_table()


def _year(case: Case) -> tuple[Course, Course]:
    given = case.cut(slice(0, case.hours.size), 1)
    relaxed = station_of(case.name, case.units, case.demands, given, relaxed=True)
    run = run_rule(station_of(case.name, case.units, case.demands, given), rule_of(case.units, case.demands, given))
    return outcome.course(outcome.best(relaxed)), outcome.course(run.plan)


def _design_rows(case: Case, year: int, courses: tuple[Course, Course]) -> pa.Table:
    rows = []
    known = bool(case.carbon_known.all())
    for name, told in zip(COURSES, courses, strict=True):
        given, taken = np.maximum(told.power, 0.0), np.maximum(-told.power, 0.0)
        for at, key in enumerate(zip(told.units, told.carriers, strict=True)):
            peak = given[at].max() or taken[at].max()
            sums = given[at].sum(), taken[at].sum(), peak, told.cost[at].sum()
            rows.append((name, *key, *sums, told.emission[at].sum() if known else np.nan))
    rows.sort(key=lambda row: row[:3])
    numbers = np.array([row[3:] for row in rows])
    count = len(rows)
    return pa.table(
        {
            "energy_station": pa.array([case.name] * count, pa.string()),
            "year": pa.array([year] * count, pa.int64()),
            **{
                column: pa.array([row[at] for row in rows], pa.string())
                for at, column in enumerate(("course", "station_unit", "carrier"))
            },
            **{
                column: decimals(numbers[:, at])
                for at, column in enumerate(("energy_given", "energy_taken", "unit_peak", "cost", "emission"))
            },
            "origin": pa.array(["modelled"] * count, pa.string()),
            "stand_in": pa.array([bool(case.stand_in.any())] * count),
        }
    )
