"""Numbered readings for tests of back-ups: put, moved to the lake, and counted there."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from scicity.access.arrival import move
from scicity.access.inbox import LANES, Inbox
from scicity.cockpit.place import Place
from scicity.kernel.calendar import Calendar
from scicity.kernel.lake import Lake
from scicity.kernel.reading import ARRIVAL, Batch

CALENDAR = Calendar("Asia/Shanghai")
NOW = datetime(2023, 6, 1, 12, tzinfo=UTC)
STREAMS = pa.Table.from_pylist(
    [
        {"datastream": "main.forward", "thing": "main", "property": "energy_register", "unit": "kWh"},
        {"datastream": "main.power", "thing": "main", "property": "active_power", "unit": "kW"},
    ]
)
Number = Counter[float]


def batch(*numbers: int) -> Batch:
    """Numbered readings, the odd ones of another property, the sevenths of long ago."""
    rows = [
        {
            "datastream": ("main.forward", "main.power")[number % 2],
            "time": NOW - timedelta(days=30 * (number % 7 == 0), seconds=15 * number),
            "value": float(number),
            "revision": None,
        }
        for number in numbers
    ]
    return Batch(f"batch-{numbers}", pa.Table.from_pylist(rows, schema=ARRIVAL), NOW, "gateway")


def move_on(place: Place, most: int = 10**9) -> None:
    """What the mover does."""
    lake, inbox = Lake(place.state / "lake"), Inbox(place.inbox)
    with lake.alone():
        for lane in LANES:
            move(inbox, lake, STREAMS, CALENDAR, 1, most, lane)


def in_lake(place: Place) -> Number:
    lake, found = Lake(place.state / "lake"), Number()
    for folder in (lake.root / "reading").glob("*/_delta_log"):
        name = f"reading.{folder.parent.name}"
        for uri in lake.uris(name, lake.snapshot(name)):
            found.update(pa.parquet.read_table(uri, columns=["value"])["value"].to_pylist())
    return found
