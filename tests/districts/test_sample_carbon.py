"""Carbon over the sample district: every account is conserved in every period; plants and certificates add up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City

SAMPLE = Path(__file__).parents[2] / "districts" / "future-science-city"
pytestmark = [pytest.mark.sample, pytest.mark.slow]


@pytest.fixture(scope="module")
def city(shipped: Callable[[str], City]) -> City:
    return shipped("future-science-city")


def summed(city: City, table: str, *keys: str, column: str = "emission", **where: Any) -> dict[tuple[Any, ...], Decimal]:
    """A column of a table summed by keys."""
    found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for row in city.figures.rows(f"carbon.{table}", where=where):
        found[tuple(row[key] for key in keys)] += row[column] or 0
    return {key: value for key, value in found.items() if value}


def test_scopes_by_enterprise_are_those_of_the_zone_in_every_month(city: City) -> None:
    keys = ("zone", "carrier", "emission_scope", "month")
    of_zones = summed(city, "zone_emission_monthly", *keys)
    assert len(of_zones) > 400
    assert summed(city, "enterprise_emission_monthly", *keys) == of_zones
    assert summed(city, "enterprise_emission_monthly", *keys, column="energy") == summed(
        city, "zone_emission_monthly", *keys, column="energy"
    )


def test_months_are_the_year_and_zones_the_district(city: City) -> None:
    months: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for (zone, carrier, scope, month), value in summed(
        city, "zone_emission_monthly", "zone", "carrier", "emission_scope", "month"
    ).items():
        months[zone, carrier, scope, month.year] += value
    years = summed(city, "zone_emission_yearly", "zone", "carrier", "emission_scope", "year")
    assert months == years
    parts: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for (zone, *key), value in years.items():
        parts[tuple(key)] += value if zone != "district" else -value
    assert set(parts.values()) == {0}


def test_the_inventory_is_all_of_the_scopes(city: City) -> None:
    totals = summed(city, "zone_total_yearly", "year", zone="district")
    assert summed(city, "inventory_gpc", "year") == totals
    assert summed(city, "inventory_gpc_total", "year") == totals
    by_whom = summed(city, "enterprise_total_yearly", "year", zone="district")
    assert by_whom == totals


def test_every_method_gives_back_the_fuel_of_the_plant(city: City) -> None:
    fuel = summed(city, "fuel_emission_monthly", "month", column="energy", plant="energy-valley-cchp")
    burnt = summed(city, "fuel_emission_monthly", "month", plant="energy-valley-cchp")
    assert len(fuel) == 36
    methods = {row["method"] for row in city.figures.rows("carbon.cogeneration_yearly")}
    assert len(methods) == 6
    for method in methods:
        assert summed(city, "cogeneration_monthly", "month", column="allocated_energy", method=method) == fuel
        assert summed(city, "cogeneration_monthly", "month", column="allocated_emission", method=method) == burnt


def test_certificates_cover_no_more_than_was_used_and_the_market_is_the_sum_of_its_parts(city: City) -> None:
    for row in city.figures.rows("carbon.market_based_yearly"):
        assert row["covered_energy"] <= row["energy"]
        assert row["residual_energy"] == row["energy"] - row["covered_energy"]
    parts = summed(city, "market_based_yearly", "year", column="market_emission")
    assert parts == summed(city, "market_based_total", "year", column="market_emission")
    assert summed(city, "market_based_yearly", "year", column="energy") == summed(
        city, "zone_emission_yearly", "year", column="energy", zone="district", carrier="electricity"
    )
    refused = {row["refusal"] for row in city.figures.rows("carbon.certificate_ledger", where={"verdict": "refused"})}
    assert {"expired", "not_held", "more_than_use", "produced_later"} <= refused


def test_all_of_it_says_that_it_is_a_stand_in(city: City) -> None:
    for table in ("fuel_emission_monthly", "cogeneration_yearly", "certificate_ledger", "market_based_total"):
        assert {row["stand_in"] for row in city.figures.rows(f"carbon.{table}")} == {True}, table
