"""The served index of a layer: an SQLite file beside the lake; finds features by place, zoom, time, id and attributes.

It follows the newest version of the layer's table: what differs by digest is written, and nothing else. It can be thrown away.
"""

from __future__ import annotations

import fcntl
import sqlite3
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

FORM = "1"  # of these files; another form is built anew
FOLDER = "map"  # beside the lake
KEPT = (
    *("feature", "name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to"),
    *("restricted_to", "origin", "source", "digest", "details", "geometry"),
)
AT_ONCE = 50_000  # features that are written at a time
LAST_ZOOM = 32
SCHEMA = f"""
CREATE TABLE features (fid INTEGER PRIMARY KEY, {", ".join(KEPT)});
CREATE UNIQUE INDEX feature_named ON features (feature);
CREATE VIRTUAL TABLE place USING rtree(fid, minx, maxx, miny, maxy, minz, maxz);
CREATE TABLE about (name TEXT PRIMARY KEY, told TEXT);
"""


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
        text, values = self._text(query)
        chosen = ", ".join(f"f.{column}" for column in columns)
        page = "" if query.limit is None else f" LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        with self.connected() as connection:
            return connection.execute(f"SELECT {chosen} {text} ORDER BY f.fid{page}", values).fetchall()

    def count(self, query: Query) -> int:
        """How many features meet a query, whatever its limit."""
        text, values = self._text(query)
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
    def _text(query: Query) -> tuple[str, list[Any]]:
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
        connection.commit()
        connection.close()

    def _bring(self, connection: sqlite3.Connection, engine: Engine, relation: str) -> int:
        """Writes what differs: features that are new or have another digest, and takes away those that are gone."""
        ours = connection.execute("SELECT fid, feature, digest FROM features").fetchall()
        fid, feature, digest = zip(*ours, strict=True) if ours else ((), (), ())
        there = pa.table(
            {
                "fid": pa.array(fid, pa.int64()),
                "feature": pa.array(feature, pa.string()),
                "digest": pa.array(digest, pa.string()),
            }
        )
        gone = engine.sql(f"SELECT fid FROM there ANTI JOIN {relation} USING (feature, digest)", there=there)
        dead = [(n,) for n in gone.column("fid").to_pylist()]
        connection.executemany("DELETE FROM features WHERE fid = ?", dead)
        connection.executemany("DELETE FROM place WHERE fid = ?", dead)
        columns = ", ".join(KEPT)
        new = f"SELECT {columns} FROM {relation} ANTI JOIN there USING (feature, digest)"
        written = 0
        reader = self._streamed(engine, new, there)
        for batch in reader:
            written += self.put(connection, pa.table(batch))
        changes = int(connection.execute("SELECT told FROM about WHERE name = 'changes'").fetchone()[0])
        connection.execute("UPDATE about SET told = ? WHERE name = 'changes'", (str(changes + written + len(dead)),))
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
    def put(connection: sqlite3.Connection, rows: pa.Table) -> int:
        """Adds features (columns of a layer's table); one of the same name must be gone before."""
        first = connection.execute("SELECT coalesce(max(fid), 0) + 1 FROM features").fetchone()[0]
        fids = range(first, first + rows.num_rows)
        bounds = shapely.bounds(shapely.from_wkb(rows.column("geometry").to_numpy()))
        columns = [
            micros_column(rows.column(name)) if name in ("valid_from", "valid_to") else rows.column(name).to_pylist()
            for name in KEPT
        ]
        marks = ", ".join("?" * (len(KEPT) + 1))
        connection.executemany(f"INSERT INTO features VALUES ({marks})", zip(fids, *columns, strict=True))
        placed = np.isfinite(bounds).all(axis=1)
        zooms = np.zeros(rows.num_rows)
        places = zip(
            np.array(fids)[placed].tolist(),
            *(bounds[placed][:, at].tolist() for at in (0, 2, 1, 3)),
            zooms[placed].tolist(),
            [LAST_ZOOM] * int(placed.sum()),
            strict=True,
        )
        connection.executemany("INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?)", places)
        return rows.num_rows


def micros_of(moment: datetime) -> int:
    """An instant as microseconds since 1970, UTC."""
    return round(moment.timestamp() * 1_000_000)


def micros_column(column: pa.ChunkedArray) -> list[int | None]:
    """Instants as microseconds since 1970, UTC; null where there is none."""
    return pa.chunked_array(column).cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
