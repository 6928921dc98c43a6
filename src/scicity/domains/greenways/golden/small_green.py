"""A district of two zones of a square kilometre each with parks, people, streets and greenways drawn in whole metres."""

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

DAYS = "day,name_zh,name_en,source\n2018-12-31,前,before,x\n2024-12-31,现状,now,x\n"
CLAIMS = """claim_id,green_measure,zone,park_class,assumed_zh,assumed_en
G1,greenway_length,,,,
G2,slow_density,west,,,
G3,park_area,,,,
"""
STATEMENTS = """document,claim_id,section,topic,subject_zh,subject_en,measure_en,comparator,value,value_high,unit,\
value_reported,unit_reported,stated_period,baseline_period,quote_zh,status,line
r.txt,G1,1,green,绿道,greenways,greenway_length,=,3000,,m,3,公里,,,3 公里,actual,1
r.txt,G2,1,transport,密度,density,slow_traffic_road_density,over,0.004,,m/m2,4,公里/平方公里,,,4 公里,actual,2
r.txt,G3,1,green,公园,parks,park_area,=,250000,,m2,25,公顷,,,25 公顷,actual,3
"""
REGISTERS = {"registers/account_days": DAYS, "registers/green_claims": CLAIMS, "statements/r": STATEMENTS}


def square(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle in metres from the corner, in degrees."""
    return _there(shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north))


def line(*corners: tuple[float, float]) -> Any:
    """A line through corners in metres, in degrees."""
    return _there(shapely.LineString([(EAST + x, NORTH + y) for x, y in corners]))


def _there(shape: Any) -> Any:
    return GROUND.lonlat(shapely.segmentize(np.array([shape], dtype=object), 10.0))[0]  # straight in metres, not in degrees


def collection(*features: tuple[str, Any, dict[str, Any]]) -> str:
    """A GeoJSON file of features: name, shape in degrees, attributes."""
    found = []
    for name, shape, more in features:
        about = {"feature": name, "origin": "measured"} | more
        found.append({"type": "Feature", "properties": about, "geometry": json.loads(shapely.to_geojson(shape))})
    return json.dumps({"type": "FeatureCollection", "features": found})


def kind(name: str, **more: Any) -> dict[str, Any]:
    """The class of a feature, and further attributes."""
    return {"feature_class": name} | more


LAYERS = {
    "zones": collection(("west", square(0, 0, 1000, 1000), {}), ("east", square(1000, 0, 2000, 1000), {})),
    "parks": collection(
        ("big", square(0, 0, 500, 500), kind("city")),
        ("small", square(1500, 500, 1520, 520), kind("pocket", valid_from="2020-01-01T00:00:00Z")),
        ("odd", square(970, 0, 1010, 10), kind("zoo", valid_to="2020-01-01T00:00:00Z")),
    ),
    "green-space": collection(("lawn", square(400, 0, 600, 500), kind("lawn"))),
    "population": collection(
        ("p1", square(0, 0, 1000, 1000), {"residents": 1000}),
        ("p2", square(1000, 0, 2000, 1000), {"residents": 500}),
        ("p3", square(5000, 0, 6000, 1000), {"residents": 77}),
    ),
    "streets": collection(
        ("a", line((0, 500), (2000, 500)), kind("primary", shade="yes")),
        ("a2", line((2000, 512), (0, 512)), kind("primary")),
        ("a3", line((0, 520), (2000, 520)), kind("footway", shade=0.5)),
        ("m", line((0, 900), (2000, 900)), kind("motorway")),
        ("p", line((200, 0), (200, 400)), kind("footway")),
        ("c", line((300, 0), (300, 400)), kind("residential", foot="no")),
        ("n", line((400, 0), (400, 400)), kind("residential", foot="no", bicycle="no")),
    ),
    "greenways": collection(
        ("w", line((0, 800), (2500, 800)), kind("waterfront")), ("w2", line((0, 808), (1000, 808)), kind("waterfront"))
    ),
    "control-lines": collection(("g", square(0, 0, 500, 1000), kind("urban growth", valid_from="2020-01-01T00:00:00Z"))),
}


class SmallGreen:
    """The district's folder and its city; `files` and `layers` in place of those above, an empty text for none."""

    def __init__(self, root: Path, files: dict[str, str] | None = None, layers: dict[str, str] | None = None) -> None:
        folder = root / "district"
        zones = "".join(
            f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\nresidents = {n}\n'
            for z, n in (("district", 2000), ("west", 1500), ("east", 500))
        )
        about = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        for part in ("registers", "layers", "statements"):
            (folder / part).mkdir(parents=True)
        (folder / "district.toml").write_text(about + zones, encoding="utf-8")
        texts = {f"{name}.csv": text for name, text in (REGISTERS | (files or {})).items()}
        texts |= {f"layers/{name}.geojson": text for name, text in (LAYERS | (layers or {})).items()}
        for place, text in texts.items():
            if text:
                (folder / place).write_text(text, encoding="utf-8")
        self.city = City(folder, root / "state")

    def rows(self, table: str, **asked: Any) -> list[dict[str, Any]]:
        """The rows of a table, brought up to date."""
        self.city.compute(only=table)
        return self.city.figures.rows(table, **asked)
