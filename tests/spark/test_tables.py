"""Every derived table of the catalog on both engines: from the demo district's files, and healed by its late readings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scicity.city import City
from scicity.domains.environment.said import implied_baseline
from scicity.kernel.district import District
from scicity.kernel.lake import Lake, Part
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Derived, Table, discover
from scicity.spark.agreement import differences
from scicity.spark.computing import SparkComputing
from tests.spark.conftest import done

DISTRICTS = Path(__file__).parents[2] / "districts"
DEMO = DISTRICTS / "demo"
TABLES = discover(district=District.open(DEMO, Problems())).derived


def on_spark(city: City, session: Any) -> SparkComputing:
    """Computing for a city on Spark."""
    return SparkComputing(city.lake, city.catalog, city.district.calendar, city.district.buckets, session=session)


@pytest.fixture(scope="module")
def on_both(
    computed: tuple[City, dict[str, Any]], loaded: Path, tmp_path_factory: pytest.TempPathFactory, spark: Any
) -> tuple[tuple[City, City], tuple[dict[str, Any], dict[str, Any]]]:
    """Two cities of the same folder, computed from nothing, one of them by Spark alone; and what was done to each table."""
    here, told = computed
    there = City(DEMO, Path(shutil.copytree(loaded, tmp_path_factory.mktemp("spark") / "state")))
    there.computing = on_spark(there, spark)
    return (here, there), (told, done(there))


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_a_table_is_the_same_on_both(on_both: Any, name: str) -> None:
    """From inputs that are the same on both; the file, named by its content, is the same to the last byte."""
    (here, there), told = on_both
    table, ours, theirs = here.catalog[name], here.lake.snapshot(name), there.lake.snapshot(name)
    if ours.files != theirs.files:
        assert differences(table, parts_of(here, table), parts_of(there, table)) == []
    assert dict(ours.files) == dict(theirs.files)
    assert told[0].get(name) == told[1].get(name)
    assert told[1][name][2] == sum(rows.num_rows for rows in parts_of(there, table).values())


def parts_of(city: City, table: Table) -> dict[Part, pa.Table]:
    """The rows of each partition as they lie in the lake."""
    files = city.lake.snapshot(table.name).files
    return {part: city.computing.engine.rows(table, parts=[part], order=", ".join(table.grain)) for part in files}


def test_only_the_partitions_that_are_due_are_written(demo: City, spark: Any) -> None:
    computing = on_spark(demo, spark)
    for name in ("energy.meter_hourly", "energy.zone_daily"):
        table = demo.catalog[name]
        assert isinstance(table, Derived)
        assert set(computing.results(table, {Part("2023-01")}, demo.lake.commits(name)[-1].inputs)) == {Part("2023-01")}


def test_a_city_heals_on_spark_as_on_duckdb(on_both: Any, spark: Any, tmp_path: Path) -> None:
    """From nothing, then by late readings: the same partitions are computed, the same change, the same files stand."""
    computed, from_nothing = on_both
    assert from_nothing[0] == from_nothing[1] and from_nothing[0]
    cities = [
        City(DEMO, Path(shutil.copytree(city.state, tmp_path / name)))
        for city, name in zip(computed, ("duckdb", "spark"), strict=True)
    ]
    cities[1].computing = on_spark(cities[1], spark)
    for city in cities:
        city.take(next((DEMO / "late").glob("*.csv")))
    healed = [done(city) for city in cities]
    assert healed[0] == healed[1]
    assert healed[0]
    for table in TABLES:
        assert cities[0].lake.snapshot(table.name).paths == cities[1].lake.snapshot(table.name).paths, table.name
    assert [each for each in cities[1].compute() if each.changed] == []


def test_what_statements_imply_is_the_same_on_both(tmp_path: Path, spark: Any) -> None:
    """A table that the demo leaves empty, from what the sample district's report says."""
    folder = DISTRICTS / "future-science-city"
    problems = Problems()
    district = District.open(folder, problems)
    catalog = discover(district=district)
    lake = Lake(tmp_path)
    sources = district.sources(catalog, problems)
    for read in implied_baseline.reads.values():
        rows = sources[read.table]
        lake.replace(read.table, {Part("all"): rows}, catalog[read.table].schema, inputs={}, code="")
    computing = SparkComputing(lake, catalog, district.calendar, district.buckets, session=spark)
    inputs = {read.table: lake.snapshot(read.table).version for read in implied_baseline.reads.values()}
    here = computing.compute(implied_baseline, {Part("all")}, inputs)
    written = computing.results(implied_baseline, {Part("all")}, inputs)
    assert here[Part("all")].num_rows
    there = {part: computing.rows(implied_baseline, each) for part, each in written.items()}
    assert differences(implied_baseline, here, there) == []
