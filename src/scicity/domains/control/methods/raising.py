"""Warnings by rule from rows: budgets month by month, days one by one.

Values and limits [%] of a budget or of a usual day; days since 1970 [d].

Source: rules of this project (`control.warning_rule`); the states after ISA-18.2 (unverified), see `alarm`.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.control.methods import alarm
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Slot

EPOCH = date(1970, 1, 1)
MONTHS = 12
WEEK, USUAL_WEEKS, LEAST_WEEKS = 7, 4, 3
PERCENT = 100.0
FULL = 0.99  # of a day: less tells nothing of it
ROOT = "district"
DIGITS = 6
VALUE = {"forecast_over_budget": "forecast_share", "intensity_over_budget": "forecast_share", "share_ahead": "ahead"}


def over_budgets(
    slot: Slot, burn: pa.Table, rules: pa.Table, buildings: pa.Table, measures: pa.Table, schema: pa.Schema
) -> pa.Table:
    """The rows of `control.budget_warning` of one year."""
    year = int(slot.part.period)
    per_area = {row["budget_measure"]: row["per_area"] for row in measures.to_pylist()}
    zones = _zones(buildings)
    held: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in burn.to_pylist():
        if row["month"].year != year:
            continue
        key = (row["scope_kind"], row["scope"], row["budget_measure"])
        about = held.setdefault(
            key, {name: np.full(MONTHS, np.nan) for name in ("forecast_share", "ahead")} | {"stand_in": False}
        )
        about["stand_in"] |= bool(row["stand_in"])
        if row["used"] is None:
            continue  # a month of which nothing is known tells nothing new
        for name in ("forecast_share", "ahead"):
            about[name][row["month"].month - 1] = np.nan if row[name] is None else row[name]
    steps = np.array([(date(year, month, monthrange(year, month)[1]) - EPOCH).days for month in range(1, MONTHS + 1)])
    rows: list[dict[str, Any]] = []
    for rule in rules.to_pylist():
        if rule["threshold_kind"] not in VALUE:
            continue
        keys = [key for key in held if _concerns(rule, key[0], key[2])]
        if rule["threshold_kind"] == "intensity_over_budget":
            keys = [key for key in keys if per_area.get(key[2])]
        elif rule["threshold_kind"] == "forecast_over_budget":
            keys = [key for key in keys if not per_area.get(key[2])]
        values = np.array([held[key][VALUE[rule["threshold_kind"]]] for key in keys]).reshape(len(keys), MONTHS)
        told = [
            {
                "scope_kind": k,
                "scope": h,
                "budget_measure": m,
                "carrier": None,
                "zone": zones(k, h),
                "stand_in": held[k, h, m]["stand_in"],
            }
            for k, h, m in keys
        ]
        raised = _raised(slot.calendar, rule, told, values, steps)
        over = {key for key, value in zip(keys, values, strict=True) if not np.isnan(value[-1])}
        for row in raised:
            if row["cleared_on"] is None and (row["scope_kind"], row["scope"], row["budget_measure"]) in over:
                row["cleared_on"] = date(year + 1, 1, 1)  # a budget's warning goes with its year
        rows += raised
    return pa.Table.from_pylist(rows, schema=schema)


def over_days(
    slot: Slot, buildings_daily: pa.Table, zones_daily: pa.Table, rules: pa.Table, buildings: pa.Table, schema: pa.Schema
) -> pa.Table:
    """The rows of `control.day_warning` of one year."""
    year = int(slot.part.period)
    begin, end = ((date(each, 1, 1) - EPOCH).days for each in (year, year + 1))
    asked = [rule for rule in rules.to_pylist() if rule["threshold_kind"] in ("sudden_day", "stale")]
    if not asked:
        return schema.empty_table()
    zones = _zones(buildings)
    series = [_series(rows, key) for rows, key in ((buildings_daily, "building"), (zones_daily, "zone"))]
    reach = [each.first + each.energy.shape[1] - 1 for each in series if each.energy.size]
    if not reach:
        return schema.empty_table()
    rows: list[dict[str, Any]] = []
    for each, kind in zip(series, ("building", "zone"), strict=True):
        if not each.energy.size:
            continue
        more = ((0, 0), (0, max(reach) - each.first - each.energy.shape[1] + 1))
        energy, some = np.pad(each.energy, more, constant_values=np.nan), np.pad(each.some, more)
        steps = each.first + np.arange(energy.shape[1])
        about = [
            {
                "scope_kind": "district" if kind == "zone" and name == ROOT else kind,
                "scope": name,
                "budget_measure": "energy",
                "carrier": carrier,
                "zone": zones(kind, name),
                "stand_in": bool(mark),
            }
            for (name, carrier), mark in zip(each.names, each.stand_in, strict=True)
        ]
        values = {"sudden_day": against_usual(energy), "stale": days_without(some)}
        for rule in asked:
            chosen = [at for at, one in enumerate(about) if _concerns(rule, one["scope_kind"], "energy")]
            picked = values[rule["threshold_kind"]][chosen]
            rows += _raised(slot.calendar, rule, [about[at] for at in chosen], picked, steps)
    inside = [row for row in rows if begin <= (row["since"] - EPOCH).days < end]
    return pa.Table.from_pylist(inside, schema=schema)


def against_usual(energy: np.ndarray) -> np.ndarray:
    """Each day in per cent of the middle of the same weekday of the four weeks before (series, days).

    NaN where fewer than three of them are known, or their middle is not above 0.
    """
    found = np.full((USUAL_WEEKS, *energy.shape), np.nan)
    for back in range(1, USUAL_WEEKS + 1):
        if back * WEEK < energy.shape[1]:
            found[back - 1, :, back * WEEK :] = energy[:, : -back * WEEK]
    count = np.count_nonzero(~np.isnan(found), axis=0)
    ordered = np.sort(found, axis=0)  # NaN last
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(np.maximum(count // 2, 0), USUAL_WEEKS - 1)
    middle = (np.take_along_axis(ordered, low[None], 0)[0] + np.take_along_axis(ordered, high[None], 0)[0]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((count >= LEAST_WEEKS) & (middle > 0), PERCENT * energy / middle, np.nan)


def days_without(some: np.ndarray) -> np.ndarray:
    """How many days each day is behind the last one of which anything is known (series, days) bool; NaN before the first."""
    place = np.arange(some.shape[1])
    last = np.maximum.accumulate(np.where(some, place, -1), axis=1)
    return np.where(last >= 0, place - last, np.nan).astype(np.float64)


@dataclass(frozen=True)
class Days:
    """Daily energy (series, days) [kWh], NaN where not wholly known; whether any of it is; the first day [days since 1970]."""

    names: list[tuple[str, str]]
    energy: np.ndarray
    some: np.ndarray
    first: int
    stand_in: np.ndarray


def _series(rows: pa.Table, key: str) -> Days:
    if rows.num_rows == 0:
        nothing = np.zeros((0, 0))
        return Days([], nothing, nothing.astype(bool), 0, np.zeros(0, dtype=bool))
    name, carrier = (rows.column(column).combine_chunks().dictionary_encode() for column in (key, "carrier"))
    kinds = carrier.dictionary.to_pylist()
    code = name.indices.to_numpy().astype(np.int64) * len(kinds) + carrier.indices.to_numpy()
    present, at = np.unique(code, return_inverse=True)
    day = rows.column("day").cast(pa.int32()).to_numpy()
    first = int(day.min())
    energy = np.full((len(present), int(day.max()) - first + 1), np.nan)
    some = np.zeros(energy.shape, dtype=bool)
    value = rows.column("energy").cast(pa.float64()).to_numpy()
    coverage = rows.column("coverage").fill_null(0.0).to_numpy()
    covered = coverage >= FULL
    energy[at[covered], day[covered] - first] = value[covered]
    known = coverage > 0
    some[at[known], day[known] - first] = True
    marked = np.zeros(len(present), dtype=bool)
    marked[at[rows.column("stand_in").fill_null(False).to_numpy(zero_copy_only=False)]] = True
    names = name.dictionary.to_pylist()
    return Days(
        [(names[each // len(kinds)], kinds[each % len(kinds)]) for each in present.tolist()], energy, some, first, marked
    )


def _raised(
    calendar: Calendar, rule: dict[str, Any], about: list[dict[str, Any]], values: np.ndarray, steps: np.ndarray
) -> list[dict[str, Any]]:
    """The warnings of one rule over series of values, each step being a day [days since 1970]."""
    if not len(about):
        return []
    size = np.ones(len(about))
    threshold, band = rule["threshold"] * size, (rule["dead_band"] or 0.0) * size
    found = alarm.episodes(values, threshold, band, (rule["delay_steps"] or 0) * size.astype(np.int64))
    latest = _latest(values)
    rows = []
    for series, begin, end, worst in zip(found.series, found.begin, found.end, found.value, strict=True):
        since = EPOCH + timedelta(days=int(steps[begin]))
        if not _valid(calendar, rule, since):
            continue
        each = about[series]
        name = "|".join(
            (rule["rule"], each["scope_kind"], each["scope"], each["budget_measure"], each["carrier"] or "", since.isoformat())
        )
        rows.append(
            {
                **each,
                **{column: rule[column] for column in ("rule", "threshold_kind", "severity")},
                "warning": name,
                "since": since,
                "cleared_on": None if end < 0 else EPOCH + timedelta(days=int(steps[end])),
                "worst": round(float(worst), DIGITS),
                "limit": rule["threshold"],
                "symbol": "d" if rule["threshold_kind"] == "stale" else "%",
                "latest": None if np.isnan(latest[series]) else round(float(latest[series]), DIGITS),
            }
        )
    return rows


def _latest(values: np.ndarray) -> np.ndarray:
    place = np.where(np.isnan(values), -1, np.arange(values.shape[1])).max(axis=1)
    return np.where(place >= 0, values[np.arange(len(values)), np.maximum(place, 0)], np.nan)


def _valid(calendar: Calendar, rule: dict[str, Any], day: date) -> bool:
    instant = datetime.fromtimestamp(calendar.instant(day) / 1e6, UTC)
    return rule["valid_from"] <= instant and (rule["valid_to"] is None or instant < rule["valid_to"])


def _concerns(rule: dict[str, Any], kind: str, measure: str) -> bool:
    return rule["scope_kind"] in (None, kind) and rule["budget_measure"] in (None, measure)


def _zones(buildings: pa.Table) -> Any:
    of_building = {row["building"]: row["zone"] for row in buildings.to_pylist()}
    return lambda kind, name: of_building.get(name) if kind == "building" else (name if kind == "zone" else ROOT)
