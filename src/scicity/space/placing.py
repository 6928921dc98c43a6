"""Where the features of an index are, from which zoom each is drawn, and which places changed at which of its states.

The R-tree `place` has the first zoom as its third dimension. `thinned` holds what decides of it, so that after a change the
zooms are those of an index made anew. `changed` tells whoever keeps what was made of an index (tiles) what of it is no more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import shapely

from scicity.space.thinning import ALL, NEVER, Marks, alone, drawn_from, marks

LAST_ZOOM = 32
FEW = 1_000  # features of one change; more are thinned with all the others, and all is taken to have changed
MOST_KEPT = 50_000  # places that are noted at all
AT_ONCE = 50_000  # rows that are read or written at a time
SCHEMA = """
CREATE VIRTUAL TABLE place USING rtree(fid, minx, maxx, miny, maxy, minz, maxz);
CREATE TABLE thinned (
    fid INTEGER PRIMARY KEY, cell INTEGER, weight REAL, tie INTEGER, apart INTEGER, begins INTEGER, ends INTEGER, alone INTEGER
);
CREATE INDEX thinned_cell ON thinned (apart, alone, cell);
CREATE TABLE changed (at INTEGER, west REAL, south REAL, east REAL, north REAL, since INTEGER, until INTEGER);
CREATE INDEX changed_at ON changed (at);
"""
FIRST = (
    "SELECT fid, alone, begins, ends FROM thinned WHERE apart = ? AND alone IN ({}) AND cell BETWEEN ? AND ? "
    "ORDER BY weight DESC, tie"
)
OF_ZOOM = [FIRST.format(", ".join(map(str, range(zoom + 2)))) for zoom in range(ALL + 1)]


class Placing:
    """One change of an index, in one transaction: features are taken away and added, then all is settled."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._count = 0
        self._changed: list[tuple[float, float, float, float, int, int]] = []
        self._touched: set[tuple[int, int]] = set()
        self._new: list[tuple[np.ndarray, np.ndarray]] = []

    def take_away(self, fids: list[int]) -> None:
        """Takes features away from their places."""
        self._count += len(fids)
        if self._count <= FEW:
            for fid in fids:
                self._touched |= set(self.connection.execute("SELECT apart, cell FROM thinned WHERE fid = ?", (fid,)))
                if (box := self._box(fid)) is not None:
                    self._changed.append((*box[:4], int(box[4]), LAST_ZOOM))
        for table in ("place", "thinned"):
            self.connection.executemany(f"DELETE FROM {table} WHERE fid = ?", ((fid,) for fid in fids))

    def add(
        self,
        fids: np.ndarray,
        geometries: np.ndarray,
        names: np.ndarray,
        restricted: np.ndarray,
        during: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        """Adds features with geometries of shapely; `restricted` tells the roles that each is kept for; see `marks`."""
        told, boxes = marks(geometries, names, restricted, during), shapely.bounds(geometries)
        there = np.isfinite(boxes).all(axis=1)
        self._count += len(fids)
        self._new.append((fids[there], boxes[there]))
        if self._count <= FEW:
            self._touched |= set(zip(told.groups[there].tolist(), told.cells[there].tolist(), strict=True))
        columns = (fids, told.cells, told.weights, told.ties, told.groups, told.begins, told.ends)
        self.connection.executemany(
            f"INSERT INTO thinned VALUES (?, ?, ?, ?, ?, ?, ?, {NEVER})",
            zip(*(each[there].tolist() for each in columns), strict=True),
        )

    def settle(self, at: int) -> None:
        """Gives every feature its first zoom, and notes under the state `at` what that and the rest changed."""
        new = np.concatenate([np.empty(0, np.int64), *(fids for fids, _ in self._new)])
        boxes = np.concatenate([np.empty((0, 4)), *(boxes for _, boxes in self._new)])
        moved, before, zooms, order = self._some(new) if self._count <= FEW else self._all(new)
        for fid, old, zoom in zip(moved.tolist(), before.tolist(), zooms.tolist(), strict=True):
            if self._count <= FEW and (box := self._box(fid)) is not None:
                self._changed.append((*box[:4], min(old, zoom), max(old, zoom) - 1))
            self.connection.execute("UPDATE place SET minz = ? WHERE fid = ?", (zoom, fid))
        self._write(f"INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, {LAST_ZOOM})", new, *boxes[:, [0, 2, 1, 3]].T, order)
        if self._count <= FEW:
            self._changed += zip(*boxes.T.tolist(), order.tolist(), [LAST_ZOOM] * len(new), strict=True)
        self._note(at)

    def _all(self, new: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Thins all features: those of before whose zoom is another, their zooms of before and now, and those of new ones."""
        fids, told, before = _read(self.connection)
        now = alone(told)
        other = before != now
        self._write("UPDATE thinned SET alone = ? WHERE fid = ?", now[other], fids[other])
        old, zooms = drawn_from(before, told.weights), drawn_from(now, told.weights)
        fresh = np.isin(fids, new)
        moved = ~fresh & (old != zooms)
        return fids[moved], old[moved], zooms[moved], zooms[np.searchsorted(fids, new)]

    def _some(self, new: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The same, where so few features changed that only their cells are looked at, from the finest to the whole world."""
        before: dict[int, int] = {}
        for zoom in range(ALL, -1, -1):
            shift = 2 * (ALL - zoom)
            for group, cell in {(group, cell >> shift) for group, cell in self._touched}:
                within = (group, cell << shift, (cell + 1 << shift) - 1)
                leading: list[tuple[int, int]] = []
                for fid, known, begins, ends in self.connection.execute(OF_ZOOM[zoom], within).fetchall():
                    now = min(known, zoom)
                    if any(first <= begins and ends <= last for first, last in leading):
                        now = zoom + 1
                    else:
                        leading.append((begins, ends))
                    if now != known:
                        before.setdefault(fid, known)
                        self.connection.execute("UPDATE thinned SET alone = ? WHERE fid = ?", (now, fid))
        fids = np.array(sorted({*before, *new.tolist()}), np.int64)
        asked = "SELECT alone, weight FROM thinned WHERE fid = ?"
        rows = [self.connection.execute(asked, (fid,)).fetchone() for fid in fids.tolist()]
        now, weights = np.array(rows, float).reshape(-1, 2).T
        known = np.array([before.get(fid, at) for fid, at in zip(fids.tolist(), now.tolist(), strict=True)])
        old, zooms = drawn_from(known, weights), drawn_from(now, weights)
        moved = ~np.isin(fids, new) & (old != zooms)
        return fids[moved], old[moved], zooms[moved], zooms[np.searchsorted(fids, new)]

    def _write(self, text: str, *columns: np.ndarray) -> None:
        """Runs a statement for each row of columns, some thousand at a time as objects of Python."""
        for begin in range(0, len(columns[0]), AT_ONCE):
            some = [column[begin : begin + AT_ONCE].tolist() for column in columns]
            self.connection.executemany(text, zip(*some, strict=True))

    def _box(self, fid: int) -> tuple[float, float, float, float, float] | None:
        found: tuple[float, float, float, float, float] | None = self.connection.execute(
            "SELECT minx, miny, maxx, maxy, minz FROM place WHERE fid = ?", (fid,)
        ).fetchone()
        return found

    def _note(self, at: int) -> None:
        """Notes what changed; or, where that is too much, that nothing is known of what changed until then."""
        many = self._count > FEW
        if not many:
            self.connection.executemany(f"INSERT INTO changed VALUES ({int(at)}, ?, ?, ?, ?, ?, ?)", self._changed)
            many = self.connection.execute("SELECT count(*) FROM changed").fetchone()[0] > MOST_KEPT
        if many:
            self.connection.execute("DELETE FROM changed")
            self.connection.execute("INSERT OR REPLACE INTO about VALUES ('noted_since', ?)", (str(at),))


def changed_since(connection: sqlite3.Connection, state: int) -> np.ndarray | None:
    """What changed behind a state of an index: west, south, east, north, first and last zoom, of shape (n, 6).

    None where that is not known any more.
    """
    noted = connection.execute("SELECT told FROM about WHERE name = 'noted_since'").fetchone()
    if noted is None or int(noted[0]) > state:
        return None
    rows = connection.execute("SELECT west, south, east, north, since, until FROM changed WHERE at > ?", (state,))
    return np.array(rows.fetchall(), float).reshape(-1, 6)


def _read(connection: sqlite3.Connection) -> tuple[np.ndarray, Marks, np.ndarray]:
    """All features in the order of `fid`, what decides of each, and from which zoom it was the first of its cell."""
    count = connection.execute("SELECT count(*) FROM thinned").fetchone()[0]
    whole, weights, begin = np.empty((7, count), np.int64), np.empty(count), 0
    for rows in _chunks(connection, "SELECT fid, cell, tie, apart, begins, ends, alone, weight FROM thinned ORDER BY fid"):
        *numbers, weight = zip(*rows, strict=True)
        end = begin + len(rows)
        whole[:, begin:end], weights[begin:end] = numbers, weight
        begin = end
    fids, cells, ties, groups, begins, ends, known = whole
    return fids, Marks(cells, weights, ties, groups, begins, ends), known


def _chunks(connection: sqlite3.Connection, text: str) -> Iterator[list[tuple[int, ...]]]:
    cursor = connection.execute(text)
    while rows := cursor.fetchmany(AT_ONCE):
        yield rows
