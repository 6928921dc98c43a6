"""Makes the stand-in layers of `districts/future-science-city` and `districts/demo`, the same each time.

    .venv/bin/python -m tools.standin_layers [NAME ...]

Schematic shapes within the schematic zones, to the few figures that the report prints; every feature says `stand-in` and the
rule by which it was drawn, which SOURCES.md of the district tells. It writes `layers/*` (but `zones` and `outline`) and
`registers/layers.csv`; the zones, the registers of buildings and parcels and district.toml are read.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from tools.standin_below import Below
from tools.standin_built import Built
from tools.standin_ground import Ground, Town, save
from tools.standin_parcels import Feature, Land
from tools.standin_places import Places
from tools.standin_towns import TOWNS
from tools.standin_ways import Ways

STAFF = "administrator leader officer data-officer authority reviewer"
# layer, theme, names, suffix of the file, stratum, days of the update duty, editable, visible to
LAYERS: tuple[tuple[str, str, str, str, str, str, int, bool, str], ...] = (
    ("parcels", "planning", "地块与土地利用", "Parcels and land use", "geojson", "", 365, False, ""),
    (
        "plan-regulatory",
        "planning",
        "控制性详细规划（示意）",
        "Regulatory detailed plan (stand-in)",
        "geojson",
        "",
        1825,
        False,
        "",
    ),
    (
        "plan-greenspace",
        "planning",
        "绿地专项规划（示意）",
        "Green-space special plan (stand-in)",
        "geojson",
        "",
        1825,
        False,
        STAFF,
    ),
    ("control-lines", "planning", "控制线", "Control lines", "geojson", "", 1825, False, ""),
    ("strategic-reserve", "planning", "战略留白", "Strategic reserve", "geojson", "", 365, False, ""),
    ("buildings", "buildings", "建筑", "Buildings", "geojson", "above", 365, False, ""),
    ("heritage-sites", "heritage", "文物与历史遗存", "Heritage sites", "geojson", "", 365, False, ""),
    ("protection-ranges", "heritage", "保护范围与建设控制地带", "Protection ranges", "geojson", "", 1825, False, ""),
    ("view-corridors", "heritage", "视线通廊", "View corridors", "geojson", "above", 1825, False, ""),
    ("parks", "green", "公园", "Parks", "geojson", "", 180, True, ""),
    ("green-space", "green", "绿地", "Green space", "geojson", "", 365, False, ""),
    ("greenways", "green", "绿道", "Greenways", "geojson", "", 365, False, ""),
    ("water", "water", "水系", "Rivers and lakes", "geojson", "", 365, False, ""),
    ("streets", "transport", "道路与步道", "Streets and paths", "parquet", "", 180, False, ""),
    ("transit-stops", "transport", "公交与地铁站点", "Public transport stops", "csv", "", 90, True, ""),
    ("facilities", "services", "公共服务设施", "Facilities", "csv", "", 90, True, ""),
    ("population", "services", "常住人口网格", "Grid of residents", "geojson", "", 365, False, ""),
    ("pipes", "underground", "地下管线", "Pipes", "parquet", "underground", 180, False, ""),
    ("tunnels", "underground", "管廊与隧道", "Tunnels", "geojson", "underground", 365, False, ""),
)
KEPT = {  # layers of files that are not made here: theme, names, stratum, origin, source
    "zones": ("base", "分区", "Zones", "stand-in", "schematic rectangles to scale of the report's areas"),
    "outline": (
        "base",
        "昌平区轮廓",
        "Outline of Changping",
        "reported",
        "Apache ECharts 4.9.0 map data (Apache-2.0), about 100 m",
    ),
}
COLUMNS = (
    *(
        "layer",
        "theme",
        "name_zh",
        "name_en",
        "layer_file",
        "crs",
        "feature_from",
        "stratum",
        "responsible_zh",
        "responsible_en",
    ),
    *("licence", "update_days", "visible_to", "editable", "origin", "source"),
)


def makers(town: Town) -> dict[str, Callable[[], Iterable[Feature]]]:
    """What makes the features of each layer."""
    ground = Ground(town)
    land, ways = Land(ground), Ways(ground)
    built, places, below = Built(land), Places(land), Below(ground, ways)
    return {
        "parcels": land.features, "plan-regulatory": land.regulatory, "plan-greenspace": land.green_plan,
        "control-lines": lambda: [*land.control_lines(), *places.purple()],
        "strategic-reserve": land.reserve, "buildings": built.buildings,
        "heritage-sites": places.sites, "protection-ranges": places.ranges, "view-corridors": places.views,
        "parks": places.parks, "green-space": land.green_space, "greenways": ways.greenways, "water": land.water,
        "streets": ways.streets, "transit-stops": ways.stops, "facilities": built.facilities,
        "population": built.population, "pipes": below.pipes, "tunnels": below.tunnels,
    }  # fmt: skip


def write(town: Town, folder: Path) -> None:
    """All layers of a district and their register, below a folder."""
    features_of = makers(town)
    savers = {"geojson": save, "parquet": save_parquet, "csv": save_csv}
    for layer, _, _, _, suffix, *_ in LAYERS:
        file = folder / "layers" / f"{layer}.{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        savers[suffix](file, features_of[layer]())
    write_register(town, folder)


def write_register(town: Town, folder: Path) -> None:
    """registers/layers.csv."""
    rows: list[dict[str, Any]] = []
    for layer, (theme, zh, en, origin, source) in KEPT.items():
        if (town.folder / "layers" / f"{layer}.geojson").is_file():
            told = {"layer": layer, "theme": theme, "name_zh": zh, "name_en": en, "layer_file": f"{layer}.geojson"}
            told["feature_from"] = "zone" if layer == "zones" else "adcode"
            rows.append(told | {"licence": "Apache-2.0", "origin": origin, "source": source})
    for layer, theme, zh, en, suffix, stratum, days, editable, seen_by in LAYERS:
        rows.append({
            "layer": layer, "theme": theme, "name_zh": zh, "name_en": en, "layer_file": f"{layer}.{suffix}", "stratum": stratum,
            "feature_from": "feature", "responsible_zh": "示意：无实际责任单位", "responsible_en": "None: a stand-in",
            "crs": "EPSG:4326" if suffix == "csv" else "", "licence": "Apache-2.0", "update_days": days, "visible_to": seen_by,
            "editable": "true" if editable else "",
            "origin": "stand-in", "source": "made by tools/standin_layers.py, rules in SOURCES.md",
        })  # fmt: skip
    file = folder / "registers" / "layers.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def save_csv(file: Path, features: Iterable[Feature]) -> None:
    """Points as a CSV file with longitude and latitude."""
    rows = []
    for properties, geometry in features:
        longitude, latitude = geometry["coordinates"][:2]
        rows.append(properties | {"longitude": longitude, "latitude": latitude})
    names = list(dict.fromkeys(name for row in rows for name in row))
    last = [name for name in ("longitude", "latitude", "origin", "source") if name in names]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, [*(name for name in names if name not in last), *last], lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)


def table_of(features: Iterable[Feature]) -> pa.Table:
    """Features as a table of GeoParquet 1.1: WKB in longitude and latitude (OGC:CRS84 where nothing else is said)."""
    told = list(features)
    names = list(dict.fromkeys(name for properties, _ in told for name in properties))
    data: dict[str, Any] = {name: [properties.get(name) or None if properties.get(name) == "" else properties.get(name)
                                   for properties, _ in told] for name in names}  # fmt: skip
    shapes = [shapely.from_geojson(json.dumps(geometry)) for _, geometry in told]
    data["geometry"] = pa.array([shapely.to_wkb(each, output_dimension=3 if each.has_z else 2) for each in shapes], pa.binary())
    kinds = sorted({each.geom_type + (" Z" if each.has_z else "") for each in shapes})
    about = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": kinds}},
    }
    return pa.table(data).replace_schema_metadata({"geo": json.dumps(about)})


def save_parquet(file: Path, features: Iterable[Feature]) -> None:
    """A GeoParquet file."""
    pq.write_table(table_of(features), file, compression="zstd", compression_level=19)


def main(names: list[str]) -> None:
    """Writes the layers of these districts, or of both."""
    for name in names or list(TOWNS):
        town = TOWNS[name]()
        write(town, town.folder)
        print(f"{sum(each.stat().st_size for each in town.folder.glob('layers/*')) / 1e6:.2f} MB of layers in {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
