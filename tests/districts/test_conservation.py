"""Energy is conserved at every level and in every period of the sample and of the demo, to the last digit.

Parts and gap are the main meter, zones are the district, hours are days, days are months and months are years, enterprises
and what is common are the buildings, sub-items and what is unassigned are too, a balance has as much in as out at every node,
bands of a tariff are the month. Unknown counts as nothing on both sides of an equation, and is told apart by the coverage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City

DISTRICTS = Path(__file__).parents[2] / "districts"
Sums = dict[tuple[Any, ...], Decimal]
PERIODS = {"day": "daily", "month": "monthly", "year": "yearly"}


@pytest.fixture(
    scope="module",
    params=["demo", pytest.param("future-science-city", marks=[pytest.mark.sample, pytest.mark.slow])],
)
def city(request: pytest.FixtureRequest, shipped: Callable[[str], City]) -> City:
    return shipped(request.param)


def total(city: City, table: str, *keys: str, of: str = "energy", where: str = "true") -> Sums:
    """Sums by keys (SQL text); a key of which nothing is known, and a sum of 0, are left out."""
    relation = city.computing.engine.relation(city.catalog[f"energy.{table}"])
    listed = ", ".join(f"{key} AS k{place}" for place, key in enumerate(keys))
    places = ", ".join(str(place) for place in range(1, len(keys) + 1))
    text = f"SELECT {listed}, sum({of})::DECIMAL(38, 6) AS total FROM {relation} WHERE {where} GROUP BY {places}"
    found = city.computing.engine.sql(text).to_pylist()
    return {tuple(list(row.values())[:-1]): row["total"] for row in found if row["total"]}


def rows(city: City, table: str, where: str = "true") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.computing.engine.rows(city.catalog[table], where).to_pylist()
    return found


LADDERS = {  # the key of each table that has days, months and years
    "consumption": ("building", "carrier"),
    "zone": ("zone", "carrier"),
    "part": ("building", "carrier", "enterprise"),
    "enterprise": ("enterprise", "carrier"),
    "meter": ("meter", "flow", "building"),
}


@pytest.mark.parametrize("name", LADDERS)
def test_days_are_months_and_months_are_years(city: City, name: str) -> None:
    keys = LADDERS[name]
    monthly = total(city, f"{name}_monthly", *keys, "month")
    assert total(city, f"{name}_daily", *keys, "date_trunc('month', day)::DATE") == monthly
    assert total(city, f"{name}_monthly", *keys, "year(month)") == total(city, f"{name}_yearly", *keys, "year")
    assert monthly


@pytest.mark.parametrize(
    ("hourly", "daily", "keys"),
    [
        ("meter_hourly", "meter_daily", ("meter", "flow", "building", "day")),
        ("consumption_hourly", "consumption_daily", ("building", "carrier", "day")),
        ("zone_hourly", "zone_daily", ("zone", "carrier", "day")),
        ("virtual_hourly", "virtual_daily", ("meter", "carrier", "day")),
    ],
)
def test_hours_are_days(city: City, hourly: str, daily: str, keys: tuple[str, ...]) -> None:
    found = total(city, hourly, *keys)
    assert found == total(city, daily, *keys)
    assert found


@pytest.mark.parametrize("name", ["sub_item", "virtual"])
def test_days_of_sub_items_and_of_virtual_meters_are_months(city: City, name: str) -> None:
    keys = ("building", "carrier", "sub_item") if name == "sub_item" else ("meter", "carrier")
    daily = total(city, f"{name}_daily", *keys, "date_trunc('month', day)::DATE")
    assert daily == total(city, f"{name}_monthly", *keys, "month")


@pytest.mark.parametrize("period", PERIODS)
def test_zones_are_the_district_and_the_district_is_its_buildings(city: City, period: str) -> None:
    whole = total(city, f"zone_{PERIODS[period]}", "carrier", period, where="zone = 'district'")
    assert whole == total(city, f"zone_{PERIODS[period]}", "carrier", period, where="zone <> 'district'")
    assert whole == total(city, f"consumption_{PERIODS[period]}", "carrier", period)


def test_hours_of_the_day_are_the_month(city: City) -> None:
    assert total(city, "zone_profile", "zone", "carrier", "month") == total(city, "zone_monthly", "zone", "carrier", "month")


@pytest.mark.parametrize("period", PERIODS)
def test_enterprises_and_what_is_common_are_the_buildings(city: City, period: str) -> None:
    suffix = PERIODS[period]
    parts = total(city, f"part_{suffix}", "building", "carrier", period)
    assert parts == total(city, f"consumption_{suffix}", "building", "carrier", period)
    found = total(city, f"enterprise_{suffix}", "enterprise", "carrier", period)
    assert found == total(city, f"part_{suffix}", "enterprise", "carrier", period)
    known = {row["enterprise"] for row in rows(city, "energy.membership")}  # others have no meter
    assert known < {key[0] for key in found} <= known | {"common", "unattributed"}


def test_hours_of_enterprises_are_their_days_where_the_day_is_known(city: City) -> None:
    """A day of which a part is unknown is nobody's, while its other hours are known to be somebody's."""
    hourly = total(city, "enterprise_hourly", "enterprise", "carrier", "day")
    daily = total(
        city, "enterprise_daily", "enterprise", "carrier", "day", where="enterprise NOT IN ('common', 'unattributed')"
    )
    assert daily
    assert {key: energy for key, energy in hourly.items() if key in daily} == daily


@pytest.mark.parametrize("period", ["day", "month"])
def test_sub_items_and_what_is_unassigned_are_the_buildings(city: City, period: str) -> None:
    suffix = PERIODS[period]
    items = total(city, f"sub_item_{suffix}", "building", "carrier", period)
    assert items == total(city, f"consumption_{suffix}", "building", "carrier", period)


def test_sub_items_of_zones_are_the_district(city: City) -> None:
    keys = ("carrier", "sub_item", "month")
    whole = total(city, "zone_sub_item_monthly", *keys, where="zone = 'district'")
    assert whole == total(city, "zone_sub_item_monthly", *keys, where="zone <> 'district'")
    assert whole == total(city, "sub_item_monthly", *keys)


BALANCES = {"balance": "zone", "building_balance": "building", "enterprise_balance": "zone"}


@pytest.mark.parametrize("name", BALANCES)
@pytest.mark.parametrize("period", ["month", "year"])
def test_a_balance_has_as_much_in_as_out_at_every_node(city: City, period: str, name: str) -> None:
    table, keys = f"{name}_{PERIODS[period]}", (BALANCES[name], "carrier", period)
    into = total(city, table, *keys, "node_to", where="regexp_matches(node_to, '^(zone|building):')")
    out = total(city, table, *keys, "node_from", where="regexp_matches(node_from, '^(zone|building):')")
    assert into == out
    assert into
    assert not rows(city, f"energy.{table}", "energy <= 0")


@pytest.mark.parametrize("name", BALANCES)
def test_a_balance_begins_at_the_meters_and_its_zones_are_the_district(city: City, name: str) -> None:
    """What is bought, given back and generated is what these meters counted."""
    roles = {row["meter"]: (row["carrier"], row["role"]) for row in rows(city, "energy.meter")}
    metered: dict[tuple[str, str, int], Decimal] = defaultdict(Decimal)
    for (meter, flow, year), energy in total(city, "meter_yearly", "meter", "flow", "year").items():
        carrier, role = roles[meter]
        node = {"main forward": "bought", "main reverse": "exported", "generation forward": "generated"}.get(f"{role} {flow}")
        if node:
            metered[carrier, node, year] += energy
    for whole in ("zone = 'district'", "zone <> 'district'") if BALANCES[name] == "zone" else ("true",):
        found = total(city, f"{name}_yearly", "carrier", "node_from", "year", where=f"{whole} AND NOT node_from LIKE '%:%'")
        found |= total(city, f"{name}_yearly", "carrier", "node_to", "year", where=f"{whole} AND node_to = 'exported'")
        assert {key: energy for key, energy in found.items() if key[1] != "negative_rest"} == metered


def test_uses_of_a_balance_are_the_enterprises_and_sub_items(city: City) -> None:
    """By enterprise to the last digit; by sub-item apart from what is unassigned, which has what is generated on top."""
    keys = ("carrier", "year")
    for name, label in (("enterprise_balance", "enterprise"), ("balance", "sub_item")):
        place = f"zone = 'district' AND node_to LIKE '{label}:%'"
        found = total(city, f"{name}_yearly", f"replace(node_to, '{label}:', '')", *keys, where=place)
        table = "part_yearly" if label == "enterprise" else "sub_item_yearly"
        known = f"{label} NOT IN ('common', 'unassigned', 'unattributed')"
        assert found == total(city, table, label, *keys, where=known)


@pytest.mark.parametrize("name", BALANCES)
def test_months_of_a_balance_are_the_year(city: City, name: str) -> None:
    keys = (BALANCES[name], "carrier", "node_from", "node_to")
    assert total(city, f"{name}_monthly", *keys, "year(month)") == total(city, f"{name}_yearly", *keys, "year")


def test_bands_are_the_energy_of_the_month(city: City) -> None:
    keys = ("building", "carrier", "month")
    bands = total(city, "cost_monthly", *keys)
    assert bands == total(city, "consumption_monthly", *keys)
    assert bands == total(city, "cost_total_monthly", *keys)
    enterprises = total(city, "enterprise_cost_monthly", "enterprise", "carrier", "month")
    hours = total(city, "enterprise_hourly", "enterprise", "carrier", "date_trunc('month', day)::DATE")
    assert enterprises == hours


def test_costs_of_zones_are_the_district_and_the_buildings(city: City) -> None:
    for of in ("cost", "energy"):
        whole = total(city, "zone_cost_monthly", "carrier", "month", "band", of=of, where="zone = 'district'")
        assert whole == total(city, "zone_cost_monthly", "carrier", "month", "band", of=of, where="zone <> 'district'")
        assert whole == total(city, "cost_monthly", "carrier", "month", "band", of=of)


def test_a_month_with_energy_that_has_no_price_has_no_cost(city: City) -> None:
    unpriced = total(city, "cost_monthly", "building", "carrier", "month", where="band = 'none'")
    assert unpriced
    found = rows(city, "energy.cost_total_monthly")
    for row in found:
        key = (row["building"], row["carrier"], row["month"])
        assert row["unpriced_energy"] == unpriced.get(key, 0)
        assert (row["cost"] is None) == (key in unpriced or row["energy"] is None)
    assert not rows(city, "energy.cost_monthly", "band = 'none' AND cost IS NOT NULL")


def test_parts_and_gap_are_the_main_meter(city: City) -> None:
    for row in rows(city, "energy.gap_account"):
        if row["gap_energy"] is not None:
            assert row["sub_energy"] + row["gap_energy"] == row["main_energy"]
        else:
            assert row["main_energy"] is None or row["sub_energy"] is None


def test_a_tenant_who_moves_out_has_the_hours_that_began_before(city: City) -> None:
    """The let meter's hours by hand: each belongs to whom it belonged when it began."""
    leaving = [row for row in rows(city, "energy.membership") if row["valid_to"] is not None]
    assert leaving
    for let in leaving:
        hours = rows(city, "energy.meter_hourly", f"meter = '{let['meter']}'")
        theirs = [row for row in hours if let["valid_from"] <= row["hour"] < let["valid_to"]]
        last = max(row["day"] for row in theirs)
        of_day = [row for row in theirs if row["day"] == last]
        carrier = next(row["carrier"] for row in rows(city, "energy.meter") if row["meter"] == let["meter"])
        place = f"day = DATE '{last}' AND enterprise = '{let['enterprise']}' AND carrier = '{carrier}'"
        own = rows(city, "energy.part_daily", f"{place} AND building = '{of_day[0]['building']}'")
        assert 0 < len(of_day) < 24
        assert [row["energy"] for row in own] == [sum(row["energy"] for row in of_day)]
        assert own[0]["expected_seconds"] == 3600 * len(of_day)
