"""The tables of a small district: nothing is lost, plans are never dearer, and they heal."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City
from scicity.domains.optimisation import planned
from scicity.domains.optimisation.golden import small_district as small
from scicity.kernel.problems import Refused

LAST = date(2023, 12, 31)
DAYS = 92


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A district of a year and a day, which no test changes."""
    return small.city(tmp_path_factory.mktemp("small"), hours=365 * 24)


def rows(city: City, table: str, **where: Any) -> list[Any]:
    return city.figures.rows(f"optimisation.{table}", where=where)


def test_the_newest_days_are_planned_and_the_newest_year_is_designed(city: City) -> None:
    (horizon,) = rows(city, "horizon")
    assert (horizon["last_day"], horizon["first_day"], horizon["design_year"]) == (LAST, LAST - timedelta(days=DAYS - 1), 2023)
    days = {row["day"] for row in rows(city, "plan_daily")}
    assert days == {LAST - timedelta(days=back) for back in range(DAYS)}
    assert {row["day"] for row in rows(city, "front")} == {LAST - timedelta(days=back) for back in range(7)}
    assert {row["year"] for row in rows(city, "design_yearly")} == {2023}
    assert rows(city, "plan_gap") == []


def test_what_a_report_says_stands_beside_the_registers_and_the_modelled_year(city: City) -> None:
    told = {row["claim_measure"]: row for row in rows(city, "claim_check")}
    assert {name: (row["stated_value"], row["modelled_value"]) for name, row in told.items()} == {
        "service_area": (10_000, 10_000),
        "capacity": (120, 120),  # [kW]
        "heat_pump_share": (90, 100),  # there is nothing else that makes heat
    }
    assert {(row["year"], row["rule_value"]) for row in told.values()} == {(2023, 10_000), (2023, 120), (2023, 100)}


def test_powers_add_up_to_nothing_at_every_carrier_and_step(city: City) -> None:
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    steps = defaultdict(set)
    for row in rows(city, "plan", day=LAST):
        sums[row["course"], row["carrier"], row["step"]] += row["unit_power"]
        steps[row["course"], row["station_unit"], row["carrier"]].add(row["step"])
    assert len(sums) == 2 * 2 * 96
    assert max(map(abs, sums.values())) <= Decimal("0.00001")
    assert {len(each) for each in steps.values()} == {96}


def test_a_day_is_the_sum_of_its_steps(city: City) -> None:
    for course in ("plan", "rule"):
        steps = rows(city, "plan", day=LAST, course=course)
        (day,) = rows(city, "plan_daily", day=LAST, course=course)
        assert day["cost"] == sum(row["cost"] for row in steps)
        assert day["emission"] == sum(row["emission"] for row in steps)
        bought = [max(Decimal(0), row["unit_power"]) for row in steps if row["station_unit"] == "grid"]
        assert day["bought_energy"] == pytest.approx(sum(bought) / 4, abs=Decimal("0.00001"))
        assert day["grid_peak"] == max(bought)
        assert day["unmet_energy"] == day["surplus_energy"] == 0
        assert float(day["emission"]) == pytest.approx(float(day["bought_energy"]) * 0.5)
        demand = sum(-row["unit_power"] for row in steps if row["station_unit"] == "power") / 4
        assert demand == pytest.approx(2 * (12 * 60 + 12 * 20))


def test_heat_that_pumps_make_is_what_they_take_and_what_they_draw(city: City) -> None:
    (day,) = rows(city, "plan_daily", day=LAST, course="plan")
    assert day["heat_made"] == day["pump_heat"] > day["ambient_heat"] > 0
    assert day["heat_pump_share"] == pytest.approx(100.0)
    assert day["ambient_heat_share"] == pytest.approx(100 * float(day["ambient_heat"] / day["heat_made"]))
    free = sum(row["unit_power"] for row in rows(city, "plan", day=LAST, course="plan", station_unit="pv")) / 4
    assert day["renewable_energy"] == pytest.approx(free + day["ambient_heat"], abs=Decimal("0.00001"))


def test_a_plan_is_never_dearer_than_the_rule_and_saves_the_difference(city: City) -> None:
    daily = {(row["day"], row["course"]): row for row in rows(city, "plan_daily")}
    saved = rows(city, "plan_saving")
    assert len(saved) == DAYS
    for row in saved:
        plan, rule = (daily[row["day"], course] for course in ("plan", "rule"))
        assert row["cost_saving"] == rule["cost"] - plan["cost"] >= Decimal("-0.001")
        assert row["emission_saving"] == rule["emission"] - plan["emission"]
        assert row["peak_saving"] == rule["grid_peak"] - plan["grid_peak"]
    monthly = {row["month"]: row for row in rows(city, "plan_saving_monthly")}
    assert sum(row["cost_saving"] for row in monthly.values()) == sum(row["cost_saving"] for row in saved)
    assert [monthly[date(2023, month, 1)]["days"] for month in (10, 11, 12)] == [31, 30, 31]


def test_the_front_goes_from_cheap_to_clean(city: City) -> None:
    points = rows(city, "front", day=LAST)
    assert [row["front_point"] for row in points] == list(range(len(planned.WEIGHTS)))
    costs, emissions = ([row[name] for row in points] for name in ("cost", "emission"))
    assert all(b >= a - Decimal("0.001") for a, b in pairwise(costs))
    assert all(b <= a + Decimal("0.001") for a, b in pairwise(emissions))
    (day,) = rows(city, "plan_daily", day=LAST, course="plan")
    assert costs[0] == pytest.approx(day["cost"], rel=Decimal("1e-6"))


def test_the_year_as_a_whole_is_cheaper_than_its_rule_and_holds_the_same_demands(city: City) -> None:
    (saved,) = rows(city, "design_saving")
    assert saved["cost_saving"] > 0
    demand = {row["course"]: row["energy_taken"] for row in rows(city, "design", station_unit="power")}
    assert demand == {"plan": Decimal(365 * 2 * 960), "rule": Decimal(365 * 2 * 960)}
    pv = {row["course"]: float(row["energy_given"]) for row in rows(city, "design", station_unit="pv")}
    assert pv["plan"] == pytest.approx(pv["rule"])
    assert 900 < pv["plan"] / 120 < 1800  # kWh of a kW in a year


def test_every_figure_opens_down_to_readings_or_registers(city: City) -> None:
    for address in (
        "optimisation.plan_saving.cost_saving/energy_station=yard/day=2023-12-31",
        "optimisation.front.emission/energy_station=yard/day=2023-12-31/front_point=6",
        "optimisation.design_yearly.cost/energy_station=yard/year=2023/course=plan",
        "optimisation.input_hourly.unit_power/energy_station=yard/station_input=warmth/hour=2023-12-30T16:00:00Z",
    ):
        why = city.figures.why(address)
        assert any(evidence.total for evidence in why.inputs), address
        assert why.figure.origin in ("modelled", "measured")
    (step,) = rows(city, "plan", day=LAST, course="plan", station_unit="pump", carrier="heat")[:1]
    why = city.figures.why(step.figure("unit_power").address)
    inputs = next(evidence for evidence in why.inputs if evidence.name == "inputs")
    assert inputs.total == 3 * 24  # two demands and PV, of its own day alone


def test_a_late_reading_heals_its_days_and_no_other_month(tmp_path: Path) -> None:
    found = small.city(tmp_path, hours=100 * 24, begin=datetime(2023, 9, 22, 16, tzinfo=UTC))
    before = {row["day"]: row["cost"] for row in rows(found, "plan_daily", course="plan")}
    late = tmp_path / "late.csv"
    small.write(late, [{"datastream": "m.energy", "time": "2023-11-20T10:00:00+08:00", "value": 90, "revision": 1}])
    found.take(late)
    done = {each.table: each for each in found.compute()}
    assert {part.period for part in done["optimisation.plan"].computed} == {"2023-11"}
    after = {row["day"]: row["cost"] for row in rows(found, "plan_daily", course="plan")}
    assert [day for day in before if before[day] != after[day]] == [date(2023, 11, 20)]
    assert after[date(2023, 11, 20)] > before[date(2023, 11, 20)]


def test_days_that_cannot_be_planned_say_what_is_missing(tmp_path: Path) -> None:
    place = small.folder(tmp_path, hours=100 * 24, begin=datetime(2023, 9, 22, 16, tzinfo=UTC))
    tariffs = [small.TARIFF | {"review": "verified", "valid_from": "2023-11-01"} | each for each in small.TARIFFS]
    small.write(place / "registers" / "station_tariffs.csv", tariffs)
    found = City(place, tmp_path / "state")
    found.load()
    found.compute()
    told = {row["day"]: row["missing"] for row in rows(found, "plan_gap")}
    assert set(told.values()) == {"price"}
    assert max(told) == date(2023, 10, 31)
    assert min(row["day"] for row in rows(found, "plan_daily")) == date(2023, 11, 1)


def test_where_no_factor_holds_emissions_are_unknown_and_costs_are_not(tmp_path: Path) -> None:
    found = small.city(tmp_path, hours=100 * 24, begin=datetime(2023, 9, 30, 16, tzinfo=UTC))
    (new_year,) = rows(found, "plan_daily", day=date(2024, 1, 5), course="plan")
    (old_year,) = rows(found, "plan_daily", day=date(2023, 12, 5), course="plan")
    assert new_year["emission"] is None
    assert new_year["cost"] > 0
    assert old_year["emission"] > 0
    assert rows(found, "front", day=date(2024, 1, 5)) == []


def test_a_district_without_stations_has_empty_tables(tmp_path: Path) -> None:
    place = small.folder(tmp_path, hours=24)
    for file in (place / "registers").glob("*station*.csv"):
        file.unlink()
    found = City(place, tmp_path / "state")
    found.load()
    found.compute()
    for table in ("weather_hourly", "horizon", "input_hourly", "plan", "front", "design", "claim_check"):
        assert rows(found, table) == [], table


def problems(place: Path) -> list[tuple[str, str | None, int | None, str | None]]:
    _, found = City(place, place.parent / "state").check()
    return [(problem.code, problem.file.rpartition("/")[2], problem.row, problem.field) for problem in found]


@pytest.mark.parametrize(
    ("file", "row", "change", "code", "field"),
    [
        ("station_units.csv", 1, {"capacity": ""}, "value-missing", "capacity"),
        ("station_units.csv", 1, {"capacity": "nan"}, "value", "capacity"),
        ("station_units.csv", 1, {"capacity": "1e300"}, "range", "capacity"),
        ("station_units.csv", 1, {"efficiency": "-3"}, "range", "efficiency"),
        ("station_units.csv", 1, {"efficiency": "15"}, "value", "efficiency"),
        ("station_units.csv", 1, {"unit_kind": "perpetuum-mobile"}, "choice", "unit_kind"),
        ("station_units.csv", 2, {"charging_hours": "23-77"}, "value", "charging_hours"),
        ("station_units.csv", 2, {"hourly_loss": "1.5"}, "range", "hourly_loss"),
        ("station_units.csv", 2, {"follows": "love"}, "choice", "follows"),
        ("station_units.csv", 0, {"tariff": "nobody's"}, "reference", "tariff"),
        ("station_units.csv", 0, {"energy_station": "nowhere"}, "reference", "energy_station"),
        ("station_units.csv", 1, {"unit_kind": "boiler", "efficiency": "0.9"}, "station-path", "pump at gas"),
        ("station_units.csv", 1, {"unit_kind": "boiler", "efficiency": "1.4"}, "range", "pump.efficiency"),
        ("station_demands.csv", 0, {"floor_area": ""}, "value-missing", "floor_area"),
        ("station_demands.csv", 0, {"active_from": "02-30"}, "value", "active_from"),
        ("station_demands.csv", 1, {"demand_ratio": ""}, "value-missing", "metered_carrier"),
        ("station_demands.csv", 1, {"building": "castle"}, "reference", "building"),
        ("station_tariffs.csv", 0, {"tariff_hours": "7-22"}, "value", "tariff_hours"),
        ("station_tariffs.csv", 0, {"tariff_hours": "<script>"}, "value", "tariff_hours"),
        ("station_tariffs.csv", 0, {"unit_price": "inf"}, "value", "unit_price"),
        ("energy_stations.csv", 0, {"weather_station": "m"}, "reference", "weather_station"),
        ("energy_stations.csv", 0, {"latitude": "400"}, "range", "latitude"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(
    tmp_path: Path, file: str, row: int, change: dict[str, str], code: str, field: str
) -> None:
    place = small.folder(tmp_path, hours=24)
    told = {
        "station_units.csv": [small.UNIT | each for each in small.UNITS],
        "station_demands.csv": [small.DEMAND | each for each in small.DEMANDS],
        "station_tariffs.csv": [small.TARIFF | {"review": "verified"} | each for each in small.TARIFFS],
        "energy_stations.csv": [small.STATION],
    }[file]
    told[row] = told[row] | change
    small.write(place / "registers" / file, told)
    found = problems(place)
    assert (code, file, row + 2, field) in found, found
    with pytest.raises(Refused):
        City(place, tmp_path / "state").load()
