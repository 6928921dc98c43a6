"""The tiles of a layer, made of its served index and kept beside it until something in them changes.

A tile that was made is kept with the state of the index that it was made of. The index notes where it changed (`changed`), and
before a tile is taken from what is kept, tiles that something changed in are dropped, and no others: so that whatever process
changes the index, no tile of before is served behind it.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import shapely

from scicity.space.index import Index, Query
from scicity.space.mvt import BUFFER, EXTENT, Tile, encode, world
from scicity.space.placing import changed_since

log = logging.getLogger(__name__)
LAST = 18  # the last zoom that tiles are made of: beyond it a map draws these larger
MAPPED = 256 << 20  # bytes of an index that are read as memory
LARGEST = 256 << 20  # bytes of the tiles that are kept of a layer
AT_ONCE = 1_000  # tiles that go where all are too many
FORM = "1"  # of what is kept; of another form it is dropped
ALL = "*"  # what somebody sees who sees all
SCHEMA = """
CREATE TABLE tiles (z INTEGER, x INTEGER, y INTEGER, rights TEXT, language TEXT, etag TEXT, body BLOB,
                    PRIMARY KEY (z, x, y, rights, language));
CREATE TABLE about (name TEXT PRIMARY KEY, told TEXT);
"""
KEPT = "SELECT body, etag FROM tiles WHERE (z, x, y, rights, language) = (?, ?, ?, ?, ?)"
NAMES = {"zh": ("name_zh", "name_en"), "en": ("name_en", "name_zh")}
COLUMNS = ("feature", "name", "feature_class", "stratum", "elevation", "height", "depth", "from", "to", "origin")
AREAS = "x'03', x'06', x'eb', x'ee'"  # the second byte of a polygon's WKB


@dataclass(frozen=True)
class Made:
    """A tile as it is sent, compressed by gzip; `body` is empty where nothing is drawn."""

    body: bytes
    etag: str
    kept: bool = False


EMPTY = Made(b"", "empty")


def compressed(raw: bytes) -> Made:
    """A tile as it is sent."""
    if not raw:
        return EMPTY
    compress = zlib.compressobj(1, wbits=31)
    return Made(compress.compress(raw) + compress.flush(), hashlib.sha256(raw).hexdigest()[:24])


class Tiles:
    """The tiles of one layer. `zone` is the district's, in whose days validity is told."""

    def __init__(self, index: Index, zone: ZoneInfo) -> None:
        self.index, self.zone = index, zone
        self.file = index.file.with_name(f"{index.layer}.tiles.sqlite")

    def tile(self, tile: Tile, language: str, seen: frozenset[str] | None) -> Made:
        """The tile as a reader with these roles sees it (None: sees all), from what is kept or made and kept."""
        if not self.index.file.exists():
            return EMPTY
        with self.index.connected() as connection:
            connection.execute(f"PRAGMA mmap_size = {MAPPED}")
            connection.execute("BEGIN")  # what is read is one state, up to the end of the block
            return self._found(connection, tile, language, seen)

    def _found(self, connection: sqlite3.Connection, tile: Tile, language: str, seen: frozenset[str] | None) -> Made:
        state, rights = _state(connection), _rights(connection, seen)
        if not _anything(connection, tile):
            return EMPTY
        key = (tile.z, tile.x, tile.y, rights, language)
        try:
            with self._kept() as kept:
                if self._follow(kept, connection, state):
                    found = kept.execute(KEPT, key).fetchone()
                    if found:
                        return Made(found[0], found[1], kept=True)
                made = compressed(self.raw(connection, tile, language, seen))
                _keep(kept, state, key, made)
                return made
        except sqlite3.DatabaseError as error:  # a full disk, a torn file: what is kept can be made again
            log.warning("%s: %s", self.file, error)
        return compressed(self.raw(connection, tile, language, seen))

    def raw(self, connection: sqlite3.Connection, tile: Tile, language: str, seen: frozenset[str] | None) -> bytes:
        """The tile from the index, as it is before compression."""
        first, second = NAMES[language]
        west, south, east, north = tile.bounds()
        pixel = 360 / 2**tile.z / 512
        text, values = Index.text(Query(bbox=(west, south, east, north), zoom=tile.z, seen=seen))
        rows = connection.execute(
            f"SELECT f.feature, coalesce(f.{first}, f.{second}), f.feature_class, f.stratum, f.elevation, f.height, f.depth, "
            "f.valid_from, f.valid_to, f.origin, p.minx, p.miny, p.maxx, p.maxy, "
            f"CASE WHEN p.maxx - p.minx < ? AND p.maxy - p.miny < ? AND substr(f.geometry, 2, 1) IN ({AREAS}) "
            f"THEN NULL ELSE f.geometry END {text}",
            (pixel, pixel * np.cos(np.radians((south + north) / 2)), *values),
        ).fetchall()
        if not rows:
            return b""
        rows.sort(key=itemgetter(0))  # whatever was before, the tile is the same
        told = list(zip(*rows, strict=True))
        texts = (0, 1, 2, 3, 9)
        columns = {
            name: pa.array(told[at], pa.string() if at in texts else pa.float64())
            for at, name in enumerate(COLUMNS)
            if name not in ("from", "to")
        }
        columns["from"], columns["to"] = self._days(told[7]), self._days(told[8])
        geometries = shapely.from_wkb(np.array(told[14], dtype=object))
        return encode(self.index.layer, tile, geometries, columns, np.array(told[10:14]).T)

    def _days(self, instants: tuple[int | None, ...]) -> pa.Array:
        """Instants [µs UTC] as days of the district, such as 20260101."""
        column = pa.array(instants, pa.int64()).dictionary_encode()
        days = [self._day(moment) for moment in column.dictionary.to_pylist()]
        return pa.array(days, pa.int64()).take(column.indices)

    def _day(self, moment: int) -> int:
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)).astimezone(self.zone)
        return day.year * 10_000 + day.month * 100 + day.day

    # --- what is kept ---

    @contextmanager
    def _kept(self) -> Iterator[sqlite3.Connection]:
        new = not self.file.exists()
        connection = sqlite3.connect(self.file, isolation_level=None, timeout=10)
        try:
            if new:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript("BEGIN IMMEDIATE;" + SCHEMA.replace("TABLE", "TABLE IF NOT EXISTS") + "COMMIT;")
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        finally:
            connection.close()

    def _follow(self, kept: sqlite3.Connection, connection: sqlite3.Connection, state: str) -> bool:
        """Drops what changed since the state that the kept tiles are of; False where that is later than the one read."""
        told = _told(kept)
        if told == state:
            return True
        made, changes = state.split(" ")
        kept.execute("BEGIN IMMEDIATE")
        try:
            told = _told(kept)
            known, at = (told or "- 0").split(" ")
            if known == made and int(at) > int(changes):
                return False
            if known != made or not _drop(kept, connection, int(at)):
                kept.execute("DELETE FROM tiles")
            kept.execute("INSERT OR REPLACE INTO about VALUES ('state', ?)", (state,))
            return True
        finally:
            kept.execute("COMMIT")


def _told(kept: sqlite3.Connection) -> str | None:
    found = kept.execute("SELECT told FROM about WHERE name = 'state'").fetchone()
    return str(found[0]) if found else None


def _state(connection: sqlite3.Connection) -> str:
    """The state of an index: when it was made, and how often it was changed since."""
    told = dict(connection.execute("SELECT name, told FROM about WHERE name IN ('made', 'changes')").fetchall())
    return f"{FORM}-{told['made']} {told['changes']}"


def _rights(connection: sqlite3.Connection, seen: frozenset[str] | None) -> str:
    """What tells readers of a layer apart: their roles, as far as any of its features is restricted to them."""
    told = connection.execute("SELECT DISTINCT restricted_to FROM features WHERE restricted_to IS NOT NULL").fetchall()
    if not told:
        return ""
    return ALL if seen is None else " ".join(sorted(seen & {role for (roles,) in told for role in roles.split()}))


def _anything(connection: sqlite3.Connection, tile: Tile) -> bool:
    text, values = Index.text(Query(bbox=tile.bounds(), zoom=tile.z))
    return connection.execute(f"SELECT EXISTS (SELECT 1 {text})", values).fetchone()[0] == 1


def _keep(kept: sqlite3.Connection, state: str, key: tuple[object, ...], made: Made) -> None:
    """Keeps a tile, if what is kept is still of the state that it was made of; where all are too many, the oldest go."""
    kept.execute("BEGIN IMMEDIATE")
    try:
        if _told(kept) == state:
            kept.execute("INSERT OR REPLACE INTO tiles VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, made.etag, made.body))
            pages, free, size = (
                kept.execute(f"PRAGMA {of}").fetchone()[0] for of in ("page_count", "freelist_count", "page_size")
            )
            if (pages - free) * size > LARGEST:
                kept.execute("DELETE FROM tiles WHERE rowid IN (SELECT rowid FROM tiles ORDER BY rowid LIMIT ?)", (AT_ONCE,))
    finally:
        kept.execute("COMMIT")


def _drop(kept: sqlite3.Connection, connection: sqlite3.Connection, behind: int) -> bool:
    """Drops the tiles that changed places lie in; False where these are not known any more, or are too many."""
    told = changed_since(connection, behind)
    if told is None:
        return False
    low, high = world(told[:, [0, 3]]), world(told[:, [2, 1]])
    for z in range(LAST + 1):
        mine = (told[:, 4] <= z) & (z <= told[:, 5])
        margin = BUFFER / EXTENT / 2**z
        cells = np.floor(np.hstack([low[mine] - margin, high[mine] + margin]) * 2**z).astype(int)
        kept.executemany(
            "DELETE FROM tiles WHERE z = ? AND x BETWEEN ? AND ? AND y BETWEEN ? AND ?",
            [(z, *cell) for cell in np.unique(cells[:, [0, 2, 1, 3]], axis=0).tolist()],
        )
    return True
