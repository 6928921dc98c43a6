"""The tables of energy: meters and their installations, the hourly ledger, and consumption by building, zone and period."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import ibis
import pyarrow as pa

from scicity.domains.energy.balance import (  # noqa: F401  (found here by name)
    balance_monthly,
    balance_yearly,
    building_balance_monthly,
    building_balance_yearly,
    enterprise_balance_monthly,
    enterprise_balance_yearly,
)
from scicity.domains.energy.cost import (  # noqa: F401  (found here by name)
    cost_monthly,
    cost_total_monthly,
    cost_total_yearly,
    enterprise_cost_monthly,
    zone_cost_monthly,
    zone_cost_yearly,
)
from scicity.domains.energy.entered import virtual_entered, virtual_in_force  # noqa: F401  (found here by name)
from scicity.domains.energy.enterprises import (  # noqa: F401  (found here by name)
    enterprise_daily,
    enterprise_hourly,
    enterprise_monthly,
    enterprise_yearly,
    membership,
    meter_owner,
    part_daily,
    part_monthly,
    part_yearly,
)
from scicity.domains.energy.load import (  # noqa: F401  (found here by name)
    coincidence_monthly,
    load_daily,
    load_duration,
    zone_hourly,
    zone_load_daily,
)
from scicity.domains.energy.metering import (  # noqa: F401  (found here by name)
    gap_account,
    meter_daily,
    meter_monthly,
    meter_yearly,
)
from scicity.domains.energy.methods.accounts import ACCOUNT, by_calendar, covered, known
from scicity.domains.energy.methods.calm import NEAR, calm_registers
from scicity.domains.energy.methods.partition import hourly_ledger, set_aside
from scicity.domains.energy.sub_items import (  # noqa: F401  (found here by name)
    meter_use,
    sub_item,
    sub_item_daily,
    sub_item_monthly,
    sub_item_use,
    sub_item_yearly,
    zone_sub_item_monthly,
)
from scicity.domains.energy.tariffs import (  # noqa: F401  (found here by name)
    day_kind_register,
    tariff,
    tariff_choice,
    tariff_hour,
    tariff_in_use,
    tariff_period,
)
from scicity.domains.energy.virtual import (  # noqa: F401  (found here by name)
    virtual_daily,
    virtual_hourly,
    virtual_meter,
    virtual_monthly,
    virtual_named,
    virtual_part_hourly,
)
from scicity.kernel.computing import Slot
from scicity.kernel.district import check_above
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

LOOK_AROUND = timedelta(days=8)  # as far as the ledger's rules look beyond the readings next to a partition

METERED = ("energy_register", "energy_increment", "active_power")


def _check_meters(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """No meter stands above itself; what sends energy is a meter, and a meter that sends is installed somewhere."""
    check_above(table, "meter", "parent", problems)
    meters = set(table.column("meter").to_pylist())
    installed = set(tables["energy.installation"].column("meter").to_pylist())
    for stream in tables["district.datastream"].to_pylist():
        if stream["property"] not in METERED or stream["thing"] is None:
            continue
        where = (stream["source_file"], stream["source_row"], "thing")
        if stream["thing"] not in meters:
            problems.add("reference", *where, found=stream["thing"], expected="a meter of energy.meter")
        elif stream["thing"] not in installed:
            expected = "a row of registers/installations.csv for this meter, as its readings belong to no building otherwise"
            problems.add("reference", *where, found=stream["thing"], expected=expected)


meter = source(
    "energy.meter",
    path="registers/meters.csv",
    columns=["meter", "carrier", "role", "parent", "zero_is_gap", "origin", "source"],
    optional=("parent", "source"),
    grain=["meter"],
    references={"parent": "energy.meter.meter"},
    choices={"carrier": ("electricity", "natural_gas", "heat"), "role": ("main", "sub", "generation", "storage")},
    check=_check_meters,
    title_zh="计量表",
    title_en="Meters",
    doc="The meters of the district: what they measure, and which main meter they stand behind.",
)

installation = source(
    "energy.installation",
    path="registers/installations.csv",
    columns=[
        "meter",
        "valid_from",
        "valid_to",
        "building",
        "serial",
        "multiplier",
        "register_digits",
        "register_decimals",
        "register_start",
        "register_end",
        "rated_power",
        "source",
    ],
    optional=(
        "valid_to",
        "serial",
        "register_digits",
        "register_decimals",
        "register_start",
        "register_end",
        "rated_power",
        "source",
    ),
    grain=["meter", "valid_from"],
    key_of_period=("meter",),
    during=("valid_from", "valid_to"),
    references={"meter": "energy.meter.meter", "building": "buildings.building.building"},
    ranges={
        "multiplier": (0.000001, 1_000_000),
        "register_digits": (1, 12),
        "register_decimals": (0, 6),
        "rated_power": (0.001, 1e6),
    },
    title_zh="安装记录",
    title_en="Installations",
    doc="Which device measures for a meter since when, in which building, with which register and multiplier.",
)

_READING = ("datastream", "time", "value", "revision")
_READINGS = {
    name: Read(f"reading.{observed}", columns=_READING, margin=LOOK_AROUND, anchored=True)
    for name, observed in (("registers", "energy_register"), ("increments", "energy_increment"), ("powers", "active_power"))
}
_READINGS["registers"] = replace(_READINGS["registers"], near=NEAR, calm=calm_registers)
_STREAM = ("datastream", "thing", "property", "flow", "interval_seconds", "origin")


@derived(
    reads={
        **_READINGS,
        "streams": Read(
            "district.datastream",
            columns=_STREAM,
            key="thing",
            trace={"meter": "thing", "flow": "flow"},
        ),
        "meters": Read("energy.meter", columns=("meter", "zero_is_gap"), key="meter"),
        "installations": Read(
            "energy.installation",
            columns=installation.columns[:-1],
            key="meter",
            trace={"meter": "meter", "building": "building"},
        ),
    },
    columns=[
        "meter",
        "flow",
        "building",
        "hour",
        "day",
        "hour_of_day",
        "day_seconds",
        "energy",
        "measured_seconds",
        "estimated_seconds",
        "flags",
        "stand_in",
    ],
    grain=["meter", "flow", "building", "hour"],
    period="month",
    fine="day",
    time="day",
    key="meter",
    by_partition=True,
    title_zh="逐时台账",
    title_en="Hourly ledger",
)
def meter_hourly(slot: Slot, streams: pa.Table, meters: pa.Table, installations: pa.Table, **readings: pa.Table) -> pa.Table:
    """Energy of each meter in each local hour, from its register, its increments or its power.

    The register at the edges of the hours is interpolated between sound readings, and an hour is the difference of its edges:
    the hours of a meter add up to the difference of its register to the last digit. Gaps between two known registers are
    filled by the meter's own load shape and marked; what cannot be known stays unknown. The rules stand in
    `methods/ledger.py` in the order in which they are applied.
    """
    return hourly_ledger(slot, streams, meters, installations, readings)


@derived(
    reads={
        **_READINGS,
        "streams": Read("district.datastream", columns=_STREAM, key="thing"),
        "meters": Read("energy.meter", columns=("meter", "zero_is_gap"), key="meter", trace={"meter": "meter"}),
        "installations": Read("energy.installation", columns=installation.columns[:-1], key="meter", trace={"meter": "meter"}),
    },
    columns=["meter", "datastream", "time", "rule", "value"],
    grain=["datastream", "time", "rule"],
    period="month",
    fine="day",
    time="time",
    key="meter",
    by_partition=True,
    title_zh="未采用的读数",
    title_en="Readings set aside",
)
def reading_set_aside(
    slot: Slot, streams: pa.Table, meters: pa.Table, installations: pa.Table, **readings: pa.Table
) -> pa.Table:
    """The readings that the hourly ledger does not use, or that contradict another of the same time, and the rule that says so.

    The rules stand in `methods/ledger.py`. A reading that comes twice with the same value is no matter and not listed. Where
    one rule sets aside several readings of one time, the highest of them stands here.
    """
    return set_aside(slot, streams, meters, installations, readings)


_ACCOUNT = list(ACCOUNT)


@derived(
    reads={"hourly": "energy.meter_hourly", "meters": Read("energy.meter", columns=("meter", "carrier", "role"), key="meter")},
    columns=["building", "carrier", "hour", "day", "hour_of_day", "day_seconds", *_ACCOUNT],
    grain=["building", "carrier", "hour"],
    period="month",
    fine="day",
    time="day",
    title_zh="建筑逐时能耗",
    title_en="Consumption by building and hour",
)
def consumption_hourly(hourly: Any, meters: Any) -> Any:
    """Energy that a building takes from outside in an hour: its main meters, forward minus reverse.

    An hour of which a part is unknown shows what is known, and its coverage; an hour of which nothing is known is unknown.
    """
    main = meters.filter(meters.role == "main")
    rows = hourly.inner_join(main, "meter")
    rows = rows.mutate(
        energy=ibis.ifelse(rows.flow == "reverse", -rows.energy, rows.energy),
        estimated_energy=ibis.ifelse(
            rows.estimated_seconds > 0,
            ibis.ifelse(rows.flow == "reverse", -rows.energy, rows.energy),
            ibis.literal(0).cast("decimal(18, 6)"),
        ),
        known_seconds=rows.measured_seconds + rows.estimated_seconds,
    )
    account = rows.group_by("building", "carrier", "hour", "day", "hour_of_day", "day_seconds").agg(
        **known(rows),
        expected_seconds=rows.count() * 3600,  # a meter's flow has one row in a building's hour
    )
    return covered(account)


@derived(
    reads={"hourly": "energy.consumption_hourly"},
    columns=["building", "carrier", "day", *_ACCOUNT],
    grain=["building", "carrier", "day"],
    period="month",
    time="day",
    title_zh="建筑逐日能耗",
    title_en="Consumption by building and day",
)
def consumption_daily(hourly: Any) -> Any:
    """Energy of a building in a day of the district's calendar (23, 24 or 25 hours): the sum of its hours."""
    account = hourly.group_by("building", "carrier", "day").agg(
        **known(hourly), expected_seconds=hourly.day_seconds.max() * (hourly.expected_seconds.max() // 3600)
    )
    return covered(account)


@derived(
    reads={"daily": "energy.consumption_daily"},
    columns=["building", "carrier", "month", *_ACCOUNT],
    grain=["building", "carrier", "month"],
    period="year",
    time="month",
    title_zh="建筑逐月能耗",
    title_en="Consumption by building and month",
)
def consumption_monthly(daily: Any) -> Any:
    """Energy of a building in a calendar month: the sum of its days; days without any hour lower the coverage."""
    return covered(by_calendar(daily.mutate(month=daily.day.truncate("M")), ["building", "carrier", "month"], "M"))


@derived(
    reads={
        "daily": "energy.consumption_daily",
        "buildings": Read("buildings.building", columns=("building", "floor_area")),
    },
    columns=["building", "carrier", "year", *_ACCOUNT, "energy_intensity"],
    grain=["building", "carrier", "year"],
    period="year",
    time="year",
    title_zh="建筑逐年能耗",
    title_en="Consumption by building and year",
)
def consumption_yearly(daily: Any, buildings: Any) -> Any:
    """Energy of a building in a calendar year, and over its gross floor area [kWh/m²]."""
    account = covered(by_calendar(daily.mutate(year=daily.day.year()), ["building", "carrier", "year"], "Y"))
    rows = account.left_join(buildings, "building")
    return rows.mutate(energy_intensity=rows.energy.cast("float64") / rows.floor_area.nullif(0.0))


_BUILDINGS = Read("buildings.building", columns=("building", "zone"))


def _by_zone(rows: Any, buildings: Any, period: str) -> Any:
    """Buildings to zones, and all of them to the zone `district`; every building counts as expected for its carrier."""
    of_zone = rows.inner_join(buildings, "building")
    both = of_zone.union(of_zone.mutate(zone=ibis.literal("district")))
    return covered(
        both.group_by("zone", "carrier", period).agg(
            **known(both), expected_seconds=both.expected_seconds.sum(), buildings_counted=both.building.nunique()
        )
    )


@derived(
    reads={"daily": "energy.consumption_daily", "buildings": _BUILDINGS},
    columns=["zone", "carrier", "day", *_ACCOUNT, "buildings_counted"],
    grain=["zone", "carrier", "day"],
    period="month",
    time="day",
    title_zh="分区逐日能耗",
    title_en="Consumption by zone and day",
)
def zone_daily(daily: Any, buildings: Any) -> Any:
    """Energy of the buildings of a zone in a day; the zone `district` is all of them."""
    return _by_zone(daily, buildings, "day")


@derived(
    reads={"monthly": "energy.consumption_monthly", "buildings": _BUILDINGS},
    columns=["zone", "carrier", "month", *_ACCOUNT, "buildings_counted"],
    grain=["zone", "carrier", "month"],
    period="year",
    time="month",
    title_zh="分区逐月能耗",
    title_en="Consumption by zone and month",
)
def zone_monthly(monthly: Any, buildings: Any) -> Any:
    """Energy of the buildings of a zone in a month; the zone `district` is all of them."""
    return _by_zone(monthly, buildings, "month")


@derived(
    reads={
        "yearly": "energy.consumption_yearly",
        "buildings": Read("buildings.building", columns=("building", "zone", "floor_area")),
    },
    columns=["zone", "carrier", "year", *_ACCOUNT, "buildings_counted", "floor_area", "energy_intensity"],
    grain=["zone", "carrier", "year"],
    period="year",
    time="year",
    title_zh="分区逐年能耗",
    title_en="Consumption by zone and year",
)
def zone_yearly(yearly: Any, buildings: Any) -> Any:
    """Energy of the buildings of a zone in a year, and over the floor area of the buildings that are counted [kWh/m²]."""
    account = _by_zone(yearly, buildings.drop("floor_area"), "year")
    of_zone = yearly.select("building", "carrier", "year").inner_join(buildings, "building")
    both = of_zone.union(of_zone.mutate(zone=ibis.literal("district")))
    areas = both.group_by("zone", "carrier", "year").agg(
        floor_area=both.floor_area.cast("decimal(18, 6)").sum().cast("float64")
    )
    rows = account.inner_join(areas, ["zone", "carrier", "year"])
    return rows.mutate(energy_intensity=rows.energy.cast("float64") / rows.floor_area.nullif(0.0))


@derived(
    reads={"hourly": "energy.zone_hourly"},
    columns=["zone", "carrier", "month", "hour_of_day", "energy", "known_seconds", "stand_in"],
    grain=["zone", "carrier", "month", "hour_of_day"],
    period="month",
    time="month",
    title_zh="分区逐时负荷曲线",
    title_en="Hourly profile by zone and month",
)
def zone_profile(hourly: Any) -> Any:
    """Energy of a zone's buildings that fell into each local hour of the day, over a month."""
    rows = hourly.mutate(month=hourly.day.truncate("M"))
    return rows.group_by("zone", "carrier", "month", "hour_of_day").agg(
        energy=rows.energy.sum(), known_seconds=rows.known_seconds.sum(), stand_in=rows.stand_in.max()
    )
