"""The tables of monitoring over the demo, against the same reckoned hour by hour; and what a wrong register is told."""

from __future__ import annotations

import itertools
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scicity.city import City

DEMO = Path(__file__).parents[2] / "districts" / "demo"
ZONE = ZoneInfo("Asia/Shanghai")
MILLIONTH = Decimal("0.000001")


@pytest.fixture(scope="module")
def city(shipped: Callable[[str], City]) -> City:
    return shipped("demo")


def rows(city: City, table: str, where: str = "true", order: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.computing.engine.rows(city.catalog[f"energy.{table}"], where, order=order).to_pylist()
    return found


def net(city: City, meter: str) -> dict[datetime, Decimal | None]:
    """The net energy of a meter by hour, None where any of it is unknown."""
    found: dict[datetime, Decimal | None] = {}
    for row in rows(city, "meter_hourly", f"meter = '{meter}'"):
        energy = row["energy"] if not row["flags"] & 2 else None
        signed = None if energy is None else energy if row["flow"] == "forward" else -energy
        before = found.get(row["hour"], Decimal(0))
        found[row["hour"]] = None if signed is None or before is None else before + signed
    return found


def test_a_virtual_meter_is_its_formula_hour_by_hour_and_unknown_where_a_part_is(city: City) -> None:
    parts = {name: net(city, name) for name in ("dorm-main", "dorm-east", "dorm-west", "lab-main", "lab-pv", "office-servers")}
    known = 0
    for row in rows(city, "virtual_hourly"):
        of = {name: energies.get(row["hour"]) for name, energies in parts.items()}
        rest = [of["dorm-main"], of["dorm-east"], of["dorm-west"]]
        left = None if None in rest else rest[0] - rest[1] - rest[2]
        both = None if of["lab-main"] is None or of["lab-pv"] is None else of["lab-main"] + of["lab-pv"]
        half = None if of["office-servers"] is None else of["office-servers"] / 2
        expected = {"dorm-rest": left, "dorm-lamps": None if left is None else left / 2, "lab-use": both, "servers-half": half}
        wanted = expected[row["meter"]]
        assert (row["energy"] is None) == (wanted is None), row
        assert wanted is None or abs(row["energy"] - wanted) <= MILLIONTH / 2
        assert row["coverage"] == (0 if wanted is None else 1)
        known += wanted is not None
    assert known > 4 * 24 * 70


def test_a_formula_holds_from_its_first_hour_on(city: City) -> None:
    first = min(row["hour"] for row in rows(city, "virtual_hourly", "meter = 'servers-half'"))
    assert first == datetime(2022, 12, 1, tzinfo=ZONE)


def test_loads_of_days_are_those_of_their_hours(city: City) -> None:
    hours = defaultdict(list)
    for row in rows(city, "consumption_hourly", order="hour"):
        hours[row["building"], row["carrier"], row["day"]].append(row)
    found = rows(city, "load_daily")
    assert len(found) == len(hours)
    for row in found:
        day = hours[row["building"], row["carrier"], row["day"]]
        some = [hour for hour in day if hour["energy"] is not None]
        full = [hour for hour in some if hour["known_seconds"] >= hour["expected_seconds"]]
        peak = max((hour["energy"] for hour in some), default=None)
        assert row["peak_power"] == peak
        assert row["known_hours"] == len(full)
        if not full:
            continue
        assert row["peak_hour_of_day"] == next(hour["hour_of_day"] for hour in some if hour["energy"] == peak)
        assert row["minimum_power"] == min(hour["energy"] for hour in full)
        mean = float(sum(hour["energy"] for hour in full)) / len(full)
        assert row["mean_power"] == pytest.approx(mean)
        assert row["load_factor"] == pytest.approx(mean / float(peak))
        night = [hour["energy"] for hour in full if hour["hour_of_day"] < 5]
        assert row["night_power"] == (pytest.approx(float(sum(night)) / len(night)) if night else None)


def test_peaks_of_buildings_coincide_as_far_as_they_do(city: City) -> None:
    for row in rows(city, "coincidence_monthly", "zone = 'district'"):
        hours: dict[datetime, Decimal] = defaultdict(Decimal)
        peaks: dict[str, Decimal] = {}
        place = f"carrier = '{row['carrier']}' AND date_trunc('month', day) = DATE '{row['month']}'"
        for hour in rows(city, "consumption_hourly", f"{place} AND energy IS NOT NULL"):
            hours[hour["hour"]] += hour["energy"]
            peaks[hour["building"]] = max(peaks.get(hour["building"], hour["energy"]), hour["energy"])
        assert row["peak_power"] == max(hours.values())
        assert row["peak_hour"] == min(hour for hour, energy in hours.items() if energy == row["peak_power"])
        assert row["sum_of_peaks"] == sum(peaks.values())
        assert 0 < row["coincidence_factor"] <= 1


def test_a_duration_curve_falls_from_the_peak(city: City) -> None:
    curve = rows(city, "load_duration", "zone = 'south' AND carrier = 'electricity' AND year = 2022", "exceeded_share")
    hours = sorted(
        (r["energy"] for r in rows(city, "zone_hourly", "zone = 'south' AND carrier = 'electricity' AND year(day) = 2022")),
        reverse=True,
    )
    assert [row["exceeded_share"] for row in curve] == list(range(101))
    assert curve[0]["peak_power"] == hours[0]
    assert curve[-1]["peak_power"] == hours[-1]
    assert curve[50]["peak_power"] == hours[len(hours) // 2 - 1]


REST = {date(2023, 1, day) for day in (23, 24, 25, 26, 27)}
WORKED = {date(2023, 1, 28), date(2023, 1, 29)}


def price_of(hour: dict[str, Any]) -> tuple[str, Decimal]:
    """The band and price of an hour by the demo's tariff, as a person reads it from the file."""
    clock = hour["hour_of_day"]
    band, price = "flat", Decimal("0.6")
    if clock >= 22 or clock < 6:
        band, price = "valley", Decimal("0.3")
    elif 10 <= clock < 15 or 18 <= clock < 21:
        band, price = "peak", Decimal("0.9")
    return band, price * (Decimal("1.1") if hour["day"] >= date(2023, 1, 16) else 1)


def test_costs_are_each_hour_at_its_price_also_where_the_tariff_changes_within_a_month(city: City) -> None:
    wanted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    energies: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for hour in rows(city, "consumption_hourly", "carrier = 'electricity' AND date_trunc('month', day) = DATE '2023-01-01'"):
        band, price = price_of(hour)
        wanted[hour["building"], band] += hour["energy"] * price
        energies[hour["building"], band] += hour["energy"]
    found = rows(city, "cost_monthly", "month = DATE '2023-01-01' AND carrier = 'electricity' AND band <> 'demand'")
    assert len(found) == len(wanted) == 9
    for row in found:
        assert row["energy"] == energies[row["building"], row["band"]]
        assert abs(row["cost"] - wanted[row["building"], row["band"]]) <= MILLIONTH
        assert row["review"] == "unverified"


def test_power_is_paid_by_days_where_its_price_changes(city: City) -> None:
    row = rows(city, "cost_monthly", "building = 'office' AND month = DATE '2023-01-01' AND band = 'demand'")[0]
    hours = rows(city, "consumption_hourly", "building = 'office' AND date_trunc('month', day) = DATE '2023-01-01'")
    peak = max(hour["energy"] for hour in hours)
    assert row["peak_power"] == peak
    assert row["energy"] is None
    assert abs(row["cost"] - peak * (30 * 15 + 32 * 16) / 31) <= MILLIONTH


def test_before_anybody_knows_the_tariff_there_is_no_cost(city: City) -> None:
    found = {row["band"]: row for row in rows(city, "cost_monthly", "building = 'dorm' AND month = DATE '2022-12-01'")}
    assert set(found) == {"none", "peak", "flat", "valley", "demand"}
    assert found["none"]["cost"] is None
    assert found["none"]["expected_seconds"] == 9 * 86_400
    total = rows(city, "cost_total_monthly", "building = 'dorm' AND month = DATE '2022-12-01'")[0]
    assert total["cost"] is None
    assert total["unpriced_energy"] == found["none"]["energy"]


# --- registers that cannot be ---


@pytest.fixture
def told(city: City, tmp_path: Path) -> Callable[[str, str], list[tuple[str, str, int, str]]]:
    """The problems of the demo with a row more in a register: code, file, row and field."""

    def problems(register: str, row: str) -> list[tuple[str, str, int, str]]:
        folder = tmp_path / "demo"
        shutil.copytree(DEMO, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("readings", "late"))
        place = folder / "registers" / register
        place.write_text(place.read_text(encoding="utf-8") + row + "\n", encoding="utf-8")
        _, found = City(folder, city.state).check()  # which writes nothing; the layers are known there as they are
        return [(each.code, each.file, each.row, each.field) for each in found]

    return problems


VIRTUAL = "v,虚,V,{},electricity,,{},2022-12-01,,"
WRONG = [
    ("memberships.csv", "lab-main,nobody,2022-01-01,2022-02-01,", "reference", "enterprise"),
    ("memberships.csv", "dorm-east,clinic,2022-12-01,2022-12-05,", "periods-overlap", "valid_from"),
    ("enterprises.csv", "common,公共,Common,south,,stand-in,", "choice", "enterprise"),
    ("virtual_meters.csv", VIRTUAL.format("__import__('os')", ""), "meter-formula", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("1e999999 * lab-main", ""), "meter-formula", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("(" * 3000 + "lab-main", ""), "meter-formula", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("lab-main-office-main", ""), "reference", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("v * 2", ""), "circle", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("lab-main", "clinic"), "formula-rights", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("dorm-rest", "clinic"), "formula-rights", "meter_formula"),
    ("virtual_meters.csv", VIRTUAL.format("a" * 1_000_000, ""), "syntax", None),
    ("sub_items.csv", "lab-pv,A1,2022-12-01,,", "reference", "meter"),
    ("sub_items.csv", "lab-main,Z9,2022-12-01,,", "reference", "sub_item"),
    ("tariffs.csv", "half,electricity,flat,1,12,all,8,20,0.5,,2022-01-01,,invented,unverified,", "tariff", "hour_from"),
    ("tariffs.csv", "half,electricity,flat,1,12,all,,20,0.5,,2022-01-01,,invented,unverified,", "value-missing", "hour_from"),
    ("tariffs.csv", "power,electricity,demand,,,,,,,,2022-01-01,,invented,unverified,", "value-missing", "demand_price"),
    ("tariff_choices.csv", "lab,clinic,electricity,demo-power,2023-02-01,,", "choice", "building"),
    ("tariff_choices.csv", "lab,,natural_gas,demo-power,2023-02-01,,", "reference", "tariff"),
    ("day_kinds.csv", "2023-02-01,holiday,", "choice", "day_kind"),
]


@pytest.mark.parametrize(("register", "row", "code", "field"), WRONG, ids=[f"{w[0]}-{w[2]}-{n}" for n, w in enumerate(WRONG)])
def test_a_wrong_row_is_told_with_its_place(
    told: Callable[[str, str], list[tuple[str, str, int, str]]], register: str, row: str, code: str, field: str
) -> None:
    lines = len((DEMO / "registers" / register).read_text(encoding="utf-8").splitlines())
    assert (code, f"registers/{register}", lines + 1, field) in told(register, row)


def test_a_district_without_these_registers_loads_and_shows_nothing_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    for name in ("enterprises", "memberships", "virtual_meters", "sub_items", "tariffs", "tariff_choices", "day_kinds"):
        (folder / "registers" / f"{name}.csv").unlink()
    city = City(folder, tmp_path / "state")
    city.load()
    city.compute()
    for table in ("virtual_hourly", "cost_monthly", "meter_owner", "meter_use", "enterprise_hourly", "tariff_period"):
        assert rows(city, table) == []
    assert {row["enterprise"] for row in rows(city, "part_monthly")} == {"common"}
    assert {row["sub_item"] for row in rows(city, "sub_item_monthly")} == {"unassigned"}


def test_a_later_membership_heals_the_months_that_it_is_about_alone(city: City, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    shutil.copytree(city.state, tmp_path / "state")
    place = folder / "registers" / "memberships.csv"
    text = place.read_text(encoding="utf-8")
    place.write_text(text + "dorm-west,clinic,2023-01-10T09:00:00+08:00,2023-01-20,moved in\n", encoding="utf-8")
    again = City(folder, tmp_path / "state")
    again.load()
    done = {each.table: each for each in again.compute()}
    assert {part.period for part in done["energy.part_daily"].changed} == {"2023-01"}
    fresh = City(folder, tmp_path / "fresh")
    fresh.load()
    fresh.compute()
    for table in ("energy.part_daily", "energy.enterprise_monthly", "energy.balance_yearly", "energy.enterprise_hourly"):
        assert again.lake.snapshot(table).paths == fresh.lake.snapshot(table).paths


def test_hours_of_a_year_have_one_tariff_each(city: City) -> None:
    found = rows(city, "tariff_period", order="first_day")
    assert all(a["last_day"] + timedelta(days=1) == b["first_day"] for a, b in itertools.pairwise(found))


def test_no_table_without_a_column_for_it_names_an_enterprise(city: City) -> None:
    """Who may see a row is told by its column `enterprise`: an enterprise that stood elsewhere would be seen by all."""
    names = {row["enterprise"] for row in city.computing.engine.rows(city.catalog["buildings.enterprise"]).to_pylist()}
    seen = 0
    for table in city.catalog.derived:
        found = city.computing.engine.rows(table)
        for column in table.columns if table.domain == "energy" and "enterprise" not in table.columns else ():
            if str(found.schema.field(column).type) == "string":
                words = set(found.column(column).unique().to_pylist()) - {None}
                assert not {word for word in words if word.removeprefix("enterprise:") in names}, (table.name, column)
                seen += 1
    assert seen > 50


@pytest.mark.slow
def test_days_and_buckets_of_the_lake_change_no_figure(city: City, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    toml = folder / "district.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '\n[lake]\nbuckets = 3\npartitions = "days"\n', encoding="utf-8")
    other = City(folder, tmp_path / "state")
    other.load()
    other.compute()
    for table in other.catalog.derived:  # a day behind the last reading has rows in a lake by months alone
        known = next((column for column in ("energy", "peak_power", "cost") if column in table.columns), "")
        if table.domain == "energy" and known:
            order, listed = ", ".join(table.grain), [*table.grain, known]
            here, there = (
                each.computing.engine.rows(each.catalog[table.name], f"{known} IS NOT NULL", columns=listed, order=order)
                for each in (city, other)
            )
            assert here.equals(there), table.name
            assert here.num_rows, table.name
