"""Tables of anomalies: what stands out in a building's year, and what it is worth."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.baselines import LIMITS, YEAR_BEFORE, days_of, limits_of
from scicity.domains.diagnosis.methods import anomalies, frames
from scicity.domains.diagnosis.methods.anomalies import Findings
from scicity.domains.diagnosis.methods.arrays import Floats, Ints
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

Names = list[tuple[Any, ...]]
_MODELS = Read(
    "diagnosis.baseline",
    columns=(
        *("building", "carrier", "year", "cv_rmse", "days", "effective_days", "parameter_count"),
        *("step_share", "step_day"),
    ),
    margin=YEAR_BEFORE,
)
KEY = ["building", "carrier"]


class Sheet:
    """Rows of days as series x days: names, and a matrix for each column that is asked for."""

    def __init__(self, rows: pa.Table, first: int, length: int) -> None:
        self.rows, self.first, self.length = rows, first, length
        self.names, self.which = frames.series(rows, KEY)
        self.day = frames.day_numbers(rows)

    def column(self, name: str) -> Floats:
        """A column (S, D); NaN where there is no row."""
        value = frames.numbers(self.rows, name)
        return frames.by_day(value, self.which, self.day, len(self.names), self.first, self.length)

    @property
    def stands_in(self) -> Ints:
        """Which series hold stand-in data (S,), as 0 and 1."""
        return np.nan_to_num(self.column("stand_in")).max(axis=1, initial=0).astype(np.int64)


@derived(
    reads={
        "loads": "diagnosis.load_daily",
        "shapes": Read("diagnosis.shape_daily", columns=("building", "carrier", "day", "energy", "day_hours", "stand_in")),
        "expected": Read(
            "diagnosis.expected_daily",
            columns=("building", "carrier", "day", "energy", "expected_energy", "baseline_year", "coverage", "stand_in"),
        ),
        "models": _MODELS,
        "heats": "diagnosis.warm_heat_daily",
        "limits": LIMITS,
    },
    columns=[
        *("building", "carrier", "anomaly_kind", "first_day", "last_day", "year", "days", "excess_energy"),
        *("observed_load", "usual_load", "limit_load", "stand_in"),
    ],
    grain=["building", "carrier", "anomaly_kind", "first_day"],
    period="year",
    time="first_day",
    by_partition=True,
    title_zh="用能异常",
    title_en="Anomalies",
)
def anomaly(
    slot: Slot, loads: pa.Table, shapes: pa.Table, expected: pa.Table, models: pa.Table, heats: pa.Table, limits: pa.Table
) -> pa.Table:
    """What stands out in a building's year, each with its days, the load seen, the usual one, the limit, and its energy.

    Nights in a row above their limit; rest days that run like working days; heat while it is warm; use that drifted from the
    model of the year before; a lasting step. One and the same energy may lie behind two kinds: they are not to be added up.
    """
    first, length = days_of(slot)
    rule = limits_of(limits)
    load, shape, told, heat = (Sheet(rows, first, length) for rows in (loads, shapes, expected, heats))
    parts = [
        _table("night_load", load, _nights(load, rule)),
        _table("left_on", load, _rests(load, rule)),
        _table("simultaneous", heat, _heat(heat, shape, rule)),
        _table("drift", told, _drift(told, models, rule)),
        _table("step", shape, _steps(shape, models, rule)),
    ]
    return pa.concat_tables(parts)


def _table(kind: str, sheet: Sheet, found: Findings) -> pa.Table:
    """Findings as rows of the table."""
    names = [sheet.names[number] for number in found.series]
    day = sheet.first + found.first
    return pa.table(
        {
            "building": pa.array([building for building, _ in names], pa.string()),
            "carrier": pa.array([carrier for _, carrier in names], pa.string()),
            "anomaly_kind": pa.array([kind] * len(names), pa.string()),
            "first_day": frames.dates(day),
            "last_day": frames.dates(sheet.first + found.last),
            "year": pa.array([frames.year_of(sheet.first)] * len(names), pa.int64()),
            "days": pa.array(found.days, pa.int64()),
            "excess_energy": pa.array(found.excess, pa.float64()),
            "observed_load": pa.array(found.seen, pa.float64()),
            "usual_load": pa.array(found.usual, pa.float64()),
            "limit_load": pa.array(found.limit, pa.float64()),
            "stand_in": pa.array(sheet.stands_in[found.series] > 0, pa.bool_()),
        },
        schema=anomaly.schema,
    )


def _nights(load: Sheet, rule: dict[str, float]) -> Findings:
    return anomalies.beyond(
        *(load.column(name) for name in ("night_load", "usual_night", "night_limit", "night_hours")),
        fewest=round(rule["night_run"]),
    )


def _rests(load: Sheet, rule: dict[str, float]) -> Findings:
    rest = load.column("rest")
    days = np.flatnonzero((np.nan_to_num(rest) > 0).any(axis=0))
    columns = (load.column(name)[:, days] for name in ("work_load", "usual_rest", "rest_limit", "work_hours"))
    return anomalies.at_days(anomalies.beyond(*columns, fewest=1), days)


def _heat(heat: Sheet, shape: Sheet, rule: dict[str, float]) -> Findings:
    """Of each series only the days that have warm hours count as neighbours."""
    load, hours = heat.column("heat_load"), heat.column("warm_hours")
    days = np.flatnonzero(np.isfinite(load).any(axis=0))
    high = anomalies.high_load(whole_energy(shape))
    of = dict(zip(shape.names, high, strict=True))
    mine = np.array([of.get(name, np.nan) for name in heat.names], dtype=float)
    return anomalies.at_days(anomalies.warm_heat(load[:, days], hours[:, days], mine, rule), days)


def whole_energy(shape: Sheet) -> Floats:
    """The energy of days (S, D) [kWh] of which enough hours are known, as of whole days."""
    hours = shape.column("day_hours")
    return np.where(hours >= LEAST_HOURS, shape.column("energy") * frames.HOURS / np.maximum(hours, 1), np.nan)


LEAST_HOURS = 22  # of a day: fewer tell too little of it


def _drift(told: Sheet, models: pa.Table, rule: dict[str, float]) -> Findings:
    this = frames.year_of(told.first)
    before = np.where(told.column("baseline_year") == this - 1, 1.0, np.nan)
    covered = np.where(np.nan_to_num(told.column("coverage")) >= rule["day_coverage"], 1.0, np.nan)
    held = {(row["building"], row["carrier"]): row for row in models.to_pylist() if row["year"] == this - 1}
    rows = [held.get(name, {}) for name in told.names]
    fit = anomalies.Fit(*(_numbers(rows, name) for name in ("cv_rmse", "days", "effective_days", "parameter_count")))
    return anomalies.drifts(told.column("energy") * before * covered, told.column("expected_energy"), fit, rule)


def _steps(shape: Sheet, models: pa.Table, rule: dict[str, float]) -> Findings:
    this = frames.year_of(shape.first)
    held = {(row["building"], row["carrier"]): row for row in models.to_pylist() if row["year"] == this and row["step_day"]}
    rows = [held.get(name, {}) for name in shape.names]
    since = np.array([frames.day_of(row["step_day"]) - shape.first if row else -1 for row in rows], dtype=np.int64)
    return anomalies.steps(whole_energy(shape), _numbers(rows, "step_share"), since, rule)


def _numbers(rows: list[dict[str, Any]], name: str) -> Floats:
    return np.array([np.nan if row.get(name) is None else float(row[name]) for row in rows], dtype=float)


@derived(
    reads={
        "found": Read(
            "diagnosis.anomaly",
            columns=("building", "carrier", "anomaly_kind", "first_day", "year", "days", "excess_energy", "stand_in"),
        ),
        "emissions": Read("carbon.emission_yearly", columns=("building", "carrier", "year", "energy", "emission", "review")),
        "costs": Read("energy.cost_total_monthly", columns=("building", "carrier", "month", "energy", "cost")),
    },
    columns=[
        *("building", "carrier", "anomaly_kind", "year", "anomalies", "days", "excess_energy", "excess_emission"),
        *("excess_cost", "priority", "review", "stand_in"),
    ],
    grain=["building", "carrier", "anomaly_kind", "year"],
    period="year",
    time="year",
    title_zh="措施排序",
    title_en="Ranked measures",
)
def measure_ranked(found: Any, emissions: Any, costs: Any) -> Any:
    """What each kind of anomaly of a building cost in a year: energy, carbon dioxide and money at the means of its year.

    Carbon dioxide at emission over energy, money at cost over energy of the months whose cost is known: what was used
    at night was cheaper than that.

    The first is the one worth most carbon dioxide; those whose factor is unknown stand behind, by their energy. Two kinds may
    be about the same energy, so that ranks are compared and not added up.
    """
    sums = found.group_by("building", "carrier", "anomaly_kind", "year").agg(
        anomalies=found.count(), days=found.days.sum(), excess_energy=found.excess_energy.sum(), stand_in=found.stand_in.max()
    )
    whole = emissions.group_by("building", "carrier", "year").agg(
        emission=emissions.emission.sum(), energy=emissions.energy.sum(), review=emissions.review.min()
    )
    rows = sums.left_join(whole, ["building", "carrier", "year"])
    mean = rows.emission.cast("float64") / rows.energy.cast("float64").nullif(0.0)
    rows = rows.mutate(excess_emission=rows.excess_energy * mean)
    priced = costs.filter(costs.cost.notnull(), costs.energy.notnull()).mutate(year=costs.month.year().cast("int64"))
    paid = priced.group_by("building", "carrier", "year").agg(paid=priced.cost.sum(), bought=priced.energy.sum())
    rows = rows.drop("building_right", "carrier_right", "year_right").left_join(paid, ["building", "carrier", "year"])
    price = rows.paid.cast("float64") / rows.bought.cast("float64").nullif(0.0)
    rows = rows.mutate(excess_cost=rows.excess_energy * price)
    order = [
        ibis.coalesce(rows.excess_emission, -1.0).desc(), rows.excess_energy.desc(), rows.building, rows.carrier,
        rows.anomaly_kind,
    ]  # fmt: skip
    return rows.mutate(priority=ibis.row_number().over(group_by=rows.year, order_by=order).cast("int64") + 1)
