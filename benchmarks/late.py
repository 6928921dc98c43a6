"""One reading that comes 400 days late into a long history: how long until every figure that depends on it is right.

    python benchmarks/late.py [--millions 100] [--days 400] [--rounds 5] [--folder FOLDER]

Appends two years of 15-minute registers to a lake (as benchmarks/ledger.py does), and computes the ledger and all that leads
from it to `carbon.emission_monthly`. Then readings come one by one through inbox and mover, each a correction of another meter
as many days before the newest one, and the seconds from their acknowledgement until all tables stand are told, for a process
that has the lake open, as the mover has, and for one that has only now begun. Each is the first reading of a month, a quarter
of a kilowatt-hour more than it was, so that two months change up to their carbon. At last every partition that changed is
computed again beside it and compared.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from ledger import BUCKETS, CALENDAR, DAY, READINGS, STEP, month, write_lake
from spark import GOAL, write_sources

from scicity.access.arrival import move
from scicity.access.inbox import LATE, Inbox
from scicity.kernel.computing import Computing, Done
from scicity.kernel.district import DATASTREAM
from scicity.kernel.lake import Lake
from scicity.kernel.reading import ARRIVAL, Batch
from scicity.kernel.tables import discover

MONTHS = 24
OF_METER = 2 * 365 * DAY // STEP  # readings of two years


def late(computing: Computing, number: int, at: int) -> Batch:
    """A correction of a meter's register at an instant [µs UTC]."""
    when, name = datetime.fromtimestamp(at / 1e6, UTC), f"meter-{number:05d}.forward"
    told = computing.engine.rows(READINGS, "datastream = ? AND time = ?", [name, when], columns=("value", "datastream", "time"))
    row = {"datastream": name, "time": when, "value": told.column("value")[0].as_py() + 0.25, "revision": 1}
    return Batch(f"late#{number}", pa.Table.from_pylist([row], schema=ARRIVAL), datetime.now(UTC), "benchmark")


def heal(inbox: Inbox, computing: Computing, batch: Batch) -> tuple[float, list[Done]]:
    """Seconds from the acknowledgement of a batch until all stands, and what was computed."""
    inbox.put([batch])
    began = time.perf_counter()
    lake = computing.lake
    with lake.alone():
        streams = computing.engine.rows(DATASTREAM)
        move(inbox, lake, streams, CALENDAR, BUCKETS, lane=LATE)
        done = computing.bring_up_to_date(only=GOAL)
    return time.perf_counter() - began, done


def main() -> None:
    """Writes the history, lets readings come late, and prints seconds and partitions."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--millions", type=float, default=100, help="millions of readings, about")
    options.add_argument("--days", type=int, default=400, help="how late")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, help="where the temporary folder goes")
    asked = options.parse_args()
    meters, catalog = max(asked.rounds + 1, round(asked.millions * 1e6 / OF_METER)), discover()
    with tempfile.TemporaryDirectory(dir=asked.folder) as temporary:
        lake = Lake(Path(temporary) / "lake")
        readings, _ = write_lake(lake, meters, 0.01, MONTHS)
        write_sources(lake, meters)
        computing = Computing(lake, catalog, CALENDAR, BUCKETS)
        began = time.perf_counter()
        computing.bring_up_to_date(only=GOAL)
        print(f"{readings:,} readings of {meters} meters; all from nothing in {time.perf_counter() - began:.1f} s", flush=True)
        inbox = Inbox(Path(temporary) / "inbox.sqlite3")
        newest = month(MONTHS).end
        at = max(start for start in (month(n).start for n in range(1, MONTHS)) if start <= newest - asked.days * DAY)
        cold, done = heal(inbox, Computing(Lake(lake.root), catalog, CALENDAR, BUCKETS), late(computing, 0, at))
        print(f"{(newest - at) // DAY} days late, a process that has only now begun: {cold:.2f} s")
        heal(inbox, computing, late(computing, 1, at))
        warm = []
        for number in range(2, 2 + asked.rounds):
            seconds, done = heal(inbox, computing, late(computing, number * 7 % meters, at))
            warm.append(seconds)
        print(f"as the mover has it: {statistics.median(warm):.2f} s, at most {max(warm):.2f} s, of {asked.rounds}")
        for each in done:
            print(f"  {each.table:28s} {len(each.computed):3d} computed, {len(each.changed):3d} changed, {each.seconds:.3f} s")
        wrong = []
        fresh = Computing(Lake(lake.root), catalog, CALENDAR, BUCKETS)
        for each in done:
            for part in sorted(each.changed):
                table = catalog[each.table]
                stored = fresh.engine.rows(table, parts=[part], order=", ".join(table.grain))
                again = fresh.again(table, part)
                wrong += [] if stored.equals(again) else [f"{each.table} {part}"]
        if GOAL not in {each.table for each in done if each.changed}:
            wrong.append(f"{GOAL} was not reached")
        print("\n".join(wrong) or "what was computed is what computing it again gives")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
