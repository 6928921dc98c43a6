"""Lengths between points: along the ellipsoid, or in a plane."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Transformer

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WGS84 = Geod(ellps="WGS84")
HOW = ("geodesic", "plane")


def geodesic(longitude: Floats, latitude: Floats, longitude_to: Floats, latitude_to: Floats) -> Floats:
    """Lengths [m] of the shortest lines on the WGS 84 ellipsoid between points [degrees], of shape (points,).

    Source: C. F. F. Karney, Algorithms for geodesics, doi:10.1007/s00190-012-0578-z (PROJ has them).
    """
    if not len(longitude):
        return np.zeros(0)
    return np.asarray(WGS84.inv(longitude, latitude, longitude_to, latitude_to)[2], dtype=np.float64)


def flattened(longitude: Floats, latitude: Floats, centre: tuple[float, float]) -> Floats:
    """Points [degrees] in a plane that touches the ellipsoid at `centre` (longitude, latitude): [m], of shape (points, 2).

    Azimuthal and true to distances from the centre; 30 km away lengths are long by at most some 4 millionths.
    Source: J. P. Snyder, Map Projections, USGS Professional Paper 1395, chapter 25 (PROJ's `aeqd`).
    """
    east, north = _plane(centre).transform(longitude, latitude)
    return np.column_stack([np.asarray(east, dtype=np.float64), np.asarray(north, dtype=np.float64)])


def raised(east: Floats, north: Floats, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """The longitudes and latitudes [degrees] of points in that plane [m]. Source: as `flattened`."""
    longitude, latitude = _plane(centre).transform(east, north, direction="INVERSE")
    return np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)


def true_to_area(longitude: Floats, latitude: Floats, centre: tuple[float, float]) -> Floats:
    """Points [degrees] in a plane in which areas are those of the ellipsoid: [m], of shape (points, 2).

    Source: J. P. Snyder, Map Projections, USGS Professional Paper 1395, chapter 24 (PROJ's `laea`).
    """
    east, north = _plane(centre, "laea").transform(longitude, latitude)
    return np.column_stack([np.asarray(east, dtype=np.float64), np.asarray(north, dtype=np.float64)])


@lru_cache(maxsize=32)
def _plane(centre: tuple[float, float], name: str = "aeqd") -> Transformer:
    there = f"+proj={name} +lon_0={centre[0]!r} +lat_0={centre[1]!r} +ellps=WGS84 +units=m"
    return Transformer.from_crs("EPSG:4326", there, always_xy=True)
