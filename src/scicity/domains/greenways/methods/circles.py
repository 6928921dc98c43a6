"""Who has a park near: by straight distance, with the people of a cell spread evenly over it.

Shapes are areas (or points, of people) in metres; areas [m²], people [persons], distances [m].
Source: the circle of 15 minutes is the report's (C251), which says nothing of distances; radii are rows of
`greenways.park_class`. The way on foot is another domain's question.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

Array = np.ndarray[Any, Any]


def circle(parks: Array, radius: Array) -> Any:
    """What lies within the `radius` [m] of any of the parks, the parks themselves with it; None where there is none."""
    there = ~shapely.is_missing(parks)
    return shapely.union_all(shapely.buffer(parks[there], radius[there], quad_segs=32)) if there.any() else None


def people(zones: Array, cells: Array, residents: Array, within: Any = None) -> Array:
    """The people of each zone [persons], or those of them who live `within` a shape.

    `cells` are areas or points with their `residents` (not a number: unknown, counted as nobody); an area's people are spread
    evenly over it.
    """
    found = np.zeros(len(zones))
    known = ~shapely.is_missing(cells) & ~np.isnan(residents)
    cells, residents = cells[known], residents[known]
    if not len(zones) or not len(cells):
        return found
    i, j = shapely.STRtree(cells).query(zones, predicate="intersects")
    whole = shapely.area(cells)
    point = whole[j] == 0
    pieces = shapely.intersection(zones[i], cells[j])
    if within is not None:
        shapely.prepare(within)
        inside = shapely.intersects(within, shapely.point_on_surface(pieces))
        pieces = shapely.intersection(pieces, within)
    else:
        inside = np.ones(len(i), dtype=bool)
    share = np.divide(shapely.area(pieces), whole[j], out=np.where(point & inside, 1.0, 0.0), where=~point)
    point_once = np.ones(len(i), dtype=bool)  # a point on the border of two zones lives in the first
    order = np.lexsort((i, j))
    repeated = np.r_[False, j[order][1:] == j[order][:-1]]
    point_once[order[repeated]] = False
    share = np.where(point & ~point_once, 0.0, share)
    np.add.at(found, i, share * residents[j])
    return found


def shared(zones: Array, shape: Any) -> Array:
    """How much of each zone a shape covers [m²]."""
    return np.zeros(len(zones)) if shape is None else np.nan_to_num(shapely.area(shapely.intersection(zones, shape)))


def once(zones: Array, shapes: Array) -> Array:
    """How much of each zone any of the shapes covers [m²], each place once."""
    there = shapes[~shapely.is_missing(shapes)]
    return shared(zones, shapely.union_all(there)) if len(there) else np.zeros(len(zones))
