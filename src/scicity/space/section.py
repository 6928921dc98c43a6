"""A section through what lies under ground: what a drawn line crosses, where along it, and how deep."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pyproj import Transformer

COLUMNS = ("feature", "name_zh", "name_en", "feature_class", "elevation", "height", "depth", "origin", "details", "geometry")
LONGEST = 50_000  # [m] of a line; over more the plane that is cut in would bend
MILLIMETRES = 1000.0
# Attributes that tell of a pipe or a tunnel how large it is: outer diameter [mm], clear height and width [m].
DIAMETERS, HEIGHTS, WIDTHS = ("diameter", "dn", "outer_diameter"), ("clear_height", "inner_height"), ("width", "inner_width")
ENDS = (("from_depth", "to_depth"), ("start_depth", "end_depth"))


@dataclass(frozen=True)
class Crossing:
    """Where a line crosses a feature: metres along the line (first and last), depth of its top [m], elevation [m], size [m]."""

    layer: str
    feature: str
    name_zh: str | None
    name_en: str | None
    feature_class: str | None
    origin: str | None
    along: float
    until: float
    depth: float | None
    elevation: float | None
    tall: float | None
    wide: float | None


class Plane:
    """A plane that touches the earth in the middle of a line, in metres: within 25 km lengths are true to 3 in a million."""

    def __init__(self, longitude: float, latitude: float) -> None:
        self._there = Transformer.from_crs(
            "EPSG:4326", f"+proj=aeqd +lat_0={latitude} +lon_0={longitude} +datum=WGS84 +units=m", always_xy=True
        )

    def flat(self, geometry: Any) -> Any:
        """A geometry of degrees in metres; Z is kept."""

        def across(at: np.ndarray) -> np.ndarray:
            x, y = self._there.transform(at[:, 0], at[:, 1])
            return np.column_stack((x, y, *((at[:, 2],) if at.shape[1] == 3 else ())))

        return shapely.transform(geometry, across, include_z=bool(np.any(shapely.has_z(geometry))))


def plane_of(line: Sequence[tuple[float, float]]) -> tuple[Plane, Any]:
    """The plane of a line of degrees, and the line in it. Raises ValueError where it is no line, or too long."""
    if len(line) < 2 or not all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in line):
        raise ValueError("a line of two points or more: longitude, latitude")
    middle = np.array(line).mean(axis=0)
    plane = Plane(*middle)
    flat = plane.flat(shapely.LineString(line))
    if not (0 < flat.length <= LONGEST):
        raise ValueError(f"a line of 0 to {LONGEST // 1000} km")
    return plane, flat


def crossings(plane: Plane, flat: Any, layer: str, rows: Iterable[Sequence[Any]]) -> list[Crossing]:
    """What a line crosses among the features of a layer (rows of COLUMNS), in their order along it."""
    rows = list(rows)
    if not rows:
        return []
    geometries = plane.flat(shapely.from_wkb(np.array([row[-1] for row in rows], dtype=object)))
    shapely.prepare(flat)
    hit = np.flatnonzero(shapely.intersects(flat, geometries))
    found = []
    for at in hit:
        row = dict(zip(COLUMNS, rows[at], strict=True))
        details = json.loads(row["details"] or "{}")
        for first, last, place in _places(flat, geometries[at]):
            share, ground = _share(geometries[at], place)
            found.append(
                Crossing(
                    *(layer, row["feature"], row["name_zh"], row["name_en"], row["feature_class"], row["origin"]),
                    first,
                    last,
                    _depth(row, details, share),
                    row["elevation"] if ground is None else ground,
                    _number(details, DIAMETERS, MILLIMETRES) or _number(details, HEIGHTS),
                    _number(details, DIAMETERS, MILLIMETRES) or _number(details, WIDTHS),
                )
            )
    return sorted(found, key=lambda each: (each.along, each.depth or 0.0, each.feature))


def _places(flat: Any, geometry: Any) -> list[tuple[float, float, Any]]:
    """Where they meet: metres along the line, first and last, and a point of it."""
    met = shapely.intersection(flat, shapely.force_2d(geometry))
    found = []
    for part in shapely.get_parts(met):
        ends = shapely.get_coordinates(part)
        along = sorted(float(flat.project(shapely.Point(end))) for end in (ends[0], ends[-1]))
        found.append((along[0], along[1], flat.interpolate(sum(along) / 2)))
    return found


def _share(geometry: Any, place: Any) -> tuple[float | None, float | None]:
    """How far along a line of its own a place lies (0 to 1), and the elevation there where its vertices have one."""
    if geometry.geom_type != "LineString" or geometry.length == 0:
        return None, None
    along = geometry.project(place)
    z = shapely.get_z(geometry.interpolate(along)) if geometry.has_z else math.nan
    return along / geometry.length, None if math.isnan(z) else float(z)


def _depth(row: dict[str, Any], details: dict[str, Any], share: float | None) -> float | None:
    for first, last in ENDS:
        ends = [_number(details, (name,)) for name in (first, last)]
        if share is not None and ends[0] is not None and ends[1] is not None:
            return ends[0] + share * (ends[1] - ends[0])
    depth: float | None = row["depth"]
    return depth


def _number(details: dict[str, Any], names: Sequence[str], by: float = 1.0) -> float | None:
    for name in names:
        try:
            value = float(details[name]) / by
        except (KeyError, TypeError, ValueError):
            continue
        if math.isfinite(value):
            return value
    return None
