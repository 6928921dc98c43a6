"""One street of a kilometre with homes, a clinic, a school, stops and a park; an island of another street; a home without
any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from scicity.city import City
from scicity.space.ground import Ground

GROUND = Ground("EPSG:4548")  # CGCS2000 / 3-degree Gauss-Krüger CM 117E: true to lengths near its meridian
EAST, NORTH = 500_000.0, 4_447_000.0
SPEED = 1.11  # m/s, of `standards/travel_modes.csv`


def there(shape: Any) -> Any:
    """A shape in metres from the corner, in degrees."""
    placed = shapely.transform(shape, lambda at: at + np.array([EAST, NORTH]))
    return GROUND.lonlat(np.array([placed], dtype=object))[0]


def point(x: float, y: float = 0.0) -> Any:
    """A point."""
    return there(shapely.Point(x, y))


def line(*places: tuple[float, float]) -> Any:
    """A line."""
    return there(shapely.LineString(places))


def square(west: float, south: float, east: float, north: float) -> Any:
    """A rectangle."""
    return there(shapely.box(west, south, east, north))


def home(x: float, y: float = 0.0) -> Any:
    """A cell of 20 m around a place."""
    return square(x - 10, y - 10, x + 10, y + 10)


def collection(*features: tuple[str, str | None, Any, dict[str, Any]]) -> str:
    """A GeoJSON file of features: name, class, shape, attributes."""
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": {"feature": name, "feature_class": kind, "origin": "measured"} | more,
                    "geometry": json.loads(shapely.to_geojson(shape)),
                }
                for name, kind, shape, more in features
            ],
        }
    )


def people(residents: float) -> dict[str, Any]:
    """A tenth are children, a fifth elders."""
    return {"residents": residents, "children": residents / 10, "elders": residents / 5, "origin": "stand-in"}


CLINIC = ("clinic", "clinic", point(0), {})
LAYERS = {
    "zones": collection(("west", None, square(-2000, -2000, 3000, 3000), {})),
    "streets": collection(
        ("main", "residential", line((0, 0), (1000, 0)), {"width": 20}),
        ("island", "residential", line((4900, 0), (5200, 0)), {}),
        ("motorway", "motorway", line((300, 400), (900, 400)), {}),
    ),
    "facilities": collection(
        CLINIC,
        ("kept", "clinic", point(900), {"restricted_to": "officer"}),
        ("planned", "clinic", point(900), {"valid_from": "2031-01-01T00:00:00Z"}),
        ("school", "school", point(1000), {"places": 25}),
    ),
    "transit-stops": collection(("stop", "bus", point(700), {})),
    "parks": collection(("park", "pocket", square(380, -60, 480, -5), {})),
    "population": collection(
        ("a", None, home(0), people(100)),
        ("b", None, home(300), people(100)),
        ("c", None, home(900), people(120)),
        ("d", None, home(5000), people(100)),
        ("e", None, home(300, 400), people(100)),
    ),
}
CANDIDATES = ["candidate,facility_class,name_zh,name_en,longitude,latitude,origin,source"] + [
    f"{name},clinic,点,place,{point(x, y).x},{point(x, y).y},stand-in,x"
    for name, x, y in (("middle", 600, 0), ("far", 5050, 0), ("west", 100, 0), ("nowhere", 300, 900))
]
SITINGS = """siting,name_zh,name_en,day,facility_class,travel_mode,age_group,siting_goal,new_places,access_limit
one,一,one,2026-01-01,clinic,foot,all,covering,1,300
two,二,two,2026-01-01,clinic,foot,all,covering,2,300
way,路,way,2026-01-01,clinic,foot,elders,median,1,900
"""
EXTENTS = """zone,year,built_up_area,inhabitants,origin,source
west,2020,1000000,400,reported,x
west,2025,1200000,520,reported,x
"""
REGISTERS = {"facility_candidates": "\n".join(CANDIDATES) + "\n", "sitings": SITINGS, "urban_extents": EXTENTS}


class SmallTown:
    """The district's folder and its city; `registers` and `layers` in place of those above, an empty text for none."""

    def __init__(self, root: Path, registers: dict[str, str] | None = None, layers: dict[str, str] | None = None) -> None:
        self.folder = folder = root / "district"
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
