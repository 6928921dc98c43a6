"""The tables of all boards from nothing: a year of 15-minute registers of many meters, with all that hangs on them.

    python benchmarks/boards.py [--meters 2500] [--troubled 0.01] [--folder FOLDER] [--late 5]

Writes a district in a temporary folder: each building has a main meter of electricity with three sub-meters behind it, one for
each sub-item, and a main meter of heat; enterprises that are let whole buildings, a tariff, factors, a quota, budgets, and the
sample's air temperature. Its readings go to a lake of eight buckets. Then, on two cores, every derived table that there is
is computed from nothing, as `scicity compute` does it, and timed by domain; the kilowatt-hours of the district are held against
the truth. At last readings come late, one by one, and the seconds until every table stands again are told.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import statistics
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from ledger import BUCKETS, DAY, READINGS, STEP, YEAR, arrived, month, trouble

from scicity.city import City
from scicity.kernel.lake import Part
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch, append, bucket_of, take
from scicity.kernel.tables import Derived

SAMPLE = Path(__file__).parent.parent / "districts" / "future-science-city"
WEATHER = "bedford-air_temperature-*.parquet"
KINDS = ("main", "hvac", "light", "power", "heat")
SUB_ITEMS = {"hvac": "B", "light": "A", "power": "C"}
SAID = "stand-in: of the benchmark"
ORIGIN = {"origin": "stand-in", "source": SAID}
SINCE = f"{YEAR - 1}-12-01"
ZONES, ENTERPRISES = 5, 40
BANDS = (
    ("valley", 22, 6, "0.3"),
    ("flat", 6, 10, "0.6"),
    ("peak", 10, 15, "0.9"),
    ("flat", 15, 18, "0.6"),
    ("peak", 18, 22, "0.9"),
)
ZONE = '\n[[zone]]\nzone = "{0}"\n{1}name_zh = "{0}"\nname_en = "{0}"\narea = 1000000\nresidents = 1000\nsource = "{2}"\n'


def make_district(folder: Path, buildings: int) -> None:
    """The registers of a district of so many buildings."""
    for place in ("registers", "readings"):
        (folder / place).mkdir(parents=True)
    head = '[district]\nslug = "boards"\nname = {{ zh = "测试区", en = "Benchmark" }}\ntimezone = "Asia/Shanghai"\n'
    head += "\n[lake]\nbuckets = {}\n"
    zones = [
        ZONE.format("district", "", SAID),
        *(ZONE.format(f"zone-{n}", 'parent = "district"\n', SAID) for n in range(ZONES)),
    ]
    (folder / "district.toml").write_text(head.format(BUCKETS) + "".join(zones), encoding="utf-8")
    shutil.copytree(SAMPLE / "factors", folder / "factors")
    for name in ("factor_choices", "weather_choices", "warning_rules"):
        shutil.copy(SAMPLE / "registers" / f"{name}.csv", folder / "registers")
    for file in (SAMPLE / "readings").glob(WEATHER):
        shutil.copy(file, folder / "readings")
    for name, rows in registers(buildings).items():
        with (folder / "registers" / f"{name}.csv").open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(dict.fromkeys(column for row in rows for column in row)))
            writer.writeheader()
            writer.writerows(rows)


def registers(buildings: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of every register."""
    with (SAMPLE / "registers" / "datastreams.csv").open(encoding="utf-8") as rows:
        weather = [row for row in csv.DictReader(rows) if row["datastream"].startswith("bedford.")]
    found: dict[str, list[dict[str, Any]]] = {
        "buildings": [], "meters": [], "installations": [], "datastreams": weather,
        "sub_items": [], "memberships": [], "tariff_choices": [],
    }  # fmt: skip
    for number in range(buildings):
        of_building(found, number)
    quota = {"quota": "offices", "use": "office", "climate_zone": "", "quota_class": "", "carriers": "electricity"}
    quota |= {"heating_apart": "true", "constraint_intensity": 70, "guide_intensity": 50, "document": "invented", "clause": "-"}
    budget = {"scope_kind": "district", "scope": "district", "budget_measure": "energy", "year": YEAR, "budget": 10**9}
    tariff = {
        "tariff": "power",
        "carrier": "electricity",
        "month_from": 1,
        "month_to": 12,
        "day_kind": "all",
        "demand_price": "",
    }
    return found | {
        "enterprises": [
            {"enterprise": f"e{n:02d}", "name_zh": f"企业{n}", "name_en": f"Enterprise {n}", "zone": f"zone-{n % ZONES}"}
            | {"sector": "services", **ORIGIN}
            for n in range(ENTERPRISES)
        ],
        "tariffs": [
            {**tariff, "band": band, "hour_from": begin, "hour_to": end, "price": price, "valid_from": SINCE, "valid_to": ""}
            | {"document": "invented", "review": "unverified", "source": SAID}
            for band, begin, end, price in BANDS
        ],
        "quotas": [
            quota
            | {"page": "-", "review": "unverified", "valid_from": SINCE, "valid_to": "", "origin": "stand-in", "note": SAID}
        ],
        "budgets": [budget | {"reason": SAID, "who": "", **ORIGIN, "review": "unverified"}],
    }


def of_building(found: dict[str, list[dict[str, Any]]], number: int) -> None:
    """Adds the rows of one building."""
    building = f"b{number:04d}"
    about = {"building": building, "zone": f"zone-{number % ZONES}", "name_zh": building, "name_en": building, "use": "office"}
    found["buildings"].append(about | {"floor_area": 5000 + 10 * number, **ORIGIN})
    choice = {"building": building, "enterprise": "", "carrier": "electricity", "tariff": "power", "valid_from": SINCE}
    found["tariff_choices"].append(choice | {"source": SAID})
    if number % 5 == 0:
        holder = f"e{number // 5 % ENTERPRISES:02d}"
        found["memberships"].append({"meter": f"{building}-main", "enterprise": holder, "valid_from": SINCE, "source": SAID})
    for kind in KINDS:
        meter, sub = f"{building}-{kind}", kind in SUB_ITEMS
        carrier, parent = "heat" if kind == "heat" else "electricity", f"{building}-main" if sub else ""
        found["meters"].append(
            {
                "meter": meter,
                "carrier": carrier,
                "role": "sub" if sub else "main",
                "parent": parent,
                "zero_is_gap": "false",
                **ORIGIN,
            }
        )
        device = {"meter": meter, "valid_from": SINCE, "building": building, "multiplier": 1, "register_digits": 6}
        found["installations"].append(device | {"register_decimals": 2, "rated_power": 4000, "source": SAID})
        stream = {
            "datastream": f"{meter}.forward",
            "thing": meter,
            "property": "energy_register",
            "unit": "kWh",
            "flow": "forward",
        }
        found["datastreams"].append(stream | {"interval_seconds": 900, **ORIGIN})
        if sub:
            item = {"meter": meter, "sub_item": SUB_ITEMS[kind], "valid_from": SINCE, "source": SAID}
            found["sub_items"].append(item)


def write_readings(city: City, buildings: int, troubled: float) -> tuple[int, Decimal]:
    """A year of registers; how many readings, and the energy of the main meters of electricity [kWh]."""
    rng = np.random.default_rng(7)
    size = rng.integers(20, 400, buildings)
    last = rng.integers(0, 1_000_000, (buildings, len(KINDS)))  # registers [0.01 kWh]
    count, truth = 0, 0
    for number in range(1, 13):
        part = month(number)
        times = np.arange(part.start, part.end, STEP)
        hour, day = times // (DAY // 24) % 24, times // DAY
        awake = np.where((hour < 12) & (day % 7 < 5), 1.0, 0.3)  # UTC: working hours in Beijing end before noon
        warm = 1 + 0.5 * np.sin(2 * np.pi * day / 365)
        steps = rng.poisson(size[:, None, None] * (awake * warm)[None, None, :], (buildings, 3, len(times)))
        main = steps.sum(axis=1) + rng.poisson(size[:, None] * 0.2, (buildings, len(times)))
        heat = rng.poisson(size[:, None] * (2.2 - warm)[None, :], (buildings, len(times)))
        every = np.concatenate([main[:, None], steps, heat[:, None]], axis=1)
        registers = last[:, :, None] + np.cumsum(every, axis=2)
        truth += int(main.sum() - (main[:, 0].sum() if number == 1 else 0))
        last = registers[:, :, -1]
        of_bucket: dict[int, list[tuple[str, np.ndarray, np.ndarray]]] = {n: [] for n in range(BUCKETS)}
        for building in range(buildings):
            for place, kind in enumerate(KINDS):
                meter = f"b{building:04d}-{kind}"
                of_bucket[bucket_of(meter, BUCKETS)].append(
                    (f"{meter}.forward", *trouble(times, registers[building, place] / 100, troubled, rng))
                )
        rows = {}
        for bucket, series in of_bucket.items():
            series.sort(key=lambda each: each[0])
            length = [len(at) for _, at, _ in series]
            names = pa.DictionaryArray.from_arrays(np.repeat(np.arange(len(series)), length), [name for name, _, _ in series])
            at, value = np.concatenate([a for _, a, _ in series]), np.concatenate([v for _, _, v in series]) % 1e6
            rows[Part(f"{YEAR}-{number:02d}", bucket)] = arrived(names.cast(pa.string()), at, value)
        append(city.lake, READINGS, rows, {"batch": str(number)})
        count += sum(each.num_rows for each in rows.values())
    return count, Decimal(truth).scaleb(-2)


def late(city: City, number: int, buildings: int) -> float:
    """A register of a full hour is corrected by a hundredth of a kilowatt-hour; seconds until all tables stand."""
    at = datetime(YEAR, 1 + number % 12, 11, 3, tzinfo=UTC)
    meter = f"b{number * 37 % buildings:04d}-main.forward"
    told = city.computing.engine.rows(
        READINGS, "datastream = ? AND time = ?", [meter, at], columns=("value", "time", "datastream")
    )
    row = {"datastream": meter, "time": at, "value": told.column("value")[0].as_py() + 0.01, "revision": 1}
    batch = Batch(f"late {number}", pa.Table.from_pylist([row], schema=ARRIVAL), datetime.now(UTC))
    streams = city.computing.engine.rows(city.catalog["district.datastream"])
    began = time.perf_counter()
    take(city.lake, batch, streams, city.district.calendar, city.district.buckets, problems := Problems())
    problems.refuse()
    city.compute()
    return time.perf_counter() - began


def main() -> None:
    """One run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--meters", type=int, default=2_500)
    options.add_argument("--troubled", type=float, default=0.01, help="share of the meter-months with a trouble")
    options.add_argument("--late", type=int, default=5, help="readings that come late")
    options.add_argument("--folder", type=Path, help="where the temporary folder goes")
    asked = options.parse_args()
    buildings = asked.meters // len(KINDS)
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        folder = Path(temporary) / "boards"
        make_district(folder, buildings)
        city = City(folder, Path(temporary) / "state")
        city.load()
        readings, truth = write_readings(city, buildings, asked.troubled)
        print(f"{readings:,} readings of {buildings * len(KINDS):,} meters in {buildings} buildings", flush=True)
        began, worked = time.perf_counter(), time.process_time()
        done = city.compute()
        seconds, worked = time.perf_counter() - began, time.process_time() - worked
        of_domain: Counter[str] = Counter()
        for each in done:
            of_domain[each.table.partition(".")[0]] += each.seconds
        for each in sorted(done, key=lambda each: -each.seconds)[:12]:
            print(f"  {each.table:40s} {each.seconds:6.2f} s {each.rows:12,} rows")
        print("  by domain [s, two at a time]: " + ", ".join(f"{name} {spent:.1f}" for name, spent in of_domain.most_common()))
        print(f"{len(done)} of {sum(isinstance(t, Derived) for t in city.catalog.tables.values())} tables", end=" ")
        print(f"from nothing in {seconds:.1f} s ({worked:.1f} s of processors), {readings / seconds / 1e6:.2f} M readings/s")
        where = {"zone": "district", "carrier": "electricity", "year": YEAR}
        known = city.figures.rows("energy.zone_yearly", ["energy", "coverage"], where)[0]
        print(f"  {known['energy']} kWh of {truth} that passed; coverage {known['coverage']:.6f}")
        spent = [late(city, number, buildings) for number in range(asked.late)]
        if spent:
            print(f"a late reading: all tables again after {statistics.median(spent):.2f} s, at most {max(spent):.2f} s")


if __name__ == "__main__":
    main()
