"""The ground of a district: geometry of layers in metres on a plane, where lengths and areas are worked out, and back again.

Layers hold WGS 84. What is measured is measured in one metric CRS for the whole district: that of the middle of its zones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely

from scicity.space.crs import measured, metric

POLYGONS = (3, 6)  # type ids of shapely: polygon, multipolygon
LINES = (1, 5)
# Degrees: a longer edge of a layer, which is straight in degrees, is bent in metres, and is followed in steps of this length.
# What is left of the bend is s² tan φ / 8 R: 0.2 mm at 40°, which is less than coordinates tell (41 mm on 1.5 km without).
STEP = 0.001


@dataclass(frozen=True)
class Ground:
    """A metric plane; `crs` is what pyproj takes, such as `EPSG:4548`."""

    crs: str

    def shapes(self, geometry: pa.ChunkedArray | pa.Array, dimension: int = 2) -> np.ndarray[Any, Any]:
        """The geometry of features in metres; what is not known is None.

        Of areas (`dimension` 2) or lines (1) the rest is left out: the points of a polygon, the lines of a mixed
        collection. An area that crosses itself is mended first, so that nothing measured is wrong by it. Long edges are
        followed as they run in degrees (`STEP`), so that what shares a boundary there shares it here.
        """
        placed = measured(_followed(shapely.from_wkb(_objects(geometry))), pyproj.CRS(self.crs))
        broken = ~shapely.is_valid(placed) & ~shapely.is_missing(placed)
        if dimension == 2 and broken.any():
            placed[broken] = shapely.make_valid(placed[broken], method="structure", keep_collapsed=False)
        return only(placed, dimension)

    def points(self, geometry: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, Any]:
        """A point in each feature, in metres; of a point itself."""
        return shapely.point_on_surface(measured(shapely.from_wkb(_objects(geometry)), pyproj.CRS(self.crs)))

    def lonlat(self, shapes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Shapes in metres as longitude and latitude."""
        return shapely.transform(shapes, _back(self.crs).transform, interleaved=False)

    def wkb(self, shapes: np.ndarray[Any, Any]) -> pa.Array:
        """Shapes in metres as the column `geometry` of a table."""
        return pa.array(shapely.to_wkb(self.lonlat(shapes), include_srid=False), pa.binary())


def ground_of(*layers: pa.Table) -> Ground:
    """The ground of a district: by the middle of the first of these layers that has any place (the zones come first)."""
    for layer in layers:
        places = shapely.from_wkb(_objects(layer.column("geometry")))
        bounds = shapely.total_bounds(places[~shapely.is_missing(places)]) if layer.num_rows else np.full(4, np.nan)
        if np.isfinite(bounds).all():
            return Ground(metric(float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2).to_string())
    return Ground(metric(0.0, 0.0).to_string())


def only(shapes: np.ndarray[Any, Any], dimension: int) -> np.ndarray[Any, Any]:
    """Shapes without their parts of another dimension (2: areas, 1: lines); None where nothing is left."""
    kinds = POLYGONS if dimension == 2 else LINES
    kind = shapely.get_type_id(shapes)
    found: np.ndarray[Any, Any] = np.array(shapes, dtype=object)
    found[~np.isin(kind, kinds) | shapely.is_empty(shapes)] = None
    mixed = np.flatnonzero(kind == 7)
    if len(mixed):
        inner, outer_of = shapely.get_parts(shapes[mixed], return_index=True)
        parts, inner_of = shapely.get_parts(inner, return_index=True)
        kept = np.isin(shapely.get_type_id(parts), kinds)
        places, which = np.unique(outer_of[inner_of][kept], return_inverse=True)
        if len(places):
            together = shapely.multipolygons if dimension == 2 else shapely.multilinestrings
            found[mixed[places]] = together(parts[kept], indices=which)
    return found


def _followed(shapes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Areas and lines in degrees, whose edges longer than `STEP` have corners on the way; Z is left away.

    Other than those of `shapely.segmentize`, the corners of an edge are the very same whichever way it is gone along, so that
    neighbours still share them.
    """
    bounds = shapely.bounds(shapes)
    large = np.hypot(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1]) > STEP
    found, kind = shapes.copy(), shapely.get_type_id(shapes)
    for each in (*LINES, *POLYGONS):
        which = np.flatnonzero(large & (kind == each))
        if len(which):
            form, corners, (rings, *above) = shapely.to_ragged_array(shapes[which], include_z=False)
            found[which] = shapely.from_ragged_array(form, *_with_corners(corners, rings, above))
    return found


def _with_corners(corners: Any, rings: Any, above: list[Any]) -> tuple[Any, tuple[Any, ...]]:
    """Corners of rings (or lines), which begin at `rings`, with those on the way, and where the rings begin then."""
    start, end = corners[:-1], corners[1:]
    steps = np.ones(len(corners), dtype=np.int64)  # from each corner to the next
    steps[:-1] = np.maximum(np.ceil(np.hypot(*(end - start).T) / STEP), 1)
    steps[rings[1:][rings[1:] > 0] - 1] = 1  # from a ring to the next there is no edge
    first = np.cumsum(steps) - steps
    of = np.repeat(np.arange(len(corners)), steps)
    step = np.arange(len(of)) - first[of]
    on_way = np.flatnonzero(step)
    of, step = of[on_way], step[on_way]
    back = (end[of, 0] < start[of, 0]) | ((end[of, 0] == start[of, 0]) & (end[of, 1] < start[of, 1]))
    low, high = np.where(back[:, None], end[of], start[of]), np.where(back[:, None], start[of], end[of])
    share = np.where(back, steps[of] - step, step) / steps[of]
    found = np.repeat(corners, steps, axis=0)
    found[on_way] = low + share[:, None] * (high - low)
    return found, (np.append(first, len(found))[rings], *above)


def number_of(details: pa.ChunkedArray | pa.Array, name: str) -> np.ndarray[Any, Any]:
    """A number among the details of each feature, as real; not a number where there is none."""
    if len(details) == 0:
        return np.zeros(0)
    found = pc.extract_regex(_one(details), rf'"{name}": ?"?(?P<value>-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"?[,}}]')
    return pc.struct_field(found, "value").cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)


def word_of(details: pa.ChunkedArray | pa.Array, name: str) -> np.ndarray[Any, Any]:
    """A word among the details of each feature (`true` and `false` too); None where there is none."""
    if len(details) == 0:
        return np.zeros(0, dtype=object)
    found = pc.extract_regex(_one(details), rf'"{name}": ?(?:"(?P<word>[^"\\]*)"|(?P<bare>true|false))')
    word, bare = pc.struct_field(found, "word"), pc.struct_field(found, "bare")
    return pc.if_else(pc.equal(pc.utf8_length(word), 0), bare, word).to_numpy(zero_copy_only=False)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _objects(column: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, Any]:
    return _one(column).to_numpy(zero_copy_only=False)


@cache
def _back(crs: str) -> pyproj.Transformer:
    """The way from the plane to its own degrees, which are taken as WGS 84 as on the way there."""
    plane = pyproj.CRS(crs)
    return pyproj.Transformer.from_crs(plane, plane.geodetic_crs, always_xy=True)
