"""Parks on the map, each with its class."""

from __future__ import annotations

import json
from typing import Any

import shapely

from scicity.domains.greenways.pages import asked

LAYERS = {"parks": ("公园（按类别）", "Parks by class")}
MOST = 2_000


def features(city: Any, name: str, language: str) -> list[dict[str, Any]]:
    """The parks that there are on the newest day of the accounts, as GeoJSON."""
    chosen = asked.day_of(asked.days(city), "", asked.today(city))
    if name not in LAYERS or chosen is None:
        return []
    shapes = {row["feature"]: row["geometry"] for row in city.rows("layer.parks", ["feature", "geometry"])}
    found = []
    for entry in asked.parks(city, chosen["day"])[:MOST]:
        row, of = entry["row"], entry["class"]
        shape = shapes.get(row["feature"])
        if shape is None:
            continue
        named = row["name_zh"] if language == "zh" else row["name_en"]
        kind = (of["name_zh"] if language == "zh" else of["name_en"]) if of else ""
        found.append(
            {
                "type": "Feature",
                "geometry": json.loads(shapely.to_geojson(shapely.from_wkb(shape))),
                "properties": {
                    "id": row["feature"],
                    "kind": "park",
                    "label": f"{named or row['feature']} · {kind}",
                    "origin": row["origin"],
                    "zone": row["zone"],
                    "url": "/greenways/#parks",
                },
            }
        )
    return found
