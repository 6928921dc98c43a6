"""Buildings that break the heights around sites, on the map."""

from __future__ import annotations

import json
from typing import Any

import shapely

from scicity.domains.heritage.pages import asked

LAYERS = {"breaches": ("超高建筑（文物周边）", "Too high near heritage")}
MOST = 1_000


def features(city: Any, name: str, language: str) -> list[dict[str, Any]]:
    """The buildings that break a rule on the newest day of the accounts, as GeoJSON, each with the worst."""
    chosen = asked.day_of(asked.days(city), "", asked.today(city))
    if name not in LAYERS or chosen is None:
        return []
    worst: dict[str, dict[str, Any]] = {}
    for entry in asked.checks(city, chosen["day"], breaking=True):
        worst.setdefault(entry["row"]["feature"], entry)
    return [_feature(entry, language) for entry in list(worst.values())[:MOST]]


def _feature(entry: dict[str, Any], language: str) -> dict[str, Any]:
    row, built = entry["row"], entry["building"]
    named = (built["name_zh"] if language == "zh" else built["name_en"]) if built else None
    return {
        "type": "Feature",
        "geometry": json.loads(shapely.to_geojson(shapely.from_wkb(row["geometry"]))),
        "properties": {
            "id": row["feature"],
            "kind": "breach",
            "label": f"{named or row['feature']} +{row['excess_height']:.1f} m",
            "origin": "stand-in" if row["stand_in"] else "modelled",
            "zone": row["zone"],
            "url": f"/heritage/sites/{row['site']}/",
        },
    }
