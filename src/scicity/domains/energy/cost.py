"""What energy costs: each hour at the price that its payer's tariff has for it."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.energy.methods.accounts import EXACT, covered
from scicity.domains.energy.methods.tariffs import DEMAND
from scicity.kernel.tables import Read, derived

WHOLE = "district"
NO_TARIFF = "none"
_TARIFF = {
    "daily": Read("energy.consumption_daily", columns=("day",)),
    "kinds": Read("energy.day_kind", columns=("day", "day_kind"), during=("day", "day")),
    "periods": Read("energy.tariff_period"),
    "uses": Read("energy.tariff_in_use"),
    "prices": Read("energy.tariff_hour"),
}
_COST = (
    *("energy", "estimated_energy", "peak_power", "cost", "known_seconds", "expected_seconds", "coverage", "review"),
    "stand_in",
)
_HOUR = (
    *("carrier", "hour", "day", "hour_of_day", "energy", "estimated_energy", "known_seconds", "expected_seconds", "stand_in"),
)
SATURDAY = 5  # of the days of the week from Monday, 0


def _billed(hourly: Any, payer: str, daily: Any, kinds: Any, periods: Any, uses: Any, prices: Any) -> Any:
    """Hours of payers by month, tariff and band, with their cost [CNY]; where no tariff holds under the band `none`."""
    days = _dated(daily, kinds, periods)
    each = hourly.inner_join(days, "day")
    summed = each.group_by(payer, "carrier", "month", "first_day", "day_kind", "hour_of_day").agg(
        **_sums(each), highest=each.energy.max()
    )
    theirs = uses.filter(uses[payer].notnull()).drop("enterprise" if payer == "building" else "building")
    theirs = theirs.rename(from_day="first_day", to_day="last_day", paid_by=payer, paid_for="carrier")
    on = (summed[payer] == theirs.paid_by, summed.carrier == theirs.paid_for)
    held = summed.left_join(theirs, [*on, theirs.from_day <= summed.first_day, theirs.to_day >= summed.first_day])
    held = held.mutate(month_of_year=held.month.month().cast("int64"))
    rows = prices.rename(
        **{
            f"of_{name}": name
            for name in ("tariff", "carrier", "first_day", "last_day", "month_of_year", "day_kind", "hour_of_day")
        }
    ).drop("review")
    priced = held.left_join(
        rows,
        [
            *(held.tariff == rows.of_tariff, held.carrier == rows.of_carrier, held.month_of_year == rows.of_month_of_year),
            *(held.day_kind == rows.of_day_kind, held.hour_of_day == rows.of_hour_of_day),
            *(rows.of_first_day <= held.first_day, rows.of_last_day >= held.first_day),
        ],
    )
    priced = priced.mutate(
        tariff=ibis.coalesce(priced.tariff, NO_TARIFF),
        band=ibis.coalesce(priced.band, NO_TARIFF),
        product=priced.energy.cast(EXACT) * priced.price,
    )
    keys = (payer, "carrier", "month", "tariff", "band")
    bands = priced.group_by(*keys).agg(
        **_sums(priced), cost=priced["product"].sum().cast(EXACT), review=priced.review.min(), peak_power=ibis.null(EXACT)
    )
    both = covered(bands.union(_demand(held, days, payer).select(bands.columns), distinct=False))
    return both.mutate(coverage=ibis.ifelse(both.band == DEMAND, ibis.null("float64"), both.coverage))


def _dated(daily: Any, kinds: Any, periods: Any) -> Any:
    """The days of which there are data: their month, the first day of the stretch in which no price changes, and their kind."""
    days = daily.select("day").distinct()
    within = days.inner_join(periods, [periods.first_day <= days.day, periods.last_day >= days.day])
    told = within.left_join(kinds, within.day == kinds.day).drop("day_right")
    by_week = ibis.ifelse(told.day.day_of_week.index() >= SATURDAY, "rest", "working")
    return told.select("day", "first_day", month=told.day.truncate("M"), day_kind=ibis.coalesce(told.day_kind, by_week))


def _sums(rows: Any) -> dict[str, Any]:
    return {
        "energy": rows.energy.sum().cast(EXACT),
        "estimated_energy": rows.estimated_energy.sum().cast(EXACT),
        "known_seconds": rows.known_seconds.sum(),
        "expected_seconds": rows.expected_seconds.sum(),
        "stand_in": rows.stand_in.max(),
    }


def _demand(held: Any, days: Any, payer: str) -> Any:
    """The charge for the highest power [kW] of a month: each tariff's price for its share of the month's days."""
    keys = (payer, "carrier", "month")
    peaks = held.group_by(*keys).agg(highest=held.highest.max(), stand_in=held.stand_in.max())
    lengths = days.group_by("month", "first_day").agg(length=days.day.nunique())
    paid = held.filter(held.demand_price.notnull()).select(*keys, "first_day", "tariff", "demand_price", "review").distinct()
    rows = paid.inner_join(lengths, ["month", "first_day"]).inner_join(peaks, list(keys))
    whole = (rows.month + ibis.interval(months=1)).delta(rows.month, unit="day")
    share = (rows.length.cast("float64") / whole).cast("decimal(18, 12)")  # decimals are the same on every engine
    rows = rows.mutate(part=(rows.highest.cast(EXACT) * rows.demand_price).cast(EXACT) * share)
    rows = rows.group_by(*keys, "tariff").agg(
        cost=rows["part"].sum().cast(EXACT),
        peak_power=rows.highest.max().cast(EXACT),
        review=rows.review.min(),
        stand_in=rows.stand_in.max(),
    )
    none, nothing = ibis.null(EXACT), ibis.literal(0).cast("int64")
    return rows.mutate(
        band=ibis.literal(DEMAND), energy=none, estimated_energy=none, known_seconds=nothing, expected_seconds=nothing
    )


@derived(
    reads={"hourly": Read("energy.consumption_hourly", columns=("building", *_HOUR)), **_TARIFF},
    columns=["building", "carrier", "month", "tariff", "band", *_COST],
    grain=["building", "carrier", "month", "tariff", "band"],
    period="month",
    time="month",
    title_zh="建筑逐月能源费用",
    title_en="Cost of buildings by month",
)
def cost_monthly(hourly: Any, daily: Any, kinds: Any, periods: Any, uses: Any, prices: Any) -> Any:
    """What a building's energy of a month cost [CNY], by tariff and band of the time of use.

    Each hour at the price that the building's tariff has for it on that day; a tariff that changes within a month splits it.
    Hours for which no tariff holds stand under the band `none`, and their cost is unknown, not 0. The bands are together the
    energy of the month. The band `demand` is the charge for the highest hourly power of the month, by days where the tariff
    changes. Rounded once, to a millionth of a yuan.
    """
    return _billed(hourly, "building", daily, kinds, periods, uses, prices)


@derived(
    reads={"hourly": Read("energy.enterprise_hourly", columns=("enterprise", *_HOUR)), **_TARIFF},
    columns=["enterprise", "carrier", "month", "tariff", "band", *_COST],
    grain=["enterprise", "carrier", "month", "tariff", "band"],
    period="month",
    time="month",
    title_zh="企业逐月能源费用",
    title_en="Cost of enterprises by month",
)
def enterprise_cost_monthly(hourly: Any, daily: Any, kinds: Any, periods: Any, uses: Any, prices: Any) -> Any:
    """What an enterprise's energy of a month cost [CNY] by its own tariff; as energy.cost_monthly, which is about buildings."""
    return _billed(hourly, "enterprise", daily, kinds, periods, uses, prices)


def _totals(rows: Any, *keys: str) -> Any:
    """All bands of a month: the cost [CNY] is unknown where any known energy has no price."""
    unpriced = rows.filter((rows.band == NO_TARIFF) & rows.energy.notnull())
    lacking = unpriced.group_by(*keys).agg(unpriced_energy=unpriced.energy.sum().cast(EXACT))
    sums = rows.group_by(*keys).agg(
        **_sums(rows), cost=rows.cost.sum().cast(EXACT), review=rows.review.min(), peak_power=rows.peak_power.max()
    )
    both = sums.left_join(lacking, list(keys)).drop(*(f"{key}_right" for key in keys))
    both = both.mutate(
        cost=ibis.ifelse(both.unpriced_energy.notnull(), ibis.null(EXACT), both.cost),
        unpriced_energy=ibis.coalesce(both.unpriced_energy, ibis.literal(0).cast(EXACT)),
    )
    return covered(both.mutate(mean_price=both.cost.cast("float64") / both.energy.cast("float64").nullif(0.0)))


_TOTAL = (*_COST, "unpriced_energy", "mean_price")


@derived(
    reads={"monthly": "energy.cost_monthly"},
    columns=["building", "carrier", "month", *_TOTAL],
    grain=["building", "carrier", "month"],
    period="month",
    time="month",
    title_zh="建筑月度费用合计",
    title_en="Total cost of buildings by month",
)
def cost_total_monthly(monthly: Any) -> Any:
    """What a building's energy of a month cost in all [CNY]; unknown where any of it has no price. Mean price [CNY/kWh]."""
    return _totals(monthly, "building", "carrier", "month")


@derived(
    reads={
        "monthly": "energy.cost_monthly",
        "buildings": Read("buildings.building", columns=("building", "zone")),
    },
    columns=["zone", "carrier", "month", "band", *_COST],
    grain=["zone", "carrier", "month", "band"],
    period="month",
    time="month",
    title_zh="分区逐月能源费用",
    title_en="Cost of zones by month",
)
def zone_cost_monthly(monthly: Any, buildings: Any) -> Any:
    """What the energy of a zone's buildings cost in a month by band [CNY]; energy without a tariff under the band `none`.

    The power of the band `demand` is the sum of the buildings' peaks, as each pays for its own.
    """
    of_zone = monthly.inner_join(buildings, "building")
    both = of_zone.union(of_zone.mutate(zone=ibis.literal(WHOLE)), distinct=False)
    sums = both.group_by("zone", "carrier", "month", "band").agg(
        **_sums(both), cost=both.cost.sum().cast(EXACT), review=both.review.min(), peak_power=both.peak_power.sum().cast(EXACT)
    )
    return covered(sums)


@derived(
    reads={"monthly": "energy.cost_total_monthly"},
    columns=["building", "carrier", "year", *_TOTAL],
    grain=["building", "carrier", "year"],
    period="year",
    time="year",
    title_zh="建筑年度费用合计",
    title_en="Total cost of buildings by year",
)
def cost_total_yearly(monthly: Any) -> Any:
    """What a building's energy of a year cost in all [CNY]: the sum of its months; unknown where any of it has no price."""
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    sums = rows.group_by("building", "carrier", "year").agg(
        **_sums(rows),
        all_cost=rows.cost.sum().cast(EXACT),
        unpriced_energy=rows.unpriced_energy.sum().cast(EXACT),
        review=rows.review.min(),
        peak_power=rows.peak_power.max(),
    )
    sums = sums.mutate(cost=ibis.ifelse(sums.unpriced_energy != 0, ibis.null(EXACT), sums.all_cost))
    return covered(sums.mutate(mean_price=sums.cost.cast("float64") / sums.energy.cast("float64").nullif(0.0)))


@derived(
    reads={"monthly": "energy.zone_cost_monthly"},
    columns=["zone", "carrier", "year", *_TOTAL],
    grain=["zone", "carrier", "year"],
    period="year",
    time="year",
    title_zh="分区年度费用合计",
    title_en="Total cost of zones by year",
)
def zone_cost_yearly(monthly: Any) -> Any:
    """What the energy of a zone's buildings cost in a year [CNY], as far as it has a price.

    What has none stands beside it; the mean price is over what has one. The power is the most that was paid for in a month.
    """
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    priced = rows.band != NO_TARIFF
    sums = rows.group_by("zone", "carrier", "year").agg(
        **_sums(rows),
        cost=rows.cost.sum().cast(EXACT),
        priced=rows.energy.sum(where=priced).cast(EXACT),
        lacking=rows.energy.sum(where=~priced).cast(EXACT),
        review=rows.review.min(),
        peak_power=rows.peak_power.max(),
    )
    sums = sums.mutate(unpriced_energy=ibis.coalesce(sums.lacking, ibis.literal(0).cast(EXACT)))
    return covered(sums.mutate(mean_price=sums.cost.cast("float64") / sums.priced.cast("float64").nullif(0.0)))
