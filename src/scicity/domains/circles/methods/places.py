"""Places: which features are facilities of a class, where they are entered, and in which zone something lies.

Places [degrees WGS 84], distances [m]. Source: OGC 06-103r4 (Simple Features), 6.1.15, for what lies within what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely

from scicity.domains.circles.methods import lengths
from scicity.domains.circles.methods.lengths import Floats, Ints
from scicity.domains.circles.methods.rows import Flags, Words

EVERY = "*"


class Points(NamedTuple):
    """Points [degrees], and of which thing each is one."""

    of: Ints
    longitude: Floats
    latitude: Floats


def selected(rule: Mapping[str, Any], feature_class: Words, attribute: Words | None) -> Flags:
    """Which features of a layer are of a class: `selects` names their classes (`*`: all) and, where there is an attribute,
    its values.

    Arrays of shape (features,). Source: `circles.facility_class`.
    """
    classes = rule["selects"].split()
    found = np.ones(len(feature_class), dtype=bool) if EVERY in classes else np.isin(feature_class, classes)
    if rule.get("select_attribute"):
        values = (rule.get("select_values") or "").split()
        found = found & (np.isin(attribute, values) if attribute is not None else False)
    return np.asarray(found, dtype=bool)


def middles(shapes: Words) -> Points:
    """A point in each shape: its centre, or where that lies outside a point within. Shapes without a place have none."""
    some = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    centre = shapely.centroid(shapes[some])
    areal = np.isin(shapely.get_type_id(shapes[some]), (3, 6))
    outside = areal & ~shapely.contains_properly(shapes[some], centre)
    centre[outside] = shapely.point_on_surface(shapes[some][outside])
    return Points(some, shapely.get_x(centre), shapely.get_y(centre))


def edges(shapes: Words, spacing: float) -> Points:
    """Points along the outline of each area at most `spacing` [m] apart, its corners among them; of a line its vertices and
    such points, of a point itself."""
    some = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    areal = np.isin(shapely.get_type_id(shapes[some]), (3, 6))
    outlines = np.where(areal, shapely.boundary(shapes[some]), shapes[some])
    parts, part_of = shapely.get_parts(outlines, return_index=True)
    coordinates, line = shapely.get_coordinates(parts, return_index=True)
    a = np.flatnonzero(line[:-1] == line[1:])
    long = lengths.geodesic(*coordinates[a].T, *coordinates[a + 1].T)
    pieces = np.maximum(1, np.ceil(long / spacing)).astype(np.int64)
    which = np.repeat(a, pieces)
    step = np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = (step / np.repeat(pieces, pieces))[:, None]
    between = coordinates[which] * (1 - share) + coordinates[which + 1] * share
    last = np.flatnonzero(np.r_[line[1:] != line[:-1], True]) if len(line) else np.zeros(0, dtype=np.int64)
    closed = shapely.is_closed(parts)[line[last]]
    last = last[~closed]  # the end of a ring is its beginning
    every = np.concatenate([between, coordinates[last]])
    of = some[part_of[np.r_[line[which], line[last]]]]
    order = np.lexsort((np.r_[which * 1.0, last * 1.0], of))
    return Points(of[order], every[order, 0], every[order, 1])


def zones_of(longitude: Floats, latitude: Floats, zone: Words, outline: Words, leave_out: Sequence[str] = ()) -> Words:
    """The zone whose outline holds each point, the smallest of several; None where none does. `leave_out`: zones not to be
    told."""
    use = np.flatnonzero(~np.isin(zone, list(leave_out)) & ~shapely.is_missing(outline))
    found = np.full(len(longitude), None, dtype=object)
    if not len(use) or not len(longitude):
        return found
    use = use[np.argsort(-shapely.area(outline[use]), kind="stable")]
    point, which = shapely.STRtree(outline[use]).query(shapely.points(longitude, latitude), predicate="intersects")
    order = np.argsort(which, kind="stable")  # the smallest last: it stays
    found[point[order]] = zone[use][which[order]]
    return found
