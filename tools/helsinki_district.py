"""Makes what `districts/helsinki` has beside OpenStreetMap's own features: zones and a stand-in grid of residents.

    .venv/bin/python -m tools.helsinki_district

It reads layers/helsinki.osm.pbf and writes layers/zones.geojson, layers/population.geojson and district.toml, always the same.
How both are found stands in SOURCES.md: the extract has neither whole boundaries nor people.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyproj import Transformer

from tools.standin_ground import save

HERE = Path(__file__).parent.parent / "districts" / "helsinki"
EXTRACT = HERE / "layers" / "helsinki.osm.pbf"
FRAME = (24.935176, 60.164155, 24.953415, 60.179114)  # degrees: the extent of the extract's features
METRIC = "EPSG:3067"  # ETRS89 / TM35FIN
CELL = 100.0  # [m]
STOREYS = 5.0  # where a building does not tell them
PERSON = 45.0  # [m**2] of floor by resident
ZONES_SOURCE = "OpenStreetMap boundary lines (admin_level 10), loose ends led on to the edge of the extract; ODbL"
PEOPLE_SOURCE = "rule of SOURCES.md from OpenStreetMap's buildings (ODbL); nobody was counted"
SHARES = {"apartments": 0.75, "residential": 0.85, "dormitory": 0.85, "house": 0.9, "terrace": 0.9, "yes": 0.3}  # of the floor
CHILDREN, ELDERS = 0.10, 0.17
NAMES = {  # zone: names (of the suburb's node in the extract, or of the city's district that is meant)
    "kluuvi": ("克鲁维（Kluuvi）", "Kluuvi"),
    "kaartinkaupunki": ("卡尔廷考蓬基（Kaartinkaupunki）", "Kaartinkaupunki"),
    "kruununhaka": ("克鲁努哈卡（Kruununhaka）", "Kruununhaka"),
    "kamppi": ("坎皮及普纳沃里（Kamppi, Punavuori）", "Kamppi and Punavuori"),
    "siltasaari": ("西尔塔萨里（Siltasaari）", "Siltasaari"),
}
INSIDE = {  # a place in each zone
    "kluuvi": (24.9473293, 60.1707783), "kaartinkaupunki": (24.9472225, 60.1652138), "kruununhaka": (24.9525, 60.1720),
    "kamppi": (24.9370, 60.1675), "siltasaari": (24.9497427, 60.1785),
}  # fmt: skip


def read(part: str, where: str) -> list[dict[str, Any]]:
    """Features of a part of the extract with their tags; shapes that the edge of the extract broke are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL tells of rings that the edge cut; they are looked at below
        _, table = pyogrio.read_arrow(EXTRACT, layer=part, where=where)
    rows = table.to_pylist()
    for row in rows:
        row["shape"] = shapely.from_wkb(row.pop("wkb_geometry"), on_invalid="ignore")
        row |= dict(re.findall(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"', row.get("other_tags") or ""))
    return [row for row in rows if row["shape"] is not None and not row["shape"].is_empty]


def zones() -> dict[str, shapely.Polygon]:
    """Parts of the extent between the lines of administrative boundaries, whose loose ends go on to the edge."""
    frame = shapely.box(*FRAME)
    lines = [row["shape"] for row in read("lines", "hstore_get_value(other_tags, 'admin_level') = '10'")]
    merged = shapely.line_merge(shapely.union_all(lines))
    ends: dict[tuple[float, float], int] = {}
    for line in shapely.get_parts(merged):
        for place in (line.coords[0], line.coords[-1]):
            ends[place] = ends.get(place, 0) + 1
    edge = frame.exterior
    for place, count in sorted(ends.items()):
        if count == 1:  # past the edge by a little, so that the lines cross
            near = edge.interpolate(edge.project(shapely.Point(place)))
            lines.append(
                shapely.LineString([place, (near.x * 1.000001 - place[0] * 1e-6, near.y * 1.000001 - place[1] * 1e-6)])
            )
    noded = shapely.union_all([*lines, edge], grid_size=1e-6)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded).tolist()))
    found = {zone: next(f for f in faces if f.contains(shapely.Point(INSIDE[zone]))) for zone in NAMES}
    for face in faces:  # a corner that is cut off joins the zone that it borders on most
        if not any(face.equals(other) for other in found.values()):
            shared = {name: shapely.length(other.intersection(face)) for name, other in found.items()}
            zone = max(shared, key=lambda name: shared[name])
            found[zone] = shapely.union(found[zone], face)
    return found


def residents() -> list[tuple[shapely.Polygon, int, int, int]]:
    """Cells of 100 m with residents, children and elders: the floors of homes by a rule, on the city's metric grid."""
    there, back = (Transformer.from_crs(a, b, always_xy=True) for a, b in (("EPSG:4326", METRIC), (METRIC, "EPSG:4326")))
    people: dict[tuple[int, int], float] = {}
    for row in read("multipolygons", "building IS NOT NULL"):
        share = SHARES.get(row["building"], 0.0)
        if not share:
            continue
        shape = shapely.transform(row["shape"], lambda xy: np.column_stack(there.transform(xy[:, 0], xy[:, 1])))
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
        if shape.is_empty:
            continue
        told = re.fullmatch(r"\d+(\.\d+)?", row.get("building:levels") or "")
        floor = shape.area * (float(told[0]) if told else STOREYS) * share
        x, y = shape.centroid.coords[0]
        cell = (int(x // CELL), int(y // CELL))
        people[cell] = people.get(cell, 0.0) + floor / PERSON
    rows = []
    for (i, j), count in sorted(people.items()):
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
        ring = [[round(c, 6) for c in back.transform(a * CELL, b * CELL)] for a, b in corners]
        if round(count):
            rows.append((shapely.Polygon(ring), round(count), round(count * CHILDREN), round(count * ELDERS)))
    return rows


def plain(shape: shapely.Geometry) -> dict[str, Any]:
    """GeoJSON of a shape."""
    found: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return found


def main() -> None:
    """Writes both layers and the settings."""
    faces, metres = zones(), Transformer.from_crs("EPSG:4326", METRIC, always_xy=True)
    areas = {
        zone: round(shapely.transform(face, lambda xy: np.column_stack(metres.transform(xy[:, 0], xy[:, 1]))).area)
        for zone, face in faces.items()
    }
    told = [
        {"zone": zone, "name_zh": zh, "name_en": en, "origin": "estimated", "source": ZONES_SOURCE}
        for zone, (zh, en) in NAMES.items()
    ]
    save(HERE / "layers" / "zones.geojson", ((row, plain(shapely.normalize(faces[row["zone"]]).reverse())) for row in told))
    cells = []
    for number, (cell, count, children, elders) in enumerate(residents(), 1):
        row = {"feature": f"cell-{number:03d}", "feature_class": "residents", "residents": count, "children": children}
        cells.append((row | {"elders": elders, "origin": "stand-in", "source": PEOPLE_SOURCE}, plain(cell)))
    save(HERE / "layers" / "population.geojson", cells)
    lines = [
        "# Central Helsinki, of an extract of OpenStreetMap; written by tools/helsinki_district.py.",
        *("[district]", 'slug = "helsinki"', 'name = { zh = "赫尔辛基市中心", en = "Central Helsinki" }'),
        *('timezone = "Europe/Helsinki"', 'languages = ["zh", "en"]', ""),
        *("[space]", f'crs = "{METRIC}"  # lengths and areas are in ETRS-TM35FIN', ""),
        *("[[zone]]", 'zone = "district"', 'name_zh = "赫尔辛基市中心"', 'name_en = "Central Helsinki"'),
        *(f"area = {sum(areas.values())}", 'source = "extent of the extract"', ""),
    ]
    for zone, (zh, en) in NAMES.items():
        lines += ["[[zone]]", f'zone = "{zone}"', 'parent = "district"', f'name_zh = "{zh}"', f'name_en = "{en}"']
        lines += [f"area = {areas[zone]}", f'source = "{ZONES_SOURCE}"', ""]
    (HERE / "district.toml").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
