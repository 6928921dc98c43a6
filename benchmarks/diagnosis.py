"""How long the tables of diagnosis take over a year of generated buildings, table by table.

    python -m benchmarks.diagnosis [--buildings 250] [--gas 25]

The hours of so many buildings (a week, cooling, chance; some with gas) are put into the lake as `energy.consumption_hourly`,
and with them a year of weather; then each table is computed from nothing. Seconds are of the clock and of the processor: on a
machine that does other things too, the latter tell more. The ledger and the accounts of energy are not measured here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from scicity.city import City
from scicity.kernel.calendar import Calendar
from scicity.kernel.lake import Part

ABOUT = """[district]
slug = "diagnosed"
name = { zh = "诊断", en = "Diagnosed" }
timezone = "Asia/Shanghai"

[[zone]]
zone = "district"
name_zh = "区"
name_en = "District"
source = "made up"
"""
YEAR = "2023"
ACCOUNTS = ("energy.consumption_daily", "energy.consumption_yearly")


def folder(root: Path, buildings: int) -> Path:
    """A district's folder with its buildings and one air temperature."""
    (root / "registers").mkdir(parents=True)
    (root / "district.toml").write_text(ABOUT, encoding="utf-8")
    rows = [f"b{number:05d},district,b,b,office,5000,stand-in,made up" for number in range(buildings)]
    head = "building,zone,name_zh,name_en,use,floor_area,origin,source"
    (root / "registers" / "buildings.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    head = "datastream,thing,property,unit,flow,interval_seconds,origin,source"
    stream = "sky.air_temperature,sky,air_temperature,degC,,3600,stand-in,made up"
    (root / "registers" / "datastreams.csv").write_text(f"{head}\n{stream}\n", encoding="utf-8")
    return root


def hours(calendar: Calendar) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Instants [µs] of a year's hours, local days, hours of the day and temperatures [degC]."""
    start, end = calendar.bounds(YEAR)
    instants, days = calendar.hours(start, end)
    of_day = np.arange(len(instants)) % 24
    number = np.arange(len(instants)) / 24
    days_of = np.random.default_rng(1).normal(0, 2.5, int(number[-1]) + 1)[number.astype(int)]
    return instants, days, of_day, 12 - 15 * np.cos(2 * np.pi * number / 365) + 4 * np.sin(np.pi * (of_day - 8) / 12) + days_of


def put(city: City, name: str, parts: dict[Part, pa.Table]) -> None:
    """Rows as if they had been computed."""
    declared = city.catalog[name]
    cast = {part: rows.select(declared.schema.names).cast(declared.schema) for part, rows in parts.items()}
    city.lake.replace(name, cast, declared.schema, inputs={}, code="made up")


def consumption(city: City, buildings: int, gas: int) -> int:
    """Puts the hours of all buildings and of the weather into the lake; their number."""
    instants, days, of_day, warmth = hours(city.district.calendar)
    rest = (days.astype(np.int64) + 3) % 7 >= 5
    shape = np.where((of_day >= 8) & (of_day < 18) & ~rest, 30.0, 8.0) + 0.6 * np.maximum(warmth - 18, 0)
    heat = 2 + 1.5 * np.maximum(10 - warmth, 0)
    months = city.district.calendar.periods(instants, "month")
    parts, weather, drawn, count = {}, {}, np.random.default_rng(2), 0
    for month in sorted(set(months)):
        here = np.flatnonzero(months == month)
        names, kinds, values = [], [], []
        for carrier, many, load in (("electricity", buildings, shape), ("natural_gas", gas, heat)):
            size = (many, len(here))
            value = load[here] * (1 + drawn.normal(0, 0.05, size)) * (1 + np.arange(many)[:, None] / max(1, many))
            names += [np.repeat([f"b{number:05d}" for number in range(many)], len(here))]
            kinds += [np.full(value.size, carrier)]
            values += [np.round(value.ravel() * 1e6).astype(np.int64)]
        energy = pa.array(np.concatenate(values)).cast(pa.decimal128(38, 0))
        size = buildings + gas

        def tiled(column: np.ndarray, here: np.ndarray = here, size: int = size) -> np.ndarray:
            return np.tile(column[here], size)

        whole = np.full(len(energy), 3600)
        table = pa.table(
            {
                "building": np.concatenate(names),
                "carrier": np.concatenate(kinds),
                "hour": pa.array(tiled(instants), pa.timestamp("us", tz="UTC")),
                "day": pa.array(tiled(days)).cast(pa.date32()),
                "hour_of_day": tiled(of_day),
                "day_seconds": np.full(len(energy), 86_400),
                "energy": _scaled(energy),
                "estimated_energy": pa.array(np.zeros(len(energy), dtype=np.int64)).cast(pa.decimal128(25, 6)),
                "known_seconds": whole,
                "expected_seconds": whole,
                "coverage": np.ones(len(energy)),
                "flags": np.zeros(len(energy), dtype=np.int64),
                "stand_in": np.zeros(len(energy), dtype=bool),
            }
        ).sort_by([("building", "ascending"), ("carrier", "ascending"), ("hour", "ascending")])
        parts[Part(str(month))], count = table, count + len(table)
        weather[Part(str(month))] = pa.table(
            {
                "datastream": ["sky.air_temperature"] * len(here),
                "hour": pa.array(instants[here], pa.timestamp("us", tz="UTC")),
                "day": pa.array(days[here]).cast(pa.date32()),
                "hour_of_day": of_day[here],
                "air_temperature": warmth[here],
                "stand_in": np.zeros(len(here), dtype=bool),
            }
        )
    put(city, "energy.consumption_hourly", parts)
    put(city, "diagnosis.weather_hourly", weather)
    return count


def _scaled(millionths: pa.Array) -> pa.Array:
    """Whole millionths as decimals with six places, by their bytes."""
    return pa.Array.from_buffers(pa.decimal128(38, 6), len(millionths), millionths.buffers())


def main() -> None:
    """Prints the seconds of each table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--buildings", type=int, default=250)
    arguments.add_argument("--gas", type=int, default=25)
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory() as root:
        city = City(folder(Path(root) / "district", told.buildings), Path(root) / "state")
        city.load()
        print(f"{consumption(city, told.buildings, told.gas):,} hours of {told.buildings} buildings, {told.gas} with gas")
        clocks, processors = 0.0, 0.0
        given = {"energy.consumption_hourly", "diagnosis.weather_hourly"}
        for table in city.catalog.derived:
            if table.name in given or not (table.domain == "diagnosis" or table.name in ACCOUNTS):
                continue
            inputs = {read.table: city.lake.snapshot(read.table).version for read in table.reads.values()}
            clock, processor = time.perf_counter(), time.process_time()
            rows = city.computing.compute(table, city.computing.candidates(table, inputs), inputs)
            city.lake.replace(table.name, rows, table.schema, inputs=inputs, code=table.code)
            clock, processor = time.perf_counter() - clock, time.process_time() - processor
            count = sum(part.num_rows for part in rows.values())
            print(f"  {table.name:<32} {count:>9,} rows  {clock:6.2f} s  {processor:6.2f} s of processor")
            if table.domain == "diagnosis":
                clocks, processors = clocks + clock, processors + processor
        print(f"  all of diagnosis: {clocks:.2f} s, {processors:.2f} s of processor")


if __name__ == "__main__":
    main()
