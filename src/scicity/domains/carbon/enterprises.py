"""Whose emissions they are: by enterprise, what is common, and the inventory of one enterprise in the form of GB/T 32150."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.carbon.coal import IN_USE
from scicity.domains.carbon.methods.accounts import (
    ACCOUNT,
    OTHER,
    ROOT,
    UNKNOWN,
    covered,
    fuel_sums,
    holds_in,
    multiplied,
    sums,
    totals,
)
from scicity.domains.carbon.methods.choice_lint import LOCATION_BASED
from scicity.kernel.tables import Read, derived

COMMON = "common"
_BUILDINGS = Read("buildings.building", columns=("building", "zone"))
_FUELS = Read(
    "carbon.fuel_emission_monthly",
    columns=(
        *("entry", "month", "enterprise", "zone", "carrier", "emission_scope", "energy", "emission", "known_seconds"),
        *("expected_seconds", "review", "stand_in"),
    ),
    trace={"enterprise": "enterprise", "month": "month"},
)
_KEYS = ("zone", "enterprise", "carrier", "emission_scope")


@derived(
    reads={
        "parts": Read(
            "energy.part_monthly",
            columns=(
                *("building", "carrier", "enterprise", "month", "energy", "estimated_energy", "known_seconds"),
                *("expected_seconds", "stand_in"),
            ),
            trace={"enterprise": "enterprise", "carrier": "carrier", "month": "month"},
        ),
        "uses": Read(IN_USE.table, columns=IN_USE.columns, during=IN_USE.during, trace={"carrier": "carrier"}),
        "carriers": Read("carbon.carrier", columns=("carrier", "emission_scope")),
        "fuels": _FUELS,
        "buildings": _BUILDINGS,
        "zones": "carbon.zone_emission_monthly",
    },
    columns=[*_KEYS, "month", *ACCOUNT],
    grain=[*_KEYS, "month"],
    period="year",
    time="month",
    title_zh="企业逐月碳排放",
    title_en="Emissions by enterprise and month",
)
def enterprise_emission_monthly(parts: Any, uses: Any, carriers: Any, fuels: Any, buildings: Any, zones: Any) -> Any:
    """Carbon dioxide by whose it is, in each zone and in the whole district: enterprises, what nobody can tell, and `common`.

    Energy of an enterprise times the factor of the month, and the fuels of its bills (GB/T 32150-2025, unverified). `common` is
    what is left of the zone, so that all rows of a zone are together what the zone emits, to the last digit.
    """
    names = [*_KEYS, "month", *(name for name in ACCOUNT if name != "coverage")]
    own = parts.filter(parts.enterprise != COMMON)
    located = uses.filter(uses.purpose == LOCATION_BASED)
    own = own.left_join(located, [own.carrier == located.carrier, *holds_in(located, own)]).drop("carrier_right")
    own = multiplied(own.inner_join(carriers, "carrier").inner_join(buildings, "building"))
    own = own.mutate(emission=own["product"])
    billed = fuels.filter(fuels.enterprise.notnull())
    billed = billed.group_by(*_KEYS, "month").agg(**fuel_sums(billed))
    named = own.select(names).union(billed.select(names))
    named = named.union(named.mutate(zone=ibis.literal(ROOT)))
    named = _account(named)
    taken = named.group_by("zone", "carrier", "emission_scope", "month").agg(
        **{f"own_{name}": named[name].sum() for name in ("energy", "estimated_energy", "emission", *_SECONDS)}
    )
    rest = zones.left_join(taken, ["zone", "carrier", "emission_scope", "month"])
    less = {
        name: (rest[name] - ibis.coalesce(rest[f"own_{name}"], ibis.literal(0).cast(UNKNOWN))).cast(UNKNOWN)
        for name in ("energy", "estimated_energy", "emission")
    }
    seconds = {name: ibis.greatest(0, rest[name] - ibis.coalesce(rest[f"own_{name}"], 0)).cast("int64") for name in _SECONDS}
    rest = rest.mutate(**less, **seconds, enterprise=ibis.literal(COMMON))
    nothing = (rest.expected_seconds == 0) & (rest.emission.isnull() | (rest.emission == 0))
    return covered(named.select(names).union(rest.filter(~nothing).select(names)))


_SECONDS = ("known_seconds", "expected_seconds")


def _account(rows: Any) -> Any:
    """Sums by whose they are, in the types of their columns."""
    found = rows.group_by(*_KEYS, "month").agg(**sums(rows), expected_seconds=rows.expected_seconds.sum())
    kept = {name: found[name].cast(UNKNOWN) for name in ("energy", "estimated_energy", "emission")}
    return found.mutate(**kept, **{name: found[name].cast("int64") for name in _SECONDS})


@derived(
    reads={"monthly": "carbon.enterprise_emission_monthly"},
    columns=[*_KEYS, "year", *ACCOUNT],
    grain=[*_KEYS, "year"],
    period="year",
    time="year",
    title_zh="企业逐年碳排放",
    title_en="Emissions by enterprise and year",
)
def enterprise_emission_yearly(monthly: Any) -> Any:
    """Carbon dioxide by whose it is in a year: the sum of its months."""
    rows = monthly.mutate(year=monthly.month.year().cast("int64"))
    return covered(rows.group_by(*_KEYS, "year").agg(**sums(rows), expected_seconds=rows.expected_seconds.sum()))


@derived(
    reads={"yearly": "carbon.enterprise_emission_yearly"},
    columns=["zone", "enterprise", "year", *ACCOUNT, "direct_emission", "indirect_emission", "other_emission"],
    grain=["zone", "enterprise", "year"],
    period="year",
    time="year",
    title_zh="企业年度碳排放合计",
    title_en="Total emissions by enterprise and year",
)
def enterprise_total_yearly(yearly: Any) -> Any:
    """Carbon dioxide by whose it is in a year, all carriers: scope 1 and location-based scope 2; scope 3 beside them."""
    return covered(yearly.group_by("zone", "enterprise", "year").agg(**totals(yearly)))


@derived(
    reads={
        "yearly": "carbon.enterprise_emission_yearly",
        "outputs": "carbon.plant_output_monthly",
        "uses": Read(IN_USE.table, columns=IN_USE.columns, during=IN_USE.during, trace={}),
        "items": Read("carbon.inventory_item", columns=("inventory_item",), trace={"inventory_item": "inventory_item"}),
    },
    columns=["enterprise", "year", "inventory_item", "energy", "emission", "notation", "coverage", "review", "stand_in"],
    grain=["enterprise", "year", "inventory_item"],
    period="year",
    time="year",
    title_zh="企业温室气体清单",
    title_en="Greenhouse-gas inventory of an enterprise",
)
def inventory_enterprise(yearly: Any, outputs: Any, uses: Any, items: Any) -> Any:
    """The inventory of an enterprise in the form of GB/T 32150-2025 (unverified): burnt + process + bought - exported.

    Bought electricity and heat (with cold) by the factors of the place; what a plant of the enterprise gives to others by the
    same factors, and taken off. Process emissions are not estimated here (`NE`); what has no factor is unknown and so is what
    it is part of.
    """
    whole = yearly.filter((yearly.zone == ROOT) & (yearly.enterprise != COMMON) & (yearly.emission_scope != OTHER))
    item = ibis.cases(
        (whole.emission_scope == 1, "combustion"),
        (whole.carrier == "electricity", "bought_electricity"),
        else_="bought_heat",
    )
    whole = whole.mutate(inventory_item=item)
    keys = ("enterprise", "year", "inventory_item")
    used = whole.group_by(*keys).agg(
        energy=whole.energy.sum().cast(UNKNOWN),
        emission=ibis.ifelse(whole.emission.isnull().any(), ibis.null(UNKNOWN), whole.emission.sum().cast(UNKNOWN)),
        known_seconds=whole.known_seconds.sum().cast("int64"),
        expected_seconds=whole.expected_seconds.sum().cast("int64"),
        review=whole.review.min(),
        stand_in=whole.stand_in.max(),
    )
    sold = outputs.filter((outputs.destination != "own_use") & outputs.enterprise.notnull())
    sold = sold.mutate(carrier=ibis.ifelse(sold["product"] == "power", "electricity", sold["product"]))
    located = uses.filter(uses.purpose == LOCATION_BASED)
    sold = sold.left_join(located, [sold.carrier == located.carrier, *holds_in(located, sold)]).drop("carrier_right")
    sold = sold.mutate(
        inventory_item=ibis.ifelse(sold.carrier == "electricity", "exported_electricity", "exported_heat"),
        year=sold.month.year().cast("int64"),
        emission=-(sold.output_energy * sold.factor_value).cast(UNKNOWN),
    )
    given = sold.group_by(*keys).agg(
        energy=sold.output_energy.sum().cast(UNKNOWN),
        emission=ibis.ifelse(sold.emission.isnull().any(), ibis.null(UNKNOWN), sold.emission.sum().cast(UNKNOWN)),
        known_seconds=sold.emission.notnull().sum().cast("int64"),
        expected_seconds=sold.count().cast("int64"),
        review=sold.review.min(),
        stand_in=sold.stand_in.max(),
    )
    there = used.union(given.select(used.columns))
    total = there.group_by("enterprise", "year").agg(
        emission=ibis.ifelse(there.emission.isnull().any(), ibis.null(UNKNOWN), there.emission.sum().cast(UNKNOWN)),
        known_seconds=there.known_seconds.sum().cast("int64"),
        expected_seconds=there.expected_seconds.sum().cast("int64"),
        review=there.review.min(),
        stand_in=there.stand_in.max(),
    )
    total = total.mutate(inventory_item=ibis.literal("total"), energy=ibis.null(UNKNOWN))
    there = there.union(total.select(used.columns))
    form = there.select("enterprise", "year").distinct().cross_join(items)
    rows = form.left_join(there, list(keys)).drop("enterprise_right", "year_right", "inventory_item_right")
    empty = ibis.ifelse(rows.inventory_item == "process", "NE", "NO")
    return covered(rows).mutate(notation=ibis.ifelse(rows.expected_seconds.isnull(), empty, ibis.null("string")))
