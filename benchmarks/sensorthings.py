"""How long the questions of a SensorThings client take over a year of many meters. `python benchmarks/sensorthings.py [METERS]`

The readings are made up, one a quarter of an hour. Each question is asked once to warm up, then five times; the median counts.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa

METERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
QUARTERS = 365 * 96
ONE = "Datastreams('meter-007.power')/Observations"
QUESTIONS = {
    "newest of one": (ONE, "$orderby=phenomenonTime desc&$top=1"),
    "one day of one": (ONE, "$filter=phenomenonTime ge 2023-06-01T00:00:00Z and phenomenonTime lt 2023-06-02T00:00:00Z"),
    "first page of one": (ONE, ""),
    "page 300 of one": (ONE, "$skip=30000&$top=100&$orderby=phenomenonTime"),
    "1,000 of one": (ONE, "$top=1000"),
    "how many above 50": (ONE, "$filter=result gt 50&$count=true&$top=0"),
    "ten highest of one": (ONE, "$orderby=result desc&$top=10"),
    "one observation": ("Observations('meter-007.power@2023-06-01T00:00:00Z')", ""),
    "newest of 100 datastreams": ("Datastreams", "$expand=Observations($orderby=phenomenonTime desc;$top=1)&$select=id"),
    "datastreams with their extents": ("Datastreams", ""),
    "highest of all, one day": ("Observations", "$filter=date(phenomenonTime) eq 2023-06-01 and result gt 99&$top=10"),
    "first page of all": ("Observations", ""),
    "things by the unit of their datastreams": ("Things", "$filter=Datastreams/unitOfMeasurement/name eq 'kW'"),
}


def main() -> None:
    """Prints the median of each question [ms]."""
    root = Path(tempfile.mkdtemp(prefix="scicity-sta-"))
    folder = root / "district"
    (folder / "registers").mkdir(parents=True)
    (folder / "district.toml").write_text(
        '[district]\nslug = "sta"\nname = { zh = "区", en = "District" }\ntimezone = "Asia/Shanghai"\n\n'
        '[[zone]]\nzone = "district"\nname_zh = "区"\nname_en = "District"\nsource = "made up"\n',
        encoding="utf-8",
    )
    os.environ |= {"SCICITY_DISTRICT": str(folder), "SCICITY_STATE": str(root / "state"), "SCICITY_LOG": "json"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "scicity.cockpit.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from scicity.cockpit import devices
    from scicity.cockpit.city import open_city

    call_command("migrate", verbosity=0)
    fill(open_city())
    secret = b64encode(devices.make("reader", ["*"]).replace(".", ":", 1).encode()).decode()
    browser = Client(SERVER_NAME="localhost", HTTP_AUTHORIZATION=f"Basic {secret}")
    found = {}
    for name, (path, options) in QUESTIONS.items():
        address = "/sta/v1.1/" + quote(path, safe="()'/@") + ("?" + quote(options, safe="$=&(),;'/") if options else "")
        took = [asked(browser, address) for _ in range(6)][1:]
        found[name] = round(1000 * statistics.median(took), 1)
        print(f"{name:42} {found[name]:8.1f} ms", flush=True)
    print(json.dumps({"readings": METERS * QUARTERS, "ms": found}))


def fill(city) -> None:
    """A year of power of every meter."""
    from scicity.kernel.district import DATASTREAM
    from scicity.kernel.lake import Part
    from scicity.kernel.problems import Problems
    from scicity.kernel.reading import Batch, take

    names = [f"meter-{number:03d}.power" for number in range(METERS)]
    row = {"property": "active_power", "unit": "kW", "interval_seconds": 900, "origin": "stand-in", "source": "made up"}
    rows = [{**row, "datastream": name, "thing": name.partition(".")[0], "source_file": "", "source_row": 1} for name in names]
    streams = pa.Table.from_pylist(rows, schema=DATASTREAM.schema)
    lake = city.figures.lake
    lake.replace(DATASTREAM.name, {Part("all"): streams}, DATASTREAM.schema, inputs={}, code="")
    random, start = np.random.default_rng(7), int(datetime(2023, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
    times = start + 900_000_000 * np.arange(QUARTERS)
    for at in range(0, METERS, 50):
        some = names[at : at + 50]
        columns = {
            "datastream": np.repeat(some, QUARTERS),
            "time": pa.array(np.tile(times, len(some)), pa.timestamp("us", "UTC")),
            "value": random.random(len(some) * QUARTERS) * 100,
            "revision": pa.nulls(len(some) * QUARTERS, pa.int64()),
        }
        take(
            lake,
            Batch(f"made up {at}", pa.table(columns), datetime(2025, 1, 1, tzinfo=UTC)),
            streams,
            city.district.calendar,
            1,
            Problems(),
        )


def asked(browser, address: str) -> float:
    """The time [s] of one request."""
    begun = time.perf_counter()
    answer = browser.get(address)
    took = time.perf_counter() - begun
    assert answer.status_code == 200, answer.content
    return took


if __name__ == "__main__":
    main()
