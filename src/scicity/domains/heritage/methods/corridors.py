"""View corridors: how high something may stand between an eye and what is to be seen.

A corridor is a strip along the line from the eye to the target, as wide at each end as is told. The sight line goes straight
from the eye's elevation to the lowest point of the target that is to stay in view. Lengths and elevations [m] in a metric
plane; the earth is taken as flat, which puts the line too low by at most 0.08 m on 2 km and 0.5 m on 5 km (refraction left
out). Source: plane geometry; the curvature by d1 d2 / 2R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Corridors:
    """Columns of one length: where the eyes and targets are, [x, y] in metres, the sight line's elevation [m] at both ends, the
    ground's [m] (not a number: unknown), and the width [m] at both ends."""

    eye: Array
    target: Array
    eye_elevation: Array
    target_elevation: Array
    eye_ground: Array
    target_ground: Array
    eye_width: Array
    target_width: Array

    @property
    def length(self) -> Array:
        """From eye to target [m]."""
        return np.hypot(*(self.target - self.eye).T)


def outlines(corridors: Corridors) -> Array:
    """The strip of each corridor; None where eye and target are one place."""
    way = corridors.target - corridors.eye
    length = corridors.length
    found = np.full(len(length), None, dtype=object)
    there = length > 0
    across = np.stack([-way[there, 1], way[there, 0]], 1) / length[there, None]
    e, t = across * corridors.eye_width[there, None] / 2, across * corridors.target_width[there, None] / 2
    eye, target = corridors.eye[there], corridors.target[there]
    found[there] = shapely.make_valid(shapely.polygons(np.stack([eye + e, target + t, target - t, eye - e], 1)))
    return found


def sight(corridors: Corridors, buildings: Array, ground: Array) -> tuple[Array, Array, Array, Array, Array]:
    """What stands in corridors: their numbers, those of the buildings [one], how far from the eye [m], the height permitted [m]
    and whether the ground is assumed.

    Permitted is the lowest elevation of the sight line over what of the building lies in the strip, less the building's
    `ground` [m] (not a number: unknown; then that of a straight line between the grounds of eye and target is assumed). A
    building at the eye or the target itself stands in nobody's view.
    """
    empty = np.empty(0, np.int64)
    strips = outlines(corridors)
    there = ~shapely.is_missing(strips)
    if not there.any() or not len(buildings):
        return empty, empty, np.empty(0), np.empty(0), np.empty(0, bool)
    i, j = shapely.STRtree(buildings).query(strips, predicate="intersects")
    ends = shapely.intersects(buildings[j], shapely.points(corridors.eye[i]))
    ends |= shapely.intersects(buildings[j], shapely.points(corridors.target[i]))
    shared = shapely.intersection(strips[i], buildings[j])
    kept = ~ends & (shapely.area(shared) > 0)
    i, j, shared = i[kept], j[kept], shared[kept]
    if not len(i):
        return empty, empty, np.empty(0), np.empty(0), np.empty(0, bool)
    corner, of = shapely.get_coordinates(shared, return_index=True)
    way, length = (corridors.target - corridors.eye)[i], corridors.length[i]
    along = np.clip(((corner - corridors.eye[i][of]) * way[of]).sum(1) / length[of] ** 2, 0, 1)
    low, high = corridors.eye_elevation[i], corridors.target_elevation[i]
    line = low[of] + (high - low)[of] * along
    lowest, nearest = np.full(len(i), np.inf), np.full(len(i), np.inf)
    np.minimum.at(lowest, of, line)
    np.minimum.at(nearest, of, along)
    centre = shapely.get_coordinates(shapely.centroid(shared))
    middle = ((centre - corridors.eye[i]) * way).sum(1) / length**2
    assumed = np.isnan(ground[j])
    slope = corridors.eye_ground[i] + (corridors.target_ground - corridors.eye_ground)[i] * middle
    return i, j, nearest * length, lowest - np.where(assumed, slope, ground[j]), assumed
