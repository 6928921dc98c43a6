"""Tariffs of energy: dated prices of the time of use, who pays which since when, and what they mean for each hour."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.energy.methods import tariffs, trees
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Slot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

REVIEW = ("verified", "unverified")
BANDS = ("sharp", "peak", "flat", "valley", "deep_valley", "single", tariffs.DEMAND)
EPOCH = date(1970, 1, 1)
CARRIERS = ("electricity", "natural_gas", "heat")
_HOURS = ("month_from", "month_to", "day_kind", "hour_from", "hour_to")


def _check_tariffs(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    versions: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        demand = row["band"] == tariffs.DEMAND
        needed = ("demand_price",) if demand else ("price", *_HOURS)
        missing = [column for column in needed if row[column] is None]
        for column in missing:
            expected = "a price per kW" if demand else "a value, as this is a price per kWh"
            problems.add("value-missing", row["source_file"], row["source_row"], column, expected=expected)
        if not missing:
            versions.setdefault((row["tariff"], row["carrier"], row["valid_from"], row["valid_to"]), []).append(row)
    for rows in versions.values():
        for place, found in tariffs.faults(rows):
            where = (rows[place]["source_file"], rows[place]["source_row"], "hour_from")
            problems.add("tariff", *where, found=found, expected="one price for each hour of every month")
    spans: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for name, carrier, start, end in versions:
        spans.setdefault((name, carrier), []).append((start, end))
    for (name, carrier), of_tariff in spans.items():
        dated = sorted(of_tariff, key=lambda span: (span[0], span[1] is None, span[1]))
        for earlier, later in itertools.pairwise(dated):
            if earlier[1] is None or earlier[1] > later[0]:
                row = versions[name, carrier, *later][0]
                where = (row["source_file"], row["source_row"], "valid_from")
                problems.add("periods-overlap", *where, found=later[0].isoformat(), expected="not before the one before ends")


tariff = source(
    "energy.tariff",
    path="registers/tariffs.csv",
    columns=[
        *(
            "tariff",
            "carrier",
            "band",
            *_HOURS,
            "price",
            "demand_price",
            "valid_from",
            "valid_to",
            "document",
            "review",
            "source",
        ),
    ],
    optional=(*_HOURS, "price", "demand_price", "valid_to", "source"),
    grain=["tariff", "carrier", "valid_from", "band", *_HOURS],
    choices={"band": BANDS, "review": REVIEW, "day_kind": (*tariffs.KINDS, "all"), "carrier": CARRIERS},
    ranges={"month_from": (1, 12), "month_to": (1, 12), "hour_from": (0, 23), "hour_to": (1, 24), "price": (-100, 100)},
    check=_check_tariffs,
    title_zh="电价与能源价格",
    title_en="Tariffs",
    doc="Prices of energy by season, kind of day and hour, and of the highest power of a month, each with its document "
    "and the time for which it holds. Each version of a tariff has one price for each hour of every month.",
)


def _check_choices(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    known = {(row["tariff"], row["carrier"]) for row in tables["energy.tariff"].to_pylist()}
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        if (row["building"] is None) == (row["enterprise"] is None):
            found = "both" if row["building"] else "neither"
            problems.add("choice", *where, "building", found=found, expected="either a building or an enterprise")
        if row["tariff"] and row["carrier"] and (row["tariff"], row["carrier"]) not in known:
            expected = f"a tariff of {row['carrier']} in registers/tariffs.csv"
            problems.add("reference", *where, "tariff", found=row["tariff"], expected=expected)


tariff_choice = source(
    "energy.tariff_choice",
    path="registers/tariff_choices.csv",
    columns=["building", "enterprise", "carrier", "tariff", "valid_from", "valid_to", "source"],
    optional=("building", "enterprise", "valid_to", "source"),
    grain=["building", "enterprise", "carrier", "valid_from"],
    key_of_period=("building", "enterprise", "carrier"),
    during=("valid_from", "valid_to"),
    references={"building": "buildings.building.building", "enterprise": "buildings.enterprise.enterprise"},
    choices={"carrier": CARRIERS},
    check=_check_choices,
    title_zh="适用价格",
    title_en="Tariffs that are paid",
    doc="Which tariff a building or an enterprise pays for a carrier, since when and until when (half-open, by local days).",
)

day_kind_register = source(
    "energy.day_kind",
    path="registers/day_kinds.csv",
    columns=["day", "day_kind", "source"],
    optional=("source",),
    grain=["day"],
    choices={"day_kind": tariffs.KINDS},
    title_zh="节假日与调休",
    title_en="Kinds of days",
    doc="Days that are not what their weekday says: holidays are `rest`, weekends that are worked are `working`.",
)


def _day(moment: datetime | None, calendar: Calendar, missing: date) -> date:
    """The local day in which an instant lies; prices change with the day."""
    if moment is None:
        return missing
    return EPOCH + timedelta(days=int(calendar.days(np.array([round(moment.timestamp() * 1e6)]))[0]))


def _days(row: dict[str, Any], calendar: Calendar) -> tuple[date, date]:
    after = _day(row["valid_to"], calendar, trees.LAST_DAY + trees.DAY)
    return _day(row["valid_from"], calendar, trees.FIRST_DAY), after - trees.DAY


@derived(
    reads={"tariffs_": Read("energy.tariff", trace={"tariff": "tariff", "carrier": "carrier"})},
    columns=[
        *("tariff", "carrier", "first_day", "last_day", "month_of_year", "day_kind", "hour_of_day", "band", "price", "review"),
    ],
    grain=["tariff", "carrier", "first_day", "month_of_year", "day_kind", "hour_of_day"],
    by_partition=True,
    title_zh="逐时价格",
    title_en="Prices by hour",
)
def tariff_hour(slot: Slot, tariffs_: pa.Table) -> pa.Table:
    """Which band and price [CNY/kWh] each tariff has in each hour of each month, on working days and days of rest."""
    found = []
    for rows in _versions(tariffs_):
        priced = [row for row in rows if row["band"] != tariffs.DEMAND]
        for cell in tariffs.laid_out(priced):
            row = priced[cell.row]
            first, last = _days(row, slot.calendar)
            found.append(
                {
                    **{name: row[name] for name in ("tariff", "carrier", "band", "price", "review")},
                    "first_day": first,
                    "last_day": last,
                    "month_of_year": cell.month,
                    "day_kind": cell.day_kind,
                    "hour_of_day": cell.hour,
                }
            )
    return pa.Table.from_pylist(found, schema=tariff_hour.schema)


def _versions(table: pa.Table) -> Iterable[list[dict[str, Any]]]:
    versions: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        versions.setdefault((row["tariff"], row["carrier"], row["valid_from"]), []).append(row)
    return versions.values()


@derived(
    reads={
        "tariffs_": Read("energy.tariff", trace={"tariff": "tariff", "carrier": "carrier"}),
        "uses": Read("energy.tariff_choice", trace={"building": "building", "enterprise": "enterprise", "carrier": "carrier"}),
    },
    columns=["building", "enterprise", "carrier", "first_day", "last_day", "tariff", "demand_price", "review"],
    grain=["building", "enterprise", "carrier", "first_day"],
    by_partition=True,
    title_zh="价格适用期",
    title_en="Tariffs in use",
)
def tariff_in_use(slot: Slot, tariffs_: pa.Table, uses: pa.Table) -> pa.Table:
    """Which version of which tariff a building or enterprise pays on which days, and its price of power [CNY/kW]; days
    included.
    """
    versions: dict[tuple[str, str], list[tuple[date, date, Any, Any]]] = {}
    for rows in _versions(tariffs_):
        demand = next((row["demand_price"] for row in rows if row["band"] == tariffs.DEMAND), None)
        review = min(row["review"] for row in rows)  # `unverified` stands before `verified`
        key = (rows[0]["tariff"], rows[0]["carrier"])
        versions.setdefault(key, []).append((*_days(rows[0], slot.calendar), demand, review))
    found = []
    for use in uses.to_pylist():
        first, last = _days(use, slot.calendar)
        for start, end, demand, review in versions.get((use["tariff"], use["carrier"]), ()):
            if max(first, start) <= min(last, end):
                told = {"first_day": max(first, start), "last_day": min(last, end), "demand_price": demand, "review": review}
                who = {name: use[name] for name in ("building", "enterprise")}
                found.append({**who, **told, "carrier": use["carrier"], "tariff": use["tariff"]})
    return pa.Table.from_pylist(found, schema=tariff_in_use.schema)


@derived(
    reads={"uses": Read("energy.tariff_in_use", columns=("first_day", "last_day"))},
    columns=["first_day", "last_day"],
    grain=["first_day"],
    by_partition=True,
    title_zh="价格不变的时段",
    title_en="Days on which no price changes",
)
def tariff_period(slot: Slot, uses: pa.Table) -> pa.Table:
    """Stretches of days within which nobody's tariff changes; together they are all days, where anybody has a tariff."""
    rows = uses.to_pylist()
    begins = {trees.FIRST_DAY} | {row["first_day"] for row in rows} | {row["last_day"] + trees.DAY for row in rows}
    first = sorted(day for day in begins if rows and day <= trees.LAST_DAY)
    last = [day - trees.DAY for day in first[1:]] + [trees.LAST_DAY] * bool(first)
    return pa.table([first, last], schema=tariff_period.schema)
