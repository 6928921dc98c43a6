"""Conflicts between plans on the map."""

from __future__ import annotations

import json
from typing import Any

import shapely

from scicity.domains.planning.pages import asked

LAYERS = {"conflicts": ("规划冲突", "Conflicts between plans")}


def features(city: Any, name: str, language: str) -> list[dict[str, Any]]:
    """The largest conflicts that are no slivers, as GeoJSON."""
    if name not in LAYERS:
        return []
    rows = city.rows("planning.conflict", where={"piece_kind": "conflict"})
    rows = sorted(rows, key=lambda row: (-row["conflict_area"], row["conflict"]))[: asked.DRAWN]
    known, rules = asked.plans(city), asked.lines(city)
    return [feature(row, known, rules, language) for row in rows]


def feature(row: Any, known: dict[str, Any], rules: dict[str, Any], language: str) -> dict[str, Any]:
    """A conflict as a GeoJSON feature that leads to its page."""
    at = 0 if language == "zh" else 1
    plan = known.get(row["plan"])
    mine = (plan["name_zh"], plan["name_en"]) if plan else (row["plan"],) * 2
    return {
        "type": "Feature",
        "geometry": json.loads(shapely.to_geojson(shapely.from_wkb(row["geometry"]))),
        "properties": {
            "id": row["conflict"],
            "kind": "conflict",
            "label": f"{mine[at]} × {asked.other(row, known, rules)[at]}",
            "origin": "stand-in" if row["stand_in"] else "modelled",
            "zone": row["zone"],
            "url": f"/planning/conflicts/{row['conflict']}/",
        },
    }
