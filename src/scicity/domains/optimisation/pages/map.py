"""The energy stations on the map, each with a link to its newest day."""

from __future__ import annotations

from typing import Any

LAYERS = {"energy-stations": ("能源站", "Energy stations")}


def features(city: Any, name: str, language: str) -> list[dict[str, Any]]:
    """The stations whose place is known, as GeoJSON."""
    if name not in LAYERS:
        return []
    rows = city.rows("optimisation.energy_station", order=["energy_station"])
    return [_feature(row, language) for row in rows if row["longitude"] is not None and row["latitude"] is not None]


def _feature(row: Any, language: str) -> dict[str, Any]:
    properties = {
        "id": row["energy_station"],
        "kind": "energy-station",
        "label": row["name_zh"] if language == "zh" else row["name_en"],
        "origin": row["origin"],
        "zone": row["zone"],
        "url": f"/optimisation/stations/{row['energy_station']}/",
    }
    place = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
    return {"type": "Feature", "geometry": place, "properties": properties}
