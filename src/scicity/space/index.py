"""The served index of a layer: an SQLite file beside the lake; finds features by place, zoom, time, id and attributes.

It follows the newest version of the layer's table: what differs by digest is written, and nothing else. It can be thrown away.
"""

from __future__ import annotations

import fcntl
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import shapely

from scicity.kernel.engine import Engine
from scicity.kernel.lake import Lake
from scicity.kernel.tables import Layer
from scicity.space import placing
from scicity.space.placing import Placing

FORM = "2"  # of these files; another form is built anew
FOLDER = "map"  # beside the lake
KEPT = (
    *("feature", "name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to"),
    *("restricted_to", "origin", "source", "digest", "details", "geometry"),
)
AT_ONCE = 50_000  # features that are written at a time
SCHEMA = f"""
CREATE TABLE features (fid INTEGER PRIMARY KEY, {", ".join(KEPT)});
CREATE UNIQUE INDEX feature_named ON features (feature);
CREATE INDEX feature_restricted ON features (restricted_to) WHERE restricted_to IS NOT NULL;
CREATE TABLE about (name TEXT PRIMARY KEY, told TEXT);
{placing.SCHEMA}"""


@dataclass(frozen=True)
class Query:
    """What is looked for: a box of degrees (west > east crosses the antimeridian), a stretch of time, ids, a condition in
    SQL with its values over `features` (alias f), the features' first zoom at most, the reader's roles (None: sees all)."""

    bbox: tuple[float, float, float, float] | None = None
    during: tuple[datetime | None, datetime | None] | None = None
    ids: Sequence[str] | None = None
    where: tuple[str, Sequence[Any]] | None = None
    zoom: int | None = None
    seen: frozenset[str] | None = None
    limit: int | None = None
    offset: int = 0


class Index:
    """The index of one layer; a connection per use, any number of readers, one writer at a time."""

    def __init__(self, state: Path, layer: str) -> None:
        self.layer = layer
        self.file = Path(state) / FOLDER / f"{layer}.sqlite"

    # --- reading ---

    @contextmanager
    def connected(self) -> Iterator[sqlite3.Connection]:
        """A connection that only reads."""
        connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        try:
            yield connection
        finally:
            connection.close()

    def find(self, query: Query, columns: Sequence[str] = KEPT) -> list[tuple[Any, ...]]:
        """The features that meet a query, in the order of `fid`: tuples of these columns."""
        text, values = self.text(query)
        chosen = ", ".join(f"f.{column}" for column in columns)
        page = "" if query.limit is None else f" LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        with self.connected() as connection:
            return connection.execute(f"SELECT {chosen} {text} ORDER BY f.fid{page}", values).fetchall()

    def count(self, query: Query) -> int:
        """How many features meet a query, whatever its limit."""
        text, values = self.text(query)
        with self.connected() as connection:
            return int(connection.execute(f"SELECT count(*) {text}", values).fetchone()[0])

    def about(self, name: str) -> str | None:
        """What is noted of the index itself: `form`, `version` of the layer's table, `changes` made so far."""
        if not self.file.exists():
            return None
        with self.connected() as connection:
            found = connection.execute("SELECT told FROM about WHERE name = ?", (name,)).fetchone()
            return str(found[0]) if found else None

    @staticmethod
    def text(query: Query) -> tuple[str, list[Any]]:
        """SQL text from FROM on, and its values: f are the features, p their places where a box or a zoom is asked."""
        values: list[Any] = []
        conditions: list[str] = []
        source = "FROM features f"
        if query.bbox is not None or query.zoom is not None:
            source = "FROM place p JOIN features f USING (fid)"
        if query.bbox is not None:
            west, south, east, north = query.bbox
            across = "(p.maxx >= ? AND p.minx <= ?)" if west <= east else "(p.maxx >= ? OR p.minx <= ?)"
            conditions += [across, "p.maxy >= ?", "p.miny <= ?"]
            values += [west, east, south, north]
        if query.zoom is not None:
            conditions.append("p.minz <= ?")
            values.append(query.zoom)
        if query.ids is not None:
            conditions.append(f"f.feature IN ({', '.join('?' * len(query.ids))})")
            values += query.ids
        if query.during is not None:
            first, last = query.during
            if last is not None:
                conditions.append("(f.valid_from IS NULL OR f.valid_from <= ?)")
                values.append(micros_of(last))
            if first is not None:
                conditions.append("(f.valid_to IS NULL OR f.valid_to > ?)")
                values.append(micros_of(first))
        if query.seen is not None:
            roles = sorted(query.seen)
            conditions.append(
                "(f.restricted_to IS NULL" + "".join(" OR instr(' ' || f.restricted_to || ' ', ?)" for _ in roles) + ")"
            )
            values += [f" {role} " for role in roles]
        if query.where is not None:
            conditions.append(f"({query.where[0]})")
            values += query.where[1]
        return source + (" WHERE " + " AND ".join(conditions) if conditions else ""), values

    # --- following the lake ---

    def follow(self, lake: Lake, engine: Engine, table: Layer) -> int:
        """Brings the index to the newest version of its table; how many features were written or taken away."""
        version = lake.snapshot(table.name).version
        if self.about("form") == FORM and self.about("version") == str(version):
            return 0
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with (self.file.parent / f"{self.layer}.lock").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.about("form") != FORM:
                self._make()
            if self.about("version") == str(version):
                return 0
            with self.writing() as connection:
                changed = self._bring(connection, engine, engine.relation(table, version))
                connection.execute("INSERT OR REPLACE INTO about VALUES ('version', ?)", (str(version),))
            return changed

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that writes."""
        connection = sqlite3.connect(self.file, isolation_level=None, timeout=60)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _make(self) -> None:
        for file in self.file.parent.glob(f"{self.layer}.sqlite*"):
            file.unlink()
        connection = sqlite3.connect(self.file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute("INSERT INTO about VALUES ('form', ?), ('version', '-1'), ('changes', '0')", (FORM,))
        connection.execute("INSERT INTO about VALUES ('noted_since', '0'), ('made', ?)", (f"{time.time_ns():x}",))
        connection.commit()
        connection.close()

    def _bring(self, connection: sqlite3.Connection, engine: Engine, relation: str) -> int:
        """Writes what differs: features that are new or have another digest, and takes away those that are gone."""
        there = _known(connection)
        places = Placing(connection)
        dead: list[int] = []
        new = f"SELECT {', '.join(KEPT)} FROM {relation}"
        if there.num_rows:
            gone = engine.sql(f"SELECT fid FROM there ANTI JOIN {relation} USING (feature, digest)", there=there)
            dead = gone.column("fid").to_pylist()
            new += " ANTI JOIN there USING (feature, digest)"
        places.take_away(dead)
        connection.executemany("DELETE FROM features WHERE fid = ?", ((fid,) for fid in dead))
        written = 0
        for batch in self._streamed(engine, new, there):
            written += self._put(connection, places, pa.table(batch))
        changes = int(connection.execute("SELECT told FROM about WHERE name = 'changes'").fetchone()[0]) + written + len(dead)
        places.settle(changes)
        connection.execute("UPDATE about SET told = ? WHERE name = 'changes'", (str(changes),))
        return written + len(dead)

    @staticmethod
    def _streamed(engine: Engine, text: str, there: pa.Table) -> Iterator[pa.RecordBatch]:
        cursor: duckdb.DuckDBPyConnection = engine.cursor
        cursor.register("there", there)
        try:
            yield from cursor.execute(text).to_arrow_reader(AT_ONCE)
        finally:
            cursor.unregister("there")

    @staticmethod
    def _put(connection: sqlite3.Connection, places: Placing, rows: pa.Table) -> int:
        """Adds features (columns of a layer's table); one of the same name must be gone before."""
        first = connection.execute("SELECT coalesce(max(fid), 0) + 1 FROM features").fetchone()[0]
        fids = np.arange(first, first + rows.num_rows)
        columns = [
            micros_column(rows.column(name)) if name in ("valid_from", "valid_to") else rows.column(name).to_pylist()
            for name in KEPT
        ]
        marks = ", ".join("?" * (len(KEPT) + 1))
        connection.executemany(f"INSERT INTO features VALUES ({marks})", zip(fids.tolist(), *columns, strict=True))
        names, restricted = (rows.column(name).fill_null("").to_numpy() for name in ("feature", "restricted_to"))
        places.add(fids, shapely.from_wkb(rows.column("geometry").to_numpy()), names, restricted)
        return rows.num_rows


def _known(connection: sqlite3.Connection) -> pa.Table:
    """The features that an index has, with their digests."""
    schema = pa.schema([("fid", pa.int64()), ("feature", pa.string()), ("digest", pa.string())])
    cursor, parts = connection.execute("SELECT fid, feature, digest FROM features"), [schema.empty_table()]
    while rows := cursor.fetchmany(AT_ONCE):
        parts.append(pa.table(list(map(pa.array, zip(*rows, strict=True))), schema=schema))
    return pa.concat_tables(parts)


def micros_of(moment: datetime) -> int:
    """An instant as microseconds since 1970, UTC."""
    return round(moment.timestamp() * 1_000_000)


def micros_column(column: pa.ChunkedArray) -> list[int | None]:
    """Instants as microseconds since 1970, UTC; null where there is none."""
    return pa.chunked_array(column).cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
