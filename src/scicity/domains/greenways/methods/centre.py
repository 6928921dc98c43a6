"""Length of a network by its centre lines: what runs beside another line counts once.

A road is often drawn as two carriageways, with a cycle track and a footway on each side of it. Added up, one street would
count five times. Here every line is cut into short stretches, and a stretch counts unless one that counts already runs beside
it: within `reach` [m] of its middle, at an angle below `turn` [degrees], its middle opposite to it. Lines of a lower `rank`
go first (carriageways before cycle tracks before footways), of one rank the longer. What only crosses or goes on is not beside.
Shapes are lines in metres; lengths [m].
Source: the method is our own; the report's density (10.6 km/km², C463) names none. Reach, turn and step are rows of
`greenways.threshold`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Stretches:
    """The stretches of a network: of which line [one] each is, its middle [x, y in metres], its length [m], and whether it
    counts."""

    line: Array
    middle: Array
    length: Array
    counts: Array


def stretches(lines: Array, rank: Array, reach: float, turn: float, step: float) -> Stretches:
    """The stretches of at most `step` [m] of lines, with those that run beside another one told apart.

    `rank` [one] of each line: lower goes first. `reach` [m] 0: everything counts. Missing lines have no stretch.
    """
    line, ends = _cut(lines, step)
    way = ends[:, 1] - ends[:, 0]
    length = np.hypot(way[:, 0], way[:, 1])
    middle = ends.mean(axis=1)
    counts = np.ones(len(line), dtype=bool)
    if reach > 0 and len(line) > 1:
        whole = shapely.length(lines)
        order = np.empty(len(lines), dtype=np.int64)
        order[np.lexsort((np.arange(len(lines)), -np.nan_to_num(whole), rank))] = np.arange(len(lines))
        counts = _first_come(*_beside(line, ends, way, length, middle, reach, turn), order[line])
    return Stretches(line, middle, length, counts)


def parted(lines: Array, places: Array) -> tuple[Array, Array, Array]:
    """Lines parted where they leave a place: the pieces, the line [one] of each, and its place [one], the first that it lies
    in.

    Pieces that lie in none of the `places` (areas, few) have the number behind the last.
    """
    left = lines.copy()
    pieces, of, where = [], [], []
    for number, place in enumerate(places):
        shapely.prepare(place)
        here = np.flatnonzero(shapely.intersects(place, left))
        inside = shapely.intersection(left[here], place)
        kept = shapely.length(inside) > 0
        here, inside = here[kept], inside[kept]
        pieces.append(inside)
        of.append(here)
        where.append(np.full(len(here), number))
        left[here] = shapely.difference(left[here], place)
    rest = np.flatnonzero(shapely.length(left) > 0)
    pieces.append(left[rest])
    of.append(rest)
    where.append(np.full(len(rest), len(places)))
    return np.concatenate(pieces), np.concatenate(of), np.concatenate(where)


def by_place(of: Stretches, place: Array, size: int) -> tuple[Array, Array]:
    """The length of all stretches and of those that count [m] by the `place` [one] of their lines, from 0 to `size`, which is
    none."""
    where = place[of.line]
    drawn = np.bincount(where, weights=of.length, minlength=size + 1)
    counted = np.bincount(where, weights=np.where(of.counts, of.length, 0.0), minlength=size + 1)
    return drawn, counted


def _cut(lines: Array, step: float) -> tuple[Array, Array]:
    """The stretches of lines: the number of its line and both ends of each."""
    there = np.flatnonzero(~shapely.is_missing(lines))
    parts, of = shapely.get_parts(lines[there], return_index=True)
    corner, part = shapely.get_coordinates(shapely.segmentize(parts, step), return_index=True)
    within = np.flatnonzero(part[1:] == part[:-1])
    ends = np.stack([corner[within], corner[within + 1]], axis=1)
    moved = (ends[:, 0] != ends[:, 1]).any(axis=1)
    return there[of[part[within[moved]]]], ends[moved]


def _beside(
    line: Array, ends: Array, way: Array, length: Array, middle: Array, reach: float, turn: float
) -> tuple[Array, Array]:
    """Pairs of stretches of two lines of which the second runs beside the first."""
    tree = shapely.STRtree(shapely.linestrings(ends))
    i, j = tree.query(shapely.points(middle), predicate="dwithin", distance=reach)
    other = line[i] != line[j]
    i, j = i[other], j[other]
    cross = np.abs(way[i, 0] * way[j, 1] - way[i, 1] * way[j, 0])
    alike = cross <= np.sin(np.radians(turn)) * length[i] * length[j]
    i, j = i[alike], j[alike]
    along = ((middle[i] - ends[j, 0]) * way[j]).sum(axis=1) / length[j]
    pad = length[i] / 4  # less than half of it: what only goes on is not beside
    opposite = (along >= -pad) & (along <= length[j] + pad)
    return i[opposite], j[opposite]


def _first_come(i: Array, j: Array, order: Array) -> Array:
    """Which stretches count: each unless one that counts and goes before it runs beside it (or it beside that)."""
    size = len(order)
    first = np.where(order[i] < order[j], i, j)
    second = np.where(order[i] < order[j], j, i)
    state = np.zeros(size, dtype=np.int8)  # 0 open, 1 counts, 2 does not
    while (state == 0).any():
        waits = np.zeros(size, dtype=bool)
        waits[second[state[first] == 0]] = True
        beaten = np.zeros(size, dtype=bool)
        beaten[second[state[first] == 1]] = True
        open_ = state == 0
        state[open_ & beaten] = 2
        state[open_ & ~beaten & ~waits] = 1
    return state == 1
