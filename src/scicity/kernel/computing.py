"""Computing: brings every derived table up to date, and computes nothing that what changed does not touch.

The last commit of a table tells the versions of its inputs up to which all of its partitions stand. What came since is
mapped to partitions: by period and bucket where the input is partitioned, by the key and the validity of the changed rows
where it is a register, and by how far a partition looks beyond its edges where a read has a margin. A partition that comes
out as it was ends there: nothing above it is touched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.kernel.calendar import Calendar, micros, periods_of_days
from scicity.kernel.engine import Engine, quoted, read_schema
from scicity.kernel.lake import Commit, Lake, Part, SchemaChanged, Snapshot
from scicity.kernel.reading import FOREVER, Stored, bucket_of
from scicity.kernel.retired import Retirement, carried_over, retirement_of, rows_of
from scicity.kernel.rows import in_order, in_parallel
from scicity.kernel.tables import READING_PREFIX, Catalog, Derived, Read, Source, Table

LONGEST_GROUP = 31  # days that are computed at once


@dataclass(frozen=True)
class Slot:
    """What a method computes: a partition, or days that follow each other, each a partition.

    `part` is the first of them, `start` its first instant, `end` the one after the last; `spans` has these of each [µs UTC].
    """

    part: Part
    start: int
    end: int
    calendar: Calendar
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Done:
    """What one run did to one table: the partitions that were computed, those that came out changed, rows, seconds."""

    table: str
    computed: frozenset[Part]
    changed: frozenset[Part]
    rows: int
    seconds: float
    version: int


class Computing:
    """Computes the derived tables of a catalog over a lake."""

    def __init__(self, lake: Lake, catalog: Catalog, calendar: Calendar, buckets: int = 1) -> None:
        self.lake, self.catalog, self.calendar, self.buckets = lake, catalog, calendar, buckets
        self.engine = Engine(lake)
        self._readings: dict[str, Stored] = {}
        self._known: dict[tuple[str, str], tuple[int, dict[int, pa.Table]]] = {}
        self._lock = threading.Lock()

    def bring_up_to_date(self, progress: Callable[[str, int, int], None] | None = None, only: str | None = None) -> list[Done]:
        """Computes what is due, each table behind what it reads (`only`: up to this one).

        A table is committed whole, so that a stopped run goes on where it was.
        """
        wanted = self.catalog.below(only) if only else None
        waves = [[t for t in wave if wanted is None or t.name in wanted] for wave in self.catalog.waves]
        done: list[Done] = []
        finished, of = 0, sum(map(len, waves))
        with ThreadPoolExecutor(2) as pool:
            for wave in waves:
                for table, result in zip(wave, pool.map(self._update, wave), strict=True):
                    finished += 1
                    if progress:
                        progress(table.name, finished, of)
                    done += [result] if result else []
        if any(result.changed for result in done):
            self.lake.tell([result.table for result in done if result.changed], time.time_ns())
        return done

    def _update(self, table: Derived) -> Done | None:
        started = time.perf_counter()
        last = self.lake.last(table.name)
        inputs = {read.table: self._version(read.table, last) for read in table.reads.values()}
        due, whole = self.due(table, inputs)
        if not due and last and dict(last.inputs) == inputs and last.code == table.code:
            return None
        rows = self.results(table, due, inputs)
        there = set(self.lake.snapshot(table.name).files)
        told: dict[str, Any] = {
            "inputs": inputs,
            "code": table.code,
            "only": self._thawed(table, there | due) if whole else due,
        }
        try:
            carried = {} if there else self._carried(table)
            version, changed = self.lake.replace(table.name, carried | rows, table.schema, **told)
        except SchemaChanged:
            self.lake.set_aside(table.name)
            for above in self.catalog.above(table.name):  # its versions begin anew, and mean others than these remember
                self.lake.distrust(above)
            version, changed = self.lake.replace(table.name, self._carried(table) | rows, table.schema, **told)
        count = sum(part.num_rows for part in rows.values())
        return Done(table.name, frozenset(due), changed, count, time.perf_counter() - started, version)

    def _version(self, name: str, last: Commit | None) -> int:
        """The newest version of an input; the one that was seen last where its rows have not changed since."""
        newest = self.lake.snapshot(name)
        seen = last.inputs.get(name, -1) if last else -1
        if seen > newest.version:  # it was set aside since
            return newest.version
        same = seen >= 0 and (
            not self.lake.written_since(name, seen, newest.version) or self.lake.snapshot(name, seen).paths == newest.paths
        )
        return seen if same else newest.version

    def due(self, table: Derived, inputs: Mapping[str, int]) -> tuple[set[Part], bool]:
        """The partitions of a table to compute for these versions of its inputs, and whether those are all there are."""
        last = self.lake.last(table.name)
        if last is None or last.code != table.code:
            return self._thawed(table, self.candidates(table, inputs)), True
        due: set[Part] = set()
        for read in table.reads.values():
            if inputs[read.table] != last.inputs.get(read.table, -1):
                due |= self._touched(table, read, last.inputs.get(read.table, -1), inputs[read.table], inputs)
        return self._thawed(table, due), False

    def retirement(self, table: Table, part: Part) -> Retirement | None:
        """The act by which a partition was frozen, as its readings were retired; None where it can be computed again."""
        return retirement_of(self.lake.retirements(), table, part)

    def _thawed(self, table: Table, parts: set[Part]) -> set[Part]:
        """Those partitions of a table that are not frozen."""
        return {part for part in parts if self.retirement(table, part) is None}

    def _carried(self, table: Derived) -> dict[Part, pa.Table]:
        """The frozen partitions of a table that was set aside, in its columns of now."""
        for aside in self.lake.aside(table.name) if self.lake.retirements() else ():
            snapshot = self.lake.snapshot(aside)
            frozen = [part for part in snapshot.files if self.retirement(table, part)]
            if frozen:
                files = {part: self.lake.store.local(aside, snapshot.files[part]) for part in frozen}
                return {part: carried_over(rows_of(paths), table) for part, paths in files.items()}
        return {}

    def candidates(self, table: Derived, inputs: Mapping[str, int]) -> set[Part]:
        """Every partition that a table can have, given its inputs, and those that it has."""
        found = set(self.lake.snapshot(table.name).files)
        for read in table.reads.values():
            theirs = self.catalog[read.table]
            parts = self.lake.snapshot(read.table, inputs[read.table]).files
            if table.period == "all" or theirs.period != "all":
                for part in parts:
                    found |= self._spread(table, theirs, part)
            if parts and read.margin and table.period != "all" and theirs.period != "all":
                found |= self._around(table, theirs, read, inputs[read.table])
        return found

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

    def results(self, table: Derived, due: Iterable[Part], inputs: Mapping[str, int]) -> dict[Part, Any]:
        """What an update commits: the rows of partitions, or what stands for them where they are computed elsewhere."""
        return self.compute(table, due, inputs)

    def compute(self, table: Derived, due: Iterable[Part], inputs: Mapping[str, int]) -> dict[Part, pa.Table]:
        """The rows of partitions of a table, from these versions of its inputs."""
        wanted = set(due)
        if not wanted:
            return {}
        if table.by_partition:
            registers = self.registers(table, inputs)
            results = in_parallel(lambda group: self.by_method(table, group, inputs, registers), self.grouped(table, wanted))
            for stored in list(self._readings.values()):
                stored.forget()
            return {part: rows for found in results for part, rows in found.items()}
        relations, schemas = {}, {}
        for name, read in table.reads.items():
            theirs = self.catalog[read.table]
            parts = self._needed(table, theirs, read, wanted)
            relations[name] = self.engine.relation(theirs, inputs[read.table], parts, read_schema(theirs, read).names)
            schemas[name] = read_schema(theirs, read)
        rows = self.engine.evaluate(table, relations, schemas)
        return {part: found for part, found in self.split(table, rows).items() if part in wanted}

    def again(self, table: Derived, part: Part, version: int | None = None) -> pa.Table:
        """A partition computed again as of the versions from which it was written, at a version of the table or the newest."""
        commit = self.lake.written(table.name, part, version)
        frozen = self.retirement(table, part)
        if frozen is not None:
            raise LookupError(f"{table.name} {part.period}/{part.bucket} cannot be computed again: {frozen.said(table.name)}")
        if commit is None:
            raise LookupError(f"{table.name} has no partition {part.period}/{part.bucket} at that version")
        rows = self.compute(table, [part], commit.inputs).get(part, table.schema.empty_table())
        return rows.select(table.schema.names).cast(table.schema)

    def split(self, table: Table, rows: pa.Table) -> dict[Part, pa.Table]:
        """Rows by partition, in the order in which they come."""
        if rows.num_rows == 0:
            return {}
        names, which = np.array(["all"]), np.zeros(rows.num_rows, dtype=np.int64)
        if table.time:
            column = rows.column(table.time).combine_chunks()
            if pa.types.is_timestamp(column.type):
                column = pa.array(self.calendar.days(micros(column)))
            encoded = column.dictionary_encode()  # there are few days among many rows
            told = encoded.dictionary.cast(pa.int32()).to_numpy()
            periods = (
                told.astype(str) if pa.types.is_integer(rows.column(table.time).type) else periods_of_days(told, table.period)
            )
            names, place = np.unique(periods.astype(str), return_inverse=True)
            which = place[encoded.indices.to_numpy()]
        buckets = np.zeros(rows.num_rows, dtype=np.int64)
        if table.key and self.buckets > 1:
            encoded = rows.column(table.key).combine_chunks().dictionary_encode()
            of_key = np.array([bucket_of(key, self.buckets) for key in encoded.dictionary.to_pylist()])
            buckets = of_key[encoded.indices.to_numpy()]
        where = which * self.buckets + buckets
        order = np.argsort(where, kind="stable")
        ordered, sorted_where = rows.take(pa.array(order)), where[order]
        starts = np.flatnonzero(np.r_[True, sorted_where[1:] != sorted_where[:-1]])
        return {
            Part(str(names[sorted_where[a] // self.buckets]), int(sorted_where[a] % self.buckets)): ordered.slice(a, b - a)
            for a, b in zip(starts, np.r_[starts[1:], len(order)], strict=True)
        }

    # --- which partitions of mine a change of theirs touches, and which of theirs I need ---

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

    def _needed(self, mine: Table, theirs: Table, read: Read, wanted: set[Part]) -> set[Part] | None:
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
            for bucket, first, last in self._changes(mine, theirs, read, before, after, {part}):
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
        old = self._rows_of(theirs, before, after, parts)
        new = self._rows_of(theirs, after, before, parts)
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

    def _rows_of(self, table: Table, mine: Snapshot, other: Snapshot, parts: set[Part]) -> str:
        """SQL text for the rows of the files that only one of two snapshots has."""
        files = {p: tuple(f for f in mine.files.get(p, ()) if f not in other.files.get(p, ())) for p in parts}
        uris = self.lake.uris(table.name, Snapshot(mine.version, files))
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

    # --- a method over one partition ---

    def grouped(self, table: Table, parts: Iterable[Part]) -> list[list[Part]]:
        """Partitions in the order of buckets and time, so that neighbours read the same files; days that follow each other
        together, because what a method must look at around one of them it looks at only once then."""
        groups: list[list[Part]] = []
        for part in sorted(parts, key=lambda part: (part.bucket, part.period)):
            last = groups[-1] if groups else []
            if last and len(last) < LONGEST_GROUP and table.period == "day" and self._follows(last[-1], part):
                last.append(part)
            else:
                groups.append([part])
        return groups

    def _follows(self, day: Part, next_day: Part) -> bool:
        return day.bucket == next_day.bucket and self.calendar.bounds(day.period)[1] == self.calendar.bounds(next_day.period)[0]

    def by_method(
        self, table: Derived, group: list[Part], inputs: Mapping[str, int], registers: Mapping[str, Mapping[int, pa.Table]]
    ) -> dict[Part, pa.Table]:
        """The rows of the partitions of a group that have any, by the table's method."""
        spans = tuple(self.calendar.bounds(each.period) for each in group)
        part, start, end = group[0], spans[0][0], spans[-1][1]
        tables = {}
        for name, read in table.reads.items():
            theirs, version = self.catalog[read.table], inputs[read.table]
            columns = read_schema(theirs, read).names
            if name in registers:
                tables[name] = registers[name][part.bucket]
            elif read.anchored:
                margin = int(read.margin.total_seconds() * 1e6)
                snapshot = self.lake.snapshot(theirs.name, version)
                tables[name] = self._stored(theirs).around(snapshot, part.bucket, start, end, margin, columns)
            else:
                parts = self._needed(table, theirs, read, set(group))
                found = self.engine.rows(theirs, version=version, parts=parts, columns=columns)
                tables[name] = self._within(theirs, read, found, start, end)
        rows = table.function(Slot(part, start, end, self.calendar, spans), **tables)
        if rows.num_rows == 0:
            return {}
        if not in_order(rows, table.grain):
            order = [(column, "ascending") for column in table.grain]
            rows = rows.select(table.schema.names).cast(table.schema).sort_by(order)
        return self.split(table, rows) if table.period == "day" else {part: rows}

    def registers(self, table: Derived, inputs: Mapping[str, int]) -> dict[str, dict[int, pa.Table]]:
        """The registers that a method reads, by name and bucket: of one whose key is known, only the rows of the bucket.

        They change rarely: as long as a version stands they are the same objects, so that methods know them again.
        """
        found = {}
        for name, read in table.reads.items():
            theirs = self.catalog[read.table]
            if theirs.period != "all":
                continue
            version, known = self._known.get((table.name, name), (-1, {}))
            if version < 0 or version != inputs[read.table]:
                known = self._register(table, theirs, read, inputs[read.table])
                if isinstance(theirs, Source):
                    self._known[table.name, name] = inputs[read.table], known
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

    def _within(self, theirs: Table, read: Read, rows: pa.Table, start: int, end: int) -> pa.Table:
        if not pa.types.is_timestamp(theirs.schema.field(theirs.time).type):
            return rows
        margin = int(read.margin.total_seconds() * 1e6)
        at = micros(rows.column(theirs.time))
        return rows.filter(pa.array((at >= start - margin) & (at < end + margin)))


def _stretches(extents: pa.Table, margin: int) -> list[tuple[int, int]]:
    """From when until when datastreams have readings; as one, where less than two margins lie between them."""
    of_stream = extents.group_by("datastream").aggregate([("first", "min"), ("last", "max")]).sort_by("first_min")
    first, last = of_stream["first_min"].to_numpy(), np.maximum.accumulate(of_stream["last_max"].to_numpy())
    new = np.flatnonzero(np.r_[True, first[1:] - margin > last[:-1] + margin])
    return list(zip(first[new].tolist(), last[np.r_[new[1:], len(last)] - 1].tolist(), strict=True))
