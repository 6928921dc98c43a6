"""Energy is conserved at every level and in every period of the sample and of the demo, to the last digit.

Parts and gap are the main meter, zones are the district, days are months and months are years, enterprises and what is common
are the buildings. Unknown counts as nothing on both sides of an equation, and is counted apart by the coverage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City

DISTRICTS = Path(__file__).parents[2] / "districts"
Sums = dict[tuple[Any, ...], Decimal]
Row = Mapping[str, Any]


@pytest.fixture(
    scope="module",
    params=["demo", pytest.param("future-science-city", marks=[pytest.mark.sample, pytest.mark.slow])],
)
def city(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> City:
    found = City(DISTRICTS / request.param, tmp_path_factory.mktemp(request.param))
    found.load()
    found.compute()
    return found


def rows(city: City, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.computing.engine.rows(city.catalog[table]).to_pylist()
    return found


def total(found: Iterable[Row], key: Callable[[Row], tuple[Any, ...]], column: str = "energy") -> Sums:
    """Sums by a key; a key of which nothing is known, and a sum of 0, are left out."""
    sums: Sums = defaultdict(Decimal)
    for row in found:
        if row[column] is not None:
            sums[key(row)] += row[column]
    return {key: value for key, value in sums.items() if value}


def month_of(row: Row) -> date:
    return row["day"].replace(day=1)


def by(*columns: str) -> Callable[[Row], tuple[Any, ...]]:
    return lambda row: tuple(row[column] for column in columns)


LADDERS = [  # of each table the key, and the tables of its days, months and years
    (("building", "carrier"), "consumption"),
    (("zone", "carrier"), "zone"),
    (("building", "carrier", "enterprise"), "part"),
    (("enterprise", "carrier"), "enterprise"),
    (("meter", "flow", "building"), "meter"),
]


@pytest.mark.parametrize(("keys", "name"), LADDERS, ids=[name for _, name in LADDERS])
def test_days_are_months_and_months_are_years(city: City, keys: tuple[str, ...], name: str) -> None:
    daily, monthly, yearly = (rows(city, f"energy.{name}_{period}") for period in ("daily", "monthly", "yearly"))
    assert total(daily, lambda row: (*by(*keys)(row), month_of(row))) == total(monthly, by(*keys, "month"))
    assert total(monthly, lambda row: (*by(*keys)(row), row["month"].year)) == total(yearly, by(*keys, "year"))


def test_hours_are_days(city: City) -> None:
    hours, days = rows(city, "energy.meter_hourly"), rows(city, "energy.meter_daily")
    keys = by("meter", "flow", "building", "day")
    assert total(hours, keys) == total(days, keys)
    keys = by("building", "carrier", "day")
    assert total(rows(city, "energy.consumption_hourly"), keys) == total(rows(city, "energy.consumption_daily"), keys)


@pytest.mark.parametrize("period", ["day", "month", "year"])
def test_zones_are_the_district(city: City, period: str) -> None:
    found = rows(city, f"energy.zone_{period}ly".replace("dayly", "daily"))
    whole = [row for row in found if row["zone"] == "district"]
    assert total(whole, by("carrier", period)) == total([row for row in found if row not in whole], by("carrier", period))
    buildings = rows(city, f"energy.consumption_{period}ly".replace("dayly", "daily"))
    assert total(whole, by("carrier", period)) == total(buildings, by("carrier", period))


@pytest.mark.parametrize("period", ["day", "month", "year"])
def test_enterprises_and_what_is_common_are_the_buildings(city: City, period: str) -> None:
    suffix = f"{period}ly".replace("dayly", "daily")
    buildings, parts = rows(city, f"energy.consumption_{suffix}"), rows(city, f"energy.part_{suffix}")
    assert total(parts, by("building", "carrier", period)) == total(buildings, by("building", "carrier", period))
    found = rows(city, f"energy.enterprise_{suffix}")
    assert total(found, by("enterprise", "carrier", period)) == total(parts, by("enterprise", "carrier", period))
    known = {row["enterprise"] for row in rows(city, "buildings.enterprise")}
    assert known < {row["enterprise"] for row in found} <= known | {"common", "unattributed"}


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
        hours = [row for row in rows(city, "energy.meter_hourly") if row["meter"] == let["meter"]]
        theirs = [row for row in hours if let["valid_from"] <= row["hour"] < let["valid_to"]]
        last = max(row["day"] for row in theirs)
        day = [row for row in rows(city, "energy.part_daily") if row["day"] == last and row["enterprise"] == let["enterprise"]]
        of_day = [row for row in theirs if row["day"] == last]
        carrier = next(row["carrier"] for row in rows(city, "energy.meter") if row["meter"] == let["meter"])
        own = [row for row in day if row["building"] == of_day[0]["building"] and row["carrier"] == carrier]
        assert 0 < len(of_day) < 24
        assert [row["energy"] for row in own] == [sum(row["energy"] for row in of_day)]
        assert own[0]["expected_seconds"] == 3600 * len(of_day)
