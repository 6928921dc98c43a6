"""Which partitions: those that a table can have, those that a change of what it reads touches, those that it needs to read.

What changed is mapped to partitions by period and bucket where the input is partitioned, by the key and the validity of the
changed rows where it is a register, and by how far a partition looks beyond its edges where a read has a margin.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from scicity.kernel.calendar import Calendar, micros
from scicity.kernel.engine import Engine, quoted, read_schema
from scicity.kernel.lake import Lake, Part, Snapshot
from scicity.kernel.reading import FOREVER, Stored, bucket_of
from scicity.kernel.tables import READING_PREFIX, Catalog, Derived, Read, Table


class Partitions:
    """The partitions of the tables of a catalog over a lake."""

    def __init__(self, lake: Lake, catalog: Catalog, calendar: Calendar, buckets: int) -> None:
        self.lake, self.catalog, self.calendar, self.buckets = lake, catalog, calendar, buckets
        self.engine = Engine(lake)
        self._readings: dict[str, Stored] = {}
        self._lock = threading.Lock()

    def candidates(self, table: Derived, inputs: Mapping[str, int]) -> set[Part]:
        """Every partition that a table can have, given its inputs, and those that it has."""
        found = set(self.lake.snapshot(table.name).files)
        for read in table.reads.values():
            theirs = self.catalog[read.table]
            parts = self.lake.snapshot(read.table, inputs[read.table]).files
            if table.period == "all" or theirs.period != "all":
                for part in parts:
                    found |= self._spread(table, theirs, part)
            if read.makes and table.period != "all":
                found |= self._made(table, theirs, read, inputs[read.table])
            if parts and read.margin and table.period != "all" and theirs.period != "all":
                found |= self._around(table, theirs, read, inputs[read.table])
        return found

    def _made(self, mine: Table, theirs: Table, read: Read, version: int) -> set[Part]:
        """My partitions that the time of a register's rows covers; rows that last for ever make none."""
        rows = self.engine.rows(theirs, version=version, columns=read_schema(theirs, read).names)
        return {
            Part(period, number)
            for first, last in zip(*self._spans(theirs, read, rows), strict=True)
            if first > -FOREVER and last < FOREVER
            for period in self.calendar.covering(first, last, mine.period)
            for number in self._buckets(mine)
        }

    def _around(self, mine: Table, theirs: Table, read: Read, version: int) -> set[Part]:
        """My partitions that see their rows from beside; between anchors also those in which nothing arrived."""
        margin = int(read.margin.total_seconds() * 1e6)
        snapshot = self.lake.snapshot(theirs.name, version)
        spans = [(part.bucket, *self._inside(part.period)) for part in snapshot.files]
        if read.anchored:
            spans = [
                (bucket, *span)
                for bucket in {part.bucket for part in snapshot.files}
                for span in _stretches(self._extents(theirs, snapshot, bucket), margin)
            ]
        same = self._same_buckets(mine, theirs)
        return {
            Part(period, number)
            for bucket, first, last in spans
            for period in self.calendar.covering(first - margin, last + margin, mine.period)
            for number in ([bucket] if same else self._buckets(mine))
        }

    def _buckets(self, table: Table) -> range:
        return range(self.buckets) if self._bucketed(table) else range(1)

    def _bucketed(self, table: Table) -> bool:
        return bool(table.key) or table.name.startswith(READING_PREFIX)

    def _same_buckets(self, mine: Table, theirs: Table) -> bool:
        """Whether a row of theirs can only matter to my bucket of the same number: both spread the same key."""
        return bool(mine.key) and (mine.key == theirs.key or theirs.name.startswith(READING_PREFIX))

    def _spread(self, mine: Table, theirs: Table, part: Part) -> set[Part]:
        """My partitions that rows of one of their partitions can reach, margins aside."""
        if mine.period == "all":
            periods = ["all"]
        elif mine.period == theirs.period:
            periods = [part.period]
        else:
            periods = self.calendar.covering(*self._inside(part.period), mine.period)
        same = self._same_buckets(mine, theirs)
        return {Part(p, b) for p in periods for b in ([part.bucket] if same else self._buckets(mine))}

    def _inside(self, period: str) -> tuple[int, int]:
        first, following = self.calendar.bounds(period)
        return first, following - 1

    def needed(self, mine: Table, theirs: Table, read: Read, wanted: set[Part]) -> set[Part] | None:
        """Their partitions that hold what my partitions look at; None is all of them."""
        if theirs.period == "all" or mine.period == "all":
            return None
        margin = int(read.margin.total_seconds() * 1e6)
        needed = set()
        for part in wanted:
            first, last = self._inside(part.period)
            same = self._same_buckets(mine, theirs)
            for period in self.calendar.covering(first - margin, last + margin, theirs.period):
                needed |= {Part(period, b) for b in ([part.bucket] if same else self._buckets(theirs))}
        return needed

    def _touched(self, mine: Derived, read: Read, since: int, until: int, inputs: Mapping[str, int]) -> set[Part]:
        theirs = self.catalog[read.table]
        before, after = self.lake.snapshot(read.table, since), self.lake.snapshot(read.table, until)
        written = self.lake.written_since(read.table, since, after.version)
        parts = {p for p in written if before.files.get(p) != after.files.get(p)}
        if mine.period == "all" and not self._bucketed(mine):
            return {Part("all")} if parts and self._changes(mine, theirs, read, before, after, parts) else set()
        touched: set[Part] = set()
        if theirs.period != "all" and not read.margin:
            for part in parts:
                touched |= self._spread(mine, theirs, part)
            return touched
        candidates: set[Part] | None = None
        for part in parts:
            for bucket, first, last in _joined(self._changes(mine, theirs, read, before, after, {part})):
                if first <= -FOREVER or last >= FOREVER:
                    candidates = self.candidates(mine, inputs) if candidates is None else candidates
                    near = {p for p in candidates if self._overlaps(p.period, first, last)}
                else:
                    near = {Part(p, b) for p in self.calendar.covering(first, last, mine.period) for b in self._buckets(mine)}
                touched |= {p for p in near if bucket is None or not self._bucketed(mine) or p.bucket == bucket}
        return touched

    def _overlaps(self, period: str, first: int, last: int) -> bool:
        start, end = self.calendar.bounds(period)
        return start <= last and end > first

    def _changes(
        self, mine: Table, theirs: Table, read: Read, before: Snapshot, after: Snapshot, parts: set[Part]
    ) -> list[tuple[int | None, int, int]]:
        """What changed in some of their partitions, as (bucket or None, first instant, last instant), margins included."""
        names = [n for n in read_schema(theirs, read).names if n not in ("source_file", "source_row")]
        listed = ", ".join(quoted(name) for name in names)
        old, new = (self._rows_in(theirs, files, parts) for files in self._differing(theirs, before, after, parts))
        differing = (
            f"(SELECT {listed} FROM {new} EXCEPT ALL SELECT {listed} FROM {old}) UNION ALL "
            f"(SELECT {listed} FROM {old} EXCEPT ALL SELECT {listed} FROM {new})"
        )
        rows = self.engine.sql(differing)
        if rows.num_rows == 0:
            return []
        if theirs.name.startswith(READING_PREFIX) and read.anchored:
            return [span for part in parts for span in self._reach(theirs, read, after, part, rows)]
        margin = int(read.margin.total_seconds() * 1e6)
        buckets: list[int | None] = [None] * rows.num_rows
        if read.key:
            keys = rows.column(read.key).to_pylist()
            buckets = [None if key is None else bucket_of(key, self.buckets) for key in keys]
        elif self._same_buckets(mine, theirs):
            buckets = [next(iter(parts)).bucket] * rows.num_rows
        first, last = self._spans(theirs, read, rows)
        return sorted(
            {(b, max(f - margin, -FOREVER), min(t + margin, FOREVER)) for b, f, t in zip(buckets, first, last, strict=True)},
            key=str,
        )

    def _differing(self, table: Table, before: Snapshot, after: Snapshot, parts: set[Part]) -> tuple[list[str], list[str]]:
        """The files that only one of two snapshots has.

        Those that were merged meanwhile are no difference: of a merged file those count that came in between; they are there.
        """
        old = {file for part in parts for file in before.files.get(part, ())}
        new = {file for part in parts for file in after.files.get(part, ())}
        merged, waiting, come, same = self.lake.merges(table.name, before.version, after.version), list(new), set(), set()
        while waiting:
            file = waiting.pop()
            if file in old:
                same.add(file)
            elif file in merged:
                waiting += merged.pop(file)
            else:
                come.add(file)
        return sorted(old - same), sorted(come)

    def _rows_in(self, table: Table, files: list[str], parts: set[Part]) -> str:
        """SQL text for the rows of some files of a table."""
        uris = self.lake.uris(table.name, Snapshot(0, {min(parts): tuple(files)})) if files else []
        if not uris:
            return self.engine.relation(table, -1)
        return "read_parquet([" + ", ".join(f"'{uri}'" for uri in uris) + "], hive_partitioning=false)"

    def _spans(self, theirs: Table, read: Read, rows: pa.Table) -> tuple[list[int], list[int]]:
        """First and last instant that each changed row is about; for ever where it tells none."""
        if not read.during and not theirs.time:
            return [-FOREVER] * rows.num_rows, [FOREVER] * rows.num_rows
        begin, end = read.during or (theirs.time, theirs.time)
        exclusive = bool(read.during)  # a validity is half-open

        def instants(column: str, default: int, upper: bool) -> list[int]:
            found = []
            for value in rows.column(column).to_pylist():
                if value is None:
                    found.append(default)
                elif hasattr(value, "hour"):
                    found.append(int(value.timestamp() * 1e6) - (upper and exclusive))
                elif isinstance(value, int):
                    found.append(self._inside(str(value))[upper])
                elif upper and exclusive:
                    found.append(self.calendar.instant(value) - 1)
                else:
                    found.append(self.calendar.instant(value) + (86_400_000_000 - 1 if upper else 0))
            return found

        return instants(begin, -FOREVER, False), instants(end, FOREVER, True)

    def _reach(self, theirs: Table, read: Read, after: Snapshot, part: Part, rows: pa.Table) -> list[tuple[int, int, int]]:
        """The time over which changed readings can be seen: from the reading before, margin away, to the one after."""
        margin = int(read.margin.total_seconds() * 1e6)
        times = micros(rows.column("time"))
        first, last = int(times.min()) - margin, int(times.max()) + margin
        near = {Part(p, part.bucket) for at in (first, last) for p in self.calendar.covering(at, at, theirs.period)}
        text = f"""
            WITH changed AS (SELECT datastream, epoch_us(min(time)) - {margin} AS first, epoch_us(max(time)) + {margin} AS last
                             FROM changed_rows GROUP BY 1),
                 times AS (SELECT datastream, epoch_us(time) AS time
                           FROM {self.engine.relation(theirs, after.version, near, ("datastream", "time"))}
                           UNION ALL SELECT datastream, first FROM extents UNION ALL SELECT datastream, last FROM extents)
            SELECT coalesce(max(t.time) FILTER (t.time <= c.first), c.first) AS a,
                   coalesce(min(t.time) FILTER (t.time >= c.last), c.last) AS b
            FROM changed c LEFT JOIN times t USING (datastream) GROUP BY c.datastream, c.first, c.last"""
        extents = self._extents(theirs, after, part.bucket)
        spans = self.engine.sql(text, changed_rows=rows.select(["datastream", "time"]), extents=extents)
        return [(part.bucket, a, b) for a, b in zip(*(spans.column(c).to_pylist() for c in ("a", "b")), strict=True)]

    def _extents(self, table: Table, snapshot: Snapshot, bucket: int) -> pa.Table:
        return self._stored(table).extents(snapshot, bucket)

    def _stored(self, table: Table) -> Stored:
        with self._lock:
            return self._readings.setdefault(table.name, Stored(self.lake, table))


def _joined(spans: list[tuple[int | None, int, int]]) -> list[tuple[int | None, int, int]]:
    """Spans of time by bucket, those that overlap as one: thousands of devices that sent at once touch the same partitions."""
    joined: list[tuple[int | None, int, int]] = []
    for bucket, first, last in sorted(spans, key=lambda span: (span[0] is not None, span[0] or 0, span[1])):
        if joined and joined[-1][0] == bucket and first <= joined[-1][2]:
            joined[-1] = (bucket, joined[-1][1], max(joined[-1][2], last))
        else:
            joined.append((bucket, first, last))
    return joined


def _stretches(extents: pa.Table, margin: int) -> list[tuple[int, int]]:
    """From when until when datastreams have readings; as one, where less than two margins lie between them."""
    of_stream = extents.group_by("datastream").aggregate([("first", "min"), ("last", "max")]).sort_by("first_min")
    first, last = of_stream["first_min"].to_numpy(), np.maximum.accumulate(of_stream["last_max"].to_numpy())
    new = np.flatnonzero(np.r_[True, first[1:] - margin > last[:-1] + margin])
    return list(zip(first[new].tolist(), last[np.r_[new[1:], len(last)] - 1].tolist(), strict=True))
