"""A feature with all that is known of it: of its layer, of registers that know its id, of figures and readings of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely
from pyproj import Geod

from scicity.cockpit import digits
from scicity.cockpit.city import OpenCity
from scicity.cockpit.map.layers import class_word, index_of
from scicity.cockpit.map.values import ASIDE, KEYS, STREAMS, TIMES, newest_readings, reading_of, things
from scicity.cockpit.opening import is_figure
from scicity.kernel.lineage import Figure, Row
from scicity.kernel.tables import READING_PREFIX, Derived, Source, Table
from scicity.space.index import Query
from scicity.space.register import Spec
from scicity.vocabulary import terms

COLUMNS = (
    *("feature", "name_zh", "name_en", "feature_class", "stratum", "elevation", "height", "depth", "valid_from", "valid_to"),
    *("restricted_to", "origin", "source", "digest", "details", "geometry"),
)
STRATUM_WORDS = {
    "above": ("地上", "above ground"),
    "surface": ("地面", "on the surface"),
    "underground": ("地下", "underground"),
}
# Attributes of files that are read by people: what they are called. Others stand as the file has them.
DETAIL_WORDS = {
    "diameter": ("管径（mm）", "diameter (mm)"),
    "material": ("材质", "material"),
    "from_node": ("起点节点", "from node"),
    "to_node": ("终点节点", "to node"),
    "from_depth": ("起点埋深（m）", "depth at the first node (m)"),
    "to_depth": ("终点埋深（m）", "depth at the last node (m)"),
    "floors": ("层数", "floors"),
    "width": ("宽（m）", "width (m)"),
    "clear_height": ("净高（m）", "clear height (m)"),
    "compartments": ("舱室数", "compartments"),
    "part_of": ("所属", "part of"),
    "holds": ("容纳", "holds"),
    "parcel": ("地块", "parcel"),
    "zone": ("分区", "zone"),
    "maxspeed": ("限速（km/h）", "speed limit (km/h)"),
    "surface": ("路面", "surface"),
    "oneway": ("单行", "one way"),
    "bicycle": ("可骑行", "bicycles"),
    "foot": ("可步行", "on foot"),
    "slope": ("坡度", "slope"),
    "barrier_free": ("无障碍", "barrier-free"),
    "places": ("容量（座位/床位/学位）", "places (seats, beds, pupils)"),
    "residents": ("常住人口", "residents"),
    "children": ("儿童", "children"),
    "elders": ("老年人", "elders"),
    "height_limit": ("限高（m）", "height limit (m)"),
    "site": ("所护对象", "site"),
    "built": ("建成", "built"),
    "lines": ("线路", "lines"),
    "registered": ("在建筑台账中", "in the register of buildings"),
}
TABLES, ROWS, FIGURES = 14, 6, 6  # of a page: tables, rows of each, figures of a row


@dataclass(frozen=True)
class Known:
    """What one table knows of a feature."""

    table: Table
    rows: Sequence[Row]
    columns: Sequence[str]
    beside: Sequence[str]  # other columns of the grain


def found(city: OpenCity, spec: Spec, feature: str, roles: frozenset[str] | None) -> dict[str, Any] | None:
    """A feature as its index has it; None where there is none that a reader with these roles may see."""
    index = index_of(city, spec.layer)
    if index.about("version") is None:
        return None
    rows = index.find(Query(ids=[feature], seen=roles, limit=1), COLUMNS)
    return dict(zip(COLUMNS, rows[0], strict=True)) if rows else None


def shape_of(row: dict[str, Any]) -> Any:
    """Its geometry."""
    return shapely.from_wkb(row["geometry"])


def facts(city: OpenCity, spec: Spec, row: dict[str, Any], language: str) -> list[tuple[str, str]]:
    """What a layer tells of a feature, as words: label, text."""
    chinese = language == "zh"
    said = [
        (("类别", "Class"), class_word(spec, row["feature_class"], language) if row["feature_class"] else ""),
        (("空间层次", "Level"), STRATUM_WORDS.get(row["stratum"], (row["stratum"] or "",) * 2)[not chinese]),
        (("埋深（顶部）", "Depth of its top"), _metres(row["depth"], language)),
        (("高度", "Height"), _metres(row["height"], language)),
        (("高程", "Elevation above sea level"), _metres(row["elevation"], language)),
        (("存在时间", "There in time"), validity(city, row, language)),
        (("大小", "Size"), size_of(shape_of(row), language)),
    ]
    return [(label[not chinese], text) for label, text in said if text]


def details(row: dict[str, Any], language: str) -> list[tuple[str, str]]:
    """All other attributes of a feature, with keys that people read."""
    told = json.loads(row["details"] or "{}")
    return [(_key(name, language), _cell(value, language)) for name, value in sorted(told.items()) if value not in (None, "")]


def _key(name: str, language: str) -> str:
    if name in DETAIL_WORDS:
        return DETAIL_WORDS[name][language != "zh"]
    known = terms().get(name)
    return (known.name(language) if known else "") or name.replace("_", " ")


def _cell(value: Any, language: str) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return digits.written(value, language, full=True)


def _metres(value: float | None, language: str) -> str:
    return "" if value is None else f"{digits.written(value, language)} m"


def validity(city: OpenCity, row: dict[str, Any], language: str) -> str:
    """From when to when a feature is there, in days of the district."""
    zone = city.district.calendar.tz

    def day(moment: int) -> str:
        return datetime.fromtimestamp(moment / 1e6, UTC).astimezone(zone).date().isoformat()

    since, until = row["valid_from"], row["valid_to"]
    if since is None and until is None:
        return "始终（未注明）" if language == "zh" else "always (not told)"
    first = day(since) if since is not None else ("以前" if language == "zh" else "before")
    last = day(until) if until is not None else ("至今及以后" if language == "zh" else "on")
    if language == "zh":
        return f"{first} 起" if until is None else f"{first} 至 {last}（不含）"
    return f"from {first} on" if until is None else f"from {first} to {last} (excluded)"


def size_of(shape: Any, language: str) -> str:
    """The length of a line or the area of an area on the ellipsoid."""
    geod = Geod(ellps="WGS84")
    if shape.geom_type in ("LineString", "MultiLineString"):
        return f"{digits.written(geod.geometry_length(shape), language)} m"
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        area = abs(geod.geometry_area_perimeter(shapely.normalize(shapely.orient_polygons(shape)))[0])
        amount, unit = digits.in_larger_unit(area, "m²", language)
        return f"{digits.written(amount, language)} {unit}"
    return ""


def key_of_layer(layer: str) -> str:
    """The column that a layer's ids are values of in tables: `building` of `buildings`; nothing where it is none."""
    single = f"{layer[:-3]}y" if layer.endswith("ies") else layer.removesuffix("s")
    return single.replace("-", "_") if single.replace("-", "_") in terms() else ""


def registers(city: OpenCity, layer: str, feature: str) -> list[Known]:
    """The rows of registers that know a feature's id."""
    key = key_of_layer(layer)
    result = []
    for table in city.figures.catalog.sources if key else ():
        if key in table.columns and table.packaged is None and isinstance(table, Source):
            rows = city.rows(table.name, where={key: feature}, limit=ROWS)
            if rows:
                result.append(Known(table, rows, *_columns(table, key)))
    return result[:TABLES]


def figures(city: OpenCity, layer: str, feature: str) -> list[Known]:
    """The newest figures of a feature of derived tables, each leading to why."""
    key = key_of_layer(layer)
    result: list[Known] = []
    for table in city.figures.catalog.tables.values() if key in KEYS else ():
        if not isinstance(table, Derived) or key not in table.grain or {"hour", "day", "month"} & set(table.grain):
            continue
        time = next((each for each in TIMES if each in table.grain), "")
        columns, beside = _columns(table, key)
        if not columns:
            continue
        rows = city.rows(table.name, where={key: feature}, order=[f"-{time}"] if time else (), limit=ROWS)
        newest = [row for row in rows if not time or row[time] == rows[0][time]]
        if newest:
            result.append(Known(table, newest, columns, beside))
        if len(result) == TABLES:
            break
    return result


def _columns(table: Table, key: str) -> tuple[list[str], list[str]]:
    shown = [each for each in table.columns if is_figure(table.grain, each) and each not in ASIDE][:FIGURES]
    aside = ("source", "source_file", "source_row", "origin", "review", "reason", "document", "name_zh", "name_en")
    if isinstance(table, Derived):
        return shown, [each for each in table.grain if each != key]
    texts = [
        each
        for each in table.columns
        if each not in (key, *shown, *aside) and terms()[each].type in ("text", "instant", "date")
    ]
    return shown, texts[:FIGURES]


def readings(city: OpenCity, layer: str, feature: str) -> list[tuple[str, Row, Figure]]:
    """The newest reading of each datastream at a feature: what is observed, its row, and the value."""
    key = key_of_layer(layer)
    here = {thing for thing, places in things(city).items() if (key, feature) in places} if key in KEYS else set()
    by_table: dict[str, list[str]] = {}
    for row in city.rows(STREAMS) if here else ():
        if row["thing"] in here:
            by_table.setdefault(READING_PREFIX + row["property"], []).append(row["datastream"])
    return [
        (table.removeprefix(READING_PREFIX), row, reading_of(row))
        for table, streams in sorted(by_table.items())
        if table in city.figures.catalog.tables
        for row in newest_readings(city, city.figures.catalog[table], streams)
    ]


def geojson(rows: Sequence[dict[str, Any]], properties: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Features of GeoJSON from rows with a geometry, each with its properties."""
    shapes = shapely.to_geojson(shapely.from_wkb(np.array([row["geometry"] for row in rows], object)))
    return [
        {"type": "Feature", "geometry": json.loads(shape), "properties": told}
        for shape, told in zip(shapes, properties, strict=True)
    ]
