"""Energy as standard coal, in two books that are never mixed."""

from __future__ import annotations

from typing import Any

from scicity.domains.carbon.methods.accounts import covered, holds_in, multiplied, sums
from scicity.kernel.tables import Read, derived

STANDARD_COAL = "standard_coal"

ENERGY = ("month", "energy", "estimated_energy", "known_seconds", "expected_seconds", "stand_in")
IN_USE = Read(
    "carbon.factor_in_use",
    columns=(*("purpose", "carrier", "first_day", "last_day", "factor", "factor_value", "energy_ratio", "review", "missing"),),
    during=("first_day", "last_day"),
)

_COAL = [
    *("energy", "estimated_energy", "standard_coal", "known_seconds", "expected_seconds", "coverage", "review", "stand_in"),
]


@derived(
    reads={
        "energy": Read("energy.zone_monthly", columns=("zone", "carrier", *ENERGY)),
        "uses": IN_USE,
        "yearly": Read("energy.zone_yearly", columns=("zone", "carrier", "year", "expected_seconds")),
    },
    columns=["zone", "purpose", "carrier", "year", *_COAL],
    grain=["zone", "purpose", "carrier", "year"],
    period="year",
    time="year",
    title_zh="分区逐年标准煤",
    title_en="Standard coal by zone and year",
)
def standard_coal_yearly(energy: Any, uses: Any, yearly: Any) -> Any:
    """Energy of a zone in a year as standard coal: the sum of its months, each energy x basis ratio x standard-coal factor.

    GB/T 2589-2020 (unverified). Two books that are never mixed: `standard_coal_equivalent` counts the heat of electricity
    itself, `standard_coal_equal` what power stations burnt for it, and exists only for months in which the district gives a
    dated local factor. A carrier without a factor in a book is unknown in it.
    """
    coal = uses.filter(uses.purpose.startswith(STANDARD_COAL))
    months = energy.select("month").distinct()
    books = months.inner_join(coal, holds_in(coal, months)).select("month", "purpose").distinct()
    each = energy.inner_join(books, "month")
    same = [each.purpose == coal.purpose, each.carrier == coal.carrier, *holds_in(coal, each)]
    rows = multiplied(each.left_join(coal, same).drop("purpose_right", "carrier_right"))
    rows = rows.mutate(year=rows.month.year().cast("int64"), emission=rows["product"])
    account = rows.group_by("zone", "purpose", "carrier", "year").agg(**sums(rows)).rename(standard_coal="emission")
    return covered(account.inner_join(yearly, ["zone", "carrier", "year"]))


@derived(
    reads={"yearly": "carbon.standard_coal_yearly"},
    columns=["zone", "purpose", "year", *_COAL],
    grain=["zone", "purpose", "year"],
    period="year",
    time="year",
    title_zh="分区年度综合能耗",
    title_en="Total standard coal by zone and year",
)
def standard_coal_total(yearly: Any) -> Any:
    """Comprehensive energy consumption of a zone in a year, all carriers of one book (GB/T 2589-2020, unverified)."""
    rows = yearly.rename(emission="standard_coal")
    account = rows.group_by("zone", "purpose", "year").agg(**sums(rows), expected_seconds=rows.expected_seconds.sum())
    return covered(account).rename(standard_coal="emission")
