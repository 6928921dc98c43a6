"""A square fort with a few buildings around it, drawn in whole metres, a range, and a view from a bridge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from scicity.city import City
from scicity.space.ground import Ground

GROUND = Ground("EPSG:4548")  # CGCS2000 / 3-degree Gauss-Krüger CM 117E
EAST, NORTH = 448_000.0, 4_447_000.0

SITES = """site,zone,name_zh,name_en,protection_level,era_zh,era_en,built_year,stated_area,reuse_zh,reuse_en,responsible_zh,\
responsible_en,document,review,origin,source,note_zh,note_en
fort,,堡,Fort,city,明,Ming,1537,1000000,,,,,,unverified,reported,C264,,
bridge,,桥,Bridge,city,明,Ming,1447,,,,,,,unverified,reported,C265,,
"""
RULES = """height_rule,site,name_zh,name_en,rule_form,distance_from,distance_to,range_class,permitted_height,height_slope,\
applies_to,valid_from,valid_to,document,clause,review,origin,source
near,fort,近,Near,step,0,100,,9,,all,2015-01-01,,x,,stand-in,stand-in,x
middle,fort,中,Middle,step,100,300,,18,,all,2015-01-01,,x,,stand-in,stand-in,x
far,fort,远,Far,slope,300,800,,18,0.06,all,2015-01-01,,x,,stand-in,stand-in,x
core,fort,核心,Core,no_building,,,protection,,,new,2015-01-01,,x,,stand-in,stand-in,x
"""
VIEWS = """corridor,site,name_zh,name_en,eye_height,target_height,eye_width,target_width,eye_ground,target_ground,\
valid_from,valid_to,document,clause,review,origin,source
bridge-fort,fort,桥望堡,Bridge to fort,1.6,11.6,40,40,40,50,2015-01-01,,x,,stand-in,stand-in,x
"""
DAYS = "day,name_zh,name_en,source\n2014-12-31,前,before,x\n2024-12-31,现状,now,x\n2035-12-31,规划,planned,x\n"
REGISTERS = {"heritage_sites": SITES, "height_rules": RULES, "view_corridors": VIEWS, "account_days": DAYS}


def square(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle in metres from the corner, in degrees."""
    return _there(shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north))


def line(*corners: tuple[float, float]) -> Any:
    """A line through corners in metres, in degrees."""
    return _there(shapely.LineString([(EAST + x, NORTH + y) for x, y in corners]))


def _there(shape: Any) -> Any:
    return GROUND.lonlat(np.array([shape], dtype=object))[0]


def collection(*features: tuple[str, Any, dict[str, Any]]) -> str:
    """A GeoJSON file of features: name, shape in degrees, attributes."""
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"feature": name, "origin": "measured"} | more,
                    "geometry": json.loads(shapely.to_geojson(shape)),
                }
                for name, shape, more in features
            ],
        }
    )


LAYERS = {
    "zones": collection(("west", square(-2000, -2000, 3000, 3000), {})),
    "heritage-sites": collection(("fort", square(0, 0, 1000, 1000), {}), ("bridge", line((-900, 500), (-860, 500)), {})),
    "protection-ranges": collection(("r", square(-20, -20, 1020, 1020), {"feature_class": "protection", "site": "fort"})),
    "view-corridors": collection(("bridge-fort", line((-900, 500), (100, 500)), {})),
    "buildings": collection(
        ("hall", square(400, 400, 420, 420), {"height": 12.0, "elevation": 50.0, "valid_to": "2014-06-01T00:00:00Z"}),
        ("house", square(1050, 0, 1070, 20), {"height": 12.0, "elevation": 50.0}),
        ("office", square(1101, 0, 1121, 20), {"height": 18.0, "elevation": 50.0}),
        ("tower", square(1500, 0, 1520, 20), {"height": 40.0, "elevation": 50.0}),
        ("plan", square(1200, 0, 1220, 20), {"height": 30.0, "elevation": 50.0, "valid_from": "2030-01-01T00:00:00Z"}),
        ("kiosk", square(500, 500, 505, 505), {"height": 3.0, "elevation": 50.0, "valid_from": "2020-01-01T00:00:00Z"}),
        ("shed", square(1060, 400, 1065, 410), {}),
        ("mill", square(-400, 490, -380, 510), {"height": 20.0, "elevation": 42.0}),
    ),
}


class SmallHeritage:
    """The district's folder and its city; `registers` and `layers` in place of those above, an empty text for none."""

    def __init__(self, root: Path, registers: dict[str, str] | None = None, layers: dict[str, str] | None = None) -> None:
        folder = root / "district"
        zones = "".join(f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\n' for z in ("district", "west"))
        about = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        for part in ("registers", "layers"):
            (folder / part).mkdir(parents=True)
        (folder / "district.toml").write_text(about + zones, encoding="utf-8")
        files = {f"registers/{name}.csv": text for name, text in (REGISTERS | (registers or {})).items()}
        files |= {f"layers/{name}.geojson": text for name, text in (LAYERS | (layers or {})).items()}
        for place, text in files.items():
            if text:
                (folder / place).write_text(text, encoding="utf-8")
        self.city = City(folder, root / "state")

    def rows(self, table: str, **asked: Any) -> list[dict[str, Any]]:
        """The rows of a table, brought up to date."""
        self.city.compute(only=table)
        return self.city.figures.rows(table, **asked)
