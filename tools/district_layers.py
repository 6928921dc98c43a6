"""Layers of the sample district: the outline of Changping, and stand-in geometry for zones and buildings."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

AXIS, ECCENTRICITY = 6_378_245.0, 0.00669342162296594323  # Krasovsky 1940, as the GCJ-02 shift uses it
OUTLINED = {"110114": "Changping District"}  # by adcode; the first one holds the zones
MAP_DATA = {
    "origin": "reported",
    "source": "Apache ECharts 4.9.0 map data (Apache-2.0), grid of about 100 m; very probably GCJ-02, converted to WGS 84",
}


def gcj_shift(longitude: float, latitude: float) -> tuple[float, float]:
    """The shift [degree] of GCJ-02 against WGS 84 at a place in China, by the formula in wide use (no official publication)."""
    x, y = longitude - 105.0, latitude - 35.0
    wave = 20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + wave * 2 / 3
    north += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + wave * 2 / 3
    east += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    radians = latitude / 180 * math.pi
    magic = 1 - ECCENTRICITY * math.sin(radians) ** 2
    north = north * 180 / ((AXIS * (1 - ECCENTRICITY)) / (magic * math.sqrt(magic)) * math.pi)
    east = east * 180 / (AXIS / math.sqrt(magic) * math.cos(radians) * math.pi)
    return east, north


def to_wgs84(position: list[float]) -> list[float]:
    """WGS 84 of a position in GCJ-02, by iteration until it is stable to 1e-9 degrees."""
    longitude, latitude = position
    for _ in range(10):
        east, north = gcj_shift(longitude, latitude)
        longitude, latitude = position[0] - east, position[1] - north
    return [round(longitude, 6), round(latitude, 6)]


def without_touching(ring: list[list[float]]) -> list[list[float]]:
    """A ring without the loops that close at a vertex it has visited before; the largest part of it stays."""
    kept: list[list[float]] = []
    for position in ring[:-1]:
        if position in kept:
            at = kept.index(position)
            if len(kept) - at < len(ring) / 2:
                del kept[at + 1 :]
                continue
        kept.append(position)
    return [*kept, kept[0]]


def write_layers(shared: Path, here: Path, zones: list[tuple]) -> None:
    """outline.geojson (real, coarse) and zones.geojson (stand-in, to scale of the report's areas).

    Raises RuntimeError where a schematic zone does not lie within the outline of Changping.
    """
    source = json.loads((shared / "data" / "map" / "beijing_districts.geojson").read_text(encoding="utf-8"))
    mended, features = [], []
    for adcode, name_en in OUTLINED.items():
        found = next(f for f in source["features"] if f["properties"]["adcode"] == adcode)
        geometry = found["geometry"]
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        shapes = [[[to_wgs84(p) for p in without_touching(ring)] for ring in polygon] for polygon in polygons]
        mended = mended or shapes
        properties = {"name_zh": found["properties"]["name"], "name_en": name_en, "adcode": adcode, **MAP_DATA}
        geometry = {"type": "MultiPolygon", "coordinates": shapes}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    save(here / "layers" / "outline.geojson", features)
    boxes = rectangles(zones)
    outside = [name for name, box in boxes.items() if not all(inside(place, mended) for place in along(box))]
    if outside:
        raise RuntimeError(f"schematic zones outside of Changping: {outside}")
    features = [
        {
            "type": "Feature",
            "properties": {
                "zone": zone[0],
                "name_zh": zone[2],
                "name_en": zone[3],
                "origin": "stand-in",
                "source": "schematic rectangle to scale of the report's area; the report prints no geometry",
            },
            "geometry": {"type": "Polygon", "coordinates": [ring(*boxes[zone[0]])]},
        }
        for zone in zones
        if zone[0] in boxes
    ]
    save(here / "layers" / "zones.geojson", features)


def building_places(zones: list[tuple], zone_of: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Schematic longitude and latitude [degree] of each building: on a grid within the rectangle of its zone."""
    boxes, places = rectangles(zones), {}
    for building, zone in zone_of.items():
        west, south, east, north = boxes[zone]
        number = int(building[-2:]) - 1
        longitude = west + (east - west) * (0.15 + 0.175 * (number % 5))
        places[building] = (round(longitude, 6), round(south + (north - south) * (0.3 + 0.4 * (number // 5)), 6))
    return places


def rectangles(zones: list[tuple]) -> dict[str, tuple[float, float, float, float]]:
    """West, core and east side by side within Changping, all of one height, widths to scale [degree]."""
    south, height = 40.14, 8_500.0  # [degree], [m]
    degree = 111_320.0  # [m] of latitude
    areas = {zone[0]: zone[4] for zone in zones}
    west, boxes = 116.22, {}
    for name in ("west", "core", "east"):
        width = areas[name] / height / (degree * math.cos(math.radians(south)))
        boxes[name] = (round(west, 6), south, round(west + width, 6), round(south + height / degree, 6))
        west += width
    return boxes


def along(box: tuple[float, float, float, float], steps: int = 200) -> list[tuple[float, float]]:
    """Places along the edges of a box, close enough together to find an outline that cuts it."""
    west, south, east, north = box
    shares = [step / steps for step in range(steps + 1)]
    across = [(west + (east - west) * share, edge) for share in shares for edge in (south, north)]
    return across + [(edge, south + (north - south) * share) for share in shares for edge in (west, east)]


def inside(place: tuple[float, float], polygons: list[list[list[list[float]]]]) -> bool:
    """Whether a place lies within polygons: an odd number of edges lies to its east (holes count by themselves)."""
    x, y = place
    odd = False
    for (x0, y0), (x1, y1) in (pair for polygon in polygons for ring in polygon for pair in pairwise(ring)):
        if (y0 > y) != (y1 > y) and x < x0 + (x1 - x0) * (y - y0) / (y1 - y0):
            odd = not odd
    return odd


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    """The closed ring of a box, counter-clockwise."""
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def save(file: Path, features: list[dict]) -> None:
    """A FeatureCollection, one feature a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    file.write_text('{"type": "FeatureCollection", "features": [\n' + lines + "\n]}\n", encoding="utf-8")
