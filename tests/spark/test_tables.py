"""Every derived table of the catalog on both engines: from the demo district's files, and healed by its late readings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scicity.city import City
from scicity.domains.environment.said import implied_baseline
from scicity.kernel.district import District
from scicity.kernel.lake import Lake, Part
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Derived, discover
from scicity.spark.agreement import differences
from scicity.spark.computing import SparkComputing

DISTRICTS = Path(__file__).parents[2] / "districts"
DEMO = DISTRICTS / "demo"
TABLES = discover(district=District.open(DEMO, Problems())).derived


def on_spark(city: City, session: Any) -> SparkComputing:
    """Computing for a city on Spark."""
    return SparkComputing(city.lake, city.catalog, city.district.calendar, city.district.buckets, session=session)


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_a_table_is_the_same_on_both(demo: City, spark: Any, name: str) -> None:
    """From the same versions of its inputs; the file, named by its content, is the same to the last byte."""
    table = demo.catalog[name]
    assert isinstance(table, Derived)
    inputs = demo.lake.commits(name)[-1].inputs
    computing = on_spark(demo, spark)
    parts = computing.candidates(table, inputs)
    here = demo.computing.compute(table, parts, inputs)
    written = computing.results(table, parts, inputs)
    there = {part: computing.rows(table, each) for part, each in written.items()}
    assert differences(table, here, there) == []
    assert sum(rows.num_rows for rows in there.values()) == sum(each.num_rows for each in written.values())
    files = {part: (each.action.path,) for part, each in written.items()}
    assert files == dict(demo.lake.snapshot(name).files)


def test_only_the_partitions_that_are_due_are_written(demo: City, spark: Any) -> None:
    computing = on_spark(demo, spark)
    for name in ("energy.meter_hourly", "energy.zone_daily"):
        table = demo.catalog[name]
        assert isinstance(table, Derived)
        assert set(computing.results(table, {Part("2023-01")}, demo.lake.commits(name)[-1].inputs)) == {Part("2023-01")}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[tuple[City, City]]:
    """Two cities of the same folder, one of them computed by Spark alone."""
    cities = [City(DEMO, tmp_path_factory.mktemp(name)) for name in ("duckdb", "spark")]
    for city in cities:
        city.load()
    cities[1].computing = on_spark(cities[1], spark)
    yield cities[0], cities[1]


def test_a_city_heals_on_spark_as_on_duckdb(both: tuple[City, City]) -> None:
    """From nothing, then by late readings: the same partitions are computed, the same change, the same files stand."""
    for late in (False, True):
        done = []
        for city in both:
            if late:
                city.take(next((DEMO / "late").glob("*.csv")))
            done.append({each.table: (each.computed, each.changed, each.rows) for each in city.compute()})
        assert done[0] == done[1]
        assert done[0]
        for table in TABLES:
            assert both[0].lake.snapshot(table.name).paths == both[1].lake.snapshot(table.name).paths, table.name
    assert [each for each in both[1].compute() if each.changed] == []


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
