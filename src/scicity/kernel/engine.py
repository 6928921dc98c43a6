"""DuckDB over the lake's files: runs the Ibis expressions of the tables, and answers questions about rows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
import pyarrow as pa

from scicity.kernel.lake import Lake, Part
from scicity.kernel.tables import Derived, Read, Table

SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.binary(): "BLOB",
}

# The cache of files would grow to most of the machine's memory in a process that reads for days; the system keeps them anyway.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "autoinstall_known_extensions": False,
    "enable_external_file_cache": False,
}


# What a function was compiled to, by dialect, declaration and the columns read: engines of one process compile it once.
_TEXTS: WeakKeyDictionary[Any, dict[Any, str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Between:
    """A condition: from `first` to `last`, both included."""

    first: Any
    last: Any


class Engine:
    """One embedded database without data of its own; a cursor per thread. Compiled expressions are kept."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._database = duckdb.connect(config=CONFIG)
        self._local = threading.local()
        self._compiled: dict[str, str] = {}

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's connection."""
        if not hasattr(self._local, "cursor"):
            self._local.cursor = self._database.cursor()
            self._local.cursor.execute("SET TimeZone = 'UTC'")
        cursor: duckdb.DuckDBPyConnection = self._local.cursor
        return cursor

    def sql(self, text: str, values: Sequence[Any] | Mapping[str, Any] = (), **tables: pa.Table) -> pa.Table:
        """The result of a query as Arrow; `tables` are Arrow tables that it names."""
        cursor = self.cursor
        for name, table in tables.items():
            cursor.register(name, table)
        try:
            return cursor.execute(text, values or None).to_arrow_table()
        finally:
            for name in tables:
                cursor.unregister(name)

    def streamed(self, text: str, at_once: int, **tables: pa.Table) -> Iterator[pa.Table]:
        """The result of a query, so many rows at a time; this thread asks nothing else before it has taken all."""
        cursor = self.cursor
        for name, table in tables.items():
            cursor.register(name, table)
        try:
            for batch in cursor.execute(text).to_arrow_reader(at_once):
                yield pa.table(batch)
        finally:
            for name in tables:
                cursor.unregister(name)

    def relation(
        self, table: Table, version: int | None = None, parts: Iterable[Part] | None = None, columns: Sequence[str] = ()
    ) -> str:
        """SQL text that yields a table's rows at a version (newest, if None) of some partitions (all, if None)."""
        fields = [table.schema.field(name) for name in columns] if columns else list(table.schema)
        uris = self.lake.uris(table.name, self.lake.snapshot(table.name, version), parts)
        if not uris:
            nulls = ", ".join(f"NULL::{sql_type(field.type)} AS {quoted(field.name)}" for field in fields)
            return f"(SELECT {nulls} WHERE false)"
        names = ", ".join(quoted(field.name) for field in fields)
        files = ", ".join("'" + uri.replace("'", "''") + "'" for uri in uris)
        return f"(SELECT {names} FROM read_parquet([{files}], hive_partitioning=false))"

    def rows(
        self,
        table: Table,
        where: str = "true",
        values: Sequence[Any] = (),
        *,
        version: int | None = None,
        parts: Iterable[Part] | None = None,
        columns: Sequence[str] = (),
        order: str = "",
    ) -> pa.Table:
        """Rows of a table that meet a condition (SQL text of our own, values bound)."""
        text = f"SELECT * FROM {self.relation(table, version, parts, columns)} WHERE {where}"
        return self.sql(text + (f" ORDER BY {order}" if order else ""), values)

    def evaluate(self, table: Derived, relations: Mapping[str, str], schemas: Mapping[str, pa.Schema]) -> pa.Table:
        """Runs an expression table over relations (SQL text by the name of the read); rows in the order of the grain."""
        text = self._text_of(table, schemas)
        head = ", ".join(f"{quoted('read_' + name)} AS NOT MATERIALIZED {relation}" for name, relation in relations.items())
        order = ", ".join(quoted(column) for column in table.grain)
        query = f"WITH {head} SELECT * FROM ({text}) ORDER BY {order}"
        return self.sql(query).cast(table.schema)

    def _text_of(self, table: Derived, schemas: Mapping[str, pa.Schema]) -> str:
        """The compiled text of a table, kept beside the lake by the digest of its code: compiling costs more than running."""
        if table.name not in self._compiled:
            kept = self.lake.root / "_compiled" / f"{table.name}-{table.code}.sql"
            try:
                text = kept.read_text(encoding="utf-8")
            except FileNotFoundError:
                text = compiled(table, schemas)
                kept.parent.mkdir(parents=True, exist_ok=True)
                passing = kept.with_suffix(f".{os.getpid()}.tmp")
                passing.write_text(text, encoding="utf-8")
                passing.replace(kept)
            self._compiled[table.name] = text
        return self._compiled[table.name]


def compiled(table: Derived, schemas: Mapping[str, pa.Schema], dialect: str = "duckdb") -> str:
    """The SQL text of an expression table for an engine that Ibis knows, its columns cast to their declared types."""
    texts = _TEXTS.setdefault(table.function, {})
    asked = (dialect, table.name, table.schema.to_string(), *((name, read.to_string()) for name, read in schemas.items()))
    if asked not in texts:
        texts[asked] = _compiled(table, schemas, dialect)
    return texts[asked]


def _compiled(table: Derived, schemas: Mapping[str, pa.Schema], dialect: str) -> str:
    import ibis  # here: what answers of the lake alone begins without it

    unbound = {name: ibis.table(ibis.Schema.from_pyarrow(schema), name="read_" + name) for name, schema in schemas.items()}
    result = table.function(**unbound)
    missing = [name for name in table.columns if name not in result.columns]
    if missing:
        raise ValueError(f"{table.name} does not yield {', '.join(missing)}")
    types = ibis.Schema.from_pyarrow(table.schema)
    cast = result.select(**{name: result[name].cast(types[name]) for name in table.columns})
    return str(ibis.to_sql(cast, dialect=dialect))


def read_schema(table: Table, read: Read) -> pa.Schema:
    """The columns of a table that a read sees."""
    return pa.schema([table.schema.field(name) for name in read.columns]) if read.columns else table.schema


def sql_type(kind: pa.DataType) -> str:
    """The name of an Arrow type in DuckDB."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    return SQL_TYPES[kind]


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def condition(where: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """SQL text and bound values for a `where` of `Figures.rows`."""
    parts, values = [], []
    for column, wanted in where.items():
        if isinstance(wanted, Between):
            parts.append(f"{quoted(column)} BETWEEN ? AND ?")
            values += [wanted.first, wanted.last]
        elif isinstance(wanted, (list, tuple, set, frozenset)):
            parts.append(f"{quoted(column)} IN ({', '.join('?' * len(wanted))})" if wanted else "false")
            values += list(wanted)
        else:
            parts.append(f"{quoted(column)} IS NOT DISTINCT FROM ?")
            values.append(wanted)
    return " AND ".join(parts) or "true", values
