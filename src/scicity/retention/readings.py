"""Retiring readings: whole months of them go, and what was computed from them stays as it is.

First every table that reads readings is seen to be up to date, and its files are put on stable storage; then the act is written
(`kernel/retired.py`), from where on the partitions that end before the first kept month are frozen and a reading that arrives
late for such a month is held; then the readings go, a table a bite. A run that ended behind the act goes on with the next.

What the first partition that is not frozen looks back at stays: of each datastream its last reading before, and as much
before that as the table's rules see. So everything that is not frozen comes out as it would with all readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa

from scicity.kernel import retired
from scicity.kernel.calendar import micros, micros_of
from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake, Part
from scicity.kernel.reading import footer_of
from scicity.kernel.retired import Retirement, ends_before, reads_readings, rows_of
from scicity.kernel.stored import FOREVER, Stored, windows
from scicity.kernel.tables import READING_PREFIX, Derived, Table
from scicity.retention.rule import Rule
from scicity.retention.versions import Gone

MOST_ROWS = 1_000_000  # readings that one bite looks through, beyond the last partition that it began
ORDER = [(column, "ascending") for column in ("datastream", "time", "revision", "arrived", "batch")]


class NotYet(Exception):  # noqa: N818  (reads as what happened)
    """Readings cannot be retired now, and why; nothing was changed."""


class Readings:
    """Retires the readings of a lake by a rule."""

    def __init__(self, computing: Computing, rule: Rule, now: datetime, dry: bool = False) -> None:
        self.computing, self.rule, self.now, self.dry = computing, rule, now, dry
        self.lake: Lake = computing.lake
        self.first = rule.first_month(now, computing.calendar)

    def bites(self) -> Iterator[Gone]:
        """Writes the act where one is due, then lets readings go, a table at a time. Raises NotYet."""
        acts = self.lake.retirements()
        horizon = acts[-1].before if acts else ""
        due = bool(self.first) and self.first > horizon and any(self._months(table, self.first) for table in self._tables())
        if due and self.dry:
            horizon = self.first
        elif due:
            with self.lake.alone():
                self._act()
            horizon = self.first
            yield Gone()
        for table in self._tables() if horizon else ():
            while (gone := self._reduce(table, horizon)) is not None:
                yield gone
                if self.dry:
                    break

    def _tables(self) -> list[Table]:
        tables = self.computing.catalog.tables
        written = sorted(name for name in tables if name.startswith(READING_PREFIX))
        return [tables[name] for name in written if self.lake.snapshot(name).version >= 0]

    def _readers(self) -> list[Derived]:
        return [table for table in self.computing.catalog.derived if reads_readings(table)]

    def _months(self, table: Table, before: str) -> list[Part]:
        return sorted(part for part in self.lake.snapshot(table.name).files if ends_before(part.period, before))

    def _act(self) -> None:
        told = {}
        for table in self._readers():
            last = self.computing.last(table.name)
            if table.period == "all":
                raise NotYet(f"{table.name} is computed from all readings at once")
            if last is None or last.code != table.code:
                raise NotYet(f"{table.name} is not computed with the code of now: run ./scicity compute")
            due, _ = self.computing.due(table, {name: self.lake.snapshot(name).version for name in last.inputs})
            if due:
                raise NotYet(f"{table.name} is not up to date: run ./scicity compute")
            told[table.name] = {"code": last.code, "inputs": dict(last.inputs)}
        for table in self._readers():
            self._settle(table)
        on, at = f"{self.now.astimezone(self.computing.calendar.tz):%Y-%m-%d}", self.now.timestamp()
        act = Retirement(self.first, on, round(at * 1000), str(self.rule), told)
        retired.write(self.lake.store, (*self.lake.retirements(), act))

    def _settle(self, table: Derived) -> None:
        """Puts what will be frozen on stable storage: derived tables are not, because else they can be computed again."""
        files = self.lake.snapshot(table.name).files
        frozen = [path for part, paths in files.items() if ends_before(part.period, self.first) for path in paths]
        self.lake.store.settle(table.name, frozen, whole_log=True)

    def _reduce(self, table: Table, horizon: str) -> Gone | None:
        """Lets go of a table's readings of the retired months; None where nothing of them is left that can go."""
        stored, snapshot = Stored(self.lake, table), self.lake.snapshot(table.name)
        rows: dict[Part, pa.Table | None] = {}
        footers: dict[Part, dict[str, str]] = {}
        gone, read, low_of = Gone(), 0, dict[int, dict[str, int]]()
        for part in self._months(table, horizon):
            if part.bucket not in low_of:
                low_of[part.bucket] = self._looked_back_at(table, stored, part.bucket, horizon)
            low, extents = low_of[part.bucket], stored.extents_of(snapshot.files[part])
            firsts = zip(extents["datastream"].to_pylist(), extents["first"].to_pylist(), strict=True)
            if all(first >= low[name] for name, first in firsts):
                continue
            if read >= MOST_ROWS and not self.dry:
                break
            files = rows_of(self.lake.store.local(table.name, snapshot.files[part]))
            there = files.select(table.schema.names).cast(table.schema)
            left = there.filter(pa.array(_at_least(there, low))).sort_by(ORDER)
            rows[part] = left if left.num_rows else None
            footers[part] = footer_of(left) if left.num_rows else {}
            gone += Gone(months={part.period}, readings=there.num_rows - left.num_rows)
            read += there.num_rows
        if not rows:
            return None
        if not self.dry:
            with self.lake.alone():
                now = self.lake.snapshot(table.name).files
                if any(now.get(part) != snapshot.files[part] for part in rows):
                    return Gone()  # merged meanwhile: the next bite looks again
                note = {"retired": horizon, "readings": gone.readings}
                self.lake.reduce(table.name, rows, table.schema, footers, note)
        return gone

    def _looked_back_at(self, table: Table, stored: Stored, bucket: int, horizon: str) -> dict[str, int]:
        """Each datastream of a bucket with the instant [µs UTC] from which on its readings are still looked at."""
        extents = stored.extents(self.lake.snapshot(table.name), bucket)
        calendar = self.computing.calendar
        start = calendar.bounds(horizon)[0]
        names, low, _ = windows(extents, start, FOREVER, 0)
        low = np.full(len(low), start, dtype=np.int64)
        for reader in self._readers():
            for read in reader.reads.values():
                if read.table == table.name:
                    (first,) = calendar.covering(start, start, reader.period)
                    begin, margin = calendar.bounds(first)[0], micros_of(read.margin)
                    reach = windows(extents, begin, FOREVER, margin)[1] if read.anchored else begin - margin
                    low = np.minimum(low, reach)
        return dict(zip(names.to_pylist(), low.tolist(), strict=True))


def _at_least(rows: pa.Table, low: Mapping[str, int]) -> np.ndarray:
    """Which readings are not older than their datastream's instant [µs UTC]."""
    encoded = rows.column("datastream").combine_chunks().dictionary_encode()
    limits = np.array([low[name] for name in encoded.dictionary.to_pylist()], dtype=np.int64)
    return micros(rows.column("time")) >= limits[encoded.indices.to_numpy()]
