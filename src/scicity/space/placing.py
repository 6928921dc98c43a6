"""Where the features of an index are, from which zoom each is drawn, and which places changed at which of its states.

The R-tree `place` has the first zoom as its third dimension. `thinned` holds what decides of it, so that after a change the
zooms are those of an index made anew. `changed` tells whoever keeps what was made of the index (tiles) what of it does not stand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np
import shapely

from scicity.space.thinning import Marks, first_zoom_of, marks

LAST_ZOOM = 32
MOST_NOTED = 5_000  # places of one change that are noted; of more, all is taken to have changed
MOST_KEPT = 50_000  # places that are noted at all
AT_ONCE = 100_000  # rows of marks that are read at a time
SCHEMA = """
CREATE VIRTUAL TABLE place USING rtree(fid, minx, maxx, miny, maxy, minz, maxz);
CREATE TABLE thinned (fid INTEGER PRIMARY KEY, cell INTEGER, weight REAL, tie INTEGER, apart INTEGER, zoom INTEGER);
CREATE TABLE changed (at INTEGER, west REAL, south REAL, east REAL, north REAL, since INTEGER, until INTEGER);
CREATE INDEX changed_at ON changed (at);
"""


class Placing:
    """One change of an index, in one transaction: features taken away and added, then `settle`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._changed: list[tuple[float, float, float, float, int, int]] = []
        self._many = False
        self._fids: list[np.ndarray] = []
        self._boxes: list[np.ndarray] = []

    def take_away(self, fids: list[int]) -> None:
        """Takes features away from their places."""
        self._note(fids, LAST_ZOOM)
        self.connection.executemany("DELETE FROM place WHERE fid = ?", ((fid,) for fid in fids))
        self.connection.executemany("DELETE FROM thinned WHERE fid = ?", ((fid,) for fid in fids))

    def add(self, fids: np.ndarray, geometries: np.ndarray, names: np.ndarray, restricted: np.ndarray) -> None:
        """Adds features with geometries of shapely; `restricted` tells the roles that each is kept for."""
        told, boxes = marks(geometries, names, restricted), shapely.bounds(geometries)
        there = np.isfinite(boxes).all(axis=1)
        columns = (fids, told.cells, told.weights, told.ties, told.groups)
        self.connection.executemany(
            "INSERT INTO thinned VALUES (?, ?, ?, ?, ?, NULL)", zip(*(each[there].tolist() for each in columns), strict=True)
        )
        self._fids.append(fids[there])
        self._boxes.append(boxes[there])

    def settle(self, at: int) -> None:
        """Gives every feature its first zoom, and notes under the state `at` what that and the rest changed."""
        fids, told, before = _read(self.connection)
        zooms = first_zoom_of(told)
        moved = (before >= 0) & (before != zooms)
        self._move(fids[moved], before[moved], zooms[moved])
        self.connection.executemany(
            "UPDATE thinned SET zoom = ? WHERE fid = ?",
            zip(*(each[before != zooms].tolist() for each in (zooms, fids)), strict=True),
        )
        if self._fids:
            self._place(fids, told.cells, zooms)
        self._keep(at)

    def _move(self, fids: np.ndarray, before: np.ndarray, zooms: np.ndarray) -> None:
        low, high = np.minimum(before, zooms), np.maximum(before, zooms) - 1
        self._note(fids.tolist(), high.tolist(), low.tolist())
        self.connection.executemany("UPDATE place SET minz = ? WHERE fid = ?", zip(zooms.tolist(), fids.tolist(), strict=True))

    def _place(self, fids: np.ndarray, cells: np.ndarray, zooms: np.ndarray) -> None:
        new, boxes = np.concatenate(self._fids), np.concatenate(self._boxes)
        at = np.searchsorted(fids, new)
        order = np.lexsort((cells[at], zooms[at]))  # what is near is put in together, and found together
        new, boxes, zoom = new[order], boxes[order], zooms[at][order]
        columns = (new, *(boxes[:, side] for side in (0, 2, 1, 3)), zoom, np.full(len(new), LAST_ZOOM))
        for begin in range(0, len(new), AT_ONCE):
            some = (each[begin : begin + AT_ONCE].tolist() for each in columns)
            self.connection.executemany("INSERT INTO place VALUES (?, ?, ?, ?, ?, ?, ?)", zip(*some, strict=True))
        self._many |= len(new) > MOST_NOTED
        if not self._many:
            self._changed += zip(*boxes.T.tolist(), zoom.tolist(), [LAST_ZOOM] * len(new), strict=True)

    def _note(self, fids: list[int], until: int | list[int], since: list[int] | None = None) -> None:
        self._many |= len(fids) > MOST_NOTED
        if self._many:
            return
        for at, fid in enumerate(fids):
            box = self.connection.execute("SELECT minx, miny, maxx, maxy, minz FROM place WHERE fid = ?", (fid,)).fetchone()
            if box:
                last = until if isinstance(until, int) else until[at]
                self._changed.append((*box[:4], int(box[4]) if since is None else since[at], last))

    def _keep(self, at: int) -> None:
        """Notes what changed; or, where that is too much, that nothing is known of what changed until then."""
        many = self._many or len(self._changed) > MOST_NOTED
        if not many:
            self.connection.executemany(f"INSERT INTO changed VALUES ({at}, ?, ?, ?, ?, ?, ?)", self._changed)
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
    """All features in the order of `fid`, what decides of each, and its zoom of before (-1: none)."""
    count = connection.execute("SELECT count(*) FROM thinned").fetchone()[0]
    whole = np.empty((5, count), np.int64)
    weights = np.empty(count)
    begin = 0
    for rows in _chunks(connection, "SELECT fid, cell, tie, apart, coalesce(zoom, -1), weight FROM thinned ORDER BY fid"):
        *numbers, weight = zip(*rows, strict=True)
        end = begin + len(rows)
        whole[:, begin:end] = numbers
        weights[begin:end] = weight
        begin = end
    fids, cells, ties, groups, zooms = whole
    return fids, Marks(cells, weights, ties, groups), zooms


def _chunks(connection: sqlite3.Connection, text: str) -> Iterator[list[tuple[int, ...]]]:
    cursor = connection.execute(text)
    while rows := cursor.fetchmany(AT_ONCE):
        yield rows
