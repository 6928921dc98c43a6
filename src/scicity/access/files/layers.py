"""Layers of a district's map: GeoJSON in WGS 84, checked before it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scicity.kernel.problems import Problems

POINT_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


def files_of(folder: Path) -> list[Path]:
    """The GeoJSON files below a district's folder, in order."""
    return sorted((folder / "layers").glob("*.geojson"))


def read(file: Path, place: str, problems: Problems) -> dict[str, Any] | None:
    """A layer as a FeatureCollection; None where it is none, with its problems (feature numbers count from 1)."""
    before = len(problems)
    try:
        layer = json.loads(file.read_bytes().decode("utf-8"))
    except UnicodeDecodeError:
        problems.add("encoding", place, found="bytes that are not UTF-8", expected="UTF-8")
        return None
    except (json.JSONDecodeError, RecursionError) as error:
        problems.add("syntax", place, getattr(error, "lineno", None), found=str(error), expected="GeoJSON")
        return None
    if not isinstance(layer, dict) or layer.get("type") != "FeatureCollection" or not isinstance(layer.get("features"), list):
        problems.add("syntax", place, found=str(layer)[:60], expected="a GeoJSON FeatureCollection")
        return None
    for number, feature in enumerate(layer["features"], start=1):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind not in POINT_DEPTH:
            problems.add("geometry", place, number, "geometry", found=kind, expected=", ".join(POINT_DEPTH))
            continue
        for position in _positions(geometry.get("coordinates"), POINT_DEPTH[kind]):
            if not _on_earth(position):
                problems.add("geometry", place, number, "coordinates", found=position, expected="longitude, latitude in WGS 84")
                break
    return layer if len(problems) == before else None


def _positions(coordinates: Any, depth: int) -> Iterator[Any]:
    if depth == 0:
        yield coordinates
    elif isinstance(coordinates, list) and coordinates:
        for part in coordinates:
            yield from _positions(part, depth - 1)
    else:
        yield coordinates


def _on_earth(position: Any) -> bool:
    if not isinstance(position, list) or len(position) < 2:
        return False
    longitude, latitude = position[:2]
    numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in (longitude, latitude))
    return numbers and -180 <= longitude <= 180 and -90 <= latitude <= 90
