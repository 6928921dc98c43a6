"""The tables of carbon: which factor holds when, emissions by building, zone, carrier, scope and period, standard coal."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.carbon.certificates import (  # noqa: F401  (found here by name)
    ACT,
    CERTIFICATE,
    EVENT,
    RULE,
    certificate_hour,
    certificate_ledger,
)
from scicity.domains.carbon.changes import change_cause  # noqa: F401
from scicity.domains.carbon.coal import ENERGY, IN_USE, standard_coal_total, standard_coal_yearly  # noqa: F401
from scicity.domains.carbon.cogeneration import (  # noqa: F401  (found here by name)
    OUTPUT,
    PLANT,
    cogeneration_monthly,
    cogeneration_yearly,
    plant_output_monthly,
)
from scicity.domains.carbon.enterprises import (  # noqa: F401  (found here by name)
    enterprise_emission_monthly,
    enterprise_emission_yearly,
    enterprise_total_yearly,
    inventory_enterprise,
)
from scicity.domains.carbon.fuels import (  # noqa: F401  (found here by name)
    FUEL_USE,
    GAS_CONDITION,
    fuel_emission_monthly,
    fuel_monthly,
)
from scicity.domains.carbon.green import market_based_total, market_based_yearly, own_generation_monthly  # noqa: F401
from scicity.domains.carbon.inventories import (  # noqa: F401  (found here by name)
    ITEM,
    NOTATION,
    SECTOR,
    USE,
    inventory_gpc,
    inventory_gpc_total,
)
from scicity.domains.carbon.methods import in_use
from scicity.domains.carbon.methods.accounts import (
    ACCOUNT,
    OTHER,
    ROOT,
    UNKNOWN,
    billed_outside,
    covered,
    fuel_sums,
    holds_in,
    multiplied,
    only,
    sums,
    totals,
    year_seconds,
)
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


_FUELS = Read(
    "carbon.fuel_emission_monthly",
    columns=(
        *("entry", "month", "building", "enterprise", "zone", "carrier", "emission_scope", "energy", "factor"),
        *("emission_factor", "emission", "known_seconds", "expected_seconds", "review", "missing", "stand_in"),
    ),
)


@derived(
    reads={
        "energy": Read("energy.consumption_monthly", columns=("building", "carrier", *ENERGY)),
        "uses": Read(
            IN_USE.table,
            columns=IN_USE.columns,
            during=IN_USE.during,
            trace={"purpose": "purpose", "carrier": "carrier", "first_day": "first_day"},
        ),
        "carriers": Read("carbon.carrier", columns=("carrier", "emission_scope")),
        "fuels": _FUELS,
    },
    columns=[
        *("building", "carrier", "emission_scope", "month", "purpose", "factor", "first_day", "emission_factor"),
        *("accounted_energy", *ACCOUNT, "missing"),
    ],
    grain=["building", "carrier", "emission_scope", "month"],
    period="year",
    time="month",
    title_zh="建筑逐月碳排放",
    title_en="Emissions by building and month",
)
def emission_monthly(energy: Any, uses: Any, carriers: Any, fuels: Any) -> Any:
    """Carbon dioxide from the energy that a building took in a month: energy x basis ratio x emission factor of that month.

    Activity data times factor, as in GB/T 32150-2025, 7.5 (unverified). Electricity and heat are scope 2, location-based: the
    mean factor of the grid or network; fuels are scope 1 (GPC). Energy is net of what the building gave back, as GB/T 32150
    deducts what is put out. A month without a factor has no emission; `missing` says what is not there, and no other year's
    factor is taken. The product is rounded once, to a milligram. What bills tell of fuels that no meter counts is there too.
    """
    located = uses.filter(uses.purpose == LOCATION_BASED)
    rows = energy.left_join(located, [energy.carrier == located.carrier, *holds_in(located, energy)]).drop("carrier_right")
    rows = multiplied(rows.inner_join(carriers, "carrier"))
    rows = rows.mutate(emission=rows["product"], emission_factor=rows.factor_value)
    billed = fuels.filter(fuels.building.notnull())
    billed = billed.group_by("building", "carrier", "emission_scope", "month").agg(
        **fuel_sums(billed),
        factor=only(billed.factor),
        emission_factor=only(billed.emission_factor),
        missing=billed.missing.min(),
    )
    billed = billed.mutate(
        purpose=ibis.ifelse(billed.emission_scope == OTHER, "supply_chain", LOCATION_BASED),
        first_day=ibis.null("date"),
        accounted_energy=billed.energy,
    )
    names = [c for c in emission_monthly.columns if c != "coverage"]
    both = rows.select(names).union(billed.select(names))
    keys = ("building", "carrier", "emission_scope", "month")
    whole = both.group_by(*keys).agg(
        **sums(both),
        expected_seconds=both.expected_seconds.max(),
        accounted_energy=both.accounted_energy.sum(),
        **{name: only(both[name]) for name in ("purpose", "factor", "first_day", "emission_factor")},
        missing=both.missing.min(),
    )
    return covered(whole)


_EXPECTED = Read("energy.consumption_yearly", columns=("building", "carrier", "year", "expected_seconds"))


@derived(
    reads={"monthly": "carbon.emission_monthly", "energy": _EXPECTED, "fuels": _FUELS},
    columns=["building", "carrier", "emission_scope", "year", *ACCOUNT],
    grain=["building", "carrier", "emission_scope", "year"],
    period="year",
    time="year",
    title_zh="建筑逐年碳排放",
    title_en="Emissions by building and year",
)
def emission_yearly(monthly: Any, energy: Any, fuels: Any) -> Any:
    """Carbon dioxide of a building's carrier in a year: the sum of its months.

    Months without energy or without a factor lower the coverage; a fuel that is billed is expected over the whole year.
    """
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    account = rows.group_by("building", "carrier", "emission_scope", "year").agg(**sums(rows))
    billed = fuels.filter(fuels.building.notnull()).mutate(year=fuels.month.year().cast("int64"))
    billed = billed.select("building", "carrier", "year").distinct().mutate(expected_seconds=year_seconds(ibis._.year))
    both = energy.union(billed.select(energy.columns))
    expected = both.group_by("building", "carrier", "year").agg(expected_seconds=both.expected_seconds.max())
    return covered(account.inner_join(expected, ["building", "carrier", "year"]))


_TOTAL = [*ACCOUNT, "direct_emission", "indirect_emission", "other_emission"]


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
    account = yearly.group_by("building", "year").agg(**totals(yearly))
    rows = covered(account.left_join(buildings, "building"))
    return rows.mutate(emission_intensity=rows.emission.cast("float64") / rows.floor_area.nullif(0.0))


_BUILDINGS = Read("buildings.building", columns=("building", "zone"))


def _in_zones(rows: Any, buildings: Any) -> Any:
    """Rows of buildings as rows of their zone, and again as rows of the whole district."""
    of_zone = rows.inner_join(buildings, "building")
    return of_zone.union(of_zone.mutate(zone=ibis.literal(ROOT)))


def _unplaced(fuels: Any, period: str) -> Any:
    """What enterprises burnt in no building of the register, as rows of their zone and again of the whole district."""
    rows = billed_outside(fuels, period).mutate(building=ibis.null("string")).drop("enterprise")
    return rows.union(rows.mutate(zone=ibis.literal(ROOT)))


def _by_zone(rows: Any, buildings: Any, fuels: Any, period: str) -> Any:
    both = _in_zones(rows, buildings)
    more = _unplaced(fuels, period)
    names = ["zone", "carrier", "emission_scope", period, "building", "expected_seconds", *sums(more)]
    both = both.select(names).union(more.select(names))
    return covered(
        both.group_by("zone", "carrier", "emission_scope", period).agg(
            **sums(both), expected_seconds=both.expected_seconds.sum(), buildings_counted=both.building.nunique()
        )
    )


@derived(
    reads={"monthly": "carbon.emission_monthly", "buildings": _BUILDINGS, "fuels": _FUELS},
    columns=["zone", "carrier", "emission_scope", "month", *ACCOUNT, "buildings_counted"],
    grain=["zone", "carrier", "emission_scope", "month"],
    period="year",
    time="month",
    title_zh="分区逐月碳排放",
    title_en="Emissions by zone and month",
)
def zone_emission_monthly(monthly: Any, buildings: Any, fuels: Any) -> Any:
    """Carbon dioxide of the buildings of a zone in a month, by carrier and scope; the zone `district` is all of them (GPC)."""
    return _by_zone(monthly, buildings, fuels, "month")


@derived(
    reads={"yearly": "carbon.emission_yearly", "buildings": _BUILDINGS, "fuels": _FUELS},
    columns=["zone", "carrier", "emission_scope", "year", *ACCOUNT, "buildings_counted"],
    grain=["zone", "carrier", "emission_scope", "year"],
    period="year",
    time="year",
    title_zh="分区逐年碳排放",
    title_en="Emissions by zone and year",
)
def zone_emission_yearly(yearly: Any, buildings: Any, fuels: Any) -> Any:
    """Carbon dioxide of the buildings of a zone in a year, by carrier and scope; the zone `district` is all of them (GPC)."""
    return _by_zone(yearly, buildings, fuels, "year")


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
    return covered(monthly.group_by("zone", "month").agg(**totals(monthly)))


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
    account = yearly.group_by("zone", "year").agg(**totals(yearly))
    both = _in_zones(buildings_yearly, buildings)
    areas = both.group_by("zone", "year").agg(
        buildings_counted=both.building.nunique(),
        floor_area=ibis.ifelse(
            both.floor_area.isnull().any(), ibis.null("float64"), both.floor_area.cast(UNKNOWN).sum().cast("float64")
        ),
    )
    rows = covered(account.left_join(areas, ["zone", "year"]).drop("zone_right", "year_right"))
    rows = rows.mutate(buildings_counted=ibis.coalesce(rows.buildings_counted, 0))
    return rows.mutate(emission_intensity=rows.emission.cast("float64") / rows.floor_area.nullif(0.0))


@derived(
    reads={"monthly": "carbon.emission_monthly", "fuels": _FUELS},
    columns=["carrier", "emission_scope", "month", "missing", "factor", "energy", "buildings_counted", "stand_in"],
    grain=["carrier", "emission_scope", "month"],
    period="year",
    time="month",
    title_zh="缺少因子的能耗",
    title_en="Energy without a factor",
)
def factor_gap(monthly: Any, fuels: Any) -> Any:
    """Energy for which no emission can be told, because its month has no factor: none was chosen (`choice`), the chosen series
    has none for the period (`factor`), none for the basis of the energy (`ratio`) or none for its heat (`heat_value`). Each row
    is a problem to be mended by entering the factor with its document."""
    names = ["building", "carrier", "emission_scope", "month", "missing", "factor", "energy", "stand_in"]
    rows = monthly.select(names).union(fuels.filter(fuels.building.isnull()).select(names))
    rows = rows.filter(rows.missing.isin(("choice", "factor", "ratio", "heat_value")))
    return rows.group_by("carrier", "emission_scope", "month").agg(
        missing=rows.missing.min(),
        factor=rows.factor.min(),
        energy=rows.energy.sum(),
        buildings_counted=rows.building.nunique(),
        stand_in=rows.stand_in.max(),
    )
