"""Coordinate reference systems: known or refused, and from each the way to WGS 84, longitude before latitude.

CGCS2000 (EPSG:4490, its Gauss-Krüger zones) and WGS 84 differ by centimetres to some decimetres and are taken as one. GCJ-02
and BD-09 are no datums but a deliberate shift by some hundred metres, of which no official formula is published: they are
undone by the inverse of the formula that all open programs use, and what was undone is marked. Beijing 1954 and Xi'an 1980
are refused: their parameters are not public, and a wrong set is wrong by up to a hundred metres.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError

from scicity.kernel.problems import Problems

WGS84 = CRS.from_epsg(4326)
GCJ02, BD09 = "GCJ-02", "BD-09"
CHINA = (73.62, 16.7, 134.77, 53.56)  # degrees: the area of use that EPSG gives CGCS2000
SHIFTED = (72.004, 0.8293, 137.8347, 55.8271)  # degrees: where GCJ-02 differs from WGS 84
ACCURATE = 25.0  # metres: a way to WGS 84 that is worse is none
FAR = 3.0  # degrees outside of the area of use of a CRS beyond which a place cannot be meant
SECRET = re.compile(r"beijing[ _-]?19?54|xi.?an[ _-]?19?80|北京54|西安80", re.IGNORECASE)
CHINESE = re.compile(r"china[ _]2000|cgcs[ _]?2000|china[ _]geodetic[ _]coordinate[ _]system", re.IGNORECASE)
GCJ = re.compile(r"gcj[ _-]*(20)?02|火星坐标", re.IGNORECASE)
BD = re.compile(r"bd[ _-]*09|百度坐标", re.IGNORECASE)
MERCATOR = re.compile(r"bd[ _-]*09[ _-]*mc", re.IGNORECASE)


class UnknownCrs(ValueError):  # noqa: N818  (as `Refused`)
    """A coordinate reference system that is not known, or from which no way leads to WGS 84 that can be trusted."""


@dataclass(frozen=True)
class Reference:
    """What coordinates of a file mean. `shifted` is GCJ-02 or BD-09 where they are so, else empty."""

    name: str
    crs: CRS
    shifted: str = ""

    @cached_property
    def _across(self) -> Transformer | None:
        return None if self.crs == WGS84 else _transformer(self.crs)

    @property
    def plain(self) -> bool:
        """Whether coordinates are WGS 84 as they stand."""
        return self._across is None and not self.shifted

    def to_wgs84(self, geometry: np.ndarray) -> np.ndarray:
        """Geometries in WGS 84, longitude before latitude; infinite where that cannot be. Z stays as it is."""
        if self.plain:
            return geometry
        return transformed(geometry, self._converted)

    def _converted(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._across is not None:
            x, y = self._across.transform(x, y)
        if self.shifted == BD09:
            x, y = gcj_of_bd(x, y)
        if self.shifted:
            x, y = wgs_of_gcj(x, y)
        return x, y

    def far_outside(self, bounds: np.ndarray) -> np.ndarray:
        """Which bounds (WGS 84 degrees, rows of west, south, east, north) lie where this CRS cannot be meant."""
        area = self.crs.area_of_use
        if area is None or not self.crs.is_projected or area.west > area.east:
            return ~np.isfinite(bounds).all(axis=1)
        west, south, east, north = area.bounds
        inside = (bounds[:, 2] >= west - FAR) & (bounds[:, 0] <= east + FAR)
        inside &= (bounds[:, 3] >= south - FAR) & (bounds[:, 1] <= north + FAR)
        return ~(inside & np.isfinite(bounds).all(axis=1))


def transformed(geometry: np.ndarray, across: Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]]) -> np.ndarray:
    """Geometries whose x and y are converted; those with Z keep it."""
    found = geometry.copy()
    deep = shapely.has_z(geometry)
    for has_z in (False, True):
        chosen = deep == has_z
        if chosen.any():
            found[chosen] = shapely.transform(
                geometry[chosen],
                lambda at: np.column_stack([*across(at[:, 0], at[:, 1]), *at.T[2:]]),
                include_z=has_z,
            )
    return found


def reference(told: Any) -> Reference:
    """The reference system that a text tells: an EPSG code, WKT, PROJJSON, or GCJ-02, BD-09. Raises UnknownCrs."""
    text = told if isinstance(told, str) else repr(told)
    if not text.strip() or len(text) > 100_000:
        raise UnknownCrs("a CRS without a name")
    return _reference(text.strip()) if isinstance(told, str) else _reference_of(told)


@lru_cache(maxsize=256)
def _reference(text: str) -> Reference:
    return _reference_of(text)


def _reference_of(told: Any) -> Reference:
    head = (told if isinstance(told, str) else str(told.get("name", "")) if isinstance(told, Mapping) else "")[:200]
    if MERCATOR.search(head):
        raise UnknownCrs("BD-09MC, of which no formula is published")
    for name, pattern in ((GCJ02, GCJ), (BD09, BD)):
        if pattern.search(head):
            return Reference(name, WGS84, name)
    try:
        crs = CRS.from_user_input(dict(told) if isinstance(told, Mapping) else told)
    except (CRSError, TypeError, ValueError) as error:
        raise UnknownCrs(str(error)[:200]) from None
    if crs.is_compound:
        crs = crs.sub_crs_list[0]  # heights stay as they are
    code = crs.to_epsg(min_confidence=70)
    if crs.name in ("WGS 84", "WGS 84 (CRS84)", "WGS 84 longitude-latitude", "WGS84") or code in (4326, 4979):
        return Reference(f"EPSG:{code}" if code else "OGC:CRS84", WGS84)
    name = f"EPSG:{code}" if code else crs.name
    _transformer(crs)
    return Reference(name, CRS.from_epsg(code) if code else crs)


@lru_cache(maxsize=64)
def _transformer(crs: CRS) -> Transformer:
    geodetic = crs.geodetic_crs
    if geodetic is None:
        raise UnknownCrs(f"{crs.name}, a local system without a place on the earth")
    datum = " ".join((crs.name, geodetic.name, geodetic.datum.name if geodetic.datum else ""))
    if SECRET.search(datum):
        raise UnknownCrs(f"{crs.name}, whose parameters are not public: have it converted to CGCS2000 by who keeps it")
    chinese = CHINESE.search(datum) or geodetic.to_epsg(min_confidence=70) in (4490, 4480, 4479)
    try:
        across = Transformer.from_crs(crs, geodetic if chinese else WGS84, always_xy=True, allow_ballpark=bool(chinese))
    except ProjError:
        raise UnknownCrs(f"{crs.name}, from which no accurate way leads to WGS 84") from None
    if across.accuracy > ACCURATE:
        raise UnknownCrs(f"{crs.name}, from which the way to WGS 84 is only known to {across.accuracy:.0f} m")
    return across


def known(told: Any, place: str, problems: Problems, seen: tuple[float, float] | None = None) -> Reference | None:
    """The reference system of a file; None with its problem where it is unknown. `seen` is a position there, to guess by."""
    try:
        if told:
            return reference(told)
        found = "none"
    except UnknownCrs as error:
        found = str(error)
    guess = f" Its first position {seen[0]:.12g}, {seen[1]:.12g} looks like {guess_of(*seen)}." if seen else ""
    expected = "a CRS that is known, in the file or in the column crs of registers/layers.csv: an EPSG code, GCJ-02 or BD-09."
    problems.add("crs", place, field="crs", found=found, expected=expected + guess)
    return None


def guess_of(x: float, y: float) -> str:
    """What coordinates may be, by their size: a hint for people, never a decision.

    Source: the false eastings of EPSG:4491 to EPSG:4554 (zone number × 1,000,000 m + 500,000 m)."""
    if abs(x) <= 180 and abs(y) <= 90:
        inside = CHINA[0] <= x <= CHINA[2] and CHINA[1] <= y <= CHINA[3]
        return "degrees: EPSG:4490 or EPSG:4326" + (", or GCJ-02, BD-09 where it comes from a web map" if inside else "")
    if abs(y) <= 180 and abs(x) <= 90:
        return "degrees, latitude before longitude: swap them"
    for east, north, swapped in ((x, y, ""), (y, x, ", northing before easting: swap them")):
        if 1.8e6 <= north <= 6e6:
            zone = int(east // 1e6)
            if 25 <= zone <= 45:
                return f"CGCS2000 3-degree zone {zone}: EPSG:{4513 + zone - 25}{swapped}"
            if 13 <= zone <= 23:
                return f"CGCS2000 6-degree zone {zone}: EPSG:{4491 + zone - 13}{swapped}"
            if 1e5 <= east < 9e5:
                return f"CGCS2000 Gauss-Krüger without the zone's number: EPSG:4534 to EPSG:4554 by its meridian{swapped}"
    if 8e6 <= x <= 1.51e7 and 1.8e6 <= y <= 7.1e6:
        return "Web Mercator: EPSG:3857"
    return "a plane system in metres"


def check_setting(settings: Mapping[str, Any], problems: Problems) -> None:
    """Refuses a `[space] crs` that is none, or not in metres."""
    about = settings.get("space", {})
    told = about.get("crs") if isinstance(about, Mapping) else about
    if told is None:
        return
    try:
        metric(0, 0, told if isinstance(told, str) else f"not a text: {told!r}")
    except UnknownCrs as error:
        expected = "a CRS in metres, such as EPSG:4548"
        problems.add("value", "district.toml", field="space.crs", found=error, expected=expected)


# --- GCJ-02 and BD-09 ---

KRASSOVSKY = (6_378_245.0, 0.00669342162296594323)  # half axis [m], squared eccentricity, as the formula has them
TURN_BD = np.pi * 3000 / 180


def _shift(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shift of GCJ-02 [degrees] at a place in WGS 84, wherever it is."""
    x, y, axis, eccentricity = longitude - 105.0, latitude - 35.0, *KRASSOVSKY
    root = np.sqrt(np.abs(x))
    both = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + both
    north += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi / 3 * y)) * 2 / 3
    north += (160 * np.sin(np.pi / 12 * y) + 320 * np.sin(np.pi / 30 * y)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + both
    east += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi / 3 * x)) * 2 / 3
    east += (150 * np.sin(np.pi / 12 * x) + 300 * np.sin(np.pi / 30 * x)) * 2 / 3
    at = np.radians(latitude)
    bulge = 1 - eccentricity * np.sin(at) ** 2
    meridian = axis * (1 - eccentricity) / (bulge * np.sqrt(bulge))
    return np.degrees(east / (axis / np.sqrt(bulge) * np.cos(at))), np.degrees(north / meridian)


def _within(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    west, south, east, north = SHIFTED
    inside: np.ndarray = (longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)
    return inside


def gcj_of_wgs(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """GCJ-02 of WGS 84 [degrees]; outside of the box around China they are one.

    Source: no official text; the formula as `eviltransform` (MIT) and its kin have it, with whose values it is compared."""
    longitude, latitude = np.asarray(longitude, float), np.asarray(latitude, float)
    inside = _within(longitude, latitude)
    east, north = _shift(longitude, latitude)
    return np.where(inside, longitude + east, longitude), np.where(inside, latitude + north, latitude)


def wgs_of_gcj(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """WGS 84 of GCJ-02 [degrees], to 1e-9 degree: the place whose shift leads here, found by repeating.

    Source: as `gcj_of_wgs`; each step takes the shift at the place found before, which differs by a small part of it."""
    longitude, latitude = np.asarray(longitude, float), np.asarray(latitude, float)
    inside = _within(longitude, latitude)
    x, y = np.where(inside, longitude, 105.0), np.where(inside, latitude, 35.0)
    target_x, target_y = x.copy(), y.copy()
    for _ in range(30):
        east, north = _shift(x, y)
        step_x, step_y = target_x - east - x, target_y - north - y
        x, y = x + step_x, y + step_y
        if not x.size or max(np.abs(step_x).max(), np.abs(step_y).max()) < 1e-12:
            break
    return np.where(inside, x, longitude), np.where(inside, y, latitude)


def bd_of_gcj(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """BD-09 of GCJ-02 [degrees]. Source: as `gcj_of_wgs`."""
    x, y = np.asarray(longitude, float), np.asarray(latitude, float)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * TURN_BD)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * TURN_BD)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def gcj_of_bd(longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """GCJ-02 of BD-09 [degrees], to 1e-9 degree, found by repeating. Source: as `gcj_of_wgs`."""
    target_x, target_y = np.asarray(longitude, float), np.asarray(latitude, float)
    x, y = target_x - 0.0065, target_y - 0.006
    for _ in range(30):
        found_x, found_y = bd_of_gcj(x, y)
        step_x, step_y = target_x - found_x, target_y - found_y
        x, y = x + step_x, y + step_y
        if not x.size or max(np.abs(step_x).max(), np.abs(step_y).max()) < 1e-12:
            break
    return x, y


# --- the plane in which a district is measured ---


def metric(longitude: float, latitude: float, told: str | None = None) -> CRS:
    """The CRS in metres for measuring at a place: the one that is told (`[space] crs`), else the CGCS2000 3-degree zone
    in China, else the UTM zone. Raises UnknownCrs for one that is not in metres.

    Source: EPSG:4534 to EPSG:4554 (CGCS2000 / 3-degree Gauss-Krüger, meridians 75° to 135°); EPSG:32601 to 32760 (UTM)."""
    if told:
        crs = reference(told).crs
        if not crs.is_projected or any(axis.unit_conversion_factor != 1 for axis in crs.axis_info[:2]):
            raise UnknownCrs(f"{told}, which is not in metres")
        return crs
    if CHINA[0] <= longitude <= CHINA[2] and CHINA[1] <= latitude <= CHINA[3]:
        return CRS.from_epsg(4534 + round((min(max(longitude, 75), 135) - 75) / 3))
    zone = min(int((longitude + 180) // 6) + 1, 60)
    return CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


@lru_cache(maxsize=64)
def _to_plane(crs: CRS) -> Transformer:
    geodetic = crs.geodetic_crs
    chinese = geodetic is not None and geodetic.to_epsg() == 4490  # taken as WGS 84, as everywhere
    return Transformer.from_crs(geodetic if chinese else WGS84, crs, always_xy=True)


def measured(geometry: np.ndarray, crs: CRS) -> np.ndarray:
    """Geometries in WGS 84 as geometries in a metric CRS [m]; Z is left away."""
    across = _to_plane(crs)
    return shapely.transform(shapely.force_2d(geometry), lambda at: np.column_stack(across.transform(at[:, 0], at[:, 1])))
