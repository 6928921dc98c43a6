"""The ledger by meter: its days, months and years; and main meters minus their sub-meters."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.energy.methods.accounts import ACCOUNT, by_calendar, covered, known, of_hours
from scicity.domains.energy.methods.ledger import FLAGS
from scicity.kernel.tables import Read, derived


@derived(
    reads={"hourly": "energy.meter_hourly"},
    columns=["meter", "flow", "building", "day", *ACCOUNT],
    grain=["meter", "flow", "building", "day"],
    period="month",
    time="day",
    key="meter",
    title_zh="计量表逐日台账",
    title_en="Ledger by meter and day",
)
def meter_daily(hourly: Any) -> Any:
    """Energy of a meter in a day of the district's calendar, each flow by itself: the sum of its hours in the ledger."""
    rows = of_hours(hourly)
    return covered(
        rows.group_by("meter", "flow", "building", "day").agg(**known(rows), expected_seconds=rows.day_seconds.max())
    )


@derived(
    reads={"daily": "energy.meter_daily"},
    columns=["meter", "flow", "building", "month", *ACCOUNT],
    grain=["meter", "flow", "building", "month"],
    period="year",
    time="month",
    key="meter",
    title_zh="计量表逐月台账",
    title_en="Ledger by meter and month",
)
def meter_monthly(daily: Any) -> Any:
    """Energy of a meter in a calendar month, each flow by itself: the sum of its days; missing days lower the coverage."""
    rows = daily.mutate(month=daily.day.truncate("M"))
    return covered(by_calendar(rows, ["meter", "flow", "building", "month"], "M"))


@derived(
    reads={"daily": Read("energy.meter_daily")},
    columns=["meter", "flow", "building", "year", *ACCOUNT],
    grain=["meter", "flow", "building", "year"],
    period="year",
    time="year",
    key="meter",
    title_zh="计量表逐年台账",
    title_en="Ledger by meter and year",
)
def meter_yearly(daily: Any) -> Any:
    """Energy of a meter in a calendar year, each flow by itself: the sum of its days; missing days lower the coverage."""
    rows = daily.mutate(year=daily.day.year().cast("int64"))
    return covered(by_calendar(rows, ["meter", "flow", "building", "year"], "Y"))


@derived(
    reads={
        "hourly": Read("energy.meter_hourly", trace={"day": "day"}),
        "meters": Read("energy.meter", columns=("meter", "role", "parent"), key="meter"),
    },
    columns=["meter", "day", "main_energy", "sub_energy", "gap_energy", "stand_in"],
    grain=["meter", "day"],
    period="month",
    fine="day",
    time="day",
    title_zh="总分差账",
    title_en="Gap account",
)
def gap_account(hourly: Any, meters: Any) -> Any:
    """Main meter minus its sub-meters, day by day, as an account of its own; negative where the sub-meters show more.

    A day on which an hour of the main meter or of any sub-meter, or a part of it, is unknown has no gap: it is unknown, not
    the rest.
    """
    energy = ibis.ifelse((hourly.flags & FLAGS["partial"]) > 0, ibis.null("decimal(18, 6)"), hourly.energy)
    net = hourly.mutate(energy=ibis.ifelse(hourly.flow == "reverse", -energy, energy))
    daily = net.group_by("meter", "day").agg(
        energy=ibis.ifelse(net.energy.isnull().any(), ibis.null("decimal(18, 6)"), net.energy.sum()),
        stand_in=net.stand_in.max(),
    )
    subs = daily.inner_join(meters.filter(meters.parent.notnull()).select("meter", main="parent"), "meter")
    below = subs.group_by("main", "day").agg(
        sub_energy=ibis.ifelse(subs.energy.isnull().any(), ibis.null("decimal(18, 6)"), subs.energy.sum()),
        below=subs.stand_in.max(),
    )
    rows = daily.inner_join(below, [daily.meter == below.main, daily.day == below.day])
    return rows.select(
        meter=rows.meter,
        day=rows.day,
        main_energy=rows.energy,
        sub_energy=rows.sub_energy,
        gap_energy=rows.energy - rows.sub_energy,
        stand_in=rows.stand_in | rows.below,
    )
