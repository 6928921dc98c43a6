"""How high something may be built near a site: by its distance from it, in steps or along a slope, or by the range it stands
in.

Shapes are polygons in metres; lengths and heights [m]. The rules are rows of a table with their documents.
Source: the principle is the report's (low eaves beside the old, heights rising outwards; 3.6.3 of report.zh.txt), which prints
neither distances nor heights; that the nearest point of a building counts is our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

Array = np.ndarray[Any, Any]
STEP, SLOPE = "step", "slope"


@dataclass(frozen=True)
class Band:
    """A rule between two distances from a site: `height` at its beginning, rising by `slope` [m/m] (0 for a step).

    The band holds from `begins` to below `ends` [m]; `site` None: around every site.
    """

    rule: str
    site: str | None
    begins: float
    ends: float
    height: float
    slope: float = 0.0


def near(sites: Array, buildings: Array, reach: float) -> tuple[Array, Array, Array]:
    """Pairs of a site and a building within `reach` [m] of it, and the distance [m] of their nearest points.

    Gives the numbers of the sites, of the buildings [one], and the distances: 0 within a site.
    """
    if not len(sites) or not len(buildings):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    i, j = shapely.STRtree(buildings).query(sites, predicate="dwithin", distance=reach)
    return i, j, shapely.distance(sites[i], buildings[j])


def reach_of(bands: list[Band]) -> float:
    """How far from a site any rule goes [m]; a band without an end is followed to where it begins, and not beyond 20 km."""
    ends = [band.ends if np.isfinite(band.ends) else band.begins + 20_000.0 for band in bands]
    return float(min(max(ends, default=0.0), 20_000.0))


def permitted(distance: Array, band: Band) -> Array:
    """The height [m] that a rule permits at a distance [m]; not a number outside of its band."""
    inside = (distance >= band.begins) & (distance < band.ends)
    return np.where(inside, band.height + band.slope * (distance - band.begins), np.nan)


def faults(bands: list[Band]) -> list[tuple[Band, Band]]:
    """Pairs of rules of one site whose bands lie over each other [m], so that a place has two permitted heights."""
    found = []
    for at, band in enumerate(bands):
        for other in bands[at + 1 :]:
            same = band.site == other.site
            if same and max(band.begins, other.begins) < min(band.ends, other.ends):
                found.append((band, other))
    return found


def within(ranges: Array, buildings: Array, least: float = 0.0) -> tuple[Array, Array]:
    """Pairs of a protection range and a building that shares more than `least` [m²] with it; touching is not standing in it."""
    if not len(ranges) or not len(buildings):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    i, j = shapely.STRtree(buildings).query(ranges, predicate="intersects")
    shared = shapely.area(shapely.intersection(ranges[i], buildings[j]))
    return i[shared > least], j[shared > least]


def excess(height: Array, limit: Array) -> Array:
    """By how much a height [m] is above what is permitted [m]; negative below it, not a number where either is unknown."""
    return height - limit
