"""A city of a few layers: parcels of which some are restricted, pipes below the ground, points at the antimeridian, secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.kernel.computing import Computing
from scicity.kernel.district import KERNEL_SOURCES, District
from scicity.kernel.lake import Lake
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Catalog
from scicity.space import loading, register
from scicity.space.editing import EDIT
from scicity.stores import store_at

DISTRICT = """
[district]
slug = "layered"
name = { zh = "图城", en = "Layered City" }
timezone = "Asia/Shanghai"
languages = ["zh", "en"]

[[zone]]
zone = "district"
name_zh = "全区"
name_en = "whole district"
area = 1000000.0
residents = 1200.0
source = "a plan"
"""
REGISTER = """\
layer,theme,name_zh,name_en,layer_file,class_from,height_from,valid_from_from,valid_to_from,restricted_from,stratum,responsible_zh,\
responsible_en,licence,agreement_no,visible_to,editable,origin,source
parcels,planning,地块,Parcels,parcels.geojson,use,tall,from,to,for_roles,surface,规划局,Planning Bureau,\
https://example.org/licence,协议-1,,true,stand-in,made for tests
pipes,underground,管线,Pipes,pipes.geojson,kind,,,,,underground,,,,,officer reviewer,,stand-in,made for tests
islands,base,岛,Islands,islands.geojson,,,,,,,,,,,,,stand-in,made for tests
"""
WEST, SOUTH, STEP = 116.40, 40.10, 0.001


def parcel(number: int) -> dict[str, Any]:
    """The parcels lie in ten rows of ten; each tenth is for officers alone."""
    x, y = WEST + number % 10 * STEP, SOUTH + number // 10 * STEP
    ring = [[x, y], [x + STEP, y], [x + STEP, y + STEP], [x, y + STEP], [x, y]]
    return {
        "type": "Feature",
        "id": f"p{number:03}",
        "geometry": {"type": "Polygon", "coordinates": [[[round(a, 6), round(b, 6)] for a, b in ring]]},
        "properties": {
            "name_zh": f"地块{number}",
            "name_en": f"Parcel {number}",
            "use": ("R2", "B1", "G1", "M1")[number % 4],
            "tall": float(number % 7 * 6),
            "from": "2018-01-01" if number % 5 == 0 else None,
            "to": "2020-01-01T00:00:00Z" if number % 25 == 0 else None,
            "for_roles": "officer" if number % 10 == 9 else None,
            "floors": number % 7 * 2,
            "owner": f"Owner {number}" if number % 10 != 9 else "Secret Service",
            "protected": number % 3 == 0,
            "height": "a word of the file",
        },
    }


def point(name: str, longitude: float, latitude: float) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": {"name_en": name}}


PIPES = [
    {
        "type": "Feature",
        "id": f"w{number}",
        "geometry": {
            "type": "LineString",
            "coordinates": [[116.4, 40.1 + number / 1000, -3.0], [116.41, 40.1 + number / 1000, -4.5]],
        },
        "properties": {"kind": "water main", "bore": 300 + number},
    }
    for number in range(3)
]
ISLANDS = [point("west", -179.9, 10.0), point("east", 179.9, 10.0), point("far", 0.0, 0.0)]


def write(folder: Path, parcels: int = 100) -> None:
    """The folder of the district."""
    (folder / "layers").mkdir(parents=True)
    (folder / "registers").mkdir()
    (folder / "district.toml").write_text(DISTRICT, encoding="utf-8")
    (folder / "registers" / "layers.csv").write_text(REGISTER, encoding="utf-8")
    for name, features in (("parcels", [parcel(n) for n in range(parcels)]), ("pipes", PIPES), ("islands", ISLANDS)):
        told = {"type": "FeatureCollection", "features": features}
        (folder / "layers" / f"{name}.geojson").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


def build(root: Path) -> OpenCity:
    """Writes the folder, brings register and layers to a lake of these tables alone, and opens it as a city to be served."""
    folder, state = root / "district", root / "state"
    if not folder.exists():
        write(folder)
    problems = Problems()
    district = District.open(folder, problems)
    catalog = Catalog([*KERNEL_SOURCES, register.LAYER, EDIT, *register.tables_of(district)])
    lake = Lake(state / "layered" / "lake", store_at(state / "layered", district.slug))
    computing = Computing(lake, catalog, district.calendar)
    for declared, rows in district.sources(catalog, problems).items():
        computing.put(catalog[declared], rows)
    for spec in register.specs_of(district).values():
        computing.put(spec.table, loading.rows(spec, folder, district.calendar, problems))
    problems.refuse()
    return OpenCity(district, Figures(computing), Place(folder, state))
