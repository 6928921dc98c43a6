"""Readings to carbon on DuckDB and on Spark: the same lake, the same tables, seconds, sizes, and whether the rows agree.

    python benchmarks/spark.py [--millions 10] [--workers 2] [--memory 2g] [--folder FOLDER]

Appends a year of 15-minute registers to a lake (as benchmarks/ledger.py, a share of the meter-months troubled), so many
millions of readings. Then `energy.meter_hourly` and all that leads from it to `carbon.emission_monthly` is computed from
nothing by DuckDB in this process, set aside, and computed from nothing again by a Spark cluster on loopback: a master and
workers of one core each. Every partition of every table is compared: keys, values within 1e-9, and the files by their names.

Everything stands in a temporary folder below FOLDER: lake, set-aside tables, and what Spark sorts.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from ledger import BUCKETS, CALENDAR, DAY, READINGS, STEP, registers_of, write_lake

from scicity.domains.carbon.tables import CARRIER, CHOICE, FACTOR
from scicity.domains.energy.tables import meter
from scicity.kernel.computing import Computing, Done
from scicity.kernel.lake import Lake, Part, Snapshot
from scicity.kernel.tables import Catalog, Derived, Table, discover
from scicity.spark.agreement import differences
from scicity.spark.cluster import cluster, session
from scicity.spark.computing import SparkComputing

GOAL = "carbon.emission_monthly"
OF_METER = 365 * DAY // STEP  # readings of a year
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def write_sources(lake: Lake, meters: int) -> None:
    """What lies between readings and carbon: every meter is a main meter of electricity, with one factor for all time."""
    names = registers_of(meters)[1].column("meter")
    mine = {"carrier": "electricity", "role": "main", "zero_is_gap": False}
    grid = {"factor": "grid", "valid_from": ALWAYS, "revision": 0, "factor_value": Decimal("0.5703"), "review": "unverified"}
    known: list[tuple[Table, list[dict[str, Any]]]] = [
        (meter, [{"meter": name, **mine} for name in names.to_pylist()]),
        (CARRIER, [{"carrier": "electricity", "emission_scope": 2}]),
        (FACTOR, [grid]),
        (CHOICE, [{"purpose": "location_based", "carrier": "electricity", "factor": "grid", "valid_from": ALWAYS}]),
    ]
    for table, rows in known:
        found = pa.Table.from_pylist(rows, schema=table.schema)
        lake.replace(table.name, {Part("all"): found}, table.schema, inputs={}, code="")


def run(computing: Computing) -> tuple[float, dict[str, Done]]:
    """Seconds, and what was done to each table."""
    began = time.perf_counter()
    done = computing.bring_up_to_date(only=GOAL)
    return time.perf_counter() - began, {each.table: each for each in done}


def rows_of(folder: Path, files: tuple[str, ...], table: Table) -> pa.Table:
    """The rows of a partition; its columns as they are declared."""
    found = [pq.ParquetFile(folder / file).read() for file in files]
    return pa.concat_tables([each.select(table.columns).cast(table.schema) for each in (*found, table.schema.empty_table())])


def compare(lake: Lake, table: Derived, before: Snapshot, aside: Path) -> tuple[list[str], int, int]:
    """What differs between what was set aside and what stands now, how many files are the same, and of how many."""
    now = lake.snapshot(table.name)
    told = []
    for part in sorted(before.files.keys() | now.files.keys()):
        mine = {part: rows_of(aside, before.files.get(part, ()), table)}
        theirs = {part: rows_of(lake.folder(table.name), now.files.get(part, ()), table)}
        told += differences(table, mine, theirs)
    return told, len(before.paths & now.paths), len(before.paths | now.paths)


def megabytes(folder: Path) -> float:
    """The size of the files of a table [MB]."""
    return sum(file.stat().st_size for file in folder.rglob("*.parquet")) / 1e6


def main() -> None:
    """Writes the readings, runs both, and prints what each table took and whether it agrees."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--millions", type=float, default=10, help="millions of readings, about")
    options.add_argument("--troubled", type=float, default=0.01, help="share of the meter-months with a trouble")
    options.add_argument("--workers", type=int, default=2, help="Spark workers of one core each")
    options.add_argument("--memory", default="2g", help="of each worker")
    options.add_argument("--folder", type=Path, help="where the temporary folder goes")
    asked = options.parse_args()
    meters = max(1, round(asked.millions * 1e6 / OF_METER))
    catalog: Catalog = discover()
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        lake = Lake(Path(temporary) / "lake")
        readings, truth = write_lake(lake, meters, asked.troubled)
        write_sources(lake, meters)
        print(f"{readings:,} readings of {meters} meters, {megabytes(lake.folder(READINGS.name)):.0f} MB")
        here, on_duckdb = run(Computing(lake, catalog, CALENDAR, BUCKETS))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"DuckDB  {here:7.1f} s, at most {peak:.1f} GB of memory in this process, the writing of the readings included")
        tables = [catalog[name] for name in on_duckdb]
        before = {name: (lake.snapshot(name), Path(f"{lake.folder(name)}@0")) for name in on_duckdb}
        for table in tables:
            lake.set_aside(table.name)
        began = time.perf_counter()
        settings = {
            "spark.driver.memory": "1g",
            "spark.executor.memory": asked.memory,
            "spark.sql.shuffle.partitions": str(max(2 * asked.workers, round(asked.millions))),
        }
        with (
            cluster(asked.workers, 1, asked.memory, Path(temporary)) as found,
            session(found.url, found.settings, settings) as spark,
        ):
            up = time.perf_counter() - began
            there, on_spark = run(SparkComputing(lake, catalog, CALENDAR, BUCKETS, session=spark))
        print(f"Spark   {there:7.1f} s on {asked.workers} workers of one core, and {up:.1f} s until they stood")
        lake = Lake(lake.root)
        print(f"{'table':28s} {'rows':>12s} {'MB':>8s} {'DuckDB':>9s} {'Spark':>9s}  same files")
        wrong = []
        for table in tables:
            name = table.name
            told, same, of = compare(lake, table, *before[name])
            wrong += told
            seconds = f"{on_duckdb[name].seconds:7.1f} s {on_spark[name].seconds:7.1f} s"
            print(f"{name:28s} {on_duckdb[name].rows:12,} {megabytes(lake.folder(name)):8.1f} {seconds}  {same} of {of}")
        print("\n".join(wrong[:20]) or "all keys are the same, all values within 1e-9")
        goal = lake.snapshot(GOAL)
        energy = sum(
            value
            for part, files in goal.files.items()
            for value in rows_of(lake.folder(GOAL), files, catalog[GOAL]).column("energy").to_pylist()
            if value is not None
        )
        print(f"energy {energy} kWh, of {truth} kWh that truly passed")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
