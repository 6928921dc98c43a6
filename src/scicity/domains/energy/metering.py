"""The ledger by meter: its days, months and years."""

from __future__ import annotations

from typing import Any

from scicity.domains.energy.methods.accounts import ACCOUNT, by_calendar, covered, known, of_hours
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
