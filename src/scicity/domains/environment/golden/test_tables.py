"""Known answers of the air tables, computed by the kernel from a district's folder; and their healing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scicity.city import City
from scicity.domains.environment import tables
from scicity.kernel.district import KERNEL_SOURCES
from scicity.kernel.tables import Catalog, Table

LOCAL_MIDNIGHT = datetime(2026, 2, 27, 16, tzinfo=UTC)  # 2026-02-28 00:00 in Shanghai, the last day of the 2012 edition
POLLUTANTS = {"pm25": 75.0, "pm10": 40.0, "so2": 10.0, "no2": 20.0, "co": 1.0, "o3": 90.0}


def rows_of(value: float, pollutant: str, first: int, last: int, revision: int = 0) -> list[str]:
    times = [LOCAL_MIDNIGHT + timedelta(hours=hour) for hour in range(first, last)]
    return [f"s1-{pollutant},{time:%Y-%m-%dT%H:%M:%SZ},{value},{revision}" for time in times]


def city(tmp_path: Path, name: str, files: dict[str, list[str]]) -> City:
    folder = tmp_path / name
    (folder / "registers").mkdir(parents=True)
    (folder / "readings").mkdir()
    (folder / "district.toml").write_text(
        '[district]\nslug = "t"\nname = {zh = "试", en = "t"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        '[[zone]]\nzone = "district"\nname_zh = "全区"\nname_en = "All"\n'
    )
    (folder / "registers" / "stations.csv").write_text(
        "station,name_zh,name_en,longitude,latitude,origin,source\ns1,站,S,116.2,40.2,stand-in,test\n"
    )
    streams = [f"s1-{p},s1,{p},{'mg/m**3' if p == 'co' else 'ug/m**3'},3600,stand-in,test" for p in POLLUTANTS]
    header = "datastream,thing,property,unit,interval_seconds,origin,source"
    (folder / "registers" / "datastreams.csv").write_text("\n".join([header, *streams]) + "\n")
    for file, rows in files.items():
        write(folder, file, rows)
    made = City(folder, tmp_path / f"{name}-state")
    found = [t for t in vars(tables).values() if isinstance(t, Table) and t is not tables.implied_baseline]  # of other domains
    made.catalog = Catalog({id(t): t for t in (*KERNEL_SOURCES, *found)}.values())
    made.load()
    made.compute()
    return made


def write(folder: Path, file: str, rows: list[str]) -> None:
    (folder / "readings" / file).write_text("\n".join(["datastream,time,value,revision", *rows]) + "\n")


def answer(made: City, table: str, **where: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in made.figures.rows(f"environment.{table}", where=where)]


@pytest.fixture
def readings() -> dict[str, list[str]]:
    """Two days, 2026-02-28 and 2026-03-01, constant; of PM2.5 the second day has only 19 hours."""
    whole = [row for p, value in POLLUTANTS.items() if p != "pm25" for row in rows_of(value, p, 0, 48)]
    return {"first.csv": [*whole, *rows_of(75.0, "pm25", 0, 43)]}


def test_days_on_both_sides_of_an_edition(tmp_path: Path, readings: dict[str, list[str]]) -> None:
    made = city(tmp_path, "a", readings)
    days = answer(made, "air_daily", pollutant="pm25")
    assert [(str(d["day"]), d["concentration"], d["valid_hours"]) for d in days] == [
        ("2026-02-28", 75, 24),
        ("2026-03-01", None, 19),
    ]
    assert [(d["concentration"], d["valid_windows"]) for d in answer(made, "air_daily", pollutant="o3")] == [(90, 17)] * 2
    assert [d["concentration_rounded"] for d in answer(made, "air_daily", pollutant="co")] == [1000, 1000]
    index = answer(made, "air_index", in_force=True)
    assert [(d["edition"], d["aqi"], d["aqi_at_least"], d["primary_pollutants"]) for d in index] == [
        ("2012", 100, 100, "pm25"),
        ("2026-transition", None, 45, None),
    ]
    assert [d["aqi"] for d in answer(made, "air_index", edition="2026-final")] == [114, None]
    assert {d["origin"] for d in index} == {"stand-in"}
    good = {d["edition"]: d for d in answer(made, "air_good_days", year=2026)}
    assert [(good[e]["good_days"], good[e]["valid_days"]) for e in ("2012", "2026-transition")] == [(1, 1), (0, 1)]
    assert {d["attainment"] for d in answer(made, "air_attainment")} == {"not_comparable"}
    assert [d["concentration"] for d in answer(made, "air_monthly")] == [None] * 12


def test_late_and_corrected_readings_heal_to_what_a_rebuild_gives(tmp_path: Path, readings: dict[str, list[str]]) -> None:
    late = [*rows_of(75.0, "pm25", 43, 44), *rows_of(200.0, "so2", 30, 31, revision=1), *rows_of(10.0, "so2", 2, 3)]
    healed = city(tmp_path, "a", readings)
    write(healed.folder, "late.csv", late)
    healed.take(healed.folder / "readings" / "late.csv")
    done = {d.table: len(d.computed) for d in healed.compute()}
    assert done["environment.air_daily"] <= 2
    rebuilt = city(tmp_path, "b", {"all.csv": [*late, *readings["first.csv"]]})
    for table in rebuilt.catalog.derived:
        name = table.name.removeprefix("environment.")
        assert answer(healed, name) == answer(rebuilt, name), name
    second = answer(healed, "air_daily", pollutant="pm25")[1]
    assert (second["concentration"], second["valid_hours"]) == (75, 20)


def test_a_reading_in_the_standards_opens(tmp_path: Path, readings: dict[str, list[str]]) -> None:
    made = city(tmp_path, "a", readings)
    day = made.figures.why("environment.air_daily.concentration/station=s1/pollutant=pm25/day=2026-02-28")
    assert {evidence.name: evidence.total for evidence in day.inputs}["hourly"] == 24
    hour = made.figures.why("environment.air_hourly.concentration/station=s1/pollutant=pm25/hour=2026-02-27T16:00:00Z")
    assert [evidence.total for evidence in hour.inputs if evidence.name == "pm25"] == [1]


def test_the_baseline_that_a_stated_fall_implies():
    """27.1 µg/m³ in 2024, 65.8 % below 2013: 79.24, and by the rounding of both from 78.98 to 79.50."""
    from scicity.domains.environment.said import implied_baseline

    said = {"topic": "air", "stated_period": "2024", "quote_zh": ""}
    fall = {"claim_id": "C360", "subject_en": "PM2.5 concentration", "measure_en": "reduction", "unit": "%"}
    level = {"claim_id": "C019", "measure_en": "pm25_annual_mean", "value_reported": "27.1", "stated_period": "2024"}
    spoken = {"pollutant": "pm25", "subject_en": "PM2.5 concentration", "change_measure": "reduction"}
    rows = implied_baseline.function(
        None,
        statements=pa.Table.from_pylist([fall | said | {"value_reported": "65.8", "baseline_period": "2013"}]),
        levels=pa.Table.from_pylist([level]),
        spoken=pa.Table.from_pylist([spoken | {"level_measure": "pm25_annual_mean"}]),
    ).to_pylist()
    assert [(r["year"], str(r["concentration"]), str(r["concentration_low"]), str(r["concentration_high"])) for r in rows] == [
        (2013, "79.240000", "78.980000", "79.500000")
    ]
