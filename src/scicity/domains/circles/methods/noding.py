"""Noding: drawn lines that cross without a vertex get one there, so that they become junctions.

OpenStreetMap's ways share vertices where they meet and must not be noded: a bridge crosses without meeting.
"""

from __future__ import annotations

import numpy as np
import shapely

from scicity.domains.circles.methods.lengths import Floats, Ints
from scicity.domains.circles.methods.network import SHARED, Lines


def noded(lines: Lines, level: Ints, *, shared: float = SHARED) -> Lines:
    """`lines` (shapely, in degrees) with a vertex at each crossing with another line of the same `level`; of shape (ways,).

    Where an end of a line touches another within, that becomes a junction too, to within `shared` [degrees]. Coordinates are
    those of the first of two lines. Source: crossings of segments as GEOS computes them (shapely.intersection).
    """
    here = np.flatnonzero(~shapely.is_missing(lines) & ~shapely.is_empty(lines))
    tree = shapely.STRtree(lines[here])
    a, b = tree.query(lines[here], predicate="dwithin", distance=shared)
    a, b = here[a], here[b]
    some = (a < b) & (level[a] == level[b])
    a, b = a[some], b[some]
    if not len(a):
        return lines
    points, pair = _meetings(lines[a], lines[b], shared)
    of = np.r_[a[pair], b[pair]]
    return _inserted(lines, of, np.r_[points, points], shared)


def _meetings(one: Lines, other: Lines, shared: float) -> tuple[Floats, Ints]:
    """Where pairs of lines meet, and which pair: crossings, the ends of what they have in common, and ends that touch."""
    found = [shapely.get_coordinates(shapely.intersection(one, other), return_index=True)]
    for mine, against in ((one, other), (other, one)):
        for at in (0, -1):
            end = shapely.get_point(mine, at)
            found.append(shapely.get_coordinates(np.where(shapely.dwithin(end, against, shared), end, None), return_index=True))
    return np.concatenate([points for points, _ in found]), np.concatenate([pair for _, pair in found])


def _inserted(lines: Lines, of: Ints, points: Floats, shared: float) -> Lines:
    """Lines with more vertices: each point at its place along the line that it is `of`."""
    coordinates, line = shapely.get_coordinates(lines, return_index=True)
    steps = np.r_[0.0, np.hypot(*np.diff(coordinates, axis=0).T)] if len(coordinates) else np.zeros(0)
    steps[np.r_[True, line[1:] != line[:-1]]] = 0.0
    run = np.cumsum(steps)
    begin = np.flatnonzero(np.r_[True, line[1:] != line[:-1]])
    run -= np.repeat(run[begin], np.diff(np.r_[begin, len(line)]))
    along = shapely.line_locate_point(lines[of], shapely.points(points))
    every = np.r_[coordinates, points]
    which = np.r_[line, of]
    order = np.lexsort((np.r_[np.zeros(len(line)), np.ones(len(of))], np.r_[run, along], which))
    every, which = every[order], which[order]
    found = lines.copy()
    touched = np.unique(of)
    take = np.isin(which, touched)
    packed = np.searchsorted(touched, which[take])
    found[touched] = shapely.linestrings(every[take], indices=packed)
    return found
