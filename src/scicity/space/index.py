"""The served index of a layer: an SQLite file beside the lake; finds features by place, zoom, time, id and attributes.

It follows the newest version of the layer's table: what differs by digest is written, and nothing else. It can be thrown away.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.kernel.engine import Engine
from scicity.kernel.lake import Lake
from scicity.kernel.tables import Layer
from scicity.space import geojson, placing
from scicity.space.filters import FUNCTIONS
from scicity.space.placing import Placing
from scicity.space.served import served

FORM = "6"  # of these files; another form is built anew
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
CREATE TABLE texts (fid INTEGER PRIMARY KEY, told TEXT);
CREATE TABLE pending (feature TEXT PRIMARY KEY, digest TEXT, at REAL);
CREATE TABLE attributes (name TEXT, kind TEXT, open INTEGER, features INTEGER, PRIMARY KEY (name, kind, open));
{placing.SCHEMA}"""
PENDING = 86_400.0  # [s] after which an edit that never came to the lake is given up
MOST_KEPT = 16  # connections that a thread keeps open
PATIENCE = 10.0  # [s] that one question may take
MOST_TOLD = 300_000  # features of a layer whose GeoJSON is kept as it is told
MOST_QUICK = 12  # attributes of a layer that are sorted, to be found at once
STEPS = 20_000  # of SQLite, between two looks at the clock
CHANGES = "SELECT told FROM about WHERE name = 'changes'"
_kept = threading.local()


class TooSlow(Exception):  # noqa: N818  (reads as what happened)
    """A question that would take longer than is allowed."""


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
    def connected(self, patience: float = PATIENCE) -> Iterator[sqlite3.Connection]:
        """A connection that only reads, kept by the thread for the next time. Raises TooSlow behind `patience` [s]."""
        connection = self._connection()
        until = time.monotonic() + patience
        connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        try:
            yield connection
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise TooSlow(f"longer than {patience:.0f} s") from None
            raise
        finally:
            connection.set_progress_handler(None, 0)
            if connection.in_transaction:
                connection.rollback()

    def _connection(self) -> sqlite3.Connection:
        kept: dict[Path, tuple[tuple[int, int], sqlite3.Connection]] = _kept.__dict__.setdefault("connections", {})
        about = os.stat(self.file)  # noqa: PTH116  (an index that was built anew is another file)
        place = (about.st_dev, about.st_ino)
        found = kept.get(self.file)
        if found is None or found[0] != place:
            if found is not None:
                found[1].close()
            while len(kept) >= MOST_KEPT:
                kept.pop(next(iter(kept)))[1].close()
            connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, cached_statements=64)
            _with_functions(connection)
            found = kept[self.file] = (place, connection)
        return found[1]

    def find(self, query: Query, columns: Sequence[str] = KEPT) -> list[tuple[Any, ...]]:
        """The features that meet a query, in the order of `fid`: tuples of these columns."""
        text, values = self.text(query)
        chosen = ", ".join(f"f.{column}" for column in columns)
        page = "" if query.limit is None else f" LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        with self.connected() as connection:
            return connection.execute(f"SELECT {chosen} {text} ORDER BY f.fid{page}", values).fetchall()

    def told(self, query: Query) -> list[tuple[int, str | None]]:
        """The features that meet a query, in the order of `fid`: their number and their GeoJSON in CRS84, where it is kept."""
        text, values = self.text(query)
        page = "" if query.limit is None else f" LIMIT {int(query.limit)} OFFSET {int(query.offset)}"
        chosen = f"f.fid, (SELECT told FROM texts t WHERE t.fid = f.fid) {text}"
        with self.connected() as connection:
            return connection.execute(f"SELECT {chosen} ORDER BY f.fid{page}", values).fetchall()

    def pages(self, query: Query, columns: Sequence[str] = KEPT, at_once: int = 5_000) -> Iterator[list[tuple[Any, ...]]]:
        """All features that meet a query, some thousand at a time, as they are at one moment."""
        text, values = self.text(query)
        chosen = ", ".join(f"f.{column}" for column in columns)
        connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, check_same_thread=False)
        try:
            _with_functions(connection)
            cursor = connection.execute(f"SELECT {chosen} {text} ORDER BY f.fid", values)
            while rows := cursor.fetchmany(at_once):
                yield rows
        finally:
            connection.close()

    def count(self, query: Query, most: int | None = None) -> int:
        """How many features meet a query, whatever its limit; counted up to `most`."""
        text, values = self.text(query)
        asked = f"SELECT count(*) {text}" if most is None else f"SELECT count(*) FROM (SELECT 1 {text} LIMIT {int(most)})"
        with self.connected() as connection:
            return int(connection.execute(asked, values).fetchone()[0])

    def restricts(self) -> bool:
        """Whether any feature is restricted to some roles."""
        with self.connected() as connection:
            return connection.execute("SELECT 1 FROM features WHERE restricted_to IS NOT NULL LIMIT 1").fetchone() is not None

    def extent(self, seen: frozenset[str] | None = None) -> tuple[float, float, float, float] | None:
        """West, south, east, north of all features that may be seen; None where there are none."""
        text, values = "FROM place p", list[Any]()
        if seen is not None and self.restricts():
            text, values = self.text(Query(seen=seen))
            text = text.replace("FROM features f", "FROM place p JOIN features f USING (fid)")
        with self.connected() as connection:
            found = connection.execute(f"SELECT min(p.minx), min(p.miny), max(p.maxx), max(p.maxy) {text}", values).fetchone()
        return None if found[0] is None else tuple(map(float, found))  # type: ignore[return-value]

    def period(self, seen: frozenset[str] | None = None) -> tuple[int | None, int | None]:
        """From when on and until when there are features that may be seen [µs]; None is without an end."""
        text, values = self.text(Query(seen=seen))
        first = "CASE WHEN count(*) = count(f.valid_from) THEN min(f.valid_from) END"
        last = "CASE WHEN count(*) = count(f.valid_to) THEN max(f.valid_to) END"
        with self.connected() as connection:
            found = connection.execute(f"SELECT {first}, {last} {text}", values).fetchone()
        return found[0], found[1]

    def attributes(self, *, whole: bool) -> dict[str, str]:
        """The attributes of `details` and their kinds (text, number, bool, mixed, json); `whole`: of restricted rows too."""
        with self.connected() as connection:
            text = "SELECT name, kind FROM attributes WHERE features > 0 AND open >= ? ORDER BY name"
            rows = connection.execute(text, (0 if whole else 1,))
            found: dict[str, str] = {}
            for name, kind in rows:
                found[name] = kind if found.get(name, kind) == kind else "mixed"
        return found

    def changes(self) -> str:
        """Tells a state of the index from any other."""
        with self.connected() as connection:
            told = connection.execute("SELECT told FROM about WHERE name IN ('version', 'changes') ORDER BY name").fetchall()
        return "-".join(row[0] for row in told)

    def about(self, name: str) -> str | None:
        """What is noted of the index itself: `form`, `version` of the layer's table, `changes` made so far."""
        try:
            with self.connected() as connection:
                found = connection.execute("SELECT told FROM about WHERE name = ?", (name,)).fetchone()
        except (FileNotFoundError, sqlite3.OperationalError):  # none, or one that is being made
            return None
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
        _with_functions(connection)
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
        edited = self._pending(connection, engine, relation)
        new = f"SELECT {', '.join(KEPT)} FROM {relation}"
        if there.num_rows:
            others = "feature NOT IN (SELECT feature FROM edited)"
            text = f"SELECT fid FROM there ANTI JOIN {relation} USING (feature, digest) WHERE {others}"
            dead = engine.sql(text, there=there, edited=edited).column("fid").to_pylist()
            new += f" ANTI JOIN there USING (feature, digest) WHERE {others}"
        _tally(connection, dead, -1)
        places.take_away(dead)
        for name in ("features", "texts"):
            connection.executemany(f"DELETE FROM {name} WHERE fid = ?", ((fid,) for fid in dead))
        written = 0
        for rows in engine.streamed(new, AT_ONCE, there=there, edited=edited):
            written += self._put(connection, places, rows)
        changes = int(connection.execute(CHANGES).fetchone()[0]) + written + len(dead)
        places.settle(changes)
        connection.execute("UPDATE about SET told = ? WHERE name = 'changes'", (str(changes),))
        return written + len(dead)

    @staticmethod
    def _pending(connection: sqlite3.Connection, engine: Engine, relation: str) -> pa.Table:
        """The features that people edited and that the lake does not have so yet; the others are noted no longer."""
        rows = connection.execute("SELECT feature, digest FROM pending WHERE at > ?", (time.time() - PENDING,)).fetchall()
        names, digests = zip(*rows, strict=True) if rows else ((), ())
        edited = pa.table({"feature": pa.array(names, pa.string()), "digest": pa.array(digests, pa.string())})
        if rows:
            edited = engine.sql(
                f"""SELECT e.feature, e.digest FROM edited e LEFT JOIN {relation} l ON l.feature = e.feature
                WHERE coalesce(l.digest, '') <> e.digest""",
                edited=edited,
            )
        connection.execute("CREATE TEMP TABLE waiting (feature TEXT PRIMARY KEY)")
        connection.executemany("INSERT INTO waiting VALUES (?)", ((name,) for name in edited.column("feature").to_pylist()))
        connection.execute("DELETE FROM pending WHERE feature NOT IN (SELECT feature FROM waiting)")
        return edited

    # --- edits of people ---

    def edit(self, newest: Callable[[], tuple[pa.Table, Sequence[str]]]) -> None:
        """Shows what people edited before the lake has it: features as they are now (columns of a layer's table), and the names
        of features that are no more, asked for when nobody else writes. Following the lake leaves them so until it has them."""
        with self.writing() as connection:
            self._edit(connection, *newest())

    def _edit(self, connection: sqlite3.Connection, rows: pa.Table, gone: Sequence[str]) -> None:
        names = [*rows.column("feature").to_pylist(), *gone]
        digests = [*rows.column("digest").to_pylist(), *("" for _ in gone)]
        marks = ", ".join("?" * len(names))
        known = dict(connection.execute(f"SELECT feature, fid FROM features WHERE feature IN ({marks})", names).fetchall())
        places, changes = Placing(connection), int(connection.execute(CHANGES).fetchone()[0]) + len(names)
        _tally(connection, known.values(), -1)
        places.take_away(list(known.values()))
        for name in ("features", "texts"):
            connection.executemany(f"DELETE FROM {name} WHERE fid = ?", [(fid,) for fid in known.values()])
        if rows.num_rows:
            self._put(connection, places, rows, [known.get(name) for name in rows.column("feature").to_pylist()])
        places.settle(changes)
        noted = [(name, digest, time.time()) for name, digest in zip(names, digests, strict=True)]
        connection.executemany("INSERT OR REPLACE INTO pending VALUES (?, ?, ?)", noted)
        connection.execute("UPDATE about SET told = ? WHERE name = 'changes'", (str(changes),))

    def quicken(self, sql: str) -> bool:
        """Sorts the features by an expression over `features f`, so that its values are found at once; whether that was new.
        Not more than some for each layer."""
        own = re.sub(r"^(json_extract\()?f\.", r"\1", sql)
        name = "quick_" + hashlib.sha256(sql.encode()).hexdigest()[:16]
        with self.writing() as connection:
            there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'quick_%'")}
            if name in there or len(there) >= MOST_QUICK:
                return False
            connection.execute(f"CREATE INDEX {name} ON features ({own}, restricted_to)")
            connection.execute("ANALYZE features")
        return True

    @staticmethod
    def _put(connection: sqlite3.Connection, places: Placing, rows: pa.Table, known: Sequence[int | None] = ()) -> int:
        """Adds features (columns of a layer's table), at the numbers of `known`; one of the same name must be gone before."""
        first = connection.execute("SELECT coalesce(max(fid), 0) + 1 FROM features").fetchone()[0]
        fids = np.arange(first, first + rows.num_rows)
        if known:
            fids = np.array([new if old is None else old for old, new in zip(known, fids.tolist(), strict=True)])
        columns = [
            micros_column(rows.column(name)) if name in ("valid_from", "valid_to") else rows.column(name).to_pylist()
            for name in KEPT
        ]
        marks = ", ".join("?" * (len(KEPT) + 1))
        connection.executemany(f"INSERT INTO features VALUES ({marks})", zip(fids.tolist(), *columns, strict=True))
        own = dict(zip(KEPT, columns, strict=True))
        told = list(zip(*(own[name] for name in geojson.COLUMNS), strict=True))[: max(0, MOST_TOLD + 1 - int(first))]
        texts = (text.decode() for text in geojson.texts(told, served()[0]))
        connection.executemany("INSERT INTO texts VALUES (?, ?)", zip(fids.tolist(), texts, strict=False))
        names, restricted = (rows.column(name).fill_null("").to_numpy() for name in ("feature", "restricted_to"))
        during = np.array(own["valid_from"], float), np.array(own["valid_to"], float)
        places.add(fids, shapely.from_wkb(rows.column("geometry").to_numpy()), names, restricted, during)
        _tally(connection, fids.tolist(), 1)
        return rows.num_rows


def _tally(connection: sqlite3.Connection, fids: Iterable[int], sign: int) -> None:
    """Counts the attributes of features that came (1) or that are about to go (-1): of these alone, not of the whole layer."""
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS tallied (fid INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM tallied")
    connection.executemany("INSERT INTO tallied VALUES (?)", ((fid,) for fid in fids))
    connection.execute(
        """INSERT INTO attributes SELECT e.key,
        CASE e.type WHEN 'integer' THEN 'number' WHEN 'real' THEN 'number' WHEN 'true' THEN 'bool' WHEN 'false' THEN 'bool'
        WHEN 'text' THEN 'text' ELSE 'json' END, f.restricted_to IS NULL, ? * count(*)
        FROM tallied JOIN features f USING (fid), json_each(f.details) e WHERE e.type <> 'null' GROUP BY 1, 2, 3
        ON CONFLICT DO UPDATE SET features = features + excluded.features""",
        (sign,),
    )


def _known(connection: sqlite3.Connection) -> pa.Table:
    """The features that an index has, with their digests."""
    schema = pa.schema([("fid", pa.int64()), ("feature", pa.string()), ("digest", pa.string())])
    cursor, parts = connection.execute("SELECT fid, feature, digest FROM features"), [schema.empty_table()]
    while rows := cursor.fetchmany(AT_ONCE):
        parts.append(pa.table(list(map(pa.array, zip(*rows, strict=True))), schema=schema))
    return pa.concat_tables(parts)


def _with_functions(connection: sqlite3.Connection) -> None:
    """Lets a connection call what filters call."""
    for name, count, function in FUNCTIONS:
        connection.create_function(name, count, function, deterministic=True)


def micros_of(moment: datetime) -> int:
    """An instant as microseconds since 1970, UTC."""
    return round(moment.timestamp() * 1_000_000)


def micros_column(column: pa.ChunkedArray) -> list[int | None]:
    """Instants as microseconds since 1970, UTC; null where there is none."""
    return pa.chunked_array(column).cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
