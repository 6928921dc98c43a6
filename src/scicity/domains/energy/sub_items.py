"""What the energy of buildings is used for: sub-items of lighting, air conditioning, power and special uses."""

from __future__ import annotations

from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.energy.enterprises import LEDGER, METERS, head_rows, renamed
from scicity.domains.energy.methods import trees
from scicity.domains.energy.methods.accounts import ACCOUNT, covered, known
from scicity.domains.energy.methods.shares import shared_by_day, shared_by_period
from scicity.kernel.computing import Slot
from scicity.kernel.district import check_above
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

UNASSIGNED = "unassigned"
REVIEW = ("verified", "unverified")
WHOLE = "district"


def _check_items(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    check_above(table, "sub_item", "parent", problems)


sub_item = source(
    "energy.sub_item",
    packaged=__file__,
    path="standards/sub_items.csv",
    columns=["sub_item", "parent", "name_zh", "name_en", "document", "review", "note"],
    optional=("parent", "note"),
    grain=["sub_item"],
    references={"parent": "energy.sub_item.sub_item"},
    choices={"review": REVIEW},
    check=_check_items,
    title_zh="分项",
    title_en="Sub-items",
    doc="What energy is used for: the sub-items by which public buildings are metered, in four groups.",
)


def _check_uses(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    ways = trees.chains(tables["energy.meter"].to_pylist())
    for row in table.to_pylist():
        if row["meter"] is not None and row["meter"] not in ways:
            expected = "a main meter, or a sub-meter that one stands above (`parent` in registers/meters.csv)"
            problems.add("reference", row["source_file"], row["source_row"], "meter", found=row["meter"], expected=expected)


sub_item_use = source(
    "energy.sub_item_use",
    path="registers/sub_items.csv",
    columns=["meter", "sub_item", "valid_from", "valid_to", "source"],
    optional=("valid_to", "source"),
    grain=["meter", "valid_from"],
    key_of_period=("meter",),
    during=("valid_from", "valid_to"),
    references={"meter": "energy.meter.meter", "sub_item": "energy.sub_item.sub_item"},
    check=_check_uses,
    title_zh="计量表的分项",
    title_en="What a meter's energy is used for",
    doc="Which sub-item a meter feeds, since when and until when (half-open; an hour by its begin). What stands below it goes "
    "with it, unless it has a row of its own.",
)


@derived(
    reads={
        "meters": METERS,
        "uses": Read("energy.sub_item_use", columns=("meter", "sub_item", "valid_from", "valid_to")),
    },
    columns=[
        *("meter", "sub_item", "above", "above_sub_item", "first_day", "last_day", "valid_from", "valid_to", "whole_days"),
    ],
    grain=["meter", "valid_from"],
    by_partition=True,
    title_zh="各分项计量表",
    title_en="Meters that stand for sub-items",
)
def meter_use(slot: Slot, meters: pa.Table, uses: pa.Table) -> pa.Table:
    """Which meters stand for which sub-item when, and from whose energy theirs is taken off; as energy.meter_owner."""
    return pa.Table.from_pylist(head_rows(slot, meters, uses, "sub_item"), schema=meter_use.schema)


@derived(
    reads={
        "hourly": LEDGER,
        "daily": "energy.meter_daily",
        "meters": Read("energy.meter", columns=("meter", "carrier", "role"), key="meter"),
        "uses": Read("energy.meter_use", during=("valid_from", "valid_to"), key="meter"),
    },
    columns=["building", "carrier", "sub_item", "day", *ACCOUNT],
    grain=["building", "carrier", "sub_item", "day"],
    period="month",
    time="day",
    title_zh="建筑分项逐日能耗",
    title_en="Sub-items of buildings by day",
)
def sub_item_daily(hourly: Any, daily: Any, meters: Any, uses: Any) -> Any:
    """Energy of a building by what it is used for: its sub-items, what is `unassigned`, and what nobody can tell.

    Together they are what the building took, to the last digit. Where a sub-item's meter or the one above it is not wholly
    known on a day, the rest of that day is `unattributed`.
    """
    heads = renamed(uses, {"label": "sub_item", "above_label": "above_sub_item"})
    return renamed(shared_by_day(hourly, daily, meters, heads, UNASSIGNED), {"sub_item": "label"})


@derived(
    reads={"daily": "energy.sub_item_daily"},
    columns=["building", "carrier", "sub_item", "month", *ACCOUNT],
    grain=["building", "carrier", "sub_item", "month"],
    period="year",
    time="month",
    title_zh="建筑分项逐月能耗",
    title_en="Sub-items of buildings by month",
)
def sub_item_monthly(daily: Any) -> Any:
    """Energy of a building's sub-items in a month; with `unassigned` and `unattributed` it is what the building took."""
    return shared_by_period(daily.mutate(month=daily.day.truncate("M")), "sub_item", "M", "month")


@derived(
    reads={"monthly": "energy.sub_item_monthly", "buildings": Read("buildings.building", columns=("building", "zone"))},
    columns=["zone", "carrier", "sub_item", "month", *ACCOUNT],
    grain=["zone", "carrier", "sub_item", "month"],
    period="year",
    time="month",
    title_zh="分区分项逐月能耗",
    title_en="Sub-items of zones by month",
)
def zone_sub_item_monthly(monthly: Any, buildings: Any) -> Any:
    """Energy of the sub-items of a zone's buildings in a month; the zone `district` is all of them."""
    of_zone = monthly.inner_join(buildings, "building")
    both = of_zone.union(of_zone.mutate(zone=ibis.literal(WHOLE)), distinct=False)
    sums = both.group_by("zone", "carrier", "sub_item", "month").agg(
        **known(both), expected_seconds=both.expected_seconds.sum()
    )
    return covered(sums)


@derived(
    reads={"daily": "energy.sub_item_daily"},
    columns=["building", "carrier", "sub_item", "year", *ACCOUNT],
    grain=["building", "carrier", "sub_item", "year"],
    period="year",
    time="year",
    title_zh="建筑分项逐年能耗",
    title_en="Sub-items of buildings by year",
)
def sub_item_yearly(daily: Any) -> Any:
    """Energy of a building's sub-items in a year; with `unassigned` and `unattributed` it is what the building took."""
    return shared_by_period(daily.mutate(year=daily.day.year().cast("int64")), "sub_item", "Y", "year")
