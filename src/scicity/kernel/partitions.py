"""Which partitions: those that a table can have, those that a change of what it reads touches, those that it needs to read.

What changed is mapped to partitions by period and bucket where the input is partitioned, by the key and the validity of the
changed rows where it is a register, and by how far a partition looks beyond its edges where a read has a margin.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.calendar import Calendar, micros, micros_of
from scicity.kernel.engine import Engine, quoted, read_schema
from scicity.kernel.lake import Lake, Part, Snapshot
from scicity.kernel.reading import bucket_of
from scicity.kernel.stored import FOREVER, NONE_CALM, Calm, Stored
from scicity.kernel.tables import READING_PREFIX, Catalog, Derived, Read, Table, Written

Snapshots = tuple[Snapshot, Snapshot]  # before and after


class Partitions:
    """The partitions of the tables of a catalog over a lake."""

    def __init__(self, lake: Lake, catalog: Catalog, calendar: Calendar, buckets: int) -> None:
        self.lake, self.catalog, self.calendar, self.buckets = lake, catalog, calendar, buckets
        self.engine = Engine(lake)
        self._readings: dict[str, Stored] = {}
        self._known: dict[tuple[str, str], tuple[frozenset[str], dict[int, pa.Table]]] = {}
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
        margin = micros_of(read.margin)
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
        margin = micros_of(read.margin)
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
            return {Part("all")} if parts and self._changes(mine, read, before, after, parts, inputs) else set()
        touched: set[Part] = set()
        if theirs.period != "all" and not read.margin:
            for part in parts:
                touched |= self._spread(mine, theirs, part)
            return touched
        candidates: set[Part] | None = None
        for part in parts:
            for bucket, first, last in _joined(self._changes(mine, read, before, after, {part}, inputs)):
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
        self, mine: Derived, read: Read, before: Snapshot, after: Snapshot, parts: set[Part], inputs: Mapping[str, int]
    ) -> list[tuple[int | None, int, int]]:
        """What changed in some partitions of what is read, as (bucket or None, first instant, last), margins included."""
        theirs = self.catalog[read.table]
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
            return [span for part in parts for span in self._reach(mine, read, (before, after), part, rows, inputs)]
        margin = micros_of(read.margin)
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

    def _reach(
        self,
        mine: Derived,
        read: Read,
        snapshots: Snapshots,
        part: Part,
        rows: pa.Table,
        inputs: Mapping[str, int],
    ) -> list[tuple[int | None, int, int]]:
        """The time over which changed readings can be seen: from the reading before, margin away, to the one after."""
        changed = rows.select(["datastream", "time"]).group_by("datastream").aggregate([("time", "min"), ("time", "max")])
        changed = changed.rename_columns(["datastream", "first", "last"])
        steps = self._calm_steps(mine, read, snapshots, part, changed, inputs)
        calm = pa.array(steps >= 0)
        reach = micros_of(read.near) + steps[steps >= 0]
        first, last = (micros(changed.column(name).filter(calm)) for name in ("first", "last"))
        spans = [(part.bucket, a, b) for a, b in zip((first - reach).tolist(), (last + reach).tolist(), strict=True)]
        return spans + self._far_reach(self.catalog[read.table], read, snapshots[1], part, changed.filter(pc.invert(calm)))

    def _calm_steps(
        self,
        mine: Derived,
        read: Read,
        snapshots: Snapshots,
        part: Part,
        changed: pa.Table,
        inputs: Mapping[str, int],
    ) -> np.ndarray:
        """Of each changed datastream the longest time between its readings [µs], if it is calm as far as what changed can be
        seen, both before and after; -1 of others."""
        steps = np.full(changed.num_rows, -1)
        if read.calm is None or not mine.key:
            return steps
        near, margin = micros_of(read.near), micros_of(read.margin)
        first, last = int(micros(changed["first"]).min()) - margin - near, int(micros(changed["last"]).max()) + margin + near
        start, end = (self.calendar.bounds(self.calendar.covering(at, at, mine.period)[0]) for at in (first, last))
        registers = self.registers(mine, inputs)
        both = [self.calm(read, snapshot, part.bucket, start[0], end[1], registers).streams for snapshot in snapshots]
        longest = []
        for streams in both:
            place = pc.fill_null(
                pc.index_in(changed["datastream"], value_set=streams["datastream"].combine_chunks()), -1
            ).to_numpy()
            longest.append(np.r_[streams["longest"].to_numpy(), FOREVER][place])
        most = np.maximum(*longest)
        return np.where(most <= near, most, -1)

    def calm(
        self, read: Read, snapshot: Snapshot, bucket: int, start: int, end: int, registers: Mapping[str, Mapping[int, pa.Table]]
    ) -> Calm:
        """The datastreams of a bucket of which only readings near [start, end) matter to who reads them."""
        judge = read.calm
        if judge is None:
            return NONE_CALM
        mine = {name: of_bucket[bucket] for name, of_bucket in registers.items()}
        stored = self._stored(self.catalog[read.table])
        told = stored.told_around(snapshot, bucket, start, end, micros_of(read.margin))
        return Calm(told.filter(pa.array(judge(told, mine, start, end))), micros_of(read.near))

    def _far_reach(
        self, theirs: Table, read: Read, after: Snapshot, part: Part, changed: pa.Table
    ) -> list[tuple[int | None, int, int]]:
        """The same of datastreams that are not calm."""
        if not changed.num_rows:
            return []
        margin = micros_of(read.margin)
        first, last = int(micros(changed["first"]).min()) - margin, int(micros(changed["last"]).max()) + margin
        near = {Part(p, part.bucket) for at in (first, last) for p in self.calendar.covering(at, at, theirs.period)}
        text = f"""
            WITH changed AS (SELECT datastream, epoch_us(first) - {margin} AS first, epoch_us(last) + {margin} AS last
                             FROM changed_streams),
                 times AS (SELECT datastream, epoch_us(time) AS time
                           FROM {self.engine.relation(theirs, after.version, near, ("datastream", "time"))}
                           UNION ALL SELECT datastream, first FROM extents UNION ALL SELECT datastream, last FROM extents)
            SELECT coalesce(max(t.time) FILTER (t.time <= c.first), c.first) AS a,
                   coalesce(min(t.time) FILTER (t.time >= c.last), c.last) AS b
            FROM changed c LEFT JOIN times t USING (datastream) GROUP BY c.datastream, c.first, c.last"""
        extents = self._extents(theirs, after, part.bucket).select(["datastream", "first", "last"])
        spans = self.engine.sql(text, changed_streams=changed, extents=extents)
        return [(part.bucket, a, b) for a, b in zip(*(spans.column(c).to_pylist() for c in ("a", "b")), strict=True)]

    def registers(self, table: Derived, inputs: Mapping[str, int]) -> dict[str, dict[int, pa.Table]]:
        """The registers that a method reads, by name and bucket: of one whose key is known, only the rows of the bucket.

        They change rarely: as long as their files are the same they are the same objects, so that methods know them again.
        """
        found = {}
        for name, read in table.reads.items():
            theirs = self.catalog[read.table]
            if theirs.period != "all":
                continue
            files = self.lake.snapshot(theirs.name, inputs[theirs.name]).paths  # not the version: set aside, they begin anew
            of, known = self._known.get((table.name, name), (frozenset(), {}))
            if not known or of != files:
                known = self._register(table, theirs, read, inputs[theirs.name])
                if isinstance(theirs, Written):
                    self._known[table.name, name] = files, known
            found[name] = known
        return found

    def _register(self, table: Derived, theirs: Table, read: Read, version: int) -> dict[int, pa.Table]:
        rows = self.engine.rows(theirs, version=version, columns=read_schema(theirs, read).names)
        buckets = self._buckets(table)
        if not read.key or len(buckets) == 1:
            return dict.fromkeys(buckets, rows)
        keys = rows.column(read.key).to_pylist()
        of_row = np.array([-1 if key is None else bucket_of(key, self.buckets) for key in keys], dtype=np.int64)
        return {bucket: rows.filter(pa.array((of_row == bucket) | (of_row < 0))) for bucket in buckets}

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
