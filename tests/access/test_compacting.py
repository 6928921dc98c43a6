"""Small files are merged when they are many; a far larger one beside them is left alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from scicity.access.arrival import move
from scicity.access.compacting import LARGEST, MANY, Merged, compact, worth_merging
from scicity.access.inbox import Inbox
from scicity.kernel.calendar import Calendar
from scicity.kernel.lake import Lake
from scicity.kernel.reading import ARRIVAL, Batch
from scicity.kernel.tables import reading_table

CALENDAR = Calendar("Asia/Shanghai")
NOW = datetime(2023, 6, 10, 12, tzinfo=UTC)
REGISTER = pa.Table.from_pylist([{"datastream": n, "thing": n, "property": "active_power", "unit": "kW"} for n in "ab"])


def stored(lake: Lake) -> Counter[tuple[str, datetime, float]]:
    table = reading_table("active_power")
    found: Counter[tuple[str, datetime, float]] = Counter()
    for uri in lake.uris(table.name, lake.snapshot(table.name)):
        rows = pa.parquet.ParquetFile(uri).read(["datastream", "time", "value"]).to_pylist()
        found.update((row["datastream"], row["time"], row["value"]) for row in rows)
    return found


def test_what_arrives_bit_by_bit_is_merged_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    inbox, lake, tables = Inbox(tmp_path / "inbox.sqlite3"), Lake(tmp_path / "lake"), [reading_table("active_power")]
    sent: Counter[tuple[str, datetime, float]] = Counter()
    most = 0
    for number in range(3 * MANY):
        rows = [("ab"[number % 2], NOW + timedelta(minutes=number), 1.0), ("a", NOW - timedelta(days=20), float(number % 5))]
        sent.update(rows)
        table = pa.Table.from_pylist(
            [{"datastream": s, "time": t, "value": v, "revision": None} for s, t, v in rows], schema=ARRIVAL
        )
        inbox.put([Batch(f"batch {number}", table, NOW + timedelta(minutes=number))])
        move(inbox, lake, REGISTER, CALENDAR, 1)
        compact(lake, tables)
        most = max(most, *map(len, lake.snapshot("reading.active_power").files.values()))
    assert stored(lake) == sent
    assert most <= MANY + 1
    assert compact(lake, tables) == Merged()
    again = Lake(tmp_path / "lake")
    assert move(inbox, again, REGISTER, CALENDAR, 1).batches == 0
    assert stored(again) == sent


@given(st.lists(st.integers(1, 2 * LARGEST), max_size=3 * MANY))
def test_what_is_merged_is_small_against_itself(sizes: list[int]) -> None:
    named = {f"{number}.parquet": size for number, size in enumerate(sizes)}
    chosen = worth_merging(named)
    assert not chosen or len(chosen) >= MANY
    assert sum(named[path] for path in chosen) <= LARGEST
    smaller = sorted(named[path] for path in chosen)
    assert all(size <= 2 * sum(smaller[:at]) for at, size in enumerate(smaller) if at)
    assert not chosen or max(smaller) <= min([size for path, size in named.items() if path not in chosen], default=max(smaller))
