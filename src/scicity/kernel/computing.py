"""Computing: brings every derived table up to date, and computes nothing that what changed does not touch.

The last commit of a table tells the versions of its inputs up to which all of its partitions stand. What came since is mapped
to partitions (`partitions.py`). A partition that comes out as it was ends there: nothing above it is touched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.calendar import Calendar, micros, micros_of, periods_of_days
from scicity.kernel.engine import read_schema
from scicity.kernel.lake import Commit, Lake, Part, SchemaChanged
from scicity.kernel.partitions import Partitions
from scicity.kernel.reading import bucket_of
from scicity.kernel.retired import Retirement, carried_over, retirement_of, rows_of
from scicity.kernel.rows import Filed, in_order, in_parallel
from scicity.kernel.tables import Catalog, Derived, Read, Table, Written

SAME = "same"  # note of the lake: which tables came out the same from newer inputs; without it they are computed once more
MOST_ROUNDS = 100  # a table comes out the same without a commit: behind its loss there is never more to be computed again
LONGEST_GROUP = 31  # days that are computed at once
AT_ONCE = 12_000_000  # readings that days computed at once may have, what lies around them aside: some 2 GB


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


class Computing(Partitions):
    """Computes the derived tables of a catalog over a lake."""

    def __init__(self, lake: Lake, catalog: Catalog, calendar: Calendar, buckets: int = 1) -> None:
        super().__init__(lake, catalog, calendar, buckets)
        self._same: dict[str, dict[str, Any]] | None = None  # read with the first question
        self._two = threading.BoundedSemaphore(2)  # groups at once, of all tables: there are two cores, and each needs memory

    def bring_up_to_date(self, progress: Callable[[str, int, int], None] | None = None, only: str | None = None) -> list[Done]:
        """Computes what is due, each table behind what it reads (`only`: up to this one).

        A table is committed whole, so that a stopped run goes on where it was.
        """
        wanted = self.catalog.below(only) if only else None
        waves = [[t for t in wave if wanted is None or t.name in wanted] for wave in self.catalog.waves]
        done: list[Done] = []
        finished, of = 0, sum(map(len, waves))
        self._same = same = self.lake.noted(SAME)
        before = dict(same)
        try:
            with ThreadPoolExecutor(2) as pool:
                for wave in waves:
                    found = []
                    for table, result in zip(wave, pool.map(self._update, wave), strict=True):
                        finished += 1
                        if progress:
                            progress(table.name, finished, of)
                        found += [result] if result else []
                    done += found
                    if changed := [result.table for result in found if result.changed]:
                        self.lake.tell(changed, time.time_ns())
        finally:
            if same != before:
                self.lake.note(SAME, same)
        return done

    def last(self, table: str) -> Commit | None:
        """The newest commit of a derived table, with the versions of its inputs for which it was found to stand since."""
        last = self.lake.last(table)
        same = self._found_same(table, last)
        return replace(last, inputs={**last.inputs, **same["inputs"]}) if last and same else last

    def _found_same(self, table: str, last: Commit | None) -> dict[str, Any]:
        """What is noted of a table that came out the same since its newest commit."""
        if self._same is None:
            self._same = self.lake.noted(SAME)
        same = self._same.get(table, {})
        return same if last is not None and (same.get("version"), same.get("at")) == (last.version, last.at) else {}

    def put(self, table: Written, rows: pa.Table | Filed) -> bool:
        """Makes a table that people wrote hold these rows, on stable storage; whether that changed any. Within `Lake.alone`."""
        told: dict[str, Any] = {"inputs": {}, "code": "", "durable": True}
        try:
            return bool(self.lake.replace(table.name, {Part("all"): rows}, table.schema, **told)[1])
        except SchemaChanged:
            self.lake.set_aside(table.name)
            for above in self.catalog.above(table.name):  # its versions begin anew, and mean others than these remember
                self.lake.distrust(above)
            return bool(self.lake.replace(table.name, {Part("all"): rows}, table.schema, **told)[1])

    def _update(self, table: Derived) -> Done | None:
        started = time.perf_counter()
        last = self.last(table.name)
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
        rounds = self._found_same(table.name, last).get("rounds", 0)
        quiet = last is not None and last.code == table.code and rounds < MOST_ROUNDS
        try:
            carried = {} if there else self._carried(table)
            told["quiet"] = quiet
            version, changed = self.lake.replace(table.name, carried | rows, table.schema, **told)
        except SchemaChanged:
            self.lake.set_aside(table.name)
            for above in self.catalog.above(table.name):  # its versions begin anew, and mean others than these remember
                self.lake.distrust(above)
            version, changed = self.lake.replace(
                table.name, self._carried(table) | rows, table.schema, **told | {"quiet": False}
            )
        if last is not None and self._same is not None and quiet and not changed:
            self._same[table.name] = {"version": last.version, "at": last.at, "inputs": inputs, "rounds": rounds + 1}
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
        last = self.last(table.name)
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
            groups = self.grouped(table, wanted, inputs)
            results = in_parallel(lambda group: self.by_method(table, group, inputs, registers), groups)
            for stored in list(self._readings.values()):
                stored.forget()
            return {part: rows for found in results for part, rows in found.items()}
        relations, schemas = {}, {}
        for name, read in table.reads.items():
            theirs = self.catalog[read.table]
            parts = self.needed(table, theirs, read, wanted)
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

    # --- a method over one partition ---

    def grouped(self, table: Derived, parts: Iterable[Part], inputs: Mapping[str, int]) -> list[list[Part]]:
        """Partitions in the order of buckets and time, so that neighbours read the same files; days that follow each other
        together, because what a method must look at around one of them it looks at only once then."""
        groups: list[list[Part]] = []
        ordered = sorted(parts, key=lambda part: (part.bucket, part.period))
        longest = self._days_at_once(table, ordered, inputs) if table.period == "day" else 1
        for part in ordered:
            last = groups[-1] if groups else []
            if last and len(last) < longest and self._follows(last[-1], part):
                last.append(part)
            else:
                groups.append([part])
        return groups

    def _days_at_once(self, table: Derived, days: Iterable[Part], inputs: Mapping[str, int]) -> int:
        """How many days may be computed at once, by the readings of the fullest of the months that they lie in."""
        months = {Part(day.period[: len("2023-01")], day.bucket) for day in days}
        most = 1
        for read in table.reads.values():
            if read.anchored:
                files = self.lake.snapshot(read.table, inputs[read.table]).files
                stored = self._stored(self.catalog[read.table])
                most = max(
                    [most, *(pc.sum(stored.extents_of(files[part])["count"]).as_py() or 0 for part in months if part in files)]
                )
        return max(1, min(LONGEST_GROUP, AT_ONCE * LONGEST_GROUP // most))

    def _follows(self, day: Part, next_day: Part) -> bool:
        return day.bucket == next_day.bucket and self.calendar.bounds(day.period)[1] == self.calendar.bounds(next_day.period)[0]

    def by_method(
        self, table: Derived, group: list[Part], inputs: Mapping[str, int], registers: Mapping[str, Mapping[int, pa.Table]]
    ) -> dict[Part, pa.Table]:
        """The rows of the partitions of a group that have any, by the table's method."""
        with self._two:
            return self._by_method(table, group, inputs, registers)

    def _by_method(
        self, table: Derived, group: list[Part], inputs: Mapping[str, int], registers: Mapping[str, Mapping[int, pa.Table]]
    ) -> dict[Part, pa.Table]:
        spans = tuple(self.calendar.bounds(each.period) for each in group)
        part, start, end = group[0], spans[0][0], spans[-1][1]
        tables = {}
        for name, read in table.reads.items():
            theirs, version = self.catalog[read.table], inputs[read.table]
            columns = read_schema(theirs, read).names
            if name in registers:
                tables[name] = registers[name][part.bucket]
            elif read.anchored:
                margin = micros_of(read.margin)
                snapshot = self.lake.snapshot(theirs.name, version)
                calm = self.calm(read, snapshot, part.bucket, start, end, registers)
                tables[name] = self._stored(theirs).around(snapshot, part.bucket, start, end, margin, columns, calm)
            else:
                parts = self.needed(table, theirs, read, set(group))
                found = self.engine.rows(theirs, version=version, parts=parts, columns=columns)
                tables[name] = self._within(theirs, read, found, start, end)
        rows = table.function(Slot(part, start, end, self.calendar, spans), **tables)
        if rows.num_rows == 0:
            return {}
        if not in_order(rows, table.grain):
            order = [(column, "ascending") for column in table.grain]
            rows = rows.select(table.schema.names).cast(table.schema).sort_by(order)
        return self.split(table, rows) if table.period == "day" else {part: rows}

    def _within(self, theirs: Table, read: Read, rows: pa.Table, start: int, end: int) -> pa.Table:
        if not pa.types.is_timestamp(theirs.schema.field(theirs.time).type):
            return rows
        margin = micros_of(read.margin)
        at = micros(rows.column(theirs.time))
        return rows.filter(pa.array((at >= start - margin) & (at < end + margin)))
