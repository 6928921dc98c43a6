"""The coordinate reference systems in which features are served: by the URIs of clients, with the axes in the order of each.

CGCS2000 (EPSG:4490) and WGS 84 are taken as one, as in `crs.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/{}"
ALWAYS = (4326, 4490, 3857)  # EPSG, beside CRS84 and the metric one of the district
CODE = re.compile(r"(?:https?://www\.opengis\.net/def/crs/EPSG/(?:0|[\d.]+)/|urn:ogc:def:crs:EPSG:[\d.]*:|EPSG:)(\d{4,6})")
CRS84_NAMES = (CRS84, CRS84.replace("http:", "https:"), "urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84", "CRS84")


@dataclass(frozen=True)
class Served:
    """A CRS of answers and filters; code 84 is CRS84: WGS 84, longitude first."""

    code: int

    @property
    def uri(self) -> str:
        """Its name in addresses and heads."""
        return CRS84 if self.code == 84 else EPSG.format(self.code)

    @cached_property
    def _crs(self) -> CRS:
        return CRS.from_epsg(4326 if self.code == 84 else self.code)

    @property
    def geographic(self) -> bool:
        """Whether its coordinates are degrees."""
        return bool(self._crs.is_geographic)

    @cached_property
    def north_first(self) -> bool:
        """Whether latitude or northing comes first."""
        return self.code != 84 and self._crs.axis_info[0].direction == "north"

    @cached_property
    def _there(self) -> Transformer | None:
        if self.geographic:
            return None
        geodetic = self._crs.geodetic_crs
        chinese = geodetic is not None and geodetic.to_epsg() == 4490
        return Transformer.from_crs(geodetic if chinese else CRS.from_epsg(4326), self._crs, always_xy=True)

    def of_wgs84(self, geometries: Any) -> Any:
        """Geometries of WGS 84 (longitude first) in this CRS and its order of axes. Z stays as it is."""
        if self.code == 84:
            return geometries
        there, swapped = self._there, self.north_first

        def across(at: np.ndarray) -> np.ndarray:
            x, y = (at[:, 0], at[:, 1]) if there is None else there.transform(at[:, 0], at[:, 1])
            return np.column_stack(((y, x) if swapped else (x, y)) + ((at[:, 2],) if at.shape[1] == 3 else ()))

        return _with_z(geometries, across)

    def to_wgs84(self, geometries: Any) -> Any:
        """Geometries of this CRS in WGS 84, longitude first. Raises ValueError for what lies outside of the earth."""
        there, swapped = self._there, self.north_first

        def across(at: np.ndarray) -> np.ndarray:
            x, y = (at[:, 1], at[:, 0]) if swapped else (at[:, 0], at[:, 1])
            if there is not None:
                x, y = there.transform(x, y, direction="INVERSE")
            return np.column_stack((x, y, *((at[:, 2],) if at.shape[1] == 3 else ())))

        found = geometries if self.code == 84 else _with_z(geometries, across)
        bounds = shapely.total_bounds(found)
        if not (np.isfinite(bounds).all() and bounds[0] >= -180 and bounds[2] <= 180 and bounds[1] >= -90 and bounds[3] <= 90):
            raise ValueError(
                f"coordinates of {self.uri} on the earth, {'latitude or northing' if swapped else 'easting'} first"
            )
        return found

    def box(self, corners: Sequence[float]) -> Any:
        """A box of two corners of this CRS as a geometry of WGS 84; where the west is the greater it crosses the antimeridian.

        Raises ValueError where it is none."""
        if not all(map(math.isfinite, corners)):
            raise ValueError("finite numbers")
        first, second, third, fourth = corners
        west, south, east, north = (second, first, fourth, third) if self.north_first else (first, second, third, fourth)
        if south > north or (west > east and not self.geographic):
            raise ValueError("the lower corner first")
        if not self.geographic:
            edge = shapely.segmentize(shapely.box(*corners), max(east - west, north - south, 1e-6) / 16)
            return self.to_wgs84(edge)
        if not (-180 <= west <= 180 and -180 <= east <= 180 and south >= -90 and north <= 90):
            raise ValueError("degrees: longitudes from -180 to 180, latitudes from -90 to 90")
        if west <= east:
            return shapely.box(west, south, east, north)
        return shapely.MultiPolygon([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])


def _with_z(geometries: Any, across: Any) -> Any:
    flat = ~np.asarray(shapely.has_z(geometries))
    if flat.all():
        return shapely.transform(geometries, across)
    if not flat.any():
        return shapely.transform(geometries, across, include_z=True)
    found = np.array(geometries, dtype=object)
    found[flat] = shapely.transform(found[flat], across)
    found[~flat] = shapely.transform(found[~flat], across, include_z=True)
    return found


@lru_cache(maxsize=64)
def _of(code: int) -> Served:
    return Served(code)


def served(metric: int | None = None) -> list[Served]:
    """The CRSs that are served: CRS84 first, then the usual ones, then the metric one of a district (EPSG)."""
    return [_of(code) for code in (84, *ALWAYS, *((metric,) if metric and metric not in ALWAYS else ()))]


def named(uri: str, known: Sequence[Served]) -> Served | None:
    """The CRS of a URI (of a URN, or EPSG:code), where it is served."""
    if uri in CRS84_NAMES:
        return known[0]
    found = CODE.fullmatch(uri)
    return next((each for each in known if found and each.code == int(found[1])), None)
