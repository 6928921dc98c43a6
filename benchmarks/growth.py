"""How much a day of readings every few seconds leaves on disk: files and bytes by kind, with and without retention.

    python -m benchmarks.growth [--meters 50] [--every 15] [--cycle 2.0] [--steps 120]

A district of so many meters sends `every` so many seconds; the mover makes a step each `cycle` [s] with what came since. So
many steps are made for real, with the time that they stand for, and counted; a day is what they come to. Then retention is run
as it would be two days later, and what is left is counted again. Nothing is measured of time but how long a step took.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from scicity.access.compacting import compact
from scicity.access.inbox import Inbox
from scicity.city import City
from scicity.cockpit.arriving import Mover
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.kernel.reading import ARRIVAL, Batch
from scicity.kernel.tables import READING_PREFIX
from scicity.retention import Gone

DAY = 86_400
ABOUT = """[district]
slug = "growth"
name = { zh = "增长", en = "Growth" }
timezone = "Asia/Shanghai"

[[zone]]
zone = "district"
name_zh = "区"
name_en = "District"
source = "made up"
"""


def district(root: Path, meters: int) -> Path:
    """A district's folder with so many meters in one building."""
    (root / "registers").mkdir(parents=True)
    (root / "district.toml").write_text(ABOUT, encoding="utf-8")
    names = [f"m{n:03d}" for n in range(meters)]
    files = {
        "datastreams": [
            "datastream,thing,property,unit,flow,interval_seconds,origin,source",
            *(f"{n}.e,{n},energy_register,kWh,forward,15,stand-in,made up" for n in names),
        ],
        "meters": [
            "meter,carrier,role,parent,zero_is_gap,origin,source",
            *(f"{n},electricity,main,,false,stand-in,made up" for n in names),
        ],
        "installations": [
            "meter,valid_from,valid_to,building,serial,multiplier,register_digits,register_decimals,register_start,register_end,"
            "rated_power,source",
            *(f"{n},2022-01-01T00:00:00+08:00,,hall,{n},1,8,3,,,1000000,made up" for n in names),
        ],
        "buildings": [
            "building,zone,name_zh,name_en,use,floor_area,origin,source",
            "hall,district,厅,Hall,office,1000,stand-in,m",
        ],
    }
    for name, lines in files.items():
        (root / "registers" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def counted(lake: Path) -> Counter[str]:
    """Files and bytes of a lake: logs and data."""
    found: Counter[str] = Counter()
    for file in lake.rglob("*"):
        if file.is_file():
            kind = "log" if file.parent.name == "_delta_log" else "data" if file.suffix == ".parquet" else "other"
            found[f"{kind} files"] += 1
            found[f"{kind} bytes"] += file.stat().st_size
    return found


def main() -> None:
    """Prints what was counted as JSON."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, kind, usual in (("meters", int, 50), ("every", float, 15.0), ("cycle", float, 2.0), ("steps", int, 120)):
        arguments.add_argument(f"--{name}", type=kind, default=usual)
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(district(Path(folder) / "district", told.meters), Path(folder) / "state")
        city = City(place.district, place.state)
        city.load()
        city.compute()
        mover, inbox = Mover(OpenCity(city.district, city.figures, place)), Inbox(place.inbox)
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6)
        readings = [table for name, table in city.catalog.tables.items() if name.startswith(READING_PREFIX)]
        before, took, sent = counted(city.lake.root), [], 0
        for step in range(told.steps):
            since, until = step * told.cycle, (step + 1) * told.cycle
            rows = []
            for meter in range(told.meters):
                offset = meter * told.every / told.meters  # devices do not send at the same time
                first = int(max(0, (since - offset + told.every - 1e-9) // told.every))
                for turn in range(first, first + 100):
                    at = offset + turn * told.every
                    if not since <= at < until:
                        break
                    value = 1000.0 + at / 3600
                    time_of = start + timedelta(seconds=at)
                    rows.append({"datastream": f"m{meter:03d}.e", "time": time_of, "value": value, "revision": None})
            sent += len(rows)
            inbox.put(
                [Batch(f"{step}", pa.Table.from_pylist(rows, schema=ARRIVAL), start + timedelta(seconds=until), "gateway")]
            )
            begun = time.perf_counter()
            mover.step()
            with city.lake.alone():
                compact(city.lake, readings)
            took.append(time.perf_counter() - begun)
        after, a_day = counted(city.lake.root), DAY / told.cycle
        grown = {name: round((after[name] - before[name]) / told.steps * a_day) for name in sorted(after)}
        now, gone = datetime.now(UTC) + timedelta(days=2), Gone()
        bites = []
        for hours in (0, 7):
            begun = time.perf_counter()
            for bite in city.retain(now=now + timedelta(hours=hours)):
                gone += bite
                bites.append(time.perf_counter() - begun)
                begun = time.perf_counter()
        left = counted(city.lake.root)
        document = {
            **vars(told),
            "readings": sent,
            "seconds_a_step": round(sum(took) / len(took), 3),
            "a_day": grown,
            "of_these_steps": {name: after[name] - before[name] for name in sorted(after)},
            "left_of_them": {name: left[name] - before[name] for name in sorted(left)},
            "bites": len(bites),
            "longest_bite_seconds": round(max(bites), 3),
            "let_go": gone.told(),
        }
        print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
