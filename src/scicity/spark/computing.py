"""Computing on a Spark cluster: the same tables, over the same lake, into the same files.

What is due is found out as ever, beside the lake. An expression table runs as Spark SQL, compiled from its Ibis expression,
over the snapshots' files; the workers sort its rows by partition. A method is mapped over the partitions: each task takes some
that follow each other, and reads what they need of the lake itself. Either way a worker writes a partition as the file that is
named by its content, and hands back its name: no rows pass through the driver. The lake lies in a folder that all machines
see; from an object store the driver fetches what Spark SQL reads, so that all workers have to be on its machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import Computing
from scicity.kernel.engine import compiled, read_schema
from scicity.kernel.lake import PARTITION, Lake, Part
from scicity.kernel.tables import Catalog, Derived, Table
from scicity.stores import Store

TASKS_A_CORE = 4  # of a method, so that a long one at the end keeps few waiting
WRITTEN = "period string, bucket long, path string, size long, modified long, stats string, rows long"
COLUMNS = [column.split()[0] for column in WRITTEN.split(", ")]


@dataclass(frozen=True)
class Written:
    """A partition that a worker has written: the file as the lake's commit adds it, and how many rows it has."""

    action: AddAction
    num_rows: int


class Committing(Lake):
    """A lake that also commits files that workers have written already."""

    def _write(self, table: str, part: Part, rows: Any, schema: pa.Schema, durable: bool = False) -> AddAction:
        return rows.action if isinstance(rows, Written) else super()._write(table, part, rows, schema, durable)


class SparkComputing(Computing):
    """Computes the derived tables of a catalog over a lake by a Spark session. One partition alone (`again`) is done here."""

    def __init__(self, lake: Lake, catalog: Catalog, calendar: Calendar, buckets: int = 1, *, session: Any) -> None:
        super().__init__(Committing(lake.root, lake.store), catalog, calendar, buckets)
        self.session = session
        ibis.pyspark.connect(session)  # compiling for Spark needs the options that this registers

    def results(self, table: Derived, due: Iterable[Part], inputs: Mapping[str, int]) -> dict[Part, Any]:
        """The partitions that have rows, as `Written`."""
        wanted = set(due)
        if not wanted:
            return {}
        find = self._map_method if table.by_partition else self._run_expression
        found = find(table, wanted, inputs)
        return {_part(row): _written(row) for row in found.toArrow().to_pylist()}

    def rows(self, table: Derived, written: Written) -> pa.Table:
        """The rows of a partition that was written."""
        file = pq.ParquetFile(self.lake.store.local(table.name, [written.action.path])[0])
        return file.read().select(table.schema.names).cast(table.schema)

    def _run_expression(self, table: Derived, wanted: set[Part], inputs: Mapping[str, int]) -> Any:
        """A frame of what was written of an expression table."""
        session = self.session.newSession()  # its names are its own: two tables are computed at once
        schemas = {}
        for name, read in table.reads.items():
            theirs = self.catalog[read.table]
            schemas[name] = read_schema(theirs, read)
            snapshot = self.lake.snapshot(theirs.name, inputs[theirs.name])
            files = self.lake.uris(theirs.name, snapshot, self.needed(table, theirs, read, wanted))
            frame_of(session, schemas[name], files).createOrReplaceTempView("read_" + name)
        rows = session.sql(compiled(table, schemas, "pyspark"))
        at_work = Work(self.lake.root, self.lake.store, self.calendar, self.buckets, plain(table))
        placed = rows.mapInArrow(at_work.place, spark_schema(pa.schema([*table.schema, *PARTITION])))
        return placed.groupBy("period", "bucket").applyInArrow(at_work.writer(wanted), WRITTEN)

    def _map_method(self, table: Derived, wanted: set[Part], inputs: Mapping[str, int]) -> Any:
        """A frame of what was written of a table by method."""
        groups = self.grouped(table, wanted, inputs)
        tasks = min(len(groups), TASKS_A_CORE * self.session.sparkContext.defaultParallelism)
        cuts = np.linspace(0, len(groups), tasks + 1).astype(int).tolist()
        stretches = [groups[a:b] for a, b in pairwise(cuts)]
        reads = {read.table: self.catalog[read.table] for read in table.reads.values()}
        at_work = Work(self.lake.root, self.lake.store, self.calendar, self.buckets, table, reads)
        numbers = self.session.range(tasks, numPartitions=tasks)  # one number a task
        return numbers.mapInArrow(at_work.mapper(stretches, dict(inputs)), WRITTEN)


@dataclass(frozen=True)
class Work:
    """What a worker needs to know: where the lake is, the calendar, and the table with those that it reads."""

    root: Path
    store: Store
    calendar: Calendar
    buckets: int
    table: Table
    reads: Mapping[str, Table] | None = None

    def computing(self) -> Computing:
        """The kernel's computing beside this worker."""
        found = Computing(Lake(self.root, self.store), Catalog([]), self.calendar, self.buckets)
        found.catalog.tables |= self.reads or {}
        return found

    def place(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows with the partition that each belongs to."""
        computing = self.computing()
        for batch in batches:
            rows = pa.Table.from_batches([batch]).select(self.table.schema.names).cast(self.table.schema)
            for part, found in computing.split(self.table, rows).items():
                named = found.append_column("period", pa.repeat(part.period, len(found)))
                yield from named.append_column("bucket", pa.repeat(part.bucket, len(found))).to_batches()

    def writer(self, wanted: set[Part]) -> Any:
        """What writes the rows of one partition, if it is wanted."""

        def write(key: tuple[pa.Scalar, ...], rows: pa.Table) -> pa.Table:
            part = Part(key[0].as_py(), key[1].as_py())
            rows = rows.select(self.table.schema.names).cast(self.table.schema)
            rows = rows.sort_by([(column, "ascending") for column in self.table.grain])
            return _told([self._write(Lake(self.root, self.store), part, rows)] if part in wanted else [])

        return write

    def mapper(self, stretches: list[list[list[Part]]], inputs: dict[str, int]) -> Any:
        """What computes and writes the partitions of those stretches (of groups) of which it gets the numbers."""

        def compute(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            computing, registers = self.computing(), None
            for number in (number for batch in batches for number in batch.column(0).to_pylist()):
                registers = registers or computing.registers(self.table, inputs)
                for group in stretches[number]:
                    for part, rows in computing.by_method(self.table, group, inputs, registers).items():
                        yield from _told([self._write(computing.lake, part, rows)]).to_batches()

        return compute

    def _write(self, lake: Lake, part: Part, rows: pa.Table) -> tuple[Any, ...]:
        action = lake._write(self.table.name, part, rows, self.table.schema)
        return (*part, action.path, action.size, action.modification_time, action.stats, rows.num_rows)


def frame_of(session: Any, schema: pa.Schema, files: list[str]) -> Any:
    """A Spark frame of a table's columns over files of the lake."""
    wanted = spark_schema(schema)
    return session.read.schema(wanted).parquet(*files) if files else session.createDataFrame([], wanted)


def spark_schema(schema: pa.Schema) -> Any:
    """A schema in Spark's types."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)


def plain(table: Table) -> Table:
    """The declaration of a table without its function."""
    return Table(name=table.name, columns=table.columns, grain=table.grain, period=table.period, time=table.time, key=table.key)


def _told(rows: list[tuple[Any, ...]]) -> pa.Table:
    types = (pa.string(), pa.int64(), pa.string(), pa.int64(), pa.int64(), pa.string(), pa.int64())
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
    return pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows], schema=schema)


def _part(row: Mapping[str, Any]) -> Part:
    return Part(row["period"], row["bucket"])


def _written(row: Mapping[str, Any]) -> Written:
    values = {"period": row["period"], "bucket": str(row["bucket"])}
    return Written(AddAction(row["path"], row["size"], values, row["modified"], True, row["stats"]), row["rows"])
