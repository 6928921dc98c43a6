"""The demo district: nothing is wrong with it, and the ledger finds its truth, before and after the late readings."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from scicity.city import City

DEMO = Path(__file__).parents[2] / "districts" / "demo"
LATE = DEMO / "late" / "dorm-main-2023-01-11.csv"
Key = tuple[str, str, str]  # meter, flow, local day


def truth() -> dict[Key, tuple[Decimal, bool]]:
    with (DEMO / "TRUTH.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {
        (row["meter"], row["flow"], row["day"]): (Decimal(row["energy"]), row["known_without_late_readings"] == "true")
        for row in rows
    }


def ledger(city: City) -> dict[Key, Decimal]:
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for row in city.computing.engine.rows(city.catalog["energy.meter_hourly"]).to_pylist():
        if row["energy"] is not None:
            found[row["meter"], row["flow"], row["day"].isoformat()] += row["energy"]
    return found


@pytest.fixture(scope="module")
def city(shipped: Callable[[str], City], tmp_path_factory: pytest.TempPathFactory) -> City:
    """One's own copy: late readings come."""
    demo = City(DEMO, Path(shutil.copytree(shipped("demo").state, tmp_path_factory.mktemp("demo") / "state")))
    _, problems = demo.check()
    assert not list(problems)
    return demo


def test_every_day_of_every_meter_is_exact_and_late_readings_heal_the_night(city: City) -> None:
    expected, found = truth(), ledger(city)
    assert len(expected) == 9 * 90
    wrong = {key for key, (energy, _) in expected.items() if found.get(key) != energy}
    night = {key for key, (_, known) in expected.items() if not known}
    assert wrong == night == {("dorm-main", "forward", "2023-01-10"), ("dorm-main", "forward", "2023-01-11")}
    assert sum(found[key] for key in night) == sum(expected[key][0] for key in night)
    city.take(LATE)
    city.compute()
    found = ledger(city)
    assert {key for key, (energy, _) in expected.items() if found.get(key) != energy} == set()


def test_every_month_of_every_building_is_exact(city: City) -> None:
    with (DEMO / "TRUTH-months.csv").open(encoding="utf-8", newline="") as lines:
        expected = {(r["building"], r["carrier"], r["month"]): Decimal(r["energy"]) for r in csv.DictReader(lines)}
    rows = city.computing.engine.rows(city.catalog["energy.consumption_monthly"]).to_pylist()
    assert {(row["building"], row["carrier"], row["month"].isoformat()): row["energy"] for row in rows} == expected


def test_what_nobody_knows_is_null_and_never_0(city: City) -> None:
    """Without a reading there is no figure: the station was silent for seven hours, and for PM2.5 for two days."""
    rows = city.computing.engine.rows(city.catalog["environment.air_hourly"]).to_pylist()
    known = [row for row in rows if row["pollutant"] == "pm25" and row["concentration"] is not None]
    assert len(known) == 90 * 24 - 7 - 2 * 24


def test_no_row_of_the_demo_passes_for_real(city: City) -> None:
    for table in ("buildings.building", "environment.station", "energy.meter", "district.datastream"):
        rows = city.computing.engine.rows(city.catalog[table]).to_pylist()
        assert rows and {row["origin"] for row in rows} == {"stand-in"}, table


def test_a_measure_that_saves_nothing_is_recovered_as_such(city: City) -> None:
    """Nothing changes in the dormitory when its posters are put up: the true saving is 0, and it lies in the interval."""
    row = city.computing.engine.rows(city.catalog["diagnosis.saving"]).to_pylist()[0]
    assert row["measure"] == "dorm-posters"
    assert row["saving_status"] == "not proved"
    assert row["saved_low"] <= 0 <= row["saved_high"]
    assert row["saved_high"] - row["saved_low"] < 0.03 * row["expected_energy"]
    assert row["stand_in"]


def test_90_days_are_no_year_to_hold_against_a_quota(city: City) -> None:
    rows = city.computing.engine.rows(city.catalog["diagnosis.quota_yearly"]).to_pylist()
    assert {row["quota_status"] for row in rows} == {"unknown"}
    assert {row["reason"] for row in rows} == {"coverage", "no quota"}
    assert {row["energy_intensity"] for row in rows} == {None}
