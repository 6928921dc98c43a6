"""Layers of a district's map: GeoJSON in WGS 84, checked before it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scicity.kernel.files import plain_files, text_of
from scicity.kernel.problems import Problems

POINT_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


FILES = ("layers/*.geojson",)
LARGEST = 64 << 20  # bytes


def files_of(folder: Path, problems: Problems | None = None) -> list[Path]:
    """The GeoJSON files below a district's folder, in order; what is no plain file goes to `problems`."""
    return [file for file, _ in plain_files(folder, FILES[0], Problems() if problems is None else problems, LARGEST)]


def read(file: Path, place: str, problems: Problems) -> dict[str, Any] | None:
    """A layer as a FeatureCollection; None where it is none, with its problems (`features[0]` is the first feature)."""
    before = len(problems)
    text = text_of(file.read_bytes(), place, problems)
    if text is None:
        return None
    try:
        layer = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: JSONDecodeError, and numbers of too many digits
        problems.add("syntax", place, getattr(error, "lineno", None), found=error, expected="GeoJSON")
        return None
    if not isinstance(layer, dict) or layer.get("type") != "FeatureCollection" or not isinstance(layer.get("features"), list):
        problems.add("syntax", place, found=str(layer)[:60], expected="a GeoJSON FeatureCollection")
        return None
    for number, feature in enumerate(layer["features"]):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if not isinstance(geometry, dict) or not isinstance(kind, str) or kind not in POINT_DEPTH:
            expected = "a geometry of type " + ", ".join(POINT_DEPTH)
            problems.add("geometry", place, None, f"features[{number}].geometry", found=kind, expected=expected)
            continue
        for position in _positions(geometry.get("coordinates"), POINT_DEPTH[kind]):
            if not _on_earth(position):
                expected = "longitude from -180 to 180, latitude from -90 to 90 (WGS 84)"
                field = f"features[{number}].geometry.coordinates"
                problems.add("geometry", place, None, field, found=position, expected=expected)
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
