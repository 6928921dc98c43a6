"""Load: hours of zones, peaks and bases of days, duration curves, and how far the peaks of buildings coincide."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.energy.methods.accounts import ACCOUNT, covered, known
from scicity.domains.energy.methods.loads import STEPS, duration_ranks, load_of
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

WHOLE = "district"
_BUILDINGS = Read("buildings.building", columns=("building", "zone"))
_LOAD = (
    *("peak_power", "peak_hour_of_day", "minimum_power", "mean_power", "load_factor", "night_power", "known_hours"),
    *("coverage", "stand_in"),
)


@derived(
    reads={"hourly": "energy.consumption_hourly", "buildings": _BUILDINGS},
    columns=["zone", "carrier", "hour", "day", "hour_of_day", "day_seconds", *ACCOUNT],
    grain=["zone", "carrier", "hour"],
    period="month",
    fine="day",
    time="day",
    title_zh="分区逐时能耗",
    title_en="Consumption by zone and hour",
)
def zone_hourly(hourly: Any, buildings: Any) -> Any:
    """Energy of the buildings of a zone in an hour; the zone `district` is all of them."""
    of_zone = hourly.inner_join(buildings, "building")
    hour = ("carrier", "hour", "day", "hour_of_day", "day_seconds")
    zones = of_zone.group_by("zone", *hour).agg(**known(of_zone), expected_seconds=of_zone.expected_seconds.sum())
    whole = zones.group_by(*hour).agg(**known(zones), expected_seconds=zones.expected_seconds.sum())
    whole = whole.mutate(zone=ibis.literal(WHOLE)).select(zones.columns)
    return covered(zones.union(whole, distinct=False))


@derived(
    reads={"hourly": "energy.consumption_hourly"},
    columns=["building", "carrier", "day", *_LOAD],
    grain=["building", "carrier", "day"],
    period="month",
    time="day",
    title_zh="建筑逐日负荷",
    title_en="Load of buildings by day",
)
def load_daily(hourly: Any) -> Any:
    """Peak, least and mean power of a building on a day, its load factor and its night base.

    The power of an hour is its mean; the night base is the mean of the hours before 5 o'clock; the load factor is the mean over
    the peak. The coverage is the share of the day's hours that are wholly known.
    """
    return load_of(hourly, "building", "carrier", "day")


@derived(
    reads={"hourly": "energy.zone_hourly"},
    columns=["zone", "carrier", "day", *_LOAD],
    grain=["zone", "carrier", "day"],
    period="month",
    time="day",
    title_zh="分区逐日负荷",
    title_en="Load of zones by day",
)
def zone_load_daily(hourly: Any) -> Any:
    """Peak, least and mean power of a zone's buildings together on a day, their load factor and night base."""
    return load_of(hourly, "zone", "carrier", "day")


@derived(
    reads={
        "hourly": Read("energy.zone_hourly", columns=("zone", "carrier", "hour", "day", "energy")),
        "loads": Read("energy.load_daily", columns=("building", "carrier", "day", "peak_power", "stand_in")),
        "buildings": _BUILDINGS,
    },
    columns=[
        *("zone", "carrier", "month", "peak_power", "peak_hour", "sum_of_peaks", "coincidence_factor", "buildings_counted"),
        "stand_in",
    ],
    grain=["zone", "carrier", "month"],
    period="month",
    time="month",
    title_zh="同时系数",
    title_en="Coincidence of peaks",
)
def coincidence_monthly(hourly: Any, loads: Any, buildings: Any) -> Any:
    """Peak of the sum over the sum of the peaks: how far the highest hours of a zone's buildings in a month are the same hour.

    1: all at once. Of several highest hours the first is told. Unknown hours of a building are in neither.
    """
    hours = hourly.mutate(month=hourly.day.truncate("M"))
    peaks = hours.group_by("zone", "carrier", "month").agg(peak_power=hours.energy.max())
    both = hours.inner_join(peaks, ["zone", "carrier", "month"])
    both = both.filter(both.energy == both.peak_power)
    when = both.group_by("zone", "carrier", "month").agg(peak_power=both.peak_power.max(), peak_hour=both.hour.min())
    days = loads.mutate(month=loads.day.truncate("M"))
    own = days.group_by("building", "carrier", "month").agg(peak=days.peak_power.max(), stand_in=days.stand_in.max())
    of_zone = own.inner_join(buildings, "building")
    each = of_zone.union(of_zone.mutate(zone=ibis.literal(WHOLE)), distinct=False)
    sums = each.group_by("zone", "carrier", "month").agg(
        sum_of_peaks=each.peak.sum(), buildings_counted=each.building.nunique(), stand_in=each.stand_in.max()
    )
    rows = when.inner_join(sums, ["zone", "carrier", "month"])
    factor = rows.peak_power.cast("float64") / rows.sum_of_peaks.cast("float64").nullif(0.0)
    return rows.mutate(coincidence_factor=factor)


@derived(
    reads={"hourly": Read("energy.zone_hourly", columns=("zone", "carrier", "hour", "energy", "stand_in"))},
    columns=["zone", "carrier", "year", "exceeded_share", "peak_power", "known_hours", "stand_in"],
    grain=["zone", "carrier", "year", "exceeded_share"],
    by_partition=True,
    period="year",
    time="year",
    title_zh="负荷持续曲线",
    title_en="Load duration curves",
)
def load_duration(slot: Slot, hourly: pa.Table) -> pa.Table:
    """The hours of a zone's year in falling order of their load, in steps of one per cent of the hours that are known.

    At 0 % stands the highest hour; at p % the power that is reached or exceeded in p % of the hours.
    """
    hourly = hourly.filter(pc.is_valid(hourly.column("energy")))
    if not hourly.num_rows:
        return load_duration.schema.empty_table()
    hourly = hourly.sort_by([("zone", "ascending"), ("carrier", "ascending"), ("energy", "descending")]).combine_chunks()
    zone, carrier = (np.array(hourly.column(name).cast(pa.string()).to_pylist()) for name in ("zone", "carrier"))
    starts = np.flatnonzero(np.r_[True, (zone[1:] != zone[:-1]) | (carrier[1:] != carrier[:-1])])
    counts = np.diff(np.r_[starts, len(zone)])
    at = np.concatenate([start + duration_ranks(int(count)) for start, count in zip(starts, counts, strict=True)])
    stand_in = np.logical_or.reduceat(hourly.column("stand_in").to_numpy(), starts)
    return pa.table(
        {
            "zone": zone[at],
            "carrier": carrier[at],
            "year": np.full(len(at), int(slot.part.period)),
            "exceeded_share": np.tile(np.arange(STEPS + 1), len(starts)),
            "peak_power": hourly.column("energy").take(pa.array(at)),
            "known_hours": np.repeat(counts, STEPS + 1),
            "stand_in": np.repeat(stand_in, STEPS + 1),
        }
    )
