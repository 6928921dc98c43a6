"""The tables of carbon: which factor holds when, emissions by building, zone, carrier, scope and period, standard coal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.carbon.methods import in_use
from scicity.domains.carbon.methods.choice_lint import LOCATION_BASED
from scicity.domains.carbon.sources import (  # noqa: F401  (found here by name)
    CARRIER,
    CHOICE,
    CONSTANT,
    FACTOR,
    KNOWN_WRONG,
    QUANTITY,
)
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

EPOCH = date(1970, 1, 1)
SAME_BASIS = Decimal(1)  # the ratio of an energy that is on the basis of its factor already
UNKNOWN = "decimal(18, 6)"
STANDARD_COAL = "standard_coal"
DIRECT, INDIRECT = 1, 2  # scopes
ROOT = "district"

_OF_FACTOR = [
    *("factor", "valid_from", "revision", "quantity", "region", "emission_scope", "printed", "unit", "factor_value"),
    *("canonical_unit", "data_year", "document", "document_number", "published_on", "gas"),
]


@derived(
    reads={
        "choices": Read("carbon.factor_choice", trace={"purpose": "purpose", "carrier": "carrier"}),
        "factors": Read(
            "carbon.factor",
            columns=(*_OF_FACTOR, "valid_to", "review"),
            trace={"factor": "factor", "valid_from": "valid_from", "revision": "revision"},
        ),
        "ratios": Read(
            "carbon.factor",
            columns=("factor", "valid_from", "valid_to", "revision", "factor_value", "review"),
            trace={"ratio": "factor", "ratio_from": "valid_from", "ratio_revision": "revision"},
        ),
    },
    columns=[
        *("purpose", "carrier", "first_day", "last_day", *_OF_FACTOR),
        *("ratio", "ratio_from", "ratio_revision", "energy_ratio", "review", "missing", "reason_zh", "reason_en"),
    ],
    grain=["purpose", "carrier", "first_day"],
    by_partition=True,
    title_zh="所用因子",
    title_en="Factors in use",
)
def factor_in_use(slot: Slot, choices: pa.Table, factors: pa.Table, ratios: pa.Table) -> pa.Table:
    """Which factor holds on which days: the district's choice of a series, and the series' row for the accounting period.

    Of a row and its later correction the correction holds. Where the series has no row for a period, there is no factor:
    the nearest year is never taken (GB/T 32150-2025, unverified). Where metered energy is on another basis than the factor
    (gross calorific value), the ratio that was chosen for it stands beside the factor. Days are local, the last one included.
    """

    def day(instant: Any) -> int | None:
        return None if instant is None else int(slot.calendar.days(np.array([round(instant.timestamp()) * 1_000_000]))[0])

    rows, kept = factors.to_pylist(), ratios.to_pylist()
    held = [
        in_use.Held(row["factor"], day(row["valid_from"]) or 0, day(row["valid_to"]), place, row["revision"] or 0)
        for place, row in enumerate(rows)
        if row["factor_value"] is not None and row["valid_from"] is not None
    ]
    found = []
    for choice in choices.to_pylist():
        chosen = in_use.Choice(day(choice["valid_from"]) or 0, day(choice["valid_to"]), choice["factor"], choice["ratio"] or "")
        for use in in_use.uses_of(chosen, held):
            factor = rows[use.factor] if use.factor is not None else {"factor": choice["factor"]}
            ratio = kept[use.ratio] if use.ratio is not None else {}
            reviews = [row["review"] for row in (factor, ratio) if row.get("review")]
            found.append(
                {
                    **{column: factor.get(column) for column in _OF_FACTOR},
                    **{column: choice[column] for column in ("purpose", "carrier", "reason_zh", "reason_en")},
                    "first_day": EPOCH + timedelta(days=use.first),
                    "last_day": None if use.until is None else EPOCH + timedelta(days=use.until - 1),
                    "ratio": choice["ratio"],
                    "ratio_from": ratio.get("valid_from"),
                    "ratio_revision": ratio.get("revision"),
                    "energy_ratio": ratio.get("factor_value") if choice["ratio"] else SAME_BASIS,
                    "review": min(reviews, default=None),  # `unverified` stands before `verified`
                    "missing": use.missing,
                }
            )
    return pa.Table.from_pylist(found, schema=factor_in_use.schema)


_ENERGY = ("month", "energy", "estimated_energy", "known_seconds", "expected_seconds", "stand_in")
_IN_USE = Read(
    "carbon.factor_in_use",
    columns=(*("purpose", "carrier", "first_day", "last_day", "factor", "factor_value", "energy_ratio", "review", "missing"),),
    during=("first_day", "last_day"),
)
_ACCOUNT = [
    *("energy", "estimated_energy", "emission", "known_seconds", "expected_seconds", "coverage", "review", "stand_in"),
]


def _holds_in(uses: Any, rows: Any) -> list[Any]:
    """The condition that a factor holds for the whole of a row's month."""
    following = rows.month + ibis.interval(months=1)
    return [uses.first_day <= rows.month, uses.last_day.isnull() | (uses.last_day + ibis.interval(days=1) >= following)]


def _covered(rows: Any) -> Any:
    return rows.mutate(coverage=ibis.least(1.0, rows.known_seconds.cast("float64") / rows.expected_seconds.nullif(0)))


def _sums(rows: Any) -> dict[str, Any]:
    """What every account of emissions carries, from rows that carry it."""
    return {
        "energy": rows.energy.sum(),
        "estimated_energy": rows.estimated_energy.sum(),
        "emission": rows.emission.sum(),
        "known_seconds": rows.known_seconds.sum(),
        "review": rows.review.min(),
        "stand_in": rows.stand_in.max(),
    }


def _multiplied(rows: Any) -> Any:
    """Rows of energy and factor with the product, and what is missing where there is none."""
    rows = rows.mutate(accounted_energy=(rows.energy * rows.energy_ratio).cast(UNKNOWN))
    rows = rows.mutate(product=(rows.accounted_energy * rows.factor_value).cast(UNKNOWN))
    missing = ibis.ifelse(rows.factor.isnull(), "choice", ibis.ifelse(rows.energy.isnull(), "energy", ibis.null("string")))
    return rows.mutate(
        missing=ibis.coalesce(rows.missing, missing), known_seconds=ibis.ifelse(rows["product"].isnull(), 0, rows.known_seconds)
    )


@derived(
    reads={
        "energy": Read("energy.consumption_monthly", columns=("building", "carrier", *_ENERGY)),
        "uses": Read(
            _IN_USE.table,
            columns=_IN_USE.columns,
            during=_IN_USE.during,
            trace={"purpose": "purpose", "carrier": "carrier", "first_day": "first_day"},
        ),
        "carriers": Read("carbon.carrier", columns=("carrier", "emission_scope")),
    },
    columns=[
        *("building", "carrier", "emission_scope", "month", "purpose", "factor", "first_day", "emission_factor"),
        *("accounted_energy", *_ACCOUNT, "missing"),
    ],
    grain=["building", "carrier", "emission_scope", "month"],
    period="year",
    time="month",
    title_zh="建筑逐月碳排放",
    title_en="Emissions by building and month",
)
def emission_monthly(energy: Any, uses: Any, carriers: Any) -> Any:
    """Carbon dioxide from the energy that a building took in a month: energy x basis ratio x emission factor of that month.

    Activity data times factor, as in GB/T 32150-2025, 7.5 (unverified). Electricity and heat are scope 2, location-based: the
    mean factor of the grid or network; fuels are scope 1 (GPC). Energy is net of what the building gave back, as GB/T 32150
    deducts what is put out. A month without a factor has no emission; `missing` says what is not there, and no other year's
    factor is taken. The product is rounded once, to a milligram.
    """
    located = uses.filter(uses.purpose == LOCATION_BASED)
    rows = energy.left_join(located, [energy.carrier == located.carrier, *_holds_in(located, energy)]).drop("carrier_right")
    rows = _multiplied(rows.inner_join(carriers, "carrier"))
    return _covered(rows.mutate(emission=rows["product"], emission_factor=rows.factor_value))


_EXPECTED = Read("energy.consumption_yearly", columns=("building", "carrier", "year", "expected_seconds"))


@derived(
    reads={"monthly": "carbon.emission_monthly", "energy": _EXPECTED},
    columns=["building", "carrier", "emission_scope", "year", *_ACCOUNT],
    grain=["building", "carrier", "emission_scope", "year"],
    period="year",
    time="year",
    title_zh="建筑逐年碳排放",
    title_en="Emissions by building and year",
)
def emission_yearly(monthly: Any, energy: Any) -> Any:
    """Carbon dioxide of a building's carrier in a year: the sum of its months.

    Months without energy or without a factor lower the coverage.
    """
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    sums = rows.group_by("building", "carrier", "emission_scope", "year").agg(**_sums(rows))
    return _covered(sums.inner_join(energy, ["building", "carrier", "year"]))


def _totals(rows: Any) -> dict[str, Any]:
    """Sums over carriers and scopes; a scope of which nothing is known is unknown."""
    return {
        **_sums(rows),
        "expected_seconds": rows.expected_seconds.sum(),
        "direct_emission": rows.emission.sum(where=rows.emission_scope == DIRECT),
        "indirect_emission": rows.emission.sum(where=rows.emission_scope == INDIRECT),
    }


_TOTAL = [*_ACCOUNT, "direct_emission", "indirect_emission"]


@derived(
    reads={
        "yearly": "carbon.emission_yearly",
        "buildings": Read("buildings.building", columns=("building", "floor_area")),
    },
    columns=["building", "year", *_TOTAL, "floor_area", "emission_intensity"],
    grain=["building", "year"],
    period="year",
    time="year",
    title_zh="建筑年度碳排放合计",
    title_en="Total emissions by building and year",
)
def building_total_yearly(yearly: Any, buildings: Any) -> Any:
    """Carbon dioxide of a building in a year, all carriers, and over its gross floor area [kg/m²]."""
    account = yearly.group_by("building", "year").agg(**_totals(yearly))
    rows = _covered(account.left_join(buildings, "building"))
    return rows.mutate(emission_intensity=rows.emission.cast("float64") / rows.floor_area.nullif(0.0))


_BUILDINGS = Read("buildings.building", columns=("building", "zone"))


def _in_zones(rows: Any, buildings: Any) -> Any:
    """Rows of buildings as rows of their zone, and again as rows of the whole district."""
    of_zone = rows.inner_join(buildings, "building")
    return of_zone.union(of_zone.mutate(zone=ibis.literal(ROOT)))


def _by_zone(rows: Any, buildings: Any, period: str) -> Any:
    both = _in_zones(rows, buildings)
    return _covered(
        both.group_by("zone", "carrier", "emission_scope", period).agg(
            **_sums(both), expected_seconds=both.expected_seconds.sum(), buildings_counted=both.building.nunique()
        )
    )


@derived(
    reads={"monthly": "carbon.emission_monthly", "buildings": _BUILDINGS},
    columns=["zone", "carrier", "emission_scope", "month", *_ACCOUNT, "buildings_counted"],
    grain=["zone", "carrier", "emission_scope", "month"],
    period="year",
    time="month",
    title_zh="分区逐月碳排放",
    title_en="Emissions by zone and month",
)
def zone_emission_monthly(monthly: Any, buildings: Any) -> Any:
    """Carbon dioxide of the buildings of a zone in a month, by carrier and scope; the zone `district` is all of them (GPC)."""
    return _by_zone(monthly, buildings, "month")


@derived(
    reads={"yearly": "carbon.emission_yearly", "buildings": _BUILDINGS},
    columns=["zone", "carrier", "emission_scope", "year", *_ACCOUNT, "buildings_counted"],
    grain=["zone", "carrier", "emission_scope", "year"],
    period="year",
    time="year",
    title_zh="分区逐年碳排放",
    title_en="Emissions by zone and year",
)
def zone_emission_yearly(yearly: Any, buildings: Any) -> Any:
    """Carbon dioxide of the buildings of a zone in a year, by carrier and scope; the zone `district` is all of them (GPC)."""
    return _by_zone(yearly, buildings, "year")


@derived(
    reads={"monthly": "carbon.zone_emission_monthly"},
    columns=["zone", "month", *_TOTAL],
    grain=["zone", "month"],
    period="year",
    time="month",
    title_zh="分区月度碳排放合计",
    title_en="Total emissions by zone and month",
)
def zone_total_monthly(monthly: Any) -> Any:
    """Carbon dioxide of the buildings of a zone in a month, all carriers: scope 1 and location-based scope 2 (GPC)."""
    return _covered(monthly.group_by("zone", "month").agg(**_totals(monthly)))


@derived(
    reads={
        "yearly": "carbon.zone_emission_yearly",
        "buildings_yearly": Read("carbon.building_total_yearly", columns=("building", "year", "floor_area")),
        "buildings": _BUILDINGS,
    },
    columns=["zone", "year", *_TOTAL, "buildings_counted", "floor_area", "emission_intensity"],
    grain=["zone", "year"],
    period="year",
    time="year",
    title_zh="分区年度碳排放合计",
    title_en="Total emissions by zone and year",
)
def zone_total_yearly(yearly: Any, buildings_yearly: Any, buildings: Any) -> Any:
    """Carbon dioxide of the buildings of a zone in a year, all carriers: scope 1 and location-based scope 2 (GPC).

    Over the floor area of the buildings that are counted [kg/m²]; unknown where the area of one of them is.
    """
    account = yearly.group_by("zone", "year").agg(**_totals(yearly))
    both = _in_zones(buildings_yearly, buildings)
    areas = both.group_by("zone", "year").agg(
        buildings_counted=both.building.nunique(),
        floor_area=ibis.ifelse(
            both.floor_area.isnull().any(), ibis.null("float64"), both.floor_area.cast(UNKNOWN).sum().cast("float64")
        ),
    )
    rows = _covered(account.inner_join(areas, ["zone", "year"]))
    return rows.mutate(emission_intensity=rows.emission.cast("float64") / rows.floor_area.nullif(0.0))


@derived(
    reads={"monthly": "carbon.emission_monthly"},
    columns=["carrier", "emission_scope", "month", "missing", "factor", "energy", "buildings_counted", "stand_in"],
    grain=["carrier", "emission_scope", "month"],
    period="year",
    time="month",
    title_zh="缺少因子的能耗",
    title_en="Energy without a factor",
)
def factor_gap(monthly: Any) -> Any:
    """Energy for which no emission can be told, because its month has no factor: none was chosen (`choice`), the chosen series
    has none for the period (`factor`), or none for the basis of the energy (`ratio`). Each row is a problem to be mended by
    entering the factor with its document."""
    rows = monthly.filter(monthly.missing.isin(("choice", "factor", "ratio")))
    return rows.group_by("carrier", "emission_scope", "month").agg(
        missing=rows.missing.min(),
        factor=rows.factor.min(),
        energy=rows.energy.sum(),
        buildings_counted=rows.building.nunique(),
        stand_in=rows.stand_in.max(),
    )


_COAL = [
    *("energy", "estimated_energy", "standard_coal", "known_seconds", "expected_seconds", "coverage", "review", "stand_in"),
]


@derived(
    reads={
        "energy": Read("energy.zone_monthly", columns=("zone", "carrier", *_ENERGY)),
        "uses": _IN_USE,
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
    books = months.inner_join(coal, _holds_in(coal, months)).select("month", "purpose").distinct()
    each = energy.inner_join(books, "month")
    same = [each.purpose == coal.purpose, each.carrier == coal.carrier, *_holds_in(coal, each)]
    rows = _multiplied(each.left_join(coal, same).drop("purpose_right", "carrier_right"))
    rows = rows.mutate(year=rows.month.year().cast("int64"), emission=rows["product"])
    sums = rows.group_by("zone", "purpose", "carrier", "year").agg(**_sums(rows)).rename(standard_coal="emission")
    return _covered(sums.inner_join(yearly, ["zone", "carrier", "year"]))


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
    account = rows.group_by("zone", "purpose", "year").agg(**_sums(rows), expected_seconds=rows.expected_seconds.sum())
    return _covered(account).rename(standard_coal="emission")
