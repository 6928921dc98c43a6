"""Registers to the hourly ledger: readings per second, beside DuckDB's lag window and MyEMS's normaliser.

    python benchmarks/ledger.py [--meters 1000] [--troubled 0.01] [--myems FOLDER]

Appends a year of 15-minute registers of many meters to a lake, month by month; a share of the
meter-months is troubled (a gap, a spike, a reset that comes back, repeated readings). Then, on two cores, from the same files:

* `energy.meter_hourly` brought up to date from nothing, as `scicity compute` does it: flags, files and commit included; its
  total is held against the truth;
* DuckDB's `lag` over each datastream and the sum by hour, which does the kind case only (no gap, no rollover, no spike) and
  writes nothing;
* with --myems: one meter-year of one-minute registers through `worker` of FOLDER/meter.py (MyEMS, myems-normalization),
  unmodified, on an in-memory stand-in for its database, which costs it no database time; the same readings through the ledger.

Where others use the machine, processor seconds are the ones to compare.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import sys
import tempfile
import time
import types
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scicity.domains.energy import tables
from scicity.domains.energy.methods.partition import hourly_ledger
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Computing
from scicity.kernel.district import DATASTREAM, KERNEL_SOURCES
from scicity.kernel.lake import Lake, Part
from scicity.kernel.reading import append, bucket_of
from scicity.kernel.tables import Catalog, reading_table

CALENDAR = Calendar("Asia/Shanghai")
STEP = 900_000_000  # [µs] 15 minutes
DAY = 86_400_000_000  # [µs]
CORES, BUCKETS = 2, 8
YEAR = 2023
EXACT = pa.decimal128(18, 6)
INSTANT = pa.timestamp("us", tz="UTC")
READINGS = reading_table("energy_register")
LEDGER = "energy.meter_hourly"
CATALOG = Catalog([*KERNEL_SOURCES, tables.meter, tables.installation, tables.meter_hourly])


@dataclass(frozen=True)
class Slot:
    """A partition as the kernel names it."""

    start: int
    end: int
    calendar: Calendar = CALENDAR

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """It is one partition."""
        return ((self.start, self.end),)


class Watch:
    """Seconds and processor seconds since it was made."""

    def __init__(self) -> None:
        self.began = time.perf_counter(), time.process_time()

    def stopped(self) -> tuple[float, float]:
        """Seconds and processor seconds of all threads."""
        return time.perf_counter() - self.began[0], time.process_time() - self.began[1]


def month(number: int) -> Slot:
    """A month, from January of YEAR as 1."""
    return Slot(*(CALENDAR.instant(date(YEAR + n // 12, n % 12 + 1, 1)) for n in (number - 1, number)))


def write_lake(lake: Lake, meters: int, troubled: float, months: int = 12) -> tuple[int, Decimal]:
    """Writes registers and readings; returns how many readings there are and the energy [kWh] that truly passed."""
    write_registers(lake, meters)
    times = np.arange(month(1).start, month(months).end, STEP)
    energy, rng = 0, np.random.default_rng(7)
    names = [
        [f"meter-{n:05d}.forward" for n in range(meters) if bucket_of(f"meter-{n:05d}", BUCKETS) == b] for b in range(BUCKETS)
    ]
    counts = []
    for of_bucket in names:
        load = rng.integers(50, 2_000, len(of_bucket))[:, None] * (1 + np.sin((times / DAY % 1) * 2 * np.pi))[None, :] / 2
        counts.append(
            np.cumsum(rng.poisson(load).astype(np.int32), axis=1) + rng.integers(0, 10_000_000, len(of_bucket))[:, None]
        )
        energy += int((counts[-1][:, -1] - counts[-1][:, 0]).sum())
    readings = 0
    for number in range(1, months + 1):
        part = month(number)
        here = slice(*np.searchsorted(times, (part.start, part.end)).tolist())
        rows = {}
        for bucket, of_bucket in enumerate(names):
            columns = [trouble(times[here], row[here] / 100, troubled, rng) for row in counts[bucket]]
            length = [len(t) for t, _ in columns]
            rows[Part(f"{YEAR + (number - 1) // 12}-{(number - 1) % 12 + 1:02d}", bucket)] = arrived(
                pa.DictionaryArray.from_arrays(np.repeat(np.arange(len(length)), length), of_bucket).cast(pa.string()),
                np.concatenate([t for t, _ in columns]),
                np.concatenate([v for _, v in columns]) % 1e6,
            )
        append(lake, READINGS, rows, {"batch": str(number)})
        readings += sum(table.num_rows for table in rows.values())
    return readings, Decimal(energy).scaleb(-2)


def arrived(names: pa.Array, times: np.ndarray, values: np.ndarray) -> pa.Table:
    """Rows of the table of readings."""
    none = pa.array(np.zeros(len(times), dtype=np.int32))
    return pa.table(
        {
            "datastream": names,
            "time": pa.array(times).cast(pa.timestamp("us")).cast(INSTANT),
            "value": values,
            "revision": none.cast(pa.int64()),
            "batch": pa.array(["benchmark"]).take(none),
            "arrived": pa.array([datetime(YEAR + 3, 2, 1, tzinfo=UTC)], INSTANT).take(none),
        }
    )


def write_registers(lake: Lake, meters: int) -> None:
    """The registers of datastreams, meters and installations."""
    for table, rows in zip((DATASTREAM, tables.meter, tables.installation), registers_of(meters), strict=True):
        columns = [
            rows.column(n) if n in rows.column_names else pa.nulls(meters, table.schema.field(n).type)
            for n in table.schema.names
        ]
        lake.replace(table.name, {Part("all"): pa.table(columns, schema=table.schema)}, table.schema, inputs={}, code="")


def trouble(times: np.ndarray, values: np.ndarray, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A month of a meter, with one trouble in a share of the months; the first and last two days stay whole."""
    if rng.random() >= share:
        return times, values
    at, kind = int(rng.integers(192, len(times) - 192)), rng.integers(0, 4)
    values = values.copy()
    if kind == 0:
        return np.delete(times, slice(at, at + 12)), np.delete(values, slice(at, at + 12))
    if kind == 1:
        values[at] += 50_000
    elif kind == 2:
        values[at : at + 8] = 0
    else:
        return np.repeat(times, again := np.where(np.arange(len(times)) // 4 == at // 4, 2, 1)), np.repeat(values, again)
    return times, values


def registers_of(meters: int, rated: float | None = 4_000.0) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Datastreams, meters and installations."""
    names = [f"meter-{number:05d}" for number in range(meters)]
    always, never = datetime(2000, 1, 1, tzinfo=UTC), None
    streams = pa.table(
        {
            "datastream": [f"{name}.forward" for name in names],
            "thing": names,
            "property": ["energy_register"] * meters,
            "unit": ["kWh"] * meters,
            "flow": ["forward"] * meters,
            "interval_seconds": [STEP // 1_000_000] * meters,
            "origin": ["measured"] * meters,
        }
    )
    installations = pa.table(
        {
            "meter": names,
            "valid_from": pa.array([always] * meters, INSTANT),
            "valid_to": pa.array([never] * meters, INSTANT),
            "building": [f"building-{number % 100}" for number in range(meters)],
            "serial": names,
            "multiplier": pa.array([Decimal(1)] * meters, EXACT),
            "register_digits": [6] * meters,
            "register_decimals": [2] * meters,
            "register_start": pa.array([None] * meters, EXACT),
            "register_end": pa.array([None] * meters, EXACT),
            "rated_power": pa.array([rated] * meters, pa.float64()),
        }
    )
    return streams, pa.table({"meter": names, "zero_is_gap": [False] * meters}), installations


def run_ledger(lake: Lake) -> tuple[float, float, int, Decimal]:
    """Seconds, processor seconds, rows and the sum of energy [kWh]; computed anew at each call."""
    if lake.snapshot(LEDGER).version >= 0:
        lake.set_aside(LEDGER)
    watch = Watch()
    Computing(lake, CATALOG, CALENDAR, BUCKETS).bring_up_to_date(only=LEDGER)
    seconds = watch.stopped()
    files = lake.uris(LEDGER, lake.snapshot(LEDGER))
    found = pa.concat_tables([pq.read_table(file, columns=["energy"]) for file in files])
    return *seconds, found.num_rows, pc.sum(found.column("energy")).as_py()


def run_lag(lake: Lake) -> tuple[float, float, int]:
    """Seconds, processor seconds and rows of DuckDB's kind case over the same files."""
    files = ", ".join(f"'{file}'" for file in lake.uris(READINGS.name, lake.snapshot(READINGS.name)))
    database = duckdb.connect(config={"threads": CORES})
    database.execute("SET TimeZone='UTC'")
    watch = Watch()
    table = database.execute(
        f"""SELECT datastream, time_bucket(INTERVAL 1 HOUR, time) AS hour, sum(greatest(value - earlier, 0)) AS energy
        FROM (SELECT datastream, time, value, lag(value) OVER (PARTITION BY datastream ORDER BY time) AS earlier
              FROM read_parquet([{files}], hive_partitioning=false))
        GROUP BY 1, 2"""
    ).to_arrow_table()
    return *watch.stopped(), table.num_rows


class StandIn:
    """Connection and cursor at once: answers the three questions of the worker from memory and forgets what it is told."""

    def __init__(self, rows: list[tuple[datetime, Decimal]]) -> None:
        self.rows, self.found, self.told = rows, [], 0

    def cursor(self) -> StandIn:
        return self

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> None:
        self.found = []
        if "INSERT" in query:
            self.told += query.count("(") - 1
        elif "utc_date_time >=" in query:
            self.found = [row for row in self.rows if values[1].replace(tzinfo=None) <= row[0] < values[2].replace(tzinfo=None)]

    def fetchall(self) -> list[tuple[datetime, Decimal]]:
        return self.found

    def fetchone(self) -> None:
        return None

    def commit(self) -> None: ...

    def close(self) -> None: ...


def run_myems(folder: Path, days: int) -> tuple[float, float, int]:
    """Seconds that the processor works for MyEMS's worker, and for the ledger, on the same one-minute registers; how many."""
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    first = until - timedelta(days=days)
    counts = 100_000 + np.cumsum(np.random.default_rng(7).poisson(100, days * 1440))
    rows = [(first + timedelta(minutes=n), Decimal(int(count)).scaleb(-2)) for n, count in enumerate(counts)]
    database = StandIn(rows)
    config: Any = types.ModuleType("config")
    config.myems_energy_db = config.myems_historical_db = config.myems_system_db = {}
    config.start_datetime_utc, config.minutes_to_count, config.minutes_to_clean = f"{first:%Y-%m-%d %H:%M:%S}", 60, 0
    connector: Any = types.ModuleType("mysql.connector")
    connector.connect = lambda **_: database
    mysql: Any = types.ModuleType("mysql")
    mysql.connector = connector
    sys.modules |= {"config": config, "mysql": mysql, "mysql.connector": connector}
    spec = importlib.util.spec_from_file_location("myems_meter", folder / "meter.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    meter = {"id": 1, "name": "m", "point_id": 1, "hourly_low_limit": Decimal(0), "hourly_high_limit": Decimal(10**6)}
    with contextlib.redirect_stdout(io.StringIO()):
        watch = Watch()
        problem = module.worker(meter)
        _, theirs = watch.stopped()
    assert problem is None and database.told >= days * 24 - 1, problem
    return theirs, one_meter(first, counts), len(rows)


def one_meter(first: datetime, counts: np.ndarray) -> float:
    """Seconds that the processor works in the ledger for the one-minute registers of one meter: the mean of ten."""
    start = int(first.replace(tzinfo=UTC).timestamp()) * 1_000_000
    at = pa.array(start + np.arange(len(counts)) * 60_000_000).cast(pa.timestamp("us")).cast(INSTANT)
    streams, meters, installations = registers_of(1)
    streams = streams.set_column(4, "interval_seconds", pa.array([60]))
    rows = pa.table({"datastream": ["meter-00000.forward"] * len(counts), "time": at, "value": counts / 100,
                     "revision": np.zeros(len(counts), dtype=np.int64)})  # fmt: skip
    readings = {"registers": rows, "increments": rows.slice(0, 0), "powers": rows.slice(0, 0)}
    slot = Slot(start, start + (len(counts) - 60) * 60_000_000)
    watch = Watch()
    for _ in range(10):
        table = hourly_ledger(slot, streams, meters, installations, readings)
    _, worked = watch.stopped()
    hours = table.num_rows
    assert pc.sum(table.column("energy")).as_py() == Decimal(int(counts[hours * 60] - counts[0])).scaleb(-2)
    return worked / 10


def main() -> None:
    """Runs all and prints sizes, seconds and ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--meters", type=int, default=1000)
    options.add_argument("--troubled", type=float, default=0.01, help="share of the meter-months with a trouble")
    options.add_argument("--rounds", type=int, default=5, help="runs of each, of which the median counts")
    options.add_argument("--days", type=int, default=365, help="days of one-minute registers for MyEMS")
    options.add_argument("--myems", type=Path, help="folder that holds MyEMS's myems-normalization/meter.py")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lake = Lake(Path(temporary))
        readings, truth = write_lake(lake, asked.meters, asked.troubled)
        size = sum(file.stat().st_size for file in lake.folder(READINGS.name).rglob("*.parquet")) / 1e6
        print(f"{asked.meters} meters, {readings:,} readings, {size:.0f} MB, {asked.troubled:.0%} of the meter-months troubled")
        measured = []
        for run in (run_ledger, run_lag):
            rounds = [run(lake) for _ in range(1 + asked.rounds)][1:]  # the first one warms the file cache
            measured.append((*np.median([each[:2] for each in rounds], axis=0).tolist(), *rounds[0][2:]))
        (ours, our_cpu, hours, energy), (lag, lag_cpu, lag_hours) = measured
        for name, seconds, cpu, rows in (("ledger", ours, our_cpu, hours), ("DuckDB lag", lag, lag_cpu, lag_hours)):
            speed = f"{readings / seconds / 1e6:6.2f} M readings/s"
            print(f"{name:11s} {seconds:7.2f} s  {cpu:7.2f} processor s  {speed}  {rows:,} hours  (median of {asked.rounds})")
        print(f"the ledger is {lag / ours:.2f} times as fast as lag ({lag_cpu / our_cpu:.2f} times by processor seconds)")
        print(f"error of the ledger: {energy - truth} kWh of {truth} kWh")
    if asked.myems:
        theirs, mine, count = run_myems(asked.myems, asked.days)
        print(f"one meter, {count:,} one-minute registers: MyEMS {theirs:.2f} s, ledger {mine * 1000:.1f} ms of processor time")
        print(f"the ledger is {theirs / mine:,.0f} times as fast as MyEMS's worker")


if __name__ == "__main__":
    main()
